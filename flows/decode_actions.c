/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions, as "dpctl/dump-flows" prints them, into netlink attributes.
 *
 * Lists and what is in every dump are read here; an action with more to it goes to libopenvswitch's
 * parser, one at a time and bounded. That parser does not read all that OVS prints: hash(), recirc(0x1),
 * push_eth(), push_mpls(), pop_mpls(), names of ports that begin with a digit or stand in tnl_push() or
 * tnl_pop(); and it makes a masked set of a set(tunnel()) without flags().
 */
#include <arpa/inet.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode.h"
#include "flows/decode_action.h"

#define MAX_DEPTH 32 /* Lists in lists; OVS itself stops there. */

static bool read_list(struct fl_actions_reading *r, struct fl_cursor *c);

/* "dp-extra-info:" ends the actions; a port with a colon in its name does not. */
static bool is_item_at(struct fl_cursor c)
{
    const char *start = c.p;

    while (c.p < c.end && *c.p != ':' && c.p - start < 32)
        c.p++;
    return c.p < c.end && *c.p == ':' &&
           fl_is_flow_item((struct fl_text){ start, (size_t)(c.p - start) });
}

static void skip_blanks(struct fl_cursor *c)
{
    while (c->p < c->end && *c->p == ' ')
        c->p++;
}

static void put_output(struct fl_actions_reading *r, odp_port_t port)
{
    nl_msg_put_odp_port(r->actions, OVS_ACTION_ATTR_OUTPUT, port);
}

static bool read_port(struct fl_actions_reading *r, struct fl_text token)
{
    odp_port_t port;

    if (!fl_is_port_name(token))
        return false;
    port = fl_ports_intern(r->ports, token.s, token.n);
    if (port == ODPP_NONE)
        return false;
    put_output(r, port);
    return true;
}

/* Lists in actions */

static bool end_nested(struct fl_actions_reading *r, size_t start)
{
    if (r->actions->size - start > FL_MAX_ACTIONS_BYTES)
        return false;
    nl_msg_end_nested(r->actions, start);
    return true;
}

/* "ACTION,...)" as a nested attribute */
static bool read_nested(struct fl_actions_reading *r, struct fl_cursor *c, uint16_t type)
{
    size_t start = nl_msg_start_nested(r->actions, type);

    return read_list(r, c) && fl_scan_char(c, ')') && end_nested(r, start);
}

/* "12.5%" as a share of UINT32_MAX */
static bool scan_percentage(struct fl_cursor *c, uint32_t *probability)
{
    uint64_t whole, digits = 0;
    double percent, scale = 1;

    if (!fl_scan_decimal(c, &whole) || whole > 100)
        return false;
    if (fl_scan_char(c, '.')) {
        const char *start = c->p;

        if (!fl_scan_decimal(c, &digits) || c->p - start > 15)
            return false;
        for (ptrdiff_t i = c->p - start; i > 0; i--)
            scale *= 10;
    }
    percent = (double)whole + (double)digits / scale;
    if (!fl_scan_char(c, '%') || percent > 100)
        return false;
    *probability = (uint32_t)(UINT32_MAX * (percent / 100) + .5);
    return true;
}

static bool read_sample(struct fl_actions_reading *r, struct fl_cursor *c)
{
    size_t start = nl_msg_start_nested(r->actions, OVS_ACTION_ATTR_SAMPLE);
    uint32_t probability;

    if (!fl_scan_word(c, "sample=") || !scan_percentage(c, &probability) ||
        !fl_scan_word(c, ",actions("))
        return false;
    nl_msg_put_u32(r->actions, OVS_SAMPLE_ATTR_PROBABILITY, probability);
    return read_nested(r, c, OVS_SAMPLE_ATTR_ACTIONS) && fl_scan_char(c, ')') &&
           end_nested(r, start);
}

static bool read_check_pkt_len(struct fl_actions_reading *r, struct fl_cursor *c)
{
    size_t start = nl_msg_start_nested(r->actions, OVS_ACTION_ATTR_CHECK_PKT_LEN);
    uint64_t size;

    if (!fl_scan_word(c, "size=") || !fl_scan_uint(c, UINT16_MAX, &size) ||
        !fl_scan_word(c, ",gt("))
        return false;
    nl_msg_put_u16(r->actions, OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, (uint16_t)size);
    return read_nested(r, c, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER) &&
           fl_scan_word(c, ",le(") &&
           read_nested(r, c, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL) &&
           fl_scan_char(c, ')') && end_nested(r, start);
}

static bool read_clone(struct fl_actions_reading *r, struct fl_cursor *c)
{
    return read_nested(r, c, OVS_ACTION_ATTR_CLONE);
}

/* The table of actions. One with brackets is handed over behind its '(' or as a whole. */
static const struct {
    const char *name;
    bool (*read)(struct fl_actions_reading *r, struct fl_cursor *c);
    bool (*read_whole)(struct fl_actions_reading *r, struct fl_text action);
} actions_with_brackets[] = {
    { "ct", NULL, fl_action_ct },
    { "recirc", fl_action_recirc, NULL },
    { "set", NULL, fl_action_set },
    { "push_vlan", fl_action_push_vlan, NULL },
    { "userspace", NULL, fl_action_userspace },
    { "hash", fl_action_hash, NULL },
    { "sample", read_sample, NULL },
    { "meter", fl_action_meter, NULL },
    { "clone", read_clone, NULL },
    { "tnl_push", NULL, fl_action_tnl_push },
    { "tnl_pop", fl_action_tnl_pop, NULL },
    { "check_pkt_len", read_check_pkt_len, NULL },
    { "lb_output", fl_action_lb_output, NULL },
    { "trunc", NULL, fl_action_by_odp },
    { "push_eth", fl_action_push_eth, NULL },
    { "push_nsh", NULL, fl_action_by_odp },
    { "pop_nsh", NULL, fl_action_by_odp },
    { "push_mpls", fl_action_push_mpls, NULL },
    { "pop_mpls", fl_action_pop_mpls, NULL },
    { "add_mpls", NULL, fl_action_by_odp },
};

bool fl_is_action(struct fl_text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions_with_brackets); i++) {
        if (fl_text_is(name, actions_with_brackets[i].name))
            return true;
    }
    return false;
}

static bool read_bracketed(struct fl_actions_reading *r, struct fl_text name, struct fl_cursor *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions_with_brackets); i++) {
        struct fl_cursor inner = *c;

        if (!fl_text_is(name, actions_with_brackets[i].name))
            continue;
        if (!actions_with_brackets[i].read) {
            if (!fl_scan_bracketed(&inner) ||
                !actions_with_brackets[i].read_whole(r, (struct fl_text){
                                                            name.s, (size_t)(inner.p - name.s) }))
                return false;
        } else {
            inner.p++;
            if (!actions_with_brackets[i].read(r, &inner))
                return false;
        }
        c->p = inner.p;
        return true;
    }
    return false;
}

static bool read_bare(struct fl_actions_reading *r, struct fl_text name)
{
    if (fl_text_is(name, "drop"))
        return true;
    if (fl_text_is(name, "ct")) {
        fl_action_ct(r, name);
    } else if (fl_text_is(name, "ct_clear")) {
        nl_msg_put_flag(r->actions, OVS_ACTION_ATTR_CT_CLEAR);
    } else if (fl_text_is(name, "pop_vlan")) {
        nl_msg_put_flag(r->actions, OVS_ACTION_ATTR_POP_VLAN);
    } else if (fl_text_is(name, "pop_eth")) {
        nl_msg_put_flag(r->actions, OVS_ACTION_ATTR_POP_ETH);
    } else {
        return read_port(r, name);
    }
    return true;
}

static bool read_action(struct fl_actions_reading *r, struct fl_cursor *c)
{
    struct fl_text name = fl_scan_action_name(c);

    if (c->p < c->end && *c->p == '(')
        return name.n > 0 && read_bracketed(r, name, c);
    return read_bare(r, name);
}

/* Actions up to the ')' of what they are in. */
static bool read_list(struct fl_actions_reading *r, struct fl_cursor *c)
{
    if (++r->depth > MAX_DEPTH)
        return false;
    skip_blanks(c);
    while (c->p < c->end && *c->p != ')') {
        if (!read_action(r, c) || r->actions->size > FL_MAX_ACTIONS_BYTES)
            return false;
        skip_blanks(c);
        if (!fl_scan_char(c, ','))
            break;
        skip_blanks(c);
    }
    r->depth--;
    return true;
}

/* The end of an action that was not understood. */
static const char *skip_action(const char *start, const char *end)
{
    unsigned int depth = 0;
    const char *p;

    for (p = start; p < end; p++) {
        if (*p == '(')
            depth++;
        else if (*p == ')' && depth > 0)
            depth--;
        else if (depth == 0 && fl_ends_action_name(*p))
            break;
    }
    return p;
}

static bool is_ellipsis(struct fl_text text)
{
    return fl_text_starts(text, "...") || fl_text_starts(text, "<...") ||
           fl_text_starts(text, "[..") || fl_text_starts(text, "<>");
}

static void refuse(struct fl_actions_result *result, struct fl_text action)
{
    result->end = action.s + action.n;
    if (is_ellipsis(action))
        result->elided = true;
    else if (!result->refused.n)
        result->refused = action;
    result->userspace |= fl_text_starts(action, "userspace(") && !fl_text_find(action, "sFlow(") &&
                         !fl_text_find(action, "flow_sample(") && !fl_text_find(action, "ipfix(");
}

/* One action on the top level. Return: false where the actions end. */
static bool read_top_action(struct fl_actions_reading *r, struct fl_cursor *c,
                            struct fl_actions_result *result)
{
    const char *start = c->p;
    uint32_t size = r->actions->size;

    if (is_item_at(*c) || fl_ends_action_name(*c->p))
        return false;
    result->empty = false;
    if (read_action(r, c) && (c->p == c->end || (fl_ends_action_name(*c->p) && *c->p != '(')) &&
        r->actions->size <= FL_MAX_ACTIONS_BYTES) {
        result->end = c->p;
        return true;
    }
    r->actions->size = size;
    r->depth = 0;
    refuse(result, (struct fl_text){ start, (size_t)(skip_action(start, c->end) - start) });
    c->p = result->end;
    return true;
}

void fl_actions_read(struct fl_text text, struct fl_ports *ports, struct ofpbuf *actions,
                     struct fl_actions_result *result)
{
    struct fl_actions_reading r = { .ports = ports, .actions = actions };
    struct fl_cursor c = { text.s, text.s + text.n };

    *result = (struct fl_actions_result){ .end = text.s, .empty = true };
    skip_blanks(&c);
    while (c.p < c.end && read_top_action(&r, &c, result)) {
        skip_blanks(&c);
        if (!fl_scan_char(&c, ','))
            break;
        skip_blanks(&c);
    }
}

bool fl_decode_actions(const char *text, struct fl_ports *ports, struct ofpbuf *actions)
{
    struct fl_actions_result result;

    fl_actions_read((struct fl_text){ text, strlen(text) }, ports, actions, &result);
    return !result.refused.n && !result.elided && !result.empty && !*result.end &&
           actions->size <= FL_MAX_ACTIONS_BYTES;
}
