# SPDX-License-Identifier: Apache-2.0
"""Subtests that print TAP.

A test file is a list of functions that share one bench, run in order:

    def finds_the_stranded_vm(bench):
        "audit: exactly the stranded VM is stranded"
        tap.equal(bench.audit().code, 1, "exit code")

    if __name__ == "__main__":
        tap.run([finds_the_stranded_vm], bench=Bench)

The first line of a function's docstring is the subtest's name. `bench` makes a context manager,
whose value every function gets. A subtest fails by any exception; check() and equal() raise one
that explains itself, skip() one that says why this subtest cannot run here.
"""

import difflib
import json
import os
import sys
import time
import traceback


# Whether this machine has nothing else to do, so that times mean what they say.
TIMES = bool(os.environ.get("FLOWLIFT_TEST_TIMES"))
# What a busy machine, or one that stands still for a while, makes of a time.
BUSY = 10


class Failure(AssertionError):
    """What a promise looks like when it is broken."""


class Skip(Exception):
    """Why a subtest cannot run here."""


def skip(reason):
    raise Skip(reason)


def note(text):
    """A line for whoever reads the log: a measured figure, what was done."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def check(condition, promise, *evidence):
    """Fails with the promise that was not kept, and whatever shows it."""
    if not condition:
        raise Failure("\n".join([f"not so: {promise}", *map(as_text, evidence)]))


def in_time(ms, limit_ms, promise):
    """Fails when it took longer than @limit_ms with FLOWLIFT_TEST_TIMES set, much longer without."""
    check(ms < limit_ms * (1 if TIMES else BUSY), promise, f"{ms:.0f} ms")


def equal(actual, expected, what):
    """Fails with a line-by-line difference; both are shown whole when they are short."""
    if actual == expected:
        return
    old, new = as_text(expected), as_text(actual)
    if "\n" in old or "\n" in new:
        lines = difflib.unified_diff(
            old.splitlines(), new.splitlines(), "expected", "actual", lineterm=""
        )
        raise Failure("\n".join([f"{what}: not as expected", *lines]))
    raise Failure(f"{what}: expected {old}, is {new}")


def as_text(value):
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, indent=1, sort_keys=True)
    except (TypeError, ValueError):
        return repr(value)


def run(tests, bench):
    """Runs all of @tests on one @bench and exits with 0, or 1 if any failed."""
    print(f"1..{len(tests)}", flush=True)
    number = n_failed = 0
    try:
        with bench() as subject:
            for number, test in enumerate(tests, 1):
                n_failed += not _passes(number, test, subject)
    except Exception:
        note(traceback.format_exc())
        reason = "the bench did not end well" if number else "the bench did not come up"
        print(f"Bail out! {reason}", flush=True)
        sys.exit(1)
    sys.exit(1 if n_failed else 0)


def _passes(number, test, subject):
    name = (test.__doc__ or test.__name__).strip().splitlines()[0]
    started = time.monotonic()
    try:
        test(subject)
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        return True
    except Exception as failure:
        print(f"not ok {number} - {name}", flush=True)
        note(failure if isinstance(failure, Failure) else traceback.format_exc())
        if isinstance(failure, Failure):
            note(_where(failure))
        return False
    print(f"ok {number} - {name}", flush=True)
    note(f"{time.monotonic() - started:.1f} s")
    return True


def _where(failure):
    """The lines of the test that led there, without those of this module."""
    frames = traceback.extract_tb(failure.__traceback__)
    return "\n".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}: {frame.line}"
        for frame in frames
        if frame.filename != __file__
    )
