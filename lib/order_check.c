/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a rule of an order has to be besides proven. A proof tells that packets which come to a bridge have the
 * same fate with the rule as without; it says nothing of what else actions may do (learn a flow, ask a
 * controller), of packets that only come back to table 0, or of decoys.
 */

#include <errno.h>
#include <string.h>

#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofp-port.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/flow.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/inventory.h"
#include "lib/order.h"
#include "lib/prove.h"

static bool is_port(ofp_port_t port)
{
    return ofp_to_u16(port) < ofp_to_u16(OFPP_MAX) || port == OFPP_NORMAL || port == OFPP_LOCAL ||
           port == OFPP_IN_PORT;
}

/* As flows/simplify.c writes them, or NORMAL. */
static bool is_action(const struct ofpact *action)
{
    switch (action->type) {
    case OFPACT_OUTPUT: return is_port(ofpact_get_OUTPUT(action)->port);
    case OFPACT_SET_ETH_SRC:
    case OFPACT_SET_ETH_DST:
    case OFPACT_STRIP_VLAN:
    case OFPACT_SET_VLAN_VID:
    case OFPACT_SET_VLAN_PCP: return true;
    default: return false;
    }
}

static bool has_known_actions(const struct fl_rule *rule)
{
    struct ofpbuf ofpacts;
    _cleanup_free char *wrong = fl_ofpacts_parse(rule->actions, &ofpacts);
    const struct ofpact *action;
    bool known = ofpacts.size;

    OFPACT_FOR_EACH(action, ofpacts.data, ofpacts.size) {
        known = known && is_action(action);
    }
    ofpbuf_uninit(&ofpacts);
    return known;
}

/* Return: what is wrong with it, or NULL. */
static const char *wrong_with(const struct fl_flowset *set, const struct fl_rule *rule)
{
    struct match packets;

    if (rule->priority != (rule->decoy ? FL_DECOY_PRIORITY : FL_RULE_PRIORITY)) {
        return "has another priority than flowlift's";
    }
    if (!has_known_actions(rule)) {
        return "has actions that flowlift does not use";
    }
    if (rule->decoy) {
        return fl_flowset_has_rule_of(set, rule) ? NULL : "is a decoy of none of the rules";
    }
    return fl_prove_packets(rule, &packets) ? NULL : "matches no packet that comes to a bridge";
}

int fl_order_check_rules(const struct fl_flowset *set, struct fl_error *err)
{
    size_t n = 0;

    if (!set->guard_mask) {
        return fl_error_set(err, -EINVAL, "the rules have no guard bit");
    }
    for (size_t i = 0; i < set->n_rules; i++) {
        const char *wrong = wrong_with(set, &set->rules[i]);

        if (wrong) {
            return fl_error_set(err, -EINVAL, "rules[%" PRIuSIZE "] %s", i, wrong);
        }
        n += !set->rules[i].decoy;
    }
    return n ? 0 : fl_error_set(err, -EINVAL, "there is no rule");
}

int fl_order_check_place(const struct fl_flowset *set, const struct fl_inventory *inv,
                         struct fl_error *err)
{
    const struct fl_vm *vm = fl_inventory_vm(inv, set->vm_id);

    if (!vm || strcmp(vm->name, set->vm_name)) {
        return fl_error_set(err, -EINVAL, "there is no VM %s with identity %s here", set->vm_name,
                            set->vm_id);
    }
    for (size_t i = 0; i < set->n_rules; i++) {
        if (!fl_inventory_bridge(inv, set->rules[i].bridge)) {
            return fl_error_set(err, -EINVAL, "there is no bridge %s here", set->rules[i].bridge);
        }
    }
    return 0;
}
