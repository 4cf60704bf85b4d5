#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what `meson test` ran, subtest by subtest.

Reads Meson's testlog.json, shows the output of what failed and the reason of what was skipped,
and closes with one line: "N passed, N failed, N skipped". Exit status 1 if anything failed, or
if, with CI=true, something was skipped that tests/expected-skips does not list.
"""

import argparse
import fnmatch
import json
import os
import re
import sys
from pathlib import Path

RESULT = re.compile(
    r"^(?P<result>ok|not ok)\b\s*(?P<number>\d+)?\s*(?:- )?(?P<name>.*?)"
    r"(?:\s*(?<!\\)#\s*(?P<directive>SKIP|TODO)\S*\s*(?P<reason>.*))?$",
    re.IGNORECASE,
)
PLAN = re.compile(r"^1\.\.(?P<count>\d+)(?:\s*#\s*SKIP\S*\s*(?P<reason>.*))?$", re.IGNORECASE)
BAIL_OUT = re.compile(r"^Bail out!\s*(?P<reason>.*)$", re.IGNORECASE)
GOOD_RESULTS = ("OK", "SKIP", "EXPECTEDFAIL")
SHOWN_LINES = 60
# Failures of a program as a whole: no subtest has the explanation.
PROGRAM_FAILURES = ("bail out", "end of the program", "plan")
MESON_NOTE = re.compile(r"\n?\(test program exited with status code \d+\)\n?")


class Outcome:
    """One subtest: result is "passed", "failed" or "skipped"."""

    def __init__(self, result, name, detail=""):
        self.result = result
        self.name = name
        self.detail = detail


def tail(text):
    lines = text.rstrip().splitlines()
    if len(lines) > SHOWN_LINES:
        lines = [f"... ({len(lines) - SHOWN_LINES} lines before)"] + lines[-SHOWN_LINES:]
    return "\n".join(lines)


def parse_tap(text):
    """The outcomes of TAP output. A wrong plan is a failure of its own."""
    outcomes = []
    planned = None
    notes = []  # comment lines since the last result
    for line in text.splitlines():
        if match := PLAN.match(line):
            planned = int(match["count"])
            if planned == 0:
                outcomes.append(Outcome("skipped", "all", match["reason"] or "no reason given"))
        elif match := BAIL_OUT.match(line):
            outcomes.append(Outcome("failed", f"bail out: {match['reason']}", "\n".join(notes[-5:])))
            return outcomes
        elif match := RESULT.match(line):
            outcomes.append(outcome_of(match, notes))
            notes = []
        elif line.startswith("#"):
            notes.append(line.lstrip("# "))
            if outcomes and outcomes[-1].result == "failed":
                outcomes[-1].detail += line + "\n"
    if planned is None:
        outcomes.append(Outcome("failed", "plan", "the output holds no TAP plan (1..N)"))
    elif planned and planned != len(outcomes):
        outcomes.append(Outcome("failed", "plan", f"{planned} planned, {len(outcomes)} ran"))
    return outcomes


def outcome_of(match, notes):
    name = match["name"] or f"subtest {match['number']}"
    directive = (match["directive"] or "").upper()
    if directive == "SKIP":
        reason = match["reason"]
        if match["result"].lower() != "ok":
            # cmocka 1.1.5: "not ok 2 # SKIP name". Its tests print the reason as a comment before.
            name, reason = reason, ""
        return Outcome("skipped", name, reason or (notes[-1] if notes else "no reason given"))
    if match["result"].lower() == "ok" or directive == "TODO":
        return Outcome("passed", name)
    return Outcome("failed", name, "".join(f"# {note}\n" for note in notes))


def outcomes_of_test(test):
    """Outcomes of one line of testlog.json."""
    if test["result"] == "SKIP" and not test["stdout"]:
        return [Outcome("skipped", "all", "no reason given")]
    outcomes = parse_tap(test["stdout"] or "")
    results = {outcome.result for outcome in outcomes}
    if "failed" in results:
        return outcomes
    # Meson takes cmocka's way to skip for a failure, but the program itself does not.
    skip_of_cmocka = test["result"] == "FAIL" and not test["returncode"] and "skipped" in results
    if test["returncode"] or not (test["result"] in GOOD_RESULTS or skip_of_cmocka):
        reason = f"{test['result'].lower()}, exit status {test['returncode']}"
        outcomes.append(Outcome("failed", "end of the program", reason))
    return outcomes


def short_name(name):
    """Meson says "flowlift:unit / test_flow"; the test is test_flow."""
    return name.rsplit(" / ", 1)[-1]


def read_expected_skips(path):
    """Lines "test: subtest  # why"; * and ? are wildcards."""
    if not path.exists():
        return []
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def show_failures(test, outcomes):
    failures = [outcome for outcome in outcomes if outcome.result == "failed"]
    if not failures:
        return
    for failure in failures:
        print(f"\nFAILED {short_name(test['name'])}: {failure.name}")
        if failure.detail:
            print(tail(failure.detail))
    streams = ["stderr"]
    if any(not failure.detail or failure.name.startswith(PROGRAM_FAILURES) for failure in failures):
        streams.insert(0, "stdout")
    for stream in streams:
        text = MESON_NOTE.sub("", test.get(stream) or "").strip()
        if text:
            print(f"---- {stream} of {short_name(test['name'])}\n{tail(text)}\n----")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path, help="meson-logs/testlog.json")
    parser.add_argument("--meson-status", type=int, default=0, help="exit status of meson test")
    parser.add_argument(
        "--expected-skips", type=Path, default=Path(__file__).with_name("expected-skips")
    )
    args = parser.parse_args()

    expected = read_expected_skips(args.expected_skips)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    unexpected = 0
    tests = []
    if args.log.exists():
        tests = [json.loads(line) for line in args.log.read_text().splitlines() if line]
    for test in tests:
        outcomes = outcomes_of_test(test)
        for outcome in outcomes:
            counts[outcome.result] += 1
            if outcome.result == "skipped":
                where = f"{short_name(test['name'])}: {outcome.name}"
                known = any(fnmatch.fnmatchcase(where, pattern) for pattern in expected)
                unexpected += not known
                print(f"SKIPPED {where}: {outcome.detail}{'' if known else ' (unexpected)'}")
        show_failures(test, outcomes)

    status = int(counts["failed"] > 0)
    if args.meson_status and all(test["result"] in GOOD_RESULTS for test in tests):
        print(f"meson test ended with status {args.meson_status}")
        status = 1
    if not tests:
        print("no test ran")
        status = 1
    if unexpected and os.environ.get("CI") == "true":
        print(f"{unexpected} skipped that tests/expected-skips does not list")
        status = 1
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return status


if __name__ == "__main__":
    sys.exit(main())
