/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A snapshot from its JSON form, the capture (snapshot.h). A capture may come from anywhere: what is not
 * as it should be ends in one sentence that names it.
 */

#include <errno.h>
#include <inttypes.h>
#include <ovs/util.h>
#include <string.h>
#include <time.h>

#include "flows/json_read.h"
#include "flows/limits.h"
#include "flows/snapshot.h"

#define MAX_SAMPLES   2u
#define MAX_TEXT      4096u
#define MAX_WINDOW_MS (7 * 24 * 3600 * INT64_C(1000))

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_date(const struct tm *tm)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return tm->tm_year >= 0 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
           tm->tm_mday <= days[tm->tm_mon] + (tm->tm_mon == 1 && is_leap(tm->tm_year + 1900)) &&
           tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
           tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* RFC 3339 in UTC, with or without a fraction: "2026-01-02T03:04:05.678Z". */
static bool parse_time(const char *text, int64_t *time_ms)
{
    struct tm tm = { .tm_isdst = 0 };
    unsigned int fraction = 0;
    unsigned int scale = 100;
    int n = 0;

    if (strspn(text, "0123456789-T:.Z") != strlen(text) ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &n) != 6 ||
        n != 19) {
        return false;
    }
    text += n;
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10) {
            fraction += (unsigned int)(*text - '0') * scale;
        }
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (strcmp(text, "Z") || !is_date(&tm)) {
        return false;
    }
    *time_ms = (int64_t)timegm(&tm) * 1000 + fraction;
    return true;
}

static int read_time(const json_t *json, const char *where, int64_t *time_ms, struct fl_error *err)
{
    const char *text;
    int error = fl_json_string(json, where, "time", 64, &text, err);

    if (!error && !parse_time(text, time_ms)) {
        error = fl_error_set(err, -EINVAL,
                             "%s%stime is \"%.40s\", where a time in UTC such as "
                             "2026-01-02T03:04:05Z is expected",
                             where, where[0] ? "." : "", text);
    }
    return error;
}

static int check_schema(const json_t *json, struct fl_error *err)
{
    const char *schema;
    int error = fl_json_object(json, "the capture", err);

    error = error ? error : fl_json_string(json, "", "schema", 256, &schema, err);
    if (!error && strcmp(schema, FL_CAPTURE_SCHEMA)) {
        error = fl_error_set(err, -EINVAL,
                             "this is not a capture that this version reads: its schema is "
                             "\"%.64s\", not \"%s\"",
                             schema, FL_CAPTURE_SCHEMA);
    }
    return error;
}

static int read_line(struct fl_decoder *decoder, const json_t *line, const char *where, size_t i,
                     struct fl_error *err)
{
    const char *text = json_string_value(line);
    size_t len = json_string_length(line);
    int error;

    if (!text) {
        return fl_error_set(err, -EINVAL, "%s.lines[%" PRIuSIZE "] must be a string", where, i);
    }
    if (strlen(text) != len || strpbrk(text, "\r\n")) {
        return fl_error_set(err, -EINVAL,
                            "%s.lines[%" PRIuSIZE "] holds a line break or a NUL byte; each "
                            "line of a dump is one string",
                            where, i);
    }
    error = fl_decoder_push(decoder, text, len);
    error = error ? error : fl_decoder_push(decoder, "\n", 1);
    return error == -E2BIG
               ? fl_error_set(err, error, "%s has more than %u flows", where, FL_LIMIT_FLOWS)
           : error ? fl_error_set(err, error, "%s cannot be decoded", where)
                   : 0;
}

static int decode_lines(struct fl_snapshot *snapshot, const json_t *lines, const char *where,
                        unsigned int flags, struct fl_error *err)
{
    struct fl_decoder *decoder = fl_decoder_create(fl_snapshot_ports(snapshot), flags,
                                                   fl_snapshot_add, snapshot);
    const struct fl_decode_stats *stats = fl_decoder_stats(decoder);
    uint64_t n_blank = 0;
    int error = 0;

    for (size_t i = 0; !error && i < json_array_size(lines); i++) {
        error = read_line(decoder, json_array_get(lines, i), where, i, err);
        n_blank += !error && !json_string_length(json_array_get(lines, i));
    }
    if (!error && fl_decoder_finish(decoder)) {
        error = fl_error_set(err, -E2BIG, "%s has more than %u flows", where, FL_LIMIT_FLOWS);
    }
    if (!error && stats->truncated) {
        fl_snapshot_set_incomplete(snapshot, "%s of the capture ends inside a flow", where);
    }
    if (!error && !stats->flows && stats->other_lines > n_blank) {
        fl_snapshot_set_incomplete(snapshot, "%s of the capture has text, and no flow in it",
                                   where);
    }
    fl_snapshot_set_lines(snapshot, stats);
    fl_decoder_destroy(decoder);
    return error;
}

static int read_sample(struct fl_snapshot *snapshot, const json_t *sample, size_t i, bool last,
                       int64_t window_ms, unsigned int flags, struct fl_error *err)
{
    const json_t *lines = NULL;
    int64_t time_ms = 0;
    char where[32];
    int error;

    snprintf(where, sizeof where, "samples[%" PRIuSIZE "]", i);
    error = fl_json_object(sample, where, err);
    error = error ? error : read_time(sample, where, &time_ms, err);
    /* As many lines as there can be flows, and headings and blank lines among them. */
    error = error ? error
                  : fl_json_array(sample, where, "lines", 2 * (size_t)FL_LIMIT_FLOWS, &lines, err);
    if (!error && !lines) {
        error = fl_error_set(err, -EINVAL, "%s.lines must be an array", where);
    }
    if (error) {
        return error;
    }
    fl_snapshot_begin_sample(snapshot, last, window_ms);
    if (last) {
        fl_snapshot_set_time(snapshot, time_ms);
    }
    return decode_lines(snapshot, lines, where, flags, err);
}

/* @last: the last sample of the capture. Return: 0 and *@later_ms, by how much it is later than @before. */
static int check_order(const struct fl_snapshot *snapshot, const struct fl_snapshot *before,
                       const json_t *last, const char *where, int64_t *later_ms,
                       struct fl_error *err)
{
    const char *host = fl_snapshot_host(snapshot);
    int64_t time_ms = 0;
    int error = fl_json_object(last, where, err);

    error = error ? error : read_time(last, where, &time_ms, err);
    if (error) {
        return error;
    }
    if (strcmp(host, fl_snapshot_host(before))) {
        return fl_error_set(err, -EINVAL,
                            "it is of host %s, and the file before it of %s; all have to "
                            "be of one host",
                            host, fl_snapshot_host(before));
    }
    *later_ms = time_ms - fl_snapshot_time_ms(before);
    return 0;
}

/* The only sample of a capture that follows another: the window is what lies between the two. */
static int follow(struct fl_snapshot *snapshot, struct fl_snapshot *before, const json_t *sample,
                  int64_t *window_ms, struct fl_error *err)
{
    int error = check_order(snapshot, before, sample, "samples[0]", window_ms, err);

    if (error) {
        return error;
    }
    if (*window_ms <= 0 || *window_ms > MAX_WINDOW_MS) {
        return fl_error_set(err, -EINVAL,
                            "it is not later than the file before it, or by more than a week; give "
                            "the earlier capture first");
    }
    fl_snapshot_follow(snapshot, before);
    return 0;
}

/* A capture with a window of its own. A dump before it does not say of which host it is. */
static int stand_behind(const struct fl_snapshot *snapshot, const struct fl_snapshot *before,
                        const json_t *last, struct fl_error *err)
{
    int64_t later_ms = 0;
    int error = fl_snapshot_inventory(before)
                    ? check_order(snapshot, before, last, "samples[1]", &later_ms, err)
                    : 0;

    if (!error && later_ms < 0) {
        return fl_error_set(
            err, -EINVAL,
            "it is not later than the file before it; give the earlier capture first");
    }
    return error;
}

static int read_samples(struct fl_snapshot *snapshot, struct fl_snapshot *before,
                        const json_t *json, unsigned int flags, struct fl_error *err)
{
    const json_t *samples = NULL;
    int64_t window_ms = 0;
    size_t n;
    int error = fl_json_integer(json, "", "window_ms", 0, MAX_WINDOW_MS, 0, &window_ms, err);

    error = error ? error : fl_json_array(json, "", "samples", MAX_SAMPLES, &samples, err);
    n = json_array_size(samples);
    if (!error && !n) {
        error = fl_error_set(err, -EINVAL, "samples must be an array of one or two samples");
    }
    if (!error && before && n == 1) {
        error = follow(snapshot, before, json_array_get(samples, 0), &window_ms, err);
    } else if (!error && before) {
        error = stand_behind(snapshot, before, json_array_get(samples, n - 1), err);
    }
    for (size_t i = 0; !error && i < n; i++) {
        error = read_sample(snapshot, json_array_get(samples, i), i, i == n - 1, window_ms, flags,
                            err);
    }
    return error;
}

static int read_inventory(struct fl_snapshot *snapshot, const json_t *json,
                          const struct fl_vm_keys *keys, struct fl_error *err)
{
    const json_t *inventory = json_object_get(json, "inventory");
    struct fl_inventory inv;
    int error;

    if (!inventory || json_is_null(inventory)) {
        return 0;
    }
    fl_inventory_init(&inv);
    error = fl_inventory_from_json(inventory, &inv, err);
    if (!error) {
        fl_inventory_group_vms(&inv, keys);
        fl_snapshot_set_inventory(snapshot, &inv);
    }
    fl_inventory_destroy(&inv);
    return error;
}

static int read_incomplete(struct fl_snapshot *snapshot, const json_t *json, struct fl_error *err)
{
    const char *incomplete;
    int error = fl_json_string_or_null(json, "", "incomplete", MAX_TEXT, &incomplete, err);

    if (!error && incomplete) {
        fl_snapshot_set_incomplete(snapshot, "%s", incomplete);
    }
    return error;
}

/* An empty snapshot of the host and the time that the capture has. */
static struct fl_snapshot *begin(const json_t *json, struct fl_error *err)
{
    const char *host = NULL;
    int64_t time_ms = 0;
    int error = check_schema(json, err);

    error = error ? error
                  : fl_json_string_or_null(json, "", "host", FL_LIMIT_NAME_BYTES, &host, err);
    error = error ? error : read_time(json, "", &time_ms, err);
    if (error) {
        return NULL;
    }
    return fl_snapshot_create(host, time_ms);
}

/* Return: @snapshot; it is consumed, and NULL returned, on an error. */
static struct fl_snapshot *finish(struct fl_snapshot *snapshot, struct fl_snapshot *before,
                                  const json_t *json, const struct fl_vm_keys *keys,
                                  unsigned int flags, struct fl_error *err)
{
    int error = read_incomplete(snapshot, json, err);

    fl_snapshot_keep_text(snapshot, flags);
    error = error ? error : read_inventory(snapshot, json, keys, err);
    error = error ? error : read_samples(snapshot, before, json, flags, err);
    if (error) {
        fl_snapshot_destroy(snapshot);
        return NULL;
    }
    return snapshot;
}

struct fl_snapshot *fl_snapshot_from_capture(const json_t *json, const struct fl_vm_keys *keys,
                                             enum fl_snapshot_keep keep,
                                             const struct fl_storage *storage, unsigned int flags,
                                             struct fl_error *err)
{
    struct fl_snapshot *snapshot = begin(json, err);

    if (!snapshot) {
        return NULL;
    }
    fl_snapshot_filter(snapshot, keep, storage);
    return finish(snapshot, NULL, json, keys, flags, err);
}

struct fl_snapshot *fl_snapshot_from_next_capture(const json_t *json, struct fl_snapshot *before,
                                                  const struct fl_vm_keys *keys,
                                                  enum fl_snapshot_keep keep,
                                                  const struct fl_storage *storage,
                                                  unsigned int flags, struct fl_error *err)
{
    struct fl_snapshot *snapshot = begin(json, err);

    if (!snapshot) {
        return NULL;
    }
    fl_snapshot_filter(snapshot, keep, storage);
    fl_snapshot_remember(snapshot);
    return finish(snapshot, before, json, keys, flags, err);
}
