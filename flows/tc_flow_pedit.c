/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pedit action changes words of a header; OVS sets fields of it. Source: OVS 3.1
 * lib/netdev-offload-tc.c, parse_flower_rewrite_to_netlink_action().
 */
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_flow_internal.h"
#include "flows/tc_rewrite.h"

/* In the order in which OVS puts them. */
static const struct {
    enum fl_tc_header header;
    uint16_t attr;
} keys_of[] = {
    { FL_TC_ETH, OVS_KEY_ATTR_ETHERNET }, { FL_TC_IP4, OVS_KEY_ATTR_IPV4 },
    { FL_TC_IP6, OVS_KEY_ATTR_IPV6 },     { FL_TC_TCP, OVS_KEY_ATTR_TCP },
    { FL_TC_UDP, OVS_KEY_ATTR_UDP },
};

#define KEY_BYTES 64

struct rewrite {
    uint8_t value[KEY_BYTES], mask[KEY_BYTES];
    bool used;
};

BUILD_ASSERT_DECL(sizeof(struct ovs_key_ipv6) <= KEY_BYTES);

static bool put_byte(struct rewrite *rewrites, uint32_t header, int offset, uint8_t value,
                     uint8_t mask)
{
    for (size_t i = 0; i < FL_TC_N_REWRITES; i++) {
        const struct fl_tc_rewrite *field = &fl_tc_rewrites[i];
        size_t at;

        if (field->shift || field->header != header || offset < field->offset ||
            offset >= field->offset + field->n)
            continue;
        at = field->key_offset + (size_t)(offset - field->offset);
        rewrites[header].value[at] |= value & mask;
        rewrites[header].mask[at] |= mask;
        rewrites[header].used = true;
        return true;
    }
    return false;
}

/* The traffic class of IPv6: the first word but its version and flow label. */
static bool put_traffic_class(struct rewrite *rewrite, uint32_t value, uint32_t mask)
{
    const size_t at = offsetof(struct ovs_key_ipv6, ipv6_tclass);

    if (mask & ~0x0ff00000u)
        return false;
    rewrite->value[at] |= (uint8_t)((value & mask) >> 20);
    rewrite->mask[at] |= (uint8_t)(mask >> 20);
    rewrite->used = true;
    return true;
}

static bool put_word(struct rewrite *rewrites, const struct fl_tc_pedit_key *key)
{
    uint32_t value = ntohl(key->value), mask = ~ntohl(key->mask);

    if (key->add || key->header < FL_TC_ETH || key->header > FL_TC_UDP || key->offset < 0 ||
        key->offset > 64)
        return false;
    if (key->header == FL_TC_IP6 && key->offset == 0)
        return put_traffic_class(&rewrites[FL_TC_IP6], value, mask);
    for (int i = 0; i < 4; i++) {
        uint8_t byte_mask = (uint8_t)(mask >> (24 - 8 * i));

        if (byte_mask && !put_byte(rewrites, key->header, key->offset + i,
                                   (uint8_t)(value >> (24 - 8 * i)), byte_mask))
            return false;
    }
    return true;
}

bool fl_tc_flow_pedit(const struct fl_tc_pedit_key *keys, size_t n, struct ofpbuf *actions)
{
    struct rewrite rewrites[FL_TC_N_HEADERS];

    memset(rewrites, 0, sizeof rewrites);
    for (size_t i = 0; i < n; i++) {
        if (!put_word(rewrites, &keys[i]))
            return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys_of); i++) {
        const struct rewrite *rewrite = &rewrites[keys_of[i].header];
        size_t length = fl_tc_rewrite_size(keys_of[i].attr), nested;
        uint8_t *put;

        if (!rewrite->used)
            continue;
        nested = nl_msg_start_nested(actions, OVS_ACTION_ATTR_SET_MASKED);
        put = nl_msg_put_unspec_uninit(actions, keys_of[i].attr, length * 2);
        memcpy(put, rewrite->value, length);
        memcpy(put + length, rewrite->mask, length);
        nl_msg_end_nested(actions, nested);
    }
    return true;
}
