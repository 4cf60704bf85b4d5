/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ODP_ACTIONS_H
#define FLOWLIFT_ODP_ACTIONS_H

/*
 * Actions as the kernel sends them, made fit for everything else in flows/ and in libopenvswitch, which
 * believe in the lengths of what they read, and whose numbers behind ADD_MPLS mean something else.
 */

#include <stddef.h>
#include <stdint.h>

#include <openvswitch/types.h>

struct nlattr;

/** fl_odp_port_map - what a port number of the datapath becomes */
typedef odp_port_t fl_odp_port_map(odp_port_t port, void *aux);

/**
 * fl_odp_actions_adopt() - check all actions, at any depth, and rewrite their port numbers in place
 * @actions: OVS_ACTION_ATTR_* of the kernel, aligned to 4 bytes
 * @n_bytes: of @actions; made shorter by an explicit drop at the end, which says nothing more
 * @map: applied to each port of an output or userspace action
 * @refused: set to the type of the first action that was not understood
 * Return: false when there is one: @actions are of no use then.
 */
bool fl_odp_actions_adopt(struct nlattr *actions, size_t *n_bytes, fl_odp_port_map *map, void *aux,
                          int *refused);

/**
 * fl_odp_tunnel_is_readable() - whether libopenvswitch may be given this OVS_KEY_ATTR_TUNNEL
 *
 * Its version 3.1 reads some attributes without a look at their size, or aborts.
 */
bool fl_odp_tunnel_is_readable(const struct nlattr *tunnel);

#endif
