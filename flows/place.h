/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PLACE_H
#define FLOWLIFT_PLACE_H

/*
 * Places: whose traffic a chain carries, and in which direction.
 *
 * With an inventory a VM is a group of interfaces. A raw dump tells nothing of VMs, and an inventory may
 * not either: then each port is taken for one, apart from those that look like the way out of the host:
 * where traffic is tagged that is untagged at the other end, or that several ports talk to. In doubt a
 * port is not a VM.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/chain.h"
#include "flows/inventory.h"
#include "flows/snapshot.h"
#include "flows/storage.h"

struct fl_places;

/* One chain at one VM. */
struct fl_place {
    size_t vm;                        /* 0 .. fl_places_n_vms() - 1 */
    const struct fl_interface *iface; /* NULL without an inventory */
    enum fl_direction direction;
};

/* A flood goes to every port of a bridge; what goes beyond this many VMs is not a VM's own traffic. */
#define FL_MAX_PLACES 64u

struct fl_places *fl_places_create(const struct fl_snapshot *snapshot,
                                   const struct fl_chains *chains);
void fl_places_destroy(struct fl_places *places);
size_t fl_places_n_vms(const struct fl_places *places);
/** fl_places_vm() - the VM, or NULL when it is a port that stands for one */
const struct fl_vm *fl_places_vm(const struct fl_places *places, size_t vm);
/** fl_places_name() - name of the VM or of the port that stands for it; borrowed */
const char *fl_places_name(const struct fl_places *places, size_t vm);
/** fl_places_are_numbers() - the dump tells ports by number, which no inventory knows */
bool fl_places_are_numbers(const struct fl_places *places);

/**
 * fl_places_of_chain() - all VMs whose traffic a chain carries
 * @region: filled with the chain's region when the return value is not 0
 * Return: number of @found.
 */
size_t fl_places_of_chain(const struct fl_places *places, const struct fl_chain *chain,
                          struct match *region, struct fl_place found[FL_MAX_PLACES]);

/**
 * fl_place_vlan() - the VLAN that a chain's traffic is on: the tag in the packet, or the one an action
 * pushes, or the access tag of the VM's port
 * Return: 0 for untagged, -1 when it can't be told.
 */
int fl_place_vlan(const struct fl_chain *chain, const struct match *region,
                  const struct fl_interface *iface);

#endif
