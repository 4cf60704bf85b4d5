/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_WHY_VIEW_H
#define FLOWLIFT_CLI_WHY_VIEW_H

/* The reasons why a VM's storage packets are in software, for people and as JSON. */

#include "cli/output.h"
#include "lib/why.h"

/** fl_why_print() - causes of the host, then the VM's own */
void fl_why_print(const struct fl_audit *audit, const struct fl_why *why, struct fl_output *out);
/** fl_why_json() - an array of the VM's causes; new reference */
json_t *fl_why_json(const struct fl_why *why);

#endif
