# SPDX-License-Identifier: Apache-2.0
"""lib/ovs/monitor.c and scope.c against a real ovs-vswitchd: who is told of what, and what it costs."""

import os
import queue
import re
import signal
import subprocess
import threading
import time

import tap
from edges_bench import COOKIE, EDGES, FROM_SERVER, TO_SERVER, Bench
from private_ovs import PATIENCE, wait_until

REGIONS = TO_SERVER, FROM_SERVER
OTHER_COOKIE = "0xf10f000000000003"
# A flow of table 0 that no packet of the two regions hits, and one that some hit.
ELSEWHERE = "priority=7,tcp,in_port=9,tp_dst=2049,actions=drop"
HERE = "priority=7,tcp,tp_dst=2049,actions=drop"
MARK = "priority=999,reg0=7"


class Watch:
    """edges watch; `changes()` gives lines as they come."""

    def __init__(self, bench, *regions, stable=False, bridge="br0"):
        words = [EDGES, "watch", bridge, COOKIE, bench.rules(*regions), *(["stable"] if stable else [])]
        self.child = subprocess.Popen(
            words, env=bench.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.reader.join()
        self.child.stdout.close()

    def line(self, seconds=10):
        try:
            line = self.lines.get(timeout=seconds * PATIENCE)
        except queue.Empty:
            raise tap.Failure(f"edges watch says nothing for {seconds * PATIENCE} s") from None
        tap.check(line is not None, "edges watch goes on")
        return line

    def until(self, pattern, seconds=10):
        """The first line that matches, and those before it."""
        before = []
        while not re.search(pattern, line := self.line(seconds)):
            before.append(line)
        return line, before

    def live(self):
        """What comes before the watch is whole; then it is, and says once that it has missed all."""
        _, before = self.until("^live$")
        self.until("^changed unseen: ")
        return before

    def end(self):
        """The figures."""
        self.child.stdin.close()
        tap.equal(self.child.wait(20 * PATIENCE), 0, "exit status of edges watch")
        self.reader.join()
        rest = list(iter(self.lines.get, None))
        words = rest.pop().split()
        tap.equal(words[0], "cost", "last line")
        return dict(zip(words[1::2], map(int, words[2::2]))), rest


def watching(bench, *regions, **options):
    watch = Watch(bench, *(regions or REGIONS), **options)
    watch.live()
    return watch


def told(watch, what, example, act):
    """@act makes one line, of @what, that has @example in it, within a second."""
    act()
    started = time.monotonic()
    line = watch.line()
    seconds = time.monotonic() - started
    tap.check(line.startswith(f"changed {what}: 1 in 0 ms: ") and example in line, f"{what}: {example}", line)
    tap.in_time(1000 * seconds, 1000, "within a second")
    return seconds


def mark(bench, watch):
    """Two changes that are told: whatever was done before them has been read by then."""
    told(watch, "flows", "priority=999", lambda: bench.ofctl("add-flow", "br0", f"{MARK},actions=drop"))
    told(watch, "flows", "priority=999", lambda: bench.ofctl("--strict", "del-flows", "br0", MARK))


def not_told(bench, watch, act):
    act()
    mark(bench, watch)


# What matters


def change_in_a_region_is_told(bench):
    "watch: a flow that is added, changed or removed where the regions are is told within a second"
    with watching(bench) as watch:
        seconds = [
            told(watch, "flows", example, lambda: bench.ofctl(*words))
            for example, words in [
                ("added: table=0 priority=7,tcp,tp_dst=2049 actions=drop", ("add-flow", "br0", HERE)),
                ("changed: table=0 priority=7,tcp,tp_dst=2049 actions=output:1",
                 ("mod-flows", "br0", HERE.replace("drop", "output:1"))),
                ("removed: table=0 priority=7,tcp,tp_dst=2049",
                 ("--strict", "del-flows", "br0", HERE.split(",actions")[0])),
            ]
        ]
        tap.note("told after " + ", ".join(f"{1000 * s:.0f} ms" for s in seconds))
        # A flow that expires is removed as well.
        bench.ofctl("add-flow", "br0", HERE.replace(",actions", ",hard_timeout=1,actions"))
        watch.until("^changed flows: .*added")
        watch.until("^changed flows: .*removed")


def change_elsewhere_is_not_told(bench):
    "watch: a flow of table 0 that no packet of the regions hits is not told"
    flows = [
        ELSEWHERE,
        "priority=7,udp,in_port=2,actions=drop",
        "priority=7,tcp,in_port=2,dl_vlan=7,actions=drop",
        "priority=7,tcp,in_port=2,tp_dst=2050,actions=resubmit(,7)",
        "priority=7,in_port=2,dl_type=0x88cc,actions=CONTROLLER",
        "priority=7,tcp,in_port=1,dl_vlan=100,tp_dst=2049,tp_src=1000,actions=drop",
        f"cookie={OTHER_COOKIE},{ELSEWHERE}",
    ]
    with watching(bench) as watch:
        for flow in flows:
            match = re.sub(r"cookie=\w+,", "", flow.split(",actions")[0])
            not_told(bench, watch, lambda: bench.ofctl("add-flow", "br0", flow))
            not_told(bench, watch, lambda: bench.ofctl("--strict", "del-flows", "br0", match))
        figures, rest = watch.end()
        tap.equal(rest, [], "lines left")
        tap.equal((figures["flows"], figures["left_out"]), (6 * len(flows), 2 * len(flows)), "counted")


def later_table_is_told(bench):
    "watch: in a later table all is told, but for what differs in a header that stays as it is"
    elsewhere = "table=3,priority=7,reg3=1,tcp,in_port=9,tp_dst=2049,actions=drop"
    register = "table=3,priority=7,reg3=1,actions=drop"
    with watching(bench) as watch:
        told(watch, "flows", "table=3", lambda: bench.ofctl("add-flow", "br0", elsewhere))
        bench.ofctl("del-flows", "br0", "table=3")
        watch.until("removed: table=3")
    with watching(bench, stable=True) as watch:
        not_told(bench, watch, lambda: bench.ofctl("add-flow", "br0", elsewhere))
        not_told(bench, watch, lambda: bench.ofctl("del-flows", "br0", "table=3"))
        told(watch, "flows", "table=3", lambda: bench.ofctl("add-flow", "br0", register))
        bench.ofctl("del-flows", "br0", "table=3")


def way_back_to_the_first_table_is_told(bench):
    "watch: a flow that may send packets back to table 0 is told wherever it is"
    bench.ofctl("add-group", "br0", "group_id=5,type=all,bucket=output:1")
    with watching(bench, stable=True) as watch:
        for actions in "resubmit(,0)", "clone(resubmit(,0))", "resubmit:2", "ct(table=0)", "group:5":
            told(watch, "flows", "in_port=9",
                 lambda: bench.ofctl("add-flow", "br0", ELSEWHERE.replace("drop", actions)))
        not_told(bench, watch, lambda: bench.ofctl("--strict", "del-flows", "br0", ELSEWHERE.split(",actions")[0]))
    bench.ofctl("del-groups", "br0")


def without_regions_all_is_told(bench):
    "watch: without regions every flow is told"
    with Watch(bench) as watch:
        watch.live()
        told(watch, "flows", "in_port=9", lambda: bench.ofctl("add-flow", "br0", ELSEWHERE))
        bench.ofctl("--strict", "del-flows", "br0", ELSEWHERE.split(",actions")[0])


def ours_are_told_apart(bench):
    "watch: a rule of the remedy's own is told as such, whoever deletes it; another remedy's is not"
    with watching(bench) as watch:
        bench.done("replace", "br0", COOKIE, bench.rules(*REGIONS))
        line, _ = watch.until("changed")
        tap.check(line.startswith("changed ours: 2 in "), "installed", line)
        told(watch, "ours", "removed: table=0 priority=65000,tcp,in_port=2",
             lambda: bench.ofctl("del-flows", "br0", "in_port=2,tcp,tp_dst=2049"))
        told(watch, "ours", "changed: table=0 priority=65000,tcp,in_port=1",
             lambda: bench.ofctl("--strict", "mod-flows", "br0",
                                 "priority=65000,tcp,in_port=1,dl_vlan=100,tp_src=2049,actions=drop"))
        # Overwritten by a flow with another cookie, it is ours no more.
        told(watch, "flows", "actions=output:2",
             lambda: bench.ofctl("add-flow", "br0", "priority=65000,tcp,in_port=1,dl_vlan=100,tp_src=2049,"
                                 "actions=output:2"))
        bench.ofctl("--strict", "del-flows", "br0", "priority=65000,tcp,in_port=1,dl_vlan=100,tp_src=2049")
        watch.until("removed")
        not_told(bench, watch, lambda: bench.ofctl(
            "add-flow", "br0", f"cookie={OTHER_COOKIE},priority=65000,{ELSEWHERE.split(',', 1)[1]}"))
        bench.ofctl("del-flows", "br0", f"cookie={OTHER_COOKIE}/-1")
    # The pipeline lost one of its own to the del-flows above.
    bench.ofctl("add-flows", "br0", bench.path("pipeline"))


def groups_and_ports_are_told(bench):
    "watch: groups, meters and ports that come, change and go"
    with watching(bench) as watch:
        told(watch, "groups", "group", lambda: bench.ofctl("add-group", "br0", "group_id=5,type=all,bucket=output:1"))
        told(watch, "groups", "group", lambda: bench.ofctl("mod-group", "br0", "group_id=5,type=all,bucket=output:2"))
        told(watch, "groups", "group", lambda: bench.ofctl("del-groups", "br0", "group_id=5"))
        told(watch, "groups", "meter", lambda: bench.ofctl("add-meter", "br0", "meter=1,kbps,band=type=drop,rate=9"))
        told(watch, "groups", "meter", lambda: bench.ofctl("del-meter", "br0", "meter=1"))
        bench.vsctl("add-port", "br0", "new1", "--", "set", "interface", "new1", "type=dummy")
        watch.until("^changed ports: .* port new1 was added")
        bench.ofctl("mod-port", "br0", "new1", "no-forward")
        watch.until("^changed ports: .* port new1 was changed")
        bench.vsctl("del-port", "new1")
        watch.until("^changed ports: .* port new1 was deleted")


def nothing_else_is_touched(bench):
    "watch: the handling of fragments stays as it was, and no packet is asked for"
    for mode in "drop", "normal":
        bench.ofctl("set-frags", "br0", mode)
        state = lambda: (bench.ofctl("get-frags", "br0"), bench.flows(), bench.ofctl("dump-groups", "br0"))  # noqa: E731
        before = state()
        with watching(bench) as watch:
            tap.equal(state(), before, f"the bridge with frags {mode}")
            bench.ofctl("add-flow", "br0", "priority=7,dl_type=0x88cc,actions=CONTROLLER:64")
            for dl_type in "0x88cc", "0x88cd":
                bench.appctl(
                    "netdev-dummy/receive", "vm1",
                    f"in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type({dl_type})",
                )
            wait_until(lambda: "n_packets=1" in bench.ofctl("dump-flows", "br0", "dl_type=0x88cc"), "the packet")
            mark(bench, watch)
            figures, _ = watch.end()
        tap.equal(figures["messages"] - figures["flows"], 3, "three answers, and nothing but flows")
        bench.ofctl("del-flows", "br0", "dl_type=0x88cc")


# Trouble


def missing_bridge_is_awaited(bench):
    "watch: a bridge that is not there, speaks no OpenFlow 1.4, is deleted, and made again"
    with Watch(bench, *REGIONS, bridge="br7") as watch:
        watch.until("^ENOENT: bridge br7 has no management socket .*is there such a bridge")
        add = ("add-br", "br7", "--", "set", "bridge", "br7", "datapath_type=dummy")
        bench.vsctl(*add, "protocols=OpenFlow10")
        watch.until("^EPROTO: bridge br7 does not speak OpenFlow 1.4")
        bench.vsctl("clear", "bridge", "br7", "protocols")
        watch.live()
        bench.vsctl("del-br", "br7")
        watch.until("^ENOENT: ")
        bench.vsctl(*add)
        watch.live()
        bench.vsctl("del-br", "br7")
        figures, _ = watch.end()
    tap.equal(figures["connected"], 2, "times connected")


def restart_is_told(bench):
    "watch: ovs-vswitchd is restarted: everything may have changed, twice, and the watch goes on"
    with watching(bench) as watch:
        daemon = bench.daemons["ovs-vswitchd"]
        daemon.kill()
        daemon.wait()
        line, before = watch.until("^changed unseen: .*the connection to OVS was lost")
        tap.check(before and before[0].startswith("EPIPE: "), "why", before, line)
        os.unlink(bench.path("ovs-vswitchd.pid"))
        started = time.monotonic()
        bench._start(
            "ovs-vswitchd", "--enable-dummy", "--disable-system", f"--dummy-numa={bench.numa}",
            f"unix:{bench.path('db.sock')}",
        )
        watch.live()
        tap.note(f"watched again {time.monotonic() - started:.1f} s after ovs-vswitchd was started")
        wait_until(lambda: os.path.exists(bench.path("ovs-vswitchd.pid")), "ovs-vswitchd")
        bench.ofctl("add-flows", "br0", bench.path("pipeline"))
        watch.until("^changed flows: ")


# Floods


def flood_elsewhere_is_cheap(bench):
    "watch: 1,000 changes a second elsewhere cost less than 5 % of a core, and are not told"
    for stable in False, True:
        table = "table=3," if stable else ""
        with watching(bench, stable=stable) as watch:
            bench.done("flood", "br0", "1000", "10000", table + ELSEWHERE)
            mark(bench, watch)
            figures, rest = watch.end()
        cpu_ms = 1000 * figures["cpu_ms"] / figures["wall_ms"]
        tap.note(f"{figures}: {cpu_ms / 10:.2f} % of a core")
        tap.equal(rest, [], "told")
        tap.equal((figures["flows"], figures["left_out"], figures["pauses"]), (10002, 10000, 0), "counted")
        tap.in_time(cpu_ms, 50 * PATIENCE, "processor time for a second")


def flood_here_is_debounced(bench):
    "watch: 1,000 changes a second in a region are told some five times a second"
    counts, spans = [], []
    with watching(bench) as watch:
        bench.done("flood", "br0", "1000", "5000", HERE)
        while sum(counts) < 5000:
            line, _ = watch.until("^changed flows: ")
            count, span = re.match(r"changed flows: (\d+) in (\d+) ms: ", line).groups()
            counts.append(int(count))
            spans.append(int(span))
        figures, rest = watch.end()
    tap.note(f"told {len(counts)} times in 5 s, at most {max(spans)} ms together; {figures}")
    tap.check(5 <= len(counts) <= 40, "a few times a second", counts)
    tap.in_time(max(spans), 300, "none waits long")
    tap.equal((sum(counts), rest), (5000, []), "changes told, none twice")


def slow_reader_is_told(bench):
    "watch: who reads nothing during 100,000 changes is told that it has missed some, and reads on"
    with watching(bench) as watch:
        watch.child.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        bench.done("flood", "br0", "0", "100000", ELSEWHERE)
        bench.ofctl("add-flow", "br0", HERE)
        tap.note(f"100,000 changes took {time.monotonic() - started:.1f} s")
        watch.child.send_signal(signal.SIGCONT)
        watch.until("^changed .*unseen: ")
        # Whatever comes now is seen one by one again.
        bench.ofctl("--strict", "del-flows", "br0", HERE.split(",actions")[0])
        watch.until("removed: table=0 priority=7")
        not_told(bench, watch, lambda: bench.ofctl("add-flow", "br0", ELSEWHERE))
        bench.ofctl("--strict", "del-flows", "br0", ELSEWHERE.split(",actions")[0])
        figures, _ = watch.end()
    tap.note(figures)
    tap.check(figures["pauses"] >= 1 and figures["connected"] == 1, "OVS paused, and nothing broke", figures)
    tap.check(figures["flows"] < 100000, "OVS kept changes to itself", figures)


if __name__ == "__main__":
    tap.run(
        [
            change_in_a_region_is_told,
            change_elsewhere_is_not_told,
            later_table_is_told,
            way_back_to_the_first_table_is_told,
            without_regions_all_is_told,
            ours_are_told_apart,
            groups_and_ports_are_told,
            nothing_else_is_touched,
            missing_bridge_is_awaited,
            restart_is_told,
            flood_elsewhere_is_cheap,
            flood_here_is_debounced,
            slow_reader_is_told,
        ],
        bench=Bench,
    )
