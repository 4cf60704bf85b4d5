/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_REQUEST_H
#define FLOWLIFT_DPDK_PLUGIN_REQUEST_H

/*
 * What stands behind the command of a request, PORT[,NUMBER...] or PORT,TEXT, and the text of replies.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DPDK 22.11 reads at most 1,023 bytes of a request (lib/telemetry/telemetry.c, client_handler()). */
#define FL_REQUEST_BYTES 1024

/**
 * struct fl_request - a copy of a request's parameters
 *
 * Copied first of all: DPDK before 26.07 cuts requests with strtok(), whose state all its threads share, so
 * with two clients at once @text may come from the other's buffer, which changes under us.
 */
struct fl_request {
    char text[FL_REQUEST_BYTES];
    const char *next;
    uint32_t check; /* Of all of @text: the reply repeats it, so that the client knows its own. */
};

/** fl_request_init() - @params may be NULL; what is beyond FL_REQUEST_BYTES is cut off */
void fl_request_init(struct fl_request *request, const char *params);
/** fl_request_number() - take a decimal number, at most @max, and the comma behind it */
bool fl_request_number(struct fl_request *request, uint64_t max, uint64_t *number);
/** fl_request_word() - take @word, if it is all that is left */
bool fl_request_word(struct fl_request *request, const char *word);
/** fl_request_is_done() - nothing is left */
bool fl_request_is_done(const struct fl_request *request);

/**
 * fl_reply_character() - a character that may be in a reply: printable ASCII, tab, newline
 *
 * DPDK 22.11 writes JSON with a table that it indexes by a signed char (lib/telemetry/telemetry_json.h,
 * __json_format_str()): bytes from 0x80 on read in front of it.
 *
 * Return: @c, or '?' for others.
 */
char fl_reply_character(char c);
/** fl_reply_text() - copy @text (NULL: nothing) so that it is on one line, fits, and ends in "..." if cut */
void fl_reply_text(char *to, size_t size, const char *text);

#endif
