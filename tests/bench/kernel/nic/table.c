// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "nic.h"
#include "rule.h"

#define BUCKET_BITS 14
#define N_BUCKETS   (1 << BUCKET_BITS)

struct flownic_group {
    struct list_head in_port; /* RCU */
    struct rcu_head rcu;
    u32 chain;
    u32 prio;
    u32 n_rules;
    u32 seed;
    size_t first_word; /* of the mask, that is not zero */
    size_t end_word;
    struct flownic_key mask;
};

int flownic_table_init(struct flownic_table *table)
{
    mutex_init(&table->lock);
    INIT_LIST_HEAD(&table->rules);
    table->n_rules = 0;
    table->by_key = kvcalloc(N_BUCKETS, sizeof(*table->by_key), GFP_KERNEL);
    table->by_cookie = kvcalloc(N_BUCKETS, sizeof(*table->by_cookie), GFP_KERNEL);
    if (!table->by_key || !table->by_cookie) {
        kvfree(table->by_key);
        kvfree(table->by_cookie);
        return -ENOMEM;
    }
    return 0;
}

void flownic_table_free(struct flownic_table *table)
{
    struct flownic_rule *rule, *next;

    list_for_each_entry_safe(rule, next, &table->rules, in_order) {
        WARN_ON(flownic_table_remove(table, rule->port, rule->cookie) != rule);
        flownic_rule_release(rule);
    }
    kvfree(table->by_key);
    kvfree(table->by_cookie);
}

static u32 hash_masked(const struct flownic_group *group, const struct flownic_key *key)
{
    const u32 *words = (const u32 *)key;
    const u32 *mask = (const u32 *)&group->mask;
    u32 hash = group->seed;
    size_t i;

    for (i = group->first_word; i < group->end_word; i++) {
        hash = rol32(hash, 5) ^ (words[i] & mask[i]);
        hash *= GOLDEN_RATIO_32;
    }
    return hash_32(hash, BUCKET_BITS);
}

static bool equals_masked(const struct flownic_group *group, const struct flownic_key *key,
                          const struct flownic_key *masked)
{
    const u32 *words = (const u32 *)key;
    const u32 *mask = (const u32 *)&group->mask;
    const u32 *wanted = (const u32 *)masked;
    size_t i;

    for (i = group->first_word; i < group->end_word; i++) {
        if ((words[i] & mask[i]) != wanted[i]) {
            return false;
        }
    }
    return true;
}

struct flownic_rule *flownic_table_lookup(const struct flownic_port *port, u32 chain,
                                          const struct flownic_key *key)
{
    const struct flownic_table *table = &port->nic->table;
    const struct flownic_group *group;
    struct flownic_rule *rule;

    list_for_each_entry_rcu(group, &port->groups, in_port) {
        if (group->chain != chain) {
            continue;
        }
        hlist_for_each_entry_rcu(rule, &table->by_key[hash_masked(group, key)], by_key) {
            if (rule->group == group && equals_masked(group, key, &rule->key)) {
                return rule;
            }
        }
    }
    return NULL;
}

static struct hlist_head *cookie_bucket(struct flownic_table *table,
                                        const struct flownic_port *port, unsigned long cookie)
{
    return &table->by_cookie[hash_long(cookie + port->index, BUCKET_BITS)];
}

struct flownic_rule *flownic_table_find(struct flownic_table *table,
                                        const struct flownic_port *port, unsigned long cookie)
{
    struct flownic_rule *rule;

    lockdep_assert_held(&table->lock);
    hlist_for_each_entry(rule, cookie_bucket(table, port, cookie), by_cookie) {
        if (rule->cookie == cookie && rule->port == port) {
            return rule;
        }
    }
    return NULL;
}

static void set_words(struct flownic_group *group)
{
    const u32 *mask = (const u32 *)&group->mask;
    size_t i;

    group->first_word = FLOWNIC_KEY_WORDS;
    for (i = 0; i < FLOWNIC_KEY_WORDS; i++) {
        if (mask[i]) {
            group->first_word = min(group->first_word, i);
            group->end_word = i + 1;
        }
    }
    group->first_word = min(group->first_word, group->end_word);
}

static bool is_group_of(const struct flownic_group *group, const struct flownic_rule *rule)
{
    return group->chain == rule->chain && group->prio == rule->prio &&
           !memcmp(&group->mask, &rule->mask, sizeof(group->mask));
}

static bool stands_after(const struct flownic_group *group, const struct flownic_rule *rule)
{
    return group->chain > rule->chain || (group->chain == rule->chain && group->prio > rule->prio);
}

/* The group that a rule belongs to, made if there is none. Return: NULL if out of memory. */
static struct flownic_group *get_group(const struct flownic_rule *rule)
{
    struct list_head *before = &rule->port->groups;
    struct flownic_group *group;

    list_for_each_entry(group, &rule->port->groups, in_port) {
        if (is_group_of(group, rule)) {
            return group;
        }
        if (stands_after(group, rule)) {
            before = &group->in_port;
            break;
        }
    }
    group = kzalloc(sizeof(*group), GFP_KERNEL);
    if (!group) {
        return NULL;
    }
    group->chain = rule->chain;
    group->prio = rule->prio;
    group->mask = rule->mask;
    group->seed = hash_ptr(group, 32);
    set_words(group);
    list_add_tail_rcu(&group->in_port, before);
    return group;
}

static int insert_locked(struct flownic_table *table, struct flownic_rule *rule, u32 limit)
{
    if (flownic_table_find(table, rule->port, rule->cookie)) {
        return -EEXIST;
    }
    if (table->n_rules >= limit) {
        return -ENOSPC;
    }
    rule->group = get_group(rule);
    if (!rule->group) {
        return -ENOMEM;
    }
    rule->group->n_rules++;
    rule->serial = ++table->last_serial;
    table->n_rules++;
    atomic_inc(&rule->port->n_rules);
    list_add_tail(&rule->in_order, &table->rules);
    hlist_add_head(&rule->by_cookie, cookie_bucket(table, rule->port, rule->cookie));
    hlist_add_head_rcu(&rule->by_key, &table->by_key[hash_masked(rule->group, &rule->key)]);
    return 0;
}

int flownic_table_insert(struct flownic_table *table, struct flownic_rule *rule, u32 limit)
{
    int error;

    mutex_lock(&table->lock);
    error = insert_locked(table, rule, limit);
    mutex_unlock(&table->lock);
    return error;
}

static void remove_locked(struct flownic_table *table, struct flownic_rule *rule)
{
    hlist_del_rcu(&rule->by_key);
    hlist_del(&rule->by_cookie);
    list_del(&rule->in_order);
    table->n_rules--;
    atomic_dec(&rule->port->n_rules);
    if (!--rule->group->n_rules) {
        list_del_rcu(&rule->group->in_port);
        kfree_rcu(rule->group, rcu);
    }
}

struct flownic_rule *flownic_table_remove(struct flownic_table *table,
                                          const struct flownic_port *port, unsigned long cookie)
{
    struct flownic_rule *rule;

    mutex_lock(&table->lock);
    rule = flownic_table_find(table, port, cookie);
    if (rule) {
        remove_locked(table, rule);
    }
    mutex_unlock(&table->lock);
    return rule;
}
