# SPDX-License-Identifier: Apache-2.0
"""An OVS of one's own with two bridges, and the program prover (prover.c) on it."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../integration")
import tap  # noqa: E402,F401
from private_ovs import PATIENCE, PrivateOvs  # noqa: E402

PROVER = f"{os.environ.get('FLOWLIFT_BUILD') or 'build'}/tests/prover"
COUNTER_EXAMPLE = re.compile(r"see ovs-appctl ofproto/trace (\S+) '([^']+)'")
GUARD = re.compile(r",reg\d+=0x[0-9a-f]+$")

# What a refusal is for, by its words.
REASONS = {
    r"\(ct-[a-z-]+\); \[policy\]": "relaxation of conntrack not allowed",
    r"\(mac-learning\); \[policy\]": "mac-learning not allowed",
    r"\(sampling\); \[policy\]": "sampling not allowed",
    r"\(traces\)": "too many traces", r"\(regions\)": "too many regions",
    r"changes of the rule": "too many changes",
    r"marks or labels": "ct_mark", r"NAT": "nat", r"controller gets": "controller", r"a meter polices": "meter",
    r"learns flows": "learn", r"goes through userspace": "userspace", r"a hash chooses": "hash",
    r"looked up in conntrack": "conntrack looked up too often",
    r"does not say for which packets": "region not told",
    r"OVS does \"": "other fate",
    r"Recursion too deep": "the pipeline runs in circles",
    r"recirculation that was not followed": "a recirculation is not followed",
}


class Refused(Exception):
    """The prover's sentence."""

    def __init__(self, sentence):
        super().__init__(sentence)
        self.sentence = sentence
        self.reason = next((words for pattern, words in REASONS.items() if re.search(pattern, sentence)), sentence)

    def counter_example(self):
        """(bridge, packet past the rules, the packet itself), or None."""
        found = COUNTER_EXAMPLE.search(self.sentence)
        return (found[1], found[2], GUARD.sub("", found[2])) if found else None


class Bench(PrivateOvs):
    def __enter__(self):
        super().__enter__()
        dummy = lambda name, number: [  # noqa: E731
            "--", "set", "interface", name, "type=dummy", f"ofport_request={number}"]
        for bridge, mac in ("br0", "50:54:00:00:01:00"), ("br1", "50:54:00:00:02:00"):
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=dummy", "fail-mode=secure",
                       f"other-config:hwaddr={mac}")
        self.vsctl(*(word for name, number in (("p0", 1), ("vm1", 2), ("vm2", 3), ("p1", 4))
                     for word in ("--", "add-port", "br0", name, *dummy(name, number))),
                   "--", "add-port", "br0", "to-br1", "--", "set", "interface", "to-br1", "type=patch",
                   "options:peer=to-br0", "ofport_request=5",
                   "--", "add-port", "br1", "to-br0", "--", "set", "interface", "to-br0", "type=patch",
                   "options:peer=to-br1", "ofport_request=2",
                   "--", "add-port", "br1", "u1", *dummy("u1", 1))
        self.appctl("netdev-dummy/set-admin-state", "up")  # or no group has a live bucket
        self.ofctl("add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1000")
        return self

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def add_flows(self, bridge, lines):
        self.ofctl("add-flows", bridge, self.write("flows", "".join(f"{line}\n" for line in lines)))

    def set_up(self, pipeline):
        """Nothing but this pipeline is in the bridges."""
        for bridge in "br0", "br1":
            self.ofctl("del-flows", bridge)
            self.appctl("fdb/flush", bridge)
        self.ofctl("del-groups", "br0")
        tag = ["set", "port", "vm1", f"tag={pipeline.tag}"] if pipeline.tag else ["clear", "port", "vm1", "tag"]
        self.vsctl(*tag)
        for group in pipeline.groups:
            self.ofctl("add-group", "br0", group)
        for bridge, flows in pipeline.flows.items():
            self.add_flows(bridge, flows)
        for bridge, port, vlan, address in pipeline.addresses():
            self.appctl("fdb/add", bridge, port, str(vlan), address)

    def prover(self, *words):
        done = subprocess.run([PROVER, *words], env=self.env, capture_output=True, text=True,
                              timeout=3600 * PATIENCE)
        # EPROTO: OVS's answer tells too little, as of a group that chooses by dp_hash.
        if done.returncode == 1 and done.stderr.startswith(("EPERM: ", "EPROTO: ")):
            raise Refused(done.stderr.strip())
        if done.returncode:
            raise RuntimeError(f"prover {' '.join(words)}: {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def prove(self, rules, relaxations):
        """The proven set, as JSON that is also in the file "set"; raises Refused."""
        text = self.prover("prove", self.write("rules", "".join(f"{rule}\n" for rule in rules)), relaxations)
        self.write("set", text)
        return json.loads(text)

    def check_mirrors(self, rules):
        """Raises Refused when a mirror copies packets of these rules."""
        self.prover("mirror", self.write("rules", "".join(f"{rule}\n" for rule in rules)))

    def install(self):
        self.add_flows("br0", self.prover("flows", self.path("set"), "br0").splitlines())

    def again(self, relaxations, within_ms=0):
        """Proves the installed set once more."""
        return json.loads(self.prover("again", self.path("set"), relaxations, str(within_ms)))

    def compare(self, n_packets, seed, hints=()):
        path = self.write("hints", "".join(f"{hint}\n" for hint in hints))
        return json.loads(self.prover("compare", self.path("set"), str(n_packets), str(seed), path))

    def within(self, n_packets, seed, *regions):
        return json.loads(self.prover("within", self.path("set"), str(n_packets), str(seed), *regions))

    def differs(self, refused, actions):
        """Does the counter-example of a refusal show what it says?"""
        bridge, guarded, plain = refused.counter_example()
        text = self.prover("differ", bridge, plain, guarded, actions)
        return text.splitlines()[-1] == "differs", text
