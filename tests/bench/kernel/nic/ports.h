/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ports: the netdevs. Each port has two: a representor, which the switch's software has, and the
 * far end, which is the VF or the other end of the uplink's wire.
 */
#ifndef FLOWNIC_PORTS_H
#define FLOWNIC_PORTS_H

#include <linux/netdevice.h>

struct flownic_nic;
struct flownic_port;

typedef void flownic_port_visitor(struct flownic_port *port, void *context);

/**
 * flownic_ports_create() - all netdevs of a NIC, seen by users from now on
 * @nic: its ports' indexes, counters and devlink ports are there
 * @first_vf: number of its first VF, in the names of netdevs
 *
 * Return: 0; or a negative errno, where flownic_ports_unregister() has to follow as well.
 */
int flownic_ports_create(struct flownic_nic *nic, unsigned int first_vf);

/**
 * flownic_ports_unregister() - take the netdevs of some NICs from their users, all at once
 * @nics: the NICs; a NULL is left out
 * @n_nics: how many
 *
 * No frame is under way when this returns. The netdevs stay until flownic_ports_free().
 */
void flownic_ports_unregister(struct flownic_nic *const nics[], unsigned int n_nics);

/**
 * flownic_ports_free() - free the netdevs of a NIC
 * @nic: flownic_ports_unregister() was called for it
 */
void flownic_ports_free(struct flownic_nic *nic);

/**
 * flownic_port_of() - the port of one of our netdevs
 * @dev: a representor or a far end
 *
 * Return: borrowed.
 */
struct flownic_port *flownic_port_of(const struct net_device *dev);

/**
 * flownic_ports_by_representor() - the port that a netdev represents
 * @dev: any netdev; may be NULL
 *
 * Return: borrowed; NULL if @dev is not a representor of ours.
 */
struct flownic_port *flownic_ports_by_representor(const struct net_device *dev);

/**
 * flownic_ports_by_name() - the port whose representor has this name now
 * @name: such as "rep0"
 *
 * Return: borrowed; NULL.
 */
struct flownic_port *flownic_ports_by_name(const char *name);

/**
 * flownic_ports_for_each() - visit all ports of all NICs
 * @visit: called for each
 * @context: passed on
 */
void flownic_ports_for_each(flownic_port_visitor *visit, void *context);

#endif
