/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: OVS 3.1 lib/netdev-offload-tc.c, netdev_tc_parse_nl_actions(); lib/tc.c, nl_msg_put_flower_acts().
 */
#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/offerable.h"
#include "flows/tc_offer_internal.h"

#define PACKET_TO_HOST 0 /* PACKET_HOST of linux/if_packet.h */

/* OVS asks for no counters by CPU in most of its actions. */
static void without_percpu(struct fl_tc_action *action)
{
    action->flags = action->selected = 1; /* TCA_ACT_FLAGS_NO_PERCPU_STATS */
    action->present |= FL_TC_HAS_FLAGS;
}

struct fl_tc_action *fl_tc_offer_add(struct fl_tc_offering *offering, enum fl_tc_kind kind)
{
    struct fl_tc_action *action = fl_tc_add_action(offering->filter);

    if (!action) {
        fl_error_set(offering->err, -E2BIG, "it takes more than %d actions in TC",
                     FL_TC_ACTIONS_MAX);
        return NULL;
    }
    action->kind = kind;
    action->order = offering->filter->n_actions;
    action->control = FL_TC_PIPE;
    action->present = FL_TC_HAS_OPTIONS;
    return action;
}

/* One for all rewrites that follow each other. */
static int close_rewrites(struct fl_tc_offering *offering)
{
    struct fl_tc_action *action;

    if (!offering->csum)
        return 0;
    action = fl_tc_offer_add(offering, FL_TC_CSUM);
    if (!action)
        return -E2BIG;
    action->csum = offering->csum;
    without_percpu(action);
    offering->csum = 0;
    return 0;
}

static int take_tunnel_off(struct fl_tc_offering *offering)
{
    struct fl_tc_action *action;

    if (!offering->has_tunnel || offering->released)
        return 0;
    action = fl_tc_offer_add(offering, FL_TC_TUNNEL_KEY);
    if (!action)
        return -E2BIG;
    action->tunnel_key.action = FL_TC_TUNNEL_UNSET;
    without_percpu(action);
    offering->released = true;
    return 0;
}

static int offer_output(struct fl_tc_offering *offering, odp_port_t number, bool is_last)
{
    struct fl_tc_port port = { .dev = NULL };
    struct fl_tc_action *action;
    int ret = take_tunnel_off(offering);

    if (ret)
        return ret;
    if (!offering->host->port(number, &port, offering->host->aux))
        return fl_error_set(offering->err, -ENODEV, "TC has no device for a port it is sent to");
    if (port.internal) {
        action = fl_tc_offer_add(offering, FL_TC_SKBEDIT);
        if (!action)
            return -E2BIG;
        action->skbedit.ptype = PACKET_TO_HOST;
        action->present |= FL_TC_HAS_PTYPE;
    }
    action = fl_tc_offer_add(offering, FL_TC_MIRRED);
    if (!action)
        return -E2BIG;
    action->mirred.ingress = port.internal;
    action->mirred.mirror = !is_last;
    action->mirred.ifindex = port.ifindex;
    action->mirred.to_dev = port.dev;
    action->control = is_last ? FL_TC_STOLEN : FL_TC_PIPE;
    without_percpu(action);
    return 0;
}

static int offer_push_vlan(struct fl_tc_offering *offering, const struct ovs_action_push_vlan *push)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_VLAN);

    if (!action)
        return -E2BIG;
    action->vlan.action = FL_TC_VLAN_PUSH;
    action->vlan.protocol = ntohs(push->vlan_tpid);
    action->vlan.id = vlan_tci_to_vid(push->vlan_tci);
    action->vlan.priority = (uint8_t)vlan_tci_to_pcp(push->vlan_tci);
    action->present |= FL_TC_HAS_ID | FL_TC_HAS_PROTOCOL | FL_TC_HAS_PRIORITY;
    without_percpu(action);
    return 0;
}

static int offer_pop_vlan(struct fl_tc_offering *offering)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_VLAN);

    if (!action)
        return -E2BIG;
    action->vlan.action = FL_TC_VLAN_POP;
    without_percpu(action);
    return 0;
}

/* @lse: of push and set; @type: of push, and what is below of pop */
static int offer_mpls(struct fl_tc_offering *offering, int what, ovs_be32 lse, ovs_be16 type)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_MPLS);
    struct fl_tc_mpls *mpls = &action->mpls;

    if (!action)
        return -E2BIG;
    action->mpls.action = what;
    if (type) {
        mpls->protocol = ntohs(type);
        action->present |= FL_TC_HAS_PROTOCOL;
    }
    if (what == FL_TC_MPLS_POP)
        return 0;
    mpls->label = mpls_lse_to_label(lse);
    mpls->tc = mpls_lse_to_tc(lse);
    mpls->ttl = mpls_lse_to_ttl(lse);
    mpls->bos = mpls_lse_to_bos(lse);
    action->present |= FL_TC_HAS_LABEL | FL_TC_HAS_TC | FL_TC_HAS_TTL | FL_TC_HAS_BOS;
    return 0;
}

static int offer_push_mpls(struct fl_tc_offering *offering, const struct ovs_action_push_mpls *push)
{
    return offer_mpls(offering, FL_TC_MPLS_PUSH, push->mpls_lse, push->mpls_ethertype);
}

static int offer_goto(struct fl_tc_offering *offering, uint32_t chain)
{
    struct fl_tc_action *action;

    if (offering->released)
        return fl_error_set(
            offering->err, -EOPNOTSUPP,
            "Open vSwitch offers no recirculation behind an output of packets of a tunnel");
    action = fl_tc_offer_add(offering, FL_TC_GACT);
    if (!action)
        return -E2BIG;
    action->control = chain ? FL_TC_GOTO | (chain & FL_TC_EXT_VALUE) : FL_TC_SHOT;
    return 0;
}

static int offer_set(struct fl_tc_offering *offering, const struct nlattr *set, bool masked)
{
    if (!masked && nl_attr_type(set) == OVS_KEY_ATTR_TUNNEL) {
        int ret = take_tunnel_off(offering);

        return ret ? ret : fl_tc_offer_tunnel_set(offering, set);
    }
    if (!masked && nl_attr_type(set) == OVS_KEY_ATTR_MPLS) {
        const struct ovs_key_mpls *mpls = nl_attr_get(set);

        return offer_mpls(offering, FL_TC_MPLS_MODIFY, mpls->mpls_lse, 0);
    }
    return fl_tc_offer_pedit(offering, set, masked);
}

static int offer_clear(struct fl_tc_offering *offering)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_CT);

    if (!action)
        return -E2BIG;
    action->ct.flags = FL_TC_CT_CLEAR;
    action->ct.mark_mask = UINT32_MAX;
    memset(action->ct.label_mask, 0xff, sizeof action->ct.label_mask);
    return 0;
}

static int not_offered(struct fl_tc_offering *offering, const struct nlattr *action)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    int ret;

    if (nl_attr_type(action) == OVS_ACTION_ATTR_METER)
        return fl_error_set(offering->err, -EINVAL,
                            "only Open vSwitch knows which policer it offers for a meter");
    fl_unoffered_format(action, &text);
    ret = fl_error_set(offering->err, -EOPNOTSUPP, "Open vSwitch does not offer %s",
                       ds_cstr(&text));
    ds_destroy(&text);
    return ret;
}

static bool is_set(const struct nlattr *action)
{
    return nl_attr_type(action) == OVS_ACTION_ATTR_SET_MASKED ||
           (nl_attr_type(action) == OVS_ACTION_ATTR_SET &&
            fl_tc_offer_rewrites(nl_attr_get(action)));
}

static int offer_action(struct fl_tc_offering *offering, const struct nlattr *action, bool is_last)
{
    switch (nl_attr_type(action)) {
    case OVS_ACTION_ATTR_OUTPUT:
        return offer_output(offering, nl_attr_get_odp_port(action), is_last);
    case OVS_ACTION_ATTR_PUSH_VLAN: return offer_push_vlan(offering, nl_attr_get(action));
    case OVS_ACTION_ATTR_POP_VLAN: return offer_pop_vlan(offering);
    case OVS_ACTION_ATTR_PUSH_MPLS: return offer_push_mpls(offering, nl_attr_get(action));
    case OVS_ACTION_ATTR_POP_MPLS:
        return offer_mpls(offering, FL_TC_MPLS_POP, 0, nl_attr_get_be16(action));
    case OVS_ACTION_ATTR_SET: return offer_set(offering, nl_attr_get(action), false);
    case OVS_ACTION_ATTR_SET_MASKED: return offer_set(offering, nl_attr_get(action), true);
    case OVS_ACTION_ATTR_CT: return fl_tc_offer_ct(offering, action);
    case OVS_ACTION_ATTR_CT_CLEAR: return offer_clear(offering);
    case OVS_ACTION_ATTR_RECIRC: return offer_goto(offering, nl_attr_get_u32(action));
    case OVS_ACTION_ATTR_DROP: return offer_goto(offering, 0);
    default: return not_offered(offering, action);
    }
}

/* Packets of a flow without actions are dropped. */
static int offer_drop(struct fl_tc_offering *offering)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_GACT);

    if (!action)
        return -E2BIG;
    action->control = FL_TC_SHOT;
    without_percpu(action);
    return 0;
}

int fl_tc_offer_list(struct fl_tc_offering *offering, const struct nlattr *actions, size_t len,
                     bool is_last, bool is_end, size_t *jump)
{
    const struct nlattr *action;
    size_t left;

    NL_ATTR_FOR_EACH(action, left, actions, len) {
        bool nothing_follows = (size_t)NLA_ALIGN(action->nla_len) >= left;
        int ret = is_set(action) ? 0 : close_rewrites(offering);

        *jump = SIZE_MAX;
        if (!ret && nl_attr_type(action) == OVS_ACTION_ATTR_CHECK_PKT_LEN)
            ret = fl_tc_offer_length_check(offering, action, nothing_follows && is_last,
                                           nothing_follows && is_end, jump);
        else if (!ret)
            ret = offer_action(offering, action, nothing_follows && is_end);
        if (ret)
            return ret;
    }
    return close_rewrites(offering);
}

int fl_tc_offer_actions(struct fl_tc_offering *offering, const struct nlattr *actions, size_t len)
{
    struct fl_tc_filter *filter = offering->filter;
    size_t jump = SIZE_MAX;
    int ret;

    if (!len)
        return offer_drop(offering);
    ret = fl_tc_offer_list(offering, actions, len, true, true, &jump);
    if (ret)
        return ret;
    /* What leads nowhere is dropped. */
    if (filter->actions[filter->n_actions - 1].control == FL_TC_PIPE)
        filter->actions[filter->n_actions - 1].control = FL_TC_SHOT;
    return 0;
}
