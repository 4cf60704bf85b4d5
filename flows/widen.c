/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/widen.h"

#include <errno.h>
#include <string.h>

#include <ovs/packets.h>

/* The server's and the VM's side of a region, whatever the direction and address family. */
struct sides {
    struct in6_addr server, server_mask;
    struct in6_addr vm, vm_mask;
    ovs_be16 port, port_mask;
    uint8_t proto, proto_mask;
};

static void map_v4(struct in6_addr *address, struct in6_addr *mask, ovs_be32 v4, ovs_be32 v4_mask)
{
    in6_addr_set_mapped_ipv4(address, v4);
    memset(mask, 0xff, 12);
    memcpy(&mask->s6_addr[12], &v4_mask, sizeof v4_mask);
}

static void split_sides(const struct match *region, enum fl_direction direction, struct sides *s)
{
    const struct flow *f = &region->flow;
    const struct flow *m = &region->wc.masks;
    bool to_server = direction == FL_FROM_VM;
    struct in6_addr src, src_mask, dst, dst_mask;

    if (f->dl_type == htons(ETH_TYPE_IPV6)) {
        src = f->ipv6_src;
        src_mask = m->ipv6_src;
        dst = f->ipv6_dst;
        dst_mask = m->ipv6_dst;
    } else {
        map_v4(&src, &src_mask, f->nw_src, m->nw_src);
        map_v4(&dst, &dst_mask, f->nw_dst, m->nw_dst);
    }
    s->server = to_server ? dst : src;
    s->server_mask = to_server ? dst_mask : src_mask;
    s->vm = to_server ? src : dst;
    s->vm_mask = to_server ? src_mask : dst_mask;
    s->port = to_server ? f->tp_dst : f->tp_src;
    s->port_mask = to_server ? m->tp_dst : m->tp_src;
    s->proto = f->nw_proto;
    s->proto_mask = m->nw_proto;
}

static bool address_fits(const struct in6_addr *address, const struct in6_addr *value,
                         const struct in6_addr *mask)
{
    for (size_t i = 0; i < sizeof address->s6_addr; i++) {
        if ((address->s6_addr[i] ^ value->s6_addr[i]) & mask->s6_addr[i]) {
            return false;
        }
    }
    return true;
}

static bool same_family(const struct in6_addr *a, const struct in6_addr *b)
{
    return IN6_IS_ADDR_V4MAPPED(a) == IN6_IS_ADDR_V4MAPPED(b);
}

static bool service_wanted(const struct fl_storage *storage, uint8_t proto, uint16_t port)
{
    for (size_t i = 0; i < storage->n_services; i++) {
        const struct fl_service *s = &storage->services[i];

        if (s->port == port && (!s->proto || s->proto == proto)) {
            return true;
        }
    }
    return false;
}

static bool subnet_wanted(const struct fl_storage *storage, const struct in6_addr *server)
{
    for (size_t i = 0; i < storage->n_subnets; i++) {
        if (fl_subnet_has(&storage->subnets[i], server)) {
            return true;
        }
    }
    return !storage->n_subnets;
}

static void add_service(struct fl_widened *w, uint8_t proto, uint16_t port)
{
    for (size_t i = 0; i < w->n_services; i++) {
        if (w->services[i].proto == proto && w->services[i].port == port) {
            return;
        }
    }
    if (w->n_services < FL_WIDEN_MAX) {
        w->services[w->n_services++] = (struct fl_service){ .port = port, .proto = proto };
    }
}

static void add_subnet(struct fl_widened *w, const struct fl_subnet *subnet)
{
    for (size_t i = 0; i < w->n_servers; i++) {
        if (w->servers[i].prefix == subnet->prefix &&
            !memcmp(&w->servers[i].address, &subnet->address, sizeof subnet->address)) {
            return;
        }
    }
    if (w->n_servers < FL_WIDEN_MAX) {
        w->servers[w->n_servers++] = *subnet;
    }
}

/* The configured subnet around @server, or @server alone when none is configured. */
static void add_server(struct fl_widened *w, const struct fl_storage *storage,
                       const struct in6_addr *server)
{
    struct fl_subnet alone = { .address = *server, .prefix = 128 };

    for (size_t i = 0; i < storage->n_subnets; i++) {
        if (fl_subnet_has(&storage->subnets[i], server)) {
            add_subnet(w, &storage->subnets[i]);
            return;
        }
    }
    if (!storage->n_subnets) {
        add_subnet(w, &alone);
    }
}

static bool in_zones(uint16_t zone, const uint16_t *zones, size_t n_zones)
{
    for (size_t i = 0; i < n_zones; i++) {
        if (zones[i] == zone) {
            return true;
        }
    }
    return false;
}

/* A connection of this chain: in its zones, to a storage service, fitting its region. */
static bool connection_fits(const struct fl_connection *c, const struct sides *s,
                            const struct fl_storage *storage)
{
    return service_wanted(storage, c->proto, c->orig_dport) &&
           subnet_wanted(storage, &c->orig_dst) && same_family(&c->orig_dst, &s->server) &&
           address_fits(&c->orig_dst, &s->server, &s->server_mask) &&
           address_fits(&c->orig_src, &s->vm, &s->vm_mask) &&
           !((c->proto ^ s->proto) & s->proto_mask) &&
           !((htons(c->orig_dport) ^ s->port) & s->port_mask);
}

/* Returns -ENOTSUP when NAT changes a connection's packets. */
static int learn_from_connections(const struct sides *s, const struct fl_storage *storage,
                                  const uint16_t *zones, size_t n_zones,
                                  const struct fl_connection *connections, size_t n,
                                  struct fl_widened *w, struct fl_error *why)
{
    bool several = false;

    for (size_t i = 0; i < n; i++) {
        const struct fl_connection *c = &connections[i];

        if (!in_zones(c->zone, zones, n_zones) || !connection_fits(c, s, storage)) {
            continue;
        }
        if (fl_connection_has_nat(c)) {
            return fl_error_set(why, -ENOTSUP, "NAT changes the packets of a storage connection");
        }
        add_service(w, c->proto, c->orig_dport);
        add_server(w, storage, &c->orig_dst);
        if (!w->has_vm_address) {
            w->vm_address = c->orig_src;
            w->has_vm_address = true;
        } else if (memcmp(&w->vm_address, &c->orig_src, sizeof c->orig_src)) {
            several = true;
        }
    }
    if (several) {
        w->has_vm_address = false;
    }
    return 0;
}

static void services_from_config(const struct sides *s, const struct fl_storage *storage,
                                 struct fl_widened *w)
{
    for (size_t i = 0; i < storage->n_services && !w->n_services; i++) {
        const struct fl_service *service = &storage->services[i];
        uint8_t proto = service->proto               ? service->proto
                        : s->proto_mask == UINT8_MAX ? s->proto
                                                     : IPPROTO_TCP;

        if (!((htons(service->port) ^ s->port) & s->port_mask) &&
            !((proto ^ s->proto) & s->proto_mask)) {
            add_service(w, proto, service->port);
        }
    }
}

static void servers_from_config(const struct sides *s, const struct fl_storage *storage,
                                struct fl_widened *w)
{
    for (size_t i = 0; i < storage->n_subnets; i++) {
        const struct fl_subnet *subnet = &storage->subnets[i];

        if (same_family(&subnet->address, &s->server)) {
            add_subnet(w, subnet);
        }
    }
}

int fl_widen(const struct match *region, enum fl_direction direction,
             const struct fl_storage *storage, const uint16_t *zones, size_t n_zones,
             const struct fl_connection *connections, size_t n_connections,
             struct fl_widened *widened, struct fl_error *why)
{
    struct fl_widened w = { .n_servers = 0 };
    struct sides s;
    int error;

    split_sides(region, direction, &s);
    if (s.proto_mask == UINT8_MAX && s.port_mask == OVS_BE16_MAX) {
        add_service(&w, s.proto, ntohs(s.port));
    }
    if (ipv6_mask_is_exact(&s.server_mask)) {
        add_server(&w, storage, &s.server);
    }
    if (!w.n_services || !w.n_servers || !ipv6_mask_is_exact(&s.vm_mask)) {
        error = learn_from_connections(&s, storage, zones, n_zones, connections, n_connections, &w,
                                       why);
        if (error) {
            return error;
        }
    }
    if (ipv6_mask_is_exact(&s.vm_mask)) {
        w.vm_address = s.vm;
        w.has_vm_address = true;
    }
    if (!w.n_services) {
        services_from_config(&s, storage, &w);
    }
    if (!w.n_servers) {
        servers_from_config(&s, storage, &w);
    }
    if (!w.n_servers || !w.n_services) {
        return fl_error_set(why, -ENOTSUP,
                            "neither the flows nor conntrack tell which servers are meant; "
                            "name them in [storage] subnets and services");
    }
    *widened = w;
    return 0;
}
