/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/fleet/overview_audit.h"
#include "lib/fleet/overview_look.h"

#define NOW    INT64_C(1700000000000)
#define MINUTE INT64_C(60000)

static const struct fl_fleet_filter everything;

static int setup(void **state)
{
    *state = fl_fleet_create(NOW, 60 * MINUTE);
    return 0;
}

static int teardown(void **state)
{
    fl_fleet_destroy(*state);
    return 0;
}

/* Return: the host to add VMs to, or NULL when it said something newer. */
static struct fl_fleet_host *hear(struct fl_fleet *fleet, const char *name, int64_t time_ms)
{
    const struct fl_fleet_word word = { .name = name, .time_ms = time_ms, .ovs_version = "3.1.2" };
    struct fl_fleet_host *host;

    assert_int_equal(fl_fleet_hear(fleet, &word, &host, NULL), 0);
    return host;
}

/* @bytes: in software, within a second */
static void add(struct fl_fleet *fleet, struct fl_fleet_host *host, const char *name,
                enum fl_verdict verdict, uint64_t bytes)
{
    static const char *const causes[] = { "conntrack", "recirculation" };
    const struct fl_fleet_vm vm = {
        .name = name,
        .verdict = verdict,
        .causes = causes,
        .n_causes = verdict == FL_VERDICT_STRANDED ? 2 : 0,
        .nic = { "mlx5e_rep", "22.31.1014" },
        .hw_share = -1,
        .window_ms = 1000,
        .has_counts = true,
        .bytes_sw = bytes,
    };

    assert_non_null(host);
    assert_int_equal(fl_fleet_add_vm(fleet, host, &vm, NULL), 0);
}

/* "vm1@node1 stranded, ...; node1 heard, ..." in their order. */
static void assert_look(const struct fl_fleet *fleet, const struct fl_fleet_filter *filter,
                        const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fl_fleet_look look;

    fl_fleet_look(fleet, filter, &look);
    for (size_t i = 0; i < look.n_vms; i++)
        ds_put_format(&ds, "%s%s@%s %s", i ? ", " : "", look.vms[i]->name, look.vms[i]->host->name,
                      fl_verdict_name(fl_fleet_verdict(look.vms[i])));
    for (size_t i = 0; i < look.n_hosts; i++)
        ds_put_format(&ds, "%s%s %s", i ? ", " : "; ", look.hosts[i].host->name,
                      fl_fleet_state_name(look.hosts[i].host->state));
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
    fl_fleet_look_destroy(&look);
}

static void assert_exit_code(const struct fl_fleet *fleet, int expected)
{
    struct fl_fleet_look look;

    fl_fleet_look(fleet, &everything, &look);
    assert_int_equal(fl_fleet_exit_code(&look), expected);
    fl_fleet_look_destroy(&look);
}

static void the_newest_word_of_a_host_counts(void **state)
{
    struct fl_fleet *fleet = *state;

    add(fleet, hear(fleet, "n1", NOW - 2 * MINUTE), "old", FL_VERDICT_STRANDED, 1);
    add(fleet, hear(fleet, "n2", NOW - MINUTE), "other", FL_VERDICT_OFFLOADED, 0);
    add(fleet, hear(fleet, "n1", NOW - MINUTE), "new", FL_VERDICT_OFFLOADED, 0);
    assert_null(hear(fleet, "n1", NOW - 3 * MINUTE));
    assert_look(fleet, &everything, "new@n1 offloaded, other@n2 offloaded; n1 heard, n2 heard");
    assert_int_equal(fleet->n_vms, 2);
}

static void lines_of_one_audit_are_one_word(void **state)
{
    struct fl_fleet *fleet = *state;

    add(fleet, hear(fleet, "n1", NOW), "a", FL_VERDICT_OFFLOADED, 0);
    add(fleet, hear(fleet, "n2", NOW), "a", FL_VERDICT_OFFLOADED, 0);
    add(fleet, hear(fleet, "n1", NOW), "b", FL_VERDICT_OFFLOADED, 0);
    assert_look(fleet, &everything,
                "a@n1 offloaded, b@n1 offloaded, a@n2 offloaded; n1 heard, n2 heard");
}

static void a_vm_that_is_told_twice_counts_once(void **state)
{
    struct fl_fleet *fleet = *state;

    for (int i = 0; i < 2; i++)
        add(fleet, hear(fleet, "n1", NOW), "a", FL_VERDICT_OFFLOADED, 0);
    assert_look(fleet, &everything, "a@n1 offloaded; n1 heard");
}

static void a_silent_host_is_never_healthy(void **state)
{
    struct fl_fleet *fleet = *state;

    add(fleet, hear(fleet, "n1", NOW - 60 * MINUTE), "a", FL_VERDICT_OFFLOADED, 0);
    assert_exit_code(fleet, 0);
    add(fleet, hear(fleet, "n2", NOW - 60 * MINUTE - 1), "b", FL_VERDICT_OFFLOADED, 0);
    hear(fleet, "n3", 0);
    assert_look(fleet, &everything, "b@n2 unknown, a@n1 offloaded; n3 never, n2 silent, n1 heard");
    assert_exit_code(fleet, 2);
}

static void a_clock_that_is_ahead_is_not_believed(void **state)
{
    struct fl_fleet *fleet = *state;

    add(fleet, hear(fleet, "n1", NOW + FL_FLEET_AHEAD_MS), "a", FL_VERDICT_OFFLOADED, 0);
    add(fleet, hear(fleet, "n2", NOW + FL_FLEET_AHEAD_MS + 1), "b", FL_VERDICT_OFFLOADED, 0);
    assert_look(fleet, &everything, "b@n2 unknown, a@n1 offloaded; n2 ahead, n1 heard");
    assert_exit_code(fleet, 2);
    /* Set right, the host counts again, whatever it said before. */
    add(fleet, hear(fleet, "n2", NOW), "b", FL_VERDICT_STRANDED, 0);
    assert_null(hear(fleet, "n2", NOW + 600 * MINUTE));
    assert_null(hear(fleet, "n2", 0));
    assert_look(fleet, &everything, "b@n2 stranded, a@n1 offloaded; n2 heard, n1 heard");
    assert_exit_code(fleet, 1);
}

static void the_worst_comes_first(void **state)
{
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host = hear(fleet, "n1", NOW);

    add(fleet, host, "idle", FL_VERDICT_IDLE, 0);
    add(fleet, host, "good", FL_VERDICT_OFFLOADED, 5);
    add(fleet, host, "unsure", FL_VERDICT_UNKNOWN, 9);
    add(fleet, host, "leak", FL_VERDICT_LEAKING, 7);
    host = hear(fleet, "n2", NOW);
    add(fleet, host, "some", FL_VERDICT_STRANDED, 100);
    add(fleet, host, "most", FL_VERDICT_STRANDED, 200);
    assert_look(fleet, &everything,
                "most@n2 stranded, some@n2 stranded, leak@n1 leaking, unsure@n1 unknown, "
                "good@n1 offloaded, idle@n1 idle; n2 heard, n1 heard");
}

static void rates_are_compared_not_what_windows_of_different_length_counted(void **state)
{
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host = hear(fleet, "n1", NOW);
    struct fl_fleet_vm vm = { .name = "long",
                              .verdict = FL_VERDICT_STRANDED,
                              .window_ms = 10000,
                              .has_counts = true,
                              .bytes_sw = 5000 };

    add(fleet, host, "short", FL_VERDICT_STRANDED, 1000);
    assert_int_equal(fl_fleet_add_vm(fleet, host, &vm, NULL), 0);
    vm.name = "lifetime";
    vm.window_ms = 0;
    assert_int_equal(fl_fleet_add_vm(fleet, host, &vm, NULL), 0);
    assert_look(fleet, &everything,
                "short@n1 stranded, long@n1 stranded, lifetime@n1 stranded; n1 heard");
}

static void filters_let_through_what_they_name(void **state)
{
    const struct {
        struct fl_fleet_filter filter;
        const char *expected;
    } cases[] = {
        { { .has_verdict = true, .verdict = FL_VERDICT_STRANDED },
          "a@rack1-n1 stranded; rack1-n1 heard" },
        { { .has_verdict = true, .verdict = FL_VERDICT_UNKNOWN },
          "c@rack2-n2 unknown; rack2-n2 silent" },
        { { .cause = "recirculation" }, "a@rack1-n1 stranded; rack1-n1 heard" },
        { { .cause = "nic-match" }, "" },
        { { .host = "rack2-*" }, "c@rack2-n2 unknown; rack2-n2 silent" },
        { { .host = "rack" }, "" },
        { { .version = "3.1" },
          "a@rack1-n1 stranded, c@rack2-n2 unknown, b@rack1-n1 offloaded; rack1-n1 heard, rack2-n2 silent" },
        { { .version = "3.1.20" }, "" },
        { { .driver = "mlx5e_rep",
            .firmware = "22.31",
            .has_verdict = true,
            .verdict = FL_VERDICT_OFFLOADED },
          "b@rack1-n1 offloaded; rack1-n1 heard" },
        { { .driver = "mlx5" }, "" },
        { { .firmware = "22.3" }, "" },
    };
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host = hear(fleet, "rack1-n1", NOW);

    add(fleet, host, "a", FL_VERDICT_STRANDED, 1);
    add(fleet, host, "b", FL_VERDICT_OFFLOADED, 1);
    add(fleet, hear(fleet, "rack2-n2", NOW - 61 * MINUTE), "c", FL_VERDICT_OFFLOADED, 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_look(fleet, &cases[i].filter, cases[i].expected);
}

static void versions_match_whole_numbers(void **state)
{
    (void)state;
    assert_true(fl_fleet_version_matches("22.31.1014 (MT_0000000359)", "22.31"));
    assert_true(fl_fleet_version_matches("22.31.1014 (MT_0000000359)", "22.31.1014"));
    assert_true(fl_fleet_version_matches("3.1", "3.1"));
    assert_false(fl_fleet_version_matches("3.10", "3.1"));
    assert_false(fl_fleet_version_matches("3", "3.1"));
    assert_false(fl_fleet_version_matches(NULL, "3.1"));
}

static void put_alike(struct fl_fleet *fleet, struct fl_fleet_host *host, const char *prefix,
                      size_t n, enum fl_verdict verdict, const char *cause, const char *firmware)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_free char *name = xasprintf("%s%zu", prefix, i);
        const struct fl_fleet_vm vm = { .name = name,
                                        .verdict = verdict,
                                        .causes = &cause,
                                        .n_causes = cause ? 1 : 0,
                                        .nic = { "mlx5e_rep", firmware } };

        assert_int_equal(fl_fleet_add_vm(fleet, host, &vm, NULL), 0);
    }
}

static void what_stranded_vms_have_in_common_is_counted(void **state)
{
    const struct fl_fleet_filter stranded = { .has_verdict = true, .verdict = FL_VERDICT_STRANDED };
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host = hear(fleet, "n1", NOW);
    struct fl_fleet_look look;

    put_alike(fleet, host, "a", 3, FL_VERDICT_STRANDED, "conntrack", "1.0");
    put_alike(fleet, host, "b", 4, FL_VERDICT_OFFLOADED, NULL, "1.0");
    put_alike(fleet, hear(fleet, "n2", NOW), "c", 2, FL_VERDICT_STRANDED, "conntrack", "1.0");
    put_alike(fleet, hear(fleet, "n3", NOW), "d", 1, FL_VERDICT_STRANDED, NULL, "1.0");
    put_alike(fleet, hear(fleet, "n4", NOW), "e", 9, FL_VERDICT_OFFLOADED, NULL, "2.0");
    for (int i = 0; i < 2;
         i++) { /* the same beside VMs that are well, although those are not shown */
        fl_fleet_look(fleet, i ? &stranded : &everything, &look);
        assert_int_equal(look.n_patterns, 2);
        assert_string_equal(look.patterns[0].cause, "conntrack");
        assert_string_equal(look.patterns[0].nic.firmware, "1.0");
        assert_int_equal(look.patterns[0].n_stranded, 5);
        assert_int_equal(look.patterns[0].n_hosts, 2);
        assert_int_equal(look.patterns[0].n_alike, 10);
        assert_null(look.patterns[1].cause);
        assert_non_null(look.shared);
        assert_string_equal(look.shared->firmware, "1.0");
        fl_fleet_look_destroy(&look);
    }
    /* One stranded VM with another firmware, and they have none in common. */
    put_alike(fleet, hear(fleet, "n4", NOW), "f", 1, FL_VERDICT_STRANDED, NULL, "2.0");
    fl_fleet_look(fleet, &everything, &look);
    assert_null(look.shared);
    fl_fleet_look_destroy(&look);
}

static void vms_that_are_only_counted_pass_by_their_hosts_nic_and_verdict(void **state)
{
    static const struct fl_fleet_filter offloaded = { .has_verdict = true,
                                                      .verdict = FL_VERDICT_OFFLOADED };
    static const struct fl_fleet_filter stranded = { .has_verdict = true,
                                                     .verdict = FL_VERDICT_STRANDED };
    static const struct fl_fleet_filter unknown = { .has_verdict = true,
                                                    .verdict = FL_VERDICT_UNKNOWN };
    static const struct fl_fleet_filter firmware = { .firmware = "1.0" };
    static const struct {
        const struct fl_fleet_filter *filter;
        size_t n_stranded, n_offloaded, n_unknown, n_hosts;
    } cases[] = {
        { &everything, 1, 6, 3, 3 }, { &offloaded, 0, 6, 0, 2 }, { &stranded, 1, 0, 0, 1 },
        { &unknown, 0, 0, 3, 1 },    { &firmware, 1, 4, 0, 1 },
    };
    static const struct fl_fleet_word words[] = {
        { .name = "n1", .time_ms = NOW, .nic = { "mlx5e_rep", "1.0" } },
        { .name = "n2", .time_ms = NOW, .nic = { "mlx5e_rep", "2.0" } },
        { .name = "n3", .time_ms = NOW - 61 * MINUTE, .nic = { "mlx5e_rep", "2.0" } },
    };
    static const size_t n_well[] = { 4, 2, 3 };
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *hosts[ARRAY_SIZE(words)];
    struct fl_fleet_look look;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(fl_fleet_hear(fleet, &words[i], &hosts[i], NULL), 0);
        fl_fleet_count_vms(hosts[i], FL_VERDICT_OFFLOADED, n_well[i]);
    }
    put_alike(fleet, hosts[0], "a", 1, FL_VERDICT_STRANDED, "conntrack", "1.0");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fl_fleet_look(fleet, cases[i].filter, &look);
        assert_int_equal(look.n_by_verdict[FL_VERDICT_STRANDED], cases[i].n_stranded);
        assert_int_equal(look.n_by_verdict[FL_VERDICT_OFFLOADED], cases[i].n_offloaded);
        assert_int_equal(look.n_by_verdict[FL_VERDICT_UNKNOWN], cases[i].n_unknown);
        assert_int_equal(look.n_hosts, cases[i].n_hosts);
        assert_false(look.has_unlisted);
        if (cases[i].n_stranded)
            assert_int_equal(look.patterns[0].n_alike, 5);
        fl_fleet_look_destroy(&look);
    }
}

static void a_firmware_that_all_vms_have_explains_nothing(void **state)
{
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host = hear(fleet, "n1", NOW);
    struct fl_fleet_look look;

    put_alike(fleet, host, "a", 3, FL_VERDICT_STRANDED, "conntrack", "1.0");
    put_alike(fleet, host, "b", 3, FL_VERDICT_OFFLOADED, NULL, "1.0");
    fl_fleet_look(fleet, &everything, &look);
    assert_null(look.shared);
    fl_fleet_look_destroy(&look);
}

/* An audit as text, and what is said of it. */
static void assert_audit(struct fl_fleet *fleet, const char *text, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = json_loads(text, 0, NULL);
    int expected = *sentence ? -EINVAL : 0;

    assert_non_null(json);
    assert_int_equal(fl_fleet_add_audit(fleet, json, "label", &err), expected);
    assert_string_equal(err.text, sentence);
}

#define AUDIT(HOST, REST)                             \
    "{\"schema\":\"flowlift/audit/1\",\"host\":" HOST \
    ",\"time\":\"2023-11-14T22:13:00.000Z\"," REST "}"
#define VM(NAME, VERDICT) "\"name\":\"" NAME "\",\"verdict\":\"" VERDICT "\",\"storage\":{}"

static void an_audit_is_a_vm_or_all_of_a_host(void **state)
{
    struct fl_fleet *fleet = *state;

    assert_audit(fleet,
                 AUDIT("\"n1\"", "\"vms\":[{" VM("a", "idle") "},{" VM("b", "stranded") "}]"), "");
    assert_audit(fleet, AUDIT("\"n2\"", VM("c", "leaking")), "");
    assert_audit(fleet, AUDIT("\"n3\"", "\"vms\":[]"), "");
    assert_look(fleet, &everything,
                "b@n1 stranded, c@n2 leaking, a@n1 idle; n1 heard, n2 heard, n3 heard");
}

static void a_host_that_names_itself_by_nothing_has_the_name_it_was_gathered_by(void **state)
{
    struct fl_fleet *fleet = *state;

    assert_audit(fleet, AUDIT("\"localhost.localdomain\"", VM("a", "idle")), "");
    assert_audit(fleet, AUDIT("\"unknown\"", VM("b", "idle")), "");
    assert_audit(fleet, AUDIT("null", VM("c", "idle")), "");
    assert_look(fleet, &everything, "a@label idle, b@label idle, c@label idle; label heard");
}

static void what_is_wrong_in_an_audit_is_named(void **state)
{
    struct fl_fleet *fleet = *state;

    assert_audit(fleet, "[]", "the whole must be an object");
    assert_audit(fleet, "{\"schema\":\"flowlift/plan/1\"}",
                 "schema must be \"flowlift/audit/1\", and is \"flowlift/plan/1\"");
    assert_audit(fleet, AUDIT("7", VM("a", "idle")), "host must be a string");
    assert_audit(fleet, AUDIT("\"n\"", VM("a", "well")), "verdict is \"well\", which is none");
    assert_audit(fleet, AUDIT("\"n\"", VM("a", "idle") ",\"hw_share\":1.5"),
                 "hw_share must be a number from 0 to 1, or null");
    assert_audit(fleet, AUDIT("\"n\"", VM("a", "idle") ",\"causes\":[{}]"),
                 "causes must be ids of causes");
    assert_audit(fleet,
                 AUDIT("\"n\"",
                       "\"name\":\"a\",\"verdict\":\"idle\",\"storage\":{\"packets\":{\"hw\":-1}}"),
                 "packets.hw must be a whole number from 0 to 1152921504606846976");
    assert_audit(fleet, AUDIT("\"n\"", "\"window_ms\":-1," VM("a", "idle")),
                 "window_ms must be a whole number from 0 to 1099511627776");
    /* The VMs beside it are there. */
    assert_audit(fleet, AUDIT("\"m\"", "\"vms\":[{}, {" VM("good", "idle") "}]"),
                 "name must be a string");
    assert_look(fleet, &everything, "good@m idle; m heard, n heard");
}

static void a_host_that_is_not_whole_is_not_healthy(void **state)
{
    struct fl_fleet *fleet = *state;

    assert_audit(fleet,
                 AUDIT("\"n1\"", "\"incomplete\":\"a dump broke off\"," VM("a", "offloaded")), "");
    assert_exit_code(fleet, 2);
}

/* 2,000 hosts with 50 VMs each: what reading costs is told by tests/integration/fleet_report.py. */
static void a_large_fleet_is_looked_at_at_once(void **state)
{
    int64_t began = fl_monotonic_ms(), added;
    struct fl_fleet *fleet = *state;
    struct fl_fleet_look look;
    struct rusage usage;

    for (unsigned int i = 0; i < 2000; i++) {
        _cleanup_free char *name = xasprintf("node%04u.example.com", i);
        struct fl_fleet_host *host = hear(fleet, name, NOW - i);

        for (unsigned int j = 0; j < 50; j++) {
            _cleanup_free char *vm = xasprintf("instance-%08x", i * 50 + j);

            add(fleet, host, vm, j ? FL_VERDICT_OFFLOADED : FL_VERDICT_STRANDED, i * j);
        }
    }
    added = fl_monotonic_ms();
    fl_fleet_look(fleet, &everything, &look);
    assert_int_equal(look.n_vms, 100000);
    assert_int_equal(look.n_by_verdict[FL_VERDICT_STRANDED], 2000);
    getrusage(RUSAGE_SELF, &usage);
    print_message("# 100,000 VMs: added in %" PRId64 " ms, looked at in %" PRId64 " ms, %ld KiB\n",
                  added - began, fl_monotonic_ms() - added, usage.ru_maxrss);
    assert_true(fl_monotonic_ms() - began < 10000);
    fl_fleet_look_destroy(&look);
}

static void the_number_of_hosts_has_a_limit(void **state)
{
    const struct fl_fleet_word one_more = { .name = "one more", .time_ms = NOW };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_fleet *fleet = *state;
    struct fl_fleet_host *host;

    for (unsigned int i = 0; i < FL_LIMIT_FLEET_HOSTS; i++) {
        _cleanup_free char *name = xasprintf("n%u", i);

        hear(fleet, name, NOW);
    }
    assert_int_equal(fl_fleet_hear(fleet, &one_more, &host, &err), -E2BIG);
    assert_null(host);
    assert_string_equal(err.text, "there are more than 20000 hosts, more than flowlift reads");
    assert_non_null(hear(fleet, "n7", NOW)); /* known, so that it counts */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_word_of_a_host_counts),
        TEST(lines_of_one_audit_are_one_word),
        TEST(a_vm_that_is_told_twice_counts_once),
        TEST(a_silent_host_is_never_healthy),
        TEST(a_clock_that_is_ahead_is_not_believed),
        TEST(the_worst_comes_first),
        TEST(rates_are_compared_not_what_windows_of_different_length_counted),
        TEST(filters_let_through_what_they_name),
        TEST(versions_match_whole_numbers),
        TEST(what_stranded_vms_have_in_common_is_counted),
        TEST(vms_that_are_only_counted_pass_by_their_hosts_nic_and_verdict),
        TEST(a_firmware_that_all_vms_have_explains_nothing),
        TEST(an_audit_is_a_vm_or_all_of_a_host),
        TEST(a_host_that_names_itself_by_nothing_has_the_name_it_was_gathered_by),
        TEST(what_is_wrong_in_an_audit_is_named),
        TEST(a_host_that_is_not_whole_is_not_healthy),
        TEST(a_large_fleet_is_looked_at_at_once),
        TEST(the_number_of_hosts_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
