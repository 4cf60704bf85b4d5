# SPDX-License-Identifier: Apache-2.0
"""OVN on one host: its databases, northd and controller, and the lab's logical network.

Each tenant has a logical switch with a localnet port on the storage VLAN and a router of its own
to the public network. One stateful ACL sends all of a logical switch through conntrack, so the
stranded VM is alone on its switch.
"""

import os
import signal

from . import processes
from .processes import LabError, run, wait_until
from .topology import (INTEGRATION_BRIDGE, PHYSICAL_NETWORK, PROVIDER_BRIDGE, PUBLIC_PREFIX,
                       PUBLIC_SERVER, PUBLIC_VLAN, STORAGE_PREFIX, STORAGE_VLAN, UPLINK)
from .vswitch import DAEMON

RUNDIR = "/run/ovn"
LOGDIR = "/var/log/ovn"
SCHEMAS = "/usr/share/ovn"
SYSTEM_ID = "guest"
SETTINGS = {
    "ovn-remote": f"unix:{RUNDIR}/ovnsb_db.sock",
    "ovn-encap-type": "geneve",
    "ovn-encap-ip": "127.0.0.1",
    "ovn-bridge-mappings": f"{PHYSICAL_NETWORK}:{PROVIDER_BRIDGE}",
    "system-id": SYSTEM_ID,
}


def port_words(vms):
    """What to tell ovs-vsctl for the bridges and their ports."""
    words = ["--", "add-br", INTEGRATION_BRIDGE, "--", "set", "Bridge", INTEGRATION_BRIDGE,
             "fail_mode=secure", "other_config:disable-in-band=true", "--", "add-br",
             PROVIDER_BRIDGE, "--", "add-port", PROVIDER_BRIDGE, UPLINK]
    for vm in vms:
        words += vm.port_words(INTEGRATION_BRIDGE)
    return words


class Tenant:
    """VMs that share a logical switch and a router."""

    def __init__(self, name, number, vms, acls=()):
        self.name = name
        self.number = number
        self.vms = vms
        self.acls = acls
        self.gateway = f"10.100.0.{255 - number}"
        self.gateway_mac = f"52:54:00:64:02:{number:02x}"
        self.public_address = f"203.0.113.{number}"
        self.public_mac = f"52:54:00:c8:02:{number:02x}"

    def commands(self):
        yield from _switch_commands(self.name, STORAGE_VLAN)
        for vm in self.vms:
            yield from (
                ["lsp-add", self.name, vm.iface_id],
                ["lsp-set-addresses", vm.iface_id, f"{vm.mac} {vm.address}"],
                ["lsp-set-port-security", vm.iface_id, f"{vm.mac} {vm.address}"])
        for direction, priority, match, verdict in self.acls:
            yield ["acl-add", self.name, direction, str(priority), match, verdict]
        yield from self._router_commands()

    def _router_commands(self):
        router = f"{self.name}-router"
        inside, outside = f"{self.name}-gw", f"{self.name}-public"
        yield from (
            ["lr-add", router],
            ["lrp-add", router, inside, self.gateway_mac, f"{self.gateway}/{STORAGE_PREFIX}"],
            *_router_port_commands(self.name, f"{self.name}-to-router", inside),
            ["lrp-add", router, outside, self.public_mac,
             f"{self.public_address}/{PUBLIC_PREFIX}"],
            *_router_port_commands("public", f"public-to-{self.name}", outside),
            ["lrp-set-gateway-chassis", outside, SYSTEM_ID],
            ["lr-route-add", router, "0.0.0.0/0", PUBLIC_SERVER])
        for vm in self.vms:
            yield ["lr-nat-add", router, "dnat_and_snat", vm.public_address, vm.address,
                   vm.iface_id, vm.public_mac]


def _switch_commands(switch, vlan):
    """A logical switch on a VLAN of the physical network."""
    port = f"{switch}-wire"
    return [
        ["ls-add", switch],
        ["lsp-add", switch, port, "", str(vlan)],
        ["lsp-set-type", port, "localnet"],
        ["lsp-set-addresses", port, "unknown"],
        ["lsp-set-options", port, f"network_name={PHYSICAL_NETWORK}"],
    ]


def _router_port_commands(switch, port, router_port):
    return [
        ["lsp-add", switch, port],
        ["lsp-set-type", port, "router"],
        ["lsp-set-addresses", port, "router"],
        ["lsp-set-options", port, f"router-port={router_port}"],
    ]


def tenants(vms, stranded):
    """One for all the peers, whose switch has no ACL, and one for each stranded VM."""
    peers = Tenant("peers", 1, [vm for vm in vms if vm not in stranded])
    return [peers, *(Tenant(f"tenant-{vm.name}", number, [vm], policy_acls(vm))
                     for number, vm in enumerate(stranded, 2))]


def policy_acls(vm):
    """A real policy, default drop, with replies let through by conntrack."""
    into, out = f'outport == "{vm.iface_id}"', f'inport == "{vm.iface_id}"'
    allowed = "allow-related"
    return [
        ("from-lport", 1001, f"{out} && ip4.dst == 10.100.0.0/24 && tcp.dst == 2049", allowed),
        ("from-lport", 1001, f"{out} && ip4 && tcp.dst == {{80, 443}}", allowed),
        ("from-lport", 1001, f"{out} && icmp4", allowed),
        ("from-lport", 1000, f"{out} && ip", "drop"),
        ("to-lport", 1001, f"{into} && ip4 && tcp.dst == 22", allowed),
        ("to-lport", 1001, f"{into} && icmp4", allowed),
        ("to-lport", 1000, f"{into} && ip", "drop"),
    ]


class Ovn:
    def __init__(self, lab_id):
        self.environment = processes.marked_environment(lab_id)
        self.dbdir = RUNDIR
        self.is_new = True  # Its databases are.

    def start_central(self):
        """Both databases in one server, under their usual sockets, and northd."""
        for directory in (RUNDIR, LOGDIR):
            os.makedirs(directory, exist_ok=True)
        names = ("ovnnb", "ovnsb")
        self.is_new = not os.path.exists(f"{self.dbdir}/{names[-1]}_db.db")
        for name in names if self.is_new else ():
            run(["ovsdb-tool", "create", f"{self.dbdir}/{name}_db.db",
                 f"{SCHEMAS}/{name.replace('ovn', 'ovn-')}.ovsschema"])
        run(["ovsdb-server", *[f"{self.dbdir}/{name}_db.db" for name in names],
             *[f"--remote=punix:{RUNDIR}/{name}_db.sock" for name in names],
             f"--unixctl={RUNDIR}/ovn_db.ctl", f"--pidfile={RUNDIR}/ovn_db.pid",
             f"--log-file={LOGDIR}/ovsdb-server.log", "--detach", "--no-chdir", "-vconsole:off"],
            env=self.environment)
        run(["ovn-northd", *DAEMON], env=self.environment)

    def start_controller(self):
        run(["ovn-controller", *DAEMON], env=self.environment)

    @staticmethod
    def kill_controller(lab_id, number=signal.SIGKILL, timeout=30):
        with open(f"{RUNDIR}/ovn-controller.pid", encoding="ascii") as file:
            pid = int(file.read())
        if not processes.signal_marked(pid, lab_id, number, timeout):
            raise LabError(f"ovn-controller still runs {timeout} s after signal {int(number)}")

    def nbctl(self, *words, timeout=60, check=True):
        return run(["ovn-nbctl", f"--timeout={timeout}", *words], env=self.environment,
                   timeout=timeout + 5, check=check).stdout

    def sbctl(self, *words, check=True):
        return run(["ovn-sbctl", "--timeout=30", *words], env=self.environment,
                   check=check).stdout

    def create_network(self, tenants):
        commands = [*_switch_commands("public", PUBLIC_VLAN)]
        for tenant in tenants:
            commands += tenant.commands()
        words = []
        for command in commands:
            words += ["--", *command]
        self.nbctl(*words[1:])

    def await_ports(self, vms, timeout=60):
        """Wait until every VM's port is bound here and the controller's flows are in br-int."""
        wanted = {vm.iface_id for vm in vms}

        def are_up():
            text = self.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port", "up=true")
            missing = wanted - set(text.split())
            if missing:
                raise LabError(f"not up: {' '.join(sorted(missing))}")
            return True
        wait_until(are_up, timeout, "OVN's ports", interval=0.1)
        self.nbctl("--wait=hv", "sync", timeout=timeout)
