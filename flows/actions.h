/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ACTIONS_H
#define FLOWLIFT_ACTIONS_H

/*
 * Datapath actions (OVS_ACTION_ATTR_*), looked at without being executed: what is done at all, also in
 * the actions inside clone(), sample() and check_pkt_len(). What they do to a packet: passage.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/types.h>

struct ds;
struct hmap;
struct nlattr;

/* Actions inside actions are followed this deep; OVS itself stops at 32 (MAX_ODP_NESTED). */
#define FL_ACTIONS_MAX_DEPTH 32

/** fl_actions_cb - called for each action; true ends the walk */
typedef bool fl_actions_cb(const struct nlattr *action, void *aux);

/**
 * fl_actions_walk() - visit all actions, outer ones before those inside
 * Return: true when @cb ended the walk.
 */
bool fl_actions_walk(const struct nlattr *actions, size_t len, fl_actions_cb *cb, void *aux);

/**
 * fl_actions_nested() - the lists of actions inside an action
 * @lists, @lens: two each, for the branches of check_pkt_len()
 * Return: number of lists.
 */
size_t fl_actions_nested(const struct nlattr *action, const struct nlattr *lists[2],
                         size_t lens[2]);

/** fl_actions_have() - is there an action of this type (OVS_ACTION_ATTR_*), at any depth? */
bool fl_actions_have(const struct nlattr *actions, size_t len, int type);
bool fl_actions_recirculate(const struct nlattr *actions, size_t len);
/**
 * fl_action_format() - append one action as OVS prints it
 * @names: of the ports, or NULL: numbers
 */
void fl_action_format(const struct nlattr *action, const struct hmap *names, struct ds *text);
/** fl_actions_drop() - nothing is sent on: no output, recirculation, tunnel or userspace action */
bool fl_actions_drop(const struct nlattr *actions, size_t len);
/**
 * fl_actions_outputs() - the ports of output actions, each once
 * @ports: set to the first @max
 * Return: how many there are, which may be more than @max; a port beyond @max may be counted twice.
 */
size_t fl_actions_outputs(const struct nlattr *actions, size_t len, odp_port_t *ports, size_t max);
/** fl_actions_pushed_vlan() - VLAN id of the first push_vlan(), or -1 */
int fl_actions_pushed_vlan(const struct nlattr *actions, size_t len);
bool fl_actions_pop_vlan(const struct nlattr *actions, size_t len);

#endif
