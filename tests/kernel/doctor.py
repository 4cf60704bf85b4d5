#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Each check of `flowlift doctor` about the kernel datapath: what breaks it, what it then says, and that
it is content again when that is mended."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import tap  # noqa: E402

SECONDS = 90
STRANDED = "vm2"
# Of the second NIC, which no VM uses; the last is never in the switch.
OTHER_PORT, OTHER_UPLINK, UNUSED = "rep4", "uplink1", "rep5"
NIC = "platform/flownic.0"


class Bench(kernel_bench.KernelBench):
    def __init__(self):
        super().__init__(ovn=False, nfs=False, vms=4, stranded=[], max_idle=3000,
                         module_parameters={"n_nics": 2})

    def __enter__(self):
        super().__enter__()
        self.loads = {}
        for vm in self.lab.vms:
            self.load(vm.name)
        self.await_verdicts({vm.name: "offloaded" for vm in self.lab.vms}, SECONDS)
        return self

    def load(self, name):
        self.loads[name] = self.lab.start_load(name, rate=20, kind="tcp")

    def check(self, name):
        checks = self.flowlift("doctor", "--json").json["checks"]
        return next(check for check in checks if check["id"] == name)

    def settings(self, *words):
        self.lab.vsctl("set", "Open_vSwitch", ".", *[f"other_config:{word}" for word in words])


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")


# ---- What breaks, and what mends ----

def start_without_offload(bench):
    bench.settings("hw-offload=false")
    bench.lab.restart_vswitchd()


def set_offload(bench):
    bench.settings("hw-offload=true")


def unset_offload(bench):
    bench.settings("hw-offload=false")


def set_offload_behind_its_back(bench):
    """One that runs puts it into force at once: so its last run ended without."""
    start_without_offload(bench)
    bench.lab.kill_vswitchd()
    bench.lab.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:hw-offload=true")


def start(bench):
    bench.lab.start_vswitchd()


def set_policy(bench):
    bench.settings("tc-policy=skip_hw")


def remove_policy(bench):
    bench.lab.vsctl("remove", "Open_vSwitch", ".", "other_config", "tc-policy")


def add_software_port(bench):
    run("ip", "link", "add", "soft0", "type", "dummy")
    bench.lab.vsctl("add-port", bench.lab.bridge, "soft0", "--", "set", "Interface", "soft0",
                    "external_ids:vm-id=soft")


def delete_software_port(bench):
    bench.lab.vsctl("del-port", bench.lab.bridge, "soft0")
    run("ip", "link", "del", "soft0")


def feature(value):
    return lambda bench: run("ethtool", "-K", bench.lab.vm("vm1").port, "hw-tc-offload", value)


def mode(value):
    return lambda bench: run("devlink", "dev", "eswitch", "set", NIC, "mode", value)


def inline_mode(value):
    return lambda bench: run("devlink", "dev", "eswitch", "set", NIC, "inline-mode", value)


def add_port_of_other_nic(bench):
    bench.lab.vsctl("add-port", bench.lab.bridge, OTHER_PORT, "--", "set", "Interface", OTHER_PORT,
                    "external_ids:vm-id=other")


def delete_port_of_other_nic(bench):
    bench.lab.vsctl("del-port", bench.lab.bridge, OTHER_PORT)


def put_uplink_in_bond(bench):
    bridge = bench.lab.bridge
    bench.lab.vsctl("del-port", bridge, "uplink0", "--", "add-bond", bridge, "bond0", "uplink0",
                    OTHER_UPLINK)


def take_uplink_out_of_bond(bench):
    bridge = bench.lab.bridge
    bench.lab.vsctl("del-port", bridge, "bond0", "--", "add-port", bridge, "uplink0")


def qdisc(word):
    return lambda bench: run("tc", "qdisc", word, "dev", bench.lab.vm("vm1").port, "ingress")


def strand(bench):
    bench.lab.set_stranded(STRANDED, True)


def free(bench):
    """What the log of an ovs-vswitchd says of recirculation holds for its life."""
    bench.lab.set_stranded(STRANDED, False)
    bench.lab.restart_vswitchd()


def end_connection(bench):
    bench.loads[STRANDED].stop()


def offer_again_to(full):
    """Flows are offered when they are made: by an ovs-vswitchd that starts, all of them."""
    def offer(bench):
        bench.lab.fault("table-full", "on" if full else "off")
        bench.lab.restart_vswitchd()
        verdict = "stranded" if full else "offloaded"
        bench.await_verdicts({name: verdict for name in bench.loads if name != STRANDED}, SECONDS)
    return offer


def add_orphan(_):
    run("tc", "qdisc", "add", "dev", UNUSED, "ingress")
    run("tc", "filter", "add", "dev", UNUSED, "ingress", "protocol", "ip", "pref", "7", "flower",
        "dst_ip", "192.0.2.1", "action", "mirred", "egress", "redirect", "dev", OTHER_UPLINK,
        "cookie", "00112233445566778899aabbccddeeff")


def delete_orphan(_):
    run("tc", "qdisc", "del", "dev", UNUSED, "ingress")


# Check, what breaks it, status and words then, what mends it, status then. On Debian's kernel, which does
# not share recirculation with TC, that check is never content: without flows that recirculate it warns.
TABLE = [
    ("hw-offload", start_without_offload, "fail", "is not true", set_offload, "ok"),
    ("hw-offload-active", set_offload_behind_its_back, "fail", "before hw-offload was set", start,
     "ok"),
    ("hw-offload-active", unset_offload, "warn", "goes on offloading", set_offload, "ok"),
    ("tc-policy", set_policy, "fail", "skip_hw", remove_policy, "ok"),
    ("representors", add_software_port, "warn", "soft0", delete_software_port, "ok"),
    ("hw-tc-offload", feature("off"), "fail", "rep0", feature("on"), "ok"),
    ("eswitch-mode", mode("legacy"), "fail", "legacy", mode("switchdev"), "ok"),
    ("eswitch-mode", inline_mode("link"), "warn", "inline mode", inline_mode("none"), "ok"),
    ("one-eswitch", add_port_of_other_nic, "warn", OTHER_PORT, delete_port_of_other_nic, "ok"),
    ("uplink-bond", put_uplink_in_bond, "warn", "bond0", take_uplink_out_of_bond, "ok"),
    ("ingress-qdisc", qdisc("del"), "fail", "rep0", qdisc("add"), "ok"),
    ("recirculation", strand, "fail", "never in hardware", free, "warn"),
    ("conntrack", strand, "warn", "not in the NIC", end_connection, "ok"),
    ("orphan-filters", add_orphan, "fail", UNUSED, delete_orphan, "ok"),
    ("rule-table", offer_again_to(full=True), "warn", "not in the NIC", offer_again_to(full=False),
     "ok"),
]


def await_status(bench, name, status, words, when):
    """What a change leads to takes the switch a moment; a check that stays wrong is shown as it is."""
    def is_so():
        found.update(bench.check(name))
        return found["status"] == status and words in found["summary"]
    found = {}
    try:
        bench.lab.wait_until(is_so, SECONDS, name, 1)
    except bench.lab_error:
        raise tap.Failure(f"{name} {when}: expected {status} with '{words}', is {found}") from None
    tap.note(f"{when}: {found['status']}: {found['summary']}")


def test_of(row):
    name, break_it, status, words, mend, status_then = row

    def test(bench):
        break_it(bench)
        try:
            await_status(bench, name, status, words, "broken")
        finally:
            mend(bench)
        await_status(bench, name, status_then, "", "mended")
    test.__doc__ = f"{name}: {status}, '{words}', and {status_then} again"
    return test


def all_is_well(bench):
    "at first every check is ok, but for what Debian's kernel and Open vSwitch lack"
    checks = bench.flowlift("doctor", "--json").json["checks"]
    odd = {check["id"]: check["status"] for check in checks if check["status"] != "ok"}
    tap.equal({name: status for name, status in odd.items() if name != "ovs-version"},
              {"recirculation": "warn"}, "checks that are not ok")


TESTS = [all_is_well] + [test_of(row) for row in TABLE]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench)
