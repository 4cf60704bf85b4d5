/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_NIC_RULES_VIEW_H
#define FLOWLIFT_CLI_NIC_RULES_VIEW_H

/*
 * What the NIC itself says, beside the flows, and where it and Open vSwitch do not agree: the last keys of
 * "flowlift flows --json" (docs/flows.md), and the last lines of its text.
 */

#include "cli/output.h"
#include "cli/verbs.h"
#include "flows/inventory.h"

/**
 * fl_nic_rules_json() - write "nic_rules", "nic_rules_missing" and "disagreements", each with a comma before it
 * @inv: of the host; may be NULL with --from
 * @only: list only the rules of this VM's own ports; NULL: of all
 *
 * As a stream: a host may have 100,000 rules.
 */
void fl_nic_rules_json(const struct fl_request *request, const struct fl_inventory *inv,
                       const struct fl_vm *only, struct fl_output *out);

/** fl_disagreements_text() - for people: nothing where there are none, or where files were read */
void fl_disagreements_text(const struct fl_request *request, const struct fl_inventory *inv,
                           struct fl_output *out);

#endif
