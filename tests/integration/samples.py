# SPDX-License-Identifier: Apache-2.0
"""Dumps and captures for tests that need no Open vSwitch: one stranded VM among healthy peers."""

import json

HEAD = ("skb_priority(0/0),skb_mark(0/0),ct_state({ct}),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),"
        "recirc_id({recirc}),dp_hash(0/0),in_port({port}),packet_type(ns=0,id=0),"
        "eth(src={src},dst={dst}),")
SERVER_MAC = "52:54:00:00:00:fe"
SERVER = "10.1.0.250"


def mac(number):
    return f"52:54:00:00:00:{number:02x}"


def ufid(number):
    return f"ufid:0f0f0f0f-0000-4000-8000-{number:012x}"


def from_vm(number, actions, recirc="0", ct="0/0"):
    """Match of NFS packets from VM @number to the server, and their actions."""
    head = HEAD.format(ct=ct, recirc=recirc, port=f"vm{number}", src=mac(number), dst=SERVER_MAC)
    return (f"{head}eth_type(0x0800),ipv4(src=10.1.0.{number},dst={SERVER},proto=6,tos=0/0,"
            "ttl=64/0,frag=no),tcp(src=700/0,dst=2049)", actions)


def to_vm(number, actions, recirc="0", ct="0/0"):
    head = HEAD.format(ct=ct, recirc=recirc, port="p0", src=SERVER_MAC, dst=mac(number))
    return (f"{head}eth_type(0x8100),vlan(vid=100,pcp=0),encap(eth_type(0x0800),ipv4(src={SERVER},"
            f"dst=10.1.0.{number},proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=2049,dst=700/0))",
            actions)


def line(number, flow, packets, path="dp:ovs"):
    match, actions = flow
    return (f"{ufid(number)}, {match}, packets:{packets}, bytes:{packets * 1000}, used:0.120s, "
            f"flags:., {path}, actions:{actions}")


def flow_lines(packets, vms=3, stranded=(2,)):
    """A dump in which every flow has counted @packets; of VMs 1 to @vms those in @stranded are."""
    lines = ["flow-dump from the main thread:"]
    number = 1
    for vm in range(1, vms + 1):
        if vm in stranded:
            flows = [
                (from_vm(vm, f"ct(zone={vm}),recirc({vm * 2:#x})"), "dp:ovs"),
                (from_vm(vm, "push_vlan(vid=100,pcp=0),p0", f"{vm * 2:#x}", "0x22/0x22"), "dp:ovs"),
                (to_vm(vm, f"ct(zone={vm}),recirc({vm * 2 + 1:#x})"), "dp:ovs"),
                (to_vm(vm, f"pop_vlan,vm{vm}", f"{vm * 2 + 1:#x}", "0x2a/0x2a"), "dp:ovs"),
            ]
        else:
            flows = [
                (from_vm(vm, "push_vlan(vid=100,pcp=0),p0"), "offloaded:yes, dp:dpdk"),
                (to_vm(vm, f"pop_vlan,vm{vm}"), "offloaded:yes, dp:dpdk"),
            ]
        for flow, path in flows:
            lines.append(line(number, flow, packets, path))
            number += 1
    return lines


def dump(packets=1000, **options):
    return "\n".join(flow_lines(packets, **options)) + "\n"


def without_m(text):
    """The same dump as dpctl/dump-flows prints it without -m: neither ufid nor path."""
    lines = []
    for text_line in text.splitlines():
        for word in (", dp:ovs", ", offloaded:yes", ", dp:dpdk"):
            text_line = text_line.replace(word, "")
        lines.append(text_line.split(", ", 1)[1] if text_line.startswith("ufid:") else text_line)
    return "\n".join(lines) + "\n"


def interface(name, **changes):
    return {"name": name, "type": "dpdk", "error": None, "bridge": "br0", "port": name,
            "peer": None, "ofport": 1, "ifindex": -1, "tag": -1, "vlan_mode": "", "in_bond": False,
            "external_ids": {}, "options": {}, "status": {}, **changes}


def vm_interface(number, name=None):
    return interface(f"vm{number}", ofport=10 + number, tag=100, external_ids={
        "vm-id": f"{number:08x}-1111-4222-8333-444444444444",
        "vm-name": name or f"web-{number}",
        "attached-mac": mac(number),
    })


def inventory(vms=3, names=None, hw_offload="true"):
    bridge = {"name": "br0", "datapath_type": "netdev", "datapath_id": "0000000000000001",
              "fail_mode": "secure", "external_ids": {}, "other_config": {}}
    interfaces = [interface("p0")]
    interfaces += [vm_interface(vm, (names or {}).get(vm)) for vm in range(1, vms + 1)]
    return {"ovs_version": "3.1.0", "dpdk_version": "DPDK 22.11", "dpdk_initialized": True,
            "other_config": {"hw-offload": hw_offload}, "external_ids": {},
            "bridges": [bridge], "interfaces": interfaces}


def capture(window_ms=5000, incomplete=None, names=None, hw_offload="true", **options):
    """A capture of that host over a window in which every flow counted 5000 packets."""
    samples = [{"time": f"2026-03-01T12:00:0{second}.000Z", "lines": flow_lines(packets, **options)}
               for second, packets in ((0, 1000), (5, 6000))]
    return json.dumps({
        "schema": "flowlift/capture/1", "host": "node7",
        "inventory": inventory(options.get("vms", 3), names, hw_offload),
        "samples": samples, "time": "2026-03-01T12:00:05.000Z", "window_ms": window_ms,
        "incomplete": incomplete,
    })
