# SPDX-License-Identifier: Apache-2.0
"""Two hosts of a fleet, each a lab with its agent, and a database of three members: a repair follows its VM.

FLOWLIFT_TEST_TIMES=1: rules are in within a second of the VM's port.
"""

import contextlib
import json
import os
import signal
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
        self.set_auto("audit")
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

    def set_auto(self, auto):
        """For the next agent, or with SIGHUP."""
        self.configure(f"{self.config}\n[agent]\nauto = {auto}\ninterval = 10\n{self.cluster.config(self.name)}")

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


def move(fleet, source, target, rules=True, **moves):
    """Return: milliseconds from the VM's port to its rules, on the host that it starts on."""
    source.unplug()
    if not rules:
        target.plug(**moves)
        return None
    with Watcher(target.lab) as watcher:
        target.plug(**moves)
        port = watcher.when(r"OFPT_PORT_STATUS.*ADD.*" + f"{VM}")
        rule = watcher.when(r"event=ADDED.*cookie=0xf10f")
    return 1000 * (rule - port)


@contextlib.contextmanager
def cut_off(host):
    """Its cable is out, and its agent knows."""
    ethernet = host.cluster.ethernet
    ethernet.cut(host.name)
    try:
        wait_until(lambda: not host.agent.status()["fleet"]["connected"], 120 * PATIENCE, "it knows", 0.2)
        yield
    finally:
        ethernet.cut(host.name, False)


def a_revert_holds_before_a_repair(fleet):
    "fleet revert of a VM that nobody has repaired: auto = repair leaves it alone, and says why"
    one = fleet.hosts[0]
    wait_until(lambda: one.agent.status()["fleet"]["connected"], 30 * PATIENCE, "connected")

    def is_known():
        answer = fleet.command("revert", VM, "--ticket", "T-0", "--json")
        return answer.returncode == 0
    wait_until(is_known, 30 * PATIENCE, "its host tells of the VM, and an order is taken", 0.5)
    one.set_auto("repair")
    os.kill(one.agent.pid(), signal.SIGHUP)
    one.agent.ask("audit")
    wait_until(lambda: f"{VM}: is stranded and left alone until" in one.agent.log(), 60 * PATIENCE, "it is left alone")
    tap.check("the fleet was ordered to revert it" in one.agent.log(), "why", one.agent.log()[-2000:])
    tap.equal(one.our_rules(), [], "rules")
    one.set_auto("audit")
    os.kill(one.agent.pid(), signal.SIGHUP)


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


def there_and_back(fleet):
    "it goes back, at another port and with another MAC address: the same again, in the other direction"
    one, two = fleet.hosts
    ms = move(fleet, two, one, ofport=77, mac="52:54:00:77:00:02")
    tap.note(f"rules {ms:.0f} ms after the port")
    tap.in_time(ms, FOLLOWS_MS * PATIENCE, "rules after the port, ms")
    one.until_row(state="verified", stands=True)
    two.until_row(state="suspended")
    tap.equal(two.our_rules(), [], "rules on host2")


def an_order_ends_it_everywhere(fleet):
    "fleet revert: out where the VM is, and on the host that it came from it waits no more"
    one, two = fleet.hosts
    entered = fleet.order("revert", "--ticket", "T-2")
    tap.equal((entered["vm"], entered["hosts"], entered["stands"]), (VM, ["host1"], False), "what it says")
    one.until_row(state="reverted", stands=False, ticket="T-2", order=entered["number"])
    two.until_row(state="reverted", stands=False)
    tap.equal((one.our_rules(), two.our_rules()), ([], []), "rules")
    move(fleet, one, two, rules=False)
    time.sleep(2)
    tap.equal((one.our_rules(), two.our_rules()), ([], []), "rules after it moved")


def an_order_is_done_once(fleet):
    "fleet apply: the host that has the VM plans, applies and verifies; once, also when its agent starts again"
    one, two = fleet.hosts
    entered = fleet.order("apply", "--ticket", "T-3")
    row = two.until_row(state="verified", stands=True, order=entered["number"])
    tap.equal((row["ticket"], bool(two.our_rules()), one.our_rules()), ("T-3", True, []), "ticket, rules")
    n = two.steps().count("install")
    two.agent.ask("exit")
    wait_until(lambda: not two.agent.processes(), 20 * PATIENCE, "its end")
    two.agent.start()
    wait_until(lambda: two.agent.status()["fleet"]["connected"], 30 * PATIENCE, "connected again")
    time.sleep(3)
    tap.equal(two.steps().count("install"), n, "how often it was installed")
    tap.equal(two.row()["state"], "verified", "its state")


def any_member_may_be_killed(fleet):
    "each member is killed in turn, and is back: orders go in meanwhile, are done, and none twice"
    one, two = fleet.hosts
    cluster = fleet.cluster
    for i in range(cluster.n):
        word, stands = ("revert", False) if i % 2 == 0 else ("apply", True)
        n = two.steps().count("plan")
        cluster.kill(i)
        entered = fleet.order(word, member=(i + 1) % cluster.n)
        two.until_row(stands=stands, order=entered["number"])
        two.until_rules(stands)
        cluster.start(i)
        cluster.await_member(i)
        wait_until(lambda: cluster.rows("Order", i=i)[0]["number"] == entered["number"], 30 * PATIENCE,
                   "the member that is back has the order")
        tap.equal(two.steps().count("plan") - n, int(stands), f"plans for order {entered['number']}")
        tap.equal(one.our_rules(), [], "rules on host1")
    fleet.order("apply")
    two.until_row(stands=True, state="verified")


def what_was_asked_for_is_lost(fleet):
    "a host asks for other rows, and the database dies before it answers: it hears again when that is back"
    _, two = fleet.hosts
    cluster = fleet.cluster
    for process in cluster.processes:
        process.send_signal(signal.SIGSTOP)
    two.lab.job("load-vm3").stop()
    two.lab.stop_vm("vm3")
    time.sleep(2)
    for i in range(cluster.n):
        cluster.kill(i)
    for i in range(cluster.n):
        cluster.start(i)
    for i in range(cluster.n):
        cluster.await_member(i)
    two.lab.start_vm("vm3")
    two.lab.start_load("vm3", rate=100, kind="tcp")
    for word, stands in (("revert", False), ("apply", True)):
        entered = fleet.order(word)
        two.until_row(stands=stands, order=entered["number"])
    two.until_row(stands=True, state="verified")


def a_minority_takes_nothing(fleet):
    "a member that has lost the others: an order there is refused with a sentence, a look is, too"
    cluster = fleet.cluster
    cluster.ethernet.cut("member0")
    try:
        wait_until(lambda: "lost the others" in fleet.command("status", "--timeout", "5").stderr, 60 * PATIENCE,
                   "the member knows that it is alone", 0.5)
        answer = fleet.command("status", "--timeout", "5")
        tap.check("lost the others" in answer.stderr and answer.stdout == "", "what status says", answer.stderr)
        tap.equal(answer.returncode, 2, "exit code of status")
        answer = fleet.command("revert", VM, "--timeout", "3")
        tap.equal((answer.returncode, answer.stdout), (2, ""), "fleet revert")
        tap.check("not answer in time" in answer.stderr, "what it says", answer.stderr)
    finally:
        cluster.ethernet.cut("member0", False)
    cluster.await_member(0)
    two = fleet.hosts[1]
    tap.equal((two.row()["stands"], bool(two.our_rules())), (True, True), "what it was refused is not done")


def a_host_is_cut_off(fleet):
    "a host is cut off: it goes on by its own store; what was ordered meanwhile is done when it is back, once"
    one, two = fleet.hosts
    with cut_off(two):
        # Its guard goes on: rules that somebody deletes come back.
        two.lab.ofctl("del-flows", "br0", "cookie=0xf10f000000000000/0xffff000000000000")
        two.until_rules(True)
        first = fleet.order("revert", "--ticket", "T-4")
        second = fleet.order("apply", "--ticket", "T-5")
        tap.equal(second["number"], first["number"] + 1, "numbers of orders")
        time.sleep(1)
        tap.check(two.our_rules(), "nothing of it is heard there")
        n = len([step for step in two.steps() if step in ("plan", "revert")])
    two.until_row(order=second["number"], stands=True, ticket="T-5")
    tap.check(two.our_rules(), "rules")
    tap.equal(len([step for step in two.steps() if step in ("plan", "revert")]), n,
              "the last order counts: nothing is taken out, nothing put in again")
    tap.equal(one.our_rules(), [], "rules on host1")


def what_was_decided_alone_is_merged(fleet):
    "cut off, an engineer reverts on the host: the fleet learns of it when it is back, and the later word counts"
    one, two = fleet.hosts
    fleet.order("apply", "--ticket", "T-6")
    two.until_row(state="verified", ticket="T-6")
    with cut_off(two):
        two.flowlift("revert", VM).expect(0)
    two.until_row(state="reverted", stands=False)
    time.sleep(2)
    tap.equal(two.our_rules(), [], "rules: the older order is not done again")
    move(fleet, two, one, rules=False)
    time.sleep(2)
    tap.equal(one.our_rules(), [], "rules where it went: it was ended")


def the_vm_moves_while_cut_off(fleet):
    "a VM leaves a host that is cut off: its rules are out there, and in where it starts"
    one, two = fleet.hosts
    cluster = fleet.cluster
    fleet.order("apply", "--ticket", "T-7")
    one.until_row(state="verified", ticket="T-7")
    cluster.ethernet.cut("host1")
    try:
        ms = move(fleet, one, two)
        tap.note(f"rules {ms:.0f} ms after the port")
        one.until_rules(False)
        two.until_row(state="verified", stands=True)
        tap.equal(one.row()["state"], "verified", "what the fleet has of host1 is old")
    finally:
        cluster.ethernet.cut("host1", False)
    one.until_row(state="suspended")


def the_fleet_is_told(fleet):
    "fleet status, audit and history say what is so, to people and as JSON"
    for host in fleet.hosts:
        host.agent.ask("audit")

    def told():
        document = json.loads(fleet.command("status", "--json").stdout)
        hosts = {host["name"]: host for host in document["hosts"]}
        return (len(hosts) == 2 and all(host["state"] == "heard" for host in hosts.values()) and
                document["summary"]["vms"]["offloaded"] >= 5 and document)
    document = wait_until(told, 60 * PATIENCE, "both hosts are heard", 0.5)
    tap.equal((document["schema"], document["summary"]["hosts"]["heard"]), ("flowlift/fleet-status/1", 2), "status")
    audit = json.loads(fleet.command("audit", "--json").stdout)
    of_vm = [vm for vm in audit["vms"] if vm["name"] == VM and vm["host"] == "host2"]
    tap.equal([(vm["verdict"], vm["remedy"]) for vm in of_vm], [("offloaded", "verified")], f"{VM} in audit")
    entries = json.loads(fleet.command("history", VM, "--json", "-n", "0").stdout)["entries"]
    tap.equal([(entry["state"], entry["ticket"]) for entry in entries if entry["host"] is None][-1],
              ("ordered", "T-7"), "the last order in history")
    tap.check(any(entry["host"] == "host2" and entry["state"] == "verified" for entry in entries), "what hosts did")
    for words in (("status",), ("audit",), ("history", VM)):
        answer = fleet.command(*words)
        tap.check("host2" in answer.stdout and not answer.stderr, f"fleet {words[0]} in words", answer.stdout)


def a_host_writes_its_own_rows(fleet):
    "a host's certificate: rows of another host are refused, orders are, and one of another authority is no one"
    cluster = fleet.cluster
    key, certificate, authority = cluster.authority.keys("host1")

    def transact(*operations, keys=(key, certificate, authority)):
        done = subprocess.run(
            [*cluster.ethernet.within("host1"), "ovsdb-client", "-t", "10", "-p", keys[0], "-c", keys[1], "-C",
             keys[2], "transact", cluster.remote(1), json.dumps(["Flowlift_Fleet", *operations])],
            capture_output=True, text=True, check=False)
        return done.stdout + done.stderr
    changed = {"op": "update", "table": "Host", "where": [["name", "==", "host2"]], "row": {"ovs_version": "0"}}
    for what, operation in {
            "another's host row": changed,
            "another's VM": {"op": "insert", "table": "VM", "row": {"host": "host2", "vm_id": "x"}},
            "another's repair": {"op": "update", "table": "Repair", "where": [["host", "==", "host2"]],
                                 "row": {"stands": False}},
            "another's rows, away": {"op": "delete", "table": "Repair", "where": [["host", "==", "host2"]]},
            "an order": {"op": "update", "table": "Order", "where": [], "row": {"stands": False}},
            "an order of its own": {"op": "insert", "table": "Order", "row": {"vm_id": "x", "stands": True}},
            "the roles": {"op": "delete", "table": "RBAC_Role", "where": []},
            "the connections": {"op": "update", "table": "Connection", "where": [], "row": {"role": ""}},
    }.items():
        tap.check("permission error" in transact(operation), f"{what}: refused", transact(operation))
    own = {**changed, "where": [["name", "==", "host1"]], "row": {"incomplete": ""}}
    tap.check('"count":1' in transact(own), "its own row", transact(own))
    stranger = type(cluster.authority)(os.makedirs(f"{cluster.folder}/x", exist_ok=True) or f"{cluster.folder}/x")
    keys = stranger.keys("host1")
    tap.check("count" not in transact(own, keys=(keys[0], keys[1], authority)), "of another authority")


if __name__ == "__main__":
    tap.run([
        a_revert_holds_before_a_repair,
        a_local_repair_is_told,
        it_follows_its_vm,
        there_and_back,
        an_order_ends_it_everywhere,
        an_order_is_done_once,
        any_member_may_be_killed,
        what_was_asked_for_is_lost,
        a_minority_takes_nothing,
        a_host_is_cut_off,
        what_was_decided_alone_is_merged,
        the_vm_moves_while_cut_off,
        the_fleet_is_told,
        a_host_writes_its_own_rows,
    ], Fleet)
