# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus and flowlift-agent on a bench: the alert for a stranded VM fires, and resolves."""

import subprocess

import tap
from agents import agent_of, wait_until
from bench import FLOWLIFT, PATIENCE
from guarding import GuardedBench
from metrics import AUDIT_TEXTFILE, promtool, samples_of
from prometheus import HOST, Prometheus, free_port

from labkit import processes  # noqa: E402, found by way of bench

ALERT = "FlowliftVmStranded"


class AuditedBench(GuardedBench):
    """An agent that audits each second."""

    def prepare(self):
        super().prepare()
        self.port = free_port()
        self.configure(f"{self.config}[agent]\nauto = audit\ninterval = 1s\n[metrics]\nlisten = {HOST}:{self.port}\n")

    @property
    def environment_of_lab(self):
        """Of what ends with the lab."""
        return processes.marked_environment(self.lab.id, self.lab.env)


def audit_without_an_agent(bench):
    "flowlift-audit-textfile --screen: what the timer of a host without an agent writes"
    path = f"{bench.lab.directory}/flowlift.prom"
    result = subprocess.run([AUDIT_TEXTFILE, path, "--screen", "--root", bench.lab.root],
                            env=bench.environment(FLOWLIFT=FLOWLIFT), capture_output=True, text=True,
                            check=False, timeout=120 * PATIENCE)
    tap.equal((result.returncode, result.stdout), (1, ""), f"exit code, output; {result.stderr}")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    promtool("check", "metrics", text=text)
    tap.equal(samples_of(text)['flowlift_vm_verdict{vm="vm2",verdict="stranded"}'], 1, "the verdict")


def stranded_vm_is_alerted(bench):
    "vm2 is stranded: its alert fires, no other VM's; repaired, it resolves; one fires when the agent ends"
    folder = bench.lab.directory
    with agent_of(bench.lab.root, bench.environment_of_lab) as agent:
        agent.start()
        with Prometheus(folder, f"{HOST}:{bench.port}", bench.environment_of_lab) as prometheus:
            wait_until(lambda: prometheus.value("flowlift_audit_up") == 1, 60 * PATIENCE, "an audit", 0.2)
            (alert,) = wait_until(lambda: prometheus.firing(ALERT), 60 * PATIENCE, "the alert", 0.2)
            tap.equal((alert["vm"], alert["severity"]), ("vm2", "critical"), "of whom, how bad")
            tap.equal(prometheus.value('flowlift_vm_cause{vm="vm2",cause="conntrack"}'), 1, "the cause")
            bench.apply()
            wait_until(lambda: not prometheus.firing(ALERT), 60 * PATIENCE, "it resolves", 0.2)
            wait_until(lambda: prometheus.value('flowlift_vm_verdict{vm="vm2",verdict="offloaded"}') == 1,
                       60 * PATIENCE, "the verdict", 0.2)
            wait_until(lambda: prometheus.value('flowlift_remedy_state{vm="vm2",state="verified"}') == 1,
                       60 * PATIENCE, "its remedy", 0.2)
            tap.check(prometheus.value("sum(flowlift_vm_storage_packets)") > 0, "packets are counted")
            # Rules that somebody deletes come back, and it is timed.
            bench.lab.ofctl("del-flows", "br0", "cookie=0xf10f000000000000/0xffff000000000000")
            wait_until(lambda: prometheus.value("flowlift_reapply_seconds_count") == 1, 60 * PATIENCE,
                       "the rules are back", 0.2)
            took_s = prometheus.value("flowlift_reapply_seconds_sum")
            agent.ask("exit")
            wait_until(lambda: prometheus.firing("FlowliftAgentAbsent"), 60 * PATIENCE, "nobody is there", 0.2)
            tap.note(f"back after {took_s} s")
        bench.revert()


if __name__ == "__main__":
    tap.run([audit_without_an_agent, stranded_vm_is_alerted], AuditedBench)
