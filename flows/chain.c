/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stitching. From each flow that packets start at, every recirc() is followed to the flows that match
 * its recirc_id, the same in_port and PMD, and packets that can have come there (passage.h).
 */

#include "flows/chain.h"

#include <ovs/flow.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/arena.h"
#include "flows/chain_tails.h"
#include "flows/limits.h"
#include "flows/passage.h"

struct stitcher {
    const struct fl_snapshot *snapshot;
    struct fl_chain *chains;
    uint32_t *last; /* Index of the last link; side by side with @chains. */
    size_t n;
    size_t allocated;
    bool cut;
    bool headless; /* The present chain begins at a tail. */
    size_t n_of_head;
    uint64_t n_tests;
    struct {
        const struct nlattr *actions; /* The last that were looked at: flows share theirs. */
        size_t len;
        bool recirculate, drop;
    } known;
    struct fl_arena *arena; /* For the links. */
    struct fl_tails tails;
    /* The links so far. */
    const struct fl_snapshot_flow *links[FL_LIMIT_CHAIN_LINKS];
    uint32_t indexes[FL_LIMIT_CHAIN_LINKS];
    size_t n_links;
};

struct chains {
    struct fl_chains public;
    struct fl_arena arena;
};

/* Chains. */

/* What the NIC forwarded of the chain, when its path and its packets are known. */
static void set_hw_counts(struct fl_chain *chain)
{
    const struct fl_snapshot_flow *last = chain->links[chain->n_links - 1];
    bool apart = last->window_hw_packets != FL_COUNT_UNKNOWN;

    if (chain->path != FL_PATH_HW) {
        return;
    }
    chain->hw_packets = apart ? MIN(last->window_hw_packets, chain->packets) : chain->packets;
    chain->hw_bytes = apart && last->window_hw_bytes != FL_COUNT_UNKNOWN
                          ? MIN(last->window_hw_bytes, chain->bytes)
                          : chain->bytes;
}

/* A snapshot has equal actions once, so that most flows have the same as the one before. */
static void know_actions(struct stitcher *s, const struct fl_flow *flow)
{
    if (flow->actions == s->known.actions && flow->actions_len == s->known.len) {
        return;
    }
    s->known.actions = flow->actions;
    s->known.len = flow->actions_len;
    s->known.recirculate = fl_actions_recirculate(flow->actions, flow->actions_len);
    s->known.drop = fl_actions_drop(flow->actions, flow->actions_len);
}

static bool flow_recirculates(struct stitcher *s, const struct fl_flow *flow)
{
    if (!flow->has_actions || !flow->actions_len) {
        return false;
    }
    know_actions(s, flow);
    return s->known.recirculate;
}

static bool flow_drops(struct stitcher *s, const struct fl_flow *flow)
{
    if (!flow->has_actions || !flow->actions_len) {
        return flow->drops || flow->has_actions;
    }
    know_actions(s, flow);
    return flow->drops || s->known.drop;
}

static void add_chain(struct stitcher *s, bool open)
{
    const struct fl_snapshot_flow *last = s->links[s->n_links - 1];
    struct fl_chain *chain;

    if (s->n >= FL_LIMIT_CHAINS || s->n_of_head >= FL_LIMIT_CHAINS_PER_HEAD) {
        s->cut = true;
        return;
    }
    if (s->n == s->allocated) {
        s->allocated = MAX(64, s->allocated * 2);
        s->chains = xrealloc(s->chains, s->allocated * sizeof *s->chains);
        s->last = xrealloc(s->last, s->allocated * sizeof *s->last);
    }
    chain = &s->chains[s->n];
    *chain = (struct fl_chain){
        .links = fl_arena_copy(s->arena, s->links, s->n_links * sizeof *s->links),
        .n_links = s->n_links,
        .packets = last->window_packets,
        .bytes = last->window_bytes,
        .path = FL_PATH_HW,
        .open = open,
        .headless = s->headless,
        .drops = flow_drops(s, &last->flow),
        .seen_before = true,
    };
    for (size_t i = 0; i < s->n_links; i++) {
        chain->path = fl_path_worse(chain->path, s->links[i]->flow.path);
        chain->seen_before &= s->links[i]->seen_before;
    }
    /* The part that is not seen may well be in software. */
    if ((open || s->headless) && chain->path == FL_PATH_HW) {
        chain->path = FL_PATH_UNKNOWN;
    }
    set_hw_counts(chain);
    s->last[s->n] = s->indexes[s->n_links - 1];
    s->n++;
    s->n_of_head++;
}

static bool is_exhausted(struct stitcher *s)
{
    bool exhausted = s->n_tests >= FL_LIMIT_CHAIN_TESTS || s->n >= FL_LIMIT_CHAINS ||
                     s->n_of_head >= FL_LIMIT_CHAINS_PER_HEAD;

    s->cut |= exhausted;
    return exhausted;
}

/* Following one recirc(). */
struct step {
    struct stitcher *s;
    uint32_t recirc_id;
    const struct fl_passage *at;
    bool continued;
};

static void follow(struct stitcher *s, const struct fl_snapshot_flow *link, uint32_t index,
                   const struct fl_passage *passage);

static bool is_link_already(const struct stitcher *s, uint32_t index)
{
    for (size_t i = 0; i < s->n_links; i++) {
        if (s->indexes[i] == index) {
            return true;
        }
    }
    return false;
}

static void try_tail(struct fl_tail *tail, void *step_)
{
    struct step *step = step_;
    struct stitcher *s = step->s;
    const struct fl_snapshot_flow *link = fl_snapshot_flow(s->snapshot, tail->flow);
    const struct fl_flow *head = &s->links[0]->flow;
    struct fl_passage passage;

    if (link->flow.recirc_id != step->recirc_id || link->flow.in_port != head->in_port ||
        link->flow.pmd != head->pmd || is_link_already(s, tail->flow) || is_exhausted(s)) {
        return;
    }
    s->n_tests++;
    passage = *step->at;
    if (!fl_passage_meet(&passage, &link->flow)) {
        return;
    }
    step->continued = true;
    tail->reached = true;
    if (s->n_links == FL_LIMIT_CHAIN_LINKS) {
        s->cut = true;
        return;
    }
    follow(s, link, tail->flow, &passage);
}

static bool follow_recirc(uint32_t recirc_id, const struct fl_passage *at, void *step_)
{
    struct step *step = step_;

    if (is_exhausted(step->s)) {
        return true;
    }
    step->recirc_id = recirc_id;
    step->at = at;
    fl_tails_visit(&step->s->tails, &step->s->links[0]->flow, recirc_id, at, try_tail, step);
    return is_exhausted(step->s);
}

/* Packets come to @link, as @passage has it after the match; the chains on from there are added. */
static void follow(struct stitcher *s, const struct fl_snapshot_flow *link, uint32_t index,
                   const struct fl_passage *passage)
{
    const struct fl_flow *flow = &link->flow;
    struct step step = { .s = s };

    s->links[s->n_links] = link;
    s->indexes[s->n_links] = index;
    s->n_links++;
    if (flow_recirculates(s, flow)) {
        struct fl_passage after = *passage;

        fl_passage_act(&after, flow->actions, flow->actions_len, follow_recirc, &step);
        if (!step.continued) {
            add_chain(s, true);
        }
    } else {
        add_chain(s, !flow->has_actions);
    }
    s->n_links--;
}

static void follow_from(struct stitcher *s, uint32_t index)
{
    const struct fl_snapshot_flow *link = fl_snapshot_flow(s->snapshot, index);
    const struct fl_flow *flow = &link->flow;
    struct fl_passage passage;

    s->n_of_head = 0;
    if (flow_recirculates(s, flow)) {
        fl_passage_begin(&passage);
        fl_passage_meet(&passage, flow);
    }
    follow(s, link, index, &passage);
}

/* Packets. */

#define MAX_WEIGHT (UINT64_C(1) << 40) /* So that a sum of weights cannot overflow. */

static uint64_t weight_of(const struct fl_chain *chain)
{
    return MIN(chain->links[0]->window_packets, MAX_WEIGHT);
}

static uint64_t share(uint64_t total, uint64_t before, uint64_t weight, uint64_t sum)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint64_t)((wide)total * (before + weight) / sum) -
           (uint64_t)((wide)total * before / sum);
}

/* Links that several chains end in are counted once. */
static void share_out_packets(struct stitcher *s)
{
    size_t n_flows = fl_snapshot_n_flows(s->snapshot);
    uint64_t *sums = xcalloc(MAX(1, n_flows), sizeof *sums);
    uint64_t *before = xcalloc(MAX(1, n_flows), sizeof *before);

    /* One is added to each weight: chains of which nothing was counted get even parts. */
    for (size_t i = 0; i < s->n; i++) {
        sums[s->last[i]] += weight_of(&s->chains[i]) + 1;
    }
    for (size_t i = 0; i < s->n; i++) {
        struct fl_chain *chain = &s->chains[i];
        uint32_t end = s->last[i];
        uint64_t weight = weight_of(chain) + 1;

        chain->packets = share(chain->packets, before[end], weight, sums[end]);
        chain->bytes = share(chain->bytes, before[end], weight, sums[end]);
        chain->hw_packets = share(chain->hw_packets, before[end], weight, sums[end]);
        chain->hw_bytes = share(chain->hw_bytes, before[end], weight, sums[end]);
        before[end] += weight;
    }
    free(sums);
    free(before);
}

struct fl_chains *fl_chains_stitch(const struct fl_snapshot *snapshot)
{
    struct chains *chains = xzalloc(sizeof *chains);
    struct stitcher s = { .snapshot = snapshot, .arena = &chains->arena };
    size_t n_flows = fl_snapshot_n_flows(snapshot);

    fl_arena_init(&chains->arena);
    fl_tails_init(&s.tails, snapshot);
    for (size_t i = 0; i < n_flows; i++) {
        if (!fl_snapshot_flow(snapshot, i)->flow.recirc_id) {
            follow_from(&s, (uint32_t)i);
        }
    }
    s.headless = true;
    for (size_t i = 0; !s.cut && i < s.tails.n; i++) {
        if (!s.tails.tails[i].reached) {
            follow_from(&s, s.tails.tails[i].flow);
        }
    }
    if (s.tails.n) {
        share_out_packets(&s);
    }
    chains->public = (struct fl_chains){ .chains = s.chains, .n = s.n, .cut = s.cut };
    free(s.last);
    fl_tails_destroy(&s.tails);
    return &chains->public;
}

void fl_chains_destroy(struct fl_chains *chains_)
{
    struct chains *chains = chains_ ? CONTAINER_OF(chains_, struct chains, public) : NULL;

    if (chains) {
        free(chains->public.chains);
        fl_arena_destroy(&chains->arena);
        free(chains);
    }
}

/* Regions. */

struct crossing {
    const struct fl_flow *next;
    struct fl_passage *result;
};

static bool cross(uint32_t recirc_id, const struct fl_passage *at, void *crossing_)
{
    struct crossing *crossing = crossing_;

    if (recirc_id != crossing->next->recirc_id) {
        return false;
    }
    *crossing->result = *at;
    return fl_passage_meet(crossing->result, crossing->next);
}

bool fl_chain_region(const struct fl_chain *chain, struct match *region)
{
    struct fl_passage passage;

    if (chain->n_links == 1) {
        return fl_passage_region_of_flow(&chain->links[0]->flow, region);
    }
    fl_passage_begin(&passage);
    fl_passage_meet(&passage, &chain->links[0]->flow);
    for (size_t i = 1; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i - 1]->flow;
        struct fl_passage next = passage;
        struct crossing crossing = { .next = &chain->links[i]->flow, .result = &next };

        fl_passage_act(&passage, flow->actions, flow->actions_len, cross, &crossing);
        passage = next;
    }
    fl_passage_region(&passage, region);
    return passage.exact;
}
