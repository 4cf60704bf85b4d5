/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON form of a remedy. It is also outside input: a file may be damaged, or made by hand. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/store/remedies.h"

#define SCHEMA "flowlift/remedy/1"
/* A sentence may quote what others said. */
#define SENTENCE_BYTES 4096

static const char *const state_names[] = {
    [FL_REMEDY_PLANNED] = "planned",     [FL_REMEDY_INSTALLED] = "installed",
    [FL_REMEDY_VERIFIED] = "verified",   [FL_REMEDY_REVERTED] = "reverted",
    [FL_REMEDY_SUSPENDED] = "suspended",
};
#define N_STATES (sizeof state_names / sizeof state_names[0])

const char *fl_remedy_state_name(enum fl_remedy_state state)
{
    return (size_t)state < N_STATES ? state_names[state] : "unknown";
}

void fl_remedy_init(struct fl_remedy *remedy)
{
    memset(remedy, 0, sizeof *remedy);
    fl_flowset_init(&remedy->set, "", "");
}

void fl_remedy_destroy(struct fl_remedy *remedy)
{
    fl_flowset_destroy(&remedy->set);
    free(remedy->reason);
    free(remedy->ticket);
    free(remedy->who);
    json_decref(remedy->before);
    json_decref(remedy->after);
    memset(remedy, 0, sizeof *remedy);
}

static json_t *time_to_json(int64_t time_ms)
{
    char text[FL_TIME_TEXT_BYTES];

    return json_string(fl_time_format(time_ms, text));
}

static json_t *or_null(json_t *json)
{
    return json ? json_incref(json) : json_null();
}

json_t *fl_remedy_to_json(const struct fl_remedy *remedy)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
                     "schema", SCHEMA, "state", fl_remedy_state_name(remedy->state), "reason",
                     fl_json_of_string(remedy->reason), "ticket", fl_json_of_string(remedy->ticket),
                     "who", fl_json_of_string(remedy->who), "created",
                     time_to_json(remedy->created_ms), "changed", time_to_json(remedy->changed_ms),
                     "decided", time_to_json(remedy->decided_ms), "unwanted", remedy->unwanted,
                     "confirm_by",
                     remedy->confirm_by_ms ? time_to_json(remedy->confirm_by_ms) : json_null(),
                     "until", fl_until_json(&remedy->until), "flow_set",
                     fl_flowset_to_json(&remedy->set), "before", or_null(remedy->before), "after",
                     or_null(remedy->after));
}

static int read_state(const json_t *json, enum fl_remedy_state *state, struct fl_error *err)
{
    const char *name;
    int ret = fl_json_string(json, "", "state", 32, &name, err);

    for (size_t i = 0; !ret && i < N_STATES; i++) {
        if (!strcmp(name, state_names[i])) {
            *state = (enum fl_remedy_state)i;
            return 0;
        }
    }
    return ret ? ret
               : fl_error_set(err, -EINVAL,
                              "state must be planned, installed, verified, reverted or "
                              "suspended");
}

static int read_time(const json_t *json, const char *key, int64_t *time_ms, struct fl_error *err)
{
    const char *text;
    int ret = fl_json_string(json, "", key, 64, &text, err);

    if (!ret && !fl_time_parse(text, time_ms))
        ret = fl_error_set(err, -EINVAL, "%s must be a time such as 2026-01-31T12:00:00.000Z", key);
    return ret;
}

/* Files of earlier versions do not have it. */
static int read_time_or_null(const json_t *json, const char *key, int64_t *time_ms,
                             struct fl_error *err)
{
    const json_t *value = json_object_get(json, key);

    return !value || json_is_null(value) ? 0 : read_time(json, key, time_ms, err);
}

/* Files of earlier versions have neither. */
static int read_decision(const json_t *json, struct fl_remedy *remedy, struct fl_error *err)
{
    const json_t *unwanted = json_object_get(json, "unwanted");

    if (unwanted && !json_is_boolean(unwanted))
        return fl_error_set(err, -EINVAL, "unwanted must be true or false");
    remedy->unwanted = json_is_true(unwanted);
    remedy->decided_ms = remedy->created_ms;
    return read_time_or_null(json, "decided", &remedy->decided_ms, err);
}

static int read_text(const json_t *json, const char *key, char **text, struct fl_error *err)
{
    const char *value;
    int ret = fl_json_string_or_null(json, "", key, SENTENCE_BYTES, &value, err);

    if (!ret && value && !(*text = strdup(value)))
        ret = fl_error_set(err, -ENOMEM, "not enough memory");
    return ret;
}

/* Everybody relies on there being one. */
static int read_reason(const json_t *json, char **reason, struct fl_error *err)
{
    int ret = read_text(json, "reason", reason, err);

    if (!ret && !*reason && !(*reason = strdup("its file gives no reason")))
        ret = fl_error_set(err, -ENOMEM, "not enough memory");
    return ret;
}

/* An audit entry is kept as it is: only its outer shape is checked. */
static int read_entry(const json_t *json, const char *key, json_t **entry, struct fl_error *err)
{
    json_t *value = json_object_get(json, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_object(value))
        return fl_error_set(err, -EINVAL, "%s must be an object or null", key);
    *entry = json_deep_copy(value);
    return *entry ? 0 : fl_error_set(err, -ENOMEM, "not enough memory");
}

static int read_flow_set(const json_t *json, struct fl_flowset *set, struct fl_error *err)
{
    const json_t *value = json_object_get(json, "flow_set");

    if (!value)
        return fl_error_set(err, -EINVAL, "flow_set is missing");
    if (fl_flowset_from_json(value, set, err)) {
        fl_error_prefix(err, "flow_set");
        return -EINVAL;
    }
    return set->vm_id && set->vm_id[0] ? 0
                                       : fl_error_set(err, -EINVAL, "flow_set has no VM identity");
}

int fl_remedy_from_json(const json_t *json, struct fl_remedy *remedy, struct fl_error *err)
{
    _cleanup_(fl_remedy_destroy) struct fl_remedy read = { .reason = NULL };
    const char *schema;
    int ret;

    ret = fl_json_object(json, "", err);
    if (!ret)
        ret = fl_json_string(json, "", "schema", 64, &schema, err);
    if (!ret && strcmp(schema, SCHEMA))
        ret = fl_error_set(err, -EINVAL, "schema is \"%s\", this flowlift reads \"%s\"", schema,
                           SCHEMA);
    if (!ret)
        ret = read_state(json, &read.state, err);
    if (!ret)
        ret = read_time(json, "created", &read.created_ms, err);
    if (!ret)
        ret = read_time(json, "changed", &read.changed_ms, err);
    if (!ret)
        ret = read_decision(json, &read, err);
    if (!ret)
        ret = read_time_or_null(json, "confirm_by", &read.confirm_by_ms, err);
    if (!ret)
        ret = fl_until_read(json, &read.until, err);
    if (!ret)
        ret = read_reason(json, &read.reason, err);
    if (!ret)
        ret = read_text(json, "ticket", &read.ticket, err);
    if (!ret)
        ret = read_text(json, "who", &read.who, err);
    if (!ret)
        ret = read_entry(json, "before", &read.before, err);
    if (!ret)
        ret = read_entry(json, "after", &read.after, err);
    if (!ret)
        ret = read_flow_set(json, &read.set, err);
    if (ret)
        return ret;
    *remedy = read;
    memset(&read, 0, sizeof read); /* handed over; what is left may be destroyed */
    return 0;
}
