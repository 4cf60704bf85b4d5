# SPDX-License-Identifier: Apache-2.0
"""Parts of coming up that go on beside each other: starting a program takes long in the guest."""

import threading


class Background:
    """Functions that run one after the other in a thread of their own, until wait()."""

    def __init__(self, *functions):
        self._functions = functions
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            for function in self._functions:
                function()
        except Exception as error:  # handed over to who waits
            self._error = error

    def wait(self):
        """Wait for all of them; raises what one of them raised."""
        self._thread.join()
        if self._error:
            raise self._error


def all_at_once(functions):
    for part in [Background(function) for function in functions]:
        part.wait()
