/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_WHY_NIC_H
#define FLOWLIFT_WHY_NIC_H

/*
 * A first guess without asking the NIC: what the profile of its family says of a chain that shows nothing
 * else. Pure: facts in, causes out.
 */

#include "flows/cause.h"
#include "flows/chain.h"
#include "flows/nic_profile.h"

struct fl_kernel_facts;

/**
 * fl_why_nic() - parts of a chain's flows that the NIC of the port they come in by refuses by its profile
 * @facts: whose devices tell driver and firmware; NULL: only the inventory does
 * @inv: Interface.status has the driver's name, too; may be NULL
 * @causes: strongest first; each only "may be"
 * Of a bond all its members are asked. Links that the NIC has are left out.
 * Return: how many.
 */
size_t fl_why_nic(const struct fl_profiles *profiles, const struct fl_kernel_facts *facts,
                  const struct fl_inventory *inv, const struct fl_ports *ports,
                  const struct fl_chain *chain, struct fl_cause causes[FL_MAX_CAUSES]);

/** fl_why_is_guess_wanted() - do these causes say no more than that the NIC refused it? */
bool fl_why_is_guess_wanted(const struct fl_cause *causes, size_t n);

#endif
