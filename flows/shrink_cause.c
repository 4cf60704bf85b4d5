/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/shrink_internal.h"

static enum fl_cause_id cause_of_key(enum fl_tc_key key)
{
    if (key >= FL_TC_KEY_ENC_DST_IP4 && key <= FL_TC_KEY_ENC_TTL)
        return FL_CAUSE_NIC_TUNNEL;
    return key >= FL_TC_KEY_CT_STATE && key <= FL_TC_KEY_CT_LABEL ? FL_CAUSE_NIC_CONNTRACK
                                                                  : FL_CAUSE_NIC_MATCH;
}

static enum fl_cause_id cause_of_action(const struct fl_tc_action *action)
{
    switch (action->kind) {
    case FL_TC_MIRRED: return FL_CAUSE_NIC_OUTPUT;
    case FL_TC_CT: return FL_CAUSE_NIC_CONNTRACK;
    case FL_TC_TUNNEL_KEY: return FL_CAUSE_NIC_TUNNEL;
    case FL_TC_GACT:
        return (action->control & FL_TC_EXT_MASK) == FL_TC_GOTO ? FL_CAUSE_NIC_CHAIN
                                                                : FL_CAUSE_NIC_ACTION;
    case FL_TC_VLAN:
    case FL_TC_PEDIT:
    case FL_TC_CSUM:
    case FL_TC_SKBEDIT:
    case FL_TC_POLICE:
    case FL_TC_MPLS:
    case FL_TC_SAMPLE:
    case FL_TC_OTHER:
    default: return FL_CAUSE_NIC_ACTION;
    }
}

static bool is_output(const struct fl_shrink_unit *unit, const struct fl_tc_filter *filter)
{
    return unit->kind == FL_SHRINK_ACTION && filter->actions[unit->action].kind == FL_TC_MIRRED;
}

static unsigned int n_outputs(const struct fl_shrunk *shrunk, unsigned int part,
                              const struct fl_tc_filter *filter)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < shrunk->n_units; i++)
        n += (shrunk->parts[part].units >> i & 1) && is_output(&shrunk->units[i], filter);
    return n;
}

/* Of units that are refused together the last tells: actions come behind what is matched. */
enum fl_cause_id fl_shrunk_cause(const struct fl_shrunk *shrunk, unsigned int part,
                                 const struct fl_tc_filter *filter)
{
    int last = 63 - __builtin_clzll(shrunk->parts[part].units);
    const struct fl_shrink_unit *unit = &shrunk->units[last];

    if (n_outputs(shrunk, part, filter) > 1)
        return FL_CAUSE_MULTI_OUTPUT;
    switch (unit->kind) {
    case FL_SHRINK_KEY: return cause_of_key((enum fl_tc_key)__builtin_ctzll(unit->keys));
    case FL_SHRINK_TUNNEL_OPTS: return FL_CAUSE_NIC_TUNNEL;
    case FL_SHRINK_ACTION: return cause_of_action(&filter->actions[unit->action]);
    case FL_SHRINK_REWRITE:
    case FL_SHRINK_ACTIONS: return FL_CAUSE_NIC_ACTION;
    case FL_SHRINK_TAG:
    case FL_SHRINK_MPLS:
    default: return FL_CAUSE_NIC_MATCH;
    }
}
