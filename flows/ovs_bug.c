/* SPDX-License-Identifier: Apache-2.0 */

/* See ovs_bug.h. */

#include "flows/ovs_bug.h"

#include <inttypes.h>
#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/actions.h"

#define MAX_FIXES 8
/* lib/netdev-offload-tc.c since 3.3.8: what TC has room for in a chain's number. */
#define RECIRC_ID_MAX ((UINT32_C(1) << 28) - 1)

struct version {
    unsigned int series[2]; /* 3.1 */
    unsigned int patch;
};

/* ---- What the bugs look like ---- */

static bool is_in_tc(const struct fl_flow *flow)
{
    return flow->layer == FL_LAYER_TC;
}

static bool matches_tunnel_source(const struct fl_flow *flow)
{
    return flow->has_match && MINIFLOW_GET_BE16(&flow->match.mask->masks, tunnel.tp_src);
}

static bool matches_tunnel_flags(const struct fl_flow *flow)
{
    return !is_in_tc(flow) && flow->has_match &&
           (MINIFLOW_GET_U16(&flow->match.mask->masks, tunnel.flags) &
            (FLOW_TNL_F_DONT_FRAGMENT | FLOW_TNL_F_CSUM));
}

static bool is_helper(const struct nlattr *action, void *aux OVS_UNUSED)
{
    return nl_attr_type(action) == OVS_ACTION_ATTR_CT &&
           nl_attr_find_nested(action, OVS_CT_ATTR_HELPER);
}

static bool is_in_tc_with_helper(const struct fl_flow *flow)
{
    return is_in_tc(flow) && flow->has_actions &&
           fl_actions_walk(flow->actions, flow->actions_len, is_helper, NULL);
}

static bool has_large_recirc_id(const struct fl_flow *flow)
{
    return flow->recirc_id > RECIRC_ID_MAX;
}

/* ---- The table ---- */

static const struct bug {
    enum fl_cause_id id;
    const char *fixed_in[MAX_FIXES]; /* Oldest series first; series after the last one have it. */
    const char *looks;               /* "a match on ..." */
    bool (*fits)(const struct fl_flow *flow); /* NULL: not to be told from one flow */
} bugs[] = {
    { FL_CAUSE_BUG_UFID, { "2.17.6", "3.0.4", "3.1.1", "3.2.0" }, NULL, NULL },
    { FL_CAUSE_BUG_STALE_UKEY,
      { "2.17.12", "3.0.8", "3.1.6", "3.2.4", "3.3.3", "3.4.1", "3.5.0" },
      NULL,
      NULL },
    { FL_CAUSE_BUG_PURGE, { "3.1.4", "3.2.2", "3.3.0" }, NULL, NULL },
    { FL_CAUSE_BUG_CHAINS, { "2.17.7", "3.0.5", "3.1.2", "3.2.0" }, NULL, NULL },
    { FL_CAUSE_BUG_STATS_WAIT, { "2.17.6", "3.0.4", "3.1.1", "3.2.0" }, NULL, NULL },
    { FL_CAUSE_BUG_STATS_BACK, { "3.1.2", "3.2.0" }, NULL, NULL },
    { FL_CAUSE_BUG_HW_COUNT, { "2.17.6", "3.0.4", "3.1.1", "3.2.0" }, NULL, NULL },
    { FL_CAUSE_BUG_TUNNEL_SOURCE,
      { "2.17.9", "3.0.6", "3.1.4", "3.2.2", "3.3.0" },
      "a match on the source port of a tunnel",
      matches_tunnel_source },
    { FL_CAUSE_BUG_ALG,
      { "2.17.6", "3.0.4", "3.1.0" },
      "ct() with a helper in TC",
      is_in_tc_with_helper },
    { FL_CAUSE_BUG_VLAN_PRIO, { "3.4.0" }, NULL, NULL },
    { FL_CAUSE_BUG_FRAGMENT_REWRITE, { "3.3.4", "3.4.2", "3.5.0" }, NULL, NULL },
    { FL_CAUSE_BUG_RECIRC_PARENT, { "3.6.0" }, NULL, NULL }, /* see is_split() */
    { FL_CAUSE_BUG_RECIRC_BITS,
      { "3.3.8", "3.4.5", "3.5.3", "3.6.2", "3.7.0" },
      "a recirc_id of more than 28 bits",
      has_large_recirc_id },
    { FL_CAUSE_BUG_TUNNEL_FLAGS,
      { "3.5.3", "3.6.2", "3.7.0" },
      "a match on flags of a tunnel",
      matches_tunnel_flags },
    { FL_CAUSE_BUG_FAILED_MODIFY, { "3.3.0" }, NULL, NULL },
};

/* ---- Versions ---- */

/* "3.1.0", "3.1.0-1+deb12u2". A patch level of 1000 and more is a vendor's ("3.2.1005"). */
static bool read_version(const char *text, struct version *version)
{
    return text &&
           sscanf(text, "%u.%u.%u", &version->series[0], &version->series[1], &version->patch) ==
               3 &&
           version->patch < 1000;
}

static int compare_series(const struct version *a, const struct version *b)
{
    return a->series[0] != b->series[0]   ? (a->series[0] < b->series[0] ? -1 : 1)
           : a->series[1] != b->series[1] ? (a->series[1] < b->series[1] ? -1 : 1)
                                          : 0;
}

static enum fl_ovs_bug_is is_in(const struct bug *bug, const char *text, const char **fixed_in)
{
    struct version version;

    *fixed_in = bug->fixed_in[0];
    if (!read_version(text, &version)) {
        return FL_BUG_IS_UNKNOWN;
    }
    for (size_t i = 0; i < MAX_FIXES && bug->fixed_in[i]; i++) {
        struct version fix;
        int order;

        ovs_assert(read_version(bug->fixed_in[i], &fix));
        *fixed_in = bug->fixed_in[i];
        order = compare_series(&version, &fix);
        if (order < 0) {
            return FL_BUG_IS_THERE;
        }
        if (!order) {
            return version.patch < fix.patch ? FL_BUG_IS_THERE : FL_BUG_IS_FIXED;
        }
    }
    return FL_BUG_IS_FIXED;
}

enum fl_ovs_bug_is fl_ovs_bug_in(enum fl_cause_id id, const char *version, const char **fixed_in)
{
    const char *fix;

    for (size_t i = 0; i < ARRAY_SIZE(bugs); i++) {
        if (bugs[i].id == id) {
            return is_in(&bugs[i], version, fixed_in ? fixed_in : &fix);
        }
    }
    OVS_NOT_REACHED();
}

/* ---- Of a chain ---- */

/* A packet that TC never sees, and a filter in TC that waits for it. */
static bool is_split(const struct fl_chain *chain)
{
    for (size_t i = 0; i + 1 < chain->n_links; i++) {
        if (chain->links[i]->flow.layer == FL_LAYER_OVS && is_in_tc(&chain->links[i + 1]->flow)) {
            return true;
        }
    }
    return false;
}

static const char *looks_like(const struct bug *bug, const struct fl_chain *chain)
{
    if (bug->id == FL_CAUSE_BUG_RECIRC_PARENT) {
        return is_split(chain) ? "a flow in dp:ovs is followed by one in dp:tc" : NULL;
    }
    for (size_t i = 0; bug->fits && i < chain->n_links; i++) {
        if (bug->fits(&chain->links[i]->flow)) {
            return bug->looks;
        }
    }
    return NULL;
}

size_t fl_ovs_bugs_of_chain(const struct fl_chain *chain, const char *version,
                            struct fl_cause causes[FL_MAX_CAUSES])
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(bugs) && n < FL_MAX_CAUSES; i++) {
        const char *fixed_in, *looks = looks_like(&bugs[i], chain);

        if (!looks || is_in(&bugs[i], version, &fixed_in) != FL_BUG_IS_THERE) {
            continue;
        }
        causes[n] = (struct fl_cause){ .id = bugs[i].id, .may_be = true };
        snprintf(causes[n].detail, sizeof causes[n].detail,
                 "%s; Open vSwitch %s has the bug, %s the fix", looks, version, fixed_in);
        n++;
    }
    return n;
}
