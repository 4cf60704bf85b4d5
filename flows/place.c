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

struct port {
    struct hmap_node node;
    odp_port_t port;
    const struct fl_interface *iface;
    size_t vm;
    char *name;        /* Without an inventory. */
    size_t n_peers;    /* Ports it exchanges traffic with ... */
    size_t most_peers; /* ... and the most that one of these has. */
    bool is_tagged;    /* Tagged here, untagged at the other end. */
};

struct mac {
    struct hmap_node node;
    struct eth_addr mac;
    const struct port *port;
};

struct fl_places {
    const struct fl_snapshot *snapshot;
    const struct fl_inventory *inv;
    struct hmap ports;
    struct hmap macs;
    struct port **by_vm; /* Without an inventory. */
    size_t n_vms;
    bool numbers;
};

static struct port *find_port(const struct fl_places *places, odp_port_t port)
{
    struct port *found;

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

static struct port *add_port(struct fl_places *places, odp_port_t number)
{
    struct port *port = xzalloc(sizeof *port);

    port->port = number;
    port->vm = SIZE_MAX;
    hmap_insert(&places->ports, &port->node, hash_int(odp_to_u32(number), 0));
    return port;
}

static uint32_t hash_of_mac(struct eth_addr mac)
{
    return hash_bytes(&mac, sizeof mac, 0);
}

static const struct mac *find_mac(const struct fl_places *places, struct eth_addr wanted)
{
    const struct mac *mac;

    HMAP_FOR_EACH_WITH_HASH(mac, node, hash_of_mac(wanted), &places->macs) {
        if (eth_addr_equals(mac->mac, wanted)) {
            return mac;
        }
    }
    return NULL;
}

/* With an inventory. */

static void add_mac(struct fl_places *places, const struct port *port)
{
    struct eth_addr address;
    struct mac *mac;

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
        struct port *port;

        if (number != ODPP_NONE && find_port(places, number)) {
            continue;
        }
        port = add_port(places, number);
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

/* Without an inventory. */

/* Ports that the packets of a chain leave through, each once. */
static size_t outputs_of(const struct fl_chain *chain, odp_port_t ports[FL_MAX_PLACES])
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
            ports[n++] = of_link[j];
        }
    }
    return n;
}

static bool chain_pushes_vlan(const struct fl_chain *chain)
{
    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;

        if (flow->has_actions && fl_actions_pushed_vlan(flow->actions, flow->actions_len) >= 0) {
            return true;
        }
    }
    return false;
}

static bool chain_pops_vlan(const struct fl_chain *chain)
{
    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;

        if (flow->has_actions && fl_actions_pop_vlan(flow->actions, flow->actions_len)) {
            return true;
        }
    }
    return false;
}

static struct port *need_port(struct fl_places *places, odp_port_t number)
{
    struct port *port = find_port(places, number);

    return port ? port : add_port(places, number);
}

/* Two ports between which traffic goes. */
struct pair {
    struct hmap_node node;
    struct port *a, *b;
};

static void add_pair(struct hmap *pairs, struct port *a, struct port *b)
{
    uint32_t hash = hash_2words(MIN(odp_to_u32(a->port), odp_to_u32(b->port)),
                                MAX(odp_to_u32(a->port), odp_to_u32(b->port)));
    struct pair *pair;

    HMAP_FOR_EACH_WITH_HASH(pair, node, hash, pairs) {
        if ((pair->a == a && pair->b == b) || (pair->a == b && pair->b == a)) {
            return;
        }
    }
    pair = xzalloc(sizeof *pair);
    pair->a = a;
    pair->b = b;
    hmap_insert(pairs, &pair->node, hash);
    a->n_peers++;
    b->n_peers++;
}

static void learn_chain(struct fl_places *places, const struct fl_chain *chain, struct hmap *pairs)
{
    odp_port_t outputs[FL_MAX_PLACES];
    size_t n_outputs = outputs_of(chain, outputs);
    odp_port_t in_port = chain->links[0]->flow.in_port;
    struct port *from;
    struct port *to;
    bool pops;
    bool pushes;

    if (in_port == ODPP_NONE) {
        return;
    }
    from = need_port(places, in_port);
    for (size_t i = 0; i < n_outputs; i++) {
        need_port(places, outputs[i]);
    }
    if (n_outputs != 1 || outputs[0] == in_port) {
        return; /* A flood tells nothing of who talks to whom. */
    }
    to = need_port(places, outputs[0]);
    add_pair(pairs, from, to);
    pops = chain_pops_vlan(chain);
    pushes = chain_pushes_vlan(chain);
    from->is_tagged |= pops && !pushes;
    to->is_tagged |= pushes && !pops;
}

static bool is_tunnel_port(const char *name)
{
    static const char *const prefixes[] = { "vxlan_sys", "genev_sys",   "gre_sys",   "erspan_sys",
                                            "gtpu_sys",  "bareudp_sys", "ovs-system" };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (!strncmp(name, prefixes[i], strlen(prefixes[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_uplink(const struct port *port)
{
    return port->is_tagged || is_tunnel_port(port->name) ||
           (port->n_peers >= 2 && port->n_peers > port->most_peers);
}

static void name_vms(struct fl_places *places)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(places->snapshot);
    struct port *port;

    places->by_vm = xcalloc(MAX(1, hmap_count(&places->ports)), sizeof *places->by_vm);
    HMAP_FOR_EACH(port, node, &places->ports) {
        char buf[16];

        port->name = xstrdup(fl_ports_name(ports, port->port, buf));
        if (!is_uplink(port)) {
            port->vm = places->n_vms;
            places->by_vm[places->n_vms++] = port;
        }
    }
}

static void learn_ports(struct fl_places *places, const struct fl_chains *chains)
{
    struct hmap pairs = HMAP_INITIALIZER(&pairs);
    struct pair *pair;

    for (size_t i = 0; i < chains->n; i++) {
        learn_chain(places, &chains->chains[i], &pairs);
    }
    HMAP_FOR_EACH_POP(pair, node, &pairs) {
        pair->a->most_peers = MAX(pair->a->most_peers, pair->b->n_peers);
        pair->b->most_peers = MAX(pair->b->most_peers, pair->a->n_peers);
        free(pair);
    }
    hmap_destroy(&pairs);
    name_vms(places);
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
    } else {
        learn_ports(places, chains);
    }
    return places;
}

void fl_places_destroy(struct fl_places *places)
{
    struct port *port;
    struct mac *mac;

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
    return places->inv ? &places->inv->vms[vm] : NULL;
}

const char *fl_places_name(const struct fl_places *places, size_t vm)
{
    return places->inv ? places->inv->vms[vm].name : places->by_vm[vm]->name;
}

bool fl_places_are_numbers(const struct fl_places *places)
{
    return places->numbers;
}

/* Chains. */

struct findings {
    struct fl_place *found;
    size_t n;
};

static void add_place(struct findings *findings, const struct port *port,
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
static const struct port *addressee(const struct fl_places *places, const struct match *region)
{
    const struct mac *mac = NULL;

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
        if (!find_port(places, outputs[i])) {
            return false;
        }
    }
    return true;
}

static void add_destinations(const struct fl_places *places, const struct fl_chain *chain,
                             const struct match *region, struct findings *findings)
{
    odp_port_t outputs[FL_MAX_PLACES];
    size_t n_outputs = outputs_of(chain, outputs);
    const struct port *to = addressee(places, region);
    size_t before = findings->n;

    if (n_outputs > 1 && (to || !places->inv)) {
        add_place(findings, to, FL_TO_VM); /* A flood, but meant for one. */
        return;
    }
    for (size_t i = 0; i < n_outputs; i++) {
        if (outputs[i] != chain->links[0]->flow.in_port) {
            add_place(findings, find_port(places, outputs[i]), FL_TO_VM);
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
    add_place(&findings, find_port(places, chain->links[0]->flow.in_port), FL_FROM_VM);
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
