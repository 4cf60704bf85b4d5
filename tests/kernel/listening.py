# SPDX-License-Identifier: Apache-2.0
"""flowlift explain --listen: the driver's words, which Open vSwitch does not ask for, from the kernel's tracepoint
while Open vSwitch offers a flow. Part of causes.py, on whose bench it runs."""

import glob
import signal
import subprocess
import time

import tap
from making_causes import COOKIE

VM = "vm2"
TRACEFS = "/sys/kernel/tracing"
INSTANCES = f"{TRACEFS}/instances/flowlift-*"
WORDS = "flownic: Matching on TTL is not supported"
# What the kernel tells somebody else.
OTHERS = "Specified qdisc kind is unknown"
WITHOUT_TRACEFS = ["unshare", "-m", "sh", "-c", f'umount {TRACEFS} && exec "$@"', "sh"]


def start_listening(bench, seconds):
    """Started, and in the midst of it."""
    process = bench.start("explain", VM, "--listen", seconds, "--json")
    deadline = time.monotonic() + bench.seconds
    while not any(read(f"{folder}/events/netlink/netlink_extack/enable") == "1" for folder in glob.glob(INSTANCES)):
        tap.check(process.poll() is None and time.monotonic() < deadline, "it listens", process.poll())
        time.sleep(0.01)
    return process


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def own_trace():
    """The kernel's own trace, which is not ours to touch: its events, and what it has recorded."""
    recorded = [line for line in (read(f"{TRACEFS}/trace") or "").splitlines() if not line.startswith("#")]
    return read(f"{TRACEFS}/events/netlink/netlink_extack/enable"), read(f"{TRACEFS}/set_event"), recorded


def refuse(bench, field=""):
    """The VM's flows are matched on their TTL, too, which the NIC does not take, and on this field: made anew."""
    bench.add(f"in_port={bench.port(bench.lab.vm(VM).port)},nw_ttl=7,{field}actions=drop")


def listen_while_it_is_offered(bench, seconds, field):
    process = start_listening(bench, seconds)
    done = subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "nosuch"], capture_output=True, text=True,
                          check=False)
    tap.check(OTHERS in done.stderr, "somebody else is told something", done.stderr)
    refuse(bench, field)
    found = bench.finish(process, 10 * seconds + 60).expect(1).json
    tap.note(tap.as_text(found["heard"]))
    bench.await_verdicts({VM: "stranded"}, bench.seconds)
    return found


def hears_the_words(bench):
    # A busy machine takes longer to make flows anew.
    for seconds, field in (10, "nw_tos=32,"), (60, "nw_ecn=1,"):
        found = listen_while_it_is_offered(bench, seconds, field)
        heard = found["heard"]
        told = {message["words"]: message for message in heard["messages"]}
        if WORDS in told:
            break
    tap.equal((heard["missing"], heard["incomplete"], heard["others"]), (None, False, 0), "all was heard")
    tap.check(heard["listened_ms"] >= seconds * 1000, "for so long", heard)
    tap.check(WORDS in told and told[WORDS]["times"] > 0 and told[WORDS]["cause"] == "nic-match", WORDS, heard)
    tap.check(OTHERS not in told, "what tc was told is not ovs-vswitchd's", heard)
    (cause,) = [cause for cause in found["causes"] if cause["id"] == "nic-match"]
    tap.equal(cause["certainty"], "may-be", "certainty")
    evidence = " | ".join(cause["evidence"])
    for part in f"while listening for {seconds} s ovs-vswitchd was told ", f'by the kernel: "{WORDS}"':
        tap.check(part in evidence, f"the evidence says '{part}'", cause)


def is_killed(bench):
    """What is left behind is removed by the next one."""
    process = start_listening(bench, 600)
    process.kill()
    process.communicate()
    tap.equal(len(glob.glob(INSTANCES)), 1, "left behind")
    text = bench.flowlift("explain", VM, "--listen", 1).expect(1).out
    tap.check("What the kernel told ovs-vswitchd in 1 s, of any flow" in text, "it says so", text)


def is_ended(bench):
    process = start_listening(bench, 600)
    process.terminate()
    process.communicate()
    tap.equal(process.returncode, -signal.SIGTERM, "ended by the signal")


def has_no_tracefs(bench):
    found = bench.flowlift("explain", VM, "--listen", 600, "--json", prefix=WITHOUT_TRACEFS).expect(1).json
    tap.check("there is no tracefs at /sys/kernel/tracing" in found["heard"]["missing"], "it says so", found["heard"])
    tap.check(found["causes"], "the rest is there", found)


def healthy(bench):
    """Nobody listens for a VM that is well."""
    tap.equal(bench.flowlift("explain", "vm1", "--listen", 600, "--json").expect(0).json["heard"], None, "vm1")


def listens_to_the_kernel(bench):
    "explain --listen: the driver's words, while a refused flow is made anew; nothing is left behind, also when killed"
    own = own_trace()
    tap.note(f"the kernel's own buffer: {read(f'{TRACEFS}/buffer_size_kb')} KiB a CPU")
    bench.lab.fault("refuse-match", "ttl", "on")
    try:
        refuse(bench)
        bench.await_verdicts({VM: "stranded"}, bench.seconds)
        for part in hears_the_words, is_killed, is_ended, has_no_tracefs, healthy:
            part(bench)
            tap.equal(glob.glob(INSTANCES), [], f"instances left behind: {part.__name__}")
            tap.equal(own_trace(), own, f"the kernel's own trace: {part.__name__}")
    finally:
        bench.lab.fault("refuse-match", "ttl", "off")
        bench.ofctl("del-flows", f"cookie={COOKIE:#x}/-1")
        bench.start_again()
        bench.await_verdicts({VM: "offloaded"}, bench.seconds)
    tap.note(f"the kernel's own buffer: {read(f'{TRACEFS}/buffer_size_kb')} KiB a CPU")
