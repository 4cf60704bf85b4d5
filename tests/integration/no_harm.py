# SPDX-License-Identifier: Apache-2.0
"""While a remedy goes in and out, no packet is lost, and nothing but storage is touched."""

import tap
from bench import STRANDED_VM2, Bench, actions_of, match_of, ufid

# Numbered packets a second, of vm2 and of a peer.
RATE = 1000
OTHER_RATE = 200
OTHER_PORT = 9000
PUBLIC_SERVER = "10.200.0.1"
CONTROL_SECONDS = 10


class StreamsBench(Bench):
    """vm2 has storage traffic, other traffic on the same port, and its public address's."""

    def prepare(self):
        for name in ("vm3", "vm4"):
            self.lab.start_load(name, rate=50)
        self.start_streams()
        self.await_verdicts(STRANDED_VM2)

    def start_streams(self):
        lab = self.lab
        self.streams = {
            "vm2, storage": lab.start_stream("vm2", rate=RATE),
            "vm1, storage": lab.start_stream("vm1", rate=RATE),
            "vm2, other": lab.start_stream("vm2", rate=OTHER_RATE, port=OTHER_PORT, job="other"),
            "vm2, public": lab.start_stream("vm2", rate=OTHER_RATE, port=OTHER_PORT,
                                            to=PUBLIC_SERVER, job="public"),
        }

    def stop_streams(self):
        return {name: stream.stop() for name, stream in self.streams.items()}

    def public_flows(self):
        """ufid, match and actions of the megaflows of vm2's public address, both ways."""
        flows = self.megaflows("vm2p", f"dst={OTHER_PORT}")
        flows += self.megaflows("p0", "vid=200", f"src={OTHER_PORT}")
        return sorted(f"{ufid(flow)} {match_of(flow)} {actions_of(flow)}" for flow in flows)

    def other_actions(self):
        """What is done with vm2's packets that are not for storage, both ways."""
        flows = self.megaflows("vm2", f"dst={OTHER_PORT}", "recirc_id(0)")
        flows += self.megaflows("p0", "vid=100", f"src={OTHER_PORT}", "recirc_id(0)")
        return sorted(actions_of(flow) for flow in flows)


def check_no_loss(results):
    for name, result in results.items():
        tap.note(f"{name}: sent {result['sent']}, lost {result['lost_there']} there and "
                 f"{result['lost_back']} back, longest gap {result['max_gap_us'] / 1000:.1f} ms")
    for name, result in results.items():
        lost = {key: result[key] for key in ("lost", "lost_there", "lost_back", "duplicated")}
        tap.equal(lost, dict.fromkeys(lost, 0), name)


def nothing_is_lost_without_us(bench):
    "control: the streams lose nothing while nothing is done"
    # The first packets of a stream wait for ARP and for OVS's first look: those of the streams
    # that are measured are long past that, as a mounted disk's are.
    stream = bench.lab.start_stream("vm2", rate=RATE, port=2049, job="control",
                                    seconds=CONTROL_SECONDS)
    check_no_loss({"control": stream.wait(CONTROL_SECONDS + 30)})


def a_loss_would_be_seen(bench):
    "control: packets that the switch drops for a moment are counted, and the way is told"
    stream = bench.lab.start_stream("vm3", rate=RATE, job="victim")
    drop = "cookie=0x1ab00dd,priority=300,in_port={},udp,{},actions=drop"
    bench.lab.wait_until(lambda: bench.megaflows("vm3", "proto=17"), what="the stream of vm3")
    for in_port, match in ((13, "tp_dst=2049"), (1, "dl_dst=52:54:00:64:00:03,tp_src=2049")):
        bench.lab.add_flows([drop.format(in_port, f"{match}")])
        bench.lab.wait_until(lambda: bench.megaflows(
            "vm3" if in_port == 13 else "p0", "proto=17", "actions:drop"), what="the drop")
        bench.lab.ofctl("del-flows", "br0", "cookie=0x1ab00dd/-1")
        bench.lab.wait_until(lambda: not bench.megaflows(
            "vm3" if in_port == 13 else "p0", "proto=17", "actions:drop"), what="its end")
    result = stream.stop()
    tap.note(f"lost {result['lost_there']} there and {result['lost_back']} back")
    tap.check(result["lost_there"] > 0 and result["lost_back"] > 0, "both losses are seen", result)


def apply_and_revert_lose_nothing(bench):
    "apply and revert, twice: streams of vm2 and of a peer lose no packet in either direction"
    bench.public_before = bench.public_flows()
    bench.other_before = bench.other_actions()
    for _ in range(2):
        bench.apply()
        bench.public_during = bench.public_flows()
        bench.other_during = bench.other_actions()
        bench.revert()
        bench.await_verdicts({"vm2": "stranded"})
    bench.public_after = bench.public_flows()
    bench.other_after = bench.other_actions()
    check_no_loss(bench.stop_streams())


def public_traffic_is_untouched(bench):
    "vm2's public address: megaflows (ufid, match, actions) the same before, during and after"
    tap.check(len(bench.public_before) >= 4, "both ways, through conntrack", bench.public_before)
    tap.equal("\n".join(bench.public_during), "\n".join(bench.public_before), "during")
    tap.equal("\n".join(bench.public_after), "\n".join(bench.public_before), "after")


def other_traffic_keeps_its_pipeline(bench):
    "vm2's other traffic on the storage port still goes through conntrack, before, during, after"
    tap.equal(len(bench.other_before), 2, "one megaflow a direction before recirculation")
    for actions in bench.other_before:
        tap.check(actions.startswith("ct(zone=2),recirc("), "through conntrack", actions)
    tap.equal(bench.other_during, bench.other_before, "actions during")
    tap.equal(bench.other_after, bench.other_before, "actions after")


if __name__ == "__main__":
    tap.run([
        nothing_is_lost_without_us,
        a_loss_would_be_seen,
        apply_and_revert_lose_nothing,
        public_traffic_is_untouched,
        other_traffic_keeps_its_pipeline,
    ], StreamsBench)
