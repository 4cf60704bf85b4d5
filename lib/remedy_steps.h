/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REMEDY_STEPS_H
#define FLOWLIFT_REMEDY_STEPS_H

/*
 * The steps that the remedy's state machine is made of; shared by the files lib/remedy_*.c, lib/order.c and the guard.
 */

#include "flows/cleanup.h"
#include "flows/connection.h"
#include "lib/base/clock.h"
#include "lib/ovs/ctl.h"
#include "lib/ovs/openflow.h"
#include "lib/remedy.h"

#define FL_STORE_WAIT_MS 20000

/** fl_step_timeout_ms() - for each answer of OVS */
static inline int fl_step_timeout_ms(const struct fl_operator *op)
{
    return fl_host_timeout_ms(&op->host);
}

static inline void fl_step_say(const struct fl_operator *op, const char *what)
{
    if (op->progress) {
        op->progress(what, op->progress_aux);
    }
}

/** fl_step_read() - snapshot and audit of the live host over @window_ms; both owned by the caller */
int fl_step_read(const struct fl_operator *op, int64_t window_ms, struct fl_snapshot **snapshot,
                 struct fl_audit **audit, struct fl_error *err);

/** fl_step_check_decided() - Return: 0; -ESTALE when @remedy, on disk, is of a later decision than @op's */
int fl_step_check_decided(const struct fl_operator *op, const struct fl_remedy *remedy,
                          struct fl_error *err);
/** fl_step_decide() - it is to stand, or not, from when @op says on; of a fleet, who decided that is noted, too */
void fl_step_decide(const struct fl_operator *op, struct fl_remedy *remedy, bool stands);

/**
 * fl_step_record() - put @remedy into @state, on disk and in the journal
 * @step: the journal's word for it
 * @reason: copied
 */
int fl_step_record(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   enum fl_remedy_state state, const char *step, const char *reason,
                   struct fl_error *err);

/**
 * fl_step_find_patches() - the patch ports that storage traffic of @vm takes, where that is in doubt
 * @patches: filled, at most @max
 * Return: 0; -ENOTSUP when OVS's trace does not tell; else as fl_trace_run().
 */
int fl_step_find_patches(struct fl_ctl *ctl, const struct fl_snapshot *snapshot,
                         const struct fl_vm_audit *vm, struct fl_patch *patches, size_t max,
                         size_t *n, struct fl_error *err);

/** fl_step_present() - what of @set (decoys left out) is in the switch, over all its bridges */
int fl_step_present(const struct fl_operator *op, const struct fl_flowset *set,
                    struct fl_presence *presence, struct fl_error *err);
size_t fl_step_n_rules(const struct fl_flowset *set); /* without decoys */

/**
 * fl_step_install() - make the switch have the rules of @set, and nothing else of its cookie
 * @decoys: with the decoys or without
 */
int fl_step_install(const struct fl_operator *op, const struct fl_flowset *set, bool decoys,
                    struct fl_error *err);
/** fl_step_remove() - delete the flows with @cookie from every bridge of @set and @inv (or NULL) */
int fl_step_remove(const struct fl_operator *op, const struct fl_flowset *set,
                   const struct fl_inventory *inv, uint64_t cookie, size_t *n_deleted,
                   struct fl_error *err);

/**
 * fl_step_revert() - take the rules of @remedy out, and write it down
 * @on_disk: it has a file, which says so then
 * @inv: every bridge of it is asked, since a rule may have been left on one that the remedy does not name;
 *       NULL: those that it names
 * @why: begins the reason; NULL: somebody asked for it
 * @outcome: state, changed and reason are filled
 */
int fl_step_revert(const struct fl_operator *op, struct fl_store *store, struct fl_remedy *remedy,
                   bool on_disk, const struct fl_inventory *inv, const char *why,
                   struct fl_outcome *outcome, struct fl_error *err);

/**
 * fl_step_forget_connections() - have conntrack forget the connections that the rules lead past it
 * To be called while the rules are in: before they go out, and once they are known to work.
 */
int fl_step_forget_connections(const struct fl_operator *op, const struct fl_flowset *set,
                               struct fl_error *err);
/** fl_step_forget_connections_by() - the same, for who has read OVSDB already */
int fl_step_forget_connections_by(const struct fl_operator *op, const struct fl_inventory *inv,
                                  const struct fl_flowset *set, struct fl_error *err);

/**
 * fl_step_read_zones() - TCP and UDP connections of conntrack zones, at most some 65536 of each
 * @bridge: on whose datapath
 * @all: owned by the caller, free(); on error too
 */
int fl_step_read_zones(const struct fl_operator *op, const struct fl_inventory *inv,
                       const char *bridge, const uint16_t *zones, size_t n_zones,
                       struct fl_connection **all, size_t *n_all, struct fl_error *err);
/**
 * fl_step_read_premises() - what a proof of @set has to know and OpenFlow does not tell
 * Connections of the zones that the VM of @set has without the rules; likewise. And that no mirror copies
 * packets of the rules, since OVSDB is read for this.
 * Return: 0; -EPERM when one does, with its name and what it selects; other negative errno: could not be
 * read.
 */
int fl_step_read_premises(const struct fl_operator *op, const struct fl_flowset *set,
                          struct fl_connection **all, size_t *n_all, struct fl_error *err);
/** fl_step_premises_by() - the same, for who has read OVSDB already */
int fl_step_premises_by(const struct fl_operator *op, const struct fl_inventory *inv,
                        const struct fl_flowset *set, struct fl_connection **all, size_t *n_all,
                        struct fl_error *err);

enum fl_proof_of_life {
    FL_LIFE_GOOD,  /* storage packets, in hardware, from the remedy's rules */
    FL_LIFE_BAD,   /* storage packets in software, or the rules see none */
    FL_LIFE_QUIET, /* no storage packet */
    FL_LIFE_GONE,  /* Somebody took rules out of the switch meanwhile; they are not put back. */
};
/* How to watch. */
struct fl_watch {
    bool decoys; /* Take the decoys out on the way, once megaflows are built anew. */
    /*
     * Looks in a row that must be good. The first one after a change still sees new flows, whose first
     * packets went through software.
     */
    unsigned int n_good;
    int64_t log_mark; /* fl_log_mark() from before the rules went in. */
    int64_t until_ms; /* No look begins later (Unix time); 0: no matter. */
    int most_looks;   /* 0: as many as an apply takes, some 12 s */
};
/**
 * fl_step_watch() - look at the VM's traffic until it is good, or the time is up
 * @set: gets more decoys when a live megaflow withstands those it has
 * @outcome: reason, evidence, packets, hw_share, had_traffic are filled
 * @after: the VM's audit entry at the end, as JSON (new reference), or NULL
 * Return: enum fl_proof_of_life, or negative errno when the host could not be read.
 */
int fl_step_watch(const struct fl_operator *op, struct fl_flowset *set,
                  const struct fl_watch *watch, struct fl_outcome *outcome, json_t **after,
                  struct fl_error *err);

/**
 * fl_step_reoffer() - have Open vSwitch offer the flows of @plan->reoffer again, and watch them
 * To be called with the store open. No rule of it is in the switch when it returns, unless it says so.
 * Return: 0 verified, outcome->reoffered is set; -EAGAIN it did not help; other negative errno: trouble.
 */
int fl_step_reoffer(const struct fl_operator *op, const struct fl_plan *plan,
                    struct fl_outcome *outcome, struct fl_error *err);

/**
 * fl_step_verify_rebuilding() - fl_remedy_verify(), and megaflows that took no notice of it are built anew
 * @only_installed: one that somebody has verified, or taken out, meanwhile is left alone: 0, @outcome is as it is
 */
int fl_step_verify_rebuilding(const struct fl_operator *op, const char *vm_id, bool only_installed,
                              struct fl_outcome *outcome, struct fl_error *err);

/** fl_step_find_remedy() - the remedy on disk whose VM has this name or identity; -ENOENT */
int fl_step_find_remedy(struct fl_store *store, const char *vm_what, struct fl_remedy *remedy,
                        struct fl_error *err);
/** fl_step_open_store() - for changes, with the lock, at the beginning of a step; @outcome is emptied */
int fl_step_open_store(const struct fl_operator *op, struct fl_outcome *outcome,
                       struct fl_store **store, struct fl_error *err);

#endif
