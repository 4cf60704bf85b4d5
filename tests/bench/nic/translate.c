/* SPDX-License-Identifier: Apache-2.0 */
#include "translate.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#define FRAG_BITS     0x3fff
#define VLAN_TCI_BITS 0xefff /* without CFI */

/* ---- Match ---- */

/* Set one field of the key from a value and a mask, either of which may be NULL. */
static void set_field(struct flownic_rule_spec *spec, size_t offset, const void *value,
                      const void *mask, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t bits = ((const uint8_t *)mask)[i];

        ((uint8_t *)&spec->mask)[offset + i] = bits;
        ((uint8_t *)&spec->value)[offset + i] = ((const uint8_t *)value)[i] & bits;
    }
}
#define SET_FIELD(SPEC, MEMBER, VALUE, MASK)                           \
    set_field(SPEC, offsetof(struct flownic_key, MEMBER), VALUE, MASK, \
              sizeof(((struct flownic_key *)0)->MEMBER))

static void match_eth_type(struct flownic_rule_spec *spec, uint16_t type)
{
    rte_be16_t value = rte_cpu_to_be_16(type), mask = 0xffff;

    SET_FIELD(spec, eth_type, &value, &mask);
}

static void match_ip_proto(struct flownic_rule_spec *spec, uint8_t proto)
{
    uint8_t mask = 0xff;

    SET_FIELD(spec, ip_proto, &proto, &mask);
}

static void match_vlan_present(struct flownic_rule_spec *spec, uint8_t present)
{
    uint8_t mask = 0xff;

    SET_FIELD(spec, vlan_present, &present, &mask);
}

/* With a VLAN item behind it, the type in the ETH item is the tag's; see match_vlan(). */
static void match_eth(struct flownic_rule_spec *spec, const struct rte_flow_item *item,
                      bool vlan_follows)
{
    const struct rte_flow_item_eth *value = item->spec;
    const struct rte_flow_item_eth *mask = item->mask ? item->mask : &rte_flow_item_eth_mask;

    if (!value) {
        return;
    }
    SET_FIELD(spec, eth_dst, value->dst.addr_bytes, mask->dst.addr_bytes);
    SET_FIELD(spec, eth_src, value->src.addr_bytes, mask->src.addr_bytes);
    if (!vlan_follows) {
        SET_FIELD(spec, eth_type, &value->type, &mask->type);
    }
    if (mask->has_vlan) {
        match_vlan_present(spec, value->has_vlan);
    }
}

static void match_vlan(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_vlan *value = item->spec;
    const struct rte_flow_item_vlan *mask = item->mask ? item->mask : &rte_flow_item_vlan_mask;
    rte_be16_t tci_mask;

    match_vlan_present(spec, 1);
    if (!value) {
        return;
    }
    tci_mask = mask->tci & rte_cpu_to_be_16(VLAN_TCI_BITS);
    SET_FIELD(spec, vlan_tci, &value->tci, &tci_mask);
    if (mask->inner_type) {
        SET_FIELD(spec, eth_type, &value->inner_type, &mask->inner_type);
    }
}

/* Only fields of the header that the key has; another one cannot be matched. */
static const char *match_ipv4(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_ipv4 *value = item->spec;
    const struct rte_flow_item_ipv4 *mask = item->mask ? item->mask : &rte_flow_item_ipv4_mask;
    rte_be16_t frag_mask;

    match_eth_type(spec, RTE_ETHER_TYPE_IPV4);
    if (!value) {
        return NULL;
    }
    if (mask->hdr.version_ihl || mask->hdr.total_length || mask->hdr.packet_id ||
        mask->hdr.hdr_checksum) {
        return "flownic: match on this part of the IPv4 header is not supported";
    }
    frag_mask = mask->hdr.fragment_offset & rte_cpu_to_be_16(FRAG_BITS);
    SET_FIELD(spec, ip_tos, &value->hdr.type_of_service, &mask->hdr.type_of_service);
    SET_FIELD(spec, ip_ttl, &value->hdr.time_to_live, &mask->hdr.time_to_live);
    SET_FIELD(spec, ip_frag, &value->hdr.fragment_offset, &frag_mask);
    SET_FIELD(spec, ip_proto, &value->hdr.next_proto_id, &mask->hdr.next_proto_id);
    SET_FIELD(spec, ipv4_src, &value->hdr.src_addr, &mask->hdr.src_addr);
    SET_FIELD(spec, ipv4_dst, &value->hdr.dst_addr, &mask->hdr.dst_addr);
    return NULL;
}

static const char *match_ipv6(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_ipv6 *value = item->spec;
    const struct rte_flow_item_ipv6 *mask = item->mask ? item->mask : &rte_flow_item_ipv6_mask;
    uint8_t tos, tos_mask;

    match_eth_type(spec, RTE_ETHER_TYPE_IPV6);
    if (!value) {
        return NULL;
    }
    if ((mask->hdr.vtc_flow & rte_cpu_to_be_32(RTE_IPV6_HDR_FL_MASK)) || mask->hdr.payload_len) {
        return "flownic: match on this part of the IPv6 header is not supported";
    }
    tos = (uint8_t)(rte_be_to_cpu_32(value->hdr.vtc_flow) >> 20);
    tos_mask = (uint8_t)(rte_be_to_cpu_32(mask->hdr.vtc_flow) >> 20);
    SET_FIELD(spec, ip_tos, &tos, &tos_mask);
    SET_FIELD(spec, ip_ttl, &value->hdr.hop_limits, &mask->hdr.hop_limits);
    SET_FIELD(spec, ip_proto, &value->hdr.proto, &mask->hdr.proto);
    SET_FIELD(spec, ipv6_src, value->hdr.src_addr, mask->hdr.src_addr);
    SET_FIELD(spec, ipv6_dst, value->hdr.dst_addr, mask->hdr.dst_addr);
    return NULL;
}

static const char *match_tcp(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_tcp *value = item->spec;
    const struct rte_flow_item_tcp *mask = item->mask ? item->mask : &rte_flow_item_tcp_mask;

    match_ip_proto(spec, IPPROTO_TCP);
    if (!value) {
        return NULL;
    }
    if (mask->hdr.sent_seq || mask->hdr.recv_ack || mask->hdr.data_off || mask->hdr.rx_win ||
        mask->hdr.cksum || mask->hdr.tcp_urp) {
        return "flownic: match on this part of the TCP header is not supported";
    }
    SET_FIELD(spec, tcp_src, &value->hdr.src_port, &mask->hdr.src_port);
    SET_FIELD(spec, tcp_dst, &value->hdr.dst_port, &mask->hdr.dst_port);
    SET_FIELD(spec, tcp_flags, &value->hdr.tcp_flags, &mask->hdr.tcp_flags);
    return NULL;
}

static const char *match_udp(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_udp *value = item->spec;
    const struct rte_flow_item_udp *mask = item->mask ? item->mask : &rte_flow_item_udp_mask;

    match_ip_proto(spec, IPPROTO_UDP);
    if (!value) {
        return NULL;
    }
    if (mask->hdr.dgram_len || mask->hdr.dgram_cksum) {
        return "flownic: match on this part of the UDP header is not supported";
    }
    SET_FIELD(spec, udp_src, &value->hdr.src_port, &mask->hdr.src_port);
    SET_FIELD(spec, udp_dst, &value->hdr.dst_port, &mask->hdr.dst_port);
    return NULL;
}

static const char *match_icmp(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    const struct rte_flow_item_icmp *value = item->spec;
    const struct rte_flow_item_icmp *mask = item->mask ? item->mask : &rte_flow_item_icmp_mask;

    match_ip_proto(spec, IPPROTO_ICMP);
    if (value) {
        SET_FIELD(spec, icmp_type, &value->hdr.icmp_type, &mask->hdr.icmp_type);
        SET_FIELD(spec, icmp_code, &value->hdr.icmp_code, &mask->hdr.icmp_code);
    }
    return NULL;
}

static bool vlan_follows(const struct rte_flow_item *item)
{
    do {
        item++;
    } while (item->type == RTE_FLOW_ITEM_TYPE_VOID);
    return item->type == RTE_FLOW_ITEM_TYPE_VLAN;
}

static const char *match_item(struct flownic_rule_spec *spec, const struct rte_flow_item *item)
{
    switch (item->type) {
    case RTE_FLOW_ITEM_TYPE_VOID: return NULL;
    case RTE_FLOW_ITEM_TYPE_ETH: match_eth(spec, item, vlan_follows(item)); return NULL;
    case RTE_FLOW_ITEM_TYPE_VLAN: match_vlan(spec, item); return NULL;
    case RTE_FLOW_ITEM_TYPE_IPV4: return match_ipv4(spec, item);
    case RTE_FLOW_ITEM_TYPE_IPV6: return match_ipv6(spec, item);
    case RTE_FLOW_ITEM_TYPE_TCP: return match_tcp(spec, item);
    case RTE_FLOW_ITEM_TYPE_UDP: return match_udp(spec, item);
    case RTE_FLOW_ITEM_TYPE_ICMP: return match_icmp(spec, item);
    default: return "flownic: this kind of header cannot be matched";
    }
}

static int translate_items(const struct rte_flow_item *items, struct flownic_rule_spec *spec,
                           struct rte_flow_error *error)
{
    for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++) {
        const char *wrong;

        if (items->last) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, items,
                                      "flownic: ranges are not supported");
        }
        wrong = match_item(spec, items);
        if (wrong) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, items, wrong);
        }
    }
    return 0;
}

/* ---- Actions ---- */

/* Reads one action into @to. Returns false if it is not one of the model's. */
static bool read_action(const struct rte_flow_action *from, struct flownic_action *to)
{
    const void *conf = from->conf;

    switch (from->type) {
    case RTE_FLOW_ACTION_TYPE_DROP: to->type = FLOWNIC_ACTION_DROP; return true;
    case RTE_FLOW_ACTION_TYPE_PORT_ID:
        to->type = FLOWNIC_ACTION_PORT;
        to->number = ((const struct rte_flow_action_port_id *)conf)->id;
        return true;
    case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
    case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
        to->type = FLOWNIC_ACTION_PORT;
        to->number = ((const struct rte_flow_action_ethdev *)conf)->port_id;
        return true;
    case RTE_FLOW_ACTION_TYPE_MARK:
        to->type = FLOWNIC_ACTION_MARK;
        to->number = ((const struct rte_flow_action_mark *)conf)->id;
        return true;
    case RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN:
        to->type = FLOWNIC_ACTION_PUSH_VLAN;
        to->number = rte_be_to_cpu_16(
            ((const struct rte_flow_action_of_push_vlan *)conf)->ethertype);
        return true;
    case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID:
        to->type = FLOWNIC_ACTION_SET_VLAN_VID;
        to->number = rte_be_to_cpu_16(
            ((const struct rte_flow_action_of_set_vlan_vid *)conf)->vlan_vid);
        return true;
    case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP:
        to->type = FLOWNIC_ACTION_SET_VLAN_PCP;
        to->number = ((const struct rte_flow_action_of_set_vlan_pcp *)conf)->vlan_pcp;
        return true;
    case RTE_FLOW_ACTION_TYPE_OF_POP_VLAN: to->type = FLOWNIC_ACTION_POP_VLAN; return true;
    case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
    case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
        to->type = from->type == RTE_FLOW_ACTION_TYPE_SET_MAC_SRC ? FLOWNIC_ACTION_SET_ETH_SRC
                                                                  : FLOWNIC_ACTION_SET_ETH_DST;
        memcpy(to->bytes, ((const struct rte_flow_action_set_mac *)conf)->mac_addr, 6);
        return true;
    case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
    case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
        to->type = from->type == RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC ? FLOWNIC_ACTION_SET_IPV4_SRC
                                                                   : FLOWNIC_ACTION_SET_IPV4_DST;
        memcpy(to->bytes, &((const struct rte_flow_action_set_ipv4 *)conf)->ipv4_addr, 4);
        return true;
    case RTE_FLOW_ACTION_TYPE_SET_TTL:
        to->type = FLOWNIC_ACTION_SET_TTL;
        to->number = ((const struct rte_flow_action_set_ttl *)conf)->ttl_value;
        return true;
    case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
    case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
        to->type = from->type == RTE_FLOW_ACTION_TYPE_SET_TP_SRC ? FLOWNIC_ACTION_SET_L4_SRC
                                                                 : FLOWNIC_ACTION_SET_L4_DST;
        memcpy(to->bytes, &((const struct rte_flow_action_set_tp *)conf)->port, 2);
        return true;
    default: return false;
    }
}

/* COUNT is a property of the rule here; RSS and QUEUE say "to software", which a rule that
 * only marks does anyway. */
static bool is_implied(const struct rte_flow_action *action, struct flownic_rule_spec *spec)
{
    switch (action->type) {
    case RTE_FLOW_ACTION_TYPE_VOID: return true;
    case RTE_FLOW_ACTION_TYPE_COUNT: spec->counts = true; return true;
    case RTE_FLOW_ACTION_TYPE_RSS:
    case RTE_FLOW_ACTION_TYPE_QUEUE: return !spec->forwards;
    default: return false;
    }
}

static bool is_fate(enum flownic_action_type type)
{
    return type == FLOWNIC_ACTION_PORT || type == FLOWNIC_ACTION_DROP;
}

static int translate_actions(const struct rte_flow_action *actions,
                             flownic_port_is_ours_func *port_is_ours, const void *context,
                             struct flownic_rule_spec *spec, struct rte_flow_error *error)
{
    bool has_fate = false;

    for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++) {
        struct flownic_action *action = &spec->actions[spec->n_actions];

        if (is_implied(actions, spec)) {
            continue;
        }
        if (spec->n_actions == FLOWNIC_MAX_ACTIONS) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION_NUM, actions,
                                      "flownic: too many actions");
        }
        if (!read_action(actions, action) ||
            (action->type == FLOWNIC_ACTION_MARK) == spec->forwards) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, actions,
                                      "flownic: this action is not supported");
        }
        if (action->type == FLOWNIC_ACTION_PORT && !port_is_ours(context, action->number)) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, actions,
                                      "flownic: the target port is not on this NIC");
        }
        has_fate = has_fate || is_fate(action->type);
        spec->n_actions++;
    }
    if (spec->forwards && !has_fate) {
        return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, NULL,
                                  "flownic: the rule neither forwards nor drops");
    }
    return 0;
}

int flownic_translate(const struct rte_flow_attr *attr, const struct rte_flow_item *items,
                      const struct rte_flow_action *actions,
                      flownic_port_is_ours_func *port_is_ours, const void *context,
                      struct flownic_rule_spec *spec, struct rte_flow_error *error)
{
    struct flownic_rule_spec made = { .priority = attr->priority, .forwards = attr->transfer };
    int result;

    if (attr->egress) {
        return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_EGRESS, attr,
                                  "flownic: egress rules are not supported");
    }
    if (attr->group) {
        return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, attr,
                                  "flownic: there is only group 0");
    }
    result = translate_items(items, &made, error);
    if (!result) {
        result = translate_actions(actions, port_is_ours, context, &made, error);
    }
    if (!result) {
        *spec = made;
    }
    return result;
}
