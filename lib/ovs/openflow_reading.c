/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which port a flow is for is known when it goes by, whether packets change their port only in the end. So the
 * tests of flows for each asked port, for any port and for the other ports are collected apart.
 */
#include "lib/ovs/openflow_reading.h"

#include <errno.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/openflow_conn.h"
#include "lib/ovs/openflow_summary.h"

struct fl_openflow_port_tests {
    ofp_port_t port;
    struct fl_openflow_tests tests;
};

struct visit {
    struct fl_openflow_reading *reading;
    const struct flow *headers; /* or NULL */
    /* By flows that match no port, or not the whole of it; reading->tests has those for others meanwhile. */
    struct fl_openflow_tests of_any_port;
    struct fl_openflow_sum sum;
    struct fl_error *err;
};

static struct fl_openflow_port_tests *find_port(const struct fl_openflow_reading *reading,
                                                ofp_port_t port)
{
    for (size_t i = 0; i < reading->n_ports; i++) {
        if (reading->ports[i].port == port) {
            return &reading->ports[i];
        }
    }
    return NULL;
}

static struct fl_openflow_tests *tests_for(struct visit *visit, const struct match *match)
{
    struct fl_openflow_port_tests *port;

    if (ofp_to_u16(match->wc.masks.in_port.ofp_port) != UINT16_MAX) {
        return &visit->of_any_port;
    }
    port = find_port(visit->reading, match->flow.in_port.ofp_port);
    return port ? &port->tests : &visit->reading->tests;
}

static int visit_flow(const struct ofputil_flow_stats *flow, void *visit_)
{
    struct visit *visit = visit_;
    bool is_ours = ntohll(flow->cookie) >> 48 == FL_COOKIE_PREFIX;

    if (!is_ours) {
        fl_openflow_sum_flow(&visit->sum, flow);
    }
    if (!is_ours && visit->headers) {
        fl_openflow_tests_add(tests_for(visit, &flow->match), visit->headers, &flow->match);
    }
    fl_openflow_use_flow(&visit->reading->usage, flow, is_ours);
    return 0;
}

static int visit_groups(struct ofpbuf *reply, void *visit_)
{
    struct visit *visit = visit_;

    for (;;) {
        struct ofputil_group_desc group;
        int error = ofputil_decode_group_desc_reply(&group, reply, FL_OPENFLOW_VERSION);

        if (error == EOF) {
            return 0;
        }
        if (error) {
            return fl_error_set(visit->err, -EPROTO,
                                "bridge %s sent a group that cannot be decoded",
                                visit->reading->bridge);
        }
        fl_openflow_sum_group(&visit->sum, &group);
        fl_openflow_use_group(&visit->reading->usage, &group);
        ofputil_uninit_group_desc(&group);
    }
}

static int visit_all(struct fl_openflow *of, struct visit *visit, struct fl_error *err)
{
    int error = fl_openflow_each_flow(of, 0, 0, OFPTT_ALL, visit_flow, visit, err);

    return error ? error
                 : fl_openflow_multipart(of,
                                         ofputil_encode_group_desc_request(FL_OPENFLOW_VERSION,
                                                                           OFPG_ALL),
                                         "to list its groups", visit_groups, visit, err);
}

/* Each port gets what flows for any port test, too; reading->tests gets everything. */
static void put_together(struct fl_openflow_reading *reading,
                         const struct fl_openflow_tests *of_any_port)
{
    for (size_t i = 0; i < reading->n_ports; i++) {
        fl_openflow_tests_merge(&reading->tests, &reading->ports[i].tests);
        fl_openflow_tests_merge(&reading->ports[i].tests, of_any_port);
    }
    fl_openflow_tests_merge(&reading->tests, of_any_port);
}

static void init(struct fl_openflow_reading *reading, const char *bridge, const ofp_port_t *ports,
                 size_t n_ports)
{
    *reading = (struct fl_openflow_reading){
        .bridge = xstrdup(bridge),
        .ports = xcalloc(n_ports, sizeof *reading->ports),
        .n_ports = n_ports,
    };
    fl_openflow_tests_init(&reading->tests);
    for (size_t i = 0; i < n_ports; i++) {
        reading->ports[i].port = ports[i];
        fl_openflow_tests_init(&reading->ports[i].tests);
    }
}

int fl_openflow_read(struct fl_openflow *of, const struct flow *headers, const ofp_port_t *ports,
                     size_t n_ports, struct fl_openflow_reading *reading, struct fl_error *err)
{
    struct visit visit = { .reading = reading, .headers = headers, .err = err };
    int error;

    init(reading, fl_openflow_bridge(of), ports, n_ports);
    fl_openflow_tests_init(&visit.of_any_port);
    ofpbuf_init(&visit.sum.wire, 0);
    error = visit_all(of, &visit, err);
    put_together(reading, &visit.of_any_port);
    reading->fingerprint = visit.sum.sum;
    ofpbuf_uninit(&visit.sum.wire);
    fl_openflow_tests_release(&visit.of_any_port);
    if (error) {
        fl_openflow_reading_release(reading);
    }
    return error;
}

void fl_openflow_reading_release(struct fl_openflow_reading *reading)
{
    for (size_t i = 0; i < reading->n_ports; i++) {
        fl_openflow_tests_release(&reading->ports[i].tests);
    }
    free(reading->ports);
    fl_openflow_tests_release(&reading->tests);
    free(reading->bridge);
}

const struct fl_openflow_tests *fl_openflow_tests_of(const struct fl_openflow_reading *reading,
                                                     ofp_port_t in_port)
{
    const struct fl_openflow_port_tests *port = find_port(reading, in_port);

    return port && !reading->usage.moves_port ? &port->tests : &reading->tests;
}
