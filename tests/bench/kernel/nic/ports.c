// SPDX-License-Identifier: GPL-2.0
#include "ports.h"

#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "devlink.h"
#include "eswitch.h"
#include "main.h"
#include "nic.h"
#include "stats.h"
#include "tc.h"

#define MAX_MTU 9216

/* The third byte of a MAC address. */
enum side { SIDE_FAR = 0x01, SIDE_REPRESENTOR = 0x02 };

struct priv {
    struct flownic_port *port;
};

struct flownic_port *flownic_port_of(const struct net_device *dev)
{
    return ((const struct priv *)netdev_priv(dev))->port;
}

static int open(struct net_device *dev)
{
    netif_carrier_on(dev);
    return 0;
}

static int stop(struct net_device *dev)
{
    netif_carrier_off(dev);
    return 0;
}

static netdev_tx_t far_xmit(struct sk_buff *skb, struct net_device *dev)
{
    skb_tx_timestamp(skb);
    flownic_eswitch_receive(flownic_port_of(dev), skb);
    return NETDEV_TX_OK;
}

static netdev_tx_t representor_xmit(struct sk_buff *skb, struct net_device *dev)
{
    skb_tx_timestamp(skb);
    flownic_eswitch_transmit(flownic_port_of(dev), skb);
    return NETDEV_TX_OK;
}

/* phys_switch_id and phys_port_name are made from it: without it a netdev has neither. */
static struct devlink_port *representor_devlink_port(struct net_device *dev)
{
    struct flownic_port *port = flownic_port_of(dev);

    return port->nic->eswitch_mode == DEVLINK_ESWITCH_MODE_SWITCHDEV ? &port->devlink_port : NULL;
}

static const struct net_device_ops representor_ops = {
    .ndo_open = open,
    .ndo_stop = stop,
    .ndo_start_xmit = representor_xmit,
    .ndo_setup_tc = flownic_tc_setup,
    .ndo_get_stats64 = flownic_stats_of_representor,
    .ndo_has_offload_stats = flownic_has_offload_stats,
    .ndo_get_offload_stats = flownic_offload_stats,
    .ndo_get_devlink_port = representor_devlink_port,
    .ndo_set_mac_address = eth_mac_addr,
    .ndo_validate_addr = eth_validate_addr,
};

static const struct net_device_ops far_ops = {
    .ndo_open = open,
    .ndo_stop = stop,
    .ndo_start_xmit = far_xmit,
    .ndo_get_stats64 = flownic_stats_of_far_end,
    .ndo_set_mac_address = eth_mac_addr,
    .ndo_validate_addr = eth_validate_addr,
};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
    strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
    strscpy(info->fw_version, FLOWNIC_FIRMWARE_VERSION, sizeof(info->fw_version));
    strscpy(info->bus_info, dev_name(&flownic_port_of(dev)->nic->device->dev),
            sizeof(info->bus_info));
}

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
    settings->base.speed = SPEED_100000;
    settings->base.duplex = DUPLEX_FULL;
    settings->base.port = PORT_FIBRE;
    settings->base.autoneg = AUTONEG_DISABLE;
    return 0;
}

static const struct ethtool_ops ethtool_ops = {
    .get_drvinfo = get_drvinfo,
    .get_link = ethtool_op_get_link,
    .get_link_ksettings = get_link_ksettings,
};

/* As veth does it: what one end leaves undone, the other end need not have done. */
static void setup(struct net_device *dev)
{
    const netdev_features_t vlan = NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_STAG_TX |
                                   NETIF_F_HW_VLAN_CTAG_RX | NETIF_F_HW_VLAN_STAG_RX;

    ether_setup(dev);
    dev->max_mtu = MAX_MTU;
    dev->ethtool_ops = &ethtool_ops;
    dev->priv_flags &= ~IFF_TX_SKB_SHARING;
    dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
    dev->features = NETIF_F_LLTX | NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA |
                    NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC | NETIF_F_RXCSUM | NETIF_F_GSO_SOFTWARE |
                    vlan;
    dev->vlan_features = dev->features & ~vlan;
    dev->hw_features = dev->features & ~NETIF_F_LLTX;
    dev->hw_enc_features = dev->features;
}

static struct net_device *allocate(struct flownic_port *port, enum side side, const char *name)
{
    bool is_representor = side == SIDE_REPRESENTOR;
    const u8 address[ETH_ALEN] = {
        0x02, 0xf1, side, (u8)port->nic->index, (u8)(port->index >> 8), (u8)port->index,
    };
    struct net_device *dev = alloc_netdev(sizeof(struct priv), name, NET_NAME_USER, setup);

    if (!dev) {
        return NULL;
    }
    ((struct priv *)netdev_priv(dev))->port = port;
    eth_hw_addr_set(dev, address);
    SET_NETDEV_DEV(dev, &port->nic->device->dev);
    dev->netdev_ops = is_representor ? &representor_ops : &far_ops;
    if (is_representor) {
        dev->features |= NETIF_F_HW_TC;
        dev->hw_features |= NETIF_F_HW_TC;
    }
    netif_carrier_off(dev);
    return dev;
}

/* Both are there, and the port knows them, before a user can bring up the first. */
static int create_pair(struct flownic_port *port, unsigned int number)
{
    bool is_uplink = port->index == FLOWNIC_UPLINK;
    char name[IFNAMSIZ];
    int error;

    snprintf(name, sizeof(name), is_uplink ? "uplink%u" : "rep%u", number);
    port->rep = allocate(port, SIDE_REPRESENTOR, name);
    snprintf(name, sizeof(name), is_uplink ? "wire%u" : "vf%u", number);
    port->far = allocate(port, SIDE_FAR, name);
    if (!port->rep || !port->far) {
        return -ENOMEM;
    }
    error = register_netdev(port->far);
    if (!error) {
        error = register_netdev(port->rep);
    }
    if (!error) {
        flownic_devlink_port_set_netdev(port);
    }
    return error;
}

int flownic_ports_create(struct flownic_nic *nic, unsigned int first_vf)
{
    unsigned int i;

    for (i = 0; i < nic->n_ports; i++) {
        unsigned int number = i == FLOWNIC_UPLINK ? nic->index : first_vf + i - 1;
        int error = create_pair(&nic->ports[i], number);

        if (error) {
            return error;
        }
    }
    return 0;
}

static void queue(struct net_device *dev, struct list_head *leaving)
{
    if (dev && dev->reg_state == NETREG_REGISTERED) {
        unregister_netdevice_queue(dev, leaving);
    }
}

void flownic_ports_unregister(struct flownic_nic *const nics[], unsigned int n_nics)
{
    LIST_HEAD(leaving);
    unsigned int i, j;

    rtnl_lock();
    for (i = 0; i < n_nics; i++) {
        for (j = 0; nics[i] && j < nics[i]->n_ports; j++) {
            queue(nics[i]->ports[j].rep, &leaving);
            queue(nics[i]->ports[j].far, &leaving);
        }
    }
    unregister_netdevice_many(&leaving);
    rtnl_unlock();
    synchronize_net();
}

void flownic_ports_free(struct flownic_nic *nic)
{
    unsigned int i;

    for (i = 0; i < nic->n_ports; i++) {
        if (nic->ports[i].far) {
            free_netdev(nic->ports[i].far);
        }
        if (nic->ports[i].rep) {
            free_netdev(nic->ports[i].rep);
        }
    }
}

struct flownic_port *flownic_ports_by_representor(const struct net_device *dev)
{
    return dev && dev->netdev_ops == &representor_ops ? flownic_port_of(dev) : NULL;
}

void flownic_ports_for_each(flownic_port_visitor *visit, void *context)
{
    struct flownic_nic *nic;
    unsigned int i, j;

    for (i = 0; (nic = flownic_nic(i)); i++) {
        for (j = 0; j < nic->n_ports; j++) {
            visit(&nic->ports[j], context);
        }
    }
}

struct search {
    const char *name;
    struct flownic_port *found;
};

static void compare_name(struct flownic_port *port, void *context)
{
    struct search *search = context;

    if (!strcmp(port->rep->name, search->name)) {
        search->found = port;
    }
}

struct flownic_port *flownic_ports_by_name(const char *name)
{
    struct search search = { .name = name };

    flownic_ports_for_each(compare_name, &search);
    return search.found;
}
