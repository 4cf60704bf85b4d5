# SPDX-License-Identifier: Apache-2.0
"""What a rule cannot do in a pipeline's place: the plan is refused, and each refusal says why."""

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


def mirror(bench):
    "a mirror on the VM's port: OVS mirrors the rule's packets too, so that nothing differs"
    bench.set_up(Fixed("in_port=2,actions=output:1", f"in_port=1,dl_dst={VM_MAC},actions=output:2"))
    bench.vsctl("--", "--id=@vm", "get", "port", "vm1", "--", "--id=@to", "get", "port", "p1",
                "--", "--id=@m", "create", "mirror", "name=m", "select_src_port=@vm", "select_dst_port=@vm",
                "output-port=@to", "--", "set", "bridge", "br0", "mirrors=@m")
    back = OUT.replace("in_port=2", "in_port=1").replace("dl_src", "dl_dst").replace("tp_dst", "tp_src")
    back = back.replace("nw_dst=10.2", "nw_SRC=10.2").replace("nw_src", "nw_dst").replace("nw_SRC", "nw_src")
    try:
        rules = [f"br0;{FROM};65000;{OUT};output:1", f"br0;{TO};65000;{back};output:2"]
        plan = bench.prove(rules, "-")
        tap.equal((plan["exceptions"], plan["relaxations"]), ([], []), "exceptions, relaxations")
        bench.install()
        counts = bench.compare(PACKETS, 1)
        tap.equal(counts["disagreed"], 0, f"packets that disagree: {counts}")
        ends = {"p0": f"in_port=2,dl_src={VM_MAC},nw_src={VM_IP},nw_dst=10.2.0.9,tp_dst=2049",
                "vm1": f"in_port=1,dl_dst={VM_MAC},nw_dst={VM_IP},nw_src=10.2.0.9,tp_src=2049"}
        for end, packet in ends.items():
            text = bench.appctl("ofproto/trace", "br0", "--names", f"tcp,{packet}")
            tap.check("priority 65000" in text, "the rule is hit", text)
            outputs = text.splitlines()[-1].removeprefix("Datapath actions: ").split(",")
            tap.equal(sorted(outputs), sorted([end, "p1"]), "by the rule, the packet goes on and is mirrored")
    finally:
        bench.vsctl("clear", "bridge", "br0", "mirrors")


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


def renewed_vlan(bench):
    "a VLAN header that is taken off and put on again loses its priority, though OVS's megaflow does not test it"
    for last in "NORMAL", "output:1":
        narrowed_or_refused(bench, [
            "in_port=2,dl_vlan=100,actions=strip_vlan,push_vlan:0x8100,set_field:4196->vlan_vid," + last],
            TAGGED, last, "dl_vlan=100,dl_vlan_pcp=5")


def long_sentence(bench):
    "a refusal names its packet even when there is much to say about its fate"
    ports = ",".join(["output:3", f"output:{P1}"] * 20)
    says(refusal_of(bench, [f"in_port=2,actions={ports},output:1"]), "...; see ovs-appctl ofproto/trace br0 ")


if __name__ == "__main__":
    tap.run([nat, meter, controller, two_ports, learn, mirror, rewrites_that_do_nothing, renewed_vlan, long_sentence],
            bench=Bench)
