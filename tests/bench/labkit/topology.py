# SPDX-License-Identifier: Apache-2.0
"""Names, addresses and flows of a lab: what is decided before anything is started."""

import uuid

STORAGE_VLAN = 100
PUBLIC_VLAN = 200
STORAGE_SERVERS = ("10.100.0.1", "10.100.0.2")
PUBLIC_SERVER = "10.200.0.1"
STORAGE_MACS = ("52:54:00:64:01:01", "52:54:00:64:01:02")
PUBLIC_SERVER_MAC = "52:54:00:c8:01:01"
STORAGE_NAMESPACES = ("sto", "sto2")
UPLINKS = ("p0", "p1")
UPLINK_OFPORTS = (1, 2)
CT_TABLE = 1
PUBLIC_CT_TABLE = 2
COOKIE_BASE = 0x1AB0000
# DPDK knows 32 ports: the uplinks, and one or two a VM.
MAX_PORTS = 32
TAP_QUEUE_FRAMES = 20000


class VM:
    """One virtual machine, by its number from 1 on. The same in every lab.

    With two NICs those of even number are behind the second.
    """

    def __init__(self, number, nics=1):
        self.number = number
        self.nic = (number - 1) % nics
        self.uplink = UPLINKS[self.nic]
        self.uplink_ofport = UPLINK_OFPORTS[self.nic]
        self.name = f"vm{number}"
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.flowlift.example"))
        self.port = self.name
        self.device = f"net_flownic{10 + number}"
        self.ofport = 10 + number
        self.zone = number
        self.mac = f"52:54:00:64:00:{number:02x}"
        self.address = f"10.100.0.{10 + number}"
        self.iface_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.eth0.flowlift.example"))
        self.cookie = COOKIE_BASE + number
        self.public_port = f"{self.name}p"
        self.public_device = f"net_flownic{40 + number}"
        self.public_ofport = 40 + number
        self.public_zone = 100 + number
        self.public_mac = f"52:54:00:c8:00:{number:02x}"
        self.public_address = f"10.200.0.{10 + number}"
        self.public_iface_id = str(
            uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.eth1.flowlift.example"))

    # What another start of it may change.
    MOVES = ("ofport", "mac", "zone", "public_ofport", "public_address", "public_zone")

    def move(self, **changes):
        unknown = set(changes) - set(self.MOVES)
        if unknown:
            raise ValueError(f"this does not change with a start: {', '.join(sorted(unknown))}")
        self.__dict__.update(changes)

    def external_ids(self, public=False):
        return {
            "vm-id": self.uuid,
            "vm-name": self.name,
            "iface-id": self.public_iface_id if public else self.iface_id,
            "attached-mac": self.public_mac if public else self.mac,
            "iface-status": "active",
        }


def _conntrack_table(table):
    zone = "zone=NXM_NX_CT_ZONE[0..15]"
    cookie = f"cookie={COOKIE_BASE:#x},table={table}"
    return [
        f"{cookie},priority=100,ct_state=+new+trk,ip,actions=ct(commit,{zone}),NORMAL",
        f"{cookie},priority=100,ct_state=+est+trk,ip,actions=NORMAL",
        f"{cookie},priority=110,ct_state=+inv+trk,ip,actions=drop",
        f"{cookie},priority=0,actions=drop",
    ]


def base_flows(vms, public):
    """The pipeline that every lab has.

    No rule of table 0 may match ct_state: one that does puts a ct_state mask on every
    megaflow looked up there, and OVS-DPDK then offloads none of them.
    """
    flows = [f"cookie={COOKIE_BASE:#x},table=0,priority=0,actions=NORMAL"]
    flows += _conntrack_table(CT_TABLE)
    if not public:
        return flows
    flows += _conntrack_table(PUBLIC_CT_TABLE)
    for vm in vms:
        to_ct = f"actions=ct(table={PUBLIC_CT_TABLE},zone={vm.public_zone})"
        head = f"cookie={COOKIE_BASE:#x},table=0,priority=50"
        flows.append(f"{head},in_port={vm.public_ofport},ip,{to_ct}")
        flows.append(f"{head},in_port={UPLINK_OFPORTS[0]},dl_vlan={PUBLIC_VLAN},"
                     f"dl_dst={vm.public_mac},ip,{to_ct}")
    return flows


def stranded_flows(vm, variant):
    """What sends one VM's IP packets through conntrack, whichever way they go."""
    to_ct = f"ct(table={CT_TABLE},zone={vm.zone})"
    flows = []
    if variant == "ct-mask":
        own_table = 10 + vm.number
        flows.append(f"cookie={vm.cookie:#x},table={own_table},priority=100,"
                     f"ct_state=-trk,ip,actions={to_ct}")
        to_ct = f"resubmit(,{own_table})"
    elif variant != "ct":
        raise ValueError(f"no such variant: {variant}")
    head = f"cookie={vm.cookie:#x},table=0,priority=100"
    flows += [
        f"{head},in_port={vm.ofport},ip,actions={to_ct}",
        f"{head},in_port={vm.uplink_ofport},dl_vlan={STORAGE_VLAN},dl_dst={vm.mac},ip,"
        f"actions={to_ct}",
        f"{head},vlan_tci=0x0000,dl_dst={vm.mac},ip,actions={to_ct}",
    ]
    return flows


# Where the made-up clients of traffic/manyflows.c live, and whom they send to: nobody.
MANY_CLIENTS = "10.101.0.0/16"
MANY_SERVER = "10.100.0.250"


def many_flows(vm):
    """Makes a megaflow of every made-up client: hashing a packet looks at all its fields."""
    return [f"cookie={COOKIE_BASE:#x},table=0,priority=200,in_port={vm.ofport},tcp,"
            f"nw_src={MANY_CLIENTS},"
            "actions=multipath(symmetric_l4,0,modulo_n,1,0,NXM_NX_REG0[0..15]),NORMAL"]
