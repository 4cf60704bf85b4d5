/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_HOOKS_H
#define FLOWLIFT_AGENT_HOOKS_H

/*
 * What hooks left in the spool (lib/store/spool.h). An event is a reason to look: the guard looks at the
 * remedy of that VM at once, and at all when events may be missing. Where the spool cannot be watched (its
 * folder cannot be made, the host is out of inotify instances) the log says so, it is tried again after a
 * second, two, up to a minute, and all else goes on.
 */

#include "lib/guard.h"
#include "lib/store/spool.h"

struct fl_hooks {
    struct fl_spool *spool; /* NULL: it cannot be watched */
    const char *root;       /* borrowed */
    struct fl_guard *guard; /* borrowed */
    long long due_ms;       /* when to take what waits, told or not, on the clock of time_msec() */
    unsigned int n_failed;  /* in a row */
    uint64_t n_events;      /* that were taken */
    uint64_t n_errors;
};

void fl_hooks_open(struct fl_hooks *hooks, const char *root, struct fl_guard *guard);
void fl_hooks_close(struct fl_hooks *hooks);
/** fl_hooks_run() - take what waits */
void fl_hooks_run(struct fl_hooks *hooks);
/** fl_hooks_wait() - have poll_block() return when there is something to take */
void fl_hooks_wait(const struct fl_hooks *hooks);

#endif
