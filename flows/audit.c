/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit: chains are given to the VMs whose storage traffic they carry; the packets counted in each
 * chain's path make the verdict of the VM, and the verdicts of all make the scope.
 */

#include "flows/audit.h"

#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/audit_internal.h"

const struct fl_audit_options fl_audit_options_default = {
    .grace_ms = 1000,
    .stranded_below = 0.9,
    .leaking_above = 0.01,
};

const char *fl_verdict_name(enum fl_verdict verdict)
{
    static const char *const names[] = {
        [FL_VERDICT_STRANDED] = "stranded",   [FL_VERDICT_LEAKING] = "leaking",
        [FL_VERDICT_UNKNOWN] = "unknown",     [FL_VERDICT_IDLE] = "idle",
        [FL_VERDICT_OFFLOADED] = "offloaded",
    };

    return names[verdict];
}

bool fl_verdict_from_name(const char *name, enum fl_verdict *verdict)
{
    for (enum fl_verdict i = FL_VERDICT_STRANDED; name && i <= FL_VERDICT_OFFLOADED; i++) {
        if (!strcmp(name, fl_verdict_name(i))) {
            *verdict = i;
            return true;
        }
    }
    return false;
}

bool fl_verdict_is_bad(enum fl_verdict verdict)
{
    return verdict == FL_VERDICT_STRANDED || verdict == FL_VERDICT_LEAKING;
}

bool fl_verdict_is_well(enum fl_verdict verdict)
{
    return verdict == FL_VERDICT_OFFLOADED || verdict == FL_VERDICT_IDLE;
}

const char *fl_scope_name(enum fl_scope scope)
{
    static const char *const names[] = {
        [FL_SCOPE_NONE] = NULL,
        [FL_SCOPE_VM] = "vm",
        [FL_SCOPE_NIC] = "nic",
        [FL_SCOPE_HOST] = "host",
    };

    return names[scope];
}

enum fl_scope fl_scope_from_name(const char *name)
{
    for (enum fl_scope i = FL_SCOPE_VM; name && i <= FL_SCOPE_HOST; i++) {
        if (!strcmp(name, fl_scope_name(i))) {
            return i;
        }
    }
    return FL_SCOPE_NONE;
}

/* Findings. */

static void add_finding(struct fl_vm_audit *vm, const struct fl_finding *finding)
{
    size_t n = vm->n_findings;

    if (n == 0 || is_pow2(n)) {
        vm->findings = xrealloc(vm->findings, (n ? 2 * n : 1) * sizeof *vm->findings);
    }
    vm->findings[vm->n_findings++] = *finding;
}

static void find_in_chain(struct fl_audit *audit, const struct fl_places *places,
                          const struct fl_storage *storage, const struct fl_chain *chain)
{
    struct fl_place found[FL_MAX_PLACES];
    struct match region;
    size_t n = fl_places_of_chain(places, chain, &region, found);

    for (size_t i = 0; i < n; i++) {
        struct fl_finding finding = {
            .chain = chain,
            .iface = found[i].iface,
            .direction = found[i].direction,
            .vlan = fl_place_vlan(chain, &region, found[i].iface),
        };

        finding.fit = fl_storage_fits(storage, &region, finding.direction, finding.vlan);
        if (finding.fit != FL_STORAGE_NO) {
            add_finding(&audit->vms[found[i].vm], &finding);
        }
    }
}

static void make_vms(struct fl_audit *audit, const struct fl_places *places)
{
    audit->n_vms = fl_places_n_vms(places);
    audit->vms = xcalloc(MAX(1, audit->n_vms), sizeof *audit->vms);
    for (size_t i = 0; i < audit->n_vms; i++) {
        audit->vms[i].vm = fl_places_vm(places, i);
        audit->vms[i].inv = fl_snapshot_inventory(audit->snapshot);
        audit->vms[i].name = xstrdup(fl_places_name(places, i));
    }
}

static void destroy_vm(struct fl_vm_audit *vm)
{
    free(vm->name);
    free(vm->reason);
    free(vm->findings);
}

/* A port of a raw dump without storage traffic is no VM that anybody asked for. */
static void forget_ports_without_findings(struct fl_audit *audit)
{
    size_t n = 0;

    for (size_t i = 0; i < audit->n_vms; i++) {
        if (audit->vms[i].vm || audit->vms[i].n_findings) {
            audit->vms[n++] = audit->vms[i];
        } else {
            destroy_vm(&audit->vms[i]);
        }
    }
    audit->n_vms = n;
}

/* A flow that tells neither its port nor its match may be anybody's storage traffic. */
static bool has_illegible_traffic(const struct fl_snapshot *snapshot)
{
    for (size_t i = 0; i < fl_snapshot_n_flows(snapshot); i++) {
        const struct fl_snapshot_flow *record = fl_snapshot_flow(snapshot, i);

        if (!record->flow.has_match && record->flow.in_port == ODPP_NONE &&
            record->window_packets) {
            return true;
        }
    }
    return false;
}

static const char *find_incomplete(const struct fl_audit *audit)
{
    const char *incomplete = fl_snapshot_incomplete(audit->snapshot);

    return incomplete           ? incomplete
           : audit->chains->cut ? "there are more chains of flows than flowlift follows"
           : has_illegible_traffic(audit->snapshot)
               ? "a flow with packets could not be read, not even its port"
               : NULL;
}

/* Order. */

static int compare_findings(const void *a_, const void *b_)
{
    const struct fl_finding *a = a_;
    const struct fl_finding *b = b_;

    if (a->chain->packets != b->chain->packets) {
        return a->chain->packets < b->chain->packets ? 1 : -1;
    }
    return a->chain < b->chain ? -1 : a->chain > b->chain;
}

/*
 * Most flows have no packets in a window. Their findings stay in the order in which they were made, that
 * of chains, which is what comparing them would come to.
 */
static void sort_findings(struct fl_vm_audit *vm)
{
    struct fl_finding *sorted = xmalloc(MAX(1, vm->n_findings) * sizeof *sorted);
    size_t n = 0;

    for (size_t i = 0; i < vm->n_findings; i++) {
        if (vm->findings[i].chain->packets) {
            sorted[n++] = vm->findings[i];
        }
    }
    qsort(sorted, n, sizeof *sorted, compare_findings);
    for (size_t i = 0; i < vm->n_findings; i++) {
        if (!vm->findings[i].chain->packets) {
            sorted[n++] = vm->findings[i];
        }
    }
    free(vm->findings);
    vm->findings = sorted;
}

static int compare_vms(const void *a_, const void *b_)
{
    const struct fl_vm_audit *a = a_;
    const struct fl_vm_audit *b = b_;
    uint64_t software_a = fl_vm_weights(a).software;
    uint64_t software_b = fl_vm_weights(b).software;

    if (a->verdict != b->verdict) {
        return a->verdict < b->verdict ? -1 : 1;
    }
    if (software_a != software_b) {
        return software_a < software_b ? 1 : -1;
    }
    return strcmp(a->name, b->name);
}

void fl_audit_sort(struct fl_audit *audit)
{
    qsort(audit->vms, audit->n_vms, sizeof *audit->vms, compare_vms);
}

struct fl_audit *fl_audit_run(const struct fl_snapshot *snapshot, const struct fl_storage *storage,
                              const struct fl_audit_options *options)
{
    struct fl_audit *audit = xzalloc(sizeof *audit);
    struct fl_places *places;
    bool numbers;

    audit->snapshot = snapshot;
    audit->chains = fl_chains_stitch(snapshot);
    fl_profiles_init(&audit->profiles);
    audit->n_host_causes = fl_cause_of_host(fl_snapshot_inventory(snapshot), audit->host_causes);
    places = fl_places_create(snapshot, audit->chains);
    numbers = fl_places_are_numbers(places);
    make_vms(audit, places);
    for (size_t i = 0; i < audit->chains->n; i++) {
        find_in_chain(audit, places, storage, &audit->chains->chains[i]);
    }
    fl_places_destroy(places);
    forget_ports_without_findings(audit);
    audit->incomplete = find_incomplete(audit);
    for (size_t i = 0; i < audit->n_vms; i++) {
        struct fl_vm_audit *vm = &audit->vms[i];

        fl_vm_judge(vm, audit, options, numbers);
        sort_findings(vm);
    }
    fl_audit_scope(audit);
    fl_audit_causes(audit);
    for (size_t i = 0; i < audit->n_vms; i++) {
        audit->vms[i].reason = fl_vm_reason(&audit->vms[i], audit, numbers);
    }
    fl_audit_sort(audit);
    return audit;
}

void fl_audit_destroy(struct fl_audit *audit)
{
    if (!audit) {
        return;
    }
    for (size_t i = 0; i < audit->n_vms; i++) {
        destroy_vm(&audit->vms[i]);
    }
    free(audit->vms);
    fl_chains_destroy(audit->chains);
    fl_profiles_destroy(&audit->profiles);
    free(audit);
}

const struct fl_vm_audit *fl_audit_vm(const struct fl_audit *audit, const char *name)
{
    for (size_t i = 0; i < audit->n_vms; i++) {
        if (!strcmp(audit->vms[i].name, name)) {
            return &audit->vms[i];
        }
    }
    return NULL;
}

int fl_audit_exit_code(const struct fl_audit *audit)
{
    bool unknown = false;

    if (audit->incomplete) {
        return 2;
    }
    for (size_t i = 0; i < audit->n_vms; i++) {
        enum fl_verdict verdict = audit->vms[i].verdict;

        if (fl_verdict_is_bad(verdict)) {
            return 1;
        }
        unknown |= verdict == FL_VERDICT_UNKNOWN;
    }
    return unknown ? 2 : 0;
}

size_t fl_finding_causes(const struct fl_audit *audit, const struct fl_finding *finding,
                         struct fl_cause causes[FL_MAX_CAUSES])
{
    const struct fl_ports *ports = fl_snapshot_ports_const(audit->snapshot);
    const struct fl_inventory *inv = fl_snapshot_inventory(audit->snapshot);
    size_t n = 0;

    for (size_t i = 0; i < finding->chain->n_links; i++) {
        struct fl_cause of_link[FL_MAX_CAUSES];
        size_t n_of_link = fl_cause_of_flow(&finding->chain->links[i]->flow, ports, inv,
                                            &audit->profiles, of_link);

        n = fl_causes_merge(causes, n, of_link, n_of_link);
    }
    if (fl_finding_leaks(finding)) {
        struct fl_cause leak = fl_cause_of_leak(finding->chain->packets,
                                                finding->chain->hw_packets);

        n = fl_causes_merge(causes, n, &leak, 1);
    }
    return n;
}
