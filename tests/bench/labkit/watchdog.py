# SPDX-License-Identifier: Apache-2.0
"""Who ends a lab whose owner is killed.

A process of its own holds the reading end of a pipe of which the owner alone holds the writing
end. When the owner is gone, however it went, the pipe ends, and the watchdog ends the lab.
"""

import os
import select
import signal
import subprocess
import sys

DONE = b"d"  # the owner has ended the lab itself
KEEP = b"k"  # the lab is to outlive this owner


class Watchdog:
    """The owner's side."""

    def __init__(self, program, directory, instance, other_owner):
        read_end, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-B", program, "_watch", directory, instance, str(other_owner or 0)],
            stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/")
        os.close(read_end)

    def _tell(self, word):
        try:
            os.write(self._pipe, word)
        except OSError:
            pass
        os.close(self._pipe)

    def dismiss(self):
        self._tell(DONE)
        self._process.wait()

    def leave(self):
        """Let the lab live on; with another owner the watchdog goes on watching that one."""
        self._tell(KEEP)


def owner_is_gone(other_owner):
    """The watchdog's side: wait until there is something to do. Returns whether to end the lab.

    other_owner: pid of a process with whose end the lab ends too, or 0.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        other = os.pidfd_open(other_owner) if other_owner else None
    except OSError:
        return True  # it has ended already
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    if other is not None:
        waiting.register(other, select.POLLIN)
    while True:
        ready = [fd for fd, _ in waiting.poll()]
        if 0 in ready:
            word = os.read(0, 1)
            if word != KEEP:
                return word != DONE
            if other is None:
                return False
            waiting.unregister(0)
        elif other in ready:
            return True
