/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline does otherwise than a rule stays with the pipeline, where the rule can be cut. */
#include <errno.h>
#include <string.h>

#include <openvswitch/meta-flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/draw.h"
#include "flows/space.h"
#include "lib/prove_internal.h"

/* Rules that one may become. */
#define MAX_PIECES 8
/* What others may put in front of a refusal. */
#define ROOM_FOR_PREFIX 40

/* A sentence has an end (FL_ERROR_MAX), and the counter-example has to be whole: a flood's words are cut. */
static int refuse(const struct fl_prover *p, const char *preface, const char *why,
                  const char *bridge, const char *packet)
{
    static const char format[] = "not proven: %s%.*s%s; see ovs-appctl ofproto/trace %s '%s'";
    size_t others = sizeof format + strlen(preface) + strlen(bridge) + strlen(packet) +
                    ROOM_FOR_PREFIX;
    size_t room = others < FL_ERROR_MAX ? FL_ERROR_MAX - others : 0;
    bool fits = strlen(why) <= room;

    return fl_error_set(p->err, -EPERM, format, preface, (int)room, why, fits ? "" : "...", bridge,
                        packet);
}

int fl_prove_too_many(const struct fl_prover *p, const char *of_what)
{
    const struct fl_flowset *set = p->set;
    const char *why = "the pipeline tells too many packets of a rule apart";
    _cleanup_free char *preface = NULL;

    if (!set->n_exceptions) {
        return fl_error_set(p->err, -EPERM, "not proven: %s (%s)", why, of_what);
    }
    preface = xasprintf("%s (%s); for one, ", why, of_what);
    return refuse(p, preface, set->exceptions[set->n_exceptions - 1].why,
                  set->rules[p->cut_rule].bridge, set->exceptions[set->n_exceptions - 1].example);
}

/* Are packets of all observed chains that are in the rule in @pieces? */
static bool keeps_observed(const struct fl_prover *p, const struct fl_rule *rule,
                           const struct fl_space *pieces)
{
    size_t n_findings = p->vm ? p->vm->n_findings : 0;
    struct match like;
    struct flow packet;

    for (size_t i = 0; i < n_findings; i++) {
        if (fl_prove_observed(p, rule, i, &like) && fl_draw_packet(&rule->match, &like, &packet) &&
            !fl_space_has(pieces, &packet)) {
            return false;
        }
    }
    return true;
}

/* The rule without the region. */
static bool cut_out(const struct match *rule, const struct match *region, struct fl_space *pieces)
{
    return !fl_space_add(pieces, rule) && !fl_space_subtract(pieces, region) && pieces->n_regions;
}

/* The rule with one value of the field that tells the region from what was right. */
static bool cut_to_value(const struct fl_prover *p, const struct match *rule,
                         const struct match *region, struct fl_space *pieces)
{
    const struct mf_field *field;
    struct match value, narrow;
    struct flow mask;

    field = p->has_right ? fl_region_field_apart(rule, &p->right, region) : NULL;
    if (!field) {
        return false;
    }
    fl_region_field_mask(field, &mask);
    match_init_catchall(&value);
    for (size_t i = 0; i < sizeof mask / sizeof(uint64_t); i++) {
        uint64_t bits = ((const uint64_t *)&mask)[i] & ((const uint64_t *)&p->right.wc.masks)[i];

        ((uint64_t *)&value.wc.masks)[i] = bits;
        ((uint64_t *)&value.flow)[i] = ((const uint64_t *)&p->right.flow)[i] & bits;
    }
    return fl_region_intersect(rule, &value, &narrow) &&
           !fl_region_intersect(&narrow, region, &value) && !fl_space_add(pieces, &narrow);
}

/* A piece that no switch can have as it is loses what is too much; its packets stay with the pipeline. */
static bool settle(struct fl_space *pieces)
{
    size_t n = 0;

    for (size_t i = 0; i < pieces->n_regions; i++) {
        n += fl_openflow_as_sent(&pieces->regions[i], &pieces->regions[n]);
    }
    pieces->n_regions = n;
    return n;
}

static int take(struct fl_prover *p, size_t index, const struct fl_space *pieces)
{
    for (size_t i = 0; i < pieces->n_regions; i++) {
        struct fl_rule *rule = i ? fl_flowset_add(p->set) : &p->set->rules[index];

        if (!rule) {
            return -E2BIG;
        }
        if (i) {
            *rule = p->set->rules[index];
            rule->bridge = xstrdup(rule->bridge);
            rule->actions = xstrdup(rule->actions);
        }
        rule->match = pieces->regions[i];
    }
    return 0;
}

int fl_prove_narrow(struct fl_prover *p, size_t index, const struct fl_judged *judged)
{
    struct fl_rule *rule = &p->set->rules[index];
    struct fl_space pieces;
    bool found;
    int error;

    if (p->as_it_is) {
        return refuse(p, "", judged->why, rule->bridge, judged->guarded);
    }
    fl_space_init(&pieces, MAX_PIECES);
    found = cut_out(&rule->match, &judged->region, &pieces) && settle(&pieces) &&
            keeps_observed(p, rule, &pieces);
    if (!found) {
        fl_space_destroy(&pieces);
        fl_space_init(&pieces, MAX_PIECES);
        found = cut_to_value(p, &rule->match, &judged->region, &pieces) && settle(&pieces) &&
                keeps_observed(p, rule, &pieces);
    }
    if (!found || p->set->n_rules + pieces.n_regions > FL_PROOF_MAX_RULES) {
        error = refuse(p, "", judged->why, rule->bridge, judged->guarded);
    } else {
        fl_flowset_add_exception(p->set, judged->guarded, judged->why);
        p->cut_rule = index;
        error = take(p, index, &pieces);
    }
    fl_space_destroy(&pieces);
    return error;
}

/* ---- MAC addresses ---- */

static struct eth_addr *address_of(struct flow *flow, bool is_source)
{
    return is_source ? &flow->dl_src : &flow->dl_dst;
}

static bool is_exact(const struct match *match, bool is_source)
{
    struct flow masks = match->wc.masks;

    return eth_addr_equals(*address_of(&masks, is_source), eth_addr_exact);
}

static void bind_address(struct match *match, bool is_source, struct eth_addr address)
{
    if (is_source) {
        match_set_dl_src(match, address);
    } else {
        match_set_dl_dst(match, address);
    }
}

/* A rule for each address that the observed chains of the rule have. */
static int bind_to_observed(struct fl_prover *p, size_t index, bool is_source,
                            const struct flow *packet)
{
    struct match rule = p->set->rules[index].match;
    struct flow copy = *packet;
    struct fl_space pieces;
    struct match like, piece = rule;
    int error;

    fl_space_init(&pieces, MAX_PIECES);
    bind_address(&piece, is_source, *address_of(&copy, is_source));
    error = fl_space_add(&pieces, &piece);
    for (size_t i = 0; !error && i < p->vm->n_findings; i++) {
        if (fl_prove_observed(p, &p->set->rules[index], i, &like) && is_exact(&like, is_source)) {
            piece = rule;
            bind_address(&piece, is_source, *address_of(&like.flow, is_source));
            error = fl_space_add(&pieces, &piece);
        }
    }
    if (!error && p->set->n_rules + pieces.n_regions <= FL_PROOF_MAX_RULES) {
        error = take(p, index, &pieces);
    } else {
        error = fl_error_set(p->err, -EPERM,
                             "not proven: the pipeline looks at MAC addresses, and the storage has "
                             "more than %d of them",
                             MAX_PIECES);
    }
    fl_space_destroy(&pieces);
    return error ? error : 1;
}

int fl_prove_bind(struct fl_prover *p, size_t index, const struct flow *packet,
                  const struct fl_judged *judged)
{
    for (int is_source = 0; p->vm && !p->as_it_is && is_source < 2; is_source++) {
        struct flow busy = judged->busy;

        if (!eth_addr_is_zero(*address_of(&busy, is_source)) &&
            is_exact(&judged->region, is_source) &&
            !is_exact(&p->set->rules[index].match, is_source)) {
            return bind_to_observed(p, index, is_source, packet);
        }
    }
    return 0;
}
