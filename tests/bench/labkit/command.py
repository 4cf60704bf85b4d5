# SPDX-License-Identifier: Apache-2.0
"""The command `lab`: one function a verb, one table of verbs."""

import argparse
import json
import os
import shlex
import signal
import sys
import time

from lab import Lab, down

from . import namespaces, processes
from .processes import LabError
from .watchdog import owner_is_gone

DEFAULT_DIR = os.environ.get("FLOWLIFT_LAB_DIR", "/run/flowlift-lab")


def verb_up(args):
    lab = Lab(
        args.dir,
        vms=args.vms,
        stranded=[name if name.startswith("vm") else f"vm{name}"
                  for name in args.stranded.split(",") if name and name != "none"],
        variant=args.variant,
        hw_offload=args.hw_offload == "true",
        nics=args.nics,
        public=not args.no_public,
        nfs=not args.no_nfs,
        max_idle=args.max_idle,
        vswitchd_args=shlex.split(args.vswitchd_args),
        build=args.build,
    )
    lab.up(owner=args.owner)
    lab.leave_up()
    return verb_status(args)


def verb_down(args):
    directory = os.path.abspath(args.dir)
    down(directory, Lab.id_of(directory))


def verb_status(args):
    lab = Lab.attach(args.dir)
    pid = lab.vswitchd_pid()
    print(f"lab {lab.id} in {lab.directory}")
    print(f"ovs-vswitchd: {'pid ' + str(pid) if pid else 'not running'}, "
          f"hw-offload {'on' if lab.options['hw_offload'] else 'off'}")
    print(f"VMs: {', '.join(vm.name for vm in lab.vms)}; stranded: "
          f"{', '.join(lab.options['stranded']) or 'none'} ({lab.options['variant']})")
    nfs = lab.traffic.nfs_problem
    print(f"storage: {'NFS (nfs-ganesha) and TCP' if not nfs else 'TCP only, no NFS: ' + nfs}")
    if pid:
        print(f"faults: {' '.join(lab.faults()) or 'none'}")
    return 0 if pid else 1


def verb_env(args):
    lab = Lab.attach(args.dir)
    for key, value in {**lab.switch.variables, "FLOWLIFT_ROOT": lab.root,
                       "FLOWLIFT_LAB_DIR": lab.directory}.items():
        print(f"export {key}={shlex.quote(value)}")


def verb_nic(args):
    print(json.dumps(Lab.attach(args.dir).nic_counters(), indent=1))


def verb_rules(args):
    for rule in Lab.attach(args.dir).nic_rules(args.port):
        print(json.dumps(rule))


def verb_flows(args):
    sys.stdout.write(Lab.attach(args.dir).dump_flows())


def verb_exec(args):
    lab = Lab.attach(args.dir)
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise LabError("exec: no command")
    environment = processes.marked_environment(lab.id, lab.switch.variables)
    os.execvpe("nsenter", [*namespaces.enter(f"{lab.id}-{args.where}"), *command], environment)


def verb_stranded(args):
    Lab.attach(args.dir).set_stranded(args.vm, args.switch == "on")


def verb_fault(args):
    lab = Lab.attach(args.dir)
    on = lab.fault(*args.words) if args.words else lab.faults()
    print(" ".join(on) or "none")


def verb_load(args):
    lab = Lab.attach(args.dir)
    if args.action == "start":
        lab.start_load(args.vm, args.conns, args.rate, args.kind)
    else:
        print(json.dumps(lab.job(f"load-{args.vm}").stop()))


def verb_stream(args):
    lab = Lab.attach(args.dir)
    if args.action == "start":
        lab.start_stream(args.vm, args.rate, args.port, args.to)
    else:
        print(json.dumps(lab.job(f"stream-{args.vm}").stop()))


def verb_many_flows(args):
    print(json.dumps(Lab.attach(args.dir).make_many_flows(args.number, args.vm)))


def verb_restart(args):
    Lab.attach(args.dir).restart_vswitchd()


def verb_kill(args):
    Lab.attach(args.dir).kill_vswitchd(getattr(signal, f"SIG{args.signal}"))


def verb_tool(args):
    lab = Lab.attach(args.dir)
    tool = f"ovs-{args.verb}"
    os.execvpe(tool, [tool, *args.arguments], lab.switch.environment)


def watch(directory, instance, other_owner):
    """The watchdog: stdin is a pipe from the owner. See watchdog.py."""
    if not owner_is_gone(int(other_owner)):
        return 0
    try:
        if Lab.attach(directory).instance != instance:
            return 0  # it has ended, and there is another one now
    except LabError:
        pass  # not far enough up to be attached to
    # The owner may have died in the middle of starting something: let that begin, and end it too.
    processes.end_all(Lab.id_of(directory))
    time.sleep(0.2)
    down(directory, Lab.id_of(directory))
    return 0


def parser():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", default=argparse.SUPPRESS, help="the lab's directory")
    main_parser = argparse.ArgumentParser(prog="lab", description="OVS-DPDK with a simulated NIC",
                                          parents=[common])
    verbs = main_parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, run, summary):
        sub = verbs.add_parser(name, help=summary, parents=[common])
        sub.set_defaults(run=run)
        return sub

    up = verb("up", verb_up, "bring a lab up")
    up.add_argument("--vms", type=int, default=4)
    up.add_argument("--stranded", default="2", help="numbers of the stranded VMs, or none")
    up.add_argument("--variant", choices=["ct", "ct-mask"], default="ct")
    up.add_argument("--hw-offload", choices=["true", "false"], default="true")
    up.add_argument("--nics", type=int, default=1, help="2: VMs of even number behind the second")
    up.add_argument("--no-public", action="store_true", help="no second port on the VMs")
    up.add_argument("--no-nfs", action="store_true")
    up.add_argument("--max-idle", type=int, default=10000, metavar="MS")
    up.add_argument("--vswitchd-args", default="")
    up.add_argument("--owner", type=int, help="pid with whose end the lab ends")
    up.add_argument("--build", help="folder with the driver and the traffic programs")
    verb("down", verb_down, "end it, whatever state it is in")
    verb("status", verb_status, "what is up")
    verb("env", verb_env, "export lines for a shell")
    verb("nic", verb_nic, "the NIC's own counters, JSON")
    verb("rules", verb_rules, "the NIC's rules for a port").add_argument("port")
    verb("flows", verb_flows, "dpctl/dump-flows -m")
    run = verb("exec", verb_exec, "run a command in a VM, or in sto, ext, ovs")
    run.add_argument("where")
    run.add_argument("command", nargs=argparse.REMAINDER)
    stranded = verb("stranded", verb_stranded, "lead a VM's packets through conntrack")
    stranded.add_argument("vm")
    stranded.add_argument("switch", choices=["on", "off"])
    verb("fault", verb_fault, "switch a fault; alone: show them").add_argument("words", nargs="*")
    load = verb("load", verb_load, "constant storage traffic")
    load.add_argument("vm")
    load.add_argument("action", choices=["start", "stop"])
    load.add_argument("--conns", type=int, default=1)
    load.add_argument("--rate", type=float, default=200)
    load.add_argument("--kind", choices=["nfs", "tcp"])
    stream = verb("stream", verb_stream, "numbered packets")
    stream.add_argument("vm")
    stream.add_argument("action", choices=["start", "stop"])
    stream.add_argument("--rate", type=float, default=1000)
    stream.add_argument("--port", type=int, default=2049)
    stream.add_argument("--to")
    many = verb("many-flows", verb_many_flows, "make that many live megaflows")
    many.add_argument("number", type=int)
    many.add_argument("--vm", default="vm1")
    verb("restart-vswitchd", verb_restart, "restart ovs-vswitchd")
    kill = verb("kill-vswitchd", verb_kill, "end ovs-vswitchd")
    kill.add_argument("signal", nargs="?", default="KILL")
    for tool in ("vsctl", "ofctl", "appctl"):
        verb(tool, verb_tool, f"ovs-{tool} of the lab").add_argument(
            "arguments", nargs=argparse.REMAINDER)
    return main_parser


def main(arguments):
    if arguments[:1] == ["_watch"]:
        return watch(*arguments[1:])
    args = parser().parse_args(arguments)
    args.dir = getattr(args, "dir", DEFAULT_DIR)
    try:
        return args.run(args) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
