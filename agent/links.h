/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_LINKS_H
#define FLOWLIFT_AGENT_LINKS_H

/*
 * What the kernel says of devices (lib/tc/watch.h): a reason for the guard to look, and, where something took
 * flows out of the NIC behind Open vSwitch's back, for an audit. Where devices cannot be watched the log says
 * so, it is tried again, and all else goes on.
 */

#include "lib/guard.h"
#include "lib/tc/watch.h"

struct fl_links {
    struct fl_tc_watch *watch;
    struct fl_guard *guard; /* borrowed */
    /*
     * Times that flows may have been wiped out of the NIC, or that it is not known whether: Open vSwitch
     * does not notice, the guard cannot see it, so somebody is to count packets.
     */
    uint64_t wants_audit;
    bool is_news;      /* The guard has not been told yet. */
    long long told_ms; /* When it was told last, on the clock of time_msec(). */
    int status;        /* as in the log */
};

void fl_links_open(struct fl_links *links, struct fl_guard *guard);
void fl_links_close(struct fl_links *links);
/** fl_links_run() - take what the kernel says */
void fl_links_run(struct fl_links *links);
/** fl_links_wait() - have poll_block() return when there is something to take */
void fl_links_wait(const struct fl_links *links);

#endif
