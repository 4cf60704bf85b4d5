/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/*
 * Bytes of the UTF-8 character at @text, or 0 when there is none: cut off, overlong, a surrogate, or
 * above U+10FFFF. Source: Unicode 15, table 3-7.
 */
static size_t character_bytes(const uint8_t *text, size_t n)
{
    uint8_t first = text[0], least = 0x80, most = 0xbf;
    size_t length = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;

    if (!length || length > n)
        return 0;
    if (first == 0xe0)
        least = 0xa0;
    else if (first == 0xed)
        most = 0x9f;
    else if (first == 0xf0)
        least = 0x90;
    else if (first == 0xf4)
        most = 0x8f;
    for (size_t i = 1; i < length; i++, least = 0x80, most = 0xbf) {
        if (text[i] < least || text[i] > most)
            return 0;
    }
    return length;
}

/* What stands for the character at @text, not plain. Return: bytes it takes up in @text. */
static size_t escape_one(const uint8_t *text, size_t n, char escaped[8], size_t *n_escaped)
{
    size_t length = text[0] ? character_bytes(text, n) : 0;

    if (length > 1) {
        memcpy(escaped, text, length);
        *n_escaped = length;
        return length;
    }
    if (!length)
        snprintf(escaped, 8, "\\ufffd");
    else if (text[0] == '"' || text[0] == '\\')
        snprintf(escaped, 8, "\\%c", text[0]);
    else
        snprintf(escaped, 8, "\\u%04x", text[0]);
    *n_escaped = strlen(escaped);
    return 1;
}

int fl_json_escape(const char *bytes, size_t n_bytes, fl_json_sink *sink, void *aux)
{
    const uint8_t *text = (const uint8_t *)bytes;
    size_t i = 0;

    while (i < n_bytes) {
        size_t start = i, n_escaped;
        char escaped[8];
        int ret;

        while (i < n_bytes && is_plain(text[i]))
            i++;
        ret = i > start ? sink(text + start, i - start, aux) : 0;
        if (!ret && i < n_bytes) {
            i += escape_one(text + i, n_bytes - i, escaped, &n_escaped);
            ret = sink(escaped, n_escaped, aux);
        }
        if (ret)
            return ret;
    }
    return 0;
}
