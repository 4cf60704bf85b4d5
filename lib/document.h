/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOCUMENT_H
#define FLOWLIFT_DOCUMENT_H

/* What the JSON documents of the CLI and of the agent have in common. */

#include <jansson.h>
#include <stdint.h>

#include "lib/base/until.h"

/** fl_document() - a JSON object with "schema" (flowlift/NAME/1), "host" and "time"; new reference */
json_t *fl_document(const char *name, const char *host, int64_t time_ms);
/** fl_document_here() - likewise, of this host and now */
json_t *fl_document_here(const char *name);
/** fl_time_json() - RFC 3339, or null for 0; new reference */
json_t *fl_time_json(int64_t time_ms);
/** fl_until_json() - as fl_until_format() writes it, or null; new reference */
json_t *fl_until_json(const struct fl_until *until);
/** fl_until_read() - key "until" of @json, untouched where it is null or not there. Return: 0 or -EINVAL */
int fl_until_read(const json_t *json, struct fl_until *until, struct fl_error *err);
/** fl_share_json() - a number 0..1, or null when @share is negative; new reference */
json_t *fl_share_json(double share);
/** fl_share_at() - what fl_share_json() wrote at @key; negative for anything but a number 0..1 */
double fl_share_at(const json_t *object, const char *key);
/** fl_count_json() - null for FL_COUNT_UNKNOWN; new reference */
json_t *fl_count_json(uint64_t count);

#endif
