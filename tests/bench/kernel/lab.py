# SPDX-License-Identifier: Apache-2.0
"""The kernel lab, for use inside the guest: class KernelLab for tests; main() is the command
`lab`. See README.md.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from labkit import namespaces, netlink, ovn, policy, processes, topology  # noqa: E402
from labkit.nic import Nic, find_module  # noqa: E402
from labkit.processes import LabError, run, wait_until  # noqa: E402
from labkit.storage import Storage  # noqa: E402
from labkit.topology import VM  # noqa: E402
from labkit.traffic import Traffic  # noqa: E402
from labkit.vswitch import VSwitch, last_warnings  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.realpath(f"{HERE}/../../..")
DIRECTORY = "/run/flowlift-lab"
LAB_ID = "flowlift-kernel-lab"
OWN_DIRECTORIES = [DIRECTORY, "/run/openvswitch", "/run/ovn", "/var/log/openvswitch",
                   "/var/log/ovn"]

DEFAULTS = {
    "ovn": True,
    "vms": 4,
    "stranded": ["vm2"],
    "nfs": True,
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


class Background:
    """A part of coming up that goes on beside the others."""

    def __init__(self, *functions):
        self.functions = functions
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            for function in self.functions:
                function()
        except Exception as error:  # handed over to who waits
            self.error = error

    def wait(self):
        self.thread.join()
        if self.error:
            raise self.error


class KernelLab:
    """The lab of this guest. up() and down(), or a with block; attach() if it is up."""

    def __init__(self, **options):
        unknown = set(options) - set(DEFAULTS)
        if unknown:
            raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
        self.options = {**DEFAULTS, **options}
        options = self.options
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
        nfs = Background(self.storage.load_modules) if self.options["nfs"] else None
        network = Background(self.nic.load, self._find_ports, self._create_namespaces)
        self.switch.start_database(self._settings())
        central = Background(self._start_central)
        network.wait()
        if nfs:
            nfs.wait()
            nfs = Background(lambda: self.storage.start_server("sto"))
        servers = Background(self._start_servers)
        self.switch.start_vswitchd()
        self._add_ports()
        central.wait()
        if self.has_ovn:
            self.ovn.start_controller()
            self.ovn.await_ports(self.vms)
        else:
            self.install_pipeline()
        servers.wait()
        if nfs:
            nfs.wait()
            self._mount_everywhere()

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

    def _tenants(self):
        stranded = [self.vm(name) for name in self.options["stranded"]]
        peers = [vm for vm in self.vms if vm not in stranded]
        tenants = [ovn.Tenant("peers", 1, peers)]
        return tenants + [ovn.Tenant(f"tenant-{vm.name}", number, [vm], ovn.policy_acls(vm))
                          for number, vm in enumerate(stranded, 2)]

    def _gateways(self):
        return {vm.name: tenant.gateway for tenant in self._tenants() for vm in tenant.vms}

    def _create_namespaces(self):
        namespaces.create("sto")
        namespaces.create("ext")
        namespaces.move_link(topology.WIRE, "sto", "wire", topology.STORAGE_MAC)
        with namespaces.inside("sto"):
            netlink.add_vlan("wire", topology.STORAGE_VLAN, "storage")
            for address in (topology.STORAGE_SERVER, topology.STORAGE_TCP_SERVER,
                            topology.STORAGE_OTHER):
                netlink.add_address("storage", address, topology.STORAGE_PREFIX)
            netlink.set_link("storage", up=True)
            netlink.add_vlan("wire", topology.PUBLIC_VLAN, "public")
            namespaces.move_link("public", "ext", "public", topology.PUBLIC_MAC)
        with namespaces.inside("ext"):
            netlink.add_address("public", topology.PUBLIC_SERVER, topology.PUBLIC_PREFIX)
        gateways = self._gateways() if self.has_ovn else {}
        for vm in self.vms:
            self._create_vm(vm, gateways.get(vm.name))
        netlink.set_link(topology.UPLINK, up=True)

    @staticmethod
    def _create_vm(vm, gateway):
        namespaces.create(vm.name)
        namespaces.move_link(vm.vf, vm.name, "eth0", vm.mac)
        netlink.set_link(vm.port, up=True)
        with namespaces.inside(vm.name):
            netlink.add_address("eth0", vm.address, topology.STORAGE_PREFIX)
            if gateway:
                netlink.add_default_route("eth0", gateway)

    def _start_central(self):
        if self.has_ovn:
            self.ovn.start_central()
            self.ovn.create_network(self._tenants())

    def _start_servers(self):
        if self.traffic.tools:
            self.traffic.start_tcp_server()
        if self.has_ovn:
            self.traffic.start_responder(self.vms)

    def _add_ports(self):
        if self.has_ovn:
            words = ["add-br", self.bridge, "--", "set", "Bridge", self.bridge, "fail_mode=secure",
                     "other_config:disable-in-band=true", "--", "add-br",
                     topology.PROVIDER_BRIDGE, "--", "add-port", topology.PROVIDER_BRIDGE,
                     topology.UPLINK]
        else:
            words = ["add-br", self.bridge, "--", "set", "Bridge", self.bridge, "fail_mode=secure",
                     "--", "add-port", self.bridge, topology.UPLINK]
        tag = None if self.has_ovn else topology.STORAGE_VLAN
        for vm in self.vms:
            words += vm.port_words(self.bridge, tag)
        self.switch.vsctl(*words)
        self.switch.check_ports()

    def _mount_everywhere(self):
        mounts = [Background(lambda vm=vm: self.storage.mount(vm)) for vm in self.vms]
        for mount in mounts:
            mount.wait()

    # ---- Down ----

    def down(self):
        """End everything of the lab; safe to call again, and for one half up."""
        end_everything(self.nic)

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

    def install_pipeline(self):
        """Without OVN: NORMAL, and conntrack for the stranded."""
        flows = topology.base_flows()
        uplink = int(self.vsctl("get", "Interface", topology.UPLINK, "ofport"))
        for name in self.options["stranded"]:
            flows += self._stranded_flows(self.vm(name), uplink)
        self.switch.add_flows(self.bridge, flows)

    def _stranded_flows(self, vm, uplink):
        return topology.stranded_flows(vm, int(self.vsctl("get", "Interface", vm.port, "ofport")),
                                       uplink)

    def set_stranded(self, name, on):
        """Without OVN: lead a VM's IP packets through conntrack, or no longer."""
        if self.has_ovn:
            raise LabError("with OVN a VM is stranded by its ACLs: see acls()")
        vm = self.vm(name)
        self.ofctl("del-flows", self.bridge, f"cookie={vm.cookie:#x}/-1")
        if on:
            uplink = int(self.vsctl("get", "Interface", topology.UPLINK, "ofport"))
            self.switch.add_flows(self.bridge, self._stranded_flows(vm, uplink))

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
        self.vsctl("list-br")
        if not self.has_ovn:
            self.install_pipeline()

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
        self.traffic.await_servers("sto")
        return self.traffic.start_tcp_load(name, conns, rate, seconds, job)

    def start_nfs_job(self, name, mib=64, job=None):
        """Write so many MiB, read them back, compare sha256; wait() gives the outcome."""
        return self.traffic.start_disk_job(self.mount_point(name), mib, job or f"job-{name}")

    def nfs_job(self, name, mib=64, timeout=300):
        return self.start_nfs_job(name, mib).wait(timeout)

    def job(self, job):
        """A load ("load-vm1") or NFS job ("job-vm1") that was started before."""
        found = self.traffic.find_job(job)
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


def end_everything(nic):
    storage = Storage(LAB_ID, f"{DIRECTORY}/mnt")
    storage.unmount_all()
    processes.end_all(LAB_ID)
    storage.stop_server()
    for name in sorted(os.listdir(namespaces.DIRECTORY)) if os.path.isdir(
            namespaces.DIRECTORY) else []:
        namespaces.delete(name)
    VSwitch.delete_datapath()
    nic.unload()
    run(["conntrack", "-F"], check=False)
    for directory in OWN_DIRECTORIES:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.modules["lab"] = sys.modules["__main__"]
    from labkit import command
    if sys.argv[1:2] == ["_with"]:
        sys.exit(command.with_lab(sys.argv[2:]))
    sys.exit(command.main(sys.argv[1:]))
