# SPDX-License-Identifier: Apache-2.0
"""ovsdb-server and ovs-vswitchd of one lab, stock, under the names their tools expect."""

import os
import signal

from . import namespaces, processes
from .processes import LabError, run

VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
BRIDGE = "br0"
DPDK_BASE_MB = 256
DPDK_PORT_MB = 64


class VSwitch:
    """paths: rundir for everything; environment: of the tools and the daemons."""

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

    def environment(self):
        return {**os.environ, **self.variables}

    def _daemon_environment(self):
        path = os.pathsep.join(filter(None, [self.driver_dir,
                                             os.environ.get("LD_LIBRARY_PATH")]))
        return processes.marked_environment(
            self.lab_id, {**self.variables, "LD_LIBRARY_PATH": path})

    # ---- Daemons ----

    def start_database(self):
        os.makedirs(self.rundir, exist_ok=True)
        run(["ovsdb-tool", "create", f"{self.rundir}/conf.db", SCHEMA])
        run(["ovsdb-server", f"{self.rundir}/conf.db", f"--remote=punix:{self.rundir}/db.sock",
             "--pidfile", "--log-file", "--detach", "--no-chdir", "-vconsole:off"],
            env=self._daemon_environment())

    def configure(self, *, n_ports, hw_offload, pmd_cpu, max_idle_ms, other_config):
        settings = {
            "dpdk-init": "true",
            "dpdk-extra": "--no-huge --legacy-mem --no-pci "
                          f"-m {DPDK_BASE_MB + DPDK_PORT_MB * n_ports} "
                          f"--file-prefix={self.lab_id} -d librte_net_flownic.so",
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

    def vswitchd_pid(self):
        """Its pid while it runs, else None."""
        try:
            with open(f"{self.rundir}/ovs-vswitchd.pid", encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if processes.is_running(pid) else None

    def kill_vswitchd(self, number=signal.SIGKILL, timeout=10):
        pid = self.vswitchd_pid()
        if pid is None:
            return
        processes.signal_marked(pid, self.lab_id, number)
        processes.wait_until(lambda: not processes.is_running(pid), timeout,
                             "the end of ovs-vswitchd")

    # ---- Tools ----

    def vsctl(self, *words, check=True, timeout=60):
        return run(["ovs-vsctl", f"--timeout={int(timeout)}", *words], env=self.environment(),
                   check=check, timeout=timeout + 5).stdout

    def ofctl(self, *words, stdin=None, check=True):
        return run(["ovs-ofctl", *words], env=self.environment(), stdin=stdin,
                   check=check).stdout

    def appctl(self, *words, check=True, timeout=60):
        return run(["ovs-appctl", *words], env=self.environment(), check=check,
                   timeout=timeout).stdout

    def add_flows(self, flows):
        text = flows if isinstance(flows, str) else "\n".join(flows) + "\n"
        self.ofctl("-O", "OpenFlow14", "--bundle", "add-flows", BRIDGE, "-", stdin=text)

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
