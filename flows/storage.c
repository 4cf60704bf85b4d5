/* SPDX-License-Identifier: Apache-2.0 */

/* The storage selector: what it says and what fits it. Its text form is in storage_text.c. */

#include "flows/storage.h"

#include <netinet/in.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

/* NFS (RFC 7530), NFS over RDMA with iWARP (RFC 8267), rpcbind (RFC 1833): TCP and UDP. */
static const struct fl_service default_services[] = { { 2049, 0 }, { 20049, 0 }, { 111, 0 } };

void fl_storage_init(struct fl_storage *storage)
{
    *storage = (struct fl_storage){
        .services = xmemdup(default_services, sizeof default_services),
        .n_services = ARRAY_SIZE(default_services),
    };
}

void fl_storage_destroy(struct fl_storage *storage)
{
    free(storage->vlans);
    free(storage->subnets);
    free(storage->services);
    memset(storage, 0, sizeof *storage);
}

bool fl_subnet_has(const struct fl_subnet *subnet, const struct in6_addr *address)
{
    struct in6_addr mask = ipv6_create_mask(subnet->prefix);
    struct in6_addr masked = ipv6_addr_bitand(address, &mask);

    return ipv6_addr_equals(&masked, &subnet->address);
}

/* "All of it" or "none of it" is decided by single fields; what is left open makes it a maybe. */
static enum fl_storage_fit both(enum fl_storage_fit a, enum fl_storage_fit b)
{
    return MIN(a, b);
}

static enum fl_storage_fit either(enum fl_storage_fit a, enum fl_storage_fit b)
{
    return MAX(a, b);
}

static enum fl_storage_fit fit_vlan(const struct fl_storage *storage, int vlan)
{
    if (!storage->n_vlans) {
        return FL_STORAGE_YES;
    }
    if (vlan < 0) {
        return FL_STORAGE_MAYBE;
    }
    for (size_t i = 0; i < storage->n_vlans; i++) {
        if (storage->vlans[i] == vlan) {
            return FL_STORAGE_YES;
        }
    }
    return FL_STORAGE_NO;
}

/* Storage is TCP or UDP over IPv4 or IPv6: not ARP, not ICMP. */
static enum fl_storage_fit fit_ip(const struct match *match)
{
    if (match->wc.masks.dl_type != OVS_BE16_MAX) {
        return match->wc.masks.dl_type ? FL_STORAGE_NO : FL_STORAGE_MAYBE;
    }
    return is_ip_any(&match->flow) ? FL_STORAGE_YES : FL_STORAGE_NO;
}

static enum fl_storage_fit fit_proto(uint8_t proto, const struct match *match)
{
    uint8_t mask = match->wc.masks.nw_proto;

    if ((proto ^ match->flow.nw_proto) & mask) {
        return FL_STORAGE_NO;
    }
    return mask == UINT8_MAX ? FL_STORAGE_YES : FL_STORAGE_MAYBE;
}

/* The server's end of the packets: their destination or their source. */
struct server {
    struct in6_addr address, address_mask;
    ovs_be16 port, port_mask;
};

static void find_server(const struct match *match, enum fl_direction direction,
                        struct server *server)
{
    const struct flow *flow = &match->flow;
    const struct flow *mask = &match->wc.masks;
    bool to_server = direction == FL_FROM_VM;

    server->port = to_server ? flow->tp_dst : flow->tp_src;
    server->port_mask = to_server ? mask->tp_dst : mask->tp_src;
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        in6_addr_set_mapped_ipv4(&server->address, to_server ? flow->nw_dst : flow->nw_src);
        in6_addr_set_mapped_ipv4(&server->address_mask, to_server ? mask->nw_dst : mask->nw_src);
        /* All addresses of an IPv4 packet begin with ::ffff:. */
        memset(&server->address_mask, 0xff, 12);
    } else {
        server->address = to_server ? flow->ipv6_dst : flow->ipv6_src;
        server->address_mask = to_server ? mask->ipv6_dst : mask->ipv6_src;
    }
}

static uint64_t prefix_word(int n_bits)
{
    return n_bits <= 0 ? 0 : n_bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - n_bits);
}

/* As ipv6_create_mask(), which goes byte by byte; this is asked of every flow. */
static struct in6_addr prefix_mask(int n_bits)
{
    const ovs_be64 words[] = { htonll(prefix_word(n_bits)), htonll(prefix_word(n_bits - 64)) };
    struct in6_addr mask;

    memcpy(&mask, words, sizeof mask);
    return mask;
}

static enum fl_storage_fit fit_subnet(const struct fl_subnet *subnet, const struct server *server)
{
    struct in6_addr prefix = prefix_mask(subnet->prefix);
    struct in6_addr common = ipv6_addr_bitand(&prefix, &server->address_mask);
    struct in6_addr a = ipv6_addr_bitand(&subnet->address, &common);
    struct in6_addr b = ipv6_addr_bitand(&server->address, &common);

    if (!ipv6_addr_equals(&a, &b)) {
        return FL_STORAGE_NO;
    }
    return ipv6_addr_equals(&common, &prefix) ? FL_STORAGE_YES : FL_STORAGE_MAYBE;
}

static enum fl_storage_fit fit_address(const struct fl_storage *storage, const struct match *match,
                                       const struct server *server)
{
    enum fl_storage_fit fit = FL_STORAGE_NO;

    if (!storage->n_subnets) {
        return FL_STORAGE_YES;
    }
    if (fit_ip(match) == FL_STORAGE_MAYBE) {
        return FL_STORAGE_MAYBE;
    }
    for (size_t i = 0; i < storage->n_subnets; i++) {
        fit = either(fit, fit_subnet(&storage->subnets[i], server));
    }
    return fit;
}

/* Later fragments have no port: any of them may belong to the service. */
static bool is_later_fragment(const struct match *match)
{
    return match->flow.nw_frag & match->wc.masks.nw_frag & FLOW_NW_FRAG_LATER;
}

static enum fl_storage_fit fit_port(uint16_t port, const struct match *match,
                                    const struct server *server)
{
    if (is_later_fragment(match)) {
        return FL_STORAGE_MAYBE;
    }
    if ((htons(port) ^ server->port) & server->port_mask) {
        return FL_STORAGE_NO;
    }
    return server->port_mask == OVS_BE16_MAX ? FL_STORAGE_YES : FL_STORAGE_MAYBE;
}

static enum fl_storage_fit fit_service(const struct fl_service *service, const struct match *match,
                                       const struct server *server)
{
    enum fl_storage_fit proto = FL_STORAGE_NO;

    if (service->proto != IPPROTO_UDP) {
        proto = either(proto, fit_proto(IPPROTO_TCP, match));
    }
    if (service->proto != IPPROTO_TCP) {
        proto = either(proto, fit_proto(IPPROTO_UDP, match));
    }
    return both(proto, fit_port(service->port, match, server));
}

/* Without a list of services, every port of TCP and UDP is one. */
static enum fl_storage_fit fit_services(const struct fl_storage *storage, const struct match *match,
                                        const struct server *server)
{
    enum fl_storage_fit fit = FL_STORAGE_NO;

    if (!storage->n_services) {
        return either(fit_proto(IPPROTO_TCP, match), fit_proto(IPPROTO_UDP, match));
    }
    for (size_t i = 0; i < storage->n_services; i++) {
        fit = either(fit, fit_service(&storage->services[i], match, server));
    }
    return fit;
}

/*
 * What is sent to all, or to a group, is no connection to a server, though it comes from its network: VMs
 * that announce themselves there would strand each other.
 */
static bool is_to_many(const struct match *match)
{
    return eth_addr_is_multicast(match->flow.dl_dst) &&
           eth_addr_is_multicast(match->wc.masks.dl_dst);
}

enum fl_storage_fit fl_storage_fits(const struct fl_storage *storage, const struct match *match,
                                    enum fl_direction direction, int vlan)
{
    enum fl_storage_fit fit = both(fit_vlan(storage, vlan), fit_ip(match));
    struct server server;

    if (fit == FL_STORAGE_NO || is_to_many(match)) {
        return FL_STORAGE_NO;
    }
    find_server(match, direction, &server);
    /* The quicker first: half of all flows have the server at the other end. */
    fit = both(fit, fit_services(storage, match, &server));
    return fit == FL_STORAGE_NO ? fit : both(fit, fit_address(storage, match, &server));
}
