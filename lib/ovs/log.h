/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_LOG_H
#define FLOWLIFT_OVS_LOG_H

/*
 * What ovs-vswitchd's log says about refused offloads. OVS tells its reason nowhere else, and not always
 * (rate limits, debug level), so a silent log means nothing.
 */

#include <stdint.h>

/** fl_log_mark() - where the log ends now; 0 when there is none */
int64_t fl_log_mark(void);

/**
 * fl_log_refusal() - the newest message about a refused offload written since @mark
 * Of OVS-DPDK's two tries for a flow, that of the rule that forwards is preferred.
 * Return: its text without time and level ("p0: rte_flow creation failed: ..."), to be freed; or NULL.
 */
char *fl_log_refusal(int64_t mark);

#endif
