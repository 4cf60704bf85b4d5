#!/usr/bin/python3 -SB
# SPDX-License-Identifier: Apache-2.0
"""Listens in several namespaces at once, and tells whoever connects where he got to.

    responder.py NAMESPACE:ADDRESS:PORT...

The answer is one line: "NAMESPACE ADDRESS-OF-THE-CLIENT". Prints "ready" when all listen.
"""

import os
import selectors
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from labkit import namespaces  # noqa: E402


def listen(selector, namespace, address, port):
    with namespaces.inside(namespace):
        listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, int(port)))
    listener.listen(64)
    selector.register(listener, selectors.EVENT_READ, namespace)


def main(places):
    selector = selectors.DefaultSelector()
    for place in places:
        listen(selector, *place.split(":"))
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            connection, (client, _port) = key.fileobj.accept()
            try:
                connection.sendall(f"{key.data} {client}\n".encode())
            except OSError:
                pass  # it has gone away
            connection.close()


main(sys.argv[1:])
