# SPDX-License-Identifier: Apache-2.0
"""ovs-vswitchd while it runs, and its tools: what both labs do with it."""

import re
import signal

from . import processes
from .processes import LabError, run

COMPLAINT = re.compile(r"\|(WARN|ERR|EMER)\|")


class Switch:
    """A lab's own has rundir, lab_id, and environment, with which its tools find it."""

    rundir = lab_id = environment = None

    def vswitchd_pid(self):
        """Its pid while it runs, else None."""
        try:
            with open(f"{self.rundir}/ovs-vswitchd.pid", encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if processes.is_running(pid) else None

    def kill_vswitchd(self, number=signal.SIGKILL, timeout=10):
        pid = self.vswitchd_pid()
        if pid and not processes.signal_marked(pid, self.lab_id, number, timeout):
            raise LabError(f"ovs-vswitchd still runs {timeout} s after signal {int(number)}")

    # ---- Tools ----

    def vsctl(self, *words, check=True, timeout=60):
        return run(["ovs-vsctl", f"--timeout={int(timeout)}", *words], env=self.environment,
                   check=check, timeout=timeout + 5).stdout

    def ofctl(self, *words, stdin=None, check=True):
        return processes.ofctl(words, env=self.environment, stdin=stdin, check=check)

    def appctl(self, *words, check=True, timeout=60):
        return run(["ovs-appctl", *words], env=self.environment, check=check,
                   timeout=timeout).stdout

    def add_flows(self, bridge, flows):
        text = flows if isinstance(flows, str) else "\n".join(flows) + "\n"
        self.ofctl("-O", "OpenFlow14", "--bundle", "add-flows", bridge, "-", stdin=text)


def complaints(log, lines=10):
    """The last warnings and errors of a daemon's log."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            return [line for line in file if COMPLAINT.search(line)][-lines:]
    except OSError:
        return []
