# SPDX-License-Identifier: Apache-2.0
"""ovsdb-server and ovs-vswitchd of one lab, stock, under the names their tools expect."""

import os

from . import namespaces, processes
from .processes import LabError, run
from .switch import Switch, complaints

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
BRIDGE = "br0"
DPDK_BASE_MB = 256
DPDK_PORT_MB = 64


def port_words(name, ofport, devargs, tag=None, external_ids=None):
    """What to tell ovs-vsctl for a port of the NIC."""
    words = ["--", "add-port", BRIDGE, name]
    if tag:
        words.append(f"tag={tag}")
    words += ["--", "set", "Interface", name, "type=dpdk", f"ofport_request={ofport}",
              f'options:dpdk-devargs="{devargs}"']
    return words + [f'external_ids:{key}="{value}"' for key, value in (external_ids or {}).items()]


class VSwitch(Switch):
    """The two daemons of a lab, whose files all lie in rundir, and their tools."""

    def __init__(self, rundir, lab_id, driver_dir):
        self.rundir = rundir
        self.lab_id = lab_id
        self.namespace = f"{lab_id}-ovs"
        self.driver_dir = driver_dir
        self.variables = {
            "OVS_RUNDIR": rundir,
            "OVS_DBDIR": rundir,
            "OVS_LOGDIR": rundir,
            "OVS_SYSCONFDIR": rundir,
        }

    @property
    def environment(self):
        """For the lab's own use of the tools: they end with the lab."""
        return processes.marked_environment(self.lab_id, self.variables)

    def _daemon_environment(self):
        path = os.pathsep.join(filter(None, [self.driver_dir,
                                             os.environ.get("LD_LIBRARY_PATH")]))
        return {**self.environment, "LD_LIBRARY_PATH": path}

    # ---- Daemons ----

    def start_database(self):
        os.makedirs(self.rundir, exist_ok=True)
        run(["ovsdb-tool", "create", f"{self.rundir}/conf.db", SCHEMA], env=self.environment)
        self.run_database()

    def run_database(self):
        """With what was written to it before."""
        run(["ovsdb-server", f"{self.rundir}/conf.db", f"--remote=punix:{self.rundir}/db.sock",
             "--pidfile", "--log-file", "--detach", "--no-chdir", "-vconsole:off"],
            env=self._daemon_environment())

    def configure(self, *, n_ports, hw_offload, pmd_cpu, max_idle_ms, other_config, dpdk_extra=""):
        settings = {
            "dpdk-init": "true",
            "dpdk-extra": "--no-huge --legacy-mem --no-pci "
                          f"-m {DPDK_BASE_MB + DPDK_PORT_MB * n_ports} "
                          f"--file-prefix={self.lab_id} -d librte_net_flownic.so {dpdk_extra}".strip(),
            "per-port-memory": "true",
            "pmd-cpu-mask": hex(1 << pmd_cpu),
            "pmd-maxsleep": "200",
            "max-idle": str(max_idle_ms),
            "hw-offload": "true" if hw_offload else "false",
            **other_config,
        }
        words = [f'other_config:{key}="{value}"' for key, value in settings.items()]
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *words)

    def _program(self):
        """ovs-vswitchd by the name after which it calls its sockets and its log."""
        link = f"{self.rundir}/ovs-vswitchd"
        if not os.path.islink(link):
            os.symlink(VSWITCHD, link)
        return link

    def start_vswitchd(self, arguments=()):
        run([*namespaces.enter(self.namespace), self._program(), f"unix:{self.rundir}/db.sock",
             "--pidfile", "--log-file", "--detach", "--no-chdir", "-vconsole:off", *arguments],
            env=self._daemon_environment())

    def port_errors(self):
        """{interface: error} of those that ovs-vswitchd could not set up."""
        text = self.vsctl("--bare", "--format=csv", "--no-headings", "--columns=name,error",
                          "list", "Interface")
        rows = (line.split(",", 1) for line in text.splitlines() if "," in line)
        return {name: error for name, error in rows if error.strip('" ')}

    def check_ports(self):
        errors = self.port_errors()
        if errors:
            raise LabError("; ".join(f"port {name}: {error}" for name, error in errors.items()))

    def last_warnings(self):
        """The end of what ovs-vswitchd complained about, for an error message."""
        return "".join(complaints(f"{self.rundir}/ovs-vswitchd.log"))
