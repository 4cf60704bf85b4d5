/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_TELEMETRY_PLACES_H
#define FLOWLIFT_DPDK_TELEMETRY_PLACES_H

#include <stdbool.h>

/* What OVS is told for DPDK, as far as it moves the telemetry socket. */
struct fl_telemetry_extra {
    char *prefix; /* Owned. */
    bool no_telemetry;
};

/** fl_telemetry_read_extra() - @dpdk_extra: other_config:dpdk-extra, or NULL; @extra: free() its prefix */
void fl_telemetry_read_extra(const char *dpdk_extra, struct fl_telemetry_extra *extra);

#endif
