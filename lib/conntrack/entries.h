/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONNTRACK_ENTRIES_H
#define FLOWLIFT_CONNTRACK_ENTRIES_H

/*
 * The kernel's connection table, through netlink (ctnetlink), without ovs-vswitchd: what
 * lib/ovs/dump.h tells of OVS's own table (DPDK), and whether an entry is offloaded.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/connection.h"
#include "flows/error.h"

#define FL_CONNTRACK_ALL_ZONES (-1)

/* @connection is valid during the call. Non-zero return stops the dump and is what it returns. */
typedef int fl_conntrack_cb(const struct fl_connection *connection, void *aux);

/**
 * fl_conntrack_dump() - stream the entries of the table of this network namespace
 * @zone: only entries of this zone, or FL_CONNTRACK_ALL_ZONES
 * @family: AF_UNSPEC, AF_INET or AF_INET6
 * Return: 0; -EAGAIN: interrupted, or the kernel dropped messages (ENOBUFS): ask again; -ENODEV: module
 * nf_conntrack_netlink is not there; -EPERM; what @cb returned; other negative errno.
 */
int fl_conntrack_dump(int zone, uint8_t family, fl_conntrack_cb *cb, void *aux,
                      struct fl_error *err);

/**
 * fl_conntrack_connections() - TCP and UDP connections of one zone
 * @max: stop after so many (-E2BIG, with those read so far returned)
 * Return: 0 and *@connections (owned by the caller, free()), *@n; else as fl_conntrack_dump().
 */
int fl_conntrack_connections(uint16_t zone, size_t max, struct fl_connection **connections,
                             size_t *n, struct fl_error *err);

/** fl_conntrack_forget() - delete one entry; that it is gone already is no error */
int fl_conntrack_forget(const struct fl_connection *connection, struct fl_error *err);

/**
 * fl_conntrack_decode() - one message of the kernel, for the dump, and for tests
 * @message: struct nlmsghdr and what follows, aligned to 4 bytes
 * @n_bytes: of @message; its own length is not believed beyond that
 * Return: true and *@connection filled, or false: no entry, or without a whole tuple.
 */
bool fl_conntrack_decode(const void *message, size_t n_bytes, struct fl_connection *connection);

#endif
