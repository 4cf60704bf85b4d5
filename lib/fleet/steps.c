/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/steps.h"

#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"

/* A reason may quote a whole log line: what it begins with will do. */
#define REASON_BYTES 512

char *fl_fleet_step_text(const json_t *repair)
{
    const char *reason = json_string_value(json_object_get(repair, "reason"));
    size_t n = reason ? strlen(reason) : 0;
    _cleanup_json json_t *step = NULL;
    char time[FL_TIME_TEXT_BYTES];

    if (n > REASON_BYTES) {
        n = REASON_BYTES;
        while (n && ((unsigned char)reason[n] & 0xc0) == 0x80) {
            n--; /* not in the middle of a character */
        }
    }
    fl_time_format(json_integer_value(json_object_get(repair, "changed")), time);
    step = json_pack("{s:s, s:O?, s:s%, s:O?, s:O?}", "time", time, "state",
                     json_object_get(repair, "state"), "reason", reason ? reason : "", n, "who",
                     json_object_get(repair, "who"), "ticket", json_object_get(repair, "ticket"));
    return json_dumps(step, JSON_COMPACT);
}

json_t *fl_fleet_step_read(const char *text)
{
    json_t *step = json_loads(text, 0, NULL);

    if (!json_is_string(json_object_get(step, "time"))) {
        json_decref(step);
        return NULL;
    }
    return step;
}

size_t fl_fleet_steps_add(const char **steps, size_t n, const char *step, size_t max)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(steps[i], step)) {
            return n;
        }
    }
    if (n >= max) {
        memmove(steps, steps + (n - max + 1), (max - 1) * sizeof *steps);
        n = max - 1;
    }
    steps[n] = step;
    return n + 1;
}

const char **fl_fleet_steps_of_row(char *const *steps, size_t *n, const char *step)
{
    const char **now = xcalloc(*n + 1, sizeof *now);

    for (size_t i = 0; i < *n; i++) {
        now[i] = steps[i];
    }
    *n = fl_fleet_steps_add(now, *n, step, FL_FLEET_STEPS);
    return now;
}
