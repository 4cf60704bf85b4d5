/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_JSON_READ_H
#define FLOWLIFT_JSON_READ_H

/*
 * Reading JSON that others wrote. Every value is checked for its type and size, and what is wrong is
 * named by its path: "inventory.interfaces[3].tag must be a whole number from -1 to 4095".
 *
 * @where is the path of @object itself, "" for the outermost. A key that is absent or null is only
 * accepted where the function says so. All return 0 or -EINVAL with @err set; outputs are untouched
 * then. Strings that are handed out are borrowed from @object.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovs/smap.h>

#include "flows/error.h"

/** fl_json_object() - @json itself must be an object */
int fl_json_object(const json_t *json, const char *where, struct fl_error *err);
/** fl_json_string() - a string of at most @max_bytes without NUL */
int fl_json_string(const json_t *object, const char *where, const char *key, size_t max_bytes,
                   const char **value, struct fl_error *err);
/** fl_json_string_or_null() - likewise; absent or null gives NULL */
int fl_json_string_or_null(const json_t *object, const char *where, const char *key,
                           size_t max_bytes, const char **value, struct fl_error *err);
/** fl_json_integer() - from @min to @max; absent gives @absent */
int fl_json_integer(const json_t *object, const char *where, const char *key, int64_t min,
                    int64_t max, int64_t absent, int64_t *value, struct fl_error *err);
/** fl_json_boolean() - absent or null gives false */
int fl_json_boolean(const json_t *object, const char *where, const char *key, bool *value,
                    struct fl_error *err);
/** fl_json_array() - an array of at most @max elements; absent or null gives NULL */
int fl_json_array(const json_t *object, const char *where, const char *key, size_t max,
                  const json_t **value, struct fl_error *err);
/**
 * fl_json_smap() - an object whose values are all strings, at most 4096 of them; absent or null gives
 * an empty one
 * @value: initialised; what is read is added to it
 */
int fl_json_smap(const json_t *object, const char *where, const char *key, struct smap *value,
                 struct fl_error *err);
/** fl_json_of_smap() - the inverse; new reference */
json_t *fl_json_of_smap(const struct smap *smap);
/** fl_json_of_string() - a JSON string, null for NULL; bytes that are not UTF-8 become '?' */
json_t *fl_json_of_string(const char *text);

#endif
