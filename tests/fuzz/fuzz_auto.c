/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of automatic repairs: any JSON is either read or refused with a sentence; what was read is the same
 * again after it was written and read once more; and whatever it says, limits keep: no VM begins more often in
 * an hour than allowed.
 */

#include <stdint.h>
#include <stdlib.h>

#include "agent/auto_limits.h"
#include "flows/cleanup.h"
#include "lib/base/small_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1800000000000)

static void check_limits(struct fl_auto_limits *limits)
{
    int64_t until_ms;
    int n = 0;

    fl_auto_age(limits, NOW_MS);
    for (size_t i = 0; i < limits->n_holds; i++) {
        if (limits->holds[i].until_ms > NOW_MS + FL_AUTO_HOLD_MOST_MS)
            abort();
    }
    while (fl_auto_may(limits, "vm", 3, NOW_MS, &until_ms) == FL_AUTO_GO) {
        fl_auto_begin(limits, "vm", "vm", NOW_MS);
        if (++n > 3)
            abort();
        fl_auto_end(limits, "vm", FL_AUTO_DONE, "", NOW_MS);
    }
    /* Nothing lasts for ever. */
    fl_auto_interrupted(limits, NOW_MS);
    fl_auto_age(limits, NOW_MS + 2 * FL_AUTO_HOLD_MOST_MS);
    if (limits->n_attempts || limits->n_holds || limits->stopped_ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = fl_json_parse("auto.json", (const char *)data, size, &err);
    _cleanup_json json_t *first = NULL, *second = NULL;
    _cleanup_(fl_auto_limits_destroy) struct fl_auto_limits limits, again;

    fl_auto_limits_init(&limits);
    fl_auto_limits_init(&again);
    if (!json || fl_auto_from_json(json, &limits, &err)) {
        if (!err.text[0] || limits.attempts || limits.holds)
            abort();
        return 0;
    }
    first = fl_auto_to_json(&limits);
    if (!first || fl_auto_from_json(first, &again, &err))
        abort();
    second = fl_auto_to_json(&again);
    if (!json_equal(first, second))
        abort();
    check_limits(&limits);
    return 0;
}
