/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_INTERNAL_H
#define FLOWLIFT_AUDIT_INTERNAL_H

/*
 * What the files of the audit share, and nobody else includes.
 *
 *   audit.c          snapshot -> findings of each VM -> the report in its order
 *   audit_verdict.c  findings of one VM -> tally, verdict
 *   audit_scope.c    verdicts of all -> scope, causes
 *   audit_reason.c   the sentence for the operator
 *   audit_json.c     the JSON form
 *   audit_screen.c   an audit from the counters of ports alone
 */

#include "flows/audit.h"
#include "flows/place.h"

/* Packets of one VM that the verdict was made from. */
struct fl_weights {
    uint64_t hw;
    uint64_t software; /* hw-partial, tc-sw, dp-sw, upcall */
    uint64_t unknown;
};

/** fl_add_counts() - a + b, or the highest number when that is too high */
static inline uint64_t fl_add_counts(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/** fl_path_is_software() - some CPU forwards */
static inline bool fl_path_is_software(enum fl_path path)
{
    return path != FL_PATH_HW && path != FL_PATH_UNKNOWN;
}

/** fl_finding_path() - the chain's path; unknown when it could not be read what it matches */
enum fl_path fl_finding_path(const struct fl_finding *finding);
struct fl_weights fl_vm_weights(const struct fl_vm_audit *vm);
/** fl_vm_judge() - from findings to tally, young packets, share and verdict */
void fl_vm_judge(struct fl_vm_audit *vm, const struct fl_audit *audit,
                 const struct fl_audit_options *options, bool ports_are_numbers);

/** fl_audit_sort() - worst verdict first, then by software packets, then by name */
void fl_audit_sort(struct fl_audit *audit);
/** fl_audit_scope() - scopes of all stranded VMs, once all verdicts are there */
void fl_audit_scope(struct fl_audit *audit);
/** fl_audit_causes() - causes of each VM that is not offloaded; scopes are there */
void fl_audit_causes(struct fl_audit *audit);
/** fl_vm_nic() - what stands for the NIC behind a VM: a PCI address or a bridge; NULL: not known */
const char *fl_vm_nic(const struct fl_vm_audit *vm, char buf[64]);

/** fl_vm_reason() - the sentence; all else is there; owned by the caller */
char *fl_vm_reason(const struct fl_vm_audit *vm, const struct fl_audit *audit,
                   bool ports_are_numbers);

#endif
