/* SPDX-License-Identifier: Apache-2.0 */

/* The match of a rule; its actions are in rte_rule_actions.c. See rte_rule.h. */

#include "flows/rte_rule.h"

#include <errno.h>
#include <netinet/in.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/rte_rule_internal.h"

/* Source: DPDK 22.11 rte_ip.h. */
#define IPV4_OFFSET_MASK 0x1fffu
#define IPV4_MORE        0x2000u
#define IPV6_FRAG_MORE   0x0001u
#define IPV6_FRAG_OFFSET 0xfff8u
#define IPV6_TC_SHIFT    20

void fl_rte_put_hex(struct ds *text, const void *bytes_, size_t n)
{
    const uint8_t *bytes = bytes_;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(text, "%02x", bytes[i]);
    }
}

/* " NAME=VALUE[/MASK]"; nothing if no bit counts. */
static void put_field(struct ds *text, const char *name, const void *value, const void *mask,
                      size_t n)
{
    if (is_all_zeros(mask, n)) {
        return;
    }
    ds_put_format(text, " %s=", name);
    fl_rte_put_hex(text, value, n);
    if (!is_all_ones(mask, n)) {
        ds_put_char(text, '/');
        fl_rte_put_hex(text, mask, n);
    }
}
#define PUT_FIELD(TEXT, NAME, VALUE, MASK) put_field(TEXT, NAME, &(VALUE), &(MASK), sizeof(VALUE))

/* Behind the first item a "/". */
static void put_item(struct ds *text, const char *name, bool *is_first)
{
    ds_put_format(text, "%s%s", *is_first ? " " : " / ", name);
    *is_first = false;
}

/* With a tag, the type in the Ethernet item is the tag's, and that of the packet stands in the VLAN item. */
static void put_eth(struct ds *text, const struct flow *flow, struct flow *mask, bool *is_first)
{
    bool has_item = mask->dl_type || !eth_addr_is_zero(mask->dl_src) ||
                    !eth_addr_is_zero(mask->dl_dst);
    bool has_vlan = mask->vlans[0].tci && flow->vlans[0].tci;

    if (has_item) {
        put_item(text, "eth", is_first);
        PUT_FIELD(text, "dst", flow->dl_dst, mask->dl_dst);
        PUT_FIELD(text, "src", flow->dl_src, mask->dl_src);
        if (has_vlan) {
            PUT_FIELD(text, "type", flow->vlans[0].tpid, mask->vlans[0].tpid);
        } else {
            PUT_FIELD(text, "type", flow->dl_type, mask->dl_type);
        }
        ds_put_format(text, " has_vlan=%d", has_vlan);
    }
    if (has_vlan) {
        ovs_be16 tci = flow->vlans[0].tci & ~htons(VLAN_CFI);
        ovs_be16 tci_mask = mask->vlans[0].tci & ~htons(VLAN_CFI);

        put_item(text, "vlan", is_first);
        PUT_FIELD(text, "tci", tci, tci_mask);
        if (has_item) {
            PUT_FIELD(text, "inner_type", flow->dl_type, mask->dl_type);
        }
    }
    memset(&mask->vlans[0], 0, sizeof mask->vlans[0]);
    memset(&mask->dl_dst, 0, sizeof mask->dl_dst);
    memset(&mask->dl_src, 0, sizeof mask->dl_src);
    mask->dl_type = 0;
}

static int put_ipv4(struct ds *text, const struct flow *flow, struct flow *mask, bool *is_first,
                    struct fl_error *err)
{
    bool is_fragment = flow->nw_frag & FLOW_NW_FRAG_ANY;

    put_item(text, "ipv4", is_first);
    PUT_FIELD(text, "src", flow->nw_src, mask->nw_src);
    PUT_FIELD(text, "dst", flow->nw_dst, mask->nw_dst);
    PUT_FIELD(text, "proto", flow->nw_proto, mask->nw_proto);
    PUT_FIELD(text, "tos", flow->nw_tos, mask->nw_tos);
    PUT_FIELD(text, "ttl", flow->nw_ttl, mask->nw_ttl);
    if (mask->nw_frag & FLOW_NW_FRAG_ANY) {
        if (!is_fragment) {
            ds_put_format(text, " frag=0000/%04x", IPV4_OFFSET_MASK | IPV4_MORE);
        } else if (!(mask->nw_frag & FLOW_NW_FRAG_LATER)) {
            return fl_error_set(err, -EOPNOTSUPP, "OVS does not offer a match on any fragment");
        } else if (!(flow->nw_frag & FLOW_NW_FRAG_LATER)) {
            ds_put_format(text, " frag=%04x/%04x", IPV4_MORE, IPV4_OFFSET_MASK | IPV4_MORE);
        } else {
            ds_put_format(text, " frag=0001/%04x-%04x", IPV4_OFFSET_MASK, IPV4_OFFSET_MASK);
        }
        mask->nw_frag = 0;
    }
    mask->nw_tos = 0;
    mask->nw_ttl = 0;
    mask->nw_proto = 0;
    mask->nw_src = 0;
    mask->nw_dst = 0;
    return 0;
}

static void put_ipv6_fragment(struct ds *text, const struct flow *flow, const struct flow *mask,
                              bool *is_first)
{
    put_item(text, "ipv6_frag_ext", is_first);
    if (flow->nw_frag & FLOW_NW_FRAG_LATER) {
        ds_put_format(text, " frag_data=0008/%04x-%04x", IPV6_FRAG_OFFSET, IPV6_FRAG_OFFSET);
    } else {
        ds_put_format(text, " frag_data=%04x/%04x", IPV6_FRAG_MORE,
                      IPV6_FRAG_MORE | IPV6_FRAG_OFFSET);
        PUT_FIELD(text, "next_hdr", flow->nw_proto, mask->nw_proto);
    }
}

static int put_ipv6(struct ds *text, const struct flow *flow, struct flow *mask, bool *is_first,
                    struct fl_error *err)
{
    bool is_fragment = flow->nw_frag & mask->nw_frag & FLOW_NW_FRAG_ANY;
    ovs_be32 class = htonl((uint32_t)flow->nw_tos << IPV6_TC_SHIFT);
    ovs_be32 class_mask = htonl((uint32_t)mask->nw_tos << IPV6_TC_SHIFT);

    put_item(text, "ipv6", is_first);
    PUT_FIELD(text, "src", flow->ipv6_src, mask->ipv6_src);
    PUT_FIELD(text, "dst", flow->ipv6_dst, mask->ipv6_dst);
    if (!is_fragment) {
        PUT_FIELD(text, "proto", flow->nw_proto, mask->nw_proto);
    }
    PUT_FIELD(text, "hop", flow->nw_ttl, mask->nw_ttl);
    PUT_FIELD(text, "vtc", class, class_mask);
    if (mask->nw_frag) {
        ds_put_format(text, " has_frag_ext=%d", is_fragment);
    }
    if (is_fragment) {
        if (!(mask->nw_frag & FLOW_NW_FRAG_LATER)) {
            return fl_error_set(err, -EOPNOTSUPP, "OVS does not offer a match on any fragment");
        }
        put_ipv6_fragment(text, flow, mask, is_first);
    }
    memset(&mask->ipv6_src, 0, sizeof mask->ipv6_src);
    memset(&mask->ipv6_dst, 0, sizeof mask->ipv6_dst);
    mask->nw_tos = 0;
    mask->nw_ttl = 0;
    mask->nw_frag = 0;
    mask->nw_proto = 0;
    return 0;
}

static void put_icmp(struct ds *text, const struct flow *flow, const struct flow *mask)
{
    uint8_t type = (uint8_t)ntohs(flow->tp_src), type_mask = (uint8_t)ntohs(mask->tp_src);
    uint8_t code = (uint8_t)ntohs(flow->tp_dst), code_mask = (uint8_t)ntohs(mask->tp_dst);

    PUT_FIELD(text, "type", type, type_mask);
    PUT_FIELD(text, "code", code, code_mask);
}

static void put_tcp_flags(struct ds *text, const struct flow *flow, struct flow *mask)
{
    uint8_t high = (uint8_t)(ntohs(flow->tcp_flags) >> 8), low = (uint8_t)ntohs(flow->tcp_flags);
    uint8_t high_mask = (uint8_t)(ntohs(mask->tcp_flags) >> 8);
    uint8_t low_mask = (uint8_t)ntohs(mask->tcp_flags);

    PUT_FIELD(text, "data_off", high, high_mask);
    PUT_FIELD(text, "flags", low, low_mask);
    mask->tcp_flags = 0;
}

/* What is not of these protocols and has ports stays in @mask, and keeps OVS from offering it. */
static void put_transport(struct ds *text, const struct flow *flow, struct flow *mask,
                          uint8_t proto, bool *is_first)
{
    const char *name = proto == IPPROTO_TCP    ? "tcp"
                       : proto == IPPROTO_UDP  ? "udp"
                       : proto == IPPROTO_SCTP ? "sctp"
                       : proto == IPPROTO_ICMP ? "icmp"
                                               : NULL;

    if (!name) {
        return;
    }
    put_item(text, name, is_first);
    if (proto == IPPROTO_ICMP) {
        put_icmp(text, flow, mask);
    } else {
        PUT_FIELD(text, "src", flow->tp_src, mask->tp_src);
        PUT_FIELD(text, "dst", flow->tp_dst, mask->tp_dst);
    }
    if (proto == IPPROTO_TCP) {
        put_tcp_flags(text, flow, mask);
    }
    mask->tp_src = 0;
    mask->tp_dst = 0;
}

/* Fields are taken out of the mask one by one: what is left is what OVS does not offer. */
static int put_pattern(struct ds *text, struct match *match, struct fl_error *err)
{
    const struct flow *flow = &match->flow;
    struct flow *mask = &match->wc.masks;
    uint8_t proto = flow->nw_proto & mask->nw_proto;
    bool is_first = true;
    int error = 0;

    ds_put_cstr(text, "pattern");
    mask->in_port.odp_port = 0;
    mask->packet_type = 0;
    mask->recirc_id &= flow->recirc_id;
    put_eth(text, flow, mask, &is_first);
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        error = put_ipv4(text, flow, mask, &is_first, err);
    } else if (flow->dl_type == htons(ETH_TYPE_IPV6)) {
        error = put_ipv6(text, flow, mask, &is_first, err);
    } else {
        proto = 0;
    }
    put_transport(text, flow, mask, proto, &is_first);
    if (!error && !is_all_zeros(mask, sizeof *mask)) {
        error = fl_error_set(err, -EOPNOTSUPP,
                             "OVS does not offer this match (recirculation, conntrack, ARP fields, "
                             "registers, a second tag)");
    }
    return error;
}

/* Source: OVS 3.3 lib/netdev-offload-dpdk.c, add_represented_port_action(). */
enum fl_rte_rule_kind fl_rte_kind_of(const char *ovs_version)
{
    unsigned int major, minor;

    return ovs_version && sscanf(ovs_version, "%u.%u", &major, &minor) == 2 &&
                   (major > 3 || (major == 3 && minor >= 3))
               ? FL_RTE_FORWARDS_REPRESENTED
               : FL_RTE_FORWARDS;
}

int fl_rte_rule_format(const struct fl_flow *flow, enum fl_rte_rule_kind kind, fl_rte_port *port_of,
                       void *aux, struct ds *text, struct fl_error *err)
{
    size_t length = text->length;
    struct match match;
    int error;

    if (!flow->has_match || flow->match_partial || !flow->has_actions) {
        return fl_error_set(err, -EINVAL, "the flow is not legible as a whole");
    }
    minimatch_expand(&flow->match, &match);
    if (flow_tnl_dst_is_set(&match.flow.tunnel)) {
        return fl_error_set(err, -EPROTONOSUPPORT,
                            "what OVS offers for a tunnel's packets is the driver's own");
    }
    memset(&match.wc.masks.tunnel, 0, sizeof match.wc.masks.tunnel);
    ds_put_cstr(text, kind == FL_RTE_MARKS ? "ingress " : "transfer ");
    error = put_pattern(text, &match, err);
    if (!error && kind == FL_RTE_MARKS) {
        ds_put_cstr(text, " actions mark id=1 / rss");
    } else if (!error) {
        error = fl_rte_put_actions(text, flow, kind, port_of, aux, err);
    }
    if (error) {
        ds_truncate(text, length);
    }
    return error;
}
