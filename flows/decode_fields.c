/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "name=VALUE/MASK" and flags, as they stand in the brackets of match attributes.
 */
#include <arpa/inet.h>
#include <netinet/ip6.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/decode_fields.h"

static bool scan_number(enum fl_kind kind, struct fl_cursor *c, union fl_value *value)
{
    static const uint64_t max[] = {
        [FL_KIND_U8] = UINT8_MAX,      [FL_KIND_U16] = UINT16_MAX,
        [FL_KIND_U32] = UINT32_MAX,    [FL_KIND_BE16] = UINT16_MAX,
        [FL_KIND_BE32] = UINT32_MAX,   [FL_KIND_BE64] = UINT64_MAX,
        [FL_KIND_LABEL] = 0xfffff,     [FL_KIND_ICMP] = UINT8_MAX,
        [FL_KIND_ARP_OP] = UINT16_MAX, [FL_KIND_OPTIONS_TYPE] = UINT8_MAX,
    };
    uint64_t number;

    if (!fl_scan_uint(c, max[kind], &number))
        return false;
    switch (kind) {
    case FL_KIND_U8: value->u8 = (uint8_t)number; break;
    case FL_KIND_U16: value->u16 = (uint16_t)number; break;
    case FL_KIND_U32: value->u32 = (uint32_t)number; break;
    case FL_KIND_BE16:
    case FL_KIND_ICMP:
    case FL_KIND_OPTIONS_TYPE: value->u16 = htons((uint16_t)number); break;
    case FL_KIND_BE32:
    case FL_KIND_LABEL: value->u32 = htonl((uint32_t)number); break;
    case FL_KIND_BE64: value->u64 = htonll(number); break;
    case FL_KIND_ARP_OP: value->u8 = (uint8_t)number; break;
    default: return false;
    }
    return true;
}

static bool scan_frag(struct fl_cursor *c, uint8_t *value)
{
    if (fl_scan_word(c, "no"))
        *value = 0;
    else if (fl_scan_word(c, "first"))
        *value = FLOW_NW_FRAG_ANY;
    else if (fl_scan_word(c, "later"))
        *value = FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER;
    else
        return false;
    return true;
}

bool fl_scan_value(enum fl_kind kind, struct fl_cursor *c, union fl_value *value)
{
    switch (kind) {
    case FL_KIND_ETH: return fl_scan_eth(c, &value->eth);
    case FL_KIND_IPV4: return fl_scan_ipv4(c, &value->u32);
    case FL_KIND_IPV6: return fl_scan_ipv6(c, &value->in6);
    case FL_KIND_FRAG: return scan_frag(c, &value->u8);
    default: return scan_number(kind, c, value);
    }
}

/* The mask behind the '/'. */
static bool scan_mask(enum fl_kind kind, struct fl_cursor *c, union fl_value *mask)
{
    if (kind == FL_KIND_FRAG) {
        if (!scan_number(FL_KIND_U8, c, mask))
            return false;
        mask->u8 = mask->u8 ? FLOW_NW_FRAG_MASK : 0;
        return true;
    }
    return fl_scan_value(kind, c, mask);
}

void fl_exact_mask(enum fl_kind kind, union fl_value *mask)
{
    switch (kind) {
    case FL_KIND_FRAG: mask->u8 = FLOW_NW_FRAG_MASK; break;
    case FL_KIND_LABEL: mask->u32 = htonl(IPV6_LABEL_MASK); break;
    case FL_KIND_ICMP:
    case FL_KIND_OPTIONS_TYPE: mask->u16 = htons(UINT8_MAX); break;
    default: memset(mask, 0xff, sizeof *mask); break;
    }
}

static size_t size_of(enum fl_kind kind)
{
    static const uint8_t sizes[] = {
        [FL_KIND_U8] = 1,     [FL_KIND_U16] = 2,          [FL_KIND_U32] = 4,  [FL_KIND_BE16] = 2,
        [FL_KIND_BE32] = 4,   [FL_KIND_BE64] = 8,         [FL_KIND_ETH] = 6,  [FL_KIND_IPV4] = 4,
        [FL_KIND_IPV6] = 16,  [FL_KIND_LABEL] = 4,        [FL_KIND_FRAG] = 1, [FL_KIND_ICMP] = 2,
        [FL_KIND_ARP_OP] = 1, [FL_KIND_OPTIONS_TYPE] = 2,
    };

    return sizes[kind];
}

static void put(struct match *match, size_t offset, const void *value, const void *mask, size_t n)
{
    memcpy((char *)&match->flow + offset, value, n);
    memcpy((char *)&match->wc.masks + offset, mask, n);
}

/* "VALUE" or "VALUE/MASK" into one member. */
bool fl_read_member(struct match *match, enum fl_kind kind, size_t offset, struct fl_cursor *c)
{
    union fl_value value, mask;

    if (!fl_scan_value(kind, c, &value))
        return false;
    if (!fl_scan_char(c, '/'))
        fl_exact_mask(kind, &mask);
    else if (!scan_mask(kind, c, &mask))
        return false;
    put(match, offset, &value, &mask, size_of(kind));
    return true;
}

const struct fl_field *fl_find_field(const struct fl_field *fields, struct fl_cursor *c)
{
    for (; fields->name; fields++) {
        if (fl_scan_word(c, fields->name))
            return fields;
    }
    return NULL;
}

/* "NAME=VALUE[/MASK],...)"; nothing at all is an attribute whose fields are all wild. */
bool fl_read_fields(struct match *match, const struct fl_field *fields, struct fl_cursor *c)
{
    if (fl_scan_char(c, ')'))
        return true;
    do {
        const struct fl_field *field = fl_find_field(fields, c);

        if (!field || !fl_read_member(match, field->kind, field->offset, c))
            return false;
    } while (fl_scan_comma(c));
    return fl_scan_char(c, ')');
}

/* A name of letters ends where they end: "new" is not in "newer". Bits without a name are "[800]". */
static struct fl_text flag_at(const struct fl_cursor *c)
{
    const char *p = c->p;

    if (p < c->end && *p == '[') {
        const char *close = memchr(p, ']', MIN((size_t)(c->end - p), 8));

        return (struct fl_text){ p, close ? (size_t)(close + 1 - p) : 0 };
    }
    while (p < c->end && *p >= 'a' && *p <= 'z')
        p++;
    return (struct fl_text){ c->p, (size_t)(p - c->p) };
}

static bool scan_flag(struct fl_cursor *c, const struct fl_flag *flags, uint16_t *bit)
{
    struct fl_text name = flag_at(c);

    for (; flags->name; flags++) {
        if (fl_text_is(name, flags->name)) {
            c->p += name.n;
            *bit = flags->bit;
            return true;
        }
    }
    return false;
}

/* "+new-est)": those named are matched, the others are wild. */
static bool scan_signed_flags(struct fl_cursor *c, const struct fl_flag *flags, uint16_t *value,
                              uint16_t *mask)
{
    while (c->p < c->end && *c->p != ')') {
        bool set = *c->p == '+';
        uint16_t bit;

        if (!set && *c->p != '-')
            return false;
        c->p++;
        if (!scan_flag(c, flags, &bit) || *mask & bit)
            return false;
        *mask |= bit;
        if (set)
            *value |= bit;
    }
    return true;
}

/*
 * "0x2a/0x3f)", "+new-est)", or "syn|ack)" which matches all flags. Behind the ')' on success.
 * @exact: the mask of the last form
 */
bool fl_scan_flags(struct fl_cursor *c, const struct fl_flag *flags, uint16_t known, uint16_t exact,
                   uint16_t *value, uint16_t *mask)
{
    struct fl_cursor at = *c;
    uint64_t number;

    *value = *mask = 0;
    if (fl_scan_uint(&at, known, &number)) {
        *value = (uint16_t)number;
        *mask = exact;
        if (fl_scan_char(&at, '/')) {
            if (!fl_scan_uint(&at, known, &number))
                return false;
            *mask = (uint16_t)number;
        }
    } else if (at.p < at.end && (*at.p == '+' || *at.p == '-')) {
        if (!scan_signed_flags(&at, flags, value, mask))
            return false;
    } else {
        uint16_t bit;

        *mask = exact;
        while (scan_flag(&at, flags, &bit)) {
            *value |= bit;
            /* Versions before 2.0 separate them by commas. */
            if (!fl_scan_char(&at, '|') && !fl_scan_char(&at, ','))
                break;
        }
    }
    if (!fl_scan_char(&at, ')'))
        return false;
    c->p = at.p;
    return true;
}
