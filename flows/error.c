/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/error.h"

#include <stdarg.h>
#include <string.h>

#define ELLIPSIS "..."

/* What came from outside may not move the cursor of whoever reads the sentence. */
static void make_visible(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static void end_with_ellipsis(char text[FL_ERROR_MAX])
{
    size_t end = FL_ERROR_MAX - sizeof ELLIPSIS;

    /* Do not cut a UTF-8 character in two. */
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, ELLIPSIS, sizeof ELLIPSIS);
}

int fl_error_set(struct fl_error *err, int code, const char *format, ...)
{
    va_list args;
    int n;

    if (!err || err->code)
        return code;

    va_start(args, format);
    n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n < 0)
        err->text[0] = '\0';
    else if ((size_t)n >= sizeof err->text)
        end_with_ellipsis(err->text);
    make_visible(err->text);
    err->code = code;
    return code;
}

void fl_error_prefix(struct fl_error *err, const char *format, ...)
{
    char cause[FL_ERROR_MAX];
    va_list args;
    int n;

    if (!err || !err->code)
        return;

    memcpy(cause, err->text, sizeof cause);
    va_start(args, format);
    n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n < 0)
        n = 0;
    if ((size_t)n < sizeof err->text) {
        size_t room = sizeof err->text - (size_t)n;

        n += snprintf(err->text + n, room, ": %s", cause);
    }
    if ((size_t)n >= sizeof err->text)
        end_with_ellipsis(err->text);
    make_visible(err->text);
}

void fl_error_clear(struct fl_error *err)
{
    if (err)
        *err = (struct fl_error)FL_ERROR_INIT;
}
