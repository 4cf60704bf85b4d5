/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORE_JOURNAL_H
#define FLOWLIFT_STORE_JOURNAL_H

/*
 * The journal: one JSON object a line, appended with one write(2) each (O_APPEND), mode 0640. Each step
 * of a remedy is a line: "time", "who", "vm", "vm_id", "ticket", "step", "state", "reason", and what
 * the step adds ("before", "after", "rules").
 */

#include <jansson.h>

#include "flows/error.h"
#include "lib/store/remedies.h"

/**
 * fl_journal_append() - add a line for a step of @remedy
 * @step: "plan", "install", "verify", "revert", ...
 * @extra: object whose keys are added, or NULL; consumed
 * Return: 0 or negative errno; a half-written last line of a crashed writer is closed first.
 */
int fl_journal_append(const char *root, const char *step, const struct fl_remedy *remedy,
                      json_t *extra, struct fl_error *err);

/**
 * fl_journal_read() - all lines, oldest first, as a JSON array (new reference)
 * @vm: only lines of this VM name or identity; NULL for all
 * @max: the newest so many; 0 for all
 * Damaged lines are skipped and counted in *@n_damaged (may be NULL). No journal: empty array.
 */
json_t *fl_journal_read(const char *root, const char *vm, size_t max, size_t *n_damaged,
                        struct fl_error *err);

#endif
