/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One look at a remedy: what has changed, whether its rules are there, whether they are proven, what is to
 * be done, and what may matter from now on.
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

/* ---- What is there ---- */

static enum fl_seen_rules see_rules(const struct fl_guard *guard, const struct fl_ward *ward,
                                    struct fl_error *err)
{
    size_t n_rules = fl_step_n_rules(&ward->remedy.set);
    struct fl_presence presence;

    if (fl_step_present(&guard->op, &ward->remedy.set, &presence, err)) {
        return FL_RULES_UNKNOWN;
    }
    /* Decoys of ours stay for a moment. */
    if (presence.n_present == n_rules && (!presence.n_foreign || ward->settle_ms != LLONG_MAX)) {
        return FL_RULES_WHOLE;
    }
    return presence.n_present || presence.n_foreign ? FL_RULES_IN_PART : FL_RULES_ABSENT;
}

/* A proof fills in what it finds: the remedy's own set stays as it was installed. @pipeline: filled. */
static int prove_copy(const struct fl_guard *guard, const struct fl_flowset *set,
                      struct fl_pipeline *pipeline, struct fl_error *err)
{
    _cleanup_json json_t *json = fl_flowset_to_json(set);
    _cleanup_free struct fl_connection *connections = NULL;
    struct fl_proof_of what = {
        .pipeline = pipeline,
        .as_it_is = true,
        .within_ms = FL_GUARD_GRACE_MS,
    };
    struct fl_flowset copy;
    struct fl_ctl *ctl;
    int error = fl_flowset_from_json(json, &copy, err);

    if (error) {
        return error;
    }
    what.set = &copy;
    error = fl_step_read_premises(&guard->op, set, &connections, &what.n_connections, err);
    what.connections = connections;
    if (!error) {
        error = fl_ctl_open(guard->op.host.target, fl_step_timeout_ms(&guard->op), &ctl, err);
    }
    if (!error) {
        error = fl_pipeline_read(set, pipeline, err);
        error = error ? error : fl_prove(ctl, guard->op.config, &what, err);
        fl_ctl_close(ctl);
    }
    fl_flowset_destroy(&copy);
    return error;
}

static enum fl_seen_proof see_proof(const struct fl_guard *guard, const struct fl_ward *ward,
                                    struct fl_pipeline *pipeline, struct fl_error *err)
{
    switch (prove_copy(guard, &ward->remedy.set, pipeline, err)) {
    case 0: return FL_PROOF_HOLDS;
    case -EPERM:
    case -ENOSPC: /* The bit that guards the rules is in use. */ return FL_PROOF_FAILS;
    default: return FL_PROOF_UNKNOWN;
    }
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
static void set_scope(const struct fl_ward *ward, const struct fl_guard_scope *scope,
                      const struct fl_pipeline *pipeline)
{
    const struct fl_openflow_reading *reading = fl_pipeline_find(pipeline, scope->bridge->name);
    const struct fl_flowset *set = &ward->remedy.set;
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

/* Nothing is owed any more. */
static void rest_assured(struct fl_ward *ward)
{
    ward->owed_ms = LLONG_MAX;
    ward->changed = false;
    ward->n_failed = 0;
    ward->told_trouble = false;
    ward->look_ms = time_msec() +
                    (ward->n_refuted ? fl_guard_again_ms(ward->n_refuted) : FL_GUARD_REGULAR_MS);
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
static char *reason_of(const struct fl_ward *ward, const struct fl_guard_view *view,
                       enum fl_guard_act act, const char *why)
{
    char by[FL_TIME_TEXT_BYTES];

    if (act == FL_GUARD_REVERT && view->late) {
        return xasprintf("not confirmed by %s", fl_time_format(ward->remedy.confirm_by_ms, by));
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

static void act(struct fl_guard *guard, struct fl_ward *ward, const struct fl_guard_view *view,
                enum fl_guard_act what, const char *why)
{
    _cleanup_free char *reason = reason_of(ward, view, what, why);
    struct fl_error err = FL_ERROR_INIT;
    int error = fl_ward_act(guard, ward, what, reason, &err);

    if (!error) {
        rest_assured(ward);
    } else if (error == -EAGAIN) {
        ward->look_ms = time_msec() + BUSY_MS;
    } else {
        try_again(guard, ward, err.text);
    }
}

/* Rules that are lost again and again stay out for a while. Return: whether to wait. */
static bool must_rest(struct fl_ward *ward)
{
    long long until_ms;

    fl_ward_note_lost(ward);
    until_ms = ward->lost_ms + fl_guard_rest_ms(ward->n_lost);
    if (time_msec() >= until_ms) {
        return false;
    }
    rest_assured(ward);
    ward->look_ms = until_ms;
    return true;
}

static void decide(struct fl_guard *guard, struct fl_ward *ward, const struct fl_guard_view *view,
                   const char *why)
{
    enum fl_guard_act what = fl_guard_decide(view);

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
        if (!must_rest(ward)) {
            act(guard, ward, view, what, why);
        }
        break;
    case FL_GUARD_WITHDRAW:
    case FL_GUARD_REVERT:
    default: act(guard, ward, view, what, why); break;
    }
}

static void settle(struct fl_guard *guard, struct fl_ward *ward)
{
    struct fl_error err = FL_ERROR_INIT;
    int error = fl_ward_settle(guard, ward, &err);

    ward->settle_ms = error == -EAGAIN ? time_msec() + BUSY_MS : LLONG_MAX;
    if (error && error != -EAGAIN) {
        fl_guard_trouble(guard, ward, err.text);
    }
}

void fl_ward_look(struct fl_guard *guard, struct fl_ward *ward)
{
    struct fl_guard_view view = {
        .state = ward->remedy.state,
        .late = fl_remedy_is_late(&ward->remedy, fl_time_now_ms()),
    };
    long long started_ms = time_msec();
    struct fl_pipeline pipeline = { .n_bridges = 0 };
    struct fl_error why = FL_ERROR_INIT;

    if (started_ms >= ward->settle_ms) {
        settle(guard, ward);
        if (started_ms < fl_ward_due_ms(ward)) {
            return;
        }
    }
    take_changes(ward);
    view.rules = see_rules(guard, ward, &why);
    if (view.rules != FL_RULES_UNKNOWN && !view.late) {
        view.proof = see_proof(guard, ward, &pipeline, &why);
    }
    ward->n_refuted = view.proof == FL_PROOF_FAILS ? ward->n_refuted + 1 : 0;
    view.overdue = view.proof == FL_PROOF_UNKNOWN && is_overdue(ward);
    decide(guard, ward, &view, why.text);
    /* What was refuted before the pipeline was read keeps the scope that it has. */
    for (size_t i = 0; view.proof != FL_PROOF_UNKNOWN && pipeline.n_bridges && i < ward->n_scopes;
         i++) {
        set_scope(ward, &ward->scopes[i], &pipeline);
    }
    fl_pipeline_release(&pipeline);
    ward->earliest_ms = time_msec() + fl_guard_pause_ms(time_msec() - started_ms);
}
