/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes -> physical lines -> flows.
 *
 * A flow is held back until the line after it shows that it is not continued there. In a normal dump
 * that line begins with the next flow, which is told from its first bytes.
 */
#include "flows/decode.h"

#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode_internal.h"
#include "flows/limits.h"

/* The flow that is being put together. */
struct pending {
    struct ds text;
    uint32_t lines[FL_LIMIT_WRAPPED_LINES]; /* Number of each of its physical lines. */
    size_t offsets[FL_LIMIT_WRAPPED_LINES]; /* Where each begins in @text. */
    size_t n_lines;                         /* 0: no flow is pending. */
    size_t current;                         /* Of them, while its flows are handed over. */
    uint64_t blank_lines; /* Since the last line: they belong to it if it goes on. */
    size_t width;         /* Of its physical lines, 0 when they differ. */
    bool soft;            /* The last one said that it goes on. */
    const char *error;    /* What was lost of it, or NULL. */
};

struct fl_decoder {
    struct fl_decode_stats stats;
    fl_decode_cb *cb;
    void *aux;
    struct fl_flow_scratch scratch;
    struct ds partial; /* A physical line whose end has not come yet. */
    bool overlong;     /* ... of which bytes were dropped. */
    struct ds stripped;
    struct pending pending;
    int pmd;
    int stopped; /* What the callback returned. */
};

struct fl_decoder *fl_decoder_create(struct fl_ports *ports, unsigned int flags, fl_decode_cb *cb,
                                     void *aux)
{
    struct fl_decoder *d = xzalloc(sizeof *d);

    d->cb = cb;
    d->aux = aux;
    d->pmd = FL_PMD_NONE;
    ds_init(&d->partial);
    ds_init(&d->stripped);
    ds_init(&d->pending.text);
    fl_flow_scratch_init(&d->scratch, ports, flags & FL_DECODE_KEEP_TEXT);
    return d;
}

void fl_decoder_destroy(struct fl_decoder *d)
{
    if (!d)
        return;
    ds_destroy(&d->partial);
    ds_destroy(&d->stripped);
    ds_destroy(&d->pending.text);
    fl_flow_scratch_uninit(&d->scratch);
    free(d);
}

const struct fl_decode_stats *fl_decoder_stats(const struct fl_decoder *d)
{
    return &d->stats;
}

/* The pending flow */

static void add_line(struct pending *p, struct fl_text text, uint64_t number)
{
    size_t room = FL_LIMIT_LINE_BYTES - MIN(p->text.length, FL_LIMIT_LINE_BYTES);

    if (text.n > room) {
        text.n = room;
        p->error = "the flow is too long, the rest of it was dropped";
    }
    p->offsets[p->n_lines] = p->text.length;
    p->lines[p->n_lines++] = (uint32_t)MIN(number, UINT32_MAX);
    ds_put_buffer(&p->text, text.s, text.n);
}

static void start_flow(struct fl_decoder *d, struct fl_text text, const struct fl_line *line,
                       size_t width)
{
    struct pending *p = &d->pending;

    ds_clear(&p->text);
    p->n_lines = 0;
    p->blank_lines = 0;
    p->width = width;
    p->soft = line && line->continues;
    p->error = NULL;
    add_line(p, text, d->stats.lines);
    if (d->overlong)
        p->error = "the line is too long, the rest of it was dropped";
    d->stats.flow_lines++;
}

/* ", packets:" as OVS prints it, where a line ended in between. */
static bool needs_blank(const struct pending *p, struct fl_text text)
{
    static const char *const items[] = { "actions:",   "packets:", "bytes:",        "used:",
                                         "offloaded:", "dp:",      "dp-extra-info:" };

    if (!p->text.length || p->text.string[p->text.length - 1] == ' ')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        if (fl_text_starts(text, items[i]))
            return true;
    }
    return false;
}

static void continue_flow(struct fl_decoder *d, const struct fl_line *line, size_t width)
{
    struct pending *p = &d->pending;

    if (needs_blank(p, line->text))
        ds_put_char(&p->text, ' ');
    if (width != p->width)
        p->width = 0;
    p->soft = line->continues;
    d->stats.continued_lines += p->blank_lines + 1;
    p->blank_lines = 0;
    add_line(p, line->text, d->stats.lines);
    if (d->overlong)
        p->error = "the line is too long, the rest of it was dropped";
}

/*
 * The number of the line that the flow at @offset begins on. Offsets are asked for in rising order. A
 * line that was taken for the continuation of the flow before is counted anew.
 */
static uint32_t line_at(struct fl_decoder *d, size_t offset)
{
    struct pending *p = &d->pending;
    size_t before = p->current;

    while (p->current + 1 < p->n_lines && p->offsets[p->current + 1] <= offset)
        p->current++;
    if (p->current > before) {
        d->stats.continued_lines--;
        d->stats.flow_lines++;
    }
    return p->lines[p->current];
}

static void hand_over(struct fl_decoder *d, struct fl_flow *flow)
{
    flow->pmd = d->pmd;
    d->stats.flows++;
    d->stats.parse_errors += flow->parse_error != NULL;
    d->stopped = d->cb(flow, d->aux);
}

/* Read the flow that @text begins with, hand it over. Return: bytes of @text that it took up. */
static size_t take_flow(struct fl_decoder *d, struct fl_text text, bool glued, bool last)
{
    struct fl_flow flow;
    size_t used = fl_flow_read(&d->scratch, text, glued, &flow);
    struct fl_text rest = { text.s + used, text.n - used };

    flow.line = line_at(d, (size_t)(text.s - d->pending.text.string));
    if (last && d->pending.error && !fl_line_find_match(rest))
        fl_flow_blame(&d->scratch, &flow, d->pending.error, (struct fl_text){ NULL, 0 });
    hand_over(d, &flow);
    fl_flow_release(&flow);
    return used;
}

/* Text without a ufid but at its start: one flow, or several that follow each other. */
static void take_flows(struct fl_decoder *d, struct fl_text text, bool glued, bool last)
{
    while (text.n && !d->stopped) {
        size_t used = take_flow(d, text, glued, last);
        struct fl_text rest = { text.s + used, text.n - used };
        const char *next = fl_line_find_match(rest);

        if (!next)
            break;
        text = (struct fl_text){ next, (size_t)(rest.s + rest.n - next) };
    }
}

static void flush(struct fl_decoder *d)
{
    struct pending *p = &d->pending;
    struct fl_text rest = { ds_cstr(&p->text), p->text.length };

    if (!p->n_lines)
        return;
    if (!fl_text_is_printable(rest))
        fl_text_make_printable(p->text.string, p->text.length);

    p->current = 0;
    while (rest.n && !d->stopped) {
        const char *next = fl_line_find_ufid((struct fl_text){ rest.s + 1, rest.n - 1 });
        struct fl_text piece = { rest.s, next ? (size_t)(next - rest.s) : rest.n };

        take_flows(d, piece, next != NULL, next == NULL);
        rest = (struct fl_text){ piece.s + piece.n, rest.n - piece.n };
    }
    d->stats.other_lines += p->blank_lines;
    p->blank_lines = 0;
    p->n_lines = 0;
}

/* Lines */

/* A line that does not go on with the flow before it. */
static void take_fresh_line(struct fl_decoder *d, const struct fl_line *line, size_t width)
{
    const char *flow = line->text.n ? fl_line_find_flow(line->text) : NULL;
    int pmd;

    if (fl_line_is_heading(line->text, &pmd)) {
        d->pmd = pmd;
        d->stats.heading_lines++;
    } else if (flow) {
        size_t before = (size_t)(flow - line->text.s);

        start_flow(d, (struct fl_text){ flow, line->text.n - before }, line, width);
    } else {
        if (fl_text_find(line->text, "dump-flows"))
            d->pmd = FL_PMD_NONE; /* Another dump. */
        d->stats.other_lines++;
    }
}

/* "2020-07-30T13:49:12Z|00001|..." between a command and its output, or in it. */
static bool is_log_line(struct fl_text text)
{
    return text.n > 20 && text.s[4] == '-' && text.s[7] == '-' && text.s[10] == 'T' &&
           memchr(text.s, '|', text.n);
}

static void take_blank_line(struct fl_decoder *d)
{
    struct pending *p = &d->pending;

    if (p->n_lines && p->blank_lines < 2)
        p->blank_lines++;
    else
        d->stats.other_lines++;
}

static void take_line_after(struct fl_decoder *d, const struct fl_line *line, size_t width)
{
    struct pending *p = &d->pending;
    struct fl_text flow = { ds_cstr(&p->text), p->text.length };
    struct fl_flow_progress progress;
    int pmd;

    fl_flow_progress(flow, &progress);
    progress.soft = p->soft;
    progress.gap = p->blank_lines > 0;
    progress.same_width = p->n_lines > 1 && p->width >= 20;
    if (!fl_line_is_heading(line->text, &pmd) &&
        fl_line_role(line->text, flow, &progress) == FL_LINE_CONTINUES) {
        if (p->n_lines < FL_LIMIT_WRAPPED_LINES) {
            continue_flow(d, line, width);
            return;
        }
        p->error = "the flow takes up too many lines, the rest of it was dropped";
    }
    flush(d);
    take_fresh_line(d, line, width);
}

/*
 * In a normal dump: all of a flow is on the line, nothing stands before it, and the flow of the line
 * before needs no second look.
 */
static bool is_plain_flow(const struct fl_decoder *d, struct fl_text physical)
{
    const struct pending *p = &d->pending;
    struct fl_text before = { p->text.string, p->text.length };

    if (d->overlong || p->blank_lines || !physical.n || strchr("\\=|", physical.s[physical.n - 1]))
        return false;
    if (fl_text_starts(physical, "ufid:"))
        return true;
    return fl_line_starts_flow(physical) && fl_text_find(physical, "actions:") &&
           (!p->n_lines || fl_text_find(before, "actions:"));
}

static void take_line(struct fl_decoder *d, struct fl_text physical)
{
    struct fl_line line;

    d->stats.lines++;
    if (is_plain_flow(d, physical)) {
        size_t width = physical.n;

        while (physical.n && strchr(" \r\t", physical.s[physical.n - 1]))
            physical.n--;
        flush(d);
        start_flow(d, physical, NULL, width);
        return;
    }
    fl_line_strip(physical, &d->stripped, &line);
    if (!line.text.n)
        take_blank_line(d);
    else if (is_log_line(line.text) && !fl_line_find_flow(line.text))
        d->stats.other_lines++;
    else if (d->pending.n_lines)
        take_line_after(d, &line, physical.n);
    else
        take_fresh_line(d, &line, physical.n);
}

static void take_bounded_line(struct fl_decoder *d, struct fl_text physical)
{
    if (physical.n > FL_LIMIT_LINE_BYTES) {
        physical.n = FL_LIMIT_LINE_BYTES;
        d->overlong = true;
    }
    take_line(d, physical);
    d->overlong = false;
}

/* Bytes without a newline. */
static void keep_partial(struct fl_decoder *d, struct fl_text text)
{
    size_t room = FL_LIMIT_LINE_BYTES - d->partial.length;

    if (text.n > room) {
        text.n = room;
        d->overlong = true;
    }
    ds_put_buffer(&d->partial, text.s, text.n);
}

static void take_partial(struct fl_decoder *d)
{
    take_line(d, (struct fl_text){ ds_cstr(&d->partial), d->partial.length });
    ds_clear(&d->partial);
    d->overlong = false;
}

int fl_decoder_push(struct fl_decoder *d, const void *bytes, size_t n_bytes)
{
    struct fl_text rest = { bytes, n_bytes };

    while (rest.n && !d->stopped) {
        const char *newline = memchr(rest.s, '\n', rest.n);
        struct fl_text line = { rest.s, newline ? (size_t)(newline - rest.s) : rest.n };

        if (!newline || d->partial.length || d->overlong)
            keep_partial(d, line);
        if (!newline)
            break;
        if (d->partial.length || d->overlong)
            take_partial(d);
        else
            take_bounded_line(d, line);
        rest = (struct fl_text){ newline + 1, rest.n - line.n - 1 };
    }
    return d->stopped;
}

/* Whether the text of the last flow misses something at its end. */
static bool is_cut(const struct pending *p)
{
    struct fl_text flow = { p->text.string, p->text.length };
    struct fl_flow_progress progress;
    const char *next;

    if (!p->n_lines)
        return false;
    while ((next = fl_line_find_ufid((struct fl_text){ flow.s + 1, flow.n - 1 })))
        flow = (struct fl_text){ next, (size_t)(flow.s + flow.n - next) };
    fl_flow_progress(flow, &progress);
    return !progress.actions || progress.open || progress.hanging;
}

int fl_decoder_finish(struct fl_decoder *d)
{
    if (!d->stopped && (d->partial.length || d->overlong))
        take_partial(d);
    if (!d->stopped) {
        d->stats.truncated = is_cut(&d->pending);
        flush(d);
    }
    return d->stopped;
}
