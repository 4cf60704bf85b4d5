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
 * @remote: OVSDB remote ("unix:/run/openvswitch/db.sock"), or NULL for the default: OVS_DBDIR or
 *          OVS_RUNDIR as ovs-vsctl(8) uses them
 * @timeout_ms: for all of it
 * Return: 0 and *@inv owned by the caller; -ECONNREFUSED, -ENOENT, -EACCES, -ETIMEDOUT, -EPROTO with
 * a sentence in @err that names the socket and what to do; @inv untouched on error.
 */
int fl_db_read(const char *remote, const struct fl_vm_keys *keys, int timeout_ms,
               struct fl_inventory *inv, struct fl_error *err);

#endif
