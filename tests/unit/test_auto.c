/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of automatic repairs: which VMs, how many in an hour, for how long one is left alone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/auto_file.h"
#include "agent/auto_limits.h"
#include "flows/cleanup.h"
#include "flows/limits.h"
#include "tests/unit/temporary.h"

#define T0              INT64_C(1800000000000)
#define HOUR            FL_AUTO_HOUR_MS
#define MANY            1000
#define _cleanup_limits _cleanup_(fl_auto_limits_destroy)

static enum fl_auto_answer may(const struct fl_auto_limits *limits, const char *vm, int max,
                               int64_t now_ms)
{
    int64_t until_ms;

    return fl_auto_may(limits, vm, max, now_ms, &until_ms);
}

/* Begins and ends at once. Return: whether it stopped all. */
static bool repair(struct fl_auto_limits *limits, const char *vm, enum fl_auto_end end,
                   int64_t now_ms)
{
    fl_auto_begin(limits, vm, vm, now_ms);
    return fl_auto_end(limits, vm, end, "because", now_ms);
}

static int64_t held_until(const struct fl_auto_limits *limits, const char *vm)
{
    const struct fl_auto_hold *hold = fl_auto_held(limits, vm);

    return hold ? hold->until_ms : 0;
}

static bool wants(const char *verdict, const char *scope, const struct fl_remedy *remedy)
{
    _cleanup_json json_t *vm = json_pack("{s:s, s:s?}", "verdict", verdict, "scope", scope);

    return fl_auto_wants(vm, remedy);
}

static void only_a_vm_that_is_stranded_alone_is_wanted(void **state)
{
    struct fl_remedy remedy;

    (void)state;
    assert_true(wants("stranded", "vm", NULL));
    assert_false(wants("stranded", "nic", NULL));
    assert_false(wants("stranded", "host", NULL));
    assert_false(wants("stranded", NULL, NULL));
    assert_false(wants("leaking", "vm", NULL));
    assert_false(wants("unknown", "vm", NULL));
    assert_false(wants("idle", NULL, NULL));
    assert_false(wants("offloaded", NULL, NULL));
    fl_remedy_init(&remedy);
    for (enum fl_remedy_state has = FL_REMEDY_PLANNED; has <= FL_REMEDY_SUSPENDED; has++) {
        remedy.state = has;
        assert_int_equal(wants("stranded", "vm", &remedy), has == FL_REMEDY_REVERTED);
    }
    fl_remedy_destroy(&remedy);
}

static void no_more_than_so_many_begin_in_an_hour(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;
    int64_t until_ms;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_DONE, T0);
    assert_int_equal(may(&limits, "b", 2, T0 + 1), FL_AUTO_GO);
    repair(&limits, "b", FL_AUTO_REFUSED, T0 + 60000);
    assert_int_equal(fl_auto_may(&limits, "c", 2, T0 + 60001, &until_ms), FL_AUTO_FULL);
    assert_int_equal(until_ms, T0 + HOUR);
    assert_int_equal(may(&limits, "c", 2, T0 + HOUR - 1), FL_AUTO_FULL);
    assert_int_equal(may(&limits, "c", 2, T0 + HOUR), FL_AUTO_GO);
    /* More or less than before. */
    assert_int_equal(may(&limits, "c", 3, T0 + 60001), FL_AUTO_GO);
    assert_int_equal(fl_auto_may(&limits, "c", 1, T0 + 60001, &until_ms), FL_AUTO_FULL);
    assert_int_equal(until_ms, T0 + 60000 + HOUR);
    assert_int_equal(fl_auto_may(&limits, "c", 0, T0 + 60001, &until_ms), FL_AUTO_FULL);
    assert_int_equal(until_ms, 0);
    assert_int_equal(fl_auto_n_attempts(&limits, T0 + 60001), 2);
    assert_int_equal(fl_auto_n_attempts(&limits, T0 + HOUR), 1);
}

static void one_that_is_under_way_counts_and_a_needless_one_does_not(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    fl_auto_begin(&limits, "a", "a", T0);
    assert_int_equal(may(&limits, "b", 1, T0 + 1), FL_AUTO_FULL);
    assert_false(fl_auto_end(&limits, "a", FL_AUTO_NEEDLESS, "", T0 + 2));
    assert_int_equal(may(&limits, "b", 1, T0 + 3), FL_AUTO_GO);
    assert_int_equal(may(&limits, "a", 1, T0 + 3), FL_AUTO_GO);
}

static void what_was_offered_again_counts_as_done_and_is_known_for_an_hour(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_TROUBLE, T0);
    repair(&limits, "a", FL_AUTO_REOFFERED, T0 + 1);
    assert_null(fl_auto_held(&limits, "a"));
    assert_int_equal(may(&limits, "b", 2, T0 + 1), FL_AUTO_FULL);
    fl_auto_begin(&limits, "a", "a", T0 + 2);
    assert_true(fl_auto_was_reoffered(&limits, "a", T0 + 2));
    assert_false(fl_auto_was_reoffered(&limits, "b", T0 + 2));
    assert_false(fl_auto_was_reoffered(&limits, "a", T0 + 1 + HOUR));
    /* The last one counts. */
    assert_false(fl_auto_end(&limits, "a", FL_AUTO_DONE, "", T0 + 3));
    assert_false(fl_auto_was_reoffered(&limits, "a", T0 + 3));
}

static void a_failed_one_is_left_alone_longer_each_time(void **state)
{
    static const int hours[] = { 1, 2, 4, 8, 16, 24, 24 };
    _cleanup_limits struct fl_auto_limits limits;
    int64_t now_ms = T0, until_ms;

    (void)state;
    fl_auto_limits_init(&limits);
    for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
        repair(&limits, "a", i % 2 ? FL_AUTO_REFUSED : FL_AUTO_UNVERIFIED, now_ms);
        assert_int_equal(fl_auto_may(&limits, "a", MANY, now_ms, &until_ms), FL_AUTO_HELD);
        assert_int_equal(until_ms, now_ms + hours[i] * HOUR);
        assert_int_equal(may(&limits, "b", MANY, now_ms), FL_AUTO_GO);
        assert_int_equal(may(&limits, "a", MANY, until_ms - 1), FL_AUTO_HELD);
        assert_int_equal(may(&limits, "a", MANY, until_ms), FL_AUTO_GO);
        now_ms = until_ms;
        fl_auto_age(&limits, now_ms);
    }
    assert_string_equal(fl_auto_held(&limits, "a")->reason, "because");
    /* One success, and it begins anew. */
    repair(&limits, "a", FL_AUTO_DONE, now_ms);
    assert_null(fl_auto_held(&limits, "a"));
    repair(&limits, "a", FL_AUTO_REFUSED, now_ms);
    assert_int_equal(held_until(&limits, "a"), now_ms + HOUR);
}

static void trouble_is_tried_again_sooner(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_TROUBLE, T0);
    assert_int_equal(held_until(&limits, "a"), T0 + 5 * 60000);
    repair(&limits, "a", FL_AUTO_TROUBLE, T0);
    assert_int_equal(held_until(&limits, "a"), T0 + 10 * 60000);
}

static void a_failure_of_two_days_ago_is_forgotten(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_REFUSED, T0);
    fl_auto_age(&limits, T0 + 25 * HOUR - 1);
    assert_non_null(fl_auto_held(&limits, "a"));
    assert_int_equal(limits.n_attempts, 0);
    fl_auto_age(&limits, T0 + 25 * HOUR);
    assert_null(fl_auto_held(&limits, "a"));
    /* Without a failure there is nothing to remember. */
    fl_auto_hold(&limits, "b", "b", "reverted", T0 + HOUR);
    assert_int_equal(may(&limits, "b", MANY, T0), FL_AUTO_HELD);
    fl_auto_age(&limits, T0 + HOUR);
    assert_null(fl_auto_held(&limits, "b"));
}

static void three_vms_that_fail_verification_stop_all(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;
    int64_t until_ms;

    (void)state;
    fl_auto_limits_init(&limits);
    assert_false(repair(&limits, "a", FL_AUTO_UNVERIFIED, T0));
    assert_false(repair(&limits, "b", FL_AUTO_UNVERIFIED, T0 + 1000));
    /* Neither the same one once more, nor those that failed otherwise. */
    assert_false(repair(&limits, "b", FL_AUTO_UNVERIFIED, T0 + 2000));
    assert_false(repair(&limits, "c", FL_AUTO_REFUSED, T0 + 3000));
    assert_false(repair(&limits, "d", FL_AUTO_TROUBLE, T0 + 4000));
    assert_int_equal(may(&limits, "e", MANY, T0 + 4000), FL_AUTO_GO);
    assert_true(repair(&limits, "f", FL_AUTO_UNVERIFIED, T0 + 5000));
    assert_non_null(strstr(limits.stop_reason, "3 VMs (a, b, f) failed verification"));
    assert_int_equal(fl_auto_may(&limits, "e", MANY, T0 + 5000, &until_ms), FL_AUTO_STOPPED);
    assert_int_equal(until_ms, T0 + 5000 + HOUR);
    assert_int_equal(may(&limits, "e", MANY, T0 + 5000 + HOUR), FL_AUTO_GO);
    fl_auto_age(&limits, T0 + 5000 + HOUR);
    assert_int_equal(limits.stopped_ms, 0);
    assert_null(limits.stop_reason);
}

static void three_over_more_than_an_hour_do_not(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    assert_false(repair(&limits, "a", FL_AUTO_UNVERIFIED, T0));
    assert_false(repair(&limits, "b", FL_AUTO_UNVERIFIED, T0 + HOUR / 2));
    assert_false(repair(&limits, "c", FL_AUTO_UNVERIFIED, T0 + HOUR));
    assert_true(repair(&limits, "d", FL_AUTO_UNVERIFIED, T0 + HOUR + 1));
}

static void resumed_it_takes_three_more(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_UNVERIFIED, T0);
    repair(&limits, "b", FL_AUTO_UNVERIFIED, T0);
    assert_true(repair(&limits, "c", FL_AUTO_UNVERIFIED, T0));
    fl_auto_resume(&limits);
    assert_int_equal(may(&limits, "d", MANY, T0), FL_AUTO_GO);
    assert_int_equal(may(&limits, "a", MANY, T0), FL_AUTO_HELD);
    assert_int_equal(may(&limits, "d", 3, T0), FL_AUTO_FULL);
    assert_false(repair(&limits, "d", FL_AUTO_UNVERIFIED, T0));
    assert_false(repair(&limits, "e", FL_AUTO_UNVERIFIED, T0));
    assert_true(repair(&limits, "f", FL_AUTO_UNVERIFIED, T0));
}

static void a_clock_that_was_set_back_holds_nobody_for_ever(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;
    int64_t back_ms = T0 - 1000 * HOUR, until_ms;

    (void)state;
    fl_auto_limits_init(&limits);
    repair(&limits, "a", FL_AUTO_UNVERIFIED, T0);
    repair(&limits, "b", FL_AUTO_UNVERIFIED, T0);
    repair(&limits, "c", FL_AUTO_UNVERIFIED, T0);
    fl_auto_age(&limits, back_ms);
    assert_int_equal(fl_auto_may(&limits, "d", MANY, back_ms, &until_ms), FL_AUTO_STOPPED);
    assert_int_equal(until_ms, back_ms + HOUR);
    assert_int_equal(held_until(&limits, "a"), back_ms + 24 * HOUR);
    fl_auto_age(&limits, back_ms + HOUR);
    assert_int_equal(may(&limits, "d", 1, back_ms + HOUR), FL_AUTO_GO);
}

static void what_was_interrupted_is_trouble(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;

    (void)state;
    fl_auto_limits_init(&limits);
    assert_false(fl_auto_interrupted(&limits, T0));
    fl_auto_begin(&limits, "a", "a", T0);
    assert_true(fl_auto_interrupted(&limits, T0 + 1000));
    assert_int_equal(held_until(&limits, "a"), T0 + 1000 + 5 * 60000);
    assert_int_equal(may(&limits, "b", 1, T0 + 1000), FL_AUTO_FULL);
    assert_false(fl_auto_interrupted(&limits, T0 + 2000));
}

static void its_size_has_a_limit(void **state)
{
    _cleanup_limits struct fl_auto_limits limits;
    char name[16];

    (void)state;
    fl_auto_limits_init(&limits);
    for (unsigned int i = 0; i < FL_LIMIT_AUTO_HOLDS + 100; i++) {
        snprintf(name, sizeof name, "vm%u", i);
        repair(&limits, name, FL_AUTO_REFUSED, T0 + i);
    }
    assert_int_equal(limits.n_attempts, FL_LIMIT_AUTO_ATTEMPTS);
    assert_int_equal(limits.n_holds, FL_LIMIT_AUTO_HOLDS);
    assert_null(fl_auto_held(&limits, "vm99"));
    assert_non_null(fl_auto_held(&limits, "vm100"));
}

/* ---- On disk ---- */

static void fill(struct fl_auto_limits *limits)
{
    fl_auto_limits_init(limits);
    repair(limits, "a", FL_AUTO_UNVERIFIED, T0);
    repair(limits, "b", FL_AUTO_UNVERIFIED, T0 + 1);
    repair(limits, "c", FL_AUTO_UNVERIFIED, T0 + 2);
    repair(limits, "d", FL_AUTO_DONE, T0 + 3);
    repair(limits, "r", FL_AUTO_REOFFERED, T0 + 3);
    fl_auto_begin(limits, "e", "name of e", T0 + 4);
}

static void limits_survive_the_disk(void **state)
{
    struct temporary *t = *state;
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_limits struct fl_auto_limits written, read;
    _cleanup_json json_t *a = NULL, *b = NULL;

    fill(&written);
    assert_int_equal(fl_auto_load(t->root, &read, &err), 0);
    assert_int_equal(read.n_attempts, 0);
    assert_int_equal(fl_auto_save(t->root, &written, &err), 0);
    assert_int_equal(fl_auto_load(t->root, &read, &err), 0);
    a = fl_auto_to_json(&written);
    b = fl_auto_to_json(&read);
    assert_true(json_equal(a, b));
    assert_int_equal(read.stopped_ms, T0 + 2);
    assert_string_equal(read.attempts[5].vm_name, "name of e");
    assert_int_equal(may(&read, "z", MANY, T0 + 5), FL_AUTO_STOPPED);
}

static void refused(struct temporary *t, const char *text, size_t n, const char *part)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_auto_limits limits;
    char *path = temporary_path(t, "var/lib/flowlift/auto.json");
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fwrite(text, 1, n, file);
    fclose(file);
    assert_true(fl_auto_load(t->root, &limits, &err) < 0);
    assert_int_equal(limits.n_attempts + limits.n_holds, 0);
    if (!strstr(err.text, part) || !strstr(err.text, "auto.json"))
        fail_msg("\"%s\" has no \"%s\"", err.text, part);
    free(path);
}

/* Whatever is changed of it. */
static void a_damaged_file_is_none(void **state)
{
    static const struct {
        const char *pointer[3]; /* keys; "0" is the first of an array */
        const char *value;      /* JSON; NULL: the key is gone */
        const char *part;
    } changes[] = {
        { { "schema" }, "\"flowlift/auto/2\"", "schema" },
        { { "attempts" }, NULL, "attempts" },
        { { "attempts" }, "null", "attempts" },
        { { "attempts" }, "{}", "attempts" },
        { { "attempts", "0" }, "[]", "attempts[0]" },
        { { "attempts", "0", "vm_id" }, NULL, "attempts[0].vm_id" },
        { { "attempts", "0", "vm" }, "7", "attempts[0].vm" },
        { { "attempts", "0", "began" }, "\"soon\"", "attempts[0].began" },
        { { "attempts", "0", "began" }, "\"1960-01-01T00:00:00Z\"", "attempts[0].began" },
        { { "attempts", "0", "end" }, "\"well\"", "attempts[0].end" },
        { { "holds" }, NULL, "holds" },
        { { "holds", "0", "failed" }, "-1", "holds[0].failed" },
        { { "holds", "0", "failed" }, NULL, "holds[0].failed" },
        { { "holds", "0", "failed" }, "1e300", "holds[0].failed" },
        { { "holds", "0", "until" }, "null", "holds[0].until" },
        { { "holds", "0", "reason" }, "[]", "holds[0].reason" },
        { { "stopped" }, "null", "stopped" },
        { { "stop_reason" }, "null", "stop_reason" },
        { { "stop_reason" }, "1", "stop_reason" },
    };
    struct temporary *t = *state;
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_limits struct fl_auto_limits limits;

    fill(&limits);
    assert_int_equal(fl_auto_save(t->root, &limits, &err), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        _cleanup_json json_t *json = fl_auto_to_json(&limits);
        _cleanup_free char *text = NULL;
        json_t *at = json;
        size_t j = 0;

        for (; j < 2 && changes[i].pointer[j + 1]; j++) {
            at = json_is_array(at) ? json_array_get(at, 0)
                                   : json_object_get(at, changes[i].pointer[j]);
        }
        if (json_is_array(at))
            json_array_set_new(at, 0, json_loads(changes[i].value, JSON_DECODE_ANY, NULL));
        else if (!changes[i].value)
            json_object_del(at, changes[i].pointer[j]);
        else
            json_object_set_new(at, changes[i].pointer[j],
                                json_loads(changes[i].value, JSON_DECODE_ANY, NULL));
        text = json_dumps(json, 0);
        refused(t, text, strlen(text), changes[i].part);
    }
}

/* Of every length but the whole. */
static void a_file_that_was_cut_off_is_none(void **state)
{
    struct temporary *t = *state;
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_limits struct fl_auto_limits limits;
    _cleanup_json json_t *json = NULL;
    _cleanup_free char *text = NULL;

    fill(&limits);
    assert_int_equal(fl_auto_save(t->root, &limits, &err), 0);
    json = fl_auto_to_json(&limits);
    text = json_dumps(json, 0);
    for (size_t n = 0; n < strlen(text); n++)
        refused(t, text, n, "auto.json");
}

static void a_link_is_none(void **state)
{
    struct temporary *t = *state;
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_limits struct fl_auto_limits limits, read;
    char *path = temporary_path(t, "var/lib/flowlift/auto.json");

    fill(&limits);
    assert_int_equal(fl_auto_save(t->root, &limits, &err), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_true(fl_auto_load(t->root, &read, &err) < 0);
    fl_error_clear(&err);
    assert_true(fl_auto_save(t->root, &limits, &err) < 0);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_vm_that_is_stranded_alone_is_wanted),
        cmocka_unit_test(no_more_than_so_many_begin_in_an_hour),
        cmocka_unit_test(one_that_is_under_way_counts_and_a_needless_one_does_not),
        cmocka_unit_test(what_was_offered_again_counts_as_done_and_is_known_for_an_hour),
        cmocka_unit_test(a_failed_one_is_left_alone_longer_each_time),
        cmocka_unit_test(trouble_is_tried_again_sooner),
        cmocka_unit_test(a_failure_of_two_days_ago_is_forgotten),
        cmocka_unit_test(three_vms_that_fail_verification_stop_all),
        cmocka_unit_test(three_over_more_than_an_hour_do_not),
        cmocka_unit_test(resumed_it_takes_three_more),
        cmocka_unit_test(a_clock_that_was_set_back_holds_nobody_for_ever),
        cmocka_unit_test(what_was_interrupted_is_trouble),
        cmocka_unit_test(its_size_has_a_limit),
        cmocka_unit_test_setup_teardown(limits_survive_the_disk, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_none, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_off_is_none, temporary_setup,
                                        temporary_teardown),
        cmocka_unit_test_setup_teardown(a_link_is_none, temporary_setup, temporary_teardown),
    };

    return cmocka_run_group_tests_name("auto", tests, NULL, NULL);
}
