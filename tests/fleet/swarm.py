# SPDX-License-Identifier: Apache-2.0
"""Many hosts of a fleet (swarm.c) on a cluster of real ovsdb-servers, and what that costs.

    with Swarm(n, vms=50, interval_s=60) as swarm:
        swarm.await_written(), swarm.order(host, vm), swarm.heard, swarm.load(seconds)
"""

import collections
import json
import os
import re
import resource
import subprocess
import threading
import time

from fleet_cluster import DATABASE, Cluster, dies_with_us, run

BUILD = os.environ.get("FLOWLIFT_BUILD") or os.path.abspath(f"{__file__}/../../../build")
FLOWLIFT = os.environ.get("FLOWLIFT") or f"{BUILD}/cli/flowlift"
SWARM = f"{BUILD}/tests/swarm"
# A member has a descriptor a client, and all of them when the other members are away.
DESCRIPTORS = 16384
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SAMPLE = 25
# Of whose rows the text is an argument of a command.
FILL_HOSTS = 8
# FL_FLEET_UNCHANGED_MS: in steady state hosts are that old, and younger.
UNCHANGED_S = 900

State = collections.namedtuple("State", "connected written audits connects refused")
Heard = collections.namedtuple("Heard", "host vm_id number decided_ms heard_ms")


def vm_id(host, vm):
    """As swarm.c has it."""
    return f"{host:08x}-0000-4000-8000-{vm:012x}"


def verdict(host, vm, vms):
    """In the beginning, as swarm.c has it."""
    n = host * vms + vm
    return ("stranded" if n % 50 == 0 else "unknown" if n % 200 == 3 else "idle" if n % 25 == 7 else "offloaded")


def rows_of(host, hosts, vms):
    """What its agent has written some time ago, as operations."""
    verdicts = [verdict(host, vm, vms) for vm in range(vms)]
    counts = [[word, verdicts.count(word)] for word in sorted(set(verdicts))]
    well = {word: [[vm_id(host, vm), f"vm-{host}-{vm}"] for vm in range(vms) if verdicts[vm] == word]
            for word in ("offloaded", "idle")}
    called = [text for pairs in well.values() for pair in pairs for text in pair]
    yield {"op": "insert", "table": "Host",
           "row": {"name": f"host-{host}", "flowlift_version": "0.1.0", "ovs_version": "3.1.0",
                   "nics": ["map", [["mlx5e_rep", "22.36.1010" if host % 3 else "22.31.1014"]]], "verdicts": ["map", counts],
                   "offloaded": ["map", well["offloaded"]], "idle": ["map", well["idle"]], "called": ["set", called],
                   "audited": int(1000 * (time.time() - host * UNCHANGED_S / hosts)), "interval": 60000}}
    for vm, word in enumerate(verdicts):
        bad = word == "stranded"
        if word not in well:
            yield {"op": "insert", "table": "VM",
                   "row": {"host": f"host-{host}", "vm_id": vm_id(host, vm), "name": f"vm-{host}-{vm}", "verdict": word,
                           "scope": "vm" if bad else "", "hw_share": 0.02 if bad else 1.0,
                           "sw_rate": 1500000 if bad else 0, "causes": "conntrack" if bad else ["set", []],
                           "since": int(1000 * time.time())}}


def cpu_s(pid):
    """Of all its threads, since it began."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * TICK_S


def memory_mib(pid, what):
    """VmRSS or VmHWM."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{what}:\s+(\d+)", file.read(), re.M).group(1)) / 1024


def proportional_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))


class Load:
    """What went by between two moments."""

    def __init__(self, before, after):
        self.seconds = after["time"] - before["time"]
        self.transactions = (after["log"] - before["log"]) / self.seconds
        self.audits = (after["audits"] - before["audits"]) / self.seconds
        self.members = [100 * (b - a) / self.seconds for a, b in zip(before["members"], after["members"])]
        self.hosts = 100 * (after["hosts"] - before["hosts"]) / self.seconds
        self.bytes = [b - a for a, b in zip(before["bytes"], after["bytes"])]
        self.terms = after["term"] - before["term"]
        self.connects = after["connects"] - before["connects"]
        self.leader = after["leader"]


class Swarm:
    """A context manager. @start: whether the hosts begin with it; @begin_s: one after the other, in that time."""

    def __init__(self, n, vms=50, interval_s=60, start=True, begin_s=0, election_ms=1000):
        self.n, self.vms, self.interval_s = n, vms, interval_s
        self.does_start, self.begin_s = start, begin_s
        self.cluster = Cluster(3, election_ms)
        self.process = None
        self.state = State(0, 0, 0, 0, 0)
        self.heard = []
        self.has_ended = False
        self.changed = threading.Condition()

    def __enter__(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, most), most))
        self.cluster.__enter__()
        try:
            if self.does_start:
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.reader.join()
            self.process.stdout.close()
        self.cluster.__exit__(*exception)

    def fill(self):
        """As if the hosts had been there before."""
        for first in range(0, self.n, FILL_HOSTS):
            operations = [operation for host in range(first, min(first + FILL_HOSTS, self.n))
                          for operation in rows_of(host, self.n, self.vms)]
            if any("error" in result for result in self.cluster.transact(*operations, i=self.cluster.leader() or 0)):
                raise RuntimeError("the database refuses rows")

    def start(self):
        self.process = subprocess.Popen(
            [*self.cluster.ethernet.within("hosts"), SWARM, self.cluster.remote(), self.cluster.folder, str(self.n),
             str(self.vms), str(int(self.interval_s * 1000)), str(int(self.begin_s * 1000))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_us)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            kind, *words = line.split()
            with self.changed:
                if kind == "state":
                    self.state = State(*map(int, words))
                else:
                    self.heard.append(Heard(*words[:2], *map(int, words[2:])))
                self.changed.notify_all()
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()

    def until(self, is_so, seconds, what):
        """Return: how long it took."""
        began = time.monotonic()
        with self.changed:
            self.changed.wait_for(lambda: is_so() or self.has_ended, seconds)
            if not is_so():
                raise RuntimeError(f"not in {seconds} s: {what}; {self.state}")
        return time.monotonic() - began

    def await_written(self, seconds=600):
        """All hosts are connected, and the database has what they said."""
        return self.until(lambda: self.state.connected == self.state.written == self.n, seconds, "all have written")

    def await_heard(self, n, seconds):
        return self.until(lambda: len(self.heard) >= n, seconds, f"{n} orders are heard")

    # ---- Operators ----

    def command(self, *words, member=0):
        """flowlift fleet, as an operator on a member."""
        return subprocess.run([FLOWLIFT, "fleet", *words, "--remote", self.cluster.admin(member), "--root",
                               self.cluster.folder], capture_output=True, text=True, check=False, timeout=120,
                              preexec_fn=dies_with_us)

    def order(self, host, vm, word="apply", member=0):
        """Return: what the command says of it."""
        answer = self.command(word, f"vm-{host}-{vm}", "--json", member=member)
        if answer.returncode:
            raise RuntimeError(f"fleet {word} vm-{host}-{vm}: {answer.stderr}")
        return json.loads(answer.stdout)

    # ---- What it costs ----

    def _status(self, i):
        return run("ovs-appctl", "-T", "60", "-t", f"{self.cluster.folder}/{i}.ctl", "cluster/status", DATABASE)

    def _children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def look(self):
        """One moment. Each transaction is one entry of the members' log."""
        leader = self.cluster.leader()
        status = self._status(leader)
        pids = [process.pid for process in self.cluster.processes]
        return {
            "leader": leader,
            "log": int(re.search(r"^Log: \[\d+, (\d+)\]", status, re.M).group(1)),
            "term": int(re.search(r"^Term: (\d+)", status, re.M).group(1)),
            "audits": self.state.audits,
            "connects": self.state.connects,
            "members": [cpu_s(pid) for pid in pids],
            "hosts": sum(cpu_s(pid) for pid in self._children()),
            "bytes": [os.path.getsize(self.cluster.database(i)) for i in range(self.cluster.n)],
            "time": time.monotonic(),
        }

    def memory(self):
        """(MiB of each member now, at most; KiB of a host, as its share of what they have together)"""
        pids = [process.pid for process in self.cluster.processes]
        hosts = self._children()
        some = hosts[::max(len(hosts) // SAMPLE, 1)]
        return ([memory_mib(pid, "VmRSS") for pid in pids], [memory_mib(pid, "VmHWM") for pid in pids],
                sum(map(proportional_kib, some)) / len(some))
