/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_WHY_H
#define FLOWLIFT_WHY_H

/*
 * Why the storage packets of one VM are in software: what their flows show, what the host around them
 * shows, and what the version of Open vSwitch is known for. Each cause once, with different evidence.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/asked.h"
#include "flows/audit.h"
#include "flows/cause.h"
#include "flows/extack.h"
#include "flows/peer.h"

struct fl_kernel_facts;

#define FL_REASON_EVIDENCE 3u

struct fl_reason {
    enum fl_cause_id id;
    bool may_be;      /* No evidence of it is sure. */
    uint64_t packets; /* Of chains that show it. */
    char evidence[FL_REASON_EVIDENCE][sizeof((struct fl_cause *)0)->detail];
    size_t n_evidence;
};

struct fl_why {
    /* Sure ones first, "refused" behind them since it says that nothing else is known; then by packets. */
    struct fl_reason reasons[FL_N_CAUSES];
    size_t n;
    struct fl_peer peers[2]; /* Beside healthy VMs; owned. */
    size_t n_peers;
};

/**
 * fl_why_of_vm() - all that can be said
 * @facts: of the host; NULL for a capture, or a host without the kernel datapath
 * @asked: what the NIC said (lib/ask.h), or NULL. Where it said anything of all that is in software of a chain, it
 *         overrules what the flows show and what its profile guesses.
 * Of very many chains those with most packets are looked at. Nothing is said of chains in hardware that
 * do not leak.
 * @why: set; names of VMs in it belong to @audit
 */
void fl_why_of_vm(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                  const struct fl_kernel_facts *facts, const struct fl_asked_all *asked,
                  struct fl_why *why);
/** fl_why_add() - and these, which were found out besides */
void fl_why_add(struct fl_why *why, const struct fl_cause *causes, size_t n);
/** fl_why_is_sure() - is there a reason that is sure, and says more than that the flow was refused? */
bool fl_why_is_sure(const struct fl_why *why);
/** fl_why_hear() - and what ovs-vswitchd was told meanwhile (lib/hear.h), all of which only "may be" */
void fl_why_hear(struct fl_why *why, const struct fl_extacks *extacks);
void fl_why_destroy(struct fl_why *why);

#endif
