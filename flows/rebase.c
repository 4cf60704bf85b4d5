/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/rebase.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

/* ---- Which ports the rules name ---- */

static bool has_port(const struct fl_flowset *set, const char *bridge, ofp_port_t ofport)
{
    for (size_t i = 0; i < set->n_ports; i++) {
        if (set->ports[i].ofport == ofport && !strcmp(set->ports[i].bridge, bridge)) {
            return true;
        }
    }
    return false;
}

static void note_port(struct fl_flowset *set, const struct fl_inventory *inv, const char *bridge,
                      ofp_port_t ofport)
{
    for (size_t i = 0; i < inv->n_interfaces && !has_port(set, bridge, ofport); i++) {
        const struct fl_interface *iface = &inv->interfaces[i];
        struct fl_rule_port *port;

        if (iface->ofport != ofport || strcmp(iface->bridge, bridge)) {
            continue;
        }
        port = fl_flowset_add_port(set);
        port->bridge = xstrdup(bridge);
        port->interface = xstrdup(iface->name);
        port->ofport = ofport;
        port->of_vm = iface->vm >= 0 && !strcmp(inv->vms[iface->vm].id, set->vm_id);
        port->iface_id = nullable_xstrdup(smap_get(&iface->external_ids, "iface-id"));
        port->has_mac = fl_interface_mac(iface, &port->mac);
    }
}

void fl_rebase_note(struct fl_flowset *set, const struct fl_inventory *inv)
{
    fl_flowset_forget_ports(set);
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *rule = &set->rules[i];
        struct ofpbuf ofpacts;
        _cleanup_free char *wrong = fl_ofpacts_parse(rule->actions, &ofpacts);
        const struct ofpact *action;

        if (rule->match.wc.masks.in_port.ofp_port) {
            note_port(set, inv, rule->bridge, rule->match.flow.in_port.ofp_port);
        }
        OFPACT_FOR_EACH(action, ofpacts.data, ofpacts.size) {
            if (action->type == OFPACT_OUTPUT) {
                note_port(set, inv, rule->bridge, ofpact_get_OUTPUT(action)->port);
            }
        }
        ofpbuf_uninit(&ofpacts);
    }
}

/* ---- Where they are now ---- */

static bool is_there(const struct fl_interface *iface, const struct fl_rule_port *port)
{
    return iface->ofport != OFPP_NONE && !strcmp(iface->bridge, port->bridge);
}

/* How surely an interface of the VM is the one of before; 0: only for want of another. */
static int likeness(const struct fl_interface *iface, const struct fl_rule_port *port)
{
    const char *iface_id = smap_get(&iface->external_ids, "iface-id");
    struct eth_addr mac;

    if (iface_id && port->iface_id) {
        return strcmp(iface_id, port->iface_id) ? 0 : 3;
    }
    if (!strcmp(iface->name, port->interface)) {
        return 2;
    }
    return port->has_mac && fl_interface_mac(iface, &mac) && eth_addr_equals(mac, port->mac);
}

/* Return: NULL when there is none, or it is not clear which. */
static const struct fl_interface *find_vm_interface(const struct fl_inventory *inv,
                                                    const struct fl_vm *vm,
                                                    const struct fl_rule_port *port, bool *any)
{
    const struct fl_interface *best = NULL;
    bool is_clear = true;
    int most = -1;

    for (size_t i = 0; i < vm->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[vm->interfaces[i]];
        int alike = is_there(iface, port) ? likeness(iface, port) : -1;

        is_clear = alike > most || (is_clear && alike < most);
        if (alike > most) {
            most = alike;
            best = iface;
        }
    }
    *any = best != NULL;
    return is_clear ? best : NULL;
}

static const struct fl_interface *find_other(const struct fl_inventory *inv,
                                             const struct fl_rule_port *port)
{
    const struct fl_interface *iface = fl_inventory_interface(inv, port->interface);

    return iface && is_there(iface, port) ? iface : NULL;
}

static enum fl_rebased find_all(const struct fl_flowset *set, const struct fl_inventory *inv,
                                const struct fl_interface **now, struct fl_error *why)
{
    const struct fl_vm *vm = fl_inventory_vm(inv, set->vm_id);

    if (!vm) {
        fl_error_set(why, -ENOENT, "the VM is not on this host");
        return FL_REBASED_GONE;
    }
    for (size_t i = 0; i < set->n_ports; i++) {
        const struct fl_rule_port *port = &set->ports[i];
        bool any = true;

        now[i] = port->of_vm ? find_vm_interface(inv, vm, port, &any) : find_other(inv, port);
        if (!any) {
            fl_error_set(why, -ENOENT, "the VM has no interface on %s", port->bridge);
            return FL_REBASED_GONE;
        }
        if (!now[i] && port->of_vm) {
            fl_error_set(why, -ENODEV,
                         "the VM has several interfaces on %s, and none is the one of before (%s)",
                         port->bridge, port->interface);
            return FL_REBASED_LOST;
        }
        if (!now[i]) {
            fl_error_set(why, -ENODEV, "port %s of %s, which the rules need, is not there",
                         port->interface, port->bridge);
            return FL_REBASED_LOST;
        }
    }
    return FL_REBASED_SAME;
}

static bool mac_of(const struct fl_rule_port *port, const struct fl_interface *now,
                   struct eth_addr *mac)
{
    return port->of_vm && port->has_mac && fl_interface_mac(now, mac);
}

static bool has_moved(const struct fl_rule_port *port, const struct fl_interface *now)
{
    struct eth_addr mac;

    return now->ofport != port->ofport ||
           (mac_of(port, now, &mac) && !eth_addr_equals(mac, port->mac));
}

/* ---- The rules of now ---- */

struct move {
    const struct fl_flowset *set; /* of before */
    const struct fl_interface *const *now;
};

static bool move_port(const struct move *move, const char *bridge, ofp_port_t *ofport)
{
    for (size_t i = 0; i < move->set->n_ports; i++) {
        const struct fl_rule_port *port = &move->set->ports[i];

        if (port->ofport == *ofport && !strcmp(port->bridge, bridge)) {
            *ofport = move->now[i]->ofport;
            return port->ofport != *ofport;
        }
    }
    return false;
}

static bool move_mac(const struct move *move, struct eth_addr *mac)
{
    for (size_t i = 0; i < move->set->n_ports; i++) {
        const struct fl_rule_port *port = &move->set->ports[i];
        struct eth_addr new;

        if (mac_of(port, move->now[i], &new) && eth_addr_equals(port->mac, *mac)) {
            *mac = new;
            return !eth_addr_equals(port->mac, new);
        }
    }
    return false;
}

static void move_match(const struct move *move, const char *bridge, struct match *match)
{
    struct flow *flow = &match->flow;
    const struct flow *mask = &match->wc.masks;

    if (mask->in_port.ofp_port) {
        move_port(move, bridge, &flow->in_port.ofp_port);
    }
    if (eth_mask_is_exact(mask->dl_src)) {
        move_mac(move, &flow->dl_src);
    }
    if (eth_mask_is_exact(mask->dl_dst)) {
        move_mac(move, &flow->dl_dst);
    }
}

/* Return: whether anything is another. */
static bool move_action(const struct move *move, const char *bridge, struct ofpact *action)
{
    switch ((int)action->type) {
    case OFPACT_OUTPUT: return move_port(move, bridge, &ofpact_get_OUTPUT(action)->port);
    case OFPACT_SET_ETH_SRC: return move_mac(move, &ofpact_get_SET_ETH_SRC(action)->mac);
    case OFPACT_SET_ETH_DST: return move_mac(move, &ofpact_get_SET_ETH_DST(action)->mac);
    default: return false;
    }
}

/* The text stays as it is when nothing is another. */
static void move_actions(const struct move *move, const char *bridge, char **text)
{
    struct ds again = DS_EMPTY_INITIALIZER;
    struct ofpact_format_params params = { .s = &again };
    struct ofpbuf ofpacts;
    _cleanup_free char *wrong = fl_ofpacts_parse(*text, &ofpacts);
    struct ofpact *action;
    bool any = false;

    OFPACT_FOR_EACH(action, ofpacts.data, ofpacts.size) {
        any |= move_action(move, bridge, action);
    }
    if (any) {
        ofpacts_format(ofpacts.data, ofpacts.size, &params);
        free(*text);
        *text = ds_steal_cstr(&again);
    }
    ds_destroy(&again);
    ofpbuf_uninit(&ofpacts);
}

static void move_rules(const struct move *move, struct fl_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        move_match(move, rules[i].bridge, &rules[i].match);
        move_actions(move, rules[i].bridge, &rules[i].actions);
    }
}

static void move_set(const struct move *move, const struct fl_inventory *inv,
                     struct fl_flowset *moved)
{
    const struct fl_vm *vm = fl_inventory_vm(inv, move->set->vm_id);

    fl_flowset_copy(moved, move->set);
    free(moved->vm_name);
    moved->vm_name = xstrdup(vm->name);
    move_rules(move, moved->rules, moved->n_rules);
    move_rules(move, moved->wide, moved->n_wide);
    fl_rebase_note(moved, inv);
}

enum fl_rebased fl_rebase(const struct fl_flowset *set, const struct fl_inventory *inv,
                          struct fl_flowset *moved, struct fl_error *why)
{
    _cleanup_free const struct fl_interface **now = xcalloc(set->n_ports + 1, sizeof *now);
    const struct move move = { .set = set, .now = now };
    enum fl_rebased rebased = find_all(set, inv, now, why);
    bool any = false;

    for (size_t i = 0; rebased == FL_REBASED_SAME && i < set->n_ports; i++) {
        any |= has_moved(&set->ports[i], now[i]);
    }
    if (!any) {
        return rebased;
    }
    move_set(&move, inv, moved);
    return FL_REBASED_MOVED;
}
