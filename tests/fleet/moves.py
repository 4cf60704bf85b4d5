# SPDX-License-Identifier: Apache-2.0
"""Two hosts of a fleet, each a lab with its agent, and a database of three members: a repair follows its VM.

FLOWLIFT_TEST_TIMES=1: rules are in within a second of the VM's port.
"""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../integration")

import tap  # noqa: E402
from agents import Agent, wait_until  # noqa: E402
from answer import FLOWLIFT, PATIENCE  # noqa: E402
from guarding import GuardedBench  # noqa: E402
from restart import Watcher  # noqa: E402
from fleet_cluster import Cluster, dies_with_us  # noqa: E402

from labkit import processes  # noqa: E402, found by way of bench

VM = "vm2"
FOLLOWS_MS = 1000
SETTLE_SECONDS = 60


class HostAgent(Agent):
    """In the network namespace of its host."""

    def __init__(self, host, within):
        lab = host.lab
        env = processes.marked_environment(lab.id, lab.env)
        super().__init__(lab.root, {**env, "FLOWLIFT_AGENT_ROOT": os.path.realpath(lab.root)})
        self.within = within

    def words(self, *words):
        return [*self.within, *super().words(*words)]


class Host(GuardedBench):
    """A lab with an agent that is in the fleet."""

    def __init__(self, name, cluster, has_vm):
        super().__init__()
        self.name = name
        self.cluster = cluster
        self.has_vm = has_vm

    def prepare(self):
        self.load_all(rate=100, kind="tcp")
        self.configure(f"{self.config}\n[agent]\nauto = audit\ninterval = 60\n{self.cluster.config(self.name)}")
        if not self.has_vm:
            self.unplug()
        self.agent = HostAgent(self, self.cluster.ethernet.within(self.name))
        self.agent.start()

    def __exit__(self, *exception):
        try:
            if hasattr(self, "agent"):
                self.agent.__exit__(*exception)
        finally:
            super().__exit__(*exception)

    def plug(self, **moves):
        """The VM starts here, and goes on with what it did."""
        self.lab.start_vm(VM, **moves)
        self.lab.start_load(VM, rate=100, kind="tcp")

    def unplug(self):
        self.lab.job(f"load-{VM}").stop()
        self.lab.stop_vm(VM)

    def row(self):
        """What this host says of the VM's repair, as another member of the cluster has it."""
        i = next(i for i in range(self.cluster.n) if self.cluster.processes[i])
        rows = self.cluster.rows("Repair", ["host", "==", self.name], ["name", "==", VM], i=i)
        return rows[0] if rows else None

    def until_row(self, **wanted):
        def there():
            row = self.row()
            return row if row and all(row[key] == value for key, value in wanted.items()) else None
        try:
            return wait_until(there, SETTLE_SECONDS * PATIENCE, f"{self.name} says {wanted}", 0.1)
        except tap.Failure as failure:
            raise tap.Failure(f"{failure}\n{self.row()}\n{self.agent.log()[-3000:]}") from None

    def until_rules(self, there):
        what = f"{self.name} has {'rules' if there else 'no rules'}"
        try:
            wait_until(lambda: bool(self.our_rules()) == there, SETTLE_SECONDS * PATIENCE, what, 0.05)
        except tap.Failure as failure:
            raise tap.Failure(f"{failure}\n{self.agent.log()[-3000:]}") from None

    def steps(self):
        """Of the VM, in this host's own journal."""
        return [line["step"] for line in self.flowlift("history", VM, "--json", "-n", "0").json["entries"]]


class Fleet:
    """A context manager."""

    def __enter__(self):
        self.cluster = Cluster(3)
        self.cluster.__enter__()
        self.hosts = [Host("host1", self.cluster, True), Host("host2", self.cluster, False)]
        self.up = []
        try:
            for host in self.hosts:
                host.__enter__()
                self.up.append(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for host in self.up:
            host.__exit__(*exception)
        self.cluster.__exit__()

    def command(self, *words, member=0):
        """flowlift fleet, as an operator on a member of the cluster."""
        return subprocess.run([FLOWLIFT, "fleet", *words, "--remote", self.cluster.admin(member), "--root",
                               self.cluster.folder], capture_output=True, text=True, check=False, timeout=60,
                              preexec_fn=dies_with_us)

    def order(self, word, *words, member=0):
        answer = self.command(word, VM, *words, "--json", member=member)
        tap.equal((answer.returncode, answer.stderr), (0, ""), f"fleet {word}")
        return json.loads(answer.stdout)


def move(fleet, source, target, **moves):
    """Return: milliseconds from the VM's port to its rules, on the host that it starts on."""
    source.unplug()
    with Watcher(target.lab) as watcher:
        target.plug(**moves)
        port = watcher.when(r"OFPT_PORT_STATUS.*ADD.*" + f"{VM}")
        rule = watcher.when(r"event=ADDED.*cookie=0xf10f")
    return 1000 * (rule - port)


def a_local_repair_is_told(fleet):
    "applied on a host: the fleet knows of it, and who did it; nothing happens elsewhere"
    one, two = fleet.hosts
    one.flowlift("apply", VM, "--ticket", "T-1").expect(0)
    row = one.until_row(state="verified", stands=True)
    tap.equal((row["ticket"], row["order"], bool(row["flow_set"])), ("T-1", 0, True), "ticket, order, rules")
    tap.equal((two.row(), two.our_rules()), (None, []), "host2")


def it_follows_its_vm(fleet):
    "the VM starts on another host: repaired there within a second of its port, and gone from the first"
    one, two = fleet.hosts
    ms = move(fleet, one, two)
    tap.note(f"rules {ms:.0f} ms after the port")
    tap.in_time(ms, FOLLOWS_MS * PATIENCE, "rules after the port, ms")
    two.until_row(state="verified", stands=True)
    one.until_row(state="suspended")
    tap.equal(one.our_rules(), [], "rules on host1")
    tap.equal(two.row()["ticket"], "T-1", "its ticket")
    two.await_verdicts({"vm1": "offloaded", VM: "offloaded", "vm3": "offloaded"})


if __name__ == "__main__":
    tap.run([
        a_local_repair_is_told,
        it_follows_its_vm,
    ], Fleet)
