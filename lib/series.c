/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/series.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "lib/collect_host.h"

void fl_series_init(struct fl_series *series, const struct fl_host *host,
                    const struct fl_collect_options *options)
{
    *series = (struct fl_series){ .host = *host, .options = *options };
}

void fl_series_destroy(struct fl_series *series)
{
    fl_snapshot_destroy(series->last);
    series->last = NULL;
}

/* @snapshot (consumed) is what the next one follows; NULL: it has to begin anew. */
static void remember(struct fl_series *series, struct fl_snapshot *snapshot, int64_t began_ms)
{
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
    char name[FL_HOST_NAME_BYTES];
    struct fl_flow_source *source;
    struct fl_snapshot *snapshot;
    struct fl_inventory inv;
    int64_t window_ms;
    int ret;

    fl_inventory_init(&inv);
    ret = fl_collect_open(&series->host, options, &inv, &source, err);
    if (ret)
        return ret;
    snapshot = fl_snapshot_create(fl_collect_host_name(name), fl_time_now_ms());
    fl_snapshot_set_inventory(snapshot, &inv);
    fl_snapshot_filter(snapshot, options->keep, &options->config->storage);
    fl_snapshot_keep_text(snapshot, options->decode_flags);
    fl_snapshot_remember(snapshot);
    if (series->last)
        fl_snapshot_follow(snapshot, series->last);
    began_ms = fl_monotonic_ms();
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

static int next_of_host(struct fl_series *series, struct fl_error *err)
{
    bool follows = series->last;
    int ret;

    wait_until_due(series, series->options.window_ms);
    ret = read_host(series, err);
    if (!ret && !follows) {
        wait_until_due(series, series->options.window_ms);
        ret = read_host(series, err);
    }
    return ret;
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

    if (ret) {
        remember(series, NULL, 0);
        return ret;
    }
    *snapshot = series->last;
    return 0;
}
