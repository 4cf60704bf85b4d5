/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_OVERVIEW_LOOK_H
#define FLOWLIFT_FLEET_OVERVIEW_LOOK_H

/*
 * A look at a fleet: the hosts and VMs that a filter lets through, the worst first, counted, and what those
 * that are stranded have in common.
 */

#include "lib/fleet/overview.h"

/* What is looked at; NULL: any. Versions match whole numbers: "3.1" is 3.1 and 3.1.2, not 3.10. */
struct fl_fleet_filter {
    const char *host;    /* shell pattern, as fnmatch(3) has it */
    const char *version; /* of Open vSwitch */
    bool has_verdict;
    enum fl_verdict verdict; /* as it counts: fl_fleet_verdict() */
    const char *cause;
    const char *driver;
    const char *firmware; /* it begins so */
};

/** fl_fleet_filter_wants_vms() - does it ask for some VMs, and not only for some hosts? */
bool fl_fleet_filter_wants_vms(const struct fl_fleet_filter *filter);

struct fl_fleet_host_line {
    const struct fl_fleet_host *host;
    size_t n_vms[FL_FLEET_N_VERDICTS]; /* By verdict as it counts, of the VMs let through. */
    struct fl_fleet_nic nic;           /* Behind all of them that tell one, unless @many_nics. */
    bool many_nics;
    double sw_rate; /* Bytes a second in software. */
};

/* Stranded VMs that are alike. */
struct fl_fleet_pattern {
    const char *cause; /* The strongest; NULL: none is known. */
    struct fl_fleet_nic nic;
    size_t n_stranded;
    size_t n_hosts; /* On so many hosts. */
    size_t n_alike; /* VMs of any verdict behind such a NIC; of those that are listed. */
};

struct fl_fleet_look {
    const struct fl_fleet *fleet;
    struct fl_fleet_host_line *hosts; /* Worst first. */
    size_t n_hosts;
    const struct fl_fleet_vm **vms; /* Worst first. */
    size_t n_vms;
    struct fl_fleet_pattern *patterns; /* Most stranded VMs first. */
    size_t n_patterns;
    bool
        has_unlisted; /* There are VMs that are only counted, of hosts with several NICs: behind which, nobody knows. */
    /* The NIC behind each stranded VM, of two at least, while other VMs have others; or NULL. */
    const struct fl_fleet_nic *shared;
    /* Of all hosts that the filter's host and version let through, with such VMs or without. */
    size_t n_by_state[FL_FLEET_N_STATES];
    size_t n_incomplete; /* heard, and their word is not whole */
    /* Of @vms. */
    size_t n_by_verdict[FL_FLEET_N_VERDICTS];
};

/**
 * fl_fleet_look() - fill @look, which borrows from @fleet; release with fl_fleet_look_destroy()
 *
 * VMs: stranded, leaking, unknown, offloaded, idle; then by their bytes in software; then by name. Hosts: by
 * the number of stranded, then leaking VMs, then those not heard, then by bytes in software, then by name.
 * Where a verdict, cause or NIC is asked for, hosts without such a VM are left out.
 */
void fl_fleet_look(const struct fl_fleet *fleet, const struct fl_fleet_filter *filter,
                   struct fl_fleet_look *look);
void fl_fleet_look_destroy(struct fl_fleet_look *look);

/**
 * fl_fleet_exit_code() - as of an audit: 2 when a host is not heard or not whole, else 1 when a VM is stranded
 * or leaking, else 2 when one is unknown, else 0
 */
int fl_fleet_exit_code(const struct fl_fleet_look *look);

/** fl_fleet_version_matches() - is @version @wanted, or one of its "@wanted.x"? NULL matches nothing */
bool fl_fleet_version_matches(const char *version, const char *wanted);

#endif
