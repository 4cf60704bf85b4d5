/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ORIGIN_H
#define FLOWLIFT_ORIGIN_H

/*
 * From a datapath flow to who asked for it: the OpenFlow flows that a packet of it hits, as ofproto/trace
 * says, and those that make the pipeline look at a field although the packet does not hit them.
 *
 * ovs-vswitchd is asked, whose main thread answers: one trace, and a dump of each bridge that the packet
 * passes when there are fields to look for.
 */

#include <ovs/svec.h>

#include "flows/audit.h"
#include "flows/cause.h"
#include "flows/error.h"
#include "lib/collect.h"
#include "lib/ovs/trace_rules.h"

/*
 * OpenFlow flows of one table that test a field and are looked at before the one that the packet hits: a
 * table of OVS un-wildcards what flows of higher or equal priority match.
 */
struct fl_looker {
    char *field; /* "ct_state" */
    char *bridge;
    unsigned int table;
    size_t n;
    int priority; /* Of the highest of them: */
    uint64_t cookie;
    char *match;
};

struct fl_origin {
    enum fl_direction direction;
    char *packet; /* As it was traced. */
    struct fl_traced_rule *rules;
    size_t n_rules;
    struct fl_looker *lookers;
    size_t n_lookers;
    /*
     * Fields that the first datapath flow matches, and the pipeline does not ask for any more: all packets of a
     * megaflow take the same way, and so have the same mask, unless the pipeline was changed since. Sorted.
     */
    struct svec stale_fields;
};

/**
 * fl_origin_find() - who asked for the flows of @finding
 * @storage: the packet is of its first service where the flows leave that open
 * @fields: to look for, as in fl_peer.only_fields; may be empty
 * @origin: owned by the caller on success
 * Return: 0; -ENOENT for a chain whose port OVSDB does not name, or whose packets cannot be written for
 * a trace; else as fl_trace_run() and fl_openflow_dump().
 */
int fl_origin_find(const struct fl_host *host, const struct fl_audit *audit,
                   const struct fl_storage *storage, const struct fl_finding *finding,
                   const struct svec *fields, struct fl_origin *origin, struct fl_error *err);
/** fl_origin_cause() - what is found that keeps the flow out of the NIC. Return: whether *@cause was set */
bool fl_origin_cause(const struct fl_origin *origin, struct fl_cause *cause);
void fl_origin_destroy(struct fl_origin *origin);

#endif
