/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_FLEET_H
#define FLOWLIFT_CLI_REPORT_FLEET_H

/* The page of a fleet below its heading. */

#include <jansson.h>

#include <openvswitch/dynamic-string.h>

/**
 * fl_report_fleet() - what stranded VMs have in common, VMs and hosts, the worst first, hosts that are not
 * heard, and what was not read
 * @document: as fl_fleet_document() makes it, and whatever is in it
 */
void fl_report_fleet(struct ds *out, const json_t *document);

#endif
