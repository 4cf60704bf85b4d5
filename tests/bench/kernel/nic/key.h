/* SPDX-License-Identifier: GPL-2.0 */
/*
 * key: what the eSwitch sees of a frame, and the table of its fields by name.
 *
 * Values that are in the frame in network byte order stay so; VLAN id and priority, conntrack
 * state, zone and mark are in host order. An IPv4 or ARP address is the first word of @src and
 * @dst, the rest is zero; @ip_proto is the opcode of an ARP frame.
 */
#ifndef FLOWNIC_KEY_H
#define FLOWNIC_KEY_H

#include <linux/in6.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/types.h>

struct flownic_key {
    u8 eth_dst[6];
    u8 eth_src[6];
    __be16 eth_type; /* below all VLAN tags */
    __be16 vlan_tpid;
    u16 vlan_vid;
    u16 cvlan_vid;
    __be16 cvlan_tpid;
    u8 vlan_pcp;
    u8 cvlan_pcp;
    u8 ip_proto;
    u8 tos;
    u8 ttl;
    u8 frag; /* FLOW_DIS_IS_FRAGMENT, FLOW_DIS_FIRST_FRAG */
    __be16 l4_src;
    __be16 l4_dst;
    struct in6_addr src;
    struct in6_addr dst;
    __be16 tcp_flags;
    u8 icmp_type;
    u8 icmp_code;
    u16 ct_state; /* TCA_FLOWER_KEY_CT_FLAGS_* */
    u16 ct_zone;
    u32 ct_mark;
    u8 arp_sha[6];
    u8 arp_tha[6];
};

#define FLOWNIC_KEY_WORDS (sizeof(struct flownic_key) / sizeof(u32))
static_assert(sizeof(struct flownic_key) % sizeof(u32) == 0);

/* Where the layers of a frame begin, from its Ethernet header on; 0 where there is none. */
struct flownic_layers {
    int network;
    int transport; /* only where the frame has the transport header: not in later fragments */
};

/**
 * flownic_key_read() - what a frame holds
 * @skb: its data begins with the Ethernet header; not changed
 * @key: receives the fields; those that the frame lacks are zero
 * @layers: receives the offsets; may be NULL
 *
 * A frame that is cut off in a header reads as if it ended before that header.
 */
void flownic_key_read(const struct sk_buff *skb, struct flownic_key *key,
                      struct flownic_layers *layers);

/**
 * flownic_key_push_vlan() - what a frame's key is after a tag was put on top
 * @key: changed
 * @tpid: of the tag
 * @vid: of the tag
 * @pcp: of the tag
 */
void flownic_key_push_vlan(struct flownic_key *key, __be16 tpid, u16 vid, u8 pcp);

/**
 * flownic_key_set_vlan() - what a frame's key is after its outer tag was rewritten
 * @key: changed; a frame without a tag gets one
 * @tpid: of the tag
 * @vid: of the tag
 * @pcp: of the tag
 */
void flownic_key_set_vlan(struct flownic_key *key, __be16 tpid, u16 vid, u8 pcp);

/**
 * flownic_key_pop_vlan() - what a frame's key is after its outer tag was taken off
 * @key: changed
 */
void flownic_key_pop_vlan(struct flownic_key *key);

/**
 * flownic_field_find() - the number of a match field
 * @name: such as "tcp-dst"
 *
 * Return: its number, below 64; -ENOENT.
 */
int flownic_field_find(const char *name);

/**
 * flownic_field_name() - the name of a match field
 * @field: its number
 *
 * Return: constant; NULL when there are no more.
 */
const char *flownic_field_name(unsigned int field);

/**
 * flownic_field_refusal() - why a field is not matched
 * @field: its number
 *
 * Return: constant, as it goes into an extack.
 */
const char *flownic_field_refusal(unsigned int field);

/**
 * flownic_fields_used() - the fields that a match looks at
 * @key: its value
 * @mask: its mask
 *
 * Return: a bit for each field number.
 */
u64 flownic_fields_used(const struct flownic_key *key, const struct flownic_key *mask);

/**
 * flownic_key_print() - "field=value[/mask]" for each field that a match looks at
 * @seq: receives the text
 * @key: its value
 * @mask: its mask
 */
void flownic_key_print(struct seq_file *seq, const struct flownic_key *key,
                       const struct flownic_key *mask);

#endif
