/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_CELLS_H
#define FLOWLIFT_CLI_CELLS_H

/*
 * A screen in memory: cells with a character and a style each. Text from outside gets in through
 * fl_grid_put() alone, which leaves nothing in it that could steer a terminal, and measures it as the C
 * library does (wcwidth(3)), by the locale.
 */

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include <openvswitch/dynamic-string.h>

/* A character, and marks that are put upon it; what has more of them loses the rest. */
#define FL_CELL_CHARS 3

enum fl_colour {
    FL_COLOUR_NONE,
    FL_COLOUR_RED,
    FL_COLOUR_GREEN,
    FL_COLOUR_YELLOW,
    FL_COLOUR_BLUE,
    FL_COLOUR_MAGENTA,
    FL_COLOUR_CYAN,
    FL_COLOUR_WHITE,
    FL_N_COLOURS
};

/* A style: a colour, and any of these. */
#define FL_CELL_COLOUR  0x07u
#define FL_CELL_BOLD    0x10u
#define FL_CELL_DIM     0x20u
#define FL_CELL_REVERSE 0x40u

struct fl_cell {
    wchar_t text[FL_CELL_CHARS]; /* Ends with 0 where it is shorter; a blank is a space. */
    unsigned char width;         /* Columns: 1 or 2; 0: the right half of what stands before it. */
    unsigned char style;
};

struct fl_grid {
    int width;
    int height;
    bool utf8; /* Else every character that is not ASCII is shown as '?'. */
    struct fl_cell *cells;
};

/* What outsiders can make of a terminal's size. What is beyond stays blank. */
#define FL_LIMIT_GRID_WIDTH  512
#define FL_LIMIT_GRID_HEIGHT 256

/** fl_grid_init() - a blank one; at least 1x1, at most the limits */
void fl_grid_init(struct fl_grid *grid, int width, int height, bool utf8);
void fl_grid_destroy(struct fl_grid *grid);
/** fl_grid_at() - the cell in column @x of line @y, both from 0 and within the grid */
const struct fl_cell *fl_grid_at(const struct fl_grid *grid, int x, int y);

/**
 * fl_grid_put() - write text
 * @x, @y: where; what is outside of the grid is left out
 * @room: columns that it may take; what is longer ends in an ellipsis
 * @text: any bytes. Control characters become "\xNN"; what is no UTF-8, and what would change the
 *        direction or the joining of text, becomes U+FFFD
 * Return: columns taken.
 */
int fl_grid_put(struct fl_grid *grid, int x, int y, int room, unsigned int style, const char *text);
/** fl_grid_printf() - likewise */
int fl_grid_printf(struct fl_grid *grid, int x, int y, int room, unsigned int style,
                   const char *format, ...) __attribute__((format(printf, 6, 7)));
/** fl_grid_glyph() - one character of ours; @ascii: what stands in for it without UTF-8 */
void fl_grid_glyph(struct fl_grid *grid, int x, int y, unsigned int style, wchar_t glyph,
                   char ascii);
/** fl_grid_restyle() - add @style to a whole line */
void fl_grid_restyle(struct fl_grid *grid, int y, unsigned int style);
/** fl_grid_text_width() - columns that fl_grid_put() would take for @text without a limit */
int fl_grid_text_width(const struct fl_grid *grid, const char *text);

/** fl_grid_text() - the lines as UTF-8, without the blanks at their ends, each with a newline */
void fl_grid_text(const struct fl_grid *grid, struct ds *text);

#endif
