/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_RTE_RULE_INTERNAL_H
#define FLOWLIFT_RTE_RULE_INTERNAL_H

#include "flows/rte_rule.h"

/** fl_rte_put_hex() - two digits a byte */
void fl_rte_put_hex(struct ds *text, const void *bytes, size_t n);
/** fl_rte_put_actions() - " actions ...", as fl_rte_rule_format() */
int fl_rte_put_actions(struct ds *text, const struct fl_flow *flow, enum fl_rte_rule_kind kind,
                       fl_rte_port *port_of, void *aux, struct fl_error *err);

#endif
