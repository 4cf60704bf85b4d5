/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_KERNEL_FLOWS_H
#define FLOWLIFT_KERNEL_FLOWS_H

/*
 * All flows of the kernel datapath, wherever they are: in the openvswitch module (generic netlink) and in
 * TC (rtnetlink). ovs-vswitchd takes no part and is not disturbed.
 */

#include "flows/decode.h"
#include "flows/error.h"
#include "flows/flow.h"

enum fl_kernel_detail {
    FL_KERNEL_COUNTERS, /* what identifies a flow and what it counted: the kernel has less to write */
    FL_KERNEL_FLOWS,    /* match and actions too */
    FL_KERNEL_TEXT,     /* raw as well */
    FL_KERNEL_TC,       /* raw and tc as well */
};

/**
 * fl_kernel_flows_dump() - hand over every flow
 * @ports: names are interned here; borrowed
 * @cb: gets each flow; valid only during the call. A flow that moves from one to the other meanwhile may
 *      come twice, told apart by its layer.
 * Return: 0; -EAGAIN: tables changed so that flows may be missing or have come twice, ask again;
 * -ENODEV: the openvswitch module is not loaded; -EPERM; what @cb returned; other negative errno.
 */
int fl_kernel_flows_dump(struct fl_ports *ports, enum fl_kernel_detail detail, fl_decode_cb *cb,
                         void *aux, struct fl_error *err);

#endif
