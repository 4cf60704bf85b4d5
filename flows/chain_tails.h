/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CHAIN_TAILS_H
#define FLOWLIFT_CHAIN_TAILS_H

/*
 * The flows of a snapshot that packets come to by recirculation, by where they come from. Part of
 * chain.c; nobody else includes this.
 *
 * A datapath may hold tens of thousands of connections, each a flow of its own, behind one recirc_id: so
 * tails that match a whole connection are also indexed by it, and a packet of which that much is known
 * finds its own without looking at the others.
 */

#include <openvswitch/hmap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/passage.h"
#include "flows/snapshot.h"

struct fl_tail {
    struct hmap_node by_origin;     /* recirc_id, in_port, PMD */
    struct hmap_node by_connection; /* the same and the connection; only in @exact */
    uint32_t flow;                  /* Its index in the snapshot. */
    bool reached;                   /* By a chain; false at first, for the owner of the chains. */
};

struct fl_tails {
    struct fl_tail *tails;
    size_t n;
    struct hmap loose;       /* Tails by origin, but those of ... */
    struct hmap connections; /* ... whole connections, by origin ... */
    struct hmap exact;       /* ... and by origin and connection. */
};

void fl_tails_init(struct fl_tails *tails, const struct fl_snapshot *snapshot);
void fl_tails_destroy(struct fl_tails *tails);

typedef void fl_tails_cb(struct fl_tail *tail, void *aux);

/**
 * fl_tails_visit() - all tails to which a recirc() may lead, and some others
 * @head: flow that the packets came in by: tails have its in_port and PMD
 * @at: what is known of the packets at the recirc()
 * @cb: has to look itself whether a packet comes to the tail
 */
void fl_tails_visit(const struct fl_tails *tails, const struct fl_flow *head, uint32_t recirc_id,
                    const struct fl_passage *at, fl_tails_cb *cb, void *aux);

#endif
