/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/audit_prometheus.h"

#include <string.h>

#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/flow.h"
#include "lib/base/clock.h"
#include "lib/prometheus.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void put_verdicts(struct ds *text, const char *metric, const json_t *vm)
{
    const char *has = text_of(vm, "verdict");

    for (enum fl_verdict verdict = 0; has && verdict <= FL_VERDICT_OFFLOADED; verdict++) {
        const char *name = fl_verdict_name(verdict);

        fl_metric_count(text, metric, !strcmp(has, name), "vm", text_of(vm, "name"), "verdict",
                        name, NULL);
    }
}

static void put_scope(struct ds *text, const char *metric, const json_t *vm)
{
    const char *scope = text_of(vm, "scope");

    if (scope) {
        fl_metric_count(text, metric, 1, "vm", text_of(vm, "name"), "scope", scope, NULL);
    }
}

static void put_causes(struct ds *text, const char *metric, const json_t *vm)
{
    const json_t *cause;
    size_t i;

    json_array_foreach(json_object_get(vm, "causes"), i, cause) {
        fl_metric_count(text, metric, 1, "vm", text_of(vm, "name"), "cause",
                        json_string_value(cause), NULL);
    }
}

static void put_share(struct ds *text, const char *metric, const json_t *vm)
{
    const json_t *share = json_object_get(vm, "hw_share");

    if (json_is_number(share)) {
        fl_metric_number(text, metric, 6, json_number_value(share), "vm", text_of(vm, "name"),
                         NULL);
    }
}

/* @what: "packets", "bytes", "flows". Counters of ports (stage one) are not of storage: null there. */
static void put_paths(struct ds *text, const char *metric, const json_t *vm, const char *what)
{
    const json_t *counts = json_object_get(json_object_get(vm, "storage"), what);
    const json_t *unknown = json_object_get(json_object_get(vm, "uncounted"), "unknown");
    const char *judged_by = text_of(vm, "judged_by");

    for (enum fl_path path = 0; path < FL_N_PATHS; path++) {
        const json_t *count = path == FL_PATH_UNKNOWN ? json_object_get(unknown, what)
                                                      : json_object_get(counts, fl_path_key(path));

        if (json_is_integer(count) && !(judged_by && !strcmp(judged_by, "ports"))) {
            fl_metric_count(text, metric, (uint64_t)json_integer_value(count), "vm",
                            text_of(vm, "name"), "path", fl_path_name(path), NULL);
        }
    }
}

static void put_packets(struct ds *text, const char *metric, const json_t *vm)
{
    put_paths(text, metric, vm, "packets");
}

static void put_bytes(struct ds *text, const char *metric, const json_t *vm)
{
    put_paths(text, metric, vm, "bytes");
}

static void put_flows(struct ds *text, const char *metric, const json_t *vm)
{
    put_paths(text, metric, vm, "flows");
}

/* Samples of one metric have to stand together. */
static const struct metric {
    const char *name;
    const char *meaning;
    void (*put)(struct ds *text, const char *metric, const json_t *vm);
} metrics[] = {
    { "flowlift_vm_verdict", "1 for the verdict that the VM has, 0 for the others.", put_verdicts },
    { "flowlift_vm_scope", "1 for the scope of a verdict that is not good.", put_scope },
    { "flowlift_vm_cause", "1 for each cause of a verdict that is not good.", put_causes },
    { "flowlift_vm_hw_share", "Share of storage packets that the NIC forwarded, 0 to 1.",
      put_share },
    { "flowlift_vm_storage_packets", "Storage packets in the window, by path.", put_packets },
    { "flowlift_vm_storage_bytes", "Storage bytes in the window, by path.", put_bytes },
    { "flowlift_vm_storage_flows", "Storage flow chains, by path.", put_flows },
};

static void put_single(struct ds *text, const char *metric, const char *meaning, double value)
{
    fl_metric_head(text, metric, FL_GAUGE, meaning);
    fl_metric_number(text, metric, 15, value, NULL);
}

void fl_audit_prometheus(const json_t *audit, struct ds *text)
{
    const json_t *vms = json_object_get(audit, "vms"), *vm;
    const json_t *window_ms = json_object_get(audit, "window_ms");
    const char *time = text_of(audit, "time");
    int64_t time_ms;
    size_t i;

    for (size_t j = 0; j < ARRAY_SIZE(metrics); j++) {
        fl_metric_head(text, metrics[j].name, FL_GAUGE, metrics[j].meaning);
        json_array_foreach(vms, i, vm) {
            if (text_of(vm, "name")) {
                metrics[j].put(text, metrics[j].name, vm);
            }
        }
    }
    /* Complete is what says so. */
    put_single(text, "flowlift_audit_complete", "1 when all that is needed could be read.",
               json_is_null(json_object_get(audit, "incomplete")));
    if (json_is_integer(window_ms)) {
        put_single(text, "flowlift_audit_window_seconds", "Window that packets were counted in.",
                   (double)json_integer_value(window_ms) / 1000);
    }
    if (time && fl_time_parse(time, &time_ms)) {
        put_single(text, "flowlift_audit_time_seconds", "Unix time of the audit.",
                   (double)time_ms / 1000);
    }
}
