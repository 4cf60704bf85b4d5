/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/reading.h"
#include "cli/text.h"
#include "lib/base/clock.h"

json_t *fl_time_json(int64_t time_ms)
{
    char text[FL_TIME_TEXT_BYTES];

    return time_ms ? json_string(fl_time_format(time_ms, text)) : json_null();
}

json_t *fl_share_json(double share)
{
    return share >= 0 ? json_real(share) : json_null();
}

json_t *fl_count_json(uint64_t count)
{
    return count == FL_COUNT_UNKNOWN ? json_null()
                                     : json_integer((json_int_t)MIN(count, INT64_MAX));
}

json_t *fl_document(const char *verb, const char *host, int64_t time_ms)
{
    json_t *document = json_object();

    json_object_set_new(document, "schema", json_sprintf("flowlift/%s/1", verb));
    json_object_set_new(document, "host", fl_text_json(host));
    json_object_set_new(document, "time", fl_time_json(time_ms));
    return document;
}

json_t *fl_document_here(const char *verb)
{
    char host[HOST_NAME_MAX + 1] = "";

    gethostname(host, sizeof host - 1);
    return fl_document(verb, host, fl_time_now_ms());
}
