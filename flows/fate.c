/* SPDX-License-Identifier: Apache-2.0 */

/* See fate.h. Here: how a fate comes about. */

#include "flows/fate.h"

#include <ovs/flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/limits.h"
#include "flows/passage.h"
#include "flows/passage_rewrite.h"

/* One copy of the packet on its way. */
struct copy {
    struct fl_passage passage;
    unsigned int n_popped, n_pushed;
    union flow_vlan_hdr pushed[FL_FATE_MAX_PUSHED];
    uint32_t max_bytes;
    const struct nlattr *tunnel; /* The last set(tunnel()) or tnl_push(). */
    bool wrapped;                /* tnl_push(): headers are now those of the tunnel. */
    bool sampled;                /* Not every packet gets here. */
};

struct walk {
    const struct fl_fate_step *steps;
    const struct fl_ports *ports;
    struct fl_fate *fate;
    size_t next[FL_LIMIT_CHAIN_LINKS]; /* Step to which the next recirc() of a step leads. */
    size_t allocated;                  /* outputs */
};

void fl_fate_destroy(struct fl_fate *fate)
{
    if (!fate) {
        return;
    }
    for (size_t i = 0; i < fate->n_outputs; i++) {
        free(fate->outputs[i].port);
        free(fate->outputs[i].tunnel);
    }
    free(fate->outputs);
    free(fate->cts);
    free(fate);
}

/* Make @fate undecided, unless it is; @why is static. */
static void doubt(struct fl_fate *fate, const char *why)
{
    if (!fate->undecided) {
        fate->undecided = why;
    }
}

/* Outputs */

static char *format_action(const struct walk *walk, const struct nlattr *action)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_action_format(action, fl_ports_names(walk->ports), &text);
    return ds_steal_cstr(&text);
}

/* Is something of the packet not known? What a tunnel adds is told by fl_fate_output.tunnel. */
static bool is_lost(const struct copy *copy)
{
    struct flow lost = copy->passage.lost;

    fl_passage_clear_connection(&lost);
    memset(&lost.tunnel, 0, sizeof lost.tunnel);
    return !is_all_zeros(&lost, sizeof lost);
}

/* Of what was set, the headers and what else goes with the packet. VLANs have their own place. */
static void keep_headers(struct flow *flow)
{
    fl_passage_clear_connection(flow);
    memset(&flow->tunnel, 0, sizeof flow->tunnel);
    memset(&flow->vlans, 0, sizeof flow->vlans);
    flow->in_port.odp_port = 0;
}

static void output(struct walk *walk, struct copy *copy, odp_port_t port)
{
    struct fl_fate *fate = walk->fate;
    struct fl_fate_output *out;
    char buf[16];

    if (fate->n_outputs >= FL_LIMIT_OUTPUTS) {
        doubt(fate, "too many outputs");
        return;
    }
    if (fate->n_outputs == walk->allocated) {
        fate->outputs = x2nrealloc(fate->outputs, &walk->allocated, sizeof *fate->outputs);
    }
    out = &fate->outputs[fate->n_outputs++];
    *out = (struct fl_fate_output){
        .port = xstrdup(fl_ports_name(walk->ports, port, buf)),
        .tunnel = copy->tunnel ? format_action(walk, copy->tunnel) : NULL,
        .max_bytes = copy->max_bytes,
        .set = copy->passage.set,
        .set_mask = copy->passage.set_mask,
        .n_popped = copy->n_popped,
        .n_pushed = copy->n_pushed,
    };
    memcpy(out->pushed, copy->pushed, sizeof out->pushed);
    keep_headers(&out->set);
    keep_headers(&out->set_mask);
    copy->max_bytes = 0;
    if (is_lost(copy)) {
        doubt(fate, "headers are rewritten to what the trace does not tell");
    }
    if (copy->sampled) {
        doubt(fate, "only some of the packets are sent to a port");
    }
}

/* Connection tracking */

/* Absent or zero: the address that conntrack takes for "any". */
static bool is_no_address(const struct nlattr *attr)
{
    return !attr || is_all_zeros(nl_attr_get(attr), nl_attr_get_size(attr));
}

static bool has(const struct nlattr *nat, uint16_t type)
{
    return nl_attr_find_nested(nat, type) != NULL;
}

static enum fl_nat nat_of(const struct nlattr *nat)
{
    if (!nat) {
        return FL_NAT_NONE;
    }
    if (has(nat, OVS_NAT_ATTR_DST)) {
        return FL_NAT_DST;
    }
    if (!has(nat, OVS_NAT_ATTR_SRC)) {
        return FL_NAT_RESTORE;
    }
    return is_no_address(nl_attr_find_nested(nat, OVS_NAT_ATTR_IP_MIN)) &&
                   is_no_address(nl_attr_find_nested(nat, OVS_NAT_ATTR_IP_MAX)) &&
                   !has(nat, OVS_NAT_ATTR_PROTO_MIN) && !has(nat, OVS_NAT_ATTR_PROTO_HASH) &&
                   !has(nat, OVS_NAT_ATTR_PROTO_RANDOM) && !has(nat, OVS_NAT_ATTR_PERSISTENT)
               ? FL_NAT_CLASH
               : FL_NAT_SRC;
}

static void track(struct walk *walk, struct copy *copy, const struct nlattr *action)
{
    const struct nlattr plain = { .nla_len = NLA_HDRLEN, .nla_type = OVS_ACTION_ATTR_CT };
    const struct nlattr *zone = nl_attr_find_nested(action, OVS_CT_ATTR_ZONE);
    struct fl_fate *fate = walk->fate;
    struct fl_fate_ct ct = {
        .zone = zone ? nl_attr_get_u16(zone) : 0,
        .nat = nat_of(nl_attr_find_nested(action, OVS_CT_ATTR_NAT)),
        .force = has(action, OVS_CT_ATTR_FORCE_COMMIT),
        .sets_mark = has(action, OVS_CT_ATTR_MARK),
        .sets_label = has(action, OVS_CT_ATTR_LABELS),
        .helper = has(action, OVS_CT_ATTR_HELPER),
    };

    ct.commit = ct.force || has(action, OVS_CT_ATTR_COMMIT);
    if (fate->n_cts >= FL_LIMIT_CT_ACTIONS) {
        doubt(fate, "too many ct() actions");
    } else {
        fate->cts = xrealloc(fate->cts, (fate->n_cts + 1) * sizeof *fate->cts);
        fate->cts[fate->n_cts++] = ct;
    }
    fate->involves |= FL_INVOLVES_CT | (ct.commit ? FL_INVOLVES_COMMIT : 0u) |
                      (ct.nat > FL_NAT_CLASH ? FL_INVOLVES_NAT : 0u);
    fl_passage_rewrite(&copy->passage, ct.nat == FL_NAT_CLASH ? &plain : action);
}

/* Rewrites */

static void push_vlan(struct walk *walk, struct copy *copy, const struct ovs_action_push_vlan *push)
{
    if (copy->n_pushed == FL_FATE_MAX_PUSHED) {
        doubt(walk->fate, "too many VLAN headers");
        return;
    }
    copy->pushed[copy->n_pushed++] = (union flow_vlan_hdr){
        .tpid = push->vlan_tpid,
        .tci = push->vlan_tci | htons(VLAN_CFI),
    };
}

static void pop_vlan(struct copy *copy)
{
    if (copy->n_pushed) {
        copy->pushed[--copy->n_pushed].qtag = 0;
    } else {
        copy->n_popped++;
    }
}

static bool sets_tunnel(const struct nlattr *action)
{
    const struct nlattr *key = nl_attr_get(action);

    return nl_attr_type(action) == OVS_ACTION_ATTR_SET && nl_attr_type(key) == OVS_KEY_ATTR_TUNNEL;
}

static void rewrite(struct walk *walk, struct copy *copy, const struct nlattr *action)
{
    if (copy->wrapped) {
        doubt(walk->fate, "a tunnel's own headers are rewritten");
    }
    switch (nl_attr_type(action)) {
    case OVS_ACTION_ATTR_PUSH_VLAN: push_vlan(walk, copy, nl_attr_get(action)); break;
    case OVS_ACTION_ATTR_POP_VLAN: pop_vlan(copy); break;
    default: break;
    }
    if (sets_tunnel(action)) {
        copy->tunnel = action;
        walk->fate->involves |= FL_INVOLVES_TUNNEL;
    }
    fl_passage_rewrite(&copy->passage, action);
}

/* What goes to ovs-vswitchd */

static unsigned int kind_of_userspace(const struct nlattr *action)
{
    const struct nlattr *data = nl_attr_find_nested(action, OVS_USERSPACE_ATTR_USERDATA);
    uint16_t type;

    if (!data || nl_attr_get_size(data) < sizeof type) {
        return FL_INVOLVES_USERSPACE;
    }
    memcpy(&type, nl_attr_get(data), sizeof type);
    switch (type) {
    case USER_ACTION_COOKIE_SFLOW:
    case USER_ACTION_COOKIE_FLOW_SAMPLE:
    case USER_ACTION_COOKIE_IPFIX: return FL_INVOLVES_SAMPLE;
    case USER_ACTION_COOKIE_CONTROLLER: return FL_INVOLVES_CONTROLLER;
    default: return FL_INVOLVES_USERSPACE;
    }
}

/* The ways of a packet */

static void act_all(struct walk *walk, struct copy *copy, size_t step, const struct nlattr *actions,
                    size_t len, unsigned int depth);

static struct copy *make_copy(const struct copy *copy)
{
    return xmemdup(copy, sizeof *copy);
}

/* What a copy's way tells of the packet at entry holds for the packet itself. */
static void end_copy(struct copy *copy, struct copy *branch)
{
    const uint64_t *value = (const uint64_t *)&branch->passage.region.flow;
    const uint64_t *bound = (const uint64_t *)&branch->passage.region.wc.masks;
    uint64_t *to_value = (uint64_t *)&copy->passage.region.flow;
    uint64_t *to_bound = (uint64_t *)&copy->passage.region.wc.masks;

    fl_passage_clear_connection(&branch->passage.region.flow);
    fl_passage_clear_connection(&branch->passage.region.wc.masks);
    for (size_t i = 0; i < FLOW_U64S; i++) {
        to_value[i] |= value[i];
        to_bound[i] |= bound[i];
    }
    copy->passage.exact &= branch->passage.exact;
    free(branch);
}

static void involve_conntrack(struct fl_fate *fate, const struct flow *mask)
{
    if (mask->ct_state & ~(uint32_t)CS_TRACKED) {
        fate->involves |= FL_INVOLVES_CT_STATE;
    }
    if (mask->ct_mark || !ovs_u128_is_zero(mask->ct_label) || mask->ct_nw_proto ||
        mask->ct_nw_src || mask->ct_nw_dst || !ipv6_addr_equals(&mask->ct_ipv6_src, &in6addr_any) ||
        !ipv6_addr_equals(&mask->ct_ipv6_dst, &in6addr_any)) {
        fate->involves |= FL_INVOLVES_CT_ENTRY;
    }
}

static void take_step(struct walk *walk, struct copy *copy, size_t step, unsigned int depth)
{
    const struct fl_fate_step *taken = &walk->steps[step];

    if (step) {
        involve_conntrack(walk->fate, &taken->region->wc.masks);
    }
    if (!fl_passage_meet_match(&copy->passage, taken->region)) {
        doubt(walk->fate, "a step's megaflow contradicts what came before it");
        return;
    }
    act_all(walk, copy, step, taken->actions, taken->actions_len, depth);
}

static void recirculate(struct walk *walk, struct copy *copy, size_t step, uint32_t recirc_id,
                        unsigned int depth)
{
    struct copy *branch = make_copy(copy);
    size_t to = walk->next[step]++;

    walk->fate->involves |= FL_INVOLVES_RECIRC;
    if (walk->steps[to].recirc_id != recirc_id) {
        doubt(walk->fate, "recirculations are not in the order of the steps");
        free(branch);
        return;
    }
    if (copy->wrapped) {
        doubt(walk->fate, "a tunnel's packet recirculates");
    }
    fl_passage_forget_hash(&branch->passage);
    take_step(walk, branch, to, depth);
    end_copy(copy, branch);
}

static void act_nested(struct walk *walk, struct copy *copy, size_t step,
                       const struct nlattr *action, unsigned int depth)
{
    const struct nlattr *lists[2];
    size_t lens[2];
    size_t n = fl_actions_nested(action, lists, lens);
    int type = nl_attr_type(action);
    const struct nlattr *share = type == OVS_ACTION_ATTR_SAMPLE
                                     ? nl_attr_find_nested(action, OVS_SAMPLE_ATTR_PROBABILITY)
                                     : NULL;

    walk->fate->involves |= type == OVS_ACTION_ATTR_CLONE    ? FL_INVOLVES_CLONE
                            : type == OVS_ACTION_ATTR_SAMPLE ? FL_INVOLVES_SAMPLE
                                                             : 0u;
    if (type == OVS_ACTION_ATTR_CHECK_PKT_LEN) {
        doubt(walk->fate, "it depends on the length of the packet");
    }
    for (size_t i = 0; i < n; i++) {
        struct copy *branch = make_copy(copy);

        branch->sampled |= share && nl_attr_get_u32(share) != UINT32_MAX;
        act_all(walk, branch, step, lists[i], lens[i], depth + 1);
        end_copy(copy, branch);
    }
}

static void act(struct walk *walk, struct copy *copy, size_t step, const struct nlattr *action,
                bool is_last, unsigned int depth)
{
    struct fl_fate *fate = walk->fate;

    switch ((enum ovs_action_attr)nl_attr_type(action)) {
    case OVS_ACTION_ATTR_OUTPUT: output(walk, copy, nl_attr_get_odp_port(action)); break;
    case OVS_ACTION_ATTR_RECIRC:
        fate->involves |= is_last ? 0u : FL_INVOLVES_CLONE;
        recirculate(walk, copy, step, nl_attr_get_u32(action), depth);
        break;
    case OVS_ACTION_ATTR_CLONE:
    case OVS_ACTION_ATTR_SAMPLE:
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: act_nested(walk, copy, step, action, depth); break;
    case OVS_ACTION_ATTR_CT: track(walk, copy, action); break;
    case OVS_ACTION_ATTR_USERSPACE:
        fate->involves |= kind_of_userspace(action);
        copy->max_bytes = 0;
        break;
    case OVS_ACTION_ATTR_METER: fate->involves |= FL_INVOLVES_METER; break;
    case OVS_ACTION_ATTR_TRUNC:
        fate->involves |= FL_INVOLVES_TRUNC;
        copy->max_bytes = ((const struct ovs_action_trunc *)nl_attr_get(action))->max_len;
        break;
    case OVS_ACTION_ATTR_LB_OUTPUT:
        doubt(fate, "a bond chooses the port by a hash");
        fate->involves |= FL_INVOLVES_HASH;
        break;
    case OVS_ACTION_ATTR_HASH:
        fate->involves |= FL_INVOLVES_HASH;
        rewrite(walk, copy, action);
        break;
    case OVS_ACTION_ATTR_TUNNEL_PUSH:
        fate->involves |= FL_INVOLVES_TUNNEL;
        if (copy->wrapped) {
            doubt(fate, "a tunnel in a tunnel");
        }
        copy->tunnel = action;
        copy->wrapped = true;
        break;
    case OVS_ACTION_ATTR_TUNNEL_POP:
        fate->involves |= FL_INVOLVES_TUNNEL;
        doubt(fate, "what is in the tunnel's packet goes on from its own port");
        break;
    case OVS_ACTION_ATTR_DROP: break;
    case OVS_ACTION_ATTR_UNSPEC:
    case OVS_ACTION_ATTR_SET:
    case OVS_ACTION_ATTR_SET_MASKED:
    case OVS_ACTION_ATTR_PUSH_VLAN:
    case OVS_ACTION_ATTR_POP_VLAN:
    case OVS_ACTION_ATTR_CT_CLEAR:
    case OVS_ACTION_ATTR_PUSH_MPLS:
    case OVS_ACTION_ATTR_POP_MPLS:
    case OVS_ACTION_ATTR_ADD_MPLS:
    case OVS_ACTION_ATTR_PUSH_ETH:
    case OVS_ACTION_ATTR_POP_ETH:
    case OVS_ACTION_ATTR_PUSH_NSH:
    case OVS_ACTION_ATTR_POP_NSH:
    case __OVS_ACTION_ATTR_MAX:
    default: rewrite(walk, copy, action); break;
    }
}

static void act_all(struct walk *walk, struct copy *copy, size_t step, const struct nlattr *actions,
                    size_t len, unsigned int depth)
{
    const struct nlattr *action;
    size_t left;

    if (depth >= FL_ACTIONS_MAX_DEPTH) {
        doubt(walk->fate, "actions inside actions are too deep");
        return;
    }
    NL_ATTR_FOR_EACH(action, left, actions, len) {
        act(walk, copy, step, action, left <= (size_t)NLA_ALIGN(action->nla_len), depth);
    }
}

static bool count_recirc(const struct nlattr *action, void *n_)
{
    size_t *n = n_;

    *n += nl_attr_type(action) == OVS_ACTION_ATTR_RECIRC;
    return false;
}

/* Return: whether each recirc() leads to a step of its own, and each step comes from one. */
static bool number_recirculations(struct walk *walk, size_t n_steps)
{
    size_t n = 1;

    for (size_t i = 0; i < n_steps; i++) {
        walk->next[i] = n;
        fl_actions_walk(walk->steps[i].actions, walk->steps[i].actions_len, count_recirc, &n);
        if (n > n_steps) {
            return false;
        }
        /* A step before the recirculation that leads to it: no order of a queue. */
        if (n <= i + 1 && i + 1 < n_steps) {
            return false;
        }
    }
    return n == n_steps;
}

static void check_entry(struct fl_fate *fate, const struct match *first)
{
    const struct flow *mask = &first->wc.masks;

    if ((first->flow.ct_state & mask->ct_state) || mask->dp_hash || first->flow.recirc_id) {
        doubt(fate, "it does not begin where packets enter");
    }
}

struct fl_fate *fl_fate_of(const struct fl_fate_step *steps, size_t n_steps,
                           const struct fl_ports *ports)
{
    struct fl_fate *fate = xzalloc(sizeof *fate);
    struct walk walk = { .steps = steps, .ports = ports, .fate = fate };
    struct copy *copy = xzalloc(sizeof *copy);

    ovs_assert(n_steps && n_steps <= FL_LIMIT_CHAIN_LINKS);
    fl_passage_begin(&copy->passage);
    if (number_recirculations(&walk, n_steps)) {
        check_entry(fate, steps[0].region);
        take_step(&walk, copy, 0, 0);
    } else {
        fl_passage_meet_match(&copy->passage, steps[0].region);
        doubt(fate, "a recirculation was not followed");
    }
    if (!copy->passage.exact) {
        doubt(fate, "a later step tests what the trace does not tell of the packet");
    }
    fate->region = copy->passage.region;
    fl_passage_clear_connection(&fate->region.flow);
    fl_passage_clear_connection(&fate->region.wc.masks);
    free(copy);
    return fate;
}
