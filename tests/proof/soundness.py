# SPDX-License-Identifier: Apache-2.0
"""What is proven is so: packets of proven rules, traced with the rules and without.

SEEDS (20) pipelines, from FIRST (1) on, PACKETS (300) of each proven plan. VERBOSE=1: a line for each.
"""

import collections
import os
import time

from pipelines import Pipeline
from proof_bench import Bench, Refused, tap

SEEDS = int(os.environ.get("SEEDS") or 20)
FIRST = int(os.environ.get("FIRST") or 1)
PACKETS = int(os.environ.get("PACKETS") or 300)
VERBOSE = bool(os.environ.get("VERBOSE"))
# Seeds that once showed that something was wrong.
# A VLAN priority that is set, or lost with its header, while the first packet shows nothing of it (31, 37, 51).
# A change of pipelines.py makes other pipelines of them: refusals.py has these cases by hand.
KEPT = [31, 37, 51]


class Case:
    """One pipeline: what was said of its plan, and what packets say."""

    def __init__(self, bench, seed, n_packets):
        self.pipeline = Pipeline(seed)
        self.reason = self.counts = self.plan = None
        started = time.monotonic()
        bench.set_up(self.pipeline)
        try:
            self.plan = bench.prove(self.pipeline.rules, self.pipeline.relaxations)
        except Refused as refused:
            self.outcome, self.reason, self.sentence = "refused", refused.reason, refused.sentence
            return
        self.outcome = "narrowed" if self.plan["exceptions"] else "accepted"
        self.proven_s = time.monotonic() - started
        bench.install()
        self.again = bench.again(self.pipeline.relaxations)
        self.counts = bench.compare(n_packets, seed, self.pipeline.hints)
        self.seconds = time.monotonic() - started

    def agrees(self):
        return not self.counts or not self.counts["disagreed"]

    def text(self):
        if not self.plan:
            return f"seed {self.pipeline.seed} refused: {self.sentence}"
        return (f"seed {self.pipeline.seed} {self.outcome}: {len(self.plan['rules'])} rules, "
                f"{self.plan['traces']} traces, relaxations {[r['id'] for r in self.plan['relaxations']]}, "
                f"{self.counts} in {self.seconds:.1f} s")


def check_case(case):
    rules = [f"{rule['match']} -> {rule['actions']}" for rule in case.plan["rules"]] if case.plan else []
    tap.check(case.agrees(), "a proven plan does what the pipeline does", case.pipeline.text(), rules, case.text())


def kept_seeds(bench):
    "proof: pipelines that once showed something wrong"
    for seed in KEPT:
        check_case(Case(bench, seed, max(PACKETS, 1000)))


def random_pipelines(bench):
    "proof: packets of proven rules have the same fate with the rules and without"
    outcomes, reasons, totals = collections.Counter(), collections.Counter(), collections.Counter()
    relaxations, features = collections.Counter(), collections.Counter()
    wrong = []
    for seed in range(FIRST, FIRST + SEEDS):
        case = Case(bench, seed, PACKETS)
        outcomes[case.outcome] += 1
        if case.reason:
            reasons[case.reason] += 1
        if case.counts:
            totals.update({name: n for name, n in case.counts.items() if isinstance(n, int)})
            relaxations.update(relaxation["id"] for relaxation in case.plan["relaxations"])
            features.update(case.pipeline.features)
        if VERBOSE or not case.agrees():
            tap.note(case.text())
        if not case.agrees():
            wrong.append(case)
    tap.note(f"{SEEDS} pipelines from seed {FIRST}: {dict(outcomes)}")
    tap.note(f"refused for: {dict(reasons.most_common())}")
    tap.note(f"packets: {dict(totals)}; relaxations: {dict(relaxations)}")
    tap.note(f"in those proven: {dict(features.most_common())}")
    tap.equal([case.pipeline.seed for case in wrong], [], "seeds that disagree")
    tap.check(3 * (outcomes["accepted"] + outcomes["narrowed"]) >= SEEDS, "a third is proven", dict(outcomes))


if __name__ == "__main__":
    tap.run([kept_seeds, random_pipelines], bench=Bench)
