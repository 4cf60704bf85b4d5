/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_rows.h"

#include <inttypes.h>

#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/human.h"
#include "cli/live_bar.h"

#define MARKER     2  /* columns in front of a line, for the cursor */
#define GAP        2  /* between columns */
#define NAME_LEAST 4  /* on a screen below NAME_WIDTH */
#define NAME_FEW   10 /* else, where a name has as many */
#define NAME_WIDTH 30
#define NAME_SOME  16
#define NAME_MOST  40
#define BAR_SOME   9
#define BAR_MOST   30
#define CAUSE_MOST 48

static const struct {
    const char *title;
    const char *title_of_counts; /* without a window; NULL: the same */
    int least;
    bool to_the_right;
} kinds[FL_LIVE_N_COLUMNS] = {
    [FL_LIVE_NAME_COLUMN] = { "VM", NULL, NAME_LEAST, false },
    [FL_LIVE_VERDICT] = { "VERDICT", NULL, 9, false },
    [FL_LIVE_PATHS] = { "PATHS", NULL, 6, false },
    [FL_LIVE_SHARE] = { "HW %", NULL, 4, true },
    [FL_LIVE_RATE] = { "PKT/S", "PACKETS", 7, true },
    [FL_LIVE_BYTE_RATE] = { "BYTES/S", "BYTES", 7, true },
    [FL_LIVE_TREND] = { "LAST MINUTE", NULL, FL_TREND_WIDTH, false },
    [FL_LIVE_CAUSE] = { "CAUSE", NULL, 9, false },
    [FL_LIVE_REMEDY] = { "REMEDY", NULL, 9, false },
};

/* The most important first. */
static const enum fl_live_column by_importance[FL_LIVE_N_COLUMNS] = {
    FL_LIVE_NAME_COLUMN, FL_LIVE_VERDICT, FL_LIVE_PATHS,     FL_LIVE_RATE,  FL_LIVE_CAUSE,
    FL_LIVE_REMEDY,      FL_LIVE_SHARE,   FL_LIVE_BYTE_RATE, FL_LIVE_TREND,
};

unsigned int fl_verdict_cell_style(enum fl_verdict verdict)
{
    switch (verdict) {
    case FL_VERDICT_STRANDED: return FL_COLOUR_RED | FL_CELL_BOLD;
    case FL_VERDICT_LEAKING: return FL_COLOUR_YELLOW | FL_CELL_BOLD;
    case FL_VERDICT_UNKNOWN: return FL_COLOUR_MAGENTA;
    case FL_VERDICT_IDLE: return FL_CELL_DIM;
    case FL_VERDICT_OFFLOADED: return FL_COLOUR_GREEN;
    }
    return 0;
}

/* ---- Columns ---- */

/* The widest that each column has to show. */
static void measure(const struct fl_live_model *model, const struct fl_grid *grid,
                    int widest[FL_LIVE_N_COLUMNS])
{
    for (unsigned int i = 0; i < FL_LIVE_N_COLUMNS; i++)
        widest[i] = kinds[i].least;
    widest[FL_LIVE_REMEDY] = 0;
    for (size_t i = 0; i < model->n_vms; i++) {
        const struct fl_live_vm *vm = &model->vms[i];
        int name = fl_grid_text_width(grid, vm->name);
        int cause = fl_grid_text_width(grid, vm->causes);

        widest[FL_LIVE_NAME_COLUMN] = MAX(widest[FL_LIVE_NAME_COLUMN], name);
        widest[FL_LIVE_CAUSE] = MAX(widest[FL_LIVE_CAUSE], cause);
        if (*vm->remedy)
            widest[FL_LIVE_REMEDY] = kinds[FL_LIVE_REMEDY].least;
    }
}

static int least_of(enum fl_live_column column, int widest, int width)
{
    if (column == FL_LIVE_NAME_COLUMN && width >= NAME_WIDTH)
        return MIN(widest, NAME_FEW);
    return kinds[column].least;
}

/* What is left goes to a column, until it is as wide as @enough. */
static void widen(struct fl_live_columns *columns, enum fl_live_column column, int enough,
                  int *left)
{
    int more = MIN(*left, enough - columns->width[column]);

    if (columns->width[column] && more > 0) {
        columns->width[column] += more;
        *left -= more;
    }
}

void fl_live_columns_fit(const struct fl_live_model *model, const struct fl_grid *grid,
                         struct fl_live_columns *columns)
{
    int widest[FL_LIVE_N_COLUMNS], left = grid->width - MARKER + GAP, x = MARKER;

    *columns = (struct fl_live_columns){ .x = { 0 } };
    measure(model, grid, widest);
    for (unsigned int i = 0; i < FL_LIVE_N_COLUMNS; i++) {
        enum fl_live_column column = by_importance[i];
        int least = least_of(column, widest[column], grid->width);

        if (!widest[column] || left < GAP + least)
            continue;
        columns->width[column] = least;
        left -= GAP + least;
    }
    widen(columns, FL_LIVE_NAME_COLUMN, MIN(widest[FL_LIVE_NAME_COLUMN], NAME_SOME), &left);
    widen(columns, FL_LIVE_PATHS, BAR_SOME, &left);
    widen(columns, FL_LIVE_CAUSE, MIN(widest[FL_LIVE_CAUSE], CAUSE_MOST), &left);
    widen(columns, FL_LIVE_NAME_COLUMN, MIN(widest[FL_LIVE_NAME_COLUMN], NAME_MOST), &left);
    widen(columns, FL_LIVE_PATHS, BAR_MOST, &left);
    for (unsigned int i = 0; i < FL_LIVE_N_COLUMNS; i++) {
        columns->x[i] = x;
        x += columns->width[i] ? columns->width[i] + GAP : 0;
    }
}

static void put_in(const struct fl_live_columns *columns, enum fl_live_column column, int y,
                   unsigned int style, const char *text, struct fl_grid *grid)
{
    int room = columns->width[column], x = columns->x[column];

    if (room && kinds[column].to_the_right)
        x += MAX(0, room - fl_grid_text_width(grid, text));
    fl_grid_put(grid, x, y, room, style, text);
}

void fl_live_titles_put(const struct fl_live_model *model, const struct fl_live_columns *columns,
                        int y, struct fl_grid *grid)
{
    for (unsigned int i = 0; i < FL_LIVE_N_COLUMNS; i++) {
        const char *title = kinds[i].title;

        if (i == FL_LIVE_NAME_COLUMN && !model->has_vms)
            title = "PORT";
        if (!model->window_ms && kinds[i].title_of_counts)
            title = kinds[i].title_of_counts;
        put_in(columns, i, y, 0, title, grid);
    }
    fl_grid_restyle(grid, y, FL_CELL_REVERSE);
}

/* ---- Lines ---- */

static unsigned int remedy_style(const char *state)
{
    if (!strcmp(state, "verified"))
        return FL_COLOUR_GREEN;
    return strcmp(state, "reverted") ? FL_COLOUR_YELLOW : FL_CELL_DIM;
}

static void put_marker(const struct fl_live_vm *vm, bool is_cursor, int y, struct fl_grid *grid)
{
    if (is_cursor && vm->unfolded)
        fl_grid_glyph(grid, 0, y, FL_COLOUR_CYAN | FL_CELL_BOLD, L'\u25be', 'v');
    else if (is_cursor)
        fl_grid_glyph(grid, 0, y, FL_COLOUR_CYAN | FL_CELL_BOLD, L'\u25b8', '>');
}

static void put_numbers(const struct fl_live_vm *vm, int64_t window_ms,
                        const struct fl_live_columns *columns, int y, struct fl_grid *grid)
{
    char text[FL_HUMAN_BYTES];

    put_in(columns, FL_LIVE_SHARE, y, 0, fl_human_share(vm->hw_share, text), grid);
    put_in(columns, FL_LIVE_RATE, y, 0,
           vm->by_ports ? "-" : fl_human_rate(fl_tally_all(vm->packets), window_ms, text), grid);
    put_in(columns, FL_LIVE_BYTE_RATE, y, 0,
           vm->by_ports ? "-" : fl_human_byte_rate(vm->bytes, window_ms, text), grid);
}

static void put_vm(const struct fl_live_model *model, const struct fl_live_look *look,
                   const struct fl_live_columns *columns, const struct fl_live_vm *vm,
                   bool is_cursor, int y, struct fl_grid *grid)
{
    put_marker(vm, is_cursor, y, grid);
    put_in(columns, FL_LIVE_NAME_COLUMN, y, is_cursor ? FL_CELL_BOLD : 0, vm->name, grid);
    put_in(columns, FL_LIVE_VERDICT, y, fl_verdict_cell_style(vm->verdict),
           fl_verdict_name(vm->verdict), grid);
    fl_bar_put(grid, columns->x[FL_LIVE_PATHS], y, columns->width[FL_LIVE_PATHS], look,
               vm->packets);
    put_numbers(vm, model->window_ms, columns, y, grid);
    if (columns->width[FL_LIVE_TREND])
        fl_trend_put(grid, columns->x[FL_LIVE_TREND], y, vm, model->time_ms);
    put_in(columns, FL_LIVE_CAUSE, y, 0, vm->causes, grid);
    put_in(columns, FL_LIVE_REMEDY, y, remedy_style(vm->remedy), vm->remedy, grid);
    if (model->failed)
        fl_grid_restyle(grid, y, FL_CELL_DIM);
}

/* "dp-sw           400   254 kB  from  tcp 10.1.0.2 > 10.1.0.250:2049, VLAN 100  conntrack" */
static void put_flow(const struct fl_live_flow *flow, int64_t window_ms, int x, int y,
                     struct fl_grid *grid)
{
    char rate[FL_HUMAN_BYTES], bytes[FL_HUMAN_BYTES];

    fl_grid_put(grid, x, y, grid->width - x, fl_path_style(flow->path), fl_path_name(flow->path));
    x += 10;
    x += fl_grid_printf(grid, x, y, grid->width - x, 0, " %7s  %7s  %-4s  ",
                        fl_human_rate(flow->packets, window_ms, rate),
                        fl_human_byte_rate(flow->bytes, window_ms, bytes),
                        flow->direction == FL_FROM_VM ? "from" : "to");
    x += fl_grid_put(grid, x, y, grid->width - x, 0, flow->text);
    if (flow->vlan > 0)
        x += fl_grid_printf(grid, x, y, grid->width - x, 0, ", VLAN %d", flow->vlan);
    if (*flow->causes)
        fl_grid_printf(grid, x, y, grid->width - x, FL_CELL_DIM, "  %s", flow->causes);
}

static void put_below(const struct fl_live_model *model, const struct fl_live_line *line,
                      bool is_cursor, int y, struct fl_grid *grid)
{
    const struct fl_live_vm *vm = &model->vms[line->vm];
    int x = MARKER + 2;

    if (is_cursor)
        fl_grid_glyph(grid, 0, y, FL_COLOUR_CYAN | FL_CELL_BOLD, L'\u25b8', '>');
    if (line->is_last)
        fl_grid_glyph(grid, MARKER, y, FL_CELL_DIM, L'\u2514', '`');
    else
        fl_grid_glyph(grid, MARKER, y, FL_CELL_DIM, line->is_reason ? L'\u2502' : L'\u251c', '|');
    if (line->is_reason)
        fl_grid_put(grid, x, y, grid->width - x, FL_CELL_DIM, vm->reason);
    else if (line->flow < vm->n_flows)
        put_flow(&vm->flows[line->flow], model->window_ms, x, y, grid);
    else
        fl_grid_printf(grid, x, y, grid->width - x, FL_CELL_DIM, "and %" PRIu64 " more",
                       vm->n_more_flows);
}

void fl_live_line_put(const struct fl_live_model *model, const struct fl_live_look *look,
                      const struct fl_live_columns *columns, const struct fl_live_line *line,
                      bool is_cursor, int y, struct fl_grid *grid)
{
    if (line->is_flow)
        put_below(model, line, is_cursor, y, grid);
    else
        put_vm(model, look, columns, &model->vms[line->vm], is_cursor, y, grid);
}
