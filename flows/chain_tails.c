/* SPDX-License-Identifier: Apache-2.0 */

/* See chain_tails.h. */

#include "flows/chain_tails.h"

#include <ovs/flow.h>
#include <ovs/hash.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

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

static void index_tail(struct fl_tails *tails, struct fl_tail *tail, const struct fl_flow *flow)
{
    uint32_t hash = hash_origin(flow, flow->recirc_id);
    struct match match;

    if (is_connection(flow, &match)) {
        hmap_insert(&tails->connections, &tail->by_origin, hash);
        hmap_insert(&tails->exact, &tail->by_connection, hash_connection(&match.flow, hash));
    } else {
        hmap_insert(&tails->loose, &tail->by_origin, hash);
    }
}

void fl_tails_init(struct fl_tails *tails, const struct fl_snapshot *snapshot)
{
    size_t n_flows = fl_snapshot_n_flows(snapshot);
    size_t n = 0;

    *tails = (struct fl_tails){ .n = 0 };
    hmap_init(&tails->loose);
    hmap_init(&tails->connections);
    hmap_init(&tails->exact);
    for (size_t i = 0; i < n_flows; i++) {
        tails->n += fl_snapshot_flow(snapshot, i)->flow.recirc_id != 0;
    }
    tails->tails = xcalloc(MAX(1, tails->n), sizeof *tails->tails);
    for (size_t i = 0; i < n_flows; i++) {
        const struct fl_flow *flow = &fl_snapshot_flow(snapshot, i)->flow;

        if (flow->recirc_id) {
            tails->tails[n].flow = (uint32_t)i;
            index_tail(tails, &tails->tails[n++], flow);
        }
    }
}

void fl_tails_destroy(struct fl_tails *tails)
{
    free(tails->tails);
    hmap_destroy(&tails->loose);
    hmap_destroy(&tails->connections);
    hmap_destroy(&tails->exact);
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

void fl_tails_visit(const struct fl_tails *tails, const struct fl_flow *head, uint32_t recirc_id,
                    const struct fl_passage *at, fl_tails_cb *cb, void *aux)
{
    uint32_t origin = hash_origin(head, recirc_id);
    uint32_t connection;
    struct fl_tail *tail;

    HMAP_FOR_EACH_WITH_HASH(tail, by_origin, origin, &tails->loose) {
        cb(tail, aux);
    }
    if (hmap_is_empty(&tails->connections)) {
        return;
    }
    if (tells_connection(at, origin, &connection)) {
        HMAP_FOR_EACH_WITH_HASH(tail, by_connection, connection, &tails->exact) {
            cb(tail, aux);
        }
    } else {
        HMAP_FOR_EACH_WITH_HASH(tail, by_origin, origin, &tails->connections) {
            cb(tail, aux);
        }
    }
}
