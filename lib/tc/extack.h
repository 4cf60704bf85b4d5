/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_EXTACK_H
#define FLOWLIFT_TC_EXTACK_H

/*
 * Listens to what the kernel tells ovs-vswitchd while that installs flows: the tracepoint netlink:netlink_extack, in
 * an instance of tracefs of our own (instances/flowlift-PID), so that nobody else's tracing is touched. Nothing is
 * mounted. Other processes' messages are passed over.
 *
 * The instance is removed at the end, and when the process is ended by SIGINT, SIGTERM or SIGHUP; of processes that
 * were killed, when the next one listens.
 *
 * What it costs: the kernel makes a buffer of the default size (1.4 MiB for each CPU), which is made smaller at once,
 * 64 KiB for each. That comes before the event is turned on: else Linux before 6.7 would make its own buffer as large, for
 * good (tracing_update_buffers()). As it is, that one takes its own for set up already: it stays at 7 KiB for each CPU
 * until somebody sets its size (seen on 6.1; on 6.18 nothing changes).
 */

#include <stdint.h>

#include "flows/error.h"
#include "flows/extack.h"

#define FL_TRACEFS "/sys/kernel/tracing"

/**
 * fl_extack_listen() - for @ms milliseconds; what instances of dead processes are left is removed first
 * @tracefs: FL_TRACEFS, or a test's
 * @pid: of ovs-vswitchd, as the kernel's first pid namespace numbers it: from another nothing is heard
 * @extacks: set, also where something failed
 *
 * A signal that would end the process ends the listening, and then the process.
 * Return: 0, or negative errno with a sentence: -ENOENT: no tracefs there, or no such event; -EPERM: not permitted.
 */
int fl_extack_listen(const char *tracefs, long pid, int64_t ms, struct fl_extacks *extacks,
                     struct fl_error *err);

#endif
