/* SPDX-License-Identifier: Apache-2.0 */

/* The actions of a rule. See rte_rule.h. */

#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/rte_rule_internal.h"

struct writing {
    struct ds *text;
    enum fl_rte_rule_kind kind;
    fl_rte_port *port_of;
    void *aux;
    struct fl_error *err;
};

/* Names of what is set, as the plug-in and rte_flow call it. */
struct set_field {
    const char *name;
    size_t offset;
    size_t n;
    bool is_number; /* of at most 16 bits, decimal */
};

#define SET_FIELD(NAME, STRUCT, MEMBER, IS_NUMBER)                                                 \
    {                                                                                              \
        (NAME), offsetof(struct STRUCT, MEMBER), sizeof(((struct STRUCT *)0)->MEMBER), (IS_NUMBER) \
    }
#define MAX_SET_FIELDS 3

static const struct set_key {
    enum ovs_key_attr attr;
    size_t n;
    struct set_field fields[MAX_SET_FIELDS];
} set_keys[] = {
    { OVS_KEY_ATTR_ETHERNET,
      sizeof(struct ovs_key_ethernet),
      { SET_FIELD("set_mac_src addr", ovs_key_ethernet, eth_src, false),
        SET_FIELD("set_mac_dst addr", ovs_key_ethernet, eth_dst, false) } },
    { OVS_KEY_ATTR_IPV4,
      sizeof(struct ovs_key_ipv4),
      { SET_FIELD("set_ipv4_src addr", ovs_key_ipv4, ipv4_src, false),
        SET_FIELD("set_ipv4_dst addr", ovs_key_ipv4, ipv4_dst, false),
        SET_FIELD("set_ttl ttl", ovs_key_ipv4, ipv4_ttl, true) } },
    { OVS_KEY_ATTR_IPV6,
      sizeof(struct ovs_key_ipv6),
      { SET_FIELD("set_ipv6_src addr", ovs_key_ipv6, ipv6_src, false),
        SET_FIELD("set_ipv6_dst addr", ovs_key_ipv6, ipv6_dst, false),
        SET_FIELD("set_ttl ttl", ovs_key_ipv6, ipv6_hlimit, true) } },
    { OVS_KEY_ATTR_TCP,
      sizeof(struct ovs_key_tcp),
      { SET_FIELD("set_tp_src port", ovs_key_tcp, tcp_src, true),
        SET_FIELD("set_tp_dst port", ovs_key_tcp, tcp_dst, true) } },
    { OVS_KEY_ATTR_UDP,
      sizeof(struct ovs_key_udp),
      { SET_FIELD("set_tp_src port", ovs_key_udp, udp_src, true),
        SET_FIELD("set_tp_dst port", ovs_key_udp, udp_dst, true) } },
};

static int refuse(const struct writing *writing, const char *what)
{
    return fl_error_set(writing->err, -EOPNOTSUPP, "OVS does not offer %s", what);
}

static void put_set(struct ds *text, const struct set_field *field, const uint8_t *value)
{
    unsigned int number = 0;

    ds_put_format(text, " / %s=", field->name);
    if (!field->is_number) {
        fl_rte_put_hex(text, value, field->n);
        return;
    }
    for (size_t i = 0; i < field->n; i++) {
        number = number << 8 | value[i];
    }
    ds_put_format(text, "%u", number);
}

/* Of each field all bits are set or none; all that is set has a name. */
static int put_sets(const struct writing *writing, const struct nlattr *set, bool masked)
{
    const uint8_t *value = nl_attr_get(set), *mask = NULL;
    const struct set_key *key = NULL;
    uint8_t left[sizeof(struct ovs_key_ipv6)] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(set_keys) && !key; i++) {
        if ((int)set_keys[i].attr == nl_attr_type(set)) {
            key = &set_keys[i];
        }
    }
    if (!key || nl_attr_get_size(set) != key->n * (masked ? 2 : 1)) {
        return refuse(writing, "to set this header");
    }
    if (masked) {
        mask = value + key->n;
        memcpy(left, mask, key->n);
    }
    for (size_t i = 0; i < MAX_SET_FIELDS && key->fields[i].name; i++) {
        const struct set_field *field = &key->fields[i];

        if (!mask || is_all_ones(mask + field->offset, field->n)) {
            put_set(writing->text, field, value + field->offset);
        } else if (!is_all_zeros(mask + field->offset, field->n)) {
            return refuse(writing, "to set a part of a field");
        }
        memset(left + field->offset, 0, field->n);
    }
    return is_all_zeros(left, sizeof left) ? 0 : refuse(writing, "to set this field of a header");
}

static int put_output(const struct writing *writing, const struct nlattr *output)
{
    int port = writing->port_of(nl_attr_get_odp_port(output), writing->aux);

    if (port < 0) {
        return refuse(writing, "an output to a port that is not on a NIC");
    }
    ds_put_format(writing->text, " / %s id=%d",
                  writing->kind == FL_RTE_FORWARDS ? "port_id" : "represented_port", port);
    return 0;
}

static void put_push_vlan(struct ds *text, const struct ovs_action_push_vlan *push)
{
    ds_put_cstr(text, " / of_push_vlan type=");
    fl_rte_put_hex(text, &push->vlan_tpid, sizeof push->vlan_tpid);
    ds_put_format(text, " / of_set_vlan_pcp pcp=%d / of_set_vlan_vid vid=%d",
                  vlan_tci_to_pcp(push->vlan_tci), vlan_tci_to_vid(push->vlan_tci));
}

static int put_push_tunnel(const struct writing *writing, const struct nlattr *action)
{
    const struct ovs_action_push_tnl *push = nl_attr_get(action);

    if (nl_attr_get_size(action) != sizeof *push || push->header_len > sizeof push->header) {
        return refuse(writing, "this tunnel header");
    }
    ds_put_format(writing->text, " / %s data=",
                  push->tnl_type == OVS_VPORT_TYPE_VXLAN ? "vxlan_encap" : "raw_encap");
    fl_rte_put_hex(writing->text, push->header, push->header_len);
    return 0;
}

static int put_clone(const struct writing *writing, const struct nlattr *clone)
{
    const struct nlattr *action;
    size_t left;
    int error = 0;

    NL_NESTED_FOR_EACH(action, left, clone) {
        int type = nl_attr_type(action);

        error = type == OVS_ACTION_ATTR_TUNNEL_PUSH ? put_push_tunnel(writing, action)
                : type == OVS_ACTION_ATTR_OUTPUT    ? put_output(writing, action)
                                                    : refuse(writing, "this action in clone()");
        if (error) {
            break;
        }
    }
    return error;
}

/* @is_last: only then OVS offers clone(). */
static int put_action(const struct writing *writing, const struct nlattr *action, bool is_last)
{
    switch ((enum ovs_action_attr)nl_attr_type(action)) {
    case OVS_ACTION_ATTR_OUTPUT: return put_output(writing, action);
    case OVS_ACTION_ATTR_DROP: ds_put_cstr(writing->text, " / drop"); return 0;
    case OVS_ACTION_ATTR_POP_VLAN: ds_put_cstr(writing->text, " / of_pop_vlan"); return 0;
    case OVS_ACTION_ATTR_PUSH_VLAN:
        put_push_vlan(writing->text,
                      nl_attr_get_unspec(action, sizeof(struct ovs_action_push_vlan)));
        return 0;
    case OVS_ACTION_ATTR_SET: return put_sets(writing, nl_attr_get(action), false);
    case OVS_ACTION_ATTR_SET_MASKED: return put_sets(writing, nl_attr_get(action), true);
    case OVS_ACTION_ATTR_TUNNEL_PUSH: return put_push_tunnel(writing, action);
    case OVS_ACTION_ATTR_CLONE:
        return is_last ? put_clone(writing, action)
                       : refuse(writing, "clone() before another action");
    default: return refuse(writing, "one of these actions");
    }
}

int fl_rte_put_actions(struct ds *text, const struct fl_flow *flow, enum fl_rte_rule_kind kind,
                       fl_rte_port *port_of, void *aux, struct fl_error *err)
{
    const struct writing writing = { text, kind, port_of, aux, err };
    const struct nlattr *action;
    size_t left;

    if (!flow->actions_len) {
        return refuse(&writing, "a flow without actions");
    }
    ds_put_cstr(text, " actions count");
    NL_ATTR_FOR_EACH(action, left, flow->actions, flow->actions_len) {
        int error = put_action(&writing, action, left <= (size_t)NLA_ALIGN(action->nla_len));

        if (error) {
            return error;
        }
    }
    return 0;
}
