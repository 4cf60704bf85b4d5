/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The catalogue: what is known of each cause. docs/causes.md, flowlift-causes(7) and `flowlift explain`
 * are made from it. "OVS 3.1" is Open vSwitch 3.1.0; "mlx5", "ice" ... are drivers of Linux 6.1.
 */

#include "flows/cause.h"

#include <ovs/util.h>
#include <string.h>

/* clang-format off: one string a line */
static const struct fl_cause_info catalogue[FL_N_CAUSES] = {
    /* ---- The host ---- */
    [FL_CAUSE_OFFLOAD_OFF] = {
        .id = "hw-offload-off", .by = FL_BY_HOST, .by_host = true,
        .meaning = "Hardware offload is switched off in Open vSwitch.",
        .shows = "other_config:hw-offload of table Open_vSwitch is not \"true\".",
        .cure =
            "Set other_config:hw-offload=true and restart ovs-vswitchd (traffic stops "
            "meanwhile).",
        .source = "ovs-vswitchd.conf.db(5)",
    },
    [FL_CAUSE_OFFLOAD_INACTIVE] = {
        .id = "hw-offload-not-active", .by = FL_BY_HOST, .by_host = true,
        .meaning = "Hardware offload was switched on while ovs-vswitchd ran, and is not in force.",
        .shows =
            "No port has a qdisc for filters, or the log since the start has no \"netdev: Flow "
            "API Enabled\".",
        .cure = "Restart ovs-vswitchd (traffic stops meanwhile).",
        .source = "OVS 3.1 lib/netdev-offload.c, netdev_set_flow_api_enabled()",
    },
    [FL_CAUSE_TC_POLICY] = {
        .id = "tc-policy", .by = FL_BY_HOST, .by_host = true,
        .meaning = "Open vSwitch is told to keep TC filters out of the NIC.",
        .shows = "other_config:tc-policy is \"skip_hw\", or a TC filter says skip_hw.",
        .cure = "Remove other_config:tc-policy and restart ovs-vswitchd.",
        .source = "ovs-vswitchd.conf.db(5)",
    },
    [FL_CAUSE_ESWITCH_LEGACY] = {
        .id = "eswitch-legacy", .by = FL_BY_HOST, .by_host = true,
        .meaning =
            "The NIC's eSwitch is in legacy mode: it switches by MAC address and takes no "
            "flows.",
        .shows = "devlink dev eswitch show says mode legacy.",
        .cure =
            "Put the eSwitch into switchdev mode (its VFs go away meanwhile): devlink dev "
            "eswitch set DEV mode switchdev.",
        .source = "Linux Documentation/networking/switchdev.rst, devlink-port.rst",
    },
    [FL_CAUSE_TC_OFFLOAD_OFF] = {
        .id = "hw-tc-offload-off", .by = FL_BY_HOST, .by_host = true,
        .meaning =
            "The device does not take TC filters into the NIC: its feature hw-tc-offload is "
            "off.",
        .shows = "ethtool -k says hw-tc-offload: off.",
        .cure =
            "Switch it on: ethtool -K DEVICE hw-tc-offload on. Flows are offered again when "
            "they are made anew.",
        .source = "ethtool(8)",
    },
    [FL_CAUSE_NO_FLOW_API] = {
        .id = "no-flow-api", .by = FL_BY_LOG, .by_host = true,
        .meaning =
            "Open vSwitch found no way to offload flows of the port when the port was added.",
        .shows = "The log says \"No suitable flow API found\" for the port.",
        .cure =
            "Remove what keeps TC from the device (no representor, a qdisc of somebody else), "
            "and add the port anew.",
        .source = "OVS 3.1 lib/netdev-offload.c, netdev_assign_flow_api()",
    },
    [FL_CAUSE_QDISC_LOST] = {
        .id = "ingress-qdisc-lost", .by = FL_BY_HOST, .by_host = true,
        .meaning = "The device has lost the qdisc that Open vSwitch attaches filters to.",
        .shows =
            "tc qdisc show names no ingress or clsact; the log says \"failed to offload flow: No "
            "such file or directory\".",
        .cure = "Keep network managers off the device, and add the port anew.",
        .source = "ovn-org/ovn issue 160; OVS 3.1 lib/netdev-offload-tc.c",
    },
    [FL_CAUSE_OTHER_ESWITCH] = {
        .id = "other-eswitch", .by = FL_BY_HOST,
        .meaning = "The packet comes in through one eSwitch and goes out through another.",
        .shows =
            "Switch ids of the two devices differ; the driver says \"devices are not on same "
            "switch HW\".",
        .cure = "Use a VF of the NIC that the uplink is on, or merge the eSwitches (VF LAG).",
        .source = "mlx5 en_tc.c",
    },
    [FL_CAUSE_BOND] = {
        .id = "bond-not-offloaded", .by = FL_BY_LOG, .by_host = true,
        .meaning = "The uplinks are a bond that the NIC does not know of.",
        .shows =
            "The log says \"failed to bind LAG member\"; devlink and ethtool differ among the "
            "members.",
        .cure =
            "Bond the two ports of one NIC, both in switchdev mode, before the VFs are in use "
            "(VF LAG).",
        .source = "OVS 3.1 lib/netdev-linux.c; mlx5 lag",
    },
    [FL_CAUSE_TC_PRIO] = {
        .id = "tc-priorities-exhausted", .by = FL_BY_LOG, .by_host = true,
        .meaning = "Open vSwitch has no TC priority left for another kind of match on the device.",
        .shows = "The log says \"couldn't get tc prio: No space left on device\".",
        .cure =
            "Fewer different masks (a kernel with multi-mask support has one priority for "
            "them), or restart ovs-vswitchd.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c, get_prio_for_tc_flower()",
    },
    [FL_CAUSE_NIC_SAFE_MODE] = {
        .id = "nic-safe-mode", .by = FL_BY_PROBE, .by_host = true,
        .meaning = "The NIC runs without its packet-processing profile and takes no filters.",
        .shows = "The driver says \"Unable to add filter because driver is in safe mode\".",
        .cure = "Install the DDP package of the driver and load it anew.",
        .source = "ice ice_tc_lib.c",
    },

    /* ---- The flow ---- */
    [FL_CAUSE_ORPHAN] = {
        .id = "orphaned-filter", .by = FL_BY_FLOW,
        .meaning =
            "Open vSwitch has forgotten this TC filter: no megaflow is behind it, and it still "
            "forwards packets, past whatever the switch would do.",
        .shows =
            "A filter with a cookie of Open vSwitch, of a device that is no port of it, or idle "
            "for long.",
        .cure =
            "Delete it: tc filter del dev DEVICE ingress with its chain, protocol, pref and "
            "handle (without the protocol it is not found); or add the port, or the device's "
            "qdisc, anew.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c, lib/tc.c",
    },
    [FL_CAUSE_REPORTED] = {
        .id = "reported", .by = FL_BY_FLOW,
        .meaning = "The datapath itself says why it does not offload the flow.",
        .shows = "dp-offload-info in the dump (OVS-DOCA).",
        .cure = "See the text that it reports.",
        .source = "OVS-DOCA 3.2",
    },
    [FL_CAUSE_USERSPACE] = {
        .id = "userspace-action", .by = FL_BY_FLOW,
        .meaning = "Packets are sent to ovs-vswitchd.",
        .shows =
            "userspace(...) in the actions; slow_path(REASON) says which of its own protocols, "
            "or which action or match, the datapath cannot do.",
        .cure = "Take controller actions and what needs the slow path off the storage traffic.",
        .source = "OVS 3.1 lib/odp-util.h, SLOW_PATH_REASONS",
    },
    [FL_CAUSE_SAMPLING] = {
        .id = "sampling", .by = FL_BY_FLOW,
        .meaning = "Packets are sampled for sFlow or IPFIX.",
        .shows = "sample(...,actions(userspace(...))) in the actions.",
        .cure = "Exclude the storage network from sampling, or end it on this bridge.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c: \"unsupported put action type\"",
    },
    [FL_CAUSE_CT_HELPER] = {
        .id = "conntrack-helper", .by = FL_BY_FLOW,
        .meaning = "Connection tracking is asked to follow a protocol with a helper.",
        .shows = "ct(...,helper=NAME) in the actions.",
        .cure = "Keep storage traffic away from rules with a helper (FTP, TFTP).",
        .source = "OVS 3.1 lib/netdev-offload-tc.c, parse_put_flow_ct_action()",
    },
    [FL_CAUSE_CONNTRACK] = {
        .id = "conntrack", .by = FL_BY_FLOW,
        .meaning = "The flow goes through connection tracking.",
        .shows = "ct(...) in the actions; or ct_clear, or a match on ct_state, ct_zone, ct_mark, "
                 "ct_label, that the NIC's profile does not say it takes.",
        .cure = "Let storage traffic pass without connection tracking: flowlift plan and apply.",
        .source = "OVS 3.1 lib/netdev-offload-dpdk.c (never offered); lib/netdev-offload-tc.c",
    },
    [FL_CAUSE_DP_HASH] = {
        .id = "dp-hash", .by = FL_BY_FLOW,
        .meaning = "Packets are spread by a hash over members of a bond or of a select group.",
        .shows = "hash(...), lb_output(...) or a match on dp_hash.",
        .cure =
            "Use a bond mode that needs no hash (active-backup, balance-slb), or a bond that "
            "the NIC knows; take select groups off the path.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c, test_key_and_mask(); kube-ovn docs",
    },
    [FL_CAUSE_RECIRCULATION] = {
        .id = "recirculation", .by = FL_BY_FLOW,
        .meaning = "The packet passes the datapath more than once.",
        .shows = "recirc(...) in the actions, or a match on recirc_id.",
        .cure = "Give storage traffic a path of one pass: flowlift plan and apply.",
        .source = "OVS 3.1 lib/netdev-offload-dpdk.c, parse_flow_match()",
    },
    [FL_CAUSE_NO_TC_RECIRC] = {
        .id = "no-recirculation-in-tc", .by = FL_BY_HOST, .by_host = true,
        .meaning =
            "The kernel cannot hand a packet from TC to the datapath: flows behind a "
            "recirculation stay in software.",
        .shows =
            "CONFIG_NET_TC_SKB_EXT is not set; the log says \"recirc_id sharing not supported\".",
        .cure =
            "Run a kernel with CONFIG_NET_TC_SKB_EXT, or give storage traffic a path of one "
            "pass: flowlift apply.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c; ovn-org/ovn issue 160",
    },
    [FL_CAUSE_TUNNEL] = {
        .id = "tunnel", .by = FL_BY_FLOW,
        .meaning = "A tunnel header is put on or taken off where that is not offloaded.",
        .shows =
            "tnl_push(...) or tnl_pop(...) of the userspace datapath; or one header is taken off "
            "and another put on in one flow.",
        .cure = "Carry storage traffic on a VLAN, or use a NIC and DPDK that offload tunnels.",
        .source = "OVS 3.1 lib/netdev-offload-dpdk.c, lib/tc.c; NEWS of 4.0",
    },
    [FL_CAUSE_METER] = {
        .id = "meter", .by = FL_BY_FLOW,
        .meaning = "A meter limits the flow.",
        .shows = "meter(N) in the actions; in TC a policer that stands for it.",
        .cure = "Take the meter off the storage traffic, or use a NIC that offloads meters.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c: \"No free police index for meter id\"",
    },
    [FL_CAUSE_MULTI_OUTPUT] = {
        .id = "multiple-outputs", .by = FL_BY_FLOW,
        .meaning = "The packet is sent to several ports: a flood or a mirror.",
        .shows = "More than one output in the actions.",
        .cure = "Find why the destination is not learnt, or end the mirror.",
        .source = "mlx5 en_tc.c: \"can't support more output ports\"",
    },
    [FL_CAUSE_LOCAL_PORT] = {
        .id = "internal-port", .by = FL_BY_FLOW,
        .meaning = "The packet comes from or goes to a bridge's own port, the host itself.",
        .shows = "in_port or an output is of type internal.",
        .cure = "Give the host a port of the NIC for its storage traffic.",
        .source = "OVS 3.1 lib/netdev-offload-tc.c; mlx5 has 8 to 32 slots for such ports",
    },
    [FL_CAUSE_NO_PORT_OFFLOAD] = {
        .id = "port-not-offloadable", .by = FL_BY_FLOW,
        .meaning = "A port of this type has no NIC behind it.",
        .shows = "tap, veth, vhost-user, dummy: by the type or the driver of the Interface.",
        .cure = "Give the VM a representor (SR-IOV or vDPA).",
        .source = "OVS 3.1 lib/netdev-offload-tc.c: \"Flow API provider mismatch\"",
    },
    [FL_CAUSE_FRAGMENTS] = {
        .id = "fragments", .by = FL_BY_FLOW,
        .meaning = "The packets are IP fragments.",
        .shows = "frag=first or frag=later in the match.",
        .cure = "Find what fragments: storage and VM must agree on the MTU.",
        .source =
            "mlx5 en_tc.c (silent); OVS 3.1: \"offloading of IPv6 fragments isn't supported\"",
    },
    [FL_CAUSE_MATCH] = {
        .id = "match-unsupported", .by = FL_BY_FLOW,
        .meaning = "Open vSwitch does not offer a match on this to the NIC.",
        .shows = "A field in the match that its translation to TC or rte_flow does not know.",
        .cure = "Remove what makes the pipeline look at it, or let flowlift simplify the path.",
        .source =
            "OVS 3.1 lib/netdev-offload-tc.c, test_key_and_mask(); lib/netdev-offload-dpdk.c, "
            "parse_flow_match()",
    },
    [FL_CAUSE_ACTION] = {
        .id = "action-unsupported", .by = FL_BY_FLOW,
        .meaning = "Open vSwitch does not offer this action to the NIC.",
        .shows =
            "An action that its translation to TC or rte_flow does not know, or more than 16.",
        .cure = "Remove the action from the path of the storage traffic.",
        .source =
            "OVS 3.1 lib/netdev-offload-tc.c, netdev_tc_parse_nl_actions(); "
            "lib/netdev-offload-dpdk.c",
    },
    [FL_CAUSE_PARTIAL] = {
        .id = "partial-offload", .by = FL_BY_FLOW,
        .meaning = "The NIC only marks the packets, and a CPU forwards them.",
        .shows = "offloaded:partial in the dump.",
        .cure = "Use representors in switchdev mode, so that the NIC can forward by itself.",
        .source = "OVS 3.1 lib/netdev-offload-dpdk.c",
    },

    /* ---- The NIC ---- */
    [FL_CAUSE_NIC_MATCH] = {
        .id = "nic-match", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot match on this.",
        .shows =
            "Its driver refuses the flow and says which key, or the flow is taken once the key "
            "is left out.",
        .cure =
            "Keep the pipeline from looking at the field (a rule of higher priority, in the "
            "first table), or let flowlift simplify the path.",
        .source =
            "mlx5 en_tc.c: \"Unsupported key\", \"Matching on TTL is not supported\" ...; bnxt, "
            "ice, nfp",
    },
    [FL_CAUSE_NIC_ACTION] = {
        .id = "nic-action", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot do this with a packet.",
        .shows =
            "Its driver refuses the flow and says which action, or the flow is taken once the "
            "action is left out.",
        .cure =
            "Take the action off the path of the storage traffic; flowlift composes rewrites "
            "into fewer where it can.",
        .source =
            "mlx5 en_tc.c: \"rewrite of few sub-fields isn't supported\" ...; ice: \"Unsupported "
            "action in switchdev mode\"",
    },
    [FL_CAUSE_NIC_CONNTRACK] = {
        .id = "nic-conntrack", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot do what the flow asks of connection tracking.",
        .shows =
            "Its driver says \"matching on ct_state +new isn't supported\", \"offload of ct ... "
            "isn't available\".",
        .cure = "Let storage traffic pass without connection tracking: flowlift plan and apply.",
        .source = "mlx5 en/tc_ct.c",
    },
    [FL_CAUSE_NIC_CHAIN] = {
        .id = "nic-chain", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot go on to a later chain from this flow.",
        .shows =
            "Its driver says \"Goto ... isn't supported\", \"Requested chain is out of supported "
            "range\".",
        .cure = "Give storage traffic a path of one pass: flowlift plan and apply.",
        .source = "mlx5 en_tc.c; bnxt takes chain 0 only (tc_cls_can_offload_and_chain0)",
    },
    [FL_CAUSE_NIC_TUNNEL] = {
        .id = "nic-tunnel", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot match on, put on or take off this tunnel header.",
        .shows = "Its driver speaks of tunnels, encapsulation or decapsulation.",
        .cure = "Carry storage traffic on a VLAN.",
        .source = "mlx5 en/tc_tun.c; ice: \"Unsupported encap field(s)\"",
    },
    [FL_CAUSE_NIC_OUTPUT] = {
        .id = "nic-output", .by = FL_BY_PROBE,
        .meaning = "The NIC cannot send the packet there, or not to so many ports.",
        .shows =
            "Its driver says \"can't offload forwarding\", \"can't duplicate output\", \"Mirroring "
            "... isn't supported\".",
        .cure =
            "See where the flow sends: a flood, a mirror, the port it came from, a device "
            "without the NIC.",
        .source = "mlx5 en_tc.c; ice: \"Unsupported netdevice in switchdev mode\"",
    },
    [FL_CAUSE_NIC_RESOURCE] = {
        .id = "nic-resource", .by = FL_BY_PROBE,
        .meaning =
            "The NIC has run out of something that the flow needs besides a rule: headers, "
            "counters, meters, ports.",
        .shows =
            "Its driver names it: \"too many pedit actions\", \"No free police index\", internal "
            "ports.",
        .cure =
            "Free it: fewer meters, fewer different rewrites, fewer flows from the host's own "
            "ports.",
        .source = "mlx5 en_tc.c; netdev 20240808055927.2059700-2-tariqt@nvidia.com",
    },
    [FL_CAUSE_TABLE_FULL] = {
        .id = "rule-table-full", .by = FL_BY_PROBE, .by_host = true,
        .meaning = "The NIC has no room for another rule.",
        .shows = "It refuses with ENOSPC, which Open vSwitch logs at debug level only.",
        .cure =
            "Fewer or wider flows, a larger table (devlink), or other_config:offload-rebalance; "
            "then have flows offered again: flowlift apply.",
        .source = "OVS 3.1 lib/dpif-netlink.c; mlx5 fdb_large_groups",
    },
    [FL_CAUSE_NIC_BUSY] = {
        .id = "nic-busy", .by = FL_BY_PROBE,
        .meaning =
            "The NIC was busy with something else when the flow was offered, and Open vSwitch "
            "does not offer it again.",
        .shows = "It refuses with EAGAIN or EBUSY.",
        .cure = "Have Open vSwitch offer it again: flowlift apply.",
        .source = "mlx5 en_tc.c, mlx5e_configure_flower(): EAGAIN while the eSwitch is held",
    },
    [FL_CAUSE_NIC_CONFLICT] = {
        .id = "nic-conflict", .by = FL_BY_PROBE,
        .meaning = "The NIC has another rule with the same match.",
        .shows = "It refuses with EEXIST.",
        .cure =
            "Look for orphaned filters and for filters of others: flowlift doctor, flowlift "
            "audit.",
        .source = "ice ice_tc_lib.c: \"already exist\"; OVS 3.1 lib/dpif-netlink.c",
    },

    /* ---- In the NIC, and yet in software ---- */
    [FL_CAUSE_NEIGHBOUR] = {
        .id = "neighbour-unresolved", .by = FL_BY_COUNTERS,
        .meaning =
            "The flow puts on a tunnel header, and the NIC does not know the next hop: it hands "
            "the packets to software.",
        .shows =
            "The filter is in_hw and sets a tunnel, software counters rise, ip neigh has no "
            "reachable next hop.",
        .cure = "See why the next hop is not resolved: ip neigh, ip route get; ping it.",
        .source = "mlx5 en_tc.c, mlx5e_tc_offload_to_slow_path()",
    },
    [FL_CAUSE_CT_MISS] = {
        .id = "connection-not-in-hardware", .by = FL_BY_COUNTERS,
        .meaning =
            "The NIC has the flows, but not the connection: it hands the packet to software in "
            "the middle of the path.",
        .shows =
            "Hardware counters of chain 0 rise, software counters of later chains too; "
            "conntrack has the connection without [HW_OFFLOAD].",
        .cure =
            "Let storage traffic pass without connection tracking: flowlift apply; else see the "
            "kernel's log and the limits of nf_flowtable.",
        .source = "Linux 6.1 net/sched/act_ct.c, net/netfilter/nf_flow_table_offload.c",
    },
    [FL_CAUSE_LEAK] = {
        .id = "hardware-miss", .by = FL_BY_COUNTERS,
        .meaning =
            "The NIC has the flow, and yet packets of it come to software: a later stage "
            "misses, a neighbour is not resolved, or the NIC passes them up.",
        .shows = "Software counters of the filter rise although it is in_hw.",
        .cure =
            "Look at the connections (conntrack offload), the neighbours and the NIC's log; "
            "flowlift apply takes the later stages out of the path.",
        .source = "Linux 6.1 TCA_STATS_BASIC_HW",
    },
    [FL_CAUSE_BLOCK] = {
        .id = "block-in-part", .by = FL_BY_COUNTERS,
        .meaning = "Devices share a TC block, and not all of them have the flow in the NIC.",
        .shows = "in_hw_count is lower than the number of devices of the block.",
        .cure =
            "See whether all of them are ports of one NIC, in one mode, with hw-tc-offload on: "
            "flowlift doctor.",
        .source = "tc(8), in_hw_count; OVS 3.1 lib/netdev-linux.c (bond members share a block)",
    },

    /* ---- Stuck ---- */
    [FL_CAUSE_FLOW_LIMIT] = {
        .id = "flow-limit", .by = FL_BY_LOG, .by_host = true,
        .meaning =
            "Open vSwitch keeps fewer flows than there is traffic for: flows come and go, and "
            "are not in the NIC long.",
        .shows =
            "The log says \"datapath reached the dynamic limit\"; upcall/show has a limit below "
            "the number of flows.",
        .cure =
            "Raise other_config:flow-limit, find what makes so many flows, or give revalidators "
            "more threads.",
        .source = "OVS 3.1 ofproto/ofproto-dpif-upcall.c, udpif_revalidator()",
    },
    [FL_CAUSE_STALE_MEGAFLOW] = {
        .id = "stale-megaflow", .by = FL_BY_TRACE,
        .meaning =
            "The megaflow is older than the pipeline: its actions were changed, and it keeps a "
            "match that the pipeline no longer asks for.",
        .shows = "A trace of one of its packets ends in a megaflow with fewer fields.",
        .cure = "Have Open vSwitch build it anew: flowlift apply.",
        .source = "OVS 3.1 ofproto/ofproto-dpif-upcall.c, revalidate_ukey__() and put_op_init()",
    },
    [FL_CAUSE_PEER_DIFFERS] = {
        .id = "pipeline-looks-closer", .by = FL_BY_PEERS,
        .meaning =
            "The pipeline looks at more of this VM's packets than of its peers', whose flows "
            "are in the NIC.",
        .shows =
            "Fields in its megaflow that no megaflow of a healthy peer on the same VLAN has, "
            "and the tables that put them there.",
        .cure =
            "See what was added for this VM or its network: an ACL, a floating address, a load "
            "balancer, a gateway MTU; or let flowlift simplify the path.",
        .source = "ovn-org/ovn commits 127bf166c, 35a3092a5, 8e6f9a835, 110e67046",
    },
    [FL_CAUSE_REFUSED_ONCE] = {
        .id = "refused-once", .by = FL_BY_PROBE,
        .meaning =
            "The NIC takes this flow now: it was refused when it was offered, and is not "
            "offered again while it lives.",
        .shows = "A probe of the same flow is accepted.",
        .cure = "Have Open vSwitch offer it again: flowlift apply.",
        .source =
            "OVS 3.1 ofproto/ofproto-dpif-upcall.c, revalidate_ukey__(): offload is no reason "
            "to install anew",
    },
    [FL_CAUSE_REFUSED] = {
        .id = "refused", .by = FL_BY_FLOW,
        .meaning =
            "Nothing speaks against the flow: the NIC refused it when it was offered, and it is "
            "not offered again while it lives.",
        .shows =
            "dp:tc without offloaded:yes, or a flow with nothing in it that Open vSwitch would "
            "not offer.",
        .cure =
            "Ask the NIC why: flowlift explain VM --probe. Or have Open vSwitch offer it again: "
            "flowlift apply.",
        .source = "OVS 3.1 ofproto/ofproto-dpif-upcall.c",
    },

    /* ---- Not to be seen ---- */
    [FL_CAUSE_SLOW_PPS] = {
        .id = "deleted-at-low-rate", .by = FL_BY_NOBODY,
        .meaning =
            "Revalidators that take long delete flows of few packets a second, and these begin "
            "in software again.",
        .shows =
            "A deleted flow leaves no trace; long dumps do: ovs-appctl upcall/show, dump "
            "duration above half of max-revalidator.",
        .cure = "Raise other_config:max-revalidator.",
        .source =
            "OVS 3.1 ofproto/ofproto-dpif-upcall.c, should_revalidate(); sriov-network-operator "
            "PR 384",
    },
    [FL_CAUSE_LAG_FAILOVER] = {
        .id = "bond-failover", .by = FL_BY_NOBODY,
        .meaning =
            "A member of the bond failed, and the NIC has not moved the rules to the other one.",
        .shows =
            "Counters of the rules stand still while the filter says in_hw; which member a rule "
            "is on is not told by the kernel.",
        .cure =
            "Have Open vSwitch offer the flows again after a failover; see release notes of the "
            "NIC's firmware.",
        .source = "Mellanox/ovs-tests 1318772, 3851918",
    },
    [FL_CAUSE_FIRMWARE] = {
        .id = "nic-firmware", .by = FL_BY_NOBODY,
        .meaning = "A fault of the NIC's firmware or driver.",
        .shows =
            "A syndrome in the kernel's log at most: its meaning is known to the vendor only.",
        .cure =
            "Take the kernel's log and the firmware's version (devlink dev info) to the vendor.",
        .source = "Mellanox/ovs-tests 3192521, 3651970, 2632768, 4111668, 3646028",
    },

    /* ---- Known bugs ---- */
    [FL_CAUSE_BUG_UFID] = {
        .id = "ovs-bug-ufid-mapping", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: after a representor was deleted and added again (a VM restart) flows "
            "keep their old identity, and can neither be offered nor deleted.",
        .shows = "A flow of a port that came back.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs f9507c1ea",
    },
    [FL_CAUSE_BUG_STALE_UKEY] = {
        .id = "ovs-bug-stale-ukey", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: a flow that vanished from the datapath (dpctl/del-flow, del-flows) is "
            "not installed again while packets come: all of them go through ovs-vswitchd.",
        .shows =
            "Upcalls of the VM, and no flow; coverage counter handler_duplicate_upcall rises.",
        .cure =
            "Upgrade Open vSwitch to a version that has the fix. Until then: stop the traffic "
            "for ten seconds, so that the flow idles.",
        .source = "openvswitch/ovs 180ab2fd6",
    },
    [FL_CAUSE_BUG_PURGE] = {
        .id = "ovs-bug-purge", .by = FL_BY_VERSION,
        .meaning = "Known bug: revalidator/purge may abort ovs-vswitchd, or leave flows behind.",
        .shows = "revalidator/purge was used under load.",
        .cure =
            "Upgrade Open vSwitch to a version that has the fix. Do not use revalidator/purge.",
        .source = "openvswitch/ovs bd86266ea",
    },
    [FL_CAUSE_BUG_CHAINS] = {
        .id = "ovs-bug-empty-chain", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: an empty chain is left behind on a device, and joining it to the block "
            "of a bond fails.",
        .shows = "An uplink of a bond without a shared block.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 77d822898",
    },
    [FL_CAUSE_BUG_STATS_WAIT] = {
        .id = "ovs-bug-early-stats", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: a busy flow in the NIC is deleted because its counters come up to 2 s "
            "late.",
        .shows = "Flows in the NIC are young although the traffic is old.",
        .cure =
            "Upgrade Open vSwitch to a version that has the fix. Until then: "
            "other_config:min-revalidate-pps=0.",
        .source = "openvswitch/ovs 29720e378",
    },
    [FL_CAUSE_BUG_STATS_BACK] = {
        .id = "ovs-bug-stats-back", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: counters that jump back make Open vSwitch delete a flow under load.",
        .shows = "Flows in the NIC are young although the traffic is old.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 59c908410",
    },
    [FL_CAUSE_BUG_HW_COUNT] = {
        .id = "ovs-bug-flow-total", .by = FL_BY_VERSION, .by_host = true,
        .meaning = "Known bug: flows in the NIC are not counted, so the flow limit does not hold.",
        .shows = "upcall/show has fewer flows than the dump.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs bfc0d5da3",
    },
    [FL_CAUSE_BUG_TUNNEL_SOURCE] = {
        .id = "ovs-bug-tunnel-source-port", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: a flow that matches a tunnel's source port is refused: \"Kernel flower "
            "acknowledgment does not match request!\".",
        .shows = "A match on tunnel(tp_src=...).",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 472dd6642",
    },
    [FL_CAUSE_BUG_ALG] = {
        .id = "ovs-bug-ct-helper", .by = FL_BY_VERSION,
        .meaning = "Known bug: ct() with a helper is offered without the helper.",
        .shows = "ct(...,helper=NAME) of a flow in TC.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs b292cce2f",
    },
    [FL_CAUSE_BUG_VLAN_PRIO] = {
        .id = "ovs-bug-vlan-priority", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: IP within a VLAN gets a worse TC priority than IP without: other "
            "filters are looked at first.",
        .shows = "A flow with a VLAN in the match, in TC.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 6280f5d04",
    },
    [FL_CAUSE_BUG_FRAGMENT_REWRITE] = {
        .id = "ovs-bug-fragment-rewrite", .by = FL_BY_VERSION,
        .meaning = "Known bug: ports of later fragments are rewritten, where there are none.",
        .shows = "set(tcp) or set(udp) in a flow that does not exclude fragments.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 1be33d52a",
    },
    [FL_CAUSE_BUG_RECIRC_PARENT] = {
        .id = "ovs-bug-split-chain", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: the first flow of a chain is in the kernel's datapath, the next one in "
            "TC: it is never hit, and every packet goes through ovs-vswitchd.",
        .shows = "A chain with a link in dp:ovs before one in dp:tc.",
        .cure =
            "Upgrade Open vSwitch to a version that has the fix. flowlift apply makes the chain "
            "one flow.",
        .source = "openvswitch/ovs 5292eb50a",
    },
    [FL_CAUSE_BUG_RECIRC_BITS] = {
        .id = "ovs-bug-recirc-bits", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: an ovs-vswitchd that has run for long gives recirculations numbers that "
            "TC cannot hold, and new flows are refused.",
        .shows =
            "A recirc_id of more than 28 bits; the log says \"failed to offload flow: Invalid "
            "argument\".",
        .cure =
            "Upgrade Open vSwitch to a version that has the fix. Until then: restart "
            "ovs-vswitchd.",
        .source = "openvswitch/ovs 3200111ba, a9b1b6b5b",
    },
    [FL_CAUSE_BUG_TUNNEL_FLAGS] = {
        .id = "ovs-bug-tunnel-flags", .by = FL_BY_VERSION,
        .meaning = "Known bug: flows match flags of a tunnel (df, csum) that TC cannot match.",
        .shows = "A match on tunnel(...,flags(...)).",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs 4e44e51d1",
    },
    [FL_CAUSE_BUG_FAILED_MODIFY] = {
        .id = "ovs-bug-failed-modify", .by = FL_BY_VERSION,
        .meaning =
            "Known bug: after a change of a flow failed, Open vSwitch and the datapath have "
            "different flows.",
        .shows = "A flow whose actions differ from what a trace of its packet says.",
        .cure = "Upgrade Open vSwitch to a version that has the fix.",
        .source = "openvswitch/ovs cf11766cb",
    },
};
/* clang-format on */

const struct fl_cause_info *fl_cause_info(enum fl_cause_id id)
{
    ovs_assert(id < FL_N_CAUSES);
    return &catalogue[id];
}

enum fl_cause_id fl_cause_find(const char *id)
{
    enum fl_cause_id found = 0;

    while (found < FL_N_CAUSES && strcmp(catalogue[found].id, id)) {
        found++;
    }
    return found;
}

const char *fl_cause_by_name(enum fl_cause_by by)
{
    static const char *const names[] = {
        [FL_BY_FLOW] = "flow",         [FL_BY_HOST] = "host",       [FL_BY_LOG] = "log",
        [FL_BY_COUNTERS] = "counters", [FL_BY_PROBE] = "probe",     [FL_BY_TRACE] = "trace",
        [FL_BY_PEERS] = "peers",       [FL_BY_VERSION] = "version", [FL_BY_NOBODY] = "nobody",
    };

    return names[by];
}
