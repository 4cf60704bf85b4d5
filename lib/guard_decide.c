/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>

#include "lib/guard_internal.h"

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS  5000
#define REST_FIRST_MS  500
#define REST_MOST_MS   64000
#define AGAIN_FIRST_MS 1000
/* At most a quarter of the time is spent looking at one remedy, unless a look takes long. */
#define PAUSE_TIMES   3
#define PAUSE_MOST_MS 300

/* What an interrupted apply left. It was never verified, so it is not put back. */
static enum fl_guard_act decide_planned(const struct fl_guard_view *view)
{
    if (view->rules == FL_RULES_ABSENT || view->proof == FL_PROOF_HOLDS) {
        return FL_GUARD_LEAVE;
    }
    if (view->proof == FL_PROOF_FAILS || view->overdue) {
        return FL_GUARD_REVERT;
    }
    return FL_GUARD_RETRY;
}

/* Its rules are out; those that are there all the same were put in by a guard that was killed. */
static enum fl_guard_act decide_suspended(const struct fl_guard_view *view)
{
    switch (view->proof) {
    case FL_PROOF_HOLDS: return FL_GUARD_INSTALL;
    case FL_PROOF_FAILS: return view->rules == FL_RULES_ABSENT ? FL_GUARD_LEAVE : FL_GUARD_WITHDRAW;
    case FL_PROOF_UNKNOWN:
    default:
        return view->overdue && view->rules != FL_RULES_ABSENT ? FL_GUARD_WITHDRAW : FL_GUARD_RETRY;
    }
}

static enum fl_guard_act decide_installed(const struct fl_guard_view *view)
{
    switch (view->proof) {
    case FL_PROOF_HOLDS: return view->rules == FL_RULES_WHOLE ? FL_GUARD_LEAVE : FL_GUARD_INSTALL;
    case FL_PROOF_FAILS: return FL_GUARD_WITHDRAW;
    case FL_PROOF_UNKNOWN:
    default: return view->overdue ? FL_GUARD_WITHDRAW : FL_GUARD_RETRY;
    }
}

enum fl_guard_act fl_guard_decide(const struct fl_guard_view *view)
{
    if (view->late && view->state != FL_REMEDY_REVERTED) {
        return FL_GUARD_REVERT;
    }
    switch (view->state) {
    case FL_REMEDY_PLANNED: return decide_planned(view);
    case FL_REMEDY_SUSPENDED: return decide_suspended(view);
    case FL_REMEDY_INSTALLED:
    case FL_REMEDY_VERIFIED: return decide_installed(view);
    case FL_REMEDY_REVERTED:
    default: return FL_GUARD_LEAVE;
    }
}

/* @first, twice as much each time, @most. */
static long long doubled(long long first, long long most, unsigned int n)
{
    long long ms = first;

    for (unsigned int i = 1; i < n && ms < most; i++) {
        ms *= 2;
    }
    return MIN(ms, most);
}

long long fl_guard_retry_ms(unsigned int n)
{
    return doubled(RETRY_FIRST_MS, RETRY_MOST_MS, n);
}

long long fl_guard_rest_ms(unsigned int n)
{
    return n ? doubled(REST_FIRST_MS, REST_MOST_MS, n) : 0;
}

long long fl_guard_again_ms(unsigned int n)
{
    return doubled(AGAIN_FIRST_MS, FL_GUARD_REGULAR_MS, n);
}

long long fl_guard_pause_ms(long long look_ms)
{
    return MIN(PAUSE_TIMES * look_ms, PAUSE_MOST_MS);
}
