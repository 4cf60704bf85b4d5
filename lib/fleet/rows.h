/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_ROWS_H
#define FLOWLIFT_FLEET_ROWS_H

/* A host's state (lib/fleet/cluster.h) as its rows. */

#include <jansson.h>

struct ovsdb_idl;
struct ovsdb_idl_txn;

/* A host whose audits say the same says when the last one was so often. */
#define FL_FLEET_UNCHANGED_MS (15 * 60 * 1000)

/**
 * fl_fleet_write_rows() - have the rows of @host say what @state does
 * @txn: gets what is to be written; empty when they say so already
 */
void fl_fleet_write_rows(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn, const char *host,
                         const json_t *state);

#endif
