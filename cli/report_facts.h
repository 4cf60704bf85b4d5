/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_REPORT_FACTS_H
#define FLOWLIFT_CLI_REPORT_FACTS_H

/* What a report says of a host: versions, settings, NICs. */

#include <jansson.h>

#include "flows/audit.h"

/**
 * fl_report_host_json() - {"host", "time", "flowlift", "kernel", "ovs_version", "dpdk_version", "datapath",
 * "hw_offload", "tc_policy", "vms", "window_ms", "incomplete", "n_orphans", "causes", "nics"}
 * @is_live: the snapshot is of this host and now, so that its kernel can be named
 * Return: new reference. A key that is not known is null.
 */
json_t *fl_report_host_json(const struct fl_audit *audit, bool is_live);

#endif
