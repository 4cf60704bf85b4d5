/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "lib/ovs/openflow_summary.h"

static void add(struct fl_openflow_tests *tests, uint32_t nw_dst, uint16_t tp_dst)
{
    const struct flow headers = { .nw_dst = OVS_BE32_MAX };
    struct match match = MATCH_CATCHALL_INITIALIZER;

    match_set_dl_type(&match, htons(ETH_TYPE_IP));
    match_set_nw_proto(&match, IPPROTO_TCP);
    match_set_tp_dst(&match, htons(tp_dst));
    if (nw_dst) {
        match_set_nw_dst(&match, htonl(nw_dst));
    }
    fl_openflow_tests_add(tests, &headers, &match);
}

static void what_differs_elsewhere_is_one_test(void **state)
{
    struct fl_openflow_tests tests;

    (void)state;
    fl_openflow_tests_init(&tests);
    add(&tests, 0, 80);
    assert_int_equal(hmap_count(&tests.by_hash), 0);
    add(&tests, 0x0a000001, 80);
    add(&tests, 0x0a000001, 443);
    assert_int_equal(hmap_count(&tests.by_hash), 1);
    add(&tests, 0x0a000002, 80);
    assert_int_equal(hmap_count(&tests.by_hash), 2);
    fl_openflow_tests_release(&tests);
}

static void merged_they_are_there_once(void **state)
{
    struct fl_openflow_tests one, other;

    (void)state;
    fl_openflow_tests_init(&one);
    fl_openflow_tests_init(&other);
    add(&one, 0x0a000001, 80);
    add(&other, 0x0a000001, 80);
    add(&other, 0x0a000002, 80);
    fl_openflow_tests_merge(&one, &other);
    assert_int_equal(hmap_count(&one.by_hash), 2);
    assert_int_equal(hmap_count(&other.by_hash), 2);
    fl_openflow_tests_release(&one);
    fl_openflow_tests_release(&other);
}

/* Whether they are found in one place or come together from two. */
static void more_than_may_be_are_said(void **state)
{
    struct fl_openflow_tests one, other;

    (void)state;
    fl_openflow_tests_init(&one);
    fl_openflow_tests_init(&other);
    for (uint32_t i = 1; i <= FL_OPENFLOW_MAX_TESTS; i++) {
        add(&one, i, 80);
    }
    assert_int_equal(hmap_count(&one.by_hash), FL_OPENFLOW_MAX_TESTS);
    add(&other, FL_OPENFLOW_MAX_TESTS, 80);
    fl_openflow_tests_merge(&one, &other);
    assert_int_equal(hmap_count(&one.by_hash), FL_OPENFLOW_MAX_TESTS);
    for (uint32_t i = 1; i <= 3; i++) {
        add(&other, FL_OPENFLOW_MAX_TESTS + i, 80);
    }
    fl_openflow_tests_merge(&one, &other);
    assert_int_equal(hmap_count(&one.by_hash), FL_OPENFLOW_MAX_TESTS + 1);
    fl_openflow_tests_release(&one);
    fl_openflow_tests_release(&other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_elsewhere_is_one_test),
        cmocka_unit_test(merged_they_are_there_once),
        cmocka_unit_test(more_than_may_be_are_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
