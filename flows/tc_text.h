/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_TEXT_H
#define FLOWLIFT_TC_TEXT_H

/*
 * Decoder of what "tc -s filter show" prints without -j, in the shapes in which people post it: with
 * and without the line that announces a priority, "tc monitor" events, quoted, with -o, excerpts that
 * begin at a match key, prompts and prose between. A command line that is part of the text tells the
 * device of the filters below it.
 *
 * Filters of all kinds are handed over; of others than flower, and of what stands in a form that this
 * version does not know, fl_tc_filter.unknown says so.
 */

#include "flows/decode.h"
#include "flows/tc_filter.h"

struct fl_tc_text;

/** fl_tc_text_cb - @filter is valid during the call. Non-zero return stops the decoder. */
typedef int fl_tc_text_cb(const struct fl_tc_filter *filter, void *aux);

struct fl_tc_text *fl_tc_text_create(fl_tc_text_cb *cb, void *aux);
/**
 * fl_tc_text_push() - the next bytes, cut anywhere
 * Return: 0, or what the callback returned when it stopped the decoder.
 */
int fl_tc_text_push(struct fl_tc_text *text, const void *bytes, size_t n_bytes);
/** fl_tc_text_finish() - the text has ended; hands over a last filter. Return: as push. */
int fl_tc_text_finish(struct fl_tc_text *text);
/** fl_tc_text_stats() - lines by class: headings announce a priority, or are command lines */
const struct fl_decode_stats *fl_tc_text_stats(const struct fl_tc_text *text);
void fl_tc_text_destroy(struct fl_tc_text *text);

#endif
