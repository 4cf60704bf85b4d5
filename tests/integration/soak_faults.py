# SPDX-License-Identifier: Apache-2.0
"""What can happen to a host that the agent guards: the faults of soak_agent.py.

A fault is a generator: up to its first yield it begins, and what follows undoes it. It yields what it did,
in words. All that is random comes from the rng that it is given. Other faults may be on meanwhile: what
OVS is asked for may fail, and then Soak.undo_all() does it once all faults are over.
"""

import contextlib
import os
import shutil
import signal
import subprocess

from bench import FLOWLIFT, SERVERS
from guarding import ACL_COOKIE

from labkit import topology  # noqa: E402, found by way of bench
from labkit.vswitch import BRIDGE, port_words

OURS = "cookie=0xf10f000000000000/0xffff000000000000"
GUARDED = ("vm2", "vm3")
SERVER = sorted(SERVERS)[1]
BAD_CONFIGURATIONS = ("[storage]\nvlans = 100000\n", "[storage\n", "[agent]\nauto = perhaps\n",
                      "[storage]\nvlan = 100\n", "\0\1\2", "x" * 100000)
HOSTILE = ("../../../etc/passwd", "a\nb", "vm2/../vm3", "", ".", "..", "-x", "%n%s%n", "a" * 3000, "\x1b[2J",
           "\u202evm2", "$(reboot)")


def seconds_of(rng, most):
    """Short ones more often than long ones."""
    return most * rng.random() ** 2


# ---- The agent ----

def agent_killed(soak, rng):
    number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV,
                         signal.SIGABRT))
    soak.signal_agent(number)
    yield f"{number.name} to the agent"
    soak.start_agent(rng)


def agent_stopped(soak, rng):
    soak.signal_agent(signal.SIGSTOP)
    yield "SIGSTOP to the agent"
    soak.signal_agent(signal.SIGCONT)


def agent_told_to_end(soak, rng):
    with contextlib.suppress(subprocess.TimeoutExpired):
        soak.agent.appctl("exit", timeout=60)
    yield "exit to the agent"
    soak.start_agent(rng)


def second_agent(soak, rng):
    """Refused while there is one; what is started when there is none is the agent from now on."""
    before = soak.agent_is_up()
    soak.is_starting = True
    result = soak.agent.run("--detach", "--log-file", "-vsyslog:off", *rng.choice(((), ("--monitor",))))
    soak.is_starting = False
    yield f"another agent: exit {result.returncode}, {result.stderr.strip()[:80]}"
    if before and soak.agent.pid() == before and result.returncode == 0:
        soak.problem(f"a second agent beside {before} was not refused")


# ---- Open vSwitch ----

def vswitchd_restarts(soak, rng):
    number = rng.choice((signal.SIGTERM, signal.SIGKILL))
    controller_seconds = seconds_of(rng, 1.5)
    soak.lab.kill_vswitchd(number)
    yield f"{number.name} to ovs-vswitchd, the pipeline {controller_seconds:.1f} s after its start"
    soak.start_vswitchd(controller_seconds)


def database_restarts(soak, rng):
    number = rng.choice((signal.SIGTERM, signal.SIGKILL))
    soak.kill_database(number)
    yield f"{number.name} to ovsdb-server"
    soak.start_database()


def both_restart(soak, rng):
    number = rng.choice((signal.SIGTERM, signal.SIGKILL))
    soak.lab.kill_vswitchd(number)
    soak.kill_database(number)
    yield f"{number.name} to ovs-vswitchd and ovsdb-server"
    soak.start_database()
    soak.start_vswitchd(0)


def vswitchd_hangs(soak, rng):
    soak.signal_vswitchd(signal.SIGSTOP)
    yield "SIGSTOP to ovs-vswitchd"
    soak.signal_vswitchd(signal.SIGCONT)


# ---- Flows ----

def all_flows_deleted(soak, rng):
    """What a controller does that starts anew: all flows go, its own come back a while later."""
    soak.ofctl("del-flows", BRIDGE)
    yield "del-flows of all"
    soak.put_pipeline_back()


def all_flows_replaced(soak, rng):
    """As ovn-controller does it when it connects: in one bundle."""
    soak.put_pipeline_back(first="delete")
    yield "all flows deleted and the controller's added, in one bundle"


def our_rules_deleted(soak, rng):
    name = rng.choice((*GUARDED, None))
    soak.ofctl("del-flows", BRIDGE, f"cookie={soak.cookies[name]}/-1" if name else OURS)
    yield f"del-flows of the rules of {name or 'all'}"


def one_rule_deleted(soak, rng):
    rule = soak.one_rule(rng)
    if rule:
        soak.is_torn = True
        soak.ofctl("--strict", "del-flows", BRIDGE, rule[0])
    yield f"one rule deleted: {rule and rule[0]}"


def one_rule_changed(soak, rng):
    rule = soak.one_rule(rng)
    actions = rng.choice(("drop", "NORMAL", "output:11"))
    if rule:
        soak.is_torn = True
        soak.ofctl("--strict", "mod-flows", BRIDGE, f"{rule[0]},actions={actions}")
    yield f"the actions of one rule are now {actions}: {rule and rule[0]}"


def acl(soak, rng):
    vm = soak.lab.vm(rng.choice(GUARDED))
    packets = rng.choice((f"udp,nw_dst={SERVER},tp_dst=2049", f"tcp,nw_dst={SERVER},tp_dst=2049"))
    match = rng.choice((f"table=0,priority=65500,in_port={vm.ofport},{packets}",
                        f"table=0,priority=30000,in_port={vm.ofport},{packets}",
                        f"table=1,priority=200,{packets}"))
    soak.ofctl("add-flow", BRIDGE, f"cookie={ACL_COOKIE},{match},actions=drop")
    yield f"ACL: {match}"
    soak.ofctl("del-flows", BRIDGE, f"cookie={ACL_COOKIE}/-1")


def mirror(soak, rng):
    """With an event, since OVSDB tells nobody of mirrors."""
    name = rng.choice(GUARDED)
    soak.vsctl("--", "--id=@vm", "get", "port", name, "--", "--id=@to", "get", "port", "vm1", "--", "--id=@m",
               "create", "mirror", "name=span", "select_src_port=@vm", "output-port=@to", "--", "set", "bridge",
               BRIDGE, "mirrors=@m")
    soak.hook("vm-start", name)
    yield f"a mirror of {name}"
    soak.vsctl("clear", "bridge", BRIDGE, "mirrors")
    soak.hook("vm-start", name)


def port_comes_back(soak, rng):
    """A VM that restarts, and finds everything as it was."""
    name = rng.choice(GUARDED)
    soak.vsctl("--if-exists", "del-port", BRIDGE, name)
    yield f"port {name} deleted"
    soak.add_port(name)


def vm_restarts(soak, rng):
    """Other MAC, other OpenFlow port, and the controller's flows for them."""
    name = rng.choice(GUARDED)
    soak.vsctl("--if-exists", "del-port", BRIDGE, name)
    soak.hook("vm-stop", name)
    soak.renew_vm(name)
    vm = soak.lab.vm(name)
    yield f"{name} restarts with port {vm.ofport} and {vm.mac}"
    soak.forget_flows_of_vms()
    soak.put_pipeline_back()
    soak.add_port(name)
    soak.hook("vm-start", name)


# ---- What comes from outside ----

def hook_events(soak, rng):
    words = []
    for _ in range(rng.randint(1, 20)):
        kind = rng.choice(("vm-start", "vm-stop", "vm-migrated"))
        name = rng.choice((*GUARDED, "vm1", "nobody", rng.choice(HOSTILE)))
        words.append(f"{kind} {name[:20]!r}")
        soak.hook(kind, name)
    subprocess.run([FLOWLIFT, "hook", "--root", soak.lab.root, "libvirt", "vm2", "started", "begin", "-"],
                   input=rng.choice(("<domain>", "<domain><name>vm2</name></domain>",
                                     "<!DOCTYPE x [<!ENTITY a 'b'>]><domain>&a;</domain>",
                                     "<domain>" + "<a>" * 5000)),
                   text=True, capture_output=True, check=False, timeout=60)
    # And what no hook writes.
    folder = f"{soak.lab.root}/run/flowlift/events"
    with contextlib.suppress(OSError):
        with open(f"{folder}/{rng.randrange(1 << 32)}.json", "w", encoding="utf-8") as file:
            file.write(rng.choice(("{", '{"schema": 1}', "[" * 3000, "", "\0" * 100)))
    yield f"events of hooks: {', '.join(words)}"


def events_folder_deleted(soak, rng):
    folder = f"{soak.lab.root}/run/flowlift/events"
    shutil.rmtree(folder, ignore_errors=True)
    as_file = rng.random() < 0.3
    if as_file:
        try:
            with open(folder, "x", encoding="ascii"):
                pass
        except OSError:
            as_file = False
    yield f"the folder of events deleted{', a file in its place' if as_file else ''}"
    if as_file and os.path.isfile(folder):
        os.unlink(folder)


def bad_configuration(soak, rng):
    soak.configure(rng.choice(BAD_CONFIGURATIONS))
    soak.signal_agent(signal.SIGHUP)
    yield "a configuration that is refused"
    soak.configure(soak.config)
    soak.signal_agent(signal.SIGHUP)


def reverted_and_applied(soak, rng):
    """By hand, meanwhile. Applied again when all is quiet, if it does not succeed now."""
    name = rng.choice(GUARDED)
    answer = soak.flowlift("revert", name)
    yield f"flowlift revert {name}: exit {answer.code}"
    soak.flowlift("apply", name)


def applied_again(soak, rng):
    name = rng.choice(GUARDED)
    answer = soak.flowlift("apply", name)
    yield f"flowlift apply {name}: exit {answer.code}"


def disk_full(soak, rng):
    soak.fill_disk()
    yield "the disk is full"
    soak.make_room()


# {fault: (how often, longest time in seconds, what may be the matter once at a time)}
FAULTS = {
    agent_killed: (10, 3, "agent"),
    agent_told_to_end: (2, 2, "agent"),
    agent_stopped: (4, 5, "agent"),
    second_agent: (2, 0, "agent"),
    vswitchd_restarts: (5, 3, "vswitchd"),
    database_restarts: (4, 3, "database"),
    both_restart: (2, 3, "vswitchd"),
    vswitchd_hangs: (3, 5, "vswitchd"),
    all_flows_deleted: (5, 3, "flows"),
    all_flows_replaced: (4, 0, "flows"),
    our_rules_deleted: (6, 0, None),
    one_rule_deleted: (4, 0, None),
    one_rule_changed: (4, 0, None),
    acl: (7, 4, "acl"),
    mirror: (3, 3, "mirror"),
    port_comes_back: (3, 2, "port"),
    hook_events: (4, 0, None),
    events_folder_deleted: (2, 2, "events"),
    bad_configuration: (3, 2, "configuration"),
    reverted_and_applied: (2, 2, "cli"),
    applied_again: (2, 0, "cli"),
    disk_full: (4, 4, "disk"),
    vm_restarts: (6, 3, "port"),
}


class Fault:
    """One of a round, with its times from the round's start."""

    def __init__(self, function, rng):
        self.function = function
        _, most, self.matter = FAULTS[function]
        self.rng = rng
        self.begins_s = 0.0
        self.lasts_s = seconds_of(rng, most)
        self.steps = None

    @property
    def name(self):
        return self.function.__name__

    def begin(self, soak):
        self.steps = self.function(soak, self.rng)
        return next(self.steps)

    def end(self, soak):
        next(self.steps, None)


def faults_of_round(rng, most):
    """One, or some at a time: one after the other while the ones before are on, or at once."""
    functions, weights = list(FAULTS), [often for often, _, _ in FAULTS.values()]
    faults, matters, begins_s = [], set(), 0.0
    for _ in range(min(most, rng.choice((1, 1, 2, 2, 3, 4)))):
        fault = Fault(rng.choices(functions, weights)[0], rng)
        if fault.matter in matters:
            continue
        if fault.matter:
            matters.add(fault.matter)
        fault.begins_s = begins_s
        begins_s += rng.choice((0.0, seconds_of(rng, 2)))
        faults.append(fault)
    return faults
