/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single actions through libopenvswitch's parser, bounded, with what it does not take mended first.
 */
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode_action.h"

/* A copy with a NUL behind it, or NULL when it is too long. */
static char *copy_text(struct fl_text text)
{
    if (text.n > FL_MAX_ACTION_BYTES || memchr(text.s, '\0', text.n))
        return NULL;
    return xmemdup0(text.s, text.n);
}

static bool put_action(struct fl_actions_reading *r, const char *text)
{
    uint32_t size = r->actions->size;

    return !odp_actions_from_string(text, NULL, r->actions) && r->actions->size > size;
}

/* @action is all of it, with its name and brackets. */
bool fl_action_by_odp(struct fl_actions_reading *r, struct fl_text action)
{
    char *text = copy_text(action);
    bool ok = text && put_action(r, text);

    free(text);
    return ok;
}

/* Ports by their numbers where the parser takes no name: "tnl_port(NAME)", "out_port(NAME)". */
bool fl_action_tnl_push(struct fl_actions_reading *r, struct fl_text action)
{
    static const char *const words[] = { "tnl_port(", "out_port(" };
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_cursor c = { action.s, action.s + action.n };
    bool ok = action.n <= FL_MAX_ACTION_BYTES && !memchr(action.s, '\0', action.n);

    for (size_t i = 0; ok && i < ARRAY_SIZE(words); i++) {
        struct fl_text rest = { c.p, (size_t)(c.end - c.p) };
        const char *at = fl_text_find(rest, words[i]);
        odp_port_t port;

        ok = at != NULL;
        if (!ok)
            break;
        at += strlen(words[i]);
        ds_put_buffer(&text, c.p, (size_t)(at - c.p));
        c.p = at;
        ok = fl_scan_last_port(r, &c, &port);
        if (ok)
            ds_put_format(&text, "%" PRIu32 ")", odp_to_u32(port));
    }
    if (ok) {
        ds_put_buffer(&text, c.p, (size_t)(c.end - c.p));
        ok = put_action(r, ds_cstr(&text));
    }
    ds_destroy(&text);
    return ok;
}

/*
 * "userspace(pid=N,KIND(...),...)". When libopenvswitch refuses it (a reason or an option of another
 * version) its kind and pid are kept, since they tell samples from packets sent up.
 */
bool fl_action_userspace(struct fl_actions_reading *r, struct fl_text action)
{
    static const struct {
        const char *word;
        enum user_action_cookie_type type;
    } kinds[] = {
        { "sFlow(", USER_ACTION_COOKIE_SFLOW },
        { "slow_path(", USER_ACTION_COOKIE_SLOW_PATH },
        { "flow_sample(", USER_ACTION_COOKIE_FLOW_SAMPLE },
        { "ipfix(", USER_ACTION_COOKIE_IPFIX },
        { "controller(", USER_ACTION_COOKIE_CONTROLLER },
    };
    struct fl_cursor c = { action.s + strlen("userspace("), action.s + action.n };
    struct user_action_cookie cookie;
    uint64_t pid = 0;

    if (fl_action_by_odp(r, action))
        return true;
    fl_scan_named(&c, "pid", UINT32_MAX, &pid);
    memset(&cookie, 0, sizeof cookie);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (fl_scan_word(&c, kinds[i].word)) {
            cookie.type = (uint16_t)kinds[i].type;
            return !odp_put_userspace_action((uint32_t)pid, &cookie, sizeof cookie, ODPP_NONE,
                                             false, r->actions, NULL);
        }
    }
    return !odp_put_userspace_action((uint32_t)pid, NULL, 0, ODPP_NONE, false, r->actions, NULL);
}

/* set(tunnel()) with "key6(bad key length 1, expected 0)(01)" in it (OVS before 2.16, Geneve). */
static void drop_bad_keys(char *text)
{
    static const char word[] = "(bad key length";
    struct fl_cursor c;
    char *at = text;

    while ((at = strstr(at, word))) {
        char *name = at;

        while (name > text && name[-1] != ',' && name[-1] != '(')
            name--;
        c = (struct fl_cursor){ at, at + strlen(at) };
        while (c.p < c.end && *c.p == '(' && fl_scan_bracketed(&c))
            continue;
        if (c.p == at)
            return; /* It never closes. */
        fl_scan_char(&c, ',');
        memmove(name, c.p, (size_t)(c.end - c.p) + 1);
        at = name;
    }
}

/* "flags(df,key)" of OVS before 2.0 as "flags(df|key)". */
static void mend_flags(char *text)
{
    char *at = strstr(text, "flags(");

    for (; at && *at && *at != ')'; at++) {
        if (*at == ',')
            *at = '|';
    }
}

static void put_set(struct ofpbuf *actions, const struct ofpbuf *key, const struct ofpbuf *mask)
{
    const struct nlattr *a = key->data;
    uint16_t type = (uint16_t)nl_attr_type(a);
    size_t size = nl_attr_get_size(a);
    const struct nlattr *m = mask ? mask->data : NULL;
    bool masked = m && nl_attr_get_size(m) == size && !is_all_ones(nl_attr_get(m), size);
    size_t start = nl_msg_start_nested(actions,
                                       masked ? OVS_ACTION_ATTR_SET_MASKED : OVS_ACTION_ATTR_SET);

    if (masked) {
        uint8_t *both = nl_msg_put_unspec_uninit(actions, type, 2 * size);

        memcpy(both, nl_attr_get(a), size);
        memcpy(both + size, nl_attr_get(m), size);
    } else {
        nl_msg_put_unspec(actions, type, nl_attr_get(a), size);
    }
    nl_msg_end_nested(actions, start);
}

/* One attribute and no more, of a size that has room in the actions twice. */
static bool is_single(const struct ofpbuf *key)
{
    const struct nlattr *a = key->data;

    return key->size >= NLA_HDRLEN && key->size < FL_MAX_ACTIONS_BYTES / 4 &&
           key->size == (uint32_t)NLA_ALIGN(a->nla_len);
}

/* "ATTRIBUTE(...))" behind "set(" */
bool fl_action_set(struct fl_actions_reading *r, struct fl_text action)
{
    struct fl_text inner = { action.s + strlen("set("), action.n - strlen("set()") };
    bool is_tunnel = fl_text_starts(inner, "tunnel(");
    struct ofpbuf key, mask;
    char *text, *error = NULL;
    bool ok;

    if (inner.n > FL_MAX_ATTR_BYTES || memchr(inner.s, '\0', inner.n))
        return false;
    text = copy_text(inner);
    if (text && is_tunnel) {
        drop_bad_keys(text);
        mend_flags(text);
    }
    ofpbuf_init(&key, 256);
    ofpbuf_init(&mask, 256);
    /* A tunnel is set as a whole. */
    ok = text &&
         !odp_flow_from_string(text, fl_ports_simap(r->ports), &key, is_tunnel ? NULL : &mask,
                               &error) &&
         is_single(&key);
    if (ok)
        put_set(r->actions, &key, is_tunnel ? NULL : &mask);
    ofpbuf_uninit(&key);
    ofpbuf_uninit(&mask);
    free(error);
    free(text);
    return ok;
}
