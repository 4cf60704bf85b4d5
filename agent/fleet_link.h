/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_FLEET_LINK_H
#define FLOWLIFT_AGENT_FLEET_LINK_H

/*
 * The agent's part in a fleet ([fleet] remote): tells the database how this host stands, hears what was decided
 * about its VMs there, and does it. What it hears becomes remedies of this host's own store, which the guard
 * works by, so that all goes on when the database is away; what was decided here meanwhile is told when it is
 * there again (lib/fleet/decide.h).
 *
 *     fl_fleet_link_open();  each round: fl_fleet_link_run(); ... fl_fleet_link_wait();  fl_fleet_link_close();
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/shash.h>

#include "agent/audit.h"
#include "agent/worker.h"
#include "lib/fleet/act.h"
#include "lib/fleet/cluster.h"
#include "lib/guard.h"
#include "lib/remedy.h"

struct fl_fleet_link {
    const struct fl_operator *op; /* borrowed, as all here */
    struct fl_guard *guard;
    const struct fl_audit_timer *audit;
    struct fl_cluster *cluster; /* NULL: this host is in no fleet, or its keys are of no use */
    char *remote;
    char *name;
    long long join_ms; /* When to try again to have keys. */
    char *trouble;     /* as it was said last */
    bool was_connected;
    struct fl_remedy *remedies; /* as they are on disk */
    size_t n_remedies;
    bool is_unread; /* ... and could not be read just now */
    uint64_t guard_serial;
    uint64_t n_audits;
    bool is_due;        /* Something is another than at the last look. */
    long long rest_ms;  /* No look for that before, as the next. */
    long long look_ms;  /* The next look, whatever changes; on the clock of time_msec() */
    struct shash tried; /* VM identity -> struct fl_fleet_tried */
    struct fl_worker worker;
    struct fl_fleet_job job; /* Of the worker; its text is in job_text. */
    char *job_text[4];
};

/**
 * fl_fleet_link_open() - begin, by the configuration
 * @op, @guard, @audit: borrowed until fl_fleet_link_close()
 */
void fl_fleet_link_open(struct fl_fleet_link *fleet, const struct fl_operator *op,
                        struct fl_guard *guard, const struct fl_audit_timer *audit);
/** fl_fleet_link_close() - a step that is under way is killed; of one that was never opened, nothing */
void fl_fleet_link_close(struct fl_fleet_link *fleet);
/** fl_fleet_link_reread() - the configuration may be another one */
void fl_fleet_link_reread(struct fl_fleet_link *fleet);
void fl_fleet_link_run(struct fl_fleet_link *fleet);
void fl_fleet_link_wait(const struct fl_fleet_link *fleet);
/** fl_fleet_link_is_connected() - the database answers now */
bool fl_fleet_link_is_connected(const struct fl_fleet_link *fleet);
/**
 * fl_fleet_link_countermanded_ms() - since when an operator of the fleet wants no repair of that VM
 * Return: Unix time; 0: nobody does, or it is not known.
 */
int64_t fl_fleet_link_countermanded_ms(const struct fl_fleet_link *fleet, const char *vm_id);
/** fl_fleet_link_report() - {"remote", "name", "connected", "trouble"}, or null for a host of no fleet; new reference */
json_t *fl_fleet_link_report(const struct fl_fleet_link *fleet);

#endif
