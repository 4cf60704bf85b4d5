/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_TEXT_INTERNAL_H
#define FLOWLIFT_TC_TEXT_INTERNAL_H

/*
 * What the files of the text decoder share, and nobody else includes. The text of a filter becomes the
 * JSON object that tc -j would have printed (numbers may stay text), which fl_tc_filter_from_json()
 * reads.
 *
 *   tc_text.c         bytes -> lines -> filters
 *   tc_text_line.c    what one line adds to a filter
 *   tc_text_action.c  what it adds to an action
 *   tc_text_json.c    an array of JSON objects, one at a time
 */

#include <jansson.h>
#include <openvswitch/dynamic-string.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of a line; moves @p behind it. Return: false at the end. */
bool fl_tc_next_word(const char **p, char *word, size_t size);

/** fl_tc_line_header() - the part of @line that is a filter's header, or NULL */
const char *fl_tc_line_header(const char *line);
/**
 * fl_tc_read_header() - "protocol ip pref 2 flower chain 0 handle 0x1 ..." into @filter
 * Return: true with a handle (a filter), false without (it announces some).
 */
bool fl_tc_read_header(const char *header, json_t *filter);
/** fl_tc_read_key_line() - a match key or flag. Return: false when the line is none. */
bool fl_tc_read_key_line(const char *line, json_t *options);
/** fl_tc_read_flags() - flags anywhere in the line. Return: whether there was one. */
bool fl_tc_read_flags(const char *line, json_t *options);
/** fl_tc_find_action() - what follows "action order N:" in @line, or NULL */
const char *fl_tc_find_action(const char *line);
/** fl_tc_read_action_line() - @first: the line that names its kind. Return: false: not of an action. */
bool fl_tc_read_action_line(const char *line, bool first, json_t *action);

/* A JSON array on its way. It is cut into its elements, so that one that is no JSON costs no other. */
struct fl_tc_array {
    bool open; /* It has begun and not ended. */
    bool in_string, escaped;
    unsigned int depth;
    bool line_begins; /* Nothing but blanks was seen of the line. */
    uint32_t last_line;
    bool between;  /* It is known to begin, but nothing of it was seen on that line. */
    uint32_t line; /* Where the element begins. */
    struct ds element;
};

void fl_tc_array_init(struct fl_tc_array *array);
void fl_tc_array_destroy(struct fl_tc_array *array);
/** fl_tc_array_begins() - whether @line has the begin of an array of objects */
bool fl_tc_array_begins(const char *line);
/**
 * fl_tc_array_push() - the next line, or what is left of it; begins an array when none is open
 * @element: the next element, a new reference, or NULL at the end of the line
 * Return: what is left of the line behind the element, or NULL.
 */
const char *fl_tc_array_push(struct fl_tc_array *array, const char *text, uint32_t line,
                             json_t **element);

#endif
