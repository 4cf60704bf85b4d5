/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the guard does to a remedy, as one writer of the store among others: under its lock, and only when
 * the remedy on disk is still the one that was looked at.
 */

#include <errno.h>
#include <inttypes.h>

#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/guard_internal.h"

/* OVS revalidates within half a second, then the rules have the packets. */
#define SETTLE_MS 1500
/* Megaflows that stay in software for another reason would be built anew for ever. */
#define MOST_REBUILT 5

bool fl_ward_is_as(const struct fl_ward *ward, const struct fl_remedy *on_disk)
{
    return ward->remedy.state == on_disk->state && ward->remedy.changed_ms == on_disk->changed_ms &&
           ward->remedy.confirm_by_ms == on_disk->confirm_by_ms;
}

/* The remedy on disk. Return: 0; -EAGAIN it is not the one that was looked at. */
static int get_same(struct fl_store *store, const struct fl_ward *ward, struct fl_remedy *remedy,
                    struct fl_error *err)
{
    int error = fl_store_get(store, ward->remedy.set.vm_id, remedy, err);

    if (!error && !fl_ward_is_as(ward, remedy)) {
        fl_remedy_destroy(remedy);
        error = fl_error_set(err, -EAGAIN, "somebody changes this remedy");
    } else if (error == -ENOENT) {
        fl_error_clear(err);
        error = fl_error_set(err, -EAGAIN, "its file is gone");
    }
    return error;
}

/* By the inventory that is watched; when that is lost just now, OVSDB may all the same answer who connects. */
static void forget_connections(const struct fl_guard *guard, const struct fl_flowset *set)
{
    struct fl_error ignored = FL_ERROR_INIT;
    const struct fl_inventory *inv = fl_db_inventory(guard->db, &ignored);

    if (inv) {
        fl_step_forget_connections_by(&guard->op, inv, set, &ignored);
    } else {
        fl_step_forget_connections(&guard->op, set, &ignored);
    }
}

/* Connections first, as it must be; but whatever comes of that, the rules go out. */
static int take_out(const struct fl_guard *guard, const struct fl_flowset *set, size_t *n_deleted,
                    struct fl_error *err)
{
    struct fl_error ignored = FL_ERROR_INIT;
    struct fl_presence presence;

    if (!fl_step_present(&guard->op, set, &presence, &ignored) && presence.n_present) {
        forget_connections(guard, set);
    }
    return fl_step_remove(&guard->op, set, NULL, set->cookie, n_deleted, err);
}

void fl_ward_note_lost(struct fl_ward *ward)
{
    if (!ward->lost) {
        ward->lost = true;
        ward->n_lost++;
        ward->lost_ms = time_msec();
    }
}

static int withdraw(struct fl_guard *guard, struct fl_ward *ward, struct fl_store *store,
                    struct fl_remedy *remedy, const char *why, struct fl_error *err)
{
    size_t n_deleted;
    int error = take_out(guard, &remedy->set, &n_deleted, err);

    if (error) {
        return error;
    }
    if (!ward->away) {
        fl_ward_note_lost(ward);
    }
    ward->settle_ms = LLONG_MAX;
    error = fl_step_record(&guard->op, store, remedy, FL_REMEDY_SUSPENDED, "suspend", why, err);
    if (!error) {
        fl_guard_tell(guard, ward, FL_GUARD_SUSPENDED, why);
    }
    return error;
}

static int revert(struct fl_guard *guard, struct fl_ward *ward, struct fl_store *store,
                  struct fl_remedy *remedy, const char *why, struct fl_error *err)
{
    struct fl_outcome outcome = { .hw_share = -1 };
    int error = fl_step_revert(&guard->op, store, remedy, true, NULL, why, &outcome, err);

    if (!error) {
        ward->remedy.state = FL_REMEDY_REVERTED;
        fl_guard_tell(guard, ward, FL_GUARD_REVERTED, outcome.reason);
    }
    fl_outcome_destroy(&outcome);
    return error;
}

/* With decoys when no rule was there, so that live megaflows are built anew. */
static int put_in(struct fl_guard *guard, struct fl_ward *ward, struct fl_remedy *remedy,
                  struct fl_error *err)
{
    struct fl_presence presence;
    bool decoys;
    int error = fl_step_present(&guard->op, &remedy->set, &presence, err);

    if (error) {
        return error;
    }
    decoys = !presence.n_present && remedy->set.n_rules > fl_step_n_rules(&remedy->set);
    error = fl_step_install(&guard->op, &remedy->set, decoys, err);
    if (!error) {
        ward->settle_ms = time_msec() + SETTLE_MS;
        ward->n_rebuilt = 0;
    }
    return error;
}

/* @anew takes the place of the set that @remedy has; NULL: that one. */
static int install(struct fl_guard *guard, struct fl_ward *ward, struct fl_store *store,
                   struct fl_remedy *remedy, const struct fl_flowset *anew, const char *why,
                   struct fl_error *err)
{
    struct fl_error ignored = FL_ERROR_INIT;
    size_t n_deleted;
    int error;

    if (anew) {
        fl_flowset_destroy(&remedy->set);
        fl_flowset_copy(&remedy->set, anew);
    }
    error = put_in(guard, ward, remedy, err);

    if (!error) {
        error = fl_step_record(&guard->op, store, remedy, FL_REMEDY_INSTALLED, "restore", why, err);
    }
    if (error) {
        /* A set over two bridges may be half in; and what is not on disk is not to be there. */
        fl_step_remove(&guard->op, &remedy->set, NULL, remedy->set.cookie, &n_deleted, &ignored);
        ward->settle_ms = LLONG_MAX;
        return error;
    }
    ward->lost = ward->told_serves = false;
    ward->widen = anew && ward->widen != FL_WIDEN_NOW ? FL_WIDEN_LATER : FL_WIDEN_NOT;
    ward->n_quiet = 0;
    fl_guard_tell(guard, ward, FL_GUARD_RESTORED, why);
    return 0;
}

/* Somebody has the lock: an apply counts packets, say. What is not proven goes out all the same. */
static int take_out_unlocked(struct fl_guard *guard, struct fl_ward *ward, const char *why,
                             struct fl_error *err)
{
    struct fl_error trouble = FL_ERROR_INIT;
    struct fl_remedy remedy;
    struct fl_store *store;
    size_t n_deleted = 0;
    int error = fl_store_open(guard->op.root, false, 0, &store, &trouble);

    if (!error) {
        error = get_same(store, ward, &remedy, &trouble);
        fl_store_close(store);
    }
    if (!error) {
        error = take_out(guard, &remedy.set, &n_deleted, &trouble);
        fl_remedy_destroy(&remedy);
    }
    if (!error && n_deleted) {
        fl_ward_note_lost(ward);
        ward->settle_ms = LLONG_MAX;
        if (!ward->refused) {
            fl_guard_tell(guard, ward, FL_GUARD_REFUSED, why);
        }
        ward->refused = true;
    }
    if (error && error != -EAGAIN) {
        fl_error_clear(err);
        return fl_error_set(err, error, "%s", trouble.text);
    }
    return -EAGAIN;
}

static int act_locked(struct fl_guard *guard, struct fl_ward *ward, struct fl_store *store,
                      enum fl_guard_act act, const struct fl_flowset *anew, const char *why,
                      struct fl_error *err)
{
    struct fl_remedy remedy;
    int error = get_same(store, ward, &remedy, err);

    if (error) {
        return error;
    }
    switch (act) {
    case FL_GUARD_WITHDRAW: error = withdraw(guard, ward, store, &remedy, why, err); break;
    case FL_GUARD_REVERT: error = revert(guard, ward, store, &remedy, why, err); break;
    case FL_GUARD_INSTALL: error = install(guard, ward, store, &remedy, anew, why, err); break;
    case FL_GUARD_LEAVE:
    case FL_GUARD_RETRY:
    default: break;
    }
    if (!error) {
        fl_remedy_destroy(&ward->remedy);
        ward->remedy = remedy;
        ward->refused = false;
    } else {
        fl_remedy_destroy(&remedy);
    }
    return error;
}

int fl_ward_act(struct fl_guard *guard, struct fl_ward *ward, enum fl_guard_act act,
                const struct fl_flowset *anew, const char *why, struct fl_error *err)
{
    bool can_wait = fl_remedy_is_late(&ward->remedy, fl_time_now_ms()) ||
                    fl_ward_is_retired(guard, ward);
    struct fl_store *store;
    int error = fl_store_open(guard->op.root, true, 0, &store, err);

    if (error == -EAGAIN && !can_wait && (act == FL_GUARD_WITHDRAW || act == FL_GUARD_REVERT)) {
        return take_out_unlocked(guard, ward, why, err);
    }
    if (error) {
        return error;
    }
    error = act_locked(guard, ward, store, act, anew, why, err);
    fl_store_close(store);
    return error;
}

/* OVS has had its time to take notice of the rules. */
static int rebuild(struct fl_guard *guard, struct fl_ward *ward, const struct fl_flowset *set,
                   struct fl_error *err)
{
    int n = ward->n_rebuilt < MOST_REBUILT ? fl_guard_rebuild(&guard->op, set, err) : 0;

    if (n <= 0) {
        return n;
    }
    ward->settle_ms = time_msec() + SETTLE_MS;
    if (++ward->n_rebuilt == MOST_REBUILT) {
        _cleanup_free char *why = xasprintf(
            "its rules are in, and yet %d flows of its storage were in software after %d looks", n,
            MOST_REBUILT);

        fl_guard_trouble(guard, ward, why);
    }
    return 0;
}

/* Only what is there: rules that somebody deleted meanwhile are a matter of the next look. */
static int settle(struct fl_guard *guard, struct fl_ward *ward, const struct fl_flowset *set,
                  struct fl_error *err)
{
    struct fl_presence presence;
    int error = fl_step_present(&guard->op, set, &presence, err);

    if (error || presence.n_present != fl_step_n_rules(set)) {
        return error;
    }
    if (presence.n_foreign) {
        error = fl_step_install(&guard->op, set, false, err);
    }
    forget_connections(guard, set);
    return error ? error : rebuild(guard, ward, set, err);
}

int fl_ward_settle(struct fl_guard *guard, struct fl_ward *ward, struct fl_error *err)
{
    struct fl_remedy remedy;
    struct fl_store *store;
    int error = fl_store_open(guard->op.root, true, 0, &store, err);

    if (error) {
        return error;
    }
    error = get_same(store, ward, &remedy, err);
    if (!error) {
        error = settle(guard, ward, &remedy.set, err);
        fl_remedy_destroy(&remedy);
    }
    fl_store_close(store);
    return error;
}
