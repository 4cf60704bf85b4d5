/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_UNTIL_H
#define FLOWLIFT_UNTIL_H

/*
 * Until when a remedy stands: a moment, or the version of Open vSwitch that brings the permanent fix. As text
 * it is "2027-01-31" (the moment at which that day begins, UTC), "2027-01-31T12:00:00Z", the same with an
 * offset ("+01:00") for "Z", or "3.3.1".
 */

#include <stdbool.h>
#include <stdint.h>

#include "flows/error.h"

#define FL_VERSION_BYTES 32
/* The longest fl_until_format() writes, and its NUL. */
#define FL_UNTIL_TEXT_BYTES 32

struct fl_until {
    int64_t time_ms;                /* Unix time; 0: it is not a moment */
    char version[FL_VERSION_BYTES]; /* "": it is not a version */
};

static inline bool fl_until_is_set(const struct fl_until *until)
{
    return until->time_ms || until->version[0];
}

/** fl_until_parse() - Return: 0; -EINVAL with a sentence, @until untouched */
int fl_until_parse(const char *text, struct fl_until *until, struct fl_error *err);
/** fl_until_format() - as fl_until_parse() reads it; "" when nothing is set. Return: @buf */
const char *fl_until_format(const struct fl_until *until, char buf[FL_UNTIL_TEXT_BYTES]);
/**
 * fl_until_has_come() - has it?
 * @now_ms: Unix time
 * @ovs_version: the one that runs, as OVSDB's ovs_version has it: numbers count, and what follows them does
 *               not; NULL when it is not known, which is never the version that is waited for
 */
bool fl_until_has_come(const struct fl_until *until, int64_t now_ms, const char *ovs_version);

#endif
