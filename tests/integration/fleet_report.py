# SPDX-License-Identifier: Apache-2.0
"""flowlift fleet report: audits that were gathered from many hosts into files, good and bad ones."""

import json
import os
import re
import resource
import shutil
import stat
import subprocess
import tempfile
import time

import gathered
import samples
import tap
from answer import FLOWLIFT, RUN_SECONDS, SANITIZED, SOURCE
from answer import Answer as PlainAnswer
from gathered import COUNTS, NEW, NOW, OLD, ago, line, vm

MIB = 1 << 20


class Answer(PlainAnswer):
    @property
    def json(self):
        document = json.loads(self.out)
        tap.equal(document["schema"], "flowlift/fleet-report/1", "schema")
        return document


class Desk:
    """A folder for what was gathered."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-fleet-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def write(self, name, content):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def flowlift(self, *words, text=None):
        done = subprocess.run([FLOWLIFT, *words], input=text, capture_output=True, text=True, check=False,
                              timeout=RUN_SECONDS, cwd=self.folder, env={**os.environ, "NO_COLOR": "1"})
        return Answer(words, done.returncode, done.stdout, done.stderr)

    def report(self, *words, text=None):
        return self.flowlift("fleet", "report", *words, text=text)


def whole(*vms):
    """The same VMs of one host as audit --json prints them."""
    head = {key: vms[0][key] for key in ("schema", "host", "time", "flowlift_version", "ovs_version", "window_ms",
                                         "incomplete")}
    rest = [{key: value for key, value in one.items() if key not in head} for one in vms]
    return json.dumps({**head, "vms": rest}, indent=2) + "\n"


def prefixed(host, text):
    return "".join(f"{host}: {one}\n" for one in text.splitlines())


def verdicts(document):
    return {(one["host"], one["name"]): one["verdict"] for one in document["vms"]}


# ---- What it reads ----


def an_audit_of_this_flowlift(desk):
    "what audit prints as jsonl and as JSON is read, the same from both"
    capture = desk.write("capture.json", samples.capture())
    lines = desk.flowlift("audit", "--format", "jsonl", "--from", capture).expect(1).out
    document = desk.flowlift("audit", "--json", "--from", capture).expect(1).out
    reports = []
    for number, text in enumerate((lines, document)):
        path = desk.write(f"own/{number}", text)
        reports.append(desk.report("--json", "--older", "3650d", path).expect(1).json)
        tap.equal(reports[-1]["n_unread"], 0, "unread")
        silent = desk.report("--json", path).expect(2).json
        tap.equal({one["verdict"] for one in silent["vms"]}, {"unknown"}, "verdicts of a host that is silent")
    tap.equal(reports[0]["vms"], reports[1]["vms"], "VMs")
    tap.equal(reports[0]["hosts"], reports[1]["hosts"], "hosts")
    tap.equal([(one["name"], one["verdict"], one["said"]) for one in reports[0]["vms"]],
              [("web-2", "stranded", "stranded"), ("web-1", "offloaded", "offloaded"),
               ("web-3", "offloaded", "offloaded")], "verdicts")
    audit = json.loads(document)
    tap.equal((reports[0]["hosts"][0]["flowlift_version"], reports[0]["hosts"][0]["ovs_version"]),
              (audit["flowlift_version"], audit["ovs_version"]), "versions")
    tap.check(audit["flowlift_version"], "the audit has the version of flowlift")


def nics_of_an_audit(desk):
    "audit: driver and firmware behind each VM as OVSDB has them, null where it does not say"
    capture = json.loads(samples.capture())
    for interface, status in zip((one for one in capture["inventory"]["interfaces"] if one["name"][:2] == "vm"), (
            {"driver_name": "mlx5e_rep", "firmware_version": "22.31.1014 (MT_0)"},
            {"driver_name": "net_flownic"}, {"driver_name": "tun", "firmware_version": "N/A"})):
        interface["status"] = status
    path = desk.write("nics.json", json.dumps(capture))
    document = json.loads(desk.flowlift("audit", "--json", "--from", path).expect(1).out)
    tap.equal({one["name"]: one["nic"] for one in document["vms"]}, {
        "web-1": {"driver": "mlx5e_rep", "firmware": "22.31.1014 (MT_0)"},
        "web-2": {"driver": "net_flownic", "firmware": None},
        "web-3": {"driver": "tun", "firmware": None}}, "NICs")


def a_host_without_vms(desk):
    "audit --format jsonl of a host without VMs is one line, and the report has that host"
    path = desk.write("empty.json", samples.capture(vms=0))
    text = desk.flowlift("audit", "--format", "jsonl", "--from", path).out
    tap.equal([json.loads(one)["vms"] for one in text.splitlines()], [[]], "VMs of each line")
    document = desk.report("--json", "--older", "3650d", "-", text=text).json
    tap.equal((len(document["hosts"]), document["vms"], document["n_unread"]), (1, [], 0), "hosts, VMs, unread")


def every_form(desk):
    "lines of cat, clush, clush -b, ansible and grep; audits of many lines; standard input"
    one, two = vm("n1", "a", "stranded"), vm("n1", "b")
    other = vm("n2", "c")
    lines = line("n1", "a", "stranded") + line("n1", "b")
    dashes = "---------------\n"
    expected = {("n1", "a"): "stranded", ("n1", "b"): "offloaded", ("n2", "c"): "offloaded"}
    for form, text in {
        "cat": lines + line("n2", "c"),
        "cat of JSON": whole(one, two) + whole(other),
        "clush": prefixed("n1", lines) + prefixed("n2", line("n2", "c")),
        "clush of JSON": prefixed("n1", whole(one, two)) + prefixed("n2", whole(other)),
        "clush -b": f"{dashes}n1\n{dashes}{whole(one, two)}{dashes}n2\n{dashes}{line('n2', 'c')}",
        "ansible": f"n1 | FAILED | rc=1 >>\n{lines}non-zero return code\nn2 | CHANGED | rc=0 >>\n{line('n2', 'c')}\n",
        "grep": "".join(f"dir/n.jsonl:{each}" for each in (lines + line("n2", "c")).splitlines(True)),
    }.items():
        document = desk.report("--json", "-", text=text).expect(1).json
        tap.equal((verdicts(document), document["n_unread"]), (expected, 0), form)


def names_of_hosts(desk):
    "a host that calls itself localhost goes by the name it was gathered by"
    nobody = line("localhost", "a")
    desk.write("names/n1.example.com.jsonl", nobody)
    desk.write("names/all.txt", prefixed("n2", nobody) + f"---------------\nn3\n---------------\n{nobody}")
    document = desk.report("--json", "names/n1.example.com.jsonl", "names/all.txt").expect(0).json
    tap.equal(sorted(one["name"] for one in document["hosts"]), ["n1.example.com", "n2", "n3"], "names")


# ---- What it makes of a fleet ----


def small_fleet(desk):
    desk.write("fleet/node1.jsonl", line("node1", "web-1", packets=20000, firmware=OLD)
               + line("node1", "web-7", "stranded", packets=20000, firmware=OLD))
    desk.write("fleet/node2.jsonl", line("node2", "db-1", "stranded", packets=4000, firmware=OLD))
    desk.write("fleet/node3.jsonl", line("node3", "db-9", packets=10))
    desk.write("fleet/node4.jsonl", line("node4", "app-3", minutes=180, packets=10))
    desk.write("fleet/node5.jsonl", "")
    return [f"fleet/node{number}.jsonl" for number in range(1, 6)]


def the_table(desk):
    "the text of docs/fleet.md is what is printed for such a fleet"
    text = desk.report(*small_fleet(desk)).expect(2).out
    with open(f"{SOURCE}/docs/fleet.md", encoding="utf-8") as file:
        shown = re.search(r"```console\n\$ [^\n]*\n(.*?)```", file.read(), re.DOTALL)[1]
    time_now = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    tap.equal(re.sub(time_now, "TIME", text), re.sub(time_now, "TIME", shown), "text")


def lines_have_a_limit(desk):
    "-n: so many VMs and hosts, and how many more there are; --json has all of them unless it is given"
    text = desk.report("-n", "2", *small_fleet(desk)).expect(2).out
    tap.equal(re.findall(r"^and .*$", text, re.MULTILINE),
              ["and 3 more VMs (-n 0 for all)", "and 2 more hosts (-n 0 for all)"], "left out")
    document = desk.report("-n", "2", "--json", *small_fleet(desk)).json
    tap.equal(([one["name"] for one in document["vms"]], document["n_vms_left_out"]), (["web-7", "db-1"], 3), "VMs")
    desk.write("many.jsonl", "".join(line("n", f"vm{number}") for number in range(60)))
    tap.equal(len(desk.report("--json", "many.jsonl").expect(0).json["vms"]), 60, "VMs as JSON")
    tap.check("and 10 more VMs" in desk.report("many.jsonl").out, "the table has 50")


def a_page(desk):
    "-o FILE: a page, 0640, with what it says on standard output; --json with it is its document, no longer than it"
    files = small_fleet(desk)
    page = f"{desk.folder}/page.html"
    said = " ".join(desk.report("-o", page, *files).expect(2).out.split())
    tap.check(said.startswith("2 of 5 VMs on 4 hosts have storage traffic in software: web-7, db-1. All that are "
                              "stranded have a NIC of mlx5e_rep, firmware 22.31.1014; other"), "what it says", said)
    tap.check("1 host was not heard of lately" in said, "who is silent", said)
    tap.equal(stat.S_IMODE(os.stat(page).st_mode), 0o640, "mode of the page")
    out = desk.report("-o", "-", *files).expect(2).out
    tap.check(out.startswith("<!DOCTYPE html>\n") and out.endswith("</html>\n"), "one page", out[:200])
    document = desk.report("-o", page, "--json", "-n", "2", *files).expect(2).json
    tap.equal(([one["name"] for one in document["vms"]], document["n_vms_left_out"], document["n_hosts_left_out"],
               [one["name"] for one in document["not_heard"]], document["n_unread"]),
              (["web-7", "db-1"], 3, 2, ["node4"], 1), "the document")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for part in ("and 3 more VMs (<code>-n 0</code> for all)", "and 2 more hosts",
                 "<bdi>node4</bdi></dt><dd>silent for 3 h", "fleet/node5.jsonl"):
        tap.check(part in text, part, text[-3000:])
    desk.flowlift("fleet", "history", "-o", page).expect(2).expect_sentence("makes no page")


def a_page_has_a_limit(desk):
    "20,000 VMs of 400 hosts: a page of the worst 100 of each, below 256 kB"
    files = [desk.write(name, text) for name, text in gathered.fleet(400, 50, n_silent=5).items()]
    page = f"{desk.folder}/page.html"
    document = desk.report("-o", page, "--json", *files).expect(2).json
    tap.equal((len(document["vms"]), len(document["hosts"]), document["n_vms_left_out"], document["n_hosts_left_out"],
               len(document["not_heard"])), (100, 100, 19900, 300, 5), "what it has")
    size = os.path.getsize(page)
    tap.note(f"{size} bytes")
    tap.check(size < MIB / 4, "below 256 KiB", size)


def filters(desk):
    "--verdict, --cause, --nic, --firmware, --version, --host let through what they name"
    files = small_fleet(desk)[:4]
    for words, expected in {
        ("--verdict", "stranded"): ["web-7", "db-1"],
        ("--verdict", "unknown"): ["app-3"],
        ("--cause", "conntrack"): ["web-7", "db-1"],
        ("--cause", "recirculation"): [],
        ("--nic", "mlx5e_rep"): ["web-7", "db-1", "app-3", "web-1", "db-9"],
        ("--nic", "mlx5"): [],
        ("--firmware", "22.36"): ["app-3", "db-9"],
        ("--version", "3.1"): ["web-7", "db-1", "app-3", "web-1", "db-9"],
        ("--version", "3"): ["web-7", "db-1", "app-3", "web-1", "db-9"],
        ("--version", "3.1.1"): [],
        ("--host", "node[23]"): ["db-1", "db-9"],
        ("--host", "node1", "--verdict", "offloaded"): ["web-1"],
    }.items():
        found = desk.report("--json", *words, *files).json["vms"]
        tap.equal([one["name"] for one in found], expected, " ".join(words))
    desk.report("--host", "node3", *files).expect(0)
    desk.report("--host", "node1", *files).expect(1)
    desk.report("--host", "node4", *files).expect(2)
    desk.report("--verdict", "strandet", *files).expect_sentence("'strandet' is no verdict")
    desk.report("--cause", "contrack", *files).expect_sentence("did you mean 'conntrack'?")
    for older in ("soon", "1w", "-1", "1e99d", "0"):
        desk.report(f"--older={older}", *files).expect_sentence("--older takes a time", f"'{older}'")
    desk.report("--older", "4h", "--host", "node4", *files).expect(0)


# ---- Bad input ----


def nothing_to_read(desk):
    "no file, none that can be read, none with an audit: one sentence, exit 2; words that are none"
    desk.report().expect(2).expect_sentence("needs files")
    desk.report("absent.jsonl").expect(2).expect_sentence("absent.jsonl", "No such file")
    desk.report(desk.folder).expect(2).expect_sentence("Is a directory")
    desk.report("-", text="").expect(2).expect_sentence("standard input: is empty")
    desk.report("-", text="\n\n").expect(2).expect_sentence("nothing of flowlift audit")
    desk.report("-", text="node1: bash: flowlift: command not found\n").expect(2).expect_sentence(
        "standard input:1: is no line of flowlift audit")
    desk.flowlift("fleet").expect(2).expect_sentence("needs")
    desk.flowlift("fleet", "reprot").expect(2).expect_sentence("did you mean 'report'?")
    desk.flowlift("fleet", "statsu").expect(2).expect_sentence("has no word 'statsu'", "'status'")
    desk.flowlift("fleet", "status").expect(2).expect_sentence("in no fleet", "[fleet] remote")


def hostile_lines(desk):
    "each line that is no audit is refused by its place, and the good ones beside it are read"
    good = vm("good", "a")
    bad = {
        "no JSON": "{]", "two values": '{"a":1} 7', "list": "[]", "deep": '{"a":' + "[" * 5000, "empty": "{}",
        "schema": json.dumps({**good, "schema": "flowlift/plan/1"}), "host": json.dumps({**good, "host": {}}),
        "long name": json.dumps({**good, "name": "x" * 300}), "NUL": '{"schema":"flowlift/audit/1\\u0000"}',
        "not UTF-8": '{"schema":"\udcff"}', "time": json.dumps({**good, "time": "yesterday"}),
        "share": json.dumps({**good, "hw_share": 1e308}), "count": json.dumps({**good, "storage": {"packets": {"hw": -1}}}),
        "huge count": json.dumps({**good, "storage": {"bytes": {"hw": 9223372036854775807}}}),
        "huge number": json.dumps({**good}).replace("5000", "9" * 400), "vms": json.dumps({**good, "vms": 7}),
        "causes": json.dumps({**good, "causes": [None]}), "storage": json.dumps({**good, "storage": None}),
        "nic": json.dumps({**good, "nic": "mlx5"}), "verdict": json.dumps({**good, "verdict": "fine"}),
    }
    text = line("good", "a") + "".join(f"{one}\n" for one in bad.values()) + line("good", "b")
    path = f"{desk.folder}/hostile.jsonl"
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    document = desk.report("--json", path).expect(2).json
    tap.equal(verdicts(document), {("good", "a"): "offloaded", ("good", "b"): "offloaded"}, "VMs")
    refused = {(one["file"], one["line"]) for one in document["unread"]}
    tap.equal(sorted(refused), [(path, number) for number in range(2, len(bad) + 2)], "refused")
    evil = line("evil\x1b[2J", "\x1b]0;title\x07", "stranded")
    shown = desk.report("-", text=evil).expect(1)
    tap.check("\x1b" not in shown.out and "\\x1b" in shown.out, "no escape sequence gets out", shown.out)


def a_line_of_a_gigabyte(desk):
    "a file of 1 GB in one line: refused by its size, little memory, and the next file is read"
    path = f"{desk.folder}/huge"
    with open(path, "wb") as file:
        file.write(b'{"schema":"flowlift/audit/1","host":"')
        file.truncate((1 << 30) if not SANITIZED else (1 << 28))
    desk.write("good.jsonl", line("n1", "a"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    began = time.monotonic()
    document = desk.report("--json", path, "good.jsonl").expect(2).json
    tap.note(f"{time.monotonic() - began:.1f} s, {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss} KiB at most")
    os.unlink(path)
    tap.equal([one["reason"] for one in document["unread"]], ["is longer than 8 MiB, more than flowlift reads"], "why")
    tap.equal(list(verdicts(document)), [("n1", "a")], "VMs")
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    tap.check(SANITIZED or after == before or after < 100 * 1024, "less than 100 MiB", f"{before}, {after} KiB")


# ---- Thousands of hosts ----


def thousands_of_files(desk):
    "2,000 files, some cut off, empty, doubled, silent or of a wrong clock: what is told is what there is"
    n_hosts = 400 if SANITIZED else 2000
    expected, files, unread = {}, [], {}
    for number in range(n_hosts):
        host = f"node{number:04}"
        firmware = OLD if number % 4 == 0 else NEW
        verdict = "stranded" if number % 40 == 0 else "offloaded"
        lines = [line(host, f"{host}-vm{one}", verdict if not one else "offloaded", firmware=firmware, packets=number)
                 for one in range(5)]
        said = {(host, f"{host}-vm{one}"): verdict if not one else "offloaded" for one in range(5)}
        path = f"many/{host}.jsonl"
        kind = {1: "cut", 2: "empty", 3: "double", 5: "silent", 6: "ahead", 7: "ahead, then right"}.get(number % 100)
        if kind == "cut":
            lines[-1] = lines[-1][:number % 300 + 20]
            said.popitem()
            unread[path] = 5
        elif kind == "empty":
            lines, said = [], {}
            unread[path] = None
        elif kind == "double":
            files.append(desk.write(f"old/{host}.jsonl", line(host, f"{host}-gone", "stranded", minutes=30)))
        elif kind in ("silent", "ahead"):
            lines = [line(host, f"{host}-vm0", minutes=90 if kind == "silent" else -90)]
            said = {(host, f"{host}-vm0"): "unknown"}
        elif kind:
            lines.append(line(host, f"{host}-early", "stranded", minutes=-600))
        files.append(desk.write(path, "".join(lines)))
        expected.update(said)
    document = desk.report("--json", *files).expect(2).json
    tap.equal(verdicts(document), expected, "verdicts")
    tap.equal({os.path.relpath(one["file"], desk.folder): one["line"] for one in document["unread"]}, unread, "unread")
    n = n_hosts // 100
    tap.equal(document["summary"]["hosts"],
              {"never": 0, "ahead": n, "silent": n, "heard": n_hosts - 3 * n, "incomplete": 0}, "hosts")
    n_stranded = sum(verdict == "stranded" for verdict in expected.values())
    tap.equal([(one["cause"], one["nic"]["firmware"], one["stranded"]) for one in document["patterns"]],
              [("conntrack", OLD, n_stranded)], "patterns")
    tap.equal(document["shared_nic"], {"driver": "mlx5e_rep", "firmware": OLD}, "what they share")
    ranks = ["stranded", "leaking", "unknown", "offloaded", "idle"]
    order = [(ranks.index(one["verdict"]), -one["bytes"]["sw"]) for one in document["vms"]]
    tap.equal(order, sorted(order), "order")
    # The same as one text that lost newlines where files were cut off.
    joined = "".join(open(path, encoding="utf-8").read() for path in files)
    again = desk.report("--json", "-", text=joined).expect(2).json
    tap.equal(verdicts(again), expected, "verdicts of all in one text")


def a_large_fleet(desk):
    "100,000 VMs of 2,000 hosts: streamed, in little memory"
    n_hosts, n_vms = (200, 10) if SANITIZED else (2000, 50)
    path = f"{desk.folder}/large.jsonl"
    form = line("HOST", "NAME", packets=1234)
    with open(path, "w", encoding="utf-8") as file:
        for host in range(n_hosts):
            text = form.replace("HOST", f"node{host:04}.example.com")
            file.writelines(text.replace("NAME", f"instance-{host:04x}{one:04x}") for one in range(n_vms))
    script = (
        "import resource, subprocess, sys, time; began = time.monotonic()\n"
        "out = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "print(out.returncode, out.stdout.splitlines()[-1])")
    done = subprocess.run(["/usr/bin/python3", "-c", script, FLOWLIFT, "fleet", "report", path], capture_output=True,
                          text=True, check=True, timeout=RUN_SECONDS)
    figures, said = done.stdout.splitlines()
    seconds, kib = map(float, figures.split())
    tap.note(f"{os.path.getsize(path) / MIB:.0f} MiB read in {seconds:.2f} s, {kib / 1024:.0f} MiB of memory")
    os.unlink(path)
    tap.check(said.startswith(f"0 {n_hosts} hosts: {n_hosts} heard; {n_hosts * n_vms} VMs: {n_hosts * n_vms} offloaded"),
              "all are there", said)
    tap.check(SANITIZED or kib < 150 * 1024, "less than 150 MiB", kib)
    tap.in_time(seconds * 1000, 5000, "within 5 s")


# ---- The manual ----


def examples_of_the_manual(desk):
    "docs/fleet.md: its shell is shell, its YAML is YAML, its cron lines have a user, its options exist"
    with open(f"{SOURCE}/docs/fleet.md", encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    tap.check({"sh", "yaml", "cron", "console"} <= {kind for kind, _ in blocks}, "blocks", [one for one, _ in blocks])
    for kind, block in blocks:
        if kind == "sh":
            done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
            tap.equal((done.returncode, done.stderr), (0, ""), block)
        elif kind == "yaml":
            check_playbook(block)
        elif kind == "cron":
            for one in block.splitlines()[1:]:
                tap.check(re.match(r"(\S+ ){5}root \S", one) and "%" not in one, "a line of cron.d", one)
    helps = {verb: desk.flowlift(verb, "--help").expect(0).out for verb in ("audit", "fleet")}
    for verb, words in re.findall(r"flowlift (audit|fleet report)([^|>;`\n']*)", text):
        for option in re.findall(r"(?<= )--?[a-z]+", words):
            tap.check(option in helps[verb.split()[0]], f"flowlift {verb} has {option}")


def check_playbook(block):
    """ansible itself is too heavy for a test: only what YAML says is looked at."""
    try:
        import yaml  # pylint: disable=import-outside-toplevel
    except ImportError:
        tap.skip("python3-yaml is not installed")
    plays = yaml.safe_load(block)
    for play in plays:
        tap.check({"name", "hosts", "tasks"} <= set(play), "a play", play)
        for task in play["tasks"]:
            modules = [key for key in task if key.startswith("ansible.builtin.")]
            tap.check(len(modules) == 1 and "name" in task, "a task has one module", task)


if __name__ == "__main__":
    tap.run([
        an_audit_of_this_flowlift,
        nics_of_an_audit,
        a_host_without_vms,
        every_form,
        names_of_hosts,
        the_table,
        lines_have_a_limit,
        a_page,
        a_page_has_a_limit,
        filters,
        nothing_to_read,
        hostile_lines,
        a_line_of_a_gigabyte,
        thousands_of_files,
        a_large_fleet,
        examples_of_the_manual,
    ], bench=Desk)
