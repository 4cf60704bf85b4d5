/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/ovs/log.h"
#include "lib/remedy_steps.h"
#include "lib/store/journal.h"

/* In the background: others wait for the store meanwhile. Decoys are out again after them. */
#define REBUILDING_LOOKS 5

static void set_reason(struct fl_outcome *outcome, char *reason)
{
    free(outcome->reason);
    outcome->reason = reason;
}

/* The remedy that @plan makes, with the file that may be there as its past. Return: 0; -ESTALE */
static int remedy_of_plan(const struct fl_operator *op, struct fl_store *store,
                          struct fl_plan *plan, struct fl_remedy *remedy, struct fl_error *err)
{
    struct fl_error ignored = FL_ERROR_INIT;
    bool is_known = !fl_store_get(store, plan->set.vm_id, remedy, &ignored);
    int64_t decided_ms = is_known ? remedy->decided_ms : 0;
    int error = is_known ? fl_step_check_decided(op, remedy, err) : 0;

    if (error) {
        fl_remedy_destroy(remedy);
        return error;
    }
    if (!is_known || (!plan->installed && !plan->renews)) {
        if (is_known) {
            fl_remedy_destroy(remedy);
        }
        fl_remedy_init(remedy);
        remedy->created_ms = fl_time_now_ms();
        remedy->decided_ms = decided_ms;
        remedy->who = xstrdup(op->who ? op->who : "unknown");
    }
    /* Rules that take the place of others are no decision of anybody's. */
    if (!is_known || !plan->renews) {
        fl_step_decide(op, remedy, true);
    }
    if (op->ticket) {
        free(remedy->ticket);
        remedy->ticket = xstrdup(op->ticket);
    }
    if (fl_until_is_set(&op->until)) {
        remedy->until = op->until;
    }
    fl_flowset_destroy(&remedy->set);
    remedy->set = plan->set;
    fl_flowset_init(&plan->set, remedy->set.vm_id, remedy->set.vm_name);
    if (!remedy->before) {
        remedy->before = plan->vm ? fl_vm_audit_to_json(plan->vm) : json_incref(plan->before);
    }
    return 0;
}

/* Rules out, file and journal say why. The caller's cause stays in @err when this works. */
static int take_back(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                     struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_error trouble = FL_ERROR_INIT, ignored = FL_ERROR_INIT;
    size_t n_deleted;
    int error;

    fl_step_forget_connections(op, &remedy->set, &ignored); /* the rules go out all the same */
    error = fl_step_remove(op, &remedy->set, NULL, remedy->set.cookie, &n_deleted, &trouble);
    if (!error) {
        outcome->state = FL_REMEDY_REVERTED;
        error = fl_step_record(op, store, remedy, FL_REMEDY_REVERTED, "revert", outcome->reason,
                               &trouble);
    }
    if (error) {
        fl_error_clear(err);
        fl_error_set(err, error, "%s", trouble.text);
        fl_error_prefix(err, "reverting because %s did not work", outcome->reason);
    }
    return error;
}

/* @deadline: of before, that stays when @op has none */
static int install(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   int64_t deadline, struct fl_outcome *outcome, struct fl_error *err)
{
    int error;

    remedy->confirm_by_ms = op->confirm_within_ms ? fl_time_now_ms() + op->confirm_within_ms
                                                  : deadline;
    error = fl_step_record(op, store, remedy, FL_REMEDY_PLANNED, "plan", "about to be installed",
                           err);
    if (error) {
        return error;
    }
    if (remedy->confirm_by_ms && op->installing) {
        error = op->installing(remedy, op->installing_aux, err);
    }
    if (!error) {
        fl_step_say(op, "installing the rules in one bundle");
        error = fl_step_install(op, &remedy->set, true, err);
    }
    if (error) {
        struct fl_error ignored = FL_ERROR_INIT;
        size_t n_deleted;

        /* A set over two bridges may be half in. */
        fl_step_remove(op, &remedy->set, NULL, remedy->set.cookie, &n_deleted, &ignored);
        fl_step_record(op, store, remedy, FL_REMEDY_REVERTED, "revert", err->text, &ignored);
        return error;
    }
    outcome->changed = true;
    outcome->state = FL_REMEDY_INSTALLED;
    error = fl_step_record(op, store, remedy, FL_REMEDY_INSTALLED, "install",
                           "installed, not verified yet", err);
    if (error) {
        set_reason(outcome, xstrdup("the remedy file could not be written"));
        take_back(op, store, remedy, outcome, err);
    }
    return error;
}

/* What the watch saw becomes the remedy's state. */
static int conclude(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                    int life, bool stalled, struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_error ignored = FL_ERROR_INIT;
    char *why;
    int error;

    if (life == FL_LIFE_GOOD) {
        outcome->state = FL_REMEDY_VERIFIED;
        /* Now, since nobody asks us when the rules are lost with a restart of OVS. */
        fl_step_forget_connections(op, &remedy->set, &ignored);
        return fl_step_record(op, store, remedy, FL_REMEDY_VERIFIED, "verify", outcome->reason,
                              err);
    }
    if (life == FL_LIFE_QUIET && !stalled) {
        set_reason(outcome,
                   xstrdup("installed; there is no storage traffic yet to verify it with"));
        return fl_step_record(op, store, remedy, FL_REMEDY_INSTALLED, "verify", outcome->reason,
                              err);
    }
    why = stalled && life == FL_LIFE_QUIET
              ? xstrdup("storage traffic stopped after the rules went in")
          : outcome->evidence
              ? xasprintf("%s; ovs-vswitchd logged: %s", outcome->reason, outcome->evidence)
              : xstrdup(outcome->reason);
    set_reason(outcome, why);
    fl_step_say(op, "it did not help: taking the rules out again");
    error = take_back(op, store, remedy, outcome, err);
    return error ? error : fl_error_set(err, -ECANCELED, "%s", outcome->reason);
}

static int watch(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                 bool was_busy, const struct fl_watch *how, struct fl_outcome *outcome,
                 struct fl_error *err)
{
    json_t *after;
    int life;

    fl_step_say(op, "watching the counters");
    life = fl_step_watch(op, &remedy->set, how, outcome, &after, err);
    json_decref(remedy->after);
    remedy->after = after;
    if (life < 0) {
        struct fl_error ignored = FL_ERROR_INIT;

        set_reason(outcome, xasprintf("could not be verified: %s", err->text));
        fl_step_record(op, store, remedy, outcome->state, "verify", outcome->reason, &ignored);
        return life;
    }
    return conclude(op, store, remedy, life, was_busy || outcome->had_traffic, outcome, err);
}

bool fl_plan_was_busy(const struct fl_plan *plan)
{
    uint64_t packets = 0;

    for (enum fl_path path = 0; plan->vm && path < FL_N_PATHS; path++) {
        packets += plan->vm->storage.packets[path];
    }
    return packets > 0 || plan->was_busy;
}

/* The rules of @plan, whatever was tried before. */
static int simplify(const struct fl_operator *op, struct fl_store *store, struct fl_plan *plan,
                    struct fl_outcome *outcome, struct fl_error *err)
{
    bool was_busy = fl_plan_was_busy(plan);
    struct fl_presence presence;
    struct fl_remedy remedy;
    struct fl_watch how = { .n_good = 1, .log_mark = fl_log_mark() };
    bool present;
    int error;

    error = remedy_of_plan(op, store, plan, &remedy, err);
    if (error) {
        return error;
    }
    error = fl_step_present(op, &remedy.set, &presence, err);
    present = !error && presence.n_present == fl_step_n_rules(&remedy.set) && !presence.n_foreign;
    if (!error && !present) {
        error = install(op, store, &remedy, plan->renews ? remedy.confirm_by_ms : 0, outcome, err);
        how.decoys = remedy.set.n_rules > fl_step_n_rules(&remedy.set);
        how.n_good = 2;
        how.until_ms = remedy.confirm_by_ms;
    } else if (!error) {
        outcome->state = remedy.state == FL_REMEDY_VERIFIED ? FL_REMEDY_VERIFIED
                                                            : FL_REMEDY_INSTALLED;
    }
    if (!error) {
        error = watch(op, store, &remedy, was_busy, &how, outcome, err);
    }
    outcome->confirm_by_ms = remedy.confirm_by_ms;
    outcome->until = remedy.until;
    fl_remedy_destroy(&remedy);
    return error;
}

/* It was offered again, which did not help, or could not be; and nothing else can be done. */
static int give_up(const struct fl_plan *plan, struct fl_outcome *outcome, struct fl_error *err)
{
    bool was_offered = plan->reoffer.n_rules;

    outcome->state = FL_REMEDY_REVERTED;
    set_reason(outcome, xasprintf("%s: %s; and no rules can be had: %s",
                                  was_offered ? "offered to the NIC again, to no avail"
                                              : "not offered to the NIC again",
                                  was_offered ? outcome->reason : plan->no_reoffer, plan->refused));
    return fl_error_set(err, -ECANCELED, "%s", outcome->reason);
}

int fl_remedy_apply(const struct fl_operator *op, struct fl_plan *plan, struct fl_outcome *outcome,
                    struct fl_error *err)
{
    struct fl_store *store;
    int error = fl_step_open_store(op, outcome, &store, err);

    outcome->state = FL_REMEDY_PLANNED;
    if (error) {
        return error;
    }
    error = plan->reoffer.n_rules ? fl_step_reoffer(op, plan, outcome, err) : -EAGAIN;
    if (error == -EAGAIN) {
        fl_error_clear(err);
        error = plan->refused ? give_up(plan, outcome, err)
                              : simplify(op, store, plan, outcome, err);
    }
    fl_store_close(store);
    return error;
}

/* Looks at an installed remedy and writes down what it saw. */
static int verify_now(const struct fl_operator *op, struct fl_store *store,
                      struct fl_remedy *remedy, bool rebuilds, struct fl_outcome *outcome,
                      struct fl_error *err)
{
    json_t *after;
    struct fl_watch how = { .n_good = 1, .log_mark = fl_log_mark() };
    int life, error;

    if (rebuilds) {
        how.n_good = 2;
        how.most_looks = REBUILDING_LOOKS;
    }
    life = fl_step_watch(op, &remedy->set, &how, outcome, &after, err);
    json_decref(remedy->after);
    remedy->after = after;
    if (life < 0) {
        return life;
    }
    if (life == FL_LIFE_GONE) {
        outcome->state = FL_REMEDY_SUSPENDED;
        return fl_error_set(err, -ECANCELED, "%s: %s", remedy->set.vm_name, outcome->reason);
    }
    outcome->state = life == FL_LIFE_GOOD ? FL_REMEDY_VERIFIED : FL_REMEDY_INSTALLED;
    error = fl_step_record(op, store, remedy, outcome->state, "verify", outcome->reason, err);
    if (!error && life != FL_LIFE_GOOD) {
        error = fl_error_set(err, -ECANCELED, "%s: %s", remedy->set.vm_name, outcome->reason);
    }
    return error;
}

static int check_present(const struct fl_operator *op, const struct fl_remedy *remedy,
                         struct fl_outcome *outcome, struct fl_error *err)
{
    size_t n_rules = fl_step_n_rules(&remedy->set);
    struct fl_presence presence;
    int error;

    if (remedy->state == FL_REMEDY_REVERTED) {
        set_reason(outcome, xstrdup(remedy->reason));
        return fl_error_set(err, -ECANCELED, "%s: its remedy was reverted: %s", remedy->set.vm_name,
                            remedy->reason);
    }
    if (remedy->state == FL_REMEDY_SUSPENDED) {
        set_reason(outcome, xstrdup(remedy->reason));
        return fl_error_set(err, -ECANCELED, "%s: its remedy is suspended: %s", remedy->set.vm_name,
                            remedy->reason);
    }
    error = fl_step_present(op, &remedy->set, &presence, err);
    if (!error && presence.n_present < n_rules) {
        set_reason(outcome, xasprintf("%zu of its %zu rules are in the switch", presence.n_present,
                                      n_rules));
        error = fl_error_set(err, -ECANCELED, "%s: %s; run flowlift apply %s", remedy->set.vm_name,
                             outcome->reason, remedy->set.vm_name);
    }
    return error;
}

static int verify(const struct fl_operator *op, const char *vm_what, bool rebuilds,
                  bool only_installed, struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_remedy remedy;
    struct fl_store *store;
    int error;

    error = fl_step_open_store(op, outcome, &store, err);
    if (error) {
        return error;
    }
    error = fl_step_find_remedy(store, vm_what, &remedy, err);
    if (!error) {
        outcome->state = remedy.state;
        outcome->confirm_by_ms = remedy.confirm_by_ms;
        outcome->until = remedy.until;
        if (only_installed && remedy.state != FL_REMEDY_INSTALLED) {
            set_reason(outcome, xstrdup(remedy.reason));
        } else {
            error = check_present(op, &remedy, outcome, err);
        }
        if (!error && !outcome->reason) {
            error = verify_now(op, store, &remedy, rebuilds, outcome, err);
        }
        fl_remedy_destroy(&remedy);
    }
    fl_store_close(store);
    return error;
}

int fl_remedy_verify(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                     struct fl_error *err)
{
    return verify(op, vm_what, false, false, outcome, err);
}

int fl_step_verify_rebuilding(const struct fl_operator *op, const char *vm_id, bool only_installed,
                              struct fl_outcome *outcome, struct fl_error *err)
{
    return verify(op, vm_id, true, only_installed, outcome, err);
}
