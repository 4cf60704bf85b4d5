# SPDX-License-Identifier: Apache-2.0
"""Servers behind the uplink, and the VMs' traffic with them."""

import os

from . import namespaces, processes
from .jobs import Jobs
from .topology import PUBLIC_SERVER, STORAGE_NAMESPACES, STORAGE_SERVERS

GANESHA = "/usr/bin/ganesha.nfsd"
NFS_LS = "/usr/bin/nfs-ls"
NFS_PORT = 2049
OTHER_PORT = 9000
HTTP_PORT = 8080

GANESHA_CONFIG = """
NFS_CORE_PARAM {{
    Bind_addr = {address};
    NFS_Port = {port};
    Protocols = 4;
    Enable_UDP = false;
    Enable_NLM = false;
    Enable_RQUOTA = false;
    fsid_device = true;
}}
NFSv4 {{
    Graceless = true;
    RecoveryBackend = fs;
    Minor_Versions = 0, 1;
}}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{
    Export_Id = 1;
    Path = {export};
    Pseudo = /disk;
    Protocols = 4;
    Access_Type = RW;
    Squash = None;
    SecType = sys;
    FSAL {{ Name = VFS; }}
}}
LOG {{ Default_Log_Level = EVENT; }}
"""


class Traffic:
    def __init__(self, directory, lab_id, tools):
        self.directory = directory
        self.lab_id = lab_id
        self.tools = tools
        self.environment = processes.marked_environment(lab_id)
        self.jobs = Jobs(directory, lab_id)
        self.nfs_problem = "switched off"

    def namespace(self, name):
        return f"{self.lab_id}-{name}"

    def _tool(self, name):
        return f"{self.tools}/{name}"

    def _spawn(self, where, words, log, stdout=None):
        return processes.spawn([*namespaces.enter(self.namespace(where)), *words],
                               env=self.environment, log=f"{self.directory}/{log}.log",
                               stdout=stdout)

    # ---- Servers ----

    def start_servers(self, public, nfs):
        os.makedirs(self.directory, exist_ok=True)
        for namespace, address in zip(STORAGE_NAMESPACES, STORAGE_SERVERS):
            self._start_echo(namespace)
            self._start_tcp(namespace, address, HTTP_PORT)
        # Where NFS is, its port is taken.
        for i in range(1 if nfs else 0, len(STORAGE_SERVERS)):
            self._start_tcp(STORAGE_NAMESPACES[i], STORAGE_SERVERS[i], NFS_PORT)
        if public:
            self._start_echo("ext")
            self._start_tcp("ext", PUBLIC_SERVER, HTTP_PORT)

    def _start_echo(self, namespace):
        self._spawn(namespace, [self._tool("stream"), "echo", NFS_PORT, OTHER_PORT],
                    f"echo-{namespace}")

    def _start_tcp(self, namespace, address, port):
        self._spawn(namespace, [self._tool("tcpload"), "serve", address, port],
                    f"tcp-{namespace}-{port}")

    def start_nfs(self):
        """Start nfs-ganesha; it is ready when nfs_is_ready(). Sets nfs_problem."""
        if not os.access(GANESHA, os.X_OK):
            self.nfs_problem = f"no {GANESHA}"
            return
        export = f"{self.directory}/disk"
        os.makedirs(export, exist_ok=True)
        os.makedirs(f"{self.directory}/recovery", exist_ok=True)
        config = f"{self.directory}/ganesha.conf"
        with open(config, "w", encoding="utf-8") as file:
            file.write(GANESHA_CONFIG.format(address=STORAGE_SERVERS[0], port=NFS_PORT,
                                             export=export))
        self._spawn("sto", [GANESHA, "-F", "-f", config, "-L",
                            f"{self.directory}/ganesha.log", "-p",
                            f"{self.directory}/ganesha.pid"], "ganesha-start")
        self.nfs_problem = None

    def nfs_is_ready(self):
        result = processes.run(
            [*namespaces.enter(self.namespace("sto")), "ss", "-Hltn",
             f"sport = :{NFS_PORT}"], check=False)
        return bool(result.stdout)

    def probe_nfs(self, vm_name):
        """Mount the disk in a VM, once. Return: what went wrong, or None."""
        result = processes.run(
            [*namespaces.enter(self.namespace(vm_name)), "timeout", "10", NFS_LS,
             f"nfs://{STORAGE_SERVERS[0]}/disk?version=4"], check=False)
        if result.returncode == 0:
            return None
        said = (result.stderr or result.stdout or "no answer").strip().splitlines()
        return f"the disk cannot be mounted: {said[-1]}"

    # ---- The VMs' traffic ----

    def _start_job(self, vm_name, name, words):
        return self.jobs.start(name, lambda stdout: self._spawn(vm_name, words, name, stdout))

    def start_load(self, vm_name, kind, server, conns, rate, seconds, name):
        words = ["--conns", conns, "--rate", rate]
        if seconds:
            words += ["--seconds", seconds]
        if kind == "nfs":
            command = [self._tool("nfsload"), server, "/disk", vm_name, *words]
        else:
            command = [self._tool("tcpload"), "run", server, NFS_PORT, *words]
        return self._start_job(vm_name, name, command)

    def start_stream(self, vm_name, address, port, rate, seconds, name):
        command = [self._tool("stream"), "send", address, port, "--rate", rate]
        if seconds:
            command += ["--seconds", seconds]
        return self._start_job(vm_name, name, command)
