#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""`flowlift flows --json` beside what ovs-vswitchd and tc say of the same flows and filters. Filters that
OVS did not make are in tc_fields.py.

Flows of traffic, in hardware and behind conntrack, and random ones of many kinds, which
ovs-vswitchd offers to TC and the NIC as it does its own. Its revalidators are paused meanwhile: they
would delete what no OpenFlow rule made.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import random_flows  # noqa: E402
import tap  # noqa: E402
import tc_fields  # noqa: E402
from datapath import normal_match, sends_to_userspace  # noqa: E402

N_VMS = 6
N_FLOWS = int(os.environ.get("FLOWLIFT_TEST_FLOWS", "1200"))
SEED = int(os.environ.get("FLOWLIFT_TEST_SEED", "1"))
SECONDS = 300
TUNNEL = "vxlan_sys_4789"
MAX_SHOWN = 8
# What random_flows makes of anything but a plain packet to a port is refused by this NIC, or by TC.
PLAIN_ACTIONS = ("{out}", "push_vlan(vid=100,pcp=0),{out}", "drop", "{out},{other}",
                 "set(eth(src=02:00:00:00:00:09)),{out}", "set(ipv4(ttl=63)),{out}")


class Bench(kernel_bench.KernelBench):
    def __init__(self):
        super().__init__(ovn=False, vms=N_VMS, stranded=["vm2", "vm5"], nfs=False,
                         max_idle=3600 * 1000)

    def __enter__(self):
        super().__enter__()
        self.lab.vsctl("add-port", self.lab.bridge, "vx", "--", "set", "Interface", "vx",
                       "type=vxlan", "options:remote_ip=flow", "options:key=flow")
        self.have_traffic()
        self.lab.appctl("revalidator/pause")
        self.numbers = {name: number for number, name in
                        re.findall(r"port (\d+): (\S+)", self.lab.appctl("dpctl/show"))}
        return self

    def have_traffic(self):
        """Some of each VM's, over by the time this returns; its flows stay."""
        talk = self.lab.start_talk(rate=10)
        names = [vm.name for vm in self.lab.vms]
        for name in names:
            self.lab.exec(name, "ping", "-c2", "-i0.2", "10.100.0.1")
        self.lab.wait_until(lambda: all(self.lab.nic_counters()[vm.port]["hw_rx_packets"] > 20
                                        for vm in self.lab.vms if vm.name not in ("vm2", "vm5")),
                            120, "packets in hardware")
        talk.stop()
        # A revalidator reads counters of hardware that is behind; now it is not.
        self.lab.settle()

    def plain_flows(self, n, ports):
        """Random matches with actions that the NIC knows."""
        rng = random_flows.random.Random(SEED + 1)
        for i, (match, _) in enumerate(random_flows.flows(n, SEED + 1, ports)):
            # Without NET_TC_SKB_EXT no recirculated flow is offered to TC.
            match = re.sub(r"recirc_id\(0x[0-9a-f]+\)", "recirc_id(0)", match)
            match = re.sub(r"(skb_mark|ct_state|ct_zone|ct_mark)\([^)]*\),", "", match)
            actions = PLAIN_ACTIONS[i % len(PLAIN_ACTIONS)]
            if "ipv4" in actions and "eth_type(0x0800)" not in match:
                actions = "{out}"
            yield match, actions.format(out=rng.choice(ports), other=rng.choice(ports))

    def by_flowlift(self):
        answer = self.flowlift("flows", "--json", "--window", "0", timeout=SECONDS)
        return answer.json["flows"], answer


def path_in(line, actions):
    """What the words of a dump line mean (DESIGN.md section 2)."""
    if sends_to_userspace(actions):
        return "upcall"
    layer = re.search(r"\bdp:(\w+)", line)[1]
    if "offloaded:partial" in line or ("offloaded:yes" in line and layer == "ovs"):
        return "hw-partial"
    return "hw" if "offloaded:yes" in line else {"tc": "tc-sw", "ovs": "dp-sw"}[layer]


def parts_of(line):
    """What is to be the same of a flow, from its line."""
    actions = line.split(", actions:", 1)[1]
    match, rest = line.split(", packets:", 1)
    match = match.split(", ", 1)[1]
    return {
        # OVS does not show that the port of a tunnel has to be 0.
        "match": normal_match(re.sub(r"(tunnel\([^()]*),tp_dst=0(?=[,)])", r"\1", match)),
        "packets": int(rest.split(",", 1)[0]),
        "bytes": int(re.search(r"bytes:(\d+)", rest)[1]),
        "actions": actions,
    }


def of_ovs(text):
    """ufid -> what ovs-vswitchd says of the flow."""
    flows = {}
    for line in text.splitlines():
        ufid = re.match(r"ufid:([0-9a-f-]+)", line)
        if ufid:
            found = parts_of(line)
            flows[ufid[1]] = {**found, "path": path_in(line, found["actions"])}
    return flows


def of_flowlift(records):
    flows = {}
    for record in records:
        found = parts_of(record["raw"])
        for key in ("packets", "bytes"):
            tap.equal(record[key], found[key], f"{key} of {record['raw']}")
        flows[record["ufid"]] = {**found, "path": record["path"]}
    return flows


# What OVS 3.1 says of a match that is not so: reason, and how to know it by what OVS and flowlift show.
KNOWN = (
    ("OVS does not read ARP behind a VLAN tag back from TC, and shows it as wild",
     lambda ovs, ours: "encap(eth_type(0x0806),arp(sip=0.0.0.0/0.0.0.0" in " ".join(ovs["match"])),
    ("OVS does not read MPLS behind a VLAN tag back from TC, and shows no legible match",
     lambda ovs, ours: "bad key length" in " ".join(ovs["match"])),
    ("OVS reads conntrack back from TC for IP only, and shows it as wild for other packets",
     lambda ovs, ours: "ct_state(0/0)" in ovs["match"] and "ct_state(0/0)" not in ours["match"] and
     not any("eth_type(0x0800)" in word or "eth_type(0x86dd)" in word for word in ours["match"])),
)


def known_difference(ovs, ours):
    """Why they differ, where that is known; all else has to be equal."""
    for reason, applies in KNOWN:
        if applies(ovs, ours):
            differ = {key for key in ovs if ovs[key] != ours[key]}
            return reason if differ == {"match"} else None
    return None


def only_in(flow, other):
    """What @other has not."""
    odd = {key: value for key, value in flow.items() if value != other[key]}
    if odd.get("match") and other["match"]:
        odd["match"] = [word for word in odd["match"] if word not in other["match"]]
    return odd


def traffic_is_there(bench):
    "traffic: flows in hardware and in the datapath, with packets that the NIC counted"
    flows = of_ovs(bench.lab.dump_flows())
    paths = {flow["path"] for flow in flows.values() if flow["packets"]}
    tap.check({"hw", "dp-sw"} <= paths, "flows with packets, hardware and software", flows)


def flows_are_those_of_ovs(bench):
    "flows: ufid, match, actions, path, packets and bytes as dpctl/dump-flows -m, one by one"
    ports = [bench.numbers[vm.port] for vm in bench.lab.vms] + [bench.numbers["uplink0"]]
    wanted = random_flows.flows(N_FLOWS // 2, SEED, ports, bench.numbers.get(TUNNEL))
    wanted += bench.plain_flows(N_FLOWS // 2, ports)
    n = random_flows.add(wanted)
    tap.note(f"seed {SEED}: the datapath took {n} of {len(wanted)} random flows")
    theirs = of_ovs(bench.lab.dump_flows())
    records, answer = bench.by_flowlift()
    identified = [record for record in records if record["ufid"]]
    tap.equal(len(records), len(identified), "flows without ufid")
    ours = of_flowlift(identified)
    tap.equal(sorted(ours), sorted(theirs), "ufids")
    count, wrong, known = {}, [], {}
    for ufid, flow in theirs.items():
        count[flow["path"]] = count.get(flow["path"], 0) + 1
        reason = known_difference(flow, ours[ufid]) if flow != ours[ufid] else None
        if reason:
            known[reason] = known.get(reason, 0) + 1
        elif flow != ours[ufid]:
            wrong.append((ufid, flow, ours[ufid]))
    tap.note(f"{len(theirs)} flows compared: {count}, "
             f"{sum(1 for flow in theirs.values() if flow['packets'])} of them with packets")
    for reason, n in known.items():
        tap.note(f"{n} flows differ for a known reason: {reason}")
    for ufid, expected, seen in wrong[:MAX_SHOWN]:
        tap.note(f"ufid:{ufid} OVS: {only_in(expected, seen)}, flowlift: {only_in(seen, expected)}")
    tap.equal(len(wrong), 0, "flows that differ")
    for path in ("hw", "tc-sw", "dp-sw", "upcall"):
        tap.check(count.get(path, 0) >= 10, f"at least 10 flows on path {path}", count)
    errors = {record["parse_error"] for record in records if record["parse_error"]}
    tap.equal(sorted(errors), [], "not understood")


def flows_have_their_filters(bench):
    "tc: each flow that is in TC has the filter that tc -s -j filter show prints, field by field"
    records, _ = bench.by_flowlift()
    ours = [record["tc"] for record in records if record["tc"]]
    n = 0
    for port in [vm.port for vm in bench.lab.vms] + ["uplink0", TUNNEL]:
        n += compare_filters([f for f in ours if f["dev"] == port], ["dev", port, "ingress"])
    tap.equal(n, len(ours), "filters compared")


def compare_filters(ours, place):
    """Return: filters compared."""
    mine = {tc_fields.identity(found): found for found in ours}
    text = tc_fields.run("tc", "-s", "-j", "filter", "show", *place).stdout
    theirs = {tc_fields.identity(found): found for found in json.loads(text or "[]")
              if found.get("kind") == "flower" and "handle" in found.get("options", {})}
    tap.equal(sorted(mine), sorted(theirs), f"filters of {' '.join(place)}")
    differ = []
    for key, expected in theirs.items():
        pair = tc_fields.comparable(mine[key]), tc_fields.comparable(expected)
        if pair[0] != pair[1]:
            differ.append(pair)
    for pair in differ[:MAX_SHOWN]:
        tap.note(f"{' '.join(place)}\n  flowlift {json.dumps(pair[0])}\n  tc       {json.dumps(pair[1])}")
    tap.equal(len(differ), 0, f"filters of {' '.join(place)} that differ")
    return len(theirs)


TESTS = [
    traffic_is_there,
    flows_are_those_of_ovs,
    flows_have_their_filters,
]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench)
