/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_screen.h"

#include <inttypes.h>

#include <ovs/util.h>

#include "cli/human.h"
#include "cli/live_bar.h"
#include "cli/live_rows.h"
#include "lib/base/clock.h"

/* Screens narrower than this begin with the verdicts: there is no room for a title. */
#define TITLE_WIDTH 60
#define TOTAL_BAR   24
/* A reading that is late by this much is said to be. */
#define LATE_MS 5000

/* Which line has what; -1: no room for it. */
struct layout {
    int totals;
    int message;
    int titles;
    int list;
    int n_list; /* lines of it */
    int legend;
    int footer;
};

static struct layout lay_out(const struct fl_live_model *model, int height)
{
    struct layout l = { .totals = -1, .message = -1, .titles = -1, .legend = -1, .footer = -1 };
    int y = 1, end = height;

    if (height >= 7)
        l.totals = y++;
    if (*model->message && height >= 5)
        l.message = y++;
    if (height >= 14)
        y++;
    if (height >= 4)
        l.titles = y++;
    if (height >= 3)
        l.footer = --end;
    if (height >= 10)
        l.legend = --end;
    if (height >= 14)
        end--;
    l.list = y;
    l.n_list = MAX(0, end - y);
    return l;
}

size_t fl_live_page(const struct fl_live_model *model, int height)
{
    return (size_t)lay_out(model, height).n_list;
}

/* ---- Above the list ---- */

/* "3 VMs: 1 stranded, 2 offloaded" */
static int put_verdicts(const struct fl_live_model *model, int x, int end, struct fl_grid *grid)
{
    const char *noun = model->has_vms ? "VM" : "port", *separator = ": ";
    int start = x;

    x += fl_grid_printf(grid, x, 0, end - x, FL_CELL_BOLD, "%zu %s%s", model->n_vms, noun,
                        model->n_vms == 1 ? "" : "s");
    for (enum fl_verdict i = FL_VERDICT_STRANDED; i <= FL_VERDICT_OFFLOADED; i++) {
        if (!model->n_of[i])
            continue;
        x += fl_grid_put(grid, x, 0, end - x, 0, separator);
        x += fl_grid_printf(grid, x, 0, end - x, fl_verdict_cell_style(i), "%zu %s", model->n_of[i],
                            fl_verdict_name(i));
        separator = ", ";
    }
    return x - start;
}

/* What there is to say of the time, the most important alone. */
static char *time_text(const struct fl_live_model *model, const struct fl_live_look *look,
                       unsigned int *style)
{
    int64_t age_ms = look->now_ms - model->taken_ms;
    char time[FL_TIME_TEXT_BYTES], age[FL_HUMAN_BYTES];

    *style = FL_CELL_REVERSE | FL_CELL_BOLD;
    if (model->paused)
        return xstrdup(" paused ");
    if (model->ended)
        return xstrdup(" end of the files ");
    if (model->taken_ms && age_ms > 2 * model->tick_ms + LATE_MS)
        return xasprintf(" no reading for %s ", fl_human_duration(age_ms, age));
    *style = 0;
    if (!model->time_ms)
        return xstrdup("");
    /* The time of day; the date is known to whoever watches. */
    return xasprintf("%.8s UTC", fl_time_format(model->time_ms, time) + 11);
}

static void put_header(const struct fl_live_model *model, const struct fl_live_look *look,
                       struct fl_grid *grid)
{
    unsigned int style;
    char *time = time_text(model, look, &style);
    int width = fl_grid_text_width(grid, time), x = 0;
    /* The time itself is left out before a verdict is; what is odd about it is not. */
    int end = style ? grid->width - width - 1 : grid->width;

    if (grid->width >= TITLE_WIDTH) {
        x += fl_grid_put(grid, x, 0, grid->width, FL_CELL_BOLD | FL_COLOUR_CYAN, "flowlift watch");
        x += 2;
        if (*model->host && strcmp(model->host, "unknown"))
            x += fl_grid_put(grid, x, 0, MIN(32, grid->width - x), 0, model->host) + 2;
    }
    if (model->time_ms)
        x += put_verdicts(model, x, end, grid);
    if (x + 2 + width <= grid->width || style)
        fl_grid_put(grid, MAX(0, grid->width - width), 0, grid->width, style, time);
    free(time);
}

static void put_totals(const struct fl_live_model *model, const struct fl_live_look *look, int y,
                       struct fl_grid *grid)
{
    char share[FL_HUMAN_BYTES], packets[FL_HUMAN_BYTES], bytes[FL_HUMAN_BYTES];
    char window[FL_HUMAN_BYTES];
    uint64_t sums[FL_N_PATHS] = { 0 }, n_packets = 0, n_bytes = 0;
    /* Of a window that is meant to be 5 s, one of 5.04 s says nothing. */
    int64_t window_ms = (model->window_ms + 50) / 100 * 100;
    int bar = MIN(TOTAL_BAR, grid->width / 3), x = bar + 2, room = grid->width - x;

    for (size_t i = 0; i < model->n_vms; i++) {
        for (unsigned int path = 0; path < FL_N_PATHS; path++)
            sums[path] += model->vms[i].packets[path];
        n_bytes += model->vms[i].bytes;
    }
    for (unsigned int path = 0; path < FL_N_PATHS; path++)
        n_packets += sums[path];
    fl_human_share(n_packets ? (double)sums[FL_PATH_HW] / (double)n_packets : -1, share);
    fl_bar_put(grid, 0, y, bar, look, sums);
    if (!n_packets)
        fl_grid_put(grid, x, y, room, FL_CELL_DIM, "no storage packets");
    else if (model->window_ms)
        fl_grid_printf(grid, x, y, room, 0, "%s %% in the NIC  %s pkt/s  %s/s  window %s", share,
                       fl_human_rate(n_packets, model->window_ms, packets),
                       fl_human_byte_rate(n_bytes, model->window_ms, bytes),
                       fl_human_duration(window_ms, window));
    else
        fl_grid_printf(grid, x, y, room, 0, "%s %% in the NIC  %s packets  %s  since they began",
                       share, fl_human_count(n_packets, packets), fl_human_bytes(n_bytes, bytes));
}

/* ---- The list ---- */

static void put_nothing(const struct fl_live_model *model, const struct layout *layout,
                        struct fl_grid *grid)
{
    char window[FL_HUMAN_BYTES], *text;

    if (model->time_ms)
        text = xstrdup("no VM, and no port with flows: flowlift doctor says what is missing");
    else
        text = xasprintf("counting packets for %s ...", fl_human_duration(model->tick_ms, window));
    fl_grid_put(grid, MIN(2, grid->width - 1), layout->list + (layout->n_list > 2), grid->width - 2,
                FL_CELL_DIM, text);
    free(text);
}

static void put_list(const struct fl_live_model *model, const struct fl_live_look *look,
                     const struct layout *layout, struct fl_grid *grid)
{
    struct fl_live_columns columns;
    struct fl_live_line line;

    fl_live_columns_fit(model, grid, &columns);
    if (layout->titles >= 0 && model->time_ms)
        fl_live_titles_put(model, &columns, layout->titles, grid);
    for (int i = 0; i < layout->n_list; i++) {
        size_t n = model->top + (size_t)i;

        if (!fl_live_line(model, n, &line))
            break;
        fl_live_line_put(model, look, &columns, &line, n == model->cursor, layout->list + i, grid);
    }
    if (!model->n_vms && layout->n_list)
        put_nothing(model, layout, grid);
}

/* ---- Below the list ---- */

static void put_legend(const struct fl_live_look *look, int y, struct fl_grid *grid)
{
    int x = 0;

    for (unsigned int path = 0; path < FL_N_PATHS; path++) {
        char letter = fl_path_letter(path);

        fl_grid_glyph(grid, x, y, look->colour ? fl_path_style(path) : 0,
                      look->colour ? L'\u2588' : (wchar_t)letter, letter);
        x += 2;
        x += fl_grid_put(grid, x, y, grid->width - x, FL_CELL_DIM, fl_path_name(path)) + 2;
    }
}

static int put_key(const char *key, const char *what, int x, int y, struct fl_grid *grid)
{
    int start = x;

    x += fl_grid_put(grid, x, y, grid->width - x, FL_CELL_BOLD, key) + 1;
    x += fl_grid_put(grid, x, y, grid->width - x, FL_CELL_DIM, what) + 2;
    return x - start;
}

static void put_footer(const struct fl_live_model *model, const struct layout *layout,
                       struct fl_grid *grid)
{
    size_t n = fl_live_n_lines(model), shown = (size_t)layout->n_list;
    char *sort = xasprintf("sort: %s", fl_live_order_name(model->order));
    int x = 0, y = layout->footer;
    char *where;

    x += put_key("q", "quit", x, y, grid);
    x += put_key(grid->utf8 ? "\u2191\u2193" : "j/k", "move", x, y, grid);
    x += put_key("e", "flows", x, y, grid);
    x += put_key("s", sort, x, y, grid);
    x += put_key("p", model->paused ? "go on" : "pause", x, y, grid);
    free(sort);
    if (n <= shown || !shown)
        return;
    where = xasprintf("%zu-%zu of %zu", model->top + 1, MIN(model->top + shown, n), n);
    if (x + fl_grid_text_width(grid, where) <= grid->width)
        fl_grid_put(grid, grid->width - fl_grid_text_width(grid, where), y, grid->width, 0, where);
    free(where);
}

void fl_live_draw(const struct fl_live_model *model, const struct fl_live_look *look,
                  struct fl_grid *grid)
{
    const struct layout layout = lay_out(model, grid->height);

    put_header(model, look, grid);
    if (layout.totals >= 0 && model->time_ms)
        put_totals(model, look, layout.totals, grid);
    if (layout.message >= 0)
        fl_grid_put(grid, 0, layout.message, grid->width,
                    model->failed ? FL_COLOUR_RED | FL_CELL_BOLD : FL_COLOUR_YELLOW,
                    model->message);
    put_list(model, look, &layout, grid);
    if (layout.legend >= 0)
        put_legend(look, layout.legend, grid);
    if (layout.footer >= 0)
        put_footer(model, &layout, grid);
}
