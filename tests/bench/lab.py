# SPDX-License-Identifier: Apache-2.0
"""The DPDK lab: class Lab for tests; main() is the command `lab`. See README.md."""

import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from labkit import namespaces, processes, topology  # noqa: E402
from labkit.nic import Telemetry, runtime_dir  # noqa: E402
from labkit.processes import LabError, wait_until  # noqa: E402
from labkit.topology import VM  # noqa: E402
from labkit.traffic import NFS_PORT, Traffic  # noqa: E402
from labkit.vswitch import BRIDGE, VSwitch, port_words  # noqa: E402
from labkit.watchdog import Watchdog  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
# A socket's path has 107 bytes, and the longest here is DIR/ovs/ovs-vswitchd.NNNNNNN.ctl.
MAX_DIR = 70
# A lab of its own folder is there unless TMPDIR says where, or there is less room than this.
MEMORY_DIR = "/dev/shm"
MEMORY_BYTES = 1 << 30

DRIVER = "librte_net_flownic.so"

DEFAULTS = {
    "vms": 4,
    "stranded": ["vm2"],
    "variant": "ct",
    "hw_offload": True,
    "nics": 1,
    "public": True,
    "nfs": True,
    "max_idle": 10000,
    "vswitchd_args": [],
    "other_config": {},
    "dpdk_extra": "",
    "pmd_cpu": None,
    "build": None,
    "moved": {},
}


def find_build(given=None):
    """The folder with the driver and the traffic programs."""
    meson = os.environ.get("FLOWLIFT_BUILD", f"{PROJECT}/build")
    for place in filter(None, [given, f"{meson}/tests/bench", f"{PROJECT}/.deps/bench"]):
        if os.path.exists(f"{place}/{DRIVER}"):
            return os.path.abspath(place)
    raise LabError("the bench is not built: run tests/bench/setup, then meson, or "
                   "tests/bench/quick-build .deps/bench")


def _folder_for_labs():
    """In memory, where there is room: a disk that is busy holds up the switch, its tools and its database."""
    if not os.environ.get("TMPDIR") and os.path.ismount(MEMORY_DIR):
        space = os.statvfs(MEMORY_DIR)
        if space.f_bavail * space.f_frsize >= MEMORY_BYTES:
            return MEMORY_DIR
    return tempfile.gettempdir()


class Lab:
    """One lab. up() and down(), or a with block; attach() for one that is up."""

    def __init__(self, directory=None, **options):
        unknown = set(options) - set(DEFAULTS)
        if unknown:
            raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
        if not directory:
            directory = f"{_folder_for_labs()}/flowlift-lab.{secrets.token_hex(4)}"
        self.directory = os.path.abspath(directory)
        if len(self.directory) > MAX_DIR:
            raise LabError(f"{self.directory}: too long a path for a socket")
        self.options = {**DEFAULTS, **options}
        self.id = self.id_of(self.directory)
        self.instance = secrets.token_hex(8)
        self._watchdog = None
        self._use_options()

    def _use_options(self):
        options = self.options
        if options["nics"] not in (1, 2):
            raise LabError("one or two NICs")
        if options["nics"] == 2:
            options["nfs"] = False  # each NIC has one server, and both are to serve alike
        self.vms = [VM(number + 1, options["nics"]) for number in range(options["vms"])]
        for name, moves in options["moved"].items():
            self.vm(name).move(**moves)
        if self.n_ports() > topology.MAX_PORTS:
            raise LabError(f"{self.n_ports()} ports are too many: DPDK has {topology.MAX_PORTS}")
        if options["pmd_cpu"] is None:
            options["pmd_cpu"] = max(os.sched_getaffinity(0))
        self.build = find_build(options["build"])
        self.root = f"{self.directory}/root"
        self.switch = VSwitch(f"{self.directory}/ovs", self.id, self.build)
        self.traffic = Traffic(f"{self.directory}/traffic", self.id, self.build)
        self.telemetry = Telemetry(self.id)
        for name in options["stranded"]:
            self.vm(name)

    @staticmethod
    def id_of(directory):
        """A short name for all that belongs to the lab in a directory."""
        return "fl" + hashlib.sha256(directory.encode()).hexdigest()[:8]

    @classmethod
    def attach(cls, directory):
        """The lab that is up in a directory."""
        directory = os.path.abspath(directory)
        try:
            with open(f"{directory}/lab.json", encoding="utf-8") as file:
                state = json.load(file)
        except FileNotFoundError:
            raise LabError(f"no lab is up in {directory}") from None
        lab = cls(directory, **state["options"])
        lab.instance = state["instance"]
        lab.traffic.nfs_problem = state["nfs_problem"]
        return lab

    def n_ports(self):
        return self.options["nics"] + len(self.vms) * (2 if self.options["public"] else 1)

    def vm(self, name):
        for vm in self.vms:
            if name == vm.name:
                return vm
        raise LabError(f"no VM {name}: there are {', '.join(vm.name for vm in self.vms)}")

    # ---- Up and down ----

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def up(self, owner=None):
        """Bring the lab up; it ends when this process does. owner: another pid to heed.

        With FLOWLIFT_LAB_KEEP set, one that does not come up is left for a look at it.
        """
        if os.geteuid() != 0:
            raise LabError("the lab needs root: namespaces and taps")
        if os.path.exists(f"{self.directory}/lab.json"):
            raise LabError(f"a lab is up in {self.directory} already: lab down --dir "
                           f"{self.directory}, or another --dir")
        if os.path.isdir(self.directory) and os.listdir(self.directory):
            raise LabError(f"{self.directory} is not empty")
        self._watchdog = Watchdog(os.path.abspath(__file__), self.directory, self.instance, owner)
        try:
            os.makedirs(self.directory, exist_ok=True)
            self._save()
            os.makedirs(self.root)
            self._start()
        except BaseException as error:
            words = self.switch.last_warnings() if isinstance(error, LabError) else ""
            if os.environ.get("FLOWLIFT_LAB_KEEP"):
                self.leave_up()
            else:
                self.down()
            if words:
                raise LabError(f"{error}\novs-vswitchd says:\n{words}") from error
            raise
        return self

    def _save(self):
        state = {"options": self.options, "instance": self.instance, "id": self.id,
                 "nfs_problem": self.traffic.nfs_problem}
        with open(f"{self.directory}/lab.json.new", "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
        os.rename(f"{self.directory}/lab.json.new", f"{self.directory}/lab.json")

    def leave_up(self):
        """Let the lab outlive this process."""
        self._watchdog.leave()
        self._watchdog = None

    def _start(self):
        self._create_namespaces()
        self.traffic.start_servers(self.options["public"], nfs=self.options["nfs"])
        if self.options["nfs"]:
            self.traffic.start_nfs()
        self.switch.start_database()
        self.switch.configure(
            n_ports=self.n_ports(), hw_offload=self.options["hw_offload"],
            pmd_cpu=self.options["pmd_cpu"], max_idle_ms=self.options["max_idle"],
            other_config=self.options["other_config"], dpdk_extra=self.options["dpdk_extra"])
        self.switch.start_vswitchd(self.options["vswitchd_args"])
        self._add_ports()
        self.switch.check_ports()
        self.install_pipeline()
        self._await_nfs()
        self._save()

    def _create_namespaces(self):
        def create(name, *taps):
            namespaces.create(self.id, name, [namespaces.Tap(*tap) for tap in taps])
        create("ovs")
        for name, mac, address in zip(topology.STORAGE_NAMESPACES, topology.STORAGE_MACS,
                                      topology.STORAGE_SERVERS):
            create(name, ("sto0", mac, address))
        if self.options["public"]:
            create("ext", ("ext0", topology.PUBLIC_SERVER_MAC, topology.PUBLIC_SERVER))
        for vm in self.vms:
            taps = [("eth0", vm.mac, vm.address)]
            if self.options["public"]:
                taps.append(("eth1", vm.public_mac, vm.public_address))
            create(vm.name, *taps)

    def _add_ports(self):
        words = ["add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev",
                 "fail_mode=secure"]
        for nic in range(self.options["nics"]):
            words += port_words(topology.UPLINKS[nic], topology.UPLINK_OFPORTS[nic],
                                f"net_flownic{nic},nic={nic}," + ",".join(self._cables(nic)))
        for vm in self.vms:
            words += self._vm_words(vm)
        self.switch.vsctl(*words)

    def _vm_words(self, vm):
        """What plugs a VM in."""
        words = port_words(vm.port, vm.ofport,
                           f"{vm.device},nic={vm.nic},iface=eth0@{self.id}-{vm.name}",
                           topology.STORAGE_VLAN, vm.external_ids())
        if self.options["public"]:
            words += port_words(vm.public_port, vm.public_ofport,
                                f"{vm.public_device},iface=eth1@{self.id}-{vm.name}",
                                topology.PUBLIC_VLAN, vm.external_ids(public=True))
        return words

    def _cables(self, nic):
        """What lies behind an uplink: both storage servers, or with two NICs one behind each."""
        servers = topology.STORAGE_NAMESPACES
        if self.options["nics"] == 2:
            servers = servers[nic:nic + 1]
        cables = [f"access=sto0@{self.id}-{name}:{topology.STORAGE_VLAN}" for name in servers]
        if self.options["public"] and nic == 0:
            cables.append(f"access=ext0@{self.id}-ext:{topology.PUBLIC_VLAN}")
        return cables

    def _await_nfs(self):
        if self.traffic.nfs_problem:
            return
        try:
            wait_until(self.traffic.nfs_is_ready, 10, "nfs-ganesha")
            self.traffic.nfs_problem = self.traffic.probe_nfs(self.vms[0].name)
        except LabError as error:
            self.traffic.nfs_problem = str(error)

    def down(self):
        """End everything of this lab. Safe to call again, and for one half up."""
        down(self.directory, self.id)
        if self._watchdog:
            self._watchdog.dismiss()
            self._watchdog = None

    # ---- Switch ----

    def vsctl(self, *words, **options):
        return self.switch.vsctl(*words, **options)

    def ofctl(self, *words, **options):
        return self.switch.ofctl(*words, **options)

    def appctl(self, *words, **options):
        return self.switch.appctl(*words, **options)

    def add_flows(self, flows):
        """Add OpenFlow flows, text or a list of lines, to br0 in one bundle."""
        self.switch.add_flows(BRIDGE, flows)

    def install_pipeline(self):
        flows = topology.base_flows(self.vms, self.options["public"])
        for name in self.options["stranded"]:
            flows += topology.stranded_flows(self.vm(name), self.options["variant"])
        self.add_flows(flows)

    def set_stranded(self, name, on, variant=None):
        """Lead a VM's IP packets through conntrack, or no longer."""
        vm = self.vm(name)
        self.ofctl("del-flows", BRIDGE, f"cookie={vm.cookie:#x}/-1")
        stranded = set(self.options["stranded"]) - {name}
        if on:
            self.add_flows(topology.stranded_flows(vm, variant or self.options["variant"]))
            stranded.add(name)
        self.options["stranded"] = sorted(stranded)
        self._save()

    # ---- VMs come and go ----

    def stop_vm(self, name):
        """Unplug a VM, as its end does; its namespace and what runs there stay."""
        vm = self.vm(name)
        words = ["del-port", BRIDGE, vm.port]
        if self.options["public"]:
            words += ["--", "del-port", BRIDGE, vm.public_port]
        self.vsctl(*words)
        self.ofctl("del-flows", BRIDGE, f"cookie={vm.cookie:#x}/-1")

    def start_vm(self, name, pipeline=True, **moves):
        """Plug a VM in again: at other port numbers, with another MAC address, ... (VM.MOVES).

        @pipeline: with its flows, as whoever starts a VM has them put in before its port
        """
        vm = self.vm(name)
        public_address = vm.public_address
        vm.move(**moves)
        self.options["moved"] = {**self.options["moved"],
                                 name: {key: getattr(vm, key) for key in VM.MOVES}}
        self._save()
        self.exec(name, "ip", "link", "set", "dev", "eth0", "address", vm.mac, check=True)
        if self.options["public"] and public_address != vm.public_address:
            self.exec(name, "ip", "address", "flush", "dev", "eth1", check=True)
            self.exec(name, "ip", "address", "add", f"{vm.public_address}/24", "dev", "eth1", check=True)
        if pipeline and name in self.options["stranded"]:
            self.add_flows(topology.stranded_flows(vm, self.options["variant"]))
        self.vsctl(*self._vm_words(vm)[1:])
        self.switch.check_ports()

    def dump_flows(self, m=True):
        """Text of dpctl/dump-flows, with -m unless told otherwise."""
        return self.appctl("dpctl/dump-flows", *(["-m"] if m else []))

    def ofctl_dump(self, no_stats=True):
        words = ["--no-stats"] if no_stats else []
        return self.ofctl("-O", "OpenFlow14", "dump-flows", BRIDGE, *words)

    def vswitchd_pid(self):
        return self.switch.vswitchd_pid()

    def kill_vswitchd(self, number=signal.SIGKILL):
        self.switch.kill_vswitchd(number)

    def start_vswitchd(self, pipeline=True):
        """Start ovs-vswitchd again, and put the lab's own pipeline back (nobody else's)."""
        self.switch.start_vswitchd(self.options["vswitchd_args"])
        self.switch.vsctl("--timeout=30", "list-br")
        wait_until(lambda: len(self.telemetry.ports()) == self.n_ports(), 30, "the NIC's ports")
        if pipeline:
            self.install_pipeline()

    def restart_vswitchd(self, hw_offload=None, pipeline=True):
        self.kill_vswitchd(signal.SIGTERM)
        if hw_offload is not None:
            self.options["hw_offload"] = hw_offload
            self.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                       f"other_config:hw-offload={'true' if hw_offload else 'false'}")
            self._save()
        self.start_vswitchd(pipeline)

    # ---- NIC ----

    def _ports_by_vdev(self):
        by_vdev = {f"net_flownic{nic}": name for nic, name in enumerate(topology.UPLINKS)}
        for vm in self.vms:
            by_vdev[vm.device] = vm.port
            by_vdev[vm.public_device] = vm.public_port
        return by_vdev

    def nic_counters(self):
        """{OVS port name: the NIC's own counters}, not through OVS."""
        names = self._ports_by_vdev()
        return {names[port["name"]]: port for port in self.telemetry.ports().values()}

    def nic_rules(self, port):
        """The rules in the NIC for frames that come in at an OVS port."""
        return self.telemetry.rules(self.nic_counters()[port]["port"])

    def fault(self, *words, nic=0):
        """Switch a fault of the NIC; returns those that are on now."""
        return self.telemetry.fault(nic, *words)

    def faults(self, nic=0):
        return self.telemetry.faults(nic)

    # ---- Traffic ----

    def exec(self, where, *command, check=False, timeout=60):
        """Run a command in the namespace of a VM, or of sto, ext or ovs, to its end."""
        return processes.run(
            [*namespaces.enter(f"{self.id}-{where}"), *command], check=check, timeout=timeout,
            env=processes.marked_environment(self.id, self.switch.variables))

    def popen(self, where, *command, **options):
        """Start a command there; it ends with the lab at the latest."""
        return subprocess.Popen(
            [*namespaces.enter(f"{self.id}-{where}"), *map(str, command)],
            env=processes.marked_environment(self.id, self.switch.variables), **options)

    def start_load(self, name, conns=1, rate=200, kind=None, seconds=None, job=None):
        """Constant storage traffic of a VM: kind nfs, or tcp (default: nfs if it runs)."""
        vm = self.vm(name)
        kind = kind or ("tcp" if self.traffic.nfs_problem else "nfs")
        if kind == "nfs" and self.traffic.nfs_problem:
            raise LabError(f"no NFS in this lab: {self.traffic.nfs_problem}")
        server = vm.nic if self.options["nics"] == 2 else 0 if kind == "nfs" else 1
        return self.traffic.start_load(name, kind, topology.STORAGE_SERVERS[server], conns, rate,
                                       seconds, job or f"load-{name}")

    def start_stream(self, name, rate=1000, port=NFS_PORT, to=None, seconds=None, job=None):
        """A numbered packet stream of a VM, echoed by the server; see traffic/stream.c."""
        to = to or topology.STORAGE_SERVERS[self.vm(name).nic]
        return self.traffic.start_stream(name, to, port, rate, seconds, job or f"stream-{name}")

    def job(self, job):
        """A load ("load-vm1") or stream ("stream-vm1") that was started before."""
        found = self.traffic.jobs.find(job)
        if not found:
            raise LabError(f"{job} was not started")
        return found

    def flow_numbers(self):
        """(megaflows that ovs-vswitchd keeps, how many it would keep at most now)"""
        found = re.search(r"current (\d+).*limit (\d+)", self.appctl("upcall/show"))
        return int(found.group(1)), int(found.group(2))

    def make_many_flows(self, number, name="vm1", rate=8000, timeout=180):
        """Have at least `number` live megaflows of a VM's storage traffic, and keep them.

        They come from real packets of made-up clients, and stay because max-idle is raised
        to an hour. OVS begins with a limit of 10,000 and adds 1,000 a revalidation, and drops
        what is above: so let it revalidate often, and stay below. Returns {"flows", "seconds"}.
        """
        vm = self.vm(name)
        self.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=3600000",
                   "other_config:max-revalidator=100")
        self.add_flows(topology.many_flows(vm))
        self.exec(name, "ping", "-c1", "-W2", topology.STORAGE_SERVERS[1], check=True)
        start = time.monotonic()
        flows, limit = self.flow_numbers()
        wanted, client = flows + number, 0
        while flows < wanted:
            if time.monotonic() - start > timeout:
                raise LabError(f"only {flows} megaflows of {number} after {timeout} s")
            count = min(number - client, limit - flows - 1000)
            if count >= min(1000, number - client):
                self.exec(name, f"{self.build}/manyflows", "eth0", vm.mac,
                          topology.STORAGE_MACS[1], topology.MANY_SERVER, str(client),
                          str(count), str(rate), check=True, timeout=timeout)
                client = (client + count) % number  # from the first again, if some got lost
            flows, limit = self.flow_numbers()
        self.vsctl("remove", "Open_vSwitch", ".", "other_config", "max-revalidator")
        return {"flows": flows, "seconds": round(time.monotonic() - start, 2)}

    @property
    def env(self):
        """Environment for programs that shall talk to this lab's OVS."""
        return {**os.environ, **self.switch.variables, "FLOWLIFT_ROOT": self.root}

    @staticmethod
    def wait_until(predicate, timeout=10.0, what="", interval=0.02):
        return wait_until(predicate, timeout, what, interval)


def down(directory, lab_id):
    """End what there is of a lab, from its directory's name alone."""
    processes.end_all(lab_id)
    namespaces.delete_all(lab_id)
    shutil.rmtree(runtime_dir(lab_id), ignore_errors=True)
    if os.path.exists(f"{directory}/lab.json"):
        # What says that the directory is a lab's goes last: this may be cut short as well.
        for name in set(os.listdir(directory)) - {"lab.json"}:
            shutil.rmtree(f"{directory}/{name}", ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
    elif os.path.isdir(directory) and not os.listdir(directory):
        os.rmdir(directory)


def main():
    sys.modules.setdefault("lab", sys.modules[__name__])
    from labkit.command import main as command_main
    return command_main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
