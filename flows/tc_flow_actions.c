/* SPDX-License-Identifier: Apache-2.0 */
/* Source: OVS 3.1 lib/netdev-offload-tc.c, parse_tc_flower_to_actions__(). */
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flows/tc_flow_internal.h"

/* Return: false, for the caller to return. */
static bool __attribute__((format(printf, 2, 3)))
no_form(struct fl_tc_flow *scratch, const char *format, ...)
{
    static const char prefix[] = "an action has no form in Open vSwitch: ";
    va_list args;

    memcpy(scratch->error, prefix, sizeof prefix);
    va_start(args, format);
    vsnprintf(scratch->error + sizeof prefix - 1, sizeof scratch->error - sizeof prefix + 1, format,
              args);
    va_end(args);
    return false;
}

static bool put_mirred(struct fl_tc_flow *scratch, const struct fl_tc_mirred *mirred)
{
    odp_port_t port;

    if (!mirred->to_dev)
        return no_form(scratch, "output to device %d, which is not there", mirred->ifindex);
    port = fl_tc_flow_port(scratch, mirred->to_dev);
    if (port == ODPP_NONE)
        return no_form(scratch, "output to a device whose name is too long");
    nl_msg_put_u32(&scratch->actions, OVS_ACTION_ATTR_OUTPUT, odp_to_u32(port));
    return true;
}

static bool put_vlan(struct fl_tc_flow *scratch, const struct fl_tc_action *action)
{
    const struct fl_tc_vlan *vlan = &action->vlan;
    struct ovs_action_push_vlan *push;

    switch (vlan->action) {
    case FL_TC_VLAN_POP: nl_msg_put_flag(&scratch->actions, OVS_ACTION_ATTR_POP_VLAN); return true;
    case FL_TC_VLAN_PUSH:
        push = nl_msg_put_unspec_zero(&scratch->actions, OVS_ACTION_ATTR_PUSH_VLAN, sizeof *push);
        push->vlan_tpid = action->present & FL_TC_HAS_PROTOCOL ? htons(vlan->protocol)
                                                               : htons(ETH_TYPE_VLAN);
        push->vlan_tci = htons((uint16_t)((vlan->id & VLAN_VID_MASK) |
                                          (vlan->priority << VLAN_PCP_SHIFT & VLAN_PCP_MASK) |
                                          VLAN_CFI));
        return true;
    case FL_TC_VLAN_MODIFY: return no_form(scratch, "vlan modify");
    case FL_TC_POP_ETH: return no_form(scratch, "vlan pop_eth");
    case FL_TC_PUSH_ETH: return no_form(scratch, "vlan push_eth");
    }
    return no_form(scratch, "vlan");
}

static bool put_mpls(struct fl_tc_flow *scratch, const struct fl_tc_mpls *mpls)
{
    struct ofpbuf *actions = &scratch->actions;
    ovs_be32 lse = htonl((mpls->label << 12) | (uint32_t)(mpls->tc & 7) << 9 |
                         (uint32_t)(mpls->bos & 1) << 8 | mpls->ttl);
    struct ovs_action_push_mpls *push;
    struct ovs_key_mpls *set;
    size_t nested;

    switch (mpls->action) {
    case FL_TC_MPLS_POP:
        nl_msg_put_be16(actions, OVS_ACTION_ATTR_POP_MPLS, htons(mpls->protocol));
        return true;
    case FL_TC_MPLS_PUSH:
        push = nl_msg_put_unspec_zero(actions, OVS_ACTION_ATTR_PUSH_MPLS, sizeof *push);
        push->mpls_ethertype = htons(mpls->protocol);
        push->mpls_lse = lse;
        return true;
    case FL_TC_MPLS_MODIFY:
        nested = nl_msg_start_nested(actions, OVS_ACTION_ATTR_SET);
        set = nl_msg_put_unspec_zero(actions, OVS_KEY_ATTR_MPLS, sizeof *set);
        set->mpls_lse = lse;
        nl_msg_end_nested(actions, nested);
        return true;
    case FL_TC_MPLS_DEC_TTL: return no_form(scratch, "mpls dec_ttl");
    case FL_TC_MPLS_MAC_PUSH: return no_form(scratch, "mpls mac_push");
    }
    return no_form(scratch, "mpls");
}

static bool put_tunnel_opts(struct fl_tc_flow *scratch, const struct fl_tc_tunnel_opts *opts)
{
    switch (opts->kind) {
    case FL_TC_OPTS_NONE: return true;
    case FL_TC_OPTS_GENEVE:
        nl_msg_put_unspec(&scratch->actions, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, opts->geneve,
                          opts->n_bytes);
        return true;
    case FL_TC_OPTS_VXLAN: return no_form(scratch, "tunnel_key set with vxlan_opts");
    case FL_TC_OPTS_ERSPAN: return no_form(scratch, "tunnel_key set with erspan_opts");
    case FL_TC_OPTS_GTP: break;
    }
    return no_form(scratch, "tunnel_key set with options");
}

static bool put_tunnel(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                       const struct fl_tc_action *action)
{
    const struct fl_tc_tunnel_key *key = &action->tunnel_key;
    struct ofpbuf *actions = &scratch->actions;
    size_t set, tunnel;
    bool whole;

    if (key->action == FL_TC_TUNNEL_UNSET)
        return true; /* A flow of a tunnel port: OVS shows the match only. */
    set = nl_msg_start_nested(actions, OVS_ACTION_ATTR_SET);
    tunnel = nl_msg_start_nested(actions, OVS_KEY_ATTR_TUNNEL);
    if (action->present & FL_TC_HAS_ID)
        nl_msg_put_be64(actions, OVS_TUNNEL_KEY_ATTR_ID, htonll(key->key_id));
    if (key->src4)
        nl_msg_put_be32(actions, OVS_TUNNEL_KEY_ATTR_IPV4_SRC, key->src4);
    if (key->dst4)
        nl_msg_put_be32(actions, OVS_TUNNEL_KEY_ATTR_IPV4_DST, key->dst4);
    if (ipv6_addr_is_set(&key->src6))
        nl_msg_put_in6_addr(actions, OVS_TUNNEL_KEY_ATTR_IPV6_SRC, &key->src6);
    if (ipv6_addr_is_set(&key->dst6))
        nl_msg_put_in6_addr(actions, OVS_TUNNEL_KEY_ATTR_IPV6_DST, &key->dst6);
    if (key->tos)
        nl_msg_put_u8(actions, OVS_TUNNEL_KEY_ATTR_TOS, key->tos);
    if (key->ttl)
        nl_msg_put_u8(actions, OVS_TUNNEL_KEY_ATTR_TTL, key->ttl);
    if (key->dst_port)
        nl_msg_put_be16(actions, OVS_TUNNEL_KEY_ATTR_TP_DST, htons(key->dst_port));
    if (!key->no_csum)
        nl_msg_put_flag(actions, OVS_TUNNEL_KEY_ATTR_CSUM);
    whole = !key->opts || put_tunnel_opts(scratch, &filter->tunnels[key->opts - 1]);
    nl_msg_end_nested(actions, tunnel);
    nl_msg_end_nested(actions, set);
    return whole;
}

static void put_nat(struct ofpbuf *actions, const struct fl_tc_ct *ct)
{
    size_t nested = nl_msg_start_nested(actions, OVS_CT_ATTR_NAT);
    size_t n = ct->nat_family == 4 ? 4 : 16;

    if (ct->flags & FL_TC_CT_NAT_SRC)
        nl_msg_put_flag(actions, OVS_NAT_ATTR_SRC);
    else if (ct->flags & FL_TC_CT_NAT_DST)
        nl_msg_put_flag(actions, OVS_NAT_ATTR_DST);
    if (ct->nat_family) {
        /* The end of a range of one address is left zero, as OVS does. */
        struct fl_tc_value max = { .n = 0 };

        memset(&max, 0, sizeof max);
        if (ct->nat_has_max && memcmp(&ct->nat_min, &ct->nat_max, n))
            max = ct->nat_max;
        nl_msg_put_unspec(actions, OVS_NAT_ATTR_IP_MIN, &ct->nat_min, n);
        nl_msg_put_unspec(actions, OVS_NAT_ATTR_IP_MAX, &max, n);
    }
    if (ct->nat_port_min) {
        nl_msg_put_u16(actions, OVS_NAT_ATTR_PROTO_MIN, ct->nat_port_min);
        if (ct->nat_port_max && ct->nat_port_max != ct->nat_port_min)
            nl_msg_put_u16(actions, OVS_NAT_ATTR_PROTO_MAX, ct->nat_port_max);
    }
    nl_msg_end_nested(actions, nested);
}

static bool has_label_mask(const struct fl_tc_action *action)
{
    static const uint8_t zero[sizeof action->ct.label_mask];

    return action->present & FL_TC_HAS_LABEL &&
           memcmp(action->ct.label_mask, zero, sizeof zero) != 0;
}

static void put_ct(struct ofpbuf *actions, const struct fl_tc_action *action)
{
    const struct fl_tc_ct *ct = &action->ct;
    size_t nested;

    if (ct->flags & FL_TC_CT_CLEAR) {
        nl_msg_put_flag(actions, OVS_ACTION_ATTR_CT_CLEAR);
        return;
    }
    nested = nl_msg_start_nested(actions, OVS_ACTION_ATTR_CT);
    if (ct->flags & FL_TC_CT_COMMIT)
        nl_msg_put_flag(actions,
                        ct->flags & FL_TC_CT_FORCE ? OVS_CT_ATTR_FORCE_COMMIT : OVS_CT_ATTR_COMMIT);
    if (ct->zone)
        nl_msg_put_u16(actions, OVS_CT_ATTR_ZONE, ct->zone);
    if (action->present & FL_TC_HAS_MARK && ct->mark_mask) {
        const uint32_t mark[] = { ct->mark, ct->mark_mask };

        nl_msg_put_unspec(actions, OVS_CT_ATTR_MARK, mark, sizeof mark);
    }
    if (has_label_mask(action)) {
        uint8_t label[sizeof ct->label * 2];

        memcpy(label, ct->label, sizeof ct->label);
        memcpy(label + sizeof ct->label, ct->label_mask, sizeof ct->label_mask);
        nl_msg_put_unspec(actions, OVS_CT_ATTR_LABELS, label, sizeof label);
    }
    if (ct->flags & FL_TC_CT_NAT)
        put_nat(actions, ct);
    nl_msg_end_nested(actions, nested);
}

/* @drops: the packet ends here. */
static bool put_gact(struct fl_tc_flow *scratch, const struct fl_tc_action *action, bool *drops)
{
    if (action->gact.random_type)
        return no_form(scratch, "gact of random packets");
    if ((action->control & FL_TC_EXT_MASK) == FL_TC_GOTO) {
        nl_msg_put_u32(&scratch->actions, OVS_ACTION_ATTR_RECIRC,
                       action->control & FL_TC_EXT_VALUE);
        return true;
    }
    switch (action->control) {
    case FL_TC_SHOT: *drops = true; return true;
    case FL_TC_OK: return no_form(scratch, "gact pass");
    case FL_TC_TRAP: return no_form(scratch, "gact trap");
    case FL_TC_PIPE: return no_form(scratch, "gact pipe");
    case FL_TC_UNSPEC: return no_form(scratch, "gact continue");
    }
    return no_form(scratch, "gact %d", (int)action->control);
}

static bool put_skbedit(struct fl_tc_flow *scratch, const struct fl_tc_action *action)
{
    const uint32_t edits = FL_TC_HAS_PRIORITY | FL_TC_HAS_MARK | FL_TC_HAS_QUEUE;

    /* OVS puts "skbedit ptype" before an output to a bridge device, and does not show it. */
    if (action->present & edits)
        return no_form(scratch, "skbedit of priority, mark or queue");
    return true;
}

static bool put_action(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                       const struct fl_tc_action *action, bool *drops)
{
    switch (action->kind) {
    case FL_TC_GACT: return put_gact(scratch, action, drops);
    case FL_TC_MIRRED: return put_mirred(scratch, &action->mirred);
    case FL_TC_VLAN: return put_vlan(scratch, action);
    case FL_TC_PEDIT:
        return fl_tc_flow_pedit(filter->pedit_keys + action->pedit.first, action->pedit.n,
                                &scratch->actions) ||
               no_form(scratch, "pedit of other fields, or by addition");
    case FL_TC_CSUM: return true; /* Goes with pedit. */
    case FL_TC_TUNNEL_KEY: return put_tunnel(scratch, filter, action);
    case FL_TC_CT: put_ct(&scratch->actions, action); return true;
    case FL_TC_SKBEDIT: return put_skbedit(scratch, action);
    case FL_TC_POLICE:
        /* Only ovs-vswitchd knows which meter it stands for. */
        return no_form(scratch, "police %#x", action->index);
    case FL_TC_MPLS: return put_mpls(scratch, &action->mpls);
    case FL_TC_SAMPLE: return no_form(scratch, "sample");
    case FL_TC_OTHER: break;
    }
    return no_form(scratch, "%.20s", action->kind_name ? action->kind_name : "unknown");
}

/* A policer that OVS made for check_pkt_len, not for a meter. Source: OVS 3.1 lib/tc.h. */
static bool checks_length(const struct fl_tc_action *action)
{
    return action->kind == FL_TC_POLICE && action->present & FL_TC_HAS_RESULT &&
           action->police.mtu && action->police.mtu <= UINT16_MAX &&
           !(action->index >= FL_TC_FIRST_METER && action->index <= FL_TC_LAST_METER);
}

static bool jumps(uint32_t control)
{
    return (control & FL_TC_EXT_MASK) == FL_TC_JUMP;
}

static bool ends(uint32_t control)
{
    return control == FL_TC_STOLEN || control == FL_TC_SHOT;
}

/* Where actions before @max end whose packets go on with @control. */
static size_t end_of(uint32_t control, size_t max)
{
    size_t target = control & FL_TC_EXT_VALUE;

    return jumps(control) && target < max ? target : max;
}

static const char elsewhere[] = "police whose packets go on elsewhere";

static bool put_range(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter, size_t *i,
                      size_t max, bool *drops);

static bool put_branch(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter, uint16_t type,
                       size_t *i, size_t end)
{
    size_t branch = nl_msg_start_nested(&scratch->actions, type);
    bool drops = false;

    if (end < *i)
        return no_form(scratch, "%s", elsewhere);
    if (!put_range(scratch, filter, i, end, &drops))
        return false;
    nl_msg_end_nested(&scratch->actions, branch);
    return true;
}

/* Whether packets of two branches, whose last actions go on with @one and @other, meet at @i. */
static bool meet(uint32_t one, uint32_t other, size_t i, bool is_end)
{
    if (one == other || (ends(one) && ends(other)))
        return true;
    return other == FL_TC_PIPE && (ends(one) ? is_end : jumps(one) && (one & FL_TC_EXT_VALUE) == i);
}

/*
 * A packet that is too long goes on with the action after the policer at @i, up to one that jumps over
 * those for other packets, or ends it all; any other with the action that the policer jumps to. @i: the
 * first action for both, then.
 */
static bool put_length_check(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter,
                             size_t *i, size_t max)
{
    const struct fl_tc_police *police = &filter->actions[*i].police;
    struct ofpbuf *actions = &scratch->actions;
    size_t whole = nl_msg_start_nested(actions, OVS_ACTION_ATTR_CHECK_PKT_LEN);
    uint32_t longer, shorter = police->result;
    size_t end = end_of(shorter, max);

    ++*i;
    nl_msg_put_u16(actions, OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, (uint16_t)police->mtu);
    if (!put_branch(scratch, filter, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, i, end))
        return false;
    longer = filter->actions[*i - 1].control;
    if (jumps(shorter) && *i != (shorter & FL_TC_EXT_VALUE))
        return no_form(scratch, "%s", elsewhere);
    end = ends(shorter) || longer == FL_TC_PIPE ? *i : end_of(longer, max);
    if (!put_branch(scratch, filter, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, i, end))
        return false;
    nl_msg_end_nested(actions, whole);
    if (jumps(shorter))
        shorter = filter->actions[*i - 1].control;
    return meet(longer, shorter, *i, *i == filter->n_actions) ||
           meet(shorter, longer, *i, *i == filter->n_actions) || no_form(scratch, "%s", elsewhere);
}

/* Actions from @i on, before @max, up to one that ends it for the packet, or jumps; @i: after it. */
static bool put_range(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter, size_t *i,
                      size_t max, bool *drops)
{
    while (*i < max) {
        const struct fl_tc_action *action = &filter->actions[*i];
        uint32_t control;

        if (checks_length(action)) {
            if (!put_length_check(scratch, filter, i, max))
                return false;
        } else {
            if (!put_action(scratch, filter, action, drops))
                return false;
            ++*i;
        }
        control = filter->actions[*i - 1].control;
        if (ends(control) || (jumps(control) && (control & FL_TC_EXT_VALUE) != *i))
            break;
    }
    return true;
}

bool fl_tc_flow_actions(struct fl_tc_flow *scratch, const struct fl_tc_filter *filter)
{
    bool drops = false;
    size_t i = 0;

    ofpbuf_clear(&scratch->actions);
    if (!put_range(scratch, filter, &i, filter->n_actions, &drops))
        return false;
    if (i && jumps(filter->actions[i - 1].control))
        return no_form(scratch, "a jump over other actions");
    if (!scratch->actions.size && !drops)
        return no_form(scratch,
                       filter->n_actions ? "it neither forwards nor drops" : "none at all");
    return scratch->actions.size <= UINT16_MAX || no_form(scratch, "more than 64 KiB of them");
}
