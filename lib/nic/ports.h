/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_PORTS_H
#define FLOWLIFT_NIC_PORTS_H

/*
 * Network devices as the kernel knows them: rtnetlink, ethtool and devlink, through libnl, and the old
 * ethtool ioctl for the driver's name. Nothing is changed, and ovs-vswitchd takes no part.
 *
 * A kernel without one of these, or a driver that does not serve them, leaves "unknown". What was
 * refused for lack of rights, or was cut short, makes the result incomplete as well.
 */

#include "flows/error.h"
#include "flows/nic.h"

/**
 * fl_nic_read() - all network devices of this network namespace
 * @nic: initialised; replaced on success, owned by the caller
 * Return: 0; what could not be read besides the list of devices is in @nic->incomplete. -errno with
 * @err when there is no list: -EMFILE, -ENOBUFS, -EPERM, -EAGAIN (it changed each time it was read).
 */
int fl_nic_read(struct fl_nic *nic, struct fl_error *err);

#endif
