#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Debian's packages of one commit, built twice, are the same bytes. `make check-deb`.

Usage: reproducible.py FOLDER   (of the first build; `make deb` puts it into build-deb/)

The second build differs in all that must not matter: folder, user, home, umask, time zone, locale, host's name, how
many compilers run at once, and the time of day.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/integration")

import tap  # noqa: E402

SOURCE = os.path.dirname(HERE)
FOLDER = os.path.abspath(sys.argv[1] if sys.argv[1:] else f"{SOURCE}/build-deb")
NOBODY = 65534
# Lines of a difference that a reader can use.
SHOWN = 60


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    tap.check(not done.returncode, f"{' '.join(words)}: exit {done.returncode}", done.stdout[-4000:],
              done.stderr[-4000:])
    return done.stdout


def head():
    return run("git", "-C", SOURCE, "rev-parse", "HEAD").strip()


class Elsewhere:
    """A clone of another user in another folder."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="flowlift-elsewhere.")
        for name in ("home", "much-longer-than-the-other-one/tmp", "out"):
            os.makedirs(f"{self.path}/{name}")
        run("git", "clone", "-q", "--no-hardlinks", SOURCE, f"{self.path}/clone")
        run("chown", "-R", f"{NOBODY}:{NOBODY}", self.path)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def build(self):
        here = os.environ.get("LC_ALL") or os.environ.get("LANG") or "C"
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{self.path}/home", "TZ": "Pacific/Chatham",
            "LC_ALL": "C.UTF-8" if here in ("C", "POSIX") else "C", "DEB_BUILD_OPTIONS": "parallel=1",
            "TMPDIR": f"{self.path}/much-longer-than-the-other-one/tmp",
        }
        run("unshare", "--uts", "sh", "-c",
            f'hostname elsewhere && umask 077 && exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"',
            "sh", "tools/deb", f"{self.path}/out", cwd=f"{self.path}/clone", env=env)
        return f"{self.path}/out"


def packages(folder):
    """{name of the file: what it holds, as a sum}"""
    sums = {}
    for path in sorted(glob.glob(f"{folder}/*.deb")):
        with open(path, "rb") as file:
            sums[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
    return sums


def difference(name, folders):
    """Listings with modes and times, then contents."""
    told = []
    with tempfile.TemporaryDirectory() as at:
        for which, folder in zip("ab", folders):
            deb = f"{folder}/{name}"
            run("dpkg-deb", "-R", deb, f"{at}/{which}")
            with open(f"{at}/{which}.list", "w", encoding="utf-8") as file:
                file.write(run("dpkg-deb", "-c", deb))
        for what in (("-U0", "a.list", "b.list"), ("-r", "a", "b")):
            done = subprocess.run(["diff", *what], cwd=at, capture_output=True, text=True, errors="replace",
                                  check=False)
            told += done.stdout.splitlines()[:SHOWN]
    return "\n".join([f"{name} differs:", *(told or ["neither in what is listed nor in what it holds: see `ar tv`"])])


def is_the_same_twice(elsewhere):
    "built again elsewhere: each package has the same bytes"
    first = packages(FOLDER)
    folders = (FOLDER, elsewhere.build())
    second = packages(folders[1])
    tap.equal(sorted(second), sorted(first), "packages")
    for name, its_sum in first.items():
        tap.note(f"{its_sum}  {name}")
    told = [difference(name, folders) for name in first if first[name] != second[name]]
    tap.check(not told, "the two builds have the same bytes", *told)


def tells_what_differs(elsewhere):
    "packages that do differ: it says in which file"
    name = next(name for name in packages(FOLDER) if name.startswith("flowlift_"))
    tree, other = f"{elsewhere.path}/tree", f"{elsewhere.path}/other"
    os.mkdir(other)
    run("dpkg-deb", "-R", f"{FOLDER}/{name}", tree)
    with open(f"{tree}/usr/share/flowlift/flowlift-fleet-init.json", "a", encoding="utf-8") as file:
        file.write("another line\n")
    run("dpkg-deb", "-b", "--root-owner-group", tree, f"{other}/{name}")
    tap.check(packages(other)[name] != packages(FOLDER)[name], "their sums differ")
    told = difference(name, (FOLDER, other))
    tap.check("flowlift-fleet-init.json" in told and "another line" in told, "it is named", told)


if __name__ == "__main__":
    if not os.path.exists(f"{FOLDER}/commit"):
        print(f"1..0 # SKIP there are no packages in {FOLDER}: make deb")
        sys.exit(0)
    with open(f"{FOLDER}/commit", encoding="ascii") as commit:
        if commit.read().strip() != head():
            print(f"1..0 # SKIP the packages in {FOLDER} are not of what is committed: make deb")
            sys.exit(0)
    tap.run([tells_what_differs, is_the_same_twice], Elsewhere)
