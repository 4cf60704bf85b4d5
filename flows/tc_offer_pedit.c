/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: OVS 3.1 lib/netdev-offload-tc.c, parse_put_flow_set_masked_action(); lib/tc.c,
 * nl_msg_put_flower_rewrite_pedits(), csum_update_flag().
 */
#include <errno.h>
#include <netinet/in.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_offer_internal.h"
#include "flows/tc_rewrite.h"

#define WORDS_OF_ONE_MAX 32 /* MAX_PEDIT_OFFSETS */

/* TCA_CSUM_UPDATE_FLAG_* */
#define CSUM_IPV4HDR 1u
#define CSUM_ICMP    2u
#define CSUM_TCP     8u
#define CSUM_UDP     16u

bool fl_tc_offer_rewrites(const struct nlattr *set)
{
    return fl_tc_rewrite_size(nl_attr_type(set)) != 0;
}

/* Which checksums have to be made anew, which the protocol tells. */
static int add_checksums(struct fl_tc_offering *offering, uint8_t header)
{
    if (header == FL_TC_ETH)
        return 0;
    if (header == FL_TC_IP4)
        offering->csum |= CSUM_IPV4HDR;
    switch (offering->ip_proto) {
    case IPPROTO_TCP: offering->csum |= CSUM_TCP; break;
    case IPPROTO_UDP: offering->csum |= CSUM_UDP; break;
    case IPPROTO_ICMPV6: offering->csum |= CSUM_ICMP; break;
    case IPPROTO_ICMP: break;
    case 0:
        return fl_error_set(offering->err, -EINVAL,
                            "what Open vSwitch offers for a rewrite of IP where no protocol is "
                            "matched depends on the packet that the flow was made for");
    default:
        return fl_error_set(offering->err, -EOPNOTSUPP,
                            "Open vSwitch offers no rewrite of IP protocol %u", offering->ip_proto);
    }
    offering->needs_proto = true;
    return 0;
}

/* A word of the header, as bytes of it that are changed. */
struct word {
    uint8_t value[4], mask[4];
};

static int put_word(struct fl_tc_offering *offering, struct fl_tc_action *action,
                    const struct fl_tc_rewrite *field, int offset, const struct word *word)
{
    struct fl_tc_filter *filter = offering->filter;
    ovs_be32 value, mask;

    if (is_all_zeros(word->mask, sizeof word->mask))
        return 0;
    if (action->pedit.n == WORDS_OF_ONE_MAX || filter->n_pedit_keys == FL_TC_PEDIT_KEYS_MAX)
        return fl_error_set(offering->err, -EOPNOTSUPP,
                            "Open vSwitch does not offer to rewrite more than %d words",
                            WORDS_OF_ONE_MAX);
    memcpy(&value, word->value, sizeof value);
    memcpy(&mask, word->mask, sizeof mask);
    mask = htonl(ntohl(mask) >> field->shift);
    value = htonl(ntohl(value) >> field->shift) & mask;
    filter->pedit_keys[filter->n_pedit_keys++] = (struct fl_tc_pedit_key){
        .header = field->header,
        .offset = offset,
        .value = value,
        .mask = ~mask,
    };
    action->pedit.n++;
    return add_checksums(offering, field->header);
}

/* @value and @mask: the bytes of the field */
static int put_field(struct fl_tc_offering *offering, struct fl_tc_action *action,
                     const struct fl_tc_rewrite *field, const uint8_t *value, const uint8_t *mask)
{
    int first = ROUND_DOWN(field->offset, 4), end = field->offset + field->n;

    for (int at = first; at < end; at += 4) {
        struct word word = { { 0 }, { 0 } };
        int ret;

        for (int i = 0; i < 4; i++) {
            int byte = at + i - field->offset;

            if (byte >= 0 && byte < field->n) {
                word.value[i] = value[byte];
                word.mask[i] = mask[byte];
            }
        }
        ret = put_word(offering, action, field, at, &word);
        if (ret)
            return ret;
    }
    return 0;
}

static int put_fields(struct fl_tc_offering *offering, struct fl_tc_action *action, int attr,
                      const uint8_t *value, const uint8_t *mask)
{
    for (size_t i = 0; i < FL_TC_N_REWRITES; i++) {
        const struct fl_tc_rewrite *field = &fl_tc_rewrites[i];
        int ret;

        if (field->attr != attr)
            continue;
        ret = put_field(offering, action, field, value + field->key_offset,
                        mask + field->key_offset);
        if (ret)
            return ret;
    }
    return 0;
}

int fl_tc_offer_pedit(struct fl_tc_offering *offering, const struct nlattr *set, bool masked)
{
    uint8_t ones[sizeof(struct ovs_key_ipv6)];
    int attr = nl_attr_type(set);
    size_t n = fl_tc_rewrite_size(attr);
    const uint8_t *value = nl_attr_get(set);
    struct fl_tc_action *action;

    memset(ones, 0xff, sizeof ones);
    if (!n || nl_attr_get_size(set) != (masked ? 2 * n : n) || n > sizeof ones)
        return fl_error_set(offering->err, -EOPNOTSUPP, "Open vSwitch does not offer set(%d)",
                            attr);
    action = fl_tc_offer_add(offering, FL_TC_PEDIT);
    if (!action)
        return -E2BIG;
    action->pedit.first = offering->filter->n_pedit_keys;
    return put_fields(offering, action, attr, value, masked ? value + n : ones);
}
