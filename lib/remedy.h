/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REMEDY_H
#define FLOWLIFT_REMEDY_H

/*
 * The remedy: plan -> install -> verify -> done or revert. The one state machine that the CLI and the
 * agent both use. Intent is on disk before anything is changed, and every step is in the journal, so
 * that whatever is killed when, the next status tells the truth and revert or apply finishes the work.
 */

#include "flows/audit.h"
#include "flows/error.h"
#include "flows/simplify.h"
#include "flows/snapshot.h"
#include "lib/base/config.h"
#include "lib/collect.h"
#include "lib/store/remedies.h"

/* What all calls need. All borrowed. */
struct fl_operator {
    const struct fl_config *config;
    const char *root; /* "" for the host's own */
    struct fl_host host;
    const char *who;                               /* for the journal */
    const char *ticket;                            /* or NULL */
    void (*progress)(const char *what, void *aux); /* or NULL */
    void *progress_aux;
    /*
     * A remedy that this operator installs is to be reverted unless it is confirmed within this time, which
     * begins as its rules go in; 0: it stays. See to it that somebody does so (lib/remedy.h cannot wait):
     * @installing is called when the deadline is on disk and before any rule goes in. Its error, with a
     * sentence, stops the installation. NULL: nobody is told.
     */
    int64_t confirm_within_ms;
    int (*installing)(const struct fl_remedy *remedy, void *aux, struct fl_error *err);
    void *installing_aux;
    struct fl_until
        until; /* Until when a remedy stands that this operator applies; not set: it stays. */
    int64_t decided_ms; /* When it was decided what this operator does (Unix time); 0: now. */
};

/* A plan and what it was made from. Zero it, pass it, destroy it. */
struct fl_plan {
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;
    const struct fl_vm_audit *vm; /* in @audit; NULL when somebody else made the plan, who saw: */
    json_t *before;               /* the VM's audit entry, or NULL; owned */
    bool was_busy;                /* storage packets */
    struct fl_flowset set;
    struct fl_refusal *refusals;
    size_t n_refusals;
    bool installed; /* @set is in the switch already: apply only verifies it. */
    /*
     * To be set before it is made: @set takes the place of what the VM's remedy has, be that in the switch or
     * not; whose order it was, its ticket and its deadline stay.
     */
    bool renews;
    /*
     * The first step: rules for a moment, after which Open vSwitch has offered the VM's flows to the NIC
     * again (flows/reoffer.h). None: no such step, @no_reoffer says why, where anybody looked.
     */
    struct fl_flowset reoffer;
    bool wants_reoffer; /* Of an order: whoever has it finds out: fl_remedy_plan_reoffer(). */
    char *no_reoffer;
    char *refused; /* Why @set is empty: the first step is all that can be done. */
};
void fl_plan_destroy(struct fl_plan *plan);
/** fl_plan_was_busy() - were there storage packets of its VM when it was made? */
bool fl_plan_was_busy(const struct fl_plan *plan);

/**
 * fl_remedy_plan() - audit the host and derive and prove a flow set for @vm_what
 * A VM whose remedy is in the switch gets that one again (plan->installed).
 * Return: 0 with plan->set proven, or without rules in it where plan->reoffer has some (plan->refused); -ENOENT nothing needs a remedy (idle, or in hardware already; @err
 * says which); -ENOTSUP no rules can help: scope is the host's, or nothing is eligible; -EPERM not
 * proven, or a mirror copies the packets; other negative errno: could not be read. plan->audit is there
 * whenever reading succeeded.
 */
int fl_remedy_plan(const struct fl_operator *op, const char *vm_what, struct fl_plan *plan,
                   struct fl_error *err);

/**
 * fl_remedy_plan_reoffer() - find out whether the first step is possible now, for a plan that somebody else made
 * @plan: its set names the VM; what it is made from, and @plan->reoffer or why there is none, are filled in
 * Return: 0, also where the step is not possible; as fl_remedy_plan() where the VM needs no remedy, or none can
 * help, or it could not be read.
 */
int fl_remedy_plan_reoffer(const struct fl_operator *op, struct fl_plan *plan,
                           struct fl_error *err);

/**
 * fl_remedy_prove() - prove a plan of earlier again
 * The pipeline that it was proven against being the same, its rules are taken as they are, or not at all;
 * else it is proven like a new one, and its rules may become others.
 * @anew: which of the two it was; NULL: it has to be proven as it is, whatever the pipeline is
 * Return: 0; -EPERM not proven, or a mirror copies the packets; other negative errno: OVS could not be
 * asked.
 */
int fl_remedy_prove(const struct fl_operator *op, struct fl_plan *plan, bool *anew,
                    struct fl_error *err);

/* What an apply or verify saw. */
struct fl_outcome {
    enum fl_remedy_state state;
    bool changed; /* anything was written to the switch */
    bool had_traffic;
    bool reoffered;   /* It was enough that the flows were offered again: there is no remedy. */
    char *reason;     /* one sentence, also the remedy's */
    char *evidence;   /* what the switch or its log said, or NULL */
    double hw_share;  /* of the storage packets seen while verifying; negative: none */
    uint64_t packets; /* seen while verifying */
    int64_t confirm_by_ms; /* the remedy's, 0: it stays */
    struct fl_until until; /* likewise */
};
void fl_outcome_destroy(struct fl_outcome *outcome);

/**
 * fl_remedy_apply() - install @plan's rules, verify them in counters, revert if they do not help
 * Where @plan->reoffer has rules, the flows are offered to the NIC again before, and that may be enough.
 * Installing again what is installed already changes nothing and verifies it.
 * Return: 0 verified, or installed with no traffic yet to verify with; -ECANCELED reverted by itself,
 * outcome->reason says why; other negative errno: trouble, outcome->state says where things stand.
 */
int fl_remedy_apply(const struct fl_operator *op, struct fl_plan *plan, struct fl_outcome *outcome,
                    struct fl_error *err);

/** fl_remedy_verify() - look at an installed remedy now. Return: 0 verified, -ECANCELED not, else error */
int fl_remedy_verify(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                     struct fl_error *err);

/**
 * fl_remedy_renew() - verify an installed remedy; one that does not help any more is derived anew
 * That is so when the VM came back with another address, say: its traffic passes the rules by. What is derived
 * from its traffic now takes their place if that can be proven and verified; else the remedy is reverted.
 * @only_installed: one that somebody has verified, or taken out, meanwhile is left alone
 * @may_replace: false: one that does not help stays, for the moment
 * Return: 0 verified, or left alone: see outcome->state; -ECANCELED reverted, outcome->reason says why; -EAGAIN no traffic yet, or it does not
 * help and stays; other negative errno: trouble, it is as it was.
 */
int fl_remedy_renew(const struct fl_operator *op, const char *vm_id, bool only_installed,
                    bool may_replace, struct fl_outcome *outcome, struct fl_error *err);

/**
 * fl_remedy_revert() - take the rules of @vm_what out, whatever state they are in
 * @vm_what: name or identity, of a remedy on disk or a VM in OVSDB
 * Return: 0 (also when there was nothing to do: outcome->changed false), -ENOENT no such VM or remedy.
 */
int fl_remedy_revert(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                     struct fl_error *err);
/**
 * fl_remedy_revert_all() - every rule with flowlift's cookie on every bridge, and every remedy on disk
 * @n_reverted: how many remedies were taken out
 */
int fl_remedy_revert_all(const struct fl_operator *op, size_t *n_reverted, struct fl_error *err);

/**
 * fl_remedy_confirm() - an installed remedy that waits for it is to stay
 * Return: 0; -ECANCELED when there is nothing to confirm, or it is too late: outcome->reason says so;
 * other negative errno: trouble.
 */
int fl_remedy_confirm(const struct fl_operator *op, const char *vm_what, struct fl_outcome *outcome,
                      struct fl_error *err);
/**
 * fl_remedy_revert_unconfirmed() - take a remedy out whose time to be confirmed is over
 * @vm_id: its identity
 * @now_ms: Unix time; of a caller who has waited on another clock, the deadline
 * Return: 0 it was taken out; -ECANCELED there was nothing to do: it was confirmed, or reverted, or its
 * time is not over; other negative errno: trouble, to be tried again.
 */
int fl_remedy_revert_unconfirmed(const struct fl_operator *op, const char *vm_id, int64_t now_ms,
                                 struct fl_outcome *outcome, struct fl_error *err);
/** fl_remedy_is_late() - its time to be confirmed is over at @now_ms (Unix time), and it is not reverted */
bool fl_remedy_is_late(const struct fl_remedy *remedy, int64_t now_ms);

/**
 * fl_remedy_is_retired() - what it was to stand until has come, and it is not reverted
 * @now_ms, @ovs_version: as for fl_until_has_come()
 */
bool fl_remedy_is_retired(const struct fl_remedy *remedy, int64_t now_ms, const char *ovs_version);
/** fl_remedy_retired_why() - the sentence for it; owned by the caller, free() */
char *fl_remedy_retired_why(const struct fl_remedy *remedy, const char *ovs_version);
/**
 * fl_remedy_check_until() - may a remedy be applied until then?
 * Return: 0; -EINVAL with a sentence when it would retire at once, or nobody could tell when
 */
int fl_remedy_check_until(const struct fl_until *until, int64_t now_ms, const char *ovs_version,
                          struct fl_error *err);

/* One line of status: what is on disk against what is in the switch. */
struct fl_status_entry {
    char *vm_name;
    char *vm_id;                /* NULL for rules that no remedy on disk knows */
    enum fl_remedy_state state; /* as the switch shows it, not as the file says */
    enum fl_remedy_state recorded;
    bool on_disk;
    bool readable;    /* the switch could be asked */
    size_t n_rules;   /* of the remedy */
    size_t n_present; /* of these, in the switch */
    size_t n_foreign; /* rules with its cookie that the remedy does not have */
    char *note;       /* what is odd and what to do about it, or NULL */
    char *ticket;
    char *who;
    int64_t changed_ms;
    int64_t confirm_by_ms; /* it is reverted then unless it is confirmed; 0: it stays */
    struct fl_until until; /* it retires then; not set: it stays */
    uint64_t packets;      /* counted by its rules */
    uint64_t bytes;
};
/**
 * fl_remedy_status() - all remedies, and rules of ours that none of them knows
 * @entries: owned by the caller, see fl_status_free(); filled as far as could be read, on error too
 * Return: 0; negative errno when OVSDB, a bridge or a remedy file could not be read.
 */
int fl_remedy_status(const struct fl_operator *op, struct fl_status_entry **entries, size_t *n,
                     struct fl_error *err);
void fl_status_free(struct fl_status_entry *entries, size_t n);

#endif
