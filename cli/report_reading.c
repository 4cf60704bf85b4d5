/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_reading.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/progress.h"
#include "lib/collect_series.h"

/* Counters of hardware are up to two seconds old: a shorter part would show that, and not the traffic. */
#define PART_MS  2000
#define PARTS    20u
#define CAPTURES 32u
/* What stands in for --window on a host: long enough to see how traffic goes. */
#define WINDOW_MS 20000

/* What takes a part of the window. */
struct parts {
    const struct fl_config *config;
    struct fl_report_points *points;
};

static void take_part(const struct fl_snapshot *part, void *parts_)
{
    const struct parts *parts = parts_;
    struct fl_audit *audit = fl_audit_run(part, &parts->config->storage, &parts->config->audit);

    fl_report_points_add(parts->points, audit, "sample");
    fl_audit_destroy(audit);
}

static int read_host(const struct fl_request *request, const struct fl_collect_options *options,
                     struct fl_report_points *points, struct fl_snapshot **snapshot,
                     struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    struct parts parts = { .config = options->config, .points = points };
    int64_t n_parts = MIN(options->window_ms / PART_MS, PARTS);

    if (options->window_ms <= 0)
        return fl_collect_host(&host, options, snapshot, err);
    return fl_collect_series(&host, options, (unsigned int)MAX(n_parts, 1), take_part, &parts,
                             snapshot, err);
}

static bool are_captures(const struct fl_request *request)
{
    for (size_t i = 0; i < request->n_from; i++) {
        if (!fl_collect_is_capture(request->from[i]))
            return false;
    }
    return true;
}

/* What was read before, for comparison with the next. */
struct previous {
    const char *file;
    char *host;
    int64_t time_ms;
};

static int check_order(const struct previous *previous, const char *file,
                       const struct fl_snapshot *snapshot, struct fl_error *err)
{
    if (previous->file && strcmp(previous->host, fl_snapshot_host(snapshot)))
        return fl_error_set(err, -EINVAL, "%s is of host %s, and %s of %s; a report is of one host",
                            file, fl_snapshot_host(snapshot), previous->file, previous->host);
    if (previous->file && fl_snapshot_time_ms(snapshot) < previous->time_ms)
        return fl_error_set(err, -EINVAL, "%s is older than %s; give the earlier capture first",
                            file, previous->file);
    return 0;
}

/* One capture of several; of the last one the audit is kept. */
static int read_capture(const struct fl_request *request, size_t i,
                        const struct fl_collect_options *options, struct fl_report_points *points,
                        struct previous *previous, struct fl_host_audit *result,
                        struct fl_error *err)
{
    const struct fl_config *config = options->config;
    int error;

    fl_host_audit_release(result);
    error = fl_collect_files(&request->from[i], 1, options, &result->snapshot, err);
    if (!error)
        error = check_order(previous, request->from[i], result->snapshot, err);
    if (error)
        return error;
    result->audit = fl_audit_run(result->snapshot, &config->storage, &config->audit);
    fl_report_points_add(points, result->audit, "capture");
    free(previous->host);
    *previous = (struct previous){
        .file = request->from[i],
        .host = xstrdup(fl_snapshot_host(result->snapshot)),
        .time_ms = fl_snapshot_time_ms(result->snapshot),
    };
    return 0;
}

static int read_captures(const struct fl_request *request, const struct fl_collect_options *options,
                         struct fl_report_points *points, struct fl_host_audit *result,
                         struct fl_error *err)
{
    struct previous previous = { .file = NULL };
    int error = 0;

    if (request->n_from > CAPTURES)
        return fl_error_set(err, -EINVAL, "--from was given %zu times; a report takes %u captures",
                            request->n_from, CAPTURES);
    for (size_t i = 0; !error && i < request->n_from; i++)
        error = read_capture(request, i, options, points, &previous, result, err);
    free(previous.host);
    return error;
}

/* One capture, or dumps as any other verb takes them. */
static int read_files(const struct fl_request *request, const struct fl_collect_options *options,
                      struct fl_report_points *points, struct fl_host_audit *result,
                      struct fl_error *err)
{
    const struct fl_config *config = options->config;
    int error;

    if (request->n_from > 1 && are_captures(request))
        return read_captures(request, options, points, result, err);
    error = fl_collect_files(request->from, request->n_from, options, &result->snapshot, err);
    if (error)
        return error;
    result->audit = fl_audit_run(result->snapshot, &config->storage, &config->audit);
    fl_report_points_add(points, result->audit, "capture");
    return 0;
}

int fl_report_read(const struct fl_request *request, struct fl_reading *reading,
                   struct fl_report_points *points, struct fl_error *err)
{
    struct fl_collect_options options = {
        .config = &reading->config,
        .keep = FL_KEEP_STORAGE,
        .decode_flags = FL_DECODE_KEEP_PARTS,
        .progress = fl_progress_line,
    };
    struct fl_host_audit *result = &reading->host;
    int error;

    *reading = (struct fl_reading){ .snapshot = NULL };
    error = fl_config_load(&reading->config, request->root, err);
    if (error)
        return error;
    options.window_ms = request->window_ms >= 0 ? request->window_ms
                        : request->n_from       ? reading->config.window_ms
                                                : WINDOW_MS;
    if (request->n_from) {
        error = read_files(request, &options, points, result, err);
    } else {
        error = read_host(request, &options, points, &result->snapshot, err);
        if (!error)
            result->audit = fl_audit_run(result->snapshot, &reading->config.storage,
                                         &reading->config.audit);
    }
    fl_progress_end();
    reading->snapshot = result->snapshot;
    reading->audit = result->audit;
    return error;
}
