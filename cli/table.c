/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

#define GAP 2u
/* A last column that is left with less than this is not wrapped: the terminal may do it. */
#define LAST_COLUMN_LEAST 24u

struct cell {
    char *text;
    enum fl_style style;
};

enum mode { KEEP_ROWS, MEASURE_ROWS, PRINT_ROWS };

struct fl_table {
    const struct fl_column *columns;
    size_t n_columns;
    size_t *widths;
    struct cell *cells; /* Row after row. */
    size_t n_cells;
    size_t allocated;
    enum mode mode;
    struct fl_output *out; /* In PRINT_ROWS. */
};

struct fl_table *fl_table_create(const struct fl_column *columns, size_t n_columns)
{
    struct fl_table *table = xzalloc(sizeof *table);

    table->columns = columns;
    table->n_columns = n_columns;
    table->widths = xcalloc(n_columns, sizeof *table->widths);
    for (size_t i = 0; i < n_columns; i++)
        table->widths[i] = fl_text_width(columns[i].title);
    return table;
}

static void forget_rows(struct fl_table *table)
{
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i].text);
    table->n_cells = 0;
}

void fl_table_destroy(struct fl_table *table)
{
    if (!table)
        return;
    forget_rows(table);
    free(table->cells);
    free(table->widths);
    free(table);
}

/* The last column's text, wrapped at words; @column is where it starts. */
static void print_last(struct fl_output *out, const struct cell *cell, size_t column)
{
    bool fits = !out->columns || column + fl_text_width(cell->text) <= out->columns;

    if (fits || column + LAST_COLUMN_LEAST > out->columns) {
        fl_output_styled(out, cell->style, "%s", cell->text);
        fputc('\n', out->stream);
    } else {
        fl_output_paragraph(out, (unsigned int)column, (unsigned int)column, cell->text);
    }
}

/* Blanks are owed until something follows them, so that no line ends in blanks. */
static void print_row(const struct fl_table *table, const struct cell *cells, struct fl_output *out)
{
    size_t column = 0, owed = 0;

    for (size_t i = 0; i < table->n_columns; i++) {
        const char *text = cells[i].text;
        size_t width = fl_text_width(text);
        size_t padding = table->widths[i] - MIN(table->widths[i], width);
        bool right = table->columns[i].right;

        owed += right ? padding : 0;
        if (width) {
            fprintf(out->stream, "%*s", (int)owed, "");
            owed = 0;
        }
        if (width && i == table->n_columns - 1) {
            print_last(out, &cells[i], column + (right ? padding : 0));
            return;
        }
        if (width)
            fl_output_styled(out, cells[i].style, "%s", text);
        owed += (right ? 0 : padding) + GAP;
        column += table->widths[i] + GAP;
    }
    fputc('\n', out->stream);
}

static void end_row(struct fl_table *table)
{
    struct cell *row = &table->cells[table->n_cells - table->n_columns];

    if (table->mode == PRINT_ROWS)
        print_row(table, row, table->out);
    else
        for (size_t i = 0; i < table->n_columns; i++)
            table->widths[i] = MAX(table->widths[i], fl_text_width(row[i].text));
    if (table->mode != KEEP_ROWS)
        forget_rows(table);
}

void fl_table_cell(struct fl_table *table, enum fl_style style, const char *format, ...)
{
    _cleanup_free char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);

    if (table->n_cells == table->allocated)
        table->cells = x2nrealloc(table->cells, &table->allocated, sizeof *table->cells);
    table->cells[table->n_cells++] = (struct cell){ fl_text_clean(text), style };
    if (table->n_cells % table->n_columns == 0)
        end_row(table);
}

static void print_titles(const struct fl_table *table, struct fl_output *out)
{
    struct cell *titles = xcalloc(table->n_columns, sizeof *titles);

    for (size_t i = 0; i < table->n_columns; i++) {
        titles[i].text = CONST_CAST(char *, table->columns[i].title);
        titles[i].style = FL_STYLE_BOLD;
    }
    print_row(table, titles, out);
    free(titles);
}

void fl_table_print(struct fl_table *table, struct fl_output *out)
{
    print_titles(table, out);
    for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
        print_row(table, &table->cells[i], out);
}

void fl_table_measure(struct fl_table *table)
{
    table->mode = MEASURE_ROWS;
}

void fl_table_start(struct fl_table *table, struct fl_output *out)
{
    table->mode = PRINT_ROWS;
    table->out = out;
    print_titles(table, out);
}
