/* SPDX-License-Identifier: Apache-2.0 */

/* Passage through the steps of a trace. See passage.h. */

#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/packet_kind.h"
#include "flows/passage.h"

/* Which packets go on is not told by their headers: check_pkt_len(), and sample() that recirculates. */
static bool is_fork(const struct nlattr *action, void *aux)
{
    int type = nl_attr_type(action);

    (void)aux;
    return type == OVS_ACTION_ATTR_CHECK_PKT_LEN ||
           (type == OVS_ACTION_ATTR_SAMPLE && fl_actions_recirculate(action, action->nla_len));
}

struct crossing {
    const struct fl_passage_step *next;
    struct fl_passage *result;
};

static bool cross(uint32_t recirc_id, const struct fl_passage *at, void *crossing_)
{
    struct crossing *crossing = crossing_;

    if (recirc_id != crossing->next->recirc_id) {
        return false;
    }
    *crossing->result = *at;
    return true;
}

/* Bits that say what a ct() or the datapath's hash found. */
static void state_fields(struct flow *fields)
{
    memset(fields, 0, sizeof *fields);
    fl_packet_ct_fields(fields);
    fields->dp_hash = UINT32_MAX;
}

static void add_state(struct flow *state, const struct match *match, const struct flow *fields)
{
    const uint64_t *mask = (const uint64_t *)&match->wc.masks;
    const uint64_t *field = (const uint64_t *)fields;
    uint64_t *bits = (uint64_t *)state;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        bits[i] |= mask[i] & field[i];
    }
}

/* What binds state at entry is the match of the first step alone; the passage has that of the last ct(). */
static void restore_state(struct match *region, const struct match *first,
                          const struct flow *fields)
{
    uint64_t *value = (uint64_t *)&region->flow, *mask = (uint64_t *)&region->wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t field = ((const uint64_t *)fields)[i];

        mask[i] = (mask[i] & ~field) | (((const uint64_t *)&first->wc.masks)[i] & field);
        value[i] = (value[i] & ~field) | (((const uint64_t *)&first->flow)[i] & field);
    }
    region->wc.masks.recirc_id = first->wc.masks.recirc_id;
    region->flow.recirc_id = first->flow.recirc_id;
    match_zero_wildcarded_fields(region);
}

bool fl_passage_pull_back(const struct fl_passage_step *steps, size_t n, struct fl_pull_back *back)
{
    struct fl_passage passage;
    struct flow fields, state;

    state_fields(&fields);
    memset(&state, 0, sizeof state);
    fl_passage_begin(&passage);
    if (!fl_passage_meet_match(&passage, steps[0].match)) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        const struct fl_passage_step *from = &steps[i - 1];
        struct fl_passage before = passage;
        struct crossing crossing = { .next = &steps[i], .result = &passage };

        if (!fl_passage_act(&before, from->actions, from->actions_len, cross, &crossing) ||
            !fl_passage_meet_match(&passage, steps[i].match)) {
            return false;
        }
        if (fl_actions_walk(from->actions, from->actions_len, is_fork, NULL)) {
            passage.exact = false;
        }
        add_state(&state, steps[i].match, &fields);
    }
    back->region = passage.region;
    restore_state(&back->region, steps[0].match, &fields);
    back->state = state;
    back->exact = passage.exact;
    return true;
}
