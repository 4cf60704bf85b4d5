/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PROVE_INTERNAL_H
#define FLOWLIFT_PROVE_INTERNAL_H

/* What the files lib/prove*.c share; nobody else includes this. */

#include "lib/ovs/openflow.h"
#include "lib/ovs/trace.h"
#include "lib/prove.h"

/* Of one plan. A usual one takes some twenty. */
#define FL_PROOF_MAX_TRACES 1000
/* Of one rule: parts of it that nothing was asked about yet. */
#define FL_PROOF_MAX_REGIONS 2000
/* That narrowing may lead to. */
#define FL_PROOF_MAX_RULES 32

#define FL_PROOF_TIMEOUT_MS 10000

struct fl_prover {
    struct fl_ctl *ctl;
    const struct fl_config *config;
    const struct fl_vm_audit *vm; /* or NULL */
    const struct fl_connection *connections;
    size_t n_connections;
    struct fl_pipeline *pipeline;
    struct fl_flowset *set;
    int64_t until_ms; /* on the clock of fl_monotonic_ms() */
    bool as_it_is;    /* No rule may be changed. */
    size_t cut_rule;  /* of the set's last exception */
    /* The first region of the present rule that was right. */
    struct match right;
    bool has_right;
    /* What OVS said of packets of the present rule: it holds for others, too. */
    struct fl_prove_seen *seen;
    size_t n_seen;
    struct match *hints; /* What flows match of packets: those are asked about first. */
    size_t n_hints;
    struct fl_error *err;
};

enum fl_judgement {
    FL_JUDGED_SAME,  /* or allowed to differ: the relaxations are in the set */
    FL_JUDGED_OTHER, /* The pipeline does something else with these packets. */
    FL_JUDGED_ANEW,  /* The rule was changed, and is to be looked at from the start. */
};

/* What was seen of a packet, and for which packets it holds. */
struct fl_judged {
    enum fl_judgement judgement;
    struct match region;  /* Packets of the rule, @packet among them, ... */
    struct match *others; /* ... but for these. */
    size_t n_others;
    struct flow busy; /* Mask: headers of which the region may be one value among very many. */
    char *guarded;    /* The packet as ofproto/trace takes it, to be asked about the pipeline. */
    char *why;        /* FL_JUDGED_OTHER: what it does instead, a sentence without its end. */
};
void fl_judged_release(struct fl_judged *judged);

/* A packet under judgement. */
struct fl_trial {
    struct fl_prover *p;
    struct fl_rule *rule;
    const struct flow *packet;
    char *guarded, *plain;
    /* Borrowed of the prover. */
    const struct fl_trace *ours;
    const struct fl_trace *worlds[FL_N_WORLDS]; /* One for all when conntrack does not matter. */
    unsigned int n_tested;                      /* As fl_trace_n_tested(), the most of them. */
    struct fl_judged *judged;
};

/** fl_trial_fate() - what the pipeline does with the packet in a world */
static inline const struct fl_fate *fl_trial_fate(const struct fl_trial *t, enum fl_world world)
{
    return t->worlds[world]->fate;
}

/**
 * fl_prove_ask() - fill in what OVS says: fl_trial.ours, worlds and n_tested; conntrack's zones go into the set
 * Return: 0, or negative errno when OVS could not be asked.
 */
int fl_prove_ask(struct fl_trial *t);
/* Instead of a world: what the rule does. */
#define FL_TRACE_OF_RULE FL_N_WORLDS
/**
 * fl_prove_remember() - a trace that may hold for packets to come
 * @trace: consumed
 * @of: enum fl_world, or FL_TRACE_OF_RULE with the rule's @actions; else NULL
 */
void fl_prove_remember(struct fl_prover *p, struct fl_trace *trace, unsigned int of,
                       const char *actions);

/**
 * fl_prove_packet() - what the pipeline and the rule do with one packet, in all worlds of conntrack
 * @rule: of p->set; its actions may be set to NORMAL, its match narrowed to segments with ACK
 * Return: 0 and *@judged, which fl_judged_release() frees; -EPERM when no narrowing can help, as a
 * relaxation that is not allowed; other negative errno when OVS could not be asked.
 */
int fl_prove_packet(struct fl_prover *p, struct fl_rule *rule, const struct flow *packet,
                    struct fl_judged *judged);

/**
 * fl_prove_narrow() - leave to the pipeline what it does otherwise
 * The rule is cut down to what is outside of @judged->region, or to one value of the field that tells the
 * packets apart, as long as all observed chains stay in it.
 * Return: 0; -EPERM when there is no such way, with the counter-example in p->err.
 */
int fl_prove_narrow(struct fl_prover *p, size_t rule, const struct fl_judged *judged);

/** fl_prove_too_many() - refuse: @of_what goes on and on; with the packet of the last exception, if any */
int fl_prove_too_many(const struct fl_prover *p, const char *of_what);

/* Packets that no flow tells from a given one: alike in all but @bits, and in none of @others. */
struct fl_blind {
    struct flow
        busy; /* Mask: headers of which flows test so many values that they are not in @bits. */
    struct flow bits; /* Mask: of MAC addresses and VLAN priority, none that the rule matches. */
    struct match *others; /* free() */
    size_t n_others;
};
/**
 * fl_prove_blind() - what flows do not see on the way of these traces
 * @blind: filled; nothing to free on errors
 */
int fl_prove_blind(struct fl_prover *p, const struct fl_rule *rule, const struct flow *packet,
                   const struct fl_trace *const *traces, size_t n, struct fl_blind *blind);
/** fl_prove_blind_headers() - those that flows may be blind to: by which they choose, and NORMAL */
void fl_prove_blind_headers(struct flow *bits);
/** fl_prove_port() - by which packets of a rule come in; OFPP_ANY: by any */
ofp_port_t fl_prove_port(const struct fl_rule *rule);
/** fl_prove_hints() - p->hints: what flows test of packets of a rule */
int fl_prove_hints(struct fl_prover *p, const struct fl_rule *rule);
/** fl_prove_forget() - free what the prover has seen */
void fl_prove_forget(struct fl_prover *p);
/** fl_prove_forget_seen() - the same of the present rule alone */
void fl_prove_forget_seen(struct fl_prover *p);

/**
 * fl_prove_bind() - bind a rule to MAC addresses that the pipeline looks at
 * Where megaflows are of one address, all addresses cannot be gone through one by one: the rule becomes one
 * for each that its observed chains have.
 * @judged: of @packet, FL_JUDGED_SAME
 * Return: 0 nothing to do, 1 the rule was changed, or -EPERM.
 */
int fl_prove_bind(struct fl_prover *p, size_t rule, const struct flow *packet,
                  const struct fl_judged *judged);

/** fl_prove_observed() - region of an observed chain that a rule is for, as fl_draw_packet() likes it
 * Return: false: the finding has another direction, drops, or does not meet the rule. */
bool fl_prove_observed(const struct fl_prover *p, const struct fl_rule *rule, size_t finding,
                       struct match *region);

#endif
