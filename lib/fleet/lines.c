/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/lines.h"

#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

/*
 * How every document of flowlift begins on a single line. It is in no string (the quotes would have a backslash)
 * and in no other document, so an object begins wherever it stands.
 */
#define BEGIN   "{\"schema\":"
#define N_BEGIN (sizeof BEGIN - 1)

void fl_fleet_lines_init(struct fl_fleet_lines *lines, const struct fl_fleet_lines_to *to)
{
    *lines = (struct fl_fleet_lines){ .to = *to };
    ds_init(&lines->line);
    ds_init(&lines->object);
}

static void refuse(const struct fl_fleet_lines *lines, uint64_t line, const char *reason)
{
    lines->to.refuse(line, reason, lines->to.aux);
}

static void refuse_size(const struct fl_fleet_lines *lines, uint64_t line)
{
    char reason[64];

    snprintf(reason, sizeof reason, "is longer than %u MiB, more than flowlift reads",
             FL_LIMIT_FLEET_AUDIT_BYTES >> 20);
    refuse(lines, line, reason);
}

/* Bytes that are all one of @set. */
static bool is_all(const char *text, size_t n, const char *set)
{
    for (size_t i = 0; i < n; i++) {
        if (!text[i] || !strchr(set, text[i]))
            return false;
    }
    return true;
}

static bool is_blank(const char *text, size_t n)
{
    return is_all(text, n, " \t\r");
}

/* Objects. */

static void end_object(struct fl_fleet_lines *lines)
{
    ds_clear(&lines->object);
    lines->reads_object = false;
    lines->depth = 0;
    lines->in_string = lines->escaped = false;
}

static void give_up(struct fl_fleet_lines *lines, const char *reason)
{
    refuse(lines, lines->object_line, reason);
    end_object(lines);
    lines->skips_rest = true;
}

/* Follows the brackets. Return: bytes up to and with the object's last one (or one too many), or @n. */
static size_t follow(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        if (lines->escaped) {
            lines->escaped = false;
        } else if (lines->in_string) {
            lines->escaped = c == '\\';
            lines->in_string = c != '"';
        } else if (c == '"') {
            lines->in_string = true;
        } else if (c == '{' || c == '[') {
            if (++lines->depth > FL_LIMIT_JSON_DEPTH)
                return i + 1;
        } else if ((c == '}' || c == ']') && !--lines->depth) {
            return i + 1;
        }
    }
    return n;
}

/* Whose it is: as each of its lines says, or the heading above. */
static const char *label_of(const struct fl_fleet_lines *lines, char buf[FL_LIMIT_NAME_BYTES + 1])
{
    size_t n = lines->n_prefix;

    if (!n)
        return lines->label;
    n -= lines->prefix[n - 1] == ' ';
    n--; /* the colon */
    memcpy(buf, lines->prefix, n);
    buf[n] = '\0';
    return buf;
}

/* Most objects are on one line: then nothing of them is copied. */
static void hand_over(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    char label[FL_LIMIT_NAME_BYTES + 1];

    if (lines->object.length) {
        ds_put_buffer(&lines->object, text, n);
        text = ds_cstr_ro(&lines->object);
        n = lines->object.length;
    }
    lines->to.take(text, n, label_of(lines, label), lines->object_line, lines->to.aux);
    end_object(lines);
}

/* A line of the object, without what stands in front of it. */
static void take_part(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    size_t used = follow(lines, text, n);

    if (lines->object.length + n > FL_LIMIT_FLEET_AUDIT_BYTES) {
        refuse_size(lines, lines->object_line);
        end_object(lines);
        lines->skips_rest = true;
    } else if (lines->depth > FL_LIMIT_JSON_DEPTH) {
        give_up(lines, "is nested too deeply");
    } else if (lines->in_string) {
        give_up(lines, "is broken off"); /* no string goes over the end of a line */
    } else if (lines->depth) {
        ds_put_buffer(&lines->object, text, n);
        ds_put_char(&lines->object, '\n');
    } else {
        hand_over(lines, text, used);
        if (!is_blank(text + used, n - used))
            refuse(lines, lines->number, "has something behind its object");
    }
}

/* What stands in front of objects. */

static bool is_name(const char *text, size_t n)
{
    if (!n || n > FL_LIMIT_NAME_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] <= ' ' || strchr("\"'{}|", text[i]))
            return false;
    }
    return true;
}

static bool set_label(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    if (!is_name(text, n))
        return false;
    memcpy(lines->label, text, n);
    lines->label[n] = '\0';
    return true;
}

/* "node7: {", "node7:{". Return: bytes in front of the bracket, 0 when there are none. */
static size_t prefix_of(const char *text, size_t n)
{
    const char *bracket = memchr(text, '{', MIN(n, FL_LIMIT_NAME_BYTES + 3));
    size_t length = bracket ? (size_t)(bracket - text) : 0;
    size_t name = length;

    if (name && text[name - 1] == ' ')
        name--;
    return name && text[name - 1] == ':' && is_name(text, name - 1) ? length : 0;
}

/* "node7 | CHANGED | rc=0 >>", and what ansible writes behind output of exit code 1. */
static bool is_of_ansible(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    static const char nonzero[] = "non-zero return code";
    const char *bar = memchr(text, '|', n);
    size_t name = bar ? (size_t)(bar - text) : 0;

    if (n == sizeof nonzero - 1 && !memcmp(text, nonzero, n))
        return *lines->label != '\0';
    return name > 1 && text[name - 1] == ' ' && !memcmp(text + n - 2, ">>", 2) &&
           set_label(lines, text, name - 1);
}

/* Dashes, a name, dashes. */
static bool is_of_clush(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    bool dashes = n >= 3 && is_all(text, n, "-");
    unsigned int before = lines->heading;

    lines->heading = dashes && before != 2 ? 1 : 0;
    if (!dashes && before == 1 && set_label(lines, text, n))
        lines->heading = 2;
    return dashes || lines->heading == 2;
}

/* Lines. */

/* What no line begins with but one within an object: of which the beginning was refused, or is not there. */
static bool is_rest(char first)
{
    return first && strchr(" \t}]", first);
}

static void take_other(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    bool is_skipped = lines->skips_rest && is_rest(*text);

    /* "node3 | UNREACHABLE! => {": what follows is of no audit. */
    lines->skips_rest = is_rest(*text) || text[n - 1] == '{';
    if (is_of_clush(lines, text, n) || is_of_ansible(lines, text, n) || is_skipped)
        return;
    refuse(lines, lines->number, "is no line of flowlift audit");
}

/* Whether @text is one more line of the object, and not where another begins. */
static bool goes_on(const struct fl_fleet_lines *lines, const char *text, size_t n)
{
    size_t prefix = lines->n_prefix;

    return lines->reads_object && n >= prefix && !memcmp(text, lines->prefix, prefix) &&
           (n == prefix || text[prefix] != '{');
}

/* A line, or a part of one that begins where an object does. @n: above 0 */
static void take_piece(struct fl_fleet_lines *lines, const char *text, size_t n, size_t prefix)
{
    if (goes_on(lines, text, n)) {
        take_part(lines, text + lines->n_prefix, n - lines->n_prefix);
        return;
    }
    if (is_blank(text, n))
        return;
    if (lines->reads_object)
        give_up(lines, "is broken off");
    if (text[prefix] != '{') {
        take_other(lines, text, n);
        return;
    }
    lines->n_prefix = prefix;
    memcpy(lines->prefix, text, prefix);
    lines->reads_object = true;
    lines->object_line = lines->number;
    lines->skips_rest = false;
    lines->heading = 0;
    take_part(lines, text + prefix, n - prefix);
}

static void take_line(struct fl_fleet_lines *lines, const char *text, size_t n)
{
    while (n && text[n - 1] == '\r')
        n--;
    while (n) {
        size_t prefix = prefix_of(text, n);
        const char *next = memmem(text + prefix + 1, n - prefix - 1, BEGIN, N_BEGIN);
        size_t piece = next ? (size_t)(next - text) : n;

        take_piece(lines, text, piece, prefix);
        text += piece;
        n -= piece;
    }
}

static void end_line(struct fl_fleet_lines *lines, const char *rest, size_t n)
{
    lines->number++;
    if (lines->skips_line) {
        lines->skips_line = false;
    } else if (lines->line.length) {
        ds_put_buffer(&lines->line, rest, n);
        take_line(lines, ds_cstr_ro(&lines->line), lines->line.length);
    } else {
        take_line(lines, rest, n);
    }
    ds_clear(&lines->line);
}

/* What is too long for a line is too long for an object, too. */
static void skip_line(struct fl_fleet_lines *lines)
{
    refuse_size(lines, lines->reads_object ? lines->object_line : lines->number + 1);
    end_object(lines);
    lines->skips_line = lines->skips_rest = true;
    ds_clear(&lines->line);
}

void fl_fleet_lines_push(struct fl_fleet_lines *lines, const char *bytes, size_t n_bytes)
{
    while (n_bytes) {
        const char *newline = memchr(bytes, '\n', n_bytes);
        size_t n = newline ? (size_t)(newline - bytes) : n_bytes;

        if (!lines->skips_line && lines->line.length + n > FL_LIMIT_FLEET_AUDIT_BYTES)
            skip_line(lines);
        if (newline)
            end_line(lines, bytes, n);
        else if (!lines->skips_line)
            ds_put_buffer(&lines->line, bytes, n);
        n += newline != NULL;
        bytes += n;
        n_bytes -= n;
    }
}

void fl_fleet_lines_end(struct fl_fleet_lines *lines)
{
    if (lines->line.length || lines->skips_line)
        end_line(lines, "", 0);
    if (lines->reads_object)
        give_up(lines, "is broken off");
    ds_destroy(&lines->line);
    ds_destroy(&lines->object);
}
