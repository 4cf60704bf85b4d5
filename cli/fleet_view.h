/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_FLEET_VIEW_H
#define FLOWLIFT_CLI_FLEET_VIEW_H

/*
 * A look at a fleet as people read it, and as JSON.
 */

#include "cli/output.h"
#include "lib/fleet/overview_look.h"

/**
 * fl_fleet_view_audit() - the VMs as a table, worst first
 * @lines: at most so many, then a line that says how many there are more; 0: all
 */
void fl_fleet_view_audit(const struct fl_fleet_look *look, size_t lines, struct fl_output *out);
/**
 * fl_fleet_view_status() - hosts as a table, worst first; what stranded VMs have in common; totals
 * @lines: likewise, of hosts and of patterns
 */
void fl_fleet_view_status(const struct fl_fleet_look *look, size_t lines, struct fl_output *out);

/**
 * fl_fleet_view_json() - one JSON object: @head, then "older_ms", "summary", "hosts", "patterns", and "vms"
 * @head: an object ("schema", "host", "time", ...); consumed
 * @with_vms: false: no "vms"
 * @lines: at most so many VMs; 0: all. "n_vms_left_out" is the rest.
 * Streamed: it takes no memory of its own for each VM.
 */
void fl_fleet_view_json(const struct fl_fleet_look *look, json_t *head, bool with_vms, size_t lines,
                        struct fl_output *out);

#endif
