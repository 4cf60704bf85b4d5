/* SPDX-License-Identifier: Apache-2.0 */

/* Packets drawn from regions: they are in the region, and they can be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <openvswitch/meta-flow.h>

#include "tests/unit/packet_universe.h"

#include "flows/draw.h"

static const struct eth_addr vm_mac = ETH_ADDR_C(52, 54, 00, 00, 00, 12);

/* The same numbers in every run (xorshift). */
static uint32_t next_random(void *aux)
{
    static uint32_t state = 2463534242;

    (void)aux;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int make_universe(void **state)
{
    (void)state;
    universe_init();
    return 0;
}

static void storage_rule(struct match *rule)
{
    match_init_catchall(rule);
    match_set_in_port(rule, (OVS_FORCE ofp_port_t)12);
    match_set_dl_type(rule, htons(ETH_TYPE_IP));
    match_set_dl_src(rule, vm_mac);
    match_set_nw_frag(rule, 0);
    match_set_nw_proto(rule, IPPROTO_TCP);
    match_set_nw_dst_masked(rule, htonl(0x0a640000), htonl(0xffffff00));
    match_set_tp_dst(rule, htons(2049));
}

/* What is drawn is in the region and can be. */
static void draw(const struct match *region, const struct match *like, struct flow *packet)
{
    assert_true(fl_draw_packet(region, like, packet));
    assert_true(fl_region_has(region, packet));
    assert_true(packet_can_be(packet));
}

static void what_a_region_leaves_wild_is_plain(void **state)
{
    struct match region;
    struct flow packet;

    (void)state;
    storage_rule(&region);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.in_port.ofp_port, 12);
    assert_int_equal(packet.nw_src, htonl(0xc0000201));
    assert_int_equal(packet.nw_dst, htonl(0x0a640002));
    assert_int_equal(packet.nw_ttl, 64);
    assert_int_equal(packet.tcp_flags, htons(TCP_ACK));
    assert_int_equal(packet.tp_src, htons(1000));
    assert_int_equal(packet.tp_dst, htons(2049));
    assert_int_equal(packet.vlans[0].qtag, 0);
}

static void a_packet_of_all_is_a_tcp_segment(void **state)
{
    struct match all;
    struct flow packet;

    (void)state;
    match_init_catchall(&all);
    draw(&all, NULL, &packet);
    assert_int_equal(packet.dl_type, htons(ETH_TYPE_IP));
    assert_int_equal(packet.nw_proto, IPPROTO_TCP);
    assert_int_equal(packet.nw_frag, 0);
}

static void each_kind_of_packet_has_what_it_needs(void **state)
{
    struct match region;
    struct flow packet;

    (void)state;
    match_init_catchall(&region);
    match_set_dl_type(&region, htons(ETH_TYPE_ARP));
    draw(&region, NULL, &packet);
    assert_int_equal(packet.nw_proto, ARP_OP_REQUEST);
    assert_int_equal(packet.nw_ttl, 0);

    match_set_dl_type(&region, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&region, IPPROTO_ICMPV6);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.tp_src, htons(ICMP6_ECHO_REQUEST));

    match_set_nd_target(&region, &in6addr_loopback);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.tp_src, htons(ND_NEIGHBOR_SOLICIT));

    match_init_catchall(&region);
    match_set_dl_vlan(&region, htons(100), 0);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.vlans[0].tpid, htons(ETH_TYPE_VLAN));
    assert_int_equal(packet.vlans[1].qtag, 0);
    region.flow.vlans[1].tci = region.wc.masks.vlans[1].tci = htons(7);
    region.flow.vlans[0].tpid = region.wc.masks.vlans[0].tpid = htons(ETH_TYPE_VLAN_8021AD);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.vlans[0].tpid, htons(ETH_TYPE_VLAN_8021AD));
    assert_int_equal(packet.vlans[1].tci, htons(7 | VLAN_CFI));

    match_init_catchall(&region);
    match_set_ct_state_masked(&region, CS_ESTABLISHED, CS_ESTABLISHED);
    draw(&region, NULL, &packet);
    assert_int_equal(packet.ct_state, CS_ESTABLISHED | CS_TRACKED);

    match_init_catchall(&region);
    match_set_mpls_label(&region, 1, htonl(77));
    assert_true(fl_draw_packet(&region, NULL, &packet));
    assert_true(fl_region_has(&region, &packet));
    assert_true(eth_type_mpls(packet.dl_type));
    assert_int_equal(packet.mpls_lse[0] & htonl(MPLS_BOS_MASK), 0);
}

static void an_empty_region_has_no_packet(void **state)
{
    struct match region;
    struct flow packet = { .nw_tos = 4 };

    (void)state;
    storage_rule(&region);
    match_set_dl_type(&region, htons(ETH_TYPE_ARP));
    assert_false(fl_draw_packet(&region, NULL, &packet));
    assert_false(fl_draw_at_random(&region, next_random, NULL, &packet));
    assert_int_equal(packet.nw_tos, 4);
}

static void a_wish_is_granted_where_the_region_is_wild(void **state)
{
    struct match region, like;
    struct flow packet;

    (void)state;
    storage_rule(&region);
    match_init_catchall(&like);
    match_set_nw_dst(&like, htonl(0x0b0b0b07));
    match_set_nw_src(&like, htonl(0x0a64000c));
    match_set_tp_dst(&like, htons(111));
    match_set_tp_src(&like, htons(40000));
    match_set_dl_vlan(&like, htons(100), 0);
    draw(&region, &like, &packet);
    assert_int_equal(packet.nw_dst, htonl(0x0a640007));
    assert_int_equal(packet.nw_src, htonl(0x0a64000c));
    assert_int_equal(packet.tp_dst, htons(2049));
    assert_int_equal(packet.tp_src, htons(40000));
    assert_int_equal(packet.vlans[0].tci, htons(100 | VLAN_CFI));

    /* The kind of packet too. */
    match_init_catchall(&region);
    match_set_dl_type(&like, htons(ETH_TYPE_IP));
    match_set_nw_proto(&like, 47);
    draw(&region, &like, &packet);
    assert_int_equal(packet.nw_proto, 47);
    assert_int_equal(packet.tp_src, 0);
    match_set_dl_type(&like, htons(0x88cc));
    draw(&region, &like, &packet);
    assert_int_equal(packet.dl_type, htons(0x88cc));
    assert_int_equal(packet.nw_src, 0);
}

static void edges_are_the_ends_of_a_field(void **state)
{
    const struct mf_field *address = mf_from_id(MFF_IPV4_DST), *port = mf_from_id(MFF_TCP_SRC);
    const struct mf_field *protocol = mf_from_id(MFF_IP_PROTO);
    struct match region;
    struct flow packet;

    (void)state;
    storage_rule(&region);
    draw(&region, NULL, &packet);
    assert_true(fl_draw_at_edge(&region, address, FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.nw_dst, htonl(0x0a6400ff));
    assert_true(fl_draw_at_edge(&region, port, FL_DRAW_LOWEST, &packet));
    assert_true(fl_draw_at_edge(&region, address, FL_DRAW_LOWEST, &packet));
    assert_int_equal(packet.nw_dst, htonl(0x0a640000));
    assert_int_equal(packet.tp_src, 0);
    assert_true(fl_draw_at_edge(&region, port, FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.tp_src, OVS_BE16_MAX);
    assert_true(packet_can_be(&packet));
    assert_true(fl_draw_at_edge(&region, mf_from_id(MFF_TCP_FLAGS), FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.tcp_flags, htons(0x0fff));
    assert_true(fl_draw_at_edge(&region, protocol, FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.nw_proto, IPPROTO_TCP);

    match_init_catchall(&region);
    match_set_dl_type(&region, htons(ETH_TYPE_IP));
    assert_true(fl_draw_at_edge(&region, protocol, FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.nw_proto, 255);
    assert_int_equal(packet.tp_src, 0);
    assert_true(packet_can_be(&packet));
    assert_true(fl_draw_at_edge(&region, mf_from_id(MFF_TCP_DST), FL_DRAW_HIGHEST, &packet));
    assert_int_equal(packet.nw_proto, IPPROTO_TCP); /* Those of 255 have no port. */
    match_set_nw_proto(&region, 47);
    assert_false(fl_draw_at_edge(&region, mf_from_id(MFF_TCP_DST), FL_DRAW_HIGHEST, &packet));
}

static void all_regions_of_a_small_world_are_drawn_from(void **state)
{
    size_t n_drawn = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t value = next_random(NULL), mask = next_random(NULL) & next_random(NULL);
        struct cube cube = cube_of(value, mask);
        struct match region, like;
        struct flow packet;

        region_of_cube(cube, &region);
        if (cube_is_empty(cube)) {
            assert_false(fl_draw_packet(&region, NULL, &packet));
            continue;
        }
        draw(&region, NULL, &packet);
        region_of_cube(cube_of(next_random(NULL), UINT32_MAX), &like);
        draw(&region, &like, &packet);
        n_drawn++;
    }
    assert_in_range(n_drawn, 5000, 19000);
}

/* Is it composed by libopenvswitch as it is? Not all of what can be is. */
static bool is_composed(const struct flow *packet)
{
    return (packet->dl_type == htons(ETH_TYPE_IP) && packet->nw_proto != IPPROTO_ICMPV6) ||
           (packet->dl_type == htons(ETH_TYPE_IPV6) && !packet->nw_frag &&
            (packet->nw_proto == IPPROTO_TCP || packet->nw_proto == IPPROTO_UDP ||
             packet->nw_proto == IPPROTO_SCTP)) ||
           packet->dl_type == htons(ETH_TYPE_ARP) || packet->dl_type == htons(ETH_TYPE_RARP);
}

static void random_packets_are_in_the_region_and_can_be(void **state)
{
    unsigned int of_type[3] = { 0, 0, 0 };
    bool seen_vlan = false, seen_plain = false;
    struct match all, rule;

    (void)state;
    match_init_catchall(&all);
    storage_rule(&rule);
    for (int i = 0; i < 5000; i++) {
        struct flow packet;

        assert_true(fl_draw_at_random(&rule, next_random, NULL, &packet));
        assert_true(fl_region_has(&rule, &packet));
        assert_true(packet_can_be(&packet));
        assert_true(fl_draw_at_random(&all, next_random, NULL, &packet));
        assert_false(eth_addr_is_multicast(packet.dl_src));
        assert_true(!is_composed(&packet) || packet_can_be(&packet));
        of_type[0] += packet.dl_type == htons(ETH_TYPE_IP);
        of_type[1] += packet.dl_type == htons(ETH_TYPE_IPV6);
        of_type[2] += packet.dl_type == htons(ETH_TYPE_ARP);
        seen_vlan |= packet.vlans[0].qtag != 0;
        seen_plain |= packet.vlans[0].qtag == 0;
    }
    assert_true(of_type[0] && of_type[1] && of_type[2]);
    assert_true(seen_vlan && seen_plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_region_leaves_wild_is_plain),
        cmocka_unit_test(a_packet_of_all_is_a_tcp_segment),
        cmocka_unit_test(each_kind_of_packet_has_what_it_needs),
        cmocka_unit_test(an_empty_region_has_no_packet),
        cmocka_unit_test(a_wish_is_granted_where_the_region_is_wild),
        cmocka_unit_test(edges_are_the_ends_of_a_field),
        cmocka_unit_test(all_regions_of_a_small_world_are_drawn_from),
        cmocka_unit_test(random_packets_are_in_the_region_and_can_be),
    };

    return cmocka_run_group_tests(tests, make_universe, NULL);
}
