#!/usr/bin/python3 -SB
# SPDX-License-Identifier: Apache-2.0
"""One TCP connection from each of many VMs to the storage: a process for all of them.

    talk.py ADDRESS PORT RATE SECONDS|0 NAMESPACE...

RATE requests a second and VM, answered by `tcpload serve`. Prints "started", and on SIGTERM, or
after so many seconds, {"answers": {namespace: n}, "failures": {why: n}}.
"""

import collections
import itertools
import json
import os
import selectors
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import namespaces  # noqa: E402

REQUEST = bytes(128)  # traffic/tcpload.c
ANSWER_BYTES = 1024


class Talker:
    """One VM's connection; a broken one is opened anew."""

    def __init__(self, namespace, server):
        self.namespace = namespace
        self.server = server
        self.socket = None
        self.answers = 0
        self.failures = []

    def connect(self, selector):
        with namespaces.inside(self.namespace):
            self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(self.server)
        self.missing = 0  # bytes of the present answer
        self.connected = False
        selector.register(self.socket, selectors.EVENT_WRITE, self)

    def proceed(self, selector):
        """The socket is ready for something."""
        try:
            self._proceed(selector)
        except OSError as error:
            self.failures.append(str(error))
            selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def _proceed(self, selector):
        if not self.connected:
            if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            self.connected = True
            selector.modify(self.socket, selectors.EVENT_READ, self)
            return
        data = self.socket.recv(65536)
        if not data:
            raise OSError("closed")
        self.missing -= len(data)
        self.answers += self.missing == 0

    def take_turn(self, selector):
        if not self.socket:
            self.connect(selector)
        elif self.connected and self.missing == 0:
            self.socket.send(REQUEST)
            self.missing = ANSWER_BYTES


def talk(server, rate, seconds, names):
    """The VMs take turns, evenly spread: 200 that look for the server at once are a storm."""
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    print("started", flush=True)
    selector = selectors.DefaultSelector()
    talkers = [Talker(name, server) for name in names]
    turns = itertools.cycle(talkers)
    begun = due = time.monotonic()
    while not stop and not (seconds and time.monotonic() - begun > seconds):
        for key, _ in selector.select(max(0, due - time.monotonic())):
            key.data.proceed(selector)
        if time.monotonic() >= due:
            due = max(due + 1 / rate / len(talkers), time.monotonic() - 0.1)
            next(turns).take_turn(selector)
    return {"answers": {talker.namespace: talker.answers for talker in talkers},
            "failures": collections.Counter(why for talker in talkers
                                            for why in talker.failures)}


def main(address, port, rate, seconds, *names):
    print(json.dumps(talk((address, int(port)), float(rate), float(seconds), names)), flush=True)


main(*sys.argv[1:])
