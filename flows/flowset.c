/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/flowset.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"

/*
 * Cookies are in flow tables and remedy files, and must be found again by every later version: so the
 * hash is FNV-1a (64 bits, its published constants), folded to 48 bits, and never to be changed.
 */
uint64_t fl_cookie_of_vm(const char *vm_id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *vm_id; vm_id++) {
        hash ^= (uint8_t)*vm_id;
        hash *= UINT64_C(0x100000001b3);
    }
    return FL_COOKIE_PREFIX << 48 | ((hash ^ hash >> 48) & ~FL_COOKIE_PREFIX_MASK);
}

void fl_flowset_init(struct fl_flowset *set, const char *vm_id, const char *vm_name)
{
    *set = (struct fl_flowset){
        .vm_id = xstrdup(vm_id),
        .vm_name = xstrdup(vm_name),
        .cookie = fl_cookie_of_vm(vm_id),
    };
}

void fl_flowset_destroy(struct fl_flowset *set)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        free(set->rules[i].bridge);
        free(set->rules[i].actions);
    }
    fl_flowset_forget_proof(set);
    free(set->rules);
    free(set->zones);
    free(set->vm_id);
    free(set->vm_name);
    *set = (struct fl_flowset){ .n_rules = 0 };
}

struct fl_rule *fl_flowset_add(struct fl_flowset *set)
{
    struct fl_rule *rule;

    if (set->n_rules >= FL_LIMIT_RULES) {
        return NULL;
    }
    set->rules = xrealloc(set->rules, (set->n_rules + 1) * sizeof *set->rules);
    rule = &set->rules[set->n_rules++];
    memset(rule, 0, sizeof *rule);
    match_init_catchall(&rule->match);
    return rule;
}

void fl_flowset_guard(struct fl_flowset *set, unsigned int reg, uint32_t mask)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        struct match *match = &set->rules[i].match;

        /* A guard chosen before is another bridge's or an older proof's: it goes. */
        if (set->guard_mask) {
            match_set_reg_masked(match, set->guard_reg, 0,
                                 match->wc.masks.regs[set->guard_reg] & ~set->guard_mask);
        }
        match_set_reg_masked(match, reg, 0, match->wc.masks.regs[reg] | mask);
    }
    set->guard_reg = reg;
    set->guard_mask = mask;
}

void fl_flowset_add_relaxation(struct fl_flowset *set, const char *id, const char *example)
{
    set->relaxations = xrealloc(set->relaxations,
                                (set->n_relaxations + 1) * sizeof *set->relaxations);
    set->relaxations[set->n_relaxations++] = (struct fl_relaxation){
        .id = xstrdup(id),
        .example = nullable_xstrdup(example),
    };
}

void fl_flowset_add_exception(struct fl_flowset *set, const char *example, const char *why)
{
    set->exceptions = xrealloc(set->exceptions, (set->n_exceptions + 1) * sizeof *set->exceptions);
    set->exceptions[set->n_exceptions++] = (struct fl_exception){
        .example = xstrdup(example),
        .why = xstrdup(why),
    };
}

void fl_flowset_forget_proof(struct fl_flowset *set)
{
    for (size_t i = 0; i < set->n_relaxations; i++) {
        free(set->relaxations[i].id);
        free(set->relaxations[i].example);
    }
    for (size_t i = 0; i < set->n_exceptions; i++) {
        free(set->exceptions[i].example);
        free(set->exceptions[i].why);
    }
    free(set->relaxations);
    free(set->exceptions);
    free(set->basis);
    set->relaxations = NULL;
    set->exceptions = NULL;
    set->basis = NULL;
    set->n_relaxations = set->n_exceptions = 0;
    set->n_traces = set->n_regions = 0;
    set->proof_ms = 0;
}

char *fl_rule_match_text(const struct fl_rule *rule)
{
    /* The default priority is the one that match_format() leaves out. */
    return match_to_string(&rule->match, NULL, OFP_DEFAULT_PRIORITY);
}

char *fl_rule_text(const struct fl_rule *rule, uint64_t cookie)
{
    _cleanup_free char *match = fl_rule_match_text(rule);

    return xasprintf("table=0,priority=%" PRIu16 ",cookie=0x%" PRIx64 "%s%s actions=%s",
                     rule->priority, cookie, match[0] ? "," : "", match, rule->actions);
}

/* What OVS reads back, from text or from OpenFlow, says "an Ethernet packet" even when nobody asked. */
static bool matches_equal(const struct match *a, const struct match *b)
{
    struct match with_type_a = *a, with_type_b = *b;

    match_set_default_packet_type(&with_type_a);
    match_set_default_packet_type(&with_type_b);
    return match_equal(&with_type_a, &with_type_b);
}

static bool rules_equal(const struct fl_rule *a, const struct fl_rule *b)
{
    return !strcmp(a->bridge, b->bridge) && a->priority == b->priority &&
           matches_equal(&a->match, &b->match) && !strcmp(a->actions, b->actions);
}

bool fl_flowset_equal(const struct fl_flowset *a, const struct fl_flowset *b)
{
    bool taken[FL_LIMIT_RULES] = { false };

    if (a->n_rules != b->n_rules) {
        return false;
    }
    for (size_t i = 0; i < a->n_rules; i++) {
        size_t j = 0;

        while (j < b->n_rules && (taken[j] || !rules_equal(&a->rules[i], &b->rules[j]))) {
            j++;
        }
        if (j == b->n_rules) {
            return false;
        }
        taken[j] = true;
    }
    return true;
}
