# SPDX-License-Identifier: Apache-2.0
"""What a rule cannot do in a pipeline's place: the plan is refused, and each refusal says why."""

import re

from pipelines import FROM, P1, PLAIN_MAC, SERVER_MAC, TO, VM_IP, VM_MAC
from proof_bench import Bench, Refused, tap

OUT = f"tcp,in_port=2,vlan_tci=0x0000/0x1fff,dl_src={VM_MAC},nw_src={VM_IP},nw_dst=10.2.0.0/24,tp_dst=2049"
TAGGED = OUT.replace("vlan_tci=0x0000/0x1fff", "dl_vlan=100")
PACKETS = 300


class Fixed:
    """A pipeline as Bench.set_up() takes it."""

    tag, groups = None, []

    def __init__(self, *flows):
        self.flows = {"br0": [*flows, "priority=0,actions=drop"], "br1": []}

    def addresses(self):
        return [("br0", "p0", 0, SERVER_MAC), ("br0", "vm1", 0, VM_MAC)]


def refusal_of(bench, flows, actions="output:1", match=OUT, relaxations="ct-invalid"):
    """The plan of one rule is refused, and the packet that is named shows it. Return: the sentence."""
    bench.set_up(Fixed(*flows))
    try:
        plan = bench.prove([f"br0;{FROM};65000;{match};{actions}"], relaxations)
    except Refused as refused:
        tap.check(refused.counter_example(), "it names a packet", refused.sentence)
        differs, text = bench.differs(refused, actions)
        tap.check(differs, "that packet's fate differs", refused.sentence, text)
        tap.note(refused.sentence.split("; see")[0])
        return refused.sentence
    tap.check(False, "it is refused", plan)


def says(sentence, *words):
    for word in words:
        tap.check(word in sentence, f"the sentence says '{word}'", sentence)


def nat(bench):
    "refused: NAT changes the storage packets"
    says(refusal_of(bench, ["in_port=2,ip,actions=ct(commit,zone=5,nat(src=192.0.2.1),table=1)",
                            "table=1,actions=output:1"]), "its addresses are translated (NAT)")
    says(refusal_of(bench, ["in_port=2,ip,actions=ct(zone=5,nat,table=1)", "table=1,actions=output:1"]),
         "its addresses are translated (NAT)")


def meter(bench):
    "refused: a meter"
    says(refusal_of(bench, ["in_port=2,actions=meter:1,output:1"]), "a meter polices it")


def controller(bench):
    "refused: a controller gets the packets"
    says(refusal_of(bench, ["in_port=2,actions=controller(max_len=128),output:1"]), "a controller gets it")


def two_ports(bench):
    "refused: output to two ports, and the rule has one"
    says(refusal_of(bench, [f"in_port=2,actions=output:1,output:{P1}"]), '"-> p0; -> p1"', 'the rule "-> p0"')


def learn(bench):
    "refused: flows are learned from the packets"
    says(refusal_of(bench, ["in_port=2,actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                            "output:NXM_OF_IN_PORT[]),output:1"]), "OVS learns flows from it (learn)")


def mirror_words(bridge, target, *columns, ports=()):
    """ovs-vsctl's words that make a mirror named m; @target: its output port or output_vlan=N, or nothing."""
    names = sorted({*ports, *([target] if target and "=" not in target else [])})
    words = [word for name in names for word in ("--", f"--id=@{name}", "get", "port", name)]
    words += ["--", "--id=@m", "create", "mirror", "name=m", *columns]
    words += [target if "=" in target else f"output-port=@{target}"] if target else []
    return [*words, "--", "set", "bridge", bridge, "mirrors=@m"]


def reverse(match, port):
    """The other direction of OUT."""
    match = match.replace("in_port=2", f"in_port={port}").replace("dl_src", "dl_dst").replace("tp_dst", "tp_src")
    return match.replace("nw_dst=10.2", "nw_SRC=10.2").replace("nw_src", "nw_dst").replace("nw_SRC", "nw_src")


ENDS = {"p0": f"in_port=2,dl_src={VM_MAC},nw_src={VM_IP},nw_dst=10.2.0.9,tp_dst=2049",
        "vm1": f"in_port=1,dl_dst={VM_MAC},nw_dst={VM_IP},nw_src=10.2.0.9,tp_src=2049"}


def trace(bench, packet, bridge="br0"):
    """(all of it, the datapath actions)"""
    text = bench.appctl("ofproto/trace", bridge, "--names", f"tcp,{packet}")
    return text, text.splitlines()[-1].removeprefix("Datapath actions: ")


def mirror_is_the_same(bench):
    "a mirror on the VM's port: OVS mirrors the rule's packets too, so that nothing differs"
    bench.set_up(Fixed("in_port=2,actions=output:1", f"in_port=1,dl_dst={VM_MAC},actions=output:2"))
    bench.vsctl(*mirror_words("br0", "p1", "select_src_port=@vm1", "select_dst_port=@vm1", ports=["vm1"]))
    try:
        rules = [f"br0;{FROM};65000;{OUT};output:1", f"br0;{TO};65000;{reverse(OUT, 1)};output:2"]
        plan = bench.prove(rules, "-")
        tap.equal((plan["exceptions"], plan["relaxations"]), ([], []), "exceptions, relaxations")
        bench.install()
        counts = bench.compare(PACKETS, 1)
        tap.equal(counts["disagreed"], 0, f"packets that disagree: {counts}")
        for end, packet in ENDS.items():
            text, actions = trace(bench, packet)
            tap.check("priority 65000" in text, "the rule is hit", text)
            tap.equal(sorted(actions.split(",")), sorted([end, "p1"]),
                      "by the rule, the packet goes on and is mirrored")
    finally:
        bench.vsctl("clear", "bridge", "br0", "mirrors")


# Mirrors, and what the refusal says of them; None: they copy nothing of the rules.
MIRRORS = [
    (["br0", "p1", "select_src_port=@vm1"], 'bridge br0 copies what comes in by port vm1 (select_src_port) to port p1;'),
    (["br0", "p1", "select_dst_port=@vm1"], 'copies what leaves by port vm1 (select_dst_port) to port p1;'),
    (["br0", "p1", "select_src_port=@vm1", "select_dst_port=@vm1"],
     'copies what passes port vm1 (select_src_port, select_dst_port) to port p1;'),
    (["br0", "p1", "select_dst_port=@p0"], 'copies what leaves by port p0 (select_dst_port) to port p1;'),
    (["br0", "p1", "select_all=true"], 'copies all packets (select_all) to port p1;'),
    (["br0", "output_vlan=77", "select_all=true"], 'copies all packets (select_all) to VLAN 77;'),
    (["br0", "p1", "select_all=true", "select_vlan=0"], 'copies all packets (select_all) in VLAN 0 to port p1;'),
    (["br0", "p1", "select_all=true", "select_vlan=200"], None),
    (["br0", "p1", "select_vlan=0"], None),
    (["br0", "p1", "select_src_port=@vm2", "select_dst_port=@vm2"], None),
    (["br0", None, "select_all=true"], None),
    (["br1", "output_vlan=77", "select_all=true"], None),
]
# The same, for rules that lead to the other bridge by a patch port.
FAR_MIRRORS = [
    (["br1", "output_vlan=77", "select_all=true"], 'bridge br1 copies all packets (select_all) to VLAN 77;'),
    # Patch ports are in no mirror.
    (["br1", "output_vlan=77", "select_src_port=@to-br0", "select_dst_port=@to-br0"], None),
    (["br0", "p1", "select_src_port=@to-br1", "select_dst_port=@to-br1"], None),
    (["br0", "p1", "select_dst_port=@vm1"], 'copies what leaves by port vm1 (select_dst_port) to port p1;'),
    (["br0", "p1", "select_src_port=@p0", "select_dst_port=@p0"], None),
]


def refused_where_mirrored(bench, mirrors, up, back_bridge):
    """@back_bridge: where packets to the VM come in, by port 1."""
    rules = [f"br0;{FROM};65000;{OUT};output:{up}", f"br0;{TO};65000;{reverse(OUT, up)};output:2"]

    def outputs():
        return [trace(bench, ENDS["p0"])[1], trace(bench, ENDS["vm1"], back_bridge)[1]]

    without = outputs()
    bench.check_mirrors(rules)
    for words, says_so in mirrors:
        ports = [port for port in ("vm1", "vm2", "p0", "to-br0", "to-br1") if f"@{port}" in str(words)]
        bench.vsctl(*mirror_words(*words, ports=ports))
        try:
            copied = outputs() != without
            tap.equal(copied, says_so is not None, f"{words}: OVS copies packets of the rules")
            uuid = bench.vsctl("get", "mirror", "m", "_uuid").strip()
            sentence = None
            try:
                bench.check_mirrors(rules)
            except Refused as refused:
                sentence = refused.sentence
            tap.equal(sentence is not None, copied, f"{words}: it is refused")
            if sentence:
                says(sentence, 'mirror "m" of', says_so,
                     f"(ovs-vsctl remove bridge {words[0]} mirrors {uuid})")
        finally:
            bench.vsctl("clear", "bridge", words[0], "mirrors")
    bench.check_mirrors(rules)


def mirrors_on_the_way(bench):
    "mirrors: refused when OVS would copy packets of the rules, which its own traces show, and only then"
    bench.set_up(Fixed("in_port=2,actions=output:1", f"in_port=1,dl_dst={VM_MAC},actions=output:2"))
    refused_where_mirrored(bench, MIRRORS, 1, "br0")


def mirrors_behind_a_patch_port(bench):
    "mirrors: the same of the bridge that a patch port leads to"
    bench.set_up(Fixed("in_port=2,actions=output:5", f"in_port=5,dl_dst={VM_MAC},actions=output:2"))
    bench.add_flows("br1", ["in_port=2,actions=output:1", "in_port=1,actions=output:2"])
    refused_where_mirrored(bench, FAR_MIRRORS, 5, "br1")


def mirror_is_ended(bench):
    "mirrors: the command of the refusal ends the mirror"
    bench.set_up(Fixed("in_port=2,actions=output:1"))
    bench.vsctl(*mirror_words("br0", "p1", "select_src_port=@vm1", ports=["vm1"]))
    rules = [f"br0;{FROM};65000;{OUT};output:1"]
    try:
        bench.check_mirrors(rules)
    except Refused as refused:
        tap.note(refused.sentence)
        command = re.search(r"\(ovs-vsctl ([^)]*)\)", refused.sentence)
        bench.vsctl(*command[1].split())
    tap.equal(bench.vsctl("list", "mirror"), "", "mirrors left")
    bench.check_mirrors(rules)


def narrowed_or_refused(bench, flows, match, actions, part):
    """Of packets like the first one nothing differs; those of @part must not be in a rule."""
    bench.set_up(Fixed(*flows))
    try:
        bench.prove([f"br0;{FROM};65000;{match};{actions}"], "ct-invalid,mac-learning")
    except Refused as refused:
        tap.note(refused.sentence.split("; see")[0])
        tap.check(bench.differs(refused, actions)[0], "the packet that is named shows it", refused.sentence)
        return
    bench.install()
    for counts in bench.compare(PACKETS, 1, [part]), bench.within(PACKETS, 1, part, match):
        tap.equal(counts["disagreed"], 0, f"packets that disagree: {counts}")


def rewrites_that_do_nothing(bench):
    "a rewrite that leaves the first packet as it is, is none of the rule's: MAC addresses and VLAN priority"
    for last in "NORMAL", "output:1":
        for write in f"mod_dl_dst:{PLAIN_MAC}", f"load:{int(PLAIN_MAC.replace(':', ''), 16):#x}->NXM_OF_ETH_DST[]", \
                f"set_field:{PLAIN_MAC}->eth_dst", f"clone(mod_dl_dst:{PLAIN_MAC},output:3),output:3":
            rule = f"clone(output:3),output:3,{last}" if "clone" in write else last
            narrowed_or_refused(bench, [f"in_port=2,actions={write},{last}"], OUT, rule, "dl_dst=02:00:00:00:00:07")
        for write in "mod_vlan_pcp:0", "set_field:0->vlan_pcp":
            narrowed_or_refused(bench, [f"in_port=2,dl_vlan=100,actions={write},{last}"], TAGGED, last,
                                "dl_vlan=100,dl_vlan_pcp=5")


def back_by_another_port(bench):
    "patch ports that lead back to their own bridge: what flows of that port test is not overlooked"
    there, back = 21, 22
    ports = (("there", "back", there), ("back", "there", back))
    for name, peer, number in ports:
        bench.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=patch",
                    f"options:peer={peer}", f"ofport_request={number}")
    try:
        narrowed_or_refused(bench, [
            f"in_port=2,actions=output:{there}", f"in_port={back},priority=5,actions=output:1",
            f"in_port={back},priority=9,dl_dst=02:00:00:00:00:07,actions=drop",
        ], OUT, "output:1", "dl_dst=02:00:00:00:00:07")
    finally:
        for name, _, _ in ports:
            bench.vsctl("del-port", "br0", name)


def renewed_vlan(bench):
    "a VLAN header that is taken off and put on again loses its priority, though OVS's megaflow does not test it"
    for last in "NORMAL", "output:1":
        narrowed_or_refused(bench, [
            "in_port=2,dl_vlan=100,actions=strip_vlan,push_vlan:0x8100,set_field:4196->vlan_vid," + last],
            TAGGED, last, "dl_vlan=100,dl_vlan_pcp=5")


def out_of_time(bench):
    "a proof that takes longer than it may is none, and no refusal"
    bench.set_up(Fixed("in_port=2,actions=output:1"))
    bench.prove([f"br0;{FROM};65000;{OUT};output:1"], "ct-invalid")
    bench.install()
    bench.again("ct-invalid")
    try:
        bench.again("ct-invalid", within_ms=-1)
    except RuntimeError as error:
        says(str(error), "ETIMEDOUT: Open vSwitch took too long for 0 traces")
    else:
        tap.check(False, "it says that it took too long")


def long_sentence(bench):
    "a refusal names its packet even when there is much to say about its fate"
    ports = ",".join(["output:3", f"output:{P1}"] * 20)
    says(refusal_of(bench, [f"in_port=2,actions={ports},output:1"]), "...; see ovs-appctl ofproto/trace br0 ")


if __name__ == "__main__":
    tap.run([nat, meter, controller, two_ports, learn, mirror_is_the_same, mirrors_on_the_way,
             mirrors_behind_a_patch_port, mirror_is_ended, rewrites_that_do_nothing, back_by_another_port, renewed_vlan, out_of_time,
             long_sentence],
            bench=Bench)
