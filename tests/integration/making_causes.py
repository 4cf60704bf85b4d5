# SPDX-License-Identifier: Apache-2.0
"""Causes that are produced for real, one after the other, and what explain says of each: shared by the
causes.py of both benches."""

import collections

import tap

# @cause: its stable id. @how: it is made, in words. @make, @unmake: called with the bench. @quotes: what its
# evidence has to hold. @also: causes that really hold beside it. @vm: whose flows meet it.
Row = collections.namedtuple("Row", "cause how make unmake quotes also vm verdict",
                             defaults=((), "vm2", "stranded"))
COOKIE = 0xCA05E


def explain(bench, name):
    return bench.flowlift("explain", name, "--probe", "--json")


def seen(document):
    """{id: evidence as one text} of the causes that are seen."""
    return {cause["id"]: " | ".join(cause["evidence"]) for cause in document["causes"]
            if cause["certainty"] == "seen"}


def check_hardware(bench):
    """No flow that the NIC has shows a cause."""
    flows = bench.flowlift("flows", "--json").expect(0).json["flows"]
    in_hardware = [flow for flow in flows if flow["path"] == "hw"]
    tap.equal([flow for flow in in_hardware if flow["causes"]], [], "flows in hardware with a cause")
    return len(in_hardware)


def healthy_vms_have_no_cause(bench):
    "no VM of the healthy lab has a cause, sure or not, and no flow in hardware shows one"
    for vm in bench.lab.vms:
        document = explain(bench, vm.name).expect(0).json
        tap.equal((vm.name, document["causes"], document["host_causes"]), (vm.name, [], []),
                  "causes of a healthy VM")
    n = check_hardware(bench)
    tap.check(n >= 2 * len(bench.lab.vms), "flows in hardware", n)


def judge(bench, row):
    document = explain(bench, row.vm).expect(1).json
    found = seen(document)
    tap.note(f"{row.cause}: {found.get(row.cause)}")
    tap.check(row.cause in found, f"{row.cause} is seen", document["causes"], document["reason"])
    for words in row.quotes:
        tap.check(words in found[row.cause], f"the evidence says '{words}'", found)
    # What the NIC itself says comes on top.
    others = {cause["id"] for cause in document["causes"]
              if cause["certainty"] == "seen" and cause["by"] != "probe"}
    tap.equal(sorted(others - {row.cause, *row.also}), [], "causes that do not hold")
    tap.check(document["causes"][0]["id"] in (row.cause, *row.also), "the first cause holds",
              document["causes"])
    check_hardware(bench)


def test_of(row):
    def test(bench):
        try:
            row.make(bench)
            bench.await_verdicts({row.vm: row.verdict}, bench.seconds)
            judge(bench, row)
        finally:
            row.unmake(bench)
            bench.ofctl("del-flows", f"cookie={COOKIE:#x}/-1")
            if row.vm == "vm2":
                bench.await_verdicts({row.vm: "offloaded"}, bench.seconds)
    test.__doc__ = f"{row.cause}: {row.how}"
    return test


def tests_of(table):
    return [healthy_vms_have_no_cause, *map(test_of, table)]
