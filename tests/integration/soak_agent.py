# SPDX-License-Identifier: Apache-2.0
"""The agent among random faults: FAULTS of them, in rounds of some at a time, from SEED.

Three VMs have storage traffic all the time, and two of them a remedy. After each round all faults are
undone, and the host has to come to rest: desired (the remedies on disk) = installed (OpenFlow) = in
hardware. While faults are on: never two agents, never a set of rules half in. At the end of the agent's
lives: no more memory, no more descriptors than at their beginning.

SEED=N [FIRST=ROUND] FAULTS=N begins with that round of that seed.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import soak_faults
import tap
from agent import cookie_of
from agents import agent_of, wait_until
from bench import FLOWLIFT, PATIENCE, SANITIZED, Bench
from guarding import ACL_COOKIE
from labkit import namespaces, processes, topology  # noqa: E402, found by way of bench
from labkit.vswitch import BRIDGE, port_words
from soak_faults import GUARDED, faults_of_round

SEED = int(os.environ.get("SEED") or 1)
FIRST = int(os.environ.get("FIRST") or 1)
N_FAULTS = int(os.environ.get("FAULTS") or 25)
# Rules that are lost again and again stay out for 64 s, and a suspended remedy is looked at once a minute.
QUIET_SECONDS = 150 * PATIENCE
# An agent that is started knows nothing of losses: after a rest as long as this the next round is another one's.
LONG_REST_SECONDS = 10
OVS_SECONDS = 5
REFUSED_SECONDS = 3
DISK_KB = 16384
# The agent's memory has a shape of its own only after some looks at all remedies.
MATURE = 3
MORE_KB = 2048
# The one to OVSDB may be broken for the moment.
A_CONNECTION = 1
COOKIE = re.compile(r"cookie=(0xf10f[0-9a-f]{12})")
DECOY = "priority=65001,"


class Watcher(threading.Thread):
    """Looks on, all the time: at most one agent, and no set of rules in part."""

    def __init__(self, soak):
        super().__init__(daemon=True)
        self.soak = soak
        self.ending = threading.Event()
        self.n_looks = self.n_sets = 0

    def run(self):
        while not self.ending.wait(0.1):
            try:
                self.look_at_agents()
                self.look_at_rules()
            except Exception:
                self.soak.problem(traceback.format_exc())
                return
            self.n_looks += 1

    def end(self):
        self.ending.set()
        self.join()

    def look_at_agents(self):
        """One that is started beside another waits a second for the other's end, and is refused: two that stay are two."""
        deadline = time.monotonic() + REFUSED_SECONDS * PATIENCE
        while time.monotonic() < deadline:
            agents = self.soak.agents()
            if len(agents) <= 1 or self.soak.is_starting:
                return
            time.sleep(0.02)
        self.soak.problem(f"{len(agents)} agents: processes {agents}")

    def look_at_rules(self):
        if self.soak.is_torn:
            return
        before = self.soak.desired()
        sets = self.soak.installed()
        if sets is None or self.soak.is_torn:
            return
        for cookie, rules in sets.items():
            self.n_sets += 1
            if len(rules) != before.get(cookie) and not self.becomes_desired(cookie, len(rules)):
                self.soak.problem(f"half a set of rules: {json.dumps(sorted(rules), indent=1)}")

    def becomes_desired(self, cookie, number):
        """Another remedy of the VM, or one for another port, may have another number of rules. It is written
        down before they are in the switch, or right after."""
        with contextlib.suppress(tap.Failure):
            return wait_until(lambda: self.soak.desired().get(cookie) == number, 3 * PATIENCE, "the remedy")
        return False


class Life:
    """What one agent process has at quiet points."""

    def __init__(self, pid):
        self.pid = pid
        self.kilobytes = []
        self.descriptors = []

    def look(self):
        # Not what it shares with a child of the moment, which differs.
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            self.kilobytes.append(int(re.search(r"^RssAnon:\s+(\d+)", file.read(), re.M)[1]))
        # While it asks OVS it has more.
        counts = []
        for _ in range(10):
            counts.append(len(os.listdir(f"/proc/{self.pid}/fd")))
            time.sleep(0.02)
        self.descriptors.append(min(counts))

    def growth(self):
        """(KiB, descriptors) since it was mature; None for one that died young."""
        if len(self.kilobytes) <= MATURE:
            return None
        return (self.kilobytes[-1] - self.kilobytes[MATURE - 1],
                self.descriptors[-1] - max(self.descriptors[:MATURE]))


class Soak(Bench):
    def __init__(self):
        super().__init__(window=1, vms=3, stranded=[*GUARDED], nfs=False, public=False)
        self.agent = None
        self.is_torn = self.is_starting = self.renewed = False
        self.problems, self.told, self.started, self.rest_s = [], [], time.monotonic(), 0.0
        self.lives = {}
        self.cookies = {}
        self.watcher = None
        self.stack = contextlib.ExitStack()

    # ---- Up and down ----

    def prepare(self):
        lab = self.lab
        self.disk = f"{lab.root}/var"
        os.makedirs(self.disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_KB}k,mode=0755", "soak", self.disk],
                          check=False).returncode:
            tap.skip("cannot mount a tmpfs in a mount namespace of its own")
        self.stack.callback(subprocess.run, ["umount", "-l", self.disk], check=False)
        self.load_all(rate=100, kind="tcp")
        for name in GUARDED:
            lab.start_stream(name, rate=200)
        self.await_verdicts({"vm1": "offloaded", "vm2": "stranded", "vm3": "stranded"})
        self.pipeline = self.openflow()
        for name in GUARDED:
            self.apply(name=name)
        self.cookies = {name: cookie_of(self.status(name)["vm_id"]) for name in GUARDED}
        self.agent = self.stack.enter_context(
            agent_of(lab.root, processes.marked_environment(lab.id, lab.env), ("--timeout", "2")))
        self.start_agent(random.Random(SEED))
        self.watcher = Watcher(self)
        self.watcher.start()
        self.stack.callback(self.watcher.end)

    def __exit__(self, *exception):
        # What hangs would not end.
        self.signal_vswitchd(signal.SIGCONT)
        try:
            self.stack.close()
        finally:
            super().__exit__(*exception)

    def desired(self):
        """{cookie: number of rules but decoys}, on disk."""
        folder, desired = f"{self.disk}/lib/flowlift/remedies", {}
        for name in os.listdir(folder):
            # It may be replaced, never be there in part.
            with contextlib.suppress(FileNotFoundError), open(f"{folder}/{name}", encoding="utf-8") as file:
                if name.endswith(".json"):
                    flow_set = json.load(file)["flow_set"]
                    desired[cookie_of(flow_set["vm"]["id"])] = sum(not rule["decoy"]
                                                                   for rule in flow_set["rules"])
        return desired

    def problem(self, text):
        if len(self.problems) < 10:
            self.problems.append(f"{time.monotonic() - self.started:.1f} s: {text}")

    # ---- The agent ----

    def agents(self):
        """Processes of agents without parents that are agents: what is started counts once."""
        pids = self.agent.processes()
        return [pid for pid in pids if parent_of(pid) not in (*pids, None)]

    def agent_is_up(self):
        pid = self.agent.pid()
        return pid if pid in self.agent.processes() else None

    def signal_agent(self, number):
        """The agent itself; --monitor may have it started again."""
        pid = self.agent_is_up()
        if pid:
            with contextlib.suppress(OSError):
                os.kill(pid, number)

    def start_agent(self, rng):
        """As an administrator or a service manager does, unless there is one."""
        with contextlib.suppress(tap.Failure):
            wait_until(lambda: not self.agent.processes() or self.agent_answers(), 10 * PATIENCE,
                       "the agent's end")
        if self.agent_is_up():
            return
        self.is_starting = True
        how = rng.choice(("detached", "monitored", "in the foreground"))
        options = ("-vsyslog:off", "-vconsole:off", "--log-file")
        if how == "in the foreground":
            self.agent.start_child(*options, answers=False)
        else:
            self.agent.run("--detach", *(["--monitor"] if how == "monitored" else []), *options)
        self.is_starting = False

    def agent_answers(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.agent.appctl("version", timeout=OVS_SECONDS).returncode == 0
        return False

    # ---- Open vSwitch, which may not be there ----

    def run_tool(self, *words, stdin=None):
        """Return: standard output, or None."""
        try:
            result = subprocess.run(words, env=self.lab.switch.environment, input=stdin, text=True,
                                    capture_output=True, timeout=OVS_SECONDS * PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return None
        return None if result.returncode else result.stdout

    def ofctl(self, *words, stdin=None):
        return self.run_tool("ovs-ofctl", "-O", "OpenFlow14", f"--timeout={OVS_SECONDS}", *words, stdin=stdin)

    def vsctl(self, *words):
        """What it says is done as soon as ovs-vswitchd lives."""
        return self.run_tool("ovs-vsctl", f"--timeout={OVS_SECONDS}", "--no-wait", *words)

    def installed(self):
        """{cookie: rules of ours but decoys}, or None."""
        text = self.ofctl("dump-flows", BRIDGE, "cookie=0xf10f000000000000/0xffff000000000000", "--no-stats")
        if text is None:
            return None
        sets = {}
        for line in map(str.strip, text.splitlines()):
            if (cookie := COOKIE.search(line)) and DECOY not in line:
                sets.setdefault(cookie[1], set()).add(line)
        return sets

    def one_rule(self, rng):
        """(match, actions) of a rule of ours that is in the switch, or None."""
        rules = sorted(rule for rules in (self.installed() or {}).values() for rule in rules)
        if not rules:
            return None
        head, actions = rng.choice(rules).split(" actions=")
        return COOKIE.sub("", head).strip(" ,"), actions

    def signal_vswitchd(self, number):
        pid = self.lab.vswitchd_pid()
        if pid:
            os.kill(pid, number)

    def start_vswitchd(self, controller_seconds=0.0):
        if not self.database_pid():
            return  # It would wait for it.
        if not self.lab.vswitchd_pid():
            self.lab.switch.start_vswitchd(self.lab.options["vswitchd_args"])
        time.sleep(controller_seconds)
        self.put_pipeline_back()

    def pipeline_text(self):
        options = self.lab.options
        flows = topology.base_flows(self.lab.vms, options["public"])
        for name in options["stranded"]:
            flows += topology.stranded_flows(self.lab.vm(name), options["variant"])
        return flows

    def put_pipeline_back(self, first=None):
        flows = [*([first] if first else []), *self.pipeline_text()]
        self.ofctl("--bundle", "add-flows", BRIDGE, "-", stdin="\n".join(flows) + "\n")

    def forget_flows_of_vms(self):
        """A VM that has restarted may have another port."""
        for name in GUARDED:
            self.ofctl("del-flows", BRIDGE, f"cookie={self.lab.vm(name).cookie:#x}/-1")

    def database_pid(self):
        try:
            with open(f"{self.lab.switch.rundir}/ovsdb-server.pid", encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if processes.is_running(pid) else None

    def kill_database(self, number):
        pid = self.database_pid()
        if pid:
            processes.signal_marked(pid, self.lab.id, number, 10 * PATIENCE)

    def start_database(self):
        if not self.database_pid():
            self.lab.switch.run_database()

    def add_port(self, name):
        lab, vm = self.lab, self.lab.vm(name)
        words = port_words(vm.port, vm.ofport,
                           f"{vm.device},nic={vm.nic},iface=eth0@{lab.id}-{vm.name}",
                           topology.STORAGE_VLAN, vm.external_ids())
        return self.vsctl("--", "--may-exist", *words[1:])

    def renew_vm(self, name):
        """What a VM has after a restart."""
        vm = self.lab.vm(name)
        vm.move(ofport=vm.ofport + (20 if vm.ofport < 90 else -60),
                mac=vm.mac[:9] + f"{(int(vm.mac[9:11], 16) + 1) % 256:02x}" + vm.mac[11:])
        enter = namespaces.enter(f"{self.lab.id}-{name}")
        self.run_tool(*enter, "ip", "link", "set", "dev", "eth0", "address", vm.mac)
        self.renewed = True

    # ---- The disk, and hooks ----

    def fill_disk(self):
        with contextlib.suppress(OSError), open(f"{self.disk}/ballast", "ab", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        with contextlib.suppress(OSError), open(f"{self.disk}/ballast", "ab", buffering=0) as file:
            while file.write(bytes(512)):
                pass

    def make_room(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.disk}/ballast")

    def hook(self, *words):
        result = subprocess.run([FLOWLIFT, "hook", "--root", self.lab.root, *words], capture_output=True,
                                stdin=subprocess.DEVNULL, timeout=60, check=False)
        if (result.returncode, result.stdout) != (0, b""):
            self.problem(f"hook {words}: exit {result.returncode}, {result.stdout[:200]!r}")

    # ---- Rounds ----

    def live_through(self, faults):
        """Begins and ends them in their time."""
        moments = sorted([(fault.begins_s, i, True) for i, fault in enumerate(faults)] +
                         [(fault.begins_s + fault.lasts_s, i, False) for i, fault in enumerate(faults)],
                         key=lambda moment: (moment[0], not moment[2]))
        start = time.monotonic()
        for at_s, i, begins in moments:
            time.sleep(max(0.0, start + at_s - time.monotonic()))
            what = faults[i].begin(self) if begins else faults[i].end(self)
            self.say(f"{what}" if begins else f"  ends: {faults[i].name}")

    def say(self, text):
        self.told.append(f"{time.monotonic() - self.started:7.1f} s  {text}")

    def undo_all(self):
        """What a fault could not undo itself."""
        lab = self.lab
        self.signal_vswitchd(signal.SIGCONT)
        self.make_room()
        self.start_database()
        self.start_vswitchd()
        wait_until(lambda: self.vsctl("--", "clear", "bridge", BRIDGE, "mirrors") is not None, 30 * PATIENCE,
                   "ovsdb-server")
        for name in (vm.name for vm in lab.vms):
            self.add_port(name)
        # Answered when ovs-vswitchd has done all that the database says.
        lab.vsctl("set", "Open_vSwitch", ".", f"external_ids:undone={time.monotonic_ns()}")
        wait_until(lambda: self.ofctl("del-flows", BRIDGE, f"cookie={ACL_COOKIE}/-1") is not None,
                   30 * PATIENCE, "ovs-vswitchd")
        if self.renewed or self.others() != self.pipeline:
            self.forget_flows_of_vms()
            self.put_pipeline_back()
        self.signal_agent(signal.SIGCONT)
        self.configure(self.config)
        self.signal_agent(signal.SIGHUP)

    def others(self):
        return "\n".join(line for line in self.openflow().splitlines() if not COOKIE.search(line))

    def await_agent(self, rng):
        def is_up():
            self.signal_agent(signal.SIGCONT)
            self.start_agent(rng)
            return self.agent_answers()
        wait_until(is_up, 60 * PATIENCE, "an agent that answers", 0.2)

    def await_desired(self):
        """A remedy that was reverted is applied again, as whoever reverted it was about to."""
        for name in GUARDED:
            if not self.is_desired(name):
                wait_until(lambda name=name: self.flowlift("apply", name).code == 0 or self.is_desired(name),
                           QUIET_SECONDS, f"apply {name}", 0.5)
        if self.renewed:
            # Other ports, other rules.
            self.await_rest(check_pipeline=False)
            self.pipeline = self.others()
            self.renewed = False

    def is_desired(self, name):
        with contextlib.suppress(tap.Failure):
            entry = self.status(name)
            return entry is not None and entry["recorded"] not in ("planned", "reverted")
        return False

    def why_no_rest(self, check_pipeline=True):
        """What is not as it should be once all is quiet; None: it is."""
        for name in GUARDED:
            entry = self.status(name)
            seen = (entry["state"] in ("installed", "verified"), entry["state"] == entry["recorded"],
                    entry["present"] == entry["rules"], entry["foreign"], entry["note"])
            if seen != (True, True, True, 0, None):
                return f"{name}: {json.dumps(entry)}"
        sets = self.installed()
        if sets is None:
            return "ovs-ofctl has no answer"
        counts = {cookie: len(rules) for cookie, rules in sets.items()}
        if counts != self.desired():
            return f"rules in the switch: {counts}, on disk: {self.desired()}"
        if check_pipeline and self.others() != self.pipeline:
            return f"other flows: {self.others()}"
        vms, _ = self.audit("--window", "1")
        for name, vm in vms.items():
            if vm["verdict"] != "offloaded" or not vm["storage"]["packets"]["hw"]:
                return f"{name}: {json.dumps(vm)}"
        return None

    def await_rest(self, **options):
        deadline = time.monotonic() + QUIET_SECONDS
        why = "?"
        while why:
            try:
                why = self.why_no_rest(**options)
            except tap.Failure as failure:
                why = str(failure)
            if why and time.monotonic() > deadline:
                raise tap.Failure(f"no rest {QUIET_SECONDS} s after all faults: {why}")
            if why and self.problems:
                return

    def check_files(self):
        for name in sorted(os.listdir(f"{self.disk}/lib/flowlift/remedies")):
            path = f"{self.disk}/lib/flowlift/remedies/{name}"
            tap.check(name.endswith(".json"), "a remedy's file", name)
            if name.endswith(".json"):
                with open(path, encoding="utf-8") as file:
                    json.load(file)
        with open(f"{self.disk}/log/flowlift/journal.jsonl", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    tap.check(line.endswith("\n") and isinstance(json.loads(line), dict), "a line", line)
                except ValueError as error:
                    raise tap.Failure(f"journal, line {number}: {error}: {line!r}") from None

    def check_agent(self):
        pid = self.agent.pid()
        agents = self.agents()
        tap.equal(len(agents), 1, f"agents: {agents}")
        tap.check(pid in self.agent.processes(), "the pid file is the agent's", pid)
        status = self.agent.status()
        tap.equal((status["process"], status["incomplete"]), (pid, None), "agent's status")
        states = {entry["vm"]: entry["state"] for entry in status["remedies"]}
        tap.equal(sorted(states), sorted(GUARDED), "remedies that the agent guards")
        self.lives.setdefault(pid, Life(pid)).look()

    def check_quiet(self, rng):
        self.undo_all()
        self.await_agent(rng)
        self.await_desired()
        self.await_rest()
        tap.check(not self.problems, "nothing wrong meanwhile", *self.problems)
        self.is_torn = False
        self.check_agent()
        self.check_files()

    def round(self, number, most):
        """Return: how many faults."""
        rng = random.Random(f"{SEED} {number}")
        faults = faults_of_round(rng, most)
        self.started = time.monotonic()
        self.told = []
        try:
            if self.rest_s > LONG_REST_SECONDS:
                self.told += soak_faults.agent_told_to_end(self, rng)
            self.live_through(faults)
            over_s = time.monotonic() - self.started
            self.check_quiet(rng)
            self.rest_s = time.monotonic() - self.started - over_s
        except BaseException:
            self.explain(number, len(faults))
            raise
        tap.note(f"round {number}: {', '.join(fault.name for fault in faults)}; {over_s:.1f} s, at rest after "
                 f"{self.rest_s:.1f} s")
        return len(faults)

    def explain(self, number, n_faults):
        tap.note(f"SEED={SEED} FIRST={number} FAULTS={n_faults} begins with this round")
        tap.note("\n".join(self.told))
        tap.note("\n".join(self.problems))
        with contextlib.suppress(Exception):
            tap.note("\n".join(self.agent.log().splitlines()[-40:]))
        keep = os.environ.get("FLOWLIFT_SOAK_KEEP")
        if keep:
            shutil.copytree(self.lab.directory, keep, dirs_exist_ok=True,
                            ignore=lambda folder, names: [name for name in names if name.endswith((".sock", ".ctl", ".mgmt", ".snoop"))])


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def comes_to_rest(soak):
    "random faults: after each round desired = installed = in hardware; never two agents, never half a set"
    tap.note(f"SEED={SEED}")
    started, number, n_faults = time.monotonic(), FIRST, 0
    while n_faults < N_FAULTS:
        n_faults += soak.round(number, N_FAULTS - n_faults)
        number += 1
    seconds = time.monotonic() - started
    tap.note(f"{n_faults} faults in {number - FIRST} rounds, {seconds:.0f} s: {seconds / n_faults:.1f} s a fault; "
             f"looked on {soak.watcher.n_looks} times, at {soak.watcher.n_sets} sets")


def rules_come_back_into_hardware(soak):
    "rules come back while megaflows live that test every bit of them: these are built anew all the same"
    soak.started, soak.told = time.monotonic(), []
    # The remedy is from a pipeline in which OVS had reason enough to build them anew: it has no decoys.
    soak.strand_with_full_mask("vm2")
    soak.ofctl("del-flows", BRIDGE, soak_faults.OURS)
    soak.await_rest(check_pipeline=False)


def does_not_grow(soak):
    "the agent has no more memory and no more descriptors after faults than before"
    grown = {pid: life.growth() for pid, life in soak.lives.items() if life.growth()}
    for pid, (kilobytes, descriptors) in grown.items():
        life = soak.lives[pid]
        tap.note(f"agent {pid}, {len(life.kilobytes)} quiet points: RssAnon {life.kilobytes[0]} to "
                 f"{life.kilobytes[-1]} KiB, {life.descriptors[0]} to {life.descriptors[-1]} descriptors")
        tap.check(descriptors <= A_CONNECTION, f"agent {pid}: descriptors", life.descriptors)
        if not SANITIZED:
            tap.check(kilobytes <= MORE_KB, f"agent {pid}: memory in KiB", life.kilobytes)
    all_descriptors = [n for life in soak.lives.values() for n in life.descriptors]
    tap.note(f"{len(soak.lives)} agents at quiet points, {min(all_descriptors)} to {max(all_descriptors)} "
             f"descriptors")


if __name__ == "__main__":
    # A file system of its own for the state, that nobody else sees.
    if os.environ.get("FLOWLIFT_SOAK_INSIDE") != "1":
        os.environ["FLOWLIFT_SOAK_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", os.path.abspath(__file__)])
    tap.run([comes_to_rest, rules_come_back_into_hardware, does_not_grow], Soak)
