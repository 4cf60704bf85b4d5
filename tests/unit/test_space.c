/* SPDX-License-Identifier: Apache-2.0 */

/* Regions and header space, against a world small enough to be looked at packet by packet. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <openvswitch/meta-flow.h>

#include "tests/unit/packet_universe.h"

#include "flows/space.h"

#define ROUNDS 400

/* The same numbers in every run (xorshift). */
static uint32_t next_random(void)
{
    static uint32_t state = 2463534242;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Some 4 of 13 bits are bound. */
static struct cube random_cube(void)
{
    return cube_of(next_random(), next_random() & (next_random() | next_random() << 7));
}

static int make_universe(void **state)
{
    (void)state;
    universe_init();
    return 0;
}

/* One region, two regions. */

static void a_region_is_empty_just_when_no_packet_can_be_in_it(void **state)
{
    size_t n_empty = 0;

    (void)state;
    for (int i = 0; i < 20 * ROUNDS; i++) {
        struct cube cube = random_cube();
        struct match region;

        region_of_cube(cube, &region);
        assert_int_equal(fl_region_is_empty(&region), cube_is_empty(cube));
        n_empty += cube_is_empty(cube);
    }
    assert_in_range(n_empty, ROUNDS, 19 * ROUNDS); /* Both were seen often. */
}

static void an_intersection_has_what_both_have(void **state)
{
    (void)state;
    for (int i = 0; i < 10 * ROUNDS; i++) {
        struct cube a = random_cube(), b = random_cube(), both = { 0, a.mask | b.mask };
        bool meets = !((a.value ^ b.value) & a.mask & b.mask);
        struct match one, other;

        both.value = a.value | b.value;
        region_of_cube(a, &one);
        region_of_cube(b, &other);
        if (fl_region_intersect(&one, &other, &one)) {
            struct cube got = cube_of_region(&one);

            assert_true(meets);
            assert_int_equal(got.value, both.value);
            assert_int_equal(got.mask, both.mask);
        } else {
            assert_true(!meets || cube_is_empty(both));
            assert_int_equal(cube_of_region(&one).mask, a.mask);
        }
    }
}

static void a_region_has_the_packets_that_its_bits_fit(void **state)
{
    (void)state;
    for (int i = 0; i < 10 * ROUNDS; i++) {
        uint32_t number = next_random() % UNIVERSE_SIZE;
        struct cube cube = random_cube();
        struct match region;
        struct flow packet;

        region_of_cube(cube, &region);
        packet_of_number(number, &packet);
        assert_int_equal(fl_region_has(&region, &packet), cube_has(cube, number));
    }
}

/* Spaces. */

static void assert_space_is(const struct fl_space *space, const bool *wanted)
{
    struct cube *cubes = xcalloc(space->n_regions + 1, sizeof *cubes);

    for (size_t i = 0; i < space->n_regions; i++) {
        cubes[i] = cube_of_region(&space->regions[i]);
        assert_false(cube_is_empty(cubes[i]));
    }
    for (uint32_t packet = 0; packet < UNIVERSE_SIZE; packet++) {
        size_t n = 0;

        for (size_t i = 0; i < space->n_regions; i++) {
            n += cube_has(cubes[i], packet);
        }
        if (universe_can_be[packet]) {
            assert_int_equal(n, wanted[packet]);
        }
    }
    free(cubes);
}

static void what_was_added_and_not_subtracted_is_there_once(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 4; i++) {
        bool *wanted = xcalloc(UNIVERSE_SIZE, sizeof *wanted);
        struct fl_space space;

        fl_space_init(&space, 1000);
        for (int step = 0; step < 12; step++) {
            struct cube cube = random_cube();
            bool adds = step % 3 != 2;
            struct match region;

            region_of_cube(cube, &region);
            assert_int_equal(adds ? fl_space_add(&space, &region)
                                  : fl_space_subtract(&space, &region),
                             0);
            for (uint32_t packet = 0; packet < UNIVERSE_SIZE; packet++) {
                wanted[packet] = cube_has(cube, packet) ? adds : wanted[packet];
            }
            assert_space_is(&space, wanted);
        }
        fl_space_destroy(&space);
        free(wanted);
    }
}

static void a_space_is_empty_once_all_of_it_is_covered(void **state)
{
    struct match all, region;
    struct fl_space space;
    size_t n = 0;

    (void)state;
    region_of_cube(cube_of(0, 0), &all);
    fl_space_init(&space, 1000);
    assert_int_equal(fl_space_add(&space, &all), 0);
    while (space.n_regions) {
        /* What is found for one packet holds for more: half of the bits were looked at. */
        struct cube left = cube_of_region(&space.regions[0]);
        struct cube megaflow = cube_of(left.value, left.mask | (next_random() & next_random()));

        region_of_cube(megaflow, &region);
        assert_int_equal(fl_space_subtract(&space, &region), 0);
        assert_true(++n < 10000);
    }
    fl_space_destroy(&space);
}

static void a_region_that_does_not_meet_it_stays_and_one_inside_goes(void **state)
{
    const struct cube mine = cube_of(0x0003, 0x000f);
    struct match region, other;
    struct fl_space space;

    (void)state;
    region_of_cube(mine, &region);
    fl_space_init(&space, 1);
    assert_int_equal(fl_space_add(&space, &region), 0);
    region_of_cube(cube_of(0x1002, 0x1003), &other);
    assert_int_equal(fl_space_subtract(&space, &other), 0);
    assert_int_equal(space.n_regions, 1);
    assert_int_equal(cube_of_region(&space.regions[0]).mask, mine.mask);
    assert_int_equal(fl_space_add(&space, &region), 0);
    assert_int_equal(space.n_regions, 1);
    region_of_cube(cube_of(0x0003, 0x0003), &other);
    assert_int_equal(fl_space_subtract(&space, &other), 0);
    assert_int_equal(space.n_regions, 0);
    fl_space_destroy(&space);
}

static void over_its_bound_a_space_stays_as_it_was(void **state)
{
    struct match all, corner, dearer;
    struct fl_space space;

    (void)state;
    match_init_catchall(&all);
    match_set_dl_type(&all, htons(ETH_TYPE_IP));
    match_set_nw_proto(&all, IPPROTO_TCP);
    corner = dearer = all;
    match_set_nw_dst_masked(&corner, htonl(0x0a000000), htonl(0xff000000));
    match_set_tp_dst(&dearer, htons(2049));
    fl_space_init(&space, 10);
    assert_int_equal(fl_space_add(&space, &all), 0);
    assert_int_equal(fl_space_subtract(&space, &corner), 0);
    assert_int_equal(space.n_regions, 8);
    assert_int_equal(fl_space_subtract(&space, &dearer), -E2BIG);
    assert_int_equal(space.n_regions, 8);
    assert_int_equal(fl_space_add(&space, &corner), 0);
    assert_int_equal(space.n_regions, 9);
    match_set_tp_dst(&corner, htons(111));
    assert_int_equal(fl_space_subtract(&space, &corner), -E2BIG);
    assert_int_equal(space.n_regions, 9);
    fl_space_destroy(&space);
}

static void pieces_that_no_packet_can_be_in_are_not_kept(void **state)
{
    struct match icmp, ping, left;
    struct fl_space space;

    (void)state;
    match_init_catchall(&icmp);
    match_set_dl_type(&icmp, htons(ETH_TYPE_IP));
    match_set_nw_proto(&icmp, IPPROTO_ICMP);
    match_set_nw_frag(&icmp, 0);
    ping = icmp;
    match_set_icmp_type(&ping, ICMP4_ECHO_REQUEST);
    fl_space_init(&space, 100);
    assert_int_equal(fl_space_add(&space, &icmp), 0);
    assert_int_equal(fl_space_subtract(&space, &ping), 0);
    assert_int_equal(space.n_regions, 8); /* Of 16 bits of tp_src, which an ICMP type has 8 of. */

    /* Outside of "neither VLAN nor tag" is one region: a VLAN header has CFI set. */
    match_init_catchall(&left);
    fl_space_destroy(&space);
    fl_space_init(&space, 100);
    assert_int_equal(fl_space_add(&space, &left), 0);
    match_set_dl_tci(&left, htons(0));
    assert_int_equal(fl_space_subtract(&space, &left), 0);
    for (size_t i = 0; i < space.n_regions; i++) {
        assert_int_equal(space.regions[i].flow.vlans[0].tci & htons(VLAN_CFI),
                         space.regions[i].wc.masks.vlans[0].tci & htons(VLAN_CFI));
    }
    fl_space_destroy(&space);
}

/* Prerequisites. */

static void tcp_region(struct match *region)
{
    match_init_catchall(region);
    match_set_dl_type(region, htons(ETH_TYPE_IP));
    match_set_nw_proto(region, IPPROTO_TCP);
    match_set_tp_dst(region, htons(2049));
}

#define ASSERT_EMPTY_WITH(CODE)                    \
    do {                                           \
        struct match region;                       \
                                                   \
        tcp_region(&region);                       \
        assert_false(fl_region_is_empty(&region)); \
        CODE;                                      \
        assert_true(fl_region_is_empty(&region));  \
    } while (0)

static void fields_that_rule_each_other_out_make_a_region_empty(void **state)
{
    const struct in6_addr address = IN6ADDR_LOOPBACK_INIT;

    (void)state;
    ASSERT_EMPTY_WITH(match_set_dl_type(&region, htons(ETH_TYPE_ARP)));
    ASSERT_EMPTY_WITH(match_set_dl_type(&region, htons(0x88cc)));
    ASSERT_EMPTY_WITH(match_set_nw_proto(&region, IPPROTO_ICMP)); /* Its code has 8 bits. */
    ASSERT_EMPTY_WITH(match_set_nw_proto(&region, 47));
    ASSERT_EMPTY_WITH(match_set_nw_frag(&region, FLOW_NW_FRAG_MASK));
    ASSERT_EMPTY_WITH(match_set_nw_frag_masked(&region, FLOW_NW_FRAG_LATER, FLOW_NW_FRAG_LATER));
    ASSERT_EMPTY_WITH(match_set_ipv6_dst(&region, &address));
    ASSERT_EMPTY_WITH(match_set_dl_type(&region, htons(ETH_TYPE_IPV6));
                      match_set_nw_src(&region, htonl(1)));
    ASSERT_EMPTY_WITH(match_set_dl_tci_masked(&region, htons(100), htons(0x1fff)));
    ASSERT_EMPTY_WITH(region.flow.vlans[0].tpid = htons(0x9100);
                      region.wc.masks.vlans[0].tpid = OVS_BE16_MAX);
    ASSERT_EMPTY_WITH(match_set_dl_tci(&region, htons(0));
                      region.flow.vlans[1].tci = region.wc.masks.vlans[1].tci = htons(VLAN_CFI));
    ASSERT_EMPTY_WITH(
        match_set_ct_state_masked(&region, CS_ESTABLISHED, CS_ESTABLISHED | CS_TRACKED));
    ASSERT_EMPTY_WITH(match_set_ct_state(&region, 0); match_set_ct_mark(&region, 1));
    ASSERT_EMPTY_WITH(match_set_mpls_label(&region, 0, htonl(16)));
    ASSERT_EMPTY_WITH(match_set_nd_target(&region, &address));
    ASSERT_EMPTY_WITH(match_set_arp_sha(&region, eth_addr_broadcast));
    ASSERT_EMPTY_WITH(region.flow.pad3 = region.wc.masks.pad3 = htonl(1));
}

static void a_field_that_is_not_there_is_zero_and_may_be_asked_for(void **state)
{
    struct match region;

    (void)state;
    tcp_region(&region);
    match_set_nw_proto(&region, 47);
    match_set_tp_dst(&region, 0);
    assert_false(fl_region_is_empty(&region));
    match_set_dl_type(&region, htons(ETH_TYPE_ARP));
    assert_false(fl_region_is_empty(&region));
    match_set_dl_tci(&region, htons(0));
    match_set_ct_state(&region, 0);
    match_set_nw_frag(&region, 0);
    assert_false(fl_region_is_empty(&region));
}

/* Any frame, with any of the bits that OVS reads in it. */
static void no_region_that_a_frame_is_in_is_called_empty(void **state)
{
    (void)state;
    for (int i = 0; i < 50 * ROUNDS; i++) {
        static const uint16_t types[] = { ETH_TYPE_IP,   ETH_TYPE_IPV6, ETH_TYPE_ARP, ETH_TYPE_MPLS,
                                          ETH_TYPE_VLAN, ETH_TYPE_NSH,  0x1f,         0x88a8 };
        static const uint8_t protocols[] = { 6, 17, 1, 58, 132, 2, 44, 0 };
        struct dp_packet frame;
        struct match region;
        uint8_t *bytes;

        dp_packet_init(&frame, 0);
        bytes = dp_packet_put_zeros(&frame, 96);
        for (size_t j = 0; j < 96; j++) {
            bytes[j] = (uint8_t)(j > 64 && i % 2 ? 0 : next_random());
        }
        /* Behind the MACs: perhaps a VLAN, a type, then what looks like IP. */
        for (size_t at = 12; at < 24; at += 4) {
            uint16_t type = types[next_random() % ARRAY_SIZE(types)];

            bytes[at] = (uint8_t)(type >> 8);
            bytes[at + 1] = (uint8_t)type;
            if (type == ETH_TYPE_IP) {
                bytes[at + 2] = 0x45;
                bytes[at + 4] = 0;
                bytes[at + 5] = 60;
                bytes[at + 11] = protocols[next_random() % ARRAY_SIZE(protocols)];
                break;
            } else if (type == ETH_TYPE_IPV6) {
                bytes[at + 2] = 0x60;
                bytes[at + 6] = 0;
                bytes[at + 7] = 30;
                bytes[at + 8] = protocols[next_random() % ARRAY_SIZE(protocols)];
                bytes[at + 42] = (uint8_t)(135 + next_random() % 2);
                bytes[at + 43] = 0;
                break;
            }
        }
        match_init_catchall(&region);
        flow_extract(&frame, &region.flow);
        dp_packet_uninit(&frame);
        for (size_t j = 0; j < sizeof region.wc.masks; j++) {
            ((uint8_t *)&region.wc.masks)[j] = (uint8_t)(i % 3 ? next_random() : 0xff);
        }
        match_zero_wildcarded_fields(&region);
        assert_false(fl_region_is_empty(&region));
    }
}

/* Fields. */

static void assert_apart(const struct match *region, const struct match *other,
                         const struct match *like, const char *name)
{
    const struct mf_field *field = fl_region_field_apart(region, other, like);

    if (!name) {
        assert_null(field);
    } else {
        assert_non_null(field);
        assert_string_equal(field->name, name);
    }
}

static void what_tells_regions_apart_is_the_field_with_the_most_bits(void **state)
{
    struct match rule, other, like;

    (void)state;
    tcp_region(&rule);
    other = rule;
    assert_apart(&rule, &other, NULL, NULL);
    match_set_nw_dst_masked(&other, htonl(0x0a000000), htonl(0xff000000));
    assert_apart(&rule, &other, NULL, "ip_dst");
    match_set_tp_src(&other, htons(22));
    assert_apart(&rule, &other, NULL, "tcp_src");
    match_set_tcp_flags(&other, htons(TCP_SYN));
    assert_apart(&rule, &other, NULL, "tcp_src");

    /* A megaflow with the right effect: it differs from this one in TCP flags alone. */
    like = other;
    match_set_tcp_flags_masked(&like, htons(TCP_ACK), htons(TCP_ACK));
    assert_apart(&rule, &other, &like, "tcp_flags");

    other = rule;
    match_set_vlan_vid(&other, htons(100 | VLAN_CFI));
    assert_apart(&rule, &other, NULL, "vlan_vid");
    match_set_dl_type(&other, htons(ETH_TYPE_ARP));
    assert_apart(&rule, &other, NULL, NULL); /* They do not meet. */
}

static void at_entry_nothing_has_been_done_to_a_packet(void **state)
{
    struct match region, rule, recirculated;

    (void)state;
    fl_region_at_entry(&region);
    tcp_region(&rule);
    match_set_reg_masked(&rule, 15, 0, 1);
    assert_true(fl_region_intersect(&region, &rule, &rule));
    recirculated = rule;
    match_set_recirc_id(&recirculated, 1);
    assert_false(fl_region_intersect(&region, &recirculated, &rule));
    match_set_recirc_id(&recirculated, 0);
    match_set_ct_state_masked(&recirculated, CS_TRACKED, CS_TRACKED);
    assert_false(fl_region_intersect(&region, &recirculated, &rule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_is_empty_just_when_no_packet_can_be_in_it),
        cmocka_unit_test(an_intersection_has_what_both_have),
        cmocka_unit_test(a_region_has_the_packets_that_its_bits_fit),
        cmocka_unit_test(what_was_added_and_not_subtracted_is_there_once),
        cmocka_unit_test(a_space_is_empty_once_all_of_it_is_covered),
        cmocka_unit_test(a_region_that_does_not_meet_it_stays_and_one_inside_goes),
        cmocka_unit_test(over_its_bound_a_space_stays_as_it_was),
        cmocka_unit_test(pieces_that_no_packet_can_be_in_are_not_kept),
        cmocka_unit_test(fields_that_rule_each_other_out_make_a_region_empty),
        cmocka_unit_test(a_field_that_is_not_there_is_zero_and_may_be_asked_for),
        cmocka_unit_test(no_region_that_a_frame_is_in_is_called_empty),
        cmocka_unit_test(what_tells_regions_apart_is_the_field_with_the_most_bits),
        cmocka_unit_test(at_entry_nothing_has_been_done_to_a_packet),
    };

    return cmocka_run_group_tests(tests, make_universe, NULL);
}
