#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What the kernel lab promises to the tests that stand on it. Run in the guest; prints TAP."""

import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{HERE}/../../integration")

import tap  # noqa: E402
from lab import KernelLab, LabError  # noqa: E402
from labkit import processes  # noqa: E402
from labkit.topology import STORAGE_MAC, UPLINK  # noqa: E402
from labkit.vswitch import uptime  # noqa: E402

HARDWARE = "offloaded:yes, dp:tc"
SOFTWARE = "dp:ovs"
PUNT_EVERY = 10


class Bench:
    """The lab with OVN and four VMs, the second of them stranded."""

    def __enter__(self):
        self.lab = KernelLab()
        started = uptime()
        self.lab.up()
        tap.note(f"up in {uptime() - started:.1f} s")
        tap.note(f"up at a guest uptime of {uptime():.1f} s")
        return self.lab

    def __exit__(self, *_):
        self.lab.down()


def state(line):
    """The path words of a dump line."""
    found = re.search(r"(offloaded:\w+, )?dp:\w+", line)
    return found.group(0) if found else ""


def storage_flows(lab, vm):
    """The dump's lines of a VM's IP traffic on the storage VLAN: (out, in)."""
    lines = [line for line in lab.dump_flows().splitlines() if "eth_type(0x0800)" in line]
    out = [line for line in lines
           if f"in_port({vm.port})" in line and f"dst={STORAGE_MAC}" in line]
    into = [line for line in lines if f"in_port({UPLINK})" in line and f"dst={vm.mac}" in line]
    return out, into


def wait_for_states(lab, vm, wanted):
    """Flows of the load are offered when they appear, and dumped a moment later."""
    def are_there():
        out, into = storage_flows(lab, vm)
        return out and into and {state(line) for line in out + into} == {wanted}
    try:
        lab.wait_until(are_there, 15, f"{vm.name}: {wanted}")
    except LabError:
        raise tap.Failure("\n".join([f"not so: all of {vm.name}'s flows are {wanted}",
                                     *sum(storage_flows(lab, vm), [])])) from None


def wrong(policy):
    return [f"{name}: {'passes' if seen else 'is blocked'}"
            for name, expected, seen in policy if expected != seen]


def tc_filters(device):
    text = subprocess.run(["tc", "-s", "-j", "filter", "show", "dev", device, "ingress"],
                          capture_output=True, text=True, check=True).stdout
    return [item for item in json.loads(text or "[]") if "options" in item
            and "actions" in item["options"]]


def hardware_packets(item):
    """What TC says of a filter, by its last action."""
    stats = item["options"]["actions"][-1].get("stats", {})
    return stats.get("hw_packets", 0)


def stock_tools_work(lab):
    "OVS's and OVN's own tools work without any option or variable"
    def run(*words):
        return subprocess.run(words, env={"PATH": os.environ["PATH"]}, capture_output=True,
                              text=True, check=True).stdout
    tap.equal(run("ovs-vsctl", "list-br"), "br-int\nbr-provider\n", "bridges")
    tap.check("system@ovs-system" in run("ovs-appctl", "dpif/show"), "the kernel's datapath")
    tap.check("tenant-vm2" in run("ovn-nbctl", "ls-list"), "northbound database")
    tap.check("guest" in run("ovn-sbctl", "show"), "southbound database")


def interfaces_carry_identities(lab):
    "every VM's representor carries external_ids as a cloud sets them"
    listed = json.loads(lab.vsctl("--format=json", "--columns=name,external_ids",
                                  "list", "Interface"))
    seen = {name: dict(pairs) for name, (_, pairs) in listed["data"]}
    for vm in lab.vms:
        for key, value in vm.external_ids().items():
            tap.equal(seen[vm.port].get(key), value, f"{vm.port} {key}")


def peers_are_in_hardware(lab):
    "the peers' NFS is in hardware, both ways, and the NIC counts it"
    vm = lab.vm("vm1")
    load = lab.start_load("vm1", rate=50)
    wait_for_states(lab, vm, HARDWARE)
    before = lab.nic_counters()[vm.port]
    lab.wait_until(lambda: lab.nic_counters()[vm.port]["hw_rx_packets"]
                   > before["hw_rx_packets"] + 100, 20, "100 packets in hardware")
    after = lab.nic_counters()[vm.port]
    result = load.stop()
    tap.note(result)
    tap.check(after["miss_packets"] - before["miss_packets"] <= 2, "none through software",
              before, after)
    tap.check(after["hw_tx_packets"] - before["hw_tx_packets"] > 50, "answers as well", after)
    tap.equal((result["errors"], result["mismatches"]), (0, 0), "errors, mismatches")


def stranded_vm_is_in_software(lab):
    "the stranded VM's NFS is in software, both ways, through the conntrack of its ACLs"
    vm = lab.vm("vm2")
    load = lab.start_load("vm2", rate=50)
    wait_for_states(lab, vm, SOFTWARE)
    for way in (0, 1):
        for link in (r"recirc_id\(0\).*ct\(zone=\d+\),recirc\(",
                     r"recirc_id\(0x.*ct_state\(0x2"):
            lab.wait_until(lambda: re.search(link, "\n".join(storage_flows(lab, vm)[way])), 15,
                           f"a flow that matches {link}, {('out', 'in')[way]}")
    before = lab.nic_counters()[vm.port]
    lab.wait_until(lambda: lab.nic_counters()[vm.port]["miss_packets"]
                   > before["miss_packets"] + 100, 20, "100 packets through software")
    after = lab.nic_counters()[vm.port]
    tap.equal(load.stop()["errors"], 0, "errors")
    tap.check(after["hw_rx_packets"] - before["hw_rx_packets"] <= 2, "none in hardware",
              before, after)


def counters_agree(lab):
    "TC's hardware counters are the NIC's own, and its software counters stand still"
    vm = lab.vm("vm3")
    load = lab.start_load("vm3", rate=50)
    wait_for_states(lab, vm, HARDWARE)
    software = sum(item["options"]["actions"][-1]["stats"]["packets"] - hardware_packets(item)
                   for item in tc_filters(vm.port) if item["options"].get("in_hw"))
    lab.wait_until(lambda: lab.nic_counters()[vm.port]["hw_rx_packets"] > 200, 20, "200 packets")
    load.stop()

    def agree():
        rules = sum(int(count) for count in re.findall(
            rf"^id \d+ port {vm.port} .* packets (\d+) bytes", lab.nic_rules(), re.M))
        filters = [item for item in tc_filters(vm.port) if item["options"].get("in_hw")]
        total = sum(map(hardware_packets, filters))
        stray = sum(item["options"]["actions"][-1]["stats"]["packets"] for item in filters) - total
        tap.check(stray == software, "software packets stand still", software, stray)
        return rules and total == rules
    lab.wait_until(agree, 10, "the same figures")


def policy_holds(lab):
    "connections that must pass do, by the floating address both ways too; the others do not"
    policy = lab.check_policy()
    tap.equal(wrong(policy), [], "what is not as it should be")
    tap.check(sum(expected for _, expected, _ in policy) >= 9, "enough that pass", policy)
    tap.check(sum(not expected for _, expected, _ in policy) >= 7, "enough that do not", policy)


def policy_is_tried_in_truth(lab):
    "a policy that is loosened or tightened is seen"
    switch, port = lab.logical_switch("vm2"), lab.vm("vm2").iface_id
    loose = ("to-lport", "1500", f'outport == "{port}" && tcp.dst == 8080')
    tight = ("from-lport", "1500", f'inport == "{port}" && tcp.dst == 80')
    lab.nbctl("acl-add", switch, *loose, "allow-related", "--", "acl-add", switch, *tight, "drop")
    lab.settle()
    seen = wrong(lab.check_policy())
    lab.nbctl("acl-del", switch, *loose, "--", "acl-del", switch, *tight)
    lab.settle()
    tap.equal(seen, ["vm2 to the public port 80, by its floating address: is blocked",
                     "the public network to the floating address, port 8080: passes",
                     "the storage to port 8080: passes",
                     "the storage, from its port 2049, to port 8080: passes"], "seen")
    tap.equal(wrong(lab.check_policy()), [], "afterwards")


def nfs_is_whole(lab):
    "what is written over NFS comes back the same, in hardware and in software"
    for name in ("vm1", "vm2"):
        result = lab.nfs_job(name, mib=8)
        times = result.pop("times_ms")
        tap.note(f"{name}: {result}")
        tap.equal(result["sha256_read"], result["sha256_written"], f"{name}: sha256")
        tap.equal((result["errors"], len(times)), (0, 64), f"{name}: errors, operations")
        tap.equal(os.listdir(lab.mount_point(name)),
                  os.listdir(lab.mount_point("vm4")), "the disk is shared")


def punted_packets_miss(lab):
    "punt: every tenth packet of a VM goes to software though its flows are in hardware"
    vm = lab.vm("vm4")
    load = lab.start_load("vm4", rate=100, kind="tcp")  # small frames: each counts as one packet
    wait_for_states(lab, vm, HARDWARE)
    lab.punt("vm4", PUNT_EVERY)
    before = lab.nic_counters()[vm.port]
    lab.wait_until(lambda: lab.nic_counters()[vm.port]["punt_packets"] >= 20, 30, "20 punted")
    after = lab.nic_counters()[vm.port]
    wait_for_states(lab, vm, HARDWARE)
    lab.fault("all", "off")
    tap.equal(load.stop()["errors"], 0, "errors")
    sent = after["hw_rx_packets"] - before["hw_rx_packets"]
    tap.check(150 <= sent <= 250, "nine of ten went through hardware", before, after)


def a_vm_restarts(lab):
    "a VM that is stopped and started comes back under a new OpenFlow port, stranded as before"
    vm = lab.vm("vm2")
    ofport = lab.ofports()[vm.port]
    lab.stop_vm("vm2")
    lab.wait_until(lambda: f"in_port({vm.port})" not in lab.dump_flows(), 15, "no flows")
    lab.start_vm("vm2")
    tap.check(lab.ofports()[vm.port] != ofport, "another OpenFlow port", ofport)
    load = lab.start_load("vm2", rate=20)
    wait_for_states(lab, vm, SOFTWARE)
    tap.equal(load.stop()["errors"], 0, "errors")
    tap.equal(wrong(lab.check_policy()), [], "policy")


def vswitchd_restarts(lab):
    "after a restart of ovs-vswitchd OVN's flows are back, and the mounts live on"
    pid = lab.vswitchd_pid()
    lab.restart_vswitchd()
    tap.check(lab.vswitchd_pid() not in (None, pid), "another process", pid)
    load = lab.start_load("vm1", rate=20)
    wait_for_states(lab, lab.vm("vm1"), HARDWARE)
    tap.equal(load.stop()["errors"], 0, "errors")
    tap.equal(wrong(lab.check_policy()), [], "policy")


def a_second_lab(lab):
    "a lab that is ended leaves nothing, and one without OVN comes up after it"
    started = time.monotonic()
    lab.down()
    tap.note(f"down in {time.monotonic() - started:.1f} s")
    tap.equal(processes.marked("flowlift-kernel-lab"), [], "processes")
    tap.equal(os.listdir("/run/netns"), [], "namespaces")
    tap.equal([name for name in os.listdir("/run") if "flowlift-lab" in name], [], "folders")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        tap.check("nfs" not in re.sub(r"/var/lib/nfs ", "", file.read()), "no mounts")
    started = time.monotonic()
    with KernelLab(ovn=False, max_idle=3000) as plain:
        tap.note(f"up without OVN in {time.monotonic() - started:.1f} s")
        loads = [plain.start_load(name, rate=20) for name in ("vm1", "vm2", "vm3")]
        wait_for_states(plain, plain.vm("vm1"), HARDWARE)
        wait_for_states(plain, plain.vm("vm3"), HARDWARE)
        plain.wait_until(lambda: "ct(zone=2)" in plain.dump_flows(), 10, "vm2 in conntrack")
        plain.set_stranded("vm2", False)
        wait_for_states(plain, plain.vm("vm2"), HARDWARE)
        for load in loads:
            tap.equal(load.stop()["errors"], 0, "errors")


def many_vms(lab):
    "200 VMs talk to the storage at once, their flows in hardware"
    started = time.monotonic()
    with KernelLab(ovn=False, vms=200, nfs=False, stranded=["vm77"]) as plain:
        if not plain.traffic.tools:
            tap.skip("tcpload is not built")
        tap.note(f"200 VMs are up in {time.monotonic() - started:.1f} s")
        talk = plain.start_talk(rate=1)

        def n_offloaded():
            return sum(f"push_vlan(vid=100,pcp=0),{UPLINK}" in line and HARDWARE in line
                       and "eth_type(0x0800)" in line for line in plain.dump_flows().splitlines())
        plain.wait_until(lambda: n_offloaded() == 199, 60, "199 VMs in hardware", interval=1)
        # The end of the handshake, a request, the end of its answer: who is that far has one.
        plain.wait_until(lambda: all(plain.nic_counters()[vm.port]["hw_rx_packets"] >= 4
                                     for vm in plain.vms if vm.name != "vm77"), 60, "answers",
                         interval=1)
        result = talk.stop()
    tap.note(f"failures: {result['failures']}")
    silent = [name for name, count in result["answers"].items() if not count]
    tap.equal(silent, [], "VMs without answer")


def mistakes_are_named(lab):
    "what cannot be is refused in one sentence"
    for mistake, words in ((lambda: KernelLab(stranded=["vm9"]), "no VM vm9"),
                           (KernelLab.attach, "no lab is up"),
                           (lambda: KernelLab(module="/nowhere.ko").up(), "/nowhere.ko")):
        try:
            mistake()
        except LabError as error:
            tap.check(words in str(error), words, str(error))
        else:
            raise tap.Failure(f"no error: {words}")


if __name__ == "__main__":
    tap.run([
        stock_tools_work,
        interfaces_carry_identities,
        peers_are_in_hardware,
        stranded_vm_is_in_software,
        counters_agree,
        policy_holds,
        policy_is_tried_in_truth,
        nfs_is_whole,
        punted_packets_miss,
        a_vm_restarts,
        vswitchd_restarts,
        a_second_lab,
        many_vms,
        mistakes_are_named,
    ], bench=Bench)
