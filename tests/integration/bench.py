# SPDX-License-Identifier: Apache-2.0
"""flowlift on a lab: what all integration tests start from."""

import json
import os
import re
import subprocess
import sys

SOURCE = os.environ.get("FLOWLIFT_SOURCE") or os.path.abspath(f"{__file__}/../../..")
BUILD = os.environ.get("FLOWLIFT_BUILD") or f"{SOURCE}/build"
FLOWLIFT = os.environ.get("FLOWLIFT") or f"{BUILD}/cli/flowlift"
# A sanitizer makes everything slower; events are waited for that much longer.
SANITIZED = os.environ.get("FLOWLIFT_SANITIZE", "none") != "none"
PATIENCE = 4 if SANITIZED else 1

sys.path.insert(0, f"{SOURCE}/tests/bench")
from lab import Lab, LabError  # noqa: E402,F401

import tap  # noqa: E402

CONFIG = "[storage]\nvlans = 100\nsubnets = 10.100.0.0/24\n"
VMS = ("vm1", "vm2", "vm3", "vm4")
PEERS = ("vm1", "vm3", "vm4")
# The storage servers: address and MAC.
SERVERS = {"10.100.0.1": "52:54:00:64:01:01", "10.100.0.2": "52:54:00:64:01:02"}
COOKIE = re.compile(r"cookie=0xf10f[0-9a-f]{12}\b")
# Deadline of one run of flowlift; nothing it does may take longer.
RUN_SECONDS = 60 * PATIENCE


class Answer:
    """What one run of flowlift gave."""

    def __init__(self, words, code, out, err):
        self.words = words
        self.code = code
        self.out = out
        self.err = err

    def __str__(self):
        return (
            f"$ flowlift {' '.join(self.words)}\nexit code {self.code}\n"
            f"stdout: {self.out.rstrip()}\nstderr: {self.err.rstrip()}"
        )

    @property
    def json(self):
        try:
            document = json.loads(self.out)
        except ValueError:
            raise tap.Failure(f"not so: stdout is one JSON object\n{self}") from None
        tap.equal(document.get("schema"), f"flowlift/{self.words[0]}/1", "schema")
        return document

    def expect(self, code, promise="exit code"):
        if self.code != code:
            raise tap.Failure(f"{promise}: expected {code}, is {self.code}\n{self}")
        return self

    def expect_sentence(self, *parts):
        """One line on standard error that holds all of @parts, and nothing on standard output."""
        lines = self.err.splitlines()
        tap.check(
            len(lines) == 1 and lines[0].startswith("flowlift: ") and not self.out,
            "one sentence on stderr, nothing on stdout",
            str(self),
        )
        for part in parts:
            tap.check(part in lines[0], f"the sentence says '{part}'", str(self))
        return self


class Bench:
    """A lab with flowlift's configuration in it. A context manager; see lab.py for @options."""

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

    def configure(self, text):
        folder = f"{self.lab.root}/etc/flowlift"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/flowlift.conf", "w", encoding="utf-8") as file:
            file.write(text)

    # ---- flowlift ----

    def command(self, *words, program=FLOWLIFT):
        return [program, *map(str, words), "--root", self.lab.root]

    def environment(self, **changes):
        return {**self.lab.env, "NO_COLOR": "1", **changes}

    def flowlift(self, *words, prefix=(), program=FLOWLIFT, env=None, timeout=RUN_SECONDS):
        """Runs flowlift to its end; @prefix: words before it, such as strace's."""
        result = subprocess.run(
            [*map(str, prefix), *self.command(*words, program=program)],
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Answer(tuple(map(str, words)), result.returncode, result.stdout, result.stderr)

    def start(self, *words):
        """Starts flowlift; finish() gives its Answer."""
        return subprocess.Popen(
            self.command(*words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def finish(process, timeout=RUN_SECONDS):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Answer(tuple(process.args[1:]), process.returncode, out, err)

    def audit(self, *words):
        """({VM name: its entry}, the Answer)"""
        answer = self.flowlift("audit", "--json", *words)
        return {vm["name"]: vm for vm in answer.json["vms"]}, answer

    def verdicts(self, *words):
        vms, _ = self.audit(*words)
        return {name: vm["verdict"] for name, vm in vms.items()}

    def status(self, name="vm2"):
        """The entry of one VM in `flowlift status`, or None. Exit 1 goes with a note, 0 without."""
        answer = self.flowlift("status", "--json")
        document = answer.json
        odd = any(entry["note"] for entry in document["remedies"])
        tap.equal((document["incomplete"], answer.code), (None, int(odd)), "incomplete, exit code")
        entries = [entry for entry in document["remedies"] if entry["vm"] == name]
        tap.check(len(entries) <= 1, f"{name} is in status at most once", document)
        return entries[0] if entries else None

    def apply(self, *words, name="vm2"):
        return self.flowlift("apply", name, *words).expect(0, "exit code of apply")

    def revert(self, *words):
        return self.flowlift("revert", *(words or ("vm2",))).expect(0, "exit code of revert")

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

    def await_verdicts(self, expected, seconds=20):
        """Until audit says so: flows need the grace time, offloads some 100 ms."""

        def as_expected():
            self.last_verdicts = self.verdicts("--window", "1")
            return all(self.last_verdicts.get(name) == v for name, v in expected.items())

        try:
            self.lab.wait_until(as_expected, seconds * PATIENCE, f"verdicts {expected}", 0.1)
        except LabError as error:
            raise tap.Failure(f"{error}\nlast seen: {self.last_verdicts}") from None


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
