/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connections that the rules lead past conntrack.
 *
 * Conntrack does not see these any more, and what it knows of a TCP connection, its window, grows stale.
 * When the packets come back to it, because the rules are taken out or somebody else deletes them, they
 * lie outside that window: conntrack calls them invalid, the pipeline drops them, and the connection
 * hangs for good (a mounted disk with it). On OVS 3.1 some 66 KB are enough for that. A connection that
 * conntrack knows nothing of is picked up in its middle instead, so its entry is deleted.
 *
 * Source: tcp_conn_update() and tcp_valid_new() of OVS 3.1 lib/conntrack-tcp.c; the kernel does likewise
 * (nf_conntrack_tcp_loose, on unless an administrator switches it off).
 */

#include <errno.h>
#include <string.h>

#include <ovs/packets.h>
#include <ovs/util.h>

#include "lib/connection_table.h"
#include "lib/ovs/db.h"
#include "lib/remedy_steps.h"

/* Connections read of one zone. */
#define MAX_CONNECTIONS 65536

/* One direction of a connection. */
struct side {
    const struct in6_addr *src, *dst;
    uint16_t sport, dport;
};

static bool address_fits(const struct in6_addr *address, ovs_be32 v4, ovs_be32 v4_mask,
                         const struct in6_addr *v6, const struct in6_addr *v6_mask)
{
    struct in6_addr masked;

    if (IN6_IS_ADDR_V4MAPPED(address))
        return !((in6_addr_get_mapped_ipv4(address) ^ v4) & v4_mask);
    masked = ipv6_addr_bitand(address, v6_mask);
    return ipv6_addr_equals(&masked, v6);
}

static bool rule_has(const struct fl_rule *rule, uint8_t proto, struct side side)
{
    const struct flow *flow = &rule->match.flow, *mask = &rule->match.wc.masks;
    bool ipv4 = IN6_IS_ADDR_V4MAPPED(side.src);

    return !rule->decoy && flow->nw_proto == proto &&
           flow->dl_type == htons(ipv4 ? ETH_TYPE_IP : ETH_TYPE_IPV6) &&
           address_fits(side.src, flow->nw_src, mask->nw_src, &flow->ipv6_src, &mask->ipv6_src) &&
           address_fits(side.dst, flow->nw_dst, mask->nw_dst, &flow->ipv6_dst, &mask->ipv6_dst) &&
           !((htons(side.sport) ^ flow->tp_src) & mask->tp_src) &&
           !((htons(side.dport) ^ flow->tp_dst) & mask->tp_dst);
}

static bool is_led_past(const struct fl_flowset *set, const struct fl_connection *c)
{
    struct side there = { &c->orig_src, &c->orig_dst, c->orig_sport, c->orig_dport };
    struct side back = { &c->reply_src, &c->reply_dst, c->reply_sport, c->reply_dport };

    for (size_t i = 0; i < set->n_rules; i++) {
        if (rule_has(&set->rules[i], c->proto, there) || rule_has(&set->rules[i], c->proto, back))
            return true;
    }
    return false;
}

static int forget_in_zone(struct fl_connection_table *table, const struct fl_flowset *set,
                          uint16_t zone, struct fl_error *err)
{
    _cleanup_free struct fl_connection *connections = NULL;
    size_t n = 0;
    int error = fl_connection_table_read(table, zone, MAX_CONNECTIONS, &connections, &n, err);

    if (error == -E2BIG) {
        fl_error_clear(err);
        error = 0;
    }
    for (size_t i = 0; !error && i < n; i++) {
        if (is_led_past(set, &connections[i]))
            error = fl_connection_table_forget(table, &connections[i], err);
    }
    return error;
}

int fl_step_forget_connections_by(const struct fl_operator *op, const struct fl_inventory *inv,
                                  const struct fl_flowset *set, struct fl_error *err)
{
    struct fl_connection_table *table = NULL;
    int error;

    if (!set->n_zones || !set->n_rules)
        return 0;
    error = fl_connection_table_open(&op->host, inv, set->rules[0].bridge, &table, err);
    for (size_t i = 0; !error && i < set->n_zones; i++)
        error = forget_in_zone(table, set, set->zones[i], err);
    fl_connection_table_close(table);
    return error;
}

int fl_step_forget_connections(const struct fl_operator *op, const struct fl_flowset *set,
                               struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(op->config);
    struct fl_inventory inv;
    int error;

    if (!set->n_zones || !set->n_rules)
        return 0;
    fl_inventory_init(&inv);
    error = fl_db_read(op->host.db, &keys, fl_step_timeout_ms(op), &inv, err);
    if (!error)
        error = fl_step_forget_connections_by(op, &inv, set, err);
    fl_inventory_destroy(&inv);
    return error;
}

static int read_all(struct fl_connection_table *table, const uint16_t *zones, size_t n_zones,
                    struct fl_connection **all, size_t *n_all, struct fl_error *err)
{
    for (size_t i = 0; i < n_zones; i++) {
        struct fl_connection *some = NULL;
        size_t n = 0;
        int error = fl_connection_table_read(table, zones[i], MAX_CONNECTIONS, &some, &n, err);

        if (error && error != -E2BIG) {
            free(some);
            return error;
        }
        fl_error_clear(err);
        if (n) {
            *all = xrealloc(*all, (*n_all + n) * sizeof **all);
            memcpy(*all + *n_all, some, n * sizeof *some);
            *n_all += n;
        }
        free(some);
    }
    return 0;
}

int fl_step_read_zones(const struct fl_operator *op, const struct fl_inventory *inv,
                       const char *bridge, const uint16_t *zones, size_t n_zones,
                       struct fl_connection **all, size_t *n_all, struct fl_error *err)
{
    struct fl_connection_table *table;
    int error = fl_connection_table_open(&op->host, inv, bridge, &table, err);

    *all = NULL;
    *n_all = 0;
    if (!error) {
        error = read_all(table, zones, n_zones, all, n_all, err);
        fl_connection_table_close(table);
    }
    return error;
}
