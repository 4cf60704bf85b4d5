# SPDX-License-Identifier: Apache-2.0
"""apply --confirm-within: a remedy that nobody confirms is reverted, whoever is killed; and plans from files."""

import contextlib
import json
import os
import signal
import subprocess
import time
from datetime import datetime, timezone

import tap
from bench import PATIENCE, SANITIZED, Bench
from guarding import Guard

# From when the rules go in. Verifying takes some 3 s of it, with a sanitizer twice that.
WITHIN_S = 20 if SANITIZED else 10
# How late a revert may be: the waiter looks once a second, and OVS has to be asked.
LATE_S = 2 * PATIENCE


class ConfirmBench(Bench):
    def __init__(self):
        super().__init__(window=1, vms=3, nfs=False, public=False)

    def prepare(self):
        self.load_all(rate=100, kind="tcp")
        self.await_verdicts({"vm1": "offloaded", "vm2": "stranded", "vm3": "offloaded"})
        self.dump_before = self.openflow()

    def seconds_left(self):
        by = datetime.fromisoformat(self.status()["confirm_by"].replace("Z", "+00:00"))
        return (by - datetime.now(timezone.utc)).total_seconds()

    def waiters(self):
        """Process ids of the waiters of this bench."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                if "await-confirm" in words and os.path.realpath(self.lab.root) in words:
                    found.append(int(pid))
        return found

    def await_revert(self, left_s):
        """It comes when the time is over, not before. Return: how late, in seconds."""
        deadline = time.monotonic() + left_s
        self.lab.wait_until(lambda: not self.our_rules(), left_s + 10 * PATIENCE, "the revert")
        late = time.monotonic() - deadline
        tap.check(-0.2 < late < LATE_S, f"reverted on time, at most {LATE_S} s late", late)
        self.lab.wait_until(lambda: self.status()["state"] == "reverted", 5 * PATIENCE, "the record")
        tap.equal(self.openflow(), self.dump_before, "flows after it")
        entry = self.status()
        tap.equal((entry["state"], entry["confirm_by"]), ("reverted", None), "status")
        last = self.last_entry()
        tap.equal((last["step"], last["state"]), ("revert", "reverted"), "the journal's last step")
        tap.check("not confirmed by" in last["reason"], "the journal says why", last)
        self.lab.wait_until(lambda: not self.waiters(), 5 * PATIENCE, "the end of the waiter")
        tap.note(f"reverted {late:.2f} s after the time: {last['reason']}")

    def last_entry(self):
        return self.flowlift("history", "vm2", "--json").expect(0).json["entries"][-1]

    def await_stranded(self):
        self.await_verdicts({"vm2": "stranded"})


def nothing_to_confirm(bench):
    "confirm with nothing to confirm: exit 1 with a sentence; a wrong time is refused"
    for name in ("vm2", "vm99"):
        answer = bench.flowlift("confirm", name).expect(1)
        tap.check("nothing to confirm" in answer.out, "it says so", str(answer))
    document = bench.flowlift("confirm", "vm2", "--json").expect(1).json
    tap.equal((document["vm"], document["confirmed"]), ("vm2", False), "JSON")
    for wrong in ("1s", "soon", "90h", "-5", "3m3", "100000m", "nan"):
        bench.flowlift("apply", "vm2", "--confirm-within", wrong).expect(2).expect_sentence(
            "--confirm-within", wrong)


def confirmed_in_time(bench):
    "confirmed in time it stays; until then apply and status say when it reverts"
    answer = bench.apply("--confirm-within", f"{WITHIN_S}s")
    tap.check("reverts at " in answer.out and "flowlift confirm vm2" in answer.out,
              "apply says until when", answer.out)
    text = bench.flowlift("status").expect(0).out
    tap.check("vm2: reverts at " in text, "status says it too", text)
    left = bench.seconds_left()
    tap.check(0 < left <= WITHIN_S, "time left", left)
    waiters = bench.waiters()
    tap.equal(len(waiters), 1, "waiters")
    check_detached(waiters[0])
    bench.flowlift("confirm", "vm2", "--json").expect(0)
    last = bench.last_entry()
    tap.equal((last["step"], last["state"]), ("confirm", "verified"), "the journal's last step")
    entry = bench.status()
    tap.equal((entry["state"], entry["confirm_by"]), ("verified", None), "status")
    bench.lab.wait_until(lambda: not bench.waiters(), 5 * PATIENCE, "the end of the waiter")
    bench.flowlift("confirm", "vm2").expect(1)
    time.sleep(max(0, left) + 1)
    entry = bench.status()
    tap.equal((entry["state"], entry["present"]), ("verified", entry["rules"]), "after the time")
    bench.revert()
    bench.await_stranded()


def check_detached(pid):
    """A session of its own, no terminal, in /, and only /dev/null open."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    tap.check(fields[3] != str(os.getsid(0)), "a session of its own", fields)
    tap.equal(fields[4], "0", "terminal")
    tap.equal(os.readlink(f"/proc/{pid}/cwd"), "/", "folder")
    for fd in "012":
        tap.equal(os.readlink(f"/proc/{pid}/fd/{fd}"), "/dev/null", f"descriptor {fd}")
    # Those of one look at a time: no pipe, no lock, no socket of whoever applied.
    rest = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")} - {"/dev/null"}
    tap.check(not any("pipe:" in name or "lock" in name for name in rest), "no descriptors", list(rest))


def reverts_by_itself(bench):
    "not confirmed, it is reverted on time"
    bench.apply("--confirm-within", str(WITHIN_S))
    bench.await_revert(bench.seconds_left())
    bench.flowlift("confirm", "vm2").expect(1)
    bench.await_stranded()


def reverts_when_apply_is_killed(bench):
    "the apply killed (-9) as soon as its rules are in: reverted on time all the same"
    apply = bench.start("apply", "vm2", "--confirm-within", f"{WITHIN_S}s")
    bench.lab.wait_until(bench.our_rules, 20 * PATIENCE, "the rules of apply", interval=0.005)
    apply.kill()
    bench.finish(apply).expect(-signal.SIGKILL)
    bench.await_revert(bench.seconds_left())
    bench.await_stranded()


def reverts_when_the_terminal_is_closed(bench):
    "the terminal of the apply closed: reverted on time all the same"
    master, slave = os.openpty()
    apply = subprocess.Popen(
        ["setsid", "--ctty", *bench.command("apply", "vm2", "--confirm-within", f"{WITHIN_S}s")],
        env=bench.environment(), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    bench.lab.wait_until(bench.our_rules, 20 * PATIENCE, "the rules of apply", interval=0.005)
    os.close(master)
    tap.check(apply.wait(30 * PATIENCE) != 0, "apply was hung up", apply.returncode)
    bench.await_revert(bench.seconds_left())
    bench.await_stranded()


def lost_waiter(bench):
    "the waiter killed too: status says that the time is over, and a guard reverts it"
    bench.apply("--confirm-within", f"{WITHIN_S}s")
    left = bench.seconds_left()
    for pid in bench.waiters():
        os.kill(pid, signal.SIGKILL)
    time.sleep(max(0, left) + 0.5)
    entry = bench.status()
    tap.check("was to be confirmed by" in (entry["note"] or ""), "status says so", entry)
    late = bench.flowlift("confirm", "vm2").expect(1)
    tap.check("too late" in late.out, "confirm says so", str(late))
    with Guard(bench) as guard:
        event = guard.until("reverted", "suspended", "restored")
        tap.equal((event["event"], event["state"]), ("reverted", "reverted"), "event")
        guard.end()
    tap.equal(bench.openflow(), bench.dump_before, "flows after it")
    tap.equal(bench.status()["state"], "reverted", "state")
    bench.await_stranded()


def unchanged_plan_is_applied_as_it_is(bench):
    "apply --plan, the pipeline unchanged: the plan's own rules, proven_anew false"
    bench.plan = f"{bench.lab.directory}/plan.json"
    bench.flowlift("plan", "vm2", "-o", bench.plan).expect(0)
    answer = bench.flowlift("apply", "vm2", "--plan", bench.plan, "--json").expect(0).json
    tap.equal(answer["proven_anew"], False, "proven_anew")
    with open(bench.plan, encoding="utf-8") as file:
        planned = [rule["match"] for rule in json.load(file)["rules"] if not rule["decoy"]]
    tap.equal(len(bench.our_rules()), len(planned), "rules")
    bench.revert()
    bench.await_stranded()


def changed_pipeline_is_proven_against(bench):
    "apply --plan after a change of the pipeline: proven anew, and what is applied is shown"
    bench.lab.ofctl("add-flow", "br0", "cookie=0x1ab0acc1,table=0,priority=90,in_port=13,udp,"
                    "tp_dst=5,actions=drop")
    answer = bench.flowlift("apply", "vm2", "--plan", bench.plan).expect(0)
    tap.check("the pipeline has changed since this plan was made: proven anew" in answer.out,
              "it says so", str(answer))
    tap.check("priority=65000" in answer.out, "the rules are shown", str(answer))
    bench.revert()
    bench.await_stranded()
    answer = bench.flowlift("apply", "vm2", "--plan", bench.plan, "--json").expect(0).json
    tap.equal(answer["proven_anew"], True, "proven_anew")
    bench.revert()
    bench.lab.ofctl("del-flows", "br0", "cookie=0x1ab0acc1/-1")
    tap.equal(bench.openflow(), bench.dump_before, "flows in the end")


def forged_plan_is_refused(bench):
    "a plan whose rules somebody edited is not applied, though its pipeline is unchanged"
    with open(bench.plan, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    for rule in document["flowset"]["rules"]:
        rule["actions"] = "output:13"
    with open(bench.plan, "w", encoding="utf-8") as file:
        json.dump(document, file)
    bench.await_stranded()
    bench.flowlift("apply", "vm2", "--plan", bench.plan).expect(1)
    tap.equal(bench.openflow(), bench.dump_before, "flows")


if __name__ == "__main__":
    tap.run([
        nothing_to_confirm,
        confirmed_in_time,
        reverts_by_itself,
        reverts_when_apply_is_killed,
        reverts_when_the_terminal_is_closed,
        lost_waiter,
        unchanged_plan_is_applied_as_it_is,
        changed_pipeline_is_proven_against,
        forged_plan_is_refused,
    ], ConfirmBench)
