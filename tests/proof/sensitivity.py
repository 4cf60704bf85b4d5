# SPDX-License-Identifier: Apache-2.0
"""What is different in a part of a rule is found: the plan is refused for it, or the part is left out.

MUTATIONS (20) of pipelines whose plans are proven without exception, from seed FIRST (1) on; each changes
the fate of a part of the storage packets. VERBOSE=1: a line for each.

Not among them are two that end in "too many packets told apart" without a counter-example: a part that is one TTL,
and learn() of MAC addresses next to NORMAL. Such plans are refused as well.
"""

import collections
import os
import random

from pipelines import FROM, LAST, P1, SUBNET, VM2, Pipeline
from proof_bench import Bench, Refused, tap

MUTATIONS = int(os.environ.get("MUTATIONS") or 20)
FIRST = int(os.environ.get("FIRST") or 1)
VERBOSE = bool(os.environ.get("VERBOSE"))
# The highest, which no part has: it would not be changed.
OTHER_DSCP = 63
PACKETS = 100
# Above the pipeline's own flows and below the rules.
PRIORITY = 60000


class Mutation:
    """A flow that does something else with a part of a rule's packets."""

    def __init__(self, pipeline, plan, seed):
        rng = self.rng = random.Random(f"mutation {seed}")
        self.pipeline = pipeline
        rule = rng.choice(plan["rules"])
        self.direction, self.match, self.actions = rule["direction"], rule["match"], rule["actions"]
        self.part = self.some_part()
        self.what, actions = self.something_else()
        table = rng.choice(pipeline.tables[self.direction])
        in_port = next(word for word in self.match.split(",") if word.startswith("in_port"))
        self.flow = f"table={table},priority={PRIORITY},tcp,{in_port},{self.part},actions={actions}"
        self.region = f"tcp,{self.part}"

    def some_part(self):
        rng = self.rng
        server = "nw_dst" if self.direction == FROM else "nw_src"
        client = "tp_src" if self.direction == FROM else "tp_dst"
        address, port = f"{SUBNET}{rng.randrange(256)}", rng.randrange(65536)
        weights = {"address and port": 6, "address": 4, "addresses": 3, "port": 3, "ports": 2, "flags": 1, "DSCP": 1,
                   "MAC address": 2, "all": 0.5}
        parts = {
            "address and port": f"{server}={address},{client}={port}",
            "address": f"{server}={address}",
            "addresses": f"{server}={address}/{rng.choice([25, 27, 28, 30, 31])}",
            "port": f"{client}={port}",
            "ports": f"{client}={port & 0xff00:#x}/0xff00",
            "flags": f"tcp_flags={rng.choice(['+fin', '+rst', '+syn', '-ack', '+ack+psh'])}",
            "DSCP": f"nw_tos={4 * rng.randrange(OTHER_DSCP)}",
            "MAC address": f"dl_dst=50:54:00:00:07:{rng.randrange(256):02x}" if self.direction == FROM
                           else f"dl_src=50:54:00:00:07:{rng.randrange(256):02x}",
            "all": f"{server}={SUBNET}0/24",
        }
        # A part of the rule that was proven, that is.
        if ("dl_dst" if self.direction == FROM else "dl_src") in self.match:
            del parts["MAC address"]
        if "tcp_flags" in self.match:
            del parts["flags"]
        self.kind_of_part = rng.choices(list(parts), [weights[name] for name in parts])[0]
        return parts[self.kind_of_part]

    def something_else(self):
        rng, end = self.rng, LAST[self.direction]
        return rng.choice([
            ("dropped", "drop"), ("dropped", "drop"), ("another port", f"output:{VM2}"),
            ("two ports", f"output:{VM2},resubmit(,{end})"), ("another VLAN",
             f"push_vlan:0x8100,set_field:{4096 + 999}->vlan_vid,output:{P1}"),
            ("NAT", f"ct(commit,zone=9,nat(src=192.0.2.1),table={end})"),
            ("another MAC address", f"mod_dl_src:50:54:00:00:07:07,resubmit(,{end})"),
            ("controller", f"controller(max_len=128),resubmit(,{end})"), ("meter", f"meter:1,resubmit(,{end})"),
            ("DSCP", f"mod_nw_tos:{4 * OTHER_DSCP},resubmit(,{end})"),
        ])

    def text(self):
        return f"{self.what}, {self.kind_of_part}: {self.flow}"


def proven_pipelines(bench):
    """Those whose plan needs no exception, with that plan, in the order of their seeds."""
    seed = FIRST
    while True:
        pipeline = Pipeline(seed, clean=True)
        seed += 1
        bench.set_up(pipeline)
        try:
            plan = bench.prove(pipeline.rules, pipeline.relaxations)
            if not plan["exceptions"]:
                yield pipeline, plan
        except Refused:
            pass


def check_refusal(bench, mutation, refused):
    """The sentence's packet must show that it is so. Return: what came of it."""
    tap.check(refused.counter_example(), "a refusal has a counter-example", mutation.text(), refused.sentence,
              mutation.pipeline.text())
    differs, text = bench.differs(refused, mutation.actions)
    tap.check(differs, "the counter-example shows a difference", mutation.text(), refused.sentence, text)
    return "refused"


def check_narrowed(bench, mutation, plan, seed):
    tap.check(plan["exceptions"], "it is found", mutation.text(), plan, mutation.pipeline.text())
    bench.install()
    counts = bench.within(PACKETS, seed, mutation.region, mutation.match)
    tap.check(counts["packets"] > PACKETS // 2, "packets can be drawn from the part", counts, mutation.text())
    tap.check(counts["missed"] == counts["packets"], "the rules match no packet of the part", mutation.text(), counts,
              plan, mutation.pipeline.text())
    counts = bench.compare(PACKETS, seed, [mutation.region])
    tap.equal(counts["disagreed"], 0, f"packets that disagree: {mutation.text()} {counts}")
    return "narrowed"


def check_mutation(bench, pipeline, proven, seed):
    mutation = Mutation(pipeline, proven, seed)
    bench.add_flows("br0", [mutation.flow])
    try:
        plan = bench.prove(pipeline.rules, pipeline.relaxations)
    except Refused as refused:
        return mutation, check_refusal(bench, mutation, refused)
    return mutation, check_narrowed(bench, mutation, plan, seed)


def mutations_are_found(bench):
    "proof: what differs in a part of a rule is found, by a right counter-example or by leaving it out"
    results, kinds = collections.Counter(), collections.Counter()
    pipelines = proven_pipelines(bench)
    for seed in range(FIRST, FIRST + MUTATIONS):
        mutation, result = check_mutation(bench, *next(pipelines), seed)
        results[result] += 1
        kinds[f"{mutation.what} of {mutation.kind_of_part}: {result}"] += 1
        if VERBOSE:
            tap.note(f"{seed} (pipeline {mutation.pipeline.seed}) {result}: {mutation.text()}")
    tap.note(f"{MUTATIONS} mutations: {dict(results)}")
    for kind, n in sorted(kinds.items()):
        tap.note(f"{n} {kind}")


if __name__ == "__main__":
    tap.run([mutations_are_found], bench=Bench)
