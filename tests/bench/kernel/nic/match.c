// SPDX-License-Identifier: GPL-2.0
/* What TC wants matched, as key and mask. */
#include <linux/if_vlan.h>
#include <net/flow_dissector.h>
#include <uapi/linux/pkt_cls.h>

#include "faults.h"
#include "nic.h"
#include "rule.h"

#define KEY(NAME)   BIT(FLOW_DISSECTOR_KEY_##NAME)
#define UNSUPPORTED "Unsupported key"

/* cls_flower announces IPV4_ADDRS and IPV6_ADDRS together; which it is, CONTROL says. */
static const u32 known_keys = KEY(CONTROL) | KEY(BASIC) | KEY(META) | KEY(ETH_ADDRS) | KEY(VLAN) |
                              KEY(CVLAN) | KEY(IPV4_ADDRS) | KEY(IPV6_ADDRS) | KEY(IP) |
                              KEY(PORTS) | KEY(TCP) | KEY(ICMP) | KEY(ARP) | KEY(CT);

/* Of connections that hardware does not know. */
static const u16 software_ct_states = TCA_FLOWER_KEY_CT_FLAGS_NEW |
                                      TCA_FLOWER_KEY_CT_FLAGS_RELATED |
                                      TCA_FLOWER_KEY_CT_FLAGS_INVALID;

static int refuse(const char **why, const char *text)
{
    *why = text;
    return -EOPNOTSUPP;
}

static void translate_vlan(struct flownic_key *key, const struct flow_dissector_key_vlan *vlan)
{
    key->vlan_tpid = vlan->vlan_tpid;
    key->vlan_vid = vlan->vlan_id;
    key->vlan_pcp = vlan->vlan_priority;
}

static void translate_cvlan(struct flownic_key *key, const struct flow_dissector_key_vlan *vlan)
{
    key->cvlan_tpid = vlan->vlan_tpid;
    key->cvlan_vid = vlan->vlan_id;
    key->cvlan_pcp = vlan->vlan_priority;
}

static bool names_vlan(struct flow_rule *asked)
{
    return flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_VLAN);
}

/*
 * A filter that says "protocol ip" and nothing of VLANs never sees a tagged frame in software,
 * nor one with a second tag if it names only the first: so it must be in hardware.
 */
static void match_vlans(struct flownic_rule *rule, struct flow_rule *asked, __be16 protocol)
{
    struct flow_match_vlan vlan;

    if (names_vlan(asked)) {
        flow_rule_match_vlan(asked, &vlan);
        translate_vlan(&rule->key, vlan.key);
        translate_vlan(&rule->mask, vlan.mask);
    } else if (protocol != htons(ETH_P_ALL)) {
        rule->key.vlan_tpid = eth_type_vlan(protocol) ? protocol : 0;
        rule->mask.vlan_tpid = htons(0xffff);
    }
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_CVLAN)) {
        flow_rule_match_cvlan(asked, &vlan);
        translate_cvlan(&rule->key, vlan.key);
        translate_cvlan(&rule->mask, vlan.mask);
    } else if (names_vlan(asked) && rule->mask.eth_type) {
        rule->mask.cvlan_tpid = htons(0xffff);
    }
}

static void match_ethernet(struct flownic_rule *rule, struct flow_rule *asked)
{
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_BASIC)) {
        struct flow_match_basic basic;

        flow_rule_match_basic(asked, &basic);
        rule->key.eth_type = basic.key->n_proto;
        rule->mask.eth_type = basic.mask->n_proto;
        rule->key.ip_proto = basic.key->ip_proto;
        rule->mask.ip_proto = basic.mask->ip_proto;
    }
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_ETH_ADDRS)) {
        struct flow_match_eth_addrs addresses;

        flow_rule_match_eth_addrs(asked, &addresses);
        memcpy(rule->key.eth_dst, addresses.key->dst, ETH_ALEN);
        memcpy(rule->key.eth_src, addresses.key->src, ETH_ALEN);
        memcpy(rule->mask.eth_dst, addresses.mask->dst, ETH_ALEN);
        memcpy(rule->mask.eth_src, addresses.mask->src, ETH_ALEN);
    }
}

static void match_ip_addresses(struct flownic_rule *rule, struct flow_rule *asked, u16 addr_type)
{
    if (addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS) {
        struct flow_match_ipv4_addrs addresses;

        flow_rule_match_ipv4_addrs(asked, &addresses);
        rule->key.src.s6_addr32[0] = addresses.key->src;
        rule->key.dst.s6_addr32[0] = addresses.key->dst;
        rule->mask.src.s6_addr32[0] = addresses.mask->src;
        rule->mask.dst.s6_addr32[0] = addresses.mask->dst;
    } else if (addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS) {
        struct flow_match_ipv6_addrs addresses;

        flow_rule_match_ipv6_addrs(asked, &addresses);
        rule->key.src = addresses.key->src;
        rule->key.dst = addresses.key->dst;
        rule->mask.src = addresses.mask->src;
        rule->mask.dst = addresses.mask->dst;
    }
}

static int match_ip(struct flownic_rule *rule, struct flow_rule *asked, const char **why)
{
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_CONTROL)) {
        struct flow_match_control control;

        flow_rule_match_control(asked, &control);
        if (control.mask->flags & ~(FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG)) {
            return refuse(why, KBUILD_MODNAME ": " UNSUPPORTED ": control flags");
        }
        rule->key.frag = (u8)control.key->flags;
        rule->mask.frag = (u8)control.mask->flags;
        match_ip_addresses(rule, asked, control.key->addr_type);
    }
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_IP)) {
        struct flow_match_ip ip;

        flow_rule_match_ip(asked, &ip);
        rule->key.tos = ip.key->tos;
        rule->mask.tos = ip.mask->tos;
        rule->key.ttl = ip.key->ttl;
        rule->mask.ttl = ip.mask->ttl;
    }
    return 0;
}

static void match_l4(struct flownic_rule *rule, struct flow_rule *asked)
{
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_PORTS)) {
        struct flow_match_ports ports;

        flow_rule_match_ports(asked, &ports);
        rule->key.l4_src = ports.key->src;
        rule->key.l4_dst = ports.key->dst;
        rule->mask.l4_src = ports.mask->src;
        rule->mask.l4_dst = ports.mask->dst;
    }
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_TCP)) {
        struct flow_match_tcp tcp;

        flow_rule_match_tcp(asked, &tcp);
        rule->key.tcp_flags = tcp.key->flags;
        rule->mask.tcp_flags = tcp.mask->flags;
    }
    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_ICMP)) {
        struct flow_match_icmp icmp;

        flow_rule_match_icmp(asked, &icmp);
        rule->key.icmp_type = icmp.key->type;
        rule->key.icmp_code = icmp.key->code;
        rule->mask.icmp_type = icmp.mask->type;
        rule->mask.icmp_code = icmp.mask->code;
    }
}

static void translate_arp(struct flownic_key *key, const struct flow_dissector_key_arp *arp)
{
    key->ip_proto = arp->op;
    memcpy(&key->src, &arp->sip, sizeof(arp->sip));
    memcpy(&key->dst, &arp->tip, sizeof(arp->tip));
    memcpy(key->arp_sha, arp->sha, ETH_ALEN);
    memcpy(key->arp_tha, arp->tha, ETH_ALEN);
}

/* No driver of Linux 6.1 matches on ARP, so there is no flow_rule_match_arp(). */
static void match_arp(struct flownic_rule *rule, struct flow_rule *asked)
{
    const struct flow_match *match = &asked->match;

    if (flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_ARP)) {
        translate_arp(&rule->key, skb_flow_dissector_target(match->dissector,
                                                            FLOW_DISSECTOR_KEY_ARP, match->key));
        translate_arp(&rule->mask, skb_flow_dissector_target(match->dissector,
                                                             FLOW_DISSECTOR_KEY_ARP, match->mask));
    }
}

static int match_ct(struct flownic_rule *rule, struct flow_rule *asked, const char **why)
{
    struct flow_match_ct ct;

    if (!flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_CT)) {
        return 0;
    }
    flow_rule_match_ct(asked, &ct);
    if (memchr_inv(ct.mask->ct_labels, 0, sizeof(ct.mask->ct_labels))) {
        return refuse(why, KBUILD_MODNAME ": Matching on ct_label is not supported");
    }
    if (ct.key->ct_state & ct.mask->ct_state & software_ct_states) {
        return refuse(why, KBUILD_MODNAME ": matching on ct_state +new, +rel or +inv"
                                          " isn't supported");
    }
    rule->key.ct_state = ct.key->ct_state;
    rule->key.ct_zone = ct.key->ct_zone;
    rule->key.ct_mark = ct.key->ct_mark;
    rule->mask.ct_state = ct.mask->ct_state;
    rule->mask.ct_zone = ct.mask->ct_zone;
    rule->mask.ct_mark = ct.mask->ct_mark;
    return 0;
}

static int match_ingress(struct flownic_rule *rule, struct flow_rule *asked, const char **why)
{
    struct flow_match_meta meta;

    if (!flow_rule_match_key(asked, FLOW_DISSECTOR_KEY_META)) {
        return 0;
    }
    flow_rule_match_meta(asked, &meta);
    if (meta.mask->ingress_ifindex != 0 && meta.mask->ingress_ifindex != U32_MAX) {
        return refuse(why, KBUILD_MODNAME ": Unsupported ingress ifindex mask");
    }
    if (meta.mask->ingress_ifindex && meta.key->ingress_ifindex != rule->port->rep->ifindex) {
        return refuse(why, KBUILD_MODNAME ": Match on ingress ifindex of another device");
    }
    return 0;
}

static void mask_key(struct flownic_rule *rule)
{
    u32 *key = (u32 *)&rule->key;
    const u32 *mask = (const u32 *)&rule->mask;
    size_t i;

    for (i = 0; i < FLOWNIC_KEY_WORDS; i++) {
        key[i] &= mask[i];
    }
}

int flownic_match_translate(struct flownic_rule *rule, struct flow_cls_offload *cls,
                            const char **why)
{
    struct flow_rule *asked = flow_cls_offload_flow_rule(cls);
    int error;

    if (asked->match.dissector->used_keys & ~known_keys) {
        return refuse(why, KBUILD_MODNAME ": " UNSUPPORTED);
    }
    error = match_ingress(rule, asked, why);
    if (error) {
        return error;
    }
    match_ethernet(rule, asked);
    match_vlans(rule, asked, cls->common.protocol);
    error = match_ip(rule, asked, why);
    if (error) {
        return error;
    }
    match_l4(rule, asked);
    match_arp(rule, asked);
    error = match_ct(rule, asked, why);
    if (error) {
        return error;
    }
    mask_key(rule);
    *why = flownic_faults_refuse_fields(flownic_fields_used(&rule->key, &rule->mask));
    return *why ? -EOPNOTSUPP : 0;
}
