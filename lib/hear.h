/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_HEAR_H
#define FLOWLIFT_HEAR_H

/*
 * Listens to what the kernel tells the ovs-vswitchd of this host while that installs flows (lib/tc/extack.h): the
 * passive way to a driver's words. Flows that live are not offered again, so a silent time says nothing.
 */

#include "flows/error.h"
#include "flows/extack.h"
#include "flows/inventory.h"
#include "lib/collect.h"

/**
 * fl_hear() - for @ms milliseconds
 * @inv: of this host, or NULL
 * @extacks: set
 * Return: 0, or negative errno with a sentence: -ENODATA: no bridge is in the kernel, so that no flow is installed
 * over netlink; else as fl_extack_listen().
 */
int fl_hear(const struct fl_host *host, const struct fl_inventory *inv, int64_t ms,
            struct fl_extacks *extacks, struct fl_error *err);

#endif
