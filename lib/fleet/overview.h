/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_OVERVIEW_H
#define FLOWLIFT_FLEET_OVERVIEW_H

/*
 * What is known of a fleet: hosts, each with its newest word, and their VMs. A plain value without input or
 * output: words are added one at a time, from files of audits (lib/fleet/overview_audit.h) or from whoever
 * else hears of hosts, in any order; then it is looked at (fl_fleet_look(), which filters, sorts and counts).
 *
 *     struct fl_fleet *fleet = fl_fleet_create(fl_time_now_ms(), older_ms);
 *     fl_fleet_hear(fleet, &said_by_the_host, &host, &err);
 *     if (host)                                  it is no older word than what is known of that host
 *         fl_fleet_add_vm(fleet, host, &said_of_a_vm, &err);
 *     fl_fleet_look(fleet, &filter, &look);
 *
 * A word that is too old, or that says no time, or one of a clock that is ahead, is no word of how a host is
 * now: all its VMs count as "unknown", never as healthy.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/hmap.h>

#include "flows/arena.h"
#include "flows/audit.h"
#include "flows/error.h"

/* How old the last word of a host may be before it counts as silent, unless somebody says otherwise. */
#define FL_FLEET_OLDER_MS   (INT64_C(3600) * 1000)
#define FL_FLEET_N_VERDICTS (FL_VERDICT_OFFLOADED + 1)
/* So far ahead a host's clock may be of ours. */
#define FL_FLEET_AHEAD_MS (INT64_C(300) * 1000)
/* Causes of one VM that are kept. */
#define FL_FLEET_MAX_CAUSES 16u

enum fl_fleet_state {                 /* worst first: the order of the table */
                      FL_FLEET_NEVER, /* no word that has a time */
                      FL_FLEET_AHEAD, /* its clock is ahead of ours, so nobody knows how old its word is */
                      FL_FLEET_SILENT, /* its last word is too old */
                      FL_FLEET_HEARD,
                      FL_FLEET_N_STATES
};
/** fl_fleet_state_name() - "never", "ahead", "silent", "heard" */
const char *fl_fleet_state_name(enum fl_fleet_state state);

struct fl_fleet_nic {
    const char *driver;   /* or NULL */
    const char *firmware; /* or NULL */
};

/** fl_fleet_nic_equals() - of the same driver and firmware, known or not */
bool fl_fleet_nic_equals(const struct fl_fleet_nic *a, const struct fl_fleet_nic *b);

/* A VM as its host's last word has it. Strings are copied by fl_fleet_add_vm(). */
struct fl_fleet_vm {
    struct hmap_node node;            /* In its host's vms; not the caller's. */
    const struct fl_fleet_host *host; /* Likewise. */
    const char *name;
    const char *id;          /* or NULL */
    enum fl_verdict verdict; /* as it was said; as it counts: fl_fleet_verdict() */
    enum fl_scope scope;
    const char *const
        *causes; /* Ids, strongest first; a newer flowlift may know more than this one. */
    size_t n_causes;
    struct fl_fleet_nic nic;
    const char *remedy; /* State of its remedy, or NULL: none, or not known. */
    double hw_share;    /* Of packets, 0..1; negative: there were none, or not known. */
    int64_t window_ms;  /* In which the following were counted; 0: over the flows' lifetime. */
    bool has_counts;    /* false: judged by its ports, nothing was counted */
    uint64_t packets_hw, packets_sw; /* FL_COUNT_UNKNOWN: not told; likewise bytes_hw */
    uint64_t bytes_hw, bytes_sw;
};

struct fl_fleet_host {
    struct hmap_node node; /* In the fleet's hosts. */
    char *name;
    int64_t time_ms; /* Of its last word, Unix time; 0: it says none. */
    enum fl_fleet_state state;
    const char *flowlift_version; /* or NULL */
    const char *ovs_version;      /* or NULL */
    const char *trouble;          /* Why its last word is not whole, one sentence; or NULL. */
    struct hmap vms;              /* struct fl_fleet_vm */
    size_t n_unlisted[FL_FLEET_N_VERDICTS]; /* VMs that are only counted, by verdict. */
    struct fl_fleet_nic nic;                /* Behind these. */
    struct fl_arena arena;                  /* Its last word. */
};

/* What a host says of itself. Strings are copied by fl_fleet_hear(). */
struct fl_fleet_word {
    const char *name;
    int64_t time_ms;              /* 0: not known */
    const char *flowlift_version; /* or NULL */
    const char *ovs_version;      /* or NULL */
    const char *trouble;          /* or NULL */
    struct fl_fleet_nic nic;      /* behind VMs that are only counted */
};

struct fl_fleet {
    struct hmap hosts; /* struct fl_fleet_host */
    size_t n_vms;
    int64_t now_ms;
    int64_t older_ms;
    struct fl_fleet_host *last; /* The one heard last: words of one host follow each other. */
};

/**
 * fl_fleet_create() - a fleet of which nothing is known
 * @now_ms: Unix time, against which words are old
 * @older_ms: a host whose last word is older is silent
 * Return: owned by the caller, fl_fleet_destroy().
 */
struct fl_fleet *fl_fleet_create(int64_t now_ms, int64_t older_ms);
void fl_fleet_destroy(struct fl_fleet *fleet);

/**
 * fl_fleet_hear() - a host said something
 * @host: where to add the VMs of that word (borrowed); NULL when a newer word of that host is known
 *
 * The newest word counts, and replaces what was known of the host and its VMs. One of a clock that is ahead
 * is only newer than one without a time. Another word of the same time belongs to the same audit.
 *
 * Return: 0; -E2BIG with @err above FL_LIMIT_FLEET_HOSTS, @host NULL.
 */
int fl_fleet_hear(struct fl_fleet *fleet, const struct fl_fleet_word *word,
                  struct fl_fleet_host **host, struct fl_error *err);
/**
 * fl_fleet_add_vm() - a VM of the word that fl_fleet_hear() gave @host for
 *
 * One that is known already (by its identity, else its name) is left as it is: files may be given twice.
 *
 * Return: 0; -E2BIG with @err above FL_LIMIT_FLEET_VMS.
 */
int fl_fleet_add_vm(struct fl_fleet *fleet, struct fl_fleet_host *host,
                    const struct fl_fleet_vm *vm, struct fl_error *err);

/** fl_fleet_count_vms() - VMs of the same word that are not listed, of which only their number is known */
void fl_fleet_count_vms(struct fl_fleet_host *host, enum fl_verdict verdict, size_t n);

/** fl_fleet_verdict() - as it was said where the host's word is of now, else FL_VERDICT_UNKNOWN */
enum fl_verdict fl_fleet_verdict(const struct fl_fleet_vm *vm);
/** fl_fleet_sw_rate() - bytes a second in software; -1: not known */
double fl_fleet_sw_rate(const struct fl_fleet_vm *vm);

#endif
