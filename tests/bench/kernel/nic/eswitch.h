/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eswitch: where a frame goes.
 *
 * What a VF or the wire sends is looked up in the rules of its port, through all chains, before
 * anything is done. A hit in each chain: the frame is changed and sent on, and no representor
 * sees it. A miss in any: the representor gets the frame as it was sent.
 */
#ifndef FLOWNIC_ESWITCH_H
#define FLOWNIC_ESWITCH_H

#include <linux/skbuff.h>

struct flownic_port;

/**
 * flownic_eswitch_receive() - a frame that a VF or the wire sends into the NIC
 * @port: where it comes in
 * @skb: consumed; its data begins with the Ethernet header
 */
void flownic_eswitch_receive(struct flownic_port *port, struct sk_buff *skb);

/**
 * flownic_eswitch_transmit() - a frame that software sends out of a representor
 * @port: where it leaves
 * @skb: consumed; its data begins with the Ethernet header
 */
void flownic_eswitch_transmit(struct flownic_port *port, struct sk_buff *skb);

/**
 * flownic_eswitch_emit() - a frame that a rule sends out
 * @port: where it leaves
 * @skb: consumed; its data begins with the Ethernet header
 */
void flownic_eswitch_emit(struct flownic_port *port, struct sk_buff *skb);

#endif
