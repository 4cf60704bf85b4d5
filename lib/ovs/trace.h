/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_TRACE_H
#define FLOWLIFT_OVS_TRACE_H

/*
 * The oracle: asks OVS itself what becomes of a packet (ofproto/trace), and parses the answer.
 * What cannot be parsed is an error, never "the same".
 *
 * How what matters shows in the text (OVS 3.1; the pipeline's lines are indented and come from
 * ofproto/ofproto-dpif-xlate.c, the datapath actions from format_odp_actions() in lib/odp-util.c):
 *
 *   ct()        "ct(zone=5,commit,nat(src))" and "recirc(0x1)" among the datapath actions; a box with
 *               "recirc(0x1) - resume conntrack with ct_state=est|trk" before the next step
 *               (ofproto_trace_recirc_node()). Only conntrack's recirculations are followed, by
 *               compose_recirculate_and_fork(): those of a bond, of a group with selection_method=dp_hash
 *               and of MPLS are not, and such a trace is refused or undecided.
 *   NORMAL      a line "NORMAL"; "-> no learned MAC for destination, flooding", "-> ... multicast ...,
 *               flooding" (xlate_normal()). A bond's choice (SLB) shows in nothing but the output.
 *   learn()     a line "learn(...)"; ">> suppressing side effects, so learn action ignored"
 *               (xlate_learn_action()): a trace neither learns nor says what would be.
 *   controller  "CONTROLLER:128" or "controller(...)", and "userspace(pid=N,controller(...))" among the
 *               datapath actions (xlate_controller_action()).
 *   meter       "meter:1", "meter(0)" among the datapath actions (xlate_meter_action()).
 *   sample      "sample(...)"; "sample(sample=1.0%,actions(userspace(pid=N,flow_sample(...))))", for
 *               sFlow and IPFIX of the bridge without a line of the pipeline (compose_sample_action()).
 *   mirror      in no line at all: mirror_packet() only adds an output, which is one like the others.
 *   group       "group:1"; "bucket 0" with the bucket's actions, "-> using bucket 0"
 *               (xlate_group_action__()).
 *   clone       "clone(...)"; "clone(...)" among the datapath actions unless it needs none
 *               (compose_clone()).
 *   conjunction only in the heading of the table: "conj_id=1"; it does nothing by itself.
 *   bundle      "bundle(...)": the port is one of several, by a hash (xlate_bundle_action()).
 *   tunnel      "-> output to kernel tunnel", "set(tunnel(...))"; "-> output to native tunnel",
 *               "clone(tnl_push(...),p0)" (compose_output_action__(), native_tunnel_output()).
 *   slow path   below the datapath actions: "This flow is handled by the userspace slow path because
 *               it:" (explain_slow_path()).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/fate.h"
#include "lib/ovs/ctl.h"

/* One pass through the pipeline; a recirculation starts another. */
struct fl_trace_step {
    uint32_t recirc_id;     /* with which it starts; 0 for the first */
    char *ct_state;         /* "est|trk": with what conntrack it resumed; NULL: not after ct() */
    char *megaflow;         /* text after "Megaflow: " */
    char *datapath_actions; /* text after "Datapath actions: ", port names */
    struct match region;    /* of @megaflow: fl_megaflow_read() */
    struct nlattr *actions; /* @datapath_actions; ports of fl_trace.ports */
    size_t actions_len;
};

struct fl_trace {
    struct fl_trace_step *steps;
    size_t n_steps;
    unsigned int n_normal; /* NORMAL actions that ran, each of which learns the sender's MAC */
    /*
     * The port by which the first bridge hands the packet to another, when an output action of its
     * own does so (NORMAL does not name the port); else NULL.
     */
    char *patch_port;
    /* VLAN headers are taken off and put on: what is put on has no priority of the packet's any more. */
    bool renews_vlan;
    char *text;             /* the whole answer */
    struct fl_ports *ports; /* of this trace alone: compare ports of two traces by name */
    /* What becomes of the packet. What only the pipeline's text says of it is in its "involves". */
    struct fl_fate *fate;
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

/* What conntrack is made to answer, to every ct() of a trace alike. */
enum fl_world {
    FL_WORLD_ESTABLISHED, /* "trk,est" */
    FL_WORLD_REPLY,       /* "trk,est,rpl" */
    FL_WORLD_NEW,         /* "trk,new" */
    FL_WORLD_INVALID,     /* "trk,inv" */
    FL_N_WORLDS
};
/** fl_world_name() - "established", "reply", "new", "invalid" */
const char *fl_world_name(enum fl_world world);
/** fl_world_ct_state() - as --ct-next takes it: "trk,est" */
const char *fl_world_ct_state(enum fl_world world);

/** fl_trace_world() - fl_trace_run() in one world: conntrack answers alike whatever it is asked */
int fl_trace_world(struct fl_ctl *ctl, const char *bridge, const char *flow, const char *actions,
                   enum fl_world world, struct fl_trace **trace, struct fl_error *err);
/** fl_trace_n_tested() - steps that another answer of conntrack could change; 0: alike in all worlds */
unsigned int fl_trace_n_tested(const struct fl_trace *trace);

struct fl_worlds {
    struct fl_trace *traces[FL_N_WORLDS]; /* One for all of them when conntrack does not matter. */
    unsigned int n_asked;                 /* Traces that OVS made. */
    /*
     * The most ct() whose answer is tested in one trace. With more than one, answers that differ (new in
     * one zone, established in another) are not among the traces.
     */
    unsigned int n_tested;
};

/**
 * fl_trace_worlds() - fl_trace_run() in each of the four worlds
 * When no step tests what conntrack answers, OVS is asked once. "rel" (what belongs to another
 * connection), "snat" and "dnat" are in no world.
 * @worlds: fl_worlds_release() it; nothing to release on errors
 */
int fl_trace_worlds(struct fl_ctl *ctl, const char *bridge, const char *flow, const char *actions,
                    struct fl_worlds *worlds, struct fl_error *err);
void fl_worlds_release(struct fl_worlds *worlds);

/** fl_trace_parse() - the pure part of it, for tests and the fuzzer; @text is NUL-terminated */
int fl_trace_parse(const char *text, struct fl_trace **trace, struct fl_error *err);

#endif
