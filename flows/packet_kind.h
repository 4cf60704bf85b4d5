/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PACKET_KIND_H
#define FLOWLIFT_PACKET_KIND_H

/*
 * Kinds of packets, and which fields each of them has. In a struct flow the fields that a packet does
 * not have are zero; so a region that wants a bit of such a field set has no packet of that kind.
 *
 * What is known here, as flow_extract() of OVS 3.1 reads packets (lib/flow.c, miniflow_extract()):
 *  - Fields above the Ethernet type: IPv4 and IPv6 addresses, ARP, MPLS, NSH go by dl_type. An Ethernet
 *    type is 0x5ff (802.2 without one) or more.
 *  - Fields above IP: ports, TCP flags, ICMP, IGMP and neighbour discovery go by nw_proto (and its ICMPv6
 *    type and code). Later fragments have none of them. Types and codes of ICMP and IGMP have 8 bits, TCP
 *    flags 12, IPv6 flow labels 20.
 *  - nw_frag is 0 outside of IP; "later" comes with "any" alone.
 *  - A VLAN header that is there has CFI set and the TPID 0x8100 or 0x88a8; one that is not is all zero.
 *    There is no inner one without an outer one. Packets without Ethernet have neither MAC nor VLAN.
 *  - What conntrack says (zone, mark, label, original tuple, state) comes with the state "trk" alone.
 *  - Padding is zero.
 * Not known, so that a region may be said to have packets that there are none of: fields of tunnels, the
 * bottom of MPLS stacks, combinations of conntrack states, which ct tuple goes with which packet, value
 * ranges (IP length, checksum, broadcast sources), packet types other than Ethernet.
 */

#include <openvswitch/match.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 6 protocols, two kinds of neighbour discovery, all others, for 2 versions and 3 values of nw_frag; 8
 * Ethernet types that are not IP. */
#define FL_PACKET_KINDS_MAX (9 * 2 * 3 + 8)

struct fl_packet_kind {
    ovs_be32 packet_type; /* 0: Ethernet */
    ovs_be16 dl_type;
    uint8_t nw_frag;
    uint8_t nw_proto; /* of IP alone */
    uint8_t nd_type;  /* of neighbour discovery, whose code is 0; else 0 */
};

/**
 * fl_packet_kinds() - the kinds of packets that are in @region
 * @like: its Ethernet type and protocol are preferred where a kind leaves a choice; or NULL
 * @kinds: set to the first @max; TCP over IPv4, not fragmented, comes first
 * Return: how many were written; 0: no packet is in @region.
 */
size_t fl_packet_kinds(const struct match *region, const struct match *like,
                       struct fl_packet_kind *kinds, size_t max);

/** fl_packet_kind_has() - @may: the bits that can be other than zero in a packet of this kind */
void fl_packet_kind_has(const struct fl_packet_kind *kind, struct flow *may);
/** fl_packet_kind_put() - set those fields of @packet that make it one of this kind */
void fl_packet_kind_put(const struct fl_packet_kind *kind, struct flow *packet);

/**
 * fl_packet_vlan_fits() - may packets of @region have a VLAN header at this depth?
 * @tpid: set to the TPID that it has then, if 0x8100 is possible that
 */
bool fl_packet_vlan_fits(const struct match *region, int depth, ovs_be16 *tpid);

/** fl_packet_ct_fields() - set the bits of @mask that conntrack makes; all others stay */
void fl_packet_ct_fields(struct flow *mask);

#endif
