/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of Open vSwitch itself: its bridges, version, datapath, and whether it offloads at all.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/doctor_visit.h"
#include "lib/ovs/openflow.h"

#define RESTART "restart ovs-vswitchd (traffic stops meanwhile)"

/* Whether any bridge has this datapath. */
static bool uses_datapath(const struct fl_visit *visit, const char *type)
{
    const char *all = fl_inventory_datapath_type(&visit->inv);

    return all && (!strcmp(all, type) || !strcmp(all, "mixed"));
}

void fl_check_bridges(struct fl_visit *visit, struct fl_check *check)
{
    int timeout_ms = fl_host_timeout_ms(visit->host);
    struct fl_error err = FL_ERROR_INIT;

    if (!fl_visit_has_database(visit, check))
        return;
    for (size_t i = 0; i < visit->inv.n_bridges; i++) {
        struct fl_openflow *of;

        if (fl_openflow_open(visit->inv.bridges[i].name, timeout_ms, &of, &err)) {
            /* The others most likely fare alike, and each would take its time. */
            fl_finds(check, FL_CHECK_UNKNOWN, NULL, "bridge %s: %s", visit->inv.bridges[i].name,
                     err.text);
            return;
        }
        fl_openflow_close(of);
    }
    if (!visit->inv.n_bridges)
        fl_finds(check, FL_CHECK_WARN, NULL, "Open vSwitch has no bridge");
    else
        fl_finds(check, FL_CHECK_OK, NULL,
                 visit->inv.n_bridges == 1 ? "%zu bridge, takes OpenFlow"
                                           : "%zu bridges, all take OpenFlow",
                 visit->inv.n_bridges);
}

/* First releases with a fix, one a branch, oldest branch first; ended by 0.0.0. */
struct release {
    unsigned int major, minor, patch;
};

static const struct known_bug {
    const char *datapath;
    const char *what;
    struct release fixed[8];
} known_bugs[] = {
    /* Source: Open vSwitch commit f9507c1ea. */
    { "system",
      "after a VM restart its flows may be stuck (stale mapping of a device that is gone)",
      { { 2, 17, 6 }, { 3, 0, 4 }, { 3, 1, 1 }, { 3, 2, 0 } } },
    /* Source: Open vSwitch commits 3200111ba, a9b1b6b5b. */
    { "system",
      "after long running, new flows that recirculate are refused (recirc_id above 28 bits)",
      { { 3, 3, 8 }, { 3, 4, 5 }, { 3, 5, 3 }, { 3, 6, 2 }, { 3, 7, 0 } } },
    /* Source: Open vSwitch commit 180ab2fd6. */
    { NULL,
      "deleting a live flow by hand (dpctl/del-flow) may leave its packets in upcalls",
      { { 2, 17, 12 },
        { 3, 0, 8 },
        { 3, 1, 6 },
        { 3, 2, 4 },
        { 3, 3, 3 },
        { 3, 4, 1 },
        { 3, 5, 0 } } },
};

static bool has_fix(const struct release *version, const struct release *fixed)
{
    const struct release *last = fixed;

    for (; fixed->major; fixed++) {
        if (fixed->major == version->major && fixed->minor == version->minor)
            return version->patch >= fixed->patch;
        last = fixed;
    }
    return version->major > last->major ||
           (version->major == last->major && version->minor > last->minor);
}

/* OVSDB has the version only where ovs-ctl started it; ovs-vswitchd always knows. */
static bool find_version(const struct fl_visit *visit, struct release *version)
{
    const char *text = visit->inv.ovs_version ? visit->inv.ovs_version : visit->version;

    return text && sscanf(text, "%u.%u.%u", &version->major, &version->minor, &version->patch) == 3;
}

void fl_check_version(struct fl_visit *visit, struct fl_check *check)
{
    struct release version;
    const char *first = NULL;
    size_t n = 0;

    if (!fl_visit_has_database(visit, check))
        return;
    if (!find_version(visit, &version)) {
        fl_finds(check, FL_CHECK_WARN, NULL, "the version of Open vSwitch is not known");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(known_bugs); i++) {
        const struct known_bug *bug = &known_bugs[i];

        if ((!bug->datapath || uses_datapath(visit, bug->datapath)) &&
            !has_fix(&version, bug->fixed)) {
            first = first ? first : bug->what;
            n++;
        }
    }
    if (n)
        fl_finds(check, FL_CHECK_WARN,
                 "plan an update of Open vSwitch, unless your distribution has the fix already",
                 "Open vSwitch %u.%u.%u: %s%s", version.major, version.minor, version.patch, first,
                 n > 1 ? "; and more" : "");
    else
        fl_finds(check, FL_CHECK_OK, NULL, "Open vSwitch %u.%u.%u has no known bug about offload",
                 version.major, version.minor, version.patch);
}

void fl_check_datapath(struct fl_visit *visit, struct fl_check *check)
{
    const char *type;

    if (!fl_visit_has_database(visit, check))
        return;
    type = fl_inventory_datapath_type(&visit->inv);
    if (!type)
        fl_finds(check, FL_CHECK_WARN, NULL, "there is no datapath, since there is no bridge");
    else if (!strcmp(type, "netdev"))
        fl_finds(check, FL_CHECK_OK, NULL, "userspace datapath (netdev): offload by rte_flow");
    else if (!strcmp(type, "system"))
        fl_finds(check, FL_CHECK_OK, NULL, "kernel datapath (system): offload by TC flower");
    else
        fl_finds(check, FL_CHECK_WARN,
                 "packets that go from one datapath to the other are never offloaded",
                 "bridges use both the kernel and the userspace datapath");
}

static size_t n_of_type(const struct fl_inventory *inv, const char *type)
{
    size_t n = 0;

    for (size_t i = 0; i < inv->n_interfaces; i++)
        n += !strcmp(inv->interfaces[i].type, type);
    return n;
}

void fl_check_dpdk(struct fl_visit *visit, struct fl_check *check)
{
    size_t n_ports;

    if (!fl_visit_has_database(visit, check))
        return;
    n_ports = n_of_type(&visit->inv, "dpdk");
    if (!uses_datapath(visit, "netdev"))
        fl_finds(check, FL_CHECK_OK, NULL, "not needed by the kernel datapath");
    else if (!visit->inv.dpdk_initialized)
        fl_finds(check, FL_CHECK_FAIL,
                 "ovs-vsctl set Open_vSwitch . other_config:dpdk-init=true; if it is, see "
                 "ovs-vswitchd.log for what DPDK says",
                 "DPDK is not initialised: the userspace datapath has no NIC to offload to");
    else if (!n_ports)
        fl_finds(check, FL_CHECK_WARN,
                 "add the NIC and its representors as interfaces of type dpdk",
                 "DPDK is initialised, and no interface uses it");
    else
        fl_finds(check, FL_CHECK_OK, NULL, "%s is initialised; %zu interface%s use%s it",
                 visit->inv.dpdk_version ? visit->inv.dpdk_version : "DPDK", n_ports,
                 n_ports == 1 ? "" : "s", n_ports == 1 ? "s" : "");
}

static bool offload_is_set(const struct fl_visit *visit)
{
    return smap_get_bool(&visit->inv.other_config, "hw-offload", false);
}

void fl_check_hw_offload(struct fl_visit *visit, struct fl_check *check)
{
    if (!fl_visit_has_database(visit, check))
        return;
    if (offload_is_set(visit))
        fl_finds(check, FL_CHECK_OK, NULL, "other_config:hw-offload is true");
    else
        fl_finds(check, FL_CHECK_FAIL,
                 "ovs-vsctl set Open_vSwitch . other_config:hw-offload=true, then " RESTART,
                 "other_config:hw-offload is not true: no flow of any VM can be in hardware");
}

/*
 * hw-offload is read once, when ovs-vswitchd starts. The userspace datapath refuses to count
 * offloads when it did not find it then; the kernel datapath counts them only on ports that
 * offload. Source: Open vSwitch 3.1, lib/dpif-netdev.c dpif_netdev_offload_stats_get(), lib/dpif.c
 * dpif_get_n_offloaded_flows().
 */
static bool offload_is_active(struct fl_visit *visit, struct fl_error *err)
{
    const char *const netdev[] = { "netdev@ovs-netdev", NULL };
    bool is_netdev = uses_datapath(visit, "netdev");
    _cleanup_free char *reply = NULL;
    int error = is_netdev ? fl_ctl_run(visit->ctl, "dpctl/offload-stats-show", netdev, &reply, err)
                          : fl_ctl_run(visit->ctl, "upcall/show", NULL, &reply, err);

    return !error && (is_netdev || strstr(reply, "offloaded flows"));
}

void fl_check_hw_offload_active(struct fl_visit *visit, struct fl_check *check)
{
    struct fl_error err = FL_ERROR_INIT;
    bool active;

    if (!fl_visit_has_database(visit, check))
        return;
    if (visit->kernel && !uses_datapath(visit, "netdev")) {
        fl_judge_offload_active(visit->kernel, &visit->inv, check);
        return;
    }
    if (!visit->ctl) {
        fl_finds_nothing(check, "ovs-vswitchd");
        return;
    }
    if (!offload_is_set(visit)) {
        fl_finds(check, FL_CHECK_OK, NULL, "nothing to put into force");
        return;
    }
    if (!visit->inv.n_bridges) {
        fl_finds(check, FL_CHECK_OK, NULL, "there is no bridge that could offload");
        return;
    }
    active = offload_is_active(visit, &err);
    if (active)
        fl_finds(check, FL_CHECK_OK, NULL, "ovs-vswitchd was started with offload on");
    else if (err.code && err.code != -EREMOTEIO)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", err.text);
    else
        fl_finds(
            check, FL_CHECK_FAIL, RESTART,
            "ovs-vswitchd does not offload: hw-offload is read when it starts, and was set later, "
            "or no port can be offloaded");
}

void fl_check_tc_policy(struct fl_visit *visit, struct fl_check *check)
{
    const char *policy, *in_force;

    if (!fl_visit_has_database(visit, check))
        return;
    policy = smap_get_def(&visit->inv.other_config, "tc-policy", "none");
    in_force = visit->kernel && visit->kernel->log.tc_policy[0] ? visit->kernel->log.tc_policy
                                                                : policy;
    if (!visit->kernel)
        fl_finds(check, FL_CHECK_OK, NULL, "not used by the userspace datapath");
    else if (!strcmp(policy, "skip_hw"))
        fl_finds(check, FL_CHECK_FAIL,
                 "ovs-vsctl remove Open_vSwitch . other_config tc-policy, then " RESTART,
                 "other_config:tc-policy is skip_hw: filters are kept out of the NIC");
    else if (strcmp(policy, in_force))
        fl_finds(check, FL_CHECK_WARN, RESTART,
                 "other_config:tc-policy is %s, but ovs-vswitchd was started with %s", policy,
                 in_force);
    else if (strcmp(policy, "none"))
        fl_finds(
            check, FL_CHECK_WARN,
            "ovs-vsctl remove Open_vSwitch . other_config tc-policy, then " RESTART,
            "other_config:tc-policy is %s: what the NIC refuses is not tried in TC, and nobody "
            "is told",
            policy);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "other_config:tc-policy is not set");
}
