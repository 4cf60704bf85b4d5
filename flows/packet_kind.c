/* SPDX-License-Identifier: Apache-2.0 */

/* See packet_kind.h. */

#include "flows/packet_kind.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

/* Those that OVS looks into; 0x88b5 and 253 are for experiments (IEEE 802, RFC 3692). */
static const uint16_t known_types[] = { ETH_TYPE_IP,   ETH_TYPE_IPV6, ETH_TYPE_ARP,
                                        ETH_TYPE_RARP, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST,
                                        ETH_TYPE_NSH };
static const uint16_t known_protocols[] = { IPPROTO_TCP,    IPPROTO_UDP,  IPPROTO_ICMP,
                                            IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_IGMP };
static const uint8_t fragments[] = { 0, FLOW_NW_FRAG_ANY, FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER };
#define OTHER_TYPE     0x88b5
#define OTHER_PROTOCOL 253

struct search {
    const struct match *region;
    const struct match *like;
    struct fl_packet_kind *kinds;
    size_t n, max;
};

/* Fields of a kind. */

static bool has_types_of_8_bits(const struct fl_packet_kind *kind)
{
    return kind->nw_proto == IPPROTO_ICMP || kind->nw_proto == IPPROTO_ICMPV6 ||
           kind->nw_proto == IPPROTO_IGMP;
}

void fl_packet_ct_fields(struct flow *mask)
{
    memset(&mask->ct_state, 0xff, sizeof mask->ct_state);
    memset(&mask->ct_zone, 0xff, sizeof mask->ct_zone);
    memset(&mask->ct_mark, 0xff, sizeof mask->ct_mark);
    memset(&mask->ct_label, 0xff, sizeof mask->ct_label);
    memset(&mask->ct_nw_proto, 0xff, sizeof mask->ct_nw_proto);
    memset(&mask->ct_nw_src, 0xff, sizeof mask->ct_nw_src);
    memset(&mask->ct_nw_dst, 0xff, sizeof mask->ct_nw_dst);
    memset(&mask->ct_ipv6_src, 0xff, sizeof mask->ct_ipv6_src);
    memset(&mask->ct_ipv6_dst, 0xff, sizeof mask->ct_ipv6_dst);
    memset(&mask->ct_tp_src, 0xff, sizeof mask->ct_tp_src);
    memset(&mask->ct_tp_dst, 0xff, sizeof mask->ct_tp_dst);
}

/* What OVS reads but flow_wildcards_init_for_packet() leaves out. */
static void add_neighbour_discovery(struct flow *may)
{
    memset(&may->nd_target, 0xff, sizeof may->nd_target);
    memset(&may->arp_sha, 0xff, sizeof may->arp_sha);
    memset(&may->arp_tha, 0xff, sizeof may->arp_tha);
    may->tcp_flags = htons(ND_OPT_SOURCE_LINKADDR | ND_OPT_TARGET_LINKADDR);
    may->igmp_group_ip4 = OVS_BE32_MAX;
}

void fl_packet_kind_has(const struct fl_packet_kind *kind, struct flow *may)
{
    struct fl_packet_kind ethernet = *kind;
    struct flow_wildcards wc;
    struct flow packet;

    ethernet.packet_type = 0;
    memset(&packet, 0, sizeof packet);
    fl_packet_kind_put(&ethernet, &packet);
    flow_wildcards_init_for_packet(&wc, &packet);
    *may = wc.masks;
    memset(may, 0xff, offsetof(struct flow, dl_dst)); /* Metadata: of all kinds. */
    memset(may->vlans, 0xff, sizeof may->vlans);
    fl_packet_ct_fields(may);
    may->ipv6_label &= htonl(IPV6_LABEL_MASK);
    may->tcp_flags &= htons(0x0fff);
    if (has_types_of_8_bits(kind)) {
        may->tp_src &= htons(UINT8_MAX);
        may->tp_dst &= htons(UINT8_MAX);
    }
    if (kind->nd_type) {
        add_neighbour_discovery(may);
    }
    if (kind->dl_type == htons(ETH_TYPE_NSH)) {
        may->nw_frag = may->nw_tos = may->nw_ttl = may->nw_proto = 0;
    }
    if (kind->packet_type) {
        memset(&may->dl_src, 0, sizeof may->dl_src);
        memset(&may->dl_dst, 0, sizeof may->dl_dst);
        memset(may->vlans, 0, sizeof may->vlans);
    }
}

void fl_packet_kind_put(const struct fl_packet_kind *kind, struct flow *packet)
{
    packet->packet_type = kind->packet_type;
    packet->dl_type = kind->dl_type;
    packet->nw_frag = kind->nw_frag;
    if (dl_type_is_ip_any(kind->dl_type)) {
        packet->nw_proto = kind->nw_proto;
    }
    if (kind->nd_type) {
        packet->tp_src = htons(kind->nd_type);
        packet->tp_dst = 0;
    }
}

/* What binds packets of all kinds. */

bool fl_packet_vlan_fits(const struct match *region, int depth, ovs_be16 *tpid)
{
    const union flow_vlan_hdr *value = &region->flow.vlans[depth];
    const union flow_vlan_hdr *mask = &region->wc.masks.vlans[depth];
    const ovs_be16 tpids[] = { htons(ETH_TYPE_VLAN_8021Q), htons(ETH_TYPE_VLAN_8021AD) };

    if ((mask->tci & ~value->tci) & htons(VLAN_CFI)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(tpids); i++) {
        if (!((value->tpid ^ tpids[i]) & mask->tpid)) {
            *tpid = tpids[i];
            return true;
        }
    }
    return false;
}

static bool vlans_fit(const struct match *region)
{
    bool may = true;
    ovs_be16 tpid;

    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        may = may && fl_packet_vlan_fits(region, i, &tpid);
        if ((region->flow.vlans[i].qtag & region->wc.masks.vlans[i].qtag) && !may) {
            return false;
        }
    }
    return true;
}

/* Is a bit of @fields to be set in all packets of @region? */
static bool wants_any(const struct match *region, const struct flow *fields)
{
    const uint64_t *value = (const uint64_t *)&region->flow;
    const uint64_t *mask = (const uint64_t *)&region->wc.masks;
    const uint64_t *field = (const uint64_t *)fields;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (value[i] & mask[i] & field[i]) {
            return true;
        }
    }
    return false;
}

static bool ct_fits(const struct match *region)
{
    struct flow fields;

    if (!(region->wc.masks.ct_state & ~region->flow.ct_state & CS_TRACKED)) {
        return true;
    }
    memset(&fields, 0, sizeof fields);
    fl_packet_ct_fields(&fields);
    return !wants_any(region, &fields);
}

/* Search of kinds. */

/* Has @region packets of this kind, of which what makes the kind fits already? */
static bool has_kind(const struct match *region, const struct fl_packet_kind *kind)
{
    uint64_t *field;
    struct flow may;

    fl_packet_kind_has(kind, &may);
    field = (uint64_t *)&may;
    for (size_t i = 0; i < FLOW_U64S; i++) {
        field[i] = ~field[i];
    }
    return !wants_any(region, &may);
}

static void consider(struct search *s, const struct fl_packet_kind *kind)
{
    if (s->n < s->max && has_kind(s->region, kind)) {
        s->kinds[s->n++] = *kind;
    }
}

static bool is_one_of(uint16_t value, const uint16_t *known, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (value == known[i]) {
            return true;
        }
    }
    return false;
}

/*
 * A value that a masked field of at most 16 bits can have, from @lowest on, and that is none of those
 * known: @likely if it fits.
 */
static bool other_value(uint16_t value, uint16_t mask, uint16_t likely, uint16_t lowest,
                        const uint16_t *known, size_t n, uint16_t *other)
{
    uint16_t wild = (uint16_t)~mask;
    uint16_t bits = wild;

    if (!((value ^ likely) & mask) && likely >= lowest && !is_one_of(likely, known, n)) {
        *other = likely;
        return true;
    }
    for (;;) {
        uint16_t candidate = (uint16_t)((value & mask) | bits);

        if (candidate < lowest) {
            return false;
        }
        if (!is_one_of(candidate, known, n)) {
            *other = candidate;
            return true;
        }
        if (!bits) {
            return false;
        }
        bits = (uint16_t)((bits - 1) & wild);
    }
}

/* The value that @like has where the region leaves a field wild. */
static uint16_t likely_value(uint16_t value, uint16_t mask, uint16_t like, uint16_t like_mask,
                             uint16_t plain)
{
    uint16_t fill = (uint16_t)((like & like_mask) | (plain & ~like_mask));

    return (uint16_t)((value & mask) | (fill & ~mask));
}

static bool other_type(const struct search *s, ovs_be16 *dl_type)
{
    uint16_t value = ntohs(s->region->flow.dl_type);
    uint16_t mask = ntohs(s->region->wc.masks.dl_type);
    uint16_t likely = likely_value(value, mask, s->like ? ntohs(s->like->flow.dl_type) : 0,
                                   s->like ? ntohs(s->like->wc.masks.dl_type) : 0, OTHER_TYPE);
    uint16_t other;

    if (!other_value(value, mask, likely, FLOW_DL_TYPE_NONE, known_types, ARRAY_SIZE(known_types),
                     &other)) {
        return false;
    }
    *dl_type = htons(other);
    return true;
}

static bool other_protocol(const struct search *s, uint8_t *nw_proto)
{
    uint8_t value = s->region->flow.nw_proto;
    uint8_t mask = s->region->wc.masks.nw_proto;
    uint16_t likely = likely_value(value, mask, s->like ? s->like->flow.nw_proto : 0,
                                   s->like ? s->like->wc.masks.nw_proto : 0, OTHER_PROTOCOL);
    uint16_t other;

    if (!other_value(value, (uint16_t)(mask | 0xff00), (uint8_t)likely, 0, known_protocols,
                     ARRAY_SIZE(known_protocols), &other)) {
        return false;
    }
    *nw_proto = (uint8_t)other;
    return true;
}

static void consider_fragments(struct search *s, struct fl_packet_kind *kind)
{
    const uint8_t value = s->region->flow.nw_frag, mask = s->region->wc.masks.nw_frag;

    for (size_t i = 0; i < ARRAY_SIZE(fragments); i++) {
        bool later = fragments[i] & FLOW_NW_FRAG_LATER;

        if (!((value ^ fragments[i]) & mask) && !(later && kind->nd_type)) {
            kind->nw_frag = fragments[i];
            consider(s, kind);
        }
    }
}

static void consider_neighbour_discovery(struct search *s, struct fl_packet_kind *kind)
{
    const uint8_t types[] = { ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT };
    const struct flow *value = &s->region->flow, *mask = &s->region->wc.masks;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!((value->tp_src ^ htons(types[i])) & mask->tp_src) &&
            !(value->tp_dst & mask->tp_dst)) {
            kind->nd_type = types[i];
            consider_fragments(s, kind);
        }
    }
    kind->nd_type = 0;
}

static void consider_ip(struct search *s, struct fl_packet_kind *kind)
{
    const uint8_t value = s->region->flow.nw_proto, mask = s->region->wc.masks.nw_proto;

    for (size_t i = 0; i < ARRAY_SIZE(known_protocols); i++) {
        kind->nw_proto = (uint8_t)known_protocols[i];
        if ((value ^ kind->nw_proto) & mask) {
            continue;
        }
        consider_fragments(s, kind);
        if (kind->nw_proto == IPPROTO_ICMPV6) {
            consider_neighbour_discovery(s, kind);
        }
    }
    if (other_protocol(s, &kind->nw_proto)) {
        consider_fragments(s, kind);
    }
}

size_t fl_packet_kinds(const struct match *region, const struct match *like,
                       struct fl_packet_kind *kinds, size_t max)
{
    const struct flow *value = &region->flow, *mask = &region->wc.masks;
    struct search s = { .region = region, .like = like, .kinds = kinds, .max = max };
    struct fl_packet_kind other = { .packet_type = value->packet_type & mask->packet_type };

    if (!vlans_fit(region) || !ct_fits(region)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(known_types) && s.n < max; i++) {
        struct fl_packet_kind kind = { .packet_type = other.packet_type,
                                       .dl_type = htons(known_types[i]) };

        if ((value->dl_type ^ kind.dl_type) & mask->dl_type) {
            continue;
        }
        if (dl_type_is_ip_any(kind.dl_type)) {
            consider_ip(&s, &kind);
        } else {
            consider(&s, &kind);
        }
    }
    if (other_type(&s, &other.dl_type)) {
        consider(&s, &other);
    }
    return s.n;
}
