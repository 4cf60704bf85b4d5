# SPDX-License-Identifier: Apache-2.0
"""flowlift-agent as a service: what it refuses to start with, its configuration, and its service manager.

No Open vSwitch is needed for that: it waits for one.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import tap
from agents import Manager, agent_of, wait_until
from answer import BUILD, FLOWLIFT, PATIENCE, SOURCE

GOOD = "[storage]\nvlans = 100\n"
OTHER = "[storage]\nvlans = 100, 200\n"
BAD = "[storage]\nvlan = 100\n"
WATCHDOG_S = 1
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
UNITS = {
    "flowlift-agent.service": f"{SOURCE}/agent",
    "flowlift-audit.service": f"{BUILD}/agent/host",
    "flowlift-audit.timer": f"{SOURCE}/agent/host",
    "flowlift-fleet-db.service": f"{SOURCE}/docs/examples",
}
MOST_EXPOSED = 2.5


class Host:
    """A root and an OVS_RUNDIR, both empty."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="flowlift-agent-")
        os.chmod(self.directory, 0o755)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def agent(self, name="root", rundir="ovs", env=None):
        root, rundir = f"{self.directory}/{name}", f"{self.directory}/{rundir}"
        os.makedirs(root, exist_ok=True)
        if rundir.endswith("/ovs"):
            os.makedirs(rundir, exist_ok=True)
        clean = {key: value for key, value in os.environ.items()
                 if key not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")}
        return agent_of(root, {**clean, "OVS_RUNDIR": rundir, **(env or {})})

    def configure(self, text, name="root"):
        folder = f"{self.directory}/{name}/etc/flowlift"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/flowlift.conf", "w", encoding="utf-8") as file:
            file.write(text)


def refuses_words(host):
    "words that it does not know: one sentence with what to write instead, exit 2, nothing runs"
    with host.agent() as agent:
        for words, parts in (
            (("--rot",), ("--rot", "--root?")),
            (("--wrong",), ("--wrong", "--help")),
            (("-Z",), ("-Z", "--help")),
            (("--db",), ("--db needs a value",)),
            (("--db=",), ("--db=", "empty")),
            (("--detach=yes",), ("--detach takes no value",)),
            (("--timeout", "soon"), ("--timeout", "'soon'")),
            (("-vlouder",), ("-v", "'louder'")),
            (("--user=nobody",), ("--user",)),
            (("status",), ("'status'",)),
            (("--pidfile=/nowhere/a.pid",), ("/nowhere",)),
            (("--unixctl=/nowhere/a.ctl",), ("/nowhere",)),
            (("--log-file=/dev/null/a.log",), ("/dev/null",)),
        ):
            agent.refused(*words, parts=parts)
            if not words[0].startswith("--detach"):
                agent.refused("--detach", *words, parts=parts)
        tap.equal(agent.processes(), [], "what runs")
        for word in ("--help", "--version"):
            result = agent.run(word)
            tap.equal((result.returncode, result.stderr), (0, ""), f"{word}: exit code, errors")
            tap.check("flowlift-agent" in result.stdout, f"{word} says what it is", result.stdout)


def refuses_a_bad_configuration(host):
    "a configuration with an unknown key, or that cannot be read: the line, exit 2"
    with host.agent() as agent:
        host.configure(BAD)
        agent.refused(parts=("flowlift.conf:2", "vlans"))
        agent.refused("--detach", "--monitor", parts=("flowlift.conf:2", "vlans"))
        path = f"{agent.root}/etc/flowlift/flowlift.conf"
        os.unlink(path)
        os.mkdir(path)
        agent.refused(parts=(path,))
        os.rmdir(path)
        host.configure(GOOD)
        agent.end(agent.start_child())


def needs_rights(host):
    "without the rights to write its folders: the folder, exit 2"
    with host.agent("theirs") as agent:
        agent.refused(prefix=NOBODY, parts=("run", "permission denied", "root"))
        agent.refused("--detach", "--monitor", prefix=NOBODY, parts=("run", "permission denied"))
        # The lock can be had, the remedies cannot be written.
        os.makedirs(agent.rundir)
        os.chown(agent.rundir, 65534, 65534)
        agent.refused("--detach", "--monitor", prefix=NOBODY,
                      parts=("var", "permission denied", "root"))
        tap.equal((agent.processes(), agent.left()), ([], []), "what runs, what is left")


def rereads_its_configuration(host):
    "SIGHUP: the configuration is read again; a bad one is named and refused, the old one stays"
    host.configure(GOOD)
    with host.agent() as agent:
        pid = agent.start()
        first = agent.status()["config"]
        tap.equal((first["refused"], first["reason"]), (None, None), "nothing is refused")

        host.configure(BAD)
        os.kill(pid, signal.SIGHUP)
        refused = wait_until(lambda: (config := agent.status()["config"])["refused"] and config,
                             10 * PATIENCE, "it is refused")
        tap.equal(refused["read"], first["read"], "the old one is in use")
        tap.check("flowlift.conf:2" in refused["reason"], "the reason has the line", refused)
        tap.check(refused["reason"] in agent.ask("status"), "status says so in words")
        tap.check("|WARN|the configuration is refused" in agent.log(), "the log, too", agent.log())

        host.configure(OTHER)
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: not agent.status()["config"]["refused"], 10 * PATIENCE, "it is taken")
        tap.check(agent.status()["config"]["read"] > first["read"], "it is a newer one")
        tap.equal((agent.pid(), agent.processes()), (pid, [pid]), "the process is the same")


def stands_alone_in_a_fleet(host):
    "a fleet whose database is not there: status says so; it is joined, left and ended all the same"
    host.configure(GOOD)
    with host.agent() as agent:
        child = agent.start_child()
        tap.check("fleet:" not in agent.ask("status"), "no word of a fleet", agent.ask("status"))
        for fleet, words in (
            ("remote = tcp:127.0.0.1:1\nname = host1\n", "fleet: not connected to tcp:127.0.0.1:1 as host1\n"),
            ("remote = ssl:127.0.0.1:1\n", "fleet: not connected to ssl:127.0.0.1:1: [fleet] remote begins with ssl: "
                                           "and [fleet] private-key is not set: name a PEM file\n"),
            ("remote = tcp:127.0.0.1:1\nname = host2\n", "fleet: not connected to tcp:127.0.0.1:1 as host2\n"),
        ):
            host.configure(f"{GOOD}[fleet]\n{fleet}")
            child.send_signal(signal.SIGHUP)
            wait_until(lambda: words in agent.ask("status"), 10 * PATIENCE, words)
        agent.end(child)


def tells_its_manager(host):
    "NOTIFY_SOCKET, a path or abstract: READY=1, STATUS=, WATCHDOG=1 while its loop turns, STOPPING=1"
    name = f"@flowlift-test-{os.getpid()}"
    for address in (f"{host.directory}/notify", name):
        with host.agent() as agent, Manager(address, WATCHDOG_S * PATIENCE) as manager:
            child = agent.start_child(env=manager.env)
            messages = manager.until("READY=1")
            tap.check("STATUS=0 remedies" in messages[-1], "the status comes with it", messages)
            tap.check(["STATUS=0 remedies"] not in messages[:-1], "nothing before", messages)
            arrivals = []
            for _ in range(4):
                manager.until("WATCHDOG=1")
                arrivals.append(time.monotonic())
            gaps = [1000 * (b - a) for a, b in zip(arrivals, arrivals[1:])]
            tap.note(f"{address}: WATCHDOG=1 each {gaps} ms")
            for gap in gaps:
                tap.in_time(gap, 1000 * WATCHDOG_S * PATIENCE * 0.9, "well before the watchdog bites")
            # Not by a thread or a timer that lives on when the loop does not.
            child.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            manager.drain()
            silence = manager.message(3 * WATCHDOG_S * PATIENCE)
            child.send_signal(signal.SIGCONT)
            tap.equal(silence, None, "what is heard of a stopped one")
            manager.until("WATCHDOG=1")
            agent.end(child)
            manager.until("STOPPING=1")
            tap.equal(manager.message(0.2), None, "the last word")


def feeds_only_its_own_watchdog(host):
    "no WATCHDOG_USEC, or one of another process: READY=1 and no WATCHDOG=1; no manager: no complaint"
    for changes in ({}, {"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}):
        address = f"{host.directory}/notify-{changes.get('WATCHDOG_USEC')}"
        with host.agent() as agent, Manager(address) as manager:
            child = agent.start_child(env={**manager.env, **changes})
            manager.until("READY=1")
            # On a busy machine the status may be said once more.
            heard = [manager.message(0.5), manager.message(0.5)]
            tap.check(not any("WATCHDOG=1" in message for message in heard if message), f"{changes}: no WATCHDOG=1",
                      heard)
            agent.end(child)
    for address in ("/nowhere/notify", "relative", f"@{'x' * 200}"):
        with host.agent() as agent:
            agent.end(agent.start_child(env={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}))
    with host.agent() as agent:
        errors = agent.end(agent.start_child("-vconsole:warn", env={"WATCHDOG_USEC": "200000"}))
        tap.equal(errors, "", "what it says without a manager")


def log_is_reopened(host):
    "vlog/reopen after the log was moved away: a new file; vlog/set works"
    with host.agent() as agent:
        agent.start()
        os.rename(agent.log_path, f"{agent.log_path}.1")
        agent.ask("vlog/reopen")
        agent.ask("vlog/set", "agent:file:dbg")
        tap.check(any(line.split()[:1] == ["agent"] and "DBG" in line
                      for line in agent.ask("vlog/list").splitlines()), "vlog/set")
        agent.ask("exit")
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        tap.check("ends; the remedies stay" in agent.log(), "it writes to the new file", agent.log())


def links_are_a_courtesy(host):
    "links that somebody removes come back; without a folder for them, or with another agent's, it runs"
    with host.agent() as agent, host.agent("other") as other:
        pid = agent.start()
        for name in agent.links():
            os.unlink(f"{agent.env['OVS_RUNDIR']}/{name}")
        wait_until(lambda: len(agent.links()) == 2, 30 * PATIENCE, "the links are back", 0.1)
        tap.equal(agent.status()["process"], pid, "who answers")

        second = other.start()
        tap.equal(other.links()["flowlift-agent.pid"], agent.pidfile, "the name is the first one's")
        tap.equal(agent.status()["process"], pid, "who answers to the name")
        control = f"{other.rundir}/flowlift-agent.{second}.ctl"
        tap.equal(other.status(target=control)["process"], second, "who answers at the other socket")
        tap.check("another root has the name" in other.log(), "its log says so", other.log())
        os.kill(second, signal.SIGTERM)
        wait_until(lambda: not other.processes(), 10 * PATIENCE, "the end of the other")
        tap.equal(sorted(agent.links()), [f"flowlift-agent.{pid}.ctl", "flowlift-agent.pid"],
                  "the links of the first")
    with host.agent(rundir="nowhere") as agent:
        pid = agent.start()
        control = f"{agent.rundir}/flowlift-agent.{pid}.ctl"
        tap.equal(agent.status(target=control)["process"], pid, "who answers without links")
        agent.ask("exit", target=control)


def made_a_file(folder):
    """Return: whether a file is there now, and not a new folder of the agent's."""
    try:
        os.rmdir(folder)
        with open(folder, "x", encoding="ascii"):
            return True
    except (FileExistsError, FileNotFoundError):
        return False


def events_are_an_extra(host):
    "a folder of events that cannot be read: it says so, answers, and reads them when it is back"
    with host.agent() as agent:
        agent.start()
        folder = f"{agent.rundir}/events"
        wait_until(lambda: os.path.isdir(folder), 10 * PATIENCE, "the folder")
        wait_until(lambda: made_a_file(folder), 10 * PATIENCE, "a file in its place")
        wait_until(lambda: "events of hooks cannot be read" in agent.log(), 10 * PATIENCE, "its log says so")
        tap.check("0 remedies" in agent.ask("status"), "it answers")
        os.unlink(folder)
        wait_until(lambda: "events of hooks are read again" in agent.log(), 30 * PATIENCE, "it reads them again")
        subprocess.run([FLOWLIFT, "hook", "--root", agent.root, "vm-start", "vm7"], check=True)
        wait_until(lambda: "vm7: command says start" in agent.log(), 10 * PATIENCE, "the event is taken")
        tap.equal(os.listdir(folder), [], "events that wait")


def clears_only_what_is_its_own(host):
    "what lies in OVS_RUNDIR under its names and is nobody's link of ours stays"
    folder = f"{host.directory}/theirs-ovs"
    os.makedirs(folder)
    kept = {"flowlift-agent.77.ctl": "/elsewhere/flowlift-agent.77.ctl"}
    for name, target in kept.items():
        os.symlink(target, f"{folder}/{name}")
    with open(f"{folder}/flowlift-agent.pid", "w", encoding="ascii") as file:
        file.write("no link\n")
    with host.agent(rundir="theirs-ovs") as agent:
        pid = agent.start()
        control = f"{agent.rundir}/flowlift-agent.{pid}.ctl"
        agent.ask("exit", target=control)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
    with open(f"{folder}/flowlift-agent.pid", encoding="ascii") as file:
        tap.equal(file.read(), "no link\n", "the file that is no link")
    tap.equal(os.readlink(f"{folder}/flowlift-agent.77.ctl"), kept["flowlift-agent.77.ctl"], "the link")


def units_are_hardened(_host):
    "the systemd units: no mistakes, exposure of the services at most 2.5"
    if not shutil.which("systemd-analyze"):
        tap.skip("systemd is not installed")
    paths = {name: f"{folder}/{name}" for name, folder in UNITS.items()}
    for name in (name for name in paths if name.endswith(".service")):
        result = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short",
             f"--threshold={round(10 * MOST_EXPOSED)}", paths[name]],
            capture_output=True, text=True, timeout=60, check=False)
        tap.equal(result.returncode, 0, f"{name}: exit code with that threshold; {result.stderr}")
        tap.check("rating" not in result.stderr and json.loads(result.stdout), "there is a report")
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", *paths.values()],
                            capture_output=True, text=True, timeout=60, check=False)
    # It is not installed here.
    complaints = [line for line in verify.stderr.splitlines()
                  if any(name in line for name in UNITS) and "is not executable" not in line]
    tap.equal(complaints, [], "what systemd-analyze verify says")


if __name__ == "__main__":
    tap.run([
        refuses_words,
        refuses_a_bad_configuration,
        needs_rights,
        rereads_its_configuration,
        stands_alone_in_a_fleet,
        tells_its_manager,
        feeds_only_its_own_watchdog,
        log_is_reopened,
        links_are_a_courtesy,
        events_are_an_extra,
        clears_only_what_is_its_own,
        units_are_hardened,
    ], Host)
