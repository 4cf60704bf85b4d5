/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/audit_view.h"

/*
 * Source: Prometheus text exposition format 0.0.4: in a label value '\', '"' and newline are
 * escaped.
 */
static void put_label(struct fl_output *out, const char *name, const char *value)
{
    fprintf(out->stream, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            fprintf(out->stream, "\\n");
        else if (*value == '"' || *value == '\\')
            fprintf(out->stream, "\\%c", *value);
        else
            fputc(*value, out->stream);
    }
    fprintf(out->stream, "\"");
}

static void put_help(struct fl_output *out, const char *metric, const char *meaning)
{
    fprintf(out->stream, "# HELP %s %s\n# TYPE %s gauge\n", metric, meaning, metric);
}

/* One sample of @metric for @vm, with a second label. */
static void put_sample(struct fl_output *out, const char *metric, const struct fl_vm_audit *vm,
                       const char *label, const char *value, uint64_t sample)
{
    fprintf(out->stream, "%s{", metric);
    put_label(out, "vm", vm->name);
    fprintf(out->stream, ",");
    put_label(out, label, value);
    fprintf(out->stream, "} %" PRIu64 "\n", sample);
}

static void put_verdicts(struct fl_output *out, const struct fl_vm_audit *vm)
{
    for (enum fl_verdict verdict = 0; verdict <= FL_VERDICT_OFFLOADED; verdict++)
        put_sample(out, "flowlift_vm_verdict", vm, "verdict", fl_verdict_name(verdict),
                   vm->verdict == verdict);
}

static void put_scopes(struct fl_output *out, const struct fl_vm_audit *vm)
{
    const char *scope = fl_scope_name(vm->scope);

    if (scope)
        put_sample(out, "flowlift_vm_scope", vm, "scope", scope, 1);
}

static void put_causes(struct fl_output *out, const struct fl_vm_audit *vm)
{
    for (size_t i = 0; i < vm->n_causes; i++)
        put_sample(out, "flowlift_vm_cause", vm, "cause", fl_cause_info(vm->causes[i])->id, 1);
}

static void put_paths(struct fl_output *out, const char *metric, const struct fl_vm_audit *vm,
                      const uint64_t by_path[FL_N_PATHS])
{
    for (enum fl_path path = 0; path < FL_N_PATHS && !vm->by_ports; path++)
        put_sample(out, metric, vm, "path", fl_path_name(path), by_path[path]);
}

static void put_packets(struct fl_output *out, const struct fl_vm_audit *vm)
{
    put_paths(out, "flowlift_vm_storage_packets", vm, vm->storage.packets);
}

static void put_bytes(struct fl_output *out, const struct fl_vm_audit *vm)
{
    put_paths(out, "flowlift_vm_storage_bytes", vm, vm->storage.bytes);
}

static void put_flows(struct fl_output *out, const struct fl_vm_audit *vm)
{
    put_paths(out, "flowlift_vm_storage_flows", vm, vm->storage.flows);
}

static void put_share(struct fl_output *out, const struct fl_vm_audit *vm)
{
    if (vm->hw_share < 0)
        return;
    fprintf(out->stream, "flowlift_vm_hw_share{");
    put_label(out, "vm", vm->name);
    fprintf(out->stream, "} %.6g\n", vm->hw_share);
}

/* Samples of one metric have to stand together. */
static const struct metric {
    const char *name;
    const char *meaning;
    void (*put)(struct fl_output *out, const struct fl_vm_audit *vm);
} metrics[] = {
    { "flowlift_vm_verdict", "1 for the verdict that the VM has, 0 for the others.", put_verdicts },
    { "flowlift_vm_scope", "1 for the scope of a verdict that is not good.", put_scopes },
    { "flowlift_vm_cause", "1 for each cause of a verdict that is not good.", put_causes },
    { "flowlift_vm_hw_share", "Share of storage packets that the NIC forwarded, 0 to 1.",
      put_share },
    { "flowlift_vm_storage_packets", "Storage packets in the window, by path.", put_packets },
    { "flowlift_vm_storage_bytes", "Storage bytes in the window, by path.", put_bytes },
    { "flowlift_vm_storage_flows", "Storage flow chains, by path.", put_flows },
};

static void put_single(struct fl_output *out, const char *metric, const char *meaning, double value)
{
    put_help(out, metric, meaning);
    fprintf(out->stream, "%s %.15g\n", metric, value);
}

void fl_audit_prometheus(const struct fl_audit *audit, const struct fl_vm_audit *only,
                         struct fl_output *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        put_help(out, metrics[i].name, metrics[i].meaning);
        for (size_t j = 0; j < audit->n_vms; j++) {
            if (!only || only == &audit->vms[j])
                metrics[i].put(out, &audit->vms[j]);
        }
    }
    put_single(out, "flowlift_audit_complete", "1 when all that is needed could be read.",
               !audit->incomplete);
    put_single(out, "flowlift_audit_window_seconds", "Window that packets were counted in.",
               (double)fl_snapshot_window_ms(audit->snapshot) / 1000);
    put_single(out, "flowlift_audit_time_seconds", "Unix time of the audit.",
               (double)fl_snapshot_time_ms(audit->snapshot) / 1000);
}
