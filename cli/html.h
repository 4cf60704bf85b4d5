/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HTML_H
#define FLOWLIFT_CLI_HTML_H

/*
 * Text that came from outside, as HTML: names of VMs, reasons, whatever others wrote. Nothing of it can end up
 * as markup, in an element's content or in a quoted attribute; what would change how the text around it is
 * read (control characters, and those that turn the direction of writing or have no width) is made visible as
 * "[U+202E]".
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <openvswitch/dynamic-string.h>

/* So much of a name is shown: a heading is not the place for 4 kB, and a table has many. */
#define FL_HTML_NAME 80u
/* What stands where there is nothing. */
#define FL_HTML_ABSENT "<span class=\"none\">\u2013</span>"

/** fl_html_text() - valid UTF-8, which everything in JSON is; NULL is nothing */
void fl_html_text(struct ds *out, const char *text);
/** fl_html_clipped() - likewise, at most @most characters, and "..." for the rest */
void fl_html_clipped(struct ds *out, const char *text, size_t most);
/** fl_html_name() - the string at @key, clipped, and kept from turning what stands beside it */
void fl_html_name(struct ds *out, const json_t *object, const char *key);
/** fl_html_code() - likewise, whole, and it may be broken into lines behind each comma */
void fl_html_code(struct ds *out, const char *text);

/*
 * Values of a document, of any type that they may be: what is not there, or is something else, is a dash or
 * nothing.
 */

/** fl_html_put() - the string at @key, escaped */
void fl_html_put(struct ds *out, const json_t *object, const char *key);
/** fl_html_put_or() - likewise, or @absent (trusted) when there is none or it is empty */
void fl_html_put_or(struct ds *out, const json_t *object, const char *key, const char *absent);

/*
 * Numbers are <data value="12345">12.3k</data>: for people, and the number itself. A dash for what is none.
 */
void fl_html_count(struct ds *out, const json_t *number);
void fl_html_bytes(struct ds *out, const json_t *number);
/** fl_html_rate() - @count in @window_ms, as events or @of_bytes a second; a dash without a window */
void fl_html_rate(struct ds *out, const json_t *count, const json_t *window_ms, bool of_bytes);
/** fl_html_share() - "97 %" */
void fl_html_share(struct ds *out, const json_t *share);
/** fl_html_time() - <time>, without fractions of a second: "2026-03-01 12:00:05 UTC" */
void fl_html_time(struct ds *out, const char *time);

#endif
