/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REBASE_H
#define FLOWLIFT_REBASE_H

/*
 * A VM that starts again has another port number, maybe another interface and MAC address: the rules of before
 * are about a port that is no more, or is somebody else's by now. A flow set keeps which interfaces its port
 * numbers are of; from these, and what OVSDB says now, the same rules are derived for where the VM is now.
 * That they are right there is not known until they are proven.
 */

#include "flows/flowset.h"
#include "flows/inventory.h"

enum fl_rebased {
    FL_REBASED_SAME,  /* Nothing has moved. */
    FL_REBASED_MOVED, /* There is a new set. */
    FL_REBASED_GONE,  /* The VM, or its interface, is not on this host. */
    FL_REBASED_LOST,  /* The VM is here, but a port of the rules is not to be found again. */
};

/** fl_rebase_note() - have @set keep which interfaces its port numbers are of, by @inv */
void fl_rebase_note(struct fl_flowset *set, const struct fl_inventory *inv);

/**
 * fl_rebase() - where the VM of @set is now
 * The VM is found by its identity; of its interfaces on the bridge the one that has the same iface-id, else the
 * same name, else the same MAC address, else the only one. Other ports are found by name. A MAC address of the
 * VM is exchanged where the rules have the one that OVSDB had (attached-mac).
 * @moved: FL_REBASED_MOVED: filled, owned by the caller; its proof and conntrack zones are those of before
 * @why: FL_REBASED_GONE, FL_REBASED_LOST: a sentence
 */
enum fl_rebased fl_rebase(const struct fl_flowset *set, const struct fl_inventory *inv,
                          struct fl_flowset *moved, struct fl_error *why);

#endif
