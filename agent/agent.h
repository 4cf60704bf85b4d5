/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_AGENT_H
#define FLOWLIFT_AGENT_AGENT_H

/*
 * The agent that runs: the guard, audits and automatic repairs, the control commands, signals, and what the service manager hears, in one
 * loop.
 *
 *     fl_agent_init();  fl_agent_open();  daemonize_complete();  fl_agent_run();  fl_agent_close();
 */

#include <stdbool.h>

#include <ovs/unixctl.h>

#include "agent/audit.h"
#include "agent/auto.h"
#include "agent/events.h"
#include "agent/exporter.h"
#include "agent/fleet_link.h"
#include "agent/hooks.h"
#include "agent/links.h"
#include "agent/notify.h"
#include "agent/options.h"
#include "agent/orders.h"
#include "agent/rendezvous.h"
#include "agent/verify.h"
#include "lib/base/config.h"
#include "lib/guard.h"

struct fl_agent {
    const struct fl_agent_options *options; /* borrowed */
    struct fl_notify *notify;               /* borrowed */
    struct fl_config config;
    struct fl_operator op;
    struct fl_events events;
    struct fl_verify verify;
    struct fl_guard *guard;
    struct fl_hooks hooks;
    struct fl_orders orders;
    struct fl_exporter exporter;
    uint64_t n_audits_exported;
    struct fl_audit_timer audit;
    struct fl_auto repairs;
    struct fl_links links;
    struct fl_fleet_link fleet;
    uint64_t n_wipes_heeded; /* of links.wants_audit */
    struct unixctl_server *server;
    struct fl_rendezvous *rendezvous;
    int signals;
    bool is_ending;
    int64_t started_ms;        /* as in struct fl_report_of */
    int64_t config_read_ms;    /* likewise */
    int64_t config_refused_ms; /* likewise */
    uint64_t n_config_errors;
    struct fl_error config_why;
    long long
        tell_ms; /* when the service manager is told how things stand, on the clock of time_msec() */
};

/**
 * fl_agent_init() - read the configuration
 * @options, @notify: borrowed until fl_agent_close()
 * Return: 0; -EINVAL, -EACCES, ... as fl_config_load(). @agent is to be closed in any case.
 */
int fl_agent_init(struct fl_agent *agent, const struct fl_agent_options *options,
                  struct fl_notify *notify, struct fl_error *err);
/** fl_agent_open() - in the process that will run: guard, control socket. Return: 0 or negative errno */
int fl_agent_open(struct fl_agent *agent, struct fl_error *err);
/** fl_agent_run() - until somebody says that it is to end */
void fl_agent_run(struct fl_agent *agent);
/** fl_agent_close() - the remedies stay as they are */
void fl_agent_close(struct fl_agent *agent);

/** fl_agent_reread() - take the configuration as it is now; one that is bad is refused, the old one stays */
void fl_agent_reread(struct fl_agent *agent);
/** fl_agent_report() - how things stand. Return: new reference. */
json_t *fl_agent_report(const struct fl_agent *agent);

#endif
