/* SPDX-License-Identifier: GPL-2.0 */
/* stats: what each port of the eSwitch counted, a counter for each CPU, and what netdevs show. */
#ifndef FLOWNIC_STATS_H
#define FLOWNIC_STATS_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/types.h>

struct flownic_port;

enum flownic_count {
    FLOWNIC_HW_RX,    /* came in here and was sent on by a rule */
    FLOWNIC_HW_DROP,  /* came in here and was dropped by a rule */
    FLOWNIC_MISS,     /* came in here and went to software */
    FLOWNIC_PUNT,     /* of these, those that a rule would have sent on: see faults.h */
    FLOWNIC_TRAP_HIT, /* of these, those that a rule sent to software */
    FLOWNIC_HW_TX,    /* sent out here by a rule of some port */
    FLOWNIC_SW_TX,    /* sent out here by software */
    FLOWNIC_LOST_REP, /* of what went to software: the representor did not take it */
    FLOWNIC_LOST_FAR, /* of what was sent out: the VF or the wire did not take it */
    FLOWNIC_N_COUNTS,
};

/* As on the wire: a large frame that a real NIC cuts into segments is so many packets. */
struct flownic_size {
    u64 packets;
    u64 bytes;
};

struct flownic_counts {
    struct flownic_size of[FLOWNIC_N_COUNTS];
};

/**
 * flownic_size() - what a frame counts
 * @skb: its data begins with the Ethernet header
 *
 * Return: packets, and bytes with Ethernet headers and VLAN tags, without FCS.
 */
struct flownic_size flownic_size(const struct sk_buff *skb);

/**
 * flownic_count() - count a frame
 * @port: where
 * @count: as what
 * @size: of the frame
 */
void flownic_count(struct flownic_port *port, enum flownic_count count, struct flownic_size size);

/**
 * flownic_counted() - the sums over all CPUs
 * @port: where
 * @counts: receives them
 */
void flownic_counted(const struct flownic_port *port, struct flownic_counts *counts);

/**
 * flownic_count_name() - what a counter is called
 * @count: its number
 *
 * Return: constant; NULL when there are no more.
 */
const char *flownic_count_name(unsigned int count);

/**
 * flownic_stats_of_representor() - ndo_get_stats64: the hardware's counters of the port
 * @dev: a representor
 * @stats: receives them
 *
 * Source: mlx5e_rep_update_hw_counters(), Linux 6.1: received is what the VF sent.
 */
void flownic_stats_of_representor(struct net_device *dev, struct rtnl_link_stats64 *stats);

/**
 * flownic_stats_of_far_end() - ndo_get_stats64 of a VF or of a wire's far end
 * @dev: the device
 * @stats: receives them
 */
void flownic_stats_of_far_end(struct net_device *dev, struct rtnl_link_stats64 *stats);

/**
 * flownic_has_offload_stats() - ndo_has_offload_stats
 * @dev: a representor
 * @attribute: IFLA_OFFLOAD_XSTATS_*
 *
 * Return: whether flownic_offload_stats() tells.
 */
bool flownic_has_offload_stats(const struct net_device *dev, int attribute);

/**
 * flownic_offload_stats() - ndo_get_offload_stats: what the representor itself sent and received
 * @attribute: IFLA_OFFLOAD_XSTATS_CPU_HIT
 * @dev: a representor
 * @data: a struct rtnl_link_stats64, receives it
 *
 * Return: 0; -EINVAL for another attribute.
 */
int flownic_offload_stats(int attribute, const struct net_device *dev, void *data);

#endif
