# SPDX-License-Identifier: Apache-2.0
"""Many flows of storage traffic in the kernel, made at once, as ovs-vswitchd would make them.

Half of them come from the VMs, half go to them. ovs-vswitchd's revalidators have to be paused: they
would delete flows that no OpenFlow rule made.
"""

import subprocess

from labkit.topology import STORAGE_MAC, STORAGE_VLAN, UPLINK

# Each flow has a client's port of its own, from here on, at one of the servers' addresses.
FIRST_PORT, N_CLIENT_PORTS = 1024, 60000


def _ends(number):
    """The server's address and the client's port of the flow with this number."""
    return f"10.100.0.{number // N_CLIENT_PORTS + 1}", FIRST_PORT + number % N_CLIENT_PORTS


def _outward(vm, number):
    server, port = _ends(number)
    return (f"filter add dev {vm.port} ingress protocol ip chain 0 pref 101 flower "
            f"src_mac {vm.mac} dst_mac {STORAGE_MAC} ip_proto tcp src_ip {vm.address} "
            f"dst_ip {server} src_port {port} dst_port 2049 ip_flags nofrag "
            f"action vlan push id {STORAGE_VLAN} protocol 802.1q priority 0 pipe cookie {{0}} "
            f"action mirred egress redirect dev {UPLINK} cookie {{0}}")


def _inward(vm, number):
    server, port = _ends(number)
    return (f"filter add dev {UPLINK} ingress protocol 802.1q chain 0 pref 102 flower "
            f"src_mac {STORAGE_MAC} dst_mac {vm.mac} vlan_id {STORAGE_VLAN} vlan_prio 0 "
            f"vlan_ethtype ip ip_proto tcp src_ip {server} dst_ip {vm.address} src_port 2049 "
            f"dst_port {port} ip_flags nofrag action vlan pop pipe cookie {{0}} "
            f"action mirred egress redirect dev {vm.port} cookie {{0}}")


def tc_lines(first, last, vms):
    """Words for tc -batch: flows with these numbers, of one VM after the other."""
    for number in range(first, last):
        vm = vms[number // 2 % len(vms)]
        make = _inward if number % 2 else _outward
        yield make(vm, number // 2).format(f"{number + 1:032x}")


def add_tc(first, last, vms, timeout=900):
    text = "\n".join(tc_lines(first, last, vms)) + "\n"
    done = subprocess.run(["tc", "-batch", "-"], input=text, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"tc -batch: {done.stderr[:400]}")


def add_datapath(first, last, vms, numbers, path, timeout=900):
    """Flows of the openvswitch module; @numbers are its ports', by name, @path a file to write."""
    with open(path, "w", encoding="ascii") as file:
        for number in range(first, last):
            vm = vms[number % len(vms)]
            server, port = _ends(number)
            file.write(f"ufid:{number + 1:08x}-0000-0000-0000-000000000002,recirc_id(0),"
                       f"in_port({numbers[vm.port]}),eth(src={vm.mac},dst={STORAGE_MAC}),"
                       f"eth_type(0x0800),ipv4(src={vm.address},dst={server},proto=6,tos=0/0,"
                       f"ttl=0/0,frag=no),tcp(src={port},dst=2049),tcp_flags(0/0) "
                       f"push_vlan(vid={STORAGE_VLAN},pcp=0),{numbers[UPLINK]}\n")
    done = subprocess.run(["ovs-dpctl", "add-flows", path], capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"ovs-dpctl: {done.stderr[:400]}")
