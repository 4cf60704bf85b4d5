/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of what the kernel does with flows: are they offered to TC at all, by all ports, with
 * recirculation, is there room, and is what is in TC still wanted. Judges of lib/doctor_facts.h: pure.
 */

#include <inttypes.h>
#include <stdlib.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/doctor_facts.h"
#include "lib/doctor_names.h"
#include "lib/doctor_visit.h"

#define RESTART "restart ovs-vswitchd (traffic stops meanwhile)"

static bool offload_is_set(const struct fl_inventory *inv)
{
    return smap_get_bool(&inv->other_config, "hw-offload", false);
}

/* Ports of the switch that are devices: with, and without a qdisc that filters can be attached to. */
static size_t count_ingress(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                            struct fl_names *without)
{
    size_t n = 0;

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[i];
        const struct fl_nic_port *nic = fl_nic_port_named(&facts->nic, iface->name);

        if (iface->type[0] || !nic)
            continue;
        if (fl_kernel_has_ingress(facts, nic->ifindex))
            n++;
        else
            fl_names_add(without, iface->name);
    }
    return n;
}

/*
 * When hw-offload is first seen to be on every port gets a qdisc for filters, and it stays on until
 * ovs-vswitchd ends. So, with no qdisc on any port, ovs-vswitchd has not seen it. Source: Open vSwitch 3.1,
 * lib/netdev-offload.c netdev_set_flow_api_enabled(), lib/netdev-offload-tc.c netdev_tc_init_flow_api();
 * the manual wants a restart all the same.
 * One that stayed of an earlier run proves nothing: flows in TC do, and so does the log.
 */
void fl_judge_offload_active(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                             struct fl_check *check)
{
    const struct fl_offload_counts *counts = &facts->counts;
    struct fl_names without = FL_NAMES_INIT;
    size_t n_with = count_ingress(facts, inv, &without), n_without = without.n;

    fl_names_destroy(&without);
    if (!offload_is_set(inv) && facts->log.flow_api)
        fl_finds(check, FL_CHECK_WARN, RESTART,
                 "hw-offload is not set any more, but ovs-vswitchd goes on offloading until it is "
                 "started anew");
    else if (!offload_is_set(inv))
        fl_finds(check, FL_CHECK_OK, NULL, "nothing to put into force");
    else if (!inv->n_bridges)
        fl_finds(check, FL_CHECK_OK, NULL, "there is no bridge that could offload");
    else if (facts->log.seen_start && !facts->log.flow_api)
        fl_finds(
            check, FL_CHECK_FAIL, RESTART,
            "ovs-vswitchd was started before hw-offload was set: its log has no \"netdev: Flow "
            "API Enabled\"");
    else if (facts->ingress_known && !n_with && n_without)
        fl_finds(check, FL_CHECK_FAIL, RESTART,
                 "ovs-vswitchd does not offload: no port has a qdisc for filters%s",
                 counts->flows_known && counts->ovs_flows
                     ? ", and all flows are in the kernel datapath"
                     : "");
    else if (counts->flows_known && counts->tc_flows)
        fl_finds(check, FL_CHECK_OK, NULL, "%" PRIu64 " flow%s in TC", counts->tc_flows,
                 counts->tc_flows == 1 ? " is" : "s are");
    else if (facts->log.flow_api)
        fl_finds(check, FL_CHECK_OK, NULL, "offload is on in ovs-vswitchd (its log)");
    else if (facts->ingress_known && n_with && !(counts->flows_known && counts->ovs_flows))
        fl_finds(check, FL_CHECK_OK, NULL, "ports have a qdisc for filters");
    else
        fl_finds(check, FL_CHECK_UNKNOWN, NULL,
                 "whether the running ovs-vswitchd offloads cannot be told: no flow is in TC now");
}

void fl_judge_ingress(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                      struct fl_check *check)
{
    struct fl_names without = FL_NAMES_INIT;

    if (!facts->ingress_known || facts->nic_err.code) {
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "qdiscs could not be read");
        return;
    }
    count_ingress(facts, inv, &without);
    if (!offload_is_set(inv))
        fl_finds(check, FL_CHECK_OK, NULL, "not needed: hw-offload is not set");
    else if (without.n)
        fl_finds(check, FL_CHECK_FAIL,
                 "take the port out of the switch and add it again; keep NetworkManager off it",
                 "no qdisc for filters on %s: none of its flows can be offloaded",
                 fl_names_end(&without));
    else
        fl_finds(check, FL_CHECK_OK, NULL, "every port has its qdisc for filters");
    fl_names_destroy(&without);
}

/* Without CONFIG_NET_TC_SKB_EXT OVS keeps what recirculates out of TC (ovs 3.1, netdev-offload-tc.c). */
void fl_judge_recirculation(const struct fl_kernel_facts *facts,
                            const struct fl_inventory *inv OVS_UNUSED, struct fl_check *check)
{
    const struct fl_offload_counts *counts = &facts->counts;
    static const char advice[] = "run a kernel with CONFIG_NET_TC_SKB_EXT, or lead storage traffic "
                                 "past conntrack (flowlift apply)";

    if (facts->log.recirc_refused)
        fl_finds(
            check, FL_CHECK_FAIL, advice,
            "the kernel does not share recirculation with TC (the log of ovs-vswitchd says so): "
            "flows with conntrack are never in hardware");
    else if (facts->recirc == FL_FACT_NO && counts->flows_known && counts->ovs_recirc)
        fl_finds(check, FL_CHECK_FAIL, advice,
                 "the kernel has no NET_TC_SKB_EXT: %" PRIu64 " flows that recirculate (conntrack) "
                 "are never in hardware",
                 counts->ovs_recirc);
    else if (facts->recirc == FL_FACT_NO)
        fl_finds(
            check, FL_CHECK_WARN, advice,
            "the kernel has no NET_TC_SKB_EXT: a flow that recirculates (conntrack) would never "
            "be in hardware");
    else if (facts->recirc == FL_FACT_YES)
        fl_finds(check, FL_CHECK_OK, NULL, "the kernel shares recirculation with TC");
    else
        fl_finds(
            check, FL_CHECK_UNKNOWN, NULL,
            "whether the kernel shares recirculation with TC is not known: its configuration is "
            "neither in /boot nor in /proc/config.gz");
}

/*
 * No driver tells how large its table is, and Open vSwitch does not log that it is full unless it
 * debugs. Some filters (floods) are never in the NIC: only when these are most is it worth a word.
 */
void fl_judge_rule_table(const struct fl_kernel_facts *facts,
                         const struct fl_inventory *inv OVS_UNUSED, struct fl_check *check)
{
    const struct fl_offload_counts *counts = &facts->counts;
    uint64_t refused = counts->filters - counts->filters_in_hw;

    if (facts->log.no_space)
        fl_finds(
            check, FL_CHECK_FAIL,
            "fewer or wider flows; those refused stay in software until they are offered again "
            "(flowlift apply)",
            "a table was full: ovs-vswitchd logged \"No space left on device\" %u time%s",
            facts->log.no_space, facts->log.no_space == 1 ? "" : "s");
    else if (!counts->filters_known)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "filters could not be counted");
    else if (refused > counts->filters_in_hw)
        fl_finds(check, FL_CHECK_WARN, "flowlift explain VM --probe asks the NIC why",
                 "%" PRIu64 " of %" PRIu64 " filters are not in the NIC; whether for want of room "
                 "it does not say",
                 refused, counts->filters);
    else
        fl_finds(check, FL_CHECK_OK, NULL,
                 "%" PRIu64 " of %" PRIu64
                 " filters are in the NIC, and nothing says that it is full",
                 counts->filters_in_hw, counts->filters);
}

void fl_judge_orphans(const struct fl_kernel_facts *facts,
                      const struct fl_inventory *inv OVS_UNUSED, struct fl_check *check)
{
    const struct fl_offload_counts *counts = &facts->counts;

    if (!counts->filters_known)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "filters could not be counted");
    else if (!counts->orphans_known)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL,
                 "hw-offload is not set, and yet there are %" PRIu64 " filters of Open vSwitch; "
                 "whether it still looks after them its log does not tell",
                 counts->filters);
    else if (counts->orphans)
        fl_finds(
            check, FL_CHECK_FAIL,
            "flowlift audit --json lists them; tc filter del dev DEVICE ingress chain N protocol "
            "P pref P for each (without the protocol it is not found), or add the port, or its "
            "qdisc, anew",
            "%" PRIu64 " filter%s that Open vSwitch no longer knows still forward%s packets%s%s",
            counts->orphans, counts->orphans == 1 ? "" : "s", counts->orphans == 1 ? "s" : "",
            counts->orphan_device[0] ? ", on " : "", counts->orphan_device);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "no filter is left behind");
}

void fl_judge_conntrack(const struct fl_kernel_facts *facts,
                        const struct fl_inventory *inv OVS_UNUSED, struct fl_check *check)
{
    const struct fl_offload_counts *counts = &facts->counts;

    if (!counts->connections_known)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "the connections of conntrack could not be read");
    else if (!counts->connections)
        fl_finds(check, FL_CHECK_OK, NULL, "no storage connection goes through conntrack");
    else if (counts->connections_in_hw < counts->connections)
        fl_finds(check, FL_CHECK_WARN,
                 "lead storage traffic past conntrack (flowlift apply, or a stateless ACL)",
                 "%" PRIu64 " of %" PRIu64 " storage connections that conntrack tracks are not in "
                 "the NIC",
                 counts->connections - counts->connections_in_hw, counts->connections);
    else
        fl_finds(check, FL_CHECK_OK, NULL,
                 "%" PRIu64 " storage connection%s through conntrack, in the NIC",
                 counts->connections, counts->connections == 1 ? " goes" : "s go");
}
