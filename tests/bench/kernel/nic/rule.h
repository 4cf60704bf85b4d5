/* SPDX-License-Identifier: GPL-2.0 */
/* rule: one entry of the eSwitch, and its making from what TC asks for. */
#ifndef FLOWNIC_RULE_H
#define FLOWNIC_RULE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <net/flow_offload.h>

#include "key.h"

struct flownic_ct_zone;
struct flownic_group;
struct flownic_port;

/* What an action is called in a refusal, in a fault and where a rule is shown. */
enum flownic_action_kind {
    FLOWNIC_PORT,
    FLOWNIC_MIRROR,
    FLOWNIC_DROP,
    FLOWNIC_TRAP,
    FLOWNIC_GOTO,
    FLOWNIC_CT,
    FLOWNIC_CSUM,
    FLOWNIC_PUSH_VLAN,
    FLOWNIC_POP_VLAN,
    FLOWNIC_SET_VLAN,
    FLOWNIC_SET_ETH_DST,
    FLOWNIC_SET_ETH_SRC,
    FLOWNIC_SET_TOS,
    FLOWNIC_SET_TTL,
    FLOWNIC_SET_IPV4_SRC,
    FLOWNIC_SET_IPV4_DST,
    FLOWNIC_SET_IPV6_SRC,
    FLOWNIC_SET_IPV6_DST,
    FLOWNIC_SET_L4_SRC,
    FLOWNIC_SET_L4_DST,
    FLOWNIC_N_ACTION_KINDS,
};

/* One 32-bit word of a header: (word & keep) ^ value, in network byte order. */
struct flownic_mangle {
    enum flow_action_mangle_base header;
    u32 offset;
    u32 keep;
    u32 value;
};

struct flownic_action {
    enum flownic_action_kind kind; /* of a mangled word: that of its first changed byte */
    union {
        struct flownic_port *port;
        u32 chain;
        struct {
            __be16 tpid;
            u16 vid;
            u8 pcp;
        } vlan;
        struct flownic_mangle mangle;
        struct flownic_ct_zone *zone; /* owned by the rule */
    };
};

struct flownic_hits {
    u64 packets;
    u64 bytes;
    unsigned long last_used; /* in jiffies */
};

struct flownic_rule {
    struct hlist_node by_key;    /* RCU */
    struct hlist_node by_cookie; /* this one and all below: under the table's lock */
    struct list_head in_order;
    struct rcu_head rcu;
    struct flownic_group *group;
    struct flownic_port *port; /* where a frame comes in */
    unsigned long cookie;
    u64 serial; /* never used twice */
    u32 chain;
    u32 prio;
    struct flownic_key key; /* masked */
    struct flownic_key mask;
    atomic64_t packets;
    atomic64_t bytes;
    unsigned long last_used;
    struct flownic_hits sampled;  /* what the driver knows, with the fault "stats-delay" */
    struct flownic_hits reported; /* what TC knows */
    u32 n_actions;
    struct flownic_action actions[];
};

/**
 * flownic_rule_create() - translate what TC asks for
 * @port: where a frame comes in
 * @cls: the request; borrowed
 * @why: receives the reason of a refusal, constant, as it goes into an extack
 *
 * Return: the rule, in no table yet; -EOPNOTSUPP with @why set; -ENOMEM.
 */
struct flownic_rule *flownic_rule_create(struct flownic_port *port, struct flow_cls_offload *cls,
                                         const char **why);

/**
 * flownic_rule_release() - free a rule that no new frame can find
 * @rule: consumed; frames that found it before go on using it
 *
 * May sleep. Must not be called with the lock of a table.
 */
void flownic_rule_release(struct flownic_rule *rule);

/**
 * flownic_match_translate() - fill in a rule's key and mask
 * @rule: its port is set
 * @cls: the request
 * @why: see flownic_rule_create()
 *
 * Return: 0; -EOPNOTSUPP.
 */
int flownic_match_translate(struct flownic_rule *rule, struct flow_cls_offload *cls,
                            const char **why);

/**
 * flownic_actions_translate() - fill in a rule's actions
 * @rule: its port, chain and match are set, and there is room for all actions of the request
 * @cls: the request
 * @why: see flownic_rule_create()
 *
 * Return: 0; -EOPNOTSUPP, where the rule owns what was translated so far.
 */
int flownic_actions_translate(struct flownic_rule *rule, struct flow_cls_offload *cls,
                              const char **why);

/**
 * flownic_action_name() - the name of a kind of action
 * @kind: its number
 *
 * Return: constant; NULL when there are no more.
 */
const char *flownic_action_name(unsigned int kind);

/**
 * flownic_action_refusal() - why a kind of action is not taken
 * @kind: its number
 *
 * Return: constant, as it goes into an extack.
 */
const char *flownic_action_refusal(unsigned int kind);

/**
 * flownic_action_find() - the kind of action that has this name
 * @name: such as "push-vlan"
 *
 * Return: its number; -ENOENT.
 */
int flownic_action_find(const char *name);

/**
 * flownic_actions_print() - "action[:argument],..." of a rule
 * @seq: receives the text
 * @rule: borrowed
 */
void flownic_actions_print(struct seq_file *seq, const struct flownic_rule *rule);

#endif
