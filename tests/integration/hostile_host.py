# SPDX-License-Identifier: Apache-2.0
"""A host that does not answer as it should: one sentence, exit 2, nothing left behind."""

import os
import shutil
import signal
import socket
import tempfile
import time

import tap
from bench import FLOWLIFT, PATIENCE, Bench, files_under

# Every verb that asks Open vSwitch, and where it is asked to work.
READERS = (("audit",), ("flows",), ("explain", "vm2"), ("plan", "vm2"))
WRITERS = (("apply", "vm2"), ("revert", "vm2"), ("revert", "--all"))


class HostileBench(Bench):
    def __init__(self):
        super().__init__(window=1, vms=2, nfs=False, public=False)

    def prepare(self):
        self.load_all(kind="tcp")
        self.dump_before = self.openflow()

    def check_nothing_left(self):
        """No remedy, no journal line, no temporary file; the lock may stay, empty."""
        tap.equal(files_under(f"{self.lab.root}/var"), [], "files in the state folders")
        for name in files_under(f"{self.lab.root}/run"):
            tap.equal(name, "flowlift/lock", "file in the run folder")
            tap.equal(os.path.getsize(f"{self.lab.root}/run/{name}"), 0, "bytes in the lock")

    def elsewhere(self, rundir):
        return {"OVS_RUNDIR": rundir, "OVS_DBDIR": rundir, "OVS_LOGDIR": rundir}

    def check_all_refuse(self, rundir, sentence):
        for words in (*READERS, *WRITERS):
            self.flowlift(*words, env=self.elsewhere(rundir)).expect(2).expect_sentence(sentence)


def hung_vswitchd(bench):
    "ovs-vswitchd hangs (SIGSTOP): every verb ends within its timeout, exit 2, one sentence"
    pid = bench.lab.vswitchd_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        for words in (*READERS, *WRITERS):
            started = time.monotonic()
            answer = bench.flowlift(*words, "--timeout", "1")
            seconds = time.monotonic() - started
            tap.equal(answer.code, 2, f"exit code\n{answer}")
            answer.expect_sentence()
            tap.check(seconds < 6 * PATIENCE, "within its timeout", f"{seconds:.1f} s", str(answer))
            tap.note(f"{' '.join(words)}: {seconds:.1f} s: {answer.err.strip()}")
    finally:
        os.kill(pid, signal.SIGCONT)
    bench.check_nothing_left()
    bench.lab.wait_until(lambda: bench.lab.appctl("version"), 20, "ovs-vswitchd to go on")
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")


def no_ovs_at_all(bench):
    "an OVS_RUNDIR with nothing in it: exit 2, one sentence that names the socket"
    with tempfile.TemporaryDirectory() as empty:
        bench.check_all_refuse(empty, empty)
    bench.check_nothing_left()


def dead_sockets(bench):
    "sockets that nobody listens on any more: exit 2, one sentence that names the socket"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("db.sock", "ovs-vswitchd.1.ctl", "br0.mgmt"):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"{folder}/{name}")
        with open(f"{folder}/ovs-vswitchd.pid", "w", encoding="ascii") as file:
            file.write("1\n")
        bench.check_all_refuse(folder, f"{folder}/db.sock")
    bench.check_nothing_left()


def dead_vswitchd(bench):
    "OVSDB answers and ovs-vswitchd is gone, its pid file still there: exit 2, one sentence"
    rundir = bench.lab.env["OVS_RUNDIR"]
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(f"{rundir}/db.sock", f"{folder}/db.sock")
        bench.check_all_refuse(folder, folder)
    bench.check_nothing_left()


def without_permission(bench):
    "as user nobody: permission denied, and what to do about it"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(FLOWLIFT, f"{folder}/flowlift")
        # The sockets are root's alone; on the way to them nothing else is in the way.
        for path in (bench.lab.directory, bench.lab.env["OVS_RUNDIR"], bench.lab.root):
            os.chmod(path, 0o755)
        prefix = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        for words in READERS:
            answer = bench.flowlift(*words, prefix=prefix, program=program).expect(2)
            answer.expect_sentence("permission denied")
            tap.note(answer.err)
    bench.check_nothing_left()


def unknown_vm(bench):
    "an unknown VM: exit 2, the nearest name is suggested, nothing is changed"
    for verb in ("explain", "plan", "apply", "revert"):
        answer = bench.flowlift(verb, "vm22").expect(2)
        answer.expect_sentence('no VM "vm22"; the nearest: vm2')
    bench.flowlift("audit", "--vm", "vm22").expect(2).expect_sentence("vm22", "the nearest: vm2")
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")
    bench.check_nothing_left()


if __name__ == "__main__":
    tap.run([
        hung_vswitchd,
        no_ovs_at_all,
        dead_sockets,
        dead_vswitchd,
        without_permission,
        unknown_vm,
    ], HostileBench)
