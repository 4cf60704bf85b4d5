/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/auto_limits.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/limits.h"
#include "lib/base/clock.h"

void fl_auto_limits_init(struct fl_auto_limits *limits)
{
    *limits = (struct fl_auto_limits){ .stopped_ms = 0 };
}

static void free_attempt(struct fl_auto_attempt *attempt)
{
    free(attempt->vm_id);
    free(attempt->vm_name);
}

static void free_hold(struct fl_auto_hold *hold)
{
    free(hold->vm_id);
    free(hold->vm_name);
    free(hold->reason);
}

void fl_auto_limits_destroy(struct fl_auto_limits *limits)
{
    for (size_t i = 0; i < limits->n_attempts; i++) {
        free_attempt(&limits->attempts[i]);
    }
    for (size_t i = 0; i < limits->n_holds; i++) {
        free_hold(&limits->holds[i]);
    }
    free(limits->attempts);
    free(limits->holds);
    free(limits->stop_reason);
    fl_auto_limits_init(limits);
}

/* ---- The decision ---- */

bool fl_auto_is_alone(const json_t *vm)
{
    const char *verdict = json_string_value(json_object_get(vm, "verdict"));
    const char *scope = json_string_value(json_object_get(vm, "scope"));

    return verdict && !strcmp(verdict, fl_verdict_name(FL_VERDICT_STRANDED)) && scope &&
           !strcmp(scope, fl_scope_name(FL_SCOPE_VM));
}

bool fl_auto_wants(const json_t *vm, const struct fl_remedy *remedy)
{
    /* A remedy that stands is the guard's, also where it does not help. */
    return fl_auto_is_alone(vm) && (!remedy || remedy->state == FL_REMEDY_REVERTED);
}

/* An attempt counts for an hour. */
static bool counts(const struct fl_auto_attempt *attempt, int64_t now_ms)
{
    return attempt->began_ms + FL_AUTO_HOUR_MS > now_ms;
}

size_t fl_auto_n_attempts(const struct fl_auto_limits *limits, int64_t now_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < limits->n_attempts; i++) {
        n += counts(&limits->attempts[i], now_ms);
    }
    return n;
}

/* Of the last so many that count: when it does not any more, another one may begin. */
static const struct fl_auto_attempt *oldest(const struct fl_auto_limits *limits, int max_per_hour,
                                            int64_t now_ms)
{
    size_t n = 0;

    for (size_t i = limits->n_attempts; i > 0; i--) {
        n += counts(&limits->attempts[i - 1], now_ms);
        if (n == (size_t)max_per_hour) {
            return &limits->attempts[i - 1];
        }
    }
    return NULL;
}

static struct fl_auto_hold *find_hold(const struct fl_auto_limits *limits, const char *vm_id)
{
    for (size_t i = 0; i < limits->n_holds; i++) {
        if (!strcmp(limits->holds[i].vm_id, vm_id)) {
            return &limits->holds[i];
        }
    }
    return NULL;
}

const struct fl_auto_hold *fl_auto_held(const struct fl_auto_limits *limits, const char *vm_id)
{
    return find_hold(limits, vm_id);
}

int64_t fl_auto_stopped_until_ms(const struct fl_auto_limits *limits, int64_t now_ms)
{
    int64_t until_ms = limits->stopped_ms + FL_AUTO_HOUR_MS;

    return limits->stopped_ms && until_ms > now_ms ? until_ms : 0;
}

enum fl_auto_answer fl_auto_may(const struct fl_auto_limits *limits, const char *vm_id,
                                int max_per_hour, int64_t now_ms, int64_t *until_ms)
{
    const struct fl_auto_hold *hold = find_hold(limits, vm_id);
    const struct fl_auto_attempt *first;

    *until_ms = fl_auto_stopped_until_ms(limits, now_ms);
    if (*until_ms) {
        return FL_AUTO_STOPPED;
    }
    if (hold && hold->until_ms > now_ms) {
        *until_ms = hold->until_ms;
        return FL_AUTO_HELD;
    }
    if (max_per_hour <= 0) {
        return FL_AUTO_FULL;
    }
    first = oldest(limits, max_per_hour, now_ms);
    if (first) {
        *until_ms = first->began_ms + FL_AUTO_HOUR_MS;
        return FL_AUTO_FULL;
    }
    return FL_AUTO_GO;
}

/* ---- What has happened ---- */

static void remove_attempt(struct fl_auto_limits *limits, size_t i)
{
    free_attempt(&limits->attempts[i]);
    limits->n_attempts--;
    memmove(&limits->attempts[i], &limits->attempts[i + 1],
            (limits->n_attempts - i) * sizeof *limits->attempts);
}

static void remove_hold(struct fl_auto_limits *limits, struct fl_auto_hold *hold)
{
    free_hold(hold);
    *hold = limits->holds[--limits->n_holds];
}

void fl_auto_begin(struct fl_auto_limits *limits, const char *vm_id, const char *vm_name,
                   int64_t now_ms)
{
    fl_auto_age(limits, now_ms);
    if (limits->n_attempts >= FL_LIMIT_AUTO_ATTEMPTS) {
        remove_attempt(limits, 0); /* more than the configuration allows an hour */
    }
    limits->attempts = xrealloc(limits->attempts,
                                (limits->n_attempts + 1) * sizeof *limits->attempts);
    limits->attempts[limits->n_attempts++] = (struct fl_auto_attempt){
        .vm_id = xstrdup(vm_id),
        .vm_name = xstrdup(vm_name),
        .began_ms = now_ms,
        .end = FL_AUTO_UNDER_WAY,
    };
}

/* The one that ends first makes room. */
static void make_room(struct fl_auto_limits *limits)
{
    struct fl_auto_hold *first = limits->holds;

    if (limits->n_holds < FL_LIMIT_AUTO_HOLDS) {
        limits->holds = xrealloc(limits->holds, (limits->n_holds + 1) * sizeof *limits->holds);
        return;
    }
    for (size_t i = 1; i < limits->n_holds; i++) {
        if (limits->holds[i].until_ms < first->until_ms) {
            first = &limits->holds[i];
        }
    }
    remove_hold(limits, first);
}

static struct fl_auto_hold *hold_of(struct fl_auto_limits *limits, const char *vm_id,
                                    const char *vm_name)
{
    struct fl_auto_hold *hold = find_hold(limits, vm_id);

    if (!hold) {
        make_room(limits);
        hold = &limits->holds[limits->n_holds++];
        *hold = (struct fl_auto_hold){ .vm_id = xstrdup(vm_id) };
    }
    free(hold->vm_name);
    hold->vm_name = xstrdup(vm_name);
    return hold;
}

static void put_hold(struct fl_auto_hold *hold, const char *reason, int64_t until_ms)
{
    char text[FL_ERROR_MAX];

    ovs_strzcpy(text, reason, sizeof text);
    free(hold->reason);
    hold->reason = xstrdup(text);
    hold->until_ms = until_ms;
}

void fl_auto_hold(struct fl_auto_limits *limits, const char *vm_id, const char *vm_name,
                  const char *reason, int64_t until_ms)
{
    put_hold(hold_of(limits, vm_id, vm_name), reason, until_ms);
}

static void hold_failed(struct fl_auto_limits *limits, const struct fl_auto_attempt *attempt,
                        const char *reason, int64_t now_ms)
{
    struct fl_auto_hold *hold = hold_of(limits, attempt->vm_id, attempt->vm_name);
    long long first_ms = attempt->end == FL_AUTO_TROUBLE ? FL_AUTO_TROUBLE_FIRST_MS
                                                         : FL_AUTO_HOLD_FIRST_MS;

    hold->n_failed++;
    put_hold(hold, reason, now_ms + fl_backoff_ms(first_ms, FL_AUTO_HOLD_MOST_MS, hold->n_failed));
}

static bool is_unverified(const struct fl_auto_attempt *attempt, int64_t now_ms)
{
    return attempt->end == FL_AUTO_UNVERIFIED && counts(attempt, now_ms);
}

/* The first attempt of its VM that failed verification within the hour, so that each VM counts once. */
static bool is_first_unverified(const struct fl_auto_limits *limits, size_t i, int64_t now_ms)
{
    const struct fl_auto_attempt *attempts = limits->attempts;

    if (!is_unverified(&attempts[i], now_ms)) {
        return false;
    }
    for (size_t j = 0; j < i; j++) {
        if (is_unverified(&attempts[j], now_ms) && !strcmp(attempts[j].vm_id, attempts[i].vm_id)) {
            return false;
        }
    }
    return true;
}

static bool stop_if_several_failed(struct fl_auto_limits *limits, const char *reason,
                                   int64_t now_ms)
{
    struct ds names = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    for (size_t i = 0; i < limits->n_attempts; i++) {
        if (is_first_unverified(limits, i, now_ms)) {
            ds_put_format(&names, "%s%.64s", n++ ? ", " : "", limits->attempts[i].vm_name);
        }
    }
    if (n >= FL_AUTO_STOP_VMS) {
        limits->stopped_ms = now_ms;
        free(limits->stop_reason);
        limits->stop_reason = xasprintf(
            "repairs of %zu VMs (%.256s) failed verification within an hour; the last: %.200s", n,
            ds_cstr(&names), reason);
    }
    ds_destroy(&names);
    return n >= FL_AUTO_STOP_VMS;
}

static size_t find_under_way(const struct fl_auto_limits *limits, const char *vm_id)
{
    size_t i = 0;

    while (i < limits->n_attempts && (limits->attempts[i].end != FL_AUTO_UNDER_WAY ||
                                      strcmp(limits->attempts[i].vm_id, vm_id))) {
        i++;
    }
    return i;
}

bool fl_auto_end(struct fl_auto_limits *limits, const char *vm_id, enum fl_auto_end end,
                 const char *reason, int64_t now_ms)
{
    size_t i = find_under_way(limits, vm_id);
    struct fl_auto_hold *hold;

    if (i == limits->n_attempts) {
        return false;
    }
    limits->attempts[i].end = end;
    switch (end) {
    case FL_AUTO_NEEDLESS: remove_attempt(limits, i); return false;
    case FL_AUTO_DONE:
    case FL_AUTO_REOFFERED:
        hold = find_hold(limits, vm_id);
        if (hold) {
            remove_hold(limits, hold);
        }
        return false;
    case FL_AUTO_UNVERIFIED:
        hold_failed(limits, &limits->attempts[i], reason, now_ms);
        return stop_if_several_failed(limits, reason, now_ms);
    case FL_AUTO_REFUSED:
    case FL_AUTO_TROUBLE:
    case FL_AUTO_UNDER_WAY:
    case FL_AUTO_N_ENDS:
    default: hold_failed(limits, &limits->attempts[i], reason, now_ms); return false;
    }
}

bool fl_auto_was_reoffered(const struct fl_auto_limits *limits, const char *vm_id, int64_t now_ms)
{
    bool was = false;

    for (size_t i = 0; i < limits->n_attempts; i++) {
        const struct fl_auto_attempt *attempt = &limits->attempts[i];

        if (attempt->end != FL_AUTO_UNDER_WAY && counts(attempt, now_ms) &&
            !strcmp(attempt->vm_id, vm_id)) {
            was = attempt->end == FL_AUTO_REOFFERED;
        }
    }
    return was;
}

bool fl_auto_interrupted(struct fl_auto_limits *limits, int64_t now_ms)
{
    bool any = false;

    for (size_t i = 0; i < limits->n_attempts; i++) {
        if (limits->attempts[i].end == FL_AUTO_UNDER_WAY) {
            fl_auto_end(limits, limits->attempts[i].vm_id, FL_AUTO_TROUBLE,
                        "the agent ended during its repair", now_ms);
            any = true;
        }
    }
    return any;
}

void fl_auto_resume(struct fl_auto_limits *limits)
{
    limits->stopped_ms = 0;
    free(limits->stop_reason);
    limits->stop_reason = NULL;
    for (size_t i = 0; i < limits->n_attempts; i++) {
        /* Or the next failure would stop all again. */
        if (limits->attempts[i].end == FL_AUTO_UNVERIFIED) {
            limits->attempts[i].end = FL_AUTO_REFUSED;
        }
    }
}

void fl_auto_age(struct fl_auto_limits *limits, int64_t now_ms)
{
    for (size_t i = limits->n_attempts; i > 0; i--) {
        struct fl_auto_attempt *attempt = &limits->attempts[i - 1];

        attempt->began_ms = MIN(attempt->began_ms, now_ms);
        if (!counts(attempt, now_ms) && attempt->end != FL_AUTO_UNDER_WAY) {
            remove_attempt(limits, i - 1);
        }
    }
    for (size_t i = limits->n_holds; i > 0; i--) {
        struct fl_auto_hold *hold = &limits->holds[i - 1];

        hold->until_ms = MIN(hold->until_ms, now_ms + FL_AUTO_HOLD_MOST_MS);
        if (hold->until_ms + (hold->n_failed ? FL_AUTO_HOLD_MOST_MS : 0) <= now_ms) {
            remove_hold(limits, hold);
        }
    }
    limits->stopped_ms = MIN(limits->stopped_ms, now_ms);
    if (limits->stopped_ms && !fl_auto_stopped_until_ms(limits, now_ms)) {
        fl_auto_resume(limits);
    }
}
