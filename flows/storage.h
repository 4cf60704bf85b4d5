/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORAGE_H
#define FLOWLIFT_STORAGE_H

/*
 * Which traffic is storage traffic: VLAN ids, subnets of the storage servers, services.
 *
 * All criteria given must hold. A flow fits when its region (the packets it matches) has a packet
 * in common with the selector, so a field that the flow leaves wild fits. The VLAN of a packet is the
 * tag in it, or the one its action pushes, or the access tag of the VM's port.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/flow.h"
#include "flows/inventory.h"

struct fl_subnet {
    struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d; bits beyond the prefix are zero. */
    uint8_t prefix;          /* 0..128, counted in the IPv6 form. */
};

struct fl_service {
    uint16_t port; /* Server's port, host byte order. */
    uint8_t proto; /* IPPROTO_TCP, IPPROTO_UDP, or 0 for both. */
};

struct fl_storage {
    uint16_t *vlans; /* 1..4095; none: every VLAN, and untagged */
    size_t n_vlans;
    struct fl_subnet *subnets; /* none: every address */
    size_t n_subnets;
    struct fl_service *services; /* none: every port of TCP and UDP */
    size_t n_services;
};

/** fl_storage_init() - the default: every VLAN and address, NFS 2049, NFS/RDMA 20049, rpcbind 111 */
void fl_storage_init(struct fl_storage *storage);
void fl_storage_destroy(struct fl_storage *storage);
/**
 * fl_storage_parse_vlans() - replace the VLANs by a list such as "100, 200-210"
 * fl_storage_parse_subnets() - ... "10.1.0.0/16, fd00::/8"
 * fl_storage_parse_services() - ... "2049, tcp/20049, nfs"
 * Return: 0, or -EINVAL with @err naming the word that is wrong; @storage is untouched then.
 */
int fl_storage_parse_vlans(struct fl_storage *storage, const char *text, struct fl_error *err);
int fl_storage_parse_subnets(struct fl_storage *storage, const char *text, struct fl_error *err);
int fl_storage_parse_services(struct fl_storage *storage, const char *text, struct fl_error *err);

/** fl_subnet_parse() - "10.1.0.0/16", "10.1.2.3", "fd00::/8". Return: false when it is none. */
bool fl_subnet_parse(const char *text, struct fl_subnet *subnet);
bool fl_subnet_has(const struct fl_subnet *subnet, const struct in6_addr *address);

enum fl_direction {
    FL_FROM_VM, /* in_port is the VM's port: towards the storage server */
    FL_TO_VM,   /* output is the VM's port, or the destination is its MAC */
};

/** enum fl_storage_fit - how a flow and the selector overlap */
enum fl_storage_fit {
    FL_STORAGE_NO,    /* no packet of the flow is storage traffic in this direction */
    FL_STORAGE_MAYBE, /* some may be: the flow leaves a selected field wild */
    FL_STORAGE_YES,   /* every packet of the flow is */
};

/**
 * fl_storage_fits() - how far a region is storage traffic; what goes to a broadcast or multicast MAC is not
 * @match: the region; only packet headers and in_port are looked at
 * @direction: FL_FROM_VM compares the server with the destination, FL_TO_VM with the source
 * @vlan: VLAN the traffic is on (0: untagged), or -1 when it can't be told
 */
enum fl_storage_fit fl_storage_fits(const struct fl_storage *storage, const struct match *match,
                                    enum fl_direction direction, int vlan);

#endif
