/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_SCREEN_H
#define FLOWLIFT_CLI_LIVE_SCREEN_H

/*
 * The screen of "flowlift watch" as a function: from what is known (cli/live_model.h) and the size to cells.
 * Any size will do; what has no room is left out, the least important first.
 */

#include "cli/cells.h"
#include "cli/live_model.h"

/* Who looks, and when. */
struct fl_live_look {
    bool colour; /* else paths are told apart by letters */
    int64_t now_ms;
};

/** fl_live_draw() - onto a blank grid */
void fl_live_draw(const struct fl_live_model *model, const struct fl_live_look *look,
                  struct fl_grid *grid);
/** fl_live_page() - lines of the list that a screen of @height lines has */
size_t fl_live_page(const struct fl_live_model *model, int height);

#endif
