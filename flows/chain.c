/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stitching. From each flow that packets start at, every recirc() is followed to the flows that match
 * its recirc_id, the same in_port and PMD, and packets that can have come there (passage.h).
 *
 * A datapath may hold tens of thousands of connections, each a flow of its own, behind one recirc_id:
 * so later links that match a whole connection are also indexed by it, and a first link that matches
 * one as well finds them without looking at the others.
 */

#include "flows/chain.h"

#include <openvswitch/hmap.h>
#include <ovs/flow.h>
#include <ovs/hash.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/arena.h"
#include "flows/limits.h"
#include "flows/passage.h"

/* A flow that packets come to by recirculation. */
struct tail {
    struct hmap_node by_origin;     /* recirc_id, in_port, PMD */
    struct hmap_node by_connection; /* the same and the connection; only in @connections */
    uint32_t flow;                  /* Its index in the snapshot. */
    bool reached;                   /* By a chain. */
};

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
    struct fl_arena *arena;  /* For the links. */
    struct hmap loose;       /* Tails by origin, but those of ... */
    struct hmap connections; /* ... whole connections, by origin ... */
    struct hmap exact;       /* ... and by origin and connection. */
    struct tail *tails;
    size_t n_tails;
    /* The links so far. */
    const struct fl_snapshot_flow *links[FL_LIMIT_CHAIN_LINKS];
    uint32_t indexes[FL_LIMIT_CHAIN_LINKS];
    size_t n_links;
};

struct chains {
    struct fl_chains public;
    struct fl_arena arena;
};

/* Indexing. */

static uint32_t hash_origin(const struct fl_flow *flow, uint32_t recirc_id)
{
    return hash_3words(recirc_id, odp_to_u32(flow->in_port), (uint32_t)flow->pmd);
}

static uint32_t hash_connection(const struct flow *flow, uint32_t basis)
{
    uint32_t hash = hash_2words((uint32_t)flow->nw_src, (uint32_t)flow->nw_dst);

    hash = hash_bytes(&flow->ipv6_src, sizeof flow->ipv6_src + sizeof flow->ipv6_dst, hash);
    hash = hash_3words(hash, (uint32_t)flow->tp_src << 16 | flow->tp_dst, flow->nw_proto);
    return hash_2words(hash, basis);
}

/* The mask of a whole connection over IPv4 or IPv6. */
static void connection_mask(bool ipv6, struct flow *mask)
{
    memset(mask, 0, sizeof *mask);
    if (ipv6) {
        mask->ipv6_src = mask->ipv6_dst = in6addr_exact;
    } else {
        mask->nw_src = mask->nw_dst = OVS_BE32_MAX;
    }
    mask->dl_type = OVS_BE16_MAX;
    mask->nw_proto = UINT8_MAX;
    mask->tp_src = mask->tp_dst = OVS_BE16_MAX;
}

static bool is_connection(const struct fl_flow *flow, struct match *match)
{
    struct flow wanted;

    if (!flow->has_match) {
        return false;
    }
    minimatch_expand(&flow->match, match);
    connection_mask(match->flow.dl_type == htons(ETH_TYPE_IPV6), &wanted);
    return is_ip_any(&match->flow) &&
           !flow_wildcards_has_extra(&match->wc, &(struct flow_wildcards){ .masks = wanted });
}

static void index_tail(struct stitcher *s, struct tail *tail)
{
    const struct fl_flow *flow = &fl_snapshot_flow(s->snapshot, tail->flow)->flow;
    uint32_t hash = hash_origin(flow, flow->recirc_id);
    struct match match;

    if (is_connection(flow, &match)) {
        hmap_insert(&s->connections, &tail->by_origin, hash);
        hmap_insert(&s->exact, &tail->by_connection, hash_connection(&match.flow, hash));
    } else {
        hmap_insert(&s->loose, &tail->by_origin, hash);
    }
}

static void index_tails(struct stitcher *s)
{
    size_t n_flows = fl_snapshot_n_flows(s->snapshot);
    size_t n = 0;

    for (size_t i = 0; i < n_flows; i++) {
        s->n_tails += fl_snapshot_flow(s->snapshot, i)->flow.recirc_id != 0;
    }
    s->tails = xcalloc(MAX(1, s->n_tails), sizeof *s->tails);
    for (size_t i = 0; i < n_flows; i++) {
        if (fl_snapshot_flow(s->snapshot, i)->flow.recirc_id) {
            s->tails[n].flow = (uint32_t)i;
            index_tail(s, &s->tails[n++]);
        }
    }
}

/* Chains. */

static bool flow_drops(const struct fl_flow *flow)
{
    return flow->drops || (flow->has_actions && fl_actions_drop(flow->actions, flow->actions_len));
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
        .drops = flow_drops(&last->flow),
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

static void try_tail(struct step *step, struct tail *tail, uint32_t recirc_id,
                     const struct fl_passage *at)
{
    struct stitcher *s = step->s;
    const struct fl_snapshot_flow *link = fl_snapshot_flow(s->snapshot, tail->flow);
    const struct fl_flow *head = &s->links[0]->flow;
    struct fl_passage passage;

    if (link->flow.recirc_id != recirc_id || link->flow.in_port != head->in_port ||
        link->flow.pmd != head->pmd || is_link_already(s, tail->flow) || is_exhausted(s)) {
        return;
    }
    s->n_tests++;
    passage = *at;
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

/* Does @at tell the whole connection? Then only tails of this one, and loose ones, can meet it. */
static bool tells_connection(const struct fl_passage *at, uint32_t basis, uint32_t *hash)
{
    struct flow mask;
    struct flow now;

    fl_passage_value(at, &now);
    if (!is_ip_any(&now)) {
        return false;
    }
    connection_mask(now.dl_type == htons(ETH_TYPE_IPV6), &mask);
    *hash = hash_connection(&now, basis);
    return fl_passage_knows(at, &mask);
}

static bool follow_recirc(uint32_t recirc_id, const struct fl_passage *at, void *step_)
{
    struct step *step = step_;
    struct stitcher *s = step->s;
    uint32_t origin = hash_origin(&s->links[0]->flow, recirc_id);
    uint32_t connection;
    struct tail *tail;

    HMAP_FOR_EACH_WITH_HASH(tail, by_origin, origin, &s->loose) {
        try_tail(step, tail, recirc_id, at);
    }
    if (hmap_is_empty(&s->connections)) {
        return is_exhausted(s);
    }
    if (tells_connection(at, origin, &connection)) {
        HMAP_FOR_EACH_WITH_HASH(tail, by_connection, connection, &s->exact) {
            try_tail(step, tail, recirc_id, at);
        }
    } else {
        HMAP_FOR_EACH_WITH_HASH(tail, by_origin, origin, &s->connections) {
            try_tail(step, tail, recirc_id, at);
        }
    }
    return is_exhausted(s);
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
    if (flow->has_actions && fl_actions_recirculate(flow->actions, flow->actions_len)) {
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
    if (flow->has_actions && fl_actions_recirculate(flow->actions, flow->actions_len)) {
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
    hmap_init(&s.loose);
    hmap_init(&s.connections);
    hmap_init(&s.exact);
    index_tails(&s);
    for (size_t i = 0; i < n_flows; i++) {
        if (!fl_snapshot_flow(snapshot, i)->flow.recirc_id) {
            follow_from(&s, (uint32_t)i);
        }
    }
    s.headless = true;
    for (size_t i = 0; !s.cut && i < s.n_tails; i++) {
        if (!s.tails[i].reached) {
            follow_from(&s, s.tails[i].flow);
        }
    }
    if (s.n_tails) {
        share_out_packets(&s);
    }
    chains->public = (struct fl_chains){ .chains = s.chains, .n = s.n, .cut = s.cut };
    free(s.last);
    free(s.tails);
    hmap_destroy(&s.loose);
    hmap_destroy(&s.connections);
    hmap_destroy(&s.exact);
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
