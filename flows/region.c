/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/region.h"

#include <ovs/packets.h>
#include <ovs/util.h>

static bool eth_meets(struct eth_addr a, struct eth_addr a_mask, struct eth_addr b,
                      struct eth_addr b_mask)
{
    for (size_t i = 0; i < ARRAY_SIZE(a.ea); i++) {
        if ((a.ea[i] ^ b.ea[i]) & a_mask.ea[i] & b_mask.ea[i]) {
            return false;
        }
    }
    return true;
}

bool fl_region_meets(const struct match *one, const struct match *other)
{
    const struct flow *a = &one->flow, *am = &one->wc.masks;
    const struct flow *b = &other->flow, *bm = &other->wc.masks;
    struct in6_addr src_mask = ipv6_addr_bitand(&am->ipv6_src, &bm->ipv6_src);
    struct in6_addr dst_mask = ipv6_addr_bitand(&am->ipv6_dst, &bm->ipv6_dst);
    struct in6_addr src = ipv6_addr_bitxor(&a->ipv6_src, &b->ipv6_src);
    struct in6_addr dst = ipv6_addr_bitxor(&a->ipv6_dst, &b->ipv6_dst);

    src = ipv6_addr_bitand(&src, &src_mask);
    dst = ipv6_addr_bitand(&dst, &dst_mask);
    return !((a->dl_type ^ b->dl_type) & am->dl_type & bm->dl_type) &&
           eth_meets(a->dl_src, am->dl_src, b->dl_src, bm->dl_src) &&
           eth_meets(a->dl_dst, am->dl_dst, b->dl_dst, bm->dl_dst) &&
           !((a->nw_src ^ b->nw_src) & am->nw_src & bm->nw_src) &&
           !((a->nw_dst ^ b->nw_dst) & am->nw_dst & bm->nw_dst) && ipv6_is_zero(&src) &&
           ipv6_is_zero(&dst) && !((a->nw_proto ^ b->nw_proto) & am->nw_proto & bm->nw_proto) &&
           !((a->tp_src ^ b->tp_src) & am->tp_src & bm->tp_src) &&
           !((a->tp_dst ^ b->tp_dst) & am->tp_dst & bm->tp_dst);
}

static bool has_extra_eth(struct eth_addr have, struct eth_addr want)
{
    for (size_t i = 0; i < ARRAY_SIZE(want.ea); i++) {
        if (want.ea[i] & ~have.ea[i]) {
            return true;
        }
    }
    return false;
}

static bool has_extra_ipv6(const struct in6_addr *have, const struct in6_addr *want)
{
    for (size_t i = 0; i < sizeof want->s6_addr; i++) {
        if (want->s6_addr[i] & ~have->s6_addr[i]) {
            return true;
        }
    }
    return false;
}

bool fl_region_tests_more(const struct flow *want, const struct flow *have)
{
    return has_extra_eth(have->dl_src, want->dl_src) || has_extra_eth(have->dl_dst, want->dl_dst) ||
           (want->nw_src & ~have->nw_src) || (want->nw_dst & ~have->nw_dst) ||
           has_extra_ipv6(&have->ipv6_src, &want->ipv6_src) ||
           has_extra_ipv6(&have->ipv6_dst, &want->ipv6_dst) || (want->nw_proto & ~have->nw_proto) ||
           (want->tp_src & ~have->tp_src) || (want->tp_dst & ~have->tp_dst);
}
