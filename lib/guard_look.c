/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One look at a remedy: what has changed, what is to be seen (guard_see.c), what is to be done, and what may
 * matter from now on.
 */

#include <errno.h>
#include <string.h>

#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/guard_internal.h"
#include "lib/prove.h"

/* Looks in a row that cannot tell before anybody is told. */
#define FAILED_TOLD 3
/* Rules that stayed in for so long are as if they had never been lost. */
#define FORGIVEN_MS (10 * 60 * 1000)
/* Until the next look at a VM that came back, so many times. */
#define SOON_MS    20
#define SOON_TIMES 3
/* The store is somebody else's for the moment. */
#define BUSY_MS 250

long long fl_ward_due_ms(const struct fl_ward *ward)
{
    long long due_ms = ward->look_ms;

    for (size_t i = 0; i < ward->n_scopes; i++) {
        due_ms = MIN(due_ms, fl_scope_due_ms(ward->scopes[i].scope));
    }
    return MIN(MAX(due_ms, ward->earliest_ms), ward->settle_ms);
}

static void take_changes(struct fl_ward *ward)
{
    for (size_t i = 0; i < ward->n_scopes; i++) {
        struct fl_changes changes;

        if (!fl_scope_take(ward->scopes[i].scope, &changes)) {
            continue;
        }
        if (!ward->changed) {
            ovs_strlcpy(ward->example, changes.example, sizeof ward->example);
        }
        ward->changed = true;
        ward->n_refuted = 0;
        ward->owed_ms = MIN(ward->owed_ms, changes.first_ms);
    }
    ward->owed_ms = MIN(ward->owed_ms, time_msec());
}

static bool is_overdue(const struct fl_ward *ward)
{
    return time_msec() - ward->owed_ms >=
           (ward->changed ? FL_GUARD_GRACE_MS : FL_GUARD_LONG_GRACE_MS);
}

/* ---- What may matter from now on ---- */

/*
 * The regions of one bridge's rules; none where a packet may come back to table 0.
 *
 * The reading is of before the traces, and serves for every change since: a bit that no flow rewrote then is
 * rewritten by newer flows alone, and of these each that the packets may hit, or that leads back to table 0,
 * matters by itself. Rules of ours that went in meanwhile lead to no other table. What changed before the
 * reading and is told later is in the proof already.
 */
static void set_scope(const struct fl_flowset *set, const struct fl_guard_scope *scope,
                      const struct fl_pipeline *pipeline)
{
    const struct fl_openflow_reading *reading = fl_pipeline_find(pipeline, scope->bridge->name);
    _cleanup_free struct match *regions = NULL;
    struct flow stable;
    size_t n = 0;

    if (!reading || reading->usage.returns) {
        fl_scope_set(scope->scope, NULL, 0, NULL);
        return;
    }
    regions = xmalloc((set->n_rules + 1) * sizeof *regions);
    for (size_t i = 0; i < set->n_rules; i++) {
        if (!set->rules[i].decoy && !strcmp(set->rules[i].bridge, scope->bridge->name)) {
            regions[n++] = set->rules[i].match;
        }
    }
    for (size_t i = 0; i < FLOW_U64S; i++) {
        ((uint64_t *)&stable)[i] = ~((const uint64_t *)&reading->usage.rewritten)[i];
    }
    fl_scope_set(scope->scope, regions, n, &stable);
}

/* ---- What is to be done ---- */

/*
 * After a proof that failed. A VM that comes back sends its first packets while it is made: what NORMAL does with
 * them then is not the same from one trace to the next, but soon it is.
 */
static long long again_ms(const struct fl_ward *ward)
{
    unsigned int n = ward->n_refuted;

    if (!n) {
        return FL_GUARD_REGULAR_MS;
    }
    if (!ward->away) {
        return fl_guard_again_ms(n);
    }
    return n <= SOON_TIMES ? SOON_MS : fl_guard_again_ms(n - SOON_TIMES);
}

/* Nothing is owed any more. */
static void rest_assured(struct fl_ward *ward)
{
    ward->owed_ms = LLONG_MAX;
    ward->changed = false;
    ward->n_failed = 0;
    ward->told_trouble = false;
    ward->look_ms = time_msec() + again_ms(ward);
}

static void try_again(struct fl_guard *guard, struct fl_ward *ward, const char *why)
{
    ward->n_failed++;
    ward->look_ms = time_msec() + fl_guard_retry_ms(ward->n_failed);
    if (ward->n_failed >= FAILED_TOLD) {
        fl_guard_trouble(guard, ward, why);
    }
}

/* Sentence for what is to be done. */
static char *reason_of(const struct fl_guard *guard, const struct fl_ward *ward,
                       const struct fl_guard_view *view, enum fl_guard_act act, const char *why)
{
    char by[FL_TIME_TEXT_BYTES];

    if (view->place == FL_PLACE_GONE && act == FL_GUARD_WITHDRAW) {
        return xasprintf("%s: its rules are out, and its remedy waits for it", why);
    }
    if (act == FL_GUARD_INSTALL && view->place == FL_PLACE_MOVED) {
        return xstrdup("the VM has another port: derived and proven anew, not verified yet");
    }
    if (act == FL_GUARD_INSTALL && ward->widen == FL_WIDEN_NOW) {
        return xstrdup("derived and proven again with the VM's traffic, not verified yet");
    }
    if (act == FL_GUARD_INSTALL && ward->away) {
        return xstrdup("the VM is back: installed again, not verified yet");
    }

    if (act == FL_GUARD_REVERT && view->late) {
        return xasprintf("not confirmed by %s", fl_time_format(ward->remedy.confirm_by_ms, by));
    }
    if (act == FL_GUARD_REVERT && view->retired) {
        return fl_remedy_retired_why(&ward->remedy, fl_guard_ovs_version(guard));
    }
    if (act == FL_GUARD_INSTALL && view->state == FL_REMEDY_SUSPENDED) {
        return xstrdup("the pipeline allows it again: installed, not verified yet");
    }
    if (act == FL_GUARD_INSTALL) {
        return xasprintf("%s: installed again, not verified yet",
                         view->rules == FL_RULES_ABSENT
                             ? "its rules were gone (OVS restarted, or somebody deleted them)"
                             : "somebody changed its rules in the switch");
    }
    if (view->proof == FL_PROOF_UNKNOWN) {
        return xasprintf("could not be proven again for %d s: %s",
                         (ward->changed ? FL_GUARD_GRACE_MS : FL_GUARD_LONG_GRACE_MS) / 1000, why);
    }
    return ward->changed && *ward->example ? xasprintf("%s (after %s)", why, ward->example)
                                           : xstrdup(why);
}

static void act(struct fl_guard *guard, struct fl_ward *ward, const struct fl_look *look,
                enum fl_guard_act what, const char *why)
{
    bool is_anew = look->view.place == FL_PLACE_MOVED || look->is_wider;
    _cleanup_free char *reason = reason_of(guard, ward, &look->view, what, why);
    struct fl_error err = FL_ERROR_INIT;
    int error;

    ward->away = look->view.place != FL_PLACE_SAME;
    error = fl_ward_act(guard, ward, what, is_anew ? &look->anew : NULL, reason, &err);

    if (!error) {
        rest_assured(ward);
    } else if (error == -EAGAIN) {
        ward->look_ms = time_msec() + BUSY_MS;
    } else {
        try_again(guard, ward, err.text);
    }
}

/* Rules that are lost again and again stay out for a while. Return: whether to wait. */
static bool must_rest(struct fl_ward *ward, const struct fl_look *look)
{
    long long until_ms;

    /* Nobody took these away. */
    if (ward->away || look->view.place == FL_PLACE_MOVED || look->is_wider) {
        return false;
    }
    fl_ward_note_lost(ward);
    until_ms = ward->lost_ms + fl_guard_rest_ms(ward->n_lost);
    if (time_msec() >= until_ms) {
        return false;
    }
    rest_assured(ward);
    ward->look_ms = until_ms;
    return true;
}

/* Suspended, and for another reason by now, which has lasted: status and journal are to say it. Told once. */
static bool has_other_reason(const struct fl_ward *ward, const struct fl_guard_view *view,
                             const char *why)
{
    return view->state == FL_REMEDY_SUSPENDED && view->proof == FL_PROOF_FAILS &&
           ward->n_refuted == SOON_TIMES + 1 &&
           !(ward->remedy.reason && strstr(ward->remedy.reason, why));
}

static void decide(struct fl_guard *guard, struct fl_ward *ward, const struct fl_look *look,
                   const char *why)
{
    const struct fl_guard_view *view = &look->view;
    enum fl_guard_act what = fl_guard_decide(view);

    if (what == FL_GUARD_LEAVE && has_other_reason(ward, view, why)) {
        what = FL_GUARD_WITHDRAW;
    }
    switch (what) {
    case FL_GUARD_LEAVE:
        rest_assured(ward);
        if (view->rules == FL_RULES_WHOLE) {
            ward->lost = false;
            ward->n_lost = time_msec() - ward->lost_ms > FORGIVEN_MS ? 0 : ward->n_lost;
        }
        break;
    case FL_GUARD_RETRY: try_again(guard, ward, why); break;
    case FL_GUARD_INSTALL:
        if (!must_rest(ward, look)) {
            act(guard, ward, look, what, why);
        }
        break;
    case FL_GUARD_WITHDRAW:
    case FL_GUARD_REVERT:
    default: act(guard, ward, look, what, why); break;
    }
}

static void settle(struct fl_guard *guard, struct fl_ward *ward)
{
    struct fl_error err = FL_ERROR_INIT;
    int error;

    ward->settle_ms = LLONG_MAX;
    error = fl_ward_settle(guard, ward, &err);
    if (error == -EAGAIN) {
        ward->settle_ms = time_msec() + BUSY_MS;
    } else if (error) {
        fl_guard_trouble(guard, ward, err.text);
    }
}

/* Rules that went in are looked at until they forward something; then somebody may verify them. */
static void see_service(const struct fl_guard *guard, struct fl_ward *ward,
                        const struct fl_look *look)
{
    if (ward->remedy.state != FL_REMEDY_INSTALLED || look->view.rules != FL_RULES_WHOLE ||
        ward->told_serves) {
        return;
    }
    if (ward->settle_ms != LLONG_MAX) {
        ward->look_ms = MIN(ward->look_ms, ward->settle_ms);
    } else if (look->packets && ward->widen == FL_WIDEN_LATER) {
        ward->widen = FL_WIDEN_NOW;
        ward->look_ms = 0;
    } else if (look->packets) {
        ward->told_serves = true;
        fl_guard_tell(guard, ward, FL_GUARD_SERVES, "its rules forward packets");
    } else {
        ward->look_ms = MIN(ward->look_ms, time_msec() + fl_guard_again_ms(++ward->n_quiet));
    }
}

static void look_at(struct fl_guard *guard, struct fl_ward *ward, struct fl_look *look)
{
    struct fl_guard_view *view = &look->view;
    struct fl_error why = FL_ERROR_INIT;

    fl_ward_see(guard, ward, look, &why);
    ward->n_refuted = view->proof == FL_PROOF_FAILS ? ward->n_refuted + 1 : 0;
    view->overdue = view->proof == FL_PROOF_UNKNOWN && is_overdue(ward);
    decide(guard, ward, look, why.text);
    if (!look->is_wider) {
        see_service(guard, ward, look);
    }
    if (look->tries_wider) {
        ward->widen = FL_WIDEN_NOT;
    }
    ward->away = view->place == FL_PLACE_GONE ||
                 (view->place == FL_PLACE_MOVED && view->proof != FL_PROOF_HOLDS);
}

/* What was refuted before the pipeline was read keeps the scope that it has. */
static void set_scopes(const struct fl_ward *ward, const struct fl_look *look)
{
    bool has_moved = look->view.place == FL_PLACE_MOVED;

    if (look->view.proof == FL_PROOF_UNKNOWN || !look->pipeline.n_bridges) {
        return;
    }
    for (size_t i = 0; i < ward->n_scopes; i++) {
        set_scope(has_moved ? &look->anew : &ward->remedy.set, &ward->scopes[i], &look->pipeline);
    }
}

void fl_ward_look(struct fl_guard *guard, struct fl_ward *ward)
{
    struct fl_look look = {
        .view = {
            .state = ward->remedy.state,
            .late = fl_remedy_is_late(&ward->remedy, fl_time_now_ms()),
            .retired = fl_ward_is_retired(guard, ward),
        },
    };
    long long started_ms = time_msec();

    if (started_ms >= ward->settle_ms) {
        settle(guard, ward);
        if (started_ms < fl_ward_due_ms(ward)) {
            return;
        }
    }
    take_changes(ward);
    look_at(guard, ward, &look);
    set_scopes(ward, &look);
    fl_look_release(&look);
    fl_ward_note_db(guard, ward);
    ward->earliest_ms = time_msec() + fl_guard_pause_ms(time_msec() - started_ms);
}

void fl_ward_notice(const struct fl_guard *guard, struct fl_ward *ward)
{
    bool has_changed = fl_ward_note_db(guard, ward);

    if (has_changed) {
        if (!ward->changed) {
            ovs_strlcpy(ward->example, "a change in OVSDB", sizeof ward->example);
        }
        ward->changed = true;
        ward->n_refuted = 0;
        ward->owed_ms = MIN(ward->owed_ms, time_msec());
    }
    if (has_changed || ward->n_failed) {
        ward->look_ms = ward->earliest_ms = 0;
    }
}
