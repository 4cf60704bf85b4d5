# SPDX-License-Identifier: Apache-2.0
"""lib/ovs/ against a real ovs-vswitchd: OpenFlow, traces and dumps."""

import re

import tap
from edges_bench import COOKIE, FROM_SERVER, PACKET, TO_SERVER, Bench, refused
from private_ovs import wait_until


# OpenFlow


def replace_is_idempotent(bench):
    "OpenFlow: replace twice is replace once, and keeps counters"
    rules = bench.rules(TO_SERVER, FROM_SERVER)
    bench.done("replace", "br0", COOKIE, rules)
    tap.equal(bench.done("presence", "br0", COOKIE, rules), "present 2 foreign 0 packets 0\n", "state")
    bench.appctl(
        "netdev-dummy/receive", "vm1",
        "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
        "ipv4(src=10.1.0.5,dst=10.1.0.9,proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=2049)",
    )
    seen = lambda: bench.done("presence", "br0", COOKIE, rules)  # noqa: E731
    wait_until(lambda: "packets 1" in seen(), "the packet to be counted")
    before = bench.flows()
    bench.done("replace", "br0", COOKIE, rules)
    tap.equal(seen(), "present 2 foreign 0 packets 1\n", "after the second time")
    tap.equal(bench.flows(), before, "flows")
    # One rule goes: the other one's counters stay.
    fewer = bench.rules(TO_SERVER)
    bench.done("replace", "br0", COOKIE, fewer)
    tap.equal(bench.done("presence", "br0", COOKIE, fewer), "present 1 foreign 0 packets 1\n", "fewer")
    bench.done("replace", "br0", COOKIE, bench.rules())


def bundle_is_all_or_nothing(bench):
    "OpenFlow: one bad rule and nothing is installed, nor anything deleted"
    before = bench.flows()
    bad = FROM_SERVER.replace("output:2", "group:77")
    answer = bench.edges("replace", "br0", COOKIE, bench.rules(TO_SERVER, bad))
    refused(answer, "EINVAL", "bridge br0 refused a rule: OFPBAC_BAD_OUT_GROUP")
    tap.equal(bench.flows(), before, "flows")
    bench.done("replace", "br0", COOKIE, bench.rules(TO_SERVER))
    installed = bench.flows()
    refused(bench.edges("replace", "br0", COOKIE, bench.rules(bad)), "EINVAL", "BAD_OUT_GROUP")
    tap.equal(bench.flows(), installed, "flows")
    bench.done("replace", "br0", COOKIE, bench.rules())
    tap.equal(bench.flows(), before, "flows")


def changed_rule_is_replaced(bench):
    "OpenFlow: other actions, and a flow with our cookie that is no rule, are put right"
    rules = bench.rules(TO_SERVER, FROM_SERVER)
    before = bench.flows()
    bench.done("replace", "br0", COOKIE, rules)
    wanted = bench.flows()
    bench.ofctl("--strict", "mod-flows", "br0",
                "priority=65000,tcp,in_port=1,dl_vlan=100,tp_src=2049,actions=drop")
    bench.ofctl("add-flow", "br0", f"table=9,cookie={COOKIE},priority=3,actions=drop")
    tap.equal(bench.done("presence", "br0", COOKIE, rules), "present 1 foreign 2 packets 0\n", "state")
    bench.done("replace", "br0", COOKIE, rules)
    tap.equal(bench.flows(), wanted, "flows")
    tap.equal(bench.done("delete", "br0", COOKIE, "0xffffffffffffffff"), "deleted 2\n", "delete")
    tap.equal(bench.flows(), before, "flows")


def foreign_flows_are_safe(bench):
    "OpenFlow: a foreign flow is neither overwritten nor deleted"
    bench.ofctl("add-flow", "br0",
                "cookie=0x5,priority=65000,tcp,in_port=1,dl_vlan=100,tp_src=2049,actions=drop")
    before = bench.flows()
    answer = bench.edges("replace", "br0", COOKIE, bench.rules(TO_SERVER, FROM_SERVER))
    refused(answer, "EEXIST", "already (cookie 0x5)", "tp_src=2049")
    for cookie, mask in ("0", "-1"), ("0xf10f000000000000", "0xff0f000000000000"), ("0x5", "-1"):
        refused(bench.edges("delete", "br0", cookie, mask), "EINVAL", "only flows with its own cookie")
    refused(bench.edges("replace", "br0", "0x5", bench.rules()), "EINVAL", "its own cookie")
    tap.equal(bench.flows(), before, "flows")
    bench.ofctl("del-flows", "br0", "cookie=0x5/-1")


def bridge_is_named(bench):
    "OpenFlow: an unknown bridge, a name that is none, a bridge without OpenFlow 1.4"
    refused(bench.edges("flows", "nobr"), "ENOENT", "bridge nobr", "is there such a bridge")
    refused(bench.edges("flows", "../br0"), "EINVAL", "no name of a bridge")
    bench.vsctl("set", "bridge", "br0", "protocols=OpenFlow10")
    try:
        refused(bench.edges("flows", "br0"), "EPROTO", "OpenFlow 1.4",
                "ovs-vsctl add bridge br0 protocols OpenFlow14")
    finally:
        bench.vsctl("clear", "bridge", "br0", "protocols")


def slow_to_greet(bench):
    "OpenFlow: OVS hangs up when our hello comes after more than a second; it is asked again"
    wanted = bench.done("flows", "br0")
    for when, exit_code in ("1", 0), ("1+", 1):
        answer = bench.edges("flows", "br0", prefix=(
            "env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-qq", "-o", "/dev/null",
            "--trace=connect", f"--inject=connect:delay_exit=2000000:when={when}"))
        tap.equal(answer.code, exit_code, f"exit code, connect {when} delayed")
        tap.equal(answer.out, wanted if exit_code == 0 else "", "flows")
        tap.check(answer.seconds > 2, "it was delayed", answer.seconds)


def free_register_bit_is_free(bench):
    "OpenFlow: a register bit that no match, action, learn() or bucket uses"
    tap.equal(bench.done("regbit", "br0"), "reg15 0x80000000\n", "empty")
    steps = [
        ("priority=1,reg15=0x80000000/0xc0000000,actions=drop", "reg15 0x20000000"),
        ("priority=2,actions=set_field:0x20000000/0x20000000->reg15", "reg15 0x10000000"),
        ("priority=3,actions=load:1->NXM_NX_REG15[28]", "reg15 0x8000000"),
        ("priority=4,actions=move:NXM_NX_REG15[27]->NXM_NX_REG0[0]", "reg15 0x4000000"),
        ("priority=5,actions=push:NXM_NX_REG15[26],pop:NXM_NX_REG15[25]", "reg15 0x1000000"),
        ("priority=6,ip,actions=ct(commit,exec(set_field:1->ct_mark),zone=NXM_NX_REG15[9..24])",
         "reg15 0x100"),
        ("priority=7,actions=learn(table=9,NXM_NX_REG15[8]=1,load:1->NXM_NX_REG15[7])", "reg15 0x40"),
        ("priority=8,actions=write_actions(set_field:0x40/0x40->reg15)", "reg15 0x20"),
        ("priority=9,actions=clone(load:1->NXM_NX_REG15[5])", "reg15 0x10"),
        ("priority=10,xreg7=0x10/0x10,actions=drop", "reg15 0x8"),
        ("priority=11,actions=set_field:0x8/0x8->xxreg3", "reg15 0x4"),
        ("priority=12,actions=output:NXM_NX_REG15[2]", "reg14 0x80000000"),
    ]
    for flow, wanted in steps:
        bench.ofctl("add-flow", "br0", f"table=20,cookie=0x7,{flow}")
        tap.equal(bench.done("regbit", "br0"), f"{wanted}\n", flow)
    bench.ofctl("add-group", "br0",
                "group_id=5,type=all,bucket=load:1->NXM_NX_REG14[31],output:1")
    tap.equal(bench.done("regbit", "br0"), "reg14 0x40000000\n", "a group's bucket")
    bench.ofctl("del-groups", "br0")
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")


def fingerprint_is_of_what_others_have(bench):
    "OpenFlow: the fingerprint changes with flows and groups, not with their order, counters or ours"
    reading = lambda: bench.done("reading", "br0")  # noqa: E731
    flows = [f"table=20,cookie=0x7,priority={n},tcp,tp_dst={n},actions=output:1" for n in (1, 2, 3)]
    empty = reading()
    for flow in flows:
        bench.ofctl("add-flow", "br0", flow)
    full = reading()
    tap.check(full != empty, "flows change it", full)
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")
    tap.equal(reading(), empty, "without them")
    for flow in reversed(flows):
        bench.ofctl("add-flow", "br0", flow)
    tap.equal(reading(), full, "in another order")
    bench.done("replace", "br0", COOKIE, bench.rules(TO_SERVER))
    tap.equal(reading(), full, "with a rule of ours")
    bench.done("replace", "br0", COOKIE, bench.rules())
    bench.ofctl("add-group", "br0", "group_id=5,type=all,bucket=output:1")
    tap.check(reading() != full, "a group changes it", full)
    bench.ofctl("del-groups", "br0")
    tap.equal(reading(), full, "without it")
    bench.ofctl("--strict", "mod-flows", "br0", flows[0].replace("output:1", "drop"))
    tap.check(reading() != full, "an action changes it", full)
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")


def tests_are_of_the_port(bench):
    "OpenFlow: tests of flows for another port do not count, unless packets may change their port"
    def tests():
        lines = [line.split(": ") for line in bench.done("reading", "br0", "tests").splitlines()]
        return {of: sorted(int(test[-1]) for by, test in lines if by == of) for of in ("1", "2", "any")}

    tap.equal(tests(), {"1": [], "2": [], "any": []}, "no flow tests dl_src")
    for n, match in enumerate(("in_port=1,", "in_port=2,", "in_port=3,", "", "in_port=1,tcp,")):
        source = f"dl_src=50:54:00:00:00:0{n if n < 4 else 0}"
        bench.ofctl("add-flow", "br0", f"table=20,cookie=0x7,{match}{source},actions=drop")
    bench.ofctl("add-flow", "br0", "table=20,cookie=0xf10f000000000009,dl_src=50:54:00:00:00:09,"
                "actions=drop")
    tap.equal(tests(), {"1": [0, 3], "2": [1, 3], "any": [0, 1, 2, 3]}, "by port")
    for action in ("resubmit(3,22)", "set_field:3->in_port"):
        bench.ofctl("add-flow", "br0", f"table=21,cookie=0x7,actions={action}")
        tap.equal(tests(), dict.fromkeys(("1", "2", "any"), [0, 1, 2, 3]), action)
    bench.ofctl("del-flows", "br0", "table=20")
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")


def full_registers_are_said(bench):
    "OpenFlow: with every bit of every register in use there is none"
    fields = ",".join(f"reg{n}=1" for n in range(16))
    bench.ofctl("add-flow", "br0", f"table=20,cookie=0x7,{fields},actions=drop")
    refused(bench.edges("regbit", "br0"), "ENOSPC", "every bit of every register")
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")


def written_bit_guards_when_no_packet_comes_back(bench):
    "OpenFlow: a bit that is only written does, unless a packet may come back to table 0 with it"
    fields = ",".join(f"reg{n}=1" for n in range(15))
    bench.ofctl("add-flow", "br0", f"table=20,cookie=0x7,{fields},reg15=0/0x7fffffff,actions=drop")
    bench.ofctl("add-flow", "br0", "table=21,cookie=0x7,actions=set_field:5->reg15,resubmit(,22)")
    tap.equal(bench.done("regbit", "br0"), "reg15 0x80000000\n", "written, never read")
    bench.ofctl("add-flow", "br0", "table=22,cookie=0x7,actions=resubmit(,0)")
    refused(bench.edges("regbit", "br0"), "ENOSPC", "every bit of every register")
    bench.ofctl("del-flows", "br0", "cookie=0x7/-1")


# Traces


def trace_goes_past_guarded_rules(bench):
    "trace: with the guard bit set, a packet misses flowlift's rules and takes the pipeline"
    guarded = TO_SERVER.replace("tcp,", "tcp,reg15=0/0x80000000,", 1)
    bench.done("replace", "br0", COOKIE, bench.rules(guarded.replace("output:1", "output:65534")))
    traced = lambda packet: bench.done("trace", "br0", packet, "-", "trk,est").splitlines()  # noqa: E731
    tap.equal(traced(PACKET)[1], "fate push_vlan(vid=100,pcp=0) -> br0", "our rule")
    past = traced(f"{PACKET},reg15=0x80000000")
    tap.equal(past[:2], ["steps 2", "fate push_vlan(vid=100,pcp=0) -> p0"], "the pipeline")
    bench.done("replace", "br0", COOKIE, bench.rules())


def trace_of_actions(bench):
    "trace: a rule's actions before the rule exists; none are not mistaken for the pipeline"
    out = bench.done("trace", "br0", PACKET, "mod_vlan_vid:7,output:1")
    tap.equal(out.splitlines()[1], "fate push_vlan(vid=7,pcp=0) -> p0", "its fate")
    refused(bench.edges("trace", "br0", PACKET, "drop"), "EINVAL", "no action in it")
    refused(bench.edges("trace", "br0", PACKET, "explode"), "EINVAL", "no OpenFlow actions")
    refused(bench.edges("trace", "br0", "nonsense=1", "-"), "EREMOTEIO", "ofproto/trace br0 nonsense")
    refused(bench.edges("trace", "br0", "--names", "-"), "EINVAL", "no packet")


# Dumps


def dump_is_whole(bench):
    "dump: the same flows as ovs-appctl's, with many read one PMD at a time"
    bench.vsctl(
        "set", "Open_vSwitch", ".", "other_config:pmd-cpu-mask=3", "other_config:max-idle=3600000",
        "--", "add-port", "br0", "pmd1", "--", "set", "interface", "pmd1", "type=dummy-pmd",
        "--", "add-port", "br0", "pmd2", "--", "set", "interface", "pmd2", "type=dummy-pmd",
    )
    bench.ofctl("add-flow", "br0", "priority=65535,in_port=pmd1,actions=drop")
    port = re.search(r"port (\d+): pmd1 ", bench.appctl("dpctl/show")).group(1)
    flow = (
        "recirc_id(0),in_port({port}),packet_type(ns=0,id=0),eth(src=52:54:00:00:00:01,"
        "dst=52:54:00:ff:ff:01),eth_type(0x0800),ipv4(src=10.1.0.1,dst=10.2.0.9,proto=6,tos=0/0x3,"
        "ttl=64,frag=no),tcp(src={source},dst=2049) drop\n"
    )
    text = "".join(flow.format(port=port, source=1024 + i) for i in range(2500))
    bench.appctl("dpctl/add-flows", "dummy@ovs-dummy", bench.write("flows", text))
    wanted = by_thread(bench.appctl("dpctl/dump-flows", "-m"))
    got = by_thread(bench.done("dump", timeout_ms=20000))
    tap.note({thread: len(flows) for thread, flows in got.items()})
    tap.check(len(got) >= 3, "more than one PMD and the main thread", sorted(got))
    tap.equal({thread: len(flows) for thread, flows in got.items()},
              {thread: len(flows) for thread, flows in wanted.items()}, "flows by thread")
    tap.check(got == wanted, "the same flows")
    bench.vsctl("del-port", "pmd1", "--", "del-port", "pmd2")


def by_thread(text):
    """Heading of a dump to its flows, without what changes by itself."""
    threads, here = {}, None
    for line in text.splitlines():
        if line.startswith("flow-dump from"):
            here = threads.setdefault(line, set())
        elif line:
            here.add(re.sub(r"(packets|bytes|used):[^,]*", "", line))
    return threads


def connections_are_read(bench):
    "dump: connections of one zone, and no more than asked for"
    for source in (1001, 1002, 1003):
        bench.appctl(
            "netdev-dummy/receive", "vm1",
            "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
            "ipv4(src=10.1.0.5,dst=10.1.0.9,proto=6,tos=0,ttl=64,frag=no),"
            f"tcp(src={source},dst=2049),tcp_flags(syn)",
        )
    count = lambda: bench.done("connections", "5", "100").splitlines()  # noqa: E731
    wait_until(lambda: len(count()) == 4, "three connections")
    tap.equal(
        count(), ["3 connections"] + 3 * ["proto 6 port 2049 established 0 nat 0"], "connections"
    )
    answer = bench.edges("connections", "5", "2")
    tap.check(answer.err.startswith("E2BIG") and answer.out.startswith("2 conn"), "at most two", answer.err)
    tap.equal(bench.done("connections", "6", "100"), "0 connections\n", "another zone")


if __name__ == "__main__":
    tap.run(
        [
            replace_is_idempotent,
            bundle_is_all_or_nothing,
            changed_rule_is_replaced,
            foreign_flows_are_safe,
            bridge_is_named,
            slow_to_greet,
            free_register_bit_is_free,
        fingerprint_is_of_what_others_have,
        tests_are_of_the_port,
            full_registers_are_said,
            written_bit_guards_when_no_packet_comes_back,
            trace_goes_past_guarded_rules,
            trace_of_actions,
            connections_are_read,
            dump_is_whole,
        ],
        bench=Bench,
    )
