/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first step of a repair: Open vSwitch is made to build the VM's storage flows anew (flows/reoffer.h),
 * which offers them to the NIC once more. When hardware counters say that this was all that was missing,
 * no rule stays in the switch and no remedy on disk; the journal has it. Whoever is killed in the middle
 * leaves rules that change no packet's fate, and that the switch itself takes out after a minute.
 */

#include <errno.h>
#include <stdlib.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/ovs/log.h"
#include "lib/remedy_steps.h"
#include "lib/store/journal.h"

/* For the journal: who did what to which VM. */
static void remedy_for_journal(const struct fl_operator *op, const struct fl_plan *plan,
                               struct fl_remedy *remedy)
{
    fl_remedy_init(remedy);
    fl_flowset_destroy(&remedy->set);
    fl_flowset_copy(&remedy->set, &plan->reoffer);
    remedy->who = xstrdup(op->who ? op->who : "unknown");
    remedy->ticket = nullable_xstrdup(op->ticket);
    remedy->before = plan->vm ? fl_vm_audit_to_json(plan->vm) : NULL;
}

static int note(const struct fl_operator *op, struct fl_remedy *remedy, enum fl_remedy_state state,
                char *reason, struct fl_error *err)
{
    free(remedy->reason);
    remedy->reason = reason;
    remedy->state = state;
    return fl_journal_append(op->root, "reoffer", remedy,
                             json_pack("{s:O?, s:O?}", "before", remedy->before, "after",
                                       remedy->after),
                             err);
}

/* The rules go in, the flows are watched, and the rules are out again. Return: as fl_step_watch() */
static int offer_again(const struct fl_operator *op, struct fl_remedy *remedy,
                       struct fl_outcome *outcome, struct fl_error *err)
{
    const struct fl_watch how = { .decoys = true, .n_good = 2, .log_mark = fl_log_mark() };
    struct fl_error trouble = FL_ERROR_INIT;
    size_t n_deleted;
    int life, error;

    fl_step_say(op, "having Open vSwitch offer the flows again");
    life = fl_step_install(op, &remedy->set, true, err);
    if (!life) {
        outcome->changed = true;
        life = fl_step_watch(op, &remedy->set, &how, outcome, &remedy->after, err);
    }
    error = fl_step_remove(op, &remedy->set, NULL, remedy->set.cookie, &n_deleted, &trouble);
    if (error) {
        fl_error_clear(err);
        return fl_error_set(err, error, "%s", trouble.text);
    }
    return life;
}

int fl_step_reoffer(const struct fl_operator *op, const struct fl_plan *plan,
                    struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_remedy remedy;
    int life, error;

    remedy_for_journal(op, plan, &remedy);
    error = note(op, &remedy, FL_REMEDY_PLANNED,
                 xstrdup("Open vSwitch is to offer the flows to the NIC again"), err);
    if (error) {
        fl_remedy_destroy(&remedy);
        return error;
    }
    life = offer_again(op, &remedy, outcome, err);
    if (life == FL_LIFE_GOOD) {
        char *reason = xasprintf("offered to the NIC again, no rule was needed: %s",
                                 outcome->reason);

        free(outcome->reason);
        outcome->reason = reason;
        outcome->state = FL_REMEDY_VERIFIED;
        outcome->reoffered = true;
        error = note(op, &remedy, FL_REMEDY_VERIFIED, xstrdup(reason), err);
    } else if (life >= 0) {
        error = note(op, &remedy, FL_REMEDY_REVERTED,
                     xasprintf("offered to the NIC again, to no avail: %s", outcome->reason), err);
        error = error ? error : -EAGAIN;
    } else {
        struct fl_error ignored = FL_ERROR_INIT;

        note(op, &remedy, FL_REMEDY_REVERTED, xstrdup(err->text), &ignored);
        error = life;
    }
    fl_remedy_destroy(&remedy);
    return error;
}
