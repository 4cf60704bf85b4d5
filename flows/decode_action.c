/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single actions that are read without libopenvswitch: it does not know them by the text that it
 * prints itself, or they are in every dump.
 */
#include <arpa/inet.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/decode_action.h"

bool fl_ends_action_name(char c)
{
    return c == ',' || c == ' ' || c == '(' || c == ')' || c == '"' || c == '\'' || c == '`';
}

/* The name of an action or port. */
struct fl_text fl_scan_action_name(struct fl_cursor *c)
{
    const char *start = c->p;

    while (c->p < c->end && !fl_ends_action_name(*c->p))
        c->p++;
    return (struct fl_text){ start, (size_t)(c->p - start) };
}

bool fl_is_port_name(struct fl_text token)
{
    for (size_t i = 0; i < token.n; i++) {
        unsigned char c = (unsigned char)token.s[i];

        if (c <= ' ' || c == 0x7f || strchr("<>[]{}=|;*?\\", c))
            return false;
    }
    return token.n > 0 && !fl_text_starts(token, "...");
}

/* "NUMBER)" */
static bool scan_last_number(struct fl_cursor *c, uint64_t max, uint64_t *value)
{
    return fl_scan_uint(c, max, value) && fl_scan_char(c, ')');
}

/* "NAME)" or "NUMBER)" */
bool fl_scan_last_port(struct fl_actions_reading *r, struct fl_cursor *c, odp_port_t *port)
{
    struct fl_text token = fl_scan_action_name(c);

    if (!fl_is_port_name(token) || !fl_scan_char(c, ')'))
        return false;
    *port = fl_ports_intern(r->ports, token.s, token.n);
    return *port != ODPP_NONE;
}

bool fl_action_recirc(struct fl_actions_reading *r, struct fl_cursor *c)
{
    uint64_t id;

    if (!scan_last_number(c, UINT32_MAX, &id))
        return false;
    nl_msg_put_u32(r->actions, OVS_ACTION_ATTR_RECIRC, (uint32_t)id);
    return true;
}

bool fl_action_meter(struct fl_actions_reading *r, struct fl_cursor *c)
{
    uint64_t id;

    if (!scan_last_number(c, UINT32_MAX, &id))
        return false;
    nl_msg_put_u32(r->actions, OVS_ACTION_ATTR_METER, (uint32_t)id);
    return true;
}

bool fl_action_lb_output(struct fl_actions_reading *r, struct fl_cursor *c)
{
    uint64_t id;

    if (!scan_last_number(c, UINT32_MAX, &id))
        return false;
    nl_msg_put_u32(r->actions, OVS_ACTION_ATTR_LB_OUTPUT, (uint32_t)id);
    return true;
}

bool fl_action_tnl_pop(struct fl_actions_reading *r, struct fl_cursor *c)
{
    odp_port_t port;

    if (!fl_scan_last_port(r, c, &port))
        return false;
    nl_msg_put_odp_port(r->actions, OVS_ACTION_ATTR_TUNNEL_POP, port);
    return true;
}

/* "l4(BASIS))", in older versions "hash_l4(BASIS))" */
bool fl_action_hash(struct fl_actions_reading *r, struct fl_cursor *c)
{
    struct ovs_action_hash hash = { .hash_alg = OVS_HASH_ALG_L4 };
    uint64_t basis;

    if (fl_scan_word(c, "sym_l4("))
        hash.hash_alg = OVS_HASH_ALG_SYM_L4;
    else if (!fl_scan_word(c, "l4(") && !fl_scan_word(c, "hash_l4("))
        return false;
    if (!scan_last_number(c, UINT32_MAX, &basis) || !fl_scan_char(c, ')'))
        return false;
    hash.hash_basis = (uint32_t)basis;
    nl_msg_put_unspec(r->actions, OVS_ACTION_ATTR_HASH, &hash, sizeof hash);
    return true;
}

bool fl_action_pop_mpls(struct fl_actions_reading *r, struct fl_cursor *c)
{
    uint64_t type;

    if (!fl_scan_word(c, "eth_type=") || !scan_last_number(c, UINT16_MAX, &type))
        return false;
    nl_msg_put_be16(r->actions, OVS_ACTION_ATTR_POP_MPLS, htons((uint16_t)type));
    return true;
}

bool fl_scan_named(struct fl_cursor *c, const char *name, uint64_t max, uint64_t *value)
{
    struct fl_cursor at = *c;

    if (!fl_scan_word(&at, name) || !fl_scan_char(&at, '=') || !fl_scan_uint(&at, max, value))
        return false;
    c->p = at.p;
    fl_scan_char(c, ',');
    return true;
}

bool fl_action_push_mpls(struct fl_actions_reading *r, struct fl_cursor *c)
{
    uint64_t label, tc, ttl, bos, type;
    struct ovs_action_push_mpls mpls;

    if (!fl_scan_named(c, "label", 0xfffff, &label) || !fl_scan_named(c, "tc", 7, &tc) ||
        !fl_scan_named(c, "ttl", UINT8_MAX, &ttl) || !fl_scan_named(c, "bos", 1, &bos) ||
        !fl_scan_named(c, "eth_type", UINT16_MAX, &type) || !fl_scan_char(c, ')'))
        return false;
    mpls.mpls_ethertype = htons((uint16_t)type);
    mpls.mpls_lse = htonl((uint32_t)(label << MPLS_LABEL_SHIFT | tc << MPLS_TC_SHIFT |
                                     ttl << MPLS_TTL_SHIFT | bos << MPLS_BOS_SHIFT));
    nl_msg_put_unspec(r->actions, OVS_ACTION_ATTR_PUSH_MPLS, &mpls, sizeof mpls);
    return true;
}

bool fl_action_push_vlan(struct fl_actions_reading *r, struct fl_cursor *c)
{
    struct ovs_action_push_vlan push;
    uint64_t tpid = ETH_TYPE_VLAN, vid, pcp, cfi = 1;

    fl_scan_named(c, "tpid", UINT16_MAX, &tpid);
    if (!fl_scan_named(c, "vid", VLAN_VID_MASK, &vid) || !fl_scan_named(c, "pcp", 7, &pcp))
        return false;
    fl_scan_named(c, "cfi", 1, &cfi);
    if (!fl_scan_char(c, ')'))
        return false;
    push.vlan_tpid = htons((uint16_t)tpid);
    push.vlan_tci = htons(
        (uint16_t)(vid << VLAN_VID_SHIFT | pcp << VLAN_PCP_SHIFT | (cfi ? VLAN_CFI : 0)));
    nl_msg_put_unspec(r->actions, OVS_ACTION_ATTR_PUSH_VLAN, &push, sizeof push);
    return true;
}

/* "src=MAC,dst=MAC", in some versions with a type that the action has no room for */
bool fl_action_push_eth(struct fl_actions_reading *r, struct fl_cursor *c)
{
    struct ovs_action_push_eth push;
    uint64_t type;

    memset(&push, 0, sizeof push);
    if (!fl_scan_word(c, "src=") || !fl_scan_eth(c, &push.addresses.eth_src) ||
        !fl_scan_word(c, ",dst=") || !fl_scan_eth(c, &push.addresses.eth_dst))
        return false;
    if (fl_scan_char(c, ',') && !fl_scan_named(c, "type", UINT16_MAX, &type))
        return false;
    if (!fl_scan_char(c, ')'))
        return false;
    nl_msg_put_unspec(r->actions, OVS_ACTION_ATTR_PUSH_ETH, &push, sizeof push);
    return true;
}

/*
 * Connection tracking. Options that all dumps have are read here; the rest (helper, timeout, NAT with
 * an address) by libopenvswitch.
 */
struct ct_options {
    bool commit, force_commit, nat;
    uint16_t zone;
    uint32_t mark[2]; /* Value, mask. */
};

static bool scan_ct_option(struct fl_cursor *c, struct ct_options *ct)
{
    uint64_t number, mask = UINT32_MAX;

    if (fl_scan_word(c, "commit")) {
        ct->commit = true;
    } else if (fl_scan_word(c, "force_commit")) {
        ct->force_commit = true;
    } else if (fl_scan_word(c, "nat")) {
        ct->nat = true;
    } else if (fl_scan_word(c, "zone=")) {
        if (!fl_scan_uint(c, UINT16_MAX, &number))
            return false;
        ct->zone = (uint16_t)number;
    } else if (fl_scan_word(c, "mark=0x")) {
        c->p -= 2;
        if (!fl_scan_uint(c, UINT32_MAX, &number) ||
            (fl_scan_word(c, "/") && !fl_scan_uint(c, UINT32_MAX, &mask)))
            return false;
        ct->mark[0] = (uint32_t)number;
        ct->mark[1] = (uint32_t)mask;
    } else {
        return false;
    }
    return c->p == c->end || *c->p == ',' || *c->p == ')';
}

static bool scan_ct(struct fl_cursor *c, struct ct_options *ct)
{
    if (c->p == c->end || fl_scan_word(c, "()"))
        return true;
    if (!fl_scan_char(c, '('))
        return false;
    do {
        if (!scan_ct_option(c, ct))
            return false;
    } while (fl_scan_char(c, ','));
    return fl_scan_char(c, ')') && c->p == c->end && !(ct->commit && ct->force_commit);
}

static void put_ct(struct ofpbuf *actions, const struct ct_options *ct)
{
    size_t start = nl_msg_start_nested(actions, OVS_ACTION_ATTR_CT);

    if (ct->commit)
        nl_msg_put_flag(actions, OVS_CT_ATTR_COMMIT);
    else if (ct->force_commit)
        nl_msg_put_flag(actions, OVS_CT_ATTR_FORCE_COMMIT);
    if (ct->zone)
        nl_msg_put_u16(actions, OVS_CT_ATTR_ZONE, ct->zone);
    if (ct->mark[1])
        nl_msg_put_unspec(actions, OVS_CT_ATTR_MARK, ct->mark, sizeof ct->mark);
    if (ct->nat)
        nl_msg_end_nested(actions, nl_msg_start_nested(actions, OVS_CT_ATTR_NAT));
    nl_msg_end_nested(actions, start);
}

bool fl_action_ct(struct fl_actions_reading *r, struct fl_text action)
{
    struct fl_cursor c = { action.s + strlen("ct"), action.s + action.n };
    struct ct_options ct = { .commit = false };

    if (!scan_ct(&c, &ct))
        return fl_action_by_odp(r, action);
    put_ct(r->actions, &ct);
    return true;
}
