#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What an audit of the kernel's flows costs, with 10,000 rules; `make bench BENCH=kernel` has more.

By a clock that counts instructions: what else this machine does makes no difference.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../perf"]

import kernel_bench  # noqa: E402
import tap  # noqa: E402

N_VMS = 8
N_RULES = int(os.environ.get("FLOWLIFT_TEST_RULES", "10000"))
ROUNDS = 2
# The bench's bars, with room for another compiler and kernel.
MARGIN = 1.15


class Bench:
    def __enter__(self):
        import kernel_cost  # only there in the guest

        self.bars = kernel_cost
        self.costs = kernel_cost.Costs(kernel_cost.Host(N_VMS).__enter__(), ROUNDS)
        return self

    def __exit__(self, *_):
        """The guest ends with us."""


def compares_with_a_bare_dump(bench):
    "cost: an audit takes at most 1.3 times what two bare netlink dumps take, within 15 %"
    bench.small = bench.costs.at(N_RULES // 5)
    tap.note(bench.small)
    bench.large = bench.costs.at(N_RULES)
    tap.note(bench.large)
    tap.note(f"{bench.large.ratio:.2f} times; whole commands {bench.large.whole_ratio:.2f} times")
    tap.check(bench.large.ratio <= bench.bars.MAX_RATIO * MARGIN, "the ratio", bench.large.ratio)


def is_faster_than_tc(bench):
    "cost: an audit is at least 3 times faster than tc -s -j filter show, within 15 %"
    tap.note(f"{bench.large.faster:.1f} times")
    tap.check(bench.large.faster >= bench.bars.MIN_FASTER / MARGIN, "the ratio", bench.large.faster)


def memory_is_bounded(bench):
    "cost: peak memory of an audit of 10,000 rules is below 64 MiB"
    tap.note(f"{bench.large.peak_mib:.1f} MiB")
    tap.check(bench.large.peak_mib <= bench.bars.MAX_PEAK_MIB, "the peak", bench.large.peak_mib)


def grows_linearly(bench):
    "cost: a rule among 10,000 costs no more than one among 2,000"
    growth = bench.large.per_rule / bench.small.per_rule
    tap.note(f"{growth:.2f} times")
    tap.check(growth <= bench.bars.MAX_GROWTH, "the growth", growth)


TESTS = [
    compares_with_a_bare_dump,
    is_faster_than_tc,
    memory_is_bounded,
    grows_linearly,
]

if __name__ == "__main__":
    kernel_bench.main(__file__, TESTS, Bench, icount=True)
