/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_DB_H
#define FLOWLIFT_OVS_DB_H

/*
 * Reads the inventory out of OVSDB through libopenvswitch's IDL (one connection, one monitor, the
 * columns that struct fl_inventory needs and no more; nothing is written).
 */

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

#endif
