/* SPDX-License-Identifier: Apache-2.0 */
#include <openvswitch/ofp-actions.h>
#include <ovs/hash.h>

#include "lib/ovs/openflow_conn.h"
#include "lib/ovs/openflow_summary.h"

/* The order in which a switch lists them means nothing. */
static void add(struct fl_openflow_sum *sum, uint32_t head, const struct ofpact *actions,
                size_t length)
{
    /* As they are sent: struct ofpact has pointers in it, which are others in each process. */
    ofpbuf_clear(&sum->wire);
    ofpacts_put_openflow_instructions(actions, length, &sum->wire, FL_OPENFLOW_VERSION);
    sum->sum += (uint64_t)head * UINT64_C(0x9e3779b97f4a7c15) +
                hash_bytes(sum->wire.data, sum->wire.size, head);
}

void fl_openflow_sum_flow(struct fl_openflow_sum *sum, const struct ofputil_flow_stats *flow)
{
    add(sum, match_hash(&flow->match, hash_2words(flow->table_id, flow->priority)), flow->ofpacts,
        flow->ofpacts_len);
}

void fl_openflow_sum_group(struct fl_openflow_sum *sum, const struct ofputil_group_desc *group)
{
    const struct ofputil_bucket *bucket;

    LIST_FOR_EACH(bucket, list_node, &group->buckets) {
        add(sum,
            hash_2words(hash_2words(group->group_id, group->type),
                        hash_2words(bucket->bucket_id,
                                    hash_2words(bucket->weight, bucket->watch_group))),
            bucket->ofpacts, bucket->ofpacts_len);
    }
}
