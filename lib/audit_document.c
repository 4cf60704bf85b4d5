/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/audit_document.h"

#include <string.h>

#include <ovs/util.h>

#include "lib/document.h"
#include "lib/text.h"

json_t *fl_summary_json(const struct fl_audit *audit, const struct fl_vm_audit *only)
{
    json_int_t n[FL_VERDICT_OFFLOADED + 1] = { 0 };
    json_t *summary = json_object();
    json_int_t n_vms = 0;

    for (size_t i = 0; i < audit->n_vms; i++) {
        if (only && only != &audit->vms[i]) {
            continue;
        }
        n[audit->vms[i].verdict]++;
        n_vms++;
    }
    json_object_set_new(summary, "vms", json_integer(n_vms));
    for (enum fl_verdict verdict = 0; verdict <= FL_VERDICT_OFFLOADED; verdict++) {
        json_object_set_new(summary, fl_verdict_name(verdict), json_integer(n[verdict]));
    }
    return summary;
}

json_t *fl_causes_json(const struct fl_cause *causes, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_array_append_new(array, json_pack("{s:s, s:o}", "id", fl_cause_info(causes[i].id)->id,
                                               "detail", fl_text_json(causes[i].detail)));
    }
    return array;
}

bool fl_audit_document_vm_is_bad(const json_t *vm)
{
    const char *name = json_string_value(json_object_get(vm, "verdict"));
    enum fl_verdict verdict;

    return fl_verdict_from_name(name, &verdict) && fl_verdict_is_bad(verdict);
}

int64_t fl_audit_document_sum(const json_t *counts, bool software_only)
{
    int64_t sum = 0;

    for (enum fl_path i = software_only ? FL_PATH_HW + 1 : FL_PATH_HW; i < FL_PATH_UNKNOWN; i++) {
        int64_t n = MAX(0, json_integer_value(json_object_get(counts, fl_path_key(i))));

        sum = sum > INT64_MAX - n ? INT64_MAX : sum + n;
    }
    return sum;
}

json_t *fl_audit_document_head(const struct fl_audit *audit)
{
    const struct fl_snapshot *snapshot = audit->snapshot;
    const struct fl_inventory *inv = fl_snapshot_inventory(snapshot);
    json_t *document = fl_document("audit", fl_snapshot_host(snapshot),
                                   fl_snapshot_time_ms(snapshot));

    json_object_set_new(document, "flowlift_version", json_string(FLOWLIFT_VERSION));
    json_object_set_new(document, "ovs_version", fl_text_json(inv ? inv->ovs_version : NULL));
    json_object_set_new(document, "window_ms", json_integer(fl_snapshot_window_ms(snapshot)));
    json_object_set_new(document, "incomplete", fl_text_json(audit->incomplete));
    return document;
}

/* Null when no flow was read. */
static json_t *n_orphans_json(const struct fl_audit *audit)
{
    return audit->chains ? fl_count_json(fl_snapshot_n_orphans(audit->snapshot)) : json_null();
}

json_t *fl_audit_document(const struct fl_audit *audit, const struct fl_vm_audit *only,
                          json_t *doubts)
{
    json_t *document = fl_audit_document_head(audit);
    json_t *vms = json_array();

    for (size_t i = 0; i < audit->n_vms; i++) {
        if (!only || only == &audit->vms[i]) {
            json_array_append_new(vms, fl_vm_audit_to_json(&audit->vms[i]));
        }
    }
    json_object_set_new(document, "vms", vms);
    json_object_set_new(document, "host_causes",
                        fl_causes_json(audit->host_causes, audit->n_host_causes));
    json_object_set_new(document, "screen", doubts ? json_incref(doubts) : json_null());
    json_object_set_new(document, "orphans", fl_audit_orphans_to_json(audit));
    json_object_set_new(document, "n_orphans", n_orphans_json(audit));
    json_object_set_new(document, "summary", fl_summary_json(audit, only));
    return document;
}
