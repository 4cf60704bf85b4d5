/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/events.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/vlog.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_guard);

void fl_events_init(struct fl_events *events)
{
    memset(events, 0, sizeof *events);
    shash_init(&events->last);
}

static void free_event(struct fl_last_event *event)
{
    if (event) {
        free(event->reason);
        free(event);
    }
}

void fl_events_destroy(struct fl_events *events)
{
    struct shash_node *node;

    SHASH_FOR_EACH(node, &events->last) {
        free_event(node->data);
    }
    shash_destroy(&events->last);
}

static enum vlog_level level_of(enum fl_guard_did did)
{
    switch (did) {
    case FL_GUARD_SUSPENDED:
    case FL_GUARD_REFUSED:
    case FL_GUARD_REVERTED:
    case FL_GUARD_TROUBLE: return VLL_WARN;
    case FL_GUARD_WATCHES:
    case FL_GUARD_RELEASED:
    case FL_GUARD_RESTORED:
    case FL_GUARD_SERVES:
    case FL_GUARD_N_DID:
    default: return VLL_INFO;
    }
}

static void write_to_log(const struct fl_guard_event *event)
{
    _cleanup_free char *name = fl_text_escaped(event->vm_name ? event->vm_name : "remedies");
    _cleanup_free char *reason = fl_text_escaped(event->reason);

    VLOG(level_of(event->did), "%s: %s%s%s", name, fl_guard_did_name(event->did),
         *reason ? ": " : "", reason);
}

static void keep_last(struct fl_events *events, const struct fl_guard_event *event)
{
    struct fl_last_event *last;

    if (event->did == FL_GUARD_SERVES) {
        return; /* What it is about is how they came to be there. */
    }
    free_event(shash_find_and_delete(&events->last, event->vm_id));
    if (event->did == FL_GUARD_RELEASED || event->did == FL_GUARD_REVERTED) {
        return; /* It is watched no more. */
    }
    last = xzalloc(sizeof *last);
    last->did = event->did;
    last->time_ms = fl_time_now_ms();
    last->reason = xstrdup(event->reason);
    shash_add(&events->last, event->vm_id, last);
}

void fl_events_take(struct fl_events *events, const struct fl_guard_event *event)
{
    write_to_log(event);
    events->counts[event->did]++;
    if (event->did == FL_GUARD_RESTORED && event->after_ms >= 0) {
        fl_latency_add(&events->reapply, event->after_ms);
    }
    events->is_news = true;
    if (event->vm_id) {
        keep_last(events, event);
    }
}

const struct fl_last_event *fl_events_last(const struct fl_events *events, const char *vm_id)
{
    return shash_find_data(&events->last, vm_id);
}
