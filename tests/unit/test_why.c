/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Why: what the host around a chain shows, on made-up facts; and all reasons of a VM together, the sure ones
 * first.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>

#include "tests/unit/example_host.h"

#include "lib/why.h"
#include "lib/why_host.h"
#include "lib/why_nic.h"

#define UPLINK 2
#define VM1    11

#define TC "dp:tc, "
#define IP "eth_type(0x0800),ipv4(frag=no)"
#define AT "2026-11-26T10:00:00.000Z|00042|"

static struct fl_kernel_facts facts;
static int ingress[] = { UPLINK, VM1 };
/* What the NIC says of the first link of the busiest chain; NULL: nobody asks. */
static const struct fl_asked *answer;

static struct fl_nic_port *add_port(int ifindex, const char *name, enum fl_nic_role role)
{
    struct fl_nic_port *port = fl_nic_add(&facts.nic, ifindex);

    ovs_strlcpy(port->name, name, sizeof port->name);
    ovs_strlcpy(port->devlink, "pci/0000:03:00.0", sizeof port->devlink);
    port->role = role;
    port->switch_id = (struct fl_nic_id){ .bytes = { 7 }, .n_bytes = 1 };
    port->tc_offload = FL_NIC_FEATURE_ON;
    port->eswitch = FL_ESWITCH_SWITCHDEV;
    return port;
}

/* vm1 and the uplink of one NIC, all as it should be. */
static int begin(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof facts);
    fl_nic_init(&facts.nic);
    add_port(UPLINK, "p0", FL_NIC_ROLE_UPLINK);
    add_port(VM1, "vm1", FL_NIC_ROLE_REPRESENTOR);
    facts.recirc = FL_FACT_YES;
    facts.ingress_known = true;
    facts.ingress = ingress;
    facts.n_ingress = ARRAY_SIZE(ingress);
    answer = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fl_nic_destroy(&facts.nic);
    return 0;
}

static struct fl_nic_port *port(const char *name)
{
    return fl_nic_port_named(&facts.nic, name);
}

static char *text_of(const struct fl_cause *causes, size_t n)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++)
        ds_put_format(&text, "%s%s%s: %s", i ? "; " : "", fl_cause_info(causes[i].id)->id,
                      causes[i].may_be ? "?" : "", causes[i].detail);
    return ds_steal_cstr(&text);
}

/* What the host shows around the only chain of @dump. */
static void assert_host_shows(const char *dump, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    struct fl_cause causes[FL_MAX_CAUSES];
    char *got;

    assert_int_equal(chains->n, 1);
    got = text_of(causes, fl_why_host(&facts, fl_snapshot_ports_const(snapshot), &chains->chains[0],
                                      causes));
    assert_string_equal(got, wanted);
    free(got);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
}

static const char plain[] = UFID("01") IN("vm1") IP COUNT("9") TC "actions:p0\n";
static const char tracked[] = UFID("01") IN("vm1") IP COUNT("9") SW
    "actions:ct(zone=1),recirc(0x5)\n" UFID("02") "recirc_id(0x5),in_port(vm1),"
                                                  "ct_state(+est)," IP COUNT("9") SW "actions:p0\n";

static void a_host_in_order_shows_nothing(void **state)
{
    (void)state;
    assert_host_shows(plain, "");
    assert_host_shows(tracked, "");
}

static void devices_that_the_packets_pass_are_looked_at(void **state)
{
    (void)state;
    port("vm1")->tc_offload = FL_NIC_FEATURE_OFF;
    assert_host_shows(plain, "hw-tc-offload-off: vm1: hw-tc-offload is off");
    port("vm1")->tc_offload = FL_NIC_FEATURE_ON;
    port("p0")->tc_offload = FL_NIC_FEATURE_OFF_FIXED;
    assert_host_shows(plain, "hw-tc-offload-off: p0: hw-tc-offload is off [fixed]");
    port("p0")->tc_offload = FL_NIC_FEATURE_UNKNOWN;
    assert_host_shows(plain, "");
    port("p0")->eswitch = FL_ESWITCH_LEGACY;
    assert_host_shows(plain, "eswitch-legacy: p0: eSwitch pci/0000:03:00.0 is in legacy mode");
}

static void devices_of_others_do_not_count(void **state)
{
    struct fl_nic_port *other = add_port(12, "vm2", FL_NIC_ROLE_REPRESENTOR);

    (void)state;
    other->tc_offload = FL_NIC_FEATURE_OFF;
    other->eswitch = FL_ESWITCH_LEGACY;
    other->switch_id.bytes[0] = 8;
    assert_host_shows(plain, "");
    /* A tap has no feature, and nobody expects it. */
    other = add_port(13, "tap9", FL_NIC_ROLE_NEITHER);
    other->tc_offload = FL_NIC_FEATURE_OFF_FIXED;
    assert_host_shows(UFID("01") IN("tap9") IP COUNT("9") SW "actions:p0\n", "");
}

static void two_eswitches_on_one_way(void **state)
{
    (void)state;
    port("p0")->switch_id.bytes[0] = 8;
    assert_host_shows(plain, "other-eswitch: vm1 and p0 are on different eSwitches");
    port("p0")->switch_id.n_bytes = 0;
    assert_host_shows(plain, "");
}

static void a_qdisc_that_is_lost(void **state)
{
    (void)state;
    facts.n_ingress = 1; /* The uplink's is left. */
    assert_host_shows(plain, "ingress-qdisc-lost: vm1: no ingress or clsact qdisc");
    facts.ingress_known = false;
    assert_host_shows(plain, "");
}

static void members_stand_for_a_bond(void **state)
{
    struct fl_nic_port *bond = add_port(20, "bond0", FL_NIC_ROLE_NEITHER);
    struct fl_nic_port *member = add_port(21, "p1", FL_NIC_ROLE_UPLINK);

    (void)state;
    bond = port("bond0"); /* The pointers moved. */
    member->master = bond->ifindex;
    ovs_strlcpy(member->master_kind, "bond", sizeof member->master_kind);
    member->tc_offload = FL_NIC_FEATURE_OFF;
    assert_host_shows(UFID("01") IN("vm1") IP COUNT("9") TC "actions:bond0\n",
                      "hw-tc-offload-off: p1: hw-tc-offload is off");
    /* Its filters are at the block of the bond. */
    member->tc_offload = FL_NIC_FEATURE_ON;
    assert_host_shows(UFID("01") IN("bond0") IP COUNT("9") TC "actions:vm1\n", "");
}

static void recirculation_needs_the_kernel(void **state)
{
    (void)state;
    facts.recirc = FL_FACT_NO;
    assert_host_shows(plain, "");
    assert_host_shows(tracked, "no-recirculation-in-tc: the kernel is built without "
                               "CONFIG_NET_TC_SKB_EXT");
    facts.recirc = FL_FACT_UNKNOWN;
    assert_host_shows(tracked, "");
    facts.log.recirc_refused = true;
    assert_host_shows(tracked,
                      "no-recirculation-in-tc: ovs-vswitchd logged \"recirc_id sharing not "
                      "supported\"");
}

static void the_log_is_of_the_past(void **state)
{
    (void)state;
    fl_log_offload_parse(
        AT "dpif_netlink(handler1)|ERR|failed to offload flow: Invalid argument: vm1\n" //
        AT "dpif_netlink(handler1)|ERR|failed to offload flow: File exists: vm2\n"      //
        AT "netdev_offload_tc(handler1)|DBG|Can only support 16 actions\n"              //
        AT "dpif_netlink(handler1)|ERR|failed to offload flow: Invalid argument: vm1\n" //
        AT "ofproto_dpif_upcall(revalidator7)|WARN|upcall: datapath reached the dynamic limit of "
           "2125 flows.\n",
        &facts.log);
    assert_int_equal(facts.log.n_refusals, 4);
    assert_host_shows(
        plain, "flow-limit?: logged 2026-11-26T10:00:00.000Z: upcall: datapath reached the "
               "dynamic limit of 2125 flows.; refused?: logged 2026-11-26T10:00:00.000Z, and "
               "before: failed to offload flow: Invalid argument: vm1");
}

static void a_log_full_of_refusals_keeps_the_newest(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    (void)state;
    for (int i = 0; i < 3 * FL_LOG_REFUSALS; i++)
        ds_put_format(&text, AT "dpif_netlink(x)|ERR|failed to offload flow: File exists: vm%d\n",
                      i);
    fl_log_offload_parse(ds_cstr(&text), &facts.log);
    ds_destroy(&text);
    assert_int_equal(facts.log.n_refusals, FL_LOG_REFUSALS);
    for (size_t i = 0; i < FL_LOG_REFUSALS; i++)
        assert_true(atoi(facts.log.refusals[i].device + 2) >= 2 * FL_LOG_REFUSALS);
}

/* ---- All reasons of a VM ---- */

static void ask(const struct fl_vm_audit *vm, struct fl_asked *asked, struct fl_asked_all *all)
{
    *all = (struct fl_asked_all){ .flows = asked };
    if (!answer)
        return;
    *asked = *answer;
    asked->flow = &fl_peer_busiest(vm, FL_FROM_VM)->chain->links[0]->flow;
    all->n = 1;
}

/* Of VM "web" behind vm1, on a kernel host with @version; the last 10 s are in @dump. */
static void assert_reasons(const char *version, const char *dump, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_storage storage;
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_inventory inv;
    struct fl_audit *audit;
    struct fl_asked_all all;
    struct fl_asked asked;
    struct fl_why why;

    init_inventory(&inv);
    free(inv.bridges[0].datapath_type);
    inv.bridges[0].datapath_type = xstrdup("system");
    inv.ovs_version = xstrdup(version);
    add_vm(&inv, "web", "vm1", MAC_1);
    set_inventory(snapshot, &inv);
    fl_storage_init(&storage);
    audit = fl_audit_run(snapshot, &storage, &fl_audit_options_default);
    ask(fl_audit_vm(audit, "web"), &asked, &all);
    fl_why_of_vm(audit, fl_audit_vm(audit, "web"), &facts, &all, &why);
    for (size_t i = 0; i < why.n; i++) {
        ds_put_format(&text, "%s%s%s %llup", i ? "; " : "", fl_cause_info(why.reasons[i].id)->id,
                      why.reasons[i].may_be ? "?" : "", (unsigned long long)why.reasons[i].packets);
        for (size_t j = 0; j < why.reasons[i].n_evidence; j++)
            ds_put_format(&text, "%s%s", j ? " | " : ": ", why.reasons[i].evidence[j]);
    }
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
    fl_why_destroy(&why);
    fl_audit_destroy(audit);
    fl_storage_destroy(&storage);
    fl_snapshot_destroy(snapshot);
}

static void refused_gives_way_to_what_is_sure(void **state)
{
    (void)state;
    assert_reasons("3.7.0", OUT_LINE("01", "vm1", "10", TC),
                   "refused 10p: TC has the flow (dp:tc), the NIC does not");
    port("vm1")->tc_offload = FL_NIC_FEATURE_OFF;
    assert_reasons("3.7.0", OUT_LINE("01", "vm1", "10", TC),
                   "hw-tc-offload-off 10p: vm1: hw-tc-offload is off");
}

/* They are of a pipeline that was, until they idle out. */
static void chains_that_no_packet_passed_are_no_reason(void **state)
{
    static const char old[] = UFID("03") IN("vm1") TO_SERVER COUNT("0") SW "actions:meter(3),p0\n";
    char *both = xasprintf("%s%s", old, OUT_LINE("01", "vm1", "10", TC));

    (void)state;
    assert_reasons("3.7.0", both, "refused 10p: TC has the flow (dp:tc), the NIC does not");
    /* Where nothing passes at all, they are what there is to look at. */
    assert_reasons("3.7.0", old, "meter 0p: meter(3)");
    free(both);
}

static void offload_that_is_not_in_force_is_why_of_all_chains(void **state)
{
    (void)state;
    facts.log.seen_start = true; /* And no "Flow API Enabled" since. */
    assert_reasons(
        "3.7.0", OUT_LINE("01", "vm1", "10", SW) BACK_LINE("02", "vm1", MAC_1, "10", SW),
        "hw-offload-not-active 20p: ovs-vswitchd was started before hw-offload was set: its "
        "log has no \"netdev: Flow API Enabled\"");
}

static void what_may_be_comes_last(void **state)
{
    (void)state;
    assert_reasons(
        "3.1.0",
        UFID("01") IN("vm1") TO_SERVER COUNT("10") SW "actions:ct(zone=1),recirc(0x5)\n" UFID(
            "02") "recirc_id(0x5),in_port(vm1),ct_state(+est)," TO_SERVER COUNT("10") TC
        "actions:push_vlan(vid=100,pcp=0),p0\n",
        "conntrack 10p: ct(zone=1),recirc(0x5); ovs-bug-split-chain? 10p: a flow in dp:ovs "
        "is followed by one in dp:tc; Open vSwitch 3.1.0 has the bug, 3.6.0 the fix");
}

/* ---- What the NIC's profile says ---- */

#define TTL "eth_type(0x0800),ipv4(dst=10.1.0.1,proto=6,ttl=64,frag=no),tcp(dst=2049)"

static void a_profile_is_the_first_guess(void **state)
{
    (void)state;
    ovs_strlcpy(port("vm1")->driver, "flownic", sizeof port("vm1")->driver);
    assert_reasons("3.7.0",
                   UFID("01") IN("vm1") TTL COUNT("10") TC "actions:push_vlan(vid=100,pcp=0),p0\n",
                   "refused 10p: TC has the flow (dp:tc), the NIC does not; nic-match? 10p: "
                   "nw_ttl: \"Matching on TTL is not supported\" "
                   "(tests/bench/kernel/nic/faults.c, refused_at_first)");
    /* Nothing against it is known. */
    assert_reasons("3.7.0", OUT_LINE("01", "vm1", "10", TC),
                   "refused 10p: TC has the flow (dp:tc), the NIC does not");
}

static void a_guess_gives_way_to_what_is_sure(void **state)
{
    (void)state;
    ovs_strlcpy(port("vm1")->driver, "flownic", sizeof port("vm1")->driver);
    port("vm1")->tc_offload = FL_NIC_FEATURE_OFF;
    assert_reasons("3.7.0",
                   UFID("01") IN("vm1") TTL COUNT("10") TC "actions:push_vlan(vid=100,pcp=0),p0\n",
                   "hw-tc-offload-off 10p: vm1: hw-tc-offload is off");
}

/* ---- What the NIC said ---- */

static const struct fl_asked refusing = {
    .api = FL_API_TC,
    .device = "vm1",
    .outcome = FL_ASKED_REFUSED,
    .parts = { { "dst_port", FL_CAUSE_NIC_MATCH, EOPNOTSUPP, "no ports" },
               { "src_mac", FL_CAUSE_NIC_MATCH, EOPNOTSUPP, "no MACs" } },
    .n_parts = 2,
};
static const struct fl_asked accepting = {
    .api = FL_API_TC,
    .device = "vm1",
    .outcome = FL_ASKED_ACCEPTED,
};
#define SAID     "nic-match 10p: vm1 refuses dst_port: \"no ports\" | vm1 refuses src_mac: \"no MACs\""
#define TTL_LINE UFID("01") IN("vm1") TTL COUNT("10") TC "actions:push_vlan(vid=100,pcp=0),p0\n"

static void what_the_nic_said_overrules_its_profile(void **state)
{
    (void)state;
    ovs_strlcpy(port("vm1")->driver, "flownic", sizeof port("vm1")->driver);
    answer = &refusing;
    assert_reasons("3.7.0", TTL_LINE, SAID);
    answer = &accepting;
    assert_reasons("3.7.0", TTL_LINE, "refused-once 10p: vm1 was asked, and takes the flow now");
}

/* Two outputs are what a NIC may mind: this one minds something else. */
static void what_the_nic_said_overrules_what_the_flow_shows(void **state)
{
    static const char two[] = UFID("01") IN("vm1") TO_SERVER COUNT("10") TC "actions:p0,p1\n";

    (void)state;
    assert_reasons("3.7.0", two, "multiple-outputs 10p: 2 outputs: p0,p1");
    answer = &refusing;
    assert_reasons("3.7.0", two, SAID);
}

/* Another connection has other values; another mask is another question. */
static void flows_that_differ_in_values_are_told_alike(void **state)
{
    static const char other[] = UFID("02") IN("vm1") "eth_type(0x0800),ipv4(dst=10.1.0.2,proto=6,"
                                                     "frag=no),tcp(dst=2049)" COUNT("5") TC
        "actions:push_vlan(vid=100,pcp=0),p0\n";
    static const char wider[] = UFID("03") IN("vm1") "eth_type(0x0800),ipv4(dst=10.1.0.3,proto=6,"
                                                     "ttl=9,frag=no),tcp(dst=2049)" COUNT("5") TC
        "actions:push_vlan(vid=100,pcp=0),p0\n";
    char *dump = xasprintf("%s%s%s", OUT_LINE("01", "vm1", "10", TC), other, wider);

    (void)state;
    answer = &accepting;
    assert_reasons("3.7.0", dump,
                   "refused-once 15p: vm1 was asked, and takes the flow now; refused 5p: TC has "
                   "the flow (dp:tc), the NIC does not");
    free(dump);
}

/* Where nobody offers it, it does not say much that it is taken. */
static void accepted_is_no_answer_where_the_host_is_why(void **state)
{
    (void)state;
    facts.log.seen_start = true;
    answer = &accepting;
    assert_reasons("3.7.0", OUT_LINE("01", "vm1", "10", SW),
                   "hw-offload-not-active 10p: ovs-vswitchd was started before hw-offload was "
                   "set: its log has no \"netdev: Flow API Enabled\"");
}

static void no_answer_changes_nothing(void **state)
{
    static const struct fl_asked silent = { .outcome = FL_ASKED_CANNOT_TELL, .words = "no qdisc" };

    (void)state;
    ovs_strlcpy(port("vm1")->driver, "flownic", sizeof port("vm1")->driver);
    answer = &silent;
    assert_reasons("3.7.0", TTL_LINE,
                   "refused 10p: TC has the flow (dp:tc), the NIC does not; nic-match? 10p: "
                   "nw_ttl: \"Matching on TTL is not supported\" "
                   "(tests/bench/kernel/nic/faults.c, refused_at_first)");
}

/* Of the only chain of @dump, in an inventory of @type whose vm1 has this driver. */
static void assert_guess(const char *type, const char *driver, const char *dump, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    struct fl_cause causes[FL_MAX_CAUSES];
    struct fl_profiles profiles;
    struct fl_inventory inv;
    char *got;

    init_inventory(&inv);
    free(inv.bridges[0].datapath_type);
    inv.bridges[0].datapath_type = xstrdup(type);
    add_vm(&inv, "web", "vm1", MAC_1);
    smap_add(&inv.interfaces[inv.n_interfaces - 1].status, "driver_name", driver);
    fl_profiles_init(&profiles);
    got = text_of(causes,
                  fl_why_nic(&profiles, strcmp(type, "netdev") ? &facts : NULL, &inv,
                             fl_snapshot_ports_const(snapshot), &chains->chains[0], causes));
    assert_string_equal(got, wanted);
    free(got);
    fl_profiles_destroy(&profiles);
    fl_inventory_destroy(&inv);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
}

static void a_dpdk_port_has_its_driver_in_the_inventory(void **state)
{
    static const char two[] = UFID("01") IN("vm1") IP COUNT("9") SW "actions:p0,p1\n";

    (void)state;
    assert_guess("netdev", "mlx5_pci", two,
                 "nic-output?: 2 outputs, where it takes 1: \"can have only one fate actions in a "
                 "flow\" (DPDK 22.11 mlx5_flow_dv.c, flow_dv_validate_action_port_id())");
    assert_guess("netdev", "net_virtio", two, "");
    /* A port that the kernel does not know either. */
    port("vm1")->name[0] = '\0';
    assert_guess("system", "ice", two,
                 "nic-output?: 2 outputs, where it takes 1: \"Unsupported action in switchdev "
                 "mode\" (Linux 6.1 ice_tc_lib.c: no FLOW_ACTION_MIRRED)");
}

static void members_of_a_bond_have_the_driver(void **state)
{
    struct fl_nic_port *member;

    (void)state;
    add_port(20, "bond0", FL_NIC_ROLE_NEITHER);
    member = add_port(21, "p1", FL_NIC_ROLE_UPLINK);
    member->master = 20;
    ovs_strlcpy(member->master_kind, "bond", sizeof member->master_kind);
    ovs_strlcpy(member->driver, "mlx5_core", sizeof member->driver);
    assert_guess("system", "none",
                 UFID("01") IN("bond0") "eth_type(0x0806),arp(op=2)" COUNT("9") TC "actions:vm1\n",
                 "nic-match?: arp_op: \"Unsupported key\" (Linux 6.1 mlx5 en_tc.c: no KEY_ARP)");
}

static void links_that_the_nic_has_are_not_judged(void **state)
{
    (void)state;
    ovs_strlcpy(port("vm1")->driver, "flownic", sizeof port("vm1")->driver);
    assert_guess("system", "none",
                 UFID("01") IN("vm1")
                     TTL COUNT("9") "offloaded:yes, dp:tc, actions:recirc(0x5)\n" UFID(
                         "02") "recirc_id(0x5),in_port(vm1)," IP COUNT("9") TC "actions:p0\n",
                 "");
}

/* Names, "|" between what the VM has, what its peer has, and what only the VM has. */
static char *side_by_side(const struct svec *of_vm, const struct svec *of_peer,
                          const struct svec *only)
{
    char *a = svec_join(of_vm, ",", ""), *b = svec_join(of_peer, ",", "");
    char *c = svec_join(only, ",", ""), *text = xasprintf("%s | %s | %s", a, b, c);

    free(a);
    free(b);
    free(c);
    return text;
}

static void assert_beside(const char *dump, size_t wanted_n, const char *wanted_fields,
                          const char *wanted_actions)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_storage storage;
    struct fl_audit *audit;
    struct fl_peer peers[2];
    size_t n;

    set_three_vms(snapshot);
    fl_storage_init(&storage);
    audit = fl_audit_run(snapshot, &storage, &fl_audit_options_default);
    n = fl_peer_compare(audit, fl_audit_vm(audit, "db"), peers);
    assert_int_equal(n, wanted_n);
    for (size_t i = 0; i < n; i++) {
        char *fields = side_by_side(&peers[i].vm.fields, &peers[i].peer.fields,
                                    &peers[i].only_fields);
        char *actions = side_by_side(&peers[i].vm.actions, &peers[i].peer.actions,
                                     &peers[i].only_actions);

        if (!i) {
            assert_string_equal(fields, wanted_fields);
            assert_string_equal(actions, wanted_actions);
            assert_string_equal(peers[i].peer.vm->name, "web");
        }
        free(fields);
        free(actions);
        fl_peer_destroy(&peers[i]);
    }
    fl_audit_destroy(audit);
    fl_storage_destroy(&storage);
    fl_snapshot_destroy(snapshot);
}

#define TRACKED                                                                      \
    UFID("11")                                                                       \
    IN("vm2")                                                                        \
    TO_SERVER COUNT("50") SW "actions:ct(zone=1),recirc(0x5)\n" UFID(                \
        "12") "recirc_id(0x5),in_port(vm2),ct_state(+est)," TO_SERVER COUNT("50") SW \
        "actions:push_vlan(vid=100,pcp=0),p0\n"

static void a_healthy_peer_is_set_beside_it(void **state)
{
    (void)state;
    assert_beside(TRACKED OUT_LINE("01", "vm1", "70", HW) OUT_LINE("03", "vm3", "10", HW), 1,
                  "ct_state,eth_type,ip_dst,ip_frag,nw_proto,tp_dst,vlan_vid | "
                  "eth_type,ip_dst,ip_frag,nw_proto,tp_dst,vlan_vid | ct_state",
                  "ct,output,push_vlan,recirc | output,push_vlan | ct,recirc");
    /* Nobody is healthy; or nobody is on this VLAN. */
    assert_beside(TRACKED OUT_LINE("01", "vm1", "70", SW), 0, NULL, NULL);
    assert_beside(TRACKED UFID("01") IN("vm1") TO_SERVER COUNT("70") HW
                  "actions:push_vlan(vid=200,pcp=0),p0\n",
                  0, NULL, NULL);
}

static void chains_in_hardware_have_no_reasons(void **state)
{
    (void)state;
    port("vm1")->eswitch = FL_ESWITCH_LEGACY;
    assert_reasons("3.1.0", OUT_LINE("01", "vm1", "10", "offloaded:yes, dp:tc, "), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_in_order_shows_nothing),
        TEST(devices_that_the_packets_pass_are_looked_at),
        TEST(devices_of_others_do_not_count),
        TEST(two_eswitches_on_one_way),
        TEST(a_qdisc_that_is_lost),
        TEST(members_stand_for_a_bond),
        TEST(recirculation_needs_the_kernel),
        TEST(the_log_is_of_the_past),
        TEST(a_log_full_of_refusals_keeps_the_newest),
        TEST(refused_gives_way_to_what_is_sure),
        TEST(chains_that_no_packet_passed_are_no_reason),
        TEST(offload_that_is_not_in_force_is_why_of_all_chains),
        TEST(what_may_be_comes_last),
        TEST(a_profile_is_the_first_guess),
        TEST(a_guess_gives_way_to_what_is_sure),
        TEST(what_the_nic_said_overrules_its_profile),
        TEST(what_the_nic_said_overrules_what_the_flow_shows),
        TEST(flows_that_differ_in_values_are_told_alike),
        TEST(accepted_is_no_answer_where_the_host_is_why),
        TEST(no_answer_changes_nothing),
        TEST(a_dpdk_port_has_its_driver_in_the_inventory),
        TEST(members_of_a_bond_have_the_driver),
        TEST(links_that_the_nic_has_are_not_judged),
        TEST(a_healthy_peer_is_set_beside_it),
        TEST(chains_in_hardware_have_no_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
