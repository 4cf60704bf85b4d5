/* SPDX-License-Identifier: Apache-2.0 */

/* The text of a rule: what OVS offers can be said, and nothing else is taken. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dpdk/plugin/rule.h"

static struct fl_rule rule;

static void parse(const char *text)
{
    char why[FL_RULE_WHY_BYTES] = "";

    if (fl_rule_parse(text, 2, &rule, why)) {
        print_message("%s: %s\n", text, why);
        fail();
    }
    assert_int_equal(rule.items[rule.n_items].type, RTE_FLOW_ITEM_TYPE_END);
    assert_int_equal(rule.actions[rule.n_actions].type, RTE_FLOW_ACTION_TYPE_END);
}

static void assert_refused(const char *text, const char *wanted)
{
    char why[FL_RULE_WHY_BYTES] = "";

    assert_int_equal(fl_rule_parse(text, 0, &rule, why), -EINVAL);
    assert_string_equal(why, wanted);
}

#define BE16(NUMBER) rte_cpu_to_be_16(NUMBER)
#define BE32(NUMBER) rte_cpu_to_be_32(NUMBER)

/* What OVS 3.1 offers for a VM's storage flow to a tagged uplink. */
static void test_vm_to_uplink(void **state)
{
    const struct rte_flow_item_eth *eth, *eth_mask;
    const struct rte_flow_item_ipv4 *ipv4, *ipv4_mask;
    const struct rte_flow_item_tcp *tcp, *tcp_mask;

    (void)state;
    parse(
        "transfer pattern eth dst=525400640101 src=525400640001 type=0800 has_vlan=0 / "
        "ipv4 src=0a64000b dst=0a640001/ffffff00 proto=06 tos=00/00 frag=0000/3fff / "
        "tcp dst=0801 flags=02/17 actions count / of_push_vlan type=8100 / of_set_vlan_pcp pcp=0 / "
        "of_set_vlan_vid vid=100 / port_id id=3");
    assert_true(rule.attr.transfer && !rule.attr.ingress && !rule.attr.egress);
    assert_int_equal(rule.n_items, 3);
    assert_int_equal(rule.items[0].type, RTE_FLOW_ITEM_TYPE_ETH);
    eth = rule.items[0].spec;
    eth_mask = rule.items[0].mask;
    assert_memory_equal(eth->dst.addr_bytes, "\x52\x54\x00\x64\x01\x01", 6);
    assert_memory_equal(eth->src.addr_bytes, "\x52\x54\x00\x64\x00\x01", 6);
    assert_memory_equal(eth_mask->src.addr_bytes, "\xff\xff\xff\xff\xff\xff", 6);
    assert_int_equal(eth->type, BE16(0x0800));
    assert_true(!eth->has_vlan && eth_mask->has_vlan);
    assert_int_equal(rule.items[1].type, RTE_FLOW_ITEM_TYPE_IPV4);
    ipv4 = rule.items[1].spec;
    ipv4_mask = rule.items[1].mask;
    assert_int_equal(ipv4->hdr.src_addr, BE32(0x0a64000b));
    assert_int_equal(ipv4_mask->hdr.src_addr, UINT32_MAX);
    assert_int_equal(ipv4_mask->hdr.dst_addr, BE32(0xffffff00));
    assert_int_equal(ipv4->hdr.next_proto_id, 6);
    assert_int_equal(ipv4_mask->hdr.type_of_service, 0);
    assert_int_equal(ipv4_mask->hdr.fragment_offset, BE16(0x3fff));
    assert_int_equal(rule.items[2].type, RTE_FLOW_ITEM_TYPE_TCP);
    tcp = rule.items[2].spec;
    tcp_mask = rule.items[2].mask;
    assert_true(tcp->hdr.dst_port == BE16(2049) && tcp_mask->hdr.dst_port == UINT16_MAX);
    assert_true(!tcp_mask->hdr.src_port && tcp_mask->hdr.tcp_flags == 0x17);
    assert_null(rule.items[2].last);

    assert_int_equal(rule.n_actions, 5);
    assert_int_equal(rule.actions[0].type, RTE_FLOW_ACTION_TYPE_COUNT);
    assert_int_equal(((const struct rte_flow_action_count *)rule.actions[0].conf)->id, 0);
    assert_int_equal(((const struct rte_flow_action_of_push_vlan *)rule.actions[1].conf)->ethertype,
                     BE16(0x8100));
    assert_int_equal(
        ((const struct rte_flow_action_of_set_vlan_vid *)rule.actions[3].conf)->vlan_vid,
        BE16(100));
    assert_int_equal(rule.actions[4].type, RTE_FLOW_ACTION_TYPE_PORT_ID);
    assert_int_equal(((const struct rte_flow_action_port_id *)rule.actions[4].conf)->id, 3);
    assert_false(((const struct rte_flow_action_port_id *)rule.actions[4].conf)->original);
}

/* What it offers when that was refused: mark the packet, and spread it over all queues. */
static void test_mark_and_rss(void **state)
{
    const struct rte_flow_action_rss *rss;

    (void)state;
    parse("ingress group=1 priority=2 pattern eth / vlan tci=0064/0fff inner_type=0800 "
          "has_more_vlan=1/0 actions mark id=7 / rss");
    assert_true(rule.attr.ingress && rule.attr.group == 1 && rule.attr.priority == 2);
    assert_null(rule.items[0].spec);
    assert_null(rule.items[0].mask);
    assert_int_equal(((const struct rte_flow_action_mark *)rule.actions[0].conf)->id, 7);
    rss = rule.actions[1].conf;
    assert_int_equal(rss->queue_num, 2);
    assert_true(rss->queue[0] == 0 && rss->queue[1] == 1);
    assert_int_equal(rss->types, RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
    parse("ingress pattern actions rss queues=64");
    rss = rule.actions[0].conf;
    assert_int_equal(rss->queue_num, 64);
    assert_int_equal(rss->queue[63], 63);
    assert_int_equal(rule.n_items, 0);
}

static void test_fragments(void **state)
{
    const struct rte_flow_item_ipv4 *last;
    const struct rte_flow_item_ipv6 *ipv6, *ipv6_mask;
    const struct rte_flow_item_ipv6_frag_ext *frag_last;

    (void)state;
    parse("transfer pattern ipv4 frag=0001/1fff-1fff proto=11 actions drop");
    last = rule.items[0].last;
    assert_int_equal(last->hdr.fragment_offset, BE16(0x1fff));
    assert_int_equal(last->hdr.next_proto_id, 0);
    assert_null(rule.actions[0].conf);
    parse("transfer pattern ipv6 src=20010db8000000000000000000000001 has_frag_ext=1 "
          "vtc=0b800000/0ff00000 hop=40 / ipv6_frag_ext frag_data=0008/fff8-fff8 actions drop");
    ipv6 = rule.items[0].spec;
    ipv6_mask = rule.items[0].mask;
    assert_true(ipv6->has_frag_ext && ipv6_mask->has_frag_ext && !ipv6_mask->has_hop_ext);
    assert_int_equal(ipv6->hdr.src_addr[0], 0x20);
    assert_int_equal(ipv6_mask->hdr.vtc_flow, BE32(0x0ff00000));
    frag_last = rule.items[1].last;
    assert_int_equal(frag_last->hdr.frag_data, BE16(0xfff8));
}

/* Every word that no test above has. */
static void test_all_words(void **state)
{
    static const char *const items[] = {
        "udp src=0800 dst=0801/ff00",
        "sctp src=0001",
        "icmp type=08 code=00",
        "vxlan vni=00002a",
        "gre c_rsvd0_ver=2000/2000 protocol=0800",
        "gre_key key=0000002a",
        "tcp data_off=05/f0 src=0001",
        "ipv6 dst=20010db8000000000000000000000002/ffffffffffffffff0000000000000000 proto=3a",
        "ipv6_frag_ext next_hdr=06",
        "ipv4 ttl=40",
    };
    static const char *const actions[] = {
        "represented_port id=65535",
        "jump group=4294967295",
        "of_pop_vlan",
        "set_mac_src addr=525400640001",
        "set_mac_dst addr=525400640002",
        "set_ipv4_src addr=0a000001",
        "set_ipv4_dst addr=0A0000Ff",
        "set_ipv6_src addr=20010db8000000000000000000000002",
        "set_ipv6_dst addr=20010db8000000000000000000000003",
        "set_tp_src port=65535",
        "set_tp_dst port=0",
        "set_ttl ttl=63",
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < RTE_DIM(items); i++) {
        snprintf(text, sizeof text, "pattern %s actions drop", items[i]);
        parse(text);
        assert_non_null(rule.items[0].spec);
    }
    for (size_t i = 0; i < RTE_DIM(actions); i++) {
        snprintf(text, sizeof text, "pattern eth actions count / %s", actions[i]);
        parse(text);
        assert_int_equal(rule.n_actions, 2);
    }
    parse("  pattern  eth   actions  set_tp_src   port=2049  ");
    assert_int_equal(((const struct rte_flow_action_set_tp *)rule.actions[0].conf)->port,
                     BE16(2049));
}

static const char vxlan_ipv4[] = "525400640001525400640002"
                                 "0800"
                                 "4500000000004000401100000a0000010a000002"
                                 "000012b500000000"
                                 "0800000000002a00";
static const char vxlan_ipv6[] = "525400640001525400640002"
                                 "86dd"
                                 "6000000000001140"
                                 "20010db8000000000000000000000001"
                                 "20010db8000000000000000000000002"
                                 "000012b500000000"
                                 "0800000000002a00";

static void assert_vxlan(const char *header, enum rte_flow_item_type ip, size_t ip_bytes)
{
    const struct rte_flow_action_vxlan_encap *encap;
    const struct rte_flow_item *items;
    char text[512];

    snprintf(text, sizeof text, "transfer pattern eth actions vxlan_encap data=%s / port_id id=0",
             header);
    parse(text);
    encap = rule.actions[0].conf;
    items = encap->definition;
    assert_int_equal(items[0].type, RTE_FLOW_ITEM_TYPE_ETH);
    assert_ptr_equal(items[0].spec, rule.header);
    assert_int_equal(items[1].type, ip);
    assert_ptr_equal(items[1].spec, rule.header + 14);
    assert_int_equal(items[2].type, RTE_FLOW_ITEM_TYPE_UDP);
    assert_ptr_equal(items[2].spec, rule.header + 14 + ip_bytes);
    assert_int_equal(items[3].type, RTE_FLOW_ITEM_TYPE_VXLAN);
    assert_int_equal(((const uint8_t *)items[3].spec)[6], 0x2a);
    assert_int_equal(items[4].type, RTE_FLOW_ITEM_TYPE_END);
}

static void test_encapsulation(void **state)
{
    const struct rte_flow_action_raw_encap *raw;

    (void)state;
    assert_vxlan(vxlan_ipv4, RTE_FLOW_ITEM_TYPE_IPV4, 20);
    assert_vxlan(vxlan_ipv6, RTE_FLOW_ITEM_TYPE_IPV6, 40);
    parse("transfer pattern eth actions raw_encap data=0123456789abcdef / port_id id=0");
    raw = rule.actions[0].conf;
    assert_int_equal(raw->size, 8);
    assert_memory_equal(raw->data, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    assert_null(raw->preserve);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "word 1 (the end): transfer, ingress, egress, group=N, priority=N or pattern" },
        { "transfer",
          "word 2 (the end): transfer, ingress, egress, group=N, priority=N or pattern" },
        { "group=-1 pattern", "word 1 (group=-1): a decimal number is wanted" },
        { "group=4294967296 pattern", "word 1 (group=4294967296): at most 4294967295" },
        { "group=1/2 pattern", "word 1 (group=1/2): no mask here" },
        { "group=99999999999 pattern", "word 1 (group=99999999999): a decimal number is wanted" },
        { "pattern", "word 2 (the end): no such item" },
        { "pattern eth", "word 3 (the end): / or actions is wanted" },
        { "pattern eth / actions drop", "word 4 (actions): no such item" },
        { "pattern ethx actions drop", "word 2 (ethx): no such item" },
        { "pattern et actions drop", "word 2 (et): no such item" },
        { "pattern eth dst", "word 3 (dst): FIELD=VALUE[/MASK[-LAST]] is wanted" },
        { "pattern eth dst= actions drop", "word 3 (dst=): FIELD=VALUE[/MASK[-LAST]] is wanted" },
        { "pattern eth dst=525400640101/ actions",
          "word 3 (dst=525400640101/): FIELD=VALUE[/MASK[-LAST]] is wanted" },
        { "pattern eth dst=52540064010 actions",
          "word 3 (dst=52540064010): 12 hexadecimal digits are wanted" },
        { "pattern eth dst=52540064010g actions",
          "word 3 (dst=52540064010g): 12 hexadecimal digits are wanted" },
        { "pattern eth dst=525400640101/ff actions",
          "word 3 (dst=525400640101/ff): 12 hexadecimal digits are wanted" },
        { "pattern eth port=1 actions", "word 3 (port=1): eth has no such field" },
        { "pattern eth has_vlan=2 actions", "word 3 (has_vlan=2): at most 1" },
        { "pattern eth has_vlan=1/1-1 actions", "word 3 (has_vlan=1/1-1): no range here" },
        { "pattern tcp src=0001 src=0001 actions", "word 4 (src=0001): given twice" },
        { "pattern eth actions", "word 4 (the end): no such action" },
        { "pattern eth actions fly", "word 4 (fly): no such action" },
        { "pattern eth actions drop /", "word 6 (the end): no such action" },
        { "pattern eth actions drop drop", "word 5 (drop): drop takes nothing" },
        { "pattern eth actions port_id", "word 5 (the end): port_id wants id=" },
        { "pattern eth actions port_id port=1", "word 5 (port=1): port_id wants id=" },
        { "pattern eth actions port_id id=1/1", "word 5 (id=1/1): port_id wants id=" },
        { "pattern eth actions port_id id=65536", "word 5 (id=65536): at most 65535" },
        { "pattern eth actions port_id id=1 id=2", "word 6 (id=2): / or the end is wanted" },
        { "pattern eth actions of_set_vlan_vid vid=4096", "word 5 (vid=4096): at most 4095" },
        { "pattern eth actions of_set_vlan_pcp pcp=8", "word 5 (pcp=8): at most 7" },
        { "pattern eth actions rss", "word 5 (the end): queues=N from 1 to 64 is wanted" },
        { "pattern eth actions rss queues=0",
          "word 5 (queues=0): queues=N from 1 to 64 is wanted" },
        { "pattern eth actions rss queues=65", "word 5 (queues=65): at most 64" },
        { "pattern eth actions raw_encap data=012",
          "word 5 (data=012): an even number of hexadecimal digits is wanted, at most 1024" },
        { "pattern eth actions raw_encap data=01 / raw_encap data=02",
          "word 8 (data=02): one encapsulation a rule" },
        { "pattern eth actions vxlan_encap data=0102",
          "word 5 (data=0102): a header of Ethernet, IP, UDP and VXLAN is wanted" },
        { "pattern \x01\xff actions drop", "word 2 (?\?): no such item" },
        { "pattern a-word-that-is-much-too-long-to-be-repeated-here",
          "word 2 (a-word-that-is-much-too-long-to-): no such item" },
    };

    (void)state;
    for (size_t i = 0; i < RTE_DIM(cases); i++) {
        assert_refused(cases[i].text, cases[i].why);
    }
}

static void test_limits(void **state)
{
    char text[4096] = "pattern eth", data[2 * FL_RULE_HEADER_BYTES + 3];
    char why[FL_RULE_WHY_BYTES];

    (void)state;
    for (int i = 1; i < FL_RULE_ITEMS; i++) {
        strcat(text, " / eth");
    }
    strcat(text, " actions drop");
    parse(text);
    assert_int_equal(rule.n_items, FL_RULE_ITEMS);
    for (int i = 1; i < FL_RULE_ACTIONS; i++) {
        strcat(text, " / drop");
    }
    parse(text);
    assert_int_equal(rule.n_actions, FL_RULE_ACTIONS);
    strcat(text, " / drop");
    assert_int_equal(fl_rule_parse(text, 2, &rule, why), -EINVAL);
    assert_non_null(strstr(why, "more than 24 actions"));
    memmove(text + 14, text + 8, strlen(text + 8) + 1);
    memcpy(text + 8, "eth / ", 6);
    assert_int_equal(fl_rule_parse(text, 2, &rule, why), -EINVAL);
    assert_non_null(strstr(why, "more than 16 items"));

    memset(data, '0', sizeof data);
    data[2 * FL_RULE_HEADER_BYTES] = '\0';
    snprintf(text, sizeof text, "pattern eth actions raw_encap data=%s", data);
    parse(text);
    data[2 * FL_RULE_HEADER_BYTES] = '0';
    data[sizeof data - 1] = '\0';
    snprintf(text, sizeof text, "pattern eth actions raw_encap data=%s", data);
    assert_int_equal(fl_rule_parse(text, 2, &rule, why), -EINVAL);
    assert_non_null(strstr(why, "at most 1024"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vm_to_uplink),  cmocka_unit_test(test_mark_and_rss),
        cmocka_unit_test(test_fragments),     cmocka_unit_test(test_all_words),
        cmocka_unit_test(test_encapsulation), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
