# SPDX-License-Identifier: Apache-2.0
"""Network namespaces and the taps in them.

A tap is made before the NIC opens it, and is there after: a VM keeps its interface and its
addresses while ovs-vswitchd is restarted, as a real one does.
"""

import os

from .processes import LabError, marked_environment, run
from .topology import TAP_QUEUE_FRAMES


class Tap:
    def __init__(self, device, mac, address):
        self.device = device
        self.mac = mac
        self.address = address

    def batch(self):
        return [
            f"tuntap add dev {self.device} mode tap",
            f"link set dev {self.device} address {self.mac} txqueuelen {TAP_QUEUE_FRAMES}",
            f"link set dev {self.device} addrgenmode none",
            f"address add {self.address}/24 dev {self.device}",
            f"link set dev {self.device} up",
        ]


def create(lab_id, name, taps):
    environment = marked_environment(lab_id)
    name = f"{lab_id}-{name}"
    run(["ip", "netns", "add", name], env=environment)
    lines = ["link set dev lo up"]
    for tap in taps:
        lines += tap.batch()
    run(["ip", "-n", name, "-batch", "-"], env=environment, stdin="\n".join(lines) + "\n")


def enter(name):
    """The words to put before a command that shall run in a namespace."""
    return ["nsenter", f"--net=/run/netns/{name}"]


def of_lab(lab_id):
    """The names of a lab's namespaces that exist."""
    try:
        return sorted(name for name in os.listdir("/run/netns")
                      if name.startswith(f"{lab_id}-"))
    except FileNotFoundError:
        return []


def delete_all(lab_id):
    for name in of_lab(lab_id):
        result = run(["ip", "netns", "del", name], check=False)
        if result.returncode and name in of_lab(lab_id):
            raise LabError(f"cannot delete namespace {name}: {result.stderr.strip()}")
