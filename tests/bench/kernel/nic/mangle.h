/* SPDX-License-Identifier: GPL-2.0 */
/* mangle: header fields that a rule rewrites, in a frame and in a frame's key. */
#ifndef FLOWNIC_MANGLE_H
#define FLOWNIC_MANGLE_H

#include <linux/skbuff.h>
#include <net/flow_offload.h>

#include "key.h"
#include "rule.h"

/**
 * flownic_mangle_translate() - one word of a pedit action
 * @action: receives it
 * @entry: what TC wants; a FLOW_ACTION_MANGLE
 * @why: receives the reason of a refusal
 *
 * Return: 0; -EOPNOTSUPP.
 */
int flownic_mangle_translate(struct flownic_action *action, const struct flow_action_entry *entry,
                             const char **why);

/**
 * flownic_mangle_kinds() - all kinds that an action is of
 * @action: of any kind; a rewritten word may belong to two fields
 *
 * Return: a bit for each kind.
 */
u32 flownic_mangle_kinds(const struct flownic_action *action);

/**
 * flownic_mangle_is() - does an action rewrite a header?
 * @action: of any kind
 *
 * Return: whether its @mangle is valid.
 */
bool flownic_mangle_is(const struct flownic_action *action);

/**
 * flownic_mangle_key() - what the key of a frame is after it was rewritten
 * @key: changed
 * @mangle: what is rewritten
 */
void flownic_mangle_key(struct flownic_key *key, const struct flownic_mangle *mangle);

/**
 * flownic_mangle_frame() - rewrite a frame, and keep its checksums right
 * @skb: its data begins with the Ethernet header
 * @mangle: what is rewritten; nothing is, if the frame has no such header
 *
 * Return: 0; -ENOMEM, where the frame is as before.
 */
int flownic_mangle_frame(struct sk_buff *skb, const struct flownic_mangle *mangle);

#endif
