/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "agent/report_audit.h"
#include "flows/cleanup.h"
#include "lib/document.h"
#include "lib/store/remedies.h"
#include "lib/text.h"

/* The states, in the order in which they are counted. */
static const enum fl_remedy_state states[] = {
    FL_REMEDY_VERIFIED, FL_REMEDY_INSTALLED, FL_REMEDY_SUSPENDED,
    FL_REMEDY_PLANNED,  FL_REMEDY_REVERTED,
};

/* ---- The document ---- */

static json_t *event_json(const struct fl_last_event *event)
{
    json_t *json;

    if (!event) {
        return json_null();
    }
    json = json_object();
    json_object_set_new(json, "event", json_string(fl_guard_did_name(event->did)));
    json_object_set_new(json, "time", fl_time_json(event->time_ms));
    json_object_set_new(json, "reason", fl_text_json(event->reason));
    return json;
}

static json_t *remedy_json(const struct fl_remedy *remedy, const struct fl_events *events)
{
    json_t *json = json_object();

    json_object_set_new(json, "vm", fl_text_json(remedy->set.vm_name));
    json_object_set_new(json, "vm_id", fl_text_json(remedy->set.vm_id));
    json_object_set_new(json, "state", json_string(fl_remedy_state_name(remedy->state)));
    json_object_set_new(json, "reason", fl_text_json(remedy->reason));
    json_object_set_new(json, "changed", fl_time_json(remedy->changed_ms));
    json_object_set_new(json, "confirm_by", fl_time_json(remedy->confirm_by_ms));
    json_object_set_new(json, "until", fl_until_json(&remedy->until));
    json_object_set_new(json, "ticket", fl_text_json(remedy->ticket));
    json_object_set_new(json, "who", fl_text_json(remedy->who));
    json_object_set_new(json, "last_event", event_json(fl_events_last(events, remedy->set.vm_id)));
    return json;
}

static json_t *counts_json(const struct fl_remedy *list, size_t n)
{
    json_t *json = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        size_t count = 0;

        for (size_t j = 0; j < n; j++) {
            count += list[j].state == states[i];
        }
        json_object_set_new(json, fl_remedy_state_name(states[i]), json_integer((json_int_t)count));
    }
    return json;
}

static json_t *config_json(const struct fl_report_of *of)
{
    json_t *json = json_object();

    json_object_set_new(json, "read", fl_time_json(of->config_read_ms));
    json_object_set_new(json, "refused", fl_time_json(of->config_refused_ms));
    json_object_set_new(json, "reason",
                        of->config_refused_ms ? fl_text_json(of->config_why) : json_null());
    return json;
}

static json_t *event_counts_json(const struct fl_events *events)
{
    json_t *json = json_object();

    for (enum fl_guard_did did = 0; did < FL_GUARD_N_DID; did++) {
        json_object_set_new(json, fl_guard_did_name(did),
                            json_integer((json_int_t)events->counts[did]));
    }
    return json;
}

/* Return: why not all could be read, or null. */
static json_t *put_remedies(const struct fl_report_of *of, json_t *report)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy *list = NULL;
    json_t *remedies = json_array();
    struct fl_store *store;
    size_t n = 0;

    if (!fl_store_open(of->root, false, 0, &store, &err)) {
        fl_store_list(store, &list, &n, &err);
        fl_store_close(store);
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(remedies, remedy_json(&list[i], of->events));
    }
    json_object_set_new(report, "counts", counts_json(list, n));
    json_object_set_new(report, "remedies", remedies);
    fl_remedy_list_free(list, n);
    return err.code ? fl_text_json(err.text) : json_null();
}

json_t *fl_report(const struct fl_report_of *of)
{
    json_t *report = fl_document_here("agent-status");

    json_object_set_new(report, "version", json_string(FLOWLIFT_VERSION));
    json_object_set_new(report, "process", json_integer(getpid()));
    json_object_set_new(report, "since", fl_time_json(of->started_ms));
    json_object_set_new(report, "config", config_json(of));
    json_object_set_new(report, "events", event_counts_json(of->events));
    json_object_set_new(report, "incomplete", put_remedies(of, report));
    json_object_set_new(report, "audit", fl_report_audit(of->audit));
    json_object_set_new(report, "auto", fl_report_auto(of->repairs));
    json_object_set_new(report, "fleet", of->fleet ? fl_fleet_link_report(of->fleet) : json_null());
    return report;
}

/* ---- In words ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

char *fl_report_sentence(const json_t *report)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *counts = json_object_get(report, "counts");
    size_t n = json_array_size(json_object_get(report, "remedies"));
    const char *between = ": ";

    ds_put_format(&ds, "%zu %s", n, n == 1 ? "remedy" : "remedies");
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        const char *name = fl_remedy_state_name(states[i]);
        json_int_t count = json_integer_value(json_object_get(counts, name));

        if (count) {
            ds_put_format(&ds, "%s%" JSON_INTEGER_FORMAT " %s", between, count, name);
            between = ", ";
        }
    }
    return ds_steal_cstr(&ds);
}

static void put_line(struct ds *ds, const json_t *remedy)
{
    const json_t *event = json_object_get(remedy, "last_event");
    _cleanup_free char *name = fl_text_escaped(text_of(remedy, "vm"));
    const char *confirm_by = text_of(remedy, "confirm_by");
    const char *until = text_of(remedy, "until");

    ds_put_format(ds, "%s: %s since %s", name, text_of(remedy, "state"),
                  text_of(remedy, "changed"));
    if (confirm_by) {
        ds_put_format(ds, ", reverts at %s unless confirmed", confirm_by);
    }
    if (until) {
        ds_put_format(ds, ", stands until %s", until);
    }
    if (json_is_object(event)) {
        _cleanup_free char *reason = fl_text_escaped(text_of(event, "reason"));

        ds_put_format(ds, "; %s %s%s%s", text_of(event, "event"), text_of(event, "time"),
                      *reason ? ": " : "", reason);
    } else {
        ds_put_cstr(ds, "; not watched yet");
    }
    ds_put_char(ds, '\n');
}

/* A host of no fleet has no word of one. */
static void put_fleet(struct ds *ds, const json_t *fleet)
{
    _cleanup_free char *remote = NULL, *name = NULL, *trouble = NULL;

    if (!json_is_object(fleet)) {
        return;
    }
    remote = fl_text_escaped(text_of(fleet, "remote"));
    ds_put_format(ds, "fleet: %s to %s",
                  json_is_true(json_object_get(fleet, "connected")) ? "connected" : "not connected",
                  remote);
    if (text_of(fleet, "name")) {
        name = fl_text_escaped(text_of(fleet, "name"));
        ds_put_format(ds, " as %s", name);
    }
    if (text_of(fleet, "trouble")) {
        trouble = fl_text_escaped(text_of(fleet, "trouble"));
        ds_put_format(ds, ": %s", trouble);
    }
    ds_put_char(ds, '\n');
}

/* Those that were reverted are only counted: nobody has to do anything about them. */
char *fl_report_text(const json_t *report)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *config = json_object_get(report, "config"), *remedy;
    _cleanup_free char *sentence = fl_report_sentence(report);
    const char *incomplete = text_of(report, "incomplete");
    size_t i;

    ds_put_format(&ds, "flowlift-agent %s, process %" JSON_INTEGER_FORMAT ", since %s\n%s\n",
                  text_of(report, "version"),
                  json_integer_value(json_object_get(report, "process")), text_of(report, "since"),
                  sentence);
    if (text_of(config, "refused")) {
        _cleanup_free char *why = fl_text_escaped(text_of(config, "reason"));

        ds_put_format(&ds, "configuration refused %s, the one of %s is in use: %s\n",
                      text_of(config, "refused"), text_of(config, "read"), why);
    }
    if (incomplete) {
        _cleanup_free char *why = fl_text_escaped(incomplete);

        ds_put_format(&ds, "incomplete: %s\n", why);
    }
    json_array_foreach(json_object_get(report, "remedies"), i, remedy) {
        if (strcmp(text_of(remedy, "state"), fl_remedy_state_name(FL_REMEDY_REVERTED))) {
            put_line(&ds, remedy);
        }
    }
    put_fleet(&ds, json_object_get(report, "fleet"));
    fl_report_audit_text(report, &ds);
    return ds_steal_cstr(&ds);
}
