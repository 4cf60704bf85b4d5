/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metrics.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/shash.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/audit_prometheus.h"
#include "lib/base/clock.h"
#include "lib/prometheus.h"

/* An audit that is older than three intervals and this says nothing of now. */
#define AUDIT_SLACK_MS 60000

static void put_gauge(struct ds *text, const char *name, const char *help, double value)
{
    fl_metric_head(text, name, FL_GAUGE, help);
    fl_metric_number(text, name, 15, value, NULL);
}

static void put_counter(struct ds *text, const char *name, const char *help, uint64_t value)
{
    fl_metric_head(text, name, FL_COUNTER, help);
    fl_metric_count(text, name, value, NULL);
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

static void put_agent(const struct fl_metrics_of *of, struct ds *text)
{
    fl_metric_head(text, "flowlift_agent_build_info", FL_GAUGE, "1, with the version.");
    fl_metric_count(text, "flowlift_agent_build_info", 1, "version", FLOWLIFT_VERSION, NULL);
    put_gauge(text, "flowlift_agent_start_time_seconds", "Unix time at which the agent started.",
              seconds(of->started_ms));
    put_gauge(text, "flowlift_agent_time_seconds", "Unix time at which the agent wrote this.",
              seconds(of->now_ms));
    put_gauge(text, "flowlift_agent_config_time_seconds",
              "Unix time at which the configuration in use was read.", seconds(of->config_read_ms));
    put_gauge(text, "flowlift_agent_config_refused",
              "1 when a newer configuration was refused since.", of->config_is_refused);
}

/* ---- Remedies ---- */

static void put_counts(const struct fl_metrics_of *of, struct ds *text)
{
    static const char metric[] = "flowlift_remedies";

    fl_metric_head(text, metric, FL_GAUGE, "Remedies on disk, by state.");
    for (enum fl_remedy_state state = 0; state <= FL_REMEDY_SUSPENDED; state++) {
        uint64_t n = 0;

        for (size_t i = 0; i < of->n_remedies; i++) {
            n += of->remedies[i].state == state;
        }
        fl_metric_count(text, metric, n, "state", fl_remedy_state_name(state), NULL);
    }
}

/* One that waits for a VM that went elsewhere is no trouble of anybody's. */
static bool is_shown(const struct fl_metrics_of *of, const struct fl_remedy *remedy)
{
    if (remedy->state == FL_REMEDY_SUSPENDED && of->is_here) {
        return of->is_here(remedy->set.vm_id, of->aux);
    }
    return remedy->state != FL_REMEDY_REVERTED;
}

/* Name -> how many have it. */
static void count_names(const struct fl_metrics_of *of, struct shash *n_of_name)
{
    for (size_t i = 0; i < of->n_remedies; i++) {
        const char *name = of->remedies[i].set.vm_name;
        uintptr_t n = (uintptr_t)shash_find_data(n_of_name, name);

        if (is_shown(of, &of->remedies[i])) {
            shash_replace(n_of_name, name, (void *)(n + 1));
        }
    }
}

/*
 * VMs that share a name have their identity behind it: two samples of one name would have readers refuse all.
 * The last resort is a count, for a name that was chosen to look like that.
 */
static char *unique_name(const struct fl_remedy *remedy, const struct shash *n_of_name,
                         struct shash *taken)
{
    const char *name = remedy->set.vm_name, *id = remedy->set.vm_id;
    bool is_shared = (uintptr_t)shash_find_data(n_of_name, name) > 1;
    char *unique = is_shared ? xasprintf("%s (%s)", name, id) : xstrdup(name);

    for (unsigned int i = 2; !shash_add_once(taken, unique, NULL); i++) {
        free(unique);
        unique = xasprintf("%s (%s) %u", name, id, i);
    }
    return unique;
}

static void put_states(struct ds *text, const char *metric, const char *vm,
                       enum fl_remedy_state has)
{
    for (enum fl_remedy_state state = 0; state <= FL_REMEDY_SUSPENDED; state++) {
        if (state != FL_REMEDY_REVERTED) {
            fl_metric_count(text, metric, state == has, "vm", vm, "state",
                            fl_remedy_state_name(state), NULL);
        }
    }
}

/*
 * Not of those that were reverted, or whose VM is elsewhere: there may be many, and nobody has to do anything about
 * them.
 */
static void put_each(const struct fl_metrics_of *of, struct ds *text)
{
    static const char metric[] = "flowlift_remedy_state";
    struct shash n_of_name = SHASH_INITIALIZER(&n_of_name);
    struct shash taken = SHASH_INITIALIZER(&taken);

    count_names(of, &n_of_name);
    fl_metric_head(text, metric, FL_GAUGE,
                   "1 for the state that the VM's remedy has, 0 for the others.");
    for (size_t i = 0; i < of->n_remedies; i++) {
        if (is_shown(of, &of->remedies[i])) {
            _cleanup_free char *vm = unique_name(&of->remedies[i], &n_of_name, &taken);

            put_states(text, metric, vm, of->remedies[i].state);
        }
    }
    shash_destroy(&taken);
    shash_destroy(&n_of_name);
}

static void put_remedies(const struct fl_metrics_of *of, struct ds *text)
{
    put_gauge(text, "flowlift_remedies_readable", "1 when every remedy on disk could be read.",
              !of->remedies_are_unread);
    if (of->n_remedies || !of->remedies_are_unread) {
        put_counts(of, text);
        put_each(of, text);
    }
}

/* ---- Since the agent started ---- */

static void put_events(const struct fl_metrics_of *of, struct ds *text)
{
    static const char metric[] = "flowlift_guard_events_total";

    fl_metric_head(text, metric, FL_COUNTER, "What the guard did, by kind.");
    for (enum fl_guard_did did = 0; did < FL_GUARD_N_DID; did++) {
        fl_metric_count(text, metric, of->events->counts[did], "event", fl_guard_did_name(did),
                        NULL);
    }
    fl_metric_latency(text, "flowlift_reapply_seconds",
                      "Time until rules that were lost, or suspended, were in again.",
                      &of->events->reapply);
    put_counter(text, "flowlift_hook_events_total", "Events of hooks that were taken.",
                of->n_hook_events);
}

static void put_errors(const struct fl_metrics_of *of, struct ds *text)
{
    static const char metric[] = "flowlift_agent_errors_total";

    fl_metric_head(text, metric, FL_COUNTER, "What could not be done or read, by part.");
    fl_metric_count(text, metric, of->events->counts[FL_GUARD_TROUBLE], "part", "guard", NULL);
    fl_metric_count(text, metric, of->n_hook_errors, "part", "hooks", NULL);
    fl_metric_count(text, metric, of->n_config_errors, "part", "config", NULL);
    fl_metric_count(text, metric, of->n_metrics_errors, "part", "metrics", NULL);
}

/* ---- Audits ---- */

static bool is_of_now(const struct fl_metrics_of *of)
{
    const char *text = json_string_value(json_object_get(of->audits->last, "time"));
    int64_t time_ms;

    return text && fl_time_parse(text, &time_ms) &&
           of->now_ms - time_ms <= 3 * of->audits->interval_ms + AUDIT_SLACK_MS;
}

static void put_audits(const struct fl_metrics_of *of, struct ds *text)
{
    const struct fl_metrics_audits *audits = of->audits;
    bool is_usable = audits->last && is_of_now(of);

    put_gauge(text, "flowlift_audit_up", "1 when the last audit came to its end, and is of now.",
              is_usable && !audits->is_failing);
    put_gauge(text, "flowlift_audit_interval_seconds", "Time between two audits.",
              seconds(audits->interval_ms));
    fl_metric_head(text, "flowlift_audits_total", FL_COUNTER, "Audits, by result.");
    fl_metric_count(text, "flowlift_audits_total", audits->n_ok, "result", "ok", NULL);
    fl_metric_count(text, "flowlift_audits_total", audits->n_failed, "result", "failed", NULL);
    if (is_usable) {
        put_gauge(text, "flowlift_audit_duration_seconds", "Time that the audit took.",
                  seconds(audits->duration_ms));
        fl_audit_prometheus(audits->last, text);
    }
}

static void put_repairs(const struct fl_metrics_repairs *repairs, struct ds *text)
{
    static const char metric[] = "flowlift_auto_repairs_total";

    fl_metric_head(text, metric, FL_COUNTER, "Repairs that nobody asked for, by result.");
    for (size_t i = 0; i < repairs->n_results; i++) {
        fl_metric_count(text, metric, repairs->results[i].n, "result", repairs->results[i].name,
                        NULL);
    }
    put_gauge(text, "flowlift_auto_repair_left_alone",
              "VMs whose repair is not tried now, since it failed.", (double)repairs->n_left_alone);
    put_gauge(text, "flowlift_auto_repair_stopped", "1 when no VM is repaired by itself now.",
              repairs->is_stopped);
}

void fl_metrics_put(const struct fl_metrics_of *of, struct ds *text)
{
    put_agent(of, text);
    put_remedies(of, text);
    put_events(of, text);
    put_errors(of, text);
    if (of->audits) {
        put_audits(of, text);
    }
    if (of->repairs) {
        put_repairs(of->repairs, text);
    }
    if (of->fleet_is_connected) {
        put_gauge(text, "flowlift_fleet_connected", "1 while the fleet's database is connected.",
                  *of->fleet_is_connected);
    }
}
