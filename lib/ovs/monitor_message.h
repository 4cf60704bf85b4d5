/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_MONITOR_MESSAGE_H
#define FLOWLIFT_OVS_MONITOR_MESSAGE_H

/*
 * What a message of a monitored bridge says to the scopes. For lib/ovs/monitor.c and tests only.
 */

#include <openvswitch/list.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofpbuf.h>

#include "lib/ovs/monitor.h"

/* A scope in the list of a monitor. */
struct fl_monitor_scope {
    struct ovs_list node;
    struct fl_remedy_scope *scope;
};

/** fl_monitor_note() - tell every scope in @scopes (struct fl_monitor_scope) that @what has changed */
void fl_monitor_note(const struct ovs_list *scopes, enum fl_changed what, const char *example);

/**
 * fl_monitor_message() - tell the scopes what an OpenFlow 1.4 message means to them
 * @type: of @msg, by ofptype_decode(): its header is whole
 * @msg: its parts are pulled off
 * @counts: n_flows, n_left_out and n_pauses are counted up
 */
void fl_monitor_message(enum ofptype type, struct ofpbuf *msg, const struct ovs_list *scopes,
                        struct fl_monitor_counts *counts);

#endif
