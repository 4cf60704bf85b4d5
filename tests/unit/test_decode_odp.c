/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The decoder against libopenvswitch: random flows, printed by its formatter as dpctl prints them, come
 * back as the flows that they were; and the fast way through a match gives what its own parser gives.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode.h"
#include "flows/decode_internal.h"

#define N_FLOWS 5000

/* The same numbers in every run, on every machine. */
static uint64_t seed = 20241122;

static uint32_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static bool one_in(uint32_t n)
{
    return any() % n == 0;
}

static void fill(void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)any();
}

/* Flows that a datapath can have */

static void make_tunnel(struct flow_tnl *tunnel)
{
    tunnel->tun_id = htonll(any());
    tunnel->flags = FLOW_TNL_F_KEY | (any() & (FLOW_TNL_F_DONT_FRAGMENT | FLOW_TNL_F_CSUM));
    if (one_in(2)) {
        tunnel->ip_src = htonl(any() | 1);
        tunnel->ip_dst = htonl(any() | 1);
    } else {
        fill(&tunnel->ipv6_src, sizeof tunnel->ipv6_src);
        fill(&tunnel->ipv6_dst, sizeof tunnel->ipv6_dst);
    }
    tunnel->ip_tos = (uint8_t)any();
    tunnel->ip_ttl = (uint8_t)any();
    tunnel->tp_src = htons((uint16_t)any());
    tunnel->tp_dst = htons((uint16_t)any());
    if (one_in(2)) {
        struct geneve_opt *opt = &tunnel->metadata.opts.gnv[0];

        opt->opt_class = htons(0x102);
        opt->type = 0x80;
        opt->length = 1;
        fill(opt + 1, 4);
        tunnel->metadata.present.len = 8;
        tunnel->flags |= FLOW_TNL_F_UDPIF;
    } else if (one_in(4)) {
        tunnel->gbp_id = htons((uint16_t)any());
        tunnel->gbp_flags = (uint8_t)any();
    }
}

static void make_transport(struct flow *flow)
{
    static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, 89 };
    static const uint8_t frags[] = { 0, 0, 0, FLOW_NW_FRAG_ANY,
                                     FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER };
    bool is_ipv6 = flow->dl_type == htons(ETH_TYPE_IPV6);

    flow->nw_proto = protos[any() % ARRAY_SIZE(protos)];
    flow->nw_tos = (uint8_t)any();
    flow->nw_ttl = (uint8_t)any();
    flow->nw_frag = frags[any() % ARRAY_SIZE(frags)];
    if (flow->nw_proto == IPPROTO_ICMP) {
        flow->nw_proto = is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
        flow->tp_src = htons(is_ipv6 && one_in(2) ? 135 : (uint8_t)any());
        flow->tp_dst = htons(flow->tp_src == htons(135) ? 0 : (uint8_t)any());
    } else if (flow->nw_proto != 89) {
        flow->tp_src = htons((uint16_t)any());
        flow->tp_dst = htons((uint16_t)any());
    }
    if (flow->nw_frag & FLOW_NW_FRAG_LATER)
        flow->tp_src = flow->tp_dst = 0;
    else if (flow->nw_proto == IPPROTO_TCP)
        flow->tcp_flags = htons(any() & 0x1ff);
    else if (is_nd(flow, NULL)) {
        fill(&flow->nd_target, sizeof flow->nd_target);
        fill(&flow->arp_sha, sizeof flow->arp_sha);
        fill(&flow->arp_tha, sizeof flow->arp_tha);
    }
}

static void make_network(struct flow *flow)
{
    static const uint16_t types[] = { ETH_TYPE_IP,  ETH_TYPE_IP,   ETH_TYPE_IPV6,
                                      ETH_TYPE_ARP, ETH_TYPE_MPLS, 0x88cc };

    flow->dl_type = htons(types[any() % ARRAY_SIZE(types)]);
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        flow->nw_src = htonl(any());
        flow->nw_dst = htonl(any());
        make_transport(flow);
    } else if (flow->dl_type == htons(ETH_TYPE_IPV6)) {
        fill(&flow->ipv6_src, sizeof flow->ipv6_src);
        fill(&flow->ipv6_dst, sizeof flow->ipv6_dst);
        flow->ipv6_label = htonl(any() & 0xfffff);
        make_transport(flow);
    } else if (flow->dl_type == htons(ETH_TYPE_ARP)) {
        flow->nw_src = htonl(any());
        flow->nw_dst = htonl(any());
        flow->nw_proto = (uint8_t)(any() % 10);
        fill(&flow->arp_sha, sizeof flow->arp_sha);
        fill(&flow->arp_tha, sizeof flow->arp_tha);
    } else if (flow->dl_type == htons(ETH_TYPE_MPLS)) {
        flow->mpls_lse[0] = htonl(any() | MPLS_BOS_MASK);
    }
}

static void make_conntrack(struct flow *flow)
{
    flow->ct_state = (uint8_t)any();
    flow->ct_zone = (uint16_t)any();
    flow->ct_mark = any();
    fill(&flow->ct_label, sizeof flow->ct_label);
    if (flow->dl_type == htons(ETH_TYPE_IP) && one_in(2)) {
        flow->ct_nw_proto = IPPROTO_TCP;
        flow->ct_nw_src = htonl(any());
        flow->ct_nw_dst = htonl(any());
        flow->ct_tp_src = htons((uint16_t)any());
        flow->ct_tp_dst = htons((uint16_t)any());
    }
}

static void make_flow(struct flow *flow)
{
    memset(flow, 0, sizeof *flow);
    flow->in_port.odp_port = u32_to_odp(any() & 0xffff);
    flow->recirc_id = one_in(2) ? 0 : any();
    flow->skb_priority = any();
    flow->pkt_mark = any();
    flow->dp_hash = any();
    fill(&flow->dl_src, sizeof flow->dl_src);
    fill(&flow->dl_dst, sizeof flow->dl_dst);
    make_network(flow);
    for (uint32_t i = 0, n = any() % 4; i < MIN(n, FLOW_MAX_VLAN_HEADERS); i++) {
        flow->vlans[i].tpid = htons(one_in(2) ? ETH_TYPE_VLAN_8021Q : ETH_TYPE_VLAN_8021AD);
        flow->vlans[i].tci = htons((uint16_t)(any() | VLAN_CFI));
    }
    if (one_in(3))
        make_tunnel(&flow->tunnel);
    if (one_in(2))
        make_conntrack(flow);
}

/* Masks */

/* All, none, or some of the bits that @mask has. */
static void thin_out(void *mask, size_t n, bool bits)
{
    uint32_t kind = any() % 3;

    for (size_t i = 0; i < n; i++) {
        if (kind == 0)
            ((uint8_t *)mask)[i] = 0;
        else if (kind == 1 && bits)
            ((uint8_t *)mask)[i] &= (uint8_t)any();
    }
}

#define THIN_OUT(FIELD, BITS) thin_out(&mask->FIELD, sizeof mask->FIELD, BITS)

/* What is zero is not printed. */
static void forget_zeros(const void *value, void *mask, size_t n)
{
    if (is_all_zeros(value, n))
        memset(mask, 0, n);
}

#define FORGET_ZEROS(FIELD) forget_zeros(&flow->FIELD, &mask->FIELD, sizeof mask->FIELD)

static void thin_out_tunnel(const struct flow *flow, struct flow *mask)
{
    THIN_OUT(tunnel.tun_id, true);
    THIN_OUT(tunnel.ip_src, true);
    THIN_OUT(tunnel.ip_dst, true);
    THIN_OUT(tunnel.ipv6_src, true);
    THIN_OUT(tunnel.ipv6_dst, true);
    THIN_OUT(tunnel.ip_tos, true);
    THIN_OUT(tunnel.ip_ttl, true);
    THIN_OUT(tunnel.tp_src, true);
    THIN_OUT(tunnel.tp_dst, true);
    FORGET_ZEROS(tunnel.ip_src);
    FORGET_ZEROS(tunnel.ip_dst);
    FORGET_ZEROS(tunnel.ipv6_src);
    FORGET_ZEROS(tunnel.ipv6_dst);
    FORGET_ZEROS(tunnel.ip_tos);
    FORGET_ZEROS(tunnel.tp_src);
    FORGET_ZEROS(tunnel.tp_dst);
    FORGET_ZEROS(tunnel.gbp_id);
    FORGET_ZEROS(tunnel.gbp_flags);
    FORGET_ZEROS(tunnel.erspan_ver);
    FORGET_ZEROS(tunnel.erspan_idx);
    FORGET_ZEROS(tunnel.erspan_dir);
    FORGET_ZEROS(tunnel.erspan_hwid);
    FORGET_ZEROS(tunnel.gtpu_flags);
    FORGET_ZEROS(tunnel.gtpu_msgtype);
}

static void thin_out_transport(const struct flow *flow, struct flow *mask)
{
    if (one_in(3)) { /* Ports need the protocol. */
        mask->nw_proto = 0;
        mask->tp_src = mask->tp_dst = mask->tcp_flags = 0;
        memset(&mask->nd_target, 0, sizeof mask->nd_target);
        if (flow->dl_type == htons(ETH_TYPE_IPV6)) {
            memset(&mask->arp_sha, 0, sizeof mask->arp_sha);
            memset(&mask->arp_tha, 0, sizeof mask->arp_tha);
        }
        return;
    }
    THIN_OUT(nd_target, true);
    if (!is_nd(flow, NULL)) {
        THIN_OUT(tp_src, true);
        THIN_OUT(tp_dst, true);
        THIN_OUT(tcp_flags, true);
    }
}

static void make_mask(const struct flow *flow, struct flow_wildcards *wc)
{
    struct flow *mask = &wc->masks;

    flow_wildcards_init_for_packet(wc, flow);
    THIN_OUT(skb_priority, true);
    THIN_OUT(pkt_mark, true);
    THIN_OUT(dp_hash, true);
    THIN_OUT(ct_state, true);
    THIN_OUT(ct_zone, true);
    THIN_OUT(ct_mark, true);
    THIN_OUT(ct_label, true);
    THIN_OUT(ct_nw_src, true);
    THIN_OUT(ct_nw_dst, true);
    THIN_OUT(ct_tp_src, true);
    THIN_OUT(dl_src, true);
    THIN_OUT(dl_dst, true);
    THIN_OUT(nw_src, true);
    THIN_OUT(nw_dst, true);
    THIN_OUT(ipv6_src, true);
    THIN_OUT(ipv6_dst, true);
    THIN_OUT(nw_tos, true);
    THIN_OUT(nw_ttl, true);
    THIN_OUT(nw_frag, false);
    THIN_OUT(arp_sha, true);
    THIN_OUT(arp_tha, true);
    mask->mpls_lse[0] &= htonl(any() | MPLS_BOS_MASK);
    thin_out_tunnel(flow, mask);
    if (flow->dl_type != htons(ETH_TYPE_ARP))
        thin_out_transport(flow, mask);
}

/* A flow as the datapath gives it to dpctl, and as libopenvswitch understands it. */
struct example {
    struct ofpbuf key, mask;
    struct match match;
};

static void make_example(struct example *example)
{
    static const struct odp_support support = {
        .max_vlan_headers = FLOW_MAX_VLAN_HEADERS,
        .max_mpls_depth = FLOW_MAX_MPLS_LABELS,
        .recirc = true,
        .ct_state = true,
        .ct_zone = true,
        .ct_mark = true,
        .ct_label = true,
        .ct_orig_tuple = true,
        .ct_orig_tuple6 = true,
    };
    struct flow flow;
    struct flow_wildcards wc;
    struct odp_flow_key_parms parms = {
        .flow = &flow, .mask = &wc.masks, .support = support, .key_buf = &example->key
    };
    char *error = NULL;

    ofpbuf_init(&example->key, 0);
    ofpbuf_init(&example->mask, 0);
    make_flow(&flow);
    make_mask(&flow, &wc);
    odp_flow_key_from_flow(&parms, &example->key);
    odp_flow_key_from_mask(&parms, &example->mask);

    memset(&example->match, 0, sizeof example->match);
    if (odp_flow_key_to_flow(example->key.data, example->key.size, &example->match.flow, &error) !=
        ODP_FIT_PERFECT)
        fail_msg("not a key: %s", error);
    if (odp_flow_key_to_mask(example->mask.data, example->mask.size, &example->match.wc,
                             &example->match.flow, &error) != ODP_FIT_PERFECT)
        fail_msg("not a mask: %s", error);
    match_zero_wildcarded_fields(&example->match);
}

static void destroy_example(struct example *example)
{
    ofpbuf_uninit(&example->key);
    ofpbuf_uninit(&example->mask);
}

/*
 * What text cannot carry: a tunnel's mask without a tunnel in the key, masks of flags beyond those that
 * have a name, and which of two equal things was meant by a length of options.
 */
static void forget_what_is_not_printed(struct match *match)
{
    struct flow *mask = &match->wc.masks;

    if (!flow_tnl_dst_is_set(&match->flow.tunnel) && !flow_tnl_src_is_set(&match->flow.tunnel) &&
        !match->flow.tunnel.tun_id)
        memset(&mask->tunnel, 0, sizeof mask->tunnel);
    mask->tunnel.flags &= FLOW_TNL_F_DONT_FRAGMENT | FLOW_TNL_F_CSUM | FLOW_TNL_F_UDPIF;
    mask->tunnel.metadata.present.len = 0;
    mask->tunnel.metadata.opts.gnv[0].r1 = 0;
    mask->tunnel.metadata.opts.gnv[0].r2 = 0;
    mask->tunnel.metadata.opts.gnv[0].r3 = 0;
    mask->tcp_flags &= htons(0xfff);
    mask->ipv6_label &= htonl(0xfffff);
    match_zero_wildcarded_fields(match);
}

/* Decoding */

struct expected {
    const struct example *example;
    struct ofpbuf actions;
    uint64_t packets, bytes;
    size_t n;
    const char *text;
};

static void assert_same_match(const struct match *is, const struct match *wanted, const char *text)
{
    char *is_text, *wanted_text;

    if (match_equal(is, wanted))
        return;
    is_text = match_to_string(is, NULL, OFP_DEFAULT_PRIORITY);
    wanted_text = match_to_string(wanted, NULL, OFP_DEFAULT_PRIORITY);
    for (size_t i = 0; i < sizeof is->flow; i++) {
        if (((const uint8_t *)&is->flow)[i] != ((const uint8_t *)&wanted->flow)[i] ||
            ((const uint8_t *)&is->wc)[i] != ((const uint8_t *)&wanted->wc)[i])
            print_message("# byte %zu: is %02x/%02x, wanted %02x/%02x\n", i,
                          ((const uint8_t *)&is->flow)[i], ((const uint8_t *)&is->wc)[i],
                          ((const uint8_t *)&wanted->flow)[i], ((const uint8_t *)&wanted->wc)[i]);
    }
    fail_msg("%s\n  is     %s\n  wanted %s", text, is_text, wanted_text);
}

static int compare_flow(const struct fl_flow *flow, void *expected_)
{
    struct expected *expected = expected_;
    struct match match, wanted = expected->example->match;

    expected->n++;
    if (flow->parse_error)
        fail_msg("%s: %s", flow->parse_error, expected->text);
    minimatch_expand(&flow->match, &match);
    forget_what_is_not_printed(&match);
    forget_what_is_not_printed(&wanted);
    assert_same_match(&match, &wanted, expected->text);
    assert_int_equal(odp_to_u32(flow->in_port), odp_to_u32(wanted.flow.in_port.odp_port));
    assert_int_equal(flow->recirc_id, wanted.flow.recirc_id);
    assert_int_equal(flow->packets, expected->packets);
    assert_int_equal(flow->bytes, expected->bytes);
    assert_true(flow->has_match && !flow->match_partial && flow->has_actions);
    assert_int_equal(flow->actions_len, expected->actions.size);
    assert_memory_equal(flow->actions, expected->actions.data, expected->actions.size);
    return 0;
}

/* Actions that say the same in both directions, by libopenvswitch's own tests. */
static void make_actions(struct ofpbuf *actions)
{
    static const char *const lists[] = {
        "1,2,3",
        "ct(commit,zone=5,mark=0x1/0xf,label=0x2/0xff,nat(src=10.0.0.1)),recirc(7)",
        "set(eth(src=00:01:02:03:04:05,dst=10:11:12:13:14:15)),set(ipv4(ttl=63)),7",
        "push_vlan(vid=77,pcp=2),5,pop_vlan,push_vlan(tpid=0x88a8,vid=5,pcp=0),6",
        "set(tunnel(tun_id=0x7,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|csum|key))),4",
        "clone(tnl_push(tnl_port(4),header(size=50,type=4,eth(dst=f8:bc:12:44:34:b6,"
        "src=f8:bc:12:46:58:e0,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,tos=0,ttl=64,"
        "frag=0x40),udp(src=0,dst=4789,csum=0x0),vxlan(flags=0x8000000,vni=0x1c7)),out_port(1)),2)",
        "userspace(pid=9765,slow_path(cfm)),ct_clear,ct(nat),recirc(1),meter(5),trunc(100),3",
        "sample(sample=12.5%,actions(userspace(pid=1,sFlow(vid=9,pcp=7,output=10),actions))),8",
    };

    ofpbuf_init(actions, 0);
    assert_int_equal(odp_actions_from_string(lists[any() % ARRAY_SIZE(lists)], NULL, actions), 0);
}

/* As format_dpif_flow() of OVS's lib/dpctl.c does it. */
static void print_example(const struct example *example, bool verbose, struct expected *expected,
                          struct ds *text)
{
    if (verbose)
        ds_put_format(text, "ufid:%08" PRIx32 "-0000-4000-8000-000000000001, ", any());
    odp_flow_format(example->key.data, example->key.size, example->mask.data, example->mask.size,
                    NULL, text, verbose);
    ds_put_format(text, ", packets:%" PRIu64 ", bytes:%" PRIu64 ", used:%d.%03ds",
                  expected->packets, expected->bytes, (int)(any() % 100), (int)(any() % 1000));
    ds_put_cstr(text, verbose ? ", flags:SP., offloaded:yes, dp:tc, actions:" : ", actions:");
    format_odp_actions(text, expected->actions.data, expected->actions.size, NULL);
    ds_put_char(text, '\n');
}

static void decode_random_flows(bool verbose)
{
    struct fl_ports *ports = fl_ports_create();

    for (int i = 0; i < N_FLOWS; i++) {
        struct ds text = DS_EMPTY_INITIALIZER;
        struct example example;
        struct expected expected = { .example = &example,
                                     .packets = any(),
                                     .bytes = (uint64_t)any() << 20 };
        struct fl_decoder *decoder = fl_decoder_create(ports, 0, compare_flow, &expected);

        make_example(&example);
        make_actions(&expected.actions);
        print_example(&example, verbose, &expected, &text);
        expected.text = ds_cstr(&text);
        fl_decoder_push(decoder, text.string, text.length);
        fl_decoder_finish(decoder);
        if (expected.n != 1)
            fail_msg("%zu flows: %s", expected.n, expected.text);
        fl_decoder_destroy(decoder);
        ofpbuf_uninit(&expected.actions);
        destroy_example(&example);
        ds_destroy(&text);
    }
    fl_ports_destroy(ports);
}

static void flows_printed_with_m_come_back(void **state)
{
    (void)state;
    decode_random_flows(true);
}

static void flows_printed_without_m_come_back(void **state)
{
    (void)state;
    decode_random_flows(false);
}

/* The attributes of a match: it has no blanks, and commas outside of brackets between them. */
static void split_match(const char *s, struct fl_match_text *text)
{
    struct fl_cursor c = { s, s + strlen(s) };

    text->n_attrs = 0;
    while (c.p < c.end && text->n_attrs < FL_MAX_MATCH_ATTRS) {
        const char *start = c.p;

        c.p = strchr(start, '(');
        assert_non_null(c.p);
        assert_true(fl_scan_bracketed(&c));
        text->attrs[text->n_attrs++] = (struct fl_text){ start, (size_t)(c.p - start) };
        fl_scan_char(&c, ',');
    }
}

static void both_ways_through_a_match_agree(void **state)
{
    struct fl_ports *ports = fl_ports_create();
    int n = 0;

    (void)state;
    for (int i = 0; i < N_FLOWS; i++) {
        struct ds text = DS_EMPTY_INITIALIZER;
        struct fl_match_text attrs;
        struct fl_match_result result;
        struct match fast, slow;
        struct example example;

        make_example(&example);
        odp_flow_format(example.key.data, example.key.size, example.mask.data, example.mask.size,
                        NULL, &text, true);
        split_match(ds_cstr(&text), &attrs);
        if (!fl_match_read(&attrs, ports, false, &fast, &result))
            fail_msg("%.*s: %s", (int)result.refused.n, result.refused.s, ds_cstr(&text));
        /* libopenvswitch refuses some of what it prints. */
        if (fl_match_read_odp(&attrs, ports, &slow, &result)) {
            forget_what_is_not_printed(&fast);
            forget_what_is_not_printed(&slow);
            assert_same_match(&fast, &slow, ds_cstr(&text));
            n++;
        }
        destroy_example(&example);
        ds_destroy(&text);
    }
    print_message("# libopenvswitch read %d of %d\n", n, N_FLOWS);
    assert_true(n > N_FLOWS * 8 / 10);
    fl_ports_destroy(ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_printed_with_m_come_back),
        cmocka_unit_test(flows_printed_without_m_come_back),
        cmocka_unit_test(both_ways_through_a_match_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
