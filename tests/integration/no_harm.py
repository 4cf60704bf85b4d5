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
TCP_RATE = 200


class StreamsBench(Bench):
    """vm2 has storage traffic, other traffic on the same port, and its public address's."""

    def prepare(self):
        lab = self.lab
        self.streams = {
            "vm2, storage": lab.start_stream("vm2", rate=RATE),
            "vm1, storage": lab.start_stream("vm1", rate=RATE),
            "vm2, other": lab.start_stream("vm2", rate=OTHER_RATE, port=OTHER_PORT, job="other"),
            "vm2, public": lab.start_stream("vm2", rate=OTHER_RATE, port=OTHER_PORT,
                                            to=PUBLIC_SERVER, job="public"),
        }
        for name in ("vm3", "vm4"):
            lab.start_load(name, rate=50)
        self.disk = lab.start_load("vm2", conns=4, rate=TCP_RATE)
        self.tcp = lab.start_load("vm2", conns=4, rate=TCP_RATE, kind="tcp", job="tcp")
        self.await_verdicts(STRANDED_VM2)

    def public_flows(self):
        """ufid, match and actions of the megaflows of vm2's public address, both ways."""
        flows = self.megaflows("vm2p", "eth_type(0x0800)")
        flows += self.megaflows("p0", "vid=200", "eth_type(0x0800)", "dst=52:54:00:c8:00:02")
        return sorted(f"{ufid(flow)} {match_of(flow)} {actions_of(flow)}" for flow in flows)

    def storage_port_flows(self):
        """The first megaflows that packets of vm2's storage port meet, ARP apart."""
        flows = self.megaflows("vm2", "eth_type(0x0800)", "recirc_id(0)")
        flows += self.megaflows("p0", "vid=100", "recirc_id(0)", "dst=52:54:00:64:00:02",
                                "eth_type(0x0800)")
        return flows


def check_no_loss(results):
    for name, result in results.items():
        tap.note(f"{name}: sent {result['sent']}, lost {result['lost_there']} there and "
                 f"{result['lost_back']} back, longest gap {result['max_gap_us'] / 1000:.1f} ms")
    for name, result in results.items():
        lost = {key: result[key] for key in ("lost", "lost_there", "lost_back", "duplicated")}
        tap.equal(lost, dict.fromkeys(lost, 0), name)


def nothing_is_lost_without_us(bench):
    "control: while nothing is done, such a stream loses nothing"
    stream = bench.lab.start_stream("vm2", rate=RATE, job="control", seconds=CONTROL_SECONDS)
    check_no_loss({"control": stream.wait(CONTROL_SECONDS + 30)})


def a_loss_would_be_seen(bench):
    "control: packets that the switch drops for a moment are counted, and the way is told"
    stream = bench.lab.start_stream("vm3", rate=RATE, job="victim")
    for port, match in (("vm3", "in_port=13,udp,tp_dst=2049"),
                        ("p0", "in_port=1,dl_vlan=100,dl_dst=52:54:00:64:00:03,udp,tp_src=2049")):
        def drops(port=port):
            return bench.megaflows(port, "proto=17", "actions:drop")

        bench.lab.add_flows([f"cookie=0x1ab00dd,priority=300,{match},actions=drop"])
        bench.lab.wait_until(drops, what=f"the drop at {port}")
        bench.lab.ofctl("del-flows", "br0", "cookie=0x1ab00dd/-1")
        bench.lab.wait_until(lambda: not drops(), what=f"the end of the drop at {port}")
    result = stream.stop()
    tap.note(f"lost {result['lost_there']} there and {result['lost_back']} back")
    tap.check(result["lost_there"] > 0 and result["lost_back"] > 0, "both losses are seen", result)


def apply_and_revert_lose_nothing(bench):
    "apply and revert, twice: streams of vm2 and of a peer lose no packet in either direction"
    bench.public = {"before": bench.public_flows()}
    bench.port = {"before": bench.storage_port_flows()}
    for turn in ("first", "second"):
        bench.apply()
        bench.public[f"during the {turn} remedy"] = bench.public_flows()
        bench.port[f"during the {turn} remedy"] = bench.storage_port_flows()
        bench.revert()
        bench.await_verdicts({"vm2": "stranded"})
        bench.public[f"after the {turn} remedy"] = bench.public_flows()
        bench.port[f"after the {turn} remedy"] = bench.storage_port_flows()
    check_no_loss({name: stream.stop() for name, stream in bench.streams.items()})


def connections_go_on(bench):
    "vm2's mounted disk and its TCP connections go on, with no stall of a second"
    for name, load in (("disk", bench.disk), ("TCP", bench.tcp)):
        result = load.stop()
        tap.note(f"{name}: {result['answers']} answers, longest time without one "
                 f"{result['max_stall_us'] / 1000:.1f} ms")
        tap.check(result["answers"] >= 0.9 * TCP_RATE * result["seconds"],
                  f"{name}: answers at the rate of the requests, to the end", result)
        tap.check(result["max_stall_us"] < 1_000_000, f"{name}: no stall of a second", result)
        tap.equal((result["errors"], result.get("reconnects", 0)), (0, 0),
                  f"{name}: errors, connections that broke")


def public_traffic_is_untouched(bench):
    "vm2's public address: megaflows (ufid, match, actions) the same before, during and after"
    before = bench.public["before"]
    tap.check(len(before) >= 4, "both ways, through conntrack", before)
    for when, flows in bench.public.items():
        tap.equal("\n".join(flows), "\n".join(before), when)


def only_storage_leaves_the_pipeline(bench):
    "on vm2's storage port, only packets of the storage service leave the pipeline"
    for when, flows in bench.port.items():
        in_pipeline = [flow for flow in flows if actions_of(flow).startswith("ct(zone=2),recirc(")]
        outside = [flow for flow in flows if flow not in in_pipeline]
        for port in ("vm2", "p0"):
            tap.check(any(f"in_port({port})" in flow for flow in in_pipeline),
                      f"{when}: other packets from {port} go through conntrack", flows)
        tap.equal(bool(outside), when.startswith("during"), f"{when}: some leave it")
        for flow in outside:
            service = "dst=2049)" if "in_port(vm2)" in flow else "src=2049,"
            tap.check(service in flow and ("proto=6," in flow or "proto=17," in flow),
                      f"{when}: a megaflow outside tests protocol and port exactly", flow)


if __name__ == "__main__":
    tap.run([
        nothing_is_lost_without_us,
        a_loss_would_be_seen,
        apply_and_revert_lose_nothing,
        connections_go_on,
        public_traffic_is_untouched,
        only_storage_leaves_the_pipeline,
    ], StreamsBench)
