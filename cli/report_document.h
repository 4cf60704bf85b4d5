/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_DOCUMENT_H
#define FLOWLIFT_CLI_REPORT_DOCUMENT_H

/*
 * A report as the JSON document "flowlift/report/1" (docs/report.md). The page is made from it alone
 * (cli/report_html.h), so that the two cannot differ.
 *
 * Everything that is of one host or of one VM is in "hosts" and "vms", and each VM names its host: documents of
 * many hosts are merged by joining these two arrays and adding up "summary".
 */

#include <jansson.h>

#include "cli/reading.h"
#include "cli/report_points.h"

struct fl_report {
    const struct fl_request *request;
    const struct fl_reading *reading;
    const struct fl_vm_audit *only; /* NULL: the whole host */
    const struct fl_report_points *points;
    const struct fl_flowset *plan; /* of --plan, or NULL */
    bool has_store; /* What flowlift keeps of remedies, below --root, is of this host. */
};

/** fl_report_document() - all of it; new reference */
json_t *fl_report_document(const struct fl_report *report);

#endif
