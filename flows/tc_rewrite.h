/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_REWRITE_H
#define FLOWLIFT_TC_REWRITE_H

/*
 * Fields of headers that Open vSwitch sets and TC's action pedit rewrites: where they are in the header, and
 * where in the key of OVS's attribute. Sources: OVS 3.1 lib/tc.c, flower_pedit_map; lib/netdev-offload-tc.c,
 * set_flower_map.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/tc_filter.h"

/* TCA_PEDIT_KEY_EX_HDR_TYPE_* */
enum fl_tc_header {
    FL_TC_NETWORK,
    FL_TC_ETH,
    FL_TC_IP4,
    FL_TC_IP6,
    FL_TC_TCP,
    FL_TC_UDP,
    FL_TC_N_HEADERS
};

struct fl_tc_rewrite {
    const char *name;   /* "ipv4 ttl" */
    uint16_t attr;      /* OVS_KEY_ATTR_* */
    uint8_t header;     /* enum fl_tc_header */
    uint8_t offset, n;  /* Bytes of the header. */
    uint8_t key_offset; /* Of the same bytes in the attribute. */
    uint8_t shift;      /* Bits that they are moved to the right by, as they begin within a byte. */
};

#define FL_TC_N_REWRITES 14
/* In the order in which OVS puts their words. */
extern const struct fl_tc_rewrite fl_tc_rewrites[FL_TC_N_REWRITES];

/** fl_tc_rewrite_size() - bytes of the key of OVS_KEY_ATTR_*; 0 for one that pedit has no fields of */
size_t fl_tc_rewrite_size(int attr);

/** fl_tc_rewrite_of() - the field that a word of pedit changes first; NULL when it is none of them */
const struct fl_tc_rewrite *fl_tc_rewrite_of(const struct fl_tc_pedit_key *key);

#endif
