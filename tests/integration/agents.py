# SPDX-License-Identifier: Apache-2.0
"""flowlift-agent on a root: started, asked, and ended with the test."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import tap
from answer import BUILD, PATIENCE

AGENT = os.environ.get("FLOWLIFT_AGENT") or f"{BUILD}/agent/flowlift-agent"
START_SECONDS = 30 * PATIENCE
ASK_SECONDS = 20 * PATIENCE


def wait_until(predicate, seconds, what, interval=0.02):
    """The first value of @predicate that is true."""
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise tap.Failure(f"not within {seconds} s: {what}")
        time.sleep(interval)
    return value


class Agent:
    """The agent of one root. A context manager: what still runs is killed in the end."""

    def __init__(self, root, env, options=()):
        self.root = os.path.realpath(root)
        # A sanitizer's own handler would make an exit of a crash.
        asan = f"{env.get('ASAN_OPTIONS', '')}:handle_segv=0"
        self.env = {**env, "ASAN_OPTIONS": asan}
        self.options = [*map(str, options)]
        self.rundir = f"{self.root}/run/flowlift"
        self.pidfile = f"{self.rundir}/flowlift-agent.pid"
        self.log_path = f"{self.root}/var/log/flowlift/flowlift-agent.log"
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._kill_all()
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdout, child.stderr):
                if stream and not stream.closed:
                    stream.close()
        wait_until(lambda: not self._kill_all(), 30 * PATIENCE, "the end of all agents")

    def _kill_all(self):
        pids = [pid for pid, _ in self._titles()]
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return pids

    def words(self, *words):
        return [AGENT, "--root", self.root, *self.options, *map(str, words)]

    # ---- Runs ----

    def run(self, *words, prefix=(), env=None):
        """To its end, or until it is in the background."""
        return subprocess.run([*prefix, *self.words(*words)], env={**self.env, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=START_SECONDS, check=False)

    def refused(self, *words, prefix=(), parts=(), env=None):
        """It says one sentence with all of @parts, nothing on standard output, and exits with 2."""
        result = self.run(*words, prefix=prefix, env=env)
        lines = result.stderr.splitlines()
        tap.check((result.returncode, len(lines), result.stdout) == (2, 1, ""),
                  f"{words}: exit 2 and one sentence", str(result))
        tap.check(lines[0].startswith("flowlift-agent: ") and all(part in lines[0] for part in parts),
                  f"{words}: the sentence says {parts}", lines[0])
        return lines[0]

    def start(self, *words, env=None):
        """In the background, as an administrator does. Return: its process."""
        result = self.run("--detach", "--pidfile", "--log-file", "-vsyslog:off", *words, env=env)
        tap.equal(result.returncode, 0, f"exit code; {result.stderr}")
        return self.pid()

    def start_child(self, *words, env=None, answers=True):
        """In the foreground, as a service manager does; @answers: wait until it serves commands."""
        child = subprocess.Popen(self.words("--pidfile", "-vsyslog:off", *words),
                                 env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        if answers:
            wait_until(lambda: self.pid() == child.pid and self.answers(), START_SECONDS,
                       "the agent serves commands")
        return child

    def end(self, child, number=signal.SIGTERM, code=0):
        child.send_signal(number)
        return self.ended(child, code)

    @staticmethod
    def ended(child, code=0):
        """Return: what it said on standard error."""
        errors = child.communicate(timeout=START_SECONDS)[1]
        tap.equal(child.returncode, code, f"exit code of the agent; {errors}")
        return errors

    # ---- What there is ----

    def pid(self):
        try:
            with open(self.pidfile, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def processes(self):
        """All agents of this root, monitors too."""
        return [pid for pid, title in self._titles() if ": worker: " not in title]

    def workers(self, what):
        """The children in which it does @what: "audit", "verification", "repair", or the step of an order."""
        return [pid for pid, title in self._titles() if title.endswith(f": worker: {what}")]

    def _titles(self):
        """(pid, title) of all agents of this root and their children."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe") != os.path.realpath(AGENT):
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    title = file.read().rstrip(b"\0").decode()
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if f"FLOWLIFT_AGENT_ROOT={self.root}".encode() in file.read().split(b"\0"):
                        yield int(pid), title

    def links(self):
        """{name in OVS_RUNDIR: where it leads}"""
        folder = self.env["OVS_RUNDIR"]
        return {name: os.readlink(f"{folder}/{name}") for name in os.listdir(folder)
                if name.startswith("flowlift-agent")}

    def left(self):
        """What an agent that has ended must not leave."""
        return [*self.links(), *(name for name in os.listdir(self.rundir)
                                 if name.endswith((".pid", ".ctl", ".tmp")))]

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    # ---- Control ----

    def appctl(self, *words, target="flowlift-agent", timeout=ASK_SECONDS):
        return subprocess.run(["ovs-appctl", "-t", target, *words], env=self.env, capture_output=True,
                              text=True, timeout=timeout, check=False)

    def ask(self, *words, **options):
        answer = self.appctl(*words, **options)
        tap.equal((answer.returncode, answer.stderr), (0, ""), f"ovs-appctl {words}: exit code, errors")
        return answer.stdout

    def answers(self):
        return self.appctl("version").returncode == 0

    def status(self, **options):
        document = json.loads(self.ask("status", "--json", **options))
        tap.equal(document["schema"], "flowlift/agent-status/1", "schema")
        return document

    def remedy(self, name="vm2"):
        """The entry of one VM in its status, or None."""
        return next((entry for entry in self.status()["remedies"] if entry["vm"] == name), None)

    def event(self, name="vm2"):
        """The name of the last event of a VM, or None."""
        entry = self.remedy(name)
        return entry["last_event"]["event"] if entry and entry["last_event"] else None

    def until_event(self, name, seconds=15):
        try:
            wait_until(lambda: self.event() == name, seconds * PATIENCE, f"event {name}", 0.05)
        except tap.Failure:
            tap.note(self.log()[-4000:])
            raise
        return self.remedy()


def agent_of(root, env, options=()):
    """An Agent whose processes can be told from all others."""
    return Agent(root, {**env, "FLOWLIFT_AGENT_ROOT": os.path.realpath(root)}, options)


class Manager:
    """The socket of a service manager; @address: a path, or "@name" of the abstract namespace."""

    def __init__(self, address, watchdog_s=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.env = {"NOTIFY_SOCKET": address}
        if watchdog_s:
            self.env["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def message(self, seconds):
        """The lines of the next datagram, or None."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return None

    def until(self, line, seconds=10):
        """All datagrams up to the one with @line."""
        seen, deadline = [], time.monotonic() + seconds * PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            message = self.message(left)
            if message:
                seen.append(message)
                if line in message:
                    return seen
        raise tap.Failure(f"no {line} within {seconds * PATIENCE} s, but {seen}")

    def drain(self):
        while self.message(0.001):
            pass
