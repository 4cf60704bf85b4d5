/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/human.h"

static void counts_are_exact_below_ten_thousand(void **state)
{
    char buf[FL_HUMAN_BYTES];

    (void)state;
    assert_string_equal(fl_human_count(0, buf), "0");
    assert_string_equal(fl_human_count(999, buf), "999");
    assert_string_equal(fl_human_count(9999, buf), "9999");
    assert_string_equal(fl_human_count(10000, buf), "10.0k");
    assert_string_equal(fl_human_count(99949, buf), "99.9k");
    assert_string_equal(fl_human_count(99951, buf), "100k");
    assert_string_equal(fl_human_count(999499, buf), "999k");
    assert_string_equal(fl_human_count(999500, buf), "1.00M");
    assert_string_equal(fl_human_count(1234567890, buf), "1.23G");
    assert_string_equal(fl_human_count(UINT64_MAX, buf), "18.4E");
}

static void bytes_have_three_digits_and_a_unit_of_a_thousand(void **state)
{
    char buf[FL_HUMAN_BYTES];

    (void)state;
    assert_string_equal(fl_human_bytes(0, buf), "0 B");
    assert_string_equal(fl_human_bytes(512, buf), "512 B");
    assert_string_equal(fl_human_bytes(999, buf), "999 B");
    assert_string_equal(fl_human_bytes(1000, buf), "1.00 kB");
    assert_string_equal(fl_human_bytes(1500, buf), "1.50 kB");
    assert_string_equal(fl_human_bytes(118000000, buf), "118 MB");
    assert_string_equal(fl_human_bytes(UINT64_MAX, buf), "18.4 EB");
}

static void rates_are_a_second(void **state)
{
    char buf[FL_HUMAN_BYTES];

    (void)state;
    assert_string_equal(fl_human_rate(0, 5000, buf), "0");
    assert_string_equal(fl_human_rate(1, 5000, buf), "0.2");
    assert_string_equal(fl_human_rate(1, 3600000, buf), "<0.1");
    assert_string_equal(fl_human_rate(49, 5000, buf), "9.8");
    assert_string_equal(fl_human_rate(50, 5000, buf), "10");
    assert_string_equal(fl_human_rate(61728, 5000, buf), "12.3k");
    assert_string_equal(fl_human_rate(7, 0, buf), "7");
    assert_string_equal(fl_human_byte_rate(590000000, 5000, buf), "118 MB");
    assert_string_equal(fl_human_byte_rate(0, 5000, buf), "0 B");
    assert_string_equal(fl_human_byte_rate(590000000, 0, buf), "590 MB");
}

static void a_share_is_all_or_nothing_only_when_it_is(void **state)
{
    char buf[FL_HUMAN_BYTES];

    (void)state;
    assert_string_equal(fl_human_share(1, buf), "100");
    assert_string_equal(fl_human_share(0.999999, buf), "99.9");
    assert_string_equal(fl_human_share(0.9, buf), "90.0");
    assert_string_equal(fl_human_share(0.123, buf), "12.3");
    assert_string_equal(fl_human_share(0.001, buf), "0.1");
    assert_string_equal(fl_human_share(0.0000001, buf), "<0.1");
    assert_string_equal(fl_human_share(0, buf), "0");
    assert_string_equal(fl_human_share(-1, buf), "-");
    assert_string_equal(fl_human_share(NAN, buf), "-");
}

static void durations_have_one_unit(void **state)
{
    char buf[FL_HUMAN_BYTES];

    (void)state;
    assert_string_equal(fl_human_duration(0, buf), "0 ms");
    assert_string_equal(fl_human_duration(350, buf), "350 ms");
    assert_string_equal(fl_human_duration(5000, buf), "5 s");
    assert_string_equal(fl_human_duration(2500, buf), "2.5 s");
    assert_string_equal(fl_human_duration(59999, buf), "59 s");
    assert_string_equal(fl_human_duration(600000, buf), "10 min");
    assert_string_equal(fl_human_duration(7200000, buf), "2 h");
    assert_string_equal(fl_human_duration(INT64_C(345600000), buf), "4 d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact_below_ten_thousand),
        cmocka_unit_test(bytes_have_three_digits_and_a_unit_of_a_thousand),
        cmocka_unit_test(rates_are_a_second),
        cmocka_unit_test(a_share_is_all_or_nothing_only_when_it_is),
        cmocka_unit_test(durations_have_one_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
