# SPDX-License-Identifier: Apache-2.0
"""A flow that a NIC has is never refused by that NIC's profile: in listings that people posted, and in ours.

The listings are third-party data: see test_corpus_causes.py. Whose NIC it was is in NAME.json, "system". What
a profile says only "depends" of is no refusal.
"""

import contextlib
import glob
import json
import os
import re
import subprocess

import tap
from answer import BUILD, RUN_SECONDS, SOURCE

CORPUS = os.environ.get("FLOWLIFT_CORPUS") or f"{SOURCE}/../shared/corpus"
KINDS = ("dpctl-dump-flows", "tc-filter", "tc-filter-json")
# The first that is found in "system".
FAMILIES = (
    (r"ConnectX-(6 Dx|6 Lx|7)|BlueField-[23]", "connectx-6-dx"),
    (r"ConnectX-5(?!/)", "connectx-5"),
    (r"mlx5|ConnectX|BlueField|NVIDIA|Mellanox", "mlx5"),
    (r"E810|\bice\b", "e810"),
    (r"bnxt|Broadcom", "bnxt"),
)
# Recorded in the kernel bench, from its NIC.
RECORDED = ("tests/unit/data/tc-filters.txt", "tests/fuzz/corpus/tc_json/recorded-*")


def in_hardware(profile, path):
    """Of each flow in hardware: (line, what is refused); none where there is no listing that can be read."""
    done = subprocess.run([f"{BUILD}/tests/profile_flows", profile, path], capture_output=True, text=True,
                          timeout=RUN_SECONDS, check=False)
    if done.returncode:
        tap.check("no datapath flow and no TC filter in it" in done.stderr, f"{path}: it can be read", done.stderr)
        return []
    return [(flow["line"], flow["refused"]) for flow in map(json.loads, done.stdout.splitlines())]


def specimens():
    for file in sorted(glob.glob(f"{CORPUS}/*.json")):
        with open(file, encoding="utf-8") as stream:
            specimen = json.load(stream)
        if specimen["kind"] in KINDS:
            yield file.removesuffix(".json"), specimen.get("system") or ""


def posted_flows(_):
    "flows that people's NICs had are not refused by the profile of that NIC"
    if not os.path.isdir(CORPUS):
        tap.skip("there is no corpus: neither $FLOWLIFT_CORPUS nor ../shared/corpus is a folder")
    n = 0
    for path, system in specimens():
        profile = next((name for pattern, name in FAMILIES if re.search(pattern, system)), None)
        for line, refused in in_hardware(profile, f"{path}.txt") if profile else ():
            n += 1
            tap.check(not refused, f"{os.path.basename(path)}:{line}: {profile} does not refuse it", *refused)
    tap.note(f"{n} flows in hardware")
    tap.check(n >= 20, "there are flows in hardware whose NIC is named", n)


def recorded_filters(_):
    "filters that the bench's NIC had are not refused by its profile"
    n = 0
    for pattern in RECORDED:
        for path in sorted(glob.glob(f"{SOURCE}/{pattern}")):
            for line, refused in in_hardware("flownic", path):
                n += 1
                tap.check(not refused, f"{os.path.basename(path)}:{line}: flownic does not refuse it", *refused)
    tap.note(f"{n} filters in hardware")
    tap.check(n, "there are filters in hardware", n)


if __name__ == "__main__":
    tap.run([recorded_filters, posted_flows], contextlib.nullcontext)
