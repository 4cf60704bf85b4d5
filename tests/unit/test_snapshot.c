/* SPDX-License-Identifier: Apache-2.0 */

/* The snapshot: counting in a window, what is kept, and its JSON form from anywhere. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/netlink.h>
#include <ovs/odp-util.h>

#include "tests/unit/example_host.h"

#include "flows/baseline.h"

#define CAPTURE_TIME    "2026-01-02T03:04:05.250Z"
#define CAPTURE_TIME_MS INT64_C(1767323045250)

/* "packets/bytes seen reset" of each kept flow. */
static void assert_windows(const struct fl_snapshot *snapshot, const char *wanted)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < fl_snapshot_n_flows(snapshot); i++) {
        const struct fl_snapshot_flow *record = fl_snapshot_flow(snapshot, i);

        ds_put_format(&text, "%s%" PRIu64 "/%" PRIu64 "%s%s", i ? ", " : "", record->window_packets,
                      record->window_bytes, record->seen_before ? "" : " new",
                      record->was_reset ? " reset" : "");
    }
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
}

static void with_two_samples_the_difference_counts(void **state)
{
    struct fl_snapshot *snapshot =
        snapshot_of(OUT_LINE("01", "vm1", "1000", HW) OUT_LINE("02", "vm2", "7", SW),
                    OUT_LINE("02", "vm2", "7", SW) OUT_LINE("01", "vm1", "1500", HW)
                        OUT_LINE("03", "vm3", "30", SW));

    (void)state;
    assert_windows(snapshot, "0/0, 500/50000, 30/3000 new");
    assert_int_equal(fl_snapshot_window_ms(snapshot), 5000);
    assert_int_equal(fl_snapshot_n_seen(snapshot), 3);
    assert_int_equal(fl_snapshot_n_by_path(snapshot, FL_PATH_HW), 1);
    assert_int_equal(fl_snapshot_n_by_path(snapshot, FL_PATH_DP_SW), 2);
    fl_snapshot_destroy(snapshot);
}

static void with_one_sample_the_lifetime_counts(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, OUT_LINE("01", "vm1", "1000", HW));

    (void)state;
    assert_windows(snapshot, "1000/100000");
    assert_int_equal(fl_snapshot_window_ms(snapshot), 0);
    fl_snapshot_destroy(snapshot);
}

static void a_counter_that_fell_was_reset(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(OUT_LINE("01", "vm1", "1000", HW),
                                               OUT_LINE("01", "vm1", "20", HW));

    (void)state;
    assert_windows(snapshot, "20/2000 reset");
    fl_snapshot_destroy(snapshot);
}

static void one_flow_on_two_pmds_is_two(void **state)
{
    static const char before[] = "flow-dump from pmd on cpu core: 1\n" OUT_LINE(
        "01", "vm1", "100", HW) "flow-dump from pmd on cpu core: 2\n" OUT_LINE("01", "vm1", "10",
                                                                               HW);
    static const char after[] = "flow-dump from pmd on cpu core: 1\n" OUT_LINE(
        "01", "vm1", "101", HW) "flow-dump from pmd on cpu core: 2\n" OUT_LINE("01", "vm1", "12",
                                                                               HW);
    struct fl_snapshot *snapshot = snapshot_of(before, after);

    (void)state;
    assert_windows(snapshot, "1/100, 2/200");
    fl_snapshot_destroy(snapshot);
}

static void a_flow_in_two_layers_is_counted_in_each(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(OUT_LINE("01", "vm1", "100", "dp:tc, ")
                                                   OUT_LINE("01", "vm1", "10", "dp:ovs, "),
                                               OUT_LINE("01", "vm1", "11", "dp:ovs, ")
                                                   OUT_LINE("01", "vm1", "103", "dp:tc, "));

    (void)state;
    assert_windows(snapshot, "1/100, 3/300");
    fl_snapshot_destroy(snapshot);
}

static void a_flow_that_moved_to_another_layer_was_seen_before(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(OUT_LINE("01", "vm1", "100", SW),
                                               OUT_LINE("01", "vm1", "30", HW));

    (void)state;
    assert_windows(snapshot, "30/3000 reset");
    fl_snapshot_destroy(snapshot);
}

static void without_counters_nothing_is_counted(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, IN("vm1") TO_SERVER ", actions:p0\n");

    (void)state;
    assert_windows(snapshot, "0/0");
    assert_true(fl_snapshot_flow(snapshot, 0)->flow.packets == FL_COUNT_UNKNOWN);
    fl_snapshot_destroy(snapshot);
}

static void a_later_sample_replaces_the_last(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(OUT_LINE("01", "vm1", "100", HW),
                                               OUT_LINE("01", "vm1", "150", HW));

    (void)state;
    fl_snapshot_begin_sample(snapshot, true, 9000);
    push_dump(snapshot, OUT_LINE("01", "vm1", "170", HW));
    assert_windows(snapshot, "70/7000");
    assert_int_equal(fl_snapshot_window_ms(snapshot), 9000);
    assert_int_equal(fl_snapshot_n_seen(snapshot), 1);
    fl_snapshot_destroy(snapshot);
}

/* A snapshot of one dump, which remembers it, after @before. */
static struct fl_snapshot *snapshot_after(struct fl_snapshot *before, const char *dump)
{
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);
    struct fl_storage storage;

    fl_storage_init(&storage);
    fl_snapshot_filter(snapshot, FL_KEEP_STORAGE, &storage);
    fl_snapshot_remember(snapshot);
    if (before)
        fl_snapshot_follow(snapshot, before);
    fl_snapshot_begin_sample(snapshot, true, before ? 5000 : 0);
    push_dump(snapshot, dump);
    fl_snapshot_filter(snapshot, FL_KEEP_STORAGE, NULL);
    fl_storage_destroy(&storage);
    return snapshot;
}

static void a_window_begins_where_the_snapshot_before_it_ended(void **state)
{
    struct fl_snapshot *first = snapshot_after(NULL, OUT_LINE("01", "vm1", "100", HW));
    struct fl_snapshot *second = snapshot_after(first, OUT_LINE("01", "vm1", "130", HW)
                                                           OUT_LINE("02", "vm2", "7", SW));
    struct fl_snapshot *third;

    (void)state;
    assert_windows(first, "100/10000");
    assert_windows(second, "30/3000, 7/700 new");
    assert_int_equal(fl_snapshot_window_ms(second), 5000);
    fl_snapshot_destroy(first);
    third = snapshot_after(second, OUT_LINE("02", "vm2", "9", SW) OUT_LINE("01", "vm1", "30", HW));
    fl_snapshot_destroy(second);
    assert_windows(third, "2/200, 30/3000 reset");
    fl_snapshot_destroy(third);
}

static void windows_that_follow_each_other_are_one(void **state)
{
    struct fl_snapshot *first = snapshot_after(NULL, OUT_LINE("01", "vm1", "100", HW));
    struct fl_snapshot *second = snapshot_after(first, OUT_LINE("01", "vm1", "130", HW)
                                                           OUT_LINE("02", "vm2", "7", SW));
    struct fl_snapshot *third = snapshot_after(second, OUT_LINE("02", "vm2", "9", SW)
                                                           OUT_LINE("01", "vm1", "150", HW));
    struct fl_baseline start;

    (void)state;
    assert_windows(third, "2/200, 20/2000");
    fl_baseline_init(&start);
    fl_snapshot_take_start(second, &start);
    fl_snapshot_begin_at(third, &start, 10000);
    fl_baseline_destroy(&start);
    assert_windows(third, "9/900 new, 50/5000");
    assert_int_equal(fl_snapshot_window_ms(third), 10000);
    fl_snapshot_destroy(first);
    fl_snapshot_destroy(second);
    fl_snapshot_destroy(third);
}

static void what_the_filter_left_out_is_remembered_too(void **state)
{
    static const char web[] = UFID("03")
        IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=80)" COUNT("3") SW
        "actions:p0\n";
    static const char storage[] = OUT_LINE("03", "vm1", "10", SW);
    struct fl_snapshot *first = snapshot_after(NULL, web);
    struct fl_snapshot *second = snapshot_after(first, storage);

    (void)state;
    assert_int_equal(fl_snapshot_n_flows(first), 0);
    assert_int_equal(fl_snapshot_n_flows(second), 1);
    assert_true(fl_snapshot_flow(second, 0)->seen_before);
    assert_int_equal(fl_snapshot_flow(second, 0)->window_packets, 7);
    fl_snapshot_destroy(first);
    fl_snapshot_destroy(second);
}

static void what_follows_an_incomplete_snapshot_is_incomplete_once(void **state)
{
    struct fl_snapshot *first = snapshot_after(NULL, OUT_LINE("01", "vm1", "100", HW));
    struct fl_snapshot *second, *third;

    (void)state;
    fl_snapshot_set_incomplete(first, "cut");
    second = snapshot_after(first, OUT_LINE("01", "vm1", "130", HW));
    third = snapshot_after(second, OUT_LINE("01", "vm1", "150", HW));
    assert_string_equal(fl_snapshot_incomplete(second), "cut");
    assert_null(fl_snapshot_incomplete(third));
    fl_snapshot_set_incomplete(second, "cut by itself");
    assert_string_equal(fl_snapshot_incomplete(second), "cut by itself");
    fl_snapshot_destroy(first);
    fl_snapshot_destroy(second);
    fl_snapshot_destroy(third);
}

static void only_what_may_be_storage_is_kept_and_all_recirculated_flows(void **state)
{
    static const char dump[] = OUT_LINE("01", "vm1", "1", SW)                /* storage */
        UFID("02") IN("vm1") "eth_type(0x0806)" COUNT("2") SW "actions:p0\n" /* ARP */
        UFID("03") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=80)" COUNT("3")
            SW "actions:p0\n" /* web */
        UFID("04") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=80)" COUNT("4")
            SW "actions:ct(zone=1),recirc(0x5)\n" /* head */
        UFID("05") "recirc_id(0x5),in_port(vm1),ct_state(+est),eth_type(0x0800),ipv4(frag=no)" COUNT(
            "5") SW "actions:p0\n" /* tail */
        UFID("06") IN("vm1") "nonsense(1),eth_type(0x0800)" COUNT("6") SW "actions:p0\n" UFID("07")
            IN("vm1") "eth_type(0x0800),ipv4(frag=no)" COUNT("7") SW "actions:p0\n";
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    fl_snapshot_filter(snapshot, FL_KEEP_STORAGE, &storage);
    push_dump(snapshot, dump);
    assert_windows(snapshot, "1/100, 4/400, 5/500, 6/600, 7/700");
    assert_int_equal(fl_snapshot_n_seen(snapshot), 7);
    fl_storage_destroy(&storage);
    fl_snapshot_destroy(snapshot);
}

static void a_kept_flow_is_the_one_that_was_printed(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, OUT_LINE("0a", "vm1", "3", HW));
    const struct fl_flow *flow = &fl_snapshot_flow(snapshot, 0)->flow;
    struct match match;
    struct ds text = DS_EMPTY_INITIALIZER;
    char id[37];

    (void)state;
    fl_flow_format_id(flow, id);
    assert_string_equal(id, "00000000-0000-0000-0000-00000000000a");
    assert_true(flow->in_port == fl_ports_find(fl_snapshot_ports(snapshot), "vm1"));
    minimatch_expand(&flow->match, &match);
    assert_int_equal(ntohs(match.flow.tp_dst), 2049);
    assert_int_equal(match.wc.masks.tp_dst, OVS_BE16_MAX);
    assert_int_equal(match.wc.masks.tp_src, 0);
    format_odp_actions(&text, flow->actions, NLA_ALIGN(flow->actions->nla_len), NULL);
    assert_string_equal(ds_cstr(&text), "push_vlan(vid=100,pcp=0)");
    assert_null(flow->raw);
    ds_destroy(&text);
    fl_snapshot_destroy(snapshot);
}

static void what_is_incomplete_first_is_kept(void **state)
{
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);

    (void)state;
    assert_null(fl_snapshot_incomplete(snapshot));
    fl_snapshot_set_incomplete(snapshot, "bridge %s is gone", "br0");
    fl_snapshot_set_incomplete(snapshot, "another thing");
    assert_string_equal(fl_snapshot_incomplete(snapshot), "bridge br0 is gone");
    fl_snapshot_destroy(snapshot);
}

static void the_baseline_finds_every_flow_of_many(void **state)
{
    struct fl_baseline baseline;
    struct fl_flow flow = { .pmd = FL_PMD_NONE };

    (void)state;
    fl_baseline_init(&baseline);
    assert_false(fl_baseline_find(&baseline, &flow, NULL));
    for (uint32_t i = 0; i < 50000; i++) {
        flow.id.u32[0] = i;
        flow.packets = i;
        fl_baseline_add(&baseline, &flow);
    }
    for (uint32_t i = 0; i < 50000; i++) {
        struct fl_baseline_counters counters;

        flow.id.u32[0] = i;
        assert_true(fl_baseline_find(&baseline, &flow, &counters));
        assert_true(counters.packets == i);
    }
    flow.id.u32[0] = 50000;
    assert_false(fl_baseline_find(&baseline, &flow, NULL));
    fl_baseline_destroy(&baseline);
}

/* Captures. */

static struct fl_snapshot *from_json(json_t *json, struct fl_error *err)
{
    struct fl_storage storage;
    struct fl_snapshot *snapshot;

    fl_storage_init(&storage);
    snapshot = fl_snapshot_from_capture(json, &fl_vm_keys_default, FL_KEEP_STORAGE, &storage, 0,
                                        err);
    fl_storage_destroy(&storage);
    json_decref(json);
    return snapshot;
}

static void a_capture_is_read_as_the_host_was(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_inventory inv;
    struct fl_snapshot *snapshot;

    (void)state;
    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    snapshot = from_json(json_pack("{ss ss ss si sn so s[{ss s[s]} {ss s[s s]}]}", "schema",
                                   FL_CAPTURE_SCHEMA, "host", "host-1", "time", CAPTURE_TIME,
                                   "window_ms", 4000, "incomplete", "inventory",
                                   fl_inventory_to_json(&inv), "samples", "time",
                                   "2026-01-02T03:04:01Z", "lines",
                                   UFID("01") IN("vm1") TO_SERVER COUNT("5") HW "actions:p0",
                                   "time", CAPTURE_TIME, "lines", "flow-dump from the main thread:",
                                   UFID("01") IN("vm1") TO_SERVER COUNT("9") HW "actions:p0"),
                         &err);
    assert_string_equal(err.text, "");
    assert_non_null(snapshot);
    assert_string_equal(fl_snapshot_host(snapshot), "host-1");
    assert_true(fl_snapshot_time_ms(snapshot) == CAPTURE_TIME_MS);
    assert_int_equal(fl_snapshot_window_ms(snapshot), 4000);
    assert_null(fl_snapshot_incomplete(snapshot));
    assert_int_equal(fl_snapshot_inventory(snapshot)->n_vms, 1);
    /* Another PMD than before: it is another flow. */
    assert_windows(snapshot, "9/900 new");
    fl_snapshot_destroy(snapshot);
    fl_inventory_destroy(&inv);
}

static void an_incomplete_capture_stays_incomplete(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_snapshot *snapshot = from_json(json_pack("{ss ss ss s[{ss s[]}]}", "schema",
                                                       FL_CAPTURE_SCHEMA, "time", CAPTURE_TIME,
                                                       "incomplete", "the database went away",
                                                       "samples", "time", CAPTURE_TIME, "lines"),
                                             &err);

    (void)state;
    assert_non_null(snapshot);
    assert_string_equal(fl_snapshot_incomplete(snapshot), "the database went away");
    assert_null(fl_snapshot_inventory(snapshot));
    fl_snapshot_destroy(snapshot);
}

#define HEAD          "{\"schema\": \"flowlift/capture/1\", \"time\": \"" CAPTURE_TIME "\""
#define SAMPLE(LINES) "{\"time\": \"" CAPTURE_TIME "\", \"lines\": " LINES "}"

static const struct {
    const char *json;
    const char *error;
} hostile[] = {
    { "[]", "the capture must be an object" },
    { "{}", "schema must be a string" },
    { "{\"schema\": \"flowlift/plan/1\"}",
      "this is not a capture that this version reads: its schema is \"flowlift/plan/1\", not "
      "\"flowlift/capture/1\"" },
    { "{\"schema\": \"flowlift/capture/2\"}",
      "this is not a capture that this version reads: its schema is \"flowlift/capture/2\", not "
      "\"flowlift/capture/1\"" },
    { "{\"schema\": \"flowlift/capture/1\"}", "time must be a string" },
    { "{\"schema\": \"flowlift/capture/1\", \"time\": \"yesterday\"}",
      "time is \"yesterday\", where a time in UTC such as 2026-01-02T03:04:05Z is expected" },
    { "{\"schema\": \"flowlift/capture/1\", \"time\": \"2026-02-29T00:00:00Z\"}",
      "time is \"2026-02-29T00:00:00Z\", where a time in UTC such as 2026-01-02T03:04:05Z is "
      "expected" },
    { HEAD ", \"host\": [\"a\"]}", "host must be a string" },
    { HEAD ", \"host\": \"a\\u0000b\"}", "host holds a NUL byte" },
    { HEAD "}", "samples must be an array of one or two samples" },
    { HEAD ", \"samples\": {}}", "samples must be an array" },
    { HEAD ", \"samples\": [1, 2, 3]}", "samples has 3 elements; at most 2 are read" },
    { HEAD ", \"samples\": [1]}", "samples[0] must be an object" },
    { HEAD ", \"samples\": [{}]}", "samples[0].time must be a string" },
    { HEAD ", \"samples\": [{\"time\": \"" CAPTURE_TIME "\"}]}",
      "samples[0].lines must be an array" },
    { HEAD ", \"samples\": [" SAMPLE("[7]") "]}", "samples[0].lines[0] must be a string" },
    { HEAD ", \"samples\": [" SAMPLE("[]") ", " SAMPLE("[\"a\", \"b\\nc\"]") "]}",
      "samples[1].lines[1] holds a line break or a NUL byte; each line of a dump is one string" },
    { HEAD ", \"samples\": [" SAMPLE("[\"a\\u0000b\"]") "]}",
      "samples[0].lines[0] holds a line break or a NUL byte; each line of a dump is one string" },
    { HEAD ", \"window_ms\": -1, \"samples\": [" SAMPLE("[]") "]}",
      "window_ms must be a whole number from 0 to 604800000" },
    { HEAD ", \"window_ms\": 1e9, \"samples\": [" SAMPLE("[]") "]}",
      "window_ms must be a whole number from 0 to 604800000" },
    { HEAD ", \"incomplete\": 1}", "incomplete must be a string" },
    { HEAD ", \"inventory\": []}", "inventory must be an object" },
    { HEAD ", \"inventory\": {\"interfaces\": [{}]}}",
      "inventory.interfaces[0].name must be a string" },
};

static void a_hostile_capture_is_refused_in_one_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct fl_error err = FL_ERROR_INIT;
        json_t *json = json_loads(hostile[i].json, JSON_ALLOW_NUL, NULL);

        assert_non_null(json);
        assert_null(from_json(json, &err));
        assert_int_equal(err.code, -EINVAL);
        assert_string_equal(err.text, hostile[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_two_samples_the_difference_counts),
        cmocka_unit_test(with_one_sample_the_lifetime_counts),
        cmocka_unit_test(a_counter_that_fell_was_reset),
        cmocka_unit_test(one_flow_on_two_pmds_is_two),
        cmocka_unit_test(a_flow_in_two_layers_is_counted_in_each),
        cmocka_unit_test(a_flow_that_moved_to_another_layer_was_seen_before),
        cmocka_unit_test(without_counters_nothing_is_counted),
        cmocka_unit_test(a_later_sample_replaces_the_last),
        cmocka_unit_test(windows_that_follow_each_other_are_one),
        cmocka_unit_test(a_window_begins_where_the_snapshot_before_it_ended),
        cmocka_unit_test(what_the_filter_left_out_is_remembered_too),
        cmocka_unit_test(what_follows_an_incomplete_snapshot_is_incomplete_once),
        cmocka_unit_test(only_what_may_be_storage_is_kept_and_all_recirculated_flows),
        cmocka_unit_test(a_kept_flow_is_the_one_that_was_printed),
        cmocka_unit_test(what_is_incomplete_first_is_kept),
        cmocka_unit_test(the_baseline_finds_every_flow_of_many),
        cmocka_unit_test(a_capture_is_read_as_the_host_was),
        cmocka_unit_test(an_incomplete_capture_stays_incomplete),
        cmocka_unit_test(a_hostile_capture_is_refused_in_one_sentence),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
