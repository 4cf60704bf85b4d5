/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_DOCUMENT_H
#define FLOWLIFT_AUDIT_DOCUMENT_H

/* An audit as the JSON document "flowlift/audit/1" (DESIGN.md section 6), of the CLI and of the agent. */

#include <jansson.h>

#include "flows/audit.h"

/**
 * fl_audit_document() - the whole of it; new reference
 * @only: this VM, or NULL for all
 * @doubts: of stage one (borrowed), or NULL
 */
json_t *fl_audit_document(const struct fl_audit *audit, const struct fl_vm_audit *only,
                          json_t *doubts);
/** fl_audit_document_vm_is_bad() - fl_verdict_is_bad() of an entry in its "vms" */
bool fl_audit_document_vm_is_bad(const json_t *vm);
/**
 * fl_audit_document_sum() - of the counts by path of an entry in its "vms" ("packets", "bytes", "flows")
 * @software_only: of all paths but "hw"
 * Return: the sum, INT64_MAX at most; what is no count counts as none.
 */
int64_t fl_audit_document_sum(const json_t *counts, bool software_only);
/** fl_audit_document_head() - what it says of the reading alone; new reference */
json_t *fl_audit_document_head(const struct fl_audit *audit);
/** fl_summary_json() - {"vms": N, "stranded": N, ...} of the VMs shown; new reference */
json_t *fl_summary_json(const struct fl_audit *audit, const struct fl_vm_audit *only);
/** fl_causes_json() - [{"id", "detail"}]; new reference */
json_t *fl_causes_json(const struct fl_cause *causes, size_t n);

#endif
