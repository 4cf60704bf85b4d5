/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_VALIDATE_H
#define FLOWLIFT_DPDK_PLUGIN_VALIDATE_H

#include "lib/dpdk/plugin/dpdk.h"

/**
 * fl_validate_answer() - /flowlift/validate,PORT,RULE (rule.h)
 *
 * The driver checks the rule and changes nothing ("This function has no effect on the target device", rte_flow.h).
 * Whether it looks at its tables, and so finds them full, is up to the driver: mlx5 does not.
 */
int fl_validate_answer(const char *command, const char *params, struct rte_tel_data *reply);

#endif
