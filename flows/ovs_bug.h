/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_BUG_H
#define FLOWLIFT_OVS_BUG_H

/*
 * Known bugs of Open vSwitch that keep flows out of the NIC, with the versions that have the fix. A version
 * proves nothing: each is a cause that "may be".
 */

#include <stddef.h>

#include "flows/cause.h"
#include "flows/chain.h"

enum fl_ovs_bug_is {
    FL_BUG_IS_THERE,
    FL_BUG_IS_FIXED,
    FL_BUG_IS_UNKNOWN, /* no version, or one that is not of openvswitch.org */
};

/**
 * fl_ovs_bug_in() - has this version of Open vSwitch the bug?
 * @id: FL_CAUSE_BUG_*
 * @version: "3.1.0"; NULL when not known
 * @fixed_in: set to the version of the same series that has the fix, else to the next one that has;
 *            static text; may be NULL
 * Source: git describe --contains of the commits, openvswitch/ovs.
 */
enum fl_ovs_bug_is fl_ovs_bug_in(enum fl_cause_id id, const char *version, const char **fixed_in);

/**
 * fl_ovs_bugs_of_chain() - bugs of this version that a chain looks like
 * @causes: set to at most FL_MAX_CAUSES; the detail says what fits, and the version with the fix
 * Return: how many.
 */
size_t fl_ovs_bugs_of_chain(const struct fl_chain *chain, const char *version,
                            struct fl_cause causes[FL_MAX_CAUSES]);

#endif
