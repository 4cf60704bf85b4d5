/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people put around the text of flows, taken off: quotes, comment marks, boxes, the encoding of
 * mails, and what cannot be printed.
 */
#include <ovs/util.h>

#include "flows/decode_internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void drop_front(struct fl_text *text, size_t n)
{
    text->s += n;
    text->n -= n;
}

/* Printable */

/* ASCII only; what has more in it goes the slow way. */
bool fl_text_is_printable(struct fl_text text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t bad = 0;
    size_t i;

    /* Eight at a time: a byte's high bit gets set when it is below ' ', 0x7f, or above. */
    for (i = 0; i + sizeof bad <= text.n; i += sizeof bad) {
        uint64_t bytes;

        memcpy(&bytes, text.s + i, sizeof bytes);
        bad |= (bytes - ones * ' ') | (bytes + ones) | bytes;
    }
    for (; i < text.n; i++) {
        if (text.s[i] < ' ' || text.s[i] > '~')
            return false;
    }
    return !(bad & highs);
}

/* Bytes of the valid UTF-8 character at @s, or 0. */
static size_t utf8_char_length(const char *s, size_t n)
{
    unsigned char first = (unsigned char)s[0];
    size_t length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    uint32_t code;

    if (length == 0 || first > 0xf4 || length > n)
        return 0;
    code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s[i] & 0x3fu);
    }
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff) || code < 0xa0)
        return 0;
    return length;
}

void fl_text_make_printable(char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t length = c < 0x80 ? 1 : utf8_char_length(s + i, n - i);

        if (length == 0 || c < ' ' || c == 0x7f) {
            s[i] = is_blank(s[i]) ? ' ' : '?';
            length = 1;
        }
        i += length;
    }
}

/* Decoration */

/* U+2500..U+257F, box drawing. */
static bool is_box(struct fl_text text)
{
    return text.n >= 3 && (unsigned char)text.s[0] == 0xe2 &&
           ((unsigned char)text.s[1] == 0x94 || (unsigned char)text.s[1] == 0x95);
}

static bool strip_front_once(struct fl_text *text)
{
    if (!text->n)
        return false;
    if (is_blank(*text->s) || *text->s == '>' || *text->s == '*' || fl_text_starts(*text, "| "))
        drop_front(text, 1);
    else if (is_box(*text))
        drop_front(text, 3);
    else if (fl_text_starts(*text, "//") || fl_text_starts(*text, "/*") ||
             fl_text_starts(*text, "# ") || fl_text_starts(*text, "#\t"))
        drop_front(text, 2);
    else if (text->n == 1 && *text->s == '#')
        drop_front(text, 1);
    else
        return false;
    return true;
}

static bool strip_back_once(struct fl_text *text)
{
    if (!text->n)
        return false;
    if (is_blank(text->s[text->n - 1]) ||
        (text->n > 1 && text->s[text->n - 1] == '|' && is_blank(text->s[text->n - 2]))) {
        text->n--;
        return true;
    }
    if (text->n >= 3 && is_box((struct fl_text){ text->s + text->n - 3, 3 })) {
        text->n -= 3;
        return true;
    }
    return false;
}

/* A line of a program: "...", or "..." + */
static void strip_string_literal(struct fl_text *text)
{
    size_t end = text->n;
    char quote = text->n ? *text->s : '\0';

    if (quote != '"' && quote != '\'')
        return;
    while (end > 1 && strchr(" +,;)\\", text->s[end - 1]))
        end--;
    if (end < 2 || text->s[end - 1] != quote || memchr(text->s + 1, quote, end - 2))
        return;
    *text = (struct fl_text){ text->s + 1, end - 2 };
}

/* Quoted-printable */

static int qp_byte(struct fl_text text)
{
    bool ok;
    int value;

    if (text.n < 3 || text.s[0] != '=')
        return -1;
    value = (int)hexits_value(text.s + 1, 2, &ok);
    return ok && (value == '=' || value == ' ' || value == '\t' || value >= 0x80) &&
                   strchr("0123456789ABCDEF", text.s[1]) && strchr("0123456789ABCDEF", text.s[2])
               ? value
               : -1;
}

/* Only what mailers encode, so that "ttl=20" of other text stays: "=3D", and "=20" at the end. */
static bool is_quoted_printable(struct fl_text text)
{
    return fl_text_find(text, "=3D") != NULL;
}

static void decode_quoted_printable(struct fl_text *text, struct ds *scratch)
{
    ds_clear(scratch);
    while (text->n) {
        int byte = qp_byte(*text);

        ds_put_char(scratch, byte >= 0 ? (char)byte : *text->s);
        drop_front(text, byte >= 0 ? 3 : 1);
    }
    *text = (struct fl_text){ ds_cstr(scratch), scratch->length };
}

/* "=20" at the end, which is a blank, unless it belongs to a name: "ttl=20". */
static bool strip_encoded_blank(struct fl_text *text)
{
    if (text->n < 3 || memcmp(text->s + text->n - 3, "=20", 3) ||
        (text->n > 3 && text->s[text->n - 4] >= 'a' && text->s[text->n - 4] <= 'z'))
        return false;
    text->n -= 3;
    return true;
}

/* A '=' at the end that is no part of "name=". */
static bool strip_soft_break(struct fl_text *text)
{
    static const char *const fields[] = {
        "src",  "dst",     "proto", "tos",    "ttl",     "frag",    "id",     "ns",     "type",
        "code", "zone",    "vid",   "pcp",    "cfi",     "flags",   "class",  "len",    "label",
        "sip",  "tip",     "op",    "sha",    "tha",     "target",  "sll",    "tll",    "tclass",
        "bos",  "tc",      "mark",  "hlimit", "msgtype", "ver",     "idx",    "dir",    "hwid",
        "pid",  "size",    "csum",  "vni",    "output",  "max_len", "reason", "sample", "helper",
        "key",  "timeout", "nat",   "tpid",   "spi",     "si",      "mdtype", "np",     "teid",
    };

    if (text->n < 2 || text->s[text->n - 1] != '=')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        size_t n = strlen(fields[i]);

        if (text->n > n && !memcmp(text->s + text->n - 1 - n, fields[i], n))
            return false;
    }
    text->n--;
    return true;
}

void fl_line_strip(struct fl_text physical, struct ds *scratch, struct fl_line *line)
{
    struct fl_text text = physical;

    line->continues = false;
    while (strip_back_once(&text))
        continue;
    while (strip_encoded_blank(&text))
        continue;
    if (text.n && text.s[text.n - 1] == '\\') {
        text.n--;
        line->continues = true;
    } else if (strip_soft_break(&text)) {
        line->continues = true;
    }
    if (is_quoted_printable(text))
        decode_quoted_printable(&text, scratch);
    while (strip_front_once(&text) || strip_back_once(&text))
        continue;
    strip_string_literal(&text);
    line->text = text;
}
