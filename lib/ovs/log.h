/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_LOG_H
#define FLOWLIFT_OVS_LOG_H

/*
 * ovs-vswitchd's log, and what it says about refused offloads. OVS tells its reason nowhere else, and not always
 * (rate limits, debug level), so a silent log means nothing.
 */

#include <stddef.h>
#include <stdint.h>

/** fl_log_mark() - where the log ends now; 0 when there is none */
int64_t fl_log_mark(void);

/**
 * fl_log_tail() - the newest part of the log
 * @mark: not what was written before; as of fl_log_mark(), or 0. A log that is shorter by now is another one.
 * @most: bytes, at most
 * Return: text, to be freed; empty when there is none, or it cannot be read.
 */
char *fl_log_tail(int64_t mark, size_t most);

/**
 * fl_log_refusal() - the newest message about a refused offload written since @mark
 * Of OVS-DPDK's two tries for a flow, that of the rule that forwards is preferred.
 * Return: its text without time and level ("p0: rte_flow creation failed: ..."), to be freed; or NULL.
 */
char *fl_log_refusal(int64_t mark);

#endif
