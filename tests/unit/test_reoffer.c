/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules that make Open vSwitch build flows anew: which, and what its own classifier says of the masks of these
 * flows and of others once the rules are in.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ovs/classifier.h>

#include "flows/cleanup.h"
#include "flows/reoffer.h"
#include "tests/unit/example_host.h"

#define SERVER "52:54:00:00:01:01"
/* As a bridge that switches by MAC address has them, of a VM and the way back. */
#define OUT(N, VM, MAC, IP, STATS)                                               \
    UFID(N)                                                                      \
    IN(VM)                                                                       \
    "eth(src=" MAC ",dst=" SERVER "),eth_type(0x0800),ipv4(" IP "frag=no)" STATS \
    "actions:push_vlan(vid=100,pcp=0),p0\n"
#define BACK(N, VM, MAC, IP, STATS)                                         \
    UFID(N)                                                                 \
    IN("p0")                                                                \
    "eth(src=" SERVER ",dst=" MAC "),eth_type(0x8100),vlan(vid=100,pcp=0)," \
    "encap(eth_type(0x0800),ipv4(" IP "frag=no))" STATS "actions:pop_vlan," VM "\n"
#define STRANDED COUNT("100") SW

struct host {
    struct fl_snapshot *snapshot;
    struct fl_storage storage;
    struct fl_audit *audit;
    struct fl_flowset set;
    struct fl_error err;
    int result;
};

static void give_numbers(struct fl_inventory *inv)
{
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        inv->interfaces[i].ofport = (OVS_FORCE ofp_port_t)(10 + i);
    }
}

static void reoffer(struct host *h, const char *dump)
{
    struct fl_inventory inv;

    memset(h, 0, sizeof *h);
    fl_storage_init(&h->storage);
    h->snapshot = snapshot_of(NULL, dump);
    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    give_numbers(&inv);
    set_inventory(h->snapshot, &inv);
    h->audit = fl_audit_run(h->snapshot, &h->storage, &fl_audit_options_default);
    h->result = fl_reoffer_rules(fl_audit_vm(h->audit, "web"), fl_snapshot_ports_const(h->snapshot),
                                 false, &h->set, &h->err);
}

static void done(struct host *h)
{
    if (!h->result) {
        fl_flowset_destroy(&h->set);
    }
    fl_audit_destroy(h->audit);
    fl_snapshot_destroy(h->snapshot);
    fl_storage_destroy(&h->storage);
}

static void assert_rules(struct host *h, const char *expected)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    assert_string_equal(h->err.text, "");
    fl_reoffer_hand_on(&h->set, 15, UINT32_C(1) << 31);
    for (size_t i = 0; i < h->set.n_rules; i++) {
        _cleanup_free char *match = fl_rule_match_text(&h->set.rules[i]);

        ds_put_format(&text, "%s %s\n", match, h->set.rules[i].actions);
    }
    assert_string_equal(ds_cstr(&text), expected);
    ds_destroy(&text);
}

static void a_rule_tests_the_protocol_where_the_flow_does_not(void **state)
{
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "", STRANDED) BACK("02", "vm1", MAC_1, "", STRANDED));
    assert_rules(&h, "sctp,reg15=0/0x80000000,in_port=11,vlan_tci=0x0000/0x1fff,dl_src=" MAC_1
                     ",dl_dst=" SERVER " load:0x1->NXM_NX_REG15[31],resubmit(,0)\n"
                     "sctp,reg15=0/0x80000000,in_port=10,dl_vlan=100,dl_dst=" MAC_1
                     " load:0x1->NXM_NX_REG15[31],resubmit(,0)\n");
    done(&h);
}

static void a_rule_tests_the_ttl_where_the_flow_tests_the_protocol(void **state)
{
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "src=10.1.0.11,proto=6,", STRANDED));
    assert_rules(&h, "tcp,reg15=0/0x80000000,in_port=11,vlan_tci=0x0000/0x1fff,dl_src=" MAC_1
                     ",dl_dst=" SERVER ",nw_ttl=0 load:0x1->NXM_NX_REG15[31],resubmit(,0)\n");
    done(&h);
}

static void flows_that_differ_above_the_mac_address_share_a_rule(void **state)
{
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "dst=10.1.0.1,", STRANDED)
                    OUT("02", "vm1", MAC_1, "dst=10.1.0.2,", STRANDED));
    assert_int_equal(h.result, 0);
    assert_int_equal(h.set.n_rules, 1);
    done(&h);
}

static void those_to_be_proven_match_the_flows_own_packets(void **state)
{
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "src=10.1.0.11,dst=10.1.0.1,", STRANDED)
                    OUT("02", "vm1", MAC_1, "src=10.1.0.11,dst=10.1.0.2,", STRANDED));
    fl_flowset_destroy(&h.set);
    assert_int_equal(fl_reoffer_rules(fl_audit_vm(h.audit, "web"),
                                      fl_snapshot_ports_const(h.snapshot), true, &h.set, &h.err),
                     0);
    assert_rules(&h, "sctp,reg15=0/0x80000000,in_port=11,vlan_tci=0x0000,dl_src=" MAC_1
                     ",dl_dst=" SERVER ",nw_src=10.1.0.11,nw_dst=10.1.0.1,nw_frag=no"
                     " load:0x1->NXM_NX_REG15[31],resubmit(,0)\n"
                     "sctp,reg15=0/0x80000000,in_port=11,vlan_tci=0x0000,dl_src=" MAC_1
                     ",dl_dst=" SERVER ",nw_src=10.1.0.11,nw_dst=10.1.0.2,nw_frag=no"
                     " load:0x1->NXM_NX_REG15[31],resubmit(,0)\n");
    done(&h);
}

static void assert_none(const char *dump, const char *why)
{
    struct host h;

    reoffer(&h, dump);
    assert_int_equal(h.result, -ENOTSUP);
    assert_int_equal(h.set.n_rules, 0);
    if (!strstr(h.err.text, why)) {
        fail_msg("\"%s\" does not say \"%s\"", h.err.text, why);
    }
    done(&h);
}

static void what_cannot_be_built_anew_by_itself_is_said(void **state)
{
    (void)state;
    assert_none(OUT("01", "vm1", MAC_1, "", COUNT("100") HW), "there is none in software");
    assert_none(
        UFID("01") IN(
            "vm1") "eth_type(0x0800),ipv4(frag=no)" STRANDED
                   "actions:ct(zone=1),recirc(0x7)\n" UFID(
                       "02") "recirc_id(0x7),in_port(vm1),eth_type(0x0800),ipv4(frag=no)" STRANDED
                             "actions:p0\n",
        "it is recirculated");
    assert_none(OUT("01", "vm1", MAC_1, "proto=6,ttl=64,", STRANDED),
                "it tests protocol and TTL already");
    assert_none(UFID("01") IN("p0") "eth_type(0x0800),ipv4(frag=no)" STRANDED "actions:vm1\n",
                "it does not test for which VM it is");
    assert_none(OUT("01", "vm1", MAC_1, "", STRANDED) UFID("02")
                    IN("vm1") "eth(src=" MAC_1 ",dst=" SERVER "),eth_type(0x0800),"
                              "ipv4(proto=6,frag=no),tcp(dst=2049),no_such_field(1)" STRANDED
                              "actions:p0\n",
                "it was not understood in full");
}

static void a_flow_is_asked_about_as_it_will_be(void **state)
{
    struct match live, anew;
    struct fl_flow flow;
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "", STRANDED));
    fl_reoffer_anew(&fl_snapshot_flow(h.snapshot, 0)->flow, &flow);
    minimatch_expand(&flow.match, &anew);
    minimatch_expand(&fl_snapshot_flow(h.snapshot, 0)->flow.match, &live);
    match_set_nw_proto(&live, IPPROTO_TCP);
    assert_true(match_equal(&anew, &live));
    minimatch_destroy(&flow.match);
    done(&h);
}

/* ---- What the classifier of Open vSwitch makes of them ---- */

struct table {
    struct classifier cls;
    struct cls_rule rules[8];
    size_t n;
};

static void put_rule(struct table *table, const struct match *match, int priority)
{
    struct cls_rule *rule = &table->rules[table->n++];

    cls_rule_init(rule, match, priority);
    classifier_insert(&table->cls, rule, OVS_VERSION_MIN, NULL, 0);
}

static void open_table(struct table *table)
{
    /* As of a table of a bridge: ofproto/ofproto.c. */
    const enum mf_field_id tries[] = { MFF_IPV4_DST, MFF_IPV4_SRC };
    struct match match = MATCH_CATCHALL_INITIALIZER;

    table->n = 0;
    classifier_init(&table->cls, flow_segment_u64s);
    classifier_set_prefix_fields(&table->cls, tries, ARRAY_SIZE(tries));
    put_rule(table, &match, 0);
    /* Somebody's rule with a prefix. */
    match_set_dl_type(&match, htons(ETH_TYPE_IP));
    match_set_nw_dst_masked(&match, htonl(0xc0a80000), htonl(0xffff0000));
    put_rule(table, &match, 50);
}

static void close_table(struct table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        assert_non_null(classifier_remove(&table->cls, &table->rules[i]));
    }
    classifier_destroy(&table->cls);
    ovsrcu_quiesce();
    for (size_t i = 0; i < table->n; i++) {
        cls_rule_destroy(&table->rules[i]);
    }
}

/* The bits that a lookup of @packet tests. */
static struct flow_wildcards look_up(const struct table *table, const struct flow *packet)
{
    struct flow_wildcards wc;
    struct flow flow = *packet;

    flow_wildcards_init_catchall(&wc);
    classifier_lookup(&table->cls, OVS_VERSION_MIN, &flow, &wc);
    flow_wildcards_clear_non_packet_fields(&wc);
    /* Tested by every pipeline, or by the switching by MAC address behind this table. */
    wc.masks.in_port.odp_port = (OVS_FORCE odp_port_t)UINT32_MAX;
    wc.masks.dl_type = OVS_BE16_MAX;
    wc.masks.nw_frag = FLOW_NW_FRAG_MASK;
    wc.masks.vlans[0].tci = OVS_BE16_MAX;
    memset(&wc.masks.dl_src, 0xff, sizeof wc.masks.dl_src);
    memset(&wc.masks.dl_dst, 0xff, sizeof wc.masks.dl_dst);
    return wc;
}

static struct flow packet_of(uint16_t in_port, const char *src, const char *dst, uint32_t nw_dst,
                             uint8_t nw_proto)
{
    struct flow packet = {
        .in_port.ofp_port = (OVS_FORCE ofp_port_t)in_port,
        .dl_type = htons(ETH_TYPE_IP),
        .nw_dst = htonl(nw_dst),
        .nw_proto = nw_proto,
        .nw_ttl = 64,
        .tp_dst = htons(2049),
    };

    assert_true(eth_addr_from_string(src, &packet.dl_src));
    assert_true(eth_addr_from_string(dst, &packet.dl_dst));
    return packet;
}

/* Would Open vSwitch delete the megaflow of @packet, once the rules are in @with? */
static bool is_built_anew(const struct table *without, const struct table *with,
                          const struct flow *packet)
{
    struct flow_wildcards before = look_up(without, packet), after = look_up(with, packet);

    return flow_wildcards_has_extra(&before, &after);
}

static void only_flows_of_these_addresses_are_built_anew(void **state)
{
    const struct flow storage = packet_of(11, MAC_1, SERVER, 0x0a010001, IPPROTO_TCP);
    const struct flow others[] = {
        packet_of(12, MAC_2, SERVER, 0x0a010001, IPPROTO_TCP),
        packet_of(11, MAC_1, MAC_3, 0x08080808, IPPROTO_TCP),
        packet_of(10, SERVER, MAC_2, 0x0a01000c, IPPROTO_TCP),
    };
    struct table without, with;
    struct host h;

    (void)state;
    reoffer(&h, OUT("01", "vm1", MAC_1, "dst=10.1.0.1,", STRANDED)
                    BACK("02", "vm1", MAC_1, "", STRANDED));
    assert_int_equal(h.result, 0);
    fl_reoffer_hand_on(&h.set, 15, 1);
    open_table(&without);
    open_table(&with);
    for (size_t i = 0; i < h.set.n_rules; i++) {
        put_rule(&with, &h.set.rules[i].match, h.set.rules[i].priority);
    }
    assert_true(is_built_anew(&without, &with, &storage));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_false(is_built_anew(&without, &with, &others[i]));
    }
    /* And stays, once the rules are out again. */
    assert_false(is_built_anew(&with, &without, &storage));
    close_table(&with);
    close_table(&without);
    done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_tests_the_protocol_where_the_flow_does_not),
        cmocka_unit_test(a_rule_tests_the_ttl_where_the_flow_tests_the_protocol),
        cmocka_unit_test(flows_that_differ_above_the_mac_address_share_a_rule),
        cmocka_unit_test(those_to_be_proven_match_the_flows_own_packets),
        cmocka_unit_test(what_cannot_be_built_anew_by_itself_is_said),
        cmocka_unit_test(a_flow_is_asked_about_as_it_will_be),
        cmocka_unit_test(only_flows_of_these_addresses_are_built_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
