# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, entered by the calling thread itself: no program is started for it."""

import contextlib
import ctypes
import os

from . import netlink
from .processes import LabError

DIRECTORY = "/run/netns"
CLONE_NEWUTS, CLONE_NEWNET = 0x04000000, 0x40000000
MS_BIND, MNT_FORCE, MNT_DETACH = 4096, 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) < 0:
        raise LabError(f"{name}: {os.strerror(ctypes.get_errno())}")


def path(name):
    return f"{DIRECTORY}/{name}"


@contextlib.contextmanager
def _return_here():
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        _call("setns", here, CLONE_NEWNET)
        os.close(here)


def create(name):
    os.makedirs(DIRECTORY, exist_ok=True)
    with open(path(name), "x", encoding="ascii"):
        pass
    with _return_here():
        _call("unshare", CLONE_NEWNET)
        _call("mount", b"/proc/thread-self/ns/net", path(name).encode(), None, MS_BIND, None)
        for kind in ("all", "default"):
            setting = f"/proc/sys/net/ipv6/conf/{kind}/disable_ipv6"
            with open(setting, "w", encoding="ascii") as file:
                file.write("1")
        netlink.bring_up_loopback()


@contextlib.contextmanager
def inside(name):
    """The calling thread, its sockets and what it starts are in a namespace."""
    try:
        there = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise LabError(f"no namespace {name}") from None
    with _return_here():
        try:
            _call("setns", there, CLONE_NEWNET)
            yield
        finally:
            os.close(there)


def move_link(device, name, new_name, mac):
    """Move a device of this namespace to another one, under a new name, and bring it up."""
    there = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        netlink.set_link(device, name=new_name, mac=mac, namespace_fd=there)
    finally:
        os.close(there)
    with inside(name):
        netlink.set_link(new_name, up=True)


def exists(name):
    return os.path.exists(path(name))


def enter(name):
    """The words to put before a command that shall run in a namespace."""
    return ["nsenter", f"--net={path(name)}"]


def delete(name):
    if exists(name):
        _libc.umount2(path(name).encode(), MNT_DETACH)
        os.unlink(path(name))


def own_host_name(name):
    """For the calling thread alone: a host name of its own, for ever."""
    _call("unshare", CLONE_NEWUTS)
    _call("sethostname", name.encode(), len(name))


def mount(source, target, kind, options):
    _call("mount", source.encode(), target.encode(), kind.encode(), 0, options.encode())


def abort_mount(target):
    """End what is under way on a network file system, with an error."""
    _libc.umount2(target.encode(), MNT_FORCE)


def unmount(target):
    """Take a mount away, whoever uses it. Returns whether there was one."""
    return _libc.umount2(target.encode(), MNT_DETACH) == 0
