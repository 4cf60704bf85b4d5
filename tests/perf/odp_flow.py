# SPDX-License-Identifier: Apache-2.0
"""The decoder that comes with Open vSwitch, for comparison."""

import re
import time

from ovs.flow.odp import ODPFlow

# Version 3.1 raises on both.
STRIPPED = re.compile(r"offloaded:\w+, |, dp-extra-info:\S+")


def prepare(path):
    """The flows of a dump, one a line, as ODPFlow can read them; raises if it cannot."""
    with open(path, encoding="ascii") as dump:
        lines = [STRIPPED.sub("", line.strip()) for line in dump if line.startswith("ufid:")]
    for line in lines:
        ODPFlow(line)
    return lines


def decode(lines):
    """CPU seconds that decoding all of them takes."""
    start = time.process_time()
    for line in lines:
        ODPFlow(line)
    return time.process_time() - start
