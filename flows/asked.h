/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ASKED_H
#define FLOWLIFT_ASKED_H

/*
 * What a NIC said of datapath flows that it has not (lib/ask.h), and the causes that this makes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/cause.h"
#include "flows/chain.h"
#include "flows/limits.h"
#include "flows/offerable.h"
#include "flows/rte_shrink.h"
#include "flows/shrink.h"
#include "flows/storage.h"

enum fl_asked_outcome {
    FL_ASKED_CANNOT_TELL,     /* "cannot-tell": the NIC was not asked, or not to the end */
    FL_ASKED_NOT_OFFERED,     /* "not-offered": Open vSwitch by itself does not offer such a flow */
    FL_ASKED_REFUSED,         /* "refused", because of the parts */
    FL_ASKED_REFUSES_ALL,     /* "refuses-everything": it is the port, not the flow */
    FL_ASKED_REFUSED_FOR_NOW, /* "refused-for-now": no room, busy */
    FL_ASKED_ACCEPTED,        /* "accepted" */
};
const char *fl_asked_outcome_name(enum fl_asked_outcome outcome);

struct fl_asked_part {
    char what[FL_RTE_PART_BYTES]; /* "ip_tos", "tcp dst", "vlan push" */
    enum fl_cause_id cause;
    int error;                     /* Positive errno. */
    char words[FL_TC_ANSWER_TEXT]; /* The driver's own; "" without. */
};

/* One link of a chain, and what the NIC of the port it comes in by said. */
struct fl_asked {
    enum fl_direction direction;
    const struct fl_flow *flow; /* Borrowed from the snapshot. */
    char device[FL_LIMIT_NAME_BYTES];
    enum fl_offload_api api;
    enum fl_asked_outcome outcome;
    enum fl_cause_id cause; /* Of a refusal without parts. */
    int error;              /* Positive errno; 0: none. */
    /*
     * Not offered: because of what. Cannot tell: why; after parts: why there may be more. A refusal without
     * parts: the driver's own words, or "".
     */
    char words[FL_ERROR_MAX];
    struct fl_asked_part parts[FL_SHRINK_PARTS_MAX];
    unsigned int n_parts;
    unsigned int n_offers;
};

/* Both directions of a VM, one chain each. */
#define FL_ASKED_MAX (2 * FL_LIMIT_CHAIN_LINKS)

struct fl_asked_all {
    struct fl_asked *flows; /* Owned: free() */
    size_t n;
    bool stops; /* At the first flow that is not accepted: the rest is not asked about. */
};

/** fl_asked_take_shrunk() - what came of offering @filter, over TC */
void fl_asked_take_shrunk(struct fl_asked *asked, const struct fl_shrunk *shrunk,
                          const struct fl_tc_filter *filter);
/** fl_asked_take_rte() - likewise of a DPDK rule */
void fl_asked_take_rte(struct fl_asked *asked, const struct fl_rte_shrunk *shrunk);

/** fl_asked_told() - did the NIC say anything of the flow? */
bool fl_asked_told(const struct fl_asked *asked);
/**
 * fl_asked_of() - what the NIC said of @flow, or of one that differs from it in values only
 * That has the same port, matches the same bits and does the same. NULL: nobody asked.
 */
const struct fl_asked *fl_asked_of(const struct fl_asked_all *all, const struct fl_flow *flow);

/**
 * fl_asked_causes() - one cause for each part, each sure, with the driver's words as evidence
 * Accepted is FL_CAUSE_REFUSED_ONCE; of DPDK it only "may be", since its drivers do not look whether there is room.
 * Return: how many; 0 when the NIC said nothing of the flow.
 */
size_t fl_asked_causes(const struct fl_asked *asked, struct fl_cause causes[FL_SHRINK_PARTS_MAX]);

#endif
