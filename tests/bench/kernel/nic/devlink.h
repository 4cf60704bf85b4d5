/* SPDX-License-Identifier: GPL-2.0 */
/* devlink: what `devlink dev` and `devlink port` show of a NIC. */
#ifndef FLOWNIC_DEVLINK_H
#define FLOWNIC_DEVLINK_H

struct flownic_nic;
struct flownic_port;
struct platform_device;

/**
 * flownic_devlink_allocate() - a NIC, as the private part of a devlink instance
 * @device: its parent
 *
 * Return: zeroed but for its device and modes; NULL if out of memory. For flownic_devlink_free().
 */
struct flownic_nic *flownic_devlink_allocate(struct platform_device *device);

/**
 * flownic_devlink_free() - free a NIC
 * @nic: consumed; not registered
 */
void flownic_devlink_free(struct flownic_nic *nic);

/**
 * flownic_devlink_register() - show a NIC and its ports
 * @nic: its ports have their indexes
 *
 * Return: 0; or a negative errno, where nothing is registered.
 */
int flownic_devlink_register(struct flownic_nic *nic);

/**
 * flownic_devlink_unregister() - hide a NIC and its ports
 * @nic: registered; its netdevs are gone
 */
void flownic_devlink_unregister(struct flownic_nic *nic);

/**
 * flownic_devlink_port_set_netdev() - tell which netdev represents a port
 * @port: its representor is registered
 */
void flownic_devlink_port_set_netdev(struct flownic_port *port);

/**
 * flownic_devlink_port_clear_netdev() - a port's netdev is about to go
 * @port: flownic_devlink_port_set_netdev() may have been called for it
 */
void flownic_devlink_port_clear_netdev(struct flownic_port *port);

#endif
