/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OFFERABLE_H
#define FLOWLIFT_OFFERABLE_H

/*
 * What Open vSwitch 3.1 never offers to a NIC, because its own translation to TC or to DPDK's rte_flow
 * does not know it. What a NIC then makes of an offer is not told here.
 *
 * What is a cause of its own (cause.c) is not reported here: conntrack, recirculation, hashes, fragments,
 * userspace actions and sampling, meters, tunnels.
 */

#include <stdbool.h>

#include <openvswitch/dynamic-string.h>

#include "flows/flow.h"
#include "flows/inventory.h"

struct nlattr;

enum fl_offload_api {
    FL_API_UNKNOWN,
    FL_API_TC,       /* kernel datapath: lib/netdev-offload-tc.c */
    FL_API_RTE_FLOW, /* DPDK datapath: lib/netdev-offload-dpdk.c */
};

/** fl_offload_api() - to which interface OVS offers this flow; @inv may be NULL */
enum fl_offload_api fl_offload_api(const struct fl_flow *flow, const struct fl_inventory *inv);

/**
 * fl_unoffered_match() - fields of the match that keep OVS from offering the flow
 * @names: "skb_mark, nsh" is appended
 * Return: true when there are any.
 * Source: OVS 3.1.0, test_key_and_mask() and netdev_tc_flow_put() of netdev-offload-tc.c,
 * parse_flow_match() of netdev-offload-dpdk.c.
 */
bool fl_unoffered_match(const struct fl_flow *flow, enum fl_offload_api api, struct ds *names);

/**
 * fl_unoffered_action() - the first action that keeps OVS from offering the flow
 * @text: it, as OVS prints it, is appended
 * Return: true when there is one.
 * Source: OVS 3.1.0, netdev_tc_parse_nl_actions() of netdev-offload-tc.c, parse_flow_actions() of
 * netdev-offload-dpdk.c.
 */
bool fl_unoffered_action(const struct fl_flow *flow, enum fl_offload_api api, struct ds *text);

/**
 * fl_unoffered_format() - an action as it is named there
 * @text: appended; the actions inside others are left out
 */
void fl_unoffered_format(const struct nlattr *action, struct ds *text);

#endif
