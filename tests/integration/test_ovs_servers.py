# SPDX-License-Identifier: Apache-2.0
"""lib/ovs/: reading OVSDB and running commands, on servers that are well, dead, hung or mad."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import southbound
import tap
from edges_bench import COOKIE, EDGES, TO_SERVER, Bench, MiB, refused
from private_ovs import PATIENCE

# A server of our own behind ovs-vswitchd's socket.


@contextlib.contextmanager
def fake_vswitchd(serve):
    """An OVS_RUNDIR whose ovs-vswitchd is serve(connection)."""
    folder = tempfile.mkdtemp(prefix="flowlift-fake-")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/ovs-vswitchd.{os.getpid()}.ctl")
    listener.listen(1)
    with open(f"{folder}/ovs-vswitchd.pid", "w") as file:
        file.write(f"{os.getpid()}\n")

    def accept():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield folder
    finally:
        listener.close()
        shutil.rmtree(folder)


def answering(*pieces):
    return lambda connection: [connection.sendall(piece) for piece in pieces]


def text_of(n_bytes, piece=MiB):
    """A reply with a result of @n_bytes."""
    yield b'{"error":null,"id":0,"result":"'
    for _ in range(n_bytes // piece):
        yield b"x" * piece
    yield b'"}'


# OVSDB


def inventory_is_read(bench):
    "db: the inventory is what OVSDB has"
    out = bench.done("db")
    tap.equal(
        sorted(out.splitlines()),
        [
            "bridge br0 dummy",
            "interface br0 bridge br0 port br0 ofport 65534 tag -1 vm -",
            "interface p0 bridge br0 port p0 ofport 1 tag -1 vm -",
            "interface vm1 bridge br0 port vm1 ofport 2 tag 100 vm vm-one",
            "version 3.1.0",
        ],
        "inventory",
    )


def dead_database_is_named(bench):
    "db: no socket, nobody listening, no remote at all: one sentence each"
    refused(bench.edges("db", f"unix:{bench.folder}/none.sock"), "ENOENT", "no socket", "none.sock")
    refused(bench.edges("db", "telegraph:1"), "EINVAL", "telegraph:1", "no OVSDB remote")
    left = socket.socket(socket.AF_UNIX)
    left.bind(bench.path("left.sock"))
    left.close()
    refused(bench.edges("db", f"unix:{bench.path('left.sock')}"), "ECONNREFUSED", "nobody listens")
    refused(bench.edges("db", rundir="/nonexistent"), "ENOENT", "/nonexistent/db.sock")


def hung_database_times_out(bench):
    "db: a hung ovsdb-server is a timeout, not a hang"
    bench.hang("ovsdb-server")
    try:
        answer = bench.edges("db", timeout_ms=500)
    finally:
        bench.go_on("ovsdb-server")
    refused(answer, "ETIMEDOUT", "ovsdb-server", "does not answer")
    tap.check(answer.seconds < 5 * PATIENCE, "it ends soon", answer.seconds)


# Commands


def command_is_answered(bench):
    "ctl: a command's reply, and the error of one that does not exist"
    tap.equal(bench.done("run", "version").strip(), bench.appctl("version").strip(), "version")
    refused(bench.edges("run", "no/such"), "EREMOTEIO", "no/such", "not a valid command")


def dead_vswitchd_is_named(bench):
    "ctl: no pid file, stale pid file, no socket: one sentence each"
    folder = tempfile.mkdtemp(prefix="flowlift-dead-")
    try:
        refused(bench.edges("run", "version", rundir=folder), "ENOENT", "does not run here", folder)
        gone = subprocess.Popen(["true"])
        gone.wait()
        with open(f"{folder}/ovs-vswitchd.pid", "w") as file:
            file.write(f"{gone.pid}\n")
        refused(bench.edges("run", "version", rundir=folder), "ENOENT", "left over", str(gone.pid))
        with open(f"{folder}/ovs-vswitchd.pid", "w") as file:
            file.write("rubbish\n")
        refused(bench.edges("run", "version", rundir=folder), "EINVAL", "no process number")
    finally:
        shutil.rmtree(folder)


def hung_vswitchd_times_out(bench):
    "ctl and OpenFlow: a hung ovs-vswitchd is a timeout, not a hang"
    rules = bench.rules(TO_SERVER)
    bench.hang("ovs-vswitchd")
    try:
        answers = [
            bench.edges("run", "version", timeout_ms=500),
            bench.edges("flows", "br0", timeout_ms=500),
            bench.edges("replace", "br0", COOKIE, rules, timeout_ms=500),
        ]
    finally:
        bench.go_on("ovs-vswitchd")
    for answer in answers:
        refused(answer, "ETIMEDOUT", "ovs-vswitchd does not answer")
        tap.check(answer.seconds < 5 * PATIENCE, "it ends soon", answer.seconds)
    tap.check("f10f" not in bench.flows(), "nothing was installed", bench.flows())


def permission_denied_is_named(bench):
    "every socket: permission denied says what to do"
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        tap.skip("needs root and setpriv to become nobody")
    folder = tempfile.mkdtemp(prefix="flowlift-nobody-")
    os.chmod(folder, 0o755)
    os.chmod(bench.folder, 0o711)
    program = shutil.copy(EDGES, folder)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    sockets = [name for name in os.listdir(bench.folder) if name.endswith((".sock", ".ctl", ".mgmt"))]
    try:
        for name in sockets:
            os.chmod(bench.path(name), 0o700)
        for words in ["db"], ["run", "version"], ["flows", "br0"]:
            answer = bench.edges(*words, prefix=nobody, program=program)
            refused(answer, "EACCES", "permission denied; run as root or add the user to group")
    finally:
        shutil.rmtree(folder)


def long_reply_is_refused(bench):
    "ctl: a reply longer than the limit is refused by name"
    with fake_vswitchd(lambda c: [c.sendall(piece) for piece in text_of(80 * MiB)]) as folder:
        answer = bench.edges("run", "ofproto/trace", rundir=folder, timeout_ms=20000)
    refused(answer, "EMSGSIZE", "the reply to ofproto/trace is longer than 67108864 bytes")


def stream_is_never_whole_in_memory(bench):
    "ctl: 200 MiB are streamed in less than 24 MiB"
    if PATIENCE > 1:
        tap.skip("a sanitizer's own memory hides what is measured")
    with fake_vswitchd(lambda c: [c.sendall(piece) for piece in text_of(200 * MiB)]) as folder:
        with open(os.devnull, "w") as null:
            child = subprocess.Popen(
                [EDGES, "stream", "dpctl/dump-flows"],
                env=dict(bench.env, OVS_RUNDIR=folder), stdout=null,
            )
            _, status, usage = os.wait4(child.pid, 0)
    tap.equal(status, 0, "exit status")
    tap.note(f"peak memory {usage.ru_maxrss} KiB")
    tap.check(usage.ru_maxrss < 24 * 1024, "little memory", usage.ru_maxrss)


def rubbish_is_refused(bench):
    "ctl: rubbish, a reply to another request, a server that goes away or trickles"
    cases = [
        (answering(b"HTTP/1.1 400\r\n"), "EPROTO", "does not start with '{'"),
        (answering(b'{"id":0,"result":"\\uD800","error":null}'), "EPROTO", "other half"),
        (answering(b'{"id":9,"result":"x","error":null}'), "EPROTO", "another request"),
        (answering(b'{"id":0,"result":"x","error":null}{'), "EPROTO", "after the end"),
        (answering(b'{"id":0,"result":"x'), "EPIPE", "closed the connection"),
    ]
    for serve, errno_name, sentence in cases:
        with fake_vswitchd(serve) as folder:
            refused(bench.edges("run", "version", rundir=folder), errno_name, sentence)

    def trickle(connection):
        connection.sendall(b'{"id":0,"result":"')
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with fake_vswitchd(trickle) as folder:
        answer = bench.edges("run", "version", rundir=folder, timeout_ms=700)
    refused(answer, "ETIMEDOUT", "does not answer")


if __name__ == "__main__":
    tap.run(
        [
            inventory_is_read,
            dead_database_is_named,
            hung_database_times_out,
            command_is_answered,
            dead_vswitchd_is_named,
            hung_vswitchd_times_out,
            permission_denied_is_named,
            long_reply_is_refused,
            stream_is_never_whole_in_memory,
            rubbish_is_refused,
            *southbound.TESTS,
        ],
        bench=Bench,
    )
