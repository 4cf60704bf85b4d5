#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Stage one among 200 VMs: `flowlift audit --screen`, time and again, finds the stranded and the leaking
one, and accuses nobody else, while VMs start and stop, broadcast, look for each other, and open connections.

FLOWLIFT_SCREEN_ROUNDS: how many (15); 100 take an hour or more.
FLOWLIFT_SCREEN_VMS: among how many VMs (200).
"""

import collections
import itertools
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import tap  # noqa: E402

ROUNDS = int(os.environ.get("FLOWLIFT_SCREEN_ROUNDS", "15"))
N_VMS = int(os.environ.get("FLOWLIFT_SCREEN_VMS", "200"))
STRANDED, LEAKING = "vm7", "vm13"
GUILTY = {STRANDED: "stranded", LEAKING: "leaking"}
# On a busy machine the leaking VM sends less than 100 packets a second, of which the NIC punts every fourth.
WINDOW = 5
PUNT_EVERY = 4
TALKING = [f"vm{number}" for number in range(1, N_VMS * 3 // 4) if f"vm{number}" not in GUILTY]
# The rest is idle, but for those that come and go, or make noise.
IDLE = [f"vm{number}" for number in range(N_VMS * 3 // 4, N_VMS + 1)]
RESTARTING = [TALKING[2], TALKING[3], IDLE[1], IDLE[2]]
BROADCASTING, ASKING = IDLE[3], IDLE[4]
CHURNING = [IDLE[5], IDLE[6], TALKING[4]]
SECONDS = 180
BOOT_SECONDS = 600
ROUND_SECONDS = 60


class Noise(threading.Thread):
    """Does @step again and again, @pause seconds apart, until it is told to stop."""

    def __init__(self, step, pause):
        super().__init__(daemon=True)
        self.step, self.pause = step, pause
        self.done, self.failures = 0, collections.Counter()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(self.pause):
            try:
                self.step()
                self.done += 1
            except Exception as error:  # whatever it is: shown at the end
                self.failures[str(error)[:80]] += 1

    def stop(self):
        self.ended.set()
        self.join(60)


class Bench(kernel_bench.KernelBench):
    def __init__(self):
        super().__init__(ovn=False, nfs=False, vms=N_VMS, stranded=[STRANDED])

    def __enter__(self):
        started = time.monotonic()
        super().__enter__()
        self.lab.start_talk(TALKING, rate=1)
        self.lab.start_load(STRANDED, rate=25, kind="tcp", conns=4)
        self.lab.start_load(LEAKING, rate=100, kind="tcp", conns=4)
        self.lab.punt(LEAKING, PUNT_EVERY)
        self.await_verdicts({**GUILTY, TALKING[0]: "offloaded", TALKING[-1]: "offloaded"}, SECONDS)
        tap.note(f"{N_VMS} VMs are up and talk after {time.monotonic() - started:.0f} s")
        self.noise = {
            "restarts": Noise(self.restart_one, 5),
            "broadcasts": Noise(self.broadcast, 1),
            "ARP requests": Noise(self.ask, 2),
            "connections": Noise(self.connect, 0.3),
        }
        self.restarting, self.churning = itertools.cycle(RESTARTING), itertools.cycle(CHURNING)
        for noise in self.noise.values():
            noise.start()
        return self

    def __exit__(self, *details):
        for noise in self.noise.values():
            noise.stop()
        super().__exit__(*details)

    # ---- Noise ----

    def restart_one(self):
        name = next(self.restarting)
        self.lab.stop_vm(name)
        self.lab.start_vm(name)

    def send(self, name, address):
        from labkit import namespaces
        with namespaces.inside(name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(b"who is there?", (address, 9))

    def broadcast(self):
        self.send(BROADCASTING, "10.100.0.255")

    def ask(self):
        self.send(ASKING, "10.100.0.250")  # nobody has it: a broadcast of ARP

    def connect(self):
        from labkit import namespaces, topology
        with namespaces.inside(next(self.churning)):
            storage = socket.socket()
        with storage:
            storage.settimeout(5)
            storage.connect((topology.STORAGE_TCP_SERVER, topology.NFS_PORT))


class Rounds:
    """What all rounds said."""

    def __init__(self):
        self.suspects = collections.Counter()
        self.missed, self.accused, self.unsure = [], [], collections.Counter()
        self.seconds = []

    def __str__(self):
        innocent = {name: n for name, n in self.suspects.items() if name not in GUILTY}
        return (f"{len(self.seconds)} rounds, {sum(self.seconds) / len(self.seconds):.1f} s each; missed "
                f"{len(self.missed)}, accused {len(self.accused)}; suspect in stage one, and cleared by "
                f"their flows: {sum(innocent.values())} times, {innocent}; verdict unknown: "
                f"{self.unsure['unknown']} times")

    def report(self, number):
        """What went wrong in this round, as it happens: a few of each."""
        for wrong in (self.missed, self.accused):
            for one in [one for one in wrong if one[0] == number][:3]:
                tap.note(one)

    def add(self, number, document):
        doubts = {vm["name"]: vm["suspicion"] for vm in document["screen"]}
        verdicts = {vm["name"]: vm["verdict"] for vm in document["vms"]}
        self.suspects.update(doubts)
        for name, verdict in GUILTY.items():
            if name not in doubts or verdicts.get(name) != verdict:
                vm = next((vm for vm in document["vms"] if vm["name"] == name), {})
                self.missed.append((number, name, doubts.get(name), vm.get("verdict"),
                                    vm.get("reason")))
        for name, verdict in verdicts.items():
            if name not in GUILTY and verdict in ("stranded", "leaking"):
                vm = next(vm for vm in document["vms"] if vm["name"] == name)
                self.accused.append((number, name, verdict, vm["reason"]))
            self.unsure[verdict] += verdict == "unknown"


def both_are_found_and_nobody_else(bench):
    "each round finds the stranded and the leaking VM, and accuses no other"
    rounds = Rounds()
    for number in range(ROUNDS):
        started = time.monotonic()
        answer = bench.flowlift("audit", "--screen", "--window", WINDOW, "--json", timeout=SECONDS)
        rounds.add(number, answer.json)
        rounds.seconds.append(time.monotonic() - started)
        rounds.report(number)
        if number % 5 == 4 or number == ROUNDS - 1:
            tap.note(rounds)
    for name, noise in bench.noise.items():
        tap.note(f"{name}: {noise.done} {dict(noise.failures)}")
    tap.equal((rounds.missed, rounds.accused), ([], []), "missed, accused")


def there_was_noise(bench):
    "VMs started and stopped, broadcast, asked, and opened connections all the while"
    for name, noise in bench.noise.items():
        tap.check(noise.done >= ROUNDS / 5, name, noise.done, dict(noise.failures))


def nobody_in_doubt_means_no_flow_is_read(bench):
    "with nobody stranded and nobody leaking, the ports' counters decide, exit 0"
    for noise in bench.noise.values():
        noise.stop()
    bench.lab.punt(LEAKING, 0)
    bench.lab.set_stranded(STRANDED, False)
    bench.await_verdicts(dict.fromkeys(GUILTY, "offloaded"), SECONDS)
    answer = bench.flowlift("audit", "--screen", "--window", WINDOW, "--json").expect(0)
    document = answer.json
    tap.equal((document["screen"], document["orphans"], document["n_orphans"]), ([], None, None),
              "doubts, orphans")
    tap.equal({vm["judged_by"] for vm in document["vms"]}, {"ports"}, "judged by")


TESTS = [both_are_found_and_nobody_else, there_was_noise, nobody_in_doubt_means_no_flow_is_read]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench, timeout=BOOT_SECONDS + ROUNDS * ROUND_SECONDS)
