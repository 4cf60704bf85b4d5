# SPDX-License-Identifier: Apache-2.0
"""lib/ovn/: rows of OVN's southbound by the cookies of its OpenFlow flows, from a real ovsdb-server over a
socket and TLS, and from servers that are mad or have 300,000 rows. Subtests of test_ovs_servers.py.
"""

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
import uuid

import tap
from edges_bench import BUILD, EDGES, MiB, refused
from private_ovs import PATIENCE, PrivateOvs, wait_until

FLOWLIFT = os.environ.get("FLOWLIFT") or f"{BUILD}/cli/flowlift"

SCHEMAS = "/usr/share/ovn"
N_FLOWS = 2000
N_UUIDS = 300_000
ACL = "5e6f7a8b-0000-4000-8000-000000000001"
# Their first 32 bits are the cookies.
OF_ACL = "1a2b3c4d-1111-4111-8111-111111111111"
OF_DHCP = "1a2b3c4e-1111-4111-8111-111111111111"
PORT = "2a2b3c4d-1111-4111-8111-111111111111"
NEIGHBOUR = "3a2b3c4d-1111-4111-8111-111111111111"
SAME = [f"4a2b3c4d-{n}000-4111-8111-111111111111" for n in (1, 2)]
DATAPATH = "6a2b3c4d-1111-4111-8111-111111111111"


NO_TABLE = b'{"id":0,"error":null,"result":[{"error":"x","details":"No table named Logical_Flow."}]}'


def cookie(row):
    return f"0x{row[:8]}"


def logical_flow(stage, priority, hint=None, match="ip", actions="next;"):
    ids = [["stage-name", stage], ["source", "northd.c:1"]] + ([["stage-hint", hint]] if hint else [])
    return {"logical_datapath": ["uuid", DATAPATH], "pipeline": "ingress", "table_id": 8,
            "priority": priority, "match": match, "actions": actions, "external_ids": ["map", ids]}


def southbound_rows():
    flows = {str(uuid.UUID(int=0x77 << 120 | n)): logical_flow("ls_in_l2_lkup", 50, match=f"port {n}")
             for n in range(N_FLOWS)}
    flows[OF_ACL] = logical_flow("ls_in_acl", 2001, ACL[:8], 'inport == "vm1"\033[2J && tcp', "x" * 5000)
    flows[OF_DHCP] = logical_flow("ls_out_acl", 34000, ACL[:8])
    for row in SAME:
        flows[row] = logical_flow("ls_in_l2_lkup", 50)
    datapath = ["uuid", DATAPATH]
    return {
        "Logical_Flow": flows,
        "Datapath_Binding": {DATAPATH: {"tunnel_key": 1, "external_ids": ["map", [["name", "sw0"]]]}},
        "Port_Binding": {PORT: {"logical_port": "vm1", "tunnel_key": 1, "datapath": datapath}},
        "MAC_Binding": {NEIGHBOUR: {"logical_port": "lrp0", "ip": "10.0.0.9", "datapath": datapath}},
    }


def create_database(path, schema, rows):
    """Rows with uuids of our choice: the record that a transaction would write (ovsdb(5), OVSDB JSON)."""
    subprocess.run(["ovsdb-tool", "create", path, schema], check=True)
    data = json.dumps(rows).encode() + b"\n"
    with open(path, "ab") as file:
        file.write(f"OVSDB JSON {len(data)} {hashlib.sha1(data).hexdigest()}\n".encode() + data)


def ask(bench, remote, *cookies, **options):
    bench.vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=host1",
                "external_ids:ovn-remote=tcp:127.0.0.1:1",
                f"external_ids:ovn-remote-host1=\"{remote}\"")
    bench.env["OVN_RUNDIR"] = bench.folder
    return bench.edges("ovn", *cookies, **options)


def rows_of(answer):
    tap.equal((answer.code, answer.err), (0, ""), "exit code, standard error")
    *rows, last = answer.out.splitlines()
    return rows, last


def start_ovsdb(bench, *arguments):
    with open(bench.path("southbound.out"), "w") as out:
        bench.daemons["southbound"] = subprocess.Popen(
            ["ovsdb-server", *arguments, f"--unixctl={bench.path('sb.ctl')}", "--no-chdir",
             f"--log-file={bench.path('sb.log')}", "-vconsole:off"],
            stdout=out, stderr=out, env=bench.env)


def make_keys(bench):
    """A CA, and a key and certificate by it. Return: paths."""
    key, certificate, ca_key, ca = (bench.path(name) for name in ("k.pem", "c.pem", "ca-k.pem", "ca.pem"))
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in ([*new, "-x509", "-subj", "/CN=ca", "-days", "2", "-keyout", ca_key, "-out", ca],
                  [*new, "-subj", "/CN=host", "-keyout", key, "-out", bench.path("r.pem")],
                  ["openssl", "x509", "-req", "-in", bench.path("r.pem"), "-CA", ca, "-CAkey", ca_key,
                   "-CAcreateserial", "-days", "2", "-out", certificate]):
        subprocess.run(words, check=True, capture_output=True)
    return key, certificate, ca


def rows_are_found(bench):
    "ovn: rows by cookie among those of each table, two of one cookie, and the ACL of the northbound"
    servers_start(bench)
    cookies = [cookie(row) for row in (OF_ACL, OF_DHCP, PORT, NEIGHBOUR, SAME[0], DATAPATH)]
    answer = ask(bench, f"unix:{bench.path('none.sock')},unix:{bench.socket}", *cookies, "0x9a2b3c4d",
                 timeout_ms=20000)
    rows, last = rows_of(answer)
    flow = "Logical_Flow {} - ingress 8 {} {} [{}] [{}] northd.c:1 {}"
    tap.equal(sorted(rows), sorted([
        flow.format(OF_ACL, 2001, "ls_in_acl", 'inport == "vm1"\033[2J && tcp', "x" * 2048 + "...",
                    "5e6f7a8b ACL from-lport 1001 [inport == \"vm1\"] allow-related"),
        flow.format(OF_DHCP, 34000, "ls_out_acl", "ip", "next;", "5e6f7a8b"),
        *[flow.format(row, 50, "ls_in_l2_lkup", "ip", "next;", "00000000") for row in SAME],
        f"Port_Binding {PORT} vm1",
        f"MAC_Binding {NEIGHBOUR} 10.0.0.9 of lrp0",
        f"Datapath_Binding {DATAPATH} sw0",
    ]), "rows")
    tap.check(last.startswith(f"bridge br-int southbound unix:{bench.socket} complete 1 "), "who answered", last)


def servers_start(bench):
    bench.socket = bench.path("ovnsb_db.sock")
    bench.keys = make_keys(bench)
    key, certificate, ca = bench.keys
    create_database(bench.path("sb.db"), f"{SCHEMAS}/ovn-sb.ovsschema", southbound_rows())
    create_database(bench.path("nb.db"), f"{SCHEMAS}/ovn-nb.ovsschema", {
        "Logical_Switch": {DATAPATH: {"name": "sw0", "acls": ["uuid", ACL]}},
        "ACL": {ACL: {"direction": "from-lport", "priority": 1001, "match": 'inport == "vm1"',
                      "action": "allow-related"}}})
    start_ovsdb(bench, bench.path("sb.db"), bench.path("nb.db"), f"--remote=punix:{bench.socket}",
                f"--remote=punix:{bench.path('ovnnb_db.sock')}", "--remote=pssl:0:127.0.0.1",
                f"--private-key={key}", f"--certificate={certificate}", f"--ca-cert={ca}")
    wait_until(lambda: os.path.exists(bench.socket), "the southbound", 60)


def ssl_port(bench):
    with open(bench.path("sb.log"), encoding="utf-8") as file:
        return re.search(r"0:127\.0\.0\.1: listening on port (\d+)", file.read())[1]


def keys_are_those_of_the_host(bench):
    "ovn: over TLS with the keys of ovn-controller's command line, and of table SSL; none: one sentence"
    remote = f"ssl:127.0.0.1:{ssl_port(bench)}"
    refused(ask(bench, remote, cookie(PORT)), "ENOENT", "table SSL", "command line of a running ovn-controller")
    key, certificate, ca = bench.keys
    # Somebody who sleeps under ovn-controller's arguments.
    words = ["sh", "-c", "read line", "ovn-controller", "-p", key, f"--certificate={certificate}", "-C", ca]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as controller:
        with open(bench.path("ovn-controller.pid"), "w", encoding="ascii") as file:
            file.write(f"{controller.pid}\n")
        rows, _ = rows_of(ask(bench, remote, cookie(PORT), timeout_ms=20000))
        controller.stdin.close()
    tap.equal(rows, [f"Port_Binding {PORT} vm1"], "by the command line")
    bench.vsctl("set-ssl", key, certificate, ca)
    rows, _ = rows_of(ask(bench, remote, cookie(PORT), timeout_ms=20000))
    tap.equal(rows, [f"Port_Binding {PORT} vm1"], "by table SSL")
    bench.vsctl("set-ssl", key, bench.path("none.pem"), ca)
    refused(ask(bench, remote, cookie(PORT)), "ENOENT", "none.pem")
    bench.vsctl("del-ssl")


@contextlib.contextmanager
def mad_southbound(bench, *answers):
    """Answers whatever it is asked by one of @answers after the other, then waits to be left; None: it leaves."""
    path = bench.path("mad.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)

    def serve():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            for answer in answers:
                connection.recv(65536)
                if answer is None:
                    return
                connection.sendall(answer)
            while connection.recv(65536):
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"unix:{path}"
    finally:
        listener.close()
        os.unlink(path)


def what_cannot_be_asked_is_named(bench):
    "ovn: nobody there, no remote, silent, too much, rubbish, gone: one sentence each; no OVN: none"
    who = "OVN's southbound database"
    refused(ask(bench, f"unix:{bench.path('none.sock')}", "0x1"), "ENOENT", who, "none.sock")
    refused(ask(bench, "telegraph:1", "0x1"), "EINVAL", "telegraph:1", "no OVSDB remote")
    cases = [
        (1000, [b"", b""], "ETIMEDOUT", "does not answer"),
        (20000, [b'{"id":0,"result":["' + b"x" * 66 * MiB], "EFBIG", "more to say than the 65536 KiB"),
        (5000, [b"HTTP/1.1 400\r\n"], "EPROTO", "no such answer"),
        (5000, [b'{"id":0,"error":null,"result":7}'], "EPROTO", "no answer to a select"),
        (5000, [None], "EPIPE", "closed the connection"),
    ]
    for timeout_ms, answers, errno_name, sentence in cases:
        with mad_southbound(bench, *answers) as remote:
            answer = ask(bench, remote, "0x1", timeout_ms=timeout_ms)
        refused(answer, errno_name, sentence)
        tap.check("complete 0" in answer.out, "it is said to be not known", answer.out)
    # The server asks first, whether we are there.
    with mad_southbound(bench, b'{"id":"echo","method":"echo","params":[]} ' + NO_TABLE) as remote:
        refused(ask(bench, remote, "0x1", timeout_ms=1000), "ETIMEDOUT", "table Port_Binding")
    bench.vsctl("clear", "Open_vSwitch", ".", "external_ids")
    tap.check("bridge - southbound - complete 0" in bench.done("ovn", "0x1"), "without OVN nobody is asked")


def many_rows_are_read_in_little_memory(bench):
    "ovn: 300,000 uuids, 17 MiB: what is wanted is found, in 48 MiB"
    found = "9a2b3c4d-1111-4111-8111-111111111111"
    uuids = "".join(f'{{"_uuid":["uuid","{n:08x}-1111-4111-8111-111111111111"]}},' for n in range(N_UUIDS))
    reply = f'{{"id":0,"result":[{{"rows":[{uuids}{{"_uuid":["uuid","{found}"]}}]}}],"error":null}}'.encode()
    row = b'{"id":0,"result":[{"rows":[{"pipeline":"egress"}]}],"error":null}'
    with mad_southbound(bench, reply, row) as remote:
        answer = ask(bench, remote, cookie(found), timeout_ms=50000)
    rows, last = rows_of(answer)
    tap.equal([line.split()[:2] for line in rows], [["Logical_Flow", found]], "rows")
    mib = int(last.split()[-1]) // 1024
    tap.note(f"{answer.seconds:.2f} s, {mib} MiB")
    if PATIENCE == 1:
        tap.check(mib < 48, "memory", last)


# A real OVN: northd and ovn-controller, on a switch without privileges.

CONFIG = "[storage]\nsubnets = 10.0.0.0/24\n"
PACKET = ("eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,"
          "proto=6,tos=0,ttl=64,frag=no),tcp(src=1000,dst=2049),tcp_flags(ack)")


class Ovn(PrivateOvs):
    """Logical switch sw0 with VMs vm1, vm2 and a stateful ACL each way."""

    def __enter__(self):
        super().__enter__()
        self.env.update(OVN_RUNDIR=self.folder)
        self.nb, self.sb = (f"unix:{self.path(f'ovn{name}_db.sock')}" for name in ("nb", "sb"))
        for name in ("nb", "sb"):
            subprocess.run(["ovsdb-tool", "create", self.path(f"{name}.db"), f"{SCHEMAS}/ovn-{name}.ovsschema"],
                           check=True)
        start_ovsdb(self, self.path("nb.db"), self.path("sb.db"), f"--remote=p{self.nb}", f"--remote=p{self.sb}")
        wait_until(lambda: os.path.exists(self.path("ovnsb_db.sock")), "OVN's databases", 60)
        self.spawn("ovn-northd", f"--ovnnb-db={self.nb}", f"--ovnsb-db={self.sb}")
        ids = {"system-id": "host1", "ovn-remote": self.sb, "ovn-encap-type": "geneve",
               "ovn-encap-ip": "127.0.0.1", "ovn-bridge-datapath-type": "dummy"}
        self.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=dummy", "fail-mode=secure",
                   "--", "set", "Open_vSwitch", ".", *[f"external_ids:{key}={ids[key]}" for key in ids])
        for vm in (1, 2):
            self.vsctl("add-port", "br-int", f"p{vm}", "--", "set", "interface", f"p{vm}", "type=dummy",
                       f"external_ids:iface-id=vm{vm}", f"external_ids:vm-id=vm{vm}")
        self.spawn("ovn-controller", f"unix:{self.path('db.sock')}")
        self.ctl("nb", "ls-add", "sw0", *[word for vm in (1, 2) for word in (
            "--", "lsp-add", "sw0", f"vm{vm}", "--", "lsp-set-addresses", f"vm{vm}",
            f"50:54:00:00:00:0{vm} 10.0.0.{vm}")],
            "--", "acl-add", "sw0", "from-lport", "1001", 'inport == "vm1" && tcp.dst == 2049', "allow-related",
            "--", "acl-add", "sw0", "to-lport", "1001", 'outport == "vm2" && ip4', "allow-related")
        self.ctl("nb", "--wait=hv", "sync")
        return self

    def spawn(self, *words):
        self.daemons[words[0]] = subprocess.Popen([*words, "-vconsole:off"], env=self.env,
                                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ctl(self, name, *words):
        return self._run(f"ovn-{name}ctl", f"--db={getattr(self, name)}", "--timeout=50", *words)

    def cookies(self):
        flows = self.ofctl("dump-flows", "br-int")
        return sorted(set(re.findall(r"cookie=(0x[0-9a-f]+)", flows)) - {"0x0"})

    def table(self, name, *columns):
        text = self.ctl("sb", "--format=json", f"--columns=_uuid,{','.join(columns)}", "list", name)
        return {row[0][1]: row[1:] for row in json.loads(text)["data"]}


def every_cookie_of_ovn_controller_is_told(_):
    "ovn: all cookies that a real ovn-controller gave, as ovn-sbctl has their rows; explain shows those of a packet"
    with Ovn() as ovn:
        cookies = ovn.cookies()
        answer = subprocess.run([EDGES, "ovn", *cookies], env=dict(ovn.env, EDGES_TIMEOUT_MS="60000"),
                                capture_output=True, text=True, timeout=100)
        rows = [line.split(" ", 6) for line in answer.stdout.splitlines()[:-1]]
        tap.equal((answer.returncode, answer.stderr), (0, ""), "edges ovn")
        tap.equal(sorted(f"{int(row[1][:8], 16):#x}" for row in rows), cookies, "a row for each")
        flows = ovn.table("Logical_Flow", "pipeline", "table_id", "priority")
        ports = ovn.table("Port_Binding", "logical_port")
        for table, row, name, *rest in rows:
            if table == "Logical_Flow":
                tap.equal([rest[0], *map(int, rest[1:3])], flows[row], row)
            elif table == "Port_Binding":
                tap.equal([name], ports[row], row)
        tap.note(f"{len(rows)} rows of {sorted({row[0] for row in rows})}")
        explain_shows_them(ovn)


def explain_shows_them(ovn):
    ovn.appctl("netdev-dummy/receive", "p1", PACKET)
    wait_until(lambda: "proto=6" in ovn.appctl("dpctl/dump-flows"), "a datapath flow")
    for _ in range(5):
        ovn.appctl("netdev-dummy/receive", "p1", PACKET)
    wait_until(lambda: re.search(r"recirc_id\(0x.*proto=6.*packets:[1-9]", ovn.appctl("dpctl/dump-flows")), "packets")
    os.makedirs(ovn.path("root/etc/flowlift"))
    with open(ovn.path("root/etc/flowlift/flowlift.conf"), "w", encoding="ascii") as file:
        file.write(CONFIG)
    words = [FLOWLIFT, "explain", "vm1", "--probe", "--window", "0", "--via", "ovs", "--root", ovn.path("root")]
    told = json.loads(subprocess.run([*words, "--json"], env=ovn.env, capture_output=True, text=True).stdout)
    tap.equal(told["ovn"], {"bridge": "br-int", "southbound": ovn.sb, "reason": None}, "ovn")
    flows = [flow for flow in told["openflow"][0]["flows"] if flow["cookie"] != "0x0"]
    tap.check(flows and all(len(flow["ovn"]) == 1 for flow in flows), "a row for each flow", flows)
    acls = [row["logical_flow"]["acl"] for flow in flows for row in flow["ovn"] if row["logical_flow"]]
    tap.check({"name": None, "direction": "from-lport", "priority": 1001, "action": "allow-related",
               "match": 'inport == "vm1" && tcp.dst == 2049'} in acls, "the ACL is named", acls)
    ovn.vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-remote=unix:/nowhere")
    text = subprocess.run(words, env=ovn.env, capture_output=True, text=True)
    tap.equal(text.returncode, 1, "exit code")
    tap.check("not asked of OVN: cannot connect to OVN's southbound database at unix:/nowhere: No such file" in
              " ".join(text.stdout.split()), "one sentence, without the southbound", text.stdout)


TESTS = [
    rows_are_found,
    keys_are_those_of_the_host,
    what_cannot_be_asked_is_named,
    many_rows_are_read_in_little_memory,
    every_cookie_of_ovn_controller_is_told,
]
