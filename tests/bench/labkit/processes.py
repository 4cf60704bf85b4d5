# SPDX-License-Identifier: Apache-2.0
"""The lab's processes.

Every process of a lab carries a mark in its environment, and so does everything it starts.
To end a lab is to end what carries its mark: no list of pids can be out of date, and a
process of somebody else is never hit, however pids are reused.
"""

import os
import re
import select
import signal
import subprocess
import time

MARK = "FLOWLIFT_LAB_PROCESS"
HUNG_UP = re.compile(r"\((Connection reset by peer|Broken pipe|End of file)\)")


class LabError(Exception):
    """Something the lab needs did not work; the text says what."""


def marked_environment(lab_id, extra=None):
    """That of a process of the lab. Meson's MALLOC_PERTURB_ is for the project's own programs: with it ovs-vswitchd
    writes over all of its free memory each time a reply grows, and may take minutes for one."""
    inherited = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"}
    return {**inherited, MARK: lab_id, **(extra or {})}


def run(command, *, env=None, stdin=None, check=True, timeout=60):
    """Run a command to its end; its output is text. Raises LabError with its own words."""
    result = subprocess.run(
        [str(word) for word in command],
        env=env,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and result.returncode:
        words = (result.stderr or result.stdout).strip()
        raise LabError(f"{' '.join(map(str, command[:6]))}: exit {result.returncode}: {words}")
    return result


def ofctl(words, *, env, stdin=None, check=True):
    """ovs-ofctl's output. OVS hangs up on a client that says hello more than a second late: once more, then."""
    for last in False, False, True:
        result = run(["ovs-ofctl", *words], env=env, stdin=stdin, check=False)
        if last or not result.returncode or not HUNG_UP.search(result.stderr):
            break
    if check and result.returncode:
        raise LabError(f"ovs-ofctl {' '.join(map(str, words[:6]))}: exit {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def spawn(command, *, env, log, stdout=None):
    """Start a process of the lab in a session of its own."""
    with open(log, "ab") as log_file:
        return subprocess.Popen(
            [str(word) for word in command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout if stdout is not None else log_file,
            stderr=log_file,
            start_new_session=True,
        )


def _is_marked(pid, lab_id):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARK}={lab_id}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def is_running(pid):
    """Whether a process runs: one that has ended but was not waited for does not.

    The first thread of a process may have ended while others still hold its files.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
        return state not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (OSError, IndexError):
        return False


def marked(lab_id):
    """The pids of a lab's processes."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if is_running(pid) and _is_marked(pid, lab_id)]


def _signal(pid, lab_id, number):
    """Signal a process if it is the lab's. Returns its pidfd, or None if there is no such.

    A pidfd makes sure that it is still the same process that gets the signal, and becomes
    readable when all of its threads have ended.
    """
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if _is_marked(pid, lab_id):
            signal.pidfd_send_signal(fd, number)
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def _await_end(fd, timeout):
    try:
        return bool(select.select([fd], [], [], max(0.0, timeout))[0])
    finally:
        os.close(fd)


def signal_marked(pid, lab_id, number, timeout=0.0):
    """Signal a process if it is the lab's, and wait up to a time for its end.

    Returns whether it has ended.
    """
    fd = _signal(pid, lab_id, number)
    return _await_end(fd, timeout) if fd is not None else not is_running(pid)


def end_all(lab_id, timeout=10):
    """End every process of a lab, those included that are started meanwhile."""
    deadline = time.monotonic() + timeout
    while pids := marked(lab_id):
        fds = [_signal(pid, lab_id, signal.SIGKILL) for pid in pids]
        for fd in fds:
            if fd is not None:
                _await_end(fd, deadline - time.monotonic())
        for pid in pids:
            _reap(pid)
        if time.monotonic() > deadline:
            raise LabError(f"processes of the lab do not end: {pids}")


def _reap(pid):
    """Wait for a child that has ended; others are not ours to wait for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError:
        pass


def wait_until(predicate, timeout=10.0, what="", interval=0.02):
    """Poll until predicate() is true, and return what it gave.

    A predicate that raises LabError is asked again: "not yet" is often an error. At the
    deadline the last error, or a LabError that names `what`, is raised.
    """
    deadline = time.monotonic() + timeout
    while True:
        error = None
        try:
            if value := predicate():
                return value
        except LabError as caught:
            error = caught
        if time.monotonic() > deadline:
            name = what or getattr(predicate, "__name__", "the event")
            raise LabError(f"waited {timeout:g} s in vain for {name}"
                           + (f": {error}" if error else ""))
        time.sleep(interval)
