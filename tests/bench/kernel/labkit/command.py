# SPDX-License-Identifier: Apache-2.0
"""The commands `lab` (by hand, in the guest) and `with-lab`: one function a verb, one table."""

import argparse
import json
import os
import subprocess
import sys

from lab import KernelLab

from . import namespaces
from .processes import LabError

# `lab` is there, for whoever runs in with-lab.
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_options(parser):
    parser.add_argument("--no-ovn", action="store_true", help="one bridge with access ports")
    parser.add_argument("--vms", type=int, default=4)
    parser.add_argument("--stranded", default="2", help="numbers of the stranded VMs, or none")
    parser.add_argument("--no-nfs", action="store_true")
    parser.add_argument("--max-idle", type=int, default=30000, metavar="MS")
    parser.add_argument("--hw-offload", choices=["true", "false"], default="true")
    parser.add_argument("--module", metavar="PATH.ko", help="the NIC's module")


def lab_of(args):
    return KernelLab(
        ovn=not args.no_ovn,
        vms=args.vms,
        stranded=[f"vm{number}" for number in args.stranded.split(",")
                  if number and number != "none"],
        nfs=not args.no_nfs,
        max_idle=args.max_idle,
        hw_offload=args.hw_offload == "true",
        module=args.module,
    )


def verb_up(args):
    lab_of(args).up()


def verb_down(_):
    KernelLab.attach().down()


def verb_status(_):
    lab = KernelLab.attach()
    pid = lab.vswitchd_pid()
    print(f"ovs-vswitchd: {'pid ' + str(pid) if pid else 'not running'}, "
          f"{'OVN' if lab.has_ovn else 'no OVN'}")
    stranded = lab.options["stranded"]
    for vm in lab.vms:
        print(f"{vm.name}: {vm.address}, {vm.port}{', stranded' * (vm.name in stranded)}")
    return 0 if pid else 1


def verb_policy(_):
    seen = KernelLab.attach().check_policy()
    for name, expected, passed in seen:
        print(f"{'ok  ' if expected == passed else 'WRONG'} "
              f"{'passes' if passed else 'blocked'}  {name}")
    return 0 if all(expected == passed for _, expected, passed in seen) else 1


def verb_nic(_):
    print(json.dumps(KernelLab.attach().nic_counters(), indent=1))


def verb_rules(_):
    sys.stdout.write(KernelLab.attach().nic_rules())


def verb_flows(_):
    sys.stdout.write(KernelLab.attach().dump_flows())


def verb_fault(args):
    lab = KernelLab.attach()
    print("\n".join(lab.fault(*args.words) if args.words else lab.nic.faults()))


def verb_exec(args):
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise LabError("exec: no command")
    with namespaces.inside(args.where):
        os.execvpe(command[0], command, KernelLab.attach().env)


def verb_stranded(args):
    KernelLab.attach().set_stranded(args.vm, args.switch == "on")


def verb_load(args):
    lab = KernelLab.attach()
    if args.action == "start":
        lab.start_load(args.vm, args.rate, args.kind)
    else:
        print(json.dumps(lab.job(f"load-{args.vm}").stop()))


def verb_job(args):
    print(json.dumps(KernelLab.attach().nfs_job(args.vm, args.mib)))


def parser():
    main_parser = argparse.ArgumentParser(prog="lab", description="OVS, OVN and NFS on a "
                                          "simulated NIC, in the guest")
    verbs = main_parser.add_subparsers(required=True, metavar="VERB")

    def verb(name, run, summary):
        sub = verbs.add_parser(name, help=summary)
        sub.set_defaults(run=run)
        return sub

    add_options(verb("up", verb_up, "bring the lab up"))
    verb("down", verb_down, "end it")
    verb("status", verb_status, "what is up")
    verb("policy", verb_policy, "try what the stranded VM's policy allows and blocks")
    verb("nic", verb_nic, "the NIC's own counters, JSON")
    verb("rules", verb_rules, "the NIC's rules")
    verb("flows", verb_flows, "dpctl/dump-flows -m")
    verb("fault", verb_fault, "switch a fault; alone: show them").add_argument("words", nargs="*")
    run = verb("exec", verb_exec, "run a command in a VM, or in sto, ext")
    run.add_argument("where")
    run.add_argument("command", nargs=argparse.REMAINDER)
    stranded = verb("stranded", verb_stranded, "without OVN: lead a VM through conntrack")
    stranded.add_argument("vm")
    stranded.add_argument("switch", choices=["on", "off"])
    load = verb("load", verb_load, "constant storage traffic")
    load.add_argument("vm")
    load.add_argument("action", choices=["start", "stop"])
    load.add_argument("--rate", type=float, default=20)
    load.add_argument("--kind", choices=["nfs", "tcp"])
    job = verb("job", verb_job, "write and read back over NFS")
    job.add_argument("vm")
    job.add_argument("--mib", type=int, default=64)
    return main_parser


def main(arguments):
    args = parser().parse_args(arguments)
    try:
        return args.run(args) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def with_lab(arguments):
    """Bring the lab up, run a command with its environment, end it; the command's status."""
    options = argparse.ArgumentParser(
        prog="with-lab", description="Run a command while the lab is up: %(prog)s [OPTIONS] "
        "COMMAND ARGS...", usage="%(prog)s [OPTIONS] COMMAND [ARGS...]")
    add_options(options)
    options.add_argument("command", nargs=argparse.REMAINDER)
    args = options.parse_args(arguments)
    if not args.command:
        options.error("no command")
    try:
        with lab_of(args) as lab:
            environment = {**lab.env, "PATH": f"{os.environ['PATH']}:{HERE}"}
            return subprocess.run(args.command, env=environment, check=False).returncode
    except LabError as error:
        print(f"with-lab: {error}", file=sys.stderr)
        return 125
