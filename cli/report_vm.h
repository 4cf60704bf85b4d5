/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_VM_H
#define FLOWLIFT_CLI_REPORT_VM_H

#include "cli/report_document.h"

/**
 * fl_report_vm_json() - an element of "vms" of a report; new reference
 * Of a VM of a whole host that is well and was always so there is its audit entry, and nothing to tell.
 */
json_t *fl_report_vm_json(const struct fl_report *report, const struct fl_vm_audit *vm);

#endif
