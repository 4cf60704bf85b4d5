/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_TRACE_H
#define FLOWLIFT_OVS_TRACE_H

/*
 * The oracle: asks OVS itself what becomes of a packet (ofproto/trace), and parses the answer.
 * What cannot be parsed is an error, never "the same".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "lib/ovs/ctl.h"

/* One pass through the pipeline; a recirculation starts another. */
struct fl_trace_step {
    uint32_t recirc_id;     /* with which it starts; 0 for the first */
    char *ct_state;         /* "est|trk": with what conntrack it resumed; NULL: not after ct() */
    char *megaflow;         /* text after "Megaflow: " */
    char *datapath_actions; /* text after "Datapath actions: ", port names */
    bool ct;                /* the step recirculates through conntrack */
};

struct fl_trace {
    struct fl_trace_step *steps;
    size_t n_steps;
    unsigned int n_normal; /* NORMAL actions that ran, each of which learns the sender's MAC */
    bool floods;           /* ... and one of them did not know the destination */
    /*
     * The port by which the first bridge hands the packet to another, when an output action of its
     * own does so (NORMAL does not name the port); else NULL.
     */
    char *patch_port;
    /*
     * The steps are no plain sequence: a step recirculates more than once, goes on after recirc(), or
     * recirculates inside clone(). Then @effect shows all there is, but not in the order of packets.
     */
    bool forks;
    /*
     * Conntrack may rewrite the packet: a ct() has nat. Not nat(src) without an address, which only
     * changes the port of a connection that clashes with another in its zone, and which OVN puts into
     * every commit (OVS: "all-zero SNAT").
     */
    bool nat;
    bool slow_path;    /* "handled by the userspace slow path" */
    char *slow_reason; /* or NULL; several are joined by "; " */
    char *text;        /* the whole answer */
    /*
     * What finally happens to the packet: rewrites and outputs of all steps in order, without ct(),
     * ct_clear, recirc() and hash(), as odp text: "push_vlan(vid=100,pcp=0),p0", or "drop". A clone()
     * is kept as it is.
     */
    char *effect;
};

/**
 * fl_trace_run() - what the bridge's flows do with a packet
 * @bridge: bridge name
 * @flow: the packet in ofproto/trace's br_flow syntax ("in_port=2,tcp,dl_src=..."); a register is
 *        set by "reg15=0x80000000", which goes past rules with reg15=0/0x80000000
 * @ct_next: states for --ct-next in order, NULL-terminated ("trk,est", ...); NULL for none
 * @actions: NULL: the bridge's flow table decides; else these OpenFlow actions are run instead of a
 *           table lookup (ofproto/trace-packet-out), so that a rule's effect is known before it exists. Not "drop":
 *           OVS would look up the table for that
 * Return: 0 and *@trace owned by the caller; -EPROTO when the answer cannot be understood or OVS could
 * not translate the packet; -EINVAL for an argument that OVS would take for something else; else as
 * fl_ctl_run().
 */
int fl_trace_run(struct fl_ctl *ctl, const char *bridge, const char *flow,
                 const char *const *ct_next, const char *actions, struct fl_trace **trace,
                 struct fl_error *err);
void fl_trace_destroy(struct fl_trace *trace);

/** fl_trace_parse() - the pure part of it, for tests and the fuzzer; @text is NUL-terminated */
int fl_trace_parse(const char *text, struct fl_trace **trace, struct fl_error *err);

#endif
