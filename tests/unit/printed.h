/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_PRINTED_H
#define FLOWLIFT_TESTS_PRINTED_H

/* A flow's match and actions as text, for comparing; both to be freed. */

#include <ovs/odp-util.h>

#include "flows/flow.h"

static inline char *actions_text(const struct fl_flow *flow)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    format_odp_actions(&text, flow->actions, flow->actions_len, NULL);
    return ds_steal_cstr(&text);
}

static inline char *match_text(const struct fl_flow *flow)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    return match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
}

#endif
