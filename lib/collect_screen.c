/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/collect_screen.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/collect_host.h"
#include "lib/nic/ports.h"
#include "lib/nic/stats.h"

/* Does any port's driver answer with counters of a while ago? */
static bool counters_lag(const struct fl_nic *nic)
{
    for (size_t i = 0; i < nic->n_ports; i++) {
        if (fl_nic_counters_lag(nic->ports[i].driver))
            return true;
    }
    return false;
}

/* Both samples, and what they say. */
static int sample_and_judge(struct fl_stats *stats, const struct fl_collect_options *options,
                            struct fl_snapshot *snapshot, const struct fl_nic *nic,
                            struct fl_screen *screen, struct fl_error *err)
{
    struct fl_port_sample before = { .n_ports = 0 }, after = { .n_ports = 0 };
    struct fl_screen_input input = {
        .inv = fl_snapshot_inventory(snapshot),
        .nic = nic,
        .before = &before,
        .after = &after,
        .stranded_below = options->config->audit.stranded_below,
    };
    bool lag = counters_lag(nic);
    int64_t started_ms;
    int ret = fl_stats_read(stats, lag, &before, err);

    if (!ret) {
        started_ms = fl_monotonic_ms();
        input.window_ms = fl_collect_wait(options, started_ms);
        ret = fl_stats_read(stats, lag, &after, err);
    }
    if (!ret) {
        fl_snapshot_begin_sample(snapshot, false, 0);
        fl_snapshot_begin_sample(snapshot, true, input.window_ms);
        fl_snapshot_set_time(snapshot, fl_time_now_ms());
        fl_screen_run(&input, screen);
    }
    fl_stats_release(&before);
    fl_stats_release(&after);
    return ret;
}

int fl_collect_screen(const struct fl_host *host, const struct fl_collect_options *options,
                      struct fl_snapshot **result, struct fl_screen *screen, struct fl_error *err)
{
    char name[FL_HOST_NAME_BYTES];
    struct fl_snapshot *snapshot;
    struct fl_stats *stats = NULL;
    struct fl_inventory inv;
    struct fl_nic nic;
    int ret;

    fl_inventory_init(&inv);
    fl_nic_init(&nic);
    ret = fl_collect_inventory(host, options, &inv, err);
    ret = ret ? ret : fl_nic_read(&nic, err);
    ret = ret ? ret : fl_stats_open(&stats, err);
    if (ret) {
        fl_inventory_destroy(&inv);
        fl_nic_destroy(&nic);
        return ret;
    }
    snapshot = fl_snapshot_create(fl_collect_host_name(name), fl_time_now_ms());
    fl_snapshot_set_inventory(snapshot, &inv);
    ret = sample_and_judge(stats, options, snapshot, &nic, screen, err);
    fl_stats_close(stats);
    fl_nic_destroy(&nic);
    if (ret)
        fl_snapshot_destroy(snapshot);
    else
        *result = snapshot;
    return ret;
}
