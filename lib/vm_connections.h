/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_VM_CONNECTIONS_H
#define FLOWLIFT_VM_CONNECTIONS_H

/*
 * Are the storage connections of one VM in the NIC, as the kernel's conntrack says? The VM is told by the
 * zones that its storage chains pass, and by its addresses where the chains match on them.
 */

#include <stddef.h>

#include "flows/audit.h"
#include "flows/connection.h"
#include "flows/error.h"
#include "flows/storage.h"
#include "lib/collect.h"

/**
 * fl_storage_client() - who talks to the storage in a connection; NULL when nobody does
 * A connection that was there before conntrack saw it may begin with a packet of the server.
 */
const struct in6_addr *fl_storage_client(const struct fl_storage *storage,
                                         const struct fl_connection *connection);

struct fl_vm_connections {
    size_t n;
    size_t in_hw;
    bool by_zone_only; /* No chain tells an address: others of the zone may be counted too. */
};

/**
 * fl_vm_connections_read() - count them
 * Return: 0 and *@counts; -ENOENT: the VM's storage chains pass no conntrack; -ENOTSUP: its datapath is not
 * the kernel's, so that nobody tells; else as fl_connection_table_read(), with @err.
 */
int fl_vm_connections_read(const struct fl_host *host, const struct fl_vm_audit *vm,
                           const struct fl_storage *storage, struct fl_vm_connections *counts,
                           struct fl_error *err);

/** fl_vm_connections_text() - "3 storage connections of this VM, none offloaded"; free() */
char *fl_vm_connections_text(const struct fl_vm_connections *counts);

#endif
