#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A test script in a guest of its own, with the simulated NIC's module built for it.

Usage: in_guest.py [--icount] SCRIPT [ARG...]

Where no guest can run it prints a TAP plan that says so: the test is skipped.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [f"{ROOT}/tests/bench/kernel"]

import guest  # noqa: E402

BUILD = os.environ.get("FLOWLIFT_BUILD") or f"{ROOT}/build"
# Everything takes ten times as long there as on the host, and more on a busy one.
GUEST_SECONDS = 1200


def build_module():
    """The path of flownic.ko for the guest's kernel, which is built where it is not yet."""
    folder = f"{BUILD}/tests/bench/kernel/nic"
    built = subprocess.run([f"{ROOT}/tests/bench/kernel/nic/build", folder],
                           stdout=subprocess.PIPE, text=True, check=True)
    return built.stdout.strip().splitlines()[-1]


def run(script, args, timeout=GUEST_SECONDS, **options):
    """Return: the exit status for the test."""
    reason = guest.unavailable()
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    module = build_module()
    os.environ["FLOWLIFT_NIC_MODULE"] = module
    try:
        return guest.run(os.path.abspath(script), args, timeout=timeout, **options)
    except guest.GuestUnavailable as error:
        print(f"1..0 # SKIP {error}")
        return 0
    except guest.GuestError as error:
        print(f"Bail out! {error}")
        return 1


def main(words):
    icount = words[:1] == ["--icount"]
    script, *args = words[icount:]
    return run(script, args, icount=icount)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
