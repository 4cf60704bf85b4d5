# SPDX-License-Identifier: Apache-2.0
"""Servers behind the wire, and what the VMs do with them."""

import os
import subprocess
import sys

from . import namespaces, policy, processes
from .jobs import Jobs
from .processes import LabError, wait_until
from .topology import NFS_PORT, STORAGE_TCP_SERVER

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = [sys.executable, "-SB"]


class Traffic:
    def __init__(self, directory, lab_id, tools):
        self.directory = directory
        self.lab_id = lab_id
        self.tools = tools
        self.environment = processes.marked_environment(lab_id)
        self.jobs = Jobs(directory, lab_id)

    def tool(self, name):
        if not self.tools:
            raise LabError(f"{name} is not built: meson, or tests/bench/quick-build .deps/bench")
        return f"{self.tools}/{name}"

    def spawn(self, where, words, log, stdout=None):
        """Start a process of the lab in a namespace; None: in the guest's own."""
        os.makedirs(self.directory, exist_ok=True)
        log = f"{self.directory}/{log}.log"
        if where is None:
            return processes.spawn(words, env=self.environment, log=log, stdout=stdout)
        with namespaces.inside(where):
            return processes.spawn(words, env=self.environment, log=log, stdout=stdout)

    def start_responder(self, vms):
        process = self.spawn(None, [*PYTHON, f"{HERE}/responder.py",
                                    *policy.listening_places(vms)],
                             "responder", subprocess.PIPE)
        if process.stdout.readline() != b"ready\n":
            raise LabError(f"the responder does not start: {self.directory}/responder.log")

    def start_tcp_server(self):
        self.spawn("sto", [self.tool("tcpload"), "serve", STORAGE_TCP_SERVER, NFS_PORT],
                   "tcp-server")

    # ---- The VMs' jobs ----

    def _start_job(self, where, name, words):
        return self.jobs.start(name, lambda stdout: self.spawn(where, words, name, stdout))

    def _start_python(self, name, program, *words):
        """Return when it can be told to stop."""
        job = self._start_job(None, name, [*PYTHON, f"{HERE}/{program}", *words])

        def has_started():
            with open(job.out, encoding="ascii") as file:
                return file.read() or process_has_ended()

        def process_has_ended():
            return job.process.poll() is not None
        wait_until(has_started, 30, f"the start of {name}")
        return job

    def start_disk_load(self, mount_point, rate, seconds, name):
        return self._start_python(name, "disk_io.py", "load", f"{mount_point}/{name}", rate,
                                  seconds or 0)

    def start_disk_job(self, mount_point, mib, name):
        return self._start_python(name, "disk_io.py", "job", f"{mount_point}/{name}", mib)

    def start_tcp_load(self, where, conns, rate, seconds, name):
        words = [self.tool("tcpload"), "run", STORAGE_TCP_SERVER, NFS_PORT,
                 "--conns", conns, "--rate", rate]
        return self._start_job(where, name, words + (["--seconds", seconds] if seconds else []))

    def start_talk(self, names, rate, seconds, name):
        return self._start_python(name, "talk.py", STORAGE_TCP_SERVER, NFS_PORT, rate,
                                  seconds or 0, *names)

    @staticmethod
    def await_tcp_server():
        def listens():
            with namespaces.inside("sto"), open("/proc/thread-self/net/tcp",
                                                encoding="ascii") as file:
                return f"0200640A:{NFS_PORT:04X}" in file.read()
        wait_until(listens, 10, "the TCP server")
