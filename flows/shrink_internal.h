/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SHRINK_INTERNAL_H
#define FLOWLIFT_SHRINK_INTERNAL_H

/*
 * What the files of shrinking share, and nobody else includes.
 *
 *   shrink.c          the search
 *   shrink_units.c    what a filter consists of, and what needs what
 *   shrink_build.c    a filter of some of its units
 *   shrink_text.c     units in words
 *   shrink_cause.c    units as causes
 */

#include "flows/shrink.h"

#define FL_SHRINK_NONE (-1)

/**
 * fl_shrink_split() - the units of a filter, those that others need before these
 * @shrunk: units and n_units are set
 * Return: the unit that ends the actions, or FL_SHRINK_NONE.
 */
int fl_shrink_split(const struct fl_tc_filter *filter, struct fl_shrunk *shrunk);

/**
 * fl_shrink_build() - @part: @filter with these units alone; a drop at its end where no unit leads anywhere
 * @whole_masks: units whose keys get a full mask
 */
void fl_shrink_build(const struct fl_tc_filter *filter, const struct fl_shrunk *shrunk,
                     uint64_t units, uint64_t whole_masks, struct fl_tc_filter *part);

/** fl_shrink_is_masked() - does the unit test a part of its key's bits only? */
bool fl_shrink_is_masked(const struct fl_tc_filter *filter, const struct fl_shrink_unit *unit);

/** fl_shrink_ends() - does this action leave no packet to the next? */
bool fl_shrink_ends(const struct fl_tc_action *action);

/** fl_shrink_jumps() - does some action jump over others? */
bool fl_shrink_jumps(const struct fl_tc_filter *filter);

#endif
