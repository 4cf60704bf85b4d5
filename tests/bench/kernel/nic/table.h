/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table: the rules of one eSwitch.
 *
 * A port's rules stand in groups of equal chain, priority and mask, and each rule in a hash table
 * on its masked key: a lookup costs one probe a group, however many rules there are. The lower
 * priority number wins; among groups of equal priority the order is not defined, as in TC.
 *
 * Frames look up under RCU. All else takes @lock.
 */
#ifndef FLOWNIC_TABLE_H
#define FLOWNIC_TABLE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct flownic_key;
struct flownic_port;
struct flownic_rule;

struct flownic_table {
    struct mutex lock;
    struct list_head rules; /* in order of their serial numbers */
    u32 n_rules;
    u64 last_serial;
    struct hlist_head *by_key; /* RCU */
    struct hlist_head *by_cookie;
};

/**
 * flownic_table_init() - an empty table
 * @table: filled in
 *
 * Return: 0; -ENOMEM.
 */
int flownic_table_init(struct flownic_table *table);

/**
 * flownic_table_free() - release a table that no frame can reach any more
 * @table: rules that are still in it are released as well
 */
void flownic_table_free(struct flownic_table *table);

/**
 * flownic_table_insert() - put a rule where frames find it
 * @table: the table of the rule's NIC; its lock is not held
 * @rule: consumed on success
 * @limit: how many rules the table may hold
 *
 * Return: 0; -EEXIST if the port has a rule with this cookie; -ENOSPC; -ENOMEM.
 */
int flownic_table_insert(struct flownic_table *table, struct flownic_rule *rule, u32 limit);

/**
 * flownic_table_remove() - take a rule out
 * @table: its lock is not held
 * @port: where the rule's frames come in
 * @cookie: TC's name for it
 *
 * Return: the rule, for flownic_rule_release(); NULL if there is none.
 */
struct flownic_rule *flownic_table_remove(struct flownic_table *table,
                                          const struct flownic_port *port, unsigned long cookie);

/**
 * flownic_table_find() - the rule with a cookie
 * @table: its lock is held
 * @port: where the rule's frames come in
 * @cookie: TC's name for it
 *
 * Return: the rule, borrowed for as long as the lock is held; NULL.
 */
struct flownic_rule *flownic_table_find(struct flownic_table *table,
                                        const struct flownic_port *port, unsigned long cookie);

/**
 * flownic_table_lookup() - the rule that a frame hits
 * @port: where the frame came in; RCU is held
 * @chain: where to look
 * @key: of the frame
 *
 * Return: the rule, borrowed for as long as RCU is held; NULL for a miss.
 */
struct flownic_rule *flownic_table_lookup(const struct flownic_port *port, u32 chain,
                                          const struct flownic_key *key);

#endif
