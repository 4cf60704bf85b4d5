# SPDX-License-Identifier: Apache-2.0
"""The lab without OVN: one bridge, access ports and NORMAL; conntrack for the stranded."""

from . import topology
from .topology import COOKIE_BASE, CT_TABLE, STORAGE_VLAN, UPLINK


def port_words(vms):
    """What to tell ovs-vsctl for the bridge and its ports."""
    bridge = topology.PLAIN_BRIDGE
    words = ["--", "add-br", bridge, "--", "set", "Bridge", bridge, "fail_mode=secure",
             "--", "add-port", bridge, UPLINK]
    for vm in vms:
        words += vm.port_words(bridge, STORAGE_VLAN)
    return words


def _base_flows():
    ours = f"cookie={COOKIE_BASE:#x}"
    zone = "zone=NXM_NX_CT_ZONE[0..15]"
    return [
        f"{ours},table=0,priority=0,actions=NORMAL",
        f"{ours},table={CT_TABLE},priority=100,ct_state=+new+trk,ip,"
        f"actions=ct(commit,{zone}),NORMAL",
        f"{ours},table={CT_TABLE},priority=100,ct_state=+est+trk,ip,actions=NORMAL",
        f"{ours},table={CT_TABLE},priority=110,ct_state=+inv+trk,ip,actions=drop",
        f"{ours},table={CT_TABLE},priority=0,actions=drop",
    ]


def _stranded_flows(vm, ofports):
    """What sends a VM's IP packets through conntrack, whichever way they go."""
    to_ct = f"ct(table={CT_TABLE},zone={vm.zone})"
    head = f"cookie={vm.cookie:#x},table=0,priority=100"
    return [
        f"{head},in_port={ofports[vm.port]},ip,actions={to_ct}",
        f"{head},in_port={ofports[UPLINK]},dl_vlan={STORAGE_VLAN},dl_dst={vm.mac},ip,"
        f"actions={to_ct}",
        f"{head},vlan_tci=0x0000,dl_dst={vm.mac},ip,actions={to_ct}",
    ]


def install(switch, stranded):
    ofports = switch.ofports()
    flows = _base_flows()
    for vm in stranded:
        flows += _stranded_flows(vm, ofports)
    switch.add_flows(topology.PLAIN_BRIDGE, flows)


def set_stranded(switch, vm, on):
    switch.ofctl("del-flows", topology.PLAIN_BRIDGE, f"cookie={vm.cookie:#x}/-1")
    if on:
        switch.add_flows(topology.PLAIN_BRIDGE, _stranded_flows(vm, switch.ofports()))
