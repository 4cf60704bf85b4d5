# SPDX-License-Identifier: Apache-2.0
"""Every example of README.md and docs/ is looked at: run where that needs no switch, else parsed by flowlift itself.

A command that only a switch with traffic can carry out has the test that does so, in RUN_ELSEWHERE; a block that is no example
of anything that can be checked stands in TEXT with its reason. Whatever is in neither fails: nothing goes
unchecked because nobody thought of it.
"""

import collections
import contextlib
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/integration")

import command_lines  # noqa: E402
import samples  # noqa: E402
import tap  # noqa: E402
from answer import BUILD, FLOWLIFT, RUN_SECONDS, SOURCE  # noqa: E402
from completion import Database  # noqa: E402

AGENT = os.environ.get("FLOWLIFT_AGENT") or f"{BUILD}/agent/flowlift-agent"
VMS = {1: "vm1", 2: "vm2", 3: "vm3"}

# Verb, or verb with an option -> the test that does it on a switch with traffic.
RUN_ELSEWHERE = {
    "plan": "integration/repair.py", "apply": "integration/repair.py",
    "revert": "integration/repair.py", "status": "integration/repair.py", "capture": "integration/capture.py",
    "confirm": "integration/confirm.py", "--probe": "integration/plugin.py", "--screen": "integration/metrics_alert.py",
    "report": "integration/report.py", "watch": "integration/test_watch.py", "fleet": "integration/fleet_setup.py",
}
# They read, and take --from.
READ_FILES = ("audit", "flows", "explain")
# They need neither switch nor file.
NEED_NOTHING = ("causes", "help", "history", "doctor", "hook", "completion")
# Programs of others in examples: that there is such a program, and its words are well-formed for a shell, is all that is
# looked at. What can be looked at closer has a function in CHECKS.
OTHERS = {"ovs-ofctl", "ovn-nbctl", "tc", "curl", "cat", "journalctl", "clush", "ansible", "apt", "sudo", "echo", "grep", "git", "cd",
          "systemd-analyze", "exit", "jq", "[", "mkdir", "mv", "rsync", "scp", "ssh", "sed", "openssl", "ovsdb-tool",
          "ovsdb-client"}
# Of the shell: what begins a command, and what is none of its own.
BEFORE_COMMANDS = {"do", "then", "else", "{", "!"}
NO_COMMANDS = {"for", "while", "done", "fi", "}", "case", "esac"}
# "a | b) COMMAND ;;", and the end of it
CASE_LABEL = re.compile(r"^[\w*]+( \| [\w*]+)*\) |;;")
# A console where each line is somebody's: "fleet1# ...". The whole of it is done, in this order, by this test.
PROMPT = r"(?:(?P<host>[a-z]+\d?)(?=[#$] ))?[#$] (?P<line>.+)"
DONE_WHOLE = "integration/fleet_setup.py"
# Indented or fenced text that is neither command nor file: document -> beginning of its first line -> why.
TEXT = {
    "docs/origin.md": {"br-int table 16": "output of explain --probe, of tests/kernel/causes.py"},
    "docs/dpdk-plugin.md": {"[transfer] [ingress]": "grammar of a rule, and one: tests/dpdk/test_rule.c"},
    "docs/architecture.md": {"THE HOST": "the picture"},
    "docs/watch.md": {"flowlift watch ": "a screen, as in tests/integration/test_watch.py"},
}
CONF_SECTIONS = {"storage", "vm", "audit", "policy", "agent", "fleet", "metrics"}
UNIT_SECTIONS = {"Unit", "Service", "Timer", "Install"}
# What stands for a value in a line of the docs.
STAND_INS = {"SEC": "5", "TIME": "5m", "DATE|VERSION": "2027-01-31", "FORMAT": "json", "PATH": "dp-sw", "N": "50", "P": "dp-sw"}

Block = collections.namedtuple("Block", "document line language text")


# ---- Reading documents ----


def documents():
    """README.md and docs/*.md, with their texts."""
    for path in [f"{SOURCE}/README.md", *sorted(glob.glob(f"{SOURCE}/docs/*.md"))]:
        with open(path, encoding="utf-8") as file:
            yield os.path.relpath(path, SOURCE), file.read()


def blocks_of(document, text):
    """Fenced blocks, and indented ones behind an empty line (language None); no tables."""
    lines, i = text.splitlines(), 0
    while i < len(lines):
        start = i
        if fence := re.match(r" *```(\w*)$", lines[i]):
            i += 1
            while not re.match(r" *```$", lines[i]):
                i += 1
            yield Block(document, start + 1, fence[1], "\n".join(lines[start + 1:i]))
        elif lines[i].startswith("    ") and not lines[i - 1].strip():
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            body = [line[4:] for line in lines[start:i]]
            if not all(line.lstrip().startswith("|") for line in body if line.strip()):
                yield Block(document, start + 1, None, "\n".join(body).strip("\n"))
            i -= 1
        i += 1


def commands_of(block):
    """The commands of a block, continued lines joined; of a console those behind a prompt."""
    text = re.sub(r"\\\n\s*", "", block.text)
    if block.language == "console":
        return [found["line"] for found in re.finditer(rf"^{PROMPT}$", text, re.M)]
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def hosts_of(block):
    """Those in front of its prompts."""
    return {found["host"] for found in re.finditer(rf"^{PROMPT}$", block.text, re.M)} - {None}


def simple_commands(line):
    """The words of each command of a line of shell, without redirections."""
    line = CASE_LABEL.sub("", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    words, result, skip = [], [], False
    for word in lexer:
        if skip:
            skip = False
        elif word in ("|", "||", "&&", ";", "&"):
            result.append(words)
            words = []
        elif set(word) <= set("<>&") or re.fullmatch(r"\d?>+&?\d?", word):
            skip = word not in (">&1", "2>&1")
        else:
            words.append(word)
    commands = []
    for words in [*result, words]:
        if words[1:2] == ["()"]:  # a function begins
            words = words[2:]
        while words and words[0] in BEFORE_COMMANDS:
            words = words[1:]
        if words and words[0] not in NO_COMMANDS:
            commands.append(words)
    return commands


def language_of(block):
    if block.language:
        return block.language
    first = block.text.split(None, 1)[0]
    if block.text.startswith("[") and re.match(r"\[[\w-]+\]$", block.text.splitlines()[0]):
        return "ini"
    return "sh" if first in CHECKS or first in OTHERS else "text"


# ---- The bench ----


class Docs:
    """All blocks, a capture with the VMs of the docs, an OVSDB, and the commands that an agent has."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-docs-")
        self.root = f"{self.folder}/root"
        self.desk = f"{self.folder}/desk"
        os.makedirs(f"{self.root}/etc/flowlift")
        os.makedirs(f"{self.folder}/bin")
        os.makedirs(self.desk)
        self.documents = dict(documents())
        self.blocks = [block for document, text in self.documents.items() for block in blocks_of(document, text)]
        self.capture = self.write("capture.json", samples.capture(names=VMS))
        self.database = Database().__enter__()
        self.env = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        for name in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR"):
            self.env[name] = self.folder
        # `flowlift` of a line that is run whole: reads the capture, and has its files here.
        path = self.write("bin/flowlift", f"""#!/bin/sh
case "$*" in
*--from*) exec {FLOWLIFT} "$@" --root {self.root} ;;
*--screen*) shift 2; exec {FLOWLIFT} audit "$@" --from {self.capture} --root {self.root} ;;
*) exec {FLOWLIFT} "$@" --from {self.capture} --root {self.root} ;;
esac
""")
        os.chmod(path, 0o755)
        with open(f"{SOURCE}/Makefile", encoding="utf-8") as file:
            self.targets = set(re.findall(r"^([\w-]+(?: [\w-]+)*):(?!=)", file.read(), re.M))
        self.targets = {target for names in self.targets for target in names.split()}
        # What clush of the guide leaves there, and what is gathered host by host.
        os.makedirs(f"{self.desk}/fleet")
        for name in ("fleet.jsonl", "fleet/node1.jsonl"):
            self.write(f"desk/{name}", self.run(["flowlift", "audit", "--format", "jsonl"]))
        self.agent_commands, self.agent_options = self._agent()
        self.counts = collections.Counter()
        self.functions = set()
        return self

    def __exit__(self, *_):
        self.database.__exit__()
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _agent(self):
        usage = subprocess.run([AGENT, "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"--([\w-]+)", usage))
        socket = f"{self.folder}/agent.ctl"
        with subprocess.Popen([AGENT, "--root", f"{self.folder}/agent", "--unixctl", socket, "--db", "unix:/nowhere"],
                              env=self.env, stderr=subprocess.DEVNULL) as agent:
            try:
                for _ in range(600):
                    done = subprocess.run(["ovs-appctl", "-t", socket, "list-commands"], env=self.env,
                                          capture_output=True, text=True, check=False)
                    if not done.returncode:
                        return set(re.findall(r"^  ([\w/-]+)", done.stdout, re.M)), options
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        agent.wait(0.1)
                        break
                raise tap.Failure(f"the agent does not answer: {done.stderr}")
            finally:
                agent.terminate()

    def run(self, words, codes=(0, 1), stdin=os.devnull):
        with open(stdin, encoding="utf-8") as given:
            done = subprocess.run(words, cwd=self.desk, env=self.env, capture_output=True, text=True,
                                  timeout=RUN_SECONDS, check=False, stdin=given)
        tap.check(done.returncode in codes, f"it works: {words}", done.returncode, done.stdout, done.stderr)
        return done.stdout


# ---- One command ----


def check_flowlift(docs, words):
    words = [STAND_INS.get(word, word) for word in words[1:]]
    if "VERB" in words:
        return
    command_lines.check_line(words)
    if words[:2] == ["fleet", "report"]:
        check_fleet_report(docs, words)
        return
    if not words or words[0].startswith("-"):
        docs.run([FLOWLIFT, *words])
        docs.counts["run"] += 1
        return
    elsewhere = [what for what in (words[0], *words) if what in RUN_ELSEWHERE]
    if elsewhere:
        docs.counts[f"run by {RUN_ELSEWHERE[elsewhere[-1]]}"] += 1
        return
    verb, rest = words[0], [word for word in words[1:] if word != "--root"]
    if verb in READ_FILES:
        for option, file in zip(rest, rest[1:]):
            if option == "--from" and file != "-":
                shutil.copy(docs.capture, f"{docs.desk}/{os.path.basename(file)}")
        rest = [os.path.basename(word) if word.startswith("/") else word for word in rest]
        rest = ["vm2" if word in ("VM", "NAME") else word for word in rest]
        if "--from" not in rest:
            rest += ["--from", docs.capture]
        tap.check(docs.run([FLOWLIFT, verb, *rest, "--root", docs.root]), f"an answer: {words}")
    else:
        tap.check(verb in NEED_NOTHING, f"RUN_ELSEWHERE says who runs it: {words}")
        where = ["--root", docs.root] if verb in ("history", "doctor", "hook") else []
        rest = ["conntrack" if word == "ID" else word for word in rest if not word.startswith("/tmp")]
        docs.run([FLOWLIFT, verb, *where, *rest], codes=(0, 1, 2) if verb == "doctor" else (0,))
    docs.counts["run"] += 1


def check_fleet_report(docs, words):
    """On what is in the folder, of a capture that is old: no host is heard."""
    files = [name for word in words[2:] for name in (sorted(glob.glob(word, root_dir=docs.desk)) or [word])]
    tap.check(docs.run([FLOWLIFT, "fleet", "report", *files], codes=(2,), stdin=f"{docs.desk}/fleet.jsonl"),
              f"an answer: {words}")
    docs.counts["run"] += 1


def check_agent(docs, words):
    unknown = [word for word in words[1:] if word.startswith("--") and word[2:].split("=")[0] not in docs.agent_options]
    tap.equal(unknown, [], f"options that flowlift-agent has not: {words}")
    docs.counts["agent's options"] += 1


def check_appctl(docs, words):
    if "flowlift-agent" in words:
        command = words[words.index("flowlift-agent") + 1]
        tap.check(command in docs.agent_commands or command == "COMMAND", f"the agent has that command: {words}",
                  sorted(docs.agent_commands))
        docs.counts["agent's commands"] += 1
    else:
        docs.counts["programs of others"] += 1


def check_make(docs, words):
    targets = [word for word in words[1:] if "=" not in word]
    tap.equal([target for target in targets if target not in docs.targets], [], f"targets that are not there: {words}")
    docs.counts["make's targets"] += 1


def check_systemctl(docs, words):
    ours = {os.path.basename(path) for path in glob.glob(f"{SOURCE}/agent/**/*.service", recursive=True)
            + glob.glob(f"{SOURCE}/agent/**/*.timer", recursive=True)}
    units = [word for word in words[2:] if not word.startswith("-")]
    tap.check(words[1] in ("enable", "start", "stop", "status", "reload", "restart", "edit", "daemon-reload"),
              f"a command of systemctl: {words}")
    # Those of others, and that of docs/fleet.md.
    theirs = ("openvswitch-switch", "libvirtd", "virtqemud", "flowlift-fleet")
    for unit in units:
        name = unit if "." in unit else f"{unit}.service"
        tap.check(name in ours or unit in theirs, f"there is such a unit: {unit}")
    docs.counts["systemctl"] += 1


def check_vsctl(docs, words):
    docs.database.vsctl("--no-wait", *words[1:3], *["--if-exists"] * (words[1] == "get"), *words[3:]) \
        if words[1] != "get" else docs.database.vsctl("--if-exists", *words[1:])
    docs.counts["run on an OVSDB"] += 1


CHECKS = {"flowlift": check_flowlift, "flowlift-agent": check_agent, "ovs-appctl": check_appctl, "make": check_make,
          "systemctl": check_systemctl, "ovs-vsctl": check_vsctl}


def check_words(docs, words):
    while words and (words[0] == "sudo" or re.fullmatch(r"\w+=\S*", words[0])):
        words = words[1:]
    words = [re.sub(r"^/usr/s?bin/", "", words[0]), *words[1:]]
    if words[0] in CHECKS:
        CHECKS[words[0]](docs, words)
        return
    if words[0] in docs.functions:
        return
    tap.check(words[0] in OTHERS, f"a program that this test knows: {words}")
    docs.counts["programs of others"] += 1
    for word in words[1:]:
        if word.startswith("flowlift "):
            check_words(docs, shlex.split(word))


def check_syntax(text):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    tap.equal(done.stderr, "", f"a shell takes it: {text}")


def check_command(docs, line):
    check_syntax(line)
    check_line(docs, line)


def check_line(docs, line):
    """May be a part of a loop."""
    commands = simple_commands(line)
    for words in commands:
        check_words(docs, words)
    programs = [words[0] for words in commands]
    if "jq" in programs and set(programs) <= {"flowlift", "jq", "grep", "cat"}:
        if shutil.which("jq"):
            text = docs.run(["bash", "-o", "pipefail", "-c", line], codes=(0, 1))
            tap.check("vm2" in text, f"it finds vm2: {line}", text)
            docs.counts["pipelines that were run"] += 1
        else:
            tap.note(f"jq is not installed: not run: {line}")


# ---- Other kinds of blocks ----


def check_conf(docs, text):
    path = docs.write("root/etc/flowlift/flowlift.conf", text + "\n")
    try:
        docs.run([FLOWLIFT, "audit", "--from", docs.capture, "--root", docs.root])
    finally:
        os.unlink(path)
    docs.counts["configurations"] += 1


def check_unit(docs, text, sections):
    folder = tempfile.mkdtemp(dir=docs.folder)
    text = text.replace("/usr/bin/flowlift", FLOWLIFT)
    files = {"docs.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n"}
    if "Timer" in sections:
        files["docs.timer"] = text
    elif re.search(r"^ExecStart=", text, re.M):
        files["docs.service"] = text
    else:
        files["docs.service.d/docs.conf"] = text
    for name, content in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(content + "\n")
    if shutil.which("systemd-analyze"):
        env = {**docs.env, "SYSTEMD_UNIT_PATH": f"{folder}:"}
        unit = "docs.timer" if "docs.timer" in files else "docs.service"
        done = subprocess.run(["systemd-analyze", "verify", f"{folder}/{unit}"], env=env, capture_output=True, text=True,
                              timeout=RUN_SECONDS, check=False)
        complaints = [line for line in done.stderr.splitlines() if "docs" in line or folder in line]
        tap.equal(complaints, [], f"systemd-analyze verify: {text}")
    for line in text.splitlines():
        tap.check(re.fullmatch(r"\[\w+\]|[A-Z]\w+=.*|#.*|", line), "a line of a unit", line)
        if command := re.match(rf"Exec\w+=[-+@]*{re.escape(FLOWLIFT)} (.*)", line):
            command_lines.check_line(shlex.split(command[1].replace("%I", "vm2")))
    docs.counts["units"] += 1


def check_ini(docs, block):
    sections = set(re.findall(r"^\[(\w+)\]", block.text, re.M))
    if sections <= UNIT_SECTIONS:
        check_unit(docs, block.text, sections)
    else:
        tap.check(sections and sections <= CONF_SECTIONS, "sections of a unit or of flowlift.conf", sections)
        check_conf(docs, block.text)


def check_json(docs, block):
    document = json.loads(block.text)
    if "schema" in document:
        with open(f"{SOURCE}/docs/flowlift-json.7.scd", encoding="utf-8") as page:
            tap.check(document["schema"] in page.read(), "a schema of flowlift-json(7)", document["schema"])
    docs.counts["JSON"] += 1


def check_cron(docs, block):
    for line in block.text.splitlines():
        if re.match(r"\w+=", line):
            continue
        fields = re.match(r"((?:[\d*,/-]+ ){5})(\w+) (.+)$", line)
        tap.check(fields and "%" not in fields[3], "five times, a user, a command without %", line)
        check_command(docs, fields[3])
        if "jsonl" in line:
            log = docs.write("cron.log", "")
            docs.run(["bash", "-c", re.sub(r"/(?:var/log/flowlift|run)/[\w-]+\.(?:log|jsonl)", log, fields[3])
                      .replace("/run/", f"{docs.folder}/")])
            with open(log, encoding="utf-8") as file:
                names = {json.loads(text)["name"] for text in file}
            tap.equal(names, {"vm2"} if "grep" in line else set(VMS.values()), "VMs that the line finds")
            docs.counts["pipelines that were run"] += 1
        docs.counts["lines of cron"] += 1


def check_yaml(docs, block):
    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from strings(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from strings(inner)

    try:
        import yaml
    except ImportError:
        tap.note("python3-yaml is not installed: the YAML was not parsed")
        found = re.findall(r": (flowlift .*)$", block.text, re.M)
    else:
        found = [text for text in strings(yaml.safe_load(block.text)) if text.startswith("flowlift ")]
    tap.check(found, "a command of flowlift is in it", block.text)
    for line in found:
        check_command(docs, line)
    docs.counts["YAML"] += 1


def check_text(docs, block):
    first = block.text.strip().splitlines()[0].strip()
    reason = next((why for start, why in TEXT.get(block.document, {}).items() if first.startswith(start)), None)
    tap.check(reason, f"{block.document}:{block.line}: an example that can be checked, or TEXT says why not", first)
    docs.counts["text"] += 1


def check_shell(docs, block):
    if block.text.startswith("#!"):
        done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
        tap.equal(done.stderr, "", "a shell takes the script")
    commands = commands_of(block)
    tap.check(commands, "commands are in it", block.text)
    if block.language == "console":
        docs.counts["lines of output, not compared"] += len(re.findall(rf"^(?!{PROMPT}|$)", block.text, re.M))
    if hosts_of(block):
        docs.counts[f"commands that {DONE_WHOLE} carries out"] += len(commands)
    if block.language == "sh":
        check_syntax(block.text)
    docs.functions |= set(re.findall(r"^(\w+)\(\) {", block.text, re.M))
    for line in commands:
        line = line.replace('"$@"', "vm2 start begin -") if block.text.startswith("#!") else line
        (check_line if block.language == "sh" else check_command)(docs, line)


KINDS = {"console": check_shell, "sh": check_shell, "ini": check_ini, "json": check_json, "cron": check_cron,
         "yaml": check_yaml, "text": check_text}


# ---- The promises ----


def every_block(docs):
    "each block: commands are run or taken by flowlift, configurations load, units, cron, JSON and YAML are right"
    failures = []
    for block in docs.blocks:
        language = language_of(block)
        try:
            tap.check(language in KINDS, "a kind of block that this test knows", language)
            KINDS[language](docs, block)
            docs.counts["blocks"] += 1
        except Exception as failure:  # each is told: who writes wants all of them at once
            failures.append(f"{block.document}:{block.line}: {type(failure).__name__}: {failure}")
    tap.check(not failures, "every example is right", *failures)
    tap.check(docs.counts["blocks"] > 30 and docs.counts["run"] > 10, "examples were found", docs.counts)


def the_example_configuration(docs):
    "docs/examples/flowlift.conf, which the package installs, is loaded"
    with open(f"{SOURCE}/docs/examples/flowlift.conf", encoding="utf-8") as file:
        check_conf(docs, file.read())


def every_line_in_the_text(docs):
    "`flowlift ...` within sentences and tables: verb, options and values are such as flowlift takes"
    failures, n = [], 0
    for document, text in docs.documents.items():
        text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
        for line in re.findall(r"`(flowlift [a-z-][^`]*)`", text.replace("\n", " ")):
            line = re.sub(r" \[[A-Z]+\]|\.\.\.$|[ >|]+/.*$", "", line).strip()
            words = [STAND_INS.get(word, word) for word in shlex.split(line)]
            n += 1
            try:
                command_lines.check_line(["hook", "vm-start", "vm2"] if words[1:] in (["hook"], ["hook", "libvirt"])
                                         else verb_alone(words[1:]))
            except tap.Failure as failure:
                failures.append(f"{document}: {failure}")
    tap.check(n > 60, "lines were found", n)
    tap.check(not failures, "every line is taken", *failures)
    docs.counts["lines within text"] = n


def verb_alone(words):
    """A verb that is only named needs no VM."""
    return [*words, "--help"] if len(words) == 1 or all(word.startswith("-") for word in words[1:]) else words


def manual_page_examples(docs):
    "flowlift-json(7): its examples are run"
    with open(f"{SOURCE}/docs/flowlift-json.7.scd", encoding="utf-8") as file:
        lines = re.findall(r"^\t(flowlift .*)$", file.read(), re.M)
    tap.check(len(lines) >= 2, "examples are there", lines)
    for line in lines:
        check_command(docs, line.replace("\\_", "_"))


def links(docs):
    "links lead to files and headings that are there; so do paths of the sources"
    missing, n = [], 0
    for document, text in docs.documents.items():
        folder = os.path.dirname(f"{SOURCE}/{document}")
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
            if target.startswith("http"):
                continue
            n += 1
            path = os.path.normpath(f"{folder}/{target}") if target else f"{SOURCE}/{document}"
            if not os.path.exists(path):
                missing.append(f"{document}: {target}")
            elif anchor:
                with open(path, encoding="utf-8") as file:
                    headings = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                                for heading in re.findall(r"^#+ (.*)$", file.read(), re.M)}
                if anchor not in headings:
                    missing.append(f"{document}: {target}#{anchor}")
        # Its paths are of Open vSwitch and Linux.
        if document == "docs/causes.md":
            continue
        text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
        for path in re.findall(r"(?<![\w/.~-])((?:flows|lib|agent|cli|tests|docs|debian|tools)/[\w/.*-]*\w)", text):
            if re.search(r"[A-Z]{4}|\*", path):
                continue
            n += 1
            # A module is named without its ending, a part of it with "*".
            if not (os.path.exists(f"{SOURCE}/{path}") or glob.glob(f"{SOURCE}/{path}.*") or path in ("docs/fleet.md", "lib/dpif.c", "lib/x86_64-linux-gnu/flowlift/librte_flowlift.so")):
                missing.append(f"{document}: {path}")
    tap.check(n > 80, "links were found", n)
    tap.equal(missing, [], "what is not there")
    docs.counts["links and paths"] = n


def all_documents_are_listed(docs):
    "docs/README.md leads to every document"
    index = docs.documents["docs/README.md"]
    tap.equal([name for name in docs.documents if name.startswith("docs/") and name != "docs/README.md"
               and f"({name[5:]})" not in index], [], "documents that it leaves out")


def tests_that_are_named(docs):
    "what RUN_ELSEWHERE and TEXT name is there, is registered, and is about that"
    with open(f"{SOURCE}/tests/meson.build", encoding="utf-8") as file:
        registered = file.read()
    used = " ".join(line for block in docs.blocks if language_of(block) in ("console", "sh", "cron")
                    for line in [*commands_of(block), block.text])
    tap.equal([what for what in RUN_ELSEWHERE if what not in used], [], "what no example has")
    for what, test in RUN_ELSEWHERE.items():
        with open(f"{SOURCE}/tests/{test}", encoding="utf-8") as file:
            text = file.read()
        tap.check(f'"{what}"' in text or f".{what}(" in text or f"flowlift {what} " in text, f"{test} does {what}")
        folder, name = os.path.split(os.path.splitext(test)[0])
        lists = re.findall({"integration": r"integration_tests = \[(.*?)\]", "kernel": r"kernel_tests = \{(.*?)\}"}[folder],
                           registered, re.S)
        tap.check(any(f"'{name}'" in text for text in lists), f"{test} is in the suite")
    for path in re.findall(r"tests/[\w/.]+", str(TEXT)):
        tap.check(os.path.exists(f"{SOURCE}/{path}"), f"{path} is there")
    used = {(document, start) for document, starts in TEXT.items() for start in starts}
    there = {(block.document, start) for block in docs.blocks for start in TEXT.get(block.document, {})
             if block.text.strip().startswith(start)}
    tap.equal(sorted(used - there), [], "exceptions that nothing needs")


def what_is_wrong_is_found(docs):
    "a wrong option, verb, key, unit, cron line and JSON are each found"
    for language, text in (("console", "# flowlift audit --no-such"), ("console", "# flowlift adit"),
                           ("console", "# flowlift plan"), ("console", "# flowlift audit --window x"),
                           ("console", "# flowlift explain vm9"), ("console", "# frobnicate"),
                           ("console", "# make no-such"), ("console", "# systemctl enable flowlift"),
                           ("console", "# ovs-appctl -t flowlift-agent no-such"),
                           ("console", "# flowlift audit --json | jq '.nothing[] | .name'"),
                           ("ini", "[audit]\nwindw = 5"), ("ini", "[Service]\nExecStart=/usr/bin/flowlift audit --no"),
                           ("cron", "* * * * root flowlift audit"), ("json", "{"), ("yaml", "- a: flowlift audit --no"),
                           (None, "some text that is no example")):
        block = Block("docs/x.md", 1, language, text)
        try:
            KINDS[language_of(block)](docs, block)
        except Exception:
            continue
        raise tap.Failure(f"not found: {text}")


def how_many(docs):
    "what was looked at, counted"
    for what, n in sorted(docs.counts.items()):
        tap.note(f"{n:4} {what}")


if __name__ == "__main__":
    tap.run([every_block, the_example_configuration, every_line_in_the_text, manual_page_examples, links, all_documents_are_listed,
             tests_that_are_named, how_many, what_is_wrong_is_found], Docs)
