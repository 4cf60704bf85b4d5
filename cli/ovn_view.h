/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_OVN_VIEW_H
#define FLOWLIFT_CLI_OVN_VIEW_H

/* Rows of OVN's databases behind OpenFlow flows, for people and as JSON. */

#include "cli/output.h"
#include "lib/ovn/find.h"

/** fl_ovn_rows_print() - those behind one flow, a paragraph each; nothing when there are none */
void fl_ovn_rows_print(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie,
                       struct fl_output *out);
/** fl_ovn_rows_json() - an array; null when the flow is not OVN's, or it is not known */
json_t *fl_ovn_rows_json(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie);

/** fl_ovn_print() - why something is not known */
void fl_ovn_print(const struct fl_ovn *ovn, struct fl_output *out);
/** fl_ovn_json() - who was asked; null where OVN owns no bridge */
json_t *fl_ovn_json(const struct fl_ovn *ovn);

#endif
