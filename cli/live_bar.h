/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_BAR_H
#define FLOWLIFT_CLI_LIVE_BAR_H

/* What is drawn of numbers: shares of paths as a bar, the last minute as a row of columns. */

#include "cli/cells.h"
#include "cli/live_model.h"
#include "cli/live_screen.h"

/* Columns of the trend: each is five seconds. */
#define FL_TREND_WIDTH 12

/** fl_path_style() - the colour of a path */
unsigned int fl_path_style(enum fl_path path);
/** fl_path_letter() - what a path's part of a bar is made of without colours: "H", "P", ... */
char fl_path_letter(enum fl_path path);

/**
 * fl_bar_split() - how many of @width columns each path gets
 * A path that has packets gets one at least, as long as there are enough.
 */
void fl_bar_split(const uint64_t counts[FL_N_PATHS], int width, int columns[FL_N_PATHS]);
/** fl_bar_put() - the bar; dots where nothing was counted */
void fl_bar_put(struct fl_grid *grid, int x, int y, int width, const struct fl_live_look *look,
                const uint64_t counts[FL_N_PATHS]);
/**
 * fl_trend_put() - packets a second in the last minute, the newest right, as high as the highest of this VM
 * @now_ms: the time of the newest reading
 */
void fl_trend_put(struct fl_grid *grid, int x, int y, const struct fl_live_vm *vm, int64_t now_ms);

#endif
