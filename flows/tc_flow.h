/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_FLOW_H
#define FLOWLIFT_TC_FLOW_H

/*
 * A TC filter as the datapath flow that ovs-vswitchd shows for it in "dpctl/dump-flows -m".
 *
 *     struct fl_tc_flow scratch;
 *     fl_tc_flow_init(&scratch, ports);
 *     for each filter {
 *         fl_tc_to_flow(&scratch, filter, 0, &flow);
 *         ... use it, fl_snapshot_add() ...
 *     }
 *     fl_tc_flow_uninit(&scratch);
 *
 * Source: OVS 3.1 lib/netdev-offload-tc.c, parse_tc_flower_to_match() and the functions that it calls;
 * lib/tc.c. Where that would show something that is not so, the flow says what is so: a VLAN id or
 * priority that the filter leaves open is left open (OVS shows 0), and what has no form in OVS (most
 * filters that OVS did not make) is named in parse_error, with match_partial or without has_actions.
 *
 * A filter without the cookie that OVS gives has no ufid: its id is a hash of device (or block), hook,
 * chain, priority and handle, so that it is the same in the next dump.
 * The flow of a filter that nobody tells "in_hw" or "not_in_hw" of is FL_OFFLOADED_OTHER, where OVS
 * shows "offloaded:yes".
 */

#include <openvswitch/match.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/flow.h>

#include "flows/flow.h"
#include "flows/tc_filter.h"

/* Memory that is used again for each flow: a flow points into it until the next one. */
struct fl_tc_flow {
    struct fl_ports *ports; /* borrowed */
    struct ofpbuf actions;
    struct match wide;      /* Before it becomes @match. */
    bool has_match;         /* It is not everything, but the match of the last flow. */
    struct minimatch match; /* As @wide: */
    struct {
        struct miniflow mini;
        uint64_t values[FLOW_U64S];
    } flow;
    struct {
        struct minimask mini;
        uint64_t values[FLOW_U64S];
    } mask;
    struct minimatch everything; /* Of flows without a match. */
    char error[256];             /* parse_error */
    struct fl_tc_known_port {
        char name[16];
        odp_port_t port;
    } known_ports[64]; /* By where the name is. */
};

enum fl_tc_flow_flags {
    /*
     * Identity, port, counters and path only: has_match and has_actions are false. For the first
     * sample of a window, and for terse dumps.
     */
    FL_TC_FLOW_COUNTERS = 1 << 0,
};

/** fl_tc_flow_init() - @ports: where devices are interned; borrowed, must outlive @scratch */
void fl_tc_flow_init(struct fl_tc_flow *scratch, struct fl_ports *ports);
void fl_tc_flow_uninit(struct fl_tc_flow *scratch);

/**
 * fl_tc_to_flow() - @filter as a flow
 * @flags: enum fl_tc_flow_flags
 * @flow: all set; match, actions and parse_error point into @scratch until the next call. Its texts
 *        (match_text, actions_text, raw, tc) are NULL. Do not destroy its match.
 */
void fl_tc_to_flow(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                   unsigned int flags, struct fl_flow *flow);

#endif
