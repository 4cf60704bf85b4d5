/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for "--from", told apart by how they begin: a JSON object is a capture, a JSON array is what
 * "tc -j" prints, anything else that is text is a raw dump, or what tc prints without -j.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/base/small_file.h"
#include "lib/collect.h"
#include "lib/sample.h"
#include "lib/tc_text_sample.h"

#define CHUNK_BYTES (64 * 1024)
#define WANTED                                                                                         \
    "give the output of \"ovs-appctl dpctl/dump-flows -m\" or of \"tc -s -j filter show\", or a file " \
    "of \"flowlift capture\""
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define NO_HOST         "unknown"

enum kind { KIND_RAW, KIND_CAPTURE, KIND_ARRAY };

/* Files that are read one after the other; NULL in place of it: one reading. */
struct replay {
    struct fl_snapshot *before; /* or NULL */
};

/* A file that was opened, with its first bytes. */
struct source {
    const char *name; /* for errors */
    int fd;           /* -1: not open */
    int64_t time_ms;  /* when it was written, as far as that can be told */
    enum kind kind;
    bool is_tc;      /* has what tc prints of filters, with -j or without */
    uint64_t n_read; /* in all */
    size_t n_bytes;  /* in @bytes */
    char bytes[CHUNK_BYTES];
};

static void close_source(struct source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
}

/* The next bytes. Return: how many, 0 at the end, or negative errno with a sentence. */
static ssize_t read_some(struct source *source, char *bytes, size_t size, uint64_t limit,
                         struct fl_error *err)
{
    ssize_t n;

    do {
        n = read(source->fd, bytes, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return fl_file_error(err, -errno, "read", source->name);
    source->n_read += (uint64_t)n;
    if (source->n_read > limit)
        return fl_error_set(err, -EFBIG, "%s is larger than %u MiB, more than flowlift reads",
                            source->name, (unsigned int)(limit >> 20));
    return n;
}

static int open_source(struct source *source, const char *path, struct fl_error *err)
{
    struct stat status;

    source->n_read = source->n_bytes = 0;
    source->name = strcmp(path, "-") ? path : "standard input";
    source->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (source->fd < 0)
        return fl_file_error(err, -errno, "read", path);
    if (fstat(source->fd, &status) < 0)
        return fl_file_error(err, -errno, "read", source->name);
    if (S_ISDIR(status.st_mode))
        return fl_error_set(err, -EISDIR, "%s is a folder; " WANTED, path);
    source->time_ms = S_ISREG(status.st_mode)
                          ? (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000
                          : fl_time_now_ms();
    return 0;
}

/* Text has hardly any control characters, and no zero byte. */
static bool is_binary(const char *bytes, size_t n)
{
    size_t n_odd = 0;

    for (size_t i = 0; i < n; i++) {
        if (!bytes[i])
            return true;
        n_odd += (unsigned char)bytes[i] < 0x20 && !strchr("\t\n\v\f\r\b\033", bytes[i]);
    }
    return n_odd > n / 32;
}

static bool begins_with(const struct source *source, const char *magic)
{
    size_t n = strlen(magic);

    return source->n_bytes >= n && !memcmp(source->bytes, magic, n);
}

static bool is_compressed(const struct source *source)
{
    return begins_with(source, "\x1f\x8b") ||
           begins_with(source, "\xfd"
                               "7zXZ") ||
           begins_with(source, "BZh") || begins_with(source, "\x28\xb5\x2f\xfd") ||
           begins_with(source, "PK\x03\x04");
}

static bool has_text(const struct source *source, const char *text)
{
    return memmem(source->bytes, source->n_bytes, text, strlen(text)) != NULL;
}

static size_t skip_blanks(const struct source *source, size_t i)
{
    while (i < source->n_bytes && strchr(" \t\r\n", source->bytes[i]))
        i++;
    return i;
}

/*
 * '{' and '[' alone do not make JSON: people post dumps with their prompt, "[root@host ~]# ...".
 */
static enum kind kind_of(const struct source *source)
{
    size_t first = skip_blanks(source, begins_with(source, BYTE_ORDER_MARK) ? 3 : 0);
    size_t second = skip_blanks(source, first + 1);
    char after = second < source->n_bytes ? source->bytes[second] : '\0';

    if (first >= source->n_bytes)
        return KIND_RAW;
    if (source->bytes[first] == '{' && strchr("\"}", after))
        return KIND_CAPTURE;
    if (source->bytes[first] == '[' && strchr("{]", after))
        return KIND_ARRAY;
    return KIND_RAW;
}

/* Lines of filters, or an excerpt of one. */
static bool is_tc_text(const struct source *source)
{
    return (has_text(source, "filter ") &&
            (has_text(source, " pref ") || has_text(source, " protocol "))) ||
           has_text(source, "action order ") || has_text(source, "in_hw\n") ||
           has_text(source, "\"in_hw\"") || has_text(source, "\"not_in_hw\"");
}

/* Read so much that the kind can be told. */
static int sniff(struct source *source, struct fl_error *err)
{
    ssize_t n = 1;

    while (n > 0 && source->n_bytes < sizeof source->bytes) {
        n = read_some(source, source->bytes + source->n_bytes,
                      sizeof source->bytes - source->n_bytes, FL_LIMIT_DUMP_BYTES, err);
        if (n < 0)
            return (int)n;
        source->n_bytes += (size_t)n;
    }
    if (!source->n_bytes)
        return fl_error_set(err, -EINVAL, "%s is empty; " WANTED, source->name);
    if (is_compressed(source))
        return fl_error_set(err, -EINVAL, "%s is compressed; unpack it first", source->name);
    if (is_binary(source->bytes, source->n_bytes))
        return fl_error_set(err, -EINVAL, "%s is binary, not text; " WANTED, source->name);
    if (skip_blanks(source, 0) == source->n_bytes)
        return fl_error_set(err, -EINVAL, "%s has nothing but blanks; " WANTED, source->name);
    source->kind = kind_of(source);
    source->is_tc = source->kind == KIND_ARRAY
                        ? has_text(source, "\"protocol\"") || has_text(source, "\"kind\"")
                        : is_tc_text(source);
    return 0;
}

static int refuse_array(const struct source *source, struct fl_error *err)
{
    return fl_error_set(err, -EINVAL, "%s is a JSON array without TC filters; " WANTED,
                        source->name);
}

/* What feeds Jansson: first the bytes that were sniffed. */
struct feed {
    struct source *source;
    size_t next; /* in source->bytes */
    struct fl_json_depth depth;
    struct fl_error err;
};

static int refuse_depth(const struct source *source, struct fl_error *err)
{
    return fl_error_set(err, -EINVAL, "%s is nested deeper than %u levels, which no capture is",
                        source->name, FL_LIMIT_JSON_DEPTH);
}

/* Have bytes to feed, or be at the end. */
static int refill(struct feed *feed)
{
    struct source *source = feed->source;
    ssize_t n;

    if (feed->next < source->n_bytes)
        return 0;
    n = read_some(source, source->bytes, sizeof source->bytes, FL_LIMIT_CAPTURE_BYTES, &feed->err);
    feed->next = 0;
    source->n_bytes = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return (int)n;
    if (fl_json_depth_ok(&feed->depth, source->bytes, source->n_bytes))
        return 0;
    return refuse_depth(source, &feed->err);
}

static size_t feed_json(void *buffer, size_t size, void *feed_)
{
    struct feed *feed = feed_;
    size_t n;

    if (refill(feed))
        return (size_t)-1;
    n = feed->source->n_bytes - feed->next;
    n = n < size ? n : size;
    memcpy(buffer, feed->source->bytes + feed->next, n);
    feed->next += n;
    return n;
}

static int read_capture(struct source *source, const struct fl_collect_options *options,
                        const struct replay *replay, struct fl_snapshot **snapshot,
                        struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(options->config);
    struct feed feed = { .source = source,
                         .next = begins_with(source, BYTE_ORDER_MARK) ? 3 : 0,
                         .err = FL_ERROR_INIT };
    _cleanup_json json_t *json = NULL;
    struct fl_error why = FL_ERROR_INIT;
    json_error_t refused;

    if (!fl_json_depth_ok(&feed.depth, source->bytes, source->n_bytes))
        return refuse_depth(source, err);
    json = json_load_callback(feed_json, &feed, JSON_REJECT_DUPLICATES, &refused);
    if (feed.err.code)
        return fl_error_set(err, feed.err.code, "%s", feed.err.text);
    if (!json)
        return fl_json_refuse(err, source->name, &refused);
    if (replay)
        *snapshot = fl_snapshot_from_next_capture(json, replay->before, &keys, options->keep,
                                                  &options->config->storage, options->decode_flags,
                                                  &why);
    else
        *snapshot = fl_snapshot_from_capture(json, &keys, options->keep, &options->config->storage,
                                             options->decode_flags, &why);
    if (*snapshot)
        return 0;
    return fl_error_set(err, why.code ? why.code : -EINVAL, "%s: %s", source->name, why.text);
}

/* The rest of a raw dump, into a sample that has begun. */
static int push_all(struct source *source, int (*push)(const void *, size_t, void *), void *sample,
                    struct fl_error *err)
{
    int ret = 0;
    ssize_t n = (ssize_t)source->n_bytes;

    while (n > 0 && !ret) {
        ret = push(source->bytes, (size_t)n, sample);
        n = ret ? 0
                : read_some(source, source->bytes, sizeof source->bytes, FL_LIMIT_DUMP_BYTES, err);
        if (n < 0)
            ret = (int)n;
    }
    return ret;
}

static int read_tc(struct source *source, struct fl_snapshot *snapshot, unsigned int flags,
                   struct fl_decode_stats *stats, struct fl_error *err)
{
    struct fl_tc_text_sample sample;
    int ret = fl_tc_text_sample_begin(&sample, snapshot, flags, source->name, err);

    if (ret)
        return ret;
    ret = push_all(source, fl_tc_text_sample_push, &sample, err);
    ret = fl_tc_text_sample_end(&sample, ret, err);
    *stats = sample.stats;
    return ret;
}

static int read_flows(struct source *source, struct fl_snapshot *snapshot, unsigned int flags,
                      struct fl_decode_stats *stats, struct fl_error *err)
{
    struct fl_sample sample;
    int ret = fl_sample_begin(&sample, snapshot, flags, source->name, err);

    if (ret)
        return ret;
    ret = push_all(source, fl_sample_push, &sample, err);
    ret = fl_sample_end(&sample, ret, err);
    *stats = sample.stats;
    return ret;
}

static int read_raw(struct source *source, struct fl_snapshot *snapshot, unsigned int flags,
                    struct fl_error *err)
{
    struct fl_decode_stats stats;
    int ret = source->is_tc ? read_tc(source, snapshot, flags, &stats, err)
                            : read_flows(source, snapshot, flags, &stats, err);

    if (ret || stats.flows || stats.heading_lines)
        return ret;
    return fl_error_set(err, -EINVAL, "%s has no datapath flow and no TC filter in it; " WANTED,
                        source->name);
}

/* Without a capture nobody knows how far apart two dumps were: as far as the options say. */
static int64_t window_between(const struct fl_collect_options *options)
{
    return options->window_ms > 0 ? options->window_ms : options->config->window_ms;
}

static int read_dumps(struct source *sources, size_t n, const struct fl_collect_options *options,
                      const struct replay *replay, struct fl_snapshot **result,
                      struct fl_error *err)
{
    struct fl_snapshot *snapshot = fl_snapshot_create(NO_HOST, sources[n - 1].time_ms);
    bool has_window = n == 2 || (replay && replay->before);
    int ret = 0;

    fl_snapshot_filter(snapshot, options->keep, &options->config->storage);
    fl_snapshot_keep_text(snapshot, options->decode_flags);
    if (replay)
        fl_snapshot_remember(snapshot);
    if (replay && replay->before)
        fl_snapshot_follow(snapshot, replay->before);
    if (n == 2) {
        fl_snapshot_begin_sample(snapshot, false, 0);
        ret = read_raw(&sources[0], snapshot, 0, err);
    }
    if (!ret) {
        fl_snapshot_begin_sample(snapshot, true, has_window ? window_between(options) : 0);
        ret = read_raw(&sources[n - 1], snapshot, options->decode_flags, err);
    }
    if (ret) {
        fl_snapshot_destroy(snapshot);
        return ret;
    }
    *result = snapshot;
    return 0;
}

static int check_paths(const char *const *paths, size_t n, struct fl_error *err)
{
    if (n < 1 || n > 2)
        return fl_error_set(
            err, -EINVAL,
            "--from was given %zu times; give one capture, one dump, or two dumps of "
            "which the earlier comes first",
            n);
    if (n == 2 && !strcmp(paths[0], "-") && !strcmp(paths[1], "-"))
        return fl_error_set(err, -EINVAL, "standard input can be read only once");
    return 0;
}

static int read_sources(struct source *sources, size_t n, const struct fl_collect_options *options,
                        const struct replay *replay, struct fl_snapshot **snapshot,
                        struct fl_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (sources[i].kind == KIND_ARRAY && !sources[i].is_tc)
            return refuse_array(&sources[i], err);
        if (sources[i].kind == KIND_CAPTURE && n > 1)
            return fl_error_set(err, -EINVAL,
                                "%s is a capture, which already has both readings; give it alone",
                                sources[i].name);
    }
    if (sources[0].kind == KIND_CAPTURE)
        return read_capture(&sources[0], options, replay, snapshot, err);
    return read_dumps(sources, n, options, replay, snapshot, err);
}

static int collect(const char *const *paths, size_t n_paths,
                   const struct fl_collect_options *options, const struct replay *replay,
                   struct fl_snapshot **snapshot, struct fl_error *err)
{
    struct source *sources;
    int ret = 0;

    sources = calloc(n_paths, sizeof *sources);
    if (!sources)
        return fl_error_set(err, -ENOMEM, "not enough memory");
    for (size_t i = 0; i < n_paths; i++)
        sources[i].fd = -1;
    for (size_t i = 0; i < n_paths && !ret; i++) {
        ret = open_source(&sources[i], paths[i], err);
        if (!ret)
            ret = sniff(&sources[i], err);
    }
    if (!ret)
        ret = read_sources(sources, n_paths, options, replay, snapshot, err);
    for (size_t i = 0; i < n_paths; i++)
        close_source(&sources[i]);
    free(sources);
    return ret;
}

int fl_collect_files(const char *const *paths, size_t n_paths,
                     const struct fl_collect_options *options, struct fl_snapshot **snapshot,
                     struct fl_error *err)
{
    int ret = check_paths(paths, n_paths, err);

    return ret ? ret : collect(paths, n_paths, options, NULL, snapshot, err);
}

int fl_collect_next_file(const char *path, struct fl_snapshot *before,
                         const struct fl_collect_options *options, struct fl_snapshot **snapshot,
                         struct fl_error *err)
{
    const struct replay replay = { .before = before };

    return collect(&path, 1, options, &replay, snapshot, err);
}
