/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/flowset.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/region.h"

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

static void free_rules(struct fl_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].bridge);
        free(rules[i].actions);
    }
    free(rules);
}

void fl_flowset_destroy(struct fl_flowset *set)
{
    free_rules(set->rules, set->n_rules);
    free_rules(set->wide, set->n_wide);
    fl_flowset_forget_proof(set);
    fl_flowset_forget_ports(set);
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

struct fl_rule_port *fl_flowset_add_port(struct fl_flowset *set)
{
    set->ports = xrealloc(set->ports, (set->n_ports + 1) * sizeof *set->ports);
    set->ports[set->n_ports] = (struct fl_rule_port){ .ofport = OFPP_NONE };
    return &set->ports[set->n_ports++];
}

void fl_flowset_forget_ports(struct fl_flowset *set)
{
    for (size_t i = 0; i < set->n_ports; i++) {
        free(set->ports[i].bridge);
        free(set->ports[i].interface);
        free(set->ports[i].iface_id);
    }
    free(set->ports);
    set->ports = NULL;
    set->n_ports = 0;
}

bool fl_flowset_add_zone(struct fl_flowset *set, uint16_t zone)
{
    for (size_t i = 0; i < set->n_zones; i++) {
        if (set->zones[i] == zone) {
            return false;
        }
    }
    if (set->n_zones >= FL_LIMIT_ZONES) {
        return false;
    }
    set->zones = xrealloc(set->zones, (set->n_zones + 1) * sizeof *set->zones);
    set->zones[set->n_zones++] = zone;
    return true;
}

static void *copy_array(const void *array, size_t n, size_t each)
{
    return n ? xmemdup(array, n * each) : NULL;
}

static struct fl_rule *copy_rules(const struct fl_rule *rules, size_t n)
{
    struct fl_rule *copy = copy_array(rules, n, sizeof *rules);

    for (size_t i = 0; i < n; i++) {
        copy[i].bridge = xstrdup(rules[i].bridge);
        copy[i].actions = xstrdup(rules[i].actions);
    }
    return copy;
}

void fl_flowset_keep_wide(struct fl_flowset *set)
{
    free_rules(set->wide, set->n_wide);
    set->wide = copy_rules(set->rules, set->n_rules);
    set->n_wide = set->n_rules;
}

static bool is_within(const struct fl_rule *inner, const struct fl_rule *outer)
{
    return !strcmp(inner->bridge, outer->bridge) && fl_region_within(&inner->match, &outer->match);
}

/* The first rule, not a decoy, that is within @wide. */
static const struct fl_rule *rule_within(const struct fl_flowset *set, const struct fl_rule *wide)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (!set->rules[i].decoy && is_within(&set->rules[i], wide)) {
            return &set->rules[i];
        }
    }
    return NULL;
}

void fl_flowset_settle_wide(struct fl_flowset *set)
{
    for (size_t i = 0; i < set->n_wide; i++) {
        const struct fl_rule *rule = rule_within(set, &set->wide[i]);

        if (rule) {
            free(set->wide[i].actions);
            set->wide[i].actions = xstrdup(rule->actions);
        }
    }
}

void fl_flowset_widen(struct fl_flowset *set)
{
    free_rules(set->rules, set->n_rules);
    set->rules = copy_rules(set->wide, set->n_wide);
    set->n_rules = set->n_wide;
    fl_flowset_forget_proof(set);
}

void fl_flowset_copy(struct fl_flowset *to, const struct fl_flowset *from)
{
    *to = *from;
    to->vm_id = xstrdup(from->vm_id);
    to->vm_name = xstrdup(from->vm_name);
    to->rules = copy_rules(from->rules, from->n_rules);
    to->wide = copy_rules(from->wide, from->n_wide);
    to->zones = copy_array(from->zones, from->n_zones, sizeof *from->zones);
    to->ports = copy_array(from->ports, from->n_ports, sizeof *from->ports);
    for (size_t i = 0; i < to->n_ports; i++) {
        to->ports[i].bridge = xstrdup(from->ports[i].bridge);
        to->ports[i].interface = xstrdup(from->ports[i].interface);
        to->ports[i].iface_id = nullable_xstrdup(from->ports[i].iface_id);
    }
    to->relaxations = NULL;
    to->exceptions = NULL;
    to->n_relaxations = to->n_exceptions = 0;
    for (size_t i = 0; i < from->n_relaxations; i++) {
        fl_flowset_add_relaxation(to, from->relaxations[i].id, from->relaxations[i].example);
    }
    for (size_t i = 0; i < from->n_exceptions; i++) {
        fl_flowset_add_exception(to, from->exceptions[i].example, from->exceptions[i].why);
    }
    to->basis = nullable_xstrdup(from->basis);
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

bool fl_flowset_has_rule_of(const struct fl_flowset *set, const struct fl_rule *decoy)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *rule = &set->rules[i];

        if (!rule->decoy && !strcmp(rule->actions, decoy->actions) && is_within(decoy, rule)) {
            return true;
        }
    }
    return false;
}

/* Rules that are dropped stay in the array until the end, so @is_kept sees all of them, in some order. */
static void keep_only(struct fl_flowset *set,
                      bool (*is_kept)(const struct fl_flowset *, const struct fl_rule *))
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_rules; i++) {
        struct fl_rule rule = set->rules[i];

        if (is_kept(set, &rule)) {
            set->rules[i] = set->rules[n];
            set->rules[n++] = rule;
        }
    }
    for (size_t i = n; i < set->n_rules; i++) {
        free(set->rules[i].bridge);
        free(set->rules[i].actions);
    }
    set->n_rules = n;
}

static bool is_no_decoy(const struct fl_flowset *set OVS_UNUSED, const struct fl_rule *rule)
{
    return !rule->decoy;
}

static bool is_no_stray(const struct fl_flowset *set, const struct fl_rule *rule)
{
    return !rule->decoy || fl_flowset_has_rule_of(set, rule);
}

void fl_flowset_drop_decoys(struct fl_flowset *set)
{
    keep_only(set, is_no_decoy);
}

void fl_flowset_drop_stray_decoys(struct fl_flowset *set)
{
    keep_only(set, is_no_stray);
}

char *fl_ofpacts_parse(const char *text, struct ofpbuf *ofpacts)
{
    enum ofputil_protocol usable;
    struct ofpact_parse_params params = { .ofpacts = ofpacts, .usable_protocols = &usable };

    ofpbuf_init(ofpacts, 64);
    return ofpacts_parse_actions(text, &params);
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

static bool covers_rule(const struct fl_flowset *set, const struct fl_rule *rule)
{
    struct fl_rule inner = *rule;

    match_set_default_packet_type(&inner.match);
    for (size_t i = 0; i < set->n_rules; i++) {
        if (!set->rules[i].decoy && is_within(&inner, &set->rules[i])) {
            return true;
        }
    }
    return false;
}

bool fl_flowset_covers(const struct fl_flowset *set, const struct fl_flowset *other)
{
    for (size_t i = 0; i < other->n_rules; i++) {
        if (!other->rules[i].decoy && !covers_rule(set, &other->rules[i])) {
            return false;
        }
    }
    return true;
}

static bool has_direction(const struct fl_flowset *set, enum fl_direction direction)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (!set->rules[i].decoy && set->rules[i].direction == direction) {
            return true;
        }
    }
    return false;
}

bool fl_flowset_has_directions(const struct fl_flowset *set, const struct fl_flowset *other)
{
    for (size_t i = 0; i < other->n_rules; i++) {
        if (!other->rules[i].decoy && !has_direction(set, other->rules[i].direction)) {
            return false;
        }
    }
    return true;
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
