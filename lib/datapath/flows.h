/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DATAPATH_FLOWS_H
#define FLOWLIFT_DATAPATH_FLOWS_H

/*
 * The kernel datapath of Open vSwitch, asked through generic netlink: datapaths, their ports, and
 * their flows, without ovs-vswitchd. What TC holds is not there: see lib/tc/filters.h.
 */

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/decode.h"
#include "flows/error.h"
#include "flows/flow.h"

struct fl_datapath;

/** struct fl_datapath_info - one kernel datapath; there is usually one, "ovs-system" */
struct fl_datapath_info {
    char name[IFNAMSIZ];
    int ifindex;
    uint64_t n_hit;    /* Packets that a flow took. */
    uint64_t n_missed; /* Packets that went to ovs-vswitchd. */
    uint64_t n_lost;   /* ... and were dropped before they came there. */
    uint64_t n_flows;
    uint32_t n_masks;
};

/** struct fl_datapath_port - one port (vport) of a datapath */
struct fl_datapath_port {
    uint32_t number;  /* The datapath's: not that of struct fl_ports, not OpenFlow's. */
    const char *name; /* Valid during the callback. */
    uint32_t type;    /* OVS_VPORT_TYPE_* */
    int ifindex;      /* 0 when the kernel does not tell. */
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/* Non-zero return stops the dump and is what it returns. */
typedef int fl_datapath_port_cb(const struct fl_datapath_port *port, void *aux);

enum fl_datapath_flags {
    /* Only ufid, counters and used_ms: the kernel has much less to write. No match, no actions. */
    FL_DATAPATH_COUNTERS = 1 << 8,
};

/**
 * fl_datapath_open() - connect, and list the datapaths
 * @datapathp: owned by the caller, fl_datapath_close()
 * Return: 0; -ENODEV: the kernel module is not loaded; -EPERM: not allowed; other negative errno. That
 * there is no datapath is no error.
 */
int fl_datapath_open(struct fl_datapath **datapathp, struct fl_error *err);
void fl_datapath_close(struct fl_datapath *datapath);

size_t fl_datapath_n(const struct fl_datapath *datapath);
/** fl_datapath_info() - the @i-th datapath, as it was when opened; borrowed */
const struct fl_datapath_info *fl_datapath_info(const struct fl_datapath *datapath, size_t i);

/**
 * fl_datapath_ports() - hand over the ports of a datapath
 * @ifindex: of struct fl_datapath_info
 * Return: 0; -EAGAIN: they changed meanwhile, some may be missing or come twice, ask again; -ENODEV: the
 * datapath is gone; what @cb returned; other negative errno.
 */
int fl_datapath_ports(struct fl_datapath *datapath, int ifindex, fl_datapath_port_cb *cb, void *aux,
                      struct fl_error *err);

/**
 * fl_datapath_dump() - stream the flows of a datapath
 * @ifindex: of struct fl_datapath_info
 * @ports: the names of its ports are interned here, and records use these numbers; borrowed
 * @flags: enum fl_decode_flags, enum fl_datapath_flags
 * @cb: gets each flow as dpctl/dump-flows -m shows those of dp:ovs; valid only during the call
 * Return: 0; -EAGAIN: the table changed so that flows may be missing, or the kernel dropped messages
 * (ENOBUFS): the caller repeats the sample, then reports it incomplete; -ENODEV: the datapath is gone;
 * what @cb returned; other negative errno. What was handed over before an error is not all there is.
 */
int fl_datapath_dump(struct fl_datapath *datapath, int ifindex, struct fl_ports *ports,
                     unsigned int flags, fl_decode_cb *cb, void *aux, struct fl_error *err);

#endif
