/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_FILTER_H
#define FLOWLIFT_TC_FILTER_H

/*
 * A flower filter of the kernel's traffic control (TC), wherever it was read from: netlink
 * (lib/tc/filters.h), "tc -s -j filter show" (flows/tc_json.h), "tc -s filter show" (flows/tc_text.h).
 * As a datapath flow of Open vSwitch: flows/tc_flow.h.
 *
 * The record is large (some 16 KiB) since it has room for everything that a filter can have; there is
 * one of them, used again and again. What is not present is not set either: read a key only where
 * fl_tc_has_key() is true, and the actions up to @n_actions. Numbers are in host byte order, addresses
 * as they are in packets. Strings belong to whoever made the record.
 *
 * Constants have the names and values of the kernel. Source: Linux 6.1 include/uapi/linux/pkt_cls.h,
 * linux/tc_act/. Texts are those of iproute2 6.1.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/types.h>

#define FL_TC_ACTIONS_MAX      32  /* TCA_ACT_MAX_PRIO */
#define FL_TC_PEDIT_KEYS_MAX   128 /* Of all actions together. */
#define FL_TC_TUNNELS_MAX      2   /* "tunnel_key set" with options. */
#define FL_TC_MPLS_MAX         7   /* FLOW_DIS_MPLS_MAX */
#define FL_TC_COOKIE_BYTES     16  /* TC_COOKIE_MAX_SIZE */
#define FL_TC_GENEVE_BYTES     256
#define FL_TC_UNKNOWN_BYTES    160
#define FL_TC_TICKS_PER_SECOND 100 /* USER_HZ, of all architectures that have a switchdev NIC */

/** enum fl_tc_hook - where a filter is attached */
enum fl_tc_hook {
    FL_TC_HOOK_UNKNOWN, /* What tc prints for one device does not say. */
    FL_TC_INGRESS,
    FL_TC_EGRESS,
    FL_TC_BLOCK, /* A block that several devices share. */
};

/** enum fl_tc_form - how the value of a match key is kept, and printed */
enum fl_tc_form {
    FL_TC_FORM_U8,       /* .n; a mask is a key of its own in JSON: "ip_tos", "ip_tos_mask" */
    FL_TC_FORM_U16,      /* .n */
    FL_TC_FORM_U32,      /* .n */
    FL_TC_FORM_SLASHED,  /* .n; value and mask in one string: "8/15" */
    FL_TC_FORM_ARP_OP,   /* .n; likewise, "request" or "reply" */
    FL_TC_FORM_MAC,      /* .mac */
    FL_TC_FORM_IP4,      /* .ip4 */
    FL_TC_FORM_IP6,      /* .ip6 */
    FL_TC_FORM_ETH_TYPE, /* .n; "ipv4", or hexadecimal */
    FL_TC_FORM_PROTOCOL, /* .n; "ip", "802.1Q", "[34525]" */
    FL_TC_FORM_PPP,      /* .n; likewise */
    FL_TC_FORM_IP_PROTO, /* .n; "tcp", or hexadecimal */
    FL_TC_FORM_RANGE,    /* .n; the end of a range of ports; no mask */
    FL_TC_FORM_TCP_FLAGS,
    FL_TC_FORM_IP_FLAGS, /* .n: FL_TC_IS_FRAGMENT, FL_TC_FIRST_FRAGMENT */
    FL_TC_FORM_CT_STATE, /* .n: FL_TC_CT_* */
    FL_TC_FORM_CT_LABEL, /* .bytes */
};

/* Match keys: name, form, what tc calls it. In the order in which tc prints them. */
#define FL_TC_KEYS(KEY)                            \
    KEY(NUM_OF_VLANS, U32, "num_of_vlans")         \
    KEY(VLAN_ID, U32, "vlan_id")                   \
    KEY(VLAN_PRIO, U32, "vlan_prio")               \
    KEY(VLAN_ETH_TYPE, PROTOCOL, "vlan_ethtype")   \
    KEY(CVLAN_ID, U32, "cvlan_id")                 \
    KEY(CVLAN_PRIO, U32, "cvlan_prio")             \
    KEY(CVLAN_ETH_TYPE, PROTOCOL, "cvlan_ethtype") \
    KEY(DST_MAC, MAC, "dst_mac")                   \
    KEY(SRC_MAC, MAC, "src_mac")                   \
    KEY(ETH_TYPE, ETH_TYPE, "eth_type")            \
    KEY(IP_PROTO, IP_PROTO, "ip_proto")            \
    KEY(IP_TOS, U8, "ip_tos")                      \
    KEY(IP_TTL, U8, "ip_ttl")                      \
    KEY(MPLS_LABEL, U32, "mpls_label")             \
    KEY(MPLS_TC, SLASHED, "mpls_tc")               \
    KEY(MPLS_BOS, SLASHED, "mpls_bos")             \
    KEY(MPLS_TTL, SLASHED, "mpls_ttl")             \
    KEY(DST_IP4, IP4, "dst_ip")                    \
    KEY(DST_IP6, IP6, "dst_ip")                    \
    KEY(SRC_IP4, IP4, "src_ip")                    \
    KEY(SRC_IP6, IP6, "src_ip")                    \
    KEY(DST_PORT, U16, "dst_port")                 \
    KEY(SRC_PORT, U16, "src_port")                 \
    KEY(DST_PORT_MIN, RANGE, "dst_port")           \
    KEY(DST_PORT_MAX, RANGE, "dst_port")           \
    KEY(SRC_PORT_MIN, RANGE, "src_port")           \
    KEY(SRC_PORT_MAX, RANGE, "src_port")           \
    KEY(TCP_FLAGS, TCP_FLAGS, "tcp_flags")         \
    KEY(ICMP_TYPE, SLASHED, "icmp_type")           \
    KEY(ICMP_CODE, SLASHED, "icmp_code")           \
    KEY(ARP_SIP, IP4, "arp_sip")                   \
    KEY(ARP_TIP, IP4, "arp_tip")                   \
    KEY(ARP_OP, ARP_OP, "arp_op")                  \
    KEY(ARP_SHA, MAC, "arp_sha")                   \
    KEY(ARP_THA, MAC, "arp_tha")                   \
    KEY(PPPOE_SID, U32, "pppoe_sid")               \
    KEY(PPP_PROTO, PPP, "ppp_proto")               \
    KEY(ENC_DST_IP4, IP4, "enc_dst_ip")            \
    KEY(ENC_DST_IP6, IP6, "enc_dst_ip")            \
    KEY(ENC_SRC_IP4, IP4, "enc_src_ip")            \
    KEY(ENC_SRC_IP6, IP6, "enc_src_ip")            \
    KEY(ENC_KEY_ID, U32, "enc_key_id")             \
    KEY(ENC_DST_PORT, U16, "enc_dst_port")         \
    KEY(ENC_SRC_PORT, U16, "enc_src_port")         \
    KEY(ENC_TOS, U8, "enc_tos")                    \
    KEY(ENC_TTL, U8, "enc_ttl")                    \
    KEY(IP_FLAGS, IP_FLAGS, "ip_flags")            \
    KEY(CT_STATE, CT_STATE, "ct_state")            \
    KEY(CT_ZONE, U16, "ct_zone")                   \
    KEY(CT_MARK, U32, "ct_mark")                   \
    KEY(CT_LABEL, CT_LABEL, "ct_label")            \
    KEY(HASH, U32, "hash")                         \
    KEY(L2TPV3_SID, U32, "l2tpv3_sid")

#define FL_TC_KEY_ENUM(name, form, text) FL_TC_KEY_##name,
enum fl_tc_key { FL_TC_KEYS(FL_TC_KEY_ENUM) FL_TC_N_KEYS };

/* Values of FL_TC_KEY_IP_FLAGS and FL_TC_KEY_CT_STATE. */
#define FL_TC_IS_FRAGMENT    1u
#define FL_TC_FIRST_FRAGMENT 2u
#define FL_TC_CT_NEW         1u
#define FL_TC_CT_ESTABLISHED 2u
#define FL_TC_CT_RELATED     4u
#define FL_TC_CT_TRACKED     8u
#define FL_TC_CT_INVALID     16u
#define FL_TC_CT_REPLY       32u

struct fl_tc_value {
    union {
        uint32_t n;
        struct eth_addr mac;
        ovs_be32 ip4;
        struct in6_addr ip6;
        uint8_t bytes[16];
    };
};

/* Options of a tunnel, of a match or of "tunnel_key set". */
struct fl_tc_tunnel_opts {
    enum {
        FL_TC_OPTS_NONE,
        FL_TC_OPTS_GENEVE,
        FL_TC_OPTS_VXLAN,
        FL_TC_OPTS_ERSPAN,
        FL_TC_OPTS_GTP
    } kind;
    uint16_t n_bytes; /* Of @geneve. */
    union {
        uint8_t geneve[FL_TC_GENEVE_BYTES]; /* As in packets: class, type, length / 4, data. */
        uint32_t vxlan_gbp;
        struct {
            uint8_t version, direction, hwid;
            uint32_t index;
        } erspan;
        struct {
            uint8_t pdu_type, qfi;
        } gtp;
    };
};

/* One label of "mpls_opts"; @present: bit of each field. */
struct fl_tc_mpls_lse {
    uint8_t present;
    uint8_t depth, tc, bos, ttl;
    uint32_t label;
};
#define FL_TC_LSE_DEPTH 1u
#define FL_TC_LSE_LABEL 2u
#define FL_TC_LSE_TC    4u
#define FL_TC_LSE_BOS   8u
#define FL_TC_LSE_TTL   16u

/* enum fl_tc_kind: kinds of actions that are understood. */
enum fl_tc_kind {
    FL_TC_OTHER, /* @kind_name says what it is. */
    FL_TC_GACT,
    FL_TC_MIRRED,
    FL_TC_VLAN,
    FL_TC_PEDIT,
    FL_TC_CSUM,
    FL_TC_TUNNEL_KEY,
    FL_TC_CT,
    FL_TC_SKBEDIT,
    FL_TC_POLICE,
    FL_TC_MPLS,
    FL_TC_SAMPLE,
};

/* What happens after an action: TC_ACT_*. Of GOTO and JUMP the low 28 bits are chain or count. */
#define FL_TC_UNSPEC     0xffffffffu /* "continue" */
#define FL_TC_OK         0u          /* "pass" */
#define FL_TC_RECLASSIFY 1u
#define FL_TC_SHOT       2u /* "drop" */
#define FL_TC_PIPE       3u
#define FL_TC_STOLEN     4u
#define FL_TC_TRAP       8u
#define FL_TC_JUMP       0x10000000u
#define FL_TC_GOTO       0x20000000u
#define FL_TC_EXT_MASK   0xf0000000u
#define FL_TC_EXT_VALUE  0x0fffffffu

/* One word that a pedit action changes: packet word = (word & @mask) ^ @value, in packet order. */
struct fl_tc_pedit_key {
    uint8_t header; /* TCA_PEDIT_KEY_EX_HDR_TYPE_*: 0 network, 1 eth, 2 ip4, 3 ip6, 4 tcp, 5 udp */
    uint8_t add;    /* 0: set, 1: add */
    int32_t offset;
    ovs_be32 value, mask;
};

/* Clock ticks before now, FL_TC_TICKS_PER_SECOND of them a second. Source: struct tcf_t. */
struct fl_tc_times {
    uint64_t installed, last_used, expires, first_used;
};

/* Counters of one action. @packets and @bytes are of software and hardware together. */
struct fl_tc_counters {
    uint64_t packets, bytes;
    uint64_t hw_packets, hw_bytes; /* Set when @has_hw. */
    uint32_t drops, overlimits, requeues, backlog, qlen;
    bool has_basic, has_hw, has_queue;
    bool has_packets64; /* The kernel gave the packets in 64 bits: they passed 2^32. */
};

/* Fields of an action that need not be there: bits of fl_tc_action.present. */
enum fl_tc_part {
    FL_TC_HAS_TIMES = 1 << 0,
    FL_TC_HAS_FLAGS = 1 << 1,
    FL_TC_HAS_IN_HW_COUNT = 1 << 2,
    FL_TC_HAS_HW_STATS = 1 << 3,
    FL_TC_HAS_USED_HW_STATS = 1 << 4,
    FL_TC_HAS_OPTIONS = 1 << 5, /* A terse dump has none. */
    /* Of the kinds of action: */
    FL_TC_HAS_ID = 1 << 8,        /* vlan */
    FL_TC_HAS_PROTOCOL = 1 << 9,  /* vlan, mpls */
    FL_TC_HAS_PRIORITY = 1 << 10, /* vlan, skbedit */
    FL_TC_HAS_MACS = 1 << 11,     /* vlan push_eth */
    FL_TC_HAS_LABEL = 1 << 12,    /* mpls, ct */
    FL_TC_HAS_TC = 1 << 13,       /* mpls */
    FL_TC_HAS_TTL = 1 << 14,      /* mpls, tunnel_key */
    FL_TC_HAS_BOS = 1 << 15,      /* mpls */
    FL_TC_HAS_SRC4 = 1 << 16,     /* tunnel_key */
    FL_TC_HAS_DST4 = 1 << 17,
    FL_TC_HAS_SRC6 = 1 << 18,
    FL_TC_HAS_DST6 = 1 << 19,
    FL_TC_HAS_DST_PORT = 1 << 20,
    FL_TC_HAS_NO_CSUM = 1 << 21,
    FL_TC_HAS_TOS = 1 << 22,
    FL_TC_HAS_ZONE = 1 << 23, /* ct */
    FL_TC_HAS_MARK = 1 << 24, /* ct, skbedit */
    FL_TC_HAS_MASK = 1 << 25, /* skbedit */
    FL_TC_HAS_QUEUE = 1 << 26,
    FL_TC_HAS_PTYPE = 1 << 27,
    FL_TC_HAS_TRUNC = 1 << 28,  /* sample */
    FL_TC_HAS_RESULT = 1 << 29, /* police */
    FL_TC_HAS_RATE = 1 << 30,   /* police: packets a second */
};

/* Bits of fl_tc_ct.flags: TCA_CT_ACT_*. */
#define FL_TC_CT_COMMIT  1u
#define FL_TC_CT_FORCE   2u
#define FL_TC_CT_CLEAR   4u
#define FL_TC_CT_NAT     8u
#define FL_TC_CT_NAT_SRC 16u
#define FL_TC_CT_NAT_DST 32u

struct fl_tc_gact {
    uint16_t random_type; /* 0: always */
    uint16_t random_value;
    uint32_t random_control;
};

struct fl_tc_mirred {
    bool ingress, mirror; /* Else egress, redirect. */
    int ifindex;          /* 0: not known. */
    const char *to_dev;   /* NULL when the device is gone. */
};

struct fl_tc_vlan {
    enum {
        FL_TC_VLAN_POP = 1,
        FL_TC_VLAN_PUSH,
        FL_TC_VLAN_MODIFY,
        FL_TC_POP_ETH,
        FL_TC_PUSH_ETH
    } action;
    uint16_t id, protocol;
    uint8_t priority;
    struct eth_addr dst, src; /* PUSH_ETH */
};

struct fl_tc_pedit {
    uint16_t first, n; /* In fl_tc_filter.pedit_keys. */
};

struct fl_tc_tunnel_key {
    enum { FL_TC_TUNNEL_SET = 1, FL_TC_TUNNEL_UNSET } action;
    ovs_be32 src4, dst4;
    struct in6_addr src6, dst6;
    uint32_t key_id; /* FL_TC_HAS_ID */
    uint16_t dst_port;
    uint8_t tos, ttl, no_csum;
    uint8_t opts; /* In fl_tc_filter.tunnels, plus one; 0 without. */
};

struct fl_tc_ct {
    uint16_t flags, zone;
    uint32_t mark, mark_mask;
    uint8_t label[16], label_mask[16];
    uint8_t nat_family; /* 4, 6, or 0 without an address. */
    bool nat_has_max, nat_has_port, nat_has_port_max;
    struct fl_tc_value nat_min, nat_max;
    uint16_t nat_port_min, nat_port_max;
};

struct fl_tc_skbedit {
    uint16_t queue, ptype;
    uint32_t priority, mark, mask;
    bool inherit_dsfield;
};

struct fl_tc_police {
    uint32_t burst, mtu, overhead; /* @burst in ticks of the packet scheduler */
    uint64_t rate, packet_rate, packet_burst;
    uint32_t result; /* FL_TC_HAS_RESULT: what happens to packets that conform. */
    uint8_t linklayer;
};

struct fl_tc_mpls {
    enum {
        FL_TC_MPLS_POP = 1,
        FL_TC_MPLS_PUSH,
        FL_TC_MPLS_MODIFY,
        FL_TC_MPLS_DEC_TTL,
        FL_TC_MPLS_MAC_PUSH
    } action;
    uint32_t label;
    uint16_t protocol;
    uint8_t tc, ttl, bos;
};

struct fl_tc_sample {
    uint32_t rate, group, trunc_size;
};

struct fl_tc_action {
    enum fl_tc_kind kind;
    uint32_t present;      /* enum fl_tc_part */
    const char *kind_name; /* Of FL_TC_OTHER. */
    uint16_t order;        /* As tc numbers them, from 1. */
    uint32_t control;      /* FL_TC_PIPE ... */
    uint32_t index;
    int32_t ref, bind;
    struct fl_tc_times times;
    struct fl_tc_counters counters;
    uint8_t cookie[FL_TC_COOKIE_BYTES];
    uint8_t n_cookie;         /* Bytes of it; OVS puts the ufid there. */
    uint8_t hw_stats;         /* TCA_ACT_HW_STATS_*: 1 immediate, 2 delayed, 0 disabled */
    uint8_t used_hw_stats;    /* likewise */
    uint32_t flags, selected; /* Bit 0: no_percpu; of those in @selected. */
    uint32_t in_hw_count;
    union {
        struct fl_tc_gact gact;
        struct fl_tc_mirred mirred;
        struct fl_tc_vlan vlan;
        struct fl_tc_pedit pedit;
        uint32_t csum; /* TCA_CSUM_UPDATE_FLAG_* */
        struct fl_tc_tunnel_key tunnel_key;
        struct fl_tc_ct ct;
        struct fl_tc_skbedit skbedit;
        struct fl_tc_police police;
        struct fl_tc_mpls mpls;
        struct fl_tc_sample sample;
    };
};

/* Flags of a filter: TCA_CLS_FLAGS_*. */
#define FL_TC_SKIP_HW   1u
#define FL_TC_SKIP_SW   2u
#define FL_TC_IN_HW     4u
#define FL_TC_NOT_IN_HW 8u
#define FL_TC_VERBOSE   16u

struct fl_tc_filter {
    const char *dev;      /* NULL: not known, or a block that no bond stands for. */
    const char *dev_kind; /* "geneve", "bond", ... as "ip -d link" says; NULL: none or not known. */
    int ifindex;          /* 0: not known. */
    enum fl_tc_hook hook;
    uint32_t block;         /* Index, of FL_TC_BLOCK. */
    uint32_t block_members; /* Devices that share the block; 0: not known. */
    uint32_t chain;
    uint16_t priority; /* "pref" */
    uint16_t protocol; /* Ethernet type; 3 is "all". */
    uint32_t handle;
    uint32_t flags; /* FL_TC_IN_HW ... */
    bool has_flags, has_in_hw_count, has_classid;
    bool is_other_kind; /* u32, bpf, matchall, ...: only where it was read from text. */
    bool terse;         /* A terse dump: keys and what actions do were not asked for. */
    uint32_t in_hw_count, classid;
    uint32_t line;     /* Of the text it was read from; 0: none. */
    const char *indev; /* NULL without. */

    uint64_t present; /* Bit of each key. */
    uint64_t masked;  /* Bit of each key that came with a mask; else the mask is full. */
    struct fl_tc_value key[FL_TC_N_KEYS];
    struct fl_tc_value mask[FL_TC_N_KEYS]; /* Valid for keys that are present. */
    struct fl_tc_tunnel_opts enc_opts, enc_opts_mask;
    uint8_t n_mpls;
    struct fl_tc_mpls_lse mpls[FL_TC_MPLS_MAX];

    uint8_t n_actions;
    uint8_t n_tunnels;
    uint16_t n_pedit_keys;
    struct fl_tc_action actions[FL_TC_ACTIONS_MAX];
    struct fl_tc_pedit_key pedit_keys[FL_TC_PEDIT_KEYS_MAX];
    struct fl_tc_tunnel_opts tunnels[FL_TC_TUNNELS_MAX];

    char unknown[FL_TC_UNKNOWN_BYTES]; /* What was not understood, first of all; "" is nothing. */
    bool unknown_match;                /* It is part of the match ... */
    bool unknown_action;               /* ... or of the actions (both may be). */
};

/** fl_tc_filter_clear() - an empty filter: sets what says that nothing is there, and no more */
void fl_tc_filter_clear(struct fl_tc_filter *filter);

static inline bool fl_tc_has_key(const struct fl_tc_filter *filter, enum fl_tc_key key)
{
    return filter->present >> key & 1;
}

/** fl_tc_put_key() - a key is present; its mask is full unless a mask is given too */
static inline struct fl_tc_value *fl_tc_put_key(struct fl_tc_filter *filter, enum fl_tc_key key)
{
    filter->present |= UINT64_C(1) << key;
    return &filter->key[key];
}

/** fl_tc_add_action() - the next action, all zero; NULL when there is no room (and says so) */
struct fl_tc_action *fl_tc_add_action(struct fl_tc_filter *filter);
/** fl_tc_fill_masks() - give every key that came without a mask the full one of its form */
void fl_tc_fill_masks(struct fl_tc_filter *filter);

enum fl_tc_about { FL_TC_ABOUT_MATCH = 1, FL_TC_ABOUT_ACTION = 2 };

/** fl_tc_not_understood() - say so in @filter->unknown, unless something else was said before */
void fl_tc_not_understood(struct fl_tc_filter *filter, enum fl_tc_about about, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

/** fl_tc_cookie() - the first action cookie; NULL without. @n: its bytes */
const uint8_t *fl_tc_cookie(const struct fl_tc_filter *filter, size_t *n);

/* What a filter counted: the action that counted most, as OVS takes it, apart for hardware. */
struct fl_tc_totals {
    bool known;    /* Some action has counters. */
    bool hw_known; /* ... and says what of them hardware counted. */
    uint64_t sw_packets, sw_bytes;
    uint64_t hw_packets, hw_bytes;
};

/**
 * fl_tc_count() - counters of the filter as a whole
 * Source: OVS 3.1 lib/tc.c, nl_parse_action_stats(): of software and of hardware packets each, those
 * of the action that has the most.
 */
void fl_tc_count(const struct fl_tc_filter *filter, struct fl_tc_totals *totals);

/**
 * fl_tc_used_ms() - milliseconds since the filter was last used
 * Source: OVS 3.1 lib/tc.c, nl_parse_tcf(): latest use of mirred, gact, police and ct actions; an
 * action that was last used when it was installed was never used.
 * Return: milliseconds, FL_USED_NEVER, or FL_USED_UNKNOWN where no action tells (flows/flow.h).
 */
int64_t fl_tc_used_ms(const struct fl_tc_filter *filter);

#endif
