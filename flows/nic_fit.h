/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_FIT_H
#define FLOWLIFT_NIC_FIT_H

/*
 * May a simple rule do on this NIC what a chain does? A rule that the NIC refuses is of no use: it would be
 * put in, not verified, and taken out again.
 */

#include "flows/collapse.h"
#include "flows/nic_profile.h"

/**
 * fl_nic_fits() - does the NIC take what a rule in the place of @chain does to a packet?
 * @profiles: which have learnt from @snapshot
 * @chain: the rule's packets come in as its first link's do
 * @why: what is refused, and by which source
 * Return: 0, also when nothing is known; -ENOTSUP when the profile of that port refuses it.
 */
int fl_nic_fits(const struct fl_profiles *profiles, const struct fl_snapshot *snapshot,
                const struct fl_chain *chain, const struct fl_effect *effect, struct fl_error *why);

#endif
