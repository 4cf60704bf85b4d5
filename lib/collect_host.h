/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_COLLECT_HOST_H
#define FLOWLIFT_COLLECT_HOST_H

/*
 * The steps of reading a live host, that a snapshot (collect.c) and a capture (capture.c) are both made
 * of, so that the two cannot see different things.
 */

#include <stdint.h>

#include "flows/error.h"
#include "flows/inventory.h"
#include "lib/collect.h"
#include "lib/flow_source.h"

#define FL_HOST_NAME_BYTES 256

/** fl_collect_inventory() - what OVSDB says of the host; owned by the caller on 0 */
int fl_collect_inventory(const struct fl_host *host, const struct fl_collect_options *options,
                         struct fl_inventory *inv, struct fl_error *err);
/** fl_collect_open() - read the inventory, and open where the flows are; both the caller's on 0 */
int fl_collect_open(const struct fl_host *host, const struct fl_collect_options *options,
                    struct fl_inventory *inv, struct fl_flow_source **source, struct fl_error *err);
/** fl_collect_begin() - likewise, and a snapshot that has the inventory, keeps what @options say, and no flow yet */
int fl_collect_begin(const struct fl_host *host, const struct fl_collect_options *options,
                     struct fl_flow_source **source, struct fl_snapshot **snapshot,
                     struct fl_error *err);
/** fl_collect_host_name() - this host's name, "unknown" without one. Return: @buf. */
const char *fl_collect_host_name(char buf[FL_HOST_NAME_BYTES]);
/**
 * fl_collect_wait() - until the window is over
 * @started_ms: fl_monotonic_ms() when the first dump began
 * Return: milliseconds from @started_ms to now, when the second dump begins.
 */
int64_t fl_collect_wait(const struct fl_collect_options *options, int64_t started_ms);
void fl_collect_progress(const struct fl_collect_options *options, const char *what);

#endif
