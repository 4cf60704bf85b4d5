/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/mirror.h"

#include <errno.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-actions.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/collapse.h"

/* ---- What a mirror selects ---- */

/* The VLAN that Open vSwitch takes packets to be in at a port: xvlan_input_translate(). */
static int vlan_at(const struct fl_interface *iface, int vlan)
{
    bool is_native = iface->vlan_mode == FL_VLAN_NATIVE_TAGGED ||
                     iface->vlan_mode == FL_VLAN_NATIVE_UNTAGGED;

    if (iface->tag <= 0 || iface->vlan_mode == FL_VLAN_TRUNK || (is_native && vlan)) {
        return vlan;
    }
    return iface->tag;
}

static bool has_vlan(const struct fl_mirror *mirror, int vlan)
{
    bool found = !mirror->n_vlans || vlan < 0;

    for (size_t i = 0; !found && i < mirror->n_vlans; i++) {
        found = mirror->vlans[i] == vlan;
    }
    return found;
}

static bool takes_in(const struct fl_mirror *mirror, const struct fl_interface *iface)
{
    return svec_contains_unsorted(&mirror->src_ports, iface->port);
}

static bool takes_out(const struct fl_mirror *mirror, const struct fl_interface *iface)
{
    return svec_contains_unsorted(&mirror->dst_ports, iface->port);
}

static bool takes(const struct fl_mirror *mirror, const struct fl_interface *iface)
{
    bool is_patch = !strcmp(iface->type, "patch");

    return mirror->select_all ||
           (!is_patch && (takes_in(mirror, iface) || takes_out(mirror, iface)));
}

const struct fl_mirror *fl_mirror_at(const struct fl_inventory *inv,
                                     const struct fl_interface *iface, int vlan)
{
    for (size_t i = 0; i < inv->n_mirrors; i++) {
        const struct fl_mirror *mirror = &inv->mirrors[i];

        if (!strcmp(mirror->bridge, iface->bridge) &&
            (mirror->output_port || mirror->output_vlan > 0) && takes(mirror, iface) &&
            has_vlan(mirror, vlan_at(iface, vlan))) {
            return mirror;
        }
    }
    return NULL;
}

const struct fl_mirror *fl_mirror_to(const struct fl_inventory *inv,
                                     const struct fl_interface *iface)
{
    for (size_t i = 0; i < inv->n_mirrors; i++) {
        const struct fl_mirror *mirror = &inv->mirrors[i];

        if (mirror->output_port && !strcmp(mirror->output_port, iface->port) &&
            !strcmp(mirror->bridge, iface->bridge)) {
            return mirror;
        }
    }
    return NULL;
}

/* ---- The sentence ---- */

static void put_selected(struct ds *text, const struct fl_mirror *mirror,
                         const struct fl_interface *iface)
{
    bool in = takes_in(mirror, iface), out = takes_out(mirror, iface);

    if (mirror->select_all) {
        ds_put_cstr(text, "all packets (select_all)");
    } else {
        ds_put_format(text, "what %s port %s (%s%s%s)",
                      in && out ? "passes"
                      : in      ? "comes in by"
                                : "leaves by",
                      iface->port, in ? "select_src_port" : "", in && out ? ", " : "",
                      out ? "select_dst_port" : "");
    }
    if (mirror->n_vlans == 1) {
        ds_put_format(text, " in VLAN %u", mirror->vlans[0]);
    } else if (mirror->n_vlans) {
        ds_put_format(text, " in %" PRIuSIZE " VLANs", mirror->n_vlans);
    }
}

static int refuse(const char *vm_name, const struct fl_mirror *mirror,
                  const struct fl_interface *iface, struct fl_error *err)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text, "mirror \"%s\" of bridge %s copies ", mirror->name, mirror->bridge);
    put_selected(&text, mirror, iface);
    if (mirror->output_port) {
        ds_put_format(&text, " to port %s", mirror->output_port);
    } else {
        ds_put_format(&text, " to VLAN %d", mirror->output_vlan);
    }
    fl_error_set(
        err, -EPERM,
        "storage packets of %s are mirrored: %s; flowlift makes no rules for packets that are "
        "copied: end the mirror (ovs-vsctl remove bridge %s mirrors %s), or leave %s as it is",
        vm_name, ds_cstr(&text), mirror->bridge, mirror->uuid, vm_name);
    ds_destroy(&text);
    return -EPERM;
}

/* ---- Where packets pass ---- */

static int check_at(const struct fl_inventory *inv, const char *vm_name,
                    const struct fl_interface *iface, int vlan, struct fl_error *err)
{
    const struct fl_mirror *mirror = fl_mirror_at(inv, iface, vlan);

    if (!mirror && iface->peer) {
        iface = fl_inventory_interface(inv, iface->peer);
        mirror = iface ? fl_mirror_at(inv, iface, vlan) : NULL;
    }
    return mirror ? refuse(vm_name, mirror, iface, err) : 0;
}

static int check_ofport(const struct fl_inventory *inv, const char *vm_name, const char *bridge,
                        ofp_port_t port, int vlan, struct fl_error *err)
{
    int error = 0;

    for (size_t i = 0; !error && i < inv->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[i];

        if (iface->ofport == port && !strcmp(iface->bridge, bridge)) {
            error = check_at(inv, vm_name, iface, vlan, err);
        }
    }
    return error;
}

/* In the header: 0 for none, -1 when the match does not tell. */
static int vlan_of_match(const struct match *match)
{
    ovs_be16 tci = match->flow.vlans[0].tci, mask = match->wc.masks.vlans[0].tci;

    if (!(mask & htons(VLAN_CFI))) {
        return -1;
    }
    if (!(tci & htons(VLAN_CFI))) {
        return 0;
    }
    return (mask & htons(VLAN_VID_MASK)) == htons(VLAN_VID_MASK) ? vlan_tci_to_vid(tci) : -1;
}

/* NORMAL names no port: those by which the other direction comes in are the same ones. */
static int check_outputs(const struct fl_inventory *inv, const struct fl_flowset *set,
                         const struct fl_rule *rule, struct fl_error *err)
{
    struct ofpbuf actions;
    _cleanup_free char *wrong = fl_ofpacts_parse(rule->actions, &actions);
    int vlan = vlan_of_match(&rule->match);
    const struct ofpact *a;
    int error = 0;

    OFPACT_FOR_EACH(a, actions.data, actions.size) {
        if (a->type == OFPACT_SET_VLAN_VID) {
            vlan = ofpact_get_SET_VLAN_VID(a)->vlan_vid;
        } else if (a->type == OFPACT_STRIP_VLAN) {
            vlan = 0;
        } else if (a->type == OFPACT_OUTPUT && !error) {
            error = check_ofport(inv, set->vm_name, rule->bridge, ofpact_get_OUTPUT(a)->port, vlan,
                                 err);
        }
    }
    ofpbuf_uninit(&actions);
    return error;
}

int fl_mirror_check_rules(const struct fl_inventory *inv, const struct fl_flowset *set,
                          struct fl_error *err)
{
    int error = 0;

    for (size_t i = 0; !error && inv->n_mirrors && i < set->n_rules; i++) {
        const struct fl_rule *rule = &set->rules[i];

        error = check_ofport(inv, set->vm_name, rule->bridge, rule->match.flow.in_port.ofp_port,
                             vlan_of_match(&rule->match), err);
        error = error ? error : check_outputs(inv, set, rule, err);
    }
    return error;
}

static int check_port(const struct fl_vm_audit *vm, const struct fl_ports *ports, odp_port_t port,
                      int vlan, struct fl_error *err)
{
    char buf[16];
    const struct fl_interface *iface = fl_inventory_interface(vm->inv,
                                                              fl_ports_name(ports, port, buf));

    return iface ? check_at(vm->inv, vm->name, iface, vlan, err) : 0;
}

/*
 * Of several outputs one may be the copy's own, and then none is looked at: the port by which the other
 * direction comes in is the right one.
 */
static int check_chain(const struct fl_vm_audit *vm, const struct fl_finding *finding,
                       const struct fl_ports *ports, struct fl_error *err)
{
    const struct fl_chain *chain = finding->chain;
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_effect effect;
    struct match region;
    int error;

    fl_chain_region(chain, &region);
    error = check_port(vm, ports, chain->links[0]->flow.in_port, vlan_of_match(&region), err);
    if (!error && !fl_collapse(chain, &effect, &ignored)) {
        error = check_port(vm, ports, effect.output, finding->vlan, err);
    }
    return error;
}

int fl_mirror_check_vm(const struct fl_vm_audit *vm, const struct fl_ports *ports,
                       struct fl_error *err)
{
    int error = 0;

    for (size_t i = 0; !error && vm->inv && vm->inv->n_mirrors && i < vm->n_findings; i++) {
        if (!vm->findings[i].chain->drops) {
            error = check_chain(vm, &vm->findings[i], ports, err);
        }
    }
    return error;
}
