/* SPDX-License-Identifier: Apache-2.0 */

/* An audit that stage one has made: from the counters of ports, without a flow. */

#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/audit_internal.h"

static enum fl_verdict verdict_of(enum fl_suspicion suspicion)
{
    switch (suspicion) {
    case FL_SUSPICION_CLEAN: return FL_VERDICT_OFFLOADED;
    case FL_SUSPICION_IDLE: return FL_VERDICT_IDLE;
    case FL_SUSPICION_SUSPECT:
    case FL_SUSPICION_UNKNOWN:
    default: return FL_VERDICT_UNKNOWN;
    }
}

static void judge(const struct fl_snapshot *snapshot, const struct fl_screened *screened,
                  struct fl_vm_audit *vm)
{
    *vm = (struct fl_vm_audit){
        .vm = screened->vm,
        .inv = fl_snapshot_inventory(snapshot),
        .name = xstrdup(screened->vm->name),
        .verdict = verdict_of(screened->suspicion),
        .reason = xstrdup(screened->reason),
        .hw_share = screened->hw_share,
        .by_ports = true,
    };
}

struct fl_audit *fl_audit_of_screen(const struct fl_snapshot *snapshot,
                                    const struct fl_screen *screen)
{
    struct fl_audit *audit = xzalloc(sizeof *audit);

    audit->snapshot = snapshot;
    audit->n_host_causes = fl_cause_of_host(fl_snapshot_inventory(snapshot), audit->host_causes);
    audit->n_vms = screen->n_vms;
    audit->vms = xcalloc(MAX(1, screen->n_vms), sizeof *audit->vms);
    for (size_t i = 0; i < screen->n_vms; i++) {
        judge(snapshot, &screen->vms[i], &audit->vms[i]);
    }
    fl_audit_sort(audit);
    audit->incomplete = fl_snapshot_incomplete(snapshot);
    return audit;
}

static const struct fl_screened *find(const struct fl_screen *screen, const char *name)
{
    for (size_t i = 0; i < screen->n_vms; i++) {
        if (!strcmp(screen->vms[i].vm->name, name)) {
            return &screen->vms[i];
        }
    }
    return NULL;
}

void fl_audit_heed_screen(struct fl_audit *audit, const struct fl_screen *screen)
{
    for (size_t i = 0; i < audit->n_vms; i++) {
        struct fl_vm_audit *vm = &audit->vms[i];
        const struct fl_screened *screened = find(screen, vm->name);

        if (!fl_verdict_is_bad(vm->verdict) || !screened ||
            fl_vm_weights(vm).software >= FL_SCREEN_MIN_PACKETS ||
            (screened->suspicion != FL_SUSPICION_CLEAN &&
             screened->suspicion != FL_SUSPICION_IDLE)) {
            continue;
        }
        vm->verdict = verdict_of(screened->suspicion);
        vm->scope = FL_SCOPE_NONE;
        vm->n_causes = 0;
        vm->hw_share = screened->hw_share;
        vm->by_ports = true;
        free(vm->reason);
        vm->reason = xstrdup(screened->reason);
    }
    fl_audit_sort(audit);
}
