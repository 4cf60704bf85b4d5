/* SPDX-License-Identifier: Apache-2.0 */

/* The limits on disk. A file that is not wholly as it was written is none: nothing in it is guessed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "agent/auto_limits.h"
#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/text.h"

#define SCHEMA          "flowlift/auto/1"
#define MOST_FAILED     1000000
#define STOP_REASON_MAX 1024
/* A byte that is no UTF-8 becomes three. */
#define MOST_NAME_BYTES (3 * FL_LIMIT_NAME_BYTES)

static const char *const end_names[FL_AUTO_N_ENDS] = {
    [FL_AUTO_UNDER_WAY] = "under-way", [FL_AUTO_DONE] = "done",
    [FL_AUTO_REOFFERED] = "reoffered", [FL_AUTO_NEEDLESS] = "needless",
    [FL_AUTO_REFUSED] = "refused",     [FL_AUTO_UNVERIFIED] = "unverified",
    [FL_AUTO_TROUBLE] = "trouble",
};

const char *fl_auto_end_name(enum fl_auto_end end)
{
    return end_names[end];
}

/* ---- Written ---- */

static json_t *attempt_json(const struct fl_auto_attempt *attempt)
{
    return json_pack("{s:o, s:o, s:o, s:s}", "vm", fl_text_json(attempt->vm_name), "vm_id",
                     fl_text_json(attempt->vm_id), "began", fl_time_json(attempt->began_ms), "end",
                     fl_auto_end_name(attempt->end));
}

static json_t *hold_json(const struct fl_auto_hold *hold)
{
    return json_pack("{s:o, s:o, s:I, s:o, s:o}", "vm", fl_text_json(hold->vm_name), "vm_id",
                     fl_text_json(hold->vm_id), "failed", (json_int_t)hold->n_failed, "until",
                     fl_time_json(hold->until_ms), "reason", fl_text_json(hold->reason));
}

json_t *fl_auto_to_json(const struct fl_auto_limits *limits)
{
    json_t *attempts = json_array(), *holds = json_array();

    for (size_t i = 0; i < limits->n_attempts; i++) {
        json_array_append_new(attempts, attempt_json(&limits->attempts[i]));
    }
    for (size_t i = 0; i < limits->n_holds; i++) {
        json_array_append_new(holds, hold_json(&limits->holds[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", SCHEMA, "attempts", attempts, "holds",
                     holds, "stopped", fl_time_json(limits->stopped_ms), "stop_reason",
                     fl_text_json(limits->stop_reason));
}

/* ---- Read ---- */

static int read_text(const json_t *json, const char *where, const char *key, size_t max,
                     char **text, struct fl_error *err)
{
    const char *value;
    int error = fl_json_string(json, where, key, max, &value, err);

    if (!error) {
        *text = xstrdup(value);
    }
    return error;
}

static int read_time(const json_t *json, const char *where, const char *key, int64_t *time_ms,
                     struct fl_error *err)
{
    const char *value;
    int error = fl_json_string(json, where, key, FL_TIME_TEXT_BYTES, &value, err);

    if (!error && (!fl_time_parse(value, time_ms) || *time_ms <= 0)) {
        error = fl_error_set(err, -EINVAL, "%s.%s must be a time such as 2026-01-31T12:00:00.000Z",
                             where, key);
    }
    return error;
}

static int read_end(const json_t *json, const char *where, enum fl_auto_end *end,
                    struct fl_error *err)
{
    const char *value;
    int error = fl_json_string(json, where, "end", 32, &value, err);

    for (enum fl_auto_end i = 0; !error && i < FL_AUTO_N_ENDS; i++) {
        if (!strcmp(value, end_names[i])) {
            *end = i;
            return 0;
        }
    }
    return error ? error : fl_error_set(err, -EINVAL, "%s.end is none that there is", where);
}

static int read_attempt(const json_t *json, const char *where, struct fl_auto_attempt *attempt,
                        struct fl_error *err)
{
    int error = fl_json_object(json, where, err);

    error = error ? error : read_text(json, where, "vm", MOST_NAME_BYTES, &attempt->vm_name, err);
    error = error ? error : read_text(json, where, "vm_id", MOST_NAME_BYTES, &attempt->vm_id, err);
    error = error ? error : read_time(json, where, "began", &attempt->began_ms, err);
    return error ? error : read_end(json, where, &attempt->end, err);
}

static int read_hold(const json_t *json, const char *where, struct fl_auto_hold *hold,
                     struct fl_error *err)
{
    int64_t n_failed = 0;
    int error = fl_json_object(json, where, err);

    error = error ? error : read_text(json, where, "vm", MOST_NAME_BYTES, &hold->vm_name, err);
    error = error ? error : read_text(json, where, "vm_id", MOST_NAME_BYTES, &hold->vm_id, err);
    error = error ? error
                  : fl_json_integer(json, where, "failed", 0, MOST_FAILED, -1, &n_failed, err);
    error = error ? error : read_time(json, where, "until", &hold->until_ms, err);
    error = error ? error : read_text(json, where, "reason", 2 * FL_ERROR_MAX, &hold->reason, err);
    if (!error && n_failed < 0) {
        error = fl_error_set(err, -EINVAL, "%s.failed is missing", where);
    }
    hold->n_failed = error ? 0 : (unsigned int)n_failed;
    return error;
}

/* One that has to be there. */
static int find_array(const json_t *json, const char *key, size_t most, const json_t **array,
                      struct fl_error *err)
{
    int error = fl_json_array(json, "", key, most, array, err);

    return error || *array ? error : fl_error_set(err, -EINVAL, "%s is missing", key);
}

static int read_attempts(const json_t *json, struct fl_auto_limits *limits, struct fl_error *err)
{
    const json_t *array = NULL;
    int error = find_array(json, "attempts", FL_LIMIT_AUTO_ATTEMPTS, &array, err);
    size_t n = json_array_size(array);

    limits->attempts = n ? xcalloc(n, sizeof *limits->attempts) : NULL;
    for (size_t i = 0; !error && i < n; i++) {
        _cleanup_free char *where = xasprintf("attempts[%zu]", i);

        limits->n_attempts = i + 1;
        error = read_attempt(json_array_get(array, i), where, &limits->attempts[i], err);
    }
    return error;
}

static int read_holds(const json_t *json, struct fl_auto_limits *limits, struct fl_error *err)
{
    const json_t *array = NULL;
    int error = find_array(json, "holds", FL_LIMIT_AUTO_HOLDS, &array, err);
    size_t n = json_array_size(array);

    limits->holds = n ? xcalloc(n, sizeof *limits->holds) : NULL;
    for (size_t i = 0; !error && i < n; i++) {
        _cleanup_free char *where = xasprintf("holds[%zu]", i);

        limits->n_holds = i + 1;
        error = read_hold(json_array_get(array, i), where, &limits->holds[i], err);
    }
    return error;
}

/* Both or none. */
static int read_stop(const json_t *json, struct fl_auto_limits *limits, struct fl_error *err)
{
    const char *reason = NULL;
    int error = fl_json_string_or_null(json, "", "stop_reason", STOP_REASON_MAX, &reason, err);

    if (!error && reason) {
        limits->stop_reason = xstrdup(reason);
        return read_time(json, "", "stopped", &limits->stopped_ms, err);
    }
    if (!error && !json_is_null(json_object_get(json, "stopped"))) {
        error = fl_error_set(err, -EINVAL, "stopped is without stop_reason");
    }
    return error;
}

int fl_auto_from_json(const json_t *json, struct fl_auto_limits *limits, struct fl_error *err)
{
    _cleanup_(fl_auto_limits_destroy) struct fl_auto_limits read = { .stopped_ms = 0 };
    const char *schema;
    int error = fl_json_object(json, "", err);

    error = error ? error : fl_json_string(json, "", "schema", 64, &schema, err);
    if (!error && strcmp(schema, SCHEMA)) {
        error = fl_error_set(err, -EINVAL, "schema is not \"%s\"", SCHEMA);
    }
    error = error ? error : read_attempts(json, &read, err);
    error = error ? error : read_holds(json, &read, err);
    error = error ? error : read_stop(json, &read, err);
    if (error) {
        return error;
    }
    *limits = read;
    fl_auto_limits_init(&read); /* handed over */
    return 0;
}
