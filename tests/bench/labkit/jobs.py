# SPDX-License-Identifier: Apache-2.0
"""Traffic that runs until it is told to stop, and says then what it saw."""

import json
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
