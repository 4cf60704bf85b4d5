/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_remedy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/plan_view.h"
#include "cli/report_points.h"
#include "flows/cleanup.h"
#include "lib/document.h"
#include "lib/store/journal.h"
#include "lib/store/remedies.h"
#include "lib/text.h"

static json_t *or_null(const json_t *json)
{
    return json ? json_incref(CONST_CAST(json_t *, json)) : json_null();
}

static size_t n_rules(const struct fl_flowset *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_rules; i++)
        n += !set->rules[i].decoy;
    return n;
}

/* What a remedy and a plan have in common. */
static json_t *set_json(const struct fl_flowset *set, const struct fl_inventory *inv)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "cookie",
                     json_sprintf("0x%" PRIx64, set->cookie), "rules", fl_plan_rules_json(set, inv),
                     "relaxations", fl_plan_relaxations_json(set), "exceptions",
                     fl_plan_exceptions_json(set), "regions", (json_int_t)set->n_regions, "traces",
                     (json_int_t)set->n_traces, "proof_ms", (json_int_t)set->proof_ms);
}

static json_t *remedy_json(const struct fl_remedy *remedy, const struct fl_inventory *inv)
{
    json_t *json = set_json(&remedy->set, inv);

    json_object_set_new(json, "state", json_string(fl_remedy_state_name(remedy->state)));
    json_object_set_new(json, "reason", fl_text_json(remedy->reason));
    json_object_set_new(json, "ticket", fl_text_json(remedy->ticket));
    json_object_set_new(json, "who", fl_text_json(remedy->who));
    json_object_set_new(json, "created", fl_time_json(remedy->created_ms));
    json_object_set_new(json, "changed", fl_time_json(remedy->changed_ms));
    json_object_set_new(json, "confirm_by", fl_time_json(remedy->confirm_by_ms));
    json_object_set_new(json, "until", fl_until_json(&remedy->until));
    return json;
}

static json_t *plan_json(const struct fl_flowset *plan, const struct fl_inventory *inv)
{
    json_t *json = set_json(plan, inv);

    json_object_set_new(json, "state", json_string("planned"));
    for (const char *const *key = (const char *const[]){ "reason", "ticket", "who", "created",
                                                         "changed", "confirm_by", "until", NULL };
         *key; key++)
        json_object_set_new(json, *key, json_null());
    return json;
}

/* "2 rules carry its storage traffic, and packets have shown that: ..." */
static const char *state_words(enum fl_remedy_state state)
{
    switch (state) {
    case FL_REMEDY_VERIFIED: return "installed, and verified in counters";
    case FL_REMEDY_INSTALLED: return "installed, and not verified yet";
    case FL_REMEDY_REVERTED: return "installed, and taken out again";
    case FL_REMEDY_SUSPENDED: return "installed, and taken out by the guard for now";
    case FL_REMEDY_PLANNED:
    default: return "planned";
    }
}

static json_t *done_words(const struct fl_remedy *remedy)
{
    const size_t n = n_rules(&remedy->set);
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    ds_put_format(&ds, "%zu OpenFlow rule%s %s %s", n, n == 1 ? "" : "s", n == 1 ? "was" : "were",
                  state_words(remedy->state));
    if (remedy->who)
        ds_put_format(&ds, ", by %s", remedy->who);
    if (remedy->ticket)
        ds_put_format(&ds, " for ticket %s", remedy->ticket);
    if (remedy->reason)
        ds_put_format(&ds, ": %s", remedy->reason);
    ds_chomp(&ds, '.');
    ds_put_char(&ds, '.');
    json = fl_text_json(ds_cstr(&ds));
    ds_destroy(&ds);
    return json;
}

static const char *string_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text ? text : "unknown";
}

/* Flows that were offered again leave no remedy, and may be all that it took. */
static void take_reoffer(const json_t *lines, struct fl_report_remedy *result)
{
    const size_t n = json_array_size(lines);
    const json_t *line = n ? json_array_get(lines, n - 1) : NULL;
    _cleanup_free char *text = NULL;

    if (!line || strcmp(string_of(line, "step"), "reoffer"))
        return;
    text = xasprintf("Open vSwitch was made to offer the flows to the NIC again, by %s: %s. No "
                     "rule stays in the switch.",
                     string_of(line, "who"), string_of(line, "reason"));
    json_decref(result->done);
    result->done = fl_text_json(text);
    result->before = or_null(json_object_get(line, "before"));
    result->after = or_null(json_object_get(line, "after"));
    result->before_time = or_null(json_object_get(line, "time"));
    result->after_time = or_null(json_object_get(line, "time"));
}

/* The lines as a page lists them: what they say of traffic is in the points. */
static json_t *journal_json(const json_t *lines, size_t max_lines)
{
    const size_t n = json_array_size(lines);
    json_t *journal = json_array();

    for (size_t i = n > max_lines ? n - max_lines : 0; i < n; i++) {
        json_t *line = json_copy(json_array_get(lines, i));

        json_object_del(line, "before");
        json_object_del(line, "after");
        json_array_append_new(journal, line);
    }
    return journal;
}

static void set_unread(struct fl_report_remedy *result, const struct fl_error *err)
{
    if (!result->unread)
        result->unread = xstrdup(err->text);
}

static void read_remedy(const char *root, const char *vm_id, const struct fl_inventory *inv,
                        struct fl_report_remedy *result)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy;
    int error = fl_store_read(root, vm_id, &remedy, &err);

    if (error && error != -ENOENT)
        set_unread(result, &err);
    if (error)
        return;
    result->remedy = remedy_json(&remedy, inv);
    result->before = or_null(remedy.before);
    result->after = or_null(remedy.after);
    result->before_time = fl_time_json(remedy.created_ms);
    result->after_time = remedy.after ? fl_time_json(remedy.changed_ms) : json_null();
    result->done = done_words(&remedy);
    fl_remedy_destroy(&remedy);
}

/* Nothing was said yet of what is NULL. */
static void fill_up(const struct fl_inventory *inv, const struct fl_flowset *plan,
                    struct fl_report_remedy *result)
{
    json_t **const values[] = { &result->remedy, &result->before, &result->after,
                                &result->before_time, &result->after_time };

    if (!result->remedy && plan)
        result->remedy = plan_json(plan, inv);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (!*values[i])
            *values[i] = json_null();
    }
}

void fl_report_remedy_read(const char *root, const char *vm_id, const char *vm_name,
                           const struct fl_inventory *inv, const struct fl_flowset *plan,
                           size_t max_lines, struct fl_report_remedy *result)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *lines = fl_journal_read(root, vm_id ? vm_id : vm_name, 0, NULL, &err);

    *result = (struct fl_report_remedy){ .remedy = NULL };
    if (vm_id)
        read_remedy(root, vm_id, inv, result);
    if (!lines)
        set_unread(result, &err);
    if (!result->remedy) {
        result->done = json_string(
            result->unread ? "Not known: not all could be read of what flowlift keeps of this VM."
                           : "Nothing was changed: there is no remedy of this VM.");
        take_reoffer(lines, result);
    }
    result->journal = journal_json(lines, max_lines);
    result->points = fl_report_points_of_journal(lines);
    fill_up(inv, plan, result);
}

void fl_report_remedy_unknown(const struct fl_inventory *inv, const struct fl_flowset *plan,
                              struct fl_report_remedy *result)
{
    *result = (struct fl_report_remedy){
        .done = json_string(
            "Not known: this report is made from files, without those that flowlift "
            "keeps of remedies on that host."),
        .journal = json_array(),
        .points = json_array(),
    };
    fill_up(inv, plan, result);
}

void fl_report_remedy_destroy(struct fl_report_remedy *remedy)
{
    json_decref(remedy->remedy);
    json_decref(remedy->before);
    json_decref(remedy->after);
    json_decref(remedy->before_time);
    json_decref(remedy->after_time);
    json_decref(remedy->journal);
    json_decref(remedy->points);
    json_decref(remedy->done);
    free(remedy->unread);
}
