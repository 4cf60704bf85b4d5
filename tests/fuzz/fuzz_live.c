/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Screens of "flowlift watch": two bytes of size (width, height), one of what the terminal can do, one that
 * says how many keys follow, the keys, then a document, which comes twice. Whatever comes, each cell holds a
 * character that stays in its place.
 */
#include <jansson.h>
#include <locale.h>
#include <stdint.h>
#include <wchar.h>

#include "cli/live_model.h"
#include "cli/live_screen.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cell(const struct fl_grid *grid, int x, int y)
{
    const struct fl_cell *cell = fl_grid_at(grid, x, y);

    if (!cell->width) {
        REQUIRE(x > 0 && fl_grid_at(grid, x - 1, y)->width == 2);
        return;
    }
    REQUIRE(cell->text[0] >= L' ' && wcwidth(cell->text[0]) == cell->width);
    REQUIRE(grid->utf8 || cell->text[0] < 0x7f);
    REQUIRE(cell->width == 1 || (x + 1 < grid->width && !fl_grid_at(grid, x + 1, y)->width));
    for (int i = 1; i < FL_CELL_CHARS && cell->text[i]; i++)
        REQUIRE(wcwidth(cell->text[i]) == 0);
}

static void draw(struct fl_live_model *model, const uint8_t *head)
{
    const struct fl_live_look look = { .colour = head[2] & 1, .now_ms = head[2] * INT64_C(1000) };
    struct fl_grid grid;

    fl_live_model_scroll(model, fl_live_page(model, head[1]));
    fl_grid_init(&grid, head[0] * 2, head[1], head[2] & 2);
    fl_live_draw(model, &look, &grid);
    for (int y = 0; y < grid.height; y++) {
        for (int x = 0; x < grid.width; x++)
            check_cell(&grid, x, y);
    }
    fl_grid_destroy(&grid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_live_model model;
    size_t n_keys, start;
    json_t *document;

    if (size < 4)
        return 0;
    setlocale(LC_CTYPE, "C.UTF-8");
    n_keys = data[3] % 32u;
    start = 4 + n_keys;
    if (size < start)
        return 0;
    document = json_loadb((const char *)data + start, size - start,
                          JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    fl_live_model_init(&model);
    draw(&model, data);
    for (int round = 0; document && round < 2; round++) {
        fl_live_model_take(&model, document, round * INT64_C(5000));
        for (size_t i = 0; i < n_keys; i++) {
            fl_live_model_key(&model, data[4 + i] % (FL_LIVE_UNFOLD + 1u),
                              fl_live_page(&model, data[1]));
            draw(&model, data);
        }
        draw(&model, data);
    }
    fl_live_model_destroy(&model);
    json_decref(document);
    return 0;
}
