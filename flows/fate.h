/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FATE_H
#define FLOWLIFT_FATE_H

/*
 * What becomes of packets that take the steps of one trace, as a value that can be compared.
 *
 * It is true of all packets of its region, which is that of the first step's megaflow together with
 * those of the later steps, pulled back to the packet's headers at entry (passage.h). Where it goes more
 * than one way, the ways are taken one behind the other: at recirc() the packet first goes through the
 * step that it leads to, then the actions behind recirc() follow.
 *
 * What cannot be said for sure makes the fate undecided: it is like no other, not even itself.
 */

#include <openvswitch/dynamic-string.h>
#include <openvswitch/match.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/flow.h"

/* VLAN headers that may be pushed. OVS itself stops at FLOW_MAX_VLAN_HEADERS (2). */
#define FL_FATE_MAX_PUSHED 4

/* A copy of the packet that leaves by a port, with all that was done to it before. */
struct fl_fate_output {
    char *port;   /* Name, or datapath number; also of a tunnel's device ("vxlan_sys_4789"). */
    char *tunnel; /* "set(tunnel(...))" or "tnl_push(...)" in force, or NULL. */
    uint32_t max_bytes; /* Longer packets are cut (trunc()); 0: none are. */
    struct flow set;    /* Header bits that were set; also pkt_mark and skb_priority, no VLANs. */
    struct flow set_mask;
    unsigned int n_popped; /* VLAN headers of the packet at entry that were taken off, ... */
    unsigned int n_pushed; /* ... and those put on instead, the innermost first. */
    union flow_vlan_hdr pushed[FL_FATE_MAX_PUSHED];
};

/* What a ct() does to addresses and ports. */
enum fl_nat {
    FL_NAT_NONE,
    FL_NAT_CLASH,   /* "nat(src)" without address: only the port, and only when two clash. */
    FL_NAT_RESTORE, /* "nat": as the connection says. */
    FL_NAT_SRC,
    FL_NAT_DST,
};

struct fl_fate_ct {
    uint16_t zone;
    enum fl_nat nat;
    bool commit;
    bool force; /* "force_commit" */
    bool sets_mark;
    bool sets_label;
    bool helper;
};

/* What happens besides. Whether two fates that involve such things are as good as the other is for
 * the caller to say; none of it makes a fate undecided. */
enum fl_involves {
    FL_INVOLVES_CT = 1 << 0,       /* ct() */
    FL_INVOLVES_COMMIT = 1 << 1,   /* ct(commit): the connection is entered */
    FL_INVOLVES_CT_STATE = 1 << 2, /* A step tests more of conntrack's answer than "trk". */
    /*
     * A step tests what else a connection has: mark, label, addresses of its first packet. A trace
     * takes mark and label for 0 and cannot be told otherwise.
     */
    FL_INVOLVES_CT_ENTRY = 1 << 3,
    FL_INVOLVES_NAT = 1 << 4,        /* Other than FL_NAT_CLASH. */
    FL_INVOLVES_LEARN = 1 << 5,      /* learn() or fin_timeout() changes OpenFlow flows. */
    FL_INVOLVES_CONTROLLER = 1 << 6, /* A controller gets the packet. */
    FL_INVOLVES_USERSPACE = 1 << 7,  /* Another userspace(), or the slow path. */
    FL_INVOLVES_METER = 1 << 8,
    FL_INVOLVES_SAMPLE = 1 << 9, /* sFlow, IPFIX, sample() */
    FL_INVOLVES_GROUP = 1 << 10,
    FL_INVOLVES_NORMAL = 1 << 11, /* MAC learning; the way depends on what was learned */
    FL_INVOLVES_FLOOD = 1 << 12,  /* NORMAL did not know the destination */
    FL_INVOLVES_TUNNEL = 1 << 13,
    FL_INVOLVES_TRUNC = 1 << 14,
    FL_INVOLVES_HASH = 1 << 15,  /* hash(), lb_output(): one of several, as a bond chooses */
    FL_INVOLVES_CLONE = 1 << 16, /* clone(), or a recirculation with actions behind it */
    FL_INVOLVES_RECIRC = 1 << 17,
};

struct fl_fate {
    struct match region; /* As fl_megaflow_read(), of headers, tunnel, pkt_mark, skb_priority. */
    struct fl_fate_output *outputs; /* In order. None: the packet is dropped. */
    size_t n_outputs;
    struct fl_fate_ct *cts; /* In order. */
    size_t n_cts;
    unsigned int involves;
    const char *undecided; /* Why, or NULL; the first reason. Static. */
};

/* A step of the trace; all borrowed. */
struct fl_fate_step {
    uint32_t recirc_id; /* 0 for the first only. */
    const struct match *region;
    const struct nlattr *actions;
    size_t actions_len;
};

/**
 * fl_fate_of() - what becomes of packets that take these steps
 * @steps: in the order of OVS's trace: recirculations wait in a queue, so all those of one step come
 *         before those of a later one. At most FL_LIMIT_CHAIN_LINKS
 * @ports: of the actions; borrowed
 * Return: owned by the caller.
 */
struct fl_fate *fl_fate_of(const struct fl_fate_step *steps, size_t n_steps,
                           const struct fl_ports *ports);
void fl_fate_destroy(struct fl_fate *fate);

/** fl_fate_covers() - is @packet in the region? in_port apart; it has no TPID but 0x8100 */
bool fl_fate_covers(const struct fl_fate *fate, const struct flow *packet);

/**
 * fl_fate_same() - do both do the same to every packet of @region?
 * @region: packets of both fates' regions; what it binds, a fate may set to the same value
 *
 * The same: decided, and outputs in the same order to the same ports with the same headers. What else is
 * involved is not looked at.
 */
bool fl_fate_same(const struct fl_fate *a, const struct fl_fate *b, const struct match *region);

/**
 * fl_fate_format() - append "push_vlan(vid=100,pcp=0) nw_ttl=63 -> p0; pop_vlan -> vm1", or "drop"
 * Rewrites to values that the packets have anyway are left out. For people and tests.
 */
void fl_fate_format(const struct fl_fate *fate, struct ds *text);

/** fl_fate_format_involved() - append "ct commit learn", or nothing */
void fl_fate_format_involved(unsigned int involves, struct ds *text);

#endif
