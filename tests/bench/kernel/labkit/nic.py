# SPDX-License-Identifier: Apache-2.0
"""The simulated NIC: its module, its representors, its own counters, rules and faults."""

import glob
import os

from .processes import LabError, run, wait_until

PROJECT = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../../../..")
DEBUGFS = "/sys/kernel/debug/flownic"
MODULES = [
    "openvswitch", "cls_flower", "sch_ingress", "nf_flow_table", "nf_conntrack_netlink", "8021q",
    "act_mirred", "act_vlan", "act_gact", "act_pedit", "act_csum", "act_ct", "act_police",
    "act_skbedit", "act_tunnel_key",
]


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error


def find_module(given=None):
    """The NIC's module, built for the guest's kernel."""
    meson = os.environ.get("FLOWLIFT_BUILD", f"{PROJECT}/build")
    if given:
        return given
    places = [os.environ.get("FLOWLIFT_NIC_MODULE"),
              f"{meson}/tests/bench/kernel/nic/flownic.ko", f"{PROJECT}/.deps/flownic/flownic.ko"]
    for place in filter(None, places):
        if os.path.exists(place):
            return place
    raise LabError("the NIC's module is not built: tests/bench/kernel/nic/build .deps/flownic")


def _hurry_rcu():
    """Making and moving 200 devices means waiting for RCU more than 1,000 times."""
    with open("/sys/kernel/rcu_expedited", "w", encoding="ascii") as file:
        file.write("1")


class Nic:
    def __init__(self, module, n_vfs, parameters):
        self.module = module
        self.n_vfs = n_vfs
        self.parameters = parameters

    def load(self):
        """Load what OVS needs of the kernel, and the NIC."""
        _hurry_rcu()
        run(["modprobe", "-a", *MODULES])
        words = [f"{key}={value}" for key, value in self.parameters.items()]
        run(["insmod", self.module, f"n_vfs={self.n_vfs}", *words])

    def unload(self):
        if os.path.isdir("/sys/module/flownic"):
            wait_until(lambda: run(["rmmod", "flownic"]).returncode == 0, 10, "the end of the NIC")

    @staticmethod
    def representors():
        """{VF's number: its representor} of the first NIC."""
        found = {}
        for path in glob.glob("/sys/class/net/*/phys_port_name"):
            try:
                name = _read(path).strip()
            except LabError:
                continue  # a device without such a name
            if name.startswith("pf0vf"):
                found[int(name[5:])] = path.split("/")[4]
        return found

    # ---- Its own account ----

    @staticmethod
    def counters():
        """{representor or uplink: {counter: value}}, not through OVS or TC."""
        return _table_of_words(_read(f"{DEBUGFS}/counters"))

    @staticmethod
    def rules_text():
        return _read(f"{DEBUGFS}/rules")

    @staticmethod
    def fault(*words):
        """Switch a fault; returns the text of those in force."""
        try:
            with open(f"{DEBUGFS}/faults", "w", encoding="ascii") as file:
                file.write(" ".join(map(str, words)))
        except OSError as error:
            raise LabError(f"fault {' '.join(map(str, words))}: {error.strerror}") from error
        return Nic.faults()

    @staticmethod
    def faults():
        return _read(f"{DEBUGFS}/faults").splitlines()


def _table_of_words(text):
    """Lines of "NAME counter=value ..." as a dictionary of dictionaries."""
    table = {}
    for line in text.splitlines():
        name, *words = line.split()
        pairs = (word.split("=", 1) for word in words if "=" in word)
        table[name] = {key: int(value) for key, value in pairs if value.isdigit()}
    return table
