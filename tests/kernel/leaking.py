#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A VM that leaks on the kernel datapath, with figures beside the NIC's own; TC filters that Open
vSwitch has forgotten, and all else in which it and the NIC do not agree."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import tap  # noqa: E402

VM = "vm1"
N_VMS = 4
PUNT_EVERY = 10
RATE = 100
WINDOW = 8
OFFLOADED = {f"vm{number}": "offloaded" for number in range(1, N_VMS + 1)}
LEAKING = {**OFFLOADED, VM: "leaking"}
POINTS = 0.02
# A device of the NIC that is no port of the switch, and one without any NIC.
SPARE, SOFTWARE = f"rep{N_VMS}", "orphan0"
UFID = "00112233445566778899aabbccddee{:02x}"
# Longer than offload takes on a busy machine.
SECONDS = 90


class Bench(kernel_bench.KernelBench):
    def __init__(self):
        super().__init__(ovn=False, nfs=False, vms=N_VMS, stranded=[], n_vfs=N_VMS + 1)

    def __enter__(self):
        super().__enter__()
        for name in OFFLOADED:
            self.lab.start_load(name, rate=RATE, kind="tcp")
        self.await_verdicts(OFFLOADED, SECONDS)
        return self

    def orphans(self):
        """(n_orphans, [(dev, chain, path)], the document) of an audit."""
        answer = self.flowlift("audit", "--json", "--window", "2")
        found = answer.json
        return found["n_orphans"], [(orphan["dev"], orphan["chain"], orphan["path"])
                                    for orphan in found["orphans"]], found

    def await_disagreement(self, device, words, *options):
        """A look at a busy switch may tell nothing; one that is there is seen by the next."""
        found = []

        def is_told():
            found[:] = self.flowlift("flows", "--json", *options).expect(0).json["disagreements"]
            return any(one["device"] == device and words in one["text"] for one in found)

        try:
            self.lab.wait_until(is_told, SECONDS, words, 1)
        except self.lab_error:
            raise tap.Failure(f"no '{words}' of {device} among {found}") from None
        tap.note(found)
        return [one for one in found if words in one["text"]]

    def check(self, name):
        checks = self.flowlift("doctor", "--json").json["checks"]
        return next(check for check in checks if check["id"] == name)


def run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check:
        tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def add_filter(device, number, chain, to, add_qdisc=True):
    """As Open vSwitch would: its cookie is 16 bytes."""
    if add_qdisc:
        run("tc", "qdisc", "add", "dev", device, "ingress")
    run("tc", "filter", "add", "dev", device, "ingress", "protocol", "ip", "pref", "7", "chain",
        str(chain), "flower", "dst_ip", f"192.0.2.{number}", "action", "mirred", "egress", "redirect",
        "dev", to, "cookie", UFID.format(number))


def filters_of(device):
    """(priority, handle) -> in_hw, as tc says."""
    text = run("tc", "-j", "filter", "show", "dev", device, "ingress")
    found = [item for item in json.loads(text or "[]") if "handle" in item.get("options", {})]
    return {(item["pref"], item["options"]["handle"]): item["options"].get("in_hw", False) for item in found}


def share_in_hardware(counters):
    """Of a representor's packets, both ways, as the NIC itself counts."""
    hardware = counters["hw_rx_packets"] + counters["hw_tx_packets"]
    return hardware / (hardware + counters["miss_packets"] + counters["sw_tx_packets"])


def exactly_the_leaking_vm_is_found(bench):
    "audit: exactly the VM whose packets are punted is leaking, scope vm, hardware-miss; exit 1"
    bench.lab.punt(VM, PUNT_EVERY)
    bench.await_verdicts(LEAKING, SECONDS)
    vms, answer = bench.audit("--window", "3")
    answer.expect(1)
    tap.equal({name: vm["verdict"] for name, vm in vms.items()}, LEAKING, "verdicts")
    tap.equal((vms[VM]["scope"], vms[VM]["causes"]), ("vm", ["hardware-miss"]), "scope, causes")


def figures_are_those_of_the_nic(bench):
    "its share in hardware is that of the NIC's own counters, within 2 percentage points"
    port = bench.lab.vm(VM).port
    before = bench.lab.nic_counters()[port]
    vms, _ = bench.audit("--window", WINDOW)
    after = bench.lab.nic_counters()[port]
    counted = {key: after[key] - before[key] for key in after}
    share = share_in_hardware(counted)
    vm = vms[VM]
    leaked = vm["leaked_packets"] / sum(vm["storage"]["packets"].values())
    punted = counted["punt_packets"] / sum(counted[f"{way}_packets"] for way in
                                           ("hw_rx", "hw_tx", "miss", "sw_tx"))
    tap.note(f"in hardware: audit {vm['hw_share']:.4f}, NIC {share:.4f}; leaked: audit {leaked:.4f}, "
             f"punted by the NIC {punted:.4f}; of {sum(vm['storage']['packets'].values())} packets")
    tap.check(abs(vm["hw_share"] - share) <= POINTS, "the share in hardware", vm, counted)
    tap.check(abs(leaked - punted) <= POINTS, "the share that leaks", vm, counted)
    tap.check(punted > 0.02, "enough leaks to tell it by", counted)


def leaks_are_told_to_people(bench):
    "audit and explain say so in a sentence, with the figures"
    answer = bench.flowlift("audit", "--window", "3").expect(1)
    tap.check("leaking" in answer.out and "hardware-miss" in answer.out, "audit says so", str(answer))
    answer = bench.flowlift("explain", VM, "--window", "3").expect(1)
    tap.check("packets were counted by software" in answer.out, "explain has the evidence", str(answer))
    tap.check("conntrack:" not in answer.out, "nothing of conntrack is passed", str(answer))


def without_punt_all_are_offloaded(bench):
    "punt off: all are offloaded, exit 0"
    bench.lab.punt(VM, 0)
    bench.await_verdicts(OFFLOADED, SECONDS)
    bench.flowlift("audit", "--window", "3").expect(0)


def stranded_by_conntrack_says_so(bench):
    "explain of a VM that conntrack strands: its connections, none offloaded"
    bench.lab.set_stranded(VM, True)
    bench.await_verdicts({**OFFLOADED, VM: "stranded"}, SECONDS)
    text = bench.flowlift("explain", VM, "--window", "3")
    other = bench.flowlift("explain", "vm2", "--json", "--window", "3").json["conntrack"]
    bench.lab.set_stranded(VM, False)
    tap.check("conntrack: 1 storage connection" in text.out and "VM, not offloaded" in text.out,
              "explain says so", str(text))
    tap.note([line for line in text.out.splitlines() if line.startswith("conntrack:")])
    tap.equal(other, None, "of a VM in hardware")
    bench.await_verdicts(OFFLOADED, SECONDS)


def no_orphan_of_a_living_switch(bench):
    "with all VMs in hardware no filter is an orphan"
    tap.equal(bench.orphans()[:2], (0, []), "orphans")
    tap.equal(bench.check("orphan-filters")["status"], "ok", "doctor")


def nic_rules_are_those_of_tc(bench):
    "flows: nic_rules are the filters of tc, and nothing disagrees, whoever is asked; doctor is content"
    for via in "kernel", "ovs":
        found = bench.flowlift("flows", "--json", "--via", via).expect(0).json
        tap.equal((found["disagreements"], found["nic_rules_missing"]), ([], None), f"via {via}")
    ports = {port["device"]: port for port in found["nic_rules"]}
    for device in [vm.port for vm in bench.lab.vms] + ["uplink0"]:
        port = ports[device]
        rules = {(rule["priority"], rule["handle"]): rule["in_hw"] for rule in port["rules"]}
        tap.equal(rules, filters_of(device), f"filters of {device}")
        tap.equal((port["api"], port["hook"], port["count"], port["in_hw"], port["not_in_hw"]),
                  ("tc", "ingress", len(rules), sum(rules.values()), len(rules) - sum(rules.values())), device)
    offloaded = {flow["ufid"]: flow for flow in found["flows"] if flow["path"] == "hw"}
    in_hw = [rule for port in found["nic_rules"] for rule in port["rules"] if rule["in_hw"]]
    tap.equal(sorted(rule["ufid"] for rule in in_hw), sorted(offloaded), "ufids in hardware")
    tap.check(any(rule["hw_packets"] for rule in in_hw), "packets in hardware", in_hw)
    check = bench.check("nic-agreement")
    tap.equal(check["status"], "ok", check["summary"])


def foreign_filter_disagrees(bench):
    "a filter that somebody else made, with a cookie like a ufid: the NIC has it, Open vSwitch does not know it"
    port = bench.lab.vm("vm3").port
    add_filter(port, 5, 0, "uplink0", add_qdisc=False)
    (one,) = bench.await_disagreement(port, "does not know it")
    check = bench.check("nic-agreement")
    text = bench.flowlift("flows").expect(0).out
    run("tc", "filter", "del", "dev", port, "ingress", "protocol", "ip", "pref", "7")
    tap.equal(one["ufid"], "33221100-7766-5544-bbaa-998805eeddcc", "its ufid")
    tap.check("in the NIC" in one["text"] and "unexpected" in one["text"], "why", one)
    tap.equal(check["status"], "fail", check["summary"])
    tap.check("disagreement: " in text, "the text says so", text)
    tap.equal(bench.flowlift("flows", "--json").json["disagreements"], [], "without it")


def deleted_filter_disagrees(bench):
    "a filter that is deleted behind Open vSwitch's back: it still counts it, and says so when asked"
    port = bench.lab.vm("vm4").port
    bench.lab.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=600000")
    before = filters_of(port)
    bench.lab.exec("vm4", "ping", "-c1", "-W1", "10.100.0.250")  # nobody has it: an ARP request, and no more
    bench.lab.wait_until(lambda: len(filters_of(port)) > len(before), SECONDS, "its filter")
    ((priority, _),) = set(filters_of(port)) - set(before)
    run("tc", "filter", "del", "dev", port, "ingress", "protocol", "arp", "pref", str(priority))
    bench.await_disagreement(None, "Open vSwitch keeps", "--via", "ovs")
    tap.equal(bench.flowlift("flows", "--json").json["disagreements"], [], "ovs-vswitchd is not asked")
    bench.lab.vsctl("remove", "Open_vSwitch", ".", "other_config", "max-idle")


def orphans_are_listed(bench):
    "filters on devices that are no ports, in the NIC and not, are listed; the exit code is as before"
    run("ip", "link", "add", SOFTWARE, "type", "dummy")
    run("ip", "link", "set", SPARE, "up")
    add_filter(SPARE, 1, 3, "uplink0")
    add_filter(SOFTWARE, 2, 0, "uplink0")
    n, listed, found = bench.orphans()
    tap.equal((n, sorted(listed)), (2, [(SOFTWARE, 0, "tc-sw"), (SPARE, 3, "hw")]), "orphans")
    ufids = sorted(orphan["ufid"].replace("ufid:", "").replace("-", "") for orphan in found["orphans"])
    tap.note(f"{ufids}: {found['orphans'][0]['reason']}")
    for orphan in found["orphans"]:
        tap.check(orphan["dev"] in orphan["reason"], "the reason names the device", orphan)
    answer = bench.flowlift("audit", "--window", "2").expect(0)
    tap.check("orphans: 2 TC filters have no megaflow behind them" in answer.out.replace("\n", " "),
              "the text says so", str(answer))
    check = bench.check("orphan-filters")
    tap.equal(check["status"], "fail", check["summary"])


def orphans_are_a_cause(bench):
    "flows names the cause of each, also in hardware"
    flows = bench.flowlift("flows", "--json").expect(0).json["flows"]
    causes = {flow["in_port"]: [cause["id"] for cause in flow["causes"]] for flow in flows
              if flow["in_port"] in (SPARE, SOFTWARE)}
    tap.equal(causes[SPARE], ["orphaned-filter"], "in hardware")
    tap.equal(causes[SOFTWARE][0], "orphaned-filter", "in software")


def removed_orphans_are_not_listed(bench):
    "what is deleted is not listed any more, and doctor is content"
    run("tc", "filter", "del", "dev", SPARE, "ingress", "protocol", "ip", "pref", "7", "chain", "3")
    run("ip", "link", "del", SOFTWARE)
    tap.equal(bench.orphans()[:2], (0, []), "orphans")
    tap.equal(bench.check("orphan-filters")["status"], "ok", "doctor")


def lost_targets_are_listed(bench):
    "a filter on a port of the switch whose target is gone is listed, and says so"
    run("ip", "link", "add", SOFTWARE, "type", "dummy")
    port = bench.lab.vm("vm4").port
    add_filter(port, 3, 0, SOFTWARE, add_qdisc=False)
    run("ip", "link", "del", SOFTWARE)
    n, listed, found = bench.orphans()
    run("tc", "filter", "del", "dev", port, "ingress", "protocol", "ip", "pref", "7")
    tap.equal((n, listed), (1, [(port, 0, "tc-sw")]), "orphans")
    tap.check("gone" in found["orphans"][0]["reason"], "the reason", found["orphans"])


def left_by_hw_offload_off(bench):
    "hw-offload off, and ovs-vswitchd restarted: what is left in TC is listed, doctor says it too"
    bench.lab.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    bench.lab.restart_vswitchd()
    left = sum(len([item for item in json.loads(run("tc", "-j", "filter", "show", "dev", vm.port,
                                                    "ingress") or "[]") if "options" in item])
               for vm in bench.lab.vms)
    tap.note(f"filters that this ovs-vswitchd left on the VMs' ports: {left}")
    if not left:
        # It takes the qdiscs of ports away; those of blocks and of internal ports stay.
        add_filter(bench.lab.vm(VM).port, 4, 5, "uplink0")
    n, listed, found = bench.orphans()
    tap.note(found["orphans"][:2])
    tap.check(n >= 1 and len(listed) == min(n, 100), "listed", found["orphans"])
    tap.check("hw-offload" in found["orphans"][0]["reason"], "the reason", found["orphans"])
    check = bench.check("orphan-filters")
    tap.equal(check["status"], "fail", check["summary"])
    if not left:
        run("tc", "qdisc", "del", "dev", bench.lab.vm(VM).port, "ingress")


def on_again(bench):
    "hw-offload on, and restarted: no orphan, all in hardware"
    bench.lab.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    bench.lab.restart_vswitchd()
    bench.await_verdicts(OFFLOADED, SECONDS)
    tap.equal(bench.orphans()[:2], (0, []), "orphans")


TESTS = [
    exactly_the_leaking_vm_is_found,
    figures_are_those_of_the_nic,
    leaks_are_told_to_people,
    without_punt_all_are_offloaded,
    stranded_by_conntrack_says_so,
    no_orphan_of_a_living_switch,
    nic_rules_are_those_of_tc,
    foreign_filter_disagrees,
    orphans_are_listed,
    orphans_are_a_cause,
    removed_orphans_are_not_listed,
    lost_targets_are_listed,
    deleted_filter_disagrees,
    left_by_hw_offload_off,
    on_again,
]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench)
