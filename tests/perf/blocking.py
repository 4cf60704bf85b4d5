# SPDX-License-Identifier: Apache-2.0
"""How long ovs-vswitchd's main thread does not answer while somebody reads its flows.

A client asks it for its version again and again over one unixctl connection, which costs next to
nothing, and notes how long each answer takes. What is longer than usual, the main thread was busy
with something else: it serves unixctl, OVSDB, OpenFlow and the bridges' configuration.
"""

import json
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

ROUNDS = 3
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


def during(lab, command, codes):
    """What a probe sees while @command runs."""
    probe = Probe(socket_of(lab.env["OVS_RUNDIR"]))
    done = subprocess.run(list(map(str, command)), env=lab.env, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    longest, total = probe.stop()
    if done.returncode not in codes:
        raise RuntimeError(f"{command[0]} exited with {done.returncode}: {done.stderr.strip()}")
    return longest, total


def run(report, flowlift, flows):
    from lab import Lab

    with Lab(vms=2) as lab:
        lab.make_many_flows(flows)
        commands = {
            "nothing": (["sleep", "2"], (0,)),
            "ovs-appctl dpctl/dump-flows -m": (["ovs-appctl", "dpctl/dump-flows", "-m"], (0,)),
            "flowlift audit (two dumps)": (
                [flowlift, "audit", "--json", "--root", lab.root, "--window", "2"], (0, 1)),
        }
        seen = {name: [] for name in commands}
        for _ in range(ROUNDS):  # interleaved
            for name, (command, codes) in commands.items():
                seen[name].append(during(lab, command, codes))
    print(f"   {'':<32} {'longest':>9} {'in all':>9}   (median of {ROUNDS})")
    longest = {}
    for name, results in seen.items():
        longest[name] = statistics.median(result[0] for result in results)
        total = statistics.median(result[1] for result in results)
        print(f"   {name:<32} {longest[name] * 1e3:>6.0f} ms {total * 1e3:>6.0f} ms")
    ratio = longest["flowlift audit (two dumps)"] / longest["ovs-appctl dpctl/dump-flows -m"]
    report.bar(ratio <= 1.25, f"no block is longer than that of dpctl/dump-flows: {ratio:.2f} times "
               "(at most 1.25)")
