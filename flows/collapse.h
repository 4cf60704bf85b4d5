/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_COLLAPSE_H
#define FLOWLIFT_COLLAPSE_H

/*
 * What a chain does to a packet from entry to exit: the actions of all its links composed into header
 * rewrites and one output. Conntrack and recirculation leave no trace in the packet and drop out.
 */

#include <openvswitch/types.h>
#include <ovs/packets.h>
#include <stdbool.h>

#include "flows/chain.h"

struct fl_effect {
    odp_port_t output;
    bool pops_vlan;   /* The outer tag is taken off ... */
    bool pushes_vlan; /* ... and this one put on. */
    ovs_be16 vlan_tci;
    bool sets_eth_src, sets_eth_dst;
    struct eth_addr eth_src, eth_dst;
    bool uses_ct;
};

/**
 * fl_collapse() - compose the actions of a chain
 * @why: one sentence when it can't be done; FL_ERROR_MAX bytes as in struct fl_error
 * Return: 0; -ENOTSUP when the chain does something that a simple rule must not stand for: more or
 * fewer than one output, NAT, userspace actions, meters, sampling, tunnels, other rewrites; -ENODATA
 * when the chain is not wholly known.
 */
int fl_collapse(const struct fl_chain *chain, struct fl_effect *effect, struct fl_error *why);

/** fl_chain_zones() - conntrack zones the chain passes; Return: how many were written, at most @max */
size_t fl_chain_zones(const struct fl_chain *chain, uint16_t *zones, size_t max);

#endif
