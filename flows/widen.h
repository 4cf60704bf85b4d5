/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_WIDEN_H
#define FLOWLIFT_WIDEN_H

/*
 * What a rule made of a chain may be widened to: which VM address, which storage subnets and which
 * services. The chain's region says it where it is exact; else the connections that conntrack knows;
 * else the configuration. What nothing says is refused, not guessed.
 */

#include <openvswitch/match.h>
#include <stdbool.h>
#include <stddef.h>

#include "flows/connection.h"
#include "flows/storage.h"

#define FL_WIDEN_MAX 16

/* One end of a rule: protocol, server side. */
struct fl_widened {
    struct fl_subnet servers[FL_WIDEN_MAX];
    size_t n_servers;
    struct fl_service services[FL_WIDEN_MAX]; /* proto is never 0 */
    size_t n_services;
    struct in6_addr vm_address;
    bool has_vm_address; /* False: the pipeline does not look at it and nothing tells it. */
};

/**
 * fl_widen() - bounds of the rules that stand for a region
 * @region: of a storage chain, packet headers at entry
 * @zones, @n_zones: conntrack zones of the chain; only connections in these count
 * Return: 0; -ENOTSUP with the reason in @why when the servers can't be told.
 */
int fl_widen(const struct match *region, enum fl_direction direction,
             const struct fl_storage *storage, const uint16_t *zones, size_t n_zones,
             const struct fl_connection *connections, size_t n_connections,
             struct fl_widened *widened, struct fl_error *why);

#endif
