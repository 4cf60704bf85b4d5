/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hooks.h"

#include <limits.h>
#include <poll.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "agent/line.h"
#include "flows/cleanup.h"

VLOG_DEFINE_THIS_MODULE(agent_hooks);

/* Until the folder is tried again that could not be read. */
#define RETRY_MS 1000

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

int fl_hooks_open(struct fl_hooks *hooks, const char *root, struct fl_guard *guard,
                  struct fl_error *err)
{
    hooks->guard = guard;
    hooks->due_ms = 0;
    return fl_spool_open(root, &hooks->spool, err);
}

void fl_hooks_close(struct fl_hooks *hooks)
{
    fl_spool_close(hooks->spool);
    hooks->spool = NULL;
}

static void take_event(struct fl_hooks *hooks, const struct fl_event *event)
{
    _cleanup_free char *name = fl_line_of(*event->vm ? event->vm : "a VM without a name");

    VLOG_INFO_RL(&rl, "%s: %s says %s", name, event->source, fl_event_what_name(event->what));
    if (!*event->vm && !*event->uuid) {
        fl_guard_look_again(hooks->guard, NULL);
        return;
    }
    fl_guard_look_again(hooks->guard, event->vm);
    fl_guard_look_again(hooks->guard, event->uuid);
}

static int take(const struct fl_spool_item *item, void *hooks_)
{
    struct fl_hooks *hooks = hooks_;

    switch (item->kind) {
    case FL_SPOOL_EVENT: take_event(hooks, item->event); break;
    case FL_SPOOL_TROUBLE: VLOG_WARN_RL(&rl, "events of hooks: %s", item->why); break;
    case FL_SPOOL_ANEW:
    default: fl_guard_look_again(hooks->guard, NULL); break;
    }
    return 0;
}

void fl_hooks_run(struct fl_hooks *hooks)
{
    struct pollfd watch = { .fd = fl_spool_fd(hooks->spool), .events = POLLIN };
    struct fl_error err = FL_ERROR_INIT;

    if (time_msec() < hooks->due_ms && poll(&watch, 1, 0) != 1) {
        return;
    }
    hooks->due_ms = LLONG_MAX;
    if (fl_spool_take(hooks->spool, take, hooks, &err)) {
        VLOG_WARN_RL(&rl, "events of hooks: %s", err.text);
        fl_guard_look_again(hooks->guard, NULL);
        hooks->due_ms = time_msec() + RETRY_MS;
    }
}

void fl_hooks_wait(const struct fl_hooks *hooks)
{
    poll_fd_wait(fl_spool_fd(hooks->spool), POLLIN);
    poll_timer_wait_until(hooks->due_ms);
}
