/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/collect_series.h"

#include "lib/base/clock.h"
#include "lib/collect_host.h"

/* What a series is read with. */
struct series {
    const struct fl_host *host;
    const struct fl_collect_options *options;
    struct fl_flow_source *source;
    struct fl_snapshot *whole;
    struct fl_snapshot *part; /* NULL: parts cannot be read. */
    fl_series_part *take;
    void *aux;
};

static struct fl_snapshot *begin_snapshot(const struct fl_collect_options *options,
                                          enum fl_snapshot_keep keep, struct fl_inventory *inv)
{
    char name[FL_HOST_NAME_BYTES];
    struct fl_snapshot *snapshot = fl_snapshot_create(fl_collect_host_name(name), fl_time_now_ms());

    fl_snapshot_set_inventory(snapshot, inv);
    fl_snapshot_filter(snapshot, keep, &options->config->storage);
    return snapshot;
}

/* From the first error on there are no parts any more. */
static void give_up_parts(struct series *series, const struct fl_error *why)
{
    fl_snapshot_set_incomplete(series->whole, "%s", why->text);
    fl_snapshot_destroy(series->part);
    series->part = NULL;
}

static void begin_parts(struct series *series)
{
    struct fl_error why = FL_ERROR_INIT;
    struct fl_inventory inv;

    fl_inventory_init(&inv);
    if (!fl_collect_inventory(series->host, series->options, &inv, &why)) {
        series->part = begin_snapshot(series->options, FL_KEEP_STORAGE, &inv);
        fl_snapshot_keep_text(series->part, 0);
        fl_flow_source_sample(series->source, series->part, false, 0, 0, &why);
    }
    if (why.code)
        give_up_parts(series, &why);
}

/* One dump ends this part and begins the next. Return: when it was made. */
static int64_t end_part(struct series *series, int64_t began_ms)
{
    struct fl_error why = FL_ERROR_INIT;
    int64_t now_ms = fl_monotonic_ms();

    if (!series->part)
        return now_ms;
    if (fl_flow_source_sample(series->source, series->part, true, now_ms - began_ms, 0, &why)) {
        give_up_parts(series, &why);
        return now_ms;
    }
    fl_snapshot_set_time(series->part, fl_time_now_ms());
    series->take(series->part, series->aux);
    fl_snapshot_turn(series->part);
    return now_ms;
}

/* From the second dump of the whole on, an error only makes the snapshot incomplete. */
static int read_series(struct series *series, unsigned int n_parts, struct fl_error *err)
{
    const struct fl_collect_options *options = series->options;
    int64_t started_ms = fl_monotonic_ms(), began_ms;
    struct fl_error why = FL_ERROR_INIT;
    int ret;

    fl_collect_progress(options, "reading flows");
    ret = fl_flow_source_sample(series->source, series->whole, false, 0, 0, err);
    if (ret)
        return ret;
    began_ms = fl_monotonic_ms();
    begin_parts(series);
    fl_collect_progress(options, "counting packets");
    for (unsigned int i = 1; i <= n_parts; i++) {
        fl_sleep_until_ms(started_ms + options->window_ms * i / n_parts);
        began_ms = end_part(series, began_ms);
    }
    fl_collect_progress(options, "reading flows again");
    if (fl_flow_source_sample(series->source, series->whole, true, fl_monotonic_ms() - started_ms,
                              options->decode_flags, &why))
        fl_snapshot_set_incomplete(series->whole, "%s", why.text);
    fl_snapshot_set_time(series->whole, fl_time_now_ms());
    return 0;
}

int fl_collect_series(const struct fl_host *host, const struct fl_collect_options *options,
                      unsigned int n_parts, fl_series_part *take, void *aux,
                      struct fl_snapshot **snapshot, struct fl_error *err)
{
    struct series series = { .host = host, .options = options, .take = take, .aux = aux };
    struct fl_inventory inv;
    int ret;

    fl_inventory_init(&inv);
    ret = fl_collect_open(host, options, &inv, &series.source, err);
    if (ret)
        return ret;
    series.whole = begin_snapshot(options, options->keep, &inv);
    fl_snapshot_keep_text(series.whole, options->decode_flags);
    ret = read_series(&series, n_parts, err);
    fl_snapshot_destroy(series.part);
    fl_flow_source_close(series.source);
    if (ret) {
        fl_snapshot_destroy(series.whole);
        return ret;
    }
    *snapshot = series.whole;
    return 0;
}
