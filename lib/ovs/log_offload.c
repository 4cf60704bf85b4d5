/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/log_offload.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/ovs/log.h"

/* Newest part of the log that is looked at, in bytes. */
#define TAIL_BYTES (4 * 1024 * 1024)

/*
 * Open vSwitch 3.1: lib/vlog.c, lib/netdev-offload.c, lib/tc.c, lib/netdev-offload-tc.c. Messages are
 * numbered from the start (each thread for itself, and a log opened anew goes on); "ovs-vswitchd (Open vSwitch) 3.1.0" comes after that of the flow API.
 */
#define STARTED  "Z|00001|vlog|INFO|opened log file"
#define ENABLED  "netdev: Flow API Enabled"
#define POLICY   "tc: Using policy '"
#define NO_SPACE "No space left on device"

static struct fl_log_refusal *find_refusal(struct fl_log_offload *facts, enum fl_cause_id id,
                                           const char *device)
{
    struct fl_log_refusal *oldest = &facts->refusals[0];

    for (size_t i = 0; i < facts->n_refusals; i++) {
        struct fl_log_refusal *refusal = &facts->refusals[i];

        if (refusal->cause.id == id && !strcmp(refusal->device, device))
            return refusal;
        if (refusal->last < oldest->last)
            oldest = refusal;
    }
    if (facts->n_refusals < FL_LOG_REFUSALS)
        oldest = &facts->refusals[facts->n_refusals++];
    oldest->n = 0;
    return oldest;
}

static void take_refusal(const char *line, size_t n, struct fl_log_offload *facts)
{
    _cleanup_free char *copy = xmemdup0(line, n);
    char device[FL_REFUSAL_DEVICE_BYTES];
    struct fl_log_refusal *refusal;
    struct fl_cause cause;

    if (!fl_refusal_of_log(copy, &cause, device))
        return;
    facts->recirc_refused |= cause.id == FL_CAUSE_NO_TC_RECIRC;
    refusal = find_refusal(facts, cause.id, device);
    refusal->cause = cause;
    ovs_strlcpy(refusal->device, device, sizeof refusal->device);
    ovs_strlcpy(refusal->time, copy, MIN(strcspn(copy, "|") + 1, sizeof refusal->time));
    refusal->n++;
    refusal->last = ++facts->n_seen;
}

static void take_line(const char *line, size_t n, struct fl_log_offload *facts)
{
    const char *policy = memmem(line, n, POLICY, strlen(POLICY));

    if (memmem(line, n, STARTED, strlen(STARTED)))
        *facts = (struct fl_log_offload){ .seen_start = true };
    take_refusal(line, n, facts);
    facts->flow_api |= memmem(line, n, ENABLED, strlen(ENABLED)) != NULL;
    facts->no_space += memmem(line, n, NO_SPACE, strlen(NO_SPACE)) != NULL;
    if (policy) {
        size_t length;

        policy += strlen(POLICY);
        length = strcspn(policy, "'\n");
        ovs_strlcpy(facts->tc_policy, policy, MIN(length + 1, sizeof facts->tc_policy));
    }
}

void fl_log_offload_parse(const char *text, struct fl_log_offload *facts)
{
    *facts = (struct fl_log_offload){ .seen_start = false };
    while (*text) {
        size_t n = strcspn(text, "\n");

        take_line(text, n, facts);
        text += n + (text[n] == '\n');
    }
}

void fl_log_offload_read(struct fl_log_offload *facts)
{
    _cleanup_free char *tail = fl_log_tail(0, TAIL_BYTES);

    fl_log_offload_parse(tail, facts);
}
