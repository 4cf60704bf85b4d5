/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_kvargs.h>

RTE_LOG_REGISTER_SUFFIX(flownic_log_type, flownic, NOTICE);

static struct flownic_nic nics[FLOWNIC_MAX_NICS];
static struct flownic_driver_port *ports[FLOWNIC_MAX_PORTS];

static const char *const arguments[] = { "iface", "access", "nic", "mac", "fault", NULL };

struct flownic_driver_port *flownic_driver_port(uint32_t id)
{
    return id < FLOWNIC_MAX_PORTS ? ports[id] : NULL;
}

struct flownic_nic *flownic_driver_nic(uint32_t number)
{
    return number < FLOWNIC_MAX_NICS && nics[number].n_ports ? &nics[number] : NULL;
}

struct flownic_eswitch *flownic_driver_eswitch(const struct flownic_driver_port *port)
{
    return flownic_hardware_eswitch(port->nic->hardware);
}

/* ---- Arguments ---- */

static int read_link(const char *key, const char *value, void *context)
{
    struct flownic_driver_port *port = context;
    const char *wrong = "";
    int error = flownic_wire_add(&port->port.wire, value, &wrong);

    if (error) {
        FLOWNIC_LOG(ERR, "%s: %s=%s: %s: %s", port->name, key, value, wrong, strerror(-error));
    }
    return error;
}

static int read_nic(const char *key __rte_unused, const char *value, void *context)
{
    struct flownic_driver_port *port = context;

    port->nic_number = (uint32_t)strtoul(value, NULL, 10);
    return port->nic_number < FLOWNIC_MAX_NICS ? 0 : -ERANGE;
}

static int read_mac(const char *key __rte_unused, const char *value, void *context)
{
    struct flownic_driver_port *port = context;

    return rte_ether_unformat_addr(value, &port->mac);
}

static int read_fault(const char *key __rte_unused, const char *value, void *context)
{
    struct flownic_driver_port *port = context;
    const char *wrong = flownic_eswitch_set_fault(flownic_driver_eswitch(port), value);

    if (wrong) {
        FLOWNIC_LOG(ERR, "%s: fault=%s: %s", port->name, value, wrong);
        return -EINVAL;
    }
    return 0;
}

/* ---- NICs ---- */

static int nic_join(struct flownic_driver_port *port)
{
    struct flownic_nic *nic = &nics[port->nic_number];

    if (!nic->n_ports) {
        nic->hardware = flownic_hardware_create();
        if (!nic->hardware) {
            return -ENOMEM;
        }
        rte_eth_switch_domain_alloc(&nic->switch_domain);
    }
    nic->n_ports++;
    port->nic = nic;
    return 0;
}

static void nic_leave(struct flownic_driver_port *port)
{
    struct flownic_nic *nic = port->nic;

    port->nic = NULL;
    if (!--nic->n_ports) {
        flownic_hardware_destroy(nic->hardware);
        rte_eth_switch_domain_free(nic->switch_domain);
        memset(nic, 0, sizeof *nic);
    }
}

void flownic_driver_release(struct flownic_driver_port *port)
{
    if (!port->nic) {
        return; /* closed before */
    }
    flownic_hardware_detach(port->nic->hardware, &port->port);
    flownic_eswitch_flush(flownic_driver_eswitch(port), port->port.id);
    ports[port->port.id] = NULL;
    nic_leave(port);
    flownic_wire_close(&port->port.wire);
    flownic_frame_queue_destroy(&port->port.to_software);
}

static int plug_in(struct flownic_driver_port *port, struct rte_kvargs *given)
{
    int error = rte_kvargs_process(given, "nic", read_nic, port);

    if (!error) {
        error = rte_kvargs_process(given, "mac", read_mac, port);
    }
    if (!error) {
        error = flownic_frame_queue_init(&port->port.to_software);
    }
    if (!error) {
        error = nic_join(port);
    }
    if (error) {
        return error;
    }
    ports[port->port.id] = port;
    error = rte_kvargs_process(given, "iface", read_link, port);
    if (!error) {
        error = rte_kvargs_process(given, "access", read_link, port);
    }
    if (!error) {
        error = rte_kvargs_process(given, "fault", read_fault, port);
    }
    if (!error) {
        error = flownic_hardware_attach(port->nic->hardware, &port->port);
    }
    if (error) {
        flownic_driver_release(port);
    }
    return error;
}

/* ---- Devices ---- */

static int create_port(struct rte_vdev_device *vdev, struct rte_kvargs *given)
{
    struct flownic_driver_port *port;
    struct rte_eth_dev *device = rte_eth_vdev_allocate(vdev, sizeof *port);
    int error;

    if (!device) {
        return -ENOMEM;
    }
    port = device->data->dev_private;
    port->port.id = device->data->port_id;
    snprintf(port->name, sizeof port->name, "%s", rte_vdev_device_name(vdev));
    rte_eth_random_addr(port->mac.addr_bytes);
    error = plug_in(port, given);
    if (error) {
        flownic_frame_queue_destroy(&port->port.to_software);
        device->data->mac_addrs = NULL;
        rte_eth_dev_release_port(device);
        return error;
    }
    flownic_ethdev_init(device);
    rte_eth_dev_probing_finish(device);
    FLOWNIC_LOG(INFO, "%s is port %u of NIC %u", port->name, port->port.id, port->nic_number);
    return 0;
}

static int probe(struct rte_vdev_device *vdev)
{
    struct rte_kvargs *given;
    int error;

    if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
        return -ENOTSUP;
    }
    given = rte_kvargs_parse(rte_vdev_device_args(vdev), arguments);
    if (!given) {
        return -EINVAL;
    }
    error = create_port(vdev, given);
    rte_kvargs_free(given);
    return error;
}

static int remove_port(struct rte_vdev_device *vdev)
{
    struct rte_eth_dev *device = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

    if (device) {
        flownic_driver_release(device->data->dev_private);
        device->data->mac_addrs = NULL;
        rte_eth_dev_release_port(device);
    }
    return 0;
}

static struct rte_vdev_driver driver = { .probe = probe, .remove = remove_port };
RTE_PMD_REGISTER_VDEV(net_flownic, driver);
RTE_PMD_REGISTER_PARAM_STRING(net_flownic, "iface=<tap[@netns]> access=<tap[@netns]:vlan> "
                                           "nic=<0-7> mac=<addr> fault=<name:value>");
