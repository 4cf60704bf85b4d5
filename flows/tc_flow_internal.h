/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_FLOW_INTERNAL_H
#define FLOWLIFT_TC_FLOW_INTERNAL_H

/*
 * What the files of the conversion share, and nobody else includes.
 *
 *   tc_flow.c           identity, counters, path
 *   tc_flow_match.c     match keys -> struct match
 *   tc_flow_actions.c   actions -> OVS_ACTION_ATTR_*
 *   tc_flow_pedit.c     pedit actions -> OVS_ACTION_ATTR_SET_MASKED
 */

#include "flows/tc_flow.h"

/* Indexes of policers that Open vSwitch makes for meters. Source: OVS 3.1 lib/tc.h. */
#define FL_TC_FIRST_METER 0x10000000u
#define FL_TC_LAST_METER  0x1fffffffu

/**
 * fl_tc_flow_match() - @scratch->wide becomes the match of @filter, without in_port and recirc_id
 * Return: what has no form in OVS (the match is wider than the filter then), or NULL.
 */
const char *fl_tc_flow_match(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter);

/** fl_tc_flow_port() - number of a device */
odp_port_t fl_tc_flow_port(struct fl_tc_flow *scratch, const char *dev);

/**
 * fl_tc_flow_actions() - @scratch->actions becomes the actions of @filter
 * Return: true; false with @scratch->error naming what has no form in OVS.
 */
bool fl_tc_flow_actions(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter);

/** fl_tc_flow_pedit() - likewise for one action; false where it changes what OVS cannot */
bool fl_tc_flow_pedit(const struct fl_tc_pedit_key *keys, size_t n, struct ofpbuf *actions);

#endif
