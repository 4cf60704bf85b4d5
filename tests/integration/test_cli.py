# SPDX-License-Identifier: Apache-2.0
"""The command by itself, where no Open vSwitch is: what it reads, refuses, prints and returns."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios

import command_lines
import samples
import tap
from answer import Answer as PlainAnswer
from answer import FLOWLIFT, RUN_SECONDS, SANITIZED, SOURCE

NOBODY = 65534

COMMON = {"format", "json", "root", "help"}
ASKS_OVS = COMMON | {"db", "timeout"}
READS_FLOWS = ASKS_OVS | {"via"}
OPTIONS = {
    "audit": READS_FLOWS | {"vm", "window", "screen", "from"},
    "flows": READS_FLOWS | {"vm", "storage", "path", "window", "mlx5-dump", "from"},
    "explain": READS_FLOWS | {"window", "probe", "listen", "from"},
    "report": READS_FLOWS | {"window", "output", "plan", "from"},
    "plan": READS_FLOWS | {"window", "output"},
    "apply": READS_FLOWS | {"window", "plan", "ticket", "dry-run", "confirm-within", "until"},
    "confirm": COMMON,
    "hook": {"root", "help"},
    "guard": ASKS_OVS | {"foreground"},
    "verify": READS_FLOWS | {"window", "ticket"},
    "revert": ASKS_OVS | {"all", "ticket"},
    "status": ASKS_OVS,
    "history": COMMON | {"lines"},
    "fleet": COMMON | {"verdict", "cause", "nic", "firmware", "version", "host", "older", "lines", "remote", "ticket",
                       "until", "timeout", "output"},
    "capture": READS_FLOWS | {"window", "output"},
    "watch": READS_FLOWS | {"window", "ticks", "from"},
    "doctor": ASKS_OVS,
    "causes": {"man", "format", "json", "help"},
    "help": {"man", "help"},
}
# Every verb that asks Open vSwitch and cannot say anything without it.
NEED_OVS = (
    ("audit",), ("flows",), ("explain", "vm2"), ("plan", "vm2"), ("apply", "vm2"),
    ("revert", "vm2"), ("revert", "--all"), ("status",), ("watch", "--json"), ("capture", "-o", "{folder}/never.json"),
    ("report", "vm2", "-o", "{folder}/never.html"),
)
PATHS = ["hw", "hw_partial", "tc_sw", "dp_sw", "upcall"]
VM_KEYS = {"name", "verdict", "scope", "storage", "hw_share", "causes"}
FLOW_KEYS = {"line", "ufid", "in_port", "vlan", "path", "recirc_id", "packets", "bytes", "used_ms",
             "hw_packets", "vm", "storage", "causes", "tc", "raw", "parse_error"}


class Answer(PlainAnswer):
    """What one run of flowlift gave, of which all is looked at."""

    @property
    def json(self):
        document = super().json
        tap.check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", document["time"]),
                  "time is RFC 3339, UTC", document["time"])
        tap.check(isinstance(document["host"], str), "there is a host", document["host"])
        return document

    def expect_sentence(self, *parts):
        """Exit 2; one sentence on standard error with all of @parts; no standard output."""
        self.expect(2)
        return super().expect_sentence(*parts)


class Desk:
    """A folder with sample files, no Open vSwitch, and flowlift with its files below it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-cli-")
        os.chmod(self.folder, 0o755)
        self.root = f"{self.folder}/root"
        self.nowhere = f"{self.folder}/nowhere"
        os.makedirs(f"{self.root}/etc/flowlift")
        os.makedirs(self.nowhere)
        self.dump = self.write("dump.txt", samples.dump())
        self.capture = self.write("capture.json", samples.capture())
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def write(self, name, content):
        path = f"{self.folder}/{name}"
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def environment(self, **changes):
        rundir = changes.pop("rundir", self.nowhere)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **changes}
        environment.pop("NO_COLOR", None)
        environment.update({key: rundir for key in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR")})
        environment.update(changes)
        return environment

    def flowlift(self, *words, stdin=subprocess.DEVNULL, prefix=(), program=FLOWLIFT, root=True,
                 **env):
        words = [word.format(folder=self.folder) if "{folder}" in word else word for word in words]
        where = ["--root", self.root] if root else []
        given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        done = subprocess.run([*prefix, program, *words, *where], env=self.environment(**env),
                              capture_output=True, timeout=RUN_SECONDS, check=False, **given)
        return Answer(words, done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"))

    def read(self, verb, *words, **options):
        """A verb that reads, from the sample capture."""
        return self.flowlift(verb, *words, "--from", self.capture, **options)

    def on_terminal(self, *words, **env):
        """What flowlift writes to a terminal of 80 columns."""
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
        done = subprocess.run([FLOWLIFT, *words], env=self.environment(**env), stdout=theirs,
                              stderr=subprocess.PIPE, timeout=RUN_SECONDS, check=False)
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                written += part
        os.close(ours)
        return Answer(words, done.returncode, written.decode().replace("\r\n", "\n"),
                      done.stderr.decode())


def as_root():
    if os.geteuid():
        tap.skip("needs root")


# ---- What it says of good input ----


def audit_of_a_capture(desk):
    "audit --from CAPTURE: the stranded VM first, exit 1, the keys that scripts rely on"
    document = desk.read("audit", "--json").expect(1).json
    verdicts = [(vm["name"], vm["verdict"], vm["scope"]) for vm in document["vms"]]
    tap.equal(verdicts, [("web-2", "stranded", "vm"), ("web-1", "offloaded", None),
                         ("web-3", "offloaded", None)], "verdicts")
    tap.equal((document["host"], document["time"]), ("node7", "2026-03-01T12:00:05.000Z"),
              "host and time")
    for vm in document["vms"]:
        tap.check(VM_KEYS <= vm.keys(), "every key is there", vm)
        tap.equal(list(vm["storage"]), ["packets", "bytes", "flows"], "keys of storage")
        for numbers in vm["storage"].values():
            tap.equal(list(numbers), PATHS, "paths")
    stranded = document["vms"][0]
    tap.equal((stranded["hw_share"], stranded["causes"]), (0.0, ["conntrack"]), "web-2")
    tap.equal(stranded["storage"]["packets"]["dp_sw"], 10000, "packets of web-2 in software")


def audit_in_words(desk):
    "audit: a table, a summary, what to do next; nothing on stderr"
    answer = desk.read("audit", root=False).expect(1)
    tap.equal(answer.err, "", "stderr")
    tap.equal(answer.out.replace(desk.folder, "/F"), """\
VM     VERDICT    SCOPE  HW %  HW PKT/S  SW PKT/S  BYTES/S  CAUSE
web-2  stranded   vm        0         0      2000  2.00 MB  conntrack
web-1  offloaded  -       100      2000         0  2.00 MB
web-3  offloaded  -       100      2000         0  2.00 MB

3 VMs: 1 stranded, 2 offloaded; host node7; window 5 s; 2026-03-01T12:00:05Z
next: flowlift explain web-2 --from /F/capture.json
""", "the text")


def audit_exit_codes(desk):
    "audit: 0 nothing stranded, 1 stranded, 2 cannot tell; --vm asks about one VM only"
    good = desk.write("good.json", samples.capture(stranded=()))
    desk.flowlift("audit", "--from", good).expect(0)
    desk.read("audit", "--vm", "web-1").expect(0)
    desk.read("audit", "--vm", "web-2").expect(1)
    partly = desk.write("partly.json", samples.capture(stranded=(), incomplete="a dump broke off"))
    answer = desk.flowlift("audit", "--from", partly).expect(2)
    tap.check("a dump broke off" in answer.out.splitlines()[-1], "the last line says why",
              answer.out)
    tap.equal(desk.flowlift("audit", "--json", "--from", partly).expect(2).json["incomplete"],
              "a dump broke off", "incomplete")


def a_dump_without_m(desk):
    "a dump without -m tells no path: every VM is unknown, exit 2, never a guess"
    path = desk.write("without-m.txt", samples.without_m(samples.dump()))
    document = desk.flowlift("audit", "--json", "--from", path).expect(2).json
    tap.equal({vm["verdict"] for vm in document["vms"]}, {"unknown"}, "verdicts")
    flows = desk.flowlift("flows", "--json", "--from", path).expect(0).json["flows"]
    tap.equal({flow["path"] for flow in flows}, {"unknown"}, "paths")
    tap.equal({flow["ufid"] for flow in flows}, {None}, "ufids")


def two_dumps_make_a_window(desk):
    "--from twice: the packets between two dumps; --from -: standard input"
    later = desk.write("later.txt", samples.dump(packets=6000))
    document = desk.flowlift("audit", "--json", "--from", desk.dump, "--from", later,
                             "--window", "5").expect(1).json
    tap.equal(document["vms"][0]["storage"]["packets"]["dp_sw"], 10000, "packets in the window")
    tap.equal(document["window_ms"], 5000, "window_ms")
    piped = desk.flowlift("audit", "--json", "--from", "-", stdin=samples.dump().encode()).expect(1)
    tap.equal(piped.json["vms"][0]["storage"]["packets"]["dp_sw"], 2000, "packets of one dump")


def audit_lines_and_prometheus(desk):
    "audit --format jsonl: one VM a line; --format prom: each metric once, samples together"
    lines = desk.read("audit", "--format", "jsonl").expect(1).out.splitlines()
    vms = [json.loads(line) for line in lines]
    tap.equal([vm["name"] for vm in vms], ["web-2", "web-1", "web-3"], "names")
    tap.equal({vm["schema"] for vm in vms}, {"flowlift/audit/1"}, "schema")
    odd = desk.write("odd.json", samples.capture(names={2: 'we"b\\2\n'}))
    text = desk.flowlift("audit", "--format", "prom", "--from", odd).expect(1).out
    sample = re.compile(r'(flowlift_\w+)(\{\w+="(?:[^"\\\n]|\\["\\n])*"(,\w+="[^"\\\n]*")*\})? '
                        r"[-+0-9.eE]+")
    seen = []
    for line in text.splitlines():
        if match := re.match(r"# TYPE (\S+) gauge$", line):
            tap.check(match[1] not in seen, "a metric comes once", line)
            seen.append(match[1])
        elif not line.startswith("# HELP "):
            match = sample.fullmatch(line)
            tap.check(match and match[1] == seen[-1], "a sample of the metric above", line)
    tap.check('flowlift_vm_verdict{vm="we\\"b\\\\2\\n",verdict="stranded"} 1' in text,
              "labels are escaped", text)
    tap.check('flowlift_vm_storage_packets{vm="web-1",path="hw"} 10000' in text, "packets", text)


def flows_of_a_capture(desk):
    "flows --json: every flow with its keys; unknown ones are null; the summary adds up"
    document = desk.read("flows", "--json").expect(0).json
    flows = document["flows"]
    tap.equal([flow["line"] for flow in flows], list(range(2, 10)), "lines")
    for flow in flows:
        tap.equal(set(flow), FLOW_KEYS, "keys")
        tap.check(flow["raw"].startswith(f"ufid:{flow['ufid']}"), "raw is the line", flow)
        tap.equal(flow["used_ms"], 120, "used_ms")
        tap.equal((flow["vlan"], flow["storage"]), (100, True), "VLAN, storage")
        tap.equal(flow["path"] == "hw", not flow["causes"], "what is not in hardware has a cause")
    tap.equal([flow["vm"] for flow in flows], ["web-1"] * 2 + ["web-2"] * 4 + ["web-3"] * 2, "VMs")
    tap.equal([flow["recirc_id"] for flow in flows if flow["vm"] == "web-2"], [0, 4, 0, 5],
              "recirc_id")
    summary = document["summary"]
    tap.equal(summary["flows"], len(flows), "flows")
    tap.equal(sum(summary["by_path"].values()), len(flows), "flows by path")
    raw = desk.flowlift("flows", "--json", "--from", desk.dump).expect(0).json["flows"]
    tap.equal({flow["vm"] for flow in raw}, {None}, "VMs of a raw dump")


def flows_are_filtered(desk):
    "flows --vm, --path, --storage: only those, in text and JSON alike"
    for words, n in ((("--vm", "web-2"), 4), (("--path", "hw"), 4),
                     (("--vm", "web-1", "--path", "dp-sw"), 0), (("--storage",), 8)):
        document = desk.read("flows", "--json", *words).expect(0).json
        tap.equal((len(document["flows"]), document["summary"]["shown"]), (n, n), str(words))
        text = desk.read("flows", *words).expect(0).out
        tap.check(f"{n} of 8 flows" in text, f"the text says {n} of 8", text)


def flows_that_cannot_be_parsed(desk):
    "flows: a line that cannot be parsed is a flow too, is counted, and changes no exit code"
    lines = samples.dump().splitlines()
    lines[2] = lines[2].replace("eth_type(0x8100)", "eth_type(0xzz)")
    lines.append(f"{samples.ufid(255)}, recirc_id(0),in_port(vm9),eth(\xff\x01")
    path = desk.write("broken.txt", "\n".join(lines).encode("latin-1"))
    document = desk.flowlift("flows", "--json", "--from", path).expect(0).json
    errors = [flow for flow in document["flows"] if flow["parse_error"]]
    tap.equal([flow["line"] for flow in errors], [3, len(lines)], "lines with parse_error")
    tap.equal(document["summary"]["parse_errors"], 2, "counted")
    tap.equal(document["summary"]["lines"],
              {"total": len(lines), "flow": len(lines) - 1, "continued": 0, "heading": 1,
               "other": 0}, "lines by class")
    tap.equal(errors[0]["path"], "hw", "its path is legible all the same")
    tap.equal(len(document["flows"]), len(lines) - 1, "flows")


def explain_tells_the_story(desk):
    "explain: verdict, peers, chains link by link, cause, next; text and JSON say the same"
    document = desk.read("explain", "web-2", "--json").expect(1).json
    tap.equal(document["vm"]["verdict"], "stranded", "verdict")
    tap.equal([peer["name"] for peer in document["peers"]], ["web-1", "web-3"], "peers")
    tap.equal([[link["recirc_id"] for link in chain["links"]] for chain in document["chains"]],
              [[0, 4], [0, 5]], "chains")
    cause = document["causes"][0]
    tap.equal(cause["id"], "conntrack", "cause")
    text = desk.read("explain", "web-2").expect(1).out
    for part in (document["reason"], cause["cure"], "ct(zone=2),recirc(0x4)", "recirc_id 0x4",
                 document["next"]):
        tap.check(" ".join(part.split()) in " ".join(text.split()), f"the text has '{part}'", text)
    for name in ("00000002-1111-4222-8333-444444444444", "00000002", "vm2", samples.mac(2)):
        tap.equal(desk.read("explain", name, "--json").expect(1).json["vm"]["name"], "web-2", name)


def the_host_as_a_whole(desk):
    "offload off: scope host, the cause is said once, with its cure"
    path = desk.write("off.json", samples.capture(hw_offload="false", stranded=(1, 2, 3)))
    document = desk.flowlift("audit", "--json", "--from", path).expect(1).json
    tap.equal({vm["scope"] for vm in document["vms"]}, {"host"}, "scopes")
    tap.equal([cause["id"] for cause in document["host_causes"]], ["hw-offload-off"], "host_causes")
    text = desk.flowlift("audit", "--from", path).expect(1).out
    tap.equal(text.count("host: "), 1, "lines about the host")


# ---- Bad arguments ----


def unknown_words(desk):
    "an unknown verb, option, value or VM: the nearest known one is named, exit 2"
    desk.flowlift("audti", root=False).expect_sentence("did you mean 'audit'?")
    desk.flowlift("frobnicate", root=False).expect_sentence("see flowlift help")
    desk.flowlift("help", "pln", root=False).expect_sentence("did you mean 'plan'?")
    desk.flowlift("audit", "--formt", "json").expect_sentence("did you mean --format?")
    desk.flowlift("audit", "--format", "xml").expect_sentence("json", "prom", "'xml'")
    desk.flowlift("flows", "--path", "hwy").expect_sentence("hw-partial", "'hwy'")
    desk.flowlift("audit", "--window", "long").expect_sentence("--window", "'long'")
    for verb in (("explain", "web-22"), ("audit", "--vm", "web-22"), ("flows", "--vm", "web-22")):
        desk.read(*verb).expect_sentence("web-22", "web-2")
        desk.read(*verb, "--json").expect_sentence("web-22", "web-2")
    desk.flowlift("explain", "vm22", "--from", desk.dump).expect_sentence("vm22", "vm2")


def missing_words(desk):
    "no verb, no VM, one word too many: exit 2, one sentence"
    desk.flowlift(root=False).expect_sentence("flowlift help")
    for verb in ("explain", "plan", "apply", "verify", "revert"):
        desk.flowlift(verb).expect_sentence(f"flowlift {verb} needs VM")
    desk.flowlift("audit", "web-2").expect_sentence("--vm web-2")
    desk.flowlift("explain", "a", "b").expect_sentence("'b'")
    for option in ("--probe",), ("--listen", "5"):
        desk.flowlift("explain", "vm2", "--from", desk.dump, *option).expect_sentence(option[0], "--from is not the host")
    for words in ("--mlx5-dump",), ("--mlx5-dump", "--json", "--from", desk.dump):
        desk.flowlift("flows", *words).expect_sentence("--mlx5-dump is for flows --json of a live host")
    desk.flowlift("revert", "vm2", "--all").expect_sentence("not both")
    desk.flowlift("audit", "--from").expect(2)
    desk.flowlift("capture").expect_sentence("-o FILE")


# ---- Bad input ----


def bad_files(desk):
    "--from what is absent, empty, a folder, binary, compressed, no dump: one sentence, exit 2"
    desk.flowlift("audit", "--from", "{folder}/absent").expect_sentence("absent")
    desk.flowlift("audit", "--from", desk.folder).expect_sentence(desk.folder)
    for name, content in {
        "empty": b"",
        "blank": b" \n\n",
        "rubbish": bytes(range(256)) * 4096,
        "zeros": bytes(1 << 20),
        "gzip": b"\x1f\x8b\x08" + bytes(64),
        "prose": b"Dear all,\nthe disk is slow.\n",
        "array": b'[{"protocol": "ip", "kind": "flower"}]',
        "other-json": b'{"schema": "flowlift/audit/1", "vms": []}',
    }.items():
        path = desk.write(name, content)
        for verb in ("audit", "flows"):
            desk.flowlift(verb, "--from", path).expect_sentence(name)
            desk.flowlift(verb, "--json", "--from", path).expect_sentence(name)
    desk.flowlift("audit", "--from", desk.dump, "--from", desk.dump, "--from", desk.dump) \
        .expect_sentence("--from")


def truncated_captures(desk):
    "a capture cut off anywhere: one sentence, exit 2, never a verdict"
    whole = samples.capture()
    for part in (1, 10, len(whole) // 4, len(whole) // 2, len(whole) - 2):
        path = desk.write("cut.json", whole[:part])
        answer = desk.flowlift("audit", "--json", "--from", path)
        answer.expect_sentence("cut.json")


def hostile_json(desk):
    "JSON nested 100,000 deep, duplicate keys, wrong types: one sentence, exit 2"
    whole = json.loads(samples.capture())
    for name, content in {
        "objects": '{"a":' * 100000,
        "arrays": '{"samples":' + "[" * 100000,
        "duplicate": '{"schema": "flowlift/capture/1", "schema": "flowlift/capture/1"}',
        "samples": json.dumps({**whole, "samples": 7}),
        "lines": json.dumps({**whole, "samples": [{"time": "x", "lines": [1, 2]}]}),
        "inventory": json.dumps({**whole, "inventory": [1]}),
        "surrogate": '{"schema": "\\ud800"}',
        "number": '{"window_ms": 1e999}',
    }.items():
        path = desk.write(f"{name}.json", content)
        desk.flowlift("audit", "--from", path).expect_sentence(f"{name}.json")


def a_line_without_end(desk):
    "a line of 200 MB is read in bounded memory, and is still a flow where it looks like one"
    script = ("import sys\nout = sys.stdout.buffer\nout.write(sys.argv[1].encode())\n"
              "[out.write(b'x' * (1 << 20)) for _ in range(200)]\nout.write(b'\\n')\n"
              "out.write(open(sys.argv[2], 'rb').read())\n")
    for head in ("", "ufid:0f0f0f0f-0000-4000-8000-0000000000aa, recirc_id(0),in_port(vm1),eth("):
        with subprocess.Popen([sys.executable, "-c", script, head, desk.dump],
                              stdout=subprocess.PIPE) as writer, \
             subprocess.Popen([FLOWLIFT, "flows", "--json", "--from", "-", "--root", desk.root],
                              env=desk.environment(), stdin=writer.stdout, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as reader:
            writer.stdout.close()
            out = reader.stdout.read()
            err = reader.stderr.read().decode()
            _, status, usage = os.wait4(reader.pid, 0)
            reader.returncode = os.waitstatus_to_exitcode(status)
        answer = Answer(("flows",), reader.returncode, out.decode(), err).expect(0)
        flows = [flow for flow in answer.json["flows"] if not flow["parse_error"]]
        tap.equal(len(flows), 8, "flows behind the long line")
        tap.note(f"peak memory {usage.ru_maxrss / 1024:.0f} MiB")
        if not SANITIZED:
            tap.check(usage.ru_maxrss < 64 * 1024, "at most 64 MiB", f"{usage.ru_maxrss} KiB")


def filters_on_a_long_line(desk):
    "output of tc -j, all on one line that is longer than flowlift reads: what was not read is said"
    one = {"protocol": "ip", "pref": 7, "kind": "flower", "chain": 0, "options": {
        "handle": 1, "keys": {"eth_type": "ipv4", "dst_ip": "192.0.2.1"}, "not_in_hw": True, "actions": []}}
    many = [{**one, "options": {**one["options"], "handle": number}} for number in range(1, 3001)]
    path = desk.write("long.json", json.dumps(many))
    found = desk.flowlift("flows", "--json", "--from", path).expect(0).json
    tap.check(0 < len(found["flows"]) < 3000, "not all are read", len(found["flows"]))
    tap.check("a line of JSON that is longer than" in (found["incomplete"] or ""), "it says so", found["incomplete"])
    path = desk.write("lines.json", "[" + ",\n".join(map(json.dumps, many)) + "]")
    found = desk.flowlift("flows", "--json", "--from", path).expect(0).json
    tap.equal((len(found["flows"]), found["incomplete"]), (3000, None), "each on its line")


def many_flows_in_little_memory(desk):
    "flows --json of 50,000 flows: one valid object, written in pieces"
    lines = ["flow-dump from the main thread:"]
    for number in range(50000):
        flow = samples.from_vm(1, "push_vlan(vid=100,pcp=0),p0")
        address = f"10.1.{number // 250}.{number % 250},"
        lines.append(samples.line(number + 1, (flow[0].replace("10.1.0.1,", address), flow[1]),
                                  number, "offloaded:yes, dp:dpdk"))
    path = desk.write("many.txt", "\n".join(lines) + "\n")
    with open(f"{desk.folder}/many.json", "wb") as out:
        process = subprocess.Popen([FLOWLIFT, "flows", "--json", "--from", path], stdout=out,
                                   env=desk.environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    tap.equal(process.returncode, 0, "exit code")
    with open(f"{desk.folder}/many.json", encoding="utf-8") as file:
        tap.equal(len(json.load(file)["flows"]), 50000, "flows")
    tap.note(f"peak memory {usage.ru_maxrss / 1024:.0f} MiB for a dump of "
             f"{os.path.getsize(path) / 1e6:.0f} MB")
    if not SANITIZED:
        tap.check(usage.ru_maxrss < 160 * 1024, "at most 160 MiB", f"{usage.ru_maxrss} KiB")


def names_that_would_move_the_cursor(desk):
    "a VM's name with escape sequences is shown, not obeyed"
    path = desk.write("evil.json", samples.capture(names={2: "web\x1b[2J\x1b]0;x\x07"}))
    for words in (("audit",), ("flows",), ("explain", "vm2")):
        out = desk.flowlift(*words, "--from", path).out
        tap.check("\x1b" not in out and "\x07" not in out and "web\\x1b" in out,
                  f"{words[0]}: made visible", repr(out))
    answer = desk.flowlift("explain", "web\x1b[2", "--from", path).expect(2)
    tap.check("\x1b" not in answer.err, "in errors too", repr(answer.err))


# ---- A host that does not answer ----


def no_open_vswitch(desk):
    "no socket, a dead one, a stale pid file: one sentence that names it, exit 2, nothing left"
    def empty(_):
        pass

    def dead(rundir):
        for name in ("db.sock", "ovs-vswitchd.4194303.ctl"):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"{rundir}/{name}")
        with open(f"{rundir}/ovs-vswitchd.pid", "w", encoding="ascii") as file:
            file.write("4194303\n")

    def no_socket(rundir):
        with open(f"{rundir}/db.sock", "w", encoding="ascii"):
            pass

    for number, make in enumerate((empty, dead, no_socket)):
        rundir = f"{desk.folder}/rundir{number}"
        os.mkdir(rundir)
        make(rundir)
        for words in NEED_OVS:
            desk.flowlift(*words, rundir=rundir).expect_sentence(rundir)
        doctor = desk.flowlift("doctor", "--json", rundir=rundir).expect(2).json
        statuses = {check["id"]: check["status"] for check in doctor["checks"]}
        tap.equal((statuses["database"], statuses["hw-offload"]), ("unknown", "unknown"), "doctor")
    tap.check(not os.path.exists(f"{desk.folder}/never.json"), "no capture was left")
    tap.check(not os.path.exists(f"{desk.root}/var"), "no state was left")


def other_remotes(desk):
    "--db with a socket that is not there or a word that is no remote: one sentence, exit 2"
    absent = "/nonexistent/db.sock"
    desk.flowlift("audit", "--db", f"unix:{absent}").expect_sentence(absent)
    desk.flowlift("audit", "--db", "rubbish").expect_sentence("rubbish")


def not_allowed(desk):
    "without the permission for sockets, configuration or input: one sentence that says so, exit 2"
    as_root()
    if not shutil.which("setpriv"):
        tap.skip("needs setpriv")
    program = shutil.copy(FLOWLIFT, f"{desk.folder}/flowlift")
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    rundir = f"{desk.folder}/private"
    os.mkdir(rundir)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{rundir}/db.sock")
        listener.listen()
        os.chmod(f"{rundir}/db.sock", 0o600)
        desk.flowlift("audit", program=program, prefix=nobody, rundir=rundir) \
            .expect_sentence("ermission denied", "db.sock")
        os.chmod(rundir, 0o700)
        desk.flowlift("audit", program=program, prefix=nobody, rundir=rundir) \
            .expect_sentence("ermission denied", rundir)
    secret = desk.write("secret.txt", samples.dump())
    os.chmod(secret, 0o600)
    desk.flowlift("audit", "--from", secret, program=program, prefix=nobody) \
        .expect_sentence("ermission denied", "secret.txt")
    with configuration(desk, "[audit]\nwindow = 1\n") as path:
        os.chmod(path, 0o600)
        desk.flowlift("audit", "--from", desk.dump, program=program, prefix=nobody) \
            .expect_sentence("ermission denied", "flowlift.conf")


@contextlib.contextmanager
def configuration(desk, text):
    path = f"{desk.root}/etc/flowlift/flowlift.conf"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield path
    finally:
        os.unlink(path)


def bad_configuration(desk):
    "an unknown key or a wrong value of the configuration: file, line and nearest key, exit 2"
    with configuration(desk, "[storage]\nvlan = 100\n"):
        for words in (("audit", "--from", desk.dump), ("status",), ("apply", "vm2")):
            desk.flowlift(*words).expect_sentence("flowlift.conf", "vlans")
        doctor = desk.flowlift("doctor", "--json").json
        tap.equal(doctor["checks"][0]["status"], "fail", "doctor's check of it")
    with configuration(desk, "[storage]\nvlans = 5000\n"):
        desk.flowlift("audit", "--from", desk.dump).expect_sentence("flowlift.conf", "5000")
    with configuration(desk, "[storage]\nvlans = 200\n"):
        document = desk.read("audit", "--json").expect(0).json
        tap.equal({vm["verdict"] for vm in document["vms"]}, {"idle"}, "verdicts on another VLAN")


# ---- Output that does not arrive ----


def full_output(desk):
    "standard output is full or closed: exit 2, one sentence"
    for words in (("audit", "--from", desk.dump), ("flows", "--json", "--from", desk.dump),
                  ("explain", "vm2", "--from", desk.dump), ("help",), ("help", "--man"),
                  ("completion", "bash"), ("audit", "--help"), ("--version",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([FLOWLIFT, *words], env=desk.environment(), stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        Answer(words, done.returncode, "", done.stderr).expect_sentence("No space left on device")
        done = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", FLOWLIFT, *words],
                              env=desk.environment(), stderr=subprocess.PIPE, text=True,
                              check=False)
        Answer(words, done.returncode, "", done.stderr).expect_sentence("standard output")


def a_reader_that_goes_away(desk):
    "standard output is a pipe that nobody reads: exit 2, without a word"
    for words in (("audit", "--from", desk.dump), ("flows", "--json", "--from", desk.dump),
                  ("help",)):
        ours, theirs = os.pipe()
        os.close(ours)
        done = subprocess.run([FLOWLIFT, *words], env=desk.environment(), stdout=theirs,
                              stderr=subprocess.PIPE, text=True, check=False)
        os.close(theirs)
        tap.equal((done.returncode, done.stderr), (2, ""), f"exit code and stderr of {words[0]}")


def colour_only_on_a_terminal(desk):
    "colour on a terminal, and not with NO_COLOR, TERM=dumb or a pipe; lines fit its width"
    words = ("audit", "--from", desk.capture)
    tap.check("\x1b[" in desk.on_terminal(*words, TERM="xterm").out, "colour on a terminal")
    for env in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        tap.check("\x1b" not in desk.on_terminal(*words, **env).out, f"no colour with {env}")
    tap.check("\x1b" not in desk.flowlift(*words, TERM="xterm").out, "no colour in a pipe")
    for words in (("help",), ("audit", "--help"), ("explain", "web-2", "--from", desk.capture),
                  ("flows", "--from", desk.capture), ("doctor", "--root", desk.root)):
        text = desk.on_terminal(*words, TERM="dumb").out
        long = [line for line in text.splitlines() if len(line) > 80 and "/" not in line]
        tap.equal(long, [], f"lines of {words[0]} longer than 80 columns")


def other_locales(desk):
    "a locale without UTF-8 gets ASCII"
    out = desk.read("explain", "web-2", LC_ALL="C").out
    tap.check(out.isascii() and "->" in out, "ASCII only", out)


# ---- Help, manual page, completion ----


def options_in(text):
    return set(re.findall(r"--([a-z][a-z0-9-]*)", text))


def help_lists_everything(desk):
    "help: every verb; VERB --help and help VERB: the same text, with every option"
    overview = desk.flowlift("help", root=False).expect(0).out
    tap.equal(desk.flowlift("--help", root=False).expect(0).out, overview, "flowlift --help")
    verbs = re.findall(r"^  ([a-z]+)(?: \S+)? +\S", overview, re.MULTILINE)
    tap.equal(sorted(verbs), sorted(OPTIONS), "verbs")
    for verb, options in OPTIONS.items():
        text = desk.flowlift(verb, "--help", root=False).expect(0).out
        tap.equal(desk.flowlift("help", verb, root=False).expect(0).out, text, f"help {verb}")
        listed = set(re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)", text, re.MULTILINE))
        tap.equal(sorted(listed), sorted(options), f"options of {verb}")
    version = desk.flowlift("--version", root=False).expect(0).out
    tap.check(re.fullmatch(r"flowlift \d+\.\d+\.\d+ \(libopenvswitch [\d.]+\)\n", version),
              "version", version)


def the_manual_page(desk):
    "help --man: every verb and option, no roff mistake"
    page = desk.flowlift("help", "--man", root=False).expect(0).out.replace("\\-", "-")
    for verb, options in OPTIONS.items():
        section = re.search(rf"^\.B {verb}\b.*?Options:(.*?)\n\.", page, re.MULTILINE | re.DOTALL)
        tap.check(section, f"{verb} is there", page)
        tap.equal(sorted(options_in(section[1])), sorted(options), f"options of {verb}")
    for option in set().union(*OPTIONS.values()):
        tap.check(re.search(rf"^\.B (-\w, )?--{option}\b", page, re.MULTILINE),
                  f"--{option} is told", page)
    tap.check(re.search(r"^\.SH EXIT STATUS$", page, re.MULTILINE), "exit status is told")
    if not shutil.which("groff"):
        tap.note("groff is not installed: its warnings were not looked at")
        return
    done = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True,
                          text=True, check=False)
    tap.equal(done.stderr, "", "warnings of groff")


def causes_of_the_catalogue(desk):
    "causes: a list, one of them, JSON, a manual page without mistake; docs/causes.md is what it prints"
    listed = desk.flowlift("causes", root=False).expect(0).out.splitlines()[1:]
    document = desk.flowlift("causes", "--json", root=False).expect(0).json
    ids = [cause["id"] for cause in document["causes"]]
    tap.equal([line.split()[0] for line in listed], ids, "ids of the list")
    tap.check(len(ids) > 60, "all are there", ids)
    one = desk.flowlift("causes", "conntrack", "--json", root=False).expect(0).json["causes"]
    tap.equal(one, [cause for cause in document["causes"] if cause["id"] == "conntrack"], "one of them")
    text = desk.flowlift("causes", "conntrack", root=False).expect(0).out
    tap.check(text.startswith("conntrack\n") and " ".join(one[0]["cure"].split()[:4]) in text, "its text", text)
    desk.flowlift("causes", "contrack", root=False).expect_sentence("unknown cause", "'conntrack'")
    with open(f"{SOURCE}/docs/causes.md", encoding="utf-8") as file:
        tap.equal(desk.flowlift("causes", "--format", "md", root=False).expect(0).out, file.read(),
                  "docs/causes.md")
    page = desk.flowlift("causes", "--man", root=False).expect(0).out
    tap.equal(re.findall(r"^\.B (\S+)$", page.replace("\\-", "-"), re.MULTILINE), ids, "ids of the manual page")
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True, check=False)
        tap.equal(done.stderr, "", "warnings of groff")


def examples_of(desk, verb):
    """Words and meaning of each example in the help of @verb."""
    text = desk.flowlift(verb, "--help", root=False).expect(0).out.partition("\nExamples\n")[2]
    return re.findall(r"^  flowlift (.*)\n      (\S.*)$", text, re.MULTILINE)


def examples_of_the_help(desk):
    "VERB --help: one to four examples, that flowlift takes and flowlift(1) has; those of a file give an answer"
    page = desk.flowlift("help", "--man", root=False).expect(0).out.replace("\\-", "-")
    for name in ("host", "before", "after", "one", "two"):
        desk.write(f"{name}.json", samples.capture(names={number: f"vm{number}" for number in (1, 2, 3)}))
    n_run = 0
    for verb, options in OPTIONS.items():
        examples = examples_of(desk, verb)
        tap.check(1 <= len(examples) <= 4, f"examples of {verb}", examples)
        for line, meaning in examples:
            words = shlex.split(line)
            tap.equal(words[0], verb, f"verb of the example: {line}")
            command_lines.check_line(words)
            tap.check(f".B flowlift {line}\n{meaning}.\n" in page, f"in the manual page: {line}")
            # They need a host, a plan of one, or a terminal.
            live = {"--probe", "--screen", "--plan"} & set(words) or (verb == "watch" and "--json" not in words)
            if "from" in options and "--from" not in words and not live:
                words += ["--from", "host.json"]
            if ("--from" in words and not live) or verb in ("causes", "help"):
                done = subprocess.run([FLOWLIFT, *words], cwd=desk.folder, env=desk.environment(), text=True,
                                      capture_output=True, timeout=RUN_SECONDS, check=False)
                tap.check(done.returncode in (0, 1) and done.stdout and not done.stderr, f"gives an answer: {words}",
                          done.returncode, done.stderr)
                n_run += 1
    tap.check(n_run > 8, "examples were run", n_run)
    with contextlib.suppress(tap.Failure):
        command_lines.check_line(["audit", "--no-such"])
        raise AssertionError("an option that does not exist goes through")
    with contextlib.suppress(tap.Failure):
        command_lines.check_line(["plan", "-o", "x"])
        raise AssertionError("a VM that is missing goes through")


def complete(script, *words):
    """The completions of the last of @words."""
    run = f"""{script}
compopt() {{ :; }}
COMP_LINE='{' '.join(words)}' COMP_POINT={len(' '.join(words))}
COMP_WORDS=({' '.join(words[:-1])} "{words[-1]}") COMP_CWORD={len(words) - 1}
_flowlift; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", run], capture_output=True, text=True, check=True)
    tap.equal(done.stderr, "", "stderr of the completion")
    return done.stdout.split()


def bash_completion(desk):
    "completion bash: verbs, each verb's options, the words that an option may be"
    script = desk.flowlift("completion", "bash", root=False).expect(0).out
    tap.equal(sorted(complete(script, "flowlift", "")), sorted([*OPTIONS, "--help", "--version"]),
              "first word")
    tap.equal(complete(script, "flowlift", "au"), ["audit"], "a verb begun")
    for verb, options in OPTIONS.items():
        found = {word[2:] for word in complete(script, "flowlift", verb, "-") if word[:2] == "--"}
        tap.equal(sorted(found), sorted(options), f"options of {verb}")
    sources = ["libvirt", "vm-start", "vm-stop", "vm-migrated"]
    tap.equal(complete(script, "flowlift", "hook", ""), sources, "sources of hook")
    tap.equal(complete(script, "flowlift", "hook", "vm-s"), ["vm-start", "vm-stop"], "one begun")
    tap.check("vm-stop" not in complete(script, "flowlift", "hook", "libvirt", ""), "not twice")
    tap.equal(complete(script, "flowlift", "help", "au"), ["audit"], "verbs to be helped with")
    words = ["audit", "status", "apply", "revert", "history", "report"]
    tap.equal(complete(script, "flowlift", "fleet", ""), words, "words of fleet")
    tap.equal(complete(script, "flowlift", "fleet", "audit", ""), [], "no file where none is taken")
    tap.equal(complete(script, "flowlift", "fleet", "report", "--json", f"{desk.folder}/dum"), [desk.dump],
              "files of fleet report")
    tap.equal(complete(script, "flowlift", "flows", "--path", "hw"), ["hw", "hw-partial"], "paths")
    tap.equal(complete(script, "flowlift", "audit", "--from", f"{desk.folder}/dum"), [desk.dump],
              "files")
    desk.flowlift("completion", "fish", root=False).expect_sentence("bash", "fish")


# ---- flowlift's own files ----


def history_of_a_journal(desk):
    "history: the newest last, of one VM, -n; damaged lines are counted, not fatal"
    folder = f"{desk.root}/var/log/flowlift"
    os.makedirs(folder)
    tap.equal(desk.flowlift("history", "--json").expect(0).json["entries"], [], "no journal")
    entry = {"who": "anna", "ticket": "T-1", "state": "verified", "reason": "seen in packets"}
    steps = (("web-1", "plan"), ("web-2", "plan"), ("web-2", "verify"))
    with open(f"{folder}/journal.jsonl", "w", encoding="utf-8") as file:
        for number, (vm, step) in enumerate(steps):
            line = {"time": f"2026-03-01T12:00:0{number}.000Z", "vm": vm, "vm_id": f"id-{vm}",
                    "step": step, **entry}
            file.write(json.dumps(line) + "\n")
        file.write('{"time": "2026-03-0')
    document = desk.flowlift("history", "--json").expect(0).json
    tap.equal([line["step"] for line in document["entries"]], ["plan", "plan", "verify"], "steps")
    tap.equal(document["damaged"], 1, "damaged")
    of_one = desk.flowlift("history", "web-2", "--json").expect(0).json["entries"]
    tap.equal({line["vm"] for line in of_one}, {"web-2"}, "of web-2")
    newest = desk.flowlift("history", "-n", "1", "--json").expect(0).json["entries"]
    tap.equal([line["step"] for line in newest], ["verify"], "the newest")
    text = desk.flowlift("history").expect(0).out
    for part in ("2026-03-01 12:00:02Z  web-2  verify", "1 damaged line"):
        tap.check(part in text, f"the text has '{part}'", text)
    shutil.rmtree(f"{desk.root}/var")


def plans_from_files(desk):
    "apply --plan: no file, no JSON, no plan, another host's or VM's: one sentence, exit 2"
    host = socket.gethostname()
    good = {"schema": "flowlift/plan/1", "host": host, "flowset": {
        "vm": {"id": "id-1", "name": "web-1"}, "cookie": "0xf10f000000000000", "guard": None,
        "rules": [], "relaxations": [], "traces": 0, "basis": None}}
    desk.flowlift("apply", "web-1", "--plan", "{folder}/absent").expect_sentence("absent")
    for name, content in {
        "text": "no JSON",
        "deep": "[" * 100000,
        "audit": json.dumps({**good, "schema": "flowlift/audit/1"}),
        "far": json.dumps({**good, "host": "elsewhere"}),
        "none": json.dumps({**good, "flowset": None, "reason": "nothing to do"}),
        "rubbish": json.dumps({**good, "flowset": {"rules": 7}}),
        "rules": json.dumps({**good, "flowset": {**good["flowset"], "rules": [{"bridge": 1}]}}),
        "large": '"' + "x" * (5 << 20) + '"',
    }.items():
        path = desk.write(f"plan-{name}", content)
        desk.flowlift("apply", "web-1", "--plan", path).expect_sentence(f"plan-{name}")
    tap.check(not os.path.exists(f"{desk.root}/var"), "nothing was written")


def doctor_of_the_folders(desk):
    "doctor: folders that others may write are found, with what to do about it"
    as_root()
    remedies = f"{desk.root}/var/lib/flowlift/remedies"
    os.makedirs(remedies)
    os.chmod(remedies, 0o777)
    document = desk.flowlift("doctor", "--json").expect(2).json
    check = {check["id"]: check for check in document["checks"]}["state-folders"]
    tap.equal(check["status"], "fail", "status")
    tap.check(remedies in check["summary"] and "0750" in check["advice"], "what and how", check)
    os.chmod(remedies, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP)
    document = desk.flowlift("doctor", "--json").expect(2).json
    tap.equal({check["id"]: check["status"] for check in document["checks"]}["state-folders"], "ok",
              "status with mode 0750")
    for check in document["checks"]:
        tap.equal(list(check), ["id", "status", "summary", "advice"], "keys")
        tap.check(check["status"] in ("ok", "warn", "fail", "unknown"), "status", check)
    shutil.rmtree(f"{desk.root}/var")


def events_check(desk):
    checks = desk.flowlift("doctor", "--json").expect(2).json["checks"]
    return next(check for check in checks if check["id"] == "events")


def doctor_of_the_events(desk):
    "doctor: what hooks left: none, a few, thousands without an agent, an overflow, another's folder"
    as_root()
    folder = f"{desk.root}/run/flowlift/events"

    def finds(status, *parts):
        check = events_check(desk)
        tap.equal(check["status"], status, f"status; {check}")
        tap.check(all(part in check["summary"] for part in parts), f"the summary says {parts}", check)
        tap.equal(bool(check["advice"]), status != "ok", "there is advice")

    finds("ok", "no hook")
    tap.check(not os.path.exists(f"{desk.root}/run"), "nothing is made by looking")
    subprocess.run([FLOWLIFT, "hook", "--root", desk.root, "vm-start", "web-1"], check=True)
    finds("ok", "1 event waits", "no flowlift-agent runs")
    for i in range(1000):
        os.mknod(f"{folder}/{i:020d}-0000000000-000000")
    finds("warn", "1001 events wait", "no flowlift-agent runs")
    with open(f"{desk.root}/run/flowlift/agent.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        finds("warn", "1001 events wait", "though flowlift-agent runs")
    shutil.rmtree(folder)
    os.mkdir(folder, 0o750)
    os.mknod(f"{folder}/overflow")
    finds("warn", "others were dropped")
    os.chmod(folder, 0o770)
    finds("fail", folder, "0770")
    os.chown(folder, NOBODY, NOBODY)
    finds("fail", folder, str(NOBODY))
    shutil.rmtree(folder)
    os.symlink("/tmp", folder)
    finds("fail", "is no folder")
    shutil.rmtree(f"{desk.root}/run")


TESTS = [
    audit_of_a_capture, audit_in_words, audit_exit_codes, a_dump_without_m, two_dumps_make_a_window,
    audit_lines_and_prometheus, flows_of_a_capture, flows_are_filtered, flows_that_cannot_be_parsed,
    explain_tells_the_story, the_host_as_a_whole, unknown_words, missing_words, bad_files,
    truncated_captures, hostile_json, a_line_without_end,
    filters_on_a_long_line, many_flows_in_little_memory,
    names_that_would_move_the_cursor, no_open_vswitch, other_remotes, not_allowed,
    bad_configuration, full_output, a_reader_that_goes_away, colour_only_on_a_terminal,
    other_locales,
    help_lists_everything, the_manual_page, examples_of_the_help, causes_of_the_catalogue, bash_completion,
    history_of_a_journal, plans_from_files,
    doctor_of_the_folders, doctor_of_the_events,
]

if __name__ == "__main__":
    tap.run(TESTS, bench=Desk)
