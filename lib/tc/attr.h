/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_ATTR_H
#define FLOWLIFT_TC_ATTR_H

/*
 * Walking through netlink attributes. Inline, since a filter has some fifty of them and a dump
 * 100,000 filters: libmnl's own walk costs a call or two for each.
 */

#include <endian.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fl_attr {
    uint16_t type;
    uint16_t n; /* Bytes of @data, which is aligned to 4. */
    const void *data;
};

struct fl_attrs {
    const uint8_t *p, *end;
    bool malformed; /* The walk ended early: the bytes are no attributes. */
};

static inline struct fl_attrs fl_attrs_in(const void *data, size_t n)
{
    return (struct fl_attrs){ data, (const uint8_t *)data + n, false };
}

static inline struct fl_attrs fl_attrs_nested(const struct fl_attr *attr)
{
    return fl_attrs_in(attr->data, attr->n);
}

/** fl_attrs_next() - Return: true and *@attr; false at the end, or where it is malformed */
static inline bool fl_attrs_next(struct fl_attrs *attrs, struct fl_attr *attr)
{
    const ptrdiff_t left = attrs->end - attrs->p;
    const struct nlattr *nla = (const void *)attrs->p;
    unsigned int n;

    /* Shorter than its header is, without sign, longer than anything. */
    if (left < NLA_HDRLEN || (size_t)(n = nla->nla_len) - NLA_HDRLEN > (size_t)left - NLA_HDRLEN) {
        attrs->malformed = left > 0;
        return false;
    }
    attr->type = nla->nla_type & NLA_TYPE_MASK;
    attr->n = (uint16_t)(n - NLA_HDRLEN);
    attr->data = attrs->p + NLA_HDRLEN;
    attrs->p += NLA_ALIGN(n); /* Past the end with the last one, whose padding may be missing. */
    return true;
}

/* Values; the caller has seen that @attr->n is large enough. */

static inline uint8_t fl_attr_u8(const struct fl_attr *attr)
{
    return *(const uint8_t *)attr->data;
}

static inline uint16_t fl_attr_u16(const struct fl_attr *attr)
{
    return *(const uint16_t *)attr->data;
}

static inline uint32_t fl_attr_u32(const struct fl_attr *attr)
{
    return *(const uint32_t *)attr->data;
}

static inline uint64_t fl_attr_u64(const struct fl_attr *attr)
{
    uint64_t value;

    memcpy(&value, attr->data, sizeof value);
    return value;
}

static inline uint16_t fl_attr_be16(const struct fl_attr *attr)
{
    return be16toh(fl_attr_u16(attr));
}

static inline uint32_t fl_attr_be32(const struct fl_attr *attr)
{
    return be32toh(fl_attr_u32(attr));
}

/** fl_attr_string() - the text of @attr, or NULL when no NUL ends it */
static inline const char *fl_attr_string(const struct fl_attr *attr)
{
    return memchr(attr->data, '\0', attr->n) ? attr->data : NULL;
}

#endif
