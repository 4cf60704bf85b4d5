# SPDX-License-Identifier: Apache-2.0
"""Causes that are made on the DPDK bench, by a real Open vSwitch: explain names each, and no other.

The list of them is TABLE; those of the kernel bench are in tests/kernel/causes.py.
"""

import tap
from bench import ALL_OFFLOADED, Bench
from making_causes import COOKIE, Row, tests_of

FRAGMENTS = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(bytes(4000), ("10.100.0.2", 2049))
    time.sleep(0.005)
"""
UNDERLAY = "br-under"


class CausesBench(Bench):
    seconds = 30

    def __init__(self):
        super().__init__(stranded=[], nfs=False, public=False, other_config={"max-idle": "2000"})
        self.ends = []

    def prepare(self):
        self.load_all(rate=100)
        self.await_verdicts(ALL_OFFLOADED)

    def ofctl(self, command, *words):
        return self.lab.ofctl("-O", "OpenFlow15", command, "br0", *words)

    def sends(self, actions, kind="tcp"):
        """What vm2 sends goes this way."""
        self.lab.add_flows(f"cookie={COOKIE:#x},priority=300,{kind},in_port={self.lab.vm('vm2').ofport},"
                           f"actions={actions}")

    def end(self):
        """Of what a row started."""
        while self.ends:
            self.ends.pop()()


def sends(actions):
    return lambda bench: bench.sends(actions)


def nothing(_):
    """The OpenFlow flows are deleted after every row."""


def end(bench):
    bench.end()


# ---- What is more than one OpenFlow flow ----

def stranded(on):
    return lambda bench: bench.lab.set_stranded("vm2", on)


def sample(bench):
    bench.lab.vsctl("--", "--id=@s", "create", "sflow", "agent=lo", 'target="127.0.0.1:6343"',
                    "sampling=10", "polling=0", "--", "set", "bridge", "br0", "sflow=@s")


def end_sampling(bench):
    bench.lab.vsctl("clear", "bridge", "br0", "sflow")


def spread(bench):
    bench.lab.add_flows(f"cookie={COOKIE:#x},table=5,actions=NORMAL")
    bench.ofctl("add-group", "group_id=7,type=select,selection_method=dp_hash,"
                "bucket=bucket_id:0,actions=resubmit(,5),bucket=bucket_id:1,actions=resubmit(,5)")
    bench.sends("group:7")


def end_spreading(bench):
    bench.ofctl("del-groups")


def look_below_a_label(bench):
    """Below an MPLS label that was taken off only another pass can look."""
    bench.lab.add_flows(f"cookie={COOKIE:#x},table=5,ip,actions=dec_ttl,NORMAL")
    bench.sends("push_mpls:0x8847,pop_mpls:0x0800,resubmit(,5)")


def limit(bench):
    bench.ofctl("add-meter", "meter=1,pktps,bands=type=drop,rate=100000")
    bench.sends("meter:1,NORMAL")


def end_limit(bench):
    bench.ofctl("del-meters")


def stream_to(bench, actions):
    """To where no TCP answers."""
    bench.ends.append(bench.lab.start_stream("vm2", rate=300).stop)
    bench.sends(actions, "udp")


def to_the_host(bench):
    stream_to(bench, "LOCAL")


def to_a_tunnel(bench):
    lab = bench.lab
    lab.vsctl("add-br", UNDERLAY, "--", "set", "bridge", UNDERLAY, "datapath_type=netdev",
              "--", "add-port", "br0", "vxlan0", "--", "set", "interface", "vxlan0", "type=vxlan",
              "options:remote_ip=10.9.0.2", "options:key=5", "ofport_request=90",
              "--", "add-port", UNDERLAY, "up", "--", "set", "interface", "up", "type=patch",
              "options:peer=down", "--", "add-port", "br0", "down", "--", "set", "interface", "down",
              "type=patch", "options:peer=up", "ofport_request=91")
    bench.ends.append(lambda: lab.vsctl("del-port", "br0", "vxlan0", "--", "del-port", "br0", "down", "--",
                                        "del-br", UNDERLAY))
    lab.add_flows(f"cookie={COOKIE:#x},priority=300,in_port=91,actions=1")
    lab.exec("ovs", "ip", "address", "add", "10.9.0.1/24", "dev", UNDERLAY, check=True)
    lab.exec("ovs", "ip", "link", "set", UNDERLAY, "up", check=True)
    lab.appctl("ovs/route/add", "10.9.0.0/24", UNDERLAY)
    bench.ends.append(lambda: lab.appctl("ovs/route/del", "10.9.0.0/24"))
    lab.appctl("tnl/neigh/set", UNDERLAY, "10.9.0.2", "52:54:00:99:00:02")
    stream_to(bench, "90")


def fragment(bench):
    process = bench.lab.popen("vm2", "python3", "-c", FRAGMENTS)
    bench.ends += [process.wait, process.kill]


def only_mark(bench):
    bench.lab.fault("partial-only", "on")
    bench.sends("mod_nw_ttl:17,NORMAL")


def end_faults(bench):
    bench.lab.fault("all", "off")


def offload(on):
    def restart(bench):
        bench.lab.restart_vswitchd(hw_offload=on)
    return restart


def ask_for_a_port(bench):
    """The NIC does not take the match on the port, and the flow lives on when nobody asks for it any more."""
    bench.lab.fault("refuse-match", "tcp-dst", "on")
    bench.lab.add_flows(f"cookie={COOKIE:#x},priority=300,tcp,in_port={bench.lab.vm('vm2').ofport},tp_dst=7,"
                        "actions=drop")
    bench.await_verdicts({"vm2": "stranded"}, bench.seconds)
    bench.ofctl("del-flows", f"cookie={COOKIE:#x}/-1")


def plug_in_again(bench):
    """So that its flows are made anew."""
    bench.lab.fault("all", "off")
    bench.lab.job("load-vm2").stop()
    bench.lab.stop_vm("vm2")
    bench.lab.start_vm("vm2")
    bench.lab.start_load("vm2", rate=100)


TABLE = [
    Row("userspace-action", "an OpenFlow action controller", sends("controller,NORMAL"), nothing,
        ["userspace(", f"rule_cookie={COOKIE:#x}"]),
    Row("conntrack", "an ACL that is stateful", stranded(True), stranded(False),
        ["ct(zone=2),recirc("]),
    Row("conntrack-helper", "ct(alg=ftp)", sends("ct(commit,alg=ftp,zone=9),NORMAL"), nothing,
        ["ct(commit,zone=9,helper=ftp)"], ["conntrack"]),
    Row("sampling", "sFlow on the bridge", sample, end_sampling, ["sFlow("]),
    Row("dp-hash", "a select group with dp_hash", spread, end_spreading, ["hash("],
        ["recirculation"]),
    Row("recirculation", "an action below an MPLS label that was taken off", look_below_a_label, nothing,
        ["recirc("]),
    Row("meter", "a meter", limit, end_limit, ["meter("]),
    Row("action-unsupported", "a new TOS, which is not offered to rte_flow",
        sends("mod_nw_tos:32,NORMAL"), nothing, ["set(ipv4(tos=0x20"]),
    Row("partial-offload", "a NIC that only marks", only_mark, end_faults, ["offloaded:partial"]),
    Row("internal-port", "storage on the host itself", to_the_host, end, ["out through br0 (type internal)"]),
    Row("tunnel", "storage behind VXLAN", to_a_tunnel, end, ["tnl_push("]),
    Row("fragments", "datagrams that are longer than the MTU", fragment, end, ["matches frag=later"]),
    Row("stale-megaflow", "a match on a port that nothing asks for any more", ask_for_a_port, plug_in_again,
        ["packets from the VM are matched on ", "tp_dst, which the pipeline does not ask for now"],
        ["match-unsupported", "refused"]),
    Row("hw-offload-off", "other_config:hw-offload=false", offload(False), offload(True),
        ['other_config:hw-offload is "false"']),
]

if __name__ == "__main__":
    tap.run(tests_of(TABLE), CausesBench)
