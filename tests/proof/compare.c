/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>
#include <ovs/packets.h>
#include <ovs/random.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/draw.h"
#include "flows/region.h"
#include "lib/ovs/trace.h"
#include "lib/packet.h"

/* ---- Packets ---- */

static uint32_t random_bits(void *aux OVS_UNUSED)
{
    return random_uint32();
}

bool packets_that_come(const struct match *match, struct match *packets)
{
    struct match all;

    fl_region_at_entry(&all);
    memset(&all.wc.masks.tunnel, 0xff, sizeof all.wc.masks.tunnel);
    all.wc.masks.skb_priority = UINT32_MAX;
    memset(&all.wc.masks.vlans[1], 0xff, sizeof all.wc.masks.vlans[1]);
    return fl_region_intersect(&all, match, packets);
}

static void move_to_edges(const struct match *region, struct flow *packet)
{
    static const enum mf_field_id fields[] = {
        MFF_ETH_SRC,  MFF_ETH_DST, MFF_VLAN_VID, MFF_VLAN_PCP,  MFF_IPV4_SRC, MFF_IPV4_DST,
        MFF_IPV6_SRC, MFF_IP_DSCP, MFF_IP_ECN,   MFF_IP_TTL,    MFF_IP_FRAG,  MFF_TCP_SRC,
        MFF_TCP_DST,  MFF_UDP_SRC, MFF_UDP_DST,  MFF_TCP_FLAGS,
    };

    for (uint32_t n = 1 + random_range(3); n; n--) {
        const struct mf_field *field = mf_from_id(fields[random_range(ARRAY_SIZE(fields))]);
        struct flow moved = *packet;

        /* IPv4 has no IPv6 address. */
        if (fl_draw_at_edge(region, field, random_range(2) ? FL_DRAW_HIGHEST : FL_DRAW_LOWEST,
                            &moved) &&
            fl_region_has(region, &moved)) {
            *packet = moved;
        }
    }
}

bool draw_of_region(const struct match *region, struct flow *packet)
{
    bool at_edge = random_range(2);
    bool plain = at_edge && random_range(2);
    bool found = plain ? fl_draw_packet(region, NULL, packet)
                       : fl_draw_at_random(region, random_bits, NULL, packet);

    if (found && at_edge) {
        move_to_edges(region, packet);
    }
    return found;
}

/* Turns over one bit of what @hint tests and @region does not: the packets next to it. */
static void step_outside(const struct match *region, struct match *hint)
{
    uint8_t *value = (uint8_t *)&hint->flow;
    const uint8_t *mask = (const uint8_t *)&hint->wc.masks;
    const uint8_t *bound = (const uint8_t *)&region->wc.masks;
    size_t chosen = 0, n = 0;

    for (size_t i = 0; i < sizeof hint->flow * 8; i++) {
        if ((mask[i / 8] & ~bound[i / 8]) >> i % 8 & 1 && !random_range((int)++n)) {
            chosen = i;
        }
    }
    if (n) {
        value[chosen / 8] = (uint8_t)(value[chosen / 8] ^ 1u << chosen % 8);
    }
}

bool draw_of_rule(const struct fl_rule *rule, const struct match *hints, size_t n_hints,
                  struct flow *packet)
{
    struct match region, part;

    if (!packets_that_come(&rule->match, &region)) {
        return false;
    }
    /* Of the three kinds of packets by fragment, two miss a rule with ports: they are not worth as many. */
    if (!region.wc.masks.nw_frag && random_range(8)) {
        region.wc.masks.nw_frag = FLOW_NW_FRAG_MASK;
    }
    if (n_hints && !random_range(3)) {
        struct match hint = hints[random_range((int)n_hints)];

        if (random_range(2)) {
            step_outside(&region, &hint);
        }
        if (fl_region_intersect(&region, &hint, &part)) {
            return draw_of_region(&part, packet);
        }
    }
    return draw_of_region(&region, packet);
}

/* ---- Fates ---- */

/* What the rule cannot do for the pipeline, and may not do where the pipeline does not. */
#define SIDE_EFFECTS                                                                        \
    (FL_INVOLVES_NAT | FL_INVOLVES_LEARN | FL_INVOLVES_CONTROLLER | FL_INVOLVES_USERSPACE | \
     FL_INVOLVES_METER | FL_INVOLVES_TRUNC | FL_INVOLVES_HASH)

struct trial {
    struct fl_ctl *ctl;
    const struct fl_flowset *set;
    const struct fl_rule *rule;
    struct match exact; /* The packet alone. */
    char *plain, *guarded;
    struct fl_worlds with, without;
    bool relaxed;
    char *difference; /* Or NULL. */
};

static bool has_relaxation(const struct fl_flowset *set, const char *id)
{
    for (size_t i = 0; i < set->n_relaxations; i++) {
        if (!strcmp(set->relaxations[i].id, id)) {
            return true;
        }
    }
    return false;
}

static bool drops(const struct fl_fate *fate)
{
    return !fate->n_outputs && !fate->undecided;
}

static char *fate_text(const struct fl_fate *fate)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_fate_format(fate, &text);
    ds_put_cstr(&text, " [");
    fl_fate_format_involved(fate->involves, &text);
    ds_put_char(&text, ']');
    return ds_steal_cstr(&text);
}

static void differ(struct trial *t, const char *where, const struct fl_trace *without,
                   const struct fl_trace *with)
{
    _cleanup_free char *theirs = fate_text(without->fate);
    _cleanup_free char *ours = fate_text(with->fate);

    if (!t->difference) {
        t->difference = xasprintf("%s '%s' (%s): without the rules %s, with them %s",
                                  t->rule->bridge, t->guarded, where, theirs, ours);
    }
}

/* Nobody begins a connection with a segment that has ACK: what is new then is out of place. */
static bool new_is_allowed(const struct trial *t)
{
    const struct match *match = &t->rule->match;
    bool has_ack = match->flow.nw_proto == IPPROTO_TCP &&
                   match->wc.masks.tcp_flags & match->flow.tcp_flags & htons(TCP_ACK);

    return has_relaxation(t->set, t->rule->direction == FL_FROM_VM ? "ct-new-out" : "ct-new-in") ||
           (has_ack && has_relaxation(t->set, "ct-invalid"));
}

/* May the rules forward what the pipeline drops when conntrack says this? */
static bool drop_is_allowed(const struct trial *t, enum fl_world world)
{
    enum fl_world expected = t->rule->direction == FL_FROM_VM ? FL_WORLD_ESTABLISHED
                                                              : FL_WORLD_REPLY;

    if (world == FL_WORLD_INVALID) {
        return has_relaxation(t->set, "ct-invalid");
    }
    if (world == expected) {
        return false;
    }
    return drops(t->without.traces[FL_WORLD_NEW]->fate) && new_is_allowed(t);
}

/* @may_drop: the pipeline may drop what the rules forward. */
static void compare_traces(struct trial *t, const char *where, const struct fl_trace *without,
                           const struct fl_trace *with, bool may_drop)
{
    const struct fl_fate *theirs = without->fate, *ours = with->fate;
    unsigned int involves = (theirs->involves ^ ours->involves);

    if (!fl_fate_same(theirs, ours, &t->exact)) {
        if (may_drop && drops(theirs)) {
            t->relaxed = true;
        } else {
            differ(t, where, without, with);
        }
        return;
    }
    if (involves & SIDE_EFFECTS) {
        differ(t, where, without, with);
    }
    if (involves & FL_INVOLVES_SAMPLE) {
        t->relaxed = true;
        if (!has_relaxation(t->set, "sampling")) {
            differ(t, "sampling", without, with);
        }
    }
    if (without->n_normal > with->n_normal && !drops(theirs)) {
        t->relaxed = true;
        if (!has_relaxation(t->set, "mac-learning")) {
            differ(t, "learning", without, with);
        }
    }
}

/* Lookups that do not say the same. Of those that only know the connection, nothing may differ. */
static int compare_mixture(struct trial *t, struct fl_error *err)
{
    static const char *const states[] = { "trk,est", "trk,est,rpl", "trk,new", "trk,inv" };
    unsigned int n = t->without.n_tested;
    const char *answers[17] = { NULL };
    unsigned int unknown = 0;
    struct fl_trace *trace;
    int error;

    if (n < 2) {
        return 0;
    }
    for (unsigned int i = 0; i < MIN(n, ARRAY_SIZE(answers) - 1); i++) {
        int world = random_range(ARRAY_SIZE(states));

        answers[i] = states[world];
        unknown |= world == FL_WORLD_NEW || world == FL_WORLD_INVALID;
    }
    error = fl_trace_run(t->ctl, t->rule->bridge, t->guarded, answers, NULL, &trace, err);
    if (!error) {
        bool may_drop = unknown && (new_is_allowed(t) || has_relaxation(t->set, "ct-invalid"));

        compare_traces(t, "mixed", trace, t->with.traces[FL_WORLD_ESTABLISHED], may_drop);
        fl_trace_destroy(trace);
    }
    return error;
}

static int compare_worlds(struct trial *t, struct proof_counts *counts, struct fl_error *err)
{
    const char *bridge = t->rule->bridge;
    int error = fl_trace_worlds(t->ctl, bridge, t->plain, NULL, &t->with, err);

    if (error) {
        return error;
    }
    error = fl_trace_worlds(t->ctl, bridge, t->guarded, NULL, &t->without, err);
    if (error) {
        fl_worlds_release(&t->with);
        return error;
    }
    counts->traces += t->with.n_asked + t->without.n_asked;
    if (!strstr(t->with.traces[0]->text, "priority " OVS_STRINGIZE(FL_RULE_PRIORITY))) {
        counts->missed++;
        /* To a flow table, fragments have no ports, unless the bridge is told to reassemble. */
        if (!t->exact.flow.nw_frag) {
            differ(t, "no rule is hit", t->without.traces[0], t->with.traces[0]);
        }
    }
    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        compare_traces(t, fl_world_name(world), t->without.traces[world], t->with.traces[world],
                       drop_is_allowed(t, world));
    }
    error = compare_mixture(t, err);
    fl_worlds_release(&t->with);
    fl_worlds_release(&t->without);
    return error;
}

int compare_packet(struct fl_ctl *ctl, const struct fl_flowset *set, const struct fl_rule *rule,
                   const struct flow *packet, struct proof_counts *counts, struct fl_error *err)
{
    struct trial t = {
        .ctl = ctl,
        .set = set,
        .rule = rule,
        .plain = fl_packet_text(packet, 0, 0),
        .guarded = fl_packet_text(packet, set->guard_reg, set->guard_mask),
    };
    int error = 0;

    t.exact.flow = *packet;
    memset(&t.exact.wc.masks, 0xff, sizeof t.exact.wc.masks);
    if (t.plain && t.guarded) {
        error = compare_worlds(&t, counts, err);
        counts->packets++;
        *(t.difference ? &counts->disagreed : t.relaxed ? &counts->relaxed : &counts->agreed) += 1;
    }
    if (t.difference && !counts->first) {
        counts->first = fl_steal(t.difference);
    }
    free(t.difference);
    free(t.plain);
    free(t.guarded);
    return error;
}
