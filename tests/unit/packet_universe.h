/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_PACKET_UNIVERSE_H
#define FLOWLIFT_TESTS_PACKET_UNIVERSE_H

/*
 * A world small enough to be looked at packet by packet: 13 bits of in_port, VLAN, Ethernet type (IPv4,
 * ARP, two others), protocol (TCP, ICMP, IGMP, others), fragment, address and port. A packet is its
 * number; a region is a cube, that is, a masked number. Which of the packets can be is asked of
 * libopenvswitch: those that flow_extract() reads as they were composed.
 */

#include <assert.h>
#include <ovs/dp-packet.h>
#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flows/region.h"

struct universe_bit {
    size_t byte; /* of struct flow */
    uint8_t bit;
};

static const struct universe_bit universe_bits[] = {
    { offsetof(struct flow, in_port), 0x01 },
    { offsetof(struct flow, vlans[0].tci), 0x10 }, /* CFI */
    { offsetof(struct flow, vlans[0].tci) + 1, 0x04 },
    { offsetof(struct flow, dl_type) + 1, 0x02 }, /* 0x0800, 0x0802, 0x0804, 0x0806 */
    { offsetof(struct flow, dl_type) + 1, 0x04 },
    { offsetof(struct flow, nw_proto), 0x01 },
    { offsetof(struct flow, nw_proto), 0x02 },
    { offsetof(struct flow, nw_proto), 0x04 },
    { offsetof(struct flow, nw_frag), FLOW_NW_FRAG_ANY },
    { offsetof(struct flow, nw_frag), FLOW_NW_FRAG_LATER },
    { offsetof(struct flow, nw_dst) + 3, 0x80 },
    { offsetof(struct flow, tp_dst), 0x01 },
    { offsetof(struct flow, tp_dst) + 1, 0x08 },
};
#define UNIVERSE_BITS ARRAY_SIZE(universe_bits)
#define UNIVERSE_SIZE (1u << UNIVERSE_BITS)

struct cube {
    uint32_t value; /* 0 outside of @mask */
    uint32_t mask;
};

static inline struct cube cube_of(uint32_t value, uint32_t mask)
{
    mask &= UNIVERSE_SIZE - 1;
    return (struct cube){ .value = value & mask, .mask = mask };
}

static inline bool cube_has(struct cube cube, uint32_t packet)
{
    return (packet & cube.mask) == cube.value;
}

/* What all regions of this world have: those bits of types and protocols that are none of its own. */
static inline void universe_begin(struct match *region)
{
    match_init_catchall(region);
    region->flow.dl_type = htons(ETH_TYPE_IP);
    region->wc.masks.dl_type = htons(0xfff9);
    region->wc.masks.nw_proto = 0xf8;
}

static inline void region_of_cube(struct cube cube, struct match *region)
{
    universe_begin(region);
    for (size_t i = 0; i < UNIVERSE_BITS; i++) {
        const struct universe_bit *b = &universe_bits[i];

        if (cube.mask & (1u << i)) {
            ((uint8_t *)&region->wc.masks)[b->byte] |= b->bit;
        }
        if (cube.value & (1u << i)) {
            ((uint8_t *)&region->flow)[b->byte] |= b->bit;
        }
    }
}

/* The inverse; the region must bind nothing else. */
static inline struct cube cube_of_region(const struct match *region)
{
    struct cube cube = { 0, 0 };
    struct match again;

    for (size_t i = 0; i < UNIVERSE_BITS; i++) {
        const struct universe_bit *b = &universe_bits[i];

        if (((const uint8_t *)&region->wc.masks)[b->byte] & b->bit) {
            cube.mask |= 1u << i;
        }
        if (((const uint8_t *)&region->flow)[b->byte] & b->bit) {
            cube.value |= 1u << i;
        }
    }
    region_of_cube(cube, &again);
    ovs_assert(flow_wildcards_equal(&again.wc, &region->wc));
    ovs_assert(flow_equal(&again.flow, &region->flow));
    return cube;
}

static inline void packet_of_number(uint32_t number, struct flow *packet)
{
    struct match all;

    region_of_cube(cube_of(number, UINT32_MAX), &all);
    *packet = all.flow;
    if (packet->vlans[0].tci & htons(VLAN_CFI)) {
        packet->vlans[0].tpid = htons(ETH_TYPE_VLAN_8021Q);
    }
}

/* Is @packet read as it is when it is put on the wire? */
static inline bool packet_can_be(const struct flow *packet)
{
    struct flow composed = *packet;
    bool arp = packet->dl_type == htons(ETH_TYPE_ARP) || packet->dl_type == htons(ETH_TYPE_RARP);
    struct dp_packet wire;
    struct flow read;

    dp_packet_init(&wire, 0);
    if (arp) {
        composed.nw_proto = ARP_OP_REQUEST; /* Others are composed without addresses. */
    }
    flow_compose(&wire, &composed, NULL, 0);
    if (arp) {
        ((struct arp_eth_header *)dp_packet_l3(&wire))->ar_op = htons(packet->nw_proto);
    }
    pkt_metadata_from_flow(&wire.md, packet);
    flow_extract(&wire, &read);
    dp_packet_uninit(&wire);
    return flow_equal(&read, packet);
}

static bool universe_can_be[UNIVERSE_SIZE];

static inline void universe_init(void)
{
    struct flow packet;

    for (uint32_t i = 0; i < UNIVERSE_SIZE; i++) {
        packet_of_number(i, &packet);
        universe_can_be[i] = packet_can_be(&packet);
    }
}

static inline bool cube_is_empty(struct cube cube)
{
    for (uint32_t i = 0; i < UNIVERSE_SIZE; i++) {
        if (cube_has(cube, i) && universe_can_be[i]) {
            return false;
        }
    }
    return true;
}

#endif
