# SPDX-License-Identifier: Apache-2.0
"""The oracle against a real ovs-vswitchd: what it says of one packet is true of the whole region."""

import tap
from edges_bench import Bench
from private_ovs import PrivateOvs
from record_traces import EST, TCP, TRACES, set_up, trace

# Of these the fate is undecided, or OVS cannot follow them.
UNDECIDED = {"arp-reply", "check-pkt-len", "ct-nat-restore", "ct-nat-src", "group-dp-hash"}
# A learned address ages.
NEEDS_LEARNING = {"patch-known"}
PACKETS = 40


class Pipelines(Bench):
    def __enter__(self):
        PrivateOvs.__enter__(self)
        set_up(self)
        return self


def regions_are_sound(bench):
    "trace: any packet of a trace's region has the same fate"
    for name in sorted(TRACES.keys() - UNDECIDED - NEEDS_LEARNING):
        table, port, packet, answers = TRACES[name]
        text = bench.done("fates", "br0", str(port), str(table),
                          f"in_port={port},{packet},metadata={table}", str(PACKETS), *answers,
                          timeout_ms=20000)
        tap.equal([line.split()[0] for line in text.splitlines()], ["fate", "involves", "region"],
                  f"{name}: {text}")
    tap.note(f"{len(TRACES)} pipelines, {PACKETS} packets each")


def worlds_of_conntrack(bench):
    "trace: four answers of conntrack, or one when none is tested"
    packet = lambda table: f"in_port=2,{TCP},metadata={table}"  # noqa: E731
    fates = lambda text: [line[5:] for line in text.splitlines() if line.startswith("fate ")]  # noqa: E731
    text = bench.done("worlds", "br0", packet(10))
    tap.equal(text.splitlines()[0], "asked 4 tested 1", "one zone")
    tap.equal([line[6:] for line in text.splitlines() if line.startswith("world ")],
              ["established", "reply", "new", "invalid"], "their names")
    tap.equal(fates(text), 2 * ["push_vlan(vid=100,pcp=0) -> p0"] + ["-> p0", "drop"], "their fates")
    text = bench.done("worlds", "br0", packet(40))
    tap.equal(text.splitlines()[0], "asked 4 tested 2", "two zones")
    tap.equal(fates(text), 2 * ["-> p0"] + 2 * ["drop"], "their fates")
    for table, fate in (51, "nw_dst=10.1.0.77 -> p0"), (28, "dl_src=aa:bb:cc:dd:ee:ff -> p0"):
        text = bench.done("worlds", "br0", packet(table))
        tap.equal(text.splitlines()[0], "asked 1 tested 0", "nothing is tested")
        tap.equal(fates(text), 4 * [fate], "its fate")


def vlan_headers_are_bound(bench):
    "trace: OVS hides that an untagged packet's megaflow is of untagged packets; the region tells"
    text = trace(bench, "br0", f"in_port=2,{TCP},metadata=24", [EST])
    megaflow = next(line for line in text.splitlines() if line.startswith("Megaflow: "))
    tap.check("vlan" not in megaflow, "OVS does not say so", megaflow)
    answer = bench.done("trace", "br0", f"in_port=2,{TCP},metadata=24", "-")
    tap.equal(answer.splitlines()[-1], "region ip,vlan_tci=0x0000,nw_frag=no", "the region")


if __name__ == "__main__":
    tap.run([regions_are_sound, worlds_of_conntrack, vlan_headers_are_bound], bench=Pipelines)
