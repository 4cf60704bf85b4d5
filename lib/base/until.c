/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/until.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

#define DATE_CHARS     10 /* 2027-01-31 */
#define SECONDS_CHARS  19 /* 2027-01-31T12:00:00 */
#define OFFSET_CHARS   6  /* +01:00 */
#define MAX_TEXT       40
#define VERSION_PARTS  4
#define VERSION_DIGITS 6
#define HOUR_MS        (60 * 60 * 1000)
#define MINUTE_MS      (60 * 1000)

/* ---- Moments ---- */

/* Only what is written back as it was read: no 31st of February, no signs or blanks between the digits. */
static bool parse_utc(const char *text, int64_t *time_ms)
{
    char again[FL_TIME_TEXT_BYTES];
    int64_t parsed_ms;

    if (strlen(text) <= SECONDS_CHARS || !fl_time_parse(text, &parsed_ms) ||
        strncmp(fl_time_format(parsed_ms, again), text, SECONDS_CHARS))
        return false;
    *time_ms = parsed_ms;
    return true;
}

static bool parse_number(const char *two_digits, int most, int *number)
{
    if (two_digits[0] < '0' || two_digits[0] > '9' || two_digits[1] < '0' || two_digits[1] > '9')
        return false;
    *number = 10 * (two_digits[0] - '0') + two_digits[1] - '0';
    return *number <= most;
}

/* "+01:00" */
static bool parse_offset(const char *text, int64_t *offset_ms)
{
    int hours, minutes;

    if ((text[0] != '+' && text[0] != '-') || !parse_number(text + 1, 23, &hours) ||
        text[3] != ':' || !parse_number(text + 4, 59, &minutes))
        return false;
    *offset_ms = (int64_t)hours * HOUR_MS + (int64_t)minutes * MINUTE_MS;
    if (text[0] == '-')
        *offset_ms = -*offset_ms;
    return true;
}

static bool parse_moment(const char *text, int64_t *time_ms)
{
    size_t n = strlen(text);
    char utc[MAX_TEXT + 16];
    int64_t offset_ms = 0;

    if (n > MAX_TEXT)
        return false;
    if (n == DATE_CHARS) {
        snprintf(utc, sizeof utc, "%sT00:00:00Z", text);
    } else if (n > SECONDS_CHARS + OFFSET_CHARS - 1 &&
               parse_offset(text + n - OFFSET_CHARS, &offset_ms)) {
        snprintf(utc, sizeof utc, "%.*sZ", (int)(n - OFFSET_CHARS), text);
    } else {
        snprintf(utc, sizeof utc, "%s", text);
    }
    if (!parse_utc(utc, time_ms))
        return false;
    *time_ms -= offset_ms;
    return *time_ms > 0;
}

/* ---- Versions ---- */

/* The numbers that @text begins with; those that are not there are 0. Return: what follows them, or NULL. */
static const char *parse_version(const char *text, unsigned long parts[VERSION_PARTS],
                                 size_t *n_parts)
{
    memset(parts, 0, VERSION_PARTS * sizeof *parts);
    *n_parts = 0;
    for (;;) {
        size_t n = strspn(text, "0123456789");

        if (!n || n > VERSION_DIGITS || *n_parts == VERSION_PARTS)
            return NULL;
        for (size_t i = 0; i < n; i++)
            parts[*n_parts] = 10 * parts[*n_parts] + (unsigned long)(text[i] - '0');
        ++*n_parts;
        text += n;
        if (text[0] != '.' || text[1] < '0' || text[1] > '9')
            return text;
        text++;
    }
}

static bool is_as_new(const char *running, const char *wanted)
{
    unsigned long have[VERSION_PARTS], want[VERSION_PARTS];
    size_t n;

    if (!running || !parse_version(running, have, &n) || !parse_version(wanted, want, &n))
        return false;
    for (size_t i = 0; i < VERSION_PARTS; i++) {
        if (have[i] != want[i])
            return have[i] > want[i];
    }
    return true;
}

/* "3.3" or longer: a lone number is more likely half of something else. */
static bool is_version(const char *text)
{
    unsigned long parts[VERSION_PARTS];
    size_t n_parts;
    const char *rest = strlen(text) < FL_VERSION_BYTES ? parse_version(text, parts, &n_parts)
                                                       : NULL;

    return rest && !*rest && n_parts > 1;
}

/* ---- Both ---- */

int fl_until_parse(const char *text, struct fl_until *until, struct fl_error *err)
{
    struct fl_until parsed = { .time_ms = 0 };

    if (is_version(text))
        snprintf(parsed.version, sizeof parsed.version, "%s", text);
    else if (!parse_moment(text, &parsed.time_ms))
        return fl_error_set(err, -EINVAL,
                            "a remedy stands until a date such as 2027-01-31 or "
                            "2027-01-31T12:00:00+01:00, or a version of Open vSwitch such as "
                            "3.3.1, not '%s'",
                            text);
    *until = parsed;
    return 0;
}

const char *fl_until_format(const struct fl_until *until, char buf[FL_UNTIL_TEXT_BYTES])
{
    char time[FL_TIME_TEXT_BYTES];

    snprintf(buf, FL_UNTIL_TEXT_BYTES, "%.*s", FL_UNTIL_TEXT_BYTES - 1,
             until->time_ms ? fl_time_format(until->time_ms, time) : until->version);
    return buf;
}

bool fl_until_has_come(const struct fl_until *until, int64_t now_ms, const char *ovs_version)
{
    return (until->time_ms && now_ms >= until->time_ms) ||
           (until->version[0] && is_as_new(ovs_version, until->version));
}
