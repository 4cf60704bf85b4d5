/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/document.h"

#include <limits.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/flow.h"
#include "flows/json_read.h"
#include "lib/base/clock.h"
#include "lib/text.h"

json_t *fl_time_json(int64_t time_ms)
{
    char text[FL_TIME_TEXT_BYTES];

    return time_ms ? json_string(fl_time_format(time_ms, text)) : json_null();
}

json_t *fl_until_json(const struct fl_until *until)
{
    char text[FL_UNTIL_TEXT_BYTES];

    return fl_until_is_set(until) ? json_string(fl_until_format(until, text)) : json_null();
}

int fl_until_read(const json_t *json, struct fl_until *until, struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(json, "", "until", FL_UNTIL_TEXT_BYTES - 1, &text, err);

    if (!error && text) {
        error = fl_until_parse(text, until, err);
        if (error)
            fl_error_prefix(err, "until");
    }
    return error;
}

json_t *fl_share_json(double share)
{
    return share >= 0 ? json_real(share) : json_null();
}

double fl_share_at(const json_t *object, const char *key)
{
    const json_t *share = json_object_get(object, key);
    double value = json_number_value(share);

    return json_is_number(share) && value >= 0 && value <= 1 ? value : -1;
}

json_t *fl_count_json(uint64_t count)
{
    return count == FL_COUNT_UNKNOWN ? json_null()
                                     : json_integer((json_int_t)MIN(count, INT64_MAX));
}

json_t *fl_document(const char *name, const char *host, int64_t time_ms)
{
    json_t *document = json_object();

    json_object_set_new(document, "schema", json_sprintf("flowlift/%s/1", name));
    json_object_set_new(document, "host", fl_text_json(host));
    json_object_set_new(document, "time", fl_time_json(time_ms));
    return document;
}

json_t *fl_document_here(const char *name)
{
    char host[HOST_NAME_MAX + 1] = "";

    gethostname(host, sizeof host - 1);
    return fl_document(name, host, fl_time_now_ms());
}
