/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What becomes of packets, as the traces in the corpus of the fuzz target tell it. Their pipelines are in
 * tests/integration/record_traces.py, but for those at the end of the table (see test_trace.c).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/fate.h"
#include "lib/ovs/trace.h"

/* Whole outputs: the fate, what it involves, the region. */
static const struct {
    const char *name, *fate, *involves, *region;
} traces[] = {
    { "action-set", "dl_dst=aa:bb:cc:dd:ee:ff -> p0", "",
      "ip,vlan_tci=0x0000,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "arp-reply", "-> vm1 (undecided: headers are rewritten to what the trace does not tell)",
      "userspace", "arp,vlan_tci=0x0000,arp_op=1" },
    { "bond-slb", "-> b0", "normal",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:08,nw_frag=no" },
    { "bundle", "-> p0", "hash", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "check-pkt-len", "-> vm2; -> p0 (undecided: it depends on the length of the packet)", "",
      "ip,vlan_tci=0x0000,nw_frag=no" },
    { "clone", "push_vlan(vid=7,pcp=0) -> p0; -> vm2", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "conjunction", "-> p0", "", "tcp,vlan_tci=0x0000,nw_src=10.1.0.5,nw_frag=no,tp_dst=2049" },
    { "controller", "-> p0", "controller", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-after-push", "-> p0", "ct ct-state recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-after-set", "nw_dst=10.1.0.77 -> p0", "ct recirc",
      "tcp,vlan_tci=0x0000,nw_src=10.1.0.0/24,nw_dst=10.1.0.9,nw_frag=no" },
    { "ct-commit", "-> p0", "ct commit ct-state recirc",
      "tcp,vlan_tci=0x0000,nw_frag=no,tp_dst=2049" },
    { "ct-established", "push_vlan(vid=100,pcp=0) -> p0", "ct ct-state recirc",
      "ip,vlan_tci=0x0000,nw_dst=10.1.0.0/24,nw_frag=no" },
    { "ct-fork", "-> p0; -> vm2", "ct ct-state clone recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-mark", "-> p0", "ct ct-entry recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-nat-clash", "-> p0", "ct commit", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-nat-restore", "-> p0 (undecided: headers are rewritten to what the trace does not tell)",
      "ct nat recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-nat-src", "-> p0 (undecided: headers are rewritten to what the trace does not tell)",
      "ct commit nat recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-new-drop", "drop", "ct ct-state recirc",
      "tcp,vlan_tci=0x0000,nw_frag=no,tp_dst=0x802/0xfffe" },
    { "ct-two-zones", "-> p0", "ct ct-state recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ct-untagged", "pop_vlan -> vm1", "ct recirc",
      "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "drop", "drop", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "group-all", "push_vlan(vid=7,pcp=0) -> p0; -> vm2", "group",
      "ip,vlan_tci=0x0000,nw_frag=no" },
    { "group-failover", "-> p0", "group", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "group-select", "-> p0", "group",
      "tcp,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_src=10.1.0.5,nw_dst=10.1.0.9,nw_frag=no,tp_src=1000,tp_dst=2049" },
    { "learn", "-> p0", "learn", "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,nw_frag=no" },
    { "mac-set", "dl_src=aa:bb:cc:dd:ee:ff -> p0", "",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "meter", "-> p0", "meter", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "mirror", "-> vm2; push_vlan(vid=100,pcp=3) -> p0", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "normal-known", "-> p0", "normal",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "normal-unknown", "-> p0; -> br0; -> u1; -> trunk; -> vm2; -> b0", "normal flood",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_ecn=0,nw_frag=no" },
    { "patch-known", "-> u1", "normal",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "pkt-mark", "pkt_mark=0x5 -> p0", "", "pkt_mark=0,ip,vlan_tci=0x0000,nw_frag=no" },
    { "resubmit", "dl_dst=aa:bb:cc:dd:ee:ff -> p0", "",
      "tcp,vlan_tci=0x0000,dl_dst=50:54:00:00:00:02,nw_dst=10.1.0.0/25,nw_frag=no,tp_dst=0x800/0xfff0" },
    { "rewrite-all", "skb_priority=0x3,nw_dst=10.1.0.77,nw_tos=184,tp_dst=20049 -> p0", "",
      "skb_priority=0,tcp,vlan_tci=0x0000,nw_dst=10.1.0.9,nw_tos=0,nw_frag=no,tp_dst=2049" },
    { "sample", "-> p0", "sample", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "sflow", "push_vlan(vid=100,pcp=3) -> p0", "sample", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "tos-and-flags", "-> p0", "", "tcp,vlan_tci=0x0000,nw_tos=0,nw_frag=no,tcp_flags=-syn+ack" },
    { "truncate", "trunc(100) -> p0; -> vm2", "trunc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "ttl-ipv6", "ipv6_src=fd00::1,nw_ttl=63 -> p0", "",
      "tcp6,vlan_tci=0x0000,ipv6_src=fd00::5,nw_ttl=64,nw_frag=no" },
    { "ttl", "nw_ttl=63 -> p0", "", "tcp,vlan_tci=0x0000,nw_ttl=64,nw_frag=no" },
    { "tunnel-in", "-> p0; -> vm1; -> p0", "",
      "ip,tun_id=0xa,tun_src=10.9.0.2,tun_dst=10.9.0.1,tun_tos=0,tun_flags=-df-csum-key,vlan_tci=0x0000,nw_frag=no" },
    { "tunnel-kernel",
      "set(tunnel(tun_id=0xa,dst=10.9.0.2,ttl=64,tp_dst=4789,flags(df|key))) -> vxlan_sys_4789",
      "tunnel", "ip,vlan_tci=0x0000,nw_ecn=0,nw_frag=no" },
    { "tunnel-native",
      "tnl_push(tnl_port(vxlan_sys_4789),header(size=50,type=4,eth(dst=50:54:00:00:00:09,src=50:54:00:00:02:00,dl_type=0x0800),ipv4(src=10.9.0.1,dst=10.9.0.2,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=4789,csum=0x0),vxlan(flags=0x8000000,vni=0xa)),out_port(br1)) -> u1",
      "normal flood tunnel", "ip,vlan_tci=0x0000,nw_ecn=0,nw_frag=no" },
    { "twice", "-> p0; -> p0", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "vlan-8021ad", "push_vlan(tpid=0x88a8,vid=100,pcp=0) -> p0", "",
      "ip,vlan_tci=0x0000,nw_frag=no" },
    { "vlan-mod-untagged", "push_vlan(vid=200,pcp=0) -> p0", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "vlan-pop", "pop_vlan -> vm1", "",
      "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "vlan-push", "push_vlan(vid=100,pcp=3) -> p0", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "vlan-same", "-> p0", "", "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "vlan-second", "push_vlan(vid=200,pcp=0) -> p0", "",
      "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "vlan-set", "pop_vlan push_vlan(vid=200,pcp=0) -> p0", "",
      "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "vlan-untested", "dl_src=aa:bb:cc:dd:ee:ff -> p0", "",
      "ip,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "clone-fork", "push_vlan(vid=100,pcp=0) -> p0; -> br0", "ct ct-state clone recirc",
      "tcp,vlan_tci=0x0000,nw_frag=no" },
    { "established", "push_vlan(vid=100,pcp=0) -> p0", "ct ct-state recirc",
      "ip,vlan_tci=0x0000,nw_frag=no" },
    { "invalid-dropped", "drop", "ct ct-state recirc", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "nat-commit", "-> p0 (undecided: headers are rewritten to what the trace does not tell)",
      "ct commit nat", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "nat-dst",
      "push_vlan(vid=100,pcp=0) -> p0 (undecided: headers are rewritten to what the trace does not tell)",
      "ct commit nat recirc", "tcp,vlan_tci=0x0000,nw_frag=no" },
    { "nat-fork",
      "push_vlan(vid=100,pcp=0) -> p0; -> br0 (undecided: headers are rewritten to what the trace does not tell)",
      "ct ct-state nat clone recirc", "tcp,vlan_tci=0x0000,nw_frag=no" },
    { "new", "push_vlan(vid=100,pcp=0) -> p0", "ct commit ct-state recirc",
      "tcp,vlan_tci=0x0000,nw_frag=no,tp_dst=2049" },
    { "normal-flood", "push_vlan(vid=100,pcp=0) -> p0; push_vlan(vid=100,pcp=0) -> br0",
      "normal flood",
      "arp,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=0" },
    { "normal-learned", "push_vlan(vid=100,pcp=0) -> p0", "normal",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "packet-out", "push_vlan(vid=100,pcp=0) -> p0", "", "ip,vlan_tci=0x0000,nw_frag=no" },
    { "patch", "push_vlan(vid=100,pcp=0) -> br1; push_vlan(vid=100,pcp=0) -> u1", "normal flood",
      "ip,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_frag=no" },
    { "reply", "pop_vlan -> vm1", "ct ct-state recirc",
      "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_frag=no" },
    { "rewrites",
      "push_vlan(vid=7,pcp=0) dl_src=aa:bb:cc:dd:ee:ff,nw_ttl=63 -> p0; dl_src=aa:bb:cc:dd:ee:ff,nw_ttl=63 -> vm1",
      "", "tcp,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,nw_ttl=64,nw_frag=no" },
    { "slow-path", "drop", "userspace", "udp,vlan_tci=0x0000,nw_frag=no,tp_dst=3784" },
    { "two-zones", "dl_dst=aa:bb:cc:dd:ee:ff -> p0", "ct recirc",
      "tcp,vlan_tci=0x0000,dl_dst=50:54:00:00:00:02,nw_frag=no" },
};

static struct fl_trace *parse_text(const char *text)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_trace *trace = NULL;

    fl_trace_parse(text, &trace, &err);
    assert_string_equal(err.text, "");
    return trace;
}

static struct fl_trace *parse(const char *name)
{
    static char text[65536];
    char path[4096];
    const char *source = getenv("FLOWLIFT_SOURCE");
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/trace/%s.txt", source ? source : ".", name);
    file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return parse_text(text);
}

static void test_fates_of_recorded_traces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        struct fl_trace *trace = parse(traces[i].name);
        struct ds text = DS_EMPTY_INITIALIZER;

        print_message("%s\n", traces[i].name);
        fl_fate_format(trace->fate, &text);
        assert_string_equal(ds_cstr(&text), traces[i].fate);
        ds_clear(&text);
        fl_fate_format_involved(trace->fate->involves, &text);
        assert_string_equal(ds_cstr(&text), traces[i].involves);
        ds_clear(&text);
        match_format(&trace->fate->region, NULL, &text, OFP_DEFAULT_PRIORITY);
        assert_string_equal(ds_cstr(&text), traces[i].region);
        ds_destroy(&text);
        fl_trace_destroy(trace);
    }
}

static void test_ct_actions_are_listed(void **state)
{
    static const struct {
        const char *name;
        struct fl_fate_ct last;
    } cases[] = {
        { "ct-commit", { .zone = 5, .commit = true, .sets_mark = true } },
        { "ct-nat-clash", { .zone = 5, .commit = true, .nat = FL_NAT_CLASH } },
        { "ct-nat-restore", { .zone = 5, .nat = FL_NAT_RESTORE } },
        { "ct-nat-src", { .zone = 5, .commit = true, .nat = FL_NAT_SRC } },
        { "ct-two-zones", { .zone = 2 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_trace *trace = parse(cases[i].name);
        const struct fl_fate_ct *ct = &trace->fate->cts[trace->fate->n_cts - 1];

        assert_int_equal(ct->zone, cases[i].last.zone);
        assert_int_equal(ct->nat, cases[i].last.nat);
        assert_int_equal(ct->commit, cases[i].last.commit);
        assert_int_equal(ct->sets_mark, cases[i].last.sets_mark);
        assert_false(ct->force || ct->sets_label || ct->helper);
        fl_trace_destroy(trace);
    }
}

/* A trace of one step. */
static struct fl_trace *made(const char *flow, const char *megaflow, const char *actions)
{
    char text[4096];

    snprintf(text, sizeof text,
             "Flow: tcp,in_port=p0,%s,nw_ttl=64\nFinal flow: unchanged\n"
             "Megaflow: recirc_id=0,eth,tcp,in_port=p0,%s\nDatapath actions: %s\n",
             flow, megaflow, actions);
    return parse_text(text);
}

#define UNTAGGED "vlan_tci=0x0000"
#define TAGGED   "dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000"
#define VLAN     "dl_vlan=100,dl_vlan_pcp=0,"
#define MAC      "dl_dst=aa:bb:cc:dd:ee:ff,"

/* Whether the two lists of actions amount to the same for what both megaflows have in common. */
static void assert_same(const char *flow, const char *megaflow, const char *a, const char *b,
                        bool same)
{
    struct fl_trace *one = made(flow, megaflow, a);
    struct fl_trace *other = made(flow, megaflow, b);

    print_message("%s | %s\n", a, b);
    assert_int_equal(fl_fate_same(one->fate, other->fate, &one->fate->region), same);
    assert_int_equal(fl_fate_same(other->fate, one->fate, &one->fate->region), same);
    assert_true(fl_fate_same(one->fate, one->fate, &one->fate->region));
    fl_trace_destroy(one);
    fl_trace_destroy(other);
}

static void test_what_amounts_to_the_same_is_the_same(void **state)
{
    (void)state;
    assert_same(UNTAGGED, "nw_ttl=64,nw_frag=no",
                "set(eth(dst=aa:bb:cc:dd:ee:ff)),set(ipv4(ttl=63)),p0",
                "set(ipv4(ttl=63)),set(eth(dst=aa:bb:cc:dd:ee:ff)),p0", true);
    assert_same(UNTAGGED, "nw_ttl=64,nw_frag=no", "set(ipv4(ttl=1)),set(ipv4(ttl=63)),p0",
                "set(ipv4(ttl=63)),p0", true);
    assert_same(UNTAGGED, MAC "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:ff)),p0", "p0", true);
    assert_same(UNTAGGED, MAC "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:00)),p0", "p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:ff)),p0", "p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:ff)),p0",
                "set(eth(src=aa:bb:cc:dd:ee:ff)),p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:ff/ff:ff:ff:ff:ff:00)),p0",
                "set(eth(dst=aa:bb:cc:dd:ee:ff)),p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "p0,p1", "p1,p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "p0", "p0,p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "p0", "drop", false);
    assert_same(UNTAGGED, "nw_frag=no", "set(eth(dst=aa:bb:cc:dd:ee:ff))", "drop", true);
    assert_same(UNTAGGED, "nw_frag=no", "clone(set(skb_mark(0x1)),p1),p0", "p1,p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "clone(push_vlan(vid=7,pcp=0),p1),p0",
                "push_vlan(vid=7,pcp=0),p1,pop_vlan,p0", true);
    assert_same(UNTAGGED, "nw_frag=no", "trunc(100),p0", "p0", false);
    assert_same(UNTAGGED, "nw_frag=no", "ct_clear,ct(commit,zone=5),p0", "p0", true);
}

static void test_vlan_headers_are_compared_as_a_stack(void **state)
{
    (void)state;
    assert_same(UNTAGGED, "nw_frag=no", "push_vlan(vid=7,pcp=0),pop_vlan,p0", "p0", true);
    assert_same(TAGGED, VLAN "nw_frag=no", "pop_vlan,push_vlan(vid=100,pcp=0),p0", "p0", true);
    assert_same(TAGGED, VLAN "nw_frag=no", "pop_vlan,push_vlan(vid=100,pcp=1),p0", "p0", false);
    assert_same(TAGGED, VLAN "nw_frag=no", "pop_vlan,push_vlan(tpid=0x88a8,vid=100,pcp=0),p0", "p0",
                false);
    assert_same(TAGGED, "dl_vlan=100,nw_frag=no", "pop_vlan,push_vlan(vid=100,pcp=0),p0", "p0",
                false);
    assert_same(TAGGED, VLAN "nw_frag=no", "pop_vlan,p0", "p0", false);
    assert_same(TAGGED, VLAN "nw_frag=no",
                "pop_vlan,push_vlan(vid=100,pcp=0),push_vlan(vid=7,pcp=0),p0",
                "push_vlan(vid=7,pcp=0),p0", true);
    assert_same(UNTAGGED, "nw_frag=no", "push_vlan(vid=7,pcp=0),push_vlan(vid=8,pcp=0),p0",
                "push_vlan(vid=8,pcp=0),push_vlan(vid=7,pcp=0),p0", false);
}

static void test_undecided_is_like_nothing(void **state)
{
    static const char *const actions[] = {
        "set(icmp(type=0,code=0)),p0",
        "push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),p0",
        "sample(sample=50.0%,actions(p0))",
        "check_pkt_len(size=1500,gt(p0),le(p1))",
        "lb_output(1)",
        "tnl_pop(vxlan_sys_4789)",
        "ct(commit,nat(dst=10.0.0.1)),p0",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        struct fl_trace *trace = made(UNTAGGED, "nw_frag=no", actions[i]);

        print_message("%s\n", actions[i]);
        assert_non_null(trace->fate->undecided);
        assert_false(fl_fate_same(trace->fate, trace->fate, &trace->fate->region));
        fl_trace_destroy(trace);
    }
}

/* A packet of the region, and others that only one bit keeps out of it. */
static void test_region_covers_its_packets(void **state)
{
    struct fl_trace *trace = parse("ct-established");
    struct flow packet;

    (void)state;
    memset(&packet, 0, sizeof packet);
    packet.dl_type = htons(ETH_TYPE_IP);
    packet.nw_dst = inet_addr("10.1.0.99");
    packet.in_port.ofp_port = 2;
    assert_true(fl_fate_covers(trace->fate, &packet));
    packet.tp_src = htons(7);
    assert_true(fl_fate_covers(trace->fate, &packet));
    packet.nw_dst = inet_addr("10.1.1.99");
    assert_false(fl_fate_covers(trace->fate, &packet));
    packet.nw_dst = inet_addr("10.1.0.99");
    packet.vlans[0].tci = htons(VLAN_CFI | 100);
    assert_false(fl_fate_covers(trace->fate, &packet));
    packet.vlans[0].tci = 0;
    packet.nw_frag = FLOW_NW_FRAG_ANY;
    assert_false(fl_fate_covers(trace->fate, &packet));
    fl_trace_destroy(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fates_of_recorded_traces),
        cmocka_unit_test(test_ct_actions_are_listed),
        cmocka_unit_test(test_what_amounts_to_the_same_is_the_same),
        cmocka_unit_test(test_vlan_headers_are_compared_as_a_stack),
        cmocka_unit_test(test_undecided_is_like_nothing),
        cmocka_unit_test(test_region_covers_its_packets),
    };

    return cmocka_run_group_tests_name("fate", tests, NULL, NULL);
}
