// SPDX-License-Identifier: GPL-2.0
#include "devlink.h"

#include <net/devlink.h>

#include "nic.h"

static int info_get(struct devlink *devlink, struct devlink_info_req *request,
                    struct netlink_ext_ack *extack)
{
    int error = devlink_info_driver_name_put(request, KBUILD_MODNAME);

    if (!error) {
        error = devlink_info_version_fixed_put(request, "fw.psid", "FLW0000000001");
    }
    if (!error) {
        error = devlink_info_version_running_put(request, "fw.version", FLOWNIC_FIRMWARE_VERSION);
    }
    return error;
}

static int eswitch_mode_get(struct devlink *devlink, u16 *mode)
{
    *mode = ((struct flownic_nic *)devlink_priv(devlink))->eswitch_mode;
    return 0;
}

/* A mode that is shown, and taken into account for new rules; the netdevs stay as they are. */
static int eswitch_mode_set(struct devlink *devlink, u16 mode, struct netlink_ext_ack *extack)
{
    ((struct flownic_nic *)devlink_priv(devlink))->eswitch_mode = mode;
    return 0;
}

static int inline_mode_get(struct devlink *devlink, u8 *mode)
{
    *mode = ((struct flownic_nic *)devlink_priv(devlink))->inline_mode;
    return 0;
}

static int inline_mode_set(struct devlink *devlink, u8 mode, struct netlink_ext_ack *extack)
{
    ((struct flownic_nic *)devlink_priv(devlink))->inline_mode = mode;
    return 0;
}

static int encap_mode_get(struct devlink *devlink, enum devlink_eswitch_encap_mode *mode)
{
    *mode = ((struct flownic_nic *)devlink_priv(devlink))->encap_mode;
    return 0;
}

static int encap_mode_set(struct devlink *devlink, enum devlink_eswitch_encap_mode mode,
                          struct netlink_ext_ack *extack)
{
    ((struct flownic_nic *)devlink_priv(devlink))->encap_mode = mode;
    return 0;
}

static const struct devlink_ops ops = {
    .info_get = info_get,
    .eswitch_mode_get = eswitch_mode_get,
    .eswitch_mode_set = eswitch_mode_set,
    .eswitch_inline_mode_get = inline_mode_get,
    .eswitch_inline_mode_set = inline_mode_set,
    .eswitch_encap_mode_get = encap_mode_get,
    .eswitch_encap_mode_set = encap_mode_set,
};

struct flownic_nic *flownic_devlink_allocate(struct platform_device *device)
{
    struct devlink *devlink = devlink_alloc(&ops, sizeof(struct flownic_nic), &device->dev);
    struct flownic_nic *nic;

    if (!devlink) {
        return NULL;
    }
    nic = devlink_priv(devlink);
    nic->device = device;
    nic->eswitch_mode = DEVLINK_ESWITCH_MODE_SWITCHDEV;
    nic->inline_mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
    nic->encap_mode = DEVLINK_ESWITCH_ENCAP_MODE_BASIC;
    return nic;
}

void flownic_devlink_free(struct flownic_nic *nic)
{
    devlink_free(priv_to_devlink(nic));
}

static int register_port(struct flownic_port *port)
{
    const struct flownic_nic *nic = port->nic;
    const struct netdev_phys_item_id switch_id = {
        .id = { 0x02, 0xf1, 0x0e, 0x00, 0x00, 0x00, 0x00, (u8)(nic->index + 1) },
        .id_len = 8,
    };
    int error;

    if (port->index == FLOWNIC_UPLINK) {
        struct devlink_port_attrs attributes = {
            .flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL,
            .phys.port_number = nic->index,
            .switch_id = switch_id,
        };

        devlink_port_attrs_set(&port->devlink_port, &attributes);
    } else {
        port->devlink_port.attrs.switch_id = switch_id;
        devlink_port_attrs_pci_vf_set(&port->devlink_port, 0, (u16)nic->index,
                                      (u16)(port->index - 1), false);
    }
    error = devlink_port_register(priv_to_devlink(port->nic), &port->devlink_port, port->index);
    port->has_devlink_port = !error;
    return error;
}

static void unregister_ports(struct flownic_nic *nic)
{
    unsigned int i;

    for (i = 0; i < nic->n_ports; i++) {
        if (nic->ports[i].has_devlink_port) {
            devlink_port_unregister(&nic->ports[i].devlink_port);
        }
        nic->ports[i].has_devlink_port = false;
    }
}

int flownic_devlink_register(struct flownic_nic *nic)
{
    unsigned int i;

    for (i = 0; i < nic->n_ports; i++) {
        int error = register_port(&nic->ports[i]);

        if (error) {
            unregister_ports(nic);
            return error;
        }
    }
    devlink_register(priv_to_devlink(nic));
    return 0;
}

void flownic_devlink_unregister(struct flownic_nic *nic)
{
    devlink_unregister(priv_to_devlink(nic));
    unregister_ports(nic);
}

void flownic_devlink_port_set_netdev(struct flownic_port *port)
{
    devlink_port_type_eth_set(&port->devlink_port, port->rep);
}

void flownic_devlink_port_clear_netdev(struct flownic_port *port)
{
    if (port->has_devlink_port) {
        devlink_port_type_clear(&port->devlink_port);
    }
}
