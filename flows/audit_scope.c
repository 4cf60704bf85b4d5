/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What verdicts and findings of all VMs say together: is it the VM, its NIC, or the host? And which
 * causes has a VM, the one that most packets suffer from first.
 */

#include <ovs/util.h>
#include <string.h>

#include "flows/audit_internal.h"

/* Behind a NIC there must be this many stranded VMs before the NIC is blamed, and not they. */
#define MIN_VMS_OF_NIC  2
#define MIN_VMS_OF_HOST 2

static bool is_offload_off(const struct fl_audit *audit)
{
    for (size_t i = 0; i < audit->n_host_causes; i++) {
        if (audit->host_causes[i].id == FL_CAUSE_OFFLOAD_OFF ||
            audit->host_causes[i].id == FL_CAUSE_TC_POLICY) {
            return true;
        }
    }
    return false;
}

static size_t count(const struct fl_audit *audit, enum fl_verdict verdict)
{
    size_t n = 0;

    for (size_t i = 0; i < audit->n_vms; i++) {
        n += audit->vms[i].verdict == verdict;
    }
    return n;
}

static bool is_whole_host(const struct fl_audit *audit)
{
    return is_offload_off(audit) || (count(audit, FL_VERDICT_STRANDED) >= MIN_VMS_OF_HOST &&
                                     !count(audit, FL_VERDICT_OFFLOADED) &&
                                     !fl_snapshot_n_by_path(audit->snapshot, FL_PATH_HW));
}

/* "0000:08:00.0,representor=[0]" -> "0000:08:00.0"; without DPDK the bridge has to do. */
static const char *nic_of(const struct fl_interface *iface, char buf[64])
{
    const char *devargs = smap_get(&iface->options, "dpdk-devargs");

    if (!devargs) {
        return iface->bridge;
    }
    ovs_strlcpy(buf, devargs, MIN(64, strcspn(devargs, ",") + 1));
    return buf;
}

const char *fl_vm_nic(const struct fl_vm_audit *vm, char buf[64])
{
    if (vm->n_findings && vm->findings[0].iface) {
        return nic_of(vm->findings[0].iface, buf);
    }
    return vm->vm && vm->vm->n_interfaces ? nic_of(&vm->inv->interfaces[vm->vm->interfaces[0]], buf)
                                          : NULL;
}

/* All VMs with traffic behind @vm's NIC fare like it; those behind others are all in hardware. */
static bool is_whole_nic(const struct fl_audit *audit, const struct fl_vm_audit *vm)
{
    char buf[64];
    const char *nic = fl_vm_nic(vm, buf);
    size_t n_here = 0;
    size_t n_elsewhere = 0;

    for (size_t i = 0; nic && i < audit->n_vms; i++) {
        const struct fl_vm_audit *other = &audit->vms[i];
        char other_buf[64];
        const char *other_nic = fl_vm_nic(other, other_buf);
        bool here = other_nic && !strcmp(nic, other_nic);

        if (other->verdict == FL_VERDICT_IDLE || !other_nic) {
            continue;
        }
        if (other->verdict != (here ? vm->verdict : FL_VERDICT_OFFLOADED)) {
            return false;
        }
        n_here += here;
        n_elsewhere += !here;
    }
    return n_here >= MIN_VMS_OF_NIC && n_elsewhere > 0;
}

void fl_audit_scope(struct fl_audit *audit)
{
    bool host = is_whole_host(audit);

    for (size_t i = 0; i < audit->n_vms; i++) {
        struct fl_vm_audit *vm = &audit->vms[i];

        if (fl_verdict_is_bad(vm->verdict)) {
            vm->scope = host && vm->verdict == FL_VERDICT_STRANDED ? FL_SCOPE_HOST
                        : is_whole_nic(audit, vm)                  ? FL_SCOPE_NIC
                                                                   : FL_SCOPE_VM;
        }
    }
}

/* Causes. */

struct weighed_cause {
    enum fl_cause_id id;
    bool shown;
    bool by_host;
    uint64_t packets;
    size_t rank; /* Least of its places among a finding's causes: 0 is strongest. */
};

static int compare_causes(const void *a_, const void *b_)
{
    const struct weighed_cause *a = a_;
    const struct weighed_cause *b = b_;

    if (a->shown != b->shown) {
        return a->shown ? -1 : 1;
    }
    if (a->by_host != b->by_host) {
        return a->by_host ? -1 : 1;
    }
    if (a->packets != b->packets) {
        return a->packets < b->packets ? 1 : -1;
    }
    return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : (int)a->id - (int)b->id;
}

static void weigh(const struct fl_audit *audit, const struct fl_finding *finding,
                  struct weighed_cause weighed[FL_N_CAUSES])
{
    struct fl_cause causes[FL_MAX_CAUSES];
    size_t n = fl_finding_causes(audit, finding, causes);

    for (size_t i = 0; i < n; i++) {
        struct weighed_cause *cause = &weighed[causes[i].id];

        cause->rank = cause->shown ? MIN(cause->rank, i) : i;
        cause->shown = true;
        cause->packets = fl_add_counts(cause->packets, finding->chain->packets);
    }
}

static void find_causes(const struct fl_audit *audit, struct fl_vm_audit *vm)
{
    struct weighed_cause weighed[FL_N_CAUSES];

    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        weighed[id] = (struct weighed_cause){
            .id = id,
            .by_host = vm->scope == FL_SCOPE_HOST && fl_cause_info(id)->by_host,
        };
    }
    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_finding *finding = &vm->findings[i];

        if (finding->counted && finding->chain->packets &&
            (fl_path_is_software(fl_finding_path(finding)) || fl_finding_leaks(finding))) {
            weigh(audit, finding, weighed);
        }
    }
    qsort(weighed, FL_N_CAUSES, sizeof *weighed, compare_causes);
    for (size_t i = 0; i < FL_N_CAUSES && weighed[i].shown; i++) {
        vm->causes[vm->n_causes++] = weighed[i].id;
    }
}

void fl_audit_causes(struct fl_audit *audit)
{
    for (size_t i = 0; i < audit->n_vms; i++) {
        if (audit->vms[i].verdict != FL_VERDICT_OFFLOADED &&
            audit->vms[i].verdict != FL_VERDICT_IDLE) {
            find_causes(audit, &audit->vms[i]);
        }
    }
}
