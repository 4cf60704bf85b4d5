# SPDX-License-Identifier: Apache-2.0
"""flowlift-json(7) names every schema, and every key of what flowlift writes.

Keys are looked for in two ways: in what the verbs write that need no switch, and in the source of all documents, those of
verbs that do need one included. Both are held against the bold words of the page, section by section.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/integration")

import samples  # noqa: E402
import tap  # noqa: E402
from answer import BUILD, FLOWLIFT, RUN_SECONDS, SOURCE  # noqa: E402

AGENT = os.environ.get("FLOWLIFT_AGENT") or f"{BUILD}/agent/flowlift-agent"
PAGE = f"{BUILD}/docs/flowlift-json.7"
# What follows has keys that are not flowlift's: `tc -j`, and maps of OVSDB.
FOREIGN = ("tc", "other_config", "external_ids", "options", "status")
# Where documents are made, and of what: the source of keys that no run without a switch shows.
MAKERS = {
    "cli/verb_explain.c": "explain", "cli/asked_view.c": "explain", "cli/heard_view.c": "explain",
    "cli/origin_view.c": "explain", "cli/ovn_view.c": "explain", "cli/peer_view.c": "explain",
    "cli/chain_view.c": "explain", "cli/why_view.c": "explain", "cli/flow_record.c": "flows",
    "cli/verb_flows.c": "flows", "cli/nic_rules_view.c": "flows", "flows/nic_rule_json.c": "flows",
    "cli/plan_view.c": "plan", "cli/outcome_view.c": "apply", "cli/verb_apply.c": "apply",
    "cli/verb_revert.c": "revert", "cli/verb_confirm.c": "confirm", "cli/verb_guard.c": "guard",
    "cli/verb_status.c": "status", "cli/verb_history.c": "history", "lib/store/journal.c": "history",
    "lib/remedy_steps.c": "history", "lib/remedy_reoffer.c": "history", "cli/verb_capture.c": "capture",
    "cli/verb_doctor.c": "doctor", "cli/verb_causes.c": "causes", "flows/audit_json.c": "audit",
    "lib/audit_document.c": "audit", "lib/audit_host.c": "audit", "lib/document.c": "audit",
    "flows/flowset_json.c": "remedy", "lib/store/remedies_json.c": "remedy", "agent/report.c": "agent-status",
    "agent/report_audit.c": "agent-status", "agent/auto_json.c": "auto", "lib/event/event_json.c": "event",
    "agent/fleet_link.c": "agent-status", "cli/report_document.c": "report", "cli/report_facts.c": "report",
    "cli/report_points.c": "report", "cli/report_remedy.c": "report", "cli/report_vm.c": "report",
    "cli/fleet_json.c": "fleet-report", "cli/verb_fleet.c": "fleet-report",
    "cli/fleet_cluster.c": "fleet-apply fleet-history",
    "lib/fleet/query_rows.c": "fleet-history", "lib/fleet/steps.c": "fleet-history",
}
# JSON of a moment, between two processes of the same version; what a capture or a filter of TC is made of; questions to
# Open vSwitch, OVN and the fleet's database, and what a host tells that.
NO_DOCUMENT = {"lib/order_json.c", "lib/agent_client.c", "agent/audit.c", "agent/repair.c", "agent/verify.c",
               "agent/orders.c", "flows/inventory_json.c", "flows/tc_json.c", "flows/tc_action_json.c",
               "flows/tc_opts_json.c", "flows/tc_text_json.c", "flows/nic_profile_json.c", "flows/tc_key.c",
               "flows/tc_text.c", "flows/tc_text_action.c", "flows/tc_text_line.c", "lib/ovn/find.c", "lib/ovn/keys.c",
               "lib/ovs/ctl.c", "lib/ovs/transact.c", "cli/live_reader.c", "cli/live_source.c", "agent/share.c",
               "lib/fleet/act.c", "lib/fleet/enter.c", "lib/fleet/query.c"}


class Page:
    """The bold words of each section, and flowlift where no switch is."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-json-")
        self.root = f"{self.folder}/root"
        self.env = {**os.environ, "LC_ALL": "C.UTF-8"}
        for name in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR"):
            self.env[name] = self.folder
        self.capture = self.write("capture.json", json.dumps(json.loads(samples.capture())))
        self.dump = self.write("dump.txt", samples.dump())
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()
        self.shared, self.sections, self.borrowed = set(), {}, {}
        part = ""
        for block in re.split(r"^(?=\.S[HS] )", self.text, flags=re.M):
            heading = block.splitlines()[0].replace("\\", "")
            words = {word.replace("\\", "") for word in re.findall(r"\\fB(.*?)\\fR", block, re.S)}
            part = heading if heading.startswith(".SH") else part
            if "DESCRIPTION" in heading or "SEVERAL" in part:
                self.shared |= words
            for schema in re.findall(r"flowlift/([\w-]+)/1", heading):
                self.sections[schema] = words
                # "as in explain": what that section says holds here, too.
                self.borrowed[schema] = re.findall(r"\b(?:[Aa]s\s+in|entries\s+of)\s+([a-z]+)", block)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def lacks(self, schema, keys):
        """Those of @keys that the section of @schema and those on shared objects do not name."""
        tap.check(schema in self.sections, f"there is a section on flowlift/{schema}/1", list(self.sections))
        borrowed = [self.sections[name] for name in self.borrowed[schema] if name in self.sections]
        return sorted(set(keys) - self.sections[schema].union(self.shared, *borrowed))

    def flowlift(self, *words, codes=(0, 1)):
        where = () if words[0] in ("causes", "fleet") else ("--root", self.root)
        done = subprocess.run([FLOWLIFT, words[0], *where, *words[1:]], env=self.env, capture_output=True, text=True,
                              timeout=RUN_SECONDS, check=False)
        tap.check(done.returncode in codes, f"exit code of {words}", done.returncode, done.stderr)
        return done.stdout

    def explains(self, document):
        """All of its keys are in the page."""
        schema = document["schema"].split("/")[1]
        keys = set(keys_of(document))
        tap.check(len(keys) > 3, "keys were found", keys)
        tap.equal(self.lacks(schema, keys), [], f"keys of {document['schema']} that the page leaves out")


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in FOREIGN:
                yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def reading_verbs(page):
    "audit (JSON and lines), flows, explain, watch, report, of a capture or a dump, and fleet report: every key"
    for source in (page.capture, page.dump):
        for words in (("audit", "--json"), ("flows", "--json")):
            page.explains(json.loads(page.flowlift(*words, "--from", source, codes=(0, 1, 2))))
    page.explains(json.loads(page.flowlift("explain", "web-2", "--json", "--from", page.capture)))
    lines = page.flowlift("audit", "--format", "jsonl", "--from", page.capture)
    for line in lines.splitlines():
        page.explains(json.loads(line))
    page.explains(json.loads(page.flowlift("watch", "--json", "--from", page.capture)))
    for words in (("report",), ("report", "web-2")):
        page.explains(json.loads(page.flowlift(*words, "--json", "--from", page.capture, "--from", page.capture)))
    audit = page.write("audit.jsonl", lines + "{")
    page.explains(json.loads(page.flowlift("fleet", "report", "--json", audit, codes=(2,))))


def other_verbs(page):
    "causes, doctor, history without a switch, and the event of a hook: every key"
    page.explains(json.loads(page.flowlift("causes", "--json")))
    page.explains(json.loads(page.flowlift("doctor", "--json", codes=(0, 1, 2))))
    os.makedirs(f"{page.root}/var/log/flowlift", exist_ok=True)
    line = {"time": "2026-03-01T12:00:00.000Z", "who": "root", "vm": "web-2", "vm_id": "2", "ticket": None,
            "step": "plan", "state": "planned", "reason": None}
    page.write("root/var/log/flowlift/journal.jsonl", json.dumps(line) + "\n")
    document = json.loads(page.flowlift("history", "--json"))
    tap.equal(len(document["entries"]), 1, "entries of the journal")
    page.explains(document)
    page.flowlift("hook", "vm-start", "web-2")
    folder = f"{page.root}/run/flowlift/events"
    (name,) = [name for name in os.listdir(folder) if not name.startswith(".")]
    with open(f"{folder}/{name}", encoding="utf-8") as file:
        page.explains(json.load(file))


def the_agent(page):
    "status --json of an agent without a switch: every key"
    root = f"{page.folder}/agent"
    os.makedirs(f"{root}/etc/flowlift")
    socket = f"{page.folder}/agent.ctl"
    with subprocess.Popen([AGENT, "--root", root, "--unixctl", socket, "--db", "unix:/nowhere"], env=page.env,
                          stderr=subprocess.DEVNULL) as agent:
        try:
            document = None
            for _ in range(600):
                done = subprocess.run(["ovs-appctl", "-t", socket, "status", "--json"], env=page.env,
                                      capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
                if not done.returncode:
                    document = json.loads(done.stdout)
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    agent.wait(0.1)
                    break
            tap.check(document, "the agent answers", agent.poll(), done.stderr)
            page.explains(document)
        finally:
            agent.terminate()


def arguments_of(text, start):
    """The arguments of the call whose parenthesis opens at @start, split at its commas."""
    parts, depth, begin, i = [], 0, start + 1, start
    while True:
        if text[i] == '"':
            i += 1
            while text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        elif text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
        if not depth or (depth == 1 and text[i] == ","):
            parts.append(text[begin:i].strip())
            begin = i + 1
        if not depth:
            return parts
        i += 1


def packed_keys(arguments):
    """Keys of a json_pack(): the strings that stand where its format has a key."""
    form = "".join(re.findall(r'"(.*?)"', arguments[0]))
    values = iter(arguments[1:])
    is_key = [False]
    for letter in form:
        if letter in "{[":
            is_key.append(letter == "{")
        elif letter in "}]":
            is_key.pop()
            is_key[-1] = not is_key[-1] if len(is_key) > 1 else False
        elif letter.isalpha():
            value = next(values, None) if letter != "n" else None
            if is_key[-1] and value and value.startswith('"'):
                yield value.strip('"')
            if len(is_key) > 1:
                is_key[-1] = not is_key[-1]


def keys_in_source(text):
    for call in re.finditer(r"json_object_set_new\(", text):
        arguments = arguments_of(text, call.end() - 1)
        if arguments[1].startswith('"'):
            yield arguments[1].strip('"')
    for call in re.finditer(r"json_pack\(", text):
        yield from packed_keys(arguments_of(text, call.end() - 1))
    # Streams: \"rules\": [
    yield from re.findall(r'\\"(\w+)\\": ', text)


def source_of(path):
    with open(f"{SOURCE}/{path}", encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)


def keys_of_the_sources(page):
    "every key that the code writes, also where it needs a switch, is in the section of its schema"
    tap.equal(list(packed_keys(['"{s:{s:o, s:o}, s:[o], s:b}"', '"vm"', '"id"', "x", '"name"', "y", '"list"', "z",
                                '"new"', "true"])), ["vm", "id", "name", "list", "new"], "a format that is taken apart")
    n, missing = 0, {}
    for path, schemas in MAKERS.items():
        keys = set(keys_in_source(source_of(path)))
        n += len(keys)
        if lacking := set.intersection(*(set(page.lacks(schema, keys)) for schema in schemas.split())):
            missing[path] = sorted(lacking)
    tap.check(n > 250, "keys were found in the sources", n)
    tap.equal(missing, {}, "keys that the page leaves out")
    tap.note(f"{n} keys of {len(MAKERS)} files")


def all_sources_are_read(_):
    "no source file writes JSON that this test does not know of"
    found = set()
    for folder in ("cli", "lib", "agent", "flows"):
        for where, _folders, names in os.walk(f"{SOURCE}/{folder}"):
            for name in names:
                path = os.path.relpath(f"{where}/{name}", SOURCE)
                if name.endswith(".c") and not path.startswith("lib/dpdk/") and list(keys_in_source(source_of(path))):
                    found.add(path)
    tap.equal(sorted(found - set(MAKERS) - NO_DOCUMENT), [], "sources that are in neither list")


def schemas_of_the_sources(page):
    "every schema that the sources name has a section, and no section is of one that is gone"
    found = set()
    for path in subprocess.run(["grep", "-rlE", "flowlift/[a-z-]+/1|fl_document(_here)?\\(", f"{SOURCE}/cli",
                                f"{SOURCE}/lib", f"{SOURCE}/agent", f"{SOURCE}/flows", "--include=*.[ch]"],
                               capture_output=True, text=True, check=True).stdout.splitlines():
        text = source_of(os.path.relpath(path, SOURCE))
        found |= set(re.findall(r'"flowlift/([a-z-]+)/1"', text))
        found |= set(re.findall(r'fl_document(?:_here)?\("([a-z-]+)"', text))
    # Documents that are called as their verb: fl_document_here(verb).
    found |= {"apply", "verify", "plan"}
    # Called by their word.
    words = source_of("cli/fleet_cluster.c")
    found |= {name for name in re.findall(r'"(fleet-[a-z]+)"', words)}
    tap.check(len(found) > 18, "schemas were found", sorted(found))
    tap.equal(sorted(found - set(page.sections)), [], "schemas without a section")
    tap.equal(sorted(set(page.sections) - found), [], "sections of a schema that is nowhere")


if __name__ == "__main__":
    tap.run([reading_verbs, other_verbs, the_agent, keys_of_the_sources, all_sources_are_read,
             schemas_of_the_sources], Page)
