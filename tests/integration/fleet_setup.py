# SPDX-License-Identifier: Apache-2.0
"""docs/fleet.md, "With a cluster", done as it stands there: three members, two hosts, TLS, orders, and what goes wrong later.

Each machine is a network namespace with the address of the document, and a folder in which its files lie. The only things
that are done otherwise: systemctl is this test, which runs the ExecStart of the unit; scp copies into those folders;
flowlift gets --root. There is no switch: host1 is an agent without one, host2 its certificate.
"""

import collections
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../fleet")

import tap  # noqa: E402
from agents import AGENT, wait_until  # noqa: E402
from answer import FLOWLIFT, PATIENCE, RUN_SECONDS, SOURCE  # noqa: E402
from fleet_cluster import DATABASE, SHIPPED, Ethernet, dies_with_us  # noqa: E402

DOCUMENT = f"{SOURCE}/docs/fleet.md"
MEMBERS = ("fleet1", "fleet2", "fleet3")
HOSTS = ("host1", "host2")
# What of a machine is in its folder.
FOLDERS = ("/etc/flowlift-fleet", "/etc/flowlift", "/var/lib/flowlift-fleet", "/run/flowlift-fleet", "/usr/share/flowlift")
VM_ID = "8d8c4a6e-2222-4000-8000-000000000002"
TWINS = ["11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"]
KEY, CERTIFICATE = "/etc/flowlift/key.pem", "/etc/flowlift/certificate.pem"
SECONDS = 60 * PATIENCE

Block = collections.namedtuple("Block", "language text")


def sections():
    """Heading -> blocks, of "With a cluster"."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read().partition("\n## With a cluster\n")[2].partition("\n## ")[0]
    return {part.splitlines()[0]: [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S)]
            for part in text.split("\n### ")[1:]}


class Fleet:
    """The machines of the document."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flfs.")
        self.sections = sections()
        self.processes = {}
        self.ethernet = Ethernet("10.0.0")
        self.ethernet.__enter__()
        for name in (*MEMBERS, *HOSTS):
            self.ethernet.add(name)
            for folder in FOLDERS:
                os.makedirs(self.at(name, folder))
            for file in ("flowlift-fleet.ovsschema", "flowlift-fleet-init.json"):
                shutil.copy(f"{SHIPPED}/{file}", self.at(name, "/usr/share/flowlift"))
        os.makedirs(self.at("admin"))
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL)
        self.ethernet.__exit__()
        shutil.rmtree(self.folder)

    def at(self, name, path=""):
        return f"{self.folder}/{name}{path}"

    def localized(self, name, text):
        """With paths below the folder of machine @name, and the programs that were built."""
        text = re.sub(rf"(?<![\w/])({'|'.join(FOLDERS)})(?=[/\s]|$)", lambda found: self.at(name, found[1]), text)
        return re.sub(r"(?<![\w/-])flowlift (?=fleet )", f"{FLOWLIFT} ", text)

    # ---- Processes ----

    def start(self, name, words):
        with open(self.at(name, "/out"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.ethernet.within(name), *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=self.env(name), preexec_fn=dies_with_us)

    def stop(self, name, number=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(number)
        tap.check(process.wait(SECONDS) is not None, f"the server of {name} ends")

    def env(self, name):
        return {**os.environ, **{key: self.at(name) for key in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR")}}

    def log(self, name):
        with open(self.at(name, "/out"), encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def systemctl(self, name, words):
        command, unit = words[0], words[-1]
        if command in ("enable", "start") and unit == "flowlift-fleet":
            (text,) = re.findall(r"^ExecStart=(.*)$", self.unit(), re.M)
            self.start(name, shlex.split(self.localized(name, text)))
        elif command == "stop" and unit == "flowlift-fleet":
            self.stop(name)
        elif command == "restart" and unit == "flowlift-agent":
            self.start(name, [AGENT, "--root", self.at(name), "--db", "unix:/nowhere", "-vsyslog:off"])
            wait_until(lambda: os.path.exists(self.at(name, "/flowlift-agent.pid")), SECONDS, f"the agent of {name}")
        else:
            tap.check(command == "daemon-reload", f"what systemctl does: {words}")

    # ---- Of the document ----

    def blocks(self, heading, language):
        return [block.text for block in self.sections[heading] if block.language == language]

    def unit(self):
        return next(text for text in self.blocks("Setting it up", "ini") if "ExecStart=" in text)

    def configuration(self, what):
        """The [fleet] that has @what."""
        return next(text for text in self.blocks("Setting it up", "ini") if "[fleet]" in text and what in text)

    def run(self, name, line, code=0):
        """One line, on that machine. Return: what it says."""
        if line.startswith("systemctl "):
            self.systemctl(name, shlex.split(line)[1:])
            return ""
        text = self.localized(name, line)
        if FLOWLIFT in text:
            text += f" --root {self.at(name)}"
        done = subprocess.run([*self.ethernet.within(name), "bash", "-e", "-o", "pipefail", "-c", text], env=self.env(name),
                              capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
        tap.equal(done.returncode, code, f"exit code on {name}: {line}; {done.stdout}{done.stderr}{self.said(name)}")
        tap.check('"error"' not in done.stdout, f"no error on {name}: {line}", done.stdout)
        return done.stdout + done.stderr

    def said(self, name):
        return self.log(name) if os.path.exists(self.at(name, "/out")) else ""

    def lines(self, heading, *programs):
        """(machine, line) of the consoles below @heading; with @programs those that have such words."""
        for text in self.blocks(heading, "console"):
            for name, line in re.findall(r"^(\w+)# (.*)$", text, re.M):
                if not programs or any(program in line for program in programs):
                    yield name, line

    def do(self, heading, *programs):
        """Those lines, each on its machine. Return: what each says."""
        said = [self.run(name, line) for name, line in self.lines(heading, *programs)]
        tap.check(said, f"{heading} has {programs}")
        return said

    # ---- The database ----

    def connected(self, name):
        self.run(name, f"ovsdb-client -t {SECONDS:.0f} wait unix:/run/flowlift-fleet/db.sock Flowlift_Fleet connected")

    def transact(self, *operations, host=None, where=None):
        """As root on fleet1, or by the certificate of @host at the port for agents. Return: what the server says."""
        words = ["unix:/run/flowlift-fleet/db.sock"]
        if host:
            words = ["-p", KEY, "-c", CERTIFICATE, "-C", "/etc/flowlift/members.pem", "ssl:10.0.0.1:6642"]
        line = " ".join(["ovsdb-client -t 30 transact", *words, shlex.quote(json.dumps([DATABASE, *operations]))])
        name = host or where or "fleet1"
        done = subprocess.run([*self.ethernet.within(name), "bash", "-c", self.localized(name, line)], capture_output=True,
                              text=True, check=False, timeout=RUN_SECONDS)
        return done.stdout + done.stderr

    def rows(self, table, where=None):
        said = self.transact({"op": "select", "table": table, "where": []}, where=where)
        tap.check(said.startswith("["), f"rows of {table}", said)
        return json.loads(said)[0]["rows"]


def certificates(fleet):
    "certificates: two authorities, members and hosts, brought to where they belong"
    script = "set -e\ncd " + fleet.at("admin") + """
scp() {
    local to=${2#root@}
    cp "$1" "$T/${to%%:*}${to#*:}"
}
""" + "\n".join(fleet.blocks("Setting it up", "sh"))
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "T": fleet.folder}, capture_output=True, text=True,
                          check=False, timeout=RUN_SECONDS)
    tap.equal(done.returncode, 0, done.stderr)
    for name in (*MEMBERS, *HOSTS):
        folder = fleet.at(name, "/etc/flowlift-fleet" if name in MEMBERS else "/etc/flowlift")
        tap.equal(oct(os.stat(f"{folder}/key.pem").st_mode & 0o777), "0o600", f"mode of the key of {name}")


def a_cluster_of_three(fleet):
    "the database: created, joined, served by the unit's command line, roles put in once"
    consoles = [(name, line) for name, line in fleet.lines("Setting it up") if name in MEMBERS]
    for name, line in consoles:
        fleet.run(name, line)
        if line.startswith("systemctl"):
            wait_until(lambda name=name: os.path.exists(fleet.at(name, "/run/flowlift-fleet/db.sock")), SECONDS,
                       f"the server of {name}")
    for name in MEMBERS:
        fleet.connected(name)
    status = next(line for name, line in consoles if "cluster/status" in line)
    tap.equal(len(re.findall(r"^ .*ssl:10\.0\.0\.\d:6644", fleet.run("fleet1", status), re.M)), 3, "members in cluster/status")
    again = next(line for _, line in consoles if "flowlift-fleet-init.json" in line)
    said = fleet.transact(*json.loads(open(f"{SHIPPED}/flowlift-fleet-init.json", encoding="utf-8").read())[1:])
    tap.check("constraint violation" in said, f"a second time is refused: {again}", said)
    tap.equal(len(fleet.rows("Connection")), 1, "connections")


def an_agent_joins(fleet):
    "a host: the document's [fleet], and the agent says that it is in"
    for name in HOSTS:
        with open(fleet.at(name, "/etc/flowlift/flowlift.conf"), "w", encoding="utf-8") as file:
            file.write(fleet.localized(name, fleet.configuration("name = host1").replace("host1", name)))
    lines = [(name, line) for name, line in fleet.lines("Setting it up") if name == "host1"]
    for name, line in lines[:-1]:
        fleet.run(name, line)
    promise = re.search(r"`(fleet: connected to)`", open(DOCUMENT, encoding="utf-8").read())[1]
    wait_until(lambda: promise in fleet.run(*lines[-1]), SECONDS, f"status says: {promise}", 0.1)
    wait_until(lambda: [row["name"] for row in fleet.rows("Host")] == ["host1"], SECONDS, "its row", 0.1)


def a_host_that_tells_of_a_vm(fleet):
    now = {"host": "host2", "vm_id": VM_ID, "name": "vm2", "verdict": "stranded", "scope": "vm",
           "hw_share": 0.0, "sw_rate": 254000, "causes": "conntrack"}
    row = {"name": "host2", "flowlift_version": "0.1.0", "audited": int(time.time() * 1000),
           "verdicts": ["map", [["offloaded", 1], ["idle", 1], ["stranded", 1]]],
           "offloaded": ["map", [[TWINS[0], "twin"]]], "idle": ["map", [[TWINS[1], "twin"]]],
           "called": ["set", [*TWINS, "twin"]]}
    return fleet.transact({"op": "insert", "table": "Host", "row": row}, {"op": "insert", "table": "VM", "row": now},
                          host="host2")


def operators(fleet):
    "on a member: apply, revert, history, audit and status as they stand there, and what the document says of them"
    with open(fleet.at("fleet1", "/etc/flowlift/flowlift.conf"), "w", encoding="utf-8") as file:
        file.write(fleet.localized("fleet1", fleet.configuration("unix:")))
    said = fleet.run("fleet1", "flowlift fleet apply vm2", code=2)
    tap.check("no host of the fleet has told of a VM 'vm2'" in said, "an order for a VM of which no host told", said)
    told = a_host_that_tells_of_a_vm(fleet)
    tap.check('"uuid"' in told and "error" not in told, "a host tells of a VM", told)
    said = fleet.run("fleet1", "flowlift fleet apply twin", code=2)
    tap.check(f"2 VMs are called 'twin'; name one by its identity: {', '.join(TWINS)}" in said,
              "an order for one of two VMs that are well", said)
    for name, line in fleet.lines("Looking, and ordering"):
        # host1 has not audited: nobody knows how it is.
        said = fleet.run(name, line, code=2 if re.search(r"fleet (audit|status)", line) else 0)
        tap.check("vm2" in said or "fleet status" in line, f"{line} speaks of vm2", said)
        if line.endswith("fleet status"):
            tap.check("; 3 VMs: 1 stranded, 1 idle, 1 offloaded; " in said, "VMs that are well are counted", said)
    orders = fleet.rows("Order")
    tap.equal([(row["name"], row["stands"], row["number"]) for row in orders], [("vm2", False, 2)], "orders")
    status = json.loads(fleet.run("fleet1", "flowlift fleet status --json", code=2))
    tap.equal([(found["cause"], found["stranded"], found["vms_alike"]) for found in status["patterns"]],
              [("conntrack", 1, None)], "patterns, without those that are only counted")
    vm, *well = json.loads(fleet.run("fleet1", "flowlift fleet audit --json", code=2))["vms"]
    tap.equal(sorted((one["verdict"], one["name"], one["id"], one["hw_share"], one["bytes"]) for one in well),
              [("idle", "twin", TWINS[1], None, None), ("offloaded", "twin", TWINS[0], None, None)], "VMs that are well")
    tap.equal((vm["packets"], vm["bytes"], vm["nic"]),
              ({"hw": None, "sw": None}, {"hw": None, "sw": 254000}, {"driver": None, "firmware": None}), "what is not told is null")
    entries = json.loads(fleet.run("fleet1", "flowlift fleet history vm2 --json"))["entries"]
    tap.equal([(entry["state"], entry["host"], bool(entry["who"]), entry["ticket"], entry["reason"]) for entry in entries],
              [("ordered", None, True, "T-1", None), ("countermanded", None, True, None, None)], "entries of history")
    tap.equal([row["steps"] for row in fleet.rows("Order", where="fleet3")], [row["steps"] for row in orders],
              "orders as another member has them")


def a_host_looks_and_cannot_order(fleet):
    "on a host, by its certificate: audit, status and history are answered, orders are refused"
    tap.check("vm2" in fleet.run("host1", "flowlift fleet audit", code=2), "audit")
    tap.check("host2" in fleet.run("host1", "flowlift fleet status", code=2), "status")
    tap.check("countermanded" in fleet.run("host1", "flowlift fleet history vm2"), "history")
    said = fleet.run("host1", "flowlift fleet apply vm2", code=2)
    tap.check("refuses the order" in said and "permission error" in said, "an order", said)


def nobody_passes_for_another(fleet):
    "a host's certificate: rows of others are refused, and it does not pass for a member's"
    said = fleet.transact({"op": "insert", "table": "VM", "row": {"host": "host1", "vm_id": "x"}}, host="host2")
    tap.check("permission error" in said, "another's row", said)
    # host2 serves what looks like the port for agents; host1 believes members only.
    shutil.copy(fleet.at("admin", "/all.pem"), fleet.at("host2", "/etc/flowlift/authorities.pem"))
    fleet.run("host2", "ovsdb-tool create /run/flowlift-fleet/x.db /usr/share/flowlift/flowlift-fleet.ovsschema")
    fleet.start("host2", shlex.split(fleet.localized(
        "host2", "ovsdb-server -vsyslog:off -vfile:off --no-chdir --unixctl=none --remote=pssl:6642 "
        "--private-key=/etc/flowlift/key.pem --certificate=/etc/flowlift/certificate.pem "
        "--ca-cert=/etc/flowlift/authorities.pem /run/flowlift-fleet/x.db")))

    remote = f"ssl:{fleet.ethernet.addresses['host2']}:6642"

    def asked(authorities):
        done = subprocess.run([*fleet.ethernet.within("host1"), "ovsdb-client", "-t", "10", "-p", fleet.at("host1", KEY), "-c",
                               fleet.at("host1", CERTIFICATE), "-C", authorities, "list-dbs", remote], capture_output=True,
                              text=True, check=False)
        return DATABASE in done.stdout
    wait_until(lambda: asked(fleet.at("admin", "/all.pem")), SECONDS, "the false member serves who believes all", 0.1)
    tap.check(not asked(fleet.at("host1", "/etc/flowlift/members.pem")), "who believes members does not believe it")
    said = fleet.run("host1", f"flowlift fleet status --remote {remote}", code=2)
    tap.check("TLS keys do not fit" in said, "what flowlift says of it", said)
    fleet.stop("host2")


def a_moment_beyond_all_clocks(fleet):
    "a host says that it decided at the end of all numbers: an order is given a moment all the same, and is in"
    now = {"host": "host2", "vm_id": VM_ID, "name": "vm2", "state": "verified", "stands": True, "decided": 2**63 - 1}
    said = fleet.transact({"op": "insert", "table": "Repair", "row": now}, host="host2")
    tap.check('"uuid"' in said and "error" not in said, "it says so", said)
    (before,) = fleet.rows("Order")
    document = json.loads(fleet.run("fleet1", "flowlift fleet revert vm2 --json"))
    (after,) = fleet.rows("Order")
    tap.equal((document["number"], document["stands"]), (before["number"] + 1, False), "the order")
    tap.check(before["decided"] < after["decided"] < 2**62, "its moment", before, after)


def backup_and_restore(fleet):
    "backup, restore: orders and roles are there again, and hosts may still write their rows alone"
    (name, backup), (_, restore) = fleet.lines("Keeping it", "backup")
    orders = fleet.rows("Order")
    fleet.run(name, backup)
    fleet.transact({"op": "delete", "table": "Order", "where": []})
    tap.equal(fleet.rows("Order"), [], "orders that were lost")
    fleet.run(name, restore)
    tap.equal([row["steps"] for row in fleet.rows("Order")], [row["steps"] for row in orders], "orders")
    still_guarded(fleet)


def still_guarded(fleet):
    def asked():
        said = fleet.transact({"op": "update", "table": "Host", "where": [["name", "==", "host2"]],
                               "row": {"ovs_version": "3.1.0"}}, host="host2")
        return said if "Connection" not in said and "could not connect" not in said else None
    said = wait_until(asked, SECONDS, "the port for agents", 0.2)
    tap.check('"count":1' in said, "its own row", said)
    said = fleet.transact({"op": "update", "table": "Order", "where": [], "row": {"stands": True}}, host="host2")
    tap.check("permission error" in said, "an order", said)


def a_member_is_replaced(fleet):
    "a member that is lost: kicked by its address, a new one joins in its place"
    fleet.stop("fleet3", signal.SIGKILL)
    shutil.rmtree(fleet.at("fleet3", "/var/lib/flowlift-fleet"))
    os.makedirs(fleet.at("fleet3", "/var/lib/flowlift-fleet"))
    fleet.do("Keeping it", "cluster/kick")
    wait_until(lambda: "10.0.0.3" not in fleet.run("fleet1", "ovs-appctl -t /run/flowlift-fleet/ctl cluster/status Flowlift_Fleet"),
               SECONDS, "it is out", 0.1)
    for name, line in fleet.lines("Setting it up"):
        if name == "fleet3":
            fleet.run(name, line)
    fleet.connected("fleet3")
    tap.equal(len(fleet.rows("Order", where="fleet3")), 1, "orders that it has")


def most_members_are_lost(fleet):
    "two of three are lost for good: what the third has begins a new cluster"
    for name in ("fleet2", "fleet3"):
        fleet.stop(name, signal.SIGKILL)
    fleet.do("Keeping it", "systemctl stop", "cluster-to-standalone", "mv ", "create-cluster", "systemctl start")
    wait_until(lambda: os.path.exists(fleet.at("fleet1", "/run/flowlift-fleet/db.sock")), SECONDS, "the server")
    fleet.connected("fleet1")
    tap.equal(len(fleet.rows("Order")), 1, "orders")
    still_guarded(fleet)


def a_newer_schema(fleet):
    "convert: nothing to do says no; a column more is there, and what was there still is"
    (name, asks), (_, converts) = fleet.lines("Keeping it", "conver")
    tap.equal(fleet.run(name, asks).splitlines()[0], "no", "needs-conversion")
    path = fleet.at("fleet1", "/usr/share/flowlift/flowlift-fleet.ovsschema")
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    schema["tables"]["Host"]["columns"]["rack"] = {"type": "string"}
    schema["version"] = "1.1.0"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(schema, file)
    tap.equal(fleet.run(name, asks).splitlines()[0], "yes", "needs-conversion of a newer one")
    fleet.run(name, converts)
    tap.check(all("rack" in row for row in fleet.rows("Host")), "its new column", fleet.rows("Host"))
    still_guarded(fleet)


def a_host_leaves(fleet):
    "a host leaves: its rows go, those of others stay"
    fleet.do("Keeping it", '"delete"')
    tap.equal([[row.get("host", row["name"]) for row in fleet.rows(table)] for table in ("VM", "Host", "Repair")],
              [[], ["host1"], []], "rows")
    tap.equal(len(fleet.rows("Order")), 1, "orders")


if __name__ == "__main__":
    tap.run([certificates, a_cluster_of_three, an_agent_joins, operators, a_host_looks_and_cannot_order,
             nobody_passes_for_another, a_moment_beyond_all_clocks, backup_and_restore, a_member_is_replaced, most_members_are_lost, a_newer_schema,
             a_host_leaves], Fleet)
