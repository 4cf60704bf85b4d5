/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_JSON_H
#define FLOWLIFT_TC_JSON_H

/*
 * TC filters in the JSON form of iproute2's "tc -s -j filter show", in both directions.
 *
 * Written are the keys and value forms of iproute2 6.1, and besides: "dev" and "ingress", "egress" or
 * "block" also where tc knows them from its command line and prints none, "sw_*" and "hw_*" counters
 * only where tc prints them, "unknown" with what was not understood. Read is what iproute2 since 4.17
 * printed: masks within the value ("0x5/f") or beside it ("ip_tos_mask"), handles as numbers or text,
 * ranges as objects or text, "control_action" given twice. Not what is no JSON at all.
 */

#include <jansson.h>

#include "flows/error.h"
#include "flows/tc_filter.h"

/** fl_tc_filter_json() - new reference */
json_t *fl_tc_filter_json(const struct fl_tc_filter *filter);

/**
 * fl_tc_filter_from_json() - one element of the array that tc prints
 * @filter: its strings point into @json
 *
 * What is not understood is named in @filter->unknown.
 * Return: 0; -ENOENT for an element that only announces filters (no options, or no handle) or one that
 * is no filter; -ENOTSUP for a filter of another kind than flower; -EINVAL: @json is no object.
 */
int fl_tc_filter_from_json(const json_t *json, struct fl_tc_filter *filter);

#endif
