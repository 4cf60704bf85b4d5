/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The waiter that apply --confirm-within leaves behind (cli/waiter.h). Nobody reads what it writes, so it
 * writes nothing: the journal has what it did.
 */

#include <errno.h>

#include <ovs/util.h>

#include "cli/reading.h"
#include "lib/base/clock.h"

/* The file is looked at this often: a remedy that was confirmed needs no waiter. */
#define LOOK_MS 1000
/* What goes wrong is tried again, each time later, for so long; then it is the guard's. */
#define RETRY_MOST_MS (30 * 1000)
#define GIVE_UP_MS    (3600 * 1000)

/* When the time is over. The wall clock may be set meanwhile: the earlier of two clocks counts. */
struct deadline {
    int64_t wall_ms, monotonic_ms;
};

static bool is_over(const struct deadline *deadline)
{
    return fl_time_now_ms() >= deadline->wall_ms || fl_monotonic_ms() >= deadline->monotonic_ms;
}

/* Return: 0 and the remedy's deadline; -ENOENT it waits for nobody; other negative errno: cannot tell. */
static int read_deadline(const char *root, const char *vm_id, int64_t *confirm_by_ms)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy;
    int error = fl_store_read(root, vm_id, &remedy, &err);

    if (!error) {
        *confirm_by_ms = remedy.confirm_by_ms;
        if (!remedy.confirm_by_ms || remedy.state == FL_REMEDY_REVERTED)
            error = -ENOENT;
        fl_remedy_destroy(&remedy);
    }
    return error;
}

/* Return: the deadline, which has come; 0 when nobody waits any more. */
static int64_t await(const char *root, const char *vm_id)
{
    struct deadline deadline = { 0, 0 };

    for (;;) {
        int64_t confirm_by_ms, left_ms;
        int error = read_deadline(root, vm_id, &confirm_by_ms);

        if (error == -ENOENT)
            return 0;
        if (!error && confirm_by_ms != deadline.wall_ms) {
            deadline.wall_ms = confirm_by_ms;
            deadline.monotonic_ms = fl_monotonic_ms() + confirm_by_ms - fl_time_now_ms();
        }
        if (deadline.wall_ms && is_over(&deadline))
            return deadline.wall_ms;
        left_ms = deadline.wall_ms ? deadline.wall_ms - fl_time_now_ms() : LOOK_MS;
        fl_sleep_until_ms(fl_monotonic_ms() + MIN(MAX(left_ms, 1), LOOK_MS));
    }
}

static int revert(const struct fl_operator *op, const char *vm_id, int64_t deadline_ms,
                  struct fl_error *err)
{
    int64_t give_up_ms = fl_monotonic_ms() + GIVE_UP_MS;

    for (int64_t wait_ms = LOOK_MS;; wait_ms = MIN(2 * wait_ms, RETRY_MOST_MS)) {
        struct fl_outcome outcome;
        int error;

        fl_error_clear(err);
        error = fl_remedy_revert_unconfirmed(op, vm_id, deadline_ms, &outcome, err);
        fl_outcome_destroy(&outcome);
        if (error == -ECANCELED)
            fl_error_clear(err);
        if (!error || error == -ECANCELED || fl_monotonic_ms() >= give_up_ms)
            return err->code;
        fl_sleep_until_ms(fl_monotonic_ms() + wait_ms);
    }
}

int fl_verb_await(const struct fl_request *request, struct fl_output *out OVS_UNUSED,
                  struct fl_error *err)
{
    struct fl_config config;
    struct fl_operator op;
    int64_t deadline_ms = 0;
    int error = fl_operator_open(request, &config, &op, err);

    if (!error)
        deadline_ms = await(request->root, request->argument);
    if (deadline_ms)
        error = revert(&op, request->argument, deadline_ms, err);
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return error ? FL_EXIT_TROUBLE : FL_EXIT_DONE;
}
