/* SPDX-License-Identifier: Apache-2.0 */

/* See offerable.h. */

#include "flows/offerable.h"

#include <netinet/icmp6.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/tc_rewrite.h"

/* TCA_ACT_MAX_NUM of lib/tc.h. */
#define TC_MAX_ACTIONS 16

enum fl_offload_api fl_offload_api(const struct fl_flow *flow, const struct fl_inventory *inv)
{
    const char *type = inv ? fl_inventory_datapath_type(inv) : NULL;

    if (flow->layer == FL_LAYER_TC) {
        return FL_API_TC;
    }
    if (flow->layer == FL_LAYER_DPDK || flow->layer == FL_LAYER_DOCA || flow->pmd != FL_PMD_NONE) {
        return FL_API_RTE_FLOW;
    }
    return !type                     ? FL_API_UNKNOWN
           : !strcmp(type, "netdev") ? FL_API_RTE_FLOW
           : !strcmp(type, "system") ? FL_API_TC
                                     : FL_API_UNKNOWN;
}

/* Matches. */

static void add_name(struct ds *names, bool *found, const char *name)
{
    ds_put_format(names, "%s%s", *found ? ", " : "", name);
    *found = true;
}

static bool is_masked(const void *mask, size_t n)
{
    return !is_all_zeros(mask, n);
}

/* Neither interface takes these. */
static void find_common(const struct match *match, enum fl_offload_api api, bool *found,
                        struct ds *names)
{
    const struct flow *mask = &match->wc.masks;
    bool is_zero = mask->pkt_mark == UINT32_MAX && !match->flow.pkt_mark;

    if (mask->skb_priority) {
        add_name(names, found, "skb_priority");
    }
    /* TC does not match on it, but OVS passes over a match on zero. */
    if (mask->pkt_mark && !(api == FL_API_TC && is_zero)) {
        add_name(names, found, "skb_mark");
    }
    if (mask->ipv6_label) {
        add_name(names, found, "ipv6 label");
    }
    if (is_masked(&mask->nd_target, sizeof mask->nd_target)) {
        add_name(names, found, "nd target");
    }
    if (is_masked(&mask->nsh, sizeof mask->nsh)) {
        add_name(names, found, "nsh");
    }
}

static bool is_partial_be16(ovs_be16 mask, ovs_be16 field)
{
    return (mask & field) && (mask & field) != field;
}

/* Of a tag its whole id, or priority, or both; or that there is none. */
static bool is_partial_tci(ovs_be16 tci, ovs_be16 mask)
{
    const ovs_be16 vid = htons(VLAN_VID_MASK), pcp = htons(VLAN_PCP_MASK), cfi = htons(VLAN_CFI);

    if (!mask || (mask == OVS_BE16_MAX && !tci)) {
        return false;
    }
    return !(mask & cfi) || !(tci & cfi) || !(mask & (vid | pcp)) || is_partial_be16(mask, vid) ||
           is_partial_be16(mask, pcp);
}

static void find_for_tc(const struct match *match, bool *found, struct ds *names)
{
    const struct flow *flow = &match->flow;
    const struct flow *mask = &match->wc.masks;

    if (mask->packet_type && flow->packet_type) {
        add_name(names, found, "packet_type");
    }
    if (is_partial_tci(flow->vlans[0].tci, mask->vlans[0].tci) ||
        is_partial_tci(flow->vlans[1].tci, mask->vlans[1].tci)) {
        add_name(names, found, "part of the vlan tag");
    }
    if (mask->mpls_lse[1] || mask->mpls_lse[2]) {
        add_name(names, found, "more than one mpls label");
    }
    if (flow->dl_type == htons(ETH_TYPE_IP) && flow->nw_proto == IPPROTO_IGMP &&
        (mask->tp_src || mask->tp_dst)) {
        add_name(names, found, "igmp");
    }
}

static void find_for_rte_flow(const struct match *match, bool *found, struct ds *names)
{
    const struct flow *flow = &match->flow;
    const struct flow *mask = &match->wc.masks;
    uint8_t proto = is_ip_any(flow) ? flow->nw_proto & mask->nw_proto : 0;

    if (mask->vlans[1].qtag) {
        add_name(names, found, "a second vlan tag");
    }
    if (is_masked(mask->mpls_lse, sizeof mask->mpls_lse)) {
        add_name(names, found, "mpls");
    }
    if (eth_type_mpls(flow->dl_type) || is_ip_any(flow)) {
        /* nothing more of layer 3 */
    } else if (mask->nw_src || mask->nw_dst || mask->nw_proto ||
               is_masked(&mask->arp_sha, 2 * sizeof mask->arp_sha)) {
        add_name(names, found, "arp");
    }
    if (proto != IPPROTO_ICMP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP &&
        proto != IPPROTO_TCP && (mask->tp_src || mask->tp_dst || mask->tcp_flags)) {
        add_name(names, found, "ports of a protocol that is not tcp, udp, sctp or icmp");
    } else if (proto != IPPROTO_TCP && mask->tcp_flags) {
        add_name(names, found, "tcp_flags");
    }
}

bool fl_unoffered_match(const struct fl_flow *flow, enum fl_offload_api api, struct ds *names)
{
    struct match match;
    bool found = false;

    if (!flow->has_match) {
        return false;
    }
    minimatch_expand(&flow->match, &match);
    find_common(&match, api, &found, names);
    if (api == FL_API_TC) {
        find_for_tc(&match, &found, names);
    } else if (api == FL_API_RTE_FLOW) {
        find_for_rte_flow(&match, &found, names);
    }
    return found;
}

/* Actions. */

static bool is_whole_or_none(const uint8_t *mask, size_t n)
{
    return is_all_zeros(mask, n) || is_all_ones(mask, n);
}

/* Fields of a masked set() that rte_flow can set: whole ones, and only these. */
struct settable {
    int key;
    size_t size;
    struct {
        size_t offset;
        size_t size;
    } fields[3];
};

#define WHOLE(STRUCT, FIELD)                                                \
    {                                                                       \
        offsetof(struct STRUCT, FIELD), sizeof(((struct STRUCT *)0)->FIELD) \
    }

static const struct settable rte_flow_settable[] = {
    { OVS_KEY_ATTR_ETHERNET,
      sizeof(struct ovs_key_ethernet),
      { WHOLE(ovs_key_ethernet, eth_src), WHOLE(ovs_key_ethernet, eth_dst) } },
    { OVS_KEY_ATTR_IPV4,
      sizeof(struct ovs_key_ipv4),
      { WHOLE(ovs_key_ipv4, ipv4_src), WHOLE(ovs_key_ipv4, ipv4_dst),
        WHOLE(ovs_key_ipv4, ipv4_ttl) } },
    { OVS_KEY_ATTR_IPV6,
      sizeof(struct ovs_key_ipv6),
      { WHOLE(ovs_key_ipv6, ipv6_src), WHOLE(ovs_key_ipv6, ipv6_dst),
        WHOLE(ovs_key_ipv6, ipv6_hlimit) } },
    { OVS_KEY_ATTR_TCP,
      sizeof(struct ovs_key_tcp),
      { WHOLE(ovs_key_tcp, tcp_src), WHOLE(ovs_key_tcp, tcp_dst) } },
    { OVS_KEY_ATTR_UDP,
      sizeof(struct ovs_key_udp),
      { WHOLE(ovs_key_udp, udp_src), WHOLE(ovs_key_udp, udp_dst) } },
};

static bool rte_flow_sets(const struct nlattr *key, bool masked)
{
    for (size_t i = 0; i < ARRAY_SIZE(rte_flow_settable); i++) {
        const struct settable *settable = &rte_flow_settable[i];
        uint8_t mask[sizeof(struct ovs_key_ipv6)];

        if (nl_attr_type(key) != settable->key) {
            continue;
        }
        if (!masked) {
            return true;
        }
        if (nl_attr_get_size(key) != 2 * settable->size) {
            return false;
        }
        memcpy(mask, (const uint8_t *)nl_attr_get(key) + settable->size, settable->size);
        for (size_t f = 0; f < ARRAY_SIZE(settable->fields); f++) {
            uint8_t *field = mask + settable->fields[f].offset;

            if (!is_whole_or_none(field, settable->fields[f].size)) {
                return false;
            }
            memset(field, 0, settable->fields[f].size);
        }
        return is_all_zeros(mask, settable->size);
    }
    return false;
}

/* Masks may be partial, but of no field that pedit has no words for. */
static bool tc_sets(const struct nlattr *key, bool masked)
{
    int attr = nl_attr_type(key);
    size_t n = fl_tc_rewrite_size(attr);
    uint8_t mask[sizeof(struct ovs_key_ipv6)];

    if (!n || n > sizeof mask) {
        return !masked && (attr == OVS_KEY_ATTR_TUNNEL || attr == OVS_KEY_ATTR_MPLS);
    }
    if (!masked) {
        return true;
    }
    if (nl_attr_get_size(key) != 2 * n) {
        return false;
    }
    memcpy(mask, (const uint8_t *)nl_attr_get(key) + n, n);
    for (size_t i = 0; i < FL_TC_N_REWRITES; i++) {
        if (fl_tc_rewrites[i].attr == attr) {
            memset(mask + fl_tc_rewrites[i].key_offset, 0, fl_tc_rewrites[i].n);
        }
    }
    return is_all_zeros(mask, n);
}

/* A clone() must come last and hold only a tunnel header and an output. */
static bool rte_flow_clones(const struct nlattr *action)
{
    const struct nlattr *inner;
    size_t left;

    NL_NESTED_FOR_EACH(inner, left, action) {
        if (nl_attr_type(inner) != OVS_ACTION_ATTR_TUNNEL_PUSH &&
            nl_attr_type(inner) != OVS_ACTION_ATTR_OUTPUT) {
            return false;
        }
    }
    return true;
}

static bool is_cause_of_its_own(const struct nlattr *action)
{
    int type = nl_attr_type(action);

    if (type == OVS_ACTION_ATTR_SAMPLE) {
        return fl_actions_have(action, NLA_ALIGN(nl_attr_get_size(action) + NLA_HDRLEN),
                               OVS_ACTION_ATTR_USERSPACE);
    }
    return type == OVS_ACTION_ATTR_CT || type == OVS_ACTION_ATTR_CT_CLEAR ||
           type == OVS_ACTION_ATTR_RECIRC || type == OVS_ACTION_ATTR_HASH ||
           type == OVS_ACTION_ATTR_LB_OUTPUT || type == OVS_ACTION_ATTR_USERSPACE ||
           type == OVS_ACTION_ATTR_METER || type == OVS_ACTION_ATTR_TUNNEL_POP ||
           type == OVS_ACTION_ATTR_TUNNEL_PUSH;
}

static bool rte_flow_takes(const struct nlattr *action)
{
    int type = nl_attr_type(action);

    switch (type) {
    case OVS_ACTION_ATTR_OUTPUT:
    case OVS_ACTION_ATTR_DROP:
    case OVS_ACTION_ATTR_PUSH_VLAN:
    case OVS_ACTION_ATTR_POP_VLAN: return true;
    case OVS_ACTION_ATTR_SET:
    case OVS_ACTION_ATTR_SET_MASKED:
        return rte_flow_sets(nl_attr_get(action), type == OVS_ACTION_ATTR_SET_MASKED);
    case OVS_ACTION_ATTR_CLONE: return rte_flow_clones(action);
    default: return false;
    }
}

static bool tc_takes(const struct nlattr *action)
{
    int type = nl_attr_type(action);

    switch (type) {
    case OVS_ACTION_ATTR_OUTPUT:
    case OVS_ACTION_ATTR_DROP:
    case OVS_ACTION_ATTR_PUSH_VLAN:
    case OVS_ACTION_ATTR_POP_VLAN:
    case OVS_ACTION_ATTR_PUSH_MPLS:
    case OVS_ACTION_ATTR_POP_MPLS:
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: return true;
    case OVS_ACTION_ATTR_SET:
    case OVS_ACTION_ATTR_SET_MASKED:
        return tc_sets(nl_attr_get(action), type == OVS_ACTION_ATTR_SET_MASKED);
    default: return false;
    }
}

/* Ports inside other actions have numbers of our own: these are not printed whole. */
void fl_unoffered_format(const struct nlattr *action, struct ds *text)
{
    switch (nl_attr_type(action)) {
    case OVS_ACTION_ATTR_CLONE: ds_put_cstr(text, "clone(...)"); break;
    case OVS_ACTION_ATTR_SAMPLE: ds_put_cstr(text, "sample(...)"); break;
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: ds_put_cstr(text, "check_pkt_len(...)"); break;
    default: fl_action_format(action, NULL, text); break;
    }
}

bool fl_unoffered_action(const struct fl_flow *flow, enum fl_offload_api api, struct ds *text)
{
    const struct nlattr *action;
    size_t left;
    size_t n = 0;

    if (!flow->has_actions || api == FL_API_UNKNOWN) {
        return false;
    }
    NL_ATTR_FOR_EACH(action, left, flow->actions, flow->actions_len) {
        bool taken = api == FL_API_TC ? tc_takes(action) : rte_flow_takes(action);

        n++;
        if (!taken && !is_cause_of_its_own(action)) {
            fl_unoffered_format(action, text);
            return true;
        }
    }
    if (api == FL_API_TC && n > TC_MAX_ACTIONS) {
        ds_put_format(text, "%" PRIuSIZE " actions, where TC takes %d", n, TC_MAX_ACTIONS);
        return true;
    }
    return false;
}
