/* SPDX-License-Identifier: Apache-2.0 */

/*
 * TC filters as flows: each beside the line that ovs-vswitchd 3.1 prints for it, whose match, actions,
 * path, counters and ufid have to be the same.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/decode.h"
#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "tests/unit/printed.h"

#define COOKIE "\"cookie\":\"0a1b2c3d00004000800000000000000a\","
#define UFID   "ufid:3d2c1b0a-0040-0000-0000-00800a000000, "
#define BEGIN \
    UFID "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),"
#define REST "recirc_id(0),dp_hash(0/0),in_port(vnet1),packet_type(ns=0/0,id=0/0),"
#define STATS                                                                                    \
    "\"stats\":{\"bytes\":840,\"packets\":10,\"sw_bytes\":84,\"sw_packets\":1,\"hw_bytes\":756," \
    "\"hw_packets\":9},"
#define COUNTED "packets:10, bytes:840, used:1.000s, offloaded:yes, dp:tc, actions:"
#define TIMES   "\"installed\":9,\"last_used\":1,"
#define TO(dev)                                                                                      \
    "{\"kind\":\"mirred\",\"mirred_action\":\"redirect\",\"direction\":\"egress\",\"to_dev\":\"" dev \
    "\",\"control_action\":{\"type\":\"stolen\"}," STATS COOKIE TIMES "\"index\":1}"
#define FILTER(protocol, keys, actions)                                                           \
    "{\"dev\":\"vnet1\",\"ingress\":true,\"protocol\":\"" protocol                                \
    "\",\"pref\":2,\"kind\":\"flower\","                                                          \
    "\"chain\":0,\"options\":{\"handle\":1,\"keys\":{" keys "},\"in_hw\":true,\"in_hw_count\":1," \
    "\"actions\":[" actions "]}}"

static const struct {
    const char *filter, *flow;
} pairs[] = {
    { FILTER("ip", "\"dst_mac\":\"52:54:00:00:00:01\",\"eth_type\":\"ipv4\"", TO("uplink")),
      BEGIN REST "eth(src=00:00:00:00:00:00/00:00:00:00:00:00,dst=52:54:00:00:00:01),"
                 "eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,"
                 "ttl=0/0,frag=no/0), " COUNTED "uplink" },
    { FILTER("ip",
             "\"eth_type\":\"ipv4\",\"ip_proto\":\"tcp\",\"dst_ip\":\"10.0.0.0/24\","
             "\"dst_port\":2049,\"ip_flags\":{\"frag\":false}",
             "{\"kind\":\"vlan\",\"vlan_action\":\"push\",\"id\":100,\"protocol\":\"802.1Q\","
             "\"priority\":0,\"control_action\":{\"type\":\"pipe\"}}," TO("uplink")),
      BEGIN REST "eth(),eth_type(0x0800),ipv4(dst=10.0.0.0/255.255.255.0,proto=6,frag=no),"
                 "tcp(dst=2049), " COUNTED "push_vlan(vid=100,pcp=0),uplink" },
    { FILTER(
          "802.1Q",
          "\"vlan_id\":100,\"vlan_prio\":0,\"vlan_ethtype\":\"ip\",\"eth_type\":\"ipv4\","
          "\"ip_proto\":\"udp\",\"src_port\":4791",
          "{\"kind\":\"vlan\",\"vlan_action\":\"pop\",\"control_action\":{\"type\":\"pipe\"}}," TO(
              "vnet2")),
      BEGIN REST "eth(),eth_type(0x8100),vlan(vid=100,pcp=0),encap(eth_type(0x0800),"
                 "ipv4(proto=17),udp(src=4791)), " COUNTED "pop_vlan,vnet2" },
    { FILTER("ipv6",
             "\"eth_type\":\"ipv6\",\"ip_proto\":\"icmpv6\",\"src_ip\":\"fe80::/10\","
             "\"icmp_type\":\"135\",\"icmp_code\":\"0\"",
             "{\"kind\":\"gact\",\"control_action\":{\"type\":\"drop\"}," STATS COOKIE TIMES
             "\"index\":1}"),
      BEGIN REST
      "eth(),eth_type(0x86dd),ipv6(src=fe80::/ffc0::,proto=58),icmpv6(type=135,code=0), " //
      COUNTED "drop" },
    { FILTER("ip", "\"eth_type\":\"ipv4\",\"ct_state\":\"+trk+est\",\"ct_zone\":5",
             "{\"kind\":\"ct\",\"zone\":7,\"nat\":\"\",\"control_action\":{\"type\":\"pipe\"}},"
             "{\"kind\":\"gact\",\"control_action\":{\"type\":\"goto\",\"chain\":3}," STATS COOKIE
                 TIMES "\"index\":1}"),
      UFID "ct_state(+est+trk),ct_zone(0x5)," REST "eth(),eth_type(0x0800),ipv4(), " //
      COUNTED "ct(zone=7,nat),recirc(0x3)" },
    { FILTER(
          "ip", "\"eth_type\":\"ipv4\"",
          "{\"kind\":\"pedit\",\"control_action\":{\"type\":\"pipe\"},\"keys\":["
          "{\"htype\":\"ipv4\",\"offset\":16,\"cmd\":\"set\",\"val\":\"a090807\",\"mask\":\"0\"},"
          "{\"htype\":\"eth\",\"offset\":0,\"cmd\":\"set\",\"val\":\"2112233\",\"mask\":\"0\"},"
          "{\"htype\":\"eth\",\"offset\":4,\"cmd\":\"set\",\"val\":\"44550000\",\"mask\":\"ffff\"}]},"
          "{\"kind\":\"csum\",\"csum\":\"iph, tcp\",\"control_action\":{\"type\":\"pipe\"}}," TO(
              "vnet2")),
      BEGIN REST "eth(),eth_type(0x0800),ipv4(), " COUNTED
                 "set(eth(dst=02:11:22:33:44:55)),set(ipv4(dst=10.9.8.7)),vnet2" },
    { FILTER(
          "arp", "\"eth_type\":\"arp\",\"arp_op\":\"request\",\"arp_tip\":\"10.0.0.1\"",
          "{\"kind\":\"tunnel_key\",\"mode\":\"set\",\"src_ip\":\"10.1.1.1\",\"dst_ip\":\"10.1.1.2\","
          "\"key_id\":5,\"dst_port\":4789,\"flag\":\"nocsum\",\"ttl\":64,"
          "\"control_action\":{\"type\":\"pipe\"}}," TO("vxlan_sys_4789")),
      BEGIN REST "eth(),eth_type(0x0806),arp(tip=10.0.0.1,op=1), " COUNTED
                 "set(tunnel(tun_id=0x5,src=10.1.1.1,dst=10.1.1.2,ttl=64,tp_dst=4789,flags(key))),"
                 "vxlan_sys_4789" },
};

struct example {
    struct fl_ports *ports;
    const struct fl_flow *ours;
    bool compared;
};

static int compare(const struct fl_flow *theirs, void *example_)
{
    struct example *example = example_;
    const struct fl_flow *ours = example->ours;
    _cleanup_free char *our_match = match_text(ours), *their_match = match_text(theirs);
    _cleanup_free char *our_actions = actions_text(ours), *their_actions = actions_text(theirs);
    char our_id[37], their_id[37];

    example->compared = true;
    assert_null(theirs->parse_error);
    assert_string_equal(ours->parse_error ? ours->parse_error : "", "");
    fl_flow_format_id(ours, our_id);
    fl_flow_format_id(theirs, their_id);
    assert_int_equal(ours->has_ufid, theirs->has_ufid);
    assert_string_equal(our_match, their_match);
    assert_string_equal(our_actions, their_actions);
    assert_int_equal(ours->drops, theirs->drops);
    assert_int_equal(ours->path, theirs->path);
    assert_int_equal(ours->in_port, theirs->in_port);
    assert_int_equal(ours->packets, theirs->packets);
    assert_int_equal(ours->bytes, theirs->bytes);
    assert_int_equal(ours->used_ms, theirs->used_ms);
    assert_int_equal(ours->hw_packets, 9);
    return 0;
}

static void filters_are_the_flows_that_ovs_shows(void **state)
{
    static struct fl_tc_filter filter;
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        _cleanup_json json_t *json = json_loads(pairs[i].filter, 0, NULL);
        struct example example = { .ports = fl_ports_create() };
        struct fl_decoder *decoder = fl_decoder_create(example.ports, 0, compare, &example);
        struct fl_tc_flow scratch;
        struct fl_flow flow;

        assert_non_null(json);
        fl_tc_flow_init(&scratch, example.ports);
        assert_int_equal(fl_tc_filter_from_json(json, &filter), 0);
        assert_string_equal(filter.unknown, "");
        fl_tc_to_flow(&scratch, &filter, 0, &flow);
        example.ours = &flow;
        fl_decoder_push(decoder, pairs[i].flow, strlen(pairs[i].flow));
        fl_decoder_finish(decoder);
        assert_true(example.compared);
        fl_decoder_destroy(decoder);
        fl_tc_flow_uninit(&scratch);
        fl_ports_destroy(example.ports);
    }
}

static void with_filter(const char *text, unsigned int flags,
                        void (*check)(const struct fl_flow *flow, void *aux), void *aux)
{
    static struct fl_tc_filter filter;
    _cleanup_json json_t *json = json_loads(text, 0, NULL);
    struct fl_ports *ports = fl_ports_create();
    struct fl_tc_flow scratch;
    struct fl_flow flow;

    assert_non_null(json);
    fl_tc_flow_init(&scratch, ports);
    assert_int_equal(fl_tc_filter_from_json(json, &filter), 0);
    fl_tc_to_flow(&scratch, &filter, flags, &flow);
    check(&flow, aux);
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
}

static void check_error(const struct fl_flow *flow, void *sentence)
{
    assert_string_equal(flow->parse_error ? flow->parse_error : "", *(const char **)sentence);
}

static void assert_error(const char *filter, const char *sentence)
{
    with_filter(filter, 0, check_error, &sentence);
}

static void what_has_no_form_in_ovs_is_named(void **state)
{
    (void)state;
    assert_error(FILTER("ip", "\"eth_type\":\"ipv4\"",
                        "{\"kind\":\"gact\",\"control_action\":{\"type\":\"trap\"}}"),
                 "an action has no form in Open vSwitch: gact trap");
    assert_error(FILTER("ip", "\"eth_type\":\"ipv4\",\"dst_port\":{\"start\":1,\"end\":9}",
                        TO("a")),
                 "a match key has no form in Open vSwitch: a range of dst_port");
    assert_error(FILTER("ip", "\"colour\":\"red\"", TO("a")),
                 "the match was not understood in full: colour");
    assert_error(FILTER("ip", "\"eth_type\":\"ipv4\"", "{\"kind\":\"bpf\"}"),
                 "the actions were not understood in full: action bpf");
}

static void check_counters_only(const struct fl_flow *flow, void *aux)
{
    (void)aux;
    assert_true(flow->has_ufid);
    assert_false(flow->has_match);
    assert_false(flow->has_actions);
    assert_int_equal(flow->packets, 10);
    assert_int_equal(flow->path, FL_PATH_HW);
    assert_null(flow->parse_error);
}

static void counters_can_be_had_alone(void **state)
{
    (void)state;
    with_filter(FILTER("ip", "\"eth_type\":\"ipv4\"", TO("a")), FL_TC_FLOW_COUNTERS,
                check_counters_only, NULL);
}

static void keep_id(const struct fl_flow *flow, void *id)
{
    assert_false(flow->has_ufid);
    *(ovs_u128 *)id = flow->id;
}

static void without_a_cookie_the_place_is_the_identity(void **state)
{
    static const char first[] =
        "{\"dev\":\"a\",\"ingress\":true,\"protocol\":\"ip\",\"pref\":2,"
        "\"kind\":\"flower\",\"chain\":0,\"options\":{\"handle\":1,\"keys\":{}}}";
    static const char second[] =
        "{\"dev\":\"a\",\"ingress\":true,\"protocol\":\"ip\",\"pref\":2,"
        "\"kind\":\"flower\",\"chain\":0,\"options\":{\"handle\":2,\"keys\":{}}}";
    ovs_u128 a, again, b;

    (void)state;
    with_filter(first, 0, keep_id, &a);
    with_filter(first, 0, keep_id, &again);
    with_filter(second, 0, keep_id, &b);
    assert_true(ovs_u128_equals(a, again));
    assert_false(ovs_u128_equals(a, b));
}

/* What only TC tells. */

struct device_facts {
    bool target_gone;
    uint32_t block;
    uint16_t block_members, block_in_hw;
};

static void check_device_facts(const struct fl_flow *flow, void *wanted_)
{
    const struct device_facts *wanted = wanted_;

    assert_int_equal(flow->target_gone, wanted->target_gone);
    assert_int_equal(flow->block, wanted->block);
    assert_int_equal(flow->block_members, wanted->block_members);
    assert_int_equal(flow->block_in_hw, wanted->block_in_hw);
}

/* tc prints the ifindex 0 of a device that is gone as "*". */
static void a_target_that_is_gone_is_told(void **state)
{
    struct device_facts gone = { .target_gone = true }, there = { .target_gone = false };

    (void)state;
    with_filter(FILTER("ip", "\"eth_type\":\"ipv4\"", TO("*")), 0, check_device_facts, &gone);
    with_filter(FILTER("ip", "\"eth_type\":\"ipv4\"", TO("vnet2")), 0, check_device_facts, &there);
}

/* Three share the block: the bond that stands for it, and its two members. */
static void the_members_of_a_block_are_those_with_a_nic(void **state)
{
    struct fl_ports *ports = fl_ports_create();
    struct device_facts wanted = { .block = 9, .block_members = 2, .block_in_hw = 1 };
    struct fl_tc_flow scratch;
    struct fl_tc_filter filter;
    struct fl_flow flow;

    (void)state;
    fl_tc_filter_clear(&filter);
    filter.hook = FL_TC_BLOCK;
    filter.block = 9;
    filter.block_members = 3;
    filter.dev = "bond0";
    filter.has_in_hw_count = true;
    filter.in_hw_count = 1;
    fl_tc_flow_init(&scratch, ports);
    fl_tc_to_flow(&scratch, &filter, 0, &flow);
    check_device_facts(&flow, &wanted);
    filter.dev = NULL;
    filter.block_members = 2;
    fl_tc_to_flow(&scratch, &filter, 0, &flow);
    check_device_facts(&flow, &wanted);
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
}

/* check_pkt_len: a policer as ovs-vswitchd makes it, and outputs; what each action goes on with. */

#define JUMP(n) (FL_TC_JUMP | (n))
#define CHECK(next, shorter)   \
    {                          \
        NULL, next, shorter, 3 \
    }
#define SEND(to, next) \
    {                  \
        to, next, 0, 0 \
    }
/* The first ports that are interned. */
#define A "1073741824"
#define B "1073741825"
#define C "1073741826"

#define ELSEWHERE "police whose packets go on elsewhere"

struct step {
    const char *to; /* NULL: the policer. */
    uint32_t control, conforms;
    uint32_t index;
};

static const struct {
    struct step steps[5];
    const char *actions, *error;
    uint32_t meter;
} length_checks[] = {
    { { CHECK(FL_TC_PIPE, JUMP(2)), SEND("a", FL_TC_STOLEN), SEND("b", FL_TC_STOLEN) },
      .actions = "check_pkt_len(size=1500,gt(" A "),le(" B "))" },
    { { CHECK(FL_TC_PIPE, JUMP(2)), SEND("a", JUMP(3)), SEND("b", FL_TC_PIPE),
        SEND("c", FL_TC_STOLEN) },
      .actions = "check_pkt_len(size=1500,gt(" A "),le(" B "))," C },
    { { CHECK(FL_TC_STOLEN, JUMP(1)), SEND("a", FL_TC_STOLEN) },
      .actions = "check_pkt_len(size=1500,gt(drop),le(" A "))" },
    { { CHECK(FL_TC_PIPE, FL_TC_STOLEN), SEND("a", FL_TC_STOLEN) },
      .actions = "check_pkt_len(size=1500,gt(" A "),le(drop))" },
    { { CHECK(FL_TC_PIPE, JUMP(4)), CHECK(FL_TC_PIPE, JUMP(3)), SEND("a", JUMP(5)),
        SEND("b", JUMP(5)), SEND("c", FL_TC_PIPE) },
      .actions = "check_pkt_len(size=1500,gt(check_pkt_len(size=1500,gt(" A "),le(" B "))),le(" C
                 "))" },
    { { CHECK(FL_TC_PIPE, JUMP(2)), SEND("a", JUMP(1)), SEND("b", FL_TC_STOLEN) },
      .error = ELSEWHERE },
    { { CHECK(FL_TC_PIPE, JUMP(3)), SEND("a", JUMP(3)), SEND("b", FL_TC_PIPE),
        SEND("c", FL_TC_STOLEN) },
      .error = ELSEWHERE },
    { { CHECK(FL_TC_PIPE, JUMP(2)), SEND("a", JUMP(3)), SEND("b", FL_TC_STOLEN),
        SEND("c", FL_TC_STOLEN) },
      .error = ELSEWHERE },
    { { CHECK(FL_TC_PIPE, FL_TC_OK), SEND("a", FL_TC_STOLEN) }, .error = ELSEWHERE },
    { { SEND("a", JUMP(2)), SEND("b", FL_TC_STOLEN) }, .error = "a jump over other actions" },
    { { { NULL, FL_TC_PIPE, JUMP(2), 0x10000005 },
        SEND("a", FL_TC_STOLEN),
        SEND("b", FL_TC_STOLEN) },
      .error = "police 0x10000005",
      .meter = 0x10000005 },
};

static void add_step(struct fl_tc_filter *filter, const struct step *step)
{
    struct fl_tc_action *action = &filter->actions[filter->n_actions++];

    memset(action, 0, sizeof *action);
    action->control = step->control;
    action->index = step->index;
    action->kind = step->to ? FL_TC_MIRRED : FL_TC_POLICE;
    if (step->to) {
        action->mirred.to_dev = step->to;
        return;
    }
    action->police.mtu = 1500;
    action->police.result = step->conforms;
    action->present |= FL_TC_HAS_RESULT;
}

static void a_policer_of_lengths_is_check_pkt_len(void **state)
{
    static struct fl_tc_filter filter;
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(length_checks); i++) {
        struct fl_ports *ports = fl_ports_create();
        struct fl_tc_flow scratch;
        struct fl_flow flow;
        _cleanup_free char *text = NULL;

        fl_tc_filter_clear(&filter);
        for (size_t n = 0; n < 5 && length_checks[i].steps[n].control; n++)
            add_step(&filter, &length_checks[i].steps[n]);
        fl_tc_flow_init(&scratch, ports);
        fl_ports_intern(ports, "a", 1);
        fl_ports_intern(ports, "b", 1);
        fl_ports_intern(ports, "c", 1);
        fl_tc_to_flow(&scratch, &filter, 0, &flow);
        text = actions_text(&flow);
        assert_int_equal(flow.meter_police, length_checks[i].meter);
        if (length_checks[i].error)
            assert_string_equal(strchr(flow.parse_error, ':') + 2, length_checks[i].error);
        else
            assert_string_equal(text, length_checks[i].actions);
        fl_tc_flow_uninit(&scratch);
        fl_ports_destroy(ports);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_the_flows_that_ovs_shows),
        cmocka_unit_test(what_has_no_form_in_ovs_is_named),
        cmocka_unit_test(counters_can_be_had_alone),
        cmocka_unit_test(without_a_cookie_the_place_is_the_identity),
        cmocka_unit_test(a_target_that_is_gone_is_told),
        cmocka_unit_test(a_policer_of_lengths_is_check_pkt_len),
        cmocka_unit_test(the_members_of_a_block_are_those_with_a_nic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
