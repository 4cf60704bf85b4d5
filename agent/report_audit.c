/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report_audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/text.h"

/* VMs that the text names; the document has all. */
#define MOST_VMS 20

/* ---- The document ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Those keys of @object, or null. */
static json_t *some_of(const json_t *object, const char *const *keys, size_t n)
{
    json_t *json = json_object();

    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(object, keys[i]);

        json_object_set_new(json, keys[i], value ? json_incref(value) : json_null());
    }
    return json;
}

static json_t *bad_vms_json(const json_t *document)
{
    static const char *const keys[] = { "name", "id", "verdict", "scope", "causes", "reason" };
    json_t *json = json_array();
    const json_t *vm;
    size_t i;

    json_array_foreach(json_object_get(document, "vms"), i, vm) {
        if (fl_audit_document_vm_is_bad(vm)) {
            json_array_append_new(json, some_of(vm, keys, ARRAY_SIZE(keys)));
        }
    }
    return json;
}

/* Of the last audit that succeeded. */
static json_t *last_json(const struct fl_audit_timer *timer)
{
    static const char *const keys[] = { "summary", "host_causes", "incomplete" };
    json_t *json;

    if (!timer->last) {
        return json_null();
    }
    json = some_of(timer->last, keys, ARRAY_SIZE(keys));
    json_object_set_new(json, "time", fl_time_json(timer->last_ms));
    json_object_set_new(json, "took_ms", json_integer(timer->last_took_ms));
    json_object_set_new(json, "bad", bad_vms_json(timer->last));
    return json;
}

static json_t *failure_json(const struct fl_audit_timer *timer)
{
    return timer->failure
               ? json_pack("{s:o, s:I, s:o}", "since", fl_time_json(timer->failed_ms), "times",
                           (json_int_t)timer->n_in_a_row, "reason", fl_text_json(timer->failure))
               : json_null();
}

json_t *fl_report_audit(const struct fl_audit_timer *timer)
{
    return json_pack("{s:o, s:o, s:b, s:o, s:I, s:I}", "last", last_json(timer), "failure",
                     failure_json(timer), "running", (int)fl_worker_is_busy(&timer->worker), "next",
                     fl_time_json(fl_audit_timer_next_ms(timer)), "ok", (json_int_t)timer->n_ok,
                     "failed", (json_int_t)timer->n_failed);
}

static json_t *holds_json(const struct fl_auto_limits *limits, int64_t now_ms)
{
    json_t *json = json_array();

    for (size_t i = 0; i < limits->n_holds; i++) {
        const struct fl_auto_hold *hold = &limits->holds[i];

        if (hold->until_ms > now_ms) {
            json_array_append_new(json, json_pack("{s:o, s:o, s:o, s:I, s:o}", "vm",
                                                  fl_text_json(hold->vm_name), "vm_id",
                                                  fl_text_json(hold->vm_id), "until",
                                                  fl_time_json(hold->until_ms), "failed",
                                                  (json_int_t)hold->n_failed, "reason",
                                                  fl_text_json(hold->reason)));
        }
    }
    return json;
}

static json_t *stopped_json(const struct fl_auto_limits *limits, int64_t now_ms)
{
    int64_t until_ms = fl_auto_stopped_until_ms(limits, now_ms);

    return until_ms
               ? json_pack("{s:o, s:o, s:o}", "since", fl_time_json(limits->stopped_ms), "until",
                           fl_time_json(until_ms), "reason", fl_text_json(limits->stop_reason))
               : json_null();
}

static json_t *waiting_json(const struct fl_auto *repairs)
{
    json_t *json = json_array();

    for (size_t i = 0; i < repairs->n_queue; i++) {
        json_array_append_new(json, fl_text_json(repairs->queue[i].name));
    }
    return json;
}

static json_t *ends_json(const struct fl_auto *repairs)
{
    json_t *json = json_object();

    for (enum fl_auto_end end = FL_AUTO_DONE; end < FL_AUTO_N_ENDS; end++) {
        json_object_set_new(json, fl_auto_end_name(end),
                            json_integer((json_int_t)repairs->ends[end]));
    }
    return json;
}

json_t *fl_report_auto(const struct fl_auto *repairs)
{
    const struct fl_config *config = repairs->op.config;
    int64_t now_ms = fl_time_now_ms();

    return json_pack("{s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "mode", config->agent_auto,
                     "max_per_hour", config->agent_max_repairs_per_hour, "last_hour",
                     (json_int_t)fl_auto_n_attempts(&repairs->limits, now_ms), "repairing",
                     fl_text_json(repairs->now.name), "waiting", waiting_json(repairs),
                     "left_alone", holds_json(&repairs->limits, now_ms), "stopped",
                     stopped_json(&repairs->limits, now_ms), "unreadable",
                     fl_text_json(repairs->unreadable), "repairs", ends_json(repairs));
}

/* ---- In words ---- */

static void put_vm(const json_t *vm, struct ds *ds)
{
    const char *scope = text_of(vm, "scope");
    const char *cause = json_string_value(json_array_get(json_object_get(vm, "causes"), 0));
    _cleanup_free char *name = fl_text_escaped(text_of(vm, "name"));

    ds_put_format(ds, "  %s: %s, scope %s%s%s\n", name, text_of(vm, "verdict"),
                  scope ? scope : "unknown", cause ? ", " : "", cause ? cause : "");
}

static void put_last(const json_t *last, struct ds *ds)
{
    const json_t *bad = json_object_get(last, "bad"), *count, *vm;
    const char *incomplete = text_of(last, "incomplete");
    const char *verdict, *between = ": ";
    size_t i, n = json_array_size(bad);

    ds_put_format(ds, "audit of %s: %" JSON_INTEGER_FORMAT " VMs", text_of(last, "time"),
                  json_integer_value(json_object_get(json_object_get(last, "summary"), "vms")));
    json_object_foreach(json_object_get(last, "summary"), verdict, count) {
        if (strcmp(verdict, "vms") && json_integer_value(count)) {
            ds_put_format(ds, "%s%" JSON_INTEGER_FORMAT " %s", between, json_integer_value(count),
                          verdict);
            between = ", ";
        }
    }
    ds_put_char(ds, '\n');
    json_array_foreach(bad, i, vm) {
        if (i < MOST_VMS) {
            put_vm(vm, ds);
        }
    }
    if (n > MOST_VMS) {
        ds_put_format(ds, "  and %zu more\n", n - MOST_VMS);
    }
    if (incomplete) {
        _cleanup_free char *why = fl_text_escaped(incomplete);

        ds_put_format(ds, "  incomplete: %s\n", why);
    }
}

static void put_audit(const json_t *audit, struct ds *ds)
{
    const json_t *failure = json_object_get(audit, "failure");
    const json_t *last = json_object_get(audit, "last");

    if (json_is_object(failure)) {
        _cleanup_free char *why = fl_text_escaped(text_of(failure, "reason"));

        ds_put_format(ds, "audit failed, %" JSON_INTEGER_FORMAT " times since %s: %s\n",
                      json_integer_value(json_object_get(failure, "times")),
                      text_of(failure, "since"), why);
    }
    if (json_is_object(last)) {
        put_last(last, ds);
    } else if (!json_is_object(failure)) {
        ds_put_cstr(ds, "no audit yet\n");
    }
}

static void put_waiting(const json_t *waiting, struct ds *ds)
{
    const json_t *vm;
    size_t i;

    if (!json_array_size(waiting)) {
        return;
    }
    ds_put_cstr(ds, "  waiting:");
    json_array_foreach(waiting, i, vm) {
        _cleanup_free char *name = fl_text_escaped(json_string_value(vm));

        if (i < MOST_VMS) {
            ds_put_format(ds, "%s %s", i ? "," : "", name);
        }
    }
    if (i > MOST_VMS) {
        ds_put_format(ds, " and %zu more", i - MOST_VMS);
    }
    ds_put_char(ds, '\n');
}

static void put_left_alone(const json_t *holds, struct ds *ds)
{
    const json_t *hold;
    size_t i;

    json_array_foreach(holds, i, hold) {
        _cleanup_free char *name = fl_text_escaped(text_of(hold, "vm"));
        _cleanup_free char *why = fl_text_escaped(text_of(hold, "reason"));

        if (i < MOST_VMS) {
            ds_put_format(ds, "  %s: left alone until %s: %s\n", name, text_of(hold, "until"), why);
        }
    }
    if (i > MOST_VMS) {
        ds_put_format(ds, "  and %zu more are left alone\n", i - MOST_VMS);
    }
}

static void put_auto(const json_t *json, struct ds *ds)
{
    const json_t *stopped = json_object_get(json, "stopped");
    const char *unreadable = text_of(json, "unreadable");

    ds_put_format(ds, "auto = %s", text_of(json, "mode"));
    if (strcmp(text_of(json, "mode"), "repair")) {
        ds_put_char(ds, '\n');
        return;
    }
    ds_put_format(ds, ": %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " repairs in an hour",
                  json_integer_value(json_object_get(json, "last_hour")),
                  json_integer_value(json_object_get(json, "max_per_hour")));
    if (text_of(json, "repairing")) {
        _cleanup_free char *name = fl_text_escaped(text_of(json, "repairing"));

        ds_put_format(ds, ", now of %s", name);
    }
    ds_put_char(ds, '\n');
    if (unreadable) {
        _cleanup_free char *why = fl_text_escaped(unreadable);

        ds_put_format(ds, "  nobody is repaired: %s\n", why);
    }
    if (json_is_object(stopped)) {
        _cleanup_free char *why = fl_text_escaped(text_of(stopped, "reason"));

        ds_put_format(ds, "  stopped until %s or auto-resume: %s\n", text_of(stopped, "until"),
                      why);
    }
    put_waiting(json_object_get(json, "waiting"), ds);
    put_left_alone(json_object_get(json, "left_alone"), ds);
}

void fl_report_audit_text(const json_t *report, struct ds *ds)
{
    put_audit(json_object_get(report, "audit"), ds);
    put_auto(json_object_get(report, "auto"), ds);
}
