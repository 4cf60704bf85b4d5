/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/transact_reply.h"

#include <errno.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

/* An answer that says no, or a request, is shorter. */
#define REFUSAL_BYTES (64u * 1024)

/* ---- Where a message ends ---- */

static void take_byte(struct fl_json_frame *frame, char byte)
{
    if (frame->is_escaped) {
        frame->is_escaped = false;
    } else if (frame->in_string) {
        frame->is_escaped = byte == '\\';
        frame->in_string = byte != '"';
    } else if (byte == '"') {
        frame->in_string = true;
    } else if (byte == '{' || byte == '[') {
        frame->depth++;
    } else if (byte == '}' || byte == ']') {
        frame->depth--;
        frame->is_complete = !frame->depth;
    }
}

bool fl_json_frame_push(struct fl_json_frame *frame, const char *bytes, size_t n, size_t *n_used)
{
    size_t i = 0;

    for (; i < n && !frame->is_complete; i++) {
        if (!frame->depth && strchr(" \t\r\n", bytes[i]) && bytes[i]) {
            continue;
        }
        if (!frame->depth && bytes[i] != '{') {
            *n_used = i;
            return false;
        }
        take_byte(frame, bytes[i]);
    }
    *n_used = i;
    return true;
}

bool fl_transact_is_request(const char *text, size_t n)
{
    _cleanup_json json_t *message = n <= REFUSAL_BYTES ? json_loadb(text, n, 0, NULL) : NULL;

    return json_is_string(json_object_get(message, "method"));
}

/* ---- Rows ---- */

/* {"error": "syntax error", "details": "No table named ...", ...} */
static int refuse(const json_t *error, struct fl_error *err)
{
    const char *what = json_string_value(json_object_get(error, "error"));
    const char *details = json_string_value(json_object_get(error, "details"));

    return fl_error_set(err, -ENOENT, "the database says: %s%s%s", what ? what : "an error",
                        details ? ": " : "", details ? details : "");
}

static int no_answer(struct fl_error *err)
{
    return fl_error_set(err, -EPROTO, "what the database sends is no answer to a select");
}

/* Return: 0 with the array of results (borrowed from @message); -ENOENT, -EPROTO. */
static int results_of(const json_t *message, const json_t **results, struct fl_error *err)
{
    const json_t *error = json_object_get(message, "error"), *result;
    size_t i;

    if (json_is_object(error))
        return refuse(error, err);
    *results = json_object_get(message, "result");
    if (!json_is_array(*results))
        return no_answer(err);
    json_array_foreach(*results, i, result) {
        if (json_is_string(json_object_get(result, "error")))
            return refuse(result, err);
    }
    return 0;
}

int fl_transact_rows(const char *text, size_t n, size_t n_operations, json_t **rows,
                     struct fl_error *err)
{
    _cleanup_json json_t *message = json_loadb(text, n, 0, NULL), *found = json_array();
    const json_t *results = NULL;
    int error = results_of(message, &results, err);

    if (error)
        return error;
    if (json_array_size(results) < n_operations)
        return no_answer(err);
    for (size_t i = 0; i < n_operations; i++) {
        json_t *row = json_array_get(json_object_get(json_array_get(results, i), "rows"), 0);

        json_array_append_new(found, json_is_object(row) ? json_incref(row) : json_null());
    }
    *rows = fl_steal(found);
    return 0;
}

/* ---- Uuids ---- */

static bool is_wanted(const struct uuid *uuid, const uint32_t *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (prefixes[i] == uuid->parts[0])
            return true;
    }
    return false;
}

/* A uuid between quotes, from here. */
static bool read_uuid(const char *at, size_t n, struct uuid *uuid)
{
    char text[UUID_LEN + 1];

    if (n < UUID_LEN + 2 || at[UUID_LEN + 1] != '"')
        return false;
    memcpy(text, at + 1, UUID_LEN);
    text[UUID_LEN] = '\0';
    return uuid_from_string(uuid, text);
}

int fl_transact_uuids(const char *text, size_t n, const uint32_t *prefixes, size_t n_prefixes,
                      struct uuid *found, size_t max, size_t *n_found_, struct fl_error *err)
{
    const char *end = text + n;
    size_t n_found = 0;

    if (n <= REFUSAL_BYTES) {
        _cleanup_json json_t *rows = NULL;
        int error = fl_transact_rows(text, n, 1, &rows, err);

        if (error)
            return error;
    }
    for (const char *at = memchr(text, '"', n); at;
         at = memchr(at + 1, '"', (size_t)(end - at - 1))) {
        struct uuid uuid;

        if (!read_uuid(at, (size_t)(end - at), &uuid))
            continue;
        if (is_wanted(&uuid, prefixes, n_prefixes)) {
            if (n_found < max)
                found[n_found] = uuid;
            n_found++;
        }
        at += UUID_LEN + 1;
    }
    *n_found_ = n_found;
    return 0;
}
