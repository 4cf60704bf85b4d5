/* SPDX-License-Identifier: Apache-2.0 */

/* Megaflows of the steps of a trace, pulled back to the packet at entry. Chains: test_chain.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/simap.h>

#include "flows/passage.h"

static const struct eth_addr router = ETH_ADDR_C(52, 54, 00, 00, 00, fe);

/* The steps of a trace: at most three. */
struct steps {
    struct match matches[3];
    struct ofpbuf actions[3];
    struct fl_passage_step steps[3];
    size_t n;
};

/* IPv4 from port 1, with the given datapath actions. */
static struct match *add_step(struct steps *s, uint32_t recirc_id, const char *actions)
{
    struct match *match = &s->matches[s->n];
    struct ofpbuf *buf = &s->actions[s->n];
    struct simap names = SIMAP_INITIALIZER(&names);

    match_init_catchall(match);
    match_set_in_port(match, (OVS_FORCE ofp_port_t)1);
    match_set_recirc_id(match, recirc_id);
    match_set_dl_type(match, htons(ETH_TYPE_IP));
    match_set_nw_frag(match, 0);
    ofpbuf_init(buf, 64);
    assert_int_equal(odp_actions_from_string(actions, &names, buf), 0);
    simap_destroy(&names);
    s->steps[s->n++] = (struct fl_passage_step){
        .match = match, .recirc_id = recirc_id, .actions = buf->data, .actions_len = buf->size
    };
    return match;
}

static void steps_destroy(struct steps *s)
{
    for (size_t i = 0; i < s->n; i++) {
        ofpbuf_uninit(&s->actions[i]);
    }
}

static bool pull_back(struct steps *s, struct fl_pull_back *back)
{
    bool any = fl_passage_pull_back(s->steps, s->n, back);

    steps_destroy(s);
    return any;
}

static void assert_region(const struct match *region, const char *wanted)
{
    char *text = match_to_string(region, NULL, OFP_DEFAULT_PRIORITY);

    assert_string_equal(text, wanted);
    free(text);
}

static bool is_zero(const struct flow *flow)
{
    static const struct flow zero;

    return flow_equal(flow, &zero);
}

static void one_step_is_its_own_region(void **state)
{
    struct steps s = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    match_set_pkt_mark(add_step(&s, 0, "2"), 5);
    match_set_ct_state_masked(&s.matches[0], 0, CS_TRACKED);
    assert_true(pull_back(&s, &back));
    assert_true(back.exact);
    assert_true(is_zero(&back.state));
    assert_region(&back.region, "pkt_mark=0x5,recirc_id=0,ct_state=-trk,ip,in_port=1,nw_frag=no");
}

static void what_later_steps_test_binds_the_packet_at_entry(void **state)
{
    struct steps s = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    match_set_nw_proto(add_step(&s, 0, "ct(zone=3),recirc(1)"), IPPROTO_TCP);
    match_set_nw_dst_masked(add_step(&s, 1, "ct(zone=4),recirc(2)"), htonl(0x0a000000),
                            htonl(0xff000000));
    match_set_ct_state_masked(&s.matches[1], CS_TRACKED | CS_ESTABLISHED,
                              CS_TRACKED | CS_ESTABLISHED);
    match_set_tp_dst(add_step(&s, 2, "2"), htons(2049));
    match_set_ct_mark(&s.matches[2], 0);
    assert_true(pull_back(&s, &back));
    assert_true(back.exact);
    assert_region(&back.region,
                  "recirc_id=0,tcp,in_port=1,nw_dst=10.0.0.0/8,nw_frag=no,tp_dst=2049");
    assert_int_equal(back.state.ct_state, CS_TRACKED | CS_ESTABLISHED);
    assert_int_equal(back.state.ct_mark, UINT32_MAX);
    assert_int_equal(back.state.ct_zone, 0);
}

static void what_was_rewritten_binds_nothing(void **state)
{
    struct steps s = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    add_step(&s, 0,
             "set(eth(dst=52:54:00:00:00:fe)),set(ipv4(ttl=63)),"
             "push_vlan(vid=100,pcp=0),recirc(1)");
    match_set_dl_dst(add_step(&s, 1, "2"), router);
    match_set_nw_ttl(&s.matches[1], 63);
    match_set_dl_vlan(&s.matches[1], htons(100), 0);
    match_set_nw_dscp(&s.matches[1], 4);
    assert_true(pull_back(&s, &back));
    assert_true(back.exact);
    assert_region(&back.region, "recirc_id=0,ip,in_port=1,nw_tos=4,nw_frag=no");
}

static void a_step_that_what_was_set_contradicts_has_no_packet(void **state)
{
    struct steps s = { .n = 0 }, other = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    add_step(&s, 0, "set(ipv4(ttl=63)),recirc(1)");
    match_set_nw_ttl(add_step(&s, 1, "2"), 64);
    assert_false(pull_back(&s, &back));
    add_step(&other, 0, "recirc(7)");
    add_step(&other, 1, "2");
    assert_false(pull_back(&other, &back));
}

static void what_is_tested_after_nat_is_not_exact(void **state)
{
    struct steps s = { .n = 0 }, untested = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    add_step(&s, 0, "ct(zone=3,nat),recirc(1)");
    match_set_nw_dst(add_step(&s, 1, "2"), htonl(0x0a000001));
    assert_true(pull_back(&s, &back));
    assert_false(back.exact);
    assert_region(&back.region, "recirc_id=0,ip,in_port=1,nw_frag=no");

    add_step(&untested, 0, "ct(zone=3,nat),recirc(1)");
    match_set_nw_ttl(add_step(&untested, 1, "2"), 64);
    assert_true(pull_back(&untested, &back));
    assert_true(back.exact);
    assert_region(&back.region, "recirc_id=0,ip,in_port=1,nw_ttl=64,nw_frag=no");
}

static void a_way_that_no_header_tells_is_not_exact(void **state)
{
    struct steps s = { .n = 0 }, sampled = { .n = 0 }, copied = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    add_step(&s, 0, "check_pkt_len(size=1500,gt(drop),le(recirc(1)))");
    add_step(&s, 1, "2");
    assert_true(pull_back(&s, &back));
    assert_false(back.exact);

    add_step(&sampled, 0, "sample(sample=50.0%,actions(recirc(1)))");
    add_step(&sampled, 1, "2");
    assert_true(pull_back(&sampled, &back));
    assert_false(back.exact);

    add_step(&copied, 0, "sample(sample=50.0%,actions(3)),recirc(1)");
    add_step(&copied, 1, "2");
    assert_true(pull_back(&copied, &back));
    assert_true(back.exact);
}

static void a_hash_is_state(void **state)
{
    struct steps s = { .n = 0 };
    struct fl_pull_back back;

    (void)state;
    add_step(&s, 0, "recirc(1)");
    match_set_dp_hash_masked(add_step(&s, 1, "2"), 3, 15);
    assert_true(pull_back(&s, &back));
    assert_int_equal(back.state.dp_hash, 15);
    assert_region(&back.region, "recirc_id=0,ip,in_port=1,nw_frag=no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step_is_its_own_region),
        cmocka_unit_test(what_later_steps_test_binds_the_packet_at_entry),
        cmocka_unit_test(what_was_rewritten_binds_nothing),
        cmocka_unit_test(a_step_that_what_was_set_contradicts_has_no_packet),
        cmocka_unit_test(what_is_tested_after_nat_is_not_exact),
        cmocka_unit_test(a_way_that_no_header_tells_is_not_exact),
        cmocka_unit_test(a_hash_is_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
