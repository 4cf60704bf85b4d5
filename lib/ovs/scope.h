/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_SCOPE_H
#define FLOWLIFT_OVS_SCOPE_H

/*
 * Scope: what one remedy cares about on one bridge. It says of each change of the bridge's flows whether
 * it may matter to the remedy, and keeps what did until somebody takes it. No I/O; lib/ovs/monitor.h
 * feeds it.
 *
 * A change matters unless it is shown that it cannot:
 *  - In table 0, which every packet enters first, unchanged and with all registers 0, a flow that meets
 *    none of the regions is never hit by the remedy's packets.
 *  - In a later table registers and rewritten headers may be tested. There only those bits of the header
 *    count that no step on the remedy's way rewrites (@stable of fl_scope_set()): packets that differ
 *    from the flow's match in one of them do not hit the flow.
 *  - This holds for packets that come in anew. A flow that sends packets back to table 0 (resubmit or ct
 *    to it), or to a group, whose buckets may do so, matters whatever it matches. On a bridge where some
 *    flow did so when the proof was made, a removed flow can uncover it, so give no regions there: then
 *    every change matters.
 * A clause of a conjunction is compared like any flow; conj_id is never in a region.
 *
 * The order of use, so that no change is missed: take, prove, set what the proof found, wait. Installing
 * and removing the remedy's rules is told as OURS too; take it afterwards. A rule that somebody overwrites
 * with a flow of his own is told as FLOWS only: see whether the rules are there on any change.
 */

#include <openvswitch/match.h>
#include <openvswitch/ofp-monitor.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Due this long after the latest change, and at most that long after the first one. */
#define FL_SCOPE_QUIET_MS 50
#define FL_SCOPE_LATE_MS  200

enum fl_changed {
    FL_CHANGED_FLOWS = 1 << 0,  /* a flow that the remedy's packets may hit */
    FL_CHANGED_GROUPS = 1 << 1, /* any group or meter */
    FL_CHANGED_PORTS = 1 << 2,  /* any port came, went or changed its state */
    FL_CHANGED_OURS = 1 << 3,   /* a rule with the remedy's cookie, by whoever it was */
    FL_CHANGED_UNSEEN = 1 << 4, /* anything: the monitor was cut off, or has just begun */
};

/* What has changed since the last fl_scope_take(). */
struct fl_changes {
    unsigned int what; /* enum fl_changed */
    uint64_t n;
    long long first_ms, latest_ms; /* time_msec() */
    char example[256];             /* the first one, for people */
};

/* Not fl_scope: that is what an audit says of a verdict (flows/audit.h). */
struct fl_remedy_scope;

/**
 * fl_scope_new() - a scope for which every change matters, and UNSEEN has changed
 * @cookie: of the remedy's rules, host byte order
 */
struct fl_remedy_scope *fl_scope_new(uint64_t cookie);
void fl_scope_free(struct fl_remedy_scope *scope);

/**
 * fl_scope_set() - say what the remedy's packets look like
 * @regions: what they look like as they enter the bridge, in_port, VLAN and all: the rules' matches.
 *           Copied. None: every change matters. Tunnel fields are not looked at.
 * @stable: mask of the bits of the packets that nothing on their way through the bridge's tables
 *          rewrites, in_port included; NULL: none. Copied.
 *
 * What was left out since the last take was judged by the old values. If the new ones leave out less,
 * UNSEEN has changed.
 */
void fl_scope_set(struct fl_remedy_scope *scope, const struct match *regions, size_t n_regions,
                  const struct flow *stable);

/**
 * fl_scope_take() - what has changed; forgets it
 * Call it before the proof is made: what changes during the proof is then there afterwards.
 * Return: false when nothing has; @changes is filled anyway.
 */
bool fl_scope_take(struct fl_remedy_scope *scope, struct fl_changes *changes);

/** fl_scope_peek() - what has changed so far, borrowed until the next call on @scope */
const struct fl_changes *fl_scope_peek(const struct fl_remedy_scope *scope);

/** fl_scope_due_ms() - when to act on it, on the clock of time_msec(); LLONG_MAX: nothing has changed */
long long fl_scope_due_ms(const struct fl_remedy_scope *scope);

/**
 * fl_scope_note() - something has changed that matters
 * @example: a few words, copied
 */
void fl_scope_note(struct fl_remedy_scope *scope, enum fl_changed what, const char *example);

/**
 * fl_scope_flow() - a flow was added, changed or removed: note it if it may matter
 * @update: with its actions, unless it was removed
 * Return: whether it was noted.
 */
bool fl_scope_flow(struct fl_remedy_scope *scope, const struct ofputil_flow_update *update);

#endif
