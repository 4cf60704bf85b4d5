/* SPDX-License-Identifier: Apache-2.0 */

/* The words of a rule: items, their fields, and actions. See rule.h. */

#include <string.h>

#include "lib/dpdk/plugin/rule.h"

/* clang-format off */
#define BYTES(NAME, STRUCT, MEMBER) \
    { .name = (NAME), .value = FL_RULE_BYTES, .offset = offsetof(struct STRUCT, MEMBER), \
      .n_bytes = sizeof(((struct STRUCT *)0)->MEMBER) }
#define BIT(NAME, BIT_) { .name = (NAME), .value = FL_RULE_BIT, .bit = (BIT_) }
#define NUMBER(NAME, STRUCT, MEMBER, MAX) \
    { .name = (NAME), .value = FL_RULE_NUMBER, .offset = offsetof(struct STRUCT, MEMBER), \
      .n_bytes = sizeof(((struct STRUCT *)0)->MEMBER), .max = (MAX) }
#define BE16(NAME, STRUCT, MEMBER, MAX) \
    { .name = (NAME), .value = FL_RULE_BE16, .offset = offsetof(struct STRUCT, MEMBER), \
      .n_bytes = 2, .max = (MAX) }

static const struct fl_rule_item_word item_words[] = {
    { "eth", RTE_FLOW_ITEM_TYPE_ETH, {
        BYTES("dst", rte_flow_item_eth, dst),
        BYTES("src", rte_flow_item_eth, src),
        BYTES("type", rte_flow_item_eth, type),
        BIT("has_vlan", FL_RULE_HAS_VLAN) } },
    { "vlan", RTE_FLOW_ITEM_TYPE_VLAN, {
        BYTES("tci", rte_flow_item_vlan, tci),
        BYTES("inner_type", rte_flow_item_vlan, inner_type),
        BIT("has_more_vlan", FL_RULE_HAS_MORE_VLAN) } },
    { "ipv4", RTE_FLOW_ITEM_TYPE_IPV4, {
        BYTES("src", rte_flow_item_ipv4, hdr.src_addr),
        BYTES("dst", rte_flow_item_ipv4, hdr.dst_addr),
        BYTES("proto", rte_flow_item_ipv4, hdr.next_proto_id),
        BYTES("tos", rte_flow_item_ipv4, hdr.type_of_service),
        BYTES("ttl", rte_flow_item_ipv4, hdr.time_to_live),
        BYTES("frag", rte_flow_item_ipv4, hdr.fragment_offset) } },
    { "ipv6", RTE_FLOW_ITEM_TYPE_IPV6, {
        BYTES("src", rte_flow_item_ipv6, hdr.src_addr),
        BYTES("dst", rte_flow_item_ipv6, hdr.dst_addr),
        BYTES("proto", rte_flow_item_ipv6, hdr.proto),
        BYTES("hop", rte_flow_item_ipv6, hdr.hop_limits),
        BYTES("vtc", rte_flow_item_ipv6, hdr.vtc_flow),
        BIT("has_frag_ext", FL_RULE_HAS_FRAG_EXT) } },
    { "ipv6_frag_ext", RTE_FLOW_ITEM_TYPE_IPV6_FRAG_EXT, {
        BYTES("next_hdr", rte_flow_item_ipv6_frag_ext, hdr.next_header),
        BYTES("frag_data", rte_flow_item_ipv6_frag_ext, hdr.frag_data) } },
    { "tcp", RTE_FLOW_ITEM_TYPE_TCP, {
        BYTES("src", rte_flow_item_tcp, hdr.src_port),
        BYTES("dst", rte_flow_item_tcp, hdr.dst_port),
        BYTES("data_off", rte_flow_item_tcp, hdr.data_off),
        BYTES("flags", rte_flow_item_tcp, hdr.tcp_flags) } },
    { "udp", RTE_FLOW_ITEM_TYPE_UDP, {
        BYTES("src", rte_flow_item_udp, hdr.src_port),
        BYTES("dst", rte_flow_item_udp, hdr.dst_port) } },
    { "sctp", RTE_FLOW_ITEM_TYPE_SCTP, {
        BYTES("src", rte_flow_item_sctp, hdr.src_port),
        BYTES("dst", rte_flow_item_sctp, hdr.dst_port) } },
    { "icmp", RTE_FLOW_ITEM_TYPE_ICMP, {
        BYTES("type", rte_flow_item_icmp, hdr.icmp_type),
        BYTES("code", rte_flow_item_icmp, hdr.icmp_code) } },
    { "vxlan", RTE_FLOW_ITEM_TYPE_VXLAN, {
        BYTES("vni", rte_flow_item_vxlan, vni) } },
    { "gre", RTE_FLOW_ITEM_TYPE_GRE, {
        BYTES("c_rsvd0_ver", rte_flow_item_gre, c_rsvd0_ver),
        BYTES("protocol", rte_flow_item_gre, protocol) } },
    { "gre_key", RTE_FLOW_ITEM_TYPE_GRE_KEY, {
        { .name = "key", .value = FL_RULE_BYTES, .n_bytes = sizeof(rte_be32_t) } } },
};

static const struct fl_rule_action_word action_words[] = {
    { "count", RTE_FLOW_ACTION_TYPE_COUNT, .has_conf = true },
    { .name = "drop", .type = RTE_FLOW_ACTION_TYPE_DROP },
    { "port_id", RTE_FLOW_ACTION_TYPE_PORT_ID,
      .field = NUMBER("id", rte_flow_action_port_id, id, UINT16_MAX) },
    { "represented_port", RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT,
      .field = NUMBER("id", rte_flow_action_ethdev, port_id, UINT16_MAX) },
    { "mark", RTE_FLOW_ACTION_TYPE_MARK,
      .field = NUMBER("id", rte_flow_action_mark, id, UINT32_MAX) },
    { "jump", RTE_FLOW_ACTION_TYPE_JUMP,
      .field = NUMBER("group", rte_flow_action_jump, group, UINT32_MAX) },
    { "of_push_vlan", RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN,
      .field = BYTES("type", rte_flow_action_of_push_vlan, ethertype) },
    { "of_set_vlan_vid", RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID,
      .field = BE16("vid", rte_flow_action_of_set_vlan_vid, vlan_vid, 4095) },
    { "of_set_vlan_pcp", RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP,
      .field = NUMBER("pcp", rte_flow_action_of_set_vlan_pcp, vlan_pcp, 7) },
    { .name = "of_pop_vlan", .type = RTE_FLOW_ACTION_TYPE_OF_POP_VLAN },
    { "set_mac_src", RTE_FLOW_ACTION_TYPE_SET_MAC_SRC,
      .field = BYTES("addr", rte_flow_action_set_mac, mac_addr) },
    { "set_mac_dst", RTE_FLOW_ACTION_TYPE_SET_MAC_DST,
      .field = BYTES("addr", rte_flow_action_set_mac, mac_addr) },
    { "set_ipv4_src", RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC,
      .field = BYTES("addr", rte_flow_action_set_ipv4, ipv4_addr) },
    { "set_ipv4_dst", RTE_FLOW_ACTION_TYPE_SET_IPV4_DST,
      .field = BYTES("addr", rte_flow_action_set_ipv4, ipv4_addr) },
    { "set_ipv6_src", RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC,
      .field = BYTES("addr", rte_flow_action_set_ipv6, ipv6_addr) },
    { "set_ipv6_dst", RTE_FLOW_ACTION_TYPE_SET_IPV6_DST,
      .field = BYTES("addr", rte_flow_action_set_ipv6, ipv6_addr) },
    { "set_tp_src", RTE_FLOW_ACTION_TYPE_SET_TP_SRC,
      .field = BE16("port", rte_flow_action_set_tp, port, UINT16_MAX) },
    { "set_tp_dst", RTE_FLOW_ACTION_TYPE_SET_TP_DST,
      .field = BE16("port", rte_flow_action_set_tp, port, UINT16_MAX) },
    { "set_ttl", RTE_FLOW_ACTION_TYPE_SET_TTL,
      .field = NUMBER("ttl", rte_flow_action_set_ttl, ttl_value, UINT8_MAX) },
    { "rss", RTE_FLOW_ACTION_TYPE_RSS, .special = FL_RULE_RSS },
    { "raw_encap", RTE_FLOW_ACTION_TYPE_RAW_ENCAP, .special = FL_RULE_RAW_ENCAP },
    { "vxlan_encap", RTE_FLOW_ACTION_TYPE_VXLAN_ENCAP, .special = FL_RULE_VXLAN_ENCAP },
};
/* clang-format on */

/* What a rule's slots must have room for. */
_Static_assert(sizeof(struct rte_flow_item_ipv6) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_item_ipv4) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_item_eth) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_item_vlan) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_item_tcp) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_item_vxlan) <= FL_RULE_SLOT_BYTES, "item");
_Static_assert(sizeof(struct rte_flow_action_rss) <= FL_RULE_SLOT_BYTES, "action");
_Static_assert(sizeof(struct rte_flow_action_raw_encap) <= FL_RULE_SLOT_BYTES, "action");
_Static_assert(sizeof(struct rte_flow_action_set_ipv6) <= FL_RULE_SLOT_BYTES, "action");

static bool is_name(const char *name, const char *text, size_t n)
{
    return strlen(name) == n && !memcmp(name, text, n);
}

const struct fl_rule_item_word *fl_rule_item_find(const char *name, size_t n)
{
    for (size_t i = 0; i < RTE_DIM(item_words); i++) {
        if (is_name(item_words[i].name, name, n)) {
            return &item_words[i];
        }
    }
    return NULL;
}

const struct fl_rule_action_word *fl_rule_action_find(const char *name, size_t n)
{
    for (size_t i = 0; i < RTE_DIM(action_words); i++) {
        if (is_name(action_words[i].name, name, n)) {
            return &action_words[i];
        }
    }
    return NULL;
}

void fl_rule_set_bit(void *item, enum fl_rule_bit bit, unsigned int value)
{
    switch (bit) {
    case FL_RULE_HAS_VLAN: ((struct rte_flow_item_eth *)item)->has_vlan = value & 1; break;
    case FL_RULE_HAS_MORE_VLAN:
        ((struct rte_flow_item_vlan *)item)->has_more_vlan = value & 1;
        break;
    case FL_RULE_HAS_FRAG_EXT: ((struct rte_flow_item_ipv6 *)item)->has_frag_ext = value & 1; break;
    case FL_RULE_NO_BIT: break;
    }
}
