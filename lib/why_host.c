/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/why_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/odp-util.h>
#include <ovs/util.h>

#include "flows/actions.h"
#include "flows/cleanup.h"

#define PORTS_MAX   16u
#define DEVICES_MAX (2 * PORTS_MAX)

/* Devices that packets of one flow pass, the one that they come in by first. */
struct passage {
    const struct fl_nic_port *devices[DEVICES_MAX];
    size_t n;
};

struct findings {
    const struct fl_kernel_facts *facts;
    struct fl_cause *causes;
    size_t n;
};

static void OVS_PRINTF_FORMAT(4, 5)
    found(struct findings *findings, enum fl_cause_id id, bool may_be, const char *format, ...)
{
    struct fl_cause cause = { .id = id, .may_be = may_be };
    va_list args;

    va_start(args, format);
    vsnprintf(cause.detail, sizeof cause.detail, format, args);
    va_end(args);
    findings->n = fl_causes_merge(findings->causes, findings->n, &cause, 1);
}

/* ---- Devices ---- */

/* Of a bond its members: they are what has an eSwitch. */
static void add_device(struct passage *passage, const struct fl_nic *nic, const char *name)
{
    const struct fl_nic_port *port = fl_nic_port_named(nic, name);
    bool has_members = false;

    for (size_t i = 0; port && i < nic->n_ports && passage->n < DEVICES_MAX; i++) {
        if (nic->ports[i].master == port->ifindex && fl_nic_in_lag(&nic->ports[i])) {
            passage->devices[passage->n++] = &nic->ports[i];
            has_members = true;
        }
    }
    if (port && !has_members && passage->n < DEVICES_MAX)
        passage->devices[passage->n++] = port;
}

static void find_passage(const struct fl_nic *nic, const struct fl_ports *ports,
                         const struct fl_flow *flow, struct passage *passage)
{
    odp_port_t outputs[PORTS_MAX];
    char buf[16];
    size_t n = flow->has_actions
                   ? fl_actions_outputs(flow->actions, flow->actions_len, outputs, PORTS_MAX)
                   : 0;

    passage->n = 0;
    if (flow->in_port != ODPP_NONE)
        add_device(passage, nic, fl_ports_name(ports, flow->in_port, buf));
    for (size_t i = 0; i < MIN(n, PORTS_MAX); i++)
        add_device(passage, nic, fl_ports_name(ports, outputs[i], buf));
}

static bool is_on_eswitch(const struct fl_nic_port *device)
{
    return device->role == FL_NIC_ROLE_REPRESENTOR || device->role == FL_NIC_ROLE_UPLINK;
}

static void judge_device(struct findings *findings, const struct fl_nic_port *device)
{
    if (!is_on_eswitch(device))
        return;
    if (device->eswitch == FL_ESWITCH_LEGACY)
        found(findings, FL_CAUSE_ESWITCH_LEGACY, false, "%s: eSwitch %s is in legacy mode",
              device->name, device->devlink);
    if (device->tc_offload == FL_NIC_FEATURE_OFF || device->tc_offload == FL_NIC_FEATURE_OFF_FIXED)
        found(findings, FL_CAUSE_TC_OFFLOAD_OFF, false, "%s: hw-tc-offload is %s", device->name,
              fl_nic_feature_name(device->tc_offload));
}

/* Filters of a member of a bond are at the bond's block. */
static void judge_entrance(struct findings *findings, const struct fl_nic_port *device)
{
    const struct fl_kernel_facts *facts = findings->facts;

    if (facts->ingress_known && facts->n_ingress && is_on_eswitch(device) &&
        !fl_nic_in_lag(device) && !fl_kernel_has_ingress(facts, device->ifindex))
        found(findings, FL_CAUSE_QDISC_LOST, false, "%s: no ingress or clsact qdisc", device->name);
}

static void judge_eswitches(struct findings *findings, const struct passage *passage)
{
    const struct fl_nic_port *devices[DEVICES_MAX], *odd;
    size_t n = 0;

    for (size_t i = 0; i < passage->n; i++) {
        if (is_on_eswitch(passage->devices[i]) && passage->devices[i]->switch_id.n_bytes)
            devices[n++] = passage->devices[i];
    }
    if (n > 1 && fl_nic_same_eswitch(devices, n, &odd) == FL_NIC_SAME_NO)
        found(findings, FL_CAUSE_OTHER_ESWITCH, false, "%s and %s are on different eSwitches",
              devices[0]->name, odd->name);
}

/* ---- The kernel, and the log ---- */

static bool recirculates(const struct fl_chain *chain)
{
    const struct fl_flow *flow = &chain->links[0]->flow;

    return chain->n_links > 1 || flow->recirc_id ||
           (flow->has_actions && fl_actions_recirculate(flow->actions, flow->actions_len));
}

static void judge_recirculation(struct findings *findings, const struct fl_chain *chain)
{
    const struct fl_kernel_facts *facts = findings->facts;

    if (!recirculates(chain))
        return;
    if (facts->log.recirc_refused)
        found(findings, FL_CAUSE_NO_TC_RECIRC, false,
              "ovs-vswitchd logged \"recirc_id sharing not supported\"");
    else if (facts->recirc == FL_FACT_NO)
        found(findings, FL_CAUSE_NO_TC_RECIRC, false,
              "the kernel is built without CONFIG_NET_TC_SKB_EXT");
}

static bool passes_device(const struct fl_ports *ports, const struct fl_chain *chain,
                          const char *name)
{
    for (size_t i = 0; i < chain->n_links; i++) {
        char buf[16];

        if (chain->links[i]->flow.in_port != ODPP_NONE &&
            !strcmp(fl_ports_name(ports, chain->links[i]->flow.in_port, buf), name))
            return true;
    }
    return false;
}

/*
 * Messages without a device, about a flow that was not offered: which flow is not told, and the flow
 * shows it itself.
 */
static bool is_of_whole_host(const struct fl_log_refusal *refusal)
{
    return !refusal->device[0] && fl_cause_info(refusal->cause.id)->by_host &&
           refusal->cause.id != FL_CAUSE_NO_TC_RECIRC;
}

static void judge_log(struct findings *findings, const struct fl_ports *ports,
                      const struct fl_chain *chain)
{
    const struct fl_log_offload *log = &findings->facts->log;

    for (size_t i = 0; i < log->n_refusals; i++) {
        const struct fl_log_refusal *refusal = &log->refusals[i];

        if (!is_of_whole_host(refusal) &&
            (!refusal->device[0] || !passes_device(ports, chain, refusal->device)))
            continue;
        /* This one holds until the port is added anew; the others were of one moment. */
        found(findings, refusal->cause.id, refusal->cause.id != FL_CAUSE_NO_FLOW_API,
              "logged %s%s: %s", refusal->time, refusal->n > 1 ? ", and before" : "",
              refusal->cause.detail);
    }
}

bool fl_why_offload_inactive(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                             struct fl_cause *cause)
{
    struct fl_check check = { .summary = NULL };
    bool is_inactive;

    fl_judge_offload_active(facts, inv, &check);
    is_inactive = check.status == FL_CHECK_FAIL;
    if (is_inactive) {
        *cause = (struct fl_cause){ .id = FL_CAUSE_OFFLOAD_INACTIVE };
        ovs_strlcpy(cause->detail, check.summary, sizeof cause->detail);
    }
    free(check.summary);
    free(check.advice);
    return is_inactive;
}

size_t fl_why_host(const struct fl_kernel_facts *facts, const struct fl_ports *ports,
                   const struct fl_chain *chain, struct fl_cause causes[FL_MAX_CAUSES])
{
    struct findings findings = { .facts = facts, .causes = causes };

    for (size_t i = 0; i < chain->n_links; i++) {
        struct passage passage;

        find_passage(&facts->nic, ports, &chain->links[i]->flow, &passage);
        for (size_t d = 0; d < passage.n; d++)
            judge_device(&findings, passage.devices[d]);
        if (passage.n)
            judge_entrance(&findings, passage.devices[0]);
        judge_eswitches(&findings, &passage);
    }
    judge_recirculation(&findings, chain);
    judge_log(&findings, ports, chain);
    return findings.n;
}
