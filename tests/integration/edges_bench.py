# SPDX-License-Identifier: Apache-2.0
"""The program edges (edges.c) on a private OVS: what the tests of lib/ovs/ start from."""

import os
import subprocess
import time

import tap
from private_ovs import PATIENCE, PrivateOvs

BUILD = os.environ.get("FLOWLIFT_BUILD") or "build"
EDGES = f"{BUILD}/tests/edges"
COOKIE = "0xf10f000000000002"
MiB = 1024 * 1024

TO_SERVER = "65000;tcp,in_port=2,vlan_tci=0x0000/0x1fff,tp_dst=2049;mod_vlan_vid:100,output:1"
FROM_SERVER = "65000;tcp,in_port=1,dl_vlan=100,tp_src=2049;strip_vlan,output:2"
PACKET = (
    "in_port=2,tcp,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02,nw_src=10.1.0.5,"
    "nw_dst=10.1.0.9,nw_ttl=64,tcp_src=1000,tcp_dst=2049"
)
PIPELINE = """\
table=0,priority=100,ip,in_port=2,ct_state=-trk,actions=ct(table=1,zone=5)
table=0,priority=100,ip,in_port=1,dl_vlan=100,ct_state=-trk,actions=strip_vlan,ct(table=1,zone=5)
table=0,priority=10,arp,actions=NORMAL
table=1,priority=100,ct_state=+trk+est,ip,in_port=2,actions=mod_vlan_vid:100,output:1
table=1,priority=100,ct_state=+trk+est,ip,in_port=1,actions=output:2
table=1,priority=90,ct_state=+trk+new,ip,in_port=2,actions=ct(commit,zone=5),mod_vlan_vid:100,output:1
"""


class Answer:
    def __init__(self, done, seconds):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.strip()
        self.seconds = seconds


class Bench(PrivateOvs):
    """br0 with an uplink p0 (port 1), a VM's port vm1 (2) and a stateful pipeline."""

    def __enter__(self):
        super().__enter__()
        self.vsctl(
            "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
            "--", "add-port", "br0", "p0", "--", "set", "interface", "p0", "type=dummy",
            "ofport_request=1",
            "--", "add-port", "br0", "vm1", "tag=100", "--", "set", "interface", "vm1", "type=dummy",
            "ofport_request=2", "external_ids:vm-id=vm-one",
        )
        self.write("pipeline", PIPELINE)
        self.ofctl("add-flows", "br0", self.path("pipeline"))
        return self

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def rules(self, *rules):
        return self.write("rules", "".join(f"{rule}\n" for rule in rules))

    def edges(self, *words, timeout_ms=5000, rundir=None, prefix=(), program=EDGES):
        env = dict(self.env, EDGES_TIMEOUT_MS=str(timeout_ms * PATIENCE))
        if rundir:
            env["OVS_RUNDIR"] = rundir
        started = time.monotonic()
        done = subprocess.run(
            [*prefix, program, *words], env=env, capture_output=True, text=True, timeout=60 * PATIENCE
        )
        return Answer(done, time.monotonic() - started)

    def done(self, *words, **options):
        answer = self.edges(*words, **options)
        tap.equal((answer.code, answer.err), (0, ""), f"edges {' '.join(words)}")
        return answer.out


def refused(answer, errno_name, *sentence):
    """One line on standard error that starts with the errno and has all of @sentence."""
    tap.equal(answer.code, 1, "exit code")
    tap.check(answer.err.startswith(f"{errno_name}: "), f"it is {errno_name}", answer.err)
    tap.equal(len(answer.err.splitlines()), 1, "lines on standard error")
    for part in sentence:
        tap.check(part in answer.err, f"the sentence says {part!r}", answer.err)
