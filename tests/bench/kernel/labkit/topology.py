# SPDX-License-Identifier: Apache-2.0
"""Names and addresses of the lab: what is decided before anything is started."""

import uuid

DIRECTORY = "/run/flowlift-lab"
LAB_ID = "flowlift-kernel-lab"  # the mark of its processes

STORAGE_VLAN = 100
STORAGE_SERVER = "10.100.0.1"  # kernel nfsd
STORAGE_TCP_SERVER = "10.100.0.2"  # plain TCP on the same port
STORAGE_OTHER = "10.100.0.3"  # a third address of the storage, of which nothing is served
STORAGE_PREFIX = 24
STORAGE_MAC = "52:54:00:64:01:01"
NFS_PORT = 2049

PUBLIC_VLAN = 200
PUBLIC_SERVER = "203.0.113.254"
PUBLIC_PREFIX = 24
PUBLIC_MAC = "52:54:00:c8:01:01"

PHYSICAL_NETWORK = "provider"
PROVIDER_BRIDGE = "br-provider"
INTEGRATION_BRIDGE = "br-int"
PLAIN_BRIDGE = "br0"
UPLINK = "uplink0"
WIRE = "wire0"
CT_TABLE = 1
COOKIE_BASE = 0x1AB0000


class VM:
    """One virtual machine, by its number from 1 on. The same in every lab."""

    def __init__(self, number):
        self.number = number
        self.vf = f"vf{number - 1}"
        self.name = f"vm{number}"
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.flowlift.example"))
        self.iface_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.eth0.flowlift.example"))
        self.mac = f"52:54:00:64:00:{number:02x}"
        self.address = f"10.100.0.{10 + number}"
        self.public_address = f"203.0.113.{10 + number}"
        self.public_mac = f"52:54:00:c8:00:{number:02x}"
        self.zone = number
        self.cookie = COOKIE_BASE + number
        self.port = None  # its representor, known when the NIC is there

    def external_ids(self):
        return {
            "vm-id": self.uuid,
            "vm-name": self.name,
            "iface-id": self.iface_id,
            "attached-mac": self.mac,
            "iface-status": "active",
        }

    def port_words(self, bridge, tag=None):
        """What to tell ovs-vsctl for its representor."""
        words = ["--", "add-port", bridge, self.port]
        if tag:
            words.append(f"tag={tag}")
        words += ["--", "set", "Interface", self.port]
        return words + [f'external_ids:{key}="{value}"'
                        for key, value in self.external_ids().items()]
