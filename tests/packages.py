#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Debian's packages of flowlift in a clean root: installed, used on a lab, upgraded, removed. `make check-deb`.

Usage: packages.py FOLDER   (of the packages; `make deb` puts them into build-deb/)
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/integration")

import tap  # noqa: E402
from bench import CONFIG, STRANDED_VM2, Bench  # noqa: E402

FOLDER = os.path.abspath(sys.argv[1] if sys.argv[1:] else f"{HERE}/../build-deb")
PACKAGES = ("flowlift", "flowlift-agent", "flowlift-dpdk")
AGENT = "/run/flowlift/flowlift-agent.pid"


def run(*words, check=True, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    tap.check(not check or not done.returncode, f"{' '.join(words)}: exit {done.returncode}", done.stdout[-2000:],
              done.stderr[-2000:])
    return done


class Root(Bench):
    """A Debian of its own beside a lab, whose sockets it sees."""

    def __init__(self):
        super().__init__(nfs=False)
        self.path = tempfile.mkdtemp(prefix="flowlift-debian.")
        self.mounts = []

    def prepare(self):
        try:
            self.make()
        except BaseException:
            self.clean()
            raise

    def make(self):
        run("debootstrap", "--variant=minbase", "bookworm", self.path, "http://deb.debian.org/debian")
        for name in ("proc", "dev"):
            self.mount(f"/{name}", f"/{name}")
        self.mount(self.lab.directory, self.lab.directory)
        # A clean root has no init: services must not be started, and nothing may fail for that.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        shutil.copy("/etc/resolv.conf", f"{self.path}/etc/resolv.conf")
        self.load_all()

    def clean(self):
        self.end_agent()
        for path in reversed(self.mounts):
            run("umount", path)
        shutil.rmtree(self.path)

    def __exit__(self, *details):
        self.clean()
        super().__exit__(*details)

    def mount(self, source, target):
        path = self.path + target
        os.makedirs(path, exist_ok=True)
        run("mount", "--bind", source, path)
        self.mounts.append(path)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path + name), exist_ok=True)
        with open(self.path + name, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path + name, mode)

    def inside(self, *words, **options):
        env = {**self.lab.env, "NO_COLOR": "1", "DEBIAN_FRONTEND": "noninteractive",
               "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        return run("chroot", self.path, *words, env=env, **options)

    def command(self, *words, program=None):
        """flowlift as the package has it, with the host's own folders."""
        return ["chroot", self.path, "flowlift", *map(str, words)]

    def install(self, folder):
        names = []
        for package in PACKAGES:
            (deb,) = glob.glob(f"{folder}/{package}_*.deb")
            shutil.copy(deb, f"{self.path}/tmp/")
            names.append(f"/tmp/{os.path.basename(deb)}")
        return self.inside("apt-get", "-q", "-y", "--no-install-recommends", "install", *names)

    def files(self):
        """All that packages may leave behind, but for apt's and dpkg's own books."""
        found = set()
        for top in ("etc", "usr", "lib", "var", "run", "opt", "root"):
            for at, folders, names in os.walk(f"{self.path}/{top}"):
                for name in [*folders, *names]:
                    found.add(os.path.relpath(f"{at}/{name}", self.path))
        return {name for name in found if "flowlift" in name and not name.startswith(("var/cache", "var/lib/apt"))}

    def agent_pid(self):
        try:
            with open(self.path + AGENT, encoding="ascii") as file:
                pid = int(file.read())
            os.kill(pid, 0)
            return pid
        except (OSError, ValueError):
            return None

    def end_agent(self):
        if self.agent_pid():
            self.inside("ovs-appctl", "-t", "flowlift-agent", "exit", check=False)
            self.lab.wait_until(lambda: not self.agent_pid(), 20, "the agent ends")


def installs(root):
    "a clean root: the packages install, the service is there and not enabled"
    tap.equal(root.files(), set(), "of flowlift before")
    root.inside("apt-get", "-q", "update")
    root.install(FOLDER)
    for name in ("/usr/bin/flowlift", "/usr/sbin/flowlift-agent", "/lib/systemd/system/flowlift-agent.service",
                 "/etc/libvirt/hooks/qemu.d/flowlift", "/etc/logrotate.d/flowlift"):
        tap.check(os.path.exists(root.path + name), name)
    enabled = glob.glob(f"{root.path}/etc/systemd/system/*.wants/flowlift*")
    tap.equal(enabled, [], "enabled units")
    tap.check(re.match(r"flowlift \d", root.inside("flowlift", "--version").stdout), "version")
    # The hook never fails, and says nothing.
    done = root.inside("/etc/libvirt/hooks/qemu.d/flowlift", "vm2", "started", "begin", "-")
    tap.equal((done.stdout, done.stderr), ("", ""), "the hook's output")


def audits(root):
    "audit, explain and apply, with the packages' own files and an agent"
    root.write("/etc/flowlift/flowlift.conf", f"{CONFIG}[audit]\nwindow = 2\n")
    root.await_verdicts(STRANDED_VM2)
    root.inside("flowlift-agent", "--detach", "--log-file", "-vconsole:off", "-vsyslog:off")
    tap.check(root.agent_pid(), "an agent runs")
    root.apply()
    tap.equal(root.status()["state"], "verified", "state")


def upgrades(root):
    "an upgrade keeps remedies and rules"
    before = root.our_rules()
    tap.check(before, "there are rules")
    with tempfile.TemporaryDirectory() as newer:
        for package in PACKAGES:
            (deb,) = glob.glob(f"{FOLDER}/{package}_*.deb")
            tree = f"{newer}/{package}"
            run("dpkg-deb", "-R", deb, tree)
            with open(f"{tree}/DEBIAN/control", encoding="utf-8") as file:
                control = file.read()
            version = re.search(r"^Version: (.*)$", control, re.M)[1]
            control = control.replace(f"Version: {version}", f"Version: {version}+1")
            control = control.replace(f"(= {version})", f"(= {version}+1)")
            with open(f"{tree}/DEBIAN/control", "w", encoding="utf-8") as file:
                file.write(control)
            run("dpkg-deb", "-b", "--root-owner-group", tree, f"{newer}/{package}_{version}+1_all.deb")
        root.install(newer)
    tap.check("+1" in root.inside("dpkg-query", "-W", "-f", "${Version}", "flowlift").stdout, "it is the newer one")
    tap.equal(root.our_rules(), before, "rules")
    tap.equal(root.status()["state"], "verified", "state")


def removes(root):
    "removed: its rules go out of the switch; purged: nothing of it is left"
    root.end_agent()
    root.inside("apt-get", "-q", "-y", "remove", "flowlift", "flowlift-agent", "flowlift-dpdk")
    tap.equal(root.our_rules(), [], "rules")
    tap.check(os.path.exists(f"{root.path}/etc/flowlift/flowlift.conf"), "the configuration stays")
    root.inside("dpkg", "--purge", "flowlift-agent", "flowlift")
    tap.equal(sorted(name for name in root.files() if not name.startswith("var/lib/dpkg/")), [], "what is left")


if __name__ == "__main__":
    if not glob.glob(f"{FOLDER}/flowlift_*.deb"):
        print(f"1..0 # SKIP there are no packages in {FOLDER}: make deb")
        sys.exit(0)
    tap.run([installs, audits, upgrades, removes], Root)
