/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_OVERVIEW_AUDIT_H
#define FLOWLIFT_FLEET_OVERVIEW_AUDIT_H

/*
 * What "flowlift audit --json" (or --format jsonl, a VM a line) of a host says, as its word in a fleet.
 */

#include <jansson.h>

#include "lib/fleet/overview.h"

/**
 * fl_fleet_add_audit() - hear of a host what its audit says
 * @document: "flowlift/audit/1", with "vms", or one VM itself
 * @label: what else is known of whose it is, where the document names no host or one that says nothing
 *         ("localhost"); or NULL
 * Keys of a newer flowlift are passed over, and those that an older one does not write may be missing.
 *
 * Return: 0; -EINVAL with @err naming the key that is wrong (the other VMs are kept); -E2BIG for what is
 * above a limit of the fleet.
 */
int fl_fleet_add_audit(struct fl_fleet *fleet, const json_t *document, const char *label,
                       struct fl_error *err);

#endif
