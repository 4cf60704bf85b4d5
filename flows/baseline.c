/* SPDX-License-Identifier: Apache-2.0 */

/* See baseline.h. */

#include "flows/baseline.h"

#include <ovs/hash.h>
#include <ovs/util.h>
#include <string.h>

#define BLOCK 128u

struct fl_baseline_entry {
    ovs_u128 id;
    struct fl_baseline_counters counters;
    int32_t pmd;
    int32_t layer;
};

void fl_baseline_init(struct fl_baseline *baseline)
{
    memset(baseline, 0, sizeof *baseline);
    fl_arena_init(&baseline->arena);
}

void fl_baseline_destroy(struct fl_baseline *baseline)
{
    fl_arena_destroy(&baseline->arena);
    free(baseline->blocks);
    free(baseline->slots);
    memset(baseline, 0, sizeof *baseline);
}

void fl_baseline_move(struct fl_baseline *to, struct fl_baseline *from)
{
    fl_baseline_destroy(to);
    *to = *from;
    hmap_moved(&to->arena.interned);
    fl_baseline_init(from);
}

static struct fl_baseline_entry *entry_at(const struct fl_baseline *baseline, size_t i)
{
    return &baseline->blocks[i / BLOCK][i % BLOCK];
}

/* The layer is not hashed, so that a flow is found whatever layer it is in. */
static size_t hash_entry(ovs_u128 id, int pmd)
{
    return hash_uint64_basis(id.u64.lo, hash_uint64_basis(id.u64.hi, (uint32_t)pmd));
}

static void put_slot(struct fl_baseline *baseline, size_t i)
{
    const struct fl_baseline_entry *entry = entry_at(baseline, i);
    size_t at = hash_entry(entry->id, entry->pmd);

    while (baseline->slots[at & (baseline->n_slots - 1)]) {
        at++;
    }
    baseline->slots[at & (baseline->n_slots - 1)] = (uint32_t)i + 1;
}

static void grow_slots(struct fl_baseline *baseline)
{
    if (baseline->n_slots / 2 > baseline->n) {
        return;
    }
    baseline->n_slots = MAX(64, baseline->n_slots * 2);
    free(baseline->slots);
    baseline->slots = xcalloc(baseline->n_slots, sizeof *baseline->slots);
    for (size_t i = 0; i < baseline->n; i++) {
        put_slot(baseline, i);
    }
}

/* The entry of @flow's own layer, or else with @any_layer that of another. */
static struct fl_baseline_entry *find(const struct fl_baseline *baseline,
                                      const struct fl_flow *flow, bool any_layer)
{
    struct fl_baseline_entry *other = NULL;
    size_t at = hash_entry(flow->id, flow->pmd);
    uint32_t slot;

    for (; baseline->n_slots && (slot = baseline->slots[at & (baseline->n_slots - 1)]); at++) {
        struct fl_baseline_entry *entry = entry_at(baseline, slot - 1);

        if (!ovs_u128_equals(entry->id, flow->id) || entry->pmd != flow->pmd) {
            continue;
        }
        if (entry->layer == (int32_t)flow->layer) {
            return entry;
        }
        other = entry;
    }
    return any_layer ? other : NULL;
}

static uint64_t add_counts(uint64_t a, uint64_t b)
{
    return a == FL_COUNT_UNKNOWN || b == FL_COUNT_UNKNOWN || a + b < a ? FL_COUNT_UNKNOWN : a + b;
}

void fl_baseline_add(struct fl_baseline *baseline, const struct fl_flow *flow)
{
    struct fl_baseline_entry *entry = find(baseline, flow, false);

    if (entry) {
        struct fl_baseline_counters *sum = &entry->counters;

        sum->packets = add_counts(sum->packets, flow->packets);
        sum->bytes = add_counts(sum->bytes, flow->bytes);
        sum->hw_packets = add_counts(sum->hw_packets, flow->hw_packets);
        sum->hw_bytes = add_counts(sum->hw_bytes, flow->hw_bytes);
        return;
    }
    if (baseline->n % BLOCK == 0) {
        size_t n_blocks = baseline->n / BLOCK;

        if (n_blocks == 0 || is_pow2(n_blocks)) {
            baseline->blocks = xrealloc(baseline->blocks,
                                        MAX(1, 2 * n_blocks) * sizeof *baseline->blocks);
        }
        baseline->blocks[n_blocks] = fl_arena_alloc(&baseline->arena, BLOCK * sizeof *entry);
    }
    grow_slots(baseline);
    entry = entry_at(baseline, baseline->n);
    *entry = (struct fl_baseline_entry){
        .id = flow->id,
        .counters = { flow->packets, flow->bytes, flow->hw_packets, flow->hw_bytes },
        .pmd = flow->pmd,
        .layer = (int32_t)flow->layer,
    };
    put_slot(baseline, baseline->n++);
}

bool fl_baseline_find(const struct fl_baseline *baseline, const struct fl_flow *flow,
                      struct fl_baseline_counters *counters)
{
    const struct fl_baseline_entry *entry = find(baseline, flow, true);

    if (entry) {
        *counters = entry->counters;
    }
    return entry != NULL;
}
