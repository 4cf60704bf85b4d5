/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/reoffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/reoffer.h"
#include "lib/ask.h"
#include "lib/prove.h"
#include "lib/remedy_steps.h"

/* ---- The question ---- */

/* Return: 0 when the NIC takes the flow, else as fl_reoffer_plan(). */
static int check(const struct fl_asked *asked, struct fl_error *err)
{
    const char *words = asked->n_parts ? asked->parts[0].words : asked->words;
    int code = asked->n_parts ? asked->parts[0].error : asked->error;

    switch (asked->outcome) {
    case FL_ASKED_ACCEPTED: return 0;
    case FL_ASKED_NOT_OFFERED:
        return fl_error_set(err, -ENOTSUP, "Open vSwitch does not offer the flow: %s", words);
    case FL_ASKED_REFUSED:
    case FL_ASKED_REFUSES_ALL:
    case FL_ASKED_REFUSED_FOR_NOW:
        return fl_error_set(err, -ENOTSUP, "the NIC would not take it: %s",
                            *words ? words : strerror(code));
    case FL_ASKED_CANNOT_TELL:
    default: return fl_error_set(err, -EIO, "the NIC cannot be asked: %s", words);
    }
}

/* Each of the flows as Open vSwitch will offer it. */
static int ask_for_all(const struct fl_operator *op, const struct fl_plan *plan,
                       struct fl_error *err)
{
    size_t n = plan->vm->n_findings;
    struct fl_flow *anew = xcalloc(n, sizeof *anew);
    struct fl_asked_all all = { .flows = xcalloc(n, sizeof *all.flows), .stops = true };
    int error = 0;

    for (size_t i = 0; i < n; i++) {
        const struct fl_finding *finding = &plan->vm->findings[i];

        if (fl_reoffer_wanted(finding)) {
            fl_reoffer_anew(&finding->chain->links[0]->flow, &anew[all.n]);
            fl_ask_add(&all, plan->audit, finding->direction, &anew[all.n]);
        }
    }
    fl_ask_flows(&op->host, plan->audit, NULL, &all);
    for (size_t i = 0; i < all.n; i++) {
        error = error ? error : check(&all.flows[i], err);
        minimatch_destroy(&anew[i].match);
    }
    free(all.flows);
    free(anew);
    return error;
}

/* ---- The proof ---- */

static int choose_guard(struct fl_flowset *set, struct fl_pipeline *pipeline, struct fl_error *err)
{
    struct fl_reg_bit bit = { .mask = 0 };
    int error = 0;

    for (size_t i = 0; i < set->n_rules && !error; i++) {
        const struct fl_openflow_reading *reading;

        error = fl_pipeline_bridge(pipeline, set->rules[i].bridge, &reading, err);
        error = error ? error : fl_openflow_free_reg_bit(reading, &bit, err);
    }
    if (!error) {
        fl_reoffer_hand_on(set, bit.reg, bit.mask);
    }
    return error;
}

/*
 * That nobody reads the bit is what makes the rules harmless to every packet they match: their action is the
 * pipeline. OVS is asked whether it takes it so for the packets of the VM's own flows. Of all that the rules
 * match it would take long: where addresses are tested, each that is not the VM's is told apart from others.
 */
static int prove(const struct fl_operator *op, struct fl_ctl *ctl, const struct fl_plan *plan,
                 struct fl_flowset *set, struct fl_error *err)
{
    struct fl_pipeline pipeline;
    struct fl_flowset own;
    struct fl_proof_of what = { .set = &own, .pipeline = &pipeline, .as_it_is = true };
    int error = fl_reoffer_rules(plan->vm, fl_snapshot_ports_const(plan->snapshot), true, &own,
                                 err);

    if (error) {
        return error;
    }
    error = fl_pipeline_read(&own, &pipeline, err);
    if (!error) {
        error = choose_guard(&own, &pipeline, err);
        error = error ? error : fl_prove(ctl, op->config, &what, err);
        fl_pipeline_release(&pipeline);
    }
    if (!error && own.n_relaxations) {
        error = fl_error_set(err, -EPERM, "not proven: a rule would forward more (%s)",
                             own.relaxations[0].id);
    }
    if (!error) {
        fl_reoffer_hand_on(set, own.guard_reg, own.guard_mask);
    }
    fl_flowset_destroy(&own);
    return error;
}

int fl_reoffer_plan(const struct fl_operator *op, struct fl_ctl *ctl, const struct fl_plan *plan,
                    struct fl_flowset *set, struct fl_error *err)
{
    int error = fl_reoffer_rules(plan->vm, fl_snapshot_ports_const(plan->snapshot), false, set,
                                 err);

    if (error) {
        return error;
    }
    /* First, since it has a limit to how many flows there are. */
    error = prove(op, ctl, plan, set, err);
    if (!error) {
        fl_step_say(op, "asking the NIC whether it takes the flows now");
        error = ask_for_all(op, plan, err);
    }
    if (error) {
        fl_flowset_destroy(set);
        return error;
    }
    for (size_t i = 0; i < set->n_rules; i++) {
        set->rules[i].decoy = true;
    }
    return 0;
}
