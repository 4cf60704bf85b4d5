# SPDX-License-Identifier: Apache-2.0
"""An OVSDB without an ovs-vswitchd: what flowlift needs to read the kernel's flows, and no more.

Nothing here has a deadline: a clock that counts instructions leaps while the guest reads files.
"""

import os
import subprocess

RUNDIR = "/run/openvswitch"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def run(*words):
    subprocess.run(list(map(str, words)), stdout=subprocess.DEVNULL, check=True)


def start(bridge, *words):
    """With hardware offload on and one @bridge; @words for ovs-vsctl: its ports, and more."""
    run("modprobe", "openvswitch")
    os.makedirs(RUNDIR, exist_ok=True)
    run("ovsdb-tool", "create", "/run/conf.db", SCHEMA)
    run("ovsdb-server", "/run/conf.db", f"--remote=punix:{RUNDIR}/db.sock", "--detach",
        "--no-chdir", "--pidfile")
    run("ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".",
        "other_config:hw-offload=true", "--", "add-br", bridge, *words)
