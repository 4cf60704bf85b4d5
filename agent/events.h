/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_EVENTS_H
#define FLOWLIFT_AGENT_EVENTS_H

/*
 * What the guard has said: written to the log, counted, and for each VM that it watches the last of it kept.
 */

#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/shash.h>

#include "lib/guard.h"
#include "lib/prometheus.h"

struct fl_last_event {
    enum fl_guard_did did;
    int64_t time_ms; /* Unix time */
    char *reason;
};

struct fl_events {
    struct shash last; /* VM identity -> struct fl_last_event */
    uint64_t counts[FL_GUARD_N_DID];
    struct fl_latency reapply; /* how long rules that were lost were out */
    bool is_news;              /* since somebody set it to false */
};

void fl_events_init(struct fl_events *events);
void fl_events_destroy(struct fl_events *events);
void fl_events_take(struct fl_events *events, const struct fl_guard_event *event);
/** fl_events_last() - of a VM. Return: borrowed, or NULL when it is not watched */
const struct fl_last_event *fl_events_last(const struct fl_events *events, const char *vm_id);

#endif
