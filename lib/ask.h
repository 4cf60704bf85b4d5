/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ASK_H
#define FLOWLIFT_ASK_H

/*
 * Asks the NIC why storage flows of a VM are in software: they are offered to it again, in a way that no packet is
 * forwarded by (lib/tc/probe.h; DPDK: lib/dpdk/plugin.h only has the driver look at the rule).
 */

#include "flows/asked.h"
#include "flows/audit.h"
#include "lib/collect.h"

struct fl_kernel_facts;

/** fl_ask_add() - append a flow to be asked about; borrowed. @all: with room, its flows owned */
void fl_ask_add(struct fl_asked_all *all, const struct fl_audit *audit, enum fl_direction direction,
                const struct fl_flow *flow);
/** fl_ask_flows() - ask about each of @all, all of one datapath; @facts as below */
void fl_ask_flows(const struct fl_host *host, const struct fl_audit *audit,
                  const struct fl_kernel_facts *facts, struct fl_asked_all *all);

/**
 * fl_ask_nic() - of the VM's busiest chain in software, each direction, each link that is not in hardware
 * @facts: of a host that has the kernel datapath, or NULL
 * @all: set, free its flows; flows in it belong to @audit. None of a VM that is neither stranded nor leaking.
 *
 * Takes FL_LIMIT_PROBES_PER_SECOND offers a second, some ten or twenty for a refused flow. What keeps a NIC from
 * being asked is said of each flow (FL_ASKED_CANNOT_TELL).
 */
void fl_ask_nic(const struct fl_host *host, const struct fl_audit *audit,
                const struct fl_vm_audit *vm, const struct fl_kernel_facts *facts,
                struct fl_asked_all *all);

#endif
