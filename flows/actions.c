/* SPDX-License-Identifier: Apache-2.0 */

/* See actions.h. */

#include "flows/actions.h"

#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>

/* Asked of every action of every flow, several times: no call. */
static inline int type_of(const struct nlattr *action)
{
    return action->nla_type & NLA_TYPE_MASK;
}

static size_t add_list(const struct nlattr *attr, size_t n, const struct nlattr *lists[2],
                       size_t lens[2])
{
    if (!attr) {
        return n;
    }
    lists[n] = nl_attr_get(attr);
    lens[n] = nl_attr_get_size(attr);
    return n + 1;
}

size_t fl_actions_nested(const struct nlattr *action, const struct nlattr *lists[2], size_t lens[2])
{
    size_t n = 0;

    switch (type_of(action)) {
    case OVS_ACTION_ATTR_CLONE: n = add_list(action, n, lists, lens); break;
    case OVS_ACTION_ATTR_SAMPLE:
        n = add_list(nl_attr_find_nested(action, OVS_SAMPLE_ATTR_ACTIONS), n, lists, lens);
        break;
    case OVS_ACTION_ATTR_CHECK_PKT_LEN:
        n = add_list(nl_attr_find_nested(action, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER), n,
                     lists, lens);
        n = add_list(nl_attr_find_nested(action, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL), n,
                     lists, lens);
        break;
    default: break;
    }
    return n;
}

static inline bool may_nest(const struct nlattr *action)
{
    int type = type_of(action);

    return type == OVS_ACTION_ATTR_CLONE || type == OVS_ACTION_ATTR_SAMPLE ||
           type == OVS_ACTION_ATTR_CHECK_PKT_LEN;
}

static bool walk(const struct nlattr *actions, size_t len, fl_actions_cb *cb, void *aux,
                 unsigned int depth)
{
    const struct nlattr *action;
    size_t left;

    if (depth >= FL_ACTIONS_MAX_DEPTH) {
        return false;
    }
    NL_ATTR_FOR_EACH(action, left, actions, len) {
        const struct nlattr *lists[2];
        size_t lens[2];
        size_t n;

        if (cb(action, aux)) {
            return true;
        }
        if (!may_nest(action)) {
            continue;
        }
        n = fl_actions_nested(action, lists, lens);
        for (size_t i = 0; i < n; i++) {
            if (walk(lists[i], lens[i], cb, aux, depth + 1)) {
                return true;
            }
        }
    }
    return false;
}

bool fl_actions_walk(const struct nlattr *actions, size_t len, fl_actions_cb *cb, void *aux)
{
    return walk(actions, len, cb, aux, 0);
}

static bool is_of_type(const struct nlattr *action, void *type)
{
    return type_of(action) == *(int *)type;
}

bool fl_actions_have(const struct nlattr *actions, size_t len, int type)
{
    return fl_actions_walk(actions, len, is_of_type, &type);
}

bool fl_actions_recirculate(const struct nlattr *actions, size_t len)
{
    return fl_actions_have(actions, len, OVS_ACTION_ATTR_RECIRC);
}

static bool sends_on(const struct nlattr *action, void *aux OVS_UNUSED)
{
    switch (type_of(action)) {
    case OVS_ACTION_ATTR_OUTPUT:
    case OVS_ACTION_ATTR_LB_OUTPUT:
    case OVS_ACTION_ATTR_USERSPACE:
    case OVS_ACTION_ATTR_RECIRC:
    case OVS_ACTION_ATTR_TUNNEL_POP:
    case OVS_ACTION_ATTR_TUNNEL_PUSH: return true;
    default: return false;
    }
}

bool fl_actions_drop(const struct nlattr *actions, size_t len)
{
    return !fl_actions_walk(actions, len, sends_on, NULL);
}

struct outputs {
    odp_port_t *ports;
    size_t n;
    size_t max;
};

static bool collect_output(const struct nlattr *action, void *outputs_)
{
    struct outputs *outputs = outputs_;
    odp_port_t port;

    if (type_of(action) != OVS_ACTION_ATTR_OUTPUT) {
        return false;
    }
    port = nl_attr_get_odp_port(action);
    for (size_t i = 0; i < MIN(outputs->n, outputs->max); i++) {
        if (outputs->ports[i] == port) {
            return false;
        }
    }
    if (outputs->n < outputs->max) {
        outputs->ports[outputs->n] = port;
    }
    outputs->n++;
    return false;
}

size_t fl_actions_outputs(const struct nlattr *actions, size_t len, odp_port_t *ports, size_t max)
{
    struct outputs outputs = { .ports = ports, .max = max };

    fl_actions_walk(actions, len, collect_output, &outputs);
    return outputs.n;
}

static bool take_pushed_vlan(const struct nlattr *action, void *vlan)
{
    const struct ovs_action_push_vlan *push;

    if (type_of(action) != OVS_ACTION_ATTR_PUSH_VLAN) {
        return false;
    }
    push = nl_attr_get(action);
    *(int *)vlan = vlan_tci_to_vid(push->vlan_tci);
    return true;
}

int fl_actions_pushed_vlan(const struct nlattr *actions, size_t len)
{
    int vlan = -1;

    fl_actions_walk(actions, len, take_pushed_vlan, &vlan);
    return vlan;
}

bool fl_actions_pop_vlan(const struct nlattr *actions, size_t len)
{
    return fl_actions_have(actions, len, OVS_ACTION_ATTR_POP_VLAN);
}

void fl_action_format(const struct nlattr *action, const struct hmap *names, struct ds *text)
{
    format_odp_actions(text, action, NLA_ALIGN(action->nla_len), names);
}
