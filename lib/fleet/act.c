/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/act.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/fleet/seed.h"
#include "lib/remedy_steps.h"
#include "lib/text.h"

/* ---- On disk, at once ---- */

static int adopt(const struct fl_operator *op, struct fl_store *store, const char *vm_id,
                 const char *vm_name, const struct fl_cluster_heard *heard,
                 const struct fl_decision *word, struct fl_error *err)
{
    _cleanup_free char *reason = xasprintf("the VM came from host %s: its rules are to be derived "
                                           "for this one",
                                           heard->peer);
    struct fl_remedy remedy;
    int error = fl_store_get(store, vm_id, &remedy, err);

    if (!error) {
        bool is_later = remedy.state != FL_REMEDY_REVERTED || remedy.decided_ms >= word->decided_ms;

        fl_remedy_destroy(&remedy);
        if (is_later) {
            return fl_error_set(err, -EEXIST, "there is a remedy already");
        }
    } else if (error != -ENOENT) {
        return error;
    }
    fl_error_clear(err);
    error = fl_fleet_seed(vm_id, vm_name, heard, word, fl_time_now_ms(), &remedy, err);
    if (!error) {
        error = fl_step_record(op, store, &remedy, FL_REMEDY_SUSPENDED, "adopt", reason, err);
        fl_remedy_destroy(&remedy);
    }
    return error;
}

int fl_fleet_adopt(const struct fl_operator *op, const char *vm_id, const char *vm_name,
                   const struct fl_cluster_heard *heard, const struct fl_decision *word,
                   struct fl_error *err)
{
    struct fl_store *store;
    int error = fl_store_open(op->root, true, 0, &store, err);

    if (!error) {
        error = adopt(op, store, vm_id, vm_name, heard, word, err);
        fl_store_close(store);
    }
    return error;
}

static int note(const struct fl_operator *op, struct fl_store *store, const char *vm_id,
                const struct fl_cluster_heard *heard, const struct fl_decision *word,
                struct fl_error *err)
{
    struct fl_remedy remedy;
    int error = fl_store_get(store, vm_id, &remedy, err);

    if (error) {
        return error;
    }
    if (remedy.state == FL_REMEDY_REVERTED || remedy.decided_ms >= word->decided_ms) {
        error = fl_error_set(err, -EEXIST, "somebody has decided otherwise meanwhile");
    } else {
        _cleanup_free char *reason = xstrdup(remedy.reason);

        fl_fleet_heed(heard, word, &remedy);
        error = fl_step_record(op, store, &remedy, remedy.state, "order", reason, err);
    }
    fl_remedy_destroy(&remedy);
    return error;
}

int fl_fleet_note(const struct fl_operator *op, const char *vm_id,
                  const struct fl_cluster_heard *heard, const struct fl_decision *word,
                  struct fl_error *err)
{
    struct fl_store *store;
    int error = fl_store_open(op->root, true, 0, &store, err);

    if (!error) {
        error = note(op, store, vm_id, heard, word, err);
        fl_store_close(store);
    }
    return error;
}

/* ---- In a child ---- */

static json_t *result_of(const char *state, const char *reason, bool helped)
{
    return json_pack("{s:s, s:o, s:b}", "state", state, "reason", fl_text_json(reason), "helped",
                     helped);
}

static json_t *apply(const struct fl_operator *op, struct fl_plan *plan)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_outcome outcome = { .state = FL_REMEDY_PLANNED, .hw_share = -1 };
    int error = fl_remedy_apply(op, plan, &outcome, &err);
    json_t *result = result_of(outcome.reoffered ? "none" : fl_remedy_state_name(outcome.state),
                               !error || error == -ECANCELED ? outcome.reason : err.text, !error);

    fl_outcome_destroy(&outcome);
    return result;
}

static json_t *repair(const struct fl_operator *op, const char *vm_id)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plan plan = { .installed = false };
    int error = fl_remedy_plan(op, vm_id, &plan, &err);
    json_t *result = error ? result_of("none", err.text, error == -ENOENT || error == -ENXIO)
                           : apply(op, &plan);

    fl_plan_destroy(&plan);
    return result;
}

static json_t *revert(const struct fl_operator *op, const char *vm_id)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_outcome outcome = { .hw_share = -1 };
    int error = fl_remedy_revert(op, vm_id, &outcome, &err);
    json_t *result = result_of(error ? "none" : fl_remedy_state_name(outcome.state),
                               error ? err.text : outcome.reason, !error);

    fl_outcome_destroy(&outcome);
    return result;
}

json_t *fl_fleet_carry_out(const struct fl_operator *op, const struct fl_fleet_job *job)
{
    struct fl_operator copy = *op;
    struct fl_error err = FL_ERROR_INIT;

    copy.decided_ms = job->word.decided_ms;
    copy.who = job->who && *job->who ? job->who : op->who;
    copy.ticket = job->ticket && *job->ticket ? job->ticket : NULL;
    if (job->act == FL_ACT_REPAIR && job->until && *job->until &&
        fl_until_parse(job->until, &copy.until, &err)) {
        return result_of("none", err.text, false);
    }
    return job->act == FL_ACT_REVERT ? revert(&copy, job->vm_id) : repair(&copy, job->vm_id);
}
