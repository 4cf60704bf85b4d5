/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/fleet/lines.h"

static void take(const char *text, size_t n, const char *label, uint64_t line, void *ds)
{
    ds_put_format(ds, "%d", (int)line);
    if (*label)
        ds_put_format(ds, " of %s", label);
    ds_put_cstr(ds, ": ");
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n' && text[i] != ' ')
            ds_put_char(ds, text[i]);
    }
    ds_put_char(ds, '\n');
}

static void refuse(uint64_t line, const char *reason, void *ds)
{
    ds_put_format(ds, "%d %s\n", (int)line, reason);
}

static const char *read_in_pieces(const char *text, size_t n, size_t piece, struct ds *ds)
{
    const struct fl_fleet_lines_to to = { .take = take, .refuse = refuse, .aux = ds };
    struct fl_fleet_lines lines;

    ds_clear(ds);
    fl_fleet_lines_init(&lines, &to);
    for (size_t at = 0; at < n; at += piece)
        fl_fleet_lines_push(&lines, text + at, MIN(piece, n - at));
    fl_fleet_lines_end(&lines);
    return ds_cstr(ds);
}

/* What comes out, line by line, in whatever pieces the text is fed. */
static void assert_read(const char *text, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t piece = 1; piece <= strlen(text) + 1; piece += piece < 3 ? 1 : 11)
        assert_string_equal(read_in_pieces(text, strlen(text), piece, &ds), expected);
    ds_destroy(&ds);
}

static void objects_are_one_a_line_or_over_several(void **state)
{
    (void)state;
    assert_read("{\"a\":1}\n\n{\"b\":\"}{\\\"\"}\r\n", "1: {\"a\":1}\n3: {\"b\":\"}{\\\"\"}\n");
    assert_read("{\n  \"a\": [\n    {\n    }\n  ]\n}\n{\"b\":1}",
                "1: {\"a\":[{}]}\n7: {\"b\":1}\n");
    assert_read("", "");
}

static void names_in_front_say_whose_it_is(void **state)
{
    (void)state;
    assert_read("n1: {\"a\":1}\nn2:{\"b\":1}\nfe80::1: {}\n",
                "1 of n1: {\"a\":1}\n2 of n2: {\"b\":1}\n3 of fe80::1: {}\n");
    assert_read("n1: {\nn1:   \"a\": 1\nn1: }\nn2: {}\n", "1 of n1: {\"a\":1}\n4 of n2: {}\n");
}

static void headings_of_clush_and_ansible_say_whose_it_is(void **state)
{
    (void)state;
    assert_read("---------------\nn1\n---------------\n{}\n{}\n---------------\nn2\n"
                "---------------\n{}\n",
                "4 of n1: {}\n5 of n1: {}\n9 of n2: {}\n");
    assert_read("n1 | CHANGED | rc=0 >>\n{}\nn2 | FAILED | rc=1 >>\n{}\nnon-zero return code\n",
                "2 of n1: {}\n4 of n2: {}\n");
    assert_read("n3 | UNREACHABLE! => {\n    \"msg\": \"no\"\n}\n{}\n",
                "1 is no line of flowlift audit\n4: {}\n");
}

static void what_is_no_object_is_refused_by_its_line(void **state)
{
    (void)state;
    assert_read("n1: bash: flowlift: command not found\nrubbish\n[1]\n{}\n{} {}\n",
                "1 is no line of flowlift audit\n2 is no line of flowlift audit\n"
                "3 is no line of flowlift audit\n4: {}\n5: {}\n"
                "5 has something behind its object\n");
}

static void what_is_cut_off_does_not_take_the_next_with_it(void **state)
{
    (void)state;
    assert_read("{\"a\":\"x\n{}\n", "1 is broken off\n2: {}\n");
    assert_read("{\"a\":{\n{}\n", "1 is broken off\n2: {}\n");
    assert_read("{\n  \"a\": 1,\n{\"b\":1}\n{\n",
                "1 is broken off\n3: {\"b\":1}\n4 is broken off\n");
    /* Without a newline: cat of a file that was cut off, and of the next one. */
    assert_read("{\"schema\":1,\"a\":\"x{\"schema\":2}\n", "1 is broken off\n1: {\"schema\":2}\n");
    assert_read("{\"schema\":1,\"a\":{\"schema\":2}\n{}\n",
                "1 is broken off\n1: {\"schema\":2}\n2: {}\n");
    assert_read("{\n  \"a\": \"x{\"schema\":2}\n", "1 is broken off\n2: {\"schema\":2}\n");
    /* Of two hosts, mixed line by line. */
    assert_read("n1: {\nn2: {\nn1: }\n{}\n", "1 is broken off\n2 is broken off\n"
                                             "3 is no line of flowlift audit\n4: {}\n");
}

static void the_rest_of_an_object_is_refused_once(void **state)
{
    (void)state;
    assert_read("    \"a\": 1,\n    \"b\": 2\n  },\n  {\n  }\n]\n}\n{}\n",
                "1 is no line of flowlift audit\n8: {}\n");
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    assert_read("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}\n{}\n",
                "1 is nested too deeply\n2: {}\n");
}

static void lines_and_objects_have_a_limit(void **state)
{
    const size_t n = FL_LIMIT_FLEET_AUDIT_BYTES;
    _cleanup_free char *text = xmalloc(2 * n + 100);
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t length;

    (void)state;
    /* One line. */
    memset(text, 'x', n + 1);
    memcpy(text + n + 1, "\n{}\n", 4);
    assert_string_equal(read_in_pieces(text, n + 5, 65536, &ds),
                        "1 is longer than 8 MiB, more than flowlift reads\n2: {}\n");
    /* An object over many lines; what is left of it is not told line by line. */
    strcpy(text, "{\n");
    for (length = 2; length < n + 1000; length += 8)
        memcpy(text + length, " \"a\":1,\n", 8);
    memcpy(text + length, "}\n{}\n", 5);
    assert_int_equal(strncmp(read_in_pieces(text, length + 5, 65536, &ds),
                             "1 is longer than 8 MiB, more than flowlift reads\n", 49),
                     0);
    assert_non_null(strstr(ds_cstr(&ds), ": {}\n"));
    assert_null(strstr(ds_cstr(&ds), "no line"));
    ds_destroy(&ds);
}

static void the_rest_of_a_line_that_is_too_long_is_not_kept(void **state)
{
    const struct fl_fleet_lines_to to = { .take = take, .refuse = refuse };
    _cleanup_free char *piece = xzalloc(65536);
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fl_fleet_lines lines;

    (void)state;
    fl_fleet_lines_init(&lines, &to);
    lines.to.aux = &ds;
    for (size_t i = 0; i < 4 * FL_LIMIT_FLEET_AUDIT_BYTES / 65536; i++)
        fl_fleet_lines_push(&lines, piece, 65536);
    assert_true(lines.line.length == 0 && lines.line.allocated <= 2 * FL_LIMIT_FLEET_AUDIT_BYTES);
    fl_fleet_lines_end(&lines);
    assert_string_equal(ds_cstr(&ds), "1 is longer than 8 MiB, more than flowlift reads\n");
    ds_destroy(&ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_one_a_line_or_over_several),
        cmocka_unit_test(names_in_front_say_whose_it_is),
        cmocka_unit_test(headings_of_clush_and_ansible_say_whose_it_is),
        cmocka_unit_test(what_is_no_object_is_refused_by_its_line),
        cmocka_unit_test(what_is_cut_off_does_not_take_the_next_with_it),
        cmocka_unit_test(the_rest_of_an_object_is_refused_once),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(lines_and_objects_have_a_limit),
        cmocka_unit_test(the_rest_of_a_line_that_is_too_long_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
