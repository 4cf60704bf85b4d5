/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_METRICS_H
#define FLOWLIFT_AGENT_METRICS_H

/*
 * What the agent knows, as text of Prometheus. A pure function of what is handed in. What is not known has no
 * sample: no number here says "healthy" of something that nobody looked at.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/dynamic-string.h>

#include "agent/events.h"
#include "lib/store/remedies.h"

/* Audits that the agent makes by itself. */
struct fl_metrics_audits {
    const json_t
        *last;       /* document of the last one that came to its end, borrowed; NULL: none yet */
    bool is_failing; /* One was tried since, and came to nothing. */
    int64_t duration_ms; /* of @last */
    int64_t interval_ms; /* between two */
    uint64_t n_ok, n_failed;
};

/* Repairs that nobody asked for. */
struct fl_metrics_result {
    const char *name; /* "done", ... */
    uint64_t n;       /* since the agent started */
};
struct fl_metrics_repairs {
    const struct fl_metrics_result *results;
    size_t n_results;
    uint64_t n_left_alone; /* VMs whose repair is not tried now, since it failed */
    bool is_stopped;       /* none is tried */
};

/* All borrowed. */
struct fl_metrics_of {
    int64_t now_ms; /* Unix time, as all here */
    int64_t started_ms;
    int64_t config_read_ms;
    bool config_is_refused;
    const struct fl_events *events;
    const struct fl_remedy *remedies; /* on disk */
    size_t n_remedies;
    bool remedies_are_unread; /* at least one of them */
    /* Has the VM a port on this host? NULL: that is not known now. */
    bool (*is_here)(const char *vm_id, const void *aux);
    const void *aux;
    uint64_t n_hook_events;
    uint64_t n_hook_errors, n_config_errors, n_metrics_errors;
    const struct fl_metrics_audits *audits;   /* NULL: it makes none */
    const struct fl_metrics_repairs *repairs; /* NULL: it makes none */
    const bool *fleet_is_connected;           /* NULL: it is in no fleet */
};

/** fl_metrics_put() - all of it, at the end of @text */
void fl_metrics_put(const struct fl_metrics_of *of, struct ds *text);

#endif
