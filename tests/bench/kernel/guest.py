# SPDX-License-Identifier: Apache-2.0
"""The kernel bench's guest: Linux under QEMU that sees the host's files and runs one job.

    status = guest.run("tests/lab.sh", ["an argument"], timeout=120)

The host's root is visible at the same paths and can be written to, but what is written
stays in the guest's memory. Results go to the folder named by FLOWLIFT_OUT, the same one in
the guest and on the host.
"""

import ctypes
import os
import re
import secrets
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-x86_64"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Folders of the host that the guest has empty ones for.
HIDDEN = ("/var/log", "/etc/openvswitch", "/var/lib/openvswitch", "/var/lib/ovn", "/var/lib/nfs")
UNREACHABLE = (*HIDDEN, "/run", "/proc", "/sys", "/dev", "/lib/modules")
STREAMS = ("stdout", "stderr", "control")
# A job that has ended, but whose output does not come through.
DRAIN_SECONDS = 10
CONSOLE_TAIL_LINES = 100


class GuestError(Exception):
    """The job has no exit status of its own; the text says why, `status` stands for it."""

    status = 125


class GuestUnavailable(GuestError):
    """This machine cannot run the guest (as it is now)."""

    status = 77


class GuestTimeout(GuestError):
    status = 124


class _QemuCrashed(GuestError):
    """A signal ended QEMU while the guest was booting: the job has not begun."""


def run(script, args=(), *, timeout=300, cpus=2, memory=2048, icount=False, module=None,
        out=None, env=None, stdout=None, stderr=None, console=None):
    """Run a program of the host in the guest; returns its exit status.

    script: a path, or a name that is looked up as a shell does. timeout in seconds, boot
    included; memory in MB; icount: one CPU and a clock that counts instructions.
    module: a kernel module to load first. out: folder for results, else FLOWLIFT_OUT, else a
    temporary one. env: variables besides those passed through. stdout, stderr: binary files,
    written to while the job runs. console: where to leave the kernel's console log.
    Raises GuestError and its kin.
    """
    reason = unavailable()
    if reason:
        raise GuestUnavailable(reason)
    with tempfile.TemporaryDirectory(prefix="flowlift-guest.") as work:
        job = _Job(work, script, args, module, out, env)
        machine = _machine(work, job, cpus, memory, icount)

        def once():
            sinks = {
                "stdout": _Sink(stdout or sys.stdout.buffer, job.mark),
                "stderr": _Sink(stderr or sys.stderr.buffer, job.mark),
                "control": _Control(),
            }
            return _Run(work, machine, sinks, timeout).status()

        try:
            try:
                return once()
            except _QemuCrashed as error:
                print(f"# once more, since {error}".replace("\n", "\n# "), file=sys.stderr)
                return once()
        finally:
            if console and os.path.exists(f"{work}/console"):
                shutil.copyfile(f"{work}/console", console)


def kernel_directory():
    """Where setup has put the guest's kernel."""
    deps = os.environ.get("FLOWLIFT_DEPS") or os.path.join(HERE, "../../../.deps")
    return os.path.join(os.path.realpath(deps), "kernel")


def unavailable():
    """Why no guest can run here, or None."""
    if not shutil.which(QEMU):
        return f"{QEMU} is not installed: run tests/bench/kernel/setup"
    if not os.path.exists(f"{kernel_directory()}/stamp"):
        return "there is no kernel for the guest: run tests/bench/kernel/setup"
    return None


def _program(name):
    found = shutil.which(name, path=PATH) if "/" not in name and not os.path.exists(name) else name
    if not found or not os.path.isfile(found):
        raise GuestError(f"there is no program {name}")
    if not os.access(found, os.X_OK):
        raise GuestError(f"{name} is not executable")
    return os.path.abspath(found)


class _Job:
    """What the guest is to do, as files in the folder that it sees as its job."""

    def __init__(self, work, script, args, module, out, env):
        self.mark = secrets.token_hex(16)
        self.directory = f"{work}/job"
        self.kernel = kernel_directory()
        self.out = os.path.abspath(out or os.environ.get("FLOWLIFT_OUT") or f"{work}/out")
        os.mkdir(self.directory)
        os.makedirs(self.out, exist_ok=True)
        command = [_program(script), *args]
        module = os.path.abspath(module) if module else ""
        if module and not os.path.isfile(module):
            raise GuestError(f"there is no module {module}")
        folder = os.getcwd()
        for path in (self.kernel, self.out, folder, module, command[0]):
            _check_reachable(path)
        settings = {"kernel": self.kernel, "out": self.out, "folder": folder, "module": module,
                    "mark": self.mark, "hidden": " ".join(HIDDEN)}
        self._write_settings(settings, self._environment(env or {}), command)
        shutil.copy(f"{HERE}/guest-init", self.directory)

    def _environment(self, more):
        passed = {name: value for name, value in os.environ.items()
                  if name.startswith("FLOWLIFT_") or name == "PYTHONDONTWRITEBYTECODE"}
        fixed = {"PATH": PATH, "HOME": "/root", "TERM": "dumb", "LANG": "C.UTF-8",
                 "FLOWLIFT_OUT": self.out}
        return [f"{name}={value}" for name, value in {**passed, **more, **fixed}.items()]

    def _write_settings(self, settings, environment, command):
        lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        words = ["env", "-i", *environment, *command]
        lines.append(f"job() {{ exec setsid {' '.join(map(shlex.quote, words))}; }}")
        with open(f"{self.directory}/settings", "wb") as file:
            file.write(os.fsencode("\n".join(lines) + "\n"))


def _check_reachable(path):
    for directory in UNREACHABLE:
        real = os.path.realpath(directory)
        if os.path.realpath(path).startswith(f"{real}/"):
            raise GuestError(f"{path} is out of the guest's sight: it has a {directory} of its own")


def _machine(work, job, cpus, memory, icount):
    """QEMU's arguments, but for the streams."""
    if icount:
        speed = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"]
    else:
        speed = ["-accel", "tcg,thread=multi", "-smp", str(cpus)]
    return [
        QEMU, "-M", "pc", "-cpu", "max", *speed, "-m", str(memory),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-serial", f"file:{_quoted(work)}/console",
        "-kernel", f"{job.kernel}/vmlinux", "-initrd", f"{job.kernel}/initramfs",
        "-append", "console=ttyS0,115200 quiet loglevel=4 mitigations=off nokaslr panic=-1 "
                   "oops=panic tsc=reliable random.trust_cpu=on",
        *_share("root", "/", readonly=True),
        *_share("job", job.directory, readonly=True),
        *_share("out", job.out, readonly=False),
    ]


def _quoted(path):
    """A path as a value in QEMU's lists."""
    return path.replace(",", ",,")


def _share(name, directory, *, readonly):
    options = f"local,id={name},path={_quoted(directory)},security_model=none,multidevs=remap"
    return ["-fsdev", options + (",readonly=on" if readonly else ""),
            "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]


class _Sink:
    """Output of the job, on its way to a file; ends with a mark that is cut off."""

    def __init__(self, file, mark):
        self.file = file
        self.mark = b"\0" + mark.encode() + b"\0"
        self.held = b""
        self.ended = False

    def feed(self, data):
        data, self.held = self.held + data, b""
        end = data.find(self.mark)
        if end >= 0:
            self.ended = True
            self._write(data[:end])
            return
        start = data.rfind(b"\0", max(0, len(data) - len(self.mark)))
        keep = start if start >= 0 and self.mark.startswith(data[start:]) else len(data)
        self.held = data[keep:]
        self._write(data[:keep])

    def flush(self):
        self._write(self.held)
        self.held = b""

    def _write(self, data):
        if data:
            self.file.write(data)
            self.file.flush()


class _Control:
    """What guest-init says: "up SECONDS", then "exit STATUS" or "failed: WHY"."""

    def __init__(self):
        self.text = b""
        self.ended = False

    def feed(self, data):
        self.text += data

    def flush(self):
        pass

    def word(self, name):
        found = re.search(rb"^%s:? (.*)\n" % name.encode(), self.text, re.M)
        return found.group(1).decode(errors="replace") if found else None


class _Run:
    """One run of QEMU."""

    def __init__(self, work, machine, sinks, timeout):
        self.work = work
        self.sinks = sinks
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.readers = {}
        self.process = self._start(machine)

    def _start(self, machine):
        arguments = [*machine, "-device", "virtio-serial-pci"]
        writers = []
        for number, name in enumerate(STREAMS, 1):
            reader, writer = os.pipe()
            self.readers[reader] = self.sinks[name]
            writers.append(writer)
            arguments += [
                "-add-fd", f"fd={writer},set={number}",
                "-chardev", f"file,id={name},path=/dev/fdset/{number},append=on",
                "-device", f"virtserialport,nr={number},chardev={name},name={name}"]
        try:
            with open(f"{self.work}/qemu", "wb") as log:
                return subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    pass_fds=writers, start_new_session=True, preexec_fn=_die_with(os.getpid()))
        finally:
            for writer in writers:
                os.close(writer)

    def status(self):
        try:
            return self._follow()
        finally:
            self.process.kill()
            self.process.wait()
            for reader, sink in self.readers.items():
                os.close(reader)
                sink.flush()

    def _follow(self):
        control = self.sinks["control"]
        while control.word("exit") is None:
            if control.word("failed"):
                raise GuestError(f"the guest: {control.word('failed')}")
            if not self._read(self.deadline):
                raise self._death() if self.process.poll() is not None else self._lateness()
        drained = time.monotonic() + DRAIN_SECONDS
        while not (self.sinks["stdout"].ended and self.sinks["stderr"].ended):
            if not self._read(drained):
                raise GuestError(f"the job ended with status {control.word('exit')}, "
                                 "but its output did not come through")
        return int(control.word("exit"))

    def _read(self, deadline):
        """Pass on what came; False: there is nothing more, or it did not come in time."""
        open_readers = list(self.readers)
        while open_readers:
            left = deadline - time.monotonic()
            ready = select.select(open_readers, [], [], max(0, min(left, 3600)))[0]
            if not ready:
                return False
            got = False
            for reader in ready:
                data = os.read(reader, 65536)
                if data:
                    self.readers[reader].feed(data)
                    got = True
                else:
                    open_readers.remove(reader)
            if got:
                return True
        self.process.wait()
        return False

    def _lateness(self):
        return GuestTimeout(f"the guest was ended: {self.timeout:g} s were not enough")

    def _death(self):
        console = self._tail("console")
        if not console and self.process.returncode > 0:
            return GuestUnavailable(f"QEMU does not start: {self._tail('qemu')}")
        how = f"status {self.process.returncode}"
        crashed = self.process.returncode < 0 and self.sinks["control"].word("up") is None
        kind = _QemuCrashed if crashed else GuestError
        return kind(f"the guest died (QEMU ended with {how}); its console:\n"
                    f"{console}\n{self._tail('qemu')}".rstrip())

    def _tail(self, name):
        try:
            with open(f"{self.work}/{name}", encoding="utf-8", errors="replace") as file:
                return "\n".join(file.read().split("\n")[-CONSOLE_TAIL_LINES:]).strip()
        except OSError:
            return ""


def _die_with(parent):
    """For the child: to be killed when its parent ends, even by SIGKILL."""
    libc = ctypes.CDLL(None, use_errno=True)
    set_death_signal = 1

    def prepare():
        libc.prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
