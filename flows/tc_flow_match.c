/* SPDX-License-Identifier: Apache-2.0 */
/* Source: OVS 3.1 lib/netdev-offload-tc.c, parse_tc_flower_to_match(). */
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <string.h>

#include "flows/tc_flow_internal.h"

#define PROTOCOL_ALL 3 /* ETH_P_ALL */

static bool is_vlan_type(uint32_t type)
{
    return type == ETH_TYPE_VLAN_8021Q || type == ETH_TYPE_VLAN_8021AD;
}

/* Keys that no datapath flow has. */
static const struct {
    enum fl_tc_key key;
    const char *name;
} formless[] = {
    { FL_TC_KEY_NUM_OF_VLANS, "num_of_vlans" },
    { FL_TC_KEY_DST_PORT_MIN, "a range of dst_port" },
    { FL_TC_KEY_DST_PORT_MAX, "a range of dst_port" },
    { FL_TC_KEY_SRC_PORT_MIN, "a range of src_port" },
    { FL_TC_KEY_SRC_PORT_MAX, "a range of src_port" },
    { FL_TC_KEY_PPPOE_SID, "pppoe_sid" },
    { FL_TC_KEY_PPP_PROTO, "ppp_proto" },
    { FL_TC_KEY_ENC_SRC_PORT, "enc_src_port" },
    { FL_TC_KEY_HASH, "hash" },
    { FL_TC_KEY_L2TPV3_SID, "l2tpv3_sid" },
};

#define BIT(key) (UINT64_C(1) << FL_TC_KEY_##key)
#define FORMLESS                                                                           \
    (BIT(NUM_OF_VLANS) | BIT(DST_PORT_MIN) | BIT(DST_PORT_MAX) | BIT(SRC_PORT_MIN) |       \
     BIT(SRC_PORT_MAX) | BIT(PPPOE_SID) | BIT(PPP_PROTO) | BIT(ENC_SRC_PORT) | BIT(HASH) | \
     BIT(L2TPV3_SID))

static const char *find_formless(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; (filter->present & FORMLESS) && i < ARRAY_SIZE(formless); i++) {
        if (fl_tc_has_key(filter, formless[i].key))
            return formless[i].name;
    }
    if (filter->n_mpls)
        return "mpls labels by depth";
    switch (filter->enc_opts.kind) {
    case FL_TC_OPTS_VXLAN: return "vxlan_opts";
    case FL_TC_OPTS_ERSPAN: return "erspan_opts";
    case FL_TC_OPTS_GTP: return "gtp_opts";
    case FL_TC_OPTS_GENEVE:
    case FL_TC_OPTS_NONE: break;
    }
    return NULL;
}

/* A tag: the id and priority that the filter leaves open stay open. */
static void put_tag(const struct fl_tc_filter *filter, uint32_t tpid, enum fl_tc_key id,
                    enum fl_tc_key priority, int i, struct match *match)
{
    uint32_t tci = VLAN_CFI, mask = VLAN_CFI;

    if (fl_tc_has_key(filter, id)) {
        tci |= filter->key[id].n & VLAN_VID_MASK;
        mask |= VLAN_VID_MASK;
    }
    if (fl_tc_has_key(filter, priority)) {
        tci |= filter->key[priority].n << VLAN_PCP_SHIFT & VLAN_PCP_MASK;
        mask |= VLAN_PCP_MASK;
    }
    match->flow.vlans[i].tpid = htons((uint16_t)tpid);
    match->wc.masks.vlans[i].tpid = OVS_BE16_MAX;
    match->flow.vlans[i].tci = htons((uint16_t)tci);
    match->wc.masks.vlans[i].tci = htons((uint16_t)mask);
}

/* A protocol other than a VLAN's has the kernel compare with what follows the MAC addresses. */
static void put_tags(const struct fl_tc_filter *filter, struct match *match)
{
    uint32_t inner;

    if (filter->protocol == PROTOCOL_ALL || !filter->protocol)
        return;
    if (!is_vlan_type(filter->protocol)) {
        match->wc.masks.vlans[0].tpid = match->wc.masks.vlans[0].tci = OVS_BE16_MAX;
        return;
    }
    put_tag(filter, filter->protocol, FL_TC_KEY_VLAN_ID, FL_TC_KEY_VLAN_PRIO, 0, match);
    inner = fl_tc_has_key(filter, FL_TC_KEY_VLAN_ETH_TYPE) ? filter->key[FL_TC_KEY_VLAN_ETH_TYPE].n
                                                           : 0;
    if (is_vlan_type(inner))
        put_tag(filter, inner, FL_TC_KEY_CVLAN_ID, FL_TC_KEY_CVLAN_PRIO, 1, match);
}

static void put_dl_type(const struct fl_tc_filter *filter, struct match *match)
{
    uint32_t type = filter->protocol;

    if (fl_tc_has_key(filter, FL_TC_KEY_ETH_TYPE))
        type = filter->key[FL_TC_KEY_ETH_TYPE].n;
    else if (fl_tc_has_key(filter, FL_TC_KEY_CVLAN_ETH_TYPE))
        type = filter->key[FL_TC_KEY_CVLAN_ETH_TYPE].n;
    else if (fl_tc_has_key(filter, FL_TC_KEY_VLAN_ETH_TYPE))
        type = filter->key[FL_TC_KEY_VLAN_ETH_TYPE].n;
    if (type && type != PROTOCOL_ALL && !is_vlan_type(type))
        match_set_dl_type(match, htons((uint16_t)type));
}

static void put_frag(uint32_t flags, uint32_t mask, struct match *match)
{
    uint8_t frag = 0, frag_mask = 0;

    if (mask & FL_TC_FIRST_FRAGMENT) {
        frag_mask |= FLOW_NW_FRAG_LATER;
        frag |= flags & FL_TC_FIRST_FRAGMENT ? 0 : FLOW_NW_FRAG_LATER;
    }
    if (mask & FL_TC_IS_FRAGMENT) {
        frag_mask |= FLOW_NW_FRAG_ANY;
        frag |= FLOW_NW_FRAG_ANY;
        /* What is no fragment is no later one either. */
        if (!(flags & FL_TC_IS_FRAGMENT)) {
            frag_mask = FLOW_NW_FRAG_MASK;
            frag = 0;
        }
    }
    match_set_nw_frag_masked(match, frag, frag_mask);
}

static uint32_t ct_state_of(uint32_t state)
{
    static const struct {
        uint32_t tc, ovs;
    } bits[] = {
        { FL_TC_CT_NEW, CS_NEW },         { FL_TC_CT_ESTABLISHED, CS_ESTABLISHED },
        { FL_TC_CT_RELATED, CS_RELATED }, { FL_TC_CT_TRACKED, CS_TRACKED },
        { FL_TC_CT_INVALID, CS_INVALID }, { FL_TC_CT_REPLY, CS_REPLY_DIR },
    };
    uint32_t ovs = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        ovs |= state & bits[i].tc ? bits[i].ovs : 0;
    return ovs;
}

static ovs_be16 be16(const struct fl_tc_value *value)
{
    return htons((uint16_t)value->n);
}

static ovs_u128 u128(const struct fl_tc_value *value)
{
    ovs_u128 result;

    memcpy(&result, value->bytes, sizeof result);
    return result;
}

static void put_tunnel_key(enum fl_tc_key key, const struct fl_tc_value *v,
                           const struct fl_tc_value *m, struct match *match)
{
    switch (key) {
    case FL_TC_KEY_ENC_DST_IP4: match_set_tun_dst_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_ENC_SRC_IP4: match_set_tun_src_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_ENC_DST_IP6: match_set_tun_ipv6_dst_masked(match, &v->ip6, &m->ip6); break;
    case FL_TC_KEY_ENC_SRC_IP6: match_set_tun_ipv6_src_masked(match, &v->ip6, &m->ip6); break;
    case FL_TC_KEY_ENC_KEY_ID:
        match_set_tun_id(match, htonll(v->n));
        match->flow.tunnel.flags |= FLOW_TNL_F_KEY;
        match->wc.masks.tunnel.flags |= FLOW_TNL_F_KEY;
        break;
    case FL_TC_KEY_ENC_DST_PORT: match_set_tun_tp_dst_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_ENC_TOS: match_set_tun_tos_masked(match, (uint8_t)v->n, (uint8_t)m->n); break;
    case FL_TC_KEY_ENC_TTL: match_set_tun_ttl_masked(match, (uint8_t)v->n, (uint8_t)m->n); break;
    default: break;
    }
}

static void put_key(enum fl_tc_key key, const struct fl_tc_value *v, const struct fl_tc_value *m,
                    struct match *match)
{
    switch (key) {
    case FL_TC_KEY_DST_MAC: match_set_dl_dst_masked(match, v->mac, m->mac); break;
    case FL_TC_KEY_SRC_MAC: match_set_dl_src_masked(match, v->mac, m->mac); break;
    case FL_TC_KEY_IP_PROTO: match_set_nw_proto(match, (uint8_t)v->n); break;
    case FL_TC_KEY_IP_TOS: match_set_nw_tos_masked(match, (uint8_t)v->n, (uint8_t)m->n); break;
    case FL_TC_KEY_IP_TTL: match_set_nw_ttl_masked(match, (uint8_t)v->n, (uint8_t)m->n); break;
    case FL_TC_KEY_DST_IP4: match_set_nw_dst_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_SRC_IP4: match_set_nw_src_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_DST_IP6: match_set_ipv6_dst_masked(match, &v->ip6, &m->ip6); break;
    case FL_TC_KEY_SRC_IP6: match_set_ipv6_src_masked(match, &v->ip6, &m->ip6); break;
    case FL_TC_KEY_DST_PORT: match_set_tp_dst_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_SRC_PORT: match_set_tp_src_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_TCP_FLAGS: match_set_tcp_flags_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_ICMP_TYPE: match_set_tp_src_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_ICMP_CODE: match_set_tp_dst_masked(match, be16(v), be16(m)); break;
    case FL_TC_KEY_ARP_SIP: match_set_arp_spa_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_ARP_TIP: match_set_arp_tpa_masked(match, v->ip4, m->ip4); break;
    case FL_TC_KEY_ARP_OP:
        /* Unlike others of its kind, this one does not take the bits out that are not tested. */
        match_set_arp_opcode_masked(match, (uint8_t)(v->n & m->n), (uint8_t)m->n);
        break;
    case FL_TC_KEY_ARP_SHA: match_set_arp_sha_masked(match, v->mac, m->mac); break;
    case FL_TC_KEY_ARP_THA: match_set_arp_tha_masked(match, v->mac, m->mac); break;
    case FL_TC_KEY_MPLS_LABEL: match_set_mpls_label(match, 0, htonl(v->n)); break;
    case FL_TC_KEY_MPLS_TC: match_set_mpls_tc(match, 0, (uint8_t)v->n); break;
    case FL_TC_KEY_MPLS_BOS: match_set_mpls_bos(match, 0, (uint8_t)v->n); break;
    case FL_TC_KEY_MPLS_TTL: match_set_mpls_ttl(match, 0, (uint8_t)v->n); break;
    case FL_TC_KEY_IP_FLAGS: put_frag(v->n, m->n, match); break;
    case FL_TC_KEY_CT_STATE:
        match_set_ct_state_masked(match, ct_state_of(v->n), ct_state_of(m->n));
        break;
    case FL_TC_KEY_CT_ZONE: match_set_ct_zone_masked(match, (uint16_t)v->n, (uint16_t)m->n); break;
    case FL_TC_KEY_CT_MARK: match_set_ct_mark_masked(match, v->n, m->n); break;
    case FL_TC_KEY_CT_LABEL: match_set_ct_label_masked(match, u128(v), u128(m)); break;
    default: put_tunnel_key(key, v, m, match); break; /* Others are put elsewhere. */
    }
}

/*
 * Options of Geneve, in the form of packets. A filter on a Geneve device that names none matches
 * packets without any. Source: OVS 3.1 lib/netdev-offload-tc.c, flower_tun_opt_to_match().
 */
static const char *put_geneve(const struct fl_tc_filter *filter, struct match *match)
{
    const struct fl_tc_tunnel_opts *key = &filter->enc_opts, *mask = &filter->enc_opts_mask;
    struct tun_metadata *flow = &match->flow.tunnel.metadata;
    struct tun_metadata *masks = &match->wc.masks.tunnel.metadata;
    size_t n = key->kind == FL_TC_OPTS_GENEVE ? key->n_bytes : 0;

    if (n > sizeof flow->opts.gnv || (n && (mask->kind != key->kind || mask->n_bytes != n)))
        return "geneve_opts";
    for (size_t at = 0; at < n; at += 4u + key->geneve[at + 3] * 4u) {
        if (key->geneve[at + 3] != mask->geneve[at + 3])
            return "geneve_opts with a mask of other lengths";
    }
    match->flow.tunnel.flags |= FLOW_TNL_F_UDPIF;
    match->wc.masks.tunnel.flags |= FLOW_TNL_F_UDPIF;
    flow->present.len = (uint8_t)n;
    masks->present.len = 0xff;
    memcpy(masks->opts.gnv, mask->geneve, n);
    for (size_t at = 0; at < n; at += 4u + key->geneve[at + 3] * 4u)
        masks->opts.gnv[at / 4].length = 0x1f; /* Exact. */
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)flow->opts.gnv)[i] = key->geneve[i] & ((const uint8_t *)masks->opts.gnv)[i];
    return NULL;
}

#define TUNNEL                                                                                     \
    (BIT(ENC_DST_IP4) | BIT(ENC_DST_IP6) | BIT(ENC_SRC_IP4) | BIT(ENC_SRC_IP6) | BIT(ENC_KEY_ID) | \
     BIT(ENC_DST_PORT) | BIT(ENC_TOS) | BIT(ENC_TTL))

const char *fl_tc_flow_match(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter)
{
    struct match *match = &scratch->wide;
    const char *without_form = find_formless(filter);
    bool is_geneve = filter->dev_kind && !strcmp(filter->dev_kind, "geneve");
    uint64_t left = filter->present;

    put_tags(filter, match);
    put_dl_type(filter, match);
    for (; left; left &= left - 1) {
        enum fl_tc_key key = (enum fl_tc_key)__builtin_ctzll(left);

        put_key(key, &filter->key[key], &filter->mask[key], match);
    }
    if (filter->enc_opts.kind == FL_TC_OPTS_GENEVE ||
        (is_geneve && filter->enc_opts.kind == FL_TC_OPTS_NONE && (filter->present & TUNNEL))) {
        const char *why = put_geneve(filter, match);

        without_form = without_form ? without_form : why;
    }
    return without_form;
}
