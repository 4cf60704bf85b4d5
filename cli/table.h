/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_TABLE_H
#define FLOWLIFT_CLI_TABLE_H

/*
 * The one table printer: columns as wide as their content, numbers to the right, the last column
 * free (on a terminal it is wrapped within its own column).
 *
 *     struct fl_table *table = fl_table_create(columns, n);
 *     fl_table_cell(table, FL_STYLE_PLAIN, "%s", name);      one for each column, left to right
 *     fl_table_print(table, out);
 *     fl_table_destroy(table);
 *
 * Rows are kept until they are printed. Where there are too many to keep, emit all rows twice: once
 * after fl_table_measure(), once after fl_table_start(), which prints each row as it is complete.
 */

#include "cli/output.h"

struct fl_column {
    const char *title;
    bool right; /* A number: to the right. */
};

struct fl_table;

/** fl_table_create() - @columns: borrowed while the table lives */
struct fl_table *fl_table_create(const struct fl_column *columns, size_t n_columns);
void fl_table_destroy(struct fl_table *table);

/** fl_table_cell() - the next cell of the current row; control characters are made visible */
void fl_table_cell(struct fl_table *table, enum fl_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** fl_table_print() - title line and all rows kept */
void fl_table_print(struct fl_table *table, struct fl_output *out);

/** fl_table_measure() - from now on rows only widen their columns */
void fl_table_measure(struct fl_table *table);
/** fl_table_start() - print the title line; from now on rows are printed at once */
void fl_table_start(struct fl_table *table, struct fl_output *out);

#endif
