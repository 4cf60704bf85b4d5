#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The host reboots, under OVN: what the agent guards is back in hardware.

Two guests one after the other have the same disk: flowlift's state and journal, and the databases of OVS and
OVN. The first one ends as by a power cut, with everything running. In the second one /run, the switch, TC and
the NIC are empty, and all names and processes new. Before that the real ovn-controller is restarted, which
wipes br-int.
"""

import io
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import in_guest  # noqa: E402
import tap  # noqa: E402
from kernel_bench import PATIENCE  # noqa: E402

import guest  # noqa: E402

VM = "vm2"
STRANDED = {"vm1": "offloaded", VM: "stranded"}
ALL_OFFLOADED = dict.fromkeys(STRANDED, "offloaded")
ROOT = "/run/flowlift-root"
# Everything takes ten times as long in there.
SECONDS = 90 * PATIENCE


class Host(kernel_bench.KernelBench):
    """Within a guest: the host, from its start to the power cut."""

    def __init__(self):
        self.disk = os.environ["FLOWLIFT_OUT"]
        super().__init__(vms=len(STRANDED), stranded=[VM], nfs=False, disk=self.disk)
        self.lab.root = ROOT

    def __enter__(self):
        import agents  # what it needs is there only in the guest
        os.makedirs(f"{ROOT}/var")
        os.makedirs(f"{self.disk}/var", exist_ok=True)
        subprocess.run(["mount", "--bind", f"{self.disk}/var", f"{ROOT}/var"], check=True)
        self.agent = agents.agent_of(ROOT, {**self.lab.env, "OVS_RUNDIR": "/run/openvswitch"})
        return self

    def __exit__(self, *_):
        """Nothing ends in order."""

    def start(self):
        self.lab.up()
        self.configure(self.config)
        for vm in self.lab.vms:
            self.lab.start_load(vm.name, kind="tcp", rate=50)

    def ours(self):
        return [line for line in self.openflow().splitlines() if "cookie=0xf10f" in line]

    def is_in(self):
        entry = self.status(VM)
        return (entry["present"], entry["foreign"], entry["note"]) == (entry["rules"], 0, None)

    def until_in(self):
        self.lab.wait_until(self.is_in, SECONDS, "the rules", 0.3)

    def told(self):
        """What the agent says, by its own socket: Open vSwitch's folder may not be there. It answers after a
        look, which takes long in here."""
        socket = f"{self.agent.rundir}/flowlift-agent.{self.agent.pid()}.ctl"
        return self.agent.status(target=socket, timeout=SECONDS)

    def event(self):
        return next((entry["last_event"] for entry in self.told()["remedies"] if entry["vm"] == VM), None)

    def until_watched(self):
        self.lab.wait_until(self.event, SECONDS, "the agent watches the remedy", 0.5)

    def n_restored(self):
        return self.told()["events"]["restored"]


# ---- In the first guest ----

def is_repaired(host):
    "a stranded VM is repaired, and the agent watches it"
    host.start()
    host.await_verdicts(STRANDED, SECONDS)
    host.flowlift("apply", VM, timeout=SECONDS).expect(0)
    host.agent.start()
    host.until_watched()


def controller_restarts(host):
    "ovn-controller killed and started again: it wipes br-int, and the rules are back, in hardware"
    host.lab.ovn.kill_controller(host.lab.switch.lab_id)
    before = host.n_restored()
    host.lab.ovn.start_controller()
    host.lab.wait_until(lambda: host.n_restored() > before, SECONDS, "the agent restores", 0.3)
    host.until_in()
    host.await_verdicts(ALL_OFFLOADED, SECONDS)
    tap.note(host.event()["reason"])


def leaves_word(host):
    "what is to be found after the reboot"
    with open(f"{host.disk}/before", "w", encoding="utf-8") as file:
        file.write("\n".join(host.ours()))


# ---- In the second ----

def comes_up_empty(host):
    "after the power cut: no agent, no switch; the agent starts before Open vSwitch does"
    host.flowlift("status").expect(2)
    host.agent.start()
    host.until_watched()
    tap.note(host.event())


def is_in_hardware_again(host):
    "Open vSwitch, OVN and the VM start: the rules are in, and the VM's storage in hardware"
    host.start()
    tap.note(f"before:\n{open(f'{host.disk}/before', encoding='utf-8').read()}")
    host.until_in()
    tap.note("now:\n" + "\n".join(host.ours()))
    host.await_verdicts(ALL_OFFLOADED, SECONDS)
    entry = host.status(VM)
    tap.equal(len(host.ours()), entry["rules"], "rules")
    tap.note(host.event()["reason"])
    host.lab.wait_until(lambda: host.status(VM)["state"] == "verified", SECONDS, "it verifies them by itself", 0.3)
    steps = [(line["step"], line["state"]) for line in
             host.flowlift("history", VM, "--json").expect(0).json["entries"][-2:]]
    tap.equal(steps, [("restore", "installed"), ("verify", "verified")], "the journal's last lines")


BOOTS = {
    "first": [is_repaired, controller_restarts, leaves_word],
    "second": [comes_up_empty, is_in_hardware_again],
}


# ---- Outside ----

class Disk:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="flowlift-reboot.")
        return self.folder.name

    def __exit__(self, *_):
        self.folder.cleanup()


def boot(disk, which):
    said = io.BytesIO()
    sys.stdout.flush()
    status = in_guest.run(os.path.abspath(__file__), [which], out=disk, stdout=said)
    tap.note(said.getvalue().decode(errors="replace"))
    tap.equal(status, 0, f"exit code in the {which} guest")


def before_the_reboot(disk):
    "repaired; ovn-controller restarts and wipes br-int: the agent puts the rules back"
    boot(disk, "first")


def after_the_reboot(disk):
    "the host reboots: the agent puts the rules back, and the VM is in hardware again"
    boot(disk, "second")


if __name__ == "__main__":
    if sys.argv[1:]:
        tap.run(BOOTS[sys.argv[1]], Host)
    if (reason := guest.unavailable()):
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    tap.run([before_the_reboot, after_the_reboot], Disk)
