/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SIMPLIFY_H
#define FLOWLIFT_SIMPLIFY_H

/*
 * The simplifier: from the storage chains of a VM to the few OpenFlow rules that stand for them.
 *
 * Collapse: each chain becomes one match (what its links match in the packet's headers) and one
 * action (the composed rewrites and one output). Widen: matches that differ only in the connection
 * become one per VM, storage subnet, service and direction, bounded by in_port, the VM's MAC (and
 * address where it is known), the VLAN, the subnet, the protocol and the service's port.
 * Nothing here is proven: lib/prove.c asks OVS whether the rules forward what the pipeline forwards.
 */

#include "flows/audit.h"
#include "flows/connection.h"
#include "flows/flowset.h"

/* Why a VM, or one of its chains, gets no rule. */
struct fl_refusal {
    char *reason; /* one sentence */
};

/* By which patch port a VM's traffic leaves its bridge, where several lead to the same one (OVN). */
struct fl_patch {
    const struct fl_interface *vm;   /* The VM's interface. */
    const struct fl_interface *port; /* On the VM's bridge. */
};

struct fl_simplify_input {
    const struct fl_snapshot *snapshot;
    const struct fl_vm_audit *vm;
    const struct fl_storage *storage;
    const struct fl_connection *connections; /* of the zones the VM's chains pass; may be none */
    size_t n_connections;
    const struct fl_patch *patches; /* may be none */
    size_t n_patches;
};

/**
 * fl_simplify_needs_patch() - interfaces of @vm whose storage traffic passes one of several patch ports
 * @findings: set to a chain from each such interface, at most @max; fl_finding.iface names it
 * Return: how many.
 */
size_t fl_simplify_needs_patch(const struct fl_snapshot *snapshot, const struct fl_vm_audit *vm,
                               const struct fl_finding **findings, size_t max);

/**
 * fl_simplify() - the flow set of a VM, without guard bit, decoys and proof
 * @set: filled; initialised by this function
 * @refusals: one a distinct reason, owned by the caller (fl_refusals_free()); may hold some even when
 *            rules were made for the other chains
 * Return: 0 with at least two rules (both directions); -ENOENT when the VM has no storage chain that
 * needs one; -ENOTSUP when chains need one and none can be given, reasons in @refusals and @err.
 */
int fl_simplify(const struct fl_simplify_input *in, struct fl_flowset *set,
                struct fl_refusal **refusals, size_t *n_refusals, struct fl_error *err);
void fl_refusals_free(struct fl_refusal *refusals, size_t n);

/** fl_chain_zones() - conntrack zones that the VM's storage chains pass; returns how many, sorted */
size_t fl_simplify_zones(const struct fl_vm_audit *vm, uint16_t *zones, size_t max);

/**
 * fl_simplify_decoys() - add a decoy for every live megaflow that would keep its old mask
 *
 * OVS builds a live megaflow anew only if the new rules make it test a bit that the old mask left wild.
 * For each storage chain of @vm whose first link already tests every bit of its rule, a decoy is added
 * that tests one bit more.
 * Return: number of decoys added, or -ENOTSUP when a megaflow leaves no usable bit wild.
 */
int fl_simplify_decoys(const struct fl_vm_audit *vm, struct fl_flowset *set, struct fl_error *err);

#endif
