# SPDX-License-Identifier: Apache-2.0
"""The guard: a remedy never outlives the pipeline that it was proven against."""

import os
import signal
import subprocess
import time

import tap
from answer import BUILD
from bench import PATIENCE, SANITIZED, SERVERS
from guarding import ACL_COOKIE, Guard, GuardedBench
from packet_probe import Probe, now_ns

from labkit import topology  # noqa: E402, found by way of bench
from labkit.vswitch import port_words  # noqa: E402

SERVER = sorted(SERVERS)[1]
TO_SERVER = f"udp,nw_dst={SERVER},tp_dst=2049"
# What a new ACL may look like: what drops some of vm2's storage packets, and where.
ACLS = {
    "table 0, above the rules": f"table=0,priority=65500,in_port=12,{TO_SERVER}",
    "table 0, below the rules": f"table=0,priority=30000,in_port=12,{TO_SERVER}",
    "table 1": f"table=1,priority=200,{TO_SERVER}",
}
# No packet of vm2's storage hits them, nor do they lead anywhere. In table 1 that rests on nobody rewriting
# addresses.
UNRELATED = {
    "table 0": "table=0,priority=77,in_port=13,tcp,nw_dst=192.0.2.7,tp_dst=80,actions=drop",
    "table 1": "table=1,priority=177,tcp,nw_dst=192.0.2.7,tp_dst=80,actions=drop",
}
FLOOD_RATE, FLOOD_SECONDS = 1000, 10
MOST_CPU = 0.05
AT_ONCE_MS = 1000


class GuardBench(GuardedBench):
    def add_acl(self, match):
        """Return: the moment before."""
        moment = now_ns()
        super().add_acl(match)
        return moment

    def remove_acl(self):
        moment = now_ns()
        super().remove_acl()
        return moment

    def probe(self):
        return Probe(self.lab, "vm2", SERVER)

    def n_rules(self):
        return len(self.our_rules())

    def await_state(self, state, seconds=10):
        self.lab.wait_until(lambda: self.status()["state"] == state, seconds * PATIENCE,
                            f"state {state}", 0.1)

    def last_entry(self):
        return self.flowlift("history", "vm2", "--json").expect(0).json["entries"][-1]

    def check_in(self):
        """The rules are in, and all else is as it was."""
        entry = self.status()
        tap.equal((entry["present"], entry["foreign"]), (entry["rules"], 0), "rules in the switch")
        tap.equal(self.others(), self.dump_before, "other flows")

    def verify(self):
        """With the counters as judges, until the NIC has the packets."""
        self.lab.wait_until(lambda: self.flowlift("verify", "vm2").code == 0, 30 * PATIENCE,
                            "verify says that it works", 0.2)


def guarded(bench, *, prefix=()):
    guard = Guard(bench, prefix)
    try:
        tap.equal(guard.until("watches")["vm"], "vm2", "who is watched")
    except BaseException:
        guard.__exit__()
        raise
    return guard


def needs_foreground(bench):
    "guard without --foreground: a sentence, exit 2; with no remedy it waits and ends with SIGTERM"
    bench.flowlift("guard").expect(2).expect_sentence("--foreground", "agent")
    with Guard(bench) as guard:
        guard.quiet(1.5)
        guard.end()
    tap.equal(guard.errors, "", "what it said on standard error")


def without_a_remedy(bench):
    "control: without a remedy, a new ACL blocks the packets"
    bench.control = {}
    probe = bench.probe()
    time.sleep(0.5)
    moments = {}
    for name, match in ACLS.items():
        moments[name] = bench.add_acl(match)
        time.sleep(1.5 * PATIENCE)
        bench.remove_acl()
        time.sleep(1.5 * PATIENCE)
    seen = probe.stop()
    for name, moment in moments.items():
        bench.control[name] = seen.ms_until(True, moment)
        tap.check(bench.control[name] is not None, f"{name}: packets are blocked")
        tap.note(f"{name}: the first blocked packet was sent {bench.control[name]:.0f} ms after it")


def acl_takes_effect(bench):
    "a new ACL above, below or behind the rules blocks within a second; removed, the remedy comes back"
    bench.apply()
    tap.equal(bench.status()["state"], "verified", "state")
    bench.n_installed = bench.n_rules()
    probe = bench.probe()
    moments, told = {}, {}
    with guarded(bench) as guard:
        guard.quiet(1)
        for name, match in ACLS.items():
            moments[name] = [bench.add_acl(match)]
            event = guard.until("suspended", "refused", "trouble", "restored")
            told[name] = [(now_ns() - moments[name][0]) / 1e6]
            check_suspended(bench, event, match)
            time.sleep(1 * PATIENCE)
            moments[name].append(bench.remove_acl())
            event = guard.until("restored", "trouble", "suspended")
            told[name].append((now_ns() - moments[name][1]) / 1e6)
            tap.equal((event["event"], event["state"]), ("restored", "installed"), "event, state")
            guard.quiet(2.5 * PATIENCE)
            bench.check_in()
            tap.equal(bench.last_entry()["step"], "restore", "the journal's last step")
        guard.end()
    seen = probe.stop()
    for name, (added, removed) in moments.items():
        blocked = seen.ms_until(True, added, removed)
        answered = seen.ms_until(False, removed)
        tap.check(blocked is not None and answered is not None, f"{name}: blocked, then not")
        tap.note(f"{name}: first blocked packet {blocked:.0f} ms after it (without a remedy "
                 f"{bench.control[name]:.0f} ms), suspended after {told[name][0]:.0f} ms; removed: "
                 f"first answer {answered:.0f} ms, rules back {told[name][1]:.0f} ms")
        tap.in_time(blocked, AT_ONCE_MS, f"{name}: it takes effect within a second")
    bench.verify()


def check_suspended(bench, event, match):
    tap.equal((event["event"], event["state"], event["vm"]), ("suspended", "suspended", "vm2"),
              "event")
    tap.check("ofproto/trace" in event["reason"], "the reason has a packet to trace", event)
    tap.equal(bench.our_rules(), [], "rules in the switch")
    entry = bench.status()
    tap.equal((entry["state"], entry["recorded"], entry["present"]), ("suspended", "suspended", 0),
              "status")
    tap.check(event["reason"] in entry["note"], "status has the reason", entry)
    text = bench.flowlift("status").expect(1).out
    tap.check("suspended" in text, "the text of status says so", text)
    last = bench.last_entry()
    tap.equal((last["step"], last["state"], last["reason"]),
              ("suspend", "suspended", event["reason"]), "the journal's last line")
    bench.flowlift("verify", "vm2").expect(1)


def flood(bench, guard, table, flow):
    cpu, wall = guard.cpu_s(), time.monotonic()
    subprocess.run(
        [f"{BUILD}/tests/edges", "flood", "br0", str(FLOOD_RATE), str(FLOOD_RATE * FLOOD_SECONDS), flow],
        env=bench.environment(), check=True, timeout=60 * PATIENCE)
    wall = time.monotonic() - wall
    share = (guard.cpu_s() - cpu) / wall
    tap.note(f"{table}: {FLOOD_RATE * FLOOD_SECONDS} changes in {wall:.1f} s: "
             f"{100 * share:.2f} % of a core")
    if not SANITIZED:
        tap.check(wall < FLOOD_SECONDS * 2, "at about that rate", wall)
        tap.check(share <= MOST_CPU, "the guard uses at most 5 % of a core", share)


def flood_costs_little(bench):
    "1,000 unrelated flow changes a second: at most 5 % of a core, nothing is withdrawn"
    with guarded(bench) as guard:
        guard.quiet(2)
        for table, flow in UNRELATED.items():
            flood(bench, guard, table, flow)
        tap.equal(bench.n_rules(), bench.n_installed, "rules in the switch")
        guard.quiet(1)
        # It is awake, and sees what matters.
        bench.add_acl(ACLS["table 1"])
        guard.until("suspended")
        bench.remove_acl()
        guard.until("restored")
        guard.quiet(2)
        guard.end()
    bench.check_in()


def deleted_rules_come_back(bench):
    "rules that somebody deletes, or changes, are put in again, and the journal says so"
    with guarded(bench) as guard:
        guard.quiet(1)
        bench.lab.ofctl("del-flows", "br0", "cookie=0xf10f000000000000/0xffff000000000000")
        event = guard.until("restored", "suspended", "trouble")
        tap.equal(event["event"], "restored", "event")
        tap.check("deleted" in event["reason"], "the reason says so", event)
        guard.quiet(2.5)
        bench.check_in()
        tap.equal(bench.last_entry()["reason"], event["reason"], "the journal's last line")
        guard.end()
    bench.verify()


def does_not_fight_the_cli(bench):
    "revert under the guard: the rules stay out; apply: they stay in, and are watched"
    with guarded(bench) as guard:
        bench.revert()
        tap.equal(guard.until("released")["state"], "reverted", "state")
        guard.quiet(2)
        tap.equal(bench.openflow(), bench.dump_before, "flows after revert")
        bench.await_verdicts({"vm2": "stranded"})
        bench.apply()
        guard.until("watches")
        guard.quiet(2)
        tap.equal(bench.status()["state"], "verified", "state after apply")
        guard.end()


def acl_during_an_apply(bench):
    "an ACL while apply counts packets, and holds the lock: the rules go out within a second all the same"
    bench.await_verdicts({"vm2": "stranded"}, 40)
    with Guard(bench) as guard:
        apply = bench.start("apply", "vm2")
        guard.until("watches", seconds=20)
        bench.lab.wait_until(bench.our_rules, 20 * PATIENCE, "the rules of apply", interval=0.005)
        added = bench.add_acl(ACLS["table 1"])
        bench.lab.wait_until(lambda: not bench.our_rules(), 5 * PATIENCE, "their end", interval=0.005)
        ms = (now_ns() - added) / 1e6
        tap.in_time(ms, AT_ONCE_MS, "out within a second")
        answer = bench.finish(apply)
        bench.lab.wait_until(lambda: bench.status()["state"] in ("reverted", "suspended"),
                             5 * PATIENCE, "the record")
        tap.equal(bench.our_rules(), [], "rules in the switch, after apply")
        tap.note(f"out after {ms:.0f} ms; apply then: exit {answer.code}, "
                 f"{' '.join(answer.out.split())[:150]}; the guard: {guard.drain()[:400]}")
        bench.remove_acl()
        time.sleep(2)
        guard.end()
    bench.revert()
    tap.equal(bench.openflow(), bench.dump_before, "flows after revert")


def port_goes_and_comes_back(bench):
    "the VM's port deleted: suspended; added again (the VM restarted): the remedy is back"
    lab, vm = bench.lab, bench.lab.vm("vm2")
    with guarded(bench) as guard:
        guard.quiet(2)
        lab.vsctl("del-port", "br0", vm.port)
        event = guard.until("suspended", seconds=20)
        tap.note(event["reason"])
        tap.equal(bench.our_rules(), [], "rules in the switch")
        words = port_words(vm.port, vm.ofport,
                           f"{vm.device},nic={vm.nic},iface=eth0@{lab.id}-{vm.name}",
                           topology.STORAGE_VLAN, vm.external_ids())
        lab.vsctl(*words[1:])
        guard.until("restored", seconds=20)
        guard.quiet(2.5)
        bench.check_in()
        guard.end()
    bench.verify()


def what_cannot_be_proven_is_withdrawn(bench):
    "no proof for 10 s after a change, since OVS cannot be traced: withdrawn; then it comes back"
    pid_file = f"{bench.lab.directory}/ovs/ovs-vswitchd.pid"
    with guarded(bench) as guard:
        guard.quiet(2)
        os.rename(pid_file, f"{pid_file}.away")
        try:
            started = time.monotonic()
            bench.lab.ofctl("add-flow", "br0", f"cookie={ACL_COOKIE},priority=1,actions=NORMAL")
            tap.equal(guard.until("trouble", "suspended")["event"], "trouble", "the first event")
            event = guard.until("suspended", "restored", seconds=20)
            seconds = time.monotonic() - started
            tap.equal(bench.our_rules(), [], "rules in the switch")
        finally:
            os.rename(f"{pid_file}.away", pid_file)
        tap.equal(event["event"], "suspended", "event")
        tap.check("could not be proven" in event["reason"], "the reason says so", event)
        tap.check(seconds >= 10, "not at once", seconds)
        tap.note(f"suspended after {seconds:.1f} s: {event['reason']}")
        guard.until("restored", seconds=20)
        bench.remove_acl()
        guard.quiet(2.5)
        bench.check_in()
        guard.end()


def mirror_is_seen_with_the_next_look(bench):
    "a mirror on the VM's port: the next proof fails for it; ended, the remedy comes back"
    lab, vm = bench.lab, bench.lab.vm("vm2")
    # Of no effect: OVSDB tells nobody of mirrors, and this makes the guard look before its minute is over.
    nudge = f"cookie={ACL_COOKIE},table=0,priority=1,in_port=12,actions=drop"
    with guarded(bench) as guard:
        guard.quiet(2)
        bench.add_mirror()
        try:
            lab.ofctl("add-flow", "br0", nudge)
            event = guard.until("suspended", "trouble", "restored")
        finally:
            bench.end_mirror()
        tap.note(event["reason"])
        tap.equal(event["event"], "suspended", "event")
        tap.check(f'mirror "span" of bridge br0 copies what comes in by port {vm.port}' in event["reason"],
                  "the reason names the mirror and what it selects", event)
        tap.equal(bench.our_rules(), [], "rules in the switch")
        bench.remove_acl()
        guard.until("restored")
        guard.quiet(2.5)
        bench.check_in()
        guard.end()
    bench.verify()


def killed_and_started_again(bench):
    "the guard killed (-9) before, in and after the suspension: the next one makes the state true"
    calls = (("renameat", 1), ("renameat", 2), ("fdatasync", 1), ("linkat", 1))
    asan = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"} if SANITIZED else {}
    for call, nth in calls:
        prefix = ("strace", "-f", "-qq", "-o", "/dev/null", f"--trace={call}",
                  f"--inject={call}:signal=SIGKILL:when={nth}")
        with Guard(bench, prefix, asan) as guard:
            guard.until("watches")
            guard.quiet(1)
            bench.add_acl(ACLS["table 1"])
            if nth == 2:
                guard.until("suspended")
                bench.remove_acl()
            tap.equal(guard.child.wait(20 * PATIENCE), -signal.SIGKILL, f"killed at {call} {nth}")
        check_truth(bench, f"killed at {call} {nth}")
        with Guard(bench) as guard:
            guard.until("watches")
            if nth == 1:
                bench.await_state("suspended")
                tap.equal(bench.our_rules(), [], "rules in the switch")
                bench.remove_acl()
            guard.until("restored")
            guard.quiet(2.5)
            tap.equal(bench.status()["state"], "installed", "state in the end")
            bench.check_in()
            guard.end()
    bench.verify()


def check_truth(bench, when):
    """What status says is in the switch."""
    entry, rules = bench.status(), bench.n_rules()
    tap.equal(entry["present"] + entry["foreign"], rules, f"{when}: rules in the switch, by status")
    tap.equal(entry["state"] in ("installed", "verified"), bool(rules),
              f"{when}: the state in status is that of the switch")


def restart_of_vswitchd(bench):
    "ovs-vswitchd killed and started again: the guard connects again, and the rules are back"
    with guarded(bench) as guard:
        guard.quiet(2)
        bench.lab.kill_vswitchd(signal.SIGKILL)
        time.sleep(1)
        tap.equal(bench.flowlift("status").code, 2, "exit code of status without a switch")
        bench.lab.start_vswitchd()
        started = time.monotonic()
        bench.await_state("installed", 40)
        bench.lab.wait_until(lambda: bench.n_rules() == bench.n_installed, 20 * PATIENCE, "all rules")
        tap.note(f"back {time.monotonic() - started:.1f} s after ovs-vswitchd was; {guard.drain()}")
        guard.quiet(3)
        bench.check_in()
        guard.end()
    bench.verify()
    bench.revert()
    tap.equal(bench.openflow(), bench.dump_before, "flows after revert")


if __name__ == "__main__":
    tap.run([
        needs_foreground,
        without_a_remedy,
        acl_takes_effect,
        flood_costs_little,
        deleted_rules_come_back,
        does_not_fight_the_cli,
        port_goes_and_comes_back,
        what_cannot_be_proven_is_withdrawn,
        mirror_is_seen_with_the_next_look,
        killed_and_started_again,
        restart_of_vswitchd,
        # The last: after rules went in and out so, OVS's masks hold every bit for a while.
        acl_during_an_apply,
    ], GuardBench)
