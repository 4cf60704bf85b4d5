# SPDX-License-Identifier: Apache-2.0
"""flowlift-agent's own audits, and the repairs that nobody asked for, with their limits."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone

import tap
from agents import agent_of, wait_until
from bench import CONFIG, PATIENCE, Bench

from labkit import processes, topology  # noqa: E402, found by way of bench

# All but the last two become stranded at once.
N_VMS = 22
MANY = [f"vm{number}" for number in range(1, N_VMS - 1)]
WELL = [f"vm{number}" for number in range(N_VMS - 1, N_VMS + 1)]
INTERVAL = 3
REPAIR_SECONDS = 60
ANSWER_MS = 3000


class AutoBench(Bench):
    """Each VM has a stream of storage packets; none is stranded."""

    def __init__(self):
        # So many ports with memory of their own do not come up.
        super().__init__(vms=N_VMS, stranded=[], nfs=False, public=False,
                         other_config={"per-port-memory": "false"})

    def prepare(self):
        for vm in self.lab.vms:
            self.lab.start_stream(vm.name, rate=50)
        self.auto("off")
        self.await_verdicts(dict.fromkeys(MANY + WELL, "offloaded"), 60)
        self.dump_before = self.openflow()

    def auto(self, mode, interval=INTERVAL, most=6):
        """The configuration, for the next agent or with SIGHUP."""
        self.configure(f"{CONFIG}[audit]\nwindow = 500ms\n[agent]\nauto = {mode}\n"
                       f"interval = {interval}\nmax-repairs-per-hour = {most}\n")

    def agent(self, *options):
        """One with an empty log."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.lab.root}/var/log/flowlift/flowlift-agent.log")
        return agent_of(self.lab.root, processes.marked_environment(self.lab.id, self.lab.env), options)

    def strand(self, *names):
        self.lab.add_flows([flow for name in names
                            for flow in topology.stranded_flows(self.lab.vm(name), "ct")])

    def cure(self, *names):
        for name in names:
            self.lab.ofctl("del-flows", "br0", f"cookie={self.lab.vm(name).cookie:#x}/-1")

    def state_path(self, name=""):
        return f"{self.lab.root}/var/lib/flowlift/{name}"

    def auto_file(self):
        with open(self.state_path("auto.json"), encoding="utf-8") as file:
            return json.load(file)

    def write_auto_file(self, content):
        os.makedirs(self.state_path(), exist_ok=True)
        with open(self.state_path("auto.json"), "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def repaired(self):
        """The VMs whose remedy is on disk and not reverted, {name: state}."""
        document = self.flowlift("status", "--json").json
        return {entry["vm"]: entry["state"] for entry in document["remedies"]
                if entry["state"] != "reverted"}

    def begin_anew(self, *, revert=True):
        """No remedy, no memory of one, no VM stranded. No agent runs."""
        if revert:
            self.flowlift("revert", "--all").expect(0)
        self.cure(*MANY)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.state_path("auto.json"))
        shutil.rmtree(self.state_path("remedies"), ignore_errors=True)
        tap.equal(self.openflow(), self.dump_before, "OpenFlow flows")


def audits(agent):
    return agent.status()["audit"]


def await_audits(agent, number, seconds=20):
    """So many more that began after now."""
    first = audits(agent)
    wanted = first["ok"] + number + first["running"]
    wait_until(lambda: audits(agent)["ok"] >= wanted, seconds * PATIENCE, f"{number} audits", 0.1)


def await_bad(agent, *names):
    """An audit finds exactly these not well."""
    wait_until(lambda: (last := audits(agent)["last"]) and {vm["name"] for vm in last["bad"]} == set(names),
               30 * PATIENCE, f"an audit finds {names}", 0.1)
    return audits(agent)["last"]["bad"]


def lines_of(agent, part):
    return [line for line in agent.log().splitlines() if part in line]


def await_line(agent, part, seconds=30):
    return wait_until(lambda: lines_of(agent, part), seconds * PATIENCE, f"the log says '{part}'", 0.1)[0]


def reread(agent):
    os.kill(agent.pid(), 1)


def seconds_until(text):
    """Of a time of the status."""
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.now(timezone.utc)).total_seconds()


def off_does_nothing(bench):
    "auto = off: no audit but those that are asked for, which answer as `flowlift audit --json` does"
    bench.auto("off", interval=1)
    with bench.agent() as agent:
        agent.start()
        bench.strand("vm1")
        document = wait_until(lambda: (d := json.loads(agent.ask("audit")))["summary"]["stranded"] and d,
                              20 * PATIENCE, "it is found")
        ours, _ = bench.audit()
        vm1 = next(vm for vm in document["vms"] if vm["name"] == "vm1")
        tap.equal(document["schema"], "flowlift/audit/1", "schema")
        tap.equal(len(document["screen"]), N_VMS, "stage one had doubts about")
        for key in ("name", "id", "interfaces", "verdict", "scope", "causes"):
            tap.equal(vm1[key], ours["vm1"][key], f"{key} of vm1")
        number = audits(agent)["ok"]
        time.sleep(2.5)  # two intervals and more
        status = agent.status()
        tap.equal((status["audit"]["ok"], status["audit"]["next"]), (number, None), "audits, the next one")
        tap.equal(status["auto"]["mode"], "off", "mode")
        tap.equal((bench.our_rules(), os.path.exists(bench.state_path("auto.json"))), ([], False),
                  "rules of ours, a file of attempts")
        tap.check("auto = off" in agent.ask("status"), "status in words", agent.ask("status"))


def audit_reports(bench):
    "SIGHUP to auto = audit: what is found is said once, and again when it is over; nothing is repaired"
    bench.auto("off")
    with bench.agent() as agent:
        agent.start()
        bench.auto("audit", interval=1)
        reread(agent)
        (bad,) = await_bad(agent, "vm1")
        tap.equal((bad["verdict"], bad["scope"]), ("stranded", "vm"), "verdict, scope")
        await_audits(agent, 2)
        tap.equal(len(lines_of(agent, "|agent_audit|WARN|vm1: stranded, scope vm, ")), 1, "lines of vm1")
        tap.equal(len(lines_of(agent, "agent_audit|WARN")), 1, "lines of audits")
        text = agent.ask("status")
        tap.check("  vm1: stranded, scope vm, " in text and "auto = audit\n" in text, "in words", text)
        tap.equal((bench.our_rules(), agent.status()["remedies"]), ([], []), "rules, remedies")
        bench.cure("vm1")
        await_line(agent, "vm1: is well again")
        tap.equal(len(lines_of(agent, "vm1: ")), 2, "lines of vm1 in the end")


def ovs_away(bench):
    "no OVSDB: the audit failed, is said once, tried again; status has no good news; then it succeeds again"
    bench.auto("audit", interval=1)
    socket = f"{bench.lab.env['OVS_RUNDIR']}/db.sock"
    with bench.agent() as agent:
        agent.start()
        await_audits(agent, 1)
        os.rename(socket, f"{socket}.away")
        try:
            wait_until(lambda: audits(agent)["failed"] >= 2, 20 * PATIENCE, "two audits fail", 0.1)
            failure = audits(agent)["failure"]
            tap.check("db.sock" in failure["reason"] and failure["times"] >= 2, "status says so", failure)
            answer = agent.appctl("audit")
            tap.equal((answer.returncode, answer.stdout), (2, ""), "exit code of audit, answer")
            tap.check("db.sock" in answer.stderr, "audit answers with the sentence", answer.stderr)
            text = agent.ask("status")
            tap.check("audit failed, " in text and "db.sock" in text, "status in words", text)
            tap.equal(len(lines_of(agent, "the audit failed")), 1, "lines")
        finally:
            os.rename(f"{socket}.away", socket)
        await_line(agent, "audits succeed again")
        tap.equal(audits(agent)["failure"], None, "failure")


def found_and_repaired(bench):
    "auto = repair: a VM that becomes stranded is found by an audit and repaired before the next; nobody asks"
    bench.begin_anew()
    interval = 10
    bench.auto("repair", interval=interval)
    with bench.agent() as agent:
        agent.start()
        bench.strand("vm2")
        began = time.monotonic()
        wait_until(lambda: agent.status()["auto"]["repairing"] or agent.remedy("vm2"), 60 * PATIENCE,
                   "its repair begins")
        found = time.monotonic() - began
        remedy = wait_until(lambda: (entry := agent.remedy("vm2")) and entry["state"] == "verified" and entry,
                            REPAIR_SECONDS * PATIENCE, "verified")
        took = time.monotonic() - began - found
        tap.note(f"found {found:.1f} s after it was stranded, repaired {took:.1f} s later; "
                 f"an audit each {interval} s took {audits(agent)['last']['took_ms']} ms")
        tap.in_time(found * 1000, (interval + 5) * 1000, "found within an interval and an audit")
        tap.in_time(took * 1000, interval * 1000, "repaired before the next audit")
        tap.equal(remedy["who"], "flowlift-agent", "who")
        await_line(agent, "|agent_auto|INFO|vm2: repaired: ")
        tap.equal(agent.status()["auto"]["last_hour"], 1, "repairs of the hour")
        document = json.loads(agent.ask("audit"))
        tap.equal(document["summary"]["offloaded"], N_VMS, "VMs that are offloaded")
        await_line(agent, "vm2: is well again")
        agent.until_event("watches")
    tap.equal([entry["end"] for entry in bench.auto_file()["attempts"]], ["done"], "attempts on disk")
    bench.begin_anew()


def check_limit(bench, agent, most):
    """So many have had their repair, which counters may not bear out on a machine that stands still."""
    status = agent.status()["auto"]
    repaired, alone = bench.repaired(), [hold["vm"] for hold in status["left_alone"]]
    tap.equal(status["last_hour"], most, "repairs of the hour")
    tap.equal((len(repaired) + len(alone), len(status["waiting"])), (most, len(MANY) - most),
              "VMs that had theirs, and that wait")
    tap.check(repaired and set(repaired.values()) == {"verified"}, "states of remedies", repaired, status)
    if alone:
        tap.note(f"not verified: {status['left_alone']}")


def limit_of_an_hour(bench):
    "20 become stranded at once: max-repairs-per-hour are repaired, the others wait, said once; also restarted"
    most = 2
    bench.auto("repair", interval=2, most=most)
    with bench.agent() as agent:
        agent.start()
        bench.strand(*MANY)
        wait_until(lambda: agent.status()["auto"]["repairing"], 60 * PATIENCE, "the first repair")
        began = time.monotonic()
        agent.status()
        tap.in_time((time.monotonic() - began) * 1000, ANSWER_MS, "it answers meanwhile")
        await_line(agent, f"max-repairs-per-hour is {most}: nobody more is repaired until ",
                   REPAIR_SECONDS * most)
        await_audits(agent, 2)
        check_limit(bench, agent, most)
        tap.equal(len(lines_of(agent, "max-repairs-per-hour")), 1, "lines about it")
        text = agent.ask("status")
        tap.check(f"auto = repair: {most} of {most} repairs in an hour" in text and "  waiting: vm" in text,
                  "in words", text)
        os.kill(agent.pid(), 9)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        agent.start()
        await_audits(agent, 2)
        check_limit(bench, agent, most)


def refused_by_the_nic(bench):
    "the NIC refuses everything: three VMs are tried, then nobody; the switch is as before; also restarted"
    # Each VM failed twice before, and its time is over.
    past = (datetime.now(timezone.utc) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bench.write_auto_file({
        "schema": "flowlift/auto/1", "attempts": [], "stopped": None, "stop_reason": None,
        "holds": [{"vm": name, "vm_id": bench.lab.vm(name).uuid, "failed": 2, "until": past,
                   "reason": "it did not help"} for name in MANY]})
    bench.flowlift("revert", "--all").expect(0)
    shutil.rmtree(bench.state_path("remedies"))
    before = bench.openflow()
    bench.auto("repair", interval=1, most=100)
    bench.lab.fault("table-full", "on")
    with bench.agent() as agent:
        agent.start()
        line = await_line(agent, "nobody is repaired until ", 3 * REPAIR_SECONDS)
        tap.check("failed verification" in line and "auto-resume" in line, "the line", line)
        await_audits(agent, 2)
        status = agent.status()["auto"]
        tap.equal((status["repairs"]["unverified"], status["last_hour"]), (3, 3), "repairs")
        tap.check(3000 < seconds_until(status["stopped"]["until"]) <= 3600, "stopped for an hour", status)
        tap.equal(len(status["left_alone"]), 3, "VMs that are left alone")
        for hold in status["left_alone"]:
            tap.check(4 * 3600 - 600 < seconds_until(hold["until"]) <= 4 * 3600 and hold["failed"] == 3 and
                      "through software" in hold["reason"], f"{hold['vm']}: for 4 h, and why", hold)
        tap.equal((bench.openflow(), bench.repaired()), (before, {}), "OpenFlow flows, remedies")
        text = agent.ask("status")
        tap.check("  stopped until " in text and ": left alone until " in text, "in words", text)
        tap.equal(len(lines_of(agent, "not repaired (unverified)")), 3, "lines of VMs")
        tap.equal(len(lines_of(agent, "nobody is repaired")), 1, "lines about the stop")
        agent.ask("exit")
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        agent.start()
        await_audits(agent, 1)
        status = agent.status()["auto"]
        tap.check(status["stopped"] and status["last_hour"] == 3, "stopped after a restart", status)
        tap.equal(bench.openflow(), before, "OpenFlow flows after a restart")


def resumed(bench):
    "with a NIC that works again auto-resume has the others repaired; the three are left alone"
    bench.lab.fault("all", "off")
    bench.auto("repair", interval=1, most=4)
    alone = {hold["vm"] for hold in bench.auto_file()["holds"] if hold["failed"] == 3}
    with bench.agent() as agent:
        agent.start()
        await_audits(agent, 1)
        tap.equal(agent.ask("auto-resume").strip(), "automatic repairs go on", "answer")
        wait_until(lambda: agent.status()["auto"]["repairs"]["done"] == 1, REPAIR_SECONDS * PATIENCE,
                   "one more is repaired", 0.1)
        (name,) = bench.repaired()
        tap.check(name not in alone, "one that was not tried", name, sorted(alone))
        await_line(agent, "max-repairs-per-hour is 4")
        tap.equal(agent.ask("auto-resume").strip(), "automatic repairs were not stopped", "answer")


def damaged_file(bench):
    "a damaged auto.json: said once, nobody is repaired, until auto-resume writes it anew"
    bench.begin_anew()
    bench.auto("repair", interval=1)
    damaged = '{"schema": "flowlift/auto/1", "attempts": [{"vm": '
    bench.write_auto_file(damaged)
    with bench.agent() as agent:
        agent.start()
        bench.strand("vm6")
        await_bad(agent, "vm6")
        await_audits(agent, 2)
        status = agent.status()["auto"]
        tap.check("auto.json" in status["unreadable"], "status says so", status)
        tap.equal(len(lines_of(agent, "nothing is repaired")), 1, "lines about it")
        tap.check("  nobody is repaired: " in agent.ask("status"), "in words", agent.ask("status"))
        with open(bench.state_path("auto.json"), encoding="utf-8") as file:
            tap.equal(file.read(), damaged, "the file")
        tap.equal(bench.our_rules(), [], "rules of ours")
        agent.ask("auto-resume")
        wait_until(lambda: agent.status()["auto"]["repairs"]["done"] == 1, REPAIR_SECONDS * PATIENCE,
                   "it is repaired", 0.1)
    bench.begin_anew()


def asked_while_one_runs(bench):
    "several who ask for an audit at once get one that began after they asked"
    bench.auto("off")
    with bench.agent() as agent:
        agent.start()
        words = ["ovs-appctl", "-t", "flowlift-agent", "audit"]
        askers = [subprocess.Popen(words, env=agent.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True) for _ in range(3)]
        worker = wait_until(lambda: agent.workers("audit"), 20 * PATIENCE, "a worker", 0.005)
        tap.equal(len(worker), 1, "workers")
        for asker in askers:
            out, err = asker.communicate(timeout=60 * PATIENCE)
            tap.equal((asker.returncode, err), (0, ""), "exit code, errors")
            tap.equal(json.loads(out)["summary"]["offloaded"], N_VMS, "offloaded")
        tap.check(audits(agent)["ok"] <= 2 or PATIENCE > 1, "one more than one at most", audits(agent))


if __name__ == "__main__":
    tap.run([
        off_does_nothing,
        audit_reports,
        ovs_away,
        found_and_repaired,
        limit_of_an_hour,
        refused_by_the_nic,
        resumed,
        damaged_file,
        asked_while_one_runs,
    ], AutoBench)
