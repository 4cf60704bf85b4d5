/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_PROBE_SWEEP_H
#define FLOWLIFT_TC_PROBE_SWEEP_H

/*
 * The chains that are kept for probes: which are free, and what was left in them. For lib/tc/probe.c;
 * fl_tc_probe_sweep() is in probe.h.
 */

#include <stdint.h>

#include "flows/error.h"
#include "flows/tc_filter.h"

/**
 * fl_tc_probe_find_chain() - one with nobody's filter in it, before it or behind it, after sweeping them all
 * @place: hook, ifindex or block of it are used
 * @seed: where to begin to look: of two processes that begin together, another number
 * @chain: set on 0
 */
int fl_tc_probe_find_chain(const struct fl_tc_filter *place, unsigned int seed, uint32_t *chain,
                           struct fl_error *err);

#endif
