#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""lib/datapath/ and lib/conntrack/ beside Open vSwitch's own tools, on a real kernel. Prints TAP.

Runs itself in the kernel guest (tests/bench/kernel). The revalidators are paused, so that flows
stay that no traffic and no OpenFlow rule made.
"""

import os
import re
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{ROOT}/tests/integration", f"{ROOT}/tests/bench/kernel"]

import random_flows  # noqa: E402
import tap  # noqa: E402

BUILD = os.environ.get("FLOWLIFT_BUILD", f"{ROOT}/build")
EDGES = f"{BUILD}/tests/datapath_edges"
RUNDIR = "/run/openvswitch"
N_PORTS = 8
N_FLOWS = int(os.environ.get("FLOWLIFT_TEST_FLOWS", "600"))
# OVS takes the kernel's first seconds for "never" and counts no CPU then.
EARLIEST_UPTIME = 10.5


def run(*words, check=True, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr or done.stdout}")
    return done


def uptime():
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def split_top(text):
    """At commas outside of brackets."""
    words, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            words.append(text[start:at].strip())
            start = at + 1
    return [*words, text[start:].strip()]


def normal_match(text):
    """The attributes of a match, whatever their order, without what means the same as nothing.

    The kernel's own order differs from that of libopenvswitch; it has no packet_type, but TCP flags
    even where none is matched; of a tunnel it tells no field that has to be zero; and it tells
    attributes that OVS 3.1 does not know though nothing of them is matched (key32: IPv6
    extension headers).
    """
    text = re.sub(r",?packet_type\(ns=0/0,id=0/0\)", "", text)
    text = re.sub(r",?key\d+\([0-9a-f ]+/[0 ]+\)", "", text)
    text = re.sub(r",?tcp_flags\(0/0\)", "", text)
    text = re.sub(r"(arp\([^)]*op=\d+)/0xff", r"\1", text)
    text = re.sub(r"(tunnel\([^()]*?),tos=0(?=[,)])", r"\1", text)
    return sorted(word for word in split_top(text) if word)


def sends_to_userspace(actions):
    """All packets, not samples of them."""
    return any(word.startswith("userspace(") and ("slow_path" in word or "controller" in word)
               for word in split_top(actions))


def read_flows(text):
    """ufid -> what is to be the same of a flow."""
    flows = {}
    for line in text.splitlines():
        line, _, path = line.partition(" path:")
        ufid, rest = line.split(", ", 1)
        match, rest = rest.split(", packets:", 1)
        counters, actions = rest.split(", actions:", 1)
        flows[ufid] = {
            "match": normal_match(match),
            "counters": re.sub(r", used:[^,]*|, flags:[^,]*", "", counters),
            "actions": actions,
            "path": path,
        }
    return flows


def as_edges_print(line):
    """What datapath_edges prints of a line of conntrack -L."""
    ends = []
    for src, dst, rest in re.findall(r"src=(\S+) dst=(\S+) ((?:\w+=\d+ )*)", line):
        numbers = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", rest)}
        if "id" in numbers:
            numbers = {"sport": numbers["id"], "dport": numbers["type"] << 8 | numbers["code"]}
        ends.append(f"src={src} dst={dst} sport={numbers['sport']} dport={numbers['dport']}")
    zone = re.search(r" zone=(\d+)", line)
    mark = re.search(r" mark=(\d+)", line)
    return (f"orig {ends[0]} reply {ends[1]} zone={zone[1] if zone else 0} "
            f"mark={mark[1] if mark else 0} ")


def dump_entries():
    """Messages of the kernel, each a connection."""
    netfilter, get, dump, done = 12, 0x101, 0x301, 3
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netfilter) as link:
        link.send(struct.pack("=IHHII", 20, get, dump, 1, 0) + bytes(4))
        while True:
            data = link.recv(1 << 16)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == done:
                    return
                yield data[:length]
                data = data[(length + 3) & ~3:]


class Bench:
    """ovs-vswitchd with one bridge in the kernel datapath."""

    def __enter__(self):
        for module in ("openvswitch", "vxlan", "nf_conntrack_netlink"):
            run("modprobe", module)
        os.makedirs(RUNDIR, exist_ok=True)
        run("ovsdb-tool", "create", "/run/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        run("ovsdb-server", "/run/conf.db", f"--remote=punix:{RUNDIR}/db.sock", "--detach",
            "--no-chdir", "--pidfile")
        run("ovs-vsctl", "--no-wait", "init")
        time.sleep(max(0, EARLIEST_UPTIME - uptime()))
        run("ovs-vswitchd", "--detach", "--no-chdir", "--pidfile", "--log-file",
            "-vconsole:off", "-vdpif:off")
        self.add_bridge()
        self.numbers = {match[2]: match[1] for match in
                        re.finditer(r"port (\d+): (\S+)", self.appctl("dpctl/show"))}
        return self

    def __exit__(self, *_):
        """The guest ends with us."""

    def add_bridge(self):
        words = ["add-br", "br0", "--", "add-port", "br0", "vx", "--", "set", "Interface", "vx",
                 "type=vxlan", "options:remote_ip=flow", "options:key=flow"]
        for i in range(N_PORTS):
            words += ["--", "add-port", "br0", f"p{i}", "--", "set", "Interface", f"p{i}",
                      "type=internal"]
        run("ovs-vsctl", "--timeout=60", *words)

    @staticmethod
    def appctl(*words):
        return run("ovs-appctl", *words).stdout

    @staticmethod
    def edges(*words):
        return run(EDGES, *words).stdout


def lists_datapath_and_ports(bench):
    "datapath: the datapath and its ports are those of dpctl/show"
    tap.check(bench.edges("list").startswith("ovs-system flows "), "one datapath, ovs-system")
    ours = dict(re.findall(r"port (\d+) (\S+) type", bench.edges("ports")))
    tap.equal(ours, {number: name for name, number in bench.numbers.items()}, "ports")
    for number, name, ifindex in re.findall(r"port (\d+) (\S+) type \d+ ifindex (\d+)",
                                            bench.edges("ports")):
        tap.equal(int(ifindex), socket.if_nametoindex(name), f"ifindex of {name} ({number})")


def flows_are_those_of_dpctl(bench):
    "flows: ufid, match, counters, actions and path as dpctl/dump-flows -m shows them"
    bench.appctl("revalidator/pause")
    ports = [bench.numbers[f"p{i}"] for i in range(N_PORTS)]
    wanted = random_flows.flows(N_FLOWS, 1, ports, bench.numbers["vxlan_sys_4789"])
    n = random_flows.add(wanted)
    tap.note(f"the kernel took {n} of {N_FLOWS} random flows")
    tap.check(n > N_FLOWS * 6 // 10, "the kernel takes most of the random flows", n)

    theirs = read_flows(bench.appctl("dpctl/dump-flows", "-m", "type=ovs"))
    text = bench.edges("flows")
    ours = read_flows(text)
    tap.equal(sorted(ours), sorted(theirs), "ufids")
    wrong = []
    for ufid, flow in theirs.items():
        flow["path"] = "upcall" if sends_to_userspace(flow["actions"]) else "dp-sw"
        if ours[ufid] != flow:
            wrong.append({"ufid": ufid, "theirs": flow, "ours": ours[ufid]})
    tap.equal(len(wrong), 0, f"flows that differ, such as {tap.as_text(wrong[:3])}")
    tap.check(" error:" not in text, "nothing was illegible")


def counters_alone(bench):
    "flows: a dump of counters alone tells of the same flows"
    ours = dict(re.findall(r"^(\S+) (packets:\d+, bytes:\d+)$", bench.edges("counters"), re.M))
    theirs = dict(re.findall(r"^ufid:(\S+), .*, (packets:\d+, bytes:\d+), used", re.sub(
        r"(?m) path:.*$", "", bench.edges("flows")), re.M))
    tap.equal(ours, theirs, "counters")


def messages_are_recorded(bench):
    "flows: the kernel's messages can be recorded for replay (FLOWLIFT_OUT)"
    out = os.environ.get("FLOWLIFT_OUT")
    if not out:
        tap.skip("no FLOWLIFT_OUT")
    os.makedirs(f"{out}/messages", exist_ok=True)
    bench.edges("record", f"{out}/messages")
    with open(f"{out}/dump", "w", encoding="utf-8") as file:
        file.write(bench.appctl("dpctl/dump-flows", "-m", "type=ovs"))
    with open(f"{out}/ports", "w", encoding="utf-8") as file:
        file.writelines(f"{number} {name}\n" for name, number in bench.numbers.items())
    n = len(os.listdir(f"{out}/messages"))
    tap.equal(n, len(bench.edges("counters").splitlines()), "messages")


def connections_are_those_of_proc(bench):
    "connections: tuples, zone, NAT and marks as conntrack -L shows them"
    for words in (["-p", "tcp", "--sport", "1000", "--dport", "2049", "--state", "ESTABLISHED",
                   "-u", "ASSURED,SEEN_REPLY", "-w", "5", "-m", "3"],
                  ["-p", "udp", "--sport", "5", "--dport", "53", "-w", "5"],
                  ["-p", "tcp", "--sport", "1001", "--dport", "80", "--state", "SYN_SENT"],
                  ["-p", "icmp", "--icmp-type", "8", "--icmp-code", "0", "--icmp-id", "77"]):
        run("conntrack", "-I", "-s", "10.1.0.1", "-d", "10.1.0.2", "-t", "300", *words)
    run("conntrack", "-I", "-p", "tcp", "--sport", "7", "--dport", "8", "--state", "ESTABLISHED",
        "-t", "300", "-s", "fd00::1", "-d", "fd00::2", "-u", "SEEN_REPLY")
    run("conntrack", "-I", "-p", "tcp", "-s", "10.1.0.1", "-d", "10.9.0.1", "--sport", "2000",
        "--dport", "2049", "--state", "ESTABLISHED", "-t", "300", "--reply-src", "10.1.0.9",
        "--reply-dst", "10.1.0.1", "--reply-port-src", "2049", "--reply-port-dst", "2000",
        "-w", "5", "-u", "SEEN_REPLY")
    ours = sorted(bench.edges("connections").splitlines())
    listed = sorted(run("conntrack", "-L", "-o", "extended").stdout.splitlines())
    listed += sorted(run("conntrack", "-L", "-f", "ipv6", "-o", "extended").stdout.splitlines())
    tap.note("\n".join(ours))
    tap.equal(len(ours), len(set(listed)), "as many as conntrack -L lists")
    for line in set(listed):
        wanted = as_edges_print(line)
        found = [own for own in ours if wanted in own]
        tap.check(len(found) == 1, "it is among ours", line, wanted, *ours)
        tap.check("offload=no" in found[0], "offload is told", found[0])
        seen = "[UNREPLIED]" not in line
        tap.check(f"established={seen:d}" in found[0], "it is established or not", line, found[0])
    tap.check(any("nat=1" in own and "sport=2000" in own for own in ours), "NAT is seen", *ours)


def entries_are_recorded(bench):
    "connections: the kernel's messages can be recorded for replay (FLOWLIFT_OUT)"
    out = os.environ.get("FLOWLIFT_OUT")
    if not out:
        tap.skip("no FLOWLIFT_OUT")
    os.makedirs(f"{out}/entries", exist_ok=True)
    entries = list(dump_entries())
    for i, entry in enumerate(entries):
        with open(f"{out}/entries/entry-{i:02}", "wb") as file:
            file.write(entry)
    tap.equal(len(entries), len(bench.edges("connections").splitlines()), "messages")


def connections_of_a_zone(bench):
    "connections: those of one zone, and forgetting them leaves the others"
    before = bench.edges("connections").splitlines()
    tap.equal(len(bench.edges("zone", "5").splitlines()), 3, "TCP and UDP connections of zone 5")
    bench.edges("forget", "5")
    tap.equal(bench.edges("zone", "5"), "", "zone 5 afterwards")
    tap.equal(bench.edges("connections").splitlines(),
              [line for line in before if " zone=5 " not in line], "the others")


def cost(bench):
    "cost: CPU time of decoding beside a bare dump that discards (measured, not judged)"
    out = "/run/flows.txt"
    port, other = bench.numbers["p0"], bench.numbers["p1"]
    with open(out, "w", encoding="ascii") as file:
        for i in range(int(os.environ.get("FLOWLIFT_TEST_MANY", "2000"))):
            file.write(f"ufid:{i:08x}-0000-0000-0000-000000000001,recirc_id(0),in_port({port}),"
                       f"eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.{i >> 16}."
                       f"{i >> 8 & 255}.{i & 255},dst=10.0.0.0/255.0.0.0,proto=6,tos=0/0,"
                       "ttl=0/0,frag=no),tcp(src=0/0,dst=2049),tcp_flags(0/0) "
                       f"push_vlan(vid=100,pcp=0),{other}\n")
    run("ovs-dpctl", "add-flows", out)
    tap.note(bench.edges("time", "5"))


TESTS = [
    lists_datapath_and_ports,
    flows_are_those_of_dpctl,
    counters_alone,
    messages_are_recorded,
    connections_are_those_of_proc,
    entries_are_recorded,
    connections_of_a_zone,
    cost,
]


def main():
    if sys.argv[1:] == ["inside"]:
        tap.run(TESTS, bench=Bench)
    import guest

    reason = guest.unavailable()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    return guest.run(os.path.abspath(__file__), ["inside"], timeout=600)


if __name__ == "__main__":
    sys.exit(main())
