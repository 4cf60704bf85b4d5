/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_H
#define FLOWLIFT_NIC_H

/*
 * What the kernel says about the host's network devices: which NIC is behind each, in which mode its
 * eSwitch is, and what it can count. A plain value, that lib/nic/ports.c fills on a
 * host. What was not told is "unknown" or empty, never assumed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes of the kernel's names with their NUL, and of its identities (linux/netdevice.h IFNAMSIZ,
 * MAX_PHYS_ITEM_ID_LEN; linux/ethtool.h struct ethtool_drvinfo). */
#define FL_NIC_NAME_BYTES   16
#define FL_NIC_DRIVER_BYTES 32
#define FL_NIC_ID_BYTES     32
/* Of names that have no size of their own in the kernel: phys_port_name, "pci/0000:03:00.0". */
#define FL_NIC_TEXT_BYTES 64

/* What a network device is to its NIC's eSwitch. */
enum fl_nic_role {
    FL_NIC_ROLE_UNKNOWN,
    FL_NIC_ROLE_REPRESENTOR, /* of a VF, a sub-function or another host's PF */
    FL_NIC_ROLE_UPLINK,      /* the wire */
    FL_NIC_ROLE_NEITHER,     /* on no eSwitch: a tap, a bond, a NIC without one, a VF itself */
};

enum fl_nic_feature { /* ethtool -k hw-tc-offload */
                      FL_NIC_FEATURE_UNKNOWN,
                      FL_NIC_FEATURE_ON,
                      FL_NIC_FEATURE_OFF,
                      FL_NIC_FEATURE_ON_FIXED,
                      FL_NIC_FEATURE_OFF_FIXED, /* off, and cannot be turned on: "off [fixed]" */
};

enum fl_eswitch_mode {
    FL_ESWITCH_UNKNOWN,
    FL_ESWITCH_LEGACY,
    FL_ESWITCH_SWITCHDEV,
};

/* How much of a packet the VF's driver puts into the descriptor for the eSwitch to match on. */
enum fl_inline_mode {
    FL_INLINE_UNKNOWN,
    FL_INLINE_NONE, /* the NIC needs none of it: the best */
    FL_INLINE_LINK,
    FL_INLINE_NETWORK,
    FL_INLINE_TRANSPORT,
};

enum fl_encap_mode {
    FL_ENCAP_UNKNOWN,
    FL_ENCAP_NONE,
    FL_ENCAP_BASIC,
};

/* An identity that the driver made up: bytes without meaning. */
struct fl_nic_id {
    uint8_t bytes[FL_NIC_ID_BYTES];
    uint8_t n_bytes; /* 0: none was told */
};

struct fl_nic_port {
    int ifindex;
    char name[FL_NIC_NAME_BYTES];
    char driver[FL_NIC_DRIVER_BYTES];    /* "mlx5e_rep"; empty: unknown */
    char firmware[FL_NIC_DRIVER_BYTES];  /* "22.36.1010 (MT_0000000359)" */
    char bus[FL_NIC_DRIVER_BYTES];       /* "0000:03:00.0" */
    struct fl_nic_id switch_id;          /* phys_switch_id: which eSwitch */
    struct fl_nic_id port_id;            /* phys_port_id */
    char port_name[FL_NIC_TEXT_BYTES];   /* phys_port_name: "pf0vf3", "p0" */
    int master;                          /* ifindex of the device it is a member of; 0: none */
    char master_kind[FL_NIC_NAME_BYTES]; /* "bond", "team", "openvswitch", ... */
    enum fl_nic_role role;
    enum fl_nic_feature tc_offload;
    /* The devlink instance it belongs to, and what that says; empty and unknown without one. */
    char devlink[FL_NIC_TEXT_BYTES]; /* "pci/0000:03:00.0" */
    enum fl_eswitch_mode eswitch;
    enum fl_inline_mode inline_mode;
    enum fl_encap_mode encap;
};

struct fl_nic {
    struct fl_nic_port *ports; /* Sorted by ifindex; owned. */
    size_t n_ports;
    char *incomplete; /* Why not everything could be read, or NULL; owned. */
};

void fl_nic_init(struct fl_nic *nic);
void fl_nic_destroy(struct fl_nic *nic);
/** fl_nic_add() - an empty port, sorted in; pointers move when more are added. @ifindex: > 0, new */
struct fl_nic_port *fl_nic_add(struct fl_nic *nic, int ifindex);
/** fl_nic_port() - the port with @ifindex, or NULL */
struct fl_nic_port *fl_nic_port(const struct fl_nic *nic, int64_t ifindex);
/** fl_nic_port_named() - likewise by its name */
struct fl_nic_port *fl_nic_port_named(const struct fl_nic *nic, const char *name);
/** fl_nic_in_lag() - whether @port is a member of a kernel bond or team */
bool fl_nic_in_lag(const struct fl_nic_port *port);

/* "unknown" for what is not known. */
const char *fl_nic_role_name(enum fl_nic_role role);              /* "representor", "uplink", ... */
const char *fl_nic_feature_name(enum fl_nic_feature feature);     /* "on", "off [fixed]", ... */
const char *fl_eswitch_mode_name(enum fl_eswitch_mode mode);      /* "legacy", "switchdev" */
const char *fl_inline_mode_name(enum fl_inline_mode inline_mode); /* "none", "link", ... */
const char *fl_encap_mode_name(enum fl_encap_mode encap);         /* "none", "basic" */

enum fl_nic_same { FL_NIC_SAME_UNKNOWN, FL_NIC_SAME_YES, FL_NIC_SAME_NO };

/**
 * fl_nic_same_eswitch() - whether one eSwitch can forward between all these ports
 * @ports: those that packets of one flow pass; NULL for one of which nothing is known
 * @odd: with NO, the first whose eSwitch is not that of @ports[0]; with UNKNOWN, the first of which it
 *       is not known, NULL when that is a NULL; may be NULL
 * A port that is known to be on no eSwitch (FL_NIC_ROLE_NEITHER) gives NO.
 * Return: NO as soon as two differ, whatever is not known of others.
 */
enum fl_nic_same fl_nic_same_eswitch(const struct fl_nic_port *const *ports, size_t n_ports,
                                     const struct fl_nic_port **odd);

/* Which of a port's counters tell what passed in software, when the kernel has no CPU_HIT of it. */
enum fl_nic_counters {
    FL_NIC_COUNTERS_UNKNOWN,   /* nothing known of this driver */
    FL_NIC_COUNTERS_CPU_HIT,   /* link: all packets; CPU_HIT: those in software */
    FL_NIC_COUNTERS_SLOW_LINK, /* link: the slow path's only; all packets are counted nowhere */
    FL_NIC_COUNTERS_ALL_SLOW,  /* no NIC behind it: all its packets are in software */
};

/**
 * fl_nic_counters() - what the counters of @port mean
 * @port: driver and role count; NULL: nothing is known
 * @has_cpu_hit: the kernel gave CPU_HIT statistics of the port
 */
enum fl_nic_counters fl_nic_counters(const struct fl_nic_port *port, bool has_cpu_hit);
/**
 * fl_nic_counters_lag() - whether @driver answers with counters of a while ago, and only a read has it
 * look anew: read twice then (FL_STATS_PRIME_MS in lib/nic/stats.h)
 */
bool fl_nic_counters_lag(const char *driver);

#endif
