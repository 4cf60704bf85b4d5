/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_key: the header fields of one Ethernet frame that the simulated NIC can match.
 *
 * A key is flat: every field has one place, one name and one table entry, whatever tags or
 * IP options lie before it in the frame. A rule is a key and a mask of the same shape, and
 * "matches" means (key of the frame & mask) == key of the rule. A field which the frame
 * does not have is zero in its key; the rule's mask holds the type fields above it
 * (eth-type, ip-proto), so a zero there is never mistaken for a value.
 */
#ifndef FLOWNIC_FRAME_KEY_H
#define FLOWNIC_FRAME_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOWNIC_ETH_HEADER_BYTES 14
#define FLOWNIC_VLAN_TAG_BYTES   4
#define FLOWNIC_TPID_VLAN        0x8100
#define FLOWNIC_TPID_QINQ        0x88a8

/* Multi-byte fields are in network byte order, as in the frame. No padding: hashed whole. */
struct flownic_key {
    uint8_t eth_dst[6];
    uint8_t eth_src[6];
    uint8_t eth_type[2]; /* the type behind the VLAN tag */
    uint8_t vlan_present;
    uint8_t vlan_tci[2]; /* without the CFI bit */
    uint8_t ip_proto;
    uint8_t ip_tos;
    uint8_t ip_ttl;
    uint8_t ip_frag[2]; /* fragment offset and MF flag */
    uint8_t ipv4_src[4];
    uint8_t ipv4_dst[4];
    uint8_t ipv6_src[16];
    uint8_t ipv6_dst[16];
    uint8_t tcp_src[2];
    uint8_t tcp_dst[2];
    uint8_t tcp_flags;
    uint8_t udp_src[2];
    uint8_t udp_dst[2];
    uint8_t icmp_type;
    uint8_t icmp_code;
};

/* One named field of struct flownic_key. */
struct flownic_field {
    const char *name;
    uint16_t offset;
    uint16_t bytes;
};

extern const struct flownic_field flownic_fields[];
extern const size_t flownic_n_fields;

/* Where the layers of a frame begin. l3 and l4 are 0 where there is none. */
struct flownic_layers {
    size_t l3;
    size_t l4;
    bool tagged;
};

/**
 * flownic_key_extract() - read the key of a frame
 * @frame: the frame, from its destination address on; borrowed
 * @bytes: its length
 * @key: receives the key; zero where the frame is too short or has no such field
 * @layers: receives the offsets of the layers; may be NULL
 *
 * Return: false if the frame is shorter than an Ethernet header (@key is then all zero).
 */
bool flownic_key_extract(const uint8_t *frame, size_t bytes, struct flownic_key *key,
                         struct flownic_layers *layers);

/**
 * flownic_field_find() - look a field up by its name ("ipv4-src")
 * @name: the name; borrowed
 *
 * Return: the index in flownic_fields, or -1.
 */
int flownic_field_find(const char *name);

/**
 * flownic_field_is_masked() - whether a mask looks at a field at all
 * @mask: a rule's mask; borrowed
 * @field: index in flownic_fields
 */
bool flownic_field_is_masked(const struct flownic_key *mask, size_t field);

/**
 * flownic_key_format() - write a match as text: "eth-type=0800 ipv4-dst=0a640001/ffffff00"
 * @key: the values; borrowed
 * @mask: the mask; borrowed
 * @text: receives the text, always terminated
 * @size: bytes at @text
 */
void flownic_key_format(const struct flownic_key *key, const struct flownic_key *mask, char *text,
                        size_t size);

#endif
