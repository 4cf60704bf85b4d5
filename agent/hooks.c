/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hooks.h"

#include <limits.h>
#include <poll.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_hooks);

/* Until what failed is tried again: twice as long each time. */
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  60000

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

void fl_hooks_open(struct fl_hooks *hooks, const char *root, struct fl_guard *guard)
{
    *hooks = (struct fl_hooks){ .root = root, .guard = guard };
}

void fl_hooks_close(struct fl_hooks *hooks)
{
    fl_spool_close(hooks->spool);
    hooks->spool = NULL;
}

/* Return: whether there is such a name at all. */
static bool look_at(struct fl_hooks *hooks, const char *vm)
{
    if (*vm) {
        fl_guard_look_again(hooks->guard, vm);
    }
    return *vm != '\0';
}

static void take_event(struct fl_hooks *hooks, const struct fl_event *event)
{
    _cleanup_free char *name = fl_text_escaped(*event->vm ? event->vm : "a VM without a name");
    bool is_named;

    hooks->n_events++;
    VLOG_INFO_RL(&rl, "%s: %s says %s", name, event->source, fl_event_what_name(event->what));
    is_named = look_at(hooks, event->vm);
    is_named |= look_at(hooks, event->uuid);
    /* The identity of VMs whose ports have no better one. */
    for (size_t i = 0; i < event->n_interfaces; i++) {
        is_named |= look_at(hooks, event->interfaces[i].interface_id);
    }
    if (!is_named) {
        fl_guard_look_again(hooks->guard, NULL);
    }
}

static int take(const struct fl_spool_item *item, void *hooks_)
{
    struct fl_hooks *hooks = hooks_;

    switch (item->kind) {
    case FL_SPOOL_EVENT: take_event(hooks, item->event); break;
    case FL_SPOOL_TROUBLE:
        hooks->n_errors++;
        VLOG_WARN_RL(&rl, "events of hooks: %s", item->why);
        break;
    case FL_SPOOL_ANEW:
    default: fl_guard_look_again(hooks->guard, NULL); break;
    }
    return 0;
}

static bool is_due(const struct fl_hooks *hooks)
{
    struct pollfd watch = { .events = POLLIN };

    if (time_msec() >= hooks->due_ms) {
        return true;
    }
    watch.fd = hooks->spool && !hooks->n_failed ? fl_spool_fd(hooks->spool) : -1;
    return poll(&watch, 1, 0) == 1;
}

void fl_hooks_run(struct fl_hooks *hooks)
{
    struct fl_error err = FL_ERROR_INIT;
    int error = 0;

    if (!is_due(hooks)) {
        return;
    }
    if (!hooks->spool) {
        error = fl_spool_open(hooks->root, &hooks->spool, &err);
    }
    if (!error) {
        error = fl_spool_take(hooks->spool, take, hooks, &err);
    }
    hooks->due_ms = LLONG_MAX;
    if (error) {
        hooks->n_failed++;
        hooks->n_errors++;
        hooks->due_ms = time_msec() + fl_backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, hooks->n_failed);
        VLOG_WARN_RL(&rl, "events of hooks cannot be read: %s", err.text);
    } else if (hooks->n_failed) {
        hooks->n_failed = 0;
        VLOG_INFO("events of hooks are read again");
        fl_guard_look_again(hooks->guard, NULL);
    }
}

void fl_hooks_wait(const struct fl_hooks *hooks)
{
    if (hooks->spool && !hooks->n_failed) {
        poll_fd_wait(fl_spool_fd(hooks->spool), POLLIN);
    }
    poll_timer_wait_until(hooks->due_ms);
}
