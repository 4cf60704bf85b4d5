/* SPDX-License-Identifier: Apache-2.0 */

/* See odp_actions.h. Source of the layouts: <linux/openvswitch.h> of Linux 6.1. */

#include "flows/odp_actions.h"

#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"

/* Since Linux 6.7; libopenvswitch has another meaning for this number. */
#define KERNEL_ACTION_DROP 24

struct adopting {
    fl_odp_port_map *map;
    void *aux;
    int refused;
};

static bool adopt_list(struct adopting *a, struct nlattr *actions, size_t n_bytes,
                       unsigned int depth);

static bool has_size(const struct nlattr *attr, size_t size)
{
    return nl_attr_get_size(attr) == size;
}

/* What may stand in an attribute: by type, SIZE() of it, ANY_SIZE, or 0 for what we do not know. */
#define SIZE(n)  ((n) + 2)
#define ANY_SIZE 1

static const size_t userspace_sizes[] = {
    [OVS_USERSPACE_ATTR_PID] = SIZE(sizeof(uint32_t)),
    [OVS_USERSPACE_ATTR_USERDATA] = ANY_SIZE,
    [OVS_USERSPACE_ATTR_EGRESS_TUN_PORT] = SIZE(sizeof(uint32_t)),
    [OVS_USERSPACE_ATTR_ACTIONS] = SIZE(0),
};
static const size_t sample_sizes[] = {
    [OVS_SAMPLE_ATTR_PROBABILITY] = SIZE(sizeof(uint32_t)),
    [OVS_SAMPLE_ATTR_ACTIONS] = ANY_SIZE,
};
static const size_t check_pkt_len_sizes[] = {
    [OVS_CHECK_PKT_LEN_ATTR_PKT_LEN] = SIZE(sizeof(uint16_t)),
    [OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER] = ANY_SIZE,
    [OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL] = ANY_SIZE,
};
static const size_t ct_sizes[] = {
    [OVS_CT_ATTR_COMMIT] = SIZE(0),
    [OVS_CT_ATTR_ZONE] = SIZE(sizeof(uint16_t)),
    [OVS_CT_ATTR_MARK] = SIZE(2 * sizeof(uint32_t)),
    [OVS_CT_ATTR_LABELS] = SIZE(2 * sizeof(ovs_u128)),
    [OVS_CT_ATTR_HELPER] = ANY_SIZE,
    [OVS_CT_ATTR_NAT] = ANY_SIZE,
    [OVS_CT_ATTR_FORCE_COMMIT] = SIZE(0),
    [OVS_CT_ATTR_EVENTMASK] = SIZE(sizeof(uint32_t)),
    [OVS_CT_ATTR_TIMEOUT] = ANY_SIZE,
};
static const size_t nat_sizes[] = {
    [OVS_NAT_ATTR_SRC] = SIZE(0),
    [OVS_NAT_ATTR_DST] = SIZE(0),
    [OVS_NAT_ATTR_IP_MIN] = ANY_SIZE,
    [OVS_NAT_ATTR_IP_MAX] = ANY_SIZE,
    [OVS_NAT_ATTR_PROTO_MIN] = SIZE(sizeof(uint16_t)),
    [OVS_NAT_ATTR_PROTO_MAX] = SIZE(sizeof(uint16_t)),
    [OVS_NAT_ATTR_PERSISTENT] = SIZE(0),
    [OVS_NAT_ATTR_PROTO_HASH] = SIZE(0),
    [OVS_NAT_ATTR_PROTO_RANDOM] = SIZE(0),
};

/* Nothing but what @sizes allows stands in @attr, each at most once, up to its end. */
static bool is_nest_of(const struct nlattr *attr, const size_t *sizes, size_t n_sizes)
{
    const struct nlattr *inner;
    uint32_t seen = 0;
    size_t left;

    NL_NESTED_FOR_EACH(inner, left, attr) {
        unsigned int type = (unsigned int)nl_attr_type(inner);

        if (type >= n_sizes || !sizes[type] || seen & 1u << type ||
            (sizes[type] != ANY_SIZE && SIZE(nl_attr_get_size(inner)) != sizes[type])) {
            return false;
        }
        seen |= 1u << type;
    }
    return left == 0;
}

#define IS_NEST_OF(attr, sizes) is_nest_of(attr, sizes, ARRAY_SIZE(sizes))

static void rewrite_port(struct adopting *a, void *port_)
{
    odp_port_t port;

    memcpy(&port, port_, sizeof port);
    port = a->map(port, a->aux);
    memcpy(port_, &port, sizeof port);
}

/* Ports inside what ovs-vswitchd asked the kernel to hand back with the packet. */
static void rewrite_cookie(struct adopting *a, struct nlattr *userdata)
{
    struct user_action_cookie cookie;

    if (!has_size(userdata, sizeof cookie)) {
        return; /* of another version of OVS: shown as bytes */
    }
    memcpy(&cookie, userdata + 1, sizeof cookie);
    if (cookie.type == USER_ACTION_COOKIE_FLOW_SAMPLE) {
        rewrite_port(a, &cookie.flow_sample.output_odp_port);
    } else if (cookie.type == USER_ACTION_COOKIE_IPFIX) {
        rewrite_port(a, &cookie.ipfix.output_odp_port);
    }
    memcpy(userdata + 1, &cookie, sizeof cookie);
}

static bool adopt_userspace(struct adopting *a, struct nlattr *action)
{
    struct nlattr *inner;
    size_t left;

    if (!IS_NEST_OF(action, userspace_sizes) ||
        !nl_attr_find_nested(action, OVS_USERSPACE_ATTR_PID)) {
        return false;
    }
    NL_ATTR_FOR_EACH(inner, left, action + 1, nl_attr_get_size(action)) {
        if (nl_attr_type(inner) == OVS_USERSPACE_ATTR_USERDATA) {
            rewrite_cookie(a, inner);
        } else if (nl_attr_type(inner) == OVS_USERSPACE_ATTR_EGRESS_TUN_PORT) {
            rewrite_port(a, inner + 1);
        }
    }
    return true;
}

/* PAD is not in it: the kernel fills up with it, empty. */
static const size_t tunnel_sizes[] = {
    [OVS_TUNNEL_KEY_ATTR_ID] = SIZE(sizeof(ovs_be64)),
    [OVS_TUNNEL_KEY_ATTR_IPV4_SRC] = SIZE(sizeof(ovs_be32)),
    [OVS_TUNNEL_KEY_ATTR_IPV4_DST] = SIZE(sizeof(ovs_be32)),
    [OVS_TUNNEL_KEY_ATTR_TOS] = SIZE(1),
    [OVS_TUNNEL_KEY_ATTR_TTL] = SIZE(1),
    [OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT] = SIZE(0),
    [OVS_TUNNEL_KEY_ATTR_CSUM] = SIZE(0),
    [OVS_TUNNEL_KEY_ATTR_OAM] = SIZE(0),
    [OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS] = ANY_SIZE,
    [OVS_TUNNEL_KEY_ATTR_TP_SRC] = SIZE(sizeof(ovs_be16)),
    [OVS_TUNNEL_KEY_ATTR_TP_DST] = SIZE(sizeof(ovs_be16)),
    [OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS] = ANY_SIZE,
    [OVS_TUNNEL_KEY_ATTR_IPV6_SRC] = SIZE(sizeof(struct in6_addr)),
    [OVS_TUNNEL_KEY_ATTR_IPV6_DST] = SIZE(sizeof(struct in6_addr)),
    [OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS] = SIZE(sizeof(struct erspan_metadata)),
    [OVS_TUNNEL_KEY_ATTR_GTPU_OPTS] = SIZE(sizeof(struct gtpu_metadata)),
};

bool fl_odp_tunnel_is_readable(const struct nlattr *tunnel)
{
    const struct nlattr *inner;
    size_t left;

    NL_NESTED_FOR_EACH(inner, left, tunnel) {
        unsigned int type = (unsigned int)nl_attr_type(inner);
        size_t size = nl_attr_get_size(inner);

        if (type < ARRAY_SIZE(tunnel_sizes) && tunnel_sizes[type] > ANY_SIZE &&
            tunnel_sizes[type] != SIZE(size)) {
            return false;
        }
        if (type == OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS && size > TUN_METADATA_TOT_OPT_SIZE) {
            return false;
        }
    }
    return left == 0;
}

static bool is_settable_tunnel(const struct nlattr *tunnel)
{
    struct flow_tnl key;
    char *error = NULL;
    enum odp_key_fitness fitness;

    if (!fl_odp_tunnel_is_readable(tunnel)) {
        return false;
    }
    memset(&key, 0, sizeof key);
    fitness = odp_tun_key_from_attr(tunnel, &key, &error);
    free(error);
    return fitness == ODP_FIT_PERFECT;
}

/* set(): one attribute of a key; of a masked one, its value and then its mask. */
static bool is_set(const struct nlattr *action, bool masked)
{
    const struct nlattr *key = nl_attr_get(action);
    size_t size = nl_attr_get_size(action);
    int type;

    if (!nl_attr_is_valid(key, size) || nl_attr_len_pad(key, size) != size) {
        return false;
    }
    type = nl_attr_type(key);
    size = masked ? nl_attr_get_size(key) / 2 : nl_attr_get_size(key);
    if (masked && nl_attr_get_size(key) % 2) {
        return false;
    }
    switch (type) {
    case OVS_KEY_ATTR_TUNNEL: return !masked && is_settable_tunnel(key);
    case OVS_KEY_ATTR_MPLS: return size == sizeof(struct ovs_key_mpls);
    case OVS_KEY_ATTR_PRIORITY:
    case OVS_KEY_ATTR_SKB_MARK:
    case OVS_KEY_ATTR_ETHERNET:
    case OVS_KEY_ATTR_IPV4:
    case OVS_KEY_ATTR_IPV6:
    case OVS_KEY_ATTR_TCP:
    case OVS_KEY_ATTR_UDP:
    case OVS_KEY_ATTR_SCTP:
    case OVS_KEY_ATTR_ICMP:
    case OVS_KEY_ATTR_ICMPV6:
    case OVS_KEY_ATTR_ARP:
    case OVS_KEY_ATTR_ND:
    case OVS_KEY_ATTR_CT_MARK:
    case OVS_KEY_ATTR_CT_LABELS:
    case OVS_KEY_ATTR_CT_ZONE: return size == (size_t)ovs_flow_key_attr_lens[type].len;
    default: return false;
    }
}

static bool is_string(const struct nlattr *attr)
{
    const char *text = nl_attr_get(attr);
    size_t size = nl_attr_get_size(attr);

    if (!size || memchr(text, '\0', size) != text + size - 1) {
        return false;
    }
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || strchr(",()", *text)) {
            return false;
        }
    }
    return true;
}

static bool is_nat(const struct nlattr *nat)
{
    const struct nlattr *min, *max;
    bool ipv4;

    if (!IS_NEST_OF(nat, nat_sizes)) {
        return false;
    }
    min = nl_attr_find_nested(nat, OVS_NAT_ATTR_IP_MIN);
    max = nl_attr_find_nested(nat, OVS_NAT_ATTR_IP_MAX);
    ipv4 = min && has_size(min, sizeof(ovs_be32));
    return (!min || ipv4 || has_size(min, sizeof(struct in6_addr))) &&
           (!max || (min && has_size(max, nl_attr_get_size(min))));
}

static bool is_ct(const struct nlattr *action)
{
    const struct nlattr *helper, *timeout, *nat;

    if (!IS_NEST_OF(action, ct_sizes)) {
        return false;
    }
    helper = nl_attr_find_nested(action, OVS_CT_ATTR_HELPER);
    timeout = nl_attr_find_nested(action, OVS_CT_ATTR_TIMEOUT);
    nat = nl_attr_find_nested(action, OVS_CT_ATTR_NAT);
    return (!helper || is_string(helper)) && (!timeout || is_string(timeout)) &&
           (!nat || is_nat(nat));
}

/* Actions inside an action. Return: false without exactly @n lists, or for one that is refused. */
static bool adopt_nested(struct adopting *a, const struct nlattr *action, size_t n,
                         unsigned int depth)
{
    const struct nlattr *lists[2];
    size_t lens[2];

    if (depth + 1 >= FL_ACTIONS_MAX_DEPTH || fl_actions_nested(action, lists, lens) != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct nlattr *list = CONST_CAST(struct nlattr *, lists[i]);

        if (!adopt_list(a, list, lens[i], depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool adopt_action(struct adopting *a, struct nlattr *action, unsigned int depth)
{
    switch (nl_attr_type(action)) {
    case OVS_ACTION_ATTR_OUTPUT:
        if (!has_size(action, sizeof(uint32_t))) {
            return false;
        }
        rewrite_port(a, action + 1);
        return true;
    case OVS_ACTION_ATTR_RECIRC:
    case OVS_ACTION_ATTR_METER:
    case OVS_ACTION_ATTR_TRUNC: return has_size(action, sizeof(uint32_t));
    case OVS_ACTION_ATTR_HASH: return has_size(action, sizeof(struct ovs_action_hash));
    case OVS_ACTION_ATTR_PUSH_VLAN: return has_size(action, sizeof(struct ovs_action_push_vlan));
    case OVS_ACTION_ATTR_PUSH_MPLS: return has_size(action, sizeof(struct ovs_action_push_mpls));
    case OVS_ACTION_ATTR_ADD_MPLS: return has_size(action, sizeof(struct ovs_action_add_mpls));
    case OVS_ACTION_ATTR_POP_MPLS: return has_size(action, sizeof(ovs_be16));
    case OVS_ACTION_ATTR_PUSH_ETH: return has_size(action, sizeof(struct ovs_action_push_eth));
    case OVS_ACTION_ATTR_POP_VLAN:
    case OVS_ACTION_ATTR_POP_ETH:
    case OVS_ACTION_ATTR_POP_NSH:
    case OVS_ACTION_ATTR_CT_CLEAR: return has_size(action, 0);
    case OVS_ACTION_ATTR_SET: return is_set(action, false);
    case OVS_ACTION_ATTR_SET_MASKED: return is_set(action, true);
    case OVS_ACTION_ATTR_CT: return is_ct(action);
    case OVS_ACTION_ATTR_USERSPACE: return adopt_userspace(a, action);
    case OVS_ACTION_ATTR_CLONE: return adopt_nested(a, action, 1, depth);
    case OVS_ACTION_ATTR_SAMPLE:
        return IS_NEST_OF(action, sample_sizes) &&
               nl_attr_find_nested(action, OVS_SAMPLE_ATTR_PROBABILITY) &&
               adopt_nested(a, action, 1, depth);
    case OVS_ACTION_ATTR_CHECK_PKT_LEN:
        return IS_NEST_OF(action, check_pkt_len_sizes) &&
               nl_attr_find_nested(action, OVS_CHECK_PKT_LEN_ATTR_PKT_LEN) &&
               adopt_nested(a, action, 2, depth);
    default: return false; /* push_nsh() and set(nsh()) among them */
    }
}

static bool adopt_list(struct adopting *a, struct nlattr *actions, size_t n_bytes,
                       unsigned int depth)
{
    struct nlattr *action;
    size_t left;

    NL_ATTR_FOR_EACH(action, left, actions, n_bytes) {
        if (!adopt_action(a, action, depth)) {
            a->refused = a->refused < 0 ? nl_attr_type(action) : a->refused;
            return false;
        }
    }
    return left == 0;
}

static size_t without_drop(const struct nlattr *actions, size_t n_bytes)
{
    const struct nlattr *action;
    size_t left;

    NL_ATTR_FOR_EACH(action, left, actions, n_bytes) {
        if (nl_attr_type(action) == KERNEL_ACTION_DROP && has_size(action, sizeof(uint32_t)) &&
            nl_attr_len_pad(action, left) == left) {
            return n_bytes - left;
        }
    }
    return n_bytes;
}

bool fl_odp_actions_adopt(struct nlattr *actions, size_t *n_bytes, fl_odp_port_map *map, void *aux,
                          int *refused)
{
    struct adopting a = { .map = map, .aux = aux, .refused = -1 };

    *n_bytes = without_drop(actions, *n_bytes);
    if (!adopt_list(&a, actions, *n_bytes, 0)) {
        *refused = MAX(a.refused, 0);
        return false;
    }
    return true;
}
