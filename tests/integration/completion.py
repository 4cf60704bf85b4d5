# SPDX-License-Identifier: Apache-2.0
"""Bash completion with the names of this host, in a bash as people have it: on a terminal, with TAB.

What is looked at is what the command would have been given, not what the completion thinks it offered.
"""

import hashlib
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap
from answer import BUILD, FLOWLIFT, RUN_SECONDS, SANITIZED
from private_ovs import PrivateOvs, SCHEMA, wait_until

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
NAMES = ["web-1", "web-2", "mail 7", "it's", 'say "hi" $HOME `id` \\n', "db:main:1", "db:main:2", "key=value",
         "user@host", "(group) & co; *", "müller", "~root", "#1", "!x"]
# Never offered: it would be written to the terminal.
DANGEROUS = "esc\033[2Jx"
REMEDY = {"schema": "flowlift/remedy/1", "reason": None, "ticket": None, "who": "root",
          "created": "2026-01-01T00:00:00.000Z", "changed": "2026-01-01T00:00:00.000Z", "confirm_by": None,
          "until": None, "before": None, "after": None}


def cookie_of(vm_id):
    """As fl_cookie_of_vm() makes it: FNV-1a, folded to 48 bits."""
    value = 0xcbf29ce484222325
    for byte in vm_id.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return f"{0xf10f << 48 | (value ^ value >> 48) % 2**48:#x}"


class Database(PrivateOvs):
    """OVSDB alone, with VMs in it: completion asks nobody else."""

    def __enter__(self):
        subprocess.run(["ovsdb-tool", "create", self.path("conf.db"), SCHEMA], check=True)
        self._start("ovsdb-server", self.path("conf.db"), f"--remote=punix:{self.path('db.sock')}")
        wait_until(lambda: os.path.exists(self.path("db.sock")), "ovsdb-server")
        words = ["--no-wait", "init", "--", "add-br", "br0"]
        for number, name in enumerate([*NAMES, DANGEROUS, "twin", "twin"]):
            port = f"p{number}"
            words += ["--", "add-port", "br0", port, "--", "set", "Interface", port,
                      f"external_ids:vm-id=id-{number}", f"external_ids:vm-name={json.dumps(name)}"]
        self.vsctl(*words)
        return self


class Desk:
    """That database, flowlift's own files, and a `flowlift` that writes down what it is given."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-tab-")
        self.root = f"{self.folder}/root dir"
        os.makedirs(f"{self.folder}/bin")
        self.given = f"{self.folder}/given"
        self._program()
        self.database = Database().__enter__()
        self.env = {**self.database.env, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                    "TERM": "dumb", "PS1": "READY>", "HOME": self.folder, "HISTFILE": ""}
        for name in ("web 9", "file one.json", "file:two.json"):
            with open(f"{self.folder}/{name}", "w", encoding="utf-8"):
                pass
        self._remedies()
        return self

    def __exit__(self, *_):
        self.database.__exit__()
        shutil.rmtree(self.folder)

    def _program(self):
        path = f"{self.folder}/bin/flowlift"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
[ "$1" = completion ] && exec {shlex.quote(FLOWLIFT)} "$@"
printf '%s\\0' "$@" >{shlex.quote(self.given)}.new
mv {shlex.quote(self.given)}.new {shlex.quote(self.given)}
""")
        os.chmod(path, 0o755)

    def _remedies(self):
        folder = f"{self.root}/var/lib/flowlift/remedies"
        os.makedirs(folder)
        for name, state in (("old one", "reverted"), ("web-2", "verified"), ("mail 7", "suspended")):
            rule = {"bridge": "br0", "direction": "from-vm", "priority": 65000, "match": "tcp,reg15=0/0x1,in_port=1",
                    "actions": "NORMAL", "decoy": False}
            rule_set = {"vm": {"id": f"id-{name}", "name": name}, "cookie": cookie_of(f"id-{name}"),
                        "guard": {"reg": 15, "mask": "0x1"}, "rules": [rule], "wide": [], "zones": [], "ports": [],
                        "relaxations": [], "exceptions": [], "traces": 0, "regions": 0, "proof_ms": 0, "basis": None}
            file_name = hashlib.sha1(f"id-{name}".encode()).hexdigest()
            with open(f"{folder}/{file_name}.json", "w", encoding="utf-8") as file:
                json.dump({**REMEDY, "state": state, "flow_set": rule_set}, file)

    def names(self, *words, **env):
        done = subprocess.run([FLOWLIFT, "completion", *words], env={**self.env, **env}, capture_output=True,
                              text=True, timeout=RUN_SECONDS, check=False)
        tap.equal((done.returncode, done.stderr), (0, ""), "exit code and stderr")
        return done.stdout.splitlines()


class Shell:
    """An interactive bash on a terminal."""

    def __init__(self, desk, with_package=False):
        self.desk = desk
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(desk.folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], desk.env)
        self.seen = ""
        self.until("READY>")
        # bash has no prompt of its own while this runs; what is typed next is read by readline.
        self.run("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; set +H")
        if with_package:
            # Installed, as the package does it: found by the command's name at the first TAB.
            folder = f"{desk.folder}/installed/completions"
            os.makedirs(folder, exist_ok=True)
            shutil.copy(f"{BUILD}/cli/flowlift.bash", folder)
            self.run(f"BASH_COMPLETION_USER_DIR={folder[:-len('/completions')]}; . {BASH_COMPLETION}")
        else:
            self.run("source <(flowlift completion bash)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def until(self, text):
        """Reads up to @text. Return: what came before it."""
        deadline = time.monotonic() + 20 * (4 if SANITIZED else 1)
        while text not in self.seen:
            tap.check(time.monotonic() < deadline, f"the shell says {text!r}", self.seen)
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def write(self, text):
        os.write(self.fd, text.encode())

    def run(self, line):
        self.write(line + "\n")
        self.until("READY>")

    def given(self, typed):
        """The words that flowlift gets when @typed (with its TABs) is entered."""
        if os.path.exists(self.desk.given):
            os.unlink(self.desk.given)
        self.run(typed)
        tap.check(os.path.exists(self.desk.given), f"flowlift was called: {typed!r}", self.seen)
        with open(self.desk.given, encoding="utf-8") as file:
            return file.read().split("\0")[:-1]


def names_of_the_host(desk):
    "completion vms: the names that OVSDB has, none with control characters, each its own"
    names = desk.names("vms")
    twins = [f"twin (id-{len(NAMES) + 1})", f"twin (id-{len(NAMES) + 2})"]
    tap.equal(sorted(names), sorted([*NAMES, f"id-{len(NAMES)}", *twins]), "names")
    tap.equal(desk.names("remedies", "--root", desk.root), ["mail 7", "web-2"], "remedies that are not reverted")
    tap.equal(desk.names("remedies", "--root", f"{desk.folder}/none"), [], "no remedies")


def quickly_or_nothing(desk):
    "OVSDB away, or hung: nothing, exit code 0, not a word, within 300 ms"
    tap.equal(desk.names("vms", OVS_RUNDIR="/nowhere", OVS_DBDIR="/nowhere"), [], "no OVSDB")
    for hung in (False, True):
        if hung:
            desk.database.hang("ovsdb-server")
        started = time.monotonic()
        names = desk.names("vms")
        took = (time.monotonic() - started) * 1000
        if hung:
            desk.database.go_on("ovsdb-server")
        tap.equal(bool(names), not hung, "names")
        tap.note(f"{took:.0f} ms{' with a hung ovsdb-server' if hung else ''}")
        tap.in_time(took, 400, "quick")


def complete(desk, line, setup=""):
    """COMPREPLY for @line with the cursor at its end, as bash itself takes it apart; no terminal."""
    script = f"""{setup}
source <(flowlift completion bash)
compopt() {{ :; }}
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_WORDS=("${{@:2}}") COMP_CWORD=$(($# - 2))
_flowlift
((${{#COMPREPLY[@]}})) && printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    words = line.replace(":", " : ").replace("=", " = ").split(" ") if ":" in line or "=" in line else line.split(" ")
    if line.endswith((":", "=")):
        words.pop()
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", line, *words], env=desk.env, cwd=desk.folder,
                          capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    tap.equal(done.stderr, "", f"stderr for {line!r}")
    return sorted(done.stdout.splitlines())


def what_is_offered(desk):
    "COMP_WORDS and COMP_LINE: names for the VM, remedies, causes, files, values, each where it belongs"
    for setup in ("", f". {BASH_COMPLETION}"):
        if setup and not os.path.exists(BASH_COMPLETION):
            tap.note("the package bash-completion is not installed")
            continue
        for verb in ("explain", "plan", "apply", "history", "hook vm-start", "watch", "report", "fleet apply", "fleet revert",
                     "fleet history", "fleet --ticket 5 apply"):
            tap.equal(complete(desk, f"flowlift {verb} web", setup), ["web-1", "web-2"], verb)
        for words in ("audit --vm", "flows --vm", "audit --json --vm", "flows --storage --vm"):
            tap.equal(complete(desk, f"flowlift {words} web", setup), ["web-1", "web-2"], words)
        tap.equal(complete(desk, "flowlift audit --vm=web", setup), ["web-1", "web-2"], "--vm=")
        tap.equal(complete(desk, "flowlift apply db:main:", setup), ["1", "2"], "behind the last colon")
        tap.equal(complete(desk, "flowlift apply --ticket 5 web-1", setup), ["web-1"], "behind an option with a value")
        tap.equal(complete(desk, "flowlift apply web-1 we", setup), [], "one VM, and no more")
        tap.equal(complete(desk, "flowlift apply --ticket we", setup), [], "a value that nobody knows")
        tap.equal(complete(desk, "flowlift causes conntrack-h", setup), ["conntrack-helper"], "a cause")
        tap.equal(complete(desk, "flowlift audit --from fi", setup), ["file one.json", "file:two.json"], "files")
        tap.equal(complete(desk, "flowlift plan -o fi", setup), ["file one.json", "file:two.json"], "files")
        tap.equal(complete(desk, "flowlift fleet report --json fi", setup), ["file one.json", "file:two.json"], "files")
        tap.equal(complete(desk, "flowlift fleet status we", setup), [], "a word of fleet that takes nothing")
        tap.equal(complete(desk, "flowlift fleet re", setup), ["report", "revert"], "words of fleet")
        tap.equal(complete(desk, "flowlift flows --path=dp", setup), ["dp-sw"], "a word behind =")
        tap.equal(complete(desk, "flowlift revert --al", setup), ["--all"], "an option")
        tap.equal(complete(desk, f"flowlift --db unix:{desk.database.path('db.sock')} apply web-1", setup),
                  ["web-1"], "--db in front of the verb, with a colon in it")
        tap.equal(complete(desk, "flowlift apply --db unix:/nowhere web", setup), [], "another database")


def with_tab(desk, shell):
    for name in NAMES:
        same = [other for other in NAMES if other[:2] == name[:2]]
        typed = name[:2] if len(same) == 1 else name
        tap.equal(shell.given(f"flowlift apply {shlex.quote(typed)[:-1] if shlex.quote(typed) != typed else typed}\t"),
                  ["apply", name], f"{name}, its beginning as a shell takes it")
        if "'" not in typed:
            tap.equal(shell.given(f"flowlift apply '{typed}\t"), ["apply", name], f"{name}, in single quotes")
        if not set(typed) & set('"$`\\'):
            tap.equal(shell.given(f'flowlift audit --vm "{typed}\t'), ["audit", "--vm", name],
                      f"{name}, in double quotes")
        backslashed = "".join(c if c.isalnum() or c in "-:=@" else f"\\{c}" for c in typed)
        tap.equal(shell.given(f"flowlift plan {backslashed}\t --json"), ["plan", name, "--json"],
                  f"{name}, with backslashes")


def tab_without_the_package(desk):
    "TAB on a terminal: each name arrives as it is, however its beginning was quoted"
    with Shell(desk) as shell:
        with_tab(desk, shell)


def tab_with_the_package(desk):
    "the same with the package bash-completion, which loads the installed file by itself"
    if not os.path.exists(BASH_COMPLETION):
        tap.skip("the package bash-completion is not installed")
    with Shell(desk, with_package=True) as shell:
        with_tab(desk, shell)


def tab_for_remedies_and_files(desk):
    "TAB: revert, verify, confirm have the VMs with a remedy of --root; files with blanks and colons"
    with Shell(desk) as shell:
        for verb in ("revert", "verify", "confirm"):
            tap.equal(shell.given(f"flowlift {verb} --root root\\ dir ma\t"), [verb, "--root", "root dir", "mail 7"], verb)
        tap.equal(shell.given("flowlift revert --root 'root dir' w\t"), ["revert", "--root", "root dir", "web-2"], "revert")
        for typed, file in (("'file o", "file one.json"), ("file\\ o", "file one.json"), ("file:", "file:two.json"),
                            ("file\\:", "file:two.json"), ('"file ', "file one.json")):
            tap.equal(shell.given(f"flowlift audit --from {typed}\t"), ["audit", "--from", file], typed)
            if not typed.startswith(("'", '"')):
                tap.equal(shell.given(f"flowlift audit --from={typed}\t"), ["audit", f"--from={file}"], typed)
        tap.equal(shell.given("flowlift exp\t web-1"), ["explain", "web-1"], "a verb")


def tab_lists(desk):
    "TAB twice lists what there is, and leaves the line as it is"
    with Shell(desk) as shell:
        shell.write("flowlift apply web-\t\t")
        shell.until("web-1")
        shell.until("web-2")
        shell.until("flowlift apply web-")
        tap.equal(shell.given("1"), ["apply", "web-1"], "the line goes on")


if __name__ == "__main__":
    tap.run([names_of_the_host, quickly_or_nothing, what_is_offered, tab_without_the_package, tab_with_the_package,
             tab_for_remedies_and_files, tab_lists], Desk)
