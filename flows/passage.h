/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PASSAGE_H
#define FLOWLIFT_PASSAGE_H

/*
 * The passage of packets through a chain of flows: which packets can have come this far, told by their
 * headers at entry.
 *
 * Each bit of a header is at any point either still what it was at entry, or known because an action
 * has set it, or lost (NAT, an action that is not understood). What a later flow matches binds the
 * packet at entry in the first case, is true or false at once in the second, and binds nothing in the
 * third.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/flow.h"

/* Where a VLAN header that is now at some depth came from, besides being at a depth at entry. */
#define FL_VLAN_SET  (-1) /* pushed: its bits are in set.vlans */
#define FL_VLAN_LOST (-2)

struct fl_passage {
    struct match region;  /* At entry; ct and dp_hash as of the last ct() or recirculation. */
    struct flow set;      /* Bits that actions have set ... */
    struct flow set_mask; /* ... and which these are. */
    struct flow lost;     /* Bits of which nothing is known. */
    int vlan_from[FLOW_MAX_VLAN_HEADERS]; /* Depth at entry, or one of the above. */
    bool exact;                           /* No match on lost bits was passed over. */
};

/** fl_passage_begin() - all packets; nothing done yet */
void fl_passage_begin(struct fl_passage *passage);

/**
 * fl_passage_meet() - only those packets go on that @flow matches (its recirc_id apart)
 * Return: false when there are none; @passage is of no use then.
 */
bool fl_passage_meet(struct fl_passage *passage, const struct fl_flow *flow);
/** fl_passage_meet_match() - the same of a match (wildcarded bits are zero; its recirc_id apart) */
bool fl_passage_meet_match(struct fl_passage *passage, const struct match *match);

/* Called at each recirc(), with what is known there. true ends the walk. */
typedef bool fl_passage_recirc_cb(uint32_t recirc_id, const struct fl_passage *at, void *aux);

/**
 * fl_passage_act() - the packets take these actions
 * @cb: called for each recirc(), also inside other actions
 * Return: true when @cb ended the walk.
 */
bool fl_passage_act(struct fl_passage *passage, const struct nlattr *actions, size_t len,
                    fl_passage_recirc_cb *cb, void *aux);

/** fl_passage_region() - @passage's packets at entry, by headers, tunnel and in_port alone */
void fl_passage_region(const struct fl_passage *passage, struct match *region);

/**
 * fl_passage_region_of_flow() - the same of a passage that has met @flow and nothing else
 * For the most part of all chains, which are of one flow, and quick.
 * Return: whether the passage is exact.
 */
bool fl_passage_region_of_flow(const struct fl_flow *flow, struct match *region);

/** fl_passage_knows() - is every bit of @mask either bound at entry and unchanged, or set? */
bool fl_passage_knows(const struct fl_passage *passage, const struct flow *mask);
/** fl_passage_value() - a header as it is now, as far as it is known; VLANs apart */
void fl_passage_value(const struct fl_passage *passage, struct flow *now);

#endif
