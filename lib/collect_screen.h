/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_COLLECT_SCREEN_H
#define FLOWLIFT_COLLECT_SCREEN_H

/*
 * Stage one of the audit on a live host: counters of all ports, twice, a window apart. No flow is read.
 */

#include "flows/screen.h"
#include "lib/collect.h"

/**
 * fl_collect_screen() - which VMs are worth a flow dump
 * @snapshot: the inventory, and no flows; owned by the caller
 * @screen: borrows from *@snapshot; release it first, with fl_screen_destroy()
 * Return: 0, or negative errno; both are untouched then.
 */
int fl_collect_screen(const struct fl_host *host, const struct fl_collect_options *options,
                      struct fl_snapshot **snapshot, struct fl_screen *screen,
                      struct fl_error *err);

#endif
