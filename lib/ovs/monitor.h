/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_MONITOR_H
#define FLOWLIFT_OVS_MONITOR_H

/*
 * Watches one bridge over a connection of its own (BRIDGE.mgmt in OVS_RUNDIR, OpenFlow 1.4): flows by a
 * flow monitor, groups and meters by OFPT_REQUESTFORWARD, ports by OFPT_PORT_STATUS. What matters to
 * whom is up to the scopes (lib/ovs/scope.h), one for each remedy on the bridge, so that each flow is
 * decoded once. A remedy on several bridges, joined by patch ports, has a scope on each.
 *
 * Never blocks: fl_monitor_run() does what can be done, fl_monitor_wait() says to libopenvswitch's poll
 * loop when there is more. vconn and rconn tell nobody their descriptor, so there is none to hand out.
 *
 *     for (;;) {
 *         fl_monitor_run(monitor);
 *         if (fl_scope_due_ms(scope) <= time_msec() && fl_scope_take(scope, &changes)) {
 *             ... see whether the rules are there, and prove them again ...
 *             fl_scope_set(scope, regions, n_regions, &stable);
 *         }
 *         fl_monitor_wait(monitor);
 *         poll_timer_wait_until(fl_scope_due_ms(scope));
 *         poll_block();
 *     }
 *
 * A lost connection (tried again once a second) is UNSEEN to every scope, and so is each new one, which
 * has missed what came before it; after a new one whatever changes is seen. The same with a pause: OVS
 * sends no flow changes while more than 128 KiB of them wait for a slow reader. Reading goes on while
 * there is something, at most 256 KiB a run, and no sooner than 10 ms after it was all read: thousands of
 * changes a second cost a hundred wake-ups.
 *
 * What OVS sends no event for, and only a proof at regular times finds:
 *  - MAC learning. What NORMAL does follows the MAC table, in a rule as in the pipeline, so a rule with
 *    NORMAL stays right; a rule that outputs to the port that NORMAL took when it was proven does not.
 *  - VLAN tags and trunks of ports, mirrors, bonds, fail-mode and the like: all of OVSDB.
 *  - OVS's own hidden flows (in-band control, fail-open).
 *
 * To get messages about groups and ports, a connection must set a non-zero miss_send_len, and that
 * message (OFPT_SET_CONFIG) also has the bridge's handling of IP fragments in it; it is asked for and put
 * back as it is. Packets are not asked for. Nothing else is written. SIGPIPE: see lib/ovs/openflow.h.
 *
 * Source: OVS 3.1 ofproto/connmgr.c (ofmonitor_report(), ofmonitor_flush(), ofconn_receives_async_msg()),
 * ofproto/ofproto.c (handle_set_config()).
 */

#include <stdbool.h>
#include <stdint.h>

#include "flows/error.h"
#include "lib/ovs/scope.h"

struct fl_monitor;

/**
 * fl_monitor_open() - begin to watch a bridge, which need not be there yet
 * @bridge: its name; must be a plain name ('/' is refused)
 * Return: 0 and *@monitor owned by the caller; -EINVAL.
 */
int fl_monitor_open(const char *bridge, struct fl_monitor **monitor, struct fl_error *err);
/** fl_monitor_close() - also frees its scopes; NULL is fine */
void fl_monitor_close(struct fl_monitor *monitor);

/**
 * fl_monitor_watch() - a new scope (see fl_scope_new()), fed by @monitor
 * Return: owned by @monitor; valid until fl_monitor_forget() or fl_monitor_close().
 */
struct fl_remedy_scope *fl_monitor_watch(struct fl_monitor *monitor, uint64_t cookie);
void fl_monitor_forget(struct fl_monitor *monitor, struct fl_remedy_scope *scope);

/** fl_monitor_run() - connect, subscribe, read; feeds the scopes. Never blocks. */
void fl_monitor_run(struct fl_monitor *monitor);
/** fl_monitor_wait() - have poll_block() return when fl_monitor_run() has something to do */
void fl_monitor_wait(struct fl_monitor *monitor);

/**
 * fl_monitor_status() - is every change seen?
 * Return: 0 connected and subscribed; -EAGAIN not yet, nothing is wrong; -ENOENT, -ECONNREFUSED, -EACCES,
 * -EPIPE, -EPROTO (no OpenFlow 1.4), -EINVAL (OVS refuses to be watched) with a sentence in @err.
 */
int fl_monitor_status(const struct fl_monitor *monitor, struct fl_error *err);

/* What has been read, since the beginning. */
struct fl_monitor_counts {
    uint64_t n_messages;
    uint64_t n_flows;    /* flow changes */
    uint64_t n_left_out; /* of these, no scope noted them */
    uint64_t n_pauses;
    uint64_t n_connected; /* times */
};
/** fl_monitor_counts() - borrowed, changed by fl_monitor_run() */
const struct fl_monitor_counts *fl_monitor_counts(const struct fl_monitor *monitor);

#endif
