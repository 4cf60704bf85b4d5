/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/overview_audit.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"

#define SCHEMA "flowlift/audit/1"
/* Of a sentence ("incomplete") or a version. */
#define MAX_TEXT 4096u
/* So that sums of what hosts say stay in 64 bits. */
#define MAX_COUNT (INT64_C(1) << 60)
/* A day and more: no window of flowlift is that long. */
#define MAX_WINDOW_MS (INT64_C(1) << 40)

static bool says_nothing(const char *host)
{
    return !host || !*host || !strcmp(host, "unknown") || !strncmp(host, "localhost", 9);
}

static int read_time(const json_t *document, int64_t *time_ms, struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(document, "", "time", FL_TIME_TEXT_BYTES + 6, &text, err);

    if (!error && text && !fl_time_parse(text, time_ms))
        return fl_error_set(err, -EINVAL, "time must be as in 2026-03-01T12:00:00Z");
    return error;
}

static int read_word(const json_t *document, const char *label, struct fl_fleet_word *word,
                     struct fl_error *err)
{
    const char *schema;
    int error = fl_json_object(document, "", err);

    error = error ? error : fl_json_string(document, "", "schema", MAX_TEXT, &schema, err);
    if (!error && strcmp(schema, SCHEMA))
        error = fl_error_set(err, -EINVAL, "schema must be \"" SCHEMA "\", and is \"%.64s\"",
                             schema);
    *word = (struct fl_fleet_word){ 0 };
    error = error ? error
                  : fl_json_string_or_null(document, "", "host", FL_LIMIT_NAME_BYTES, &word->name,
                                           err);
    error = error ? error : read_time(document, &word->time_ms, err);
    error = error ? error
                  : fl_json_string_or_null(document, "", "flowlift_version", MAX_TEXT,
                                           &word->flowlift_version, err);
    error = error ? error
                  : fl_json_string_or_null(document, "", "ovs_version", MAX_TEXT,
                                           &word->ovs_version, err);
    error = error
                ? error
                : fl_json_string_or_null(document, "", "incomplete", MAX_TEXT, &word->trouble, err);
    if (error)
        return error;
    if (says_nothing(word->name) && label && *label)
        word->name = label;
    if (!word->name || !*word->name)
        return fl_error_set(err, -EINVAL, "host must say whose audit it is");
    return 0;
}

static int read_verdict(const json_t *json, enum fl_verdict *verdict, struct fl_error *err)
{
    const char *text;
    int error = fl_json_string(json, "", "verdict", FL_LIMIT_NAME_BYTES, &text, err);

    if (error || fl_verdict_from_name(text, verdict))
        return error;
    return fl_error_set(err, -EINVAL, "verdict is \"%.64s\", which is none", text);
}

static int read_scope(const json_t *json, enum fl_scope *scope, struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(json, "", "scope", FL_LIMIT_NAME_BYTES, &text, err);

    if (error)
        return error;
    *scope = fl_scope_from_name(text);
    if (text && *scope == FL_SCOPE_NONE)
        return fl_error_set(err, -EINVAL, "scope is \"%.64s\", which is none", text);
    return 0;
}

static int read_share(const json_t *json, double *share, struct fl_error *err)
{
    const json_t *value = json_object_get(json, "hw_share");

    *share = -1;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1)
        return fl_error_set(err, -EINVAL, "hw_share must be a number from 0 to 1, or null");
    *share = json_number_value(value);
    return 0;
}

/* Ids of causes, into @ids. */
static int read_causes(const json_t *json, const char *ids[FL_FLEET_MAX_CAUSES],
                       struct fl_fleet_vm *vm, struct fl_error *err)
{
    const json_t *array;
    int error = fl_json_array(json, "", "causes", FL_LIMIT_NAME_BYTES, &array, err);

    for (size_t i = 0; !error && i < MIN(json_array_size(array), FL_FLEET_MAX_CAUSES); i++) {
        const char *id = json_string_value(json_array_get(array, i));

        if (!id || !*id || strlen(id) > FL_LIMIT_NAME_BYTES)
            return fl_error_set(err, -EINVAL, "causes must be ids of causes");
        ids[vm->n_causes++] = id;
    }
    vm->causes = ids;
    return error;
}

/* Packets or bytes by path; all are null where nothing was counted (judged by ports). */
static int read_counts(const json_t *storage, const char *key, uint64_t *hw, uint64_t *sw,
                       bool *has_counts, struct fl_error *err)
{
    const json_t *counts = json_object_get(storage, key);

    if (!counts || json_is_null(counts) || json_is_null(json_object_get(counts, "hw")))
        return 0;
    if (fl_json_object(counts, key, err))
        return -EINVAL;
    for (enum fl_path path = 0; path < FL_PATH_UNKNOWN; path++) {
        int64_t count;

        if (fl_json_integer(counts, key, fl_path_key(path), 0, MAX_COUNT, 0, &count, err))
            return -EINVAL;
        *(path == FL_PATH_HW ? hw : sw) += (uint64_t)count;
    }
    *has_counts = true;
    return 0;
}

static int read_storage(const json_t *json, struct fl_fleet_vm *vm, struct fl_error *err)
{
    const json_t *storage = json_object_get(json, "storage");
    bool has_bytes = false;
    int error = fl_json_object(storage, "storage", err);

    error = error ? error
                  : read_counts(storage, "packets", &vm->packets_hw, &vm->packets_sw,
                                &vm->has_counts, err);
    return error ? error
                 : read_counts(storage, "bytes", &vm->bytes_hw, &vm->bytes_sw, &has_bytes, err);
}

/* Not there in an audit of flowlift 0.1. */
static int read_nic(const json_t *json, struct fl_fleet_nic *nic, struct fl_error *err)
{
    const json_t *object = json_object_get(json, "nic");
    int error = 0;

    if (!object || json_is_null(object))
        return 0;
    error = fl_json_object(object, "nic", err);
    error = error ? error
                  : fl_json_string_or_null(object, "nic", "driver", FL_LIMIT_NAME_BYTES,
                                           &nic->driver, err);
    return error ? error
                 : fl_json_string_or_null(object, "nic", "firmware", FL_LIMIT_NAME_BYTES,
                                          &nic->firmware, err);
}

static int add_vm(struct fl_fleet *fleet, struct fl_fleet_host *host, const json_t *json,
                  int64_t window_ms, struct fl_error *err)
{
    struct fl_fleet_vm vm = { .window_ms = window_ms };
    const char *causes[FL_FLEET_MAX_CAUSES];
    int error = fl_json_object(json, "vms", err);

    error = error ? error : fl_json_string(json, "", "name", FL_LIMIT_NAME_BYTES, &vm.name, err);
    error = error ? error
                  : fl_json_string_or_null(json, "", "id", FL_LIMIT_NAME_BYTES, &vm.id, err);
    error = error ? error : read_verdict(json, &vm.verdict, err);
    error = error ? error : read_scope(json, &vm.scope, err);
    error = error ? error : read_share(json, &vm.hw_share, err);
    error = error ? error : read_causes(json, causes, &vm, err);
    error = error ? error : read_storage(json, &vm, err);
    error = error ? error : read_nic(json, &vm.nic, err);
    return error ? error : fl_fleet_add_vm(fleet, host, &vm, err);
}

int fl_fleet_add_audit(struct fl_fleet *fleet, const json_t *document, const char *label,
                       struct fl_error *err)
{
    struct fl_fleet_host *host = NULL;
    const json_t *vms = NULL;
    struct fl_fleet_word word;
    int64_t window_ms = 0;
    int error = read_word(document, label, &word, err);

    error = error
                ? error
                : fl_json_integer(document, "", "window_ms", 0, MAX_WINDOW_MS, 0, &window_ms, err);
    error = error ? error : fl_json_array(document, "", "vms", FL_LIMIT_PORTS, &vms, err);
    error = error ? error : fl_fleet_hear(fleet, &word, &host, err);
    if (error || !host)
        return error;
    if (!vms)
        return add_vm(fleet, host, document, window_ms, err);
    for (size_t i = 0; error != -E2BIG && i < json_array_size(vms); i++) {
        int error_here = add_vm(fleet, host, json_array_get(vms, i), window_ms, err);

        error = error ? error : error_here;
    }
    return error;
}
