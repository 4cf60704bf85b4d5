/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The doctor's checks of the kernel datapath: each judge on made-up facts, where it passes, where it
 * fails, and where it must say that it cannot tell.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/example_host.h"

#include "lib/doctor_facts.h"
#include "lib/doctor_visit.h"

#define UPLINK 2
#define VM1    11
#define VM2    12

struct host {
    struct fl_inventory inv;
    struct fl_kernel_facts facts;
};

static struct fl_nic_port *add_port(struct host *host, int ifindex, const char *name,
                                    enum fl_nic_role role, uint8_t eswitch)
{
    struct fl_nic_port *port = fl_nic_add(&host->facts.nic, ifindex);

    ovs_strlcpy(port->name, name, sizeof port->name);
    port->role = role;
    if (role != FL_NIC_ROLE_NEITHER) {
        port->switch_id = (struct fl_nic_id){ .bytes = { eswitch }, .n_bytes = 1 };
        ovs_strlcpy(port->devlink, "pci/0000:03:00.0", sizeof port->devlink);
        port->tc_offload = FL_NIC_FEATURE_ON;
        port->eswitch = FL_ESWITCH_SWITCHDEV;
        port->inline_mode = FL_INLINE_NONE;
        port->encap = FL_ENCAP_BASIC;
    }
    return port;
}

static struct fl_interface *add_system(struct host *host, const char *name, const char *vm)
{
    return vm ? add_vm(&host->inv, vm, name, NULL) : add_interface(&host->inv, name, "");
}

/* Two VMs behind one NIC, all as it should be. */
static void begin(struct host *host)
{
    static const int ingress[] = { UPLINK, VM1, VM2 };
    struct fl_bridge *bridge;

    memset(host, 0, sizeof *host);
    fl_inventory_init(&host->inv);
    smap_add(&host->inv.other_config, "hw-offload", "true");
    bridge = fl_inventory_add_bridge(&host->inv);
    bridge->name = xstrdup("br0");
    bridge->datapath_type = xstrdup("system");
    add_system(host, "p0", NULL);
    add_system(host, "rep1", "web");
    add_system(host, "rep2", "db");
    for (size_t i = 0; i < host->inv.n_interfaces; i++)
        host->inv.interfaces[i].type[0] = '\0';
    fl_inventory_group_vms(&host->inv, &fl_vm_keys_default);
    add_port(host, UPLINK, "p0", FL_NIC_ROLE_UPLINK, 1);
    add_port(host, VM1, "rep1", FL_NIC_ROLE_REPRESENTOR, 1);
    add_port(host, VM2, "rep2", FL_NIC_ROLE_REPRESENTOR, 1);
    host->facts.recirc = FL_FACT_YES;
    host->facts.ingress_known = true;
    host->facts.ingress = xmemdup(ingress, sizeof ingress);
    host->facts.n_ingress = ARRAY_SIZE(ingress);
    host->facts.counts = (struct fl_offload_counts){
        .flows_known = true,
        .tc_flows = 8,
        .filters_known = true,
        .filters = 8,
        .filters_in_hw = 8,
        .orphans_known = true,
        .connections_known = true,
    };
}

static void end(struct host *host)
{
    fl_inventory_destroy(&host->inv);
    fl_kernel_facts_destroy(&host->facts);
}

/* Consumes @host. */
static void assert_found(struct host *host, fl_judge *judge, enum fl_check_status status,
                         const char *summary)
{
    struct fl_check check = { .id = "check" };

    judge(&host->facts, &host->inv, &check);
    assert_string_equal(check.summary, summary);
    assert_int_equal(check.status, status);
    if (status == FL_CHECK_FAIL || status == FL_CHECK_WARN)
        assert_non_null(check.advice);
    free(check.summary);
    free(check.advice);
    end(host);
}

static struct fl_nic_port *port(struct host *host, int ifindex)
{
    return fl_nic_port(&host->facts.nic, ifindex);
}

static void a_host_as_it_should_be_passes_all(void **state)
{
    static const struct {
        fl_judge *judge;
        const char *summary;
    } judges[] = {
        { fl_judge_representors, "2 ports of VMs, each a representor" },
        { fl_judge_tc_offload, "hw-tc-offload is on wherever it matters" },
        { fl_judge_eswitch_mode, "the eSwitches are in switchdev mode" },
        { fl_judge_one_eswitch, "all ports are on one eSwitch" },
        { fl_judge_uplink_bond, "no uplink is in a bond" },
        { fl_judge_offload_active, "8 flows are in TC" },
        { fl_judge_ingress, "every port has its qdisc for filters" },
        { fl_judge_recirculation, "the kernel shares recirculation with TC" },
        { fl_judge_rule_table, "8 of 8 filters are in the NIC, and nothing says that it is full" },
        { fl_judge_orphans, "no filter is left behind" },
        { fl_judge_conntrack, "no storage connection goes through conntrack" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(judges); i++) {
        struct host host;

        begin(&host);
        assert_found(&host, judges[i].judge, FL_CHECK_OK, judges[i].summary);
    }
}

static void nothing_read_is_nothing_passed(void **state)
{
    static fl_judge *const judges[] = {
        fl_judge_representors, fl_judge_tc_offload,    fl_judge_eswitch_mode,
        fl_judge_one_eswitch,  fl_judge_uplink_bond,   fl_judge_offload_active,
        fl_judge_ingress,      fl_judge_recirculation, fl_judge_rule_table,
        fl_judge_orphans,      fl_judge_conntrack,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(judges); i++) {
        struct fl_check check = { .id = "check" };
        struct host host;

        begin(&host);
        fl_kernel_facts_destroy(&host.facts);
        memset(&host.facts, 0, sizeof host.facts);
        fl_error_set(&host.facts.nic_err, -EPERM, "cannot list network devices: %s", "no");
        judges[i](&host.facts, &host.inv, &check);
        assert_int_equal(check.status, FL_CHECK_UNKNOWN);
        free(check.summary);
        end(&host);
    }
}

static void vms_without_a_representor_are_named(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    port(&host, VM2)->role = FL_NIC_ROLE_NEITHER;
    assert_found(&host, fl_judge_representors, FL_CHECK_WARN,
                 "no representor of a NIC: rep2; traffic of these VMs is never in hardware");

    begin(&host);
    port(&host, VM2)->role = FL_NIC_ROLE_UNKNOWN;
    host.facts.nic.incomplete = xstrdup("cannot read the ports of devlink: no");
    assert_found(
        &host, fl_judge_representors, FL_CHECK_UNKNOWN,
        "whether a NIC is behind it is not known of rep2; cannot read the ports of devlink: "
        "no");

    begin(&host);
    port(&host, UPLINK)->role = FL_NIC_ROLE_NEITHER;
    assert_found(
        &host, fl_judge_representors, FL_CHECK_WARN,
        "no uplink of a NIC with an eSwitch is in the switch: what leaves the host is never "
        "in hardware");
}

static void hw_tc_offload_must_be_on(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    port(&host, VM1)->tc_offload = port(&host, UPLINK)->tc_offload = FL_NIC_FEATURE_OFF;
    assert_found(&host, fl_judge_tc_offload, FL_CHECK_FAIL,
                 "hw-tc-offload is off on rep1, p0: the NIC refuses every filter there");

    begin(&host);
    port(&host, VM1)->tc_offload = FL_NIC_FEATURE_OFF_FIXED;
    assert_found(&host, fl_judge_tc_offload, FL_CHECK_FAIL,
                 "hw-tc-offload is off on rep1 and cannot be turned on");

    begin(&host);
    port(&host, VM1)->tc_offload = FL_NIC_FEATURE_UNKNOWN;
    assert_found(&host, fl_judge_tc_offload, FL_CHECK_UNKNOWN,
                 "hw-tc-offload is not known of rep1");
}

static void the_eswitch_must_be_in_switchdev_mode(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    for (size_t i = 0; i < host.facts.nic.n_ports; i++)
        host.facts.nic.ports[i].eswitch = FL_ESWITCH_LEGACY;
    assert_found(&host, fl_judge_eswitch_mode, FL_CHECK_FAIL,
                 "the eSwitch of pci/0000:03:00.0 is in legacy mode: it takes no flows");

    begin(&host);
    port(&host, VM1)->inline_mode = FL_INLINE_LINK;
    assert_found(&host, fl_judge_eswitch_mode, FL_CHECK_WARN,
                 "inline mode of pci/0000:03:00.0 is link: flows that match deeper are refused");

    begin(&host);
    port(&host, VM1)->encap = FL_ENCAP_NONE;
    assert_found(&host, fl_judge_eswitch_mode, FL_CHECK_OK, "the eSwitches are in switchdev mode");

    begin(&host);
    port(&host, VM1)->encap = FL_ENCAP_NONE;
    add_interface(&host.inv, "tunnel", "geneve");
    assert_found(&host, fl_judge_eswitch_mode, FL_CHECK_WARN,
                 "encap mode of pci/0000:03:00.0 is none: flows into tunnels are refused");

    begin(&host);
    port(&host, VM2)->eswitch = FL_ESWITCH_UNKNOWN;
    assert_found(&host, fl_judge_eswitch_mode, FL_CHECK_UNKNOWN,
                 "the mode of the eSwitch is not known of rep2");
}

static void ports_on_two_eswitches_are_told_apart(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    port(&host, VM2)->switch_id.bytes[0] = 0xab;
    assert_found(&host, fl_judge_one_eswitch, FL_CHECK_WARN,
                 "rep1 is on eSwitch 01, rep2 on another (ab): flows between them are never in "
                 "hardware");

    begin(&host);
    port(&host, VM2)->switch_id.n_bytes = 0;
    assert_found(&host, fl_judge_one_eswitch, FL_CHECK_UNKNOWN,
                 "the eSwitch (phys_switch_id) of rep2 is not known");
}

/* p0 and p1 in bond0, which is the switch's port instead of p0. */
static void begin_bond(struct host *host, uint8_t second_eswitch)
{
    begin(host);
    free(host->inv.interfaces[0].name);
    host->inv.interfaces[0].name = xstrdup("bond0");
    add_port(host, 5, "bond0", FL_NIC_ROLE_NEITHER, 0);
    add_port(host, 3, "p1", FL_NIC_ROLE_UPLINK, second_eswitch);
    for (int member = UPLINK; member <= 3; member++) {
        port(host, member)->master = 5;
        ovs_strlcpy(port(host, member)->master_kind, "bond", FL_NIC_NAME_BYTES);
    }
}

static void a_bond_must_be_of_one_nic(void **state)
{
    struct host host;

    (void)state;
    begin_bond(&host, 1);
    assert_found(&host, fl_judge_uplink_bond, FL_CHECK_OK, "bond0 is a bond of ports of one NIC");
    begin_bond(&host, 1);
    assert_found(&host, fl_judge_representors, FL_CHECK_OK, "2 ports of VMs, each a representor");
    begin_bond(&host, 2);
    assert_found(
        &host, fl_judge_uplink_bond, FL_CHECK_WARN,
        "members of bond0 are on different eSwitches: flows through it are not, or only in "
        "part, in hardware");
    begin_bond(&host, 2);
    port(&host, 3)->switch_id.n_bytes = 0;
    assert_found(&host, fl_judge_uplink_bond, FL_CHECK_UNKNOWN,
                 "it is not known whether the members of bond0 are of one NIC");
    begin(&host);
    host.inv.interfaces[0].in_bond = true;
    assert_found(&host, fl_judge_uplink_bond, FL_CHECK_WARN,
                 "uplink p0 is in a bond of Open vSwitch (p0): what balance-tcp hashes is never in "
                 "hardware");
}

static void hw_offload_that_was_set_too_late_is_seen(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.n_ingress = 0;
    host.facts.counts.tc_flows = 0;
    host.facts.counts.ovs_flows = 9;
    assert_found(
        &host, fl_judge_offload_active, FL_CHECK_FAIL,
        "ovs-vswitchd does not offload: no port has a qdisc for filters, and all flows are "
        "in the kernel datapath");

    begin(&host);
    host.facts.log.seen_start = true;
    assert_found(
        &host, fl_judge_offload_active, FL_CHECK_FAIL,
        "ovs-vswitchd was started before hw-offload was set: its log has no \"netdev: Flow "
        "API Enabled\"");

    /* A qdisc may be of an earlier run. */
    begin(&host);
    host.facts.counts.tc_flows = 0;
    host.facts.counts.ovs_flows = 9;
    assert_found(&host, fl_judge_offload_active, FL_CHECK_UNKNOWN,
                 "whether the running ovs-vswitchd offloads cannot be told: no flow is in TC now");

    begin(&host);
    smap_replace(&host.inv.other_config, "hw-offload", "false");
    assert_found(&host, fl_judge_offload_active, FL_CHECK_OK, "nothing to put into force");

    begin(&host);
    smap_replace(&host.inv.other_config, "hw-offload", "false");
    host.facts.log.flow_api = true;
    assert_found(&host, fl_judge_offload_active, FL_CHECK_WARN,
                 "hw-offload is not set any more, but ovs-vswitchd goes on offloading until it is "
                 "started anew");
}

static void a_port_that_lost_its_qdisc_is_named(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.n_ingress = 2;
    assert_found(&host, fl_judge_ingress, FL_CHECK_FAIL,
                 "no qdisc for filters on rep2: none of its flows can be offloaded");
}

static void a_kernel_without_recirculation_in_tc_is_seen(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.recirc = FL_FACT_NO;
    assert_found(
        &host, fl_judge_recirculation, FL_CHECK_WARN,
        "the kernel has no NET_TC_SKB_EXT: a flow that recirculates (conntrack) would never "
        "be in hardware");

    begin(&host);
    host.facts.recirc = FL_FACT_NO;
    host.facts.counts.ovs_recirc = 4;
    assert_found(
        &host, fl_judge_recirculation, FL_CHECK_FAIL,
        "the kernel has no NET_TC_SKB_EXT: 4 flows that recirculate (conntrack) are never in "
        "hardware");

    begin(&host);
    host.facts.recirc = FL_FACT_UNKNOWN;
    host.facts.log.recirc_refused = true;
    assert_found(
        &host, fl_judge_recirculation, FL_CHECK_FAIL,
        "the kernel does not share recirculation with TC (the log of ovs-vswitchd says so): "
        "flows with conntrack are never in hardware");
}

static void a_full_table_is_told_from_other_refusals(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.log.no_space = 2;
    assert_found(&host, fl_judge_rule_table, FL_CHECK_FAIL,
                 "a table was full: ovs-vswitchd logged \"No space left on device\" 2 times");

    begin(&host);
    host.facts.counts.filters_in_hw = 3;
    assert_found(&host, fl_judge_rule_table, FL_CHECK_WARN,
                 "5 of 8 filters are not in the NIC; whether for want of room it does not say");

    /* Floods are never in the NIC. */
    begin(&host);
    host.facts.counts.filters_in_hw = 5;
    assert_found(&host, fl_judge_rule_table, FL_CHECK_OK,
                 "5 of 8 filters are in the NIC, and nothing says that it is full");
}

static void filters_left_behind_are_told(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.counts.orphans = 1;
    ovs_strlcpy(host.facts.counts.orphan_device, "rep9", FL_NIC_NAME_BYTES);
    assert_found(&host, fl_judge_orphans, FL_CHECK_FAIL,
                 "1 filter that Open vSwitch no longer knows still forwards packets, on rep9");
}

static void whether_filters_are_left_behind_may_not_be_known(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.counts.orphans_known = false;
    assert_found(&host, fl_judge_orphans, FL_CHECK_UNKNOWN,
                 "hw-offload is not set, and yet there are 8 filters of Open vSwitch; whether it "
                 "still looks after them its log does not tell");
}

static void connections_kept_from_the_nic_are_counted(void **state)
{
    struct host host;

    (void)state;
    begin(&host);
    host.facts.counts.connections = 4;
    host.facts.counts.connections_in_hw = 1;
    assert_found(&host, fl_judge_conntrack, FL_CHECK_WARN,
                 "3 of 4 storage connections that conntrack tracks are not in the NIC");

    begin(&host);
    host.facts.counts.connections = host.facts.counts.connections_in_hw = 1;
    assert_found(&host, fl_judge_conntrack, FL_CHECK_OK,
                 "1 storage connection goes through conntrack, in the NIC");
}

static void the_kernels_configuration_tells_recirculation(void **state)
{
    (void)state;
    assert_int_equal(fl_kernel_config("CONFIG_A=y\nCONFIG_NET_TC_SKB_EXT=y\n"), FL_FACT_YES);
    assert_int_equal(fl_kernel_config("CONFIG_A=y\n# CONFIG_NET_TC_SKB_EXT is not set\n"),
                     FL_FACT_NO);
    assert_int_equal(fl_kernel_config("CONFIG_A=y\n"), FL_FACT_NO);
    assert_int_equal(fl_kernel_config("no configuration"), FL_FACT_UNKNOWN);
}

static void the_kernels_types_tell_recirculation(void **state)
{
    static const char with[] = "\0SKB_EXT_SEC_PATH\0TC_SKB_EXT\0SKB_EXT_NUM";
    static const char without[] = "\0SKB_EXT_SEC_PATH\0SKB_EXT_NUM";

    (void)state;
    assert_int_equal(fl_kernel_types(with, sizeof with), FL_FACT_YES);
    assert_int_equal(fl_kernel_types(without, sizeof without), FL_FACT_NO);
    assert_int_equal(fl_kernel_types("\0sk_buff", 9), FL_FACT_UNKNOWN);
}

#define LINE(N, TEXT) "2026-11-22T23:28:23.598Z|" N "|" TEXT "\n"
#define STARTED       LINE("00001", "vlog|INFO|opened log file /ovs-vswitchd.log")
#define VERSION_LINE  LINE("00042", "bridge|INFO|ovs-vswitchd (Open vSwitch) 3.1.0")
#define API_ENABLED   LINE("00006", "netdev_offload|INFO|netdev: Flow API Enabled")
#define POLICY(NAME)  LINE("00007", "tc|INFO|tc: Using policy '" NAME "'")
#define OF_A_THREAD \
    LINE("00001", "ofproto_dpif_upcall(revalidator3)|INFO|Spent 2448ms dumping flows")
#define OPENED_ANEW LINE("00900", "vlog|INFO|opened log file /ovs-vswitchd.log")
#define NO_RECIRC   LINE("00901", "netdev_offload_tc|ERR|flow_put: recirc_id sharing not supported")
#define NO_SPACE \
    LINE("00902", "netdev_offload_tc|ERR|couldn't get tc prio: No space left on device")

/* As ovs-vswitchd 3.1.0 writes it: its name and version come late. */
static void the_log_counts_from_the_last_start(void **state)
{
    static const char off[] = STARTED API_ENABLED POLICY("skip_hw") STARTED VERSION_LINE;
    static const char on[] = STARTED API_ENABLED POLICY("skip_sw")
        VERSION_LINE OF_A_THREAD OPENED_ANEW NO_RECIRC NO_SPACE;
    struct fl_log_offload log;

    (void)state;
    fl_log_offload_parse(off, &log);
    assert_true(log.seen_start);
    assert_false(log.flow_api);
    assert_string_equal(log.tc_policy, "");

    fl_log_offload_parse(on, &log);
    assert_true(log.seen_start && log.flow_api && log.recirc_refused);
    assert_int_equal(log.no_space, 1);
    assert_string_equal(log.tc_policy, "skip_sw");

    fl_log_offload_parse("", &log);
    assert_false(log.seen_start || log.flow_api || log.recirc_refused || log.no_space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_as_it_should_be_passes_all),
        cmocka_unit_test(nothing_read_is_nothing_passed),
        cmocka_unit_test(vms_without_a_representor_are_named),
        cmocka_unit_test(hw_tc_offload_must_be_on),
        cmocka_unit_test(the_eswitch_must_be_in_switchdev_mode),
        cmocka_unit_test(ports_on_two_eswitches_are_told_apart),
        cmocka_unit_test(a_bond_must_be_of_one_nic),
        cmocka_unit_test(hw_offload_that_was_set_too_late_is_seen),
        cmocka_unit_test(a_port_that_lost_its_qdisc_is_named),
        cmocka_unit_test(a_kernel_without_recirculation_in_tc_is_seen),
        cmocka_unit_test(a_full_table_is_told_from_other_refusals),
        cmocka_unit_test(filters_left_behind_are_told),
        cmocka_unit_test(whether_filters_are_left_behind_may_not_be_known),
        cmocka_unit_test(connections_kept_from_the_nic_are_counted),
        cmocka_unit_test(the_kernels_configuration_tells_recirculation),
        cmocka_unit_test(the_kernels_types_tell_recirculation),
        cmocka_unit_test(the_log_counts_from_the_last_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
