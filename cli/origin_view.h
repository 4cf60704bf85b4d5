/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_ORIGIN_VIEW_H
#define FLOWLIFT_CLI_ORIGIN_VIEW_H

/* The OpenFlow flows behind a VM's datapath flows, for people and as JSON. */

#include "cli/output.h"
#include "lib/origin.h"
#include "lib/ovn/find.h"

/** fl_origin_print() - @ovn: what OVN says of the flows */
void fl_origin_print(const struct fl_origin *origin, const struct fl_ovn *ovn,
                     struct fl_output *out);
/** fl_origin_json() - new reference */
json_t *fl_origin_json(const struct fl_origin *origin, const struct fl_ovn *ovn);

#endif
