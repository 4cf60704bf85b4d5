/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_PORTS_DECODE_H
#define FLOWLIFT_NIC_PORTS_DECODE_H

/*
 * The messages that lib/nic/ports.c gets, taken into a struct fl_nic. Pure, so that it runs on recorded
 * bytes too. The devices come first (FL_NIC_LINKS); what others say of a device that is not there is
 * left out.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/nic.h"

enum fl_nic_answer {
    FL_NIC_LINKS,         /* RTM_NEWLINK */
    FL_NIC_FEATURE_NAMES, /* ETHTOOL_MSG_STRSET_GET_REPLY of ETH_SS_FEATURES */
    FL_NIC_FEATURES,      /* ETHTOOL_MSG_FEATURES_GET_REPLY, compact bitsets */
    FL_NIC_DEVLINK_PORTS, /* DEVLINK_CMD_PORT_GET (its answer has the number of the request) */
    FL_NIC_ESWITCH,       /* DEVLINK_CMD_ESWITCH_GET */
    FL_NIC_N_ANSWERS
};

struct fl_nic_reading {
    struct fl_nic *nic;
    int64_t tc_offload_bit; /* Of hw-tc-offload among the features; -1: not known (yet). */
};

/**
 * fl_nic_decode() - take the messages of one received buffer
 * @bytes: aligned to 4; netlink's own messages (done, error) are left out
 * Return: 0, -EPROTO for a message that is no such answer or is cut short, -E2BIG above
 * FL_LIMIT_PORTS.
 */
int fl_nic_decode(struct fl_nic_reading *reading, enum fl_nic_answer answer, void *bytes,
                  size_t n_bytes);

/**
 * fl_nic_infer_roles() - when all was read: roles that no devlink port told
 * @devlink_is_whole: devlink told all its ports, so that a device without one has none
 * A device with a switch id that is named as representors or uplinks are (phys_port_name "pf0vf3", "p0")
 * is one. Source: Linux 6.1, net/core/devlink.c __devlink_port_phys_port_name_get().
 */
void fl_nic_infer_roles(struct fl_nic *nic, bool devlink_is_whole);

#endif
