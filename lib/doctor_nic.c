/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of the devices that packets of VMs go through: is a NIC with an eSwitch behind each, is it in
 * the right mode, and is it one eSwitch. Judges of lib/doctor_facts.h: pure.
 */

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/doctor_facts.h"
#include "lib/doctor_names.h"
#include "lib/doctor_visit.h"

/* A device that packets of VMs go through: a VM's port, or a physical one (of a bond, its members). */
struct offload_device {
    const char *name;
    const struct fl_nic_port *nic; /* NULL when the kernel has no such device */
    const struct fl_interface *iface;
};

static void add_device(struct offload_device *devices, size_t *n, const char *name,
                       const struct fl_nic_port *nic, const struct fl_interface *iface)
{
    devices[(*n)++] = (struct offload_device){ .name = name, .nic = nic, .iface = iface };
}

/* A bond that is a port of the switch: its members are what has an eSwitch. */
static bool add_members(struct offload_device *devices, size_t *n,
                        const struct fl_kernel_facts *facts, const struct fl_nic_port *master,
                        const struct fl_interface *iface)
{
    bool any = false;

    for (size_t i = 0; master && i < facts->nic.n_ports; i++) {
        const struct fl_nic_port *member = &facts->nic.ports[i];

        if (member->master == master->ifindex && fl_nic_in_lag(member)) {
            add_device(devices, n, member->name, member, iface);
            any = true;
        }
    }
    return any;
}

/* Of all VMs, then uplinks. Return: an array to free() */
static struct offload_device *offload_devices(const struct fl_kernel_facts *facts,
                                              const struct fl_inventory *inv, size_t *n)
{
    struct offload_device *devices = xcalloc(inv->n_interfaces + facts->nic.n_ports + 1,
                                             sizeof *devices);

    *n = 0;
    for (int vms = 1; vms >= 0; vms--) {
        for (size_t i = 0; i < inv->n_interfaces; i++) {
            const struct fl_interface *iface = &inv->interfaces[i];
            const struct fl_nic_port *nic = fl_nic_port_named(&facts->nic, iface->name);

            if ((iface->vm >= 0) != vms || iface->type[0])
                continue; /* "internal", "patch", "vxlan": see fl_check_vm_ports() for VMs' */
            if (vms || !add_members(devices, n, facts, nic, iface))
                add_device(devices, n, iface->name, nic, iface);
        }
    }
    return devices;
}

/* Return: false, with @check unknown, when devices could not be read at all. */
static bool has_nic(const struct fl_kernel_facts *facts, struct fl_check *check)
{
    if (facts->nic_err.code)
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s", facts->nic_err.text);
    return !facts->nic_err.code;
}

/* What could not be told of some devices: as far as is known, why. */
static void finds_untold(const struct fl_kernel_facts *facts, struct fl_names *untold,
                         const char *what, struct fl_check *check)
{
    fl_finds(check, FL_CHECK_UNKNOWN, NULL, "%s is not known of %s%s%s", what, fl_names_end(untold),
             facts->nic.incomplete ? "; " : "", facts->nic.incomplete ? facts->nic.incomplete : "");
}

void fl_judge_representors(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                           struct fl_check *check)
{
    struct fl_names without = FL_NAMES_INIT, untold = FL_NAMES_INIT;
    _cleanup_free struct offload_device *devices = NULL;
    size_t n, n_vm_ports = 0, n_uplinks = 0;

    if (!has_nic(facts, check))
        return;
    devices = offload_devices(facts, inv, &n);
    for (size_t i = 0; i < n; i++) {
        enum fl_nic_role role = devices[i].nic ? devices[i].nic->role : FL_NIC_ROLE_UNKNOWN;
        bool is_vm = devices[i].iface->vm >= 0;

        n_vm_ports += is_vm;
        n_uplinks += !is_vm && role == FL_NIC_ROLE_UPLINK;
        if (is_vm && role == FL_NIC_ROLE_NEITHER)
            fl_names_add(&without, devices[i].name);
        else if (is_vm && role == FL_NIC_ROLE_UNKNOWN)
            fl_names_add(&untold, devices[i].name);
    }
    if (without.n)
        fl_finds(check, FL_CHECK_WARN,
                 "give these VMs a VF or sub-function, and the switch its representor",
                 "no representor of a NIC: %s; traffic of these VMs is never in hardware",
                 fl_names_end(&without));
    else if (untold.n)
        finds_untold(facts, &untold, "whether a NIC is behind it", check);
    else if (n_vm_ports && !n_uplinks)
        fl_finds(check, FL_CHECK_WARN, "add the uplink of the VMs' NIC to the switch",
                 "no uplink of a NIC with an eSwitch is in the switch: what leaves the host is "
                 "never in hardware");
    else
        fl_finds(check, FL_CHECK_OK, NULL, "%zu port%s of VMs, each a representor", n_vm_ports,
                 n_vm_ports == 1 ? "" : "s");
    fl_names_destroy(&without);
    fl_names_destroy(&untold);
}

static bool is_on_eswitch(const struct offload_device *device)
{
    return !device->nic || device->nic->role != FL_NIC_ROLE_NEITHER;
}

void fl_judge_tc_offload(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                         struct fl_check *check)
{
    struct fl_names off = FL_NAMES_INIT, fixed = FL_NAMES_INIT, untold = FL_NAMES_INIT;
    _cleanup_free struct offload_device *devices = NULL;
    size_t n;

    if (!has_nic(facts, check))
        return;
    devices = offload_devices(facts, inv, &n);
    for (size_t i = 0; i < n; i++) {
        enum fl_nic_feature feature = devices[i].nic ? devices[i].nic->tc_offload
                                                     : FL_NIC_FEATURE_UNKNOWN;

        if (!is_on_eswitch(&devices[i]))
            continue;
        if (feature == FL_NIC_FEATURE_OFF)
            fl_names_add(&off, devices[i].name);
        else if (feature == FL_NIC_FEATURE_OFF_FIXED)
            fl_names_add(&fixed, devices[i].name);
        else if (feature == FL_NIC_FEATURE_UNKNOWN)
            fl_names_add(&untold, devices[i].name);
    }
    if (off.n)
        fl_finds(check, FL_CHECK_FAIL,
                 "ethtool -K DEVICE hw-tc-offload on for each; flows that live stay in software "
                 "until they are built anew (flowlift apply)",
                 "hw-tc-offload is off on %s: the NIC refuses every filter there",
                 fl_names_end(&off));
    else if (fixed.n)
        fl_finds(check, FL_CHECK_FAIL, "see whether the driver and its mode have TC offload",
                 "hw-tc-offload is off on %s and cannot be turned on", fl_names_end(&fixed));
    else if (untold.n)
        finds_untold(facts, &untold, "hw-tc-offload", check);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "hw-tc-offload is on wherever it matters");
    fl_names_destroy(&off);
    fl_names_destroy(&fixed);
    fl_names_destroy(&untold);
}

static bool has_tunnels(const struct fl_inventory *inv)
{
    static const char *const types[] = { "vxlan", "geneve", "gre", "erspan" };

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(types); j++) {
            if (!strcmp(inv->interfaces[i].type, types[j]))
                return true;
        }
    }
    return false;
}

/*
 * With inline mode "link" or "network", flows that match deeper into the packet are refused. Source:
 * Linux 6.1, mlx5 en_tc.c parse_cls_flower(), "not offloaded due to min inline setting".
 */
static void judge_details(const struct fl_inventory *inv, const struct offload_device *devices,
                          size_t n, struct fl_check *check)
{
    for (size_t i = 0; i < n; i++) {
        const struct fl_nic_port *nic = devices[i].nic;

        if (nic && (nic->inline_mode == FL_INLINE_LINK || nic->inline_mode == FL_INLINE_NETWORK)) {
            fl_finds(check, FL_CHECK_WARN,
                     "devlink dev eswitch set DEVICE inline-mode transport (no VF may be bound)",
                     "inline mode of %s is %s: flows that match deeper are refused", nic->devlink,
                     fl_inline_mode_name(nic->inline_mode));
            return;
        }
        if (nic && nic->encap == FL_ENCAP_NONE && has_tunnels(inv)) {
            fl_finds(check, FL_CHECK_WARN, "devlink dev eswitch set DEVICE encap-mode basic",
                     "encap mode of %s is none: flows into tunnels are refused", nic->devlink);
            return;
        }
    }
    fl_finds(check, FL_CHECK_OK, NULL, "the eSwitches are in switchdev mode");
}

void fl_judge_eswitch_mode(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                           struct fl_check *check)
{
    struct fl_names untold = FL_NAMES_INIT;
    _cleanup_free struct offload_device *devices = NULL;
    const char *legacy = NULL;
    size_t n;

    if (!has_nic(facts, check))
        return;
    devices = offload_devices(facts, inv, &n);
    for (size_t i = 0; i < n; i++) {
        const struct fl_nic_port *nic = devices[i].nic;

        if (!is_on_eswitch(&devices[i]))
            continue;
        if (nic && nic->eswitch == FL_ESWITCH_LEGACY)
            legacy = legacy ? legacy : nic->devlink;
        else if (!nic || nic->eswitch == FL_ESWITCH_UNKNOWN)
            fl_names_add(&untold, devices[i].name);
    }
    if (legacy)
        fl_finds(check, FL_CHECK_FAIL,
                 "devlink dev eswitch set DEVICE mode switchdev; VMs lose their VFs meanwhile",
                 "the eSwitch of %s is in legacy mode: it takes no flows", legacy);
    else if (untold.n)
        finds_untold(facts, &untold, "the mode of the eSwitch", check);
    else
        judge_details(inv, devices, n, check);
    fl_names_destroy(&untold);
}

static char *id_text(const struct fl_nic_id *id)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < id->n_bytes; i++)
        ds_put_format(&text, "%02x", id->bytes[i]);
    return ds_steal_cstr(&text);
}

void fl_judge_one_eswitch(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                          struct fl_check *check)
{
    _cleanup_free struct offload_device *devices = NULL;
    _cleanup_free const struct fl_nic_port **ports = NULL;
    const struct fl_nic_port *odd = NULL;
    enum fl_nic_same same;
    size_t n, n_ports = 0;

    if (!has_nic(facts, check))
        return;
    devices = offload_devices(facts, inv, &n);
    ports = xcalloc(n + 1, sizeof *ports);
    /* Those whose eSwitch is known first: the sentence compares with the first. */
    for (int known = 1; known >= 0; known--) {
        for (size_t i = 0; i < n; i++) {
            bool is_known = devices[i].nic && devices[i].nic->switch_id.n_bytes;

            if (is_on_eswitch(&devices[i]) && is_known == known)
                ports[n_ports++] = devices[i].nic;
        }
    }
    same = n_ports ? fl_nic_same_eswitch(ports, n_ports, &odd) : FL_NIC_SAME_YES;
    if (same == FL_NIC_SAME_NO) {
        _cleanup_free char *first = id_text(&ports[0]->switch_id),
                           *other = id_text(&odd->switch_id);

        fl_finds(
            check, FL_CHECK_WARN,
            "let each VM's storage traffic leave by the uplink of its own NIC",
            "%s is on eSwitch %s, %s on another (%s): flows between them are never in hardware",
            ports[0]->name, first, odd->name, other);
    } else if (same == FL_NIC_SAME_YES) {
        fl_finds(check, FL_CHECK_OK, NULL,
                 n_ports ? "all ports are on one eSwitch" : "no port is on an eSwitch");
    } else {
        fl_finds(check, FL_CHECK_UNKNOWN, NULL, "the eSwitch (phys_switch_id) of %s is not known",
                 odd ? odd->name : "a port");
    }
}

/* Members of one bond, and whether one eSwitch has them all. */
static bool judge_bond(const struct offload_device *devices, size_t n,
                       const struct fl_interface *bond, struct fl_check *check)
{
    _cleanup_free const struct fl_nic_port **members = xcalloc(n + 1, sizeof *members);
    enum fl_nic_same same;
    size_t n_members = 0;

    for (size_t i = 0; i < n; i++) {
        if (devices[i].iface == bond && devices[i].nic && fl_nic_in_lag(devices[i].nic))
            members[n_members++] = devices[i].nic;
    }
    same = fl_nic_same_eswitch(members, n_members, NULL);
    if (!n_members || same == FL_NIC_SAME_YES)
        return false;
    if (same == FL_NIC_SAME_NO)
        fl_finds(check, FL_CHECK_WARN,
                 "bond ports of one NIC (VF LAG), or use one uplink for storage",
                 "members of %s are on different eSwitches: flows through it are not, or only in "
                 "part, in hardware",
                 bond->name);
    else
        fl_finds(check, FL_CHECK_UNKNOWN, NULL,
                 "it is not known whether the members of %s are of one NIC", bond->name);
    return true;
}

void fl_judge_uplink_bond(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                          struct fl_check *check)
{
    _cleanup_free struct offload_device *devices = NULL;
    const char *bond = NULL;
    size_t n;

    if (!has_nic(facts, check))
        return;
    devices = offload_devices(facts, inv, &n);
    for (size_t i = 0; i < n; i++) {
        const struct offload_device *device = &devices[i];

        if (device->iface->vm >= 0)
            continue;
        if (device->iface->in_bond) {
            fl_finds(
                check, FL_CHECK_WARN,
                "use a bond of the kernel (VF LAG) instead, or mode active-backup",
                "uplink %s is in a bond of Open vSwitch (%s): what balance-tcp hashes is never "
                "in hardware",
                device->name, device->iface->port);
            return;
        }
        if (device->nic && fl_nic_in_lag(device->nic)) {
            bond = device->iface->name;
            if (judge_bond(devices, n, device->iface, check))
                return;
        }
    }
    if (bond)
        fl_finds(check, FL_CHECK_OK, NULL, "%s is a bond of ports of one NIC", bond);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "no uplink is in a bond");
}
