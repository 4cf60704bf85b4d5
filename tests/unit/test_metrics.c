/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of the agent: the whole text, also of names that somebody chose to break it, and what is left out. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/metrics.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/small_file.h"
#include "lib/prometheus.h"
#include "tests/unit/remedy_example.h"

#define NOW_MS     INT64_C(1767225660250)
#define N_REMEDIES 7

/* Breaks out of the label, the line and the text of whoever does not escape it; and what is no ASCII. */
#define HOSTILE "a\"} 1\nflowlift_audit_up 1\n# \\\"\\\xc3\xbc\t\x1b[2J{vm=\""

static json_t *vm_json(const char *name, const char *verdict, const char *scope, double share,
                       json_int_t dp_sw)
{
    const char *cause = scope ? "conntrack" : NULL;

    return json_pack("{s:s, s:s, s:s?, s:{s:{s:i, s:I}, s:{s:i, s:I}, s:{s:i, s:i}}, s:o, s:[s*], "
                     "s:{s:{s:i, s:i, s:i}}, s:s}",
                     "name", name, "verdict", verdict, "scope", scope, "storage", "packets", "hw",
                     20, "dp_sw", dp_sw, "bytes", "hw", 2000, "dp_sw", 100 * dp_sw, "flows", "hw",
                     2, "dp_sw", 1, "hw_share", share < 0 ? json_null() : json_real(share),
                     "causes", cause, "uncounted", "unknown", "packets", 3, "bytes", 300, "flows",
                     1, "judged_by", "flows");
}

/* What "flowlift audit --json" says, as far as it is a metric. */
static json_t *audit_json(int64_t time_ms)
{
    char time[FL_TIME_TEXT_BYTES];
    json_t *by_ports = json_pack(
        "{s:s, s:s, s:n, s:{s:{s:n}, s:{s:n}, s:{s:n}}, s:f, s:[], s:{s:{s:i, s:i, s:i}}, s:s}",
        "name", "vm3", "verdict", "offloaded", "scope", "storage", "packets", "hw", "bytes", "hw",
        "flows", "hw", "hw_share", 0.999, "causes", "uncounted", "unknown", "packets", 0, "bytes",
        0, "flows", 0, "judged_by", "ports");

    return json_pack("{s:s, s:i, s:n, s:[o, o, o, o]}", "time", fl_time_format(time_ms, time),
                     "window_ms", 5000, "incomplete", "vms",
                     vm_json(HOSTILE, "stranded", "vm", 0.25, INT64_C(9007199254740993)),
                     vm_json("vm2", "leaking", "nic", 0.9, 2),
                     vm_json("vm4", "unknown", NULL, -1, 0), by_ports);
}

static void remedy(struct fl_remedy *r, const char *id, const char *name,
                   enum fl_remedy_state state)
{
    remedy_example(r, id, name);
    r->state = state;
}

static char *render(const struct fl_metrics_of *of)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_metrics_put(of, &text);
    return ds_steal_cstr(&text);
}

static char *expected_text(void)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    struct fl_error err = FL_ERROR_INIT;
    char path[512], *text;
    size_t n;

    snprintf(path, sizeof path, "%s/tests/unit/data/agent.prom", source ? source : ".");
    if (fl_small_file_read(AT_FDCWD, path, path, 0, &text, &n, &err)) {
        fail_msg("%s: %s", path, err.text);
    }
    return text;
}

static void all_of_it(void **state)
{
    struct fl_events events = { .counts = { 5, 1, 2, 0, 4, 0, 0, 7 } };
    _cleanup_json json_t *audit = audit_json(NOW_MS - 60125);
    struct fl_remedy remedies[N_REMEDIES];
    const struct fl_metrics_audits audits = {
        .last = audit, .duration_ms = 5321, .interval_ms = 60000, .n_ok = 41, .n_failed = 1
    };
    const bool is_connected = true;
    static const struct fl_metrics_result results[] = { { "done", 3 }, { "refused", 2 } };
    const struct fl_metrics_repairs repairs = {
        .results = results, .n_results = 2, .n_left_alone = 9, .is_stopped = true
    };
    const struct fl_metrics_of of = {
        .now_ms = NOW_MS,
        .started_ms = NOW_MS - 3600000,
        .config_read_ms = NOW_MS - 1800000,
        .config_is_refused = true,
        .events = &events,
        .remedies = remedies,
        .n_remedies = N_REMEDIES,
        .n_hook_events = 12,
        .n_hook_errors = 1,
        .n_config_errors = 2,
        .n_metrics_errors = 3,
        .audits = &audits,
        .repairs = &repairs,
        .fleet_is_connected = &is_connected,
    };
    _cleanup_free char *expected = expected_text(), *actual = NULL;

    (void)state;
    fl_latency_add(&events.reapply, 10);
    fl_latency_add(&events.reapply, 11);
    fl_latency_add(&events.reapply, 96);
    fl_latency_add(&events.reapply, 61000);
    remedy(&remedies[0], "id-1", "vm1", FL_REMEDY_VERIFIED);
    remedy(&remedies[1], "id-2", "vm2", FL_REMEDY_REVERTED);
    remedy(&remedies[2], "id-3", HOSTILE, FL_REMEDY_SUSPENDED);
    remedy(&remedies[3], "id-4", "twin", FL_REMEDY_INSTALLED);
    remedy(&remedies[4], "id-\"5", "twin", FL_REMEDY_PLANNED);
    remedy(&remedies[5], "id-6", "twin (id-4)", FL_REMEDY_INSTALLED);
    remedy(&remedies[6], "id-7", "vm1", FL_REMEDY_REVERTED);
    actual = render(&of);
    /* For whoever changes it on purpose. */
    if (getenv("FLOWLIFT_SHOW")) {
        fputs(actual, stderr);
    }
    assert_string_equal(actual, expected);
    for (size_t i = 0; i < N_REMEDIES; i++) {
        fl_remedy_destroy(&remedies[i]);
    }
}

/* The values of @metric, in the order of the text: "1 0 0"; "" when there is none. */
static void assert_values(const char *text, const char *metric, const char *expected)
{
    char found[256] = "";
    size_t n = strlen(metric);

    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *value = end;

        if (strncmp(line, metric, n) || (line[n] != ' ' && line[n] != '{')) {
            continue;
        }
        while (value[-1] != ' ') {
            value--;
        }
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.*s", *found ? " " : "",
                 (int)(end - value), value);
    }
    assert_string_equal(found, expected);
}

static void what_nobody_knows_is_not_there(void **state)
{
    const struct fl_events events = { .is_news = true };
    const struct fl_metrics_of of = { .now_ms = NOW_MS, .events = &events };
    _cleanup_free char *text = render(&of);

    (void)state;
    assert_null(strstr(text, "flowlift_audit"));
    assert_null(strstr(text, "flowlift_vm_"));
    assert_null(strstr(text, "flowlift_auto_"));
    assert_values(text, "flowlift_remedies", "0 0 0 0 0");
    assert_values(text, "flowlift_remedies_readable", "1");
    assert_values(text, "flowlift_reapply_seconds_count", "0");
}

static bool is_vm_1(const char *vm_id, const void *aux)
{
    (void)aux;
    return !strcmp(vm_id, "id-1");
}

static void a_remedy_that_waits_elsewhere_is_no_trouble(void **state)
{
    const struct fl_events events = { .is_news = true };
    struct fl_remedy remedies[2];
    const bool yes = true;
    struct fl_metrics_of of = { .now_ms = NOW_MS,
                                .events = &events,
                                .remedies = remedies,
                                .n_remedies = 2,
                                .is_here = is_vm_1 };
    char *text;

    (void)state;
    remedy(&remedies[0], "id-1", "vm1", FL_REMEDY_SUSPENDED);
    remedy(&remedies[1], "id-2", "vm2", FL_REMEDY_SUSPENDED);
    text = render(&of);
    assert_values(text, "flowlift_remedy_state", "0 0 0 1");
    assert_values(text, "flowlift_remedies", "0 0 0 0 2");
    assert_null(strstr(text, "flowlift_fleet"));
    free(text);
    /* Where the VMs are is not known. */
    of.is_here = NULL;
    of.fleet_is_connected = &yes;
    text = render(&of);
    assert_values(text, "flowlift_remedy_state", "0 0 0 1 0 0 0 1");
    assert_values(text, "flowlift_fleet_connected", "1");
    free(text);
    fl_remedy_destroy(&remedies[0]);
    fl_remedy_destroy(&remedies[1]);
}

static void remedies_that_cannot_be_read_are_not_counted_as_none(void **state)
{
    const struct fl_events events = { .is_news = true };
    struct fl_metrics_of of = { .now_ms = NOW_MS, .events = &events, .remedies_are_unread = true };
    struct fl_remedy one;
    char *text = render(&of);

    (void)state;
    assert_values(text, "flowlift_remedies_readable", "0");
    assert_null(strstr(text, "flowlift_remedies{"));
    assert_null(strstr(text, "flowlift_remedy_state"));
    free(text);
    /* One of two is damaged: the other one is shown. */
    remedy(&one, "id-1", "vm1", FL_REMEDY_INSTALLED);
    of.remedies = &one;
    of.n_remedies = 1;
    text = render(&of);
    assert_values(text, "flowlift_remedies_readable", "0");
    assert_values(text, "flowlift_remedies", "0 1 0 0 0");
    assert_values(text, "flowlift_remedy_state", "0 1 0 0");
    free(text);
    fl_remedy_destroy(&one);
}

/* Whether VMs have verdicts, and what flowlift_audit_up is. */
static void assert_audit(const struct fl_metrics_audits *audits, const char *up, bool has_vms)
{
    const struct fl_events events = { .is_news = true };
    const struct fl_metrics_of of = { .now_ms = NOW_MS, .events = &events, .audits = audits };
    _cleanup_free char *text = render(&of);

    assert_values(text, "flowlift_audit_up", up);
    assert_int_equal(strstr(text, "flowlift_vm_verdict{") != NULL, has_vms);
    assert_int_equal(strstr(text, "flowlift_audit_time_seconds") != NULL, has_vms);
    assert_int_equal(strstr(text, "flowlift_audit_duration_seconds") != NULL, has_vms);
}

static void an_audit_is_of_now_or_not_there(void **state)
{
    struct fl_metrics_audits audits = { .interval_ms = 60000 };
    _cleanup_json json_t *nearly_old = audit_json(NOW_MS - 4 * 60000);
    _cleanup_json json_t *old = audit_json(NOW_MS - 4 * 60000 - 1);
    _cleanup_json json_t *of_no_time = json_pack("{s:[]}", "vms");

    (void)state;
    assert_audit(&audits, "0", false); /* None yet. */
    audits.last = nearly_old;
    assert_audit(&audits, "1", true);
    audits.is_failing = true;
    assert_audit(&audits, "0", true);
    audits.is_failing = false;
    audits.last = old;
    assert_audit(&audits, "0", false);
    audits.last = of_no_time;
    assert_audit(&audits, "0", false);
}

static void an_audit_says_no_more_than_its_document(void **state)
{
    const struct fl_events events = { .is_news = true };
    char time[FL_TIME_TEXT_BYTES];
    _cleanup_json json_t *odd =
        json_pack("{s:s, s:s, s:[{}, {s:i}, {s:s, s:n, s:n, s:i, s:n}, s, n]}", "time",
                  fl_time_format(NOW_MS, time), "incomplete", "ovs-vswitchd does not answer", "vms",
                  "name", 7, "name", "vm1", "verdict", "scope", "storage", 1, "causes", "vm2");
    const struct fl_metrics_audits audits = { .last = odd, .interval_ms = 1000 };
    const struct fl_metrics_of of = { .now_ms = NOW_MS, .events = &events, .audits = &audits };
    _cleanup_free char *text = render(&of);

    (void)state;
    assert_non_null(odd);
    assert_null(strstr(text, "{vm="));
    assert_null(strstr(text, "flowlift_audit_window_seconds"));
    assert_values(text, "flowlift_audit_complete", "0");
}

static void latencies_fall_into_the_first_bucket_that_holds_them(void **state)
{
    static const struct {
        long long ms;
        size_t bucket;
    } cases[] = { { 0, 0 }, { 10, 0 }, { 11, 1 }, { 60000, 11 }, { 60001, 12 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_latency latency = { .sum_ms = 0 };

        fl_latency_add(&latency, cases[i].ms);
        for (size_t bucket = 0; bucket <= FL_N_LATENCIES; bucket++) {
            assert_int_equal(latency.counts[bucket], bucket == cases[i].bucket);
        }
        assert_true(latency.sum_ms == (double)cases[i].ms);
    }
}

static void what_was_restored_is_timed(void **state)
{
    struct fl_guard_event event = {
        .did = FL_GUARD_RESTORED, .vm_id = "id", .vm_name = "vm", .reason = "", .after_ms = 120
    };
    struct fl_events events;

    (void)state;
    fl_events_init(&events);
    fl_events_take(&events, &event);
    event.after_ms = -1; /* The answer to nothing. */
    fl_events_take(&events, &event);
    event.did = FL_GUARD_SUSPENDED;
    event.after_ms = 50;
    fl_events_take(&events, &event);
    assert_int_equal(events.reapply.counts[4], 1);
    assert_true(events.reapply.sum_ms == 120);
    fl_events_destroy(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it),
        cmocka_unit_test(what_nobody_knows_is_not_there),
        cmocka_unit_test(a_remedy_that_waits_elsewhere_is_no_trouble),
        cmocka_unit_test(remedies_that_cannot_be_read_are_not_counted_as_none),
        cmocka_unit_test(an_audit_is_of_now_or_not_there),
        cmocka_unit_test(an_audit_says_no_more_than_its_document),
        cmocka_unit_test(latencies_fall_into_the_first_bucket_that_holds_them),
        cmocka_unit_test(what_was_restored_is_timed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
