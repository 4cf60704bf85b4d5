/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a line is to the flow before it: the text of flows as people post it is wrapped at commas or
 * anywhere, glued together, and has prose around it.
 */
#include <ovs/util.h>

#include "flows/decode_internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           (c >= 'A' && c <= 'Z');
}

/* Headings */

bool fl_line_is_heading(struct fl_text text, int *pmd)
{
    static const char prefix[] = "flow-dump from ";
    const char *at = fl_text_find(text, prefix);
    struct fl_cursor c;
    uint64_t core;

    if (!at)
        return false;
    c = (struct fl_cursor){ at + strlen(prefix), text.s + text.n };
    if (fl_scan_word(&c, "pmd on cpu core: ") && fl_scan_decimal(&c, &core) && core < INT32_MAX)
        *pmd = (int)core;
    else
        *pmd = FL_PMD_MAIN; /* "the main thread:", formerly "non-dpdk interfaces:" */
    return true;
}

/* Flows */

/* The name before the bracket at @bracket, as far as it may be one in a match. */
static struct fl_text name_before(struct fl_text text, const char *bracket)
{
    const char *start = bracket;

    while (start > text.s && bracket - start < 16 && is_name_char(start[-1]))
        start--;
    return (struct fl_text){ start, (size_t)(bracket - start) };
}

static bool attr_at(struct fl_cursor c)
{
    const char *start = c.p;

    while (c.p < c.end && is_name_char(*c.p))
        c.p++;
    return c.p < c.end && *c.p == '(' &&
           fl_is_match_attr((struct fl_text){ start, (size_t)(c.p - start) });
}

static bool item_at(struct fl_cursor c)
{
    const char *start = c.p;

    while (c.p < c.end && is_name_char(*c.p))
        c.p++;
    return c.p < c.end && *c.p == ':' &&
           fl_is_flow_item((struct fl_text){ start, (size_t)(c.p - start) });
}

static bool ellipsis_at(struct fl_cursor c)
{
    return fl_scan_word(&c, "...") || fl_scan_word(&c, "<...") || fl_scan_word(&c, "[..");
}

/* An ellipsis in a flow is a part among others, not the end of a remark. */
static bool more_follows_ellipsis(struct fl_cursor c)
{
    if (!ellipsis_at(c))
        return false;
    for (const char *p = c.p; p < c.end && p - c.p < FL_MAX_ATTR_BYTES; p++) {
        struct fl_cursor at = { p + 1, c.end };

        if ((*p == ',' && (p + 1 == c.end || attr_at(at))) ||
            ((*p == ' ' || *p == ',') && item_at(at)))
            return true;
    }
    return false;
}

static bool is_begin_of(struct fl_text begin, const char *word)
{
    return begin.n <= strlen(word) && !memcmp(word, begin.s, begin.n);
}

/* "reci" at the end of a line, of "recirc_id(" or "packets:". */
static bool is_begin_of_name(struct fl_cursor c)
{
    struct fl_text name = { c.p, (size_t)(c.end - c.p) };

    return fl_is_match_attr_begin(name) || is_begin_of(name, "packets:") ||
           is_begin_of(name, "actions:");
}

/* Whether what follows an attribute is more of a flow. */
static bool more_follows(struct fl_cursor c, bool at_start)
{
    bool comma = fl_scan_char(&c, ',');

    while (c.p < c.end && is_blank(*c.p))
        c.p++;
    if (c.p == c.end)
        return at_start;
    if (at_start && comma && is_begin_of_name(c))
        return true;
    return item_at(c) || (comma && (attr_at(c) || more_follows_ellipsis(c)));
}

/* What may stand before a flow on its line and is no prose: "...," or "id(0),". */
static bool is_start_of_line(struct fl_text text, const char *at)
{
    return at == text.s || at[-1] == ',';
}

const char *fl_line_find_ufid(struct fl_text text)
{
    const char *end = text.s + text.n;
    const char *ufid = fl_text_find(text, "ufid:");

    while (ufid && ufid > text.s && ufid[-1] == '_')
        ufid = fl_text_find((struct fl_text){ ufid + 1, (size_t)(end - ufid - 1) }, "ufid:");
    return ufid;
}

/* Whether a flow begins with the attribute whose bracket is at @bracket. */
static bool is_first_of_flow(struct fl_text text, struct fl_text name, const char *bracket)
{
    const char *end = text.s + text.n;
    struct fl_cursor c = { bracket, bracket + MIN(end - bracket, FL_MAX_ATTR_BYTES) };

    if (!fl_is_match_attr(name) || (name.s > text.s && strchr("[(`=", name.s[-1])))
        return false;
    if (fl_scan_bracketed(&c)) {
        c.end = end;
        return more_follows(c, is_start_of_line(text, name.s));
    }
    /* Cut in the middle of its first attribute: only at the start of a line. */
    return name.s == text.s && !memchr(bracket, ' ', (size_t)(end - bracket));
}

/* "...,in_port(6),...": what was left out, or is not known, belongs to the match too. */
static const char *with_what_is_before(struct fl_text text, const char *at)
{
    if (at == text.s || at[-1] != ',')
        return at;
    while (at > text.s && at[-1] != ' ')
        at--;
    return at;
}

const char *fl_line_find_match(struct fl_text text)
{
    const char *end = text.s + text.n;
    struct fl_text near = { text.s, MIN(text.n, FL_MAX_ATTR_BYTES) };

    /* The match was cut off. */
    if (fl_text_starts(near, "packets:") && fl_text_find(near, "actions:"))
        return text.s;
    for (const char *p = text.s; p < end && (p = memchr(p, '(', (size_t)(end - p))); p++) {
        struct fl_text name = name_before(text, p);

        if (is_first_of_flow(text, name, p))
            return with_what_is_before(text, name.s);
    }
    return NULL;
}

const char *fl_line_find_flow(struct fl_text text)
{
    const char *ufid = fl_line_find_ufid(text);
    const char *match;

    if (ufid == text.s)
        return ufid;
    match = fl_line_find_match((struct fl_text){ text.s, ufid ? (size_t)(ufid - text.s) : text.n });
    return match ? match : ufid;
}

bool fl_line_starts_flow(struct fl_text text)
{
    struct fl_cursor c = { text.s, text.s + text.n };

    return fl_text_starts(text, "ufid:") || attr_at(c);
}

void fl_flow_progress(struct fl_text flow, struct fl_flow_progress *progress)
{
    const char *actions = fl_text_find(flow, "actions:");
    int depth = 0;

    progress->actions = actions != NULL;
    for (size_t i = 0; i < flow.n; i++) {
        if (flow.s[i] == '(')
            depth++;
        else if (flow.s[i] == ')')
            depth--;
    }
    progress->open = depth > 0;
    while (flow.n && is_blank(flow.s[flow.n - 1]))
        flow.n--;
    progress->hanging = flow.n && strchr(",(:/=|_", flow.s[flow.n - 1]);
}

/* Words with nothing but a blank between them are no flow. */
static bool is_flowish(struct fl_text text)
{
    struct fl_cursor c = { text.s, text.s + text.n };
    bool first = true;

    while (c.p < c.end) {
        const char *word = c.p;

        if (!first && word[-1] == ' ' && c.p - 1 > text.s && !strchr(",): ", word[-2]) &&
            !item_at(c) && !attr_at(c))
            return false;
        if (fl_scan_word(&c, "actions:"))
            return true;
        while (c.p < c.end && *c.p != ' ')
            c.p++;
        while (c.p < c.end && *c.p == ' ')
            c.p++;
        first = false;
    }
    return true;
}

static bool first_word_has(struct fl_text text, const char *chars)
{
    for (size_t i = 0; i < text.n && text.s[i] != ' '; i++) {
        if (strchr(chars, text.s[i]))
            return true;
    }
    return false;
}

/* "Note:" and its like: a word with a colon that no flow has. */
static bool is_remark(struct fl_text text)
{
    const char *blank = memchr(text.s, ' ', text.n);
    struct fl_cursor c = { text.s, text.s + text.n };

    return blank && blank > text.s && blank[-1] == ':' && !item_at(c);
}

/* Names that a flow begins with and that no action holds in brackets. */
static bool is_first_attr(struct fl_text text)
{
    return fl_text_starts(text, "recirc_id(") || fl_text_starts(text, "skb_priority(") ||
           fl_text_starts(text, "ct_state(") || fl_text_starts(text, "in_port(");
}

static bool begins_next_flow(struct fl_text text, struct fl_text flow,
                             const struct fl_flow_progress *progress)
{
    struct fl_cursor c = { text.s, text.s + text.n };
    const char *bracket;

    if (fl_text_starts(text, "ufid:"))
        return true;
    if (progress->actions && ellipsis_at(c))
        return fl_line_find_flow(text) != NULL;
    if (!attr_at(c))
        return false;
    if (progress->actions)
        return is_first_attr(text) || !(progress->open || progress->hanging);
    /* Counters stand behind the match. */
    if (fl_text_find(flow, "packets:") || fl_text_find(flow, "bytes:"))
        return true;
    /* In the match: an attribute that it has already. */
    bracket = memchr(text.s, '(', text.n);
    if (is_first_attr(text) || fl_text_starts(text, "tunnel(")) {
        char name[16];
        size_t n = (size_t)(bracket - text.s) + 1;

        memcpy(name, text.s, n);
        name[n] = '\0';
        return fl_text_find(flow, name) != NULL;
    }
    return false;
}

/* A few letters of a word that was cut: "vs" of "dp:ovs". */
static bool is_fragment(struct fl_text text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_name_char(text.s[i]) || (text.s[i] >= 'A' && text.s[i] <= 'Z'))
            return false;
    }
    return true;
}

static bool continues_match(struct fl_text text, const struct fl_flow_progress *progress)
{
    struct fl_cursor c = { text.s, text.s + text.n };

    if (attr_at(c) || item_at(c) || ellipsis_at(c) || *text.s == ',' || *text.s == '(')
        return true;
    if (!progress->gap && is_fragment(text))
        return true;
    return first_word_has(text, progress->gap ? "()=/" : "(),:=/") && is_flowish(text) &&
           !is_remark(text);
}

/* Whether the first word is the last but for items such as "dp-extra-info:", or the begin of one. */
static bool are_items_behind_blank(struct fl_text text)
{
    const char *blank = memchr(text.s, ' ', text.n);
    const char *end = text.s + text.n;
    const char *p = blank;

    if (!blank || item_at((struct fl_cursor){ blank + 1, end }))
        return true;
    while (++p < end && is_name_char(*p))
        continue;
    return p == end && blank[-1] == ',';
}

/* A word such as "rc(0x1)", that cannot be one of a language for people, and items behind it. */
static bool is_end_of_action(struct fl_text text)
{
    bool bracket = false;

    for (size_t i = 0; i < text.n && text.s[i] != ' '; i++) {
        if ((text.s[i] >= 'A' && text.s[i] <= 'Z') || text.s[i] == '\'')
            return false;
        bracket |= text.s[i] == ')' && text.s[0] != '(';
    }
    return bracket && are_items_behind_blank(text);
}

/* "nd0, dp-extra-info:..." */
static bool is_end_before_item(struct fl_text text)
{
    const char *blank = memchr(text.s, ' ', text.n);

    return blank && blank > text.s && blank[-1] == ',' &&
           fl_text_starts((struct fl_text){ blank + 1, (size_t)(text.s + text.n - blank - 1) },
                          "dp-");
}

/* "(0x1)" behind "recirc" */
static bool is_bracket_of(struct fl_text text, struct fl_text flow)
{
    const char *end = flow.s + flow.n;
    const char *start = end;

    while (start > flow.s && is_name_char(start[-1]))
        start--;
    return *text.s == '(' && fl_is_action((struct fl_text){ start, (size_t)(end - start) });
}

static bool continues_actions(struct fl_text text, struct fl_text flow,
                              const struct fl_flow_progress *progress)
{
    struct fl_cursor c = { text.s, text.s + text.n };

    if (*text.s == ',' || item_at(c))
        return true;
    if (!is_flowish(text) || is_remark(text))
        return false;
    if (progress->open || progress->hanging)
        return !progress->gap || first_word_has(text, "(),=");
    if (is_end_of_action(text))
        return true;
    return !progress->gap && (is_end_before_item(text) || is_bracket_of(text, flow) ||
                              (progress->same_width && are_items_behind_blank(text)));
}

enum fl_line_role fl_line_role(struct fl_text text, struct fl_text flow,
                               const struct fl_flow_progress *progress)
{
    if (begins_next_flow(text, flow, progress))
        return FL_LINE_STARTS;
    if (progress->soft && !progress->gap)
        return FL_LINE_CONTINUES;
    if (progress->actions ? continues_actions(text, flow, progress)
                          : continues_match(text, progress))
        return FL_LINE_CONTINUES;
    return FL_LINE_OTHER;
}
