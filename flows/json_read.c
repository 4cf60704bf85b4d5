/* SPDX-License-Identifier: Apache-2.0 */

/* See json_read.h. */

#include "flows/json_read.h"

#include <errno.h>
#include <inttypes.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/cleanup.h"

#define MAX_SMAP       4096u
#define MAX_SMAP_VALUE (64u * 1024)

/* "where.key", or what there is of it. */
#define PATH_FORMAT      "%s%s%s"
#define PATH(WHERE, KEY) (WHERE), (WHERE)[0] ? "." : "", (KEY)

int fl_json_object(const json_t *json, const char *where, struct fl_error *err)
{
    if (!json_is_object(json)) {
        return fl_error_set(err, -EINVAL, "%s must be an object", where[0] ? where : "the whole");
    }
    return 0;
}

static int check_string(const json_t *json, const char *where, const char *key, size_t max_bytes,
                        const char **value, struct fl_error *err)
{
    const char *text = json_string_value(json);

    if (!text) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " must be a string", PATH(where, key));
    }
    if (strlen(text) != json_string_length(json)) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " holds a NUL byte", PATH(where, key));
    }
    if (json_string_length(json) > max_bytes) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " is longer than %" PRIuSIZE " bytes",
                            PATH(where, key), max_bytes);
    }
    *value = text;
    return 0;
}

int fl_json_string(const json_t *object, const char *where, const char *key, size_t max_bytes,
                   const char **value, struct fl_error *err)
{
    return check_string(json_object_get(object, key), where, key, max_bytes, value, err);
}

int fl_json_string_or_null(const json_t *object, const char *where, const char *key,
                           size_t max_bytes, const char **value, struct fl_error *err)
{
    const json_t *json = json_object_get(object, key);

    if (!json || json_is_null(json)) {
        *value = NULL;
        return 0;
    }
    return check_string(json, where, key, max_bytes, value, err);
}

int fl_json_integer(const json_t *object, const char *where, const char *key, int64_t min,
                    int64_t max, int64_t absent, int64_t *value, struct fl_error *err)
{
    const json_t *json = json_object_get(object, key);

    if (!json) {
        *value = absent;
        return 0;
    }
    if (!json_is_integer(json) || json_integer_value(json) < min ||
        json_integer_value(json) > max) {
        return fl_error_set(err, -EINVAL,
                            PATH_FORMAT " must be a whole number from %" PRId64 " to %" PRId64,
                            PATH(where, key), min, max);
    }
    *value = json_integer_value(json);
    return 0;
}

int fl_json_boolean(const json_t *object, const char *where, const char *key, bool *value,
                    struct fl_error *err)
{
    const json_t *json = json_object_get(object, key);

    if (json && !json_is_null(json) && !json_is_boolean(json)) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " must be true or false", PATH(where, key));
    }
    *value = json_is_true(json);
    return 0;
}

int fl_json_array(const json_t *object, const char *where, const char *key, size_t max,
                  const json_t **value, struct fl_error *err)
{
    const json_t *json = json_object_get(object, key);

    if (!json || json_is_null(json)) {
        *value = NULL;
        return 0;
    }
    if (!json_is_array(json)) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " must be an array", PATH(where, key));
    }
    if (json_array_size(json) > max) {
        return fl_error_set(err, -EINVAL,
                            PATH_FORMAT " has %" PRIuSIZE " elements; at most %" PRIuSIZE
                                        " are read",
                            PATH(where, key), json_array_size(json), max);
    }
    *value = json;
    return 0;
}

int fl_json_smap(const json_t *object, const char *where, const char *key, struct smap *value,
                 struct fl_error *err)
{
    json_t *json = json_object_get(object, key);
    json_t *member;
    const char *name;

    if (!json || json_is_null(json)) {
        return 0;
    }
    if (!json_is_object(json) || json_object_size(json) > MAX_SMAP) {
        return fl_error_set(err, -EINVAL, PATH_FORMAT " must be an object of at most %u strings",
                            PATH(where, key), MAX_SMAP);
    }
    json_object_foreach(json, name, member) {
        const char *text;
        int error = check_string(member, key, name, MAX_SMAP_VALUE, &text, err);

        if (error) {
            if (where[0]) {
                fl_error_prefix(err, "%s", where);
            }
            return error;
        }
    }
    json_object_foreach(json, name, member) {
        smap_replace(value, name, json_string_value(member));
    }
    return 0;
}

json_t *fl_json_of_smap(const struct smap *smap)
{
    _cleanup_free const struct smap_node **sorted = smap_sort(smap);
    json_t *json = json_object();

    for (size_t i = 0; i < smap_count(smap); i++) {
        json_object_set_new(json, sorted[i]->key, fl_json_of_string(sorted[i]->value));
    }
    return json;
}

json_t *fl_json_of_string(const char *text)
{
    _cleanup_free char *clean = NULL;
    json_t *json = text ? json_string(text) : json_null();

    if (json) {
        return json;
    }
    clean = xstrdup(text);
    for (char *c = clean; *c; c++) {
        if ((unsigned char)*c >= 0x80) {
            *c = '?';
        }
    }
    return json_string(clean);
}
