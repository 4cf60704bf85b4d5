/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_COMPLETION_NAMES_H
#define FLOWLIFT_CLI_COMPLETION_NAMES_H

/*
 * The names that completion offers, one a line. Somebody who types waits for them: what cannot be read at once is
 * not offered, and nothing is said of it. What has control characters is never offered: it would be written to the
 * terminal.
 */

#include "cli/output.h"
#include "cli/verbs.h"

/**
 * fl_completion_vms() - the VMs that OVSDB tells of
 *
 * By name, or by identity where the name has control characters.
 */
void fl_completion_vms(const struct fl_request *request, struct fl_output *out);
/** fl_completion_remedies() - the VMs with a remedy that is not reverted */
void fl_completion_remedies(const struct fl_request *request, struct fl_output *out);

#endif
