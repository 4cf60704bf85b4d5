/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_ROWS_H
#define FLOWLIFT_CLI_LIVE_ROWS_H

/* The list of "flowlift watch": which columns there is room for, and a line for each VM and flow. */

#include "cli/cells.h"
#include "cli/live_model.h"
#include "cli/live_screen.h"

enum fl_live_column {
    FL_LIVE_NAME_COLUMN,
    FL_LIVE_VERDICT,
    FL_LIVE_PATHS,
    FL_LIVE_SHARE,
    FL_LIVE_RATE,
    FL_LIVE_BYTE_RATE,
    FL_LIVE_TREND,
    FL_LIVE_CAUSE,
    FL_LIVE_REMEDY,
    FL_LIVE_N_COLUMNS
};

struct fl_live_columns {
    int x[FL_LIVE_N_COLUMNS];
    int width[FL_LIVE_N_COLUMNS]; /* 0: no room for it */
};

/** fl_verdict_cell_style() - how a verdict is coloured */
unsigned int fl_verdict_cell_style(enum fl_verdict verdict);
/** fl_live_columns_fit() - lay out the columns of this list on this screen */
void fl_live_columns_fit(const struct fl_live_model *model, const struct fl_grid *grid,
                         struct fl_live_columns *columns);
/** fl_live_titles_put() - the line of titles */
void fl_live_titles_put(const struct fl_live_model *model, const struct fl_live_columns *columns,
                        int y, struct fl_grid *grid);
/** fl_live_line_put() - one line of the list; @is_cursor: the cursor stands on it */
void fl_live_line_put(const struct fl_live_model *model, const struct fl_live_look *look,
                      const struct fl_live_columns *columns, const struct fl_live_line *line,
                      bool is_cursor, int y, struct fl_grid *grid);

#endif
