/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Causes: one table. Each row has what is said of the cause and the function that looks for it; the
 * order of the rows is the order of the evidence, strongest first.
 */

#include "flows/cause.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/cause_evidence.h"

/* The table. */

struct cause_row {
    enum fl_cause_id id;
    struct fl_cause_info info;
    bool (*shows)(struct fl_scene *scene); /* NULL: told by packets, not by the flow. */
};

static const struct cause_row table[] = {
    { FL_CAUSE_OFFLOAD_OFF,
      { "hw-offload-off", "Hardware offload is switched off in Open vSwitch.",
        "Set other_config:hw-offload=true and restart ovs-vswitchd (traffic stops meanwhile).",
        true },
      fl_shows_offload_off },
    { FL_CAUSE_TC_POLICY,
      { "tc-policy", "Open vSwitch is told to keep TC filters out of the NIC.",
        "Remove other_config:tc-policy and restart ovs-vswitchd.", true },
      fl_shows_tc_policy },
    { FL_CAUSE_ORPHAN,
      { "orphaned-filter",
        "Open vSwitch has forgotten this TC filter: no megaflow is behind it, and it still forwards "
        "packets, past whatever the switch would do.",
        "Delete it: tc filter del dev DEVICE ingress with its chain, protocol, pref and handle (without "
        "the protocol it is not found); or add the port, or the device's qdisc, anew.",
        false },
      fl_shows_orphan },
    { FL_CAUSE_REPORTED,
      { "reported", "The datapath itself says why it does not offload the flow.",
        "See the text that it reports.", false },
      fl_shows_reported },
    { FL_CAUSE_USERSPACE,
      { "userspace-action", "Packets are sent to ovs-vswitchd.",
        "Take controller actions, sampling and what needs the slow path off the storage traffic.",
        false },
      fl_shows_userspace },
    { FL_CAUSE_CONNTRACK,
      { "conntrack", "The flow goes through connection tracking.",
        "Let storage traffic pass without connection tracking: flowlift plan and apply.", false },
      fl_shows_conntrack },
    { FL_CAUSE_RECIRCULATION,
      { "recirculation", "The packet passes the datapath more than once.",
        "Give storage traffic a path of one pass: flowlift plan and apply.", false },
      fl_shows_recirculation },
    { FL_CAUSE_TUNNEL,
      { "tunnel", "The userspace datapath puts on or takes off a tunnel header.",
        "Carry storage traffic on a VLAN, or use a NIC and DPDK that offload tunnels.", false },
      fl_shows_tunnel },
    { FL_CAUSE_METER,
      { "meter", "A meter limits the flow.",
        "Take the meter off the storage traffic, or use a NIC that offloads meters.", false },
      fl_shows_meter },
    { FL_CAUSE_MULTI_OUTPUT,
      { "multiple-outputs", "The packet is sent to several ports: a flood or a mirror.",
        "Find why the destination is not learnt, or end the mirror.", false },
      fl_shows_multi_output },
    { FL_CAUSE_LOCAL_PORT,
      { "internal-port", "The packet comes from or goes to a bridge's own port, the host itself.",
        "Give the host a port of the NIC for its storage traffic.", false },
      fl_shows_local_port },
    { FL_CAUSE_NO_PORT_OFFLOAD,
      { "port-not-offloadable", "A port of this type has no NIC behind it.",
        "Give the VM a representor (SR-IOV or vDPA).", false },
      fl_shows_no_port_offload },
    { FL_CAUSE_MATCH,
      { "match-unsupported", "Open vSwitch does not offer a match on this to the NIC.",
        "Remove what makes the pipeline look at it, or let flowlift simplify the path.", false },
      fl_shows_match },
    { FL_CAUSE_ACTION,
      { "action-unsupported", "Open vSwitch does not offer this action to the NIC.",
        "Remove the action from the path of the storage traffic.", false },
      fl_shows_action },
    { FL_CAUSE_PARTIAL,
      { "partial-offload", "The NIC only marks the packets, and a CPU forwards them.",
        "Use representors in switchdev mode, so that the NIC can forward by itself.", false },
      fl_shows_partial },
    { FL_CAUSE_LEAK,
      { "hardware-miss",
        "The NIC has the flow, and yet packets of it come to software: a later stage misses, a "
        "neighbour is not resolved, or the NIC passes them up.",
        "Look at the connections (conntrack offload), the neighbours and the NIC's log; flowlift "
        "apply takes the later stages out of the path.",
        false },
      NULL },
    { FL_CAUSE_BLOCK,
      { "block-in-part", "Devices share a TC block, and not all of them have the flow in the NIC.",
        "See whether all of them are ports of one NIC, in one mode, with hw-tc-offload on: flowlift "
        "doctor.",
        false },
      fl_shows_block },
    { FL_CAUSE_REFUSED,
      { "refused",
        "Nothing speaks against the flow: the NIC refused it when it was offered, and "
        "it is not offered again while it lives.",
        "Have Open vSwitch offer it again: flowlift apply.", false },
      fl_shows_refused },
};
BUILD_ASSERT_DECL(ARRAY_SIZE(table) == FL_N_CAUSES);

const struct fl_cause_info *fl_cause_info(enum fl_cause_id id)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].id == id) {
            return &table[i].info;
        }
    }
    OVS_NOT_REACHED();
}

/* What is wrong with a flow although the NIC has it. */
static bool is_of_hw_too(enum fl_cause_id id)
{
    return id == FL_CAUSE_ORPHAN || id == FL_CAUSE_BLOCK;
}

static bool is_asked(const struct cause_row *row, const struct fl_scene *scene)
{
    if (!scene->flow) {
        return row->info.by_host;
    }
    return is_of_hw_too(row->id) || scene->flow->path != FL_PATH_HW;
}

/* Of the host when the scene has no flow. */
static size_t find_causes(struct fl_scene *scene, struct fl_cause causes[FL_MAX_CAUSES])
{
    ds_init(&scene->text);
    for (size_t i = 0; i < ARRAY_SIZE(table) && scene->n_found < FL_MAX_CAUSES; i++) {
        ds_clear(&scene->text);
        if (!is_asked(&table[i], scene) || !table[i].shows || !table[i].shows(scene)) {
            continue;
        }
        causes[scene->n_found].id = table[i].id;
        ovs_strlcpy(causes[scene->n_found].detail, ds_cstr(&scene->text),
                    sizeof causes[scene->n_found].detail);
        scene->n_found++;
    }
    ds_destroy(&scene->text);
    return scene->n_found;
}

size_t fl_cause_of_flow(const struct fl_flow *flow, const struct fl_ports *ports,
                        const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES])
{
    struct fl_scene scene = {
        .flow = flow,
        .ports = ports,
        .inv = inv,
        .api = fl_offload_api(flow, inv),
    };

    return flow->path == FL_PATH_UNKNOWN ? 0 : find_causes(&scene, causes);
}

struct fl_cause fl_cause_of_leak(uint64_t packets, uint64_t hw_packets)
{
    struct fl_cause cause = { .id = FL_CAUSE_LEAK };

    snprintf(cause.detail, sizeof cause.detail,
             "%" PRIu64 " of %" PRIu64 " packets were counted by software", packets - hw_packets,
             packets);
    return cause;
}

static size_t rank_of(enum fl_cause_id id)
{
    size_t rank = 0;

    while (table[rank].id != id) {
        rank++;
    }
    return rank;
}

static bool has_cause(const struct fl_cause *causes, size_t n, enum fl_cause_id id)
{
    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == id) {
            return true;
        }
    }
    return false;
}

size_t fl_causes_merge(struct fl_cause causes[FL_MAX_CAUSES], size_t n, const struct fl_cause *more,
                       size_t n_more)
{
    for (size_t i = 0; i < n_more; i++) {
        size_t at = n;

        if (has_cause(causes, n, more[i].id)) {
            continue;
        }
        while (at > 0 && rank_of(more[i].id) < rank_of(causes[at - 1].id)) {
            at--;
        }
        if (at == FL_MAX_CAUSES) {
            continue;
        }
        n = MIN(n + 1, FL_MAX_CAUSES);
        memmove(&causes[at + 1], &causes[at], (n - at - 1) * sizeof *causes);
        causes[at] = more[i];
    }
    return n;
}

size_t fl_cause_of_host(const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES])
{
    const char *type = inv ? fl_inventory_datapath_type(inv) : NULL;
    struct fl_scene scene = {
        .inv = inv,
        .api = type && !strcmp(type, "netdev") ? FL_API_RTE_FLOW : FL_API_UNKNOWN,
    };

    return inv ? find_causes(&scene, causes) : 0;
}
