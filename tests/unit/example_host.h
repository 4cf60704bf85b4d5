/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_EXAMPLE_HOST_H
#define FLOWLIFT_EXAMPLE_HOST_H

/*
 * A host as tests see it: dumps as Open vSwitch prints them, and an inventory. The dumps go through the
 * real decoder.
 */

#include <errno.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/audit.h"
#include "flows/decode.h"
#include "flows/inventory.h"
#include "flows/snapshot.h"
#include "flows/storage.h"

/* Pieces of a dump line. N is two hexadecimal digits. */
#define UFID(N)     "ufid:00000000-0000-0000-0000-0000000000" N ", "
#define COUNT(P)    ", packets:" P ", bytes:" P "00, used:0.1s, "
#define HW          "offloaded:yes, dp:dpdk, "
#define SW          "dp:ovs, "
#define TO_SERVER   "eth_type(0x0800),ipv4(dst=10.1.0.1,proto=6,frag=no),tcp(dst=2049)"
#define FROM_SERVER "eth_type(0x0800),ipv4(src=10.1.0.1,proto=6,frag=no),tcp(src=2049)"
#define IN(PORT)    "recirc_id(0),in_port(" PORT "),"
/* Storage traffic of one VM, one direction each, over the uplink p0 and VLAN 100. */
#define OUT_LINE(N, VM, P, PATH) \
    UFID(N) IN(VM) TO_SERVER COUNT(P) PATH "actions:push_vlan(vid=100,pcp=0),p0\n"
#define BACK_LINE(N, VM, MAC, P, PATH)                                                           \
    UFID(N)                                                                                      \
    IN("p0")                                                                                     \
    "eth(dst=" MAC "),eth_type(0x8100),vlan(vid=100,pcp=0),encap(" FROM_SERVER ")" COUNT(P) PATH \
        "actions:pop_vlan," VM "\n"

#define MAC_1 "52:54:00:00:00:01"
#define MAC_2 "52:54:00:00:00:02"
#define MAC_3 "52:54:00:00:00:03"

static inline void push_dump(struct fl_snapshot *snapshot, const char *dump)
{
    struct fl_decoder *decoder = fl_decoder_create(fl_snapshot_ports(snapshot), 0, fl_snapshot_add,
                                                   snapshot);

    ovs_assert(!fl_decoder_push(decoder, dump, strlen(dump)));
    ovs_assert(!fl_decoder_finish(decoder));
    fl_decoder_destroy(decoder);
}

/* @before may be NULL: then there is no window. */
static inline struct fl_snapshot *snapshot_of(const char *before, const char *after)
{
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);

    if (before) {
        fl_snapshot_begin_sample(snapshot, false, 0);
        push_dump(snapshot, before);
    }
    fl_snapshot_begin_sample(snapshot, true, before ? 5000 : 0);
    push_dump(snapshot, after);
    return snapshot;
}

static inline struct fl_interface *add_interface(struct fl_inventory *inv, const char *name,
                                                 const char *type)
{
    struct fl_interface *iface = fl_inventory_add_interface(inv);

    iface->name = xstrdup(name);
    iface->type = xstrdup(type);
    iface->bridge = xstrdup("br0");
    iface->port = xstrdup(name);
    return iface;
}

static inline struct fl_interface *add_vm(struct fl_inventory *inv, const char *name,
                                          const char *port, const char *mac)
{
    struct fl_interface *iface = add_interface(inv, port, "dpdk");

    smap_add(&iface->external_ids, "vm-id", name);
    if (mac) {
        smap_add(&iface->external_ids, "attached-mac", mac);
    }
    return iface;
}

/* A DPDK host with hardware offload, bridge br0 and uplink p0. */
static inline void init_inventory(struct fl_inventory *inv)
{
    struct fl_bridge *bridge;

    fl_inventory_init(inv);
    smap_add(&inv->other_config, "hw-offload", "true");
    bridge = fl_inventory_add_bridge(inv);
    bridge->name = xstrdup("br0");
    bridge->datapath_type = xstrdup("netdev");
    add_interface(inv, "p0", "dpdk");
}

/* The inventory is consumed. */
static inline void set_inventory(struct fl_snapshot *snapshot, struct fl_inventory *inv)
{
    fl_inventory_group_vms(inv, &fl_vm_keys_default);
    fl_snapshot_set_inventory(snapshot, inv);
}

/* With three VMs: web (vm1), db (vm2), mail (vm3). */
static inline void set_three_vms(struct fl_snapshot *snapshot)
{
    struct fl_inventory inv;

    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    add_vm(&inv, "db", "vm2", MAC_2);
    add_vm(&inv, "mail", "vm3", MAC_3);
    set_inventory(snapshot, &inv);
}

#endif
