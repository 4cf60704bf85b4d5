# SPDX-License-Identifier: Apache-2.0
"""flowlift hook as the hook of a real libvirtd: what a guest's life makes of it, and what it costs.

The hook is the script of docs/hooks.md. libvirtd is Debian's, QEMU runs under TCG, and the guest's tap is a port
of the lab's bridge.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import time

import tap
from agents import agent_of, wait_until
from answer import FLOWLIFT, SOURCE
from bench import PATIENCE, Bench
from libvirtd import Libvirtd, why_not

from labkit import processes, topology  # noqa: E402, found by way of bench

GUEST = "guest"
UUID = "c5f1a4d2-6b1f-4b41-9d0c-0f7b6c0a1d2e"
IFACE_ID = "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f"
MAC = "52:54:00:64:00:77"
HOOK_MS = 100
# As many with the hook as without, for each state of the agent.
STARTS = int(os.environ.get("STARTS") or 10)
MOST_EVENTS = 65536

STARTING = ["prepare begin -", "start begin -", "started begin -"]
STOPPING = ["stopped end -", "release end -"]
START, STOP = ["start"], ["stop", "stop"]

# The script of docs/hooks.md, with a note of when it was called with what: microseconds, exit code, arguments.
NOTING = """#!/bin/bash
before=$EPOCHREALTIME
{folder}/documented "$@"
code=$?
after=$EPOCHREALTIME
echo "$((${{after/./}} - ${{before/./}})) $code $*" >>{folder}/calls
exit $code
"""


def documented_hook(root):
    """The script that docs/hooks.md has for libvirt; flowlift is where it was built."""
    with open(f"{SOURCE}/docs/hooks.md", encoding="utf-8") as file:
        script = re.search(r"```sh\n(#!/bin/sh\n.*?)```", file.read(), re.DOTALL)[1]
    tap.check("/usr/bin/flowlift hook libvirt" in script, "the script calls the hook", script)
    return script.replace("/usr/bin/flowlift hook", f"{FLOWLIFT} hook --root {root}")


class LibvirtBench(Bench):
    def __init__(self):
        super().__init__(window=1, vms=2, nfs=False, public=False)
        self.hosts = []

    def prepare(self):
        self.root = self.lab.root
        self.events_folder = f"{self.root}/run/flowlift/events"
        self.problem = why_not(self.lab)
        if not self.problem:
            self.first = self.add_host()
            self.first.define(GUEST, uuid=UUID, mac=MAC, iface_id=IFACE_ID, vlan=topology.STORAGE_VLAN)

    @property
    def host(self):
        """The libvirtd that knows the guest; it is not running."""
        if self.problem:
            tap.skip(self.problem)
        if self.first.state(GUEST) != "shut off":
            self.first.virsh("destroy", GUEST)
        self.note_calls()
        self.calls()
        self.events()
        return self.first

    def add_host(self):
        host = Libvirtd(self.lab, f"host{len(self.hosts) + 1}", len(self.hosts) + 1)
        self.hosts.append(host)
        os.makedirs(f"{host.folder}/etc/hooks/qemu.d")
        self.note_calls(host)
        host.start()
        return host

    def note_calls(self, host=None):
        host = host or self.first
        host.write("documented", documented_hook(self.root), 0o755)
        host.set_hook(NOTING.format(folder=host.folder))

    def agent(self):
        return agent_of(self.root, processes.marked_environment(self.lab.id, self.lab.env))

    # ---- What the hook was told, and what it told ----

    def timed_calls(self, host=None):
        """[(milliseconds, arguments)] since the last time."""
        host = host or self.first
        try:
            with open(f"{host.folder}/calls", encoding="utf-8") as file:
                lines = file.read().splitlines()
            os.unlink(f"{host.folder}/calls")
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            took_us, code, words = line.split(" ", 2)
            tap.equal(code, "0", f"exit code of the hook for {words}")
            found.append((int(took_us) / 1000, words))
        return found

    def calls(self, host=None):
        """The arguments after the guest's name."""
        words = [call.split(" ", 1) for _, call in self.timed_calls(host)]
        tap.equal({name for name, _ in words} - {GUEST}, set(), "guests that hooks were called for")
        return [call for _, call in words]

    def n_calls(self, host=None):
        try:
            with open(f"{(host or self.first).folder}/calls", encoding="utf-8") as file:
                return file.read().count("\n")
        except FileNotFoundError:
            return 0

    def waiting(self):
        try:
            return sorted(os.listdir(self.events_folder))
        except FileNotFoundError:
            return []

    def events(self):
        """All that wait in the spool, in order; and they go."""
        found = []
        for name in self.waiting():
            with open(f"{self.events_folder}/{name}", encoding="utf-8") as file:
                found.append(json.load(file))
            os.unlink(f"{self.events_folder}/{name}")
        return found

    def whats(self):
        events = self.events()
        for event in events:
            tap.equal((event["source"], event["vm"], event["uuid"], event["reason"], event["complete"]),
                      ("libvirt", GUEST, UUID, None, True), "event")
            tap.equal([(port["mac"], port["interface_id"]) for port in event["interfaces"]],
                      [(MAC, IFACE_ID)], "interfaces of the event")
        return [event["what"] for event in events]

    def happens(self, what, calls, events, host=None):
        """What came of a command: the calls of the hook, and the events that it made of them."""
        # Not of all does virsh wait.
        wait_until(lambda: self.n_calls(host) >= len(calls) and len(self.waiting()) >= len(events),
                   20 * PATIENCE, f"calls and events after {what}")
        tap.equal(self.calls(host), calls, f"calls of the hook after {what}")
        tap.equal(self.whats(), events, f"events after {what}")

    # ---- The guest's port ----

    def ports(self, iface_id=IFACE_ID):
        """{name: its row} of the ports with that iface-id."""
        text = self.lab.vsctl("--format=json", "--columns=name,ofport,error,external_ids,type", "find",
                              "Interface", f"external_ids:iface-id={iface_id}")
        rows = json.loads(text)
        return {row[0]: dict(zip(rows["headings"][1:], row[1:])) for row in rows["data"]}


def port_is_known(bench):
    "virsh start: the tap is a port of the bridge, with external_ids that flowlift tells the VM by"
    host = bench.host
    host.virsh("start", GUEST)
    ((name, row),) = bench.ports().items()
    tap.equal(dict(row["external_ids"][1]), {"attached-mac": MAC, "iface-id": IFACE_ID, "iface-status": "active",
                                             "vm-id": UUID}, "external_ids that libvirt sets")
    wait_until(lambda: isinstance(bench.ports()[name]["ofport"], int), 10 * PATIENCE, "its port number")
    row = bench.ports()[name]
    tap.check(row["ofport"] > 0 and row["type"] == "" and not row["error"][1:][0], "OVS has opened it", row)
    tap.equal(bench.lab.vsctl("get", "Port", name, "tag").strip(), str(topology.STORAGE_VLAN), "its VLAN")
    for keys, identity in (("vm-id", UUID), ("iface-id", IFACE_ID)):
        bench.configure(f"{bench.config}[vm]\nid-keys = {keys}\n")
        verdicts = bench.verdicts("--window", "1")
        tap.check(identity in verdicts, f"audit knows it by {keys}", verdicts)
    bench.configure(bench.config)
    events = bench.events()
    tap.equal([event["interfaces"][0]["target"] for event in events], [name], "target in the event")
    host.virsh("destroy", GUEST)
    wait_until(lambda: not bench.ports(), 10 * PATIENCE, "the port is gone")
    targets = {event["interfaces"][0]["target"] for event in bench.events()}
    tap.equal(targets, {None}, "targets in the events of its end: libvirt says none")


def press_power_until(host, words):
    """`virsh reboot` or the like, again until the guest has heard it: its boot takes a second or more."""
    watch = subprocess.Popen(
        ["nsenter", f"--target={host.first}", "--mount", "--uts", "--net", "--pid", "--", "virsh", "-q", "-c",
         host.uri, "event", GUEST, "--timeout", str(60 * PATIENCE), *words[1:]],
        env=processes.marked_environment(host.lab.id), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60 * PATIENCE
    while watch.poll() is None and time.monotonic() < deadline:
        host.virsh(words[0], GUEST, check=False)
        try:
            watch.wait(1)
        except subprocess.TimeoutExpired:
            continue
    said = watch.communicate()[0]
    tap.equal(watch.returncode, 0, f"the guest heard {words[0]}: {said}")


def a_whole_life(bench):
    "start, reboot, suspend, save, managedsave, restart and crash of libvirtd, shutdown, kill -9: calls, events"
    host = bench.host
    host.virsh("start", GUEST)
    bench.happens("start", STARTING, START)
    pid = host.qemu_pid(GUEST)
    press_power_until(host, ("reboot", "--event", "reboot"))
    host.virsh("suspend", GUEST)
    host.virsh("resume", GUEST)
    host.virsh("reset", GUEST)
    tap.equal(host.qemu_pid(GUEST), pid, "the process after reboot, suspend, resume, reset")
    bench.happens("reboot, suspend, resume, reset", [], [])

    host.virsh("managedsave", GUEST)
    bench.happens("managedsave", STOPPING, STOP)
    host.virsh("start", GUEST)
    bench.happens("start of what was saved", ["restore begin -", *STARTING], START)
    image = f"{host.folder}/image"
    host.virsh("save", GUEST, image)
    bench.happens("save", STOPPING, STOP)
    host.virsh("restore", image)
    os.unlink(image)
    bench.happens("restore", ["restore begin -", *STARTING], START)
    for number in (signal.SIGTERM, signal.SIGKILL):
        host.signal_daemon(number)
        bench.happens(f"{number!r} for libvirtd, which is started again", ["reconnect begin -"], ["reconnect"])
    press_power_until(host, ("shutdown", "--event", "lifecycle"))
    host.await_state(GUEST, "shut off")
    bench.happens("shutdown", STOPPING, STOP)

    host.virsh("start", GUEST)
    bench.happens("start", STARTING, START)
    os.kill(host.qemu_pid(GUEST), signal.SIGKILL)
    host.await_state(GUEST, "shut off")
    bench.happens("kill -9 of QEMU", STOPPING, STOP)
    host.virsh("start", GUEST)
    bench.happens("start", STARTING, START)
    host.virsh("destroy", GUEST)
    bench.happens("destroy", STOPPING, STOP)


def a_start_that_fails(bench):
    "a start that fails: stop events, though it never ran; libvirt's own error, none of the hook's"
    host = bench.host
    disk = f"{bench.lab.directory}/boot-sector"
    os.rename(disk, f"{disk}.away")
    try:
        done = host.virsh("start", GUEST, check=False)
    finally:
        os.rename(f"{disk}.away", disk)
    tap.check(done.returncode and "boot-sector" in done.stderr and "hook" not in done.stderr.lower(),
              "it fails for its disk", done.stderr)
    bench.happens("a start that fails", ["prepare begin -", *STOPPING], STOP)


def a_migration(bench):
    "virsh migrate --live from one libvirtd to another: migrate, then started there; stopped and release here"
    here = bench.host
    there = bench.add_host()
    here.virsh("start", GUEST)
    bench.happens("start", STARTING, START)
    here.virsh("migrate", GUEST, "--live", "--unsafe", there.uri, "--migrateuri",
               f"unix://{there.folder}/migration.sock")
    tap.equal((here.state(GUEST), there.state(GUEST)), ("shut off", "running"), "states here and there")
    tap.equal(bench.calls(here), STOPPING, "calls here")
    tap.equal(bench.calls(there), ["migrate begin -", *STARTING], "calls there")
    tap.equal(sorted(bench.whats()), ["incoming", "start", "stop", "stop"], "events")
    tap.equal(len(bench.ports()), 1, "ports with its iface-id")
    there.virsh("destroy", GUEST)
    there.end()


def agent_hears(bench):
    "the agent up, stopped for a while, dead for a while: it hears of all, in order, and nothing waits"
    host = bench.host
    with bench.agent() as agent:

        def heard():
            return re.findall(rf"\|INFO\|{GUEST}: libvirt says (\w+)", agent.log())

        def hears(expected, what):
            wait_until(lambda: len(heard()) >= len(expected) and not bench.waiting(), 30 * PATIENCE,
                       f"{what}: the agent hears; it has {heard()}")
            tap.equal(heard(), expected, f"{what}: what the agent heard")

        pid = agent.start()
        host.virsh("start", GUEST)
        hears(["start"], "start")
        host.virsh("destroy", GUEST)
        hears(["start", "stop", "stop"], "destroy")
        os.kill(pid, signal.SIGSTOP)
        host.virsh("start", GUEST)
        host.virsh("destroy", GUEST)
        tap.equal(len(bench.waiting()), 3, "events that wait for the hung agent")
        os.kill(pid, signal.SIGCONT)
        hears(["start", "stop", "stop"] * 2, "it goes on")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        host.virsh("start", GUEST)
        host.virsh("destroy", GUEST)
        tap.equal(len(bench.waiting()), 3, "events that wait for the dead agent")
        agent.start()
        hears(["start", "stop", "stop"] * 3, "another one")


def starts_whatever_the_hook(bench):
    "the hook's binary missing, the spool full, its file system read-only: the guest starts and stops"
    host = bench.host
    documented = documented_hook(bench.root)

    def lives(what):
        host.virsh("start", GUEST)
        tap.equal(host.state(GUEST), "running", f"{what}: state")
        host.virsh("destroy", GUEST)
        tap.equal(bench.calls(), STARTING + STOPPING, f"{what}: calls, each with exit code 0")

    host.write("documented", documented.replace(FLOWLIFT, f"{FLOWLIFT}.is-being-replaced"), 0o755)
    lives("no binary")
    tap.equal(bench.waiting(), [], "events without a binary")
    host.write("documented", documented, 0o755)

    lives("once more, which makes the folder")
    bench.events()
    host.inside("mount", "--bind", bench.root, bench.root)
    host.inside("mount", "-o", "remount,ro,bind", bench.root)
    lives("read-only")
    tap.equal(bench.waiting(), [], "events on a read-only file system")
    host.inside("umount", bench.root)

    names = [f"{bench.events_folder}/{i:020d}-{0:010d}-{0:06d}" for i in range(MOST_EVENTS)]
    for name in names:
        os.mknod(name)
    lives("full")
    tap.equal(len(bench.waiting()), MOST_EVENTS + 1, "files in a full spool")
    tap.check(os.path.exists(f"{bench.events_folder}/overflow"), "there is an overflow")
    for name in [*names, f"{bench.events_folder}/overflow"]:
        os.unlink(name)


def a_remedy_follows_its_vm(bench):
    "a VM with a remedy restarts in libvirt, with another port and MAC: rules anew; it stops: no rules"
    host, lab, vm = bench.host, bench.lab, bench.lab.vm("vm2")
    bench.load_all(rate=100, kind="tcp")
    bench.await_verdicts({"vm2": "stranded"})
    bench.apply()
    with bench.agent() as agent:
        agent.start()
        agent.until_event("watches")
        lab.vsctl("del-port", "br0", vm.port)
        wait_until(lambda: not bench.our_rules(), 20 * PATIENCE, "the rules of the old port are out")
        host.define(vm.name, uuid=vm.uuid, mac=MAC, iface_id=vm.iface_id, vlan=topology.STORAGE_VLAN)
        for _ in range(2):
            host.virsh("start", vm.name)
            ((_, row),) = bench.ports(vm.iface_id).items()
            expected = (f"in_port={row['ofport']},", f"dl_src={MAC}")
            wait_until(lambda: any(all(part in rule for part in expected) for rule in bench.our_rules()),
                       20 * PATIENCE, f"rules with {expected}; there are {bench.our_rules()}")
            rules = "\n".join(bench.our_rules())
            tap.check(f"in_port={vm.ofport}," not in rules and vm.mac not in rules, "none of the old port", rules)
            host.virsh("destroy", vm.name)
            wait_until(lambda: not bench.our_rules(), 20 * PATIENCE, "its rules go with it")
    host.forget(vm.name)
    # libvirt says no name in OVSDB.
    bench.revert(vm.uuid)
    tap.check(bench.timed_calls(), "the hook was called for it")


def worst(values):
    """Of a tenth a busy machine may make anything: it stands still, or its disk does, where a host's /run has none."""
    return sorted(values)[-1 if tap.TIMES else -1 - len(values) // 10]


class Delay:
    """What starts of the guest took in one state of the agent; `calls`: milliseconds of each call of the hook."""

    def __init__(self):
        self.starts, self.calls, self.sums = [], [], []

    def measure(self, bench, host, n_calls):
        began = time.monotonic()
        host.virsh("start", GUEST)
        self.starts.append((time.monotonic() - began) * 1000)
        calls = [ms for ms, _ in bench.timed_calls()]
        tap.equal(len(calls), n_calls, "calls of the hook at the start")
        self.sums.append(sum(calls))
        host.virsh("destroy", GUEST)
        self.calls += [*calls, *(ms for ms, _ in bench.timed_calls())]

    def check(self, state, without):
        median = statistics.median(self.starts)
        tap.note(f"agent {state}: virsh start, median of {len(self.starts)}: {median:.0f} ms, without a hook "
                 f"{without:.0f} ms; one call of {len(self.calls)}: median {statistics.median(self.calls):.1f} ms, "
                 f"worst {max(self.calls):.1f} ms; the three of one start: median "
                 f"{statistics.median(self.sums):.1f} ms, worst {max(self.sums):.1f} ms")
        tap.in_time(worst(self.calls), HOOK_MS, f"agent {state}: each call is over in time")
        tap.in_time(worst(self.sums), HOOK_MS, f"agent {state}: the calls of one start are")
        tap.in_time(median - without, HOOK_MS, f"agent {state}: virsh start is not delayed")


def delay(bench):
    "virsh start is delayed by less than 100 ms, with the agent up, hung and dead"
    host = bench.host
    without, up, hung, dead = (Delay() for _ in range(4))
    with bench.agent() as agent:
        for _ in range(STARTS):  # by turns, since the machine may be busier now than then
            host.set_hook(None)
            without.measure(bench, host, 0)
            bench.note_calls()
            dead.measure(bench, host, len(STARTING))
            pid = agent.start()
            up.measure(bench, host, len(STARTING))
            os.kill(pid, signal.SIGSTOP)
            hung.measure(bench, host, len(STARTING))
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
    median = statistics.median(without.starts)
    for state, measured in (("up", up), ("hung", hung), ("dead", dead)):
        measured.check(state, median)


if __name__ == "__main__":
    tap.run([
        port_is_known,
        a_whole_life,
        a_start_that_fails,
        agent_hears,
        starts_whatever_the_hook,
        delay,
        a_remedy_follows_its_vm,
        a_migration,
    ], LibvirtBench)
