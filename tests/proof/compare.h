/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_PROOF_COMPARE_H
#define FLOWLIFT_TESTS_PROOF_COMPARE_H

/*
 * What becomes of single packets with the rules of a proven set, and without: another way to the same
 * answer as the proof's, which looks at one packet at a time and at no region.
 *
 * The rules are in the switch. A packet goes through them as it is, and past them with the guard bit set.
 */

#include <openvswitch/match.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/flowset.h"
#include "lib/ovs/ctl.h"

struct proof_counts {
    uint64_t packets;
    uint64_t agreed;    /* The same in all worlds of conntrack ... */
    uint64_t relaxed;   /* ... but for what the set names as a relaxation. */
    uint64_t disagreed; /* Anything else. */
    uint64_t missed;    /* Of @packets: no rule is hit, as with fragments. */
    uint64_t traces;
    char *first; /* The first packet that disagreed or missed, and how; free() it. */
};

/**
 * compare_packet() - one packet of a rule, in all four worlds of conntrack and one mixture of them
 * Return: 0 and @counts, or negative errno when OVS could not be asked.
 */
int compare_packet(struct fl_ctl *ctl, const struct fl_flowset *set, const struct fl_rule *rule,
                   const struct flow *packet, struct proof_counts *counts, struct fl_error *err);

/**
 * draw_of_rule() - a packet that a rule can match: anywhere, at an edge, or in or just outside of a hint
 * @hints: regions in which something may be different
 * Return: false when none was found this time.
 */
bool draw_of_rule(const struct fl_rule *rule, const struct match *hints, size_t n_hints,
                  struct flow *packet);

/** draw_of_region() - likewise of any region: half of the packets are at its edges */
bool draw_of_region(const struct match *region, struct flow *packet);

/** packets_that_come() - of @match, what can come to a bridge and be written for ofproto/trace
 * Return: false when that is nothing. */
bool packets_that_come(const struct match *match, struct match *packets);

#endif
