/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_bar.h"

#include <string.h>

#include <ovs/util.h>

#include "cli/audit_view.h"

#define COLUMN_MS (FL_LIVE_TREND_MS / FL_TREND_WIDTH)

static const struct {
    char letter;
    unsigned int style;
} paths[FL_N_PATHS] = {
    [FL_PATH_HW] = { 'H', FL_COLOUR_GREEN },
    [FL_PATH_HW_PARTIAL] = { 'P', FL_COLOUR_CYAN },
    [FL_PATH_TC_SW] = { 'T', FL_COLOUR_YELLOW },
    [FL_PATH_DP_SW] = { 'D', FL_COLOUR_RED },
    [FL_PATH_UPCALL] = { 'U', FL_COLOUR_MAGENTA },
    [FL_PATH_UNKNOWN] = { '?', FL_COLOUR_WHITE | FL_CELL_DIM },
};

unsigned int fl_path_style(enum fl_path path)
{
    return paths[path].style;
}

char fl_path_letter(enum fl_path path)
{
    return paths[path].letter;
}

/* The path with the most columns per packet gives one up, or the one with the fewest gets one. */
static unsigned int find_path(const uint64_t counts[FL_N_PATHS], const int columns[FL_N_PATHS],
                              bool to_shrink)
{
    unsigned int best = FL_N_PATHS;

    for (unsigned int i = 0; i < FL_N_PATHS; i++) {
        double share, best_share;

        if (!counts[i] || (to_shrink && columns[i] < 2))
            continue;
        if (best == FL_N_PATHS) {
            best = i;
            continue;
        }
        share = columns[i] / (double)counts[i];
        best_share = columns[best] / (double)counts[best];
        if (to_shrink ? share > best_share : share < best_share)
            best = i;
    }
    return best;
}

void fl_bar_split(const uint64_t counts[FL_N_PATHS], int width, int columns[FL_N_PATHS])
{
    uint64_t all = fl_tally_all(counts);
    int used = 0;

    memset(columns, 0, FL_N_PATHS * sizeof *columns);
    if (!all || width < 1)
        return;
    for (unsigned int i = 0; i < FL_N_PATHS; i++) {
        columns[i] = (int)((double)counts[i] / (double)all * width);
        columns[i] += counts[i] && !columns[i];
        used += columns[i];
    }
    while (used > width) {
        unsigned int path = find_path(counts, columns, true);

        /* More paths than columns: the worst are shown. */
        for (unsigned int i = 0; path == FL_N_PATHS && i < FL_N_PATHS; i++)
            path = columns[i] ? i : FL_N_PATHS;
        columns[path]--;
        used--;
    }
    for (; used < width; used++)
        columns[find_path(counts, columns, false)]++;
}

void fl_bar_put(struct fl_grid *grid, int x, int y, int width, const struct fl_live_look *look,
                const uint64_t counts[FL_N_PATHS])
{
    int columns[FL_N_PATHS], end = x + width;

    fl_bar_split(counts, width, columns);
    for (unsigned int path = 0; path < FL_N_PATHS; path++) {
        for (int i = 0; i < columns[path]; i++, x++) {
            if (look->colour)
                fl_grid_glyph(grid, x, y, paths[path].style, L'\u2588', paths[path].letter);
            else
                fl_grid_glyph(grid, x, y, 0, (wchar_t)paths[path].letter, paths[path].letter);
        }
    }
    for (; x < end; x++)
        fl_grid_glyph(grid, x, y, FL_CELL_DIM, L'\u00b7', '.');
}

/* What one column of the trend covers. */
struct column {
    bool is_known;
    double rate; /* the highest of the readings that it is of */
    uint64_t packets;
    uint64_t hw_packets;
};

static struct column column_of(const struct fl_live_vm *vm, int64_t begin_ms, int64_t end_ms)
{
    struct column column = { .is_known = false };

    for (size_t i = 0; i < vm->n_points; i++) {
        const struct fl_live_point *point = &vm->points[i];
        double rate;

        if (point->time_ms <= begin_ms || point->time_ms - point->window_ms >= end_ms)
            continue;
        rate = (double)point->packets * 1000 / (double)MAX(point->window_ms, 1);
        column.is_known = true;
        column.rate = MAX(column.rate, rate);
        column.packets += point->packets;
        column.hw_packets += point->hw_packets;
    }
    return column;
}

static unsigned int column_style(const struct column *column)
{
    double share = (double)column->hw_packets / (double)MAX(column->packets, 1);

    if (!column->packets)
        return FL_CELL_DIM;
    return share >= 0.99 ? FL_COLOUR_GREEN : share >= 0.9 ? FL_COLOUR_YELLOW : FL_COLOUR_RED;
}

void fl_trend_put(struct fl_grid *grid, int x, int y, const struct fl_live_vm *vm, int64_t now_ms)
{
    static const wchar_t heights[] = L"\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
    static const char ascii[] = ".:-=+*%#";
    struct column columns[FL_TREND_WIDTH];
    double most = 0;

    for (int i = 0; i < FL_TREND_WIDTH; i++) {
        int64_t end_ms = now_ms - (FL_TREND_WIDTH - 1 - i) * (int64_t)COLUMN_MS;

        columns[i] = column_of(vm, end_ms - COLUMN_MS, end_ms);
        most = MAX(most, columns[i].rate);
    }
    for (int i = 0; i < FL_TREND_WIDTH; i++) {
        int height = most > 0 ? (int)(columns[i].rate / most * 7.999) : 0;

        if (columns[i].is_known && !columns[i].packets)
            fl_grid_glyph(grid, x + i, y, FL_CELL_DIM, L'_', '_');
        else if (columns[i].is_known)
            fl_grid_glyph(grid, x + i, y, column_style(&columns[i]), heights[height],
                          ascii[height]);
    }
}
