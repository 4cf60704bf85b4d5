/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/share.h"

#include <stdlib.h>
#include <string.h>

#include "flows/audit.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/fleet/seed.h"
#include "lib/text.h"

void fl_fleet_tried_free(struct fl_fleet_tried *tried)
{
    if (tried) {
        free(tried->name);
        free(tried->state);
        free(tried->reason);
        free(tried->who);
        free(tried->ticket);
        free(tried->until);
        free(tried);
    }
}

static json_t *text(const char *text_)
{
    return text_ ? fl_text_json(text_) : json_string("");
}

/* ---- Host ---- */

/* Of each driver behind its VMs the firmware of one NIC: those of a host have the same. */
static json_t *nics_of(const json_t *audit)
{
    json_t *nics = json_object();
    const json_t *vm;
    size_t i;

    json_array_foreach(json_object_get(audit, "vms"), i, vm) {
        const json_t *nic = json_object_get(vm, "nic");
        const char *driver = json_string_value(json_object_get(nic, "driver"));
        const char *firmware = json_string_value(json_object_get(nic, "firmware"));

        if (driver && (firmware || !json_object_get(nics, driver))) {
            json_object_set_new(nics, driver, text(firmware));
        }
    }
    return nics;
}

static json_t *verdicts_of(json_t *vms)
{
    json_t *verdicts = json_object();
    const char *id;
    json_t *vm;

    json_object_foreach(vms, id, vm) {
        const char *verdict = json_string_value(json_object_get(vm, "verdict"));

        if (verdict) {
            json_int_t n = json_integer_value(json_object_get(verdicts, verdict));

            json_object_set_new(verdicts, verdict, json_integer(n + 1));
        }
    }
    return verdicts;
}

static json_t *host_of(const struct fl_share_of *of, json_t *vms)
{
    const char *incomplete = json_string_value(json_object_get(of->audit, "incomplete"));

    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I}", "flowlift_version", FLOWLIFT_VERSION,
                     "ovs_version", text(of->inv ? of->inv->ovs_version : NULL), "nics",
                     nics_of(of->audit), "verdicts", verdicts_of(vms), "incomplete",
                     text(incomplete), "audited", (json_int_t)of->audited_ms, "interval",
                     (json_int_t)of->interval_ms);
}

/* ---- VMs ---- */

/* Bytes a second that a CPU forwards. */
static json_int_t software_rate(const json_t *audit, const json_t *vm)
{
    const json_t *bytes = json_object_get(json_object_get(vm, "storage"), "bytes");
    json_int_t window_ms = json_integer_value(json_object_get(audit, "window_ms"));
    return window_ms > 0 ? fl_audit_document_sum(bytes, true) * 1000 / window_ms : 0;
}

static bool is_here(const struct fl_inventory *inv, const char *id)
{
    return !inv || fl_inventory_vm(inv, id);
}

/* Here, and in no audit yet: it has just come, or nobody makes audits. */
static void add_unknown(const struct fl_inventory *inv, json_t *vms)
{
    for (size_t i = 0; inv && i < inv->n_vms; i++) {
        const struct fl_vm *vm = &inv->vms[i];

        if (!json_object_get(vms, vm->id)) {
            json_object_set_new(vms, vm->id,
                                json_pack("{s:o, s:s, s:s, s:n, s:i, s:[]}", "name", text(vm->name),
                                          "verdict", fl_verdict_name(FL_VERDICT_UNKNOWN), "scope",
                                          "", "hw_share", "sw_rate", 0, "causes"));
        }
    }
}

/* Return: null when nobody knows. */
static json_t *vms_of(const struct fl_share_of *of)
{
    json_t *vms;
    const json_t *vm;
    size_t i;

    if (!of->audit && !of->inv) {
        return json_null();
    }
    vms = json_object();
    json_array_foreach(json_object_get(of->audit, "vms"), i, vm) {
        const char *id = json_string_value(json_object_get(vm, "id"));

        if (id && *id && is_here(of->inv, id)) {
            json_object_set_new(vms, id,
                                json_pack("{s:O?, s:O?, s:O?, s:O?, s:I, s:O?}", "name",
                                          json_object_get(vm, "name"), "verdict",
                                          json_object_get(vm, "verdict"), "scope",
                                          json_object_get(vm, "scope"), "hw_share",
                                          json_object_get(vm, "hw_share"), "sw_rate",
                                          software_rate(of->audit, vm), "causes",
                                          json_object_get(vm, "causes")));
        }
    }
    add_unknown(of->inv, vms);
    return vms;
}

/* ---- Repairs ---- */

static json_t *repair_of(const struct fl_share_of *of, const struct fl_remedy *remedy)
{
    bool is_in = remedy->state != FL_REMEDY_REVERTED;
    /* Nobody has confirmed it yet, or an apply is under way: nor is it to be taken up elsewhere. */
    bool is_settled = !remedy->confirm_by_ms && remedy->state != FL_REMEDY_PLANNED;
    _cleanup_free char *rules = is_in && is_settled ? fl_fleet_flow_set_text(&remedy->set) : NULL;
    /* One that was taken out since it did not help here says nothing about elsewhere. */
    bool has_word = remedy->unwanted || (is_in && is_settled);
    char until[FL_UNTIL_TEXT_BYTES];
    int64_t number = of->number_of(remedy->set.vm_id, remedy->decided_ms, of->aux);

    return json_pack("{s:o, s:s, s:o, s:b, s:I, s:I, s:o, s:o, s:s, s:I, s:o}", "name",
                     text(remedy->set.vm_name), "state", fl_remedy_state_name(remedy->state),
                     "reason", text(remedy->reason), "stands", is_in, "decided",
                     (json_int_t)(has_word ? remedy->decided_ms : 0), "changed",
                     (json_int_t)remedy->changed_ms, "who", text(remedy->who), "ticket",
                     text(remedy->ticket), "until", fl_until_format(&remedy->until, until), "order",
                     (json_int_t)number, "flow_set", text(rules));
}

static json_t *repair_of_tried(const struct fl_fleet_tried *tried)
{
    return json_pack("{s:o, s:s, s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:I, s:s}", "name",
                     text(tried->name), "state", "none", "reason", text(tried->reason), "stands", 0,
                     "decided", (json_int_t)0, "changed", (json_int_t)tried->changed_ms, "who",
                     text(tried->who), "ticket", text(tried->ticket), "until", text(tried->until),
                     "order", (json_int_t)tried->number, "flow_set", "");
}

static json_t *repairs_of(const struct fl_share_of *of)
{
    json_t *repairs;
    const struct shash_node *node;

    if (of->is_unread) {
        return json_null();
    }
    repairs = json_object();

    SHASH_FOR_EACH(node, of->tried) {
        const struct fl_fleet_tried *tried = node->data;

        if (tried->changed_ms && !tried->is_revert) {
            json_object_set_new(repairs, node->name, repair_of_tried(tried));
        }
    }
    for (size_t i = 0; i < of->n_remedies; i++) {
        const char *id = of->remedies[i].set.vm_id;
        const struct fl_fleet_tried *tried = shash_find_data(of->tried, id);

        /* What came of a try is in the remedy, when there is one since. */
        if (!tried || tried->is_revert || tried->began_ms <= of->remedies[i].changed_ms) {
            json_object_set_new(repairs, id, repair_of(of, &of->remedies[i]));
        }
    }
    return repairs;
}

json_t *fl_share(const struct fl_share_of *of)
{
    json_t *vms = vms_of(of);

    return json_pack("{s:o, s:o, s:o}", "host", host_of(of, vms), "vms", vms, "repairs",
                     repairs_of(of));
}
