/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/region.h"

#include <openvswitch/meta-flow.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/packet_kind.h"

/* What fl_region_tests_more() looks at; fl_region_meets() at dl_type too. */
static const struct flow addresses_and_ports = {
    .dl_dst = ETH_ADDR_C(ff, ff, ff, ff, ff, ff),
    .dl_src = ETH_ADDR_C(ff, ff, ff, ff, ff, ff),
    .nw_src = OVS_BE32_MAX,
    .nw_dst = OVS_BE32_MAX,
    .ipv6_src = IN6ADDR_EXACT_INIT,
    .ipv6_dst = IN6ADDR_EXACT_INIT,
    .nw_proto = UINT8_MAX,
    .tp_src = OVS_BE16_MAX,
    .tp_dst = OVS_BE16_MAX,
};

static const uint64_t *words(const struct flow *flow)
{
    return (const uint64_t *)flow;
}

/* One region. */

void fl_region_at_entry(struct match *region)
{
    struct flow *mask = &region->wc.masks;

    match_init_catchall(region);
    mask->packet_type = OVS_BE32_MAX;
    mask->recirc_id = UINT32_MAX;
    mask->metadata = OVS_BE64_MAX;
    memset(mask->regs, 0xff, sizeof mask->regs);
    mask->conj_id = UINT32_MAX;
    memset(&mask->actset_output, 0xff, sizeof mask->actset_output);
    fl_packet_ct_fields(mask);
}

bool fl_region_has(const struct match *region, const struct flow *packet)
{
    const uint64_t *value = words(&region->flow), *mask = words(&region->wc.masks);
    const uint64_t *bits = words(packet);

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if ((bits[i] ^ value[i]) & mask[i]) {
            return false;
        }
    }
    return true;
}

bool fl_region_is_empty(const struct match *region)
{
    struct fl_packet_kind kind;

    return !fl_packet_kinds(region, NULL, &kind, 1);
}

/* Two regions. */

/* Do they agree in those bits of @fields (all, if NULL) that both test? */
static bool agree(const struct match *a, const struct match *b, const struct flow *fields)
{
    const uint64_t *av = words(&a->flow), *am = words(&a->wc.masks);
    const uint64_t *bv = words(&b->flow), *bm = words(&b->wc.masks);

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t differs = (av[i] ^ bv[i]) & am[i] & bm[i];

        if (fields ? differs & words(fields)[i] : differs) {
            return false;
        }
    }
    return true;
}

bool fl_region_intersect(const struct match *a, const struct match *b, struct match *both)
{
    struct match result = *a;
    uint64_t *value = (uint64_t *)&result.flow;
    const uint64_t *mask = words(&b->wc.masks);

    if (!agree(a, b, NULL)) {
        return false;
    }
    flow_wildcards_or(&result.wc, &a->wc, &b->wc);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        value[i] |= words(&b->flow)[i] & mask[i];
    }
    if (fl_region_is_empty(&result)) {
        return false;
    }
    *both = result;
    return true;
}

bool fl_region_meets(const struct match *a, const struct match *b)
{
    struct flow fields = addresses_and_ports;

    fields.dl_type = OVS_BE16_MAX;
    return agree(a, b, &fields);
}

bool fl_region_within(const struct match *part, const struct match *whole)
{
    const uint64_t *part_mask = (const uint64_t *)&part->wc.masks;
    const uint64_t *mask = (const uint64_t *)&whole->wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t differ = ((const uint64_t *)&part->flow)[i] ^ ((const uint64_t *)&whole->flow)[i];

        if ((mask[i] & ~part_mask[i]) || (differ & mask[i])) {
            return false;
        }
    }
    return true;
}

bool fl_region_tests_more(const struct flow *want, const struct flow *have)
{
    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (words(want)[i] & ~words(have)[i] & words(&addresses_and_ports)[i]) {
            return true;
        }
    }
    return false;
}

/* Fields. */

void fl_region_field_mask(const struct mf_field *field, struct flow *mask)
{
    struct flow_wildcards wc;

    flow_wildcards_init_catchall(&wc);
    mf_mask_field(field, &wc);
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        wc.masks.vlans[i].tpid = 0; /* libopenvswitch sets it along with the TCI. */
    }
    wc.masks.tcp_flags &= htons(0x0fff);
    *mask = wc.masks;
}

/* Fields that are another's bits by an old name, or that no packet has. */
static bool is_plain_field(const struct mf_field *field)
{
    switch ((int)field->id) {
    case MFF_VLAN_TCI:
    case MFF_DL_VLAN:
    case MFF_DL_VLAN_PCP: return false;
    default: return !mf_is_register(field->id) && !mf_is_tun_metadata(field);
    }
}

static size_t count_bits(const struct flow *mask)
{
    size_t n = 0;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        n += count_1bits(words(mask)[i]);
    }
    return n;
}

/* @bits: of @field, those that @other tests and @region does not. Do @other and @like differ in some? */
static bool bits_of_field(const struct mf_field *field, const struct match *region,
                          const struct match *other, const struct match *like, struct flow *bits)
{
    uint64_t *left = (uint64_t *)bits;
    uint64_t differs = 0;

    fl_region_field_mask(field, bits);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        left[i] &= words(&other->wc.masks)[i] & ~words(&region->wc.masks)[i];
        if (like) {
            differs |= (words(&other->flow)[i] ^ words(&like->flow)[i]) & left[i] &
                       words(&like->wc.masks)[i];
        }
    }
    return differs;
}

const struct mf_field *fl_region_field_apart(const struct match *region, const struct match *other,
                                             const struct match *like)
{
    const struct mf_field *best = NULL;
    size_t best_score = 0;
    struct match both;

    if (!fl_region_intersect(region, other, &both)) {
        return NULL;
    }
    for (enum mf_field_id id = 0; id < MFF_N_IDS; id++) {
        const struct mf_field *field = mf_from_id(id);
        size_t score;
        struct flow bits;
        bool differs;

        /* Fields share bits: TCP's port and UDP's, ARP's addresses and IP's. */
        if (!is_plain_field(field) || !mf_are_match_prereqs_ok(field, &both)) {
            continue;
        }
        differs = bits_of_field(field, region, other, like, &bits);
        score = count_bits(&bits) + (differs ? sizeof(struct flow) * 8 : 0);
        if (score > best_score) {
            best_score = score;
            best = field;
        }
    }
    return best;
}
