# SPDX-License-Identifier: Apache-2.0
"""Whether flowlift takes a command line: asked of flowlift itself, which does nothing but say its help.

All options and their values are read before help is given, so that one which does not exist, or a value that it does
not take, is found as it would be in earnest.
"""

import os
import re
import subprocess

import tap
from answer import FLOWLIFT, RUN_SECONDS

def _help(words):
    return subprocess.run([FLOWLIFT, *words], capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def arguments_of(words, usage):
    """What is left of @words (behind the verb) when options and their values are taken out."""
    valued = set()
    for letter, name in re.findall(r"^  (?:-(\w), )?--([\w-]+) [A-Z]", usage, re.M):
        valued |= {f"--{name}", f"-{letter}"}
    left, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return left + rest
        if word.startswith("-") and len(word) > 1:
            if word in valued and rest:
                rest.pop(0)
        else:
            left.append(word)
    return left


def check_line(words):
    """Fails unless "flowlift @words" is a call of flowlift: verb, options, values and argument."""
    line = f"flowlift {' '.join(words)}"
    if words in (["--help"], ["--version"], ["-h"], ["-V"]):
        return
    tap.check(words and not words[0].startswith("-"), "a verb comes first", line)
    verb, rest = words[0], words[1:]
    done = _help([verb, "--help", *rest])
    tap.check(not done.returncode and not done.stderr and f"flowlift {verb}: " in done.stdout,
              f"flowlift takes it: {line}", done.stderr)
    usage = re.search(r"^usage: flowlift \S+ ?(.*?) ?\[options\]$", done.stdout, re.M)
    arguments = arguments_of(rest, done.stdout)
    if usage[1] and not usage[1].startswith("["):
        tap.check(arguments or "--all" in rest or "--help" in rest, f"it has {usage[1]}: {line}")
    tap.check(len(arguments) <= bool(usage[1]) or usage[1].endswith("..."), f"no more than {usage[1] or 'none'}: {line}")
