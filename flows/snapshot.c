/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The snapshot as a value. Its memory decides how large a dump can be audited: 100,000 flows, twice,
 * in 64 MiB. So the first sample keeps counters only, records lie in an arena without a header each,
 * and what flows have in common (masks, actions) is kept once.
 */

#include "flows/snapshot.h"

#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/util.h>
#include <stdarg.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/arena.h"
#include "flows/limits.h"
#include "flows/orphan.h"
#include "flows/storage.h"

#define BLOCK 32u

struct fl_snapshot {
    char *host;
    int64_t time_ms;
    int64_t window_ms;
    char *incomplete;
    bool inherits_incomplete; /* @incomplete is of the snapshot that this one follows. */
    struct fl_ports *ports;
    struct fl_inventory inventory;
    bool has_inventory;
    enum fl_snapshot_keep keep;
    const struct fl_storage *storage;
    unsigned int text_flags; /* of FL_DECODE_KEEP_TEXT */

    bool last_sample;
    bool has_baseline; /* A first sample was begun. */
    struct fl_baseline baseline;
    bool remembers;
    struct fl_baseline remembered; /* Of the last sample, when @remembers. */
    uint64_t n_added;              /* To the current sample. */

    struct fl_arena arena;
    struct fl_snapshot_flow **blocks;
    size_t n_flows;
    uint64_t n_seen;
    uint64_t n_by_path[FL_N_PATHS];
    struct fl_decode_stats lines;

    struct fl_orphan_judge orphan_judge;
    struct fl_snapshot_orphan orphans[FL_LIMIT_ORPHANS];
    uint64_t n_orphans;
};

struct fl_snapshot *fl_snapshot_create(const char *host, int64_t time_ms)
{
    struct fl_snapshot *snapshot = xzalloc(sizeof *snapshot);

    snapshot->host = xstrdup(host ? host : "");
    snapshot->time_ms = time_ms;
    snapshot->ports = fl_ports_create();
    snapshot->last_sample = true;
    snapshot->text_flags = FL_DECODE_KEEP_TEXT;
    fl_inventory_init(&snapshot->inventory);
    fl_arena_init(&snapshot->arena);
    fl_baseline_init(&snapshot->baseline);
    fl_baseline_init(&snapshot->remembered);
    fl_orphan_judge_init(&snapshot->orphan_judge, NULL, snapshot->ports);
    return snapshot;
}

void fl_snapshot_destroy(struct fl_snapshot *snapshot)
{
    if (!snapshot) {
        return;
    }
    free(snapshot->host);
    free(snapshot->incomplete);
    fl_ports_destroy(snapshot->ports);
    fl_inventory_destroy(&snapshot->inventory);
    fl_arena_destroy(&snapshot->arena);
    fl_baseline_destroy(&snapshot->baseline);
    fl_baseline_destroy(&snapshot->remembered);
    free(snapshot->blocks);
    free(snapshot);
}

const char *fl_snapshot_host(const struct fl_snapshot *snapshot)
{
    return snapshot->host;
}

int64_t fl_snapshot_time_ms(const struct fl_snapshot *snapshot)
{
    return snapshot->time_ms;
}

void fl_snapshot_set_time(struct fl_snapshot *snapshot, int64_t time_ms)
{
    snapshot->time_ms = time_ms;
}

struct fl_ports *fl_snapshot_ports(struct fl_snapshot *snapshot)
{
    return snapshot->ports;
}

const struct fl_ports *fl_snapshot_ports_const(const struct fl_snapshot *snapshot)
{
    return snapshot->ports;
}

const struct fl_inventory *fl_snapshot_inventory(const struct fl_snapshot *snapshot)
{
    return snapshot->has_inventory ? &snapshot->inventory : NULL;
}

void fl_snapshot_set_inventory(struct fl_snapshot *snapshot, struct fl_inventory *inv)
{
    fl_inventory_destroy(&snapshot->inventory);
    fl_inventory_move(&snapshot->inventory, inv);
    snapshot->has_inventory = true;
    fl_orphan_judge_init(&snapshot->orphan_judge, &snapshot->inventory, snapshot->ports);
}

static void forget_last_sample(struct fl_snapshot *snapshot)
{
    fl_arena_destroy(&snapshot->arena);
    fl_arena_init(&snapshot->arena);
    free(snapshot->blocks);
    snapshot->blocks = NULL;
    snapshot->n_flows = 0;
    snapshot->n_seen = 0;
    memset(snapshot->n_by_path, 0, sizeof snapshot->n_by_path);
    snapshot->n_orphans = 0;
    fl_baseline_destroy(&snapshot->remembered);
    fl_baseline_init(&snapshot->remembered);
    fl_orphan_judge_init(&snapshot->orphan_judge, fl_snapshot_inventory(snapshot), snapshot->ports);
}

void fl_snapshot_begin_sample(struct fl_snapshot *snapshot, bool last, int64_t window_ms)
{
    snapshot->last_sample = last;
    snapshot->n_added = 0;
    if (last) {
        forget_last_sample(snapshot);
        snapshot->window_ms = snapshot->has_baseline ? window_ms : 0;
    } else {
        fl_baseline_destroy(&snapshot->baseline);
        fl_baseline_init(&snapshot->baseline);
        snapshot->has_baseline = true;
    }
}

void fl_snapshot_remember(struct fl_snapshot *snapshot)
{
    snapshot->remembers = true;
}

void fl_snapshot_follow(struct fl_snapshot *snapshot, struct fl_snapshot *before)
{
    fl_baseline_move(&snapshot->baseline, &before->remembered);
    snapshot->has_baseline = true;
    if (before->incomplete && !before->inherits_incomplete && !snapshot->incomplete) {
        snapshot->incomplete = xstrdup(before->incomplete);
        snapshot->inherits_incomplete = true;
    }
}

void fl_snapshot_filter(struct fl_snapshot *snapshot, enum fl_snapshot_keep keep,
                        const struct fl_storage *storage)
{
    snapshot->keep = keep;
    snapshot->storage = storage;
}

void fl_snapshot_keep_text(struct fl_snapshot *snapshot, unsigned int flags)
{
    snapshot->text_flags = flags;
}

/*
 * Recirculated flows are kept, and those that recirculate, whatever they match: only all chains
 * together tell how much of a later link's packets is storage traffic.
 */
static bool is_wanted(const struct fl_snapshot *snapshot, const struct fl_flow *flow)
{
    const struct match *match = flow->wide;
    struct match expanded;

    if (snapshot->keep == FL_KEEP_ALL || !snapshot->storage || !flow->has_match ||
        flow->recirc_id) {
        return true;
    }
    if (!match) {
        minimatch_expand(&flow->match, &expanded);
        match = &expanded;
    }
    return fl_storage_fits(snapshot->storage, match, FL_FROM_VM, -1) != FL_STORAGE_NO ||
           fl_storage_fits(snapshot->storage, match, FL_TO_VM, -1) != FL_STORAGE_NO ||
           (flow->has_actions && fl_actions_recirculate(flow->actions, flow->actions_len));
}

static void *copy_miniflow(struct fl_arena *arena, const struct miniflow *flow, bool often_the_same)
{
    size_t size = sizeof *flow + MINIFLOW_VALUES_SIZE(miniflow_n_values(flow));

    return often_the_same ? fl_arena_intern(arena, flow, size) : fl_arena_copy(arena, flow, size);
}

/*
 * The parts of a minimatch without the heap blocks that minimatch_clone() makes. Nobody writes to a
 * record of a snapshot and nobody calls minimatch_destroy() on it.
 */
static void copy_match(struct fl_arena *arena, const struct minimatch *from, struct minimatch *to)
{
    to->flow = copy_miniflow(arena, from->flow, false);
    to->mask = copy_miniflow(arena, &from->mask->masks, true);
    to->tun_md = NULL;
}

static const char *copy_text(struct fl_snapshot *snapshot, enum fl_decode_flags wanted,
                             const char *text)
{
    return snapshot->text_flags & wanted ? fl_arena_copy_string(&snapshot->arena, text) : NULL;
}

static void copy_flow(struct fl_snapshot *snapshot, const struct fl_flow *from, struct fl_flow *to)
{
    struct fl_arena *arena = &snapshot->arena;

    *to = *from;
    memset(&to->match, 0, sizeof to->match);
    to->wide = NULL;
    if (from->has_match) {
        copy_match(arena, &from->match, &to->match);
    }
    to->actions = from->actions_len ? fl_arena_intern(arena, from->actions, from->actions_len)
                                    : NULL;
    to->match_text = copy_text(snapshot, FL_DECODE_KEEP_PARTS, from->match_text);
    to->actions_text = copy_text(snapshot, FL_DECODE_KEEP_PARTS, from->actions_text);
    to->raw = copy_text(snapshot, FL_DECODE_KEEP_RAW, from->raw);
    to->offload_info = fl_arena_copy_string(arena, from->offload_info);
    to->tc = fl_arena_copy_string(arena, from->tc);
    to->parse_error = fl_arena_copy_string(arena, from->parse_error);
}

static struct fl_snapshot_flow *new_flow(struct fl_snapshot *snapshot)
{
    size_t block = snapshot->n_flows / BLOCK;

    if (snapshot->n_flows % BLOCK == 0) {
        if (block == 0 || is_pow2(block)) {
            snapshot->blocks = xrealloc(snapshot->blocks,
                                        MAX(1, 2 * block) * sizeof *snapshot->blocks);
        }
        snapshot->blocks[block] = fl_arena_alloc(&snapshot->arena,
                                                 BLOCK * sizeof(struct fl_snapshot_flow));
    }
    return &snapshot->blocks[block][snapshot->n_flows++ % BLOCK];
}

static bool fell(uint64_t now, uint64_t before)
{
    return now != FL_COUNT_UNKNOWN && before != FL_COUNT_UNKNOWN && now < before;
}

static uint64_t grown_by(uint64_t now, uint64_t before, uint64_t unknown)
{
    return now == FL_COUNT_UNKNOWN || before == FL_COUNT_UNKNOWN ? unknown : now - before;
}

/* A counter that fell was reset: then what it shows was counted since. */
static void set_window(const struct fl_snapshot *snapshot, struct fl_snapshot_flow *record)
{
    const struct fl_flow *flow = &record->flow;
    struct fl_baseline_counters before = { 0 };

    record->seen_before = !snapshot->has_baseline ||
                          fl_baseline_find(&snapshot->baseline, flow, &before);
    record->was_reset = fell(flow->packets, before.packets) || fell(flow->bytes, before.bytes) ||
                        fell(flow->hw_packets, before.hw_packets) ||
                        fell(flow->hw_bytes, before.hw_bytes);
    if (record->was_reset) {
        before = (struct fl_baseline_counters){ 0 };
    }
    record->window_packets = grown_by(flow->packets, before.packets, 0);
    record->window_bytes = grown_by(flow->bytes, before.bytes, 0);
    record->window_hw_packets = grown_by(flow->hw_packets, before.hw_packets, FL_COUNT_UNKNOWN);
    record->window_hw_bytes = grown_by(flow->hw_bytes, before.hw_bytes, FL_COUNT_UNKNOWN);
}

void fl_snapshot_take_start(struct fl_snapshot *snapshot, struct fl_baseline *start)
{
    fl_baseline_move(start, &snapshot->baseline);
}

void fl_snapshot_begin_at(struct fl_snapshot *snapshot, struct fl_baseline *start,
                          int64_t window_ms)
{
    fl_baseline_move(&snapshot->baseline, start);
    snapshot->has_baseline = true;
    snapshot->window_ms = window_ms;
    for (size_t i = 0; i < snapshot->n_flows; i++) {
        set_window(snapshot, &snapshot->blocks[i / BLOCK][i % BLOCK]);
    }
}

/*
 * A port that was added after the inventory was read is in none; a filter that was there when the window
 * began is older than that.
 */
static bool is_orphan(struct fl_snapshot *snapshot, const struct fl_flow *flow,
                      enum fl_orphan *orphan)
{
    struct fl_baseline_counters before;

    *orphan = fl_orphan_of(&snapshot->orphan_judge, flow);
    return *orphan != FL_ORPHAN_NOT &&
           (!snapshot->has_baseline || fl_baseline_find(&snapshot->baseline, flow, &before));
}

static void note_orphan(struct fl_snapshot *snapshot, const struct fl_flow *flow)
{
    struct ds reason = DS_EMPTY_INITIALIZER;
    enum fl_orphan orphan;

    if (!is_orphan(snapshot, flow, &orphan)) {
        return;
    }
    if (snapshot->n_orphans < FL_LIMIT_ORPHANS) {
        fl_orphan_reason(&snapshot->orphan_judge, flow, orphan, &reason);
        snapshot->orphans[snapshot->n_orphans] = (struct fl_snapshot_orphan){
            .in_port = flow->in_port,
            .chain = flow->recirc_id,
            .ufid = flow->id,
            .path = flow->path,
            .reason = fl_arena_copy_string(&snapshot->arena, ds_cstr(&reason)),
        };
        ds_destroy(&reason);
    }
    snapshot->n_orphans++;
}

int fl_snapshot_add(const struct fl_flow *flow, void *snapshot_)
{
    struct fl_snapshot *snapshot = snapshot_;
    struct fl_snapshot_flow *record;

    if (snapshot->n_added >= FL_LIMIT_FLOWS) {
        return -E2BIG;
    }
    snapshot->n_added++;
    if (!snapshot->last_sample) {
        fl_baseline_add(&snapshot->baseline, flow);
        return 0;
    }
    snapshot->n_seen++;
    snapshot->n_by_path[flow->path]++;
    if (snapshot->remembers) {
        fl_baseline_add(&snapshot->remembered, flow);
    }
    note_orphan(snapshot, flow);
    if (!is_wanted(snapshot, flow)) {
        return 0;
    }
    record = new_flow(snapshot);
    copy_flow(snapshot, flow, &record->flow);
    set_window(snapshot, record);
    return 0;
}

void fl_snapshot_set_lines(struct fl_snapshot *snapshot, const struct fl_decode_stats *lines)
{
    snapshot->lines = *lines;
}

const struct fl_decode_stats *fl_snapshot_lines(const struct fl_snapshot *snapshot)
{
    return &snapshot->lines;
}

void fl_snapshot_set_incomplete(struct fl_snapshot *snapshot, const char *format, ...)
{
    va_list args;

    if (snapshot->incomplete && !snapshot->inherits_incomplete) {
        return;
    }
    free(snapshot->incomplete);
    snapshot->inherits_incomplete = false;
    va_start(args, format);
    snapshot->incomplete = xvasprintf(format, args);
    va_end(args);
}

const char *fl_snapshot_incomplete(const struct fl_snapshot *snapshot)
{
    return snapshot->incomplete;
}

int64_t fl_snapshot_window_ms(const struct fl_snapshot *snapshot)
{
    return snapshot->window_ms;
}

size_t fl_snapshot_n_flows(const struct fl_snapshot *snapshot)
{
    return snapshot->n_flows;
}

uint64_t fl_snapshot_n_seen(const struct fl_snapshot *snapshot)
{
    return snapshot->n_seen;
}

uint64_t fl_snapshot_n_by_path(const struct fl_snapshot *snapshot, enum fl_path path)
{
    return snapshot->n_by_path[path];
}

const struct fl_snapshot_flow *fl_snapshot_flow(const struct fl_snapshot *snapshot, size_t i)
{
    return &snapshot->blocks[i / BLOCK][i % BLOCK];
}

const struct fl_snapshot_orphan *fl_snapshot_orphans(const struct fl_snapshot *snapshot, size_t *n)
{
    *n = MIN(snapshot->n_orphans, FL_LIMIT_ORPHANS);
    return snapshot->orphans;
}

uint64_t fl_snapshot_n_orphans(const struct fl_snapshot *snapshot)
{
    return snapshot->n_orphans;
}
