/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/collapse.h"

#include <errno.h>
#include <string.h>

#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>

static int refuse(struct fl_error *why, const char *what)
{
    return fl_error_set(why, -ENOTSUP, "%s", what);
}

/*
 * Source NAT without an address translates nothing but the port of a connection that clashes with another
 * in its zone. OVN commits every connection so. Source: OVS 3.1 NEWS and ovs-actions(7), all-zero SNAT.
 */
static bool may_translate(const struct nlattr *nat)
{
    return !nl_attr_find_nested(nat, OVS_NAT_ATTR_SRC) ||
           nl_attr_find_nested(nat, OVS_NAT_ATTR_IP_MIN);
}

static int take_ct(const struct nlattr *ct, struct fl_effect *effect, struct fl_error *why)
{
    const struct nlattr *a;
    size_t left;

    effect->uses_ct = true;
    NL_NESTED_FOR_EACH(a, left, ct) {
        if (nl_attr_type(a) == OVS_CT_ATTR_NAT && may_translate(a)) {
            return refuse(why, "conntrack may translate addresses of these packets (NAT)");
        }
        if (nl_attr_type(a) == OVS_CT_ATTR_HELPER) {
            return refuse(why, "conntrack runs a protocol helper (ALG) on these packets");
        }
    }
    return 0;
}

/* Both OVS_ACTION_ATTR_SET (mask NULL) and SET_MASKED; only whole Ethernet addresses are taken. */
static int take_set_ethernet(const struct ovs_key_ethernet *key,
                             const struct ovs_key_ethernet *mask, struct fl_effect *effect,
                             struct fl_error *why)
{
    bool whole_src = !mask || eth_mask_is_exact(mask->eth_src);
    bool whole_dst = !mask || eth_mask_is_exact(mask->eth_dst);

    if ((mask && !whole_src && !eth_addr_is_zero(mask->eth_src)) ||
        (mask && !whole_dst && !eth_addr_is_zero(mask->eth_dst))) {
        return refuse(why, "a part of a MAC address is rewritten");
    }
    if (whole_src) {
        effect->sets_eth_src = true;
        effect->eth_src = key->eth_src;
    }
    if (whole_dst) {
        effect->sets_eth_dst = true;
        effect->eth_dst = key->eth_dst;
    }
    return 0;
}

static int take_set(const struct nlattr *set, bool masked, struct fl_effect *effect,
                    struct fl_error *why)
{
    const struct nlattr *field = nl_attr_get(set);
    const struct ovs_key_ethernet *key;

    if (nl_attr_type(field) != OVS_KEY_ATTR_ETHERNET) {
        return refuse(why, "a header field other than MAC addresses and the VLAN is rewritten");
    }
    if (nl_attr_get_size(field) < (masked ? 2 : 1) * sizeof *key) {
        return fl_error_set(why, -ENODATA, "a rewrite could not be read");
    }
    key = nl_attr_get(field);
    return take_set_ethernet(key, masked ? key + 1 : NULL, effect, why);
}

static int take_vlan(const struct nlattr *a, struct fl_effect *effect, struct fl_error *why)
{
    if (nl_attr_type(a) == OVS_ACTION_ATTR_PUSH_VLAN) {
        const struct ovs_action_push_vlan *push = nl_attr_get(a);

        if (effect->pushes_vlan) {
            return refuse(why, "two VLAN tags are pushed");
        }
        effect->pushes_vlan = true;
        effect->vlan_tci = push->vlan_tci;
    } else if (effect->pushes_vlan) {
        effect->pushes_vlan = false; /* pushed and taken off again: nothing */
    } else if (effect->pops_vlan) {
        return refuse(why, "two VLAN tags are popped");
    } else {
        effect->pops_vlan = true;
    }
    return 0;
}

static const char *refused_action(int type)
{
    switch (type) {
    case OVS_ACTION_ATTR_USERSPACE:
        return "packets go to userspace (controller, slow path or sampling)";
    case OVS_ACTION_ATTR_SAMPLE: return "packets are sampled (sFlow, IPFIX or a mirror)";
    case OVS_ACTION_ATTR_METER: return "a meter limits this traffic";
    case OVS_ACTION_ATTR_TRUNC: return "packets are cut short for a mirror";
    case OVS_ACTION_ATTR_CLONE: return "packets are cloned";
    case OVS_ACTION_ATTR_TUNNEL_PUSH:
    case OVS_ACTION_ATTR_TUNNEL_POP: return "the traffic goes through a tunnel";
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: return "packets are treated by their length";
    case OVS_ACTION_ATTR_LB_OUTPUT: return "the output is balanced over a bond";
    default: return "an action other than output, VLAN, MAC rewrite and conntrack is used";
    }
}

static int take_action(const struct nlattr *a, struct fl_effect *effect, unsigned int *n_outputs,
                       struct fl_error *why)
{
    int type = nl_attr_type(a);

    switch (type) {
    case OVS_ACTION_ATTR_OUTPUT:
        if ((*n_outputs)++) {
            return refuse(why, "packets go to more than one port (a flood or a mirror)");
        }
        effect->output = nl_attr_get_odp_port(a);
        return 0;
    case OVS_ACTION_ATTR_CT: return take_ct(a, effect, why);
    case OVS_ACTION_ATTR_CT_CLEAR:
    case OVS_ACTION_ATTR_RECIRC:
    case OVS_ACTION_ATTR_HASH: return 0;
    case OVS_ACTION_ATTR_PUSH_VLAN:
    case OVS_ACTION_ATTR_POP_VLAN:
        return *n_outputs ? refuse(why, "packets are changed after they were sent")
                          : take_vlan(a, effect, why);
    case OVS_ACTION_ATTR_SET:
    case OVS_ACTION_ATTR_SET_MASKED:
        return *n_outputs ? refuse(why, "packets are changed after they were sent")
                          : take_set(a, type == OVS_ACTION_ATTR_SET_MASKED, effect, why);
    default: return refuse(why, refused_action(type));
    }
}

int fl_collapse(const struct fl_chain *chain, struct fl_effect *effect, struct fl_error *why)
{
    struct fl_effect composed = { .output = ODPP_NONE };
    unsigned int n_outputs = 0;

    if (chain->open) {
        return fl_error_set(why, -ENODATA, "the flows behind a recirculation were not in the dump");
    }
    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        const struct nlattr *a;
        size_t left;

        if (!flow->has_match || !flow->has_actions || flow->parse_error) {
            return fl_error_set(why, -ENODATA, "a flow could not be read: %s",
                                flow->parse_error ? flow->parse_error : "not decoded");
        }
        NL_ATTR_FOR_EACH(a, left, flow->actions, flow->actions_len) {
            int error = take_action(a, &composed, &n_outputs, why);

            if (error) {
                return error;
            }
        }
    }
    if (n_outputs != 1) {
        return refuse(why, "packets are dropped");
    }
    *effect = composed;
    return 0;
}

size_t fl_chain_zones(const struct fl_chain *chain, uint16_t *zones, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        const struct nlattr *a;
        size_t left;

        if (!flow->has_actions) {
            continue;
        }
        NL_ATTR_FOR_EACH(a, left, flow->actions, flow->actions_len) {
            const struct nlattr *zone;

            if (nl_attr_type(a) != OVS_ACTION_ATTR_CT || n == max) {
                continue;
            }
            zone = nl_attr_find_nested(a, OVS_CT_ATTR_ZONE);
            zones[n++] = zone ? nl_attr_get_u16(zone) : 0;
        }
    }
    return n;
}
