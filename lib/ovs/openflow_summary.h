/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_OPENFLOW_SUMMARY_H
#define FLOWLIFT_OVS_OPENFLOW_SUMMARY_H

/*
 * What one flow or group adds to a reading (openflow_reading.c goes through them): to the fingerprint, to the
 * usage, to the tests. Not for anybody else.
 */

#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofp-group.h>
#include <openvswitch/ofpbuf.h>

#include "lib/ovs/openflow_reading.h"

/* ---- openflow_fingerprint.c ---- */

struct fl_openflow_sum {
    uint64_t sum;
    struct ofpbuf wire; /* the actions that are added */
};
void fl_openflow_sum_flow(struct fl_openflow_sum *sum, const struct ofputil_flow_stats *flow);
void fl_openflow_sum_group(struct fl_openflow_sum *sum, const struct ofputil_group_desc *group);

/* ---- openflow_usage.c ---- */

void fl_openflow_use_flow(struct fl_openflow_usage *usage, const struct ofputil_flow_stats *flow,
                          bool is_ours);
void fl_openflow_use_group(struct fl_openflow_usage *usage, const struct ofputil_group_desc *group);

/* ---- openflow_tests.c ---- */

void fl_openflow_tests_init(struct fl_openflow_tests *tests);
void fl_openflow_tests_release(struct fl_openflow_tests *tests);
/** fl_openflow_tests_add() - what @match tests of @headers, unless the same was seen before */
void fl_openflow_tests_add(struct fl_openflow_tests *tests, const struct flow *headers,
                           const struct match *match);
/** fl_openflow_tests_merge() - copy those of @from that @tests does not have */
void fl_openflow_tests_merge(struct fl_openflow_tests *tests, const struct fl_openflow_tests *from);

#endif
