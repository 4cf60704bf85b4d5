/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit: verdict, scope and causes of every VM, and the sentence that goes with them. What is
 * compared is the whole report: one line a VM.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "tests/unit/audit_report.h"

/* Through conntrack, from the VM only: a head, and a tail for established connections. */
#define CT_OUT(VM, P)                                                                          \
    UFID("a1")                                                                                 \
    IN(VM)                                                                                     \
    "eth_type(0x0800),ipv4(frag=no)" COUNT(P) SW                                               \
        "actions:ct(commit,zone=2),recirc(0x1)\n" UFID("a2") "recirc_id(0x1),in_port(" VM      \
                                                             "),ct_state(+est+trk)," TO_SERVER \
                                                             COUNT(P) SW                       \
        "actions:push_vlan(vid=100,pcp=0),p0\n"

static void one_stranded_vm_among_peers_has_scope_vm_and_its_cause(void **state)
{
    (void)state;
    assert_report(VM1("1000", HW) VM2("0", HW) CT_OUT("vm3", "100"),
                  VM1("2000", HW) VM2("500", HW) CT_OUT("vm3", "12445"),
                  "mail stranded vm 0.00 conntrack: 100 % of 12,345 storage packets were "
                  "forwarded by a CPU (dp-sw), its peers are in hardware\n"
                  "db offloaded - 1.00: 100 % of 1,000 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 2,000 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void with_hw_offload_off_all_vms_are_stranded_by_the_host(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(VM1("0", SW) VM2("0", SW) VM3("0", SW),
                                               VM1("20", SW) VM2("10", SW) VM3("0", SW));
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_replace(&inv.other_config, "hw-offload", "false");
    add_vm(&inv, "web", "vm1", MAC_1);
    add_vm(&inv, "db", "vm2", MAC_2);
    add_vm(&inv, "mail", "vm3", MAC_3);
    set_inventory(snapshot, &inv);
    assert_report_of(
        snapshot,
        "web stranded host 0.00 hw-offload-off: 100 % of 40 storage packets were forwarded by a "
        "CPU (dp-sw), as on the whole host: other_config:hw-offload is \"false\"\n"
        "db stranded host 0.00 hw-offload-off: 100 % of 20 storage packets were forwarded by a "
        "CPU (dp-sw), as on the whole host: other_config:hw-offload is \"false\"\n"
        "mail idle - -: no storage packets in the window of 5 s\n"
        "exit 1");
}

static void host_causes_come_before_those_of_more_packets(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, CT_OUT("vm1", "10"));
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_clear(&inv.other_config);
    add_vm(&inv, "web", "vm1", MAC_1);
    set_inventory(snapshot, &inv);
    assert_report_of(snapshot,
                     "web stranded host 0.00 hw-offload-off,conntrack: 100 % of 10 storage "
                     "packets were forwarded by a CPU (dp-sw), as on the whole host: "
                     "other_config:hw-offload is not set\n"
                     "exit 1");
}

static void no_flow_of_anybody_in_hardware_is_the_hosts_scope(void **state)
{
    (void)state;
    assert_report(NULL, VM1("20", SW) VM2("10", SW),
                  "web stranded host 0.00 refused: 100 % of 40 storage packets were forwarded by "
                  "a CPU (dp-sw), as on the whole host\n"
                  "db stranded host 0.00 refused: 100 % of 20 storage packets were forwarded by a "
                  "CPU (dp-sw), as on the whole host\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "exit 1");
    /* One flow in hardware, be it an idle one of no VM: the host can offload. */
    assert_report(NULL,
                  VM1("20", SW) VM2("10", SW) UFID("99") IN("p0") "eth_type(0x0806)" COUNT("0") HW
                  "actions:p0\n",
                  "web stranded vm 0.00 refused: 100 % of 40 storage packets were forwarded by "
                  "a CPU (dp-sw)\n"
                  "db stranded vm 0.00 refused: 100 % of 20 storage packets were forwarded by a "
                  "CPU (dp-sw)\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "exit 1");
}

static void all_vms_behind_one_nic_have_scope_nic(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, VM1("20", SW) VM2("10", SW) VM3("5", HW));
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_add(&add_vm(&inv, "web", "vm1", MAC_1)->options, "dpdk-devargs",
             "0000:08:00.0,representor=[0]");
    smap_add(&add_vm(&inv, "db", "vm2", MAC_2)->options, "dpdk-devargs",
             "0000:08:00.0,representor=[1]");
    smap_add(&add_vm(&inv, "mail", "vm3", MAC_3)->options, "dpdk-devargs",
             "0000:09:00.0,representor=[0]");
    set_inventory(snapshot, &inv);
    assert_report_of(
        snapshot,
        "web stranded nic 0.00 refused: 100 % of 40 storage packets were forwarded by a CPU "
        "(dp-sw), like all VMs behind 0000:08:00.0\n"
        "db stranded nic 0.00 refused: 100 % of 20 storage packets were forwarded by a CPU "
        "(dp-sw), like all VMs behind 0000:08:00.0\n"
        "mail offloaded - 1.00: 100 % of 10 storage packets were forwarded by the NIC\n"
        "exit 1");
}

static void one_direction_in_software_is_told(void **state)
{
    (void)state;
    assert_report(
        NULL,
        OUT_LINE("01", "vm1", "100", HW) BACK_LINE("11", "vm1", MAC_1, "100", SW) VM2("9", HW),
        "web stranded vm 0.50 refused: 50 % of 200 storage packets were forwarded by a CPU "
        "(dp-sw), all of them to the VM, its peers are in hardware\n"
        "mail idle - -: no storage packets since the flows were made\n"
        "db offloaded - 1.00: 100 % of 18 storage packets were forwarded by the NIC\n"
        "exit 1");
}

static void a_small_share_of_software_is_no_stranding(void **state)
{
    (void)state;
    assert_report(NULL,
                  OUT_LINE("01", "vm1", "950", HW) OUT_LINE("02", "vm1", "49", SW)
                      OUT_LINE("03", "vm1", "1", "dp:tc, ") VM2("1", HW) VM3("1", HW),
                  "web offloaded - 0.95: 95 % of 1,000 storage packets were forwarded by the NIC\n"
                  "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 0");
}

static void what_a_path_counts_for_is_its_packets(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(
        NULL,
        OUT_LINE("01", "vm1", "1", HW) OUT_LINE("02", "vm1", "2", "offloaded:partial, dp:ovs, ")
            OUT_LINE("03", "vm1", "3", "dp:tc, ") OUT_LINE("04", "vm1", "4", SW) UFID("05")
                IN("vm1") TO_SERVER COUNT("5") SW "actions:userspace(pid=0,slow_path(action))\n");
    struct fl_audit *audit;
    json_t *json;
    char *text;

    (void)state;
    set_three_vms(snapshot);
    audit = audit_of(snapshot);
    json = fl_vm_audit_to_json(fl_audit_vm(audit, "web"));
    text = json_dumps(json, JSON_REAL_PRECISION(3));
    assert_string_equal(
        text,
        "{\"name\": \"web\", \"id\": \"web\", \"interfaces\": [\"vm1\"], "
        "\"verdict\": \"stranded\", \"scope\": \"vm\", "
        "\"reason\": \"93 % of 15 storage packets went to ovs-vswitchd (upcall)\", "
        "\"storage\": {\"packets\": {\"hw\": 1, \"hw_partial\": 2, \"tc_sw\": 3, \"dp_sw\": 4, "
        "\"upcall\": 5}, \"bytes\": {\"hw\": 100, \"hw_partial\": 200, \"tc_sw\": 300, "
        "\"dp_sw\": 400, \"upcall\": 500}, \"flows\": {\"hw\": 1, \"hw_partial\": 1, "
        "\"tc_sw\": 1, \"dp_sw\": 1, \"upcall\": 1}}, \"hw_share\": 0.0667, "
        "\"causes\": [\"refused\", \"userspace-action\", \"partial-offload\"], "
        "\"uncounted\": {\"young_packets\": 0, \"unknown\": {\"packets\": 0, \"bytes\": 0, "
        "\"flows\": 0}}, \"leaked_packets\": 0, \"judged_by\": \"flows\", \"nic\": {\"driver\": null, \"firmware\": null}}");
    free(text);
    json_decref(json);
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

static void a_counter_that_fell_counts_from_zero(void **state)
{
    (void)state;
    assert_report(VM1("100000", HW) VM2("0", HW) VM3("0", HW),
                  VM1("10", HW) VM2("1", HW) VM3("1", HW),
                  "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 20 storage packets were forwarded by the NIC\n"
                  "exit 0");
}

static void a_dump_without_m_tells_no_verdict(void **state)
{
    (void)state;
    assert_report(
        NULL, VM1("10", "") VM2("0", ""),
        "web unknown - -: the path of 100 % of 20 storage packets is not known: the dump does "
        "not tell it; dump with ovs-appctl dpctl/dump-flows -m\n"
        "db idle - -: no storage packets since the flows were made\n"
        "mail idle - -: no storage packets since the flows were made\n"
        "exit 2");
}

static void an_unknown_path_only_matters_where_it_could_change_the_verdict(void **state)
{
    (void)state;
    assert_report(NULL,
                  OUT_LINE("01", "vm1", "99", HW) OUT_LINE("02", "vm1", "1", "")
                      OUT_LINE("03", "vm2", "50", SW) OUT_LINE("04", "vm2", "50", "")
                          OUT_LINE("05", "vm3", "85", HW) OUT_LINE("06", "vm3", "15", ""),
                  "db stranded vm 0.00 refused: 50 % of 100 storage packets were forwarded by a "
                  "CPU (dp-sw), its peers are in hardware\n"
                  "mail unknown - 1.00: the path of 15 % of 100 storage packets is not known: "
                  "the dump does not tell it; dump with ovs-appctl dpctl/dump-flows -m\n"
                  "web offloaded - 1.00: 99 % of 100 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void software_packets_of_young_flows_do_not_count_and_hardware_ones_do(void **state)
{
    (void)state;
    assert_report(OUT_LINE("01", "vm1", "0", HW),
                  OUT_LINE("01", "vm1", "100", HW) OUT_LINE("02", "vm1", "30", SW)
                      OUT_LINE("03", "vm2", "7", SW) OUT_LINE("04", "vm3", "8", HW),
                  "db unknown - -: only flows that are younger than the window had storage "
                  "packets (7); audit again\n"
                  "mail offloaded - 1.00: 100 % of 8 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 100 storage packets were forwarded by the NIC\n"
                  "exit 2");
}

static void traffic_that_is_always_young_does_not_pass_as_offloaded(void **state)
{
    (void)state;
    assert_report(OUT_LINE("01", "vm1", "0", HW),
                  OUT_LINE("01", "vm1", "100", HW) OUT_LINE("02", "vm1", "3000", SW),
                  "web unknown - 1.00: most storage packets (3,000) were of flows that are "
                  "younger than the window; audit with a longer one\n"
                  "db idle - -: no storage packets in the window of 5 s\n"
                  "mail idle - -: no storage packets in the window of 5 s\n"
                  "exit 2");
}

static void an_incomplete_snapshot_never_says_offloaded_or_idle(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, VM1("10", HW) VM2("10", SW));

    (void)state;
    set_three_vms(snapshot);
    fl_snapshot_set_incomplete(snapshot, "the dump was interrupted");
    assert_report_of(snapshot,
                     "db stranded vm 0.00 refused: 100 % of 20 storage packets were forwarded by "
                     "a CPU (dp-sw)\n"
                     "mail unknown - -: no storage packets were seen, but not all could be "
                     "read: the dump was interrupted\n"
                     "web unknown - 1.00: what was seen is in hardware, but not all could be "
                     "read: the dump was interrupted\n"
                     "exit 2");
}

static void a_chain_in_hardware_up_to_conntrack_is_in_software(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN("vm1") "eth_type(0x0800),ipv4(frag=no)" COUNT("100") HW
                  "actions:ct(zone=1),recirc(0x1)\n" UFID(
                      "02") "recirc_id(0x1),in_port(vm1),ct_state(+est)," TO_SERVER COUNT("90") SW
                  "actions:p0\n" UFID(
                      "03") "recirc_id(0x1),in_port(vm1),ct_state(-est)," TO_SERVER COUNT("10") SW
                  "actions:p0\n" VM2("1", HW) VM3("1", HW),
                  "web stranded vm 0.00 conntrack: 100 % of 100 storage packets were forwarded by "
                  "a CPU (dp-sw), its peers are in hardware\n"
                  "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void a_chain_whose_end_is_missing_is_not_in_hardware(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN("vm1") TO_SERVER COUNT("100") HW "actions:ct(zone=1),recirc(0x1)\n",
                  "web unknown - -: the path of 100 % of 100 storage packets is not known: not "
                  "all flows that they pass were found or could be read\n"
                  "db idle - -: no storage packets since the flows were made\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "exit 2");
}

static void packets_that_are_dropped_do_not_count(void **state)
{
    (void)state;
    assert_report(NULL, UFID("01") IN("vm1") TO_SERVER COUNT("100") SW "actions:drop\n",
                  "db idle - -: no storage packets since the flows were made\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "web idle - -: no storage packets since the flows were made\n"
                  "exit 0");
}

static void packets_that_ovs_vswitchd_forwards_belong_to_the_vm_they_are_addressed_to(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN("p0") "eth(dst=" MAC_2 ")," FROM_SERVER COUNT("10") SW
                  "actions:userspace(pid=0,slow_path(action))\n" VM1("1", HW),
                  "db stranded vm 0.00 userspace-action: 100 % of 10 storage packets went to "
                  "ovs-vswitchd (upcall), its peers are in hardware\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "web offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void a_flood_counts_for_the_vm_it_is_addressed_to(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN("p0") "eth(dst=" MAC_2 ")," FROM_SERVER COUNT("10") SW
                  "actions:vm1,vm2,vm3\n" VM1("1", HW),
                  "db stranded vm 0.00 multiple-outputs: 100 % of 10 storage packets were "
                  "forwarded by a CPU (dp-sw), its peers are in hardware\n"
                  "mail idle - -: no storage packets since the flows were made\n"
                  "web offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void a_broadcast_in_the_storage_network_strands_nobody(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN(
                      "vm3") "eth(dst=ff:ff:ff:ff:ff:ff),eth_type(0x0800),ipv4(frag=no)" COUNT("10")
                      SW "actions:vm1,vm2,push_vlan(vid=100,pcp=0),p0\n" VM1("1", HW) VM2("1", HW),
                  "mail idle - -: no storage packets since the flows were made\n"
                  "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "web offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 0");
}

static void traffic_between_two_vms_counts_for_both(void **state)
{
    (void)state;
    assert_report(NULL,
                  UFID("01") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no)" COUNT("10") SW
                  "actions:vm2\n" VM3("1", HW),
                  "db stranded vm 0.00 refused: 100 % of 10 storage packets were forwarded by a "
                  "CPU (dp-sw), its peers are in hardware\n"
                  "web stranded vm 0.00 refused: 100 % of 10 storage packets were forwarded by a "
                  "CPU (dp-sw), its peers are in hardware\n"
                  "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 1");
}

static void the_vlan_is_the_tag_the_pushed_one_or_the_access_tag(void **state)
{
    static const char dump[] = OUT_LINE("01", "vm1", "10", HW)
        BACK_LINE("02", "vm1", MAC_1, "20", HW)                       /* 100 */
        UFID("03") IN("vm1") TO_SERVER COUNT("30") HW "actions:vm2\n" /* access 7 */
        UFID("04") IN("vm2") TO_SERVER COUNT("40") HW "actions:p0\n"  /* untagged */
        UFID("05") IN("vm2") "eth_type(0x8100),vlan(vid=0/0x0,pcp=0/0x0),encap(" TO_SERVER
                             ")" COUNT("50") HW "actions:p0\n"; /* any */
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_inventory inv;
    struct fl_audit *audit;
    const struct fl_vm_audit *vm;

    (void)state;
    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1)->tag = 7;
    add_vm(&inv, "db", "vm2", MAC_2);
    set_inventory(snapshot, &inv);
    audit = audit_of(snapshot);
    vm = fl_audit_vm(audit, "web");
    assert_int_equal(vm->n_findings, 3);
    assert_int_equal(vm->findings[0].vlan, 7);
    assert_int_equal(vm->findings[0].direction, FL_FROM_VM);
    assert_int_equal(vm->findings[1].vlan, 100);
    assert_int_equal(vm->findings[1].direction, FL_TO_VM);
    assert_string_equal(vm->findings[1].iface->name, "vm1");
    assert_int_equal(vm->findings[2].vlan, 100);
    vm = fl_audit_vm(audit, "db");
    assert_int_equal(vm->n_findings, 3);
    assert_int_equal(vm->findings[0].vlan, -1);
    assert_int_equal(vm->findings[1].vlan, 0);
    assert_int_equal(vm->findings[2].vlan, 0);
    assert_int_equal(vm->findings[2].direction, FL_TO_VM);
    assert_int_equal(vm->findings[2].fit, FL_STORAGE_MAYBE);
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

static void without_an_inventory_each_port_but_the_uplink_is_a_vm(void **state)
{
    (void)state;
    assert_report_of(
        snapshot_of(NULL, VM1("10", HW) VM2("10", SW)),
        "vm2 stranded vm 0.00: 100 % of 20 storage packets were forwarded by a CPU (dp-sw), its "
        "peers are in hardware\n"
        "vm1 offloaded - 1.00: 100 % of 20 storage packets were forwarded by the NIC\n"
        "exit 1");
    /* Untagged everywhere: the uplink is what both talk to. */
    assert_report_of(snapshot_of(NULL, UFID("01") IN("vm1") "eth_type(0x0800),ipv4(frag=no)" COUNT(
                                           "1") HW "actions:p0\n" UFID("02")
                                           IN("vm2") "eth_type(0x0800),ipv4(frag=no)" COUNT("2") HW
                                 "actions:p0\n"),
                     "vm1 offloaded - 1.00: 100 % of 1 storage packets were forwarded by the NIC\n"
                     "vm2 offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                     "exit 0");
}

static void an_inventory_without_identities_is_audited_by_port(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, VM1("10", HW) VM2("10", SW) UFID("07")
                                                         IN("br0") TO_SERVER COUNT("9") SW
                                               "actions:push_vlan(vid=100,pcp=0),p0\n");
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    add_interface(&inv, "vm1", "dpdk");
    add_interface(&inv, "vm2", "dpdk");
    add_interface(&inv, "br0", "internal");
    set_inventory(snapshot, &inv);
    assert_report_of(snapshot,
                     "vm2 stranded vm 0.00 refused: 100 % of 20 storage packets were forwarded by "
                     "a CPU (dp-sw), its peers are in hardware\n"
                     "vm1 offloaded - 1.00: 100 % of 20 storage packets were forwarded by the NIC\n"
                     "exit 1");
}

static void ports_by_number_fit_no_inventory(void **state)
{
    (void)state;
    assert_report(NULL, OUT_LINE("01", "3", "10", HW),
                  "db unknown - -: the dump tells ports by number; dump with -m, which prints "
                  "names\n"
                  "mail unknown - -: the dump tells ports by number; dump with -m, which prints "
                  "names\n"
                  "web unknown - -: the dump tells ports by number; dump with -m, which prints "
                  "names\n"
                  "exit 2");
}

/* One of the mistakes of scripts in the field: the number spaces have nothing to do with each other. */
static void an_openflow_port_number_is_not_a_datapath_port_number(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, OUT_LINE("01", "3", "10", SW) VM1("5", HW));
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    add_vm(&inv, "db", "vm2", MAC_2)->ofport = u16_to_ofp(3);
    set_inventory(snapshot, &inv);
    assert_report_of(snapshot,
                     "db idle - -: no storage packets since the flows were made\n"
                     "web offloaded - 1.00: 100 % of 10 storage packets were forwarded by the NIC\n"
                     "exit 0");
}

static void a_dump_without_counters_tells_no_verdict(void **state)
{
    (void)state;
    assert_report(NULL, UFID("01") IN("vm1") TO_SERVER ", actions:p0\n" VM2("1", HW) VM3("1", HW),
                  "web unknown - -: the dump has no packet counters\n"
                  "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                  "exit 2");
}

static void sixty_four_connections_are_sixty_four_findings_and_one_verdict(void **state)
{
    struct ds dump = DS_EMPTY_INITIALIZER;
    struct fl_snapshot *snapshot;

    (void)state;
    ds_put_cstr(&dump, VM2("1", HW) VM3("1", HW));
    ds_put_cstr(&dump, UFID("01") IN("vm1") "eth_type(0x0800),ipv4(frag=no)" COUNT("640") SW
                "actions:ct(zone=1),recirc(0x5)\n");
    for (unsigned int i = 0; i < 64; i++) {
        ds_put_format(&dump,
                      "ufid:00000000-0000-0000-0000-0000000000%02x, recirc_id(0x5),in_port(vm1),"
                      "ct_state(+est),eth_type(0x0800),ipv4(dst=10.1.0.1,proto=6,frag=no),"
                      "tcp(src=%u,dst=2049), packets:10, bytes:10, used:0.1s, dp:ovs, "
                      "actions:p0\n",
                      128 + i, 700 + i);
    }
    snapshot = snapshot_of(NULL, ds_cstr(&dump));
    set_three_vms(snapshot);
    assert_report_of(snapshot,
                     "web stranded vm 0.00 conntrack: 100 % of 640 storage packets were "
                     "forwarded by a CPU (dp-sw), its peers are in hardware\n"
                     "db offloaded - 1.00: 100 % of 2 storage packets were forwarded by the NIC\n"
                     "mail offloaded - 1.00: 100 % of 2 storage packets were forwarded by the "
                     "NIC\n"
                     "exit 1");
    ds_destroy(&dump);
}

static void causes_of_a_finding_are_those_of_all_its_links(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, CT_OUT("vm1", "10"));
    struct fl_cause causes[FL_MAX_CAUSES];
    struct fl_audit *audit;
    const struct fl_vm_audit *vm;

    (void)state;
    set_three_vms(snapshot);
    audit = audit_of(snapshot);
    vm = fl_audit_vm(audit, "web");
    assert_int_equal(vm->n_findings, 1);
    assert_int_equal(fl_finding_causes(audit, &vm->findings[0], causes), 1);
    assert_int_equal(causes[0].id, FL_CAUSE_CONNTRACK);
    assert_string_equal(causes[0].detail, "ct(commit,zone=2),recirc(0x1)");
    assert_null(fl_audit_vm(audit, "nobody"));
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stranded_vm_among_peers_has_scope_vm_and_its_cause),
        cmocka_unit_test(with_hw_offload_off_all_vms_are_stranded_by_the_host),
        cmocka_unit_test(host_causes_come_before_those_of_more_packets),
        cmocka_unit_test(no_flow_of_anybody_in_hardware_is_the_hosts_scope),
        cmocka_unit_test(all_vms_behind_one_nic_have_scope_nic),
        cmocka_unit_test(one_direction_in_software_is_told),
        cmocka_unit_test(a_small_share_of_software_is_no_stranding),
        cmocka_unit_test(what_a_path_counts_for_is_its_packets),
        cmocka_unit_test(a_counter_that_fell_counts_from_zero),
        cmocka_unit_test(a_dump_without_m_tells_no_verdict),
        cmocka_unit_test(an_unknown_path_only_matters_where_it_could_change_the_verdict),
        cmocka_unit_test(software_packets_of_young_flows_do_not_count_and_hardware_ones_do),
        cmocka_unit_test(traffic_that_is_always_young_does_not_pass_as_offloaded),
        cmocka_unit_test(an_incomplete_snapshot_never_says_offloaded_or_idle),
        cmocka_unit_test(a_chain_in_hardware_up_to_conntrack_is_in_software),
        cmocka_unit_test(a_chain_whose_end_is_missing_is_not_in_hardware),
        cmocka_unit_test(packets_that_are_dropped_do_not_count),
        cmocka_unit_test(packets_that_ovs_vswitchd_forwards_belong_to_the_vm_they_are_addressed_to),
        cmocka_unit_test(a_flood_counts_for_the_vm_it_is_addressed_to),
        cmocka_unit_test(a_broadcast_in_the_storage_network_strands_nobody),
        cmocka_unit_test(traffic_between_two_vms_counts_for_both),
        cmocka_unit_test(the_vlan_is_the_tag_the_pushed_one_or_the_access_tag),
        cmocka_unit_test(without_an_inventory_each_port_but_the_uplink_is_a_vm),
        cmocka_unit_test(an_inventory_without_identities_is_audited_by_port),
        cmocka_unit_test(ports_by_number_fit_no_inventory),
        cmocka_unit_test(an_openflow_port_number_is_not_a_datapath_port_number),
        cmocka_unit_test(a_dump_without_counters_tells_no_verdict),
        cmocka_unit_test(sixty_four_connections_are_sixty_four_findings_and_one_verdict),
        cmocka_unit_test(causes_of_a_finding_are_those_of_all_its_links),
    };

    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
