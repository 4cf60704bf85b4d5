/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_RULE_JSON_H
#define FLOWLIFT_NIC_RULE_JSON_H

/* A rule of a NIC as "nic_rules" of "flowlift flows --json" has it (docs/flows.md). */

#include <jansson.h>

#include "flows/tc_filter.h"

/**
 * fl_nic_rule_json() - what TC says of a filter, but for what it matches and does
 * {"chain", "priority", "protocol", "handle", "in_hw" (true, false, or null: TC does not say), "in_hw_count",
 * "ufid" (of a flow of Open vSwitch), "cookie" (hexadecimal), "hw_packets", "hw_bytes"}; null: not told.
 * Return: new reference.
 */
json_t *fl_nic_rule_json(const struct fl_tc_filter *filter);

#endif
