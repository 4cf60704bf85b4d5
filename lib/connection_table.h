/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONNECTION_TABLE_H
#define FLOWLIFT_CONNECTION_TABLE_H

/*
 * The connections that a bridge's pipeline tracks: in the kernel where its datapath is there, which is
 * asked by netlink, else in ovs-vswitchd.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/connection.h"
#include "flows/error.h"
#include "flows/inventory.h"
#include "lib/collect.h"

struct fl_connection_table;

/**
 * fl_connection_table_open() - the table of @bridge
 * @inv: says where the bridge's datapath is
 * Return: 0 and *@table owned by the caller; else as fl_ctl_open().
 */
int fl_connection_table_open(const struct fl_host *host, const struct fl_inventory *inv,
                             const char *bridge, struct fl_connection_table **table,
                             struct fl_error *err);
void fl_connection_table_close(struct fl_connection_table *table);

/**
 * fl_connection_table_read() - TCP and UDP connections of one zone
 * @max: stop after so many (-E2BIG, with those read so far returned)
 * Return: 0 and *@connections (owned by the caller, free()), *@n.
 */
int fl_connection_table_read(struct fl_connection_table *table, uint16_t zone, size_t max,
                             struct fl_connection **connections, size_t *n, struct fl_error *err);
/** fl_connection_table_forget() - delete one entry; that it is gone already is no error */
int fl_connection_table_forget(struct fl_connection_table *table,
                               const struct fl_connection *connection, struct fl_error *err);

#endif
