/* SPDX-License-Identifier: Apache-2.0 */

/* See place.h. */

#include "flows/place.h"

#include <openvswitch/hmap.h>
#include <ovs/flow.h>
#include <ovs/hash.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/place_internal.h"

struct fl_place_port *fl_place_find_port(const struct fl_places *places, odp_port_t port)
{
    struct fl_place_port *found;

    if (port == ODPP_NONE) {
        return NULL;
    }
    HMAP_FOR_EACH_WITH_HASH(found, node, hash_int(odp_to_u32(port), 0), &places->ports) {
        if (found->port == port) {
            return found;
        }
    }
    return NULL;
}

struct fl_place_port *fl_place_add_port(struct fl_places *places, odp_port_t number)
{
    struct fl_place_port *port = xzalloc(sizeof *port);

    port->port = number;
    port->vm = SIZE_MAX;
    hmap_insert(&places->ports, &port->node, hash_int(odp_to_u32(number), 0));
    return port;
}

static uint32_t hash_of_mac(struct eth_addr mac)
{
    return hash_bytes(&mac, sizeof mac, 0);
}

static const struct fl_place_mac *find_mac(const struct fl_places *places, struct eth_addr wanted)
{
    const struct fl_place_mac *mac;

    HMAP_FOR_EACH_WITH_HASH(mac, node, hash_of_mac(wanted), &places->macs) {
        if (eth_addr_equals(mac->mac, wanted)) {
            return mac;
        }
    }
    return NULL;
}

/* With an inventory. */

static void add_mac(struct fl_places *places, const struct fl_place_port *port)
{
    struct eth_addr address;
    struct fl_place_mac *mac;

    if (!fl_interface_mac(port->iface, &address) || find_mac(places, address)) {
        return;
    }
    mac = xzalloc(sizeof *mac);
    mac->mac = address;
    mac->port = port;
    hmap_insert(&places->macs, &mac->node, hash_of_mac(address));
}

/* An interface that no flow names has no number. It is still there for its MAC. */
static void learn_inventory(struct fl_places *places)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(places->snapshot);

    places->n_vms = places->inv->n_vms;
    for (size_t i = 0; i < places->inv->n_interfaces; i++) {
        const struct fl_interface *iface = &places->inv->interfaces[i];
        odp_port_t number = fl_ports_find(ports, iface->name);
        struct fl_place_port *port;

        if (number != ODPP_NONE && fl_place_find_port(places, number)) {
            continue;
        }
        port = fl_place_add_port(places, number);
        port->iface = iface;
        port->vm = iface->vm >= 0 ? (size_t)iface->vm : SIZE_MAX;
        if (port->vm != SIZE_MAX) {
            add_mac(places, port);
        }
    }
}

static void learn_whether_numbers(struct fl_places *places, const struct fl_chains *chains)
{
    bool names = false;
    bool numbers = false;

    for (size_t i = 0; i < chains->n; i++) {
        uint32_t port = odp_to_u32(chains->chains[i].links[0]->flow.in_port);

        names |= port >= FL_PORT_NAMED && port != odp_to_u32(ODPP_NONE);
        numbers |= port < FL_PORT_NAMED;
    }
    places->numbers = numbers && !names;
}

static bool has_port(const odp_port_t *ports, size_t n, odp_port_t wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (ports[i] == wanted) {
            return true;
        }
    }
    return false;
}

size_t fl_place_outputs(const struct fl_chain *chain, odp_port_t ports[FL_MAX_PLACES])
{
    size_t n = 0;

    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        odp_port_t of_link[FL_MAX_PLACES];
        size_t n_of_link = 0;

        if (flow->has_actions) {
            n_of_link = fl_actions_outputs(flow->actions, flow->actions_len, of_link,
                                           FL_MAX_PLACES);
        }
        for (size_t j = 0; j < MIN(n_of_link, FL_MAX_PLACES) && n < FL_MAX_PLACES; j++) {
            if (!has_port(ports, n, of_link[j])) {
                ports[n++] = of_link[j];
            }
        }
    }
    return n;
}

struct fl_places *fl_places_create(const struct fl_snapshot *snapshot,
                                   const struct fl_chains *chains)
{
    struct fl_places *places = xzalloc(sizeof *places);

    places->snapshot = snapshot;
    places->inv = fl_snapshot_inventory(snapshot);
    hmap_init(&places->ports);
    hmap_init(&places->macs);
    if (places->inv) {
        learn_inventory(places);
        learn_whether_numbers(places, chains);
    }
    places->by_port = !places->inv || !places->inv->n_vms;
    if (places->by_port) {
        fl_place_learn_ports(places, chains);
    }
    return places;
}

void fl_places_destroy(struct fl_places *places)
{
    struct fl_place_port *port;
    struct fl_place_mac *mac;

    HMAP_FOR_EACH_POP(port, node, &places->ports) {
        free(port->name);
        free(port);
    }
    HMAP_FOR_EACH_POP(mac, node, &places->macs) {
        free(mac);
    }
    hmap_destroy(&places->ports);
    hmap_destroy(&places->macs);
    free(places->by_vm);
    free(places);
}

size_t fl_places_n_vms(const struct fl_places *places)
{
    return places->n_vms;
}

const struct fl_vm *fl_places_vm(const struct fl_places *places, size_t vm)
{
    return places->by_port ? NULL : &places->inv->vms[vm];
}

const char *fl_places_name(const struct fl_places *places, size_t vm)
{
    return places->by_port ? places->by_vm[vm]->name : places->inv->vms[vm].name;
}

bool fl_places_are_numbers(const struct fl_places *places)
{
    return places->numbers && !places->by_port;
}

/* Chains. */

struct findings {
    struct fl_place *found;
    size_t n;
};

static void add_place(struct findings *findings, const struct fl_place_port *port,
                      enum fl_direction direction)
{
    if (port && port->vm != SIZE_MAX && findings->n < FL_MAX_PLACES) {
        findings->found[findings->n++] = (struct fl_place){
            .vm = port->vm,
            .iface = port->iface,
            .direction = direction,
        };
    }
}

/* The VM that the packets are addressed to, if all are addressed to one. */
static const struct fl_place_port *addressee(const struct fl_places *places,
                                             const struct match *region)
{
    const struct fl_place_mac *mac = NULL;

    if (eth_mask_is_exact(region->wc.masks.dl_dst) && !eth_addr_is_multicast(region->flow.dl_dst)) {
        mac = find_mac(places, region->flow.dl_dst);
    }
    return mac ? mac->port : NULL;
}

/* Is where the packets go known to be some other port than the addressee's? */
static bool goes_elsewhere(const struct fl_places *places, const struct fl_chain *chain,
                           const odp_port_t *outputs, size_t n_outputs)
{
    if (chain->open || !n_outputs) {
        return false;
    }
    for (size_t i = 0; i < n_outputs; i++) {
        if (!fl_place_find_port(places, outputs[i])) {
            return false;
        }
    }
    return true;
}

static void add_destinations(const struct fl_places *places, const struct fl_chain *chain,
                             const struct match *region, struct findings *findings)
{
    odp_port_t outputs[FL_MAX_PLACES];
    size_t n_outputs = fl_place_outputs(chain, outputs);
    const struct fl_place_port *to = addressee(places, region);
    size_t before = findings->n;

    if (n_outputs > 1 && (to || places->by_port)) {
        add_place(findings, to, FL_TO_VM); /* A flood, but meant for one. */
        return;
    }
    for (size_t i = 0; i < n_outputs; i++) {
        if (outputs[i] != chain->links[0]->flow.in_port) {
            add_place(findings, fl_place_find_port(places, outputs[i]), FL_TO_VM);
        }
    }
    if (findings->n == before && !goes_elsewhere(places, chain, outputs, n_outputs)) {
        add_place(findings, to, FL_TO_VM);
    }
}

size_t fl_places_of_chain(const struct fl_places *places, const struct fl_chain *chain,
                          struct match *region, struct fl_place found[FL_MAX_PLACES])
{
    struct findings findings = { .found = found };

    fl_chain_region(chain, region);
    add_place(&findings, fl_place_find_port(places, chain->links[0]->flow.in_port), FL_FROM_VM);
    add_destinations(places, chain, region, &findings);
    return findings.n;
}

static bool is_access(const struct fl_interface *iface)
{
    return iface && iface->tag > 0 && iface->vlan_mode != FL_VLAN_TRUNK;
}

int fl_place_vlan(const struct fl_chain *chain, const struct match *region,
                  const struct fl_interface *iface)
{
    ovs_be16 tci = region->flow.vlans[0].tci;
    ovs_be16 mask = region->wc.masks.vlans[0].tci;
    bool tag_known = mask & htons(VLAN_CFI);

    if (tag_known && (tci & htons(VLAN_CFI))) {
        if ((mask & htons(VLAN_VID_MASK)) != htons(VLAN_VID_MASK)) {
            return -1;
        }
        if (vlan_tci_to_vid(tci)) {
            return vlan_tci_to_vid(tci);
        }
    }
    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        int pushed = flow->has_actions ? fl_actions_pushed_vlan(flow->actions, flow->actions_len)
                                       : -1;

        if (pushed > 0) {
            return pushed;
        }
    }
    return is_access(iface) ? iface->tag : tag_known ? 0 : -1;
}
