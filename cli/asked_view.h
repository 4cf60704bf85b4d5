/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_ASKED_VIEW_H
#define FLOWLIFT_CLI_ASKED_VIEW_H

/* What the NIC said of a VM's datapath flows, for people and as JSON. */

#include "cli/output.h"
#include "flows/asked.h"

void fl_asked_print(const struct fl_asked_all *all, struct fl_output *out);
/** fl_asked_json() - new reference */
json_t *fl_asked_json(const struct fl_asked_all *all);

#endif
