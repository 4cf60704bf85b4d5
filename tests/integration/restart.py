# SPDX-License-Identifier: Apache-2.0
"""A VM starts again: other port number, other MAC address, other public address. Its remedy follows it.

FLOWLIFT_RESTARTS=50 restarts it so often (6, with a sanitizer 3).
"""

import datetime
import os
import re
import statistics
import subprocess
import threading
import time

import tap
from agents import wait_until
from bench import PATIENCE, SANITIZED
from agent import ACL, AgentBench

from labkit import processes  # noqa: E402, found by way of bench

RESTARTS = int(os.environ.get("FLOWLIFT_RESTARTS") or (3 if SANITIZED else 6))
INSTALLED_MS = 100
# Of the time that a VM without a remedy needs until its flows are in hardware.
AS_FAST = 1.5
OFFLOADED = {"vm1": "offloaded", "vm2": "offloaded", "vm3": "offloaded"}


class RestartBench(AgentBench):
    """VMs with a public interface, too."""

    def __init__(self):
        super().__init__()
        self.lab.options["public"] = True
        self.starts = 0

    def prepare(self):
        super().prepare()
        self.lab.job("stream-vm2").stop()
        self.lab.job("load-vm2").stop()
        self.lab.start_load("vm2", rate=100, kind="tcp")
        self.dump_before = self.others()
        self.apply()

    def others(self):
        """Flows of VMs come and go with them."""
        return "\n".join(line for line in super().others().splitlines()
                         if not any(f"cookie={vm.cookie:#x}" in line for vm in self.lab.vms))

    def moves(self, name):
        """What is new with another start."""
        self.starts += 1
        vm = self.lab.vm(name)
        return {
            "ofport": 100 + self.starts, "public_ofport": 300 + self.starts,
            "mac": f"52:54:00:65:{self.starts:02x}:{vm.number:02x}",
            "public_address": f"10.200.0.{100 + self.starts % 100}",
            "zone": 1000 + self.starts,
        }

    def stop_vm(self, name):
        self.lab.job(f"load-{name}").stop()
        self.lab.stop_vm(name)

    def start_vm(self, name, load=True, **moves):
        self.lab.start_vm(name, **{**self.moves(name), **moves})
        if load:
            self.lab.start_load(name, rate=100, kind="tcp")

    def our_match(self, text):
        return [rule for rule in self.our_rules() if text in rule]


class Watcher:
    """What the bridge itself says, and when: `ovs-ofctl monitor`, of ports and of flows."""

    LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}): (.*)")

    def __init__(self, lab):
        self.child = subprocess.Popen(
            ["ovs-ofctl", "-O", "OpenFlow10", "--timestamp", "monitor", "br0", "65534", "watch:!initial"],
            env=processes.marked_environment(lab.id, lab.env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.events = []
        self.lock = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def _read(self):
        at = None
        for line in self.child.stdout:
            match = self.LINE.match(line)
            if match:
                at = datetime.datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S.%f").timestamp()
            with self.lock:
                self.events.append((at, line.rstrip()))
                self.lock.notify_all()

    def clear(self):
        with self.lock:
            self.events.clear()

    def when(self, pattern, seconds=20):
        """When the first line of this kind was said."""
        def found():
            return next((at for at, line in self.events if re.search(pattern, line)), None)
        with self.lock:
            if not self.lock.wait_for(lambda: found() is not None, seconds * PATIENCE):
                raise tap.Failure(f"the bridge does not say {pattern}, but\n"
                                  + "\n".join(line for _, line in self.events[-40:]))
            return found()


def follows(bench):
    "restarted again and again: rules for the new port and MAC at once, in hardware, verified by itself"
    lab = bench.lab
    with bench.agent() as agent, Watcher(lab) as watcher:
        agent.start()
        agent.until_event("watches")
        took = []
        for _ in range(RESTARTS):
            bench.stop_vm("vm2")
            lab.wait_until(lambda: not bench.our_rules(), 10 * PATIENCE, "no rule of a VM that is away")
            watcher.clear()
            bench.start_vm("vm2")
            vm = lab.vm("vm2")
            port = watcher.when(rf"ADD: {vm.ofport}\(")
            rules = watcher.when(rf"event=ADDED.*cookie=0xf10f.*in_port={vm.ofport}\b")
            took.append(1000 * (rules - port))
            lab.wait_until(lambda: bench.our_match(f"dl_dst={vm.mac}"), 10 * PATIENCE, "the other direction")
        tap.note(f"{RESTARTS} restarts: rules in {statistics.median(took):.0f} ms (median) and "
                 f"{max(took):.0f} ms (worst) after the port")
        tap.in_time(statistics.median(took), INSTALLED_MS, "rules are in soon after the port (median, ms)")
        bench.check_in()
        tap.equal(len(bench.our_match(vm.mac)), len(bench.our_rules()), "rules with its MAC address")
        bench.await_verdicts(OFFLOADED)
        tap.check("|INFO|" in agent.log() and "verified: 1" in agent.log(), "the log says verified",
                  agent.log()[-3000:])


def waits_for_its_return(bench):
    "away: suspended, with the reason, though another VM gets its port number; back at another: rules for that"
    lab = bench.lab
    with bench.agent() as agent:
        agent.start()
        agent.until_event("watches")
        old = lab.vm("vm2").ofport
        bench.stop_vm("vm2")
        entry = agent.until_event("suspended")
        tap.equal(entry["last_event"]["reason"],
                  "the VM is not on this host: its rules are out, and its remedy waits for it", "reason")
        bench.check_suspended()
        bench.stop_vm("vm3")
        bench.start_vm("vm3", ofport=old)
        bench.await_verdicts({"vm1": "offloaded", "vm3": "offloaded"})
        bench.check_suspended()
        bench.start_vm("vm2")
        agent.until_event("restored")
        tap.equal(bench.our_match(f"in_port={old},"), [], "rules for a port that is vm3's now")
        bench.check_in()
        bench.await_verdicts(OFFLOADED)


def comes_while_nobody_looks(bench):
    "restarted while no agent runs: the agent that is started derives its rules anew"
    lab = bench.lab
    bench.stop_vm("vm2")
    bench.start_vm("vm2")
    vm = lab.vm("vm2")
    tap.equal(bench.our_match(f"in_port={vm.ofport},"), [], "rules for the new port, yet")
    with bench.agent() as agent:
        agent.start()
        agent.until_event("restored")
        bench.check_in()
        tap.equal(len(bench.our_match(vm.mac)), len(bench.our_rules()), "rules with its MAC address")
        bench.await_verdicts(OFFLOADED)


def is_proven_anew(bench):
    "comes back to another policy: not installed, with the packet that shows it; allowed again, it is"
    lab = bench.lab
    with bench.agent() as agent:
        agent.start()
        agent.until_event("watches")
        bench.stop_vm("vm2")
        agent.until_event("suspended")
        acl = ACL.replace("udp", "tcp")
        bench.add_acl(acl)
        bench.start_vm("vm2", load=False)
        vm = lab.vm("vm2")
        wait_until(lambda: agent.status()["process"], 5 * PATIENCE, "it answers")
        time.sleep(1)
        bench.check_suspended()
        bench.remove_acl()
        agent.until_event("restored")
        lab.start_load("vm2", rate=100, kind="tcp")
        bench.check_in()
        tap.equal(len(bench.our_match(vm.mac)), len(bench.our_rules()), "rules with its MAC address")


def seconds_to_hardware(bench, name):
    """Of a VM that starts: from its first storage packet to its first flow in hardware."""
    lab = bench.lab
    bench.stop_vm(name)
    bench.start_vm(name, load=False)
    if name == "vm2":
        lab.wait_until(lambda: bench.our_match(f"in_port={lab.vm(name).ofport},"), 10 * PATIENCE, "rules")
    started = time.monotonic()
    job = lab.start_stream(name, rate=1000)
    lab.wait_until(lambda: any("offloaded:yes" in flow for flow in bench.megaflows(name, "dst=2049")),
                   20 * PATIENCE, f"a flow of {name} in hardware", 0.01)
    seconds = time.monotonic() - started
    job.stop()
    lab.start_load(name, rate=100, kind="tcp")
    return seconds


def as_fast_as_others(bench):
    "from the first storage packet to hardware it takes no longer than with a VM that needs no remedy"
    with bench.agent() as agent:
        agent.start()
        agent.until_event("watches")
        times = {name: [] for name in ("vm1", "vm2")}
        for _ in range(max(3, RESTARTS // 2)):
            for name, seconds in times.items():
                seconds.append(seconds_to_hardware(bench, name))
        plain, repaired = (statistics.median(times[name]) for name in ("vm1", "vm2"))
        tap.note(f"medians: {1000 * plain:.0f} ms without a remedy, {1000 * repaired:.0f} ms with one")
        tap.in_time(repaired / plain, AS_FAST, "as fast as a VM without a remedy (ratio)")
        bench.check_in()


def leaves_nothing(bench):
    "reverted: the flows are those of before, but for the new addresses"
    bench.revert()
    tap.equal(bench.our_rules(), [], "rules")


if __name__ == "__main__":
    tap.run([
        follows,
        waits_for_its_return,
        comes_while_nobody_looks,
        is_proven_anew,
        as_fast_as_others,
        leaves_nothing,
    ], RestartBench)
