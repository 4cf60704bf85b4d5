/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DECODE_H
#define FLOWLIFT_DECODE_H

/*
 * Decoder of the text that "ovs-appctl dpctl/dump-flows" prints, in all the shapes in which people
 * post it: with and without -m, port names or numbers, "flow-dump from pmd" headings, attributes of
 * newer and of vendor versions, flows wrapped over lines, quoted, cut off, with prose between.
 *
 * Push bytes as they come (a socket, a file, a fuzzer); each flow is handed to a callback as soon as
 * it is complete. Nothing is kept, so a dump of any size needs the memory of its longest flow.
 * A line that looks like a flow and cannot be decoded is still handed over, with what is legible and
 * parse_error. Every physical line is counted in exactly one class of struct fl_decode_stats.
 *
 * A flow is handed over when the next line shows that it does not go on there, or by
 * fl_decoder_finish(). Flows that were glued together on one line have that line's number, each.
 * What is longer than FL_LIMIT_LINE_BYTES or FL_LIMIT_WRAPPED_LINES is cut, and says so.
 */

#include "flows/error.h"
#include "flows/flow.h"

struct fl_decoder;

struct fl_decode_stats {
    uint64_t lines;           /* Physical lines, and the sum of all below but flows. */
    uint64_t flows;           /* Flows handed over. */
    uint64_t flow_lines;      /* First lines of flows. */
    uint64_t continued_lines; /* Further lines of wrapped flows. */
    uint64_t heading_lines;   /* "flow-dump from pmd on cpu core: N" and the like. */
    uint64_t other_lines;     /* Prose, prompts, log lines, blank lines. */
    uint64_t parse_errors;    /* Flows handed over with parse_error set. */
    bool truncated;           /* The text ended inside a flow. */
};

enum fl_decode_flags {
    /* Either has decoders fill match_text, actions_text and raw; a snapshot keeps what was asked for. */
    FL_DECODE_KEEP_PARTS = 1 << 0, /* match_text, actions_text */
    FL_DECODE_KEEP_RAW = 1 << 2,   /* raw: as much memory as the dump has bytes */
    FL_DECODE_KEEP_TEXT = FL_DECODE_KEEP_PARTS | FL_DECODE_KEEP_RAW,
    FL_DECODE_KEEP_TC = 1 << 1, /* and tc, with KEEP_RAW: it costs more than all the rest */
};

/* @flow and all it points to are valid only during the call. Non-zero return stops the decoder. */
typedef int fl_decode_cb(const struct fl_flow *flow, void *aux);

/**
 * fl_decoder_create() - start decoding a dump
 * @ports: where port names are interned; borrowed, must outlive the decoder
 * @flags: enum fl_decode_flags
 */
struct fl_decoder *fl_decoder_create(struct fl_ports *ports, unsigned int flags, fl_decode_cb *cb,
                                     void *aux);
/**
 * fl_decoder_push() - hand over the next bytes, cut anywhere
 * Return: 0, or what the callback returned when it stopped the decoder.
 */
int fl_decoder_push(struct fl_decoder *decoder, const void *bytes, size_t n_bytes);
/** fl_decoder_finish() - the text has ended; hands over a last flow. Return: as push. */
int fl_decoder_finish(struct fl_decoder *decoder);
const struct fl_decode_stats *fl_decoder_stats(const struct fl_decoder *decoder);
void fl_decoder_destroy(struct fl_decoder *decoder);

struct ofpbuf;
/**
 * fl_decode_actions() - the actions of one flow, as they stand behind "actions:"
 * @text: NUL-terminated, nothing behind the actions
 * @ports: where port names are interned
 * @actions: OVS_ACTION_ATTR_*, appended; may be left with some of them when false is returned
 * Return: whether all was understood.
 */
bool fl_decode_actions(const char *text, struct fl_ports *ports, struct ofpbuf *actions);

#endif
