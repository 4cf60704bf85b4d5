# SPDX-License-Identifier: Apache-2.0
"""flowlift on the kernel lab: what the tests that run in the QEMU guest start from.

A test file ends with

    if __name__ == "__main__":
        kernel_bench.main(__file__, TESTS, KernelBench)

Run on the host it starts a guest and runs itself there; where no guest can run it says so and is
skipped.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, f"{ROOT}/tests/integration", f"{ROOT}/tests/bench/kernel"]

import in_guest  # noqa: E402
import tap  # noqa: E402
from answer import PATIENCE, RunsFlowlift  # noqa: E402,F401


class KernelBench(RunsFlowlift):
    """A KernelLab with flowlift's configuration. A context manager; see its lab.py for @options."""

    def __init__(self, window=3, **options):
        from lab import KernelLab, LabError  # only there in the guest
        self.lab = KernelLab(**options)
        self.lab_error = LabError
        self.config = ("[storage]\nvlans = 100\nsubnets = 10.100.0.0/24\n"
                       f"[audit]\nwindow = {window}\n")

    def __enter__(self):
        self.lab.up()
        self.configure(self.config)
        return self

    def __exit__(self, *_):
        self.lab.down()

    def megaflows(self, port, *parts):
        """Datapath flows that come in at @port and hold all of @parts, as ovs-vswitchd prints them."""
        return [
            line
            for line in self.lab.dump_flows().splitlines()
            if f"in_port({port})" in line and all(part in line for part in parts)
        ]

    def openflow(self, bridge="br-int"):
        """All OpenFlow flows of a bridge without counters, sorted, but for those in which OVN keeps
        the neighbours it has learnt (tables 66 and 67), which come and go by themselves."""
        text = self.lab.ofctl("-O", "OpenFlow15", "dump-flows", bridge, "--no-stats")
        return "\n".join(sorted(line for line in text.splitlines()
                                if "table=66," not in line and "table=67," not in line))


def main(file, tests, bench, **guest_options):
    """Run the tests: in a guest of their own, if this is not one."""
    if sys.argv[1:] == ["inside"]:
        tap.run(tests, bench)
    sys.exit(in_guest.run(os.path.abspath(file), ["inside"], **guest_options))
