# SPDX-License-Identifier: Apache-2.0
"""How long ovs-vswitchd's main thread does not answer while somebody reads its flows.

A client asks it for its version again and again over one unixctl connection, which costs next to
nothing, and notes how long each answer takes. What is longer than usual, the main thread was busy
with something else: it serves unixctl, OVSDB, OpenFlow and the bridges' configuration.
"""

import json
import socket
import subprocess
import threading
import time
from pathlib import Path

ROUNDS = 5
MAX_LONGEST = 1.5
PROBE_PAUSE = 0.001
BUSY = 0.010  # an answer that took longer was held up


class Unixctl:
    """A connection to a unixctl socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.decoder = json.JSONDecoder()
        self.number = 0

    def ask(self, command):
        self.number += 1
        request = {"method": command, "params": [], "id": self.number}
        self.socket.sendall(json.dumps(request).encode())
        text = ""
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                raise OSError("ovs-vswitchd closed the connection")
            text += piece.decode()
            try:
                return self.decoder.raw_decode(text)[0]
            except ValueError:
                pass  # not complete yet

    def close(self):
        self.socket.close()


class Probe(threading.Thread):
    """Asks on, in the background, until told to stop."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.connection = Unixctl(path)
        self.stopping = threading.Event()
        self.answers = []
        self.start()

    def run(self):
        while not self.stopping.is_set():
            start = time.monotonic()
            self.connection.ask("version")
            self.answers.append(time.monotonic() - start)
            time.sleep(PROBE_PAUSE)

    def stop(self):
        """(longest answer, sum of all that were held up), in seconds."""
        self.stopping.set()
        self.join()
        self.connection.close()
        held_up = [answer for answer in self.answers if answer > BUSY]
        return max(self.answers), sum(held_up)


def socket_of(rundir):
    pid = (Path(rundir) / "ovs-vswitchd.pid").read_text(encoding="ascii").strip()
    return Path(rundir) / f"ovs-vswitchd.{pid}.ctl"


def main_thread_cpu(lab):
    """Seconds that the main thread has run so far."""
    pid = (Path(lab.env["OVS_RUNDIR"]) / "ovs-vswitchd.pid").read_text(encoding="ascii").strip()
    schedstat = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii")
    return int(schedstat.split()[0]) / 1e9


def during(lab, command, codes):
    """What a probe sees while @command runs: longest block, all blocks, CPU of the main thread."""
    probe = Probe(socket_of(lab.env["OVS_RUNDIR"]))
    cpu = main_thread_cpu(lab)
    done = subprocess.run(list(map(str, command)), env=lab.env, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    cpu = main_thread_cpu(lab) - cpu
    longest, total = probe.stop()
    if done.returncode not in codes:
        raise RuntimeError(f"{command[0]} exited with {done.returncode}: {done.stderr.strip()}")
    return longest, total, cpu


def run(report, flowlift, flows):
    from lab import Lab, LabError

    dump, audit = "ovs-appctl dpctl/dump-flows -m", "flowlift audit (two dumps)"
    try:
        with Lab(vms=2) as lab:
            lab.make_many_flows(flows)
            commands = {
                "nothing, for 2 s": (["sleep", "2"], (0,)),
                # After a pause, as the audit's dumps: a thread that slept starts with cold caches.
                dump: (["sh", "-c", "sleep 2; exec ovs-appctl dpctl/dump-flows -m"], (0,)),
                audit: ([flowlift, "audit", "--json", "--root", lab.root, "--window", "2"], (0, 1)),
            }
            seen = {name: [] for name in commands}
            for _ in range(ROUNDS):  # interleaved
                for name, (command, codes) in commands.items():
                    seen[name].append(during(lab, command, codes))
    except LabError as error:
        raise RuntimeError(str(error)) from error
    print(f"   {'':<32} {'longest':>9} {'all blocks':>11} {'CPU of it':>10}   (best of {ROUNDS})")
    best = {}
    for name, results in seen.items():
        # The best: this machine runs the traffic, the switch and the reader, and they share its CPUs.
        best[name] = [min(values) for values in zip(*results)]
        print("   {:<32} {:>6.0f} ms {:>8.0f} ms {:>7.0f} ms".format(
            name, *(seconds * 1e3 for seconds in best[name])))
    ratio = best[audit][0] / best[dump][0]
    report.bar(ratio <= MAX_LONGEST, f"the longest block is {ratio:.2f} times that of one "
               f"dpctl/dump-flows -m (at most {MAX_LONGEST})")
