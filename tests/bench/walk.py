# SPDX-License-Identifier: Apache-2.0
"""What an engineer does on a ticket, on either lab, shown as it happens: what the demos share."""

import contextlib
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("FLOWLIFT_BUILD") or os.path.join(HERE, "..", "..", "build")
FLOWLIFT = os.environ.get("FLOWLIFT") or os.path.join(os.path.abspath(BUILD), "cli", "flowlift")
AGENT = os.environ.get("FLOWLIFT_AGENT") or os.path.join(os.path.abspath(BUILD), "agent", "flowlift-agent")
VM = "vm2"

BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


class Walk:
    """One lab's ticket. A demo says what its lab measures: start_loads() and measure()."""

    def __init__(self, lab, window=3, patience=30):
        self.lab = lab
        self.patience = patience
        self.environment = {**os.environ, **lab.env}
        os.makedirs(f"{lab.root}/etc/flowlift", exist_ok=True)
        with open(f"{lab.root}/etc/flowlift/flowlift.conf", "w", encoding="utf-8") as file:
            file.write("[storage]\nvlans = 100\nsubnets = 10.100.0.0/24\n\n"
                       f"[audit]\nwindow = {window}\n")

    def start_loads(self):
        """Constant storage traffic on every VM."""
        raise NotImplementedError

    def restart_vm(self):
        """Stop the VM and start it again, with its load. Return: what is new about it, in words."""
        raise NotImplementedError

    def measure(self):
        """{"nic": packets that the NIC forwarded from the VM, "rows": [(what, figure)]}"""
        raise NotImplementedError

    @staticmethod
    def say(text):
        print(f"\n{BOLD}--- {text}{PLAIN}\n", flush=True)

    def flowlift(self, *words, quiet=False, expect=None):
        """Run flowlift on the lab, showing the command and all that it prints."""
        if not quiet:
            print(f"{DIM}#{PLAIN} {BOLD}flowlift {shlex.join(words)}{PLAIN}", flush=True)
        result = subprocess.run([FLOWLIFT, *words, "--root", self.lab.root],
                                env=self.environment, text=True,
                                stdout=subprocess.PIPE if quiet else None, check=False)
        if not quiet:
            print(f"{DIM}exit code {result.returncode}{PLAIN}", flush=True)
        if expect is not None and result.returncode != expect:
            raise SystemExit(f"demo: flowlift {words[0]} ended with {result.returncode}, "
                             f"{expect} was expected")
        return result.stdout

    def audit(self):
        vms = json.loads(self.flowlift("audit", "--json", quiet=True))["vms"]
        return {vm["name"]: vm for vm in vms}

    def await_verdicts(self, stranded):
        """Until the loads' flows have settled: no verdict but these is left."""
        def settled():
            vms = self.audit()
            return all(vm["verdict"] == ("stranded" if name in stranded else "offloaded")
                       for name, vm in vms.items())
        self.lab.wait_until(settled, timeout=self.patience, what="the loads' flows")

    @contextlib.contextmanager
    def agent(self):
        """The agent, as a service manager starts it; what it logs of the VM is shown in the end."""
        words = [AGENT, "--root", self.lab.root, "--log-file", "-vconsole:off", "-vsyslog:off"]
        print(f"{DIM}#{PLAIN} {BOLD}flowlift-agent --log-file &{PLAIN}", flush=True)
        child = subprocess.Popen(words, env=self.environment)
        try:
            yield
            child.terminate()
            if child.wait(self.patience):
                raise SystemExit(f"demo: the agent ended with {child.returncode}")
        finally:
            child.kill()
            child.wait()
        with open(f"{self.lab.root}/var/log/flowlift/flowlift-agent.log", encoding="utf-8") as file:
            for line in file:
                if "|agent_guard|" in line or "|agent_verify|" in line:
                    at, _, module, level, text = line.rstrip().split("|", 4)
                    print(f"  {DIM}{at[11:]} {module}{PLAIN} {text}", flush=True)

    def state(self):
        """Of the VM's remedy."""
        entries = json.loads(self.flowlift("status", "--json", quiet=True))["remedies"]
        return next((entry["state"] for entry in entries if entry["vm"] == VM), None)

    def restart(self):
        self.say("With the agent running, the VM is restarted. Nobody types anything about it.")
        with self.agent():
            print(f"  {VM}: {self.restart_vm()}", flush=True)
            self.lab.wait_until(lambda: self.state() == "verified", timeout=self.patience,
                                what="the remedy to be verified again")
            self.await_verdicts(set())
        self.flowlift("audit", "--vm", VM, expect=0)

    def run(self):
        self.start_loads()
        self.await_verdicts({VM})

        self.say(f"The ticket: \"{VM} has high iowait on the shared disk, its peers are fine.\"")
        self.flowlift("audit", expect=1)
        self.say("Why?")
        self.flowlift("explain", VM)
        self.say("What it gets now, measured")
        audit_before, before = self.audit(), self.measure()
        for what, figure in before["rows"]:
            print(f"  {what}: {figure}")
        self.say("What would be done about it? Nothing is changed yet.")
        self.flowlift("plan", VM, expect=0)
        self.say("Do it")
        self.flowlift("apply", VM, "--ticket", "DEMO-1", expect=0)
        self.say("Look again")
        self.await_verdicts(set())
        self.flowlift("audit", expect=0)
        audit_after, after = self.audit(), self.measure()
        self.flowlift("status", expect=0)
        self.restart()
        self.say("And take it back, as if it had never been")
        self.flowlift("revert", VM, expect=0)
        self.flowlift("history", expect=0)
        self.say("What the repair changed for " + VM)
        show_summary(before, after, audit_before, audit_after)
        if after["nic"] <= before["nic"]:
            raise SystemExit("demo: the NIC did not forward more than before")


def percent(vm):
    return "-" if vm["hw_share"] is None else f"{100 * vm['hw_share']:.1f} %"


def show_summary(before, after, audit_before, audit_after):
    rows = [
        ("", "before", "after"),
        ("storage packets of the VM in hardware", percent(audit_before[VM]),
         percent(audit_after[VM])),
        ("packets the NIC forwarded from the VM", f"{before['nic']}", f"{after['nic']}"),
    ]
    rows += [(what, figure, later) for (what, figure), (_, later)
             in zip(before["rows"], after["rows"])]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print(f"  {row[0]:<{widths[0]}}   {row[1]:>{widths[1]}}   {row[2]:>{widths[2]}}")
