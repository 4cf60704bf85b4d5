/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vm_connections.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/chain.h"
#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/simplify.h"
#include "lib/connection_table.h"

#define MAX_CONNECTIONS 20000u
#define MAX_ADDRESSES   16u

/* Addresses that the VM's chains match on, IPv4 as ::ffff:a.b.c.d. */
struct addresses {
    struct in6_addr a[MAX_ADDRESSES];
    size_t n;
};

static bool has(const struct addresses *addresses, const struct in6_addr *address)
{
    for (size_t i = 0; i < addresses->n; i++) {
        if (ipv6_addr_equals(&addresses->a[i], address))
            return true;
    }
    return false;
}

static void add(struct addresses *addresses, const struct in6_addr *address)
{
    if (addresses->n < MAX_ADDRESSES && !has(addresses, address))
        addresses->a[addresses->n++] = *address;
}

/* The VM is the source of what it sends, and the destination of what it gets. */
static void add_of_chain(struct addresses *addresses, const struct fl_finding *finding)
{
    bool from = finding->direction == FL_FROM_VM;
    struct match match;

    fl_chain_region(finding->chain, &match);
    if (match.flow.dl_type == htons(ETH_TYPE_IP)) {
        ovs_be32 mask = from ? match.wc.masks.nw_src : match.wc.masks.nw_dst;
        struct in6_addr address = in6_addr_mapped_ipv4(from ? match.flow.nw_src
                                                            : match.flow.nw_dst);

        if (mask == OVS_BE32_MAX)
            add(addresses, &address);
    } else if (match.flow.dl_type == htons(ETH_TYPE_IPV6) &&
               ipv6_mask_is_exact(from ? &match.wc.masks.ipv6_src : &match.wc.masks.ipv6_dst)) {
        add(addresses, from ? &match.flow.ipv6_src : &match.flow.ipv6_dst);
    }
}

static bool is_server(const struct fl_storage *storage, uint8_t proto,
                      const struct in6_addr *address, uint16_t port)
{
    bool fits = !storage->n_services;

    for (size_t i = 0; i < storage->n_services; i++)
        fits |= storage->services[i].port == port &&
                (!storage->services[i].proto || storage->services[i].proto == proto);
    if (!fits || !storage->n_subnets)
        return fits;
    for (size_t i = 0; i < storage->n_subnets; i++) {
        if (fl_subnet_has(&storage->subnets[i], address))
            return true;
    }
    return false;
}

const struct in6_addr *fl_storage_client(const struct fl_storage *storage,
                                         const struct fl_connection *connection)
{
    if (is_server(storage, connection->proto, &connection->orig_dst, connection->orig_dport))
        return &connection->orig_src;
    return is_server(storage, connection->proto, &connection->orig_src, connection->orig_sport)
               ? &connection->orig_dst
               : NULL;
}

static void count(const struct fl_connection *connection, const struct addresses *addresses,
                  const struct fl_storage *storage, struct fl_vm_connections *counts)
{
    const struct in6_addr *client = fl_storage_client(storage, connection);

    if (!fl_connection_is_open(connection) || !client || (addresses->n && !has(addresses, client)))
        return;
    counts->n++;
    counts->in_hw += connection->offload == FL_CONNECTION_OFFLOAD_HARDWARE;
}

static int read_zone(struct fl_connection_table *table, uint16_t zone,
                     const struct addresses *addresses, const struct fl_storage *storage,
                     struct fl_vm_connections *counts, struct fl_error *err)
{
    _cleanup_free struct fl_connection *connections = NULL;
    size_t n = 0;
    int ret = fl_connection_table_read(table, zone, MAX_CONNECTIONS, &connections, &n, err);

    for (size_t i = 0; i < n; i++)
        count(&connections[i], addresses, storage, counts);
    if (ret == -E2BIG) {
        fl_error_clear(err);
        ret = 0;
    }
    return ret;
}

static bool is_in_kernel(const struct fl_inventory *inv, const char *bridge)
{
    const struct fl_bridge *row = fl_inventory_bridge(inv, bridge);

    return row && !strcmp(row->datapath_type, "system");
}

int fl_vm_connections_read(const struct fl_host *host, const struct fl_vm_audit *vm,
                           const struct fl_storage *storage, struct fl_vm_connections *counts,
                           struct fl_error *err)
{
    struct fl_vm_connections found = { .n = 0 };
    struct addresses addresses = { .n = 0 };
    struct fl_connection_table *table;
    uint16_t zones[FL_LIMIT_ZONES];
    size_t n_zones = fl_simplify_zones(vm, zones, FL_LIMIT_ZONES);
    const char *bridge;
    int ret;

    if (!n_zones || !vm->vm || !vm->vm->n_interfaces)
        return -ENOENT;
    bridge = vm->inv->interfaces[vm->vm->interfaces[0]].bridge;
    if (!is_in_kernel(vm->inv, bridge))
        return -ENOTSUP;
    for (size_t i = 0; i < vm->n_findings && addresses.n < MAX_ADDRESSES; i++)
        add_of_chain(&addresses, &vm->findings[i]);
    ret = fl_connection_table_open(host, vm->inv, bridge, &table, err);
    if (ret)
        return ret;
    for (size_t i = 0; !ret && i < n_zones; i++)
        ret = read_zone(table, zones[i], &addresses, storage, &found, err);
    fl_connection_table_close(table);
    found.by_zone_only = !addresses.n;
    if (!ret)
        *counts = found;
    return ret;
}

char *fl_vm_connections_text(const struct fl_vm_connections *counts)
{
    const char *whose = counts->by_zone_only ? "in the zones of this VM" : "of this VM";
    const char *plural = counts->n == 1 ? "" : "s";

    if (!counts->n)
        return xasprintf("no storage connection %s is tracked", whose);
    if (!counts->in_hw)
        return xasprintf("%zu storage connection%s %s, %s", counts->n, plural, whose,
                         counts->n == 1 ? "not offloaded" : "none offloaded");
    if (counts->in_hw == counts->n)
        return xasprintf("%zu storage connection%s %s, %soffloaded", counts->n, plural, whose,
                         counts->n == 1 ? "" : "all ");
    return xasprintf("%zu storage connections %s, %zu of them offloaded", counts->n, whose,
                     counts->in_hw);
}
