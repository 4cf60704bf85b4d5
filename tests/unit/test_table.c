/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "cli/table.h"
#include "flows/cleanup.h"
#include "lib/text.h"

/* Output into memory, as fl_output_open() would set it up for a file, or for a terminal. */
struct page {
    struct fl_output out;
    char *text;
    size_t n;
};

static void open_page(struct page *page, unsigned int columns)
{
    *page = (struct page){ .out = { .columns = columns } };
    page->out.stream = open_memstream(&page->text, &page->n);
    assert_non_null(page->out.stream);
}

static void assert_page(struct page *page, const char *expected)
{
    fclose(page->out.stream);
    assert_string_equal(page->text, expected);
    free(page->text);
}

static const struct fl_column columns[] = {
    { "VM", false },
    { "PACKETS", true },
    { "CAUSE", false },
};

static void put_row(struct fl_table *table, const char *vm, const char *packets, const char *cause)
{
    fl_table_cell(table, FL_STYLE_BOLD, "%s", vm);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", packets);
    fl_table_cell(table, FL_STYLE_BAD, "%s", cause);
}

static void columns_are_as_wide_as_their_content(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    put_row(table, "a-long-name", "1", "conntrack");
    put_row(table, "b", "1234567890", "");
    fl_table_print(table, &page.out);
    fl_table_destroy(table);
    assert_page(&page, "VM              PACKETS  CAUSE\n"
                       "a-long-name           1  conntrack\n"
                       "b            1234567890\n");
}

static void a_table_without_rows_is_its_titles(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    fl_table_print(table, &page.out);
    fl_table_destroy(table);
    assert_page(&page, "VM  PACKETS  CAUSE\n");
}

static void characters_count_as_the_columns_they_take(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    put_row(table, "m\u00fcller", "1", "x");
    put_row(table, "\u5317\u4eac", "2", "x");
    put_row(table, "e\u0301", "3", "x");
    fl_table_print(table, &page.out);
    fl_table_destroy(table);
    assert_page(&page, "VM      PACKETS  CAUSE\n"
                       "m\u00fcller        1  x\n"
                       "\u5317\u4eac          2  x\n"
                       "e\u0301             3  x\n");
}

static void what_could_move_the_cursor_is_made_visible(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    put_row(table, "vm\033[2J", "\r1", "a\nb\xff");
    fl_table_print(table, &page.out);
    fl_table_destroy(table);
    assert_page(&page, "VM         PACKETS  CAUSE\n"
                       "vm\\x1b[2J    \\x0d1  a b\ufffd\n");
}

static void only_the_last_column_is_wrapped_and_only_on_a_terminal(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    put_row(table, "vm1", "1",
            "no storage packets were seen in the window of five seconds on this host");
    open_page(&page, 60);
    fl_table_print(table, &page.out);
    assert_page(&page, "VM   PACKETS  CAUSE\n"
                       "vm1        1  no storage packets were seen in the window of\n"
                       "              five seconds on this host\n");
    open_page(&page, 0);
    fl_table_print(table, &page.out);
    assert_page(&page,
                "VM   PACKETS  CAUSE\n"
                "vm1        1  no storage packets were seen in the window of five seconds on "
                "this host\n");
    fl_table_destroy(table);
}

static void colour_takes_no_room(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    page.out.colour = true;
    put_row(table, "vm10", "1", "x");
    fl_table_print(table, &page.out);
    fl_table_destroy(table);
    assert_page(&page, "\033[1mVM\033[0m    \033[1mPACKETS\033[0m  \033[1mCAUSE\033[0m\n"
                       "\033[1mvm10\033[0m        1  \033[1;31mx\033[0m\n");
}

static void rows_need_not_be_kept(void **state)
{
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    struct page page;

    (void)state;
    open_page(&page, 0);
    fl_table_measure(table);
    put_row(table, "vm1", "1", "x");
    put_row(table, "a-long-name", "2", "y");
    fl_table_start(table, &page.out);
    put_row(table, "vm1", "1", "x");
    put_row(table, "a-long-name", "2", "y");
    fl_table_destroy(table);
    assert_page(&page, "VM           PACKETS  CAUSE\n"
                       "vm1                1  x\n"
                       "a-long-name        2  y\n");
}

static void a_paragraph_keeps_its_indent(void **state)
{
    struct page page;

    (void)state;
    open_page(&page, 60);
    fprintf(page.out.stream, "  do: ");
    fl_output_paragraph(&page.out, 6, 6,
                        "set the key that is missing, then restart the daemon "
                        "that reads it when it starts");
    assert_page(&page, "  do: set the key that is missing, then restart the daemon\n"
                       "      that reads it when it starts\n");
}

static void a_match_is_broken_behind_its_commas(void **state)
{
    struct page page;

    (void)state;
    open_page(&page, 60);
    fl_output_paragraph_behind(&page.out, "|", 0, 4,
                               "tcp,dl_src=52:54:00:00:00:01,"
                               "dl_dst=52:54:00:00:00:02,tp_dst=2049");
    assert_page(&page, "    tcp,dl_src=52:54:00:00:00:01,dl_dst=52:54:00:00:00:02,\n"
                       "|   tp_dst=2049\n");
}

static void text_for_json_is_valid_utf8(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        { "plain", "\"plain\"" },
        { "esc\033", "\"esc\\u001B\"" },
        { "bad\xff", "\"bad\ufffd\"" },
        { "cut\xc3", "\"cut\ufffd\"" },
        { "over\xc0\x80", "\"over\ufffd\ufffd\"" },
        { "half\xed\xa0\x80", "\"half\ufffd\ufffd\ufffd\"" },
        { NULL, "null" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_json json_t *json = fl_text_json(cases[i].text);
        _cleanup_free char *text = json_dumps(json, JSON_ENCODE_ANY);

        assert_string_equal(text, cases[i].json);
    }
}

static void text_for_people_is_one_line_and_a_log_keeps_what_it_was(void **state)
{
    _cleanup_free char *clean = fl_text_clean("a\n\tb\033[2J\xff");
    _cleanup_free char *visible = fl_text_visible("a\nb\033");
    _cleanup_free char *escaped = fl_text_escaped("a\n\tb\033\xff");

    (void)state;
    assert_string_equal(clean, "a  b\\x1b[2J\ufffd");
    assert_string_equal(visible, "a\nb\\x1b");
    assert_string_equal(escaped, "a\\x0a\\x09b\\x1b\ufffd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_content),
        cmocka_unit_test(a_table_without_rows_is_its_titles),
        cmocka_unit_test(characters_count_as_the_columns_they_take),
        cmocka_unit_test(what_could_move_the_cursor_is_made_visible),
        cmocka_unit_test(only_the_last_column_is_wrapped_and_only_on_a_terminal),
        cmocka_unit_test(colour_takes_no_room),
        cmocka_unit_test(rows_need_not_be_kept),
        cmocka_unit_test(a_paragraph_keeps_its_indent),
        cmocka_unit_test(a_match_is_broken_behind_its_commas),
        cmocka_unit_test(text_for_json_is_valid_utf8),
        cmocka_unit_test(text_for_people_is_one_line_and_a_log_keeps_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
