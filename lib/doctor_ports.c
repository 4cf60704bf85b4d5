/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of the interfaces: errors, which of them are VMs', and whether a NIC is behind those.
 */

#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "lib/doctor_names.h"
#include "lib/doctor_visit.h"

void fl_check_interfaces(struct fl_visit *visit, struct fl_check *check)
{
    struct fl_names bad = FL_NAMES_INIT;
    const char *first = NULL;

    if (!fl_visit_has_database(visit, check))
        return;
    for (size_t i = 0; i < visit->inv.n_interfaces; i++) {
        const struct fl_interface *interface = &visit->inv.interfaces[i];

        if (interface->error && *interface->error) {
            first = first ? first : interface->error;
            fl_names_add(&bad, interface->name);
        }
    }
    if (bad.n)
        fl_finds(check, FL_CHECK_FAIL, "mend or delete the interface: ovs-vsctl show",
                 "%zu interface%s with an error: %s (%s)", bad.n, bad.n == 1 ? "" : "s",
                 fl_names_end(&bad), first);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "no interface of %zu has an error",
                 visit->inv.n_interfaces);
    fl_names_destroy(&bad);
}

static size_t n_vm_interfaces(const struct fl_inventory *inv)
{
    size_t n = 0;

    for (size_t i = 0; i < inv->n_vms; i++)
        n += inv->vms[i].n_interfaces;
    return n;
}

/* An interface of a VM by its place in the list of all, or NULL when it is not a VM's. */
static const struct fl_interface *vm_interface(const struct fl_inventory *inv, size_t i)
{
    return inv->interfaces[i].vm >= 0 ? &inv->interfaces[i] : NULL;
}

void fl_check_vm_ids(struct fl_visit *visit, struct fl_check *check)
{
    const struct fl_inventory *inv = &visit->inv;
    struct fl_names without_mac = FL_NAMES_INIT;
    struct ds keys = DS_EMPTY_INITIALIZER;

    if (!fl_visit_has_database(visit, check))
        return;
    for (char **key = visit->config.id_keys; *key; key++)
        ds_put_format(&keys, "%s%s", keys.length ? ", " : "", *key);
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        struct eth_addr mac;

        if (vm_interface(inv, i) && !fl_interface_mac(&inv->interfaces[i], &mac))
            fl_names_add(&without_mac, inv->interfaces[i].name);
    }
    if (!inv->n_vms)
        fl_finds(check, FL_CHECK_WARN,
                 "set external_ids:vm-id on the VMs' interfaces, or name your key in [vm] id-keys",
                 "no interface is known to be a VM's: none has any of external_ids %s",
                 ds_cstr(&keys));
    else if (without_mac.n)
        fl_finds(check, FL_CHECK_WARN, "set external_ids:attached-mac on them",
                 "%zu VM%s found; the MAC is not known of %s", inv->n_vms,
                 inv->n_vms == 1 ? "" : "s", fl_names_end(&without_mac));
    else
        fl_finds(check, FL_CHECK_OK, NULL, "%zu VM%s on %zu interface%s", inv->n_vms,
                 inv->n_vms == 1 ? "" : "s", n_vm_interfaces(inv),
                 n_vm_interfaces(inv) == 1 ? "" : "s");
    fl_names_destroy(&without_mac);
    ds_destroy(&keys);
}

/* Types that no NIC is behind. */
static bool is_software_port(const struct fl_interface *interface)
{
    static const char *const types[] = {
        "tap", "internal", "dpdkvhostuser", "dpdkvhostuserclient", "patch", "dpdkr",
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(interface->type, types[i]))
            return true;
    }
    return false;
}

void fl_check_vm_ports(struct fl_visit *visit, struct fl_check *check)
{
    const struct fl_inventory *inv = &visit->inv;
    struct fl_names software = FL_NAMES_INIT;
    const char *type = NULL;

    if (!fl_visit_has_database(visit, check))
        return;
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        const struct fl_interface *interface = vm_interface(inv, i);

        if (interface && is_software_port(interface)) {
            type = type ? type : interface->type;
            fl_names_add(&software, interface->name);
        }
    }
    if (software.n)
        fl_finds(check, FL_CHECK_WARN, "give these VMs a representor (SR-IOV or vDPA)",
                 "no NIC is behind %s (type %s): their traffic is never in hardware",
                 fl_names_end(&software), type);
    else if (!inv->n_vms)
        fl_finds(check, FL_CHECK_OK, NULL, "no VM's interface to look at");
    else
        fl_finds(check, FL_CHECK_OK, NULL, "every VM's interface can have a NIC behind it");
    fl_names_destroy(&software);
}
