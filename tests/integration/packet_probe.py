# SPDX-License-Identifier: Apache-2.0
"""Which packets of a VM came back from the server, by the time they were sent.

Run as a program inside the VM's namespace: packet_probe.py ADDRESS PORT RATE. It sends to the echo side
of the bench's stream until SIGTERM, and prints what it saw as JSON.
"""

import json
import select
import signal
import socket
import struct
import sys
import time

MAGIC = 0x666C6F776C696674
PACKET = struct.Struct("=QQQqQII")
# So many lost in a row are blocked packets, and so many answered are none.
IN_A_ROW = 10
LAST_ANSWERS_S = 1


class Probe:
    """The program above in a VM of a lab; stop() has it say what it saw."""

    def __init__(self, lab, vm, address, port=2049, rate=500):
        self.process = lab.popen(vm, sys.executable, "-B", __file__, address, port, rate, stdout=-1,
                                 text=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        return Seen(**json.loads(out))


class Seen:
    def __init__(self, sent_ns, answered):
        self.sent_ns = sent_ns
        self.answered = answered

    def ms_until(self, blocked, after_ns, before_ns=None):
        """From a moment to the first packet of a row that was (not) answered; None: there is none."""
        for i, sent_ns in enumerate(self.sent_ns):
            row = self.answered[i:i + IN_A_ROW]
            if before_ns and sent_ns > before_ns:
                return None
            if sent_ns >= after_ns and len(row) == IN_A_ROW and not any(a == blocked for a in row):
                return (sent_ns - after_ns) / 1e6
        return None


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def send_and_receive(address, port, rate):
    sent_ns, answered, stopped = [], [], []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(now_ns()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.connect((address, port))
        channel.setblocking(False)
        stream, next_ns = time.time_ns(), now_ns()
        while not stopped or now_ns() < stopped[0] + LAST_ANSWERS_S * 10**9:
            if not stopped and now_ns() >= next_ns:
                packet = PACKET.pack(MAGIC, stream, len(sent_ns), 0, 0, 0, 0)
                sent_ns.append(now_ns())
                answered.append(False)
                try:
                    channel.send(packet)
                except OSError:
                    pass  # what an ICMP message said of an earlier one
                next_ns += 10**9 // rate
            wait = max(0, (next_ns - now_ns()) / 1e9) if not stopped else 0.01
            if select.select([channel], [], [], wait)[0]:
                try:
                    answer = channel.recv(2048)
                except OSError:
                    continue
                if len(answer) >= PACKET.size and PACKET.unpack_from(answer)[:2] == (MAGIC, stream):
                    answered[PACKET.unpack_from(answer)[2]] = True
    return sent_ns, answered


def main():
    address, port, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sent_ns, answered = send_and_receive(address, port, rate)
    json.dump({"sent_ns": sent_ns, "answered": answered}, sys.stdout)


if __name__ == "__main__":
    main()
