#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Causes that are made on the kernel bench, by a real Open vSwitch and kernel: explain names each, and no other.

The list of them is TABLE; those of the DPDK bench are in tests/integration/causes.py. Runs in the guest; prints
TAP.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import listening  # noqa: E402
import tap  # noqa: E402
from making_causes import COOKIE, Row, tests_of  # noqa: E402

NIC = "platform/flownic.0"
# Of the second NIC, and one that is no NIC's.
OTHER_NIC, NO_NIC = 5, 9
VETH = "veth9"


class Bench(kernel_bench.KernelBench):
    seconds = 90

    def __init__(self):
        super().__init__(ovn=False, nfs=False, vms=3, n_vfs=4, stranded=[], max_idle=3000,
                         module_parameters={"n_nics": 2})

    def __enter__(self):
        super().__enter__()
        for vm in self.lab.vms:
            self.lab.start_load(vm.name, rate=20, kind="tcp")
        self.await_verdicts({vm.name: "offloaded" for vm in self.lab.vms}, self.seconds)
        return self

    def ofctl(self, command, *words):
        return self.lab.ofctl("-O", "OpenFlow15", command, self.lab.bridge, *words)

    def port(self, name):
        return self.lab.ofports()[name]

    def sends(self, actions):
        """What vm2 sends goes this way."""
        self.add(f"in_port={self.port(self.lab.vm('vm2').port)},actions={actions}")

    def add(self, flow):
        self.ofctl("add-flow", f"cookie={COOKIE:#x},priority=300,tcp,{flow}")

    def start_again(self):
        """The VM: Open vSwitch offers what it offered once in vain only when it makes the flow anew."""
        self.lab.stop_vm("vm2")
        self.lab.start_vm("vm2")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")


def nothing(_):
    """The OpenFlow flows are deleted after every row."""


# ---- What is more than one OpenFlow flow ----

def limit(bench):
    bench.ofctl("add-meter", "meter=1,pktps,bands=type=drop,rate=100000")
    bench.sends("meter:1,NORMAL")


def end_limit(bench):
    bench.ofctl("del-meters")


def copy(bench):
    bench.sends(f"output:{bench.port('rep0')},output:{bench.port('rep2')},NORMAL")


def mark(bench):
    bench.sends("load:1->NXM_NX_PKT_MARK[],NORMAL")


def look_at_mark(bench):
    """Of all packets: the table is asked for port and mark at once."""
    bench.add(f"in_port={bench.port('uplink0')},pkt_mark=1/1,actions=drop")
    bench.start_again()


def end_looking(bench):
    """Megaflows keep what they match for as long as they live."""
    bench.ofctl("del-flows", f"cookie={COOKIE:#x}/-1")
    bench.lab.restart_vswitchd()


def stranded(on):
    return lambda bench: bench.lab.set_stranded("vm2", on)


def switch_offload(value):
    def switch(bench):
        run("ethtool", "-K", bench.lab.vm("vm2").port, "hw-tc-offload", value)
        bench.start_again()
    return switch


def lose_qdisc(bench):
    run("tc", "qdisc", "del", "dev", bench.lab.vm("vm2").port, "ingress")


def start_again(bench):
    bench.start_again()


def set_mode(mode):
    def change(bench):
        run("devlink", "dev", "eswitch", "set", NIC, "mode", mode)
        bench.start_again()
    return change


def punt(every):
    return lambda bench: bench.lab.punt("vm2", every)


def set_policy(*words):
    def restart(bench):
        bench.lab.vsctl(*words)
        bench.lab.restart_vswitchd()
    return restart


# ---- VMs whose port is not of the uplink's NIC ----

def plug(number, port):
    """A VM more, behind this port."""
    def start(bench):
        from labkit import machines, topology
        vm = topology.VM(number)
        if port == VETH:
            run("ip", "link", "add", vm.vf, "type", "veth", "peer", "name", port)
        vm.port = port
        machines.create_vm(vm)
        bench.lab.vms.append(vm)
        bench.lab.vsctl(*vm.port_words(bench.lab.bridge, topology.STORAGE_VLAN)[1:])
        bench.load = bench.lab.start_load(vm.name, rate=20, kind="tcp")
    return start


def unplug(bench):
    bench.load.stop()
    bench.lab.vsctl("del-port", bench.lab.bridge, bench.lab.vms.pop().port)


TABLE = [
    Row("meter", "a meter, which the NIC does not take", limit, end_limit,
        ["police 0x10000000, which stands for a meter"]),
    Row("multiple-outputs", "copies to two other VMs", copy, nothing, ["can't support more output ports"]),
    Row("action-unsupported", "a packet mark, which is not offered to TC", mark, nothing,
        ["set(skb_mark(0x1))"]),
    Row("no-recirculation-in-tc", "conntrack, on a kernel that does not share recirculation with TC",
        stranded(True), stranded(False), ["recirc_id sharing not supported"], ["conntrack"]),
    Row("hw-tc-offload-off", "ethtool -K rep1 hw-tc-offload off", switch_offload("off"),
        switch_offload("on"), ["rep1: hw-tc-offload is off"]),
    Row("ingress-qdisc-lost", "tc qdisc del dev rep1 ingress", lose_qdisc, start_again,
        ["rep1: no ingress or clsact qdisc"]),
    Row("eswitch-legacy", "devlink dev eswitch set mode legacy", set_mode("legacy"), set_mode("switchdev"),
        [f"eSwitch {NIC} is in legacy mode"]),
    Row("match-unsupported", "an OpenFlow flow that matches a bit of the packet mark", look_at_mark,
        end_looking, ["matches skb_mark"]),
    Row("hardware-miss", "a NIC that passes every other packet up", punt(2), punt(0),
        ["packets were counted by software"], (), "vm2", "leaking"),
    Row("other-eswitch", "a VM on a VF of another NIC", plug(OTHER_NIC, "rep4"), unplug,
        ["are on different eSwitches"], (), f"vm{OTHER_NIC}"),
    Row("port-not-offloadable", "a VM behind a veth", plug(NO_NIC, VETH), unplug,
        [f"in through {VETH} (driver veth)"], ["other-eswitch"], f"vm{NO_NIC}"),
    Row("tc-policy", "other_config:tc-policy=skip_hw",
        set_policy("set", "Open_vSwitch", ".", "other_config:tc-policy=skip_hw"),
        set_policy("remove", "Open_vSwitch", ".", "other_config", "tc-policy"),
        ['other_config:tc-policy is "skip_hw"']),
]

if __name__ == "__main__":
    kernel_bench.main(__file__, [*tests_of(TABLE), listening.listens_to_the_kernel], Bench)
