/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_GUARD_INTERNAL_H
#define FLOWLIFT_GUARD_INTERNAL_H

/* What the files lib/guard*.c share; nobody else includes this. */

#include <openvswitch/list.h>

#include "lib/guard.h"
#include "lib/ovs/monitor.h"
#include "lib/remedy_steps.h"

/* ---- What to do: guard_decide.c, pure ---- */

enum fl_seen_rules { FL_RULES_UNKNOWN, FL_RULES_ABSENT, FL_RULES_IN_PART, FL_RULES_WHOLE };
enum fl_seen_proof { FL_PROOF_UNKNOWN, FL_PROOF_HOLDS, FL_PROOF_FAILS };

/* What a look has shown. */
struct fl_guard_view {
    enum fl_remedy_state state; /* on disk */
    enum fl_seen_rules rules;
    enum fl_seen_proof proof;
    bool overdue; /* The proof is owed for too long. */
    bool late;    /* Its time to be confirmed is over. */
};

enum fl_guard_act {
    FL_GUARD_LEAVE,
    FL_GUARD_RETRY,    /* Look again soon: it could not be told. */
    FL_GUARD_WITHDRAW, /* Rules out, suspended. */
    FL_GUARD_INSTALL,  /* Rules in. */
    FL_GUARD_REVERT,   /* Rules out, for good. */
};
enum fl_guard_act fl_guard_decide(const struct fl_guard_view *view);

/** fl_guard_retry_ms() - how long to wait after @n failures in a row */
long long fl_guard_retry_ms(unsigned int n);
/** fl_guard_rest_ms() - how long to leave rules out that were lost or withdrawn @n times lately */
long long fl_guard_rest_ms(unsigned int n);
/**
 * fl_guard_again_ms() - when to look again after @n proofs in a row that failed without a change between
 * them: what made them fail may end without an event (the MAC table after a restart of OVS, above all)
 */
long long fl_guard_again_ms(unsigned int n);
/** fl_guard_pause_ms() - how long to leave OVS alone after a look that took @look_ms */
long long fl_guard_pause_ms(long long look_ms);

/* ---- What is watched: guard.c ---- */

struct fl_guard_bridge {
    struct ovs_list node; /* in fl_guard.bridges */
    char *name;
    struct fl_monitor *monitor;
    size_t n_users;
};

/* A remedy's scope on one bridge. */
struct fl_guard_scope {
    struct fl_guard_bridge *bridge;
    struct fl_remedy_scope *scope;
};

struct fl_ward {
    struct ovs_list node; /* in fl_guard.wards */
    struct fl_remedy remedy;
    struct fl_guard_scope *scopes;
    size_t n_scopes;
    bool listed; /* Seen in the store just now. */

    /* All on the clock of time_msec(); LLONG_MAX: never. */
    long long look_ms;      /* The next look, whatever changes. */
    long long earliest_ms;  /* None before, whatever changes. */
    long long owed_ms;      /* Since when a proof is owed. */
    long long settle_ms;    /* When rules that went in have taken hold: fl_ward_settle(). */
    long long lost_ms;      /* When the rules were last found missing or withdrawn. */
    unsigned int n_lost;    /* How often lately. */
    bool lost;              /* They are out. */
    unsigned int n_failed;  /* Looks in a row that could not tell. */
    unsigned int n_refuted; /* Proofs in a row that failed, since the last change. */
    bool changed;           /* The proof is owed because of a change. */
    char example[256];      /* the first one */
    bool told_trouble;
    bool refused; /* The rules were taken out, which is not on disk yet. */
};

struct fl_guard {
    struct fl_operator op; /* with a timeout of its own */
    void (*tell)(const struct fl_guard_event *event, void *aux);
    void *aux;
    struct ovs_list wards;
    struct ovs_list bridges;
    uint64_t store_signature;
    long long store_ms; /* When to see whether the store has changed. */
    bool told_trouble;  /* with the store */
};

/** fl_guard_tell() - @why: a sentence */
void fl_guard_tell(const struct fl_guard *guard, const struct fl_ward *ward, enum fl_guard_did did,
                   const char *why);
/** fl_guard_trouble() - told once until fl_ward.told_trouble is false again */
void fl_guard_trouble(const struct fl_guard *guard, struct fl_ward *ward, const char *why);
/** fl_guard_read_store() - have wards for what is in the store now, if it has changed */
void fl_guard_read_store(struct fl_guard *guard);

/* ---- One remedy: guard_look.c and guard_act.c ---- */

/** fl_ward_due_ms() - when to look at it */
long long fl_ward_due_ms(const struct fl_ward *ward);
/** fl_ward_look() - look at it, and do what is to be done */
void fl_ward_look(struct fl_guard *guard, struct fl_ward *ward);

/**
 * fl_ward_act() - under the store's lock, if the remedy on disk is the one that was looked at
 * @why: a sentence
 * Return: 0; -EAGAIN somebody else is changing remedies, or has changed this one: look again; other
 * negative errno: trouble.
 */
int fl_ward_act(struct fl_guard *guard, struct fl_ward *ward, enum fl_guard_act act,
                const char *why, struct fl_error *err);
/** fl_ward_note_lost() - its rules are not in the switch any more; only the first time counts */
void fl_ward_note_lost(struct fl_ward *ward);
/** fl_ward_settle() - decoys out, and conntrack forgets what the rules lead past it. Return: likewise. */
int fl_ward_settle(struct fl_guard *guard, struct fl_ward *ward, struct fl_error *err);
/** fl_ward_is_as() - the same as on disk, as far as people and programs can change it */
bool fl_ward_is_as(const struct fl_ward *ward, const struct fl_remedy *on_disk);

#endif
