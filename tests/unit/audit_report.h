/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_REPORT_H
#define FLOWLIFT_AUDIT_REPORT_H

/* The whole report of an audit, as a text to compare: one line a VM. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>

#include "tests/unit/example_host.h"

/* Both directions of all three VMs, with what they counted. */
#define BOTH(N, VM, MAC, P, PATH) OUT_LINE("0" N, VM, P, PATH) BACK_LINE("1" N, VM, MAC, P, PATH)
#define VM1(P, PATH)              BOTH("1", "vm1", MAC_1, P, PATH)
#define VM2(P, PATH)              BOTH("2", "vm2", MAC_2, P, PATH)
#define VM3(P, PATH)              BOTH("3", "vm3", MAC_3, P, PATH)

static inline void put_share(struct ds *text, double share)
{
    if (share < 0) {
        ds_put_cstr(text, "-");
    } else {
        ds_put_format(text, "%.2f", share);
    }
}

static inline char *report_of(const struct fl_audit *audit)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < audit->n_vms; i++) {
        const struct fl_vm_audit *vm = &audit->vms[i];
        const char *scope = fl_scope_name(vm->scope);

        ds_put_format(&text, "%s %s %s ", vm->name, fl_verdict_name(vm->verdict),
                      scope ? scope : "-");
        put_share(&text, vm->hw_share);
        for (size_t j = 0; j < vm->n_causes; j++) {
            ds_put_format(&text, "%s%s", j ? "," : " ", fl_cause_info(vm->causes[j])->id);
        }
        ds_put_format(&text, ": %s\n", vm->reason);
    }
    ds_put_format(&text, "exit %d", fl_audit_exit_code(audit));
    return ds_steal_cstr(&text);
}

static inline struct fl_audit *audit_of(const struct fl_snapshot *snapshot)
{
    struct fl_storage storage;
    struct fl_audit *audit;

    fl_storage_init(&storage);
    audit = fl_audit_run(snapshot, &storage, &fl_audit_options_default);
    fl_storage_destroy(&storage);
    return audit;
}

/* @snapshot is consumed. */
static inline void assert_report_of(struct fl_snapshot *snapshot, const char *wanted)
{
    struct fl_audit *audit = audit_of(snapshot);
    char *got = report_of(audit);

    assert_string_equal(got, wanted);
    free(got);
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

static inline void assert_report(const char *before, const char *after, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(before, after);

    set_three_vms(snapshot);
    assert_report_of(snapshot, wanted);
}

#endif
