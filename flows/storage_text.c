/* SPDX-License-Identifier: Apache-2.0 */

/* The storage selector as people write it: lists of VLAN ids, subnets and services. */

#include "flows/storage.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/cleanup.h"

/* More than a selector can need. */
#define MAX_WORDS   4096u
#define SEPARATORS  ", \t\n"
#define IPV4_PREFIX 96

static const struct {
    const char *name;
    uint16_t port;
} service_names[] = {
    { "nfs", 2049 },   { "nfsrdma", 20049 },  { "rpcbind", 111 },
    { "sunrpc", 111 }, { "portmapper", 111 },
};

/* A whole number of decimal digits, nothing else. */
static bool parse_number(const char *text, unsigned int min, unsigned int max, unsigned int *value)
{
    unsigned int number = 0;

    if (!*text || strlen(text) > 6) {
        return false;
    }
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text)) {
            return false;
        }
        number = number * 10 + (unsigned int)(*text - '0');
    }
    if (number < min || number > max) {
        return false;
    }
    *value = number;
    return true;
}

/* VLANs. */

/* One bit a VLAN id: duplicates vanish and the list comes out sorted. */
struct vlan_set {
    bool has[4096];
};

static bool parse_vlan_word(char *word, struct vlan_set *set)
{
    char *dash = strchr(word, '-');
    unsigned int first;
    unsigned int last;

    if (dash) {
        *dash = '\0';
    }
    if (!parse_number(word, 1, 4095, &first) ||
        !parse_number(dash ? dash + 1 : word, first, 4095, &last)) {
        if (dash) {
            *dash = '-';
        }
        return false;
    }
    for (unsigned int vlan = first; vlan <= last; vlan++) {
        set->has[vlan] = true;
    }
    return true;
}

int fl_storage_parse_vlans(struct fl_storage *storage, const char *text, struct fl_error *err)
{
    _cleanup_free char *copy = xstrdup(text);
    struct vlan_set set = { .has = { false } };
    char *rest = NULL;
    uint16_t *vlans;
    size_t n = 0;

    for (char *word = strtok_r(copy, SEPARATORS, &rest); word;
         word = strtok_r(NULL, SEPARATORS, &rest)) {
        if (!parse_vlan_word(word, &set)) {
            return fl_error_set(
                err, -EINVAL,
                "\"%s\" is not a VLAN: give ids from 1 to 4095 or ranges such as 200-210", word);
        }
    }
    vlans = xmalloc(sizeof set.has / sizeof set.has[0] * sizeof *vlans);
    for (uint16_t vlan = 1; vlan < ARRAY_SIZE(set.has); vlan++) {
        if (set.has[vlan]) {
            vlans[n++] = vlan;
        }
    }
    free(storage->vlans);
    storage->vlans = xrealloc(vlans, MAX(n, 1) * sizeof *vlans);
    storage->n_vlans = n;
    return 0;
}

/* Subnets. */

bool fl_subnet_parse(const char *text, struct fl_subnet *subnet)
{
    char address[INET6_ADDRSTRLEN + 1];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    struct in6_addr parsed;
    struct in6_addr mask;
    unsigned int prefix;
    unsigned int base = 0;
    ovs_be32 ipv4;

    if (len >= sizeof address) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, &ipv4) == 1) {
        in6_addr_set_mapped_ipv4(&parsed, ipv4);
        base = IPV4_PREFIX;
    } else if (inet_pton(AF_INET6, address, &parsed) != 1) {
        return false;
    }
    prefix = 128 - base;
    if (slash && !parse_number(slash + 1, 0, 128 - base, &prefix)) {
        return false;
    }
    mask = ipv6_create_mask((int)(base + prefix));
    subnet->address = ipv6_addr_bitand(&parsed, &mask);
    subnet->prefix = (uint8_t)(base + prefix);
    return true;
}

int fl_storage_parse_subnets(struct fl_storage *storage, const char *text, struct fl_error *err)
{
    _cleanup_free char *copy = xstrdup(text);
    _cleanup_free struct fl_subnet *subnets = xcalloc(MAX_WORDS, sizeof *subnets);
    char *rest = NULL;
    size_t n = 0;

    for (char *word = strtok_r(copy, SEPARATORS, &rest); word;
         word = strtok_r(NULL, SEPARATORS, &rest)) {
        if (n == MAX_WORDS) {
            return fl_error_set(err, -EINVAL, "\"%s\" is one subnet too many: at most %u are read",
                                word, MAX_WORDS);
        }
        if (!fl_subnet_parse(word, &subnets[n++])) {
            return fl_error_set(err, -EINVAL,
                                "\"%s\" is not a subnet: give addresses such as 10.1.0.0/16, "
                                "10.1.2.3 or fd00::/8",
                                word);
        }
    }
    free(storage->subnets);
    storage->subnets = xmemdup(subnets, MAX(n, 1) * sizeof *subnets);
    storage->n_subnets = n;
    return 0;
}

/* Services. */

static bool parse_service(const char *word, struct fl_service *service)
{
    unsigned int port;

    *service = (struct fl_service){ 0, 0 };
    if (!strncasecmp(word, "tcp/", 4)) {
        service->proto = IPPROTO_TCP;
        word += 4;
    } else if (!strncasecmp(word, "udp/", 4)) {
        service->proto = IPPROTO_UDP;
        word += 4;
    }
    if (parse_number(word, 1, UINT16_MAX, &port)) {
        service->port = (uint16_t)port;
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(service_names); i++) {
        if (!strcasecmp(word, service_names[i].name)) {
            service->port = service_names[i].port;
            return true;
        }
    }
    return false;
}

int fl_storage_parse_services(struct fl_storage *storage, const char *text, struct fl_error *err)
{
    _cleanup_free char *copy = xstrdup(text);
    _cleanup_free struct fl_service *services = xcalloc(MAX_WORDS, sizeof *services);
    char *rest = NULL;
    size_t n = 0;

    for (char *word = strtok_r(copy, SEPARATORS, &rest); word;
         word = strtok_r(NULL, SEPARATORS, &rest)) {
        if (n == MAX_WORDS) {
            return fl_error_set(err, -EINVAL, "\"%s\" is one service too many: at most %u are read",
                                word, MAX_WORDS);
        }
        if (!parse_service(word, &services[n++])) {
            return fl_error_set(err, -EINVAL,
                                "\"%s\" is not a service: give ports such as 2049 or tcp/20049, "
                                "or nfs, nfsrdma, rpcbind",
                                word);
        }
    }
    free(storage->services);
    storage->services = xmemdup(services, MAX(n, 1) * sizeof *services);
    storage->n_services = n;
    return 0;
}
