/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct range {
    uint32_t first;
    uint32_t last;
};

/* What takes no column of its own: combining marks, joiners, variation selectors. */
static const struct range narrow[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
    { 0x064b, 0x065f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
    { 0x202a, 0x202e }, { 0x2060, 0x2064 }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
    { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff },
};

/* What takes two: East Asian wide and fullwidth forms, pictographs. Source: Unicode UAX #11. */
static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xa960, 0xa97f },
    { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
    { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
    { 0x20000, 0x3fffd },
};

static bool in_ranges(uint32_t code_point, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last)
            return true;
    }
    return false;
}

/*
 * The character at @text. Return: its bytes, or 0 when what stands there is no UTF-8 (RFC 3629:
 * shortest form, no surrogates, nothing above U+10FFFF).
 */
static size_t decode(const char *text, uint32_t *code_point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)text[0];
    uint32_t value;
    size_t n;

    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    n = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (!n || first >= 0xf8)
        return 0;

    value = first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return n;
}

/* Bytes and columns of the character at @text; what is no UTF-8 counts as one byte, one column. */
static size_t measure(const char *text, size_t *columns)
{
    uint32_t code_point;
    size_t n = decode(text, &code_point);

    *columns = 1;
    if (!n)
        return 1;
    if (in_ranges(code_point, narrow, ARRAY_SIZE(narrow)))
        *columns = 0;
    else if (in_ranges(code_point, wide, ARRAY_SIZE(wide)))
        *columns = 2;
    return n;
}

size_t fl_text_width(const char *text)
{
    size_t width = 0;

    while (*text) {
        size_t columns;

        text += measure(text, &columns);
        width += columns;
    }
    return width;
}

size_t fl_text_clip(const char *text, size_t columns)
{
    size_t taken = 0;

    while (text[taken]) {
        size_t width;
        size_t n = measure(text + taken, &width);

        if (width > columns)
            break;
        columns -= width;
        taken += n;
    }
    return taken;
}

static bool is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

/* Which control characters stay as they are; with NO_CONTROLS a newline or tab becomes a space. */
enum controls { NONE_AT_ALL, NO_CONTROLS, NEWLINES, ALL_CONTROLS };

static bool stays(uint32_t code_point, enum controls controls)
{
    return !is_control(code_point) || controls == ALL_CONTROLS ||
           (controls == NEWLINES && code_point == '\n');
}

/* Appends @text to @ds as valid UTF-8. */
static void put_clean(struct ds *ds, const char *text, enum controls controls)
{
    while (*text) {
        uint32_t code_point;
        size_t n = decode(text, &code_point);

        if (!n) {
            ds_put_cstr(ds, REPLACEMENT);
            n = 1;
        } else if (stays(code_point, controls)) {
            ds_put_buffer(ds, text, n);
        } else if (controls != NONE_AT_ALL && (*text == '\n' || *text == '\t')) {
            ds_put_char(ds, ' ');
        } else {
            ds_put_format(ds, "\\x%02x", (unsigned int)code_point);
        }
        text += n;
    }
}

static char *clean(const char *text, enum controls controls)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_clean(&ds, text, controls);
    return ds_steal_cstr(&ds);
}

char *fl_text_clean(const char *text)
{
    return clean(text, NO_CONTROLS);
}

char *fl_text_visible(const char *text)
{
    return clean(text, NEWLINES);
}

char *fl_text_escaped(const char *text)
{
    return clean(text, NONE_AT_ALL);
}

json_t *fl_text_json(const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    if (!text)
        return json_null();
    json = json_string(text);
    if (json)
        return json;
    put_clean(&ds, text, ALL_CONTROLS);
    json = json_string(ds_cstr(&ds));
    ds_destroy(&ds);
    return json;
}

const char *fl_text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}
