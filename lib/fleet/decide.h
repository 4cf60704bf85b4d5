/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_DECIDE_H
#define FLOWLIFT_FLEET_DECIDE_H

/*
 * What an agent does about one VM, by what the fleet says. Pure.
 *
 * Whether a VM's remedy is to stand is decided by whoever spoke last: an operator to the fleet (an order), an
 * operator or the agent of another host that the VM was on, or of this one. The moment of a decision goes with
 * it from host to host, so that the same one is never heard twice. Who decides for the fleet sees to it that the
 * moment is later than all that were known (lib/fleet/enter.h); of two hosts that decide apart from each other,
 * their clocks do.
 *
 * What a host has on disk is what its guard works by, with the cluster or without it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So far ahead of ours another host's clock may be: a moment later than that is none, until our clock is there. */
#define FL_DECIDED_AHEAD_MS INT64_C(300000)
static inline bool fl_decided_is_believed(int64_t decided_ms, int64_t now_ms)
{
    return decided_ms > 0 && decided_ms <= now_ms + FL_DECIDED_AHEAD_MS;
}

/* What somebody decided. */
struct fl_decision {
    int64_t decided_ms; /* Unix time; 0: nobody has */
    bool stands;
};

/** fl_decision_is_later() - @a than @b? Of two at once, the one that keeps the rules out. */
bool fl_decision_is_later(const struct fl_decision *a, const struct fl_decision *b);

/* All that is known of one VM. */
struct fl_decide_on {
    struct fl_decision order;
    bool order_is_over; /* what it was to stand until has come */
    struct fl_decision peers;
    /* A peer that says so has rules that can be derived for here. */
    bool peers_have_rules;
    struct fl_decision own;
    bool own_is_in;   /* There is a remedy here that is not reverted, be it suspended. */
    bool is_here;     /* The VM has a port on this host. */
    bool is_stranded; /* An audit says so since it was tried, and that it is alone with it. */
    int64_t tried_ms; /* of the decision that it was last tried to repair the VM for; 0: for none */
    bool may_retry;   /* It was tried, and that is long enough ago. */
};

enum fl_act {
    FL_ACT_LEAVE,
    FL_ACT_HEED, /* It stands already: the decision is written down with it. */
    FL_ACT_ADOPT, /* The rules of a peer become a remedy that is suspended, for the guard to derive anew. */
    FL_ACT_REPAIR, /* Plan and apply, with the VM's traffic. */
    FL_ACT_REVERT,
};

/**
 * fl_decide() - what to do
 * @word: the decision that it is done for; of FL_ACT_LEAVE nothing
 */
enum fl_act fl_decide(const struct fl_decide_on *view, struct fl_decision *word);

#endif
