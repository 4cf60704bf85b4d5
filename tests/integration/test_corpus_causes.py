# SPDX-License-Identifier: Apache-2.0
"""Causes of flows that people posted: what a reader saw in the listing, flowlift names.

The listings are third-party data and stay outside of this project: $FLOWLIFT_CORPUS, or ../shared/corpus
beside the source folder. A specimen is NAME.txt, and NAME.json with its flows; "why_not" is a reader's
word on why one is not in hardware. Only what the flow itself shows is compared: a setting of the host, an
old version, a sentence of the person who posted it are not in the listing.
"""

import contextlib
import json
import os
import re
import subprocess
import sys

import tap
from answer import FLOWLIFT, RUN_SECONDS, SOURCE

CORPUS = os.environ.get("FLOWLIFT_CORPUS") or f"{SOURCE}/../shared/corpus"
KINDS = ("dpctl-dump-flows", "tc-filter", "tc-filter-json")
AT_LEAST = 0.95
# What a reader wrote -> causes, one of which is to be named.
VISIBLE = {
    r"skip_hw": {"tc-policy"},
    r"hash\(\)": {"dp-hash"},
    r"slow_path": {"userspace-action"},
    r"IPFIX": {"sampling"},
    r"fragments? (are|de)": {"fragments"},
    r"output list has several ports": {"multiple-outputs"},
    r"vxlan to vxlan|decap\+encap": {"tunnel"},
    r"output to the internal bridge port": {"internal-port"},
    r"ct_state|ct\+nat|ct stages": {"conntrack"},
    r"cause not told in the text|^not told": {"refused", "conntrack"},
    r"NIC without flower offload": {"refused"},
}
# A reader's word that is not of the flow's match or actions.
ELSEWHERE = re.compile(r"hw-offload=false|display bug|standalone action|never hit")


def flows(name):
    """{line: (path, ids of causes)} of a specimen; none where there is no listing that can be read."""
    done = subprocess.run([FLOWLIFT, "flows", "--json", "--from", f"{CORPUS}/{name}.txt"], capture_output=True,
                          text=True, timeout=RUN_SECONDS, check=False)
    if done.returncode:
        tap.check("no datapath flow and no TC filter in it" in done.stderr, f"{name}: it can be read", done.stderr)
        return {}
    return {flow["line"]: (flow["path"], {cause["id"] for cause in flow["causes"]})
            for flow in json.loads(done.stdout)["flows"]}


def specimens():
    for file in sorted(os.listdir(CORPUS)):
        if file.endswith(".json"):
            with open(f"{CORPUS}/{file}", encoding="utf-8") as stream:
                specimen = json.load(stream)
            if specimen["kind"] in KINDS:
                yield file.removesuffix(".json"), specimen["flows"]


def wanted_of(why_not):
    for pattern, ids in VISIBLE.items():
        if why_not and re.search(pattern, why_not) and not ELSEWHERE.search(why_not):
            return ids
    return None


def posted_flows(_):
    "of flows whose cause is visible in the listing at least 95 % get it"
    n, wrong = 0, []
    for name, labels in specimens():
        wanted = {label["line"]: wanted_of(label.get("why_not")) for label in labels}
        if not any(wanted.values()):
            continue
        seen = flows(name)
        for line, ids in wanted.items():
            path, causes = seen.get(line, ("unknown", set()))
            # Without -m, or cut short, a listing does not tell where the flow is, and flowlift does not guess.
            if not ids or path in ("hw", "unknown"):
                continue
            n += 1
            if not ids & causes:
                wrong.append(f"{name}:{line}: {sorted(causes)} instead of {sorted(ids)}")
    tap.note(f"{n - len(wrong)} of {n} right")
    tap.check(n >= 40, "there are flows with visible causes", n)
    tap.check(n - len(wrong) >= AT_LEAST * n, "at least 95 % right", *wrong)


def healthy_flows(_):
    "flows in hardware have no cause, but that of a filter that Open vSwitch forgot"
    n = 0
    for name, _ in specimens():
        for line, (path, causes) in flows(name).items():
            if path == "hw":
                n += 1
                tap.check(causes <= {"orphaned-filter", "block-in-part"}, f"{name}:{line}: no cause", sorted(causes))
    tap.note(f"{n} flows in hardware")
    tap.check(n >= 60, "there are flows in hardware", n)


if __name__ == "__main__":
    if not os.path.isdir(CORPUS):
        print("1..0 # SKIP there is no corpus: neither $FLOWLIFT_CORPUS nor ../shared/corpus is a folder")
        sys.exit(0)
    tap.run([posted_flows, healthy_flows], contextlib.nullcontext)
