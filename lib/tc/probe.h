/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_PROBE_H
#define FLOWLIFT_TC_PROBE_H

/*
 * Asks a NIC whether it takes a filter, and why not: the filter is offered with skip_sw in a chain that no packet
 * reaches, and removed again at once. What came back are the driver's own words, which Open vSwitch, whose
 * filters have neither skip_sw nor verbose, never gets to see.
 *
 *     fl_tc_probe_open(&filter, &probe, err);
 *     fl_tc_probe_offer(probe, &filter, &answer);
 *     fl_tc_probe_close(probe);
 *
 * With flows/shrink.h: fl_shrink(&filter, fl_tc_probe_callback, probe, &shrunk).
 *
 * Never on a port without need: the NIC's rule table is shared with what forwards. At most
 * FL_LIMIT_PROBES_PER_SECOND offers a second (fl_tc_probe_offer() sleeps) and FL_LIMIT_PROBES a session
 * (lib/base/pace.h).
 *
 * "Refused" is said of the NIC alone. What it refuses is offered to the kernel once more with skip_hw: where that
 * is refused too (no permission, no qdisc for filters, the device gone, a kernel without flower or the action,
 * bytes that it does not understand), nothing is known of the NIC: FL_TC_CANNOT_TELL.
 *
 * The chains are the last 256 that TC can have (2^28 - 256 on), kept for flowlift; Open vSwitch's are its
 * recirculation ids, counted from 1. A session uses three of them in which nobody has a filter: in the middle one
 * it offers, and a filter that goes on in another chain goes on in the next (or the one before, if it would go
 * back). Its filters have priority 1, a handle that begins with 0xf10f and no cookie: Open vSwitch takes a cookie
 * for the ufid of a flow of its own, and passes over a filter without one. No qdisc is ever made, no chain
 * outlives its filter, and nobody else's filter is touched.
 *
 * Removed whatever happens: a sibling process holds one end of a pipe, and removes the filter when this process
 * dies, also by SIGKILL. If both are killed at once (a control group, the OOM killer) the filter stays, where it
 * forwards nothing and takes one rule of the NIC, until the next session on that port, or fl_tc_probe_sweep().
 *
 * What this cannot see: a NIC that treats chain 0 differently from others, or knows no other chain, refuses
 * whatever is offered (fl_shrink() says so: FL_SHRINK_EVERYTHING, with its words).
 */

#include "flows/error.h"
#include "flows/tc_answer.h"
#include "flows/tc_filter.h"

struct fl_tc_probe;

/**
 * fl_tc_probe_open() - a session on one port; what an earlier one left there is removed first
 * @place: its hook, ifindex or block say where (as fl_tc_offer() sets them)
 * @probe: set on 0, to be given to fl_tc_probe_close()
 *
 * Return: 0, or negative errno with a sentence: -EPERM; -EBUSY: all chains are in use.
 */
int fl_tc_probe_open(const struct fl_tc_filter *place, struct fl_tc_probe **probe,
                     struct fl_error *err);

/**
 * fl_tc_probe_offer() - does the NIC take it?
 * @filter: its keys and actions are offered; place, chain, priority, handle, flags and cookies are the session's
 * @answer: set
 */
void fl_tc_probe_offer(struct fl_tc_probe *probe, const struct fl_tc_filter *filter,
                       struct fl_tc_answer *answer);
/** fl_tc_probe_callback() - likewise, for fl_shrink(); @probe: struct fl_tc_probe * */
void fl_tc_probe_callback(const struct fl_tc_filter *filter, void *probe,
                          struct fl_tc_answer *answer);

/** fl_tc_probe_close() - nothing is left behind; NULL is fine */
void fl_tc_probe_close(struct fl_tc_probe *probe);

/**
 * fl_tc_probe_sweep() - remove what sessions that were killed left on one port
 * @place: as of fl_tc_probe_open()
 * @n_removed: may be NULL
 *
 * A filter of a session that goes on may be among them: that session does not mind.
 * Return: 0, or negative errno with a sentence.
 */
int fl_tc_probe_sweep(const struct fl_tc_filter *place, unsigned int *n_removed,
                      struct fl_error *err);

#endif
