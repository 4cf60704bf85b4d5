/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PLACE_INTERNAL_H
#define FLOWLIFT_PLACE_INTERNAL_H

/*
 * What the two files of places share, and nobody else includes.
 *
 *   place.c         VMs of an inventory; whose a chain is
 *   place_ports.c   ports that stand for VMs, when nothing is known of VMs
 */

#include <openvswitch/hmap.h>

#include "flows/place.h"

struct fl_place_port {
    struct hmap_node node;
    odp_port_t port;
    const struct fl_interface *iface;
    size_t vm;
    char *name;        /* When ports stand for VMs. */
    size_t n_peers;    /* Ports it exchanges traffic with ... */
    size_t most_peers; /* ... and the most that one of these has. */
    bool is_tagged;    /* Tagged here, untagged at the other end. */
};

struct fl_place_mac {
    struct hmap_node node;
    struct eth_addr mac;
    const struct fl_place_port *port;
};

struct fl_places {
    const struct fl_snapshot *snapshot;
    const struct fl_inventory *inv;
    struct hmap ports;
    struct hmap macs;
    struct fl_place_port **by_vm; /* When ports stand for VMs. */
    size_t n_vms;
    bool by_port; /* Ports stand for VMs. */
    bool numbers;
};

/** fl_place_find_port() - the port of this number, or NULL */
struct fl_place_port *fl_place_find_port(const struct fl_places *places, odp_port_t number);
struct fl_place_port *fl_place_add_port(struct fl_places *places, odp_port_t number);
/** fl_place_outputs() - ports that the packets of a chain leave through, each once */
size_t fl_place_outputs(const struct fl_chain *chain, odp_port_t ports[FL_MAX_PLACES]);
/** fl_place_learn_ports() - make a VM of each port that does not look like the way out */
void fl_place_learn_ports(struct fl_places *places, const struct fl_chains *chains);

#endif
