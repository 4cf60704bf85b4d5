#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What the simulated NIC promises to the tests that stand on it. Prints TAP.

Usage: selftest.py      builds the module and runs itself in the kernel bench's guest
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/..", f"{HERE}/../../../integration"]

import tap  # noqa: E402
from frames import (  # noqa: E402
    QINQ, SERVER, TCP, VF0, VF1, Tap, checksums_hold, ethernet, ipv4, ipv6,
)

DEBUGFS = "/sys/kernel/debug/flownic"
DEVLINK = "platform/flownic.0"
MODULES = ["cls_flower", "sch_ingress", "act_mirred", "act_vlan", "act_gact", "act_pedit",
           "act_csum", "act_ct", "act_police", "8021q", "openvswitch"]
REPRESENTORS = ("rep0", "rep1", "uplink0")
# A large frame is so many packets, as on the wire: it takes more of them than a minute has.
STREAM_BYTES = 1 << 20


def run(*words, check=True, netns=None, stdin=None):
    if netns:
        words = ("nsenter", f"--net=/run/netns/{netns}", *words)
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin)
    if check:
        tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")
    return done


def batch(program, lines):
    run(program, "-batch", "-", stdin="\n".join(lines) + "\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        tap.check(time.monotonic() < deadline, f"{what}, within {seconds} s")
        time.sleep(0.01)


class Bench:
    """A NIC with two VFs, all in one namespace, without an IP stack on any of its netdevs."""

    module = None

    def __enter__(self):
        run("modprobe", "-a", *MODULES)
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        self.taps = {}
        self.load(n_vfs=2)
        self.dmesg_before = len(run("dmesg").stdout)
        return self

    def __exit__(self, *_):
        if os.path.isdir(DEBUGFS):
            self.unload()

    def load(self, **parameters):
        run("insmod", self.module, *(f"{key}={value}" for key, value in parameters.items()))
        names = [name for name in os.listdir("/sys/class/net") if name != "lo"]
        batch("ip", [f"link set {name} up" for name in names])
        batch("tc", [f"qdisc add dev {name} clsact" for name in REPRESENTORS])

    def unload(self):
        for each in self.taps.values():
            each.close()
        self.taps = {}
        run("rmmod", "flownic")

    def clear(self):
        """No rules, no faults, no frames that wait; counters stay as they are."""
        batch("tc", [f"qdisc {verb} dev {name} clsact"
                     for name in REPRESENTORS for verb in ("del", "add")])
        tap.equal(self.rules(), [], "rules that nobody has any more")
        self.fault("all off")
        for each in self.taps.values():
            each.drain()

    def tap(self, device):
        if device not in self.taps:
            self.taps[device] = Tap(device)
        return self.taps[device]

    def rule(self, device, text, prio=1, **kwargs):
        return run("tc", "filter", "add", "dev", device, "ingress", "prio", str(prio),
                   *text.split(), **kwargs)

    def tc_stats(self, device):
        """The counters of the last action of each filter."""
        shown = json.loads(run("tc", "-s", "-j", "filter", "show", "dev", device, "ingress").stdout)
        return [filter["options"]["actions"][-1]["stats"] for filter in shown
                if "actions" in filter.get("options", {})]

    @staticmethod
    def rules():
        return read(f"{DEBUGFS}/rules").splitlines()

    @staticmethod
    def counters(port):
        for line in read(f"{DEBUGFS}/counters").splitlines():
            name, *words = line.split()
            if name == port:
                return {key: int(value) for key, value in (word.split("=") for word in words)}
        return None

    @staticmethod
    def fault(words):
        with open(f"{DEBUGFS}/faults", "w", encoding="ascii") as file:
            file.write(words)


class Counted:
    """What rose between entering and leaving."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.before = Bench.counters(self.port)
        return self

    def __exit__(self, *_):
        after = Bench.counters(self.port)
        self.rose = {key: value - self.before[key] for key, value in after.items()
                     if value != self.before[key]}


def link_stats(device):
    link, = json.loads(run("ip", "-s", "-j", "link", "show", device).stdout)
    return link["stats64"]


def cpu_hit(device):
    done = run("ip", "-j", "stats", "show", "dev", device, "group", "offload",
               "subgroup", "cpu_hit", check=False)
    shown = json.loads(done.stdout or "[]")
    return shown[0].get("stats64") if shown else None


def traffic(stats):
    return {key: (stats[key]["packets"], stats[key]["bytes"]) for key in ("rx", "tx")}


def difference(after, before):
    return {key: tuple(a - b for a, b in zip(after[key], before[key])) for key in after}


# ---- What it looks like ----

def looks_like_a_nic(_):
    "identity: switch id, port names, devlink ports, driver and firmware"
    tap.equal(read("/sys/class/net/rep1/phys_port_name"), "pf0vf1\n", "name of rep1")
    tap.equal(read("/sys/class/net/uplink0/phys_port_name"), "p0\n", "name of uplink0")
    tap.equal(read("/sys/class/net/rep0/phys_switch_id"),
              read("/sys/class/net/uplink0/phys_switch_id"), "one switch")
    wait_until(lambda: read("/sys/class/net/vf0/operstate") == "up\n", "vf0 is up")
    driver = run("ethtool", "-i", "rep0").stdout
    tap.check(re.search(r"driver: flownic\n(.*\n)*firmware-version: 28\.39\.1002 ", driver),
              "driver and firmware", driver)
    tap.check("hw-tc-offload: on" in run("ethtool", "-k", "rep0").stdout, "hw-tc-offload is on")
    ports = json.loads(run("devlink", "-j", "port", "show").stdout)["port"]
    tap.equal([(port["netdev"], port["flavour"], port.get("vfnum"))
               for _, port in sorted(ports.items())],
              [("uplink0", "physical", None), ("rep0", "pcivf", 0), ("rep1", "pcivf", 1)],
              "devlink ports")


def modes_are_shown_and_set(bench):
    "devlink: eswitch, inline and encap mode; legacy has no switch id and takes no rules"
    def shown():
        return json.loads(run("devlink", "-j", "dev", "eswitch", "show", DEVLINK).stdout)["dev"]
    tap.equal(shown(), {DEVLINK: {"mode": "switchdev", "inline-mode": "none",
                                  "encap-mode": "basic"}}, "modes at first")
    run("devlink", "dev", "eswitch", "set", DEVLINK, "mode", "legacy", "inline-mode", "link",
        "encap-mode", "none")
    tap.equal(shown(), {DEVLINK: {"mode": "legacy", "inline-mode": "link", "encap-mode": "none"}},
              "modes then")
    refused = bench.rule("rep0", "protocol ip flower skip_sw action drop", check=False)
    tap.check("E-Switch is not in switchdev mode" in refused.stderr, "a rule is refused",
              refused.stderr)
    try:
        switch_id = read("/sys/class/net/rep0/phys_switch_id")
    except OSError:
        switch_id = None
    tap.equal(switch_id, None, "switch id in legacy mode")
    run("devlink", "dev", "eswitch", "set", DEVLINK, "mode", "switchdev", "inline-mode", "none",
        "encap-mode", "basic")


# ---- What a rule does ----

def forwards_in_hardware(bench):
    "a hit: on the wire as it was sent, counted by the rule, unseen by the representor and TC"
    bench.clear()
    bench.rule("rep0", f"protocol ip flower src_mac {VF0} dst_mac {SERVER} ip_proto udp"
               " src_ip 10.0.0.1 dst_ip 10.0.0.0/24 dst_port 2049 ip_flags nofrag"
               " action mirred egress redirect dev uplink0")
    vf, wire, rep = bench.tap("vf0"), bench.tap("wire0"), bench.tap("rep0")
    software = traffic(cpu_hit("rep0"))
    with Counted("rep0") as port, Counted("uplink0") as uplink:
        vf.send(ipv4(), 50)
    tap.equal(wire.drain(), [ipv4()] * 50, "frames on the wire")
    tap.equal(rep.drain(), [], "frames at the representor")
    size = 50 * len(ipv4())
    tap.equal(port.rose, {"hw_rx_packets": 50, "hw_rx_bytes": size}, "counters of rep0")
    tap.equal(uplink.rose, {"hw_tx_packets": 50, "hw_tx_bytes": size}, "counters of uplink0")
    stats, = bench.tc_stats("rep0")
    tap.equal((stats["packets"], stats["hw_packets"], stats["hw_bytes"], stats["sw_packets"]),
              (50, 50, size, 0), "TC: packets, hardware packets and bytes, software packets")
    tap.equal(traffic(cpu_hit("rep0")), software, "what software saw")
    tap.check(re.fullmatch(
        rf"id \d+ port rep0 chain 0 prio 1 cookie [0-9a-f]+ match eth-dst={SERVER},eth-src={VF0},"
        rf"eth-type=0x0800,vlan-tpid=0x0000,ip-proto=17,frag=0/1,ipv4-src=10.0.0.1,"
        rf"ipv4-dst=10.0.0.0/255.255.255.0,udp-dst=2049"
        rf" actions port:uplink0 packets 50 bytes {size}",
        bench.rules()[0]), "the rule as it is shown", bench.rules())


def counts_what_misses(bench):
    "a miss: the representor gets the frame as it was sent, and can send to the VF"
    bench.clear()
    bench.rule("rep0", "protocol ip flower ip_proto udp dst_port 1"
               " action mirred egress redirect dev uplink0")
    vf, wire, rep = bench.tap("vf0"), bench.tap("wire0"), bench.tap("rep0")
    frames = [ipv4(), ipv4(vlans=[7]), ipv6(), ethernet(0x88B5, b"anything"),
              ipv4(proto=TCP, dport=1), ipv4(frag=5, data=b"y" * 64)]
    with Counted("rep0") as port:
        for frame in frames:
            vf.send(frame)
    tap.equal(rep.drain(), frames, "frames at the representor")
    tap.equal(wire.drain(), [], "frames on the wire")
    tap.equal(port.rose, {"miss_packets": len(frames), "miss_bytes": sum(map(len, frames))},
              "counters of rep0")
    with Counted("rep0") as port:
        rep.send(ipv4(vlans=[9]))
    tap.equal(vf.drain(), [ipv4(vlans=[9])], "frames at the VF")
    tap.equal(port.rose, {"sw_tx_packets": 1, "sw_tx_bytes": len(ipv4(vlans=[9]))},
              "counters of rep0")


def tells_tagged_from_untagged(bench):
    "VLAN: 'protocol ip' takes no tagged frame, one tag is not two, priorities and ids count"
    bench.clear()
    vf, rep, wire = bench.tap("vf0"), bench.tap("rep0"), bench.tap("wire0")
    bench.rule("rep0", "protocol ip flower action mirred egress redirect dev uplink0")
    bench.rule("rep0", "protocol 802.1Q flower vlan_id 100 vlan_prio 3 vlan_ethtype ip"
               " action mirred egress redirect dev uplink0", prio=2)
    bench.rule("rep0", "protocol 802.1ad flower vlan_id 5 vlan_ethtype 802.1Q cvlan_id 6"
               " cvlan_ethtype ip action mirred egress redirect dev uplink0", prio=3)
    hits = [ipv4(), ipv4(vlans=[100 | 3 << 13]), ipv4(vlans=[(QINQ, 5), 6])]
    misses = [ipv4(vlans=[100]), ipv4(vlans=[101 | 3 << 13]), ipv6(vlans=[100 | 3 << 13]),
              ipv4(vlans=[100 | 3 << 13, 6]), ipv4(vlans=[(QINQ, 5), 7]), ipv4(vlans=[5, 6])]
    for frame in hits + misses:
        vf.send(frame)
    tap.equal(wire.drain(), hits, "frames on the wire")
    tap.equal(rep.drain(), misses, "frames at the representor")


def pushes_pops_and_sets_tags(bench):
    "VLAN: push on the way out, pop on the way in, both at once, and a new id"
    bench.clear()
    vf, wire = bench.tap("vf0"), bench.tap("wire0")
    bench.rule("rep0", "protocol ip flower action vlan push id 100 priority 2 pipe"
               " action mirred egress redirect dev uplink0")
    bench.rule("rep0", "protocol 802.1Q flower vlan_id 7 action vlan modify id 8 pipe"
               " action mirred egress redirect dev uplink0", prio=2)
    bench.rule("rep0", "protocol 802.1Q flower vlan_id 20 action vlan push id 21"
               " protocol 802.1ad pipe action mirred egress redirect dev uplink0", prio=3)
    bench.rule("uplink0", "protocol 802.1Q flower vlan_id 100 action vlan pop pipe"
               " action mirred egress redirect dev rep0")
    with Counted("uplink0") as uplink:
        vf.send(ipv4())
        vf.send(ipv4(vlans=[7]))
        vf.send(ipv4(vlans=[20]))
    sent = [ipv4(vlans=[100 | 2 << 13]), ipv4(vlans=[8]), ipv4(vlans=[(QINQ, 21), 20])]
    tap.equal(wire.drain(), sent, "frames on the wire")
    tap.equal(uplink.rose, {"hw_tx_packets": 3, "hw_tx_bytes": sum(map(len, sent))},
              "counters of uplink0")
    wire.send(ipv4(vlans=[100 | 2 << 13]))
    wire.send(ipv4(vlans=[100, 50]))
    tap.equal(vf.drain(), [ipv4(), ipv4(vlans=[50])], "frames at the VF")


def matches_layers(bench):
    "matches: IPv6, TCP ports and flags, masks, TOS, fragments; the lower priority number wins"
    bench.clear()
    vf, rep, wire = bench.tap("vf0"), bench.tap("rep0"), bench.tap("wire0")
    output = " action mirred egress redirect dev uplink0"
    for prio, text in enumerate([
        "protocol ipv6 flower ip_proto tcp src_ip fd00::/64 dst_port 2049",
        "protocol ip flower ip_proto tcp dst_port 80 tcp_flags 0x2/0x12",
        "protocol ip flower ip_proto udp src_port 5 ip_tos 0x20/0xfc",
        "protocol ip flower ip_proto udp ip_flags frag/nofirstfrag",
    ], 1):
        bench.rule("rep0", text + output, prio=prio)
    bench.rule("rep0", "protocol ip flower dst_ip 10.9.0.0/16 action drop", prio=9)
    bench.rule("rep0", "protocol ip flower dst_ip 10.9.9.0/24" + output, prio=8)
    hits = [ipv6(proto=TCP), ipv4(proto=TCP, dport=80, flags=2), ipv4(sport=5, tos=0x21),
            ipv4(frag=9, data=b"y" * 64), ipv4(dst="10.9.9.1")]
    misses = [ipv6(), ipv6(proto=TCP, src="fd01::1"), ipv4(proto=TCP, dport=80, flags=0x12),
              ipv4(sport=5, tos=0x40), ipv4(frag=0x2000)]
    with Counted("rep0") as port:
        for frame in [*hits, *misses, ipv4(dst="10.9.1.1")]:
            vf.send(frame)
    tap.equal(wire.drain(), hits, "frames on the wire")
    tap.equal(rep.drain(), misses, "frames at the representor")
    tap.equal(port.rose.get("hw_drop_packets"), 1, "frames dropped")


def rewrites(bench):
    "rewrite: addresses, TTL and ports of IPv4 and IPv6, with checksums that hold"
    bench.clear()
    vf, wire = bench.tap("vf0"), bench.tap("wire0")
    output = " action mirred egress redirect dev uplink0"
    bench.rule("rep0", "protocol ip flower ip_proto tcp action pedit ex"
               f" munge eth dst set {VF1} munge eth src set {SERVER} munge ip dst set 10.1.2.3"
               " munge ip src set 10.4.5.6 munge ip ttl set 9 munge tcp dport set 99"
               " munge tcp sport set 98 pipe action csum ip4h and tcp pipe" + output)
    bench.rule("rep0", "protocol ip flower ip_proto udp action pedit ex munge ip dst set 10.1.2.3"
               " munge udp dport set 99 pipe action csum ip4h and udp pipe" + output, prio=2)
    bench.rule("rep0", "protocol ipv6 flower ip_proto udp action pedit ex"
               " munge ip6 dst set fd00::77 munge ip6 hoplimit set 64 pipe action csum udp pipe"
               + output, prio=3)
    for frame in (ipv4(proto=TCP), ipv4(), ipv6()):
        vf.send(frame)
    seen = wire.drain()
    tap.equal(seen, [
        ipv4(src="10.4.5.6", dst="10.1.2.3", proto=TCP, sport=98, dport=99, ttl=9,
             src_mac=SERVER, dst_mac=VF1),
        ipv4(dst="10.1.2.3", dport=99),
        ipv6(dst="fd00::77"),
    ], "frames on the wire")
    tap.check(all(map(checksums_hold, seen)), "checksums hold")


def mirrors(bench):
    "mirror: two outputs, each with what was done before it; three are refused"
    bench.clear()
    vf, other, wire = bench.tap("vf0"), bench.tap("vf1"), bench.tap("wire0")
    bench.rule("rep0", "protocol ip flower action mirred egress mirror dev rep1 pipe"
               " action vlan push id 100 pipe action mirred egress redirect dev uplink0")
    vf.send(ipv4())
    tap.equal(other.drain(), [ipv4()], "frames at the other VF")
    tap.equal(wire.drain(), [ipv4(vlans=[100])], "frames on the wire")
    refused = bench.rule("rep0", "protocol ipv6 flower skip_sw action mirred egress mirror dev rep1"
                         " pipe action mirred egress mirror dev rep0 pipe"
                         " action mirred egress redirect dev uplink0", prio=2, check=False)
    tap.check("can't support more output ports" in refused.stderr, "refused", refused.stderr)


def follows_chains(bench):
    "chains: what was rewritten is matched, each rule counts; a miss behind is a miss of all"
    bench.clear()
    vf, rep, wire = bench.tap("vf0"), bench.tap("rep0"), bench.tap("wire0")
    bench.rule("rep0", "protocol 802.1Q flower vlan_id 9 action vlan pop pipe"
               " action goto chain 3")
    bench.rule("rep0", "chain 3 protocol ip flower ip_proto udp dst_port 2049"
               " action vlan push id 100 pipe action mirred egress redirect dev uplink0")
    vf.send(ipv4(vlans=[9]), 3)
    vf.send(ipv4(vlans=[9], dport=1))
    tap.equal(wire.drain(), [ipv4(vlans=[100])] * 3, "frames on the wire")
    tap.equal(rep.drain(), [ipv4(vlans=[9], dport=1)], "frames at the representor")
    tap.equal([re.search(r"chain (\d+) .* packets (\d+)", line).groups()
               for line in bench.rules()], [("0", "3"), ("3", "3")], "chain and hits of each rule")
    refused = bench.rule("rep0", "chain 4 protocol ip flower skip_sw action goto chain 2",
                         check=False)
    tap.check("Goto lower numbered chain isn't supported" in refused.stderr, "back is refused",
              refused.stderr)


def traps(bench):
    "trap: the frame is software's, and the rule counts it"
    bench.clear()
    vf, rep = bench.tap("vf0"), bench.tap("rep0")
    bench.rule("rep0", "protocol ip flower skip_sw action trap")
    with Counted("rep0") as port:
        vf.send(ipv4())
    tap.equal(rep.drain(), [ipv4()], "frames at the representor")
    tap.equal((port.rose["trap_packets"], port.rose["miss_packets"]), (1, 1), "counted as")
    tap.check("packets 1 " in bench.rules()[0], "the rule counts", bench.rules())


# ---- What it refuses ----

REFUSALS = [
    ("protocol ip flower ip_ttl 64 action drop", "Matching on TTL is not supported"),
    ("protocol ip flower ip_proto icmp type 8 action drop", "Matching on ICMP type"),
    ("protocol arp flower arp_tip 10.0.0.1 action drop", "Matching on ARP is not supported"),
    ("protocol ip flower enc_key_id 5 action drop", "Unsupported key"),
    ("protocol ip flower ip_proto udp dst_port 10-20 action drop", "Unsupported key"),
    ("protocol ip flower action mirred egress redirect dev lo",
     "devices are not on same switch HW, can't offload forwarding"),
    ("protocol ip flower action mirred egress redirect dev vf1",
     "devices are not on same switch HW, can't offload forwarding"),
    ("protocol ip flower action mirred ingress redirect dev rep1",
     "Not implemented offload action"),
    ("protocol ip flower action police rate 1mbit burst 10k conform-exceed drop/pipe"
     " action mirred egress redirect dev rep1", "Not implemented offload action"),
    ("protocol ip flower action skbedit priority 3 pipe action mirred egress redirect dev rep1",
     "Not implemented offload action"),
    ("protocol ip flower action vlan push id 3", "must have at least one forward/drop action"),
    ("protocol ip flower action pedit ex munge ip ihl set 6 pipe"
     " action mirred egress redirect dev rep1", "attempt to offload an unsupported field"),
]


def refuses_with_a_reason(bench):
    "refusals: each has its text, in the extack and in the kernel's log, and is counted"
    bench.clear()
    with Counted("rep0") as port:
        for text, reason in REFUSALS:
            done = bench.rule("rep0", text.replace("flower", "flower skip_sw"), check=False)
            tap.check(done.returncode and reason in done.stderr, f"{text}: {reason}", done.stderr)
    tap.equal(port.rose, {"refused": len(REFUSALS)}, "counters of rep0")
    tap.equal(bench.rules(), [], "rules")
    bench.rule("rep0", "protocol ip flower ip_ttl 64 action drop")
    shown = run("tc", "filter", "show", "dev", "rep0", "ingress").stdout
    tap.check("not_in_hw" in shown, "without skip_sw it stays in software", shown)
    tap.check("rep0: refused, chain 0 prio 1 cookie" in run("dmesg").stdout, "the log tells")


def await_log(words, again):
    """The kernel writes no more than ten of these lines in five seconds."""
    for _ in range(40):
        if words in run("dmesg").stdout:
            return
        time.sleep(0.25)
        again()
    raise tap.Failure(f"not so: the log tells '{words}'")


def faults_refuse(bench):
    "faults: a field, an action, a full table, fewer rules; read back as they were set"
    bench.clear()
    drop = "protocol ip flower skip_sw ip_proto tcp dst_port {} action drop"
    forward = ("protocol ip flower skip_sw ip_proto udp dst_port {} action vlan push id 3 pipe"
               " action mirred egress redirect dev uplink0")
    bench.fault("refuse-match tcp-dst on")
    bench.fault("refuse-action push-vlan on\n")
    bench.fault("max-rules 3")
    shown = read(f"{DEBUGFS}/faults").splitlines()
    tap.check({"refuse-match tcp-dst on", "refuse-match ttl on", "refuse-action push-vlan on",
               "max-rules 3", "table-full off"} <= set(shown), "faults as read", shown)
    done = bench.rule("rep0", drop.format(1), check=False)
    tap.check("Matching on tcp-dst is not supported" in done.stderr, "field", done.stderr)
    done = bench.rule("rep0", forward.format(1), check=False)
    tap.check("action push-vlan is not supported" in done.stderr, "action", done.stderr)
    bench.fault("refuse-match tcp-dst off")
    bench.fault("refuse-action push-vlan off")
    for port in (1, 2, 3):
        bench.rule("rep0", drop.format(port))
    done = bench.rule("rep0", drop.format(4), check=False)
    tap.check("Rule table is full" in done.stderr, "the fourth rule", done.stderr)
    await_log("Rule table is full (-28)", lambda: bench.rule("rep0", drop.format(4), check=False))
    bench.fault("max-rules 4")
    bench.rule("rep0", drop.format(4))
    bench.fault("all off")
    bench.fault("table-full on")
    done = bench.rule("rep0", drop.format(5), check=False)
    tap.check("Rule table is full" in done.stderr, "a full table", done.stderr)
    for wrong in ("refuse-match nonsense on", "punt rep0", "max-rules many", ""):
        try:
            bench.fault(wrong or " ")
        except OSError:
            continue
        tap.check(False, f"'{wrong}' is refused")


# ---- Its counters ----

def punts(bench):
    "punt: every tenth packet of a rule goes through software, and is counted so"
    bench.clear()
    vf, rep, wire = bench.tap("vf0"), bench.tap("rep0"), bench.tap("wire0")
    bench.rule("rep0", "protocol ip flower action mirred egress redirect dev uplink0")
    bench.fault("punt rep0 10")
    software = traffic(cpu_hit("rep0"))
    with Counted("rep0") as port, Counted("uplink0") as uplink:
        vf.send(ipv4(), 200)
    tap.equal(len(wire.drain()), 200, "frames on the wire")
    tap.equal(len(rep.drain()), 20, "frames at the representor")
    tap.equal((port.rose["hw_rx_packets"], port.rose["miss_packets"], port.rose["punt_packets"]),
              (180, 20, 20), "hardware, software, punted")
    tap.equal((uplink.rose["hw_tx_packets"], uplink.rose["sw_tx_packets"]), (180, 20),
              "sent out of the uplink by hardware, by software")
    stats, = bench.tc_stats("rep0")
    tap.equal((stats["hw_packets"], stats["sw_packets"]), (180, 20), "TC: hardware, software")
    tap.equal(difference(traffic(cpu_hit("rep0")), software)["rx"], (20, 20 * len(ipv4())),
              "what software saw")


def link_and_software_counters(bench):
    "counters: a representor's link is what the VF sent and got, CPU_HIT what software saw of it"
    bench.clear()
    vf, rep, wire = bench.tap("vf0"), bench.tap("rep0"), bench.tap("wire0")
    bench.rule("rep0", "protocol ip flower action mirred egress redirect dev uplink0")
    bench.rule("uplink0", "protocol ip flower action mirred egress redirect dev rep0")
    links = {name: traffic(link_stats(name)) for name in ("rep0", "vf0", "uplink0")}
    software = {name: traffic(cpu_hit(name)) for name in ("rep0", "uplink0")}
    vf.send(ipv4(), 30)  # out, in hardware
    wire.send(ipv4(), 20)  # in, in hardware
    vf.send(ipv6(), 7)  # to software
    rep.send(ipv6(), 5)  # from software
    out, into = (37, 30 * len(ipv4()) + 7 * len(ipv6())), (25, 20 * len(ipv4()) + 5 * len(ipv6()))
    rose = {name: difference(traffic(link_stats(name)), links[name]) for name in links}
    seen = {name: difference(traffic(cpu_hit(name)), software[name]) for name in software}
    tap.equal(rose, {"rep0": {"rx": out, "tx": into}, "vf0": {"rx": into, "tx": out},
                     "uplink0": {"rx": (20, 20 * len(ipv4())), "tx": (30, 30 * len(ipv4()))}},
              "links")
    tap.equal(seen, {"rep0": {"rx": (7, 7 * len(ipv6())), "tx": (5, 5 * len(ipv6()))},
                     "uplink0": {"rx": (0, 0), "tx": (0, 0)}}, "CPU_HIT")
    bench.fault("no-cpu-hit on")
    tap.equal(cpu_hit("rep0"), None, "CPU_HIT of a driver that has none")


def counters_grow_old(bench):
    "stats-delay: TC is told what was sampled, and nothing is lost"
    bench.clear()
    vf = bench.tap("vf0")
    bench.rule("rep0", "protocol ip flower action mirred egress redirect dev uplink0")
    vf.send(ipv4(), 5)
    tap.equal(bench.tc_stats("rep0")[0]["hw_packets"], 5, "at first")
    bench.fault("stats-delay 3600000")
    vf.send(ipv4(), 6)
    tap.equal(bench.tc_stats("rep0")[0]["hw_packets"], 5, "before the next sample")
    bench.fault("stats-delay 0")
    tap.equal(bench.tc_stats("rep0")[0]["hw_packets"], 11, "fresh again")


def shares_blocks(bench):
    "shared block: a filter is in hardware once for each port, and leaves with each"
    bench.clear()
    batch("tc", ["qdisc del dev rep0 clsact", "qdisc del dev rep1 clsact",
                 "qdisc add dev rep0 ingress_block 22 ingress",
                 "qdisc add dev rep1 ingress_block 22 ingress"])
    run("tc", "filter", "add", "block", "22", "protocol", "ip", "flower",
        "action", "mirred", "egress", "redirect", "dev", "uplink0")
    bench.tap("vf0").send(ipv4(), 3)
    bench.tap("vf1").send(ipv4(), 4)
    shown = run("tc", "-s", "filter", "show", "block", "22").stdout
    tap.check("in_hw_count 2" in shown and " 7 pkt" in shown, "twice in hardware, 7 packets", shown)
    tap.equal(len(bench.rules()), 2, "rules")
    run("tc", "qdisc", "del", "dev", "rep1", "ingress")
    shown = run("tc", "-s", "filter", "show", "block", "22").stdout
    tap.check("in_hw_count 1" in shown, "once in hardware", shown)
    batch("tc", ["qdisc del dev rep0 ingress", "qdisc add dev rep0 clsact",
                 "qdisc add dev rep1 clsact"])
    tap.equal(bench.rules(), [], "rules at the end")


def serves_with_offload_off(bench):
    "hw-tc-offload off: no new rule, but counters and removal of those that are there"
    bench.clear()
    vf = bench.tap("vf0")
    bench.rule("rep0", "protocol ip flower action mirred egress redirect dev uplink0")
    run("ethtool", "-K", "rep0", "hw-tc-offload", "off")
    vf.send(ipv4(), 4)
    tap.equal(bench.tc_stats("rep0")[0]["hw_packets"], 4, "packets in hardware")
    refused = bench.rule("rep0", "protocol ipv6 flower skip_sw action drop", prio=2, check=False)
    tap.check("TC offload is disabled" in refused.stderr, "a new rule", refused.stderr)
    run("tc", "filter", "del", "dev", "rep0", "ingress")
    tap.equal(bench.rules(), [], "rules")
    run("ethtool", "-K", "rep0", "hw-tc-offload", "on")


def holds_many_rules(bench):
    "many rules: 2,000 in one table, each with hits of its own, in a time that does not grow"
    bench.clear()
    batch("tc", [f"filter add dev rep0 ingress prio 1 protocol ip flower skip_sw ip_proto udp"
                 f" dst_port {port} action mirred egress redirect dev uplink0"
                 for port in range(1, 2001)])
    for port in (1, 1000, 2000):
        bench.tap("vf0").send(ipv4(dport=port), port // 500 + 1)
    bench.tap("vf0").send(ipv4(dport=2001))
    tap.equal(len(bench.tap("wire0").drain()), 9, "frames on the wire")
    tap.equal([re.search(r"udp-dst=(\d+) .* packets (\d+)", line).groups()
               for line in bench.rules() if " packets 0 " not in line],
              [("1", "1"), ("1000", "3"), ("2000", "5")], "rules with hits")


# ---- Real stacks, and its end ----

def in_namespaces(bench):
    """vf0 and wire0 with an address in VLAN 100, in namespaces of their own."""
    for each in bench.taps.values():
        each.close()
    bench.taps = {}
    lines = []
    for name, device, address in (("vm", "vf0", "10.0.0.1"), ("storage", "wire0", "10.0.0.2")):
        run("ip", "netns", "add", name)
        run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
            "net.ipv6.conf.default.disable_ipv6=1", netns=name)
        lines += [f"link set {device} netns {name}"]
    batch("ip", lines)
    for name, device, address in (("vm", "vf0", "10.0.0.1"), ("storage", "wire0", "10.0.0.2")):
        run("ip", "-n", name, "-batch", "-", stdin=(
            f"link set lo up\nlink set {device} up\n"
            f"link add link {device} name v100 type vlan id 100\n"
            f"link set v100 up\naddr add {address}/24 dev v100\n"))


SERVER_CODE = """
import hashlib, socket
server = socket.create_server(("10.0.0.2", 2049))
print("ready", flush=True)
client, _ = server.accept()
seen = hashlib.sha256()
while data := client.recv(65536):
    seen.update(data)
client.sendall(seen.digest())
"""
CLIENT_CODE = """
import hashlib, socket, sys, time
block = bytes(range(256))
data = block * (int(sys.argv[1]) // 256)
client = socket.create_connection(("10.0.0.2", 2049), timeout=20)
# Hardware learns of a connection in its own time: what is sent all at once would go by.
while len(sys.argv) > 2 and len(open(sys.argv[2]).readlines()) < 2:
    client.sendall(block)
    data += block
    time.sleep(0.01)
if len(sys.argv) > 2:
    print(open(sys.argv[2]).read())
client.sendall(block * (int(sys.argv[1]) // 256))
client.shutdown(socket.SHUT_WR)
sys.exit(client.recv(32) != hashlib.sha256(data).digest())
"""


def stream(*words):
    """A TCP stream from the VM to the storage, that arrives as it was sent; the client's words."""
    server = subprocess.Popen(
        ["nsenter", "--net=/run/netns/storage", sys.executable, "-c", SERVER_CODE],
        stdout=subprocess.PIPE, text=True)
    tap.equal(server.stdout.readline(), "ready\n", "server")
    client = run(sys.executable, "-c", CLIENT_CODE, str(STREAM_BYTES), *words, netns="vm")
    server.wait(timeout=20)
    server.stdout.close()
    return client.stdout


def forward_vlan(bench):
    for device, other in (("rep0", "uplink0"), ("uplink0", "rep0")):
        for prio, kind in ((1, "ip"), (2, "arp")):
            bench.rule(device, f"protocol 802.1Q flower skip_sw vlan_id 100 vlan_ethtype {kind}"
                       f" action mirred egress redirect dev {other}", prio=prio)


def carries_tcp(bench):
    "TCP between namespaces: large frames and checksum offload, all in hardware"
    bench.clear()
    in_namespaces(bench)
    forward_vlan(bench)
    with Counted("rep0") as port, Counted("uplink0") as uplink:
        stream()
    tap.check(not any(key.startswith(("miss", "sw_tx", "lost", "punt")) for key in port.rose),
              "nothing in software", port.rose)
    tap.equal((port.rose["hw_rx_packets"], port.rose["hw_rx_bytes"]),
              (uplink.rose["hw_tx_packets"], uplink.rose["hw_tx_bytes"]), "in and out")
    least = STREAM_BYTES // 1448
    tap.check(port.rose["hw_rx_packets"] >= least and
              port.rose["hw_rx_bytes"] >= STREAM_BYTES + least * 70,
              "counted in packets as on the wire", port.rose)


def tracks_connections(bench):
    "ct: a zone's established TCP is forwarded in hardware, its begin and end are software's"
    bench.clear()
    for device, other in (("rep0", "uplink0"), ("uplink0", "rep0")):
        tagged = "protocol 802.1Q flower vlan_id 100 vlan_ethtype"
        output = f"action mirred egress redirect dev {other}"
        bench.rule(device, f"{tagged} arp {output}")
        bench.rule(device, f"{tagged} ip ct_state -trk action ct zone 5 pipe action goto chain 1",
                   prio=2)
        bench.rule(device, f"chain 1 {tagged} ip ct_state +trk+est {output}")
        bench.rule(device, f"chain 1 {tagged} ip ct_state +trk+new action ct commit zone 5 pipe"
                   f" {output}", prio=2)
    tap.equal(len(bench.rules()), 6, "rules")
    with Counted("rep0") as port:
        connections = stream(f"{DEBUGFS}/connections")
    tap.check(re.search(r"zone 5 proto 6 10\.0\.0\.1:\d+ > 10\.0\.0\.2:2049 original\n",
                        connections), "the connection is in hardware", connections)
    # The connection gets there a moment after it is established.
    tap.check(port.rose["hw_rx_packets"] >= 0.9 * (STREAM_BYTES // 1448), "the stream is, too",
              port.rose)
    tap.check(2 < port.rose["miss_packets"] < 200, "begin and end are not", port.rose)
    for text, reason in (
        ("ct_state +trk+new action drop", "matching on ct_state +new"),
        ("action ct commit zone 5 pipe action goto chain 1", "ct commit is not supported"),
        ("action ct commit zone 5 nat src addr 10.0.0.9 pipe action goto chain 1",
         "ct nat is not supported"),
    ):
        done = bench.rule("rep0", f"protocol ip flower skip_sw {text}", prio=9, check=False)
        tap.check(reason in done.stderr, f"{text}: {reason}", done.stderr)
    bench.clear()
    tap.equal(read(f"{DEBUGFS}/connections"), "", "connections without a rule")


def unloads_under_load(bench):
    "rmmod: with rules, under load, in namespaces, on an OVS datapath"
    bench.clear()
    forward_vlan(bench)
    run("ovs-dpctl", "add-dp", "flownic-test")
    run("ovs-dpctl", "add-if", "flownic-test", "rep0")
    load = subprocess.Popen(
        ["nsenter", "--net=/run/netns/vm", "ping", "-f", "-q", "-w", "20", "10.0.0.2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = bench.counters("rep0")
    while bench.counters("rep0")["hw_rx_packets"] < before["hw_rx_packets"] + 100:
        tap.check(load.poll() is None, "the load runs")
    run("rmmod", "flownic")
    load.terminate()
    load.wait(timeout=10)
    run("ovs-dpctl", "del-dp", "flownic-test")
    tap.check(not os.path.exists("/sys/class/net/rep0"), "the netdevs are gone")
    tap.check(not os.path.exists(DEBUGFS), "debugfs is gone")
    batch("ip", ["netns del vm", "netns del storage"])


def has_two_nics(bench):
    "two NICs: names go on, switch ids differ, no forwarding from one to the other"
    bench.load(n_vfs=2, n_nics=2)
    tap.equal(read("/sys/class/net/rep3/phys_port_name"), "pf1vf1\n", "name of rep3")
    tap.equal(read("/sys/class/net/uplink1/phys_port_name"), "p1\n", "name of uplink1")
    tap.check(read("/sys/class/net/rep0/phys_switch_id") !=
              read("/sys/class/net/rep3/phys_switch_id"), "two switches")
    refused = bench.rule("rep0", "protocol ip flower skip_sw"
                         " action mirred egress redirect dev rep3", check=False)
    tap.check("devices are not on same switch HW" in refused.stderr, "refused", refused.stderr)
    bench.unload()


def has_256_vfs(bench):
    "256 VFs load and unload"
    run("insmod", bench.module, "n_vfs=256")
    tap.equal(read("/sys/class/net/rep255/phys_port_name"), "pf0vf255\n", "name of rep255")
    run("rmmod", "flownic")
    refused = run("insmod", bench.module, "n_vfs=257", check=False)
    tap.check(refused.returncode, "257 are refused")


def leaves_no_complaint(bench):
    "the kernel complains of nothing"
    log = run("dmesg").stdout[bench.dmesg_before:]
    found = [line for line in log.splitlines()
             if re.search(r"WARNING|BUG|Oops|Call Trace|refcount|leak|unregister_netdevice", line)]
    tap.equal(found, [], "complaints in the kernel's log")


TESTS = [
    looks_like_a_nic, modes_are_shown_and_set, forwards_in_hardware, counts_what_misses,
    tells_tagged_from_untagged, pushes_pops_and_sets_tags, matches_layers, rewrites, mirrors,
    follows_chains, traps, refuses_with_a_reason, faults_refuse, punts,
    link_and_software_counters, counters_grow_old, shares_blocks, serves_with_offload_off,
    holds_many_rules, carries_tcp, tracks_connections, unloads_under_load, has_two_nics,
    has_256_vfs, leaves_no_complaint,
]


def on_the_host():
    import guest
    with tempfile.TemporaryDirectory(prefix="flownic.") as folder:
        built = subprocess.run([f"{HERE}/build", folder], stdout=subprocess.PIPE, text=True,
                               check=False)
        if built.returncode:
            print("Bail out! the module does not build")
            return 1
        try:
            return guest.run(os.path.abspath(__file__), [built.stdout.strip()], timeout=900)
        except guest.GuestUnavailable as error:
            print(f"1..0 # SKIP {error}")
            return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(on_the_host())
    Bench.module = sys.argv[1]
    tap.run(TESTS, bench=Bench)
