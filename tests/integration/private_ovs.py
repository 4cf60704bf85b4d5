# SPDX-License-Identifier: Apache-2.0
"""An Open vSwitch of one's own: userspace datapath, dummy ports, no privileges needed.

Everything is in one temporary folder. The daemons are children that die with the test.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PATIENCE = 4 if os.environ.get("FLOWLIFT_SANITIZE", "none") != "none" else 1
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, what, seconds=15):
    """Waits for an event; fails by name when it does not come."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds * PATIENCE} s for {what}")
        time.sleep(0.01)


class PrivateOvs:
    """Use as a context manager. `numa` makes that many cores for PMD threads ("0,0")."""

    def __init__(self, numa="0,0"):
        self.folder = tempfile.mkdtemp(prefix="flowlift-ovs-")
        self.numa = numa
        self.daemons = {}
        self.env = dict(os.environ)
        for name in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR"):
            self.env[name] = self.folder

    def path(self, name):
        return f"{self.folder}/{name}"

    def __enter__(self):
        try:
            subprocess.run(["ovsdb-tool", "create", self.path("conf.db"), SCHEMA], check=True)
            self._start("ovsdb-server", self.path("conf.db"), f"--remote=punix:{self.path('db.sock')}")
            wait_until(lambda: os.path.exists(self.path("db.sock")), "ovsdb-server")
            self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", "ovs_version=3.1.0")
            self._start(
                "ovs-vswitchd", "--enable-dummy", "--disable-system", f"--dummy-numa={self.numa}",
                f"unix:{self.path('db.sock')}",
            )
            wait_until(lambda: os.path.exists(self.path("ovs-vswitchd.pid")), "ovs-vswitchd")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for daemon in self.daemons.values():
            daemon.send_signal(signal.SIGCONT)
            daemon.kill()
            daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name, *arguments):
        with open(self.path(f"{name}.out"), "w") as out:
            self.daemons[name] = subprocess.Popen(
                [name, *arguments, "--pidfile", "--no-chdir", "--log-file", "-vconsole:off"],
                stdout=out, stderr=out, env=self.env, preexec_fn=_die_with_parent,
            )

    def hang(self, name):
        self.daemons[name].send_signal(signal.SIGSTOP)

    def go_on(self, name):
        self.daemons[name].send_signal(signal.SIGCONT)

    def _run(self, *words):
        done = subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def vsctl(self, *words):
        return self._run("ovs-vsctl", *words)

    def ofctl(self, *words):
        return self._run("ovs-ofctl", "-O", "OpenFlow14", *words)

    def appctl(self, *words):
        return self._run("ovs-appctl", *words)

    def flows(self, bridge="br0"):
        """OpenFlow flows without counters. Sorted: OVS lists tables of equal priority in any order."""
        lines = self.ofctl("--no-stats", "dump-flows", bridge).splitlines()
        return "\n".join(sorted(line for line in lines if "actions=" in line))
