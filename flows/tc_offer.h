/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_OFFER_H
#define FLOWLIFT_TC_OFFER_H

/*
 * A datapath flow as the TC filter that Open vSwitch 3.1 offers for it: the inverse of flows/tc_flow.h.
 *
 * Source: OVS 3.1 lib/netdev-offload-tc.c, netdev_tc_flow_put(), netdev_tc_parse_nl_actions(); lib/tc.c,
 * nl_msg_put_flower_options(), nl_msg_put_flower_acts(). The filter is in the form in which the kernel dumps it:
 * keys without a mask are not there, and the type behind all VLAN tags is FL_TC_KEY_ETH_TYPE.
 *
 * Not known from a flow alone, and therefore refused here: which policer stands for a meter, and what OVS makes
 * of a rewrite of IP when no protocol is matched (that depends on the packet that the flow was made for).
 */

#include <openvswitch/types.h>

#include "flows/error.h"
#include "flows/flow.h"
#include "flows/tc_filter.h"

/* A port of the datapath as TC has it. Strings are borrowed. */
struct fl_tc_port {
    const char *dev;
    const char *kind; /* "geneve", "vxlan", ... as "ip -d link" says; NULL: none */
    int ifindex;
    uint32_t block; /* The block that its ingress shares with other devices; 0: none. */
    bool
        internal; /* OVS type "internal": filters are at its egress, and what is sent to it comes in there. */
};

/** fl_tc_port_cb - @port: as in struct fl_ports. Return: false when TC has no such device. */
typedef bool fl_tc_port_cb(odp_port_t port, struct fl_tc_port *found, void *aux);

struct fl_tc_offer_host {
    fl_tc_port_cb *port;
    void *aux;
    bool
        without_recirc; /* The kernel does not share recirculation ids with TC (NET_TC_SKB_EXT unset). */
};

/**
 * fl_tc_offer() - the filter that OVS offers for @flow
 * @flow: decoded in full, else -EINVAL
 * @filter: set on 0; its strings are those that @host gave. No priority and no handle, chain: the
 *          recirculation id
 * @err: may be NULL
 *
 * Return: 0; -EOPNOTSUPP: OVS offers no such flow, @err says because of what; -ENODEV: TC has no device for a
 * port; -EINVAL: what OVS offers cannot be told.
 */
int fl_tc_offer(const struct fl_flow *flow, const struct fl_tc_offer_host *host,
                struct fl_tc_filter *filter, struct fl_error *err);

#endif
