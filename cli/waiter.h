/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_WAITER_H
#define FLOWLIFT_CLI_WAITER_H

/*
 * The waiter: a process of its own that reverts a remedy when the time to confirm it is over. It is this
 * program again (flowlift await-confirm), in a session of its own, without terminal, in /, with no
 * descriptor of ours: what ends the one who applies, a signal or a closed terminal, does not end it.
 *
 * Whoever ends all processes of a login (KillUserProcesses=) or of a service ends it as well. Then the
 * guard reverts, or the next status says that the time is over.
 */

#include "cli/verbs.h"
#include "lib/store/remedies.h"

/**
 * fl_waiter_start() - leave a waiter behind; fl_operator.installing
 * @remedy: with its deadline, on disk
 * @request: (a const struct fl_request *) says where things are
 */
int fl_waiter_start(const struct fl_remedy *remedy, void *request, struct fl_error *err);

#endif
