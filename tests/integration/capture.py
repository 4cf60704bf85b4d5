# SPDX-License-Identifier: Apache-2.0
"""A capture is as good as the host: every verb that reads says the same of both."""

import json
import os

import tap
from bench import STRANDED_VM2, Bench

JUDGED = ("verdict", "scope", "causes")


class CaptureBench(Bench):
    def __init__(self):
        super().__init__(public=False)

    def prepare(self):
        self.load_all()
        self.await_verdicts(STRANDED_VM2)
        self.file = f"{self.lab.directory}/ticket.json"

    def elsewhere(self, *words):
        """flowlift on a machine without this OVS: only the capture is there to be read."""
        nowhere = f"{self.lab.directory}/nowhere"
        os.makedirs(nowhere, exist_ok=True)
        env = {"OVS_RUNDIR": nowhere, "OVS_DBDIR": nowhere, "OVS_LOGDIR": nowhere}
        return self.flowlift(*words, "--from", self.file, env=env)


def judged(document):
    return {vm["name"]: {key: vm[key] for key in JUDGED} for vm in document["vms"]}


def capture_is_written(bench):
    "capture -o: one file, complete, nothing else left beside it"
    before = set(os.listdir(bench.lab.directory))
    bench.flowlift("capture", "-o", bench.file).expect(0)
    tap.equal(set(os.listdir(bench.lab.directory)) - before, {"ticket.json"}, "new files")
    tap.note(f"{os.path.getsize(bench.file)} bytes")


def audit_says_the_same(bench):
    "audit --from: verdicts, scopes and causes as live, in the same load; exit 1"
    live = bench.flowlift("audit", "--json").expect(1).json
    captured = bench.elsewhere("audit", "--json").expect(1).json
    tap.equal(judged(captured), judged(live), "what is said of each VM")
    tap.equal(captured["host"], live["host"], "host")
    tap.check(captured["window_ms"] >= 2000, "the capture has the window", captured["window_ms"])
    for vm, same in zip(captured["vms"], live["vms"]):
        tap.check(abs(vm["hw_share"] - same["hw_share"]) < 0.05, "hw_share as live", vm, same)
        now, then = (sum(v["storage"]["packets"].values()) / document["window_ms"]
                     for v, document in ((same, live), (vm, captured)))
        tap.check(abs(now - then) < 0.2 * now, f"packets a second of {vm['name']} as live",
                  vm, same)


def flows_says_the_same(bench):
    "flows --from: the same storage flows, paths and causes as live"
    def storage_flows(answer):
        return sorted({(flow["vm"], flow["path"], flow["in_port"],
                        tuple(cause["id"] for cause in flow["causes"]))
                       for flow in answer.expect(0).json["flows"]
                       if flow["storage"] and flow["packets"]})

    live = storage_flows(bench.flowlift("flows", "--json"))
    captured = storage_flows(bench.elsewhere("flows", "--json"))
    tap.equal(list(map(list, captured)), list(map(list, live)), "storage flows")
    tap.check(any("conntrack" in causes for *_, causes in captured), "conntrack is there", captured)


def explain_says_the_same(bench):
    "explain --from names the same verdict and causes as live"
    live = bench.flowlift("explain", "vm2", "--json").expect(1).json
    captured = bench.elsewhere("explain", "vm2", "--json").expect(1).json
    for key in ("verdict", "scope", "causes"):
        tap.equal(captured["vm"][key], live["vm"][key], key)


def with_dumps(bench, *words):
    """(the answer, how many dumps of the flows Open vSwitch was asked for)"""
    trace = f"{bench.lab.directory}/dumps.strace"
    answer = bench.flowlift(*words, prefix=("strace", "-f", "-qq", "-s", "128", "-e", "trace=write,sendto,sendmsg",
                                            "-o", trace)).expect(1)
    with open(trace, encoding="utf-8", errors="replace") as file:
        return answer, sum("dpctl/dump-flows" in line for line in file)


def watch_says_the_same_with_a_dump_for_each(bench):
    "watch --json: verdicts as live, of one flow dump for each reading and one to begin with"
    answer, dumps = with_dumps(bench, "watch", "--json", "-n", "3", "--window", "1")
    documents = [json.loads(line) for line in answer.out.splitlines()]
    live = bench.flowlift("audit", "--json").expect(1).json
    tap.equal((len(documents), dumps), (3, 4), "documents, dumps")
    for document in documents:
        tap.equal(judged(document), judged(live), "what is said of each VM")
        tap.check(900 <= document["window_ms"] <= 4000, "the window", document["window_ms"])
    rates = [sum(sum(vm["storage"]["packets"].values()) for vm in document["vms"])
             / document["window_ms"] for document in (*documents, live)]
    tap.check(max(rates) < 1.3 * min(rates), "packets a second of all of them, and of audit", rates)


def plan_needs_the_host(bench):
    "plan takes no capture, since only OVS itself can prove a plan: one sentence, exit 2"
    bench.elsewhere("plan", "vm2").expect(2).expect_sentence("--from")


def report_watches_the_host(bench):
    "report: the window in parts, a dump and a point in time for each; the whole of it makes the verdict"
    page = f"{bench.lab.directory}/ticket.html"
    answer, dumps = with_dumps(bench, "report", "vm2", "--window", "6", "-o", page, "--json")
    document = answer.json
    tap.equal(dumps, 4, "dumps")
    vm = document["vms"][0]
    tap.equal([(point["by"], point["verdict"]) for point in vm["points"]],
              [("sample", "stranded")] * 3, "points")
    tap.check(6000 <= document["window_ms"] < 9000, "the window is as long as was asked for",
              document["window_ms"])
    parts = sum(sum(point["packets"].values()) for point in vm["points"])
    whole = sum(vm["now"]["storage"]["packets"].values())
    tap.check(abs(parts - whole) < 0.1 * whole, "the parts have what the whole has", parts, whole)
    tap.check(vm["causes"][0]["id"] == "conntrack", "the cause", vm["causes"])
    tap.check(document["hosts"][0]["kernel"] == os.uname().release, "the host is known", document["hosts"])
    with open(page, encoding="utf-8") as file:
        tap.check(document["words"] in file.read(), "the page says it", document["words"])


if __name__ == "__main__":
    tap.run([
        capture_is_written,
        audit_says_the_same,
        flows_says_the_same,
        explain_says_the_same,
        watch_says_the_same_with_a_dump_for_each,
        plan_needs_the_host,
        report_watches_the_host,
    ], CaptureBench)
