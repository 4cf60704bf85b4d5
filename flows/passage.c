/* SPDX-License-Identifier: Apache-2.0 */

/* See passage.h. */

#include "flows/passage.h"

#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"

void fl_passage_begin(struct fl_passage *passage)
{
    memset(passage, 0, sizeof *passage);
    match_init_catchall(&passage->region);
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        passage->vlan_from[i] = i;
    }
    passage->exact = true;
}

/* Matching. */

/* Does the masked VLAN header @wanted at @depth leave any packet? */
static bool meet_vlan(struct fl_passage *passage, int depth, uint32_t wanted, uint32_t mask)
{
    int from = passage->vlan_from[depth];
    union flow_vlan_hdr *value;
    union flow_vlan_hdr *bound;

    if (!mask) {
        return true;
    }
    if (from == FL_VLAN_LOST) {
        passage->exact = false;
        return true;
    }
    if (from == FL_VLAN_SET) {
        return !((wanted ^ (uint32_t)passage->set.vlans[depth].qtag) & mask);
    }
    value = &passage->region.flow.vlans[from];
    bound = &passage->region.wc.masks.vlans[from];
    if ((wanted ^ (uint32_t)value->qtag) & mask & (uint32_t)bound->qtag) {
        return false;
    }
    bound->qtag |= (ovs_be32)mask;
    value->qtag |= (ovs_be32)(wanted & mask);
    return true;
}

/* All of a header but VLANs, in words of 64 bits. */
static bool meet_words(struct fl_passage *passage, const struct match *match)
{
    const uint64_t *wanted = (const uint64_t *)&match->flow;
    const uint64_t *mask = (const uint64_t *)&match->wc.masks;
    const uint64_t *set = (const uint64_t *)&passage->set;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    uint64_t *value = (uint64_t *)&passage->region.flow;
    uint64_t *bound = (uint64_t *)&passage->region.wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t at_entry = mask[i] & ~set_mask[i] & ~lost[i];

        if (!mask[i]) {
            continue;
        }
        if (((wanted[i] ^ set[i]) & mask[i] & set_mask[i]) ||
            ((wanted[i] ^ value[i]) & at_entry & bound[i])) {
            return false;
        }
        if (mask[i] & lost[i]) {
            passage->exact = false;
        }
        bound[i] |= at_entry;
        value[i] |= wanted[i] & at_entry;
    }
    return true;
}

bool fl_passage_meet(struct fl_passage *passage, const struct fl_flow *flow)
{
    struct match match;

    if (!flow->has_match) {
        passage->exact = false;
        match_init_catchall(&match);
        if (flow->in_port != ODPP_NONE) {
            match.flow.in_port.odp_port = flow->in_port;
            match.wc.masks.in_port.odp_port = ODPP_NONE;
        }
        return meet_words(passage, &match);
    }
    if (flow->match_partial) {
        passage->exact = false;
    }
    minimatch_expand(&flow->match, &match);
    match.wc.masks.recirc_id = 0;
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        if (!meet_vlan(passage, i, (uint32_t)match.flow.vlans[i].qtag,
                       (uint32_t)match.wc.masks.vlans[i].qtag)) {
            return false;
        }
    }
    memset(match.wc.masks.vlans, 0, sizeof match.wc.masks.vlans);
    return meet_words(passage, &match);
}

/* Rewriting. */

#define SET_FIELD(PASSAGE, FIELD, VALUE, MASK) \
    set_bytes(PASSAGE, offsetof(struct flow, FIELD), VALUE, MASK, sizeof((PASSAGE)->set.FIELD))
#define LOSE_FIELD(PASSAGE, FIELD) \
    lose_bytes(PASSAGE, offsetof(struct flow, FIELD), sizeof((PASSAGE)->set.FIELD))

/* Bits of @mask (all, if NULL) of a field become those of @value. */
static void set_bytes(struct fl_passage *passage, size_t offset, const void *value,
                      const void *mask, size_t n)
{
    uint8_t *set = (uint8_t *)&passage->set + offset;
    uint8_t *set_mask = (uint8_t *)&passage->set_mask + offset;
    uint8_t *lost = (uint8_t *)&passage->lost + offset;

    for (size_t i = 0; i < n; i++) {
        uint8_t m = mask ? ((const uint8_t *)mask)[i] : UINT8_MAX;

        set[i] = (uint8_t)((set[i] & ~m) | (((const uint8_t *)value)[i] & m));
        set_mask[i] |= m;
        lost[i] = (uint8_t)(lost[i] & ~m);
    }
}

static void lose_bytes(struct fl_passage *passage, size_t offset, size_t n)
{
    memset((uint8_t *)&passage->lost + offset, 0xff, n);
    memset((uint8_t *)&passage->set_mask + offset, 0, n);
    memset((uint8_t *)&passage->set + offset, 0, n);
}

/* A field that is made anew and that the packet did not have at entry: what was known is void. */
static void renew_bytes(struct fl_passage *passage, size_t offset, size_t n)
{
    memset((uint8_t *)&passage->lost + offset, 0, n);
    memset((uint8_t *)&passage->set_mask + offset, 0, n);
    memset((uint8_t *)&passage->set + offset, 0, n);
    memset((uint8_t *)&passage->region.flow + offset, 0, n);
    memset((uint8_t *)&passage->region.wc.masks + offset, 0, n);
}
#define RENEW_FIELD(PASSAGE, FIELD) \
    renew_bytes(PASSAGE, offsetof(struct flow, FIELD), sizeof((PASSAGE)->set.FIELD))

static void renew_ct(struct fl_passage *passage)
{
    RENEW_FIELD(passage, ct_state);
    RENEW_FIELD(passage, ct_nw_proto);
    RENEW_FIELD(passage, ct_zone);
    RENEW_FIELD(passage, ct_mark);
    RENEW_FIELD(passage, ct_label);
    RENEW_FIELD(passage, ct_nw_src);
    RENEW_FIELD(passage, ct_nw_dst);
    RENEW_FIELD(passage, ct_ipv6_src);
    RENEW_FIELD(passage, ct_ipv6_dst);
    RENEW_FIELD(passage, ct_tp_src);
    RENEW_FIELD(passage, ct_tp_dst);
}

/* What NAT may have changed: of which connections it does, the flow does not say. */
static void lose_connection(struct fl_passage *passage)
{
    LOSE_FIELD(passage, nw_src);
    LOSE_FIELD(passage, nw_dst);
    LOSE_FIELD(passage, ipv6_src);
    LOSE_FIELD(passage, ipv6_dst);
    LOSE_FIELD(passage, tp_src);
    LOSE_FIELD(passage, tp_dst);
}

static void lose_headers(struct fl_passage *passage)
{
    size_t begin = offsetof(struct flow, dl_dst);

    lose_bytes(passage, begin, sizeof(struct flow) - begin);
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        passage->vlan_from[i] = FL_VLAN_LOST;
    }
}

static void push_vlan(struct fl_passage *passage, const struct ovs_action_push_vlan *push)
{
    for (int i = FLOW_MAX_VLAN_HEADERS - 1; i > 0; i--) {
        passage->vlan_from[i] = passage->vlan_from[i - 1];
        passage->set.vlans[i] = passage->set.vlans[i - 1];
    }
    passage->vlan_from[0] = FL_VLAN_SET;
    passage->set.vlans[0].tpid = push->vlan_tpid;
    passage->set.vlans[0].tci = push->vlan_tci | htons(VLAN_CFI);
}

static void pop_vlan(struct fl_passage *passage)
{
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS - 1; i++) {
        passage->vlan_from[i] = passage->vlan_from[i + 1];
        passage->set.vlans[i] = passage->set.vlans[i + 1];
    }
    passage->vlan_from[FLOW_MAX_VLAN_HEADERS - 1] = FL_VLAN_LOST;
}

static void set_ipv4(struct fl_passage *passage, const struct ovs_key_ipv4 *key,
                     const struct ovs_key_ipv4 *mask)
{
    SET_FIELD(passage, nw_src, &key->ipv4_src, mask ? &mask->ipv4_src : NULL);
    SET_FIELD(passage, nw_dst, &key->ipv4_dst, mask ? &mask->ipv4_dst : NULL);
    SET_FIELD(passage, nw_tos, &key->ipv4_tos, mask ? &mask->ipv4_tos : NULL);
    SET_FIELD(passage, nw_ttl, &key->ipv4_ttl, mask ? &mask->ipv4_ttl : NULL);
}

static void set_ipv6(struct fl_passage *passage, const struct ovs_key_ipv6 *key,
                     const struct ovs_key_ipv6 *mask)
{
    SET_FIELD(passage, ipv6_src, &key->ipv6_src, mask ? &mask->ipv6_src : NULL);
    SET_FIELD(passage, ipv6_dst, &key->ipv6_dst, mask ? &mask->ipv6_dst : NULL);
    SET_FIELD(passage, ipv6_label, &key->ipv6_label, mask ? &mask->ipv6_label : NULL);
    SET_FIELD(passage, nw_tos, &key->ipv6_tclass, mask ? &mask->ipv6_tclass : NULL);
    SET_FIELD(passage, nw_ttl, &key->ipv6_hlimit, mask ? &mask->ipv6_hlimit : NULL);
}

static void set_arp(struct fl_passage *passage, const struct ovs_key_arp *key,
                    const struct ovs_key_arp *mask)
{
    SET_FIELD(passage, nw_src, &key->arp_sip, mask ? &mask->arp_sip : NULL);
    SET_FIELD(passage, nw_dst, &key->arp_tip, mask ? &mask->arp_tip : NULL);
    SET_FIELD(passage, arp_sha, &key->arp_sha, mask ? &mask->arp_sha : NULL);
    SET_FIELD(passage, arp_tha, &key->arp_tha, mask ? &mask->arp_tha : NULL);
    LOSE_FIELD(passage, nw_proto);
}

/* struct ovs_key_tcp, _udp and _sctp share their layout. */
static void set_ports(struct fl_passage *passage, const struct ovs_key_tcp *key,
                      const struct ovs_key_tcp *mask)
{
    SET_FIELD(passage, tp_src, &key->tcp_src, mask ? &mask->tcp_src : NULL);
    SET_FIELD(passage, tp_dst, &key->tcp_dst, mask ? &mask->tcp_dst : NULL);
}

/* Bytes of a set() of one attribute, or 0 for those whose effect is taken as lost. */
static size_t size_of_set(int type)
{
    switch (type) {
    case OVS_KEY_ATTR_ETHERNET: return sizeof(struct ovs_key_ethernet);
    case OVS_KEY_ATTR_IPV4: return sizeof(struct ovs_key_ipv4);
    case OVS_KEY_ATTR_IPV6: return sizeof(struct ovs_key_ipv6);
    case OVS_KEY_ATTR_ARP: return sizeof(struct ovs_key_arp);
    case OVS_KEY_ATTR_TCP:
    case OVS_KEY_ATTR_UDP:
    case OVS_KEY_ATTR_SCTP: return sizeof(struct ovs_key_tcp);
    case OVS_KEY_ATTR_SKB_MARK:
    case OVS_KEY_ATTR_PRIORITY: return sizeof(uint32_t);
    default: return 0;
    }
}

/* set() of an attribute whose effect is not followed in detail. */
static void set_other(struct fl_passage *passage, int type)
{
    switch (type) {
    case OVS_KEY_ATTR_TUNNEL: LOSE_FIELD(passage, tunnel); break;
    case OVS_KEY_ATTR_MPLS: LOSE_FIELD(passage, mpls_lse); break;
    case OVS_KEY_ATTR_ICMP:
    case OVS_KEY_ATTR_ICMPV6:
    case OVS_KEY_ATTR_ND:
    case OVS_KEY_ATTR_ND_EXTENSIONS:
        LOSE_FIELD(passage, tp_src);
        LOSE_FIELD(passage, tp_dst);
        LOSE_FIELD(passage, nd_target);
        LOSE_FIELD(passage, arp_sha);
        LOSE_FIELD(passage, arp_tha);
        LOSE_FIELD(passage, tcp_flags);
        LOSE_FIELD(passage, igmp_group_ip4);
        break;
    case OVS_KEY_ATTR_NSH: LOSE_FIELD(passage, nsh); break;
    default: lose_headers(passage); break;
    }
}

static void set_key(struct fl_passage *passage, const struct nlattr *attr, bool masked)
{
    int type = nl_attr_type(attr);
    size_t size = size_of_set(type);
    const uint8_t *key = nl_attr_get(attr);
    const void *mask = masked ? key + size : NULL;

    if (!size || nl_attr_get_size(attr) < size * (masked ? 2 : 1)) {
        set_other(passage, type);
        return;
    }
    switch (type) {
    case OVS_KEY_ATTR_ETHERNET:
        SET_FIELD(passage, dl_src, key, mask);
        SET_FIELD(passage, dl_dst, key + ETH_ADDR_LEN,
                  mask ? (const uint8_t *)mask + ETH_ADDR_LEN : NULL);
        break;
    case OVS_KEY_ATTR_IPV4: set_ipv4(passage, (const void *)key, mask); break;
    case OVS_KEY_ATTR_IPV6: set_ipv6(passage, (const void *)key, mask); break;
    case OVS_KEY_ATTR_ARP: set_arp(passage, (const void *)key, mask); break;
    case OVS_KEY_ATTR_SKB_MARK: SET_FIELD(passage, pkt_mark, key, mask); break;
    case OVS_KEY_ATTR_PRIORITY: SET_FIELD(passage, skb_priority, key, mask); break;
    default: set_ports(passage, (const void *)key, mask); break;
    }
}

/* The action itself; what is inside it is done by act_nested(). */
static void act(struct fl_passage *passage, const struct nlattr *action)
{
    static const struct flow no_ct;

    switch ((enum ovs_action_attr)nl_attr_type(action)) {
    case OVS_ACTION_ATTR_SET: set_key(passage, nl_attr_get(action), false); break;
    case OVS_ACTION_ATTR_SET_MASKED: set_key(passage, nl_attr_get(action), true); break;
    case OVS_ACTION_ATTR_PUSH_VLAN: push_vlan(passage, nl_attr_get(action)); break;
    case OVS_ACTION_ATTR_POP_VLAN: pop_vlan(passage); break;
    case OVS_ACTION_ATTR_CT:
        renew_ct(passage);
        if (nl_attr_find_nested(action, OVS_CT_ATTR_NAT)) {
            lose_connection(passage);
        }
        break;
    case OVS_ACTION_ATTR_CT_CLEAR:
        renew_ct(passage);
        SET_FIELD(passage, ct_state, &no_ct.ct_state, NULL);
        SET_FIELD(passage, ct_zone, &no_ct.ct_zone, NULL);
        SET_FIELD(passage, ct_mark, &no_ct.ct_mark, NULL);
        SET_FIELD(passage, ct_label, &no_ct.ct_label, NULL);
        break;
    case OVS_ACTION_ATTR_HASH: RENEW_FIELD(passage, dp_hash); break;
    case OVS_ACTION_ATTR_OUTPUT:
    case OVS_ACTION_ATTR_LB_OUTPUT:
    case OVS_ACTION_ATTR_USERSPACE:
    case OVS_ACTION_ATTR_SAMPLE:
    case OVS_ACTION_ATTR_CLONE:
    case OVS_ACTION_ATTR_CHECK_PKT_LEN:
    case OVS_ACTION_ATTR_METER:
    case OVS_ACTION_ATTR_TRUNC:
    case OVS_ACTION_ATTR_RECIRC:
    case OVS_ACTION_ATTR_DROP: break;
    case OVS_ACTION_ATTR_UNSPEC:
    case OVS_ACTION_ATTR_PUSH_MPLS:
    case OVS_ACTION_ATTR_POP_MPLS:
    case OVS_ACTION_ATTR_ADD_MPLS:
    case OVS_ACTION_ATTR_PUSH_ETH:
    case OVS_ACTION_ATTR_POP_ETH:
    case OVS_ACTION_ATTR_PUSH_NSH:
    case OVS_ACTION_ATTR_POP_NSH:
    case OVS_ACTION_ATTR_TUNNEL_PUSH:
    case OVS_ACTION_ATTR_TUNNEL_POP:
    case __OVS_ACTION_ATTR_MAX:
    default: lose_headers(passage); break;
    }
}

static bool act_all(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux, unsigned int depth);

/* clone(), sample() and the branches of check_pkt_len() work on copies of the packet. */
static bool act_nested(const struct fl_passage *passage, const struct nlattr *action,
                       fl_passage_recirc_cb *cb, void *aux, unsigned int depth)
{
    const struct nlattr *lists[2];
    size_t lens[2];
    size_t n = fl_actions_nested(action, lists, lens);

    for (size_t i = 0; i < n; i++) {
        struct fl_passage copy;

        if (!fl_actions_recirculate(lists[i], lens[i])) {
            continue;
        }
        copy = *passage;
        if (act_all(&copy, lists[i], lens[i], cb, aux, depth + 1)) {
            return true;
        }
    }
    return false;
}

static bool act_all(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux, unsigned int depth)
{
    const struct nlattr *action;
    size_t left;

    if (depth >= FL_ACTIONS_MAX_DEPTH) {
        return false;
    }
    NL_ATTR_FOR_EACH(action, left, actions, len) {
        if (nl_attr_type(action) == OVS_ACTION_ATTR_RECIRC) {
            /* A datapath may compute the hash when it recirculates, with or without hash(). */
            RENEW_FIELD(passage, dp_hash);
            if (cb(nl_attr_get_u32(action), passage, aux)) {
                return true;
            }
        } else {
            if (act_nested(passage, action, cb, aux, depth)) {
                return true;
            }
            act(passage, action);
        }
    }
    return false;
}

bool fl_passage_act(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux)
{
    return act_all(passage, actions, len, cb, aux, 0);
}

/* Asking. */

void fl_passage_region(const struct fl_passage *passage, struct match *region)
{
    struct flow *mask = &region->wc.masks;

    *region = passage->region;
    memset(&mask->metadata, 0, sizeof mask->metadata);
    memset(mask->regs, 0, sizeof mask->regs);
    mask->skb_priority = 0;
    mask->pkt_mark = 0;
    mask->dp_hash = 0;
    mask->recirc_id = 0;
    mask->ct_state = 0;
    mask->ct_nw_proto = 0;
    mask->ct_zone = 0;
    mask->ct_mark = 0;
    mask->ct_label = OVS_U128_ZERO;
    mask->conj_id = 0;
    mask->actset_output = 0;
    mask->ct_nw_src = 0;
    mask->ct_nw_dst = 0;
    mask->ct_ipv6_src = in6addr_any;
    mask->ct_ipv6_dst = in6addr_any;
    mask->ct_tp_src = 0;
    mask->ct_tp_dst = 0;
    match_zero_wildcarded_fields(region);
}

bool fl_passage_knows(const struct fl_passage *passage, const struct flow *mask)
{
    const uint64_t *wanted = (const uint64_t *)mask;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    const uint64_t *bound = (const uint64_t *)&passage->region.wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (wanted[i] & ~(set_mask[i] | (bound[i] & ~lost[i]))) {
            return false;
        }
    }
    return true;
}

void fl_passage_value(const struct fl_passage *passage, struct flow *now)
{
    const uint64_t *set = (const uint64_t *)&passage->set;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    const uint64_t *entry = (const uint64_t *)&passage->region.flow;
    uint64_t *words = (uint64_t *)now;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        words[i] = (set[i] & set_mask[i]) | (entry[i] & ~set_mask[i] & ~lost[i]);
    }
}
