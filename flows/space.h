/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SPACE_H
#define FLOWLIFT_SPACE_H

/*
 * Header space: a set of packets that is a list of disjoint regions (region.h), which can be added to and
 * taken from. For the proof by megaflow cover:
 *
 *     fl_space_init(&left, MAX_REGIONS);
 *     fl_space_add(&left, rule);
 *     while (left.n_regions) {
 *         fl_draw_packet(&left.regions[0], NULL, &packet);
 *         ... what becomes of it, and of which region does that hold?
 *         fl_space_subtract(&left, megaflow);
 *     }
 *
 * What a region has outside of another is a space too: add the one, subtract the other.
 */

#include <openvswitch/match.h>
#include <stdbool.h>
#include <stddef.h>

#include "flows/region.h"

struct fl_space {
    struct match
        *regions; /* No packet is in two of them, and of none it is certain that it is empty. */
    size_t n_regions;
    size_t allocated;
    size_t max_regions;
};

/** fl_space_init() - no packet; @max_regions: how many regions it may come to have (some 2 KB each) */
void fl_space_init(struct fl_space *space, size_t max_regions);
/** fl_space_destroy() - free what it holds; it may be used again after fl_space_init() alone */
void fl_space_destroy(struct fl_space *space);

/**
 * fl_space_add() - put the packets of @region in, those that are in already apart
 * Return: 0, or -E2BIG when there would be more than max_regions; @space is unchanged then.
 */
int fl_space_add(struct fl_space *space, const struct match *region);

/**
 * fl_space_subtract() - take the packets of @region out
 * A region of @space that does not meet it stays as it is, one inside of it goes, and any other leaves at
 * most one region for each bit that @region tests and it does not.
 * Return: 0, or -E2BIG when there would be more than max_regions; @space is unchanged then.
 */
int fl_space_subtract(struct fl_space *space, const struct match *region);

/** fl_space_has() - is @packet in one of the regions? */
bool fl_space_has(const struct fl_space *space, const struct flow *packet);

#endif
