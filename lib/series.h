/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SERIES_H
#define FLOWLIFT_SERIES_H

/*
 * Snapshots of a host one after the other, each with the window since the one before: one dump of the flows
 * for each, where a snapshot by itself takes two. Or of files, which are played.
 */

#include "flows/error.h"
#include "flows/snapshot.h"
#include "lib/collect.h"

struct fl_series {
    struct fl_host host;
    struct fl_collect_options options; /* window_ms: from one dump to the next; above 0 */
    const char *const *paths;          /* to be played instead of the host; or NULL */
    size_t n_paths;
    int64_t pause_ms; /* between two files */
    /* The rest is its own. */
    size_t next_path;
    struct fl_snapshot *last; /* owned */
    int64_t last_ms;          /* when the dump of @last began (fl_monotonic_ms()) */
    int64_t due_ms;           /* when the next is due */
};

/** fl_series_init() - all borrowed while the series lives; call fl_series_destroy() */
void fl_series_init(struct fl_series *series, const struct fl_host *host,
                    const struct fl_collect_options *options);
void fl_series_destroy(struct fl_series *series);

/**
 * fl_series_next() - wait until it is time, read, and hand out what was counted since
 * @snapshot: borrowed until the next call
 *
 * The first one takes two dumps, and so does the one after an error. Of files, those of one dump each make
 * one snapshot less than there are files, unless there is one file only, which shows what the flows
 * counted in their lifetime.
 * Return: 0; -ENODATA without a sentence: the files are at their end; else as fl_collect_host(): what went
 * before is forgotten, and it may be called again, which waits as long as after a snapshot.
 */
int fl_series_next(struct fl_series *series, const struct fl_snapshot **snapshot,
                   struct fl_error *err);

#endif
