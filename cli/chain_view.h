/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_CHAIN_VIEW_H
#define FLOWLIFT_CLI_CHAIN_VIEW_H

/*
 * One chain of datapath flows, drawn from where the packet comes in to where it leaves.
 */

#include <jansson.h>

#include "cli/reading.h"

/** fl_finding_print() - @number: its place in the list, from 1 */
void fl_finding_print(const struct fl_reading *reading, const struct fl_finding *finding,
                      size_t number, struct fl_output *out);
/** fl_finding_json() - new reference */
json_t *fl_finding_json(const struct fl_reading *reading, const struct fl_finding *finding);
/**
 * fl_chain_in_short() - what packets of a chain come in as: "tcp 10.1.0.2 > 10.1.0.250:2049"
 * Where it matches no address, its MAC stands there, or "*"; a packet that is not IP is told as OpenFlow matches are written.
 * Return: owned by the caller, free().
 */
char *fl_chain_in_short(const struct fl_chain *chain);

/** fl_direction_name() - "from-vm", "to-vm"; for JSON */
const char *fl_direction_name(enum fl_direction direction);
/** fl_direction_words() - "from the VM", "to the VM" */
const char *fl_direction_words(enum fl_direction direction);

#endif
