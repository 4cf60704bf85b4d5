/* SPDX-License-Identifier: Apache-2.0 */

/* A report: its sentences, its points in time, and what becomes of text from outside on its page. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "cli/html.h"
#include "cli/report_chart.h"
#include "cli/report_html.h"
#include "cli/report_points.h"
#include "cli/report_words.h"
#include "flows/cleanup.h"
#include "lib/text.h"

/* @text: JSON in single quotes, to be read more easily. */
static json_t *json_of(const char *text)
{
    _cleanup_free char *quoted = xstrdup(text);
    json_error_t error;
    json_t *json;

    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json = json_loads(quoted, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

static void assert_taken(struct ds *out, const char *expected)
{
    assert_string_equal(ds_cstr(out), expected);
    ds_destroy(out);
}

static void text_never_becomes_markup(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_text(&out, "<b title=\"x\" id='y'>&amp;</b>");
    assert_taken(&out, "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt;");
    ds_init(&out);
    fl_html_text(&out, NULL);
    assert_taken(&out, "");
}

static void what_turns_or_hides_text_is_made_visible(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_text(&out, "a\u202eb\u200bc\u2066d\x1b\x7f\xc2\x85"
                       "e\ufefff\u00ad");
    assert_taken(&out, "a[U+202E]b[U+200B]c[U+2066]d[U+001B][U+007F][U+0085]e[U+FEFF]f[U+00AD]");
    ds_init(&out);
    fl_html_text(&out, "gr\u00fc\u00dfe \u65e5\u672c \U0001f680 line\nend");
    assert_taken(&out, "gr\u00fc\u00dfe \u65e5\u672c \U0001f680 line\nend");
}

/* Jansson lets none through; whoever calls it otherwise gets no broken page. */
static void bytes_that_are_no_text_are_replaced(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_text(&out, "a\xff<\xe2\x80");
    assert_taken(&out, "a\ufffd&lt;\ufffd\ufffd");
}

static void long_text_is_clipped_between_characters(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_clipped(&out, "\u00fc<\u00fc<", 3);
    assert_taken(&out, "\u00fc&lt;\u00fc\u2026");
    ds_init(&out);
    fl_html_clipped(&out, "abc", 3);
    assert_taken(&out, "abc");
}

static void code_may_be_broken_behind_commas(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_code(&out, "tcp,tp_dst=2049");
    assert_taken(&out, "tcp,<wbr>tp_dst=2049");
}

static void numbers_keep_their_value(void **state)
{
    _cleanup_json json_t *numbers = json_of("[12345, 999, 0.9996, -1, 'x', 1.5]");
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_html_count(&out, json_array_get(numbers, 0));
    fl_html_bytes(&out, json_array_get(numbers, 1));
    fl_html_share(&out, json_array_get(numbers, 2));
    assert_taken(&out, "<data value=\"12345\">12.3k</data><data value=\"999\">999 B</data>"
                       "<data value=\"0.9996\">99.9\u00a0%</data>");
    ds_init(&out);
    for (size_t i = 3; i < 6; i++)
        fl_html_share(&out, json_array_get(numbers, i));
    fl_html_count(&out, json_array_get(numbers, 3));
    fl_html_count(&out, json_array_get(numbers, 4));
    assert_null(strstr(ds_cstr(&out), "<data"));
    ds_destroy(&out);
}

static void assert_words(const char *vm, const char *expected)
{
    _cleanup_json json_t *json = json_of(vm);
    _cleanup_free char *words = fl_report_vm_words(json);

    assert_string_equal(words, expected);
}

static void a_vm_is_told_in_one_sentence(void **state)
{
    (void)state;
    assert_words(
        "{'name': 'web-2', 'now': {'verdict': 'offloaded', 'hw_share': 1},"
        " 'before': {'hw_share': 0.02}}",
        "The NIC forwards the storage traffic of web-2: 100 % of its packets, 2.0 % before.");
    assert_words("{'name': 'web-2', 'now': {'verdict': 'offloaded', 'hw_share': 0.95},"
                 " 'before': null}",
                 "The NIC forwards the storage traffic of web-2: 95.0 % of its packets.");
    assert_words("{'name': 'web-2', 'now': {'verdict': 'stranded', 'hw_share': 0},"
                 " 'peers': [{'verdict': 'offloaded'}]}",
                 "The storage traffic of web-2 is stuck in software: 0 % of its packets go through "
                 "the NIC, while those of other VMs on this host do.");
    assert_words(
        "{'name': 'web-2', 'now': {'verdict': 'leaking', 'hw_share': 0.8}}",
        "Part of the storage traffic of web-2 leaks into software: 80.0 % of its packets go "
        "through the NIC.");
    assert_words(
        "{'name': 'web-2', 'now': {'verdict': 'idle', 'hw_share': null},"
        " 'before': {'hw_share': 0}, 'after': {'hw_share': 1}}",
        "web-2 has no storage traffic at the moment; when it had, 100 % of its packets went "
        "through the NIC, 0 % before.");
    assert_words("{'name': 'web-2', 'now': {'verdict': 'unknown', 'reason': 'no counters'}}",
                 "Whether the storage traffic of web-2 is in the NIC could not be told: no "
                 "counters.");
}

static void assert_all_words(const char *document, const char *expected)
{
    _cleanup_json json_t *json = json_of(document);
    _cleanup_free char *words = fl_report_all_words(json);

    assert_string_equal(words, expected);
}

static void a_fleet_is_told_with_what_is_not_known(void **state)
{
    _cleanup_json json_t *document = json_of(
        "{'summary': {'hosts': {'silent': 1, 'heard': 3, 'incomplete': 1}, 'vms': {'stranded': 2,"
        " 'unknown': 1, 'offloaded': 4}}, 'n_unread': 2, 'shared_nic': {'driver': 'mlx5e_rep',"
        " 'firmware': '22.31'}, 'vms': [{'name': 'a', 'verdict': 'stranded'}]}");
    _cleanup_json json_t *none = json_of("{'summary': {'hosts': {'heard': 1}, 'vms': {}}}");
    _cleanup_free char *words = fl_report_fleet_words(document);
    _cleanup_free char *of_none = fl_report_fleet_words(none);

    (void)state;
    assert_string_equal(
        words,
        "2 of 7 VMs on 4 hosts have storage traffic in software: a and 1 more. All that are "
        "stranded have a NIC of mlx5e_rep, firmware 22.31; other VMs have others. 1 host was "
        "not heard of lately: nothing is known of its VMs. The audit of 1 host is not "
        "whole. Not everything could be read.");
    assert_string_equal(of_none, "There is no VM in what was read.");
}

static void a_host_is_told_in_one_sentence(void **state)
{
    (void)state;
    assert_all_words("{'host': 'node7', 'summary': {'vms': 9, 'stranded': 4, 'leaking': 1},"
                     " 'vms': [{'name': 'a', 'now': {'verdict': 'stranded'}},"
                     " {'name': 'b', 'now': {'verdict': 'idle'}},"
                     " {'name': 'c', 'now': {'verdict': 'leaking'}}]}",
                     "5 of 9 VMs on node7 have storage traffic in software: a, c and 3 more.");
    assert_all_words("{'host': 'node7', 'summary': {'vms': 9, 'offloaded': 3}, 'incomplete': 'x'}",
                     "The storage traffic on node7 is in the NIC: that of all 3 VMs that have any. "
                     "Not everything could be read.");
    assert_all_words(
        "{'host': 'unknown', 'summary': {'vms': 2, 'unknown': 1, 'offloaded': 1}}",
        "Of 1 of 2 VMs on the host could not be told whether storage traffic is in the "
        "NIC.");
    assert_all_words("{'host': 'node7', 'summary': {'vms': 1, 'idle': 1}}",
                     "No VM on node7 has storage traffic at the moment.");
    assert_all_words("{}", "There is no VM in what was read.");
}

/* "time step" of each. */
static void assert_points(const json_t *points, const char *expected)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    const json_t *point;
    size_t i;

    json_array_foreach(points, i, point)
        ds_put_format(&text, "%s%s %s", i ? ", " : "", fl_text_at(point, "time"),
                      fl_text_at(point, "step"));
    assert_taken(&text, expected);
}

static void what_lines_of_the_journal_repeat_is_one_point(void **state)
{
    _cleanup_json json_t *lines = json_of(
        "[{'time': '1', 'before': {'hw_share': 0}, 'after': null},"
        " {'time': '2', 'before': {'hw_share': 0}, 'after': null},"
        " {'time': '3', 'before': {'hw_share': 0}, 'after': {'hw_share': 1}},"
        " {'time': '4', 'before': {'hw_share': 0.5}, 'after': 'rubbish'}]");
    _cleanup_json json_t *points = fl_report_points_of_journal(lines);

    (void)state;
    assert_points(points, "1 before, 3 after, 4 before");
}

static void points_are_merged_by_time(void **state)
{
    _cleanup_json json_t *journal = json_of("[{'time': '1'}, {'time': '4', 'step': 'j'}]");
    _cleanup_json json_t *readings = json_of("[{'time': '2'}, {'time': '4'}, {'time': '5'}]");
    _cleanup_json json_t *merged = fl_report_points_merge(journal, readings);
    _cleanup_json json_t *none = fl_report_points_merge(NULL, NULL);

    (void)state;
    assert_points(merged, "1 , 2 , 4 j, 4 , 5 ");
    assert_points(none, "");
}

/* Occurrences of @part. */
static size_t n_in(const char *text, const char *part)
{
    size_t n = 0;

    for (text = strstr(text, part); text; text = strstr(text + 1, part))
        n++;
    return n;
}

static void a_chart_has_a_column_for_each_point(void **state)
{
    _cleanup_json json_t *points = json_of(
        "[{'time': 'a', 'by': 'sample', 'window_ms': 1000, 'packets': {'hw': 3, 'dp_sw': 1},"
        " 'bytes': {'hw': 300, 'dp_sw': 100}},"
        " {'time': 'b', 'by': 'sample', 'window_ms': 1000, 'packets': {'hw': 4},"
        " 'bytes': {'hw': 400}}]");
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_report_charts(&out, points, 7);
    assert_int_equal(n_in(ds_cstr(&out), "<svg class=\"chart\""), 2);
    assert_int_equal(n_in(ds_cstr(&out), "<rect class=\"p-hw\""), 4);
    assert_int_equal(n_in(ds_cstr(&out), "<rect class=\"p-dp_sw\""), 2);
    /* 116 high: three quarters of it, and one quarter above that. */
    assert_non_null(strstr(ds_cstr(&out), "y=\"39.00\" width=\"36.0\" height=\"87.00\""));
    assert_non_null(strstr(ds_cstr(&out), "y=\"10.00\" width=\"36.0\" height=\"29.00\""));
    assert_non_null(
        strstr(ds_cstr(&out), "in the NIC 75.0\u00a0%, OVS datapath, in software 25.0\u00a0%"));
    assert_non_null(strstr(ds_cstr(&out), "400 B/s"));
    assert_non_null(strstr(ds_cstr(&out), "aria-labelledby=\"c7s-t c7s-d\""));
    ds_destroy(&out);
    ds_init(&out);
    json_array_remove(points, 0);
    fl_report_charts(&out, points, 0);
    assert_taken(&out, "");
}

static void assert_is_page(const char *page)
{
    assert_non_null(strstr(page, "default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    assert_non_null(strstr(page, "<html lang=\"en\">"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, "url("));
    assert_int_equal(n_in(page, "<h1>"), 1);
}

static void the_page_of_a_hostile_vm_holds_no_markup_of_it(void **state)
{
    _cleanup_json json_t *document = json_of(
        "{'of': 'vm', 'host': '</title><script>', 'words': '<script>', 'vms': [{'name': '<script>',"
        " 'now': {'verdict': '<script>', 'hw_share': 0.5, 'causes': ['<script>']}, 'told': true,"
        " 'done': '<script>', 'next': '<script>', 'before': {'verdict': '<script>'},"
        " 'causes': [{'id': '<script>', 'meaning': '<script>', 'evidence': ['<script>']}],"
        " 'remedy': {'state': '<script>', 'rules': [{'words': '<script>', 'text': '<script>'}],"
        " 'relaxations': [{'id': '<script>', 'meaning': '<script>', 'example': '<script>'}]},"
        " 'chains': [{'path': '<script>', 'links': [{'match_words': '<script>',"
        " 'actions': '<script>'}]}], 'journal': [{'time': '<script>', 'who': '<script>'}],"
        " 'peers': [{'name': '<script>', 'verdict': '<script>'}], 'unread': '<script>'}],"
        " 'hosts': [{'host': '<script>', 'nics': [{'name': '<script>', 'driver': '<script>'}]}]}");
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_report_html(document, &out);
    assert_is_page(ds_cstr(&out));
    assert_true(n_in(ds_cstr(&out), "&lt;script&gt;") > 25);
    ds_destroy(&out);
}

static void a_document_of_many_hosts_names_the_host_of_each_vm(void **state)
{
    _cleanup_json json_t *document = json_of(
        "{'of': 'fleet', 'host': 'all', 'words': 'w', 'summary': {'stranded': 1, 'offloaded': 1},"
        " 'hosts': [{'host': 'node7'}, {'host': 'node8'}], 'vms': ["
        "{'name': 'a', 'host': 'node8', 'now': {'verdict': 'stranded'}, 'told': true},"
        "{'name': 'b', 'host': 'node7', 'now': {'verdict': 'offloaded'}, 'told': false}]}");
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_report_html(document, &out);
    assert_is_page(ds_cstr(&out));
    assert_int_equal(n_in(ds_cstr(&out), "data-label=\"Host\""), 2);
    assert_int_equal(n_in(ds_cstr(&out), "<article class=\"vm\">"), 1);
    assert_non_null(strstr(ds_cstr(&out), "<bdi>a</bdi> on <bdi>node8</bdi>"));
    ds_destroy(&out);
}

static void the_page_of_a_hostile_fleet_holds_no_markup_of_it(void **state)
{
    _cleanup_json json_t *document = json_of(
        "{'of': 'audits', 'host': '<script>', 'words': '<script>', 'time': '<script>', 'vms': ["
        "{'name': '<script>', 'host': '<script>', 'verdict': '<script>', 'said': '<script>',"
        " 'causes': ['<script>'], 'remedy': '<script>', 'nic': {'driver': '<script>',"
        " 'firmware': '<script>'}}], 'hosts': [{'name': '<script>', 'time': '<script>', 'nic':"
        " {'driver': '<script>'}, 'ovs_version': '<script>', 'trouble': '<script>'}],"
        " 'not_heard': [{'name': '<script>', 'state': 'silent'}], 'patterns': [{'cause':"
        " '<script>', 'nic': {'driver': '<script>'}}], 'unread': [{'file': '<script>', 'line': 7,"
        " 'reason': '<script>'}], 'n_unread': 9}");
    struct ds out = DS_EMPTY_INITIALIZER;

    (void)state;
    fl_report_html(document, &out);
    assert_is_page(ds_cstr(&out));
    assert_true(n_in(ds_cstr(&out), "&lt;script&gt;") > 15);
    assert_non_null(strstr(ds_cstr(&out), "and 8 more</p>"));
    ds_destroy(&out);
}

static void a_document_of_anything_makes_a_page(void **state)
{
    static const char *const documents[] = { "{}",
                                             "[]",
                                             "7",
                                             "{'of': 'vm', 'vms': [1, []]}",
                                             "{'vms': {'a': 1}, 'hosts': [7, null]}",
                                             "{'of': 'audits', 'vms': [1], 'hosts': [[], {}],"
                                             " 'unread': [7], 'patterns': [null]}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        _cleanup_json json_t *document = json_of(documents[i]);
        struct ds out = DS_EMPTY_INITIALIZER;

        fl_report_html(document, &out);
        assert_is_page(ds_cstr(&out));
        ds_destroy(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_never_becomes_markup),
        cmocka_unit_test(what_turns_or_hides_text_is_made_visible),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(long_text_is_clipped_between_characters),
        cmocka_unit_test(code_may_be_broken_behind_commas),
        cmocka_unit_test(numbers_keep_their_value),
        cmocka_unit_test(a_vm_is_told_in_one_sentence),
        cmocka_unit_test(a_host_is_told_in_one_sentence),
        cmocka_unit_test(a_fleet_is_told_with_what_is_not_known),
        cmocka_unit_test(what_lines_of_the_journal_repeat_is_one_point),
        cmocka_unit_test(points_are_merged_by_time),
        cmocka_unit_test(a_chart_has_a_column_for_each_point),
        cmocka_unit_test(the_page_of_a_hostile_vm_holds_no_markup_of_it),
        cmocka_unit_test(a_document_of_many_hosts_names_the_host_of_each_vm),
        cmocka_unit_test(the_page_of_a_hostile_fleet_holds_no_markup_of_it),
        cmocka_unit_test(a_document_of_anything_makes_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
