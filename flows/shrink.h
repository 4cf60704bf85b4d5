/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SHRINK_H
#define FLOWLIFT_SHRINK_H

/*
 * A filter that a NIC refuses, reduced to the smallest parts of it that are still refused: which match keys and
 * actions, each of them by itself or only together, and what the NIC says of just these.
 *
 *     fl_shrink(&filter, fl_tc_probe_callback, probe, &shrunk);
 *     for (i = 0; i < shrunk.n_parts; i++)
 *         fl_shrunk_format(&shrunk, i, &filter, &text);
 *
 * Units are dropped together with those that need them: ports need their protocol, addresses the Ethernet type,
 * what is behind a tag the tag, a checksum some rewrite, an output the header of its tunnel. Something leads
 * somewhere at any time: the filter's own last action, or, where that is what is refused, a drop.
 *
 * It takes for granted that a NIC that takes a filter takes less of it too. What it says is checked all the same:
 * each part was refused by itself; without one unit of each the filter was taken; and without all parts but
 * one it was not. Two parts with a unit in common may be reported as one of them.
 */

#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/dynamic-string.h>

#include "flows/cause.h"
#include "flows/tc_answer.h"
#include "flows/tc_filter.h"

#define FL_SHRINK_UNITS_MAX 64
#define FL_SHRINK_PARTS_MAX 8

enum fl_shrink_kind {
    FL_SHRINK_KEY,         /* @keys */
    FL_SHRINK_TAG,         /* That there is a VLAN tag. */
    FL_SHRINK_TUNNEL_OPTS, /* Options of a tunnel. */
    FL_SHRINK_MPLS,        /* Labels by depth. */
    FL_SHRINK_ACTION,      /* @action */
    FL_SHRINK_REWRITE,     /* One field of a pedit: @action, words @first and @n of pedit_keys. */
    FL_SHRINK_ACTIONS,     /* All of them, where one jumps over others. */
};

/* What is dropped, or kept, as a whole. */
struct fl_shrink_unit {
    enum fl_shrink_kind kind;
    uint64_t keys;      /* Bit of each enum fl_tc_key; two for a range. */
    uint8_t action;     /* In the filter. */
    uint8_t first, n;   /* In its pedit_keys. */
    uint64_t needs;     /* Bit of each unit that has to be there with it ... */
    uint64_t needs_any; /* ... and of those of which one has to. */
};

struct fl_shrunk_part {
    uint64_t units;  /* Bit of each unit that is refused, together with the others. */
    uint64_t needed; /* Units that had to be offered with them. */
    uint64_t
        masks; /* Those of @units whose key is taken with a full mask: the mask is what is refused. */
    struct fl_tc_answer answer; /* To the part alone. */
};

enum fl_shrink_outcome {
    FL_SHRINK_PARTS, /* Refused because of @parts; there may be more when n_parts is the maximum. */
    FL_SHRINK_ACCEPTED,   /* Not refused at all. */
    FL_SHRINK_EVERYTHING, /* Whatever it is: the port, not the filter. @answer says why. */
    FL_SHRINK_PASSING,    /* For the moment only (fl_tc_answer_passes()). @answer says why. */
    FL_SHRINK_CANNOT_TELL, /* @answer says why. The @parts found till then are right; there may be more. */
};

struct fl_shrunk {
    enum fl_shrink_outcome outcome;
    struct fl_tc_answer answer; /* To the whole filter, or the one that ended it. */
    unsigned int n_offers;
    unsigned int n_units;
    struct fl_shrink_unit units[FL_SHRINK_UNITS_MAX];
    unsigned int n_parts;
    struct fl_shrunk_part parts[FL_SHRINK_PARTS_MAX];
};

/** fl_shrink_offer - ask the NIC. @answer: to be set */
typedef void fl_shrink_offer(const struct fl_tc_filter *filter, void *aux,
                             struct fl_tc_answer *answer);

/**
 * fl_shrink() - the smallest refused parts of @filter
 * @filter: as fl_tc_offer() makes it
 * @shrunk: all set
 */
void fl_shrink(const struct fl_tc_filter *filter, fl_shrink_offer *offer, void *aux,
               struct fl_shrunk *shrunk);

/**
 * fl_shrunk_format() - a part in words: "ip_ttl", "mask of src_ip with vlan push", "set ipv4 ttl"
 * @part: below n_parts
 * @filter: that was shrunk
 * @text: appended
 */
void fl_shrunk_format(const struct fl_shrunk *shrunk, unsigned int part,
                      const struct fl_tc_filter *filter, struct ds *text);

/** fl_shrunk_cause() - the cause that a refused part is, whatever the driver's words: FL_CAUSE_NIC_* */
enum fl_cause_id fl_shrunk_cause(const struct fl_shrunk *shrunk, unsigned int part,
                                 const struct fl_tc_filter *filter);

#endif
