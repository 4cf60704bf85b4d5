/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot of a live host. What happens between the two dumps is the window. */

#include "lib/collect.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/collect_host.h"
#include "lib/ovs/db.h"
#include "lib/ovs/log_offload.h"

void fl_collect_progress(const struct fl_collect_options *options, const char *what)
{
    if (options->progress)
        options->progress(what, options->progress_aux);
}

/* Only its log tells whether ovs-vswitchd was started before offload was turned off. */
static bool may_offload(const struct fl_inventory *inv)
{
    struct fl_log_offload log;

    if (smap_get_bool(&inv->other_config, "hw-offload", false))
        return false;
    fl_log_offload_read(&log);
    return log.flow_api || !log.seen_start;
}

int fl_collect_inventory(const struct fl_host *host, const struct fl_collect_options *options,
                         struct fl_inventory *inv, struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(options->config);

    int ret;

    fl_collect_progress(options, "reading OVSDB");
    ret = fl_db_read(host->db, &keys, fl_host_timeout_ms(host), inv, err);
    if (!ret)
        inv->may_offload = may_offload(inv);
    return ret;
}

int fl_collect_open(const struct fl_host *host, const struct fl_collect_options *options,
                    struct fl_inventory *inv, struct fl_flow_source **source, struct fl_error *err)
{
    int ret = fl_collect_inventory(host, options, inv, err);

    if (ret)
        return ret;
    ret = fl_flow_source_open(host, inv, source, err);
    if (ret)
        fl_inventory_destroy(inv);
    return ret;
}

const char *fl_collect_host_name(char buf[FL_HOST_NAME_BYTES])
{
    if (gethostname(buf, FL_HOST_NAME_BYTES) < 0)
        strcpy(buf, "unknown");
    buf[FL_HOST_NAME_BYTES - 1] = '\0';
    return buf;
}

int64_t fl_collect_wait(const struct fl_collect_options *options, int64_t started_ms)
{
    int64_t now_ms;

    fl_collect_progress(options, "counting packets");
    fl_sleep_until_ms(started_ms + options->window_ms);
    now_ms = fl_monotonic_ms();
    fl_collect_progress(options, "reading flows again");
    return now_ms - started_ms;
}

/* The dump or dumps. From the second on, an error only makes the snapshot incomplete. */
static int read_samples(struct fl_flow_source *source, const struct fl_collect_options *options,
                        struct fl_snapshot *snapshot, struct fl_error *err)
{
    int64_t started_ms = fl_monotonic_ms(), window_ms = 0;
    struct fl_error why = FL_ERROR_INIT;
    int ret;

    fl_collect_progress(options, "reading flows");
    if (options->window_ms > 0) {
        ret = fl_flow_source_sample(source, snapshot, false, 0, 0, err);
        if (ret)
            return ret;
        window_ms = fl_collect_wait(options, started_ms);
    }
    ret = fl_flow_source_sample(source, snapshot, true, window_ms, options->decode_flags, &why);
    fl_snapshot_set_time(snapshot, fl_time_now_ms());
    if (ret && window_ms) {
        fl_snapshot_set_incomplete(snapshot, "%s", why.text);
        return 0;
    }
    return ret ? fl_error_set(err, ret, "%s", why.text) : 0;
}

int fl_collect_begin(const struct fl_host *host, const struct fl_collect_options *options,
                     struct fl_flow_source **source, struct fl_snapshot **snapshot,
                     struct fl_error *err)
{
    char name[FL_HOST_NAME_BYTES];
    struct fl_inventory inv;
    int ret;

    fl_inventory_init(&inv);
    ret = fl_collect_open(host, options, &inv, source, err);
    if (ret)
        return ret;
    *snapshot = fl_snapshot_create(fl_collect_host_name(name), fl_time_now_ms());
    fl_snapshot_set_inventory(*snapshot, &inv);
    fl_snapshot_filter(*snapshot, options->keep, &options->config->storage);
    fl_snapshot_keep_text(*snapshot, options->decode_flags);
    return 0;
}

int fl_collect_host(const struct fl_host *host, const struct fl_collect_options *options,
                    struct fl_snapshot **result, struct fl_error *err)
{
    struct fl_snapshot *snapshot;
    struct fl_flow_source *source;
    int ret = fl_collect_begin(host, options, &source, &snapshot, err);

    if (ret)
        return ret;
    ret = read_samples(source, options, snapshot, err);
    fl_flow_source_close(source);
    if (ret) {
        fl_snapshot_destroy(snapshot);
        return ret;
    }
    *result = snapshot;
    return 0;
}
