/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/prove.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-actions.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/region.h"
#include "lib/ovs/openflow.h"
#include "lib/ovs/trace.h"
#include "lib/packet.h"

/* Observed chains traced for one rule. */
#define MAX_PACKETS_PER_RULE 128
#define OPENFLOW_TIMEOUT_MS  10000

struct prover {
    struct fl_ctl *ctl;
    const struct fl_config *config;
    const struct fl_vm_audit *vm;
    struct fl_flowset *set;
    struct fl_error *err;
};

/* What conntrack is made to answer. A trace takes one state for each ct() it passes. */
struct conntrack_answer {
    const char *const *states;
    const char *relaxation; /* What it is called when the pipeline drops and the rule forwards. */
    bool is_new;            /* It says that the packet begins a connection. */
};

#define EIGHT(STATE) STATE, STATE, STATE, STATE, STATE, STATE, STATE, STATE, NULL
static const char *const established_from_vm[] = { EIGHT("trk,est") };
static const char *const established_to_vm[] = { EIGHT("trk,est,rpl") };
static const char *const newly_made[] = { EIGHT("trk,new") };
static const char *const invalid[] = { EIGHT("trk,inv") };

static void trace_release(struct fl_trace **trace)
{
    fl_trace_destroy(*trace);
}
#define _cleanup_trace _cleanup_(trace_release)

/* The bridge's flows without ours, the whole of them, as one number: "br0:0123456789abcdef". */
static int fingerprint(const char *bridge, char **basis, struct fl_error *err)
{
    struct ofputil_flow_stats *flows;
    uint64_t sum = 0;
    struct fl_openflow *of;
    size_t n;
    int error = fl_openflow_open(bridge, OPENFLOW_TIMEOUT_MS, &of, err);

    if (error) {
        return error;
    }
    error = fl_openflow_dump(of, 0, 0, &flows, &n, err);
    fl_openflow_close(of);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < n; i++) {
        const struct ofputil_flow_stats *f = &flows[i];

        if (ntohll(f->cookie) >> 48 != FL_COOKIE_PREFIX) {
            uint32_t hash = match_hash(&f->match, hash_2words(f->table_id, f->priority));

            /* A sum: the order in which a switch lists its flows means nothing. */
            sum += (uint64_t)hash * UINT64_C(0x9e3779b97f4a7c15) +
                   hash_bytes64((const void *)f->ofpacts, ROUND_UP(f->ofpacts_len, 8), 0);
        }
    }
    fl_openflow_flows_free(flows, n);
    *basis = xasprintf("%s:%016" PRIx64, bridge, sum);
    return 0;
}

static int choose_guard(struct fl_flowset *set, struct fl_error *err)
{
    struct fl_reg_bit bit = { .mask = 0 };

    for (size_t i = 0; i < set->n_rules; i++) {
        struct fl_openflow *of;
        struct fl_reg_bit free_bit;
        int error;

        if (i && !strcmp(set->rules[i].bridge, set->rules[i - 1].bridge)) {
            continue;
        }
        error = fl_openflow_open(set->rules[i].bridge, OPENFLOW_TIMEOUT_MS, &of, err);
        if (error) {
            return error;
        }
        error = fl_openflow_free_reg_bit(of, &free_bit, err);
        fl_openflow_close(of);
        if (error) {
            return error;
        }
        if (bit.mask && (bit.mask != free_bit.mask || bit.reg != free_bit.reg)) {
            return fl_error_set(err, -EPERM,
                                "the VM's bridges have no unused register bit in common");
        }
        bit = free_bit;
    }
    fl_flowset_guard(set, bit.reg, bit.mask);
    return 0;
}

static int trace(struct prover *p, const struct fl_rule *rule, const char *packet,
                 const char *const *states, const char *actions, struct fl_trace **result)
{
    int error = fl_trace_run(p->ctl, rule->bridge, packet, states, actions, result, p->err);

    p->set->n_traces++;
    return error;
}

static int differ(struct prover *p, const struct fl_rule *rule, const char *packet,
                  const struct fl_trace *pipeline, const char *ours, const char *state)
{
    return fl_error_set(p->err, -EPERM,
                        "not proven: without the rule OVS does \"%s\" with a packet that the rule "
                        "would \"%s\" (conntrack says %s); see ovs-appctl ofproto/trace %s '%s'",
                        pipeline->effect, ours, state, rule->bridge, packet);
}

/* Things a trace may show that make it no proof of anything. */
static int check_plain(struct prover *p, const struct fl_rule *rule, const char *packet,
                       const struct fl_trace *pipeline)
{
    const char *what = pipeline->slow_path ? "it goes through userspace"
                       : pipeline->nat     ? "its addresses may be translated (NAT)"
                       : pipeline->forks   ? "it is copied and goes more than one way"
                                           : NULL;

    return !what ? 0
                 : fl_error_set(p->err, -EPERM,
                                "not proven: %s; see ovs-appctl ofproto/trace %s "
                                "'%s'",
                                what, rule->bridge, packet);
}

/*
 * NORMAL keeps MAC learning alive, so it is taken where the pipeline uses it and it does the same - unless
 * the rule's own actions learn as much: those that hand the packet to a bridge that does NORMAL.
 */
static int settle_actions(struct prover *p, struct fl_rule *rule, const char *packet,
                          const struct fl_trace *pipeline)
{
    _cleanup_trace struct fl_trace *normal = NULL;
    _cleanup_trace struct fl_trace *ours = NULL;
    int error;

    if (!pipeline->n_normal || !strcmp(rule->actions, "NORMAL")) {
        return 0;
    }
    error = trace(p, rule, packet, NULL, rule->actions, &ours);
    if (error ||
        (ours->n_normal >= pipeline->n_normal && !strcmp(ours->effect, pipeline->effect))) {
        return error;
    }
    error = trace(p, rule, packet, NULL, "NORMAL", &normal);
    if (error) {
        return error;
    }
    if (!strcmp(normal->effect, pipeline->effect)) {
        free(rule->actions);
        rule->actions = xstrdup("NORMAL");
        return 0;
    }
    if (!fl_config_allows(p->config, "mac-learning")) {
        return fl_error_set(p->err, -EPERM,
                            "not proven: the pipeline learns MAC addresses from "
                            "this traffic and the rule would not (mac-learning)");
    }
    fl_flowset_add_relaxation(p->set, "mac-learning", packet);
    return 0;
}

/*
 * Where the pipeline drops new connections, a rule for TCP is narrowed to segments with ACK: nobody can
 * begin a connection with one, so all it forwards that the pipeline would not are packets from the
 * middle of a connection that conntrack does not know, which it calls new or invalid as it is set
 * (nf_conntrack_tcp_loose). What begins a connection stays in the pipeline.
 * Return: the relaxation that is left.
 */
static const char *narrow(struct fl_rule *rule, const struct conntrack_answer *answer)
{
    const ovs_be16 ack = htons(TCP_ACK);

    if (!answer->is_new || rule->match.flow.nw_proto != IPPROTO_TCP) {
        return answer->relaxation;
    }
    match_set_tcp_flags_masked(&rule->match, ack, ack);
    return "ct-invalid";
}

/* Compares what the pipeline and the rule do with one packet under one answer of conntrack. */
static int compare(struct prover *p, struct fl_rule *rule, const struct flow *packet,
                   const struct conntrack_answer *answer)
{
    _cleanup_free char *guarded = fl_packet_text(packet, p->set->guard_reg, p->set->guard_mask);
    _cleanup_free char *plain = fl_packet_text(packet, 0, 0);
    _cleanup_trace struct fl_trace *pipeline = NULL;
    _cleanup_trace struct fl_trace *ours = NULL;
    const char *relaxation;
    int error = trace(p, rule, guarded, answer->states, NULL, &pipeline);

    if (!error) {
        error = trace(p, rule, plain, NULL, rule->actions, &ours);
    }
    if (!error) {
        error = check_plain(p, rule, guarded, pipeline);
    }
    if (error || !strcmp(pipeline->effect, ours->effect)) {
        return error;
    }
    if (!answer->relaxation || strcmp(pipeline->effect, "drop")) {
        return differ(p, rule, guarded, pipeline, ours->effect, answer->states[0]);
    }
    relaxation = narrow(rule, answer);
    if (!fl_config_allows(p->config, relaxation)) {
        return fl_error_set(p->err, -EPERM,
                            "the rule would forward what the pipeline drops (%s); "
                            "[policy] allow-relaxations does not allow it; see ovs-appctl "
                            "ofproto/trace %s '%s' --ct-next '%s'",
                            relaxation, rule->bridge, guarded, answer->states[0]);
    }
    fl_flowset_add_relaxation(p->set, relaxation, plain);
    return 0;
}

static int prove_first(struct prover *p, struct fl_rule *rule, const struct flow *packet,
                       const struct conntrack_answer *established)
{
    bool from_vm = rule->direction == FL_FROM_VM;
    const struct conntrack_answer others[] = {
        { newly_made, from_vm ? "ct-new-out" : "ct-new-in", true },
        { invalid, "ct-invalid", false },
    };
    _cleanup_free char *guarded = fl_packet_text(packet, p->set->guard_reg, p->set->guard_mask);
    _cleanup_trace struct fl_trace *pipeline = NULL;
    int error = trace(p, rule, guarded, established->states, NULL, &pipeline);

    if (!error) {
        error = settle_actions(p, rule, guarded, pipeline);
    }
    for (size_t i = 0; !error && pipeline->n_steps > 1 && i < ARRAY_SIZE(others); i++) {
        error = compare(p, rule, packet, &others[i]);
    }
    return error;
}

static int prove_edges(struct prover *p, struct fl_rule *rule, const struct flow *packet,
                       const struct conntrack_answer *established)
{
    for (enum fl_edge edge = 0; edge < FL_N_EDGES; edge++) {
        struct flow corner = *packet;
        int error;

        fl_packet_edge(&rule->match, edge, &corner);
        error = compare(p, rule, &corner, established);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int prove_rule(struct prover *p, struct fl_rule *rule)
{
    struct conntrack_answer established = {
        .states = rule->direction == FL_FROM_VM ? established_from_vm : established_to_vm,
    };
    size_t n_findings = p->vm ? p->vm->n_findings : 0;
    struct flow packet;
    size_t n = 0;
    int error = 0;

    for (size_t i = 0; !error && i < n_findings && n < MAX_PACKETS_PER_RULE; i++) {
        const struct fl_finding *finding = &p->vm->findings[i];
        struct match region;

        fl_chain_region(finding->chain, &region);
        if (finding->direction != rule->direction || finding->chain->drops ||
            !fl_region_meets(&region, &rule->match)) {
            continue;
        }
        fl_packet_draw(&rule->match, &region, &packet);
        if (!n++) {
            error = prove_first(p, rule, &packet, &established);
        }
        error = error ? error : compare(p, rule, &packet, &established);
    }
    if (!error && !n) {
        fl_packet_draw(&rule->match, NULL, &packet);
        error = prove_first(p, rule, &packet, &established);
        error = error ? error : compare(p, rule, &packet, &established);
    }
    return error ? error : prove_edges(p, rule, &packet, &established);
}

int fl_prove(struct fl_ctl *ctl, const struct fl_config *config, const struct fl_vm_audit *vm,
             struct fl_flowset *set, struct fl_error *err)
{
    struct prover p = { .ctl = ctl, .config = config, .vm = vm, .set = set, .err = err };
    int error;

    if (!set->n_rules) {
        return fl_error_set(err, -EINVAL, "there is no rule to prove");
    }
    error = choose_guard(set, err);
    set->n_traces = 0;
    for (size_t i = 0; !error && i < set->n_rules; i++) {
        if (!set->rules[i].decoy) {
            error = prove_rule(&p, &set->rules[i]);
        }
    }
    if (!error) {
        free(set->basis);
        error = fingerprint(set->rules[0].bridge, &set->basis, err);
    }
    return error;
}
