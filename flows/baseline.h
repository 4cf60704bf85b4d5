/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_BASELINE_H
#define FLOWLIFT_BASELINE_H

/*
 * The baseline: what each flow had counted when the window began. Some 70 bytes a flow.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/arena.h"
#include "flows/flow.h"

struct fl_baseline_entry;

struct fl_baseline {
    struct fl_arena arena;
    struct fl_baseline_entry **blocks;
    size_t n;
    uint32_t *slots; /* Open addressing: index of an entry plus one, 0 for none. */
    size_t n_slots;  /* A power of two. */
};

struct fl_baseline_counters {
    uint64_t packets; /* FL_COUNT_UNKNOWN when not known; each for itself */
    uint64_t bytes;
    uint64_t hw_packets;
    uint64_t hw_bytes;
};

void fl_baseline_init(struct fl_baseline *baseline);
void fl_baseline_destroy(struct fl_baseline *baseline);
/** fl_baseline_move() - what @from has replaces what @to has; @from is empty then */
void fl_baseline_move(struct fl_baseline *to, struct fl_baseline *from);
/** fl_baseline_add() - remember a flow; a second one of the same id, PMD and layer adds to the first */
void fl_baseline_add(struct fl_baseline *baseline, const struct fl_flow *flow);
/**
 * fl_baseline_find() - what a flow had counted
 *
 * A dump may show a flow once for each layer that has it. The one of the same layer is meant; without
 * one the flow has moved from one layer to another, and what it had counted there is handed out.
 *
 * Return: true and *@counters, or false when the flow was not there.
 */
bool fl_baseline_find(const struct fl_baseline *baseline, const struct fl_flow *flow,
                      struct fl_baseline_counters *counters);

#endif
