/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/tc_rewrite.h"

#include <ovs/odp-netlink.h>
#include <ovs/util.h>

#define FIELD(text, ATTR, HEADER, at, type, member, moved)                                    \
    {                                                                                         \
        .name = text, .attr = OVS_KEY_ATTR_##ATTR, .header = FL_TC_##HEADER, .offset = at,    \
        .n = sizeof(((struct type *)0)->member), .key_offset = offsetof(struct type, member), \
        .shift = moved                                                                        \
    }

const struct fl_tc_rewrite fl_tc_rewrites[FL_TC_N_REWRITES] = {
    FIELD("ipv4 src", IPV4, IP4, 12, ovs_key_ipv4, ipv4_src, 0),
    FIELD("ipv4 dst", IPV4, IP4, 16, ovs_key_ipv4, ipv4_dst, 0),
    FIELD("ipv4 ttl", IPV4, IP4, 8, ovs_key_ipv4, ipv4_ttl, 0),
    FIELD("ipv4 tos", IPV4, IP4, 1, ovs_key_ipv4, ipv4_tos, 0),
    FIELD("ipv6 hlimit", IPV6, IP6, 7, ovs_key_ipv6, ipv6_hlimit, 0),
    FIELD("ipv6 src", IPV6, IP6, 8, ovs_key_ipv6, ipv6_src, 0),
    FIELD("ipv6 dst", IPV6, IP6, 24, ovs_key_ipv6, ipv6_dst, 0),
    FIELD("ipv6 tclass", IPV6, IP6, 0, ovs_key_ipv6, ipv6_tclass, 4),
    FIELD("eth src", ETHERNET, ETH, 6, ovs_key_ethernet, eth_src, 0),
    FIELD("eth dst", ETHERNET, ETH, 0, ovs_key_ethernet, eth_dst, 0),
    FIELD("tcp src", TCP, TCP, 0, ovs_key_tcp, tcp_src, 0),
    FIELD("tcp dst", TCP, TCP, 2, ovs_key_tcp, tcp_dst, 0),
    FIELD("udp src", UDP, UDP, 0, ovs_key_udp, udp_src, 0),
    FIELD("udp dst", UDP, UDP, 2, ovs_key_udp, udp_dst, 0),
};

size_t fl_tc_rewrite_size(int attr)
{
    switch (attr) {
    case OVS_KEY_ATTR_ETHERNET: return sizeof(struct ovs_key_ethernet);
    case OVS_KEY_ATTR_IPV4: return sizeof(struct ovs_key_ipv4);
    case OVS_KEY_ATTR_IPV6: return sizeof(struct ovs_key_ipv6);
    case OVS_KEY_ATTR_TCP: return sizeof(struct ovs_key_tcp);
    case OVS_KEY_ATTR_UDP: return sizeof(struct ovs_key_udp);
    default: return 0;
    }
}

const struct fl_tc_rewrite *fl_tc_rewrite_of(const struct fl_tc_pedit_key *key)
{
    uint32_t changed = ~ntohl(key->mask);
    int byte = changed ? __builtin_clz(changed) / 8 : 0;

    for (size_t i = 0; changed && i < FL_TC_N_REWRITES; i++) {
        const struct fl_tc_rewrite *field = &fl_tc_rewrites[i];

        if (field->header == key->header && key->offset + byte >= field->offset &&
            key->offset + byte < field->offset + field->n)
            return field;
        /* What is moved within the word begins in its first byte and ends in the next. */
        if (field->header == key->header && field->shift && key->offset == field->offset &&
            !(changed & ~(0xff000000u >> field->shift)))
            return field;
    }
    return NULL;
}
