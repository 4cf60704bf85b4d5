/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_OUTPUT_H
#define FLOWLIFT_CLI_OUTPUT_H

/*
 * Where a verb's result goes: standard output, with what is known of the one who reads it (a
 * terminal of some width, colour or not, UTF-8 or not) and with the first error that writing met.
 */

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct fl_output {
    FILE *stream;
    bool colour;
    bool utf8;
    unsigned int columns; /* Of the terminal; 0: no terminal. */
    int fd;
    int error; /* First errno that writing met; 0. */
};

enum fl_style {
    FL_STYLE_PLAIN,
    FL_STYLE_BOLD,
    FL_STYLE_DIM,
    FL_STYLE_BAD,
    FL_STYLE_ODD,
    FL_STYLE_GOOD,
    FL_STYLE_UNSURE,
};

/**
 * fl_output_open() - write to @fd
 *
 * Colour only on a terminal that is not "dumb", and never when NO_COLOR is set and not empty
 * (https://no-color.org). UTF-8 as the locale says.
 */
void fl_output_open(struct fl_output *out, int fd);
/** fl_output_close() - Return: 0, or the negative errno of the first write that failed */
int fl_output_close(struct fl_output *out);

/** fl_output_printf() - control characters but newlines are made visible */
void fl_output_printf(struct fl_output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** fl_output_styled() - likewise, in @style */
void fl_output_styled(struct fl_output *out, enum fl_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * fl_output_paragraph() - words of @text, wrapped between columns @indent and fl_output_width()
 * @column: where the cursor stands; the first line goes on there, or begins at @indent when that is
 *          further to the right
 * Ends with a newline. Control characters in @text are made visible.
 */
void fl_output_paragraph(struct fl_output *out, unsigned int column, unsigned int indent,
                         const char *text);
/**
 * fl_output_paragraph_behind() - likewise, with @margin at the start of every further line
 * @margin: less than @indent columns
 */
void fl_output_paragraph_behind(struct fl_output *out, const char *margin, unsigned int column,
                                unsigned int indent, const char *text);
/** fl_output_width() - columns that text for people should fill: the terminal's, else 100 */
unsigned int fl_output_width(const struct fl_output *out);

/**
 * fl_output_arrow() - what leads from a match to its actions; fl_output_down(), _bar(): likewise
 */
const char *fl_output_arrow(const struct fl_output *out);
const char *fl_output_down(const struct fl_output *out);
const char *fl_output_bar(const struct fl_output *out);

/** fl_output_json() - one JSON value and a newline; @json is consumed */
void fl_output_json(struct fl_output *out, json_t *json);
/** fl_output_json_line() - the same on a single line */
void fl_output_json_line(struct fl_output *out, json_t *json);

#endif
