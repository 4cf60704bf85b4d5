/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CAUSE_H
#define FLOWLIFT_CAUSE_H

/*
 * Why a flow is not in the NIC: causes with stable ids, each with what shows it.
 * catalogue.c is the one place where ids, meanings and cures are written.
 */

#include "flows/flow.h"
#include "flows/inventory.h"
#include "flows/snapshot.h"

/* Strongest evidence first: the order in which causes are told, and looked for. Meanings: catalogue.c */
enum fl_cause_id {
    /* The host: how Open vSwitch, the kernel and the NIC are set up. */
    FL_CAUSE_OFFLOAD_OFF,      /* "hw-offload-off" */
    FL_CAUSE_OFFLOAD_INACTIVE, /* "hw-offload-not-active" */
    FL_CAUSE_TC_POLICY,        /* "tc-policy" */
    FL_CAUSE_ESWITCH_LEGACY,   /* "eswitch-legacy" */
    FL_CAUSE_TC_OFFLOAD_OFF,   /* "hw-tc-offload-off" */
    FL_CAUSE_NO_FLOW_API,      /* "no-flow-api" */
    FL_CAUSE_QDISC_LOST,       /* "ingress-qdisc-lost" */
    FL_CAUSE_OTHER_ESWITCH,    /* "other-eswitch" */
    FL_CAUSE_BOND,             /* "bond-not-offloaded" */
    FL_CAUSE_TC_PRIO,          /* "tc-priorities-exhausted" */
    FL_CAUSE_NIC_SAFE_MODE,    /* "nic-safe-mode" */
    /* The flow shows it. */
    FL_CAUSE_ORPHAN,          /* "orphaned-filter" */
    FL_CAUSE_REPORTED,        /* "reported" */
    FL_CAUSE_USERSPACE,       /* "userspace-action" */
    FL_CAUSE_SAMPLING,        /* "sampling" */
    FL_CAUSE_CT_HELPER,       /* "conntrack-helper" */
    FL_CAUSE_CONNTRACK,       /* "conntrack" */
    FL_CAUSE_DP_HASH,         /* "dp-hash" */
    FL_CAUSE_RECIRCULATION,   /* "recirculation" */
    FL_CAUSE_NO_TC_RECIRC,    /* "no-recirculation-in-tc" (of the host) */
    FL_CAUSE_TUNNEL,          /* "tunnel" */
    FL_CAUSE_METER,           /* "meter" */
    FL_CAUSE_MULTI_OUTPUT,    /* "multiple-outputs" */
    FL_CAUSE_LOCAL_PORT,      /* "internal-port" */
    FL_CAUSE_NO_PORT_OFFLOAD, /* "port-not-offloadable" */
    FL_CAUSE_FRAGMENTS,       /* "fragments" */
    FL_CAUSE_MATCH,           /* "match-unsupported": Open vSwitch does not offer it */
    FL_CAUSE_ACTION,          /* "action-unsupported": likewise */
    FL_CAUSE_PARTIAL,         /* "partial-offload" */
    /* The NIC says it: to a probe, in ovs-vswitchd's log, in the kernel's log. */
    FL_CAUSE_NIC_MATCH,     /* "nic-match" */
    FL_CAUSE_NIC_ACTION,    /* "nic-action" */
    FL_CAUSE_NIC_CONNTRACK, /* "nic-conntrack" */
    FL_CAUSE_NIC_CHAIN,     /* "nic-chain" */
    FL_CAUSE_NIC_TUNNEL,    /* "nic-tunnel" */
    FL_CAUSE_NIC_OUTPUT,    /* "nic-output" */
    FL_CAUSE_NIC_RESOURCE,  /* "nic-resource" */
    FL_CAUSE_TABLE_FULL,    /* "rule-table-full" */
    FL_CAUSE_NIC_BUSY,      /* "nic-busy" */
    FL_CAUSE_NIC_CONFLICT,  /* "nic-conflict" */
    /* Counters show it: the NIC has the flow, and software forwards. */
    FL_CAUSE_NEIGHBOUR, /* "neighbour-unresolved" */
    FL_CAUSE_CT_MISS,   /* "connection-not-in-hardware" */
    FL_CAUSE_LEAK,      /* "hardware-miss" */
    FL_CAUSE_BLOCK,     /* "block-in-part" */
    /* It could be in the NIC, and is stuck. */
    FL_CAUSE_FLOW_LIMIT,     /* "flow-limit" */
    FL_CAUSE_STALE_MEGAFLOW, /* "stale-megaflow" */
    FL_CAUSE_PEER_DIFFERS,   /* "pipeline-looks-closer" */
    FL_CAUSE_REFUSED_ONCE,   /* "refused-once" */
    FL_CAUSE_REFUSED,        /* "refused" */
    /* What nobody can see from this host. */
    FL_CAUSE_SLOW_PPS,     /* "deleted-at-low-rate" */
    FL_CAUSE_LAG_FAILOVER, /* "bond-failover" */
    FL_CAUSE_FIRMWARE,     /* "nic-firmware" */
    /* Known bugs of Open vSwitch, by its version: flows/ovs_bug.h */
    FL_CAUSE_BUG_UFID,
    FL_CAUSE_BUG_STALE_UKEY,
    FL_CAUSE_BUG_PURGE,
    FL_CAUSE_BUG_CHAINS,
    FL_CAUSE_BUG_STATS_WAIT,
    FL_CAUSE_BUG_STATS_BACK,
    FL_CAUSE_BUG_HW_COUNT,
    FL_CAUSE_BUG_TUNNEL_SOURCE,
    FL_CAUSE_BUG_ALG,
    FL_CAUSE_BUG_VLAN_PRIO,
    FL_CAUSE_BUG_FRAGMENT_REWRITE,
    FL_CAUSE_BUG_RECIRC_PARENT,
    FL_CAUSE_BUG_RECIRC_BITS,
    FL_CAUSE_BUG_TUNNEL_FLAGS,
    FL_CAUSE_BUG_FAILED_MODIFY,
    FL_N_CAUSES
};

/* Where the evidence of a cause is. */
enum fl_cause_by {
    FL_BY_FLOW,     /* "flow": match, actions, path */
    FL_BY_HOST,     /* "host": settings of Open vSwitch, kernel, devices */
    FL_BY_LOG,      /* "log": ovs-vswitchd's */
    FL_BY_COUNTERS, /* "counters" */
    FL_BY_PROBE,    /* "probe": the NIC was asked */
    FL_BY_TRACE,    /* "trace": what the pipeline makes of the packet now */
    FL_BY_PEERS,    /* "peers": flows of healthy VMs beside it */
    FL_BY_VERSION,  /* "version": Open vSwitch's; never more than "may be" */
    FL_BY_NOBODY,   /* "nobody": cannot be seen from this host; @shows says why */
};
/** fl_cause_by_name() - "flow", "host", ... */
const char *fl_cause_by_name(enum fl_cause_by by);

struct fl_cause_info {
    const char *id; /* Stable, part of the JSON interface. */
    enum fl_cause_by by;
    bool by_host;        /* It is the host's, not the flow's. */
    const char *meaning; /* One sentence. */
    const char *shows;   /* One sentence: how it shows; or why it cannot be seen. */
    const char *cure;    /* One sentence: what the operator or flowlift can do. */
    const char *source;  /* Where this is known from. */
};
/** fl_cause_info() - of the catalogue, which docs, manual page and "explain" are made from */
const struct fl_cause_info *fl_cause_info(enum fl_cause_id id);
/** fl_cause_find() - by its stable id. Return: FL_N_CAUSES when there is none. */
enum fl_cause_id fl_cause_find(const char *id);

struct fl_profiles;

struct fl_cause {
    enum fl_cause_id id;
    bool may_be;      /* Nothing shows it for sure: a known bug, a message of the past. */
    char detail[160]; /* The evidence: "ct(zone=2),recirc(0x1)", ... */
};

#define FL_MAX_CAUSES 6

/**
 * fl_cause_of_flow() - why this flow is not in hardware, from what it shows and the host's settings
 * @inv: may be NULL
 * @profiles: what is known of NICs (flows/nic_profile.h), or NULL: what the NIC of the flow's port takes of
 *            connection tracking is no cause
 * @causes: strongest first
 * Return: number of causes, 0 for a flow on FL_PATH_UNKNOWN. Of one on FL_PATH_HW only what is wrong with it
 * all the same: FL_CAUSE_ORPHAN, FL_CAUSE_BLOCK.
 */
size_t fl_cause_of_flow(const struct fl_flow *flow, const struct fl_ports *ports,
                        const struct fl_inventory *inv, const struct fl_profiles *profiles,
                        struct fl_cause causes[FL_MAX_CAUSES]);

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
