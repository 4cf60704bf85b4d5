/* SPDX-License-Identifier: GPL-2.0 */
/* execute: do what a rule says to a frame. */
#ifndef FLOWNIC_EXECUTE_H
#define FLOWNIC_EXECUTE_H

#include <linux/skbuff.h>
#include <linux/types.h>

struct flownic_rule;

/**
 * flownic_execute() - do a rule's actions
 * @rule: borrowed
 * @skb: consumed; its data begins with the Ethernet header
 * @sent: set if a frame was sent out anywhere, else not touched
 *
 * Return: the frame if it is still there, for the rule in the next chain; NULL.
 */
struct sk_buff *flownic_execute(const struct flownic_rule *rule, struct sk_buff *skb, bool *sent);

#endif
