# SPDX-License-Identifier: Apache-2.0
"""A libvirtd of one's own on a lab, and guests for it: Debian's, with QEMU under TCG.

It lives in the network namespace of the lab's Open vSwitch, and has namespaces of its own for mounts, processes
and the host's name: /etc/libvirt, /run, /var/lib, /var/log, /var/cache and the cgroups are its own, so that
nothing of the machine is changed or asked (no systemd-machined, no polkit). The first process of the namespace
is a shell that starts libvirtd again when it ends, as systemd does. All carry the lab's mark but QEMU, to which
libvirt hands no environment; that one ends with the namespace of processes.
"""

import os
import subprocess

import tap
from agents import wait_until
from bench import PATIENCE

from labkit import processes  # noqa: E402, found by way of bench

LIBVIRTD = "/usr/sbin/libvirtd"
QEMU = "/usr/bin/qemu-system-x86_64"
HIDDEN = ("/run", "/var/lib", "/var/log", "/var/cache")
NAMESPACES = ("--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
FIRST_PROCESS = f"""
set -e
for folder in {' '.join(HIDDEN)} /sys/fs/cgroup; do
    [ ! -d $folder ] || mount -t tmpfs -o mode=0755 flowlift-libvirt $folder
done
mount --bind "$1/etc" /etc/libvirt
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
hostname "$2"
echo mounted
exec >>"$1/libvirtd.out" 2>&1 </dev/null
set +e
while :; do {LIBVIRTD}; sleep 0.1; done
"""
SETTINGS = """
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
unix_sock_dir = "{folder}"
host_uuid = "{uuid}"
log_outputs = "3:file:{folder}/libvirtd.log"
"""
QEMU_SETTINGS = """
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
remember_owner = 0
"""
# libvirt looks up these before it reads its settings; package libvirt-daemon-system, which makes them, has services.
QEMU_USER = {"passwd": "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n",
             "group": "libvirt-qemu:x:64055:\n"}

# All that a guest has: a boot sector that waits for the power button of QEMU's machine "pc", and switches off
# then. ACPI's registers are where SeaBIOS puts them.
BOOT_SECTOR = bytes.fromhex(
    "fa 31c0 8ed8 8ed0 bc007c"  # cli; ds = ss = 0; sp = 0x7c00
    "ba0206 b80001 ef"          # PM1_EN (0x602) = the power button
    "fb f4"                     # again: sti; hlt, until the timer's next tick
    "ba0006 ed a90001 74f6"     # PM1_STS (0x600): not pressed? again
    "ef"                        # it is acknowledged
    "ba0406 b80020 ef"          # PM1_CNT (0x604) = off
    "ebec").ljust(510, b"\0") + b"\x55\xaa"

DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices>
    <emulator>{qemu}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{disk}'/><target dev='hda' bus='ide'/>
    </disk>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <video><model type='none'/></video>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='br0'/>
      <vlan><tag id='{vlan}'/></vlan>
      <virtualport type='openvswitch'><parameters interfaceid='{iface_id}'/></virtualport>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
  </devices>
</domain>
"""


def why_not(lab):
    """What keeps a libvirtd from running here, or None."""
    for program in (LIBVIRTD, "/usr/bin/virsh", QEMU):
        if not os.access(program, os.X_OK):
            return f"there is no {program}: run tests/bench/setup"
    for path in (lab.directory, lab.build):
        if path.startswith(tuple(f"{folder}/" for folder in HIDDEN)):
            return f"{path} is where libvirtd has folders of its own: set TMPDIR to another"
    done = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return f"no namespaces: {done.stderr.strip()}" if done.returncode else None


class Libvirtd:
    """One host of VMs; several may be on a lab. start() it; it ends with the lab."""

    def __init__(self, lab, name, number):
        self.lab = lab
        self.name = name
        self.folder = f"{lab.directory}/{name}"
        self.uuid = f"0fec1a7e-0000-4000-8000-{number:012d}"
        self.uri = f"qemu+unix:///system?socket={self.folder}/libvirt-sock"

    # ---- Its life ----

    def start(self):
        self._write_files()
        self.process = self.lab.popen("ovs", "unshare", *NAMESPACES, "sh", "-c", FIRST_PROCESS, "sh",
                                      self.folder, self.name, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = self.process.stdout.readline().strip()
        tap.equal(said, "mounted", f"{self.name} has its namespaces; {self._errors(said)}")
        (self.first,) = self._children(self.process.pid)
        self.await_answer()

    def _errors(self, said):
        return "" if said else self.process.communicate()[1]

    def end(self):
        self.process.kill()
        self.process.communicate()

    def _write_files(self):
        self.hooks = f"{self.folder}/etc/hooks/qemu.d"
        os.makedirs(self.hooks, exist_ok=True)
        self.write("etc/libvirtd.conf", SETTINGS.format(folder=self.folder, uuid=self.uuid))
        self.write("etc/qemu.conf", QEMU_SETTINGS)
        for name, line in QEMU_USER.items():
            with open(f"/etc/{name}", encoding="utf-8") as file:
                text = file.read()
            self.write(name, text if "\nlibvirt-qemu:" in text else text + line)

    def write(self, name, text, mode=0o644):
        """A file in the folder, there wholly or not at all. Return: its path."""
        path = f"{self.folder}/{name}"
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{path}.new", mode)
        os.rename(f"{path}.new", path)
        return path

    def await_answer(self):
        try:
            wait_until(lambda: self.virsh("uri", check=False).returncode == 0, 60 * PATIENCE,
                       f"libvirtd of {self.name} answers", 0.1)
        except tap.Failure as failure:
            raise tap.Failure(f"{failure}\n{self.log()}") from None

    def log(self):
        """The end of what libvirtd complains about."""
        with open(f"{self.folder}/libvirtd.log", encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-20:])

    @staticmethod
    def _children(pid, *words):
        done = subprocess.run(["pgrep", "-P", str(pid), *words], capture_output=True, text=True, check=False)
        return [int(line) for line in done.stdout.split()]

    def signal_daemon(self, number):
        """And wait until another one answers."""
        (pid,) = self._children(self.first, "-x", "libvirtd")
        os.kill(pid, number)
        wait_until(lambda: self._children(self.first, "-x", "libvirtd") not in ([], [pid]), 30 * PATIENCE,
                   "another libvirtd")
        self.await_answer()

    def qemu_pid(self, guest):
        """None when it does not run."""
        found = self._children(self.first, "-f", f"guest={guest},")
        return found[0] if found else None

    # ---- Commands in there ----

    def inside(self, *command, **options):
        return subprocess.run(
            ["nsenter", f"--target={self.first}", "--mount", "--uts", "--net", "--pid", "--", *command],
            env=processes.marked_environment(self.lab.id), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120 * PATIENCE, check=False, **options)

    def virsh(self, *words, check=True):
        done = self.inside("virsh", "-q", "-c", self.uri, *words)
        if check:
            tap.equal(done.returncode, 0, f"exit code of virsh {' '.join(words)}: {done.stderr.strip()}")
        return done

    def state(self, guest):
        return self.virsh("domstate", guest).stdout.strip()

    def await_state(self, guest, state):
        wait_until(lambda: self.state(guest) == state, 60 * PATIENCE, f"{guest} is {state}", 0.05)

    # ---- Guests ----

    def define(self, name, **other):
        """A guest with an interface on the lab's bridge."""
        disk = f"{self.lab.directory}/boot-sector"
        with open(disk, "wb") as file:
            file.write(BOOT_SECTOR.ljust(1 << 20, b"\0"))
        xml = DOMAIN.format(name=name, qemu=QEMU, disk=disk, **other)
        self.virsh("define", self.write(f"{name}.xml", xml))

    def forget(self, name):
        if self.state(name) != "shut off":
            self.virsh("destroy", name)
        self.virsh("undefine", "--managed-save", name)

    # ---- Hooks ----

    def set_hook(self, text):
        """The script in qemu.d, or none. libvirt looks for it anew at each call, if it had one at its start."""
        if text:
            self.write("etc/hooks/qemu.d/flowlift", text, 0o755)
        else:
            os.unlink(f"{self.hooks}/flowlift")

