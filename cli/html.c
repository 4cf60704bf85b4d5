/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/html.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/human.h"
#include "lib/base/clock.h"
#include "lib/text.h"

/* Bytes of the character at @text, and the character. Bytes that are no UTF-8 stand for themselves, one by one. */
static size_t character_at(const char *text, uint32_t *character)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

    *character = n == 1 ? bytes[0] : bytes[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *character = 0xfffd;
            return 1;
        }
        *character = *character << 6 | (bytes[i] & 0x3f);
    }
    if (n == 1 ? bytes[0] >= 0x80 : bytes[0] < 0xc2 || *character > 0x10ffff)
        *character = 0xfffd;
    return n;
}

/*
 * Control characters, marks and overrides of direction, joiners and spaces without width, separators of lines,
 * and code points that are no characters. Source: Unicode 15, section 23.2 and UAX #9.
 */
static bool is_invisible(uint32_t c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xad ||
           c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xd800 && c < 0xe000) ||
           (c >= 0xe0000 && c < 0xe1000);
}

static void put_character(struct ds *out, const char *bytes, size_t n, uint32_t character)
{
    switch (character) {
    case '&': ds_put_cstr(out, "&amp;"); return;
    case '<': ds_put_cstr(out, "&lt;"); return;
    case '>': ds_put_cstr(out, "&gt;"); return;
    case '"': ds_put_cstr(out, "&quot;"); return;
    case '\'': ds_put_cstr(out, "&#39;"); return;
    case 0xfffd: ds_put_cstr(out, "\ufffd"); return;
    default:
        if (is_invisible(character))
            ds_put_format(out, "[U+%04" PRIX32 "]", character);
        else
            ds_put_buffer(out, bytes, n);
    }
}

/* @breaks: there may be a line break behind a comma. */
static void put_text(struct ds *out, const char *text, size_t most, bool breaks)
{
    for (size_t i = 0; text && *text; i++) {
        uint32_t character;
        size_t n;

        if (i == most) {
            ds_put_cstr(out, "\u2026");
            return;
        }
        n = character_at(text, &character);
        put_character(out, text, n, character);
        if (breaks && character == ',')
            ds_put_cstr(out, "<wbr>");
        text += n;
    }
}

void fl_html_clipped(struct ds *out, const char *text, size_t most)
{
    put_text(out, text, most, false);
}

void fl_html_name(struct ds *out, const json_t *object, const char *key)
{
    ds_put_cstr(out, "<bdi>");
    fl_html_clipped(out, fl_text_at(object, key), FL_HTML_NAME);
    ds_put_cstr(out, "</bdi>");
}

void fl_html_code(struct ds *out, const char *text)
{
    put_text(out, text, SIZE_MAX, true);
}

void fl_html_text(struct ds *out, const char *text)
{
    fl_html_clipped(out, text, SIZE_MAX);
}

void fl_html_put(struct ds *out, const json_t *object, const char *key)
{
    fl_html_text(out, fl_text_at(object, key));
}

void fl_html_put_or(struct ds *out, const json_t *object, const char *key, const char *absent)
{
    const char *text = fl_text_at(object, key);

    if (*text)
        fl_html_text(out, text);
    else
        ds_put_cstr(out, absent);
}

/* Whole and not negative, as all that is counted. */
static bool is_count(const json_t *number)
{
    return json_is_integer(number) && json_integer_value(number) >= 0;
}

static void put_number(struct ds *out, const json_t *number,
                       const char *text_of(uint64_t count, char buf[FL_HUMAN_BYTES]))
{
    char text[FL_HUMAN_BYTES];

    if (!is_count(number)) {
        ds_put_cstr(out, FL_HTML_ABSENT);
        return;
    }
    ds_put_format(out, "<data value=\"%" JSON_INTEGER_FORMAT "\">%s</data>",
                  json_integer_value(number), text_of((uint64_t)json_integer_value(number), text));
}

void fl_html_count(struct ds *out, const json_t *number)
{
    put_number(out, number, fl_human_count);
}

void fl_html_bytes(struct ds *out, const json_t *number)
{
    put_number(out, number, fl_human_bytes);
}

void fl_html_rate(struct ds *out, const json_t *count, const json_t *window_ms, bool of_bytes)
{
    const uint64_t n = (uint64_t)json_integer_value(count);
    const int64_t ms = json_integer_value(window_ms);
    char text[FL_HUMAN_BYTES];

    if (!is_count(count) || ms <= 0) {
        ds_put_cstr(out, FL_HTML_ABSENT);
        return;
    }
    ds_put_format(out, "<data value=\"%.9g\">", (double)n * 1000 / (double)ms);
    fl_html_text(out, of_bytes ? fl_human_byte_rate(n, ms, text) : fl_human_rate(n, ms, text));
    ds_put_cstr(out, "</data>");
}

void fl_html_share(struct ds *out, const json_t *share)
{
    double value = json_is_number(share) ? json_number_value(share) : -1;
    char text[FL_HUMAN_BYTES];

    if (!(value >= 0 && value <= 1)) {
        ds_put_cstr(out, FL_HTML_ABSENT);
        return;
    }
    ds_put_format(out, "<data value=\"%.9g\">", value);
    fl_html_text(out, fl_human_share(value, text));
    ds_put_cstr(out, "\u00a0%</data>");
}

void fl_html_time(struct ds *out, const char *time)
{
    int64_t ignored;

    if (!fl_time_parse(time, &ignored) || strlen(time) < strlen("2026-11-22T21:56:00")) {
        if (*time)
            fl_html_text(out, time);
        else
            ds_put_cstr(out, FL_HTML_ABSENT);
        return;
    }
    ds_put_cstr(out, "<time datetime=\"");
    fl_html_text(out, time);
    ds_put_format(out, "\">%.10s %.8s\u00a0UTC</time>", time, time + 11);
}
