#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Network devices and their counters as flowlift reads them, beside what ip, ethtool, devlink, sysfs
and the simulated NIC itself say. Runs in the kernel bench's guest; prints TAP.

Usage: nic.py [cost]

FLOWLIFT_BUILD names the build folder. The module flownic is loaded from FLOWLIFT_NIC_MODULE, or
by name.

"cost" measures what both samples of stage one cost. It is for a guest whose clock counts instructions
(run --icount): under plain emulation the time that a busy machine takes away counts as the guest's.
"""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../integration"]

import tap  # noqa: E402

EDGES = os.path.join(os.environ.get("FLOWLIFT_BUILD", f"{HERE}/../../build"), "tests/nic_edges")
MODULE = os.environ.get("FLOWLIFT_NIC_MODULE", "flownic")
N_VFS = 200
COUNTERS = "/sys/kernel/debug/flownic/counters"
# CPU time of the two samples of stage one, for N_VFS VMs, in milliseconds.
LIMIT_MS = 10
ROUNDS = 15


def run(*words, check=True, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, check=False, input=stdin)
    if check:
        tap.equal(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def sysfs(name, file):
    try:
        with open(f"/sys/class/net/{name}/{file}", encoding="ascii") as text:
            return text.read().strip() or None
    except OSError:
        return None  # a device without it answers EOPNOTSUPP


def load(**parameters):
    words = [f"{key}={value}" for key, value in parameters.items()]
    run("rmmod", "flownic", check=False)
    run("insmod" if "/" in MODULE else "modprobe", MODULE, *words)


def up(*names):
    for name in names:
        run("ip", "link", "set", name, "up")


class Bench:
    """Two NICs of six VFs: one as it should be, one in legacy mode, its uplink in a bond."""

    def __enter__(self):
        # What is run from the host's file system costs more than what is in memory.
        self.edges = shutil.copy(EDGES, "/run/nic_edges")
        load(n_vfs=6, n_nics=2)
        run("modprobe", "bonding", check=False)
        run("ip", "link", "add", "bond9", "type", "bond", "mode", "active-backup")
        run("ip", "link", "set", "uplink1", "down")
        run("ip", "link", "set", "uplink1", "master", "bond9")
        run("ip", "link", "add", "pair0", "type", "veth", "peer", "name", "pair1")
        run("ethtool", "-K", "rep1", "hw-tc-offload", "off")
        run("devlink", "dev", "eswitch", "set", "platform/flownic.1", "mode", "legacy")
        run("devlink", "dev", "eswitch", "set", "platform/flownic.1", "inline-mode", "link")
        run("devlink", "dev", "eswitch", "set", "platform/flownic.1", "encap-mode", "none")
        up("uplink0", "wire0", "rep0", "vf0", "rep2", "vf2")
        return self

    def __exit__(self, *_):
        run("ip", "link", "del", "bond9", check=False)
        run("ip", "link", "del", "pair0", check=False)
        run("rmmod", "flownic", check=False)

    def ports(self):
        read = json.loads(run(self.edges, "ports"))
        tap.equal(read["incomplete"], None, "what could not be read")
        return {port["name"]: port for port in read["ports"]}

    def stats(self):
        return {port["ifindex"]: port for port in json.loads(run(self.edges, "stats"))}


def links():
    return {link["ifname"]: link for link in json.loads(run("ip", "-j", "-d", "link", "show"))}


def names_and_masters(bench):
    "names, ifindexes and masters are those of ip link"

    def of_ip(link):
        slave = link.get("linkinfo", {}).get("info_slave_kind")
        return link["ifindex"], link.get("master"), slave

    ports = bench.ports()
    by_index = {port["ifindex"]: port["name"] for port in ports.values()}
    found = {name: (port["ifindex"], by_index.get(port["master"]), port["master_kind"])
             for name, port in ports.items()}
    tap.equal(found, {name: of_ip(link) for name, link in links().items()}, "devices")
    tap.equal(ports["uplink1"]["master_kind"], "bond", "master of uplink1")


def physical_identities(bench):
    "phys_switch_id, phys_port_name and phys_port_id are those of sysfs"
    keys = {"switch_id": "phys_switch_id", "port_name": "phys_port_name",
            "port_id": "phys_port_id"}
    for name, port in bench.ports().items():
        found = {key: port[key] for key in keys}
        tap.equal(found, {key: sysfs(name, file) for key, file in keys.items()}, name)


def drivers(bench):
    "driver, firmware and bus are those of ethtool -i"

    def of_ethtool(name):
        lines = run("ethtool", "-i", name, check=False).splitlines()
        said = dict(line.split(": ", 1) for line in lines if ": " in line)
        return [said.get(key, "").strip() or None
                for key in ("driver", "firmware-version", "bus-info")]

    for name, port in bench.ports().items():
        tap.equal([port[key] for key in ("driver", "firmware", "bus")], of_ethtool(name), name)


def features(bench):
    "hw-tc-offload is that of ethtool -k: on, off and fixed"
    seen = set()
    for name, port in bench.ports().items():
        lines = run("ethtool", "-k", name).splitlines()
        said = [line.split(": ")[1] for line in lines if line.startswith("hw-tc-offload: ")]
        tap.equal([port["hw_tc_offload"]], said, name)
        seen.update(said)
    tap.equal(seen, {"on", "off", "off [fixed]"}, "kinds that were seen")


def eswitches(bench):
    "mode, inline mode and encap mode are those of devlink"
    ports = bench.ports()
    modes = set()
    for instance in ("platform/flownic.0", "platform/flownic.1"):
        said = json.loads(run("devlink", "-j", "dev", "eswitch", "show", instance))
        said = said["dev"][instance]
        mine = [port for port in ports.values() if port["devlink"] == instance]
        tap.equal(len(mine), 7, f"ports of {instance}")
        for port in mine:
            found = (port["eswitch"], port["inline_mode"], port["encap"])
            wanted = tuple(said[key] for key in ("mode", "inline-mode", "encap-mode"))
            tap.equal(found, wanted, port["name"])
            modes.add(found)
    tap.equal(modes, {("switchdev", "none", "basic"), ("legacy", "link", "none")}, "modes")


def roles(bench):
    "representors and uplinks are those of devlink port; all others are neither"
    said = json.loads(run("devlink", "-j", "port", "show"))["port"]
    names = {"physical": "uplink", "pcivf": "representor"}
    wanted = {port["netdev"]: names[port["flavour"]] for port in said.values()}
    found = {name: port["role"] for name, port in bench.ports().items()}
    tap.equal({name: role for name, role in found.items() if role != "neither"}, wanted, "roles")


def of_ip_stats(name, *group):
    shown = json.loads(run("ip", "-j", "stats", "show", "dev", name, "group", *group))
    stats = shown[0]["stats64"]
    return {f"{way}_{unit}": stats[way][unit] for way in ("rx", "tx")
            for unit in ("packets", "bytes")}


def counters(bench):
    "counters of all, and of software packets, are those of ip stats and of the NIC"
    for name in ("vf0", "vf2"):
        run("ip", "addr", "add", "192.0.2.1/24", "dev", name)
        run("ping", "-c", "5", "-i", "0.2", "-W", "1", "192.0.2.2", check=False)
        run("ip", "addr", "flush", "dev", name)
    up_to_now = bench.stats()
    ports = bench.ports()
    for name in ("rep0", "rep2", "rep3", "uplink0"):
        # Nobody sends any more but the kernel itself, now and then: what is read later is no less.
        mine = up_to_now[ports[name]["ifindex"]]
        for key, group in (("link", ("link",)), ("cpu_hit", ("offload", "subgroup", "cpu_hit"))):
            later = of_ip_stats(name, *group)
            for counter, value in mine[key].items():
                tap.check(value <= later[counter] <= value + 2000,
                          f"{name} {key} {counter}: {value}, ip stats says {later[counter]}")
    tap.check(up_to_now[ports["rep0"]["ifindex"]]["cpu_hit"]["rx_packets"] >= 5,
              "rep0 has software packets")
    tap.equal(up_to_now[ports["pair0"]["ifindex"]]["cpu_hit"], None, "CPU_HIT of a veth")
    with open(COUNTERS, encoding="ascii") as text:
        for line in text:
            name, *said = line.split()
            said = dict(word.split("=") for word in said)
            mine = up_to_now[ports[name]["ifindex"]]["cpu_hit"]["rx_packets"]
            tap.check(mine <= int(said["miss_packets"]) <= mine + 20,
                      f"{name}: software packets {mine}, the NIC says {said['miss_packets']}")


def all_ports_are_there(bench):
    "each of 400 devices is in the sample once, with its counters"
    load(n_vfs=N_VFS)
    stats, ports = bench.stats(), bench.ports()
    tap.equal(set(stats), {port["ifindex"] for port in ports.values()}, "ifindexes")
    with_cpu_hit = {name for name, port in ports.items() if stats[port["ifindex"]]["cpu_hit"]}
    tap.equal(with_cpu_hit, {f"rep{i}" for i in range(N_VFS)} | {"uplink0"}, "with CPU_HIT")


def cost_of_stage_one(bench):
    "both samples for 200 VMs cost at most 10 ms of CPU"
    load(n_vfs=N_VFS)
    # VFs are in VMs, that is: not among the host's devices.
    run("ip", "netns", "add", "vms")
    batch = "".join(f"link set vf{i} netns vms\n" for i in range(N_VFS))
    run("ip", "-b", "-", stdin=batch)
    tap.check(len(bench.ports()) < N_VFS + 20, "VFs are out of the way")
    costs = sorted(int(line) / 1000 for line in run(bench.edges, "cost", str(ROUNDS)).split())
    middle = costs[len(costs) // 2]
    tap.note(f"CPU of both samples: median {middle:.2f} ms, {costs[0]:.2f} to {costs[-1]:.2f} ms")
    tap.check(costs[-1] <= LIMIT_MS, f"{costs[-1]} ms are at most {LIMIT_MS} ms", costs)
    run("ip", "netns", "del", "vms", check=False)


if __name__ == "__main__":
    tap.run([cost_of_stage_one] if sys.argv[1:] == ["cost"] else [
        names_and_masters,
        physical_identities,
        drivers,
        features,
        eswitches,
        roles,
        counters,
        all_ports_are_there,
    ], bench=Bench)
