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

struct fl_log_offload {
    bool seen_start;       /* The start of ovs-vswitchd is in what was read. */
    bool flow_api;         /* "netdev: Flow API Enabled" since then */
    bool recirc_refused;   /* "recirc_id sharing not supported" */
    unsigned int no_space; /* Messages of a table without room. */
    char tc_policy[16];    /* "skip_sw" of "tc: Using policy 'skip_sw'", or empty */
};

/** fl_log_offload_parse() - @text: ends with a NUL; lines of the log, oldest first */
void fl_log_offload_parse(const char *text, struct fl_log_offload *facts);
/** fl_log_offload_read() - of the end of the log file; all false without one */
void fl_log_offload_read(struct fl_log_offload *facts);

#endif
