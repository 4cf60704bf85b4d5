# SPDX-License-Identifier: Apache-2.0
"""50 hosts of a fleet (swarm.c) on a database of three members: what is ordered arrives, once, whatever happens.

With more of them, and what it costs: fleet-bench, `make bench-fleet`.
"""

import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../integration")

import tap  # noqa: E402
from agents import wait_until  # noqa: E402
from answer import PATIENCE  # noqa: E402
from swarm import Load, Swarm, vm_id  # noqa: E402

HOSTS = 50
VMS = 50
INTERVAL_S = 3
SECONDS = 60 * PATIENCE


def small_swarm():
    return Swarm(HOSTS, vms=VMS, interval_s=INTERVAL_S)


def order_and_await(swarm, vms, member=0, meanwhile=None):
    """@vms: of (host, VM). Each is heard by its host, and by it alone, once."""
    n = len(swarm.heard)
    given = []
    for i, (host, vm) in enumerate(vms):
        answer = swarm.order(host, vm, member=member)
        given.append((f"host-{host}", vm_id(host, vm), answer["number"]))
        if meanwhile and i == len(vms) // 2:
            meanwhile()
    swarm.await_heard(n + len(given), SECONDS)
    tap.equal(sorted(heard[:3] for heard in swarm.heard[n:]), sorted(given), "who heard what")


def all_are_told_of(swarm):
    "every host, and every VM of it, is in the database"
    tap.note(f"{swarm.await_written(SECONDS):.1f} s")
    names = {row["name"] for row in swarm.cluster.rows("Host", columns=["name"])}
    tap.equal(names, {f"host-{i}" for i in range(HOSTS)}, "hosts")
    # By an operator's eyes: those that are well are in the row of their host.
    answer = swarm.command("audit", "--json")
    vms = json.loads(answer.stdout)["vms"]
    tap.equal(sorted((vm["host"], vm["id"], vm["name"]) for vm in vms),
              sorted((f"host-{i}", vm_id(i, j), f"vm-{i}-{j}") for i in range(HOSTS) for j in range(VMS)), "VMs")
    rows = swarm.cluster.rows("VM", columns=["verdict"])
    tap.equal({row["verdict"] for row in rows}, {"stranded", "unknown"}, "verdicts of VMs with a row")


def a_vm_that_is_well_is_known(swarm):
    "a VM that has no row, since it is well, is found by its identity, which its host hears"
    last = VMS - 1
    answer = swarm.command("apply", vm_id(3, last), "--json")
    tap.equal(answer.returncode, 0, f"an order for it: {answer.stderr}")
    said = json.loads(answer.stdout)
    tap.equal((said["vm_id"], said["vm"]), (vm_id(3, last), f"vm-3-{last}"), "the VM")
    swarm.await_heard(1, SECONDS)
    tap.equal([heard[:2] for heard in swarm.heard], [("host-3", vm_id(3, last))], "who heard what")


def orders_arrive_once(swarm):
    "an order arrives at the host that has the VM, once; what came of it is in the database"
    vms = [(host, host) for host in range(0, HOSTS, 2)]
    before = swarm.look()
    order_and_await(swarm, vms)
    load = Load(before, swarm.look())
    tap.note(f"{load.transactions:.0f} transactions a second, {max(load.members):.0f} % of a CPU for a member")
    tap.note(f"heard after {sorted(heard.heard_ms - heard.decided_ms for heard in swarm.heard)} ms")

    def repairs():
        rows = swarm.cluster.rows("Repair", ["stands", "==", True], columns=["host", "vm_id", "order"])
        return rows if len(rows) >= 1 + len(vms) else None
    tap.equal({(row["host"], row["vm_id"], row["order"]) for row in wait_until(repairs, SECONDS, "repairs", 0.2)},
              {("host-3", vm_id(3, VMS - 1), 1)} | {(f"host-{host}", vm_id(host, vm), 1) for host, vm in vms}, "repairs")


def a_member_starts_again(swarm):
    "the leader is killed while orders are given, and is back: none is lost, none arrives twice, all hosts are back"
    cluster = swarm.cluster
    leader = cluster.leader()
    order_and_await(swarm, [(host, 0) for host in range(10)], (leader + 1) % cluster.n,
                    lambda: cluster.kill(leader))
    cluster.start(leader)
    cluster.await_member(leader)
    tap.note(f"all are back after {swarm.await_written(SECONDS):.1f} s")
    order_and_await(swarm, [(host, 1) for host in range(10, 20)], leader)
    time.sleep(INTERVAL_S)
    tap.equal(len(swarm.heard), 1 + HOSTS // 2 + 20, "orders heard, in all")


def audits_that_say_the_same_are_few_transactions(swarm):
    "hosts whose audits say the same as before write less often than they audit"
    before = swarm.look()
    time.sleep(2 * INTERVAL_S)
    load = Load(before, swarm.look())
    tap.note(f"{load.audits:.1f} audits and {load.transactions:.1f} transactions a second")
    tap.check(load.audits > 0 and load.transactions < load.audits / 2, "transactions", f"{load.transactions}",
              f"{load.audits}")


def nobody_is_refused(swarm):
    "in all of this the database refused nothing, and every host still hears"
    order_and_await(swarm, [(host, 3) for host in range(HOSTS)])
    tap.equal(swarm.state.refused, 0, "refused")
    answer = swarm.command("status", "--json")
    tap.equal((answer.returncode in (1, 2), answer.stderr), (True, ""), "fleet status")


if __name__ == "__main__":
    tap.run([
        all_are_told_of,
        a_vm_that_is_well_is_known,
        orders_arrive_once,
        a_member_starts_again,
        audits_that_say_the_same_are_few_transactions,
        nobody_is_refused,
    ], small_swarm)
