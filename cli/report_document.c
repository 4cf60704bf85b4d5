/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_document.h"

#include "cli/report_facts.h"
#include "cli/report_vm.h"
#include "cli/report_words.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/text.h"

static json_t *vms_json(const struct fl_report *report)
{
    const struct fl_audit *audit = report->reading->audit;
    json_t *vms = json_array();

    for (size_t i = 0; i < audit->n_vms; i++) {
        if (!report->only || report->only == &audit->vms[i])
            json_array_append_new(vms, fl_report_vm_json(report, &audit->vms[i]));
    }
    return vms;
}

static json_t *files_json(const struct fl_request *request)
{
    json_t *files = json_array();

    for (size_t i = 0; i < request->n_from; i++)
        json_array_append_new(files, fl_text_json(request->from[i]));
    return files;
}

/* The ticket that the VM's remedy is for. */
static json_t *ticket_json(const struct fl_report *report, const json_t *vms)
{
    const json_t *remedy = json_object_get(json_array_get(vms, 0), "remedy");
    json_t *ticket = json_object_get(remedy, "ticket");

    return report->only && ticket ? json_incref(ticket) : json_null();
}

json_t *fl_report_document(const struct fl_report *report)
{
    const struct fl_snapshot *snapshot = report->reading->snapshot;
    const struct fl_audit *audit = report->reading->audit;
    json_t *document = fl_document("report", fl_snapshot_host(snapshot),
                                   fl_snapshot_time_ms(snapshot));
    json_t *vms = vms_json(report), *hosts = json_array();
    _cleanup_free char *words = NULL;

    json_array_append_new(hosts, fl_report_host_json(audit, !report->request->n_from));
    json_object_set_new(document, "of", json_string(report->only ? "vm" : "host"));
    json_object_set_new(document, "flowlift", json_string(FLOWLIFT_VERSION));
    json_object_set_new(document, "ticket", ticket_json(report, vms));
    json_object_set_new(document, "files", files_json(report->request));
    json_object_set_new(document, "window_ms", json_integer(fl_snapshot_window_ms(snapshot)));
    json_object_set_new(document, "incomplete", fl_text_json(audit->incomplete));
    json_object_set_new(document, "summary", fl_summary_json(audit, report->only));
    json_object_set_new(document, "vms", vms);
    json_object_set_new(document, "hosts", hosts);
    json_object_set(document, "points", report->only ? json_null() : report->points->all);
    if (report->only)
        json_object_set(document, "words", json_object_get(json_array_get(vms, 0), "words"));
    else
        json_object_set_new(document, "words", fl_text_json(words = fl_report_all_words(document)));
    return document;
}
