# SPDX-License-Identifier: Apache-2.0
"""A full disk: one sentence that names the file system, exit 2, and no partial state.

flowlift's state folders lie on a file system of 64 KiB that only this test's processes see: it is
mounted in a mount namespace of its own, and gone with it.
"""

import os
import subprocess

import tap
from bench import STRANDED_VM2, Bench

MOUNT = """
mount -t tmpfs -o size=64k,nr_inodes=64,mode=0755 flowlift-full "$1" && echo mounted && exec cat
"""


class FullDiskBench(Bench):
    def __init__(self):
        super().__init__(window=1, vms=2, nfs=False, public=False)
        self.holder = None

    def prepare(self):
        self.load_all(kind="tcp")
        self.await_verdicts({name: STRANDED_VM2[name] for name in ("vm1", "vm2")})
        self.dump_before = self.openflow_flows()
        self.disk = f"{self.lab.root}/var"
        os.makedirs(self.disk, exist_ok=True)
        # Holds the namespace: ends when its standard input does, so also when this test is killed.
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", MOUNT, "sh", self.disk],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "mounted":
            tap.skip("cannot mount a tmpfs in a mount namespace of its own")

    def __exit__(self, *exception):
        if self.holder:
            self.holder.stdin.close()
            self.holder.wait()
        super().__exit__(*exception)

    def inside(self, *words):
        """flowlift where the small disk is mounted."""
        return self.flowlift(*words, prefix=self.prefix)

    @property
    def prefix(self):
        return ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--")

    def run_inside(self, script):
        return subprocess.run([*self.prefix, "sh", "-c", script, "sh", self.disk], check=True,
                              capture_output=True, text=True).stdout

    def fill(self):
        self.run_inside('head -c 200000 /dev/zero >"$1/ballast" 2>/dev/null || :')

    def empty(self):
        self.run_inside('rm -rf "$1"/*')

    def make_room(self):
        self.run_inside('rm -f "$1/ballast"')

    def files(self):
        """Files below the small disk, but not the one that fills it."""
        found = self.run_inside('find "$1" -type f ! -name ballast').split()
        return sorted(name.removeprefix(f"{self.disk}/") for name in found)

    def openflow_flows(self):
        """In an order of their own: OVS's changes among flows of one priority."""
        return "\n".join(sorted(self.lab.ofctl_dump(no_stats=True).splitlines()))

    def check_untouched(self):
        tap.equal(self.openflow_flows(), self.dump_before, "OpenFlow flows")


def apply_on_a_full_disk(bench):
    "apply with a full disk: exit 2, the file system named, no rule in the switch, no file"
    bench.fill()
    bench.inside("apply", "vm2").expect(2).expect_sentence(
        f"file system {bench.disk} is full", "free some space")
    bench.check_untouched()
    tap.equal(bench.files(), [], "files on the full disk")
    tap.equal(bench.inside("status", "--json").expect(0).json["remedies"], [], "remedies")


def apply_without_a_free_inode(bench):
    "apply with no inode left: exit 2, said so, no rule in the switch"
    bench.empty()
    bench.run_inside('i=0; while touch "$1/f$i" 2>/dev/null; do i=$((i+1)); done')
    bench.inside("apply", "vm2").expect(2).expect_sentence("no free inode")
    bench.check_untouched()
    bench.empty()


def output_on_a_full_disk(bench):
    "capture -o and plan -o with a full disk: exit 2, the file that was there is untouched"
    bench.empty()
    bench.run_inside('echo old >"$1/ticket.json"')
    bench.fill()
    for words in (("capture", "--window", "1"), ("plan", "vm2")):
        bench.inside(*words, "-o", f"{bench.disk}/ticket.json").expect(2).expect_sentence(
            f"cannot write {bench.disk}/ticket.json", f"file system {bench.disk} is full")
        tap.equal(bench.run_inside('cat "$1/ticket.json"'), "old\n", "the old file")
        tap.equal(bench.files(), ["ticket.json"], "files")
    bench.empty()


def revert_on_a_full_disk(bench):
    "revert with a full disk: the rules go out all the same, exit 2; status tells the truth"
    bench.empty()
    bench.inside("apply", "vm2").expect(0)
    tap.check(bench.our_rules(), "the rules are in the switch")
    bench.fill()
    before = bench.files()
    bench.inside("revert", "vm2").expect(2).expect_sentence(f"file system {bench.disk} is full")
    bench.check_untouched()
    tap.equal(bench.files(), before, "files: no temporary one is left")
    entry = bench.inside("status", "--json").json["remedies"][0]
    tap.equal(entry["present"], 0, "rules in the switch")
    tap.check(entry["note"], "status says what is odd", entry)


def it_goes_on_when_there_is_room(bench):
    "with room again revert finishes: exit 0, state reverted, nothing odd"
    bench.make_room()
    bench.inside("revert", "vm2").expect(0)
    answer = bench.inside("status", "--json").expect(0)
    tap.equal([entry["state"] for entry in answer.json["remedies"]], ["reverted"], "states")
    bench.inside("apply", "vm2").expect(0)
    bench.inside("revert", "vm2").expect(0)
    bench.check_untouched()


if __name__ == "__main__":
    tap.run([apply_on_a_full_disk, apply_without_a_free_inode, output_on_a_full_disk,
             revert_on_a_full_disk, it_goes_on_when_there_is_room], bench=FullDiskBench)
