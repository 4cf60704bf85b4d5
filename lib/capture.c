/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a capture (flows/snapshot.h has its form) as it is read: a line of the dump is in memory, never
 * the dump. What is only known at the end, "window_ms" and "incomplete", stands at the end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/collect.h"
#include "lib/collect_host.h"
#include "lib/json_text.h"
#include "lib/store/atomic_file.h"

/*
 * Of a longer line so much is kept that whoever reads the capture finds it too long as well.
 */
#define LINE_BYTES (FL_LIMIT_LINE_BYTES + 1)

struct capture {
    struct fl_atomic_file *file;
    const struct fl_collect_options *options;
    char *line; /* LINE_BYTES */
    size_t n_line;
    bool has_line;    /* a line was written in this sample */
    uint64_t n_flows; /* of this sample */
};

static void put(struct capture *capture, const char *text)
{
    fl_atomic_file_write(capture->file, text, strlen(text));
}

/* @json is consumed. */
static int put_json(struct capture *capture, json_t *json)
{
    _cleanup_json json_t *owned = json;
    _cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    (void)owned;
    if (!text)
        return -ENOMEM;
    put(capture, text);
    return 0;
}

static int put_time(struct capture *capture)
{
    char text[FL_TIME_TEXT_BYTES];

    return put_json(capture, json_string(fl_time_format(fl_time_now_ms(), text)));
}

static int write_text(const void *bytes, size_t n_bytes, void *file)
{
    return fl_atomic_file_write(file, bytes, n_bytes);
}

/* The line that was gathered is complete. */
static int put_line(struct capture *capture)
{
    size_t n = capture->n_line;
    int ret;

    capture->n_line = 0;
    if (n && capture->line[n - 1] == '\r')
        n--;
    if (!n)
        return 0;
    capture->n_flows += memmem(capture->line, n, "actions:", strlen("actions:")) != NULL;
    put(capture, capture->has_line ? ",\n\"" : "\n\"");
    capture->has_line = true;
    ret = fl_json_escape(capture->line, n, write_text, capture->file);
    put(capture, "\"");
    return ret;
}

/* An fl_ctl_sink: takes the dump's text apart into lines. */
static int take_text(const void *bytes, size_t n_bytes, void *capture_)
{
    struct capture *capture = capture_;
    const char *next = bytes, *end = next + n_bytes;

    while (next < end) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        size_t n = (size_t)((newline ? newline : end) - next);
        size_t room = LINE_BYTES - capture->n_line;

        memcpy(capture->line + capture->n_line, next, n < room ? n : room);
        capture->n_line += n < room ? n : room;
        next += n + (newline != NULL);
        if (newline) {
            int ret = put_line(capture);

            if (ret)
                return ret;
        }
    }
    return 0;
}

static int put_sample(struct capture *capture, struct fl_flow_source *source,
                      const struct fl_inventory *inv, struct fl_error *err)
{
    int ret;

    capture->n_line = 0;
    capture->n_flows = 0;
    capture->has_line = false;
    put(capture, "{\"time\":");
    if (put_time(capture))
        return fl_error_set(err, -ENOMEM, "cannot capture: not enough memory");
    put(capture, ",\"lines\":[");
    ret = fl_flow_source_text(source, inv, take_text, capture, err);
    if (put_line(capture) && !ret)
        ret = -EIO; /* the commit knows what it was */
    put(capture, "\n]}");
    return ret;
}

static int put_head(struct capture *capture, const struct fl_inventory *inv)
{
    char name[FL_HOST_NAME_BYTES];

    put(capture, "{\"schema\":\"" FL_CAPTURE_SCHEMA "\",\"host\":");
    if (put_json(capture, fl_json_of_string(fl_collect_host_name(name))))
        return -ENOMEM;
    put(capture, ",\n\"inventory\":");
    if (put_json(capture, fl_inventory_to_json(inv)))
        return -ENOMEM;
    put(capture, ",\n\"samples\":[\n");
    return 0;
}

static int put_tail(struct capture *capture, int64_t window_ms, const char *incomplete)
{
    put(capture, "\n],\n\"time\":");
    if (put_time(capture))
        return -ENOMEM;
    put(capture, ",\"window_ms\":");
    if (put_json(capture, json_integer(window_ms)))
        return -ENOMEM;
    put(capture, ",\"incomplete\":");
    if (put_json(capture, fl_json_of_string(incomplete)))
        return -ENOMEM;
    put(capture, "}\n");
    return 0;
}

/* As collect.c: the first dump has to succeed, a failed second one makes the capture incomplete. */
static int put_capture(struct capture *capture, struct fl_flow_source *source,
                       const struct fl_inventory *inv, struct fl_error *err)
{
    const struct fl_collect_options *options = capture->options;
    int64_t started_ms = fl_monotonic_ms(), window_ms = 0;
    struct fl_error why = FL_ERROR_INIT;
    int ret;

    if (put_head(capture, inv))
        return fl_error_set(err, -ENOMEM, "cannot capture: not enough memory");
    fl_collect_progress(options, "reading flows");
    ret = put_sample(capture, source, inv, err);
    if (ret)
        return ret;
    if (options->window_ms > 0) {
        window_ms = fl_collect_wait(options, started_ms);
        put(capture, ",\n");
        put_sample(capture, source, inv, &why);
    }
    if (put_tail(capture, window_ms, why.code ? why.text : NULL))
        return fl_error_set(err, -ENOMEM, "cannot capture: not enough memory");
    return 0;
}

static int capture_to(struct capture *capture, const char *path, struct fl_flow_source *source,
                      const struct fl_inventory *inv, struct fl_error *err)
{
    struct fl_error why = FL_ERROR_INIT;
    int ret = strcmp(path, "-") ? fl_atomic_file_create(path, 0640, &capture->file, err)
                                : fl_atomic_file_stdout(&capture->file, err);

    if (ret)
        return ret;
    ret = put_capture(capture, source, inv, &why);
    /* A write that failed stops the dump, and is then the first cause. */
    if (!ret || fl_atomic_file_write(capture->file, "", 0))
        return fl_atomic_file_commit(capture->file, err);
    fl_atomic_file_abort(capture->file);
    return fl_error_set(err, ret, "%s", why.text);
}

int fl_collect_capture(const struct fl_host *host, const struct fl_collect_options *options,
                       const char *path, uint64_t *n_flows, struct fl_error *err)
{
    _cleanup_free char *line = malloc(LINE_BYTES);
    struct capture capture = { .options = options, .line = line };
    struct fl_inventory inv;
    struct fl_flow_source *source;
    int ret;

    if (!line)
        return fl_error_set(err, -ENOMEM, "cannot capture: not enough memory");
    fl_inventory_init(&inv);
    ret = fl_collect_open(host, options, &inv, &source, err);
    if (ret)
        return ret;
    ret = capture_to(&capture, path, source, &inv, err);
    fl_flow_source_close(source);
    fl_inventory_destroy(&inv);
    if (!ret && n_flows)
        *n_flows = capture.n_flows;
    return ret;
}
