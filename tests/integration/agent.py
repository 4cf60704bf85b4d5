# SPDX-License-Identifier: Apache-2.0
"""flowlift-agent on a bench: it guards as `flowlift guard` does, and lives as Open vSwitch's daemons do."""

import hashlib
import os
import re
import signal
import stat
import subprocess
import time

import tap
from agents import Manager, agent_of, wait_until
from bench import FLOWLIFT, PATIENCE, SERVERS, LabError
from guarding import ACL_COOKIE, GuardedBench

from labkit import processes  # noqa: E402, found by way of bench

ACL = f"table=1,priority=200,udp,nw_dst={sorted(SERVERS)[1]},tp_dst=2049"
ANSWER_MS = 3000


class AgentBench(GuardedBench):
    def agent(self, *options):
        """One that ends with the lab."""
        return agent_of(self.lab.root, processes.marked_environment(self.lab.id, self.lab.env), options)

    def hook(self, *words):
        """As somebody calls it who starts VMs: --root comes first, since what follows SOURCE is no option."""
        answer = subprocess.run([FLOWLIFT, "hook", "--root", self.lab.root, *words], capture_output=True,
                                text=True, stdin=subprocess.DEVNULL, check=False)
        tap.equal((answer.returncode, answer.stdout, answer.stderr), (0, "", ""), "what the hook says")

    def check_in(self):
        """The rules are in, the agent has verified them, and all else is as it was."""
        try:
            self.lab.wait_until(lambda: self.status()["state"] == "verified", 30 * PATIENCE, "verified", 0.1)
        except LabError:
            tap.note(self.flowlift("history", "vm2").out)
            raise
        self.lab.wait_until(lambda: self.status()["foreign"] == 0, 10 * PATIENCE, "no decoys", 0.1)
        entry = self.status()
        tap.equal((entry["present"], entry["state"]), (entry["rules"], "verified"), "rules, state")
        tap.equal(self.others(), self.dump_before, "other flows")

    def mark_connection(self, name):
        """A storage connection of a VM that somebody marks in conntrack."""
        vm = self.lab.vm(name)
        dump = self.lab.ofctl(
            "compose-packet",
            f"tcp,dl_src={vm.mac},dl_dst=52:54:00:64:01:01,nw_src={vm.address},nw_dst=10.100.0.1,"
            "nw_ttl=64,tp_src=999,tp_dst=2049,tcp_flags=syn")
        packet = "".join(re.findall(r"[ -]([0-9a-f]{2})\b", dump))
        self.lab.ofctl("-O", "OpenFlow14", "packet-out", "br0",
                       f"in_port={vm.ofport},packet={packet},"
                       f"actions=ct(commit,zone={vm.zone},exec(set_field:1->ct_mark))")

    def forget_connections(self, name):
        self.lab.appctl("dpctl/flush-conntrack", f"zone={self.lab.vm(name).zone}")

    def check_suspended(self):
        entry = self.status()
        tap.equal((entry["state"], entry["present"], self.our_rules()), ("suspended", 0, []),
                  "state, rules")


def mode_of(path):
    return oct(stat.S_IMODE(os.stat(path).st_mode))


def starts_detached(bench):
    "--detach --pidfile: ovs-appctl -t flowlift-agent finds it by OVS_RUNDIR, files have their modes"
    with bench.agent() as agent:
        pid = agent.start()
        tap.equal((agent.processes(), agent.status()["process"]), ([pid], pid), "the process")
        control = f"{agent.rundir}/flowlift-agent.{pid}.ctl"
        tap.equal(agent.links(), {"flowlift-agent.pid": agent.pidfile,
                                  f"flowlift-agent.{pid}.ctl": control}, "links in OVS_RUNDIR")
        tap.equal([mode_of(agent.rundir), mode_of(control), mode_of(agent.log_path)],
                  ["0o750", "0o660", "0o640"], "modes of folder, socket, log")
        text = agent.ask("status")
        tap.check(f"process {pid}, since " in text and "0 remedies" in text, "status in words", text)
        commands = agent.ask("list-commands")
        for command in ("status", "exit", "version", "vlog/set", "vlog/reopen", "memory/show"):
            tap.check(f"  {command} " in commands, f"there is {command}", commands)
        tap.check("flowlift-agent" in agent.ask("version"), "version names it")
        tap.check("watched" in agent.ask("memory/show"), "memory/show counts")
        answer = agent.appctl("status", "--xml")
        tap.equal((answer.returncode, answer.stdout), (2, ""), "status --xml: exit code, answer")
        # Told to end by a command.
        agent.ask("exit")
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "the end after exit")
        tap.equal(agent.left(), [], "what is left")


def there_is_one(bench):
    "a second agent of the root is refused, and told who is the first"
    with bench.agent() as agent:
        pid = agent.start()
        for words in ((), ("--detach",), ("--detach", "--monitor"),
                      ("--pidfile=/tmp/other.pid", "--overwrite-pidfile", "--unixctl=none")):
            agent.refused(*words, parts=(f"process {pid}", agent.root, "agent.lock"))
        tap.equal((agent.processes(), agent.status()["process"]), ([pid], pid), "the first one")


def guards(bench):
    "a remedy that the CLI applied: an ACL suspends it, without the ACL it is back; status and log say so"
    with bench.agent() as agent:
        agent.start()
        bench.apply()
        agent.until_event("watches")
        tap.equal(agent.remedy()["state"], "verified", "state in its status")
        bench.add_acl(ACL)
        entry = agent.until_event("suspended")
        bench.check_suspended()
        tap.equal(entry["state"], "suspended", "state in its status")
        tap.check("ofproto/trace" in entry["last_event"]["reason"], "the reason has a packet", entry)
        text = agent.ask("status")
        tap.check("1 remedy: 1 suspended" in text and "vm2: suspended since " in text, "in words", text)
        bench.remove_acl()
        agent.until_event("restored")
        bench.check_in()
        tap.equal([agent.status()["events"][name] for name in ("watches", "suspended", "restored")],
                  [1, 1, 1], "events counted")
        for words in ("|INFO|vm2: watches", "|WARN|vm2: suspended: ", "|INFO|vm2: restored: "):
            tap.check(words in agent.log(), f"the log has '{words}'", agent.log())
        last = bench.flowlift("history", "vm2", "--json").expect(0).json["entries"][-2:]
        tap.equal([(line["step"], line["state"]) for line in last],
                  [("restore", "installed"), ("verify", "verified")], "the journal's last lines")


def a_hook_has_it_look(bench):
    "an event of a hook: the agent looks at that VM at once, and sees what nobody tells it of"
    lab = bench.lab
    with bench.agent() as agent:
        lab.add_flows([f"cookie={ACL_COOKIE},table=1,priority=190,ct_state=+trk,ct_mark=1,ip,actions=drop"])
        agent.start()
        agent.until_event("watches")
        time.sleep(2.5 * PATIENCE)  # Its first looks are over, and the next one comes in a minute.
        # Nobody tells of marks of connections.
        bench.mark_connection("vm2")
        try:
            bench.hook("vm-start", "vm3")
            time.sleep(1)
            tap.check(bench.our_rules(), "another VM's event is none of it")
            bench.hook("vm-start", "vm2")
            entry = agent.until_event("suspended")
        finally:
            bench.forget_connections("vm2")
        tap.check("connections that are marked" in entry["last_event"]["reason"], "the reason", entry)
        bench.check_suspended()
        bench.hook("vm-start", "vm2")
        agent.until_event("restored")
        bench.remove_acl()
        bench.check_in()
        tap.check("|INFO|vm2: command says start" in agent.log(), "the log has it", agent.log())
        tap.equal(os.listdir(f"{lab.root}/run/flowlift/events"), [], "events that wait")


def rules_outlive_it(bench):
    "SIGTERM, SIGINT, exit: exit code 0, the rules stay, pid file, socket and links are gone"
    rules = bench.our_rules()
    tap.check(rules, "there are rules")
    with bench.agent() as agent:
        for end in (signal.SIGTERM, signal.SIGINT, "exit"):
            child = agent.start_child()
            agent.until_event("watches")
            if end == "exit":
                agent.ask("exit")
                agent.ended(child)
            else:
                agent.end(child, end)
            tap.equal(agent.left(), [], f"{end!r}: what is left")
        bench.check_in()


def killed(bench):
    "killed (-9) and started again: it cleans up, sees what happened meanwhile, and is found"
    with bench.agent() as agent:
        first = agent.start()
        agent.until_event("watches")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        tap.check(f"flowlift-agent.{first}.ctl" in agent.left(), "something is left of it")
        bench.add_acl(ACL)
        second = agent.start()
        agent.until_event("suspended")
        bench.check_suspended()
        tap.equal(sorted(agent.links()), [f"flowlift-agent.{second}.ctl", "flowlift-agent.pid"], "links")
        tap.check(f"flowlift-agent.{first}.ctl" not in os.listdir(agent.rundir), "the dead socket is gone")
        bench.remove_acl()
        agent.until_event("restored")
        bench.check_in()


def monitored(bench):
    "--monitor: crashed (SIGSEGV) it is started again, never two; SIGKILL ends both, as of OVS's daemons"
    with bench.agent() as agent:
        first = agent.start("--monitor")
        agent.until_event("watches")
        tap.equal(len(agent.processes()), 2, "processes")
        # While there is no agent, the monitor has the lock.
        monitor = next(pid for pid in agent.processes() if pid != first)
        os.kill(monitor, signal.SIGSTOP)
        os.kill(first, signal.SIGSEGV)
        wait_until(lambda: agent.processes() == [monitor], 10 * PATIENCE, "the crash")
        agent.refused(parts=("agent.lock",))
        agent.refused("--detach", "--monitor", parts=("agent.lock",))
        os.kill(monitor, signal.SIGCONT)
        second = wait_until(lambda: agent.pid() not in (None, first) and agent.answers() and agent.pid(),
                            20 * PATIENCE, "another agent")
        agent.until_event("watches")
        agent.refused(parts=(f"process {second}",))
        tap.equal(sorted(agent.links()), [f"flowlift-agent.{second}.ctl", "flowlift-agent.pid"], "links")
        tap.equal(len(agent.processes()), 2, "processes")
        tap.check("restarting" in agent.log(), "the log says so", agent.log())
        os.kill(second, signal.SIGKILL)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "the end of both")
        third = agent.start("--monitor")
        os.kill(third, signal.SIGTERM)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "the end of both")
        tap.equal(agent.left(), [], "what is left")
        bench.check_in()


def cookie_of(vm_id):
    """fl_cookie_of_vm()"""
    value = 0xCBF29CE484222325
    for byte in vm_id.encode():
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return hex(0xF10F << 48 | (value ^ value >> 48) & (1 << 48) - 1)


def clone_remedies(bench, number):
    """As many VMs more with the remedy of vm2. Return: their files."""
    folder = f"{bench.lab.root}/var/lib/flowlift/remedies"
    (name,) = os.listdir(folder)
    with open(f"{folder}/{name}", encoding="utf-8") as file:
        text = file.read()
    vm_id = bench.status()["vm_id"]
    files = []
    for other in (f"{vm_id}-{i}" for i in range(number)):
        clone = text.replace(f'"{vm_id}"', f'"{other}"').replace(cookie_of(vm_id), cookie_of(other))
        files.append(f"{folder}/{hashlib.sha1(other.encode()).hexdigest()}.json")
        with open(files[-1], "w", encoding="utf-8") as file:
            file.write(clone)
    return files


def answers_while_ovs_hangs(bench):
    "ovs-vswitchd stopped, 25 remedies: the agent starts, answers, and feeds the watchdog"
    pid = bench.lab.vswitchd_pid()
    clones = clone_remedies(bench, 24)
    with bench.agent("--timeout", "0.5") as agent, \
            Manager(f"{bench.lab.directory}/notify", 4 * PATIENCE) as manager:
        os.kill(pid, signal.SIGSTOP)
        try:
            agent.start(env=manager.env)
            manager.until("READY=1")
            # Of all 25 a look takes 12 s and more; it must not wait for that.
            for _ in range(4):
                manager.until("WATCHDOG=1", 6)
            started = time.monotonic()
            agent.status()
            tap.in_time((time.monotonic() - started) * 1000, ANSWER_MS, "status answers soon")
            status = agent.status()
            tap.equal((len(status["remedies"]), status["incomplete"]), (25, None), "remedies in its status")
        finally:
            # Nobody who may write them again while they are removed.
            for process in agent.processes():
                os.kill(process, signal.SIGKILL)
            wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
            for clone in clones:
                os.unlink(clone)
            os.kill(pid, signal.SIGCONT)
        agent.start()
        tap.equal([entry["state"] for entry in agent.status()["remedies"]], ["verified"], "states on disk")
        bench.add_acl(ACL)
        agent.until_event("suspended", 30)
        bench.remove_acl()
        agent.until_event("restored", 30)
        bench.check_in()


def restart_of_vswitchd(bench):
    "ovs-vswitchd killed and started again: the rules are back"
    with bench.agent() as agent:
        agent.start()
        agent.until_event("watches")
        n_rules = len(bench.our_rules())
        bench.lab.kill_vswitchd(signal.SIGKILL)
        bench.lab.start_vswitchd()
        tap.equal(bench.our_rules(), [], "rules after the restart")
        started = time.monotonic()
        bench.lab.wait_until(lambda: len(bench.our_rules()) == n_rules, 60 * PATIENCE, "all rules")
        tap.note(f"back {time.monotonic() - started:.1f} s after ovs-vswitchd was")
        bench.lab.wait_until(lambda: agent.event() == "restored", 10 * PATIENCE, "the event")
        bench.check_in()
        bench.revert()
        wait_until(lambda: agent.event() is None, 10 * PATIENCE, "it watches no more", 0.05)
        tap.equal(bench.openflow(), bench.dump_before, "flows after revert")
        text = agent.ask("status")
        tap.check("1 remedy: 1 reverted" in text and "vm2" not in text.split("\naudit of ")[0], "status in words", text)


if __name__ == "__main__":
    tap.run([
        starts_detached,
        there_is_one,
        guards,
        a_hook_has_it_look,
        rules_outlive_it,
        killed,
        monitored,
        answers_while_ovs_hangs,
        restart_of_vswitchd,
    ], AgentBench)
