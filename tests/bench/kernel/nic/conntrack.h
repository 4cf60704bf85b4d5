/* SPDX-License-Identifier: GPL-2.0 */
/*
 * conntrack: connections that the hardware knows, zone by zone.
 *
 * act_ct gives each zone a flow table, and offers its established TCP and UDP connections to
 * whoever has registered with that table. A rule with a ct action registers; then a packet of
 * such a connection goes on in hardware, and all others are software's.
 */
#ifndef FLOWNIC_CONNTRACK_H
#define FLOWNIC_CONNTRACK_H

#include <linux/types.h>
#include <net/flow_offload.h>

#include "key.h"
#include "stats.h"

struct flownic_connection;
struct flownic_ct_zone;

/**
 * flownic_ct_translate() - what a ct action needs
 * @entry: what TC wants; a FLOW_ACTION_CT
 * @zone: receives the zone, for flownic_ct_zone_put(); NULL for an action that only clears
 * @why: receives the reason of a refusal
 *
 * May sleep. Return: 0; -EOPNOTSUPP.
 */
int flownic_ct_translate(const struct flow_action_entry *entry, struct flownic_ct_zone **zone,
                         const char **why);

/**
 * flownic_ct_zone_put() - a rule needs a zone no more
 * @zone: consumed; frames that found it before go on using it; may be NULL
 *
 * May sleep.
 */
void flownic_ct_zone_put(struct flownic_ct_zone *zone);

/**
 * flownic_ct_restore() - look up the connection that a frame belongs to
 * @zone: where; NULL clears what the key has of conntrack
 * @key: of the frame; receives state, zone and mark
 * @connection: receives the connection, borrowed while RCU is held
 *
 * Return: whether there is one that hardware may go on with.
 */
bool flownic_ct_restore(const struct flownic_ct_zone *zone, struct flownic_key *key,
                        struct flownic_connection **connection);

/**
 * flownic_ct_count() - a connection's frame was sent on
 * @connection: borrowed while RCU is held; may be NULL
 * @size: of the frame
 */
void flownic_ct_count(struct flownic_connection *connection, struct flownic_size size);

/**
 * flownic_ct_print() - a line for each direction of each connection
 * @seq: receives the text
 */
void flownic_ct_print(struct seq_file *seq);

#endif
