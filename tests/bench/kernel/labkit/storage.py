# SPDX-License-Identifier: Apache-2.0
"""The kernel's NFS server behind the wire, and the kernel's NFS clients in the VMs."""

import os
import threading

from . import namespaces, processes
from .processes import LabError, run, wait_until
from .topology import NFS_PORT, STORAGE_SERVER

EXPORT = "/run/flowlift-lab/disk"
NFSD = "/proc/fs/nfsd"
PIPES = "/var/lib/nfs/rpc_pipefs"
TRACKER = "/run/flowlift-lab/nfsdcld"
MODULES = ["nfsd", "nfsv4"]
THREADS = 4
# Soft, so that a test ends with an error and not never; an operation may stall for 20 s before.
MOUNT_OPTIONS = "vers=4.2,proto=tcp,sec=sys,soft,timeo=100,retrans=2,nconnect=1"
GRACE_SECONDS = 10


class Storage:
    def __init__(self, lab_id, mount_root):
        self.environment = processes.marked_environment(lab_id)
        self.mount_root = mount_root

    def load_modules(self):
        run(["modprobe", "-a", *MODULES])

    def start_server(self, namespace="sto"):
        """Start nfsd, NFS 4.2 over TCP only."""
        os.makedirs(EXPORT, exist_ok=True)
        namespaces.mount("disk", EXPORT, "tmpfs", "size=1g")
        with open("/etc/exports", "w", encoding="ascii") as file:
            file.write(f"{EXPORT} *(rw,fsid=0,no_root_squash,no_subtree_check,async,insecure)\n")
        with namespaces.inside(namespace):
            namespaces.mount("nfsd", NFSD, "nfsd", "")
            self._start_tracker()
            run(["exportfs", "-ra"], env=self.environment)
            run(["rpc.mountd", "--no-nfs-version", "3", "-N", "2"], env=self.environment)
            run(["rpc.nfsd", "-H", STORAGE_SERVER, "-N", "3", "-V", "4.2", "-G", GRACE_SECONDS,
                 "-L", GRACE_SECONDS, THREADS], env=self.environment)

    def _start_tracker(self):
        """What nfsd asks for earlier clients: with one that knows of none there is no grace."""
        os.makedirs(TRACKER, exist_ok=True)
        namespaces.mount("pipes", PIPES, "rpc_pipefs", "")
        run(["nfsdcld", "-p", PIPES, "-s", TRACKER], env=self.environment)

    def stop_server(self):
        try:
            with open(f"{NFSD}/threads", "w", encoding="ascii") as file:
                file.write("0")
        except OSError:
            pass  # it was not started
        for place in (NFSD, PIPES):
            while namespaces.unmount(place):
                pass
        namespaces.unmount(EXPORT)

    def mount_point(self, name):
        return f"{self.mount_root}/{name}"

    def mount(self, vm, timeout=60):
        """Mount the disk in a VM's namespace; every process sees it at mount_point()."""
        point = self.mount_point(vm.name)
        os.makedirs(point, exist_ok=True)
        failure = []
        thread = threading.Thread(target=self._mount_there, args=(vm, point, failure), daemon=True)
        thread.start()
        thread.join(timeout)
        if thread.is_alive():
            raise LabError(f"{vm.name}: the disk is not mounted after {timeout} s")
        if failure:
            raise LabError(f"{vm.name}: cannot mount the disk: {failure[0]}")

    @staticmethod
    def _mount_there(vm, point, failure):
        """In a thread of its own, for the host name: it is what tells NFS 4 clients apart.

        Two of the same name are to the server one that has rebooted, and lose their state.
        """
        try:
            namespaces.own_host_name(vm.name)
            with namespaces.inside(vm.name):
                namespaces.mount(f"{STORAGE_SERVER}:/", point, "nfs",
                                 f"{MOUNT_OPTIONS},port={NFS_PORT},addr={STORAGE_SERVER},"
                                 f"clientaddr={vm.address}")
        except LabError as error:
            failure.append(str(error))

    def _mount_points(self):
        names = os.listdir(self.mount_root) if os.path.isdir(self.mount_root) else []
        return map(self.mount_point, names)

    def abort(self):
        """End what is under way; a process that waits for a dead path would not end either."""
        for point in self._mount_points():
            namespaces.abort_mount(point)

    def unmount_all(self):
        for point in self._mount_points():
            namespaces.abort_mount(point)
            namespaces.unmount(point)
        wait_until(self._clients_are_gone, 15, "the end of the NFS clients")

    @staticmethod
    def _clients_are_gone():
        with open("/proc/self/mounts", encoding="utf-8") as file:
            return not any(f"{STORAGE_SERVER}:/" in line for line in file)
