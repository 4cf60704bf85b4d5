/* SPDX-License-Identifier: Apache-2.0 */
/* Until when a remedy stands: what is read, and when it has come. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/until.h"
#include "lib/remedy.h"
#include "tests/unit/remedy_example.h"

/* 2027-01-31T00:00:00Z */
#define DAY_MS INT64_C(1801353600000)

static struct fl_until parse(const char *text)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_until until;

    assert_int_equal(fl_until_parse(text, &until, &err), 0);
    assert_string_equal(err.text, "");
    return until;
}

static void assert_moment(const char *text, int64_t time_ms)
{
    struct fl_until until = parse(text);

    assert_int_equal(until.time_ms, time_ms);
    assert_string_equal(until.version, "");
}

static void dates_are_moments(void **state)
{
    (void)state;
    assert_moment("2027-01-31", DAY_MS);
    assert_moment("2027-01-31T00:00:00Z", DAY_MS);
    assert_moment("2027-01-31T00:00:00.25Z", DAY_MS + 250);
    assert_moment("2027-01-31T12:30:00Z", DAY_MS + 45000000);
    assert_moment("2027-01-31T12:30:00+01:30", DAY_MS + 39600000);
    assert_moment("2027-01-30T23:00:00.5-01:00", DAY_MS + 500);
    assert_moment("2028-02-29", INT64_C(1835395200000));
}

static void versions_are_versions(void **state)
{
    static const char *const texts[] = { "3.3", "3.3.1", "2.17.9", "10.0.0.1" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fl_until until = parse(texts[i]);
        char text[FL_UNTIL_TEXT_BYTES];

        assert_int_equal(until.time_ms, 0);
        assert_string_equal(until.version, texts[i]);
        assert_string_equal(fl_until_format(&until, text), texts[i]);
    }
}

static void all_else_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "3",
        "2027",
        "2027-1-31",
        "2027-01",
        "2027-02-29",
        "2027-13-01",
        "2027-00-01",
        "+027-01-31",
        "2027-01-31T",
        "2027-01-31T12",
        "2027-01-31T12:00Z",
        "2027-01-31T12:00:00",
        "2027-01-31T24:00:00Z",
        "2027-01-31T12:60:00Z",
        "2027-01-31T12:00:60Z",
        "2027-01-31 12:00:00Z",
        "2027-01-31T12:00:00+1:00",
        "2027-01-31T12:00:00+24:00",
        "2027-01-31T12:00:00+01:60",
        "2027-01-31T12:00:00Z+01:00",
        "1969-12-31",
        "tomorrow",
        "v3.3",
        "3.3.",
        ".3.3",
        "3..3",
        "3.3.1-1",
        "3.3.1.1.1",
        "3.3 ",
        "1234567.1",
        "-3.3",
        "2027-01-31T12:00:00.0000000000000000000000000000000000000000000000000000000000000000Z",
        "0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fl_until until = { .time_ms = 7 };
        struct fl_error err = FL_ERROR_INIT;

        if (fl_until_parse(texts[i], &until, &err) != -EINVAL) {
            fail_msg("'%s' was read", texts[i]);
        }
        assert_non_null(strstr(err.text, "such as 2027-01-31"));
        assert_int_equal(until.time_ms, 7);
    }
}

static void a_moment_comes(void **state)
{
    struct fl_until until = parse("2027-01-31");

    (void)state;
    assert_false(fl_until_has_come(&until, DAY_MS - 1, "99.0"));
    assert_true(fl_until_has_come(&until, DAY_MS, NULL));
}

static void a_version_comes_by_its_numbers(void **state)
{
    static const struct {
        const char *wanted, *running;
        bool come;
    } cases[] = {
        { "3.3.1", "3.3.0", false },      { "3.3.1", "3.3.1", true },
        { "3.3.1", "3.3.2", true },       { "3.3.1", "3.10.0", true },
        { "3.10.0", "3.9.9", false },     { "3.3", "3.3.0", true },
        { "3.3.0", "3.3", true },         { "3.3.1", "3.3.1-1ubuntu1", true },
        { "3.3.1", "3.3.0+git2", false }, { "2.17.10", "2.17.9", false },
        { "3.3.1", "", false },           { "3.3.1", "unknown", false },
        { "3.3.1", NULL, false },         { "0.1", "9999999999999999999", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_until until = parse(cases[i].wanted);

        if (fl_until_has_come(&until, INT64_MAX, cases[i].running) != cases[i].come) {
            fail_msg("until %s, %s runs", cases[i].wanted, cases[i].running);
        }
    }
}

static void what_is_not_set_never_comes(void **state)
{
    const struct fl_until until = { .time_ms = 0 };
    char text[FL_UNTIL_TEXT_BYTES];

    (void)state;
    assert_false(fl_until_is_set(&until));
    assert_false(fl_until_has_come(&until, INT64_MAX, "99.9"));
    assert_string_equal(fl_until_format(&until, text), "");
}

static void a_remedy_retires_once(void **state)
{
    struct fl_remedy remedy;
    char *why;

    (void)state;
    remedy_example(&remedy, "3f2b", "web-1");
    assert_false(fl_remedy_is_retired(&remedy, INT64_MAX, "99.9"));
    remedy.until = parse("3.3.1");
    assert_false(fl_remedy_is_retired(&remedy, INT64_MAX, "3.3.0"));
    assert_true(fl_remedy_is_retired(&remedy, 0, "3.4.0"));
    why = fl_remedy_retired_why(&remedy, "3.4.0");
    assert_string_equal(why, "retired: it was to stand until Open vSwitch 3.3.1, and 3.4.0 runs");
    free(why);
    remedy.until = parse("2027-01-31");
    why = fl_remedy_retired_why(&remedy, NULL);
    assert_string_equal(why, "retired: it was to stand until 2027-01-31T00:00:00.000Z");
    free(why);
    remedy.state = FL_REMEDY_REVERTED;
    assert_false(fl_remedy_is_retired(&remedy, INT64_MAX, NULL));
    fl_remedy_destroy(&remedy);
}

static void one_that_would_retire_at_once_is_refused(void **state)
{
    struct fl_until until = parse("2027-01-31");
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    assert_int_equal(fl_remedy_check_until(&until, DAY_MS - 1, NULL, &err), 0);
    assert_int_equal(fl_remedy_check_until(&until, DAY_MS, NULL, &err), -EINVAL);
    assert_string_equal(err.text,
                        "no remedy until 2027-01-31T00:00:00.000Z, since that is over: it "
                        "would retire at once");
    fl_error_clear(&err);
    until = parse("3.1");
    assert_int_equal(fl_remedy_check_until(&until, 0, "3.0.9", &err), 0);
    assert_int_equal(fl_remedy_check_until(&until, 0, NULL, &err), -EINVAL);
    assert_string_equal(err.text,
                        "no remedy until Open vSwitch 3.1, since nobody can tell which one "
                        "runs: OVSDB has no ovs_version");
    fl_error_clear(&err);
    assert_int_equal(fl_remedy_check_until(&until, 0, "3.1.0", &err), -EINVAL);
    assert_string_equal(err.text,
                        "no remedy until Open vSwitch 3.1, since 3.1.0 runs here already: "
                        "it would retire at once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_moments),
        cmocka_unit_test(versions_are_versions),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(a_moment_comes),
        cmocka_unit_test(a_version_comes_by_its_numbers),
        cmocka_unit_test(what_is_not_set_never_comes),
        cmocka_unit_test(a_remedy_retires_once),
        cmocka_unit_test(one_that_would_retire_at_once_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
