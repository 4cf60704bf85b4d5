/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/rows.h"

#include <string.h>

#include <openvswitch/shash.h>
#include <ovs/smap.h>
#include <ovs/sset.h>
#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/fleet/idl.h"
#include "lib/fleet/steps.h"
#include "lib/text.h"

/* The smaller of two that are about the same, by the larger. */
#define SAME_SHARE 0.75

static int64_t number_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

/* @now: of a row that was inserted just now NULL */
static bool differs(const char *now, const char *text)
{
    return !now || strcmp(now, text) != 0;
}

/* ---- Host ---- */

static void write_nics(const struct fleetrec_host *row, json_t *nics)
{
    struct smap smap = SMAP_INITIALIZER(&smap);
    const char *driver;
    json_t *firmware;

    json_object_foreach(nics, driver, firmware) {
        smap_add(&smap, driver, json_string_value(firmware) ? json_string_value(firmware) : "");
    }
    fleetrec_host_set_nics(row, &smap);
    smap_destroy(&smap);
}

static void write_verdicts(const struct fleetrec_host *row, json_t *verdicts)
{
    size_t n = json_object_size(verdicts), i = 0;
    _cleanup_free const char **keys = xcalloc(n + 1, sizeof *keys);
    _cleanup_free int64_t *values = xcalloc(n + 1, sizeof *values);
    const char *verdict;
    json_t *count;

    json_object_foreach(verdicts, verdict, count) {
        keys[i] = verdict;
        values[i++] = json_integer_value(count);
    }
    fleetrec_host_set_verdicts(row, keys, values, n);
}

static bool has_verdicts(const struct fleetrec_host *row, const json_t *verdicts)
{
    for (size_t i = 0; i < row->n_verdicts; i++) {
        const json_t *count = json_object_get(verdicts, row->key_verdicts[i]);

        if (!count || json_integer_value(count) != row->value_verdicts[i]) {
            return false;
        }
    }
    return row->n_verdicts == json_object_size(verdicts);
}

/* That all is as before is worth a transaction now and then: of many hosts these are most of the load. */
static bool is_audit_news(const struct fleetrec_host *row, const json_t *state)
{
    int64_t since_ms = number_of(state, "audited") - row->audited;

    return since_ms < 0 || since_ms >= FL_FLEET_UNCHANGED_MS ||
           differs(row->incomplete, fl_text_at(state, "incomplete")) ||
           !has_verdicts(row, json_object_get(state, "verdicts"));
}

static const struct fleetrec_host *write_host(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                                              const char *host, const json_t *state)
{
    const struct fleetrec_host *row = fleetrec_host_first(idl);

    if (!row) {
        row = fleetrec_host_insert(txn);
        fleetrec_host_set_name(row, host);
    }
    if (is_audit_news(row, state)) {
        fleetrec_host_set_audited(row, number_of(state, "audited"));
    }
    fleetrec_host_set_flowlift_version(row, fl_text_at(state, "flowlift_version"));
    fleetrec_host_set_ovs_version(row, fl_text_at(state, "ovs_version"));
    fleetrec_host_set_incomplete(row, fl_text_at(state, "incomplete"));
    fleetrec_host_set_interval(row, number_of(state, "interval"));
    write_nics(row, json_object_get(state, "nics"));
    write_verdicts(row, json_object_get(state, "verdicts"));
    return row;
}

/* ---- VMs that are well: in the row of their host ---- */

/*
 * A server goes through all rows of VM for each host that connects, so those that say no more than that all is well are
 * not there.
 */
static bool is_well(const json_t *vm)
{
    enum fl_verdict verdict;

    return fl_verdict_from_name(fl_text_at(vm, "verdict"), &verdict) &&
           fl_verdict_is_well(verdict) && !json_array_size(json_object_get(vm, "causes"));
}

struct well {
    struct smap offloaded, idle; /* identity -> name */
    struct sset called;          /* identities and names */
};

static void find_well(json_t *vms, struct well *well)
{
    const char *id;
    json_t *vm;

    json_object_foreach(vms, id, vm) {
        const char *name = fl_text_at(vm, "name");

        if (is_well(vm)) {
            smap_add(!strcmp(fl_text_at(vm, "verdict"), "idle") ? &well->idle : &well->offloaded,
                     id, name);
            sset_add(&well->called, id);
            sset_add(&well->called, name);
        }
    }
}

static void write_well(const struct fleetrec_host *row, json_t *vms)
{
    struct well well;
    _cleanup_free const char **called = NULL;

    smap_init(&well.offloaded);
    smap_init(&well.idle);
    sset_init(&well.called);
    find_well(vms, &well);
    called = sset_array(&well.called);
    fleetrec_host_set_offloaded(row, &well.offloaded);
    fleetrec_host_set_idle(row, &well.idle);
    fleetrec_host_set_called(row, called, sset_count(&well.called));
    smap_destroy(&well.offloaded);
    smap_destroy(&well.idle);
    sset_destroy(&well.called);
}

/* ---- VMs that are not ---- */

static void write_causes(const struct fleetrec_vm *row, const json_t *causes)
{
    size_t n = 0, i;
    _cleanup_free const char **ids = xcalloc(json_array_size(causes) + 1, sizeof *ids);
    const json_t *cause;

    json_array_foreach(causes, i, cause) {
        if (json_string_value(cause)) {
            ids[n++] = json_string_value(cause);
        }
    }
    fleetrec_vm_set_causes(row, ids, n);
}

static bool is_about(double now, double then)
{
    return MIN(now, then) >= SAME_SHARE * MAX(now, then);
}

/* Counters are old as soon as they are written: they are when they are clearly others. */
static bool is_news(const struct fleetrec_vm *row, const json_t *vm)
{
    const json_t *share = json_object_get(vm, "hw_share");

    return differs(row->verdict, fl_text_at(vm, "verdict")) ||
           json_is_number(share) != (row->n_hw_share > 0) ||
           (row->n_hw_share && !is_about(json_number_value(share), row->hw_share[0])) ||
           !is_about((double)number_of(vm, "sw_rate"), (double)row->sw_rate);
}

static void write_vm(const struct fleetrec_vm *row, const json_t *vm)
{
    const json_t *share = json_object_get(vm, "hw_share");
    double hw_share = MIN(MAX(json_number_value(share), 0), 1);

    if (is_news(row, vm)) {
        fleetrec_vm_set_hw_share(row, &hw_share, json_is_number(share));
        fleetrec_vm_set_sw_rate(row, number_of(vm, "sw_rate"));
    }
    if (differs(row->verdict, fl_text_at(vm, "verdict"))) {
        fleetrec_vm_set_since(row, fl_time_now_ms());
    }
    fleetrec_vm_set_name(row, fl_text_at(vm, "name"));
    fleetrec_vm_set_verdict(row, fl_text_at(vm, "verdict"));
    fleetrec_vm_set_scope(row, fl_text_at(vm, "scope"));
    write_causes(row, json_object_get(vm, "causes"));
}

static void write_vms(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn, const char *host,
                      json_t *vms)
{
    const struct fleetrec_vm *row;
    struct shash rows = SHASH_INITIALIZER(&rows);
    const char *id;
    json_t *vm;

    FLEETREC_VM_FOR_EACH_SAFE(row, idl)
    {
        const json_t *known = json_object_get(vms, row->vm_id);

        if (known && !is_well(known)) {
            shash_add_once(&rows, row->vm_id, row);
        } else {
            fleetrec_vm_delete(row);
        }
    }
    json_object_foreach(vms, id, vm) {
        if (is_well(vm)) {
            continue;
        }
        row = shash_find_data(&rows, id);
        if (!row) {
            row = fleetrec_vm_insert(txn);
            fleetrec_vm_set_host(row, host);
            fleetrec_vm_set_vm_id(row, id);
        }
        write_vm(row, vm);
    }
    shash_destroy(&rows);
}

/* ---- Repair ---- */

static void write_steps(const struct fleetrec_repair *row, const json_t *repair)
{
    _cleanup_free char *step = fl_fleet_step_text(repair);
    size_t n = row->n_steps;
    _cleanup_free const char **steps = fl_fleet_steps_of_row(row->steps, &n, step);

    fleetrec_repair_set_steps(row, steps, n);
}

static void write_repair(const struct fleetrec_repair *row, const json_t *repair)
{
    if (row->changed != number_of(repair, "changed") ||
        differs(row->state, fl_text_at(repair, "state"))) {
        write_steps(row, repair);
    }
    fleetrec_repair_set_name(row, fl_text_at(repair, "name"));
    fleetrec_repair_set_state(row, fl_text_at(repair, "state"));
    fleetrec_repair_set_reason(row, fl_text_at(repair, "reason"));
    fleetrec_repair_set_stands(row, json_is_true(json_object_get(repair, "stands")));
    fleetrec_repair_set_decided(row, number_of(repair, "decided"));
    fleetrec_repair_set_changed(row, number_of(repair, "changed"));
    fleetrec_repair_set_who(row, fl_text_at(repair, "who"));
    fleetrec_repair_set_ticket(row, fl_text_at(repair, "ticket"));
    fleetrec_repair_set_until(row, fl_text_at(repair, "until"));
    fleetrec_repair_set_order(row, number_of(repair, "order"));
    fleetrec_repair_set_flow_set(row, fl_text_at(repair, "flow_set"));
}

static void write_repairs(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn, const char *host,
                          json_t *repairs)
{
    const struct fleetrec_repair *row;
    struct shash rows = SHASH_INITIALIZER(&rows);
    const char *id;
    json_t *repair;

    FLEETREC_REPAIR_FOR_EACH_SAFE(row, idl)
    {
        if (strcmp(row->host, host)) {
            continue;
        }
        if (json_object_get(repairs, row->vm_id)) {
            shash_add_once(&rows, row->vm_id, row);
        } else {
            fleetrec_repair_delete(row);
        }
    }
    json_object_foreach(repairs, id, repair) {
        row = shash_find_data(&rows, id);
        if (!row) {
            row = fleetrec_repair_insert(txn);
            fleetrec_repair_set_host(row, host);
            fleetrec_repair_set_vm_id(row, id);
        }
        write_repair(row, repair);
    }
    shash_destroy(&rows);
}

void fl_fleet_write_rows(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn, const char *host,
                         const json_t *state)
{
    const struct fleetrec_host *row = write_host(idl, txn, host, json_object_get(state, "host"));
    json_t *vms = json_object_get(state, "vms");

    if (json_is_object(vms)) {
        write_well(row, vms);
        write_vms(idl, txn, host, vms);
    }
    if (json_is_object(json_object_get(state, "repairs"))) {
        write_repairs(idl, txn, host, json_object_get(state, "repairs"));
    }
}
