/* SPDX-License-Identifier: Apache-2.0 */
#include "eswitch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define FIRST_BUCKETS 16u

struct flownic_rule {
    TAILQ_ENTRY(flownic_rule) by_serial;
    struct flownic_rule *next_in_bucket;
    struct rule_group *group;
    uint64_t serial;
    uint32_t port;
    uint32_t hash;
    struct flownic_rule_spec spec;
    struct flownic_rule_counters total;
    struct flownic_rule_counters queried;
};

/* All rules of a port that have the same mask, priority and kind. */
struct rule_group {
    LIST_ENTRY(rule_group) next;
    struct flownic_key mask;
    uint32_t priority;
    bool forwards;
    uint32_t n_rules;
    uint32_t n_buckets; /* a power of two */
    struct flownic_rule **buckets;
};

struct eswitch_port {
    LIST_HEAD(, rule_group) groups; /* best first */
    TAILQ_HEAD(, flownic_rule) rules;
    struct flownic_port_counters counters;
};

struct flownic_eswitch {
    pthread_rwlock_t lock; /* guards all below but the counters, which are atomic */
    uint64_t last_serial;
    uint32_t n_forwarding_rules;
    struct flownic_faults faults;
    struct eswitch_port ports[FLOWNIC_MAX_PORTS];
};

static void count(uint64_t *counter, uint64_t by)
{
    __atomic_add_fetch(counter, by, __ATOMIC_RELAXED);
}

static uint64_t counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* FNV-1a. */
static uint32_t hash_key(const struct flownic_key *key)
{
    const uint8_t *bytes = (const uint8_t *)key;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof *key; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash;
}

static void mask_key(const struct flownic_key *key, const struct flownic_key *mask,
                     struct flownic_key *masked)
{
    for (size_t i = 0; i < sizeof *key; i++) {
        ((uint8_t *)masked)[i] = ((const uint8_t *)key)[i] & ((const uint8_t *)mask)[i];
    }
}

struct flownic_eswitch *flownic_eswitch_create(void)
{
    struct flownic_eswitch *eswitch = calloc(1, sizeof *eswitch);

    if (!eswitch) {
        return NULL;
    }
    pthread_rwlock_init(&eswitch->lock, NULL);
    for (size_t i = 0; i < FLOWNIC_MAX_PORTS; i++) {
        LIST_INIT(&eswitch->ports[i].groups);
        TAILQ_INIT(&eswitch->ports[i].rules);
    }
    return eswitch;
}

void flownic_eswitch_destroy(struct flownic_eswitch *eswitch)
{
    if (!eswitch) {
        return;
    }
    for (uint32_t i = 0; i < FLOWNIC_MAX_PORTS; i++) {
        flownic_eswitch_flush(eswitch, i);
    }
    pthread_rwlock_destroy(&eswitch->lock);
    free(eswitch);
}

const char *flownic_eswitch_set_fault(struct flownic_eswitch *eswitch, const char *words)
{
    const char *wrong;

    pthread_rwlock_wrlock(&eswitch->lock);
    wrong = flownic_faults_set(&eswitch->faults, words);
    pthread_rwlock_unlock(&eswitch->lock);
    return wrong;
}

struct flownic_faults flownic_eswitch_faults(struct flownic_eswitch *eswitch)
{
    struct flownic_faults faults;

    pthread_rwlock_rdlock(&eswitch->lock);
    faults = eswitch->faults;
    pthread_rwlock_unlock(&eswitch->lock);
    return faults;
}

/* ---- Groups ---- */

static bool group_is_for(const struct rule_group *group, const struct flownic_rule_spec *spec)
{
    return group->forwards == spec->forwards && group->priority == spec->priority &&
           !memcmp(&group->mask, &spec->mask, sizeof group->mask);
}

static bool group_comes_before(const struct rule_group *a, const struct rule_group *b)
{
    return a->forwards != b->forwards ? a->forwards : a->priority < b->priority;
}

static void group_link(struct eswitch_port *port, struct rule_group *group)
{
    struct rule_group *last = NULL, *other;

    LIST_FOREACH(other, &port->groups, next)
    {
        if (group_comes_before(group, other)) {
            LIST_INSERT_BEFORE(other, group, next);
            return;
        }
        last = other;
    }
    if (last) {
        LIST_INSERT_AFTER(last, group, next);
    } else {
        LIST_INSERT_HEAD(&port->groups, group, next);
    }
}

static struct rule_group *group_find_or_create(struct eswitch_port *port,
                                               const struct flownic_rule_spec *spec)
{
    struct rule_group *group;

    LIST_FOREACH(group, &port->groups, next)
    {
        if (group_is_for(group, spec)) {
            return group;
        }
    }
    group = calloc(1, sizeof *group);
    if (!group) {
        return NULL;
    }
    group->buckets = calloc(FIRST_BUCKETS, sizeof *group->buckets);
    if (!group->buckets) {
        free(group);
        return NULL;
    }
    group->n_buckets = FIRST_BUCKETS;
    group->mask = spec->mask;
    group->priority = spec->priority;
    group->forwards = spec->forwards;
    group_link(port, group);
    return group;
}

static void group_drop_if_empty(struct rule_group *group)
{
    if (!group->n_rules) {
        LIST_REMOVE(group, next);
        free(group->buckets);
        free(group);
    }
}

/* Growing is a matter of speed only: without memory for it the chains get longer. */
static void group_grow(struct rule_group *group)
{
    uint32_t n_buckets = group->n_buckets * 2;
    struct flownic_rule **buckets = calloc(n_buckets, sizeof *buckets);

    if (!buckets) {
        return;
    }
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        struct flownic_rule *rule, *next;

        for (rule = group->buckets[i]; rule; rule = next) {
            struct flownic_rule **bucket = &buckets[rule->hash & (n_buckets - 1)];

            next = rule->next_in_bucket;
            rule->next_in_bucket = *bucket;
            *bucket = rule;
        }
    }
    free(group->buckets);
    group->buckets = buckets;
    group->n_buckets = n_buckets;
}

static void group_insert(struct rule_group *group, struct flownic_rule *rule)
{
    struct flownic_rule **bucket;

    if (group->n_rules >= group->n_buckets) {
        group_grow(group);
    }
    bucket = &group->buckets[rule->hash & (group->n_buckets - 1)];
    rule->group = group;
    rule->next_in_bucket = *bucket;
    *bucket = rule;
    group->n_rules++;
}

static void group_remove(struct flownic_rule *rule)
{
    struct rule_group *group = rule->group;
    struct flownic_rule **link = &group->buckets[rule->hash & (group->n_buckets - 1)];

    while (*link != rule) {
        link = &(*link)->next_in_bucket;
    }
    *link = rule->next_in_bucket;
    group->n_rules--;
}

static struct flownic_rule *group_lookup(const struct rule_group *group,
                                         const struct flownic_key *key)
{
    struct flownic_rule *rule;
    struct flownic_key masked;
    uint32_t hash;

    mask_key(key, &group->mask, &masked);
    hash = hash_key(&masked);
    for (rule = group->buckets[hash & (group->n_buckets - 1)]; rule; rule = rule->next_in_bucket) {
        if (rule->hash == hash && !memcmp(&rule->spec.value, &masked, sizeof masked)) {
            return rule;
        }
    }
    return NULL;
}

/* ---- Rules ---- */

static struct flownic_refusal check_kind(const struct flownic_faults *faults,
                                         const struct flownic_rule_spec *spec)
{
    if (spec->forwards && faults->partial_only) {
        return (struct flownic_refusal){ FLOWNIC_REFUSED_KIND,
                                         "flownic: forwarding rules are not supported" };
    }
    if (!spec->forwards && !faults->partial && !faults->partial_only) {
        return (struct flownic_refusal){ FLOWNIC_REFUSED_KIND,
                                         "flownic: rules that only mark are not supported" };
    }
    return (struct flownic_refusal){ FLOWNIC_REFUSED_NOTHING, "" };
}

/* Sentences for refused fields and actions have to outlive the call: rte_flow keeps them. */
static const char *refusal_text(const char *kind, const char *name)
{
    static _Thread_local char text[96];

    snprintf(text, sizeof text, "flownic: %s %s is not supported", kind, name);
    return text;
}

static struct flownic_refusal check_locked(const struct flownic_eswitch *eswitch,
                                           const struct flownic_rule_spec *spec)
{
    const struct flownic_faults *faults = &eswitch->faults;

    for (size_t i = 0; i < flownic_n_fields; i++) {
        if (faults->refused_fields & 1u << i && flownic_field_is_masked(&spec->mask, i)) {
            return (struct flownic_refusal){ FLOWNIC_REFUSED_MATCH,
                                             refusal_text("match on", flownic_fields[i].name) };
        }
    }
    for (uint32_t i = 0; i < spec->n_actions; i++) {
        if (faults->refused_actions & 1u << spec->actions[i].type) {
            const char *name = flownic_action_name(spec->actions[i].type);

            return (struct flownic_refusal){ FLOWNIC_REFUSED_ACTION, refusal_text("action", name) };
        }
    }
    if (spec->forwards &&
        (faults->table_full ||
         (faults->max_rules && eswitch->n_forwarding_rules >= faults->max_rules))) {
        return (struct flownic_refusal){ FLOWNIC_REFUSED_TABLE, "flownic: rule table full" };
    }
    return check_kind(faults, spec);
}

struct flownic_refusal flownic_eswitch_check(struct flownic_eswitch *eswitch,
                                             const struct flownic_rule_spec *spec)
{
    struct flownic_refusal refusal;

    pthread_rwlock_rdlock(&eswitch->lock);
    refusal = check_locked(eswitch, spec);
    pthread_rwlock_unlock(&eswitch->lock);
    return refusal;
}

static struct flownic_rule *add_locked(struct flownic_eswitch *eswitch, uint32_t port,
                                       const struct flownic_rule_spec *spec)
{
    struct eswitch_port *on = &eswitch->ports[port];
    struct flownic_rule *rule = calloc(1, sizeof *rule);
    struct rule_group *group = rule ? group_find_or_create(on, spec) : NULL;

    if (!group) {
        free(rule);
        return NULL;
    }
    rule->spec = *spec;
    rule->port = port;
    rule->serial = ++eswitch->last_serial;
    rule->hash = hash_key(&spec->value);
    group_insert(group, rule);
    TAILQ_INSERT_TAIL(&on->rules, rule, by_serial);
    eswitch->n_forwarding_rules += spec->forwards;
    count(&on->counters.rules, 1);
    count(&on->counters.created, 1);
    return rule;
}

struct flownic_rule *flownic_eswitch_add(struct flownic_eswitch *eswitch, uint32_t port,
                                         const struct flownic_rule_spec *spec,
                                         struct flownic_refusal *refusal)
{
    struct flownic_rule *rule = NULL;

    pthread_rwlock_wrlock(&eswitch->lock);
    *refusal = check_locked(eswitch, spec);
    if (refusal->part == FLOWNIC_REFUSED_NOTHING) {
        rule = add_locked(eswitch, port, spec);
        if (!rule) {
            *refusal = (struct flownic_refusal){ FLOWNIC_REFUSED_TABLE, "flownic: out of memory" };
        }
    }
    if (!rule) {
        count(&eswitch->ports[port].counters.refused, 1);
    }
    pthread_rwlock_unlock(&eswitch->lock);
    return rule;
}

static void remove_locked(struct flownic_eswitch *eswitch, struct flownic_rule *rule)
{
    struct eswitch_port *on = &eswitch->ports[rule->port];
    struct rule_group *group = rule->group;

    group_remove(rule);
    group_drop_if_empty(group);
    TAILQ_REMOVE(&on->rules, rule, by_serial);
    eswitch->n_forwarding_rules -= rule->spec.forwards;
    count(&on->counters.rules, (uint64_t)-1);
    count(&on->counters.destroyed, 1);
    free(rule);
}

void flownic_eswitch_remove(struct flownic_eswitch *eswitch, struct flownic_rule *rule)
{
    pthread_rwlock_wrlock(&eswitch->lock);
    remove_locked(eswitch, rule);
    pthread_rwlock_unlock(&eswitch->lock);
}

void flownic_eswitch_flush(struct flownic_eswitch *eswitch, uint32_t port)
{
    struct flownic_rule *rule;

    pthread_rwlock_wrlock(&eswitch->lock);
    while ((rule = TAILQ_FIRST(&eswitch->ports[port].rules))) {
        remove_locked(eswitch, rule);
    }
    pthread_rwlock_unlock(&eswitch->lock);
}

void flownic_eswitch_count_refusal(struct flownic_eswitch *eswitch, uint32_t port)
{
    count(&eswitch->ports[port].counters.refused, 1);
}

struct flownic_rule_counters flownic_eswitch_query(struct flownic_eswitch *eswitch,
                                                   struct flownic_rule *rule, bool reset)
{
    struct flownic_rule_counters now, since;

    pthread_rwlock_wrlock(&eswitch->lock);
    now.packets = counted(&rule->total.packets);
    now.bytes = counted(&rule->total.bytes);
    since.packets = now.packets - rule->queried.packets;
    since.bytes = now.bytes - rule->queried.bytes;
    if (reset) {
        rule->queried = now;
    }
    pthread_rwlock_unlock(&eswitch->lock);
    return since;
}

/* ---- Frames ---- */

/* Counts what leaves through a port, then hands it on to the caller's sink. */
struct counting_sink {
    struct flownic_eswitch *eswitch;
    const struct flownic_output_sink *sink;
};

static void count_and_output(void *context, uint32_t port, const struct flownic_frame *frame)
{
    const struct counting_sink *counting = context;

    if (port < FLOWNIC_MAX_PORTS) {
        struct flownic_port_counters *counters = &counting->eswitch->ports[port].counters;

        count(&counters->hw_out_packets, 1);
        count(&counters->hw_out_bytes, frame->bytes);
        counting->sink->output(counting->sink->context, port, frame);
    }
}

static struct flownic_rule *lookup_locked(const struct eswitch_port *port,
                                          const struct flownic_key *key)
{
    struct rule_group *group;

    LIST_FOREACH(group, &port->groups, next)
    {
        struct flownic_rule *rule = group_lookup(group, key);

        if (rule) {
            return rule;
        }
    }
    return NULL;
}

static bool has_action(const struct flownic_rule_spec *spec, enum flownic_action_type type,
                       uint32_t *number)
{
    for (uint32_t i = 0; i < spec->n_actions; i++) {
        if (spec->actions[i].type == type) {
            *number = spec->actions[i].number;
            return true;
        }
    }
    return false;
}

static enum flownic_verdict forward(struct flownic_eswitch *eswitch, struct eswitch_port *port,
                                    const struct flownic_rule *rule, struct flownic_frame *frame,
                                    const struct flownic_output_sink *sink)
{
    struct counting_sink counting = { eswitch, sink };
    const struct flownic_output_sink through = { count_and_output, &counting };
    uint32_t ignored;

    if (has_action(&rule->spec, FLOWNIC_ACTION_DROP, &ignored)) {
        count(&port->counters.hw_drop_packets, 1);
        count(&port->counters.hw_drop_bytes, frame->bytes);
        return FLOWNIC_DROPPED;
    }
    count(&port->counters.hw_fwd_packets, 1);
    count(&port->counters.hw_fwd_bytes, frame->bytes);
    flownic_actions_run(rule->spec.actions, rule->spec.n_actions, frame, &through);
    return FLOWNIC_FORWARDED;
}

static enum flownic_verdict apply_rule(struct flownic_eswitch *eswitch, struct eswitch_port *port,
                                       struct flownic_rule *rule, struct flownic_frame *frame,
                                       const struct flownic_output_sink *sink, uint32_t *mark)
{
    if (rule && rule->spec.counts) {
        count(&rule->total.packets, 1);
        count(&rule->total.bytes, frame->bytes);
    }
    if (rule && rule->spec.forwards) {
        return forward(eswitch, port, rule, frame, sink);
    }
    count(&port->counters.miss_packets, 1);
    count(&port->counters.miss_bytes, frame->bytes);
    if (rule && has_action(&rule->spec, FLOWNIC_ACTION_MARK, mark)) {
        count(&port->counters.hw_mark_packets, 1);
        return FLOWNIC_TO_SOFTWARE_MARKED;
    }
    return FLOWNIC_TO_SOFTWARE;
}

enum flownic_verdict flownic_eswitch_process(struct flownic_eswitch *eswitch, uint32_t port,
                                             struct flownic_frame *frame,
                                             const struct flownic_output_sink *sink, uint32_t *mark)
{
    struct eswitch_port *in = &eswitch->ports[port];
    enum flownic_verdict verdict;
    struct flownic_rule *rule = NULL;
    struct flownic_key key;

    pthread_rwlock_rdlock(&eswitch->lock);
    if (flownic_key_extract(frame->data, frame->bytes, &key, NULL)) {
        rule = lookup_locked(in, &key);
    }
    verdict = apply_rule(eswitch, in, rule, frame, sink, mark);
    pthread_rwlock_unlock(&eswitch->lock);
    return verdict;
}

/* ---- Views ---- */

struct flownic_port_counters flownic_eswitch_port_counters(struct flownic_eswitch *eswitch,
                                                           uint32_t port)
{
    const struct flownic_port_counters *from = &eswitch->ports[port].counters;
    struct flownic_port_counters copy;
    const uint64_t *counter = (const uint64_t *)from;
    uint64_t *target = (uint64_t *)&copy;

    for (size_t i = 0; i < sizeof copy / sizeof *target; i++) {
        target[i] = counted(&counter[i]);
    }
    return copy;
}

size_t flownic_eswitch_rules(struct flownic_eswitch *eswitch, uint32_t port, uint64_t from,
                             struct flownic_rule_view *views, size_t max)
{
    struct flownic_rule *rule;
    size_t n = 0;

    pthread_rwlock_rdlock(&eswitch->lock);
    TAILQ_FOREACH(rule, &eswitch->ports[port].rules, by_serial)
    {
        if (n == max) {
            break;
        }
        if (rule->serial >= from) {
            views[n].serial = rule->serial;
            views[n].spec = rule->spec;
            views[n].total.packets = counted(&rule->total.packets);
            views[n].total.bytes = counted(&rule->total.bytes);
            n++;
        }
    }
    pthread_rwlock_unlock(&eswitch->lock);
    return n;
}
