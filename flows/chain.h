/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CHAIN_H
#define FLOWLIFT_CHAIN_H

/*
 * Chains: the datapath flows that one packet passes, joined by recirc(N) -> recirc_id(N).
 *
 * A chain is told by its last link, where the packet leaves or is dropped. A link whose continuation is
 * not in the snapshot ends its chain with @open set; a chain whose origin is not there is @headless.
 * A link that several chains end in is counted once: its packets are shared out among them in
 * proportion to what the chains' first links counted.
 *
 * What a chain matches (its region) takes 1.4 KB and is made when asked for: fl_chain_region().
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/flow.h"
#include "flows/snapshot.h"

/*
 * What hardware and software counted of a chain. On FL_PATH_HW all packets are the NIC's, unless the last
 * link counts the two apart: then the rest came to software although the NIC has the flow. On any other
 * path none are.
 */
struct fl_chain {
    const struct fl_snapshot_flow **links; /* First to last; borrowed from the snapshot. */
    size_t n_links;
    uint64_t packets; /* Of the window, counted at the last link. */
    uint64_t bytes;
    uint64_t hw_packets; /* Those of them that the NIC forwarded to the end of the chain. */
    uint64_t hw_bytes;
    enum fl_path path; /* The worst of the links'; unknown for hw links that are not all. */
    bool open;         /* Continuation not found. */
    bool headless;     /* Begins at a recirculated flow; where it comes from was not found. */
    bool drops;        /* The last link drops. */
    bool seen_before;  /* All links were there when the window began. */
};

struct fl_chains {
    struct fl_chain *chains;
    size_t n;
    bool cut; /* A limit (flows/limits.h) ended the search somewhere. */
};

/** fl_chains_stitch() - all chains of a snapshot; owned by the caller, borrows from @snapshot */
struct fl_chains *fl_chains_stitch(const struct fl_snapshot *snapshot);
void fl_chains_destroy(struct fl_chains *chains);

/**
 * fl_chain_region() - what all links of a chain match, pulled back to the packet as it came in
 * @region: set to packet headers, tunnel and in_port at entry; no ct, recirc_id, dp_hash or marks
 *
 * A header that a link rewrites binds only the links before; a rewrite to a constant that a later link
 * matches binds nothing.
 *
 * Return: true; false when a rewrite (NAT, an action that is not understood) or an unreadable link left
 * the region wider than the truth.
 */
bool fl_chain_region(const struct fl_chain *chain, struct match *region);

#endif
