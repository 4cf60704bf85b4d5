#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The NIC is asked itself: what it refuses of a flow, in its own words, and that nothing of the question is left
behind, nor felt by the traffic. Runs in the kernel bench's guest; prints TAP.

Usage: probe.py [SEED]

FLOWLIFT_BUILD names the build folder. A test of random flows is repeated by its seed, which it prints.
"""

import ipaddress
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import random_flows  # noqa: E402
import random_probes  # noqa: E402
import probe_explained  # noqa: E402
import tap  # noqa: E402
from tc_fields import comparable, run  # noqa: E402

BUILD = os.environ.get("FLOWLIFT_BUILD", f"{kernel_bench.ROOT}/build")
EDGES = f"{BUILD}/tests/probe_edges"
SEED = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 1
N_VMS = 2
# Representors that no VM has, for what OVS has no part in.
SPARE, OTHER, THIRD = "rep2", "rep3", "rep4"
N_RANDOM = 200
N_INSTALLED = 300
KILLS = 16
FIRST_CHAIN = 0x0FFFFF00
HANDLE = 0xF10F0000
RULE = "recirc_id(0),in_port(rep2),eth(),eth_type(0x0800),ipv4(frag=no)"
TAIL = ", packets:0, bytes:0, used:never, dp:ovs, actions:"
MODULES = ("cls_flower sch_ingress act_mirred act_gact act_vlan act_pedit act_csum act_ct act_skbedit "
           "act_tunnel_key act_mpls dummy").split()
NOBODY = 65534
# Seconds for what takes a moment on an idle machine.
PATIENCE = 60


class Edges:
    """probe_edges, for one flow after another."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen([EDGES, command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)

    def ask(self, flow):
        self.process.stdin.write(flow + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        tap.check(line, "probe_edges answers", flow)
        return json.loads(line)


class Bench(kernel_bench.KernelBench):
    """A lab with two VMs, and representors that OVS does not know."""

    def __init__(self):
        super().__init__(ovn=False, vms=N_VMS, stranded=[], nfs=False, n_vfs=8,
                         max_idle=3600 * 1000)

    def __enter__(self):
        for module in MODULES:
            run("modprobe", module, check=False)
        super().__enter__()
        run("tc", "qdisc", "add", "dev", SPARE, "clsact")
        return self

    def take_all(self):
        """No fault at all, not even those that are there at first."""
        self.lab.fault("all", "off")
        for field in random_probes.AT_FIRST:
            self.lab.fault("refuse-match", field, "off")

    def rules_of_probes(self):
        return [rule for rule in self.lab.nic_rules().splitlines()
                if int(rule.split(" chain ")[1].split()[0]) >= FIRST_CHAIN]


def filters(dev, hook="ingress"):
    text = run("tc", "-s", "-j", "filter", "show", "dev", dev, hook).stdout
    return [f for f in json.loads(text or "[]") if f.get("kind") == "flower" and
            "handle" in f.get("options", {})]


def left_behind(bench, dev=SPARE):
    """Whatever of a probe is on this device, or in the NIC."""
    chains = run("tc", "-j", "chain", "show", "dev", dev, "ingress").stdout
    return ([f for f in filters(dev) if f["chain"] >= FIRST_CHAIN],
            [c for c in json.loads(chains or "[]") if c.get("chain", 0) >= FIRST_CHAIN],
            bench.rules_of_probes())


NOTHING = ([], [], [])

# What a filter of OVS has, and one that is offered has not.
OF_THE_KERNEL = ("stats", "index", "ref", "bind", "used_hw_stats", "in_hw", "not_in_hw", "in_hw_count",
                 "cookie", "installed", "last_used", "first_used", "expires", "hw_stats",
                 "used_hw_stats_enabled", "installed_in_hw", "order", "chain", "pref", "handle",
                 "skip_sw", "skip_hw", "block")


def bare(value):
    """What a filter matches and does."""
    if isinstance(value, dict):
        # An explicit drop, as dpctl makes of the word, has counters by CPU, one of OVS's own has none.
        gone = OF_THE_KERNEL + (("no_percpu",) if value.get("kind") == "gact" else ())
        return {key: bare(item) for key, item in value.items() if key not in gone}
    if isinstance(value, list):
        return [bare(item) for item in value]
    return value


def without_wild_bits(keys):
    """Values as far as they are matched: OVS hands over those of the packet, whatever the mask."""
    found = {}
    for key, value in keys.items():
        mask = keys.get(f"{key}_mask")
        if mask is not None and isinstance(value, int):
            value &= int(mask, 16)
        elif isinstance(value, str) and key.endswith("_ip") and "/" in value:
            value = str(ipaddress.ip_network(value, strict=False))
        elif isinstance(value, str) and key.endswith("_mac") and "/" in value:
            value = masked_mac(*value.split("/"))
        found[key] = value
    return found


def masked_mac(mac, mask):
    bits = ((1 << 48) - (1 << (48 - int(mask)))) if mask.isdigit() else int(mask.replace(":", ""), 16)
    return f"{int(mac.replace(':', ''), 16) & bits:012x}/{bits:012x}"


def essence(found):
    found = bare(comparable(found))
    options = found["options"]
    return {**found, "options": {**options, "keys": without_wild_bits(options.get("keys", {}))}}


# (a)

def tc_filters(devices):
    """{cookie: filter}"""
    by_cookie = {}
    for dev in devices:
        for found in filters(dev):
            for action in found["options"].get("actions", []):
                if "cookie" in action:
                    by_cookie[action["cookie"]] = found
    return by_cookie


def cookie_of(ufid):
    """OVS prints its ufid as 32-bit words; its cookie has the bytes of each in the order of the machine."""
    digits = ufid.replace("-", "")
    words = [digits[i:i + 8] for i in range(0, 32, 8)]
    return "".join("".join(reversed([w[i:i + 2] for i in range(0, 8, 2)])) for w in words)


def port_numbers(bench):
    return {name: number for number, name in
            re.findall(r"port (\d+): (\S+)", bench.lab.appctl("dpctl/show"))}


def compare_with_installed(flows, installed):
    """Return: (compared, [(flow, ours, theirs)] that differ, flows that were not to be offered)."""
    compared, differ, not_offered = 0, [], []
    with Edges("filter") as edges:
        for ufid, line in flows:
            theirs = installed.get(cookie_of(ufid))
            if not theirs:
                continue
            ours = edges.ask(line)
            if "failure" in ours:
                not_offered.append((line, ours["failure"]))
                continue
            compared += 1
            if essence(ours) != essence(theirs):
                differ.append((line, essence(ours), essence(theirs)))
    return compared, differ, not_offered


def say_differences(differ, not_offered):
    for line, ours, theirs in differ[:6]:
        tap.note(f"{line}\n  ours {json.dumps(ours, sort_keys=True)}\n"
                 f"  OVS  {json.dumps(theirs, sort_keys=True)}")
    for line, reason in not_offered[:6]:
        tap.note(f"{line}\n  {reason}")


def offers_are_the_filters_of_ovs(bench):
    "what is offered is the filter that OVS installed for the same flow: keys, masks and actions"
    bench.take_all()
    bench.lab.exec("vm1", "ping", "-c2", "-i0.2", "10.100.0.1")
    bench.lab.exec("vm2", "ping", "-c2", "-i0.2", "10.100.0.1")
    devices = [vm.port for vm in bench.lab.vms] + ["uplink0"]
    lines = [(re.match(r"ufid:([0-9a-f-]+)", line)[1], line)
             for line in bench.lab.dump_flows().splitlines() if "dp:tc" in line]
    compared, differ, not_offered = compare_with_installed(lines, tc_filters(devices))
    say_differences(differ, not_offered)
    tap.note(f"{compared} flows of traffic compared")
    tap.check(compared >= 4, "flows of traffic in TC", lines)
    tap.equal((len(differ), len(not_offered)), (0, 0), "flows of traffic that differ, are not offered")


def offers_are_the_filters_of_random_flows(bench):
    "likewise of random flows that are put into the datapath with their ufid"
    bench.take_all()
    bench.lab.appctl("revalidator/pause")
    try:
        numbers = port_numbers(bench)
        devices = [vm.port for vm in bench.lab.vms] + ["uplink0"]
        flows, wanted = [], random_flows.flows(N_INSTALLED * 3, SEED, devices)
        wanted += [tuple(text.split(TAIL)) for text, _ in
                   random_probes.flows(N_INSTALLED, SEED, devices[0], devices)]
        for i, (match, actions) in enumerate(wanted):
            ufid = f"{i + 1:08x}-1111-4222-8333-444444444444"
            match = without_recirc(match)
            if "recirc" in actions:
                continue
            flows.append((ufid, f"ufid:{ufid},{match}", match, actions))
        random_flows.add([(with_numbers(m, numbers), with_numbers(a, numbers)) for _, m, _, a in flows])
        installed = tc_filters(devices)
        compared, differ, not_offered = compare_with_installed(
            [(ufid, match + TAIL + actions) for ufid, _, match, actions in flows], installed)
    finally:
        bench.lab.appctl("revalidator/resume")
    say_differences(differ, not_offered)
    tap.note(f"seed {SEED}: {compared} random flows compared, of {len(flows)}")
    tap.check(compared >= 150, "random flows that OVS put into TC", len(installed))
    tap.equal((len(differ), len(not_offered)), (0, 0), "random flows that differ, are not offered")


def without_recirc(match):
    # Without NET_TC_SKB_EXT no recirculated flow is offered to TC.
    return re.sub(r"recirc_id\(0x[0-9a-f]+\)", "recirc_id(0)", match)


def with_numbers(text, numbers):
    for name, number in numbers.items():
        text = re.sub(rf"\b{re.escape(name)}\b", number, text)
    return text


# (b)

def ip(rest):
    return f"recirc_id(0),in_port({SPARE}),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)," \
           f"eth_type(0x0800),{rest}{TAIL}{OTHER}"


def acting(actions, match="eth_type(0x0800),ipv4(proto=6,frag=no)"):
    return f"recirc_id(0),in_port({SPARE}),eth(),{match}{TAIL}{actions}"


TAGGED = "eth_type(0x8100),vlan(vid=100,pcp=3),encap(eth_type(0x0800),ipv4(proto=6,frag=no))"
QINQ = ("eth_type(0x88a8),vlan(vid=7,pcp=0),encap(eth_type(0x8100),vlan(vid=8,pcp=1),"
        "encap(eth_type(0x0800),ipv4(frag=no)))")
ARP = "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=02:00:00:00:00:01,tha=02:00:00:00:00:02)"
IP6 = "eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,proto=17,frag=no),udp(src=1,dst=2)"

# Fault -> the flow, what the NIC says, what is named.
MATCHES = {
    "eth-dst": (ip("ipv4(frag=no)"), "eth-dst", "dst_mac"),
    "eth-src": (ip("ipv4(frag=no)"), "eth-src", "src_mac"),
    "eth-type": (ip("ipv4(frag=no)"), "eth-type", "eth_type"),
    "vlan-tpid": (acting(OTHER, TAGGED), "vlan-tpid", "vlan tag"),
    "vlan": (acting(OTHER, TAGGED), "vlan", "vlan_id"),
    "vlan-pcp": (acting(OTHER, TAGGED), "vlan-pcp", "vlan_prio"),
    "cvlan": (acting(OTHER, QINQ), "cvlan", "cvlan_id"),
    "cvlan-pcp": (acting(OTHER, QINQ), "cvlan-pcp", "cvlan_prio"),
    "ip-proto": (ip("ipv4(proto=47,frag=no)"), "ip-proto", "ip_proto"),
    "tos": (ip("ipv4(tos=0x10,frag=no)"), "TOS", "ip_tos"),
    "ttl": (ip("ipv4(ttl=64,frag=no)"), "TTL", "ip_ttl"),
    "frag": (ip("ipv4(frag=no)"), "fragments", "ip_flags"),
    "ipv4-src": (ip("ipv4(src=10.0.0.1,frag=no)"), "ipv4-src", "src_ip"),
    "ipv4-dst": (ip("ipv4(dst=10.0.0.1,frag=no)"), "ipv4-dst", "dst_ip"),
    "ipv6-src": (acting(OTHER, IP6), "ipv6-src", "src_ip"),
    "ipv6-dst": (acting(OTHER, IP6), "ipv6-dst", "dst_ip"),
    "tcp-src": (ip("ipv4(proto=6,frag=no),tcp(src=1)"), "tcp-src", "src_port"),
    "tcp-dst": (ip("ipv4(proto=6,frag=no),tcp(dst=1)"), "tcp-dst", "dst_port"),
    "udp-src": (acting(OTHER, IP6), "udp-src", "src_port"),
    "udp-dst": (acting(OTHER, IP6), "udp-dst", "dst_port"),
    "sctp-src": (ip("ipv4(proto=132,frag=no),sctp(src=1)"), "sctp-src", "src_port"),
    "sctp-dst": (ip("ipv4(proto=132,frag=no),sctp(dst=1)"), "sctp-dst", "dst_port"),
    "tcp-flags": (ip("ipv4(proto=6,frag=no),tcp_flags(0x2/0x2)"), "TCP flags", "tcp_flags"),
    "icmp-type": (ip("ipv4(proto=1,frag=no),icmp(type=8)"), "ICMP type", "icmp_type"),
    "icmp-code": (ip("ipv4(proto=1,frag=no),icmp(type=8,code=1)"), "ICMP code", "icmp_code"),
    "arp-op": (acting(OTHER, ARP), "ARP", "arp_op"),
    "arp-sip": (acting(OTHER, ARP), "ARP", "arp_sip"),
    "arp-tip": (acting(OTHER, ARP), "ARP", "arp_tip"),
    "arp-sha": (acting(OTHER, ARP), "ARP", "arp_sha"),
    "arp-tha": (acting(OTHER, ARP), "ARP", "arp_tha"),
    "ct-state": ("ct_state(+trk+est)," + ip("ipv4(frag=no)"), "ct_state", "ct_state"),
    "ct-zone": ("ct_zone(5)," + ip("ipv4(frag=no)"), "ct_zone", "ct_zone"),
    "ct-mark": ("ct_mark(5)," + ip("ipv4(frag=no)"), "ct_mark", "ct_mark"),
}
ACTIONS = {
    "port": (acting(OTHER), f"redirect to {OTHER}"),
    "mirror": (acting(f"{OTHER},{THIRD}"), f"mirror to {OTHER}"),
    "goto": (acting("recirc(0x7)"), "goto chain 7"),
    "ct": (acting("ct(zone=5),recirc(0x7)"), "ct"),
    "csum": (acting(f"set(tcp(dst=80)),{OTHER}"), "csum"),
    "push-vlan": (acting(f"push_vlan(vid=100,pcp=0),{OTHER}"), "vlan push"),
    "pop-vlan": (acting(f"pop_vlan,{OTHER}", TAGGED), "vlan pop"),
    "set-eth-dst": (acting(f"set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),{OTHER}"),
                    "set eth dst"),
    "set-eth-src": (acting(f"set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),{OTHER}"),
                    "set eth src"),
    "set-tos": (acting(f"set(ipv4(tos=0x10)),{OTHER}"), "set ipv4 tos"),
    "set-ttl": (acting(f"set(ipv4(src=1.2.3.4,ttl=63)),{OTHER}"), "set ipv4 ttl"),
    "set-ipv4-src": (acting(f"set(ipv4(src=1.2.3.4,ttl=63)),{OTHER}"), "set ipv4 src"),
    "set-ipv4-dst": (acting(f"set(ipv4(dst=1.2.3.4)),{OTHER}"), "set ipv4 dst"),
    "set-ipv6-src": (acting(f"set(ipv6(src=fd00::9)),{OTHER}", IP6), "set ipv6 src"),
    "set-ipv6-dst": (acting(f"set(ipv6(dst=fd00::9)),{OTHER}", IP6), "set ipv6 dst"),
    "set-l4-src": (acting(f"set(tcp(src=80)),{OTHER}"), "set tcp src"),
    "set-l4-dst": (acting(f"set(tcp(dst=80)),{OTHER}"), "set tcp dst"),
}
UNSUPPORTED = -95


def each_refusal_has_its_words(bench):
    "refusals: one for each field and action, in the NIC's own words, and what is named of the flow"
    wrong = []
    with Edges("offer") as offers, Edges("shrink") as shrinks:
        for kind, fault, flow, words, name in all_faults():
            bench.take_all()
            answers = [offers.ask(flow)]
            bench.lab.fault(kind, fault, "on")
            answers.append(offers.ask(flow))
            shrunk = shrinks.ask(flow)
            parts = [(part["part"], part["answer"]["text"]) for part in shrunk.get("parts", [])]
            expected = [("accepted", 0, ""), ("refused", UNSUPPORTED, words)]
            seen = [(a.get("verdict"), a.get("error"), a.get("text")) for a in answers]
            if seen != expected or parts != [(name, words)]:
                wrong.append((fault, seen, parts, shrunk))
    for entry in wrong[:8]:
        tap.note(f"{entry}")
    tap.note(f"{len(MATCHES)} fields, {len(ACTIONS)} actions")
    tap.equal([entry[0] for entry in wrong], [], "faults whose refusal is not as it should be")
    tap.equal(left_behind(bench), NOTHING, "left behind")


def all_faults():
    for fault, (flow, title, name) in MATCHES.items():
        yield "refuse-match", fault, flow, f"flownic: Matching on {title} is not supported", name
    for fault, (flow, name) in ACTIONS.items():
        yield "refuse-action", fault, flow, f"flownic: The offload action {fault} is not supported", name


def what_is_no_matter_of_the_flow_is_told_apart(bench):
    "a full table, a port whose offload is off, a drop that is refused: told apart, with few offers"
    bench.take_all()
    with Edges("shrink") as edges:
        bench.lab.fault("table-full", "on")
        full = edges.ask(acting(OTHER))
        tap.equal((full["outcome"], full["offers"], full["answer"]["error"], full["answer"]["text"]),
                  ("passing", 1, -28, "flownic: Rule table is full"), "a full table")
        bench.take_all()
        bench.lab.fault("refuse-action", "drop", "on")
        bench.lab.fault("refuse-match", "ttl", "on")
        found = edges.ask(ip("ipv4(ttl=64,frag=no)"))
        tap.equal([part["part"] for part in found["parts"]], ["ip_ttl"], "where no drop is taken")
        bench.take_all()
        run("ethtool", "-K", SPARE, "hw-tc-offload", "off")
        try:
            off = edges.ask(ip("ipv4(ttl=64,proto=6,frag=no),tcp(dst=80)"))
        finally:
            run("ethtool", "-K", SPARE, "hw-tc-offload", "on")
        tap.equal(off["outcome"], "everything", "offload is off")
        tap.check("disabled" in off["answer"]["text"] and off["offers"] <= 5, "said in few offers", off)
        accepted = edges.ask(acting(OTHER))
        tap.equal((accepted["outcome"], accepted["offers"]), ("accepted", 1), "nothing is refused")
    tap.equal(left_behind(bench), NOTHING, "left behind")


def what_cannot_be_told_is_no_refusal(bench):
    "no qdisc, no device, no permission, a device without a NIC: never a refusal of the flow"
    bench.take_all()
    run("ip", "link", "add", "soft0", "type", "dummy")
    flow = f"recirc_id(0),in_port({{}}),eth(),eth_type(0x0800){TAIL}drop"
    with Edges("offer") as edges:
        bare_port = edges.ask(flow.format(THIRD))
        tap.equal(bare_port["verdict"], "cannot-tell", "a port without a qdisc")
        tap.check("Qdisc" in bare_port["text"], "the kernel's words", bare_port)
        tap.equal(run("tc", "qdisc", "show", "dev", THIRD).stdout.count("clsact"), 0, "qdiscs made")
    with Edges("offer", user=NOBODY) as edges:
        answer = edges.ask(flow.format(SPARE))
        tap.equal((answer["verdict"], answer["error"]), ("cannot-tell", -1), "without permission")
    run("tc", "qdisc", "add", "dev", "soft0", "clsact")
    with Edges("shrink") as edges:
        soft = edges.ask(flow.format("soft0"))
        tap.note(f"a device without a NIC: {soft['answer']}, {soft['offers']} offers")
        tap.equal(soft["outcome"], "everything", "a device without a NIC")
        bench.lab.fault("refuse-match", "ttl", "on")
    run("ip", "link", "del", "soft0")
    tap.equal(left_behind(bench), NOTHING, "left behind")


# (c)

def smallest_parts_of_random_flows_are_right(bench):
    "200 random flows with one to three unsupported parts: the smallest refused part, in few offers"
    offers = units = 0
    wrong = []
    by_number = {1: [0, 0], 2: [0, 0], 3: [0, 0]}
    with Edges("shrink") as edges:
        for text, chosen in random_probes.flows(N_RANDOM, SEED, SPARE, [OTHER, THIRD, "uplink0"]):
            bench.take_all()
            for part in chosen:
                bench.lab.fault(part.kind, part.fault, "on")
            found = edges.ask(text)
            offers += found.get("offers", 0)
            units += found.get("units", 0)
            by_number[len(chosen)][0] += found.get("offers", 0)
            by_number[len(chosen)][1] += found.get("units", 0)
            names = sorted(part["part"] for part in found.get("parts", []))
            if found.get("outcome") != "parts" or names != sorted(p.name for p in chosen):
                wrong.append((text, chosen, found))
    bench.take_all()
    for entry in wrong[:6]:
        tap.note(f"{entry}")
    tap.note(f"seed {SEED}: {offers} offers for {units} fields and actions: {offers / units:.2f} for each; "
             f"{ {n: round(o / max(u, 1), 2) for n, (o, u) in by_number.items()} } by parts")
    tap.equal(len(wrong), 0, "flows whose smallest refused part is not right")
    tap.check(offers <= 2 * units, "at most two offers for each field and action")
    tap.equal(left_behind(bench), NOTHING, "left behind")


# (d)

def sibling_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    return int(children[0]) if children else None


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def is_running(pid):
    return state_of(pid) not in "ZX"


def send(pid, number):
    """A signal, if there still is somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def start_offering(command):
    process = subprocess.Popen([EDGES, command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(acting(OTHER) + "\n")
    process.stdin.flush()
    tap.equal(process.stdout.readline(), "offering\n", "it offers")
    return process


def end(process):
    process.wait(PATIENCE)
    process.stdin.close()
    process.stdout.close()


def await_moment(bench, process, rng, number):
    """A random moment, or one at which the filter is in the NIC: then the process is stopped there."""
    if number % 4 < 2:
        time.sleep(rng.random() * 0.3)
        return
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(rng.random() * 0.01)
        send(process.pid, signal.SIGSTOP)
        while state_of(process.pid) not in "TXZ":
            pass
        if bench.rules_of_probes():
            return
        send(process.pid, signal.SIGCONT)


def nothing_is_left_of_a_killed_probe(bench):
    "killed (SIGKILL) at random moments: the sibling has removed the filter, no chain is left"
    bench.take_all()
    rng = random.Random(SEED)
    times, seen = [], 0
    for number in range(KILLS):
        process = start_offering(("loop", "hold")[number % 2])
        await_moment(bench, process, rng, number)
        sibling = sibling_of(process.pid)
        # Held up meanwhile, to see what it finds.
        if sibling and number % 2:
            send(sibling, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGKILL)
        end(process)
        if sibling:
            seen += bool(bench.rules_of_probes())
            killed = time.monotonic()
            send(sibling, signal.SIGCONT)
            bench.lab.wait_until(lambda: not is_running(sibling), PATIENCE, "the sibling's end", 0.005)
            times.append(round((time.monotonic() - killed) * 1000))
        tap.equal(left_behind(bench), NOTHING, f"left behind by kill {number}")
    tap.note(f"{KILLS} kills, {seen} of them with a filter in the NIC; siblings ended after "
             f"{sorted(times)[len(times) // 2]} ms (median), {max(times)} ms (longest)")
    tap.check(seen >= KILLS // 8, "kills that left a filter to the sibling", seen)


def what_both_left_is_swept_at_the_next_start(bench):
    "prober and sibling killed at once: what is left forwards nothing, and the next session removes it"
    bench.take_all()
    rng = random.Random(SEED)
    n_left = 0
    for number in range(KILLS):
        process = start_offering("hold")
        await_moment(bench, process, rng, number)
        sibling = sibling_of(process.pid)
        send(sibling, signal.SIGKILL)
        send(process.pid, signal.SIGKILL)
        end(process)
        n_left += left_behind(bench) != NOTHING
        if number % 2:
            run(EDGES, "sweep", SPARE)
        else:
            with Edges("offer") as edges:
                tap.equal(edges.ask(acting(OTHER))["verdict"], "accepted", "the next session")
        tap.equal(left_behind(bench), NOTHING, f"left behind after kill {number}")
    tap.note(f"{KILLS} kills of both, {n_left} of them left something")
    tap.check(n_left >= KILLS // 8, "kills of both that left a filter", n_left)
    leave_by_hand(bench)


def leave_by_hand(bench):
    """Filters as a killed probe leaves them, and others in the same chains."""
    ours = [(FIRST_CHAIN + 4 * i + 1, 1, HANDLE + i) for i in range(50)]
    # Somebody else's handle and priority, priority, and chain.
    theirs = [(FIRST_CHAIN + 9, 2, 1), (FIRST_CHAIN + 17, 5, HANDLE + 1), (7, 1, HANDLE + 2)]
    lines = [f"filter add dev {SPARE} ingress protocol ip chain {chain} pref {priority} handle {handle:#x} "
             f"flower skip_sw action drop" for chain, priority, handle in ours + theirs]
    run("tc", "-batch", "-", stdin="\n".join(lines) + "\n")
    tap.equal(run(EDGES, "sweep", SPARE).stdout.strip(), "50", "filters that were swept")
    tap.equal(sorted((f["chain"], f["options"]["handle"]) for f in filters(SPARE)),
              sorted((chain, handle) for chain, _, handle in theirs), "somebody else's filters")
    with Edges("offer") as edges:
        for _ in range(5):
            tap.equal(edges.ask(acting(OTHER))["verdict"], "accepted", "beside them")
    run("tc", "qdisc", "del", "dev", SPARE, "clsact")
    run("tc", "qdisc", "add", "dev", SPARE, "clsact")
    tap.equal(left_behind(bench), NOTHING, "left behind")


def two_sessions_do_not_mind_each_other(bench):
    "sessions at the same time, and sweeps: each has its own answers, nothing is left"
    bench.take_all()
    bench.lab.fault("refuse-match", "ttl", "on")
    flows = [(ip("ipv4(ttl=64,frag=no)"), ["ip_ttl"]), (acting(OTHER), [])]
    processes = [Edges("shrink") for _ in range(4)]
    try:
        for number in range(10):
            for i, edges in enumerate(processes):
                edges.process.stdin.write(flows[i % 2][0] + "\n")
                edges.process.stdin.flush()
            run(EDGES, "sweep", SPARE)
            for i, edges in enumerate(processes):
                found = json.loads(edges.process.stdout.readline())
                tap.equal([part["part"] for part in found["parts"]], flows[i % 2][1],
                          f"round {number}, session {i}: {found}")
    finally:
        for edges in processes:
            edges.__exit__()
    tap.equal(left_behind(bench), NOTHING, "left behind")


# (e)

def traffic_goes_on_undisturbed(bench):
    "while ports of running VMs are asked their traffic stays in hardware, and OVS says nothing"
    bench.take_all()
    vm = bench.lab.vm("vm1")
    load = bench.lab.start_load("vm1", rate=100, kind="tcp")
    bench.lab.wait_until(lambda: bench.lab.nic_counters()[vm.port]["hw_rx_packets"] > 200, 120,
                         "packets in hardware")
    bench.lab.settle()
    before = bench.lab.nic_counters()[vm.port]
    log_before = os.path.getsize("/var/log/openvswitch/ovs-vswitchd.log")
    bench.lab.fault("refuse-match", "ttl", "on")
    flow = f"recirc_id(0),in_port({vm.port}),eth(),eth_type(0x0800),ipv4(ttl=64,proto=6,frag=no)" \
           f"{TAIL}push_vlan(vid=100,pcp=0),uplink0"
    n_offers = 0
    with Edges("shrink") as edges:
        for _ in range(40):
            found = edges.ask(flow)
            tap.equal([part["part"] for part in found["parts"]], ["ip_ttl"], "what is refused")
            n_offers += found["offers"]
    after = bench.lab.nic_counters()[vm.port]
    result = load.stop()
    hardware = after["hw_rx_packets"] - before["hw_rx_packets"]
    software = after["miss_packets"] - before["miss_packets"]
    with open("/var/log/openvswitch/ovs-vswitchd.log", encoding="utf-8", errors="replace") as file:
        file.seek(log_before)
        said = [line for line in file if "|WARN|" in line or "|ERR|" in line]
    tap.note(f"{n_offers} offers; {hardware} packets in hardware, {software} in software; load {result}")
    tap.check(hardware > 100, "traffic in hardware", before, after)
    tap.check(software <= hardware / 100, "not more in software than before", before, after)
    tap.equal(said, [], "what ovs-vswitchd warns of")
    tap.equal(left_behind(bench, vm.port), NOTHING, "left behind")


# (f)

def explain_asks_the_nic(bench):
    "explain --probe: cause, part and words of what is refused; refused once; a healthy VM is left alone"
    probe_explained.probes_are_explained(bench, left_behind, NOTHING)


if __name__ == "__main__":
    tap.run([
        offers_are_the_filters_of_ovs,
        each_refusal_has_its_words,
        what_is_no_matter_of_the_flow_is_told_apart,
        what_cannot_be_told_is_no_refusal,
        smallest_parts_of_random_flows_are_right,
        nothing_is_left_of_a_killed_probe,
        what_both_left_is_swept_at_the_next_start,
        two_sessions_do_not_mind_each_other,
        traffic_goes_on_undisturbed,
        explain_asks_the_nic,
        offers_are_the_filters_of_random_flows,
    ], bench=Bench)
