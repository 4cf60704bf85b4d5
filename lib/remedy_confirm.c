/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Remedies that are reverted unless somebody confirms them in time. The deadline is in the remedy's file
 * from before its rules go in, so that whoever comes by can see that it is over: the process that waits
 * for it (cli/waiter.h), the guard, and whoever reads the status.
 */

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/remedy_steps.h"

bool fl_remedy_is_late(const struct fl_remedy *remedy, int64_t now_ms)
{
    return remedy->confirm_by_ms && now_ms >= remedy->confirm_by_ms &&
           remedy->state != FL_REMEDY_REVERTED;
}

static int __attribute__((format(printf, 3, 4)))
nothing_to_confirm(struct fl_outcome *outcome, struct fl_error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(outcome->reason);
    outcome->reason = xvasprintf(format, args);
    va_end(args);
    fl_error_clear(err);
    return fl_error_set(err, -ECANCELED, "%s", outcome->reason);
}

static int confirm(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   struct fl_outcome *outcome, struct fl_error *err)
{
    _cleanup_free char *reason = xstrdup(remedy->reason ? remedy->reason : "");
    char by[FL_TIME_TEXT_BYTES];
    int error;

    outcome->state = remedy->state;
    if (remedy->state == FL_REMEDY_REVERTED) {
        return nothing_to_confirm(outcome, err, "nothing to confirm: the remedy was reverted: %s",
                                  reason);
    }
    if (!remedy->confirm_by_ms) {
        return nothing_to_confirm(outcome, err, "nothing to confirm: the remedy stays without it");
    }
    fl_time_format(remedy->confirm_by_ms, by);
    if (fl_remedy_is_late(remedy, fl_time_now_ms())) {
        return nothing_to_confirm(outcome, err,
                                  "too late: it was to be confirmed by %s, and is reverted instead",
                                  by);
    }
    remedy->confirm_by_ms = 0;
    error = fl_step_record(op, store, remedy, remedy->state, "confirm", reason, err);
    if (!error) {
        outcome->reason = xasprintf("confirmed, %s would have been the last moment", by);
    }
    return error;
}

int fl_remedy_confirm(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                      struct fl_error *err)
{
    struct fl_remedy remedy;
    struct fl_store *store;
    int error;

    error = fl_step_open_store(op, outcome, &store, err);
    outcome->state = FL_REMEDY_REVERTED;
    if (error) {
        return error;
    }
    error = fl_step_find_remedy(store, vm_what, &remedy, err);
    if (!error) {
        error = confirm(op, store, &remedy, outcome, err);
        fl_remedy_destroy(&remedy);
    } else if (error == -ENOENT) {
        error = nothing_to_confirm(outcome, err,
                                   "nothing to confirm: no remedy is known for \"%s\"", vm_what);
    }
    fl_store_close(store);
    return error;
}

static int revert(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                  int64_t now_ms, struct fl_outcome *outcome, struct fl_error *err)
{
    _cleanup_free char *why = NULL;
    char by[FL_TIME_TEXT_BYTES];

    if (!fl_remedy_is_late(remedy, now_ms)) {
        return nothing_to_confirm(outcome, err, "its time to be confirmed is not over");
    }
    why = xasprintf("not confirmed by %s", fl_time_format(remedy->confirm_by_ms, by));
    return fl_step_revert(op, store, remedy, true, NULL, why, outcome, err);
}

int fl_remedy_revert_unconfirmed(const struct fl_operator *op, const char *vm_id, int64_t now_ms,
                                 struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_remedy remedy;
    struct fl_store *store;
    int error;

    error = fl_step_open_store(op, outcome, &store, err);
    if (error) {
        return error;
    }
    error = fl_store_get(store, vm_id, &remedy, err);
    if (!error) {
        error = revert(op, store, &remedy, now_ms, outcome, err);
        fl_remedy_destroy(&remedy);
    } else if (error == -ENOENT) {
        error = nothing_to_confirm(outcome, err, "there is no remedy");
    }
    fl_store_close(store);
    return error;
}
