/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_INVENTORY_H
#define FLOWLIFT_INVENTORY_H

/*
 * What OVSDB says about a host: switch-wide settings, bridges, ports, interfaces, and which
 * interfaces belong to which VM. A plain value: lib/ovs/db.c fills it on a host, snapshot.c from a
 * capture. All strings and arrays are owned by the inventory and freed by fl_inventory_destroy().
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/ofp-util.h>
#include <ovs/packets.h>
#include <ovs/smap.h>
#include <ovs/svec.h>

#include "flows/error.h"

enum fl_vlan_mode { /* Port.vlan_mode; ovs-vswitchd.conf.db(5) gives the defaults. */
                    FL_VLAN_DEFAULT, /* access when a tag is set, else trunk */
                    FL_VLAN_ACCESS,
                    FL_VLAN_TRUNK,
                    FL_VLAN_NATIVE_TAGGED,
                    FL_VLAN_NATIVE_UNTAGGED,
                    FL_VLAN_DOT1Q_TUNNEL,
};

struct fl_interface {
    char *name;
    char *type;        /* "", "dpdk", "internal", "patch", "vxlan", ... */
    char *error;       /* Interface.error, or NULL. */
    char *bridge;      /* Name of its bridge. */
    char *port;        /* Name of its Port row (differs for bonds). */
    char *peer;        /* options:peer of a patch port, or NULL. */
    ofp_port_t ofport; /* OFPP_NONE when not assigned. */
    int64_t ifindex;   /* -1 when not known. */
    int tag;           /* Port.tag, 0..4095, or -1. */
    enum fl_vlan_mode vlan_mode;
    bool in_bond; /* Its Port has more than one interface. */
    struct smap external_ids;
    struct smap options;
    struct smap status; /* Interface.status: driver_name, numa_id, ... */
    int vm;             /* Index into fl_inventory.vms, or -1. */
};

struct fl_bridge {
    char *name;
    char *datapath_type; /* "system" or "netdev". */
    uint64_t datapath_id;
    char *fail_mode; /* or NULL */
    struct smap external_ids;
    struct smap other_config;
};

/* Port mirroring of a bridge; flows/mirror.h says what it does. */
struct fl_mirror {
    char *name; /* of no effect, and not always unique */
    char *uuid; /* of its row */
    char *bridge;
    bool select_all;
    struct svec src_ports, dst_ports; /* Names of Port rows. */
    uint16_t *vlans;                  /* none: all of them */
    size_t n_vlans;
    char *output_port; /* Name of a Port row, or NULL. */
    int output_vlan;   /* 1..4095, or -1 */
};

/* One VM: all interfaces that carry the same identity. */
struct fl_vm {
    char *id;           /* Value of the identity key. */
    char *id_key;       /* Which key gave it: "vm-id", ... */
    char *name;         /* Name for people: a names key, else @id. Unique in an inventory. */
    size_t *interfaces; /* Indexes into fl_inventory.interfaces. */
    size_t n_interfaces;
};

struct fl_inventory {
    char *ovs_version;  /* Open_vSwitch.ovs_version, or NULL. */
    char *dpdk_version; /* or NULL */
    bool dpdk_initialized;
    /*
     * hw-offload is not on, and ovs-vswitchd may offload all the same: turned off, that goes on until it
     * is started anew. From its log, where that could be read.
     */
    bool may_offload;
    struct smap other_config; /* Open_vSwitch.other_config: hw-offload, tc-policy, ... */
    struct smap external_ids; /* Open_vSwitch.external_ids. */
    struct fl_bridge *bridges;
    size_t n_bridges;
    struct fl_interface *interfaces;
    size_t n_interfaces;
    bool has_mirrors; /* false: nobody looked, as in a capture of flowlift 0.1 */
    struct fl_mirror *mirrors;
    size_t n_mirrors;
    struct fl_vm *vms;
    size_t n_vms;
};

/* How VMs are told from external_ids ([vm] id-keys, names). NULL-terminated lists, borrowed. */
struct fl_vm_keys {
    const char *const *id_keys;   /* First key that an interface has wins. */
    const char *const *name_keys; /* Likewise for the name for people. */
};
/* vm-id, vm-uuid, xs-vm-uuid, iface-id / vm-name. Sources of the keys: docs/vm-identity.md. */
extern const struct fl_vm_keys fl_vm_keys_default;

void fl_inventory_init(struct fl_inventory *inv);
void fl_inventory_destroy(struct fl_inventory *inv);
/** fl_inventory_move() - hand over all of @from, which is empty then, to an uninitialised @to */
void fl_inventory_move(struct fl_inventory *to, struct fl_inventory *from);
/** fl_inventory_add_bridge() - append a zeroed bridge; pointers move when more are added */
struct fl_bridge *fl_inventory_add_bridge(struct fl_inventory *inv);
/** fl_inventory_add_interface() - append a zeroed interface (ofport NONE, ifindex and tag -1) */
struct fl_interface *fl_inventory_add_interface(struct fl_inventory *inv);
/** fl_inventory_add_mirror() - append a zeroed mirror (output_vlan -1) */
struct fl_mirror *fl_inventory_add_mirror(struct fl_inventory *inv);
/** fl_inventory_group_vms() - fill @inv->vms and each interface's vm from external_ids */
void fl_inventory_group_vms(struct fl_inventory *inv, const struct fl_vm_keys *keys);

const struct fl_interface *fl_inventory_interface(const struct fl_inventory *inv, const char *name);
const struct fl_bridge *fl_inventory_bridge(const struct fl_inventory *inv, const char *name);
/** fl_inventory_vm() - the VM of exactly this identity, or NULL. What an operator says: fl_inventory_find_vm(). */
const struct fl_vm *fl_inventory_vm(const struct fl_inventory *inv, const char *id);
/** fl_inventory_datapath_type() - "netdev", "system", "mixed", or NULL without a bridge */
const char *fl_inventory_datapath_type(const struct fl_inventory *inv);
/** fl_interface_mac() - attached-mac / attached_mac. Return: true and *@mac, or false. */
bool fl_interface_mac(const struct fl_interface *iface, struct eth_addr *mac);
/** fl_interface_dpdk_port() - DPDK's number of it, 0..65535; -1: it has none, or OVSDB does not tell it */
int fl_interface_dpdk_port(const struct fl_interface *iface);

/**
 * fl_inventory_find_vm() - the VM that an operator means
 * @what: name, identity, unique prefix (8 characters or more) of the identity, interface name or MAC
 * @err: for an unknown or ambiguous one: a sentence with the nearest names
 * Return: the VM (borrowed) or NULL.
 */
const struct fl_vm *fl_inventory_find_vm(const struct fl_inventory *inv, const char *what,
                                         struct fl_error *err);

/** fl_inventory_to_json() - new reference */
json_t *fl_inventory_to_json(const struct fl_inventory *inv);
/**
 * fl_inventory_from_json() - read what fl_inventory_to_json() wrote; VMs are not grouped yet
 * Return: 0, or -EINVAL with @err naming the key that is wrong; @inv is untouched on error.
 */
int fl_inventory_from_json(const json_t *json, struct fl_inventory *inv, struct fl_error *err);

#endif
