// SPDX-License-Identifier: GPL-2.0
/*
 * flownic: simulated SR-IOV NICs in switchdev mode, with TC flower offload.
 *
 * What a rule forwards goes from its VF to its target without any representor or TC seeing it,
 * as in the hardware. See README.md.
 */
#include "main.h"

#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "debugfs.h"
#include "devlink.h"
#include "faults.h"
#include "nic.h"
#include "ports.h"
#include "tc.h"

static unsigned int n_vfs = 4;
module_param(n_vfs, uint, 0444);
MODULE_PARM_DESC(n_vfs, "VFs of each NIC, up to 256");

static unsigned int n_nics = 1;
module_param(n_nics, uint, 0444);
MODULE_PARM_DESC(n_nics, "NICs, 1 or 2");

static unsigned int max_rules = 65536;
module_param(max_rules, uint, 0444);
MODULE_PARM_DESC(max_rules, "rules that each NIC has room for");

static struct flownic_nic *nics[FLOWNIC_MAX_NICS];

/* Never bound to anything but ours: it gives the devices a driver to show. */
static struct platform_driver driver = {
    .driver = { .name = KBUILD_MODNAME },
};

struct flownic_nic *flownic_nic(unsigned int index)
{
    return index < FLOWNIC_MAX_NICS ? nics[index] : NULL;
}

static void free_ports(struct flownic_nic *nic)
{
    unsigned int i;

    for (i = 0; i < nic->n_ports; i++) {
        free_percpu(nic->ports[i].counts);
    }
    kvfree(nic->ports);
}

static int allocate_ports(struct flownic_nic *nic)
{
    unsigned int i;

    nic->ports = kvcalloc(n_vfs + 1, sizeof(*nic->ports), GFP_KERNEL);
    if (!nic->ports) {
        return -ENOMEM;
    }
    nic->n_ports = n_vfs + 1;
    for (i = 0; i < nic->n_ports; i++) {
        struct flownic_port *port = &nic->ports[i];

        port->nic = nic;
        port->index = i;
        INIT_LIST_HEAD(&port->groups);
        port->counts = alloc_percpu(struct flownic_counts);
        if (!port->counts) {
            return -ENOMEM; /* free_percpu(NULL) is fine */
        }
    }
    return 0;
}

/* All of a NIC that no user can see. Return: the NIC, or an error. */
static struct flownic_nic *allocate_nic(struct platform_device *device, unsigned int index)
{
    struct flownic_nic *nic = flownic_devlink_allocate(device);
    int error;

    if (!nic) {
        return ERR_PTR(-ENOMEM);
    }
    nic->index = index;
    error = flownic_table_init(&nic->table);
    if (error) {
        flownic_devlink_free(nic);
        return ERR_PTR(error);
    }
    error = allocate_ports(nic);
    if (error) {
        free_ports(nic);
        flownic_table_free(&nic->table);
        flownic_devlink_free(nic);
        return ERR_PTR(error);
    }
    return nic;
}

static void free_nic(struct flownic_nic *nic)
{
    struct platform_device *device = nic->device;

    flownic_ports_free(nic);
    flownic_table_free(&nic->table);
    free_ports(nic);
    flownic_devlink_free(nic);
    platform_device_unregister(device);
}

/* A NIC that stands in nics[] is to be destroyed, whatever it lacks. */
static int create_nic(unsigned int index)
{
    struct platform_device *device;
    struct flownic_nic *nic;
    int error;

    device = platform_device_register_simple(KBUILD_MODNAME, (int)index, NULL, 0);
    if (IS_ERR(device)) {
        return PTR_ERR(device);
    }
    nic = allocate_nic(device, index);
    if (IS_ERR(nic)) {
        platform_device_unregister(device);
        return PTR_ERR(nic);
    }
    error = flownic_devlink_register(nic);
    if (error) {
        free_nic(nic);
        return error;
    }
    flownic_tc_start(nic);
    nics[index] = nic;
    return flownic_ports_create(nic, index * n_vfs);
}

static void destroy_all(void)
{
    unsigned int i, j;

    for (i = 0; i < FLOWNIC_MAX_NICS; i++) {
        for (j = 0; nics[i] && j < nics[i]->n_ports; j++) {
            flownic_devlink_port_clear_netdev(&nics[i]->ports[j]);
        }
    }
    flownic_ports_unregister(nics, FLOWNIC_MAX_NICS);
    for (i = 0; i < FLOWNIC_MAX_NICS; i++) {
        if (nics[i]) {
            flownic_tc_stop(nics[i]);
            flownic_devlink_unregister(nics[i]);
            free_nic(nics[i]);
            nics[i] = NULL;
        }
    }
}

static int __init flownic_init(void)
{
    unsigned int i;
    int error;

    if (n_nics < 1 || n_nics > FLOWNIC_MAX_NICS || n_vfs > FLOWNIC_MAX_VFS) {
        return -EINVAL;
    }
    flownic_faults_init(max_rules);
    error = platform_driver_register(&driver);
    if (error) {
        return error;
    }
    for (i = 0; i < n_nics; i++) {
        error = create_nic(i);
        if (error) {
            destroy_all();
            platform_driver_unregister(&driver);
            return error;
        }
    }
    flownic_debugfs_create();
    return 0;
}

static void __exit flownic_exit(void)
{
    flownic_debugfs_remove();
    destroy_all();
    platform_driver_unregister(&driver);
}

module_init(flownic_init);
module_exit(flownic_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated SR-IOV NICs in switchdev mode with TC flower offload");
