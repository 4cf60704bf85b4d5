/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_TEXT_SAMPLE_H
#define FLOWLIFT_TC_TEXT_SAMPLE_H

/*
 * What tc printed, on its way into a snapshot: as lib/sample.h, for text and JSON of "tc filter show".
 * Datapath flows that stand between the filters are read too.
 */

#include "flows/decode.h"
#include "flows/error.h"
#include "flows/snapshot.h"
#include "flows/tc_flow.h"

struct fl_tc_text;

struct fl_tc_text_sample {
    struct fl_snapshot *snapshot; /* borrowed */
    const char *source;           /* for errors; borrowed */
    bool keep_text;
    struct fl_tc_text *filters;
    struct fl_decoder *flows;
    struct fl_tc_flow scratch;
    uint64_t n_errors;            /* Filters that are no flow in full. */
    struct fl_decode_stats stats; /* valid after fl_tc_text_sample_end() */
};

/** fl_tc_text_sample_begin() - @flags: enum fl_decode_flags. Return: 0 or -ENOMEM. */
int fl_tc_text_sample_begin(struct fl_tc_text_sample *sample, struct fl_snapshot *snapshot,
                            unsigned int flags, const char *source, struct fl_error *err);
/** fl_tc_text_sample_push() - the next bytes, cut anywhere. Return: 0, or -E2BIG above FL_LIMIT_FLOWS. */
int fl_tc_text_sample_push(const void *bytes, size_t n_bytes, void *sample);
/** fl_tc_text_sample_end() - always call it once fl_tc_text_sample_begin() has succeeded. @ret as fl_sample_end() */
int fl_tc_text_sample_end(struct fl_tc_text_sample *sample, int ret, struct fl_error *err);

#endif
