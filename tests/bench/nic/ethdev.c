/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define MAX_MTU 1900 /* with headers and tags, a frame fits FLOWNIC_FRAME_BYTES */

/* ---- Receive and transmit: called by the switch's own threads ---- */

static bool fill_mbuf(struct rte_mbuf *mbuf, const struct flownic_queued_frame *frame,
                      uint16_t port)
{
    char *data = rte_pktmbuf_append(mbuf, (uint16_t)frame->bytes);

    if (!data) {
        return false;
    }
    memcpy(data, frame->data, frame->bytes);
    mbuf->port = port;
    if (frame->is_marked) {
        mbuf->hash.fdir.hi = frame->mark;
        mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
    }
    return true;
}

static uint16_t receive(void *queue, struct rte_mbuf **mbufs, uint16_t wanted)
{
    struct flownic_queue *rx = queue;
    struct flownic_port *port = &rx->port->port;
    const struct flownic_queued_frame *frame;
    uint16_t n = 0;

    if (rx->id) {
        return 0; /* the hardware knows one queue */
    }
    while (n < wanted && (frame = flownic_frame_queue_first(&port->to_software))) {
        struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rx->pool);

        if (!mbuf) {
            break;
        }
        if (fill_mbuf(mbuf, frame, (uint16_t)port->id)) {
            rx->stats.packets++;
            rx->stats.bytes += frame->bytes;
            mbufs[n++] = mbuf;
        } else {
            rte_pktmbuf_free(mbuf);
        }
        flownic_frame_queue_drop_first(&port->to_software);
    }
    return n;
}

static uint16_t transmit(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
    struct flownic_queue *tx = queue;
    struct flownic_port *port = &tx->port->port;

    for (uint16_t i = 0; i < n; i++) {
        uint8_t buffer[FLOWNIC_FRAME_BYTES];
        const void *data = NULL;

        if (mbufs[i]->pkt_len <= sizeof buffer) {
            data = rte_pktmbuf_read(mbufs[i], 0, mbufs[i]->pkt_len, buffer);
        }
        if (data && !flownic_wire_send(&port->wire, data, mbufs[i]->pkt_len)) {
            tx->stats.packets++;
            tx->stats.bytes += mbufs[i]->pkt_len;
        } else {
            __atomic_add_fetch(&port->send_failed, 1, __ATOMIC_RELAXED);
        }
        rte_pktmbuf_free(mbufs[i]);
    }
    return n;
}

/* ---- Control ---- */

static int accept_configuration(struct rte_eth_dev *device __rte_unused)
{
    return 0;
}

static int start(struct rte_eth_dev *device)
{
    device->data->dev_link.link_status = RTE_ETH_LINK_UP;
    return 0;
}

static int stop(struct rte_eth_dev *device)
{
    device->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
    return 0;
}

static int close_port(struct rte_eth_dev *device)
{
    flownic_driver_release(device->data->dev_private);
    device->data->mac_addrs = NULL; /* lies in the private data */
    return 0;
}

static int link_update(struct rte_eth_dev *device __rte_unused, int wait __rte_unused)
{
    return 0;
}

static int mtu_set(struct rte_eth_dev *device __rte_unused, uint16_t mtu)
{
    return mtu <= MAX_MTU ? 0 : -EINVAL;
}

static int mac_set(struct rte_eth_dev *device __rte_unused, struct rte_ether_addr *mac __rte_unused)
{
    return 0;
}

static int infos_get(struct rte_eth_dev *device, struct rte_eth_dev_info *info)
{
    const struct flownic_driver_port *port = device->data->dev_private;

    info->max_mac_addrs = 1;
    info->min_mtu = RTE_ETHER_MIN_MTU;
    info->max_mtu = MAX_MTU;
    info->max_rx_pktlen = FLOWNIC_FRAME_BYTES;
    info->max_rx_queues = FLOWNIC_MAX_QUEUES;
    info->max_tx_queues = FLOWNIC_MAX_QUEUES;
    info->switch_info.name = "flownic";
    info->switch_info.domain_id = port->nic->switch_domain;
    info->switch_info.port_id = (uint16_t)port->port.id;
    return 0;
}

static int rx_queue_setup(struct rte_eth_dev *device, uint16_t id,
                          uint16_t descriptors __rte_unused, unsigned int socket __rte_unused,
                          const struct rte_eth_rxconf *conf __rte_unused, struct rte_mempool *pool)
{
    struct flownic_driver_port *port = device->data->dev_private;

    port->rx[id].port = port;
    port->rx[id].pool = pool;
    port->rx[id].id = id;
    device->data->rx_queues[id] = &port->rx[id];
    return 0;
}

static int tx_queue_setup(struct rte_eth_dev *device, uint16_t id,
                          uint16_t descriptors __rte_unused, unsigned int socket __rte_unused,
                          const struct rte_eth_txconf *conf __rte_unused)
{
    struct flownic_driver_port *port = device->data->dev_private;

    port->tx[id].port = port;
    port->tx[id].id = id;
    device->data->tx_queues[id] = &port->tx[id];
    return 0;
}

/* ---- Statistics ---- */

/* As a representor's: what went through software. The hardware's own are xstats. */
static int stats_get(struct rte_eth_dev *device, struct rte_eth_stats *stats)
{
    const struct flownic_driver_port *port = device->data->dev_private;

    for (size_t i = 0; i < FLOWNIC_MAX_QUEUES; i++) {
        stats->ipackets += port->rx[i].stats.packets;
        stats->ibytes += port->rx[i].stats.bytes;
        stats->opackets += port->tx[i].stats.packets;
        stats->obytes += port->tx[i].stats.bytes;
    }
    stats->imissed = port->port.software_missed;
    stats->oerrors = port->port.send_failed;
    return 0;
}

struct xstat {
    const char *name;
    size_t offset;
};

#define XSTAT(MEMBER)                                                      \
    {                                                                      \
        "flownic_" #MEMBER, offsetof(struct flownic_port_counters, MEMBER) \
    }

static const struct xstat xstats[] = {
    XSTAT(rules),           XSTAT(created),         XSTAT(destroyed),      XSTAT(refused),
    XSTAT(hw_fwd_packets),  XSTAT(hw_fwd_bytes),    XSTAT(hw_out_packets), XSTAT(hw_out_bytes),
    XSTAT(hw_drop_packets), XSTAT(hw_mark_packets), XSTAT(miss_packets),
};

static int xstats_get_names(struct rte_eth_dev *device __rte_unused,
                            struct rte_eth_xstat_name *names, unsigned int size)
{
    for (unsigned int i = 0; names && i < size && i < RTE_DIM(xstats); i++) {
        snprintf(names[i].name, sizeof names[i].name, "%s", xstats[i].name);
    }
    return RTE_DIM(xstats);
}

static int xstats_get(struct rte_eth_dev *device, struct rte_eth_xstat *values, unsigned int size)
{
    const struct flownic_driver_port *port = device->data->dev_private;
    struct flownic_port_counters counters =
        flownic_eswitch_port_counters(flownic_driver_eswitch(port), port->port.id);

    for (unsigned int i = 0; values && i < size && i < RTE_DIM(xstats); i++) {
        values[i].id = i;
        memcpy(&values[i].value, (const char *)&counters + xstats[i].offset,
               sizeof values[i].value);
    }
    return RTE_DIM(xstats);
}

static int flow_ops_get(struct rte_eth_dev *device __rte_unused, const struct rte_flow_ops **ops)
{
    *ops = &flownic_flow_ops;
    return 0;
}

static const struct eth_dev_ops ethdev_ops = {
    .dev_configure = accept_configuration,
    .dev_start = start,
    .dev_stop = stop,
    .dev_close = close_port,
    .dev_infos_get = infos_get,
    .rx_queue_setup = rx_queue_setup,
    .tx_queue_setup = tx_queue_setup,
    .link_update = link_update,
    .stats_get = stats_get,
    .xstats_get = xstats_get,
    .xstats_get_names = xstats_get_names,
    .mtu_set = mtu_set,
    .mac_addr_set = mac_set,
    .promiscuous_enable = accept_configuration,
    .promiscuous_disable = accept_configuration,
    .allmulticast_enable = accept_configuration,
    .allmulticast_disable = accept_configuration,
    .flow_ops_get = flow_ops_get,
};

void flownic_ethdev_init(struct rte_eth_dev *device)
{
    struct flownic_driver_port *port = device->data->dev_private;

    device->data->mac_addrs = &port->mac;
    device->data->dev_link = (struct rte_eth_link){
        .link_speed = RTE_ETH_SPEED_NUM_25G,
        .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
    };
    device->data->promiscuous = 1;
    device->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
    device->dev_ops = &ethdev_ops;
    device->rx_pkt_burst = receive;
    device->tx_pkt_burst = transmit;
}
