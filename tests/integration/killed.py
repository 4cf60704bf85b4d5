# SPDX-License-Identifier: Apache-2.0
"""flowlift killed (-9) at each step of apply and of revert.

The steps are what the program asks the kernel for: writing, syncing, linking and renaming its
files, and each message to the bridge. One run under strace lists them; then each is the last one
of a run of its own, since strace lets SIGKILL come in its place. Nothing in flowlift knows of it.
"""

import contextlib
import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor as Threads

import tap
from bench import PATIENCE, SANITIZED, Bench, files_under

FILE_CALLS = ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "link", "linkat", "rename",
              "renameat", "renameat2", "mkdir")
SOCKET_CALLS = ("sendto", "sendmsg")
CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>[a-z0-9_]+)\((?P<arguments>.*)$")
SOCKET = re.compile(r"^\d+<[^<>]*\[(\d+)\]")
UNIX_PATH = re.compile(r'sun_path="([^"]*)"')
# Every so many-th kill is finished by apply, the others by revert, which is quicker.
APPLY_EVERY = 8
N_BENCHES = 3
# What a kill leaves behind does not depend on the build: a sanitizer is to see each kind of step once.
TRIED = slice(None, None, 3 if SANITIZED else 1)
DECOY_PRIORITY = 65001
# Messages to the bridge while apply watches the counters: enough for the change that takes the
# decoys out again.
WATCH_MESSAGES = 14


class Step:
    """The nth call of one name."""

    def __init__(self, name, nth, what):
        self.name = name
        self.nth = nth
        self.what = what

    def __str__(self):
        return f"{self.name} {self.nth} ({self.what})"


class KilledBench(Bench):
    def __init__(self):
        super().__init__(window=1, vms=3, nfs=False, public=False)

    def prepare(self):
        # With decoys, so that these are in the steps too.
        self.strand_with_full_mask("vm2")
        self.load_all(rate=100, kind="tcp")
        self.await_verdicts({"vm1": "offloaded", "vm2": "stranded", "vm3": "offloaded"})
        self.dump_before = self.openflow()
        self.plan = f"{self.lab.directory}/plan.json"
        self.flowlift("plan", "vm2", "-o", self.plan).expect(0)
        with open(self.plan, encoding="utf-8") as file:
            rules = json.load(file)["rules"]
        self.n_rules = sum(not rule["decoy"] for rule in rules)
        tap.check(len(rules) > self.n_rules, "the plan has decoys", rules)

    def strace(self, options, *words):
        # LeakSanitizer cannot look into a process that is traced already.
        asan = os.environ.get("ASAN_OPTIONS", "")
        env = {"ASAN_OPTIONS": f"{asan}:detect_leaks=0"} if SANITIZED else None
        return self.flowlift(*words, prefix=("strace", "-f", "-qq", *options), env=env)

    def steps_of(self, *words):
        """What one whole run asks the kernel for, in order."""
        log = f"{self.lab.directory}/strace.log"
        calls = ",".join((*FILE_CALLS, *SOCKET_CALLS, "connect"))
        answer = self.strace(("-y", "-s", "0", "-o", log, f"--trace=?{calls.replace(',', ',?')}"),
                             *words)
        answer.expect(0, "the run that is watched")
        with open(log, encoding="utf-8", errors="replace") as file:
            return list(steps_in(file, self.lab.root))

    def kill_at(self, step, *words):
        if step.name == "mkdir":
            # Made once; so that it is made again, nothing may be left of the runs before, if there were any.
            for folder in ("var", "run"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(f"{self.lab.root}/{folder}")

        def was_killed():
            answer = self.strace(("-o", "/dev/null", f"--trace={step.name}",
                                  f"--inject={step.name}:signal=SIGKILL:when={step.nth}"), *words)
            if answer.code == 2 and "audit again" in answer.err:
                return False  # the flows are too young yet
            tap.equal(answer.code, -signal.SIGKILL,
                      f"exit code of a run killed at {step}\n{answer}")
            return True

        self.lab.wait_until(was_killed, 20 * PATIENCE, "a verdict")

    def install_quickly(self):
        """The state in the middle of an apply: installed, on disk and in the switch."""
        apply = self.start("apply", "vm2", "--plan", self.plan)
        self.lab.wait_until(lambda: (self.status() or {}).get("state") == "installed",
                            20 * PATIENCE, "the rules of apply")
        apply.kill()
        self.finish(apply).expect(-signal.SIGKILL)

    def check_truth(self, step):
        """What status says against what is in the switch; the set is there wholly or not at all."""
        rules = self.our_rules()
        n_decoys = sum(f"priority={DECOY_PRIORITY}," in rule for rule in rules)
        tap.check(not rules or len(rules) - n_decoys == self.n_rules,
                  f"killed at {step}: all rules or none", rules)
        self.check_files(step)
        entry = self.status()
        if entry is None:
            tap.equal(rules, [], f"killed at {step}: rules in the switch with none in status")
            return
        present = self.n_rules if rules else 0
        tap.equal(entry["present"], present, f"killed at {step}: rules in the switch, by status")
        tap.check((entry["state"] in ("installed", "verified")) == bool(rules),
                  f"killed at {step}: the state in status is that of the switch", entry, rules)

    def check_files(self, step):
        folder = f"{self.lab.root}/var/lib/flowlift/remedies"
        for name in files_under(folder):
            if name.endswith(".json"):
                with open(f"{folder}/{name}", encoding="utf-8") as file:
                    try:
                        json.load(file)
                    except ValueError as error:
                        raise tap.Failure(f"killed at {step}: {name} is damaged: {error}") from None
        journal = f"{self.lab.root}/var/log/flowlift/journal.jsonl"
        if os.path.exists(journal):
            self.flowlift("history", "--json").expect(0, f"killed at {step}: exit code of history")

    def finish_by_revert(self, step):
        self.revert()
        tap.equal(self.openflow(), self.dump_before, f"killed at {step}: flows after revert")
        entry = self.status()
        tap.check(entry is None or (entry["state"], entry["present"]) == ("reverted", 0),
                  f"killed at {step}: reverted, says status", entry)
        self.check_no_leftovers(step)

    def finish_by_apply(self, step):
        self.flowlift("apply", "vm2").expect(0, f"killed at {step}: exit code of apply")
        tap.equal(len(self.our_rules()), self.n_rules, f"killed at {step}: rules after apply")
        entry = self.status()
        tap.equal((entry["state"], entry["present"]), ("verified", self.n_rules),
                  f"killed at {step}: state and rules after apply")
        self.check_no_leftovers(step)

    def check_no_leftovers(self, step):
        names = files_under(f"{self.lab.root}/var/lib/flowlift/remedies")
        tap.check(len(names) <= 1 and all(name.endswith(".json") for name in names),
                  f"killed at {step}: one remedy file, nothing else", names)


def steps_in(lines, root):
    """The calls that write below @root, and those to a bridge."""
    counts, bridges = {}, set()
    for line in lines:
        match = CALL.match(line)
        if not match:
            continue  # the second half of a call, or how the process ended
        name, arguments = match["name"], match["arguments"]
        socket = SOCKET.match(arguments)
        path = UNIX_PATH.search(arguments)
        if name == "connect":
            if socket and path and path[1].endswith(".mgmt"):
                bridges.add(socket[1])
            continue
        key = (match["pid"], name)
        counts[key] = counts.get(key, 0) + 1
        if name in SOCKET_CALLS:
            if socket and socket[1] in bridges:
                yield Step(name, counts[key], "to the bridge")
        elif root in arguments:
            where = re.search(re.escape(root) + r"/([^>\"]*)", arguments)[1]
            yield Step(name, counts[key], where)


def until_verified(steps):
    """Without most messages of the watch, which only read."""
    kept, n_after = [], 0
    n_records = sum(step.name.startswith("rename") for step in steps)
    seen = 0
    for step in steps:
        seen += step.name.startswith("rename")
        watching = seen >= n_records - 1 and step.what == "to the bridge"
        n_after += watching
        if not watching or n_after <= WATCH_MESSAGES:
            kept.append(step)
    return kept


class Benches:
    """Some benches side by side: most of the time is spent waiting for counters."""

    def __enter__(self):
        self.all = [KilledBench() for _ in range(N_BENCHES)]
        with contextlib.ExitStack() as stack, Threads(N_BENCHES) as threads:
            self.first, *_ = threads.map(stack.enter_context, self.all)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def each_step(self, steps, try_step):
        """try_step(bench, number, step) for every step; the sum of what it returns."""
        def try_some(i):
            return sum(try_step(self.all[i], number, step)
                       for number, step in enumerate(steps) if number % N_BENCHES == i)

        with Threads(N_BENCHES) as threads:
            return sum(threads.map(try_some, range(N_BENCHES)))


def apply_killed_at_each_step(benches):
    "apply killed at each step: status tells the truth, revert or apply finishes the work"
    def try_step(bench, number, step):
        bench.kill_at(step, "apply", "vm2", "--plan", bench.plan)
        installed = bool(bench.our_rules())
        bench.check_truth(step)
        if number % APPLY_EVERY == 0:
            bench.finish_by_apply(step)
        bench.finish_by_revert(step)
        if number % APPLY_EVERY == 0:
            bench.await_verdicts({"vm2": "stranded"})
        return installed

    bench = benches.first
    steps = until_verified(bench.steps_of("apply", "vm2", "--plan", bench.plan))
    bench.revert()
    tap.note(f"{len(steps)} steps: {', '.join(map(str, steps))}")
    tap.check(sum(step.what == "to the bridge" for step in steps) >= 6, "messages are there")
    tap.check(sum(step.name.startswith("rename") for step in steps) >= 3, "records are there")
    installed = benches.each_step(steps[TRIED], try_step)
    tap.note(f"the rules were in after {installed} of {len(steps[TRIED])} kills")
    tap.check(0 < installed < len(steps[TRIED]), "kills before and after the rules went in")


def revert_killed_at_each_step(benches):
    "revert killed at each step: status tells the truth, revert or apply finishes the work"
    def try_step(bench, number, step):
        bench.install_quickly()
        bench.kill_at(step, "revert", "vm2")
        reverted = not bench.our_rules()
        bench.check_truth(step)
        if number % APPLY_EVERY == 0:
            if reverted:
                bench.await_verdicts({"vm2": "stranded"})
            bench.finish_by_apply(step)
        bench.finish_by_revert(step)
        return reverted

    bench = benches.first
    bench.install_quickly()
    steps = bench.steps_of("revert", "vm2")
    tap.note(f"{len(steps)} steps: {', '.join(map(str, steps))}")
    tap.check(any(step.what == "to the bridge" for step in steps), "messages are there")
    tap.check(any(step.name.startswith("rename") for step in steps), "the record is there")
    reverted = benches.each_step(steps[TRIED], try_step)
    tap.note(f"the rules were out after {reverted} of {len(steps[TRIED])} kills")
    tap.check(0 < reverted < len(steps[TRIED]), "kills before and after the rules went out")


if __name__ == "__main__":
    tap.run([
        apply_killed_at_each_step,
        revert_killed_at_each_step,
    ], Benches)
