/* SPDX-License-Identifier: Apache-2.0 */

/* See passage_rewrite.h. */

#include "flows/passage_rewrite.h"

#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

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

void fl_passage_rewrite(struct fl_passage *passage, const struct nlattr *action)
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

void fl_passage_forget_hash(struct fl_passage *passage)
{
    RENEW_FIELD(passage, dp_hash);
}
