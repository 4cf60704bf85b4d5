/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin/request.h"

#include <string.h>

#define FNV_BASIS UINT32_C(2166136261)
#define FNV_PRIME UINT32_C(16777619)
/* Digits of UINT64_MAX that cannot overflow. */
#define MAX_DIGITS 19

void fl_request_init(struct fl_request *request, const char *params)
{
    size_t n = 0;

    request->check = FNV_BASIS;
    while (params && n < sizeof request->text - 1) {
        char c = params[n];

        if (!c) {
            break;
        }
        request->check = (request->check ^ (uint8_t)c) * FNV_PRIME;
        request->text[n++] = c;
    }
    request->text[n] = '\0';
    request->next = request->text;
}

bool fl_request_number(struct fl_request *request, uint64_t max, uint64_t *number)
{
    size_t n = strspn(request->next, "0123456789");
    uint64_t value = 0;

    if (!n || n > MAX_DIGITS || (request->next[n] && request->next[n] != ',')) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        value = value * 10 + (uint64_t)(request->next[i] - '0');
    }
    if (value > max) {
        return false;
    }
    request->next += n + (request->next[n] == ',');
    *number = value;
    return true;
}

bool fl_request_word(struct fl_request *request, const char *word)
{
    if (strcmp(request->next, word)) {
        return false;
    }
    request->next += strlen(word);
    return true;
}

bool fl_request_is_done(const struct fl_request *request)
{
    return !*request->next && (request->next == request->text || request->next[-1] != ',');
}

char fl_reply_character(char c)
{
    return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t' ? c : '?';
}

void fl_reply_text(char *to, size_t size, const char *text)
{
    static const char dots[] = "...";
    size_t n = 0;

    for (; text && text[n] && n < size - 1; n++) {
        to[n] = text[n] == '\n' ? ' ' : fl_reply_character(text[n]);
    }
    to[n] = '\0';
    if (text && text[n] && size > sizeof dots) {
        memcpy(to + size - sizeof dots, dots, sizeof dots);
    }
}
