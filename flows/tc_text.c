/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/tc_text.h"

#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/decode_internal.h"
#include "flows/limits.h"
#include "flows/tc_json.h"
#include "flows/tc_text_internal.h"

/* Lines that one filter may take up: 32 actions of some ten lines each. */
#define MAX_LINES 1024u

struct fl_tc_text {
    fl_tc_text_cb *cb;
    void *aux;
    struct ds line, stripped;
    bool overlong; /* The rest of @line was dropped. */
    struct fl_decode_stats stats;

    json_t *filter; /* The one that the lines belong to; NULL for none. */
    json_t *action; /* borrowed from @filter: its last action, or NULL */
    uint32_t first_line, n_lines;
    char dev[FL_LIMIT_NAME_BYTES]; /* Of the command line above; "" for none. */
    const char *hook;              /* likewise: "ingress", "egress" or NULL */
    bool elided;                   /* The line before was "...". */
    json_t *announced;             /* The last line that announced filters, or NULL. */
    bool continues;                /* The line before was to be continued: a command. */
    bool is_list;                  /* Actions without a filter: their flags are all there is. */
    struct fl_tc_array array;      /* What tc printed with -j. */
    uint64_t last_element;         /* Line of its last filter. */
    struct fl_tc_filter record;
};

struct fl_tc_text *fl_tc_text_create(fl_tc_text_cb *cb, void *aux)
{
    struct fl_tc_text *text = xzalloc(sizeof *text);

    text->cb = cb;
    text->aux = aux;
    ds_init(&text->line);
    ds_init(&text->stripped);
    fl_tc_array_init(&text->array);
    return text;
}

void fl_tc_text_destroy(struct fl_tc_text *text)
{
    if (!text)
        return;
    json_decref(text->filter);
    json_decref(text->announced);
    ds_destroy(&text->line);
    ds_destroy(&text->stripped);
    fl_tc_array_destroy(&text->array);
    free(text);
}

const struct fl_decode_stats *fl_tc_text_stats(const struct fl_tc_text *text)
{
    return &text->stats;
}

static void begin_filter(struct fl_tc_text *text)
{
    json_t *options = json_object();

    text->filter = json_object();
    json_object_set_new(options, "keys", json_object());
    json_object_set_new(text->filter, "options", options);
    text->action = NULL;
    text->first_line = (uint32_t)text->stats.lines;
    text->n_lines = 0;
    text->is_list = false;
}

static void drop_filter(struct fl_tc_text *text)
{
    json_decref(text->filter);
    text->filter = text->action = NULL;
}

/* The filter is complete. */
static int hand_over(struct fl_tc_text *text)
{
    json_t *filter = text->filter;
    int ret = 0;

    if (!filter)
        return 0;
    if (text->dev[0] && !json_object_get(filter, "dev") && !json_object_get(filter, "block"))
        json_object_set_new(filter, "dev", json_string(text->dev));
    if (text->hook && !json_object_get(filter, "ingress") && !json_object_get(filter, "egress"))
        json_object_set_new(filter, text->hook, json_true());
    ret = fl_tc_filter_from_json(filter, &text->record);
    if (!ret || ret == -ENOTSUP) {
        text->record.line = text->first_line;
        text->stats.flows++;
        text->stats.parse_errors += text->record.unknown[0] != '\0';
        ret = text->cb(&text->record, text->aux);
    } else {
        ret = 0;
    }
    drop_filter(text);
    return ret;
}

/* "tc filter show dev eth0 ingress", with a prompt or without */
static bool is_command(const char *line)
{
    return strstr(line, "tc") && (strstr(line, "filter show ") || strstr(line, "filter get "));
}

static void read_command(struct fl_tc_text *text, const char *line)
{
    const char *show = strstr(line, "filter "), *dev;
    char word[FL_LIMIT_NAME_BYTES] = "";

    dev = strstr(show, " dev ");
    if (dev) {
        dev += strlen(" dev ");
        fl_tc_next_word(&dev, word, sizeof word);
    }
    /* "$DEV" and "<dev>" stand for a name. */
    ovs_strlcpy(text->dev, strpbrk(word, "$<{(") ? "" : word, sizeof text->dev);
    text->hook = strstr(show, "egress") ? "egress" : strstr(show, "ingress") ? "ingress" : NULL;
}

static json_t *options_of(const struct fl_tc_text *text)
{
    return json_object_get(text->filter, "options");
}

static void begin_action(struct fl_tc_text *text, const char *rest)
{
    json_t *options = options_of(text), *actions = json_object_get(options, "actions");

    if (!actions) {
        actions = json_array();
        json_object_set_new(options, "actions", actions);
    }
    text->action = json_object();
    json_array_append_new(actions, text->action);
    fl_tc_read_action_line(rest, true, text->action);
}

/* A filter's own line, or one that announces some. */
static int read_header(struct fl_tc_text *text, const char *line, const char *header)
{
    int ret = hand_over(text);

    if (ret)
        return ret;
    begin_filter(text);
    if (!fl_tc_read_header(header, text->filter) || strstr(line, "deleted filter")) {
        json_decref(text->announced);
        text->announced = text->filter;
        text->filter = NULL;
        text->stats.heading_lines++;
        return 0;
    }
    text->stats.flow_lines++;
    return 0;
}

/* A piece of a line adds to the filter. Return: false when it is not of one. */
static bool read_piece(struct fl_tc_text *text, const char *piece)
{
    const char *action = fl_tc_find_action(piece);

    if (action && text->filter) {
        begin_action(text, action);
        return true;
    }
    if (text->action) {
        bool has_flag = text->is_list && fl_tc_read_flags(piece, options_of(text));

        return fl_tc_read_action_line(piece, false, text->action) || has_flag;
    }
    return text->filter && (fl_tc_read_key_line(piece, options_of(text)) ||
                            fl_tc_read_flags(piece, options_of(text)));
}

/* An excerpt begins at a key, or at an action. */
static bool begins_excerpt(struct fl_tc_text *text, const char *line)
{
    json_t *options;
    bool is_key, is_flag;

    if (text->filter || text->continues)
        return false;
    begin_filter(text);
    options = options_of(text);
    is_flag = fl_tc_read_key_line(line, options);
    is_key = json_object_size(json_object_get(options, "keys")) || is_flag;
    if (!is_key && !fl_tc_find_action(line)) {
        drop_filter(text);
        return false;
    }
    if (text->elided && text->stats.other_lines) {
        text->first_line--;
        text->stats.other_lines--;
        text->stats.flow_lines++;
        text->stats.continued_lines++;
    } else {
        text->stats.flow_lines++;
    }
    if (!is_key) {
        text->is_list = true;
        read_piece(text, line);
    }
    return true;
}

/* "handle 0x1 ..." on a line of its own, which a terminal wrapped. */
static bool continues_announced(struct fl_tc_text *text, const char *line)
{
    const char *rest = line;
    char word[16];

    if (text->filter || !text->announced || !fl_tc_next_word(&rest, word, sizeof word) ||
        (strcmp(word, "handle") && strcmp(word, "fh")))
        return false;
    begin_filter(text);
    json_decref(text->filter);
    text->filter = json_deep_copy(text->announced);
    if (!fl_tc_read_header(line, text->filter)) {
        drop_filter(text);
        return false;
    }
    text->stats.flow_lines++;
    return true;
}

static int read_line(struct fl_tc_text *text, char *line)
{
    char *rest = line, *piece;
    const char *header = fl_tc_line_header(line);
    bool ours = false;
    int ret;

    if (!header && (continues_announced(text, line) || begins_excerpt(text, line)))
        return 0;
    if (header) {
        /* With -o, all of the filter stands behind it. */
        char *more = strstr(line, "\\ ");

        if (more)
            *more++ = '\0';
        ret = read_header(text, line, header);
        if (ret)
            return ret;
        rest = more;
        ours = true;
    }
    while (text->filter && (piece = strsep(&rest, "\\")))
        ours |= read_piece(text, piece) && !header;
    if (header)
        return 0;
    if (ours)
        text->stats.continued_lines++;
    else
        text->stats.other_lines++;
    return 0;
}

static bool is_blank(const char *line)
{
    return !line[strspn(line, " \t")];
}

/* A line of JSON: any number of filters may begin on it. */
static int read_array(struct fl_tc_text *text, const char *line)
{
    const char *rest = text->array.open ? line : strchr(line, '[');
    json_t *element;
    uint64_t flows;
    int ret = 0;

    text->stats.continued_lines++;
    while (!ret && rest) {
        rest = fl_tc_array_push(&text->array, rest, (uint32_t)text->stats.lines, &element);
        if (!element)
            break;
        text->filter = element;
        text->first_line = text->array.line;
        flows = text->stats.flows;
        ret = hand_over(text);
        if (text->stats.flows == flows || text->last_element == text->array.line)
            continue;
        /* The line where it begins was counted as one that goes on. */
        text->last_element = text->array.line;
        text->stats.flow_lines++;
        text->stats.continued_lines--;
    }
    return ret;
}

/* By a mailer; else a line of JSON is left as it is, quotation marks and all. */
static bool is_quoted(const char *line)
{
    return line[strspn(line, " \t")] == '>';
}

/* One physical line, which has been counted. */
static int see_line(struct fl_tc_text *text)
{
    struct fl_text physical = { ds_cstr(&text->line), text->line.length };
    struct fl_line line;
    bool elided = text->elided;
    char *copy;
    int ret = 0;

    fl_text_make_printable(ds_cstr(&text->line), text->line.length);
    fl_line_strip(physical, &text->stripped, &line);
    copy = xmemdup0(line.text.s, line.text.n);
    text->elided = !strcmp(copy + strspn(copy, " "), "...");
    if (!is_command(copy) && (text->array.open || fl_tc_array_begins(copy))) {
        text->stats.truncated |= text->overlong;
        ret = hand_over(text);
        if (!ret)
            ret = read_array(text, is_quoted(ds_cstr(&text->line)) ? copy : ds_cstr(&text->line));
    } else if (is_command(copy)) {
        ret = hand_over(text); /* It is of the command before. */
        read_command(text, copy);
        text->stats.heading_lines++;
    } else if (is_blank(copy) || text->elided || text->n_lines >= MAX_LINES) {
        text->stats.other_lines++;
    } else {
        text->elided = elided;
        if (strstr(copy, "total acts"))
            ret = hand_over(text);
        if (!ret)
            ret = read_line(text, copy);
        text->elided = false;
        text->n_lines++;
    }
    text->continues = line.continues;
    free(copy);
    return ret;
}

int fl_tc_text_push(struct fl_tc_text *text, const void *bytes, size_t n_bytes)
{
    const char *p = bytes, *end = p + n_bytes;

    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((newline ? newline : end) - p);
        size_t room = FL_LIMIT_LINE_BYTES - MIN(text->line.length, FL_LIMIT_LINE_BYTES);
        int ret;

        ds_put_buffer(&text->line, p, MIN(n, room));
        text->overlong |= n > room;
        p += n;
        if (!newline)
            break;
        p++;
        text->stats.lines++;
        ret = see_line(text);
        ds_clear(&text->line);
        text->overlong = false;
        if (ret)
            return ret;
    }
    return 0;
}

int fl_tc_text_finish(struct fl_tc_text *text)
{
    int ret = 0;

    if (text->line.length) {
        text->stats.lines++;
        ret = see_line(text);
        ds_clear(&text->line);
    }
    return ret ? ret : hand_over(text);
}
