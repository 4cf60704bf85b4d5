#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a dump as "ovs-appctl dpctl/dump-flows -m" would: gen_dump.py FLOWS [--sample 1|2].

The flows of a hypervisor whose VMs mount a shared disk: most connections in the NIC, the storage of
every 16th VM stuck behind conntrack and recirculation, some other traffic. Both samples hold the
same flows; in the second, five seconds later, the counters have moved. The same arguments always
give the same text.
"""

import argparse
import sys

FLOWS_A_VM = 32

META = "skb_priority(0/0),skb_mark(0/0)"
CT_ANY = "ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0)"


def ufid(number):
    """Not in order of number, as real ones are not."""
    bits = (number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)
    text = f"{bits:032x}"
    return f"ufid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def mac(vm):
    return f"fa:16:3e:{vm >> 16 & 255:02x}:{vm >> 8 & 255:02x}:{vm & 255:02x}"


def address(vm):
    return f"10.{100 + (vm >> 14)}.{vm >> 6 & 255}.{10 + (vm & 63)}"


def hexadecimal(number):
    return f"{number:#x}" if number else "0"


def key(recirc_id, in_port, ct, src, dst, rest, vlan=None):
    tagged = f"eth_type(0x8100),vlan(vid={vlan},pcp=0),encap(" if vlan else ""
    return (f"{META},{ct},recirc_id({hexadecimal(recirc_id)}),dp_hash(0/0),in_port({in_port}),"
            f"packet_type(ns=0,id=0),eth(src={src},dst={dst}),{tagged}{rest}"
            f"{')' if vlan else ''}")


def tcp(src, dst, tp_src, tp_dst):
    """An IPv4 packet of a connection, as OVS prints a match that tests all of it."""
    return (f"eth_type(0x0800),ipv4(src={src},dst={dst},proto=6,tos=0/0x3,ttl=64/0,frag=no),"
            f"tcp(src={tp_src},dst={tp_dst}),tcp_flags(0/0)")


SERVER, SERVER_MAC = "10.1.0.9", "b8:59:9f:00:00:01"
GATEWAY_MAC = "b8:59:9f:00:00:02"
HW = "offloaded:yes, dp:dpdk"
SW = "dp:ovs"


def flow_of(number):
    """(match, where it is, actions, packets a second) of one flow."""
    vm, slot = divmod(number, FLOWS_A_VM)
    port, source = f"vnet{vm}", address(vm)
    high = 32768 + number % 28000
    if vm % 16 == 5 and slot < 8:  # its storage goes through conntrack: a chain of two, each way
        zone, recirc = vm % 60000 + 1, 0x100 + vm * 8 + slot // 2
        if slot % 2 == 0:
            return (key(0, port, CT_ANY, mac(vm), SERVER_MAC,
                        tcp(source, SERVER, high, 2049)),
                    SW, f"ct(zone={zone}),recirc({recirc:#x})", 90)
        return (key(recirc, port, f"ct_state(0x22/0x3f),ct_zone({zone:#x}),ct_mark(0/0),ct_label(0/0)",
                    mac(vm), SERVER_MAC, tcp(source, SERVER, high, 2049)),
                SW, "push_vlan(vid=100,pcp=0),p0", 90)
    if slot < 8:
        return (key(0, port, CT_ANY, mac(vm), SERVER_MAC, tcp(source, SERVER, high, 2049)),
                HW, "push_vlan(vid=100,pcp=0),p0", 120)
    if slot < 16:
        return (key(0, "p0", CT_ANY, SERVER_MAC, mac(vm), tcp(SERVER, source, 2049, high),
                    vlan=100), HW, f"pop_vlan,{port}", 150)
    if slot < 24:  # web traffic
        return (key(0, port, CT_ANY, mac(vm), GATEWAY_MAC,
                    tcp(source, f"192.0.2.{slot}", high, 443)),
                HW, f"set(eth(src=fa:16:3e:ff:00:01,dst={GATEWAY_MAC})),set(ipv4(ttl=63)),"
                "push_vlan(vid=200,pcp=0),p0", 10)
    if slot < 28:  # over a tunnel
        return (f"tunnel(tun_id={vm + 1:#x},src=172.16.0.{slot},dst=172.16.0.1,ttl=64/0,"
                "geneve({class=0x102,type=0x80,len=4,0x10002/0x7fffffff}),flags(-df+csum+key)),"
                + key(0, "genev_sys_6081", CT_ANY, GATEWAY_MAC, mac(vm),
                      f"eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst={source},proto=17,tos=0/0,"
                      "ttl=0/0,frag=no),udp(src=0/0,dst=0/0)"),
                HW, port, 3)
    if slot < 30:
        return (key(0, port, CT_ANY, mac(vm), "33:33:00:00:00:01",
                    f"eth_type(0x86dd),ipv6(src=fe80::{vm & 65535:x}:{slot},dst=ff02::1,label=0/0,"
                    "proto=58,tclass=0/0,hlimit=255,frag=no),icmpv6(type=136,code=0),"
                    f"nd(target=fe80::{vm & 65535:x}:1,sll=00:00:00:00:00:00/00:00:00:00:00:00,"
                    f"tll={mac(vm)})"),
                SW, "push_vlan(vid=200,pcp=0),p0", 0)
    if slot == 30:
        return (key(0, port, CT_ANY, mac(vm), "ff:ff:ff:ff:ff:ff",
                    f"eth_type(0x0806),arp(sip={source},tip=10.1.0.9,op=1,sha={mac(vm)},"
                    "tha=00:00:00:00:00:00)"),
                SW, "push_vlan(vid=100,pcp=0),p0,br-int", 0)
    return (key(0, port, CT_ANY, mac(vm), "01:80:c2:00:00:0e", "eth_type(0x88cc)"),
            SW, "userspace(pid=0,slow_path(lldp))", 0)


def line_of(number, sample):
    match, where, actions, rate = flow_of(number)
    packets = 1000 + number % 977 + (5 * rate if sample == 2 else 0)
    used = f"{number % 90 / 100:.3f}s" if rate else "9.5s"
    extra = f", dp-extra-info:miniflow_bits({number % 9},1)" if where == SW else ""
    return (f"{ufid(number)}, {match}, packets:{packets}, bytes:{packets * 1400}, used:{used}, "
            f"{where}, actions:{actions}{extra}\n")


def write_dump(out, flows, sample):
    out.write("flow-dump from pmd on cpu core: 1\n")
    for number in range(flows):
        out.write(line_of(number, sample))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("flows", type=int)
    parser.add_argument("--sample", type=int, choices=(1, 2), default=1)
    arguments = parser.parse_args()
    write_dump(sys.stdout, arguments.flows, arguments.sample)


if __name__ == "__main__":
    main()
