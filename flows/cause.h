/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CAUSE_H
#define FLOWLIFT_CAUSE_H

/*
 * Why a flow is not in the NIC: causes with stable ids, each with what shows it.
 * The table in cause.c is the one place where ids, meanings and cures are written.
 */

#include "flows/flow.h"
#include "flows/inventory.h"
#include "flows/snapshot.h"

enum fl_cause_id {
    /* what the flow itself shows */
    FL_CAUSE_CONNTRACK,     /* "conntrack": ct() action or ct_state match */
    FL_CAUSE_RECIRCULATION, /* "recirculation": recirc() action or recirc_id match, without ct */
    FL_CAUSE_USERSPACE,     /* "userspace-action": slow path, controller, sFlow */
    FL_CAUSE_METER,
    FL_CAUSE_MULTI_OUTPUT, /* "multiple-outputs": flood or mirror */
    FL_CAUSE_LOCAL_PORT,   /* "internal-port": in or out through a bridge's own port */
    FL_CAUSE_TUNNEL,       /* "tunnel": tnl_push/tnl_pop in the userspace datapath */
    FL_CAUSE_MATCH,        /* "match-unsupported": a match OVS never offers to this API */
    FL_CAUSE_ACTION,       /* "action-unsupported" */
    FL_CAUSE_PARTIAL,      /* "partial-offload": the NIC marks only */
    FL_CAUSE_REPORTED,     /* "reported": the datapath itself says why (dp-offload-info) */
    FL_CAUSE_LEAK,         /* "hardware-miss": the NIC has the flow, packets come to software */
    FL_CAUSE_BLOCK,        /* "block-in-part": not all devices of a shared TC block have it */
    FL_CAUSE_ORPHAN,       /* "orphaned-filter": Open vSwitch has forgotten the TC filter */
    /* what the host shows */
    FL_CAUSE_OFFLOAD_OFF,     /* "hw-offload-off": other_config:hw-offload is not true */
    FL_CAUSE_TC_POLICY,       /* "tc-policy" */
    FL_CAUSE_NO_PORT_OFFLOAD, /* "port-not-offloadable": tap, vhost-user, internal, patch */
    /* nothing of the above shows */
    FL_CAUSE_REFUSED, /* "refused": offered once, refused by the NIC, never offered again */
    FL_N_CAUSES
};

struct fl_cause_info {
    const char *id;      /* Stable, part of the JSON interface. */
    const char *meaning; /* One sentence. */
    const char *cure;    /* One sentence: what the operator or flowlift can do. */
    bool by_host;        /* It is the host's, not the flow's. */
};
const struct fl_cause_info *fl_cause_info(enum fl_cause_id id);

struct fl_cause {
    enum fl_cause_id id;
    char detail[160]; /* The evidence: "ct(zone=2),recirc(0x1)", ... */
};

#define FL_MAX_CAUSES 6

/**
 * fl_cause_of_flow() - why this flow is not in hardware, from what it shows and the host's settings
 * @inv: may be NULL
 * @causes: strongest first
 * Return: number of causes, 0 for a flow on FL_PATH_UNKNOWN. Of one on FL_PATH_HW only what is wrong with it
 * all the same: FL_CAUSE_ORPHAN, FL_CAUSE_BLOCK.
 */
size_t fl_cause_of_flow(const struct fl_flow *flow, const struct fl_ports *ports,
                        const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES]);

/**
 * fl_cause_of_leak() - packets came to software although the NIC has their flow
 * @packets: all of them; @hw_packets: those that the NIC forwarded
 */
struct fl_cause fl_cause_of_leak(uint64_t packets, uint64_t hw_packets);

/**
 * fl_causes_merge() - add @more to @causes, each id once, strongest first; of two with one id the
 * evidence of the first is kept
 * @n: causes that are there; Return: causes that are there now, at most FL_MAX_CAUSES
 */
size_t fl_causes_merge(struct fl_cause causes[FL_MAX_CAUSES], size_t n, const struct fl_cause *more,
                       size_t n_more);

/** fl_cause_of_host() - causes that hold for every flow of the host; likewise */
size_t fl_cause_of_host(const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES]);

#endif
