/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/simplify.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/collapse.h"
#include "flows/limits.h"
#include "flows/nic_fit.h"
#include "flows/widen.h"

struct builder {
    const struct fl_simplify_input *in;
    const struct fl_inventory *inventory;
    struct fl_profiles profiles; /* That have learnt from the snapshot. */
    struct fl_flowset set;
    struct fl_refusal *refusals;
    size_t n_refusals;
    size_t n_needy; /* Chains that need a rule. */
};

/* Where a chain runs, as OpenFlow sees it. */
struct place {
    struct match region;           /* Packets as they come in. */
    const struct fl_interface *vm; /* The VM's interface. */
    ofp_port_t in_port;            /* On the VM's bridge. */
    ofp_port_t out_port;           /* On the VM's bridge. */
    struct eth_addr mac;
};

static void add_refusal(struct builder *b, const char *reason)
{
    for (size_t i = 0; i < b->n_refusals; i++) {
        if (!strcmp(b->refusals[i].reason, reason)) {
            return;
        }
    }
    b->refusals = xrealloc(b->refusals, (b->n_refusals + 1) * sizeof *b->refusals);
    b->refusals[b->n_refusals++].reason = xstrdup(reason);
}

void fl_refusals_free(struct fl_refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(refusals[i].reason);
    }
    free(refusals);
}

static const struct fl_interface *interface_of_port(const struct builder *b, odp_port_t port)
{
    char buf[16];

    return fl_inventory_interface(b->inventory,
                                  fl_ports_name(fl_snapshot_ports_const(b->in->snapshot), port,
                                                buf));
}

static bool belongs_to_vm(const struct builder *b, const struct fl_interface *iface)
{
    return iface && iface->vm >= 0 && &b->inventory->vms[iface->vm] == b->in->vm->vm;
}

/* The patch ports of @bridge that lead to @other. @found: one of them. Return: how many. */
static size_t patches_between(const struct fl_inventory *inv, const char *bridge, const char *other,
                              const struct fl_interface **found)
{
    size_t n = 0;

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[i];
        const struct fl_interface *peer;

        if (strcmp(iface->bridge, bridge) || strcmp(iface->type, "patch") || !iface->peer) {
            continue;
        }
        peer = fl_inventory_interface(inv, iface->peer);
        if (peer && !strcmp(peer->bridge, other)) {
            *found = iface;
            n++;
        }
    }
    return n;
}

/* The patch port of the VM's bridge by which its traffic goes to @other's and comes from there. */
static const struct fl_interface *patch_towards(const struct builder *b,
                                                const struct fl_interface *vm, const char *other)
{
    const struct fl_interface *found = NULL;

    for (size_t i = 0; i < b->in->n_patches; i++) {
        if (b->in->patches[i].vm == vm) {
            return b->in->patches[i].port;
        }
    }
    return patches_between(b->inventory, vm->bridge, other, &found) == 1 ? found : NULL;
}

/* OpenFlow port by which traffic between the VM's bridge and @far enters or leaves it. */
static int port_towards(const struct builder *b, const struct fl_interface *vm,
                        const struct fl_interface *far, ofp_port_t *ofport, struct fl_error *why)
{
    const struct fl_interface *port = far;

    if (strcmp(far->bridge, vm->bridge)) {
        port = patch_towards(b, vm, far->bridge);
    }
    if (far->in_bond || !port || port->ofport == OFPP_NONE) {
        return fl_error_set(why, -ENOTSUP, "bridge %s and port %s are not joined by one plain port",
                            vm->bridge, far->name);
    }
    *ofport = port->ofport;
    return 0;
}

static int find_mac(const struct match *region, enum fl_direction direction,
                    const struct fl_interface *vm, struct eth_addr *mac, struct fl_error *why)
{
    bool from_vm = direction == FL_FROM_VM;
    struct eth_addr seen = from_vm ? region->flow.dl_src : region->flow.dl_dst;
    bool exact = eth_mask_is_exact(from_vm ? region->wc.masks.dl_src : region->wc.masks.dl_dst);
    bool known = fl_interface_mac(vm, mac);

    if (exact && known && !eth_addr_equals(seen, *mac)) {
        return fl_error_set(why, -ENOTSUP,
                            "packets carry " ETH_ADDR_FMT ", which is not the MAC address of %s",
                            ETH_ADDR_ARGS(seen), vm->name);
    }
    if (exact) {
        *mac = seen;
    } else if (!known) {
        return fl_error_set(why, -ENOTSUP,
                            "the MAC address of %s is not known "
                            "(external_ids:attached-mac)",
                            vm->name);
    }
    return 0;
}

static int find_place(const struct builder *b, const struct fl_finding *finding,
                      const struct fl_effect *effect, struct place *place, struct fl_error *why)
{
    const struct fl_interface *in = interface_of_port(b, finding->chain->links[0]->flow.in_port);
    const struct fl_interface *out = interface_of_port(b, effect->output);
    bool from_vm = finding->direction == FL_FROM_VM;
    const struct fl_interface *far = from_vm ? out : in;
    ofp_port_t far_port = OFPP_NONE;
    int error;

    if (!fl_chain_region(finding->chain, &place->region)) {
        return fl_error_set(why, -ENOTSUP,
                            "what its flows match could not be traced back through "
                            "a rewrite");
    }
    place->vm = from_vm ? in : out;
    if (!far || !belongs_to_vm(b, place->vm)) {
        return fl_error_set(why, -ENOTSUP, "its ports are not in OVSDB");
    }
    if (place->vm->ofport == OFPP_NONE || place->vm->in_bond) {
        return fl_error_set(why, -ENOTSUP, "port %s has no OpenFlow port number", place->vm->name);
    }
    error = port_towards(b, place->vm, far, &far_port, why);
    if (error) {
        return error;
    }
    place->in_port = from_vm ? place->vm->ofport : far_port;
    place->out_port = from_vm ? far_port : place->vm->ofport;
    return find_mac(&place->region, finding->direction, place->vm, &place->mac, why);
}

static void set_addresses(struct match *match, bool ipv6, bool server_is_dst,
                          const struct fl_subnet *server, const struct fl_widened *w)
{
    struct in6_addr mask = ipv6_create_mask(server->prefix);
    ovs_be32 v4 = in6_addr_get_mapped_ipv4(&server->address);
    ovs_be32 v4_mask = be32_prefix_mask(server->prefix >= 96 ? server->prefix - 96 : 0);
    ovs_be32 vm_v4 = in6_addr_get_mapped_ipv4(&w->vm_address);

    if (ipv6 && server_is_dst) {
        match_set_ipv6_dst_masked(match, &server->address, &mask);
    } else if (ipv6) {
        match_set_ipv6_src_masked(match, &server->address, &mask);
    } else if (server_is_dst) {
        match_set_nw_dst_masked(match, v4, v4_mask);
    } else {
        match_set_nw_src_masked(match, v4, v4_mask);
    }
    if (!w->has_vm_address) {
        return;
    }
    if (ipv6 && server_is_dst) {
        match_set_ipv6_src(match, &w->vm_address);
    } else if (ipv6) {
        match_set_ipv6_dst(match, &w->vm_address);
    } else if (server_is_dst) {
        match_set_nw_src(match, vm_v4);
    } else {
        match_set_nw_dst(match, vm_v4);
    }
}

static void set_match(struct match *match, const struct fl_finding *finding,
                      const struct place *place, const struct fl_subnet *server,
                      const struct fl_service *service, const struct fl_widened *w)
{
    const struct flow *region = &place->region.flow;
    bool from_vm = finding->direction == FL_FROM_VM;
    bool ipv6 = region->dl_type == htons(ETH_TYPE_IPV6);
    ovs_be16 tci = region->vlans[0].tci;

    match_set_in_port(match, place->in_port);
    if (tci & htons(VLAN_CFI)) {
        match_set_vlan_vid(match, tci & htons(VLAN_VID_MASK | VLAN_CFI));
    } else {
        match_set_vlan_vid(match, htons(0)); /* untagged; OpenFlow has no test of the whole TCI */
    }
    match_set_dl_type(match, region->dl_type);
    match_set_nw_proto(match, service->proto);
    /* OVS always tests it. Later fragments have no port, and conntrack reassembles them. */
    match_set_nw_frag(match, 0);
    set_addresses(match, ipv6, from_vm, server, w);
    if (from_vm) {
        match_set_dl_src(match, place->mac);
        match_set_tp_dst(match, htons(service->port));
    } else {
        match_set_dl_dst(match, place->mac);
        match_set_tp_src(match, htons(service->port));
    }
}

/*
 * OpenFlow actions that do what @effect says. With a second bridge behind a patch port this takes it that
 * the VM's bridge does all the rewriting, as OVN's does; the proof tells whether it is so.
 */
static char *actions_text(const struct fl_effect *effect, const struct place *place)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    if (effect->sets_eth_src) {
        ds_put_format(&text, "mod_dl_src:" ETH_ADDR_FMT ",", ETH_ADDR_ARGS(effect->eth_src));
    }
    if (effect->sets_eth_dst) {
        ds_put_format(&text, "mod_dl_dst:" ETH_ADDR_FMT ",", ETH_ADDR_ARGS(effect->eth_dst));
    }
    if (effect->pops_vlan) {
        ds_put_cstr(&text, "strip_vlan,");
    }
    if (effect->pushes_vlan) {
        ds_put_format(&text, "mod_vlan_vid:%d,", vlan_tci_to_vid(effect->vlan_tci));
        if (vlan_tci_to_pcp(effect->vlan_tci)) {
            ds_put_format(&text, "mod_vlan_pcp:%d,", vlan_tci_to_pcp(effect->vlan_tci));
        }
    }
    ds_put_format(&text, "output:%" PRIu16, ofp_to_u16(place->out_port));
    return ds_steal_cstr(&text);
}

static bool has_rule(const struct fl_flowset *set, const struct fl_rule *rule)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *r = &set->rules[i];

        if (!strcmp(r->bridge, rule->bridge) && !strcmp(r->actions, rule->actions) &&
            match_equal(&r->match, &rule->match)) {
            return true;
        }
    }
    return false;
}

/* Two chains, one match, two fates: the pipeline looks at something that the rule leaves out. */
static bool contradicts(const struct fl_flowset *set, const struct fl_rule *rule)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *r = &set->rules[i];

        if (!strcmp(r->bridge, rule->bridge) && strcmp(r->actions, rule->actions) &&
            match_equal(&r->match, &rule->match)) {
            return true;
        }
    }
    return false;
}

static int add_rule(struct builder *b, const struct fl_finding *finding,
                    const struct fl_effect *effect, const struct place *place,
                    const struct fl_subnet *server, const struct fl_service *service,
                    const struct fl_widened *w, struct fl_error *why)
{
    struct fl_rule rule = { .bridge = place->vm->bridge,
                            .direction = finding->direction,
                            .priority = FL_RULE_PRIORITY };
    struct fl_rule *added;
    int error = 0;

    match_init_catchall(&rule.match);
    set_match(&rule.match, finding, place, server, service, w);
    rule.actions = actions_text(effect, place);
    if (contradicts(&b->set, &rule)) {
        error = fl_error_set(why, -ENOTSUP,
                             "the same packets are sent different ways, "
                             "by something that a simple rule does not look at");
    } else if (!has_rule(&b->set, &rule)) {
        added = fl_flowset_add(&b->set);
        if (added) {
            rule.bridge = xstrdup(rule.bridge);
            *added = rule;
            return 0;
        }
        error = fl_error_set(why, -ENOTSUP, "more than %u rules would be needed", FL_LIMIT_RULES);
    }
    free(rule.actions);
    return error;
}

static int add_finding(struct builder *b, const struct fl_finding *finding, struct fl_error *why)
{
    uint16_t zones[FL_LIMIT_ZONES];
    size_t n_zones = fl_chain_zones(finding->chain, zones, FL_LIMIT_ZONES);
    struct fl_effect effect;
    struct fl_widened w;
    struct place place;
    int error;

    error = fl_collapse(finding->chain, &effect, why);
    if (!error) {
        error = fl_nic_fits(&b->profiles, b->in->snapshot, finding->chain, &effect, why);
    }
    if (!error) {
        error = find_place(b, finding, &effect, &place, why);
    }
    if (!error) {
        error = fl_widen(&place.region, finding->direction, b->in->storage, zones, n_zones,
                         b->in->connections, b->in->n_connections, &w, why);
    }
    for (size_t i = 0; !error && i < w.n_servers; i++) {
        for (size_t j = 0; !error && j < w.n_services; j++) {
            error = add_rule(b, finding, &effect, &place, &w.servers[i], &w.services[j], &w, why);
        }
    }
    return error;
}

/* In software, or with packets that come to software although the NIC has the flows. */
static bool needs_rule(const struct fl_finding *finding)
{
    const struct fl_chain *chain = finding->chain;

    return !chain->drops && (chain->path != FL_PATH_HW || chain->hw_packets < chain->packets);
}

/* The interface at the far end of a chain from the VM; NULL when it has none, or more than one. */
static const struct fl_interface *far_end(const struct builder *b, const struct fl_finding *finding)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_effect effect;

    return fl_collapse(finding->chain, &effect, &ignored) ? NULL
                                                          : interface_of_port(b, effect.output);
}

static bool needs_patch(const struct builder *b, const struct fl_finding *finding)
{
    const struct fl_interface *far, *port;

    if (!needs_rule(finding) || finding->direction != FL_FROM_VM || !finding->iface) {
        return false;
    }
    far = far_end(b, finding);
    return far && strcmp(far->bridge, finding->iface->bridge) &&
           patches_between(b->inventory, finding->iface->bridge, far->bridge, &port) > 1;
}

size_t fl_simplify_needs_patch(const struct fl_snapshot *snapshot, const struct fl_vm_audit *vm,
                               const struct fl_finding **findings, size_t max)
{
    const struct fl_simplify_input in = { .snapshot = snapshot, .vm = vm };
    const struct builder b = { .in = &in, .inventory = fl_snapshot_inventory(snapshot) };
    size_t n = 0;

    for (size_t i = 0; b.inventory && i < vm->n_findings && n < max; i++) {
        bool known = false;

        for (size_t j = 0; j < n; j++) {
            known |= findings[j]->iface == vm->findings[i].iface;
        }
        if (!known && needs_patch(&b, &vm->findings[i])) {
            findings[n++] = &vm->findings[i];
        }
    }
    return n;
}

int fl_simplify(const struct fl_simplify_input *in, struct fl_flowset *set,
                struct fl_refusal **refusals, size_t *n_refusals, struct fl_error *err)
{
    struct builder b = { .in = in, .inventory = fl_snapshot_inventory(in->snapshot) };
    int error = 0;

    *refusals = NULL;
    *n_refusals = 0;
    if (!b.inventory || !in->vm->vm) {
        return fl_error_set(err, -ENOTSUP,
                            "a dump without an inventory says nothing of bridges "
                            "and VMs: plan on the host, or from a capture");
    }
    fl_flowset_init(&b.set, in->vm->vm->id, in->vm->name);
    fl_profiles_init(&b.profiles);
    fl_profiles_learn(&b.profiles, in->snapshot);
    for (size_t i = 0; i < in->vm->n_findings; i++) {
        struct fl_error why = FL_ERROR_INIT;

        if (needs_rule(&in->vm->findings[i])) {
            b.n_needy++;
            if (add_finding(&b, &in->vm->findings[i], &why)) {
                add_refusal(&b, why.text);
            }
        }
    }
    fl_profiles_destroy(&b.profiles);
    if (!b.n_needy) {
        error = fl_error_set(err, -ENOENT, "no storage flow of %s is in software", in->vm->name);
    } else if (!b.set.n_rules) {
        error = fl_error_set(err, -ENOTSUP,
                             "no simple rule can stand for the storage flows of %s: "
                             "%s",
                             in->vm->name, b.refusals[0].reason);
    }
    *refusals = b.refusals;
    *n_refusals = b.n_refusals;
    if (error) {
        fl_flowset_destroy(&b.set);
    } else {
        *set = b.set;
    }
    return error;
}

size_t fl_simplify_zones(const struct fl_vm_audit *vm, uint16_t *zones, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < vm->n_findings; i++) {
        uint16_t some[FL_LIMIT_ZONES];
        size_t n_some = fl_chain_zones(vm->findings[i].chain, some, FL_LIMIT_ZONES);

        for (size_t j = 0; j < n_some; j++) {
            size_t k = 0;

            while (k < n && zones[k] != some[j]) {
                k++;
            }
            if (k == n && n < max) {
                zones[n++] = some[j];
            }
        }
    }
    return n;
}
