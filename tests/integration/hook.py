# SPDX-License-Identifier: Apache-2.0
"""flowlift hook: exit 0, silence and little time, whatever it is given; and nothing of it is lost.

A hook that fails keeps a guest from starting, or kills it; a hook that prints replaces its XML. So each
call here is checked for all three promises. No Open vSwitch is needed.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time

import tap
from answer import FLOWLIFT, PATIENCE, SANITIZED

HOOK_MS = 100
STARTED = ("vm2", "started", "begin", "-")
UUID = "c5f1a4d2-6b1f-4b41-9d0c-0f7b6c0a1d2e"
KEYS = ["schema", "time", "source", "what", "vm", "uuid", "reason", "complete", "interfaces"]
NOBODY = 65534
MOUNT = """
mount -t tmpfs -o "$2" flowlift-hook "$1" && echo mounted && exec cat
"""


def domain(name="vm2", extra=""):
    return f"""<domain type='kvm' id='1'>
  <name>{name}</name>
  <uuid>{UUID}</uuid>
  <devices>
    <interface type='bridge'>
      <mac address='52:54:00:64:00:02'/>
      <virtualport type='openvswitch'><parameters interfaceid='if-1'/></virtualport>
      <target dev='vnet3'/>
    </interface>
  </devices>{extra}
</domain>
"""


class HookBench:
    """A folder to be --root."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-hook-")
        os.chmod(self.folder, 0o755)
        self.n_roots = 0
        self.fresh()
        subprocess.run([FLOWLIFT, "--version"], stdout=subprocess.DEVNULL, check=True)  # from disk
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def fresh(self):
        """A new, empty root."""
        self.n_roots += 1
        self.root = f"{self.folder}/root{self.n_roots}"
        os.mkdir(self.root)
        self.events_folder = f"{self.root}/run/flowlift/events"

    def command(self, *words):
        return [FLOWLIFT, "--root", self.root, "hook", *words]

    def hook(self, *words, stdin=b"", prefix=(), quiet=True, in_time=True, **how):
        """Runs the hook; it keeps its promises. Return: (CompletedProcess, milliseconds)."""
        given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        started = time.monotonic()
        done = subprocess.run([*prefix, *self.command(*words)], capture_output=True, check=False,
                              timeout=60 * PATIENCE, **given, **how)
        ms = (time.monotonic() - started) * 1000
        tap.equal(done.returncode, 0, f"exit code of {words}: {done.stderr.decode()}")
        tap.equal(done.stdout, b"", f"standard output of {words}")
        if quiet:
            tap.equal(done.stderr.decode(), "", f"standard error of {words}")
        if in_time:
            tap.in_time(ms, HOOK_MS * PATIENCE, f"{words} is over in time")
        return done, ms

    def libvirt(self, *words, stdin=None, **how):
        stdin = domain().encode() if stdin is None else stdin
        return self.hook("libvirt", *words, stdin=stdin, **how)

    def files(self):
        """Names of what is in the folder of events, in order."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(os.listdir(self.events_folder))
        return []

    def events(self):
        """All events, in order; and they go."""
        found = []
        for name in self.files():
            with open(f"{self.events_folder}/{name}", encoding="utf-8") as file:
                event = json.load(file)
            tap.equal(list(event), KEYS, "keys of an event")
            tap.equal(event["schema"], "flowlift/event/1", "schema")
            found.append(event)
            os.remove(f"{self.events_folder}/{name}")
        return found

    def await_files(self, n):
        """A hook whose time was over, on a busy machine, leaves its event when it has ended already."""
        deadline = time.monotonic() + 10 * PATIENCE
        while len([name for name in self.files() if not name.startswith(".")]) < n:
            tap.check(time.monotonic() < deadline, f"there are {n} events", len(self.files()))
            time.sleep(0.01)

    def event(self):
        self.await_files(1)
        events = self.events()
        tap.equal(len(events), 1, "events")
        return events[0]

    def everything_below(self):
        """Every path below the bench's folder."""
        return sorted(os.path.join(where, name) for where, folders, names in os.walk(self.folder)
                      for name in [*folders, *names])

    @contextlib.contextmanager
    def mounted(self, options):
        """A small tmpfs as root, in a mount namespace of its own. Yields what to write before a command."""
        holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", MOUNT, "sh", self.root,
                                   options],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if holder.stdout.readline().strip() != "mounted":
                tap.skip("cannot mount a tmpfs in a mount namespace of its own")
            yield ("nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--")
        finally:
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()


def as_root():
    if os.geteuid():
        tap.skip("needs root")


def files_within(bench, prefix):
    done = subprocess.run([*prefix, "sh", "-c", 'ls "$1" 2>/dev/null', "sh", bench.events_folder],
                          capture_output=True, text=True, check=False)
    return done.stdout.split()


# ---- What it says ----


def a_guest_starts(bench):
    "libvirt, started: one event with name, UUID and interfaces, mode 0640 in 0750"
    bench.libvirt(*STARTED)
    bench.await_files(1)
    path = f"{bench.events_folder}/{bench.files()[0]}"
    tap.equal(stat.S_IMODE(os.stat(path).st_mode), 0o640, "mode of the file")
    tap.equal(stat.S_IMODE(os.stat(bench.events_folder).st_mode), 0o750, "mode of the folder")
    event = bench.event()
    del event["time"]
    tap.equal(event, {
        "schema": "flowlift/event/1", "source": "libvirt", "what": "start", "vm": "vm2",
        "uuid": UUID, "reason": None, "complete": True, "interfaces": [
            {"mac": "52:54:00:64:00:02", "target": "vnet3", "interface_id": "if-1"}]}, "event")


def a_life_of_a_guest(bench):
    "libvirt: the calls of a whole life, in order; those that come too early are no events"
    for call in (("prepare", "begin", "-"), ("start", "begin", "-"), ("started", "begin", "-"),
                 ("reconnect", "begin", "-"), ("stopped", "end", "-"),
                 ("release", "end", "migrated"), ("migrate", "begin", "-"),
                 ("restore", "begin", "-"), ("attach", "begin", "-"), ("unheard", "of", "-")):
        bench.libvirt("vm2", *call)
    bench.await_files(6)
    told = [(event["what"], event["reason"]) for event in bench.events()]
    tap.equal(told, [("start", None), ("reconnect", None), ("stop", None), ("stop", "migrated"),
                     ("incoming", None), ("attach", None)], "events")


def other_sources(bench):
    "vm-start, vm-stop, vm-migrated: an event each; standard input is not waited for"
    ours, theirs = os.pipe()
    for word in ("vm-start", "vm-stop", "vm-migrated"):
        _, ms = bench.hook(word, "vm2", stdin=ours)
        tap.note(f"{word}: {ms:.0f} ms")
    os.close(ours)
    os.close(theirs)
    bench.await_files(3)
    told = [(event["source"], event["what"], event["vm"]) for event in bench.events()]
    tap.equal(told, [("command", what, "vm2") for what in ("start", "stop", "migrated")], "events")


def wrong_calls(bench):
    "a call that is none: exit 0, no event; libvirt's is never answered, others get one sentence"
    for words in (("libvirt",), ("libvirt", "vm2"), ("libvirt", "vm2", "started"),
                  ("libvirt", "", "", "", ""), ("libvirt", "--help"), ("libvirt", *["x"] * 1000)):
        bench.hook(*words)
    for words in ((), ("vm-start",), ("vm-start", "a", "b"), ("vm-stop", ""), ("vm-strat", "a"),
                  ("--bad", "libvirt", *STARTED), ("--root",), ("--json", "libvirt", *STARTED)):
        done, _ = bench.hook(*words, quiet=False)
        lines = done.stderr.decode().splitlines()
        tap.check(len(lines) == 1 and lines[0].startswith("flowlift: "), "one sentence", lines)
    tap.equal(bench.events(), [], "events")


# ---- Hostile input ----


def hostile_names(bench):
    "names with '/', '..', newlines, options, shell words, bad UTF-8, 100 KB: only data, never a path"
    as_given = ["../../../../tmp/x", "/etc/passwd", "..", "a\nb\r\tc\x01\x1b[2J", "--help",
                "--root=/nowhere", "-h", "$(touch pwned)", "`touch pwned`; touch pwned", "nä·me",
                '"quoted\\', "%s%n%d", "x" * 256]
    before = bench.everything_below()
    for name in as_given:
        bench.libvirt(name, *STARTED[1:])
        tap.equal(bench.event()["vm"], name, "name")
        bench.hook("vm-stop", name)
        tap.equal(bench.event()["vm"], name, "name")
    for name in (b"\xff\xfe", "x" * 257, "x" * 100000, b"cut\xc3"):
        bench.libvirt(name, *STARTED[1:], stdin=b"")
        tap.equal(bench.event()["vm"], None, f"a name that cannot be kept: {name[:8]}")
    new = [path for path in bench.everything_below() if path not in before
           and path not in (f"{bench.root}/run", f"{bench.root}/run/flowlift", bench.events_folder)]
    tap.equal(new, [], "files elsewhere")


def entity_bombs(bench):
    "XML with a DOCTYPE: refused before anything is expanded or opened; the event stays"
    laughs = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 12))
    for doctype in (f"<!DOCTYPE domain [<!ENTITY l0 'lol'>{laughs}]>",
                    f"<!DOCTYPE domain [<!ENTITY l0 '{'x' * 500000}'>]>",
                    "<!DOCTYPE domain [<!ENTITY l0 SYSTEM 'file:///etc/passwd'>]>",
                    "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x'>"):
        xml = doctype + domain(name="&l0;&l11;")
        bench.libvirt(*STARTED, stdin=xml.encode(), preexec_fn=little_memory)
        event = bench.event()
        tap.equal((event["vm"], event["uuid"], event["complete"], event["interfaces"]),
                  ("vm2", None, False, []), "event")


def little_memory():
    """64 MiB of addresses, where the sanitizer does not need terabytes."""
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))


def large_xml(bench):
    "20 MB of XML, or the worst of 1 MiB: the event stays, and 64 MiB of memory are enough"
    start = domain().replace("</domain>", "").rstrip()
    attributes = [f"a{i}=''" for i in range(1_500_000)]
    # What, its XML, whether the UUID in front of it is known, whether it is complete.
    for what, filler, known, complete in (
            ("comment", "<!--" + "x" * 20_000_000 + "-->", True, False),
            ("attributes", "<x " + " ".join(attributes) + "/>", True, False),
            ("text", "<x>" + "&amp;" * 4_000_000 + "</x>", True, False),
            ("nesting", "<x>" * 7_000_000, False, False),
            ("as many attributes as are read", "<x " + " ".join(attributes[:90_000]) + "/>", True, True),
            ("as much text as is read", "<x>" + "&amp;" * 200_000 + "</x>", True, True)):
        xml = f"{start}{filler}</domain>".encode()
        for attempt in range(100):  # on a busy machine, XML may come too late
            _, ms = bench.libvirt(*STARTED, stdin=xml, preexec_fn=little_memory,
                                  in_time=tap.TIMES)
            event = bench.event()
            tap.equal(event["vm"], "vm2", f"name, with {what}")
            if (event["uuid"] == UUID, event["complete"]) == (known, complete):
                break
        tap.equal((event["uuid"] == UUID, event["complete"]), (known, complete), f"event of {what}")
        tap.note(f"{what}, {len(xml)} bytes: {ms:.0f} ms, attempt {attempt + 1}")


def the_writer_is_not_stopped(bench):
    "2 MB of XML are read to the end by one who looks at 1 MiB only: no EPIPE"
    xml = f"{domain()[:-10]}<!--{'x' * 2_000_000}-->".encode()
    for attempt in range(100):  # a machine may be so busy that its time is over first
        process = subprocess.Popen(bench.command("libvirt", *STARTED), stdin=subprocess.PIPE,
                                   bufsize=0)
        left = xml
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[process.stdin.write(left):]
        process.stdin.close()
        tap.equal(process.wait(60), 0, "exit code")
        bench.event()
        if not left:
            tap.note(f"attempt {attempt + 1}")
            return
    raise tap.Failure(f"not so: all of it is read; {len(left)} bytes are left")


# ---- A host where nothing works ----


def stdin_that_stays_open(bench):
    "standard input that nobody closes: over in time, with what was written until then"
    for written in (b"", domain().encode(), domain()[:60].encode()):
        ours, theirs = os.pipe()
        os.write(theirs, written)
        _, ms = bench.hook("libvirt", *STARTED, stdin=ours)
        os.close(ours)
        os.close(theirs)
        event = bench.event()
        tap.note(f"{len(written)} bytes: {ms:.0f} ms")
        whole = written == domain().encode()
        tap.equal((event["vm"], event["complete"]), ("vm2", whole), "event")
        tap.equal(event["uuid"], UUID if whole else None, "UUID")


def a_slow_writer(bench):
    "standard input that comes a byte a millisecond: over in time"
    ours, theirs = os.pipe()
    stop = threading.Event()

    def trickle():
        with contextlib.suppress(OSError):
            for byte in domain().encode():
                os.write(theirs, bytes([byte]))
                if stop.wait(0.001):
                    return

    writer = threading.Thread(target=trickle)
    writer.start()
    bench.hook("libvirt", *STARTED, stdin=ours)
    stop.set()
    writer.join()
    os.close(ours)
    os.close(theirs)
    tap.equal(bench.event()["vm"], "vm2", "name")


def closed_descriptors(bench):
    "standard descriptors that are closed, each and all: an event, and nothing written into it"
    for closing in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'"$@" {closing}', "sh",
                               *bench.command("libvirt", *STARTED)],
                              input=domain().encode(), capture_output=True, check=False)
        tap.equal((done.returncode, done.stdout, done.stderr), (0, b"", b""), f"with {closing}")
        tap.equal(bench.event()["vm"], "vm2", f"name with {closing}")
    unreadable = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(bench.command("libvirt", *STARTED), stdin=unreadable, stdout=full,
                              stderr=full, check=False)
    os.close(unreadable)
    tap.equal(done.returncode, 0, "exit code with /dev/full and a folder to read")
    tap.equal(bench.event()["complete"], False, "complete")


def folders_that_cannot_be_used(bench):
    "state folder missing, read-only, not a folder, a symbolic link, without right: silence"
    elsewhere = f"{bench.folder}/elsewhere"
    os.mkdir(elsewhere)
    for make in (lambda: os.rmdir(bench.root),
                 lambda: open(f"{bench.root}/run", "x", encoding="utf-8").close(),
                 lambda: (os.makedirs(f"{bench.root}/run/flowlift"),
                          os.symlink(elsewhere, bench.events_folder))):
        bench.fresh()
        make()
        bench.libvirt(*STARTED)
    tap.equal(os.listdir(elsewhere), [], "what the link leads to")
    bench.fresh()
    as_root()
    bench.libvirt(*STARTED, user=NOBODY, group=NOBODY, extra_groups=[])
    tap.equal(bench.files(), [], "files without the right to write them")
    with bench.mounted("size=1m,ro") as prefix:
        bench.libvirt(*STARTED, prefix=prefix)


def a_full_file_system(bench):
    "a tmpfs that is full, or has no inode: in time, silent; an overflow when there is room for its name"
    as_root()
    bench.fresh()
    with bench.mounted("size=256k,nr_inodes=64") as prefix:
        fill = 'head -c 1000000 /dev/zero >"$1/ballast" 2>/dev/null; :'
        subprocess.run([*prefix, "sh", "-c", fill, "sh", bench.root], check=True)
        bench.libvirt(*STARTED, prefix=prefix)
        tap.equal(files_within(bench, prefix), ["overflow"], "files on the full disk")
        subprocess.run([*prefix, "rm", f"{bench.root}/ballast", f"{bench.events_folder}/overflow"],
                       check=True)
        bench.libvirt(*STARTED, prefix=prefix)
        tap.equal(len(files_within(bench, prefix)), 1, "events with room again")
        use_up = 'i=0; while touch "$1/f$i" 2>/dev/null; do i=$((i+1)); done'
        subprocess.run([*prefix, "sh", "-c", use_up, "sh", bench.root], check=True)
        bench.libvirt(*STARTED, prefix=prefix)
        tap.equal(len(files_within(bench, prefix)), 1, "events without an inode")


def a_file_size_limit(bench):
    "ulimit -f 0: no signal, exit 0; the reader is told to look at everything"
    bench.fresh()
    bench.libvirt(*STARTED,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    tap.equal(bench.files(), ["overflow"], "files")


def has_promised(pid):
    """Whether the process catches SIGALRM, which ends it in time."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        caught = [line.split()[1] for line in file if line.startswith("SigCgt:")]
    return bool(caught) and bool(int(caught[0], 16) & 1 << (signal.SIGALRM - 1))


def a_machine_that_stands_still(bench):
    "the process stopped in between: exit 0 as soon as it goes on, and the event is there"
    bench.fresh()
    ours, theirs = os.pipe()
    process = subprocess.Popen(bench.command("libvirt", *STARTED), stdin=ours)
    while not has_promised(process.pid):
        tap.check(process.poll() is None, "it waits for XML")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)  # its time is over meanwhile
    os.write(theirs, domain().encode())
    process.send_signal(signal.SIGCONT)
    tap.equal(process.wait(60), 0, "exit code")
    os.close(ours)
    os.close(theirs)
    tap.equal(bench.event()["vm"], "vm2", "name")


# ---- Many ----


def a_burst(bench):
    "10,000 events (2,000 with a sanitizer) from eight processes: none lost, each process's in order"
    bench.fresh()
    n_processes, each = 8, (250 if SANITIZED else 1250)
    loop = """
        i=0
        while [ $i -lt "$1" ]; do "$2" --root "$3" hook vm-start "$4-$i" || exit 1; i=$((i+1)); done
    """
    started = time.monotonic()
    processes = [subprocess.Popen(["sh", "-c", loop, "sh", str(each), FLOWLIFT, bench.root, f"p{p}"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                 for p in range(n_processes)]
    for process in processes:
        out, _ = process.communicate()
        tap.equal((process.returncode, out), (0, b""), "exit code and output of a loop")
    tap.note(f"{n_processes * each} events in {time.monotonic() - started:.1f} s")
    bench.await_files(n_processes * each)
    names = [event["vm"] for event in bench.events()]
    for p in range(n_processes):
        mine = [name for name in names if name.startswith(f"p{p}-")]
        tap.equal(mine, [f"p{p}-{i}" for i in range(each)], f"events of process {p}")
    tap.equal(len(names), n_processes * each, "events")


def cost_of_one(bench):
    "fifty calls: each in time"
    bench.fresh()
    times = sorted(bench.libvirt(*STARTED)[1] for _ in range(50))
    tap.note(f"median {times[25]:.1f} ms, worst {times[-1]:.1f} ms, started from Python")
    bench.events()


TESTS = [
    a_guest_starts, a_life_of_a_guest, other_sources, wrong_calls, hostile_names, entity_bombs,
    large_xml, the_writer_is_not_stopped, stdin_that_stays_open, a_slow_writer, closed_descriptors,
    cost_of_one, folders_that_cannot_be_used, a_full_file_system, a_file_size_limit,
    a_machine_that_stands_still, a_burst,
]

if __name__ == "__main__":
    tap.run(TESTS, bench=HookBench)
