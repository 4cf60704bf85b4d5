/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PROVE_H
#define FLOWLIFT_PROVE_H

/*
 * Does a flow set forward the same packets as the pipeline without it? OVS is the oracle: the proof covers
 * the whole region of every rule with megaflows of ofproto/trace, and for each compares what becomes of
 * its packets with the rule and without (docs/proof.md has the argument, its assumptions and limits).
 */

#include "flows/audit.h"
#include "flows/connection.h"
#include "flows/flowset.h"
#include "lib/base/config.h"
#include "lib/ovs/ctl.h"
#include "lib/prove_pipeline.h"

/** struct fl_proof_of - what is to be proven, and what is known besides; all borrowed but @set */
struct fl_proof_of {
    /*
     * Guard, relaxations, exceptions, n_traces, n_regions and basis are filled in, and zones that the
     * packets pass without the rules are added. A rule whose pipeline
     * used NORMAL gets NORMAL as its action, so that MAC learning stays alive; one that differs in part
     * is narrowed, or becomes several.
     */
    struct fl_flowset *set;
    const struct fl_vm_audit
        *vm; /* Observed chains that have to stay in the rules; or NULL: none. */
    /* Those of the zones that the VM's chains pass, to see what they are marked with; or NULL. */
    const struct fl_connection *connections;
    size_t n_connections;
    /*
     * Of the set, read just before: flows that came since then are noticed by the basis alone. Other bridges
     * that its packets come to are added while it is proven; they are not in the basis.
     */
    struct fl_pipeline *pipeline;
    bool as_it_is;     /* The rules may not be narrowed or get other actions: they are installed. */
    int64_t within_ms; /* how long it may take, whatever OVS answers; 0: as long as it takes */
};

/**
 * fl_prove() - prove a flow set
 * Return: 0 proven; -EPERM not proven or not allowed: @err has the difference and a counter-example in
 * ofproto/trace syntax; -ETIMEDOUT OVS answers too slowly; other negative errno when the oracle could not
 * be asked.
 */
int fl_prove(struct fl_ctl *ctl, const struct fl_config *config, const struct fl_proof_of *what,
             struct fl_error *err);

/**
 * fl_prove_packets() - the packets of a rule that a proof of it covers
 * Return: false when none comes to a bridge so: nothing would be proven of the rule.
 */
bool fl_prove_packets(const struct fl_rule *rule, struct match *packets);

#endif
