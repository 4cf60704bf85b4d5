// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

#include <linux/if_vlan.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "faults.h"
#include "nic.h"
#include "ports.h"

/* this_cpu_add() of a 64-bit counter is one instruction, and a read of it is whole. */
static_assert(BITS_PER_LONG == 64);

static const char *const names[FLOWNIC_N_COUNTS] = {
    [FLOWNIC_HW_RX] = "hw_rx", [FLOWNIC_HW_DROP] = "hw_drop",   [FLOWNIC_MISS] = "miss",
    [FLOWNIC_PUNT] = "punt",   [FLOWNIC_TRAP_HIT] = "trap",     [FLOWNIC_HW_TX] = "hw_tx",
    [FLOWNIC_SW_TX] = "sw_tx", [FLOWNIC_LOST_REP] = "lost_rep", [FLOWNIC_LOST_FAR] = "lost_far",
};

const char *flownic_count_name(unsigned int count)
{
    return count < FLOWNIC_N_COUNTS ? names[count] : NULL;
}

/* Headers that each segment of a large frame carries. */
static unsigned int segment_headers(const struct sk_buff *skb)
{
    const struct skb_shared_info *info = skb_shinfo(skb);

    if (!skb_transport_header_was_set(skb)) {
        return 0;
    }
    if (info->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) {
        return skb_tcp_all_headers(skb);
    }
    return skb_transport_offset(skb) + sizeof(struct udphdr);
}

struct flownic_size flownic_size(const struct sk_buff *skb)
{
    unsigned int tag = skb_vlan_tag_present(skb) ? VLAN_HLEN : 0;
    struct flownic_size size = { .packets = 1, .bytes = skb->len + tag };

    if (skb_is_gso(skb)) {
        unsigned int headers = segment_headers(skb);

        size.packets = skb_shinfo(skb)->gso_segs;
        if (!size.packets) {
            size.packets = DIV_ROUND_UP(skb->len - headers, skb_shinfo(skb)->gso_size);
        }
        size.bytes += (size.packets - 1) * (headers + tag);
    }
    return size;
}

void flownic_count(struct flownic_port *port, enum flownic_count count, struct flownic_size size)
{
    this_cpu_add(port->counts->of[count].packets, size.packets);
    this_cpu_add(port->counts->of[count].bytes, size.bytes);
}

void flownic_counted(const struct flownic_port *port, struct flownic_counts *counts)
{
    int cpu, i;

    memset(counts, 0, sizeof(*counts));
    for_each_possible_cpu(cpu) {
        const struct flownic_counts *here = per_cpu_ptr(port->counts, cpu);

        for (i = 0; i < FLOWNIC_N_COUNTS; i++) {
            counts->of[i].packets += READ_ONCE(here->of[i].packets);
            counts->of[i].bytes += READ_ONCE(here->of[i].bytes);
        }
    }
}

static struct flownic_size came_in(const struct flownic_counts *counts)
{
    const struct flownic_size *of = counts->of;
    struct flownic_size sum = {
        .packets = of[FLOWNIC_HW_RX].packets + of[FLOWNIC_HW_DROP].packets +
                   of[FLOWNIC_MISS].packets,
        .bytes = of[FLOWNIC_HW_RX].bytes + of[FLOWNIC_HW_DROP].bytes + of[FLOWNIC_MISS].bytes,
    };

    return sum;
}

static struct flownic_size went_out(const struct flownic_counts *counts)
{
    const struct flownic_size *of = counts->of;
    struct flownic_size sum = {
        .packets = of[FLOWNIC_HW_TX].packets + of[FLOWNIC_SW_TX].packets,
        .bytes = of[FLOWNIC_HW_TX].bytes + of[FLOWNIC_SW_TX].bytes,
    };

    return sum;
}

void flownic_stats_of_representor(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
    struct flownic_counts counts;
    struct flownic_size in, out;

    flownic_counted(flownic_port_of(dev), &counts);
    in = came_in(&counts);
    out = went_out(&counts);
    stats->rx_packets = in.packets;
    stats->rx_bytes = in.bytes;
    stats->rx_dropped = counts.of[FLOWNIC_LOST_REP].packets;
    stats->tx_packets = out.packets;
    stats->tx_bytes = out.bytes;
}

void flownic_stats_of_far_end(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
    struct flownic_counts counts;
    struct flownic_size in, out, lost;

    flownic_counted(flownic_port_of(dev), &counts);
    in = came_in(&counts);
    out = went_out(&counts);
    lost = counts.of[FLOWNIC_LOST_FAR];
    stats->tx_packets = in.packets;
    stats->tx_bytes = in.bytes;
    stats->rx_packets = out.packets - lost.packets;
    stats->rx_bytes = out.bytes - lost.bytes;
    stats->rx_dropped = lost.packets;
}

bool flownic_has_offload_stats(const struct net_device *dev, int attribute)
{
    return attribute == IFLA_OFFLOAD_XSTATS_CPU_HIT && !flownic_faults_no_cpu_hit();
}

int flownic_offload_stats(int attribute, const struct net_device *dev, void *data)
{
    struct rtnl_link_stats64 *stats = data;
    struct flownic_counts counts;
    const struct flownic_size *of = counts.of;

    if (attribute != IFLA_OFFLOAD_XSTATS_CPU_HIT) {
        return -EINVAL;
    }
    flownic_counted(flownic_port_of(dev), &counts);
    memset(stats, 0, sizeof(*stats));
    stats->rx_packets = of[FLOWNIC_MISS].packets - of[FLOWNIC_LOST_REP].packets;
    stats->rx_bytes = of[FLOWNIC_MISS].bytes - of[FLOWNIC_LOST_REP].bytes;
    stats->rx_dropped = of[FLOWNIC_LOST_REP].packets;
    stats->tx_packets = of[FLOWNIC_SW_TX].packets;
    stats->tx_bytes = of[FLOWNIC_SW_TX].bytes;
    return 0;
}
