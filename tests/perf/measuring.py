# SPDX-License-Identifier: Apache-2.0
"""What a command took, and which bars it missed: shared by the benches of performance."""

import os
import subprocess
import tempfile
from pathlib import Path

BUILD = Path(os.environ.get("FLOWLIFT_BUILD", Path(__file__).resolve().parents[2] / "build"))
FLOWLIFT = BUILD / "cli" / "flowlift"
MEASURE = BUILD / "tests" / "measure"


class Run:
    """One run of a command: exit code, seconds, CPU seconds, peak MiB."""

    def __init__(self, *command):
        with tempfile.TemporaryFile("w+") as result:
            # The shell puts the file where measure writes; nothing else inherits it.
            subprocess.run(["/bin/sh", "-c", f'exec "$0" "$@" 3>&{result.fileno()}', MEASURE,
                            *map(str, command)],
                           stdout=subprocess.DEVNULL, pass_fds=[result.fileno()], check=True)
            result.seek(0)
            code, wall, cpu, peak = map(int, result.read().split())
        self.code, self.wall, self.cpu, self.peak_mib = code, wall / 1e6, cpu / 1e6, peak / 1024


class Report:
    """Prints results, and remembers bars that were missed and parts that could not run."""

    def __init__(self):
        self.missed, self.skipped = [], []

    def bar(self, holds, what):
        print(f"   {'ok    ' if holds else 'MISSED'} {what}", flush=True)
        if not holds:
            self.missed.append(what)

    def skip(self, part, why):
        print(f"   could not run: {why}", flush=True)
        self.skipped.append(f"{part} ({why})")

    def finish(self):
        print()
        for what in self.skipped:
            print(f"not run: {what}")
        for what in self.missed:
            print(f"missed: {what}")
        print("bench: every bar that could be tested holds" if not self.missed else
              f"bench: {len(self.missed)} bar(s) missed")
        return 1 if self.missed else 0
