#!/usr/bin/python3 -SB
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes of a mounted disk, past the client's cache, and how long each took.

    disk_io.py load FILE RATE SECONDS|0      so many operations a second until SIGTERM
    disk_io.py job FILE MIB                  write, read back, compare sha256
Prints "started", and one JSON object at the end.
"""

import errno
import hashlib
import json
import mmap
import os
import signal
import sys
import time

LOAD_BLOCK = 16 * 1024
LOAD_BLOCKS = 64
JOB_BLOCK = 256 * 1024


class Disk:
    """One file, opened with O_DIRECT, whose every operation is timed."""

    def __init__(self, path, block):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
        self.buffer = mmap.mmap(-1, block)
        self.slowest = {"read": 0.0, "write": 0.0}
        self.count = {"read": 0, "write": 0}
        self.times_ms = []
        self.errors = []

    def _timed(self, kind, operation, offset):
        begun = time.monotonic()
        try:
            done = operation(self.fd, [self.buffer], offset)
            if done != len(self.buffer):
                self.errors.append(f"{kind} at {offset}: {done} bytes")
        except OSError as error:
            self.errors.append(f"{kind} at {offset}: {errno.errorcode.get(error.errno)}")
        took = time.monotonic() - begun
        self.count[kind] += 1
        self.slowest[kind] = max(self.slowest[kind], took)
        self.times_ms.append(round(took * 1000, 1))

    def write(self, offset):
        self._timed("write", os.pwritev, offset)

    def read(self, offset):
        self._timed("read", os.preadv, offset)

    def report(self):
        ordered = sorted(self.times_ms)
        return {
            "reads": self.count["read"],
            "writes": self.count["write"],
            "errors": len(self.errors),
            "first_errors": self.errors[:5],
            "slowest_ms": ordered[-1] if ordered else None,
            "median_ms": ordered[len(ordered) // 2] if ordered else None,
            "slowest_read_ms": round(self.slowest["read"] * 1000, 1),
            "slowest_write_ms": round(self.slowest["write"] * 1000, 1),
        }


def pattern(number, size):
    """A block's content: like no other block's, in all its pages."""
    return b"".join(b"%016d%016d" % (number, page) + bytes(4064) for page in range(size // 4096))


def load(path, rate, seconds):
    """A write and a read back by turns; content is compared."""
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    print("started", flush=True)
    disk = Disk(path, LOAD_BLOCK)
    mismatches = number = 0
    begun = due = time.monotonic()
    while not stop and not (seconds and time.monotonic() - begun > seconds):
        offset = number % LOAD_BLOCKS * LOAD_BLOCK
        content = pattern(number, LOAD_BLOCK)
        disk.buffer[:] = content
        disk.write(offset)
        due = wait_for_turn(due, rate, stop)
        disk.buffer[:] = bytes(LOAD_BLOCK)
        disk.read(offset)
        mismatches += disk.buffer[:] != content
        due = wait_for_turn(due, rate, stop)
        number += 1
    return {**disk.report(), "mismatches": mismatches,
            "seconds": round(time.monotonic() - begun, 2)}


def wait_for_turn(due, rate, stop):
    """Sleep until the next operation is due; what was missed is not caught up with."""
    due = max(due + 1 / rate, time.monotonic() - 1 / rate)
    while not stop and (left := due - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
    return due


def job(path, mib):
    print("started", flush=True)
    disk = Disk(path, JOB_BLOCK)
    n_blocks = mib * 1024 * 1024 // JOB_BLOCK
    written, came_back = hashlib.sha256(), hashlib.sha256()
    begun = time.monotonic()
    for number in range(n_blocks):
        content = pattern(number, JOB_BLOCK)
        written.update(content)
        disk.buffer[:] = content
        disk.write(number * JOB_BLOCK)
    half = time.monotonic()
    for number in range(n_blocks):
        disk.buffer[:] = bytes(JOB_BLOCK)
        disk.read(number * JOB_BLOCK)
        came_back.update(disk.buffer)
    end = time.monotonic()
    os.unlink(path)
    return {**disk.report(), "sha256_written": written.hexdigest(),
            "sha256_read": came_back.hexdigest(), "mib": mib,
            "write_seconds": round(half - begun, 2), "read_seconds": round(end - half, 2),
            "times_ms": disk.times_ms}


def main(verb, path, *numbers):
    if verb == "load":
        result = load(path, float(numbers[0]), float(numbers[1]))
    else:
        result = job(path, int(numbers[0]))
    print(json.dumps(result), flush=True)


main(*sys.argv[1:])
