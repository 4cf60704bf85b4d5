/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet: what the pipeline does with it in each world of conntrack, and what the rule does, as fates
 * that hold for a region of packets.
 *
 * The expected world is that of an established connection that the VM began. In it both have to do the
 * same. Where the pipeline drops what conntrack calls new or invalid, or what belongs to a connection
 * begun by the server, the rule forwards more: a relaxation, which has a name and has to be allowed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/region.h"
#include "lib/packet.h"
#include "lib/prove_internal.h"

/* Lookups in conntrack whose answers are tried in all combinations. */
#define MAX_MIXED_LOOKUPS 2

void fl_judged_release(struct fl_judged *judged)
{
    free(judged->guarded);
    free(judged->why);
    free(judged->others);
    memset(judged, 0, sizeof *judged);
}

static int __attribute__((format(printf, 2, 3))) other(struct fl_trial *t, const char *format, ...)
{
    va_list args;

    if (t->judged->judgement != FL_JUDGED_OTHER) {
        t->judged->judgement = FL_JUDGED_OTHER;
        va_start(args, format);
        t->judged->why = xvasprintf(format, args);
        va_end(args);
    }
    return 0;
}

static char *fate_text(const struct fl_fate *fate)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_fate_format(fate, &text);
    return ds_steal_cstr(&text);
}

/* What a rule cannot do in the pipeline's place, or NULL. */
static const char *beyond_a_rule(const struct fl_fate *fate)
{
    static const struct {
        unsigned int involves;
        const char *words;
    } table[] = {
        { FL_INVOLVES_CONTROLLER, "a controller gets it" },
        { FL_INVOLVES_METER, "a meter polices it" },
        { FL_INVOLVES_NAT, "its addresses are translated (NAT)" },
        { FL_INVOLVES_LEARN, "OVS learns flows from it (learn)" },
        { FL_INVOLVES_USERSPACE, "it goes through userspace" },
        { FL_INVOLVES_HASH, "a hash chooses one of several ports for it" },
        { FL_INVOLVES_TRUNC, "it is cut short" },
    };

    /* These come first: they say why the trace tells too little. */
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (fate->involves & table[i].involves) {
            return table[i].words;
        }
    }
    return fate->undecided;
}

static bool drops(const struct fl_fate *fate)
{
    return !fate->n_outputs && !fate->undecided;
}

static int relax(struct fl_trial *t, const char *id, const char *state)
{
    struct fl_prover *p = t->p;

    if (!fl_config_allows(p->config, id)) {
        return fl_error_set(p->err, -EPERM,
                            "the rule would forward what the pipeline does not (%s); [policy] "
                            "allow-relaxations does not allow it; see ovs-appctl ofproto/trace %s "
                            "'%s'%s%s%s",
                            id, t->rule->bridge, t->guarded, state ? " --ct-next '" : "",
                            state ? state : "", state ? "'" : "");
    }
    for (size_t i = 0; i < p->set->n_relaxations; i++) {
        if (!strcmp(p->set->relaxations[i].id, id)) {
            return 0;
        }
    }
    fl_flowset_add_relaxation(p->set, id, t->plain);
    return 0;
}

/*
 * Where the pipeline drops new connections, a rule for TCP is narrowed to segments with ACK: nobody can
 * begin a connection with one, so all it forwards that the pipeline would not are packets from the middle
 * of a connection that conntrack does not know, which it calls new or invalid as it is set
 * (nf_conntrack_tcp_loose). What begins a connection stays in the pipeline.
 */
static int relax_new(struct fl_trial *t, enum fl_world world)
{
    const ovs_be16 ack = htons(TCP_ACK);
    struct match *match = &t->rule->match;
    bool has_ack = match->wc.masks.tcp_flags & match->flow.tcp_flags & ack;

    if (match->flow.nw_proto != IPPROTO_TCP || (t->p->as_it_is && !has_ack)) {
        return relax(t, t->rule->direction == FL_FROM_VM ? "ct-new-out" : "ct-new-in",
                     fl_world_ct_state(world));
    }
    if (!has_ack) {
        match_set_tcp_flags_masked(match, ack | match->flow.tcp_flags,
                                   ack | match->wc.masks.tcp_flags);
        t->judged->judgement = FL_JUDGED_ANEW;
        return 0;
    }
    return relax(t, "ct-invalid", fl_world_ct_state(world));
}

static int relax_world(struct fl_trial *t, enum fl_world world)
{
    return world == FL_WORLD_INVALID ? relax(t, "ct-invalid", fl_world_ct_state(world))
                                     : relax_new(t, world);
}

static int judge_difference(struct fl_trial *t, const struct fl_fate *pipeline, const char *state)
{
    _cleanup_free char *theirs = fate_text(pipeline);
    _cleanup_free char *ours = fate_text(t->ours->fate);

    return other(t, "OVS does \"%s\" with it without the rule, and the rule \"%s\"%s%s%s", theirs,
                 ours, state ? " (conntrack says " : "", state ? state : "", state ? ")" : "");
}

/* Marks and labels of connections, which a trace takes for none. */
static int judge_marks(struct fl_trial *t, const struct fl_fate *fate)
{
    const struct fl_prover *p = t->p;

    if (!(fate->involves & FL_INVOLVES_CT_ENTRY)) {
        return 0;
    }
    for (size_t i = 0; i < p->n_connections; i++) {
        if (p->connections[i].mark || p->connections[i].labelled) {
            return fl_error_set(p->err, -EPERM,
                                "not proven: the pipeline looks at marks or labels of connections, "
                                "and conntrack has storage connections that are marked");
        }
    }
    return 0;
}

/* @state: NULL where conntrack does not matter. */
static int judge_fate(struct fl_trial *t, const struct fl_fate *pipeline, const char *state)
{
    const char *beyond = beyond_a_rule(pipeline);

    if (beyond) {
        return other(t, "%s%s%s%s", beyond, state ? " (conntrack says " : "", state ? state : "",
                     state ? ")" : "");
    }
    if (!fl_fate_same(pipeline, t->ours->fate, &t->judged->region)) {
        return judge_difference(t, pipeline, state);
    }
    if (pipeline->involves & ~t->ours->fate->involves & FL_INVOLVES_SAMPLE) {
        return relax(t, "sampling", state);
    }
    return judge_marks(t, pipeline);
}

static int judge_world(struct fl_trial *t, enum fl_world world)
{
    const struct fl_fate *fate = fl_trial_fate(t, world);
    bool begun_by_peer = world == FL_WORLD_ESTABLISHED || world == FL_WORLD_REPLY;

    /* A connection that cannot begin has no established packets. */
    if (drops(fate) && !drops(t->ours->fate) &&
        (!begun_by_peer || drops(fl_trial_fate(t, FL_WORLD_NEW)))) {
        return relax_world(t, world);
    }
    return judge_fate(t, fate, fl_world_ct_state(world));
}

/* Several lookups, which need not say the same. */
static int judge_mixed(struct fl_trial *t, enum fl_world first, enum fl_world second)
{
    const char *const states[] = { fl_world_ct_state(first), fl_world_ct_state(second), NULL };
    bool known = first <= FL_WORLD_REPLY && second <= FL_WORLD_REPLY;
    _cleanup_free char *words = xasprintf("%s, then %s", states[0], states[1]);
    struct fl_trace *trace;
    int error = fl_trace_run(t->p->ctl, t->rule->bridge, t->guarded, states, NULL, &trace,
                             t->p->err);

    t->p->set->n_traces++;
    if (error) {
        return error;
    }
    if (!fl_region_intersect(&t->judged->region, &trace->fate->region, &t->judged->region) ||
        !fl_region_has(&t->judged->region, t->packet)) {
        error = other(t, "OVS's trace does not say for which packets it holds");
    } else if (!known && drops(trace->fate) && !drops(t->ours->fate)) {
        bool is_invalid = first == FL_WORLD_INVALID || second == FL_WORLD_INVALID;

        error = relax_world(t, is_invalid ? FL_WORLD_INVALID : FL_WORLD_NEW);
    } else {
        error = judge_fate(t, trace->fate, words);
    }
    fl_trace_destroy(trace);
    return error;
}

static int judge_mixtures(struct fl_trial *t)
{
    int error = 0;

    if (t->n_tested > MAX_MIXED_LOOKUPS) {
        return other(t, "it is looked up in conntrack %u times", t->n_tested);
    }
    for (enum fl_world first = 0; t->n_tested > 1 && first < FL_N_WORLDS; first++) {
        for (enum fl_world second = 0; second < FL_N_WORLDS; second++) {
            if (!error && first != second && t->judged->judgement == FL_JUDGED_SAME) {
                error = judge_mixed(t, first, second);
            }
        }
    }
    return error;
}

/*
 * NORMAL keeps MAC learning alive, so it is taken where the pipeline uses it and it does the same - unless
 * the rule's own actions learn as much: those that hand the packet to a bridge that does NORMAL.
 */
static int settle_learning(struct fl_trial *t, const struct fl_trace *pipeline, bool as_it_is)
{
    struct fl_trace *normal;
    bool same;
    int error;

    if (t->ours->n_normal >= pipeline->n_normal) {
        return 0;
    }
    if (as_it_is || !strcmp(t->rule->actions, "NORMAL")) {
        return relax(t, "mac-learning", NULL);
    }
    error = fl_trace_run(t->p->ctl, t->rule->bridge, t->plain, NULL, "NORMAL", &normal, t->p->err);
    t->p->set->n_traces++;
    if (error) {
        return error;
    }
    same = fl_fate_same(normal->fate, pipeline->fate, &t->judged->region);
    if (!same) {
        fl_trace_destroy(normal);
        return relax(t, "mac-learning", NULL);
    }
    free(t->rule->actions);
    t->rule->actions = xstrdup("NORMAL");
    fl_prove_remember(t->p, normal, FL_TRACE_OF_RULE, t->rule->actions);
    t->judged->judgement = FL_JUDGED_ANEW;
    return 0;
}

static int judge(struct fl_trial *t)
{
    enum fl_world expected = t->rule->direction == FL_FROM_VM ? FL_WORLD_ESTABLISHED
                                                              : FL_WORLD_REPLY;
    bool depends = t->n_tested > 0;
    int error = judge_fate(t, fl_trial_fate(t, expected),
                           depends ? fl_world_ct_state(expected) : NULL);

    if (!error && t->judged->judgement == FL_JUDGED_SAME) {
        error = settle_learning(t, t->worlds[expected], t->p->as_it_is);
    }
    for (enum fl_world world = 0; depends && world < FL_N_WORLDS; world++) {
        if (!error && t->judged->judgement == FL_JUDGED_SAME && world != expected) {
            error = judge_world(t, world);
        }
    }
    if (!error && t->judged->judgement == FL_JUDGED_SAME) {
        error = judge_mixtures(t);
    }
    return error;
}

/* Do both hand the packet to NORMAL as often, or does the pipeline drop it without? */
static bool learns_alike(const struct fl_trial *t, const struct fl_trace *pipeline)
{
    bool drops_more = drops(pipeline->fate) && !drops(t->ours->fate);

    return pipeline->n_normal == (drops_more ? 0 : t->ours->n_normal);
}

/* A header that is put on may have its priority from the packet. */
static bool pushes(const struct fl_fate *fate)
{
    for (size_t i = 0; i < fate->n_outputs; i++) {
        if (fate->outputs[i].n_pushed) {
            return true;
        }
    }
    return false;
}

static void make_wider(const struct match *region, const struct flow *bits, struct match *wide)
{
    *wide = *region;
    for (size_t i = 0; i < FLOW_U64S; i++) {
        ((uint64_t *)&wide->wc.masks)[i] &= ~((const uint64_t *)bits)[i];
        ((uint64_t *)&wide->flow)[i] &= ((uint64_t *)&wide->wc.masks)[i];
    }
}

/* Makes the region wider where no flow tells its packets apart: see prove_blind.c. */
static int widen(struct fl_trial *t)
{
    const struct fl_trace *traces[FL_N_WORLDS + 1] = { t->ours };
    bool may_push = pushes(t->ours->fate) || t->ours->renews_vlan;
    struct fl_blind blind;
    struct match wide;
    int error;

    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        traces[world + 1] = t->worlds[world];
        may_push |= pushes(fl_trial_fate(t, world)) || t->worlds[world]->renews_vlan;
        if (!learns_alike(t, t->worlds[world])) {
            return 0;
        }
    }
    if (t->n_tested > 1) {
        return 0;
    }
    error = fl_prove_blind(t->p, t->rule, t->packet, traces, FL_N_WORLDS + 1, &blind);
    if (error) {
        return error;
    }
    if (may_push) {
        blind.bits.vlans[0].tci = 0;
    }
    make_wider(&t->judged->region, &blind.bits, &wide);
    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        if (!drops(fl_trial_fate(t, world)) &&
            !fl_fate_same(fl_trial_fate(t, world), t->ours->fate, &wide)) {
            free(blind.others);
            return 0;
        }
    }
    t->judged->region = wide;
    t->judged->busy = blind.busy;
    t->judged->others = blind.others;
    t->judged->n_others = blind.n_others;
    return 0;
}

/* Where all of the fates hold. */
static int intersect(struct fl_trial *t)
{
    struct match *region = &t->judged->region;
    bool meets;

    *region = t->rule->match;
    meets = fl_region_intersect(region, &t->ours->fate->region, region);
    for (enum fl_world world = 0; meets && world < FL_N_WORLDS; world++) {
        meets = fl_region_intersect(region, &fl_trial_fate(t, world)->region, region);
    }
    if (!meets || !fl_region_has(region, t->packet)) {
        return fl_error_set(t->p->err, -EPERM,
                            "not proven: OVS's trace does not say for which packets it holds; see "
                            "ovs-appctl ofproto/trace %s '%s'",
                            t->rule->bridge, t->guarded);
    }
    return 0;
}

/* As when a VM is leaving: that the pipeline drops its packets, too, says nothing about the rule. */
static int leads_somewhere(const struct fl_trial *t)
{
    /* NORMAL drops what it would send back. */
    if (!drops(t->ours->fate) || !strstr(t->rule->actions, "output:")) {
        return 0;
    }
    return fl_error_set(t->p->err, -EPERM,
                        "not proven: %s leads nowhere now; see ovs-appctl ofproto/trace %s '%s' %s",
                        t->rule->actions, t->rule->bridge, t->plain, t->rule->actions);
}

int fl_prove_packet(struct fl_prover *p, struct fl_rule *rule, const struct flow *packet,
                    struct fl_judged *judged)
{
    struct fl_trial t = {
        .p = p,
        .rule = rule,
        .packet = packet,
        .guarded = fl_packet_text(packet, p->set->guard_reg, p->set->guard_mask),
        .plain = fl_packet_text(packet, 0, 0),
        .judged = judged,
    };
    int error;

    memset(judged, 0, sizeof *judged);
    if (!t.guarded) {
        return fl_error_set(p->err, -EPERM,
                            "not proven: a rule matches packets that OVS cannot be asked about");
    }
    error = fl_prove_ask(&t);
    if (error == -EPROTO) {
        /* OVS could be asked; what it said proves nothing. */
        fl_error_prefix(p->err, "not proven");
        error = p->err->code = -EPERM;
    }
    error = error ? error : leads_somewhere(&t);
    error = error ? error : intersect(&t);
    error = error ? error : judge(&t);
    memset(&judged->busy, 0xff, sizeof judged->busy);
    if (!error && judged->judgement == FL_JUDGED_SAME) {
        error = widen(&t);
    }
    judged->guarded = t.guarded;
    free(t.plain);
    if (error) {
        fl_judged_release(judged);
    }
    return error;
}
