# SPDX-License-Identifier: Apache-2.0
"""What an audit of the kernel's flows costs, beside a bare netlink dump and tc. For the guest.

Each command is run with and without rules, and what the rules add is compared: the start of a
program, OVSDB and the list of devices cost the same whether there are rules or not, and a program
that does nothing but discard has none of them. CPU time of user and kernel together: nobody waits for
anything in these commands, the kernel writes a dump in the call that receives it.
"""

import os
import statistics

import database
import many_rules
from labkit.nic import MODULES, find_module
from labkit.topology import PLAIN_BRIDGE, STORAGE_VLAN, UPLINK, VM
from measuring import BUILD, FLOWLIFT, Run

BARE = BUILD / "tests" / "bare_dump"
MAX_RATIO = 1.3       # an audit, which makes two dumps, against two bare ones
MIN_FASTER = 3        # than tc, which makes one
MAX_PEAK_MIB = 64
MAX_GROWTH = 1.5      # CPU time of a rule at the largest size against the one before
# Shorter than any dump: the second follows at once.
WINDOW = "0.001"


class Host:
    """The NIC's ports with TC's hook for filters, and VMs behind them in OVSDB. No ovs-vswitchd:
    neither it nor its clocks take part in what is measured."""

    def __init__(self, n_vms):
        self.vms = [VM(number + 1) for number in range(n_vms)]
        self.root = "/run/flowlift-root"
        for vm in self.vms:
            vm.port = f"rep{vm.number - 1}"
        self.ports = [vm.port for vm in self.vms] + [UPLINK]

    def __enter__(self):
        database.run("modprobe", "-a", *MODULES)
        database.run("insmod", find_module(), f"n_vfs={len(self.vms)}", "max_rules=1000000")
        for port in self.ports:
            database.run("tc", "qdisc", "add", "dev", port, "ingress")
            database.run("ip", "link", "set", port, "up")
        words = ["--", "add-port", PLAIN_BRIDGE, UPLINK]
        for vm in self.vms:
            words += vm.port_words(PLAIN_BRIDGE, STORAGE_VLAN)
        database.start(PLAIN_BRIDGE, *words)
        self._configure()
        return self

    def _configure(self):
        os.makedirs(f"{self.root}/etc/flowlift")
        with open(f"{self.root}/etc/flowlift/flowlift.conf", "w", encoding="ascii") as file:
            file.write(f"[storage]\nvlans = {STORAGE_VLAN}\nsubnets = 10.100.0.0/24\n")

    def __exit__(self, *_):
        """The guest ends with us."""


class Costs:
    """The costs of more and more rules."""

    def __init__(self, host, rounds):
        self.host, self.rounds, self.rules = host, rounds, 0
        ports = host.ports
        show = "; ".join(f"tc -s -j filter show dev {port} ingress" for port in ports)
        self.commands = {
            "audit": [FLOWLIFT, "audit", "--json", "--window", WINDOW, "--root", host.root],
            "bare": [BARE, "2", "full", *ports],
            "tc": ["sh", "-c", show],
            "one bare": [BARE, "1", "full", *ports],
            "one terse": [BARE, "1", "terse", *ports],
        }
        for command in self.commands.values():
            Run(*command)  # so that all files are in the guest's memory
        self.without = self._measure()

    def _measure(self):
        """{command: Runs}"""
        runs = {name: [] for name in self.commands}
        for _ in range(self.rounds):  # interleaved
            for name, command in self.commands.items():
                run = Run(*command)
                if run.code not in ((0, 1) if name == "audit" else (0,)):
                    raise RuntimeError(f"{' '.join(map(str, command))}: exit code {run.code}")
                runs[name].append(run)
        return runs

    def at(self, rules):
        """Costs of so many rules, at least as many as last time."""
        many_rules.add_tc(self.rules, rules, self.host.vms)
        self.rules = rules
        return Cost(rules, self._measure(), self.without)


class Cost:
    """Seconds of CPU: whole[NAME] of a command, added[NAME] by the rules."""

    def __init__(self, rules, runs, without):
        def cpu(runs):
            return statistics.median(run.cpu for run in runs)

        self.rules = rules
        self.whole = {name: cpu(runs[name]) for name in runs}
        self.added = {name: self.whole[name] - cpu(without[name]) for name in runs}
        self.wall = {name: statistics.median(run.wall for run in runs[name]) for name in runs}
        self.peak_mib = max(run.peak_mib for run in runs["audit"])
        self.per_rule = self.added["audit"] / rules
        self.ratio = self.added["audit"] / self.added["bare"]
        self.whole_ratio = self.whole["audit"] / self.whole["bare"]
        self.faster = self.added["tc"] / self.added["audit"]

    def __str__(self):
        return (f"{self.rules:>7,} rules  " + "  ".join(
            f"{name} {self.added[name] * 1e3:.1f} ({self.whole[name] * 1e3:.1f}, wall "
            f"{self.wall[name] * 1e3:.1f})" for name in self.added) +
            f" ms added (whole) CPU; {self.per_rule * 1e6:.1f} us a rule, peak {self.peak_mib:.1f} MiB")
