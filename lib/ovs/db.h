/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_DB_H
#define FLOWLIFT_OVS_DB_H

/*
 * The inventory out of OVSDB, through libopenvswitch's IDL (one connection, one monitor, the columns that
 * struct fl_inventory needs and no more; nothing is written): read once, or watched.
 *
 *     for (;;) {
 *         if (fl_db_run(db, &keys)) {
 *             ... fl_db_inventory(db) is another one ...
 *         }
 *         fl_db_wait(db);
 *         poll_block();
 *     }
 */

#include <stdbool.h>

#include "flows/error.h"
#include "flows/inventory.h"

/**
 * fl_db_read() - the inventory of a host, VMs grouped by @keys
 * @remote: OVSDB remote ("unix:/run/openvswitch/db.sock", "tcp:127.0.0.1:6640"), or NULL for the
 *          default of ovs-vsctl(8): db.sock in OVS_RUNDIR
 * @timeout_ms: for all of it
 * Return: 0 and *@inv owned by the caller; -ECONNREFUSED, -ENOENT, -EACCES, -ETIMEDOUT, -EPROTO with
 * a sentence in @err that names the socket and what to do; @inv untouched on error.
 */
int fl_db_read(const char *remote, const struct fl_vm_keys *keys, int timeout_ms,
               struct fl_inventory *inv, struct fl_error *err);

struct fl_db;

/**
 * fl_db_open() - begin to watch OVSDB, which need not be there yet; a lost connection is made again
 * @remote: as for fl_db_read()
 * Return: owned by the caller, fl_db_close()
 */
struct fl_db *fl_db_open(const char *remote);
void fl_db_close(struct fl_db *db); /* NULL is fine */
/**
 * fl_db_run() - read what there is; never blocks
 * @keys: VMs are grouped by them
 * Return: whether the inventory is another one than before, or was lost, or is there again.
 */
bool fl_db_run(struct fl_db *db, const struct fl_vm_keys *keys);
void fl_db_wait(struct fl_db *db);
/**
 * fl_db_inventory() - what OVSDB says now
 * @err: why there is nothing: what one who connects would be told
 * Return: borrowed until the next fl_db_run(); NULL while there is no connection.
 */
const struct fl_inventory *fl_db_inventory(const struct fl_db *db, struct fl_error *err);
/** fl_db_group() - have VMs grouped anew by the next fl_db_run(): its keys are others */
void fl_db_group(struct fl_db *db);

#endif
