/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles (OpenFlow 1.4, section 6.9): open, add each message, commit. The switch answers an add only
 * when it refuses it, and a refused message just stays out of the bundle: so a barrier comes before the
 * commit, and anything refused by then discards the bundle. A bundle that was not committed goes with
 * the connection.
 *
 * Source: OVS 3.1 lib/vconn.c, vconn_bundle_transact(), which does the same but waits without end.
 */
#include <errno.h>
#include <openvswitch/ofp-bundle.h>
#include <openvswitch/ofp-errors.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofp-util.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "lib/ovs/openflow_conn.h"

#define BUNDLE_ID 1 /* one at a time on our connection */

struct bundle {
    struct fl_openflow *of;
    ovs_be32 *xids; /* of the messages in it */
    size_t n;
    size_t failed; /* first one refused, or n */
    bool refused;
    struct fl_error *err;
};

static ovs_be32 xid_of(const struct ofpbuf *msg)
{
    return ((const struct ofp_header *)msg->data)->xid;
}

static void note_error(struct bundle *bundle, const struct ofpbuf *msg)
{
    size_t i = 0;

    while (i < bundle->n && bundle->xids[i] != xid_of(msg)) {
        i++;
    }
    if (!bundle->refused) {
        bundle->failed = i;
    }
    bundle->refused = true;
    fl_openflow_refused(bundle->of, msg, i < bundle->n ? "a rule" : "the bundle", bundle->err);
}

/* Sends @request and takes what comes until its own answer. */
static int exchange(struct bundle *bundle, struct ofpbuf *request)
{
    ovs_be32 xid = xid_of(request);
    bool answered = false;
    int error = fl_openflow_send(bundle->of, request, bundle->err);

    while (!error && !answered) {
        struct ofpbuf *msg;
        enum ofptype type;

        error = fl_openflow_receive(bundle->of, &msg, bundle->err);
        if (error) {
            return error;
        }
        if (!ofptype_decode(&type, msg->data) && type == OFPTYPE_ERROR) {
            note_error(bundle, msg);
        }
        answered = xid_of(msg) == xid;
        ofpbuf_delete(msg);
    }
    return error;
}

static int control(struct bundle *bundle, uint16_t type)
{
    struct ofputil_bundle_ctrl_msg msg = {
        .bundle_id = BUNDLE_ID,
        .type = type,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
    };

    return exchange(bundle, ofputil_encode_bundle_ctrl_request(FL_OPENFLOW_VERSION, &msg));
}

static int add(struct bundle *bundle, const struct ofpbuf *msg)
{
    struct ofputil_bundle_add_msg add_msg = {
        .bundle_id = BUNDLE_ID,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
        .msg = msg->data,
    };

    return fl_openflow_send(bundle->of, ofputil_encode_bundle_add(FL_OPENFLOW_VERSION, &add_msg),
                            bundle->err);
}

static int run(struct bundle *bundle, struct ofpbuf **msgs)
{
    int error = control(bundle, OFPBCT_OPEN_REQUEST);

    if (error || bundle->refused) {
        return error;
    }
    for (size_t i = 0; i < bundle->n && !error; i++) {
        error = add(bundle, msgs[i]);
    }
    if (!error) {
        error = exchange(bundle, ofputil_encode_barrier_request(FL_OPENFLOW_VERSION));
    }
    if (error) {
        return error;
    }
    return control(bundle, bundle->refused ? OFPBCT_DISCARD_REQUEST : OFPBCT_COMMIT_REQUEST);
}

int fl_openflow_bundle(struct fl_openflow *of, struct ofpbuf **msgs, size_t n, size_t *failed,
                       struct fl_error *err)
{
    struct bundle bundle = {
        .of = of, .xids = xcalloc(n, sizeof *bundle.xids), .n = n, .failed = n, .err = err
    };
    int error;

    for (size_t i = 0; i < n; i++) {
        ofpmsg_update_length(msgs[i]);
        bundle.xids[i] = xid_of(msgs[i]);
    }
    error = run(&bundle, msgs);
    for (size_t i = 0; i < n; i++) {
        ofpbuf_delete(msgs[i]);
    }
    free(bundle.xids);
    *failed = bundle.failed;
    if (bundle.refused) {
        return -EINVAL;
    }
    return error;
}
