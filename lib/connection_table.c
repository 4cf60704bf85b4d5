/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/connection_table.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/conntrack/entries.h"
#include "lib/ovs/dump.h"

/* Times that a table which changes while it is read is read again. */
#define MAX_TRIES 3

struct fl_connection_table {
    struct fl_ctl *ctl; /* NULL: the kernel's. */
};

int fl_connection_table_open(const struct fl_host *host, const struct fl_inventory *inv,
                             const char *bridge, struct fl_connection_table **table,
                             struct fl_error *err)
{
    const struct fl_bridge *row = fl_inventory_bridge(inv, bridge);
    struct fl_ctl *ctl = NULL;
    int error = 0;

    if (!row || strcmp(row->datapath_type, "system"))
        error = fl_ctl_open(host->target, fl_host_timeout_ms(host), &ctl, err);
    if (!error) {
        *table = xmalloc(sizeof **table);
        (*table)->ctl = ctl;
    }
    return error;
}

void fl_connection_table_close(struct fl_connection_table *table)
{
    if (table && table->ctl)
        fl_ctl_close(table->ctl);
    free(table);
}

int fl_connection_table_read(struct fl_connection_table *table, uint16_t zone, size_t max,
                             struct fl_connection **connections, size_t *n, struct fl_error *err)
{
    int error = -EAGAIN;

    if (table->ctl)
        return fl_dump_connections(table->ctl, zone, max, connections, n, err);
    for (unsigned int i = 0; i < MAX_TRIES && error == -EAGAIN; i++) {
        fl_error_clear(err);
        error = fl_conntrack_connections(zone, max, connections, n, err);
    }
    return error;
}

int fl_connection_table_forget(struct fl_connection_table *table,
                               const struct fl_connection *connection, struct fl_error *err)
{
    return table->ctl ? fl_forget_connection(table->ctl, connection, err)
                      : fl_conntrack_forget(connection, err);
}
