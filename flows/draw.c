/* SPDX-License-Identifier: Apache-2.0 */

/* See draw.h. */

#include "flows/draw.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/packet_kind.h"
#include "flows/region.h"

#define PLAIN_PORT 1000
#define PLAIN_TTL  64

static const struct eth_addr plain_mac = ETH_ADDR_C(02, 00, 00, 00, f1, 01);
static const uint8_t plain_ipv6[15] = { 0x20, 0x01, 0x0d, 0xb8 };

/* Plain values. */

static void plain_transport(const struct fl_packet_kind *kind, struct flow *packet)
{
    switch (kind->nw_proto) {
    case IPPROTO_TCP:
        packet->tcp_flags = htons(TCP_ACK);
        /* fall through */
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        packet->tp_src = htons(PLAIN_PORT);
        packet->tp_dst = htons(PLAIN_PORT);
        break;
    case IPPROTO_ICMP: packet->tp_src = htons(ICMP4_ECHO_REQUEST); break;
    case IPPROTO_ICMPV6:
        packet->tp_src = htons(ICMP6_ECHO_REQUEST);
        packet->tcp_flags = htons(ND_OPT_SOURCE_LINKADDR); /* The option that has arp_sha. */
        break;
    default: break;
    }
}

/* All fields of all kinds; the caller leaves out those that the packet's kind does not have. */
static void plain_packet(const struct fl_packet_kind *kind, struct flow *packet)
{
    memset(packet, 0, sizeof *packet);
    packet->dl_src = plain_mac;
    packet->dl_dst = plain_mac;
    packet->nw_src = htonl(0xc0000201); /* 192.0.2.1 */
    packet->nw_dst = htonl(0xc0000202);
    memcpy(&packet->ipv6_src, plain_ipv6, sizeof plain_ipv6);
    memcpy(&packet->ipv6_dst, plain_ipv6, sizeof plain_ipv6);
    packet->ipv6_src.s6_addr[15] = 1;
    packet->ipv6_dst.s6_addr[15] = 2;
    packet->nw_ttl = PLAIN_TTL;
    packet->nw_proto = ARP_OP_REQUEST; /* IP has that of its kind. */
    packet->arp_sha = plain_mac;
    packet->mpls_lse[0] = htonl((1u << MPLS_BOS_SHIFT) | (PLAIN_TTL << MPLS_TTL_SHIFT));
    plain_transport(kind, packet);
}

/* Making a packet whole, by bits that the region leaves wild. */

static void settle_vlans(const struct match *region, struct flow *packet)
{
    bool outer = true;

    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        union flow_vlan_hdr *header = &packet->vlans[i];
        ovs_be16 tpid;
        bool may = outer && fl_packet_vlan_fits(region, i, &tpid);
        bool must = false;

        for (int j = i; j < FLOW_MAX_VLAN_HEADERS; j++) {
            must = must || (region->flow.vlans[j].qtag & region->wc.masks.vlans[j].qtag);
        }
        outer = must || (may && (header->tci & htons(VLAN_CFI)));
        if (!outer) {
            header->qtag = 0;
            continue;
        }
        header->tci |= htons(VLAN_CFI);
        if (!eth_type_vlan(header->tpid)) {
            header->tpid = tpid;
        }
    }
}

static void settle_mpls(const struct match *region, struct flow *packet)
{
    const ovs_be32 bottom = htonl(MPLS_BOS_MASK);
    const ovs_be32 *value = region->flow.mpls_lse, *mask = region->wc.masks.mpls_lse;
    bool below = true;

    for (int i = 0; i < FLOW_MAX_MPLS_LABELS; i++) {
        bool must = false;

        for (int j = i + 1; j < FLOW_MAX_MPLS_LABELS; j++) {
            must = must || (value[j] & mask[j]);
        }
        if (!below) {
            packet->mpls_lse[i] = value[i] & mask[i];
        } else if (must) {
            packet->mpls_lse[i] &= ~(bottom & ~mask[i]);
        }
        below = below && !(packet->mpls_lse[i] & bottom);
    }
}

static void settle_conntrack(const struct match *region, struct flow *packet)
{
    uint64_t *words = (uint64_t *)packet;
    const uint64_t *field;
    uint64_t any = 0;
    struct flow fields;

    memset(&fields, 0, sizeof fields);
    fl_packet_ct_fields(&fields);
    field = (const uint64_t *)&fields;
    for (size_t i = 0; i < FLOW_U64S; i++) {
        any |= words[i] & field[i];
    }
    if (!any) {
        return;
    }
    packet->ct_state |= CS_TRACKED;
    if (!fl_region_has(region, packet)) {
        /* It is not to be tracked, so none of this is there. */
        for (size_t i = 0; i < FLOW_U64S; i++) {
            words[i] &= ~field[i];
        }
    }
}

static void fill(const struct match *region, const struct match *like,
                 const struct fl_packet_kind *kind, struct flow *packet)
{
    const uint64_t *value = (const uint64_t *)&region->flow;
    const uint64_t *mask = (const uint64_t *)&region->wc.masks;
    const uint64_t *wish = like ? (const uint64_t *)&like->flow : NULL;
    const uint64_t *wish_mask = like ? (const uint64_t *)&like->wc.masks : NULL;
    uint64_t *words = (uint64_t *)packet;
    struct flow may;

    fl_packet_kind_has(kind, &may);
    plain_packet(kind, packet);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (like) {
            words[i] = (wish[i] & wish_mask[i]) | (words[i] & ~wish_mask[i]);
        }
        words[i] &= ((const uint64_t *)&may)[i];
        words[i] = (value[i] & mask[i]) | (words[i] & ~mask[i]);
    }
    fl_packet_kind_put(kind, packet);
    settle_vlans(region, packet);
    settle_mpls(region, packet);
    settle_conntrack(region, packet);
}

/* Drawing. */

/* How much a packet of this kind can be like @like; Ethernet type before protocol before fragment. */
static int likeness(const struct fl_packet_kind *kind, const struct match *like)
{
    const struct flow *value = &like->flow, *mask = &like->wc.masks;
    const ovs_be16 nd_type = htons(kind->nd_type);
    bool same_type = !((value->dl_type ^ kind->dl_type) & mask->dl_type);
    bool same_protocol = !dl_type_is_ip_any(kind->dl_type) ||
                         !((value->nw_proto ^ kind->nw_proto) & mask->nw_proto);
    bool same_fragment = !((value->nw_frag ^ kind->nw_frag) & mask->nw_frag);
    bool same_discovery = kind->nd_type && mask->tp_src == OVS_BE16_MAX && value->tp_src == nd_type;

    return 8 * same_type + 4 * same_protocol + 2 * same_fragment + same_discovery;
}

bool fl_draw_packet(const struct match *region, const struct match *like, struct flow *packet)
{
    struct fl_packet_kind kinds[FL_PACKET_KINDS_MAX];
    size_t n = fl_packet_kinds(region, like, kinds, like ? ARRAY_SIZE(kinds) : 1);
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        if (likeness(&kinds[i], like) > likeness(&kinds[best], like)) {
            best = i;
        }
    }
    if (n) {
        fill(region, like, &kinds[best], packet);
    }
    return n;
}

bool fl_draw_at_edge(const struct match *region, const struct mf_field *field,
                     enum fl_draw_edge edge, struct flow *packet)
{
    struct match narrowed = *region;
    uint64_t *value = (uint64_t *)&narrowed.flow;
    uint64_t *mask = (uint64_t *)&narrowed.wc.masks;
    struct match like;
    struct flow bits;

    fl_region_field_mask(field, &bits);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t wild = ((const uint64_t *)&bits)[i] & ~mask[i];

        value[i] = (value[i] & mask[i]) | (edge == FL_DRAW_HIGHEST ? wild : 0);
        mask[i] |= wild;
    }
    match_init_catchall(&like);
    like.flow = *packet;
    memset(&like.wc.masks, 0xff, sizeof like.wc.masks);
    return fl_draw_packet(&narrowed, &like, packet);
}

/* What it says of a connection's first packet stands among the headers. */
static void forget_conntrack(struct match *match)
{
    uint64_t *mask = (uint64_t *)&match->wc.masks;
    struct flow fields;

    memset(&fields, 0, sizeof fields);
    fl_packet_ct_fields(&fields);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        mask[i] &= ~((const uint64_t *)&fields)[i];
    }
}

bool fl_draw_at_random(const struct match *region, fl_draw_random_cb *random, void *aux,
                       struct flow *packet)
{
    struct fl_packet_kind kinds[FL_PACKET_KINDS_MAX];
    size_t n = fl_packet_kinds(region, NULL, kinds, ARRAY_SIZE(kinds));
    size_t headers = offsetof(struct flow, dl_dst);
    struct match like;
    uint8_t *bytes = (uint8_t *)&like.flow;

    if (!n) {
        return false;
    }
    match_init_catchall(&like);
    memset((uint8_t *)&like.wc.masks + headers, 0xff, sizeof like.wc.masks - headers);
    for (size_t i = headers; i < sizeof like.flow; i++) {
        bytes[i] = (uint8_t)random(aux);
    }
    like.flow.dl_src.ea[0] &= 0xfe; /* A group sends nothing. */
    forget_conntrack(&like);
    fill(region, &like, &kinds[random(aux) % n], packet);
    return true;
}
