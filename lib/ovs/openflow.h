/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_OPENFLOW_H
#define FLOWLIFT_OVS_OPENFLOW_H

/*
 * Reads and writes OpenFlow flows of a bridge over its management socket (BRIDGE.mgmt in OVS_RUNDIR),
 * with libopenvswitch's vconn, OpenFlow 1.4. What is written goes in one ordered, atomic bundle: all
 * of it or nothing. Only flows with flowlift's cookie are ever changed or deleted.
 *
 * libopenvswitch writes to sockets without MSG_NOSIGNAL: the program must ignore SIGPIPE, with
 * fatal_ignore_sigpipe(), or a switch that goes away ends it. This holds for lib/ovs/db.h as well.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/ofp-flow.h>

#include "flows/error.h"
#include "flows/flowset.h"

struct fl_openflow;

/**
 * fl_openflow_as_sent() - a match as a switch has it once it was sent there
 * OpenFlow has no masks for some fields (TTL, DSCP, ECN, VLAN priority, types, ...): where one bit is
 * tested, all are, the others for 0. The match may get narrower by that.
 * @sent: may be @match; untouched on false
 * Return: false when what is sent would match packets that @match does not.
 */
bool fl_openflow_as_sent(const struct match *match, struct match *sent);

/**
 * fl_openflow_open() - connect to a bridge
 * @bridge: its name; must be a plain name ('/' is refused)
 * Return: 0 and *@of owned by the caller, or negative errno with a sentence in @err.
 */
int fl_openflow_open(const char *bridge, int timeout_ms, struct fl_openflow **of,
                     struct fl_error *err);
void fl_openflow_close(struct fl_openflow *of);

/**
 * fl_openflow_dump() - flows whose cookie matches
 * @cookie, @cookie_mask: host byte order; 0, 0 for all
 * Return: 0 and *@flows (owned by the caller, see fl_openflow_flows_free()), *@n.
 */
int fl_openflow_dump(struct fl_openflow *of, uint64_t cookie, uint64_t cookie_mask,
                     struct ofputil_flow_stats **flows, size_t *n, struct fl_error *err);
void fl_openflow_flows_free(struct ofputil_flow_stats *flows, size_t n);

/**
 * fl_openflow_replace() - make the flows with @cookie be exactly @rules, in one bundle
 * @cookie: flowlift's cookie of one remedy (top 16 bits FL_COOKIE_PREFIX)
 * @rules: may be empty: then the flows with @cookie are deleted and nothing else is touched
 *
 * Refuses (-EEXIST) a rule whose table, priority and match some other flow of the bridge has already:
 * adding it would overwrite that flow.
 * Return: 0; -EINVAL for a rule OVS refuses (its error in @err); -EPIPE when the switch went away: then
 * either all or nothing was done.
 */
int fl_openflow_replace(struct fl_openflow *of, uint64_t cookie, const struct fl_rule *rules,
                        size_t n_rules, struct fl_error *err);

/* How the flows with a cookie compare with the rules that should be there. */
struct fl_presence {
    size_t n_present; /* of the rules, in the switch with the same match and actions */
    size_t n_foreign; /* in the switch with the cookie, and none of the rules */
    uint64_t packets; /* counted by those present */
    uint64_t bytes;
};
/** fl_openflow_presence() - fill @presence; nothing is written */
int fl_openflow_presence(struct fl_openflow *of, uint64_t cookie, const struct fl_rule *rules,
                         size_t n_rules, struct fl_presence *presence, struct fl_error *err);

/**
 * fl_openflow_delete() - delete the flows whose cookie matches, in one bundle
 * @mask: must have all bits of FL_COOKIE_PREFIX_MASK, and @cookie the prefix: -EINVAL otherwise
 * @n_deleted: how many there were; may be NULL
 */
int fl_openflow_delete(struct fl_openflow *of, uint64_t cookie, uint64_t mask, size_t *n_deleted,
                       struct fl_error *err);

#endif
