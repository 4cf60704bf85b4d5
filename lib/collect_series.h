/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_COLLECT_SERIES_H
#define FLOWLIFT_COLLECT_SERIES_H

/*
 * A live host over a window, and what each part of that window counted: how traffic changes while one looks.
 * Of N parts there are N + 3 dumps: one at each end of a part, and the two of the whole window.
 */

#include "flows/error.h"
#include "flows/snapshot.h"
#include "lib/collect.h"

/* What takes a part. Counters of hardware are up to two seconds old, so a part should not be shorter. */
typedef void fl_series_part(const struct fl_snapshot *part, void *aux);

/**
 * fl_collect_series() - read a live host
 * @options: its window is the whole one, not 0
 * @n_parts: how many parts of one length the window has, 1 or more
 * @take: called at the end of each part with its snapshot, which is borrowed; storage flows alone are in it
 * Return: as fl_collect_host(), *@snapshot being that of the whole window. A part that could not be read is
 * left out, and makes it incomplete.
 */
int fl_collect_series(const struct fl_host *host, const struct fl_collect_options *options,
                      unsigned int n_parts, fl_series_part *take, void *aux,
                      struct fl_snapshot **snapshot, struct fl_error *err);

#endif
