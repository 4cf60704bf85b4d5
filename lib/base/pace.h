/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PACE_H
#define FLOWLIFT_PACE_H

/*
 * How often a NIC is asked whether it would take something: FL_LIMIT_PROBES_PER_SECOND times a second and
 * FL_LIMIT_PROBES in one session at most. Whoever serves the question holds a lock that those who insert rules
 * wait for: RTNL or TC's own, or that of a DPDK port's flow API.
 */

#include <stdbool.h>
#include <stdint.h>

/* Of one session; all 0 in the beginning. */
struct fl_pace {
    unsigned int n;  /* asked so far */
    int64_t next_ms; /* on the clock of fl_monotonic_ms() */
};

/**
 * fl_pace_wait() - wait until it may be asked once more, and count it
 * Return: false, at once: the session has asked as often as it may.
 */
bool fl_pace_wait(struct fl_pace *pace);

#endif
