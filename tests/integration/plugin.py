# SPDX-License-Identifier: Apache-2.0
"""librte_flowlift.so in a real ovs-vswitchd: what it says is what the NIC says, and nothing it is asked hurts.

FLOWLIFT_PLUGIN_REQUESTS: how many random requests there are (5,000; 100,000 for a soak).
FLOWLIFT_PLUGIN_SEED: which ones.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import tap
from agents import agent_of, wait_until
from bench import BUILD, CONFIG, PATIENCE, Bench, LabError, ufid

from labkit import processes  # noqa: E402, found by way of bench

REQUESTS = int(os.environ.get("FLOWLIFT_PLUGIN_REQUESTS", "5000"))
SEED = int(os.environ.get("FLOWLIFT_PLUGIN_SEED", "22"))
TRIES = 20
PLUGIN = "librte_flowlift.so"
OTHER = "librte_flowlift_other.so"
# Of the questions to a NIC, as docs/dpdk-plugin.md says it.
ASKED_PER_SECOND, ASKED_IN_ALL = 50, 500
FOLDERS = (f"{BUILD}/lib/dpdk/plugin", f"{BUILD}/tests")
RULE = re.compile(r"rule (\d+) port (\d+) (\w+) priority \d+ match (.*) actions (\S+) packets (\d+) bytes (\d+)")


class PluginBench(Bench):
    def __init__(self):
        os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(
            filter(None, [*FOLDERS, os.environ.get("LD_LIBRARY_PATH")]))
        super().__init__(vms=3, nfs=False, max_idle=3600000, dpdk_extra=f"-d {PLUGIN}")

    def edges(self, *words, stdin=""):
        extra = self.lab.vsctl("get", "Open_vSwitch", ".", "other_config:dpdk-extra").strip().strip('"')
        return subprocess.run(
            [f"{BUILD}/tests/dpdk_edges", extra, str(self.lab.vswitchd_pid()), *map(str, words)],
            input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def done(self, *words, stdin=""):
        answer = self.edges(*words, stdin=stdin)
        tap.equal((answer.returncode, answer.stderr), (0, ""), f"dpdk_edges {' '.join(map(str, words))}")
        return answer.stdout

    def port(self, name):
        return self.lab.nic_counters()[name]["port"]

    def listed(self, name):
        """{rule: what the plug-in lists of it}, and the last line"""
        *lines, last = self.done("rules", self.port(name)).splitlines()
        return self.rules_of(name, lines), last

    def rules_of(self, name, lines):
        asked, rules = self.port(name), {}
        for line in lines:
            number, port, kind, match, actions, packets, count = RULE.fullmatch(line).groups()
            tap.equal(int(port), asked, "the port of a rule")
            rules[int(number)] = {
                "kind": kind, "packets": int(packets), "bytes": int(count), "actions": actions.split(","),
                "match": dict(re.findall(r"(\S+?)=(\S+)", match))}
        tap.equal(len(rules), len(lines), "no rule is listed twice")
        return rules

    def of_the_nic(self, name):
        return {rule.pop("rule"): rule for rule in self.lab.nic_rules(name)}

    def check_listed(self, name):
        """What is listed is what the NIC has, at a moment when it does not change. Returns both parts of listed()."""
        for _ in range(TRIES):
            before, (rules, last), after = self.of_the_nic(name), self.listed(name), self.of_the_nic(name)
            if before == after:
                tap.equal(rules, before, f"rules of {name}")
                tap.check(last.startswith(f"lines {len(rules)} ") and last.endswith("complete yes"), "all", last)
                return rules, last
        raise tap.Failure(f"the rules of {name} changed {TRIES} times while they were listed")

    def validate(self, name, *rules):
        text = self.done("validate", self.port(name), stdin="".join(f"{rule}\n" for rule in rules))
        return text.splitlines()

    def offers(self, kind, dump):
        """The rule that OVS offers for each flow of a dump, or why it offers none."""
        numbers = [f"{name}={port['port']}" for name, port in self.lab.nic_counters().items()]
        done = subprocess.run([f"{BUILD}/tests/dpdk_edges", "offer", kind, *numbers], input=dump,
                              capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.splitlines()

    def agent(self):
        """One that repairs nothing yet, on a root where nothing was repaired: see auto_repair()."""
        shutil.rmtree(f"{self.lab.root}/var/lib/flowlift", ignore_errors=True)
        self.configure(f"{CONFIG}[audit]\nwindow = 500ms\n[agent]\nauto = off\n")
        return agent_of(self.lab.root, processes.marked_environment(self.lab.id, self.lab.env))

    def auto_repair(self, agent, interval, most):
        self.configure(f"{CONFIG}[audit]\nwindow = 500ms\n[agent]\nauto = repair\ninterval = {interval}\n"
                       f"max-repairs-per-hour = {most}\n")
        os.kill(agent.pid(), signal.SIGHUP)

    def remedy_files(self):
        folder = f"{self.lab.root}/var/lib/flowlift/remedies"
        return os.listdir(folder) if os.path.isdir(folder) else []

    def history(self, name):
        """(step, state, who) of each entry."""
        entries = self.flowlift("history", name, "--json").expect(0).json["entries"]
        return [(entry["step"], entry["state"], entry["who"]) for entry in entries]

    def log(self):
        with open(f"{self.lab.directory}/ovs/ovs-vswitchd.log", encoding="utf-8", errors="replace") as file:
            return file.read()

    @contextlib.contextmanager
    def streams(self, rate=500):
        """Traffic of a VM in hardware, and of one in software; nothing of it may be lost."""
        streams = {name: self.lab.start_stream(name, rate=rate) for name in ("vm1", "vm2")}
        self.lab.wait_until(lambda: self.of_the_nic("vm1"), 10, "rules in the NIC")
        try:
            yield
        finally:
            self.results = {name: stream.stop() for name, stream in streams.items()}


# ---- What is there ----


def versions_are_said(bench):
    "the plug-in is loaded, found by the --file-prefix, and says its version and DPDK's"
    text = bench.done("check")
    tap.check(re.fullmatch(r"plug-in \S+ built for 22\.11, DPDK 22\.11\.\d+, at /var/run/dpdk/"
                           rf"{bench.lab.id}/dpdk_telemetry\.v2\n", text), "versions", text)
    lines = [line for line in bench.log().splitlines() if "flowlift:" in line]
    tap.check(len(lines) == 1 and re.search(r"dpdk\|INFO\|.*plug-in \S+ added 6 commands", lines[0]),
              "one line in the log", lines)


def ports_are_listed(bench):
    "ports: those of DPDK, with their driver, their NIC, and that rules can be asked of them"
    wanted = {number: port["name"] for number, port in bench.lab.telemetry.ports().items()}
    lines = bench.done("ports").splitlines()
    tap.equal({int(line.split()[0]): line.split()[1] for line in lines}, wanted, "numbers and names")
    for line in lines:
        tap.check("flow-api 1" in line and "driver net_flownic" in line, "driver and API", line)
    tap.equal(len({re.search(r"switch (.*)/\d+ ", line)[1] for line in lines}), 1, "one NIC: its domains")


def rules_are_the_nics(bench):
    "rules: of each port the same as the NIC's own list, with their counters; and the counts"
    with bench.streams():
        time.sleep(1)
    names = list(bench.lab.nic_counters())
    total = 0
    for name in names:
        rules, last = bench.check_listed(name)
        count = bench.done("count", bench.port(name))
        tap.check(count.startswith(f"lines {len(rules)} bytes {last.split()[3]} "), f"count of {name}", count)
        total += len(rules)
    tap.note(f"{total} rules of {len(names)} ports")
    tap.check(total >= 2, "there are some")


def flows_lists_the_rules(bench):
    "flows: nic_rules of each port are the NIC's own list, and nothing disagrees; doctor is content"
    names = list(bench.lab.nic_counters())
    for _ in range(TRIES):
        before = {name: bench.of_the_nic(name) for name in names}
        found = bench.flowlift("flows", "--json").expect(0).json
        if before == {name: bench.of_the_nic(name) for name in names}:
            break
    else:
        raise tap.Failure(f"the rules changed {TRIES} times while they were listed")
    ports = {port["device"]: port for port in found["nic_rules"]}
    tap.equal(sorted(ports), sorted(names), "ports")
    for name, port in ports.items():
        tap.equal(bench.rules_of(name, port["rules"]), before[name], f"rules of {name}")
        tap.equal((port["api"], port["lines"], port["missing"]), ("rte_flow", len(before[name]), None), name)
    tap.equal((found["nic_rules_missing"], found["disagreements"]), (None, []), "disagreements")
    tap.check(sum(map(len, before.values())) >= 2, "there are some", before)
    own = bench.flowlift("flows", "--vm", "vm1", "--json").expect(0).json["nic_rules"]
    tap.equal(sorted(port["device"] for port in own), ["vm1", "vm1p"], "of a VM: those of its own ports")
    tap.equal(agreement_check(bench), ("ok", "Open vSwitch and the NIC's driver agree about what is in the NIC"),
              "doctor")


def agreement_check(bench):
    checks = bench.flowlift("doctor", "--json").json["checks"]
    return next((check["status"], check["summary"]) for check in checks if check["id"] == "nic-agreement")


def no_port_is_said(bench):
    "a port that is not there: one sentence"
    for words in ("rules", 63), ("count", 63):
        answer = bench.edges(*words)
        tap.equal((answer.returncode, answer.stderr), (1, "ENODEV: DPDK has no port 63\n"), words[0])
    tap.equal(bench.done("validate", 63, stdin="pattern eth actions drop\n"),
              "unknown 19 0 none: there is no such port\n", "cannot tell")


# ---- Validate ----

ETH = "eth dst=525400640101 src=525400640001 type=0800 has_vlan=0"
IPV4 = "ipv4 src=0a64000b dst=0a640001/ffffff00 proto=06 frag=0000/3fff"


def storage_rule(uplink, pattern=f"{ETH} / {IPV4} / tcp dst=0801"):
    """What OVS offers for a VM's storage flow: tagged, to the uplink."""
    return (f"transfer pattern {pattern} actions count / of_push_vlan type=8100 / of_set_vlan_pcp pcp=0 / "
            f"of_set_vlan_vid vid=100 / port_id id={uplink}")


def validate_is_the_nics_word(bench):
    "validate: accepted, or refused in the NIC's own words, whatever fault is on"
    uplink = bench.port("p0")
    rule = storage_rule(uplink)
    marks = f"ingress pattern {ETH} / {IPV4} actions mark id=1 / rss"
    item, action = "refused 95 13 item: flownic: ", "refused 95 16 action: flownic: "
    cases = [
        ((), rule, "accepted 0 0 none: "),
        ((), marks, "refused 95 8 attr: flownic: "),
        (("partial", "on"), marks, "accepted 0 0 none: "),
        (("partial-only", "on"), rule, "refused 95 8 attr: flownic: "),
        (("table-full", "on"), rule, "refused 28 2 handle: flownic: "),
        (("refuse-match", "tcp-dst", "on"), rule, f"{item}match on tcp-dst"),
        (("refuse-match", "ipv4-src", "on"), rule, f"{item}match on ipv4-src"),
        (("refuse-match", "ipv4-src", "on"), storage_rule(uplink, ETH), "accepted 0 0 none: "),
        (("refuse-action", "push-vlan", "on"), rule, action),
        ((), f"transfer pattern {ETH} actions set_ipv6_src addr={'00' * 16} / drop",
         f"{action}this action is not supported"),
        ((), f"transfer pattern {ETH} actions port_id id=63", f"{action}the target port is not on this NIC"),
        ((), "transfer pattern vxlan vni=000001 actions drop", f"{item}this kind of header"),
        ((), "transfer pattern ipv4 frag=0001/1fff-1fff actions drop", "refused 95 11 item.last: flownic: ranges"),
        ((), "group=1 pattern eth actions drop", "refused 95 3 attr.group: flownic: "),
        ((), "transfer ingress pattern eth actions drop", "refused 22 8 attr: cannot use attr ingress/egress"),
        ((), "transfer pattern eth actions fly", "EINVAL: the plug-in does not understand the rule: word 5 (fly)"),
    ]
    for fault, text, wanted in cases:
        try:
            if fault:
                bench.lab.fault(*fault)
            (answer,) = bench.validate("vm1", text)
        finally:
            bench.lab.fault("all", "off")
        tap.check(answer.startswith(wanted), f"{' '.join(fault) or 'no fault'}: {text}", answer, wanted)
        tap.note(f"{' '.join(fault) or 'no fault'}: {answer}")


def validate_says_what_ovs_logs(bench):
    "validate: the same type and text as OVS logs when it offers the rule, and nothing is in the NIC afterwards"
    bench.lab.fault("refuse-match", "eth-src", "on")
    try:
        before = bench.lab.nic_counters()["vm3"]
        stream = bench.lab.start_stream("vm3", rate=100)
        bench.lab.wait_until(lambda: bench.lab.nic_counters()["vm3"]["refused"] > before["refused"], 10,
                             "a refusal")
        (flow,) = bench.megaflows("vm3", "eth_type(0x0800)", "dp:ovs")
        (offer,) = bench.offers("forwards", flow)
        tap.note(f"{flow}\n{offer}")
        (answer,) = bench.validate("vm3", offer)
        counters = bench.lab.nic_counters()["vm3"]
        stream.stop()
    finally:
        bench.lab.fault("all", "off")
    logged = re.search(r"rte_flow creation failed: (\d+) \((.*match on eth-src.*)\)", bench.log())
    tap.check(logged, "OVS logs it")
    tap.equal(answer, f"refused 95 {logged[1]} item: {logged[2]}", "the plug-in's words")
    tap.equal(counters["created"], before["created"], "rules made")


# ---- explain --probe ----


@contextlib.contextmanager
def stranded(bench):
    """vm3's flows are refused for a field while this lasts, and afterwards stay where they are."""
    bench.lab.fault("refuse-match", "eth-src", "on")
    load = bench.lab.start_load("vm3", rate=100)
    try:
        bench.await_verdicts({"vm3": "stranded"})
        yield
    finally:
        load.stop()
        bench.lab.fault("all", "off")


def explained(bench, name, prefix=()):
    return bench.flowlift("explain", name, "--probe", "--json", prefix=prefix).expect(1).json


@contextlib.contextmanager
def counted_questions(bench):
    """A prefix for flowlift, and the list of moments (s) at which it had the plug-in look at a rule."""
    path, moments = f"{bench.lab.root}/questions", []
    yield ("strace", "-f", "-qq", "-ttt", "-e", "trace=sendto", "-s", "64", "-o", path), moments
    with open(path, encoding="utf-8", errors="replace") as file:
        moments += [float(line.split()[1]) for line in file if '"/flowlift/validate,' in line]


def check_pace(moments):
    gaps = [(after - before) * 1000 for before, after in zip(moments, moments[1:])]
    tap.note(f"{len(moments)} questions; the shortest gap is {min(gaps):.1f} ms")
    tap.check(5 <= len(moments) <= ASKED_IN_ALL, "how many", moments)
    # Told by strace a little later than it was, each time.
    tap.check(min(gaps) > 0.5 * 1000 / ASKED_PER_SECOND, "no two at once", gaps)
    tap.check(moments[-1] - moments[0] > 0.95 * (len(moments) - 1) / ASKED_PER_SECOND, "50 a second at most", gaps)


def said(document, outcome):
    """{direction: its only part} of flows with this outcome, which all have"""
    tap.note(tap.as_text(document["nic"]))
    tap.equal({(asked["api"], asked["outcome"], asked["recirc_id"]) for asked in document["nic"]},
              {("rte_flow", outcome, 0)}, "nic")
    return {asked["direction"]: [(part["part"], part["words"], part["cause"]) for part in asked["parts"]]
            for asked in document["nic"]}


def explain_asks_the_nic(bench):
    "explain --probe: cause, field and words of what is refused, at its pace; refused once; what OVS does not offer"
    def in_the_nic():
        return {name: (port["created"], port["rules"]) for name, port in bench.lab.nic_counters().items()}

    words = "flownic: match on eth-src is not supported"
    with stranded(bench):
        before = in_the_nic()
        with counted_questions(bench) as (counting, moments):
            found = explained(bench, "vm3", prefix=counting)
        check_pace(moments)
        parts = said(found, "refused")
        tap.equal(parts["from-vm"], [("eth src", words, "nic-match")], "what is refused of its packets")
        cause = found["causes"][0]
        tap.equal((cause["id"], cause["certainty"]), ("nic-match", "seen"), "first cause")
        tap.check(f'vm3 refuses eth src: "{words}"' in cause["evidence"], "evidence", cause)
        tap.equal(in_the_nic(), before, "rules made, and there")
        bench.lab.fault("all", "off")
        found = explained(bench, "vm3")
        said(found, "accepted")
        tap.equal([cause["id"] for cause in found["causes"] if cause["id"].startswith("nic-")], [], "no guess")
        tap.check("refused-once" in [cause["id"] for cause in found["causes"]], "refused once", found["causes"])
    load = bench.lab.start_load("vm2", rate=100)
    bench.await_verdicts({"vm2": "stranded"})
    outcomes = {asked["outcome"] for asked in explained(bench, "vm2")["nic"]}
    load.stop()
    tap.equal(outcomes, {"not-offered"}, "flows through conntrack")


# ---- Reoffer: what was refused before, and is accepted now ----


def storage_flows(bench, names):
    """{ufid: (packets, flow)} of all megaflows of these VMs, both ways."""
    flows = {}
    for name in names:
        mac = bench.lab.vm(name).mac
        for flow in bench.megaflows(name, "eth_type(0x0800)") + bench.megaflows("p0", "eth_type(0x0800)", mac):
            flows[ufid(flow)] = (int(re.search(r"packets:(\d+)", flow)[1]), flow)
    return flows


def refused_before_and_still(bench):
    "plan: flows that the NIC refuses are not offered again, in its own words"
    bench.streaming = {name: bench.lab.start_stream(name, rate=500) for name in ("vm1", "vm3")}
    bench.lab.fault("refuse-match", "eth-src", "on")
    try:
        bench.await_verdicts({"vm1": "offloaded", "vm3": "stranded"})
        plan = bench.flowlift("plan", "vm3", "--json").json
    finally:
        bench.lab.fault("all", "off")
    tap.equal((plan["steps"], plan["reoffer"]["rules"]), (["simplify"], []), "steps, rules for a moment")
    tap.check("match on eth-src is not supported" in plan["reoffer"]["reason"], "the NIC's words", plan["reoffer"])


def refused_again_is_simplified(bench):
    "apply: refused again when it is offered: the rules of both steps are out again, the journal has both"
    before = bench.openflow()
    # The NIC has been asked; the first write to the journal takes some seconds, and then the rules go in.
    slowly = ("strace", "-f", "-qq", "-o", "/dev/null", "--trace=fdatasync",
              "--inject=fdatasync:delay_exit=4000000:when=1")
    apply = bench.start("apply", "vm3", "--json", prefix=slowly,
                        env={"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"})
    journal = f"{bench.lab.root}/var/log/flowlift/journal.jsonl"
    bench.lab.wait_until(lambda: os.path.exists(journal) and os.path.getsize(journal), 20 * PATIENCE,
                         "the journal", interval=0.01)
    bench.lab.fault("table-full", "on")
    try:
        answer = bench.finish(apply).expect(1)
    finally:
        bench.lab.fault("all", "off")
    outcome = json.loads(answer.out)
    tap.equal((outcome["step"], outcome["state"]), ("simplify", "reverted"), "step, state")
    steps = [(entry["step"], entry["state"]) for entry in
             bench.flowlift("history", "vm3", "--json").json["entries"]]
    tap.equal(steps, [("reoffer", "planned"), ("reoffer", "reverted"), ("plan", "planned"),
                      ("install", "installed"), ("revert", "reverted")], "history")
    tap.equal(bench.openflow(), before, "OpenFlow flows")


def refused_before_is_offered_again(bench):
    "apply: flows that the NIC takes now are repaired by reoffer alone; no rule stays, nobody's packet is lost"
    openflow, others = bench.openflow(), storage_flows(bench, ("vm1",))
    tap.equal(bench.flowlift("apply", "vm3", "--dry-run", "--json").json["steps"][:1], ["reoffer"], "steps")
    outcome = bench.flowlift("apply", "vm3", "--ticket", "T-3", "--json").expect(0).json
    tap.note(outcome["reason"])
    tap.equal((outcome["step"], outcome["state"]), ("reoffer", "verified"), "step, state")
    tap.equal((bench.openflow(), bench.status("vm3")["state"]), (openflow, "reverted"),
              "OpenFlow flows, remedy of before")
    last = bench.flowlift("history", "vm3", "--json").json["entries"][-1]
    tap.equal((last["step"], last["state"], last["ticket"]), ("reoffer", "verified", "T-3"), "journal")
    after = storage_flows(bench, ("vm1",))
    tap.check(len(others) >= 2 and others.keys() == after.keys() and
              all(after[name][0] > others[name][0] for name in others), "its peer's flows go on", others, after)
    bench.await_verdicts({"vm1": "offloaded", "vm3": "offloaded"})
    for name, stream in bench.streaming.items():
        result = stream.stop()
        tap.note(f"{name}: sent {result['sent']}, lost {result['lost']}, longest gap "
                 f"{result['max_gap_us'] / 1000:.1f} ms, round trip {result['rtt_us']}")
        tap.equal((result["lost"], result["duplicated"]), (0, 0), f"{name}: lost, duplicated")


# ---- The same with an agent ----


@contextlib.contextmanager
def refused_once(bench):
    """vm3's flows were refused and would be accepted now; they live while this lasts."""
    idle = "other_config:max-idle="
    bench.lab.vsctl("set", "Open_vSwitch", ".", f"{idle}500")
    bench.lab.wait_until(lambda: not storage_flows(bench, ("vm3",)), 20, "its flows of before are gone")
    bench.lab.vsctl("set", "Open_vSwitch", ".", f"{idle}3600000")
    with stranded(bench):
        bench.lab.fault("all", "off")
        yield


def metric(agent, name):
    """The number of one sample, with its labels."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{agent.rundir}/metrics.sock")
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(1 << 16), b"")).decode()
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def ends(agent):
    return {end: n for end, n in agent.status()["auto"]["repairs"].items() if n}


def agent_offers_again(bench):
    "auto = repair: found by an audit and offered again before the next; no rule, no remedy; again within the hour: rules"
    interval, openflow = 10, bench.openflow()
    with bench.agent() as agent:
        agent.start()
        with refused_once(bench):
            before = len(bench.history("vm3"))
            bench.auto_repair(agent, interval, most=2)
            began = time.monotonic()
            wait_until(lambda: agent.status()["auto"]["repairing"] or ends(agent), 60 * PATIENCE, "its repair begins")
            found = time.monotonic() - began
            wait_until(lambda: ends(agent), 60 * PATIENCE, "what comes of it")
            took = time.monotonic() - began - found
            tap.note(f"found after {found:.1f} s, offered again {took:.1f} s later")
            tap.equal(ends(agent), {"reoffered": 1}, "what came of it")
            tap.in_time(took * 1000, interval * 1000, "before the next audit")
            bench.await_verdicts({"vm3": "offloaded"})
            tap.equal((bench.openflow(), bench.remedy_files(), agent.status()["remedies"]), (openflow, [], []),
                      "OpenFlow flows, remedies")
            tap.equal(bench.history("vm3")[before:], [("reoffer", "planned", "flowlift-agent"),
                                                      ("reoffer", "verified", "flowlift-agent")], "journal")
            tap.equal([metric(agent, f'flowlift_auto_repairs_total{{result="{end}"}}') for end in
                       ("reoffered", "done")] + [metric(agent, 'flowlift_remedies{state="verified"}')],
                      [1, 0, 0], "metrics")
            tap.check("|agent_auto|INFO|vm3: repaired: offered to the NIC again, no rule was needed" in agent.log(),
                      "the log", agent.log())
            tap.equal((agent.status()["auto"]["last_hour"], agent.status()["auto"]["left_alone"]), (1, []), "limits")
        agent_simplifies_the_second_time(bench, agent)


def agent_simplifies_the_second_time(bench, agent):
    """What is stranded again so soon gets rules, which are guarded."""
    with refused_once(bench):
        wait_until(lambda: len(ends(agent)) > 1, 90 * PATIENCE, "the second repair")
        tap.equal((ends(agent), agent.status()["auto"]["last_hour"]), ({"reoffered": 1, "done": 1}, 2), "both")
        tap.equal((agent.remedy("vm3")["state"], agent.remedy("vm3")["who"]), ("verified", "flowlift-agent"),
                  "its remedy")
        with open(f"{bench.lab.root}/var/lib/flowlift/auto.json", encoding="utf-8") as file:
            tap.equal([attempt["end"] for attempt in json.load(file)["attempts"]], ["reoffered", "done"], "on disk")
    bench.flowlift("revert", "vm3").expect(0)


def apply_through_the_agent(bench):
    "apply with an agent: it offers again, in the person's name; no rule, no remedy"
    openflow = bench.openflow()
    with bench.agent() as agent:
        agent.start()
        with refused_once(bench):
            answer = bench.flowlift("apply", "vm3", "--ticket", "T-4", "--json").expect(0)
            tap.equal((answer.json["step"], answer.json["state"], answer.err), ("reoffer", "verified", ""),
                      "step, state, standard error")
            tap.equal((bench.openflow(), bench.remedy_files()), (openflow, []), "OpenFlow flows, remedies")
            *_, (step, state, who) = bench.history("vm3")
            tap.check((step, state) == ("reoffer", "verified") and who != "flowlift-agent", "journal", step, state, who)
            tap.check(f"|INFO|apply vm3 for {who}: done" in agent.log(), "the agent did it", agent.log())
            bench.await_verdicts({"vm3": "offloaded"})
    bench.configure(bench.config)


def what_ovs_offers_is_accepted(bench):
    "flows to rules: what is in hardware is accepted, what never is offered has no rule"
    with bench.streams():
        dump = [line for line in bench.lab.dump_flows().splitlines() if "in_port(" in line]
    n = {"accepted": 0, "not offered": 0}
    for line in dump:
        name = re.search(r"in_port\((\w+)\)", line)[1]
        (offer,) = bench.offers("forwards", line)
        if "dp:dpdk" in line:
            tap.equal(bench.validate(name, offer), ["accepted 0 0 none: "], f"{line}\n{offer}")
            n["accepted"] += 1
        elif "ct(" in line or "recirc_id(0)" not in line:
            tap.check(offer.startswith("none: OVS does not offer"), "no rule", line, offer)
            n["not offered"] += 1
    tap.note(n)
    tap.check(n["accepted"] >= 2 and n["not offered"] >= 2, "both kinds were seen", dump)


# ---- Many rules ----


def many_rules_come_in_pages(bench):
    "rules: 2,000 of a port come in pages, each once, as of one moment"
    bench.lab.make_many_flows(2000)
    bench.lab.wait_until(lambda: len(bench.lab.nic_rules("vm1")) >= 2000, 60, "2,000 rules")
    started = time.monotonic()
    bench.done("rules", bench.port("vm1"))
    seconds = time.monotonic() - started
    rules, last = bench.check_listed("vm1")
    tap.note(f"{len(rules)} rules, {last.split()[3]} bytes, {seconds:.2f} s; {bench.done('count', bench.port('vm1'))}")
    tap.check(int(last.split()[3]) > 40 * 8192, "many pages", last)


# ---- Storm ----

PIECES = [
    "/flowlift/rules,", "/flowlift/count,", "/flowlift/port,", "/flowlift/validate,1,", "/flowlift/ports",
    "/flowlift/version", "/flowlift/", "/", "0", "1", "2", "63", ",", "65535", "65536", "-1", "0x1", "4294967295",
    "99999999999999999999", "transfer ", "ingress ", "group=1 ", "pattern ", "eth ", "ipv4 ", "ipv6 ", "vlan ",
    "tcp ", "src=", "dst=", "0a000001", "/ffffff00", "-0a000001", "has_vlan=1 ", " / ", " actions ", "drop",
    "count", "port_id id=1", "rss", " queues=64", "mark id=1", "raw_encap data=", "vxlan_encap data=",
    "0123456789abcdef" * 4, "\"", "\\", "%s%n%s", "\n", "\t", "\x7f",
]


class Storm:
    """One client that asks random things, waits for each answer, and hangs up now and then."""

    def __init__(self, lab, seed):
        self.path = lab.telemetry.path
        self.random = random.Random(seed)
        self.rules = [storage_rule(0), f"ingress pattern {ETH} actions mark id=1 / rss queues=1",
                      "transfer pattern ipv6 src=" + "fe80" * 8 + " / tcp actions jump group=1"]
        self.client = None
        self.asked = {}
        self.bytes = 0
        self.snapshot = 1

    def request(self):
        kind = self.random.randrange(10)
        if kind < 3:
            rule = self.random.choice(self.rules)
            text = f"/flowlift/validate,{self.random.randrange(8)},{rule}".encode()
        elif kind < 4:
            words = self.random.choices(["", f",{self.random.randrange(1 << 17)},{self.snapshot}", ",at-own-risk"],
                                        [4, 4, 1])[0]
            return f"/flowlift/{self.random.choice(['rules', 'count', 'port'])},1{words}".encode()
        elif kind < 5:
            return bytes(self.random.randrange(256) for _ in range(self.random.randrange(1, 1500)))
        else:
            text = "".join(self.random.choices(PIECES, k=self.random.randrange(1, 30))).encode()
            if kind < 8:
                text = self.random.choice(PIECES[:6]).encode() + text
        if self.random.randrange(2):
            text = bytearray(text)
            text[self.random.randrange(len(text))] = self.random.randrange(256)
        return bytes(text)

    def connect(self):
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client.settimeout(10)
        self.client.connect(self.path)
        self.client.recv(1 << 16)

    def hang_up(self):
        self.client.close()
        self.client = None
        time.sleep(0.005)  # one client at a time: DPDK 22.11 cannot have two

    def ask(self):
        request = self.request()
        if not self.client:
            self.connect()
        self.client.send(request)
        if self.random.randrange(300) == 0:
            self.hang_up()  # without a look at the answer
            return
        reply = self.client.recv(1 << 16)
        self.check(request, reply)

    def check(self, request, reply):
        """What is one of our commands has an answer that is JSON, and says how it went."""
        self.bytes += len(reply)
        command = request[:1023].split(b"\0")[0].lstrip(b",").split(b",")[0].decode("ascii", "replace")
        if command.startswith("/flowlift/") and command[10:] in ("rules", "count", "port", "validate", "version"):
            value = json.loads(reply)[command]
            if isinstance(value, str):
                status = re.match(r"status=(\w+)", value)[1]
                self.snapshot = int((re.search(r"snapshot=(\d+)", value) or [0, self.snapshot])[1])
            else:
                status = value.get("status", "version")
            self.asked[(command[10:], status)] = self.asked.get((command[10:], status), 0) + 1

    def run(self, n):
        for _ in range(n):
            self.ask()
        if self.client:
            self.hang_up()


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def main_thread(pid):
    """(seconds of CPU, times it went to sleep) of the main thread so far"""
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as file:
        cpu = int(file.read().split()[0]) / 1e9
    with open(f"/proc/{pid}/task/{pid}/status", encoding="ascii") as file:
        return cpu, int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read())[1])


class Latency(threading.Thread):
    """How long ovs-vswitchd's main thread takes for a command, again and again until stop(): median, in ms"""

    def __init__(self, lab):
        super().__init__()
        self.path = f"{lab.directory}/ovs/ovs-vswitchd.{lab.vswitchd_pid()}.ctl"
        self.stopped = threading.Event()
        self.ms = []

    def run(self):
        while not self.stopped.wait(0.02):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.path)
                started = time.monotonic()
                client.send(b'{"id":0,"method":"version","params":[]}')
                client.recv(4096)
                self.ms.append((time.monotonic() - started) * 1000)

    def stop(self):
        self.stopped.set()
        self.join()
        return sorted(self.ms)[len(self.ms) // 2]


def rate(pid, work):
    """What the main thread does a second while work() runs: (CPU share, sleeps), and how long that took"""
    started, before = time.monotonic(), main_thread(pid)
    work()
    seconds, after = time.monotonic() - started, main_thread(pid)
    return tuple((b - a) / seconds for a, b in zip(before, after)), seconds


def warm_up(bench, pid):
    """Until ovs-vswitchd has touched all memory that it will: its ports' packet buffers, and an arena a thread."""
    kb, flat = memory_kb(pid), 0
    with bench.streams(rate=3000):
        for i in range(60):
            Storm(bench.lab, SEED + 1 + i).run(200)
            time.sleep(0.2)
            now_kb = memory_kb(pid)
            flat = flat + 1 if now_kb < kb + 64 else 0
            kb = max(kb, now_kb)
            if flat == 5:
                return


def storm_does_no_harm(bench):
    "random and malformed requests under traffic: no packet lost, no growth, nothing in the NIC, main thread idle"
    lab, pid = bench.lab, bench.lab.vswitchd_pid()
    keys = ("created", "destroyed", "refused", "rules")
    warm_up(bench, pid)
    with bench.streams():
        time.sleep(0.5)
        calm, _ = rate(pid, lambda: time.sleep(2))
        nic = {name: [port[key] for key in keys] for name, port in lab.nic_counters().items()}
        kb = memory_kb(pid)
        storm, latency = Storm(lab, SEED), Latency(lab)
        stormy, seconds = rate(pid, lambda: storm.run(REQUESTS // 2))
        latency.start()
        storm.run(REQUESTS - REQUESTS // 2)
        latency_ms = latency.stop()
        grown_kb = memory_kb(pid) - kb
        after = {name: [port[key] for key in keys] for name, port in lab.nic_counters().items()}
    tap.note(f"{REQUESTS} requests, half of them in {seconds:.1f} s, {storm.bytes} bytes of answers; "
             f"{grown_kb} KiB grown; a command of ovs-appctl takes {latency_ms:.2f} ms meanwhile")
    tap.note(f"main thread: {calm[0]:.2%} of a CPU and {calm[1]:.0f} sleeps a second before, "
             f"{stormy[0]:.2%} and {stormy[1]:.0f} during it")
    tap.note(", ".join(f"{what}: {n}" for what, n in sorted(storm.asked.items())))
    for name, result in bench.results.items():
        tap.note(f"{name}: {json.dumps(result)}")
        tap.equal(result["lost"], 0, f"packets of {name} that were lost")
    tap.equal(lab.vswitchd_pid(), pid, "the process")
    tap.equal(after, nic, "rules made, taken away, refused")
    tap.check(grown_kb < 1024, "it does not grow", grown_kb)
    tap.check(stormy[0] < calm[0] + 0.02 and stormy[1] < 1.5 * calm[1] + 20, "the main thread has no part in it",
              calm, stormy)
    tap.in_time(latency_ms, 10, "ovs-appctl is answered as ever")
    for asked in ("validate", "accepted"), ("validate", "refused"), ("validate", "malformed"), ("rules", "ok"):
        tap.check(storm.asked.get(asked), f"some are {asked}", sorted(storm.asked))


def still_right_after_the_storm(bench):
    "after it: rules as the NIC's, and an answer to each command"
    bench.check_listed("vm1")
    bench.done("check")
    tap.equal(bench.validate("vm1", storage_rule(bench.port("p0"))), ["accepted 0 0 none: "], "validate")


# ---- Ports come and go ----


def ports_come_and_go(bench):
    "ports are taken away and plugged in while they are asked about, without a break: ovs-vswitchd stays"
    lab, pid = bench.lab, bench.lab.vswitchd_pid()
    statuses, stop = {}, threading.Event()

    def keep_asking():
        while not stop.is_set():
            for port in range(lab.n_ports() + 1):
                for request in (f"/flowlift/port,{port}", f"/flowlift/validate,{port},{storage_rule(0)}",
                                f"/flowlift/rules,{port}"):
                    with contextlib.suppress(LabError):  # the NIC hangs up on the eleventh
                        (answer,) = lab.telemetry.ask(request)
                        status = (answer.split()[0][7:] if isinstance(answer, str) else answer["status"])
                        statuses[status] = statuses.get(status, 0) + 1

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        for _ in range(8):
            lab.stop_vm("vm3")
            lab.start_vm("vm3")
            tap.equal(lab.vswitchd_pid(), pid, "the process")
    finally:
        stop.set()
        asking.join()
    tap.note(statuses)
    tap.check(statuses.get("accepted", 0) + statuses.get("ok", 0) > 100, "there were answers", statuses)


# ---- Without it ----


def restart_with(bench, words):
    extra = bench.lab.vsctl("get", "Open_vSwitch", ".", "other_config:dpdk-extra").strip().strip('"')
    extra = re.sub(rf" -d ({re.escape(PLUGIN)}|{re.escape(OTHER)})", "", extra) + words
    bench.lab.vsctl("--no-wait", "set", "Open_vSwitch", ".", f'other_config:dpdk-extra="{extra}"')
    before = len(bench.log())
    bench.lab.restart_vswitchd()
    return bench.log()[before:]


NOT_LOADED = ('ENOENT: ovs-vswitchd has not loaded flowlift\'s plug-in: add "-d PATH/librte_flowlift.so" to '
              'other_config:dpdk-extra and restart it; if that was done, its log says why not ("flowlift:")\n')


def another_dpdk_is_refused(bench):
    "built for another DPDK: it adds nothing, says so in one line, and ovs-vswitchd runs as ever"
    log = restart_with(bench, f" -d {OTHER}")
    lines = [line for line in log.splitlines() if "flowlift:" in line]
    tap.note("\n".join(lines))
    tap.check(len(lines) == 1 and re.search(
        r"dpdk\|WARN\|.*built for DPDK 21\.11, this is DPDK 22\.11\.\d+; no commands added", lines[0]),
        "one line", lines)
    answer = bench.edges("check")
    tap.equal((answer.returncode, answer.stdout, answer.stderr), (1, "", NOT_LOADED), "check")
    with bench.streams():
        time.sleep(0.5)


def missing_is_said(bench):
    "not loaded: one sentence that says how to load it"
    restart_with(bench, "")
    for command in "check", "rules":
        answer = bench.edges(command, 0)
        tap.equal((answer.returncode, answer.stdout), (1, ""), command)
    answer = bench.edges("check")
    tap.equal(answer.stderr, NOT_LOADED, "check")
    with stranded(bench):
        found = explained(bench, "vm3")
        said(found, "cannot-tell")
        tap.check(NOT_LOADED == f"ENOENT: {found['nic'][0]['words']}\n", "why not", found["nic"])
        tap.check("refused" in [cause["id"] for cause in found["causes"]], "what the flow shows", found["causes"])
    found = bench.flowlift("flows", "--json").expect(0).json
    tap.equal((found["nic_rules"], found["disagreements"]), (None, None), "flows")
    tap.check("add \"-d PATH/librte_flowlift.so\"" in found["nic_rules_missing"], "why", found["nic_rules_missing"])
    status, summary = agreement_check(bench)
    tap.check(status == "ok" and "not compared" in summary, "doctor", status, summary)


if __name__ == "__main__":
    tap.run(
        [
            versions_are_said,
            ports_are_listed,
            rules_are_the_nics,
            flows_lists_the_rules,
            no_port_is_said,
            validate_is_the_nics_word,
            validate_says_what_ovs_logs,
            explain_asks_the_nic,
            refused_before_and_still,
            refused_again_is_simplified,
            refused_before_is_offered_again,
            agent_offers_again,
            apply_through_the_agent,
            what_ovs_offers_is_accepted,
            many_rules_come_in_pages,
            storm_does_no_harm,
            still_right_after_the_storm,
            ports_come_and_go,
            another_dpdk_is_refused,
            missing_is_said,
        ],
        bench=PluginBench,
    )
