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
#include <openvswitch/hmap.h>

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

#define FL_OPENFLOW_MAX_TESTS 20000u
/* Different tests of some bits. More than FL_OPENFLOW_MAX_TESTS: there are others that are not here. */
struct fl_openflow_tests {
    struct hmap by_hash; /* struct fl_openflow_test */
};
struct fl_openflow_test {
    struct hmap_node node;  /* in fl_openflow_tests.by_hash */
    struct minimatch match; /* Nothing but these bits. */
};

/* Bits of packets and metadata that the flows and groups of a bridge use; 1-bits are. */
struct fl_openflow_usage {
    struct flow matched;           /* By flows that packets of the asked port may meet. */
    struct flow matched_by_others; /* By flows of another port alone. */
    struct flow read;              /* By actions and groups. */
    struct flow guards;            /* By rules of flowlift. */
    struct flow written;           /* By actions that name what they write. */
    struct flow rewritten; /* Headers and in_port that any action may change, named or not. */
    struct fl_openflow_tests tests; /* How @matched are, of the bits of interest. */
    bool returns;                   /* An action may take a packet to table 0 again. */
};
/**
 * fl_openflow_usage_read() - read all flows and groups of the bridge, and see which bits they use
 * @in_port: packets of which port are asked about, or OFPP_ANY
 * @interest: bits whose tests are collected, or NULL
 * @usage: fl_openflow_usage_release() it, and do not move it meanwhile; nothing to release on errors
 */
int fl_openflow_usage_read(struct fl_openflow *of, ofp_port_t in_port, const struct flow *interest,
                           struct fl_openflow_usage *usage, struct fl_error *err);
void fl_openflow_usage_release(struct fl_openflow_usage *usage);

/**
 * fl_openflow_free_reg_bit() - a register bit whose value means nothing to any flow or group of the bridge
 * @bit: filled: register number and mask, from the highest register down; one that nobody writes either
 *       where there is one, else one that is only written, if no packet comes back to table 0 with it.
 *       What it holds before stays if it is such a bit, rules of flowlift apart; mask 0: nothing
 * Return: 0, or -ENOSPC when every bit is in use.
 */
struct fl_reg_bit {
    unsigned int reg;
    uint32_t mask;
};
int fl_openflow_free_reg_bit(struct fl_openflow *of, struct fl_reg_bit *bit, struct fl_error *err);

/**
 * fl_openflow_fingerprint() - the bridge's flows, flowlift's apart, and its groups, as one number
 * It is the same when nothing changed, in whatever order the switch lists them; counters do not count.
 */
int fl_openflow_fingerprint(struct fl_openflow *of, uint64_t *fingerprint, struct fl_error *err);

#endif
