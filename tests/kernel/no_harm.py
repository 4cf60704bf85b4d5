#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A mounted disk while its VM is repaired and the repair is taken back: NFS over OVN, kernel to kernel."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kernel_bench  # noqa: E402
import tap  # noqa: E402

VM = "vm2"
MIB = 64
JOB_SECONDS = 400
TIMES_SLOWEST = 5
# The guest's machine may stand still for a moment: of the operations so many are not counted.
LEFT_OUT = 0 if tap.TIMES else 2


class Bench(kernel_bench.KernelBench):
    slowest_ms = None

    def __enter__(self):
        super().__enter__()
        self.lab.start_load(VM, rate=10)  # so that there is traffic beyond the end of a job
        return self

    def done(self, job):
        """The outcome of a job that wrote and read back without an error."""
        result = job.wait(JOB_SECONDS)
        tap.note({key: value for key, value in result.items() if key != "times_ms"})
        tap.equal(result["errors"], 0, "I/O errors")
        tap.equal(result["sha256_read"], result["sha256_written"], "what was read back")
        return result


def undisturbed(bench):
    "64 MiB written and read back by the stranded VM, undisturbed: the measure"
    result = bench.done(bench.lab.start_nfs_job(VM, MIB))
    bench.slowest_ms = result["slowest_ms"]


def repaired_and_taken_back(bench):
    "the same while apply and revert run: no I/O error, operations not 5 times as slow as the slowest"
    job = bench.lab.start_nfs_job(VM, MIB)
    bench.await_verdicts({VM: "stranded"}, 60)
    bench.flowlift("apply", VM, "--ticket", "T-2", timeout=180).expect(0)
    bench.revert()
    tap.check(job.is_running(), "both were done while the job ran")
    result = bench.done(job)
    slowest_ms = sorted(result["times_ms"])[-1 - LEFT_OUT:]
    tap.check(slowest_ms[0] <= TIMES_SLOWEST * bench.slowest_ms,
              f"slowest operations {slowest_ms} ms, undisturbed {bench.slowest_ms} ms")


if __name__ == "__main__":
    kernel_bench.main(__file__, [undisturbed, repaired_and_taken_back], Bench, timeout=1500)
