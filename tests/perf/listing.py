# SPDX-License-Identifier: Apache-2.0
"""Memory and time of `flowlift flows --json` with many flows, all of them rules in the NIC.

The same flows are listed from a dump in a file, where the NIC is not asked: what a live host takes more is
what the NIC's rules, and the comparison with Open vSwitch's word, take.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from measuring import BUILD, Run

PLUGIN = "librte_flowlift.so"
MAX_MORE_MIB = 16


def run(report, flowlift, flows):
    from lab import Lab, LabError

    path = filter(None, [f"{BUILD}/lib/dpdk/plugin", os.environ.get("LD_LIBRARY_PATH")])
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(path)
    try:
        with Lab(vms=2, dpdk_extra=f"-d {PLUGIN}") as lab, tempfile.TemporaryDirectory() as folder:
            lab.make_many_flows(flows, timeout=600)
            os.environ.update(lab.env)
            dump = Path(folder) / "dump"
            with open(dump, "w", encoding="ascii") as file:
                subprocess.run(["ovs-appctl", "dpctl/dump-flows", "-m"], stdout=file, check=True)
            words = [flowlift, "flows", "--json", "--root", lab.root]
            document = json.loads(subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, check=True).stdout)
            live, filed = Run(*words), Run(*words, "--from", dump)
    except LabError as error:
        raise RuntimeError(str(error)) from error
    if document["nic_rules"] is None:
        raise RuntimeError(f"the NIC's rules were not read: {document['nic_rules_missing']}")
    rules = sum(len(port["rules"]) for port in document["nic_rules"])
    stored = sum(not port["missing"] for port in document["nic_rules"])
    print(f"   {len(document['flows']):,} flows, {rules:,} lines of rules; {stored} of "
          f"{len(document['nic_rules'])} ports told all of theirs")
    for name, seen in ("live", live), ("from a dump", filed):
        print(f"   {name:<12} {seen.wall:>7.2f} s {seen.cpu:>7.2f} CPU s {seen.peak_mib:>6.1f} MiB")
    report.bar(live.peak_mib - filed.peak_mib <= MAX_MORE_MIB,
               f"the NIC's rules take {live.peak_mib - filed.peak_mib:.1f} MiB (at most {MAX_MORE_MIB})")
