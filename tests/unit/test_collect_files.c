/* SPDX-License-Identifier: Apache-2.0 */
/* What "--from" names: every kind of file, and one sentence for each that is of no use. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/collect.h"
#include "lib/json_text.h"
#include "tests/unit/temporary.h"

#define FLOW(port, packets)                                                                    \
    "ufid:0a1b2c3d-0000-4000-8000-00000000000" port ", recirc_id(0),in_port(vnet" port         \
    "),packet_type(ns=0,id=0),eth(src=52:54:00:00:00:0" port                                   \
    ",dst=52:54:00:00:00:ff),eth_type(0x0800),ipv4(dst=10.1.0.0/255.255.0.0,proto=6,frag=no)," \
    "tcp(dst=2049), packets:" packets ", bytes:6400, used:0.1s, offloaded:yes, dp:tc, "        \
    "actions:push_vlan(vid=100,pcp=0),uplink\n"

#define HEADING "flow-dump from pmd on cpu core: 1\n"
#define WANTED                                                                                         \
    "give the output of \"ovs-appctl dpctl/dump-flows -m\" or of \"tc -s -j filter show\", or a file " \
    "of \"flowlift capture\""

static int collect(const char *const *paths, size_t n, struct fl_snapshot **snapshot,
                   struct fl_error *err)
{
    struct fl_config config;
    struct fl_collect_options options = { .config = &config, .keep = FL_KEEP_ALL };
    int ret;

    fl_config_init(&config);
    *err = (struct fl_error)FL_ERROR_INIT;
    ret = fl_collect_files(paths, n, &options, snapshot, err);
    fl_config_destroy(&config);
    return ret;
}

/* The snapshot of @text in a file; fails when it is refused. */
static struct fl_snapshot *read_text(struct temporary *t, const char *text)
{
    struct fl_snapshot *snapshot = NULL;
    char *path = temporary_path(t, "file");
    const char *paths[] = { path };
    struct fl_error err;

    temporary_write(t, "file", text);
    if (collect(paths, 1, &snapshot, &err))
        fail_msg("%s", err.text);
    free(path);
    return snapshot;
}

static void assert_refused_bytes(struct temporary *t, const void *bytes, size_t n, int code,
                                 const char *sentence)
{
    struct fl_snapshot *snapshot;
    char *path = temporary_path(t, "file"), *expected;
    const char *paths[] = { path };
    struct fl_error err;

    temporary_write_bytes(t, "file", bytes, n);
    assert_int_equal(collect(paths, 1, &snapshot, &err), code);
    assert_true(asprintf(&expected, "%s%s", path, sentence) > 0);
    assert_string_equal(err.text, expected);
    free(expected);
    free(path);
}

static void assert_refused(struct temporary *t, const char *text, const char *sentence)
{
    assert_refused_bytes(t, text, strlen(text), -EINVAL, sentence);
}

static void a_raw_dump_has_no_window(void **state)
{
    struct fl_snapshot *snapshot = read_text(*state, HEADING FLOW("1", "64") FLOW("2", "65"));

    assert_int_equal(fl_snapshot_n_flows(snapshot), 2);
    assert_int_equal(fl_snapshot_window_ms(snapshot), 0);
    assert_int_equal(fl_snapshot_flow(snapshot, 1)->window_packets, 65);
    assert_int_equal(fl_snapshot_n_by_path(snapshot, FL_PATH_HW), 2);
    assert_null(fl_snapshot_inventory(snapshot));
    assert_null(fl_snapshot_incomplete(snapshot));
    fl_snapshot_destroy(snapshot);
}

#define TC_JSON                                                                                     \
    "[{\"protocol\":\"ip\",\"pref\":2,\"kind\":\"flower\",\"chain\":0},\n"                          \
    "{\"protocol\":\"ip\",\"pref\":2,\"kind\":\"flower\",\"chain\":0,\"options\":{\"handle\":1,"    \
    "\"keys\":{\"eth_type\":\"ipv4\",\"dst_ip\":\"10.0.0.0/24\"},\"in_hw\":true,\"in_hw_count\":1," \
    "\"actions\":[{\"order\":1,\"kind\":\"mirred\",\"mirred_action\":\"redirect\","                 \
    "\"direction\":\"egress\",\"to_dev\":\"uplink\",\"control_action\":{\"type\":\"stolen\"},"      \
    "\"stats\":{\"bytes\":840,\"packets\":10,\"sw_bytes\":84,\"sw_packets\":1,"                     \
    "\"hw_bytes\":756,\"hw_packets\":9}}]}}]\n"

#define TC_TEXT                                                            \
    "$ tc -s filter show dev vnet1 ingress\n"                              \
    "filter protocol ip pref 2 flower chain 0 \n"                          \
    "filter protocol ip pref 2 flower chain 0 handle 0x1 \n"               \
    "  eth_type ipv4\n  dst_ip 10.0.0.0/24\n  in_hw in_hw_count 1\n"       \
    "\taction order 1: mirred (Egress Redirect to device uplink) stolen\n" \
    " \tindex 1 ref 1 bind 1 installed 9 sec used 1 sec\n"                 \
    " \tAction statistics:\n"                                              \
    "\tSent 840 bytes 10 pkt (dropped 0, overlimits 0 requeues 0) \n"      \
    "\tSent software 84 bytes 1 pkt\n\tSent hardware 756 bytes 9 pkt\n"

static void assert_tc(struct temporary *t, const char *text, uint32_t line, const char *in_port)
{
    struct fl_snapshot *snapshot = read_text(t, text);
    const struct fl_flow *flow;
    char buf[16];

    assert_int_equal(fl_snapshot_n_flows(snapshot), 1);
    flow = &fl_snapshot_flow(snapshot, 0)->flow;
    assert_int_equal(flow->path, FL_PATH_HW);
    assert_int_equal(flow->line, line);
    assert_int_equal(flow->packets, 10);
    assert_int_equal(flow->hw_packets, 9);
    assert_true(flow->has_match && flow->has_actions && !flow->parse_error);
    if (in_port)
        assert_string_equal(fl_ports_name(fl_snapshot_ports_const(snapshot), flow->in_port, buf),
                            in_port);
    else
        assert_int_equal(flow->in_port, UINT32_MAX);
    fl_snapshot_destroy(snapshot);
}

static void what_tc_prints_is_read(void **state)
{
    assert_tc(*state, TC_JSON, 2, NULL);
    assert_tc(*state, TC_TEXT, 3, "vnet1");
}

static void every_line_of_tc_is_counted(void **state)
{
    struct fl_snapshot *snapshot = read_text(*state, TC_TEXT "prose\n" FLOW("2", "65"));
    const struct fl_decode_stats *lines = fl_snapshot_lines(snapshot);

    assert_int_equal(fl_snapshot_n_flows(snapshot), 2);
    assert_int_equal(lines->flows, 2);
    assert_int_equal(lines->lines, 14);
    assert_int_equal(lines->flow_lines, 2);
    assert_int_equal(lines->heading_lines, 2);
    assert_int_equal(lines->continued_lines, 9);
    assert_int_equal(lines->other_lines, 1);
    fl_snapshot_destroy(snapshot);
}

static void two_raw_dumps_are_a_window(void **state)
{
    struct temporary *t = *state;
    char *first = temporary_path(t, "first"), *second = temporary_path(t, "second");
    const char *paths[] = { first, second };
    struct fl_snapshot *snapshot = NULL;
    struct fl_error err;

    temporary_write(t, "first", FLOW("1", "100") FLOW("2", "50"));
    temporary_write(t, "second", FLOW("1", "164") FLOW("2", "50") FLOW("3", "9"));
    if (collect(paths, 2, &snapshot, &err))
        fail_msg("%s", err.text);
    assert_int_equal(fl_snapshot_n_flows(snapshot), 3);
    assert_int_equal(fl_snapshot_window_ms(snapshot), 5000);
    assert_int_equal(fl_snapshot_flow(snapshot, 0)->window_packets, 64);
    assert_int_equal(fl_snapshot_flow(snapshot, 1)->window_packets, 0);
    assert_int_equal(fl_snapshot_flow(snapshot, 2)->window_packets, 9);
    assert_false(fl_snapshot_flow(snapshot, 2)->seen_before);
    fl_snapshot_destroy(snapshot);
    free(first);
    free(second);
}

static void a_pipe_will_do(void **state)
{
    struct temporary *t = *state;
    char *path = temporary_path(t, "fifo");
    const char *paths[] = { path };
    struct fl_snapshot *snapshot = NULL;
    struct fl_error err;

    assert_int_equal(mkfifo(path, 0600), 0);
    if (!fork()) {
        FILE *fifo = fopen(path, "w");

        for (int i = 0; i < 1000; i++)
            fputs(FLOW("1", "64"), fifo);
        fclose(fifo);
        _exit(0);
    }
    if (collect(paths, 1, &snapshot, &err))
        fail_msg("%s", err.text);
    wait(NULL);
    assert_int_equal(fl_snapshot_n_seen(snapshot), 1000);
    fl_snapshot_destroy(snapshot);
    free(path);
}

static void dumps_are_found_among_prose(void **state)
{
    struct fl_snapshot *snapshot =
        read_text(*state, "[root@node ~]# ovs-appctl dpctl/dump-flows -m\n" FLOW("1", "64"));

    assert_int_equal(fl_snapshot_n_flows(snapshot), 1);
    fl_snapshot_destroy(snapshot);
    snapshot = read_text(*state, "\xef\xbb\xbf" HEADING FLOW("1", "64"));
    assert_int_equal(fl_snapshot_n_flows(snapshot), 1);
    fl_snapshot_destroy(snapshot);
}

static void a_host_without_flows_is_no_error(void **state)
{
    struct fl_snapshot *snapshot = read_text(*state, HEADING);

    assert_int_equal(fl_snapshot_n_flows(snapshot), 0);
    fl_snapshot_destroy(snapshot);
}

static void a_dump_that_is_cut_off_is_incomplete(void **state)
{
    struct temporary *t = *state;
    struct fl_snapshot *snapshot =
        read_text(t,
                  FLOW("1", "64") "ufid:0a1b2c3d-0000-4000-8000-000000000002, recirc_id(0),in_p");
    char *expected;

    assert_true(asprintf(&expected, "%s/file ends in the middle of a flow", t->root) > 0);
    assert_non_null(fl_snapshot_incomplete(snapshot));
    assert_string_equal(fl_snapshot_incomplete(snapshot), expected);
    free(expected);
    fl_snapshot_destroy(snapshot);
}

static void useless_files_get_one_clear_sentence(void **state)
{
    static const char zeros[100], control[] = "\x01\x02\x03\x04 abc";

    assert_refused(*state, "", " is empty; " WANTED);
    assert_refused(*state, "\n \t\r\n", " has nothing but blanks; " WANTED);
    assert_refused(*state, "hello world\n",
                   " has no datapath flow and no TC filter in it; " WANTED);
    assert_refused_bytes(*state, zeros, sizeof zeros, -EINVAL, " is binary, not text; " WANTED);
    assert_refused(*state, control, " is binary, not text; " WANTED);
    assert_refused(*state, "\x1f\x8b\x08 gzip", " is compressed; unpack it first");
    assert_refused(*state, "[]", " is a JSON array without TC filters; " WANTED);
}

static void captures_that_are_none_say_where(void **state)
{
    char deep[200] = "{\"a\":";

    memset(deep + 5, '[', 100);
    assert_refused(*state, deep, " is nested deeper than 32 levels, which no capture is");
    assert_refused(*state, "{\"schema\":\"flowlift/capture/1\",\n\"host\":\"h",
                   " is cut off: its JSON ends in line 2 before it is complete");
    assert_refused(*state, "{", " is cut off: its JSON ends in line 1 before it is complete");
    assert_refused(*state, "{\"a\":1,\"a\":2}", " is damaged: a key is there twice in line 1");
    assert_refused(*state, "{\"a\":nope}",
                   " is no JSON: line 1, column 9: invalid token near 'nope'");
}

static void what_cannot_be_opened_is_named(void **state)
{
    struct temporary *t = *state;
    char *missing = temporary_path(t, "missing"), expected[256];
    const char *paths[] = { missing, "-", "-" };
    struct fl_snapshot *snapshot;
    struct fl_error err;

    assert_int_equal(collect(paths, 1, &snapshot, &err), -ENOENT);
    snprintf(expected, sizeof expected, "cannot read %s: no such file or folder", missing);
    assert_string_equal(err.text, expected);
    paths[0] = t->root;
    assert_int_equal(collect(paths, 1, &snapshot, &err), -EISDIR);
    snprintf(expected, sizeof expected, "%s is a folder; " WANTED, t->root);
    assert_string_equal(err.text, expected);
    assert_int_equal(collect(paths, 3, &snapshot, &err), -EINVAL);
    assert_string_equal(err.text,
                        "--from was given 3 times; give one capture, one dump, or two dumps of "
                        "which the earlier comes first");
    assert_int_equal(collect(paths + 1, 2, &snapshot, &err), -EINVAL);
    assert_string_equal(err.text, "standard input can be read only once");
    free(missing);
}

static void a_capture_stands_alone(void **state)
{
    struct temporary *t = *state;
    char *capture = temporary_path(t, "capture"), *dump = temporary_path(t, "dump");
    const char *paths[] = { dump, capture };
    struct fl_snapshot *snapshot;
    struct fl_error err;

    temporary_write(t, "capture", "{}");
    temporary_write(t, "dump", FLOW("1", "1"));
    assert_int_equal(collect(paths, 2, &snapshot, &err), -EINVAL);
    assert_non_null(strstr(err.text, "capture is a capture, which already has both readings"));
    free(capture);
    free(dump);
}

struct text {
    char bytes[4096];
    size_t n;
};

static int append_text(const void *bytes, size_t n_bytes, void *text_)
{
    struct text *text = text_;

    assert_true(text->n + n_bytes < sizeof text->bytes);
    memcpy(text->bytes + text->n, bytes, n_bytes);
    text->n += n_bytes;
    return 0;
}

/* Lines as capture.c writes them: read back, the flows are the same as from the dump itself. */
static void a_capture_of_a_dump_reads_like_the_dump(void **state)
{
    struct text text = { .n = 0 };
    struct fl_snapshot *snapshot;

    append_text("{\"schema\":\"" FL_CAPTURE_SCHEMA
                "\",\"host\":\"h\",\"inventory\":null,\"samples\":[",
                strlen("{\"schema\":\"" FL_CAPTURE_SCHEMA
                       "\",\"host\":\"h\",\"inventory\":null,\"samples\":["),
                &text);
    for (int i = 0; i < 2; i++) {
        const char *line = i ? FLOW("1", "164") : FLOW("1", "100");
        const char *head = i ? ",{\"time\":\"2026-01-01T00:00:05.000Z\",\"lines\":[\""
                             : "{\"time\":\"2026-01-01T00:00:00.000Z\",\"lines\":[\"";

        append_text(head, strlen(head), &text);
        fl_json_escape(line, strlen(line) - 1, append_text, &text);
        append_text("\"]}", 3, &text);
    }
    append_text("],\"time\":\"2026-01-01T00:00:05.000Z\",\"window_ms\":5000,\"incomplete\":null}",
                strlen("],\"time\":\"2026-01-01T00:00:05.000Z\",\"window_ms\":5000,\"incomplete\":"
                       "null}"),
                &text);
    text.bytes[text.n] = '\0';
    snapshot = read_text(*state, text.bytes);
    assert_int_equal(fl_snapshot_n_flows(snapshot), 1);
    assert_int_equal(fl_snapshot_window_ms(snapshot), 5000);
    assert_int_equal(fl_snapshot_flow(snapshot, 0)->window_packets, 64);
    assert_int_equal(fl_snapshot_flow(snapshot, 0)->flow.path, FL_PATH_HW);
    fl_snapshot_destroy(snapshot);
}

static void assert_escaped(const char *bytes, size_t n, const char *expected)
{
    struct text text = { .n = 0 };

    assert_int_equal(fl_json_escape(bytes, n, append_text, &text), 0);
    text.bytes[text.n] = '\0';
    assert_string_equal(text.bytes, expected);
}

static void any_bytes_become_a_json_string(void **state)
{
    (void)state;
    assert_escaped("plain", 5, "plain");
    assert_escaped("a\"b\\c\n\t\x7f", 8, "a\\\"b\\\\c\\u000a\\u0009\\u007f");
    assert_escaped("\0x", 2, "\\ufffdx");
    assert_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9,
                   "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_escaped("\xff\xc3", 2, "\\ufffd\\ufffd");
    assert_escaped("\xc0\x80", 2, "\\ufffd\\ufffd");                       /* overlong */
    assert_escaped("\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd");            /* a surrogate */
    assert_escaped("\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd"); /* above U+10FFFF */
    assert_escaped("\xe2\x82", 2, "\\ufffd\\ufffd");                       /* cut off */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temporary_setup, temporary_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_raw_dump_has_no_window),
        TEST(two_raw_dumps_are_a_window),
        TEST(what_tc_prints_is_read),
        TEST(every_line_of_tc_is_counted),
        TEST(a_pipe_will_do),
        TEST(dumps_are_found_among_prose),
        TEST(a_host_without_flows_is_no_error),
        TEST(a_dump_that_is_cut_off_is_incomplete),
        TEST(useless_files_get_one_clear_sentence),
        TEST(captures_that_are_none_say_where),
        TEST(what_cannot_be_opened_is_named),
        TEST(a_capture_stands_alone),
        TEST(a_capture_of_a_dump_reads_like_the_dump),
        cmocka_unit_test(any_bytes_become_a_json_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
