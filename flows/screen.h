/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SCREEN_H
#define FLOWLIFT_SCREEN_H

/*
 * Stage one of the audit: which VMs are worth a flow dump, from counters of their ports alone
 * (DESIGN.md section 2). O(ports), pure: two samples in, one judgement a VM out.
 *
 * It must not miss a VM that leaks; a suspect that turns out to be clean costs one dump. Each port is
 * judged in each direction for itself, since a direction that is wholly in software may be few packets
 * (acknowledgements) beside the other:
 *
 *  1. Flood. A broadcast is never in hardware, and reaches all ports alike. So the packets that the
 *     median port of the same bridge and VLAN got in software are taken off what each port got - but
 *     never more than packets were multiplied: each software packet enters the switch at one port and
 *     leaves at one; what leaves beyond what entered are the copies of floods. Without this bound, an
 *     uplink that lost its offload would look like a flood, since all VMs suffer alike.
 *  2. Few. Less than FL_SCREEN_MIN_PACKETS in software in a direction: ARP, DHCP, the first packets of
 *     flows, a VM that boots. Not a suspect, whatever the share. (A leak of every tenth packet is
 *     seen from 4 packets a second in software on, in a window of 5 s.)
 *  3. Share. More than half of what an audit allows in software: with stranded-below at its default
 *     (0.9), a twentieth. Half, so that a leak of every tenth packet is seen even when as much of the
 *     VM's traffic again, other than storage, is in hardware.
 *  4. Peers. Less than that, but more than a fifth of what an audit allows, and at least
 *     FL_SCREEN_TIMES_PEERS times the median share of the VMs with traffic: a leak in a VM whose other
 *     traffic is most of it. Connections that come and go, whose first packets are in software, are
 *     alike on hosts of one trade; a leak is not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/inventory.h"
#include "flows/nic.h"

#define FL_SCREEN_MIN_PACKETS 20
#define FL_SCREEN_TIMES_PEERS 4
/* VMs with traffic that make a median worth comparing with. */
#define FL_SCREEN_MIN_PEERS 4

/* Of a port's life, as the kernel names the directions: rx is what came from the VM (or the wire). */
struct fl_port_count {
    uint64_t rx_packets;
    uint64_t tx_packets;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
};

struct fl_port_stats {
    int ifindex;
    bool has_link; /* Always, once a sample is read. */
    bool has_cpu_hit;
    struct fl_port_count link;    /* IFLA_STATS_LINK_64 */
    struct fl_port_count cpu_hit; /* IFLA_OFFLOAD_XSTATS_CPU_HIT; zero without */
};

/* One sample: all ports, read in one go. */
struct fl_port_sample {
    struct fl_port_stats *ports; /* Sorted by ifindex. Whose they are says who fills it. */
    size_t n_ports;
    size_t n_room; /* That @ports has room for; 0 when it does not grow. */
};
/** fl_port_sample_find() - the port with @ifindex, or NULL */
const struct fl_port_stats *fl_port_sample_find(const struct fl_port_sample *sample,
                                                int64_t ifindex);

enum fl_suspicion {
    FL_SUSPICION_SUSPECT, /* the order of the result */
    FL_SUSPICION_UNKNOWN, /* counters cannot tell: only a dump can */
    FL_SUSPICION_CLEAN,
    FL_SUSPICION_IDLE,
};
const char *fl_suspicion_name(enum fl_suspicion suspicion); /* "suspect", "unknown", ... */

struct fl_screened {
    const struct fl_vm *vm; /* Borrowed of the inventory. */
    enum fl_suspicion suspicion;
    uint64_t packets;  /* In the window, both directions, all ports with counters; floods too. */
    uint64_t software; /* Of these in software. */
    double hw_share;   /* Of packets, 0..1; negative when there were none, or not known. */
    char *reason;      /* One sentence, without a full stop. */
};

struct fl_screen {
    struct fl_screened *vms; /* Worst first, then most software packets first, then by name. */
    size_t n_vms;
};

struct fl_screen_input {
    const struct fl_inventory *inv;
    const struct fl_nic *nic; /* Drivers, and ifindexes by name; NULL: not known. */
    const struct fl_port_sample *before;
    const struct fl_port_sample *after;
    int64_t window_ms;     /* Between the two; for the sentences. */
    double stranded_below; /* Share of packets in hardware ([audit] stranded-below). */
};

/** fl_screen_run() - judge all VMs of the inventory; owned by the caller, see fl_screen_destroy() */
void fl_screen_run(const struct fl_screen_input *input, struct fl_screen *screen);
void fl_screen_destroy(struct fl_screen *screen);

#endif
