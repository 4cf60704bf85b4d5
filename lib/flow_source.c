/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/flow_source.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/limits.h"
#include "lib/kernel_flows.h"
#include "lib/ovs/dump.h"
#include "lib/sample.h"

/* Between two commands of one dump; ovs-vswitchd's main thread serves everybody else meanwhile. */
#define PAUSE_MS 5
#define SOURCE   "the flow dump of ovs-vswitchd"
/* Times that a dump is begun before it is taken as it is. */
#define MAX_TRIES 3

struct fl_flow_source {
    struct fl_ctl *ctl; /* NULL: the kernel is asked. */
};

/* Only hosts all of whose bridges are in the kernel are read there. */
static bool is_in_kernel(const struct fl_inventory *inv)
{
    const char *type = fl_inventory_datapath_type(inv);

    return type && !strcmp(type, "system");
}

int fl_flow_source_open(const struct fl_host *host, const struct fl_inventory *inv,
                        struct fl_flow_source **source, struct fl_error *err)
{
    struct fl_ctl *ctl = NULL;

    if (host->via == FL_VIA_KERNEL && !is_in_kernel(inv))
        return fl_error_set(err, -ENOTSUP,
                            "not all bridges are in the kernel (datapath_type system): their flows "
                            "can only be read through ovs-vswitchd; leave --via out");
    if (host->via == FL_VIA_OVS || !is_in_kernel(inv)) {
        int ret = fl_ctl_open(host->target, fl_host_timeout_ms(host), &ctl, err);

        if (ret)
            return ret;
    }
    *source = xmalloc(sizeof **source);
    **source = (struct fl_flow_source){ .ctl = ctl };
    return 0;
}

void fl_flow_source_close(struct fl_flow_source *source)
{
    if (source && source->ctl)
        fl_ctl_close(source->ctl);
    free(source);
}

/* Through ovs-vswitchd. */

static int dump_text(struct fl_flow_source *source, const struct fl_inventory *inv,
                     fl_ctl_sink *sink, void *aux, struct fl_error *err)
{
    const struct fl_dump_options options = { .filter = NULL, .pause_ms = PAUSE_MS };

    return fl_dump_flows(source->ctl, inv, &options, sink, aux, err);
}

static int sample_text(struct fl_flow_source *source, struct fl_snapshot *snapshot,
                       unsigned int flags, struct fl_error *err)
{
    struct fl_sample sample;
    int ret = fl_sample_begin(&sample, snapshot, flags, SOURCE, err);

    if (ret)
        return ret;
    ret = dump_text(source, fl_snapshot_inventory(snapshot), fl_sample_push, &sample, err);
    return fl_sample_end(&sample, ret, err);
}

/* From the kernel. */

static int sample_kernel(struct fl_snapshot *snapshot, bool last, int64_t window_ms,
                         unsigned int flags, struct fl_error *err)
{
    enum fl_kernel_detail detail = flags & FL_DECODE_KEEP_TC     ? FL_KERNEL_TC
                                   : flags & FL_DECODE_KEEP_TEXT ? FL_KERNEL_TEXT
                                   : last                        ? FL_KERNEL_FLOWS
                                                                 : FL_KERNEL_COUNTERS;
    int ret = -EAGAIN;

    for (unsigned int i = 0; i < MAX_TRIES && ret == -EAGAIN; i++) {
        fl_error_clear(err);
        fl_snapshot_begin_sample(snapshot, last, window_ms);
        ret = fl_kernel_flows_dump(fl_snapshot_ports(snapshot), detail, fl_snapshot_add, snapshot,
                                   err);
    }
    if (ret == -E2BIG)
        return fl_error_set(err, ret, "the kernel has more than %u flows, more than flowlift reads",
                            FL_LIMIT_FLOWS);
    if (ret == -EAGAIN) {
        fl_snapshot_set_incomplete(snapshot, "%s", err->text);
        fl_error_clear(err);
        ret = 0;
    }
    return ret;
}

int fl_flow_source_sample(struct fl_flow_source *source, struct fl_snapshot *snapshot, bool last,
                          int64_t window_ms, unsigned int flags, struct fl_error *err)
{
    if (!source->ctl)
        return sample_kernel(snapshot, last, window_ms, flags, err);
    fl_snapshot_begin_sample(snapshot, last, window_ms);
    return sample_text(source, snapshot, flags, err);
}

/* Records of the kernel as lines. */
struct lines {
    fl_ctl_sink *sink;
    void *aux;
};

static int put_line(const struct fl_flow *flow, void *lines_)
{
    const struct lines *lines = lines_;
    int ret = lines->sink(flow->raw, strlen(flow->raw), lines->aux);

    return ret ? ret : lines->sink("\n", 1, lines->aux);
}

int fl_flow_source_text(struct fl_flow_source *source, const struct fl_inventory *inv,
                        fl_ctl_sink *sink, void *aux, struct fl_error *err)
{
    struct lines lines = { .sink = sink, .aux = aux };
    struct fl_ports *ports;
    int ret;

    if (source->ctl)
        return dump_text(source, inv, sink, aux, err);
    ports = fl_ports_create();
    ret = fl_kernel_flows_dump(ports, FL_KERNEL_TEXT, put_line, &lines, err);
    fl_ports_destroy(ports);
    return ret;
}
