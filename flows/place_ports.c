/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ports that stand for VMs: when there is no inventory (a raw dump), or one in which no Interface says
 * whose it is. Which of them leads out of the host is guessed from the traffic.
 */

#include <openvswitch/hmap.h>
#include <ovs/hash.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/place_internal.h"

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

static struct fl_place_port *need_port(struct fl_places *places, odp_port_t number)
{
    struct fl_place_port *port = fl_place_find_port(places, number);

    return port ? port : fl_place_add_port(places, number);
}

/* Two ports between which traffic goes. */
struct pair {
    struct hmap_node node;
    struct fl_place_port *a, *b;
};

static void add_pair(struct hmap *pairs, struct fl_place_port *a, struct fl_place_port *b)
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
    size_t n_outputs = fl_place_outputs(chain, outputs);
    odp_port_t in_port = chain->links[0]->flow.in_port;
    struct fl_place_port *from;
    struct fl_place_port *to;
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

static bool is_uplink(const struct fl_place_port *port)
{
    return port->is_tagged || is_tunnel_port(port->name) ||
           (port->n_peers >= 2 && port->n_peers > port->most_peers);
}

/* An inventory without VMs still tells the host's own ports. */
static bool is_of_host(const struct fl_interface *iface)
{
    return iface && (!strcmp(iface->type, "internal") || !strcmp(iface->type, "patch"));
}

static void name_vms(struct fl_places *places)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(places->snapshot);
    struct fl_place_port *port;

    places->by_vm = xcalloc(MAX(1, hmap_count(&places->ports)), sizeof *places->by_vm);
    HMAP_FOR_EACH(port, node, &places->ports) {
        char buf[16];

        port->name = xstrdup(fl_ports_name(ports, port->port, buf));
        if (!is_uplink(port) && !is_of_host(port->iface)) {
            port->vm = places->n_vms;
            places->by_vm[places->n_vms++] = port;
        }
    }
}

void fl_place_learn_ports(struct fl_places *places, const struct fl_chains *chains)
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
