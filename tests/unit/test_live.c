/* SPDX-License-Identifier: Apache-2.0 */
/* The screen of "flowlift watch": whole screens of many sizes, and what keys and readings do to them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <ovs/util.h>

#include "cli/live_bar.h"
#include "cli/live_model.h"
#include "cli/live_screen.h"
#include "flows/cleanup.h"
#include "lib/base/small_file.h"

#define SECOND 1000

/* One VM of a document; @more: further keys, each with a comma before it. */
static char *vm_json(const char *name, const char *verdict, int hw, int dp_sw, const char *more)
{
    return xasprintf("{\"name\": \"%s\", \"verdict\": \"%s\", \"hw_share\": %f, \"judged_by\": "
                     "\"flows\", \"storage\": {\"packets\": {\"hw\": %d, \"dp_sw\": %d}, "
                     "\"bytes\": {\"hw\": %d, \"dp_sw\": %d}}%s}",
                     name, verdict, hw + dp_sw ? hw / (double)(hw + dp_sw) : 0, hw, dp_sw,
                     hw * 1000, dp_sw * 1000, more);
}

/* A document at @second of VMs that were made by vm_json() and are freed. */
static json_t *document_of(int second, const char *more, char *const *vms, size_t n)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    json_error_t error;
    json_t *json;

    ds_put_format(&text,
                  "{\"host\": \"node7\", \"time\": \"2026-03-01T12:%02d:%02dZ\", \"window_ms\": "
                  "5000%s, \"vms\": [",
                  second / 60, second % 60, more);
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&text, "%s%s", i ? ", " : "", vms[i]);
        free(vms[i]);
    }
    ds_put_cstr(&text, "]}");
    json = json_loads(ds_cstr(&text), 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, ds_cstr(&text));
    ds_destroy(&text);
    return json;
}

static void take(struct fl_live_model *model, json_t *document)
{
    fl_live_model_take(model, document, 1000 * SECOND);
    json_decref(document);
}

#define STRANDED_MORE                                                                       \
    ", \"causes\": [\"conntrack\"], \"reason\": \"all of it was forwarded by a CPU\", "     \
    "\"live_flows\": [{\"text\": \"tcp 10.1.0.2 > 10.1.0.250:2049\", \"direction\": "       \
    "\"from-vm\", \"vlan\": 100, \"path\": \"dp-sw\", \"packets\": 1000, \"bytes\": "       \
    "1000000, \"causes\": [\"conntrack\"]}, {\"text\": \"tcp 10.1.0.250:2049 > 10.1.0.2\"," \
    " \"direction\": \"to-vm\", \"vlan\": 100, \"path\": \"dp-sw\", \"packets\": 1000, "    \
    "\"bytes\": 1000000, \"causes\": []}], \"live_flows_more\": 3"

/* Three VMs, the first of which gets worse, over three readings. */
static void take_three(struct fl_live_model *model)
{
    for (int i = 1; i <= 3; i++) {
        char *vms[] = {
            vm_json("web-2", "stranded", 0, 2000 * i, STRANDED_MORE),
            vm_json("web-1", "leaking", 9000, 1000, ", \"causes\": [\"hardware-miss\"]"),
            vm_json("web-3", "offloaded", 5000, 0, ", \"live_remedy\": {\"state\": \"verified\"}"),
        };

        take(model, document_of(5 * i, "", vms, ARRAY_SIZE(vms)));
    }
}

static int setup(void **state)
{
    struct fl_live_model *model = malloc(sizeof *model);

    fl_live_model_init(model);
    model->tick_ms = 5 * SECOND;
    *state = model;
    return 0;
}

static int teardown(void **state)
{
    fl_live_model_destroy(*state);
    free(*state);
    return 0;
}

static char *drawn(struct fl_live_model *model, int width, int height, bool utf8, bool colour)
{
    const struct fl_live_look look = { .colour = colour, .now_ms = 1002 * SECOND };
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_grid grid;

    fl_live_model_scroll(model, fl_live_page(model, height));
    fl_grid_init(&grid, width, height, utf8);
    fl_live_draw(model, &look, &grid);
    fl_grid_text(&grid, &text);
    fl_grid_destroy(&grid);
    return ds_steal_cstr(&text);
}

/* The screen is as in data/live/NAME.txt. */
static void assert_drawn(struct fl_live_model *model, int width, int height, bool utf8, bool colour,
                         const char *name)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *path = xasprintf("%s/tests/unit/data/live/%s.txt", source ? source : ".",
                                         name);
    _cleanup_free char *text = drawn(model, width, height, utf8, colour);
    _cleanup_free char *expected = NULL;
    struct fl_error err = FL_ERROR_INIT;
    size_t n;

    if (fl_small_file_read(AT_FDCWD, path, path, 0, &expected, &n, &err))
        fail_msg("%s: %s", path, err.text);
    assert_string_equal(text, expected);
}

/* ---- Whole screens ---- */

static void a_screen_of_80_columns_has_all_that_matters(void **state)
{
    take_three(*state);
    assert_drawn(*state, 80, 24, true, true, "80x24");
}

static void without_colours_letters_tell_paths_apart(void **state)
{
    take_three(*state);
    assert_drawn(*state, 80, 14, true, false, "letters");
}

static void without_utf8_there_is_ascii_alone(void **state)
{
    _cleanup_free char *text = NULL;

    take_three(*state);
    fl_live_model_key(*state, FL_LIVE_UNFOLD, 5);
    assert_drawn(*state, 100, 16, false, false, "ascii");
    text = drawn(*state, 100, 16, false, false);
    for (const char *c = text; *c; c++)
        assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
}

static void a_small_screen_has_the_worst_first(void **state)
{
    take_three(*state);
    assert_drawn(*state, 40, 10, true, true, "40x10");
}

static void a_large_screen_has_every_column(void **state)
{
    take_three(*state);
    fl_live_model_key(*state, FL_LIVE_UNFOLD, 50);
    assert_drawn(*state, 200, 60, true, true, "200x60");
}

static void one_cell_is_a_screen(void **state)
{
    assert_drawn(*state, 1, 1, true, true, "1x1-before");
    take_three(*state);
    assert_drawn(*state, 1, 1, true, true, "1x1");
}

static void before_the_first_reading_it_says_what_it_waits_for(void **state)
{
    assert_drawn(*state, 80, 24, true, true, "waiting");
}

static void a_host_without_vms_is_told_what_to_do(void **state)
{
    take(*state, document_of(5, "", NULL, 0));
    assert_drawn(*state, 80, 10, true, true, "empty");
}

static void what_could_not_be_read_is_said_above_what_was_read_before(void **state)
{
    take_three(*state);
    take(*state,
         document_of(20, ", \"live_error\": \"cannot connect to db.sock: no such file\"", NULL, 0));
    assert_drawn(*state, 80, 12, true, true, "failed");
}

static void a_late_reading_a_pause_and_the_end_are_told(void **state)
{
    struct fl_live_model *model = *state;
    _cleanup_free char *late = NULL, *paused = NULL, *ended = NULL;

    take_three(model);
    model->taken_ms -= 30 * SECOND;
    late = drawn(model, 80, 24, true, true);
    assert_non_null(strstr(late, " no reading for 32 s"));
    fl_live_model_key(model, FL_LIVE_PAUSE, 9);
    paused = drawn(model, 80, 24, true, true);
    assert_non_null(strstr(paused, " paused\n"));
    fl_live_model_key(model, FL_LIVE_PAUSE, 9);
    take(model, json_pack("{s:b}", "ended", true));
    ended = drawn(model, 80, 24, true, true);
    assert_non_null(strstr(ended, " end of the files\n"));
}

static void names_from_outside_are_harmless_and_keep_the_columns(void **state)
{
    char *vms[] = {
        vm_json("\\u001b[2J\\u0007\\r\\n", "stranded", 0, 10, ""),
        vm_json("\u4e2d\u6587\u865a\u62df\u673a", "leaking", 90, 10, ""),
        vm_json("e\u0301\u0301\u0301\u0301te\u0301", "offloaded", 10, 0, ""),
        vm_json("abc\u202egnp.\u200b\ufeffexe", "offloaded", 10, 0, ""),
        vm_json("a-name-that-nobody-would-give-to-a-virtual-machine", "idle", 0, 0, ""),
        vm_json("", "unknown", 0, 0, ""),
    };

    take(*state, document_of(5, "", vms, ARRAY_SIZE(vms)));
    assert_drawn(*state, 80, 14, true, true, "names");
}

static void a_long_list_scrolls_with_the_cursor(void **state)
{
    struct fl_live_model *model = *state;
    char *vms[40];

    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
        _cleanup_free char *name = xasprintf("vm%02zu", i);

        vms[i] = vm_json(name, "offloaded", 100, 0, "");
    }
    take(model, document_of(5, "", vms, ARRAY_SIZE(vms)));
    for (int i = 0; i < 2; i++)
        fl_live_model_key(model, FL_LIVE_PAGE_DOWN, fl_live_page(model, 12));
    assert_drawn(model, 80, 12, true, true, "scrolled");
}

/* ---- Bars ---- */

/* "hw hw-partial tc-sw dp-sw upcall unknown" columns of @width. */
static void assert_split(const uint64_t counts[FL_N_PATHS], int width,
                         const int expected[FL_N_PATHS])
{
    int columns[FL_N_PATHS];

    fl_bar_split(counts, width, columns);
    for (unsigned int i = 0; i < FL_N_PATHS; i++)
        assert_int_equal(columns[i], expected[i]);
}

static void a_bar_hides_no_path_and_is_full(void **state)
{
    (void)state;
    assert_split((uint64_t[6]){ 0 }, 10, (int[6]){ 0 });
    assert_split((uint64_t[6]){ 1000000, 0, 0, 1 }, 10, (int[6]){ 9, 0, 0, 1 });
    assert_split((uint64_t[6]){ 1, 0, 0, 1000000 }, 10, (int[6]){ 1, 0, 0, 9 });
    assert_split((uint64_t[6]){ 50, 0, 50 }, 10, (int[6]){ 5, 0, 5 });
    assert_split((uint64_t[6]){ 1, 1, 1, 1, 1, 1 }, 3, (int[6]){ 0, 0, 0, 1, 1, 1 });
    assert_split((uint64_t[6]){ 1, 1, 1 }, 10, (int[6]){ 4, 3, 3 });
    assert_split((uint64_t[6]){ 5 }, 0, (int[6]){ 0 });
}

static void bars_of_random_counts_are_full_and_hide_nothing(void **state)
{
    (void)state;
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        uint64_t counts[FL_N_PATHS];
        int columns[FL_N_PATHS], sum = 0, n = 0, width = (int)(random() % 60);

        for (unsigned int i = 0; i < FL_N_PATHS; i++) {
            counts[i] = random() % 2 ? (uint64_t)random() >> random() % 31 : 0;
            n += counts[i] > 0;
        }
        fl_bar_split(counts, width, columns);
        for (unsigned int i = 0; i < FL_N_PATHS; i++) {
            assert_true(columns[i] >= 0);
            assert_true(counts[i] ? width < n || columns[i] : !columns[i]);
            sum += columns[i];
        }
        assert_int_equal(sum, n ? width : 0);
    }
}

/* ---- Readings and keys ---- */

static const char *name_at(const struct fl_live_model *model, size_t i)
{
    struct fl_live_line line;

    assert_true(fl_live_line(model, i, &line));
    return model->vms[line.vm].name;
}

static void the_cursor_stays_with_its_vm_when_others_overtake_it(void **state)
{
    struct fl_live_model *model = *state;
    char *vms[] = { vm_json("web-3", "stranded", 0, 9000, ""),
                    vm_json("web-2", "stranded", 0, 10, ""),
                    vm_json("web-1", "offloaded", 9000, 0, "") };

    take_three(model);
    fl_live_model_key(model, FL_LIVE_DOWN, 9);
    assert_string_equal(name_at(model, model->cursor), "web-1");
    take(model, document_of(20, "", vms, ARRAY_SIZE(vms)));
    assert_string_equal(name_at(model, model->cursor), "web-1");
    assert_int_equal(model->cursor, 2);
}

static void a_cursor_at_the_top_stays_with_the_worst(void **state)
{
    struct fl_live_model *model = *state;
    char *vms[] = { vm_json("web-3", "stranded", 0, 9000, ""),
                    vm_json("web-2", "stranded", 0, 10, "") };

    take_three(model);
    take(model, document_of(20, "", vms, ARRAY_SIZE(vms)));
    assert_int_equal(model->cursor, 0);
    assert_string_equal(name_at(model, 0), "web-3");
}

static void keys_sort_by_what_the_footer_says(void **state)
{
    static const char *const first[] = { "web-2", "web-1", "web-1", "web-1", "web-2" };
    struct fl_live_model *model = *state;

    take_three(model);
    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        fl_live_model_key(model, FL_LIVE_SORT, 9);
        assert_int_equal(model->order, (i + 1) % FL_LIVE_N_ORDERS);
        assert_string_equal(name_at(model, 0), first[i]);
    }
}

static void an_unfolded_vm_stays_so_and_folds_from_any_of_its_lines(void **state)
{
    struct fl_live_model *model = *state;

    take_three(model);
    assert_int_equal(fl_live_n_lines(model), 3);
    fl_live_model_key(model, FL_LIVE_UNFOLD, 9);
    /* A reason, two flows, and that there are more. */
    assert_int_equal(fl_live_n_lines(model), 7);
    take_three(model);
    assert_int_equal(fl_live_n_lines(model), 7);
    for (int i = 0; i < 3; i++)
        fl_live_model_key(model, FL_LIVE_DOWN, 9);
    fl_live_model_key(model, FL_LIVE_UNFOLD, 9);
    assert_int_equal(fl_live_n_lines(model), 3);
    assert_int_equal(model->cursor, 0);
}

static void no_key_leads_out_of_the_list(void **state)
{
    struct fl_live_model *model = *state;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            size_t n = fl_live_n_lines(model);

            fl_live_model_key(model, (enum fl_live_key)(random() % (FL_LIVE_UNFOLD + 1)),
                              (size_t)random() % 4);
            fl_live_model_scroll(model, (size_t)random() % 4);
            n = fl_live_n_lines(model);
            assert_true(model->cursor < MAX(n, 1) && model->top < MAX(n, 1));
        }
        take_three(model);
    }
}

static void a_pause_keeps_the_newest_for_later(void **state)
{
    struct fl_live_model *model = *state;
    char *vms[] = { vm_json("web-9", "stranded", 0, 9000, "") };

    take_three(model);
    fl_live_model_key(model, FL_LIVE_PAUSE, 9);
    take(model, document_of(20, "", NULL, 0));
    take(model, document_of(25, "", vms, ARRAY_SIZE(vms)));
    assert_string_equal(name_at(model, 0), "web-2");
    fl_live_model_key(model, FL_LIVE_PAUSE, 9);
    assert_string_equal(name_at(model, 0), "web-9");
    assert_int_equal(model->n_vms, 1);
}

static void the_trend_forgets_what_is_older_than_a_minute(void **state)
{
    struct fl_live_model *model = *state;

    for (int second = 1; second <= 200; second++) {
        char *vms[] = { vm_json("web-1", "offloaded", second, 0, "") };

        take(model, document_of(second, "", vms, ARRAY_SIZE(vms)));
        assert_true(model->vms[0].n_points <= 60);
    }
    assert_int_equal(model->vms[0].n_points, 60);
    assert_int_equal(model->vms[0].points[0].packets, 141);
    assert_int_equal(model->vms[0].points[59].packets, 200);
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(a_screen_of_80_columns_has_all_that_matters),
        LIVE(without_colours_letters_tell_paths_apart),
        LIVE(without_utf8_there_is_ascii_alone),
        LIVE(a_small_screen_has_the_worst_first),
        LIVE(a_large_screen_has_every_column),
        LIVE(one_cell_is_a_screen),
        LIVE(before_the_first_reading_it_says_what_it_waits_for),
        LIVE(a_host_without_vms_is_told_what_to_do),
        LIVE(what_could_not_be_read_is_said_above_what_was_read_before),
        LIVE(a_late_reading_a_pause_and_the_end_are_told),
        LIVE(names_from_outside_are_harmless_and_keep_the_columns),
        LIVE(a_long_list_scrolls_with_the_cursor),
        LIVE(the_cursor_stays_with_its_vm_when_others_overtake_it),
        LIVE(a_cursor_at_the_top_stays_with_the_worst),
        LIVE(keys_sort_by_what_the_footer_says),
        LIVE(an_unfolded_vm_stays_so_and_folds_from_any_of_its_lines),
        LIVE(no_key_leads_out_of_the_list),
        LIVE(a_pause_keeps_the_newest_for_later),
        LIVE(the_trend_forgets_what_is_older_than_a_minute),
        cmocka_unit_test(a_bar_hides_no_path_and_is_full),
        cmocka_unit_test(bars_of_random_counts_are_full_and_hide_nothing),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
