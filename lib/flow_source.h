/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLOW_SOURCE_H
#define FLOWLIFT_FLOW_SOURCE_H

/*
 * Where the flows of a live host are read: from the kernel itself where its datapath is used, or from
 * ovs-vswitchd, which is the only one to know those of the userspace datapath.
 */

#include <stdbool.h>

#include "flows/error.h"
#include "flows/inventory.h"
#include "flows/snapshot.h"
#include "lib/collect.h"
#include "lib/ovs/ctl.h"

struct fl_flow_source;

/**
 * fl_flow_source_open() - choose by the inventory, or as @host->via says
 * Return: 0 and *@source owned by the caller; -ENOTSUP: the kernel was asked for, and a bridge is in
 * userspace; else as fl_ctl_open().
 */
int fl_flow_source_open(const struct fl_host *host, const struct fl_inventory *inv,
                        struct fl_flow_source **source, struct fl_error *err);
void fl_flow_source_close(struct fl_flow_source *source);

/**
 * fl_flow_source_sample() - one dump into @snapshot
 * @snapshot: has the inventory
 * @last, @window_ms: as for fl_snapshot_begin_sample(), which this calls
 * @flags: enum fl_decode_flags
 * Return: 0, or negative errno. A dump that the kernel interrupts is begun again; when that happens
 * time and again, the snapshot is made incomplete.
 */
int fl_flow_source_sample(struct fl_flow_source *source, struct fl_snapshot *snapshot, bool last,
                          int64_t window_ms, unsigned int flags, struct fl_error *err);

/**
 * fl_flow_source_text() - one dump as text, as "ovs-appctl dpctl/dump-flows -m" prints it
 * @inv: which datapaths there are
 * Return: 0; negative errno: what was handed over is not all there is; or what @sink returned.
 */
int fl_flow_source_text(struct fl_flow_source *source, const struct fl_inventory *inv,
                        fl_ctl_sink *sink, void *aux, struct fl_error *err);

#endif
