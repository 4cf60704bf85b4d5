/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_LOG_OFFLOAD_H
#define FLOWLIFT_OVS_LOG_OFFLOAD_H

/*
 * What ovs-vswitchd's log says about offload since it was last started. It may be rotated, elsewhere or
 * not readable, and most refusals are at debug level: what is seen is so, what is not seen means little.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/refusal.h"

/* Different refusals that are kept; when there are more, those not seen for longest are forgotten. */
#define FL_LOG_REFUSALS 32

struct fl_log_refusal {
    struct fl_cause cause; /* The newest message of its kind and device. */
    char device[FL_REFUSAL_DEVICE_BYTES];
    char time[32];     /* As the log has it. */
    unsigned int n;    /* Messages of this kind and device. */
    unsigned int last; /* Its place among all refusals. */
};

struct fl_log_offload {
    bool seen_start;       /* The start of ovs-vswitchd is in what was read. */
    bool flow_api;         /* "netdev: Flow API Enabled" since then */
    bool recirc_refused;   /* "recirc_id sharing not supported" */
    unsigned int no_space; /* Messages of a table without room. */
    char tc_policy[16];    /* "skip_sw" of "tc: Using policy 'skip_sw'", or empty */
    struct fl_log_refusal refusals[FL_LOG_REFUSALS];
    size_t n_refusals;
    unsigned int n_seen; /* Messages about refusals, all in all. */
};

/** fl_log_offload_parse() - @text: ends with a NUL; lines of the log, oldest first */
void fl_log_offload_parse(const char *text, struct fl_log_offload *facts);
/** fl_log_offload_read() - of the end of the log file; all false without one */
void fl_log_offload_read(struct fl_log_offload *facts);

#endif
