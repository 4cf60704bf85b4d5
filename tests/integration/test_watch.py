# SPDX-License-Identifier: Apache-2.0
"""flowlift watch: on a terminal of tmux, on one that is looked at byte by byte, and without any."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

import samples
import tap
from answer import FLOWLIFT, PATIENCE, SANITIZED

# What a terminal gets when it is given back: its cursor, then its own screen.
SHOWS_CURSOR = b"\x1b[?25h"
LEAVES_SCREEN = b"\x1b[?1049l"
ENTERS_SCREEN = b"\x1b[?1049h"
EVIL = "evil\x1b[2J\x1b]0;owned\x07"
DEADLINE = 15 * PATIENCE


def wait_until(condition, what, seconds=DEADLINE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise tap.Failure(f"not so within {seconds} s: {what}")


def capture(second, packets, **options):
    """A capture of one dump: that all flows had counted @packets at @second."""
    document = json.loads(samples.capture(**{"names": {3: EVIL}, **options}))
    options.pop("names", None)
    clock = f"2026-03-01T12:{second // 60:02d}:{second % 60:02d}.000Z"
    document.update(time=clock, window_ms=0,
                    samples=[{"time": clock, "lines": samples.flow_lines(packets, **options)}])
    return json.dumps(document)


class Desk:
    """A folder with captures that show one host every five seconds."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-watch-")
        self.socket = f"{self.folder}/tmux"
        self.files = [self.write(f"{i:03d}.json", capture(5 * i, 5000 * i * (1 + i % 3)))
                      for i in range(1, 60)]
        os.makedirs(f"{self.folder}/nowhere")
        return self

    def __exit__(self, *_):
        self.tmux("kill-server", check=False)
        shutil.rmtree(self.folder)

    def write(self, name, content):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def environment(self, **changes):
        nowhere = f"{self.folder}/nowhere"
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                       "OVS_RUNDIR": nowhere, "OVS_DBDIR": nowhere, "OVS_LOGDIR": nowhere}
        environment.pop("NO_COLOR", None)
        environment.update(changes)
        return environment

    def words(self, *words, n=None, window="0.2"):
        files = [word for path in self.files[:n] for word in ("--from", path)] if n != 0 else []
        return [FLOWLIFT, "watch", "--root", f"{self.folder}/root", "--window", window, *words,
                *files]

    def run(self, *words, n=None, window="0.2", **options):
        return subprocess.run(self.words(*words, n=n, window=window), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
                              env=self.environment(**options))

    # ---- tmux ----

    def tmux(self, *words, check=True):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *words],
                              capture_output=True, text=True, check=False,
                              env=self.environment())
        tap.check(not check or not done.returncode, f"tmux {words[0]}", done.stderr)
        return done.stdout

    @contextlib.contextmanager
    def session(self, *words, size=(100, 24), n=None, env="", shell=False):
        """flowlift in tmux; @shell: only an interactive shell, with the command in $WATCH."""
        if not shutil.which("tmux"):
            tap.skip("needs tmux")
        command = " ".join(self.words(*words, n=n))
        script = (f"stty -a >{self.folder}/before; echo prompt; {env} {command}; "
                  f"code=$?; stty -a >{self.folder}/after; echo code $code; exec sleep 1000")
        if shell:
            script = f"WATCH='{command}' PS1='prompt ' exec bash --norc --noprofile -i"
        self.tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), script)
        try:
            yield
        finally:
            self.tmux("kill-server", check=False)
            wait_until(lambda: "no server" in subprocess.run(
                ["tmux", "-S", self.socket, "list-sessions"], capture_output=True, text=True,
                check=False).stderr or not os.path.exists(self.socket), "tmux is over")

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def key(self, *keys):
        self.tmux("send-keys", *keys)

    def await_screen(self, pattern, what, *options):
        seen = []

        def looks_so():
            seen[:] = [self.screen(*options)]
            return re.search(pattern, seen[0]) and seen[0]

        try:
            return wait_until(looks_so, what)
        except tap.Failure as failure:
            raise tap.Failure(f"{failure}\n{seen[0]}") from None


class Terminal:
    """flowlift watch on a pseudo-terminal that is read when the test wants to."""

    def __init__(self, desk, *words, n=None, window="0.2", size=(24, 80), **env):
        self.ours, self.theirs = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.theirs)
        self.written = b""
        self.process = subprocess.Popen(
            desk.words(*words, n=n, window=window), stdin=self.theirs, stdout=self.theirs,
            stderr=subprocess.PIPE, env=desk.environment(**env), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for fd in (self.ours, self.theirs):
            with contextlib.suppress(OSError):
                os.close(fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def fill(self, times=50):
        """Has it draw all anew, time and again, until its terminal holds no more."""
        for i in range(times):
            self.resize(200 - i % 2, 500)
            time.sleep(0.005)

    def read(self, seconds=0.0):
        """What it writes within @seconds, added to self.written."""
        deadline = time.monotonic() + seconds
        while select.select([self.ours], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                part = os.read(self.ours, 65536)
            except OSError:
                break
            if not part:
                break
            self.written += part
        return self.written

    def await_bytes(self, wanted, what):
        wait_until(lambda: wanted in self.read(0.02), what)

    def type(self, keys):
        os.write(self.ours, keys)

    def end(self):
        """Reads on until it has ended. Return: its status."""
        wait_until(lambda: self.read(0.02) is not None and self.process.poll() is not None,
                   "it ends")
        self.read(0.05)
        return self.process.returncode

    def expect_given_back(self):
        last = self.written[-40:]
        tap.check(SHOWS_CURSOR in last and LEAVES_SCREEN in last,
                  "cursor and screen are given back", repr(self.written[-100:]))
        tap.equal(termios.tcgetattr(self.theirs), self.before, "modes of the terminal")
        tap.equal(fcntl.fcntl(self.theirs, fcntl.F_GETFL) & os.O_NONBLOCK, 0, "it blocks again")


# ---- Without a terminal ----


def without_a_terminal_it_says_what_to_do(desk):
    "without a terminal: one sentence that says what to do, exit 2"
    for env in ({}, {"TERM": "dumb"}):
        done = desk.run(**env)
        tap.equal((done.returncode, done.stdout), (2, ""), "exit code, standard output")
        tap.equal(len(done.stderr.splitlines()), 1, "sentences")
        tap.check("flowlift watch --json" in done.stderr, "it names --json", done.stderr)


def json_has_a_line_for_each_reading(desk):
    "--json: a document of audit for each reading, each with the window since the one before"
    for words in (("--json",), ("--format", "jsonl")):
        done = desk.run(*words, n=4)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        tap.equal([(line["schema"], line["window_ms"], line["time"][14:19]) for line in lines],
                  [("flowlift/audit/1", 5000, f"00:{second}") for second in (10, 15, 20)],
                  "documents")
        tap.equal((done.returncode, done.stderr), (1, ""), "exit code of the last audit")
    single = subprocess.run([FLOWLIFT, "audit", "--json", "--from", desk.files[0]],
                            capture_output=True, check=False, env=desk.environment())
    tap.equal(set(lines[0]), set(json.loads(single.stdout)), "keys are those of audit")
    # 10,000 packets each of two directions; conntrack is a link of its own.
    tap.equal([(vm["name"], vm["verdict"], vm["storage"]["packets"]["hw"],
                vm["storage"]["packets"]["dp_sw"]) for vm in lines[0]["vms"]],
              [("web-2", "stranded", 0, 40000), (EVIL, "offloaded", 40000, 0),
               ("web-1", "offloaded", 40000, 0)], "packets since the reading before")


def n_ends_it(desk):
    "-n N: ends after N readings; -n of history still means lines"
    tap.equal(len(desk.run("--json", "-n", "2").stdout.splitlines()), 2, "documents")
    tap.equal(len(desk.run("--json", "--ticks", "1").stdout.splitlines()), 1, "documents")
    done = subprocess.run([FLOWLIFT, "history", "-n", "3", "--root", desk.folder], check=False,
                          capture_output=True, env=desk.environment())
    tap.equal(done.returncode, 0, "exit code of history -n 3")


def one_vm_alone(desk):
    "watch VM: only this one; an unknown one is refused with the nearest"
    lines = desk.run("web-1", "--json", "-n", "1").stdout.splitlines()
    tap.equal([vm["name"] for vm in json.loads(lines[0])["vms"]], ["web-1"], "VMs")
    done = desk.run("web-8", "--json")
    tap.equal((done.returncode, done.stdout), (2, ""), "exit code, standard output")
    tap.check("the nearest: web-1" in done.stderr, "the nearest is named", done.stderr)


def dumps_and_captures_are_played(desk):
    "--from: raw dumps make windows between each two, a capture with both readings has its own"
    dumps = [desk.write(f"dump{i}.txt", samples.dump(1000 * (i + 1))) for i in range(3)]
    whole = desk.write("whole.json", samples.capture())
    words = [word for path in (*dumps, whole) for word in ("--from", path)]
    done = desk.run("--json", *words, n=0, window="0.5")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    tap.equal([(line["host"], line["window_ms"]) for line in lines],
              [("unknown", 500), ("unknown", 500), ("node7", 5000)], "documents")
    tap.equal([vm["storage"]["packets"]["hw"] for vm in lines[1]["vms"] if vm["name"] == "vm1"],
              [2000], "packets of a port in the second window")


def files_that_do_not_follow_are_refused(desk):
    "--from: another host, an earlier time, a file that is none: one sentence that names it, exit 2"
    other = desk.write("other.json", capture(50, 9).replace("node7", "node8"))
    for path, part in ((other, "node8"), (desk.files[0], "not later"), ("/nowhere", "no such")):
        done = desk.run("--json", "--from", desk.files[1], "--from", path, n=0)
        tap.equal((done.returncode, done.stdout), (2, ""), "exit code, standard output")
        tap.check(path in done.stderr and part in done.stderr.lower(), f"{part}", done.stderr)


def a_reader_that_goes_away_ends_it(desk):
    "--json: ends when nobody reads it any more"
    with subprocess.Popen(desk.words("--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=desk.environment()) as process:
        process.stdout.readline()
        process.stdout.close()
        tap.equal(process.wait(10 * PATIENCE), 2, "exit code")
        tap.equal(process.stderr.read(), b"", "standard error")


def a_tick_has_a_least_length(desk):
    "--window 0 is refused: there would be nothing to count in"
    done = desk.run("--json", window="0")
    tap.equal(done.returncode, 2, "exit code")
    tap.check("--window 5" in done.stderr, "it says what to give", done.stderr)


# ---- On a terminal ----


def a_first_reading_that_fails_ends_it(desk):
    "without Open vSwitch: the terminal as it was, then one sentence, exit 2"
    with Terminal(desk, n=0) as terminal:
        tap.equal(terminal.end(), 2, "exit code")
        sentence = terminal.process.stderr.read().decode()
        tap.check(sentence.count("\n") == 1 and "db.sock" in sentence, "one sentence", sentence)
        terminal.expect_given_back()


def the_screen_has_the_worst_first(desk):
    "tmux: verdicts, bars, rates and causes, the worst first; names are harmless; q ends it"
    with desk.session(n=4):
        screen = desk.await_screen("end of the files", "the last reading is shown")
        lines = screen.splitlines()
        tap.check(lines[0].startswith("flowlift watch  node7  3 VMs: 1 stranded, 2 offloaded"),
                  "header", screen)
        tap.check(re.match(r"▸ web-2 +stranded +█+ +0 +\S+ +\S+ MB +[▁▂▃▄▅▆▇█]+ +conntrack",
                           lines[4]), "the stranded VM is first", screen)
        tap.check(re.match(r"  evil\\x1b\[2J\S* +offloaded ", lines[5]), "a name", screen)
        tap.check("quit" in lines[-1] and "hw-partial" in lines[-2], "legend, keys", screen)
        desk.key("q")
        screen = desk.await_screen("code 0", "it ends")
        tap.check(screen.startswith("prompt\n"), "what was there before is there again", screen)
        tap.check("stranded" not in screen, "nothing of it stays", screen)
        tap.equal(open(f"{desk.folder}/after").read(), open(f"{desk.folder}/before").read(),
                  "stty -a")


def keys_do_what_the_footer_says(desk):
    "tmux: j, e, s, p, arrows and page keys"
    with desk.session(n=4):
        desk.await_screen("end of the files", "the last reading is shown")
        desk.key("e")
        screen = desk.await_screen("▾ web-2", "unfolded")
        tap.check(re.search(r"├ dp-sw +\S+ +\S+ .B  from  tcp 10.1.0.2 > 10.1.0.250:2049, VLAN 100"
                            r"  conntrack", screen), "its flows", screen)
        desk.key("e", "Down")
        desk.await_screen("▸ evil", "folded, and down")
        desk.key("NPage")
        desk.await_screen("▸ web-1", "page down")
        desk.key("Up", "k")
        desk.await_screen("▸ web-2", "up")
        for order in ("software", "packets", "bytes", "name", "worst"):
            desk.key("s")
            desk.await_screen(f"sort: {order}", order)
        desk.key("p")
        desk.await_screen("paused", "pause")
        desk.key("p")
        desk.await_screen("end of the files", "on again")


def a_resize_is_followed(desk):
    "tmux: the screen follows the size of the terminal, however small"
    with desk.session(n=4, size=(80, 24)):
        desk.await_screen("end of the files", "the last reading is shown")
        for width, height in ((160, 40), (40, 8), (5, 2), (1, 1), (120, 30)):
            desk.tmux("resize-window", "-x", str(width), "-y", str(height))
            if width >= 40:
                screen = desk.await_screen("stranded", f"{width}x{height}")
                wait_until(lambda: len(desk.screen().rstrip("\n").splitlines()) == height,
                           f"the footer is in line {height}")
        desk.key("q")
        desk.await_screen("code 0", "it ends")


def colours_only_where_wanted(desk):
    "tmux: paths in colours; with NO_COLOR, or a terminal that has none, in letters"
    with desk.session(n=4):
        screen = desk.await_screen("end of the files", "the last reading is shown", "-e")
        tap.check("\x1b[31m██" in screen and "\x1b[32m██" in screen, "red and green", repr(screen))
    for env in ("NO_COLOR=1", "TERM=vt100"):
        with desk.session(n=4, env=env):
            screen = desk.await_screen("end of the files", "the last reading is shown", "-e")
            tap.check(re.search("HHHHHH", screen) and "DDDDDD" in screen, "letters", screen)
            tap.check(not re.search(r"\x1b\[[0-9;]*3[0-7]m", screen), "no colour", repr(screen))


# ---- What is written, byte by byte ----


def only_what_changed_is_written(desk):
    "a screen after the first has what changed in it, in one write, and nothing else"
    with Terminal(desk, n=30, window="0.4", size=(60, 200)) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        first = len(terminal.read(0.2))
        frames = []
        for _ in range(5):
            before = len(terminal.written)
            wait_until(lambda: len(terminal.read(0.01)) > before, "the next screen")
            terminal.read(0.1)
            frames.append(len(terminal.written) - before)
        tap.note(f"first screen {first} bytes, then {frames}")
        tap.check(max(frames) < 900 and max(frames) < first / 2, "later ones are small", frames)
        tap.check(b"\x07" not in terminal.written and b"\x1b]0;owned" not in terminal.written,
                  "nothing of the evil name is taken for a command")


def whatever_ends_it_gives_the_terminal_back(desk):
    "SIGTERM, SIGINT, SIGHUP, SIGQUIT, ^C: the terminal as it was, exit 0"
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, b"\x03", b"q"):
        with Terminal(desk) as terminal:
            terminal.await_bytes(b"stranded", "the first screen")
            tap.check(ENTERS_SCREEN in terminal.written, "it has a screen of its own")
            if isinstance(end, bytes):
                terminal.type(end)
            else:
                terminal.process.send_signal(end)
            tap.equal(terminal.end(), 0, f"exit code after {end}")
            terminal.expect_given_back()


def a_crash_gives_the_terminal_back(desk):
    "SIGSEGV, SIGABRT, SIGBUS, SIGFPE: the terminal as it was, and the crash is a crash"
    for crash in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE):
        with Terminal(desk) as terminal:
            terminal.await_bytes(b"stranded", "the first screen")
            terminal.process.send_signal(crash)
            status = terminal.end()
            # A sanitizer turns a crash into an exit of its own.
            tap.check(status == -crash or (SANITIZED and status != 0), "status", status)
            terminal.expect_given_back()


def a_killed_reader_ends_it_with_a_sentence(desk):
    "the process that reads is killed: the terminal as it was, one sentence, exit 2"
    with Terminal(desk) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        with open(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children",
                  encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        tap.equal(terminal.end(), 2, "exit code")
        tap.check(b"killed by signal 9" in terminal.process.stderr.read(), "it says why")
        terminal.expect_given_back()


def it_leaves_no_process(desk):
    "killed by SIGKILL, it leaves no process that goes on reading"
    with Terminal(desk) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        with open(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children",
                  encoding="ascii") as file:
            child = int(file.read().split()[0])
        terminal.process.kill()
        wait_until(lambda: not os.path.exists(f"/proc/{child}")
                   or "\nState:\tZ" in open(f"/proc/{child}/status").read(), "its child is gone")


def stopped_and_continued(desk):
    "tmux: ^Z gives the terminal back while it stands still, fg brings its screen again"
    with desk.session(n=4, shell=True):
        desk.await_screen("prompt", "a shell")
        desk.key("stty -a >before; $WATCH; echo code $?", "Enter")
        desk.await_screen("▸ web-2", "the first screen")
        for _ in range(2):
            desk.key("C-z")
            screen = desk.await_screen("Stopped", "it stands still")
            tap.check("stranded" not in screen, "on the shell's own screen", screen)
            # The shell has set its own modes by now; they would not be those if ours were set after.
            desk.key("fg >/dev/null; echo code $?", "Enter")
            screen = desk.await_screen("▸ web-2", "its screen again")
            tap.check("quit" in screen.splitlines()[-1], "all of it", screen)
        desk.key("q")
        desk.await_screen("code 0", "it ends")


def continued_after_sigstop(desk):
    "SIGSTOP, SIGCONT: its modes and its screen are set anew"
    with Terminal(desk, n=4) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        modes = termios.tcgetattr(terminal.theirs)
        terminal.process.send_signal(signal.SIGSTOP)
        termios.tcsetattr(terminal.theirs, termios.TCSANOW, terminal.before)
        terminal.written = b""
        terminal.process.send_signal(signal.SIGCONT)
        terminal.await_bytes(b"stranded", "its screen")
        tap.check(ENTERS_SCREEN in terminal.written, "its own screen", repr(terminal.written))
        tap.equal(termios.tcgetattr(terminal.theirs), modes, "modes")
        terminal.type(b"q")
        tap.equal(terminal.end(), 0, "exit code")
        terminal.expect_given_back()


def memory_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1])


def a_terminal_that_takes_nothing_holds_nobody_up(desk):
    "a terminal that is not read: no memory piles up, then the newest screen; keys are answered"
    with Terminal(desk, size=(200, 500)) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        terminal.fill()
        before = memory_of(terminal.process.pid)
        terminal.fill(300)
        after = memory_of(terminal.process.pid)
        # A sanitizer keeps what was freed.
        tap.check(SANITIZED or after - before < 2048, "memory does not grow", f"{before} kB, {after} kB")
        terminal.written = b""
        terminal.type(b"s")
        terminal.await_bytes(b"software", "the newest screen, once it is read")
        tap.check(len(terminal.written) < 2000000, "old screens were left out",
                  len(terminal.written))


def a_terminal_that_takes_nothing_is_left(desk):
    "a terminal that is not read: q and SIGTERM end it all the same, in seconds"
    for end in (b"q", signal.SIGTERM):
        with Terminal(desk, size=(200, 500)) as terminal:
            terminal.await_bytes(b"stranded", "the first screen")
            terminal.fill()
            started = time.monotonic()
            if isinstance(end, bytes):
                terminal.type(end)
            else:
                terminal.process.send_signal(end)
            tap.equal(terminal.process.wait(DEADLINE), 0, "exit code")
            tap.note(f"{time.monotonic() - started:.1f} s")
            tap.equal(termios.tcgetattr(terminal.theirs), terminal.before, "modes")


def a_terminal_that_goes_away_ends_it(desk):
    "a terminal that is gone: it ends, with exit 2 or by SIGHUP, and says nothing"
    with Terminal(desk) as terminal:
        terminal.await_bytes(b"stranded", "the first screen")
        os.close(terminal.theirs)
        os.close(terminal.ours)
        tap.check(terminal.process.wait(DEADLINE) in (0, 2), "it ends",
                  terminal.process.returncode)
        tap.equal(terminal.process.stderr.read(), b"", "standard error")


if __name__ == "__main__":
    tap.run([
        without_a_terminal_it_says_what_to_do,
        json_has_a_line_for_each_reading,
        n_ends_it,
        one_vm_alone,
        dumps_and_captures_are_played,
        files_that_do_not_follow_are_refused,
        a_reader_that_goes_away_ends_it,
        a_tick_has_a_least_length,
        a_first_reading_that_fails_ends_it,
        the_screen_has_the_worst_first,
        keys_do_what_the_footer_says,
        a_resize_is_followed,
        colours_only_where_wanted,
        only_what_changed_is_written,
        whatever_ends_it_gives_the_terminal_back,
        a_crash_gives_the_terminal_back,
        a_killed_reader_ends_it_with_a_sentence,
        it_leaves_no_process,
        stopped_and_continued,
        continued_after_sigstop,
        a_terminal_that_takes_nothing_holds_nobody_up,
        a_terminal_that_takes_nothing_is_left,
        a_terminal_that_goes_away_ends_it,
    ], bench=Desk)
