/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/match.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/draw.h"
#include "flows/peer.h"
#include "lib/ovs/ctl.h"
#include "lib/ovs/openflow.h"
#include "lib/ovs/trace.h"
#include "lib/packet.h"

/* ---- The packet ---- */

static const struct fl_interface *entrance(const struct fl_audit *audit,
                                           const struct fl_finding *finding)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(audit->snapshot);
    char buf[16];

    return inv ? fl_inventory_interface(inv,
                                        fl_ports_name(fl_snapshot_ports_const(audit->snapshot),
                                                      finding->chain->links[0]->flow.in_port, buf))
               : NULL;
}

static char *packet_of(const struct fl_storage *storage, const struct fl_finding *finding,
                       const struct fl_interface *in)
{
    ovs_be16 port = htons(storage->n_services ? storage->services[0].port : 0);
    struct match region, like;
    struct flow packet;

    if (in->ofport == OFPP_NONE)
        return NULL;
    match_init_catchall(&like);
    if (finding->direction == FL_FROM_VM)
        match_set_tp_dst(&like, port);
    else
        match_set_tp_src(&like, port);
    fl_chain_region(finding->chain, &region);
    if (!fl_draw_packet(&region, &like, &packet))
        return NULL;
    packet.in_port.ofp_port = in->ofport;
    return fl_packet_text(&packet, 0, 0);
}

static void find_stale(const struct fl_flow *flow, const struct fl_trace *trace, struct svec *stale)
{
    struct svec fields = SVEC_EMPTY_INITIALIZER;

    fl_peer_fields(flow, &fields);
    svec_sort_unique(&fields);
    for (size_t i = 0; i < fields.n && trace->n_steps; i++) {
        if (!fl_peer_tests(&trace->steps[0].region, fields.names[i]))
            svec_add(stale, fields.names[i]);
    }
    svec_destroy(&fields);
}

static int trace(const struct fl_host *host, const struct fl_interface *in,
                 const struct fl_flow *flow, struct fl_origin *origin, struct fl_error *err)
{
    enum fl_world world = origin->direction == FL_FROM_VM ? FL_WORLD_ESTABLISHED : FL_WORLD_REPLY;
    struct fl_trace *answer;
    struct fl_ctl *ctl;
    int error = fl_ctl_open(host->target, fl_host_timeout_ms(host), &ctl, err);

    if (error)
        return error;
    error = fl_trace_world(ctl, in->bridge, origin->packet, NULL, world, &answer, err);
    if (!error) {
        origin->n_rules = fl_trace_rules(answer->text, &origin->rules);
        find_stale(flow, answer, &origin->stale_fields);
        fl_trace_destroy(answer);
    }
    fl_ctl_close(ctl);
    return error;
}

/* ---- Who looks at a field ---- */

/* The lowest priority of this table that the packet hit; more than once after a resubmit. */
static bool was_visited(const struct fl_origin *origin, const char *bridge, unsigned int table,
                        int *priority)
{
    bool found = false;

    for (size_t i = 0; i < origin->n_rules; i++) {
        const struct fl_traced_rule *rule = &origin->rules[i];

        if (rule->table != table || strcmp(rule->bridge, bridge))
            continue;
        *priority = found ? MIN(*priority, rule->priority) : rule->priority;
        found = true;
    }
    return found;
}

static struct fl_looker *looker_of(struct fl_origin *origin, const char *field, const char *bridge,
                                   unsigned int table)
{
    for (size_t i = 0; i < origin->n_lookers; i++) {
        struct fl_looker *looker = &origin->lookers[i];

        if (looker->table == table && !strcmp(looker->field, field) &&
            !strcmp(looker->bridge, bridge))
            return looker;
    }
    origin->lookers = xrealloc(origin->lookers, (origin->n_lookers + 1) * sizeof *origin->lookers);
    origin->lookers[origin->n_lookers] = (struct fl_looker){
        .field = xstrdup(field),
        .bridge = xstrdup(bridge),
        .table = table,
        .priority = -1,
    };
    return &origin->lookers[origin->n_lookers++];
}

static void take_looker(struct fl_origin *origin, const char *field, const char *bridge,
                        const struct ofputil_flow_stats *flow)
{
    struct fl_looker *looker = looker_of(origin, field, bridge, flow->table_id);

    looker->n++;
    if (flow->priority <= looker->priority)
        return;
    looker->priority = flow->priority;
    looker->cookie = ntohll(flow->cookie);
    free(looker->match);
    looker->match = match_to_string(&flow->match, NULL, OFP_DEFAULT_PRIORITY);
}

static int look_in_bridge(const struct fl_host *host, const char *bridge, const struct svec *fields,
                          struct fl_origin *origin, struct fl_error *err)
{
    struct ofputil_flow_stats *flows;
    struct fl_openflow *of;
    size_t n = 0;
    int error = fl_openflow_open(bridge, fl_host_timeout_ms(host), &of, err);

    if (error)
        return error;
    error = fl_openflow_dump(of, 0, 0, &flows, &n, err);
    fl_openflow_close(of);
    if (error)
        return error;
    for (size_t i = 0; i < n; i++) {
        int priority;

        if (!was_visited(origin, bridge, flows[i].table_id, &priority) ||
            flows[i].priority < priority)
            continue;
        for (size_t f = 0; f < fields->n; f++) {
            if (fl_peer_tests(&flows[i].match, fields->names[f]))
                take_looker(origin, fields->names[f], bridge, &flows[i]);
        }
    }
    fl_openflow_flows_free(flows, n);
    return 0;
}

static int look_for(const struct fl_host *host, const struct svec *fields, struct fl_origin *origin,
                    struct fl_error *err)
{
    struct svec bridges = SVEC_EMPTY_INITIALIZER;
    int error = 0;

    for (size_t i = 0; i < origin->n_rules; i++)
        svec_add(&bridges, origin->rules[i].bridge);
    svec_sort_unique(&bridges);
    for (size_t i = 0; i < bridges.n && fields->n && !error; i++)
        error = look_in_bridge(host, bridges.names[i], fields, origin, err);
    svec_destroy(&bridges);
    return error;
}

int fl_origin_find(const struct fl_host *host, const struct fl_audit *audit,
                   const struct fl_storage *storage, const struct fl_finding *finding,
                   const struct svec *fields, struct fl_origin *origin, struct fl_error *err)
{
    const struct fl_interface *in = entrance(audit, finding);
    struct fl_origin found = { .direction = finding->direction };
    int error;

    if (!in)
        return fl_error_set(err, -ENOENT, "OVSDB has no port that these packets come in by");
    found.packet = packet_of(storage, finding, in);
    if (!found.packet)
        return fl_error_set(err, -ENOENT, "no packet of these flows can be written for a trace");
    error = trace(host, in, &finding->chain->links[0]->flow, &found, err);
    if (!error)
        error = look_for(host, fields, &found, err);
    if (error)
        fl_origin_destroy(&found);
    else
        *origin = found;
    return error;
}

bool fl_origin_cause(const struct fl_origin *origin, struct fl_cause *cause)
{
    _cleanup_free char *fields = NULL;

    if (!origin->stale_fields.n)
        return false;
    fields = svec_join(&origin->stale_fields, ", ", "");
    *cause = (struct fl_cause){ .id = FL_CAUSE_STALE_MEGAFLOW };
    snprintf(cause->detail, sizeof cause->detail,
             "packets %s the VM are matched on %s, which the pipeline does not ask for now",
             origin->direction == FL_FROM_VM ? "from" : "to", fields);
    return true;
}

void fl_origin_destroy(struct fl_origin *origin)
{
    svec_destroy(&origin->stale_fields);
    for (size_t i = 0; i < origin->n_lookers; i++) {
        free(origin->lookers[i].field);
        free(origin->lookers[i].bridge);
        free(origin->lookers[i].match);
    }
    free(origin->lookers);
    fl_traced_rules_free(origin->rules, origin->n_rules);
    free(origin->packet);
}
