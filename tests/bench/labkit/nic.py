# SPDX-License-Identifier: Apache-2.0
"""The simulated NIC's own word, asked past OVS, through DPDK's telemetry socket."""

import contextlib
import json
import re
import socket

from .processes import LabError

REPLY_BYTES = 1 << 17


def runtime_dir(prefix):
    """Where DPDK keeps the sockets of a process with this --file-prefix, run by root."""
    return f"/var/run/dpdk/{prefix}"


class Telemetry:
    def __init__(self, prefix):
        self.path = f"{runtime_dir(prefix)}/dpdk_telemetry.v2"

    @contextlib.contextmanager
    def _connect(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(10)
            try:
                client.connect(self.path)
                client.recv(REPLY_BYTES)  # the greeting
            except OSError as error:
                raise LabError(f"no answer from {self.path}: {error.strerror}") from error
            yield client

    @staticmethod
    def _ask(client, command):
        try:
            client.send(command.encode())
            reply = json.loads(client.recv(REPLY_BYTES))
        except (OSError, ValueError) as error:
            raise LabError(f"telemetry {command}: {error}") from error
        value = reply.get(command.split(",", 1)[0])
        if value is None:
            raise LabError(f"telemetry {command}: refused")
        return value

    def ask(self, *commands):
        """Ask one or more commands over one connection; returns a list of answers."""
        with self._connect() as client:
            return [self._ask(client, command) for command in commands]

    def ports(self):
        """{DPDK port id: counters}, each with the vdev's name."""
        with self._connect() as client:
            ids = self._ask(client, "/flownic/ports")
            return {i: self._ask(client, f"/flownic/port,{i}") for i in ids}

    def rules(self, port_id):
        rules, start = [], 0
        with self._connect() as client:
            while start is not None:
                text = self._ask(client, f"/flownic/rules,{port_id},{start}")
                start = None
                for line in text.splitlines():
                    if line.startswith("more "):
                        start = int(line.split()[1])
                    else:
                        rules.append(_parse_rule(line))
        return rules

    def fault(self, nic, *words):
        answer = self.ask(f"/flownic/fault,{nic}," + ",".join(map(str, words)))[0]
        if answer.startswith("error: "):
            raise LabError(f"fault {' '.join(map(str, words))}: {answer[7:]}")
        return answer.split()

    def faults(self, nic):
        return self.ask(f"/flownic/faults,{nic}")[0].split()


def _parse_rule(line):
    words = dict(re.findall(r"(\S+?)=(\S+)", line))
    return {
        "rule": int(words.pop("rule")),
        "kind": words.pop("kind"),
        "packets": int(words.pop("packets")),
        "bytes": int(words.pop("bytes")),
        "actions": words.pop("actions").split(","),
        "match": words,
    }
