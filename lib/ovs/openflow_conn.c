/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: vconn with deadlines. libopenvswitch's own vconn_transact() and vconn_dump_flows()
 * wait without end for a switch that hangs, so the waiting is done here. After a failure the
 * connection is closed, since what comes next on it would be the answer to an older question; the
 * next call opens another.
 */
#include "lib/ovs/openflow_conn.h"

#include <errno.h>
#include <openvswitch/ofp-errors.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofp-util.h>
#include <openvswitch/poll-loop.h>
#include <openvswitch/vconn.h>
#include <ovs/socket-util.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"
#include "lib/ovs/socket.h"

#define SERVER "ovs-vswitchd"
/* To connect, when the switch hangs up. */
#define ATTEMPTS 3

struct fl_openflow {
    struct vconn *vconn; /* NULL: closed */
    char *bridge;
    char *path;
    int timeout_ms;
};

/* The one place that turns vconn's conventions into ours. */
int fl_openflow_explain(const char *bridge, const char *path, int vconn_error, struct fl_error *err)
{
    int code = vconn_error == EOF || vconn_error == EPIPE ? -EPIPE : -vconn_error;

    if (code == -ENOENT) {
        return fl_error_set(err, code,
                            "bridge %s has no management socket %s; is there such a bridge, and is "
                            "ovs-vswitchd running?",
                            bridge, path);
    }
    if (code == -EPROTO || code == -EBADMSG) {
        return fl_error_set(
            err, -EPROTO,
            "bridge %s does not speak OpenFlow 1.4, which has atomic bundles; allow "
            "it: ovs-vsctl add bridge %s protocols OpenFlow14",
            bridge, bridge);
    }
    return fl_socket_explain(path, SERVER, code, err);
}

/* Closes the connection. */
static int fail(struct fl_openflow *of, int vconn_error, struct fl_error *err)
{
    vconn_close(of->vconn);
    of->vconn = NULL;
    return fl_openflow_explain(of->bridge, of->path, vconn_error, err);
}

static bool has_hung_up(int vconn_error)
{
    return vconn_error == EPIPE || vconn_error == EOF || vconn_error == ECONNRESET;
}

/*
 * A switch hangs up when it has no version in common, often before its reason is read; but also when it has
 * waited a second for our hello (OVS's rconn, S_CONNECTING), as on a host too busy to let us run.
 */
static int connect_bridge(struct fl_openflow *of, struct fl_error *err)
{
    char *name;
    int error = EPIPE;

    if (of->vconn) {
        return 0;
    }
    fl_socket_hush();
    name = xasprintf("unix:%s", of->path);
    for (int i = 0; i < ATTEMPTS && has_hung_up(error); i++) {
        error = vconn_open_block(name, 1u << FL_OPENFLOW_VERSION, DSCP_DEFAULT, of->timeout_ms,
                                 &of->vconn);
    }
    free(name);
    if (has_hung_up(error)) {
        return fl_error_set(err, -EPROTO,
                            "bridge %s does not speak OpenFlow 1.4, which has atomic bundles, or "
                            "this host is too busy to answer OVS within a second; if it is the "
                            "former: ovs-vsctl add bridge %s protocols OpenFlow14",
                            of->bridge, of->bridge);
    }
    return error ? fail(of, error, err) : 0;
}

int fl_openflow_check_bridge(const char *bridge, struct fl_error *err)
{
    if (!bridge[0] || strchr(bridge, '/') || strlen(bridge) > FL_LIMIT_NAME_BYTES) {
        return fl_error_set(err, -EINVAL, "\"%.64s\" is no name of a bridge", bridge);
    }
    return 0;
}

int fl_openflow_open(const char *bridge, int timeout_ms, struct fl_openflow **ofp,
                     struct fl_error *err)
{
    struct fl_openflow *of;
    int error = fl_openflow_check_bridge(bridge, err);

    if (error) {
        return error;
    }
    of = xzalloc(sizeof *of);
    of->bridge = xstrdup(bridge);
    of->path = xasprintf("%s/%s.mgmt", fl_socket_rundir(), bridge);
    of->timeout_ms = timeout_ms;
    error = connect_bridge(of, err);
    if (error) {
        fl_openflow_close(of);
        return error;
    }
    *ofp = of;
    return 0;
}

void fl_openflow_close(struct fl_openflow *of)
{
    if (!of) {
        return;
    }
    vconn_close(of->vconn);
    free(of->bridge);
    free(of->path);
    free(of);
}

const char *fl_openflow_bridge(const struct fl_openflow *of)
{
    return of->bridge;
}

/* Waits for what @wait says. Return: false when the deadline has passed. */
static bool wait_until(struct vconn *vconn, enum vconn_wait_type wait, long long deadline_ms)
{
    if (time_msec() >= deadline_ms) {
        return false;
    }
    vconn_run(vconn);
    vconn_run_wait(vconn);
    vconn_wait(vconn, wait);
    poll_timer_wait_until(deadline_ms);
    poll_block();
    return true;
}

int fl_openflow_send(struct fl_openflow *of, struct ofpbuf *msg, struct fl_error *err)
{
    long long deadline_ms = time_msec() + of->timeout_ms;
    int error = connect_bridge(of, err);

    if (error) {
        ofpbuf_delete(msg);
        return error;
    }
    while ((error = vconn_send(of->vconn, msg)) == EAGAIN) {
        if (!wait_until(of->vconn, WAIT_SEND, deadline_ms)) {
            error = ETIMEDOUT;
            break;
        }
    }
    if (error) {
        ofpbuf_delete(msg);
    }
    return error ? fail(of, error, err) : 0;
}

static int receive_any(struct fl_openflow *of, struct ofpbuf **msg, struct fl_error *err)
{
    long long deadline_ms = time_msec() + of->timeout_ms;
    int error;

    if (!of->vconn) {
        return fail(of, EPIPE, err);
    }
    while ((error = vconn_recv(of->vconn, msg)) == EAGAIN) {
        if (!wait_until(of->vconn, WAIT_RECV, deadline_ms)) {
            error = ETIMEDOUT;
            break;
        }
    }
    return error ? fail(of, error, err) : 0;
}

int fl_openflow_receive(struct fl_openflow *of, struct ofpbuf **msgp, struct fl_error *err)
{
    for (;;) {
        struct ofpbuf *msg;
        enum ofptype type;
        int error = receive_any(of, &msg, err);

        if (error) {
            return error;
        }
        if (ofptype_decode(&type, msg->data) || type != OFPTYPE_ECHO_REQUEST) {
            *msgp = msg;
            return 0;
        }
        error = fl_openflow_send(of, ofputil_encode_echo_reply(msg->data), err);
        ofpbuf_delete(msg);
        if (error) {
            return error;
        }
    }
}

int fl_openflow_refused(const struct fl_openflow *of, const struct ofpbuf *msg, const char *request,
                        struct fl_error *err)
{
    enum ofperr reason = ofperr_decode_msg(msg->data, NULL);

    return fl_error_set(err, -EINVAL, "bridge %s refused %s: %s", of->bridge, request,
                        reason ? ofperr_to_string(reason) : "an error that OVS does not know");
}

/* One message of the reply. Return: 0 more will come, 1 it was the last, negative errno. */
static int handle_part(struct fl_openflow *of, struct ofpbuf *msg, const char *what,
                       int (*each)(struct ofpbuf *reply, void *aux), void *aux,
                       struct fl_error *err)
{
    bool more;
    enum ofptype type;
    int error;

    if (ofptype_decode(&type, msg->data)) {
        return fl_error_set(err, -EPROTO, "bridge %s sent a message that cannot be decoded",
                            of->bridge);
    }
    if (type == OFPTYPE_ERROR) {
        return fl_openflow_refused(of, msg, what, err);
    }
    more = ofpmp_more(msg->data);
    error = each(msg, aux);
    return error ? error : !more;
}

int fl_openflow_multipart(struct fl_openflow *of, struct ofpbuf *request, const char *what,
                          int (*each)(struct ofpbuf *reply, void *aux), void *aux,
                          struct fl_error *err)
{
    ovs_be32 xid = ((const struct ofp_header *)request->data)->xid;
    int error = fl_openflow_send(of, request, err);

    while (!error) {
        struct ofpbuf *msg;

        error = fl_openflow_receive(of, &msg, err);
        if (error) {
            return error;
        }
        if (((const struct ofp_header *)msg->data)->xid == xid) {
            error = handle_part(of, msg, what, each, aux, err);
        }
        ofpbuf_delete(msg);
    }
    if (error < 0) { /* the rest of the reply may still be on its way */
        vconn_close(of->vconn);
        of->vconn = NULL;
        return error;
    }
    return 0;
}

struct flow_visitor {
    fl_openflow_each *each;
    void *aux;
    const char *bridge;
    struct ofpbuf ofpacts;
    struct fl_error *err;
};

static int visit_flows(struct ofpbuf *reply, void *visitor_)
{
    struct flow_visitor *visitor = visitor_;

    for (;;) {
        struct ofputil_flow_stats flow;
        int error = ofputil_decode_flow_stats_reply(&flow, reply, false, &visitor->ofpacts);

        if (error == EOF) {
            return 0;
        }
        if (error) {
            return fl_error_set(visitor->err, -EPROTO,
                                "bridge %s sent a flow that cannot be decoded", visitor->bridge);
        }
        error = visitor->each(&flow, visitor->aux);
        if (error) {
            return error;
        }
    }
}

int fl_openflow_each_flow(struct fl_openflow *of, uint64_t cookie, uint64_t cookie_mask,
                          uint8_t table, fl_openflow_each *each, void *aux, struct fl_error *err)
{
    struct flow_visitor visitor = { .each = each, .aux = aux, .bridge = of->bridge, .err = err };
    struct ofputil_flow_stats_request request = {
        .match = MATCH_CATCHALL_INITIALIZER,
        .cookie = htonll(cookie & cookie_mask),
        .cookie_mask = htonll(cookie_mask),
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = table,
    };
    int error;

    ofpbuf_init(&visitor.ofpacts, 0);
    error = fl_openflow_multipart(of,
                                  ofputil_encode_flow_stats_request(&request, FL_OPENFLOW_PROTOCOL),
                                  "to list its flows", visit_flows, &visitor, err);
    ofpbuf_uninit(&visitor.ofpacts);
    return error;
}
