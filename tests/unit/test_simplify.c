/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/cleanup.h"
#include "flows/collapse.h"
#include "flows/simplify.h"

/*
 * A host with vm2 on OpenFlow port 12 (access VLAN 100) and the uplink p0 on port 1, whose storage
 * traffic goes through conntrack in both directions, as OVS-DPDK 3.1 prints it.
 */
#define FLOW(RECIRC, CT, PORT, L2L3, STATS, ACTIONS)                                             \
    "ufid:00000000-0000-4000-8000-0000000000" RECIRC ", skb_priority(0/0),skb_mark(0/0)," CT     \
    "ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0x" RECIRC "),dp_hash(0/0),in_port(" PORT \
    "),packet_type(ns=0,id=0)," L2L3 ", packets:" STATS ", bytes:66000, used:0.001s, flags:P., " \
    "dp:ovs, actions:" ACTIONS ", dp-extra-info:miniflow_bits(5,1)\n"
#define VM_MAC     "52:54:00:00:00:12"
#define SERVER_MAC "52:54:00:00:00:01"

#define OUT_HEAD                                                                                   \
    FLOW("00", "ct_state(0/0),", "vm2",                                                            \
         "eth(src=" VM_MAC "/00:00:00:00:00:00,dst=" SERVER_MAC "/00:00:00:00:00:00),"             \
         "eth_type(0x0800),ipv4(src=10.100.0.12/0.0.0.0,dst=10.100.0.1/0.0.0.0,proto=6/0,tos=0/0," \
         "ttl=64/0,frag=no)",                                                                      \
         "1000", "ct(zone=2),recirc(0x11)")
#define OUT_TAIL                                                                                 \
    FLOW("11", "ct_state(0x22/0x3e),", "vm2",                                                    \
         "eth(src=" VM_MAC ",dst=" SERVER_MAC "),eth_type(0x0800),ipv4(src=10.100.0.12/0.0.0.0," \
         "dst=10.100.0.1/0.0.0.0,proto=6/0,tos=0/0,ttl=64/0,frag=no)",                           \
         "1000", "push_vlan(vid=100,pcp=0),p0")
#define BACK_HEAD                                                                      \
    FLOW("00", "ct_state(0/0),", "p0",                                                 \
         "eth(src=" SERVER_MAC "/00:00:00:00:00:00,dst=" VM_MAC "),eth_type(0x8100),"  \
         "vlan(vid=100,pcp=0/0x0),encap(eth_type(0x0800),ipv4(src=10.100.0.1/0.0.0.0," \
         "dst=10.100.0.12/0.0.0.0,proto=6/0,tos=0/0,ttl=64/0,frag=no))",               \
         "1000", "ct(zone=2),recirc(0x12)")
#define BACK_TAIL                                                                                \
    FLOW("12", "ct_state(0x2a/0x3e),", "p0",                                                     \
         "eth(src=" SERVER_MAC ",dst=" VM_MAC "),eth_type(0x8100),vlan(vid=100,pcp=0/0x0),"      \
         "encap(eth_type(0x0800),ipv4(src=10.100.0.1/0.0.0.0,dst=10.100.0.12/0.0.0.0,proto=6/0," \
         "tos=0/0,ttl=64/0,frag=no))",                                                           \
         "1000", "pop_vlan,vm2")

struct host {
    struct fl_storage storage;
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;
    struct fl_flowset set;
    struct fl_refusal *refusals;
    size_t n_refusals;
    struct fl_error err;
    int result;
};

static void add_port(struct fl_inventory *inv, const char *name, uint16_t ofport, int tag)
{
    struct fl_interface *iface = fl_inventory_add_interface(inv);

    iface->name = xstrdup(name);
    iface->port = xstrdup(name);
    iface->bridge = xstrdup("br0");
    iface->type = xstrdup("dpdk");
    iface->ofport = (OVS_FORCE ofp_port_t)ofport;
    iface->tag = tag;
    if (tag > 0) {
        smap_add(&iface->external_ids, "vm-id", "5a1b0000-0000-4000-8000-000000000002");
        smap_add(&iface->external_ids, "vm-name", "vm2");
        smap_add(&iface->external_ids, "attached-mac", VM_MAC);
    }
}

/* Of the NIC behind vm2, as DPDK calls it. */
static const char *driver;

static void simplify(struct host *h, const char *dump, const char *subnets,
                     const struct fl_connection *connections, size_t n)
{
    struct fl_inventory inv;
    struct fl_bridge *bridge;
    struct fl_decoder *decoder;

    memset(h, 0, sizeof *h);
    fl_storage_init(&h->storage);
    assert_int_equal(fl_storage_parse_vlans(&h->storage, "100", NULL), 0);
    assert_int_equal(fl_storage_parse_subnets(&h->storage, subnets, NULL), 0);
    fl_inventory_init(&inv);
    bridge = fl_inventory_add_bridge(&inv);
    bridge->name = xstrdup("br0");
    bridge->datapath_type = xstrdup("netdev");
    smap_add(&inv.other_config, "hw-offload", "true");
    add_port(&inv, "p0", 1, -1);
    add_port(&inv, "vm2", 12, 100);
    if (driver) {
        smap_add(&inv.interfaces[0].status, "driver_name", driver);
        smap_add(&inv.interfaces[1].status, "driver_name", driver);
    }
    fl_inventory_group_vms(&inv, &fl_vm_keys_default);
    h->snapshot = fl_snapshot_create("host", 0);
    fl_snapshot_set_inventory(h->snapshot, &inv);
    fl_snapshot_begin_sample(h->snapshot, true, 0);
    decoder = fl_decoder_create(fl_snapshot_ports(h->snapshot), 0, fl_snapshot_add, h->snapshot);
    fl_decoder_push(decoder, dump, strlen(dump));
    fl_decoder_finish(decoder);
    assert_int_equal(fl_decoder_stats(decoder)->parse_errors, 0);
    fl_decoder_destroy(decoder);
    h->audit = fl_audit_run(h->snapshot, &h->storage, &fl_audit_options_default);
    assert_int_equal(h->audit->n_vms, 1);
    h->result = fl_simplify(&(struct fl_simplify_input){ .snapshot = h->snapshot,
                                                         .vm = &h->audit->vms[0],
                                                         .storage = &h->storage,
                                                         .connections = connections,
                                                         .n_connections = n },
                            &h->set, &h->refusals, &h->n_refusals, &h->err);
}

static void done(struct host *h)
{
    if (!h->result) {
        fl_flowset_destroy(&h->set);
    }
    fl_refusals_free(h->refusals, h->n_refusals);
    fl_audit_destroy(h->audit);
    fl_snapshot_destroy(h->snapshot);
    fl_storage_destroy(&h->storage);
}

static void assert_rule(const struct fl_rule *rule, const char *match, const char *actions)
{
    _cleanup_free char *text = fl_rule_match_text(rule);

    assert_string_equal(text, match);
    assert_string_equal(rule->actions, actions);
}

static const struct fl_rule *rule_of(const struct host *h, enum fl_direction direction)
{
    for (size_t i = 0; i < h->set.n_rules; i++) {
        if (h->set.rules[i].direction == direction) {
            return &h->set.rules[i];
        }
    }
    fail_msg("no rule for a direction");
    return NULL;
}

static struct fl_connection connection(const char *src, const char *dst, uint16_t dport)
{
    struct fl_connection c = { .zone = 2,
                               .proto = IPPROTO_TCP,
                               .orig_sport = 900,
                               .orig_dport = dport,
                               .reply_sport = dport,
                               .reply_dport = 900,
                               .established = true };
    struct fl_subnet a, b;

    assert_true(fl_subnet_parse(src, &a) && fl_subnet_parse(dst, &b));
    c.orig_src = c.reply_dst = a.address;
    c.orig_dst = c.reply_src = b.address;
    return c;
}

static void two_chains_become_one_rule_a_direction(void **state)
{
    struct fl_connection c = connection("10.100.0.12", "10.100.0.1", 2049);
    struct host h;

    (void)state;
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", &c, 1);
    assert_int_equal(h.result, 0);
    assert_int_equal(h.set.n_rules, 2);
    assert_rule(rule_of(&h, FL_FROM_VM),
                "tcp,in_port=12,vlan_tci=0x0000/0x1fff,dl_src=" VM_MAC
                ",nw_src=10.100.0.12,nw_dst=10.100.0.0/24,nw_frag=no,tp_dst=2049",
                "mod_vlan_vid:100,output:1");
    assert_rule(rule_of(&h, FL_TO_VM),
                "tcp,in_port=1,dl_vlan=100,dl_dst=" VM_MAC
                ",nw_src=10.100.0.0/24,nw_dst=10.100.0.12,nw_frag=no,tp_src=2049",
                "strip_vlan,output:12");
    done(&h);
}

static void many_connections_are_one_rule_a_direction(void **state)
{
    struct fl_connection c[64];
    struct host h;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
        c[i] = connection("10.100.0.12", i % 2 ? "10.100.0.1" : "10.100.0.2", 2049);
        c[i].orig_sport = c[i].reply_dport = (uint16_t)(600 + i);
    }
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", c, ARRAY_SIZE(c));
    assert_int_equal(h.result, 0);
    assert_int_equal(h.set.n_rules, 2);
    done(&h);
}

static void without_configured_subnets_the_server_alone_is_meant(void **state)
{
    struct fl_connection c = connection("10.100.0.12", "10.100.0.1", 2049);
    struct host h;

    (void)state;
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "", &c, 1);
    assert_int_equal(h.result, 0);
    assert_rule(rule_of(&h, FL_FROM_VM),
                "tcp,in_port=12,vlan_tci=0x0000/0x1fff,dl_src=" VM_MAC
                ",nw_src=10.100.0.12,nw_dst=10.100.0.1,nw_frag=no,tp_dst=2049",
                "mod_vlan_vid:100,output:1");
    done(&h);
}

static void unknown_servers_are_refused_not_guessed(void **state)
{
    struct host h;

    (void)state;
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "", NULL, 0);
    assert_int_equal(h.result, -ENOTSUP);
    assert_non_null(strstr(h.err.text, "[storage] subnets"));
    done(&h);
}

static void translated_connections_are_refused(void **state)
{
    struct fl_connection c = connection("10.100.0.12", "10.100.0.1", 2049);
    struct fl_subnet other;
    struct host h;

    (void)state;
    assert_true(fl_subnet_parse("192.0.2.7", &other));
    c.reply_dst = other.address;
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", &c, 1);
    assert_int_equal(h.result, -ENOTSUP);
    assert_non_null(strstr(h.err.text, "NAT"));
    done(&h);
}

static void assert_refused(const char *dump, const char *word)
{
    struct host h;

    simplify(&h, dump, "10.100.0.0/24", NULL, 0);
    assert_int_equal(h.result, -ENOTSUP);
    if (!strstr(h.err.text, word)) {
        fail_msg("\"%s\" does not say \"%s\"", h.err.text, word);
    }
    done(&h);
}

#define OUT_WITH(ACTIONS)                                                                \
    FLOW("00", "ct_state(0/0),", "vm2",                                                  \
         "eth(src=" VM_MAC ",dst=" SERVER_MAC "),eth_type(0x0800),ipv4(src=10.100.0.12," \
         "dst=10.100.0.1,proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=900,dst=2049),"       \
         "tcp_flags(0/0)",                                                               \
         "1000", ACTIONS)

static void what_a_simple_rule_must_not_stand_for_is_refused(void **state)
{
    (void)state;
    assert_refused(OUT_WITH("p0,vm2"), "more than one port");
    assert_refused(OUT_WITH("meter(3),push_vlan(vid=100,pcp=0),p0"), "meter");
    assert_refused(OUT_WITH("userspace(pid=0,slow_path(controller)),p0"), "userspace");
    assert_refused(
        OUT_WITH("ct(commit,zone=2,nat(src=192.0.2.7)),recirc(0x11)")
            FLOW("11", "ct_state(0x22/0x3e),", "vm2",
                 "eth(src=" VM_MAC ",dst=" SERVER_MAC "),eth_type(0x0800),"
                 "ipv4(src=10.100.0.12/0.0.0.0,dst=10.100.0.1,proto=6/0,tos=0/0,ttl=64/0,frag=no)",
                 "1000", "push_vlan(vid=100,pcp=0),p0"),
        "NAT");
    assert_refused(OUT_WITH("set(ipv4(dst=10.9.9.9)),push_vlan(vid=100,pcp=0),p0"), "rewritten");
}

/* What the NIC has says more than its profile. */
static void rewrites_that_the_nic_lacks_are_refused(void **state)
{
    static const char in_hardware[] =
        "ufid:00000000-0000-4000-8000-0000000000ff, recirc_id(0),in_port(vm2),eth_type(0x0806), "
        "packets:1, bytes:60, used:0.1s, offloaded:yes, dp:dpdk, "
        "actions:push_vlan(vid=100,pcp=0),p0\n";
    _cleanup_free char *dump = xasprintf("%s%s", OUT_HEAD OUT_TAIL, in_hardware);
    struct host h;

    (void)state;
    driver = "net_ice";
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", NULL, 0);
    assert_int_equal(h.result, -ENOTSUP);
    assert_int_equal(h.n_refusals, 2);
    assert_non_null(strstr(h.refusals[0].reason, "(driver net_ice) does not take "));
    assert_non_null(strstr(h.refusals[0].reason, "_vlan, says its profile \"e810\" by DPDK 22.11"));
    done(&h);
    simplify(&h, dump, "10.100.0.0/24", NULL, 0);
    assert_int_equal(h.result, 0);
    done(&h);
    driver = "net_flownic";
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", NULL, 0);
    assert_int_equal(h.result, 0);
    done(&h);
    driver = NULL;
}

static void a_decoy_is_made_only_where_the_old_mask_has_every_bit(void **state)
{
    struct fl_connection c = connection("10.100.0.12", "10.100.0.1", 2049);
    struct host h;

    (void)state;
    simplify(&h, OUT_HEAD OUT_TAIL BACK_HEAD BACK_TAIL, "10.100.0.0/24", &c, 1);
    assert_int_equal(h.result, 0);
    assert_int_equal(fl_simplify_decoys(&h.audit->vms[0], &h.set, &h.err), 0);
    done(&h);

    simplify(&h, OUT_WITH("push_vlan(vid=100,pcp=0),p0"), "10.100.0.0/24", NULL, 0);
    assert_int_equal(h.result, 0);
    assert_int_equal(h.set.n_rules, 1);
    assert_int_equal(fl_simplify_decoys(&h.audit->vms[0], &h.set, &h.err), 1);
    assert_true(h.set.rules[1].decoy);
    assert_int_equal(h.set.rules[1].priority, FL_DECOY_PRIORITY);
    assert_rule(&h.set.rules[1],
                "tcp,in_port=12,vlan_tci=0x0000/0x1fff,dl_src=" VM_MAC
                ",nw_src=10.100.0.12,nw_dst=10.100.0.0/24,nw_ttl=1,nw_frag=no,tp_dst=2049",
                h.set.rules[0].actions);
    done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_chains_become_one_rule_a_direction),
        cmocka_unit_test(many_connections_are_one_rule_a_direction),
        cmocka_unit_test(without_configured_subnets_the_server_alone_is_meant),
        cmocka_unit_test(unknown_servers_are_refused_not_guessed),
        cmocka_unit_test(translated_connections_are_refused),
        cmocka_unit_test(what_a_simple_rule_must_not_stand_for_is_refused),
        cmocka_unit_test(rewrites_that_the_nic_lacks_are_refused),
        cmocka_unit_test(a_decoy_is_made_only_where_the_old_mask_has_every_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
