# SPDX-License-Identifier: GPL-2.0
"""Frames to send through the NIC, and raw sockets to send and see them with."""

import socket
import struct

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 8, 23
SO_RCVBUFFORCE = 33
TP_STATUS_VLAN_VALID = 0x10
AUXDATA = struct.Struct("=IIIHHHH")
IPV4, IPV6, ARP, VLAN, QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
ICMP, TCP, UDP = 1, 6, 17

VF0, VF1, SERVER = "02:00:00:00:00:10", "02:00:00:00:00:11", "02:00:00:00:00:99"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ethernet(kind, payload, src_mac=VF0, dst_mac=SERVER, vlans=()):
    """vlans: ids from the outer to the inner one, or (tpid, id)."""
    head = mac(dst_mac) + mac(src_mac)
    for vlan in vlans:
        tpid, number = vlan if isinstance(vlan, tuple) else (VLAN, vlan)
        head += struct.pack("!HH", tpid, number)
    frame = head + struct.pack("!H", kind) + payload
    return frame.ljust(60, b"\0")


def _l4(pseudo, proto, sport, dport, data, flags):
    if proto == TCP:
        head = struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 5 << 4, flags, 1024, 0, 0)
        at = 16
    else:
        head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
        at = 6
    whole = head + data
    pseudo += struct.pack("!HH", proto, len(whole)) if len(pseudo) == 8 else struct.pack(
        "!IHH", len(whole), 0, proto)
    value = checksum(pseudo + whole)
    return whole[:at] + struct.pack("!H", value) + whole[at + 2:]


def ipv4(src="10.0.0.1", dst="10.0.0.9", proto=UDP, sport=1111, dport=2049, data=b"x" * 100,
         ttl=64, tos=0, flags=0x10, frag=0, **eth):
    addresses = socket.inet_aton(src) + socket.inet_aton(dst)
    payload = _l4(addresses, proto, sport, dport, data, flags) if not frag & 0x1FFF else data
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), 1, frag, ttl, proto, 0)
    value = checksum(head + addresses)
    return ethernet(IPV4, head[:10] + struct.pack("!H", value) + addresses + payload, **eth)


def ipv6(src="fd00::1", dst="fd00::9", proto=UDP, sport=1111, dport=2049, data=b"x" * 100,
         flags=0x10, **eth):
    addresses = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    payload = _l4(addresses, proto, sport, dport, data, flags)
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, 64)
    return ethernet(IPV6, head + addresses + payload, **eth)


def checksums_hold(frame):
    """Are the checksums of an untagged IPv4 or IPv6 frame with TCP or UDP right?"""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == IPV4:
        size, proto = struct.unpack_from("!H", frame, 16)[0], frame[23]
        head, payload = frame[14:34], frame[34:14 + size]
        pseudo = head[12:20] + struct.pack("!HH", proto, len(payload))
        if checksum(head):
            return False
    else:
        size, proto = struct.unpack_from("!HB", frame, 18)
        payload = frame[54:54 + size]
        pseudo = frame[22:54] + struct.pack("!IHH", size, 0, proto)
    return checksum(pseudo + payload) == 0


class Tap:
    """A raw socket on a netdev. What the netdev sends is not seen, only what it receives."""

    def __init__(self, device):
        self.device = device
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.bind((device, ETH_P_ALL))

    def send(self, frame, times=1):
        for _ in range(times):
            self.socket.send(frame)

    def receive(self, timeout=5):
        """The next frame, with its VLAN tag where it was on the wire; None after a while."""
        self.socket.settimeout(timeout)
        try:
            frame, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
        except (TimeoutError, BlockingIOError):
            return None
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, *_, tci, tpid = AUXDATA.unpack(data[:AUXDATA.size])
                if status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + struct.pack("!HH", tpid or VLAN, tci) + frame[12:]
        return frame

    def drain(self):
        """All frames that have arrived: what is sent here arrives before send() returns."""
        return list(iter(lambda: self.receive(timeout=0), None))

    def close(self):
        self.socket.close()
