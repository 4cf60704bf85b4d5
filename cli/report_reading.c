/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_reading.h"

#include <errno.h>

#include <ovs/util.h>

#include "cli/progress.h"
#include "lib/series.h"

/* Counters of hardware are up to two seconds old: a shorter part would show that, and not the traffic. */
#define PART_MS 2000
#define PARTS   20
#define FILES   32u
/* What stands in for --window on a host: long enough to see how traffic goes. */
#define WINDOW_MS 20000

static void add_point(const struct fl_snapshot *snapshot, const struct fl_config *config,
                      struct fl_report_points *points, const char *by)
{
    struct fl_audit *audit = fl_audit_run(snapshot, &config->storage, &config->audit);

    fl_report_points_add(points, audit, by);
    fl_audit_destroy(audit);
}

/* Until the window is over, however long a part took. Of parts that could be read, the whole can be told. */
static int read_parts(struct fl_series *series, int64_t window_ms, int64_t n_parts,
                      struct fl_report_points *points, struct fl_error *err)
{
    struct fl_error why = FL_ERROR_INIT;
    const struct fl_snapshot *part;
    int64_t n = 0;

    series->wants_whole = true;
    series->options.window_ms = window_ms / n_parts;
    while ((!n || (n < n_parts && fl_series_elapsed_ms(series) < window_ms)) &&
           !fl_series_next(series, &part, &why)) {
        add_point(part, series->options.config, points, "sample");
        n++;
    }
    return n ? 0 : fl_error_set(err, why.code, "%s", why.text);
}

static int read_files(struct fl_series *series, struct fl_report_points *points,
                      struct fl_error *err)
{
    const struct fl_snapshot *snapshot;
    int error;

    if (series->n_paths > FILES)
        return fl_error_set(err, -EINVAL, "--from was given %zu times; a report takes %u files",
                            series->n_paths, FILES);
    series->wants_whole = true;
    while (!(error = fl_series_next(series, &snapshot, err)))
        add_point(snapshot, series->options.config, points, "capture");
    return error == -ENODATA && !err->code ? 0 : error;
}

static int read_snapshot(const struct fl_request *request, const struct fl_collect_options *options,
                         struct fl_report_points *points, struct fl_snapshot **snapshot,
                         struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    int64_t n_parts = MAX(1, MIN(options->window_ms / PART_MS, PARTS));
    struct fl_series series;
    int error;

    if (!request->n_from && options->window_ms <= 0)
        return fl_collect_host(&host, options, snapshot, err);
    fl_series_init(&series, &host, options);
    series.paths = (const char *const *)request->from;
    series.n_paths = request->n_from;
    error = request->n_from ? read_files(&series, points, err)
                            : read_parts(&series, options->window_ms, n_parts, points, err);
    if (!error)
        *snapshot = fl_series_whole(&series);
    fl_series_destroy(&series);
    return error;
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
    error = read_snapshot(request, &options, points, &result->snapshot, err);
    if (!error)
        result->audit = fl_audit_run(result->snapshot, &reading->config.storage,
                                     &reading->config.audit);
    fl_progress_end();
    reading->snapshot = result->snapshot;
    reading->audit = result->audit;
    return error;
}
