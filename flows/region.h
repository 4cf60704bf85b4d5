/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REGION_H
#define FLOWLIFT_REGION_H

/*
 * Regions: sets of packets, each the packets that one struct match matches. They are compared bit by bit
 * over all of struct flow, with no list of fields, so a field that OVS adds is part of it at once. Sets
 * that no single match describes: space.h. One packet of a region: draw.h.
 *
 * Both regions must number ports and place VLANs alike: never compare a datapath match with one of
 * OpenFlow, save by fl_region_meets(), which leaves these out.
 */

#include <openvswitch/match.h>
#include <stdbool.h>

struct mf_field;

/**
 * fl_region_at_entry() - @region: all Ethernet packets as they come to a bridge, before its first table
 * Not recirculated, not tracked, registers and metadata 0; in_port, marks, tunnel and headers are wild.
 */
void fl_region_at_entry(struct match *region);

/** fl_region_has() - does @region match this packet? */
bool fl_region_has(const struct match *region, const struct flow *packet);

/**
 * fl_region_is_empty() - is it certain that no packet is in @region?
 * It is when one field rules another out, as ARP does TCP ports. What is known: packet_kind.h.
 * Return: false also when this cannot be told.
 */
bool fl_region_is_empty(const struct match *region);

/**
 * fl_region_intersect() - the packets that are in both
 * @both: may be @a or @b; untouched when there are none
 * Return: false when it is certain that there are none, as fl_region_is_empty().
 */
bool fl_region_intersect(const struct match *a, const struct match *b, struct match *both);

/**
 * fl_region_meets() - is there a packet that both match, by Ethernet, IP and transport header alone?
 * in_port and VLANs are left out, since a datapath match and an OpenFlow match number and place them
 * differently, and so is all that is not an address, a protocol or a port.
 */
bool fl_region_meets(const struct match *a, const struct match *b);

/** fl_region_within() - is every packet of @part certainly in @whole? */
bool fl_region_within(const struct match *part, const struct match *whole);

/** fl_region_tests_more() - does @want test an address, protocol or port bit that @have leaves wild? */
bool fl_region_tests_more(const struct flow *want, const struct flow *have);

/**
 * fl_region_field_apart() - the field that tells best what in @region is in @other and what is not
 * @other: meets @region
 * @like: a region that is known to differ from @other in what becomes of its packets, as a megaflow
 *        whose effect was right: fields that tell these two apart go first; or NULL
 * Return: of the fields of which @other tests bits that @region leaves wild, the one with the most of
 * them; NULL when there is none, that is, when @region is inside of @other, or when no field of OpenFlow
 * has these bits. Registers and options of tunnels are not looked at.
 */
const struct mf_field *fl_region_field_apart(const struct match *region, const struct match *other,
                                             const struct match *like);

/**
 * fl_region_field_mask() - @mask: the bits of a field in struct flow
 * @field: no option of a tunnel (tun_metadataN)
 */
void fl_region_field_mask(const struct mf_field *field, struct flow *mask);

#endif
