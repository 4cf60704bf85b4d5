/* SPDX-License-Identifier: Apache-2.0 */

/* A flow taken apart into what the lines of a NIC profile are about: nic_profile_internal.h. */

#include "flows/nic_profile_internal.h"

#include <string.h>

#include <openvswitch/meta-flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/actions.h"

/* ---- Names ---- */

const struct mf_field *fl_profile_field(const char *name)
{
    const struct mf_field *field = mf_from_name(name);

    return field && !strcmp(field->name, name) ? field : NULL;
}

static const struct {
    const char *field;
    const char *name;
    uint32_t bit;
} flag_names[] = {
    { "ct_state", "new", CS_NEW },          { "ct_state", "est", CS_ESTABLISHED },
    { "ct_state", "rel", CS_RELATED },      { "ct_state", "rpl", CS_REPLY_DIR },
    { "ct_state", "inv", CS_INVALID },      { "ct_state", "trk", CS_TRACKED },
    { "ct_state", "snat", CS_SRC_NAT },     { "ct_state", "dnat", CS_DST_NAT },
    { "ip_frag", "yes", FLOW_NW_FRAG_ANY }, { "ip_frag", "later", FLOW_NW_FRAG_LATER },
};

uint32_t fl_profile_flag(const char *field, const char *flag)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if (!strcmp(flag_names[i].field, field) && !strcmp(flag_names[i].name, flag))
            return flag_names[i].bit;
    }
    return 0;
}

/* As Open vSwitch prints them. */
static const struct {
    int type;
    const char *name;
} action_names[] = {
    { OVS_ACTION_ATTR_OUTPUT, "output" },
    { OVS_ACTION_ATTR_DROP, "drop" },
    { OVS_ACTION_ATTR_PUSH_VLAN, "push_vlan" },
    { OVS_ACTION_ATTR_POP_VLAN, "pop_vlan" },
    { OVS_ACTION_ATTR_PUSH_MPLS, "push_mpls" },
    { OVS_ACTION_ATTR_POP_MPLS, "pop_mpls" },
    { OVS_ACTION_ATTR_ADD_MPLS, "add_mpls" },
    { OVS_ACTION_ATTR_PUSH_ETH, "push_eth" },
    { OVS_ACTION_ATTR_POP_ETH, "pop_eth" },
    { OVS_ACTION_ATTR_PUSH_NSH, "push_nsh" },
    { OVS_ACTION_ATTR_POP_NSH, "pop_nsh" },
    { OVS_ACTION_ATTR_CT, "ct" },
    { OVS_ACTION_ATTR_CT_CLEAR, "ct_clear" },
    { OVS_ACTION_ATTR_RECIRC, "recirc" },
    { OVS_ACTION_ATTR_HASH, "hash" },
    { OVS_ACTION_ATTR_LB_OUTPUT, "lb_output" },
    { OVS_ACTION_ATTR_METER, "meter" },
    { OVS_ACTION_ATTR_SAMPLE, "sample" },
    { OVS_ACTION_ATTR_CLONE, "clone" },
    { OVS_ACTION_ATTR_TRUNC, "trunc" },
    { OVS_ACTION_ATTR_CHECK_PKT_LEN, "check_pkt_len" },
    { OVS_ACTION_ATTR_TUNNEL_PUSH, "tnl_push" },
    { OVS_ACTION_ATTR_TUNNEL_POP, "tnl_pop" },
    { OVS_ACTION_ATTR_USERSPACE, "userspace" },
};

static const struct {
    int key;
    const char *name;
} set_names[] = {
    { OVS_KEY_ATTR_ETHERNET, "set(eth)" },      { OVS_KEY_ATTR_IPV4, "set(ipv4)" },
    { OVS_KEY_ATTR_IPV6, "set(ipv6)" },         { OVS_KEY_ATTR_TCP, "set(tcp)" },
    { OVS_KEY_ATTR_UDP, "set(udp)" },           { OVS_KEY_ATTR_SCTP, "set(sctp)" },
    { OVS_KEY_ATTR_ICMP, "set(icmp)" },         { OVS_KEY_ATTR_ARP, "set(arp)" },
    { OVS_KEY_ATTR_MPLS, "set(mpls)" },         { OVS_KEY_ATTR_TUNNEL, "set(tunnel)" },
    { OVS_KEY_ATTR_SKB_MARK, "set(skb_mark)" },
};

/* What ct() does besides tracking. */
static const char ct_commit[] = "ct(commit)", ct_nat[] = "ct(nat)";

bool fl_profile_is_action(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(action_names); i++) {
        if (!strcmp(action_names[i].name, name))
            return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(set_names); i++) {
        if (!strcmp(set_names[i].name, name))
            return true;
    }
    return !strcmp(name, ct_commit) || !strcmp(name, ct_nat);
}

/* ---- Rewrites ---- */

/* Fields of what set() carries: where they are, and which bits. */
static const struct {
    int key;
    enum fl_profile_over over;
    size_t offset;
    size_t size;
    uint8_t bits; /* Of a single byte. */
    const char *field;
} settable[] = {
#define FIELD(KEY, OVER, STRUCT, MEMBER, BITS, NAME)                                 \
    {                                                                                \
        OVS_KEY_ATTR_##KEY, FL_PROFILE_OVER_##OVER, offsetof(struct STRUCT, MEMBER), \
            sizeof(((struct STRUCT *)0)->MEMBER), BITS, NAME                         \
    }
    FIELD(ETHERNET, ANY, ovs_key_ethernet, eth_src, 0xff, "eth_src"),
    FIELD(ETHERNET, ANY, ovs_key_ethernet, eth_dst, 0xff, "eth_dst"),
    FIELD(IPV4, IPV4, ovs_key_ipv4, ipv4_src, 0xff, "ip_src"),
    FIELD(IPV4, IPV4, ovs_key_ipv4, ipv4_dst, 0xff, "ip_dst"),
    FIELD(IPV4, IPV4, ovs_key_ipv4, ipv4_tos, IP_DSCP_MASK, "ip_dscp"),
    FIELD(IPV4, IPV4, ovs_key_ipv4, ipv4_tos, IP_ECN_MASK, "nw_ecn"),
    FIELD(IPV4, IPV4, ovs_key_ipv4, ipv4_ttl, 0xff, "nw_ttl"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_src, 0xff, "ipv6_src"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_dst, 0xff, "ipv6_dst"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_label, 0xff, "ipv6_label"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_tclass, IP_DSCP_MASK, "ip_dscp"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_tclass, IP_ECN_MASK, "nw_ecn"),
    FIELD(IPV6, IPV6, ovs_key_ipv6, ipv6_hlimit, 0xff, "nw_ttl"),
    FIELD(TCP, ANY, ovs_key_tcp, tcp_src, 0xff, "tcp_src"),
    FIELD(TCP, ANY, ovs_key_tcp, tcp_dst, 0xff, "tcp_dst"),
    FIELD(UDP, ANY, ovs_key_udp, udp_src, 0xff, "udp_src"),
    FIELD(UDP, ANY, ovs_key_udp, udp_dst, 0xff, "udp_dst"),
    FIELD(SCTP, ANY, ovs_key_sctp, sctp_src, 0xff, "sctp_src"),
    FIELD(SCTP, ANY, ovs_key_sctp, sctp_dst, 0xff, "sctp_dst"),
#undef FIELD
};

static const char *set_name(int key)
{
    for (size_t i = 0; i < ARRAY_SIZE(set_names); i++) {
        if (set_names[i].key == key)
            return set_names[i].name;
    }
    return NULL;
}

const char *fl_profile_rewrite_action(const char *field, enum fl_profile_over over)
{
    for (size_t i = 0; i < ARRAY_SIZE(settable); i++) {
        if (!strcmp(settable[i].field, field) &&
            (!over || !settable[i].over || over == settable[i].over))
            return set_name(settable[i].key);
    }
    return NULL;
}

static void add_rewrite(struct fl_profile_parts *parts, const char *field,
                        enum fl_profile_over over)
{
    if (parts->n_rewrites < FL_PROFILE_REWRITES_MAX)
        parts->rewrites[parts->n_rewrites++] = (struct fl_profile_rewrite){ field, over };
}

static bool has_bits(const uint8_t *mask, size_t n, uint8_t bits)
{
    for (size_t i = 0; i < n; i++) {
        if (mask[i] & bits)
            return true;
    }
    return false;
}

/* Of a set() without a mask it is not known which fields it is meant for. */
static void take_masked_set(struct fl_profile_parts *parts, const struct nlattr *key)
{
    size_t half = nl_attr_get_size(key) / 2;
    const uint8_t *mask = (const uint8_t *)nl_attr_get(key) + half;

    for (size_t i = 0; i < ARRAY_SIZE(settable); i++) {
        if (settable[i].key == nl_attr_type(key) && settable[i].offset + settable[i].size <= half &&
            has_bits(mask + settable[i].offset, settable[i].size, settable[i].bits))
            add_rewrite(parts, settable[i].field,
                        settable[i].over ? settable[i].over : parts->over);
    }
}

/* A tag that is taken off, and another one put on, is rewritten. */
static void take_push_vlan(struct fl_profile_parts *parts, const struct nlattr *action)
{
    const struct ovs_action_push_vlan *push = nl_attr_get(action);
    ovs_be16 tested = parts->match.flow.vlans[0].tci & parts->match.wc.masks.vlans[0].tci;

    parts->n_vlan_pushes++;
    if (!svec_contains(&parts->actions, "pop_vlan") || parts->n_vlan_pushes > 1)
        return;
    if ((tested ^ push->vlan_tci) & htons(VLAN_VID_MASK))
        add_rewrite(parts, "vlan_vid", parts->over);
    if ((tested ^ push->vlan_tci) & htons(VLAN_PCP_MASK))
        add_rewrite(parts, "vlan_pcp", parts->over);
}

/* ---- Actions ---- */

/* Kept sorted, so that svec_contains() works. */
static void add_action(struct fl_profile_parts *parts, const char *name)
{
    if (name && !svec_contains(&parts->actions, name)) {
        svec_add(&parts->actions, name);
        svec_sort(&parts->actions);
    }
}

static bool take_action(const struct nlattr *action, void *parts_)
{
    struct fl_profile_parts *parts = parts_;
    int type = nl_attr_type(action);

    switch (type) {
    case OVS_ACTION_ATTR_SET: add_action(parts, set_name(nl_attr_type(nl_attr_get(action)))); break;
    case OVS_ACTION_ATTR_SET_MASKED:
        add_action(parts, set_name(nl_attr_type(nl_attr_get(action))));
        take_masked_set(parts, nl_attr_get(action));
        break;
    case OVS_ACTION_ATTR_CT:
        add_action(parts, nl_attr_find_nested(action, OVS_CT_ATTR_COMMIT) ||
                                  nl_attr_find_nested(action, OVS_CT_ATTR_FORCE_COMMIT)
                              ? ct_commit
                              : NULL);
        add_action(parts, nl_attr_find_nested(action, OVS_CT_ATTR_NAT) ? ct_nat : NULL);
        break;
    case OVS_ACTION_ATTR_PUSH_VLAN: take_push_vlan(parts, action); break;
    default: break;
    }
    for (size_t i = 0; i < ARRAY_SIZE(action_names); i++) {
        if (action_names[i].type == type)
            add_action(parts, action_names[i].name);
    }
    return false;
}

void fl_profile_parts_init(struct fl_profile_parts *parts, const struct fl_flow *flow)
{
    odp_port_t ports[64];

    *parts = (struct fl_profile_parts){ .flow = flow };
    svec_init(&parts->actions);
    match_init_catchall(&parts->match);
    if (flow->has_match) {
        minimatch_expand(&flow->match, &parts->match);
        parts->over = parts->match.flow.dl_type == htons(ETH_TYPE_IP)     ? FL_PROFILE_OVER_IPV4
                      : parts->match.flow.dl_type == htons(ETH_TYPE_IPV6) ? FL_PROFILE_OVER_IPV6
                                                                          : FL_PROFILE_OVER_ANY;
    }
    if (!flow->has_actions)
        return;
    fl_actions_walk(flow->actions, flow->actions_len, take_action, parts);
    parts->n_outputs = fl_actions_outputs(flow->actions, flow->actions_len, ports,
                                          ARRAY_SIZE(ports));
}

void fl_profile_parts_destroy(struct fl_profile_parts *parts)
{
    svec_destroy(&parts->actions);
}

/* Every flow names its recirc_id, and with a tag all of it: only what says something counts. */
bool fl_profile_parts_test(const struct fl_profile_parts *parts, const struct mf_field *field)
{
    const struct match *match = &parts->match;

    if (field->id == MFF_RECIRC_ID)
        return parts->flow->recirc_id != 0;
    if (!parts->flow->has_match || !mf_are_prereqs_ok(field, &match->flow, NULL) ||
        mf_is_all_wild(field, &match->wc))
        return false;
    if (field->id != MFF_VLAN_VID && field->id != MFF_VLAN_TCI)
        return true;
    /* That there is no tag is tested, too: the header is none that could be taken off or changed. */
    return (match->flow.vlans[0].tci & htons(VLAN_CFI)) &&
           (field->id == MFF_VLAN_TCI || (match->wc.masks.vlans[0].tci & htons(VLAN_VID_MASK)));
}
