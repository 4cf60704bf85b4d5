/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/links.h"

#include <errno.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_links);

/* The guard looks at all remedies: at once, and then no sooner than after so long. */
#define TELL_MS 1000

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

static void take(const struct fl_tc_event *event, void *links_)
{
    _cleanup_free char *name = fl_text_escaped(*event->name ? event->name : "a device");
    struct fl_links *links = links_;

    switch (event->kind) {
    case FL_TC_LINK_APPEARED:
    case FL_TC_LINK_GONE:
        /* Devices of containers and the like come and go, and concern no switch. */
        if (event->is_port) {
            VLOG_INFO_RL(&rl, "%s: %s", name, fl_tc_event_name(event->kind));
            links->is_news = true;
        }
        break;
    case FL_TC_QDISC_GONE:
    case FL_TC_FILTERS_FLUSHED:
        VLOG_WARN_RL(&rl, "%s: %s: flows that the NIC had may be in software now", name,
                     event->kind == FL_TC_QDISC_GONE ? "its ingress qdisc was deleted, or made anew"
                                                     : "its TC filters were flushed");
        links->wants_audit++;
        links->is_news = true;
        break;
    case FL_TC_EVERYTHING:
        VLOG_INFO_RL(&rl, "%s: looking at everything", event->why);
        links->wants_audit++;
        links->is_news = true;
        break;
    case FL_TC_LINK_CHANGED:
    case FL_TC_N_EVENTS:
    default: break;
    }
}

void fl_links_open(struct fl_links *links, struct fl_guard *guard)
{
    *links = (struct fl_links){ .guard = guard, .status = -EAGAIN };
    links->watch = fl_tc_watch_open(take, links, 0);
}

void fl_links_close(struct fl_links *links)
{
    fl_tc_watch_close(links->watch);
    links->watch = NULL;
}

static void log_status(struct fl_links *links)
{
    struct fl_error err = FL_ERROR_INIT;
    int status = fl_tc_watch_status(links->watch, &err);

    if (status && status != -EAGAIN && status != links->status) {
        VLOG_WARN_RL(&rl,
                     "%s; without that, only an audit finds flows that were wiped out of the NIC",
                     err.text);
    }
    links->status = status;
}

void fl_links_run(struct fl_links *links)
{
    fl_tc_watch_run(links->watch);
    log_status(links);
    if (links->is_news && time_msec() >= links->told_ms + TELL_MS) {
        links->is_news = false;
        links->told_ms = time_msec();
        fl_guard_look_again(links->guard, NULL);
    }
}

void fl_links_wait(const struct fl_links *links)
{
    fl_tc_watch_wait(links->watch);
    if (links->is_news) {
        poll_timer_wait_until(links->told_ms + TELL_MS);
    }
}
