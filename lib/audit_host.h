/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_HOST_H
#define FLOWLIFT_AUDIT_HOST_H

/*
 * An audit of a live host, in two stages (DESIGN.md section 2): the counters of its ports first, and its flows
 * only when these leave a VM in doubt; or the flows at once.
 */

#include <jansson.h>
#include <stdbool.h>

#include "flows/audit.h"
#include "flows/error.h"
#include "flows/snapshot.h"
#include "lib/collect.h"

/* All owned; release with fl_host_audit_release(). */
struct fl_host_audit {
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;
    /* [{"name", "suspicion", "reason"}] of the VMs for whom stage one was not enough; NULL without it. */
    json_t *doubts;
};

/**
 * fl_host_audit() - read the host, and judge
 * @screen: stage one first; the window must not be 0 then
 * Return: 0; negative errno as fl_collect_host() and fl_collect_screen(), @result is empty then.
 */
int fl_host_audit(const struct fl_host *host, const struct fl_collect_options *options, bool screen,
                  struct fl_host_audit *result, struct fl_error *err);
void fl_host_audit_release(struct fl_host_audit *result);

#endif
