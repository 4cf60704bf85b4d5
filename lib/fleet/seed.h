/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_SEED_H
#define FLOWLIFT_FLEET_SEED_H

/*
 * The rules of a VM on the host that it comes from, as a remedy of this one that is suspended: what the guard
 * does with a VM that comes back (flows/rebase.h) brings it to life. Pure. What a peer wrote is no more trusted
 * than an order on the agent's socket (lib/order.h): its rules have to be as flowlift makes them, and are proven
 * here from scratch.
 */

#include "flows/error.h"
#include "lib/fleet/cluster.h"
#include "lib/store/remedies.h"

/* Of a flow set as text. */
#define FL_FLEET_FLOW_SET_BYTES (256u * 1024)

/**
 * fl_fleet_flow_set_text() - as a peer reads it
 * Return: owned by the caller, free(); NULL when there are no rules, or it is longer than anybody reads.
 */
char *fl_fleet_flow_set_text(const struct fl_flowset *set);

/**
 * fl_fleet_seed() - such a remedy
 * @vm_name: what it is called here, not there
 * @word: the decision that it is for: of an order, or of the peer
 * @remedy: uninitialised; its state is FL_REMEDY_SUSPENDED, to be written down with a reason
 * Return: 0 and *@remedy owned by the caller; -EINVAL with a sentence for rules that flowlift would not make.
 */
int fl_fleet_seed(const char *vm_id, const char *vm_name, const struct fl_cluster_heard *heard,
                  const struct fl_decision *word, int64_t now_ms, struct fl_remedy *remedy,
                  struct fl_error *err);

/** fl_fleet_heed() - the decision @word and who made it become @remedy's */
void fl_fleet_heed(const struct fl_cluster_heard *heard, const struct fl_decision *word,
                   struct fl_remedy *remedy);

#endif
