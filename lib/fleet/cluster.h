/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_CLUSTER_H
#define FLOWLIFT_FLEET_CLUSTER_H

/*
 * One host's share of the fleet's database (flowlift-fleet.ovsschema), through libopenvswitch's IDL: it writes the
 * rows of this host, and hears what was decided about its VMs. Of all other rows no copy comes.
 *
 *     each round:
 *         if (fl_cluster_run(cluster)) { ... fl_cluster_hear(cluster, vm_id, &heard) says something else ... }
 *         fl_cluster_want(cluster, ids);  fl_cluster_publish(cluster, state);  as these change
 *         fl_cluster_wait(cluster);
 *
 * The database may be a cluster (ovsdb-server(7)): any member will do, one that has lost the others is left for
 * another one, and a lost connection is made again. What is published goes there when there is somebody who
 * takes it: the last state is kept, and compared with the rows.
 *
 * A state is
 *     {"host": {"flowlift_version", "ovs_version", "nics": {DRIVER: FIRMWARE}, "verdicts": {VERDICT: N},
 *               "incomplete": sentence or "", "audited": ms, "interval": ms},
 *      "vms": {VM-ID: {"name", "verdict", "scope", "hw_share": 0..1 or null, "sw_rate": bytes a second, "causes": [id]}},
 *      "repairs": {VM-ID: {"name", "state", "reason", "stands", "decided": ms, "changed": ms, "who", "ticket",
 *                          "until", "order", "flow_set": text or ""}}}
 * Of a VM that is well, without a cause, name and verdict are written.
 * "vms" and "repairs" may be null: nobody knows; the rows stay as they are.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <ovs/sset.h>

#include "lib/fleet/decide.h"

struct fl_cluster;

/**
 * fl_cluster_open() - begin
 * @remote: OVSDB remotes with commas between; for ssl: see lib/fleet/tls.h
 * @host: what this host is called there
 * Return: owned by the caller, fl_cluster_close()
 */
struct fl_cluster *fl_cluster_open(const char *remote, const char *host);
void fl_cluster_close(struct fl_cluster *cluster); /* NULL is fine */

/** fl_cluster_want() - the VMs that matter here, by identity; copied */
void fl_cluster_want(struct fl_cluster *cluster, const struct sset *vm_ids);
/** fl_cluster_publish() - what there is to be known of this host; a reference is kept */
void fl_cluster_publish(struct fl_cluster *cluster, json_t *state);
/** fl_cluster_run() - hear and write; never blocks. Return: whether there is something new to hear */
bool fl_cluster_run(struct fl_cluster *cluster);
void fl_cluster_wait(struct fl_cluster *cluster);

/** fl_cluster_is_complete() - connected, and all is here that was wanted */
bool fl_cluster_is_complete(const struct fl_cluster *cluster);
/** fl_cluster_is_connected() - now */
bool fl_cluster_is_connected(const struct fl_cluster *cluster);
/** fl_cluster_has_written() - what was published last is in the database */
bool fl_cluster_has_written(const struct fl_cluster *cluster);
/** fl_cluster_trouble() - why the database did not take what was published; borrowed, NULL: it did */
const char *fl_cluster_trouble(const struct fl_cluster *cluster);

/* One VM. All text is borrowed until the next fl_cluster_run(), and is of whoever wrote it. */
struct fl_cluster_heard {
    struct fl_decision order;
    int64_t number;
    const char *who, *ticket, *until; /* of the order */
    /* What another host said last; its rules are NULL or text of a flow set. */
    struct fl_decision peers;
    const char *peer, *peer_who, *peer_ticket, *peer_until, *flow_set;
};
/** fl_cluster_hear() - what is said of a VM */
void fl_cluster_hear(const struct fl_cluster *cluster, const char *vm_id,
                     struct fl_cluster_heard *heard);

#endif
