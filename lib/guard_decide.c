/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>

#include "lib/base/clock.h"
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
    /* What is proven are rules for another port than those that are in. */
    bool is_proven = view->proof == FL_PROOF_HOLDS && view->place == FL_PLACE_SAME;

    if (view->place == FL_PLACE_MOVED && view->rules != FL_RULES_ABSENT) {
        return FL_GUARD_REVERT;
    }
    if (view->rules == FL_RULES_ABSENT || is_proven) {
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

/* Its rules are about a port that is no more, or is somebody else's by now. */
static enum fl_guard_act decide_gone(const struct fl_guard_view *view)
{
    if (view->rules == FL_RULES_UNKNOWN && !view->overdue) {
        return FL_GUARD_RETRY;
    }
    if (view->state == FL_REMEDY_PLANNED) {
        return view->rules == FL_RULES_ABSENT ? FL_GUARD_LEAVE : FL_GUARD_REVERT;
    }
    return view->state == FL_REMEDY_SUSPENDED && view->rules == FL_RULES_ABSENT ? FL_GUARD_LEAVE
                                                                                : FL_GUARD_WITHDRAW;
}

enum fl_guard_act fl_guard_decide(const struct fl_guard_view *view)
{
    if (view->state == FL_REMEDY_REVERTED) {
        return FL_GUARD_LEAVE;
    }
    if (view->late || view->retired) {
        return FL_GUARD_REVERT;
    }
    if (view->place == FL_PLACE_GONE) {
        return decide_gone(view);
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

long long fl_guard_retry_ms(unsigned int n)
{
    return fl_backoff_ms(RETRY_FIRST_MS, RETRY_MOST_MS, n);
}

long long fl_guard_rest_ms(unsigned int n)
{
    return n ? fl_backoff_ms(REST_FIRST_MS, REST_MOST_MS, n) : 0;
}

long long fl_guard_again_ms(unsigned int n)
{
    return fl_backoff_ms(AGAIN_FIRST_MS, FL_GUARD_REGULAR_MS, n);
}

long long fl_guard_pause_ms(long long look_ms)
{
    return MIN(PAUSE_TIMES * look_ms, PAUSE_MOST_MS);
}
