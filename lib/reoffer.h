/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_LIB_REOFFER_H
#define FLOWLIFT_LIB_REOFFER_H

/*
 * Would it help to have Open vSwitch offer a VM's storage flows to the NIC once more? It would when the NIC
 * takes each of them now: it is asked (lib/ask.h).
 */

#include "flows/flowset.h"
#include "lib/ovs/ctl.h"
#include "lib/remedy.h"

/**
 * fl_reoffer_plan() - the rules for a moment that make Open vSwitch offer the flows again, proven
 * @plan: its snapshot and VM
 * @set: initialised here; all its rules are decoys (flows/reoffer.h). Empty unless 0 is returned
 * Return: 0; -ENOTSUP it cannot be done for each of the flows, or the NIC would not take one of them;
 * -EPERM not proven; other negative errno: the NIC, or Open vSwitch, could not be asked.
 */
int fl_reoffer_plan(const struct fl_operator *op, struct fl_ctl *ctl, const struct fl_plan *plan,
                    struct fl_flowset *set, struct fl_error *err);

#endif
