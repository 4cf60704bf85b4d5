/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_GUARD_INTERNAL_H
#define FLOWLIFT_GUARD_INTERNAL_H

/* What the files lib/guard*.c share; nobody else includes this. */

#include <openvswitch/list.h>

#include "flows/rebase.h"
#include "lib/guard.h"
#include "lib/ovs/db.h"
#include "lib/ovs/monitor.h"
#include "lib/prove_pipeline.h"
#include "lib/remedy_steps.h"

/* ---- What to do: guard_decide.c, pure ---- */

enum fl_seen_rules { FL_RULES_UNKNOWN, FL_RULES_ABSENT, FL_RULES_IN_PART, FL_RULES_WHOLE };
enum fl_seen_proof { FL_PROOF_UNKNOWN, FL_PROOF_HOLDS, FL_PROOF_FAILS };

/* Where the VM is. */
enum fl_seen_place {
    FL_PLACE_SAME, /* where it was; also when OVSDB cannot be read, and then nothing can be proven */
    FL_PLACE_MOVED, /* at another port: rules and proof are about the ones that are derived for it */
    FL_PLACE_GONE,  /* not here, or without the port that the rules are about */
};

/* What a look has shown. */
struct fl_guard_view {
    enum fl_remedy_state state; /* on disk */
    enum fl_seen_place place;
    enum fl_seen_rules rules; /* FL_PLACE_MOVED: those of before are IN_PART */
    enum fl_seen_proof proof;
    bool overdue; /* The proof is owed for too long. */
    bool late;    /* Its time to be confirmed is over. */
    bool retired; /* What it was to stand until has come. */
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
    unsigned int n_rebuilt; /* How often it had to have megaflows built anew since. */
    long long lost_ms;      /* When the rules were last found missing or withdrawn. */
    unsigned int n_lost;    /* How often lately. */
    bool lost;              /* They are out. */
    unsigned int n_failed;  /* Looks in a row that could not tell. */
    unsigned int n_refuted; /* Proofs in a row that failed, since the last change. */
    bool changed;           /* The proof is owed because of a change. */
    char example[256];      /* the first one */
    uint32_t db_signature;  /* What OVSDB says that matters: a change is a reason to look. */
    bool away;              /* The VM was not here at the last look. */
    /*
     * Rules for another port are proven before the VM has sent anything, when NORMAL still floods to it: they
     * may be narrower than need be. Once they forward packets they are derived once more.
     */
    enum { FL_WIDEN_NOT, FL_WIDEN_LATER, FL_WIDEN_NOW } widen;
    unsigned int n_quiet; /* Looks at rules that went in, and have forwarded nothing yet. */
    bool told_serves;
    bool told_trouble;
    bool refused; /* The rules were taken out, which is not on disk yet. */
};

struct fl_guard {
    struct fl_operator op; /* with a timeout of its own */
    void (*tell)(const struct fl_guard_event *event, void *aux);
    void *aux;
    struct fl_db *db;
    struct ovs_list wards;
    struct ovs_list bridges;
    uint64_t store_signature;
    uint64_t serial;    /* how often that or OVSDB has changed */
    long long store_ms; /* When to see whether the store has changed. */
    bool told_trouble;  /* with the store */
};

/** fl_guard_tell() - @why: a sentence */
void fl_guard_tell(const struct fl_guard *guard, const struct fl_ward *ward, enum fl_guard_did did,
                   const char *why);
/** fl_guard_ovs_version() - the one that runs, by OVSDB; borrowed, NULL: not known now */
const char *fl_guard_ovs_version(const struct fl_guard *guard);
/** fl_ward_is_retired() - what its remedy was to stand in for is there */
bool fl_ward_is_retired(const struct fl_guard *guard, const struct fl_ward *ward);
/** fl_guard_trouble() - told once until fl_ward.told_trouble is false again */
void fl_guard_trouble(const struct fl_guard *guard, struct fl_ward *ward, const char *why);

/* ---- One remedy: guard_see.c, guard_look.c, guard_act.c and guard_rebuild.c ---- */

/** fl_ward_due_ms() - when to look at it */
long long fl_ward_due_ms(const struct fl_ward *ward);
/* What a look sees. Zero it, fl_ward_see(), fl_look_release(). */
struct fl_look {
    struct fl_guard_view view; /* state and late of who looks */
    uint64_t packets;          /* that the rules have forwarded */
    struct fl_pipeline pipeline;
    struct fl_flowset anew; /* What was derived, and proven in this form. */
    bool tries_wider;       /* FL_PLACE_SAME: wider rules are tried, ... */
    bool is_wider; /* ... proven, and are to take the place of those of now: they are @anew. */
};
/** fl_ward_see() - @why: a sentence for what is not as it should be */
void fl_ward_see(const struct fl_guard *guard, const struct fl_ward *ward, struct fl_look *look,
                 struct fl_error *why);
void fl_look_release(struct fl_look *look);
/** fl_ward_note_db() - what OVSDB says. Return: whether anything that matters is another than before */
bool fl_ward_note_db(const struct fl_guard *guard, struct fl_ward *ward);

/** fl_ward_look() - look at it, and do what is to be done */
void fl_ward_look(struct fl_guard *guard, struct fl_ward *ward);

/** fl_ward_notice() - OVSDB has changed: is that a reason to look? */
void fl_ward_notice(const struct fl_guard *guard, struct fl_ward *ward);

/**
 * fl_ward_act() - under the store's lock, if the remedy on disk is the one that was looked at
 * @anew: FL_GUARD_INSTALL: the set that takes the place of the remedy's, or NULL; borrowed
 * @why: a sentence
 * Return: 0; -EAGAIN somebody else is changing remedies, or has changed this one: look again; other
 * negative errno: trouble.
 */
int fl_ward_act(struct fl_guard *guard, struct fl_ward *ward, enum fl_guard_act act,
                const struct fl_flowset *anew, const char *why, struct fl_error *err);
/** fl_ward_note_lost() - its rules are not in the switch any more; only the first time counts */
void fl_ward_note_lost(struct fl_ward *ward);
/**
 * fl_ward_settle() - decoys out, conntrack forgets what the rules lead past it, and megaflows that took no
 * notice of them are built anew, after which it is to be called again. Return: likewise.
 */
int fl_ward_settle(struct fl_guard *guard, struct fl_ward *ward, struct fl_error *err);
/**
 * fl_guard_rebuild() - see that live megaflows are of the rules of @set, which are in
 * Return: how many decoys went in for those that are not, to be taken out when OVS has revalidated; 0: all
 * are; negative errno.
 */
int fl_guard_rebuild(const struct fl_operator *op, const struct fl_flowset *set,
                     struct fl_error *err);
/** fl_ward_is_as() - the same as on disk, as far as people and programs can change it */
bool fl_ward_is_as(const struct fl_ward *ward, const struct fl_remedy *on_disk);

#endif
