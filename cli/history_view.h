/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HISTORY_VIEW_H
#define FLOWLIFT_CLI_HISTORY_VIEW_H

/* Steps that were taken, as people read them: of a host's journal, or of a fleet. */

#include <jansson.h>

#include "cli/table.h"

/**
 * fl_history_view() - a line for each entry, or that there are none
 * @columns: the first is the time; @keys: of what stands in those behind it
 */
void fl_history_view(const json_t *entries, const struct fl_column *columns,
                     const char *const *keys, size_t n_keys, struct fl_output *out);

#endif
