/* SPDX-License-Identifier: Apache-2.0 */

/* Headers that a rule puts in front of a packet. See rule.h. */

#include <string.h>

#include "lib/dpdk/plugin/rule.h"

#define IPPROTO_AT_IPV4 9
#define IPPROTO_AT_IPV6 6

static void add_header(struct rte_flow_item *item, enum rte_flow_item_type type, const void *spec,
                       const void *mask)
{
    *item = (struct rte_flow_item){ .type = type, .spec = spec, .mask = mask };
}

/*
 * The items of a VXLAN header: Ethernet, IPv4 or IPv6, UDP, VXLAN, each as it is in the header.
 * Source: OVS 3.1 lib/netdev-offload-dpdk.c, add_vxlan_encap_action(), which lets items point into the
 * header like this.
 */
static const char *set_vxlan(struct fl_rule *rule, size_t n_bytes,
                             struct rte_flow_action_vxlan_encap *conf)
{
    static const size_t behind_ip = sizeof(struct rte_udp_hdr) + sizeof(struct rte_vxlan_hdr);
    const uint8_t *ip = rule->header + sizeof(struct rte_ether_hdr);
    const uint8_t *type = ip - 2;
    bool is_ipv4 = type[0] == 0x08 && type[1] == 0x00, is_ipv6 = type[0] == 0x86 && type[1] == 0xdd;
    const uint8_t *udp = ip + (is_ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));

    if ((!is_ipv4 && !is_ipv6) || n_bytes != (size_t)(udp - rule->header) + behind_ip ||
        ip[is_ipv4 ? IPPROTO_AT_IPV4 : IPPROTO_AT_IPV6] != IPPROTO_UDP) {
        return "a header of Ethernet, IP, UDP and VXLAN is wanted";
    }
    add_header(&rule->encap[0], RTE_FLOW_ITEM_TYPE_ETH, rule->header, &rte_flow_item_eth_mask);
    if (is_ipv4) {
        add_header(&rule->encap[1], RTE_FLOW_ITEM_TYPE_IPV4, ip, &rte_flow_item_ipv4_mask);
    } else {
        add_header(&rule->encap[1], RTE_FLOW_ITEM_TYPE_IPV6, ip, &rte_flow_item_ipv6_mask);
    }
    add_header(&rule->encap[2], RTE_FLOW_ITEM_TYPE_UDP, udp, &rte_flow_item_udp_mask);
    add_header(&rule->encap[3], RTE_FLOW_ITEM_TYPE_VXLAN, udp + sizeof(struct rte_udp_hdr),
               &rte_flow_item_vxlan_mask);
    add_header(&rule->encap[4], RTE_FLOW_ITEM_TYPE_END, NULL, NULL);
    conf->definition = rule->encap;
    return NULL;
}

const char *fl_rule_set_header(struct fl_rule *rule, enum fl_rule_special special, size_t n_bytes,
                               void *conf)
{
    if (special == FL_RULE_VXLAN_ENCAP) {
        return set_vxlan(rule, n_bytes, conf);
    }
    *(struct rte_flow_action_raw_encap *)conf = (struct rte_flow_action_raw_encap){
        .data = rule->header,
        .size = n_bytes,
    };
    return NULL;
}
