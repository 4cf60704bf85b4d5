// SPDX-License-Identifier: GPL-2.0
/* The match fields by name: for refusals, and to show a rule. */
#include "key.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/string.h>

enum layer { ANY, IPV4, IPV6, IP, ARP, TCP, UDP, SCTP };
enum format { MAC, HEX_BE16, DEC_BE16, DEC16, DEC8, HEX16, HEX32, IPV4_ADDRESS, IPV6_ADDRESS };

struct field {
    const char *name;
    const char *refusal;
    u8 offset;
    u8 size;
    enum layer layer; /* only a match on this layer has the field */
    enum format format;
};

#define FIELD(NAME, TITLE, LAYER, FORMAT, MEMBER, SIZE)                                     \
    {                                                                                       \
        .name = NAME, .refusal = KBUILD_MODNAME ": Matching on " TITLE " is not supported", \
        .offset = offsetof(struct flownic_key, MEMBER), .size = SIZE, .layer = LAYER,       \
        .format = FORMAT,                                                                   \
    }

static const struct field fields[] = {
    FIELD("eth-dst", "eth-dst", ANY, MAC, eth_dst, 6),
    FIELD("eth-src", "eth-src", ANY, MAC, eth_src, 6),
    FIELD("eth-type", "eth-type", ANY, HEX_BE16, eth_type, 2),
    FIELD("vlan-tpid", "vlan-tpid", ANY, HEX_BE16, vlan_tpid, 2),
    FIELD("vlan", "vlan", ANY, DEC16, vlan_vid, 2),
    FIELD("vlan-pcp", "vlan-pcp", ANY, DEC8, vlan_pcp, 1),
    FIELD("cvlan-tpid", "cvlan-tpid", ANY, HEX_BE16, cvlan_tpid, 2),
    FIELD("cvlan", "cvlan", ANY, DEC16, cvlan_vid, 2),
    FIELD("cvlan-pcp", "cvlan-pcp", ANY, DEC8, cvlan_pcp, 1),
    FIELD("ip-proto", "ip-proto", IP, DEC8, ip_proto, 1),
    FIELD("tos", "TOS", IP, DEC8, tos, 1),
    FIELD("ttl", "TTL", IP, DEC8, ttl, 1),
    FIELD("frag", "fragments", IP, DEC8, frag, 1),
    FIELD("ipv4-src", "ipv4-src", IPV4, IPV4_ADDRESS, src, 4),
    FIELD("ipv4-dst", "ipv4-dst", IPV4, IPV4_ADDRESS, dst, 4),
    FIELD("ipv6-src", "ipv6-src", IPV6, IPV6_ADDRESS, src, 16),
    FIELD("ipv6-dst", "ipv6-dst", IPV6, IPV6_ADDRESS, dst, 16),
    FIELD("tcp-src", "tcp-src", TCP, DEC_BE16, l4_src, 2),
    FIELD("tcp-dst", "tcp-dst", TCP, DEC_BE16, l4_dst, 2),
    FIELD("udp-src", "udp-src", UDP, DEC_BE16, l4_src, 2),
    FIELD("udp-dst", "udp-dst", UDP, DEC_BE16, l4_dst, 2),
    FIELD("sctp-src", "sctp-src", SCTP, DEC_BE16, l4_src, 2),
    FIELD("sctp-dst", "sctp-dst", SCTP, DEC_BE16, l4_dst, 2),
    FIELD("tcp-flags", "TCP flags", TCP, HEX_BE16, tcp_flags, 2),
    FIELD("icmp-type", "ICMP type", IP, DEC8, icmp_type, 1),
    FIELD("icmp-code", "ICMP code", IP, DEC8, icmp_code, 1),
    FIELD("arp-op", "ARP", ARP, DEC8, ip_proto, 1),
    FIELD("arp-sip", "ARP", ARP, IPV4_ADDRESS, src, 4),
    FIELD("arp-tip", "ARP", ARP, IPV4_ADDRESS, dst, 4),
    FIELD("arp-sha", "ARP", ARP, MAC, arp_sha, 6),
    FIELD("arp-tha", "ARP", ARP, MAC, arp_tha, 6),
    FIELD("ct-state", "ct_state", ANY, HEX16, ct_state, 2),
    FIELD("ct-zone", "ct_zone", ANY, DEC16, ct_zone, 2),
    FIELD("ct-mark", "ct_mark", ANY, HEX32, ct_mark, 4),
};
static_assert(ARRAY_SIZE(fields) <= 64);

static bool has_layer(const struct flownic_key *key, enum layer layer)
{
    switch (layer) {
    case ANY: return true;
    case IPV4: return key->eth_type == htons(ETH_P_IP);
    case IPV6: return key->eth_type == htons(ETH_P_IPV6);
    case IP: return key->eth_type == htons(ETH_P_IP) || key->eth_type == htons(ETH_P_IPV6);
    case ARP: return key->eth_type == htons(ETH_P_ARP) || key->eth_type == htons(ETH_P_RARP);
    case TCP: return has_layer(key, IP) && key->ip_proto == IPPROTO_TCP;
    case UDP: return has_layer(key, IP) && key->ip_proto == IPPROTO_UDP;
    case SCTP: return has_layer(key, IP) && key->ip_proto == IPPROTO_SCTP;
    }
    return false;
}

static const u8 *bytes_of(const struct flownic_key *key, const struct field *field)
{
    return (const u8 *)key + field->offset;
}

static bool uses(const struct flownic_key *key, const struct flownic_key *mask,
                 const struct field *field)
{
    return memchr_inv(bytes_of(mask, field), 0, field->size) && has_layer(key, field->layer);
}

int flownic_field_find(const char *name)
{
    int i;

    for (i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(fields[i].name, name)) {
            return i;
        }
    }
    return -ENOENT;
}

const char *flownic_field_name(unsigned int field)
{
    return field < ARRAY_SIZE(fields) ? fields[field].name : NULL;
}

const char *flownic_field_refusal(unsigned int field)
{
    return fields[field].refusal;
}

u64 flownic_fields_used(const struct flownic_key *key, const struct flownic_key *mask)
{
    u64 used = 0;
    int i;

    for (i = 0; i < ARRAY_SIZE(fields); i++) {
        if (uses(key, mask, &fields[i])) {
            used |= BIT_ULL(i);
        }
    }
    return used;
}

static void print_value(struct seq_file *seq, const u8 *value, enum format format)
{
    switch (format) {
    case MAC: seq_printf(seq, "%pM", value); break;
    case HEX_BE16: seq_printf(seq, "0x%04x", be16_to_cpup((const __be16 *)value)); break;
    case DEC_BE16: seq_printf(seq, "%u", be16_to_cpup((const __be16 *)value)); break;
    case DEC16: seq_printf(seq, "%u", *(const u16 *)value); break;
    case DEC8: seq_printf(seq, "%u", *value); break;
    case HEX16: seq_printf(seq, "0x%x", *(const u16 *)value); break;
    case HEX32: seq_printf(seq, "0x%x", *(const u32 *)value); break;
    case IPV4_ADDRESS: seq_printf(seq, "%pI4", value); break;
    case IPV6_ADDRESS: seq_printf(seq, "%pI6c", value); break;
    }
}

/* The masks of VLAN ids and priorities are narrower than what holds them. */
static bool is_exact(const struct flownic_key *mask, const struct field *field)
{
    const u8 *bits = bytes_of(mask, field);

    switch (field->offset) {
    case offsetof(struct flownic_key, vlan_vid): return mask->vlan_vid == 0xfff;
    case offsetof(struct flownic_key, cvlan_vid): return mask->cvlan_vid == 0xfff;
    case offsetof(struct flownic_key, vlan_pcp): return mask->vlan_pcp == 7;
    case offsetof(struct flownic_key, cvlan_pcp): return mask->cvlan_pcp == 7;
    }
    return !memchr_inv(bits, 0xff, field->size);
}

void flownic_key_print(struct seq_file *seq, const struct flownic_key *key,
                       const struct flownic_key *mask)
{
    const char *separator = "";
    int i;

    for (i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!uses(key, mask, &fields[i])) {
            continue;
        }
        seq_printf(seq, "%s%s=", separator, fields[i].name);
        print_value(seq, bytes_of(key, &fields[i]), fields[i].format);
        if (!is_exact(mask, &fields[i])) {
            seq_putc(seq, '/');
            print_value(seq, bytes_of(mask, &fields[i]), fields[i].format);
        }
        separator = ",";
    }
    if (!*separator) {
        seq_puts(seq, "any");
    }
}
