/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match attributes straight into struct match, without the detour over netlink attributes that
 * libopenvswitch's parser takes (decode_odp.c). What both understand, they understand alike:
 * tests/unit/test_decode.c compares them. This one also understands what is short of a complete key:
 * dumps without -m leave out what is wildcarded, people leave out more.
 */
#include <arpa/inet.h>
#include <netinet/ip6.h>
#include <ovs/flow.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/decode_fields.h"

#define MAX_ENCAP FLOW_MAX_VLAN_HEADERS

/* State of one match while it is read. */
struct reading {
    struct match *match;
    struct fl_ports *ports;
    unsigned int vlans;    /* encap() entered so far. */
    bool eth_type_printed; /* Outside of encap(). */
    ovs_be16 implied_type; /* What an attribute such as ipv4() says of the Ethernet type. */
};

static const struct fl_field eth_fields[] = { FL_FIELD("src", ETH, dl_src),
                                              FL_FIELD("dst", ETH, dl_dst),
                                              { .name = NULL } };
static const struct fl_field ipv4_fields[] = { FL_FIELD("src", IPV4, nw_src),
                                               FL_FIELD("dst", IPV4, nw_dst),
                                               FL_FIELD("proto", U8, nw_proto),
                                               FL_FIELD("tos", U8, nw_tos),
                                               FL_FIELD("ttl", U8, nw_ttl),
                                               FL_FIELD("frag", FRAG, nw_frag),
                                               { .name = NULL } };
static const struct fl_field ipv6_fields[] = {
    FL_FIELD("src", IPV6, ipv6_src),      FL_FIELD("dst", IPV6, ipv6_dst),
    FL_FIELD("label", LABEL, ipv6_label), FL_FIELD("proto", U8, nw_proto),
    FL_FIELD("tclass", U8, nw_tos),       FL_FIELD("hlimit", U8, nw_ttl),
    FL_FIELD("frag", FRAG, nw_frag),      { .name = NULL }
};
static const struct fl_field port_fields[] = { FL_FIELD("src", BE16, tp_src),
                                               FL_FIELD("dst", BE16, tp_dst),
                                               { .name = NULL } };
static const struct fl_field icmp_fields[] = { FL_FIELD("type", ICMP, tp_src),
                                               FL_FIELD("code", ICMP, tp_dst),
                                               { .name = NULL } };
static const struct fl_field arp_fields[] = {
    FL_FIELD("sip", IPV4, nw_src), FL_FIELD("tip", IPV4, nw_dst), FL_FIELD("op", ARP_OP, nw_proto),
    FL_FIELD("sha", ETH, arp_sha), FL_FIELD("tha", ETH, arp_tha), { .name = NULL }
};
static const struct fl_field nd_fields[] = { FL_FIELD("target", IPV6, nd_target),
                                             FL_FIELD("sll", ETH, arp_sha),
                                             FL_FIELD("tll", ETH, arp_tha),
                                             { .name = NULL } };
static const struct fl_field nd_ext_fields[] = { FL_FIELD("nd_reserved", BE32, igmp_group_ip4),
                                                 FL_FIELD("nd_options_type", OPTIONS_TYPE,
                                                          tcp_flags),
                                                 { .name = NULL } };
static const struct fl_field ct_tuple4_fields[] = {
    FL_FIELD("src", IPV4, ct_nw_src),    FL_FIELD("dst", IPV4, ct_nw_dst),
    FL_FIELD("proto", U8, ct_nw_proto),  FL_FIELD("tp_src", BE16, ct_tp_src),
    FL_FIELD("tp_dst", BE16, ct_tp_dst), { .name = NULL }
};
static const struct fl_field ct_tuple6_fields[] = {
    FL_FIELD("src", IPV6, ct_ipv6_src),  FL_FIELD("dst", IPV6, ct_ipv6_dst),
    FL_FIELD("proto", U8, ct_nw_proto),  FL_FIELD("tp_src", BE16, ct_tp_src),
    FL_FIELD("tp_dst", BE16, ct_tp_dst), { .name = NULL }
};
/* The two halves of packet_type, as they lie in memory. */
static const struct fl_field packet_type_fields[] = {
    { "ns=", FL_KIND_BE16, offsetof(struct flow, packet_type) },
    { "id=", FL_KIND_BE16, offsetof(struct flow, packet_type) + 2 },
    { .name = NULL }
};

static const struct fl_flag ct_state_flags[] = {
    { "new", CS_NEW },       { "est", CS_ESTABLISHED }, { "rel", CS_RELATED },
    { "rpl", CS_REPLY_DIR }, { "inv", CS_INVALID },     { "trk", CS_TRACKED },
    { "snat", CS_SRC_NAT },  { "dnat", CS_DST_NAT },    { NULL, 0 }
};
static const struct fl_flag tcp_flags[] = {
    { "fin", TCP_FIN }, { "syn", TCP_SYN }, { "rst", TCP_RST }, { "psh", TCP_PSH },
    { "ack", TCP_ACK }, { "urg", TCP_URG }, { "ece", TCP_ECE }, { "cwr", TCP_CWR },
    { "ns", TCP_NS },   { "[200]", 0x200 }, { "[400]", 0x400 }, { "[800]", 0x800 },
    { NULL, 0 }
};
static bool read_ct_state(struct reading *r, struct fl_cursor *c)
{
    uint16_t value, mask;

    /* Bits of the datapath and of struct flow have the same numbers. */
    BUILD_ASSERT(CS_NEW == OVS_CS_F_NEW && CS_TRACKED == OVS_CS_F_TRACKED &&
                 CS_DST_NAT == OVS_CS_F_DST_NAT && CS_SUPPORTED_MASK == UINT8_MAX);
    if (!fl_scan_flags(c, ct_state_flags, CS_SUPPORTED_MASK, CS_SUPPORTED_MASK, &value, &mask))
        return false;
    r->match->flow.ct_state = (uint8_t)value;
    r->match->wc.masks.ct_state = (uint8_t)mask;
    return true;
}

static bool read_tcp_flags(struct reading *r, struct fl_cursor *c)
{
    uint16_t value, mask;

    if (!fl_scan_flags(c, tcp_flags, 0xfff, UINT16_MAX, &value, &mask))
        return false;
    r->match->flow.tcp_flags = htons(value);
    r->match->wc.masks.tcp_flags = htons(mask);
    return true;
}

/* Single values */

static bool read_single(struct reading *r, enum fl_kind kind, size_t offset, struct fl_cursor *c)
{
    return fl_read_member(r->match, kind, offset, c) && fl_scan_char(c, ')');
}

static bool scan_u128(struct fl_cursor *c, ovs_u128 *value)
{
    uint8_t bytes[16];
    uint64_t number;

    if (fl_scan_word(c, "0x")) {
        ovs_be128 be;

        if (!fl_scan_hex_bytes(c, bytes, sizeof bytes))
            return false;
        memcpy(&be, bytes, sizeof be);
        *value = ntoh128(be);
        return true;
    }
    if (!fl_scan_uint(c, UINT64_MAX, &number))
        return false;
    *value = (ovs_u128){ .u64 = { .lo = number, .hi = 0 } };
    return true;
}

static bool read_ct_label(struct reading *r, struct fl_cursor *c)
{
    ovs_u128 value, mask = OVS_U128_MAX;

    if (!scan_u128(c, &value) || (fl_scan_char(c, '/') && !scan_u128(c, &mask)) ||
        !fl_scan_char(c, ')'))
        return false;
    r->match->flow.ct_label = value;
    r->match->wc.masks.ct_label = mask;
    return true;
}

bool fl_scan_in_port(struct fl_cursor *c, struct fl_ports *ports, odp_port_t *port, uint32_t *mask)
{
    const char *close = memchr(c->p, ')', (size_t)(c->end - c->p));
    struct fl_cursor number;
    uint64_t value, bits = UINT32_MAX;

    if (!close || close == c->p)
        return false;
    number = (struct fl_cursor){ c->p, close };
    if (fl_scan_uint(&number, UINT32_MAX, &value) &&
        (number.p == close || (fl_scan_char(&number, '/') &&
                               fl_scan_uint(&number, UINT32_MAX, &bits) && number.p == close))) {
        *port = u32_to_odp((uint32_t)value);
    } else {
        *port = fl_ports_intern(ports, c->p, (size_t)(close - c->p));
        if (*port == ODPP_NONE)
            return false;
    }
    *mask = (uint32_t)bits;
    c->p = close + 1;
    return true;
}

static bool read_in_port(struct reading *r, struct fl_cursor *c)
{
    uint32_t mask;

    if (!fl_scan_in_port(c, r->ports, &r->match->flow.in_port.odp_port, &mask))
        return false;
    r->match->wc.masks.in_port.odp_port = u32_to_odp(mask);
    return true;
}

/* An 802.1Q type belongs to the tag that vlan() tells, the type behind the tags to the packet. */
static bool read_eth_type(struct reading *r, struct fl_cursor *c)
{
    struct flow *flow = &r->match->flow;
    struct flow *mask = &r->match->wc.masks;
    ovs_be16 type, type_mask;

    if (!read_single(r, FL_KIND_BE16, offsetof(struct flow, dl_type), c))
        return false;
    type = flow->dl_type;
    type_mask = mask->dl_type;
    if (ntohs(type) < ETH_TYPE_MIN) {
        /* "eth_type(0/0xffff)": frames with a length instead of a type. */
        if (type || type_mask != OVS_BE16_MAX)
            return false;
        flow->dl_type = htons(FLOW_DL_TYPE_NONE);
    } else if (eth_type_vlan(type) && r->vlans < MAX_ENCAP) {
        flow->vlans[r->vlans].tpid = type;
        mask->vlans[r->vlans].tpid = type_mask;
        flow->vlans[r->vlans].tci |= htons(VLAN_CFI);
        mask->vlans[r->vlans].tci |= htons(VLAN_CFI);
        flow->dl_type = mask->dl_type = 0;
    }
    if (r->vlans == 0)
        r->eth_type_printed = true;
    return true;
}

static bool scan_tci_bits(struct fl_cursor *c, unsigned int bits, unsigned int shift, uint16_t *tci,
                          uint16_t *tci_mask)
{
    uint64_t max = (1u << bits) - 1;
    uint64_t value, mask = max;

    if (!fl_scan_uint(c, max, &value) || (fl_scan_char(c, '/') && !fl_scan_uint(c, max, &mask)))
        return false;
    *tci = (uint16_t)((*tci & ~(max << shift)) | value << shift);
    *tci_mask = (uint16_t)((*tci_mask & ~(max << shift)) | mask << shift);
    return true;
}

static bool read_vlan(struct reading *r, struct fl_cursor *c)
{
    uint16_t tci = VLAN_CFI, mask = VLAN_CFI;

    if (r->vlans >= MAX_ENCAP)
        return false;
    if (!fl_scan_char(c, ')')) {
        do {
            if (!(fl_scan_word(c, "vid=")   ? scan_tci_bits(c, 12, VLAN_VID_SHIFT, &tci, &mask)
                  : fl_scan_word(c, "pcp=") ? scan_tci_bits(c, 3, VLAN_PCP_SHIFT, &tci, &mask)
                  : fl_scan_word(c, "cfi=") ? scan_tci_bits(c, 1, VLAN_CFI_SHIFT, &tci, &mask)
                                            : false))
                return false;
        } while (fl_scan_comma(c));
        if (!fl_scan_char(c, ')'))
            return false;
    }
    if (!(tci & VLAN_CFI))
        return false; /* No tag after all: libopenvswitch knows what to do with it. */
    r->match->flow.vlans[r->vlans].tci = htons(tci);
    r->match->wc.masks.vlans[r->vlans].tci = htons(mask);
    return true;
}

static bool read_tunnel(struct reading *r, struct fl_cursor *c)
{
    return fl_read_tunnel(r->match, c);
}

static bool read_packet_type(struct reading *r, struct fl_cursor *c)
{
    struct flow *flow = &r->match->flow;
    struct flow *mask = &r->match->wc.masks;

    if (!fl_read_fields(r->match, packet_type_fields, c))
        return false;
    if (pt_ns(flow->packet_type) == OFPHTN_ETHERTYPE) {
        flow->dl_type = pt_ns_type_be(flow->packet_type);
        mask->dl_type = pt_ns_type_be(mask->packet_type);
    }
    return true;
}

static bool read_mpls(struct reading *r, struct fl_cursor *c)
{
    return fl_read_mpls(r->match, c);
}

static bool read_encap(struct reading *r, struct fl_cursor *c);

/* Attributes */

struct attribute {
    const char *name;              /* With its bracket. */
    const struct fl_field *fields; /* Or one of the two below. */
    bool (*read)(struct reading *r, struct fl_cursor *c);
    enum fl_kind kind; /* A single value at @offset. */
    size_t offset;
    uint16_t implies; /* Ethernet type. */
};

#define FIELDS(NAME, FIELDS_)               \
    {                                       \
        .name = NAME "(", .fields = FIELDS_ \
    }
#define FIELDS_OF(NAME, FIELDS_, TYPE)                       \
    {                                                        \
        .name = NAME "(", .fields = FIELDS_, .implies = TYPE \
    }
#define SPECIAL(NAME, READ)            \
    {                                  \
        .name = NAME "(", .read = READ \
    }
#define SINGLE(NAME, KIND, MEMBER)                                                        \
    {                                                                                     \
        .name = NAME "(", .kind = FL_KIND_##KIND, .offset = offsetof(struct flow, MEMBER) \
    }
#define ELSEWHERE(NAME)                        \
    {                                          \
        .name = NAME "(", .read = read_nothing \
    }

/* Known to libopenvswitch only. */
static bool read_nothing(struct reading *r OVS_UNUSED, struct fl_cursor *c OVS_UNUSED)
{
    return false;
}

static const struct attribute attributes[] = {
    SINGLE("skb_priority", U32, skb_priority),
    SINGLE("skb_mark", U32, pkt_mark),
    SPECIAL("ct_state", read_ct_state),
    SINGLE("ct_zone", U16, ct_zone),
    SINGLE("ct_mark", U32, ct_mark),
    SPECIAL("ct_label", read_ct_label),
    SINGLE("recirc_id", U32, recirc_id),
    SINGLE("dp_hash", U32, dp_hash),
    SPECIAL("in_port", read_in_port),
    SPECIAL("packet_type", read_packet_type),
    FIELDS("eth", eth_fields),
    SPECIAL("eth_type", read_eth_type),
    FIELDS_OF("ipv4", ipv4_fields, ETH_TYPE_IP),
    FIELDS("tcp", port_fields),
    FIELDS("udp", port_fields),
    SPECIAL("tcp_flags", read_tcp_flags),
    SPECIAL("vlan", read_vlan),
    SPECIAL("encap", read_encap),
    SPECIAL("tunnel", read_tunnel),
    FIELDS_OF("ipv6", ipv6_fields, ETH_TYPE_IPV6),
    FIELDS_OF("arp", arp_fields, ETH_TYPE_ARP),
    FIELDS("icmp", icmp_fields),
    FIELDS_OF("icmpv6", icmp_fields, ETH_TYPE_IPV6),
    FIELDS_OF("nd", nd_fields, ETH_TYPE_IPV6),
    FIELDS_OF("nd_ext", nd_ext_fields, ETH_TYPE_IPV6),
    FIELDS("sctp", port_fields),
    FIELDS("ct_tuple4", ct_tuple4_fields),
    FIELDS("ct_tuple6", ct_tuple6_fields),
    SPECIAL("mpls", read_mpls),
    ELSEWHERE("nsh"),
};

static const struct attribute *find_attribute(struct fl_cursor *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (fl_scan_word(c, attributes[i].name))
            return &attributes[i];
    }
    return NULL;
}

bool fl_is_match_attr(struct fl_text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        size_t n = strlen(attributes[i].name) - 1;

        if (name.n == n && !memcmp(name.s, attributes[i].name, n))
            return true;
    }
    return false;
}

bool fl_is_match_attr_begin(struct fl_text begin)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (begin.n > 0 && !strncmp(attributes[i].name, begin.s, begin.n))
            return true;
    }
    return false;
}

/* "key32(00 00/00 00)": an attribute of a newer kernel, of which nothing is matched. */
static bool skip_wild_attribute(struct fl_cursor *c)
{
    struct fl_cursor at = *c;
    const char *mask;
    uint64_t type;

    if (!fl_scan_word(&at, "key") || !fl_scan_decimal(&at, &type) || !fl_scan_char(&at, '('))
        return false;
    while (at.p < at.end && (*at.p == ' ' || hexit_value((unsigned char)*at.p) >= 0))
        at.p++;
    if (!fl_scan_char(&at, '/'))
        return false;
    for (mask = at.p; at.p < at.end && (*at.p == ' ' || *at.p == '0');)
        at.p++;
    if (at.p == mask || !fl_scan_char(&at, ')'))
        return false;
    *c = at;
    return true;
}

static bool read_attribute(struct reading *r, struct fl_cursor *c)
{
    const struct attribute *attribute = find_attribute(c);
    bool ok;

    if (!attribute)
        return skip_wild_attribute(c);
    if (attribute->fields)
        ok = fl_read_fields(r->match, attribute->fields, c);
    else if (attribute->read)
        ok = attribute->read(r, c);
    else
        ok = read_single(r, attribute->kind, attribute->offset, c);
    if (ok && attribute->implies)
        r->implied_type = htons(attribute->implies);
    return ok;
}

/* "encap(ATTRIBUTE,...)" is what is behind the tag that was just told. */
static bool read_encap(struct reading *r, struct fl_cursor *c)
{
    if (r->vlans >= MAX_ENCAP)
        return false;
    r->vlans++;
    if (fl_scan_char(c, ')'))
        return true;
    do {
        if (!read_attribute(r, c))
            return false;
    } while (fl_scan_comma(c));
    return fl_scan_char(c, ')');
}

/* What is told by an attribute being there, or not being there. */
static void finish(struct reading *r)
{
    struct flow *flow = &r->match->flow;
    struct flow *mask = &r->match->wc.masks;

    if (!r->eth_type_printed && r->implied_type && !mask->dl_type) {
        flow->dl_type = r->implied_type;
        mask->dl_type = OVS_BE16_MAX;
    }
    /* A type that is not 802.1Q: no tag. Without a type nothing is known of tags. */
    if (r->eth_type_printed && !mask->vlans[0].tpid) {
        mask->vlans[0].tpid = OVS_BE16_MAX;
        mask->vlans[0].tci = OVS_BE16_MAX;
    }
}

static bool is_named(struct fl_text attr, const char *name)
{
    return fl_text_starts(attr, name);
}

bool fl_match_read(const struct fl_match_text *text, struct fl_ports *ports, bool lenient,
                   struct match *match, struct fl_match_result *result)
{
    struct reading r = { .match = match, .ports = ports };

    memset(match, 0, sizeof *match);
    *result = (struct fl_match_result){ .refused.n = 0 };
    for (size_t i = 0; i < text->n_attrs; i++) {
        struct fl_text attr = text->attrs[i];
        struct fl_cursor c = { attr.s, attr.s + attr.n };

        if (read_attribute(&r, &c) && c.p == c.end) {
            result->has_in_port |= is_named(attr, "in_port(");
            result->has_recirc_id |= is_named(attr, "recirc_id(");
        } else {
            if (!result->refused.n)
                result->refused = attr;
            if (!lenient)
                return false;
        }
    }
    finish(&r);
    return result->refused.n == 0;
}
