/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_key.h"

#include <stdio.h>
#include <string.h>

#define ETH_TYPE_IPV4            0x0800
#define ETH_TYPE_IPV6            0x86dd
#define IP_PROTO_ICMP            1
#define IP_PROTO_TCP             6
#define IP_PROTO_UDP             17
#define IP_PROTO_ICMPV6          58
#define IPV4_FRAG_OFFSET_OR_MORE 0x3fff
#define IPV4_FRAG_OFFSET         0x1fff
#define IPV6_HEADER_BYTES        40

#define FIELD(NAME, MEMBER)                                             \
    {                                                                   \
        .name = (NAME), .offset = offsetof(struct flownic_key, MEMBER), \
        .bytes = sizeof(((struct flownic_key *)0)->MEMBER)              \
    }

const struct flownic_field flownic_fields[] = {
    FIELD("eth-dst", eth_dst),     FIELD("eth-src", eth_src),
    FIELD("eth-type", eth_type),   FIELD("vlan-present", vlan_present),
    FIELD("vlan", vlan_tci),       FIELD("ip-proto", ip_proto),
    FIELD("tos", ip_tos),          FIELD("ttl", ip_ttl),
    FIELD("frag", ip_frag),        FIELD("ipv4-src", ipv4_src),
    FIELD("ipv4-dst", ipv4_dst),   FIELD("ipv6-src", ipv6_src),
    FIELD("ipv6-dst", ipv6_dst),   FIELD("tcp-src", tcp_src),
    FIELD("tcp-dst", tcp_dst),     FIELD("tcp-flags", tcp_flags),
    FIELD("udp-src", udp_src),     FIELD("udp-dst", udp_dst),
    FIELD("icmp-type", icmp_type), FIELD("icmp-code", icmp_code),
};
const size_t flownic_n_fields = sizeof flownic_fields / sizeof flownic_fields[0];

static uint16_t read_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void extract_l4(const uint8_t *l4, size_t bytes, struct flownic_key *key)
{
    switch (key->ip_proto) {
    case IP_PROTO_TCP:
        if (bytes >= 14) {
            memcpy(key->tcp_src, l4, 2);
            memcpy(key->tcp_dst, l4 + 2, 2);
            key->tcp_flags = l4[13];
        }
        break;
    case IP_PROTO_UDP:
        if (bytes >= 4) {
            memcpy(key->udp_src, l4, 2);
            memcpy(key->udp_dst, l4 + 2, 2);
        }
        break;
    case IP_PROTO_ICMP:
    case IP_PROTO_ICMPV6:
        if (bytes >= 2) {
            key->icmp_type = l4[0];
            key->icmp_code = l4[1];
        }
        break;
    default: break;
    }
}

/* Returns the length of the IPv4 header, or 0 if there is no layer 4 to read. */
static size_t extract_ipv4(const uint8_t *ip, size_t bytes, struct flownic_key *key)
{
    size_t header_bytes;
    uint16_t frag;

    if (bytes < 20) {
        return 0;
    }
    header_bytes = (size_t)(ip[0] & 0x0f) * 4;
    frag = read_be16(ip + 6) & IPV4_FRAG_OFFSET_OR_MORE;
    key->ip_tos = ip[1];
    key->ip_frag[0] = (uint8_t)(frag >> 8);
    key->ip_frag[1] = (uint8_t)frag;
    key->ip_ttl = ip[8];
    key->ip_proto = ip[9];
    memcpy(key->ipv4_src, ip + 12, 4);
    memcpy(key->ipv4_dst, ip + 16, 4);
    if (header_bytes < 20 || header_bytes > bytes || (frag & IPV4_FRAG_OFFSET)) {
        return 0;
    }
    return header_bytes;
}

/* Extension headers are not looked behind: such packets have no layer 4 here. */
static size_t extract_ipv6(const uint8_t *ip, size_t bytes, struct flownic_key *key)
{
    if (bytes < IPV6_HEADER_BYTES) {
        return 0;
    }
    key->ip_tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
    key->ip_proto = ip[6];
    key->ip_ttl = ip[7];
    memcpy(key->ipv6_src, ip + 8, 16);
    memcpy(key->ipv6_dst, ip + 24, 16);
    return IPV6_HEADER_BYTES;
}

bool flownic_key_extract(const uint8_t *frame, size_t bytes, struct flownic_key *key,
                         struct flownic_layers *layers)
{
    struct flownic_layers found = { 0 };
    size_t l3 = FLOWNIC_ETH_HEADER_BYTES;
    size_t l3_bytes = 0;
    uint16_t type;

    memset(key, 0, sizeof *key);
    if (bytes < FLOWNIC_ETH_HEADER_BYTES) {
        return false;
    }
    memcpy(key->eth_dst, frame, 6);
    memcpy(key->eth_src, frame + 6, 6);
    type = read_be16(frame + 12);
    if ((type == FLOWNIC_TPID_VLAN || type == FLOWNIC_TPID_QINQ) &&
        bytes >= l3 + FLOWNIC_VLAN_TAG_BYTES) {
        found.tagged = true;
        key->vlan_present = 1;
        key->vlan_tci[0] = frame[14] & 0xef;
        key->vlan_tci[1] = frame[15];
        l3 += FLOWNIC_VLAN_TAG_BYTES;
        type = read_be16(frame + 16);
    }
    key->eth_type[0] = (uint8_t)(type >> 8);
    key->eth_type[1] = (uint8_t)type;
    found.l3 = l3;

    if (type == ETH_TYPE_IPV4) {
        l3_bytes = extract_ipv4(frame + l3, bytes - l3, key);
    } else if (type == ETH_TYPE_IPV6) {
        l3_bytes = extract_ipv6(frame + l3, bytes - l3, key);
    }
    if (l3_bytes) {
        found.l4 = l3 + l3_bytes;
        extract_l4(frame + found.l4, bytes - found.l4, key);
    }
    if (layers) {
        *layers = found;
    }
    return true;
}

int flownic_field_find(const char *name)
{
    for (size_t i = 0; i < flownic_n_fields; i++) {
        if (!strcmp(flownic_fields[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

bool flownic_field_is_masked(const struct flownic_key *mask, size_t field)
{
    const uint8_t *bytes = (const uint8_t *)mask + flownic_fields[field].offset;

    for (size_t i = 0; i < flownic_fields[field].bytes; i++) {
        if (bytes[i]) {
            return true;
        }
    }
    return false;
}

static bool is_all_ones(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0xff) {
            return false;
        }
    }
    return true;
}

static size_t append_hex(char *text, size_t size, size_t used, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && used + 3 <= size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%02x", bytes[i]);
    }
    return used;
}

void flownic_key_format(const struct flownic_key *key, const struct flownic_key *mask, char *text,
                        size_t size)
{
    size_t used = 0;

    if (size) {
        text[0] = '\0';
    }
    for (size_t i = 0; i < flownic_n_fields; i++) {
        const struct flownic_field *field = &flownic_fields[i];
        const uint8_t *value = (const uint8_t *)key + field->offset;
        const uint8_t *bits = (const uint8_t *)mask + field->offset;

        if (!flownic_field_is_masked(mask, i) || used + strlen(field->name) + 3 > size) {
            continue;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s=", used ? " " : "", field->name);
        used = append_hex(text, size, used, value, field->bytes);
        if (!is_all_ones(bits, field->bytes) && used + 2 <= size) {
            used += (size_t)snprintf(text + used, size - used, "/");
            used = append_hex(text, size, used, bits, field->bytes);
        }
    }
}
