/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HEARD_VIEW_H
#define FLOWLIFT_CLI_HEARD_VIEW_H

/* What the kernel told ovs-vswitchd while flowlift listened, for people and as JSON. */

#include "cli/output.h"
#include "flows/error.h"
#include "flows/extack.h"

/** fl_heard_print() - @why: why nothing could be heard, or no cause */
void fl_heard_print(const struct fl_extacks *heard, const struct fl_error *why,
                    struct fl_output *out);
/** fl_heard_json() - likewise; new reference */
json_t *fl_heard_json(const struct fl_extacks *heard, const struct fl_error *why);

#endif
