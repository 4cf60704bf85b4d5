# SPDX-License-Identifier: Apache-2.0
"""flowlift explain --probe on a VM that the NIC refuses a flow of, and on one that it once refused. Part of probe.py,
on whose bench it runs."""

import contextlib

import tap

VM, HEALTHY = "vm1", "vm2"
WORDS = "flownic: Matching on TTL is not supported"
SECONDS = 90


@contextlib.contextmanager
def ttl_is_looked_at(bench):
    """A rule for packets of a VM that it has none of: the pipeline looks at the TTL of all that it sends."""
    lab = bench.lab
    lab.fault("all", "off")
    lab.fault("refuse-match", "ttl", "on")
    rule = f"table=0,ip,in_port={lab.ofports()[lab.vm(VM).port]},nw_ttl=7"
    loads = [lab.start_load(name, rate=50, kind="tcp") for name in (VM, HEALTHY)]
    try:
        bench.await_verdicts({VM: "offloaded", HEALTHY: "offloaded"}, SECONDS)
        lab.ofctl("add-flow", lab.bridge, f"priority=60000,{rule},actions=drop")
        bench.await_verdicts({VM: "stranded", HEALTHY: "offloaded"}, SECONDS)
        yield
    finally:
        lab.ofctl("del-flows", "--strict", lab.bridge, f"priority=60000,{rule}")
        for load in loads:
            load.stop()


def explain(bench, *words, name=VM):
    return bench.flowlift("explain", name, *words)


def reasons(document):
    return [(cause["id"], cause["certainty"]) for cause in document["causes"]]


def refused(bench):
    """The profile guesses, the probe knows."""
    guessed = explain(bench, "--json").expect(1).json
    tap.equal((guessed["nic"], reasons(guessed)[:2]),
              (None, [("refused", "seen"), ("nic-match", "may-be")]), "without a probe")
    found = explain(bench, "--probe", "--json").expect(1).json
    tap.note(tap.as_text(found["nic"]))
    (asked,) = found["nic"]
    tap.equal({key: asked[key] for key in ("direction", "recirc_id", "device", "api", "outcome", "words", "parts")},
              {"direction": "from-vm", "recirc_id": 0, "device": bench.lab.vm(VM).port, "api": "tc",
               "outcome": "refused", "words": None,
               "parts": [{"part": "ip_ttl", "words": WORDS, "errno": 95, "cause": "nic-match"}]}, "nic")
    tap.check(1 < asked["offers"] <= 30, "few offers", asked)
    tap.check(asked["ufid"] in [link["ufid"] for chain in found["chains"] for link in chain["links"]],
              "the ufid of a link", found)
    cause = found["causes"][0]
    tap.equal((cause["id"], cause["certainty"], cause["evidence"]),
              ("nic-match", "seen", [f'{bench.lab.vm(VM).port} refuses ip_ttl: "{WORDS}"']), "first cause")
    tap.check("refused" not in [id for id, _ in reasons(found)], "nothing else is said of it", found["causes"])
    text = " ".join(explain(bench, "--probe").expect(1).out.split())
    for words in "What the NIC says from the VM, at ", f'refused because of ip_ttl: "{WORDS}"':
        tap.check(words in text, f"it says '{words}'", text)


def refused_once(bench):
    """What the NIC takes now overrules the profile."""
    bench.lab.fault("refuse-match", "ttl", "off")
    found = explain(bench, "--probe", "--json").expect(1).json
    tap.equal([(asked["outcome"], asked["parts"], asked["offers"]) for asked in found["nic"]],
              [("accepted", [], 1)], "nic")
    tap.equal(reasons(found)[0], ("refused-once", "seen"), "first cause")
    tap.equal(found["causes"][0]["evidence"], [f"{bench.lab.vm(VM).port} was asked, and takes the flow now"],
              "evidence")
    tap.check(not any(id.startswith("nic-") or id == "refused" for id, _ in reasons(found)),
              "the profile guesses nothing", found["causes"])


def refused_for_now(bench):
    """A full table is of the moment."""
    bench.lab.fault("table-full", "on")
    found = explain(bench, "--probe", "--json").expect(1).json
    bench.lab.fault("table-full", "off")
    tap.equal([(asked["outcome"], asked["words"], asked["offers"]) for asked in found["nic"]],
              [("refused-for-now", "flownic: Rule table is full", 1)], "a full table")
    tap.equal(reasons(found)[0], ("rule-table-full", "seen"), "first cause")


def healthy(bench):
    """Nobody is asked about a VM that is well."""
    before = bench.lab.nic_counters()
    found = explain(bench, "--probe", "--json", name=HEALTHY).expect(0).json
    after = bench.lab.nic_counters()
    tap.equal((found["nic"], found["causes"]), ([], []), "a healthy VM")
    tap.equal([after[port].get("refused") for port in after], [before[port].get("refused") for port in before],
              "refusals")


def probes_are_explained(bench, left_behind, nothing):
    """@left_behind, @nothing: probe.py's."""
    with ttl_is_looked_at(bench):
        for part in refused, refused_once, refused_for_now, healthy:
            part(bench)
            tap.equal(left_behind(bench, bench.lab.vm(VM).port), nothing, f"left behind: {part.__name__}")
