#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A VM starts again, under OVN: other port number, other zone, all its logical flows new. Its remedy follows it.

FLOWLIFT_RESTARTS says how often (3). Beside it a VM without a remedy starts as often, to compare with.
"""

import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import kernel_bench  # noqa: E402
import tap  # noqa: E402
from kernel_bench import PATIENCE  # noqa: E402

RESTARTS = int(os.environ.get("FLOWLIFT_RESTARTS") or 3)
PEER, VM = "vm1", "vm2"
SECONDS = 90 * PATIENCE
# Of the time that a VM without a remedy needs from its first storage packet to hardware.
AS_FAST = 1.5


class Bench(kernel_bench.KernelBench):
    def __init__(self):
        super().__init__(vms=2, stranded=[VM], nfs=False)

    def __enter__(self):
        import agents  # what it needs is there only in the guest
        super().__enter__()
        for name in (PEER, VM):
            self.lab.start_load(name, kind="tcp", rate=50)
        self.await_verdicts({PEER: "offloaded", VM: "stranded"}, SECONDS)
        self.flowlift("apply", VM, timeout=SECONDS).expect(0)
        self.agent = agents.agent_of(self.lab.root, {**self.lab.env, "OVS_RUNDIR": "/run/openvswitch"})
        self.agent.start()
        self.lab.wait_until(self.watches, SECONDS, "the agent watches the remedy", 0.3)
        return self

    def __exit__(self, *exception):
        self.agent.__exit__(*exception)
        super().__exit__(*exception)

    def told(self):
        return self.agent.status(timeout=SECONDS)

    def watches(self):
        return any(entry["last_event"] for entry in self.told()["remedies"])

    def metrics(self):
        socket = f"{self.agent.rundir}/metrics.sock"
        return subprocess.run(["curl", "-s", "--unix-socket", socket, "http://agent/metrics"], capture_output=True,
                              text=True, check=True).stdout

    def is_in(self):
        entry = self.status(VM)
        return entry["present"] == entry["rules"] > 0

    def is_out(self):
        return "cookie=0xf10f" not in self.openflow()

    def await_rules(self):
        try:
            self.lab.wait_until(self.is_in, SECONDS, "the rules", 0.1)
        except self.lab_error:
            tap.note(json.dumps(self.status(VM)))
            for path in glob.glob(f"{self.lab.root}/var/lib/flowlift/remedies/*"):
                with open(path, encoding="utf-8") as file:
                    tap.note(file.read())
            tap.note(self.agent.log()[-8000:])
            raise

    def seconds_to_hardware(self, name):
        """From its first storage megaflow, of a load that waits for it, until one is in the NIC."""
        self.lab.stop_vm(name)
        if name == VM:
            self.lab.wait_until(self.is_out, SECONDS, "no rule of a VM that is away", 0.1)
        self.lab.start_vm(name)
        if name == VM:
            self.await_rules()
        port = self.lab.vm(name).port
        self.lab.wait_until(lambda: self.megaflows(port), SECONDS, f"a flow of {name}", 0.02)
        started = time.monotonic()
        self.lab.wait_until(lambda: self.megaflows(port, "offloaded:yes", "eth_type(0x0800)"), SECONDS,
                            f"a flow of {name} in hardware", 0.02)
        return time.monotonic() - started


def follows(bench):
    "restarted: derived anew, proven, in the NIC; as fast as a VM that needs no remedy"
    times = {PEER: [], VM: []}
    for _ in range(RESTARTS):
        for name, seconds in times.items():
            seconds.append(bench.seconds_to_hardware(name))
    bench.await_verdicts({PEER: "offloaded", VM: "offloaded"}, SECONDS)
    plain, repaired = (statistics.median(times[name]) for name in (PEER, VM))
    tap.note(f"medians: {1000 * plain:.0f} ms without a remedy, {1000 * repaired:.0f} ms with one")
    tap.in_time(repaired / max(plain, 0.05), AS_FAST, "as fast as a VM without a remedy (ratio)")
    tap.note(" ".join(line for line in bench.metrics().splitlines()
                      if re.match("flowlift_reapply_seconds_(sum|count)", line)))


if __name__ == "__main__":
    kernel_bench.main(__file__, [follows], Bench, timeout=1500)
