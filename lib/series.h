/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SERIES_H
#define FLOWLIFT_SERIES_H

/*
 * Snapshots of a host one after the other, each with the window since the one before: one dump of the flows
 * for each, where a snapshot by itself takes two. Or of files, which are played.
 */

#include "flows/baseline.h"
#include "flows/error.h"
#include "flows/snapshot.h"
#include "lib/collect.h"

struct fl_series {
    struct fl_host host;
    struct fl_collect_options options; /* window_ms: from one dump to the next; above 0 */
    const char *const *paths;          /* to be played instead of the host; or NULL */
    size_t n_paths;
    int64_t pause_ms; /* between two files */
    bool wants_whole; /* keep what fl_series_whole() needs */
    /* The rest is its own. */
    size_t next_path;
    struct fl_snapshot *last; /* owned */
    int64_t last_ms;          /* when the dump of @last began (fl_monotonic_ms()) */
    int64_t due_ms;           /* when the next is due */
    struct fl_baseline first; /* when @wants_whole: what flows had counted when it began */
    bool has_first;           /* else it is that of @last */
    int64_t first_ms;         /* when its first dump began */
    char *incomplete;         /* why @wants_whole will not be; or NULL */
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
 * before is forgotten, and it may be called again, which waits as long as after a snapshot. (With @wants_whole
 * nothing is forgotten, and that was the last.)
 */
int fl_series_next(struct fl_series *series, const struct fl_snapshot **snapshot,
                   struct fl_error *err);

/** fl_series_elapsed_ms() - from the first dump of the host to the last, with @wants_whole */
int64_t fl_series_elapsed_ms(const struct fl_series *series);
/**
 * fl_series_whole() - the last snapshot, with a window that begins with the series; once, as the last call
 * It is incomplete when any of the series was, or when fl_series_next() failed. Of files: the last one as it is.
 * Return: owned by the caller; not NULL after fl_series_next() succeeded.
 */
struct fl_snapshot *fl_series_whole(struct fl_series *series);

#endif
