/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SNAPSHOT_H
#define FLOWLIFT_SNAPSHOT_H

/*
 * A snapshot is a value: all that was read of a host at one moment, or over one window.
 *
 * It has an inventory (may be absent: a raw dump tells nothing of VMs) and the flows, with what they
 * counted at the start of the window and at its end. It is filled flow by flow, in two passes:
 * fl_snapshot_begin_sample() + fl_snapshot_add() for each flow of the first dump, which keeps counters
 * only, then again for the last dump, which keeps the flows that the filter wants. With one dump only
 * there is no window: counters are those of the flows' lifetime.
 * Whatever could not be read makes @incomplete true, and no verdict "offloaded" can come from it.
 */

#include <jansson.h>

#include "flows/baseline.h"
#include "flows/decode.h"
#include "flows/error.h"
#include "flows/flow.h"
#include "flows/inventory.h"

struct fl_snapshot;

/* One flow of the last sample, with its window. */
struct fl_snapshot_flow {
    struct fl_flow flow;
    uint64_t window_packets; /* Counted in the window; the lifetime's without a window. */
    uint64_t window_bytes;
    uint64_t window_hw_packets; /* Those of them that the NIC forwarded; FL_COUNT_UNKNOWN unless */
    uint64_t window_hw_bytes;   /* hardware and software count apart. */
    bool seen_before;           /* Was there when the window began (true without a window). */
    bool was_reset;             /* A counter fell: window_* is the later value. */
};

/* A TC filter of the last sample that Open vSwitch has forgotten (flows/orphan.h), kept or not. */
struct fl_snapshot_orphan {
    odp_port_t in_port; /* Its device; ODPP_NONE when it is a block's that no bond stands for. */
    uint32_t chain;
    ovs_u128 ufid;
    enum fl_path path;
    const char *reason; /* One sentence, without a full stop. */
};

enum fl_snapshot_keep {
    FL_KEEP_ALL,
    /* Flows that may be part of a storage chain for the selector, and all recirculated ones. */
    FL_KEEP_STORAGE,
};

struct fl_storage; /* flows/storage.h */

/**
 * fl_snapshot_create() - an empty snapshot
 * @host: host name (copied); @time_ms: Unix time of the last sample, milliseconds
 */
struct fl_snapshot *fl_snapshot_create(const char *host, int64_t time_ms);
void fl_snapshot_destroy(struct fl_snapshot *snapshot);

const char *fl_snapshot_host(const struct fl_snapshot *snapshot);
int64_t fl_snapshot_time_ms(const struct fl_snapshot *snapshot);
/** fl_snapshot_set_time() - when the last sample was taken */
void fl_snapshot_set_time(struct fl_snapshot *snapshot, int64_t time_ms);
struct fl_ports *fl_snapshot_ports(struct fl_snapshot *snapshot);
const struct fl_ports *fl_snapshot_ports_const(const struct fl_snapshot *snapshot);
/** fl_snapshot_inventory() - NULL when the source had none (a raw dump) */
const struct fl_inventory *fl_snapshot_inventory(const struct fl_snapshot *snapshot);
/** fl_snapshot_set_inventory() - @inv is consumed: moved into the snapshot, and emptied */
void fl_snapshot_set_inventory(struct fl_snapshot *snapshot, struct fl_inventory *inv);

/**
 * fl_snapshot_begin_sample() - the flows that follow are of one dump
 * @last: false for the dump at the window's start, true for the one at its end (or the only one)
 * @window_ms: milliseconds since the first sample; 0 without one
 */
void fl_snapshot_begin_sample(struct fl_snapshot *snapshot, bool last, int64_t window_ms);
/**
 * fl_snapshot_remember() - what each flow of the last sample counts is kept for fl_snapshot_follow()
 * Of all flows, those that the filter does not want too: some 70 bytes each. Call it before that sample.
 */
void fl_snapshot_remember(struct fl_snapshot *snapshot);
/**
 * fl_snapshot_follow() - the window begins with the last sample of @before: no first one is needed
 * @before: remembers that sample; what it remembers is moved away. Where it is incomplete by itself, this
 *          one is, too.
 */
void fl_snapshot_follow(struct fl_snapshot *snapshot, struct fl_snapshot *before);
/** fl_snapshot_take_start() - what flows had counted when the window began, moved out of @snapshot into @start */
void fl_snapshot_take_start(struct fl_snapshot *snapshot, struct fl_baseline *start);
/**
 * fl_snapshot_begin_at() - the window is made to begin earlier, after its last sample
 * @start: of fl_snapshot_take_start(), moved away; @window_ms: milliseconds since then
 */
void fl_snapshot_begin_at(struct fl_snapshot *snapshot, struct fl_baseline *start,
                          int64_t window_ms);
/** fl_snapshot_filter() - which flows of the last sample are kept; @storage borrowed until then */
void fl_snapshot_filter(struct fl_snapshot *snapshot, enum fl_snapshot_keep keep,
                        const struct fl_storage *storage);
/** fl_snapshot_keep_text() - which text of flows is kept; @flags: of FL_DECODE_KEEP_TEXT, which is the default */
void fl_snapshot_keep_text(struct fl_snapshot *snapshot, unsigned int flags);
/** fl_snapshot_add() - an fl_decode_cb; @aux is the snapshot. Return: 0 or -E2BIG (FL_LIMIT_FLOWS). */
int fl_snapshot_add(const struct fl_flow *flow, void *snapshot);
/** fl_snapshot_set_lines() - what the decoder of the sample counted; the last sample's is kept */
void fl_snapshot_set_lines(struct fl_snapshot *snapshot, const struct fl_decode_stats *lines);
/** fl_snapshot_lines() - lines of the last sample's text by class, flows kept or not; borrowed */
const struct fl_decode_stats *fl_snapshot_lines(const struct fl_snapshot *snapshot);
/** fl_snapshot_set_incomplete() - something could not be read; the first reason is kept (copied) */
void fl_snapshot_set_incomplete(struct fl_snapshot *snapshot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** fl_snapshot_incomplete() - why the snapshot is not whole, or NULL when it is */
const char *fl_snapshot_incomplete(const struct fl_snapshot *snapshot);

int64_t fl_snapshot_window_ms(const struct fl_snapshot *snapshot); /* 0: none */
size_t fl_snapshot_n_flows(const struct fl_snapshot *snapshot);    /* kept */
uint64_t fl_snapshot_n_seen(const struct fl_snapshot *snapshot);   /* of the last sample */
/** fl_snapshot_n_by_path() - flows seen in the last sample on @path, kept or not */
uint64_t fl_snapshot_n_by_path(const struct fl_snapshot *snapshot, enum fl_path path);
const struct fl_snapshot_flow *fl_snapshot_flow(const struct fl_snapshot *snapshot, size_t i);
/**
 * fl_snapshot_orphans() - filters that Open vSwitch has forgotten
 * @n: set to the length of the list, at most FL_LIMIT_ORPHANS; there may be more of them
 */
const struct fl_snapshot_orphan *fl_snapshot_orphans(const struct fl_snapshot *snapshot, size_t *n);
/** fl_snapshot_n_orphans() - all of them */
uint64_t fl_snapshot_n_orphans(const struct fl_snapshot *snapshot);

/*
 * Capture: the JSON form. One object:
 *   {"schema": "flowlift/capture/1", "host", "time", "window_ms", "incomplete" (or null),
 *    "inventory": {...} or null,
 *    "samples": [{"time", "lines": [dump lines as OVS printed them]}, ...]}
 * One sample without a window, two with one. The lines stay text, so that a capture shows exactly what
 * OVS said, and a newer flowlift can decode it better. Written as a stream by lib/capture.c;
 * read here.
 */
#define FL_CAPTURE_SCHEMA "flowlift/capture/1"

/**
 * fl_snapshot_from_capture() - decode a capture
 * @json: the whole object; hostile content is expected
 * @keys: how VMs are grouped
 * @keep, @storage: as for fl_snapshot_filter()
 * @flags: enum fl_decode_flags
 * Return: a snapshot owned by the caller, or NULL with @err naming what is wrong.
 */
struct fl_snapshot *fl_snapshot_from_capture(const json_t *json, const struct fl_vm_keys *keys,
                                             enum fl_snapshot_keep keep,
                                             const struct fl_storage *storage, unsigned int flags,
                                             struct fl_error *err);
/**
 * fl_snapshot_from_next_capture() - likewise, one of several that are read one after the other
 * @before: the one before, or NULL; when this one has one sample, its window begins with that of @before,
 *          which remembers it no more then
 * The snapshot remembers its last sample. Return: NULL also when it is of another host, or not later.
 */
struct fl_snapshot *fl_snapshot_from_next_capture(const json_t *json, struct fl_snapshot *before,
                                                  const struct fl_vm_keys *keys,
                                                  enum fl_snapshot_keep keep,
                                                  const struct fl_storage *storage,
                                                  unsigned int flags, struct fl_error *err);

#endif
