/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DECODE_ACTION_H
#define FLOWLIFT_DECODE_ACTION_H

/*
 * Single actions. For decode_action*.c only; what they share with the lists of actions.
 */

#include "flows/decode_internal.h"

/* Of all actions of a flow, as netlink attributes. */
#define FL_MAX_ACTIONS_BYTES UINT16_MAX

struct fl_actions_reading {
    struct fl_ports *ports;
    struct ofpbuf *actions;
    unsigned int depth;
};

/* The name of an action or a port, up to what ends it: a comma, bracket, blank or quote. */
struct fl_text fl_scan_action_name(struct fl_cursor *c);
bool fl_ends_action_name(char c);
bool fl_is_port_name(struct fl_text name);
/** fl_scan_last_port() - "NAME)" or "NUMBER)" */
bool fl_scan_last_port(struct fl_actions_reading *r, struct fl_cursor *c, odp_port_t *port);
/** fl_scan_named() - "NAME=NUMBER" and a comma, if there is one */
bool fl_scan_named(struct fl_cursor *c, const char *name, uint64_t max, uint64_t *value);

/*
 * Each appends one action to @r->actions, or returns false; then what was appended is to be cut off.
 * These begin behind the '(' of the action and end behind its ')'.
 */
bool fl_action_recirc(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_meter(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_lb_output(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_tnl_pop(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_hash(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_push_mpls(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_pop_mpls(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_push_vlan(struct fl_actions_reading *r, struct fl_cursor *c);
bool fl_action_push_eth(struct fl_actions_reading *r, struct fl_cursor *c);

/* These take all of an action, with its name and brackets. */
bool fl_action_ct(struct fl_actions_reading *r, struct fl_text action);
bool fl_action_by_odp(struct fl_actions_reading *r, struct fl_text action);
bool fl_action_tnl_push(struct fl_actions_reading *r, struct fl_text action);
bool fl_action_userspace(struct fl_actions_reading *r, struct fl_text action);
bool fl_action_set(struct fl_actions_reading *r, struct fl_text action);

#endif
