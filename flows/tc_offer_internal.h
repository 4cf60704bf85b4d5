/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_OFFER_INTERNAL_H
#define FLOWLIFT_TC_OFFER_INTERNAL_H

/*
 * What the files of the offer share, and nobody else includes.
 *
 *   tc_offer.c           whether OVS offers the flow, where
 *   tc_offer_match.c     struct match -> match keys
 *   tc_offer_tunnel.c    likewise of a tunnel, and "set(tunnel())"
 *   tc_offer_actions.c   OVS_ACTION_ATTR_* -> actions
 *   tc_offer_ct.c, tc_offer_pedit.c, tc_offer_length.c   those that take more
 */

#include <openvswitch/match.h>

#include "flows/tc_offer.h"

struct nlattr;

struct fl_tc_offering {
    const struct fl_tc_offer_host *host;
    struct fl_tc_filter *filter;
    struct fl_error *err;
    const char *dev_kind;
    uint8_t ip_proto; /* nw_proto, whether it is matched or not */
    bool has_tunnel;  /* The packets come with the header of a tunnel ... */
    bool released;    /* ... and it was taken off. */
    bool needs_proto; /* The rewrites ask for a match of ip_proto. */
    uint32_t csum;    /* Checksums of rewrites so far: TCA_CSUM_UPDATE_FLAG_* */
};

/** fl_tc_offer_put() - a key of which @mask is matched; none at all without a bit of it */
void fl_tc_offer_put(struct fl_tc_filter *filter, enum fl_tc_key key, uint32_t value,
                     uint32_t mask);
/** fl_tc_offer_put_bytes() - likewise of @n bytes in the order of packets */
void fl_tc_offer_put_bytes(struct fl_tc_filter *filter, enum fl_tc_key key, const void *value,
                           const void *mask, size_t n);

/** fl_tc_offer_match() - the keys of @match. Mask bits that a filter has a form for are cleared. */
void fl_tc_offer_match(struct fl_tc_offering *offering, struct match *match);
int fl_tc_offer_tunnel_match(struct fl_tc_offering *offering, struct match *match);

/**
 * fl_tc_offer_list() - the actions of a flow, or of a branch of it
 * @is_last: nothing follows it for its packets
 * @is_end: its last action is the last of the filter
 * @jump: set to the action that jumps from an inner check to the end of the list; untouched without
 */
int fl_tc_offer_list(struct fl_tc_offering *offering, const struct nlattr *actions, size_t len,
                     bool is_last, bool is_end, size_t *jump);
/** fl_tc_offer_length_check() - check_pkt_len(); the rest as of fl_tc_offer_list() */
int fl_tc_offer_length_check(struct fl_tc_offering *offering, const struct nlattr *action,
                             bool is_last, bool is_end, size_t *jump);
int fl_tc_offer_actions(struct fl_tc_offering *offering, const struct nlattr *actions, size_t len);
/** fl_tc_offer_pedit() - set() of a header other than a tunnel's; @masked: value and mask */
int fl_tc_offer_pedit(struct fl_tc_offering *offering, const struct nlattr *set, bool masked);
/** fl_tc_offer_rewrites() - is @set of a header that pedit rewrites? */
bool fl_tc_offer_rewrites(const struct nlattr *set);
int fl_tc_offer_ct(struct fl_tc_offering *offering, const struct nlattr *ct);
int fl_tc_offer_tunnel_set(struct fl_tc_offering *offering, const struct nlattr *tunnel);

/** fl_tc_offer_add() - the next action, which goes on with the one after it; NULL when there is no room */
struct fl_tc_action *fl_tc_offer_add(struct fl_tc_offering *offering, enum fl_tc_kind kind);

#endif
