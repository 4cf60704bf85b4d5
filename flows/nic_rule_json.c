/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/nic_rule_json.h"

#include <stdio.h>
#include <string.h>

#include "flows/flow.h"

static json_t *in_hw_json(const struct fl_tc_filter *filter)
{
    if (filter->has_flags && filter->flags & (FL_TC_IN_HW | FL_TC_NOT_IN_HW)) {
        return json_boolean(filter->flags & FL_TC_IN_HW);
    }
    return json_null();
}

static json_t *cookie_json(const uint8_t *cookie, size_t n)
{
    char text[2 * FL_TC_COOKIE_BYTES + 1];

    for (size_t i = 0; i < n; i++) {
        snprintf(text + 2 * i, 3, "%02x", cookie[i]);
    }
    return cookie ? json_string(text) : json_null();
}

/* Open vSwitch's cookies are ufids: 16 bytes. */
static json_t *ufid_json(const uint8_t *cookie, size_t n)
{
    struct fl_flow flow = { .has_ufid = true };
    char text[37];

    if (!cookie || n != sizeof flow.id) {
        return json_null();
    }
    memcpy(&flow.id, cookie, n);
    fl_flow_format_id(&flow, text);
    return json_string(text);
}

json_t *fl_nic_rule_json(const struct fl_tc_filter *filter)
{
    struct fl_tc_totals totals;
    size_t n_cookie = 0;
    const uint8_t *cookie = fl_tc_cookie(filter, &n_cookie);
    json_t *json = json_object();

    fl_tc_count(filter, &totals);
    json_object_set_new(json, "chain", json_integer(filter->chain));
    json_object_set_new(json, "priority", json_integer(filter->priority));
    json_object_set_new(json, "protocol", json_integer(filter->protocol));
    json_object_set_new(json, "handle", json_integer(filter->handle));
    json_object_set_new(json, "in_hw", in_hw_json(filter));
    json_object_set_new(json, "in_hw_count",
                        filter->has_in_hw_count ? json_integer(filter->in_hw_count) : json_null());
    json_object_set_new(json, "ufid", ufid_json(cookie, n_cookie));
    json_object_set_new(json, "cookie", cookie_json(cookie, n_cookie));
    json_object_set_new(json, "hw_packets",
                        totals.known && totals.hw_known
                            ? json_integer((json_int_t)totals.hw_packets)
                            : json_null());
    json_object_set_new(json, "hw_bytes",
                        totals.known && totals.hw_known ? json_integer((json_int_t)totals.hw_bytes)
                                                        : json_null());
    return json;
}
