/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/pace.h"

#include "flows/limits.h"
#include "lib/base/clock.h"

bool fl_pace_wait(struct fl_pace *pace)
{
    if (pace->n >= FL_LIMIT_PROBES)
        return false;
    pace->n++;
    fl_sleep_until_ms(pace->next_ms);
    pace->next_ms = fl_monotonic_ms() + 1000 / FL_LIMIT_PROBES_PER_SECOND;
    return true;
}
