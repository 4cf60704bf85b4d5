/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_vm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/chain_view.h"
#include "cli/options.h"
#include "cli/peer_view.h"
#include "cli/report_remedy.h"
#include "cli/report_words.h"
#include "cli/why_view.h"
#include "flows/cleanup.h"
#include "lib/doctor_facts.h"
#include "lib/document.h"
#include "lib/text.h"
#include "lib/why.h"

/* What a page has room for; the rest is counted. Of a host fewer of each VM. */
#define CHAINS_OF_VM    100u
#define CHAINS_OF_HOST  8u
#define JOURNAL_OF_VM   50u
#define JOURNAL_OF_HOST 10u
#define PEERS_LISTED    8u

/* As explain does it: the kernel and its devices are read on the host itself only. */
static void find_why(const struct fl_report *report, const struct fl_vm_audit *vm,
                     struct fl_why *why)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(report->reading->snapshot);
    const char *datapath = inv ? fl_inventory_datapath_type(inv) : NULL;
    struct fl_kernel_facts facts;
    bool is_read = !report->request->n_from && fl_verdict_is_bad(vm->verdict) && datapath &&
                   strcmp(datapath, "netdev");

    if (is_read)
        fl_kernel_facts_read_setup(&facts);
    fl_why_of_vm(report->reading->audit, vm, is_read ? &facts : NULL, NULL, why);
    if (is_read)
        fl_kernel_facts_destroy(&facts);
}

static json_t *chains_json(const struct fl_report *report, const struct fl_vm_audit *vm)
{
    const size_t most = report->only ? CHAINS_OF_VM : CHAINS_OF_HOST;
    json_t *chains = json_array();

    for (size_t i = 0; i < MIN(vm->n_findings, most); i++)
        json_array_append_new(chains, fl_finding_json(report->reading, &vm->findings[i]));
    return chains;
}

/* From the best: they show what is possible on this host. */
static json_t *peers_json(const struct fl_report *report, const struct fl_vm_audit *vm)
{
    const struct fl_audit *audit = report->reading->audit;
    json_t *peers = json_array();

    for (size_t i = audit->n_vms; i > 0 && json_array_size(peers) < PEERS_LISTED; i--) {
        if (&audit->vms[i - 1] != vm)
            json_array_append_new(peers, fl_vm_audit_to_json(&audit->vms[i - 1]));
    }
    return peers;
}

/* Causes of before, of which no more than the name was kept. */
static json_t *causes_of_before(const json_t *before)
{
    json_t *causes = json_array();
    const json_t *id;
    size_t i;

    json_array_foreach(json_object_get(before, "causes"), i, id) {
        const char *name = json_string_value(id);
        enum fl_cause_id found = name ? fl_cause_find(name) : FL_N_CAUSES;
        const struct fl_cause_info *info;

        if (found == FL_N_CAUSES)
            continue;
        info = fl_cause_info(found);
        json_array_append_new(causes,
                              json_pack("{s:s, s:s, s:s, s:s, s:[], s:s, s:s, s:n}", "id", info->id,
                                        "certainty", "seen", "by", fl_cause_by_name(info->by),
                                        "meaning", info->meaning, "evidence", "cure", info->cure,
                                        "source", info->source, "packets"));
    }
    return causes;
}

static void set_causes(json_t *json, const struct fl_report *report, const struct fl_vm_audit *vm)
{
    json_t *causes;
    struct fl_why why;

    find_why(report, vm, &why);
    causes = fl_why_json(&why);
    json_object_set_new(json, "causes_of", json_string("now"));
    if (!json_array_size(causes)) {
        json_decref(causes);
        causes = causes_of_before(json_object_get(json, "before"));
        json_object_set_new(json, "causes_of",
                            json_array_size(causes) ? json_string("before") : json_null());
    }
    json_object_set_new(json, "causes", causes);
    json_object_set_new(json, "differences", fl_peers_json(why.peers, why.n_peers));
    fl_why_destroy(&why);
}

/* For the host itself: without --from and where its files are. */
static json_t *next_json(const struct fl_vm_audit *vm, const json_t *remedy)
{
    _cleanup_free char *word = fl_shell_word(vm->name), *text = NULL;
    const char *state = json_string_value(json_object_get(remedy, "state"));
    bool is_planned = state && !strcmp(state, "planned");

    switch (vm->verdict) {
    case FL_VERDICT_STRANDED:
    case FL_VERDICT_LEAKING:
        if (vm->scope == FL_SCOPE_HOST)
            return json_string("flowlift doctor");
        text = xasprintf("flowlift %s %s", is_planned ? "apply" : "plan", word);
        return fl_text_json(text);
    case FL_VERDICT_UNKNOWN: return json_string("flowlift doctor");
    case FL_VERDICT_IDLE:
    case FL_VERDICT_OFFLOADED:
    default: return json_null();
    }
}

/* Where no remedy tells how it was before, the first of several captures does. */
static void set_before(json_t *json, const struct fl_report *report, const struct fl_vm_audit *vm,
                       const struct fl_report_remedy *remedy)
{
    const json_t *first = json_object_get(report->points->first, fl_report_points_key(vm));

    if (json_is_object(remedy->before) || !report->request->n_from || !first ||
        json_array_size(report->points->all) < 2) {
        json_object_set(json, "before", remedy->before);
        json_object_set(json, "before_time", remedy->before_time);
        return;
    }
    json_object_set(json, "before", CONST_CAST(json_t *, first));
    json_object_set_new(json, "before_time", fl_text_json(report->points->first_time));
}

static void read_remedy(const struct fl_report *report, const struct fl_vm_audit *vm,
                        struct fl_report_remedy *remedy)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(report->reading->snapshot);

    if (report->has_store)
        fl_report_remedy_read(report->request->root, vm->vm ? vm->vm->id : NULL, vm->name, inv,
                              report->only ? report->plan : NULL,
                              report->only ? JOURNAL_OF_VM : JOURNAL_OF_HOST, remedy);
    else
        fl_report_remedy_unknown(inv, report->only ? report->plan : NULL, remedy);
}

json_t *fl_report_vm_json(const struct fl_report *report, const struct fl_vm_audit *vm)
{
    json_t *json = json_object();
    struct fl_report_remedy remedy;
    bool is_told;

    read_remedy(report, vm, &remedy);
    is_told = report->only || fl_verdict_is_bad(vm->verdict) || json_is_object(remedy.remedy);
    json_object_set_new(json, "host", fl_text_json(fl_snapshot_host(report->reading->snapshot)));
    json_object_set_new(json, "name", fl_text_json(vm->name));
    json_object_set_new(json, "id", fl_text_json(vm->vm ? vm->vm->id : NULL));
    json_object_set_new(json, "time", fl_time_json(fl_snapshot_time_ms(report->reading->snapshot)));
    json_object_set_new(json, "window_ms",
                        json_integer(fl_snapshot_window_ms(report->reading->snapshot)));
    json_object_set_new(json, "now", fl_vm_audit_to_json(vm));
    set_before(json, report, vm, &remedy);
    json_object_set(json, "after", remedy.after);
    json_object_set(json, "after_time", remedy.after_time);
    json_object_set_new(json, "peers", report->only ? peers_json(report, vm) : json_array());
    json_object_set_new(json, "told", json_boolean(is_told));
    if (is_told) {
        _cleanup_free char *words = fl_report_vm_words(json);

        json_object_set_new(json, "words", fl_text_json(words));
        set_causes(json, report, vm);
        json_object_set(json, "done", remedy.done);
        json_object_set_new(json, "next", next_json(vm, remedy.remedy));
        json_object_set(json, "remedy", remedy.remedy);
        json_object_set_new(json, "n_chains", json_integer((json_int_t)vm->n_findings));
        json_object_set_new(json, "chains", chains_json(report, vm));
        json_object_set_new(json, "points",
                            fl_report_points_merge(remedy.points,
                                                   json_object_get(report->points->by_vm,
                                                                   fl_report_points_key(vm))));
        json_object_set(json, "journal", remedy.journal);
        json_object_set_new(json, "unread", fl_text_json(remedy.unread));
    }
    fl_report_remedy_destroy(&remedy);
    return json;
}
