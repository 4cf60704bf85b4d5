/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cells.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

#define REPLACEMENT  L'\ufffd'
#define ELLIPSIS     L'\u2026'
#define ASCII_SHOWN  '?'
#define ASCII_MARKER '~' /* In place of an ellipsis: three dots would take three columns. */

void fl_grid_init(struct fl_grid *grid, int width, int height, bool utf8)
{
    *grid = (struct fl_grid){
        .width = MAX(1, MIN(width, FL_LIMIT_GRID_WIDTH)),
        .height = MAX(1, MIN(height, FL_LIMIT_GRID_HEIGHT)),
        .utf8 = utf8,
    };
    grid->cells = xcalloc((size_t)grid->width * (size_t)grid->height, sizeof *grid->cells);
    for (int i = 0; i < grid->width * grid->height; i++)
        grid->cells[i] = (struct fl_cell){ .text = { L' ' }, .width = 1 };
}

void fl_grid_destroy(struct fl_grid *grid)
{
    free(grid->cells);
    grid->cells = NULL;
}

static bool is_within(const struct fl_grid *grid, int x, int y)
{
    return x >= 0 && x < grid->width && y >= 0 && y < grid->height;
}

static struct fl_cell *cell_at(const struct fl_grid *grid, int x, int y)
{
    return &grid->cells[y * grid->width + x];
}

const struct fl_cell *fl_grid_at(const struct fl_grid *grid, int x, int y)
{
    ovs_assert(is_within(grid, x, y));
    return cell_at(grid, x, y);
}

/* ---- Characters of text from outside ---- */

/* The character at valid UTF-8. Return: its bytes. */
static size_t decode(const char *text, uint32_t *code_point)
{
    unsigned char first = (unsigned char)*text;
    size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    *code_point = n == 1 ? first : first & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        *code_point = *code_point << 6 | ((unsigned char)text[i] & 0x3fu);
    return n;
}

/*
 * Marks of direction, joiners, invisible operators, tags, soft hyphens: terminals do not agree about them,
 * and some have text look like another. Variation selectors change how wide a character is.
 */
static bool is_deceptive(uint32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfe00 && c <= 0xfe0f) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

/* A character as it is shown, and its columns; 0: a mark upon the one before it. */
static wchar_t shown(const struct fl_grid *grid, uint32_t c, int *columns)
{
    if (c < 0x80 || !grid->utf8) {
        *columns = 1;
        return c < 0x80 ? (wchar_t)c : ASCII_SHOWN;
    }
    *columns = is_deceptive(c) ? -1 : wcwidth((wchar_t)c);
    if (*columns >= 0 && *columns <= 2)
        return (wchar_t)c;
    *columns = 1;
    return REPLACEMENT;
}

static int clean_width(const struct fl_grid *grid, const char *clean)
{
    int width = 0;

    while (*clean) {
        uint32_t c;
        int columns;

        clean += decode(clean, &c);
        shown(grid, c, &columns);
        width += columns;
    }
    return width;
}

int fl_grid_text_width(const struct fl_grid *grid, const char *text)
{
    _cleanup_free char *clean = fl_text_clean(text);

    return clean_width(grid, clean);
}

/* ---- Writing ---- */

/* A wide character of which half is written over is gone. */
static void part_neighbours(struct fl_grid *grid, int x, int y, int width)
{
    if (!cell_at(grid, x, y)->width && x > 0)
        *cell_at(grid, x - 1, y) = (struct fl_cell){ .text = { L' ' }, .width = 1 };
    if (x + width < grid->width && !cell_at(grid, x + width, y)->width)
        *cell_at(grid, x + width, y) = (struct fl_cell){ .text = { L' ' }, .width = 1 };
}

static void put_cell(struct fl_grid *grid, int x, int y, unsigned int style, wchar_t c, int width)
{
    if (!is_within(grid, x, y) || !is_within(grid, x + width - 1, y))
        return;
    part_neighbours(grid, x, y, width);
    *cell_at(grid, x, y) = (struct fl_cell){ .text = { c },
                                             .width = (unsigned char)width,
                                             .style = (unsigned char)style };
    if (width == 2)
        *cell_at(grid, x + 1, y) = (struct fl_cell){ .style = (unsigned char)style };
}

static void put_mark(struct fl_grid *grid, int x, int y, wchar_t mark)
{
    struct fl_cell *cell;

    if (!is_within(grid, x, y))
        return;
    cell = cell_at(grid, x, y);
    for (int i = 1; i < FL_CELL_CHARS; i++) {
        if (!cell->text[i]) {
            cell->text[i] = mark;
            return;
        }
    }
}

void fl_grid_glyph(struct fl_grid *grid, int x, int y, unsigned int style, wchar_t glyph,
                   char ascii)
{
    put_cell(grid, x, y, style, grid->utf8 ? glyph : (wchar_t)ascii, 1);
}

int fl_grid_put(struct fl_grid *grid, int x, int y, int room, unsigned int style, const char *text)
{
    _cleanup_free char *clean = fl_text_clean(text);
    const char *next = clean;
    bool cut = clean_width(grid, clean) > room;
    int taken = 0, last = -1;

    if (room <= 0)
        return 0;
    while (*next) {
        uint32_t c;
        int columns;
        wchar_t character;

        next += decode(next, &c);
        character = shown(grid, c, &columns);
        if (!columns && last >= 0)
            put_mark(grid, last, y, character);
        if (!columns)
            continue;
        if (taken + columns > room - cut)
            break;
        put_cell(grid, x + taken, y, style, character, columns);
        last = x + taken;
        taken += columns;
    }
    if (cut)
        fl_grid_glyph(grid, x + taken++, y, style, ELLIPSIS, ASCII_MARKER);
    return taken;
}

int fl_grid_printf(struct fl_grid *grid, int x, int y, int room, unsigned int style,
                   const char *format, ...)
{
    _cleanup_free char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    return fl_grid_put(grid, x, y, room, style, text);
}

void fl_grid_restyle(struct fl_grid *grid, int y, unsigned int style)
{
    for (int x = 0; y >= 0 && y < grid->height && x < grid->width; x++)
        cell_at(grid, x, y)->style |= (unsigned char)style;
}

/* ---- As text ---- */

static void put_utf8(struct ds *text, wchar_t c_)
{
    uint32_t c = (uint32_t)c_;

    if (c < 0x80) {
        ds_put_char(text, (char)c);
    } else if (c < 0x800) {
        ds_put_char(text, (char)(0xc0 | c >> 6));
        ds_put_char(text, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        ds_put_char(text, (char)(0xe0 | c >> 12));
        ds_put_char(text, (char)(0x80 | (c >> 6 & 0x3f)));
        ds_put_char(text, (char)(0x80 | (c & 0x3f)));
    } else {
        ds_put_char(text, (char)(0xf0 | c >> 18));
        ds_put_char(text, (char)(0x80 | (c >> 12 & 0x3f)));
        ds_put_char(text, (char)(0x80 | (c >> 6 & 0x3f)));
        ds_put_char(text, (char)(0x80 | (c & 0x3f)));
    }
}

void fl_grid_text(const struct fl_grid *grid, struct ds *text)
{
    for (int y = 0; y < grid->height; y++) {
        for (int x = 0; x < grid->width; x++) {
            const struct fl_cell *cell = cell_at(grid, x, y);

            for (int i = 0; cell->width && i < FL_CELL_CHARS && cell->text[i]; i++)
                put_utf8(text, cell->text[i]);
        }
        while (text->length && text->string[text->length - 1] == ' ')
            ds_truncate(text, text->length - 1);
        ds_put_char(text, '\n');
    }
}
