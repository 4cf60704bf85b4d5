/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_QUERY_H
#define FLOWLIFT_FLEET_QUERY_H

/*
 * What the fleet's database has, read once ("select", no copy is kept): hosts and VMs for a look at them
 * (lib/fleet/overview.h), or the steps of repairs and orders. A member that has lost the others is not asked: what
 * it has may be old.
 */

#include <jansson.h>
#include <stdbool.h>

#include "flows/error.h"
#include "lib/fleet/overview.h"

/* Which VMs come. */
struct fl_fleet_query {
    bool all_vms;      /* false: those that are well are only counted */
    const char *cause; /* those with this one, or NULL */
};

/**
 * fl_fleet_read() - hosts and VMs into @fleet; TLS as fl_fleet_tls() has set it up
 * @remote: OVSDB remotes with commas between
 * @timeout_ms: for all of it
 * Return: 0; negative errno when no member that knows the others could be asked, or an answer is not understood.
 */
int fl_fleet_read(const char *remote, const struct fl_fleet_query *query, int timeout_ms,
                  struct fl_fleet *fleet, struct fl_error *err);

/**
 * fl_fleet_read_steps() - steps of orders and repairs, oldest first
 * @vm: of this name or identity, or NULL
 * @steps: array of {"time", "vm", "vm_id", "host" (null: an order), "state", "reason", "who", "ticket"}; new reference
 */
int fl_fleet_read_steps(const char *remote, const char *vm, int timeout_ms, json_t **steps,
                        struct fl_error *err);

#endif
