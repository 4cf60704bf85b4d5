# SPDX-License-Identifier: Apache-2.0
"""The fleet's database as a cluster of real ovsdb-servers, with TLS and a certificate for each host.

    with Cluster(3) as cluster:
        cluster.config("host1"), cluster.admin(), cluster.kill(0), cluster.start(0), cluster.cut("member1")

Each member, and each host that is asked for, has a network namespace of its own on one Ethernet; a cable can be
pulled. All of it ends with the process, and what a killed one left is taken away by the next.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = f"{HERE}/../../lib/fleet"
DATABASE = "Flowlift_Fleet"
PATIENCE_S = 60
RAFT_PORT = 6644
AGENT_PORT = 6642
PREFIX = "flf"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def run(*words, **how):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **how)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)[:400]}: {done.stderr or done.stdout}")
    return done.stdout


class Authority:
    """Signs certificates, as ovs-pki does, with keys that take no time to make."""

    def __init__(self, folder):
        self.folder = folder
        self._make("ca", "-x509", "-days", "2", "-subj", "/CN=fleet authority")

    def _make(self, name, *words):
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            f"{self.folder}/{name}.key", "-out", f"{self.folder}/{name}.{'pem' if '-x509' in words else 'csr'}", *words)

    def keys(self, name):
        """(private key, certificate, certificate of the authority); made at the first call."""
        at = f"{self.folder}/{name}"
        if not os.path.exists(f"{at}.pem"):
            self._make(name, "-subj", f"/CN={name}")
            run("openssl", "x509", "-req", "-in", f"{at}.csr", "-CA", f"{self.folder}/ca.pem", "-CAkey",
                f"{self.folder}/ca.key", "-CAcreateserial", "-days", "2", "-out", f"{at}.pem")
        return f"{at}.key", f"{at}.pem", f"{self.folder}/ca.pem"


class Ethernet:
    """Namespaces on one bridge, which is in a namespace, too."""

    def __init__(self, network="10.213.0"):
        self.name = f"{PREFIX}{os.getpid()}"
        self.network = network
        self.addresses = {}

    def __enter__(self):
        self._sweep()
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "add", "name", "eth", "type", "bridge")
        run("ip", "-n", self.name, "link", "set", "eth", "up")
        return self

    def __exit__(self, *_):
        for name in [*map(self.namespace, self.addresses), self.name]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    @staticmethod
    def _sweep():
        for line in run("ip", "netns", "list").splitlines():
            name = line.split()[0]
            pid = name[len(PREFIX):].split("-")[0]
            if name.startswith(PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def namespace(self, host):
        return f"{self.name}-{host}"

    def add(self, host):
        """Return: its address; it is added at the first call."""
        if host in self.addresses:
            return self.addresses[host]
        name, number = self.namespace(host), len(self.addresses) + 1
        address = f"{self.network}.{number}"
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", f"p{number}", "netns", self.name)
        run("ip", "-n", self.name, "link", "set", f"p{number}", "master", "eth", "up")
        run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        self.addresses[host] = address
        return address

    def within(self, host):
        """What a command begins with to run there."""
        self.add(host)
        return ["nsenter", f"--net=/run/netns/{self.namespace(host)}"]

    def cut(self, host, is_cut=True):
        """Pull the cable, or put it back."""
        number = list(self.addresses).index(host) + 1
        run("ip", "-n", self.name, "link", "set", f"p{number}", "down" if is_cut else "up")


def dies_with_us():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Cluster:
    def __init__(self, n=3, election_ms=1000):
        self.n = n
        self.election_ms = election_ms
        self.processes = [None] * n
        self.ethernet = Ethernet()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-fleet.")
        os.chmod(self.folder, 0o755)
        try:
            self.authority = Authority(self.folder)
            self.ethernet.__enter__()
            self.members = [self.ethernet.add(f"member{i}") for i in range(self.n)]
            for i in range(self.n):
                self._create(i)
                self.start(i)
            self.await_member(0)
            self._fill()
            for i in range(self.n):
                self.await_member(i)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for i in range(self.n):
            self.kill(i)
        self.ethernet.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Members ----

    def database(self, i):
        return f"{self.folder}/{i}.db"

    def raft(self, i):
        return f"ssl:{self.members[i]}:{RAFT_PORT}"

    def _create(self, i):
        if i == 0:
            run("ovsdb-tool", f"--election-timer={self.election_ms}", "create-cluster", self.database(0),
                f"{SHIPPED}/flowlift-fleet.ovsschema", self.raft(0))
        else:
            run("ovsdb-tool", "join-cluster", self.database(i), DATABASE, self.raft(i), *map(self.raft, range(i)))

    def start(self, i):
        key, certificate, authority = self.authority.keys(f"server{i}")
        with open(f"{self.folder}/{i}.out", "ab") as log:
            self.processes[i] = subprocess.Popen(
                [*self.ethernet.within(f"member{i}"), "ovsdb-server", "-vconsole:info", "-vsyslog:off", "-vfile:off",
                 "--no-chdir", f"--unixctl={self.folder}/{i}.ctl", f"--remote=punix:{self.folder}/{i}.sock",
                 f"--remote=db:{DATABASE},Fleet,connections", f"--private-key={key}", f"--certificate={certificate}",
                 f"--ca-cert={authority}", self.database(i)],
                stdout=log, stderr=log, env={**os.environ, "OVS_RUNDIR": self.folder, "OVS_LOGDIR": self.folder},
                preexec_fn=dies_with_us)

    def kill(self, i, number=signal.SIGKILL):
        process, self.processes[i] = self.processes[i], None
        if process:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.wait()

    def leader(self):
        """Its number, or None while there is none."""
        for i in range(self.n):
            if self.processes[i]:
                done = subprocess.run(["ovs-appctl", "-T", "5", "-t", f"{self.folder}/{i}.ctl", "cluster/status",
                                       DATABASE], capture_output=True, text=True, check=False)
                if "Role: leader" in done.stdout:
                    return i
        return None

    def log(self, i):
        with open(f"{self.folder}/{i}.out", encoding="utf-8") as file:
            return file.read()

    def await_member(self, i):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            done = subprocess.run(["ovsdb-client", "-t", "5", "wait", f"unix:{self.folder}/{i}.sock", DATABASE,
                                   "connected"], capture_output=True, text=True, check=False)
            if not done.returncode:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"member {i} does not join: {done.stderr}\n{self.log(i)[-2000:]}")

    # ---- What is in it ----

    def transact(self, *operations, i=0, timeout=PATIENCE_S):
        """As one who is root on a member. Return: the results."""
        return json.loads(run("ovsdb-client", "-t", str(timeout), "transact", f"unix:{self.folder}/{i}.sock",
                              json.dumps([DATABASE, *operations])))

    def rows(self, table, *where, columns=None, i=0):
        operation = {"op": "select", "table": table, "where": list(where)}
        if columns:
            operation["columns"] = columns
        return self.transact(operation, i=i)[0]["rows"]

    def _fill(self):
        """As docs/fleet.md says."""
        with open(f"{SHIPPED}/flowlift-fleet-init.json", encoding="utf-8") as file:
            for each in self.transact(*json.load(file)[1:]):
                if "error" in each:
                    raise RuntimeError(each)

    # ---- For those who use it ----

    def remote(self, *which):
        """For agents."""
        return ",".join(f"ssl:{self.members[i]}:{AGENT_PORT}" for i in which or range(self.n))

    def admin(self, i=0):
        """For operators."""
        return f"unix:{self.folder}/{i}.sock"

    def config(self, name, *which):
        """[fleet] of a host's configuration."""
        key, certificate, authority = self.authority.keys(name)
        return (f"[fleet]\nremote = {self.remote(*which)}\nname = {name}\nprivate-key = {key}\n"
                f"certificate = {certificate}\nca-certificate = {authority}\n")
