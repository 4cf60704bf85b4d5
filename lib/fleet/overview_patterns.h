/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_OVERVIEW_PATTERNS_H
#define FLOWLIFT_FLEET_OVERVIEW_PATTERNS_H

/*
 * What stranded VMs have in common: counted by cause and by the NIC behind them, beside the VMs behind such NICs
 * that are well. For fl_fleet_look().
 */

#include "lib/fleet/overview_look.h"

struct fl_fleet_patterns;

struct fl_fleet_patterns *fl_fleet_patterns_create(void);
/**
 * fl_fleet_patterns_add() - one VM; those of one host one after the other
 * @counts: false: only as one that is behind such a NIC, too
 */
void fl_fleet_patterns_add(struct fl_fleet_patterns *patterns, const struct fl_fleet_vm *vm,
                           bool counts);
/** fl_fleet_patterns_add_alike() - @n VMs behind such a NIC, none of them stranded */
void fl_fleet_patterns_add_alike(struct fl_fleet_patterns *patterns, const struct fl_fleet_nic *nic,
                                 size_t n);
/**
 * fl_fleet_patterns_finish() - the patterns, most stranded VMs first; consumes @patterns
 * @shared: see struct fl_fleet_look; borrows from the result
 * Return: @n of them, owned by the caller, free(); strings are borrowed from the fleet.
 */
struct fl_fleet_pattern *fl_fleet_patterns_finish(struct fl_fleet_patterns *patterns, size_t *n,
                                                  const struct fl_fleet_nic **shared);

#endif
