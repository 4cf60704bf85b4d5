/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: rconn, which connects again by itself. Once connected, all is asked for at once, and the
 * answer to the barrier behind it says that every change from here on is reported:
 *
 *     -> SET_ASYNC, GET_CONFIG, FLOW_MONITOR       <- GET_CONFIG reply
 *     -> SET_CONFIG, BARRIER                       <- BARRIER reply
 */
#include "lib/ovs/monitor.h"

#include <errno.h>
#include <openvswitch/ofp-connection.h>
#include <openvswitch/ofp-errors.h>
#include <openvswitch/ofp-monitor.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofp-switch.h>
#include <openvswitch/ofp-util.h>
#include <openvswitch/poll-loop.h>
#include <openvswitch/rconn.h>
#include <ovs/socket-util.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/ovs/monitor_message.h"
#include "lib/ovs/openflow_conn.h"
#include "lib/ovs/socket.h"

/* Seconds between attempts to connect. */
#define RETRY_S 1
/* Read in one run, and the rest after the other work of the caller's loop. */
#define READ_BYTES (256u * 1024)
/* When all was read, more comes together before it is read. */
#define NAP_MS     10
#define MONITOR_ID 1

enum state {
    OFFLINE,
    ASKED, /* to be told of changes */
    LIVE,
};

struct fl_monitor {
    struct rconn *rconn;
    char *bridge;
    char *path;
    enum state state;
    unsigned int seqno;        /* rconn's, of the connection that was subscribed on */
    long long disconnected_ms; /* rconn's, of the last time that a subscribed connection was lost */
    ovs_be32 barrier;          /* that ends ASKED */
    long long read_again_ms;
    struct ovs_list scopes; /* struct fl_monitor_scope */
    struct fl_monitor_counts counts;
    struct fl_error refusal; /* of the latest subscription; code 0: none */
};

int fl_monitor_open(const char *bridge, struct fl_monitor **monitorp, struct fl_error *err)
{
    _cleanup_free char *target = NULL;
    struct fl_monitor *monitor;
    int error = fl_openflow_check_bridge(bridge, err);

    if (error) {
        return error;
    }
    fl_socket_hush();
    monitor = xzalloc(sizeof *monitor);
    monitor->bridge = xstrdup(bridge);
    monitor->path = xasprintf("%s/%s.mgmt", fl_socket_rundir(), bridge);
    monitor->disconnected_ms = LLONG_MIN;
    ovs_list_init(&monitor->scopes);
    monitor->rconn = rconn_create(0, RETRY_S, DSCP_DEFAULT, 1u << FL_OPENFLOW_VERSION);
    target = xasprintf("unix:%s", monitor->path);
    rconn_connect(monitor->rconn, target, bridge);
    *monitorp = monitor;
    return 0;
}

void fl_monitor_close(struct fl_monitor *monitor)
{
    struct fl_monitor_scope *entry;

    if (!monitor) {
        return;
    }
    LIST_FOR_EACH_POP(entry, node, &monitor->scopes) {
        fl_scope_free(entry->scope);
        free(entry);
    }
    rconn_destroy(monitor->rconn);
    free(monitor->bridge);
    free(monitor->path);
    free(monitor);
}

struct fl_remedy_scope *fl_monitor_watch(struct fl_monitor *monitor, uint64_t cookie)
{
    struct fl_monitor_scope *entry = xmalloc(sizeof *entry);

    entry->scope = fl_scope_new(cookie);
    ovs_list_push_back(&monitor->scopes, &entry->node);
    return entry->scope;
}

void fl_monitor_forget(struct fl_monitor *monitor, struct fl_remedy_scope *scope)
{
    struct fl_monitor_scope *entry;

    LIST_FOR_EACH_SAFE(entry, node, &monitor->scopes) {
        if (entry->scope == scope) {
            ovs_list_remove(&entry->node);
            fl_scope_free(scope);
            free(entry);
        }
    }
}

/* On failure the connection is gone, which follow_connection() sees. */
static void post(struct fl_monitor *monitor, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    rconn_send(monitor->rconn, msg, NULL);
}

static struct ofpbuf *encode_async(void)
{
    struct ofputil_async_cfg async = OFPUTIL_ASYNC_CFG_INIT;

    async.primary[OAM_PORT_STATUS] = 1u << OFPPR_ADD | 1u << OFPPR_DELETE | 1u << OFPPR_MODIFY;
    async.primary[OAM_REQUESTFORWARD] = 1u << OFPRFR_GROUP_MOD | 1u << OFPRFR_METER_MOD;
    return ofputil_encode_set_async_config(&async, (1u << OAM_N_TYPES) - 1, FL_OPENFLOW_VERSION);
}

/*
 * All tables and matches: OVS's own filter lets through flows whose match is within the one given, and a
 * wider one, "drop all TCP", would pass unseen. Not OFPFMF_ONLY_OWN, which OVS 3.1 takes for "own ones in
 * full", as the specification does not.
 */
static struct ofpbuf *encode_flow_monitor(void)
{
    struct ofputil_flow_monitor_request request = {
        .id = MONITOR_ID,
        .command = OFPFMC_ADD,
        .flags = OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY | OFPFMF_INSTRUCTIONS,
        .out_port = OFPP_NONE,
        .out_group = OFPG_ANY,
        .table_id = OFPTT_ALL,
        .match = MATCH_CATCHALL_INITIALIZER,
    };
    struct ofpbuf *msg = ofpbuf_new(0);

    ofputil_append_flow_monitor_request(&request, msg, FL_OPENFLOW_PROTOCOL);
    return msg;
}

static void subscribe(struct fl_monitor *monitor)
{
    monitor->state = ASKED;
    monitor->barrier = 0;
    monitor->seqno = rconn_get_connection_seqno(monitor->rconn);
    post(monitor, encode_async());
    post(monitor, ofpraw_alloc(OFPRAW_OFPT_GET_CONFIG_REQUEST, FL_OPENFLOW_VERSION, 0));
    post(monitor, encode_flow_monitor());
}

/* What makes groups and ports be reported, all else as it is. */
static void set_config(struct fl_monitor *monitor, const struct ofpbuf *reply)
{
    struct ofputil_switch_config config;
    struct ofpbuf *barrier = ofputil_encode_barrier_request(FL_OPENFLOW_VERSION);

    ofputil_decode_get_config_reply(reply->data, &config);
    config.miss_send_len = OFP_DEFAULT_MISS_SEND_LEN;
    post(monitor, ofputil_encode_set_config(&config, FL_OPENFLOW_VERSION));
    monitor->barrier = ((const struct ofp_header *)barrier->data)->xid;
    post(monitor, barrier);
}

static void take_error(struct fl_monitor *monitor, const struct ofpbuf *msg)
{
    if (monitor->state == ASKED) {
        enum ofperr reason = ofperr_decode_msg(msg->data, NULL);

        monitor->refusal = (struct fl_error)FL_ERROR_INIT;
        fl_error_set(&monitor->refusal, -EINVAL,
                     "bridge %s does not let its changes be watched: %s", monitor->bridge,
                     reason ? ofperr_to_string(reason) : "an error that OVS does not know");
        rconn_reconnect(monitor->rconn);
    }
}

static void go_live(struct fl_monitor *monitor)
{
    monitor->state = LIVE;
    monitor->refusal = (struct fl_error)FL_ERROR_INIT;
    monitor->counts.n_connected++;
    fl_monitor_note(&monitor->scopes, FL_CHANGED_UNSEEN, "the bridge is watched from now on");
}

static void take_message(struct fl_monitor *monitor, struct ofpbuf *msg)
{
    enum ofptype type;

    monitor->counts.n_messages++;
    if (ofptype_decode(&type, msg->data)) {
        fl_monitor_note(&monitor->scopes, FL_CHANGED_UNSEEN, "a message could not be decoded");
        return;
    }
    switch ((int)type) {
    case OFPTYPE_ECHO_REQUEST: post(monitor, ofputil_encode_echo_reply(msg->data)); break;
    case OFPTYPE_GET_CONFIG_REPLY: set_config(monitor, msg); break;
    case OFPTYPE_ERROR: take_error(monitor, msg); break;
    case OFPTYPE_BARRIER_REPLY:
        if (monitor->state == ASKED &&
            ((const struct ofp_header *)msg->data)->xid == monitor->barrier) {
            go_live(monitor);
        }
        break;
    default: fl_monitor_message(type, msg, &monitor->scopes, &monitor->counts); break;
    }
}

static void follow_connection(struct fl_monitor *monitor)
{
    bool connected = rconn_is_connected(monitor->rconn);

    if (monitor->state != OFFLINE &&
        (!connected || monitor->seqno != rconn_get_connection_seqno(monitor->rconn))) {
        monitor->state = OFFLINE;
        monitor->disconnected_ms = rconn_get_last_disconnect(monitor->rconn);
        fl_monitor_note(&monitor->scopes, FL_CHANGED_UNSEEN, "the connection to OVS was lost");
    }
    if (monitor->state == OFFLINE && connected) {
        subscribe(monitor);
    }
}

static void read_messages(struct fl_monitor *monitor)
{
    size_t n_bytes = 0;

    while (n_bytes < READ_BYTES) {
        struct ofpbuf *msg = rconn_recv(monitor->rconn);

        if (!msg) {
            if (n_bytes && monitor->state == LIVE) {
                monitor->read_again_ms = time_msec() + NAP_MS;
            }
            return;
        }
        n_bytes += msg->size;
        take_message(monitor, msg);
        ofpbuf_delete(msg);
    }
}

void fl_monitor_run(struct fl_monitor *monitor)
{
    rconn_run(monitor->rconn);
    follow_connection(monitor);
    if (monitor->state != OFFLINE && time_msec() >= monitor->read_again_ms) {
        read_messages(monitor);
        follow_connection(monitor);
    }
}

void fl_monitor_wait(struct fl_monitor *monitor)
{
    rconn_run_wait(monitor->rconn);
    if (time_msec() < monitor->read_again_ms) {
        poll_timer_wait_until(monitor->read_again_ms);
    } else {
        rconn_recv_wait(monitor->rconn);
    }
}

int fl_monitor_status(const struct fl_monitor *monitor, struct fl_error *err)
{
    int code = rconn_get_last_error(monitor->rconn);

    if (monitor->state == LIVE) {
        return 0;
    }
    if (monitor->refusal.code) {
        return fl_error_set(err, monitor->refusal.code, "%s", monitor->refusal.text);
    }
    if (!code) {
        return fl_error_set(err, -EAGAIN, "bridge %s is not watched yet", monitor->bridge);
    }
    /* An attempt that ends so has met a switch with no version in common. */
    if ((code == EPIPE || code == EOF || code == ECONNRESET) &&
        rconn_get_last_disconnect(monitor->rconn) != monitor->disconnected_ms) {
        code = EPROTO;
    }
    return fl_openflow_explain(monitor->bridge, monitor->path, code, err);
}

const struct fl_monitor_counts *fl_monitor_counts(const struct fl_monitor *monitor)
{
    return &monitor->counts;
}
