/* SPDX-License-Identifier: GPL-2.0 */
/* tc: where TC offers its flower filters, and asks for their counters. */
#ifndef FLOWNIC_TC_H
#define FLOWNIC_TC_H

#include <linux/netdevice.h>

struct flownic_nic;

/**
 * flownic_tc_setup() - ndo_setup_tc: bind or unbind a block of filters
 * @dev: a representor
 * @type: only TC_SETUP_BLOCK
 * @data: a struct flow_block_offload
 *
 * Return: 0; -EOPNOTSUPP; what flow_block_cb_setup_simple() returns.
 */
int flownic_tc_setup(struct net_device *dev, enum tc_setup_type type, void *data);

/**
 * flownic_tc_start() - make ready what samples the rules' counters
 * @nic: its table is there
 */
void flownic_tc_start(struct flownic_nic *nic);

/**
 * flownic_tc_sample() - sample the rules' counters, now and then every "stats-delay"
 * @nic: flownic_tc_start() was called for it
 *
 * A driver does not ask the hardware for each counter that TC asks for: it reads all of them
 * from time to time. That is what the fault "stats-delay" is like; without it nothing samples.
 * May sleep.
 */
void flownic_tc_sample(struct flownic_nic *nic);

/**
 * flownic_tc_stop() - stop sampling
 * @nic: flownic_tc_start() was called for it
 */
void flownic_tc_stop(struct flownic_nic *nic);

#endif
