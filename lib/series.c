/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/series.h"

#include <errno.h>
#include <stdlib.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/collect_host.h"

void fl_series_init(struct fl_series *series, const struct fl_host *host,
                    const struct fl_collect_options *options)
{
    *series = (struct fl_series){ .host = *host, .options = *options };
    fl_baseline_init(&series->first);
}

void fl_series_destroy(struct fl_series *series)
{
    fl_snapshot_destroy(series->last);
    series->last = NULL;
    fl_baseline_destroy(&series->first);
    free(series->incomplete);
}

/* Before @next takes the place of the last one. */
static void keep_whole(struct fl_series *series, const struct fl_snapshot *next, int64_t began_ms)
{
    const char *incomplete = fl_snapshot_incomplete(next);

    if (!series->last) {
        series->first_ms = began_ms;
    } else if (!series->has_first && fl_snapshot_window_ms(series->last)) {
        fl_snapshot_take_start(series->last, &series->first);
        series->has_first = true;
    }
    if (incomplete && !series->incomplete)
        series->incomplete = xstrdup(incomplete);
}

/* @snapshot (consumed) is what the next one follows; NULL: it has to begin anew. */
static void remember(struct fl_series *series, struct fl_snapshot *snapshot, int64_t began_ms)
{
    if (series->wants_whole && !series->n_paths && snapshot)
        keep_whole(series, snapshot, began_ms);
    fl_snapshot_destroy(series->last);
    series->last = snapshot;
    series->last_ms = began_ms;
}

/* Without haste: one that was read late does not make the next one come early. */
static void wait_until_due(struct fl_series *series, int64_t pause_ms)
{
    fl_sleep_until_ms(series->due_ms);
    series->due_ms = fl_monotonic_ms() + pause_ms;
}

/* One dump, and what was counted since that of series->last. Without that one there is no window. */
static int read_host(struct fl_series *series, struct fl_error *err)
{
    const struct fl_collect_options *options = &series->options;
    int64_t began_ms;
    struct fl_flow_source *source;
    struct fl_snapshot *snapshot;
    int64_t window_ms;
    int ret = fl_collect_begin(&series->host, options, &source, &snapshot, err);

    if (ret)
        return ret;
    fl_snapshot_remember(snapshot);
    if (series->last)
        fl_snapshot_follow(snapshot, series->last);
    fl_collect_progress(options, "reading flows");
    began_ms = fl_monotonic_ms();
    series->due_ms = began_ms + options->window_ms; /* no window is shorter than that */
    window_ms = series->last ? began_ms - series->last_ms : 0;
    ret = fl_flow_source_sample(source, snapshot, true, window_ms, options->decode_flags, err);
    fl_snapshot_set_time(snapshot, fl_time_now_ms());
    fl_flow_source_close(source);
    if (ret) {
        fl_snapshot_destroy(snapshot);
        return ret;
    }
    remember(series, snapshot, began_ms);
    return 0;
}

static int wait_and_read_host(struct fl_series *series, struct fl_error *err)
{
    if (series->last)
        fl_collect_progress(&series->options, "counting packets");
    wait_until_due(series, series->options.window_ms);
    return read_host(series, err);
}

static int next_of_host(struct fl_series *series, struct fl_error *err)
{
    bool follows = series->last;
    int ret = wait_and_read_host(series, err);

    return ret || follows ? ret : wait_and_read_host(series, err);
}

static int read_file(struct fl_series *series, struct fl_error *err)
{
    struct fl_snapshot *snapshot;
    int ret;

    if (series->next_path == series->n_paths)
        return -ENODATA;
    ret = fl_collect_next_file(series->paths[series->next_path++], series->last, &series->options,
                               &snapshot, err);
    if (!ret)
        remember(series, snapshot, 0);
    return ret;
}

static int next_of_files(struct fl_series *series, struct fl_error *err)
{
    bool follows = series->last;
    int ret;

    wait_until_due(series, series->pause_ms);
    ret = read_file(series, err);
    if (!ret && !follows && !fl_snapshot_window_ms(series->last) && series->n_paths > 1)
        ret = read_file(series, err);
    return ret;
}

int fl_series_next(struct fl_series *series, const struct fl_snapshot **snapshot,
                   struct fl_error *err)
{
    int ret = series->n_paths ? next_of_files(series, err) : next_of_host(series, err);

    if (!ret) {
        *snapshot = series->last;
    } else if (!series->wants_whole) {
        remember(series, NULL, 0);
    } else if (err->code && !series->incomplete) {
        series->incomplete = xstrdup(err->text);
    }
    return ret;
}

int64_t fl_series_elapsed_ms(const struct fl_series *series)
{
    return series->last_ms - series->first_ms;
}

struct fl_snapshot *fl_series_whole(struct fl_series *series)
{
    struct fl_snapshot *whole = series->last;

    series->last = NULL;
    if (whole && series->has_first)
        fl_snapshot_begin_at(whole, &series->first, fl_series_elapsed_ms(series));
    if (whole && series->incomplete)
        fl_snapshot_set_incomplete(whole, "%s", series->incomplete);
    return whole;
}
