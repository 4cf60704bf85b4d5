# SPDX-License-Identifier: Apache-2.0
"""The namespaces that stand for the VMs, and for the servers behind the wire."""

import os

from . import namespaces, netlink, topology

STORAGE_ADDRESSES = (topology.STORAGE_SERVER, topology.STORAGE_TCP_SERVER, topology.STORAGE_OTHER)


def create_servers():
    """sto on the storage VLAN and ext on the public one, both behind the NIC's wire."""
    namespaces.create("sto")
    namespaces.create("ext")
    namespaces.move_link(topology.WIRE, "sto", "trunk", topology.STORAGE_MAC)
    with namespaces.inside("sto"):
        netlink.add_vlan("trunk", topology.STORAGE_VLAN, "storage")
        for address in STORAGE_ADDRESSES:
            netlink.add_address("storage", address, topology.STORAGE_PREFIX)
        netlink.set_link("storage", up=True)
        netlink.add_vlan("trunk", topology.PUBLIC_VLAN, "public")
        namespaces.move_link("public", "ext", "public", topology.PUBLIC_MAC)
    with namespaces.inside("ext"):
        netlink.add_address("public", topology.PUBLIC_SERVER, topology.PUBLIC_PREFIX)
    netlink.set_link(topology.UPLINK, up=True)


def create_vm(vm, gateway=None):
    """A namespace with the VM's VF as eth0; its representor stays here."""
    namespaces.create(vm.name)
    namespaces.move_link(vm.vf, vm.name, "eth0", vm.mac)
    netlink.set_link(vm.port, up=True)
    with namespaces.inside(vm.name):
        netlink.add_address("eth0", vm.address, topology.STORAGE_PREFIX)
        if gateway:
            netlink.add_default_route("eth0", gateway)


def introduce(vms):
    """VMs and storage know each other: with 200, every ARP request is a storm of 200 frames."""
    for vm in vms:
        with namespaces.inside(vm.name):
            for address in STORAGE_ADDRESSES:
                netlink.add_neighbour("eth0", address, topology.STORAGE_MAC)
    with namespaces.inside("sto"):
        for vm in vms:
            netlink.add_neighbour("storage", vm.address, vm.mac)


def delete_all():
    if os.path.isdir(namespaces.DIRECTORY):
        for name in os.listdir(namespaces.DIRECTORY):
            namespaces.delete(name)
