/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLOW_TEXT_H
#define FLOWLIFT_FLOW_TEXT_H

/*
 * A flow record as the line that "ovs-appctl dpctl/dump-flows -m" would print: for captures of hosts
 * that were read without ovs-vswitchd, and for people.
 */

#include <openvswitch/dynamic-string.h>

#include "flows/flow.h"

/**
 * fl_flow_format() - append the line of @flow, without a newline
 * @ports: names of its ports; borrowed
 *
 * The decoder reads the same record from it (line, pmd and texts aside), as far as OVS's own text goes:
 * that hides a ct() action's event mask and parts of a controller's cookie. hw_packets and hw_bytes of
 * a TC flow, when known, stand behind "bytes:" as "offload_packets:N, offload_bytes:N", as vendors'
 * versions of OVS print them. What was not legible is "...": the decoder makes no more of it either.
 */
void fl_flow_format(const struct fl_flow *flow, const struct fl_ports *ports, struct ds *text);

/** fl_flow_format_match() - append the match alone */
void fl_flow_format_match(const struct fl_flow *flow, const struct fl_ports *ports,
                          struct ds *text);
/** fl_flow_format_actions() - append what stands behind "actions:" */
void fl_flow_format_actions(const struct fl_flow *flow, const struct fl_ports *ports,
                            struct ds *text);

#endif
