/* SPDX-License-Identifier: Apache-2.0 */

/* Refusals as causes: the words of drivers, errnos, and lines of ovs-vswitchd's log. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ovs/util.h>

#include "flows/refusal.h"

static const struct {
    const char *text;
    const char *id;
} drivers[] = {
    /* mlx5 of Linux 6.1 */
    { "mlx5_core: Unsupported key", "nic-match" },
    { "mlx5_core: Matching on CVLAN is not supported", "nic-match" },
    { "mlx5_core: Matching on TTL is not supported", "nic-match" },
    { "mlx5_core: Only UDP and TCP transports are supported for L4 matching", "nic-match" },
    { "mlx5_core: Flow is not offloaded due to min inline setting", "nic-match" },
    { "mlx5_core: VLAN rewrite action must have VLAN protocol match", "nic-match" },
    { "mlx5_core: can't set and add to the same HW field", "nic-action" },
    { "mlx5_core: rewrite of few sub-fields isn't supported", "nic-action" },
    { "mlx5_core: attempt to offload an unsupported field", "nic-action" },
    { "mlx5_core: can't offload re-write of non TCP/UDP", "nic-action" },
    { "mlx5_core: Changing VLAN prio is not supported", "nic-action" },
    { "mlx5_core: Drop with modify header action is not supported", "nic-action" },
    { "Mixing HW stats types for actions is not supported", "nic-action" },
    { "mlx5_core: too many pedit actions, can't offload", "nic-resource" },
    { "mlx5_core: can't offload re-write of ipv4 address with action ct", "nic-conntrack" },
    { "mlx5_core: can't offload tuple modification with non-clear ct()", "nic-conntrack" },
    { "mlx5_core: matching on ct_state +new isn't supported", "nic-conntrack" },
    { "mlx5_core: only ct_state trk, est, new and rpl are supported for offload", "nic-conntrack" },
    { "mlx5_core: offload of ct matching isn't available", "nic-conntrack" },
    { "mlx5_core: Failed to set registers for ct clear", "nic-conntrack" },
    { "mlx5_core: Can't offload mirroring with action ct", "nic-conntrack" },
    { "mlx5_core: Goto lower numbered chain isn't supported", "nic-chain" },
    { "mlx5_core: Requested chain is out of supported range", "nic-chain" },
    { "mlx5_core: Requested destination chain is out of supported range", "nic-chain" },
    { "mlx5_core: Requested priority is out of supported range", "nic-chain" },
    { "mlx5_core: Goto chain is not allowed if action has reformat or decap", "nic-tunnel" },
    { "mlx5_core: Chains on tunnel devices isn't supported without register loopback support",
      "nic-tunnel" },
    { "mlx5_core: Matching on MPLS is supported only for MPLS over UDP", "nic-match" },
    { "mlx5_core: can't support more output ports, can't offload forwarding", "nic-output" },
    { "mlx5_core: can't duplicate output to same device", "nic-output" },
    { "mlx5_core: can't forward from a VF to itself", "nic-output" },
    { "mlx5_core: devices are both uplink, can't offload forwarding", "nic-output" },
    { "mlx5_core: devices are not on same switch HW, can't offload forwarding", "other-eswitch" },
    /* others */
    { "ice: Unable to add filter because driver is in safe mode", "nic-safe-mode" },
    { "ice: Unsupported action in switchdev mode", "nic-action" },
    { "ice: Unsupported netdevice in switchdev mode", "nic-output" },
    { "ice: Unsupported encap field(s)", "nic-tunnel" },
    { "ice: Unable to add filter because it already exist", "nic-conflict" },
    { "bnxt_en: Cannot offload non-TCP/UDP (132) ports", "nic-match" },
    { "nfp: unsupported offload: out port is openvswitch internal port", "nic-output" },
    { "nfp: unsupported offload: max action list size", "nic-resource" },
    { "it is Tuesday", "refused" },
    { "", "refused" },
    { NULL, "refused" },
};

static void drivers_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        enum fl_cause_id id = fl_refusal_cause(-EOPNOTSUPP, drivers[i].text);

        if (strcmp(fl_cause_info(id)->id, drivers[i].id)) {
            print_error("%s\n", drivers[i].text);
        }
        assert_string_equal(fl_cause_info(id)->id, drivers[i].id);
    }
}

static void what_passes_is_told_by_the_errno(void **state)
{
    (void)state;
    assert_int_equal(fl_refusal_cause(-ENOSPC, NULL), FL_CAUSE_TABLE_FULL);
    assert_int_equal(fl_refusal_cause(ENOSPC, "mlx5_core: failed to add rule"),
                     FL_CAUSE_TABLE_FULL);
    assert_int_equal(fl_refusal_cause(-EAGAIN, NULL), FL_CAUSE_NIC_BUSY);
    assert_int_equal(fl_refusal_cause(-EEXIST, NULL), FL_CAUSE_NIC_CONFLICT);
    assert_int_equal(fl_refusal_cause(-EINVAL, NULL), FL_CAUSE_REFUSED);
}

#define AT "2026-03-19T19:42:43.103Z|03122|"

static const struct {
    const char *line;
    const char *id; /* NULL: a line of something else */
    const char *device;
} lines[] = {
    { AT "dpif_netlink(handler367)|ERR|failed to offload flow: Invalid argument: ovn-d2586f-0",
      "refused", "ovn-d2586f-0" },
    { AT "dpif_netlink(handler1)|ERR|failed to offload flow: No such file or directory: rep1",
      "ingress-qdisc-lost", "rep1" },
    { AT "dpif_netlink(handler1)|DBG|failed to offload flow: No space left on device: rep1",
      "rule-table-full", "rep1" },
    { AT
      "dpif_netlink(handler1)|ERR|failed to offload flow: Resource temporarily unavailable: rep1",
      "nic-busy", "rep1" },
    { "ovs|00239|dpif_netlink(handler1)|DBG|failed to offload flow: Operation not supported: rep1",
      "refused", "rep1" },
    { AT "netdev_offload(main)|INFO|tap3: No suitable flow API found.", "no-flow-api", "tap3" },
    { AT "netdev_offload_tc(handler1)|ERR|flow_put: recirc_id sharing not supported",
      "no-recirculation-in-tc", "" },
    { AT "netdev_offload_tc(handler1)|ERR|couldn't get tc prio: No space left on device",
      "tc-priorities-exhausted", "" },
    { AT "netdev_offload_tc|INFO|failed adding ingress qdisc required for offloading on rep3: "
         "Operation not supported",
      "ingress-qdisc-lost", "rep3" },
    { AT "netdev_linux|WARN|failed to bind LAG member p1 to primary's block: Invalid argument",
      "bond-not-offloaded", "p1" },
    { AT
      "ofproto_dpif_upcall(revalidator7)|WARN|upcall: datapath reached the dynamic limit of 2125 "
      "flows.",
      "flow-limit", "" },
    { AT "netdev_offload_dpdk(hw_offload4)|WARN|pf0: rte_flow creation failed: 16 (Drop action is "
         "mutually-exclusive with any other action, except for Count/Sample/Age action).",
      "nic-action", "pf0" },
    { AT "netdev_offload_dpdk(hw_offload4)|DBG|vm1: Output to port 'vhost1' cannot be offloaded.",
      "port-not-offloadable", "vm1" },
    { AT "netdev_offload_tc(handler1)|DBG|offloading attribute dp_hash isn't supported",
      "match-unsupported", "" },
    { AT "netdev_offload_tc(handler1)|DBG|offloading of IPv6 fragments isn't supported",
      "fragments", "" },
    { AT "netdev_offload_tc(handler1)|DBG|Can only support 16 actions", "action-unsupported", "" },
    { AT "netdev_offload_tc(handler1)|DBG|unsupported put action type: 8", "action-unsupported",
      "" },
    { AT "netdev_offload_tc(handler1)|WARN|No free police index for meter id 12", "meter", "" },
    /* harmless */
    { AT
      "netdev_offload_tc(revalidator57)|ERR|dump_create: failed to get ifindex for geneve0: No such "
      "device",
      NULL, NULL },
    { AT "vconn|WARN|failed to offload flow: Invalid argument: rep1", NULL, NULL },
    { AT "bridge|INFO|bridge br0: using datapath ID 0000aa", NULL, NULL },
    { "failed to offload flow: Invalid argument: rep1", NULL, NULL },
    { "", NULL, NULL },
};

static void the_log_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        char device[FL_REFUSAL_DEVICE_BYTES] = "";
        struct fl_cause cause;
        bool is_refusal = fl_refusal_of_log(lines[i].line, &cause, device);

        if (is_refusal != (lines[i].id != NULL)) {
            print_error("%s\n", lines[i].line);
        }
        assert_int_equal(is_refusal, lines[i].id != NULL);
        if (is_refusal) {
            assert_string_equal(fl_cause_info(cause.id)->id, lines[i].id);
            assert_string_equal(device, lines[i].device);
            assert_non_null(strstr(lines[i].line, cause.detail));
        }
    }
}

static void a_refused_flow_is_told_from_one_that_was_not_offered(void **state)
{
    static const struct {
        const char *line, *message; /* NULL: no refusal of a flow */
    } told[] = {
        { AT "netdev_offload_dpdk(hw_offload4)|WARN|pf0: rte_flow creation failed: 2 (full).",
          "pf0: rte_flow creation failed: 2 (full)." },
        { AT "dpif_netlink(handler1)|ERR|failed to offload flow: File exists: rep1",
          "failed to offload flow: File exists: rep1" },
        { AT "netdev_offload_tc(handler1)|ERR|flow_put: recirc_id sharing not supported",
          "flow_put: recirc_id sharing not supported" },
        { AT "netdev_offload_tc(handler1)|ERR|couldn't get tc prio: No space left on device",
          "couldn't get tc prio: No space left on device" },
        { AT "netdev_offload(main)|INFO|tap3: No suitable flow API found.", NULL },
        { AT "netdev_offload_tc(handler1)|DBG|Can only support 16 actions", NULL },
        { AT "vconn|WARN|failed to offload flow: File exists: rep1", NULL },
        { "failed to offload flow: File exists: rep1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        const char *message = fl_refusal_message(told[i].line);

        assert_int_equal(message != NULL, told[i].message != NULL);
        if (message) {
            assert_string_equal(message, told[i].message);
        }
    }
}

static void a_name_that_is_too_long_is_none(void **state)
{
    char device[FL_REFUSAL_DEVICE_BYTES];
    struct fl_cause cause;
    char line[4096];

    (void)state;
    snprintf(line, sizeof line, AT "tc|ERR|failed to offload flow: Invalid argument: %0*d", 3000,
             1);
    assert_true(fl_refusal_of_log(line, &cause, device));
    assert_string_equal(device, "");
    assert_int_equal(strlen(cause.detail), sizeof cause.detail - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drivers_are_understood),
        cmocka_unit_test(what_passes_is_told_by_the_errno),
        cmocka_unit_test(the_log_is_understood),
        cmocka_unit_test(a_refused_flow_is_told_from_one_that_was_not_offered),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
