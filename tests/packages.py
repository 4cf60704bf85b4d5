#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Debian's packages of flowlift in a clean root: installed, used on a lab, upgraded, removed. `make check-deb`.

Usage: packages.py FOLDER   (of the packages; `make deb` puts them into build-deb/)
"""

import glob
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/integration", f"{HERE}/fleet"]

import tap  # noqa: E402
from fleet_cluster import Authority, dies_with_us  # noqa: E402
from bench import CONFIG, STRANDED_VM2, Bench  # noqa: E402

FOLDER = os.path.abspath(sys.argv[1] if sys.argv[1:] else f"{HERE}/../build-deb")
PACKAGES = ("flowlift", "flowlift-agent", "flowlift-dpdk")
AGENT = "/run/flowlift/flowlift-agent.pid"
PAGES = ("flowlift.1", "flowlift.conf.5", "flowlift-causes.7", "flowlift-json.7", "flowlift-agent.8")
COMPLETION = "/usr/share/bash-completion/completions/flowlift.bash"
FLEET_UNIT = "/usr/share/doc/flowlift/examples/flowlift-fleet-db.service"
AUDITS = f"{CONFIG}[audit]\nwindow = 2\n"
NOBODY = 65534
# What apt, dpkg and man write down for themselves, and what is the host's.
NOT_LEFT_BEHIND = ("dev", "proc", "sys", "tmp", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/log/apt",
                   "var/log/dpkg.log", "var/log/alternatives.log")


def run(*words, check=True, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    tap.check(not check or not done.returncode, f"{' '.join(words)}: exit {done.returncode}", done.stdout[-2000:],
              done.stderr[-2000:])
    return done


def deb_of(package, folder=FOLDER):
    (deb,) = glob.glob(f"{folder}/{package}_*.deb")
    return deb


class Root(Bench):
    """A Debian of its own beside a lab, whose sockets it sees."""

    def __init__(self):
        super().__init__(nfs=False)
        self.path = tempfile.mkdtemp(prefix="flowlift-debian.")
        os.chmod(self.path, 0o755)
        self.mounts = []

    def prepare(self):
        try:
            self.make()
        except BaseException:
            self.clean()
            raise

    def make(self):
        run("debootstrap", "--variant=minbase", "--include=man-db", "bookworm", self.path,
            "http://deb.debian.org/debian")
        for name in ("proc", "dev"):
            self.mount(f"/{name}", f"/{name}")
        self.mount(self.lab.directory, self.lab.directory)
        # A clean root has no init: services must not be started, and nothing may fail for that.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        shutil.copy("/etc/resolv.conf", f"{self.path}/etc/resolv.conf")
        self.inside("apt-get", "-q", "update")
        self.inside("apt-get", "-q", "-y", "--no-install-recommends", "satisfy", ", ".join(self.needs()))
        self.before = self.listing()
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

    @staticmethod
    def needs():
        """What the packages depend on, but for each other."""
        found = set()
        for package in PACKAGES:
            words = run("dpkg-deb", "-f", deb_of(package), "Depends").stdout.strip()
            found |= {word for word in words.split(", ") if not word.startswith("flowlift")}
        return sorted(found)

    def install(self, folder):
        names = []
        for package in PACKAGES:
            deb = deb_of(package, folder)
            shutil.copy(deb, f"{self.path}/tmp/")
            names.append(f"/tmp/{os.path.basename(deb)}")
        return self.inside("apt-get", "-q", "-y", "--no-install-recommends", "install", *names)

    def listing(self):
        """All that packages may leave behind."""
        found = set()
        for at, folders, names in os.walk(self.path):
            inside = os.path.relpath(at, self.path)
            folders[:] = [name for name in folders
                          if os.path.normpath(f"{inside}/{name}") not in NOT_LEFT_BEHIND
                          and f"{at}/{name}" not in self.mounts]
            found |= {os.path.normpath(f"{inside}/{name}") for name in [*folders, *names]}
        return (found | {f"var/lib/dpkg/info/{name}" for name in os.listdir(f"{self.path}/var/lib/dpkg/info")}
                ) - set(NOT_LEFT_BEHIND)

    def agent_says(self):
        return self.inside("ovs-appctl", "-t", "flowlift-agent", "status").stdout

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
    tap.equal([name for name in root.before if "flowlift" in name], [], "of flowlift before")
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


def lints(_root):
    "lintian has nothing to say of the packages"
    done = run("lintian", "--pedantic", "--display-info", "--allow-root", *map(deb_of, PACKAGES), check=False)
    tap.equal((done.stdout + done.stderr).strip(), "", "lintian's words")


def has_manuals(root):
    "man finds every page"
    for page in PAGES:
        name, section = page.rsplit(".", 1)
        tap.equal(root.inside("man", "-w", section, name).stdout.strip(),
                  f"/usr/share/man/man{section}/{page}.gz", page)


def completes(root):
    "bash, with the completion file sourced, completes verbs and options"
    for line, offered in (("flowlift exp", ["explain"]), ("flowlift fl", ["fleet", "flows"]),
                          ("flowlift audit --scr", ["--screen"])):
        done = root.inside("bash", "--norc", "-euc", f"""
. {COMPLETION}
compopt() {{ :; }}
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_WORDS=($1)
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
words=($(complete -p flowlift))
[ "${{words[1]}}" = -F ]
set +u
"${{words[2]}}" flowlift
printf '%s\\n' "${{COMPREPLY[@]}}"
""", "bash", line)
        tap.equal(sorted(done.stdout.split()), offered, line)
        tap.equal(done.stderr, "", "stderr")


def audits(root):
    "audit, explain and apply, with the packages' own files and an agent"
    root.write("/etc/flowlift/flowlift.conf", AUDITS)
    root.await_verdicts(STRANDED_VM2)
    root.inside("flowlift-agent", "--detach", "--log-file", "-vconsole:off", "-vsyslog:off")
    tap.check(root.agent_pid(), "an agent runs")
    root.apply()
    tap.equal(root.status()["state"], "verified", "state")


def guards_without_its_fleet(root):
    "a fleet whose database is not there: the agent runs, says so, and keeps its remedy"
    for fleet, words in (
        ("remote = tcp:127.0.0.1:1\nname = host1\n", "fleet: not connected to tcp:127.0.0.1:1 as host1"),
        ("remote = ssl:127.0.0.1:1\n", "fleet: not connected to ssl:127.0.0.1:1: [fleet] remote begins with ssl: and "
                                       "[fleet] private-key is not set"),
    ):
        root.write("/etc/flowlift/flowlift.conf", f"{AUDITS}[fleet]\n{fleet}")
        os.kill(root.agent_pid(), signal.SIGHUP)
        root.lab.wait_until(lambda: words in root.agent_says(), 20, words)
        tap.equal(root.status()["state"], "verified", "state")
        tap.check(root.our_rules(), "its rules are there")
    root.write("/etc/flowlift/flowlift.conf", AUDITS)
    os.kill(root.agent_pid(), signal.SIGHUP)
    root.lab.wait_until(lambda: "fleet:" not in root.agent_says(), 20, "no fleet")


def listens(pid, port):
    """Whether anybody does in the network of that process."""
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
        return re.search(rf":{port:04X} \S+ 0A ", file.read())


def serves_a_fleet(root):
    "the example of the fleet's database, as it tells: a cluster with the shipped schema and first rows"
    with open(root.path + FLEET_UNIT, encoding="utf-8") as file:
        text = file.read().replace("10.0.0.1:", "127.0.0.1:")
    make, create, _join, fill = re.findall(r"^#        ((?:.*\\\n)*.*)$", text, re.M)
    serve = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.M)[1]
    root.inside("sh", "-ec", make)
    root.inside("sh", "-ec", create.replace("\\\n#", "\\\n"))
    for key, value in (("%t", "/run"), ("%S", "/var/lib"), ("%d", "/tmp/credentials"), ("\\\n", "")):
        serve = serve.replace(key, value)
    # Of systemd: folders of the service's user, and the credentials.
    os.makedirs(f"{root.path}/run/flowlift-fleet")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in zip(("private-key", "certificate", "ca-certificate"), Authority(folder).keys("server")):
            tap.check(f"LoadCredential={name}:/etc/flowlift/fleet/{name}.pem" in text, name)
            os.makedirs(f"{root.path}/tmp/credentials", exist_ok=True)
            shutil.copy(path, f"{root.path}/tmp/credentials/{name}")
    for folder in ("run/flowlift-fleet", "var/lib/flowlift-fleet", "tmp/credentials"):
        run("chown", "-R", f"{NOBODY}:{NOBODY}", f"{root.path}/{folder}")
    # A network of its own: the ports may be taken here.
    server = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", "chroot", root.path, "setpriv",
         f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all", *shlex.split(serve)],
        stderr=subprocess.PIPE, text=True, preexec_fn=dies_with_us)
    try:
        root.inside("ovsdb-client", "-t", "20", "wait", "unix:/run/flowlift-fleet/db.sock", "Flowlift_Fleet",
                    "connected")
        tap.check('"error"' not in root.inside("sh", "-ec", fill).stdout, "the first rows go in")
        said = root.inside("ovs-appctl", "-t", "/run/flowlift-fleet/db.ctl", "cluster/status", "Flowlift_Fleet").stdout
        tap.check("Role: leader" in said, "it leads its cluster", said)
        root.lab.wait_until(lambda: listens(server.pid, 6642), 20, "it listens for agents")
        fleet = root.inside("flowlift", "fleet", "status", "--json", "--remote", "unix:/run/flowlift-fleet/db.sock")
        tap.equal(json.loads(fleet.stdout)["hosts"], [], "hosts of a new fleet")
    finally:
        server.terminate()
        tap.note(server.communicate()[1][-2000:])
        for folder in ("run/flowlift-fleet", "var/lib/flowlift-fleet", "tmp/credentials"):
            shutil.rmtree(f"{root.path}/{folder}")


def upgrades(root):
    "an upgrade keeps remedies and rules"
    before = root.our_rules()
    tap.check(before, "there are rules")
    with tempfile.TemporaryDirectory() as newer:
        for package in PACKAGES:
            deb = deb_of(package)
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
    tap.equal(sorted(root.listing() ^ root.before), [], "what is left, or gone")


if __name__ == "__main__":
    if not glob.glob(f"{FOLDER}/flowlift_*.deb"):
        print(f"1..0 # SKIP there are no packages in {FOLDER}: make deb")
        sys.exit(0)
    tap.run([lints, installs, has_manuals, completes, audits, guards_without_its_fleet, serves_a_fleet, upgrades,
             removes], Root)
