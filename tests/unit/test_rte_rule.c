/* SPDX-License-Identifier: Apache-2.0 */

/* The rule that OVS-DPDK offers for a flow of a dump. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/decode.h"
#include "flows/rte_rule.h"

struct asked {
    enum fl_rte_rule_kind kind;
    struct fl_ports *ports;
    struct ds text;
    int error;
    struct fl_error err;
    unsigned int n;
};

/* p0 is DPDK's port 0, vm1 is 3; others are not on the NIC. */
static int port_of(odp_port_t port, void *asked_)
{
    const struct asked *asked = asked_;
    char buf[16];
    const char *name = fl_ports_name(asked->ports, port, buf);

    return !strcmp(name, "p0") ? 0 : !strcmp(name, "vm1") ? 3 : -1;
}

static int format(const struct fl_flow *flow, void *asked_)
{
    struct asked *asked = asked_;

    asked->n++;
    asked->error = fl_rte_rule_format(flow, asked->kind, port_of, asked, &asked->text, &asked->err);
    return 0;
}

static void ask(const char *line, enum fl_rte_rule_kind kind, struct asked *asked)
{
    struct fl_decoder *decoder;

    *asked =
        (struct asked){ .kind = kind, .ports = fl_ports_create(), .text = DS_EMPTY_INITIALIZER };
    decoder = fl_decoder_create(asked->ports, 0, format, asked);
    fl_decoder_push(decoder, line, strlen(line));
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(asked->ports);
    assert_int_equal(asked->n, 1);
}

static void assert_rule(const char *line, enum fl_rte_rule_kind kind, const char *rule)
{
    struct asked asked;

    ask(line, kind, &asked);
    if (asked.error) {
        print_message("%s\n%s\n", line, asked.err.text);
    }
    assert_string_equal(ds_cstr(&asked.text), rule);
    assert_int_equal(asked.error, 0);
    ds_destroy(&asked.text);
}

static void assert_not_offered(const char *line, int code, const char *part)
{
    struct asked asked;

    ask(line, FL_RTE_FORWARDS, &asked);
    assert_string_equal(ds_cstr(&asked.text), "");
    assert_int_equal(asked.error, code);
    assert_non_null(strstr(asked.err.text, part));
    ds_destroy(&asked.text);
}

#define HEAD                                                                                      \
    "ufid:a0b1c2d3-0000-0000-0000-000000000001, skb_priority(0/0),skb_mark(0/0),ct_state(0/0),"   \
    "ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),in_port(vm1),packet_type(" \
    "ns=0,id=0),"
#define ETH  "eth(src=52:54:00:64:00:01,dst=52:54:00:64:01:01),"
#define TAIL ", packets:1, bytes:98, used:0.1s, dp:ovs, actions:"

static void test_storage_flow(void **state)
{
    static const char line[] = HEAD ETH
        "eth_type(0x0800),ipv4(src=10.100.0.11,dst=10.100.0.0/255.255.255.0,proto=6,tos=0/0,"
        "ttl=0/0,frag=no),tcp(src=0/0,dst=2049),tcp_flags(0/0)" TAIL
        "push_vlan(vid=100,pcp=0),p0\n";
#define STORAGE_PATTERN                                                                          \
    "pattern eth dst=525400640101 src=525400640001 type=0800 has_vlan=0 / ipv4 src=0a64000b dst" \
    "=0a640000/ffffff00 proto=06 frag=0000/3fff / tcp dst=0801 actions "
#define STORAGE_ACTIONS \
    "count / of_push_vlan type=8100 / of_set_vlan_pcp pcp=0 / of_set_vlan_vid vid=100 / "

    (void)state;
    assert_rule(line, FL_RTE_FORWARDS, "transfer " STORAGE_PATTERN STORAGE_ACTIONS "port_id id=0");
    assert_rule(line, FL_RTE_FORWARDS_REPRESENTED,
                "transfer " STORAGE_PATTERN STORAGE_ACTIONS "represented_port id=0");
    assert_rule(line, FL_RTE_MARKS, "ingress " STORAGE_PATTERN "mark id=1 / rss");
}

static void test_tagged(void **state)
{
    (void)state;
    assert_rule(
        HEAD ETH "eth_type(0x8100),vlan(vid=100,pcp=0),encap(eth_type(0x0800),ipv4(src=0.0.0.0/"
                 "0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=17/0,tos=0/0,ttl=0/0,frag=no))" TAIL
                 "pop_vlan,vm1\n",
        FL_RTE_FORWARDS,
        "transfer pattern eth dst=525400640101 src=525400640001 type=8100 has_vlan=1 / vlan "
        "tci=0064/efff inner_type=0800 / ipv4 frag=0000/3fff actions count / of_pop_vlan / "
        "port_id id=3");
}

static void test_ipv6_and_rewrites(void **state)
{
    (void)state;
    assert_rule(
        HEAD ETH
        "eth_type(0x86dd),ipv6(src=2001:db8::1,dst=2001:db8::/ffff:ffff:ffff:ffff::,label=0/0,proto=17,tclass=0xb8/"
        "0xfc,hlimit=64,frag=no),udp(src=53,dst=0/0)" TAIL
        "set(eth(src=52:54:00:00:00:01)),set(ipv6(dst=2001:db8::9,hlimit=63)),set(udp(dst=99)),"
        "p0\n",
        FL_RTE_FORWARDS,
        "transfer pattern eth dst=525400640101 src=525400640001 type=86dd has_vlan=0 / ipv6 "
        "src=20010db8000000000000000000000001 "
        "dst=20010db8000000000000000000000000/ffffffffffffffff0000000000000000 proto=11 hop=40 "
        "vtc=0b800000/0fc00000 has_frag_ext=0 / udp src=0035 actions count / set_mac_src "
        "addr=525400000001 / set_ipv6_dst addr=20010db8000000000000000000000009 / set_ttl ttl=63 / "
        "set_tp_dst port=99 / port_id id=0");
}

static void test_fragments(void **state)
{
    (void)state;
    assert_rule(HEAD ETH "eth_type(0x0800),ipv4(proto=6,frag=first)" TAIL "p0\n", FL_RTE_MARKS,
                "ingress pattern eth dst=525400640101 src=525400640001 type=0800 has_vlan=0 / ipv4 "
                "proto=06 frag=2000/3fff / tcp actions mark id=1 / rss");
    assert_rule(
        HEAD ETH "eth_type(0x0800),ipv4(frag=later)" TAIL "p0\n", FL_RTE_FORWARDS,
        "transfer pattern eth dst=525400640101 src=525400640001 type=0800 has_vlan=0 / ipv4 "
        "frag=0001/1fff-1fff actions count / port_id id=0");
}

static void test_flows_that_are_not_offered(void **state)
{
    (void)state;
    assert_not_offered("recirc_id(0x5),in_port(vm1)," ETH "eth_type(0x0800),ipv4(frag=no)" TAIL
                       "p0\n",
                       -EOPNOTSUPP, "recirculation");
    assert_not_offered("ct_state(+est),recirc_id(0),in_port(vm1)," ETH
                       "eth_type(0x0800),ipv4(frag=no)" TAIL "p0\n",
                       -EOPNOTSUPP, "conntrack");
    assert_not_offered(HEAD ETH "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1)" TAIL "p0\n",
                       -EOPNOTSUPP, "ARP");
    assert_not_offered(HEAD ETH "eth_type(0x0800),ipv4(frag=no)" TAIL "ct(zone=2),recirc(0x1)\n",
                       -EOPNOTSUPP, "one of these actions");
    assert_not_offered(HEAD ETH "eth_type(0x0800),ipv4(frag=no)" TAIL "p0,br0\n", -EOPNOTSUPP,
                       "a port that is not on a NIC");
    assert_not_offered(HEAD ETH "eth_type(0x0800),ipv4(frag=no)" TAIL "set(ipv4(tos=0/0x3)),p0\n",
                       -EOPNOTSUPP, "to set this field");
    assert_not_offered(HEAD ETH "eth_type(0x0800),ipv4(frag=no)" TAIL
                                "set(eth(dst=52:54:00:00:00:00/ff:ff:ff:00:00:00)),p0\n",
                       -EOPNOTSUPP, "to set a part of a field");
    assert_not_offered(HEAD ETH "eth_type(0x0800),ipv4(frag=no)" TAIL "drop\n", -EOPNOTSUPP,
                       "without actions");
    assert_not_offered("recirc_id(0),in_port(vm1),nonsense(1)," ETH "eth_type(0x0800)" TAIL "p0\n",
                       -EINVAL, "not legible");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storage_flow),
        cmocka_unit_test(test_tagged),
        cmocka_unit_test(test_ipv6_and_rewrites),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_flows_that_are_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
