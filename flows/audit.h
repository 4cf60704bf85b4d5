/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_H
#define FLOWLIFT_AUDIT_H

/*
 * The verdict of every VM, made from packets in a window (DESIGN.md section 2).
 */

#include <jansson.h>

#include "flows/cause.h"
#include "flows/chain.h"
#include "flows/nic_profile.h"
#include "flows/screen.h"
#include "flows/snapshot.h"
#include "flows/storage.h"

enum fl_verdict {
    FL_VERDICT_STRANDED, /* worst first: the order of the table */
    FL_VERDICT_LEAKING,
    FL_VERDICT_UNKNOWN,
    FL_VERDICT_IDLE,
    FL_VERDICT_OFFLOADED,
};
const char *fl_verdict_name(enum fl_verdict verdict);
/** fl_verdict_from_name() - @name may be NULL. Return: false for what is none, @verdict untouched */
bool fl_verdict_from_name(const char *name, enum fl_verdict *verdict);
/** fl_verdict_is_bad() - is storage traffic of the VM in software that should not be? */
bool fl_verdict_is_bad(enum fl_verdict verdict);
/** fl_verdict_is_well() - is it known that there is none? */
bool fl_verdict_is_well(enum fl_verdict verdict);

enum fl_scope { FL_SCOPE_NONE, FL_SCOPE_VM, FL_SCOPE_NIC, FL_SCOPE_HOST };
const char *fl_scope_name(enum fl_scope scope); /* NULL for NONE */
/** fl_scope_from_name() - FL_SCOPE_NONE for NULL and for what is none */
enum fl_scope fl_scope_from_name(const char *name);

/*
 * Fewer software packets than this, of flows that the NIC has, are no leak: while Open vSwitch puts a flow
 * anew a packet or two pass it by, and of a VM that sends ten that is a large share.
 */
#define FL_LEAK_MIN_PACKETS 10

struct fl_audit_options {
    int64_t grace_ms;      /* Flows younger than this do not count; default 1000. */
    double stranded_below; /* Share of packets in hardware; default 0.9. */
    double leaking_above;  /* Share of packets that leak; default 0.01. */
};
extern const struct fl_audit_options fl_audit_options_default;

struct fl_tally {
    uint64_t packets[FL_N_PATHS];
    uint64_t bytes[FL_N_PATHS];
    uint64_t flows[FL_N_PATHS]; /* Chains, each counted once. */
};

/* A chain that carries storage traffic of a VM. There may be 100,000 of them: it is kept small. */
struct fl_finding {
    const struct fl_chain *chain;
    const struct fl_interface *iface; /* The VM's; NULL without an inventory. */
    enum fl_direction direction;
    enum fl_storage_fit fit;
    int vlan;     /* -1 when not known, 0 untagged */
    bool counted; /* false: too young, or it drops */
};

struct fl_vm_audit {
    const struct fl_vm *vm;         /* NULL when nothing is known of VMs: @name is a port's. */
    const struct fl_inventory *inv; /* Whose vm it is; borrowed, or NULL. */
    char *name;
    enum fl_verdict verdict;
    enum fl_scope scope;
    char *reason;            /* One sentence; why unknown, why idle, what is stranded. */
    struct fl_tally storage; /* Packets of the window. */
    uint64_t young_packets;  /* Software packets of flows younger than the grace time. */
    uint64_t leaked_packets; /* Software packets of flows that the NIC has. */
    /*
     * Judged by the counters of its ports alone (stage one): @storage holds nothing then, and
     * @hw_share is of all its packets.
     */
    bool by_ports;
    double hw_share; /* Of packets, 0..1; negative when there were none, or not known. */
    enum fl_cause_id causes[FL_N_CAUSES]; /* Strongest (most packets) first. */
    size_t n_causes;
    struct fl_finding *findings; /* Most packets first. */
    size_t n_findings;
};

struct fl_audit {
    const struct fl_snapshot *snapshot; /* Borrowed. */
    struct fl_chains *chains;           /* Owned. */
    struct fl_profiles profiles;        /* What is known of NICs. */
    struct fl_vm_audit *vms;            /* Worst verdict first, then by software packets, name. */
    size_t n_vms;
    struct fl_cause host_causes[FL_MAX_CAUSES];
    size_t n_host_causes;
    const char *incomplete; /* Why the report is not whole, or NULL. */
};

/** fl_audit_run() - judge a snapshot; owned by the caller, borrows @snapshot */
struct fl_audit *fl_audit_run(const struct fl_snapshot *snapshot, const struct fl_storage *storage,
                              const struct fl_audit_options *options);
/**
 * fl_audit_of_screen() - what the ports' counters alone say, when they leave nobody in doubt
 * @snapshot: has the inventory and no flows; borrowed
 * @screen: of that inventory; a VM that is suspect or unknown in it becomes "unknown" here
 */
struct fl_audit *fl_audit_of_screen(const struct fl_snapshot *snapshot,
                                    const struct fl_screen *screen);
/**
 * fl_audit_heed_screen() - what the ports said counts, where flows accuse a VM by a few packets alone
 * Stage one overlooks less than FL_SCREEN_MIN_PACKETS in software: they are those of a VM that starts, or of
 * flows that are about to be offloaded. When its flows are read, for others' sake, it is judged no harder.
 * @screen: of the same host, a window before
 */
void fl_audit_heed_screen(struct fl_audit *audit, const struct fl_screen *screen);
void fl_audit_destroy(struct fl_audit *audit);
/** fl_audit_vm() - the entry of a VM by its name, or NULL */
const struct fl_vm_audit *fl_audit_vm(const struct fl_audit *audit, const char *name);
/** fl_finding_leaks() - the NIC has its flows, and packets of it came to software all the same */
bool fl_finding_leaks(const struct fl_finding *finding);
/**
 * fl_finding_causes() - why a finding's chain is not in hardware: the causes of all its links
 * @causes: strongest first, each id once, with the first link's evidence for it
 * Return: number of causes; 0 for a chain on FL_PATH_HW.
 */
size_t fl_finding_causes(const struct fl_audit *audit, const struct fl_finding *finding,
                         struct fl_cause causes[FL_MAX_CAUSES]);
/** fl_audit_exit_code() - 0 nothing stranded or leaking, 1 something is, 2 incomplete or unknown */
int fl_audit_exit_code(const struct fl_audit *audit);
/**
 * fl_audit_orphans_to_json() - "orphans": [{"dev", "chain", "ufid", "path", "reason"}], new reference
 * Return: null when no flow was read; at most FL_LIMIT_ORPHANS.
 */
json_t *fl_audit_orphans_to_json(const struct fl_audit *audit);
/** fl_vm_audit_to_json() - one element of "vms" as DESIGN.md section 6 has it; new reference */
json_t *fl_vm_audit_to_json(const struct fl_vm_audit *vm);

#endif
