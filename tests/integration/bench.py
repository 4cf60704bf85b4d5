# SPDX-License-Identifier: Apache-2.0
"""flowlift on a lab: what all integration tests start from."""

import os
import re
import sys

from answer import (  # noqa: F401
    BUILD, FLOWLIFT, PATIENCE, RUN_SECONDS, SANITIZED, SOURCE, Answer, RunsFlowlift,
)

sys.path.insert(0, f"{SOURCE}/tests/bench")
from lab import Lab, LabError  # noqa: E402,F401

import tap  # noqa: E402

CONFIG = "[storage]\nvlans = 100\nsubnets = 10.100.0.0/24\n"
VMS = ("vm1", "vm2", "vm3", "vm4")
PEERS = ("vm1", "vm3", "vm4")
# The storage servers: address and MAC.
SERVERS = {"10.100.0.1": "52:54:00:64:01:01", "10.100.0.2": "52:54:00:64:01:02"}
COOKIE = re.compile(r"cookie=0xf10f[0-9a-f]{12}\b")

class Bench(RunsFlowlift):
    """A lab with flowlift's configuration in it. A context manager; see lab.py for @options."""

    lab_error = LabError

    def __init__(self, config="", window=2, **options):
        self.lab = Lab(**options)
        self.config = f"{CONFIG}[audit]\nwindow = {window}\n{config}"

    def __enter__(self):
        self.lab.up()
        try:
            self.configure(self.config)
            self.prepare()
        except BaseException:
            self.lab.down()
            raise
        return self

    def prepare(self):
        """What a test's own bench has on top, once the lab is up."""

    def __exit__(self, *_):
        self.lab.down()

    # ---- What OVS itself says ----

    def openflow(self):
        """All OpenFlow flows without counters, sorted.

        ovs-ofctl prints them in the order of a hash table that OVS seeds anew whenever it grows or
        shrinks: that order is nobody's to restore.
        """
        return "\n".join(sorted(self.lab.ofctl_dump().splitlines()))

    def our_rules(self):
        """OpenFlow flows with flowlift's cookie, decoys and all, as ovs-ofctl prints them."""
        lines = (line.strip() for line in self.lab.ofctl_dump().splitlines())
        return [line for line in lines if COOKIE.search(line)]

    def megaflows(self, port, *parts):
        """Datapath flows that come in at @port and hold all of @parts, as text."""
        return [
            line
            for line in self.lab.dump_flows().splitlines()
            if f"in_port({port})" in line and all(part in line for part in parts)
        ]

    def strand_with_full_mask(self, name):
        """Strands a VM in a pipeline that leaves OVS no reason to build megaflows anew.

        Its rules test every bit that flowlift's rules test, and ct_state: the masks of the live
        megaflows hold all of these.
        """
        vm = self.lab.vm(name)
        self.lab.set_stranded(name, True, "ct-mask")
        head = "cookie=0x1ab00f3,table=0,priority=120,tcp"
        to_table = f"actions=resubmit(,{10 + vm.number})"
        for server, server_mac in SERVERS.items():
            self.lab.add_flows([
                f"{head},in_port={vm.ofport},dl_src={vm.mac},dl_dst={server_mac},"
                f"nw_src={vm.address},nw_dst={server},tp_dst=2049,{to_table}",
                f"{head},in_port=1,dl_vlan=100,dl_vlan_pcp=0,dl_src={server_mac},dl_dst={vm.mac},"
                f"nw_src={server},nw_dst={vm.address},tp_src=2049,{to_table}",
            ])

    # ---- Traffic ----

    def load_all(self, conns=2, rate=100, **options):
        """A load on every VM, stopped when the lab ends."""
        return {
            vm.name: self.lab.start_load(vm.name, conns=conns, rate=rate, **options)
            for vm in self.lab.vms
        }

STRANDED_VM2 = {"vm1": "offloaded", "vm2": "stranded", "vm3": "offloaded", "vm4": "offloaded"}
ALL_OFFLOADED = dict.fromkeys(VMS, "offloaded")


def field(flow, name):
    """The text of one field of a datapath flow: field("...,ct_state(0x2/0x3),...", "ct_state")."""
    match = re.search(rf"(?<![\w-]){name}\(", flow)
    if not match:
        return None
    depth, start = 1, match.end()
    for i in range(start, len(flow)):
        depth += (flow[i] == "(") - (flow[i] == ")")
        if not depth:
            return flow[start:i]
    return None


def mask_of(flow, name):
    """The mask of a number field; 0 when wild, None when the field is not there."""
    text = field(flow, name)
    if text is None:
        return None
    return int(text.split("/")[1], 0) if "/" in text else -1


def ufid(flow):
    return re.match(r"ufid:([0-9a-f-]{36})", flow)[1]


def match_of(flow):
    """All that a datapath flow matches."""
    return re.split(r",? ?packets:", flow, maxsplit=1)[0]


def actions_of(flow):
    return re.search(r"actions:(\S+?)(?:, dp-extra-info:.*)?$", flow)[1].rstrip(",")


def files_under(folder):
    """Relative paths of all files there."""
    return sorted(
        os.path.relpath(os.path.join(at, name), folder)
        for at, _, names in os.walk(folder)
        for name in names
    )
