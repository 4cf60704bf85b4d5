/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGREEMENT_H
#define FLOWLIFT_AGREEMENT_H

/*
 * Do Open vSwitch's word of where its flows are, and the NIC's, agree?
 *
 *     fl_agreement_init(&look, ports);
 *     fl_agreement_add_flow(&look, flow);             Open vSwitch's word, all of it
 *     fl_agreement_add_filter(&look, filter, flow, NULL);   then TC's
 *     fl_agreement_add_port(&look, "vm1", 7);         or that of a driver of DPDK, port by port
 *     fl_agreement_end(&look);
 *
 * The two are never read at one moment, so one look proves nothing: a flow may have come or gone in between.
 * What two looks, a second apart, both found is a disagreement: fl_agreement_confirm().
 *
 * Open vSwitch's word is one of two. Asked, it lists all flows (@lists_all): then it does not know what it does
 * not list. Where it is not asked, since its main thread would have to answer, its datapath's flows are its word
 * of what is in software, and what is in TC it has put there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/flow.h"
#include "flows/tc_filter.h"

#define FL_DISAGREEMENT_DEVICE_BYTES 64

enum fl_disagreement_kind {
    FL_DISAGREEMENT_MISSING,   /* Open vSwitch says that the NIC has it; it is not there. */
    FL_DISAGREEMENT_NOT_IN_HW, /* ... TC has it, and does not say that the NIC has. */
    FL_DISAGREEMENT_IN_HW,     /* Open vSwitch has it in software; TC says that the NIC has it. */
    FL_DISAGREEMENT_UNKNOWN,   /* A filter with Open vSwitch's cookie that it does not know. */
    FL_DISAGREEMENT_IN_PART,   /* in_hw, and in_hw_count says that not all devices have taken it. */
    FL_DISAGREEMENT_COUNT,     /* Open vSwitch keeps more flows in TC, or fewer, than TC has. */
    FL_DISAGREEMENT_FEWER, /* Of a DPDK port: it has more flows in the NIC than the driver has lines. */
};

struct fl_disagreement {
    enum fl_disagreement_kind kind;
    char
        device[FL_DISAGREEMENT_DEVICE_BYTES]; /* "block 7" without one; empty: of the whole host. */
    bool has_ufid;
    ovs_u128 ufid;
    char *text; /* One sentence, without a full stop, that begins with the device; owned. */
};

struct fl_flow_word;
struct fl_port_word;

/* One look, or what is left of two. */
struct fl_agreement {
    const struct fl_ports *ports; /* Of the flows; borrowed. */
    bool lists_all;               /* To be set before the first filter. */
    struct fl_flow_word *flows;
    size_t n_flows, n_flows_allocated;
    bool is_sorted;
    struct fl_port_word *port_words;
    size_t n_port_words;
    size_t n_ports;                /* Whose drivers told their lines. */
    uint64_t n_filters;            /* With Open vSwitch's cookie. */
    struct fl_disagreement *found; /* At most FL_LIMIT_DISAGREEMENTS; there may be more. */
    size_t n_found, n_found_allocated;
};

/** fl_agreement_init() - @ports: borrowed, for as long as flows and filters are added */
void fl_agreement_init(struct fl_agreement *agreement, const struct fl_ports *ports);
void fl_agreement_destroy(struct fl_agreement *agreement);

/** fl_agreement_add_flow() - Open vSwitch's word of one flow; all of them before the first filter or port */
void fl_agreement_add_flow(struct fl_agreement *agreement, const struct fl_flow *flow);

/**
 * fl_agreement_add_filter() - TC's word
 * @flow: the same, of fl_tc_to_flow()
 * @orphan: why Open vSwitch cannot know it (fl_orphan_reason()); NULL: nothing shows that
 */
void fl_agreement_add_filter(struct fl_agreement *agreement, const struct fl_tc_filter *filter,
                             const struct fl_flow *flow, const char *orphan);

/**
 * fl_agreement_add_port() - the word of a driver of DPDK
 * @device: name of the Open vSwitch interface
 * @n_lines: that it writes about the port's rules: one a rule or more, and never fewer
 */
void fl_agreement_add_port(struct fl_agreement *agreement, const char *device, uint64_t n_lines);

/**
 * fl_agreement_count() - how many flows Open vSwitch believes to have in TC, after the last filter
 * Seen from its own memory ("upcall/show"): what it lists, it reads from TC.
 */
void fl_agreement_count(struct fl_agreement *agreement, uint64_t n_kept);

/** fl_agreement_end() - there are no more filters: what Open vSwitch said to be there and was not seen */
void fl_agreement_end(struct fl_agreement *agreement);

/** fl_agreement_confirm() - leave of @agreement what @again, a later look, has found too */
void fl_agreement_confirm(struct fl_agreement *agreement, const struct fl_agreement *again);

#endif
