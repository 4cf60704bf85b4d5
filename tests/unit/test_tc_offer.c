/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Flows as the TC filters that OVS offers for them: turned back into flows they are the same, over flows that
 * OVS itself printed or takes, and what OVS offers no filter for is named.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/decode.h"
#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "flows/tc_offer.h"
#include "tests/unit/printed.h"

static struct fl_tc_filter filter;
static struct fl_tc_flow scratch;

struct host {
    struct fl_ports *ports;
    const char *kind;   /* Of every device. */
    const char *absent; /* TC does not know this one. */
    char names[8][64];  /* Of those that have none. */
};

static bool find_port(odp_port_t number, struct fl_tc_port *found, void *host_)
{
    struct host *host = host_;
    char buf[16];
    const char *name = fl_ports_name(host->ports, number, buf);

    if (host->absent && !strcmp(name, host->absent))
        return false;
    if (name == buf) {
        char *kept = host->names[odp_to_u32(number) % 8];

        name = strcpy(kept, buf);
    }
    *found = (struct fl_tc_port){
        .dev = name,
        .kind = host->kind,
        .ifindex = (int)(odp_to_u32(number) & 0xffff) + 1,
        .internal = !strcmp(name, "br0"),
        .block = !strcmp(name, "bond0") ? 9 : 0,
    };
    return true;
}

static void with_flow(const char *line, fl_decode_cb *see, struct host *host)
{
    struct fl_ports *ports = fl_ports_create();
    struct fl_decoder *decoder;

    host->ports = ports;
    decoder = fl_decoder_create(ports, 0, see, host);
    fl_tc_flow_init(&scratch, ports);
    fl_decoder_push(decoder, line, strlen(line));
    fl_decoder_finish(decoder);
    assert_true(fl_decoder_stats(decoder)->flows >= 1);
    fl_decoder_destroy(decoder);
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
}

static int offer(const struct fl_flow *flow, struct host *host, struct fl_error *err)
{
    const struct fl_tc_offer_host options = { .port = find_port, .aux = host };

    return fl_tc_offer(flow, &options, &filter, err);
}

/* What TC has no form for, and OVS leaves out. */
static void drop_flag(char *text, const char *flag)
{
    char *at = strstr(text, flag);

    if (at)
        memmove(at, at + strlen(flag), strlen(at + strlen(flag)) + 1);
}

/* Return: whether the flow comes back; the texts of both when it does not. */
static bool comes_back(const struct fl_flow *flow, char **before, char **after)
{
    _cleanup_free char *match = match_text(flow), *actions = actions_text(flow);
    _cleanup_free char *match_again = NULL, *actions_again = NULL;
    struct fl_flow again;

    fl_tc_to_flow(&scratch, &filter, 0, &again);
    match_again = match_text(&again);
    actions_again = actions_text(&again);
    drop_flag(actions, "df|");
    drop_flag(match, "-df-csum");
    *before = xasprintf("%s actions=%s", match, actions);
    *after = xasprintf("%s actions=%s%s%s", match_again, actions_again,
                       again.parse_error ? " " : "", again.parse_error ? again.parse_error : "");
    return !again.parse_error && !strcmp(*before, *after);
}

static int see_round_trip(const struct fl_flow *flow, void *host)
{
    _cleanup_free char *before = NULL, *after = NULL;
    struct fl_error err = FL_ERROR_INIT;

    assert_null(flow->parse_error);
    if (offer(flow, host, &err))
        fail_msg("not offered: %s", err.text);
    if (!comes_back(flow, &before, &after))
        fail_msg("\nbefore %s\nafter  %s", before, after);
    return 0;
}

#define IN   "recirc_id(0),in_port(vnet1),eth(src=52:54:00:00:00:01,dst=52:54:00:00:00:02),"
#define IP   IN "eth_type(0x0800),"
#define TAIL ", packets:0, bytes:0, used:never, dp:ovs, actions:"
#define TCP  IP "ipv4(src=10.0.0.0/255.255.255.0,dst=10.1.0.1,proto=6,frag=no),tcp(dst=2049)"
#define IP6  IN "eth_type(0x86dd),ipv6(dst=fd00::1,proto=17,frag=no),udp(dst=4791)"

static const char *const offered[] = {
    IP "ipv4(frag=no)" TAIL "uplink",
    TCP TAIL "push_vlan(vid=100,pcp=0),uplink",
    IN "eth_type(0x8100),vlan(vid=100,pcp=0),encap(eth_type(0x0800),ipv4(frag=no))" TAIL
       "pop_vlan,vnet2",
    IN "eth_type(0x8100),vlan(vid=100,pcp=3),encap(eth_type(0x0806),arp(sip=10.0.0.1,op=1))" TAIL
       "vnet2",
    IN "eth_type(0x88a8),vlan(vid=7,pcp=0),encap(eth_type(0x8100),vlan(vid=8,pcp=1),"
       "encap(eth_type(0x0800),ipv4(proto=17,frag=no),udp(src=53)))" TAIL "pop_vlan,vnet2",
    IN "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=52:54:00:00:00:01)" TAIL "vnet2",
    IN "eth_type(0x86dd),ipv6(src=fe80::/ffc0::,proto=58,hlimit=255,frag=no),"
       "icmpv6(type=135,code=0)" TAIL "drop",
    IP "ipv4(proto=1,tos=0/0x3,ttl=64,frag=no),icmp(type=8,code=0)" TAIL "vnet2",
    IP "ipv4(proto=132,frag=first),sctp(src=7,dst=9)" TAIL "vnet2",
    IP "ipv4(proto=17,frag=later)" TAIL "vnet2",
    IP "ipv4(proto=6,frag=no),tcp(src=1024/0xfc00),tcp_flags(0x2/0x12)" TAIL "vnet2",
    "ct_state(+est+trk),ct_zone(0x5),ct_mark(0x1/0xf),ct_label(0x1/0x1)," IP "ipv4(frag=no)" TAIL
    "vnet2",
    "ct_state(-trk)," IP "ipv4(frag=no)" TAIL "ct(zone=7,nat),recirc(0x3)",
    IP "ipv4(frag=no)" TAIL "ct(commit,zone=7,mark=0x1/0x3,label=0x2/0x2,"
       "nat(src=10.0.0.1-10.0.0.9:1024-2048)),recirc(0x3)",
    IP "ipv4(frag=no)" TAIL "ct(force_commit,nat(dst=10.0.0.1)),recirc(0x4)",
    IP6 TAIL "ct(commit,zone=1,nat(dst=fd00::5)),recirc(0x4)",
    IP "ipv4(frag=no)" TAIL "ct_clear,vnet2",
    IP "ipv4(frag=no)" TAIL "vnet2,uplink,push_vlan(vid=9,pcp=1),vnet3",
    TCP TAIL "set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),vnet2",
    TCP TAIL "set(eth(dst=02:00:00:00:00:02)),set(ipv4(src=1.2.3.4,ttl=63)),set(tcp(dst=80)),vnet2",
    TCP TAIL "set(ipv4(tos=0x10/0xfc)),vnet3,set(ipv4(dst=9.9.9.9)),vnet2",
    IP6 TAIL "set(ipv6(src=fd00::9,dst=fd00::8,hlimit=3)),set(udp(src=1,dst=2)),vnet2",
    IP6 TAIL "set(ipv6(tclass=0x10/0xfc)),vnet2",
    IN "eth_type(0x8847),mpls(label=100,tc=3,ttl=64,bos=1)" TAIL "pop_mpls(eth_type=0x800),vnet2",
    IP "ipv4(frag=no)" TAIL "push_mpls(label=7,tc=1,ttl=9,bos=1,eth_type=0x8847),vnet2",
    IP "ipv4(frag=no)" TAIL "br0",
    TCP TAIL "set(tunnel(tun_id=0x5,src=10.1.1.1,dst=10.1.1.2,ttl=64,tp_dst=4789,flags(key))),vx",
    TCP TAIL "set(tunnel(tun_id=0x5,ipv6_src=fd00::1,ipv6_dst=fd00::2,tos=1,ttl=64,tp_dst=4789,"
             "flags(csum|key))),vx",
    TCP TAIL "check_pkt_len(size=1500,gt(vnet2),le(vnet3))",
    TCP TAIL "check_pkt_len(size=1500,gt(vnet2),le(vnet3)),uplink",
    TCP TAIL "check_pkt_len(size=1500,gt(drop),le(vnet3))",
    TCP TAIL "check_pkt_len(size=1500,gt(vnet2),le(drop))",
    TCP TAIL
    "check_pkt_len(size=1500,gt(set(ipv4(ttl=63)),vnet2),le(push_vlan(vid=9,pcp=1),vnet3)),"
    "uplink",
    TCP TAIL "check_pkt_len(size=1500,gt(check_pkt_len(size=2000,gt(vnet2),le(vnet3))),le(uplink))",
    TCP TAIL "check_pkt_len(size=1500,gt(check_pkt_len(size=2000,gt(vnet2),le(vnet3))),le(uplink)),"
             "vnet4",
    "recirc_id(0x9),in_port(br0),eth(),"
    "eth_type(0x88cc)" TAIL "vnet2",
};

static void offered_flows_come_back(void **state)
{
    struct host host = { .kind = NULL };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(offered); i++) {
        with_flow(offered[i], see_round_trip, &host);
    }
}

/* Those of tunnels; options only of Geneve. */

#define TUNNEL(more)                                                                              \
    "recirc_id(0),tunnel(tun_id=0x7,src=10.1.0.1,dst=10.1.0.2,tos=0/0,ttl=0/0,tp_src=0/0,tp_dst=" \
    "6081," more "flags(-df-csum+key)),in_port(genev),eth(),eth_type(0x0800),ipv4(frag=no)"

static int see_tunnel(const struct fl_flow *flow, void *host)
{
    struct fl_error err = FL_ERROR_INIT;
    struct match match, again;
    struct fl_flow back;

    assert_null(flow->parse_error);
    if (offer(flow, host, &err))
        fail_msg("not offered: %s", err.text);
    fl_tc_to_flow(&scratch, &filter, 0, &back);
    minimatch_expand(&flow->match, &match);
    minimatch_expand(&back.match, &again);
    /* TC has no form for these flags, and OVS leaves them out. */
    match.wc.masks.tunnel.flags &= (uint16_t) ~(FLOW_TNL_F_DONT_FRAGMENT | FLOW_TNL_F_CSUM);
    match.flow.tunnel.flags &= match.wc.masks.tunnel.flags | FLOW_TNL_F_UDPIF;
    assert_true(match_equal(&match, &again));
    assert_int_equal(filter.actions[0].kind, FL_TC_TUNNEL_KEY);
    assert_int_equal(filter.actions[0].tunnel_key.action, FL_TC_TUNNEL_UNSET);
    assert_int_equal(filter.actions[1].kind, FL_TC_MIRRED);
    assert_int_equal(filter.actions[1].control, FL_TC_STOLEN);
    return 0;
}

static void what_comes_through_a_tunnel_is_offered(void **state)
{
    struct host geneve = { .kind = "geneve" }, vxlan = { .kind = "vxlan" };
    (void)state;

    with_flow(TUNNEL("") TAIL "vnet2", see_tunnel, &vxlan);
    with_flow(TUNNEL("geneve({class=0x102,type=0x80,len=4,0x11223344/0xff00ff00}),") TAIL "vnet2",
              see_tunnel, &geneve);
    assert_int_equal(filter.enc_opts.kind, FL_TC_OPTS_GENEVE);
    assert_int_equal(filter.enc_opts.n_bytes, 8);
    assert_int_equal(filter.enc_opts_mask.geneve[3], 1);
}

/* What is not offered. */

struct refusal {
    struct host host;
    int ret;
    const char *sentence;
    bool without_recirc;
};

static int see_refusal(const struct fl_flow *flow, void *refusal_)
{
    struct refusal *refusal = refusal_;
    const struct fl_tc_offer_host options = { find_port, &refusal->host, refusal->without_recirc };
    struct fl_error err = FL_ERROR_INIT;
    int ret = fl_tc_offer(flow, &options, &filter, &err);

    assert_string_equal(err.text, refusal->sentence);
    assert_int_equal(ret, refusal->ret);
    return 0;
}

static void refused(const char *line, int ret, const char *sentence)
{
    struct refusal refusal = { .ret = ret, .sentence = sentence };

    refusal.host.absent = "gone";
    with_flow(line, see_refusal, &refusal.host);
}

static void what_ovs_does_not_offer_is_named(void **state)
{
    struct refusal recirc = { .ret = -EOPNOTSUPP,
                              .without_recirc = true,
                              .sentence =
                                  "Open vSwitch offers no recirculation where the kernel does "
                                  "not share its ids with TC (NET_TC_SKB_EXT)" };
    (void)state;

    refused("skb_mark(0x1)," IP "ipv4(frag=no)" TAIL "vnet2", -EOPNOTSUPP,
            "Open vSwitch offers no match on skb_mark");
    refused("skb_mark(0x1)," IN "eth_type(0x8100),vlan(vid=1/0xf)" TAIL "vnet2", -EOPNOTSUPP,
            "Open vSwitch offers no match on skb_mark, part of the vlan tag");
    refused("ct_state(+trk+dnat)," IP "ipv4(frag=no)" TAIL "vnet2", -EOPNOTSUPP,
            "Open vSwitch offers no match on ct_state=+trk+dnat");
    refused(IP "ipv4(frag=no)" TAIL "userspace(pid=1,slow_path(action))", -EOPNOTSUPP,
            "Open vSwitch does not offer userspace(pid=1,slow_path(action))");
    refused(IP "ipv4(frag=no)" TAIL "trunc(100),vnet2", -EOPNOTSUPP,
            "Open vSwitch does not offer trunc(100)");
    refused(IP "ipv4(frag=no)" TAIL "ct(commit,helper=ftp),recirc(0x1)", -EOPNOTSUPP,
            "Open vSwitch does not offer ct() with a helper (alg)");
    refused(IP6 TAIL "set(ipv6(label=0x1)),vnet2", -EOPNOTSUPP,
            "Open vSwitch does not offer set(ipv6(label=0x1))");
    refused(
        IP "ipv4(frag=no)" TAIL "set(ipv4(ttl=1)),vnet2", -EINVAL,
        "what Open vSwitch offers for a rewrite of IP where no protocol is matched depends on the "
        "packet that the flow was made for");
    refused(IP "ipv4(proto=132,frag=no)" TAIL "set(ipv4(ttl=1)),vnet2", -EOPNOTSUPP,
            "Open vSwitch offers no rewrite of IP protocol 132");
    refused(IP "ipv4(frag=no)" TAIL "meter(1),vnet2", -EINVAL,
            "only Open vSwitch knows which policer it offers for a meter");
    refused(IP "ipv4(frag=no)" TAIL "gone", -ENODEV, "TC has no device for a port it is sent to");
    refused("recirc_id(0),in_port(gone),eth(),eth_type(0x0800)" TAIL "vnet2", -ENODEV,
            "TC has no device for the port it comes in at");
    with_flow(IP "ipv4(frag=no)" TAIL "recirc(0x7)", see_refusal, &recirc.host);
}

/* Where it is attached, and details that the way back does not show. */

static int keep_filter(const struct fl_flow *flow, void *host)
{
    assert_int_equal(offer(flow, host, NULL), 0);
    return 0;
}

static void a_filter_is_where_ovs_attaches_it(void **state)
{
    struct host host = { .kind = NULL };
    (void)state;

    with_flow(IP "ipv4(frag=no)" TAIL "vnet2", keep_filter, &host);
    assert_int_equal(filter.hook, FL_TC_INGRESS);
    assert_true(filter.ifindex > 0);
    with_flow("recirc_id(0x9),in_port(br0),eth(),eth_type(0x0800)" TAIL "vnet2", keep_filter,
              &host);
    assert_int_equal(filter.hook, FL_TC_EGRESS);
    assert_int_equal(filter.chain, 9);
    with_flow("recirc_id(0),in_port(bond0),eth(),eth_type(0x0800)" TAIL "vnet2", keep_filter,
              &host);
    assert_int_equal(filter.hook, FL_TC_BLOCK);
    assert_int_equal(filter.block, 9);
    assert_int_equal(filter.ifindex, 0);
}

static void rewrites_are_followed_by_one_checksum(void **state)
{
    struct host host = { .kind = NULL };
    (void)state;

    with_flow(TCP TAIL "set(eth(dst=02:00:00:00:00:02)),set(ipv4(ttl=63)),set(tcp(dst=80)),vnet2",
              keep_filter, &host);
    assert_int_equal(filter.n_actions, 5);
    assert_int_equal(filter.actions[2].kind, FL_TC_PEDIT);
    assert_int_equal(filter.actions[3].kind, FL_TC_CSUM);
    assert_int_equal(filter.actions[3].csum, 1 | 8);
    with_flow(TCP TAIL "set(eth(dst=02:00:00:00:00:02)),vnet2", keep_filter, &host);
    assert_int_equal(filter.n_actions, 2);
    with_flow(TCP TAIL "br0,vnet2", keep_filter, &host);
    assert_int_equal(filter.actions[0].kind, FL_TC_SKBEDIT);
    assert_true(filter.actions[1].mirred.ingress && filter.actions[1].mirred.mirror);
    assert_false(filter.actions[2].mirred.ingress || filter.actions[2].mirred.mirror);
    with_flow(TCP TAIL "check_pkt_len(size=1500,gt(recirc(0x3)),le(vnet3))", keep_filter, &host);
    assert_int_equal(filter.actions[0].police.result, FL_TC_JUMP | 2);
    assert_int_equal(filter.actions[1].control, FL_TC_GOTO | 3);
    with_flow(TCP TAIL "ct(zone=1)", keep_filter, &host);
    assert_int_equal(filter.actions[0].control, FL_TC_SHOT);
}

/* Flows that a kernel's datapath held. */

struct tally {
    struct host host;
    size_t offered, not_offered, untold, wider;
};

/* Labels behind a VLAN tag: OVS leaves them out of its filter. */
static bool is_left_out(const struct fl_flow *flow)
{
    struct match match;

    minimatch_expand(&flow->match, &match);
    return match.wc.masks.mpls_lse[0] && match.flow.vlans[0].tpid;
}

static int count(const struct fl_flow *flow, void *tally_)
{
    struct tally *tally = tally_;
    _cleanup_free char *before = NULL, *after = NULL;
    struct fl_error err = FL_ERROR_INIT;
    int ret = offer(flow, &tally->host, &err);

    if (ret) {
        assert_string_not_equal(err.text, "");
        assert_true(ret == -EOPNOTSUPP || ret == -EINVAL);
        *(ret == -EINVAL ? &tally->untold : &tally->not_offered) += 1;
        return 0;
    }
    if (is_left_out(flow)) {
        assert_false(comes_back(flow, &before, &after));
        assert_false(fl_tc_has_key(&filter, FL_TC_KEY_MPLS_LABEL));
        tally->wider++;
        return 0;
    }
    if (!comes_back(flow, &before, &after))
        fail_msg("\nbefore %s\nafter  %s", before, after);
    tally->offered++;
    return 0;
}

static void recorded_flows_come_back(void **state)
{
    _cleanup_free char *path = xasprintf("%s/tests/recorded/ovs_flow.dump",
                                         getenv("FLOWLIFT_SOURCE"));
    FILE *file = fopen(path, "r");
    _cleanup_free char *text = xzalloc(4 << 20);
    struct tally tally = { .offered = 0 };

    (void)state;
    assert_non_null(file);
    assert_true(fread(text, 1, (4 << 20) - 1, file) > 0);
    fclose(file);
    with_flow(text, count, &tally.host);
    print_message("# %zu offered, %zu wider than they are, %zu not, %zu not to be told\n",
                  tally.offered, tally.wider, tally.not_offered, tally.untold);
    assert_true(tally.wider > 0);
    assert_true(tally.offered > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offered_flows_come_back),
        cmocka_unit_test(what_comes_through_a_tunnel_is_offered),
        cmocka_unit_test(what_ovs_does_not_offer_is_named),
        cmocka_unit_test(a_filter_is_where_ovs_attaches_it),
        cmocka_unit_test(rewrites_are_followed_by_one_checksum),
        cmocka_unit_test(recorded_flows_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
