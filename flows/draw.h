/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DRAW_H
#define FLOWLIFT_DRAW_H

/*
 * Packets drawn from a region (region.h). They are packets that can be: fields that they do not have are
 * zero, VLAN headers and conntrack state are whole (packet_kind.h). What the region leaves wild is filled
 * with plain values: an unfragmented TCP segment over IPv4 with ACK, TTL 64, no VLAN, addresses that are
 * for documentation (RFC 5737, RFC 3849) and a source MAC that is no group's; all metadata 0.
 */

#include <openvswitch/match.h>
#include <stdbool.h>
#include <stdint.h>

struct mf_field;

/**
 * fl_draw_packet() - a packet of @region
 * @like: fills what @region leaves wild, where it says anything and the packet can be so; or NULL. To be
 *        like one packet, let match_wc_init() make it, or set all masks
 * @packet: untouched when false is returned
 * Return: false when @region is empty.
 */
bool fl_draw_packet(const struct match *region, const struct match *like, struct flow *packet);

/** enum fl_draw_edge - which end of a field */
enum fl_draw_edge {
    FL_DRAW_LOWEST, /* all wild bits are 0 */
    FL_DRAW_HIGHEST /* all wild bits are 1 */
};
/**
 * fl_draw_at_edge() - @packet with those bits of a field that @region leaves wild all 0 or all 1
 * All else stays as far as it can be so: another protocol takes the ports along.
 * @packet: in @region; changed, or untouched when false is returned
 * Return: false when no packet of @region is so: say, a VLAN id without VLAN header.
 */
bool fl_draw_at_edge(const struct match *region, const struct mf_field *field,
                     enum fl_draw_edge edge, struct flow *packet);

/** fl_draw_random_cb - 32 random bits */
typedef uint32_t fl_draw_random_cb(void *aux);
/**
 * fl_draw_at_random() - a packet of @region whose wild header bits are random
 * Each kind of packet that @region has (protocol, fragment or not) is as likely as any other. Metadata
 * that @region leaves wild is 0, in_port too.
 * @packet: untouched when false is returned
 * Return: false when @region is empty.
 */
bool fl_draw_at_random(const struct match *region, fl_draw_random_cb *random, void *aux,
                       struct flow *packet);

#endif
