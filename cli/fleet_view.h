/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_FLEET_VIEW_H
#define FLOWLIFT_CLI_FLEET_VIEW_H

/*
 * A look at a fleet as people read it, as JSON, and as what a page is made from.
 */

#include <ovs/util.h>

#include "cli/human.h"
#include "cli/verbs.h"
#include "lib/fleet/overview_look.h"

/** fl_fleet_shown() - of @n things, at most @lines; 0: all */
static inline size_t fl_fleet_shown(size_t n, size_t lines)
{
    return lines ? MIN(n, lines) : n;
}

#define FL_FLEET_HEARD_BYTES (FL_HUMAN_BYTES + 16)
/** fl_fleet_heard() - when a host was heard, or why that does not count: "3 min ago", "silent for 3 h" */
const char *fl_fleet_heard(enum fl_fleet_state state, int64_t age_ms,
                           char buf[FL_FLEET_HEARD_BYTES]);

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

/**
 * fl_fleet_document() - the same object, for the page of cli/report_html.h
 * @head: consumed
 * @lines: at most so many VMs, hosts, and patterns; 0: all
 * With "of", "flowlift", "words", "n_hosts_left_out", "n_patterns_left_out", and "not_heard": the hosts that
 * are not heard ("n_not_heard" of them), wherever they stand in "hosts".
 * Return: new reference.
 */
json_t *fl_fleet_document(const struct fl_fleet_look *look, json_t *head, size_t lines);

/** fl_fleet_write_page() - that page to --output; @head: consumed. Return: 0, or negative errno with @err. */
int fl_fleet_write_page(const struct fl_request *request, const struct fl_fleet_look *look,
                        json_t *head, struct fl_output *out, struct fl_error *err);

#endif
