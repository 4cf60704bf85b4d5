// SPDX-License-Identifier: GPL-2.0
#include "key.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/flow_dissector.h>
#include <net/ip.h>
#include <net/ipv6.h>

#define MAX_IPV6_HEADERS 6
#define TCP_FLAGS_MASK   0x0fff

struct ethernet_arp {
    struct arphdr header;
    u8 sha[ETH_ALEN];
    u8 sip[4];
    u8 tha[ETH_ALEN];
    u8 tip[4];
} __packed;

static void read_l4(const struct sk_buff *skb, int offset, struct flownic_key *key)
{
    const struct tcphdr *tcp;
    const __be16 *ports;
    const u8 *icmp;
    struct tcphdr buffer;

    switch (key->ip_proto) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        ports = skb_header_pointer(skb, offset, 4, &buffer);
        if (ports) {
            key->l4_src = ports[0];
            key->l4_dst = ports[1];
        }
        if (key->ip_proto != IPPROTO_TCP) {
            break;
        }
        tcp = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
        if (tcp) {
            key->tcp_flags = ((const __be16 *)tcp)[6] & htons(TCP_FLAGS_MASK);
        }
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        icmp = skb_header_pointer(skb, offset, 2, &buffer);
        if (icmp) {
            key->icmp_type = icmp[0];
            key->icmp_code = icmp[1];
        }
        break;
    }
}

/* Return: where the transport header begins; 0 if there is none. */
static int read_ipv4(const struct sk_buff *skb, int offset, struct flownic_key *key)
{
    struct iphdr buffer;
    const struct iphdr *ip = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);

    if (!ip || ip->ihl < 5) {
        return 0;
    }
    key->src.s6_addr32[0] = ip->saddr;
    key->dst.s6_addr32[0] = ip->daddr;
    key->ip_proto = ip->protocol;
    key->tos = ip->tos;
    key->ttl = ip->ttl;
    if (ip_is_fragment(ip)) {
        key->frag = FLOW_DIS_IS_FRAGMENT;
        if (ip->frag_off & htons(IP_OFFSET)) {
            return 0;
        }
        key->frag |= FLOW_DIS_FIRST_FRAG;
    }
    return offset + ip->ihl * 4;
}

/* Return: where the transport header begins; 0 if there is none. */
static int skip_ipv6_headers(const struct sk_buff *skb, int offset, u8 next,
                             struct flownic_key *key)
{
    int left;

    for (left = MAX_IPV6_HEADERS; left; left--) {
        struct frag_hdr buffer;
        const struct frag_hdr *header;

        if (next != NEXTHDR_HOP && next != NEXTHDR_ROUTING && next != NEXTHDR_DEST &&
            next != NEXTHDR_FRAGMENT) {
            key->ip_proto = next;
            return offset;
        }
        header = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
        if (!header) {
            return 0;
        }
        if (next == NEXTHDR_FRAGMENT) {
            key->frag = FLOW_DIS_IS_FRAGMENT;
            if (header->frag_off & htons(IP6_OFFSET)) {
                key->ip_proto = header->nexthdr;
                return 0;
            }
            key->frag |= FLOW_DIS_FIRST_FRAG;
            offset += sizeof(*header);
        } else {
            offset += ipv6_optlen((const struct ipv6_opt_hdr *)header);
        }
        next = header->nexthdr;
    }
    return 0;
}

static int read_ipv6(const struct sk_buff *skb, int offset, struct flownic_key *key)
{
    struct ipv6hdr buffer;
    const struct ipv6hdr *ip = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);

    if (!ip) {
        return 0;
    }
    key->src = ip->saddr;
    key->dst = ip->daddr;
    key->tos = ipv6_get_dsfield(ip);
    key->ttl = ip->hop_limit;
    return skip_ipv6_headers(skb, offset + sizeof(*ip), ip->nexthdr, key);
}

static void read_arp(const struct sk_buff *skb, int offset, struct flownic_key *key)
{
    struct ethernet_arp buffer;
    const struct ethernet_arp *arp = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);

    if (!arp || arp->header.ar_hln != ETH_ALEN || arp->header.ar_pln != 4) {
        return;
    }
    key->ip_proto = (u8)ntohs(arp->header.ar_op);
    memcpy(&key->src, arp->sip, 4);
    memcpy(&key->dst, arp->tip, 4);
    memcpy(key->arp_sha, arp->sha, ETH_ALEN);
    memcpy(key->arp_tha, arp->tha, ETH_ALEN);
}

static void add_vlan(struct flownic_key *key, __be16 tpid, u16 tci)
{
    if (!key->vlan_tpid) {
        key->vlan_tpid = tpid;
        key->vlan_vid = tci & VLAN_VID_MASK;
        key->vlan_pcp = tci >> VLAN_PRIO_SHIFT;
    } else {
        key->cvlan_tpid = tpid;
        key->cvlan_vid = tci & VLAN_VID_MASK;
        key->cvlan_pcp = tci >> VLAN_PRIO_SHIFT;
    }
}

/* The outer tag may stand beside the frame, where offloads put it. */
static int read_vlans(const struct sk_buff *skb, struct flownic_key *key)
{
    int offset = ETH_HLEN;

    if (skb_vlan_tag_present(skb)) {
        add_vlan(key, skb->vlan_proto, skb_vlan_tag_get(skb));
    }
    while (eth_type_vlan(key->eth_type) && !key->cvlan_tpid) {
        struct vlan_hdr buffer;
        const struct vlan_hdr *tag = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);

        if (!tag) {
            break;
        }
        add_vlan(key, key->eth_type, ntohs(tag->h_vlan_TCI));
        key->eth_type = tag->h_vlan_encapsulated_proto;
        offset += VLAN_HLEN;
    }
    return offset;
}

void flownic_key_read(const struct sk_buff *skb, struct flownic_key *key,
                      struct flownic_layers *layers)
{
    struct ethhdr buffer;
    const struct ethhdr *eth = skb_header_pointer(skb, 0, sizeof(buffer), &buffer);
    struct flownic_layers found = { 0 };

    memset(key, 0, sizeof(*key));
    if (eth) {
        memcpy(key->eth_dst, eth->h_dest, ETH_ALEN);
        memcpy(key->eth_src, eth->h_source, ETH_ALEN);
        key->eth_type = eth->h_proto;
        found.network = read_vlans(skb, key);
        switch (ntohs(key->eth_type)) {
        case ETH_P_IP: found.transport = read_ipv4(skb, found.network, key); break;
        case ETH_P_IPV6: found.transport = read_ipv6(skb, found.network, key); break;
        case ETH_P_ARP: read_arp(skb, found.network, key); break;
        }
    }
    if (found.transport) {
        read_l4(skb, found.transport, key);
    }
    if (layers) {
        *layers = found;
    }
}

void flownic_key_push_vlan(struct flownic_key *key, __be16 tpid, u16 vid, u8 pcp)
{
    key->cvlan_tpid = key->vlan_tpid;
    key->cvlan_vid = key->vlan_vid;
    key->cvlan_pcp = key->vlan_pcp;
    flownic_key_set_vlan(key, tpid, vid, pcp);
}

void flownic_key_set_vlan(struct flownic_key *key, __be16 tpid, u16 vid, u8 pcp)
{
    key->vlan_tpid = tpid;
    key->vlan_vid = vid;
    key->vlan_pcp = pcp;
}

void flownic_key_pop_vlan(struct flownic_key *key)
{
    key->vlan_tpid = key->cvlan_tpid;
    key->vlan_vid = key->cvlan_vid;
    key->vlan_pcp = key->cvlan_pcp;
    key->cvlan_tpid = 0;
    key->cvlan_vid = 0;
    key->cvlan_pcp = 0;
}
