/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_GUARD_H
#define FLOWLIFT_GUARD_H

/*
 * The guard: no remedy outlives the pipeline that it was proven against. It watches the bridges of every
 * remedy on disk (lib/ovs/monitor.h) and OVSDB (lib/ovs/db.h), and looks at a remedy again when something
 * changed that may matter to it, and once a minute. To look is to see where its VM is and whether its rules are
 * in the switch, and to prove them again as they are. What comes of it:
 *
 *   - The VM is not here: the rules go out at once, and the remedy is suspended until it comes back.
 *   - It is at another port, or has another MAC address: rules for there are derived (flows/rebase.h), proven
 *     from scratch, and put in instead.
 *   - The pipeline does not agree any more: the rules go out at once, the remedy is suspended, and the
 *     reason with a packet that shows it is in its file and in the journal. It is looked at all the same:
 *     after a second, two, four, up to a minute.
 *   - It agrees, and the rules are not (all) there: it was suspended, or somebody deleted them, or OVS was
 *     restarted. They go in, and the remedy is installed; "flowlift verify" counts its packets. A remedy
 *     that loses its rules again and again gets them back later each time, up to a minute.
 *   - Nobody can tell, since OVS does not answer: it is asked again, soon. A remedy whose proof is owed for
 *     FL_GUARD_GRACE_MS because of a change (FL_GUARD_LONG_GRACE_MS without one) is withdrawn if OVS lets
 *     us do that much: unproven is not proven. When OVS is gone, its rules are gone with it.
 *   - Its time to be confirmed is over (apply --confirm-within), or what it was to stand until has come (apply
 *     --until): it is reverted.
 *
 * A remedy of which an interrupted apply left only the intent on disk is never installed; rules of it that
 * are in the switch are taken out when they are not proven.
 *
 * Writers of the store have a lock, and so has the guard while it acts: it reads the remedy again under
 * it, and does nothing when somebody has changed it since the look. Only rules that are not proven go out
 * while somebody else holds the lock (an apply counts packets for some seconds); that is written down
 * when the lock is free.
 *
 * One thread. fl_guard_run() looks at one remedy at most, so that the caller's loop comes round: it blocks
 * while it asks OVS, some 100 ms, and some 30 s when OVS hangs. It never waits for a lock.
 *
 *     while (!stop) {
 *         fl_guard_run(guard);
 *         fl_guard_wait(guard);
 *         poll_block();
 *     }
 *
 * What it cannot see is what lib/ovs/monitor.h lists; there the minute is what counts.
 */

#include "lib/remedy.h"

/* Between two looks at a remedy that nothing has changed for. */
#define FL_GUARD_REGULAR_MS 60000
/* A proof that is owed for so long, and cannot be made: after a change, and without one. */
#define FL_GUARD_GRACE_MS      10000
#define FL_GUARD_LONG_GRACE_MS 60000

enum fl_guard_did {
    FL_GUARD_WATCHES,   /* a remedy from now on */
    FL_GUARD_RELEASED,  /* It watches it no more: it was reverted, or its file is gone. */
    FL_GUARD_SUSPENDED, /* The rules are out. */
    FL_GUARD_REFUSED,   /* They are out, and this could not be written down yet. */
    FL_GUARD_RESTORED,  /* The rules are in again. */
    FL_GUARD_SERVES,    /* They forward packets: it can be verified now. */
    FL_GUARD_REVERTED, /* Not confirmed in time, retired, or left by an interrupted apply and not proven. */
    FL_GUARD_TROUBLE, /* Something could not be done or read; it goes on trying. */
    FL_GUARD_N_DID,
};
/** fl_guard_did_name() - "suspended", ... */
const char *fl_guard_did_name(enum fl_guard_did did);

/* What the guard did. All borrowed, for the time of the call. */
struct fl_guard_event {
    enum fl_guard_did did;
    const char *vm_name, *vm_id;
    enum fl_remedy_state state; /* now */
    const char *reason;         /* a sentence */
    long long after_ms;         /* since what it is the answer to was noticed; -1: since nothing */
};

struct fl_guard;

/**
 * fl_guard_open() - begin to guard
 * @op: borrowed until fl_guard_close()
 * @tell: what to do with events; called from fl_guard_run()
 * Return: 0 and *@guard owned by the caller; negative errno when the store cannot be written.
 */
int fl_guard_open(const struct fl_operator *op,
                  void (*tell)(const struct fl_guard_event *event, void *aux), void *aux,
                  struct fl_guard **guard, struct fl_error *err);
/** fl_guard_close() - the remedies stay as they are; NULL is fine */
void fl_guard_close(struct fl_guard *guard);
/** fl_guard_run() - do what is due longest */
void fl_guard_run(struct fl_guard *guard);
/**
 * fl_guard_look_again() - there is a reason to look at a remedy now, and at what there is in the store
 * @vm: name or identity of its VM; one that has no remedy is fine; NULL: at all
 */
void fl_guard_look_again(struct fl_guard *guard, const char *vm);
/** fl_guard_has_in() - are rules of a VM's remedy to be in the switch? @vm_id: its identity */
bool fl_guard_has_in(const struct fl_guard *guard, const char *vm_id);
/**
 * fl_guard_inventory() - what OVSDB says now; borrowed until the next fl_guard_run(), NULL: there is no connection
 */
const struct fl_inventory *fl_guard_inventory(const struct fl_guard *guard);
/** fl_guard_serial() - another number when OVSDB or the store was seen to have changed */
uint64_t fl_guard_serial(const struct fl_guard *guard);
/** fl_guard_wait() - have poll_block() return when fl_guard_run() has something to do */
void fl_guard_wait(struct fl_guard *guard);

#endif
