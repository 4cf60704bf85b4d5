# SPDX-License-Identifier: Apache-2.0
"""A bench with a stranded VM to guard; flowlift guard --foreground on it, and the lines it writes."""

import json
import os
import queue
import subprocess
import threading
import time

import tap
from bench import PATIENCE, Bench

ACL_COOKIE = "0x1ab0acc1"


class GuardedBench(Bench):
    """Three VMs, of which vm2 is stranded and has a stream of packets."""

    def __init__(self):
        super().__init__(window=1, vms=3, nfs=False, public=False)

    def prepare(self):
        self.load_all(rate=100, kind="tcp")
        self.lab.start_stream("vm2", rate=200)
        self.await_verdicts({"vm1": "offloaded", "vm2": "stranded", "vm3": "offloaded"})
        self.dump_before = self.openflow()

    def add_acl(self, match):
        self.lab.ofctl("add-flow", "br0", f"cookie={ACL_COOKIE},{match},actions=drop")

    def remove_acl(self):
        self.lab.ofctl("del-flows", "br0", f"cookie={ACL_COOKIE}/-1")

    def add_mirror(self):
        """Of what comes in from vm2, to vm3."""
        self.lab.vsctl("--", "--id=@vm", "get", "port", self.lab.vm("vm2").port, "--", "--id=@to", "get",
                       "port", self.lab.vm("vm3").port, "--", "--id=@m", "create", "mirror", "name=span",
                       "select_src_port=@vm", "output-port=@to", "--", "set", "bridge", "br0", "mirrors=@m")

    def end_mirror(self):
        self.lab.vsctl("clear", "bridge", "br0", "mirrors")

    def others(self):
        """All flows but ours, as dump_before has them."""
        ours = self.our_rules()
        return "\n".join(line for line in self.openflow().splitlines() if line.strip() not in ours)


class Guard:
    """A context manager: a guard that runs, and ends with SIGTERM."""

    def __init__(self, bench, prefix=(), env=None):
        self.child = subprocess.Popen(
            [*prefix, *bench.command("guard", "--foreground", "--json")],
            env=bench.environment(**(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(20 * PATIENCE)
        finally:
            if self.child.poll() is None:
                self.child.kill()
                self.child.wait()
            self.reader.join()
            self.child.stdout.close()
            self.errors = self.child.stderr.read()
            self.child.stderr.close()

    def event(self, seconds=10):
        """The next event, or None."""
        try:
            event = self.lines.get(timeout=seconds * PATIENCE)
        except queue.Empty:
            return None
        if event is None:
            self.lines.put(None)
            return None
        tap.equal(event["schema"], "flowlift/guard/1", "schema")
        self.seen.append(event)
        return event

    def until(self, *names, seconds=10):
        """The next event of one of these names."""
        deadline = time.monotonic() + seconds * PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            event = self.event(left / PATIENCE)
            if event and event["event"] in names:
                return event
            if event is None and self.child.poll() is not None:
                break
        raise tap.Failure(f"the guard has not {names}; it said {json.dumps(self.seen, indent=1)}\n"
                          f"exit code {self.child.poll()}")

    def quiet(self, seconds):
        """It says nothing for a while, but that rules which went in forward packets."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = self.event(left / PATIENCE)
            tap.check(event is None or event["event"] == "serves",
                      f"the guard says nothing for {seconds} s", event)

    def drain(self):
        """What it has said that nobody asked for yet; names and reasons."""
        while self.event(0.01):
            pass
        return "; ".join(f"{event['event']}: {event['reason']}" for event in self.seen)

    def end(self):
        """SIGTERM: exit 0, no complaint."""
        self.child.terminate()
        tap.equal(self.child.wait(20 * PATIENCE), 0, "exit code of the guard")

    def cpu_s(self):
        """CPU time that it has used."""
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
