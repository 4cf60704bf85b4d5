/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ovs/util.h>

#include "flows/decode_internal.h"

const char *fl_text_find(struct fl_text text, const char *word)
{
    return text.n ? memmem(text.s, text.n, word, strlen(word)) : NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool scan_hex(struct fl_cursor *c, uint64_t max, uint64_t *value)
{
    const char *p = c->p;
    uint64_t v = 0;

    for (; p < c->end; p++) {
        int digit = hex_digit(*p);

        if (digit < 0)
            break;
        if (v >> 60)
            return false;
        v = v << 4 | (uint64_t)digit;
    }
    if (p == c->p || v > max)
        return false;
    c->p = p;
    *value = v;
    return true;
}

bool fl_scan_decimal(struct fl_cursor *c, uint64_t *value)
{
    const char *p = c->p;
    uint64_t v = 0;

    for (; p < c->end && *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
            return false;
    }
    if (p == c->p)
        return false;
    c->p = p;
    *value = v;
    return true;
}

bool fl_scan_uint(struct fl_cursor *c, uint64_t max, uint64_t *value)
{
    struct fl_cursor at = *c;
    uint64_t v;

    if (at.end - at.p >= 2 && at.p[0] == '0') {
        if (at.p[1] == 'x' || at.p[1] == 'X') {
            at.p += 2;
            if (!scan_hex(&at, max, value))
                return false;
            c->p = at.p;
            return true;
        }
        if (at.p[1] >= '0' && at.p[1] <= '9')
            return false;
    }
    if (!fl_scan_decimal(&at, &v) || v > max)
        return false;
    c->p = at.p;
    *value = v;
    return true;
}

bool fl_scan_hex_bytes(struct fl_cursor *c, uint8_t *bytes, size_t n)
{
    const char *p = c->p;
    const char *digit;
    size_t i = 2 * n;

    while (p < c->end && hex_digit(*p) >= 0)
        p++;
    if (p == c->p)
        return false;
    memset(bytes, 0, n);
    for (digit = p; digit > c->p;) {
        uint8_t value = (uint8_t)hex_digit(*--digit);

        if (i == 0) {
            if (value)
                return false;
            continue;
        }
        i--;
        bytes[i / 2] = (uint8_t)(bytes[i / 2] | (i % 2 ? value : value << 4));
    }
    c->p = p;
    return true;
}

bool fl_scan_eth(struct fl_cursor *c, struct eth_addr *address)
{
    const char *p = c->p;

    if (c->end - p < 17)
        return false;
    for (int i = 0; i < 6; i++, p += 3) {
        int high = hex_digit(p[0]);
        int low = hex_digit(p[1]);

        if (high < 0 || low < 0 || (i < 5 && p[2] != ':'))
            return false;
        address->ea[i] = (uint8_t)(high << 4 | low);
    }
    c->p += 17;
    return true;
}

bool fl_scan_ipv4(struct fl_cursor *c, ovs_be32 *address)
{
    struct fl_cursor at = *c;
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        uint64_t octet;

        if ((i > 0 && !fl_scan_char(&at, '.')) || !fl_scan_decimal(&at, &octet) || octet > 255)
            return false;
        value = value << 8 | (uint32_t)octet;
    }
    c->p = at.p;
    *address = htonl(value);
    return true;
}

bool fl_scan_ipv6(struct fl_cursor *c, struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    const char *p = c->p;
    size_t n;

    if (c->end - p >= 2 && p[0] == ':' && p[1] == ':' &&
        (c->end - p == 2 || (hex_digit(p[2]) < 0 && p[2] != '.' && p[2] != ':'))) {
        memset(address, 0, sizeof *address);
        c->p += 2;
        return true;
    }
    while (p < c->end && (hex_digit(*p) >= 0 || *p == ':' || *p == '.'))
        p++;
    n = (size_t)(p - c->p);
    if (n == 0 || n >= sizeof text)
        return false;
    memcpy(text, c->p, n);
    text[n] = '\0';
    if (inet_pton(AF_INET6, text, address) != 1)
        return false;
    c->p = p;
    return true;
}

bool fl_scan_bracketed(struct fl_cursor *c)
{
    unsigned int depth = 0;

    for (const char *p = c->p; p < c->end; p++) {
        if (*p == '(') {
            depth++;
        } else if (*p == ')' && --depth == 0) {
            c->p = p + 1;
            return true;
        }
    }
    return false;
}
