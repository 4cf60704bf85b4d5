/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/flow.h>
#include <ovs/packets.h>

/* What a packet has where neither the rule nor the observed chain says anything. */
#define PLAIN_CLIENT_PORT 1000
#define PLAIN_TTL         64

static const struct eth_addr plain_mac = ETH_ADDR_C(02, 00, 00, 00, f1, 01);

/* Bits of @value where @mask has them, of @fill elsewhere; any struct, byte by byte. */
static void overlay(void *to, const void *value, const void *mask, const void *fill, size_t n)
{
    uint8_t *t = to;
    const uint8_t *v = value, *m = mask, *f = fill;

    for (size_t i = 0; i < n; i++) {
        t[i] = (uint8_t)((v[i] & m[i]) | (f[i] & ~m[i]));
    }
}

static void plain_packet(const struct match *rule, struct flow *packet)
{
    memset(packet, 0, sizeof *packet);
    packet->dl_src = plain_mac;
    packet->dl_dst = plain_mac;
    packet->nw_ttl = PLAIN_TTL;
    packet->tp_src = htons(PLAIN_CLIENT_PORT);
    packet->tp_dst = htons(PLAIN_CLIENT_PORT);
    if (rule->flow.nw_proto == IPPROTO_TCP) {
        packet->tcp_flags = htons(TCP_ACK);
    }
}

#define OVERLAY(FIELD)                                                                  \
    overlay(&packet->FIELD, &match->flow.FIELD, &match->wc.masks.FIELD, &packet->FIELD, \
            sizeof packet->FIELD)

static void put_on(const struct match *match, struct flow *packet)
{
    OVERLAY(dl_src);
    OVERLAY(dl_dst);
    OVERLAY(dl_type);
    OVERLAY(vlans[0].tci);
    OVERLAY(nw_src);
    OVERLAY(nw_dst);
    OVERLAY(ipv6_src);
    OVERLAY(ipv6_dst);
    OVERLAY(nw_proto);
    OVERLAY(nw_tos);
    OVERLAY(nw_ttl);
    OVERLAY(tp_src);
    OVERLAY(tp_dst);
    OVERLAY(tcp_flags);
}

void fl_packet_draw(const struct match *rule, const struct match *observed, struct flow *packet)
{
    plain_packet(rule, packet);
    if (observed) {
        put_on(observed, packet);
    }
    put_on(rule, packet);
    packet->in_port.ofp_port = rule->flow.in_port.ofp_port;
}

/* All bits that @mask leaves wild become ones or zeros. Nothing happens to a wholly wild field. */
static void fill_wild(void *field, const void *mask, size_t n, bool ones)
{
    uint8_t *f = field;
    const uint8_t *m = mask;
    bool tested = false;

    for (size_t i = 0; i < n; i++) {
        tested = tested || m[i];
    }
    for (size_t i = 0; tested && i < n; i++) {
        f[i] = (uint8_t)(ones ? f[i] | ~m[i] : f[i] & m[i]);
    }
}

void fl_packet_edge(const struct match *rule, enum fl_edge edge, struct flow *packet)
{
    const struct flow *m = &rule->wc.masks;
    bool ones = edge == FL_EDGE_HIGHEST;
    ovs_be16 port = htons(ones ? UINT16_MAX : 1);

    fill_wild(&packet->nw_src, &m->nw_src, sizeof m->nw_src, ones);
    fill_wild(&packet->nw_dst, &m->nw_dst, sizeof m->nw_dst, ones);
    fill_wild(&packet->ipv6_src, &m->ipv6_src, sizeof m->ipv6_src, ones);
    fill_wild(&packet->ipv6_dst, &m->ipv6_dst, sizeof m->ipv6_dst, ones);
    if (!m->tp_src) {
        packet->tp_src = port;
    }
    if (!m->tp_dst) {
        packet->tp_dst = port;
    }
}

static const char *protocol_word(const struct flow *packet)
{
    bool ipv6 = packet->dl_type == htons(ETH_TYPE_IPV6);

    return packet->nw_proto == IPPROTO_TCP ? (ipv6 ? "tcp6" : "tcp") : (ipv6 ? "udp6" : "udp");
}

char *fl_packet_text(const struct flow *packet, unsigned int guard_reg, uint32_t guard_mask)
{
    const char *l4 = packet->nw_proto == IPPROTO_TCP ? "tp" : "udp";
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text, "in_port=%" PRIu16 ",%s,dl_src=" ETH_ADDR_FMT ",dl_dst=" ETH_ADDR_FMT,
                  ofp_to_u16(packet->in_port.ofp_port), protocol_word(packet),
                  ETH_ADDR_ARGS(packet->dl_src), ETH_ADDR_ARGS(packet->dl_dst));
    if (packet->vlans[0].tci & htons(VLAN_CFI)) {
        ds_put_format(&text, ",dl_vlan=%d,dl_vlan_pcp=%d", vlan_tci_to_vid(packet->vlans[0].tci),
                      vlan_tci_to_pcp(packet->vlans[0].tci));
    }
    if (packet->dl_type == htons(ETH_TYPE_IPV6)) {
        ds_put_cstr(&text, ",ipv6_src=");
        ipv6_format_addr(&packet->ipv6_src, &text);
        ds_put_cstr(&text, ",ipv6_dst=");
        ipv6_format_addr(&packet->ipv6_dst, &text);
    } else {
        ds_put_format(&text, ",nw_src=" IP_FMT ",nw_dst=" IP_FMT, IP_ARGS(packet->nw_src),
                      IP_ARGS(packet->nw_dst));
    }
    /* ofproto/trace takes "tp_src" for TCP's alone. */
    ds_put_format(&text, ",nw_tos=%d,nw_ttl=%d,%s_src=%d,%s_dst=%d", packet->nw_tos & IP_DSCP_MASK,
                  packet->nw_ttl, l4, ntohs(packet->tp_src), l4, ntohs(packet->tp_dst));
    if (packet->nw_proto == IPPROTO_TCP && packet->tcp_flags) {
        ds_put_format(&text, ",tcp_flags=0x%x", ntohs(packet->tcp_flags));
    }
    if (guard_mask) {
        ds_put_format(&text, ",reg%u=0x%" PRIx32, guard_reg, guard_mask);
    }
    return ds_steal_cstr(&text);
}
