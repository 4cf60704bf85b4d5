// SPDX-License-Identifier: GPL-2.0
/* What TC wants done, as actions of a rule. */
#include <linux/kernel.h>

#include "conntrack.h"
#include "faults.h"
#include "mangle.h"
#include "nic.h"
#include "ports.h"
#include "rule.h"

#define MAX_OUTPUTS 2

#define KIND(KIND, NAME) \
    [FLOWNIC_##KIND] = { NAME, KBUILD_MODNAME ": The offload action " NAME " is not supported" }

static const struct kind {
    const char *name;
    const char *refusal;
} kinds[FLOWNIC_N_ACTION_KINDS] = {
    KIND(PORT, "port"),
    KIND(MIRROR, "mirror"),
    KIND(DROP, "drop"),
    KIND(TRAP, "trap"),
    KIND(GOTO, "goto"),
    KIND(CT, "ct"),
    KIND(CSUM, "csum"),
    KIND(PUSH_VLAN, "push-vlan"),
    KIND(POP_VLAN, "pop-vlan"),
    KIND(SET_VLAN, "set-vlan"),
    KIND(SET_ETH_DST, "set-eth-dst"),
    KIND(SET_ETH_SRC, "set-eth-src"),
    KIND(SET_TOS, "set-tos"),
    KIND(SET_TTL, "set-ttl"),
    KIND(SET_IPV4_SRC, "set-ipv4-src"),
    KIND(SET_IPV4_DST, "set-ipv4-dst"),
    KIND(SET_IPV6_SRC, "set-ipv6-src"),
    KIND(SET_IPV6_DST, "set-ipv6-dst"),
    KIND(SET_L4_SRC, "set-l4-src"),
    KIND(SET_L4_DST, "set-l4-dst"),
};

const char *flownic_action_name(unsigned int kind)
{
    return kind < FLOWNIC_N_ACTION_KINDS ? kinds[kind].name : NULL;
}

const char *flownic_action_refusal(unsigned int kind)
{
    return kinds[kind].refusal;
}

int flownic_action_find(const char *name)
{
    int i;

    for (i = 0; i < FLOWNIC_N_ACTION_KINDS; i++) {
        if (!strcmp(kinds[i].name, name)) {
            return i;
        }
    }
    return -ENOENT;
}

static int refuse(const char **why, const char *text)
{
    *why = text;
    return -EOPNOTSUPP;
}

static int translate_output(struct flownic_rule *rule, struct flownic_action *action,
                            const struct flow_action_entry *entry, const char **why)
{
    struct flownic_port *target = flownic_ports_by_representor(entry->dev);

    if (!target || target->nic != rule->port->nic) {
        return refuse(why, KBUILD_MODNAME ": devices are not on same switch HW, "
                                          "can't offload forwarding");
    }
    action->port = target;
    return 0;
}

static int translate_goto(const struct flownic_rule *rule, struct flownic_action *action,
                          const struct flow_action_entry *entry, const char **why)
{
    if (entry->chain_index <= rule->chain) {
        return refuse(why, KBUILD_MODNAME ": Goto lower numbered chain isn't supported");
    }
    action->chain = entry->chain_index;
    return 0;
}

static int translate_vlan(struct flownic_action *action, const struct flow_action_entry *entry)
{
    action->vlan.tpid = entry->vlan.proto;
    action->vlan.vid = entry->vlan.vid;
    action->vlan.pcp = entry->vlan.prio;
    return 0;
}

static const enum flownic_action_kind kind_of[NUM_FLOW_ACTIONS] = {
    [FLOW_ACTION_DROP] = FLOWNIC_DROP,         [FLOW_ACTION_TRAP] = FLOWNIC_TRAP,
    [FLOW_ACTION_GOTO] = FLOWNIC_GOTO,         [FLOW_ACTION_REDIRECT] = FLOWNIC_PORT,
    [FLOW_ACTION_MIRRED] = FLOWNIC_MIRROR,     [FLOW_ACTION_VLAN_PUSH] = FLOWNIC_PUSH_VLAN,
    [FLOW_ACTION_VLAN_POP] = FLOWNIC_POP_VLAN, [FLOW_ACTION_VLAN_MANGLE] = FLOWNIC_SET_VLAN,
    [FLOW_ACTION_CSUM] = FLOWNIC_CSUM,         [FLOW_ACTION_CT] = FLOWNIC_CT,
};

static int translate_entry(struct flownic_rule *rule, struct flownic_action *action,
                           const struct flow_action_entry *entry, const char **why)
{
    action->kind = kind_of[entry->id];
    switch (entry->id) {
    case FLOW_ACTION_DROP:
    case FLOW_ACTION_TRAP:
    case FLOW_ACTION_CSUM: /* hardware keeps checksums right by itself */
    case FLOW_ACTION_VLAN_POP: return 0;
    case FLOW_ACTION_GOTO: return translate_goto(rule, action, entry, why);
    case FLOW_ACTION_REDIRECT:
    case FLOW_ACTION_MIRRED: return translate_output(rule, action, entry, why);
    case FLOW_ACTION_VLAN_PUSH:
    case FLOW_ACTION_VLAN_MANGLE: return translate_vlan(action, entry);
    case FLOW_ACTION_CT: return flownic_ct_translate(entry, &action->zone, why);
    case FLOW_ACTION_MANGLE: return flownic_mangle_translate(action, entry, why);
    default: return refuse(why, KBUILD_MODNAME ": Not implemented offload action");
    }
}

static bool ends(enum flownic_action_kind kind)
{
    return kind == FLOWNIC_PORT || kind == FLOWNIC_DROP || kind == FLOWNIC_TRAP ||
           kind == FLOWNIC_GOTO;
}

static int check_whole(const struct flownic_rule *rule, const char **why)
{
    u32 outputs = 0;
    bool leads_somewhere = false;
    u32 i;

    for (i = 0; i < rule->n_actions; i++) {
        enum flownic_action_kind kind = rule->actions[i].kind;

        outputs += kind == FLOWNIC_PORT || kind == FLOWNIC_MIRROR;
        leads_somewhere |= ends(kind) || kind == FLOWNIC_MIRROR;
        if (ends(kind) && i + 1 < rule->n_actions) {
            return refuse(why, KBUILD_MODNAME ": Actions after a final one are not supported");
        }
    }
    if (outputs > MAX_OUTPUTS) {
        return refuse(why, KBUILD_MODNAME ": can't support more output ports, "
                                          "can't offload forwarding");
    }
    if (!leads_somewhere) {
        return refuse(why, KBUILD_MODNAME ": Rule must have at least one forward/drop action");
    }
    return 0;
}

int flownic_actions_translate(struct flownic_rule *rule, struct flow_cls_offload *cls,
                              const char **why)
{
    struct flow_action *asked = &flow_cls_offload_flow_rule(cls)->action;
    const struct flow_action_entry *entry;
    int i;

    if (!flow_action_has_entries(asked)) {
        return refuse(why, KBUILD_MODNAME ": Flow action list is empty");
    }
    if (!flow_action_hw_stats_check(asked, cls->common.extack, FLOW_ACTION_HW_STATS_DELAYED_BIT)) {
        return refuse(why, KBUILD_MODNAME ": Only delayed statistics are supported");
    }
    flow_action_for_each(i, entry, asked) {
        struct flownic_action *action = &rule->actions[rule->n_actions];
        int error = translate_entry(rule, action, entry, why);

        if (error) {
            return error;
        }
        rule->n_actions++;
        *why = flownic_faults_refuse_actions(flownic_mangle_kinds(action));
        if (*why) {
            return -EOPNOTSUPP;
        }
    }
    return check_whole(rule, why);
}

void flownic_actions_print(struct seq_file *seq, const struct flownic_rule *rule)
{
    u32 i;

    for (i = 0; i < rule->n_actions; i++) {
        const struct flownic_action *action = &rule->actions[i];

        seq_printf(seq, "%s%s", i ? "," : "", kinds[action->kind].name);
        switch (action->kind) {
        case FLOWNIC_PORT:
        case FLOWNIC_MIRROR: seq_printf(seq, ":%s", action->port->rep->name); break;
        case FLOWNIC_GOTO: seq_printf(seq, ":%u", action->chain); break;
        case FLOWNIC_PUSH_VLAN:
        case FLOWNIC_SET_VLAN: seq_printf(seq, ":%u", action->vlan.vid); break;
        default: break;
        }
    }
}
