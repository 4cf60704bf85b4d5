// SPDX-License-Identifier: GPL-2.0
#include "rule.h"

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "conntrack.h"

#define MAX_ACTIONS 32

struct flownic_rule *flownic_rule_create(struct flownic_port *port, struct flow_cls_offload *cls,
                                         const char **why)
{
    u32 n_actions = flow_cls_offload_flow_rule(cls)->action.num_entries;
    struct flownic_rule *rule;
    int error;

    if (n_actions > MAX_ACTIONS) {
        *why = KBUILD_MODNAME ": Too many actions";
        return ERR_PTR(-EOPNOTSUPP);
    }
    rule = kzalloc(struct_size(rule, actions, n_actions), GFP_KERNEL);
    if (!rule) {
        return ERR_PTR(-ENOMEM);
    }
    rule->port = port;
    rule->cookie = cls->cookie;
    rule->chain = cls->common.chain_index;
    rule->prio = cls->common.prio;
    rule->last_used = jiffies;
    error = flownic_match_translate(rule, cls, why);
    if (!error) {
        error = flownic_actions_translate(rule, cls, why);
    }
    if (error) {
        flownic_rule_release(rule);
        return ERR_PTR(error);
    }
    return rule;
}

void flownic_rule_release(struct flownic_rule *rule)
{
    u32 i;

    for (i = 0; i < rule->n_actions; i++) {
        if (rule->actions[i].kind == FLOWNIC_CT) {
            flownic_ct_zone_put(rule->actions[i].zone);
        }
    }
    kfree_rcu(rule, rcu);
}
