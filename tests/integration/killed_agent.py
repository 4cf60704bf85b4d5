# SPDX-License-Identifier: Apache-2.0
"""The agent killed (-9) at each step of putting rules back, and of taking them out.

The steps are those of killed.py: writing, syncing, linking and renaming files, and each message to the
bridge. strace attaches to an agent that is at rest, lists them once, and then lets SIGKILL come in place of
each. KILLS of them in `make check`, chosen by SEED; all with KILLS=all.
"""

import contextlib
import os
import random
import signal
import subprocess

import tap
from agent import ACL
from agents import agent_of, wait_until
from bench import PATIENCE, SANITIZED
from guarding import GuardedBench
from killed import CALL, DECOY_PRIORITY, FILE_CALLS, SOCKET_CALLS, steps_in
from labkit import processes

SEED = int(os.environ.get("SEED") or 1)
KILLS = os.environ.get("KILLS") or "2"
CALLS = ",?".join((*FILE_CALLS, *SOCKET_CALLS, "connect", "unlinkat"))
OURS = "cookie=0xf10f000000000000/0xffff000000000000"
# From the first step to the last; rules that are lost again and again come back later.
STEPS_SECONDS = 120 * PATIENCE
# A step that does not come any more: the agent asked OVS less often this time.
NO_STEP_SECONDS = 8 * PATIENCE


class KilledAgentBench(GuardedBench):
    def prepare(self):
        # With decoys, so that these are in the steps too.
        self.strand_with_full_mask("vm2")
        super().prepare()
        self.log = f"{self.lab.directory}/strace.log"
        self.apply()
        self.n_rules = self.status()["rules"]
        env = processes.marked_environment(self.lab.id, self.lab.env)
        if SANITIZED:
            env["ASAN_OPTIONS"] = f"{env.get('ASAN_OPTIONS', '')}:detect_leaks=0"
        self.stack = contextlib.ExitStack()
        self.agent = self.stack.enter_context(agent_of(self.lab.root, env))
        self.agent.start()

    def __exit__(self, *exception):
        try:
            self.stack.close()
        finally:
            super().__exit__(*exception)

    @contextlib.contextmanager
    def traced(self, *options):
        """strace on the agent, whose next calls of each name are the first."""
        pid = self.agent.pid()
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-y", "-s", "0", "-o", self.log, f"--trace=?{CALLS}",
                                   *options, "-p", str(pid)], stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: tracer_of(pid) not in (0, None), 20 * PATIENCE, "strace")
            yield pid
        finally:
            tracer.terminate()
            tracer.wait()

    def steps(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            steps = list(steps_in(file, self.lab.root))
        return [step for step in steps if not step.what.endswith("agent.log")]

    def last_call(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            calls = [line for line in file if CALL.match(line)]
        return calls[-1].split(" ", 1)[1].strip()[:80] if calls else "?"

    # ---- Moments ----

    def is_in(self):
        with contextlib.suppress(tap.Failure):
            entry = self.status()
            return (entry["state"] in ("installed", "verified") and entry["state"] == entry["recorded"] and
                    (entry["present"], entry["foreign"]) == (self.n_rules, 0))
        return False

    def is_suspended(self):
        with contextlib.suppress(tap.Failure):
            entry = self.status()
            return entry["recorded"] == "suspended" and not self.our_rules()
        return False

    def until_in(self):
        """With the decoys gone, and what comes after them written down."""
        try:
            wait_until(self.is_in, STEPS_SECONDS, "the rules are in again", 0.1)
        except tap.Failure as failure:
            raise tap.Failure(f"{failure}\n{tap.as_text(self.status())}\n{self.agent.log()[-3000:]}"
                              f"{self.flowlift('history', 'vm2').out[-3000:]}") from None

    def until_suspended(self):
        wait_until(self.is_suspended, STEPS_SECONDS, "the remedy is suspended", 0.1)

    def lose_rules(self):
        self.lab.ofctl("del-flows", "br0", OURS)

    def forbid(self):
        self.add_acl(ACL)

    def check_truth(self, when):
        rules = self.our_rules()
        n_decoys = sum(f"priority={DECOY_PRIORITY}," in rule for rule in rules)
        tap.check(not rules or len(rules) - n_decoys == self.n_rules, f"{when}: all rules or none", rules)
        entry = self.status()
        tap.equal((entry["present"], entry["foreign"]), (self.n_rules if rules else 0, n_decoys),
                  f"{when}: rules in the switch, by status")
        tap.equal(entry["state"] in ("installed", "verified"), bool(rules),
                  f"{when}: the state in status is that of the switch")
        self.flowlift("history", "--json").expect(0, f"{when}: exit code of history")

    def check_files(self, when):
        """Once the next agent has done its work."""
        folder = f"{self.lab.root}/var/lib/flowlift/remedies"
        names = [name for name in os.listdir(folder) if not name.endswith(".lock")]
        tap.check(len(names) == 1 and names[0].endswith(".json"), f"{when}: one file, nothing else", names)

    def ended(self, pid):
        with contextlib.suppress(tap.Failure):
            wait_until(lambda: pid not in self.agent.processes(), NO_STEP_SECONDS, "its end")
            return True
        return False


def tracer_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("TracerPid:")).split()[1])
    return None


def some_of(steps):
    """Those of the bridge are many, and those of files few: the same share of both."""
    if KILLS == "all":
        return steps
    rng = random.Random(SEED)
    to_bridge = [step for step in steps if step.what == "to the bridge"]
    others = [step for step in steps if step.what != "to the bridge"]
    half = int(KILLS) // 2
    return (rng.sample(to_bridge, min(half, len(to_bridge))) +
            rng.sample(others, min(int(KILLS) - half, len(others))))


def list_steps(bench, begin, until):
    bench.until_in()
    with bench.traced():
        begin()
        until()
    steps = bench.steps()
    tap.note(f"SEED={SEED}; {len(steps)} steps: {', '.join(map(str, steps))}")
    for call in ("renameat", "linkat"):
        tap.check(any(step.name == call for step in steps), f"{call} is there")
    tap.check(any(step.what == "to the bridge" for step in steps), "messages are there")
    return steps


def kill_at_each(bench, steps, begin, after):
    """Return: how often rules were in after the kill, and the number of kills."""
    n_in = n_killed = 0
    for step in some_of(steps):
        bench.until_in()
        with bench.traced(f"--inject={step.name}:signal=SIGKILL:when={step.nth}") as pid:
            begin()
            bench.ended(pid)
        # It may have come to that step just when it was given up.
        killed = pid not in bench.agent.processes()
        when = f"killed at {step}: {bench.last_call()}"
        if killed:
            n_killed += 1
            bench.check_truth(when)
            n_in += bool(bench.our_rules())
            bench.agent.start()
        after(when)
        bench.until_in()
        bench.check_files(when)
        tap.equal(bench.others(), bench.dump_before, f"{when}: other flows")
    return n_in, n_killed


def killed_while_it_puts_rules_back(bench):
    "killed at each step of putting rules back: all or none are in, status is true, the next agent finishes"
    steps = list_steps(bench, bench.lose_rules, bench.until_in)
    n_in, n_killed = kill_at_each(bench, steps, bench.lose_rules, lambda when: None)
    tap.note(f"the rules were in after {n_in} of {n_killed} kills")
    tap.check(n_killed, "it was killed")


def killed_while_it_takes_rules_out(bench):
    "killed at each step of a suspension: likewise, and the next agent suspends"
    def after(when):
        bench.until_suspended()
        entry = bench.status()
        tap.check("ofproto/trace" in (entry["note"] or ""), f"{when}: the reason", entry)
        bench.remove_acl()

    steps = list_steps(bench, bench.forbid, bench.until_suspended)
    bench.remove_acl()
    n_in, n_killed = kill_at_each(bench, steps, bench.forbid, after)
    tap.note(f"the rules were in after {n_in} of {n_killed} kills")
    tap.check(n_killed, "it was killed")


def one_agent_is_left(bench):
    "in the end: one agent, which ends as it should"
    agent = bench.agent
    tap.equal(agent.processes(), [agent.pid()], "processes")
    os.kill(agent.pid(), signal.SIGTERM)
    wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
    tap.equal(agent.left(), [], "what is left")


if __name__ == "__main__":
    tap.run([
        killed_while_it_puts_rules_back,
        killed_while_it_takes_rules_out,
        one_agent_is_left,
    ], KilledAgentBench)
