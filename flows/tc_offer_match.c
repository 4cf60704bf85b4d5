/* SPDX-License-Identifier: Apache-2.0 */
/* Source: OVS 3.1 lib/netdev-offload-tc.c, netdev_tc_flow_put(). */
#include <netinet/in.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_offer_internal.h"

void fl_tc_offer_put(struct fl_tc_filter *filter, enum fl_tc_key key, uint32_t value, uint32_t mask)
{
    if (!mask)
        return;
    fl_tc_put_key(filter, key)->n = value & mask;
    filter->mask[key].n = mask;
    filter->masked |= UINT64_C(1) << key;
}

/* Without a mask: an exact value. */
static void put_exact(struct fl_tc_filter *filter, enum fl_tc_key key, uint32_t value)
{
    fl_tc_put_key(filter, key)->n = value;
}

void fl_tc_offer_put_bytes(struct fl_tc_filter *filter, enum fl_tc_key key, const void *value,
                           const void *mask, size_t n)
{
    if (is_all_zeros(mask, n))
        return;
    memcpy(fl_tc_put_key(filter, key), value, n);
    memcpy(&filter->mask[key], mask, n);
    filter->masked |= UINT64_C(1) << key;
}

static void put_bytes(struct fl_tc_filter *filter, enum fl_tc_key key, const void *value,
                      void *mask, size_t n)
{
    fl_tc_offer_put_bytes(filter, key, value, mask, n);
    memset(mask, 0, n);
}

static void put_be16(struct fl_tc_filter *filter, enum fl_tc_key key, ovs_be16 value,
                     ovs_be16 *mask)
{
    fl_tc_offer_put(filter, key, ntohs(value), ntohs(*mask));
    *mask = 0;
}

static void put_u8(struct fl_tc_filter *filter, enum fl_tc_key key, uint8_t value, uint8_t *mask)
{
    fl_tc_offer_put(filter, key, value, *mask);
    *mask = 0;
}

/* Whole ids and priorities, or none: fl_unoffered_match() has seen to it. */
static void put_tag(struct fl_tc_filter *filter, ovs_be16 tci, ovs_be16 mask, enum fl_tc_key id,
                    enum fl_tc_key priority)
{
    if (!(mask & htons(VLAN_CFI)) || !(tci & htons(VLAN_CFI)))
        return;
    if (mask & htons(VLAN_VID_MASK))
        put_exact(filter, id, vlan_tci_to_vid(tci));
    if (mask & htons(VLAN_PCP_MASK))
        put_exact(filter, priority, (uint32_t)vlan_tci_to_pcp(tci));
}

static bool is_tagged(const struct match *match, int i)
{
    return match->wc.masks.vlans[i].tpid && eth_type_vlan(match->flow.vlans[i].tpid);
}

static void put_types(struct fl_tc_filter *filter, const struct match *match)
{
    uint32_t type = ntohs(match->flow.dl_type);

    filter->protocol = (uint16_t)type;
    put_exact(filter, FL_TC_KEY_ETH_TYPE, type);
    if (!is_tagged(match, 0))
        return;
    filter->protocol = ntohs(match->flow.vlans[0].tpid);
    put_exact(filter, FL_TC_KEY_VLAN_ETH_TYPE, type);
    if (!is_tagged(match, 1))
        return;
    put_exact(filter, FL_TC_KEY_VLAN_ETH_TYPE, ntohs(match->flow.vlans[1].tpid));
    put_exact(filter, FL_TC_KEY_CVLAN_ETH_TYPE, type);
}

static void put_ethernet(struct fl_tc_filter *filter, struct match *match)
{
    const struct flow *key = &match->flow;
    struct flow *mask = &match->wc.masks;

    put_types(filter, match);
    put_tag(filter, key->vlans[0].tci, mask->vlans[0].tci, FL_TC_KEY_VLAN_ID, FL_TC_KEY_VLAN_PRIO);
    put_tag(filter, key->vlans[1].tci, mask->vlans[1].tci, FL_TC_KEY_CVLAN_ID,
            FL_TC_KEY_CVLAN_PRIO);
    memset(mask->vlans, 0, sizeof mask->vlans);
    put_bytes(filter, FL_TC_KEY_DST_MAC, &key->dl_dst, &mask->dl_dst, sizeof mask->dl_dst);
    put_bytes(filter, FL_TC_KEY_SRC_MAC, &key->dl_src, &mask->dl_src, sizeof mask->dl_src);
    mask->dl_type = 0;
}

/* Behind a VLAN tag OVS leaves labels out: the filter then takes packets of every label. */
static void put_mpls(struct fl_tc_filter *filter, struct match *match)
{
    const ovs_be32 lse = match->flow.mpls_lse[0];
    ovs_be32 *mask = &match->wc.masks.mpls_lse[0];

    if (eth_type_mpls(htons(filter->protocol))) {
        if (mpls_lse_to_label(*mask))
            put_exact(filter, FL_TC_KEY_MPLS_LABEL, mpls_lse_to_label(lse));
        if (mpls_lse_to_tc(*mask))
            put_exact(filter, FL_TC_KEY_MPLS_TC, mpls_lse_to_tc(lse));
        if (mpls_lse_to_bos(*mask))
            put_exact(filter, FL_TC_KEY_MPLS_BOS, mpls_lse_to_bos(lse));
        if (mpls_lse_to_ttl(*mask))
            put_exact(filter, FL_TC_KEY_MPLS_TTL, mpls_lse_to_ttl(lse));
    }
    *mask = 0;
}

static void put_arp(struct fl_tc_filter *filter, struct match *match)
{
    const struct flow *key = &match->flow;
    struct flow *mask = &match->wc.masks;

    put_bytes(filter, FL_TC_KEY_ARP_SIP, &key->nw_src, &mask->nw_src, sizeof mask->nw_src);
    put_bytes(filter, FL_TC_KEY_ARP_TIP, &key->nw_dst, &mask->nw_dst, sizeof mask->nw_dst);
    put_bytes(filter, FL_TC_KEY_ARP_SHA, &key->arp_sha, &mask->arp_sha, sizeof mask->arp_sha);
    put_bytes(filter, FL_TC_KEY_ARP_THA, &key->arp_tha, &mask->arp_tha, sizeof mask->arp_tha);
    put_u8(filter, FL_TC_KEY_ARP_OP, key->nw_proto, &mask->nw_proto);
}

static void put_fragments(struct fl_tc_filter *filter, uint8_t frag, uint8_t *mask)
{
    uint32_t flags = 0, tested = 0;

    if (!(*mask & FLOW_NW_FRAG_ANY))
        return;
    tested = FL_TC_IS_FRAGMENT;
    if (frag & FLOW_NW_FRAG_ANY) {
        flags = FL_TC_IS_FRAGMENT;
        if (*mask & FLOW_NW_FRAG_LATER) {
            tested |= FL_TC_FIRST_FRAGMENT;
            flags |= frag & FLOW_NW_FRAG_LATER ? 0 : FL_TC_FIRST_FRAGMENT;
        }
    }
    *mask = 0;
    fl_tc_offer_put(filter, FL_TC_KEY_IP_FLAGS, flags, tested);
}

static void put_transport(struct fl_tc_filter *filter, struct match *match)
{
    const struct flow *key = &match->flow;
    struct flow *mask = &match->wc.masks;

    switch (key->nw_proto) {
    case IPPROTO_TCP:
        put_be16(filter, FL_TC_KEY_TCP_FLAGS, key->tcp_flags, &mask->tcp_flags);
        /* fall through */
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        put_be16(filter, FL_TC_KEY_SRC_PORT, key->tp_src, &mask->tp_src);
        put_be16(filter, FL_TC_KEY_DST_PORT, key->tp_dst, &mask->tp_dst);
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        fl_tc_offer_put(filter, FL_TC_KEY_ICMP_TYPE, ntohs(key->tp_src) & 0xff,
                        ntohs(mask->tp_src) & 0xff);
        fl_tc_offer_put(filter, FL_TC_KEY_ICMP_CODE, ntohs(key->tp_dst) & 0xff,
                        ntohs(mask->tp_dst) & 0xff);
        mask->tp_src = mask->tp_dst = 0;
        break;
    }
}

static void put_ip(struct fl_tc_filter *filter, struct match *match)
{
    const struct flow *key = &match->flow;
    struct flow *mask = &match->wc.masks;

    if (mask->nw_proto && key->nw_proto)
        put_exact(filter, FL_TC_KEY_IP_PROTO, key->nw_proto);
    mask->nw_proto = 0;
    put_u8(filter, FL_TC_KEY_IP_TOS, key->nw_tos, &mask->nw_tos);
    put_u8(filter, FL_TC_KEY_IP_TTL, key->nw_ttl, &mask->nw_ttl);
    put_fragments(filter, key->nw_frag, &mask->nw_frag);
    put_transport(filter, match);
    if (key->dl_type == htons(ETH_TYPE_IP)) {
        put_bytes(filter, FL_TC_KEY_SRC_IP4, &key->nw_src, &mask->nw_src, sizeof mask->nw_src);
        put_bytes(filter, FL_TC_KEY_DST_IP4, &key->nw_dst, &mask->nw_dst, sizeof mask->nw_dst);
    } else {
        put_bytes(filter, FL_TC_KEY_SRC_IP6, &key->ipv6_src, &mask->ipv6_src,
                  sizeof mask->ipv6_src);
        put_bytes(filter, FL_TC_KEY_DST_IP6, &key->ipv6_dst, &mask->ipv6_dst,
                  sizeof mask->ipv6_dst);
    }
}

static uint32_t tc_ct_state(uint32_t state)
{
    static const struct {
        uint32_t ovs, tc;
    } bits[] = {
        { CS_NEW, FL_TC_CT_NEW },         { CS_ESTABLISHED, FL_TC_CT_ESTABLISHED },
        { CS_RELATED, FL_TC_CT_RELATED }, { CS_TRACKED, FL_TC_CT_TRACKED },
        { CS_INVALID, FL_TC_CT_INVALID }, { CS_REPLY_DIR, FL_TC_CT_REPLY },
    };
    uint32_t tc = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        tc |= state & bits[i].ovs ? bits[i].tc : 0;
    return tc;
}

/* All or nothing: with a bit that TC does not know none is offered, and OVS gives up. */
static void put_ct_state(struct fl_tc_filter *filter, struct match *match)
{
    const uint8_t known = CS_NEW | CS_ESTABLISHED | CS_RELATED | CS_TRACKED | CS_INVALID |
                          CS_REPLY_DIR;
    uint32_t mask = match->wc.masks.ct_state, state = match->flow.ct_state & mask;

    if (mask & ~(uint32_t)known)
        return;
    state = tc_ct_state(state);
    mask = tc_ct_state(mask);
    if (state & FL_TC_CT_ESTABLISHED) {
        state &= ~FL_TC_CT_NEW;
        mask &= ~FL_TC_CT_NEW;
    }
    if (state && !(state & FL_TC_CT_TRACKED)) {
        state |= FL_TC_CT_TRACKED;
        mask |= FL_TC_CT_TRACKED;
    }
    fl_tc_offer_put(filter, FL_TC_KEY_CT_STATE, state, mask);
    match->wc.masks.ct_state = 0;
}

static void put_ct(struct fl_tc_filter *filter, struct match *match)
{
    const struct flow *key = &match->flow;
    struct flow *mask = &match->wc.masks;

    put_ct_state(filter, match);
    fl_tc_offer_put(filter, FL_TC_KEY_CT_ZONE, key->ct_zone, mask->ct_zone);
    fl_tc_offer_put(filter, FL_TC_KEY_CT_MARK, key->ct_mark, mask->ct_mark);
    mask->ct_zone = 0;
    mask->ct_mark = 0;
    put_bytes(filter, FL_TC_KEY_CT_LABEL, &key->ct_label, &mask->ct_label, sizeof mask->ct_label);
}

void fl_tc_offer_match(struct fl_tc_offering *offering, struct match *match)
{
    struct fl_tc_filter *filter = offering->filter;
    struct flow *mask = &match->wc.masks;

    mask->recirc_id = 0;
    mask->in_port.odp_port = 0;
    /* Both were seen to by fl_unoffered_match(): what is left is what OVS passes over. */
    mask->packet_type = 0;
    mask->pkt_mark = 0;
    offering->ip_proto = is_ip_any(&match->flow) ? match->flow.nw_proto : 0;
    put_ethernet(filter, match);
    put_mpls(filter, match);
    if (match->flow.dl_type == htons(ETH_TYPE_ARP))
        put_arp(filter, match);
    if (is_ip_any(&match->flow))
        put_ip(filter, match);
    put_ct(filter, match);
}
