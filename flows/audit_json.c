/* SPDX-License-Identifier: Apache-2.0 */

/* The JSON form of verdicts and orphans: DESIGN.md section 6, "audit". */

#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/audit_internal.h"
#include "flows/json_read.h"

static json_t *json_of_count(uint64_t count)
{
    return json_integer((json_int_t)MIN(count, (uint64_t)INT64_MAX));
}

static json_t *json_of_counts(const struct fl_vm_audit *vm, const uint64_t counts[FL_N_PATHS])
{
    json_t *json = json_object();

    for (enum fl_path path = 0; path < FL_PATH_UNKNOWN; path++) {
        json_object_set_new(json, fl_path_key(path),
                            vm->by_ports ? json_null() : json_of_count(counts[path]));
    }
    return json;
}

/* Packets that did not make the verdict, and why not. */
static json_t *json_of_uncounted(const struct fl_vm_audit *vm)
{
    return json_pack("{so s{so so so}}", "young_packets", json_of_count(vm->young_packets),
                     "unknown", "packets", json_of_count(vm->storage.packets[FL_PATH_UNKNOWN]),
                     "bytes", json_of_count(vm->storage.bytes[FL_PATH_UNKNOWN]), "flows",
                     json_of_count(vm->storage.flows[FL_PATH_UNKNOWN]));
}

static json_t *json_of_causes(const struct fl_vm_audit *vm)
{
    json_t *json = json_array();

    for (size_t i = 0; i < vm->n_causes; i++) {
        json_array_append_new(json, json_string(fl_cause_info(vm->causes[i])->id));
    }
    return json;
}

static json_t *json_of_interfaces(const struct fl_vm_audit *vm)
{
    json_t *json = json_array();

    for (size_t i = 0; vm->vm && i < vm->vm->n_interfaces; i++) {
        json_array_append_new(json,
                              fl_json_of_string(vm->inv->interfaces[vm->vm->interfaces[i]].name));
    }
    if (!vm->vm) {
        json_array_append_new(json, fl_json_of_string(vm->name));
    }
    return json;
}

/* What Interface.status has of it; drivers without an answer give "" or "N/A" (linux/ethtool.h). */
static json_t *json_of_status(const struct fl_interface *iface, const char *key)
{
    const char *text = iface ? smap_get_def(&iface->status, key, "") : "";

    return fl_json_of_string(*text && strcmp(text, "N/A") ? text : NULL);
}

/* The NIC behind the first of its interfaces that has a driver. */
static json_t *json_of_nic(const struct fl_vm_audit *vm)
{
    const struct fl_interface *iface = NULL;

    for (size_t i = 0; !iface && vm->vm && i < vm->vm->n_interfaces; i++) {
        const struct fl_interface *other = &vm->inv->interfaces[vm->vm->interfaces[i]];

        if (*smap_get_def(&other->status, "driver_name", "")) {
            iface = other;
        }
    }
    return json_pack("{so so}", "driver", json_of_status(iface, "driver_name"), "firmware",
                     json_of_status(iface, "firmware_version"));
}

json_t *fl_vm_audit_to_json(const struct fl_vm_audit *vm)
{
    return json_pack("{so so so ss so so s{so so so} so so so so ss so}", "name",
                     fl_json_of_string(vm->name), "id",
                     fl_json_of_string(vm->vm ? vm->vm->id : NULL), "interfaces",
                     json_of_interfaces(vm), "verdict", fl_verdict_name(vm->verdict), "scope",
                     fl_json_of_string(fl_scope_name(vm->scope)), "reason",
                     fl_json_of_string(vm->reason), "storage", "packets",
                     json_of_counts(vm, vm->storage.packets), "bytes",
                     json_of_counts(vm, vm->storage.bytes), "flows",
                     json_of_counts(vm, vm->storage.flows), "hw_share",
                     vm->hw_share < 0 ? json_null() : json_real(vm->hw_share), "causes",
                     json_of_causes(vm), "uncounted", json_of_uncounted(vm), "leaked_packets",
                     json_of_count(vm->leaked_packets), "judged_by",
                     vm->by_ports ? "ports" : "flows", "nic", json_of_nic(vm));
}

static json_t *json_of_orphan(const struct fl_ports *ports, const struct fl_snapshot_orphan *orphan)
{
    const struct fl_flow flow = { .id = orphan->ufid };
    char number[16];
    char ufid[37];

    fl_flow_format_id(&flow, ufid);
    return json_pack("{so sI ss ss so}", "dev",
                     fl_json_of_string(orphan->in_port == ODPP_NONE
                                           ? NULL
                                           : fl_ports_name(ports, orphan->in_port, number)),
                     "chain", (json_int_t)orphan->chain, "ufid", ufid, "path",
                     fl_path_name(orphan->path), "reason", fl_json_of_string(orphan->reason));
}

json_t *fl_audit_orphans_to_json(const struct fl_audit *audit)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(audit->snapshot);
    const struct fl_snapshot_orphan *orphans;
    json_t *json;
    size_t n;

    if (!audit->chains) {
        return json_null();
    }
    orphans = fl_snapshot_orphans(audit->snapshot, &n);
    json = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(json, json_of_orphan(ports, &orphans[i]));
    }
    return json;
}
