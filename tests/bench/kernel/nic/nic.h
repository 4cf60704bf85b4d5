/* SPDX-License-Identifier: GPL-2.0 */
/* nic: one simulated NIC: an eSwitch with its ports, its rule table and its devlink instance. */
#ifndef FLOWNIC_NIC_H
#define FLOWNIC_NIC_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/platform_device.h>
#include <linux/types.h>
#include <net/devlink.h>

#include "stats.h"
#include "table.h"

#define FLOWNIC_UPLINK           0 /* index of the uplink; VF i is port i + 1 */
#define FLOWNIC_MAX_VFS          256
#define FLOWNIC_MAX_NICS         2
#define FLOWNIC_FIRMWARE_VERSION "28.39.1002 (FLW0000000001)"

struct flownic_nic;

struct flownic_port {
    struct flownic_nic *nic;
    unsigned int index;
    struct net_device *rep; /* what the switch's software sees */
    struct net_device *far; /* the VF, or the far end of the uplink's wire */
    struct flownic_counts __percpu *counts;
    struct list_head groups; /* rules for what comes in here, RCU; see table.h */
    atomic_t n_rules;
    atomic64_t refused;
    u32 punt_every; /* a fault: every so many-th packet misses; 0 is off */
    atomic_t punt_position;
    struct devlink_port devlink_port;
    bool has_devlink_port;
};

struct flownic_nic {
    unsigned int index;
    unsigned int n_ports;
    struct flownic_port *ports;
    struct flownic_table table;
    struct delayed_work sampler; /* see tc.h */
    struct platform_device *device;
    u16 eswitch_mode; /* DEVLINK_ESWITCH_MODE_* */
    u8 inline_mode;   /* DEVLINK_ESWITCH_INLINE_MODE_* */
    enum devlink_eswitch_encap_mode encap_mode;
};

#endif
