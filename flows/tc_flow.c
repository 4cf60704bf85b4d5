/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/tc_flow.h"

#include <ovs/flow.h>
#include <ovs/hash.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <stdio.h>
#include <string.h>

#include "flows/tc_flow_internal.h"

void fl_tc_flow_init(struct fl_tc_flow *scratch, struct fl_ports *ports)
{
    memset(scratch, 0, sizeof *scratch);
    scratch->ports = ports;
    ofpbuf_init(&scratch->actions, 512);
    match_init_catchall(&scratch->wide);
    minimatch_init(&scratch->everything, &scratch->wide);
}

void fl_tc_flow_uninit(struct fl_tc_flow *scratch)
{
    minimatch_destroy(&scratch->everything);
    ofpbuf_uninit(&scratch->actions);
}

/* Identity */

/* A device's name is at one place for the time of a dump, which tells quickly where to look for it. */
static struct fl_tc_known_port *known_port(struct fl_tc_flow *scratch, const char *dev)
{
    return &scratch->known_ports[((uintptr_t)dev >> 4) % ARRAY_SIZE(scratch->known_ports)];
}

odp_port_t fl_tc_flow_port(struct fl_tc_flow *scratch, const char *dev)
{
    struct fl_tc_known_port *known = known_port(scratch, dev);
    size_t n;

    if (known->name[0] && !strcmp(known->name, dev))
        return known->port;
    n = strlen(dev);
    if (n >= sizeof known->name)
        return fl_ports_intern(scratch->ports, dev, n);
    memcpy(known->name, dev, n + 1);
    known->port = fl_ports_intern(scratch->ports, dev, n);
    return known->port;
}

static odp_port_t port_of(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter)
{
    const char *dev = filter->indev ? filter->indev : filter->dev;

    return dev ? fl_tc_flow_port(scratch, dev) : ODPP_NONE;
}

static void set_id(const struct fl_tc_filter *filter, struct fl_flow *flow)
{
    uint32_t where[] = { (uint32_t)filter->hook,
                         filter->block,
                         filter->chain,
                         filter->priority,
                         filter->protocol,
                         filter->handle,
                         0,
                         filter->line };
    size_t n;
    const uint8_t *cookie = fl_tc_cookie(filter, &n);

    if (cookie && n == sizeof flow->id) {
        memcpy(&flow->id, cookie, n);
        flow->has_ufid = true;
        return;
    }
    where[6] = filter->dev ? hash_string(filter->dev, 0) : 0;
    hash_bytes128(where, sizeof where, 0, &flow->id);
}

/* Counters and path */

static void set_counters(const struct fl_tc_filter *filter, struct fl_flow *flow)
{
    struct fl_tc_totals totals;

    flow->used_ms = fl_tc_used_ms(filter);
    fl_tc_count(filter, &totals);
    if (!totals.known)
        return;
    flow->packets = totals.sw_packets + totals.hw_packets;
    flow->bytes = totals.sw_bytes + totals.hw_bytes;
    if (totals.hw_known) {
        flow->hw_packets = totals.hw_packets;
        flow->hw_bytes = totals.hw_bytes;
    } else if (flow->offloaded == FL_OFFLOADED_NONE) {
        flow->hw_packets = flow->hw_bytes = 0;
    }
}

/*
 * "in_hw" and "not_in_hw" are of kernels since 4.13. What is to skip the software, and was taken, is
 * in hardware; what is to skip the hardware is not. Versions that say nothing of u32 and bpf filters
 * are older than any offload of these.
 */
static enum fl_offloaded offloaded_of(const struct fl_tc_filter *filter)
{
    if (filter->flags & FL_TC_NOT_IN_HW)
        return FL_OFFLOADED_NONE;
    if (filter->flags & FL_TC_IN_HW)
        return FL_OFFLOADED_YES;
    if (filter->flags & FL_TC_SKIP_HW)
        return FL_OFFLOADED_NONE;
    if (filter->flags & FL_TC_SKIP_SW)
        return FL_OFFLOADED_YES;
    return filter->is_other_kind ? FL_OFFLOADED_NONE : FL_OFFLOADED_OTHER;
}

/* What only TC tells */

static bool has_lost_target(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        const struct fl_tc_action *action = &filter->actions[i];

        /* The kernel tells ifindex 0 then, and tc prints it as "*". */
        if (action->kind == FL_TC_MIRRED && !action->mirred.ifindex &&
            (!action->mirred.to_dev || !strcmp(action->mirred.to_dev, "*")))
            return true;
    }
    return false;
}

/* OVS 3.1: so are internal ports sent to, as their egress is the host's receive side. */
static bool has_host_target(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        if (filter->actions[i].kind == FL_TC_MIRRED && filter->actions[i].mirred.ingress)
            return true;
    }
    return false;
}

/* Which meter it stands for only ovs-vswitchd knows. */
static uint32_t meter_police(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        const struct fl_tc_action *action = &filter->actions[i];

        if (action->kind == FL_TC_POLICE && action->index >= FL_TC_FIRST_METER &&
            action->index <= FL_TC_LAST_METER)
            return action->index;
    }
    return 0;
}

/* The bond that stands for a block shares it too, and has no NIC of its own. */
static void set_block(const struct fl_tc_filter *filter, struct fl_flow *flow)
{
    uint32_t members = filter->block_members;

    flow->block = filter->block;
    if (members && filter->dev)
        members--;
    flow->block_members = (uint16_t)MIN(members, UINT16_MAX);
    flow->block_in_hw = (uint16_t)MIN(filter->in_hw_count, UINT16_MAX);
}

/* What it matches and does */

static void blame(struct fl_tc_flow *scratch, struct fl_flow *flow, const char *what,
                  const char *why)
{
    if (flow->parse_error)
        return;
    snprintf(scratch->error, sizeof scratch->error, "%s: %s", what, why);
    flow->parse_error = scratch->error;
}

/* Words of struct flow that are looked at together: most of them are zero. */
#define GROUP 8u

/* All of a group at once; the last, if it is shorter, is looked at word by word. */
static inline bool is_zero(const uint64_t *words, size_t n)
{
    return n == GROUP &&
           !(words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7]);
}

/* minimatch_init() into memory that is used again; cheaper, since most of @wide was not touched. */
static void compress_match(struct fl_tc_flow *scratch)
{
    const uint64_t *flow = (const uint64_t *)&scratch->wide.flow;
    const uint64_t *mask = (const uint64_t *)&scratch->wide.wc.masks;
    struct flowmap map = FLOWMAP_EMPTY_INITIALIZER;
    size_t n = 0;

    for (size_t at = 0; at < FLOW_U64S; at += GROUP) {
        size_t end = MIN(at + GROUP, FLOW_U64S);

        if (is_zero(mask + at, end - at))
            continue;
        for (size_t i = at; i < end; i++) {
            if (!mask[i])
                continue;
            flowmap_set(&map, i, 1);
            scratch->flow.values[n] = flow[i] & mask[i];
            scratch->mask.values[n++] = mask[i];
        }
    }
    scratch->flow.mini.map = scratch->mask.mini.masks.map = map;
    scratch->match = (struct minimatch){
        .flow = &scratch->flow.mini,
        .mask = &scratch->mask.mini,
    };
    scratch->has_match = true;
}

/* Back to everything, where the last flow had a match. */
static void clear_match(struct fl_tc_flow *scratch)
{
    uint64_t *flow = (uint64_t *)&scratch->wide.flow, *mask = (uint64_t *)&scratch->wide.wc.masks;
    size_t i;

    if (!scratch->has_match)
        return;
    FLOWMAP_FOR_EACH_INDEX(i, scratch->mask.mini.masks.map)
    {
        flow[i] = 0;
        mask[i] = 0;
    }
    scratch->has_match = false;
}

static void set_match(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                      struct fl_flow *flow)
{
    struct match *match = &scratch->wide;
    const char *formless = fl_tc_flow_match(scratch, filter);

    match->flow.recirc_id = filter->chain;
    match->wc.masks.recirc_id = UINT32_MAX;
    if (flow->in_port != ODPP_NONE) {
        match->flow.in_port.odp_port = flow->in_port;
        match->wc.masks.in_port.odp_port = ODPP_NONE; /* All ones. */
    } else {
        flow->match_partial = true;
    }
    compress_match(scratch);
    flow->has_match = true;
    flow->match = scratch->match;
    flow->wide = match;
    if (filter->unknown_match)
        blame(scratch, flow, "the match was not understood in full", filter->unknown);
    else if (formless)
        blame(scratch, flow, "a match key has no form in Open vSwitch", formless);
    flow->match_partial |= filter->unknown_match || formless;
}

static void set_actions(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                        struct fl_flow *flow)
{
    char why[sizeof scratch->error];
    bool whole;

    if (filter->unknown_action) {
        blame(scratch, flow, "the actions were not understood in full", filter->unknown);
        return;
    }
    /* It writes its sentence where that of the match may stand. */
    memcpy(why, scratch->error, sizeof why);
    whole = fl_tc_flow_actions(scratch, filter);
    if (flow->parse_error)
        memcpy(scratch->error, why, sizeof why);
    else if (!whole)
        flow->parse_error = scratch->error;
    if (!whole)
        return;
    flow->has_actions = true;
    flow->actions = scratch->actions.data;
    flow->actions_len = (uint16_t)scratch->actions.size;
    flow->drops = flow->actions_len == 0;
}

void fl_tc_to_flow(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                   unsigned int flags, struct fl_flow *flow)
{
    clear_match(scratch);
    *flow = (struct fl_flow){
        .layer = FL_LAYER_TC,
        .offloaded = offloaded_of(filter),
        .pmd = FL_PMD_NONE,
        .line = filter->line,
        .in_port = port_of(scratch, filter),
        .recirc_id = filter->chain,
        .has_recirc_id = true,
        .packets = FL_COUNT_UNKNOWN,
        .bytes = FL_COUNT_UNKNOWN,
        .hw_packets = FL_COUNT_UNKNOWN,
        .hw_bytes = FL_COUNT_UNKNOWN,
        .match = scratch->everything,
        .match_partial = true,
        .skip_hw = filter->has_flags && filter->flags & FL_TC_SKIP_HW,
    };
    set_id(filter, flow);
    set_counters(filter, flow);
    if (filter->hook == FL_TC_BLOCK && filter->has_in_hw_count)
        set_block(filter, flow);
    if (!(flags & FL_TC_FLOW_COUNTERS) && !filter->terse) {
        flow->match_partial = false;
        flow->target_gone = has_lost_target(filter);
        flow->to_host = has_host_target(filter);
        flow->meter_police = meter_police(filter);
        set_match(scratch, filter, flow);
        set_actions(scratch, filter, flow);
    }
    flow->path = fl_flow_path(flow);
}
