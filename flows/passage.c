/* SPDX-License-Identifier: Apache-2.0 */

/* See passage.h. */

#include "flows/passage.h"

#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/passage_rewrite.h"

void fl_passage_begin(struct fl_passage *passage)
{
    memset(passage, 0, sizeof *passage);
    match_init_catchall(&passage->region);
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        passage->vlan_from[i] = i;
    }
    passage->exact = true;
}

/* Matching. */

/* Does the masked VLAN header @wanted at @depth leave any packet? */
static bool meet_vlan(struct fl_passage *passage, int depth, uint32_t wanted, uint32_t mask)
{
    int from = passage->vlan_from[depth];
    union flow_vlan_hdr *value;
    union flow_vlan_hdr *bound;

    if (!mask) {
        return true;
    }
    if (from == FL_VLAN_LOST) {
        passage->exact = false;
        return true;
    }
    if (from == FL_VLAN_SET) {
        return !((wanted ^ (uint32_t)passage->set.vlans[depth].qtag) & mask);
    }
    value = &passage->region.flow.vlans[from];
    bound = &passage->region.wc.masks.vlans[from];
    if ((wanted ^ (uint32_t)value->qtag) & mask & (uint32_t)bound->qtag) {
        return false;
    }
    bound->qtag |= (ovs_be32)mask;
    value->qtag |= (ovs_be32)(wanted & mask);
    return true;
}

/* All of a header but VLANs, in words of 64 bits. */
static bool meet_words(struct fl_passage *passage, const struct match *match)
{
    const uint64_t *wanted = (const uint64_t *)&match->flow;
    const uint64_t *mask = (const uint64_t *)&match->wc.masks;
    const uint64_t *set = (const uint64_t *)&passage->set;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    uint64_t *value = (uint64_t *)&passage->region.flow;
    uint64_t *bound = (uint64_t *)&passage->region.wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t at_entry = mask[i] & ~set_mask[i] & ~lost[i];

        if (!mask[i]) {
            continue;
        }
        if (((wanted[i] ^ set[i]) & mask[i] & set_mask[i]) ||
            ((wanted[i] ^ value[i]) & at_entry & bound[i])) {
            return false;
        }
        if (mask[i] & lost[i]) {
            passage->exact = false;
        }
        bound[i] |= at_entry;
        value[i] |= wanted[i] & at_entry;
    }
    return true;
}

bool fl_passage_meet_match(struct fl_passage *passage, const struct match *match)
{
    struct match words = *match;

    words.wc.masks.recirc_id = 0;
    for (int i = 0; i < FLOW_MAX_VLAN_HEADERS; i++) {
        if (!meet_vlan(passage, i, (uint32_t)match->flow.vlans[i].qtag,
                       (uint32_t)match->wc.masks.vlans[i].qtag)) {
            return false;
        }
    }
    memset(words.wc.masks.vlans, 0, sizeof words.wc.masks.vlans);
    return meet_words(passage, &words);
}

bool fl_passage_meet(struct fl_passage *passage, const struct fl_flow *flow)
{
    struct match match;

    if (!flow->has_match) {
        passage->exact = false;
        match_init_catchall(&match);
        if (flow->in_port != ODPP_NONE) {
            match.flow.in_port.odp_port = flow->in_port;
            match.wc.masks.in_port.odp_port = ODPP_NONE;
        }
        return meet_words(passage, &match);
    }
    if (flow->match_partial) {
        passage->exact = false;
    }
    minimatch_expand(&flow->match, &match);
    return fl_passage_meet_match(passage, &match);
}

/* Acting. */

static bool act_all(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux, unsigned int depth);

/* clone(), sample() and the branches of check_pkt_len() work on copies of the packet. */
static bool act_nested(const struct fl_passage *passage, const struct nlattr *action,
                       fl_passage_recirc_cb *cb, void *aux, unsigned int depth)
{
    const struct nlattr *lists[2];
    size_t lens[2];
    size_t n = fl_actions_nested(action, lists, lens);

    for (size_t i = 0; i < n; i++) {
        struct fl_passage copy;

        if (!fl_actions_recirculate(lists[i], lens[i])) {
            continue;
        }
        copy = *passage;
        if (act_all(&copy, lists[i], lens[i], cb, aux, depth + 1)) {
            return true;
        }
    }
    return false;
}

static bool act_all(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux, unsigned int depth)
{
    const struct nlattr *action;
    size_t left;

    if (depth >= FL_ACTIONS_MAX_DEPTH) {
        return false;
    }
    NL_ATTR_FOR_EACH(action, left, actions, len) {
        if (nl_attr_type(action) == OVS_ACTION_ATTR_RECIRC) {
            /* A datapath may compute the hash when it recirculates, with or without hash(). */
            fl_passage_forget_hash(passage);
            if (cb(nl_attr_get_u32(action), passage, aux)) {
                return true;
            }
        } else {
            if (act_nested(passage, action, cb, aux, depth)) {
                return true;
            }
            fl_passage_rewrite(passage, action);
        }
    }
    return false;
}

bool fl_passage_act(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux)
{
    return act_all(passage, actions, len, cb, aux, 0);
}

/* Asking. */

void fl_passage_clear_connection(struct flow *flow)
{
    flow->recirc_id = 0;
    flow->dp_hash = 0;
    flow->ct_state = 0;
    flow->ct_nw_proto = 0;
    flow->ct_zone = 0;
    flow->ct_mark = 0;
    flow->ct_label = OVS_U128_ZERO;
    flow->ct_nw_src = 0;
    flow->ct_nw_dst = 0;
    flow->ct_ipv6_src = in6addr_any;
    flow->ct_ipv6_dst = in6addr_any;
    flow->ct_tp_src = 0;
    flow->ct_tp_dst = 0;
}

/* What is no packet header, no tunnel and no in_port. */
static void forget_metadata(struct flow *flow)
{
    memset(&flow->metadata, 0, sizeof flow->metadata);
    memset(flow->regs, 0, sizeof flow->regs);
    flow->skb_priority = 0;
    flow->pkt_mark = 0;
    flow->conj_id = 0;
    flow->actset_output = 0;
    fl_passage_clear_connection(flow);
}

void fl_passage_region(const struct fl_passage *passage, struct match *region)
{
    *region = passage->region;
    forget_metadata(&region->wc.masks);
    match_zero_wildcarded_fields(region);
}

bool fl_passage_region_of_flow(const struct fl_flow *flow, struct match *region)
{
    struct fl_passage passage;

    if (!flow->has_match) {
        fl_passage_begin(&passage);
        fl_passage_meet(&passage, flow);
        fl_passage_region(&passage, region);
        return false;
    }
    /* As minimatch_expand(), which spends half of its time on options of tunnels that are not there. */
    miniflow_expand(flow->match.flow, &region->flow);
    miniflow_expand(&flow->match.mask->masks, &region->wc.masks);
    region->tun_md.valid = false;
    forget_metadata(&region->flow);
    forget_metadata(&region->wc.masks);
    return !flow->match_partial;
}

bool fl_passage_knows(const struct fl_passage *passage, const struct flow *mask)
{
    const uint64_t *wanted = (const uint64_t *)mask;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    const uint64_t *bound = (const uint64_t *)&passage->region.wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (wanted[i] & ~(set_mask[i] | (bound[i] & ~lost[i]))) {
            return false;
        }
    }
    return true;
}

void fl_passage_value(const struct fl_passage *passage, struct flow *now)
{
    const uint64_t *set = (const uint64_t *)&passage->set;
    const uint64_t *set_mask = (const uint64_t *)&passage->set_mask;
    const uint64_t *lost = (const uint64_t *)&passage->lost;
    const uint64_t *entry = (const uint64_t *)&passage->region.flow;
    uint64_t *words = (uint64_t *)now;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        words[i] = (set[i] & set_mask[i]) | (entry[i] & ~set_mask[i] & ~lost[i]);
    }
}
