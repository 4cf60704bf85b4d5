/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/unescape.h"

#include <errno.h>
#include <ovs/util.h>
#include <string.h>

/* What the functions below need besides the byte. */
struct sink {
    fl_unescape_put *put;
    void *aux;
    struct fl_error *err;
};

int fl_reply_malformed(struct fl_error *err, const char *what)
{
    return fl_error_set(err, -EPROTO, "the reply is no JSON-RPC reply of a unixctl server: %s",
                        what);
}

static int put_code_point(const struct sink *sink, unsigned int code)
{
    char utf8[4];
    size_t n = 0;

    if (code < 0x80) {
        utf8[n++] = (char)code;
    } else if (code < 0x800) {
        utf8[n++] = (char)(0xc0 | code >> 6);
        utf8[n++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        utf8[n++] = (char)(0xe0 | code >> 12);
        utf8[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        utf8[n++] = (char)(0xf0 | code >> 18);
        utf8[n++] = (char)(0x80 | (code >> 12 & 0x3f));
        utf8[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[n++] = (char)(0x80 | (code & 0x3f));
    }
    return sink->put(sink->aux, utf8, n);
}

/* The four digits of "\uXXXX" are there. */
static int end_hex(struct fl_unescape *unescape, const struct sink *sink)
{
    unsigned int code = unescape->hex, high = unescape->high;

    unescape->state = FL_UNESCAPE_NONE;
    unescape->high = 0;
    if (high) {
        if (code < 0xdc00 || code > 0xdfff) {
            return fl_reply_malformed(sink->err, "a surrogate without its other half");
        }
        return put_code_point(sink, 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00));
    }
    if (code >= 0xd800 && code <= 0xdbff) {
        unescape->high = code;
        unescape->state = FL_UNESCAPE_LOW;
        return 0;
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
        return fl_reply_malformed(sink->err, "a surrogate without its other half");
    }
    if (!code) {
        return fl_reply_malformed(sink->err, "a NUL character in a string");
    }
    return put_code_point(sink, code);
}

static int push_hex(struct fl_unescape *unescape, char c, const struct sink *sink)
{
    int digit = hexit_value((unsigned char)c);

    if (digit < 0) {
        return fl_reply_malformed(sink->err, "a \\u that four hex digits do not follow");
    }
    unescape->hex = unescape->hex << 4 | (unsigned int)digit;
    return ++unescape->n_digits == 4 ? end_hex(unescape, sink) : 0;
}

static int push_escaped(struct fl_unescape *unescape, char c, const struct sink *sink)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (c == 'u') {
        unescape->state = FL_UNESCAPE_HEX;
        unescape->hex = unescape->n_digits = 0;
        return 0;
    }
    found = c ? strchr(from, c) : NULL;
    if (!found) {
        return fl_reply_malformed(sink->err, "an unknown escape in a string");
    }
    unescape->state = FL_UNESCAPE_NONE;
    return sink->put(sink->aux, &to[found - from], 1);
}

static int push_escape(struct fl_unescape *unescape, char c, const struct sink *sink)
{
    switch (unescape->state) {
    case FL_UNESCAPE_BACKSLASH: return push_escaped(unescape, c, sink);
    case FL_UNESCAPE_HEX: return push_hex(unescape, c, sink);
    case FL_UNESCAPE_LOW:
        unescape->state = FL_UNESCAPE_LOW_BACKSLASH;
        return c == '\\' ? 0 : fl_reply_malformed(sink->err, "a surrogate without its other half");
    case FL_UNESCAPE_LOW_BACKSLASH:
        if (c != 'u') {
            return fl_reply_malformed(sink->err, "a surrogate without its other half");
        }
        return push_escaped(unescape, c, sink);
    case FL_UNESCAPE_NONE: break;
    }
    OVS_NOT_REACHED();
}

/* How many bytes at the start stand for themselves. */
static size_t count_plain(const char *bytes, size_t n)
{
    size_t plain = 0;

    while (plain < n && bytes[plain] != '"' && bytes[plain] != '\\' &&
           (unsigned char)bytes[plain] >= 0x20) {
        plain++;
    }
    return plain;
}

int fl_unescape_push(struct fl_unescape *unescape, const char *bytes, size_t n, size_t *n_used,
                     fl_unescape_put *put, void *aux, struct fl_error *err)
{
    const struct sink sink = { put, aux, err };
    size_t plain;

    *n_used = 1;
    if (unescape->state != FL_UNESCAPE_NONE) {
        return push_escape(unescape, bytes[0], &sink);
    }
    plain = count_plain(bytes, n);
    if (plain) {
        *n_used = plain;
        return put(aux, bytes, plain);
    }
    if (bytes[0] == '"') {
        unescape->ended = true;
        return 0;
    }
    if (bytes[0] != '\\') {
        return fl_reply_malformed(err, "a control character in a string");
    }
    unescape->state = FL_UNESCAPE_BACKSLASH;
    return 0;
}
