/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_verify);

/* It may plan and apply anew: some 40 s of looking at traffic, and a proof. */
#define MOST_MS (3 * 60 * 1000)
/* When it could not be done: again after this, then twice as long each time, and so often. */
#define RETRY_FIRST_MS 2000
#define RETRY_MOST_MS  60000
#define MOST_TRIES     8
/* Rules that do not help are left in so often: Open vSwitch may be busy, and megaflows are built anew meanwhile. */
#define PATIENT_TRIES 4

struct fl_wanted {
    struct ovs_list node; /* in fl_verify.wanted */
    char *vm_id, *vm_name;
    bool is_doubted; /* It was verified, and an audit says otherwise. */
    long long due_ms;
    unsigned int n_failed;
};

void fl_verify_init(struct fl_verify *verify, const struct fl_operator *op)
{
    verify->op = op;
    fl_worker_init(&verify->worker);
    ovs_list_init(&verify->wanted);
}

static void drop(struct fl_wanted *wanted)
{
    ovs_list_remove(&wanted->node);
    free(wanted->vm_id);
    free(wanted->vm_name);
    free(wanted);
}

void fl_verify_destroy(struct fl_verify *verify)
{
    struct fl_wanted *wanted;

    fl_worker_destroy(&verify->worker);
    LIST_FOR_EACH_SAFE(wanted, node, &verify->wanted)
        drop(wanted);
}

static struct fl_wanted *first(const struct fl_verify *verify)
{
    struct fl_wanted *wanted;

    LIST_FOR_EACH(wanted, node, &verify->wanted)
        return wanted;
    return NULL;
}

/* One that has to wait until it is tried again keeps nobody waiting. */
static struct fl_wanted *soonest(const struct fl_verify *verify)
{
    struct fl_wanted *wanted, *best = NULL;

    LIST_FOR_EACH(wanted, node, &verify->wanted) {
        if (!best || wanted->due_ms < best->due_ms) {
            best = wanted;
        }
    }
    return best;
}

void fl_verify_want(struct fl_verify *verify, const char *vm_id, const char *vm_name,
                    bool is_doubted)
{
    struct fl_wanted *wanted;

    LIST_FOR_EACH(wanted, node, &verify->wanted) {
        bool at_work = wanted == first(verify) && fl_worker_is_busy(&verify->worker);

        if (!strcmp(wanted->vm_id, vm_id) && !at_work) {
            wanted->is_doubted |= is_doubted;
            return;
        }
    }
    wanted = xzalloc(sizeof *wanted);
    wanted->vm_id = xstrdup(vm_id);
    wanted->vm_name = xstrdup(vm_name);
    wanted->is_doubted = is_doubted;
    ovs_list_push_back(&verify->wanted, &wanted->node);
}

void fl_verify_take(struct fl_verify *verify, const struct fl_guard_event *event)
{
    if (event->did == FL_GUARD_SERVES) {
        fl_verify_want(verify, event->vm_id, event->vm_name, false);
    }
}

/* ---- In the child ---- */

static json_t *work(void *verify_)
{
    const struct fl_verify *verify = verify_;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_outcome outcome = { .hw_share = -1 };
    const struct fl_wanted *wanted = first(verify);
    int error = fl_remedy_renew(verify->op, wanted->vm_id, !wanted->is_doubted,
                                wanted->n_failed >= PATIENT_TRIES, &outcome, &err);
    json_t *result = json_pack("{s:i, s:o, s:s}", "error", error, "reason",
                               fl_text_json(error ? err.text : outcome.reason), "state",
                               fl_remedy_state_name(outcome.state));

    fl_outcome_destroy(&outcome);
    return result;
}

/* ---- In the agent ---- */

static void try_again(struct fl_wanted *wanted, const char *why)
{
    _cleanup_free char *name = fl_text_escaped(wanted->vm_name);
    _cleanup_free char *reason = fl_text_escaped(why);

    if (++wanted->n_failed >= MOST_TRIES) {
        VLOG_WARN("%s: its remedy could not be verified: %s", name, reason);
        drop(wanted);
        return;
    }
    VLOG_DBG("%s: not verified yet: %s", name, reason);
    wanted->due_ms = time_msec() + fl_backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, wanted->n_failed);
}

static void finish(const json_t *result, const char *why, void *verify_)
{
    struct fl_verify *verify = verify_;
    struct fl_wanted *wanted = first(verify);
    int error = result ? (int)json_integer_value(json_object_get(result, "error")) : -EIO;
    const char *reason = result ? json_string_value(json_object_get(result, "reason")) : why;
    const char *state = json_string_value(json_object_get(result, "state"));
    _cleanup_free char *name = fl_text_escaped(wanted->vm_name);
    _cleanup_free char *sentence = fl_text_escaped(reason ? reason : "");

    switch (error) {
    case 0:
        VLOG_INFO("%s: %s: %s", name, state ? state : "done", sentence);
        drop(wanted);
        break;
    case -ECANCELED:
        VLOG_WARN("%s: reverted: %s", name, sentence);
        drop(wanted);
        break;
    default: try_again(wanted, sentence); break;
    }
}

void fl_verify_run(struct fl_verify *verify)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_wanted *wanted;

    fl_worker_run(&verify->worker);
    if (fl_worker_is_busy(&verify->worker)) {
        return;
    }
    wanted = soonest(verify);
    if (wanted && time_msec() >= wanted->due_ms) {
        const struct fl_job job = {
            .what = "verification",
            .run = work,
            .done = finish,
            .aux = verify,
            .most_ms = MOST_MS,
        };

        ovs_list_remove(&wanted->node);
        ovs_list_push_front(&verify->wanted, &wanted->node);
        if (fl_worker_start(&verify->worker, &job, &err)) {
            try_again(wanted, err.text);
        }
    }
}

void fl_verify_wait(const struct fl_verify *verify)
{
    const struct fl_wanted *wanted = soonest(verify);

    fl_worker_wait(&verify->worker);
    if (wanted && !fl_worker_is_busy(&verify->worker)) {
        poll_timer_wait_until(wanted->due_ms);
    }
}
