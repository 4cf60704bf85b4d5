/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>
#include <string.h>

#include "flows/shrink_internal.h"
#include "flows/tc_key.h"

#define PROTOCOL_ALL 3 /* ETH_P_ALL */
#define BIT(unit)    (UINT64_C(1) << (unit))

/* What of a filter is left. */
struct kept {
    uint64_t keys;
    bool tag, tunnel_opts, mpls, all_actions;
    uint32_t actions; /* Bit of each that is kept, or of which words are kept. */
    uint8_t words[FL_TC_PEDIT_KEYS_MAX];
};

static void keep(struct kept *kept, const struct fl_shrink_unit *unit)
{
    switch (unit->kind) {
    case FL_SHRINK_KEY: kept->keys |= unit->keys; break;
    case FL_SHRINK_TAG: kept->tag = true; break;
    case FL_SHRINK_TUNNEL_OPTS: kept->tunnel_opts = true; break;
    case FL_SHRINK_MPLS: kept->mpls = true; break;
    case FL_SHRINK_ACTIONS: kept->all_actions = true; break;
    case FL_SHRINK_ACTION: kept->actions |= 1u << unit->action; break;
    case FL_SHRINK_REWRITE:
        kept->actions |= 1u << unit->action;
        memset(kept->words + unit->first, 1, unit->n);
        break;
    }
}

static void fill_masks(struct fl_tc_filter *part, uint64_t keys)
{
    part->masked &= ~keys;
    fl_tc_fill_masks(part);
}

static bool is_tagged(const struct fl_tc_filter *filter)
{
    return filter->protocol == 0x8100 || filter->protocol == 0x88a8;
}

/* TC's "protocol" is what follows the MAC addresses, and is matched: all, unless that is kept. */
static uint16_t protocol_of(const struct fl_tc_filter *filter, const struct kept *kept)
{
    if (is_tagged(filter))
        return kept->tag ? filter->protocol : PROTOCOL_ALL;
    if (fl_tc_has_key(filter, FL_TC_KEY_ETH_TYPE) && !(kept->keys >> FL_TC_KEY_ETH_TYPE & 1))
        return PROTOCOL_ALL;
    return filter->protocol;
}

static void build_match(const struct fl_tc_filter *filter, const struct kept *kept,
                        struct fl_tc_filter *part)
{
    part->present &= kept->keys;
    part->masked &= kept->keys;
    part->protocol = protocol_of(filter, kept);
    if (!kept->tunnel_opts)
        part->enc_opts.kind = part->enc_opts_mask.kind = FL_TC_OPTS_NONE;
    if (!kept->mpls)
        part->n_mpls = 0;
}

/* The words that are kept, in place of all. */
static void build_rewrites(const struct fl_tc_filter *filter, const struct kept *kept,
                           struct fl_tc_filter *part, struct fl_tc_action *action)
{
    uint16_t first = action->pedit.first, end = (uint16_t)(first + action->pedit.n);

    action->pedit.first = part->n_pedit_keys;
    action->pedit.n = 0;
    for (uint16_t i = first; i < end; i++) {
        if (!kept->words[i])
            continue;
        part->pedit_keys[part->n_pedit_keys++] = filter->pedit_keys[i];
        action->pedit.n++;
    }
}

static void build_actions(const struct fl_tc_filter *filter, const struct kept *kept,
                          struct fl_tc_filter *part)
{
    part->n_actions = 0;
    part->n_pedit_keys = 0;
    for (size_t i = 0; i < filter->n_actions; i++) {
        struct fl_tc_action *action;

        if (!(kept->actions >> i & 1))
            continue;
        action = &part->actions[part->n_actions++];
        *action = filter->actions[i];
        action->order = part->n_actions;
        if (!fl_shrink_ends(action))
            action->control = FL_TC_PIPE;
        if (action->kind == FL_TC_PEDIT && action->pedit.n)
            build_rewrites(filter, kept, part, action);
    }
}

static void end_with_drop(struct fl_tc_filter *part)
{
    struct fl_tc_action *action;

    if (part->n_actions &&
        (fl_shrink_jumps(part) || fl_shrink_ends(&part->actions[part->n_actions - 1])))
        return;
    action = fl_tc_add_action(part);
    if (!action)
        return;
    action->kind = FL_TC_GACT;
    action->control = FL_TC_SHOT;
    action->order = part->n_actions;
    action->present = FL_TC_HAS_OPTIONS;
}

void fl_shrink_build(const struct fl_tc_filter *filter, const struct fl_shrunk *shrunk,
                     uint64_t units, uint64_t whole_masks, struct fl_tc_filter *part)
{
    struct kept kept = { .keys = 0 };

    for (uint64_t left = units; left; left &= left - 1)
        keep(&kept, &shrunk->units[__builtin_ctzll(left)]);
    *part = *filter;
    build_match(filter, &kept, part);
    for (uint64_t left = whole_masks; left; left &= left - 1)
        fill_masks(part, shrunk->units[__builtin_ctzll(left)].keys);
    if (!kept.all_actions)
        build_actions(filter, &kept, part);
    end_with_drop(part);
}

/* Flags are a set of bits: a mask of some of them is what it is meant to be. */
static bool is_full(enum fl_tc_form form, const struct fl_tc_value *mask)
{
    switch (form) {
    case FL_TC_FORM_U8:
    case FL_TC_FORM_SLASHED:
    case FL_TC_FORM_ARP_OP: return mask->n == UINT8_MAX;
    case FL_TC_FORM_U16: return mask->n == UINT16_MAX;
    case FL_TC_FORM_U32: return mask->n == UINT32_MAX;
    case FL_TC_FORM_MAC: return is_all_ones(mask, 6);
    case FL_TC_FORM_IP4: return is_all_ones(mask, 4);
    case FL_TC_FORM_IP6:
    case FL_TC_FORM_CT_LABEL: return is_all_ones(mask, 16);
    default: return true;
    }
}

bool fl_shrink_is_masked(const struct fl_tc_filter *filter, const struct fl_shrink_unit *unit)
{
    for (uint64_t left = unit->keys & filter->masked; left; left &= left - 1) {
        int key = __builtin_ctzll(left);

        if (!is_full(fl_tc_key_form((enum fl_tc_key)key), &filter->mask[key]))
            return true;
    }
    return false;
}
