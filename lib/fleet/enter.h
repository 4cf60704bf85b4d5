/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_ENTER_H
#define FLOWLIFT_FLEET_ENTER_H

/*
 * An operator's order into the fleet's database: whether a VM's repair is to stand, wherever the VM is. It is in
 * when a majority of the cluster has it on disk. Whoever entered an order last counts; its moment is made later
 * than all that was decided about the VM before, whatever the clocks say (lib/fleet/decide.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include <ovs/svec.h>

#include "flows/error.h"

struct fl_entry {
    const char *vm; /* name or identity */
    bool stands;
    const char *who;
    const char *ticket; /* or NULL */
    const char *until;  /* as lib/base/until.h reads it, or NULL */
};

struct fl_entered {
    char *vm_id;
    char *name;
    int64_t number;     /* of the order: how many there were of this VM */
    int64_t decided_ms; /* Unix time */
    struct svec hosts;  /* that told of the VM */
};
void fl_entered_destroy(struct fl_entered *entered);

/**
 * fl_fleet_enter() - enter an order; TLS as fl_fleet_tls() has set it up
 * @remote: OVSDB remotes with commas between
 * Return: 0 and *@entered owned by the caller; -ENOENT no host has told of such a VM; -ENOTUNIQ several have that
 * name; -ETIMEDOUT no member, or no majority, answered in time: whether the order is in is not known when it was
 * sent, which @err says; -EPERM the database does not let this certificate; others.
 */
int fl_fleet_enter(const char *remote, const struct fl_entry *entry, int timeout_ms,
                   struct fl_entered *entered, struct fl_error *err);

#endif
