/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_SOURCE_H
#define FLOWLIFT_CLI_LIVE_SOURCE_H

/*
 * Audits one after the other, as documents: that of "flowlift audit --json", and for the screen with
 *   "live_exit_code", "live_has_vms" (false: they are ports),
 *   "live_error": a sentence, when nothing could be read this time; then nothing else is there
 *   "live_remedies_missing": a sentence, or null
 * and in each of its "vms"
 *   "live_remedy": {"state"} or null
 *   "live_flows": [{"text", "direction", "vlan", "path", "packets", "bytes", "causes"}], "live_flows_more"
 */

#include <jansson.h>

#include "cli/reading.h"
#include "lib/series.h"

/* Storage flows of one VM that are told one by one, the busiest first. */
#define FL_LIMIT_LIVE_FLOWS 32

struct fl_live_source {
    const struct fl_request *request;
    struct fl_config config;
    struct fl_series series;
    bool has_read; /* once: what cannot be read now may come back */
    int exit_code; /* of the last document */
};

/**
 * fl_live_source_open() - read the configuration
 * Return: 0, or negative errno with @err; release with fl_live_source_close() either way.
 */
int fl_live_source_open(struct fl_live_source *source, const struct fl_request *request,
                        struct fl_error *err);
void fl_live_source_close(struct fl_live_source *source);
/** fl_live_source_tick_ms() - from one document to the next */
int64_t fl_live_source_tick_ms(const struct fl_live_source *source);
/**
 * fl_live_source_next() - wait for the next reading, and judge it
 * @for_screen: with what the screen needs on top
 * Return: 0 and *@document, a new reference; -ENODATA without a sentence: the files are at their end;
 * negative errno with @err: the first reading failed, or that of a file. When a later one fails, the document
 * says so ("incomplete", no VMs; for the screen "live_error").
 */
int fl_live_source_next(struct fl_live_source *source, bool for_screen, json_t **document,
                        struct fl_error *err);

#endif
