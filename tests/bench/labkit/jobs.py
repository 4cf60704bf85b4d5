# SPDX-License-Identifier: Apache-2.0
"""Traffic that runs until it is told to stop, and says then what it saw."""

import json
import os
import signal

from . import processes
from .processes import LabError


class Job:
    """A load or a stream that runs until stop(), which returns the JSON it printed."""

    def __init__(self, lab_id, name, out, pid, process=None):
        self.lab_id = lab_id
        self.name = name
        self.out = out
        self.pid = pid
        self.process = process

    def is_running(self):
        return processes.is_running(self.pid)

    def stop(self, timeout=20):
        processes.signal_marked(self.pid, self.lab_id, signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout=60):
        """Wait for one with a number of seconds of its own."""
        def has_ended():
            if self.process:
                self.process.poll()
            return not self.is_running()
        processes.wait_until(has_ended, timeout, f"the end of {self.name}")
        try:
            with open(self.out, encoding="utf-8") as file:
                return json.loads(file.read().strip().splitlines()[-1])
        except (OSError, IndexError, ValueError) as error:
            raise LabError(f"{self.name} left no result in {self.out}") from error


class Jobs:
    """The jobs of a lab: what each printed and its pid are files of @directory."""

    def __init__(self, directory, lab_id):
        self.directory = directory
        self.lab_id = lab_id

    def _files(self, name):
        return f"{self.directory}/{name}.json", f"{self.directory}/{name}.pid"

    def start(self, name, spawn):
        """spawn(stdout): start its process."""
        out, pid_file = self._files(name)
        if (old := self.find(name)) and old.is_running():
            raise LabError(f"{name} runs already")
        os.makedirs(self.directory, exist_ok=True)
        with open(out, "wb") as stdout:
            process = spawn(stdout)
        with open(pid_file, "w", encoding="ascii") as file:
            file.write(str(process.pid))
        return Job(self.lab_id, name, out, process.pid, process)

    def find(self, name):
        out, pid_file = self._files(name)
        try:
            with open(pid_file, encoding="ascii") as file:
                return Job(self.lab_id, name, out, int(file.read()))
        except (OSError, ValueError):
            return None

    def running(self):
        if not os.path.isdir(self.directory):
            return []
        names = [name[:-4] for name in os.listdir(self.directory) if name.endswith(".pid")]
        return [job for job in map(self.find, names) if job and job.is_running()]
