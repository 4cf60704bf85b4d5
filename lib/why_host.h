/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_WHY_HOST_H
#define FLOWLIFT_WHY_HOST_H

/*
 * What the host around a chain shows: the devices that its packets pass, the kernel, ovs-vswitchd and its
 * log. Pure: facts in, causes out.
 */

#include "flows/cause.h"
#include "flows/chain.h"
#include "lib/doctor_facts.h"

/**
 * fl_why_host() - causes of a chain in software, of a host that has the kernel datapath
 * @ports: those of the chain's snapshot
 * @causes: strongest first; set to at most FL_MAX_CAUSES
 *
 * Of a device of which nothing is known nothing is said. A message of the log is of the past, and of some
 * flow of the device: it is what "may be".
 * Return: how many.
 */
size_t fl_why_host(const struct fl_kernel_facts *facts, const struct fl_ports *ports,
                   const struct fl_chain *chain, struct fl_cause causes[FL_MAX_CAUSES]);

/** fl_why_offload_inactive() - is that why, of all chains alike? Return: true and *@cause */
bool fl_why_offload_inactive(const struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                             struct fl_cause *cause);

#endif
