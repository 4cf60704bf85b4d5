#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The ticket on the kernel datapath under OVN: found, repaired, taken back; the policy holds."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import tap  # noqa: E402

VM = "vm2"
# A healthy one, whose flows come while the NIC's table is full.
LATE = "vm3"
STRANDED = {"vm1": "offloaded", "vm2": "stranded", "vm3": "offloaded", "vm4": "offloaded"}
ALL_OFFLOADED = dict.fromkeys(STRANDED, "offloaded")


class Bench(kernel_bench.KernelBench):
    def __enter__(self):
        super().__enter__()
        for vm in self.lab.vms:
            self.lab.start_load(vm.name, rate=20)
        self.await_verdicts(STRANDED, 60)
        self.before = self.openflow()
        return self

    def flows_of(self, name):
        """{ufid: packets} of a VM's storage flows, both ways."""
        flows = self.flowlift("flows", "--vm", name, "--storage", "--window", "0", "--json").json["flows"]
        return {flow["ufid"]: flow["packets"] for flow in flows}


def policy_holds(bench, when):
    wrong = [(name, expected, seen) for name, expected, seen in bench.lab.check_policy()
             if expected != seen]
    tap.equal(wrong, [], f"connections that do not fare as the policy says, {when}")


def finds_the_stranded_vm(bench):
    "audit: exactly the stranded VM is stranded, scope vm, cause conntrack; exit 1"
    vms, answer = bench.audit()
    answer.expect(1)
    tap.equal({name: vm["verdict"] for name, vm in vms.items()}, STRANDED, "verdicts")
    tap.equal((vms[VM]["scope"], vms[VM]["causes"][:1]), ("vm", ["conntrack"]), "scope, cause")


def table(ctl, name, *columns):
    """{uuid: {column: value}} of a table of OVN, as its own tool has it. Maps are dicts."""
    text = ctl("--format=json", f"--columns={','.join(('_uuid', *columns))}", "list", name)
    return {row[0][1]: {column: dict(value[1]) if isinstance(value, list) and value[0] == "map" else value
                        for column, value in zip(columns, row[1:])}
            for row in json.loads(text)["data"]}


def rows_behind(flow):
    """OVN's rows of an OpenFlow flow, whose uuids begin with its cookie."""
    prefix = f"{int(flow['cookie'], 16):08x}-"
    tap.check(flow["ovn"] and all(row["uuid"].startswith(prefix) for row in flow["ovn"]), "rows", flow)
    return flow["ovn"]


def explain_names_what_ovn_asked_for(bench):
    "explain --probe: the logical flows and ports behind each OpenFlow flow, and the ACLs, as OVN's tools have them"
    told = bench.flowlift("explain", VM, "--probe", "--json").expect(1).json
    tap.equal(told["ovn"], {"bridge": "br-int", "southbound": "unix:/run/ovn/ovnsb_db.sock", "reason": None}, "ovn")
    flows = [flow for origin in told["openflow"] for flow in
             origin["flows"] + [looker["first"] for looker in origin["lookers"]]]
    ours = [flow for flow in flows if flow["bridge"] == "br-int" and int(flow["cookie"], 16)]
    tap.check(all(flow["ovn"] is None for flow in flows if flow not in ours), "flows that are not OVN's", flows)
    rows = [row for flow in ours for row in rows_behind(flow)]
    logical = [row["logical_flow"] | {"uuid": row["uuid"]} for row in rows if row["logical_flow"]]
    columns = ("pipeline", "table_id", "priority", "match", "actions")
    theirs = table(bench.lab.ovn.sbctl, "Logical_Flow", *columns, "external_ids")
    acls = table(bench.lab.ovn.nbctl, "ACL", "direction", "priority", "match", "action")
    for flow in logical:
        row = theirs[flow["uuid"]]
        ids = row["external_ids"]
        tap.equal({column: flow[column] for column in columns}, {column: row[column] for column in columns}, "flow")
        tap.equal((flow["stage"], flow["source"], flow["stage_hint"]),
                  (ids["stage-name"], ids["source"], ids.get("stage-hint")), "external_ids")
        if flow["northbound_table"]:
            tap.equal([{"name": None, **acl} for uuid, acl in acls.items() if uuid.startswith(flow["stage_hint"])],
                      [flow["acl"]], "ACL")
    ports = table(bench.lab.ovn.sbctl, "Port_Binding", "logical_port")
    named = [row for row in rows if row["table"] == "Port_Binding"]
    tap.equal([row["name"] for row in named], [ports[row["uuid"]]["logical_port"] for row in named], "ports")
    tap.note(f"{len(rows)} rows: {len(logical)} logical flows, {sum(bool(f['acl']) for f in logical)} of ACLs, "
             f"{len(named)} ports")
    tap.check(named and any(flow["acl"] for flow in logical), "a port and an ACL are among them", rows)
    text = bench.flowlift("explain", VM, "--probe").expect(1).out
    tap.check("OVN: logical flow of ingress table" in text and "of ACL " in text, "text", text)


def explain_without_the_southbound(bench):
    "explain --probe while the southbound cannot be asked: the flows, null, one sentence, the same exit code"
    path = "/run/ovn/ovnsb_db.sock"
    os.rename(path, f"{path}.away")
    try:
        told = bench.flowlift("explain", VM, "--probe", "--json").expect(1).json
    finally:
        os.rename(f"{path}.away", path)
    tap.equal(told["ovn"], {"bridge": "br-int", "southbound": None, "reason": "cannot connect to OVN's southbound "
                            f"database at unix:{path}: No such file or directory"}, "ovn")
    flows = [flow for origin in told["openflow"] for flow in origin["flows"]]
    tap.check(flows and all(flow["ovn"] is None for flow in flows), "flows", flows)


def ovs_says_the_same(bench):
    "audit --via ovs, the second opinion, has the same verdicts"
    tap.equal(bench.verdicts("--via", "ovs"), STRANDED, "verdicts")


def a_capture_says_the_same(bench):
    "capture, then audit --from: the same verdicts, and the flows' counters of hardware with them"
    path = f"{bench.lab.root}/ticket.json"
    bench.flowlift("capture", "-o", path).expect(0)
    tap.equal(bench.verdicts("--from", path), STRANDED, "verdicts")
    flows = bench.flowlift("flows", "--from", path, "--path", "hw", "--json").json["flows"]
    tap.check(flows and all(flow["hw_packets"] is not None for flow in flows), "hw_packets", flows)


def policy_before(bench):
    "before: what OVN's policy allows passes, what it blocks is blocked"
    policy_holds(bench, "before")
    bench.before = bench.openflow()  # with the neighbours that OVN has just learnt


def plan_stays_on_the_integration_bridge(bench):
    "plan: two rules on br-int, through the patch port of the VM's own network"
    rules = bench.flowlift("plan", VM, "--json").expect(0).json["rules"]
    tap.note(tap.as_text(rules))
    tap.equal([rule["bridge"] for rule in rules], ["br-int"] * 2, "bridges")


def apply_repairs(bench):
    "apply: verified, exit 0; the policy holds meanwhile"
    process = bench.start("apply", VM, "--ticket", "T-1")
    policy_holds(bench, "during apply")
    answer = bench.finish(process, 180)
    tap.note(answer)
    answer.expect(0)


def all_are_in_hardware(bench):
    "audit: all offloaded, exit 0; at least 99 % of the VM's packets in hardware"
    bench.await_verdicts(ALL_OFFLOADED, 30)
    vms, answer = bench.audit("--window", "8")
    answer.expect(0)
    tap.note(vms[VM]["storage"]["packets"])
    tap.check(vms[VM]["hw_share"] >= 0.99, "at least 99 % in hardware", vms[VM])


def packets_in_hardware(bench):
    """(by TC's counters, by the NIC's own), of the VM, while nothing goes on."""
    flows = bench.flowlift("flows", "--vm", VM, "--window", "0", "--json").json["flows"]
    nic = bench.lab.nic_counters()[bench.lab.vm(VM).port]
    return (sum(flow["hw_packets"] or 0 for flow in flows if flow["path"] == "hw"),
            nic["hw_rx_packets"] + nic["hw_tx_packets"])


def the_nic_counts_the_same(bench):
    "the kernel's hardware counters and the NIC's own agree within 5 %"
    bench.lab.job(f"load-{VM}").stop()
    before = packets_in_hardware(bench)
    bench.lab.start_load(VM, rate=20, seconds=8, job="counted").wait(120)
    after = packets_in_hardware(bench)
    kernel, nic = (after[i] - before[i] for i in range(2))
    tap.note(f"kernel {kernel}, NIC {nic}")
    tap.check(nic > 100 and abs(kernel - nic) <= 0.05 * nic, f"{kernel} of {nic}")
    bench.lab.start_load(VM, rate=20, job="again")


def policy_after(bench):
    "after: the policy holds, the public address too"
    policy_holds(bench, "after")


def ovn_is_untouched(bench):
    "OVN's own flows are as before, beside two of ours"
    ours = [line for line in bench.openflow().splitlines() if "cookie=0xf10f" in line]
    rest = "\n".join(l for l in bench.openflow().splitlines() if "cookie=0xf10f" not in l)
    tap.equal(len(ours), 2, "rules of ours")
    tap.equal(rest, bench.before, "flows of OVN")


def revert_takes_back(bench):
    "revert: the flows are those of before, and the policy holds"
    bench.revert()
    tap.equal(bench.openflow(), bench.before, "flows")
    policy_holds(bench, "after revert")
    bench.await_verdicts(STRANDED, 60)


def start_while_the_table_is_full(bench):
    """LATE is plugged in again: its flows are made, and refused, and not offered any more."""
    bench.lab.stop_vm(LATE)
    bench.lab.fault("table-full", "on")
    bench.lab.start_vm(LATE)
    bench.await_verdicts({**STRANDED, LATE: "stranded"}, 90)
    bench.lab.fault("table-full", "off")


def reoffer_is_planned(bench):
    "a table full for a moment strands a VM: explain does not say conntrack; plan, that reoffer comes first"
    start_while_the_table_is_full(bench)
    bench.before = bench.openflow()
    bench.provider = bench.openflow("br-provider")
    causes = bench.flowlift("explain", LATE, "--json").expect(1).json["causes"]
    # OVN's pipeline looks at ct_mark of its packets, too, which this NIC takes.
    tap.check("conntrack" not in [cause["id"] for cause in causes], "conntrack is no cause", causes)
    for words in ("plan",), ("apply", "--dry-run"):
        plan = bench.flowlift(*words[:1], LATE, *words[1:], "--json").expect(0).json
        tap.equal(plan["steps"][:1], ["reoffer"], f"steps: {plan['reoffer']}, {plan['reason']}")
    tap.note(tap.as_text(plan["reoffer"]))
    plan = bench.flowlift("plan", VM, "--json").expect(0).json
    tap.equal(plan["steps"], ["simplify"], "steps for the VM that conntrack strands")
    tap.note(plan["reoffer"]["reason"])


def reoffer_repairs(bench):
    "apply repairs it by reoffer alone: no rule stays; peers' flows are the same and go on in hardware"
    peers = ("vm1", "vm4")
    ports = [bench.lab.vm(name).port for name in peers]
    before = {name: bench.flows_of(name) for name in peers}
    missed = bench.lab.nic_counters()
    outcome = bench.flowlift("apply", LATE, "--ticket", "T-2", "--json", timeout=180).expect(0).json
    tap.note(tap.as_text(outcome))
    after = {name: bench.flows_of(name) for name in peers}
    now = bench.lab.nic_counters()
    tap.equal((outcome["step"], outcome["state"]), ("reoffer", "verified"), "step, state")
    tap.equal((bench.openflow(), bench.openflow("br-provider")), (bench.before, bench.provider),
              "OpenFlow flows")
    tap.equal(bench.status(LATE), None, "remedy")
    last = bench.flowlift("history", LATE, "--json").json["entries"][-1]
    tap.equal((last["step"], last["state"], last["ticket"]), ("reoffer", "verified", "T-2"), "journal")
    for name in peers:
        tap.equal(sorted(after[name]), sorted(before[name]), f"ufids of {name}")
        for ufid, packets in before[name].items():
            tap.check(after[name][ufid] > packets, f"{name}'s counter goes on", ufid, before, after)
    grown = {port: {key: now[port][key] - missed[port][key]
                    for key in ("hw_rx_packets", "hw_tx_packets", "miss_packets")} for port in ports}
    tap.note(f"of peers meanwhile: {grown}")
    for port, counters in grown.items():
        # A peer may ask for an address again.
        tap.check(counters["miss_packets"] <= 10 < counters["hw_rx_packets"], f"{port}: in hardware", grown)
    bench.await_verdicts({"vm1": "offloaded", LATE: "offloaded", "vm4": "offloaded"}, 30)


def loads_were_undisturbed(bench):
    "its NFS load and those of its peers had no error"
    for name in ("vm1", LATE, "vm4"):
        result = bench.lab.job(f"load-{name}").stop()
        tap.note(f"{name}: {result}")
        tap.equal(result["errors"], 0, f"errors of {name}")


TESTS = [
    finds_the_stranded_vm,
    explain_names_what_ovn_asked_for,
    explain_without_the_southbound,
    ovs_says_the_same,
    a_capture_says_the_same,
    policy_before,
    plan_stays_on_the_integration_bridge,
    apply_repairs,
    all_are_in_hardware,
    the_nic_counts_the_same,
    policy_after,
    ovn_is_untouched,
    revert_takes_back,
    reoffer_is_planned,
    reoffer_repairs,
    loads_were_undisturbed,
]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench)
