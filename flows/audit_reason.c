/* SPDX-License-Identifier: Apache-2.0 */

/* The sentence that says to an operator what the verdict rests on. */

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/audit_internal.h"

/* 1234567 -> "1,234,567" */
static void put_count(struct ds *text, uint64_t count)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count);

    for (int i = 0; i < n; i++) {
        ds_put_format(text, "%s%c", i && (n - i) % 3 == 0 ? "," : "", digits[i]);
    }
}

/* Neither 0 % nor 100 % is said of what is not exactly that. */
static void put_percent(struct ds *text, uint64_t part, uint64_t whole)
{
    double percent = 100 * (double)part / (double)whole;

    if (part && percent < 1) {
        ds_put_cstr(text, "less than 1 %");
    } else if (part != whole && percent > 99) {
        ds_put_cstr(text, "more than 99 %");
    } else {
        ds_put_format(text, "%.0f %%", percent);
    }
}

static void put_window(struct ds *text, const struct fl_audit *audit)
{
    int64_t window_ms = fl_snapshot_window_ms(audit->snapshot);

    if (window_ms > 0) {
        ds_put_format(text, "in the window of %.3g s", (double)window_ms / 1000);
    } else {
        ds_put_cstr(text, "since the flows were made");
    }
}

static bool are_peers_offloaded(const struct fl_audit *audit)
{
    for (size_t i = 0; i < audit->n_vms; i++) {
        if (audit->vms[i].verdict == FL_VERDICT_OFFLOADED) {
            return true;
        }
    }
    return false;
}

/* The software path with most packets. */
static enum fl_path main_path(const struct fl_vm_audit *vm)
{
    enum fl_path most = FL_PATH_DP_SW;

    for (enum fl_path path = 0; path < FL_N_PATHS; path++) {
        if (fl_path_is_software(path) && vm->storage.packets[path] > vm->storage.packets[most]) {
            most = path;
        }
    }
    return most;
}

/* Does all that is in software go one way, and all that is in hardware the other? */
static bool is_one_way(const struct fl_vm_audit *vm, enum fl_direction *way)
{
    bool software[2] = { false, false };
    bool hw[2] = { false, false };

    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_finding *finding = &vm->findings[i];
        enum fl_path path = fl_finding_path(finding);

        if (finding->counted && finding->chain->packets) {
            software[finding->direction] |= fl_path_is_software(path) || fl_finding_leaks(finding);
            hw[finding->direction] |= path == FL_PATH_HW;
        }
    }
    *way = software[FL_FROM_VM] ? FL_FROM_VM : FL_TO_VM;
    return software[FL_FROM_VM] != software[FL_TO_VM] && !hw[*way] && hw[!*way];
}

static void put_scope(struct ds *text, const struct fl_vm_audit *vm, const struct fl_audit *audit)
{
    char buf[64];

    switch (vm->scope) {
    case FL_SCOPE_HOST:
        ds_put_format(text, ", as on the whole host%s%s", audit->n_host_causes ? ": " : "",
                      audit->n_host_causes ? audit->host_causes[0].detail : "");
        break;
    case FL_SCOPE_NIC: ds_put_format(text, ", like all VMs behind %s", fl_vm_nic(vm, buf)); break;
    case FL_SCOPE_VM:
        if (are_peers_offloaded(audit)) {
            ds_put_cstr(text, ", its peers are in hardware");
        }
        break;
    case FL_SCOPE_NONE:
    default: break;
    }
}

static void put_stranded(struct ds *text, const struct fl_vm_audit *vm,
                         const struct fl_audit *audit)
{
    struct fl_weights weights = fl_vm_weights(vm);
    uint64_t total = fl_add_counts(fl_add_counts(weights.hw, weights.software), weights.unknown);
    enum fl_path path = main_path(vm);
    enum fl_direction way;

    put_percent(text, weights.software, total);
    ds_put_cstr(text, " of ");
    put_count(text, total);
    ds_put_format(text, " storage packets %s (%s)",
                  path == FL_PATH_UPCALL ? "went to ovs-vswitchd" : "were forwarded by a CPU",
                  fl_path_name(path));
    if (is_one_way(vm, &way)) {
        ds_put_format(text, ", all of them %s the VM", way == FL_FROM_VM ? "from" : "to");
    }
    put_scope(text, vm, audit);
}

static void put_leaking(struct ds *text, const struct fl_vm_audit *vm, const struct fl_audit *audit)
{
    struct fl_weights weights = fl_vm_weights(vm);
    uint64_t total = fl_add_counts(fl_add_counts(weights.hw, weights.software), weights.unknown);

    put_percent(text, vm->leaked_packets, total);
    ds_put_cstr(text, " of ");
    put_count(text, total);
    ds_put_cstr(text, " storage packets came to software, although the NIC has their flows");
    put_scope(text, vm, audit);
}

static bool has_unprinted_path(const struct fl_vm_audit *vm)
{
    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_chain *chain = vm->findings[i].chain;

        for (size_t j = 0; j < chain->n_links; j++) {
            if (chain->links[j]->flow.path == FL_PATH_UNKNOWN) {
                return true;
            }
        }
    }
    return false;
}

static void put_unknown_path(struct ds *text, const struct fl_vm_audit *vm,
                             const struct fl_weights *weights)
{
    uint64_t total = fl_add_counts(fl_add_counts(weights->hw, weights->software), weights->unknown);

    ds_put_cstr(text, "the path of ");
    put_percent(text, weights->unknown, total);
    ds_put_cstr(text, " of ");
    put_count(text, total);
    ds_put_format(text, " storage packets is not known: %s",
                  has_unprinted_path(vm)
                      ? "the dump does not tell it; dump with ovs-appctl dpctl/dump-flows -m"
                      : "not all flows that they pass were found or could be read");
}

static void put_no_packets(struct ds *text, const struct fl_vm_audit *vm,
                           const struct fl_audit *audit, bool ports_are_numbers)
{
    if (vm->young_packets) {
        ds_put_cstr(text, "only flows that are younger than the window had storage packets (");
        put_count(text, vm->young_packets);
        ds_put_cstr(text, "); audit again");
    } else if (audit->incomplete) {
        ds_put_format(text, "no storage packets were seen, but not all could be read: %s",
                      audit->incomplete);
    } else if (ports_are_numbers) {
        ds_put_cstr(text, "the dump tells ports by number; dump with -m, which prints names");
    } else {
        ds_put_cstr(text, "the dump has no packet counters");
    }
}

static void put_unknown(struct ds *text, const struct fl_vm_audit *vm, const struct fl_audit *audit,
                        bool ports_are_numbers)
{
    struct fl_weights weights = fl_vm_weights(vm);

    if (!weights.hw && !weights.software && !weights.unknown) {
        put_no_packets(text, vm, audit, ports_are_numbers);
    } else if (weights.unknown) {
        put_unknown_path(text, vm, &weights);
    } else if (audit->incomplete) {
        ds_put_format(text, "what was seen is in hardware, but not all could be read: %s",
                      audit->incomplete);
    } else {
        ds_put_cstr(text, "most storage packets (");
        put_count(text, vm->young_packets);
        ds_put_cstr(text, ") were of flows that are younger than the window; audit with a "
                          "longer one");
    }
}

static void put_offloaded(struct ds *text, const struct fl_vm_audit *vm)
{
    struct fl_weights weights = fl_vm_weights(vm);
    uint64_t total = fl_add_counts(fl_add_counts(weights.hw, weights.software), weights.unknown);

    put_percent(text, weights.hw, total);
    ds_put_cstr(text, " of ");
    put_count(text, total);
    ds_put_cstr(text, " storage packets were forwarded by the NIC");
}

char *fl_vm_reason(const struct fl_vm_audit *vm, const struct fl_audit *audit,
                   bool ports_are_numbers)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    switch (vm->verdict) {
    case FL_VERDICT_LEAKING: put_leaking(&text, vm, audit); break;
    case FL_VERDICT_STRANDED: put_stranded(&text, vm, audit); break;
    case FL_VERDICT_UNKNOWN: put_unknown(&text, vm, audit, ports_are_numbers); break;
    case FL_VERDICT_IDLE:
        ds_put_cstr(&text, "no storage packets ");
        put_window(&text, audit);
        break;
    case FL_VERDICT_OFFLOADED:
    default: put_offloaded(&text, vm); break;
    }
    return ds_steal_cstr(&text);
}
