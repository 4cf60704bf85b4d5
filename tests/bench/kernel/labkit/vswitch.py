# SPDX-License-Identifier: Apache-2.0
"""ovsdb-server and ovs-vswitchd, stock, in the places where their tools look for them."""

import os

from . import processes
from .processes import LabError, run, wait_until
from .switch import Switch, complaints

RUNDIR = "/run/openvswitch"
LOGDIR = "/var/log/openvswitch"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
# Earlier, OVS takes the kernel's first second for "never" and counts no CPU: no handler threads.
EARLIEST_UPTIME = 10.5
DAEMON = ["--pidfile", "--log-file", "--detach", "--no-chdir", "-vconsole:off"]


def uptime():
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def database_words(table, record, settings):
    """Words for ovs-vsctl: {"other_config": {key: value}} as assignments."""
    words = ["--", "set", table, record]
    for column, pairs in settings.items():
        words += [f'{column}:{key}="{value}"' for key, value in pairs.items()]
    return words


class VSwitch(Switch):
    rundir = RUNDIR

    def __init__(self, lab_id):
        self.lab_id = lab_id
        self.environment = processes.marked_environment(lab_id)
        self.vswitchd_args = []
        self.dbdir = RUNDIR
        self.is_new = True  # Its database is: there was none.

    # ---- Daemons ----

    def start_database(self):
        for directory in (RUNDIR, LOGDIR):
            os.makedirs(directory, exist_ok=True)
        self.is_new = not os.path.exists(f"{self.dbdir}/conf.db")
        if self.is_new:
            run(["ovsdb-tool", "create", f"{self.dbdir}/conf.db", SCHEMA])
        run(["ovsdb-server", f"{self.dbdir}/conf.db", f"--remote=punix:{RUNDIR}/db.sock", *DAEMON],
            env=self.environment)

    def configure(self, settings, port_words):
        """Before ovs-vswitchd runs. settings: {column: {key: value}} of table Open_vSwitch."""
        self.vsctl("--no-wait", "init", *database_words("Open_vSwitch", ".", settings),
                   *port_words)

    def start_vswitchd(self):
        wait_until(lambda: uptime() > EARLIEST_UPTIME, EARLIEST_UPTIME + 1, "an uptime of 10 s")
        run(["ovs-vswitchd", f"unix:{RUNDIR}/db.sock", *DAEMON, *self.vswitchd_args],
            env=self.environment)

    @staticmethod
    def delete_datapath():
        """What ovs-vswitchd leaves in the kernel."""
        if os.path.isdir("/sys/class/net/ovs-system"):
            run(["ovs-dpctl", "del-dp", "ovs-system"], check=False)

    # ---- Tools ----

    def ofports(self):
        """{interface: OpenFlow port}; raises LabError for one that could not be set up."""
        ofports = {}
        text = self.vsctl("--bare", "--format=csv", "--no-headings",
                          "--columns=name,ofport,error", "list", "Interface")
        for line in text.splitlines():
            name, ofport, error = line.split(",", 2)
            if error.strip('" ') or not ofport.strip('[]"'):
                raise LabError(f"port {name}: {error or 'not set up yet'}")
            ofports[name] = int(ofport)
        return ofports

    def await_ports(self):
        return wait_until(self.ofports, 60, "OVS's ports", interval=0.1)


def last_warnings():
    """The end of what the daemons complained about, for an error message."""
    return "".join(f"{name}: {line}"
                   for name in ("openvswitch/ovs-vswitchd", "ovn/ovn-controller", "ovn/ovn-northd")
                   for line in complaints(f"/var/log/{name}.log"))
