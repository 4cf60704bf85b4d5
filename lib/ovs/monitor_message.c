/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/monitor_message.h"

#include <openvswitch/ofp-monitor.h>
#include <openvswitch/ofp-port.h>
#include <ovs/util.h>
#include <stdio.h>

void fl_monitor_note(const struct ovs_list *scopes, enum fl_changed what, const char *example)
{
    const struct fl_monitor_scope *entry;

    LIST_FOR_EACH(entry, node, scopes)
        fl_scope_note(entry->scope, what, example);
}

static void take_flow(const struct ofputil_flow_update *update, const struct ovs_list *scopes,
                      struct fl_monitor_counts *counts)
{
    const struct fl_monitor_scope *entry;
    bool noted = false;

    counts->n_flows++;
    LIST_FOR_EACH(entry, node, scopes)
        noted |= fl_scope_flow(entry->scope, update);
    counts->n_left_out += !noted;
}

static void take_update(const struct ofputil_flow_update *update, const struct ovs_list *scopes,
                        struct fl_monitor_counts *counts)
{
    switch (update->event) {
    case OFPFME_INITIAL:
    case OFPFME_ADDED:
    case OFPFME_REMOVED:
    case OFPFME_MODIFIED: take_flow(update, scopes, counts); break;
    case OFPFME_PAUSED:
        counts->n_pauses++;
        fl_monitor_note(scopes, FL_CHANGED_UNSEEN, "more flows changed than were read");
        break;
    case OFPFME_RESUMED:
        fl_monitor_note(scopes, FL_CHANGED_UNSEEN, "flows changed while none were reported");
        break;
    /* The connection's own changes come abbreviated, and it makes none. */
    case OFPFME_ABBREV:
    default: fl_monitor_note(scopes, FL_CHANGED_UNSEEN, "flows changed, OVS does not say which");
    }
}

static void take_updates(struct ofpbuf *msg, const struct ovs_list *scopes,
                         struct fl_monitor_counts *counts)
{
    struct ofputil_flow_update update;
    uint64_t room[1024 / 8];
    struct ofpbuf ofpacts;
    int error;

    ofpbuf_use_stub(&ofpacts, room, sizeof room);
    while (!(error = ofputil_decode_flow_update(&update, msg, &ofpacts))) {
        take_update(&update, scopes, counts);
    }
    if (error != EOF) {
        fl_monitor_note(scopes, FL_CHANGED_UNSEEN, "a changed flow could not be decoded");
    }
    ofpbuf_uninit(&ofpacts);
}

static void take_port(const struct ofpbuf *msg, const struct ovs_list *scopes)
{
    static const char *const words[] = {
        [OFPPR_ADD] = "added",
        [OFPPR_DELETE] = "deleted",
        [OFPPR_MODIFY] = "changed",
    };
    struct ofputil_port_status status;
    char text[64] = "a port changed";

    if (!ofputil_decode_port_status(msg->data, &status) && status.reason < ARRAY_SIZE(words)) {
        snprintf(text, sizeof text, "port %.32s was %s", status.desc.name, words[status.reason]);
    }
    fl_monitor_note(scopes, FL_CHANGED_PORTS, text);
}

void fl_monitor_message(enum ofptype type, struct ofpbuf *msg, const struct ovs_list *scopes,
                        struct fl_monitor_counts *counts)
{
    switch ((int)type) {
    case OFPTYPE_FLOW_MONITOR_STATS_REPLY: take_updates(msg, scopes, counts); break;
    case OFPTYPE_PORT_STATUS: take_port(msg, scopes); break;
    case OFPTYPE_REQUESTFORWARD:
        fl_monitor_note(scopes, FL_CHANGED_GROUPS, "a group or meter changed");
        break;
    default: break;
    }
}
