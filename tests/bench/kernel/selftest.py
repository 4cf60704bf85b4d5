#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What the guest promises to the tests that stand on it. Prints TAP."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{HERE}/../../integration")

import guest  # noqa: E402
import tap  # noqa: E402

RUN = f"{HERE}/run"
# The guest's clock starts on a full second of the host's, and the job takes time to end.
CLOCK_SECONDS = 2


class Bench:
    """A folder for scripts and results."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="flowlift-kernel-selftest.")
        self.path = self.folder.name
        self.out = f"{self.path}/out"
        os.environ["TMPDIR"] = self.path  # a killed run leaves its folder there
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def script(self, text):
        path = f"{self.path}/script with blank"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\n{text}\n")
        os.chmod(path, 0o755)
        return path

    def command(self, text, *args, options=()):
        return [RUN, "--timeout", "120", *options, self.script(text), *args]

    def run(self, text, *args, options=(), env=None):
        return subprocess.run(
            self.command(text, *args, options=options), capture_output=True, text=True,
            env={**os.environ, **(env or {})}, cwd=self.path, timeout=180, check=False)

    def machines(self):
        """Pids of QEMUs that serve this bench's folder."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if words.startswith(guest.QEMU.encode()) and os.fsencode(self.out) in words:
                found.append(int(name))
        return found

    def wait_for_machines(self, present, seconds=10):
        deadline = time.monotonic() + seconds
        while bool(self.machines()) != present:
            tap.check(time.monotonic() < deadline,
                      "QEMU is there" if present else "QEMU is gone", self.machines())
            time.sleep(0.05)


def wait_for_file(path, seconds=60):
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        tap.check(time.monotonic() < deadline, f"{path} appears")
        time.sleep(0.05)


def passes_through(bench):
    "a program's status, output, arguments, environment and folder are as on the host"
    arguments = ["a \"b\"  'c'", "", "$HOME *", "back\\slash", "two\nlines", "ümlaut"]
    result = bench.run('printf "<%s>\\n" "$@"; echo "$FLOWLIFT_TEST" "$PYTHONDONTWRITEBYTECODE"; '
                       'echo "$NOT_PASSED"; pwd; echo to err >/dev/stderr; exit 7', *arguments,
                       env={"FLOWLIFT_TEST": "x  'y'", "PYTHONDONTWRITEBYTECODE": "1",
                            "NOT_PASSED": "z"})
    words = "".join(f"<{argument}>\n" for argument in arguments)
    tap.equal(result.stdout, f"{words}x  'y' 1\n\n{bench.path}\n", "stdout")
    tap.equal(result.stderr, "to err\n", "stderr")
    tap.equal(result.returncode, 7, "exit status")


def killed_by_signal(bench):
    "a program ended by a signal has status 128 + signal, as in a shell"
    result = bench.run("kill -TERM $$")
    tap.equal((result.returncode, result.stdout, result.stderr), (143, "", ""), "outcome")


def output_is_whole(bench):
    "every byte comes through, also what looks like an end, and a daemon does not keep the guest"
    text = "sleep 1000 & seq 1 200000; head -c 100001 /dev/zero; printf '\\0abc\\0'"
    expected = subprocess.run(["bash", "-c", text.replace("sleep 1000 & ", "")],
                              capture_output=True, check=True).stdout
    output = io.BytesIO()
    status = guest.run(bench.script(text), timeout=120, stdout=output, stderr=io.BytesIO())
    tap.equal(status, 0, "exit status")
    tap.equal(len(output.getvalue()), len(expected), "bytes")
    tap.equal(hashlib.sha256(output.getvalue()).hexdigest(),
              hashlib.sha256(expected).hexdigest(), "sha256")


def output_is_live(bench):
    "output arrives while the program runs"
    marker = f"{bench.out}/seen"
    process = subprocess.Popen(
        bench.command('echo first; until [ -e "$FLOWLIFT_OUT/seen" ]; do sleep 0.1; done; '
                      "echo second", options=["--out", bench.out]),
        stdout=subprocess.PIPE, text=True)
    with process:
        tap.equal(process.stdout.readline(), "first\n", "the first line")
        with open(marker, "w", encoding="utf-8"):
            pass
        tap.equal(process.stdout.read(), "second\n", "the rest")
    tap.equal(process.returncode, 0, "exit status")


def files(bench):
    "the host's files can be read and changed, but stay as they are; results come out"
    kept = f"{bench.path}/kept"
    with open(kept, "w", encoding="utf-8") as file:
        file.write("host\n")
    result = bench.run(
        f'cd "{bench.path}" && cat kept && echo guest >kept && touch new && cat kept && '
        'touch /usr/bin/flowlift-new && echo result >"$FLOWLIFT_OUT/result" && '
        'echo "$FLOWLIFT_OUT"; mount -t 9p -o trans=virtio,version=9p2000.L root /mnt', options=["--out", bench.out])
    tap.equal(result.stdout, f"host\nguest\n{bench.out}\n", "stdout")
    tap.check(result.returncode, "the share of the host's root cannot be had again", result.stderr)
    with open(kept, encoding="utf-8") as file:
        tap.equal(file.read(), "host\n", "the host's file")
    with open(f"{bench.out}/result", encoding="utf-8") as file:
        tap.equal(file.read(), "result\n", "the result")
    tap.check(not os.path.exists(f"{bench.path}/new"), "no new file on the host")
    tap.check(not os.path.exists("/usr/bin/flowlift-new"), "no new program on the host")


def place(bench):
    "what programs need is there: clock, modules, file systems, lo, host name"
    result = bench.run(
        "hostname; cut -d. -f1 /proc/uptime; nproc; "
        "modprobe -a openvswitch cls_flower act_mirred nfsd && grep -c ^nfsd /proc/modules; "
        "ip -br link show lo | tr -s ' ' | cut -d' ' -f1,2; for m in /run /tmp /dev/shm "
        "/sys/kernel/debug /sys/kernel/tracing /sys/fs/cgroup; do stat -fc %T $m; done; "
        "ls /run | tr '\\n' ' '; ls /var/log | wc -l; "
        "unshare -n true && ip netns add x && ip netns exec x true && echo namespaces; date +%s.%N")
    clock = time.time()
    *lines, date = result.stdout.splitlines()
    tap.check(abs(clock - float(date)) <= CLOCK_SECONDS, "the guest's clock is right", [clock, date])
    tap.equal(lines[0], "guest", "host name")
    tap.check(0 < int(lines[1]) < 60, "uptime in seconds", lines[1])
    tap.note(f"the program runs at an uptime of {lines[1]} s")
    tap.equal(lines[2:], ["2", "1", "lo UNKNOWN", "tmpfs", "overlayfs", "tmpfs", "debugfs",
                          "tracefs", "cgroup2fs", "flowlift lock 0", "namespaces"], "the rest")
    tap.equal((result.returncode, result.stderr), (0, ""), "outcome")


def loads_a_module(bench):
    "--module: with what it depends on; one that does not load is said so"
    with open(f"{guest.kernel_directory()}/version", encoding="utf-8") as file:
        module = "kernel/net/sched/act_mirred.ko"
        version = file.read().strip()
    path = f"{guest.kernel_directory()}/modules/{module}"
    result = bench.run("grep -o '^act_mirred' /proc/modules; uname -r", options=["--module", path])
    tap.equal((result.returncode, result.stdout, result.stderr),
              (0, f"act_mirred\n{version}\n", ""), "outcome")
    bad = f"{bench.path}/bad.ko"
    with open(bad, "w", encoding="utf-8") as file:
        file.write("no module\n")
    result = bench.run("echo ran", options=["--module", bad])
    tap.equal((result.returncode, result.stdout), (125, ""), "outcome of a bad one")
    tap.check(f"cannot load {bad}" in result.stderr, "it is said why", result.stderr)


def counts_instructions(bench):
    "--icount: one CPU, and the same work takes the same time"
    result = bench.run("nproc; for n in 1 2 3; do s=${EPOCHREALTIME/.}; "
                       "for ((i=0; i<20000; i++)); do :; done; "
                       "echo $((${EPOCHREALTIME/.} - s)); done", options=["--icount"])
    tap.equal((result.returncode, result.stderr), (0, ""), "outcome")
    cpus, _, second, third = map(int, result.stdout.split())  # the first one warms up
    tap.equal(cpus, 1, "CPUs")
    tap.note(f"{second} and {third} us")
    tap.check(abs(second - third) < second / 10, "the same time", [second, third])


def timeout(bench):
    "--timeout: status 124, one sentence, no QEMU left"
    started = time.monotonic()
    result = bench.run("sleep 1000", options=["--timeout", "8", "--out", bench.out])
    tap.equal((result.returncode, result.stdout, result.stderr),
              (124, "", "run: the guest was ended: 8 s were not enough\n"), "outcome")
    tap.check(time.monotonic() - started < 20, "in time")
    tap.equal(bench.machines(), [], "QEMUs left")


def panic(bench):
    "a guest that panics: status 125 and the kernel's words"
    result = bench.run("echo ran; sleep 0.5; echo c >/proc/sysrq-trigger",
                       options=["--out", bench.out])
    tap.equal((result.returncode, result.stdout), (125, "ran\n"), "outcome")
    tap.check("sysrq triggered crash" in result.stderr, "the console is shown", result.stderr)
    tap.equal(bench.machines(), [], "QEMUs left")


def cannot_start(bench):
    "a QEMU that is not there or does not start: status 77 and one sentence"
    command = bench.command("true", options=["--memory", "99999999"])
    for env, words in (({}, "QEMU does not start"), ({"PATH": "/nowhere"}, "is not installed")):
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                env={**os.environ, **env}, timeout=60)
        tap.equal((result.returncode, result.stdout, result.stderr.count("\n")), (77, "", 1),
                  result.stderr)
        tap.check(words in result.stderr, "it is said why", result.stderr)


def crash_at_start(bench):
    "a QEMU that crashes before the guest is up is started once more, and once only"
    crashing = f"{bench.path}/bin"
    os.mkdir(crashing)
    with open(f"{crashing}/{guest.QEMU}", "w", encoding="utf-8") as file:
        file.write(f"""#!/bin/bash
for i in $(seq $CRASHES); do
    mkdir {bench.path}/crashed.$i 2>/dev/null && kill -SEGV $$
done
exec {shutil.which(guest.QEMU)} "$@"
""")
    os.chmod(f"{crashing}/{guest.QEMU}", 0o755)
    path = f"{crashing}:{os.environ['PATH']}"
    result = bench.run("echo ran", env={"PATH": path, "CRASHES": "1"})
    tap.equal((result.returncode, result.stdout), (0, "ran\n"), result.stderr)
    tap.check(result.stderr.startswith("# once more, since the guest died (QEMU ended with status -11)"),
              "it is said", result.stderr)
    result = bench.run("echo ran", env={"PATH": path, "CRASHES": "3"})
    tap.equal((result.returncode, result.stdout), (125, ""), result.stderr)


def killed_run(bench):
    "a run that is killed leaves no QEMU, whatever the signal"
    for number in (signal.SIGTERM, signal.SIGKILL):
        up = f"{bench.out}/up-{number.name}"
        process = subprocess.Popen(
            bench.command('touch "$FLOWLIFT_OUT/$1"; sleep 1000', os.path.basename(up),
                          options=["--out", bench.out]))
        wait_for_file(up)
        bench.wait_for_machines(True)
        process.send_signal(number)
        process.wait(timeout=20)
        bench.wait_for_machines(False)


def two_at_once(bench):
    "two guests run beside each other"
    commands = [bench.command("echo $1", word) for word in ("one", "two")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                 for command in commands]
    outputs = [process.communicate(timeout=180)[0] for process in processes]
    tap.equal(outputs, ["one\n", "two\n"], "outputs")


def out_of_sight(bench):
    "a program that the guest cannot see is refused by name"
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        path = f"{folder}/script"
        os.symlink("/bin/true", f"{folder}/link")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
        os.chmod(path, 0o755)
        result = subprocess.run([RUN, path], capture_output=True, text=True, check=False,
                                timeout=60, cwd=bench.path)
    tap.equal((result.returncode, result.stdout, result.stderr),
              (125, "", f"run: {path} is out of the guest's sight: it has a /run of its own\n"),
              "outcome")


if __name__ == "__main__":
    if guest.unavailable():
        print(f"1..0 # SKIP {guest.unavailable()}")
        sys.exit(0)
    tap.run([
        passes_through,
        killed_by_signal,
        output_is_whole,
        output_is_live,
        files,
        place,
        loads_a_module,
        counts_instructions,
        timeout,
        panic,
        cannot_start,
        crash_at_start,
        killed_run,
        two_at_once,
        out_of_sight,
    ], bench=Bench)
