/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/prove.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/chain.h"
#include "flows/cleanup.h"
#include "flows/draw.h"
#include "flows/space.h"
#include "lib/base/clock.h"
#include "lib/prove_internal.h"

/* Times that a rule may be narrowed, or get other actions. */
#define MAX_CHANGES 24

bool fl_prove_observed(const struct fl_prover *p, const struct fl_rule *rule, size_t index,
                       struct match *region)
{
    const struct fl_finding *finding = &p->vm->findings[index];

    if (finding->direction != rule->direction || finding->chain->drops) {
        return false;
    }
    fl_chain_region(finding->chain, region);
    /* Numbered and placed as the datapath does: the rule says where it comes in. */
    region->wc.masks.in_port.odp_port = 0;
    region->flow.in_port.odp_port = 0;
    return fl_region_meets(region, &rule->match);
}

/* Of one rule: what was not asked about yet, and which observed chain is next. */
struct cover {
    struct fl_prover *p;
    size_t rule;
    struct fl_space left;
    size_t next_finding, next_hint;
    struct match like; /* The last observed chain of the rule. */
    bool has_like;
};

static struct fl_rule *rule_of(struct cover *cover)
{
    return &cover->p->set->rules[cover->rule];
}

/* Packets of observed chains come first: what is right for them is what the rule is for. */
static bool draw_observed(struct cover *cover, struct flow *packet)
{
    const struct fl_prover *p = cover->p;
    const struct fl_rule *rule = rule_of(cover);

    while (p->vm && cover->next_finding < p->vm->n_findings) {
        if (fl_prove_observed(p, rule, cover->next_finding++, &cover->like)) {
            cover->has_like = true;
            if (fl_draw_packet(&rule->match, &cover->like, packet) &&
                fl_space_has(&cover->left, packet)) {
                return true;
            }
        }
    }
    return false;
}

/*
 * Then those that some flow tells from others: what differs for a few packets is found before the many that
 * are alike have used up the traces. They have to be asked about anyway.
 */
static bool draw_told_apart(struct cover *cover, struct flow *packet)
{
    const struct fl_prover *p = cover->p;
    struct match region;

    /* Not before anything was right: narrowing keeps to what is like it. */
    while (p->has_right && cover->next_hint < p->n_hints) {
        if (fl_region_intersect(&rule_of(cover)->match, &p->hints[cover->next_hint++], &region) &&
            fl_draw_packet(&region, cover->has_like ? &cover->like : NULL, packet) &&
            fl_space_has(&cover->left, packet)) {
            return true;
        }
    }
    return false;
}

/* Return: false when nothing is left. */
static bool draw(struct cover *cover, struct flow *packet)
{
    struct fl_space *left = &cover->left;

    if (draw_observed(cover, packet) || draw_told_apart(cover, packet)) {
        return true;
    }
    while (left->n_regions) {
        struct match region = left->regions[left->n_regions - 1];

        if (fl_draw_packet(&region, cover->has_like ? &cover->like : NULL, packet)) {
            return true;
        }
        /* No packet can be like that. */
        left->n_regions--;
    }
    return false;
}

/* What is in @judged->region is covered, but for what is in one of its others. */
static int take_covered(struct fl_space *left, const struct fl_judged *judged)
{
    struct fl_space kept;
    int error = 0;

    fl_space_init(&kept, FL_PROOF_MAX_REGIONS);
    for (size_t i = 0; i < judged->n_others; i++) {
        struct match other;

        if (!fl_region_intersect(&judged->region, &judged->others[i], &other)) {
            continue;
        }
        for (size_t j = 0; !error && j < left->n_regions; j++) {
            struct match part;

            if (fl_region_intersect(&left->regions[j], &other, &part)) {
                error = fl_space_add(&kept, &part);
            }
        }
    }
    error = error ? error : fl_space_subtract(left, &judged->region);
    for (size_t i = 0; !error && i < kept.n_regions; i++) {
        error = fl_space_add(left, &kept.regions[i]);
    }
    fl_space_destroy(&kept);
    return error;
}

/* Return: 0, 1 when the rule was changed and is to be covered anew, or negative errno. */
static int cover_packet(struct cover *cover, const struct flow *packet)
{
    struct fl_prover *p = cover->p;
    struct fl_judged judged;
    int error = fl_prove_packet(p, rule_of(cover), packet, &judged);

    if (error) {
        return error;
    }
    p->set->n_regions++;
    if (judged.judgement == FL_JUDGED_SAME && !p->has_right) {
        error = fl_prove_bind(p, cover->rule, packet, &judged);
    }
    if (error) {
        /* Said, or to be covered anew. */
    } else if (judged.judgement == FL_JUDGED_SAME) {
        if (!p->has_right) {
            p->right = judged.region;
            p->has_right = true;
        }
        if (take_covered(&cover->left, &judged)) {
            error = fl_prove_too_many(p, "regions");
        }
    } else if (judged.judgement == FL_JUDGED_OTHER) {
        error = fl_prove_narrow(p, cover->rule, &judged);
        error = error ? error : 1;
    } else {
        error = 1;
    }
    fl_judged_release(&judged);
    return error;
}

/*
 * The packets that a rule can match. Left out are those that no trace can be asked about and that cannot
 * come: with a second VLAN header, since OVS (vlan-limit 1) does not see IP behind it; with a priority or
 * tunnel that no port but a tunnel's gives them.
 */
bool fl_prove_packets(const struct fl_rule *rule, struct match *packets)
{
    fl_region_at_entry(packets);
    memset(&packets->wc.masks.tunnel, 0xff, sizeof packets->wc.masks.tunnel);
    packets->wc.masks.skb_priority = UINT32_MAX;
    memset(&packets->wc.masks.vlans[1], 0xff, sizeof packets->wc.masks.vlans[1]);
    return fl_region_intersect(packets, &rule->match, packets);
}

static int cover_rule(struct fl_prover *p, size_t rule)
{
    struct cover cover = { .p = p, .rule = rule };
    struct flow packet;
    struct match packets;
    int error = 0;

    p->has_right = false;
    fl_space_init(&cover.left, FL_PROOF_MAX_REGIONS);
    if (fl_prove_packets(&p->set->rules[rule], &packets)) {
        error = fl_space_add(&cover.left, &packets);
    }
    while (!error && draw(&cover, &packet)) {
        if (fl_monotonic_ms() >= p->until_ms) {
            error = fl_error_set(p->err, -ETIMEDOUT, "Open vSwitch took too long for %u traces",
                                 p->set->n_traces);
        } else {
            error = p->set->n_traces < FL_PROOF_MAX_TRACES ? cover_packet(&cover, &packet)
                                                           : fl_prove_too_many(p, "traces");
        }
    }
    fl_space_destroy(&cover.left);
    return error;
}

static int prove_rule(struct fl_prover *p, size_t rule)
{
    fl_prove_forget_seen(p);
    for (unsigned int n = 0; n < MAX_CHANGES; n++) {
        int error = fl_prove_hints(p, &p->set->rules[rule]);

        error = error ? error : cover_rule(p, rule);
        if (error <= 0) {
            return error;
        }
    }
    return fl_prove_too_many(p, "changes of the rule");
}

/* One bit that is free on all bridges of the set: that of before, if it is. */
static int choose_guard(struct fl_prover *p)
{
    struct fl_reg_bit bit = { p->set->guard_reg, p->set->guard_mask };
    int error = 0;

    for (size_t i = 0; !error && i < p->set->n_rules; i++) {
        const struct fl_openflow_reading *reading;
        struct fl_reg_bit wanted = bit;

        error = fl_pipeline_bridge(p->pipeline, p->set->rules[i].bridge, &reading, p->err);
        error = error ? error : fl_openflow_free_reg_bit(reading, &bit, p->err);
        if (!error && wanted.mask && (p->as_it_is || i) &&
            (bit.mask != wanted.mask || bit.reg != wanted.reg)) {
            error = fl_error_set(p->err, -EPERM,
                                 "not proven: the register bit that guards the rules is used by "
                                 "other flows, or not free on all of the VM's bridges");
        }
    }
    if (!error) {
        fl_flowset_guard(p->set, bit.reg, bit.mask);
    }
    return error;
}

int fl_prove(struct fl_ctl *ctl, const struct fl_config *config, const struct fl_proof_of *what,
             struct fl_error *err)
{
    struct fl_flowset *set = what->set;
    struct fl_prover p = {
        .ctl = ctl,
        .config = config,
        .vm = what->vm,
        .connections = what->connections,
        .n_connections = what->n_connections,
        .pipeline = what->pipeline,
        .set = set,
        .until_ms = what->within_ms ? fl_monotonic_ms() + what->within_ms : INT64_MAX,
        .as_it_is = what->as_it_is,
        .err = err,
    };
    int error;

    if (!set->n_rules) {
        return fl_error_set(err, -EINVAL, "there is no rule to prove");
    }
    error = choose_guard(&p);
    fl_flowset_forget_proof(set);
    for (size_t i = 0; !error && i < set->n_rules; i++) {
        if (!set->rules[i].decoy) {
            error = prove_rule(&p, i);
        }
    }
    fl_prove_forget(&p);
    if (error) {
        return error;
    }
    /* Of before the traces: what changed while they were made, has changed it. */
    set->basis = xstrdup(what->pipeline->basis);
    set->proof_ms = fl_monotonic_ms() - what->pipeline->started_ms;
    return 0;
}
