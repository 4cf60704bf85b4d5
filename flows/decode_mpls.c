/* SPDX-License-Identifier: Apache-2.0 */
/* The label stack in the brackets of "mpls(...)". */
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/decode_fields.h"

/* "BITS[/MASK]" of one label stack entry. */
static bool scan_lse_bits(struct fl_cursor *c, uint64_t max, unsigned int shift, uint32_t *lse,
                          uint32_t *lse_mask)
{
    uint64_t value, mask = max;

    if (!fl_scan_uint(c, max, &value) || (fl_scan_char(c, '/') && !fl_scan_uint(c, max, &mask)))
        return false;
    *lse |= (uint32_t)(value << shift);
    *lse_mask |= (uint32_t)(mask << shift);
    return true;
}

/* "label=100,tc=3,ttl=64,bos=1": one label stack entry, as much of it as is printed. */
static bool read_lse(struct fl_cursor *c, ovs_be32 *lse, ovs_be32 *lse_mask)
{
    uint32_t value = 0, mask = 0;
    static const struct {
        const char *name;
        uint64_t max;
        unsigned int shift;
    } parts[] = {
        { "label=", 0xfffff, MPLS_LABEL_SHIFT },
        { "tc=", 7, MPLS_TC_SHIFT },
        { "ttl=", 0xff, MPLS_TTL_SHIFT },
        { "bos=", 1, MPLS_BOS_SHIFT },
    };

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (!fl_scan_word(c, parts[i].name))
            continue;
        if (!scan_lse_bits(c, parts[i].max, parts[i].shift, &value, &mask))
            return false;
        if (!fl_scan_char(c, ','))
            break;
    }
    *lse = htonl(value);
    *lse_mask = htonl(mask);
    return true;
}

bool fl_read_mpls(struct match *match, struct fl_cursor *c)
{
    for (size_t i = 0; i < FLOW_MAX_MPLS_LABELS; i++) {
        const char *start = c->p;

        if (!read_lse(c, &match->flow.mpls_lse[i], &match->wc.masks.mpls_lse[i]))
            return false;
        if (fl_scan_char(c, ')'))
            return true;
        if (c->p == start)
            break;
    }
    return false;
}
