/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_PROFILE_H
#define FLOWLIFT_NIC_PROFILE_H

/*
 * NIC profiles: what a family of NICs and its driver are known to take and to refuse, each line with the
 * source it is from. flows/nics/NAME.json; docs/nic-profiles.md says how to add one.
 *
 * A profile is of one version of a driver, not of the NIC on this host: it gives a first guess, and a
 * probe overrules it. What no line names is not known, and nothing is said of it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovs/svec.h>

#include "flows/cause.h"
#include "flows/error.h"
#include "flows/flow.h"
#include "flows/inventory.h"
#include "flows/nic.h"
#include "flows/offerable.h"

struct mf_field;

enum fl_profile_kind {
    FL_PROFILE_MATCH,   /* "matches": a field of the packet */
    FL_PROFILE_ACTION,  /* "actions": "push_vlan", "set(eth)", "ct", "recirc", "output", ... */
    FL_PROFILE_REWRITE, /* "rewrites": a field of the packet that set() changes */
    FL_PROFILE_LIMIT,   /* "limits": most of something in one flow, or in the NIC */
    FL_PROFILE_N_KINDS
};

enum fl_profile_word {
    FL_PROFILE_TAKEN,   /* "taken" */
    FL_PROFILE_REFUSED, /* "refused" */
    FL_PROFILE_DEPENDS, /* "depends": on the firmware, or on how it is configured */
};

enum fl_profile_over { /* Only where the packet is ... */
                       FL_PROFILE_OVER_ANY,
                       FL_PROFILE_OVER_IPV4,
                       FL_PROFILE_OVER_IPV6,
};

struct fl_profile_line {
    enum fl_profile_kind kind;
    enum fl_profile_word word; /* Of a limit FL_PROFILE_TAKEN: up to @most. */
    char *name;
    const struct mf_field *field; /* Of a match or a rewrite. */
    enum fl_profile_over over;
    /* Of a match. */
    uint32_t flags;  /* Refused only with one of these tested as set; 0: however it is tested. */
    bool exact_mask; /* Taken only when all bits of the field are tested. */
    bool zero_value; /* Taken only when what is tested is zero. */
    /* Of an action or a rewrite. */
    struct svec needs;    /* Taken only in a flow that tests all of these fields. */
    struct svec not_with; /* Taken only in a flow that has none of these actions. */
    uint64_t most;        /* Of a limit. */
    char *says;           /* What the driver says when it refuses, or NULL. */
    bool
        disproved; /* This host's NIC has a flow that the line speaks against: it counts no more. */
    char *source;
};

struct fl_profile_lines {
    struct fl_profile_line *lines;
    size_t n;
};

struct fl_profile {
    char *name;  /* "connectx-5" */
    char *title; /* For people. */
    char *base;  /* Name of the profile whose lines hold where this one has none, or NULL. */
    struct svec
        drivers[2];        /* Of the kernel (ethtool -i), of DPDK (Interface.status:driver_name). */
    struct svec firmware;  /* "22.": it begins so. */
    struct svec pci;       /* "15b3:101d" */
    char *identity_source; /* Where drivers, firmware and PCI ids are from. */
    struct fl_profile_lines of[2];       /* For TC, for rte_flow. */
    const struct fl_profile *base_found; /* @base, or NULL. Borrowed from the same set. */
};

struct fl_snapshot;

struct fl_profiles {
    struct fl_profile **profiles; /* Owned. */
    size_t n;
};

/**
 * fl_profiles_init() - the profiles that flowlift comes with
 * They are part of the program: no file is read.
 */
void fl_profiles_init(struct fl_profiles *profiles);
void fl_profiles_destroy(struct fl_profiles *profiles);

/**
 * fl_profiles_add() - read one more; one of the same name is replaced
 * @json: not trusted
 * Return: 0, or -EINVAL with @err naming what is wrong; @profiles is untouched then.
 */
int fl_profiles_add(struct fl_profiles *profiles, const json_t *json, struct fl_error *err);
/** fl_profiles_named() - or NULL */
const struct fl_profile *fl_profiles_named(const struct fl_profiles *profiles, const char *name);

/* What is known of the NIC behind a port. */
struct fl_profile_port {
    enum fl_offload_api api;
    const char *driver;   /* or NULL: not known */
    const char *firmware; /* or NULL, or "" */
    char pci[10];         /* "15b3:101d", or "" */
};

/** fl_profile_port_of_nic() - of a device of the kernel; borrows from @port */
struct fl_profile_port fl_profile_port_of_nic(const struct fl_nic_port *port);
/** fl_profile_port_of_interface() - by Interface.status in OVSDB; borrows from @iface */
struct fl_profile_port fl_profile_port_of_interface(const struct fl_interface *iface,
                                                    enum fl_offload_api api);
/**
 * fl_profiles_find() - the profile for a port: one that names its firmware or PCI id before one that
 * names its driver only
 * Return: borrowed, or NULL when none is for it.
 */
const struct fl_profile *fl_profiles_find(const struct fl_profiles *profiles,
                                          const struct fl_profile_port *port);

/**
 * fl_profiles_learn() - what the NICs of this host have overrules what profiles say
 * Lines that speak against a flow in hardware are of another driver or firmware than this host's. Of very
 * many flows some are looked at. Without an inventory nothing is learnt.
 */
void fl_profiles_learn(struct fl_profiles *profiles, const struct fl_snapshot *snapshot);

/* One line that speaks against a flow. */
struct fl_profile_hit {
    const struct fl_profile_line *line;
    uint64_t number; /* Of a limit: how many there are. */
};
#define FL_PROFILE_HITS_MAX 16

/**
 * fl_profile_against() - lines that speak against a flow: refused ones first, then those that depend
 * @profile: NULL: nothing is known
 * Return: how many were written to @hits, at most FL_PROFILE_HITS_MAX.
 */
size_t fl_profile_against(const struct fl_profile *profile, enum fl_offload_api api,
                          const struct fl_flow *flow,
                          struct fl_profile_hit hits[FL_PROFILE_HITS_MAX]);

/**
 * fl_profile_judge() - the same as causes, each of which "may be"
 * @causes: strongest first; each names the part, what the driver says of it, and the source
 * Return: how many.
 */
size_t fl_profile_judge(const struct fl_profile *profile, enum fl_offload_api api,
                        const struct fl_flow *flow, struct fl_cause causes[FL_MAX_CAUSES]);

/**
 * fl_profile_allows_rewrite() - may a rule rewrite this field, or do this action, on such a NIC?
 * @name: "eth_dst", "ip_ttl", ...; or "push_vlan", "pop_vlan"
 * @over: of the packets that the rule is for
 * @why: the line that says no; untouched otherwise; may be NULL
 * Return: false only when a line says "refused"; what is not known, or depends, is allowed.
 */
bool fl_profile_allows_rewrite(const struct fl_profile *profile, enum fl_offload_api api,
                               const char *name, enum fl_profile_over over,
                               const struct fl_profile_line **why);

/**
 * fl_profile_takes_ct() - is all that the flow asks of connections known to be taken by the NIC: matches on them, and
 * ct_clear?
 * Return: false also when something of it is not known; true for a flow that asks nothing. ct() is not looked at.
 */
bool fl_profile_takes_ct(const struct fl_profile *profile, enum fl_offload_api api,
                         const struct fl_flow *flow);

const char *fl_profile_kind_name(enum fl_profile_kind kind); /* "matches", "actions", ... */
/** fl_profile_rewrite_action() - "set(eth)" for eth_src, ...; NULL when no action sets the field */
const char *fl_profile_rewrite_action(const char *field, enum fl_profile_over over);
/** fl_profile_is_action() - is it an action of a datapath, as flows/peer.h names them? */
bool fl_profile_is_action(const char *name);
/** fl_profile_is_limit() - is it the name of a limit? */
bool fl_profile_is_limit(const char *name);

#endif
