/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PACKET_H
#define FLOWLIFT_PACKET_H

/*
 * Packets to ask the oracle about (flows/draw.h draws them), written as ofproto/trace reads them.
 */

#include <openvswitch/match.h>

/**
 * fl_packet_text() - "in_port=2,tcp,dl_src=...,tp_dst=2049" for ofproto/trace; free() it
 * @packet: OpenFlow in_port
 * @guard_reg, @guard_mask: this bit is set in the text (mask 0: none), so that the rules are missed
 * Return: NULL for a packet that cannot be written so: no TCP, UDP, SCTP or ICMP over IP, or with two VLAN
 * headers.
 */
char *fl_packet_text(const struct flow *packet, unsigned int guard_reg, uint32_t guard_mask);

#endif
