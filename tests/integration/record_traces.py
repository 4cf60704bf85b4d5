#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pipelines of all kinds, and their traces.

Usage: record_traces.py FOLDER    writes FOLDER/NAME.txt for each trace: corpus of the fuzz target
"trace", read by the unit test "fate". test_ovs_traces.py asks the same pipelines live.
"""

import sys

from private_ovs import PrivateOvs, wait_until

VM1, SERVER, STORE = (f"50:54:00:00:00:0{n}" for n in (1, 2, 8))
TCP = (f"tcp,dl_src={VM1},dl_dst={SERVER},nw_src=10.1.0.5,nw_dst=10.1.0.9,nw_ttl=64,nw_frag=no,"
       "tcp_src=1000,tcp_dst=2049")
BACK = (f"tcp,dl_src={SERVER},dl_dst={VM1},nw_src=10.1.0.9,nw_dst=10.1.0.5,nw_ttl=64,nw_frag=no,"
        "tcp_src=2049,tcp_dst=1000")
TCP6 = (f"tcp6,dl_src={VM1},dl_dst={SERVER},ipv6_src=fd00::5,ipv6_dst=fd00::9,nw_ttl=64,nw_frag=no,"
        "tcp_src=1000,tcp_dst=2049")

# A table of br0 for each trace, entered by the packet's metadata, which no megaflow shows.
# Ports: p0 1, vm1 2, vm2 3, trunk 4, patch to br1 5, vx 6.
TABLES = {
    10: ["ip,actions=ct(table=110,zone=5)"],
    110: ["ct_state=+trk+est,ip,nw_dst=10.1.0.0/24,actions=mod_vlan_vid:100,output:1",
          "priority=1,ct_state=+trk+new,tcp,tp_dst=2049,"
          "actions=ct(commit,zone=5,exec(set_field:1->ct_mark)),output:1"],
    11: ["ip,actions=ct(table=111,zone=5)"],
    111: ["ct_mark=1,ip,actions=drop", "priority=1,ip,actions=output:1"],
    12: ["ip,actions=ct(commit,zone=5,nat(src)),output:1"],
    13: ["ip,actions=ct(table=113,zone=5,nat)"],
    113: ["ip,nw_src=10.1.0.5,actions=output:1"],
    14: ["ip,actions=ct(commit,table=114,zone=5,nat(src=192.0.2.1-192.0.2.9:1024-2047))"],
    114: ["ip,actions=output:1"],
    15: ["actions=resubmit(,115),resubmit(,116)"],
    115: ["ip,nw_dst=10.1.0.0/25,actions=mod_dl_dst:aa:bb:cc:dd:ee:ff"],
    116: ["tcp,tp_dst=2048/0xfff0,actions=output:1"],
    16: ["priority=2,ip,nw_src=10.1.0.5,actions=conjunction(7,1/2)",
         "priority=2,tcp,tp_dst=2049,actions=conjunction(7,2/2)", "priority=2,conj_id=7,ip,actions=output:1"],
    17: ["actions=group:1"], 18: ["actions=group:2"], 19: ["actions=group:3"], 20: ["actions=group:4"],
    21: ["actions=learn(table=121,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),output:1"],
    22: ["actions=NORMAL"],
    23: ["actions=output:5"],
    24: ["actions=push_vlan:0x8100,set_field:4196->vlan_vid,set_field:3->vlan_pcp,output:1"],
    25: ["vlan_vid=0x1000/0x1000,actions=strip_vlan,output:2"],
    26: ["vlan_vid=0x1000/0x1000,actions=set_field:4296->vlan_vid,output:1"],
    50: ["actions=mod_vlan_vid:200,output:1"],  # in OpenFlow 1.4 a push_vlan, whatever the packet has
    27: ["vlan_vid=0x1000/0x1000,actions=strip_vlan,mod_vlan_vid:100,output:1"],
    28: [f"actions=mod_dl_src:aa:bb:cc:dd:ee:ff,mod_dl_dst:{SERVER},output:1"],
    29: ["ip,actions=dec_ttl,output:1", "priority=1,ipv6,actions=dec_ttl,set_field:fd00::1->ipv6_src,output:1"],
    30: ["actions=meter:1,output:1"],
    31: ["actions=controller(max_len=128),output:1"],
    32: ["actions=sample(probability=655,collector_set_id=1,obs_domain_id=2,obs_point_id=3),output:1"],
    33: ["actions=set_field:10->tun_id,set_field:10.9.0.2->tun_dst,output:6"],
    34: ["actions=drop"],
    35: ["actions=clone(mod_vlan_vid:7,output:1),output:3"],
    36: ["ip,actions=clone(ct(table=136,zone=3)),output:3"],
    136: ["ip,ct_state=+est,actions=output:1"],
    37: ["actions=output(port=1,max_len=100),output:3"],
    38: ["actions=bundle(eth_src,0,active_backup,ofport,members:1,3)"],
    39: ["tcp,tp_dst=2049,actions=mod_nw_dst:10.1.0.77,mod_tp_dst:20049,mod_nw_tos:184,set_queue:3,output:1"],
    40: ["ip,actions=ct(table=140,zone=1)"],
    140: ["ct_state=+trk-inv,ip,actions=ct(table=141,zone=2)"],
    141: ["ct_state=+est,ip,actions=output:1"],
    41: ["ip,actions=check_pkt_larger(1500)->reg0[0],resubmit(,142)"],
    142: ["reg0=0x1/0x1,actions=output:3", "priority=1,actions=output:1"],
    42: ["ip,vlan_vid=0x1000/0x1000,actions=strip_vlan,ct(table=143,zone=5)"],
    143: ["vlan_tci=0/0x1fff,ip,actions=output:2", "priority=1,actions=output:3"],
    43: ["actions=set_field:0x5->pkt_mark,output:1"],
    44: ["actions=push_vlan:0x88a8,set_field:4196->vlan_vid,output:1"],
    45: ["arp,actions=load:2->NXM_OF_ARP_OP[],IN_PORT"],
    46: ["nw_tos=184,ip,actions=output:1", "priority=1,tcp,tcp_flags=+syn-ack,actions=output:3",
         "priority=1,ip,nw_frag=yes,actions=drop", "priority=0,actions=output:1"],
    47: ["actions=output:1,output:2,output:1"],
    51: ["ip,actions=mod_nw_dst:10.1.0.77,ct(table=151,zone=5)"],
    151: ["ip,nw_src=10.1.0.0/24,nw_dst=10.1.0.77,actions=output:1"],
    52: ["ip,actions=push_vlan:0x8100,set_field:4196->vlan_vid,ct(table=152,zone=5)"],
    152: ["ip,dl_vlan=100,ct_state=+trk+est,actions=pop_vlan,output:1"],
    49: ["actions=mod_dl_dst:aa:bb:cc:dd:ee:ff,write_actions(output:1)"],
}
GROUPS = [
    "group_id=1,type=all,bucket=mod_vlan_vid:7,output:1,bucket=output:3",
    "group_id=2,type=select,selection_method=hash,bucket=output:1,bucket=output:3",
    "group_id=3,type=fast_failover,bucket=watch_port:1,output:1,bucket=watch_port:3,output:3",
    "group_id=4,type=select,selection_method=dp_hash,bucket=output:1,bucket=output:3",
]

EST, RPL, NEW, INV = "trk,est", "trk,est,rpl", "trk,new", "trk,inv"
TAGGED = "dl_vlan=100,dl_vlan_pcp=0"
# Name: table, in_port, packet, what conntrack answers.
TRACES = {
    "ct-established": (10, 2, TCP, [EST]),
    "ct-commit": (10, 2, TCP, [NEW]),
    "ct-new-drop": (10, 2, TCP.replace("2049", "2050"), [NEW]),
    "ct-mark": (11, 2, TCP, [EST]),
    "ct-nat-clash": (12, 2, TCP, []),
    "ct-nat-restore": (13, 2, TCP, [EST]),
    "ct-nat-src": (14, 2, TCP, [NEW]),
    "ct-fork": (36, 2, TCP, [EST]),
    "ct-two-zones": (40, 2, TCP, [EST, EST]),
    "ct-untagged": (42, 1, f"{BACK},{TAGGED}", [RPL]),
    "ct-after-set": (51, 2, TCP, [EST]),
    "ct-after-push": (52, 2, TCP, [EST]),
    "resubmit": (15, 2, TCP, []),
    "conjunction": (16, 2, TCP, []),
    "group-all": (17, 2, TCP, []),
    "group-select": (18, 2, TCP, []),
    "group-failover": (19, 2, TCP, []),
    "group-dp-hash": (20, 2, TCP, []),
    "learn": (21, 2, TCP, []),
    "patch-known": (23, 2, TCP, []),
    "vlan-push": (24, 2, TCP, []),
    "vlan-pop": (25, 1, f"{BACK},{TAGGED}", []),
    "vlan-set": (26, 4, f"{TCP},{TAGGED}", []),
    "vlan-mod-untagged": (50, 2, TCP, []),
    "vlan-second": (50, 4, f"{TCP},{TAGGED}", []),
    "vlan-same": (27, 4, f"{TCP},{TAGGED}", []),
    "vlan-untested": (28, 4, f"{TCP},{TAGGED}", []),
    "vlan-8021ad": (44, 2, TCP, []),
    "mac-set": (28, 2, TCP, []),
    "ttl": (29, 2, TCP, []),
    "ttl-ipv6": (29, 2, TCP6, []),
    "meter": (30, 2, TCP, []),
    "controller": (31, 2, TCP, []),
    "sample": (32, 2, TCP, []),
    "tunnel-native": (33, 2, TCP, []),
    "drop": (34, 2, TCP, []),
    "clone": (35, 2, TCP, []),
    "truncate": (37, 2, TCP, []),
    "bundle": (38, 2, TCP, []),
    "rewrite-all": (39, 2, TCP, []),
    "check-pkt-len": (41, 2, TCP, []),
    "pkt-mark": (43, 2, TCP, []),
    "arp-reply": (45, 2, f"arp,dl_src={VM1},dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_spa=10.1.0.5,"
                         "arp_tpa=10.1.0.9", []),
    "tos-and-flags": (46, 2, TCP + ",tcp_flags=ack", []),
    "twice": (47, 2, TCP, []),
    "action-set": (49, 2, TCP, []),
}


def set_up(ovs):
    dummy = lambda name, number, *more: [  # noqa: E731
        "--", "set", "interface", name, "type=dummy", f"ofport_request={number}", *more]
    ovs.vsctl(
        "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
        "other-config:hwaddr=50:54:00:00:01:00",
        "--", "add-port", "br0", "p0", *dummy("p0", 1), "--", "add-port", "br0", "vm1", *dummy("vm1", 2),
        "--", "add-port", "br0", "vm2", *dummy("vm2", 3), "--", "add-port", "br0", "trunk", *dummy("trunk", 4),
        "--", "add-port", "br0", "to-br1", "--", "set", "interface", "to-br1", "type=patch",
        "options:peer=to-br0", "ofport_request=5",
        "--", "add-port", "br0", "vx", "--", "set", "interface", "vx", "type=vxlan",
        "options:remote_ip=flow", "options:key=flow", "ofport_request=6",
    )
    ovs.vsctl(
        "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", "fail-mode=standalone",
        "other-config:hwaddr=50:54:00:00:02:00",
        "--", "add-port", "br1", "u1", *dummy("u1", 1),
        "--", "add-port", "br1", "to-br0", "--", "set", "interface", "to-br0", "type=patch",
        "options:peer=to-br1", "ofport_request=2",
    )
    ovs.ofctl("add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1000")
    for group in GROUPS:
        ovs.ofctl("-OOpenFlow15", "add-group", "br0", group)
    lines = [f"table={table},{'' if line.startswith('priority') else 'priority=9,'}{line}"
             for table, lines in TABLES.items() for line in lines]
    lines += [f"table=0,priority=9,metadata={table},actions=resubmit(,{table})" for table in TABLES]
    with open(ovs.path("flows"), "w") as file:
        file.write("\n".join(lines))
    ovs.ofctl("add-flows", "br0", ovs.path("flows"))
    add_tunnel_route(ovs)
    add_bond(ovs)


def frame(port, packet):
    return "netdev-dummy/receive", port, packet


def learn(ovs, bridge, port, address):
    """A gratuitous ARP teaches @bridge where @address is."""
    ovs.appctl(*frame(port, f"in_port(0),eth(src={address},dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),"
                            f"arp(sip=10.9.9.9,tip=10.9.9.9,op=1,sha={address},tha=00:00:00:00:00:00)"))
    wait_until(lambda: address in ovs.appctl("fdb/show", bridge), f"{bridge} to learn {address}")


def trace(ovs, bridge, packet, answers=()):
    options = [word for answer in answers for word in ("--ct-next", answer)]
    return ovs.appctl("ofproto/trace", bridge, packet, "--names", *options)


def record(ovs):
    texts = {}
    for name, (table, port, packet, answers) in TRACES.items():
        if name == "patch-known":
            learn(ovs, "br1", "u1", SERVER)
        texts[name] = trace(ovs, "br0", f"in_port={port},{packet},metadata={table}", answers)
    packet = f"in_port=2,{TCP},metadata=22"
    texts["normal-unknown"] = trace(ovs, "br0", packet)
    ovs.ofctl("add-flow", "br0", "priority=10,arp,actions=NORMAL")
    learn(ovs, "br0", "p0", SERVER)
    texts["normal-known"] = trace(ovs, "br0", packet)

    learn(ovs, "br0", "b0", STORE)
    texts["bond-slb"] = trace(ovs, "br0", packet.replace(SERVER, STORE))

    ovs.vsctl("--", "--id=@p0", "get", "port", "vm2", "--", "--id=@m", "create", "mirror", "name=m",
              "select_all=true", "output-port=@p0", "--", "set", "bridge", "br0", "mirrors=@m")
    texts["mirror"] = trace(ovs, "br0", f"in_port=2,{TCP},metadata=24")
    ovs.vsctl("clear", "bridge", "br0", "mirrors")

    ovs.vsctl("--", "--id=@s", "create", "sflow", "targets=\"127.0.0.1:6343\"", "sampling=64", "agent=lo",
              "--", "set", "bridge", "br0", "sflow=@s")
    texts["sflow"] = trace(ovs, "br0", f"in_port=2,{TCP},metadata=24")
    ovs.vsctl("clear", "bridge", "br0", "sflow")

    # As with the kernel's datapath, whose tunnels are devices of its own.
    ovs.appctl("dpif/set-dp-features", "br0", "tnl_push_pop", "false")
    texts["tunnel-kernel"] = trace(ovs, "br0", f"in_port=2,{TCP},metadata=33")
    texts["tunnel-in"] = trace(
        ovs, "br0", f"in_port=6,tun_id=10,tun_src=10.9.0.2,tun_dst=10.9.0.1,{BACK},metadata=47")
    return texts


def add_tunnel_route(ovs):
    ovs.vsctl("set", "bridge", "br1", "other-config:hwaddr=50:54:00:00:02:00")
    ovs.appctl("netdev-dummy/ip4addr", "br1", "10.9.0.1/24")
    ovs.appctl("ovs/route/add", "10.9.0.0/24", "br1")
    ovs.appctl("tnl/neigh/set", "br1", "10.9.0.2", "50:54:00:00:00:09")


def add_bond(ovs):
    ovs.vsctl("--no-wait", "add-bond", "br0", "bond0", "b0", "b1", "bond_mode=balance-slb",
              "--", "set", "interface", "b0", "type=dummy", "ofport_request=7",
              "--", "set", "interface", "b1", "type=dummy", "ofport_request=8")
    wait_until(lambda: "may_enable: true" in ovs.appctl("bond/show", "bond0"), "the bond")


def main():
    folder = sys.argv[1]
    with PrivateOvs() as ovs:
        set_up(ovs)
        for name, text in record(ovs).items():
            with open(f"{folder}/{name}.txt", "w") as file:
                file.write(text)


if __name__ == "__main__":
    main()
