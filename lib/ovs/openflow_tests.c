/* SPDX-License-Identifier: Apache-2.0 */
#include <openvswitch/match.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "lib/ovs/openflow_summary.h"

void fl_openflow_tests_init(struct fl_openflow_tests *tests)
{
    hmap_init(&tests->by_hash);
}

void fl_openflow_tests_release(struct fl_openflow_tests *tests)
{
    struct fl_openflow_test *test;

    HMAP_FOR_EACH_POP(test, node, &tests->by_hash) {
        minimatch_destroy(&test->match);
        free(test);
    }
    hmap_destroy(&tests->by_hash);
}

static void add(struct fl_openflow_tests *tests, const struct minimatch *match)
{
    uint32_t hash = minimatch_hash(match, 0);
    struct fl_openflow_test *test;

    HMAP_FOR_EACH_WITH_HASH(test, node, hash, &tests->by_hash) {
        if (minimatch_equal(&test->match, match)) {
            return;
        }
    }
    /* One more than may be says that there are more. */
    if (hmap_count(&tests->by_hash) <= FL_OPENFLOW_MAX_TESTS) {
        test = xmalloc(sizeof *test);
        minimatch_clone(&test->match, match);
        hmap_insert(&tests->by_hash, &test->node, hash);
    }
}

void fl_openflow_tests_merge(struct fl_openflow_tests *tests, const struct fl_openflow_tests *from)
{
    const struct fl_openflow_test *test;

    HMAP_FOR_EACH(test, node, &from->by_hash) {
        add(tests, &test->match);
    }
}

void fl_openflow_tests_add(struct fl_openflow_tests *tests, const struct flow *headers,
                           const struct match *match)
{
    struct match part = *match;
    uint64_t *mask = (uint64_t *)&part.wc.masks, any = 0;
    struct minimatch small;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        mask[i] &= ((const uint64_t *)headers)[i];
        any |= mask[i];
    }
    if (any) {
        match_zero_wildcarded_fields(&part);
        minimatch_init(&small, &part);
        add(tests, &small);
        minimatch_destroy(&small);
    }
}
