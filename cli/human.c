/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };
#define N_UNITS (sizeof units / sizeof units[0])

/* @value in three digits and the unit that brings it below 1000: "1.50", "12.3", "118". */
static const char *scale(double value, char digits[FL_HUMAN_BYTES])
{
    size_t unit = 0;

    /* 999.5 would be printed as 1000. */
    while (value >= 999.5 && unit < N_UNITS - 1) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(digits, FL_HUMAN_BYTES, "%.0f", value);
    else
        snprintf(digits, FL_HUMAN_BYTES, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
    return units[unit];
}

static const char *join(const char *digits, const char *between, const char *unit,
                        const char *symbol, char buf[FL_HUMAN_BYTES])
{
    snprintf(buf, FL_HUMAN_BYTES, "%.15s%s%s%s", digits, between, unit, symbol);
    return buf;
}

const char *fl_human_count(uint64_t count, char buf[FL_HUMAN_BYTES])
{
    char digits[FL_HUMAN_BYTES];

    if (count < 10000) {
        snprintf(buf, FL_HUMAN_BYTES, "%" PRIu64, count);
        return buf;
    }
    return join(digits, "", scale((double)count, digits), "", buf);
}

static const char *format_bytes(double bytes, char buf[FL_HUMAN_BYTES])
{
    char digits[FL_HUMAN_BYTES];

    return join(digits, " ", scale(bytes, digits), "B", buf);
}

const char *fl_human_bytes(uint64_t bytes, char buf[FL_HUMAN_BYTES])
{
    return format_bytes((double)bytes, buf);
}

const char *fl_human_rate(uint64_t count, int64_t window_ms, char buf[FL_HUMAN_BYTES])
{
    double rate = (double)count * 1000 / (double)window_ms;

    if (window_ms <= 0)
        return fl_human_count(count, buf);
    if (count && rate < 0.05)
        snprintf(buf, FL_HUMAN_BYTES, "<0.1");
    else if (count && rate < 9.95)
        snprintf(buf, FL_HUMAN_BYTES, "%.1f", rate);
    else
        return fl_human_count((uint64_t)llround(rate), buf);
    return buf;
}

const char *fl_human_byte_rate(uint64_t bytes, int64_t window_ms, char buf[FL_HUMAN_BYTES])
{
    return format_bytes(window_ms > 0 ? (double)bytes * 1000 / (double)window_ms : (double)bytes,
                        buf);
}

const char *fl_human_share(double share, char buf[FL_HUMAN_BYTES])
{
    /* Rounded down, so that 99.97 % is never shown as all of it. */
    double percent = floor(share * 1000 + 1e-9) / 10;

    if (!(share >= 0))
        snprintf(buf, FL_HUMAN_BYTES, "-");
    else if (share >= 1)
        snprintf(buf, FL_HUMAN_BYTES, "100");
    else if (share <= 0)
        snprintf(buf, FL_HUMAN_BYTES, "0");
    else if (percent < 0.1)
        snprintf(buf, FL_HUMAN_BYTES, "<0.1");
    else
        snprintf(buf, FL_HUMAN_BYTES, "%.1f", percent > 99.9 ? 99.9 : percent);
    return buf;
}

const char *fl_human_duration(int64_t ms, char buf[FL_HUMAN_BYTES])
{
    const int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

    if (ms < second)
        snprintf(buf, FL_HUMAN_BYTES, "%" PRId64 " ms", ms);
    else if (ms < 10 * second && ms % second >= 50)
        snprintf(buf, FL_HUMAN_BYTES, "%.1f s", (double)ms / (double)second);
    else if (ms < 2 * minute)
        snprintf(buf, FL_HUMAN_BYTES, "%" PRId64 " s", ms / second);
    else if (ms < 2 * hour)
        snprintf(buf, FL_HUMAN_BYTES, "%" PRId64 " min", ms / minute);
    else if (ms < 2 * day)
        snprintf(buf, FL_HUMAN_BYTES, "%" PRId64 " h", ms / hour);
    else
        snprintf(buf, FL_HUMAN_BYTES, "%" PRId64 " d", ms / day);
    return buf;
}
