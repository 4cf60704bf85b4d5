/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OVS says of a packet: with the rule, and without it in each world of conntrack. What it said of another
 * packet is not asked again where it holds for this one, too.
 */
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/prove_internal.h"

/* ---- What OVS said before ---- */

struct fl_prove_seen {
    struct fl_trace *trace;
    unsigned int of; /* enum fl_world, or FL_TRACE_OF_RULE */
    char *actions;   /* of FL_TRACE_OF_RULE */
};

void fl_prove_forget_seen(struct fl_prover *p)
{
    for (size_t i = 0; i < p->n_seen; i++) {
        fl_trace_destroy(p->seen[i].trace);
        free(p->seen[i].actions);
    }
    free(p->seen);
    p->seen = NULL;
    p->n_seen = 0;
}

void fl_prove_remember(struct fl_prover *p, struct fl_trace *trace, unsigned int of,
                       const char *actions)
{
    p->seen = xrealloc(p->seen, (p->n_seen + 1) * sizeof *p->seen);
    p->seen[p->n_seen++] = (struct fl_prove_seen){
        .trace = trace,
        .of = of,
        .actions = nullable_xstrdup(actions),
    };
}

/* A trace that holds for this packet, too; or NULL. */
static const struct fl_trace *recall(const struct fl_prover *p, const struct flow *packet,
                                     unsigned int of, const char *actions)
{
    for (size_t i = 0; i < p->n_seen; i++) {
        const struct fl_prove_seen *seen = &p->seen[i];
        bool fits = seen->of == of ||
                    (of < FL_TRACE_OF_RULE && !seen->of && !fl_trace_n_tested(seen->trace));

        if (fits && (!actions || !strcmp(actions, seen->actions)) &&
            !seen->trace->fate->undecided && fl_fate_covers(seen->trace->fate, packet)) {
            return seen->trace;
        }
    }
    return NULL;
}

/* ---- Asking ---- */

static int ask_rule(struct fl_trial *t)
{
    struct fl_prover *p = t->p;
    struct fl_trace *trace;
    int error;

    t->ours = recall(p, t->packet, FL_TRACE_OF_RULE, t->rule->actions);
    if (t->ours) {
        return 0;
    }
    error = fl_trace_run(p->ctl, t->rule->bridge, t->plain, NULL, t->rule->actions, &trace, p->err);
    p->set->n_traces++;
    if (!error) {
        fl_prove_remember(p, trace, FL_TRACE_OF_RULE, t->rule->actions);
        t->ours = trace;
    }
    return error;
}

static int ask_pipeline(struct fl_trial *t, enum fl_world world)
{
    struct fl_prover *p = t->p;
    struct fl_trace *trace;
    int error;

    t->worlds[world] = recall(p, t->packet, world, NULL);
    if (!t->worlds[world]) {
        error = fl_trace_world(p->ctl, t->rule->bridge, t->guarded, NULL, world, &trace, p->err);
        p->set->n_traces++;
        if (error) {
            return error;
        }
        fl_prove_remember(p, trace, world, NULL);
        t->worlds[world] = trace;
    }
    t->n_tested = MAX(t->n_tested, fl_trace_n_tested(t->worlds[world]));
    return 0;
}

/* Where the connections are that the rules lead past conntrack. */
static void note_zones(struct fl_trial *t)
{
    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        const struct fl_fate *fate = fl_trial_fate(t, world);

        for (size_t i = 0; i < fate->n_cts; i++) {
            fl_flowset_add_zone(t->p->set, fate->cts[i].zone);
        }
    }
}

int fl_prove_ask(struct fl_trial *t)
{
    int error = ask_rule(t);

    for (enum fl_world world = 0; !error && world < FL_N_WORLDS; world++) {
        if (world && !t->n_tested) {
            t->worlds[world] = t->worlds[0];
        } else {
            error = ask_pipeline(t, world);
        }
    }
    if (!error) {
        note_zones(t);
    }
    return error;
}
