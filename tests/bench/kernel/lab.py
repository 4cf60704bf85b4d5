# SPDX-License-Identifier: Apache-2.0
"""The kernel lab, for use inside the guest: class KernelLab for tests; main() is the command
`lab`. See README.md.
"""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from labkit import machines, namespaces, ovn, plain, policy  # noqa: E402
from labkit import processes, teardown, topology  # noqa: E402
from labkit.background import Background, all_at_once  # noqa: E402
from labkit.nic import Nic, find_module  # noqa: E402
from labkit.processes import LabError, run, wait_until  # noqa: E402
from labkit.storage import Storage  # noqa: E402
from labkit.topology import DIRECTORY, LAB_ID, VM  # noqa: E402
from labkit.traffic import Traffic  # noqa: E402
from labkit.vswitch import VSwitch, last_warnings  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.realpath(f"{HERE}/../../..")
# So many that their ARP requests, each a frame to every one of them, are a load of their own.
MANY_VMS = 16

DEFAULTS = {
    "ovn": True,
    "vms": 4,
    "stranded": ["vm2"],
    "nfs": True,
    "disk": None,  # a folder for the databases, which outlive the lab there
    "static_arp": None,
    "n_vfs": None,
    "hw_offload": True,
    "max_idle": 30000,
    "other_config": {},
    "vswitchd_args": [],
    "module": None,
    "module_parameters": {},
}


def find_tools():
    """The folder with the traffic programs, or None."""
    meson = os.environ.get("FLOWLIFT_BUILD", f"{PROJECT}/build")
    for place in (f"{meson}/tests/bench", f"{PROJECT}/.deps/bench"):
        if os.path.exists(f"{place}/tcpload"):
            return place
    return None


class KernelLab:
    """The lab of this guest. up() and down(), or a with block; attach() if it is up."""

    def __init__(self, **options):
        unknown = set(options) - set(DEFAULTS)
        if unknown:
            raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
        self.options = {**DEFAULTS, **options}
        options = self.options
        if options["static_arp"] is None:
            options["static_arp"] = options["vms"] > MANY_VMS
        self.directory = DIRECTORY
        self.root = f"{DIRECTORY}/root"
        self.vms = [VM(number + 1) for number in range(options["vms"])]
        self.has_ovn = options["ovn"]
        self.bridge = topology.INTEGRATION_BRIDGE if self.has_ovn else topology.PLAIN_BRIDGE
        for name in options["stranded"]:
            self.vm(name)
        if self.has_ovn and len(options["stranded"]) > 8:
            raise LabError("with OVN each stranded VM has a switch of its own: at most 8")
        self.nic = Nic(find_module(options["module"]), options["n_vfs"] or options["vms"],
                       options["module_parameters"])
        self.switch = VSwitch(LAB_ID)
        self.switch.vswitchd_args = options["vswitchd_args"]
        self.ovn = ovn.Ovn(LAB_ID)
        if options["disk"]:
            # The databases outlive the lab; one that finds them goes on with them, as after a reboot.
            self.switch.dbdir = self.ovn.dbdir = options["disk"]
        self.storage = Storage(LAB_ID, f"{DIRECTORY}/mnt")
        self.traffic = Traffic(f"{DIRECTORY}/jobs", LAB_ID, find_tools())

    @classmethod
    def attach(cls):
        """The lab that is up in this guest."""
        try:
            with open(f"{DIRECTORY}/lab.json", encoding="utf-8") as file:
                lab = cls(**json.load(file))
        except FileNotFoundError:
            raise LabError("no lab is up here") from None
        lab._find_ports()
        return lab

    def vm(self, name):
        for vm in self.vms:
            if name == vm.name:
                return vm
        raise LabError(f"no VM {name}: there are {', '.join(vm.name for vm in self.vms)}")

    # ---- Up ----

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Bring the lab up. With FLOWLIFT_LAB_KEEP set one that fails is left for a look at it."""
        if os.uname().nodename != "guest":
            raise LabError("this lab changes the whole machine: it is for the guest (kernel/run)")
        if os.path.exists(DIRECTORY):
            raise LabError("a lab is up here already: lab down")
        os.makedirs(DIRECTORY)
        try:
            self._save()
            self._start()
        except BaseException as error:
            words = last_warnings() if isinstance(error, LabError) else ""
            if not os.environ.get("FLOWLIFT_LAB_KEEP"):
                self.down()
            raise LabError(f"{error}\n{words}") from error if words else error
        return self

    def _save(self):
        with open(f"{DIRECTORY}/lab.json.new", "w", encoding="utf-8") as file:
            json.dump(self.options, file, indent=1)
        os.rename(f"{DIRECTORY}/lab.json.new", f"{DIRECTORY}/lab.json")

    def _start(self):
        self._write_configuration()
        has_nfs = self.options["nfs"]
        modules = Background(self.storage.load_modules) if has_nfs else None
        network = Background(self.nic.load, self._find_ports, self._create_namespaces)
        self.switch.start_database()
        central = Background(self._start_central)
        network.wait()
        servers = Background(self._start_servers)
        disk = Background(modules.wait, self.storage.start_server) if has_nfs else None
        if self.switch.is_new:
            self.switch.configure(self._settings(),
                                  (ovn if self.has_ovn else plain).port_words(self.vms))
        self.switch.start_vswitchd()
        self.switch.await_ports()
        central.wait()
        if self.has_ovn:
            self.ovn.start_controller()
            self.ovn.await_ports(self.vms)
        else:
            plain.install(self.switch, self._stranded())
        servers.wait()
        if has_nfs:
            disk.wait()
            all_at_once([lambda vm=vm: self.storage.mount(vm) for vm in self.vms])

    def _write_configuration(self):
        directory = f"{self.root}/etc/flowlift"
        os.makedirs(directory)
        with open(f"{directory}/flowlift.conf", "w", encoding="ascii") as file:
            file.write(f"[storage]\nvlans = {topology.STORAGE_VLAN}\nsubnets = 10.100.0.0/24\n")

    def _settings(self):
        settings = {"other_config": {
            "hw-offload": str(self.options["hw_offload"]).lower(),
            "max-idle": str(self.options["max_idle"]),
            **self.options["other_config"],
        }}
        return {**settings, "external_ids": ovn.SETTINGS} if self.has_ovn else settings

    def _find_ports(self):
        found = self.nic.representors()
        for vm in self.vms:
            vm.port = found.get(vm.number - 1)
            if not vm.port:
                raise LabError(f"the NIC has no representor for {vm.vf}")

    def _stranded(self):
        return [self.vm(name) for name in self.options["stranded"]]

    def _tenants(self):
        return ovn.tenants(self.vms, self._stranded()) if self.has_ovn else []

    def _tenant(self, vm):
        return next((tenant for tenant in self._tenants() if vm in tenant.vms), None)

    def _create_namespaces(self):
        machines.create_servers()
        for vm in self.vms:
            tenant = self._tenant(vm)
            machines.create_vm(vm, tenant.gateway if tenant else None)
        if self.options["static_arp"]:
            machines.introduce(self.vms)

    def _start_central(self):
        if self.has_ovn:
            self.ovn.start_central()
            if self.ovn.is_new:
                self.ovn.create_network(self._tenants())

    def _start_servers(self):
        if self.traffic.tools:
            self.traffic.start_tcp_server()
        if self.has_ovn:
            self.traffic.start_responder(self.vms)

    # ---- Down ----

    def down(self):
        """End everything of the lab; safe to call again, and for one half up."""
        teardown.end_everything(self.nic)

    # ---- Switch ----

    def vsctl(self, *words, **options):
        return self.switch.vsctl(*words, **options)

    def ofctl(self, *words, **options):
        return self.switch.ofctl(*words, **options)

    def appctl(self, *words, **options):
        return self.switch.appctl(*words, **options)

    def nbctl(self, *words, **options):
        return self.ovn.nbctl(*words, **options)

    def sbctl(self, *words, **options):
        return self.ovn.sbctl(*words, **options)

    def logical_switch(self, name):
        """With OVN: the name of a VM's logical switch, for nbctl acl-add and the like."""
        return self._tenant(self.vm(name)).name

    def set_stranded(self, name, on):
        """Without OVN: lead a VM's IP packets through conntrack, or no longer."""
        if self.has_ovn:
            raise LabError("with OVN a VM is stranded by the ACLs of its logical switch")
        plain.set_stranded(self.switch, self.vm(name), on)
        others = [other for other in self.options["stranded"] if other != name]
        self.options["stranded"] = others + [name] * on
        self._save()

    def settle(self):
        """Wait until changes of OVN's databases and of OpenFlow flows are in the datapath."""
        if self.has_ovn:
            self.nbctl("--wait=hv", "sync")
        self.appctl("revalidator/wait")

    def stop_vm(self, name):
        """Unplug a VM, as its end does; its namespace stays."""
        self.vsctl("del-port", self.bridge, self.vm(name).port)

    def start_vm(self, name):
        """Plug a VM in again: with new flows and a new OpenFlow port, as at its start."""
        vm = self.vm(name)
        self.vsctl(*vm.port_words(self.bridge, None if self.has_ovn else topology.STORAGE_VLAN)[1:])
        self._await_pipeline([vm])

    def _await_pipeline(self, vms):
        self.switch.await_ports()
        if self.has_ovn:
            self.ovn.await_ports(vms)
        else:
            plain.install(self.switch, self._stranded())

    def ofports(self):
        """{interface: OpenFlow port} of all bridges."""
        return self.switch.ofports()

    def dump_flows(self, m=True):
        """Text of dpctl/dump-flows, with -m unless told otherwise."""
        return self.appctl("dpctl/dump-flows", *(["-m"] if m else []))

    def vswitchd_pid(self):
        return self.switch.vswitchd_pid()

    def kill_vswitchd(self, number=signal.SIGKILL):
        self.switch.kill_vswitchd(number)

    def start_vswitchd(self):
        """Start ovs-vswitchd again; with OVN its controller puts the flows back."""
        self.switch.start_vswitchd()
        self._await_pipeline(self.vms)

    def restart_vswitchd(self):
        self.kill_vswitchd(signal.SIGTERM)
        self.start_vswitchd()

    # ---- NIC ----

    def nic_counters(self):
        """{representor or uplink: the NIC's own counters}, not through OVS or TC."""
        return self.nic.counters()

    def nic_rules(self):
        return self.nic.rules_text()

    def fault(self, *words):
        """Switch a fault of the NIC (nic/faults.h); returns the lines of those in force."""
        return self.nic.fault(*words)

    def punt(self, name, every):
        """Every so many-th packet of the VM that a rule would forward goes to software; 0: none."""
        return self.nic.fault("punt", self.vm(name).port, every)

    # ---- Traffic ----

    def exec(self, where, *command, check=False, timeout=60):
        """Run a command in the namespace of a VM, or of sto or ext, to its end."""
        with namespaces.inside(where):
            return run(command, check=check, timeout=timeout, env=self.env)

    def popen(self, where, *command, **options):
        """Start a command there; it ends with the lab at the latest."""
        with namespaces.inside(where):
            return subprocess.Popen([str(word) for word in command],
                                    env=processes.marked_environment(LAB_ID), **options)

    def start_load(self, name, rate=20, kind=None, conns=1, seconds=None, job=None):
        """Constant storage traffic of a VM: kind nfs (reads and writes a second) or tcp."""
        self.vm(name)
        job = job or f"load-{name}"
        if (kind or ("nfs" if self.options["nfs"] else "tcp")) == "nfs":
            return self.traffic.start_disk_load(self.mount_point(name), rate, seconds, job)
        self.traffic.await_tcp_server()
        return self.traffic.start_tcp_load(name, conns, rate, seconds, job)

    def start_talk(self, names=None, rate=5, seconds=None, job="talk"):
        """One TCP connection of each of many VMs to the storage, from one process."""
        self.traffic.await_tcp_server()
        names = names or [vm.name for vm in self.vms]
        return self.traffic.start_talk(names, rate, seconds, job)

    def start_nfs_job(self, name, mib=64, job=None):
        """Write so many MiB, read them back, compare sha256; wait() gives the outcome."""
        return self.traffic.start_disk_job(self.mount_point(name), mib, job or f"job-{name}")

    def nfs_job(self, name, mib=64, timeout=300):
        """The same to its end: {"sha256_written", "sha256_read", "errors", "times_ms", ...}."""
        return self.start_nfs_job(name, mib).wait(timeout)

    def job(self, job):
        """A load ("load-vm1") or NFS job ("job-vm1") that was started before."""
        found = self.traffic.jobs.find(job)
        if not found:
            raise LabError(f"{job} was not started")
        return found

    def mount_point(self, name):
        return self.storage.mount_point(self.vm(name).name)

    def check_policy(self, name=None, peer=None):
        """Try what a stranded VM's policy allows and blocks: [(name, expected, seen)]."""
        if not self.has_ovn:
            raise LabError("there is no policy without OVN")
        vm = self.vm(name or self.options["stranded"][0])
        others = [other for other in self.vms if other.name not in self.options["stranded"]]
        return policy.check(policy.attempts(vm, self.vm(peer) if peer else others[0]))

    @property
    def env(self):
        """Environment for programs that shall talk to this lab."""
        return {**os.environ, "FLOWLIFT_ROOT": self.root, "FLOWLIFT_LAB_DIR": DIRECTORY}

    @staticmethod
    def wait_until(predicate, timeout=10.0, what="", interval=0.05):
        return wait_until(predicate, timeout, what, interval)


if __name__ == "__main__":
    sys.modules["lab"] = sys.modules["__main__"]
    from labkit import command
    if sys.argv[1:2] == ["_with"]:
        sys.exit(command.with_lab(sys.argv[2:]))
    sys.exit(command.main(sys.argv[1:]))
