/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-group.h>
#include <ovs/hash.h>
#include <ovs/util.h>

#include "lib/ovs/openflow_conn.h"

struct sum {
    uint64_t sum;
    struct ofpbuf wire; /* the actions that are added */
    const char *bridge;
    struct fl_error *err;
};

/* The order in which a switch lists them means nothing. */
static void add(struct sum *sum, uint32_t head, const struct ofpact *actions, size_t length)
{
    /* As they are sent: struct ofpact has pointers in it, which are others in each process. */
    ofpbuf_clear(&sum->wire);
    ofpacts_put_openflow_instructions(actions, length, &sum->wire, FL_OPENFLOW_VERSION);
    sum->sum += (uint64_t)head * UINT64_C(0x9e3779b97f4a7c15) +
                hash_bytes(sum->wire.data, sum->wire.size, head);
}

static int add_flow(const struct ofputil_flow_stats *flow, void *sum)
{
    if (ntohll(flow->cookie) >> 48 != FL_COOKIE_PREFIX) {
        add(sum, match_hash(&flow->match, hash_2words(flow->table_id, flow->priority)),
            flow->ofpacts, flow->ofpacts_len);
    }
    return 0;
}

static int add_groups(struct ofpbuf *reply, void *sum_)
{
    struct sum *sum = sum_;

    for (;;) {
        const struct ofputil_bucket *bucket;
        struct ofputil_group_desc group;
        int error = ofputil_decode_group_desc_reply(&group, reply, FL_OPENFLOW_VERSION);

        if (error == EOF) {
            return 0;
        }
        if (error) {
            return fl_error_set(sum->err, -EPROTO, "bridge %s sent a group that cannot be decoded",
                                sum->bridge);
        }
        LIST_FOR_EACH(bucket, list_node, &group.buckets) {
            add(sum,
                hash_2words(hash_2words(group.group_id, group.type),
                            hash_2words(bucket->bucket_id,
                                        hash_2words(bucket->weight, bucket->watch_group))),
                bucket->ofpacts, bucket->ofpacts_len);
        }
        ofputil_uninit_group_desc(&group);
    }
}

int fl_openflow_fingerprint(struct fl_openflow *of, uint64_t *fingerprint, struct fl_error *err)
{
    struct sum sum = { .bridge = fl_openflow_bridge(of), .err = err };
    int error;

    ofpbuf_init(&sum.wire, 0);
    error = fl_openflow_each_flow(of, 0, 0, OFPTT_ALL, add_flow, &sum, err);
    if (!error) {
        error = fl_openflow_multipart(of,
                                      ofputil_encode_group_desc_request(FL_OPENFLOW_VERSION,
                                                                        OFPG_ALL),
                                      "to list its groups", add_groups, &sum, err);
    }
    ofpbuf_uninit(&sum.wire);
    if (!error) {
        *fingerprint = sum.sum;
    }
    return error;
}
