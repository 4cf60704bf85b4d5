# SPDX-License-Identifier: Apache-2.0
"""Audits of made-up hosts, as they are gathered from a fleet."""

import datetime
import json

NOW = datetime.datetime.now(datetime.timezone.utc)
COUNTS = {"hw": 0, "hw_partial": 0, "tc_sw": 0, "dp_sw": 0, "upcall": 0}
OLD, NEW = "22.31.1014", "22.36.1010"


def ago(minutes):
    then = NOW - datetime.timedelta(minutes=minutes, seconds=30 if minutes else 0)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def vm(host, name, verdict="offloaded", minutes=10, firmware=NEW, packets=0, **changes):
    """A line of audit --format jsonl."""
    stranded = verdict == "stranded"
    counts = {**COUNTS, "dp_sw" if stranded else "hw": packets}
    return {"schema": "flowlift/audit/1", "host": host, "time": ago(minutes), "flowlift_version": "0.1.0",
            "ovs_version": "3.1.0", "window_ms": 5000, "incomplete": None, "name": name, "id": f"id-{name}",
            "interfaces": [name], "verdict": verdict, "scope": "vm" if stranded else None, "reason": "so it is",
            "storage": {"packets": counts, "bytes": {key: 650 * n for key, n in counts.items()}, "flows": counts},
            "hw_share": 0.0 if stranded else 1.0, "causes": ["conntrack"] if stranded else [],
            "nic": {"driver": "mlx5e_rep", "firmware": firmware}, **changes}


def line(*args, **kwargs):
    return json.dumps(vm(*args, **kwargs), separators=(",", ":")) + "\n"


def fleet(n_hosts, n_vms, names=None, n_silent=3):
    """Files by name, one for each host. On each fifth a VM is stranded, behind old firmware; the last are silent."""
    files = {}
    for host in range(n_hosts):
        name = f"node{host:03}.example.com"
        minutes = 300 + host if host >= n_hosts - n_silent else 10
        bad = host % 5 == 0
        files[f"{name}.jsonl"] = "".join(
            line(name, (names or {}).get((host, one), f"web-{host:03}-{one:02}"),
                 "stranded" if bad and one == 3 else "offloaded", minutes=minutes,
                 firmware=OLD if bad else NEW, packets=1000 * (one + 1) + host) for one in range(n_vms))
    return files
