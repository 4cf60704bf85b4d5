/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/repair.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

/* Two windows for the plan, and a dozen seconds at most to verify; a busy Open vSwitch may make it long. */
#define MOST_MS 300000

static json_t *result_of(enum fl_auto_end end, const char *reason)
{
    return json_pack("{s:s, s:o}", "end", fl_auto_end_name(end), "reason", fl_text_json(reason));
}

enum fl_auto_end fl_repair_end(const json_t *result)
{
    const char *name = json_string_value(json_object_get(result, "end"));

    for (enum fl_auto_end end = FL_AUTO_DONE; name && end < FL_AUTO_N_ENDS; end++) {
        if (!strcmp(name, fl_auto_end_name(end))) {
            return end;
        }
    }
    return FL_AUTO_TROUBLE;
}

static json_t *apply(const struct fl_operator *op, struct fl_plan *plan)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_outcome outcome = { .state = FL_REMEDY_PLANNED };
    int error = fl_remedy_apply(op, plan, &outcome, &err);
    enum fl_auto_end end = error == -ECANCELED ? FL_AUTO_UNVERIFIED
                           : error             ? FL_AUTO_TROUBLE
                           : outcome.reoffered ? FL_AUTO_REOFFERED
                                               : FL_AUTO_DONE;
    json_t *result = result_of(end, error == 0 || error == -ECANCELED ? outcome.reason : err.text);

    fl_outcome_destroy(&outcome);
    return result;
}

/*
 * The plan is made from an audit of its own: what it says counts, not what was some time ago.
 * Return: 0, -ECANCELED when there is nothing to repair any more, or trouble.
 */
static int check_wanted(const struct fl_operator *op, const struct fl_plan *plan,
                        struct fl_error *err)
{
    _cleanup_json json_t *vm = plan->vm ? fl_vm_audit_to_json(plan->vm) : NULL;
    struct fl_remedy remedy;
    bool wanted = false;
    int error = 0;

    if (vm && !plan->installed) {
        error = fl_store_read(op->root, plan->set.vm_id, &remedy, err);
        if (!error) {
            wanted = fl_auto_wants(vm, &remedy);
            fl_remedy_destroy(&remedy);
        } else if (error == -ENOENT) {
            wanted = fl_auto_wants(vm, NULL);
        } else {
            return error;
        }
    }
    fl_error_clear(err);
    return wanted ? 0
                  : fl_error_set(err, -ECANCELED,
                                 "it is not stranded, alone and without a remedy any more");
}

/* What did not last is not done again. Return: false: that leaves nothing to be done. */
static bool drop_reoffer(struct fl_plan *plan)
{
    fl_flowset_destroy(&plan->reoffer);
    return !plan->refused;
}

static json_t *carry_out(const struct fl_auto *repairs, struct fl_plan *plan)
{
    _cleanup_free char *why = NULL;
    struct fl_error err = FL_ERROR_INIT;
    int error = check_wanted(&repairs->op, plan, &err);

    if (error) {
        return result_of(error == -ECANCELED ? FL_AUTO_NEEDLESS : FL_AUTO_TROUBLE, err.text);
    }
    if (fl_auto_was_reoffered(&repairs->limits, repairs->now.id, fl_time_now_ms()) &&
        !drop_reoffer(plan)) {
        why = xasprintf("its flows were offered to the NIC again within the hour, which did not "
                        "last, and no rules can be had: %s",
                        plan->refused);
        return result_of(FL_AUTO_REFUSED, why);
    }
    return apply(&repairs->op, plan);
}

static json_t *repair(void *repairs_)
{
    const struct fl_auto *repairs = repairs_;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plan plan = { .installed = false };
    json_t *result;
    int error = fl_remedy_plan(&repairs->op, repairs->now.id, &plan, &err);

    switch (error) {
    case 0: result = carry_out(repairs, &plan); break;
    case -ENOENT:
    case -ENXIO: result = result_of(FL_AUTO_NEEDLESS, err.text); break;
    case -ENOTSUP:
    case -EPERM: result = result_of(FL_AUTO_REFUSED, err.text); break;
    default: result = result_of(FL_AUTO_TROUBLE, err.text); break;
    }
    fl_plan_destroy(&plan);
    return result;
}

int fl_repair_start(struct fl_worker *worker, struct fl_auto *repairs,
                    void (*done)(const json_t *result, const char *why, void *repairs),
                    struct fl_error *err)
{
    const struct fl_job job = {
        .what = "repair",
        .run = repair,
        .done = done,
        .aux = repairs,
        .most_ms = MOST_MS,
    };

    return fl_worker_start(worker, &job, err);
}
