# SPDX-License-Identifier: Apache-2.0
"""What changes remedies goes through the agent when there is one: same answers, whoever hangs, is killed or lies."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import time
from datetime import datetime, timedelta, timezone

import tap
from agent import AgentBench
from agents import wait_until
from bench import PATIENCE

# Of an apply, from when the agent begins with it.
APPLY_S = 4
N_KILLS = int(os.environ.get("KILLS", "1"))
UNTIL_S = 8 * PATIENCE
WITHOUT_IT = "working without it"
NUMBER = re.compile(r"\d[\d.,:]*")


class ThroughBench(AgentBench):
    def prepare(self):
        super().prepare()
        answer = self.flowlift("plan", "vm2", "--json").expect(0)
        self.flow_set = answer.json["flowset"]

    def verbs(self, agent=None, name="vm2"):
        """Each of them in a life of a remedy; {words: what it answers, without numbers}"""
        answers = {}

        def run(*words, code=0):
            answer = self.flowlift(*words).expect(code)
            tap.equal(answer.err, "", f"{words}: standard error")
            answers[words] = without_numbers(answer)

        self.await_verdicts({name: "stranded"})
        run("apply", name, "--ticket", "T-1")
        run("apply", name, "--json")
        run("verify", name)
        run("confirm", name, code=1)
        tap.equal([entry["who"] for entry in self.history()][-1], self.who(), "who, in the journal")
        run("revert", name, "--json")
        run("revert", name)
        run("verify", name, code=1)
        run("revert", "--all", "--json")
        run("confirm", name, "--json", code=1)
        if agent:
            log = agent.log()
            for words in answers:
                step = "revert-all all" if "--all" in words else f"{words[0]} {name}"
                tap.check(f"|INFO|{step} for {self.who()}: " in log, f"the agent did {step}", log)
        return answers

    @staticmethod
    def who():
        user = os.environ.get("SUDO_USER")
        return f"{user} (sudo)" if user and not os.getuid() else "root"

    def history(self):
        return self.flowlift("history", "vm2", "--json").expect(0).json["entries"]

    def check_truth(self, when):
        """All rules or none, and status says what is in the switch."""
        n_all = sum(not rule["decoy"] for rule in self.flow_set["rules"])
        rules, entry = self.our_rules(), self.status()
        n_rules = sum("priority=65000," in rule for rule in rules)
        tap.check(n_rules in (0, n_all), f"{when}: all rules or none", rules)
        if entry is None:
            tap.equal(rules, [], f"{when}: rules without a remedy")
            return entry
        tap.equal(entry["present"], n_rules, f"{when}: rules in the switch, by status")
        tap.equal(entry["state"] in ("installed", "verified"), bool(rules),
                  f"{when}: the state in status is that of the switch")
        return entry

    def order(self, agent, **changes):
        """An order to apply, as anybody may write it to the socket. Return: as control()."""
        order = {"schema": "flowlift/order/1", "step": "apply", "flow_set": self.flow_set, "who": "mallory",
                 "via": "auto", **changes}
        return control(agent, "order", json.dumps(order))


def control(agent, command, *words):
    """As ovs-appctl, whose arguments may not be that long. Return: whether it was refused, the text."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60 * PATIENCE)
        client.connect(f"{agent.rundir}/flowlift-agent.{agent.pid()}.ctl")
        client.sendall(json.dumps({"id": 0, "method": command, "params": words}).encode())
        text = ""
        while True:
            data = client.recv(1 << 16)
            tap.check(data, "an answer to its end", text)
            text += data.decode()
            with contextlib.suppress(ValueError):
                reply = json.loads(text)
                return reply["error"] is not None, reply["error"] or reply["result"]


def without_numbers(answer):
    """Its exit code and whole output, but what differs from run to run."""
    out = answer.out
    if "--json" in answer.words:
        out = json.dumps({key: type(value).__name__ if key in ("hw_share", "packets", "before") else value
                          for key, value in json.loads(out).items() if key != "time"}, indent=1)
    return answer.code, re.sub(r" +", " ", NUMBER.sub("N", out)), answer.err


def same_answers(bench):
    "every verb, with an agent and without: same texts, JSON and exit codes; who is the person"
    alone = bench.verbs()
    with bench.agent() as agent:
        agent.start()
        through = bench.verbs(agent)
    for words, answer in alone.items():
        tap.equal(through[words], answer, f"flowlift {' '.join(words)}")


def hung(bench):
    "the agent stopped (SIGSTOP): a line says so, and it is done without it"
    bench.await_verdicts({"vm2": "stranded"})
    with bench.agent() as agent:
        pid = agent.start()
        bench.apply()
        tap.check("apply vm2 for " in agent.log(), "the agent applied", agent.log())
        os.kill(pid, signal.SIGSTOP)
        try:
            answer = bench.flowlift("verify", "vm2").expect(0)
            lines = answer.err.splitlines()
            tap.check(len(lines) == 1 and "flowlift-agent does not answer" in lines[0]
                      and lines[0].endswith(WITHOUT_IT), "one line says so", str(answer))
            tap.check(answer.out.startswith("vm2: verified"), "the answer", str(answer))
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(agent.answers, 10 * PATIENCE, "it answers again")


def two_at_once(bench):
    "two at once: one after the other, both done; the guard goes on meanwhile"
    with bench.agent() as agent:
        agent.start()
        n_before = agent.log().count("verify vm2 for ")
        runs = [bench.start("verify", "vm2", "--json") for _ in range(2)]
        agent.status()
        for run in runs:
            answer = bench.finish(run).expect(0)
            tap.equal((json.loads(answer.out)["state"], answer.err), ("verified", ""), "state, errors")
        tap.equal(agent.log().count("verify vm2 for ") - n_before, 2, "steps that the agent did")
        # One that ends does what is under way first, and nothing more.
        run = bench.start("verify", "vm2", "--json")
        wait_until(lambda: agent.workers("verify"), 10 * PATIENCE, "the step", 0.005)
        agent.ask("exit")
        answer = bench.finish(run).expect(0)
        tap.equal(answer.err, "", "errors of the step under way")
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "the end")


def client_goes_away(bench):
    "a client killed while it waits: the step is done, the agent lives"
    with bench.agent() as agent:
        agent.start()
        n_before = agent.log().count("verify vm2 for ")
        run = bench.start("verify", "vm2")
        wait_until(lambda: agent.workers("verify"), 10 * PATIENCE, "the step", 0.005)
        run.kill()
        bench.finish(run).expect(-signal.SIGKILL)
        wait_until(lambda: agent.log().count("verify vm2 for ") > n_before, 20 * PATIENCE, "the step is done")
        bench.flowlift("verify", "vm2").expect(0)
        tap.equal(agent.log().count("verify vm2 for ") - n_before, 2, "steps that the agent did")


def until(bench):
    "--until: it stands, and retires when its time has come; a time that is over is refused"
    bench.flowlift("apply", "vm2", "--until", "99.1").expect(2).expect_sentence("OVSDB has no ovs_version")
    # As ovs-ctl does.
    bench.lab.vsctl("set", "Open_vSwitch", ".", "ovs_version=3.1.0")
    for over, parts in (("2001-01-01", ("2001-01-01", "is over")), ("3.1", ("3.1", "3.1.0 runs here"))):
        bench.flowlift("apply", "vm2", "--until", over).expect(2).expect_sentence(*parts)
    with bench.agent() as agent:
        agent.start()
        answer = bench.apply("--until", "99.1", "--json").json
        tap.equal((answer["state"], answer["until"]), ("verified", "99.1"), "state, until")
        tap.check("vm2: stands until Open vSwitch 99.1" in bench.flowlift("status").expect(0).out, "status")
        tap.equal(agent.remedy()["until"], "99.1", "status of the agent")
        tap.check("stands until 99.1" in agent.ask("status"), "in words")
        moment = datetime.now(timezone.utc) + timedelta(seconds=UNTIL_S)
        text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = bench.apply("--until", text, "--json").json
        tap.equal(answer["until"], text.replace("Z", ".000Z"), "until, as it is now")
        bench.lab.wait_until(lambda: not bench.our_rules(), 30 * PATIENCE, "it retires")
        tap.check(datetime.now(timezone.utc) >= moment.replace(microsecond=0), "not before its time")
        wait_until(lambda: bench.history()[-1]["step"] == "revert", 10 * PATIENCE, "the journal's last step")
        last = bench.history()[-1]
        tap.equal((last["state"], bench.status()["state"]), ("reverted", "reverted"), "states")
        tap.check(last["reason"].startswith(f"retired: it was to stand until {answer['until']}"), "why", last)
        tap.equal(bench.status()["until"], None, "until, in the end")
    tap.equal(bench.openflow(), bench.dump_before, "flows in the end")


def liars(bench):
    "orders that nobody but a liar writes: refused, and nothing is changed"
    with bench.agent() as agent:
        agent.start()
        entry = next(rule for rule in bench.flow_set["rules"] if not rule["decoy"])

        def forged(**changes):
            rules = [{**rule, **changes} if rule is entry else rule for rule in bench.flow_set["rules"]
                     if not rule["decoy"]]
            return {**bench.flow_set, "rules": rules}

        def refused(sentence, **changes):
            is_refused, text = bench.order(agent, **changes)
            tap.check(is_refused and sentence in text, f"refused: {sentence}", text)

        refused("cookie does not belong", flow_set={**bench.flow_set, "cookie": "0xf10f000000000001"})
        refused("another priority", flow_set=forged(priority=65535))
        refused("actions that flowlift does not use", flow_set=forged(actions="controller"))
        refused("no guard", flow_set={**bench.flow_set, "guard": None})
        refused("longer than", before={"a": "x" * (1 << 20)})
        refused("an object", flow_set=[])
        for text in ("", "{", "[]", "[" * 100000, json.dumps({"schema": "flowlift/order/1"})):
            tap.check(control(agent, "order", text)[0], f"refused: {text[:20]!r}")

        def not_proven(code, sentence, **changes):
            is_refused, text = bench.order(agent, **changes)
            tap.check(not is_refused, "it is looked into", text)
            document = json.loads(text)
            tap.equal(document["error"], code, f"error; {text}")
            tap.check(sentence in document["message"], f"it says: {sentence}", document)

        not_proven(-22, "there is no bridge br-other here", flow_set=forged(bridge="br-other"))
        not_proven(-22, "there is no bridge ../db here", flow_set=forged(bridge="../db"))
        # vm3's packets, and vm2's, to vm3.
        port = bench.lab.vm("vm3").ofport
        not_proven(-1, "ofproto/trace", flow_set=forged(actions=f"output:{port}"))
        match = re.sub(r"in_port=\w+", "in_port=13", entry["match"])
        not_proven(-1, "ofproto/trace", flow_set=forged(match=match, actions="output:12"))
        stranger = {**bench.flow_set, "vm": {**bench.flow_set["vm"], "name": "vm3"}}
        not_proven(-22, "there is no VM vm3 with identity", flow_set=stranger)
        not_proven(-22, "would retire at once", until="2001-01-01")
        tap.equal(bench.openflow(), bench.dump_before, "flows")
        tap.equal(bench.status()["state"], "reverted", "state")
        tap.equal(agent.status()["incomplete"], None, "the agent lives")


def killed(bench):
    "killed (-9) at random moments of an apply: never half a set, the truth is told, the next apply works"
    seed = int(os.environ.get("SEED") or time.time())
    tap.note(f"SEED={seed}")
    chance = random.Random(seed)
    for i in range(N_KILLS):
        bench.await_verdicts({"vm2": "stranded"})
        with bench.agent() as agent:
            pid = agent.start()
            run = bench.start("apply", "vm2")
            wait_until(lambda: agent.workers("apply") or run.poll() is not None, 30 * PATIENCE, "the step", 0.005)
            seconds = chance.uniform(0, APPLY_S)
            with contextlib.suppress(Exception):
                run.wait(seconds)
            os.kill(pid, signal.SIGKILL)
            answer = bench.finish(run)
            when = f"killed after {seconds:.2f} s, exit code {answer.code}"
            entry = bench.check_truth(when)
            tap.note(f"{when}: {answer.err.strip()}")
            if answer.code:
                answer.expect(2).expect_sentence("flowlift-agent went away while it applied the plan")
                stands = f"vm2 is {entry['state']} now" if entry else "nothing was begun"
                tap.check(stands in answer.err, "it says how it stands", str(answer), entry)
            wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
            agent.start()
            if i == N_KILLS - 1:
                bench.await_verdicts({"vm2": "offloaded" if entry and entry["present"] else "stranded"})
                bench.apply()
                tap.equal(bench.check_truth("the next apply")["state"], "verified", "state")
            bench.revert()
        tap.equal(bench.openflow(), bench.dump_before, "flows after revert")


if __name__ == "__main__":
    tap.run([
        same_answers,
        hung,
        two_at_once,
        client_goes_away,
        until,
        liars,
        killed,
    ], ThroughBench)
