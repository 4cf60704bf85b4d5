/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/query_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/shash.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/fleet/steps.h"

int fl_fleet_results(const char *text, size_t n_text, size_t n, json_t **results,
                     struct fl_error *err)
{
    _cleanup_json json_t *reply = json_loadb(text, n_text, 0, NULL);
    const json_t *result = json_object_get(reply, "result"), *operation;
    _cleanup_json json_t *found = json_array();
    size_t i;

    if (!json_is_array(result)) {
        return fl_error_set(err, -EPROTO, "the fleet's database says what is no answer");
    }
    json_array_foreach(result, i, operation) {
        const char *error = json_string_value(json_object_get(operation, "error"));
        const char *details = json_string_value(json_object_get(operation, "details"));
        json_t *rows = json_object_get(operation, "rows");

        if (error) {
            return fl_error_set(err, -ENOENT, "the fleet's database refuses: %s%s%s", error,
                                details ? ": " : "", details ? details : "");
        }
        if (!json_is_array(rows)) {
            break;
        }
        json_array_append(found, rows);
    }
    if (json_array_size(found) != n) {
        return fl_error_set(err, -EPROTO, "the fleet's database answers less than was asked");
    }
    *results = json_incref(found);
    return 0;
}

/* ---- Values ---- */

static const char *text_of(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text && *text ? text : NULL;
}

/* A set of one is written as its member; @i: which one. Return: NULL past the last. */
static const json_t *member(const json_t *row, const char *column, size_t i)
{
    const json_t *value = json_object_get(row, column);
    const char *kind = json_string_value(json_array_get(value, 0));

    if (!json_is_array(value)) {
        return i ? NULL : value;
    }
    return kind && !strcmp(kind, "set") ? json_array_get(json_array_get(value, 1), i) : NULL;
}

/* Return: the pairs of a map, or NULL. */
static const json_t *pairs(const json_t *row, const char *column)
{
    const json_t *value = json_object_get(row, column);
    const char *kind = json_string_value(json_array_get(value, 0));

    return kind && !strcmp(kind, "map") ? json_array_get(value, 1) : NULL;
}

/* ---- Hosts ---- */

static void count_vms(const json_t *row, struct fl_fleet_host *host)
{
    const json_t *pair;
    size_t i;

    json_array_foreach(pairs(row, "verdicts"), i, pair) {
        json_int_t n = json_integer_value(json_array_get(pair, 1));
        enum fl_verdict verdict;

        if (fl_verdict_from_name(json_string_value(json_array_get(pair, 0)), &verdict) &&
            fl_verdict_is_well(verdict) && n > 0) {
            fl_fleet_count_vms(host, verdict, (size_t)n);
        }
    }
}

/* The only one, or what is not known. */
static struct fl_fleet_nic nic_of(const json_t *row)
{
    const json_t *nics = pairs(row, "nics");
    const json_t *pair = json_array_get(nics, 0);
    const char *firmware = json_string_value(json_array_get(pair, 1));

    if (json_array_size(nics) != 1) {
        return (struct fl_fleet_nic){ NULL, NULL };
    }
    return (struct fl_fleet_nic){ json_string_value(json_array_get(pair, 0)),
                                  firmware && *firmware ? firmware : NULL };
}

struct known_host {
    struct fl_fleet_host *host;
    struct fl_fleet_nic nic;
};

static int take_hosts(const json_t *rows, bool counts, struct fl_fleet *fleet, struct shash *known,
                      struct fl_error *err)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const struct fl_fleet_word word = {
            .name = text_of(row, "name"),
            .time_ms = json_integer_value(json_object_get(row, "audited")),
            .flowlift_version = text_of(row, "flowlift_version"),
            .ovs_version = text_of(row, "ovs_version"),
            .trouble = text_of(row, "incomplete"),
            .nic = nic_of(row),
        };
        struct known_host *entry;
        struct fl_fleet_host *host;
        int error = word.name ? fl_fleet_hear(fleet, &word, &host, err) : -ENOENT;

        if (error == -ENOENT || (!error && !host)) {
            continue;
        }
        if (error) {
            return error;
        }
        entry = xmalloc(sizeof *entry);
        *entry = (struct known_host){ host, nic_of(row) };
        free(shash_replace(known, word.name, entry));
        if (counts) {
            count_vms(row, host);
        }
    }
    return 0;
}

/* ---- VMs ---- */

/* @host, @id: or NULL */
static char *key_of(const char *host, const char *id)
{
    return host && id ? xasprintf("%s\n%s", host, id) : NULL;
}

/* Host and VM -> state of its repair, borrowed from @rows. */
static void note_repairs(const json_t *rows, struct shash *repairs)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const char *state = text_of(row, "state");
        _cleanup_free char *key = key_of(text_of(row, "host"), text_of(row, "vm_id"));

        if (key && state) {
            shash_replace(repairs, key, state);
        }
    }
}

static int take_vm(const json_t *row, const struct known_host *entry, const struct shash *repairs,
                   struct fl_fleet *fleet, struct fl_error *err)
{
    const json_t *share = member(row, "hw_share", 0);
    _cleanup_free char *key = key_of(text_of(row, "host"), text_of(row, "vm_id"));
    const char *causes[FL_FLEET_MAX_CAUSES];
    struct fl_fleet_vm vm = {
        .name = text_of(row, "name"),
        .id = text_of(row, "vm_id"),
        .scope = fl_scope_from_name(text_of(row, "scope")),
        .causes = causes,
        .nic = entry->nic,
        .remedy = key ? shash_find_data(repairs, key) : NULL,
        .hw_share = json_is_number(share) ? json_number_value(share) : -1,
        .window_ms = 1000,
        .has_counts = true,
        .packets_hw = FL_COUNT_UNKNOWN,
        .packets_sw = FL_COUNT_UNKNOWN,
        .bytes_hw = FL_COUNT_UNKNOWN,
        .bytes_sw = (uint64_t)MAX(json_integer_value(json_object_get(row, "sw_rate")), 0),
    };

    if (!vm.name) {
        vm.name = vm.id;
    }
    if (!vm.name || !fl_verdict_from_name(text_of(row, "verdict"), &vm.verdict)) {
        return 0;
    }
    for (const json_t *cause; vm.n_causes < FL_FLEET_MAX_CAUSES &&
                              (cause = member(row, "causes", vm.n_causes)) != NULL &&
                              json_is_string(cause);) {
        causes[vm.n_causes++] = json_string_value(cause);
    }
    return fl_fleet_add_vm(fleet, entry->host, &vm, err);
}

/* Of one that is well: what there is to count of it is on its host. */
static int take_well(const json_t *pair, enum fl_verdict verdict, const struct known_host *entry,
                     const struct shash *repairs, struct fl_fleet *fleet, struct fl_error *err)
{
    const char *id = json_string_value(json_array_get(pair, 0));
    const char *name = json_string_value(json_array_get(pair, 1));
    _cleanup_free char *key = key_of(entry->host->name, id);
    struct fl_fleet_vm vm = {
        .name = name && *name ? name : id,
        .id = id,
        .verdict = verdict,
        .nic = entry->nic,
        .remedy = key ? shash_find_data(repairs, key) : NULL,
        .hw_share = -1,
        .packets_hw = FL_COUNT_UNKNOWN,
        .packets_sw = FL_COUNT_UNKNOWN,
        .bytes_hw = FL_COUNT_UNKNOWN,
        .bytes_sw = FL_COUNT_UNKNOWN,
    };

    return id && *id ? fl_fleet_add_vm(fleet, entry->host, &vm, err) : 0;
}

static int take_all_well(const json_t *row, const struct shash *known, const struct shash *repairs,
                         struct fl_fleet *fleet, struct fl_error *err)
{
    static const enum fl_verdict verdicts[] = { FL_VERDICT_OFFLOADED, FL_VERDICT_IDLE };
    const char *name = text_of(row, "name");
    const struct known_host *entry = name ? shash_find_data(known, name) : NULL;
    int error = 0;

    for (size_t i = 0; entry && i < ARRAY_SIZE(verdicts); i++) {
        const json_t *pair;
        size_t j;

        json_array_foreach(pairs(row, fl_verdict_name(verdicts[i])), j, pair) {
            error = error ? error : take_well(pair, verdicts[i], entry, repairs, fleet, err);
        }
    }
    return error;
}

int fl_fleet_take_rows(const json_t *results, bool counts, struct fl_fleet *fleet,
                       struct fl_error *err)
{
    struct shash known = SHASH_INITIALIZER(&known), repairs = SHASH_INITIALIZER(&repairs);
    const json_t *row;
    size_t i;
    int error = take_hosts(json_array_get(results, 0), counts, fleet, &known, err);

    note_repairs(json_array_get(results, 2), &repairs);
    json_array_foreach(json_array_get(results, 1), i, row) {
        const char *host = text_of(row, "host");
        const struct known_host *entry = host ? shash_find_data(&known, host) : NULL;

        if (!error && entry) {
            error = take_vm(row, entry, &repairs, fleet, err);
        }
    }
    /* Last: a VM that is told both ways is not well. */
    json_array_foreach(json_array_get(results, 0), i, row) {
        error = error ? error : take_all_well(row, &known, &repairs, fleet, err);
    }
    shash_destroy_free_data(&known);
    shash_destroy(&repairs);
    return error;
}

/* ---- Steps ---- */

static int compare_steps(const void *a_, const void *b_)
{
    json_t *const *a = a_, *const *b = b_;

    return strcmp(json_string_value(json_object_get(*a, "time")),
                  json_string_value(json_object_get(*b, "time")));
}

/* A column has no null: what is not known is an empty text there. */
static void forget_empty(json_t *step)
{
    static const char *const keys[] = { "reason", "who", "ticket" };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *text = json_string_value(json_object_get(step, keys[i]));

        if (!text || !*text) {
            json_object_set_new(step, keys[i], json_null());
        }
    }
}

static void take_steps(const json_t *rows, json_t *all)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const json_t *text;

        for (size_t j = 0; (text = member(row, "steps", j)) != NULL; j++) {
            json_t *step = json_is_string(text) ? fl_fleet_step_read(json_string_value(text))
                                                : NULL;
            json_t *host = json_object_get(row, "host");

            if (step) {
                forget_empty(step);
                json_object_set(step, "vm", json_object_get(row, "name"));
                json_object_set(step, "vm_id", json_object_get(row, "vm_id"));
                json_object_set_new(step, "host", host ? json_incref(host) : json_null());
                json_array_append_new(all, step);
            }
        }
    }
}

json_t *fl_fleet_take_steps(const json_t *results)
{
    _cleanup_json json_t *all = json_array();
    json_t *sorted = json_array();
    _cleanup_free json_t **steps = NULL;
    size_t n;

    take_steps(json_array_get(results, 0), all);
    take_steps(json_array_get(results, 1), all);
    n = json_array_size(all);
    steps = xcalloc(n + 1, sizeof *steps);
    for (size_t i = 0; i < n; i++) {
        steps[i] = json_array_get(all, i);
    }
    qsort(steps, n, sizeof *steps, compare_steps);
    for (size_t i = 0; i < n; i++) {
        json_array_append(sorted, steps[i]);
    }
    return sorted;
}
