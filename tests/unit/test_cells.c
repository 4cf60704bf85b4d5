/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside in cells: harmless, as wide as it says, cut with an ellipsis. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>

#include "cli/cells.h"

/* @text in @room of @width columns; "|" marks where what was taken ends. */
static void assert_put(int width, int room, const char *text, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fl_grid grid;
    int taken;

    fl_grid_init(&grid, width, 1, true);
    taken = fl_grid_put(&grid, 0, 0, room, 0, text);
    fl_grid_glyph(&grid, taken, 0, 0, L'|', '|');
    fl_grid_text(&grid, &ds);
    ds_chomp(&ds, '\n');
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
    fl_grid_destroy(&grid);
}

static void long_text_ends_in_an_ellipsis(void **state)
{
    (void)state;
    assert_put(20, 5, "abcde", "abcde|");
    assert_put(20, 5, "abcdef", "abcd\u2026|");
    assert_put(20, 1, "abcdef", "\u2026|");
    assert_put(20, 0, "abcdef", "|");
    assert_put(20, -3, "abcdef", "|");
    assert_put(20, 5, "", "|");
}

static void wide_characters_take_two_columns_and_are_never_halved(void **state)
{
    (void)state;
    assert_put(20, 10, "\u4e2d\u6587", "\u4e2d\u6587|");
    assert_put(20, 4, "\u4e2d\u6587\u4e2d", "\u4e2d\u2026|");
    assert_put(20, 3, "\u4e2d\u6587\u4e2d", "\u4e2d\u2026|");
    assert_put(20, 2, "\u4e2d\u6587\u4e2d", "\u2026|");
    assert_put(3, 10, "\u4e2d\u6587", "\u4e2d");
}

static void marks_go_with_their_character_and_are_few(void **state)
{
    (void)state;
    assert_put(20, 10, "e\u0301x", "e\u0301x|");
    assert_put(20, 10, "e\u0301\u0302\u0303\u0304\u0305x", "e\u0301\u0302x|");
    assert_put(20, 10, "\u0301x", "x|");
}

static void nothing_that_steers_a_terminal_gets_in(void **state)
{
    (void)state;
    assert_put(40, 40, "a\033[31mb", "a\\x1b[31mb|");
    assert_put(40, 40,
               "a\xc2\x9b"
               "31mb",
               "a\\x9b31mb|");
    assert_put(40, 40, "a\r\n\tb\177", "a\\x0d  b\\x7f|");
    assert_put(40, 40, "a\xff\xc0\x80", "a\ufffd\ufffd\ufffd|");
    assert_put(40, 40, "a\u202eb\u200bc\u2066d\ufeff", "a\ufffdb\ufffdc\ufffdd\ufffd|");
}

static void half_of_a_wide_character_that_is_written_over_is_gone(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fl_grid grid;

    (void)state;
    fl_grid_init(&grid, 6, 2, true);
    for (int y = 0; y < 2; y++)
        fl_grid_put(&grid, 0, y, 6, 0, "\u4e2d\u6587\u4e2d");
    fl_grid_put(&grid, 3, 0, 1, 0, "x");
    fl_grid_put(&grid, 1, 1, 2, 0, "\u6587");
    fl_grid_text(&grid, &ds);
    assert_string_equal(ds_cstr(&ds), "\u4e2d x\u4e2d\n \u6587 \u4e2d\n");
    ds_destroy(&ds);
    fl_grid_destroy(&grid);
}

static void what_lies_outside_is_left_out(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fl_grid grid;

    (void)state;
    fl_grid_init(&grid, 3, 2, true);
    fl_grid_put(&grid, -1, 0, 9, 0, "abc");
    fl_grid_put(&grid, 2, 1, 9, 0, "xyz");
    fl_grid_put(&grid, 0, 2, 9, 0, "below");
    fl_grid_put(&grid, 0, -1, 9, 0, "above");
    fl_grid_text(&grid, &ds);
    assert_string_equal(ds_cstr(&ds), "bc\n  x\n");
    ds_destroy(&ds);
    fl_grid_destroy(&grid);
}

static void a_grid_has_limits(void **state)
{
    struct fl_grid grid;

    (void)state;
    fl_grid_init(&grid, 65535, 65535, true);
    assert_int_equal(grid.width, FL_LIMIT_GRID_WIDTH);
    assert_int_equal(grid.height, FL_LIMIT_GRID_HEIGHT);
    fl_grid_destroy(&grid);
    fl_grid_init(&grid, 0, -5, true);
    assert_int_equal(grid.width, 1);
    assert_int_equal(grid.height, 1);
    fl_grid_destroy(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_text_ends_in_an_ellipsis),
        cmocka_unit_test(wide_characters_take_two_columns_and_are_never_halved),
        cmocka_unit_test(marks_go_with_their_character_and_are_few),
        cmocka_unit_test(nothing_that_steers_a_terminal_gets_in),
        cmocka_unit_test(half_of_a_wide_character_that_is_written_over_is_gone),
        cmocka_unit_test(what_lies_outside_is_left_out),
        cmocka_unit_test(a_grid_has_limits),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests_name("cells", tests, NULL, NULL);
}
