/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_HTML_H
#define FLOWLIFT_CLI_REPORT_HTML_H

/*
 * The page of a report: one HTML file that needs nothing else, has no script, and is made from the document
 * "flowlift/report/1" alone. It reads on a phone, on a desk, and printed.
 *
 * Pure. The document is outside input: it may have been merged from those of many hosts, and names and reasons
 * in it are whatever somebody called a VM. What is missing or of another type is left out.
 */

#include <jansson.h>

#include <openvswitch/dynamic-string.h>

/**
 * fl_report_html() - the page of @document, added to @out
 * @document: "of" is "vm" (the first of "vms" is told); "audits" (of a fleet, see cli/fleet_view.h); else all of "vms" are listed, and those with "told" told;
 *            of several "hosts" each VM is listed with its own
 */
void fl_report_html(const json_t *document, struct ds *out);

/** fl_report_style() - the style sheet of the page */
const char *fl_report_style(void);

#endif
