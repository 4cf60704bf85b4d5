/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_RTE_SHRINK_H
#define FLOWLIFT_RTE_SHRINK_H

/*
 * A DPDK rule that a NIC refuses (flows/rte_rule.h), reduced to the smallest parts of it that are refused in the
 * same words: what flows/shrink.h does with filters of TC, for the text of a rule.
 *
 * Fields, items and actions are left out one by one, for good where the driver then says the same; in the place of
 * the last action a drop. What is left is a part. Without it the rest is asked about again, for the next.
 */

#include "flows/cause.h"
#include "flows/shrink.h"
#include "flows/tc_answer.h"

#define FL_RTE_PART_BYTES 128

struct fl_rte_part {
    char what[FL_RTE_PART_BYTES]; /* "tcp dst", "ipv4 src with of_push_vlan" */
    enum fl_cause_id cause;       /* Of such a part, whatever the words. */
    struct fl_tc_answer answer;   /* To the part alone. */
};

struct fl_rte_shrunk {
    enum fl_shrink_outcome outcome;
    struct fl_tc_answer answer; /* To the whole rule, or the one that ended it. */
    unsigned int n_offers;
    unsigned int n_parts;
    struct fl_rte_part parts[FL_SHRINK_PARTS_MAX];
};

/** fl_rte_ask - ask the NIC. @answer: to be set; its attribute is of no use here */
typedef void fl_rte_ask(const char *rule, void *aux, struct fl_tc_answer *answer);

/**
 * fl_rte_shrink() - the smallest refused parts of a rule
 * @rule: as fl_rte_rule_format() writes it; one of more than 64 fields, items and actions is not taken apart
 * @shrunk: all set
 */
void fl_rte_shrink(const char *rule, fl_rte_ask *ask, void *aux, struct fl_rte_shrunk *shrunk);

#endif
