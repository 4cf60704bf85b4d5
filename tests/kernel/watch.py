#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Events of devices and of their hooks for filters as lib/tc/watch.h tells them. Runs in the kernel bench's
guest; prints TAP.

FLOWLIFT_BUILD names the build folder. The module flownic is loaded from FLOWLIFT_NIC_MODULE, or by name.
"""

import json
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]

import tap  # noqa: E402

EDGES = os.path.join(os.environ.get("FLOWLIFT_BUILD", f"{HERE}/../../build"), "tests/watch_edges")
MODULE = os.environ.get("FLOWLIFT_NIC_MODULE", "flownic")
SECONDS = 60
N_OVERRUN = 10000
RTM_NEWLINK, NLM_F_REQUEST, IFLA_MTU = 16, 1, 4


def run(*words, stdin=None, check=True):
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin)
    if check:
        tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def ip(*words):
    run("ip", *words)


class Watch:
    """watch_edges that runs. A context manager."""

    def __init__(self, *words, prefix=()):
        self.child = subprocess.Popen([*prefix, EDGES, *map(str, words)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(SECONDS)
        self.reader.join()
        self.child.stdout.close()

    def until(self, name, /, **fields):
        """All events up to the first of this name, with these fields."""
        seen, deadline = [], time.monotonic() + SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                seen.append(self.lines.get(timeout=left))
            except queue.Empty:
                break
            if {"event": name, **fields}.items() <= seen[-1].items():
                return seen
        raise tap.Failure(f"no {name} {fields} within {SECONDS} s, but {json.dumps(seen, indent=1)}")

    def ask(self, command="counts"):
        """(What has been told up to now, the counts)"""
        self.child.stdin.write(f"{command}\n")
        self.child.stdin.flush()
        *seen, counts = self.until("counts")
        return seen, counts

    def told(self):
        """Names of events and devices up to now."""
        return [(event["event"], event["name"]) for event in self.ask()[0]]

    def live(self):
        self.until("everything")
        self.until("status", code=0)
        return self


class Bench:
    def __enter__(self):
        run("modprobe", "-a", "dummy", "cls_flower", "sch_ingress", "act_gact")
        run("rmmod", "flownic", check=False)
        run("insmod" if "/" in MODULE else "modprobe", MODULE, "n_vfs=2")
        return self

    def __exit__(self, *_):
        run("rmmod", "flownic", check=False)


def devices(_):
    "a device appears, changes, is renamed, leaves for another namespace, is deleted: each is told once"
    with Watch().live() as watch:
        ip("link", "add", "thing", "type", "dummy")
        watch.until("link-appeared", name="thing", is_port=False)
        ip("link", "set", "thing", "up")
        watch.until("link-changed", name="thing")
        ip("link", "set", "thing", "down")
        watch.told()
        ip("link", "set", "thing", "name", "other")
        tap.equal(set(watch.told()), {("link-changed", "other")}, "told of a rename")
        run("ip", "netns", "add", "away")
        ip("link", "set", "other", "netns", "away")
        tap.equal(watch.told(), [("link-gone", "other")], "told of a device that leaves")
        run("ip", "netns", "exec", "away", "ip", "link", "set", "other", "netns", "1")
        watch.until("link-appeared", name="other")
        ip("link", "del", "other")
        watch.until("link-gone", name="other", is_port=False)
        run("ip", "netns", "del", "away")


def representors(_):
    "devices of a NIC's switch are told from others"
    with Watch().live() as watch:
        run("rmmod", "flownic")
        seen = watch.until("link-gone", name="rep1")
        tap.equal({event["name"] for event in seen if event["is_port"]}, {"uplink0", "rep0", "rep1"},
                  "ports that are gone")
        watch.told()
        run("insmod" if "/" in MODULE else "modprobe", MODULE, "n_vfs=2")
        seen = watch.until("link-appeared", name="rep1", is_port=True)
        tap.check({"wire0", "vf0"} & {event["name"] for event in watch.ask()[0] + seen
                                      if not event["is_port"]}, "others are told, too", seen)


def says_nothing_new(_):
    "what a device says again, and ports that leave a bridge of the kernel, are no events"
    ip("link", "add", "thing", "type", "dummy")
    ip("link", "add", "bridge9", "type", "bridge")
    with Watch().live() as watch:
        before = watch.ask()[1]
        ip("link", "set", "thing", "alias", "a word")
        ip("link", "set", "thing", "txqueuelen", "17")
        told, after = watch.ask()
        tap.equal(told, [], "told of what does not matter")
        tap.check(after["left_out"] > before["left_out"], "messages were left out", before, after)
        ip("link", "set", "thing", "master", "bridge9")
        ip("link", "set", "thing", "nomaster")
        tap.check("link-gone" not in {name for name, _ in watch.told()}, "it is not gone")
    ip("link", "del", "thing")
    ip("link", "del", "bridge9")


def hooks(_):
    "the hook for filters is taken away or replaced: told; another qdisc is not"
    with Watch().live() as watch:
        for kind in ("ingress", "clsact"):
            run("tc", "qdisc", "add", "dev", "rep0", kind)
            tap.equal(watch.told(), [], f"told of a new {kind}")
            run("tc", "qdisc", "del", "dev", "rep0", kind)
            tap.equal(watch.told(), [("qdisc-gone", "rep0")], f"told of {kind} that is deleted")
        run("tc", "qdisc", "add", "dev", "rep0", "root", "pfifo")
        run("tc", "qdisc", "del", "dev", "rep0", "root")
        tap.equal(watch.told(), [], "told of another qdisc")


def add_filters(n):
    batch = "".join(f"filter add dev rep0 ingress prio 5 protocol ip handle {i + 1} flower skip_hw "
                    f"dst_ip 10.{i >> 16}.{i >> 8 & 255}.{i & 255} action drop\n" for i in range(n))
    run("tc", "-b", "-", stdin=batch)


def filters(_):
    "single filters never reach the socket; a flush does: of a priority, of all, of a shared block"
    run("tc", "qdisc", "add", "dev", "rep0", "clsact")
    with Watch().live() as watch:
        before = watch.ask()[1]
        add_filters(100)
        batch = "".join(f"filter del dev rep0 ingress prio 5 protocol ip handle {i + 1} flower\n"
                        for i in range(99))
        run("tc", "-b", "-", stdin=batch)
        told, after = watch.ask()
        tap.equal((told, after["messages"]), ([], before["messages"]), "events, messages")
        run("tc", "filter", "del", "dev", "rep0", "ingress", "prio", "5")
        tap.equal(watch.told(), [("filters-flushed", "rep0")], "told of a priority that is flushed")
        add_filters(3)
        run("tc", "filter", "del", "dev", "rep0", "ingress")
        tap.equal(watch.told(), [("filters-flushed", "rep0")], "told of all filters that are flushed")
        run("tc", "qdisc", "add", "dev", "rep1", "ingress_block", "7", "ingress")
        run("tc", "filter", "add", "block", "7", "protocol", "ip", "flower", "skip_hw", "action", "drop")
        run("tc", "filter", "del", "block", "7")
        tap.equal(watch.told(), [("filters-flushed", "shared block 7")], "told of a block")
        run("tc", "qdisc", "del", "dev", "rep1", "ingress")
    run("tc", "qdisc", "del", "dev", "rep0", "clsact")


def change_often(name, n):
    """So many changes of a device's MTU: to start `ip` that often, or have it read so many lines, takes long."""
    ifindex = socket.if_nametoindex(name)

    def message(mtu):
        body = struct.pack("=BxHiII", 0, 0, ifindex, 0, 0) + struct.pack("=HHI", 8, IFLA_MTU, mtu)
        return struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST, 1, 0) + body

    both = message(1000) + message(1001)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        for _ in range(n // 100):
            kernel.send(both * 50)


def overrun(_):
    "10,000 messages while nobody reads: told that events were lost, and what comes then is seen"
    ip("link", "add", "thing", "type", "dummy")
    with Watch(4096).live() as watch:
        # It reads again after all has been sent, or while it is being sent: both must do.
        watch.child.stdin.write("sleep 2000\n")
        watch.child.stdin.flush()
        change_often("thing", N_OVERRUN)
        ip("link", "add", "late", "type", "dummy")
        seen = watch.until("everything", why="devices are watched from now on")
        tap.check(any("faster than they were read" in event["why"] for event in seen
                      if event["event"] == "everything"), "it says why", seen)
        # What came last was seen, or is known from the new list.
        ip("link", "set", "late", "up")
        deadline = time.monotonic() + SECONDS
        while not any(event["name"] == "late" for event in watch.ask()[0] if "name" in event):
            tap.check(time.monotonic() < deadline, "events of a device that came meanwhile")
            run("ip", "link", "set", "late", "down")
            run("ip", "link", "set", "late", "up")
        counts = watch.ask()[1]
        tap.note(counts)
        tap.check(counts["lost"] >= 1 and counts["opened"] >= 2, "lost, and opened anew", counts)
    ip("link", "del", "thing")
    ip("link", "del", "late")


def not_allowed(_):
    "where no socket is to be had it says so, and tries again"
    with Watch(prefix=("prlimit", "--nofile=6:64")) as watch:
        status = watch.until("status")[-1]
        tap.check(status["code"] < 0 and "devices cannot be watched: " in status["why"], "why", status)
        run("prlimit", f"--pid={watch.child.pid}", "--nofile=64:64")
        watch.live()


TESTS = [
    devices,
    representors,
    says_nothing_new,
    hooks,
    filters,
    overrun,
    not_allowed,
]

if __name__ == "__main__":
    tap.run(TESTS, Bench)
