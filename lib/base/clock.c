/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <ovs/fatal-signal.h>

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
#define EARLIEST_MS INT64_C(-62135596800000)
#define LATEST_MS   INT64_C(253402300799999)

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t fl_time_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

long long fl_backoff_ms(long long first_ms, long long most_ms, unsigned int n)
{
    long long ms = first_ms;

    for (unsigned int i = 1; i < n && ms < most_ms; i++)
        ms *= 2;
    return ms < most_ms ? ms : most_ms;
}

int64_t fl_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

const char *fl_time_format(int64_t time_ms, char buf[FL_TIME_TEXT_BYTES])
{
    struct tm tm;
    time_t seconds;
    int ms;

    if (time_ms < EARLIEST_MS)
        time_ms = EARLIEST_MS;
    if (time_ms > LATEST_MS)
        time_ms = LATEST_MS;
    ms = (int)(((time_ms % 1000) + 1000) % 1000);
    seconds = (time_t)((time_ms - ms) / 1000);
    gmtime_r(&seconds, &tm);
    /* The remainders are no-ops that let the compiler see the width of each field. */
    snprintf(buf, FL_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)(tm.tm_mon + 1) % 100,
             (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
             (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100, (unsigned int)ms % 1000);
    return buf;
}

/* Decimals of the second, ".1" to ".123456789", cut to milliseconds. Return: what follows them. */
static const char *parse_decimals(const char *text, int *ms)
{
    int scale = 100;

    *ms = 0;
    if (*text != '.')
        return text;
    for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
        *ms += (*text - '0') * scale;
    return text;
}

bool fl_time_parse(const char *text, int64_t *time_ms)
{
    struct tm tm = { 0 };
    int used = 0, ms;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &used) != 6)
        return false;
    if (tm.tm_year < 1 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 ||
        tm.tm_sec > 60)
        return false;
    text = parse_decimals(text + used, &ms);
    if (text[0] != 'Z' || text[1])
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *time_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}

void fl_sleep_until_ms(int64_t deadline_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000) * 1000000,
    };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        fatal_signal_run(); /* libopenvswitch has the handlers of SIGINT and SIGTERM */
}
