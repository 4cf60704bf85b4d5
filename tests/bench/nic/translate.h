/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: rte_flow's patterns and actions in the eSwitch model's terms.
 *
 * Source: what OVS 3.1 offers (lib/netdev-offload-dpdk.c), and rte_flow.h of DPDK 22.11.
 */
#ifndef FLOWNIC_TRANSLATE_H
#define FLOWNIC_TRANSLATE_H

#include <rte_flow.h>

#include "eswitch.h"

/* Whether a rule may send to a port: is it on the same NIC? */
typedef bool flownic_port_is_ours_func(const void *context, uint32_t port);

/**
 * flownic_translate() - turn an rte_flow rule into the model's
 * @attr: attributes; borrowed
 * @items: pattern, ended by END; borrowed
 * @actions: actions, ended by END; borrowed
 * @port_is_ours: asked for the target of every output
 * @context: for @port_is_ours
 * @spec: receives the rule on success
 * @error: receives the reason on failure
 *
 * Return: 0, or a negative errno (rte_errno is set as well).
 */
int flownic_translate(const struct rte_flow_attr *attr, const struct rte_flow_item *items,
                      const struct rte_flow_action *actions,
                      flownic_port_is_ours_func *port_is_ours, const void *context,
                      struct flownic_rule_spec *spec, struct rte_flow_error *error);

#endif
