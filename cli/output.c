/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

#define WIDTH_WITHOUT_TERMINAL 100u
#define WIDTH_LEAST            60u
#define WIDTH_MOST             120u

/*
 * stdio forgets why a write failed; this does not. After the first error nothing more is written.
 */
static ssize_t write_all(void *cookie, const char *bytes, size_t n)
{
    struct fl_output *out = cookie;
    size_t done = 0;

    while (done < n && !out->error) {
        ssize_t written = write(out->fd, bytes + done, n - done);

        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            out->error = errno;
    }
    return out->error ? 0 : (ssize_t)n;
}

static bool wants_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fd) && !(no_color && *no_color) && term && *term && strcmp(term, "dumb");
}

void fl_output_open(struct fl_output *out, int fd)
{
    const cookie_io_functions_t functions = { .write = write_all };
    struct winsize size;

    *out = (struct fl_output){ .fd = fd };
    out->stream = fopencookie(out, "w", functions);
    if (!out->stream)
        out_of_memory();
    out->colour = wants_colour(fd);
    out->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    if (isatty(fd)) {
        bool known = !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col;

        out->columns = known ? size.ws_col : WIDTH_WITHOUT_TERMINAL;
    }
}

int fl_output_close(struct fl_output *out)
{
    fclose(out->stream);
    out->stream = NULL;
    return -out->error;
}

/* FL_STYLE_PLAIN switches back. */
static void set_style(struct fl_output *out, enum fl_style style)
{
    static const char *const sequences[] = {
        [FL_STYLE_PLAIN] = "\033[0m",   [FL_STYLE_BOLD] = "\033[1m", [FL_STYLE_DIM] = "\033[2m",
        [FL_STYLE_BAD] = "\033[1;31m",  [FL_STYLE_ODD] = "\033[33m", [FL_STYLE_GOOD] = "\033[32m",
        [FL_STYLE_UNSURE] = "\033[35m",
    };

    if (out->colour)
        fputs(sequences[style], out->stream);
}

/* The one way by which text gets out, so that no name from outside can steer a terminal. */
static void put_visible(struct fl_output *out, enum fl_style style, const char *format,
                        va_list args)
{
    _cleanup_free char *text = xvasprintf(format, args);
    _cleanup_free char *visible = fl_text_visible(text);
    size_t before = strspn(visible, "\n");
    size_t end = strlen(visible);

    if (style == FL_STYLE_PLAIN || !out->colour || before == end) {
        fputs(visible, out->stream);
        return;
    }
    /* Newlines at either end stay outside of the style. */
    while (visible[end - 1] == '\n')
        end--;
    fprintf(out->stream, "%.*s", (int)before, visible);
    set_style(out, style);
    fprintf(out->stream, "%.*s", (int)(end - before), visible + before);
    set_style(out, FL_STYLE_PLAIN);
    fputs(visible + end, out->stream);
}

void fl_output_printf(struct fl_output *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_visible(out, FL_STYLE_PLAIN, format, args);
    va_end(args);
}

void fl_output_styled(struct fl_output *out, enum fl_style style, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_visible(out, style, format, args);
    va_end(args);
}

unsigned int fl_output_width(const struct fl_output *out)
{
    return out->columns ? MAX(WIDTH_LEAST, MIN(out->columns, WIDTH_MOST)) : WIDTH_WITHOUT_TERMINAL;
}

/* A text being filled into lines. */
struct filling {
    struct fl_output *out;
    const char *margin;
    unsigned int width;
    unsigned int indent;
    unsigned int column;
    bool at_start; /* Of a line: no space goes before the next word. */
};

static void break_line(struct filling *fill)
{
    unsigned int margin = (unsigned int)fl_text_width(fill->margin);

    fprintf(fill->out->stream, "\n%s%*s", fill->margin, (int)(fill->indent - margin), "");
    fill->column = fill->indent;
    fill->at_start = true;
}

/*
 * Bytes of @word up to and with the last comma that fits into @room columns; 0 when there is none.
 */
static size_t part_that_fits(const char *word, unsigned int room)
{
    size_t n = fl_text_clip(word, room);

    while (n > 0 && word[n - 1] != ',')
        n--;
    return n;
}

static void put_part(struct filling *fill, const char *word, size_t n)
{
    _cleanup_free char *part = xmemdup0(word, n);

    fprintf(fill->out->stream, "%s%s", fill->at_start ? "" : " ", part);
    fill->column += (unsigned int)fl_text_width(part) + !fill->at_start;
    fill->at_start = false;
}

/* A word that no line has room for is broken behind a comma, where it has one. */
static void put_word(struct filling *fill, const char *word)
{
    size_t n;

    if (!fill->at_start && fill->column + 1 + fl_text_width(word) > fill->width)
        break_line(fill);
    while (fill->column + fl_text_width(word) > fill->width &&
           (n = part_that_fits(word, fill->width - MIN(fill->width, fill->column)))) {
        put_part(fill, word, n);
        word += n;
        break_line(fill);
    }
    put_part(fill, word, strlen(word));
}

void fl_output_paragraph_behind(struct fl_output *out, const char *margin, unsigned int column,
                                unsigned int indent, const char *text)
{
    _cleanup_free char *clean = fl_text_clean(text);
    struct filling fill = {
        .out = out,
        .margin = margin,
        .width = fl_output_width(out),
        .indent = indent,
        .column = column,
        .at_start = true,
    };
    char *rest = NULL;

    if (column < indent) {
        fprintf(out->stream, "%*s", (int)(indent - column), "");
        fill.column = indent;
    }
    for (char *word = strtok_r(clean, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        put_word(&fill, word);
    fputc('\n', out->stream);
}

void fl_output_paragraph(struct fl_output *out, unsigned int column, unsigned int indent,
                         const char *text)
{
    fl_output_paragraph_behind(out, "", column, indent, text);
}

const char *fl_output_arrow(const struct fl_output *out)
{
    return out->utf8 ? "\u2192" : "->";
}

const char *fl_output_down(const struct fl_output *out)
{
    return out->utf8 ? "\u2193" : "v";
}

const char *fl_output_bar(const struct fl_output *out)
{
    return out->utf8 ? "\u2502" : "|";
}

static void dump(struct fl_output *out, json_t *json, size_t flags)
{
    json_dumpf(json, out->stream, flags | JSON_REAL_PRECISION(9));
    fputc('\n', out->stream);
    json_decref(json);
}

void fl_output_json(struct fl_output *out, json_t *json)
{
    dump(out, json, JSON_INDENT(2));
}

void fl_output_json_line(struct fl_output *out, json_t *json)
{
    dump(out, json, JSON_COMPACT);
}
