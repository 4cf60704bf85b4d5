/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DECODE_FIELDS_H
#define FLOWLIFT_DECODE_FIELDS_H

/*
 * What is in the brackets of match attributes. For decode_match.c and decode_tunnel.c only.
 */

#include "flows/decode_internal.h"

/* How a member of struct flow is printed. */
enum fl_kind {
    FL_KIND_U8,
    FL_KIND_U16,
    FL_KIND_U32,
    FL_KIND_BE16,
    FL_KIND_BE32,
    FL_KIND_BE64,
    FL_KIND_ETH,
    FL_KIND_IPV4,
    FL_KIND_IPV6,
    FL_KIND_LABEL,        /* IPv6 flow label, 20 bits. */
    FL_KIND_FRAG,         /* no, first, later; OVS prints no partial mask. */
    FL_KIND_ICMP,         /* 8 bits in a be16. */
    FL_KIND_ARP_OP,       /* 16 bits of which nw_proto keeps 8. */
    FL_KIND_OPTIONS_TYPE, /* 8 bits in a be16 (nd_ext). */
};

/* "name=VALUE/MASK" in the brackets of an attribute, and the member of struct flow it tells. */
struct fl_field {
    const char *name;
    enum fl_kind kind;
    size_t offset; /* In struct flow. */
};

#define FL_FIELD(NAME, KIND, MEMBER)                            \
    {                                                           \
        NAME "=", FL_KIND_##KIND, offsetof(struct flow, MEMBER) \
    }

union fl_value {
    uint8_t bytes[16];
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct eth_addr eth;
    struct in6_addr in6;
};

bool fl_scan_value(enum fl_kind kind, struct fl_cursor *c, union fl_value *value);
/** fl_exact_mask() - what a value without "/MASK" stands for */
void fl_exact_mask(enum fl_kind kind, union fl_value *mask);
/** fl_read_member() - "VALUE" or "VALUE/MASK" into the member at @offset of struct flow */
bool fl_read_member(struct match *match, enum fl_kind kind, size_t offset, struct fl_cursor *c);
/** fl_find_field() - the field whose name is next, behind it; @fields end with a NULL name */
const struct fl_field *fl_find_field(const struct fl_field *fields, struct fl_cursor *c);
/** fl_read_fields() - "NAME=VALUE/MASK,...)"; without any, all of the attribute is wild */
bool fl_read_fields(struct match *match, const struct fl_field *fields, struct fl_cursor *c);

struct fl_flag {
    const char *name;
    uint16_t bit;
};

/**
 * fl_scan_flags() - "0x2a/0x3f)", "+new-est)", or "syn|ack)" which matches all flags
 * @flags: end with a NULL name
 * @known: bits that may be set by number
 * @exact: the mask of the last form
 */
bool fl_scan_flags(struct fl_cursor *c, const struct fl_flag *flags, uint16_t known, uint16_t exact,
                   uint16_t *value, uint16_t *mask);

/** fl_read_tunnel() - behind "tunnel(" to behind its ')' */
bool fl_read_tunnel(struct match *match, struct fl_cursor *c);
/** fl_read_mpls() - behind "mpls(" to behind its ')' */
bool fl_read_mpls(struct match *match, struct fl_cursor *c);

#endif
