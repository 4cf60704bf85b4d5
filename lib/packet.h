/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PACKET_H
#define FLOWLIFT_PACKET_H

/*
 * Packets to ask the oracle about, drawn from a region and written as ofproto/trace reads them.
 */

#include <openvswitch/match.h>

/**
 * fl_packet_draw() - a packet that a rule matches
 * @rule: OpenFlow match; the packet has all its values
 * @observed: region of an observed chain whose values fill what the rule leaves wild, or NULL
 * @packet: filled; OpenFlow in_port
 */
void fl_packet_draw(const struct match *rule, const struct match *observed, struct flow *packet);

/** enum fl_edge - the corners of a rule's region that fl_packet_edge() moves to */
enum fl_edge {
    FL_EDGE_LOWEST,  /* lowest server address and client port */
    FL_EDGE_HIGHEST, /* highest ones */
    FL_N_EDGES
};
/** fl_packet_edge() - move @packet to a corner of the region of @rule */
void fl_packet_edge(const struct match *rule, enum fl_edge edge, struct flow *packet);

/**
 * fl_packet_text() - "in_port=2,tcp,dl_src=...,tp_dst=2049" for ofproto/trace; free() it
 * @guard_reg, @guard_mask: this bit is set in the text (mask 0: none), so that the rules are missed
 */
char *fl_packet_text(const struct flow *packet, unsigned int guard_reg, uint32_t guard_mask);

#endif
