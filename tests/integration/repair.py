# SPDX-License-Identifier: Apache-2.0
"""Find, explain and repair one stranded VM among healthy peers, and put everything back."""

import json
import os
import re
import time

import tap
from bench import (
    ALL_OFFLOADED, PEERS, SANITIZED, STRANDED_VM2, Bench, actions_of, mask_of, match_of,
)

CONNECTIONS = 64
# The window of the audit that is compared with the NIC's own counters.
LONG_WINDOW_S = 8
# An OpenFlow 1.4 multipart request for all flows of all tables, and for all groups, as strace -xx prints it.
LIST_FLOWS = re.compile(r'"\\x05\\x12(?:\\x\w\w){6}\\x00\\x01(?:\\x\w\w){6}\\xff')
LIST_GROUPS = re.compile(r'"\\x05\\x12(?:\\x\w\w){6}\\x00\\x07')


class RepairBench(Bench):
    def prepare(self):
        self.load_all(rate=100)
        self.lab.start_load("vm2", conns=CONNECTIONS, rate=300, kind="tcp", job="many")
        self.await_verdicts(STRANDED_VM2)
        self.dump_before = self.openflow()


def audit_finds_the_stranded_vm(bench):
    "audit: exactly vm2 is stranded, scope vm, cause conntrack; its peers are offloaded; exit 1"
    vms, answer = bench.audit()
    answer.expect(1)
    tap.equal({name: vm["verdict"] for name, vm in vms.items()}, STRANDED_VM2, "verdicts")
    tap.equal(vms["vm2"]["scope"], "vm", "scope of vm2")
    tap.check("conntrack" in vms["vm2"]["causes"], "a cause names conntrack", vms["vm2"])
    for name in PEERS:
        tap.equal(vms[name]["scope"], None, f"scope of {name}")
        tap.equal(vms[name]["causes"], [], f"causes of {name}")
    tap.note({name: f"{vm['hw_share']:.4f}" for name, vm in vms.items()})


def explain_names_the_cause(bench):
    "explain vm2 names conntrack, in text and in JSON, with the flow that shows it"
    text = bench.flowlift("explain", "vm2").expect(1)
    tap.check("conntrack" in text.out, "the text names conntrack", text.out)
    tap.check("ct(zone=2)" in text.out, "the text shows the ct() action", text.out)
    document = bench.flowlift("explain", "vm2", "--json").expect(1).json
    tap.check("conntrack" in json.dumps(document), "the JSON names conntrack", document)


def plan_has_two_rules(bench):
    "plan: two rules, one a direction, for a VM with 64 connections and more"
    plan = bench.flowlift("plan", "vm2", "--json").expect(0).json
    sockets = bench.lab.exec("vm2", "ss", "-Htn", "state", "established", check=True).stdout
    connections = len([line for line in sockets.splitlines() if ":2049" in line])
    tap.check(connections >= CONNECTIONS, f"vm2 has {CONNECTIONS} connections", sockets)
    rules = [rule for rule in plan["flowset"]["rules"] if not rule["decoy"]]
    tap.equal(sorted(rule["direction"] for rule in rules), ["from-vm", "to-vm"],
              f"directions of the rules for {connections} connections")
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows after plan")
    for rule in rules:
        tap.note(f"{rule['direction']}: {rule['match']} actions={rule['actions']}")
    tap.note(f"{connections} connections, {plan['traces']} traces")


def plan_lists_flows_once(bench):
    "plan lists the flows and the groups of the bridge once: that keeps ovs-vswitchd's main thread"
    log = f"{bench.lab.directory}/strace.log"
    asan = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"} if SANITIZED else {}
    bench.flowlift("plan", "vm2", env=asan, prefix=(
        "strace", "-f", "-qq", "-xx", "-s", "20", "-o", log,
        "--trace=write,writev,sendto,sendmsg")).expect(0)
    with open(log, encoding="utf-8") as file:
        sent = file.read()
    tap.equal((len(LIST_FLOWS.findall(sent)), len(LIST_GROUPS.findall(sent))), (1, 1),
              "requests for all flows, for all groups")


def dry_run_changes_nothing(bench):
    "apply --dry-run says what it would do and changes nothing"
    bench.flowlift("apply", "vm2", "--dry-run").expect(0)
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")
    tap.equal(bench.status(), None, "status of vm2")


def apply_repairs(bench):
    "apply vm2 --ticket T-1: exit 0; audit: nothing stranded, exit 0; status: verified"
    answer = bench.flowlift("apply", "vm2", "--ticket", "T-1", "--json").expect(0)
    tap.equal(answer.json["state"], "verified", "state")
    vms, audit = bench.audit()
    audit.expect(0)
    tap.equal({name: vm["verdict"] for name, vm in vms.items()}, ALL_OFFLOADED, "verdicts")
    status = bench.status()
    tap.equal(status["state"], "verified", "state in status")
    tap.equal(status["ticket"], "T-1", "ticket in status")
    tap.equal((status["rules"], status["present"]), (2, 2), "rules, and those in the switch")


def rules_are_marked(bench):
    "the rules in OpenFlow: two, in table 0, with flowlift's cookie; all other flows untouched"
    rules = bench.our_rules()
    tap.equal(len(rules), 2, "rules with cookie 0xf10f...")
    for rule in rules:
        tap.check("table=" not in rule or "table=0" in rule, "the rule is in table 0", rule)
        tap.check("priority=65000" in rule, "the rule has flowlift's priority", rule)
    others = [line for line in bench.openflow().splitlines() if line.strip() not in rules]
    tap.equal("\n".join(others), bench.dump_before, "other flows")


def nic_agrees(bench):
    "at least 99 % of vm2's storage packets on path hw, and the NIC's own counters within 5 %"
    # Rates of a constant load, each over its own clock: that the two are not read at the same
    # moment does not matter then. ARP apart, all that vm2's port forwards is storage traffic.
    before, started = bench.lab.nic_counters()["vm2"], time.monotonic()
    vms, audit = bench.audit("--window", str(LONG_WINDOW_S))
    after, seconds = bench.lab.nic_counters()["vm2"], time.monotonic() - started

    packets = vms["vm2"]["storage"]["packets"]
    share = packets["hw"] / sum(packets.values())
    said = packets["hw"] / (audit.json["window_ms"] / 1000)
    counted = sum(after[key] - before[key] for key in ("hw_fwd_packets", "hw_out_packets"))
    seen = counted / seconds
    tap.note(f"hw share {share:.5f} of {sum(packets.values())} packets: {packets}")
    tap.note(f"audit: {said:.1f} packets/s; NIC: {seen:.1f} packets/s over {seconds:.2f} s; "
             f"difference {100 * abs(said - seen) / seen:.2f} %")
    tap.check(share >= 0.99, "at least 99 % in hardware", packets)
    tap.check(abs(vms["vm2"]["hw_share"] - share) < 1e-6, "hw_share is that share", vms["vm2"])
    tap.check(packets["hw"] >= 600 * LONG_WINDOW_S, "the load is in there", packets)
    tap.check(abs(said - seen) <= 0.05 * seen, "audit and NIC agree within 5 %",
              {"audit": said, "nic": seen})


def apply_twice_is_apply_once(bench):
    "apply again: exit 0, nothing changes in the switch"
    before = bench.openflow()
    answer = bench.flowlift("apply", "vm2", "--json").expect(0)
    tap.equal(bench.openflow(), before, "OpenFlow flows")
    tap.equal(answer.json["changed"], False, "changed")
    tap.equal(answer.json["state"], "verified", "state")
    tap.equal(bench.status()["ticket"], "T-1", "ticket in status")


def revert_restores(bench):
    "revert: dump-flows byte-identical to before the apply; vm2 is stranded again"
    answer = bench.flowlift("revert", "vm2", "--json").expect(0)
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")
    tap.equal(answer.json["state"], "reverted", "state")
    tap.equal(bench.status()["state"], "reverted", "state in status")
    bench.await_verdicts(STRANDED_VM2)
    bench.revert()
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows after a second revert")


def history_tells_all(bench):
    "history: a line for each step, with who, ticket, before and after"
    document = bench.flowlift("history", "vm2", "--json").expect(0).json
    lines = document["entries"]
    steps = [(line["step"], line["state"]) for line in lines]
    tap.equal(steps[:3], [("plan", "planned"), ("install", "installed"), ("verify", "verified")],
              "steps of the first apply")
    tap.equal(steps[3:], [("verify", "verified"), ("revert", "reverted")], "steps after it")
    for line in lines:
        tap.check(line["who"], "each line says who", line)
        tap.equal(line["vm"], "vm2", "vm")
        tap.equal(line["vm_id"], bench.lab.vm("vm2").uuid, "vm_id")
        tap.check(line["reason"] and line["time"], "each line says when and why", line)
    tap.equal([line["ticket"] for line in lines[:3]], ["T-1"] * 3, "tickets of the apply")
    tap.equal(lines[0]["before"]["verdict"], "stranded", "before")
    tap.equal(lines[2]["after"]["verdict"], "offloaded", "after")


# The first trap (DESIGN.md section 4): a live megaflow keeps its mask, with ct_state in it, when
# the new rules test no bit that it leaves wild.


def live_flows(bench):
    """vm3's storage megaflows that carry packets now, from the VM and to it."""
    parts = (",recirc_id(0),", "proto=6")
    return {
        "from-vm": bench.megaflows("vm3", "dst=2049", *parts),
        "to-vm": bench.megaflows("p0", "dst=52:54:00:64:00:03", "src=2049", *parts),
    }


def trap_is_there(bench):
    "control: rules put in by ovs-ofctl alone leave the old mask, with its ct_state, in place"
    lab, vm = bench.lab, bench.lab.vm("vm3")
    bench.strand_with_full_mask("vm3")
    lab.wait_until(lambda: all(
        flows and all(mask_of(flow, "ct_state") for flow in flows)
        for flows in live_flows(bench).values()), 20, "megaflows of vm3 that test ct_state")
    bench.await_verdicts({"vm3": "stranded"})
    before = {way: sorted(map(match_of, flows)) for way, flows in live_flows(bench).items()}
    rules = bench.flowlift("plan", "vm3", "--json").expect(0).json["flowset"]["rules"]
    tap.check(any(rule["decoy"] for rule in rules), "the plan has decoys", rules)

    lab.add_flows([f"cookie=0x1ab00ff,priority={rule['priority']},{rule['match']},"
                   f"actions={rule['actions']}" for rule in rules if not rule["decoy"]])
    try:
        # OVS has revalidated when the old flows have the new actions.
        lab.wait_until(lambda: not any("ct(" in actions_of(flow) for flows in
                                       live_flows(bench).values() for flow in flows),
                       10, "new actions in the megaflows of vm3")
        for way, flows in live_flows(bench).items():
            tap.note(f"{way}: ct_state mask {[hex(mask_of(flow, 'ct_state')) for flow in flows]}, "
                     f"offloaded: {['offloaded:yes' in flow for flow in flows]}")
            tap.equal(sorted(map(match_of, flows)), before[way], f"old matches, {way}")
    finally:
        # As flowlift does it: conntrack's stale windows would call the next packets invalid.
        lab.appctl("dpctl/flush-conntrack", f"zone={vm.zone}")
        lab.ofctl("del-flows", "br0", "cookie=0x1ab00ff/-1")
    bench.await_verdicts({"vm3": "stranded"})


def apply_rebuilds_live_megaflows(bench):
    "apply builds live megaflows anew: no ct_state in the masks, decoys gone, no packet stalls"
    load = bench.lab.start_load("vm3", conns=4, rate=200, kind="tcp", job="constant")
    bench.await_verdicts({"vm3": "stranded"})
    before = live_flows(bench)
    for way, flows in before.items():
        masks = [mask_of(flow, "ct_state") for flow in flows]
        tap.check(masks and all(masks), f"{way}: old masks hold ct_state", flows)
        tap.note(f"{way} before: ct_state mask {sorted(set(map(hex, masks)))}")
    bench.apply(name="vm3")
    tap.equal(len(bench.our_rules()), 2, "rules in the switch (decoys are gone)")
    for way, flows in live_flows(bench).items():
        tap.check(flows, f"{way}: there are live megaflows")
        for flow in flows:
            tap.equal(mask_of(flow, "ct_state"), 0, f"{way}: mask of ct_state after, in {flow}")
            tap.check("offloaded:yes, dp:dpdk" in flow, f"{way}: in hardware", flow)
        tap.note(f"{way} after: ct_state mask 0x0, {len(flows)} flows, offloaded:yes")
    result = load.stop()
    tap.equal(result["reconnects"], 0, "connections that broke")
    tap.check(result["max_stall_us"] < 1_000_000, "no stall of a second", result)
    tap.note(f"longest time without an answer: {result['max_stall_us'] / 1000:.1f} ms")


def revert_all_restores(bench):
    "revert --all: two remedies out, dump-flows byte-identical to before"
    with_vm3 = "\n".join(line for line in bench.openflow().splitlines()
                         if "cookie=0xf10f" not in line)
    bench.apply("--ticket", "T-2")
    tap.equal(len(bench.our_rules()), 4, "rules in the switch")
    bench.revert("--all")
    tap.equal(bench.openflow(), with_vm3, "OpenFlow flows")
    for name in ("vm2", "vm3"):
        tap.equal(bench.status(name)["state"], "reverted", f"state of {name}")


if __name__ == "__main__":
    tap.run([
        audit_finds_the_stranded_vm,
        explain_names_the_cause,
        plan_has_two_rules,
        plan_lists_flows_once,
        dry_run_changes_nothing,
        apply_repairs,
        rules_are_marked,
        nic_agrees,
        apply_twice_is_apply_once,
        revert_restores,
        history_tells_all,
        trap_is_there,
        apply_rebuilds_live_megaflows,
        revert_all_restores,
    ], RepairBench)
