/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DECODE_INTERNAL_H
#define FLOWLIFT_DECODE_INTERNAL_H

/*
 * What the files of the decoder share, and nobody else includes.
 *
 *   decode.c         bytes -> physical lines -> flows; the interface of decode.h
 *   decode_strip.c   what people put around a line
 *   decode_layout.c  what a line is to the flow before it, and where a flow begins in it
 *   decode_flow.c    text of one flow -> its parts
 *   decode_item.c    items of a flow, "packets:10" -> its members
 *   decode_match.c   match attributes -> struct match, the fast way
 *   decode_tunnel.c  tunnel() of a match; decode_mpls.c: mpls()
 *   decode_fields.c  what is in the brackets of an attribute
 *   decode_odp.c     the same through libopenvswitch's parser, for what is seldom seen
 *   decode_actions.c lists of actions -> netlink attributes
 *   decode_action.c  one action; decode_action_odp.c: through libopenvswitch's parser
 *   decode_scan.c    numbers and addresses
 */

#include <openvswitch/dynamic-string.h>
#include <openvswitch/match.h>
#include <openvswitch/ofpbuf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "flows/flow.h"

/* A piece of somebody else's text, without a terminating NUL. */
struct fl_text {
    const char *s;
    size_t n;
};

/* The words of a table are gone through with these: most differ in their first byte. */
static inline bool fl_text_starts(struct fl_text text, const char *word)
{
    size_t n;

    if (!text.n || *text.s != *word)
        return false;
    n = strlen(word);
    return text.n >= n && !memcmp(text.s, word, n);
}

static inline bool fl_text_is(struct fl_text text, const char *word)
{
    return fl_text_starts(text, word) && strlen(word) == text.n;
}

/** fl_text_find() - where @word begins in @text, or NULL */
const char *fl_text_find(struct fl_text text, const char *word);

/* A reading position in a text. Every fl_scan_*() moves it on success only. */
struct fl_cursor {
    const char *p;
    const char *end;
};

static inline bool fl_scan_char(struct fl_cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/** fl_scan_comma() - a comma, and blanks behind it: OVS prints none there, people do */
static inline bool fl_scan_comma(struct fl_cursor *c)
{
    if (!fl_scan_char(c, ','))
        return false;
    while (fl_scan_char(c, ' '))
        continue;
    return true;
}

static inline bool fl_scan_word(struct fl_cursor *c, const char *word)
{
    if (!fl_text_starts((struct fl_text){ c->p, (size_t)(c->end - c->p) }, word))
        return false;
    c->p += strlen(word);
    return true;
}

/**
 * fl_scan_uint() - decimal or 0x number up to @max
 * Octal (a leading zero), which libopenvswitch would read, is refused: no OVS prints it.
 */
bool fl_scan_uint(struct fl_cursor *c, uint64_t max, uint64_t *value);
/** fl_scan_decimal() - digits only, up to UINT64_MAX */
bool fl_scan_decimal(struct fl_cursor *c, uint64_t *value);
/** fl_scan_hex_bytes() - a hexadecimal number into @n bytes, big-endian, without its 0x */
bool fl_scan_hex_bytes(struct fl_cursor *c, uint8_t *bytes, size_t n);
bool fl_scan_eth(struct fl_cursor *c, struct eth_addr *address);
bool fl_scan_ipv4(struct fl_cursor *c, ovs_be32 *address);
bool fl_scan_ipv6(struct fl_cursor *c, struct in6_addr *address);
/** fl_scan_bracketed() - from the '(' at the position to behind its ')'; false when it never closes */
bool fl_scan_bracketed(struct fl_cursor *c);

/* Longest attribute of a match, and longest action, handed to libopenvswitch. OVS prints less. */
#define FL_MAX_ATTR_BYTES   4096
#define FL_MAX_ACTION_BYTES 16384
/* Attributes in one match. OVS 3.1 knows 33. */
#define FL_MAX_MATCH_ATTRS 64

/* The match of one flow as printed. */
struct fl_match_text {
    struct fl_text attrs[FL_MAX_MATCH_ATTRS]; /* "name(...)" each, in the order printed. */
    size_t n_attrs;
};

/* What a match decoder found, besides the match. */
struct fl_match_result {
    struct fl_text refused; /* First attribute that was not understood; n is 0 without one. */
    bool has_in_port;
    bool has_recirc_id;
};

/**
 * fl_match_read() - the fast way: attributes that OVS prints every day
 * @lenient: skip what is not understood and go on
 * @match: written in any case
 * Return: true when every attribute was understood.
 */
bool fl_match_read(const struct fl_match_text *text, struct fl_ports *ports, bool lenient,
                   struct match *match, struct fl_match_result *result);

/** fl_match_read_odp() - the same through libopenvswitch; @match is garbage when false is returned */
bool fl_match_read_odp(const struct fl_match_text *text, struct fl_ports *ports,
                       struct match *match, struct fl_match_result *result);

/** fl_scan_in_port() - "in_port(" has been read: name or number with mask, to behind the ')' */
bool fl_scan_in_port(struct fl_cursor *c, struct fl_ports *ports, odp_port_t *port, uint32_t *mask);

/* Where the actions of a flow end in its text, and what stands behind them. */
struct fl_actions_result {
    const char *end;        /* Behind the last action. */
    struct fl_text refused; /* First action that was not understood; n is 0 without one. */
    bool elided;            /* "..." stood for some of them. */
    bool userspace;         /* A userspace() that is no sample was refused. */
    bool empty;             /* Nothing stood where actions should. */
};

/**
 * fl_actions_read() - decode the actions that begin at @text
 * @actions: appended to; as it was before where an action was refused
 * Reads as far as the actions go, which may be short of the end of @text: prose, another flow.
 */
void fl_actions_read(struct fl_text text, struct fl_ports *ports, struct ofpbuf *actions,
                     struct fl_actions_result *result);

/* Scratch memory of a decoder: a flow that was handed over points into it until the next one. */
struct fl_flow_scratch {
    struct fl_ports *ports;
    bool keep_text;
    struct match wide; /* Before it becomes the flow's minimatch. */
    struct ofpbuf actions;
    struct ds strings[4]; /* match_text, actions_text, raw, offload_info. */
    char error[160];      /* parse_error */
};

void fl_flow_scratch_init(struct fl_flow_scratch *scratch, struct fl_ports *ports, bool keep_text);
void fl_flow_scratch_uninit(struct fl_flow_scratch *scratch);

/**
 * fl_flow_read() - decode the flow that begins at @text
 * @text: printable (see fl_text_make_printable()), up to the ufid of the next flow or the end
 * @glued: another flow stands right behind @text
 * @flow: all set but pmd and line; its match is to be given back with fl_flow_release()
 * Return: bytes of @text that belong to the flow, at least 1.
 */
size_t fl_flow_read(struct fl_flow_scratch *scratch, struct fl_text text, bool glued,
                    struct fl_flow *flow);
void fl_flow_release(struct fl_flow *flow);
/** fl_flow_blame() - set @flow->parse_error to "WHAT: WHERE" or "WHAT", unless it is set */
void fl_flow_blame(struct fl_flow_scratch *scratch, struct fl_flow *flow, const char *what,
                   struct fl_text where);

/** fl_is_match_attr() - a name (without its bracket) that OVS prints in a match */
bool fl_is_match_attr(struct fl_text name);
/** fl_is_match_attr_begin() - the first letters of one, and its bracket perhaps */
bool fl_is_match_attr_begin(struct fl_text begin);
/** fl_is_flow_item() - a name (without its colon) such as "packets" that OVS prints in a flow */
bool fl_is_flow_item(struct fl_text name);
/** fl_flow_item_read() - "NAME:VALUE" into the member of @flow that it tells, if any */
void fl_flow_item_read(struct fl_flow_scratch *scratch, struct fl_flow *flow, struct fl_text name,
                       struct fl_text value);

/** fl_is_action() - a name (without its bracket) of an action with brackets */
bool fl_is_action(struct fl_text name);

/* What a physical line is, without what people put around it: quotes, comment marks, boxes. */
struct fl_line {
    struct fl_text text;
    bool continues; /* A backslash or a soft break of quoted-printable ended it. */
};

/** fl_line_strip() - @scratch holds the text where it had to be changed */
void fl_line_strip(struct fl_text physical, struct ds *scratch, struct fl_line *line);
/** fl_line_find_flow() - where a flow begins in @text, prose or not before it; NULL for nowhere */
const char *fl_line_find_flow(struct fl_text text);
/** fl_line_find_ufid() - where a flow begins with its ufid; NULL for nowhere */
const char *fl_line_find_ufid(struct fl_text text);
/** fl_line_find_match() - where a flow without ufid begins; NULL for nowhere */
const char *fl_line_find_match(struct fl_text text);
/** fl_line_starts_flow() - whether @text is what a normal dump's line begins with */
bool fl_line_starts_flow(struct fl_text text);
/** fl_line_is_heading() - "flow-dump from pmd on cpu core: N"; @pmd as in struct fl_flow */
bool fl_line_is_heading(struct fl_text text, int *pmd);

/* How far the text of a flow has come. */
struct fl_flow_progress {
    bool actions;    /* "actions:" has been seen. */
    bool open;       /* A bracket is. */
    bool hanging;    /* It ends in what something has to follow: a comma, ... */
    bool soft;       /* The last line was to be continued: fl_line.continues. */
    bool gap;        /* Blank lines since. */
    bool same_width; /* All its lines so far are equally long: a terminal cut them. */
};
void fl_flow_progress(struct fl_text flow, struct fl_flow_progress *progress);

/** enum fl_line_role - what a line is to the flow before it */
enum fl_line_role {
    FL_LINE_CONTINUES,
    FL_LINE_STARTS, /* It begins with another flow. */
    FL_LINE_OTHER,
};
enum fl_line_role fl_line_role(struct fl_text text, struct fl_text flow,
                               const struct fl_flow_progress *progress);

/** fl_text_is_printable() - nothing but printable ASCII */
bool fl_text_is_printable(struct fl_text text);
/** fl_text_make_printable() - tabs to blanks; control characters, what is no UTF-8 to '?' */
void fl_text_make_printable(char *s, size_t n);

#endif
