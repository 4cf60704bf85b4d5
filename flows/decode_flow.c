/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one flow into its parts: "ufid:...", match attributes "name(...)", and items
 * "name:value", one of which is "actions:". They are taken in any order, since versions and vendors
 * differ in it; what is neither is skipped and named in parse_error.
 */
#include <ovs/hash.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>

#include "flows/decode_internal.h"

struct reading {
    struct fl_flow_scratch *scratch;
    struct fl_flow *flow;
    const char *start; /* Of the flow. */
    struct fl_cursor c;
    const char *end; /* Behind what belongs to the flow so far. */
    struct fl_match_text match;
    struct fl_text match_text, actions_text, offload_info;
    struct fl_text refused; /* First piece that is no part of a flow. */
    bool elided;            /* "..." stood for a part of the match. */
    bool has_actions;       /* "actions:" was read. */
    bool userspace;         /* A userspace() that is legible, but not decoded. */
};

enum string { STRING_MATCH, STRING_ACTIONS, STRING_RAW, STRING_OFFLOAD_INFO };

void fl_flow_scratch_init(struct fl_flow_scratch *scratch, struct fl_ports *ports, bool keep_text)
{
    memset(scratch, 0, sizeof *scratch);
    scratch->ports = ports;
    scratch->keep_text = keep_text;
    ofpbuf_init(&scratch->actions, 512);
    for (size_t i = 0; i < ARRAY_SIZE(scratch->strings); i++)
        ds_init(&scratch->strings[i]);
}

void fl_flow_scratch_uninit(struct fl_flow_scratch *scratch)
{
    ofpbuf_uninit(&scratch->actions);
    for (size_t i = 0; i < ARRAY_SIZE(scratch->strings); i++)
        ds_destroy(&scratch->strings[i]);
}

void fl_flow_blame(struct fl_flow_scratch *scratch, struct fl_flow *flow, const char *what,
                   struct fl_text where)
{
    int shown = (int)MIN(where.n, 60);

    if (flow->parse_error)
        return;
    /* Not in the middle of a UTF-8 character. */
    while (shown > 0 && where.n > 60 && ((unsigned char)where.s[shown] & 0xc0) == 0x80)
        shown--;
    snprintf(scratch->error, sizeof scratch->error, "%s%s%.*s%s", what, where.n ? ": " : "", shown,
             where.n ? where.s : "", (size_t)shown < where.n ? "..." : "");
    flow->parse_error = scratch->error;
}

static const char *keep(struct reading *r, enum string which, struct fl_text text)
{
    struct ds *string = &r->scratch->strings[which];

    ds_clear(string);
    ds_put_buffer(string, text.s ? text.s : "", text.n);
    return ds_cstr(string);
}

/* Texts and their ends */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           (c >= 'A' && c <= 'Z');
}

static struct fl_text scan_name(struct fl_cursor *c)
{
    const char *start = c->p;

    while (c->p < c->end && is_name_char(*c->p))
        c->p++;
    return (struct fl_text){ start, (size_t)(c->p - start) };
}

/* Whether "packets:", "actions:" or the like begins at @p. */
static bool is_item_at(const char *p, const char *end)
{
    struct fl_cursor c = { p, end };
    struct fl_text name;

    if (p == end || !strchr("pbuafodm", *p))
        return false;
    name = scan_name(&c);
    return c.p < c.end && *c.p == ':' && fl_is_flow_item(name);
}

/*
 * An attribute's brackets, from its '('. Text may have been lost in the middle: where "packets:" or
 * so stands in the brackets, they end before it.
 * Return: false when the brackets do not close.
 */
static bool scan_attr_end(struct fl_cursor *c)
{
    struct fl_cursor at = { c->p, c->p + MIN(c->end - c->p, FL_MAX_ATTR_BYTES) };
    bool closes = fl_scan_bracketed(&at);

    if (closes && !memchr(c->p, ' ', (size_t)(at.p - c->p))) {
        c->p = at.p;
        return true;
    }
    for (const char *p = c->p + 1; p < (closes ? at.p : at.end); p++) {
        if ((p[-1] == ' ' || p[-1] == ',') && is_item_at(p, c->end)) {
            c->p = p;
            return false;
        }
    }
    c->p = closes ? at.p : at.end;
    return closes;
}

/* A value ends at a comma or blank outside of brackets. */
static struct fl_text scan_value(struct fl_cursor *c)
{
    const char *start = c->p;

    while (c->p < c->end && *c->p != ',' && *c->p != ' ') {
        if (*c->p != '(')
            c->p++;
        else if (!fl_scan_bracketed(c))
            c->p = c->end;
    }
    return (struct fl_text){ start, (size_t)(c->p - start) };
}

/* DOCA's reason, a sentence: in quotes, or up to the next item or the end. */
static struct fl_text scan_sentence(struct fl_cursor *c)
{
    const char *start;
    const char *p;

    while (fl_scan_char(c, ' '))
        continue;
    start = c->p;
    if (start < c->end && (*start == '\'' || *start == '"')) {
        p = memchr(start + 1, *start, (size_t)(c->end - start - 1));
        if (p) {
            c->p = p + 1;
            return (struct fl_text){ start + 1, (size_t)(p - start - 1) };
        }
    }
    for (p = start; p < c->end; p++) {
        if (p - start >= 2 && p[-1] == ' ' && p[-2] == ',' && is_item_at(p, c->end)) {
            c->p = p;
            return (struct fl_text){ start, (size_t)(p - 2 - start) };
        }
    }
    c->p = c->end;
    return (struct fl_text){ start, (size_t)(c->end - start) };
}

/* Reading */

static void refuse(struct reading *r, const char *start)
{
    if (!r->refused.n)
        r->refused = (struct fl_text){ start, (size_t)(r->c.p - start) };
}

static bool has_attr(const struct reading *r, const char *name)
{
    for (size_t i = 0; i < r->match.n_attrs; i++) {
        if (fl_text_starts(r->match.attrs[i], name))
            return true;
    }
    return false;
}

/* One of these a second time: another flow begins, without so much as a newline. */
static bool is_next_flow(const struct reading *r, struct fl_text name)
{
    return (fl_text_is(name, "recirc_id") && has_attr(r, "recirc_id(")) ||
           (fl_text_is(name, "in_port") && has_attr(r, "in_port(")) ||
           (fl_text_is(name, "skb_priority") && has_attr(r, "skb_priority("));
}

/* "name(...)": @name was read and the position is at its '('. */
static void read_attr(struct reading *r, struct fl_text name)
{
    struct fl_text attr = { name.s, 0 };

    if (!scan_attr_end(&r->c) || name.n == 0 || r->match.n_attrs == FL_MAX_MATCH_ATTRS) {
        refuse(r, name.s);
        return;
    }
    attr.n = (size_t)(r->c.p - attr.s);
    r->match.attrs[r->match.n_attrs++] = attr;
    if (!r->match_text.n)
        r->match_text = attr;
    r->match_text.n = (size_t)(r->c.p - r->match_text.s);
}

static void read_actions(struct reading *r)
{
    struct fl_text text = { r->c.p, (size_t)(r->c.end - r->c.p) };
    struct fl_actions_result result;

    while (text.n && *text.s == ' ') {
        text.s++;
        text.n--;
    }
    fl_actions_read(text, r->scratch->ports, &r->scratch->actions, &result);
    r->c.p = result.end;
    r->actions_text = (struct fl_text){ text.s, (size_t)(result.end - text.s) };
    if (result.empty)
        return;
    r->has_actions = true;
    r->userspace = result.userspace;
    if (result.refused.n)
        fl_flow_blame(r->scratch, r->flow, "an action was not understood", result.refused);
    else if (result.elided)
        fl_flow_blame(r->scratch, r->flow, "the actions are abbreviated", r->actions_text);
    r->flow->has_actions = !result.refused.n && !result.elided;
}

/* "name:value": @name was read and the position is behind the ':'. */
static void read_item(struct reading *r, struct fl_text name)
{
    if (fl_text_is(name, "actions")) {
        read_actions(r);
        return;
    }
    if (fl_text_is(name, "dp-offload-info"))
        r->offload_info = scan_sentence(&r->c);
    else
        fl_flow_item_read(r->scratch, r->flow, name, scan_value(&r->c));
}

static bool is_ellipsis(struct fl_cursor c)
{
    return fl_scan_word(&c, "...") || fl_scan_word(&c, "<...") || fl_scan_word(&c, "[..") ||
           fl_scan_word(&c, "<>");
}

static void skip_word(struct fl_cursor *c)
{
    while (c->p < c->end && *c->p != ' ' && *c->p != ',' && *c->p != '(')
        c->p++;
}

/* What is neither attribute nor item. Return: false where the flow ends. */
static bool read_other(struct reading *r, const char *start)
{
    if (r->c.p < r->c.end && strchr("'\"`", *r->c.p))
        return false; /* The end of a quotation. */
    r->c.p = start;
    if (is_ellipsis(r->c)) {
        r->elided = true;
        skip_word(&r->c);
        return true;
    }
    if (fl_scan_char(&r->c, ':') || fl_scan_char(&r->c, ';') || fl_scan_char(&r->c, '|'))
        return true;
    r->c.p++;
    skip_word(&r->c);
    refuse(r, start);
    return true;
}

/* The next part of the flow. Return: false where the flow ends. */
static bool read_part(struct reading *r)
{
    const char *start = r->c.p;
    struct fl_text name = scan_name(&r->c);
    bool is_item = r->c.p < r->c.end && *r->c.p == ':' && name.n > 0;
    bool is_attr = r->c.p < r->c.end && *r->c.p == '(';

    if (r->has_actions && (!is_item || !fl_is_flow_item(name)))
        return false;
    if (is_attr && is_next_flow(r, name))
        return false;

    if (is_item) {
        r->c.p++;
        read_item(r, name);
    } else if (is_attr) {
        read_attr(r, name);
    } else {
        return read_other(r, start);
    }
    return true;
}

static void skip_separators(struct fl_cursor *c)
{
    while (c->p < c->end && (*c->p == ',' || *c->p == ' '))
        c->p++;
}

/* The match */

static void read_match(struct reading *r)
{
    struct fl_flow *flow = r->flow;
    struct match *match = &r->scratch->wide;
    struct fl_match_result result;
    bool whole = fl_match_read(&r->match, r->scratch->ports, false, match, &result) ||
                 fl_match_read_odp(&r->match, r->scratch->ports, match, &result);

    if (!whole && !fl_match_read(&r->match, r->scratch->ports, true, match, &result))
        fl_flow_blame(r->scratch, flow, "a match attribute was not understood", result.refused);
    flow->has_match = r->match.n_attrs > 0;
    flow->match_partial = !flow->has_match || result.refused.n || r->elided || r->refused.n;
    flow->has_recirc_id = result.has_recirc_id;
    if (result.has_recirc_id)
        flow->recirc_id = match->flow.recirc_id;
    if (result.has_in_port)
        flow->in_port = match->flow.in_port.odp_port;
    match_zero_wildcarded_fields(match);
    minimatch_init(&flow->match, match);
}

/* Another flow follows without so much as a blank: the end of this one is lost. */
static void check_end(struct reading *r, bool glued)
{
    if (glued && r->end == r->c.end) {
        fl_flow_blame(r->scratch, r->flow, "the flow is cut off by another", r->actions_text);
        r->flow->has_actions = false;
    }
}

static void blame_what_is_missing(struct reading *r)
{
    struct fl_text nothing = { NULL, 0 };

    if (r->refused.n)
        fl_flow_blame(r->scratch, r->flow, "text in the flow was not understood", r->refused);
    else if (r->elided)
        fl_flow_blame(r->scratch, r->flow, "the match is abbreviated", nothing);
    else if (!r->match.n_attrs)
        fl_flow_blame(r->scratch, r->flow, "the match is missing", nothing);
    if (!r->has_actions)
        fl_flow_blame(r->scratch, r->flow, "the actions are missing", nothing);
}

static void finish(struct reading *r)
{
    struct fl_flow *flow = r->flow;

    read_match(r);
    blame_what_is_missing(r);
    if (!flow->has_ufid)
        hash_bytes128(r->match_text.n ? r->match_text.s : r->start,
                      r->match_text.n ? r->match_text.n : (size_t)(r->end - r->start), 0,
                      &flow->id);
    if (flow->has_actions) {
        flow->actions = r->scratch->actions.data;
        flow->actions_len = (uint16_t)r->scratch->actions.size;
        flow->drops = flow->actions_len == 0;
    }
    flow->path = r->userspace ? FL_PATH_UPCALL : fl_flow_path(flow);
    if (r->offload_info.n)
        flow->offload_info = keep(r, STRING_OFFLOAD_INFO, r->offload_info);
    if (r->scratch->keep_text) {
        flow->match_text = keep(r, STRING_MATCH, r->match_text);
        flow->actions_text = r->has_actions ? keep(r, STRING_ACTIONS, r->actions_text) : NULL;
        flow->raw = keep(r, STRING_RAW, (struct fl_text){ r->start, (size_t)(r->end - r->start) });
    }
}

size_t fl_flow_read(struct fl_flow_scratch *scratch, struct fl_text text, bool glued,
                    struct fl_flow *flow)
{
    struct reading r = {
        .scratch = scratch,
        .flow = flow,
        .start = text.s,
        .end = text.s,
        .c = { text.s, text.s + text.n },
    };

    *flow = (struct fl_flow){
        .path = FL_PATH_UNKNOWN,
        .pmd = FL_PMD_NONE,
        .in_port = ODPP_NONE,
        .packets = FL_COUNT_UNKNOWN,
        .bytes = FL_COUNT_UNKNOWN,
        .hw_packets = FL_COUNT_UNKNOWN,
        .hw_bytes = FL_COUNT_UNKNOWN,
        .used_ms = FL_USED_UNKNOWN,
    };
    ofpbuf_clear(&scratch->actions);
    while (r.c.p < r.c.end && read_part(&r)) {
        r.end = r.c.p;
        skip_separators(&r.c);
    }
    if (r.end == r.start)
        r.end++;
    check_end(&r, glued);
    finish(&r);
    return (size_t)(r.end - r.start);
}

void fl_flow_release(struct fl_flow *flow)
{
    minimatch_destroy(&flow->match);
}
