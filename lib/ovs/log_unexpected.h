/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_LOG_UNEXPECTED_H
#define FLOWLIFT_OVS_LOG_UNEXPECTED_H

/*
 * Flows that ovs-vswitchd finds in its datapath, or in TC, and does not know: its log names them as often as its
 * revalidators meet them ("unexpected flow"), up to ten times a minute. It leaves them where they are.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/types.h>

/* Flows that are kept; the log is too seldom written to name more. */
#define FL_LOG_UNEXPECTED 64

struct fl_log_unexpected_flow {
    ovs_u128 ufid;
    int64_t first_ms, last_ms; /* Of the last minute. */
};

struct fl_log_unexpected {
    struct fl_log_unexpected_flow flows[FL_LOG_UNEXPECTED];
    size_t n_flows;
};

/**
 * fl_log_unexpected_parse() - @text: ends with a NUL; lines of the log
 * @now_ms: Unix time; lines that are older than a minute are passed over
 */
void fl_log_unexpected_parse(const char *text, int64_t now_ms, struct fl_log_unexpected *found);
/** fl_log_unexpected_read() - of the end of the log file; empty without one */
void fl_log_unexpected_read(struct fl_log_unexpected *found);
/**
 * fl_log_unexpected_has() - was it met, and some seconds later again?
 * A flow that is just being made may be met once.
 */
bool fl_log_unexpected_has(const struct fl_log_unexpected *found, ovs_u128 ufid);

#endif
