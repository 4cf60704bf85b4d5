/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLOCK_H
#define FLOWLIFT_CLOCK_H

/*
 * The two clocks: Unix time for what people read (milliseconds, UTC, RFC 3339), and the monotonic one
 * for deadlines and windows.
 */

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-22T21:56:00.123Z" and its NUL. */
#define FL_TIME_TEXT_BYTES 25

/** fl_time_now_ms() - Unix time in milliseconds */
int64_t fl_time_now_ms(void);
/**
 * fl_time_format() - RFC 3339, UTC, milliseconds
 * @time_ms: Unix time in milliseconds; outside the years 1 to 9999 the nearest of them is written
 * Return: @buf.
 */
const char *fl_time_format(int64_t time_ms, char buf[FL_TIME_TEXT_BYTES]);
/**
 * fl_time_parse() - inverse of fl_time_format(); also without or with fewer decimals of the second
 * Return: true and *@time_ms, or false and *@time_ms untouched.
 */
bool fl_time_parse(const char *text, int64_t *time_ms);

/** fl_backoff_ms() - @first_ms, twice as much after each failure, @most_ms at most; @n: failures so far */
long long fl_backoff_ms(long long first_ms, long long most_ms, unsigned int n);

/** fl_monotonic_ms() - milliseconds of CLOCK_MONOTONIC */
int64_t fl_monotonic_ms(void);
/** fl_sleep_until_ms() - sleep until fl_monotonic_ms() is @deadline_ms; signals do not shorten it */
void fl_sleep_until_ms(int64_t deadline_ms);

#endif
