/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/line.h"

#include <string.h>

#include <openvswitch/dynamic-string.h>

#include "lib/json_text.h"

/* U+0080 to U+009F */
static bool is_c1(const unsigned char *text)
{
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0;
}

char *fl_line_of(const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            ds_put_format(&ds, "\\x%02x", *p);
        } else if (is_c1(p)) {
            ds_put_format(&ds, "\\x%02x", *++p);
        } else {
            ds_put_char(&ds, (char)*p);
        }
    }
    return ds_steal_cstr(&ds);
}

static int put(const void *bytes, size_t n_bytes, void *ds)
{
    ds_put_buffer(ds, bytes, n_bytes);
    return 0;
}

json_t *fl_line_json(const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    if (!text) {
        return json_null();
    }
    json = json_string(text);
    if (!json) {
        ds_put_char(&ds, '"');
        fl_json_escape(text, strlen(text), put, &ds);
        ds_put_char(&ds, '"');
        json = json_loadb(ds.string, ds.length, JSON_DECODE_ANY, NULL);
        ds_destroy(&ds);
    }
    return json;
}
