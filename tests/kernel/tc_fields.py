#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""TC filters as flowlift reads them, field by field as tc prints them. Runs in the kernel bench's
guest; prints TAP.

Usage: tc_fields.py [SEED]

FLOWLIFT_BUILD names the build folder, FLOWLIFT_NIC_MODULE the module of the simulated NIC, FLOWLIFT_TC_FILTERS how
many filters there are. A test of random filters is repeated by its seed, which it prints.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]

import database  # noqa: E402
import tap  # noqa: E402
from random_rules import Rules  # noqa: E402

FLOWLIFT = os.path.join(os.environ.get("FLOWLIFT_BUILD", f"{HERE}/../../build"), "cli/flowlift")
EDGES = os.path.join(os.environ.get("FLOWLIFT_BUILD", f"{HERE}/../../build"), "tests/tc_edges")
SEED = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 1
WANTED = int(os.environ.get("FLOWLIFT_TC_FILTERS", "600"))
BLOCK = 22
MODULES = ("cls_flower cls_matchall sch_ingress act_mirred act_gact act_vlan act_pedit act_csum "
           "act_tunnel_key act_ct act_skbedit act_police act_mpls act_sample dummy veth").split()
# Time passes between two dumps.
PASSING = ("installed", "last_used", "first_used", "expires")
# What flowlift says besides: tc knows them from its command line, or has no word for them.
BESIDES = ("dev", "ingress", "egress", "block", "unknown", "exceed_action")


def run(*words, check=True, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin)
    if check:
        tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")
    return done


def nic_devices():
    """Representors of the simulated NIC, when its module is loaded."""
    return [name for name in sorted(os.listdir("/sys/class/net"))
            if name.startswith("rep") or name.startswith("uplink")]


class Bench:
    """Devices with filters of all kinds at ingress and egress, and a block that two share."""

    def __enter__(self):
        for module in MODULES:
            run("modprobe", module, check=False)
        module = os.environ.get("FLOWLIFT_NIC_MODULE")
        if module and not nic_devices():
            run("insmod", module, "n_vfs=2")
        for name in ("soft0", "soft1"):
            run("ip", "link", "add", name, "type", "dummy")
        run("ip", "link", "add", "pair0", "type", "veth", "peer", "name", "pair1")
        self.devices = ["soft0", "pair0", *nic_devices()]
        self.targets = ["soft1", "pair1", *nic_devices()]
        # They stay down: a packet would run round some of the filters for ever, and count.
        for name in self.devices:
            run("tc", "qdisc", "add", "dev", name, "clsact")
        for name in ("soft1", "pair1"):
            run("tc", "qdisc", "add", "dev", name, "ingress_block", str(BLOCK), "clsact")
        self.places = [(["dev", name, hook]) for name in self.devices
                       for hook in ("ingress", "egress")] + [["block", str(BLOCK)]]
        self.accepted = 0
        return self

    def __exit__(self, *_):
        for name in ("soft0", "soft1", "pair0"):
            run("ip", "link", "del", name, check=False)

    def add_rules(self, seed, wanted, batch=1200):
        """Random filters until so many are there; tc and the kernel refuse combinations."""
        rules = Rules(seed, self.targets)
        preference = {tuple(place): 1 for place in self.places}
        while self.accepted < wanted:
            lines = []
            for _ in range(batch):
                place = self.places[rules.random.randrange(len(self.places))]
                preference[tuple(place)] += 1
                kind, keys, actions = rules.filter()
                flags = rules.random.choice([[], [], [], ["skip_hw"], ["skip_sw"], ["verbose"]])
                chain = rules.random.choice(["0", "0", "0", str(rules.random.randrange(2000))])
                lines.append(" ".join(["filter", "add", *place, "protocol", kind, "chain", chain,
                                       "pref", str(preference[tuple(place)]), "flower", *keys,
                                       *flags, *actions]))
            run("tc", "-force", "-batch", "-", check=False, stdin="\n".join(lines) + "\n")
            before, self.accepted = self.accepted, sum(len(self.by_tc(p)) for p in self.places)
            tap.check(self.accepted > before, "some random filters are accepted", lines[0])

    def by_tc(self, place):
        """{(chain, pref, handle): filter} as tc prints them, of the flower kind."""
        text = run("tc", "-s", "-j", "filter", "show", *place).stdout
        return {identity(f): f for f in json.loads(text or "[]")
                if f.get("kind") == "flower" and "handle" in f.get("options", {})}

    def by_flowlift(self, *devices):
        """[filters], statistics"""
        lines = run(EDGES, "json", *devices).stdout.splitlines()
        return [json.loads(line) for line in lines[:-1]], json.loads(lines[-1])


def identity(found):
    return found["chain"], found["pref"], found["options"]["handle"]


def place_of(found):
    if "block" in found:
        return ("block", str(found["block"]))
    return ("dev", found["dev"], "egress" if found.get("egress") else "ingress")


def comparable(value):
    """Without what passes, and without what tc does not print."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in sorted(value.items())
                if key not in PASSING and key not in BESIDES}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value


def random_rules_are_read_as_tc_prints_them(bench):
    "random filters of all kinds: every field as in tc -s -j filter show"
    tap.note(f"seed {SEED}, devices {' '.join(bench.devices)}")
    bench.add_rules(SEED, WANTED)
    found, statistics = bench.by_flowlift()
    by_place = {}
    for item in found:
        by_place.setdefault(place_of(item), {})[identity(item)] = item
    compared = differ = 0
    for place in map(tuple, bench.places):
        ours, theirs = by_place.pop(place, {}), bench.by_tc(place)
        tap.equal(sorted(ours), sorted(theirs), f"filters of {' '.join(place)}")
        for key, expected in theirs.items():
            compared += 1
            if comparable(ours[key]) != comparable(expected):
                differ += 1
                if differ <= 5:
                    tap.note(f"{' '.join(place)}\n  flowlift {json.dumps(comparable(ours[key]))}"
                             f"\n  tc       {json.dumps(comparable(expected))}")
    tap.equal(sorted(by_place), [], "places that tc was not asked about")
    in_hw = sum(1 for item in found if item["options"].get("in_hw"))
    unknown = [item["unknown"] for item in found if "unknown" in item]
    tap.note(f"{compared} filters compared, {in_hw} of them in_hw, {len(unknown)} not in full")
    tap.equal(unknown, [], "what was not understood")
    tap.equal(statistics["filters"], compared, "filters counted")
    tap.check(compared >= WANTED, f"at least {WANTED} filters")
    tap.equal(differ, 0, "filters that differ")


def the_command_says_the_same(bench):
    "flowlift flows --json: the filter of each flow, with every field"
    database.start("br0")
    done = run(FLOWLIFT, "flows", "--json", "--window", "0", "--root", "/run/root")
    ours = {(place_of(flow["tc"]), identity(flow["tc"])): flow["tc"]
            for flow in json.loads(done.stdout)["flows"] if flow["tc"]}
    compared = 0
    for place in map(tuple, bench.places):
        for key, expected in bench.by_tc(place).items():
            tap.equal(comparable(ours.pop((place, key), None)), comparable(expected),
                      f"filter {key} of {' '.join(place)}")
            compared += 1
    tap.equal(len(ours), 0, "filters that tc does not have")
    tap.check(compared >= WANTED, f"at least {WANTED} filters", compared)
    tap.note(f"{compared} filters compared")


def counters_are_told_apart(bench):
    "counters of filters that packets hit, as tc prints them; the time of their last use"
    run("ip", "link", "add", "talk0", "type", "veth", "peer", "name", "talk1")
    run("tc", "qdisc", "add", "dev", "talk0", "clsact")
    run("tc", "filter", "add", "dev", "talk0", "ingress", "pref", "60000", "protocol", "ip",
        "flower", "ip_proto", "icmp", "action", "drop")
    run("ip", "addr", "add", "192.0.2.1/24", "dev", "talk1")
    for name in ("talk0", "talk1"):
        run("ip", "link", "set", name, "up")
    run("ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:09", "dev", "talk1")
    run("ping", "-c", "3", "-i", "0.2", "-W", "0.1", "192.0.2.2", check=False)
    ours = bench.by_flowlift("talk0")[0][0]
    theirs = bench.by_tc(["dev", "talk0", "ingress"])[identity(ours)]
    stats = ours["options"]["actions"][0]["stats"]
    tap.equal(stats, theirs["options"]["actions"][0]["stats"], "counters")
    tap.equal(stats["packets"], 3, "packets that were sent")
    run("ip", "link", "del", "talk0")


def other_kinds_are_counted(bench):
    "filters of other kinds are counted, not read; a list of devices restricts the dump"
    run("tc", "qdisc", "add", "dev", "soft1", "root", "handle", "1:", "prio", check=False)
    run("tc", "filter", "add", "dev", "soft0", "ingress", "pref", "61000", "matchall", "action",
        "drop")
    _, everything = bench.by_flowlift()
    found, one = bench.by_flowlift("soft0")
    tap.equal(everything["other_kinds"], 1, "other kinds")
    tap.equal({item["dev"] for item in found}, {"soft0"}, "devices")
    tap.equal(one["places"], 2, "places of one device")
    _, nothing = bench.by_flowlift("absent0")
    tap.equal(nothing["filters"], 0, "filters of a device that is not there")


def terse_dumps_have_the_same_identities(bench):
    "a terse dump has the same ids, paths, ports and counters"

    def words(what):
        lines = run(EDGES, what).stdout.splitlines()[:-1]
        return [line.split()[:5] for line in lines]

    whole, terse = words("flows"), words("terse")
    tap.check(len(whole) >= WANTED, "filters in the dump")
    tap.equal(terse, whole, "identities")


if __name__ == "__main__":
    tap.run([
        random_rules_are_read_as_tc_prints_them,
        the_command_says_the_same,
        counters_are_told_apart,
        other_kinds_are_counted,
        terse_dumps_have_the_same_identities,
    ], bench=Bench)
