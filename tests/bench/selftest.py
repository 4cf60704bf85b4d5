# SPDX-License-Identifier: Apache-2.0
"""What the lab promises to the tests that stand on it. Prints TAP."""

import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{HERE}/../integration")

import tap  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from labkit import namespaces, processes  # noqa: E402
from labkit.nic import runtime_dir  # noqa: E402
from labkit.topology import PUBLIC_SERVER, STORAGE_MACS, STORAGE_SERVERS  # noqa: E402

HARDWARE = "offloaded:yes, dp:dpdk"
PARTIAL = "offloaded:partial, dp:ovs"
SOFTWARE = "dp:ovs"
STREAM_SECONDS = 20
# Short, so that an idle flow is soon gone and its successor is offered to the NIC anew.
MAX_IDLE_MS = 1000


def make_lab():
    started = time.monotonic()
    lab = Lab(max_idle=MAX_IDLE_MS)
    lab.__enter__()
    tap.note(f"up in {time.monotonic() - started:.1f} s, ids {lab.id}")
    return lab


class Bench:
    """A lab with four VMs, the second of them stranded."""

    def __enter__(self):
        self.lab = make_lab()
        return self.lab

    def __exit__(self, *_):
        self.lab.down()


def state(line):
    """The path words of a dump line."""
    found = re.search(r"(offloaded:\w+, )?dp:\w+", line)
    return found.group(0) if found else ""


def flows_of(lab, in_port, *words):
    """The unicast IPv4 megaflows of a port that have all the words."""
    lines = [line for line in lab.dump_flows().splitlines()
             if f"in_port({in_port})" in line and "eth_type(0x0800)" in line]
    return [line for line in lines if all(word in line for word in words)]


def inbound(lab, vm):
    """The megaflows from the uplink to a VM's storage port."""
    return flows_of(lab, "p0", f"dst={vm.mac})")


def outbound(lab, vm):
    return flows_of(lab, vm.port)


def ping(lab, name, address=STORAGE_SERVERS[0], count=3):
    return lab.exec(name, "ping", "-q", f"-c{count}", "-i0.05", "-W2", address)


def wait_for_states(lab, flows, wanted, what):
    """Ping-made flows are offered a moment after they appear: wait, then show what is there."""
    def are_there():
        found = {state(line) for line in flows()}
        return found == {wanted}
    try:
        lab.wait_until(are_there, 10, what)
    except LabError:
        raise tap.Failure("\n".join([f"not so: {what}: all flows {wanted}", *flows()])) from None


def stock_tools_work(lab):
    "OVS's own tools need nothing but OVS_RUNDIR, OVS_DBDIR and OVS_LOGDIR"
    environment = {key: lab.env[key] for key in ("PATH", "OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR")}

    def run(*words):
        return subprocess.run(words, env=environment, capture_output=True, text=True,
                              check=True).stdout
    tap.equal(run("ovs-vsctl", "list-br"), "br0\n", "ovs-vsctl list-br")
    tap.check("ovs-vswitchd" in run("ovs-appctl", "version"), "ovs-appctl finds ovs-vswitchd")
    tap.check("dpdk" in run("ovs-appctl", "dpif/show"), "ports are DPDK's")
    tap.check("NORMAL" in run("ovs-ofctl", "dump-flows", "br0"), "ovs-ofctl finds br0")
    names = sorted(re.sub(r"\d+", "N", name) for name in os.listdir(lab.env["OVS_RUNDIR"]))
    for name in ("db.sock", "ovsdb-server.pid", "ovs-vswitchd.pid", "ovs-vswitchd.N.ctl",
                 "ovs-vswitchd.log"):
        tap.check(name in names, f"{name} has its usual name", names)


def interfaces_carry_identities(lab):
    "every VM's interfaces carry external_ids as a cloud sets them"
    for vm in lab.vms:
        for port, public in ((vm.port, False), (vm.public_port, True)):
            for key, value in vm.external_ids(public).items():
                is_there = lab.vsctl("get", "Interface", port, f"external_ids:{key}")
                tap.equal(is_there.strip().strip('"'), value, f"{port} {key}")


def hardware_packets(lab, name, count):
    """Counters before and after @count packets of a VM in hardware, none of them in software: a flow
    that is new, or changed by what the switch learns, has a moment there."""
    for _ in range(5):
        before = lab.nic_counters()[name]
        lab.wait_until(lambda before=before: lab.nic_counters()[name]["hw_fwd_packets"]
                       > before["hw_fwd_packets"] + count, 10, f"{count} packets in hardware")
        after = lab.nic_counters()[name]
        if after["sw_rx_packets"] - before["sw_rx_packets"] <= 2:
            return before, after
    raise tap.Failure(f"not so: {count} packets in hardware, none in software\n"
                      f"{tap.as_text(before)}\n{tap.as_text(after)}")


def peers_are_in_hardware(lab):
    "a healthy VM's storage flows are in hardware, both ways, and the NIC counts them"
    vm = lab.vm("vm1")
    load = lab.start_load("vm1", conns=4, rate=200, kind="tcp")
    wait_for_states(lab, lambda: outbound(lab, vm), HARDWARE, "vm1 to the storage")
    wait_for_states(lab, lambda: inbound(lab, vm), HARDWARE, "the storage to vm1")
    before, after = hardware_packets(lab, "vm1", 200)
    result = load.stop()
    tap.check(after["hw_out_packets"] - before["hw_out_packets"] >= 100, "answers as well", after)
    tap.equal(result["reconnects"], 0, "reconnects")


def stranded_vm_is_in_software(lab):
    "the stranded VM's storage flows are in software, both ways, in two links of conntrack"
    vm = lab.vm("vm2")
    load = lab.start_load("vm2", conns=4, rate=200, kind="tcp")
    lab.wait_until(lambda: any("recirc_id(0)" not in line for line in inbound(lab, vm)), 10,
                   "the second link")
    for flows in (outbound(lab, vm), inbound(lab, vm)):
        tap.equal({state(line) for line in flows}, {SOFTWARE}, "states")
        tap.check(any("ct(zone=2),recirc(" in line for line in flows), "head", *flows)
        tap.check(any("recirc_id(0)" not in line and "recirc_id" in line for line in flows),
                  "second link", *flows)
    before = lab.nic_counters()["vm2"]
    lab.wait_until(lambda: lab.nic_counters()["vm2"]["sw_rx_packets"]
                   > before["sw_rx_packets"] + 200, 10, "200 packets in software")
    after = lab.nic_counters()["vm2"]
    load.stop()
    tap.check(after["hw_fwd_packets"] - before["hw_fwd_packets"] <= 2,
              "the NIC forwards none of them (but ARP)", before, after)


def strand_and_unstrand(lab):
    "a VM is stranded and put right again while it runs"
    vm = lab.vm("vm3")
    tables = lab.ofctl_dump()
    load = lab.start_load("vm3", rate=100, kind="tcp")
    wait_for_states(lab, lambda: outbound(lab, vm), HARDWARE, "vm3 before")
    lab.set_stranded("vm3", True)
    wait_for_states(lab, lambda: outbound(lab, vm), SOFTWARE, "vm3 stranded, out")
    wait_for_states(lab, lambda: inbound(lab, vm), SOFTWARE, "vm3 stranded, in")
    lab.set_stranded("vm3", False)
    wait_for_states(lab, lambda: outbound(lab, vm), HARDWARE, "vm3 afterwards, out")
    wait_for_states(lab, lambda: inbound(lab, vm), HARDWARE, "vm3 afterwards, in")
    load.stop()
    tap.equal(lab.ofctl_dump(), tables, "OpenFlow tables")


def ct_mask_variant(lab):
    "variant ct-mask: the head megaflow's own mask holds ct_state, and only that VM's"
    vm = lab.vm("vm4")
    loads = [lab.start_load(name, rate=100, kind="tcp") for name in ("vm1", "vm4")]
    lab.set_stranded("vm4", True, variant="ct-mask")
    lab.wait_until(lambda: [line for line in outbound(lab, vm)
                            if re.search(r"ct_state\(0/0x20\).*recirc_id\(0\)", line)], 10,
                   "ct_state in the head's mask")
    wait_for_states(lab, lambda: outbound(lab, vm), SOFTWARE, "vm4")
    wait_for_states(lab, lambda: outbound(lab, lab.vm("vm1")), HARDWARE, "its peer, out")
    wait_for_states(lab, lambda: inbound(lab, lab.vm("vm1")), HARDWARE, "its peer, in")
    lab.set_stranded("vm4", False)
    for load in loads:
        load.stop()


def other_traffic_has_its_own_pipeline(lab):
    "the VMs' other network goes through conntrack, and the other ports on the storage VLAN work"
    vm = lab.vm("vm1")
    tap.equal(ping(lab, "vm1", PUBLIC_SERVER).returncode, 0, "ping of the other network")
    flows = flows_of(lab, vm.public_port)
    tap.check(any(f"ct(zone={vm.public_zone})" in line for line in flows), "zone", *flows)
    stream = lab.start_stream("vm1", rate=200, port=9000, seconds=1)
    tap.equal(stream.wait()["lost"], 0, "packets lost to port 9000")
    stream = lab.start_stream("vm1", rate=200, port=9000, to=PUBLIC_SERVER, seconds=1)
    tap.equal(stream.wait()["lost"], 0, "packets lost to the other network")


def real_nfs(lab):
    "64 NFS connections write and read back through the stranded VM's path"
    if lab.traffic.nfs_problem:
        tap.skip(f"no NFS here: {lab.traffic.nfs_problem}")
    load = lab.start_load("vm2", conns=64, rate=300, kind="nfs")

    def connections():
        text = lab.exec("vm2", "ss", "-Htn", "state", "established", "dport", "=", "2049").stdout
        return len(text.splitlines())
    lab.wait_until(lambda: connections() == 64, 20, "64 connections")
    lab.wait_until(lambda: len(os.listdir(f"{lab.directory}/traffic/disk")) >= 64, 10, "files")
    before = lab.nic_counters()["vm2"]["sw_rx_packets"]
    lab.wait_until(lambda: lab.nic_counters()["vm2"]["sw_rx_packets"] > before + 500, 20,
                   "500 packets")
    result = load.stop()
    tap.note(result)
    tap.equal((result["errors"], result["mismatches"]), (0, 0), "errors and mismatches")
    tap.check(result["reads"] > 0 and result["writes"] > 0, "both reads and writes", result)


def streams_lose_nothing(lab):
    "the control run: numbered streams of a healthy and the stranded VM lose no packet"
    streams = {name: lab.start_stream(name, rate=1000, seconds=STREAM_SECONDS)
               for name in ("vm1", "vm2")}
    for name, stream in streams.items():
        result = stream.wait(STREAM_SECONDS + 30)
        tap.note(f"{name}: {result}")
        tap.equal(result["sent"], 1000 * STREAM_SECONDS, "packets sent")
        tap.equal((result["lost"], result["duplicated"], result["socket_overflow"]), (0, 0, 0),
                  f"{name}: lost, duplicated, overflowed")
    for name, port in lab.nic_counters().items():
        tap.equal((port["sw_missed_packets"], port["send_failed"]), (0, 0),
                  f"{name}: missed, failed to send")


def a_stream_counts_what_is_lost(lab):
    "a stream under which packets are dropped says how many, and which way"
    vm = lab.vm("vm1")
    stream = lab.start_stream("vm1", rate=500)
    lab.wait_until(lambda: outbound(lab, vm), 10, "the stream")
    drop = f"table=0,priority=300,in_port={vm.ofport},udp"
    lab.add_flows(f"{drop},actions=drop\n")
    lab.wait_until(lambda: any("actions:drop" in line for line in outbound(lab, vm)), 10, "drop")
    before = lab.nic_counters()["vm1"]
    lab.wait_until(lambda: lab.nic_counters()["vm1"]["hw_drop_packets"]
                   > before["hw_drop_packets"] + 100, 10, "100 packets dropped by the NIC")
    lab.ofctl("--strict", "del-flows", "br0", drop)
    lab.wait_until(lambda: not any("actions:drop" in line for line in outbound(lab, vm)), 10,
                   "no drop")
    result = stream.stop()
    tap.note(result)
    tap.check(result["lost_there"] >= 100, "lost on the way there", result)
    tap.equal(result["lost_back"], 0, "lost on the way back")


def offered_anew(lab, name):
    """Let a VM's flows idle out, then make new ones. Returns a function that lists them."""
    vm = lab.vm(name)
    lab.wait_until(lambda: not outbound(lab, vm) and not inbound(lab, vm), 20,
                   f"no flows of {name}")
    ping(lab, name)
    return lambda: (ping(lab, name), outbound(lab, vm))[1]


FAULTS = [
    # fault, the path it leads to, the words in ovs-vswitchd's log
    (("table-full", "on"), SOFTWARE, "rule table full"),
    (("max-rules", "1"), SOFTWARE, "rule table full"),
    (("refuse-match", "eth-src", "on"), SOFTWARE, "match on eth-src is not supported"),
    (("refuse-action", "push-vlan", "on"), SOFTWARE, "action push-vlan is not supported"),
    (("refuse-action", "port", "on"), SOFTWARE, "action port is not supported"),
    (("partial-only", "on"), PARTIAL, "forwarding rules are not supported"),
]


def every_fault_works(lab):
    "each fault strands a new flow as it should, is named in the log, and can be switched off"
    load = lab.start_load("vm1", rate=50, kind="tcp")  # for max-rules there has to be a rule
    wait_for_states(lab, lambda: outbound(lab, lab.vm("vm1")), HARDWARE, "vm1")
    log = f"{lab.env['OVS_LOGDIR']}/ovs-vswitchd.log"
    lab.appctl("vlog/set", "netdev_offload_dpdk:file:dbg")
    for fault, path, words in FAULTS:
        lab.fault(*fault)
        size = os.path.getsize(log)
        wait_for_states(lab, offered_anew(lab, "vm3"), path, f"vm3 under {' '.join(fault)}")
        with open(log, encoding="utf-8", errors="replace") as file:
            file.seek(size)
            lab.wait_until(lambda: f"flownic: {words}" in file.read(), 5, f"{words!r} in the log")
        tap.equal(lab.faults(), [",".join(fault)], "faults that are on")
        tap.equal(lab.fault("all", "off"), [], "faults after all off")
        wait_for_states(lab, offered_anew(lab, "vm3"), HARDWARE, f"vm3 after {' '.join(fault)}")
    lab.appctl("vlog/set", "netdev_offload_dpdk:file:info")
    load.stop()


def insertion_takes_its_time(lab):
    "latency-us delays every insertion"
    lab.fault("latency-us", "700000")
    flows = offered_anew(lab, "vm3")
    started = time.monotonic()
    tap.equal({state(line) for line in flows()}, {SOFTWARE}, "at first")
    wait_for_states(lab, flows, HARDWARE, "later")
    tap.check(time.monotonic() - started > 0.3, "that took a while")
    lab.fault("latency-us", "off")


def a_refused_flow_stays_in_software(lab):
    "a flow that was refused once is not offered again while it lives"
    lab.fault("table-full", "on")
    refused = lab.nic_counters()["vm3"]["refused"]
    load = lab.start_load("vm3", rate=200, kind="tcp")

    def software_packets():
        return lab.nic_counters()["vm3"]["sw_rx_packets"]

    def wait_for_packets(number):
        goal = software_packets() + number
        lab.wait_until(lambda: software_packets() > goal, 20, f"{number} packets in software")
    wait_for_packets(300)
    lab.wait_until(lambda: lab.nic_counters()["vm3"]["refused"] > refused, 10, "the refusal")
    lab.fault("table-full", "off")
    wait_for_packets(600)
    tap.equal({state(line) for line in flows_of(lab, "vm3", STORAGE_MACS[1])}, {SOFTWARE}, "state")
    load.stop()


def unknown_faults_are_refused(lab):
    "a fault, field or action that is not known is refused by name"
    for words, answer in (
        (("no-such", "on"), "no such fault"),
        (("refuse-match", "colour", "on"), "no such match field"),
        (("refuse-action", "fly", "on"), "no such action"),
        (("table-full", "perhaps"), "a fault is switched 'on' or 'off'"),
    ):
        try:
            lab.fault(*words)
        except LabError as error:
            tap.check(str(error).endswith(answer), f"it says {answer}", str(error))
        else:
            raise tap.Failure(f"{words} was taken")


def the_nic_agrees_with_ovs(lab):
    "the NIC's rules and their counters are those of the offloaded megaflows"
    load = lab.start_load("vm1", rate=300, kind="tcp")
    wait_for_states(lab, lambda: outbound(lab, lab.vm("vm1")), HARDWARE, "vm1")
    rules = [rule for rule in lab.nic_rules("vm1")
             if rule["match"]["eth-dst"] == STORAGE_MACS[1].replace(":", "")
             and rule["match"]["eth-type"] == "0800"]
    tap.equal(len(rules), 1, "rules of vm1 to that server")
    actions = [re.sub(r"port:\d+", "port:p0", word) for word in rules[0]["actions"]]
    tap.equal(actions, ["push-vlan", "set-vlan-pcp:0", "set-vlan-vid:100", "port:p0"], "actions")

    def differ_by():
        line = flows_of(lab, "vm1", STORAGE_MACS[1])[0]
        packets = int(re.search(r"packets:(\d+)", line).group(1))
        return packets, lab.nic_rules("vm1")[-1]["packets"]
    lab.wait_until(lambda: differ_by()[0] > 1000, 20, "1000 packets")
    seen, counted = differ_by()
    load.stop()
    tap.check(abs(seen - counted) < 0.5 * counted, "near enough: OVS lags", [seen, counted])


def vms_survive_a_restart(lab):
    "VMs keep interface and connections while ovs-vswitchd is restarted or killed"
    load = lab.start_load("vm1", conns=4, rate=100, kind="tcp")
    wait_for_states(lab, lambda: outbound(lab, lab.vm("vm1")), HARDWARE, "before")
    for number in (signal.SIGTERM, signal.SIGKILL):
        old = lab.vswitchd_pid()
        lab.kill_vswitchd(number)
        tap.equal(lab.vswitchd_pid(), None, "pid while it is down")
        lab.start_vswitchd()
        tap.check(lab.vswitchd_pid() not in (None, old), "a new pid")
        wait_for_states(lab, lambda: outbound(lab, lab.vm("vm1")), HARDWARE, "afterwards")
    result = load.stop()
    tap.note(result)
    tap.equal(result["reconnects"], 0, "connections that broke")


def host_without_offload(lab):
    "with hw-offload off, all flows are in software"
    lab.restart_vswitchd(hw_offload=False)
    for name in ("vm1", "vm3"):
        wait_for_states(lab, lambda n=name: (ping(lab, n), outbound(lab, lab.vm(n)))[1], SOFTWARE,
                        name)
    tap.equal({port["rules"] for port in lab.nic_counters().values()}, {0}, "rules in the NIC")
    lab.restart_vswitchd(hw_offload=True)
    wait_for_states(lab, lambda: (ping(lab, "vm1"), outbound(lab, lab.vm("vm1")))[1], HARDWARE,
                    "vm1 with hw-offload on")


def many_flows(lab):
    "thousands of megaflows are made and stay"
    made = lab.make_many_flows(5000, "vm4")
    tap.note(made)
    lab.wait_until(lambda: lab.nic_counters()["vm4"]["rules"] >= 5000, 30, "5000 rules")
    started = time.monotonic()
    tap.check(len(lab.nic_rules("vm4")) >= 5000, "all are listed")
    tap.note(f"listed in {time.monotonic() - started:.1f} s")
    time.sleep(2 * MAX_IDLE_MS / 1000)  # what is to be seen is that nothing happens
    tap.check(lab.flow_numbers()[0] >= 5000, "they stay")


def left_behind(directory, lab_id):
    """What there still is of a lab."""
    left = [f"process {pid}" for pid in processes.marked(lab_id)]
    left += [f"namespace {name}" for name in namespaces.of_lab(lab_id)]
    left += [path for path in (directory, runtime_dir(lab_id)) if os.path.exists(path)]
    return left


def two_labs_at_once(lab):
    "a second lab runs beside the first, and its end leaves nothing behind"
    with Lab(vms=1, stranded=[], public=False, nfs=False) as other:
        for each in (lab, other):
            tap.equal(ping(each, "vm1").returncode, 0, f"ping in {each.id}")
    tap.equal(left_behind(other.directory, other.id), [], "left behind")
    tap.equal(ping(lab, "vm1").returncode, 0, "ping in the first lab")


OWNER = """
import sys
sys.path.insert(0, sys.argv[1])
from lab import Lab
lab = Lab(sys.argv[2], vms=2, nfs=False)
print("begun", flush=True)
lab.up()
lab.start_load("vm1", kind="tcp")
print("up", flush=True)
sys.stdin.read()
"""


def two_nics(lab):
    "with two NICs, the second fails alone, and across them nothing is offloaded"
    with Lab(vms=4, stranded=[], nics=2, public=False, max_idle=MAX_IDLE_MS) as other:
        other.fault("table-full", "on", nic=1)
        loads = [other.start_load(vm.name, rate=50) for vm in other.vms]
        for vm in other.vms:
            wait_for_states(other, lambda v=vm: flows_of(other, v.port, f"),{v.uplink}, "),
                            SOFTWARE if vm.nic else HARDWARE, vm.name)
        for load in loads:
            load.stop()
        other.fault("all", "off", nic=1)
        wait_for_states(other, lambda: (ping(other, "vm1", STORAGE_SERVERS[1]),
                                        flows_of(other, "vm1", STORAGE_MACS[1]))[1], SOFTWARE,
                        "vm1 to the server behind the other NIC")


def killed_owner_leaves_nothing(lab):
    "a lab whose owner is killed (-9), at any time, leaves nothing behind"
    for delay in (0.05, 0.2, 0.4, 0.7, 1.0, None):
        directory = f"{lab.directory}-killed"
        owner = subprocess.Popen([sys.executable, "-B", "-c", OWNER, HERE, directory],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        owner.stdout.readline()
        if delay is None:
            tap.equal(owner.stdout.readline(), b"up\n", "the owner's word")
        else:
            time.sleep(delay)  # there is no event to wait for: any moment will do
        owner.kill()
        owner.wait()
        lab_id = Lab.id_of(directory)
        try:
            lab.wait_until(lambda: not left_behind(directory, lab_id), 15, "the watchdog")
        except LabError:
            raise tap.Failure("\n".join([f"left behind, killed after {delay} s:",
                                         *left_behind(directory, lab_id)])) from None
        owner.stdin.close()
        owner.stdout.close()


def command_line(lab):
    "lab up stays after its command, ends with --owner or lab down, and says what it is asked"
    directory = f"{lab.directory}-cli"
    lab_id = Lab.id_of(directory)

    def command(*words, check=True):
        return subprocess.run([f"{HERE}/lab", "--dir", directory, *words], capture_output=True,
                              text=True, check=check, stdin=subprocess.DEVNULL)
    options = ("--vms", "2", "--no-nfs", "--no-public", "--stranded", "1")
    out = command("up", *options).stdout
    tap.check("stranded: vm1 (ct)" in out and "TCP only, no NFS: switched off" in out, "status", out)
    tap.check(f"OVS_RUNDIR={directory}/ovs" in command("env").stdout, "env")
    tap.equal(command("exec", "vm2", "--", "ping", "-qc1", STORAGE_SERVERS[0]).returncode, 0, "ping")
    command("load", "vm2", "start", "--conns", "3")
    tap.check('"connections": 3' in command("load", "vm2", "stop").stdout, "load")
    tap.equal(command("fault", "table-full", "on").stdout, "table-full,on\n", "fault")
    again = command("up", *options, check=False)
    tap.equal(again.returncode, 1, "exit code of a second up")
    tap.check("a lab is up" in again.stderr, "what it says", again.stderr)
    command("down")
    tap.equal(left_behind(directory, lab_id), [], "left behind by lab down")
    command("down")
    owner = subprocess.Popen(["sleep", "600"])
    command("up", *options, "--owner", str(owner.pid))
    owner.kill()
    owner.wait()
    lab.wait_until(lambda: not left_behind(directory, lab_id), 15, "the watchdog")


def down_leaves_nothing(lab):
    "down leaves nothing behind, with traffic running"
    lab.start_load("vm1", kind="tcp")
    lab.start_stream("vm2")
    lab.down()
    tap.equal(left_behind(lab.directory, lab.id), [], "left behind")


if __name__ == "__main__":
    tap.run([
        stock_tools_work,
        interfaces_carry_identities,
        peers_are_in_hardware,
        stranded_vm_is_in_software,
        strand_and_unstrand,
        ct_mask_variant,
        other_traffic_has_its_own_pipeline,
        real_nfs,
        streams_lose_nothing,
        a_stream_counts_what_is_lost,
        every_fault_works,
        insertion_takes_its_time,
        a_refused_flow_stays_in_software,
        unknown_faults_are_refused,
        the_nic_agrees_with_ovs,
        vms_survive_a_restart,
        host_without_offload,
        two_labs_at_once,
        two_nics,
        killed_owner_leaves_nothing,
        command_line,
        many_flows,
        down_leaves_nothing,
    ], bench=Bench)
