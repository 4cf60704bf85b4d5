# SPDX-License-Identifier: Apache-2.0
"""A NIC that will not take the rules, and an ovs-vswitchd that dies in the middle."""

import signal

import tap
from bench import ALL_OFFLOADED, PATIENCE, STRANDED_VM2, Bench, actions_of


class RefusingBench(Bench):
    def __init__(self):
        super().__init__(window=1)

    def prepare(self):
        self.load_all(rate=100)
        self.await_verdicts(STRANDED_VM2)
        self.dump_before = self.openflow()


def apply_is_refused(bench, fault, *words):
    """apply with a fault of the NIC: not done, says why, and everything is as before."""
    bench.lab.fault(*fault)
    try:
        answer = bench.flowlift("apply", "vm2", "--json").expect(1, "exit code of apply")
    finally:
        bench.lab.fault("all", "off")
    outcome = answer.json
    tap.equal(outcome["state"], "reverted", "state")
    for word in words:
        tap.check(word in outcome["reason"], f"the reason says '{word}'", outcome)
    tap.note(outcome["reason"])
    check_reverted(bench, outcome["reason"])


def check_reverted(bench, *words):
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")
    tap.equal(bench.status()["state"], "reverted", "state in status")
    last = bench.flowlift("history", "vm2", "--json").json["entries"][-1]
    tap.equal((last["step"], last["state"]), ("revert", "reverted"), "end of the history")
    for word in words:
        tap.check(word in last["reason"], f"the history says '{word}'", last)
    bench.await_verdicts({"vm2": "stranded"})


def table_full(bench):
    "rule table full: apply says so, reverts by itself, exit 1"
    apply_is_refused(bench, ("table-full", "on"), "through software", "rule table full")


def match_refused(bench):
    "match refused: apply says which, reverts by itself, exit 1"
    apply_is_refused(bench, ("refuse-match", "ipv4-src", "on"), "through software",
                     "match on ipv4-src is not supported")


def partial_only(bench):
    "the NIC only marks packets: apply says so, reverts by itself, exit 1"
    apply_is_refused(bench, ("partial-only", "on"), "through software", "partial-offload")


def action_refused(bench):
    "action refused, apply in text: it says so, reverts by itself, exit 1"
    bench.lab.fault("refuse-action", "push-vlan", "on")
    try:
        answer = bench.flowlift("apply", "vm2").expect(1)
    finally:
        bench.lab.fault("all", "off")
    text = " ".join(answer.out.split())
    for words in ("vm2: reverted", "through software", "rte_flow creation failed"):
        tap.check(words in text, f"it says '{words}'", str(answer))
    check_reverted(bench, "rte_flow creation failed")


def next_apply_works(bench):
    "with a NIC that works again, apply does its work"
    bench.await_verdicts(STRANDED_VM2)
    bench.apply()
    bench.await_verdicts(ALL_OFFLOADED)
    bench.revert()


def mirrored(bench, selects):
    """A mirror named span to vm4's port, of the ports that @selects names by column, or {}: of all."""
    lab = bench.lab
    ports = sorted({*selects.values(), "vm4"})
    words = [word for name in ports for word in ("--", f"--id=@{name}", "get", "port", lab.vm(name).port)]
    columns = [f"{column}=@{name}" for column, name in selects.items()] or ["select_all=true"]
    lab.vsctl(*words, "--", "--id=@m", "create", "mirror", "name=span", *columns, "output-port=@vm4",
              "--", "set", "bridge", "br0", "mirrors=@m")


def mirror_on_the_vm(bench):
    "a mirror of the VM's packets: plan and apply name it, and how to end it; of another VM's: they go ahead"
    bench.await_verdicts(STRANDED_VM2)
    port = bench.lab.vm("vm2").port
    for selects, words in (
            ({"select_src_port": "vm2"}, f"copies what comes in by port {port} (select_src_port)"),
            ({"select_dst_port": "vm2"}, f"copies what leaves by port {port} (select_dst_port)"),
            ({}, "copies all packets (select_all)")):
        mirrored(bench, selects)
        try:
            for verb in "plan", "apply", "plan":
                answer = bench.flowlift(verb, "vm2", "--json").expect(1, f"exit code of {verb}")
                document = answer.json
                tap.equal((document["state"], document["rules"]), ("refused", []), "state, rules")
                for part in 'mirror "span" of bridge br0 ' + words, "(ovs-vsctl remove bridge br0 mirrors ":
                    tap.check(part in document["reason"], f"the reason says '{part}'", document["reason"])
                if verb == "apply":
                    # OVS 3.1 lets live megaflows be as they were before the mirror, and after it.
                    bench.lab.appctl("revalidator/purge")
                    bench.lab.wait_until(lambda: any("vm4" in actions_of(flow) for port in ("vm2", "p0")
                                                     for flow in bench.megaflows(port)),
                                         10 * PATIENCE, "copies", 0.05)
                    bench.await_verdicts({"vm2": "stranded"})
            tap.note(document["reason"])
        finally:
            bench.lab.vsctl("clear", "bridge", "br0", "mirrors")
    bench.lab.appctl("revalidator/purge")
    tap.equal(bench.our_rules(), [], "rules in the switch")
    mirrored(bench, {"select_src_port": "vm3", "select_dst_port": "vm3"})
    try:
        bench.lab.wait_until(lambda: bench.flowlift("plan", "vm2").code == 0, 20 * PATIENCE, "a plan", 0.2)
        bench.apply()
        bench.await_verdicts({"vm2": "offloaded"})
        bench.revert()
    finally:
        bench.lab.vsctl("clear", "bridge", "br0", "mirrors")
    bench.await_verdicts(STRANDED_VM2)
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")


def kill_vswitchd_in_apply(bench):
    """ovs-vswitchd dies as soon as the rules are there; a new one comes without them."""
    bench.await_verdicts(STRANDED_VM2)
    apply = bench.start("apply", "vm2", "--ticket", "T-9")
    bench.lab.wait_until(bench.our_rules, 20 * PATIENCE, "the rules of apply", interval=0.005)
    bench.lab.kill_vswitchd(signal.SIGKILL)
    answer = bench.finish(apply).expect(2, "exit code of apply")
    answer.expect_sentence()
    tap.note(answer.err)
    return answer


def vswitchd_dies_during_apply(bench):
    "ovs-vswitchd killed during apply: exit 2 with a sentence; status tells the truth throughout"
    kill_vswitchd_in_apply(bench)
    without_switch = bench.flowlift("status", "--json")
    tap.equal(without_switch.code, 2, f"exit code of status without a switch\n{without_switch}")
    bench.lab.start_vswitchd()
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows of the new ovs-vswitchd")
    status = bench.status()
    tap.equal((status["rules"], status["present"]), (2, 0), "rules, and those in the switch")
    tap.equal(status["state"], "planned", "state")
    tap.check("apply" in status["note"], "status says what to do", status)


def apply_finishes(bench):
    "after that, apply finishes the work"
    bench.await_verdicts(STRANDED_VM2, 40)
    bench.apply("--ticket", "T-9")
    tap.equal(len(bench.our_rules()), 2, "rules in the switch")
    tap.equal(bench.status()["state"], "verified", "state in status")
    bench.await_verdicts(ALL_OFFLOADED)


def revert_finishes(bench):
    "killed again during apply: revert finishes the work as well"
    bench.revert()
    kill_vswitchd_in_apply(bench)
    bench.lab.start_vswitchd()
    bench.revert()
    tap.equal(bench.status()["state"], "reverted", "state in status")
    tap.equal(bench.openflow(), bench.dump_before, "OpenFlow flows")


if __name__ == "__main__":
    tap.run([
        table_full,
        match_refused,
        action_refused,
        partial_only,
        next_apply_works,
        mirror_on_the_vm,
        vswitchd_dies_during_apply,
        apply_finishes,
        revert_finishes,
    ], RefusingBench)
