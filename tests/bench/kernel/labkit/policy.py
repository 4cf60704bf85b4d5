# SPDX-License-Identifier: Apache-2.0
"""What a VM's policy lets through and what it does not, tried with real packets.

All are tried at once: what is blocked has to be waited for.
"""

import os
import selectors
import socket
import struct
import time

from . import namespaces
from .topology import (NFS_PORT, PUBLIC_SERVER, STORAGE_OTHER, STORAGE_SERVER, STORAGE_TCP_SERVER)

# Under emulation the first packet of a flow takes up to 0.2 s, on a busy machine much longer.
# A SYN is sent again after 1 and 3 s.
PASS_SECONDS = 20.0
BLOCK_SECONDS = 2.5  # or twice as long as the slowest of those that passed

OPEN_PORTS = {"sto": [(STORAGE_TCP_SERVER, 8080)],
              "ext": [(PUBLIC_SERVER, port) for port in (25, 80, 443)]}
VM_PORTS = (22, 2049, 8080)


def listening_places(vms):
    """Where responder.py has to listen: what is blocked has to be a policy's doing."""
    for namespace, places in OPEN_PORTS.items():
        for address, port in places:
            yield f"{namespace}:{address}:{port}"
    for vm in vms:
        for port in VM_PORTS:
            yield f"{vm.name}:{vm.address}:{port}"


class Attempt:
    """One try to reach somebody. `answer`: what came back; None so far, or for ever."""

    def __init__(self, name, expected, source, address):
        self.name = name
        self.expected = expected
        self.source = source
        self.address = address
        self.answer = None

    @property
    def passed(self):
        return self.answer == "connected"


class Connection(Attempt):
    """A TCP connection. `line`: what the responder has to say, as a proof of where it leads to;
    without, it is enough to be connected (an NFS server does not speak first).
    """

    def __init__(self, name, expected, source, address, port, *, line=None, source_port=None):
        super().__init__(name, expected, source, address)
        self.port = port
        self.line = line
        self.source_port = source_port
        self.text = ""

    def start(self):
        with namespaces.inside(self.source):
            self.socket = socket.socket()
        self.socket.setblocking(False)
        if self.source_port:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((STORAGE_OTHER, self.source_port))
        self.socket.connect_ex((self.address, self.port))
        return selectors.EVENT_READ if self.line else selectors.EVENT_WRITE

    def proceed(self):
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.answer = "refused"
        elif not self.line:
            self.answer = "connected"
        else:
            self._read_line()

    def _read_line(self):
        try:
            data = self.socket.recv(200).decode()
        except OSError as error:
            self.answer = f"broken: {error.strerror}"
            return
        self.text += data
        if not data or "\n" in data:
            line = self.text.strip()
            self.answer = "connected" if line == self.line else f"got to: {line}"


class Ping(Attempt):
    ECHO_REQUEST, ECHO_REPLY = 8, 0

    def start(self):
        with namespaces.inside(self.source):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setblocking(False)
        self.id = (os.getpid() ^ id(self)) & 0xFFFF
        self.send()
        return selectors.EVENT_READ

    def send(self):
        header = struct.pack("!BBHHH", self.ECHO_REQUEST, 0, 0, self.id, 1)
        checksum = sum(struct.unpack("!4H", header))
        checksum = ~(checksum + (checksum >> 16)) & 0xFFFF
        self.socket.sendto(struct.pack("!BBHHH", self.ECHO_REQUEST, 0, checksum, self.id, 1),
                           (self.address, 0))

    def proceed(self):
        packet = self.socket.recv(2000)
        kind, _, _, number, _ = struct.unpack_from("!BBHHH", packet, (packet[0] & 15) * 4)
        if (kind, number) == (self.ECHO_REPLY, self.id):
            self.answer = "connected"


def attempts(vm, peer):
    """The policy of ovn.policy_acls(), told as what it does to connections."""
    name, own, public = vm.name, vm.address, vm.public_address
    tcp, yes, no = Connection, True, False
    return [
        tcp(f"{name} to the disk's port 2049", yes, name, STORAGE_SERVER, NFS_PORT),
        tcp(f"{name} to the public port 80, by its floating address", yes, name, PUBLIC_SERVER, 80,
            line=f"ext {public}"),
        tcp(f"{name} to the public port 443", yes, name, PUBLIC_SERVER, 443, line=f"ext {public}"),
        Ping(f"{name} pings the public network", yes, name, PUBLIC_SERVER),
        Ping(f"{name} pings the storage", yes, name, STORAGE_SERVER),
        tcp("the public network to the floating address, port 22", yes, "ext", public, 22,
            line=f"{name} {PUBLIC_SERVER}"),
        Ping("the public network pings the floating address", yes, "ext", public),
        tcp("the storage to port 22", yes, "sto", own, 22, line=f"{name} {STORAGE_SERVER}"),
        tcp(f"{peer.name} to port 22", yes, peer.name, own, 22, line=f"{name} {peer.address}"),
        tcp(f"{name} to the public port 25", no, name, PUBLIC_SERVER, 25),
        tcp(f"{name} to the storage's port 8080", no, name, STORAGE_TCP_SERVER, 8080),
        tcp("the public network to the floating address, port 8080", no, "ext", public, 8080),
        tcp("the public network to the floating address, port 2049", no, "ext", public, NFS_PORT),
        tcp("the storage to port 8080", no, "sto", own, 8080),
        tcp("the storage, from its port 2049, to port 8080", no, "sto", own, 8080,
            source_port=NFS_PORT),
        tcp(f"{peer.name} to port 2049", no, peer.name, own, NFS_PORT),
    ]


def check(tries):
    """Make all attempts. Returns [(name, expected, seen)], True for what passed."""
    selector = selectors.DefaultSelector()
    for attempt in tries:
        events = attempt.start()
        selector.register(attempt.socket, events, attempt)
    slowest = 0.0
    begun = again = time.monotonic()
    while not _decided(tries, time.monotonic() - begun, slowest):
        for key, _ in selector.select(0.1):
            key.data.proceed()
            if key.data.answer:
                slowest = time.monotonic() - begun
                selector.unregister(key.fileobj)
        if time.monotonic() - again > 1:
            again = time.monotonic()
            _ping_again(tries)
    for attempt in tries:
        attempt.socket.close()
    return [(attempt.name, attempt.expected, attempt.passed) for attempt in tries]


def _ping_again(tries):
    for attempt in tries:
        if isinstance(attempt, Ping) and not attempt.answer:
            attempt.send()


def _decided(tries, seconds, slowest):
    open_ones = [attempt for attempt in tries if not attempt.answer]
    if any(attempt.expected for attempt in open_ones):
        return seconds > PASS_SECONDS
    return not open_ones or seconds > max(BLOCK_SECONDS, 2 * slowest)
