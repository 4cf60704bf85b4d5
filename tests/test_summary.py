#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of summary.py: what it counts decides what CI believes. Prints TAP."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SUMMARY = Path(__file__).with_name("summary.py")


def log_line(stdout, result="OK", returncode=0):
    return {
        "name": "flowlift:unit / test_x", "stdout": stdout, "stderr": "",
        "result": result, "returncode": returncode,
    }


def run_summary(tests, expected_skips="", ci=False, arguments=()):
    """Exit status and output lines of summary.py over 'tests'."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "testlog.json")
        log.write_text("".join(json.dumps(test) + "\n" for test in tests))
        skips = Path(folder, "expected-skips")
        skips.write_text(expected_skips)
        done = subprocess.run(
            [sys.executable, SUMMARY, "--expected-skips", skips, *arguments, log],
            capture_output=True, text=True, check=False,
            env={**os.environ, "CI": "true" if ci else "false"},
        )
    return done.returncode, done.stdout.splitlines()


def counts_subtests():
    status, lines = run_summary([log_line("1..2\nok 1 - a\nok 2 - b\n"), log_line("1..1\nok 1\n")])
    assert (status, lines) == (0, ["3 passed, 0 failed, 0 skipped"]), lines


def shows_a_failure_with_its_notes():
    text = "1..2\nok 1 - a\n# 1 != 2\nnot ok 2 - b\n# at x.c:3\n"
    status, lines = run_summary([log_line(text, "FAIL", 1)])
    assert status == 1 and lines[-1] == "1 passed, 1 failed, 0 skipped", lines
    assert lines[1:4] == ["FAILED test_x: b", "# 1 != 2", "# at x.c:3"], lines


def names_the_reason_of_a_skip():
    status, lines = run_summary([log_line("1..1\nok 1 - a # SKIP no corpus\n")])
    assert status == 0 and lines[0] == "SKIPPED test_x: a: no corpus (unexpected)", lines
    assert lines[-1] == "0 passed, 0 failed, 1 skipped", lines


def takes_the_last_note_as_reason():
    _, lines = run_summary([log_line("1..1\n# no corpus\nok 1 - a # SKIP\n")])
    assert lines[0] == "SKIPPED test_x: a: no corpus (unexpected)", lines


def knows_how_cmocka_skips():
    text = "1..2\nok 1 - a\n# no corpus\nnot ok 2 # SKIP b\n"
    status, lines = run_summary([log_line(text, "FAIL")], arguments=["--meson-status", "1"])
    assert lines[0] == "SKIPPED test_x: b: no corpus (unexpected)", lines
    assert (status, lines[1:]) == (0, ["1 passed, 0 failed, 1 skipped"]), lines


def counts_a_test_skipped_as_a_whole():
    _, lines = run_summary([log_line("1..0 # SKIP no bench\n", "SKIP")])
    assert lines[0] == "SKIPPED test_x: all: no bench (unexpected)", lines


def refuses_an_unexpected_skip_in_ci():
    test = log_line("1..1\nok 1 - a # SKIP no corpus\n")
    assert run_summary([test], ci=True)[0] == 1
    assert run_summary([test], ci=True, expected_skips="test_x: a  # why\n")[0] == 0
    assert run_summary([test], ci=True, expected_skips="test_y: *\n")[0] == 1


def fails_on_a_wrong_plan():
    status, lines = run_summary([log_line("1..3\nok 1 - a\n", "ERROR", 0)])
    assert status == 1 and lines[-1] == "1 passed, 1 failed, 0 skipped", lines


def fails_on_output_that_is_not_tap():
    status, lines = run_summary([log_line("hello\n")])
    assert status == 1 and lines[-1] == "0 passed, 1 failed, 0 skipped", lines


def fails_on_a_crash_after_the_last_subtest():
    status, lines = run_summary([log_line("1..1\nok 1 - a\n", "ERROR", -6)])
    assert status == 1 and lines[-1] == "1 passed, 1 failed, 0 skipped", lines


def fails_when_nothing_ran():
    status, lines = run_summary([])
    assert status == 1 and lines[-1] == "0 passed, 0 failed, 0 skipped", lines


def fails_when_meson_failed():
    assert run_summary([log_line("1..1\nok 1\n")], arguments=["--meson-status", "2"])[0] == 1


TESTS = [
    counts_subtests,
    shows_a_failure_with_its_notes,
    names_the_reason_of_a_skip,
    takes_the_last_note_as_reason,
    knows_how_cmocka_skips,
    counts_a_test_skipped_as_a_whole,
    refuses_an_unexpected_skip_in_ci,
    fails_on_a_wrong_plan,
    fails_on_output_that_is_not_tap,
    fails_on_a_crash_after_the_last_subtest,
    fails_when_nothing_ran,
    fails_when_meson_failed,
]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except AssertionError as error:
            failed += 1
            for line in str(error).splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {test.__name__}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
