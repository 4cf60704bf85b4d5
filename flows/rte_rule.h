/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_RTE_RULE_H
#define FLOWLIFT_RTE_RULE_H

/*
 * The rules that OVS-DPDK offers to a NIC for a datapath flow, as the DPDK plug-in wants them in text
 * (docs/dpdk-plugin.md): to ask the NIC again what it says of them.
 *
 * Source: OVS 3.1 lib/netdev-offload-dpdk.c, parse_flow_match() and parse_flow_actions().
 */

#include <openvswitch/dynamic-string.h>

#include "flows/error.h"
#include "flows/flow.h"

enum fl_rte_rule_kind {
    FL_RTE_FORWARDS,             /* What OVS offers first, up to version 3.2: to a port_id. */
    FL_RTE_FORWARDS_REPRESENTED, /* The same from version 3.3 on: to a represented_port. */
    FL_RTE_MARKS,                /* What it offers when that was refused: MARK and RSS. */
};

/** fl_rte_kind_of() - what this version of Open vSwitch offers first; @ovs_version: "3.1.0", or NULL */
enum fl_rte_rule_kind fl_rte_kind_of(const char *ovs_version);

/** fl_rte_port - DPDK's number of a datapath port, or -1: none that OVS sends to in hardware */
typedef int fl_rte_port(odp_port_t port, void *aux);

/**
 * fl_rte_rule_format() - append the rule that OVS offers for a flow
 * @flow: with match and actions
 * @kind: FL_RTE_MARKS needs no @port_of
 * Return: 0; -EOPNOTSUPP: OVS offers none for this flow, with what keeps it from it; -EPROTONOSUPPORT: one that has
 * no public form (tunnels); -EINVAL: the flow is not legible as a whole. @text is as it was on errors.
 */
int fl_rte_rule_format(const struct fl_flow *flow, enum fl_rte_rule_kind kind, fl_rte_port *port_of,
                       void *aux, struct ds *text, struct fl_error *err);

#endif
