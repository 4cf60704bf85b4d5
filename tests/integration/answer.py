# SPDX-License-Identifier: Apache-2.0
"""One run of flowlift on a lab, and what it answers: shared by the tests of both benches."""

import json
import os
import subprocess

import tap

SOURCE = os.environ.get("FLOWLIFT_SOURCE") or os.path.abspath(f"{__file__}/../../..")
BUILD = os.environ.get("FLOWLIFT_BUILD") or f"{SOURCE}/build"
FLOWLIFT = os.environ.get("FLOWLIFT") or f"{BUILD}/cli/flowlift"
# A sanitizer makes everything slower; events are waited for that much longer.
SANITIZED = os.environ.get("FLOWLIFT_SANITIZE", "none") != "none"
PATIENCE = 4 if SANITIZED else 1
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
            f"$ flowlift {' '.join(map(str, self.words))}\nexit code {self.code}\n"
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


class RunsFlowlift:
    """flowlift on self.lab, which has root, env, wait_until() and the LabError that it raises."""

    lab = None
    lab_error = Exception

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

    def start(self, *words, prefix=(), env=None):
        """Starts flowlift; finish() gives its Answer."""
        return subprocess.Popen(
            [*prefix, *self.command(*words)],
            env=self.environment(**(env or {})),
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
        tap.check((document["incomplete"], answer.code) == (None, int(odd)),
                  "status is complete, and its exit code says whether there is a note", document)
        entries = [entry for entry in document["remedies"] if entry["vm"] == name]
        tap.check(len(entries) <= 1, f"{name} is in status at most once", document)
        return entries[0] if entries else None

    def apply(self, *words, name="vm2"):
        return self.flowlift("apply", name, *words).expect(0, "exit code of apply")

    def revert(self, *words):
        return self.flowlift("revert", *(words or ("vm2",))).expect(0, "exit code of revert")

    def await_verdicts(self, expected, seconds=20):
        """Until audit says so: flows need the grace time, offloads some 100 ms."""

        def as_expected():
            self.last_verdicts = self.verdicts("--window", "1")
            return all(self.last_verdicts.get(name) == v for name, v in expected.items())

        try:
            self.lab.wait_until(as_expected, seconds * PATIENCE, f"verdicts {expected}", 0.1)
        except self.lab_error as error:
            raise tap.Failure(f"{error}\nlast seen: {self.last_verdicts}") from None
