/* SPDX-License-Identifier: Apache-2.0 */
/* Source: OVS 3.1 lib/flow.c, parse_ofp_exact_flow() of ofproto/trace takes names of OpenFlow fields. */
#include "lib/packet.h"

#include <inttypes.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

/* Word of the protocol, and the name of its ports' fields; of ICMP those of type and code. */
struct protocol {
    uint16_t dl_type;
    uint8_t nw_proto;
    const char *word, *src, *dst;
};

static const struct protocol protocols[] = {
    /* "tp_src" is taken for TCP's alone. */
    { ETH_TYPE_IP, IPPROTO_TCP, "tcp", "tp_src", "tp_dst" },
    { ETH_TYPE_IP, IPPROTO_UDP, "udp", "udp_src", "udp_dst" },
    { ETH_TYPE_IP, IPPROTO_SCTP, "sctp", "sctp_src", "sctp_dst" },
    { ETH_TYPE_IP, IPPROTO_ICMP, "icmp", "icmp_type", "icmp_code" },
    { ETH_TYPE_IPV6, IPPROTO_TCP, "tcp6", "tp_src", "tp_dst" },
    { ETH_TYPE_IPV6, IPPROTO_UDP, "udp6", "udp_src", "udp_dst" },
    { ETH_TYPE_IPV6, IPPROTO_SCTP, "sctp6", "sctp_src", "sctp_dst" },
    { ETH_TYPE_IPV6, IPPROTO_ICMPV6, "icmp6", "icmpv6_type", "icmpv6_code" },
};

static const struct protocol *protocol_of(const struct flow *packet)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (packet->dl_type == htons(protocols[i].dl_type) &&
            packet->nw_proto == protocols[i].nw_proto) {
            return &protocols[i];
        }
    }
    return NULL;
}

static void put_ends(struct ds *text, const struct flow *packet)
{
    if (packet->dl_type == htons(ETH_TYPE_IPV6)) {
        ds_put_cstr(text, ",ipv6_src=");
        ipv6_format_addr(&packet->ipv6_src, text);
        ds_put_cstr(text, ",ipv6_dst=");
        ipv6_format_addr(&packet->ipv6_dst, text);
    } else {
        ds_put_format(text, ",nw_src=" IP_FMT ",nw_dst=" IP_FMT, IP_ARGS(packet->nw_src),
                      IP_ARGS(packet->nw_dst));
    }
}

static void put_ip(struct ds *text, const struct flow *packet)
{
    ds_put_format(text, ",nw_tos=%d,nw_ttl=%d", packet->nw_tos & IP_DSCP_MASK, packet->nw_ttl);
    if (packet->nw_tos & IP_ECN_MASK) {
        ds_put_format(text, ",nw_ecn=%d", packet->nw_tos & IP_ECN_MASK);
    }
    if (packet->nw_frag) {
        ds_put_format(text, ",nw_frag=%s",
                      packet->nw_frag & FLOW_NW_FRAG_LATER ? "later" : "first");
    }
}

char *fl_packet_text(const struct flow *packet, unsigned int guard_reg, uint32_t guard_mask)
{
    const struct protocol *protocol = protocol_of(packet);
    struct ds text = DS_EMPTY_INITIALIZER;

    if (!protocol || packet->vlans[1].tci) {
        return NULL;
    }
    ds_put_format(&text, "in_port=%" PRIu32 ",%s,dl_src=" ETH_ADDR_FMT ",dl_dst=" ETH_ADDR_FMT,
                  ofp_to_u16(packet->in_port.ofp_port), protocol->word,
                  ETH_ADDR_ARGS(packet->dl_src), ETH_ADDR_ARGS(packet->dl_dst));
    if (packet->vlans[0].tci & htons(VLAN_CFI)) {
        ds_put_format(&text, ",dl_vlan=%d,dl_vlan_pcp=%d", vlan_tci_to_vid(packet->vlans[0].tci),
                      vlan_tci_to_pcp(packet->vlans[0].tci));
    }
    put_ends(&text, packet);
    put_ip(&text, packet);
    if (!(packet->nw_frag & FLOW_NW_FRAG_LATER)) {
        ds_put_format(&text, ",%s=%d,%s=%d", protocol->src, ntohs(packet->tp_src), protocol->dst,
                      ntohs(packet->tp_dst));
        if (packet->nw_proto == IPPROTO_TCP && packet->tcp_flags) {
            ds_put_format(&text, ",tcp_flags=0x%x", ntohs(packet->tcp_flags));
        }
    }
    if (packet->pkt_mark) {
        ds_put_format(&text, ",pkt_mark=0x%" PRIx32, packet->pkt_mark);
    }
    if (guard_mask) {
        ds_put_format(&text, ",reg%u=0x%" PRIx32, guard_reg, guard_mask);
    }
    return ds_steal_cstr(&text);
}
