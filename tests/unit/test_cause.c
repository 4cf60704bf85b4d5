/* SPDX-License-Identifier: Apache-2.0 */

/* Causes: what a flow shows by itself, what the host shows, and in which order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>

#include "tests/unit/example_host.h"

#include "flows/cause.h"
#include "flows/nic_profile.h"

#define IP "eth_type(0x0800),ipv4(frag=no)"

static char *text_of(const struct fl_cause *causes, size_t n)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&text, "%s%s: %s", i ? "; " : "", fl_cause_info(causes[i].id)->id,
                      causes[i].detail);
    }
    return ds_steal_cstr(&text);
}

/* The causes of the only flow of @line, on a host with @inv (or NULL; consumed). */
static void assert_causes_on(struct fl_inventory *inv, const char *line, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, line);
    struct fl_cause causes[FL_MAX_CAUSES];
    struct fl_profiles profiles;
    char *got;
    size_t n;

    if (inv) {
        set_inventory(snapshot, inv);
    }
    fl_profiles_init(&profiles);
    n = fl_cause_of_flow(&fl_snapshot_flow(snapshot, 0)->flow, fl_snapshot_ports(snapshot),
                         fl_snapshot_inventory(snapshot), &profiles, causes);
    got = text_of(causes, n);
    assert_string_equal(got, wanted);
    free(got);
    fl_profiles_destroy(&profiles);
    fl_snapshot_destroy(snapshot);
}

/* On a DPDK host, and on one with the kernel datapath; both with hardware offload. */
static void assert_causes_on_dpdk(const char *line, const char *wanted)
{
    struct fl_inventory inv;

    init_inventory(&inv);
    assert_causes_on(&inv, line, wanted);
}

static void assert_causes_on_kernel(const char *line, const char *wanted)
{
    struct fl_inventory inv;

    init_inventory(&inv);
    free(inv.bridges[0].datapath_type);
    inv.bridges[0].datapath_type = xstrdup("system");
    assert_causes_on(&inv, line, wanted);
}

/* On one with the kernel datapath whose ports are of this driver. */
static void assert_causes_by(const char *driver, const char *line, const char *wanted)
{
    struct fl_inventory inv;

    init_inventory(&inv);
    free(inv.bridges[0].datapath_type);
    inv.bridges[0].datapath_type = xstrdup("system");
    add_interface(&inv, "vm1", "");
    for (size_t i = 0; i < inv.n_interfaces; i++) {
        smap_replace(&inv.interfaces[i].status, "driver_name", driver);
    }
    assert_causes_on(&inv, line, wanted);
}

static void what_the_nic_takes_of_conntrack_is_no_cause(void **state)
{
#define TC_SW(match, actions) \
    UFID("01") IN("vm1") match IP COUNT("1") "dp:tc, actions:" actions "\n"
    static const char refused[] = "refused: TC has the flow (dp:tc), the NIC does not";

    (void)state;
    assert_causes_by("mlx5e_rep", TC_SW("ct_mark(0/0x2),", "p0"), refused);
    assert_causes_by("flownic", TC_SW("ct_mark(0/0x2),ct_zone(0),", "p0"), refused);
    assert_causes_by("mlx5e_rep", TC_SW("ct_mark(0/0x2),", "ct_clear,p0"), refused);
    /* Nobody says so; the profile says otherwise; it says it of a part only. */
    assert_causes_by("unheard_of", TC_SW("ct_mark(0/0x2),", "p0"),
                     "conntrack: matches ct_mark(0/0x2)");
    assert_causes_by("ice", TC_SW("ct_mark(0/0x2),", "p0"), "conntrack: matches ct_mark(0/0x2)");
    assert_causes_by("flownic", TC_SW("ct_label(0/0x2),", "p0"), "conntrack: matches ct_label");
    assert_causes_by("mlx5e_rep", TC_SW("ct_state(+trk),ct_mark(0/0x2),", "p0"),
                     "conntrack: matches ct_state(+trk),ct_mark(0/0x2)");
    assert_causes_by("mlx5e_rep", TC_SW("ct_mark(0/0x2),", "ct(zone=1),recirc(0x1)"),
                     "conntrack: ct(zone=1),recirc(0x1)");
#undef TC_SW
}

static void a_flow_in_hardware_or_of_unknown_path_has_no_cause(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") HW "actions:ct(zone=1),recirc(0x1)\n",
                          "");
    assert_causes_on_dpdk(IN("vm1") IP COUNT("1") "actions:ct(zone=1),recirc(0x1)\n", "");
}

static void conntrack_is_shown_by_the_action(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW
                          "actions:ct(commit,zone=2),recirc(0x1)\n",
                          "conntrack: ct(commit,zone=2),recirc(0x1)");
}

static void conntrack_is_shown_by_the_match(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") "recirc_id(0x1),in_port(vm1),ct_state(+est+trk)," IP COUNT("1")
                              SW "actions:p0\n",
                          "conntrack: matches ct_state(+est+trk)");
    assert_causes_on_dpdk(
        UFID(
            "01") "recirc_id(0x1),in_port(vm1),ct_state(-new+est),ct_zone(0x7),ct_mark(0x1/0x1)," IP
            COUNT("1") SW "actions:p0\n",
        "conntrack: matches ct_state(-new+est),ct_zone(7),ct_mark(0x1/0x1)");
}

static void a_ct_state_mask_of_zero_is_no_match(void **state)
{
    (void)state;
    assert_causes_on_dpdk(
        UFID("01") "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0x1),"
                   "dp_hash(0/0),in_port(vm1)," IP COUNT("1") SW "actions:p0\n",
        "recirculation: matches recirc_id(0x1)");
}

static void recirculation_without_conntrack_is_a_cause_of_its_own(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW "actions:hash(l4(0)),recirc(0x9)\n",
                          "dp-hash: hash(l4(0)); recirculation: recirc(0x9)");
}

static void a_userspace_action_is_quoted(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW
                          "actions:userspace(pid=0,slow_path(match))\n",
                          "userspace-action: userspace(pid=0,slow_path(match))");
}

static void several_outputs_are_named(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW "actions:p0,vm2,vm3\n",
                          "multiple-outputs: 3 outputs: p0,vm2,vm3");
}

static void the_output_of_a_mirror_is_told(void **state)
{
    struct fl_inventory inv;
    struct fl_mirror *mirror;

    (void)state;
    init_inventory(&inv);
    add_interface(&inv, "p1", "dpdk");
    mirror = fl_inventory_add_mirror(&inv);
    mirror->name = xstrdup("span");
    mirror->bridge = xstrdup("br0");
    mirror->output_port = xstrdup("p1");
    assert_causes_on(&inv, UFID("01") IN("vm1") IP COUNT("1") SW "actions:p1,p0\n",
                     "multiple-outputs: 2 outputs: p1 (of mirror \"span\"),p0");
}

static void meters_and_tunnels_are_told(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW "actions:meter(3),p0\n",
                          "meter: meter(3)");
    assert_causes_on_dpdk(UFID("01") IN("p0") IP COUNT("1") SW "actions:tnl_pop(vxlan_sys_4789)\n",
                          "tunnel: tnl_pop(...)");
}

static void what_the_datapath_reports_is_the_strongest(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1") IP COUNT("1") SW
                          "actions:ct(zone=1),recirc(0x1), dp-offload-info:no-free-entries\n",
                          "reported: dp-offload-info: no-free-entries; "
                          "conntrack: ct(zone=1),recirc(0x1)");
}

static void ports_without_a_nic_are_told_from_the_inventory(void **state)
{
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    add_interface(&inv, "vhost1", "dpdkvhostuserclient");
    assert_causes_on(&inv, UFID("01") IN("p0") IP COUNT("1") SW "actions:vhost1\n",
                     "port-not-offloadable: out through vhost1 (type dpdkvhostuserclient)");
    init_inventory(&inv);
    add_interface(&inv, "br0", "internal");
    assert_causes_on(&inv, UFID("01") IN("br0") IP COUNT("1") SW "actions:p0\n",
                     "internal-port: in through br0 (type internal)");
    init_inventory(&inv);
    smap_add(&add_interface(&inv, "tap1", "")->status, "driver_name", "tun");
    assert_causes_on(&inv, UFID("01") IN("tap1") IP COUNT("1") SW "actions:p0\n",
                     "port-not-offloadable: in through tap1 (driver tun)");
}

static const struct {
    const char *match;
    const char *actions;
    const char *dpdk;
    const char *kernel;
} unoffered[] = {
    { "skb_mark(0x1)," IP, "p0", "match-unsupported: matches skb_mark",
      "match-unsupported: matches skb_mark" },
    { "skb_mark(0)," IP, "p0", "match-unsupported: matches skb_mark",
      "refused: nothing in it that OVS would not offer to TC" },
    { "dp_hash(0x1/0xf)," IP, "p0", "dp-hash: matches dp_hash(0x1/0xf)",
      "dp-hash: matches dp_hash(0x1/0xf)" },
    { "eth_type(0x0806),arp(sip=10.0.0.1,op=1)", "p0", "match-unsupported: matches arp",
      "refused: nothing in it that OVS would not offer to TC" },
    { "eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135)", "p0",
      "match-unsupported: matches ports of a protocol that is not tcp, udp, sctp or icmp",
      "refused: nothing in it that OVS would not offer to TC" },
    { "eth_type(0x86dd),ipv6(frag=first)", "p0", "fragments: matches frag=first",
      "fragments: matches frag=first" },
    { "eth_type(0x0800),ipv4(frag=later)", "p0", "fragments: matches frag=later",
      "fragments: matches frag=later" },
    { "eth_type(0x8100),vlan(vid=0/0x800,pcp=0/0x0),encap(" IP ")", "p0",
      "refused: nothing in it that OVS would not offer to rte_flow",
      "match-unsupported: matches part of the vlan tag" },
    { IP, "set(ipv4(ttl=63)),p0", "refused: nothing in it that OVS would not offer to rte_flow",
      "refused: nothing in it that OVS would not offer to TC" },
    { IP, "set(ipv4(tos=0x10/0xfc)),p0", "action-unsupported: set(ipv4(tos=0x10/0xfc))",
      "refused: nothing in it that OVS would not offer to TC" },
    { IP, "set(eth(dst=01:00:00:00:00:00/01:00:00:00:00:00)),p0",
      "action-unsupported: set(eth(dst=01:00:00:00:00:00/01:00:00:00:00:00))",
      "refused: nothing in it that OVS would not offer to TC" },
    { IP, "sample(sample=50.0%,actions(userspace(pid=7,sFlow(vid=0,pcp=0,output=2)))),p0",
      "sampling: userspace(pid=7,sFlow(vid=0,pcp=0,output=2))",
      "sampling: userspace(pid=7,sFlow(vid=0,pcp=0,output=2))" },
    { IP, "ct(zone=1,helper=ftp),p0",
      "conntrack-helper: ct(zone=1,helper=ftp); conntrack: ct(zone=1,helper=ftp)",
      "conntrack-helper: ct(zone=1,helper=ftp); conntrack: ct(zone=1,helper=ftp)" },
    { IP, "lb_output(1)", "dp-hash: lb_output(1)", "dp-hash: lb_output(1)" },
    { IP, "sample(sample=50.0%,actions(p0)),p0", "action-unsupported: sample(...)",
      "action-unsupported: sample(...)" },
    { IP, "trunc(100),p0", "action-unsupported: trunc(100)", "action-unsupported: trunc(100)" },
    { IP, "push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),p0",
      "action-unsupported: push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847)",
      "refused: nothing in it that OVS would not offer to TC" },
    { IP, "drop", "", "" },
};

static void what_ovs_never_offers_depends_on_the_interface(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unoffered); i++) {
        char *line = xasprintf(UFID("01") IN("vm1") "%s" COUNT("1") SW "actions:%s\n",
                               unoffered[i].match, unoffered[i].actions);

        assert_causes_on_dpdk(line, unoffered[i].dpdk);
        assert_causes_on_kernel(line, unoffered[i].kernel);
        free(line);
    }
}

static void partial_offload_is_told_with_the_action_that_made_it_so(void **state)
{
    (void)state;
    assert_causes_on_dpdk(UFID("01") IN("vm1")
                              IP COUNT("1") "offloaded:partial, dp:ovs, actions:trunc(100),p0\n",
                          "action-unsupported: trunc(100); partial-offload: offloaded:partial");
}

static void refused_is_only_said_when_it_surely_was_offered(void **state)
{
    (void)state;
    /* Without an inventory nobody knows whether offload is on at all. */
    assert_causes_on(NULL, UFID("01") IN("vm1") IP COUNT("1") SW "actions:p0\n", "");
    assert_causes_on(NULL, UFID("01") IN("vm1") IP COUNT("1") "dp:tc, actions:p0\n",
                     "refused: TC has the flow (dp:tc), the NIC does not");
}

static void hw_offload_that_is_off_comes_first(void **state)
{
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_replace(&inv.other_config, "hw-offload", "false");
    assert_causes_on(&inv, UFID("01") IN("vm1") IP COUNT("1") SW "actions:ct(zone=1),recirc(0x1)\n",
                     "hw-offload-off: other_config:hw-offload is \"false\"; "
                     "conntrack: ct(zone=1),recirc(0x1)");
}

static void the_host_shows_its_own_causes(void **state)
{
    struct fl_cause causes[FL_MAX_CAUSES];
    struct fl_inventory inv;
    char *got;

    (void)state;
    assert_int_equal(fl_cause_of_host(NULL, causes), 0);
    init_inventory(&inv);
    assert_int_equal(fl_cause_of_host(&inv, causes), 0);
    smap_clear(&inv.other_config);
    smap_add(&inv.other_config, "tc-policy", "skip_hw");
    free(inv.bridges[0].datapath_type);
    inv.bridges[0].datapath_type = xstrdup("system");
    got = text_of(causes, fl_cause_of_host(&inv, causes));
    assert_string_equal(got, "hw-offload-off: other_config:hw-offload is not set; "
                             "tc-policy: other_config:tc-policy is \"skip_hw\"");
    free(got);
    fl_inventory_destroy(&inv);
}

static void assert_sentence(const char *text)
{
    size_t n = strlen(text);

    assert_true(n > 10);
    assert_true(text[n - 1] == '.');
    assert_null(strstr(text, "  "));
}

static void every_cause_has_an_id_of_its_own_and_sentences(void **state)
{
    (void)state;
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        const struct fl_cause_info *info = fl_cause_info(id);

        assert_true(strspn(info->id, "abcdefghijklmnopqrstuvwxyz-") == strlen(info->id));
        assert_true(strlen(info->id) >= 5);
        assert_sentence(info->meaning);
        assert_sentence(info->shows);
        assert_sentence(info->cure);
        assert_true(info->source[0]);
        assert_int_equal(fl_cause_find(info->id), id);
        for (enum fl_cause_id other = 0; other < id; other++) {
            assert_string_not_equal(info->id, fl_cause_info(other)->id);
        }
    }
}

static void merged_causes_are_each_there_once_strongest_first(void **state)
{
    struct fl_cause causes[FL_MAX_CAUSES] = { { .id = FL_CAUSE_MULTI_OUTPUT, .detail = "a" } };
    const struct fl_cause more[] = { { .id = FL_CAUSE_CONNTRACK, .detail = "b" },
                                     { .id = FL_CAUSE_MULTI_OUTPUT, .detail = "c" },
                                     { .id = FL_CAUSE_REFUSED, .detail = "d" } };
    char *got;

    (void)state;
    got = text_of(causes, fl_causes_merge(causes, 1, more, 3));
    assert_string_equal(got, "conntrack: b; multiple-outputs: a; refused: d");
    free(got);
}

static void when_there_are_too_many_the_weakest_is_left_out(void **state)
{
    struct fl_cause causes[FL_MAX_CAUSES] = {
        { .id = FL_CAUSE_CONNTRACK, .detail = "" }, { .id = FL_CAUSE_TUNNEL, .detail = "" },
        { .id = FL_CAUSE_METER, .detail = "" },     { .id = FL_CAUSE_MATCH, .detail = "" },
        { .id = FL_CAUSE_ACTION, .detail = "" },    { .id = FL_CAUSE_PARTIAL, .detail = "" },
    };
    const struct fl_cause more[] = { { .id = FL_CAUSE_REFUSED, .detail = "" },
                                     { .id = FL_CAUSE_OFFLOAD_OFF, .detail = "" } };
    size_t n = fl_causes_merge(causes, FL_MAX_CAUSES, more, 2);

    (void)state;
    assert_int_equal(n, FL_MAX_CAUSES);
    assert_int_equal(causes[0].id, FL_CAUSE_OFFLOAD_OFF);
    assert_int_equal(causes[5].id, FL_CAUSE_ACTION);
}

/* Only what is wrong with it all the same. */
static void an_orphaned_filter_is_one_in_hardware_too(void **state)
{
    (void)state;
    assert_causes_on_kernel(UFID("01") IN("p0") IP COUNT("1") "offloaded:yes, dp:tc, "
                                                              "actions:ct(zone=1),recirc(0x1)\n",
                            "");
    assert_causes_on_kernel(UFID("01") IN("rep9") IP COUNT("1") "offloaded:yes, dp:tc, "
                                                                "actions:p0\n",
                            "orphaned-filter: its device rep9 is no interface of the switch");
    assert_causes_on_kernel(UFID("01") IN("rep9") IP COUNT("1") "dp:tc, "
                                                                "actions:ct(zone=1),recirc(0x1)\n",
                            "orphaned-filter: its device rep9 is no interface of the switch; "
                            "conntrack: ct(zone=1),recirc(0x1)");
    /* A flow of the switch itself is none. */
    assert_causes_on_dpdk(UFID("01") IN("rep9") IP COUNT("1") HW "actions:p0\n", "");
}

static void a_filter_that_not_all_devices_of_its_block_took_says_so(void **state)
{
    struct fl_snapshot *snapshot =
        snapshot_of(NULL, UFID("01") IN("p0") IP COUNT("1") "offloaded:yes, dp:tc, actions:p0\n");
    struct fl_flow flow = fl_snapshot_flow(snapshot, 0)->flow;
    struct fl_cause causes[FL_MAX_CAUSES];

    (void)state;
    flow.block = 7;
    flow.block_members = 2;
    flow.block_in_hw = 1;
    assert_int_equal(fl_cause_of_flow(&flow, fl_snapshot_ports(snapshot), NULL, NULL, causes), 1);
    assert_int_equal(causes[0].id, FL_CAUSE_BLOCK);
    assert_string_equal(causes[0].detail, "in 1 of 2 devices of block 7");
    flow.block_in_hw = 2;
    assert_int_equal(fl_cause_of_flow(&flow, fl_snapshot_ports(snapshot), NULL, NULL, causes), 0);
    fl_snapshot_destroy(snapshot);
}

static void a_policer_in_tc_that_stands_for_a_meter_is_one(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, UFID("01") IN("p0")
                                                         IP COUNT("1") "dp:tc, actions:p0\n");
    struct fl_flow flow = fl_snapshot_flow(snapshot, 0)->flow;
    struct fl_cause causes[FL_MAX_CAUSES];

    (void)state;
    flow.has_actions = false;
    flow.meter_police = 0x10000005;
    assert_int_equal(fl_cause_of_flow(&flow, fl_snapshot_ports(snapshot), NULL, NULL, causes), 1);
    assert_int_equal(causes[0].id, FL_CAUSE_METER);
    assert_string_equal(causes[0].detail, "police 0x10000005, which stands for a meter");
    fl_snapshot_destroy(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_in_hardware_or_of_unknown_path_has_no_cause),
        cmocka_unit_test(what_the_nic_takes_of_conntrack_is_no_cause),
        cmocka_unit_test(conntrack_is_shown_by_the_action),
        cmocka_unit_test(conntrack_is_shown_by_the_match),
        cmocka_unit_test(a_ct_state_mask_of_zero_is_no_match),
        cmocka_unit_test(recirculation_without_conntrack_is_a_cause_of_its_own),
        cmocka_unit_test(a_userspace_action_is_quoted),
        cmocka_unit_test(several_outputs_are_named),
        cmocka_unit_test(the_output_of_a_mirror_is_told),
        cmocka_unit_test(meters_and_tunnels_are_told),
        cmocka_unit_test(a_policer_in_tc_that_stands_for_a_meter_is_one),
        cmocka_unit_test(what_the_datapath_reports_is_the_strongest),
        cmocka_unit_test(ports_without_a_nic_are_told_from_the_inventory),
        cmocka_unit_test(what_ovs_never_offers_depends_on_the_interface),
        cmocka_unit_test(partial_offload_is_told_with_the_action_that_made_it_so),
        cmocka_unit_test(refused_is_only_said_when_it_surely_was_offered),
        cmocka_unit_test(hw_offload_that_is_off_comes_first),
        cmocka_unit_test(the_host_shows_its_own_causes),
        cmocka_unit_test(every_cause_has_an_id_of_its_own_and_sentences),
        cmocka_unit_test(merged_causes_are_each_there_once_strongest_first),
        cmocka_unit_test(when_there_are_too_many_the_weakest_is_left_out),
        cmocka_unit_test(an_orphaned_filter_is_one_in_hardware_too),
        cmocka_unit_test(a_filter_that_not_all_devices_of_its_block_took_says_so),
    };

    return cmocka_run_group_tests_name("cause", tests, NULL, NULL);
}
