/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TEXT_H
#define FLOWLIFT_TEXT_H

/*
 * Text that came from outside (names in OVSDB, lines of a dump), made fit for a terminal and for
 * JSON: valid UTF-8, no control characters that could move somebody's cursor, and its width in
 * columns.
 */

#include <jansson.h>
#include <stddef.h>

/** fl_text_width() - columns that valid or invalid UTF-8 takes on a terminal */
size_t fl_text_width(const char *text);

/**
 * fl_text_clip() - bytes of @text that fit into @columns
 * Return: at most strlen(@text), never in the middle of a character.
 */
size_t fl_text_clip(const char *text, size_t columns);

/**
 * fl_text_clean() - @text as a terminal may show it
 *
 * A control character becomes "\xNN", a byte that is no UTF-8 becomes U+FFFD, a newline or tab a
 * space.
 * Return: owned by the caller, free().
 */
char *fl_text_clean(const char *text);

/** fl_text_visible() - likewise, but newlines stay */
char *fl_text_visible(const char *text);

/** fl_text_escaped() - likewise in one line, but a newline or tab becomes "\xNN" too: for a log */
char *fl_text_escaped(const char *text);

/** fl_text_at() - the string at @key, "" where there is none; borrowed */
const char *fl_text_at(const json_t *object, const char *key);

/**
 * fl_text_json() - @text as a JSON string
 * @text: any bytes (what is no UTF-8 becomes U+FFFD), or NULL
 * Return: new reference; JSON null for NULL.
 */
json_t *fl_text_json(const char *text);

#endif
