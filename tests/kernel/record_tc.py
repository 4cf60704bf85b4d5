#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Record the kernel's netlink messages about TC filters beside what tc prints for them, as a replay
test reads them (tests/unit/data/tc-filters.txt) and as a corpus for the fuzzer. Runs in the kernel
bench's guest, as tc_fields.py does.

Usage: record_tc.py [FILTERS] [SEED]      writes $FLOWLIFT_OUT/tc-filters.txt, $FLOWLIFT_OUT/corpus/

A line is "link IFINDEX NAME", "message HEX" or "tc JSON", the last two in the same order.
"""

import json
import os
import sys

import tc_fields
from tc_fields import Bench, EDGES, identity, run

OUT = os.environ["FLOWLIFT_OUT"]


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    tc_fields.MODULES += ["geneve"]
    os.makedirs(f"{OUT}/corpus", exist_ok=True)
    with Bench() as bench, open(f"{OUT}/tc-filters.txt", "w", encoding="utf-8") as out:
        bench.places = [["dev", name, "ingress"] for name in bench.devices]
        bench.add_rules(seed, wanted, batch=wanted)
        for link in json.loads(run("ip", "-j", "link").stdout):
            out.write(f"link {link['ifindex']} {link['ifname']}\n")
        for name in bench.devices:
            messages = run(EDGES, "messages", name).stdout.split()
            printed = list(bench.by_tc(["dev", name, "ingress"]).values())
            for text in messages:
                out.write(f"message {text}\n")
            for filter_ in printed:
                out.write(f"tc {json.dumps(filter_, separators=(',', ':'))}\n")
            for i, text in enumerate(messages):
                with open(f"{OUT}/corpus/{name}-{i}", "wb") as file:
                    file.write(bytes.fromhex(text))
            print(f"# {name}: {len(messages)} messages, {len({identity(f) for f in printed})} filters")


if __name__ == "__main__":
    main()
